//! `user`

use super::accounts::{date_of, day_of, memberships};
use super::shadow::{self, Record, Status};
use super::{Args, Instance};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Account, AccountKey, Group, Groups, Read, User as Lookup};
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks a user: whether it exists, its number, groups, home, shell and password.
    ///
    /// The user is looked up as the system does, in a directory service too; groups are
    /// those the group database lists. What concerns the password comes from
    /// `/etc/shadow`; for a user without a line there it is errored, since the password is
    /// kept elsewhere.
    User = "user" {
        source: "passwd(5), shadow(5), crypt(5), getent(1)",
        example: r#"describe(user "root")
  :exists()
  :its("uid", eq(0))
  :its("home", eq "/root")
  :is("in_group", "root")"#,
        falsified: ("eq(0)", "eq(1)"),
        args {
            /// The login name.
            name: Str,
        }
        properties {
            /// The login name.
            username: Str = |this: &User, seen: &Seen<'_>| this.account(seen).map(|account| account.name.clone());
            /// The number of the user.
            uid: Int = |this: &User, seen: &Seen<'_>| this.account(seen).map(|account| account.uid);
            /// The number of the primary group.
            gid: Int = |this: &User, seen: &Seen<'_>| this.account(seen).map(|account| account.gid);
            /// The name of the primary group, or its number where it has none.
            group: Str = User::group;
            /// The names of all its groups, the primary one first.
            groups: List = User::groups;
            /// The home directory.
            home: Str = |this: &User, seen: &Seen<'_>| this.account(seen).map(|account| account.home.clone());
            /// The login shell; empty means `/bin/sh`.
            shell: Str = |this: &User, seen: &Seen<'_>| this.account(seen).map(|account| account.shell.clone());
            /// The comment field: full name, room, telephone.
            gecos: Str = |this: &User, seen: &Seen<'_>| this.account(seen).map(|account| account.gecos.clone());
            /// Days before the password may be changed again; absent: no limit.
            mindays: Int = |this: &User, seen: &Seen<'_>| this.shadow(seen).map(|record| record.min_days);
            /// Days after which the password must be changed; absent: never.
            maxdays: Int = |this: &User, seen: &Seen<'_>| this.shadow(seen).map(|record| record.max_days);
            /// Days of warning before the password expires; absent: none.
            warndays: Int = |this: &User, seen: &Seen<'_>| this.shadow(seen).map(|record| record.warn_days);
            /// Days after the password expired in which it still serves to change it;
            /// absent: no limit.
            inactive_days: Int = |this: &User, seen: &Seen<'_>| this.shadow(seen).map(|record| record.inactive_days);
            /// The date the account expires, such as `2027-01-31`; absent: never.
            expires: Str = |this: &User, seen: &Seen<'_>| this.shadow(seen).map(|record| record.expiry_date.and_then(date_of));
            /// The date the password was last changed, such as `2026-01-31`; absent where
            /// it is not known.
            password_last_changed: Str = |this: &User, seen: &Seen<'_>| {
                this.shadow(seen).map(|record| record.last_change.filter(|day| *day > 0).and_then(date_of))
            };
            /// Days since the password was last changed; absent where it is not known.
            password_age_days: Int = |this: &User, seen: &Seen<'_>| {
                let known = this.shadow(seen)?.last_change.filter(|day| *day > 0);
                Ok(known.map(|day| day_of(seen.now()) - day))
            };
            /// How the password is hashed, also behind a lock: `yescrypt`, `sha512` and so
            /// on, as in the `shadow` resource; absent where there is no hash.
            password_algorithm: Str = |this: &User, seen: &Seen<'_>| this.shadow(seen).map(|record| record.algorithm());
        }
        predicates {
            /// Whether it is in this group, as primary group or as a member.
            in_group(
                /// The group's name.
                group: Str,
            ) absent Fails = User::in_group;
            /// Whether this is its primary group.
            in_primary_group(
                /// The group's name.
                group: Str,
            ) absent Fails = |this: &User, seen: &Seen<'_>, args: &Args| Ok(*this.group(seen)? == *args.required("group"));
            /// Whether no password lets it in: the account has expired, or its password is
            /// locked. Other ways in, such as SSH keys, may be left where only the
            /// password is locked.
            disabled() absent Fails = |this: &User, seen: &Seen<'_>, _: &Args| this.is_disabled(seen);
            /// The opposite of `disabled`.
            enabled() absent Fails = |this: &User, seen: &Seen<'_>, _: &Args| this.is_disabled(seen).map(|disabled| !disabled);
            /// Whether the account has expired.
            expired() absent Fails = |this: &User, seen: &Seen<'_>, _: &Args| {
                this.shadow(seen).map(|record| has_expired(&record, day_of(seen.now())))
            };
            /// Whether there is a password that lets it in.
            password_set() absent Fails = |this: &User, seen: &Seen<'_>, _: &Args| this.has_password(seen, Status::Set);
            /// Whether no password can let it in: the field is locked or holds no hash.
            password_locked() absent Fails = |this: &User, seen: &Seen<'_>, _: &Args| this.has_password(seen, Status::Locked);
            /// Whether it is let in without a password.
            password_empty() absent Fails = |this: &User, seen: &Seen<'_>, _: &Args| this.has_password(seen, Status::Empty);
            /// Whether the password must be changed before anything else: it is older than
            /// `maxdays`, or marked to be changed at the next login.
            password_expired() absent Fails = User::is_password_expired;
            /// Whether its shell lets somebody work; `nologin`, `false`, `true`, `sync`,
            /// `halt` and `shutdown` do not.
            interactive() absent Fails = |this: &User, seen: &Seen<'_>, _: &Args| {
                Ok(is_interactive(&this.account(seen)?.shell))
            };
            /// Whether this public key is in `.ssh/authorized_keys` or
            /// `.ssh/authorized_keys2` of its home.
            authorized_key(
                /// The key: a line of a public-key file, or its base64 part alone.
                key: Str,
            ) absent Fails = User::has_authorized_key;
        }
        methods {}
    }
}

/// A user by login name.
pub struct User {
    name: Arc<str>,
}

impl User {
    fn new(args: &Args) -> Result<User, String> {
        Ok(User { name: args.required("name") })
    }

    fn lookup(&self) -> Lookup {
        Lookup { key: AccountKey::Name(self.name.clone()) }
    }

    fn missing(&self) -> Unseen {
        Unseen::Missing(self.title())
    }

    fn account(&self, seen: &Seen<'_>) -> Sight<Arc<Account>> {
        seen.get(self.lookup())?.ok_or_else(|| self.missing())
    }

    fn group(&self, seen: &Seen<'_>) -> Sight<String> {
        let gid = self.account(seen)?.gid;
        let group = seen.get(Group { key: AccountKey::Id(gid) })?;
        Ok(group.map_or_else(|| gid.to_string(), |group| group.name.to_string()))
    }

    fn groups(&self, seen: &Seen<'_>) -> Sight<Value> {
        let (account, groups) = seen.all((self.lookup(), Groups))?;
        let account = account.ok_or_else(|| self.missing())?;
        Ok(Value::strings(memberships(&account, &groups).map(|group| &group.name)))
    }

    /// Looks the one group up by name, which finds it in a directory service that does not
    /// list its groups.
    fn in_group(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        let (account, group) = seen.all((self.lookup(), Group { key: AccountKey::Name(args.required("group")) }))?;
        let account = account.ok_or_else(|| self.missing())?;
        Ok(group.is_some_and(|group| group.gid == account.gid || group.members.contains(&account.name)))
    }

    fn shadow(&self, seen: &Seen<'_>) -> Sight<Record> {
        let account = self.account(seen);
        let parsed = shadow::parsed(seen, &shadow::PATH.into());
        if matches!(parsed, Err(Unseen::Pending)) {
            return Err(Unseen::Pending);
        }
        account?;
        let parsed = match parsed {
            Err(Unseen::Missing(_)) => return Err(Unseen::failed("there is no /etc/shadow to know passwords from")),
            parsed => parsed?,
        };
        let record = parsed.records.iter().find(|record| *record.user == *self.name);
        record.cloned().ok_or_else(|| {
            Unseen::failed(format!("/etc/shadow has no line for {}: its password is kept elsewhere", self.name))
        })
    }

    fn has_password(&self, seen: &Seen<'_>, status: Status) -> Sight<bool> {
        self.shadow(seen).map(|record| record.status() == status)
    }

    fn is_disabled(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.shadow(seen).map(|record| is_disabled(&record, day_of(seen.now())))
    }

    fn is_password_expired(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        let record = self.shadow(seen)?;
        let today = day_of(seen.now());
        Ok(match (record.last_change, record.max_days) {
            (Some(0), _) => true,
            (Some(day), Some(max)) => today - day > max,
            _ => false,
        })
    }

    fn has_authorized_key(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        let wanted = args.required("key");
        // The longest word is the base64 part, whatever stands before or after it.
        let wanted = wanted.split_whitespace().max_by_key(|word| word.len());
        let Some(wanted) = wanted else { return Err(Unseen::Misuse("authorized_key: the key is empty".into())) };
        let home = self.account(seen)?.home.clone();
        let home = home.trim_end_matches('/');
        let read = |name: &str| Read { path: format!("{home}/.ssh/{name}").into() };
        let (first, second) = seen.all((read("authorized_keys"), read("authorized_keys2")))?;
        let found = |file: Option<Arc<[u8]>>| {
            let text = file.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            text.lines()
                .any(|line| !line.trim_start().starts_with('#') && line.split_whitespace().any(|word| word == wanted))
        };
        Ok(found(first) || found(second))
    }
}

/// Whether no password lets a user in on that day.
pub fn is_disabled(record: &Record, today: i64) -> bool {
    has_expired(record, today) || record.status() == Status::Locked
}

fn has_expired(record: &Record, today: i64) -> bool {
    record.expiry_date.is_some_and(|day| today >= day)
}

fn is_interactive(shell: &str) -> bool {
    let name = shell.rsplit('/').next().unwrap_or("");
    !["nologin", "false", "true", "sync", "halt", "shutdown"].contains(&name)
}

impl Instance for User {
    fn title(&self) -> String {
        format!("User {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(self.lookup())?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{FaultKind, GroupEntry};
    use crate::resource::testing::{Trial, fault, missing};
    use crate::transport::scripted::Scripted;

    const SHADOW: &[u8] = b"ann:$y$j9T$x:19693:1:60:7:14:19800:\nbob:!$6$x:0:::::19783:\neve:::::::\n";

    fn account(name: &str, gid: u32, shell: &str) -> Option<Arc<Account>> {
        Some(Arc::new(Account {
            name: name.into(),
            uid: 1000,
            gid,
            gecos: "".into(),
            home: format!("/home/{name}").into(),
            shell: shell.into(),
        }))
    }

    fn group(name: &str, gid: u32, member: &str) -> GroupEntry {
        GroupEntry { name: name.into(), gid, members: vec![member.into()] }
    }

    fn node(name: &str, found: Option<Arc<Account>>) -> Scripted {
        Scripted::new()
            .with(Lookup { key: AccountKey::Name(name.into()) }, found)
            .with(Read { path: "/etc/shadow".into() }, Some(SHADOW.into()))
            .with(Groups, Arc::from([group("sudo", 27, name), group("other", 9, "zoe"), group("users", 100, "zoe")]))
            .with(Group { key: AccountKey::Name("sudo".into()) }, Some(Arc::new(group("sudo", 27, name))))
            .with(Group { key: AccountKey::Name("other".into()) }, Some(Arc::new(group("other", 9, "zoe"))))
            .with(Group { key: AccountKey::Name("users".into()) }, Some(Arc::new(group("users", 100, "zoe"))))
    }

    fn user(name: &str) -> Trial {
        Trial::of("user", [name.into()], node(name, account(name, 100, "/bin/sh")))
    }

    #[test]
    fn groups_begin_with_the_primary_one() {
        let ann = user("ann");
        assert_eq!(ann.its("groups"), Ok(Value::strings(["users", "sudo"])));
        assert_eq!(ann.its("home"), Ok("/home/ann".into()));
        assert_eq!(ann.rounds(), 1);
        assert_eq!(ann.is("in_group", ["sudo".into()]), Ok(true));
        assert_eq!(ann.is("in_group", ["users".into()]), Ok(true));
        assert_eq!(ann.is("in_group", ["other".into()]), Ok(false));
    }

    #[test]
    fn password_ageing_is_counted_from_the_clock_of_the_run() {
        let ann = user("ann");
        assert_eq!(ann.its("password_age_days"), Ok(Value::Int(90)));
        assert_eq!(ann.rounds(), 1);
        assert_eq!(ann.is("password_expired", []), Ok(true));
        assert_eq!(ann.its("password_last_changed"), Ok("2023-12-02".into()));
        assert_eq!(ann.its("expires"), Ok("2024-03-18".into()));
        assert_eq!(ann.its("inactive_days"), Ok(Value::Int(14)));
        assert_eq!(ann.is("expired", []), Ok(false));
        assert_eq!(ann.is("disabled", []), Ok(false));
        assert_eq!(ann.its("password_algorithm"), Ok("yescrypt".into()));
    }

    #[test]
    fn a_locked_an_expired_and_an_empty_password_are_three_things() {
        let bob = user("bob");
        assert_eq!(bob.is("password_locked", []), Ok(true));
        assert_eq!(bob.is("disabled", []), Ok(true));
        assert_eq!(bob.its("password_age_days"), Ok(Value::Nil));
        assert_eq!(bob.is("password_expired", []), Ok(true), "to be changed at the next login");
        let eve = user("eve");
        assert_eq!(eve.is("password_empty", []), Ok(true));
        assert_eq!(eve.is("enabled", []), Ok(true));
        assert_eq!(eve.is("password_set", []), Ok(false));
    }

    #[test]
    fn everything_about_a_missing_user_is_missing() {
        let nobody = Trial::of("user", ["nobody".into()], node("nobody", None));
        assert_eq!(nobody.exists(), Ok(false));
        for property in ["uid", "groups", "maxdays"] {
            assert_eq!(missing(nobody.its(property)), "User nobody");
        }
        assert_eq!(missing(nobody.is("disabled", [])), "User nobody");
        assert_eq!(missing(nobody.is("in_group", ["sudo".into()])), "User nobody");
    }

    #[test]
    fn a_password_kept_elsewhere_or_unreadable_is_a_fault() {
        assert!(fault(user("ldap").is("password_set", [])).contains("no line for ldap"));
        let node = Scripted::new()
            .with(Lookup { key: AccountKey::Name("ann".into()) }, account("ann", 100, ""))
            .with_fault(Read { path: "/etc/shadow".into() }, FaultKind::Denied, "may not read /etc/shadow");
        let ann = Trial::of("user", ["ann".into()], node);
        assert_eq!(fault(ann.is("disabled", [])), "may not read /etc/shadow");
        assert_eq!(ann.its("uid"), Ok(Value::Int(1000)));
    }

    #[test]
    fn a_shell_lets_somebody_work_or_not() {
        assert!(is_interactive("/bin/bash") && is_interactive(""));
        assert!(!is_interactive("/usr/sbin/nologin") && !is_interactive("/bin/false"));
    }

    #[test]
    fn a_key_is_compared_by_its_base64_part() {
        let keys: &[u8] = b"# ssh-ed25519 AAAAC3old x\nfrom=\"10.0.0.0/8\" ssh-ed25519 AAAAC3NzaC1new ann@home\n";
        let node = node("ann", account("ann", 100, ""))
            .with(Read { path: "/home/ann/.ssh/authorized_keys".into() }, Some(keys.into()))
            .with(Read { path: "/home/ann/.ssh/authorized_keys2".into() }, None);
        let ann = Trial::of("user", ["ann".into()], node);
        assert_eq!(ann.is("authorized_key", ["ssh-ed25519 AAAAC3NzaC1new other".into()]), Ok(true));
        assert_eq!(ann.is("authorized_key", ["AAAAC3old".into()]), Ok(false), "a comment is no key");
        assert_eq!(ann.rounds(), 2);
    }
}
