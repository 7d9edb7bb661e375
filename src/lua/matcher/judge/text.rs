//! Text: where it is, where it differs, which of its lines is meant.

use super::Judgement::{self, Cannot};
use crate::lua::matcher::compare::typed;
use crate::lua::matcher::show::{EXCERPT_CAP, excerpt};
use crate::value::Value;
use std::borrow::Cow;

/// Where two texts part, when they are too long to be compared by eye.
pub(super) fn first_difference(found: &Value, expected: &Value) -> Option<String> {
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

pub(super) fn on_text(found: &Value, judge: impl FnOnce(&[u8]) -> Judgement) -> Judgement {
    match (found.as_bytes(), found) {
        (Some(text), _) => judge(&text),
        (None, Value::Nil) => Cannot("found nothing".to_string()),
        (None, other) => Cannot(format!("found {}, which is not text", typed(other))),
    }
}

/// The line of a text that a byte is in, with its number.
pub(super) fn line_of(text: &[u8], place: usize) -> String {
    let start = text[..place].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = text[place..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| place + length);
    let number = 1 + text[..start].iter().filter(|byte| **byte == b'\n').count();
    let line: Cow<str> = String::from_utf8_lossy(&text[start..end]);
    format!("line {number} is {}", excerpt(&Value::from(&*line)))
}

/// Where `wanted` begins in `text`, in linear time.
pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}
