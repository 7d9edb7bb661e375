//! `contains`: what is in a text or a list.

use super::Judgement::{self, Cannot, Holds, Misuse, Not};
use super::differs_in_type;
use super::list::any_element;
use super::text::{find, line_of, on_text};
use crate::lua::matcher::Operand;
use crate::lua::matcher::compare::{self, typed};
use crate::lua::matcher::show::excerpt;
use crate::value::Value;

pub(super) fn contains(operands: &[Operand], found: &Value) -> Judgement {
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

fn operand_text(operand: &Operand) -> String {
    match operand {
        Operand::Value(value) => excerpt(value),
        Operand::Matcher(matcher) => format!("an element that {}", matcher.expectation()),
    }
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
