//! What a matcher expects, in words.

use super::show::{SHOWN_CAP, bounded, show};
use super::{Kind, Matcher, Operand, Relation};
use crate::value::Value;
use std::sync::Arc;

/// The words for a matcher (or for its opposite), of bounded length.
pub(super) fn phrase(kind: &Kind, positive: bool) -> String {
    let words = words(kind, positive);
    // No text has more characters than bytes.
    if words.len() <= SHOWN_CAP { words } else { bounded(&words, SHOWN_CAP) }
}

fn words(kind: &Kind, positive: bool) -> String {
    match kind {
        Kind::Equals(value) => verb(positive, "equals", "does not equal", &show(value)),
        Kind::Differs(value) => verb(!positive, "equals", "does not equal", &show(value)),
        Kind::Loosely(value) => verb(positive, "loosely equals", "does not loosely equal", &show(value)),
        Kind::Ordered(relation, bound) => {
            let relation = match relation {
                Relation::AtMost => "at most",
                Relation::AtLeast => "at least",
                Relation::LessThan => "less than",
                Relation::GreaterThan => "greater than",
            };
            is(positive, &format!("{relation} {}", show(bound)))
        }
        Kind::Between(bounds) => is(positive, &format!("between {} and {}", show(&bounds.0), show(&bounds.1))),
        Kind::Matches(pattern) => verb(positive, "matches", "does not match", &format!("/{}/", pattern.text)),
        Kind::Contains(operands) => {
            let operands: Vec<String> = operands.iter().map(operand).collect();
            verb(positive, "contains", "does not contain", &operands.join(" and "))
        }
        Kind::StartsWith(start) => verb(positive, "starts with", "does not start with", &show(start)),
        Kind::EndsWith(end) => verb(positive, "ends with", "does not end with", &show(end)),
        Kind::OneOf(options) => is(positive, &format!("one of {}", list(options))),
        Kind::Empty => is(positive, "empty"),
        Kind::Absent => (if positive { "is absent" } else { "is present" }).to_string(),
        Kind::HasKey(key) => verb(positive, "has", "does not have", &format!("the key {key:?}")),
        Kind::Length(matcher) => match &matcher.kind {
            Kind::Equals(length) => verb(positive, "has", "does not have", &format!("the length {length}")),
            _ => verb(positive, "has", "does not have", &format!("a length that {}", inner(matcher))),
        },
        Kind::Each(matcher) => verb(positive, "each element", "not every element", &inner(matcher)),
        Kind::AnyElement(matcher) => verb(positive, "any element", "no element", &inner(matcher)),
        Kind::Version(requirement) => is(positive, &format!("a version {}", requirement.text)),
        Kind::No(matcher) => words(&matcher.kind, !positive),
        Kind::All(matchers) => joined(matchers, positive, if positive { " and " } else { " or " }),
        Kind::Any(matchers) => joined(matchers, positive, if positive { " or " } else { " and " }),
    }
}

fn verb(positive: bool, affirmed: &str, denied: &str, object: &str) -> String {
    format!("{} {object}", if positive { affirmed } else { denied })
}

fn is(positive: bool, what: &str) -> String {
    verb(positive, "is", "is not", what)
}

fn list(values: &[Value]) -> String {
    values.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Value(value) => show(value),
        Operand::Matcher(matcher) => format!("an element that {}", inner(matcher)),
    }
}

fn inner(matcher: &Matcher) -> String {
    bracketed(&matcher.kind, true)
}

fn joined(matchers: &[Arc<Matcher>], positive: bool, word: &str) -> String {
    match matchers {
        [one] => words(&one.kind, positive),
        several => several.iter().map(|matcher| bracketed(&matcher.kind, positive)).collect::<Vec<_>>().join(word),
    }
}

/// In brackets where several sentences are joined, so that it is clear what they belong to.
fn bracketed(kind: &Kind, positive: bool) -> String {
    let words = words(kind, positive);
    match kind {
        Kind::All(matchers) | Kind::Any(matchers) if matchers.len() > 1 => format!("({words})"),
        _ => words,
    }
}
