//! `describe` and its steps: recording what is expected, and where it was written.

use super::bind::{Handle, dotted};
use super::convert;
use super::matchers;
use super::record::{Check, Item, Recorded, Subject};
use super::session::{Describe, Phase, Session};
use crate::error::did_you_mean;
use crate::resource::catalogue::Key;
use crate::resource::{Entry, Shape};
use crate::value::Value;
use mlua::{AnyUserData, Lua, Table, UserData, UserDataFields, UserDataRegistry, Value as LuaValue, Variadic};
use std::rc::Rc;
use std::sync::Arc;

/// The steps of a `describe`.
pub(super) const STEPS: [&str; 6] = ["its", "it", "is", "is_not", "exists", "does_not_exist"];

/// What `describe(…)` gives.
pub struct Description {
    subject: Subject,
    /// The Lua table of a custom resource.
    custom: Option<Table>,
    /// Its number among the control's descriptions.
    number: usize,
}

impl UserData for Description {
    fn register(registry: &mut UserDataRegistry<Self>) {
        registry
            .add_meta_field_with("__index", |lua| lua.named_registry_value::<mlua::Function>("probity.describe_index"));
    }
}

/// The file and line of the control code that is calling, skipping the engine's own
/// frames.
pub fn caller(lua: &Lua) -> (Arc<str>, usize) {
    for level in 1..8 {
        let place = lua.inspect_stack(level, |frame| {
            let source = frame.source().source?;
            let file = source.strip_prefix('@')?;
            Some((Arc::from(file), frame.current_line()?))
        });
        match place {
            Some(Some(place)) => return place,
            Some(None) => {}
            None => break,
        }
    }
    ("".into(), 0)
}

/// Adds `describe` and what its steps call in Rust.
pub fn install(
    lua: &Lua,
    rust: &Table,
    globals: &Table,
    raising: &mlua::Function,
    session: &Rc<Session>,
) -> mlua::Result<()> {
    let shared = session.clone();
    let describe = lua.create_function(move |lua, (subject, label): (LuaValue, Option<String>)| {
        if let Err(message) = shared.needs_run("describe") {
            return Ok((None, Some(message)));
        }
        let (file, line) = caller(lua);
        let (subject, custom) = match read_subject(&subject, label) {
            Ok(read) => read,
            Err(message) => return Ok((None, Some(message))),
        };
        let number = shared.with_running(|running| {
            running.describes.push(Describe { file, line, used: false });
            running.describes.len() - 1
        });
        match number {
            Ok(number) => Ok((Some(lua.create_userdata(Description { subject, custom, number })?), None)),
            Err(message) => Ok((None, Some(message))),
        }
    })?;
    globals.raw_set("describe", raising.call::<mlua::Function>(describe)?)?;

    rust.raw_set(
        "is_description",
        lua.create_function(|_, value: LuaValue| {
            Ok(matches!(&value, LuaValue::UserData(data) if data.is::<Description>()))
        })?,
    )?;
    rust.raw_set(
        "custom_subject",
        lua.create_function(|_, description: AnyUserData| Ok(description.borrow::<Description>()?.custom.clone()))?,
    )?;
    rust.raw_set(
        "unknown_step",
        lua.create_function(|_, key: LuaValue| {
            let key = key.to_string()?;
            Ok(format!("describe has no step {key}; {}", did_you_mean(&key, STEPS)))
        })?,
    )?;

    let shared = session.clone();
    rust.raw_set(
        "its",
        lua.create_function(
            move |lua,
                  (description, property, matcher, custom, value): (
                AnyUserData,
                LuaValue,
                LuaValue,
                bool,
                LuaValue,
            )| {
                let description = description.borrow::<Description>()?;
                Ok(its(lua, &shared, &description, &property, &matcher, custom.then_some(&value)).err())
            },
        )?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "it",
        lua.create_function(move |lua, (description, matcher): (AnyUserData, LuaValue)| {
            let description = description.borrow::<Description>()?;
            let check = matcher_of("it", &matcher).map(|matcher| Check::It { matcher });
            let subject = description.subject.clone();
            Ok(check.and_then(|check| record(lua, &shared, &description, subject, check)).err())
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "is",
        lua.create_function(
            move |lua,
                  (description, predicate, negated, custom, value, given): (
                AnyUserData,
                LuaValue,
                bool,
                bool,
                LuaValue,
                Variadic<LuaValue>,
            )| {
                let description = description.borrow::<Description>()?;
                let custom = custom.then_some(&value);
                Ok(is(lua, &shared, &description, &predicate, negated, custom, &given).err())
            },
        )?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "exists",
        lua.create_function(move |lua, (description, negated, custom, value): (AnyUserData, bool, bool, LuaValue)| {
            let description = description.borrow::<Description>()?;
            let recorded = match custom {
                true => truth(lua, &shared, &description, "exists", negated, &value),
                false => {
                    let subject = description.subject.clone();
                    record(lua, &shared, &description, subject, Check::Exists { negated })
                }
            };
            Ok(recorded.err())
        })?,
    )
}

/// The subject of a `describe`: a resource, a custom resource, or a plain value.
fn read_subject(subject: &LuaValue, label: Option<String>) -> Result<(Subject, Option<Table>), String> {
    match subject {
        LuaValue::UserData(data) => match data.borrow::<Handle>() {
            Ok(handle) => Ok((Subject::Resource(handle.clone()), None)),
            Err(_) => Err("describe takes a resource or a plain value, not a matcher or a description".to_string()),
        },
        LuaValue::Table(table) if is_custom(table) => {
            let title = label.or_else(|| table.raw_get::<Option<String>>("title").ok().flatten());
            let title = title.unwrap_or_else(|| "custom resource".to_string());
            Ok((Subject::Value(Value::Nil, title.into()), Some(table.clone())))
        }
        LuaValue::Function(_) => Err("describe takes a resource or a plain value; call the function first".to_string()),
        plain => {
            let value = convert::from_lua(plain).map_err(|problem| format!("describe: {problem}"))?;
            let title = label.unwrap_or_else(|| super::matcher::show(&value));
            Ok((Subject::Value(value, title.into()), None))
        }
    }
}

/// A table with a metatable or a function in it is a resource of the profile's own.
fn is_custom(table: &Table) -> bool {
    table.metatable().is_some()
        || table.pairs::<LuaValue, LuaValue>().flatten().any(|(_, value)| matches!(value, LuaValue::Function(_)))
}

fn matcher_of(step: &str, value: &LuaValue) -> Result<Arc<super::matcher::Matcher>, String> {
    matchers::from_lua(value).ok_or_else(|| match value {
        LuaValue::Nil => format!(":{step}(…) needs a matcher, such as eq(\"no\"); is its name misspelt?"),
        LuaValue::Function(_) => {
            format!(":{step}(…) needs a matcher; a matcher that takes a value is called: eq(\"no\")")
        }
        other => match convert::from_lua(other) {
            Ok(plain) => format!(":{step}(…) needs a matcher: write eq({plain})"),
            Err(_) => format!(":{step}(…) needs a matcher, not a {}", other.type_name()),
        },
    })
}

fn its(
    lua: &Lua,
    session: &Session,
    description: &Description,
    property: &LuaValue,
    matcher: &LuaValue,
    custom: Option<&LuaValue>,
) -> Result<(), String> {
    let (path, words) = path_of(property)?;
    let matcher = matcher_of("its", matcher)?;
    if let Some(value) = custom {
        let value = convert::from_lua(value).map_err(|problem| format!("{words}: {problem}"))?;
        let title = format!("{} {words}", description.subject.title());
        return record(lua, session, description, Subject::Value(value, title.into()), Check::It { matcher });
    }
    if let Subject::Resource(handle) = &description.subject {
        known_property(handle, &path, &words)?;
    }
    // A dotted name into a plain map is a path; a resource decides for itself.
    let path = match (&description.subject, &path[..]) {
        (Subject::Value(Value::Map(map), _), [Key::Name(name)]) if !map.contains_key(name) => dotted(name),
        _ => path,
    };
    record(lua, session, description, description.subject.clone(), Check::Its { path, words, matcher })
}

/// The path that `its` is given: a name, or a list of names and positions.
fn path_of(property: &LuaValue) -> Result<(Vec<Key>, String), String> {
    match property {
        LuaValue::String(name) => {
            let name = name.to_string_lossy();
            Ok((vec![Key::Name(name.clone())], name))
        }
        LuaValue::Integer(index) => Ok((vec![Key::Index(*index)], index.to_string())),
        LuaValue::Table(parts) => {
            let mut path = Vec::new();
            let mut words = Vec::new();
            for part in parts.sequence_values::<LuaValue>() {
                let (mut key, word) = path_of(&part.map_err(|error| error.to_string())?)?;
                path.append(&mut key);
                words.push(word);
            }
            if path.is_empty() {
                return Err(":its({…}, …) needs at least one name".to_string());
            }
            Ok((path, words.join(".")))
        }
        other => Err(format!(":its(…) needs the name of a property, not a {}", other.type_name())),
    }
}

/// A property that cannot be there is an error at once, with the nearest name.
fn known_property(handle: &Handle, path: &[Key], words: &str) -> Result<(), String> {
    let known = match path.first() {
        Some(Key::Name(name)) => has_property(handle.entry, name),
        _ => matches!(handle.entry.shape, Shape::Open(_)),
    };
    if known { Ok(()) } else { Err(handle.unknown(words)) }
}

/// Whether `its(NAME, …)` can mean anything for a resource.
pub(super) fn has_property(entry: &Entry, name: &str) -> bool {
    let names = entry.property_names();
    matches!(entry.shape, Shape::Open(_))
        || names.contains(&name)
        || name.split_once('.').is_some_and(|(head, _)| names.contains(&head))
}

fn is(
    lua: &Lua,
    session: &Session,
    description: &Description,
    predicate: &LuaValue,
    negated: bool,
    custom: Option<&LuaValue>,
    given: &[LuaValue],
) -> Result<(), String> {
    let step = if negated { "is_not" } else { "is" };
    let LuaValue::String(predicate) = predicate else {
        return Err(match matchers::from_lua(predicate) {
            Some(_) => format!(":{step}(…) takes the name of a predicate; judge a value with :it(matcher)"),
            None => format!(":{step}(…) takes the name of a predicate, not a {}", predicate.type_name()),
        });
    };
    let predicate = predicate.to_string_lossy();
    if let Some(value) = custom {
        return truth(lua, session, description, &predicate, negated, value);
    }
    let Subject::Resource(handle) = &description.subject else {
        return Err(format!(":{step}(\"{predicate}\") needs a resource; judge a plain value with :it(matcher)"));
    };
    let given: Vec<Value> = given
        .iter()
        .map(|value| convert::from_lua(value).map_err(|problem| format!(":{step}(\"{predicate}\"): {problem}")))
        .collect::<Result<_, _>>()?;
    let mut words = predicate.replace('_', " ");
    for value in &given {
        words.push(' ');
        words.push_str(&super::matcher::show(value));
    }
    let args = handle.predicate_args(&predicate, given)?;
    record(lua, session, description, description.subject.clone(), Check::Is { predicate, args, words, negated })
}

/// A yes-or-no answer of a custom resource.
fn truth(
    lua: &Lua,
    session: &Session,
    description: &Description,
    predicate: &str,
    negated: bool,
    value: &LuaValue,
) -> Result<(), String> {
    if matches!(value, LuaValue::Nil) {
        return Err(format!("{} has no {predicate}", description.subject.title()));
    }
    let holds = !matches!(value, LuaValue::Boolean(false));
    let matcher = super::matcher::Matcher::build("eq", vec![super::matcher::Operand::Value(Value::Bool(!negated))])?;
    let title = format!("{} {}", description.subject.title(), predicate.replace('_', " "));
    let subject = Subject::Value(Value::Bool(holds), title.into());
    record(lua, session, description, subject, Check::It { matcher: Arc::new(matcher) })
}

fn record(
    lua: &Lua,
    session: &Session,
    description: &Description,
    subject: Subject,
    check: Check,
) -> Result<(), String> {
    if session.phase.get() != Phase::Run {
        return Err("a describe that is kept from one control to another cannot be used".to_string());
    }
    let (file, line) = caller(lua);
    let limit = session.limits.steps;
    let list = session.list.get();
    session.with_running(|running| {
        running.recorded += 1;
        if running.recorded > limit {
            return Err(format!("the control records more than {limit} steps"));
        }
        let Some(describe) = running.describes.get_mut(description.number) else {
            return Err("this describe belongs to another control".to_string());
        };
        describe.used = true;
        match running.lists.get_mut(list) {
            Some(items) => items.push(Item::Step(Recorded { subject, check, file, line })),
            None => return Err("this describe belongs to another control".to_string()),
        }
        Ok(())
    })?
}
