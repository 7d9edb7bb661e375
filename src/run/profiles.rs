//! The profiles of a run: paths, names to look up, or code.

use crate::error::Error;
use crate::profile::Profile;
use crate::profile::lookup::Wanted;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The path of what may be a path or a name to look up; what is there as a path is one.
fn locate(path: &Path, folders: &[PathBuf]) -> Result<PathBuf, Error> {
    let wanted = path.to_str().filter(|_| !path.exists()).and_then(Wanted::parse);
    match wanted {
        Some(wanted) => wanted?.find(folders),
        None => Ok(path.to_path_buf()),
    }
}

/// Loads every profile, and one made of `code` where there is any. A path may be
/// `NAME@REQUIREMENT`, which is looked up in `folders`.
///
/// # Errors
///
/// Everything that cannot be loaded, and two profiles of one name: their reports would mix.
pub fn load_profiles(paths: &[PathBuf], folders: &[PathBuf], code: &[String]) -> Result<Vec<Profile>, Vec<Error>> {
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
    if errors.is_empty() { Ok(profiles) } else { Err(errors) }
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
