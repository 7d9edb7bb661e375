//! Values of variables in INI inventories: literals of Python, and text where they are none
//! (`ast.literal_eval` in Python's library reference).

use crate::error::Place;
use crate::yaml::{Data, Field, Located, Map};
use std::iter::Peekable;
use std::str::Chars;

/// How deep lists and maps are read; what is deeper is text.
const MAX_DEPTH: usize = 64;

/// The value of a text.
pub fn value(text: &str, place: &Place) -> Located {
    let mut reader = Reader { letters: text.trim_matches([' ', '\t']).chars().peekable(), place, depth: 0 };
    match reader.whole() {
        Some(value) => value,
        None => Located::new(Data::Str(text.to_string()), place.clone()),
    }
}

struct Reader<'a> {
    letters: Peekable<Chars<'a>>,
    place: &'a Place,
    depth: usize,
}

impl Reader<'_> {
    /// One literal and nothing behind it but a comment.
    fn whole(&mut self) -> Option<Located> {
        let first = self.value()?;
        self.skip();
        // `1, 2` is a tuple.
        if self.letters.peek() == Some(&',') {
            let mut items = vec![first];
            while self.take(',') {
                self.skip();
                if self.letters.peek().is_none() {
                    break;
                }
                items.push(self.value()?);
                self.skip();
            }
            return self.letters.peek().is_none().then(|| self.located(Data::List(items)));
        }
        self.letters.peek().is_none().then_some(first)
    }

    fn located(&self, value: Data) -> Located {
        Located::new(value, self.place.clone())
    }

    fn skip(&mut self) {
        while self.letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        if self.letters.peek() == Some(&'#') {
            while self.letters.next().is_some() {}
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        self.letters.next_if_eq(&wanted).is_some()
    }

    fn value(&mut self) -> Option<Located> {
        self.skip();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = match *self.letters.peek()? {
            '[' => {
                self.letters.next();
                Data::List(self.items(']')?.0)
            }
            '(' => {
                self.letters.next();
                match self.items(')')? {
                    // Parentheses around one value are but parentheses.
                    (mut items, false) if items.len() == 1 => {
                        self.depth -= 1;
                        return items.pop();
                    }
                    (items, _) => Data::List(items),
                }
            }
            '{' => {
                self.letters.next();
                self.map_or_set()?
            }
            '\'' | '"' => Data::Str(self.strings()?),
            '+' | '-' | '.' | '0'..='9' => self.number()?,
            _ => self.word()?,
        };
        self.depth -= 1;
        Some(self.located(value))
    }

    /// Items up to the closing bracket, and whether a comma was among them.
    fn items(&mut self, close: char) -> Option<(Vec<Located>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.skip();
            if self.take(close) {
                return Some((items, comma));
            }
            items.push(self.value()?);
            self.skip();
            if self.take(',') {
                comma = true;
            } else {
                return self.take(close).then_some((items, comma));
            }
        }
    }

    fn map_or_set(&mut self) -> Option<Data> {
        self.skip();
        if self.take('}') {
            return Some(Data::Map(Map::new()));
        }
        let first = self.value()?;
        self.skip();
        if !self.take(':') {
            let mut items = vec![first];
            if self.take(',') {
                items.extend(self.items('}')?.0);
            } else if !self.take('}') {
                return None;
            }
            return Some(Data::List(items));
        }
        let mut map = Map::new();
        let mut key = first;
        loop {
            let value = self.value()?;
            map.insert(key_text(&key)?, Field { key: self.place.clone(), value });
            self.skip();
            let more = self.take(',');
            self.skip();
            if self.take('}') {
                return Some(Data::Map(map));
            }
            if !more {
                return None;
            }
            key = self.value()?;
            self.skip();
            if !self.take(':') {
                return None;
            }
        }
    }

    fn word(&mut self) -> Option<Data> {
        let mut word = String::new();
        while let Some(letter) = self.letters.next_if(|letter| letter.is_alphanumeric() || *letter == '_') {
            word.push(letter);
        }
        match (word.as_str(), self.letters.peek()) {
            ("True", _) => Some(Data::Bool(true)),
            ("False", _) => Some(Data::Bool(false)),
            ("None", _) => Some(Data::Null),
            (prefix, Some('\'' | '"')) => match prefix.to_ascii_lowercase().as_str() {
                "r" | "br" | "rb" => Some(Data::Str(self.string(true)?)),
                "u" | "b" => Some(Data::Str(self.strings()?)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Numbers: those with digits apart by underscores, of other bases, with a fraction.
    fn number(&mut self) -> Option<Data> {
        let mut negative = false;
        while let Some(sign) = self.letters.next_if(|letter| matches!(letter, '+' | '-')) {
            negative ^= sign == '-';
            self.skip();
        }
        let mut text = String::new();
        while let Some(letter) = self.letters.peek().copied() {
            let exponent = text.ends_with(['e', 'E']) && !text.starts_with("0x") && matches!(letter, '+' | '-');
            if !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.') || exponent) {
                break;
            }
            text.push(letter);
            self.letters.next();
        }
        if text == "..." && !negative {
            return Some(Data::Str(text));
        }
        let apart = |digits: &str| !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__");
        let lower = text.to_ascii_lowercase();
        for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = lower.strip_prefix(prefix) {
                let digits = digits.strip_prefix('_').unwrap_or(digits);
                let number = i64::from_str_radix(&digits.replace('_', ""), base).ok()?;
                return apart(digits).then_some(Data::Int(if negative { -number } else { number }));
            }
        }
        if !apart(&lower) || lower.contains("._") || lower.contains("_.") {
            return None;
        }
        let digits = lower.replace('_', "");
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            // 007 is no number of Python's, 000 is.
            if digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|byte| byte != b'0') {
                return None;
            }
            let number: i64 = digits.parse().ok()?;
            return Some(Data::Int(if negative { -number } else { number }));
        }
        let number = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'));
        let number: f64 = number.then(|| digits.parse().ok())??;
        Some(Data::Float(if negative { -number } else { number }))
    }

    /// Strings side by side, which are one.
    fn strings(&mut self) -> Option<String> {
        let mut text = self.string(false)?;
        loop {
            while self.letters.next_if(|letter| matches!(letter, ' ' | '\t')).is_some() {}
            if !matches!(self.letters.peek(), Some('\'' | '"')) {
                return Some(text);
            }
            text.push_str(&self.string(false)?);
        }
    }

    fn string(&mut self, raw: bool) -> Option<String> {
        let quote = self.letters.next()?;
        let mut text = String::new();
        let mut long = false;
        if self.take(quote) {
            if !self.take(quote) {
                return Some(text);
            }
            long = true;
        }
        loop {
            let letter = self.letters.next()?;
            if letter == quote {
                if !long {
                    return Some(text);
                }
                if self.take(quote) {
                    if self.take(quote) {
                        return Some(text);
                    }
                    text.push(quote);
                }
                text.push(quote);
            } else if letter == '\\' {
                let next = self.letters.next()?;
                match raw {
                    true => text.extend(['\\', next]),
                    false => self.escape(next, &mut text)?,
                }
            } else {
                text.push(letter);
            }
        }
    }

    fn escape(&mut self, letter: char, text: &mut String) -> Option<()> {
        let plain = match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            '\\' | '\'' | '"' => letter,
            '0'..='7' => {
                let mut number = letter.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = self.letters.next_if(|letter| letter.is_digit(8)) else { break };
                    number = number * 8 + digit.to_digit(8)?;
                }
                char::from_u32(number)?
            }
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            'N' => return None,
            // An escape that is none stays as it is.
            other => {
                text.push('\\');
                other
            }
        };
        text.push(plain);
        Some(())
    }

    fn code(&mut self, digits: usize) -> Option<char> {
        let mut number = 0u32;
        for _ in 0..digits {
            number = number.checked_mul(16)? + self.letters.next()?.to_digit(16)?;
        }
        char::from_u32(number)
    }
}

/// A key as JSON has it.
fn key_text(key: &Located) -> Option<String> {
    match &key.value {
        Data::Str(text) => Some(text.clone()),
        Data::Int(number) => Some(number.to_string()),
        Data::Float(number) => Some(format!("{number:?}")),
        Data::Bool(value) => Some(value.to_string()),
        Data::Null => Some("null".to_string()),
        Data::List(_) | Data::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_python_are_read() {
        let read = |text: &str| value(text, &Place::file("hosts")).to_value().to_string();
        for (text, expected) in [
            ("80", "80"),
            ("80 # web", "80"),
            ("-5", "-5"),
            ("1_000", "1000"),
            ("0x1f", "31"),
            ("0o17", "15"),
            ("1.5e3", "1500.0"),
            (".5", "0.5"),
            ("0644", "\"0644\""),
            ("00", "0"),
            ("1_", "\"1_\""),
            ("True", "true"),
            ("true", "\"true\""),
            ("None", "nothing"),
            ("'80'", "\"80\""),
            ("\"a\" 'b'", "\"ab\""),
            ("r'a\\n'", "\"a\\\\n\""),
            ("b'x'", "\"x\""),
            ("'\\x41\\u00e9\\101\\q'", "\"AéA\\\\q\""),
            ("'''a'b'''", "\"a'b\""),
            ("[1, 'a', [2.0], ]", "[1, \"a\", [2.0]]"),
            ("(1,)", "[1]"),
            ("(1)", "1"),
            ("1, 2", "[1, 2]"),
            ("{'a': 1, 2: {'b': None}}", "{a: 1, 2: {b: nothing}}"),
            ("{1, 2}", "[1, 2]"),
            ("{}", "{}"),
            ("10.0.0.1", "\"10.0.0.1\""),
            ("ops", "\"ops\""),
            ("a = b", "\"a = b\""),
            ("'open", "\"'open\""),
            ("[1", "\"[1\""),
            ("1j", "\"1j\""),
            ("", "\"\""),
            ("{{ x }}", "\"{{ x }}\""),
            ("99999999999999999999", "\"99999999999999999999\""),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let deep = ["[".repeat(5000), "]".repeat(5000)].concat();
        assert!(matches!(value(&deep, &Place::file("hosts")).value, Data::Str(_)));
    }
}
