//! Writing an archive.

use super::{FORMAT, INDEX, Index, IndexedControl, Named, VERSION};
use crate::error::Error;
use crate::profile::{Manifest, Profile, sha256};
use flate2::{Compression, GzBuilder};
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The time of every entry, 1980-01-01 UTC in seconds: fixed, and not so early that tar(1)
/// calls it implausible.
const TIME: u64 = 315_532_800;
/// The operating system in the gzip header: unknown (RFC 1952, 2.3.1).
const UNKNOWN_SYSTEM: u8 = 255;

/// The name an archive has by rights: `NAME-VERSION.tar.gz`.
pub fn file_name(manifest: &Manifest) -> String {
    format!("{}.tar.gz", folder(manifest))
}

/// The folder inside the archive: `NAME-VERSION`.
fn folder(manifest: &Manifest) -> String {
    format!("{}-{}", manifest.name, manifest.version)
}

/// Writes the archive of a profile to `path`, whole or not at all; an existing file stays
/// unless `overwrite`.
///
/// # Errors
/// The file exists, the folder cannot be written, or the archive could not be read again.
pub fn write(profile: &Profile, controls: &[IndexedControl], path: &Path, overwrite: bool) -> Result<(), Error> {
    let exists = || Error::usage("is there already").in_file(path).hint("give --overwrite to replace it");
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let unwritable = |error: io::Error| {
        // Without the name of the temporary file, which `tempfile` adds.
        let text = error.to_string();
        let cause = text.rsplit_once(" at path ").map_or(&*text, |(cause, _)| cause);
        Error::usage(format!("cannot be written: {cause}")).in_file(path).hint("name another place with --output")
    };
    let bytes = pack(profile, controls).map_err(unwritable)?;
    // What a reader would refuse (a file that compresses beyond belief, say) is found now.
    super::read::unpack(path, &bytes)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".probity-")
        // Less what the umask forbids, as any file a program makes.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(unwritable)?;
    file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(unwritable)?;
    if overwrite {
        file.persist(path).map_err(|error| unwritable(error.error))?;
    } else {
        // Another process may have made it since it was looked for.
        file.persist_noclobber(path).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => exists(),
            _ => unwritable(error.error),
        })?;
    }
    Ok(())
}

/// The bytes of the archive of a profile.
///
/// # Errors
/// None that a profile read by [`Profile::load`] can cause: all is written to memory.
pub fn pack(profile: &Profile, controls: &[IndexedControl]) -> io::Result<Vec<u8>> {
    let index = Index {
        format: FORMAT.to_string(),
        version: VERSION,
        profile: Named { name: profile.manifest.name.to_string(), version: profile.manifest.version.to_string() },
        sha256: profile.sha256().to_string(),
        controls: controls.to_vec(),
        files: profile.files().iter().map(|(path, bytes)| (path.to_string(), sha256(bytes))).collect(),
    };
    let mut index = serde_json::to_vec_pretty(&index)?;
    index.push(b'\n');
    let folder = folder(&profile.manifest);
    let gzip = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    append(&mut tar, &format!("{folder}/{INDEX}"), &index)?;
    for (path, bytes) in profile.files() {
        append(&mut tar, &format!("{folder}/{path}"), bytes)?;
    }
    tar.into_inner()?.finish()
}

fn append(tar: &mut tar::Builder<impl Write>, path: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(TIME);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, path, bytes)
}
