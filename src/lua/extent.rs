//! Where a control ends in its source, so that reports can show its code.

/// The text of the call that starts on `line` (from 1), up to the brace that closes its
/// first table. Strings and comments are skipped; unbalanced source gives the rest.
pub fn code_at(source: &str, line: usize) -> &str {
    let start = match line {
        0 | 1 => 0,
        _ => match source.match_indices('\n').nth(line - 2) {
            Some((newline, _)) => newline + 1,
            None => return "",
        },
    };
    let text = &source[start..];
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
