//! `NAME@REQUIREMENT`: the newest version of a profile that fits, out of some folders.

use super::manifest::{self, Manifest};
use crate::error::{Error, nearest};
use crate::yaml::Document;
use semver::{Version, VersionReq};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A profile wanted by name and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    name: String,
    requirement: VersionReq,
}

impl Wanted {
    /// Reads `NAME@REQUIREMENT`; `None` when the text is no such thing, as a path is not.
    /// The requirement is one of Cargo's: `1`, `^1.2`, `>=1.0, <3`, `*`.
    ///
    /// # Errors
    /// A requirement that is none.
    pub fn parse(text: &str) -> Option<Result<Wanted, Error>> {
        let (name, requirement) = text.split_once('@')?;
        if !manifest::is_name(name) {
            return None;
        }
        Some(match VersionReq::parse(requirement) {
            Ok(requirement) => Ok(Wanted { name: name.to_string(), requirement }),
            Err(error) => Err(Error::usage(format!("{text}: {requirement:?} is no version requirement: {error}"))
                .hint(format!("write for example {name}@1.2, {name}@'>=1.0, <3' or {name}@'*'"))),
        })
    }

    /// The path of the newest version that fits. Archives are known by their file names,
    /// directories by their manifests; of one version, the archive is taken.
    ///
    /// # Errors
    /// A folder that cannot be read, no profile of that name (with the nearest there is),
    /// or none of its versions fits (with those there are).
    pub fn find(&self, folders: &[PathBuf]) -> Result<PathBuf, Error> {
        if folders.is_empty() {
            return Err(Error::usage(format!("{self} is looked up in the profile path, and there is none"))
                .hint("name the folders of your profiles with --profile-path"));
        }
        let mut best: Option<(Version, bool, PathBuf)> = None;
        let (mut names, mut versions) = (BTreeSet::new(), BTreeSet::new());
        for folder in folders {
            for found in profiles_in(folder)? {
                if found.name == self.name {
                    versions.insert(found.version.clone());
                    let rank = (found.version, found.archive, found.path);
                    let fits = self.requirement.matches(&rank.0);
                    if fits && best.as_ref().is_none_or(|best| (&rank.0, rank.1) > (&best.0, best.1)) {
                        best = Some(rank);
                    }
                }
                names.insert(found.name);
            }
        }
        if let Some((_, _, path)) = best {
            return Ok(path);
        }
        let places: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let places = places.join(", ");
        if !versions.is_empty() {
            let versions: Vec<String> = versions.iter().map(Version::to_string).collect();
            return Err(Error::usage(format!("no version of {} in {places} fits {}", self.name, self.requirement))
                .hint(format!("there are: {}", versions.join(", "))));
        }
        let error = Error::usage(format!("there is no profile {} in {places}", self.name));
        Err(match nearest(&self.name, names.iter().map(String::as_str)) {
            Some(name) => error.hint(format!("did you mean {name}?")),
            None => error.hint("probity archive writes NAME-VERSION.tar.gz into a folder"),
        })
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.name, self.requirement)
    }
}

/// A profile in a folder, known without its content being read.
struct Candidate {
    name: String,
    version: Version,
    archive: bool,
    path: PathBuf,
}

fn profiles_in(folder: &Path) -> Result<Vec<Candidate>, Error> {
    let unreadable =
        |error: std::io::Error| Error::usage(format!("the profile path cannot be read: {error}")).in_file(folder);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if let Some((name, version)) = file.strip_suffix(".tar.gz").and_then(named) {
            found.push(Candidate { name: name.to_string(), version, archive: true, path });
        } else if let Ok(bytes) = std::fs::read(path.join(manifest::FILE))
            // A folder with a broken manifest is no candidate; naming it shows the fault.
            && let Ok(document) = Document::parse(path.join(manifest::FILE), &bytes)
            && let Ok(manifest) = Manifest::read(&document)
        {
            found.push(Candidate { name: manifest.name.to_string(), version: manifest.version, archive: false, path });
        }
    }
    Ok(found)
}

/// The name and the version in `NAME-VERSION`. A name may have hyphens, so the version is
/// what begins after the first one that a version follows.
fn named(stem: &str) -> Option<(&str, Version)> {
    stem.match_indices('-').find_map(|(at, _)| Some((&stem[..at], Version::parse(&stem[at + 1..]).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["web-base-1.0.0.tar.gz", "web-base-1.4.2.tar.gz", "web-base-2.0.0-rc.1.tar.gz", "notes.tar.gz"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let directory = folder.path().join("checkout");
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("profile.yml"), "name: web-base\nversion: 1.9.0\n").unwrap();
        folder
    }

    fn find(wanted: &str) -> Result<String, String> {
        let folder = folder();
        let path = Wanted::parse(wanted).unwrap().and_then(|wanted| wanted.find(&[folder.path().to_path_buf()]));
        path.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_newest_version_that_fits_is_found() {
        assert_eq!(find("web-base@1").unwrap(), "checkout");
        assert_eq!(find("web-base@~1.4").unwrap(), "web-base-1.4.2.tar.gz");
        assert_eq!(find("web-base@=2.0.0-rc.1").unwrap(), "web-base-2.0.0-rc.1.tar.gz");
        assert_eq!(find("web-base@*").unwrap(), "checkout", "a pre-release has to be asked for");
    }

    #[test]
    fn what_is_not_there_names_what_is() {
        assert!(find("web-base@3").unwrap_err().contains("there are: 1.0.0, 1.4.2, 1.9.0, 2.0.0-rc.1"));
        assert!(find("web-bsae@1").unwrap_err().contains("did you mean web-base?"));
        assert!(Wanted::parse("web-base@one").unwrap().unwrap_err().to_string().contains("web-base@1.2"));
        assert!(
            Wanted::parse("web-base@1").unwrap().unwrap().find(&[]).unwrap_err().to_string().contains("--profile-path")
        );
        assert!(Wanted::parse("profiles/web").is_none() && Wanted::parse("./a@b").is_none());
    }
}
