//! The values of a provisioner's keys, read by their table.

use crate::error::{Error, did_you_mean};
use crate::pipeline::key::{Key, Shape};
use crate::pipeline::process::Words;
use crate::value::duration;
use crate::yaml::{Data, Document, Field, Located, Map};
use indexmap::IndexMap;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is given for a key.
#[derive(Debug, Clone)]
enum Setting {
    Text(String),
    Texts(Vec<String>),
    Path(PathBuf),
    Paths(Vec<PathBuf>),
    Bool(bool),
    Number(i64),
    Duration(Duration),
    TextMap(IndexMap<String, String>),
    Map(serde_json::Map<String, Json>),
    Program(Words),
    /// It holds a template, and is known only once that is rendered.
    Later,
}

/// The values of a provisioner's keys.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    given: IndexMap<&'static str, Setting>,
}

/// Reads values.
pub struct Reader<'a> {
    pub document: &'a Document,
    /// The folder paths start from.
    pub dir: &'a Path,
    /// Whether texts may still hold `{{ }}`, which is rendered later.
    pub templates: bool,
    pub errors: Vec<Error>,
}

impl Reader<'_> {
    /// Reads a section with these keys; `what` is what messages call it.
    pub fn section(&mut self, value: &Located, keys: &'static [Key], what: &str) -> Settings {
        let empty = Map::new();
        let map = match &value.value {
            // All its keys may be optional.
            Data::Null => &empty,
            Data::Map(map) => map,
            _ => {
                self.wrong(value, format!("{what} is {}, not a map", value.type_name()));
                return Settings::default();
            }
        };
        let mut settings = Settings::default();
        for (name, field) in map {
            match keys.iter().find(|key| key.name == name) {
                Some(_) if field.value.is_null() => {}
                Some(key) => {
                    if let Some(setting) = self.setting(key, field) {
                        settings.given.insert(key.name, setting);
                    }
                }
                None => {
                    let error = self.document.error(&field.key, format!("unknown key {name} in {what}"));
                    self.errors.push(error.hint(did_you_mean(name, keys.iter().map(|key| key.name))));
                }
            }
        }
        for key in keys.iter().filter(|key| key.required) {
            if map.get(key.name).is_none_or(|field| field.value.is_null()) {
                let error = self.document.error(&value.place, format!("{what} has no {}", key.name));
                self.errors.push(error.hint(format!("add {}: {}", key.name, key.doc)));
            }
        }
        settings
    }

    /// The settings of one key alone, where the value stands for it without a map.
    pub fn alone(&mut self, value: &Located, key: &'static Key) -> Settings {
        let mut settings = Settings::default();
        let field = Field { key: value.place.clone(), value: value.clone() };
        if let Some(setting) = self.setting(key, &field) {
            settings.given.insert(key.name, setting);
        }
        settings
    }

    fn wrong(&mut self, value: &Located, message: String) {
        self.errors.push(self.document.error(&value.place, message));
    }

    fn setting(&mut self, key: &Key, field: &Field) -> Option<Setting> {
        let value = &field.value;
        let is_words = matches!(key.shape, Shape::Text | Shape::Texts | Shape::Path | Shape::Paths | Shape::TextMap);
        if self.templates && value.as_str().is_some_and(is_template) && !is_words {
            return Some(Setting::Later);
        }
        let read = match key.shape {
            Shape::Text => value.text().map(|text| Setting::Text(text.to_string())),
            Shape::Texts => texts(value).map(Setting::Texts),
            Shape::Path => value.text().map(|text| Setting::Path(path(self.dir, text))),
            Shape::Paths => {
                texts(value).map(|texts| Setting::Paths(texts.iter().map(|text| path(self.dir, text)).collect()))
            }
            Shape::Word(words) => {
                let word = value.text().filter(|text| words.contains(text));
                if let (None, Some(text)) = (word, value.text()) {
                    let error = self.document.error(&value.place, format!("{} is {text}", key.name));
                    self.errors.push(error.hint(did_you_mean(text, words.iter().copied())));
                    return None;
                }
                word.map(|word| Setting::Text(word.to_string()))
            }
            // What a template gave is a text.
            Shape::Bool => match &value.value {
                Data::Bool(value) => Some(Setting::Bool(*value)),
                Data::Str(text) => text.parse().ok().map(Setting::Bool),
                _ => None,
            },
            Shape::Number(least, most) => {
                let number = match &value.value {
                    Data::Int(number) => Some(*number),
                    Data::Str(text) => text.trim().parse().ok(),
                    _ => None,
                };
                number.filter(|number| (least..=most).contains(number)).map(Setting::Number)
            }
            Shape::Duration => {
                let time = duration::milliseconds(&value.to_value()).filter(|time| *time > 0);
                time.map(|time| Setting::Duration(Duration::from_millis(time)))
            }
            Shape::TextMap => value.as_map().and_then(|map| {
                let text = |(name, field): (&String, &Field)| Some((name.clone(), field.value.text()?.to_string()));
                map.iter().map(text).collect::<Option<_>>().map(Setting::TextMap)
            }),
            Shape::Map => match value.to_value().to_json() {
                Json::Object(map) => Some(Setting::Map(map)),
                _ => None,
            },
            // No provisioner has a key of these.
            Shape::Impact | Shape::Share | Shape::Inventory => None,
            Shape::Program => match &value.value {
                Data::Str(line) if !line.trim().is_empty() => Some(Setting::Program(Words::Line(line.clone()))),
                Data::List(words) if !words.is_empty() => {
                    let words: Option<Vec<_>> = words.iter().map(|word| word.text().map(Into::into)).collect();
                    words.map(|words| Setting::Program(Words::Argv(words)))
                }
                _ => None,
            },
        };
        if read.is_none() {
            let error = self.document.error(&value.place, format!("{} is {}", key.name, kind_of(value)));
            self.errors.push(error.hint(format!("it has to be {}", key.shape.words())));
        }
        read
    }
}

impl Settings {
    pub fn has(&self, key: &str) -> bool {
        self.given.contains_key(key)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        match self.given.get(key)? {
            Setting::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn texts(&self, key: &str) -> &[String] {
        match self.given.get(key) {
            Some(Setting::Texts(texts)) => texts,
            _ => &[],
        }
    }

    pub fn path(&self, key: &str) -> Option<&Path> {
        match self.given.get(key)? {
            Setting::Path(path) => Some(path),
            _ => None,
        }
    }

    pub fn paths(&self, key: &str) -> &[PathBuf] {
        match self.given.get(key) {
            Some(Setting::Paths(paths)) => paths,
            _ => &[],
        }
    }

    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.given.get(key)? {
            Setting::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<i64> {
        match self.given.get(key)? {
            Setting::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub fn duration(&self, key: &str) -> Option<Duration> {
        match self.given.get(key)? {
            Setting::Duration(duration) => Some(*duration),
            _ => None,
        }
    }

    /// A map of texts; none where it is not given.
    pub fn text_map(&self, key: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = match self.given.get(key) {
            Some(Setting::TextMap(map)) => Some(map),
            _ => None,
        };
        map.into_iter().flatten().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    pub fn map(&self, key: &str) -> Option<&serde_json::Map<String, Json>> {
        match self.given.get(key)? {
            Setting::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn program(&self, key: &str) -> Option<&Words> {
        match self.given.get(key)? {
            Setting::Program(words) => Some(words),
            _ => None,
        }
    }
}

/// Whether a text holds a template.
fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// A scalar, or a list of them.
fn texts(value: &Located) -> Option<Vec<String>> {
    match &value.value {
        Data::List(items) => items.iter().map(|item| item.text().map(str::to_string)).collect(),
        _ => value.text().map(|text| vec![text.to_string()]),
    }
}

/// What was written, for a message: a short scalar itself, else its type.
fn kind_of(value: &Located) -> String {
    match value.text() {
        // A long one, or one of several lines, may be anything; a secret among it.
        Some(text) if text.len() <= 20 && !text.contains('\n') => format!("{text:?}"),
        _ => value.type_name().to_string(),
    }
}

/// A path as a person writes it, made absolute: some programs change their folder before they look.
fn path(dir: &Path, text: &str) -> PathBuf {
    let path = match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) if !home.is_empty() => PathBuf::from(home).join(rest),
        _ => dir.join(text),
    };
    std::path::absolute(&path).unwrap_or(path)
}
