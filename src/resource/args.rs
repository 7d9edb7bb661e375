//! The arguments a control gives to a resource, a predicate or a method.

use super::catalogue::{Arg, Kind};
use crate::error::did_you_mean;
use crate::value::Value;
use crate::value::duration::milliseconds;
use indexmap::IndexMap;
use std::sync::Arc;

/// Checked arguments by name. They may be given by position, and the rest by name in a
/// table at the end: `command("id", { timeout = "5s" })`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Args(Vec<(&'static str, Value)>);

impl Args {
    /// Checks what was given against what `specs` declares. The error is a message that
    /// names `callee`.
    pub fn bind(callee: &str, specs: &'static [Arg], mut given: Vec<Value>) -> Result<Args, String> {
        let mut args = Args(Vec::with_capacity(given.len()));
        let is_argument = |name: &str| specs.iter().any(|spec| spec.name == name);
        // A map stands for itself where a map is due; where anything is due, it does so
        // unless its keys name arguments, so that misspelt options are told as such.
        let takes_map = |index: usize| {
            specs.get(index).is_some_and(|spec| match (spec.kind, given.get(index)) {
                (Kind::Map, _) => true,
                (Kind::Any, Some(Value::Map(map))) => spec.required && !map.keys().all(|name| is_argument(name)),
                _ => false,
            })
        };
        if matches!(given.last(), Some(Value::Map(_)))
            && !takes_map(given.len().saturating_sub(1))
            && let Some(Value::Map(named)) = given.pop()
        {
            for (name, value) in named {
                let Some(spec) = specs.iter().find(|spec| spec.name == name) else {
                    let hint = did_you_mean(&name, specs.iter().map(|spec| spec.name));
                    return Err(format!("{callee} has no argument {name}; {hint}"));
                };
                args.0.push((spec.name, value));
            }
        }
        if given.len() > specs.len() {
            return Err(format!("{callee} takes at most {} arguments, not {}", specs.len(), given.len()));
        }
        for (spec, value) in specs.iter().zip(given) {
            if value == Value::Nil {
                continue;
            }
            if args.0.iter().any(|(name, _)| *name == spec.name) {
                return Err(format!("{callee} is given {} twice", spec.name));
            }
            args.0.push((spec.name, value));
        }
        for spec in specs {
            match args.get(spec.name) {
                None if spec.required => return Err(format!("{callee} needs {}: {}", spec.name, spec.doc)),
                None => {}
                Some(value) if !spec.kind.takes(value) => {
                    return Err(format!("{callee}: {} is {}, not {value}", spec.name, spec.kind.name()));
                }
                Some(_) => {}
            }
        }
        Ok(args)
    }

    /// The value given; `None` when it was left out.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        Some(value).filter(|value| **value != Value::Nil)
    }

    /// A string that was given.
    pub fn text(&self, name: &str) -> Option<Arc<str>> {
        match self.get(name) {
            Some(Value::Str(text)) => Some(text.clone()),
            Some(value) => value.as_text().map(Into::into),
            None => None,
        }
    }

    /// A string that the declaration requires, so that [`Args::bind`] saw to it.
    pub fn required(&self, name: &str) -> Arc<str> {
        self.text(name).unwrap_or_else(|| "".into())
    }

    /// A whole number that was given.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// A boolean that was given.
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// A list that was given.
    pub fn list(&self, name: &str) -> Option<&[Value]> {
        match self.get(name) {
            Some(Value::List(items)) => Some(items),
            _ => None,
        }
    }

    /// A map that was given.
    pub fn map(&self, name: &str) -> Option<&IndexMap<String, Value>> {
        match self.get(name) {
            Some(Value::Map(items)) => Some(items),
            _ => None,
        }
    }

    /// A length of time given as a number of seconds or as text such as `"30s"`, `"2m"`,
    /// `"500ms"`; in milliseconds.
    pub fn duration_ms(&self, name: &str) -> Result<Option<u64>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        milliseconds(value)
            .map(Some)
            .ok_or_else(|| format!("{name} is a length of time such as \"30s\", \"2m\" or \"500ms\", not {value}"))
    }
}

impl Kind {
    /// Whether a value is of the type.
    fn takes(self, value: &Value) -> bool {
        match self {
            Kind::Bool => matches!(value, Value::Bool(_)),
            Kind::Int => matches!(value, Value::Int(_)),
            Kind::Number => matches!(value, Value::Int(_) | Value::Float(_)),
            Kind::Str | Kind::Mode | Kind::Version => {
                matches!(value, Value::Str(_) | Value::Mode(_) | Value::Version(_))
            }
            // An empty Lua table is a list and a map alike.
            Kind::List => matches!(value, Value::List(_)) || matches!(value, Value::Map(map) if map.is_empty()),
            Kind::Map => matches!(value, Value::Map(_)) || matches!(value, Value::List(list) if list.is_empty()),
            Kind::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPECS: &[Arg] = &[
        Arg { name: "line", kind: Kind::Str, required: true, doc: "the command" },
        Arg { name: "timeout", kind: Kind::Any, required: false, doc: "how long" },
    ];

    fn map(name: &str, value: impl Into<Value>) -> Value {
        Value::Map([(name.to_string(), value.into())].into_iter().collect())
    }

    #[test]
    fn arguments_come_by_position_and_by_name() {
        let by_name = Args::bind("command", SPECS, vec![map("line", "id")]).unwrap();
        assert_eq!(&*by_name.required("line"), "id");
        let error = Args::bind("command", SPECS, vec![map("lime", "id")]).unwrap_err();
        assert_eq!(error, "command has no argument lime; did you mean line?");
    }

    #[test]
    fn a_map_is_options_where_anything_may_stand() {
        static ANY: &[Arg] = &[
            Arg { name: "line", kind: Kind::Any, required: true, doc: "the command" },
            Arg { name: "timeout", kind: Kind::Any, required: false, doc: "how long" },
        ];
        let options = Args::bind("command", ANY, vec![Value::from("id"), map("timeout", 3i64)]).unwrap();
        assert_eq!(options.get("timeout"), Some(&Value::Int(3)));
        let error = Args::bind("command", ANY, vec![Value::from("id"), map("timeuot", 3i64)]).unwrap_err();
        assert_eq!(error, "command has no argument timeuot; did you mean timeout?");
        let value = Args::bind("command", ANY, vec![map("key", 3i64)]).unwrap();
        assert!(value.map("line").is_some(), "a map is a value of its own here");
    }

    #[test]
    fn a_missing_a_surplus_and_a_mistyped_argument_are_named() {
        assert_eq!(Args::bind("command", SPECS, vec![]).unwrap_err(), "command needs line: the command");
        let many = vec![Value::from("a"), Value::from("b"), Value::from("c")];
        assert_eq!(Args::bind("command", SPECS, many).unwrap_err(), "command takes at most 2 arguments, not 3");
        assert_eq!(Args::bind("command", SPECS, vec![Value::Int(3)]).unwrap_err(), "command: line is string, not 3");
    }
}
