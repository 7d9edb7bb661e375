//! Templates: texts in minijinja's language, rendered for a node or a stage of a pipeline.
//!
//! What is undefined is an error, and every error has its place in the template. A hostile
//! template comes to an end: its steps, its nesting and what it writes are bounded, and it
//! reads nothing but the items of data bags. There is no `include`, `import` or `extends`: a
//! template is one file.

mod encode;
mod engine;
mod fault;
mod session;
mod spans;
mod values;

#[cfg(test)]
mod tests;

pub use encode::Encoding;
pub use engine::{Rendered, Renderer, without};
pub use spans::Spans;

use crate::error::{Error, Place};
use crate::value::Value;
use indexmap::IndexMap;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest template, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// The variables a template sees, by name.
pub type Variables = IndexMap<String, Value>;

/// A text to render.
#[derive(Debug, Clone)]
pub struct Template {
    /// Where the text begins; a file as a whole has neither line nor column.
    place: Place,
    source: Arc<str>,
    /// The byte each line begins at.
    lines: Arc<[usize]>,
}

impl Template {
    /// Reads a file that is a template.
    ///
    /// # Errors
    /// It cannot be read, is no UTF-8 or larger than [`MAX_BYTES`].
    pub fn read(file: &Path) -> Result<Template, Error> {
        let mut bytes = Vec::new();
        std::fs::File::open(file)
            .and_then(|opened| opened.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| Error::usage(format!("cannot be read: {error}")).in_file(file))?;
        Template::of_file(file, &bytes)
    }

    /// The template that a file of this name holds.
    ///
    /// # Errors
    /// As [`Template::read`].
    pub fn of_file(file: &Path, bytes: &[u8]) -> Result<Template, Error> {
        if bytes.len() as u64 > MAX_BYTES {
            let message = format!("is larger than {} MiB, the most a template may be", MAX_BYTES >> 20);
            return Err(Error::usage(message).in_file(file));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            let before = String::from_utf8_lossy(&bytes[..at]);
            let line = before.rsplit('\n').next().unwrap_or_default();
            Error::usage(format!("byte 0x{:02x} is not UTF-8", bytes[at]))
                .at(Place::at(file, before.split('\n').count(), line.chars().count() + 1))
                .hint("save the file as UTF-8 text")
        })?;
        // One kind of line end, so that lines count as in an editor.
        let source = text.replace("\r\n", "\n");
        Ok(Template::new(Place::file(file), &source))
    }

    /// A text that stands in a file at `place`, such as a value of a YAML document. Errors
    /// give this place: how the text is quoted there is not known, and so no column in it.
    pub fn at(place: &Place, text: &str) -> Template {
        Template::new(place.clone(), text)
    }

    fn new(place: Place, text: &str) -> Template {
        Template { place, source: text.into(), lines: beginnings(text).into() }
    }

    /// The file it stands in.
    pub fn file(&self) -> &Path {
        &self.place.file
    }

    /// The folder of its file.
    pub fn folder(&self) -> PathBuf {
        self.place.file.parent().map(Path::to_path_buf).unwrap_or_default()
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the text is all of its file.
    fn is_file(&self) -> bool {
        self.place.line.is_none()
    }

    /// The place of a byte of the text.
    pub fn place(&self, at: usize) -> Place {
        match self.is_file() {
            true => {
                let line = self.lines.partition_point(|begins| *begins <= at).max(1);
                let begins = self.lines.get(line - 1).copied().unwrap_or_default();
                Place::at(&self.place.file, line, column(&self.source[begins..], at - begins))
            }
            false => self.place.clone(),
        }
    }

    /// An error at a byte of the text, with its line.
    pub fn error(&self, at: usize, message: impl Into<String>) -> Error {
        let place = self.place(at);
        let error = Error::usage(message).at(place.clone());
        let line = place.line.filter(|_| self.is_file()).and_then(|line| self.source.split('\n').nth(line - 1));
        match line.filter(|line| !line.trim().is_empty() && line.chars().count() <= LONGEST_SHOWN_LINE) {
            Some(line) => error.with_source_line(line.replace('\t', " ")),
            None => error,
        }
    }

    /// The names of variables it uses and does not set itself, functions among them, whether
    /// or not what uses them would be rendered. Empty where it is no template.
    pub fn variables(&self) -> HashSet<String> {
        let environment = minijinja::Environment::empty();
        environment
            .template_from_named_str("", &self.source)
            .map(|template| template.undeclared_variables(false))
            .unwrap_or_default()
    }
}

/// A longer line of source is not shown in an error.
const LONGEST_SHOWN_LINE: usize = 200;

/// The bytes at which the lines of a text begin.
fn beginnings(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1)).collect()
}

/// The column of a byte of a line, from 1. It counts characters, and beyond a line that anybody
/// reads bytes.
fn column(line: &str, at: usize) -> usize {
    const READ: usize = 10_000;
    match line.get(..at) {
        Some(before) if at <= READ => before.chars().count() + 1,
        _ => at + 1,
    }
}
