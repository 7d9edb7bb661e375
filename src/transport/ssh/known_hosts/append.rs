//! Writing down the key of a host that was not known.

use super::entry::hashed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{FlockOperation, flock};
use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Adds a line, alone in doing so among all threads and programs that lock the file. A key
/// that somebody else has added meanwhile is not added again.
///
/// # Errors
/// Why the file cannot be written.
pub(in super::super) fn append(path: &Path, name: &str, kind: &str, blob: &[u8], hash: bool) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot write the host key into {}: {error}", path.display());
    let key = STANDARD.encode(blob);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(failed)?;
    // Kept until the file is closed.
    flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(failed)?;
    let own = super::entry::read(&String::from_utf8_lossy(&bytes), &path.into());
    if own.iter().any(|entry| entry.marker.is_none() && entry.key().as_deref() == Some(blob) && entry.names(name)) {
        return Ok(());
    }
    let hosts = if hash { hashed_name(name).map_err(failed)? } else { name.to_string() };
    // A last line without its end would swallow this one.
    let begin = if bytes.last().is_some_and(|&last| last != b'\n') { "\n" } else { "" };
    // One call, so that who reads without the lock sees the whole line or none.
    file.write_all(format!("{begin}{hosts} {kind} {key}\n").as_bytes()).map_err(failed)
}

fn hashed_name(name: &str) -> std::io::Result<String> {
    let mut salt = [0; 20];
    let mut filled = 0;
    while filled < salt.len() {
        filled += rustix::rand::getrandom(&mut salt[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    let hash = hashed(&salt, name).ok_or(std::io::ErrorKind::InvalidInput)?;
    Ok(format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash)))
}
