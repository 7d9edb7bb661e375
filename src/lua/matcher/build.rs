//! Matchers from their arguments, and what is wrong with those.

use super::compare::{self, typed};
use super::requirement::Requirement;
use super::show::excerpt;
use super::{CATALOGUE, DEPTH_CAP, Kind, Matcher, Operand, Pattern, REGEX_CAP, Relation, SIZE_CAP, modes};
use crate::error::did_you_mean;
use crate::value::Value;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) fn build(name: &str, args: Vec<Operand>) -> Result<Matcher, String> {
    let kind = match name {
        "eq" => Kind::Equals(value(name, "value", args)?),
        "ne" => Kind::Differs(value(name, "value", args)?),
        "cmp" => Kind::Loosely(value(name, "value", args)?),
        "at_most" => Kind::Ordered(Relation::AtMost, bound(name, "one", args)?),
        "at_least" => Kind::Ordered(Relation::AtLeast, bound(name, "one", args)?),
        "less_than" => Kind::Ordered(Relation::LessThan, bound(name, "one", args)?),
        "greater_than" => Kind::Ordered(Relation::GreaterThan, bound(name, "one", args)?),
        "between" => between(args)?,
        "matches" => Kind::Matches(pattern(args)?),
        "contains" => Kind::Contains(contained(args)?),
        "starts_with" => Kind::StartsWith(text(name, args)?),
        "ends_with" => Kind::EndsWith(text(name, args)?),
        "one_of" => Kind::OneOf(options(args)?),
        "empty" => no_arguments(name, &args, Kind::Empty)?,
        "absent" => no_arguments(name, &args, Kind::Absent)?,
        "has_key" => Kind::HasKey(key(args)?),
        "len" => Kind::Length(length(args)?),
        "each" => Kind::Each(one_matcher(name, args)?),
        "any_element" => Kind::AnyElement(one_matcher(name, args)?),
        "no" => Kind::No(one_matcher(name, args)?),
        "version" => Kind::Version(requirement(args)?),
        "all" => Kind::All(matchers(name, args)?),
        "any" => Kind::Any(matchers(name, args)?),
        _ => {
            let names: Vec<&str> = CATALOGUE.iter().map(|doc| doc.name).collect();
            return Err(format!("there is no matcher {name}; {}", did_you_mean(name, names)));
        }
    };
    measured(name, kind)
}

/// Refuses what is nested so deep or so wide that judging it could take for ever.
fn measured(name: &str, kind: Kind) -> Result<Matcher, String> {
    let (mut depth, mut size) = (1, 1_u16);
    let mut add = |matcher: &Matcher| {
        depth = depth.max(matcher.depth + 1);
        size = size.saturating_add(matcher.size);
    };
    match &kind {
        Kind::Length(matcher) | Kind::Each(matcher) | Kind::AnyElement(matcher) | Kind::No(matcher) => add(matcher),
        Kind::All(matchers) | Kind::Any(matchers) => matchers.iter().for_each(|matcher| add(matcher)),
        Kind::Contains(operands) => operands.iter().for_each(|operand| {
            if let Operand::Matcher(matcher) = operand {
                add(matcher);
            }
        }),
        _ => {}
    }
    if depth > DEPTH_CAP {
        return Err(format!("{name}: matchers are nested more than {DEPTH_CAP} deep"));
    }
    if size > SIZE_CAP {
        return Err(format!("{name}: more than {SIZE_CAP} matchers in one; one_of takes a list of values"));
    }
    Ok(Matcher { kind, depth, size })
}

/// The only argument.
fn one(name: &str, wanted: &str, args: Vec<Operand>) -> Result<Operand, String> {
    let count = args.len();
    let mut args = args.into_iter();
    match (args.next(), args.next()) {
        (Some(Operand::Value(Value::Nil)), None) => {
            Err(format!("{name} takes one {wanted}, not nothing (nil); absent matches what is not there"))
        }
        (Some(arg), None) => Ok(arg),
        (None, _) => Err(format!("{name} takes one {wanted}; none was given")),
        (Some(_), Some(_)) => Err(format!("{name} takes one {wanted}, not {count}")),
    }
}

fn value(name: &str, wanted: &str, args: Vec<Operand>) -> Result<Value, String> {
    match one(name, wanted, args)? {
        Operand::Value(value) => Ok(value),
        Operand::Matcher(matcher) => {
            Err(format!("{name} takes one {wanted}, not a matcher ({})", matcher.expectation()))
        }
    }
}

fn bound(name: &str, count: &str, args: Vec<Operand>) -> Result<Value, String> {
    let value = value(name, "number, mode or version", args)?;
    let fits = match &value {
        Value::Int(_) | Value::Mode(_) | Value::Version(_) => true,
        Value::Float(number) => !number.is_nan(),
        // Which of the three it is depends on what is found.
        Value::Str(text) => text.contains(|letter: char| letter.is_ascii_digit()),
        _ => false,
    };
    if fits {
        return Ok(value);
    }
    let shown = match &value {
        Value::List(_) | Value::Map(_) | Value::Bool(_) | Value::Bytes(_) => value.type_name().to_string(),
        other => typed(other),
    };
    Err(format!("{name} takes {count} number, mode or version, not {shown}"))
}

fn between(args: Vec<Operand>) -> Result<Kind, String> {
    let count = args.len();
    let mut args = args.into_iter();
    let (Some(low), Some(high), None) = (args.next(), args.next(), args.next()) else {
        return Err(format!("between takes two numbers, modes or versions, the lower first; {count} given"));
    };
    let (low, high) =
        (bound("between", "as each bound a", vec![low])?, bound("between", "as each bound a", vec![high])?);
    let both_modes = match (&low, &high) {
        (Value::Str(low), Value::Str(high)) => modes::looks_like(low).is_some() && modes::looks_like(high).is_some(),
        _ => false,
    };
    if !both_modes {
        let order = compare::numeric(&low).zip(compare::numeric(&high)).and_then(|(a, b)| compare::numbers(&a, &b));
        if order == Some(Ordering::Greater) {
            return Err(format!("between takes the lower bound first: nothing is between {low} and {high}"));
        }
    }
    Ok(Kind::Between(Box::new((low, high))))
}

fn text(name: &str, args: Vec<Operand>) -> Result<Value, String> {
    match value(name, "string", args)? {
        text @ (Value::Str(_) | Value::Bytes(_)) => not_empty(name, text),
        other => Err(format!("{name} takes one string, not {}", typed(&other))),
    }
}

/// An empty string begins, ends and is inside every text: surely not what was meant.
fn not_empty(name: &str, text: Value) -> Result<Value, String> {
    match text.as_bytes() {
        Some(bytes) if bytes.is_empty() => Err(format!("{name} \"\" holds for every text; empty matches empty text")),
        _ => Ok(text),
    }
}

fn pattern(args: Vec<Operand>) -> Result<Pattern, String> {
    let text = match text("matches", args)? {
        Value::Str(text) => text.to_string(),
        other => return Err(format!("matches takes a regular expression in UTF-8, not {}", excerpt(&other))),
    };
    if let Some(regex) = COMPILED.with_borrow(|compiled| compiled.get(&text).cloned()) {
        return Ok(Pattern { text, regex });
    }
    let regex = regex::bytes::RegexBuilder::new(&text)
        .multi_line(true)
        .size_limit(REGEX_CAP)
        .build()
        .map_err(|error| format!("matches: {}", regex_error(&text, &error)))?;
    let regex = Arc::new(regex);
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= COMPILED_CAP {
            compiled.clear();
        }
        compiled.insert(text.clone(), regex.clone());
    });
    Ok(Pattern { text, regex })
}

/// How many compiled expressions are kept.
const COMPILED_CAP: usize = 64;

thread_local! {
    /// Expressions that were compiled before: to compile one costs more than to match it, and
    /// the body of a `for_each` asks for the same one for every element.
    static COMPILED: RefCell<HashMap<String, Arc<regex::bytes::Regex>>> = RefCell::default();
}

/// What the regex crate says, in one line.
fn regex_error(text: &str, error: &regex::Error) -> String {
    let text = super::show::bounded(&text, super::show::EXCERPT_CAP);
    match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("/{text}/ is too large a regular expression (over {limit} bytes once compiled)")
        }
        other => {
            let message = other.to_string();
            let last = message.lines().last().unwrap_or_default().trim();
            format!("/{text}/ is not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
        }
    }
}

fn contained(args: Vec<Operand>) -> Result<Vec<Operand>, String> {
    if args.is_empty() {
        return Err("contains takes a string, an element or a matcher; none was given".to_string());
    }
    args.into_iter()
        .map(|arg| match arg {
            Operand::Value(Value::Nil) => {
                Err("contains takes a string, an element or a matcher, not nothing (nil)".to_string())
            }
            Operand::Value(value) => not_empty("contains", value).map(Operand::Value),
            matcher => Ok(matcher),
        })
        .collect()
}

fn options(args: Vec<Operand>) -> Result<Vec<Value>, String> {
    let mut values = Vec::new();
    for arg in args {
        match arg {
            Operand::Value(Value::Nil) => return Err("one_of takes values, not nothing (nil)".to_string()),
            Operand::Value(value) => values.push(value),
            Operand::Matcher(_) => return Err("one_of takes values, not matchers: use any(…)".to_string()),
        }
    }
    let values = match <[Value; 1]>::try_from(values) {
        Ok([Value::List(items)]) => items,
        Ok([other]) => vec![other],
        Err(several) => several,
    };
    match values.as_slice() {
        [] => Err("one_of takes at least one value: nothing is one of none".to_string()),
        [Value::Map(map)] if map.is_empty() => {
            Err("one_of takes at least one value: nothing is one of none".to_string())
        }
        [Value::Map(_)] => Err("one_of takes values or a list of values, not a map".to_string()),
        _ => Ok(values),
    }
}

fn no_arguments(name: &str, args: &[Operand], kind: Kind) -> Result<Kind, String> {
    if args.is_empty() { Ok(kind) } else { Err(format!("{name} takes no argument: write {name}, not {name}(…)")) }
}

fn key(args: Vec<Operand>) -> Result<String, String> {
    match value("has_key", "key", args)? {
        Value::Str(key) => Ok(key.to_string()),
        Value::Int(key) => Ok(key.to_string()),
        other => Err(format!("has_key takes one key, a string, not {}", typed(&other))),
    }
}

fn length(args: Vec<Operand>) -> Result<Arc<Matcher>, String> {
    match one("len", "number or matcher", args)? {
        Operand::Matcher(matcher) => Ok(matcher),
        Operand::Value(Value::Int(length)) if length >= 0 => equals(Value::Int(length)),
        Operand::Value(Value::Float(length)) if length >= 0.0 && length.fract() == 0.0 => equals(Value::Float(length)),
        Operand::Value(other) => Err(format!("len takes one whole number from 0, or a matcher, not {}", typed(&other))),
    }
}

fn equals(value: Value) -> Result<Arc<Matcher>, String> {
    measured("eq", Kind::Equals(value)).map(Arc::new)
}

/// A matcher, or a value that stands for `eq` of it.
fn matcher(name: &str, arg: Operand) -> Result<Arc<Matcher>, String> {
    match arg {
        Operand::Matcher(matcher) => Ok(matcher),
        Operand::Value(Value::Nil) => Err(format!("{name} takes a matcher or a value, not nothing (nil)")),
        Operand::Value(value) => equals(value),
    }
}

fn one_matcher(name: &str, args: Vec<Operand>) -> Result<Arc<Matcher>, String> {
    matcher(name, one(name, "matcher", args)?)
}

fn matchers(name: &str, args: Vec<Operand>) -> Result<Vec<Arc<Matcher>>, String> {
    if args.is_empty() {
        return Err(format!("{name} takes at least one matcher; none was given"));
    }
    args.into_iter().map(|arg| matcher(name, arg)).collect()
}

fn requirement(args: Vec<Operand>) -> Result<Requirement, String> {
    match value("version", "requirement", args)? {
        Value::Str(text) => Requirement::parse(&text),
        other => Err(format!("version takes one requirement such as \">= 1.2, < 2\", not {}", typed(&other))),
    }
}
