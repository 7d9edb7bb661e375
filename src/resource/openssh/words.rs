//! Lines of OpenSSH's configuration files: a keyword, then words, quoted where needed.

/// A keyword in lower case and its arguments.
pub type Line = (String, Vec<String>);

/// Reads one line; `None` for an empty one or a comment. The keyword may be set off by
/// blanks or one `=`; a word that begins with `#` begins a comment.
pub fn line(text: &str) -> Result<Option<Line>, String> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let end = text.find(|c: char| c.is_whitespace() || c == '=' || c == '"').unwrap_or(text.len());
    let (keyword, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    if keyword.is_empty() {
        return Err(format!("a line begins with a keyword, not with {:?}", text.chars().next().unwrap_or(' ')));
    }
    let words = words(rest)?;
    if words.is_empty() {
        return Err(format!("{keyword} has no value"));
    }
    Ok(Some((keyword.to_lowercase(), words)))
}

/// Cuts text into words as OpenSSH's `argv_split` does: double or single quotes, and a
/// backslash before a quote, a backslash or, outside of quotes, a blank.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote: Option<char> = None;
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            match (c, quote) {
                ('\\', _) if matches!(next, Some('"' | '\'' | '\\')) || (next == Some(' ') && quote.is_none()) => {
                    word.extend(chars.next());
                }
                (c, Some(open)) if c == open => quote = None,
                ('"' | '\'', None) => quote = Some(c),
                (c, None) if c.is_whitespace() => break,
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed".to_string());
        }
        words.push(word);
    }
}

/// Seconds of a time as sshd_config(5) TIME FORMATS writes it, such as `600`, `10m`,
/// `1h30m`.
pub fn seconds(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: i64 = rest[..digits].parse().ok()?;
        let mut after = rest[digits..].chars();
        let unit = match after.next() {
            None | Some('s' | 'S') => 1,
            Some('m' | 'M') => 60,
            Some('h' | 'H') => 3600,
            Some('d' | 'D') => 86_400,
            Some('w' | 'W') => 604_800,
            Some(_) => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after.as_str();
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_as_openssh_cuts_them() {
        let cut = |text| words(text).unwrap();
        assert_eq!(cut(r#"a "b c" d\ e # f"#), ["a", "b c", "d e"]);
        assert_eq!(cut(r#""a\"b" 'x"y' a#b """#), [r#"a"b"#, "x\"y", "a#b", ""]);
        assert!(words("a \"b").is_err());
    }

    #[test]
    fn a_keyword_may_be_set_off_by_an_equals_sign() {
        assert_eq!(line("Port=22").unwrap(), Some(("port".into(), vec!["22".into()])));
        assert_eq!(line(" Port = 22 ").unwrap(), Some(("port".into(), vec!["22".into()])));
        assert_eq!(line("  # Port 22").unwrap(), None);
        assert_eq!(line("Port"), Err("Port has no value".into()));
        assert!(line("= 3").is_err());
    }

    #[test]
    fn times_have_units() {
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("2w"), Some(1_209_600));
        for wrong in ["", "m", "3x", "99999999999999999999", "9223372036854775807w"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
