//! A profile read from a directory.

use super::layout::{self, Part};
use super::{Files, manifest};
use crate::error::Error;
use std::fs::{self, File, FileType};
use std::io::Read;
use std::path::Path;

/// The files of the profile at `root`, by the rules of [`layout`].
pub(super) fn read(root: &Path) -> Result<Files, Error> {
    // Whether there is a profile at all comes before what else is wrong with the folder.
    if fs::symlink_metadata(root.join(manifest::FILE)).is_err() {
        return Err(no_manifest(root));
    }
    let mut files = Files::new();
    let mut total = 0;
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for (path, kind) in entries(root, &folder)? {
            let full = root.join(&path);
            match layout::part(&path, kind.is_dir()) {
                Part::Ignored if !kind.is_symlink() || layout::part(&path, true) == Part::Ignored => continue,
                Part::Wrong(fault, remedy) => return Err(Error::usage(fault).in_file(&full).hint(remedy)),
                Part::Belongs | Part::Ignored => {}
            }
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            if !kind.is_file() {
                let (what, remedy) = if kind.is_symlink() {
                    ("is a symbolic link", "put the file itself into the profile")
                } else {
                    ("is not a regular file", "remove it")
                };
                return Err(Error::usage(what).in_file(&full).hint(remedy));
            }
            if files.len() >= layout::MAX_FILES {
                return Err(Error::usage(format!("has more than {} files", layout::MAX_FILES)).in_file(root));
            }
            let bytes = content(&full)?;
            total += bytes.len() as u64;
            if total > layout::MAX_TOTAL {
                return Err(Error::usage(format!("holds more than {} MiB", layout::MAX_TOTAL >> 20)).in_file(root));
            }
            files.insert(path.into(), bytes.into());
        }
    }
    Ok(files)
}

/// The paths in a folder, relative to the profile, and what they are without following
/// links.
fn entries(root: &Path, folder: &str) -> Result<Vec<(String, FileType)>, Error> {
    let full = root.join(folder);
    let unread = |error: std::io::Error| Error::usage(format!("cannot be read: {error}")).in_file(&full);
    let mut entries = Vec::new();
    for entry in fs::read_dir(&full).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let kind = entry.file_type().map_err(unread)?;
        let name = match entry.file_name().into_string() {
            Ok(name) => name,
            // At the top it is no part of the profile, whatever it is.
            Err(_) if folder.is_empty() => continue,
            Err(_) => {
                return Err(Error::usage("has a name that is not UTF-8").in_file(&entry.path()).hint("rename it"));
            }
        };
        entries.push((if folder.is_empty() { name } else { format!("{folder}/{name}") }, kind));
    }
    // The same fault is reported on every machine, whatever order its file system keeps.
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

/// A file's bytes, read no further than the cap.
fn content(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(layout::MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| Error::usage(format!("cannot be read: {error}")).in_file(path))?;
    if bytes.len() as u64 > layout::MAX_FILE {
        return Err(Error::usage(format!("is larger than {} MiB", layout::MAX_FILE >> 20)).in_file(path));
    }
    Ok(bytes)
}

/// The profile a file or folder is part of, as the path names it.
pub fn profile_around(path: &Path) -> Option<&Path> {
    let here = |folder| if folder == Path::new("") { Path::new(".") } else { folder };
    path.ancestors().skip(1).map(here).find(|folder| folder.join(manifest::FILE).is_file())
}

fn no_manifest(root: &Path) -> Error {
    let error = Error::usage(format!("is not a profile: there is no {}", manifest::FILE)).in_file(root);
    if let Some(around) = profile_around(root) {
        return error.hint(format!("name the profile it is part of: {}", around.display()));
    }
    if root.join("inspec.yml").exists() {
        return error.hint("it looks like an InSpec profile, which Probity does not run");
    }
    if root.join("profile.yaml").exists() {
        return error.hint("rename profile.yaml to profile.yml");
    }
    error.hint("name the folder that holds it, or make a new profile with probity init NAME")
}
