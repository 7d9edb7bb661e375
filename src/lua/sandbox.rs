//! The fence: which parts of Lua a control gets, and how runaways are stopped.
//!
//! Controls see a list of safe functions and nothing else. A hook counts instructions and
//! stops what is past its time; the functions of Lua that loop in C, where no hook runs,
//! are replaced or bounded here and in `prelude.lua`.

use super::session::{Phase, Session};
use super::{bind, describe, load, matchers, strings};
use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, Value as LuaValue, VmState};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Instant;

/// Functions of Lua that are safe as they are.
const SAFE: [&str; 10] =
    ["assert", "error", "ipairs", "rawequal", "rawget", "rawlen", "select", "tonumber", "type", "_VERSION"];
/// `string` without `dump`, and without what [`strings`] and the prelude replace.
const SAFE_STRING: [&str; 11] =
    ["byte", "char", "format", "len", "lower", "pack", "packsize", "reverse", "sub", "unpack", "upper"];
const SAFE_UTF8: [&str; 6] = ["char", "charpattern", "codepoint", "codes", "len", "offset"];
/// `math` without `random`: two runs over equal observations are equal.
const UNSAFE_MATH: [&str; 2] = ["random", "randomseed"];

/// The keys of `node`.
pub const NODE_KEYS: [&str; 3] = ["name", "target", "groups"];

/// Where `print` goes: the id of the control that prints, if one runs, and the line.
pub type Print = Rc<dyn Fn(Option<&str>, &str)>;

/// A Lua state with the functions of the prelude that the scheduler needs.
pub struct Sandbox {
    pub lua: Lua,
    /// Runs `only_if` and `check` of one control.
    pub run_control: Function,
    /// Makes the environment of one file.
    pub environment: Function,
    /// What every file sees.
    globals: Table,
}

impl Sandbox {
    /// A state in which everything of the catalogue is there.
    pub fn new(session: &Rc<Session>, libraries: load::Libraries, print: Print) -> mlua::Result<Sandbox> {
        let parts = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::UTF8 | StdLib::COROUTINE;
        let lua = Lua::new_with(parts, LuaOptions::new())?;
        lua.set_memory_limit(session.limits.memory)?;
        stop_runaways(&lua, session)?;

        let rust = lua.create_table()?;
        let prelude: Table = lua.load(include_str!("prelude.lua")).set_name("=probity").call(&rust)?;
        lua.set_named_registry_value("probity.index", prelude.get::<Function>("index")?)?;
        lua.set_named_registry_value("probity.newindex", prelude.get::<Function>("newindex")?)?;
        lua.set_named_registry_value("probity.describe_index", prelude.get::<Function>("describe_index")?)?;
        let raising: Function = prelude.get("raising")?;
        let globals: Table = prelude.get("globals")?;

        let all = lua.globals();
        for name in SAFE {
            globals.raw_set(name, all.get::<LuaValue>(name)?)?;
        }
        let libraries_of_lua = lua.create_table()?;
        libraries_of_lua.raw_set("string", chosen(&lua, &all, "string", |name| SAFE_STRING.contains(&name))?)?;
        libraries_of_lua.raw_set("utf8", chosen(&lua, &all, "utf8", |name| SAFE_UTF8.contains(&name))?)?;
        libraries_of_lua.raw_set("math", chosen(&lua, &all, "math", |name| !UNSAFE_MATH.contains(&name))?)?;
        strings::install(&lua, &rust, session)?;

        bind::install(&lua, &rust, session)?;
        describe::install(&lua, &rust, &globals, &raising, session)?;
        matchers::install(&lua, &globals, &raising)?;
        load::install(&lua, &rust, session, libraries)?;
        super::schedule::install(&lua, &rust, session)?;
        for entry in crate::resource::ALL.iter().copied() {
            let constructor = bind::constructor(&lua, entry, session)?;
            globals.raw_set(entry.name, raising.call::<Function>(constructor)?)?;
        }
        install_plain(&lua, &rust, &globals, &raising, session, print)?;
        prelude.get::<Function>("libraries")?.call::<()>(&libraries_of_lua)?;
        prelude.get::<Function>("seal")?.call::<()>(())?;
        let (run_control, environment) = (prelude.get("run_control")?, prelude.get("environment")?);
        Ok(Sandbox { run_control, environment, globals, lua })
    }

    /// The names every file sees, as they are there: the only list of them.
    pub fn names(&self) -> BTreeSet<String> {
        self.globals.pairs::<String, LuaValue>().flatten().map(|(name, _)| name).collect()
    }

    /// Whether a library of Lua such as `string` has this function here.
    pub fn has_member(&self, library: &str, name: &str) -> bool {
        self.globals.raw_get::<Table>(library).is_ok_and(|library| library.get::<LuaValue>(name).is_ok())
    }
}

/// The functions of a library of Lua that `keep` accepts.
fn chosen(lua: &Lua, all: &Table, library: &str, keep: impl Fn(&str) -> bool) -> mlua::Result<Table> {
    let kept = lua.create_table()?;
    for pair in all.get::<Table>(library)?.pairs::<String, LuaValue>() {
        let (name, value) = pair?;
        if keep(&name) {
            kept.raw_set(name, value)?;
        }
    }
    Ok(kept)
}

/// Past its deadline a coroutine is made to yield, which no `pcall` can catch; where it
/// cannot yield (inside a comparator of `table.sort`), the next tick raises an error.
fn stop_runaways(lua: &Lua, session: &Rc<Session>) -> mlua::Result<()> {
    let session = session.clone();
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(1000), move |_, _| {
        if Instant::now() < session.deadline.get() {
            return Ok(VmState::Continue);
        }
        let overruns = session.overruns.get();
        session.overruns.set(overruns.saturating_add(1));
        if overruns == 0 { Ok(VmState::Yield) } else { Err(mlua::Error::runtime("the control used up its CPU time")) }
    })
}

/// `attributes`, `node`, `now`, `print`, and the small questions of the prelude.
fn install_plain(
    lua: &Lua,
    rust: &Table,
    globals: &Table,
    raising: &Function,
    session: &Rc<Session>,
    print: Print,
) -> mlua::Result<()> {
    let shared = session.clone();
    rust.raw_set("dead", lua.create_function(move |_, ()| Ok(shared.overruns.get() > 0))?)?;

    let shared = session.clone();
    rust.raw_set(
        "attribute",
        lua.create_function(move |lua, name: LuaValue| {
            let name = name.to_string()?;
            if let Err(message) = shared.needs_run("attributes") {
                return Ok((LuaValue::Nil, Some(message)));
            }
            let attributes = shared.attributes.borrow();
            match attributes.get(&name) {
                Some(value) => Ok((super::convert::to_lua(lua, value)?, None)),
                None => {
                    let names = attributes.keys().map(String::as_str);
                    let hint = crate::error::did_you_mean(&name, names);
                    Ok((LuaValue::Nil, Some(format!("the profile declares no attribute {name}; {hint}"))))
                }
            }
        })?,
    )?;

    let shared = session.clone();
    rust.raw_set(
        "node",
        lua.create_function(move |lua, key: LuaValue| {
            let key = key.to_string()?;
            if let Err(message) = shared.needs_run("node") {
                return Ok((LuaValue::Nil, Some(message)));
            }
            let node = shared.node.borrow();
            let Some(node) = node.as_ref() else { return Ok((LuaValue::Nil, None)) };
            let text = match &*key {
                "name" => &node.name,
                "target" => &node.target,
                "groups" => {
                    let groups = node.groups.iter().map(String::as_str);
                    return Ok((LuaValue::Table(lua.create_sequence_from(groups)?), None));
                }
                _ => {
                    let hint = crate::error::did_you_mean(&key, NODE_KEYS);
                    return Ok((LuaValue::Nil, Some(format!("node has no {key}; {hint}"))));
                }
            };
            Ok((LuaValue::String(lua.create_string(text)?), None))
        })?,
    )?;

    let shared = session.clone();
    let now = lua.create_function(move |_, ()| {
        if let Err(message) = shared.needs_run("now") {
            return Ok((None, Some(message)));
        }
        Ok((shared.node.borrow().as_ref().map(|node| node.now), None))
    })?;
    globals.raw_set("now", raising.call::<Function>(now)?)?;

    let shared = session.clone();
    rust.raw_set(
        "print",
        lua.create_function(move |_, line: mlua::LuaString| {
            let control = shared.with_running(|running| running.id.clone()).ok();
            Ok(print(control.as_deref(), &line.to_string_lossy()))
        })?,
    )?;

    let shared = session.clone();
    rust.raw_set("loading", lua.create_function(move |_, ()| Ok(shared.phase.get() == Phase::Load))?)?;
    let shared = session.clone();
    rust.raw_set(
        "set_loading",
        lua.create_function(move |_, loading: bool| {
            shared.phase.set(if loading { Phase::Load } else { Phase::Run });
            Ok(())
        })?,
    )?;

    rust.raw_set(
        "show",
        lua.create_function(|_, value: LuaValue| {
            let LuaValue::UserData(data) = &value else { return Ok(value.type_name().to_string()) };
            Ok(match (data.borrow::<bind::Handle>(), matchers::from_lua(&value)) {
                (Ok(handle), _) => handle.title(),
                (_, Some(matcher)) => matcher.expectation(),
                _ => "a description".to_string(),
            })
        })?,
    )?;

    let known = globals.clone();
    rust.raw_set(
        "unknown_name",
        lua.create_function(move |_, name: LuaValue| {
            let name = name.to_string()?;
            let names: Vec<String> = known.pairs::<String, LuaValue>().flatten().map(|(name, _)| name).collect();
            let nearest = crate::error::nearest(&name, names.iter().map(String::as_str));
            Ok(match nearest {
                Some(nearest) => format!("nothing is named {name}; did you mean {nearest}?"),
                None => format!("nothing is named {name}; `probity resources` lists what there is"),
            })
        })?,
    )?;

    rust.raw_set("sorted_keys", lua.create_function(|lua, table: Table| sorted_keys(lua, &table))?)?;
    rust.raw_set(
        "next",
        lua.create_function(|lua, (table, after): (Table, LuaValue)| {
            let keys = sorted_keys(lua, &table)?;
            let mut passed = after.is_nil();
            for key in keys.sequence_values::<LuaValue>() {
                let key = key?;
                if passed {
                    let value: LuaValue = table.raw_get(&key)?;
                    return Ok((key, value));
                }
                passed = key == after;
            }
            Ok((LuaValue::Nil, LuaValue::Nil))
        })?,
    )?;
    Ok(())
}

/// The keys of a table: numbers by size, then strings by their bytes, then booleans; keys
/// of other kinds have no order and are refused.
fn sorted_keys(lua: &Lua, table: &Table) -> mlua::Result<Table> {
    let (mut numbers, mut strings, mut booleans) = (Vec::new(), Vec::new(), Vec::new());
    for pair in table.pairs::<LuaValue, LuaValue>() {
        match pair?.0 {
            key @ (LuaValue::Integer(_) | LuaValue::Number(_)) => numbers.push(key),
            LuaValue::String(key) => strings.push(key),
            LuaValue::Boolean(key) => booleans.push(key),
            key => {
                let kind = key.type_name();
                return Err(mlua::Error::runtime(format!("pairs cannot order keys that are of type {kind}")));
            }
        }
    }
    // By size, and exactly where a float could not tell two integers apart.
    let size = |key: &LuaValue| key.as_f64().or_else(|| key.as_i64().map(|integer| integer as f64)).unwrap_or(f64::NAN);
    numbers.sort_by(|a, b| size(a).total_cmp(&size(b)).then_with(|| a.as_i64().cmp(&b.as_i64())));
    strings.sort_by(|a, b| a.as_bytes().cmp(&b.as_bytes()));
    booleans.sort_unstable();
    let keys = numbers.into_iter();
    let keys = keys.chain(strings.into_iter().map(LuaValue::String)).chain(booleans.into_iter().map(LuaValue::Boolean));
    lua.create_sequence_from(keys)
}
