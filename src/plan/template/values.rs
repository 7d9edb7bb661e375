//! Values of Probity as values of minijinja.

use crate::value::{Value, mode_text};
use indexmap::IndexMap;
use minijinja::Value as Seen;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use std::sync::Arc;

/// A value as a template sees it.
pub fn seen(value: &Value) -> Seen {
    match value {
        Value::Nil => Seen::from(()),
        Value::Bool(value) => Seen::from(*value),
        Value::Int(value) => Seen::from(*value),
        Value::Float(value) => Seen::from(*value),
        Value::Str(text) => Seen::from(text.clone()),
        Value::Bytes(bytes) => Seen::from_bytes(bytes.to_vec()),
        Value::List(items) => Seen::from(items.iter().map(seen).collect::<Vec<_>>()),
        Value::Map(map) => Seen::from_pairs(map.iter().map(|(key, value)| (key.as_str(), seen(value)))),
        Value::Mode(mode) => Seen::from(mode_text(*mode)),
        Value::Version(version) => Seen::from(version.text.clone()),
    }
}

/// Another value of the same kind, with which a template most likely works too: digits stay
/// digits and letters letters, but no text, number or length stays the same. What is looked up
/// by its key is found; who asks for the keys gets others.
pub fn disguised(value: &Value) -> Seen {
    match value {
        Value::Nil => Seen::from(()),
        Value::Bool(value) => Seen::from(!value),
        Value::Int(value) => Seen::from(value.checked_add(1).unwrap_or(1)),
        Value::Float(value) => Seen::from(if *value == 1.5 { 2.5 } else { 1.5 }),
        Value::List(items) => {
            let more = items.last().map_or_else(|| Seen::from("x"), disguised);
            Seen::from(items.iter().map(disguised).chain([more]).collect::<Vec<_>>())
        }
        Value::Map(map) => {
            Seen::from_object(Disguise(map.iter().map(|(key, value)| (key.clone(), disguised(value))).collect()))
        }
        other => Seen::from(other_text(&other.as_text().unwrap_or_default())),
    }
}

/// A text of which no character stays and that is longer by one.
fn other_text(text: &str) -> String {
    let next = |c: char| match c {
        '0'..='8' | 'a'..='y' | 'A'..='Y' => (c as u8 + 1) as char,
        '9' => '1',
        'z' => 'a',
        'Z' => 'A',
        c => c,
    };
    let last = text.chars().last().filter(char::is_ascii_alphanumeric).unwrap_or('x');
    text.chars().chain([last]).map(next).collect()
}

/// A map in disguise.
#[derive(Debug)]
struct Disguise(IndexMap<String, Seen>);

impl Object for Disguise {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Seen) -> Option<Seen> {
        let key = key.as_str()?;
        let of_other = || self.0.iter().find(|(own, _)| other_text(own) == key).map(|(_, value)| value);
        self.0.get(key).or_else(of_other).cloned().or_else(|| (key == MORE).then(|| Seen::from("x")))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|key| other_text(key)).chain([MORE.to_string()]).map(Seen::from).collect())
    }
}

/// The key by which a map in disguise is longer.
const MORE: &str = "x";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Document;

    #[test]
    fn nothing_in_a_disguise_is_as_it_was() {
        let text = b"text: 'a9, Z'\nempty: ''\nnumber: 9223372036854775807\nfraction: 1.5\nflag: true\nlist: [1]\nmap: {k: v}\n";
        let value = Document::parse("x", text).unwrap().root.to_value();
        let (plain, other) = (seen(&value), disguised(&value));
        let Value::Map(map) = &value else { panic!() };
        for key in map.keys() {
            assert_ne!(plain.get_attr(key).unwrap(), other.get_attr(key).unwrap(), "{key}");
        }
        let keys = |value: &Seen| value.try_iter().unwrap().map(|key| key.to_string()).collect::<Vec<_>>();
        assert!(keys(&other).iter().all(|key| !keys(&plain).contains(key)));
        assert_eq!(other.len(), Some(plain.len().unwrap() + 1));
        assert!(keys(&other).iter().all(|key| !other.get_attr(key).unwrap().is_undefined()));
        assert_eq!(other.get_attr("text").unwrap().to_string(), "b1, AA");
    }
}
