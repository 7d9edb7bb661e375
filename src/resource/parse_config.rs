//! `parse_config`

use super::Args;
use super::assignments::Grammar;
use super::catalogue::{Instance, Key};
use super::keypath;
use crate::node::{Seen, Sight, Unseen};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Reads configuration text of lines `key = value`, with sections.
    ///
    /// Any key is a property; a section is a map: `its("section.key", …)`. Values are
    /// strings. A line that is no assignment is a key with the value `""`. Where a key
    /// occurs more than once the last one counts, unless `multiple_values` is set.
    ParseConfig = "parse_config" {
        source: "InSpec's parse_config, for its options",
        example: r#"describe(parse_config("log_level = info")):its("log_level", eq "info")"#,
        falsified: (r#"eq "info""#, r#"eq "debug""#),
        args {
            /// The text to read.
            content: Str,
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
            params: Map = |this: &ParseConfig, seen: &Seen<'_>| this.params(seen).map(|params| (*params).clone());
            /// The text itself.
            content: Str = |this: &ParseConfig, seen: &Seen<'_>| this.text(seen);
        }
        predicates {}
        methods {
            /// The value of a key, also of one that has the name of a property.
            value(
                /// The key, or a list of section and key.
                key: Any,
            ): Any = |this: &ParseConfig, seen: &Seen<'_>, args: &Args| {
                let path = keypath::from_value(args.get("key").unwrap_or(&Value::Nil)).map_err(Unseen::Misuse)?;
                this.key(seen, &path)
            };
        }
        open: ParseConfig::key,
    }
}

/// Text and how to read it.
pub struct ParseConfig {
    content: Arc<str>,
    grammar: Grammar,
}

impl ParseConfig {
    fn new(args: &Args) -> Result<ParseConfig, String> {
        Ok(ParseConfig { content: args.required("content"), grammar: Grammar::from_args(args)? })
    }

    fn text(&self, _: &Seen<'_>) -> Sight<String> {
        Ok(self.content.to_string())
    }

    fn params(&self, seen: &Seen<'_>) -> Sight<Rc<Value>> {
        let key = format!("parse_config {} {:?}", self.content, self.grammar);
        seen.parsed(&key, || Ok(self.grammar.read(&self.text(seen)?)))
    }

    fn key(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        Ok(keypath::look_up(&*self.params(seen)?, path))
    }
}

impl Instance for ParseConfig {
    fn title(&self) -> String {
        "Configuration text".to_string()
    }

    fn exists(&self, _: &Seen<'_>) -> Sight<bool> {
        Ok(true)
    }
}
