//! Reading a recording; nothing in it is trusted.

use super::document::{First, Line};
use super::{FORMAT, Header, MAX_BYTES, Recording, VERSION};
use crate::error::{Error, Place};
use crate::probe::{Answer, Fault, Probe};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What to do about a file that is not as it was written.
const ANEW: &str = "make the recording anew with probity exec --record";

pub(super) fn file(path: &Path) -> Result<Recording, Error> {
    let unread = |error: std::io::Error| {
        let error = match error.kind() {
            std::io::ErrorKind::NotFound => Error::usage("there is no such recording"),
            _ => Error::usage(format!("cannot be read: {error}")),
        };
        error.in_file(path).hint("probity exec --record FILE makes one")
    };
    let file = File::open(path).map_err(unread)?;
    if !file.metadata().map_err(unread)?.is_file() {
        return Err(Error::usage("is no regular file").in_file(path).hint("name a recording"));
    }
    lines(path, BufReader::new(file))
}

pub(super) fn bytes(path: &Path, bytes: &[u8]) -> Result<Recording, Error> {
    lines(path, bytes)
}

fn lines(path: &Path, reader: impl BufRead) -> Result<Recording, Error> {
    let mut reader = Lines { path, reader: reader.take(MAX_BYTES + 1), number: 0, line: Vec::new(), bytes: 0 };
    if !reader.next()? {
        return Err(reader.wrong("is empty, which no recording is", ANEW));
    }
    let header = header(&reader)?;
    let mut answers = HashMap::new();
    while reader.next()? {
        if observation(&reader, &mut answers)? {
            if reader.next()? {
                return Err(reader.wrong("the recording goes on behind its end", ANEW));
            }
            return Ok(Recording { header, answers, masker: None });
        }
    }
    Err(reader.wrong("the recording is cut off: its end is missing", ANEW))
}

/// The lines of a file, one at a time.
struct Lines<'a, R> {
    path: &'a Path,
    reader: std::io::Take<R>,
    number: usize,
    line: Vec<u8>,
    bytes: u64,
}

impl<R: BufRead> Lines<'_, R> {
    /// Goes on to the next line; false at the end.
    fn next(&mut self) -> Result<bool, Error> {
        self.line.clear();
        let read = self.reader.read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| Error::usage(format!("cannot be read: {error}")).in_file(self.path))?;
        self.bytes += read as u64;
        if self.bytes > MAX_BYTES {
            let message = format!("is larger than {} MiB, the most that is read", MAX_BYTES >> 20);
            return Err(Error::usage(message).in_file(self.path).hint("record fewer controls"));
        }
        if read > 0 {
            self.number += 1;
            if self.line.pop() != Some(b'\n') {
                return Err(self.wrong("the recording is cut off in this line", ANEW));
            }
        }
        Ok(read > 0)
    }

    fn wrong(&self, message: impl Into<String>, hint: &str) -> Error {
        Error::usage(message).at(Place::line(self.path, self.number.max(1))).hint(hint)
    }
}

fn header<R: BufRead>(reader: &Lines<'_, R>) -> Result<Header, Error> {
    let foreign = || reader.wrong("is no recording", "a recording begins with {\"format\":\"probity/recording\",…");
    let value: serde_json::Value = serde_json::from_slice(&reader.line).map_err(|_| foreign())?;
    match value.get("format").and_then(serde_json::Value::as_str) {
        Some(FORMAT) => {}
        Some(other) => {
            let shown: String = other.chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(reader.wrong(format!("is a {shown}, not a {FORMAT}"), "name a recording"));
        }
        None => return Err(foreign()),
    }
    // The version comes before the rest, which a newer one may have changed.
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if (1..=VERSION).contains(&version) => {}
        Some(version) => {
            let message = format!("is a recording of version {version}, and this Probity reads up to {VERSION}");
            return Err(reader.wrong(message, "use the release of Probity that wrote it, or a newer one"));
        }
        None => return Err(reader.wrong("the recording does not say its version", ANEW)),
    }
    let first: First = serde_json::from_value(value).map_err(|error| broken(reader, &error))?;
    let now = first.time.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second);
    let now = now.map_err(|_| reader.wrong("the time of the recording is no RFC 3339 time", ANEW))?;
    Ok(Header { node: first.node, target: first.target, user: first.user, now })
}

/// Takes the line at hand; true: it is the end.
fn observation<R: BufRead>(reader: &Lines<'_, R>, answers: &mut HashMap<Probe, Answer>) -> Result<bool, Error> {
    let line: Line = serde_json::from_slice(&reader.line).map_err(|error| broken(reader, &error))?;
    if let Some(end) = line.end {
        if end.observations != answers.len() {
            let message = format!("lines are missing: {} of {} are there", answers.len(), end.observations);
            return Err(reader.wrong(message, ANEW));
        }
        return Ok(true);
    }
    let Some(probe) = line.probe else {
        return Err(reader.wrong("the line has no probe", ANEW));
    };
    let answer = match (line.answer, line.fault) {
        (Some(answer), None) if answer.kind() == probe.kind() => Ok(answer),
        (Some(answer), None) => {
            let message = format!("{probe} is answered with what answers a {}", answer.kind());
            return Err(reader.wrong(message, ANEW));
        }
        (None, Some(fault)) => Err(Fault::new(fault.kind, fault.message)),
        (Some(_), Some(_)) => return Err(reader.wrong(format!("{probe} has both an answer and a fault"), ANEW)),
        (None, None) => return Err(reader.wrong(format!("{probe} has neither an answer nor a fault"), ANEW)),
    };
    match answers.entry(probe) {
        Entry::Occupied(other) => {
            Err(reader.wrong(format!("{} is answered a second time", other.key()), "leave one of the lines"))
        }
        Entry::Vacant(place) => {
            place.insert(answer);
            Ok(false)
        }
    }
}

fn broken<R: BufRead>(reader: &Lines<'_, R>, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let cause = text.rsplit_once(" at line ").map_or(&*text, |(cause, _)| cause);
    reader.wrong(format!("the line is broken: {cause}"), ANEW)
}
