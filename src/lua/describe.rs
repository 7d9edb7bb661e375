//! `describe`, and its steps as functions of Lua.

use super::convert;
use super::handle::Handle;
use super::place::{Place, caller, caller_or, raise, raise_at};
use super::record::{Subject, Valued};
use super::session::{Describe, Session};
use super::step;
use crate::error::did_you_mean;
use crate::value::Value;
use mlua::{
    AnyUserData, Function, Lua, Table, UserData, UserDataFields, UserDataRegistry, Value as LuaValue, Variadic,
};
use std::cell::RefCell;
use std::rc::Rc;

/// The steps of a `describe`.
pub(super) const STEPS: [&str; 6] = ["its", "it", "is", "is_not", "exists", "does_not_exist"];

/// Where the function that finds a step by its name is kept.
const INDEX: &str = "probity.describe_index";

/// What `describe(…)` gives.
pub struct Description {
    pub subject: Subject,
    /// The Lua table of a custom resource.
    custom: Option<Table>,
    /// The attempt of a control it belongs to, and its number among the descriptions there.
    pub owner: u64,
    pub number: usize,
    /// Where a step of a custom resource was looked up last.
    looked_up: RefCell<Option<Place>>,
}

impl UserData for Description {
    fn register(registry: &mut UserDataRegistry<Self>) {
        registry.add_meta_field_with("__index", |lua| lua.named_registry_value::<Function>(INDEX));
    }
}

/// Adds `describe` and its steps. The steps of a custom resource are those of the prelude,
/// `custom_steps`, for they may suspend.
pub fn install(
    lua: &Lua,
    rust: &Table,
    globals: &Table,
    custom_steps: Table,
    session: &Rc<Session>,
) -> mlua::Result<()> {
    let shared = session.clone();
    let describe = lua.create_function(move |lua, (subject, label): (LuaValue, LuaValue)| {
        shared.needs_run("describe").map_err(|message| raise(lua, message))?;
        let label = match &label {
            LuaValue::Nil => None,
            LuaValue::String(label) => Some(label.to_string_lossy()),
            other => {
                let kind = other.type_name();
                return Err(raise(lua, format!("the second value of describe is a label in quotes, not a {kind}")));
            }
        };
        let (subject, custom) = read_subject(&subject, label).map_err(|message| raise(lua, message))?;
        let place = caller(lua);
        let (owner, number) = shared
            .with_running(|running| {
                running.describes.push(Describe { place, used: false });
                (running.serial, running.describes.len() - 1)
            })
            .map_err(|message| raise(lua, message))?;
        Ok(Description { subject, custom, owner, number, looked_up: RefCell::default() })
    })?;
    globals.raw_set("describe", describe)?;

    let steps = lua.create_table()?;
    for name in STEPS {
        let shared = session.clone();
        let step = lua.create_function(move |lua, given: Variadic<LuaValue>| {
            let description = own(&given, name).map_err(|message| raise(lua, message))?;
            let borrowed = description.borrow::<Description>()?;
            step::plain(&borrowed, name, &given[1..])
                .and_then(|(subject, check)| step::record(lua, &shared, &borrowed, subject, check))
                .map_err(|message| raise(lua, message))?;
            drop(borrowed);
            Ok(description)
        })?;
        steps.raw_set(name, step)?;
    }
    let index = lua.create_function(move |lua, (description, key): (AnyUserData, LuaValue)| {
        let description = description.borrow::<Description>()?;
        let steps = match &description.custom {
            Some(_) => {
                *description.looked_up.borrow_mut() = Some(caller(lua));
                &custom_steps
            }
            None => &steps,
        };
        match steps.raw_get(&key)? {
            LuaValue::Nil => {
                let key = key.to_string()?;
                Err(raise(lua, format!("describe has no step {key}; {}", did_you_mean(&key, STEPS))))
            }
            step => Ok(step),
        }
    })?;
    lua.set_named_registry_value(INDEX, index)?;
    install_custom(lua, rust, session)
}

/// The description a step is called on.
fn own(given: &[LuaValue], name: &str) -> Result<AnyUserData, String> {
    match given.first() {
        Some(LuaValue::UserData(data)) if data.is::<Description>() => Ok(data.clone()),
        _ => Err(format!("write :{name}(…) with a colon, not .{name}(…)")),
    }
}

/// Adds what the steps of custom resources call, before and after they read it.
fn install_custom(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    rust.raw_set(
        "custom",
        lua.create_function(|lua, (description, name): (LuaValue, String)| {
            let description = own(&[description], &name).map_err(|message| raise(lua, message))?;
            let description = description.borrow::<Description>()?;
            let looked_up = description.looked_up.borrow().clone().unwrap_or_else(Place::unknown);
            let place = caller_or(lua, looked_up);
            match &description.custom {
                Some(subject) => Ok((place.to_string(), subject.clone())),
                None => Err(raise_at(&place, format!("write :{name}(…) with a colon, not .{name}(…)"))),
            }
        })?,
    )?;

    let shared = session.clone();
    rust.raw_set(
        "custom_its",
        lua.create_function(
            move |_,
                  (own, place, property, matcher, ok, value): (
                AnyUserData,
                String,
                LuaValue,
                LuaValue,
                bool,
                LuaValue,
            )| {
                let told = step::Told { place: Place::read(&place), ok, value };
                let done = step::custom_its(&shared, &*own.borrow()?, &told, &property, &matcher);
                done.map_err(|message| raise_at(&told.place, message)).map(|()| own.clone())
            },
        )?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "custom_is",
        lua.create_function(
            move |_,
                  (own, place, predicate, negated, ok, value, given): (
                AnyUserData,
                String,
                LuaValue,
                bool,
                bool,
                LuaValue,
                Variadic<LuaValue>,
            )| {
                let told = step::Told { place: Place::read(&place), ok, value };
                let done = step::custom_is(&shared, &*own.borrow()?, &told, &predicate, negated, &given);
                done.map_err(|message| raise_at(&told.place, message)).map(|()| own.clone())
            },
        )?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "custom_exists",
        lua.create_function(
            move |_, (own, place, negated, ok, value): (AnyUserData, String, bool, bool, LuaValue)| {
                let told = step::Told { place: Place::read(&place), ok, value };
                let done = step::custom_exists(&shared, &*own.borrow()?, &told, negated);
                done.map_err(|message| raise_at(&told.place, message)).map(|()| own.clone())
            },
        )?,
    )
}

/// The subject of a `describe`: a resource, a custom resource, or a plain value.
fn read_subject(subject: &LuaValue, label: Option<String>) -> Result<(Subject, Option<Table>), String> {
    match subject {
        LuaValue::UserData(data) => match data.borrow::<Handle>() {
            Ok(handle) => Ok((Subject::Resource(handle.clone()), None)),
            Err(_) if data.is::<Description>() => Err("describe takes a resource or a plain value, and this is a \
                description already; add a step to it"
                .to_string()),
            Err(_) => Err("describe takes a resource or a plain value, not a matcher".to_string()),
        },
        LuaValue::Table(table) if is_custom(table) => {
            let title = label.or_else(|| table.raw_get::<Option<String>>("title").ok().flatten());
            let title = title.unwrap_or_else(|| "custom resource".to_string());
            Ok((Subject::Value(Rc::new(Valued { value: Value::Nil, title })), Some(table.clone())))
        }
        LuaValue::Function(_) => Err("describe takes a resource or a plain value; call the function first".to_string()),
        plain => {
            let value = convert::from_lua(plain).map_err(|problem| format!("describe: {problem}"))?;
            let title = label.unwrap_or_else(|| super::matcher::show(&value));
            Ok((Subject::Value(Rc::new(Valued { value, title })), None))
        }
    }
}

/// A table with a metatable or a function in it is a resource of the profile's own.
fn is_custom(table: &Table) -> bool {
    table.metatable().is_some()
        || table.pairs::<LuaValue, LuaValue>().flatten().any(|(_, value)| matches!(value, LuaValue::Function(_)))
}
