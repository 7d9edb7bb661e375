//! `json`

use super::Args;
use super::catalogue::{Instance, Key};
use super::document::{self, Source};
use super::keypath;
use crate::error::{Error, Place};
use crate::node::{Seen, Sight, Unseen};
use crate::value::Value;
use indexmap::IndexMap;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

resource! {
    /// Reads JSON from a file, a text or a command.
    ///
    /// Any path is a property: `its("servers[1].name", …)`, or a list of keys. A path that
    /// leads nowhere is absent; indices count from 1.
    ///
    /// A key that occurs twice in one map is an error, as are more than 64 levels.
    Json = "json" {
        source: "RFC 8259",
        example: r#"describe(json { content = '{"a": {"b": [1, 2]}}' }):its("a.b", eq { 1, 2 })"#,
        falsified: (r#"eq { 1, 2 }"#, r#"eq { 1, 3 }"#),
        args {
            /// The absolute path of a file.
            path: Str optional,
            /// The text itself, instead of a path.
            content: Str optional,
            /// A command for the shell whose output is read, instead of a path.
            command: Str optional,
        }
        properties {
            /// Everything that was read.
            params: Any = |this: &Json, seen: &Seen<'_>| this.root(seen).map(|root| (*root).clone());
            /// The text that was read.
            raw_content: Str = |this: &Json, seen: &Seen<'_>| {
                this.source.bytes(seen, &this.title()).map(|bytes| Value::from_bytes(&bytes))
            };
        }
        predicates {}
        methods {
            /// The value at a path, also where its first key has the name of a property.
            value(
                /// Text such as `servers[1].name`, or a list of names and numbers.
                path: Any,
            ): Any = |this: &Json, seen: &Seen<'_>, args: &Args| {
                let path = keypath::from_value(args.get("path").unwrap_or(&Value::Nil)).map_err(Unseen::Misuse)?;
                this.at(seen, &path)
            };
        }
        open: Json::at,
    }
}

/// One JSON text.
pub struct Json {
    source: Source,
}

impl Json {
    fn new(args: &Args) -> Result<Json, String> {
        Ok(Json { source: Source::new(args)? })
    }

    fn root(&self, seen: &Seen<'_>) -> Sight<Rc<Value>> {
        self.source.parsed(seen, &self.title(), read)
    }

    fn at(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        Ok(keypath::look_up(&*self.root(seen)?, path))
    }
}

impl Instance for Json {
    fn title(&self) -> String {
        format!("JSON {}", self.source.name())
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.source.exists(seen)
    }
}

/// Reads one JSON text.
fn read(name: &str, bytes: &[u8]) -> Result<Value, Error> {
    let left = Cell::new(document::VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = Tree { depth: 0, left: &left };
    let parsed = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_string();
        Error::usage(message).at(Place::at(name, error.line(), error.column()))
    })
}

/// Builds a value while counting depth and size, and refuses keys that occur twice.
#[derive(Clone, Copy)]
struct Tree<'c> {
    depth: usize,
    left: &'c Cell<usize>,
}

impl<'c> Tree<'c> {
    fn deeper<E: de::Error>(self) -> Result<Tree<'c>, E> {
        if self.depth >= document::DEPTH {
            return Err(E::custom(format!("nested more than {} deep", document::DEPTH)));
        }
        Ok(Tree { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(de::Error::custom(format!("more than {} values", document::VALUES)));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    /// Beyond 2^63 a number is kept as nearly as a float can.
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = IndexMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format!("the key {key:?} occurs twice")));
            }
            let value = entries.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    fn root(text: &str) -> Sight<Value> {
        Trial::new(&ENTRY, &["/f".into()], &[], files(&[("/f", text)], &[])).its("params")
    }

    #[test]
    fn values_keep_their_types_and_paths_lead_to_them() {
        let text = r#"{"a": {"b": [1, 2.5, null, true]}, "c.d": "x", "big": 18446744073709551615}"#;
        let trial = Trial::new(&ENTRY, &["/f".into()], &[], files(&[("/f", text)], &[]));
        assert_eq!(trial.its("a.b[2]"), Ok(Value::Float(2.5)));
        assert_eq!(trial.its("a.b[3]"), Ok(Value::Nil));
        assert_eq!(trial.its("c.d"), Ok("x".into()));
        assert_eq!(trial.its("big"), Ok(Value::Float(18446744073709551615.0)));
        assert_eq!(trial.call("value", &[Value::List(vec!["a".into(), "b".into(), Value::Int(1)])]), Ok(Value::Int(1)));
        assert_eq!(trial.rounds(), 1);
    }

    #[test]
    fn bad_json_is_a_fault_with_its_place() {
        assert_eq!(fault(root("{\n\"a\": }")), "/f:2:6: expected value");
        assert!(fault(root(r#"{"a": 1, "a": 2}"#)).contains(r#"the key "a" occurs twice"#));
        assert!(fault(root(&"[".repeat(100_000))).contains("nested more than 64 deep"));
        assert!(fault(root("{} x")).contains("trailing characters"));
        assert!(fault(root("")).contains("EOF"));
        assert!(fault(root(&format!("[{}0]", "0,".repeat(1_000_000)))).contains("more than 1000000 values"));
    }

    #[test]
    fn a_command_s_output_is_read_and_its_failure_is_a_fault() {
        use crate::probe::{Ran, Run};
        use crate::transport::scripted::Scripted;
        let tried = |status, stdout: &str| {
            let ran = Ran { status, stdout: stdout.as_bytes().into(), stderr: [].into(), truncated: false };
            let scripted = Scripted::new().with(Run::shell("x --json"), ran);
            Trial::new(&ENTRY, &[], &[("command", "x --json".into())], scripted).its("a")
        };
        assert_eq!(tried(0, r#"{"a": 1}"#), Ok(Value::Int(1)));
        assert_eq!(tried(2, r#"{"a": 1}"#), Ok(Value::Int(1)));
        assert_eq!(fault(tried(2, "")), "x --json ended with 2 and printed nothing");
        assert_eq!(fault(tried(127, "")), "x --json: there is no such command");
    }

    #[test]
    fn a_missing_file_and_no_source_are_told_apart() {
        let none = Trial::new(&ENTRY, &["/f".into()], &[], files(&[], &["/f"]));
        assert_eq!(none.its("a"), Err(Unseen::Missing("JSON /f".into())));
        assert_eq!(none.exists(), Ok(false));
        let args = super::super::testing::arguments(&ENTRY, &[], &[]).unwrap();
        assert!((ENTRY.build)(&args).is_err_and(|message| message.starts_with("give one of a path")));
    }
}
