//! `shadow`

use super::accounts::{database, has_database, lines};
use super::catalogue::row;
use super::{Args, Instance, Row, Rows};
use crate::node::{Seen, Sight};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Lists the passwords and their ageing in `/etc/shadow`, or in another file of its
    /// form.
    ///
    /// The password hashes are secret and are masked wherever a value leaves the run. To
    /// say something about passwords, use `password_status` and `algorithm` instead.
    /// Fields that are empty in the file are absent. A line the C library skips because it
    /// is malformed is left out; its number is in `skipped_lines`.
    Shadow = "shadow" {
        source: "shadow(5), crypt(5)",
        example: r#"describe(shadow()):its("users", contains "root")
describe(shadow():where { password_status = "empty" }.users, "users with an empty password"):it(len(0))"#,
        falsified: ("contains \"root\"", "contains \"no:such:user\""),
        args {
            /// The file to read instead of `/etc/shadow`.
            path: Str optional,
        }
        properties {
            /// The numbers of the lines that readers skip because they are malformed.
            skipped_lines: List = |this: &Shadow, seen: &Seen<'_>| parsed(seen, &this.path).map(|parsed| parsed.skipped.clone());
            /// The whole file; secret.
            content: Str = |this: &Shadow, seen: &Seen<'_>| database(seen, &this.path).map(|bytes| Value::from_bytes(&bytes));
        }
        predicates {}
        methods {}
        table {
            /// The login names.
            users <- user: Str;
            /// The password hashes; secret.
            passwords <- password: Str;
            /// What the password fields amount to: `set`, `locked` (no password fits) or
            /// `empty` (none is asked for).
            password_statuses <- password_status: Str;
            /// How the passwords are hashed, also behind a lock: `yescrypt`,
            /// `gost-yescrypt`, `scrypt`, `argon2`, `bcrypt`, `sha512`, `sha256`, `sha1`,
            /// `sunmd5`, `md5`, `nt`, `bsdi`, `des` or `unknown`; absent where there is no
            /// hash.
            algorithms <- algorithm: Str;
            /// When the passwords were last changed, in days since 1970-01-01; 0: to be
            /// changed at the next login.
            last_changes <- last_change: Int;
            /// Days before a password may be changed again.
            min_days <- min_days: Int;
            /// Days after which a password must be changed.
            max_days <- max_days: Int;
            /// Days of warning before a password expires.
            warn_days <- warn_days: Int;
            /// Days after a password expired in which it still serves to change it.
            inactive_days <- inactive_days: Int;
            /// When the accounts expire, in days since 1970-01-01.
            expiry_dates <- expiry_date: Int;
            /// The last field, which has no meaning yet.
            reserved <- reserved: Str;
        } rows: |this: &Shadow, seen: &Seen<'_>| {
            parsed(seen, &this.path).map(|parsed| Rows::new(parsed.records.iter().map(Record::row)))
        },
    }
}

/// A file in the form of shadow(5).
pub struct Shadow {
    path: Arc<str>,
}

/// Where the passwords of the machine are.
pub const PATH: &str = "/etc/shadow";

/// One line.
#[derive(Debug, Clone)]
pub struct Record {
    pub user: String,
    pub password: String,
    pub last_change: Option<i64>,
    pub min_days: Option<i64>,
    pub max_days: Option<i64>,
    pub warn_days: Option<i64>,
    pub inactive_days: Option<i64>,
    pub expiry_date: Option<i64>,
    reserved: String,
}

/// The lines that are read and the numbers of those that are not.
pub struct Parsed {
    pub records: Vec<Record>,
    skipped: Vec<Value>,
}

/// What a password field amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A hash some password fits.
    Set,
    /// No hash at all, or one that is locked: no password fits.
    Locked,
    /// No password is asked for.
    Empty,
}

impl Record {
    /// What the password field amounts to. Unlike `passwd -S`, a field that is no hash
    /// counts as locked whatever it begins with, since no password can fit it.
    pub fn status(&self) -> Status {
        match self.password.as_str() {
            "" => Status::Empty,
            locked if locked.starts_with(['!', '*']) => Status::Locked,
            _ if self.algorithm().is_some() => Status::Set,
            _ => Status::Locked,
        }
    }

    /// How the password is hashed, by the prefixes of crypt(5); `None` for no hash.
    pub fn algorithm(&self) -> Option<&'static str> {
        let hash = self.password.trim_start_matches('!');
        const PREFIXES: &[(&str, &str)] = &[
            ("$y$", "yescrypt"),
            ("$gy$", "gost-yescrypt"),
            ("$7$", "scrypt"),
            ("$argon2", "argon2"),
            ("$2", "bcrypt"),
            ("$6$", "sha512"),
            ("$5$", "sha256"),
            ("$sha1", "sha1"),
            ("$md5", "sunmd5"),
            ("$1$", "md5"),
            ("$3$", "nt"),
        ];
        if let Some((_, name)) = PREFIXES.iter().find(|(prefix, _)| hash.starts_with(prefix)) {
            return Some(name);
        }
        let is_hash64 = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte));
        match hash.len() {
            13 if is_hash64(hash) => Some("des"),
            20 if hash.starts_with('_') && is_hash64(&hash[1..]) => Some("bsdi"),
            _ if hash.starts_with('$') => Some("unknown"),
            _ => None,
        }
    }

    fn row(&self) -> Row {
        let status = match self.status() {
            Status::Set => "set",
            Status::Locked => "locked",
            Status::Empty => "empty",
        };
        row([
            ("user", self.user.as_str().into()),
            ("password", self.password.as_str().into()),
            ("password_status", status.into()),
            ("algorithm", self.algorithm().into()),
            ("last_change", self.last_change.into()),
            ("min_days", self.min_days.into()),
            ("max_days", self.max_days.into()),
            ("warn_days", self.warn_days.into()),
            ("inactive_days", self.inactive_days.into()),
            ("expiry_date", self.expiry_date.into()),
            ("reserved", self.reserved.as_str().into()),
        ])
    }
}

impl Shadow {
    fn new(args: &Args) -> Result<Shadow, String> {
        Ok(Shadow { path: args.text("path").unwrap_or_else(|| PATH.into()) })
    }
}

/// The records of a file, parsed once per node.
pub fn parsed(seen: &Seen<'_>, path: &Arc<str>) -> Sight<Rc<Parsed>> {
    seen.parsed(path, || Ok(parse(&database(seen, path)?)))
}

fn parse(content: &[u8]) -> Parsed {
    let (mut records, mut skipped) = (Vec::new(), Vec::new());
    for line in lines(content) {
        match record(&line.fields().collect::<Vec<_>>()) {
            Some(record) => records.push(record),
            None => skipped.push(Value::from(line.number)),
        }
    }
    Parsed { records, skipped }
}

/// A record from the fields of a line; the old form of five fields is read too.
fn record(fields: &[&str]) -> Option<Record> {
    if fields.len() < 5 || fields[0].starts_with(['+', '-']) {
        return None;
    }
    // Outside: the number is malformed. Inside: the field is empty, or -1 for the same.
    let number = |index: usize| match fields.get(index).map(|field| field.trim_start()) {
        None | Some("") => Some(None),
        Some(text) => text.parse::<i64>().ok().map(|number| (number >= 0).then_some(number)),
    };
    Some(Record {
        user: fields[0].to_string(),
        password: fields[1].to_string(),
        last_change: number(2)?,
        min_days: number(3)?,
        max_days: number(4)?,
        warn_days: number(5)?,
        inactive_days: number(6)?,
        expiry_date: number(7)?,
        reserved: fields.get(8).unwrap_or(&"").to_string(),
    })
}

impl Instance for Shadow {
    fn title(&self) -> String {
        format!("Passwords in {}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        has_database(seen, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{FaultKind, Read};
    use crate::resource::testing::{Trial, fault};
    use crate::transport::scripted::Scripted;

    fn shadow(content: &[u8]) -> Trial {
        Trial::of("shadow", [], Scripted::new().with(Read { path: PATH.into() }, Some(content.into())))
    }

    #[test]
    fn fields_are_numbers_or_absent() {
        let shadow = shadow(b"root:$6$a$b:19000:0:90:7:30:20000:\nbin:*:0:0:-1:7:::\nold:!:1:2:3\n");
        assert_eq!(shadow.its("users"), Ok(Value::strings(["root", "bin", "old"])));
        assert_eq!(shadow.its("last_changes"), Ok(vec![19_000i64, 0, 1].into()));
        assert_eq!(shadow.its("max_days"), Ok(Value::List(vec![Value::Int(90), Value::Nil, Value::Int(3)])));
        assert_eq!(shadow.its("expiry_dates"), Ok(Value::List(vec![Value::Int(20_000), Value::Nil, Value::Nil])));
        assert_eq!(shadow.rounds(), 1);
    }

    #[test]
    fn malformed_lines_are_skipped_as_the_c_library_does() {
        let shadow = shadow(b"a:x:soon:0:9:7:::\nb:*\n+\n:\nc::1:2:3:4:5:6:7");
        assert_eq!(shadow.its("users"), Ok(Value::strings(["c"])));
        assert_eq!(shadow.its("skipped_lines"), Ok(vec![1i64, 2, 3, 4].into()));
    }

    #[test]
    fn a_password_is_told_by_status_and_algorithm() {
        let of = |password: &str| {
            let record = record(&["u", password, "", "", ""]).unwrap();
            (record.status(), record.algorithm())
        };
        assert_eq!(of("$y$j9T$x"), (Status::Set, Some("yescrypt")));
        assert_eq!(of("!$6$x$y"), (Status::Locked, Some("sha512")));
        assert_eq!(of("$2b$12$x"), (Status::Set, Some("bcrypt")));
        assert_eq!(of("$99$x"), (Status::Set, Some("unknown")));
        assert_eq!(of("abJnggxhB/yWI"), (Status::Set, Some("des")));
        assert_eq!(of("x"), (Status::Locked, None));
        assert_eq!(of("!!"), (Status::Locked, None));
        assert_eq!(of("*"), (Status::Locked, None));
        assert_eq!(of(""), (Status::Empty, None));
        assert_eq!(of("_\u{fffd}234567890123456"), (Status::Locked, None), "no cut inside a character");
    }

    #[test]
    fn a_file_that_may_not_be_read_is_a_fault() {
        let node =
            Scripted::new().with_fault(Read { path: PATH.into() }, FaultKind::Denied, "may not read /etc/shadow");
        assert_eq!(fault(Trial::of("shadow", [], node).its("users")), "may not read /etc/shadow");
    }
}
