//! A resource with its arguments: what its names stand for, and the rows `where` chose.

use super::convert;
use super::matcher::{Matcher, Operand};
use crate::error::did_you_mean;
use crate::node::{Seen, Sight, Unseen};
use crate::resource::catalogue::Key;
use crate::resource::{Args, Entry, Instance, Row, Rows, Shape};
use crate::value::Value;
use mlua::Value as LuaValue;
use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

/// A resource with its arguments, as Lua holds it.
#[derive(Clone)]
pub struct Handle {
    pub entry: &'static Entry,
    instance: Rc<dyn Instance>,
    selection: Option<Rc<Selection>>,
}

/// Rows chosen by `where`.
struct Selection {
    /// In words: ` where uid = 0`.
    words: String,
    rows: Chosen,
}

enum Chosen {
    /// By conditions, over what the handle before it has.
    By(Handle, Vec<(&'static str, Arc<Matcher>)>),
    /// By a Lua function, which has already looked at the rows.
    These(Rows),
}

/// What lies behind a name of a resource.
pub enum Named {
    Value(Value),
    /// A predicate or method with arguments.
    Callable,
    /// The choice of rows of a table.
    Where,
}

impl Handle {
    /// A resource with checked arguments.
    pub fn new(entry: &'static Entry, args: &Args) -> Result<Handle, String> {
        // Most resources begin their messages with their own name, which is what users see.
        let named = |message: String| match message.strip_prefix(entry.name) {
            Some(rest) if rest.starts_with([':', ' ']) => message,
            _ => format!("{}: {message}", entry.name),
        };
        let instance = (entry.build)(args).map_err(named)?;
        Ok(Handle { entry, instance, selection: None })
    }

    /// What sentences call it.
    pub fn title(&self) -> String {
        let mut title = self.instance.title();
        if let Some(selection) = &self.selection {
            title.push_str(&selection.words);
        }
        title
    }

    fn own(&self) -> &dyn Any {
        &*self.instance
    }

    /// Whether it exists; a selection exists when it has a row.
    pub fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        match &self.selection {
            Some(_) => Ok(!self.rows(seen)?.is_empty()),
            None => self.instance.exists(seen),
        }
    }

    /// The rows of a table, those chosen by `where` only.
    pub fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let Shape::Table { rows, .. } = &self.entry.shape else {
            return Err(Unseen::Misuse(format!("{} is no table and has no rows", self.entry.name)));
        };
        match self.selection.as_deref() {
            None => rows(self.own(), seen),
            Some(Selection { rows: Chosen::These(rows), .. }) => Ok(rows.clone()),
            Some(Selection { rows: Chosen::By(before, conditions), .. }) => {
                let empty = Value::Nil;
                before.rows(seen)?.select(|row: &Row| {
                    for (field, condition) in conditions {
                        if !condition.selects(row.get(field).unwrap_or(&empty)).map_err(Unseen::Misuse)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })
            }
        }
    }

    /// The value of a property, column or key; `None` when the resource has none of that
    /// name, which for an open-keyed resource cannot be.
    pub fn property(&self, seen: &Seen<'_>, path: &[Key]) -> Option<Sight<Value>> {
        let [first, rest @ ..] = path else { return None };
        if let Key::Name(name) = first {
            if let Some(fixed) = self.fixed(seen, name) {
                return Some(fixed.map(|value| dig(value, rest)));
            }
            // `its("config.port")`: the first part is a property that holds a map.
            if rest.is_empty()
                && let Some((head, tail)) = name.split_once('.')
                && let Some(fixed) = self.fixed(seen, head)
            {
                return Some(fixed.map(|value| dig(value, &dotted(tail))));
            }
        }
        let Shape::Open(get) = &self.entry.shape else { return None };
        let found = get(self.own(), seen, path);
        match (&found, first) {
            // A key may have dots of its own, so the whole name comes first.
            (Ok(Value::Nil), Key::Name(name)) if rest.is_empty() && name.contains('.') => {
                Some(get(self.own(), seen, &dotted(name)))
            }
            _ => Some(found),
        }
    }

    fn fixed(&self, seen: &Seen<'_>, name: &str) -> Option<Sight<Value>> {
        if let Shape::Table { columns, .. } = &self.entry.shape {
            if let Some(column) = columns.iter().find(|column| column.name == name) {
                return Some(self.rows(seen).map(|rows| rows.column(column.field)));
            }
            match name {
                "entries" => return Some(self.rows(seen).map(|rows| rows.entries())),
                "count" => return Some(self.rows(seen).map(|rows| Value::from(rows.len()))),
                _ => {}
            }
        }
        let property = self.entry.properties.iter().find(|property| property.name == name)?;
        Some((property.get)(self.own(), seen))
    }

    /// What a predicate says; `None` when there is none of that name.
    pub fn predicate(&self, seen: &Seen<'_>, name: &str, args: &Args) -> Option<Sight<bool>> {
        if matches!(self.entry.shape, Shape::Table { .. }) && name == "empty" {
            return Some(self.rows(seen).map(|rows| rows.is_empty()));
        }
        let predicate = self.entry.predicates.iter().find(|predicate| predicate.name == name)?;
        Some(match (predicate.get)(self.own(), seen, args) {
            Err(Unseen::Missing(_)) if predicate.absence == crate::resource::Absence::No => Ok(false),
            other => other,
        })
    }

    /// Checks the arguments of a predicate; an unknown one gives the nearest name.
    pub fn predicate_args(&self, name: &str, given: Vec<Value>) -> Result<Args, String> {
        predicate_args(self.entry, name, given)
    }

    /// The message for a property that is not there.
    pub fn unknown(&self, name: &str) -> String {
        unknown(self.entry, name)
    }

    /// What `resource.NAME` is in plain code.
    pub fn named(&self, seen: &Seen<'_>, name: &str) -> Sight<Named> {
        if name == "where" && matches!(self.entry.shape, Shape::Table { .. }) {
            return Ok(Named::Where);
        }
        if name == "exists" {
            return self.exists(seen).map(|exists| Named::Value(exists.into()));
        }
        if let Some(predicate) = self.entry.predicates.iter().find(|predicate| predicate.name == name) {
            if !predicate.args.is_empty() {
                return Ok(Named::Callable);
            }
            let said = self.predicate(seen, name, &Args::default()).unwrap_or(Ok(false));
            return said.map(|said| Named::Value(said.into()));
        }
        if self.entry.methods.iter().any(|method| method.name == name) {
            return Ok(Named::Callable);
        }
        match self.property(seen, &[Key::Name(name.to_string())]) {
            Some(value) => value.map(Named::Value),
            None => Err(Unseen::Misuse(self.unknown(name))),
        }
    }

    /// `resource:NAME(args)` in plain code.
    pub fn call(&self, seen: &Seen<'_>, name: &str, given: Vec<Value>) -> Sight<Value> {
        if let Some(method) = self.entry.methods.iter().find(|method| method.name == name) {
            let callee = format!("{}:{name}", self.entry.name);
            let args = Args::bind(&callee, method.args, given).map_err(Unseen::Misuse)?;
            return (method.get)(self.own(), seen, &args);
        }
        let args = self.predicate_args(name, given).map_err(Unseen::Misuse)?;
        match self.predicate(seen, name, &args) {
            Some(said) => said.map(Value::from),
            None => Err(Unseen::Misuse(self.unknown(name))),
        }
    }

    /// The same table with only the rows that meet conditions on fields.
    pub fn select(&self, conditions: &mlua::Table) -> Result<Handle, String> {
        let Shape::Table { columns, .. } = &self.entry.shape else {
            return Err(format!("{} is no table and has no where", self.entry.name));
        };
        let mut chosen = Vec::new();
        let mut words = Vec::new();
        let pairs: Result<Vec<(String, LuaValue)>, _> = conditions.pairs().collect();
        let mut pairs = pairs.map_err(|_| "where takes { field = value or matcher, … }".to_string())?;
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, value) in pairs {
            let column = columns.iter().find(|column| column.field == name || column.name == name);
            let Some(column) = column else {
                let hint = did_you_mean(&name, columns.iter().map(|column| column.field));
                return Err(format!("{} has no field {name}; {hint}", self.entry.name));
            };
            let condition = match super::matchers::from_lua(&value) {
                Some(matcher) => {
                    words.push(format!("{} {}", column.field, matcher.expectation()));
                    matcher
                }
                None => {
                    let value = convert::from_lua(&value).map_err(|problem| format!("where {name}: {problem}"))?;
                    words.push(format!("{} = {value}", column.field));
                    let equal = Matcher::build("eq", vec![Operand::Value(value)]);
                    Arc::new(equal.map_err(|problem| format!("where {name}: {problem}"))?)
                }
            };
            chosen.push((column.field, condition));
        }
        if chosen.is_empty() {
            return Err("where takes { field = value or matcher, … } or a function".to_string());
        }
        let before = self.selection.as_ref().map_or("", |selection| &selection.words);
        Ok(Handle {
            entry: self.entry,
            instance: self.instance.clone(),
            selection: Some(Rc::new(Selection {
                words: format!("{before} where {}", words.join(" and ")),
                rows: Chosen::By(self.clone(), chosen),
            })),
        })
    }

    /// The same table with rows a Lua function chose.
    pub fn pick(&self, rows: Rows) -> Handle {
        let before = self.selection.as_ref().map_or("", |selection| &selection.words);
        Handle {
            entry: self.entry,
            instance: self.instance.clone(),
            selection: Some(Rc::new(Selection {
                words: format!("{before} where a function holds"),
                rows: Chosen::These(rows),
            })),
        }
    }
}

/// Checks the arguments of a predicate; an unknown one gives the nearest name.
pub fn predicate_args(entry: &Entry, name: &str, given: Vec<Value>) -> Result<Args, String> {
    let callee = format!("{}:is(\"{name}\")", entry.name);
    if matches!(entry.shape, Shape::Table { .. }) && name == "empty" {
        return Args::bind(&callee, &[], given);
    }
    match entry.predicates.iter().find(|predicate| predicate.name == name) {
        Some(predicate) => Args::bind(&callee, predicate.args, given),
        None if name == "exist" || name == "exists" => {
            Err("write :exists() or :does_not_exist() instead of :is(\"exists\")".to_string())
        }
        None if entry.property_names().contains(&name) => {
            Err(format!("{name} is a property of {}, not a predicate: write :its(\"{name}\", …)", entry.name))
        }
        None => {
            let names = entry.predicates.iter().map(|predicate| predicate.name);
            Err(format!("{} has no predicate {name}; {}", entry.name, did_you_mean(name, names)))
        }
    }
}

/// The message for a property that is not there.
pub fn unknown(entry: &Entry, name: &str) -> String {
    if entry.predicates.iter().any(|predicate| predicate.name == name) {
        return format!("{name} is a predicate of {}, not a property: write :is(\"{name}\")", entry.name);
    }
    if entry.methods.iter().any(|method| method.name == name) {
        return format!("{name} of {} takes arguments: write :{name}(…)", entry.name);
    }
    let mut names = entry.property_names();
    names.extend(entry.predicates.iter().map(|predicate| predicate.name));
    names.extend(entry.methods.iter().map(|method| method.name));
    format!("{} has no property {name}; {}", entry.name, did_you_mean(name, names))
}

/// The parts of `a.b.1` as keys.
pub fn dotted(path: &str) -> Vec<Key> {
    let key = |part: &str| match part.parse() {
        Ok(index) => Key::Index(index),
        Err(_) => Key::Name(part.to_string()),
    };
    path.split('.').map(key).collect()
}

/// The value at a path inside a value; `Nil` where the path leads nowhere.
pub fn dig(mut value: Value, path: &[Key]) -> Value {
    for key in path {
        value = match (value, key) {
            (Value::Map(mut map), Key::Name(name)) => map.swap_remove(name).unwrap_or_default(),
            (Value::Map(mut map), Key::Index(index)) => map.swap_remove(&index.to_string()).unwrap_or_default(),
            (Value::List(mut list), Key::Index(index)) if *index >= 1 && *index as usize <= list.len() => {
                list.swap_remove(*index as usize - 1)
            }
            _ => Value::Nil,
        };
    }
    value
}
