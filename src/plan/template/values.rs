//! Values of Probity as values of minijinja.

use crate::value::{Value, mode_text};
use minijinja::Value as Seen;

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
