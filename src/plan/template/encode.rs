//! How what `{{ }}` yields is written.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};
use std::fmt::Write;

/// How what `{{ }}` yields is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As a value of YAML and JSON in one line: text in double quotes, lists and maps in flow
    /// style. `| raw` writes text as it is.
    Yaml,
    /// Text as it is; everything else as [`Encoding::Yaml`].
    Raw,
    /// As a word of a POSIX shell: text in single quotes where it needs them, a list as one
    /// word an item. `| raw` writes text as it is.
    Shell,
}

/// Stand before and after a value that must not be broken out of; nothing else that is
/// rendered can hold them: they are noncharacters, which an encoded value writes by number.
pub const BEGIN: char = '\u{fdd0}';
pub const END: char = '\u{fdd1}';

/// The deepest nesting of a value that is written.
const MAX_DEPTH: usize = crate::yaml::MAX_DEPTH;

/// Writes a value. `marked`: between [`BEGIN`] and [`END`] where it could break out.
///
/// # Errors
/// A value that is no data, such as a function, or has something undefined in it.
pub fn write(out: &mut impl Write, value: &Value, encoding: Encoding) -> Result<(), Error> {
    // What `raw` gives, and what a macro or a `set` block has written already.
    if let (true, Some(text)) = (value.is_safe(), value.as_str()) {
        return Ok(out.write_str(text)?);
    }
    match (encoding, value.kind()) {
        (Encoding::Raw, ValueKind::String) => Ok(out.write_str(value.as_str().unwrap_or_default())?),
        (Encoding::Raw, _) => json(out, value, 0),
        (Encoding::Shell, ValueKind::Seq | ValueKind::Iterable) => {
            for (index, item) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.write_char(' ')?;
                }
                word(out, &item)?;
            }
            Ok(())
        }
        (Encoding::Shell, _) => word(out, value),
        (Encoding::Yaml, ValueKind::Number | ValueKind::Bool | ValueKind::None) => json(out, value, 0),
        (Encoding::Yaml, _) => {
            out.write_char(BEGIN)?;
            json(out, value, 0)?;
            Ok(out.write_char(END)?)
        }
    }
}

/// A value as JSON, which is YAML as well, in one line.
pub fn json(out: &mut impl Write, value: &Value, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("nested deeper than {MAX_DEPTH} levels")));
    }
    match value.kind() {
        ValueKind::None => out.write_str("null")?,
        ValueKind::Bool => write!(out, "{}", value.is_true())?,
        ValueKind::Number if value.is_integer() => write!(out, "{value}")?,
        ValueKind::Number => match f64::try_from(value.clone())? {
            number if number.is_nan() => out.write_str(".nan")?,
            number if number.is_infinite() => out.write_str(if number > 0.0 { ".inf" } else { "-.inf" })?,
            number => write!(out, "{number:?}")?,
        },
        ValueKind::String => quoted(out, value.as_str().unwrap_or_default())?,
        ValueKind::Bytes => quoted(out, &String::from_utf8_lossy(value.as_bytes().unwrap_or_default()))?,
        ValueKind::Seq | ValueKind::Iterable => {
            out.write_char('[')?;
            for (index, item) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.write_str(", ")?;
                }
                json(out, &item, depth + 1)?;
            }
            out.write_char(']')?;
        }
        ValueKind::Map => {
            out.write_char('{')?;
            for (index, key) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.write_str(", ")?;
                }
                // A key is text whatever it was, as in JSON.
                quoted(out, &key.to_string())?;
                out.write_str(": ")?;
                json(out, &value.get_item(&key)?, depth + 1)?;
            }
            out.write_char('}')?;
        }
        ValueKind::Undefined => {
            return Err(Error::new(ErrorKind::UndefinedError, "a value in it is undefined"));
        }
        other => {
            return Err(Error::new(ErrorKind::InvalidOperation, format!("{other} is no value that can be written")));
        }
    }
    Ok(())
}

/// Text in double quotes, as JSON and YAML both read it: no line end, no control character
/// and no noncharacter stands in it as itself.
fn quoted(out: &mut impl Write, text: &str) -> std::fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fdd0}'..='\u{fdef}') => {
                write!(out, "\\u{:04x}", c as u32)?;
            }
            c if (c as u32) & 0xfffe == 0xfffe => write!(out, "\\U{:08x}", c as u32)?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

/// One word of a shell; NUL, which no argument can hold, is refused.
fn word(out: &mut impl Write, value: &Value) -> Result<(), Error> {
    let mut text = String::new();
    write(&mut text, value, Encoding::Raw)?;
    if text.contains('\0') {
        return Err(Error::new(ErrorKind::InvalidOperation, "a NUL character cannot stand on a command line"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(out.write_str(&text)?);
    }
    Ok(write!(out, "'{}'", text.replace('\'', r"'\''"))?)
}
