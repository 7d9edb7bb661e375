//! From the parser's events to the tree of located values.

use super::scalar::{self, Refused};
use super::{Data, Dialect, Document, Field, Located, MAX_DEPTH, MAX_TEXT, MAX_VALUES, Map};
use crate::error::{Error, Place};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// A list or map whose end has not been read.
struct Open {
    kind: Kind,
    place: Place,
    anchor: usize,
    size: Size,
}

enum Kind {
    List(Vec<Located>),
    /// The map so far, and the key whose value comes next.
    Map(Map, Option<(String, Place)>),
}

/// How much a value holds, itself included.
#[derive(Clone, Copy, Default)]
struct Size {
    values: usize,
    text: usize,
}

impl Size {
    fn add(&mut self, other: Size) {
        self.values += other.values;
        self.text += other.text;
    }
}

/// Builds the tree of a document's text.
pub(super) fn tree(document: &Document, dialect: &dyn Dialect) -> Result<Located, Error> {
    let mut builder =
        Builder { document, dialect, open: Vec::new(), anchors: HashMap::new(), root: None, total: Size::default() };
    let mut parser = Parser::new_from_str(&document.text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => {
                let place = document.place(error.marker().line().max(1), error.marker().col() + 1);
                let fault = document.error(&place, format!("is not YAML: {}", error.info()));
                return Err(match remedy(error.info()) {
                    Some(remedy) => fault.hint(remedy),
                    None => fault,
                });
            }
        }
    }
    Ok(builder.root.unwrap_or_else(|| document.root.clone()))
}

/// A map with what its key `<<` names, below what it says itself; of several maps the first wins.
/// Where that is no map, its place.
fn merged(mut map: Map) -> Result<Map, Place> {
    let Some(field) = map.shift_remove("<<") else { return Ok(map) };
    let sources = match field.value.value {
        Data::List(items) => items,
        _ => vec![field.value],
    };
    for source in sources {
        let Data::Map(more) = source.value else { return Err(source.place) };
        for (key, field) in more {
            map.entry(key).or_insert(field);
        }
    }
    Ok(map)
}

/// What to do about the faults people make most; the parser's words are for those who
/// know YAML.
fn remedy(fault: &str) -> Option<&'static str> {
    let known = [
        ("mapping values", "look at the indentation, and put text that holds ': ' in quotes"),
        ("tabs", "indent with spaces"),
        ("unexpected character", "put the text in quotes"),
        ("escape character", "write it in single quotes, where a backslash is but a backslash"),
        ("unknown anchor", "put text that begins with * in quotes"),
        ("flow sequence", "close the list with ]"),
        ("flow mapping", "close the map with }"),
        ("quoted scalar", "close the quotes"),
        ("simple key expect", "write KEY: VALUE"),
    ];
    known.into_iter().find(|(words, _)| fault.contains(words)).map(|(_, remedy)| remedy)
}

struct Builder<'a> {
    document: &'a Document,
    dialect: &'a dyn Dialect,
    open: Vec<Open>,
    anchors: HashMap<usize, (Located, Size)>,
    root: Option<Located>,
    total: Size,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        let place = self.document.place(span.start.line().max(1), span.start.col() + 1);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_none() => Ok(()),
            Event::DocumentStart(_) => Err(self.error(&place, "a second document begins here").hint("keep one")),
            Event::Scalar(text, style, anchor, tag) => {
                let empty = span.is_empty() && style == ScalarStyle::Plain;
                self.scalar(text, style, empty, anchor, tag.as_deref(), place)
            }
            Event::Alias(anchor) => {
                // Counted before it is copied: a bomb is refused, not built.
                let size = self.anchors.get(&anchor).map(|(_, size)| *size).unwrap_or_default();
                self.count(size, &place)?;
                let Some((located, _)) = self.anchors.get(&anchor) else {
                    return Err(self.error(&place, "the alias stands inside what it names"));
                };
                let copy = Located { place, ..located.clone() };
                self.put(copy, size)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Kind::List(Vec::new()), anchor, tag.as_deref(), place),
            Event::MappingStart(anchor, tag) => self.begin(Kind::Map(Map::new(), None), anchor, tag.as_deref(), place),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        empty: bool,
        anchor: usize,
        tag: Option<&Tag>,
        place: Place,
    ) -> Result<(), Error> {
        // The parser gives "~" for a value that is not there.
        let text = if empty { Cow::Borrowed("") } else { text };
        let is_key = self.open.last().is_some_and(|open| matches!(open.kind, Kind::Map(_, None)));
        if is_key && empty {
            return Err(self.error(&place, "a key is missing here"));
        }
        if is_key && style == ScalarStyle::Plain && text == "<<" && !self.dialect.merges() {
            return Err(self.error(&place, "merge keys (<<) are not read").hint("write the keys out"));
        }
        let value = match tag {
            None if style == ScalarStyle::Plain => match self.dialect.plain(&text) {
                Some(value) => Ok(value),
                None => scalar::plain(&text),
            },
            None => Ok(Data::Str(text.to_string())),
            Some(tag) if tag.is_yaml_core_schema() => scalar::tagged(&tag.suffix, &text),
            // The non-specific tag: a string.
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(Data::Str(text.to_string())),
            Some(tag) => self.dialect.tagged(&tag.to_string(), &text, &place).ok_or(Refused::Tag),
        };
        // As a key, an integer beyond 64 bits is but its text.
        let value = match value {
            Err(Refused::TooLarge) if is_key => Ok(Data::Str(text.to_string())),
            other => other,
        };
        let value = value.map_err(|refused| match refused {
            Refused::TooLarge => {
                self.error(&place, format!("{text} is beyond 64 bits")).hint("put it in quotes if it is text")
            }
            Refused::NotA(what) => self.error(&place, format!("{text:?} is not {what}, as its tag says")),
            Refused::Tag => self.unknown_tag(tag, &place),
        })?;
        let written = match value {
            Data::Bool(_) | Data::Int(_) | Data::Float(_) => Some(text.as_ref().into()),
            Data::Null if is_key => Some(text.as_ref().into()),
            _ => None,
        };
        let size = Size { values: 1, text: text.len() };
        self.count(size, &place)?;
        let located = Located { value, place, written };
        self.remember(anchor, &located, size);
        self.put(located, size)
    }

    fn begin(&mut self, kind: Kind, anchor: usize, tag: Option<&Tag>, place: Place) -> Result<(), Error> {
        let expected = if matches!(kind, Kind::List(_)) { "seq" } else { "map" };
        if tag.is_some_and(|tag| !(tag.is_yaml_core_schema() && tag.suffix == expected)) {
            return Err(self.unknown_tag(tag, &place));
        }
        if self.open.last().is_some_and(|open| matches!(open.kind, Kind::Map(_, None))) {
            let hint = "put text that begins with { or [ in quotes";
            return Err(self.error(&place, "a list or map cannot be a key").hint(hint));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error(&place, format!("is nested deeper than {MAX_DEPTH} levels")));
        }
        let size = Size { values: 1, text: 0 };
        self.count(size, &place)?;
        self.open.push(Open { kind, place, anchor, size });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.kind {
            Kind::List(items) => Data::List(items),
            Kind::Map(map, _) if self.dialect.merges() && map.contains_key("<<") => {
                Data::Map(merged(map).map_err(|place| self.error(&place, "<< stands before no map"))?)
            }
            Kind::Map(map, _) => Data::Map(map),
        };
        let located = Located::new(value, open.place);
        self.remember(open.anchor, &located, open.size);
        self.put(located, open.size)
    }

    /// Puts a finished value where it belongs: into the open list or map, or at the root.
    fn put(&mut self, located: Located, size: Size) -> Result<(), Error> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(located);
            return Ok(());
        };
        open.size.add(size);
        match &mut open.kind {
            Kind::List(items) => items.push(located),
            Kind::Map(map, awaited) => match awaited.take() {
                Some((key, place)) => {
                    map.insert(key, Field { key: place, value: located });
                }
                None => {
                    let key = match (&located.value, &located.written) {
                        (Data::Str(text), _) => text.clone(),
                        (_, Some(written)) => written.to_string(),
                        _ => return Err(self.error(&located.place, "a list or map cannot be a key")),
                    };
                    if let Some(first) = map.get(&key) {
                        let line = first.key.line.unwrap_or_default();
                        return Err(
                            self.error(&located.place, format!("key {key} is there twice, first in line {line}"))
                        );
                    }
                    *awaited = Some((key, located.place));
                }
            },
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, located: &Located, size: Size) {
        if anchor > 0 {
            self.anchors.insert(anchor, (located.clone(), size));
        }
    }

    fn count(&mut self, size: Size, place: &Place) -> Result<(), Error> {
        self.total.add(size);
        if self.total.values > MAX_VALUES {
            return Err(self.error(place, format!("holds more than {MAX_VALUES} values, aliases expanded")));
        }
        if self.total.text > MAX_TEXT {
            return Err(self.error(place, format!("holds more than {} MiB, aliases expanded", MAX_TEXT >> 20)));
        }
        Ok(())
    }

    fn unknown_tag(&self, tag: Option<&Tag>, place: &Place) -> Error {
        let tag = tag.map(Tag::to_string).unwrap_or_default();
        self.error(place, format!("unknown tag {tag}")).hint("leave the tag out")
    }

    fn error(&self, place: &Place, message: impl Into<String>) -> Error {
        self.document.error(place, message)
    }
}
