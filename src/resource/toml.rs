//! `toml`

use super::Args;
use super::catalogue::{Instance, Key};
use super::document::{self, Source};
use super::keypath;
use crate::error::Error;
use crate::node::{Seen, Sight, Unseen};
use crate::value::Value;
use std::rc::Rc;

resource! {
    /// Reads TOML from a file, a text or a command.
    ///
    /// Any path is a property: `its("servers[1].name", …)`, or a list of keys. A path that
    /// leads nowhere is absent; indices count from 1.
    ///
    /// Dates and times are strings, as they are written.
    Toml = "toml" {
        source: "TOML 1.0",
        example: r#"describe(toml { content = "[a]\nb = 1" }):its("a.b", eq(1))"#,
        falsified: (r#"eq(1)"#, r#"eq(2)"#),
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
            params: Any = |this: &Toml, seen: &Seen<'_>| this.root(seen).map(|root| (*root).clone());
            /// The text that was read.
            raw_content: Str = |this: &Toml, seen: &Seen<'_>| {
                this.source.bytes(seen, &this.title()).map(|bytes| Value::from_bytes(&bytes))
            };
        }
        predicates {}
        methods {
            /// The value at a path, also where its first key has the name of a property.
            value(
                /// Text such as `servers[1].name`, or a list of names and numbers.
                path: Any,
            ): Any = |this: &Toml, seen: &Seen<'_>, args: &Args| {
                let path = keypath::from_value(args.get("path").unwrap_or(&Value::Nil)).map_err(Unseen::Misuse)?;
                this.at(seen, &path)
            };
        }
        open: Toml::at,
    }
}

/// One TOML text.
pub struct Toml {
    source: Source,
}

impl Toml {
    fn new(args: &Args) -> Result<Toml, String> {
        Ok(Toml { source: Source::new(args)? })
    }

    fn root(&self, seen: &Seen<'_>) -> Sight<Rc<Value>> {
        self.source.parsed(seen, &self.title(), read)
    }

    fn at(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        Ok(keypath::look_up(&*self.root(seen)?, path))
    }
}

impl Instance for Toml {
    fn title(&self) -> String {
        format!("TOML {}", self.source.name())
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.source.exists(seen)
    }
}

/// Reads one TOML text.
fn read(name: &str, bytes: &[u8]) -> Result<Value, Error> {
    let text = document::utf8(name, bytes)?;
    match text.parse::<toml::Table>() {
        Ok(table) => Ok(Value::Map(table.into_iter().map(|(key, value)| (key, convert(value))).collect())),
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            Err(document::error_at(name, text, offset, error.message()))
        }
    }
}

/// As deep as the parser lets a text nest, so that the recursion is bounded.
fn convert(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => Value::List(items.into_iter().map(convert).collect()),
        toml::Value::Table(table) => Value::Map(table.into_iter().map(|(key, value)| (key, convert(value))).collect()),
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
    fn values_keep_their_types_and_dates_are_text() {
        let text = "a = 1\nwhen = 2024-05-06T07:08:09Z\n[s.t]\nlist = [1.5, true]\n";
        let trial = Trial::new(&ENTRY, &["/f".into()], &[], files(&[("/f", text)], &[]));
        assert_eq!(trial.its("a"), Ok(Value::Int(1)));
        assert_eq!(trial.its("when"), Ok("2024-05-06T07:08:09Z".into()));
        assert_eq!(trial.its("s.t.list[1]"), Ok(Value::Float(1.5)));
        assert_eq!(trial.rounds(), 1);
    }

    #[test]
    fn bad_toml_is_a_fault_with_its_place() {
        assert!(fault(root("a = 1\na = 2\n")).starts_with("/f:2:1: duplicate key"));
        assert!(fault(root("a = \n")).starts_with("/f:1:"));
        assert!(fault(root(&format!("a = {}", "[".repeat(100_000)))).starts_with("/f:1:"));
        assert!(fault(root(&format!("a{} = 1", ".a".repeat(100_000)))).starts_with("/f:1:"));
    }
}
