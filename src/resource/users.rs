//! `users`

use super::accounts::{day_of, memberships};
use super::catalogue::row;
use super::shadow::{self, Record};
use super::{Args, Instance, Rows, user};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{self, Groups};
use crate::value::Value;
use std::collections::HashMap;

resource! {
    /// Lists all users the system's account database gives, with groups and password
    /// ageing.
    ///
    /// Directory services that list their users are included. The ageing comes from
    /// `/etc/shadow` and is absent for a user without a line there. Where that file may
    /// not be read the whole table is errored; `passwd` lists the accounts without it.
    Users = "users" {
        source: "passwd(5), shadow(5), getent(1)",
        example: r#"describe(users()):its("usernames", contains "root")"#,
        falsified: ("\"root\"", "\"no such user\""),
        args {}
        properties {}
        predicates {}
        methods {}
        table {
            /// The login names.
            usernames <- username: Str;
            /// The numbers of the users.
            uids <- uid: Int;
            /// The numbers of the primary groups.
            gids <- gid: Int;
            /// The names of the primary groups, or their numbers where they have none.
            groupnames <- groupname: Str;
            /// The names of all groups of each user, a list for each, the primary one first.
            groups <- groups: List;
            /// The home directories.
            homes <- home: Str;
            /// The login shells; empty means `/bin/sh`.
            shells <- shell: Str;
            /// The comment fields.
            gecos <- gecos: Str;
            /// Days before the passwords may be changed again.
            mindays <- mindays: Int;
            /// Days after which the passwords must be changed.
            maxdays <- maxdays: Int;
            /// Days of warning before the passwords expire.
            warndays <- warndays: Int;
            /// Whether no password lets the user in, as `disabled` of the `user` resource.
            disabled <- disabled: Bool;
        } rows: Users::rows,
    }
}

/// All users.
pub struct Users;

impl Users {
    fn new(_: &Args) -> Result<Users, String> {
        Ok(Users)
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let listed = seen.all((probe::Users, Groups));
        let parsed = shadow::parsed(seen, &shadow::PATH.into());
        if matches!(parsed, Err(Unseen::Pending)) {
            return Err(Unseen::Pending);
        }
        let (accounts, groups) = listed?;
        let parsed = match parsed {
            Ok(parsed) => Some(parsed),
            // No file, no ageing.
            Err(Unseen::Missing(_)) => None,
            Err(other) => return Err(other),
        };
        let records: HashMap<&str, &Record> = parsed
            .iter()
            .flat_map(|parsed| parsed.records.iter().rev())
            .map(|record| (record.user.as_str(), record))
            .collect();
        let today = day_of(seen.now());
        Ok(Rows::new(accounts.iter().map(|account| {
            let record = records.get(&*account.name);
            let groupname = groups.iter().find(|group| group.gid == account.gid);
            row([
                ("username", account.name.clone().into()),
                ("uid", account.uid.into()),
                ("gid", account.gid.into()),
                (
                    "groupname",
                    groupname.map_or_else(|| account.gid.to_string().into(), |group| group.name.clone().into()),
                ),
                ("groups", Value::strings(memberships(account, &groups).map(|group| &group.name))),
                ("home", account.home.clone().into()),
                ("shell", account.shell.clone().into()),
                ("gecos", account.gecos.clone().into()),
                ("mindays", record.and_then(|record| record.min_days).into()),
                ("maxdays", record.and_then(|record| record.max_days).into()),
                ("warndays", record.and_then(|record| record.warn_days).into()),
                ("disabled", record.map(|record| user::is_disabled(record, today)).into()),
            ])
        })))
    }
}

impl Instance for Users {
    fn title(&self) -> String {
        "Users".to_string()
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!seen.get(probe::Users)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Account, FaultKind, GroupEntry, Read};
    use crate::resource::testing::{Trial, fault};
    use crate::transport::scripted::Scripted;
    use std::sync::Arc;

    fn node() -> Scripted {
        let account = |name: &str, uid, gid| Account {
            name: name.into(),
            uid,
            gid,
            gecos: "".into(),
            home: "/".into(),
            shell: "".into(),
        };
        let groups = [GroupEntry { name: "root".into(), gid: 0, members: vec!["ann".into()] }];
        Scripted::new()
            .with(probe::Users, Arc::from([account("root", 0, 0), account("ann", 7, 7)]))
            .with(Groups, Arc::from(groups))
    }

    #[test]
    fn every_user_is_a_row_after_one_round() {
        let shadow: &[u8] = b"root:*:19000:0:90:7:::\nroot::19000:0:1:7:::\n";
        let users = Trial::of("users", [], node().with(Read { path: "/etc/shadow".into() }, Some(shadow.into())));
        assert_eq!(users.its("usernames"), Ok(Value::strings(["root", "ann"])));
        assert_eq!(users.its("groupnames"), Ok(Value::strings(["root", "7"])));
        assert_eq!(users.its("groups"), Ok(Value::List(vec![Value::strings(["root"]), Value::strings(["root"])])));
        assert_eq!(users.its("maxdays"), Ok(Value::List(vec![Value::Int(90), Value::Nil])), "the first line counts");
        assert_eq!(users.its("disabled"), Ok(Value::List(vec![true.into(), Value::Nil])));
        assert_eq!(users.rounds(), 1);
    }

    #[test]
    fn an_unreadable_shadow_is_a_fault_not_absent_ageing() {
        let node = node().with_fault(Read { path: "/etc/shadow".into() }, FaultKind::Denied, "denied");
        assert_eq!(fault(Trial::of("users", [], node).its("maxdays")), "denied");
    }
}
