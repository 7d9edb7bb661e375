//! Resources: their arguments, properties, predicates and methods.

use super::arguments::given;
use super::finding::{ARGUMENTS, DOT_OR_COLON, MISFIT, PREDICATE, Rule, UNCALLED_RESOURCE, UNKNOWN_PROPERTY};
use super::sheet::Sheet;
use super::steps::kind_of;
use super::tree::{Args, Expr, Key, Node, Spot};
use super::walk::Context;
use crate::error::did_you_mean;
use crate::lua::describe::STEPS;
use crate::lua::handle;
use crate::resource::{self, Entry, Kind, Shape};
use crate::value::Value;

pub fn look(expr: &Expr, _: Context, sheet: &mut Sheet<'_>) {
    match &expr.node {
        Node::Call { callee, args } => {
            if let Some(entry) = callee.global().and_then(resource::find) {
                constructor(entry, callee, args, sheet);
            }
            if let (Some("describe"), Some(subject)) = (callee.global(), args.list.first()) {
                uncalled(subject, sheet);
            }
            if let Node::Field { object, name, name_at } = &callee.node
                && let Some(entry) = object.resource()
            {
                let message = match is_callable(entry, name) {
                    true => format!("{name} of {} is called with a colon: write :{name}(…)", entry.name),
                    false if property(entry, name) => {
                        format!("{name} of {} is a value: write .{name} without a call", entry.name)
                    }
                    // The look at the field says that there is none.
                    false => return,
                };
                sheet.find(&DOT_OR_COLON, *name_at, message);
            }
        }
        Node::Field { object, name, name_at } => {
            uncalled(object, sheet);
            if let Some(entry) = object.resource()
                && !property(entry, name)
                && !is_callable(entry, name)
            {
                sheet.find(&UNKNOWN_PROPERTY, *name_at, handle::unknown(entry, name));
            }
        }
        Node::Method { object, name, name_at, args } => {
            uncalled(object, sheet);
            if let Some(entry) = object.resource() {
                method(entry, name, *name_at, args, sheet);
            }
        }
        Node::Operation { operands, compares: true } => compared(&operands[0], &operands[1], sheet),
        _ => {}
    }
}

/// `os.name` for `os().name`.
fn uncalled(expr: &Expr, sheet: &mut Sheet<'_>) {
    if let Some(entry) = expr.global().and_then(resource::find) {
        let message = format!("{} is a function that makes a resource, not the resource", entry.name);
        let given = if entry.args.iter().any(|arg| arg.required) { "…" } else { "" };
        sheet.find_with(&UNCALLED_RESOURCE, expr.at, message, format!("write {}({given})", entry.name));
    }
}

/// Whether `.name` is a value in plain code.
fn property(entry: &Entry, name: &str) -> bool {
    name == "exists"
        || matches!(entry.shape, Shape::Open(_))
        || entry.property_names().contains(&name)
        || entry.predicates.iter().any(|predicate| predicate.name == name && predicate.args.is_empty())
}

/// Whether `:name(…)` is a call in plain code.
fn is_callable(entry: &Entry, name: &str) -> bool {
    matches!(entry.shape, Shape::Table { .. }) && name == "where"
        || entry.methods.iter().any(|method| method.name == name)
        || entry.predicates.iter().any(|predicate| predicate.name == name && !predicate.args.is_empty())
}

fn constructor(entry: &'static Entry, callee: &Expr, args: &Args, sheet: &mut Sheet<'_>) {
    let Some(given) = given(&args.list, entry.args) else { return };
    let literal = given.literal;
    let built = resource::Args::bind(entry.name, entry.args, given.values).and_then(|args| match literal {
        true => (entry.build)(&args).map(|_| ()).map_err(|message| format!("{}: {message}", entry.name)),
        false => Ok(()),
    });
    if let Err(message) = built {
        let at = args.list.last().map_or(callee.at, |arg| arg.at);
        sheet.find(&ARGUMENTS, at, message);
    }
}

fn method(entry: &'static Entry, name: &str, at: Spot, args: &Args, sheet: &mut Sheet<'_>) {
    if name == "where" && matches!(entry.shape, Shape::Table { .. }) {
        return conditions(entry, args, sheet);
    }
    if let Some(method) = entry.methods.iter().find(|method| method.name == name) {
        let callee = format!("{}:{name}", entry.name);
        let bound = given(&args.list, method.args).map(|given| {
            let specs: &'static [resource::Arg] = method.args;
            resource::Args::bind(&callee, specs, given.values)
        });
        return report(&ARGUMENTS, at, bound, sheet);
    }
    if let Some(predicate) = entry.predicates.iter().find(|known| known.name == name && !known.args.is_empty()) {
        let bound = given(&args.list, predicate.args).map(|given| handle::predicate_args(entry, name, given.values));
        return report(&PREDICATE, at, bound, sheet);
    }
    if STEPS.contains(&name) {
        let message = format!("{name} is a step of describe: write describe({}(…)):{name}(…)", entry.name);
        return sheet.find(&DOT_OR_COLON, at, message);
    }
    if property(entry, name) && !matches!(entry.shape, Shape::Open(_)) {
        let message = format!("{name} of {} is a value: write .{name} without a call", entry.name);
        return sheet.find(&DOT_OR_COLON, at, message);
    }
    sheet.find(&UNKNOWN_PROPERTY, at, handle::unknown(entry, name));
}

fn report<T>(rule: &'static Rule, at: Spot, bound: Option<Result<T, String>>, sheet: &mut Sheet<'_>) {
    if let Some(Err(message)) = bound {
        sheet.find(rule, at, message);
    }
}

/// The fields of `where { field = … }`.
fn conditions(entry: &Entry, args: &Args, sheet: &mut Sheet<'_>) {
    let Shape::Table { columns, .. } = &entry.shape else { return };
    let [condition] = args.list.as_slice() else { return };
    let Node::Table(items) = &condition.node else { return };
    for item in items {
        if let Key::Name(name, at) = &item.key
            && !columns.iter().any(|column| column.field == name || column.name == name)
        {
            let hint = did_you_mean(name, columns.iter().map(|column| column.field));
            sheet.find(&UNKNOWN_PROPERTY, *at, format!("{} has no field {name}; {hint}", entry.name));
        }
    }
}

/// `file(x).mode == 640`: a mode is text in plain code.
fn compared(left: &Expr, right: &Expr, sheet: &mut Sheet<'_>) {
    for (mode, number) in [(left, right), (right, left)] {
        if let Node::Field { object, name, .. } = &mode.inner().node
            && let Some(entry) = object.resource()
            && kind_of(entry, name) == Some(Kind::Mode)
            && let Some(value @ (Value::Int(_) | Value::Float(_))) = number.value()
        {
            let message = format!("{name} of {} is text such as \"0640\", and never equals a number", entry.name);
            let hint = match value {
                Value::Int(digits @ 0..=7777) => format!("write \"{digits:04}\""),
                _ => "write the mode in quotes".to_string(),
            };
            sheet.find_with(&MISFIT, number.at, message, hint);
        }
    }
}
