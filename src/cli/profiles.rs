//! The profiles a subcommand is given: paths, names to look up, or code.

use super::Errors;
use crate::error::Error;
use crate::profile::Profile;
use crate::profile::lookup::Wanted;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which profiles.
#[derive(Debug, clap::Args)]
pub struct ProfileArgs {
    /// Directories or archives of profiles, or NAME@REQUIREMENT
    #[arg(value_name = "PROFILE")]
    pub paths: Vec<PathBuf>,
    /// Folders where NAME@REQUIREMENT is looked up
    #[arg(long, value_name = "FOLDER", help_heading = "Run")]
    profile_path: Vec<PathBuf>,
}

impl ProfileArgs {
    /// An error where no profile is given.
    pub fn refuse_none(&self) -> Result<(), Error> {
        match self.paths.is_empty() {
            true => Err(Error::usage("no profile is given").hint("name its directory or its archive")),
            false => Ok(()),
        }
    }

    /// Loads every profile, and one made of `code` where there is any.
    pub fn load(&self, code: &[String]) -> Result<Vec<Profile>, Errors> {
        load(&self.paths, &self.profile_path, code)
    }
}

/// What to do about a flag that takes several values and swallows the profile.
pub const FIRST: &str = "name the profile first, or put -- before it";

/// Whether a word is the path of what may be a profile.
pub fn is_profile(word: &str) -> bool {
    let path = Path::new(word);
    path.join("profile.yml").exists() || (word.ends_with(".tar.gz") && path.exists())
}

/// The path of what may be a path or a name to look up; what is there as a path is one.
fn locate(path: &Path, folders: &[PathBuf]) -> Result<PathBuf, Error> {
    let wanted = path.to_str().filter(|_| !path.exists()).and_then(Wanted::parse);
    match wanted {
        Some(wanted) => wanted?.find(folders),
        None => Ok(path.to_path_buf()),
    }
}

/// Loads every profile; two of one name are an error, for their reports would mix.
fn load(paths: &[PathBuf], folders: &[PathBuf], code: &[String]) -> Result<Vec<Profile>, Errors> {
    let mut profiles: Vec<Profile> = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        match locate(path, folders).and_then(|path| Profile::load(&path)) {
            Ok(profile) => {
                if let Some(other) = profiles.iter().find(|other| other.manifest.name == profile.manifest.name) {
                    let (name, place) = (&profile.manifest.name, &other.origin);
                    errors.push(
                        Error::usage(format!("profile {name} is given twice; the other one is {}", place.display()))
                            .in_file(path),
                    );
                }
                profiles.push(profile);
            }
            Err(error) => errors.push(error),
        }
    }
    if !code.is_empty() {
        match inline(code) {
            Ok(profile) => profiles.push(profile),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(profiles) } else { Err(Errors(errors)) }
}

/// A profile made of the code of `-e`, one control each.
fn inline(code: &[String]) -> Result<Profile, Error> {
    let manifest = "name: command-line\nversion: 0.0.0\ntitle: Code of the command line\n";
    let mut files = std::collections::BTreeMap::new();
    files.insert(Arc::from("profile.yml"), Arc::from(manifest.as_bytes()));
    for (number, code) in code.iter().enumerate() {
        crate::lua::refuse_syntax("-e", code)?;
        let id = if number == 0 { "e".to_string() } else { format!("e{}", number + 1) };
        let title = code.lines().next().unwrap_or_default().trim();
        // On one line, so that the lines of errors are those of the code.
        let text = format!("control {id:?} {{ title = {}, check = function() {code}\nend }}\n", lua_quoted(title));
        files.insert(format!("controls/{id}.lua").into(), Arc::from(text.as_bytes()));
    }
    Profile::from_files(Path::new("-e"), files)
}

/// A text as a Lua string.
fn lua_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            character if character.is_control() => quoted.push(' '),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
