//! `etc_group`

use super::accounts::{database, has_database, lines};
use super::catalogue::row;
use super::{Args, Instance, Rows};
use crate::node::{Seen, Sight};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Lists the groups in `/etc/group`, or in another file of its form.
    ///
    /// The file itself is read: groups that only a directory service knows are in
    /// `groups`. Users whose primary group it is are not among a group's users unless
    /// they are written there. A line the C library skips because it is malformed is no
    /// group; its number is in `skipped_lines`.
    EtcGroup = "etc_group" {
        source: "group(5)",
        example: r#"describe(etc_group():where { gid = 0 }.groups, "groups with gid 0"):it(eq { "root" })"#,
        falsified: ("\"root\"", "\"wheel\""),
        args {
            /// The file to read instead of `/etc/group`.
            path: Str optional,
        }
        properties {
            /// The numbers of the lines that readers skip because they are malformed.
            skipped_lines: List = |this: &EtcGroup, seen: &Seen<'_>| this.parsed(seen).map(|parsed| parsed.skipped.clone());
            /// The whole file.
            content: Str = |this: &EtcGroup, seen: &Seen<'_>| database(seen, &this.path).map(|bytes| Value::from_bytes(&bytes));
        }
        predicates {}
        methods {}
        table {
            /// The names of the groups.
            groups <- group: Str;
            /// The password fields; `x` where the password is in `/etc/gshadow`.
            passwords <- password: Str;
            /// The numbers of the groups.
            gids <- gid: Int;
            /// The users of each group, a list for each.
            users <- users: List;
        } rows: |this: &EtcGroup, seen: &Seen<'_>| this.parsed(seen).map(|parsed| parsed.rows.clone()),
    }
}

/// A file in the form of group(5).
pub struct EtcGroup {
    path: Arc<str>,
}

struct Parsed {
    rows: Rows,
    skipped: Vec<Value>,
}

impl EtcGroup {
    fn new(args: &Args) -> Result<EtcGroup, String> {
        Ok(EtcGroup { path: args.text("path").unwrap_or_else(|| "/etc/group".into()) })
    }

    fn parsed(&self, seen: &Seen<'_>) -> Sight<Rc<Parsed>> {
        seen.parsed(&self.path, || Ok(parse(&database(seen, &self.path)?)))
    }
}

fn parse(content: &[u8]) -> Parsed {
    let (mut rows, mut skipped) = (Vec::new(), Vec::new());
    for line in lines(content) {
        let fields: Vec<&str> = line.fields().collect();
        match fields[..] {
            [name, password, gid, ref rest @ ..] if !name.starts_with(['+', '-']) && gid.parse::<u32>().is_ok() => {
                let users = rest.first().unwrap_or(&"").split(',').map(str::trim).filter(|user| !user.is_empty());
                rows.push(row([
                    ("group", name.into()),
                    ("password", password.into()),
                    ("gid", gid.parse::<u32>().ok().into()),
                    ("users", Value::strings(users)),
                ]));
            }
            _ => skipped.push(Value::from(line.number)),
        }
    }
    Parsed { rows: Rows::new(rows), skipped }
}

impl Instance for EtcGroup {
    fn title(&self) -> String {
        format!("Groups in {}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        has_database(seen, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::Read;
    use crate::resource::testing::Trial;
    use crate::transport::scripted::Scripted;
    use crate::value::Value;

    #[test]
    fn groups_have_lists_of_users_and_broken_lines_are_told() {
        let content: &[u8] = b"root:x:0:\nsudo:x:27:ann, bob,\nbroken:x:many:\nnogid:x\nwheel:x:10\n";
        let node = Scripted::new().with(Read { path: "/etc/group".into() }, Some(content.into()));
        let group = Trial::of("etc_group", [], node);
        assert_eq!(group.its("groups"), Ok(Value::strings(["root", "sudo", "wheel"])));
        let none = || Value::List(vec![]);
        assert_eq!(group.its("users"), Ok(Value::List(vec![none(), Value::strings(["ann", "bob"]), none()])));
        assert_eq!(group.its("skipped_lines"), Ok(vec![3i64, 4].into()));
        assert_eq!(group.rounds(), 1);
    }
}
