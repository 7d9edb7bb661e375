//! The backtracking matcher.

use super::{CAPTURES_CAP, Capture, DEPTH_CAP, Match, PatternError, charge};
use std::ops::Range;

/// A capture under way.
#[derive(Clone, Copy)]
struct Open {
    start: usize,
    length: Length,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Unfinished,
    Position,
    Bytes(usize),
}

pub(super) struct Machine<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: Vec<Open>,
    depth: usize,
    budget: &'a mut u64,
}

type Ended = Result<Option<usize>, PatternError>;

impl<'a> Machine<'a> {
    pub fn new(subject: &'a [u8], pattern: &'a [u8], budget: &'a mut u64) -> Machine<'a> {
        Machine { subject, pattern, captures: Vec::new(), depth: 0, budget }
    }

    /// Matches the whole pattern at one place; gives where the match ends.
    pub fn match_at(&mut self, start: usize) -> Ended {
        self.captures.clear();
        self.depth = 0;
        self.run(start, 0)
    }

    /// The match just made.
    pub fn found(&self, range: Range<usize>) -> Result<Match, PatternError> {
        let captures = self.captures.iter().map(|open| match open.length {
            Length::Bytes(length) => Ok(Capture::Text(open.start..open.start + length)),
            Length::Position => Ok(Capture::Position(open.start + 1)),
            Length::Unfinished => Err(PatternError::UnfinishedCapture),
        });
        Ok(Match { captures: captures.collect::<Result<_, _>>()?, range })
    }

    /// Matches the pattern from `at` on at `start`.
    fn run(&mut self, start: usize, at: usize) -> Ended {
        if self.depth == DEPTH_CAP {
            return Err(PatternError::TooComplex);
        }
        self.depth += 1;
        let ended = self.items(start, at);
        self.depth -= 1;
        ended
    }

    /// One item of the pattern after the other; only what may have to be undone calls
    /// itself.
    fn items(&mut self, mut start: usize, mut at: usize) -> Ended {
        while let Some(item) = self.pattern.get(at) {
            charge(self.budget, 1)?;
            match (item, self.pattern.get(at + 1)) {
                (b'(', Some(b')')) => return self.open(start, at + 2, Length::Position),
                (b'(', _) => return self.open(start, at + 1, Length::Unfinished),
                (b')', _) => return self.close(start, at + 1),
                (b'$', None) => return Ok((start == self.subject.len()).then_some(start)),
                (b'%', Some(b'b')) => match self.balance(start, at + 2)? {
                    Some(end) => (start, at) = (end, at + 4),
                    None => return Ok(None),
                },
                (b'%', Some(b'f')) => match self.frontier(start, at + 2)? {
                    Some(end) => at = end,
                    None => return Ok(None),
                },
                (b'%', Some(digit @ b'0'..=b'9')) => match self.back_reference(start, *digit)? {
                    Some(end) => (start, at) = (end, at + 2),
                    None => return Ok(None),
                },
                _ => {
                    let end = self.item_end(at)?;
                    let repeat = self.pattern.get(end).copied();
                    let hit = self.single(start, at, end)?;
                    match repeat {
                        Some(b'*' | b'?' | b'-') if !hit => at = end + 1,
                        _ if !hit => return Ok(None),
                        Some(b'?') => {
                            if let Some(ended) = self.run(start + 1, end + 1)? {
                                return Ok(Some(ended));
                            }
                            at = end + 1;
                        }
                        Some(b'+') => return self.longest(start + 1, at, end),
                        Some(b'*') => return self.longest(start, at, end),
                        Some(b'-') => return self.shortest(start, at, end),
                        _ => (start, at) = (start + 1, end),
                    }
                }
            }
        }
        Ok(Some(start))
    }

    fn longest(&mut self, start: usize, at: usize, end: usize) -> Ended {
        let mut count = 0;
        while self.single(start + count, at, end)? {
            count += 1;
        }
        for count in (0..=count).rev() {
            charge(self.budget, 1)?;
            if let Some(ended) = self.run(start + count, end + 1)? {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    fn shortest(&mut self, mut start: usize, at: usize, end: usize) -> Ended {
        loop {
            if let Some(ended) = self.run(start, end + 1)? {
                return Ok(Some(ended));
            }
            if !self.single(start, at, end)? {
                return Ok(None);
            }
            start += 1;
        }
    }

    fn open(&mut self, start: usize, at: usize, length: Length) -> Ended {
        if self.captures.len() == CAPTURES_CAP {
            return Err(PatternError::TooManyCaptures);
        }
        self.captures.push(Open { start, length });
        let ended = self.run(start, at)?;
        if ended.is_none() {
            self.captures.pop();
        }
        Ok(ended)
    }

    fn close(&mut self, start: usize, at: usize) -> Ended {
        let unfinished = self.captures.iter().rposition(|open| open.length == Length::Unfinished);
        let index = unfinished.ok_or(PatternError::NoOpenCapture)?;
        self.captures[index].length = Length::Bytes(start - self.captures[index].start);
        let ended = self.run(start, at)?;
        if ended.is_none() {
            self.captures[index].length = Length::Unfinished;
        }
        Ok(ended)
    }

    /// `%bxy`: from an `x` to the `y` that closes it.
    fn balance(&mut self, start: usize, at: usize) -> Ended {
        let (Some(opening), Some(closing)) = (self.pattern.get(at), self.pattern.get(at + 1)) else {
            return Err(PatternError::MissingBalance);
        };
        if self.subject.get(start) != Some(opening) {
            return Ok(None);
        }
        let mut level = 1_usize;
        for (index, byte) in self.subject.iter().enumerate().skip(start + 1) {
            charge(self.budget, 1)?;
            // The closing one first: %b"" ends at the next quote.
            if byte == closing {
                level -= 1;
                if level == 0 {
                    return Ok(Some(index + 1));
                }
            } else if byte == opening {
                level += 1;
            }
        }
        Ok(None)
    }

    /// `%f[set]`: the place where the set begins; gives where the pattern goes on.
    fn frontier(&mut self, start: usize, at: usize) -> Ended {
        if self.pattern.get(at) != Some(&b'[') {
            return Err(PatternError::MissingFrontier);
        }
        let end = self.item_end(at)?;
        let before = if start == 0 { 0 } else { self.subject[start - 1] };
        let after = self.subject.get(start).copied().unwrap_or(0);
        Ok((!self.in_set(before, at, end)? && self.in_set(after, at, end)?).then_some(end))
    }

    /// `%1`: what the first capture is, once more.
    fn back_reference(&mut self, start: usize, digit: u8) -> Ended {
        let index = i32::from(digit) - i32::from(b'1');
        let capture = usize::try_from(index).ok().and_then(|index| self.captures.get(index)).copied();
        match capture {
            None | Some(Open { length: Length::Unfinished, .. }) => Err(PatternError::CaptureIndex(index + 1)),
            Some(Open { length: Length::Position, .. }) => Ok(None),
            Some(Open { start: from, length: Length::Bytes(length) }) => {
                charge(self.budget, length / 16)?;
                Ok(self.subject[start..].starts_with(&self.subject[from..from + length]).then_some(start + length))
            }
        }
    }

    /// Where the item (a character, a class or a set) that begins at `at` ends.
    fn item_end(&mut self, at: usize) -> Result<usize, PatternError> {
        match self.pattern[at] {
            b'%' if at + 1 == self.pattern.len() => Err(PatternError::EndsWithPercent),
            b'%' => Ok(at + 2),
            b'[' => {
                let mut place = at + 1;
                if self.pattern.get(place) == Some(&b'^') {
                    place += 1;
                }
                // A bracket right at the beginning is a member.
                loop {
                    let member = self.pattern.get(place).ok_or(PatternError::MissingBracket)?;
                    place += if *member == b'%' && place + 1 < self.pattern.len() { 2 } else { 1 };
                    if self.pattern.get(place) == Some(&b']') {
                        charge(self.budget, (place - at) / 16)?;
                        return Ok(place + 1);
                    }
                }
            }
            _ => Ok(at + 1),
        }
    }

    /// Whether the item at `at..end` matches the byte at `start`.
    fn single(&mut self, start: usize, at: usize, end: usize) -> Result<bool, PatternError> {
        charge(self.budget, 1)?;
        let Some(byte) = self.subject.get(start).copied() else { return Ok(false) };
        match self.pattern[at] {
            b'.' => Ok(true),
            b'%' => Ok(in_class(byte, self.pattern[at + 1])),
            b'[' => self.in_set(byte, at, end),
            literal => Ok(literal == byte),
        }
    }

    /// Whether a byte is in the set at `at..end`, both brackets included.
    fn in_set(&mut self, byte: u8, at: usize, end: usize) -> Result<bool, PatternError> {
        charge(self.budget, (end - at) / 16)?;
        let set = &self.pattern[at + 1..end - 1];
        let (mut members, positive) = match set.strip_prefix(b"^") {
            Some(rest) => (rest, false),
            None => (set, true),
        };
        while let Some((member, rest)) = members.split_first() {
            let (hit, rest) = match (member, rest) {
                (b'%', [class, rest @ ..]) => (in_class(byte, *class), rest),
                (low, [b'-', high, rest @ ..]) => ((*low..=*high).contains(&byte), rest),
                (member, rest) => (*member == byte, rest),
            };
            if hit {
                return Ok(positive);
            }
            members = rest;
        }
        Ok(!positive)
    }
}

/// Whether a byte is in a class such as `%a`; `%A` is its opposite, and any other letter
/// stands for itself.
fn in_class(byte: u8, class: u8) -> bool {
    let within = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        // is_ascii_whitespace leaves out the vertical tab.
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        // Deprecated since 5.2, and still there.
        b'z' => byte == 0,
        _ => return class == byte,
    };
    within != class.is_ascii_uppercase()
}
