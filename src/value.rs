//! The values that controls compare: what a resource's property is, what an attribute
//! holds, what a matcher expects.

use indexmap::IndexMap;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::fmt;
use std::sync::Arc;

pub mod duration;
pub mod external;
pub mod version;

/// A value as Lua, YAML and JSON know it, and the two kinds that compare by rules of
/// their own: file modes and package versions.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value: a key that is not there. The `absent` matcher matches it.
    #[default]
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// Bytes that are not UTF-8, such as the content of a binary file.
    Bytes(Arc<[u8]>),
    List(Vec<Value>),
    /// A map whose keys keep the order they were written in.
    Map(IndexMap<String, Value>),
    /// The twelve permission bits of a file; Lua sees the string `"0640"`.
    Mode(u16),
    /// The version of a package, ordered as its package manager orders versions; Lua
    /// sees its text.
    Version(PackageVersion),
}

/// A package version and the rule it is ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackageVersion {
    pub text: Arc<str>,
    pub scheme: VersionScheme,
}

/// Whose ordering of versions applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionScheme {
    /// deb-version(7).
    Dpkg,
    /// rpm-version(7).
    Rpm,
    /// apk-package(5).
    Apk,
    /// vercmp(8) of pacman.
    Pacman,
    /// No package manager: numeric parts by number, others by letter, pre-releases first.
    Plain,
}

impl Value {
    /// Text or bytes, whichever `bytes` are.
    pub fn from_bytes(bytes: &[u8]) -> Value {
        match std::str::from_utf8(bytes) {
            Ok(text) => Value::Str(text.into()),
            Err(_) => Value::Bytes(bytes.into()),
        }
    }

    /// A list of strings.
    pub fn strings<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Value {
        Value::List(items.into_iter().map(|item| Value::Str(item.as_ref().into())).collect())
    }

    /// The name of the type as messages give it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Str(_) => "a string",
            Value::Bytes(_) => "binary data",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Mode(_) => "a file mode",
            Value::Version(_) => "a package version",
        }
    }

    /// The bytes of a value that is text of some kind; `None` for the others.
    pub fn as_bytes(&self) -> Option<std::borrow::Cow<'_, [u8]>> {
        use std::borrow::Cow;
        match self {
            Value::Str(text) => Some(Cow::Borrowed(text.as_bytes())),
            Value::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            Value::Mode(mode) => Some(Cow::Owned(mode_text(*mode).into_bytes())),
            Value::Version(version) => Some(Cow::Borrowed(version.text.as_bytes())),
            _ => None,
        }
    }

    /// The text of a value that is text of some kind; `None` for the others and for bytes.
    pub fn as_text(&self) -> Option<std::borrow::Cow<'_, str>> {
        use std::borrow::Cow;
        match self {
            Value::Str(text) => Some(Cow::Borrowed(text)),
            Value::Mode(mode) => Some(Cow::Owned(mode_text(*mode))),
            Value::Version(version) => Some(Cow::Borrowed(&version.text)),
            _ => None,
        }
    }

    /// The value as JSON; bytes become text with U+FFFD for what is not UTF-8, numbers
    /// JSON cannot hold become their names.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or(serde_json::Value::Null)
    }
}

/// A mode as `ls` and `chmod` write it: four octal digits.
pub fn mode_text(mode: u16) -> String {
    format!("{:04o}", mode & 0o7777)
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::Int(value.into())
    }
}

impl From<u16> for Value {
    fn from(value: u16) -> Value {
        Value::Int(value.into())
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Int(value.into())
    }
}

/// Counts and sizes; beyond 2^63 (no file is that large) it stays at the top.
impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Value {
        Value::from(value as u64)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Str(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Str(value.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Value {
        Value::Str(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Nil, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl From<&serde_json::Value> for Value {
    /// A number beyond 64 bits becomes the nearest one with a fraction.
    fn from(value: &serde_json::Value) -> Value {
        match value {
            serde_json::Value::Null => Value::Nil,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Value::from(text.as_str()),
            serde_json::Value::Array(items) => Value::List(items.iter().map(Value::from).collect()),
            serde_json::Value::Object(map) => {
                Value::Map(map.iter().map(|(key, value)| (key.clone(), Value::from(value))).collect())
            }
        }
    }
}

impl From<IndexMap<String, Value>> for Value {
    fn from(map: IndexMap<String, Value>) -> Value {
        Value::Map(map)
    }
}

/// What a value looks like in a message: strings in quotes, long ones cut by the caller.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nil => f.write_str("nothing"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Float(value) => write!(f, "{value:?}"),
            Value::Str(text) => write!(f, "{text:?}"),
            Value::Bytes(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Value::Mode(mode) => write!(f, "{:?}", mode_text(*mode)),
            Value::Version(version) => write!(f, "{:?}", version.text),
            Value::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Value::Map(map) => {
                f.write_str("{")?;
                for (index, (key, item)) in map.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{key}: {item}")?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Nil => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::Float(value) => serializer.serialize_str(&value.to_string()),
            Value::Str(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Value::Mode(mode) => serializer.serialize_str(&mode_text(*mode)),
            Value::Version(version) => serializer.serialize_str(&version.text),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Map(items) => {
                let mut map = serializer.serialize_map(Some(items.len()))?;
                for (key, item) in items {
                    map.serialize_entry(key, item)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    /// Reads what a report holds. A mode, a version and bytes were written as text and are text
    /// now; all is written again as it was.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Str(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = IndexMap::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            map.insert(key, value);
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_written_again_as_it_was() {
        let list = [
            Value::Nil,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(4.0),
            Value::Float(0.1 + 0.2),
            Value::Float(f64::NAN),
            Value::from("a\u{1}\"\\"),
            Value::Bytes([0xff, b'a'].as_slice().into()),
            Value::Mode(0o640),
            Value::Map(IndexMap::from([("z".to_string(), Value::Nil), ("a".to_string(), Value::List(Vec::new()))])),
        ];
        let text = serde_json::to_string(&Value::List(list.to_vec())).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let large: Value = serde_json::from_str("18446744073709551615").unwrap();
        assert_eq!(large, Value::Float(18_446_744_073_709_551_615.0));
    }

    #[test]
    fn a_mode_is_shown_as_four_octal_digits() {
        assert_eq!(Value::Mode(0o640).to_string(), "\"0640\"");
        assert_eq!(Value::Mode(0o4755).to_json(), serde_json::json!("4755"));
    }

    #[test]
    fn bytes_that_are_text_become_text() {
        assert_eq!(Value::from_bytes(b"abc"), Value::from("abc"));
        assert!(matches!(Value::from_bytes(b"\xff"), Value::Bytes(_)));
    }
}
