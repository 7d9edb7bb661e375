//! When two values are the same, strictly and loosely, and which of two is larger.

use super::show::excerpt;
use super::{Relation, modes};
use crate::value::version::compare as compare_versions;
use crate::value::{PackageVersion, Value, VersionScheme, mode_text};
use std::cmp::Ordering;

/// A value with its type, for messages that name both.
pub(super) fn typed(value: &Value) -> String {
    match value {
        Value::Nil => "nothing".to_string(),
        other => format!("{} ({})", other.type_name(), excerpt(other)),
    }
}

/// Whether `found` is what `expected` says, types and all: an integer equals a float of
/// the same value, a mode the string of its digits, a package version its text, and an
/// empty list an empty map (Lua has one empty table).
///
/// # Errors
/// Why the two cannot be compared.
pub(super) fn equal(found: &Value, expected: &Value) -> Result<bool, String> {
    Ok(match (found, expected) {
        (Value::Mode(mode), Value::Mode(_) | Value::Str(_) | Value::Int(_) | Value::Float(_)) => {
            *mode == modes::operand(expected)?
        }
        (Value::Str(text), Value::Mode(mode)) => modes::parse(text) == Some(*mode),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            numbers(found, expected) == Some(Ordering::Equal)
        }
        (Value::List(found), Value::List(expected)) => {
            found.len() == expected.len() && all_equal(found.iter().zip(expected))?
        }
        (Value::Map(found), Value::Map(expected)) => {
            found.len() == expected.len()
                && all_equal(found.iter().map(|(key, value)| (value, expected.get(key).unwrap_or(&Value::Nil))))?
        }
        (Value::List(list), Value::Map(map)) | (Value::Map(map), Value::List(list)) => {
            list.is_empty() && map.is_empty()
        }
        (Value::Version(_) | Value::Str(_) | Value::Bytes(_), Value::Version(_) | Value::Str(_) | Value::Bytes(_)) => {
            found.as_bytes() == expected.as_bytes()
        }
        _ => found == expected,
    })
}

fn all_equal<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Result<bool, String> {
    for (found, expected) in pairs {
        if !equal(found, expected)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the two are the same to a lenient reader: numbers and their text, `true` and
/// "TRUE", letters of either case, modes in octal, versions by their order.
///
/// # Errors
/// Why the two cannot be compared.
pub(super) fn loosely(found: &Value, expected: &Value) -> Result<bool, String> {
    if equal(found, expected)? {
        return Ok(true);
    }
    match (found, expected) {
        (Value::Version(version), other) | (other, Value::Version(version)) => {
            return Ok(scalar_text(other).is_some_and(|text| against_version(version, &text).is_eq()));
        }
        (Value::Bool(flag), other) | (other, Value::Bool(flag)) => {
            let word = if *flag { "true" } else { "false" };
            return Ok(other.as_text().is_some_and(|text| text.trim().eq_ignore_ascii_case(word)));
        }
        _ => {}
    }
    let (Some(a), Some(b)) = (scalar_text(found), scalar_text(expected)) else { return Ok(false) };
    let (a, b) = (a.trim(), b.trim());
    if a.to_lowercase() == b.to_lowercase() {
        return Ok(true);
    }
    if let (Value::Str(_), Value::Str(_)) = (found, expected) {
        if let (Some(a), Some(b)) = (modes::looks_like(a), modes::looks_like(b)) {
            return Ok(a == b);
        }
        if is_dotted_version(a) && is_dotted_version(b) {
            return Ok(compare_versions(VersionScheme::Plain, a, b).is_eq());
        }
    }
    Ok(numeric(found).zip(numeric(expected)).and_then(|(a, b)| numbers(&a, &b)) == Some(Ordering::Equal))
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(value.to_string()),
        _ => value.as_text().map(std::borrow::Cow::into_owned),
    }
}

/// `1.2` and what continues it: digits, a dot, a digit.
fn is_dotted_version(text: &str) -> bool {
    let mut parts = text.split('.');
    parts.next().is_some_and(|first| !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.next().is_some_and(|second| second.starts_with(|first: char| first.is_ascii_digit()))
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~_-".contains(&byte))
}

/// The number a value is or, as text, stands for: decimal digits, at most one point, an
/// exponent; no `inf`, no hexadecimal digits.
pub(super) fn numeric(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(value.clone()),
        Value::Str(text) => {
            let text = text.trim();
            let decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
            if !text.bytes().all(decimal) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
                return None;
            }
            text.parse().map(Value::Int).or_else(|_| text.parse().map(Value::Float)).ok()
        }
        _ => None,
    }
}

/// Where one number stands to another, exactly, also beyond the integers a float can
/// hold. `None` for what is no number, and for NaN.
pub(super) fn numbers(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => integer_to_float(*a, *b),
        (Value::Float(a), Value::Int(b)) => integer_to_float(*b, *a).map(Ordering::reverse),
        _ => None,
    }
}

fn integer_to_float(integer: i64, float: f64) -> Option<Ordering> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        None
    } else if float >= BEYOND {
        Some(Ordering::Less)
    } else if float < -BEYOND {
        Some(Ordering::Greater)
    } else {
        // Within the range of i64, so that the cast is exact but for the fraction.
        let whole = float.trunc();
        Some(integer.cmp(&(whole as i64)).then_with(|| 0.0_f64.total_cmp(&(float - whole + 0.0))))
    }
}

/// Where a package version stands to the version a control names. An epoch counts only
/// where the control names one: who writes ">= 9.0" means what upstream calls 9.0, and
/// 2:8.0 must not pass for later.
pub(super) fn against_version(found: &PackageVersion, named: &str) -> Ordering {
    let named = named.trim();
    let wanted = PackageVersion::new(named, found.scheme);
    if wanted.epoch().is_some() { found.compare(named) } else { found.without_epoch().compare(named) }
}

/// What an ordering says of a value.
pub(super) enum Ordered {
    Holds,
    Not(Option<String>),
    /// The value has no place in this order.
    Cannot(String),
    Misuse(String),
}

impl Relation {
    fn admits(self, order: Ordering) -> bool {
        match self {
            Relation::AtMost => order.is_le(),
            Relation::AtLeast => order.is_ge(),
            Relation::LessThan => order.is_lt(),
            Relation::GreaterThan => order.is_gt(),
        }
    }

    fn of(self, order: Ordering) -> Ordered {
        if self.admits(order) { Ordered::Holds } else { Ordered::Not(None) }
    }
}

/// Judges `found` against `bound`: modes by their bits, package versions by their
/// package manager, everything else as numbers.
pub(super) fn ordered(relation: Relation, found: &Value, bound: &Value) -> Ordered {
    match (found, bound) {
        (Value::Nil, _) => return Ordered::Cannot("found nothing".to_string()),
        (Value::Mode(mode), _) => {
            return match modes::operand(bound) {
                Ok(bound) => bits(relation, *mode, bound),
                Err(message) => Ordered::Misuse(message),
            };
        }
        (Value::Str(text), _) => {
            let looks = modes::looks_like(text);
            match (looks.or_else(|| modes::parse(text)), mode_bound(bound), bound) {
                (Some(mode), Some(bound), _) => return bits(relation, mode, bound),
                (_, None, Value::Int(number)) if looks.is_some() => {
                    let remedy = modes::number_for_mode(*number);
                    return Ordered::Misuse(format!("{found} looks like a file mode; {remedy}"));
                }
                _ => {}
            }
        }
        // 420 may be 0644, but not by any order of numbers.
        (Value::Int(_) | Value::Float(_), _) if mode_bound(bound).is_some() => {
            return Ordered::Cannot(format!("cannot order {} against the file mode {bound}", typed(found)));
        }
        (Value::Version(_), Value::Float(number)) => {
            return Ordered::Misuse(format!(
                "a package version is compared with a string, not with the number {number:?} (1.10 and 1.1 are one number): write \"{number:?}\""
            ));
        }
        (Value::Version(version), Value::Int(number)) => {
            return relation.of(against_version(version, &number.to_string()));
        }
        (Value::Version(version), bound) => {
            if let Some(text) = bound.as_text() {
                return relation.of(against_version(version, &text));
            }
        }
        _ => {}
    }
    let order = numeric(found).zip(numeric(bound)).and_then(|(found, bound)| numbers(&found, &bound));
    match order {
        Some(order) => relation.of(order),
        None => {
            let mut message = format!("cannot order {} against {}", typed(found), typed(bound));
            if found.as_text().is_some_and(|text| is_dotted_version(&text)) {
                message.push_str("; version(…) compares versions");
            }
            Ordered::Cannot(message)
        }
    }
}

/// The mode a bound is, if it is one.
fn mode_bound(bound: &Value) -> Option<u16> {
    match bound {
        Value::Mode(mode) => Some(*mode),
        Value::Str(text) => modes::looks_like(text),
        _ => None,
    }
}

/// At most: no bit beyond. At least: all those bits. Modes have no other order.
fn bits(relation: Relation, found: u16, bound: u16) -> Ordered {
    let (stray, what) = match relation {
        Relation::AtMost => (found & !bound, "has the bits"),
        Relation::AtLeast => (bound & !found, "lacks the bits"),
        Relation::LessThan | Relation::GreaterThan => {
            return Ordered::Misuse(
                "file modes are sets of bits and have no less or greater: use at_most (no bit beyond) or at_least (all those bits)"
                    .to_string(),
            );
        }
    };
    if stray == 0 {
        return Ordered::Holds;
    }
    let beyond = if relation == Relation::AtMost { " beyond" } else { "" };
    Ordered::Not(Some(format!("{} {what} {}{beyond}", mode_text(found), mode_text(stray))))
}
