//! os-release(5): the file in which a distribution says what it is.

use std::collections::BTreeMap;

/// Lines beyond this many are not read: real files have about twenty.
const LINES_CAP: usize = 1000;

/// The assignments of the file. Lines that are no assignment are passed over, as the
/// manual page asks; the last assignment of a name counts, as in a shell.
pub fn parse(content: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(content);
    text.lines()
        .take(LINES_CAP)
        .filter_map(|line| {
            let line = line.trim();
            let (name, value) = line.split_once('=')?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            (!name.is_empty() && name.chars().all(plain)).then(|| (name.to_string(), unquote(value)))
        })
        .collect()
}

/// A value as a shell would read it: quotes removed, backslashes undone.
fn unquote(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut quote = None;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => out.push(c),
            (_, '\\') => match chars.next() {
                Some(next) => {
                    // Inside double quotes a backslash only protects these.
                    if quote.is_some() && !matches!(next, '"' | '\\' | '$' | '`') {
                        out.push('\\');
                    }
                    out.push(next);
                }
                None => out.push('\\'),
            },
            (None, c) if c.is_whitespace() => break,
            (_, c) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_those_of_a_shell() {
        let parsed = parse(
            b"# comment\nNAME=\"A \\\"quoted\\\" \\n name\"\nID=debian # no comment in a shell either\n\
              VERSION='12 (book\\worm)'\nnot an assignment\nBAD NAME=1\nEMPTY=\nID_LIKE=\"rhel centos\"\nCUT=\"open",
        );
        assert_eq!(parsed["NAME"], "A \"quoted\" \\n name");
        assert_eq!(parsed["ID"], "debian");
        assert_eq!(parsed["VERSION"], "12 (book\\worm)");
        assert_eq!(parsed["EMPTY"], "");
        assert_eq!(parsed["ID_LIKE"], "rhel centos");
        assert_eq!(parsed["CUT"], "open");
        assert_eq!(parsed.len(), 6);
    }

    #[test]
    fn garbage_gives_nothing() {
        assert!(parse(b"\xff\xfe\x00=x\n====\n").is_empty());
        assert!(parse(b"").is_empty());
    }
}
