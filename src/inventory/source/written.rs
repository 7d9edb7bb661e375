//! Sources as people write them: on the command line and in files.

use super::{From, Source};
use crate::error::{Error, nearest};
use crate::inventory::ansible::words;
use crate::inventory::kind::Kind;
use crate::value::duration::milliseconds;
use crate::yaml::{Data, Document, Field, Located};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// The word for a program that prints an inventory.
const COMMAND: &str = "command";

const KEYS: [&str; 5] = ["file", "command", "format", "allow_empty", "timeout"];

impl FromStr for Source {
    type Err = Error;

    /// Reads `FILE`, `KIND:FILE`, `command:PROGRAM ARGUMENT…` or `-`. A file that is there wins
    /// over a `KIND:` that its name begins with.
    ///
    /// # Errors
    /// A kind that is misspelt, and nothing behind it.
    fn from_str(text: &str) -> Result<Source, Error> {
        Source::parse(text, Path::new(""))
    }
}

impl Source {
    /// Reads a text as [`Source::from_str`] does, where relative paths begin in `folder`.
    ///
    /// # Errors
    /// As there.
    pub fn parse(text: &str, folder: &Path) -> Result<Source, Error> {
        if text.trim().is_empty() {
            return Err(Error::usage("an inventory without a name").hint("name a file"));
        }
        if text == "-" {
            return Ok(Source::new(From::StandardInput, None));
        }
        let named = text.split_once(':').filter(|(word, _)| {
            word.bytes().all(|byte| byte.is_ascii_lowercase()) && !word.is_empty() && !folder.join(text).exists()
        });
        let Some((word, rest)) = named else { return Ok(Source::of_path(text)) };
        if word == COMMAND {
            let words = words(rest).map_err(|what| Error::usage(format!("{text}: {what}")))?;
            return match words.is_empty() {
                true => Err(Error::usage(format!("{text} names no program")).hint("write command:PROGRAM ARGUMENT…")),
                false => Ok(Source::new(From::Command(words), None)),
            };
        }
        let Ok(kind) = word.parse::<Kind>() else {
            return match nearest(word, Kind::ALL.map(Kind::name).into_iter().chain([COMMAND])) {
                Some(near) => {
                    Err(Error::usage(format!("{text} is no file, and there is no kind {word} of inventories"))
                        .hint(format!("did you mean {near}:?")))
                }
                None => Ok(Source::of_path(text)),
            };
        };
        match rest {
            "" => Err(Error::usage(format!("{text} names no file")).hint(format!("write {kind}:FILE"))),
            "-" => Ok(Source::new(From::StandardInput, Some(kind))),
            path => Ok(Source::new(From::Path(PathBuf::from(path)), Some(kind))),
        }
    }

    /// Reads what a file says of a source: a text as on the command line, or a map with one of
    /// `file` and `command` (a list of words, or one text) and, as wanted, `format` (a kind),
    /// `allow_empty` (true: no nodes are no error) and `timeout` (of a program). Relative paths
    /// begin in `folder`.
    ///
    /// # Errors
    /// Everything that is wrong, with its place.
    pub fn from_yaml(document: &Document, value: &Located, folder: &Path) -> Result<Source, Vec<Error>> {
        let one = |error: Error| vec![error];
        if let Some(text) = value.as_str() {
            return Source::parse(text, folder).map_err(|error| one(located(document, value, error)));
        }
        let fields = document.fields(value, "the inventory", &KEYS).map_err(one)?;
        let mut errors = Vec::new();
        let mut from = None;
        let mut source = Source::new(From::StandardInput, None);
        for (key, field) in fields {
            let done = match key.as_str() {
                "file" => text(document, key, field).map(|path| from = Some(From::Path(path.into()))),
                "command" => command(document, field).map(|words| from = Some(From::Command(words))),
                "format" => text(document, key, field).and_then(|word| {
                    source.kind = Some(word.parse().map_err(|error| located(document, &field.value, error))?);
                    Ok(())
                }),
                "allow_empty" => match field.value.value {
                    Data::Bool(allow) => {
                        source.allow_empty = allow;
                        Ok(())
                    }
                    _ => Err(document.error(&field.value.place, "allow_empty is true or false")),
                },
                "timeout" => match milliseconds(&field.value.to_value()) {
                    Some(time @ 1..) => {
                        source.time_limit = Some(Duration::from_millis(time));
                        Ok(())
                    }
                    _ => Err(document
                        .error(&field.value.place, "timeout is no length of time")
                        .hint("write a number with a unit, such as 30s or 2m")),
                },
                // Whatever is not in KEYS was refused above.
                _ => Ok(()),
            };
            errors.extend(done.err());
        }
        if fields.contains_key("file") && fields.contains_key("command") {
            errors.push(document.error(&value.place, "the inventory has a file and a command").hint("leave one out"));
        }
        match from {
            Some(from) => source.from = from,
            None if errors.is_empty() => errors.push(
                document.error(&value.place, "the inventory has neither a file nor a command").hint("write file: FILE"),
            ),
            None => {}
        }
        if errors.is_empty() { Ok(source) } else { Err(errors) }
    }
}

/// An error about a value that is written at a place.
fn located(document: &Document, value: &Located, error: Error) -> Error {
    let mut found = document.error(&value.place, error.message);
    found.hints = error.hints;
    found
}

fn text(document: &Document, key: &str, field: &Field) -> Result<String, Error> {
    match field.value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_string()),
        Some(_) => Err(document.error(&field.value.place, format!("{key} is empty"))),
        None => Err(document.error(&field.value.place, format!("{key} is {}, not a string", field.value.type_name()))),
    }
}

/// The words of a command: a list, or one text that is split as a shell does.
fn command(document: &Document, field: &Field) -> Result<Vec<String>, Error> {
    let value = &field.value;
    let found = match &value.value {
        Data::List(items) => {
            let word = |item: &Located| {
                let wrong = || document.error(&item.place, format!("a word of command is {}", item.type_name()));
                item.text().map(str::to_string).ok_or_else(wrong)
            };
            items.iter().map(word).collect::<Result<Vec<_>, _>>()?
        }
        _ => {
            let line = text(document, "command", field)?;
            words(&line).map_err(|what| document.error(&value.place, format!("command: {what}")))?
        }
    };
    match found.first().is_some_and(|program| !program.is_empty()) {
        true => Ok(found),
        false => Err(document.error(&value.place, "command names no program")),
    }
}
