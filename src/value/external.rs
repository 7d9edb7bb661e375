//! Texts that are named instead of written: the content of a file, an environment variable.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

/// The most bytes a file may hold that stands for one text.
const CAP: u64 = 1 << 20;

/// Looks up an environment variable: `std::env::var_os`, or what a test has.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The text of a file, without the line end it ends in: every editor writes one, and no
/// password has it.
///
/// # Errors
/// It cannot be read, is no UTF-8 or too large; the message reads after the file's name.
pub fn of_file(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(CAP + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > CAP {
        return Err(format!("is larger than {} MiB, the most a value takes", CAP >> 20));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_string())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// The text of an environment variable.
///
/// # Errors
/// It is not set, not UTF-8, or there can be no variable of this name.
pub fn of_variable(variable: &str, environment: Environment<'_>) -> Result<String, &'static str> {
    if variable.is_empty() || variable.contains(['=', '\0']) {
        return Err("no environment variable has such a name");
    }
    match environment(variable).map(OsString::into_string) {
        Some(Ok(text)) => Ok(text),
        Some(Err(_)) => Err("the environment variable is not UTF-8"),
        None => Err("the environment variable is not set"),
    }
}
