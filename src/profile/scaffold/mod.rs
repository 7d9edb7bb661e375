//! The files of a new profile, as `probity init NAME` writes them.

use super::manifest;
use crate::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files with `{name}` where the profile's name goes.
const FILES: &[(&str, &str)] = &[
    (manifest::FILE, include_str!("profile.yml")),
    ("README.md", include_str!("README.md")),
    ("controls/example.lua", include_str!("example.lua")),
];

/// The paths and texts of a new profile called `name`.
pub fn files(name: &str) -> Vec<(&'static str, String)> {
    FILES.iter().map(|(path, text)| (*path, text.replace("{name}", name))).collect()
}

/// Writes a new profile to `folder`, whose last part becomes its name, and gives the paths
/// of its files.
///
/// # Errors
/// The last part is no name of a profile, the folder exists (nothing is written then), or
/// it cannot be written.
pub fn write(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !manifest::is_name(name) {
        return Err(Error::usage(format!("{:?} cannot be the name of a profile", folder.display().to_string()))
            .hint(manifest::NAME_RULE));
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritable = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::usage("is there already").in_file(folder).hint("choose another name, or remove it first")
        }
        _ => Error::usage(format!("cannot be written: {error}")).in_file(folder),
    };
    // Creating it is the test whether it exists, so that no other process comes between.
    fs::create_dir_all(parent).and_then(|()| fs::create_dir(folder)).map_err(unwritable)?;
    let put = |(path, text): (&str, String)| {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text)?;
        Ok(path)
    };
    let written: io::Result<Vec<PathBuf>> = files(name).into_iter().map(put).collect();
    written.map_err(|error| {
        // Nothing half-written stays; that this may fail too changes nothing in the message.
        let _ = fs::remove_dir_all(folder);
        unwritable(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn a_new_profile_is_a_sound_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/my-baseline");
        let written = write(&path).unwrap();
        assert_eq!(written.len(), FILES.len());
        let profile = Profile::load(&path).unwrap();
        assert_eq!(&*profile.manifest.name, "my-baseline");
        assert_eq!(profile.files().len(), FILES.len());
        let attribute = &profile.manifest.attributes["shared_folders"];
        assert!(attribute.default.is_some() && attribute.parse_text("[relative]").is_err());
        for (path, text) in profile.controls() {
            let faults = full_moon::parse_fallible(text, full_moon::LuaVersion::lua54());
            assert!(faults.errors().is_empty(), "{path}: {:?}", faults.errors());
        }
        for file in profile.files().values() {
            assert!(!String::from_utf8_lossy(file).contains("{name}"));
        }
    }

    #[test]
    fn an_existing_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("profile.yml"), "mine").unwrap();
        let error = write(&path).unwrap_err().to_string();
        assert!(error.contains("mine: is there already"), "{error}");
        assert_eq!(fs::read(path.join("profile.yml")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(write(&folder.path().join("file")).is_err());
    }

    #[test]
    fn a_name_that_is_none_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["My", "a b", "..", "é", "-x"] {
            let error = write(&folder.path().join(name)).unwrap_err().to_string();
            assert!(error.contains("cannot be the name of a profile"), "{name}: {error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
