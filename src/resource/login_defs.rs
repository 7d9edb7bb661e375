//! `login_defs`

use super::catalogue::Key;
use super::{Args, Instance};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::Read;
use crate::value::Value;
use indexmap::IndexMap;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Reads the settings of the shadow password suite in `/etc/login.defs`.
    ///
    /// Every setting is a property; one that is not set is absent. Names keep their case.
    /// The settings login.defs(5) documents as numbers are integers (octal and hexadecimal
    /// notation is understood), `UMASK`, `HOME_MODE` and `TTYPERM` are modes such as
    /// `"0027"`, all others are strings. A number that is none is errored. The last of
    /// several lines counts. Where there is no `/etc/login.defs`, that of the vendor in
    /// `/usr/etc` is read.
    LoginDefs = "login_defs" {
        source: "login.defs(5)",
        example: r#"describe(login_defs()):its("PASS_MAX_DAYS", at_least(1))"#,
        falsified: ("at_least(1)", "less_than(1)"),
        args {
            /// The file to read instead of `/etc/login.defs`.
            path: Str optional,
        }
        properties {
            /// All settings as a map.
            params: Map = |this: &LoginDefs, seen: &Seen<'_>| this.settings(seen).and_then(|settings| settings.all());
            /// The file that was read.
            path: Str = |this: &LoginDefs, seen: &Seen<'_>| this.settings(seen).map(|settings| settings.path.clone());
        }
        predicates {}
        methods {}
        open: LoginDefs::at,
    }
}

/// The directives whose value is a number.
const NUMBERS: &[&str] = &[
    "BCRYPT_MAX_ROUNDS",
    "BCRYPT_MIN_ROUNDS",
    "FAIL_DELAY",
    "GID_MAX",
    "GID_MIN",
    "LASTLOG_UID_MAX",
    "LOGIN_RETRIES",
    "LOGIN_TIMEOUT",
    "MAX_MEMBERS_PER_GROUP",
    "PASS_CHANGE_TRIES",
    "PASS_MAX_DAYS",
    "PASS_MAX_LEN",
    "PASS_MIN_DAYS",
    "PASS_MIN_LEN",
    "PASS_WARN_AGE",
    "SHA_CRYPT_MAX_ROUNDS",
    "SHA_CRYPT_MIN_ROUNDS",
    "SUB_GID_COUNT",
    "SUB_GID_MAX",
    "SUB_GID_MIN",
    "SUB_UID_COUNT",
    "SUB_UID_MAX",
    "SUB_UID_MIN",
    "SYS_GID_MAX",
    "SYS_GID_MIN",
    "SYS_UID_MAX",
    "SYS_UID_MIN",
    "UID_MAX",
    "UID_MIN",
    "ULIMIT",
    "YESCRYPT_COST_FACTOR",
];

/// The directives whose value is a set of permission bits in octal.
const MODES: &[&str] = &["HOME_MODE", "TTYPERM", "UMASK"];

/// A file in the form of login.defs(5).
pub struct LoginDefs {
    path: Option<Arc<str>>,
}

/// The settings of one file as they are written, with their lines.
struct Settings {
    path: Arc<str>,
    written: IndexMap<String, (usize, String)>,
}

impl LoginDefs {
    fn new(args: &Args) -> Result<LoginDefs, String> {
        Ok(LoginDefs { path: args.text("path") })
    }

    fn settings(&self, seen: &Seen<'_>) -> Sight<Rc<Settings>> {
        seen.parsed(self.path.as_deref().unwrap_or(""), || {
            let read = |path: &Arc<str>| Read { path: path.clone() };
            let own = self.path.clone().unwrap_or_else(|| "/etc/login.defs".into());
            let vendor: Arc<str> = "/usr/etc/login.defs".into();
            let found = match &self.path {
                Some(_) => seen.get(read(&own))?.map(|content| (own.clone(), content)),
                None => {
                    let (first, second) = seen.all((read(&own), read(&vendor)))?;
                    first.map(|content| (own.clone(), content)).or(second.map(|content| (vendor, content)))
                }
            };
            let (path, content) = found.ok_or_else(|| Unseen::Missing(format!("File {own}")))?;
            Ok(Settings { path, written: parse(&content) })
        })
    }

    fn at(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        match path {
            [Key::Name(name)] => self.settings(seen)?.value(name),
            _ => Ok(Value::Nil),
        }
    }
}

/// Reads lines as the suite's own reader does: a name, blanks, and the rest of the line up
/// to a quotation mark. A name alone is no setting, and there are no comments behind one.
fn parse(content: &[u8]) -> IndexMap<String, (usize, String)> {
    let mut settings = IndexMap::new();
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line.trim_ascii());
        if line.starts_with('#') {
            continue;
        }
        let Some((name, rest)) = line.split_once([' ', '\t']) else { continue };
        let value = rest.trim_start_matches([' ', '\t', '"']).split('"').next().unwrap_or("");
        settings.insert(name.to_string(), (index + 1, value.to_string()));
    }
    settings
}

impl Settings {
    fn value(&self, name: &str) -> Sight<Value> {
        let Some((line, text)) = self.written.get(name) else { return Ok(Value::Nil) };
        let malformed = |what: &str| Unseen::malformed(format!("{}:{line}: {name} is {what}, not {text:?}", self.path));
        if MODES.contains(&name) {
            let mode = number(text).and_then(|mode| u16::try_from(mode).ok()).filter(|mode| *mode <= 0o7777);
            return mode.map(Value::Mode).ok_or_else(|| malformed("a mode in octal such as 027"));
        }
        if NUMBERS.contains(&name) {
            return number(text).map(Value::Int).ok_or_else(|| malformed("a number"));
        }
        Ok(Value::from(text.as_str()))
    }

    fn all(&self) -> Sight<Value> {
        let values: Sight<IndexMap<String, Value>> =
            self.written.keys().map(|name| Ok((name.clone(), self.value(name)?))).collect();
        values.map(Value::Map)
    }
}

/// A number as strtol(3) reads it with base 0: decimal, octal after `0`, hexadecimal after
/// `0x`.
fn number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = if let Some(digits) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        digits_in(digits, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        digits_in(digits, 8)
    } else {
        digits_in(digits, 10)
    };
    number.map(|number| sign * number)
}

/// Digits without a sign of their own.
fn digits_in(digits: &str, radix: u32) -> Option<i64> {
    digits.chars().all(|digit| digit.is_digit(radix)).then(|| i64::from_str_radix(digits, radix).ok()).flatten()
}

impl Instance for LoginDefs {
    fn title(&self) -> String {
        format!("Settings in {}", self.path.as_deref().unwrap_or("/etc/login.defs"))
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        match self.settings(seen) {
            Ok(_) => Ok(true),
            Err(Unseen::Missing(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::{Trial, fault, missing};
    use crate::transport::scripted::Scripted;

    fn read(path: &str) -> Read {
        Read { path: path.into() }
    }

    fn defs(own: Option<&[u8]>, vendor: Option<&[u8]>) -> Trial {
        let node = Scripted::new()
            .with(read("/etc/login.defs"), own.map(Into::into))
            .with(read("/usr/etc/login.defs"), vendor.map(Into::into));
        Trial::of("login_defs", [], node)
    }

    #[test]
    fn documented_settings_have_their_type() {
        let text = b"# c\nPASS_MAX_DAYS\t99999\nPASS_MAX_DAYS  90\n UMASK 027\nUID_MIN 0x3e8\nGID_MIN -1\nENV_PATH \"PATH=/bin\" x\nEMPTY\nENCRYPT_METHOD SHA512\t\r\n";
        let defs = defs(Some(text), None);
        assert_eq!(defs.its("PASS_MAX_DAYS"), Ok(Value::Int(90)), "the last one counts");
        assert_eq!(defs.its("UMASK"), Ok(Value::Mode(0o027)));
        assert_eq!(defs.its("UID_MIN"), Ok(Value::Int(1000)));
        assert_eq!(defs.its("GID_MIN"), Ok(Value::Int(-1)));
        assert_eq!(defs.its("ENV_PATH"), Ok("PATH=/bin".into()));
        assert_eq!(defs.its("ENCRYPT_METHOD"), Ok("SHA512".into()));
        assert_eq!(defs.its("EMPTY"), Ok(Value::Nil));
        assert_eq!(defs.its("pass_max_days"), Ok(Value::Nil), "names keep their case");
        assert_eq!(defs.rounds(), 1);
    }

    #[test]
    fn a_number_that_is_none_is_a_fault_with_its_line() {
        let defs = defs(
            Some(b"PASS_MIN_DAYS 7 # weekly\nUMASK 0999\nPASS_WARN_AGE \xff\nUID_MAX 99999999999999999999\n"),
            None,
        );
        assert_eq!(
            fault(defs.its("PASS_MIN_DAYS")),
            r#"/etc/login.defs:1: PASS_MIN_DAYS is a number, not "7 # weekly""#
        );
        assert!(fault(defs.its("UMASK")).contains(":2: UMASK is a mode in octal"));
        assert!(fault(defs.its("PASS_WARN_AGE")).contains(":3:"));
        assert!(fault(defs.its("UID_MAX")).contains(":4:"));
        assert_eq!(defs.its("PASS_MAX_DAYS"), Ok(Value::Nil), "the others stay readable");
    }

    #[test]
    fn the_vendor_file_stands_in_and_without_any_it_is_missing() {
        let vendor = defs(None, Some(b"PASS_MAX_DAYS 30\n"));
        assert_eq!(vendor.its("PASS_MAX_DAYS"), Ok(Value::Int(30)));
        assert_eq!(vendor.its("path"), Ok("/usr/etc/login.defs".into()));
        assert_eq!(vendor.rounds(), 1);
        let none = defs(None, None);
        assert_eq!(none.exists(), Ok(false));
        assert_eq!(missing(none.its("UMASK")), "File /etc/login.defs");
    }
}
