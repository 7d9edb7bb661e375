//! The table of a control: what its keys mean, and what is wrong with it.

use super::convert;
use crate::error::did_you_mean;
use crate::results::event::{ControlSummary, Reference};
use crate::value::Value;
use crate::value::duration::milliseconds;
use indexmap::IndexMap;
use mlua::{Function, Table, Value as LuaValue};
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

/// Why a text cannot be the id of a control.
pub fn bad_id(id: &str) -> Option<String> {
    if id.is_empty() || id.trim() != id {
        return Some("a control's id must not be empty or begin or end with a blank".to_string());
    }
    if id.chars().any(char::is_control) || id.chars().count() > 200 {
        return Some("a control's id must be one line of at most 200 characters".to_string());
    }
    None
}

/// Reads the table of one control.
pub fn read(id: &str, table: &Table, file: Arc<str>, line: usize, code: Arc<str>) -> Result<Control, String> {
    let fields = Fields::of(table)?;
    let check = match fields.get("check") {
        LuaValue::Function(check) => check.clone(),
        LuaValue::Nil => return Err("no check; write check = function() … end".to_string()),
        other => return Err(format!("check must be a function, not a {}", other.type_name())),
    };
    let only_if = match fields.get("only_if") {
        LuaValue::Function(only_if) => Some(only_if.clone()),
        LuaValue::Nil => None,
        other => return Err(format!("only_if must be a function, not a {}", other.type_name())),
    };
    let summary = ControlSummary {
        id: id.into(),
        title: fields.text("title")?,
        impact: impact(fields.get("impact"))?,
        desc: fields.text("desc")?,
        rationale: fields.text("rationale")?,
        fix: fields.text("fix")?,
        tags: tags(fields.get("tags"))?,
        refs: refs(fields.get("refs"))?,
        file,
        line,
        code,
    };
    Ok(Control { summary: Arc::new(summary), only_if, check, eventually: eventually(fields.get("eventually"))? })
}

/// The values of a control's table, in the order of [`KEYS`].
struct Fields([LuaValue; KEYS.len()]);

impl Fields {
    /// Everything in the table; a key that no control has is an error.
    fn of(table: &Table) -> Result<Fields, String> {
        let mut values = [const { LuaValue::Nil }; KEYS.len()];
        for pair in table.pairs::<LuaValue, LuaValue>() {
            let (key, value) = pair.map_err(|error| error.to_string())?;
            let LuaValue::String(name) = &key else {
                return Err("a value without a key; write key = value".to_string());
            };
            match KEYS.iter().position(|known| *name == **known) {
                Some(at) => values[at] = value,
                None => {
                    let name = name.to_string_lossy();
                    return Err(format!("unknown key {name}; {}", did_you_mean(&name, KEYS)));
                }
            }
        }
        Ok(Fields(values))
    }

    fn get(&self, key: &str) -> &LuaValue {
        KEYS.iter().position(|known| *known == key).map_or(&LuaValue::Nil, |at| &self.0[at])
    }

    fn text(&self, key: &str) -> Result<Option<Arc<str>>, String> {
        match self.get(key) {
            LuaValue::Nil => Ok(None),
            LuaValue::String(text) => Ok(Some(unindented(&text.to_string_lossy()).into())),
            other => Err(format!("{key} must be text, not a {}", other.type_name())),
        }
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

fn impact(value: &LuaValue) -> Result<f64, String> {
    let impact = match value {
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
        |name: &str| fields.get(name).map(|value| milliseconds(value).ok_or_else(|| SHAPE.to_string())).transpose();
    let within = read("within")?.ok_or_else(|| SHAPE.to_string())?;
    let every = read("every")?.unwrap_or(1000).max(10);
    Ok(Some(Eventually { within: Duration::from_millis(within), every: Duration::from_millis(every) }))
}
