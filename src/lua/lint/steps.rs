//! `describe` and its steps.

use super::arguments::given;
use super::finding::{
    DESCRIBE_WITHOUT_STEP, DOT_OR_COLON, MISFIT, PREDICATE, STEP_ARGUMENT, UNKNOWN_PROPERTY, UNKNOWN_STEP,
};
use super::matchers;
use super::sheet::Sheet;
use super::tree::{Args, Expr, Gives, Node, Stmt};
use super::walk::Context;
use crate::error::did_you_mean;
use crate::lua::describe::STEPS;
use crate::lua::handle;
use crate::lua::matcher::CATALOGUE;
use crate::lua::step::has_property;
use crate::resource::Entry;
use crate::value::Value;

pub fn look(expr: &Expr, _: Context, sheet: &mut Sheet<'_>) {
    match &expr.node {
        Node::Method { object, name, name_at, args } => {
            let Gives::Description(entry) = object.gives else { return };
            match name.as_str() {
                "its" => its(expr, entry, args, sheet),
                "it" => {
                    matcher(expr, "it", args.list.first(), sheet);
                }
                "is" | "is_not" => is(expr, name, entry, args, sheet),
                _ if STEPS.contains(&name.as_str()) => {}
                _ => {
                    let message = format!("describe has no step {name}; {}", did_you_mean(name, STEPS));
                    sheet.find(&UNKNOWN_STEP, *name_at, message);
                }
            }
        }
        Node::Field { object, name, name_at } if matches!(object.gives, Gives::Description(_)) => {
            if STEPS.contains(&name.as_str()) {
                let message = format!("a step is called with a colon: write :{name}(…), not .{name}(…)");
                sheet.find(&DOT_OR_COLON, *name_at, message);
            } else {
                let message = format!("describe has no step {name}; {}", did_you_mean(name, STEPS));
                sheet.find(&UNKNOWN_STEP, *name_at, message);
            }
        }
        _ => {}
    }
}

/// A call of `describe` and nothing after it.
fn is_bare(expr: &Expr) -> bool {
    matches!(&expr.inner().node, Node::Call { callee, .. } if callee.global() == Some("describe"))
}

pub fn statement(stmt: &Stmt, _: Context, sheet: &mut Sheet<'_>) {
    let bare: Vec<&Expr> = match stmt {
        Stmt::Call(call) if is_bare(call) => vec![call],
        Stmt::Local { names, values } => {
            let unread = |(name, value): &(&usize, &Expr)| {
                is_bare(value) && sheet.local(**name).is_some_and(|local| local.reads == 0)
            };
            names.iter().zip(values).filter(unread).map(|(_, value)| value).collect()
        }
        _ => return,
    };
    for describe in bare {
        sheet.find_with(
            &DESCRIBE_WITHOUT_STEP,
            describe.at,
            "describe without a step checks nothing",
            "add a step, such as :exists(), :is(\"…\") or :its(\"…\", eq(…))",
        );
    }
}

fn its(step: &Expr, entry: Option<&'static Entry>, args: &Args, sheet: &mut Sheet<'_>) {
    let Some(property) = args.list.first() else {
        return sheet.find(&STEP_ARGUMENT, step_at(step), ":its(…) needs the name of a property and a matcher");
    };
    if property.is_matcher() {
        let message = ":its(…) takes the name of a property first; judge a value with :it(matcher)";
        return sheet.find(&STEP_ARGUMENT, property.at, message);
    }
    let name = property.text();
    if let (Some(entry), Some(name)) = (entry, name)
        && !has_property(entry, name)
    {
        sheet.find(&UNKNOWN_PROPERTY, property.at, handle::unknown(entry, name));
    }
    let fits = matcher(step, "its", args.list.get(1), sheet);
    if let (Some(entry), Some(name), Some(matcher)) = (entry, name, fits)
        && let Some(kind) = kind_of(entry, name)
        && let Some(message) = matchers::misfit(matcher, kind)
    {
        sheet.find(&MISFIT, matcher.at, format!("{name} of {}: {message}", entry.name));
    }
}

/// The type of a property or column.
pub fn kind_of(entry: &Entry, name: &str) -> Option<crate::resource::Kind> {
    if let Some(property) = entry.properties.iter().find(|property| property.name == name) {
        return Some(property.kind);
    }
    match &entry.shape {
        crate::resource::Shape::Table { columns, .. } if columns.iter().any(|column| column.name == name) => {
            Some(crate::resource::Kind::List)
        }
        _ => None,
    }
}

/// Where the name of a step stands.
fn step_at(step: &Expr) -> super::tree::Spot {
    match &step.node {
        Node::Method { name_at, .. } => *name_at,
        _ => step.at,
    }
}

/// The matcher of a step, if it is one; says so if it surely is none.
fn matcher<'e>(step: &Expr, name: &str, arg: Option<&'e Expr>, sheet: &mut Sheet<'_>) -> Option<&'e Expr> {
    let Some(arg) = arg else {
        sheet.find(&STEP_ARGUMENT, step_at(step), format!(":{name}(…) needs a matcher, such as eq(\"no\")"));
        return None;
    };
    if arg.is_matcher() {
        return Some(arg);
    }
    if let Some(global) = arg.global()
        && CATALOGUE.iter().any(|doc| doc.name == global)
    {
        let message = format!(":{name}(…) needs a matcher; {global} takes a value: write {global}(…)");
        sheet.find(&STEP_ARGUMENT, arg.at, message);
    } else if let Some(value) = arg.value().filter(|value| *value != Value::Nil) {
        let message = format!(":{name}(…) needs a matcher: write eq({})", super::super::matcher::show(&value));
        sheet.find(&STEP_ARGUMENT, arg.at, message);
    } else if arg.resource().is_some() || matches!(arg.node, Node::Function(_)) {
        sheet.find(&STEP_ARGUMENT, arg.at, format!(":{name}(…) needs a matcher, such as eq(\"no\")"));
    }
    None
}

fn is(step: &Expr, name: &str, entry: Option<&'static Entry>, args: &Args, sheet: &mut Sheet<'_>) {
    let Some(predicate) = args.list.first() else {
        return sheet.find(&STEP_ARGUMENT, step_at(step), format!(":{name}(…) needs the name of a predicate"));
    };
    if predicate.is_matcher() {
        let message = format!(":{name}(…) takes the name of a predicate; judge a value with :it(matcher)");
        return sheet.find(&STEP_ARGUMENT, predicate.at, message);
    }
    let (Some(entry), Some(text)) = (entry, predicate.text()) else { return };
    let specs = entry.predicates.iter().find(|predicate| predicate.name == text).map_or(&[][..], |known| known.args);
    if let Some(given) = given(&args.list[1..], specs)
        && let Err(message) = handle::predicate_args(entry, text, given.values)
    {
        sheet.find(&PREDICATE, predicate.at, message);
    }
}
