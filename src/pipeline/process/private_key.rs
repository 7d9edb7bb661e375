//! Private keys in output: they go over many lines, of which the masker sees one at a time.

use crate::results::mask::MASK;
use std::borrow::Cow;

/// The most lines a private key in PEM has; beyond, what looks like one is none.
const KEY_LINES: usize = 400;

/// What follows the first line of a private key.
#[derive(Default, Clone, Copy)]
pub struct Key {
    /// Lines that may still belong to it; 0: there is none.
    left: usize,
    /// Whether any did.
    begun: bool,
}

/// The line without what belongs to a private key (RFC 7468), which goes over many lines: the
/// masker sees one at a time. `None` for a line that is nothing else.
pub fn without_key<'a>(key: &mut Key, line: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"-----END ";
    if key.left > 0 && is_of_key(line, key.begun) {
        key.left -= 1;
        let first = !std::mem::replace(&mut key.begun, true);
        return first.then(|| Cow::Owned([MASK.as_bytes(), b"\n"].concat()));
    }
    *key = Key::default();
    if let Some(begin) = memchr::memmem::find(line, BEGIN) {
        let after = &line[begin..];
        if memchr::memmem::find(after, b"PRIVATE KEY").is_some() && memchr::memmem::find(after, END).is_none() {
            key.left = KEY_LINES;
        }
    }
    Some(Cow::Borrowed(line))
}

/// Whether a line can be one of a private key: Base64 or a header (RFC 1421, RFC 4880). Around it
/// may be what tools put there: indents, quotes, the mark of a difference. A short line is the
/// last one of a key, or no line of a key at all.
fn is_of_key(line: &[u8], begun: bool) -> bool {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_matches(|c: char| c.is_whitespace() || "\"',~|-\\".contains(c)).trim_start_matches(['+', ' ']);
    let headers = ["Proc-Type:", "DEK-Info:", "Comment:", "Version:"];
    line.is_empty()
        || headers.iter().any(|header| line.starts_with(header))
        || (begun || line.len() >= 40) && line.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c))
}
