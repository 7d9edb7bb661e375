//! Lua's string patterns with a bound on the work they may do.
//!
//! The matcher of the C library backtracks where nothing can interrupt it: forty letters
//! keep it busy for a minute. Controls get this one instead, which speaks the same
//! language (§6.4.1 of the Lua 5.4 reference manual, bytes and the C locale) and takes
//! every step from a budget.

mod machine;

#[cfg(test)]
mod tests;

use machine::Machine;
use std::ops::Range;

/// How deep a match may call itself; Lua's own limit.
pub const DEPTH_CAP: usize = 200;
/// How many captures a pattern may have; Lua's own limit.
pub const CAPTURES_CAP: usize = 32;

/// Why a pattern did not get to an answer. The text is that of Lua where Lua has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("malformed pattern (ends with '%')")]
    EndsWithPercent,
    #[error("malformed pattern (missing ']')")]
    MissingBracket,
    #[error("malformed pattern (missing arguments to '%b')")]
    MissingBalance,
    #[error("missing '[' after '%f' in pattern")]
    MissingFrontier,
    #[error("invalid pattern capture")]
    NoOpenCapture,
    #[error("unfinished capture")]
    UnfinishedCapture,
    #[error("invalid capture index %{0}")]
    CaptureIndex(i32),
    #[error("invalid use of '%' in replacement string")]
    Replacement,
    #[error("too many captures")]
    TooManyCaptures,
    #[error("pattern too complex")]
    TooComplex,
    /// Not an error of the pattern alone: the budget is used up.
    #[error("the pattern took too many steps; make it simpler or the text shorter")]
    OutOfBudget,
}

/// A match; places are byte offsets from 0 into the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub range: Range<usize>,
    pub captures: Vec<Capture>,
}

/// What a pair of brackets captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capture {
    Text(Range<usize>),
    /// `()`: a place, counted from 1 as Lua counts.
    Position(usize),
}

impl Match {
    /// What `string.match` gives: the captures, or the whole match where there are none.
    pub fn captures_or_whole(&self) -> Vec<Capture> {
        if self.captures.is_empty() { vec![Capture::Text(self.range.clone())] } else { self.captures.clone() }
    }
}

/// The first match of `pattern` in `subject` at or after `init`, which counts from 1, or
/// from the end where it is negative, as in `string.find` and `string.match`. `plain`
/// looks for the pattern as it stands.
///
/// # Errors
/// A malformed pattern, or the budget used up. As in Lua, a fault in a part of the
/// pattern that is never reached is not found.
pub fn find(
    subject: &[u8],
    pattern: &[u8],
    init: i64,
    plain: bool,
    budget: &mut u64,
) -> Result<Option<Match>, PatternError> {
    let Some(init) = offset(init, subject.len()) else { return Ok(None) };
    if plain || !pattern.iter().any(|byte| b"^$*+?.([%-".contains(byte)) {
        charge(budget, (subject.len() - init) / 16)?;
        let place = memchr::memmem::find(&subject[init..], pattern);
        return Ok(place.map(|place| Match { range: init + place..init + place + pattern.len(), captures: Vec::new() }));
    }
    let (pattern, anchored) = without_anchor(pattern);
    let mut machine = Machine::new(subject, pattern, budget);
    for start in init..=subject.len() {
        if let Some(end) = machine.match_at(start)? {
            return machine.found(start..end).map(Some);
        }
        if anchored {
            break;
        }
    }
    Ok(None)
}

/// The state of an iteration with `string.gmatch`.
#[derive(Debug, Clone)]
pub struct Gmatch {
    next: Option<usize>,
    last: Option<usize>,
}

impl Gmatch {
    /// An iteration over a subject of `length` bytes that begins at `init` (see [`find`]).
    pub fn new(init: i64, length: usize) -> Gmatch {
        Gmatch { next: offset(init, length), last: None }
    }

    /// The next match. A `^` has no meaning here, as in Lua.
    ///
    /// # Errors
    /// As [`find`].
    pub fn next(&mut self, subject: &[u8], pattern: &[u8], budget: &mut u64) -> Result<Option<Match>, PatternError> {
        let Some(next) = self.next else { return Ok(None) };
        let mut machine = Machine::new(subject, pattern, budget);
        for start in next..=subject.len() {
            if let Some(end) = machine.match_at(start)?
                && self.last != Some(end)
            {
                (self.next, self.last) = (Some(end), Some(end));
                return machine.found(start..end).map(Some);
            }
        }
        self.next = None;
        Ok(None)
    }
}

/// The state of a substitution with `string.gsub`: text without a match is copied to the
/// output, and whoever drives it appends the replacement of each match.
#[derive(Debug, Clone)]
pub struct Gsub {
    next: usize,
    last: Option<usize>,
    left: u64,
    done: bool,
}

impl Gsub {
    /// A substitution of at most `limit` matches.
    pub fn new(limit: u64) -> Gsub {
        Gsub { next: 0, last: None, left: limit, done: false }
    }

    /// Copies to `output` up to the next match and returns it; without one, copies the
    /// rest.
    ///
    /// # Errors
    /// As [`find`]; an unfinished capture also where the replacement does not use it,
    /// which Lua lets pass.
    pub fn next(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        output: &mut Vec<u8>,
        budget: &mut u64,
    ) -> Result<Option<Match>, PatternError> {
        let (pattern, anchored) = without_anchor(pattern);
        while !self.done && self.left > 0 {
            self.done = anchored;
            let mut machine = Machine::new(subject, pattern, budget);
            let start = self.next;
            match machine.match_at(start)? {
                Some(end) if self.last != Some(end) => {
                    let found = machine.found(start..end)?;
                    self.left -= 1;
                    (self.next, self.last) = (end, Some(end));
                    return Ok(Some(found));
                }
                _ => match subject.get(start) {
                    Some(byte) => {
                        output.push(*byte);
                        self.next += 1;
                    }
                    None => self.done = true,
                },
            }
        }
        self.done = true;
        let rest = subject.get(self.next..).unwrap_or_default();
        charge(budget, rest.len() / 16)?;
        output.extend_from_slice(rest);
        self.next = subject.len();
        Ok(None)
    }
}

/// Appends the replacement a string stands for in `string.gsub`: `%1` a capture, `%0`
/// the whole match, `%%` a percent sign. What is written counts towards the budget.
///
/// # Errors
/// Another letter after `%`, a capture the pattern does not have, the budget used up.
pub fn replace(
    template: &[u8],
    subject: &[u8],
    found: &Match,
    output: &mut Vec<u8>,
    budget: &mut u64,
) -> Result<(), PatternError> {
    let mut rest = template;
    while let Some(percent) = memchr::memchr(b'%', rest) {
        append(&rest[..percent], output, budget)?;
        match rest.get(percent + 1) {
            Some(b'%') => output.push(b'%'),
            Some(b'0') => append(&subject[found.range.clone()], output, budget)?,
            Some(digit @ b'1'..=b'9') => {
                let index = usize::from(digit - b'1');
                match found.captures_or_whole().get(index) {
                    Some(Capture::Text(range)) => append(&subject[range.clone()], output, budget)?,
                    Some(Capture::Position(place)) => append(place.to_string().as_bytes(), output, budget)?,
                    None => return Err(PatternError::CaptureIndex(i32::from(digit - b'0'))),
                }
            }
            _ => return Err(PatternError::Replacement),
        }
        rest = &rest[percent + 2..];
    }
    append(rest, output, budget)
}

fn append(text: &[u8], output: &mut Vec<u8>, budget: &mut u64) -> Result<(), PatternError> {
    charge(budget, 1 + text.len() / 16)?;
    output.extend_from_slice(text);
    Ok(())
}

/// Takes steps from the budget.
fn charge(budget: &mut u64, steps: usize) -> Result<(), PatternError> {
    match budget.checked_sub(steps as u64) {
        Some(left) => {
            *budget = left;
            Ok(())
        }
        None => {
            *budget = 0;
            Err(PatternError::OutOfBudget)
        }
    }
}

/// Where Lua's `init` begins; `None` beyond the end.
fn offset(init: i64, length: usize) -> Option<usize> {
    let start = match init {
        1.. => usize::try_from(init - 1).ok()?,
        0 => 0,
        _ => length.saturating_sub(usize::try_from(init.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    (start <= length).then_some(start)
}

fn without_anchor(pattern: &[u8]) -> (&[u8], bool) {
    match pattern.strip_prefix(b"^") {
        Some(rest) => (rest, true),
        None => (pattern, false),
    }
}
