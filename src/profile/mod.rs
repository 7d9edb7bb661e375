//! Profiles: what they are made of, read from a directory or an archive alike.

pub mod archive;
pub mod declaration;
mod directory;
pub mod layout;
pub mod lookup;
pub mod manifest;
pub mod scaffold;
pub mod waiver;
pub mod wildcard;

pub use declaration::{Declaration, Kind};
pub use manifest::{Manifest, Supports};
pub use waiver::Waivers;

use crate::error::{Error, Place};
use crate::yaml::Document;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a profile by their path relative to it, with `/` between names.
pub type Files = BTreeMap<Arc<str>, Arc<[u8]>>;

/// A profile, held in memory whole.
#[derive(Debug, Clone)]
pub struct Profile {
    pub manifest: Manifest,
    /// `profile.yml` with its places.
    pub document: Document,
    /// The directory or archive it was read from, as it was named.
    pub origin: PathBuf,
    files: Files,
    sha256: Arc<str>,
}

impl Profile {
    /// Reads a profile from a directory or from an archive `NAME-VERSION.tar.gz`.
    ///
    /// # Errors
    /// There is nothing there, or it is not a profile, breaks a rule of [`layout`], has no
    /// control files, or a broken manifest; see also [`Manifest::read`].
    pub fn load(path: &Path) -> Result<Profile, Error> {
        let found = std::fs::metadata(path).map_err(|error| {
            let error = match error.kind() {
                std::io::ErrorKind::NotFound => Error::usage("there is no such profile"),
                _ => Error::usage(format!("cannot be read: {error}")),
            };
            error.in_file(path).hint("name a directory that holds profile.yml, or an archive NAME-VERSION.tar.gz")
        })?;
        if found.is_dir() {
            return Profile::from_files(path, directory::read(path)?);
        }
        if path.extension().is_some_and(|extension| extension == "lua" || extension == "yml") {
            let error = Error::usage("is one file, not a profile").in_file(path);
            return Err(match directory::profile_around(path) {
                Some(root) => error.hint(format!("name the profile it is part of: {}", root.display())),
                None => error.hint("start a profile with probity init NAME, and put control files into its controls/"),
            });
        }
        let (files, index) = archive::read(path)?;
        let profile = Profile::from_files(path, files)?;
        let said = (index.profile.name.as_str(), index.profile.version.clone(), index.sha256.as_str());
        if said != (&*profile.manifest.name, profile.manifest.version.to_string(), &*profile.sha256) {
            return Err(Error::usage("its index is not that of its files").in_file(path).hint("fetch it again"));
        }
        Ok(profile)
    }

    /// Makes a profile of its files; `origin` is what places and messages begin with.
    ///
    /// # Errors
    /// No manifest or a broken one, no control file, Lua that is not UTF-8.
    pub fn from_files(origin: &Path, files: Files) -> Result<Profile, Error> {
        let manifest = files
            .get(manifest::FILE)
            .ok_or_else(|| Error::usage(format!("is not a profile: there is no {}", manifest::FILE)).in_file(origin))?;
        let document = Document::parse(origin.join(manifest::FILE), manifest)?;
        let manifest = Manifest::read(&document)?;
        let sha256 = digest(&files).into();
        let profile = Profile { manifest, document, origin: origin.to_path_buf(), files, sha256 };
        for (path, bytes) in profile.files.iter().filter(|(path, _)| path.ends_with(".lua")) {
            if let Err(error) = std::str::from_utf8(bytes) {
                let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
                let place = Place::line(profile.path_of(path), line);
                return Err(Error::usage("is not UTF-8").at(place).hint("save the file as UTF-8 text"));
            }
        }
        if profile.controls().next().is_none() {
            return Err(Error::usage("the profile is empty: there is no controls/*.lua")
                .in_file(origin)
                .hint("write a control; probity init NAME makes a profile with some"));
        }
        Ok(profile)
    }

    /// The control files, `controls/**/*.lua`, with their text, in the order of their
    /// paths: the order in which controls run and are reported.
    pub fn controls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lua("controls/")
    }

    /// The libraries, `libraries/**/*.lua`, with their text, in the order of their paths.
    pub fn libraries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lua("libraries/")
    }

    /// The bytes of a file by its path relative to the profile, such as `files/motd`.
    pub fn file(&self, path: &str) -> Option<&Arc<[u8]>> {
        self.files.get(path)
    }

    /// All files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The SHA-256 of the content in hexadecimal, the same for a directory and its
    /// archive: that of the lines `sha256sum` prints for all files in the order of their
    /// paths, compared byte by byte.
    pub fn sha256(&self) -> &Arc<str> {
        &self.sha256
    }

    /// The path of a file as places and messages name it: `PROFILE/controls/x.lua`.
    pub fn path_of(&self, path: &str) -> PathBuf {
        self.origin.join(path)
    }

    fn lua(&self, folder: &'static str) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter().filter(move |(path, _)| path.starts_with(folder) && path.ends_with(".lua"));
        // `from_files` has refused Lua that is not UTF-8.
        files.filter_map(|(path, bytes)| Some((&**path, std::str::from_utf8(bytes).ok()?)))
    }
}

/// The SHA-256 of some bytes in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn digest(files: &Files) -> String {
    let lines: String = files.iter().map(|(path, bytes)| format!("{}  {path}\n", sha256(bytes))).collect();
    sha256(lines.as_bytes())
}

#[cfg(test)]
mod tests;
