//! What an error is to the person who reads it: a kind, a message, a place and a remedy.
//!
//! Each folder has an error enum of its own beside the code that raises it; this file
//! holds what they share, so that `main` prints every error the same way and the kind
//! alone decides the exit code.

use std::fmt;
use std::path::{Path, PathBuf};

/// The exit codes of `probity`, the first that holds (the list in `probity exec --help`
/// and in the documentation is made from [`exit::ALL`]).
pub mod exit {
    /// Everything passed; waived and not applicable controls count as passed.
    pub const OK: u8 = 0;
    /// The command line, a profile, an attributes file or a report path is wrong.
    pub const USAGE: u8 = 1;
    /// At least one control failed.
    pub const FAILED: u8 = 100;
    /// Nothing failed, but at least one control was skipped.
    pub const SKIPPED: u8 = 101;
    /// Nothing failed, but something could not be checked.
    pub const ERRORED: u8 = 102;
    /// Interrupted by a signal.
    pub const INTERRUPTED: u8 = 130;

    /// Every exit code with its meaning, in the order in which they are tried.
    pub const ALL: &[(u8, &str)] = &[
        (USAGE, "usage, profile, attribute or report error: there is no verdict"),
        (INTERRUPTED, "interrupted; the reports hold what was done"),
        (FAILED, "at least one control failed"),
        (ERRORED, "nothing failed, but something could not be checked"),
        (SKIPPED, "nothing failed, but a control was skipped"),
        (OK, "everything passed, was waived or does not apply"),
    ];
}

/// A place in a file a person wrote. Lines and columns count from 1; a column counts
/// characters, not bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub file: PathBuf,
    pub line: Option<usize>,
    pub column: Option<usize>,
}

impl Place {
    /// The file as a whole.
    pub fn file(file: impl Into<PathBuf>) -> Place {
        Place { file: file.into(), line: None, column: None }
    }

    /// A line of a file.
    pub fn line(file: impl Into<PathBuf>, line: usize) -> Place {
        Place { file: file.into(), line: Some(line), column: None }
    }

    /// A character of a file.
    pub fn at(file: impl Into<PathBuf>, line: usize, column: usize) -> Place {
        Place { file: file.into(), line: Some(line), column: Some(column) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

/// An error as it is shown to a person: what is wrong, where, and what to do about it.
///
/// The message is a lowercase fragment without a full stop that names the thing; each
/// hint is a remedy in the imperative.
#[derive(Debug, Clone)]
pub struct Error {
    /// The exit code this error ends the program with; see [`exit`].
    pub code: u8,
    pub message: String,
    pub place: Option<Place>,
    /// The line of source the place points at, where there is one.
    pub source_line: Option<String>,
    pub hints: Vec<String>,
}

impl Error {
    /// An error in what the user wrote: a command line, a profile, an attributes file.
    pub fn usage(message: impl Into<String>) -> Error {
        Error { code: exit::USAGE, message: message.into(), place: None, source_line: None, hints: Vec::new() }
    }

    /// Names the place the error is at.
    #[must_use]
    pub fn at(mut self, place: Place) -> Error {
        self.place = Some(place);
        self
    }

    /// Names the file the error is in, without a line.
    #[must_use]
    pub fn in_file(self, file: &Path) -> Error {
        self.at(Place::file(file))
    }

    /// Shows the line of source the error is on.
    #[must_use]
    pub fn with_source_line(mut self, line: impl Into<String>) -> Error {
        self.source_line = Some(line.into());
        self
    }

    /// Adds a remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hints.push(hint.into());
        self
    }

    /// As one line, for where there is no room for more: `PLACE: message (hint: REMEDY; REMEDY)`.
    pub fn in_a_line(&self) -> String {
        let place = self.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let hints = match self.hints.is_empty() {
            true => String::new(),
            false => format!(" (hint: {})", self.hints.join("; ")),
        };
        format!("{place}{}{hints}", self.message)
    }
}

impl fmt::Display for Error {
    /// `PLACE: message`, the source line with a mark under the column, then the hints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(source) = &self.source_line {
            let line = self.place.as_ref().and_then(|place| place.line).unwrap_or(0);
            write!(f, "\n{line:>5} | {source}")?;
            if let Some(column) = self.place.as_ref().and_then(|place| place.column) {
                write!(f, "\n      | {:>column$}", "^")?;
            }
        }
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The nearest of `names` to `word`, if one is near enough to be meant.
///
/// Near enough is a third of the longer word in edits (Damerau-Levenshtein, so that two
/// swapped letters are one edit), compared without case.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word, &name.to_lowercase()), name))
        .filter(|(edits, name)| *edits <= name.len().max(word.len()).div_ceil(3))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// `did you mean X?`, or the list of what there is when nothing is near.
pub fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, names.clone()) {
        Some(name) => format!("did you mean {name}?"),
        None => {
            let mut names: Vec<&str> = names.into_iter().collect();
            names.sort_unstable();
            if names.is_empty() { "there are none".to_string() } else { format!("there are: {}", names.join(", ")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["mode", "owner", "group", "content"];
        assert_eq!(nearest("mdoe", names), Some("mode"));
        assert_eq!(nearest("Owner", names), Some("owner"));
        assert_eq!(nearest("sha256sum", names), None);
    }

    #[test]
    fn an_error_shows_place_source_and_remedy() {
        let error = Error::usage("unknown key titel")
            .at(Place::at("profile.yml", 3, 1))
            .with_source_line("titel: x")
            .hint("did you mean title?");
        assert_eq!(
            error.to_string(),
            "profile.yml:3:1: unknown key titel\n    3 | titel: x\n      | ^\n  hint: did you mean title?"
        );
        assert_eq!(error.in_a_line(), "profile.yml:3:1: unknown key titel (hint: did you mean title?)");
    }
}
