//! Matchers as Lua values: `eq "no"`, `absent`.

use super::convert;
use super::matcher::{CATALOGUE, Matcher, Operand};
use super::place::raise;
use mlua::{Lua, Table, UserData, Value as LuaValue};
use std::sync::Arc;

/// A matcher, as Lua holds it.
pub struct Matching(pub Arc<Matcher>);

impl UserData for Matching {
    fn add_methods<M: mlua::UserDataMethods<Self>>(methods: &mut M) {
        // `empty()` is what many would write for `empty`; both mean the same.
        methods.add_meta_method(mlua::MetaMethod::Call, |lua, this, given: mlua::Variadic<LuaValue>| {
            if given.is_empty() {
                return lua.create_userdata(Matching(this.0.clone()));
            }
            Err(raise(lua, format!("the matcher \"{}\" takes no value", this.0.expectation())))
        });
    }
}

/// The matcher inside a Lua value; `None` when it is none.
pub fn from_lua(value: &LuaValue) -> Option<Arc<Matcher>> {
    let LuaValue::UserData(data) = value else { return None };
    data.borrow::<Matching>().ok().map(|matching| matching.0.clone())
}

/// Adds every matcher of the catalogue to the globals of controls.
pub fn install(lua: &Lua, globals: &Table) -> mlua::Result<()> {
    for doc in CATALOGUE {
        if doc.bare {
            let matcher = Matcher::build(doc.name, Vec::new()).map_err(mlua::Error::runtime)?;
            globals.raw_set(doc.name, lua.create_userdata(Matching(Arc::new(matcher)))?)?;
            continue;
        }
        let name = doc.name;
        let make = lua.create_function(move |lua, given: mlua::Variadic<LuaValue>| {
            let operands: Result<Vec<Operand>, String> = given.iter().map(|value| operand(name, value)).collect();
            let matcher = operands.and_then(|operands| Matcher::build(name, operands));
            matcher.map(|matcher| Matching(Arc::new(matcher))).map_err(|message| raise(lua, message))
        })?;
        globals.raw_set(name, make)?;
    }
    Ok(())
}

fn operand(name: &str, value: &LuaValue) -> Result<Operand, String> {
    match from_lua(value) {
        Some(matcher) => Ok(Operand::Matcher(matcher)),
        None => convert::from_lua(value).map(Operand::Value).map_err(|problem| format!("{name}: {problem}")),
    }
}
