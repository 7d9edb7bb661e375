//! Names: unknown ones, globals set while a control runs, and what needs a node where
//! there is none.

use super::finding::{GLOBAL_IN_CHECK, MISSING_LIBRARY, NEEDS_NODE, READ_ONLY, UNKNOWN_NAME};
use super::sheet::Sheet;
use super::tree::{Expr, Node, Stmt, Target};
use super::walk::{Context, Phase};
use crate::error::{did_you_mean, nearest};
use crate::lua::globals::NODE_KEYS;
use crate::lua::load;
use crate::resource;

/// Calls that need a node, resources aside.
pub const NEED_NODE: [&str; 7] = ["describe", "for_each", "one_of_checks", "skip", "pass", "not_applicable", "now"];

pub fn look(expr: &Expr, context: Context, sheet: &mut Sheet<'_>) {
    match &expr.node {
        Node::Name { name, local: None } => unknown(expr, name, sheet),
        Node::Field { object, name, name_at } => {
            let Some(global) = object.global() else { return };
            if sheet.names.lacks(global, name) {
                let message = format!("{global} has no {name} here");
                sheet.find_with(&UNKNOWN_NAME, *name_at, message, "controls see a part of Lua's libraries only");
            }
            if global == "node" && !NODE_KEYS.contains(&name.as_str()) {
                let message = format!("node has no {name}; {}", did_you_mean(name, NODE_KEYS));
                sheet.find(&UNKNOWN_NAME, *name_at, message);
            }
            if matches!(global, "attributes" | "node") {
                needs_node(global, object, context, sheet);
            }
        }
        Node::Call { callee, args } => {
            let Some(global) = callee.global() else { return };
            if NEED_NODE.contains(&global) || resource::find(global).is_some() {
                needs_node(global, callee, context, sheet);
            }
            if let ("require", Some(name)) = (global, args.list.first().and_then(|name| name.text())) {
                required(name, &args.list[0], sheet);
            }
        }
        _ => {}
    }
}

fn unknown(expr: &Expr, name: &str, sheet: &mut Sheet<'_>) {
    let known = sheet.names.globals.contains(name) || sheet.tree.sets.contains(name);
    if known || name == "_ENV" || sheet.is_full() {
        return;
    }
    let names = &sheet.names.globals;
    let locals = sheet.tree.locals.iter().map(|local| local.name.as_str());
    let own = locals.chain(sheet.tree.sets.iter().map(String::as_str));
    let near = nearest(name, names.iter().map(String::as_str)).or_else(|| nearest(name, own));
    let (message, hint) = match near {
        Some(near) => (format!("nothing is named {name}"), format!("did you mean {near}?")),
        None => (format!("nothing is named {name}"), "`probity resources` lists what there is".to_string()),
    };
    sheet.find_with(&UNKNOWN_NAME, expr.at, message, hint);
}

fn needs_node(what: &str, expr: &Expr, context: Context, sheet: &mut Sheet<'_>) {
    if context.phase == Phase::Load {
        let message = format!("{what} cannot be used while control files are loaded, before any node is there");
        sheet.find_with(&NEEDS_NODE, expr.at, message, "move this into check or only_if");
    }
}

fn required(name: &str, arg: &Expr, sheet: &mut Sheet<'_>) {
    if sheet.profile.file(&load::library_path(name)).is_none() {
        let message = load::no_library(name, sheet.profile.libraries().map(|(path, _)| path));
        sheet.find(&MISSING_LIBRARY, arg.at, message);
    }
}

pub fn statement(stmt: &Stmt, context: Context, sheet: &mut Sheet<'_>) {
    let Stmt::Assign { targets, .. } = stmt else { return };
    for target in targets {
        match target {
            Target::Global(name, at) if context.phase == Phase::Run => {
                let message = format!("a control cannot set the global {name}");
                sheet.find_with(&GLOBAL_IN_CHECK, *at, message, format!("write local {name} before its first use"));
            }
            Target::Part(part) => assigned(part, sheet),
            _ => {}
        }
    }
}

fn assigned(part: &Expr, sheet: &mut Sheet<'_>) {
    let (Node::Field { object, .. } | Node::Index { object, .. }) = &part.node else { return };
    let what = match (object.resource(), object.global()) {
        (Some(entry), _) => entry.name,
        (None, Some(name @ ("attributes" | "node"))) => name,
        _ => return,
    };
    sheet.find_with(&READ_ONLY, part.at, format!("{what} cannot be changed"), "keep the value in a local of your own");
}
