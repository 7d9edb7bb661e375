//! What the catalogue says of a resource.

use super::args::Args;
use super::table::{Row, Rows};
use crate::node::{Seen, Sight};
use crate::value::Value;
use std::any::Any;
use std::rc::Rc;

/// One resource.
pub struct Entry {
    /// The name controls use.
    pub name: &'static str,
    /// Summary and explanation, Markdown; the first sentence is the summary.
    pub doc: &'static str,
    /// The man page, RFC or kernel document it follows.
    pub source: &'static str,
    /// A body of a `check` that shows the resource on an ordinary machine.
    pub example: &'static str,
    /// A part of the example and what to put there so that the example must fail.
    pub falsified: (&'static str, &'static str),
    /// What the example needs beyond an ordinary Linux machine, as a word that
    /// `PROBITY_REQUIRE` knows (`systemd`, `rpm`…); empty: nothing.
    pub needs: &'static str,
    /// The arguments, in the order they are given by position; see [`Args`].
    pub args: &'static [Arg],
    pub properties: &'static [Property],
    pub predicates: &'static [Predicate],
    /// Functions with arguments that give a value.
    pub methods: &'static [Method],
    pub shape: Shape,
    /// Makes an instance from its arguments. The error is the message of a misuse.
    pub build: fn(&Args) -> Result<Rc<dyn Instance>, String>,
}

/// What else than fixed properties a resource has.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Only its properties; an unknown one is an error that gives the nearest name.
    Fixed,
    /// Any key is a property: the getter gives the value at a path of keys, `Nil` for
    /// none. Fixed properties come first.
    Open(fn(&dyn Any, &Seen<'_>, &[Key]) -> Sight<Value>),
    /// Rows with fields; each column is a property that lists one field of all rows, and
    /// `where` chooses rows.
    Table { columns: &'static [Column], rows: fn(&dyn Any, &Seen<'_>) -> Sight<Rows> },
}

/// A step of a path into an open-keyed resource or a map.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    Name(String),
    /// Counts from 1, as in Lua.
    Index(i64),
}

/// One argument.
pub struct Arg {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub doc: &'static str,
}

/// The type of an argument or property, for documentation and checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Number,
    Str,
    List,
    Map,
    /// The string of a file mode, `"0640"`.
    Mode,
    /// A package version.
    Version,
    /// More than one type; the documentation says which.
    Any,
}

impl Kind {
    /// The name in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "boolean",
            Kind::Int => "integer",
            Kind::Number => "number",
            Kind::Str => "string",
            Kind::List => "list",
            Kind::Map => "map",
            Kind::Mode => "mode",
            Kind::Version => "version",
            Kind::Any => "any",
        }
    }
}

/// A value of a resource.
pub struct Property {
    pub name: &'static str,
    pub kind: Kind,
    /// Meaning and unit, Markdown.
    pub doc: &'static str,
    pub get: fn(&dyn Any, &Seen<'_>) -> Sight<Value>,
}

/// A yes-or-no question of a resource: `:is("NAME", …)`.
pub struct Predicate {
    pub name: &'static str,
    pub args: &'static [Arg],
    pub absence: Absence,
    pub doc: &'static str,
    pub get: fn(&dyn Any, &Seen<'_>, &Args) -> Sight<bool>,
}

/// What a predicate says of a thing that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The step fails with "does not exist", negated or not.
    Fails,
    /// The answer is no.
    No,
}

/// A function of a resource that gives a value.
pub struct Method {
    pub name: &'static str,
    pub args: &'static [Arg],
    pub kind: Kind,
    pub doc: &'static str,
    pub get: fn(&dyn Any, &Seen<'_>, &Args) -> Sight<Value>,
}

/// A column of a table.
pub struct Column {
    /// The property that lists the field of all rows, such as `users`.
    pub name: &'static str,
    /// The field of a row, such as `user`.
    pub field: &'static str,
    pub kind: Kind,
    pub doc: &'static str,
}

/// A resource with its arguments.
pub trait Instance: Any {
    /// What sentences call it: `File /etc/shadow`.
    fn title(&self) -> String;

    /// Whether the thing it stands for exists.
    fn exists(&self, seen: &Seen<'_>) -> Sight<bool>;
}

impl Entry {
    /// The first sentence of the documentation.
    pub fn summary(&self) -> &'static str {
        let doc = self.doc.trim();
        doc.split_once("\n\n").map_or(doc, |(summary, _)| summary)
    }

    /// Whether `its` and `.` accept a name; see [`Entry::property_names`].
    pub fn has_property(&self, name: &str) -> bool {
        let columns = match &self.shape {
            Shape::Table { columns, .. } => {
                columns.iter().any(|column| column.name == name) || Rows::PROPERTIES.contains(&name)
            }
            _ => false,
        };
        columns || self.properties.iter().any(|property| property.name == name)
    }

    /// Every name that `its` and `.` accept, columns included.
    pub fn property_names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.properties.iter().map(|property| property.name).collect();
        if let Shape::Table { columns, .. } = &self.shape {
            names.extend(columns.iter().map(|column| column.name));
            names.extend(Rows::PROPERTIES);
        }
        names
    }
}

/// Makes a row from names and values.
pub fn row<const N: usize>(fields: [(&'static str, Value); N]) -> Row {
    fields.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ALL;
    use std::collections::HashSet;

    /// A name Lua can write after a dot or a colon.
    fn is_word(name: &str) -> bool {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn documented(entry: &str, name: &str, doc: &str) {
        assert!(is_word(name), "{entry}: {name} is no name");
        let doc = doc.trim();
        assert!(!doc.is_empty(), "{entry}: {name} is not documented");
        assert!(doc.ends_with(['.', ':', '`', ')']), "{entry}: the documentation of {name} is no sentence: {doc}");
    }

    fn arguments_are_in_order(entry: &str, callee: &str, args: &[Arg]) {
        for arg in args {
            documented(entry, arg.name, arg.doc);
        }
        let names: HashSet<_> = args.iter().map(|arg| arg.name).collect();
        assert_eq!(names.len(), args.len(), "{entry}: {callee} has an argument twice");
        let optional = args.iter().position(|arg| !arg.required).unwrap_or(args.len());
        assert!(
            args[optional..].iter().all(|arg| !arg.required),
            "{entry}: {callee} requires an argument after one that may be left out"
        );
    }

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = ALL.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), ALL.len(), "a resource stands in the catalogue twice");
        assert!(names.iter().all(|name| is_word(name)));
    }

    #[test]
    fn every_entry_is_documented() {
        for entry in ALL {
            assert!(entry.summary().ends_with('.'), "{}: the summary is no sentence", entry.name);
            assert!(!entry.source.trim().is_empty(), "{} names no source", entry.name);
            arguments_are_in_order(entry.name, entry.name, entry.args);
            for property in entry.properties {
                documented(entry.name, property.name, property.doc);
            }
            for predicate in entry.predicates {
                documented(entry.name, predicate.name, predicate.doc);
                arguments_are_in_order(entry.name, predicate.name, predicate.args);
            }
            for method in entry.methods {
                documented(entry.name, method.name, method.doc);
                arguments_are_in_order(entry.name, method.name, method.args);
            }
            if let Shape::Table { columns, .. } = &entry.shape {
                for column in *columns {
                    documented(entry.name, column.name, column.doc);
                    assert!(is_word(column.field), "{}: {} is no field", entry.name, column.field);
                }
                let fields: HashSet<_> = columns.iter().map(|column| column.field).collect();
                assert_eq!(fields.len(), columns.len(), "{} lists a field twice", entry.name);
            }
        }
    }

    #[test]
    fn one_name_means_one_thing() {
        for entry in ALL {
            // A predicate may share a property's name: `its` asks for one, `is` for the other.
            let names = entry.property_names();
            let different: HashSet<_> = names.iter().collect();
            assert_eq!(names.len(), different.len(), "{} has a property twice: {names:?}", entry.name);
            let called = entry.predicates.iter().map(|predicate| predicate.name);
            let called: Vec<_> = called.chain(entry.methods.iter().map(|method| method.name)).collect();
            let different: HashSet<_> = called.iter().collect();
            assert_eq!(called.len(), different.len(), "{} has a function twice: {called:?}", entry.name);
        }
    }

    #[test]
    fn every_example_shows_its_resource_and_can_be_falsified() {
        for entry in ALL {
            let (part, other) = entry.falsified;
            let starts = |at: usize| !entry.example[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let shown = entry.example.match_indices(entry.name).any(|(at, name)| {
                starts(at) && entry.example[at + name.len()..].trim_start().starts_with(['(', '"', '{', '['])
            });
            assert!(shown, "the example of {} does not use it", entry.name);
            assert!(!part.is_empty() && entry.example.contains(part), "{}: {part:?} is not in the example", entry.name);
            assert_ne!(part, other, "{}: nothing changes in the falsified example", entry.name);
        }
    }
}
