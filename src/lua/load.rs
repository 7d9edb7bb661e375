//! Control files in, declared controls out. No node is there yet: the list of controls is
//! the same on every node and every day.

use super::convert;
use super::extent::code_at;
use super::place::{Place, caller};
use super::session::{Phase, Session};
use crate::error::did_you_mean;
use crate::resource::args::duration_ms;
use crate::results::event::{ControlSummary, Reference};
use crate::value::Value;
use indexmap::IndexMap;
use mlua::{Function, Lua, Table, Value as LuaValue};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The keys of a control.
pub(super) const KEYS: [&str; 11] =
    ["title", "impact", "desc", "rationale", "fix", "tags", "refs", "only_if", "eventually", "check", "id"];
/// Impacts by name, as InSpec has them.
const IMPACTS: [(&str, f64); 5] = [("none", 0.0), ("low", 0.1), ("medium", 0.4), ("high", 0.7), ("critical", 0.9)];

/// A control as its file declares it.
pub struct Control {
    pub summary: Arc<ControlSummary>,
    pub only_if: Option<Function>,
    pub check: Function,
    pub eventually: Option<Eventually>,
}

/// How a control is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eventually {
    pub within: Duration,
    pub every: Duration,
}

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
    /// The text of the file that is being loaded.
    source: Arc<str>,
    /// Named by `control "id"` and not declared yet.
    named: Vec<(String, Arc<str>, usize)>,
    controls: Vec<Control>,
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
            if let Some(before) = collected.controls.iter().find(|control| *control.summary.id == *id) {
                let place = format!("{}:{}", before.summary.file, before.summary.line);
                return Ok(Some(format!("control {id} is declared twice; the other one is at {place}")));
            }
            let code = Arc::from(code_at(&collected.source, line));
            match read(&id, &table, file, line, code) {
                Ok(control) => {
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
        collector.borrow_mut().source = source.clone();
    }
}

/// After a file: the controls that were named and never declared, with file and line.
pub fn undeclared(lua: &Lua) -> Vec<(String, Arc<str>, usize)> {
    match lua.app_data_ref::<Collector>() {
        Some(collector) => std::mem::take(&mut collector.borrow_mut().named),
        None => Vec::new(),
    }
}

/// The controls declared so far, in their order.
pub fn take_controls(lua: &Lua) -> Vec<Control> {
    match lua.app_data_ref::<Collector>() {
        Some(collector) => std::mem::take(&mut collector.borrow_mut().controls),
        None => Vec::new(),
    }
}

fn bad_id(id: &str) -> Option<String> {
    if id.is_empty() || id.trim() != id {
        return Some("a control's id must not be empty or begin or end with a blank".to_string());
    }
    if id.chars().any(char::is_control) || id.chars().count() > 200 {
        return Some("a control's id must be one line of at most 200 characters".to_string());
    }
    None
}

/// Reads the table of one control.
fn read(id: &str, table: &Table, file: Arc<str>, line: usize, code: Arc<str>) -> Result<Control, String> {
    for pair in table.pairs::<LuaValue, LuaValue>() {
        let (key, _) = pair.map_err(|error| error.to_string())?;
        match &key {
            LuaValue::String(name) if KEYS.contains(&&*name.to_string_lossy()) => {}
            LuaValue::String(name) => {
                let name = name.to_string_lossy();
                return Err(format!("unknown key {name}; {}", did_you_mean(&name, KEYS)));
            }
            _ => return Err("a value without a key; write key = value".to_string()),
        }
    }
    let check = match get(table, "check")? {
        LuaValue::Function(check) => check,
        LuaValue::Nil => return Err("no check; write check = function() … end".to_string()),
        other => return Err(format!("check must be a function, not a {}", other.type_name())),
    };
    let only_if = match get(table, "only_if")? {
        LuaValue::Function(only_if) => Some(only_if),
        LuaValue::Nil => None,
        other => return Err(format!("only_if must be a function, not a {}", other.type_name())),
    };
    let summary = ControlSummary {
        id: id.into(),
        title: text(table, "title")?,
        impact: impact(get(table, "impact")?)?,
        desc: text(table, "desc")?,
        rationale: text(table, "rationale")?,
        fix: text(table, "fix")?,
        tags: tags(&get(table, "tags")?)?,
        refs: refs(&get(table, "refs")?)?,
        file,
        line,
        code,
    };
    Ok(Control { summary: Arc::new(summary), only_if, check, eventually: eventually(&get(table, "eventually")?)? })
}

fn get(table: &Table, key: &str) -> Result<LuaValue, String> {
    table.raw_get(key).map_err(|error| error.to_string())
}

fn text(table: &Table, key: &str) -> Result<Option<Arc<str>>, String> {
    match get(table, key)? {
        LuaValue::Nil => Ok(None),
        LuaValue::String(text) => Ok(Some(unindented(&text.to_string_lossy()).into())),
        other => Err(format!("{key} must be text, not a {}", other.type_name())),
    }
}

/// Text of a long string without the indentation its lines share.
fn unindented(text: &str) -> String {
    let text = text.trim();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let shared =
        text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(|line| indent(&line)).min().unwrap_or(0);
    let mut lines = text.lines();
    let mut whole = lines.next().unwrap_or("").to_string();
    for line in lines {
        whole.push('\n');
        whole.push_str(line.get(shared..).unwrap_or("").trim_end());
    }
    whole
}

fn impact(value: LuaValue) -> Result<f64, String> {
    let impact = match &value {
        LuaValue::Nil => 0.5,
        LuaValue::Integer(number) => *number as f64,
        LuaValue::Number(number) => *number,
        LuaValue::String(name) => {
            let name = name.to_string_lossy();
            let known = IMPACTS.iter().find(|(known, _)| *known == name);
            known.map(|(_, impact)| *impact).ok_or_else(|| {
                format!("impact {name:?} is unknown; {}", did_you_mean(&name, IMPACTS.iter().map(|(name, _)| *name)))
            })?
        }
        other => return Err(format!("impact is a number from 0.0 to 1.0, not a {}", other.type_name())),
    };
    if (0.0..=1.0).contains(&impact) { Ok(impact) } else { Err(format!("impact {impact} is not between 0.0 and 1.0")) }
}

fn tags(value: &LuaValue) -> Result<IndexMap<String, Value>, String> {
    match convert::from_lua(value).map_err(|problem| format!("tags: {problem}"))? {
        Value::Nil => Ok(IndexMap::new()),
        Value::Map(tags) => Ok(tags),
        // A list of bare words: tags without a value.
        Value::List(words) => words
            .into_iter()
            .map(|word| match word {
                Value::Str(word) => Ok((word.to_string(), Value::Nil)),
                other => Err(format!("tags is a table of names and values; {other} is no name")),
            })
            .collect(),
        other => Err(format!("tags is a table, not {}", other.type_name())),
    }
}

fn refs(value: &LuaValue) -> Result<Vec<Reference>, String> {
    const SHAPE: &str = "refs is a list of texts or of { \"text\", url = \"https://…\" }";
    let LuaValue::Table(list) = value else {
        return if value.is_nil() { Ok(Vec::new()) } else { Err(SHAPE.to_string()) };
    };
    let mut refs = Vec::new();
    for item in list.sequence_values::<LuaValue>() {
        refs.push(match item.map_err(|error| error.to_string())? {
            LuaValue::String(text) => Reference { text: text.to_string_lossy(), url: None },
            LuaValue::Table(item) => {
                let text: Option<String> = item.raw_get(1).map_err(|_| SHAPE.to_string())?;
                let url: Option<String> = item.raw_get("url").map_err(|_| SHAPE.to_string())?;
                let text = text.or_else(|| url.clone()).ok_or_else(|| SHAPE.to_string())?;
                Reference { text, url }
            }
            _ => return Err(SHAPE.to_string()),
        });
    }
    Ok(refs)
}

fn eventually(value: &LuaValue) -> Result<Option<Eventually>, String> {
    const SHAPE: &str = "eventually is a table such as { within = \"30s\", every = \"2s\" }";
    let fields = match convert::from_lua(value).map_err(|_| SHAPE.to_string())? {
        Value::Nil => return Ok(None),
        Value::Map(fields) => fields,
        _ => return Err(SHAPE.to_string()),
    };
    if let Some(name) = fields.keys().find(|name| !matches!(&***name, "within" | "every")) {
        return Err(format!("eventually has no {name}; {SHAPE}"));
    }
    let read =
        |name: &str| fields.get(name).map(|value| duration_ms(value).ok_or_else(|| SHAPE.to_string())).transpose();
    let within = read("within")?.ok_or_else(|| SHAPE.to_string())?;
    let every = read("every")?.unwrap_or(1000).max(10);
    Ok(Some(Eventually { within: Duration::from_millis(within), every: Duration::from_millis(every) }))
}
