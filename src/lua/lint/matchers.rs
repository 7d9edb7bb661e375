//! Matchers: what they are given, and whether they fit what they judge.

use super::finding::MATCHER;
use super::sheet::Sheet;
use super::tree::{Expr, Gives, Node};
use super::walk::Context;
use crate::lua::matcher::{CATALOGUE, Matcher, Operand, Verdict};
use crate::resource::Kind;
use crate::value::Value;
use std::sync::Arc;

pub fn look(expr: &Expr, _: Context, sheet: &mut Sheet<'_>) {
    if let Node::Call { .. } = &expr.node
        && expr.is_matcher()
        && let Some(Err(message)) = build(expr)
    {
        sheet.find(&MATCHER, expr.at, message);
    }
}

/// The matcher an expression makes, or what is wrong with it; `None` where it depends on
/// what is only known when the control runs, or where a matcher inside is to blame.
fn build(expr: &Expr) -> Option<Result<Matcher, String>> {
    let expr = expr.inner();
    let (name, args) = match &expr.node {
        Node::Call { callee, args } => (callee.global()?, args.list.as_slice()),
        Node::Name { name, local: None } => (name.as_str(), &[][..]),
        _ => return None,
    };
    CATALOGUE.iter().find(|doc| doc.name == name)?;
    let operand = |arg: &Expr| match arg.gives {
        Gives::Matcher => build(arg)?.ok().map(|matcher| Operand::Matcher(Arc::new(matcher))),
        _ => arg.value().map(Operand::Value),
    };
    Some(Matcher::build(name, args.iter().map(operand).collect::<Option<_>>()?))
}

/// Why a matcher can never judge a value of this type.
pub fn misfit(expr: &Expr, kind: Kind) -> Option<String> {
    let example = match kind {
        Kind::Mode => Value::Mode(0o640),
        Kind::List => Value::List(Vec::new()),
        _ => return None,
    };
    let message = match build(expr)?.ok()?.judge(&example) {
        Verdict::Misuse(message) => message,
        _ => return None,
    };
    Some(match kind {
        // The engine's words would name the example.
        Kind::List => "a list is judged with each(…), any_element(…) or contains(…)".to_string(),
        _ => message,
    })
}
