//! The one generic binding of all resources: the catalogue in, Lua objects out.

use super::convert;
use super::handle::{Handle, Named};
use super::place::raise;
use super::session::Session;
use crate::node::{Seen, Sight, Unseen};
use crate::resource::{Args, Entry};
use crate::value::Value;
use mlua::{AnyUserData, Lua, Table, UserData, UserDataFields, UserDataRegistry, Value as LuaValue, Variadic};
use std::rc::Rc;

/// Where the prelude's functions for reading and for changing a property are kept.
pub const INDEX: &str = "probity.index";
pub const NEWINDEX: &str = "probity.newindex";

impl UserData for Handle {
    fn register(registry: &mut UserDataRegistry<Self>) {
        registry.add_meta_field_with("__index", |lua| lua.named_registry_value::<mlua::Function>(INDEX));
        registry.add_meta_field_with("__newindex", |lua| lua.named_registry_value::<mlua::Function>(NEWINDEX));
    }
}

/// `true, value`, `false, message` or nothing while answers are outstanding: what the
/// prelude's `settle` understands.
pub type Settled = (LuaValue, LuaValue);

/// Turns a sight into what the prelude understands. In plain code a thing that does not
/// exist has no value.
fn settled(lua: &Lua, sight: Sight<Value>) -> mlua::Result<Settled> {
    let message = |text: &str| lua.create_string(text).map(LuaValue::String);
    Ok(match sight {
        Ok(value) => (LuaValue::Boolean(true), convert::to_lua(lua, &value)?),
        Err(Unseen::Pending) => (LuaValue::Nil, LuaValue::Nil),
        Err(Unseen::Missing(_)) => (LuaValue::Boolean(true), LuaValue::Nil),
        Err(Unseen::Fault(fault)) => (LuaValue::Boolean(false), message(&fault.message)?),
        Err(Unseen::Misuse(text)) => (LuaValue::Boolean(false), message(&text)?),
    })
}

/// Calls `look` with what is seen of the node by the control that is being resumed.
pub fn looking<T>(session: &Session, look: impl FnOnce(&Seen<'_>) -> Sight<T>) -> Sight<T> {
    let node = session.node.borrow().clone();
    let memory = session.with_running(|running| running.memory.clone()).map_err(Unseen::Misuse)?;
    let Some(node) = node else { return Err(Unseen::Misuse("there is no node".to_string())) };
    let (asked, waited) = (memory.asked(), memory.waited());
    // Plain code shows no evidence.
    memory.forget_used();
    let found = look(&node.view(&memory));
    session.waited(memory.waited() - waited);
    let asked = memory.asked() - asked;
    if asked > 0 {
        let _ = session.with_running(|running| running.probes += asked);
    }
    found
}

/// Adds the functions the prelude calls for resources.
pub fn install(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    // What `resource.NAME` is: as `settled`, or what kind of function with the place of
    // the look-up.
    let (call, choose) = (lua.create_string("call")?, lua.create_string("where")?);
    let shared = session.clone();
    rust.raw_set(
        "property",
        lua.create_function(move |lua, (handle, key): (AnyUserData, LuaValue)| {
            let handle = handle.borrow::<Handle>()?;
            let named = match &key {
                LuaValue::String(name) => match name.to_str() {
                    Ok(name) => looking(&shared, |seen| handle.named(seen, &name)),
                    Err(_) => Err(Unseen::Misuse("the name of a property is text".to_string())),
                },
                LuaValue::Integer(index) => looking(&shared, |seen| handle.named(seen, &index.to_string())),
                _ => Err(Unseen::Misuse("a property has a name".to_string())),
            };
            let place = |lua: &Lua| {
                let place = super::place::caller(lua).to_string();
                lua.create_string(place).map(LuaValue::String)
            };
            Ok(match named {
                Ok(Named::Callable) => (LuaValue::String(call.clone()), place(lua)?),
                Ok(Named::Where) => (LuaValue::String(choose.clone()), place(lua)?),
                Ok(Named::Value(value)) => settled(lua, Ok(value))?,
                Err(unseen) => settled(lua, Err(unseen))?,
            })
        })?,
    )?;

    let shared = session.clone();
    rust.raw_set(
        "call",
        lua.create_function(move |lua, (handle, name, given): (AnyUserData, String, Variadic<LuaValue>)| {
            let Ok(handle) = handle.borrow::<Handle>() else {
                return settled(lua, Err(Unseen::Misuse(format!("write :{name}(…) with a colon"))));
            };
            let given: Result<Vec<Value>, String> = given.iter().map(convert::from_lua).collect();
            let sight = match given {
                Ok(given) => looking(&shared, |seen| handle.call(seen, &name, given)),
                Err(problem) => Err(Unseen::Misuse(format!("{}:{name}: {problem}", handle.entry.name))),
            };
            settled(lua, sight)
        })?,
    )?;

    let shared = session.clone();
    rust.raw_set(
        "rows",
        lua.create_function(move |lua, handle: AnyUserData| {
            let sight = match handle.borrow::<Handle>() {
                Ok(handle) => looking(&shared, |seen| handle.rows(seen)),
                Err(_) => Err(Unseen::Misuse("where chooses rows of a table resource".to_string())),
            };
            settled(lua, sight.map(|rows| rows.entries()))
        })?,
    )?;

    let shared = session.clone();
    rust.raw_set(
        "pick",
        lua.create_function(move |lua, (handle, kept): (AnyUserData, Vec<bool>)| {
            let handle = handle.borrow::<Handle>()?;
            let rows = match looking(&shared, |seen| handle.rows(seen)) {
                Ok(rows) => rows,
                // Whatever is read of it says that it does not exist.
                Err(Unseen::Missing(_)) => {
                    return Ok((LuaValue::Boolean(true), LuaValue::UserData(lua.create_userdata(handle.clone())?)));
                }
                Err(unseen) => return settled(lua, Err(unseen)),
            };
            let mut kept = kept.into_iter();
            let rows = rows.select(|_| Ok::<_, mlua::Error>(kept.next().unwrap_or(false)))?;
            Ok((LuaValue::Boolean(true), LuaValue::UserData(lua.create_userdata(handle.pick(rows))?)))
        })?,
    )?;

    rust.raw_set(
        "where",
        lua.create_function(|lua, (handle, conditions): (AnyUserData, LuaValue)| {
            let selected = match (handle.borrow::<Handle>(), &conditions) {
                (Ok(handle), LuaValue::Table(conditions)) => handle.select(conditions),
                (Ok(_), _) => Err("where takes { field = value or matcher, … } or a function".to_string()),
                (Err(_), _) => Err("where chooses rows of a table resource".to_string()),
            };
            match selected {
                Ok(selected) => Ok((LuaValue::Boolean(true), LuaValue::UserData(lua.create_userdata(selected)?))),
                Err(message) => settled(lua, Err(Unseen::Misuse(message))),
            }
        })?,
    )
}

/// The constructor of a resource: `file "/etc/passwd"`. Pure: nothing is asked yet.
pub fn constructor(lua: &Lua, entry: &'static Entry, session: &Rc<Session>) -> mlua::Result<mlua::Function> {
    let session = session.clone();
    lua.create_function(move |lua, given: Variadic<LuaValue>| {
        let made = session.needs_run(entry.name).and_then(|()| {
            let given: Vec<Value> = given
                .iter()
                .map(|value| convert::from_lua(value).map_err(|problem| format!("{}: {problem}", entry.name)))
                .collect::<Result<_, _>>()?;
            let args = Args::bind(entry.name, entry.args, given)?;
            Handle::new(entry, &args)
        });
        made.map_err(|message| raise(lua, message))
    })
}
