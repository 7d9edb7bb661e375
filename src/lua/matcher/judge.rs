//! What a matcher says of a value.

use super::compare::{self, Ordered, typed};
use super::show::{EXCERPT_CAP, bounded, excerpt};
use super::{Kind, Matcher, Operand, Relation};
use crate::error::nearest;
use crate::value::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// How many offending elements of a list are shown.
const SHOWN_ELEMENTS: usize = 5;

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
        Kind::Between(low, high) => match compare::ordered(Relation::AtLeast, found, low).into() {
            Holds(_) => compare::ordered(Relation::AtMost, found, high).into(),
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

/// Where two texts part, when they are too long to be compared by eye.
fn first_difference(found: &Value, expected: &Value) -> Option<String> {
    let (Value::Str(found), Value::Str(expected)) = (found, expected) else { return None };
    if found.chars().count().max(expected.chars().count()) <= EXCERPT_CAP {
        return None;
    }
    let (mut ours, mut theirs) = (found.lines(), expected.lines());
    for number in 1.. {
        match (ours.next(), theirs.next()) {
            (None, None) => return Some("they differ in their line ends".to_string()),
            (ours, theirs) if ours == theirs => {}
            (ours, theirs) => {
                let line = |line: Option<&str>| line.map_or("the end".to_string(), |line| excerpt(&line.into()));
                return Some(format!("line {number} is {}, expected {}", line(ours), line(theirs)));
            }
        }
    }
    None
}

fn on_text(found: &Value, judge: impl FnOnce(&[u8]) -> Judgement) -> Judgement {
    match (found.as_bytes(), found) {
        (Some(text), _) => judge(&text),
        (None, Value::Nil) => Cannot("found nothing".to_string()),
        (None, other) => Cannot(format!("found {}, which is not text", typed(other))),
    }
}

/// The line of a text that a byte is in, with its number.
fn line_of(text: &[u8], place: usize) -> String {
    let start = text[..place].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = text[place..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| place + length);
    let number = 1 + text[..start].iter().filter(|byte| **byte == b'\n').count();
    let line: Cow<str> = String::from_utf8_lossy(&text[start..end]);
    format!("line {number} is {}", excerpt(&Value::from(&*line)))
}

fn contains(operands: &[Operand], found: &Value) -> Judgement {
    let mut by = None;
    for operand in operands {
        let judgement = match found {
            Value::List(items) => contains_element(operand, items),
            Value::Map(map) if map.is_empty() => Not(None),
            Value::Map(_) => {
                return Misuse("contains looks into text and lists and found a map: use has_key(…)".to_string());
            }
            _ => match operand {
                Operand::Value(wanted @ (Value::Str(_) | Value::Bytes(_))) => on_text(found, |text| {
                    let wanted = wanted.as_bytes().unwrap_or_default();
                    match find(text, &wanted) {
                        Some(place) => Holds(Some(line_of(text, place))),
                        None => Not(None),
                    }
                }),
                _ if *found == Value::Nil => Cannot("found nothing".to_string()),
                Operand::Value(wanted) => {
                    return Misuse(format!("contains looks for text in text, not for {}", typed(wanted)));
                }
                Operand::Matcher(_) => {
                    return Misuse(format!(
                        "contains takes a matcher for the elements of a list and found {}",
                        typed(found)
                    ));
                }
            },
        };
        match judgement {
            Holds(detail) => by = by.or(detail),
            Not(_) if operands.len() > 1 => return Not(Some(format!("it does not contain {}", operand_text(operand)))),
            other => return other,
        }
    }
    Holds(by)
}

fn contains_element(operand: &Operand, items: &[Value]) -> Judgement {
    match operand {
        Operand::Matcher(matcher) => any_element(matcher, items),
        Operand::Value(wanted) => {
            for item in items {
                match compare::equal(item, wanted) {
                    Ok(true) => return Holds(None),
                    Ok(false) => {}
                    Err(message) => return Misuse(message),
                }
            }
            match items.iter().find(|item| differs_in_type(item, wanted)) {
                Some(item) => Cannot(format!(
                    "it contains {}, expected {}; contains(cmp(…)) compares across types",
                    typed(item),
                    typed(wanted)
                )),
                None => Not(None),
            }
        }
    }
}

fn operand_text(operand: &Operand) -> String {
    match operand {
        Operand::Value(value) => excerpt(value),
        Operand::Matcher(matcher) => format!("an element that {}", matcher.expectation()),
    }
}

/// Where `wanted` begins in `text`, in linear time.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
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

fn elements(name: &str, found: &Value, judge: impl FnOnce(&[Value]) -> Judgement) -> Judgement {
    match found {
        Value::List(items) => judge(items),
        // Lua has one empty table.
        Value::Map(map) if map.is_empty() => judge(&[]),
        Value::Nil => Cannot("found nothing".to_string()),
        other => Misuse(format!("{name} looks at the elements of a list and found {}", typed(other))),
    }
}

fn each(matcher: &Matcher, items: &[Value]) -> Judgement {
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

fn any_element(matcher: &Matcher, items: &[Value]) -> Judgement {
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

fn elements_text(count: usize) -> String {
    format!("{count} element{}", if count == 1 { "" } else { "s" })
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
