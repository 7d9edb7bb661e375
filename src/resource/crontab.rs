//! `crontab`

use super::cron_table::{self, Owner};
use super::{Args, Instance, Rows};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{AccountKey, Read, User};
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Lists the jobs in one cron table: a user's own, or a file.
    ///
    /// A user without a table has no jobs, and the table does not exist; a user that does
    /// not exist fails. A file in a spool directory is read as a user's own table, any
    /// other as a table of the system, whose lines name the user. A line cron cannot read
    /// is errored, since cron then ignores the whole table. `@daily` and its like stand as
    /// the five fields they mean; `@reboot` has none.
    Crontab = "crontab" {
        source: "crontab(5), cron(8)",
        example: r#"describe(crontab("root").commands, "commands in the crontab of root")
  :it(no(contains "/no/such/command"))"#,
        falsified: ("no(contains \"/no/such/command\")", "contains \"/no/such/command\""),
        args {
            /// The user whose table it is; `root` unless it is given.
            user: Str optional,
            /// The file to read instead, such as `/etc/crontab`.
            path: Str optional,
        }
        properties {
            /// The whole table; empty where there is none.
            content: Str = |this: &Crontab, seen: &Seen<'_>| {
                Ok(this.found(seen)?.map_or_else(|| "".into(), |(_, content)| Value::from_bytes(&content)))
            };
        }
        predicates {}
        methods {}
        table {
            /// The minutes as they are written, such as `*/5`.
            minutes <- minute: Str;
            /// The hours as they are written.
            hours <- hour: Str;
            /// The days of the month as they are written.
            days <- day: Str;
            /// The months as they are written.
            months <- month: Str;
            /// The days of the week as they are written.
            weekdays <- weekday: Str;
            /// All five together, or the short form, as they are written.
            schedules <- schedule: Str;
            /// The users the jobs run as.
            users <- user: Str;
            /// The commands.
            commands <- command: Str;
            /// The files the jobs are in.
            files <- file: Str;
            /// The numbers of the lines.
            lines <- line: Int;
        } rows: |this: &Crontab, seen: &Seen<'_>| match this.found(seen)? {
            Some((path, content)) => {
                cron_table::parse(&path, &this.owner(&path), &content).map(Rows::new)
            }
            None => Ok(Rows::default()),
        },
    }
}

/// One cron table.
pub enum Crontab {
    Of(Arc<str>),
    File(Arc<str>),
}

/// A path and what stands there.
type Table = (Arc<str>, Arc<[u8]>);

impl Crontab {
    fn new(args: &Args) -> Result<Crontab, String> {
        match (args.text("user"), args.text("path")) {
            (Some(_), Some(_)) => Err("crontab: give a user or a path, not both".to_string()),
            (None, Some(path)) => Ok(Crontab::File(path)),
            (Some(user), None) if user.is_empty() || user.contains('/') => {
                Err(format!("crontab: {user:?} is no user name; for a file say crontab {{ path = {user:?} }}"))
            }
            (user, None) => Ok(Crontab::Of(user.unwrap_or_else(|| "root".into()))),
        }
    }

    fn owner(&self, path: &str) -> Owner {
        match self {
            Crontab::Of(user) => Owner::User(user.clone()),
            Crontab::File(_) => Owner::of(path),
        }
    }

    /// The file with its content; `None`: the user has no table.
    fn found(&self, seen: &Seen<'_>) -> Sight<Option<Table>> {
        match self {
            Crontab::File(path) => {
                let content = seen.get(Read { path: path.clone() })?;
                let content = content.ok_or_else(|| Unseen::Missing(format!("File {path}")))?;
                Ok(Some((path.clone(), content)))
            }
            Crontab::Of(user) => {
                let [debian, suse, red_hat] = cron_table::of_user(user);
                let paths = [debian.path.clone(), suse.path.clone(), red_hat.path.clone()];
                let account = User { key: AccountKey::Name(user.clone()) };
                let (account, debian, suse, red_hat) = seen.all((account, debian, suse, red_hat))?;
                account.ok_or_else(|| Unseen::Missing(format!("User {user}")))?;
                let tables = paths.into_iter().zip([debian, suse, red_hat]);
                Ok(tables.filter_map(|(path, content)| Some((path, content?))).next())
            }
        }
    }
}

impl Instance for Crontab {
    fn title(&self) -> String {
        match self {
            Crontab::Of(user) => format!("Crontab of {user}"),
            Crontab::File(path) => format!("Crontab {path}"),
        }
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        match self.found(seen) {
            Ok(found) => Ok(found.is_some()),
            Err(Unseen::Missing(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Account, FaultKind};
    use crate::resource::testing::{Trial, fault, missing, named};
    use crate::transport::scripted::Scripted;

    fn node(user: &str, known: bool, red_hat: Option<&[u8]>) -> Scripted {
        let empty: Arc<str> = "".into();
        let (gecos, home, shell) = (empty.clone(), empty.clone(), empty);
        let account = Account { name: user.into(), uid: 1, gid: 1, gecos, home, shell };
        let [debian, suse, spool] = cron_table::of_user(user);
        Scripted::new()
            .with(User { key: AccountKey::Name(user.into()) }, known.then(|| Arc::new(account)))
            .with(debian, None)
            .with(suse, None)
            .with(spool, red_hat.map(Into::into))
    }

    #[test]
    fn a_users_table_is_found_in_any_spool_in_one_round() {
        let crontab = Trial::of("crontab", ["ann".into()], node("ann", true, Some(b"5 4 * * sun backup -x\n")));
        assert_eq!(crontab.its("commands"), Ok(Value::strings(["backup -x"])));
        assert_eq!(crontab.its("weekdays"), Ok(Value::strings(["sun"])));
        assert_eq!(crontab.its("users"), Ok(Value::strings(["ann"])));
        assert_eq!(crontab.its("files"), Ok(Value::strings(["/var/spool/cron/ann"])));
        assert_eq!(crontab.rounds(), 1);
    }

    #[test]
    fn no_table_means_no_jobs_and_no_user_is_missing() {
        let none = Trial::of("crontab", [], node("root", true, None));
        assert_eq!(none.exists(), Ok(false));
        assert_eq!(none.its("commands"), Ok(Value::List(vec![])));
        assert_eq!(none.title(), "Crontab of root");
        let nobody = Trial::of("crontab", ["bob".into()], node("bob", false, None));
        assert_eq!(nobody.exists(), Ok(false));
        assert_eq!(missing(nobody.its("commands")), "User bob");
    }

    #[test]
    fn a_file_is_given_by_path_only() {
        let path = || [named([("path", "/etc/crontab".into())])];
        let file = Read { path: "/etc/crontab".into() };
        let table: &[u8] = b"17 * * * * root run\n";
        let crontab = Trial::of("crontab", path(), Scripted::new().with(file.clone(), Some(table.into())));
        assert_eq!(crontab.its("users"), Ok(Value::strings(["root"])));
        let broken = Trial::of("crontab", path(), Scripted::new().with(file.clone(), Some(Arc::from(*b"nonsense"))));
        assert!(fault(broken.its("users")).starts_with("/etc/crontab:1: \"nonsense\" is no minute"));
        let denied = Trial::of("crontab", path(), Scripted::new().with_fault(file, FaultKind::Denied, "denied"));
        assert_eq!(fault(denied.exists()), "denied");
        let error = Trial::try_of("crontab", ["/etc/crontab".into()], Scripted::new()).err().unwrap();
        assert!(error.contains(r#"crontab { path = "/etc/crontab" }"#), "{error}");
    }
}
