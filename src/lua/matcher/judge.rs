//! What a matcher says of a value.

use super::compare::{self, Ordered, typed};
use super::show::{EXCERPT_CAP, bounded};
use super::{Kind, Matcher, Relation};
use crate::error::nearest;
use crate::value::Value;
use std::sync::Arc;

mod contains;
mod list;
mod text;

use contains::contains;
use list::{any_element, each, elements};
use text::{first_difference, line_of, on_text};

/// A verdict before it is final: `no` turns [`Judgement::Holds`] and [`Judgement::Not`]
/// round, and leaves the others as they are.
#[derive(Debug)]
pub(super) enum Judgement {
    /// It holds; the detail says by what, for those who expected that it does not.
    Holds(Option<String>),
    Not(Option<String>),
    /// The matcher has no answer for this value: a failure, negated or not.
    Cannot(String),
    Misuse(String),
}

use Judgement::{Cannot, Holds, Misuse, Not};

impl Judgement {
    fn of(holds: Result<bool, String>) -> Judgement {
        match holds {
            Ok(true) => Holds(None),
            Ok(false) => Not(None),
            Err(message) => Misuse(message),
        }
    }

    fn reversed(self) -> Judgement {
        match self {
            Holds(detail) => Not(detail),
            Not(_) => Holds(None),
            other => other,
        }
    }
}

impl From<Ordered> for Judgement {
    fn from(ordered: Ordered) -> Judgement {
        match ordered {
            Ordered::Holds => Holds(None),
            Ordered::Not(detail) => Not(detail),
            Ordered::Cannot(detail) => Cannot(detail),
            Ordered::Misuse(message) => Misuse(message),
        }
    }
}

pub(super) fn judge(kind: &Kind, found: &Value) -> Judgement {
    if let (Value::List(items), Some(name)) = (found, scalar(kind)) {
        return Misuse(format!(
            "{name} looks at one value and found a list of {}: use each({name} …), any_element({name} …) or contains(…)",
            items.len()
        ));
    }
    match kind {
        Kind::Equals(expected) => equals(found, expected),
        Kind::Differs(expected) => equals(found, expected).reversed(),
        Kind::Loosely(expected) => Judgement::of(compare::loosely(found, expected)),
        Kind::Ordered(relation, bound) => compare::ordered(*relation, found, bound).into(),
        Kind::Between(bounds) => match compare::ordered(Relation::AtLeast, found, &bounds.0).into() {
            Holds(_) => compare::ordered(Relation::AtMost, found, &bounds.1).into(),
            other => other,
        },
        Kind::Matches(pattern) => on_text(found, |text| match pattern.regex.find(text) {
            Some(hit) => Holds(Some(line_of(text, hit.start()))),
            None => Not(None),
        }),
        Kind::Contains(operands) => contains(operands, found),
        Kind::StartsWith(start) => {
            on_text(found, |text| Judgement::of(Ok(text.starts_with(&start.as_bytes().unwrap_or_default()))))
        }
        Kind::EndsWith(end) => {
            on_text(found, |text| Judgement::of(Ok(text.ends_with(&end.as_bytes().unwrap_or_default()))))
        }
        Kind::OneOf(options) => one_of(options, found),
        Kind::Empty => match found {
            Value::Nil => Cannot("found nothing; absent matches what is not there".to_string()),
            _ => match size(found) {
                Some(size) => Judgement::of(Ok(size == 0)),
                None => Cannot(format!("found {}, which is never empty", typed(found))),
            },
        },
        Kind::Absent => Judgement::of(Ok(*found == Value::Nil)),
        Kind::HasKey(key) => has_key(key, found),
        Kind::Length(matcher) => match size(found) {
            Some(size) => with_detail(matcher.judgement(&Value::from(size)), || format!("its length is {size}")),
            None if *found == Value::Nil => Cannot("found nothing".to_string()),
            None => Cannot(format!("found {}, which has no length", typed(found))),
        },
        Kind::Each(matcher) => elements("each", found, |items| each(matcher, items)),
        Kind::AnyElement(matcher) => elements("any_element", found, |items| any_element(matcher, items)),
        Kind::Version(requirement) => match found {
            Value::Version(version) => of_version(requirement.admits_package(version)),
            Value::Int(number) => of_version(requirement.admits_text(&number.to_string())),
            Value::Str(text) if text.contains(|letter: char| letter.is_ascii_digit()) => {
                of_version(requirement.admits_text(text))
            }
            Value::Nil => Cannot("found nothing".to_string()),
            other => Cannot(format!("found {}, which is not a version", typed(other))),
        },
        Kind::No(matcher) => matcher.judgement(found).reversed(),
        Kind::All(matchers) => all(matchers, found),
        Kind::Any(matchers) => any(matchers, found),
    }
}

/// See [`Matcher::selects`].
pub(super) fn selects(kind: &Kind, found: &Value) -> Result<bool, String> {
    match kind {
        Kind::No(matcher) => selects(&matcher.kind, found).map(|selected| !selected),
        Kind::All(matchers) => {
            for matcher in matchers {
                if !selects(&matcher.kind, found)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Kind::Any(matchers) => {
            for matcher in matchers {
                if selects(&matcher.kind, found)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => match judge(kind, found) {
            Holds(_) => Ok(true),
            Not(_) => Ok(false),
            Cannot(_) if *found == Value::Nil => Ok(false),
            Cannot(message) | Misuse(message) => Err(message),
        },
    }
}

impl Matcher {
    pub(super) fn judgement(&self, found: &Value) -> Judgement {
        judge(&self.kind, found)
    }
}

/// The name of a matcher that looks at one value, never at a list.
fn scalar(kind: &Kind) -> Option<&'static str> {
    let is_scalar = |value: &Value| !matches!(value, Value::List(_) | Value::Map(_));
    match kind {
        Kind::Equals(expected) if is_scalar(expected) => Some("eq"),
        Kind::Differs(expected) if is_scalar(expected) => Some("ne"),
        Kind::Loosely(expected) if is_scalar(expected) => Some("cmp"),
        Kind::OneOf(options) if options.iter().all(is_scalar) => Some("one_of"),
        Kind::Ordered(Relation::AtMost, _) => Some("at_most"),
        Kind::Ordered(Relation::AtLeast, _) => Some("at_least"),
        Kind::Ordered(Relation::LessThan, _) => Some("less_than"),
        Kind::Ordered(Relation::GreaterThan, _) => Some("greater_than"),
        Kind::Between(..) => Some("between"),
        Kind::Matches(_) => Some("matches"),
        Kind::StartsWith(_) => Some("starts_with"),
        Kind::EndsWith(_) => Some("ends_with"),
        Kind::Version(_) => Some("version"),
        _ => None,
    }
}

fn equals(found: &Value, expected: &Value) -> Judgement {
    match compare::equal(found, expected) {
        Ok(true) => Holds(None),
        Err(message) => Misuse(message),
        // The same to the eye and different in type: that is neither equal nor a
        // difference anybody meant, so it fails both `eq` and `ne`.
        Ok(false) if differs_in_type(found, expected) => {
            Cannot(format!("found {}, expected {}; cmp compares across types", typed(found), typed(expected)))
        }
        Ok(false) => Not(first_difference(found, expected)),
    }
}

fn differs_in_type(found: &Value, expected: &Value) -> bool {
    let kind = |value: &Value| match value {
        Value::Bool(_) => Some(0),
        Value::Int(_) | Value::Float(_) => Some(1),
        Value::Str(_) => Some(2),
        _ => None,
    };
    match (kind(found), kind(expected)) {
        (Some(a), Some(b)) if a != b => compare::loosely(found, expected) == Ok(true),
        _ => false,
    }
}

fn one_of(options: &[Value], found: &Value) -> Judgement {
    let mut cannot = None;
    for option in options {
        match equals(found, option) {
            Not(_) => {}
            Cannot(detail) => cannot = cannot.or(Some(detail)),
            other => return other,
        }
    }
    cannot.map_or(Not(None), Cannot)
}

fn has_key(key: &str, found: &Value) -> Judgement {
    match found {
        Value::Map(map) if map.contains_key(key) => Holds(None),
        Value::Map(map) => {
            Not(nearest(key, map.keys().map(String::as_str)).map(|near| format!("the nearest key is {near:?}")))
        }
        Value::Nil => Cannot("found nothing".to_string()),
        Value::List(items) if items.is_empty() => Not(None),
        Value::List(items) => Misuse(format!(
            "has_key looks into a map and found a list of {}: use each(has_key …), any_element(has_key …) or contains(…)",
            items.len()
        )),
        other => Cannot(format!("found {}, which has no keys", typed(other))),
    }
}

/// The characters of a text, the bytes of binary data, the entries of a list or map.
fn size(value: &Value) -> Option<usize> {
    match value {
        Value::Str(text) => Some(text.chars().count()),
        Value::Bytes(bytes) => Some(bytes.len()),
        Value::List(items) => Some(items.len()),
        Value::Map(map) => Some(map.len()),
        _ => None,
    }
}

fn of_version(admitted: Result<(), String>) -> Judgement {
    match admitted {
        Ok(()) => Holds(None),
        Err(detail) => Not(Some(detail)),
    }
}

fn with_detail(judgement: Judgement, detail: impl FnOnce() -> String) -> Judgement {
    match judgement {
        Holds(None) => Holds(Some(detail())),
        Not(None) => Not(Some(detail())),
        other => other,
    }
}

/// All hold; the worst counts: a misuse, then what does not hold, then what cannot.
fn all(matchers: &[Arc<Matcher>], found: &Value) -> Judgement {
    let (mut not, mut cannot) = (None, None);
    for matcher in matchers {
        match matcher.judgement(found) {
            Holds(_) => {}
            Not(detail) => not = not.or(Some(because(matcher, detail))),
            Cannot(detail) => cannot = cannot.or(Some(detail)),
            Misuse(message) => return Misuse(message),
        }
    }
    match (not, cannot) {
        (Some(detail), _) => Not(Some(detail)),
        (None, Some(detail)) => Cannot(detail),
        (None, None) => Holds(None),
    }
}

/// One holds, whatever the others say; else the worst counts.
fn any(matchers: &[Arc<Matcher>], found: &Value) -> Judgement {
    let (mut cannot, mut misuse) = (None, None);
    for matcher in matchers {
        match matcher.judgement(found) {
            Holds(detail) => return Holds(Some(detail.unwrap_or_else(|| format!("it {}", matcher.expectation())))),
            Not(_) => {}
            Cannot(detail) => cannot = cannot.or(Some(detail)),
            Misuse(message) => misuse = misuse.or(Some(message)),
        }
    }
    match (misuse, cannot) {
        (Some(message), _) => Misuse(message),
        (None, Some(detail)) => Cannot(detail),
        (None, None) => Not(None),
    }
}

fn because(matcher: &Matcher, detail: Option<String>) -> String {
    let expected = format!("expected that it {}", bounded(&matcher.expectation(), EXCERPT_CAP));
    match detail {
        Some(detail) => format!("{expected}: {detail}"),
        None => expected,
    }
}
