//! Globals that are no resource and no step, and the small questions the prelude asks.

use super::handle::Handle;
use super::place::raise;
use super::sandbox::Print;
use super::session::Session;
use super::{ProfileFiles, convert, matchers};
use crate::error::did_you_mean;
use mlua::{Function, Lua, LuaString, Table, Value as LuaValue};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Instant;

/// The keys of `node`.
pub const NODE_KEYS: [&str; 3] = ["name", "target", "groups"];

/// Adds the answers of `attributes.NAME` and `node.NAME`.
pub fn install_answers(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    let shared = session.clone();
    rust.raw_set(
        "attribute",
        lua.create_function(move |lua, (_, name): (LuaValue, LuaValue)| {
            let name = name.to_string()?;
            shared.needs_run("attributes").map_err(|message| raise(lua, message))?;
            let attributes = shared.attributes.borrow();
            match attributes.get(&name) {
                Some(value) => convert::to_lua(lua, value),
                None => {
                    let hint = did_you_mean(&name, attributes.keys().map(String::as_str));
                    Err(raise(lua, format!("the profile declares no attribute {name}; {hint}")))
                }
            }
        })?,
    )?;

    let shared = session.clone();
    rust.raw_set(
        "node",
        lua.create_function(move |lua, (_, key): (LuaValue, LuaValue)| {
            let key = key.to_string()?;
            shared.needs_run("node").map_err(|message| raise(lua, message))?;
            let node = shared.node.borrow();
            let Some(node) = node.as_ref() else { return Ok(LuaValue::Nil) };
            match &*key {
                "name" => lua.create_string(&node.name).map(LuaValue::String),
                "target" => lua.create_string(&node.target).map(LuaValue::String),
                "groups" => lua.create_sequence_from(node.groups.iter().map(String::as_str)).map(LuaValue::Table),
                _ => {
                    let hint = did_you_mean(&key, NODE_KEYS);
                    Err(raise(lua, format!("node has no {key}; {hint}")))
                }
            }
        })?,
    )
}

/// Adds `now()`: the start of the run in seconds since 1970.
pub fn install_now(lua: &Lua, globals: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    let shared = session.clone();
    let now = lua.create_function(move |lua, ()| {
        shared.needs_run("now").map_err(|message| raise(lua, message))?;
        Ok(shared.node.borrow().as_ref().map(|node| node.now))
    })?;
    globals.raw_set("now", now)
}

/// Adds `profile_file "NAME"`: the content of `files/NAME` of the profile. It is the same
/// on every node, so it may be read while files load.
pub fn install_profile_file(lua: &Lua, globals: &Table, files: Rc<ProfileFiles>) -> mlua::Result<()> {
    let read = lua.create_function(move |lua, name: LuaValue| {
        let LuaValue::String(name) = &name else {
            return Err(raise(
                lua,
                format!("profile_file takes the name of a file in quotes, not a {}", name.type_name()),
            ));
        };
        let name = name.to_string_lossy();
        match files.get(format!("files/{name}").as_str()) {
            Some(content) => lua.create_string(content),
            None => {
                let names = files.keys().filter_map(|path| path.strip_prefix("files/"));
                Err(raise(lua, format!("the profile has no files/{name}; {}", did_you_mean(&name, names))))
            }
        }
    })?;
    globals.raw_set("profile_file", read)
}

/// Adds where `print` goes, and what it shows of the engine's own values.
pub fn install_print(lua: &Lua, rust: &Table, session: &Rc<Session>, print: Print) -> mlua::Result<()> {
    let shared = session.clone();
    rust.raw_set(
        "print",
        lua.create_function(move |_, line: LuaString| {
            let control = shared.with_running(|running| running.id.clone()).ok();
            print(control.as_deref(), &line.to_string_lossy());
            Ok(())
        })?,
    )?;
    rust.raw_set(
        "show",
        lua.create_function(|_, value: LuaValue| {
            let LuaValue::UserData(data) = &value else { return Ok(value.type_name().to_string()) };
            Ok(match (data.borrow::<Handle>(), matchers::from_lua(&value)) {
                (Ok(handle), _) => handle.title(),
                (_, Some(matcher)) => matcher.expectation(),
                _ => "a description".to_string(),
            })
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set("dead", lua.create_function(move |_, ()| Ok(shared.overruns.get() > 0))?)
}

/// The message for a name that nothing has.
pub fn unknown_name(lua: &Lua, names: BTreeSet<String>) -> mlua::Result<Function> {
    lua.create_function(move |_, name: LuaValue| {
        let name = name.to_string()?;
        Ok(match crate::error::nearest(&name, names.iter().map(String::as_str)) {
            Some(nearest) => format!("nothing is named {name}; did you mean {nearest}?"),
            None => format!("nothing is named {name}; `probity resources` lists what there is"),
        })
    })
}

/// Adds the sorted order of `pairs` and `next`. No hook runs while Rust sorts, so each
/// looks at the clock itself.
pub fn install_order(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    let shared = session.clone();
    rust.raw_set(
        "sorted_keys",
        lua.create_function(move |lua, table: Table| {
            let mut keys = match keys_of(&table)? {
                Ok(keys) => keys,
                Err(message) => return Ok((None, Some(message))),
            };
            keys.sort_by(order);
            in_time(&shared)?;
            Ok((Some(lua.create_sequence_from(keys)?), None))
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "next",
        lua.create_function(move |_, (table, after): (Table, LuaValue)| {
            let keys = match keys_of(&table)? {
                Ok(keys) => keys,
                Err(message) => return Ok((LuaValue::Nil, LuaValue::Nil, Some(message))),
            };
            let later = keys.into_iter().filter(|key| after.is_nil() || order(key, &after).is_gt());
            let first = later.min_by(order);
            in_time(&shared)?;
            let key = first.unwrap_or(LuaValue::Nil);
            let value = if key.is_nil() { LuaValue::Nil } else { table.raw_get(&key)? };
            Ok((key, value, None))
        })?,
    )
}

/// Ends what has run out of time, as the hook does.
fn in_time(session: &Session) -> mlua::Result<()> {
    if Instant::now() < session.deadline.get() {
        return Ok(());
    }
    session.overruns.set(session.overruns.get().saturating_add(1));
    Err(mlua::Error::runtime("the control used up its CPU time"))
}

/// The keys of a table; one that has no order is refused.
fn keys_of(table: &Table) -> mlua::Result<Result<Vec<LuaValue>, String>> {
    let mut keys = Vec::new();
    for pair in table.pairs::<LuaValue, LuaValue>() {
        let (key, _) = pair?;
        match rank(&key) {
            Some(_) => keys.push(key),
            None => return Ok(Err(format!("pairs cannot order keys that are of type {}", key.type_name()))),
        }
    }
    Ok(Ok(keys))
}

/// Numbers come first, then texts, then booleans.
fn rank(key: &LuaValue) -> Option<u8> {
    match key {
        LuaValue::Integer(_) | LuaValue::Number(_) => Some(0),
        LuaValue::String(_) => Some(1),
        LuaValue::Boolean(_) => Some(2),
        _ => None,
    }
}

/// Numbers by size, texts by their bytes.
fn order(a: &LuaValue, b: &LuaValue) -> Ordering {
    match (a, b) {
        (LuaValue::Integer(a), LuaValue::Integer(b)) => a.cmp(b),
        (LuaValue::String(a), LuaValue::String(b)) => a.as_bytes().cmp(&b.as_bytes()),
        (LuaValue::Boolean(a), LuaValue::Boolean(b)) => a.cmp(b),
        _ => {
            let size = |key: &LuaValue| match key {
                LuaValue::Integer(value) => *value as f64,
                LuaValue::Number(value) => *value,
                _ => f64::NAN,
            };
            // A float and an integer that looks like it: Lua has no two such keys unless
            // they differ beyond what a float can tell, and then the integer comes first.
            let whole = |key: &LuaValue| matches!(key, LuaValue::Number(_));
            rank(a).cmp(&rank(b)).then_with(|| size(a).total_cmp(&size(b))).then_with(|| whole(a).cmp(&whole(b)))
        }
    }
}
