//! `yaml`

use super::Args;
use super::catalogue::{Instance, Key};
use super::document::Source;
use super::keypath;
use crate::error::Error;
use crate::node::{Seen, Sight, Unseen};
use crate::value::Value;
use crate::yaml::Document;
use std::rc::Rc;

resource! {
    /// Reads YAML from a file, a text or a command.
    ///
    /// Any path is a property: `its("servers[1].name", …)`, or a list of keys. A path that
    /// leads nowhere is absent; indices count from 1.
    ///
    /// Plain scalars are typed by the core schema of YAML 1.2: `no` and `0644` are
    /// strings. Duplicate keys, several documents, merge keys and tags of one's own are
    /// errors; what aliases expand to is capped.
    Yaml = "yaml" {
        source: "YAML 1.2.2",
        example: r#"describe(yaml { content = "a: { b: [1, x] }" }):its("a.b[2]", eq "x")"#,
        falsified: (r#"eq "x""#, r#"eq "y""#),
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
            params: Any = |this: &Yaml, seen: &Seen<'_>| this.root(seen).map(|root| (*root).clone());
            /// The text that was read.
            raw_content: Str = |this: &Yaml, seen: &Seen<'_>| {
                this.source.bytes(seen, &this.title()).map(|bytes| Value::from_bytes(&bytes))
            };
        }
        predicates {}
        methods {
            /// The value at a path, also where its first key has the name of a property.
            value(
                /// Text such as `servers[1].name`, or a list of names and numbers.
                path: Any,
            ): Any = |this: &Yaml, seen: &Seen<'_>, args: &Args| {
                let path = keypath::from_value(args.get("path").unwrap_or(&Value::Nil)).map_err(Unseen::Misuse)?;
                this.at(seen, &path)
            };
        }
        open: Yaml::at,
    }
}

/// One YAML text.
pub struct Yaml {
    source: Source,
}

impl Yaml {
    fn new(args: &Args) -> Result<Yaml, String> {
        Ok(Yaml { source: Source::new(args)? })
    }

    fn root(&self, seen: &Seen<'_>) -> Sight<Rc<Value>> {
        self.source.parsed(seen, &self.title(), read)
    }

    fn at(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        Ok(keypath::look_up(&*self.root(seen)?, path))
    }
}

impl Instance for Yaml {
    fn title(&self) -> String {
        format!("YAML {}", self.source.name())
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.source.exists(seen)
    }
}

/// Reads one YAML document.
fn read(name: &str, bytes: &[u8]) -> Result<Value, Error> {
    Ok(Document::parse(name, bytes)?.root.to_value())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    fn root(text: &str) -> Sight<Value> {
        Trial::new(&ENTRY, &["/f".into()], &[], files(&[("/f", text)], &[])).its("params")
    }

    #[test]
    fn scalars_are_typed_and_paths_lead_to_them() {
        let text = "a:\n  - b: 1\n    c: 1.5\n  - ~\nmode: 0644\nyes: true\n";
        let trial = Trial::new(&ENTRY, &["/f".into()], &[], files(&[("/f", text)], &[]));
        assert_eq!(trial.its("a[1].b"), Ok(Value::Int(1)));
        assert_eq!(trial.its("a[1].c"), Ok(Value::Float(1.5)));
        assert_eq!(trial.its("a[2]"), Ok(Value::Nil));
        assert_eq!(trial.its("mode"), Ok("0644".into()));
        assert_eq!(trial.rounds(), 1);
    }

    #[test]
    fn bad_yaml_is_a_fault_that_shows_no_content() {
        assert!(fault(root("a: 1\na: 2\n")).starts_with("/f:2:"));
        let secret = fault(root("password: hunter2: x\n"));
        assert!(secret.starts_with("/f:1:") && !secret.contains("hunter2"), "{secret}");
        let mut bomb = "a0: &a0 [x, x]\n".to_string();
        for level in 1..40 {
            let below = level - 1;
            bomb.push_str(&format!("a{level}: &a{level} [*a{below}, *a{below}, *a{below}]\n"));
        }
        assert!(fault(root(&bomb)).starts_with("/f"));
        assert!(fault(root(&"[".repeat(100_000))).starts_with("/f"));
    }
}
