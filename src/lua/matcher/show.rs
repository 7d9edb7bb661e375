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
    bounded(value, SHOWN_CAP)
}

/// A value where several stand in one sentence.
pub(super) fn excerpt(value: &Value) -> String {
    bounded(value, EXCERPT_CAP)
}

/// At most `cap` characters of anything that can be displayed, and how many more there
/// are. What is beyond is counted and not kept.
pub fn bounded(shown: &impl fmt::Display, cap: usize) -> String {
    let mut bounded = Bounded { text: String::new(), left: cap, more: 0 };
    // Writing into a string cannot fail; a Display that does is shown as far as it got.
    let _ = write!(bounded, "{shown}");
    if bounded.more > 0 {
        let _ = write!(bounded.text, "… ({} more character{})", bounded.more, if bounded.more == 1 { "" } else { "s" });
    }
    bounded.text
}

struct Bounded {
    text: String,
    left: usize,
    more: usize,
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
