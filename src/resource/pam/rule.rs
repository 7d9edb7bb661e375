//! Lines of a file in `/etc/pam.d`, pam.d(5).

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    Rule(Rule),
    /// The rules of another service's file; `of` chooses a type, `None` takes all
    /// (Debian's `@include`).
    Include {
        of: Option<&'static str>,
        service: String,
    },
}

/// One module in a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub kind: &'static str,
    /// Whether a missing module is passed over in silence (`-` before the type).
    pub missing_ok: bool,
    pub control: String,
    pub module: String,
    pub arguments: Vec<String>,
}

const KINDS: [&str; 4] = ["account", "auth", "password", "session"];
const CONTROLS: [&str; 4] = ["required", "requisite", "sufficient", "optional"];

/// Reads one line; `None` for an empty one or a comment.
pub fn line(text: &str) -> Result<Option<Line>, String> {
    let words = words(text)?;
    let mut words = words.into_iter();
    let Some(first) = words.next() else { return Ok(None) };
    if first == "@include" {
        let service = words.next().ok_or("@include names no file")?;
        return Ok(Some(Line::Include { of: None, service }));
    }
    let (missing_ok, name) = first.strip_prefix('-').map_or((false, first.as_str()), |name| (true, name));
    let kind = KINDS
        .into_iter()
        .find(|kind| kind.eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("{name} is no type; there are: {}", KINDS.join(", ")))?;
    let control = words.next().ok_or_else(|| format!("{name} has no control"))?;
    let module = words.next().ok_or_else(|| format!("{name} {control} names no module"))?;
    let lower = control.to_lowercase();
    match lower.as_str() {
        "include" | "substack" => Ok(Some(Line::Include { of: Some(kind), service: module })),
        known if CONTROLS.contains(&known) || known.starts_with('[') => {
            Ok(Some(Line::Rule(Rule { kind, missing_ok, control: lower, module, arguments: words.collect() })))
        }
        _ => Err(format!("{control} is no control; there are: {}, include, substack and […]", CONTROLS.join(", "))),
    }
}

/// Cuts a line into words; what is in brackets is one word, within which `\]` is a
/// bracket. The brackets of a control stay, those of an argument are dropped.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = chars.next_if(|c| *c != '#') else { return Ok(words) };
        let mut word = String::new();
        if first != '[' {
            word.push(first);
            while let Some(c) = chars.next_if(|c| !c.is_whitespace() && *c != '#') {
                word.push(c);
            }
            words.push(word);
            continue;
        }
        loop {
            match chars.next() {
                Some('\\') if chars.peek() == Some(&']') => word.extend(chars.next()),
                Some(']') => break,
                Some(c) => word.push(c),
                None => return Err("a bracket is not closed".to_string()),
            }
        }
        let control = words.len() == 1;
        words.push(if control { format!("[{}]", word.split_whitespace().collect::<Vec<_>>().join(" ")) } else { word });
    }
}

/// The name of a module without its directory and `.so`.
pub fn base(module: &str) -> &str {
    let name = module.rsplit('/').next().unwrap_or(module);
    name.strip_suffix(".so").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        match line(text) {
            Ok(Some(Line::Rule(rule))) => rule,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rules_have_controls_and_arguments_in_brackets() {
        let unix = rule("-Auth [success=1  default=ignore] /lib/pam_unix.so nullok [a b\\] c] # try");
        assert_eq!((unix.kind, unix.missing_ok), ("auth", true));
        assert_eq!(unix.control, "[success=1 default=ignore]");
        assert_eq!(unix.arguments, ["nullok", "a b] c"]);
        assert_eq!(base(&unix.module), "pam_unix");
    }

    #[test]
    fn includes_are_told_apart_from_rules() {
        let include = |of, service: &str| Ok(Some(Line::Include { of, service: service.into() }));
        assert_eq!(line("@include common-auth"), include(None, "common-auth"));
        assert_eq!(line("auth substack system-auth"), include(Some("auth"), "system-auth"));
        assert_eq!(line("  # auth required x"), Ok(None));
    }

    #[test]
    fn broken_lines_are_named() {
        for (text, part) in [
            ("auth", "has no control"),
            ("auth required", "names no module"),
            ("auth requierd pam_x.so", "is no control"),
            ("atuh required pam_x.so", "is no type"),
            ("auth [success=1 pam_x.so", "not closed"),
            ("@include", "names no file"),
        ] {
            assert!(line(text).unwrap_err().contains(part), "{text}");
        }
    }
}
