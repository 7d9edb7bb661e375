//! Controls: a table for each, an id of its own, known keys, and what a reader needs.

use super::finding::{CONTROL_METADATA, CONTROL_WITHOUT_TABLE, DUPLICATE_ID, UNKNOWN_KEY};
use super::sheet::Sheet;
use super::tree::{Expr, Item, Key, Node, Stmt};
use super::walk::Context;
use crate::error::did_you_mean;
use crate::lua::control::KEYS;
use crate::value::Value;

/// What a control should say of itself.
const METADATA: [(&str, &str); 3] = [
    ("title", "title = \"…\" says in a line what has to hold"),
    ("impact", "impact = 0.0 to 1.0 says how bad it is when it does not hold"),
    ("desc", "desc = \"…\" says what is checked, for those who read the report"),
];

/// `control "id" { … }`
pub struct Definition<'a> {
    pub id: &'a Expr,
    pub table: &'a Expr,
}

/// The definition an expression is.
pub fn definition(expr: &Expr) -> Option<Definition<'_>> {
    let Node::Call { callee, args } = &expr.node else { return None };
    let Node::Call { callee: control, args: ids } = &callee.node else { return None };
    match (control.global(), ids.list.as_slice(), args.list.as_slice()) {
        (Some("control"), [id], [table]) => Some(Definition { id, table }),
        _ => None,
    }
}

pub fn look(expr: &Expr, _: Context, sheet: &mut Sheet<'_>) {
    if let Some(definition) = definition(expr) {
        if let Some(id) = definition.id.text() {
            unique(id, definition.id, sheet);
        }
        if let Node::Table(items) = &definition.table.inner().node {
            known_keys(items, sheet);
            metadata(expr, &definition, items, sheet);
        }
    }
    if let Node::Call { callee, args } = &expr.node
        && callee.global() == Some("control")
        && args.list.len() > 1
    {
        let id = args.list[0].text().unwrap_or("id");
        let message = format!("control \"{id}\" has more than an id between its parentheses");
        let hint = format!("write control \"{id}\" {{ … }}, without a comma or parentheses");
        sheet.find_with(&CONTROL_WITHOUT_TABLE, expr.at, message, hint);
    }
}

fn unique(id: &str, expr: &Expr, sheet: &mut Sheet<'_>) {
    let place = sheet.place(expr.at);
    match sheet.gathered.controls.get(id) {
        Some(first) => {
            let message = format!("control {id} is declared twice; the other one is at {first}");
            sheet.find_with(&DUPLICATE_ID, expr.at, message, "give one of them another id");
        }
        None => {
            sheet.gathered.controls.insert(id.to_string(), place);
        }
    }
}

fn known_keys(items: &[Item], sheet: &mut Sheet<'_>) {
    for item in items {
        if let Key::Name(name, at) = &item.key
            && !KEYS.contains(&name.as_str())
        {
            sheet.find(&UNKNOWN_KEY, *at, format!("unknown key {name}; {}", did_you_mean(name, KEYS)));
        }
    }
}

fn metadata(expr: &Expr, definition: &Definition<'_>, items: &[Item], sheet: &mut Sheet<'_>) {
    let id = definition.id.text().unwrap_or("?");
    for (key, hint) in METADATA {
        let item = items.iter().find(|item| matches!(&item.key, Key::Name(name, _) if name == key));
        let blank = |item: &Item| match item.value.value() {
            Some(Value::Str(text)) => text.trim().is_empty(),
            Some(Value::Nil) => true,
            _ => false,
        };
        if item.is_none_or(blank) {
            sheet.find_with(&CONTROL_METADATA, expr.at, format!("control {id} has no {key}"), hint);
        }
    }
}

pub fn statement(stmt: &Stmt, _: Context, sheet: &mut Sheet<'_>) {
    let Stmt::Call(call) = stmt else { return };
    let Node::Call { callee, args } = &call.node else { return };
    if callee.global() == Some("control") && args.list.len() == 1 {
        let id = args.list[0].text().unwrap_or("id");
        let hint = format!("write control \"{id}\" {{ … }}");
        sheet.find_with(&CONTROL_WITHOUT_TABLE, call.at, format!("control \"{id}\" has no table"), hint);
    }
}
