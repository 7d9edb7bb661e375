//! `ini`

use super::Args;
use super::assignments::Grammar;
use super::catalogue::{Instance, Key};
use super::config_text;
use super::document::Source;
use super::keypath;
use crate::error::Error;
use crate::node::{Seen, Sight, Unseen};
use crate::value::Value;
use std::rc::Rc;

resource! {
    /// Reads INI sections and keys from a file, a text or a command.
    ///
    /// Any key is a property: `its("section.key", …)`; a key before the first section has
    /// no section. Values are strings, quotes included; a comment has a line of its own
    /// and begins with `#` or `;`. Of a key that occurs twice the last counts. What is not
    /// UTF-8 becomes U+FFFD.
    Ini = "ini" {
        source: "Python's configparser, for the common ground",
        example: r#"describe(ini { content = "[a]\nb = 1" }):its("a.b", eq "1")"#,
        falsified: (r#"eq "1""#, r#"eq "2""#),
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
            params: Any = |this: &Ini, seen: &Seen<'_>| this.root(seen).map(|root| (*root).clone());
            /// The text that was read.
            raw_content: Str = |this: &Ini, seen: &Seen<'_>| {
                this.source.bytes(seen, &this.title()).map(|bytes| Value::from_bytes(&bytes))
            };
        }
        predicates {}
        methods {
            /// The value at a path, also where its first key has the name of a property.
            value(
                /// Text such as `servers[1].name`, or a list of names and numbers.
                path: Any,
            ): Any = |this: &Ini, seen: &Seen<'_>, args: &Args| {
                let path = keypath::from_value(args.get("path").unwrap_or(&Value::Nil)).map_err(Unseen::Misuse)?;
                this.at(seen, &path)
            };
        }
        open: Ini::at,
    }
}

/// One INI text.
pub struct Ini {
    source: Source,
}

impl Ini {
    fn new(args: &Args) -> Result<Ini, String> {
        Ok(Ini { source: Source::new(args)? })
    }

    fn root(&self, seen: &Seen<'_>) -> Sight<Rc<Value>> {
        self.source.parsed(seen, &self.title(), read)
    }

    fn at(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        Ok(keypath::look_up(&*self.root(seen)?, path))
    }
}

impl Instance for Ini {
    fn title(&self) -> String {
        format!("INI {}", self.source.name())
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.source.exists(seen)
    }
}

/// Reads one INI text.
fn read(_: &str, bytes: &[u8]) -> Result<Value, Error> {
    Ok(Grammar::ini().read(&config_text::decode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    fn root(text: &str) -> Sight<Value> {
        Trial::new(&ENTRY, &["/f".into()], &[], files(&[("/f", text)], &[])).its("params")
    }

    #[test]
    fn sections_keys_and_comments_are_told_apart() {
        let trial = Trial::new(
            &ENTRY,
            &["/f".into()],
            &[],
            files(&[("/f", "top=1\n; c\n[s x]\na = b ; c=d\n[t]\n#x\nk\n")], &[]),
        );
        assert_eq!(trial.its("top"), Ok("1".into()));
        assert_eq!(trial.its("s x.a"), Ok("b ; c=d".into()));
        assert_eq!(trial.its("t.k"), Ok("".into()));
        assert_eq!(trial.its("t.none"), Ok(Value::Nil));
        assert_eq!(trial.rounds(), 1);
        assert!(root("[\n=\n").is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_fault() {
        use crate::probe::{FaultKind, Read};
        use crate::transport::scripted::Scripted;
        let denied = Scripted::new().with_fault(Read { path: "/f".into() }, FaultKind::Denied, "permission denied");
        assert_eq!(fault(Trial::new(&ENTRY, &["/f".into()], &[], denied).its("a")), "permission denied");
    }
}
