//! A pattern of names on the command line: of controls, of nodes and groups.

use crate::error::{Error, nearest};
use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

/// The most bytes the program of one regular expression may take.
const REGEX_CAP: usize = 1 << 20;

/// A name as it stands, a glob where it holds one of `*?[{`, or a regular expression (found
/// anywhere in the name) between slashes.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Exact,
    Glob(GlobMatcher),
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern that was given with the flag `option`.
    ///
    /// # Errors
    /// It is empty, or no glob or regular expression although it looks like one.
    pub fn parse(option: &str, text: &str) -> Result<Pattern, Error> {
        let wrong = |what: String| Error::usage(format!("{option} {text:?}: {what}"));
        let kind = if text.is_empty() || text == "//" {
            return Err(wrong("an empty pattern".to_string()).hint(format!("leave {option} out to select everything")));
        } else if let Some(inside) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            let regex = RegexBuilder::new(inside).size_limit(REGEX_CAP).build();
            Kind::Regex(regex.map_err(|error| {
                let message = error.to_string();
                let last = message.lines().last().unwrap_or_default().trim();
                wrong(format!("not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last)))
            })?)
        } else if text.starts_with('/') {
            return Err(wrong("a regular expression without its end".to_string()).hint("write /…/"));
        } else if text.contains(['*', '?', '[', '{']) {
            let glob = GlobBuilder::new(text).build();
            Kind::Glob(glob.map_err(|error| wrong(format!("not a glob: {}", error.kind())))?.compile_matcher())
        } else {
            Kind::Exact
        };
        Ok(Pattern { text: text.to_string(), kind })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a name fits.
    pub fn fits(&self, name: &str) -> bool {
        match &self.kind {
            Kind::Exact => self.text == name,
            // A name may hold a bracket: it can be named as it is.
            Kind::Glob(glob) => self.text == name || glob.is_match(name),
            Kind::Regex(regex) => regex.is_match(name),
        }
    }

    /// The nearest of the names there are, for a pattern that is nearly one of them.
    pub fn near<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        match self.kind {
            Kind::Regex(_) => None,
            Kind::Exact | Kind::Glob(_) => nearest(&self.text, names),
        }
    }
}
