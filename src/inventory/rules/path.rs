//! Paths into what is known of a machine.

use crate::error::Error;
use crate::yaml::{Data, Located};

/// The key of the map that stands in the place of a sensitive value.
pub const SENSITIVE: &str = "\u{0}sensitive";

/// What is known of a machine, and what messages call it.
pub struct Facts<'a> {
    pub root: &'a Located,
    pub owner: &'a str,
}

impl<'a> Facts<'a> {
    /// The values at a path such as `tags.Name`, `network.0.ip` or `nics.*.ip`. A key may hold
    /// dots itself, as those of labels do.
    ///
    /// # Errors
    /// A value on the way is sensitive.
    pub fn at(&self, path: &str) -> Result<Vec<&'a Located>, Error> {
        let mut found = Vec::new();
        self.walk(self.root, path, path, &mut found)?;
        Ok(found)
    }

    /// The texts at a path: of a list each of its items.
    ///
    /// # Errors
    /// As [`Facts::at`].
    pub fn texts(&self, path: &str) -> Result<Vec<String>, Error> {
        let mut texts = Vec::new();
        for value in self.at(path)? {
            match &value.value {
                Data::List(items) => {
                    for item in items {
                        self.refuse_sensitive(item, path)?;
                        texts.extend(text(item));
                    }
                }
                _ => texts.extend(text(value)),
            }
        }
        Ok(texts)
    }

    /// Whether there is anything but null at a path.
    ///
    /// # Errors
    /// As [`Facts::at`].
    pub fn has(&self, path: &str) -> Result<bool, Error> {
        Ok(self.at(path)?.iter().any(|value| !value.is_null()))
    }

    /// The entries of a map at a path as `KEY_VALUE`, of a list its items.
    ///
    /// # Errors
    /// As [`Facts::at`].
    pub fn entries(&self, path: &str) -> Result<Vec<String>, Error> {
        let mut entries = Vec::new();
        for value in self.at(path)? {
            match &value.value {
                Data::Map(map) => {
                    for (key, field) in map {
                        self.refuse_sensitive(&field.value, path)?;
                        match text(&field.value).filter(|text| !text.is_empty()) {
                            Some(text) => entries.push(format!("{key}_{text}")),
                            None => entries.push(key.clone()),
                        }
                    }
                }
                Data::List(items) => {
                    for item in items {
                        self.refuse_sensitive(item, path)?;
                        entries.extend(text(item));
                    }
                }
                _ => entries.extend(text(value)),
            }
        }
        Ok(entries)
    }

    fn refuse_sensitive(&self, value: &Located, path: &str) -> Result<(), Error> {
        match value.as_map().is_some_and(|map| map.contains_key(SENSITIVE)) {
            true => Err(Error::usage(format!("{path} of {} is sensitive", self.owner)).hint(
                "names, addresses and groups are shown in reports: name another attribute, or use nonsensitive()",
            )),
            false => Ok(()),
        }
    }

    fn walk(&self, value: &'a Located, rest: &str, whole: &str, found: &mut Vec<&'a Located>) -> Result<(), Error> {
        self.refuse_sensitive(value, whole)?;
        match &value.value {
            Data::Map(map) => {
                // The longest key first: that of a label may hold dots.
                let mut end = rest.len();
                loop {
                    if let Some(field) = map.get(&rest[..end]) {
                        return match rest.get(end + 1..) {
                            Some(behind) => self.walk(&field.value, behind, whole, found),
                            None => {
                                self.refuse_sensitive(&field.value, whole)?;
                                found.push(&field.value);
                                Ok(())
                            }
                        };
                    }
                    match rest[..end].rfind('.') {
                        Some(at) => end = at,
                        None => break,
                    }
                }
                if let Some(behind) = rest.strip_prefix('*') {
                    for field in map.values() {
                        self.onward(&field.value, behind, whole, found)?;
                    }
                }
                Ok(())
            }
            Data::List(items) => {
                let (first, behind) = rest.find('.').map_or((rest, ""), |at| rest.split_at(at));
                match first.parse::<usize>() {
                    Ok(number) => match items.get(number) {
                        Some(item) => self.onward(item, behind, whole, found),
                        None => Ok(()),
                    },
                    Err(_) if first == "*" => items.iter().try_for_each(|item| self.onward(item, behind, whole, found)),
                    Err(_) => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Goes on with what is behind one part of a path: nothing, or a dot and more.
    fn onward(&self, value: &'a Located, behind: &str, whole: &str, found: &mut Vec<&'a Located>) -> Result<(), Error> {
        match behind.strip_prefix('.') {
            Some(behind) => self.walk(value, behind, whole, found),
            None => {
                self.refuse_sensitive(value, whole)?;
                found.push(value);
                Ok(())
            }
        }
    }
}

/// A scalar as text; nothing for null, lists and maps.
fn text(value: &Located) -> Option<String> {
    match &value.value {
        Data::Str(text) => Some(text.clone()),
        Data::Int(number) => Some(number.to_string()),
        Data::Float(number) => Some(number.to_string()),
        Data::Bool(value) => Some(value.to_string()),
        Data::Null | Data::List(_) | Data::Map(_) => None,
    }
}
