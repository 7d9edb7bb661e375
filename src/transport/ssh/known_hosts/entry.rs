//! Lines of a known_hosts file.

use super::super::pattern::any_fits;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// No file of host keys is larger.
const LARGEST: u64 = 256 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Authority,
    Revoked,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) marker: Option<Marker>,
    hosts: Hosts,
    pub(super) kind: String,
    /// In base64, decoded only where the host fits.
    key: String,
    file: Arc<Path>,
    line: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Hosts {
    Patterns(Vec<String>),
    /// `|1|SALT|HASH`: HMAC-SHA1 of the name.
    Hashed {
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

impl Entry {
    /// Whether the line speaks of a host.
    pub(super) fn names(&self, host: &str) -> bool {
        match &self.hosts {
            Hosts::Patterns(patterns) => any_fits(patterns.iter().map(String::as_str), host),
            Hosts::Hashed { salt, hash } => hashed(salt, host).is_some_and(|found| found == *hash),
        }
    }

    pub(super) fn key(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.key).ok()
    }

    /// `FILE:LINE`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// The hash of a host's name, as it stands in a file.
pub(super) fn hashed(salt: &[u8], host: &str) -> Option<Vec<u8>> {
    let mut hmac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    hmac.update(host.as_bytes());
    Some(hmac.finalize().into_bytes().to_vec())
}

/// When a file was last changed, and its length: what was read of it holds as long as these do.
type Stamp = (Option<SystemTime>, u64, u64);

/// All lines of a file; an empty list where there is none. A file that has not changed is
/// read once a process.
pub(super) fn all(path: &Path) -> Result<Arc<[Arc<Entry>]>, String> {
    type Known = HashMap<PathBuf, (Stamp, Arc<[Arc<Entry>]>)>;
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    let failed = |why: &dyn std::fmt::Display| format!("cannot read the host keys in {}: {why}", path.display());
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Arc::new([]));
        }
        Err(error) => return Err(failed(&error)),
    };
    if metadata.is_dir() {
        return Err(failed(&"it is a folder"));
    }
    if metadata.len() > LARGEST {
        return Err(failed(&"it is too large"));
    }
    // /dev/null is a usual way to say "none"; other devices may never end.
    if !metadata.is_file() {
        return Ok(Arc::new([]));
    }
    let stamp = (metadata.modified().ok(), metadata.len(), std::os::unix::fs::MetadataExt::ino(&metadata));
    let known = KNOWN.get_or_init(Mutex::default);
    // Held while the file is read, so that many nodes at once read it once.
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((seen, entries)) = known.get(path)
        && *seen == stamp
    {
        return Ok(Arc::clone(entries));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    let entries: Arc<[Arc<Entry>]> = read(&String::from_utf8_lossy(&bytes), &Arc::from(path)).into();
    // What was changed just now may change again within the same tick of its clock.
    let settled = stamp.0.is_some_and(|time| time.elapsed().is_ok_and(|age| age.as_millis() > 100));
    if settled {
        known.insert(path.to_path_buf(), (stamp, Arc::clone(&entries)));
    } else {
        known.remove(path);
    }
    Ok(entries)
}

/// Reads lines; what is none is passed over, as the client does.
pub(super) fn read(text: &str, file: &Arc<Path>) -> Vec<Arc<Entry>> {
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut fields = line.split_ascii_whitespace().peekable();
        let marker = match fields.peek() {
            None => continue,
            Some(field) if field.starts_with('#') => continue,
            Some(&"@cert-authority") => Some(Marker::Authority),
            Some(&"@revoked") => Some(Marker::Revoked),
            // A marker of a later version changes what the line means.
            Some(field) if field.starts_with('@') => continue,
            Some(_) => None,
        };
        if marker.is_some() {
            fields.next();
        }
        let (Some(hosts), Some(kind), Some(key)) = (fields.next(), fields.next(), fields.next()) else { continue };
        // An old kind of line has numbers here.
        if kind.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let hosts = match hosts.strip_prefix("|1|") {
            Some(rest) => {
                let Some((salt, hash)) = rest.split_once('|') else { continue };
                let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else { continue };
                Hosts::Hashed { salt, hash }
            }
            None => Hosts::Patterns(hosts.split(',').map(str::to_string).collect()),
        };
        let (kind, key) = (kind.to_string(), key.to_string());
        entries.push(Arc::new(Entry { marker, hosts, kind, key, file: Arc::clone(file), line: number + 1 }));
    }
    entries
}
