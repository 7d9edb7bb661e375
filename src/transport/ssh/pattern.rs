//! Patterns of host names: PATTERNS of ssh_config(5).

/// Whether a pattern fits a text: `*` is any run of characters, `?` any one. Case does not
/// count.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase().into_bytes(), text.to_ascii_lowercase().into_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star stood, and how far it reaches so far: linear in practice, and never
    // worse than the product of both lengths.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, reach)) => {
                    star = Some((at, reach + 1));
                    (p, t) = (at + 1, reach + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Whether one of the patterns fits and none that begins with `!` does.
pub(super) fn any_fits<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if fits(pattern, text) => return false,
            Some(_) => {}
            None => found |= fits(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "web1", true),
            ("", "", true),
            ("", "a", false),
            ("web?", "web1", true),
            ("web?", "web", false),
            ("web?", "web12", false),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("10.0.*.1?", "10.0.3.4.12", true),
            ("WEB*", "web1", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("[web1]:22??", "[web1]:2200", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern:?} {text:?}");
        }
        // Would take years by trying every way.
        assert!(!fits(&"*a".repeat(60), &"a".repeat(59)));
    }

    #[test]
    fn a_negated_pattern_outweighs_all_others() {
        assert!(any_fits(["*.com", "!bad.com"], "good.com"));
        assert!(!any_fits(["*.com", "!bad.com"], "bad.com"));
        assert!(!any_fits(["!bad.com"], "good.com"));
        assert!(!any_fits([], "good.com"));
    }
}
