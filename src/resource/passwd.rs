//! `passwd`

use super::accounts::{database, has_database, lines};
use super::catalogue::row;
use super::{Args, Instance, Rows};
use crate::node::{Seen, Sight};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Lists the accounts in `/etc/passwd`, or in another file of its form.
    ///
    /// The file itself is read: accounts that only a directory service knows are in
    /// `users`. A line the C library skips because it is malformed is no account; its
    /// number is in `skipped_lines`.
    Passwd = "passwd" {
        source: "passwd(5)",
        example: r#"describe(passwd():where { uid = 0 }.users, "users with uid 0"):it(eq { "root" })"#,
        falsified: ("\"root\"", "\"admin\""),
        args {
            /// The file to read instead of `/etc/passwd`.
            path: Str optional,
        }
        properties {
            /// The lines that are accounts, as they are written.
            lines: List = |this: &Passwd, seen: &Seen<'_>| this.parsed(seen).map(|parsed| Value::strings(&parsed.lines));
            /// The numbers of the lines that readers skip because they are malformed.
            skipped_lines: List = |this: &Passwd, seen: &Seen<'_>| this.parsed(seen).map(|parsed| parsed.skipped.clone());
            /// The whole file.
            content: Str = |this: &Passwd, seen: &Seen<'_>| database(seen, &this.path).map(|bytes| Value::from_bytes(&bytes));
        }
        predicates {}
        methods {}
        table {
            /// The login names.
            users <- user: Str;
            /// The password fields; `x` where the password is in `/etc/shadow`.
            passwords <- password: Str;
            /// The user numbers.
            uids <- uid: Int;
            /// The numbers of the primary groups.
            gids <- gid: Int;
            /// The comment fields (GECOS).
            descs <- desc: Str;
            /// The home directories.
            homes <- home: Str;
            /// The login shells; empty means `/bin/sh`.
            shells <- shell: Str;
        } rows: |this: &Passwd, seen: &Seen<'_>| this.parsed(seen).map(|parsed| parsed.rows.clone()),
    }
}

/// A file in the form of passwd(5).
pub struct Passwd {
    path: Arc<str>,
}

struct Parsed {
    rows: Rows,
    lines: Vec<String>,
    skipped: Vec<Value>,
}

impl Passwd {
    fn new(args: &Args) -> Result<Passwd, String> {
        Ok(Passwd { path: args.text("path").unwrap_or_else(|| "/etc/passwd".into()) })
    }

    fn parsed(&self, seen: &Seen<'_>) -> Sight<Rc<Parsed>> {
        seen.parsed(&self.path, || Ok(parse(&database(seen, &self.path)?)))
    }
}

fn parse(content: &[u8]) -> Parsed {
    let (mut rows, mut kept, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines(content) {
        let fields: Vec<&str> = line.fields().collect();
        // What begins with + or - asks NIS, and is an account only there.
        let ids = match fields[..] {
            [name, _, uid, gid, ..] if !name.starts_with(['+', '-']) => {
                uid.parse::<u32>().ok().zip(gid.parse::<u32>().ok())
            }
            _ => None,
        };
        let Some((uid, gid)) = ids else {
            skipped.push(Value::from(line.number));
            continue;
        };
        let field = |index: usize| Value::from(*fields.get(index).unwrap_or(&""));
        rows.push(row([
            ("user", field(0)),
            ("password", field(1)),
            ("uid", uid.into()),
            ("gid", gid.into()),
            ("desc", field(4)),
            ("home", field(5)),
            ("shell", field(6)),
        ]));
        kept.push(line.text);
    }
    Parsed { rows: Rows::new(rows), lines: kept, skipped }
}

impl Instance for Passwd {
    fn title(&self) -> String {
        format!("Accounts in {}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        has_database(seen, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::Read;
    use crate::resource::testing::{Trial, missing};
    use crate::transport::scripted::Scripted;
    use crate::value::Value;

    fn passwd(content: &[u8]) -> Trial {
        let node = Scripted::new().with(Read { path: "/etc/passwd".into() }, Some(content.into()));
        Trial::of("passwd", [], node)
    }

    #[test]
    fn accounts_are_rows_with_numbers_as_numbers() {
        let passwd = passwd(b"root:x:0:0:root:/root:/bin/bash\n# gone\nweb:x:33:34:Web, Server:/var/www:\n");
        assert_eq!(passwd.its("users"), Ok(Value::strings(["root", "web"])));
        assert_eq!(passwd.its("uids"), Ok(vec![0i64, 33].into()));
        assert_eq!(passwd.its("gids"), Ok(vec![0i64, 34].into()));
        assert_eq!(passwd.its("descs"), Ok(Value::strings(["root", "Web, Server"])));
        assert_eq!(passwd.its("shells"), Ok(Value::strings(["/bin/bash", ""])));
        assert_eq!(passwd.rounds(), 1);
    }

    #[test]
    fn a_line_that_is_no_account_is_skipped_and_told() {
        let passwd = passwd(
            b"+::::::\nroot:x:0:0\nbad:x:zero:0:::\nbig:x:4294967296:0:::\nminus:x:-1:0:::\nshort:x\n\xff:x:7:7:::",
        );
        assert_eq!(passwd.its("users"), Ok(Value::strings(["root", "\u{fffd}"])));
        assert_eq!(passwd.its("skipped_lines"), Ok(vec![1i64, 3, 4, 5, 6].into()));
    }

    #[test]
    fn without_the_file_there_are_no_accounts_to_speak_of() {
        let node = Scripted::new().with(Read { path: "/srv/passwd".into() }, None);
        let passwd = Trial::of("passwd", ["/srv/passwd".into()], node);
        assert_eq!(passwd.exists(), Ok(false));
        assert_eq!(missing(passwd.its("users")), "File /srv/passwd");
    }
}
