//! How text for people looks: colour, symbols, width.

use crate::results::Outcome;
use anstyle::{AnsiColor, Style};

/// How text for people looks. The caller decides, from whether standard output is a
/// terminal, from `NO_COLOR` and the like, and from the locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub colour: bool,
    /// Whether symbols may be other than ASCII.
    pub unicode: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Default for Look {
    fn default() -> Look {
        Look { colour: false, unicode: true, width: Look::PAGE }
    }
}

impl Look {
    /// The width of text that goes to no terminal.
    pub const PAGE: usize = 100;

    /// How text for standard output should look: colour by anstream's rules (a terminal,
    /// `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM=dumb`), symbols by the locale
    /// (`LC_ALL`, `LC_CTYPE`, `LANG`, the first that is set; locale(7)), width by the
    /// terminal.
    pub fn of_stdout() -> Look {
        let stdout = std::io::stdout();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty());
        Look {
            colour: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            unicode: locale.is_none_or(|locale| is_utf8(&locale)),
            width: terminal_size::terminal_size_of(&stdout).map_or(Look::PAGE, |(width, _)| width.0.into()),
        }
    }

    /// The symbol of an outcome, one column wide.
    pub fn symbol(&self, outcome: Outcome) -> &'static str {
        match (outcome, self.unicode) {
            (Outcome::Passed, true) => "✔",
            (Outcome::Passed, false) => "+",
            (Outcome::Failed, true) => "✖",
            (Outcome::Failed, false) => "x",
            (Outcome::Errored, _) => "!",
            (Outcome::Skipped, true) => "○",
            (Outcome::Skipped, false) => "o",
            (Outcome::NotApplicable, true) => "·",
            (Outcome::NotApplicable, false) => ".",
            (Outcome::Waived, _) => "~",
        }
    }

    /// Paints text in the colour of an outcome.
    pub fn outcome(&self, outcome: Outcome, text: &str) -> String {
        let colour = |colour: AnsiColor| colour.on_default();
        self.paint(
            match outcome {
                Outcome::Passed => colour(AnsiColor::Green),
                Outcome::Failed => colour(AnsiColor::Red).bold(),
                Outcome::Errored => colour(AnsiColor::Magenta).bold(),
                Outcome::Skipped => colour(AnsiColor::Yellow),
                Outcome::NotApplicable => Style::new().dimmed(),
                Outcome::Waived => colour(AnsiColor::Cyan),
            },
            text,
        )
    }

    /// Paints text that matters less.
    pub fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// Paints text that matters more.
    pub fn bold(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

/// Whether a locale such as `de_DE.UTF-8@euro` writes UTF-8.
fn is_utf8(locale: &str) -> bool {
    let codeset = locale.split_once('.').map_or("", |(_, rest)| rest.split('@').next().unwrap_or(""));
    matches!(codeset.to_ascii_lowercase().replace('-', "").as_str(), "utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codeset_of_a_locale_decides() {
        assert!(is_utf8("C.UTF-8") && is_utf8("de_DE.utf8@euro"));
        assert!(!is_utf8("C") && !is_utf8("POSIX") && !is_utf8("de_DE.ISO-8859-1"));
    }

    #[test]
    fn symbols_are_one_column_and_differ() {
        for unicode in [true, false] {
            let look = Look { unicode, ..Look::default() };
            let symbols = Outcome::ALL.map(|outcome| look.symbol(outcome));
            for (index, symbol) in symbols.iter().enumerate() {
                assert_eq!(super::super::text::columns(symbol), 1);
                assert!(unicode || symbol.is_ascii());
                assert!(!symbols[..index].contains(symbol));
            }
        }
    }
}
