//! Users and groups: passwd(5), group(5), nsswitch.conf(5).

mod database;
mod getent;

use super::{Local, Root};
use crate::probe::{Account, AccountKey, Fault, GroupEntry, Probe};
use database::Database;
use std::sync::{Arc, Mutex, MutexGuard};

/// The account databases of this machine.
///
/// The files are parsed once and again only when they have changed: a look-up costs one
/// stat(2). A name that is in no file is asked of `getent` when nsswitch.conf names a
/// service that is not a file.
pub(super) struct Accounts {
    root: Arc<Root>,
    users: Mutex<Database<Account>>,
    groups: Mutex<Database<GroupEntry>>,
}

impl Default for Accounts {
    fn default() -> Accounts {
        Accounts::of(Arc::default())
    }
}

impl Accounts {
    /// The databases in the files of a root.
    pub(super) fn of(root: Arc<Root>) -> Accounts {
        Accounts { root, users: Mutex::default(), groups: Mutex::default() }
    }

    /// Whether the answer to `probe` needs a command, and so is no cheap one.
    pub(super) fn must_spawn(&self, probe: &Probe) -> bool {
        match probe {
            Probe::User(question) => matches!(self.user_in_files(&question.key), Ok(InFiles::Elsewhere)),
            Probe::Group(question) => matches!(self.group_in_files(&question.key), Ok(InFiles::Elsewhere)),
            Probe::Users(_) => self.users().is_ok_and(|users| users.beyond_files),
            Probe::Groups(_) => self.groups().is_ok_and(|groups| groups.beyond_files),
            _ => false,
        }
    }

    /// What the files alone know of a user.
    pub(super) fn user_in_files(&self, key: &AccountKey) -> Result<InFiles<Account>, Fault> {
        Ok(self.users()?.look_up(key))
    }

    /// What the files alone know of a group.
    pub(super) fn group_in_files(&self, key: &AccountKey) -> Result<InFiles<GroupEntry>, Fault> {
        Ok(self.groups()?.look_up(key))
    }

    pub(super) fn user(&self, key: &AccountKey, local: &Local) -> Result<Option<Arc<Account>>, Fault> {
        match self.user_in_files(key)? {
            InFiles::Known(user) => Ok(user),
            InFiles::Elsewhere => getent::one(local, key),
        }
    }

    pub(super) fn group(&self, key: &AccountKey, local: &Local) -> Result<Option<Arc<GroupEntry>>, Fault> {
        match self.group_in_files(key)? {
            InFiles::Known(group) => Ok(group),
            InFiles::Elsewhere => getent::one(local, key),
        }
    }

    fn users(&self) -> Result<MutexGuard<'_, Database<Account>>, Fault> {
        Database::current(&self.users, &self.root)
    }

    fn groups(&self) -> Result<MutexGuard<'_, Database<GroupEntry>>, Fault> {
        Database::current(&self.groups, &self.root)
    }

    pub(super) fn all_users(&self, local: &Local) -> Result<Arc<[Account]>, Fault> {
        let users = self.users()?;
        if users.beyond_files {
            drop(users);
            return getent::all(local);
        }
        Ok(users.entries.iter().map(|user| (**user).clone()).collect())
    }

    pub(super) fn all_groups(&self, local: &Local) -> Result<Arc<[GroupEntry]>, Fault> {
        let groups = self.groups()?;
        if groups.beyond_files {
            drop(groups);
            return getent::all(local);
        }
        Ok(groups.entries.iter().map(|group| (**group).clone()).collect())
    }

    /// The name of a user as the files have it, for messages.
    pub(super) fn name_in_files(&self, uid: u32) -> Option<Arc<str>> {
        self.users().ok()?.find(&AccountKey::Id(uid)).map(|user| user.name.clone())
    }
}

/// What the files know of one account.
pub(super) enum InFiles<T> {
    /// The entry; `None`: there is no such account anywhere.
    Known(Option<Arc<T>>),
    /// No file has it, and there are services that are no files.
    Elsewhere,
}

#[cfg(test)]
mod tests {
    use super::database::Entry;
    use super::*;
    use std::fs;
    use std::time::{Duration, SystemTime};

    fn below(root: &std::path::Path) -> Accounts {
        Accounts::of(Arc::new(Root::below(root).expect("a root")))
    }

    fn root(passwd: &str, nsswitch: Option<&str>) -> (tempfile::TempDir, Accounts) {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(root.path().join("etc")).expect("etc");
        fs::write(root.path().join("etc/passwd"), passwd).expect("passwd");
        if let Some(text) = nsswitch {
            fs::write(root.path().join("etc/nsswitch.conf"), text).expect("nsswitch.conf");
        }
        let accounts = below(root.path());
        (root, accounts)
    }

    fn name(accounts: &Accounts, uid: u32) -> Option<String> {
        accounts.name_in_files(uid).map(|name| name.to_string())
    }

    #[test]
    fn lines_that_are_no_entries_are_passed_over_and_the_first_of_two_counts() {
        let text = "# comment\n\n+@admins::::::\nshort:x:1\nroot:x:0:0:root:/root:/bin/bash\n\
                    toor:x:0:0::/:/bin/sh\nbad:x:-1:0:::\nbig:x:4294967296:0:::\nx:x:7:7:::extra:more\n\
                    last:*:4294967294:9:a,b:/h:";
        let (_root, accounts) = root(text, None);
        let names: Vec<_> = accounts.users().expect("users").entries.iter().map(|user| user.name.to_string()).collect();
        assert_eq!(names, ["root", "toor", "last"]);
        assert_eq!(name(&accounts, 0).as_deref(), Some("root"));
        let last = accounts.user(&AccountKey::Name("last".into()), &Local::new()).expect("asked").expect("there");
        assert_eq!((last.uid, last.gid, &*last.gecos, &*last.shell), (4294967294, 9, "a,b", ""));
    }

    #[test]
    fn a_changed_file_is_read_again_and_an_unchanged_one_is_not() {
        let (root, accounts) = root("a:x:1:1:::\n", None);
        assert_eq!(name(&accounts, 1).as_deref(), Some("a"));
        let file = root.path().join("etc/passwd");
        let stamp = fs::metadata(&file).expect("there").modified().expect("a time");
        // Same size, same time, same inode: it was not read again.
        fs::write(&file, "b:x:1:1:::\n").expect("written");
        fs::File::options().write(true).open(&file).expect("open").set_modified(stamp).expect("set");
        assert_eq!(name(&accounts, 1).as_deref(), Some("a"));
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().write(true).open(&file).expect("open").set_modified(later).expect("set");
        assert_eq!(name(&accounts, 1).as_deref(), Some("b"));
    }

    #[test]
    fn only_a_service_that_is_no_file_needs_getent() {
        let probe = |name: &str| Probe::from(crate::probe::User { key: AccountKey::Name(name.into()) });
        for (nsswitch, beyond) in [
            (None, false),
            (Some("passwd: files systemd\n"), false),
            (Some("passwd: compat [NOTFOUND=return] # sss\n"), false),
            (Some("passwd:\tfiles sss\n"), true),
            (Some("group: sss\n"), false),
            (Some("passwd: files[SUCCESS=merge]ldap"), true),
        ] {
            let (_root, accounts) = root("root:x:0:0:::\n", nsswitch);
            assert_eq!(accounts.must_spawn(&probe("alice")), beyond, "{nsswitch:?}");
            assert!(!accounts.must_spawn(&probe("root")), "{nsswitch:?}");
            assert_eq!(accounts.must_spawn(&crate::probe::Users.into()), beyond, "{nsswitch:?}");
        }
    }

    #[test]
    fn the_switch_of_the_distribution_counts_where_the_administrator_has_none() {
        let (root, accounts) = root("", None);
        fs::create_dir_all(root.path().join("usr/etc")).expect("usr/etc");
        fs::write(root.path().join("usr/etc/nsswitch.conf"), "passwd: files sss\n").expect("written");
        assert!(accounts.must_spawn(&crate::probe::Users.into()));
        fs::write(root.path().join("etc/nsswitch.conf"), "passwd: files\n").expect("written");
        assert!(!accounts.must_spawn(&crate::probe::Users.into()));
    }

    #[test]
    fn altfiles_add_the_accounts_of_the_image() {
        let (root, accounts) = root("root:x:0:0:::\n", Some("passwd: files altfiles\n"));
        fs::create_dir_all(root.path().join("usr/lib")).expect("usr/lib");
        fs::write(root.path().join("usr/lib/passwd"), "chrony:x:990:990:::\n").expect("written");
        assert_eq!(name(&accounts, 990).as_deref(), Some("chrony"));
    }

    #[test]
    fn a_file_that_is_no_text_still_gives_its_good_lines() {
        let (root, accounts) = root("", None);
        fs::write(root.path().join("etc/passwd"), b"\xff\xfe\0:x:1\nok:x:5:5:\xe9:/:\n").expect("written");
        assert_eq!(name(&accounts, 5).as_deref(), Some("ok"));
    }

    #[test]
    fn members_of_groups_are_names() {
        let group = GroupEntry::parse("sudo:x:27:alice, bob,,").expect("a group");
        assert_eq!(group.members.iter().map(|name| &**name).collect::<Vec<_>>(), ["alice", "bob"]);
        assert_eq!(GroupEntry::parse("sudo:x:27"), None);
    }

    #[test]
    fn no_account_files_at_all_is_no_account() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let accounts = below(root.path());
        assert_eq!(name(&accounts, 0), None);
    }

    #[test]
    fn getent_is_asked_for_what_no_file_has() {
        let local = Local::new();
        if local.environment().which("getent").is_none() {
            return;
        }
        // No file below this root has anybody; getent knows the accounts of this machine.
        let (_root, accounts) = root("", Some("passwd: files sss\ngroup: files sss\n"));
        let by_name = |name: &str| accounts.user(&AccountKey::Name(name.into()), &local);
        assert_eq!(by_name("root").expect("asked").expect("there").uid, 0);
        assert_eq!(accounts.user(&AccountKey::Id(0), &local).expect("asked").expect("there").uid, 0);
        for absent in ["no-such-user", "0", "", "-s", "a b"] {
            assert_eq!(by_name(absent), Ok(None), "{absent:?}");
        }
        assert_eq!(accounts.group(&AccountKey::Id(0), &local).expect("asked").expect("there").gid, 0);
        assert!(accounts.all_users(&local).expect("asked").iter().any(|user| user.uid == 0));
        assert!(accounts.all_groups(&local).expect("asked").iter().any(|group| group.gid == 0));
    }
}
