//! How values are shown in results: in full where they are short, cut where they are not.

use crate::value::Value;
use std::fmt::{self, Write};

/// The most characters of a value that are shown.
pub const SHOWN_CAP: usize = 500;
/// The most characters of a value that are shown where several stand in one sentence.
pub const EXCERPT_CAP: usize = 120;

/// A value as results show it: at most [`SHOWN_CAP`] characters, and how many more there
/// are.
pub fn show(value: &Value) -> String {
    bounded_value(value, SHOWN_CAP)
}

/// A value where several stand in one sentence.
pub(super) fn excerpt(value: &Value) -> String {
    bounded_value(value, EXCERPT_CAP)
}

/// At most `cap` characters of anything that can be displayed, and how many more there
/// are. What is beyond is counted and not kept.
pub fn bounded(shown: &impl fmt::Display, cap: usize) -> String {
    let mut bounded = Bounded { text: String::new(), left: cap, more: 0 };
    // Writing into a string cannot fail; a Display that does is shown as far as it got.
    let _ = write!(bounded, "{shown}");
    bounded.end()
}

/// [`bounded`] for a value. The contents of files are long, so what is not shown of a text is
/// counted without being put into quotes.
fn bounded_value(value: &Value, cap: usize) -> String {
    match value {
        // Most values are short: nothing of them has to be counted.
        Value::Int(number) => number.to_string(),
        Value::Str(text) if text.len() * LONGEST_QUOTED <= cap => format!("{text:?}"),
        // In quotes it has a character for each of its own, or more.
        Value::Str(text) if text.len() > cap * LONGEST_CHARACTER => {
            let end = text.char_indices().nth(cap).map_or(text.len(), |(end, _)| end);
            let (shown, rest) = text.split_at(end);
            let mut bounded = Bounded { text: String::new(), left: cap, more: 0 };
            let _ = write!(bounded, "{shown:?}");
            // The quote that ends what is shown here is the one that ends the whole.
            bounded.more += quoted_length(rest);
            bounded.end()
        }
        _ => bounded(value, cap),
    }
}

/// The most bytes a character takes in UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// The most characters a byte becomes in quotes: `\\u{7f}`.
const LONGEST_QUOTED: usize = 8;

/// How many characters a text takes where it is shown in quotes, the quotes not counted.
fn quoted_length(text: &str) -> usize {
    let mut length = 0;
    let mut rest = text.as_bytes();
    while let Some(&byte) = rest.first() {
        if byte.is_ascii() {
            length += usize::from(ASCII[usize::from(byte)]);
            rest = &rest[1..];
            continue;
        }
        let start = text.len() - rest.len();
        let end = start + rest.iter().take_while(|byte| !byte.is_ascii()).count();
        length += text[start..end].chars().map(|letter| letter.escape_debug().count()).sum::<usize>();
        rest = &text.as_bytes()[end..];
    }
    length
}

/// How many characters each of ASCII takes in quotes.
const ASCII: [u8; 128] = {
    let mut lengths = [1; 128];
    let mut byte = 0;
    while byte < 128 {
        lengths[byte] = match byte as u8 {
            b'\0' | b'\t' | b'\n' | b'\r' | b'"' | b'\\' => 2,
            // `\u{1}` and `\u{1b}`.
            0x01..=0x0f => 5,
            0x10..=0x1f | 0x7f => 6,
            _ => 1,
        };
        byte += 1;
    }
    lengths
};

struct Bounded {
    text: String,
    left: usize,
    more: usize,
}

impl Bounded {
    fn end(mut self) -> String {
        if self.more > 0 {
            let _ = write!(self.text, "… ({} more character{})", self.more, if self.more == 1 { "" } else { "s" });
        }
        self.text
    }
}

impl Write for Bounded {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        // No text has more characters than bytes.
        if piece.len() <= self.left {
            self.text.push_str(piece);
            self.left -= piece.chars().count();
            return Ok(());
        }
        match piece.char_indices().nth(self.left) {
            None => {
                self.text.push_str(piece);
                self.left -= piece.chars().count();
            }
            Some((end, _)) => {
                self.text.push_str(&piece[..end]);
                self.left = 0;
                self.more += piece[end..].chars().count();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_not_shown_is_counted_as_it_would_be_shown(text in any::<String>(), times in 1_usize..400) {
            let text = Value::from(text.repeat(times));
            prop_assert_eq!(show(&text), bounded(&text, SHOWN_CAP));
            prop_assert_eq!(excerpt(&text), bounded(&text, EXCERPT_CAP));
        }
    }

    #[test]
    fn every_character_is_counted_as_it_is_shown() {
        let all: String = (0..=0x3000).chain(0xfe00..0xfe20).filter_map(char::from_u32).collect();
        for letter in all.chars() {
            let text = letter.to_string();
            assert_eq!(quoted_length(&text), format!("{text:?}").chars().count() - 2, "{letter:?}");
        }
        let text = Value::from(all);
        assert_eq!(show(&text), bounded(&text, SHOWN_CAP));
    }
}
