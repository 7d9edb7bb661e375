//! Values between Lua and Rust.

use crate::value::Value;
use indexmap::IndexMap;
use mlua::{Lua, Table, Value as LuaValue};

/// How deep tables may nest; deeper ones (and tables that hold themselves) are refused.
const DEPTH: usize = 32;

/// A plain Lua value as a [`Value`]. A table with the keys 1 to n is a list, another is a
/// map with its keys in sorted order, so that nothing depends on Lua's hash order.
pub fn from_lua(value: &LuaValue) -> Result<Value, String> {
    nested(value, 0)
}

fn nested(value: &LuaValue, depth: usize) -> Result<Value, String> {
    Ok(match value {
        LuaValue::Nil => Value::Nil,
        LuaValue::Boolean(value) => Value::Bool(*value),
        LuaValue::Integer(value) => Value::Int(*value),
        LuaValue::Number(value) => Value::Float(*value),
        LuaValue::String(text) => Value::from_bytes(&text.as_bytes()),
        LuaValue::Table(_) if depth >= DEPTH => {
            return Err(format!("a table nested more than {DEPTH} deep, or one that holds itself"));
        }
        LuaValue::Table(table) => from_table(table, depth)?,
        other => return Err(format!("a {} where plain data is expected", other.type_name())),
    })
}

fn from_table(table: &Table, depth: usize) -> Result<Value, String> {
    let length = table.raw_len();
    let mut pairs: Vec<(String, LuaValue)> = Vec::new();
    let mut within = 0;
    for pair in table.pairs::<LuaValue, LuaValue>() {
        let (key, item) = pair.map_err(|error| error.to_string())?;
        let name = match &key {
            LuaValue::Integer(index) => {
                within += usize::from(*index >= 1 && (*index as u64) <= length as u64);
                index.to_string()
            }
            LuaValue::String(text) => text.to_string_lossy(),
            other => return Err(format!("a table key that is a {}", other.type_name())),
        };
        pairs.push((name, item));
    }
    if within == pairs.len() {
        let items = table.sequence_values::<LuaValue>();
        let items = items.map(|item| nested(&item.map_err(|error| error.to_string())?, depth + 1));
        return Ok(Value::List(items.collect::<Result<_, _>>()?));
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let items = pairs.into_iter().map(|(key, item)| Ok((key, nested(&item, depth + 1)?)));
    Ok(Value::Map(items.collect::<Result<IndexMap<_, _>, String>>()?))
}

/// A [`Value`] as Lua sees it: a table of its own each time, so that no control can change
/// what another one reads.
pub fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Nil => LuaValue::Nil,
        Value::Bool(value) => LuaValue::Boolean(*value),
        Value::Int(value) => LuaValue::Integer(*value),
        Value::Float(value) => LuaValue::Number(*value),
        Value::Str(text) => LuaValue::String(lua.create_string(&**text)?),
        Value::Bytes(bytes) => LuaValue::String(lua.create_string(&**bytes)?),
        Value::Mode(mode) => LuaValue::String(lua.create_string(crate::value::mode_text(*mode))?),
        Value::Version(version) => LuaValue::String(lua.create_string(&*version.text)?),
        Value::List(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (index, item) in items.iter().enumerate() {
                table.raw_set(index + 1, to_lua(lua, item)?)?;
            }
            LuaValue::Table(table)
        }
        Value::Map(items) => {
            let table = lua.create_table_with_capacity(0, items.len())?;
            for (key, item) in items {
                table.raw_set(key.as_str(), to_lua(lua, item)?)?;
            }
            LuaValue::Table(table)
        }
    })
}
