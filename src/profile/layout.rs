//! Which files belong to a profile, in a directory and in an archive alike.
//!
//! A profile is made of `profile.yml`, `README.md`, `CHANGELOG.md`, `LICENSE`,
//! `controls/**/*.lua`, `libraries/**/*.lua`, `files/**` and `tests/**`. Everything else
//! beside them (a pipeline's files, the archive just written) is no part of it: it is not
//! read, not packed, and does not change the digest. So are, at any depth, hidden files
//! and folders (a leading dot) and what editors leave behind (`x~`, `#x#`, `x.bak`,
//! `x.orig`, `x.rej`, `x.swp`). A file in `controls/` or `libraries/` that does not end in
//! `.lua` is an error, lest a misnamed control never runs.

/// The most bytes one file may have.
pub const MAX_FILE: u64 = 16 << 20;
/// The most bytes all files of a profile may have together.
pub const MAX_TOTAL: u64 = 64 << 20;
/// The most files a profile may have.
pub const MAX_FILES: usize = 10_000;
/// The most bytes a path inside a profile may have.
pub const MAX_PATH: usize = 200;
/// The deepest folder inside a profile.
pub const MAX_DEPTH: usize = 16;

/// The files at the top of a profile.
const TOP_FILES: &[&str] = &[super::manifest::FILE, "README.md", "CHANGELOG.md", "LICENSE"];
/// The folders at the top of a profile.
const TOP_FOLDERS: &[&str] = &["controls", "libraries", "files", "tests"];

/// What a path relative to a profile is.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// A file or folder of the profile.
    Belongs,
    /// No part of the profile.
    Ignored,
    /// In the way; with the reason as a fragment and a remedy.
    Wrong(String, &'static str),
}

/// What a relative path with `/` between its names is, from its names alone.
pub fn part(path: &str, is_folder: bool) -> Part {
    let (top, rest) = match path.split_once('/') {
        Some((top, rest)) => (top, Some(rest)),
        None => (path, None),
    };
    let known = match rest {
        None if is_folder => TOP_FOLDERS.contains(&top),
        None => TOP_FILES.contains(&top),
        Some(_) => TOP_FOLDERS.contains(&top),
    };
    if !known || path.split('/').any(left_behind) {
        return Part::Ignored;
    }
    if path.len() > MAX_PATH || path.split('/').count() > MAX_DEPTH {
        return Part::Wrong(format!("has a path beyond {MAX_PATH} bytes or {MAX_DEPTH} levels"), "shorten the path");
    }
    if path.contains(|c: char| c.is_control() || c == '\\') {
        return Part::Wrong("has a control character or backslash in its name".to_string(), "rename it");
    }
    if !is_folder && matches!(top, "controls" | "libraries") && !path.ends_with(".lua") {
        return Part::Wrong("is not a Lua file".to_string(), "name it *.lua, or move it to files/");
    }
    Part::Belongs
}

/// Hidden, or left behind by an editor or by patch(1).
fn left_behind(name: &str) -> bool {
    let ends = ["~", ".bak", ".orig", ".rej", ".swp"];
    name.starts_with(['.', '#']) || ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_places_belong_and_the_rest_does_not() {
        for path in ["profile.yml", "controls/a.lua", "controls/x/b.lua", "files/x/y.bin", "tests/a", "LICENSE"] {
            assert_eq!(part(path, false), Part::Belongs, "{path}");
        }
        for path in [
            "x.tar.gz",
            "profile.yml/x",
            "Jenkinsfile",
            ".git/config",
            "controls/.a.lua",
            "controls/a.lua~",
            "files/.x/y",
            "controls/#a.lua#",
            "control/a.lua",
            "controls",
        ] {
            assert_eq!(part(path, false), Part::Ignored, "{path}");
        }
        let long = format!("files/{}", "x".repeat(300));
        for path in ["controls/a.Lua", "libraries/a", "files/a\nb", "files/a\\b", &long] {
            assert!(matches!(part(path, false), Part::Wrong(..)), "{path}");
        }
    }
}
