//! What a file says it is: its format and version come before all else.

use crate::error::{Error, Place};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::io::Read;
use std::path::Path;

/// The formats that tell what came of a run, and the major version of each that is known.
const EVENTS: &str = "probity/events";
const RUN: &str = "probity/run";
const VERSION: u64 = 1;
/// How far into a file its format is looked for. What a report begins with is far shorter.
pub const NEAR: u64 = 64 << 10;

/// A format that tells what came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `probity/events`, a line an event.
    Events,
    /// `probity/run`, the whole run as one document.
    Run,
}

/// Reads what a file of a run begins with; `purpose` is what it is wanted for, in words that
/// follow "and".
///
/// # Errors
///
/// It cannot be read, is something else, or is of another major version.
pub fn format(path: &Path, file: impl Read, purpose: &str) -> Result<Format, Error> {
    let mut start = Vec::new();
    file.take(NEAR).read_to_end(&mut start).map_err(|error| unreadable(path, &error))?;
    let mut head = Head::default();
    // What follows the head may be cut off here, so that only what was found counts.
    let _ = serde_json::Deserializer::from_slice(&start).deserialize_map(&mut head);
    match (head.format.as_deref(), head.version) {
        (Some(EVENTS), Some(VERSION)) => Ok(Format::Events),
        (Some(RUN), Some(VERSION)) => Ok(Format::Run),
        (Some(format @ (EVENTS | RUN)), Some(version)) => {
            let message = format!("{format} version {version} is not known, only version {VERSION} is");
            let error = Error::usage(message).in_file(path);
            Err(error.hint("read it with the version of probity that wrote it, or a newer one"))
        }
        (Some(format @ (EVENTS | RUN)), None) => Err(other(path, &format!("is {format} without a version"), purpose)),
        (Some(format), _) => {
            let shown: String = format.chars().filter(|c| !c.is_control()).take(60).collect();
            Err(other(path, &format!("is of the format {shown:?}"), purpose))
        }
        (None, _) if start.is_empty() => Err(other(path, "is empty", purpose)),
        (None, _) => Err(other(path, "does not begin with a format", purpose)),
    }
}

/// The file could not be read.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("cannot read the run: {error}")).in_file(path).hint(NAME_ONE)
}

/// What to name instead.
pub const NAME_ONE: &str = "name the file that --reporter ndjson:PATH or run-json:PATH wrote";

fn other(path: &Path, what: &str, purpose: &str) -> Error {
    Error::usage(format!("the file {what}, and {purpose}")).in_file(path).hint(NAME_ONE)
}

/// An error of the parser, with its place in the file. `line` is how many lines come before
/// what was parsed.
pub fn misread(path: &Path, line: usize, error: &serde_json::Error, what: &str) -> Error {
    let text = error.to_string();
    let cause = text.rsplit_once(" at line ").map_or(&*text, |(cause, _)| cause);
    // The parser counts columns in bytes from 1, and has 0 where a line ended too early.
    let place = Place::at(path, line + error.line(), error.column().max(1));
    Error::usage(format!("{what}: {cause}")).at(place)
}

#[derive(Default)]
struct Head {
    format: Option<String>,
    version: Option<u64>,
}

impl<'de> Visitor<'de> for &mut Head {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while self.format.is_none() || self.version.is_none() {
            match map.next_key::<String>()?.as_deref() {
                Some("format") => self.format = Some(map.next_value()?),
                Some("version") => self.version = Some(map.next_value()?),
                Some(_) => drop(map.next_value::<IgnoredAny>()?),
                None => break,
            }
        }
        Ok(())
    }
}
