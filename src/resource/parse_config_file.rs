//! `parse_config_file`

use super::Args;
use super::assignments::Grammar;
use super::catalogue::{Instance, Key};
use super::config_text;
use super::keypath;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::Read;
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Reads a configuration file of lines `key = value`, with sections.
    ///
    /// Any key is a property; a section is a map: `its("section.key", …)`. Values are
    /// strings. A line that is no assignment is a key with the value `""`. Where a key
    /// occurs more than once the last one counts, unless `multiple_values` is set.
    ParseConfigFile = "parse_config_file" {
        source: "InSpec's parse_config_file, for its options",
        example: r#"describe(parse_config_file "/etc/os-release"):its("ID", matches "[a-z]")"#,
        falsified: (r#""[a-z]""#, r#""^$""#),
        args {
            /// The absolute path of the file.
            path: Str,
            /// The regular expression of an assignment: group 1 is the key, the groups
            /// after it are the values; one `=` by default.
            assignment_regex: Str optional,
            /// What begins a comment, a string or a list of strings; `#` by default.
            comment_char: Any optional,
            /// How many values a key has on a line; more than one gives a list.
            key_values: Int optional,
            /// Whether a key may occur again: every key is then a list of its values.
            multiple_values: Bool optional,
            /// Whether comments need a line of their own; false: they may follow a value.
            standalone_comments: Bool optional,
            /// The regular expression of a section's line; group 1 is its name.
            group_re: Str optional,
        }
        properties {
            /// Everything that was read, as a map.
            params: Map = |this: &ParseConfigFile, seen: &Seen<'_>| this.params(seen).map(|params| (*params).clone());
            /// The text itself.
            content: Str = |this: &ParseConfigFile, seen: &Seen<'_>| this.text(seen);
        }
        predicates {}
        methods {
            /// The value of a key, also of one that has the name of a property.
            value(
                /// The key, or a list of section and key.
                key: Any,
            ): Any = |this: &ParseConfigFile, seen: &Seen<'_>, args: &Args| {
                let path = keypath::from_value(args.get("key").unwrap_or(&Value::Nil)).map_err(Unseen::Misuse)?;
                this.key(seen, &path)
            };
        }
        open: ParseConfigFile::key,
    }
}

/// A file and how to read it.
pub struct ParseConfigFile {
    path: Arc<str>,
    grammar: Grammar,
}

impl ParseConfigFile {
    fn new(args: &Args) -> Result<ParseConfigFile, String> {
        Ok(ParseConfigFile { path: args.required("path"), grammar: Grammar::from_args(args)? })
    }

    fn text(&self, seen: &Seen<'_>) -> Sight<String> {
        config_text::required(seen, &self.path, || self.title())
    }

    fn params(&self, seen: &Seen<'_>) -> Sight<Rc<Value>> {
        let key = format!("parse_config_file {} {:?}", self.path, self.grammar);
        seen.parsed(&key, || Ok(self.grammar.read(&self.text(seen)?)))
    }

    fn key(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        Ok(keypath::look_up(&*self.params(seen)?, path))
    }
}

impl Instance for ParseConfigFile {
    fn title(&self) -> String {
        format!("Configuration file {}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(Read { path: self.path.clone() })?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, files};
    use super::*;

    #[test]
    fn a_file_is_read_in_one_round_and_once() {
        let scripted = files(&[("/etc/sysctl.conf", "net.ipv4.ip_forward = 0\n[s]\nk=v\n")], &[]);
        let trial = Trial::new(&ENTRY, &["/etc/sysctl.conf".into()], &[], scripted);
        assert_eq!(trial.its("net.ipv4.ip_forward"), Ok("0".into()));
        assert_eq!(trial.its("s.k"), Ok("v".into()));
        assert_eq!(trial.call("value", &[Value::strings(["s", "k"])]), Ok("v".into()));
        assert_eq!(trial.its("none"), Ok(Value::Nil));
        assert_eq!(trial.rounds(), 1);
    }

    #[test]
    fn a_missing_file_is_named() {
        let trial = Trial::new(&ENTRY, &["/x".into()], &[], files(&[], &["/x"]));
        assert_eq!(trial.its("a"), Err(Unseen::Missing("Configuration file /x".into())));
        assert_eq!(trial.exists(), Ok(false));
    }
}
