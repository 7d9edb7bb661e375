//! Lists, element by element.

use super::Judgement::{self, Cannot, Holds, Misuse, Not};
use crate::lua::matcher::Matcher;
use crate::lua::matcher::compare::typed;
use crate::lua::matcher::show::{EXCERPT_CAP, bounded, excerpt};
use crate::value::Value;

/// How many offending elements of a list are shown.
const SHOWN_ELEMENTS: usize = 5;

pub(super) fn elements(name: &str, found: &Value, judge: impl FnOnce(&[Value]) -> Judgement) -> Judgement {
    match found {
        Value::List(items) => judge(items),
        // Lua has one empty table.
        Value::Map(map) if map.is_empty() => judge(&[]),
        Value::Nil => Cannot("found nothing".to_string()),
        other => Misuse(format!("{name} looks at the elements of a list and found {}", typed(other))),
    }
}

pub(super) fn each(matcher: &Matcher, items: &[Value]) -> Judgement {
    let mut shown = Vec::new();
    let (mut failed, mut differs) = (0, false);
    for (index, item) in items.iter().enumerate() {
        let detail = match matcher.judgement(item) {
            Holds(_) => continue,
            Misuse(message) => return Misuse(format!("element {}: {message}", index + 1)),
            Not(detail) => {
                differs = true;
                detail
            }
            Cannot(detail) => Some(detail),
        };
        failed += 1;
        if shown.len() < SHOWN_ELEMENTS {
            shown.push(match detail {
                Some(detail) => format!("{} ({})", excerpt(item), bounded(&detail, EXCERPT_CAP)),
                None => excerpt(item),
            });
        }
    }
    if failed == 0 {
        return Holds(None);
    }
    let more = if failed > shown.len() { ", …" } else { "" };
    let detail = format!("not so for {failed} of {}: {}{more}", elements_text(items.len()), shown.join(", "));
    if differs { Not(Some(detail)) } else { Cannot(detail) }
}

pub(super) fn any_element(matcher: &Matcher, items: &[Value]) -> Judgement {
    let (mut cannot, mut misuse) = (None, None);
    for (index, item) in items.iter().enumerate() {
        match matcher.judgement(item) {
            Holds(_) => return Holds(Some(format!("element {} is {}", index + 1, excerpt(item)))),
            Not(_) => {}
            Cannot(detail) => cannot = cannot.or(Some(format!("element {}: {detail}", index + 1))),
            Misuse(message) => misuse = misuse.or(Some(format!("element {}: {message}", index + 1))),
        }
    }
    match (misuse, cannot) {
        (Some(message), _) => Misuse(message),
        (None, Some(detail)) => Cannot(detail),
        (None, None) => Not(Some(format!("not so for any of {}", elements_text(items.len())))),
    }
}

pub(super) fn elements_text(count: usize) -> String {
    format!("{count} element{}", if count == 1 { "" } else { "s" })
}
