//! Writing HTML in which no text becomes markup.

use crate::report::text;
use crate::results::Outcome;

/// HTML that grows. Texts of nodes and profiles come in through [`Markup::text`] alone.
#[derive(Default)]
pub struct Markup(String);

impl Markup {
    /// Adds markup of our own.
    pub fn raw(&mut self, markup: &str) -> &mut Markup {
        self.0.push_str(markup);
        self
    }

    /// Adds a text, clean and escaped for content and for quoted attribute values alike.
    pub fn text(&mut self, raw: &str) -> &mut Markup {
        for c in text::clean(raw).chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// JSON that may stand in a script element: nothing in it can end that element, open a
/// comment, or end a line for a script.
pub fn escaped_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + json.len() / 32);
    for c in json.chars() {
        match c {
            // Outside of strings JSON has none of these.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escaped.push_str(&format!("\\u{:04x}", c as u32)),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The mark of an outcome, which tells it apart without its colour.
pub fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "✓",
        Outcome::Failed => "✕",
        Outcome::Errored => "!",
        Outcome::Skipped => "S",
        Outcome::NotApplicable => "–",
        Outcome::Waived => "W",
    }
}

/// An outcome with its mark and colour.
pub fn badge(outcome: Outcome, out: &mut Markup) {
    out.raw(&format!(
        "<span class=\"badge {}\"><span class=\"mark\" aria-hidden=\"true\">{}</span> {}</span>",
        outcome.name(),
        mark(outcome),
        outcome.words()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let mut out = Markup::default();
        out.raw("<p title=\"").text("\"><script>alert('1')</script>&amp;\u{1b}[31m\u{0}").raw("\">");
        let expected = "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\u{fffd}\">";
        assert_eq!(out.into_string(), expected);
    }

    #[test]
    fn no_text_ends_the_element_its_json_stands_in() {
        let texts = ["</script>", "<!-- <script>", "]]>", "\u{2028}\u{2029}", "&lt;", "plain ä"];
        let json = escaped_json(&serde_json::to_string(&texts).unwrap());
        assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), texts);
    }
}
