//! Where a control ends in its source, so that reports can show its code.

use std::sync::Arc;

/// The text of a file, and where its lines begin.
#[derive(Default)]
pub struct Source {
    text: Arc<str>,
    lines: Vec<usize>,
}

impl Source {
    /// A file with this text.
    pub fn new(text: Arc<str>) -> Source {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes());
        let lines = std::iter::once(0).chain(ends.map(|newline| newline + 1)).collect();
        Source { text, lines }
    }

    /// The text of the call that starts on `line` (from 1), up to the brace that closes its
    /// first table. Strings and comments are skipped; unbalanced source gives the rest.
    pub fn code_at(&self, line: usize) -> &str {
        match self.lines.get(line.max(1) - 1) {
            Some(start) => call_in(&self.text[*start..]),
            None => "",
        }
    }
}

/// The call at the start of `text`.
fn call_in(text: &str) -> &str {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            b'-' if bytes[at..].starts_with(b"--") => {
                at = match long_bracket(&bytes[at + 2..]) {
                    Some(length) => at + 2 + length,
                    None => find(bytes, at, b'\n'),
                };
                continue;
            }
            b'[' => {
                if let Some(length) = long_bracket(&bytes[at..]) {
                    at += length;
                    continue;
                }
            }
            quote @ (b'"' | b'\'') => {
                at = end_of_string(bytes, at + 1, quote);
                continue;
            }
            b'{' => depth += 1,
            b'}' if depth <= 1 => return &text[..=at],
            b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    text.trim_end()
}

/// The length of a long string `[==[ … ]==]` at the start of `bytes`.
fn long_bracket(bytes: &[u8]) -> Option<usize> {
    let level = bytes.get(1..)?.iter().take_while(|byte| **byte == b'=').count();
    if bytes.first() != Some(&b'[') || bytes.get(1 + level) != Some(&b'[') {
        return None;
    }
    let close: Vec<u8> = [b"]".as_slice(), &vec![b'='; level], b"]"].concat();
    let body = &bytes[level + 2..];
    let end = body.windows(close.len()).position(|window| window == close).map_or(body.len(), |at| at + close.len());
    Some(level + 2 + end)
}

fn end_of_string(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn find(bytes: &[u8], from: usize, byte: u8) -> usize {
    bytes[from..].iter().position(|other| *other == byte).map_or(bytes.len(), |at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_at(text: &str, line: usize) -> String {
        Source::new(text.into()).code_at(line).to_string()
    }

    #[test]
    fn braces_in_strings_and_comments_do_not_count() {
        let source = "local x\ncontrol 'a' {\n  title = '}', -- }\n  desc = [==[ } ]] ]==],\n  tags = { a = \"\\\"}\" },\n}\nrest";
        assert_eq!(code_at(source, 2).lines().count(), 5);
        assert!(code_at(source, 2).ends_with("},\n}"));
    }

    #[test]
    fn cut_off_source_gives_what_there_is() {
        assert_eq!(code_at("control 'a' { [[", 1), "control 'a' { [[");
        assert_eq!(code_at("x", 9), "");
    }
}
