//! What Lua says of text that is no Lua, with the column it does not tell.

use super::finding::{Finding, SYNTAX};
use super::tree::Spot;
use crate::error::Place;
use crate::lua::load::compile;
use crate::lua::plain_message;
use mlua::{Lua, LuaOptions, StdLib};
use std::ops::Range;

/// The most places of one token that are tried for the column.
const TRIES: usize = 50;
/// The name that stands for the file in Lua's messages.
const CHUNK: &str = "chunk";

/// A Lua state that compiles, and has nothing to run.
///
/// # Errors
/// There is no memory for it.
pub fn compiler() -> mlua::Result<Lua> {
    let lua = Lua::new_with(StdLib::NONE, LuaOptions::new())?;
    lua.set_memory_limit(256 << 20)?;
    Ok(lua)
}

/// What Lua refuses in a text; `place` makes a place of a line and column.
pub fn check(lua: &Lua, text: &str, place: impl Fn(Spot) -> Place) -> Option<Finding> {
    let refusal = Refusal::of(lua, text)?;
    let line = text.lines().nth(refusal.line.saturating_sub(1)).unwrap_or("");
    let column = refusal.column(lua, text, line);
    let mut finding = Finding::new(&SYNTAX, place(Spot { line: refusal.line, column }), refusal.message.clone());
    if let Some(hint) = refusal.hint(line) {
        finding = finding.hint(hint);
    }
    Some(finding)
}

/// `chunk:3: message near 'token'` as its parts.
struct Refusal {
    line: usize,
    message: String,
}

impl Refusal {
    fn of(lua: &Lua, text: &str) -> Option<Refusal> {
        let message = plain_message(&compile(lua, CHUNK, text, None).err()?);
        let rest = message.strip_prefix(CHUNK).and_then(|rest| rest.strip_prefix(':'));
        let parts = rest.and_then(|rest| rest.split_once(": "));
        let parsed = parts.and_then(|(line, message)| Some((line.parse().ok()?, message.to_string())));
        let (line, message) = parsed.unwrap_or((1, message));
        Some(Refusal { line, message })
    }

    /// The token Lua stopped at.
    fn near(&self) -> Option<&str> {
        let (_, near) = self.message.rsplit_once(" near ")?;
        Some(near.strip_prefix('\'').and_then(|near| near.strip_suffix('\'')).unwrap_or(near))
    }

    /// The column of the token Lua stopped at: the first of its kind up to which the text
    /// is refused for it, and not for ending too early.
    fn column(&self, lua: &Lua, text: &str, line: &str) -> usize {
        let first = line.chars().take_while(|letter| letter.is_whitespace()).count() + 1;
        let characters = |bytes: usize| line.get(..bytes).map_or(first, |before| before.chars().count() + 1);
        let Some(near) = self.near() else { return first };
        if near == "<eof>" {
            return line.chars().count().max(1);
        }
        if self.message.starts_with("invalid escape") || self.message.contains("escape sequence") {
            let at = line.find(near).and_then(|at| Some(at + near.rfind('\\')?));
            return at.map_or(first, characters);
        }
        let begins = line_start(text, self.line);
        let found = occurrences(line, near);
        let at = match found.as_slice() {
            [only] => Some(only.start),
            _ if text.len() > super::MAX_BYTES => None,
            several => several.iter().take(TRIES).find_map(|token| {
                let refused = Refusal::of(lua, text.get(..begins + token.end)?)?;
                (refused.line == self.line && refused.near() == Some(near)).then_some(token.start)
            }),
        };
        at.map_or(first, characters)
    }

    /// What to do about the slips that are made most.
    fn hint(&self, line: &str) -> Option<&'static str> {
        let message = &self.message;
        if message.contains("escape sequence") {
            return Some("write the text as [[…]], where a backslash is just that, or double the backslash");
        }
        if message.contains("unfinished string") {
            return Some("close the quotes on the same line; text of several lines is written as [[…]]");
        }
        if message.contains("C levels") || message.contains("overflow") {
            return Some("the code is nested deeper than Lua takes (200 levels)");
        }
        if message.contains("'}' expected") {
            return Some("there may be a comma missing between two entries of the table");
        }
        if message.starts_with("unexpected symbol near '!'") || line.contains("!=") {
            return Some("Lua writes ~= for \"not equal\", and `not` for \"not\"");
        }
        if message.contains("'end' expected") {
            return Some("every function, if, for and while is closed by an end of its own");
        }
        if message.contains("'then' expected") && line.contains('=') {
            return Some("two values are compared with ==");
        }
        None
    }
}

/// Where a token stands in a line. Lua writes `<\195>` for a byte outside of ASCII.
fn occurrences(line: &str, near: &str) -> Vec<Range<usize>> {
    let byte =
        near.strip_prefix("<\\").and_then(|near| near.strip_suffix('>')).and_then(|byte| byte.parse::<u8>().ok());
    let Some(byte) = byte else {
        return line.match_indices(near).map(|(at, found)| at..at + found.len()).collect();
    };
    let letters = line.char_indices().map(|(at, letter)| at..at + letter.len_utf8());
    letters.filter(|letter| line.as_bytes()[letter.start] == byte).collect()
}

/// The byte at which a line begins; lines count from 1.
fn line_start(text: &str, line: usize) -> usize {
    match line {
        0 | 1 => 0,
        _ => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
    }
}
