//! YAML read with places: every value and every key knows its file, line and column.
//!
//! The syntax is YAML 1.2. Plain scalars are typed as `serde_norway` types them (a test
//! compares the two), which is the core schema with two guards: `no`, `on` and `yes` are
//! strings, and so is a number with leading zeros such as `0644`. On top of that, what is
//! ambiguous or a trap is refused instead of guessed: duplicate keys, several documents,
//! merge keys (`<<`), tags of one's own, integers beyond 64 bits.
//!
//! What a person wrote is kept beside what it means ([`Located::text`]), so that an id
//! `9.10` can be told from `9.1`.

mod build;
mod scalar;

use crate::error::{Error, Place, did_you_mean};
use crate::value::Value;
use indexmap::IndexMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest YAML text that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// The most values one document may hold once its aliases are expanded.
pub const MAX_VALUES: usize = 500_000;
/// The most bytes of text one document may hold once its aliases are expanded.
pub const MAX_TEXT: usize = 4 * MAX_BYTES;
/// The deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 64;
/// A source line longer than this (in characters) is not shown in an error.
const LONGEST_SHOWN_LINE: usize = 200;

/// One YAML document and the text it was read from.
#[derive(Debug, Clone)]
pub struct Document {
    pub root: Located,
    file: PathBuf,
    text: Arc<str>,
}

/// A value and the place it is written at.
#[derive(Debug, Clone)]
pub struct Located {
    pub value: Data,
    /// Where the value begins. Inside an expanded alias: where the anchored text stands.
    pub place: Place,
    /// A plain scalar as it was written, where its type is not text.
    written: Option<Box<str>>,
}

/// What a YAML value is.
#[derive(Debug, Clone)]
pub enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    List(Vec<Located>),
    Map(Map),
}

/// A map whose keys keep the order they were written in. A key that is a number or a
/// boolean is taken as its text.
pub type Map = IndexMap<String, Field>;

/// The value of a key of a map, and the place of the key.
#[derive(Debug, Clone)]
pub struct Field {
    pub key: Place,
    pub value: Located,
}

/// What another program reads otherwise than this module.
pub trait Dialect {
    /// A plain scalar; `None` where it is read as everywhere.
    fn plain(&self, text: &str) -> Option<Data>;
    /// A scalar with a tag of one's own, such as `!vault`; `None` where there is no such tag.
    fn tagged(&self, tag: &str, text: &str, place: &Place) -> Option<Data>;
    /// Whether a key `<<` merges the map, or list of maps, behind it into its own map.
    fn merges(&self) -> bool;
}

/// The dialect of Probity's own files.
struct Own;

impl Dialect for Own {
    fn plain(&self, _: &str) -> Option<Data> {
        None
    }

    fn tagged(&self, _: &str, _: &str, _: &Place) -> Option<Data> {
        None
    }

    fn merges(&self) -> bool {
        false
    }
}

impl Document {
    /// Reads a file, which may also be a pipe such as `/dev/stdin`.
    ///
    /// # Errors
    /// The file cannot be read, is larger than [`MAX_BYTES`], or see [`Document::parse`].
    pub fn read(path: &Path) -> Result<Document, Error> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| Error::usage(format!("cannot be read: {error}")).in_file(path))?;
        Document::parse(path, &bytes)
    }

    /// Reads a document from bytes; `file` is the name that places give. An empty text is
    /// a document that is null.
    ///
    /// # Errors
    /// Not UTF-8, not YAML, refused (see the module) or beyond a cap; each with its line,
    /// column and source line.
    pub fn parse(file: impl Into<PathBuf>, bytes: &[u8]) -> Result<Document, Error> {
        Document::parse_as(file, bytes, &Own)
    }

    /// Reads a document of another program from bytes.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_as(file: impl Into<PathBuf>, bytes: &[u8], dialect: &dyn Dialect) -> Result<Document, Error> {
        let file = file.into();
        if bytes.len() > MAX_BYTES {
            return Err(Error::usage(format!("is larger than {} MiB, the most that is read", MAX_BYTES >> 20))
                .at(Place::file(file)));
        }
        let text = normalised(decoded(&file, bytes)?);
        let mut document = Document { root: Located::new(Data::Null, Place::at(&file, 1, 1)), file, text: text.into() };
        document.root = build::tree(&document, dialect)?;
        Ok(document)
    }

    /// A document that was read otherwise: it has no lines that errors could show.
    pub fn of(root: Located) -> Document {
        let file = root.place.file.clone();
        Document { root, file, text: "".into() }
    }

    /// The file's name as places give it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// An error at a place of this document, with the source line. A message about a
    /// value that may be secret is to be made without it: `Error::usage(…).at(place)`.
    pub fn error(&self, place: &Place, message: impl Into<String>) -> Error {
        let error = Error::usage(message).at(place.clone());
        match place.line.and_then(|line| self.line(line)) {
            Some(line) => error.with_source_line(line),
            None => error,
        }
    }

    /// The fields of a value that has to be a map with none but `known` keys; `what` is
    /// the noun messages use, such as `the manifest`.
    ///
    /// # Errors
    /// It is not a map, or holds an unknown key (the nearest known one is named).
    pub fn fields<'a>(&self, located: &'a Located, what: &str, known: &[&str]) -> Result<&'a Map, Error> {
        let Data::Map(map) = &located.value else {
            return Err(self.error(&located.place, format!("{what} is {}, not a map", located.type_name())));
        };
        for (key, field) in map {
            if !known.contains(&key.as_str()) {
                return Err(self
                    .error(&field.key, format!("unknown key {key} in {what}"))
                    .hint(did_you_mean(key, known.iter().copied())));
            }
        }
        Ok(map)
    }

    /// A line of the text as an error shows it; `None` for one that is empty or too long.
    fn line(&self, number: usize) -> Option<String> {
        let line = self.text.split('\n').nth(number.checked_sub(1)?)?;
        if line.trim().is_empty() {
            return None;
        }
        let shown = line.chars().take(LONGEST_SHOWN_LINE + 1).count() <= LONGEST_SHOWN_LINE;
        // One column a character, so that the mark below stands where it should.
        shown.then(|| line.chars().map(|c| if c == '\t' { ' ' } else { c }).collect())
    }

    /// The place of a character of this document; both count from 1.
    fn place(&self, line: usize, column: usize) -> Place {
        Place::at(&self.file, line, column)
    }
}

impl Located {
    /// A value at a place.
    pub fn new(value: Data, place: Place) -> Located {
        Located { value, place, written: None }
    }

    /// The text of a scalar just as it was written: of a string its content, of anything
    /// else (`9.10`, `0x1f`, `True`) its spelling. `None` for null, lists and maps.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Data::Str(text) => Some(text),
            Data::Bool(_) | Data::Int(_) | Data::Float(_) => self.written.as_deref(),
            Data::Null | Data::List(_) | Data::Map(_) => None,
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Data::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Located]> {
        match &self.value {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// The fields, if it is a map.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether it is null, as an empty value is.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Data::Null)
    }

    /// The name of the type as messages give it, the same as [`Value::type_name`].
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Int(_) => "an integer",
            Data::Float(_) => "a number",
            Data::Str(_) => "a string",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }

    /// The value without its places; null becomes [`Value::Nil`].
    pub fn to_value(&self) -> Value {
        match &self.value {
            Data::Null => Value::Nil,
            Data::Bool(value) => Value::Bool(*value),
            Data::Int(value) => Value::Int(*value),
            Data::Float(value) => Value::Float(*value),
            Data::Str(text) => Value::from(text.as_str()),
            Data::List(items) => Value::List(items.iter().map(Located::to_value).collect()),
            Data::Map(map) => {
                Value::Map(map.iter().map(|(key, field)| (key.clone(), field.value.to_value())).collect())
            }
        }
    }
}

/// The text of `bytes` without a byte order mark.
fn decoded<'a>(file: &Path, bytes: &'a [u8]) -> Result<&'a str, Error> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Error::usage("is UTF-16").in_file(file).hint("save it as UTF-8"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (text, wrong) = match std::str::from_utf8(bytes) {
        // NUL would end the text for the parser, and YAML allows no control characters.
        Ok(text) => match text.find(|c: char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r')) {
            None => return Ok(text),
            Some(at) => (&text[..at], format!("control character U+{:04X}", bytes[at])),
        },
        Err(error) => {
            let at = error.valid_up_to();
            let text = std::str::from_utf8(&bytes[..at]).unwrap_or_default();
            (text, format!("byte 0x{:02x} is not UTF-8", bytes[at]))
        }
    };
    let before = normalised(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let place = Place::at(file, before.split('\n').count(), line.chars().count() + 1);
    Err(Error::usage(wrong).at(place).hint("save the file as UTF-8 text"))
}

/// The text with every line end as `\n`, which is what YAML makes of them.
fn normalised(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests;
