//! Control files in, declared controls out. No node is there yet: the list of controls is
//! the same on every node and every day.

use super::control::{Control, bad_id, read};
use super::extent::Source;
use super::place::{Place, caller};
use super::session::{Phase, Session};
use crate::error::did_you_mean;
use mlua::{Function, Lua, Table, Value as LuaValue};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// The libraries of a profile: `libraries/x.lua` by its path, and the environment they run in.
#[derive(Clone)]
pub struct Libraries {
    pub files: Rc<BTreeMap<Arc<str>, Arc<str>>>,
    /// Makes an environment; there once the prelude is loaded.
    pub environment: Rc<RefCell<Option<Function>>>,
}

/// What loading collects. It lives in the Lua state until the last file is loaded.
#[derive(Default)]
pub struct Collected {
    /// The text of the file that is being loaded, and where its lines begin.
    source: Source,
    /// Named by `control "id"` and not declared yet.
    named: Vec<(String, Arc<str>, usize)>,
    controls: Vec<Control>,
    /// Where each id is declared.
    places: HashMap<Arc<str>, Place>,
}

type Collector = Rc<RefCell<Collected>>;

/// Adds `control` and `require`.
pub fn install(lua: &Lua, rust: &Table, session: &Rc<Session>, libraries: Libraries) -> mlua::Result<()> {
    let collector: Collector = Rc::default();
    lua.set_app_data(collector.clone());

    let shared = session.clone();
    let collected = collector.clone();
    rust.raw_set(
        "control",
        lua.create_function(move |lua, (id, more): (LuaValue, usize)| {
            if shared.phase.get() != Phase::Load {
                return Ok(Some("a control is declared at the top of a file, not inside check".to_string()));
            }
            let LuaValue::String(id) = id else {
                return Ok(Some(format!("control takes an id in quotes, not a {}", id.type_name())));
            };
            if more > 0 {
                return Ok(Some("write control \"id\" { … }, without a comma or parentheses".to_string()));
            }
            let id = id.to_string_lossy();
            if let Some(problem) = bad_id(&id) {
                return Ok(Some(problem));
            }
            let Place { file, line } = caller(lua);
            collected.borrow_mut().named.push((id, file, line));
            Ok(None)
        })?,
    )?;

    let collected = collector;
    rust.raw_set(
        "define",
        lua.create_function(move |_, (id, definition): (String, LuaValue)| {
            let mut collected = collected.borrow_mut();
            let Some(at) = collected.named.iter().rposition(|(name, ..)| *name == id) else {
                return Ok(Some(format!("control {id} is declared twice by the same call")));
            };
            let (id, file, line) = collected.named.remove(at);
            let LuaValue::Table(table) = definition else {
                let kind = definition.type_name();
                return Ok(Some(format!(
                    "control \"{id}\" needs a table: write control \"{id}\" {{ … }}, not a {kind}"
                )));
            };
            if let Some(Place { file, line }) = collected.places.get(&*id) {
                return Ok(Some(format!("control {id} is declared twice; the other one is at {file}:{line}")));
            }
            let code = Arc::from(collected.source.code_at(line));
            match read(&id, &table, file, line, code) {
                Ok(control) => {
                    let place = Place { file: control.summary.file.clone(), line };
                    collected.places.insert(control.summary.id.clone(), place);
                    collected.controls.push(control);
                    Ok(None)
                }
                Err(problem) => Ok(Some(format!("control {id}: {problem}"))),
            }
        })?,
    )?;

    rust.raw_set(
        "library",
        lua.create_function(move |lua, name: LuaValue| {
            let LuaValue::String(name) = name else {
                return Ok((None, Some("require takes the name of a library in quotes".to_string())));
            };
            let name = name.to_string_lossy();
            let path = library_path(&name);
            let Some(text) = libraries.files.get(&*path) else {
                return Ok((None, Some(no_library(&name, libraries.files.keys().map(|path| &**path)))));
            };
            let environment: Option<Table> = match &*libraries.environment.borrow() {
                Some(make) => Some(make.call(())?),
                None => None,
            };
            match compile(lua, &path, text, environment) {
                Ok(body) => Ok((Some(body), None)),
                Err(error) => Ok((None, Some(super::plain_message(&error)))),
            }
        })?,
    )
}

/// The file of the library `require` is given the name of.
pub(super) fn library_path(name: &str) -> String {
    format!("libraries/{}.lua", name.replace('.', "/"))
}

/// The message for a library that none of the profile's files is.
pub(super) fn no_library<'a>(name: &str, paths: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = paths.map(library_name).collect();
    let hint = did_you_mean(name, names.iter().map(String::as_str));
    format!("the profile has no {}; {hint}", library_path(name))
}

/// The name `require` takes for a file: `a.b` for `libraries/a/b.lua`.
fn library_name(path: &str) -> String {
    let name = path.strip_prefix("libraries/").unwrap_or(path);
    name.strip_suffix(".lua").unwrap_or(name).replace('/', ".")
}

/// Compiles text (never bytecode) with `environment` for its globals.
pub fn compile(lua: &Lua, path: &str, text: &str, environment: Option<Table>) -> mlua::Result<Function> {
    let chunk = lua.load(text).set_name(format!("@{path}")).set_mode(mlua::chunk::ChunkMode::Text);
    match environment {
        Some(environment) => chunk.set_environment(environment).into_function(),
        None => chunk.into_function(),
    }
}

/// Gets ready to load a file.
pub fn begin_file(lua: &Lua, source: &Arc<str>) {
    if let Some(collector) = lua.app_data_ref::<Collector>() {
        collector.borrow_mut().source = Source::new(source.clone());
    }
}

/// After a file: the controls that were named and never declared, with file and line.
pub fn undeclared(lua: &Lua) -> Vec<(String, Arc<str>, usize)> {
    match lua.app_data_ref::<Collector>() {
        Some(collector) => std::mem::take(&mut collector.borrow_mut().named),
        None => Vec::new(),
    }
}

/// The controls declared, in their order, once all files are loaded. What else was collected
/// is given up.
pub fn take_controls(lua: &Lua) -> Vec<Control> {
    match lua.app_data_ref::<Collector>() {
        Some(collector) => collector.take().controls,
        None => Vec::new(),
    }
}
