//! What readers of configuration files share: getting a file's text, naming a place in
//! it, and joining lines that a backslash continues.

use crate::node::{Seen, Sight, Unseen};
use crate::probe::Read;
use std::sync::Arc;

/// The text of a file: a byte-order mark is dropped, and what is not UTF-8 becomes
/// U+FFFD, which no keyword contains, so that a stray Latin-1 comment harms nothing.
pub fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// The text of a file that must be there; [`Unseen::Missing`] with `title` when it is not.
pub fn required(seen: &Seen<'_>, path: &Arc<str>, title: impl FnOnce() -> String) -> Sight<String> {
    match seen.get(Read { path: path.clone() })? {
        Some(bytes) => Ok(decode(&bytes)),
        None => Err(Unseen::Missing(title())),
    }
}

/// A parse error at a line of a file.
pub fn malformed(file: &str, line: usize, message: impl std::fmt::Display) -> Unseen {
    Unseen::malformed(format!("{file}:{line}: {message}"))
}

/// The lines of a text with their numbers, where a backslash at the end of a line joins
/// the next one to it; `joint` takes the place of backslash and line end.
pub fn joined_lines(text: &str, joint: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (number, mut whole) = open.take().unwrap_or((index + 1, String::new()));
        // An even number of backslashes is escaped ones, which continue nothing.
        let slashes = line.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if slashes % 2 == 1 {
            whole.push_str(&line[..line.len() - 1]);
            whole.push_str(joint);
            open = Some((number, whole));
        } else {
            whole.push_str(line);
            lines.push((number, whole));
        }
    }
    lines.extend(open);
    lines
}

/// The directory a path is in; `/` for a path without one.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) => &path[..end],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_keep_the_number_of_their_first() {
        let lines = joined_lines("a \\\n b\nc \\\\\nd \\", "");
        assert_eq!(lines, vec![(1, "a  b".to_string()), (3, "c \\\\".to_string()), (4, "d ".to_string())]);
    }

    #[test]
    fn a_mark_is_dropped_and_stray_bytes_are_kept_apart() {
        assert_eq!(decode(b"\xef\xbb\xbfPort 22\n# caf\xe9"), "Port 22\n# caf\u{fffd}");
    }
}
