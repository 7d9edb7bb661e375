//! What a page holds many times over, kept once and named by number.

use crate::report::text;
use indexmap::IndexSet;
use serde::{Serialize, Serializer};
use std::hash::Hash;

/// Characters of one text that are kept; `run-json` holds the rest.
const LONGEST: usize = 4000;

/// Things by number, each kept once.
#[derive(Debug)]
pub struct Numbered<T: Hash + Eq>(IndexSet<T>);

impl<T: Hash + Eq> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered(IndexSet::new())
    }
}

impl<T: Hash + Eq> Numbered<T> {
    /// The number of a thing, and whether it is new.
    pub fn number(&mut self, thing: T) -> (u32, bool) {
        let (number, is_new) = self.0.insert_full(thing);
        (number as u32, is_new)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

impl<T: Hash + Eq + Serialize> Serialize for Numbered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

/// Texts by number, fit to be shown: what moves a cursor or turns the writing direction is
/// taken out of them, and none is longer than a screen or two. Number 0 is no text.
#[derive(Debug)]
pub struct Texts {
    known: IndexSet<Box<str>>,
    /// How many bytes they take.
    pub bytes: usize,
}

impl Default for Texts {
    fn default() -> Texts {
        Texts { known: IndexSet::from([Box::default()]), bytes: 0 }
    }
}

impl Texts {
    /// The number of a text.
    pub fn number(&mut self, raw: &str) -> u32 {
        // What is kept as it came is found without a copy.
        if let Some(number) = self.known.get_index_of(raw) {
            return number as u32;
        }
        let cleaned = text::clean(raw);
        let kept = text::bounded(&cleaned, LONGEST);
        let (number, is_new) = self.known.insert_full(Box::from(&*kept));
        if is_new {
            self.bytes += kept.len();
        }
        number as u32
    }

    /// The number of a text that may be missing.
    pub fn maybe(&mut self, raw: Option<&str>) -> u32 {
        raw.map_or(0, |raw| self.number(raw))
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_clean_and_bounded() {
        let mut texts = Texts::default();
        assert_eq!(texts.maybe(None), 0);
        let first = texts.number("a\u{1b}[31mred\u{202e}");
        assert_eq!(first, texts.number("ared\u{fffd}"), "raw and cleaned are one");
        let long = texts.number(&"x".repeat(LONGEST + 7));
        assert_eq!(long, texts.number(&"x".repeat(LONGEST + 7)));
        let kept = serde_json::to_value(&texts).unwrap();
        assert!(kept[long as usize].as_str().unwrap().ends_with("(7 more characters)"));
        assert_eq!(kept.as_array().unwrap().len(), 3);
    }
}
