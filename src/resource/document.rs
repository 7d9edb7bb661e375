//! Where the readers of structured data (`json`, `yaml`, `csv`…) get their text from: a
//! file, the argument itself, or the output of a command.

use super::Args;
use crate::error::{Error, Place};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Fault, FaultKind, Read, Run};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

/// A text to read.
#[derive(Debug, Clone)]
pub enum Source {
    File(Arc<str>),
    Text(Arc<str>),
    Command(Arc<str>),
}

/// What a reader makes of the bytes; the name is for places in errors.
pub type Reader = fn(&str, &[u8]) -> Result<Value, Error>;

/// The deepest nesting of lists and maps that is read.
pub const DEPTH: usize = 64;
/// The most values that are read of one text.
pub const VALUES: usize = 1_000_000;

impl Source {
    /// The source that one of the arguments `path`, `content` and `command` names.
    pub fn new(args: &Args) -> Result<Source, String> {
        match (args.text("path"), args.text("content"), args.text("command")) {
            (Some(path), None, None) => Ok(Source::File(path)),
            (None, Some(text), None) => Ok(Source::Text(text)),
            (None, None, Some(line)) => Ok(Source::Command(line)),
            _ => Err("give one of a path, { content = … } and { command = … }".to_string()),
        }
    }

    /// The name in titles and places.
    pub fn name(&self) -> String {
        match self {
            Source::File(path) => path.to_string(),
            Source::Text(_) => "text".to_string(),
            Source::Command(line) => format!("output of {line}"),
        }
    }

    /// Whether there is something to read.
    pub fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        match self {
            Source::File(path) => Ok(seen.get(Read { path: path.clone() })?.is_some()),
            Source::Text(_) => Ok(true),
            Source::Command(_) => self.bytes(seen, "").map(|_| true),
        }
    }

    /// The bytes; [`Unseen::Missing`] with `title` for a file that is not there. A command
    /// that fails but prints something is read all the same: many report findings so.
    pub fn bytes(&self, seen: &Seen<'_>, title: &str) -> Sight<Arc<[u8]>> {
        match self {
            Source::File(path) => {
                seen.get(Read { path: path.clone() })?.ok_or_else(|| Unseen::Missing(title.to_string()))
            }
            Source::Text(text) => Ok(text.as_bytes().into()),
            Source::Command(line) => {
                let ran = seen.get(Run::shell(&**line))?;
                if ran.truncated {
                    return Err(Fault::new(FaultKind::TooLarge, format!("{line} printed more than is kept")).into());
                }
                if ran.status == 127 && ran.stdout.is_empty() {
                    return Err(Unseen::tool_missing(format!("{line}: there is no such command")));
                }
                if ran.status != 0 && ran.stdout.is_empty() {
                    return Err(Unseen::failed(format!("{line} ended with {} and printed nothing", ran.status)));
                }
                Ok(ran.stdout)
            }
        }
    }

    /// What `read` makes of the bytes, once per node.
    pub fn parsed(&self, seen: &Seen<'_>, title: &str, read: Reader) -> Sight<Rc<Value>> {
        // The reader's own name is part of the key: json and yaml may read one file.
        seen.parsed(&format!("{title} {self:?}"), || {
            let bytes = self.bytes(seen, title)?;
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            read(&self.name(), bytes).map_err(fault)
        })
    }
}

/// A parse error as a fault. The line of source is left out: it may hold a secret.
pub fn fault(error: Error) -> Unseen {
    match &error.place {
        Some(place) => Unseen::malformed(format!("{place}: {}", error.message)),
        None => Unseen::malformed(error.message),
    }
}

/// A parse error at an offset of a text.
pub fn error_at(name: &str, text: &str, offset: usize, message: impl Into<String>) -> Error {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count()) + 1;
    Error::usage(message).at(Place::at(name, line, column))
}

/// A text that must be UTF-8.
pub fn utf8<'b>(name: &str, bytes: &'b [u8]) -> Result<&'b str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
        error_at(name, &valid, valid.len(), "this is not UTF-8")
    })
}
