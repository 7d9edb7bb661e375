//! File modes against what a control says of them.

use crate::value::{Value, mode_text};

/// The mode that text means, where a mode is found: three or four octal digits.
pub(super) fn parse(text: &str) -> Option<u16> {
    let octal = (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if octal { u16::from_str_radix(text, 8).ok() } else { None }
}

/// The mode that text looks like wherever it is found: a zero and three or four octal
/// digits.
pub(super) fn looks_like(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('0')?;
    let octal = (3..=4).contains(&digits.len()) && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if octal { u16::from_str_radix(digits, 8).ok() } else { None }
}

/// The mode an operand means where a mode was found, or why it means none.
pub(super) fn operand(operand: &Value) -> Result<u16, String> {
    match operand {
        Value::Mode(mode) => Ok(*mode),
        Value::Str(text) => parse(text).or_else(|| looks_like(text)).ok_or_else(|| {
            format!("a file mode is written as octal digits such as \"0640\", not as {}", super::show::excerpt(operand))
        }),
        Value::Int(number) => Err(number_for_mode(*number)),
        other => Err(format!("a file mode is compared with a string such as \"0640\", not with {}", other.type_name())),
    }
}

/// What to tell somebody who wrote a number for a mode.
pub(super) fn number_for_mode(number: i64) -> String {
    let digits = number.to_string();
    let written = if digits.len() <= 4 && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        format!("{digits:0>4}")
    } else {
        u16::try_from(number).ok().filter(|mode| *mode <= 0o7777).map_or_else(|| "0640".to_string(), mode_text)
    };
    format!(
        "a file mode is compared with a string, not with the number {number} (Lua reads 0640 as the decimal number 640): write \"{written}\""
    )
}
