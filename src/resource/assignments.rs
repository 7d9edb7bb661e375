//! The grammar of `parse_config` and `ini`: lines `key = value`, sections in brackets,
//! comments; each part can be changed by options, which follow InSpec's.

use super::Args;
use crate::value::Value;
use indexmap::IndexMap;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// How lines are read.
#[derive(Debug, Clone)]
pub struct Grammar {
    /// What begins a comment.
    pub comments: Vec<String>,
    /// Whether a comment must have a line of its own.
    pub standalone_comments: bool,
    /// Group 1 is the key, group 2 and those after it the values.
    pub assignment: Regex,
    /// Group 1 is the name of the section that starts; `None`: there are no sections.
    pub section: Option<Regex>,
    /// How many values a key has on its line; more than one makes a list of them.
    pub key_values: usize,
    /// Whether a key may occur more than once: each key then has the list of its values.
    pub multiple_values: bool,
}

/// What stands before and after the first `=`.
const ASSIGNMENT: &str = r"^\s*([^=]*?)\s*=\s*(.*?)\s*$";
const SECTION: &str = r"^\s*\[([^\[\]]*)\]\s*$";

/// The grammar of INI files, made once.
static INI: LazyLock<Option<(Regex, Regex)>> =
    LazyLock::new(|| Some((Regex::new(ASSIGNMENT).ok()?, Regex::new(SECTION).ok()?)));

impl Grammar {
    /// INI files as most programs read them.
    pub fn ini() -> Grammar {
        let Some((assignment, section)) = INI.clone() else { unreachable!("both are constants a test compiles") };
        Grammar {
            comments: vec!["#".to_string(), ";".to_string()],
            standalone_comments: true,
            assignment,
            section: Some(section),
            key_values: 1,
            multiple_values: false,
        }
    }

    /// The grammar the options of `parse_config` ask for.
    pub fn from_args(args: &Args) -> Result<Grammar, String> {
        let regex = |name: &str, default: &str| {
            let text = args.text(name);
            let text = text.as_deref().unwrap_or(default);
            Regex::new(text).map_err(|error| format!("{name} is no regular expression: {error}"))
        };
        let assignment = regex("assignment_regex", ASSIGNMENT)?;
        if assignment.captures_len() < 2 {
            return Err("assignment_regex needs a group for the key and one for the value, such as \
                        ^\\s*(\\S+)\\s+(.*)$"
                .to_string());
        }
        let section = regex("group_re", SECTION)?;
        if section.captures_len() < 2 {
            return Err("group_re needs a group for the name of the section".to_string());
        }
        let comments = match args.get("comment_char") {
            None => vec!["#".to_string()],
            Some(Value::List(items)) => items.iter().filter_map(|item| Some(item.as_text()?.into_owned())).collect(),
            Some(value) => match value.as_text() {
                Some(text) => vec![text.into_owned()],
                None => return Err(format!("comment_char is text or a list of texts, not {value}")),
            },
        };
        let key_values = args.int("key_values").unwrap_or(1);
        Ok(Grammar {
            comments: comments.into_iter().filter(|comment| !comment.is_empty()).collect(),
            standalone_comments: args.bool("standalone_comments").unwrap_or(false),
            assignment,
            section: Some(section),
            key_values: usize::try_from(key_values)
                .ok()
                .filter(|count| (1..=100).contains(count))
                .ok_or_else(|| format!("key_values is a number from 1 to 100, not {key_values}"))?,
            multiple_values: args.bool("multiple_values").unwrap_or(false),
        })
    }

    /// Reads a text: keys and values as a map, each section as a map within it.
    pub fn read(&self, text: &str) -> Value {
        let mut top: IndexMap<String, Value> = IndexMap::new();
        let mut section: Option<String> = None;
        for line in text.lines() {
            let line = self.without_comment(line);
            if line.trim().is_empty() {
                continue;
            }
            if let Some(captures) = self.section.as_ref().and_then(|section| section.captures(line)) {
                let name = group(&captures, 1).trim().to_string();
                // A name that a key has already is a section from here on, so that no
                // line after it is read as one of another section.
                if !matches!(top.get(&name), Some(Value::Map(_))) {
                    top.insert(name.clone(), Value::Map(IndexMap::new()));
                }
                section = Some(name);
                continue;
            }
            let (key, value) = match self.assignment.captures(line) {
                Some(captures) => (group(&captures, 1).trim().to_string(), self.values(&captures)),
                None => (line.trim().to_string(), Value::from("")),
            };
            let target = match section.as_ref().and_then(|name| top.get_mut(name)) {
                Some(Value::Map(inner)) => inner,
                _ => &mut top,
            };
            if !self.multiple_values {
                target.insert(key, value);
            } else if let Value::List(items) = target.entry(key).or_insert_with(|| Value::List(Vec::new())) {
                items.push(value);
            }
        }
        Value::Map(top)
    }

    fn without_comment<'t>(&self, line: &'t str) -> &'t str {
        if self.standalone_comments {
            let start = line.trim_start();
            return if self.comments.iter().any(|comment| start.starts_with(comment)) { "" } else { line };
        }
        let end = self.comments.iter().filter_map(|comment| line.find(comment)).min();
        &line[..end.unwrap_or(line.len())]
    }

    fn values(&self, captures: &Captures<'_>) -> Value {
        if self.key_values == 1 {
            return Value::from(group(captures, 2));
        }
        Value::strings((2..captures.len()).take(self.key_values).map(|index| group(captures, index)))
    }
}

/// The text of a group; empty for one that took no part.
fn group<'t>(captures: &Captures<'t>, index: usize) -> &'t str {
    captures.get(index).map_or("", |found| found.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&'static str, Value)], text: &str) -> String {
        use crate::resource::{Arg, Kind};
        static SPECS: &[Arg] = &[
            Arg { name: "assignment_regex", kind: Kind::Str, required: false, doc: "" },
            Arg { name: "comment_char", kind: Kind::Any, required: false, doc: "" },
            Arg { name: "key_values", kind: Kind::Int, required: false, doc: "" },
            Arg { name: "multiple_values", kind: Kind::Bool, required: false, doc: "" },
            Arg { name: "standalone_comments", kind: Kind::Bool, required: false, doc: "" },
            Arg { name: "group_re", kind: Kind::Str, required: false, doc: "" },
        ];
        let mut given: Vec<Value> = vec![Value::Nil; SPECS.len()];
        for (name, value) in options {
            let index = SPECS.iter().position(|spec| spec.name == *name).unwrap();
            given[index] = value.clone();
        }
        let args = Args::bind("parse_config", SPECS, given).unwrap();
        Grammar::from_args(&args).map_or_else(|error| error, |grammar| grammar.read(text).to_string())
    }

    #[test]
    fn keys_sections_and_comments_are_told_apart() {
        let text = "a = 1 # one\n# no = thing\nflag\n[s]\nb=x=y\na = 2\n";
        assert_eq!(read(&[], text), r#"{a: "1", flag: "", s: {b: "x=y", a: "2"}}"#);
    }

    #[test]
    fn a_comment_within_a_line_can_be_part_of_the_value() {
        let options = [("standalone_comments", true.into()), ("comment_char", Value::strings(["#", ";"]))];
        assert_eq!(read(&options, " ; c\na = x # y\n"), r#"{a: "x # y"}"#);
    }

    #[test]
    fn keys_may_repeat_and_have_many_values() {
        let options = [
            ("assignment_regex", Value::from(r"^\s*(\S+)\s+(\S+)\s+(\S+)\s*$")),
            ("key_values", Value::Int(2)),
            ("multiple_values", Value::Bool(true)),
        ];
        assert_eq!(read(&options, "k a b\nk c d\n"), r#"{k: [["a", "b"], ["c", "d"]]}"#);
    }

    #[test]
    fn options_that_make_no_sense_are_named() {
        assert!(read(&[("assignment_regex", Value::from("(?=x)"))], "").starts_with("assignment_regex is no regular"));
        assert!(read(&[("assignment_regex", Value::from("x"))], "").contains("needs a group"));
        assert_eq!(read(&[("key_values", Value::Int(0))], ""), "key_values is a number from 1 to 100, not 0");
    }
}
