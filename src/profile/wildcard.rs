//! Patterns in which `*` stands for any text: platform names, releases, node names.

/// Whether `text` fits `pattern`. Only `*` is special; all else is compared as it stands.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    // Without a `*` the prefix has to be the whole.
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        // The leftmost place of each part leaves the most for those after it.
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in
            [("*", ""), ("a*", "a"), ("*a", "ba"), ("a*c*e", "abcde"), ("web-*", "web-1"), ("a", "a")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a", "ab"), ("", "a"), ("a*a", "a"), ("a*b*b", "ab"), ("22.?4", "22.04"), ("*ab*ab", "ab")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
