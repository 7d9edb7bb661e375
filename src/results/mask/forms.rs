//! The forms a secret may take in text, as patterns.
//!
//! Not one pattern a form but one that takes every form at every character, so that what
//! was quoted twice, or quoted and then put into a URL, is found as well.

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};
use std::fmt::Write;

/// The secret as it is, quoted (Rust, Lua, JSON, shell, XML; several times if need be) or
/// percent-encoded.
pub fn quoted(secret: &str) -> String {
    secret.chars().map(character).collect()
}

/// The secret in base64, both alphabets, wherever in the encoded bytes it begins; empty
/// where so little of it would be certain that other text would be taken for it.
///
/// Three bytes become four characters, so there are three ways a text can lie in them.
/// The characters that also hold bits of what stands before or after it cannot be known;
/// they are taken along.
pub fn base64(secret: &str) -> Vec<String> {
    const SHORTEST: usize = 4;
    let bytes = secret.as_bytes();
    let mut forms = Vec::new();
    for before in 0..3 {
        let padded = [&[0; 2][..before], bytes].concat();
        let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for encoded in [BASE64_STANDARD_NO_PAD.encode(&padded), BASE64_URL_SAFE_NO_PAD.encode(&padded)] {
            let certain = &encoded[first..end];
            if certain.len() < SHORTEST {
                continue;
            }
            let any = "[A-Za-z0-9+/_-]";
            // Encoders break lines.
            let lines = r"(?:[\r\n]|\\+[rn])*";
            let left = if first > 0 { format!("{any}?") } else { String::new() };
            let right = if padded.len() % 3 != 0 { format!("{any}?") } else { String::new() };
            let certain: Vec<String> = certain.chars().map(digit).collect();
            let form = format!("{left}{}{right}=*", certain.join(lines));
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

/// A digit of base64; those that are no letters and numbers may be quoted in turn.
fn digit(c: char) -> String {
    match c {
        '+' => r"(?:\+|%(?:25)*2[bB]|\\+u002[bB])".to_string(),
        '/' => r"(?:\\*/|%(?:25)*2[fF])".to_string(),
        c => c.to_string(),
    }
}

/// One character in every form.
fn character(c: char) -> String {
    let literal = regex::escape(c.encode_utf8(&mut [0; 4]));
    if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
        // Encoders leave these as they are, but any may be written by its number.
        return format!("(?:{literal}|%(?:25)*{}|{})", hex(c as u8), numbered(c));
    }
    let mut forms = vec![format!(r"\\*{literal}"), numbered(c)];
    let mut bytes = [0; 4];
    let bytes = c.encode_utf8(&mut bytes).as_bytes();
    forms.push(bytes.iter().fold(String::new(), |mut form, byte| {
        let _ = write!(form, "%(?:25)*{}", hex(*byte));
        form
    }));
    let named: &[&str] = match c {
        '\\' => &[r"\\+"],
        '\n' => &[r"\\+n"],
        '\r' => &[r"\\+r"],
        '\t' => &[r"\\+t"],
        '\0' => &[r"\\+0"],
        '\u{7}' => &[r"\\+a"],
        '\u{8}' => &[r"\\+b"],
        '\u{b}' => &[r"\\+v"],
        '\u{c}' => &[r"\\+f"],
        '\u{1b}' => &[r"\\+e"],
        ' ' => &[r"\+"],
        '&' => &["&amp;"],
        '<' => &["&lt;"],
        '>' => &["&gt;"],
        '"' => &["&quot;"],
        // A single quote inside single quotes of a shell.
        '\'' => &["&apos;", "&#39;", r"'\\+''", "'\"'\"'"],
        _ => &[],
    };
    forms.extend(named.iter().map(|form| form.to_string()));
    format!("(?:{})", forms.join("|"))
}

/// A character by its number: `\u00e9`, `\u{e9}`, `\xc3\xa9`, `\195\169`.
fn numbered(c: char) -> String {
    let mut units = [0; 2];
    let utf16 = c.encode_utf16(&mut units).iter().fold(String::new(), |mut form, unit| {
        let [high, low] = unit.to_be_bytes();
        let _ = write!(form, r"\\+u{}{}", hex(high), hex(low));
        form
    });
    let digits: String = format!("{:x}", c as u32).chars().map(hex_digit).collect();
    let mut bytes = [0; 4];
    let bytes = c.encode_utf8(&mut bytes).as_bytes();
    let (mut hexadecimal, mut decimal) = (String::new(), String::new());
    for byte in bytes {
        let _ = write!(hexadecimal, r"\\+x{}", hex(*byte));
        let _ = write!(decimal, r"\\+0{{0,2}}{byte}");
    }
    format!(r"{utf16}|\\+u\{{0*{digits}\}}|{hexadecimal}|{decimal}")
}

/// Two hexadecimal digits in either case.
fn hex(byte: u8) -> String {
    format!("{byte:02x}").chars().map(hex_digit).collect()
}

fn hex_digit(digit: char) -> String {
    if digit.is_ascii_digit() { digit.to_string() } else { format!("[{digit}{}]", digit.to_ascii_uppercase()) }
}
