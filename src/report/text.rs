//! Text from a node made fit for a report: nothing in it may move a cursor, colour a
//! terminal, turn the writing direction or break an XML file.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text without ANSI escape sequences; every other character that is not allowed in
/// XML 1.0, controls a terminal or reorders text becomes U+FFFD. Line ends become `\n`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || c == '\t' || is_harmless(c)) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}'
            && let Some(length) = escape_sequence(rest)
        {
            rest = &rest[length..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\r' if rest.starts_with('\n') => {}
            '\r' => cleaned.push('\n'),
            '\n' | '\t' => cleaned.push(c),
            c if is_harmless(c) => cleaned.push(c),
            _ => cleaned.push(char::REPLACEMENT_CHARACTER),
        }
    }
    Cow::Owned(cleaned)
}

/// [`clean`], and on one line: runs of white space that hold a line end become a space.
pub fn line(text: &str) -> String {
    let text = clean(text);
    let mut parts = text.trim().split(['\n', '\t']).map(str::trim).filter(|part| !part.is_empty());
    let mut line = parts.next().unwrap_or_default().to_string();
    for part in parts {
        line.push(' ');
        line.push_str(part);
    }
    line
}

/// At most `limit` characters of the text, and how many more there are.
pub fn bounded(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let more = text[end..].chars().count();
            Cow::Owned(format!("{}… ({more} more characters)", &text[..end]))
        }
    }
}

/// How many columns of a terminal the text takes.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// The text in lines of at most `width` columns, broken at spaces where there are any;
/// a word that is longer than a line is broken where the line ends.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut current = String::new();
        let mut used = 0;
        for word in paragraph.split(' ') {
            let needs = columns(word);
            if used > 0 && used + 1 + needs > width {
                lines.push(std::mem::take(&mut current));
                used = 0;
            }
            if used > 0 {
                current.push(' ');
                used += 1;
            }
            if needs <= width {
                current.push_str(word);
                used += needs;
                continue;
            }
            for c in word.chars() {
                let needs = c.width().unwrap_or(0);
                if used + needs > width {
                    lines.push(std::mem::take(&mut current));
                    used = 0;
                }
                current.push(c);
                used += needs;
            }
        }
        lines.push(current);
    }
    lines
}

/// Whether a character may stand in XML 1.0 and leaves a terminal as it is.
fn is_harmless(c: char) -> bool {
    !matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}'
        // Marks, overrides and isolates of the writing direction, which can make a
        // line read as something it is not.
        | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Line and paragraph separators.
        | '\u{2028}' | '\u{2029}')
}

/// The length in bytes of the escape sequence `text` begins with (ECMA-48: CSI, the
/// strings OSC, DCS, SOS, PM and APC, and two-character sequences); `None` when it is cut
/// off, so that nothing after a lone escape character is swallowed.
fn escape_sequence(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.get(1)? {
        b'[' => {
            let end = bytes[2..].iter().position(|byte| !matches!(byte, 0x20..=0x3f))? + 2;
            matches!(bytes[end], 0x40..=0x7e).then_some(end + 1)
        }
        b']' | b'P' | b'X' | b'^' | b'_' => {
            // Far beyond any title or link: an opener alone must not hide what follows it.
            let window = &bytes[..bytes.len().min(2048)];
            window.iter().enumerate().skip(2).find_map(|(at, byte)| match byte {
                0x07 => Some(at + 1),
                0x1b if window.get(at + 1) == Some(&b'\\') => Some(at + 2),
                _ => None,
            })
        }
        b' '..=b'/' => matches!(bytes.get(2)?, 0x30..=0x7e).then_some(3),
        0x30..=0x7e => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_go_and_what_follows_them_stays() {
        assert_eq!(clean("\u{1b}[1;31mred\u{1b}[0m rest"), "red rest");
        assert_eq!(clean("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{7}!"), "link!");
        assert_eq!(clean("a\u{1b}]0;never ended"), "a\u{fffd}]0;never ended");
        assert_eq!(clean("cut \u{1b}[31"), "cut \u{fffd}[31");
        assert_eq!(clean("\u{1b}"), "\u{fffd}");
    }

    #[test]
    fn what_xml_forbids_and_what_turns_text_around_is_replaced() {
        assert_eq!(clean("a\0b\u{8}c\u{ffff}d\u{9b}31m\u{202e}e"), "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}31m\u{fffd}e");
        assert_eq!(clean("one\r\ntwo\rthree\tfour"), "one\ntwo\nthree\tfour");
        assert!(matches!(clean("plain — ✔ 漢字"), Cow::Borrowed(_)));
    }

    #[test]
    fn one_line_keeps_the_words_apart() {
        assert_eq!(line("  a\n   b\t\tc \r\n"), "a b c");
    }

    #[test]
    fn long_text_says_how_much_is_missing() {
        assert_eq!(bounded("äöüß", 4), "äöüß");
        assert_eq!(bounded("äöüß", 3), "äöü… (1 more characters)");
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("0123456789abcdef x", 10), ["0123456789", "abcdef x"]);
        assert_eq!(wrap("漢字漢字漢字", 8), ["漢字漢字", "漢字"]);
        assert_eq!(wrap("", 10), [""]);
    }
}
