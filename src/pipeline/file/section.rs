//! Reads the keys of one section of a pipeline file by the table of keys.

use crate::error::{Error, did_you_mean};
use crate::pipeline::key::Key;
use crate::plan::share::Share;
use crate::value::duration;
use crate::yaml::{Data, Document, Field, Located, Map};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A map of the file and what is wrong with it.
pub struct Section<'a> {
    pub document: &'a Document,
    /// What messages call it, such as `stage web`.
    what: String,
    map: &'a Map,
    /// Whether `{{ }}` in its texts is still to be rendered: such a value is then not looked at.
    raw: bool,
    errors: RefCell<Vec<Error>>,
}

/// Whether a text is a template that has yet to be rendered.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Whether any text in a value is one.
pub fn holds_template(value: &Located) -> bool {
    match &value.value {
        Data::Str(text) => is_template(text),
        Data::List(items) => items.iter().any(holds_template),
        Data::Map(map) => map.values().any(|field| holds_template(&field.value)),
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::Float(_) => false,
    }
}

impl<'a> Section<'a> {
    /// Opens a section whose keys are those of `known` and the `others`.
    ///
    /// # Errors
    /// It is no map, or holds an unknown key or lacks a required one.
    pub fn open(
        document: &'a Document,
        located: &'a Located,
        what: String,
        known: &[&[Key]],
        others: &[&str],
        raw: bool,
    ) -> Result<Section<'a>, Vec<Error>> {
        let Data::Map(map) = &located.value else {
            let message = format!("{what} is {}, not a map", located.type_name());
            return Err(vec![document.error(&located.place, message)]);
        };
        let keys = || known.iter().flat_map(|keys| keys.iter());
        let names: Vec<&str> = keys().map(|key| key.name).chain(others.iter().copied()).collect();
        let unknown = |(key, field): (&String, &Field)| {
            let error = || document.error(&field.key, format!("unknown key {key} in {what}"));
            (!names.contains(&key.as_str())).then(|| error().hint(did_you_mean(key, names.iter().copied())))
        };
        let mut errors: Vec<Error> = map.iter().filter_map(unknown).collect();
        for key in keys().filter(|key| key.required && !map.contains_key(key.name)) {
            errors.push(document.error(&located.place, format!("{what} has no {}", key.name)).hint(key.doc));
        }
        match errors.is_empty() {
            true => Ok(Section { document, what, map, raw, errors: RefCell::default() }),
            false => Err(errors),
        }
    }

    /// A value that is given and, where templates are still to be rendered, holds none.
    pub fn field(&self, key: &str) -> Option<&'a Field> {
        let field = self.map.get(key).filter(|field| !field.value.is_null())?;
        (!(self.raw && holds_template(&field.value))).then_some(field)
    }

    /// A value that is given, whether or not it holds templates.
    pub fn given(&self, key: &str) -> Option<&'a Field> {
        self.map.get(key).filter(|field| !field.value.is_null())
    }

    /// Whether a key is given at all.
    pub fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|field| !field.value.is_null())
    }

    /// Where a key stands, for errors about what it leads to.
    pub fn place(&self, key: &str) -> Option<&'a crate::error::Place> {
        self.map.get(key).map(|field| &field.value.place)
    }

    /// Notes what is wrong with the value of a key.
    pub fn wrong(&self, field: &Field, message: String, hint: &str) {
        let error = self.document.error(&field.value.place, message);
        self.fail(if hint.is_empty() { error } else { error.hint(hint) });
    }

    /// Notes an error.
    pub fn fail(&self, error: Error) {
        self.errors.borrow_mut().push(error);
    }

    /// Notes errors.
    pub fn fail_all(&self, errors: Vec<Error>) {
        self.errors.borrow_mut().extend(errors);
    }

    /// Keeps what went well, and notes what did not.
    pub fn keep<T>(&self, done: Result<T, Vec<Error>>) -> Option<T> {
        done.map_err(|errors| self.fail_all(errors)).ok()
    }

    /// Everything that was wrong.
    pub fn into_errors(self) -> Vec<Error> {
        self.errors.into_inner()
    }

    pub fn text(&self, key: &str) -> Option<String> {
        let field = self.field(key)?;
        let text = plain(&field.value);
        if text.is_none() {
            self.wrong(field, format!("{key} is {}, not a text", describe(&field.value)), "");
        }
        text
    }

    /// One text or a list of them; none where the key is not given.
    pub fn texts(&self, key: &str) -> Vec<String> {
        let Some(field) = self.field(key) else { return Vec::new() };
        let texts = match &field.value.value {
            Data::List(items) => items.iter().map(plain).collect(),
            _ => plain(&field.value).map(|text| vec![text]),
        };
        texts.unwrap_or_else(|| {
            self.wrong(field, format!("{key} is a text or a list of texts"), "");
            Vec::new()
        })
    }

    /// One of these words, by its number.
    pub fn word(&self, key: &str, words: &[&str]) -> Option<usize> {
        let field = self.field(key)?;
        let text = plain(&field.value).unwrap_or_default();
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let hint = did_you_mean(&text, words.iter().copied());
            self.wrong(field, format!("{key} of {} is {}", self.what, words.join(", ")), &hint);
        }
        found
    }

    pub fn bool(&self, key: &str) -> Option<bool> {
        let field = self.field(key)?;
        let value = match &field.value.value {
            Data::Bool(value) => Some(*value),
            // What a template gave.
            Data::Str(text) => text.parse().ok(),
            _ => None,
        };
        if value.is_none() {
            self.wrong(field, format!("{key} is true or false, not {}", describe(&field.value)), "");
        }
        value
    }

    pub fn number(&self, key: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let field = self.field(key)?;
        let value = match &field.value.value {
            Data::Int(value) => Some(*value),
            Data::Str(text) => text.parse().ok(),
            _ => None,
        };
        let value = value.filter(|value| range.contains(value));
        if value.is_none() {
            self.wrong(field, format!("{key} is a number from {} to {}", range.start(), range.end()), "");
        }
        value
    }

    pub fn impact(&self, key: &str) -> Option<f64> {
        let field = self.field(key)?;
        let value = plain(&field.value).and_then(|text| text.parse().ok()).filter(|value| (0.0..=1.0).contains(value));
        if value.is_none() {
            self.wrong(field, format!("{key} is a number from 0 to 1"), "");
        }
        value
    }

    pub fn duration(&self, key: &str) -> Option<Duration> {
        let field = self.field(key)?;
        let value = duration::milliseconds(&field.value.to_value()).filter(|time| *time > 0);
        if value.is_none() {
            let hint = "write a number with a unit, such as 500ms, 10s, 2m or 1h";
            self.wrong(field, format!("{key} is no length of time"), hint);
        }
        value.map(Duration::from_millis)
    }

    pub fn share(&self, key: &str) -> Option<Share> {
        let field = self.field(key)?;
        let value: Result<Share, String> = plain(&field.value).unwrap_or_default().parse();
        if let Err(why) = &value {
            self.wrong(field, format!("{key} is no number of nodes"), why);
        }
        value.ok()
    }

    /// A map of names to texts.
    pub fn text_map(&self, key: &str) -> IndexMap<String, String> {
        let Some(field) = self.field(key) else { return IndexMap::new() };
        let Data::Map(map) = &field.value.value else {
            self.wrong(field, format!("{key} is {}, not a map of names to texts", describe(&field.value)), "");
            return IndexMap::new();
        };
        let mut texts = IndexMap::new();
        for (name, field) in map {
            match plain(&field.value) {
                Some(text) => drop(texts.insert(name.clone(), text)),
                None => self.wrong(field, format!("{name} in {key} is {}, not a text", describe(&field.value)), ""),
            }
        }
        texts
    }

    /// A map of names to values of any kind. Where templates are still to be rendered, entries that
    /// hold one are left out.
    pub fn value_map(&self, key: &str) -> Option<Located> {
        let field = self.given(key)?;
        let mut value = field.value.clone();
        match &mut value.value {
            Data::Map(map) => map.retain(|_, field| !(self.raw && holds_template(&field.value))),
            Data::Str(text) if self.raw && is_template(text) => return None,
            _ => {
                self.wrong(field, format!("{key} is {}, not a map of names to values", describe(&field.value)), "");
                return None;
            }
        }
        Some(value)
    }

    /// A path; what is not absolute begins at `folder`, and `~/` is the home folder.
    pub fn path(&self, key: &str, folder: &Path) -> Option<PathBuf> {
        self.text(key).map(|text| path_of(folder, &text))
    }

    /// One path or a list of them.
    pub fn paths(&self, key: &str, folder: &Path) -> Vec<PathBuf> {
        self.texts(key).iter().map(|text| path_of(folder, text)).collect()
    }
}

/// A path as a person writes it, from a folder.
pub fn path_of(folder: &Path, text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) if !home.is_empty() => PathBuf::from(home).join(rest),
        _ => folder.join(text),
    }
}

/// A scalar as it was written.
pub fn plain(value: &Located) -> Option<String> {
    value.text().map(str::to_string)
}

fn describe(value: &Located) -> &'static str {
    value.type_name()
}
