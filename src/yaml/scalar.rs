//! What a scalar means: the rules of YAML 1.2's core schema (section 10.3.2) as
//! `serde_norway` applies them.

use super::Data;

/// Why a scalar has no meaning here.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    /// An integer beyond 64 bits, which would lose digits.
    TooLarge,
    /// The text is not what its tag says: `!!int x`.
    NotA(&'static str),
    /// A tag other than those of the core schema.
    Tag,
}

/// The meaning of a plain scalar without a tag.
pub(super) fn plain(text: &str) -> Result<Data, Refused> {
    if text.is_empty() || is_null(text) {
        return Ok(Data::Null);
    }
    if let Some(value) = boolean(text) {
        return Ok(Data::Bool(value));
    }
    if leading_zero(text) {
        return Ok(Data::Str(text.to_string()));
    }
    if let Some(value) = integer(text)? {
        return Ok(Data::Int(value));
    }
    Ok(float(text).map_or_else(|| Data::Str(text.to_string()), Data::Float))
}

/// The meaning of a scalar with one of the core schema's tags, such as `str`.
pub(super) fn tagged(tag: &str, text: &str) -> Result<Data, Refused> {
    match tag {
        "str" => Ok(Data::Str(text.to_string())),
        "null" if text.is_empty() || is_null(text) => Ok(Data::Null),
        "null" => Err(Refused::NotA("null")),
        "bool" => boolean(text).map(Data::Bool).ok_or(Refused::NotA("a boolean")),
        "int" if leading_zero(text) => Err(Refused::NotA("an integer")),
        "int" => integer(text)?.map(Data::Int).ok_or(Refused::NotA("an integer")),
        "float" => float(text).map(Data::Float).ok_or(Refused::NotA("a number")),
        _ => Err(Refused::Tag),
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "null" | "Null" | "NULL" | "~")
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Whether the text is digits that begin with a zero, such as the mode `0644`: octal to
/// one reader, decimal to another, so it stays text.
fn leading_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A decimal, `0x`, `0o` or `0b` integer with an optional sign.
fn integer(text: &str) -> Result<Option<i64>, Refused> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match unsigned.get(..2) {
        Some("0x") => (&unsigned[2..], 16),
        Some("0o") => (&unsigned[2..], 8),
        Some("0b") => (&unsigned[2..], 2),
        _ => (unsigned, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Ok(None);
    }
    let sign = if negative { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).map(Some).map_err(|_| Refused::TooLarge)
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if text.starts_with('+') && unsigned.starts_with(['+', '-']) {
        return None;
    }
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        // `inf` and `1e999` parse in Rust, but are words to YAML.
        _ => unsigned.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text here means the same to serde_norway, so that a file read by either
    /// (the yaml resource, an inventory) holds the same values.
    #[test]
    fn scalars_mean_what_serde_norway_says() {
        let texts = [
            "",
            "~",
            "null",
            "Null",
            "NULL",
            "nil",
            "true",
            "True",
            "TRUE",
            "tRue",
            "false",
            "no",
            "yes",
            "on",
            "off",
            "y",
            "n",
            "0",
            "-0",
            "+0",
            "1",
            "-1",
            "+1",
            "+-1",
            "-+1",
            "--1",
            "+",
            "00",
            "0644",
            "-0644",
            "+0644",
            "0o644",
            "-0o17",
            "0o8",
            "0x1F",
            "0x",
            "0xg",
            "-0xff",
            "+0xff",
            "0x+5",
            "0x-5",
            "0b101",
            "-0b11",
            "0b2",
            "1_000",
            "1,000",
            "9.10",
            "9.1",
            "1.",
            ".5",
            "-.5",
            "+.5",
            "1e3",
            "1E-3",
            "12e",
            "e3",
            "1e999",
            "inf",
            "-inf",
            "infinity",
            "nan",
            ".inf",
            "+.inf",
            "-.Inf",
            ".INF",
            ".nan",
            ".NaN",
            ".nAn",
            "00.5",
            "0.10",
            "-00.5",
            "1.2.3",
            "12:30:45",
            "2026-12-31",
            "9223372036854775807",
            "-9223372036854775808",
            "0777a",
            "64 KiB",
            "1k",
            "0o",
            "0b",
            "٣",
        ];
        for text in texts {
            let theirs: serde_yaml::Value = serde_yaml::from_str(&format!("- {text}")).unwrap();
            let theirs = &theirs.as_sequence().unwrap()[0];
            let ours = plain(text).unwrap();
            let same = match (&ours, theirs) {
                (Data::Null, serde_yaml::Value::Null) => true,
                (Data::Bool(a), serde_yaml::Value::Bool(b)) => a == b,
                (Data::Int(a), serde_yaml::Value::Number(b)) => b.as_i64() == Some(*a),
                (Data::Float(a), serde_yaml::Value::Number(b)) => {
                    b.is_f64() && b.as_f64().is_some_and(|b| *a == b || (a.is_nan() && b.is_nan()))
                }
                (Data::Str(a), serde_yaml::Value::String(b)) => a == b,
                _ => false,
            };
            assert!(same, "{text:?}: {ours:?} here, {theirs:?} there");
        }
    }

    #[test]
    fn an_integer_that_would_lose_digits_is_refused() {
        for text in ["9223372036854775808", "-9223372036854775809", "0xffffffffffffffffff"] {
            assert!(matches!(plain(text), Err(Refused::TooLarge)), "{text}");
        }
        assert!(matches!(plain("18446744073709551616.5"), Ok(Data::Float(_))));
    }
}
