//! Lengths of time as people write them.

use super::Value;

/// Milliseconds of a number of seconds or of text with a unit, such as `"30s"`, `"2m"`,
/// `"1h"` or `"500ms"`; `None` for anything else.
pub fn milliseconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Int(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        Value::Str(text) => {
            let text = text.trim();
            let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            let number: f64 = text[..digits].parse().ok()?;
            number
                * match text[digits..].trim() {
                    "ms" => 0.001,
                    "s" | "" => 1.0,
                    "m" => 60.0,
                    "h" => 3600.0,
                    _ => return None,
                }
        }
        _ => return None,
    };
    (0.0..=1e9).contains(&seconds).then_some((seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        assert_eq!(milliseconds(&Value::from("500ms")), Some(500));
        assert_eq!(milliseconds(&Value::from("2m")), Some(120_000));
        assert_eq!(milliseconds(&Value::Int(3)), Some(3000));
        for wrong in ["soon", "", "-1s", "1e12", "1d", "99999999999h"] {
            assert_eq!(milliseconds(&Value::from(wrong)), None, "{wrong}");
        }
    }
}
