//! The fence: which parts of Lua a control gets, and how runaways are stopped.
//!
//! Controls see a list of safe functions and nothing else. A hook counts instructions and
//! stops what is past its time; the functions of Lua that loop in C, where no hook runs,
//! are replaced or bounded in `prelude/`.

use super::globals::{install_answers, install_now, install_order, install_print, install_profile_file, unknown_name};
use super::session::Session;
use super::{ProfileFiles, bind, describe, flow, load, matchers, strings};
use mlua::state::{GcGenParams, GcMode};
use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, Value as LuaValue, VmState};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Instant;

/// Functions of Lua that are safe as they are.
const SAFE: [&str; 10] =
    ["assert", "error", "ipairs", "rawequal", "rawget", "rawlen", "select", "tonumber", "type", "_VERSION"];
/// `string` without `dump`, and without what [`strings`] and the prelude replace.
const SAFE_STRING: [&str; 10] =
    ["byte", "char", "len", "lower", "pack", "packsize", "reverse", "sub", "unpack", "upper"];
const SAFE_UTF8: [&str; 6] = ["char", "charpattern", "codepoint", "codes", "len", "offset"];
/// `math` without `random`: two runs over equal observations are equal.
const UNSAFE_MATH: [&str; 2] = ["random", "randomseed"];

/// How many bytes a loaded profile holds that is large.
const LARGE: usize = 4 << 20;
/// By how many percent what a large profile holds may grow before Lua looks through what is
/// new. Lua's own is 20.
const GROWTH: i32 = 15;

/// The parts of the engine that must be Lua, in the order they build on one another: only
/// a Lua function may suspend a control from inside a metamethod. What decides anything is
/// in Rust.
const PRELUDE: [(&str, &str); 6] = [
    ("fence", include_str!("prelude/fence.lua")),
    ("resources", include_str!("prelude/resources.lua")),
    ("flow", include_str!("prelude/flow.lua")),
    ("describe", include_str!("prelude/describe.lua")),
    ("strings", include_str!("prelude/strings.lua")),
    ("environment", include_str!("prelude/environment.lua")),
];

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
    /// What changes the flow: each is made when its name is looked up.
    flow: Table,
}

impl Sandbox {
    /// A state in which everything of the catalogue is there.
    pub fn new(
        session: &Rc<Session>,
        libraries: load::Libraries,
        files: ProfileFiles,
        print: Print,
    ) -> mlua::Result<Sandbox> {
        let parts = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::UTF8 | StdLib::COROUTINE;
        let lua = Lua::new_with(parts, LuaOptions::new())?;
        lua.set_memory_limit(session.limits.memory)?;
        stop_runaways(&lua, session)?;

        let (rust, engine) = (lua.create_table()?, lua.create_table()?);
        bind::install(&lua, &rust, session)?;
        flow::install(&lua, &rust, session)?;
        strings::install(&lua, &rust, session)?;
        load::install(&lua, &rust, session, libraries)?;
        install_answers(&lua, &rust, session)?;
        install_order(&lua, &rust, session)?;
        install_print(&lua, &rust, session, print)?;
        for (name, text) in PRELUDE {
            lua.load(text).set_name(format!("=probity/{name}")).call::<()>((&rust, &engine))?;
        }
        lua.set_named_registry_value(bind::INDEX, engine.raw_get::<Function>("index")?)?;
        lua.set_named_registry_value(bind::NEWINDEX, engine.raw_get::<Function>("newindex")?)?;

        let globals: Table = engine.raw_get("globals")?;
        let all = lua.globals();
        for name in SAFE {
            globals.raw_set(name, all.get::<LuaValue>(name)?)?;
        }
        describe::install(&lua, &rust, &globals, engine.raw_get("custom_steps")?, session)?;
        matchers::install(&lua, &globals)?;
        for entry in crate::resource::ALL.iter().copied() {
            globals.raw_set(entry.name, bind::constructor(&lua, entry, session)?)?;
        }
        install_now(&lua, &globals, session)?;
        install_profile_file(&lua, &globals, Rc::new(files))?;
        let flow: Table = engine.raw_get("flow")?;

        let parts = lua.create_table()?;
        parts.raw_set("string", chosen(&lua, &all, "string", |name| SAFE_STRING.contains(&name))?)?;
        parts.raw_set("utf8", chosen(&lua, &all, "utf8", |name| SAFE_UTF8.contains(&name))?)?;
        parts.raw_set("math", chosen(&lua, &all, "math", |name| !UNSAFE_MATH.contains(&name))?)?;
        engine.raw_get::<Function>("seal")?.call::<()>(parts)?;
        let (run_control, environment) = (engine.raw_get("run_control")?, engine.raw_get("environment")?);
        let sandbox = Sandbox { run_control, environment, globals, flow, lua };
        rust.raw_set("unknown_name", unknown_name(&sandbox.lua, sandbox.names())?)?;
        Ok(sandbox)
    }

    /// Frees what loading left behind, where that is much, and has Lua collect early from then on:
    /// each value of a resource holds more in Rust than Lua counts. What a control makes is mostly
    /// done with when it is, so the collector looks through what is new alone (2.5.2 of the Lua 5.4
    /// reference manual). A small profile is done before its first collection and is spared this.
    pub fn spare_memory(&self) {
        if self.lua.used_memory() < LARGE {
            return;
        }
        self.lua.gc_set_mode(GcMode::Generational(GcGenParams::default().minor_multiplier(GROWTH)));
    }

    /// The names every file sees, as they are there: the only list of them.
    pub fn names(&self) -> BTreeSet<String> {
        let tables = [&self.globals, &self.flow];
        tables.iter().flat_map(|table| table.pairs::<String, LuaValue>().flatten()).map(|(name, _)| name).collect()
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
