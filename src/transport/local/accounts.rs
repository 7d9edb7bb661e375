//! Users and groups: passwd(5), group(5), nsswitch.conf(5).

use super::Local;
use super::files::{is_absence, read_regular};
use crate::probe::{Account, AccountKey, Fault, FaultKind, GroupEntry, Probe, Ran, Run};
use rustix::io::Errno;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// nsswitch.conf(5) services whose accounts are in files read here, or that only make up
/// `root` and `nobody` for systems without files.
const SERVICES_IN_FILES: &[&str] = &["files", "compat", "systemd", "altfiles"];

/// The account databases of this machine.
///
/// The files are parsed once and again only when they have changed: a look-up costs one
/// stat(2). A name that is in no file is asked of `getent` when nsswitch.conf names a
/// service that is not a file.
pub(super) struct Accounts {
    root: PathBuf,
    users: Mutex<Database<Account>>,
    groups: Mutex<Database<GroupEntry>>,
}

impl Default for Accounts {
    fn default() -> Accounts {
        Accounts::below(Path::new("/"))
    }
}

impl Accounts {
    fn below(root: &Path) -> Accounts {
        Accounts { root: root.to_path_buf(), users: Mutex::default(), groups: Mutex::default() }
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
            InFiles::Elsewhere => getent(local, key),
        }
    }

    pub(super) fn group(&self, key: &AccountKey, local: &Local) -> Result<Option<Arc<GroupEntry>>, Fault> {
        match self.group_in_files(key)? {
            InFiles::Known(group) => Ok(group),
            InFiles::Elsewhere => getent(local, key),
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
            return getent_all(local);
        }
        Ok(users.entries.iter().map(|user| (**user).clone()).collect())
    }

    pub(super) fn all_groups(&self, local: &Local) -> Result<Arc<[GroupEntry]>, Fault> {
        let groups = self.groups()?;
        if groups.beyond_files {
            drop(groups);
            return getent_all(local);
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

/// An entry of an account database.
pub(super) trait Entry: Sized {
    /// The database in nsswitch.conf(5), which is the name of its file too.
    const DATABASE: &'static str;
    /// The entry in a line; `None` for one that is none.
    fn parse(line: &str) -> Option<Self>;
    fn name(&self) -> &Arc<str>;
    fn id(&self) -> u32;
}

impl Entry for Account {
    const DATABASE: &'static str = "passwd";

    fn parse(line: &str) -> Option<Account> {
        let mut fields = line.split(':');
        let name = account_name(fields.next()?)?;
        let _password = fields.next()?;
        let uid = fields.next()?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let gecos = fields.next()?.into();
        let home = fields.next()?.into();
        let shell = fields.next()?.into();
        fields.next().is_none().then_some(Account { name, uid, gid, gecos, home, shell })
    }

    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn id(&self) -> u32 {
        self.uid
    }
}

impl Entry for GroupEntry {
    const DATABASE: &'static str = "group";

    fn parse(line: &str) -> Option<GroupEntry> {
        let mut fields = line.split(':');
        let name = account_name(fields.next()?)?;
        let _password = fields.next()?;
        let gid = fields.next()?.parse().ok()?;
        let members = fields.next()?;
        let members = members.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Arc::from).collect();
        fields.next().is_none().then_some(GroupEntry { name, gid, members })
    }

    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn id(&self) -> u32 {
        self.gid
    }
}

/// A name, unless the line is a comment or one of the `+` and `-` lines of compat mode.
fn account_name(field: &str) -> Option<Arc<str>> {
    (!field.is_empty() && !field.starts_with(['#', '+', '-'])).then(|| field.into())
}

/// One database as its files had it when they were last read. Lines that are no entries
/// are passed over, as the C library does; of two entries the first counts.
pub(super) struct Database<T> {
    entries: Vec<Arc<T>>,
    by_name: HashMap<Arc<str>, usize>,
    by_id: HashMap<u32, usize>,
    /// Whether nsswitch.conf names a service that has accounts elsewhere.
    beyond_files: bool,
    read: Option<Read>,
}

/// What the files looked like when they were read.
#[derive(PartialEq)]
struct Read {
    entries: Stamp,
    nsswitch: Stamp,
}

/// Device, inode, size and time of change; `None`: no file.
type Stamp = Option<(u64, u64, i64, i64, i64)>;

impl<T> Default for Database<T> {
    fn default() -> Database<T> {
        Database {
            entries: Vec::new(),
            by_name: HashMap::new(),
            by_id: HashMap::new(),
            beyond_files: false,
            read: None,
        }
    }
}

impl<T: Entry> Database<T> {
    /// The database, read anew when its file has changed.
    fn current<'a>(database: &'a Mutex<Database<T>>, root: &Path) -> Result<MutexGuard<'a, Database<T>>, Fault> {
        // A thread that panicked while it read left `read` as it was: it is read again.
        let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
        let file = root.join("etc").join(T::DATABASE);
        let switch = root.join("etc/nsswitch.conf");
        let now = Read { entries: stamp(&file)?, nsswitch: stamp(&switch)? };
        if database.read.as_ref() != Some(&now) {
            database.read = None;
            let services = services(&content(&switch)?, T::DATABASE);
            let mut text = content(&file)?;
            if services.iter().any(|service| service == "altfiles") {
                // nss-altfiles: the accounts of an image-based system.
                text.push('\n');
                text.push_str(&content(&root.join("usr/lib").join(T::DATABASE))?);
            }
            *database = Database::from_text(&text);
            database.beyond_files = services.iter().any(|service| !SERVICES_IN_FILES.contains(&service.as_str()));
            database.read = Some(now);
        }
        Ok(database)
    }

    fn from_text(text: &str) -> Database<T> {
        let mut database = Database::default();
        for entry in text.lines().filter_map(T::parse) {
            let index = database.entries.len();
            database.by_name.entry(entry.name().clone()).or_insert(index);
            database.by_id.entry(entry.id()).or_insert(index);
            database.entries.push(Arc::new(entry));
        }
        database
    }

    fn look_up(&self, key: &AccountKey) -> InFiles<T> {
        match self.find(key) {
            None if self.beyond_files => InFiles::Elsewhere,
            found => InFiles::Known(found),
        }
    }

    fn find(&self, key: &AccountKey) -> Option<Arc<T>> {
        let index = match key {
            AccountKey::Id(id) => self.by_id.get(id),
            AccountKey::Name(name) => self.by_name.get(name),
        };
        index.map(|&index| self.entries[index].clone())
    }
}

fn stamp(path: &Path) -> Result<Stamp, Fault> {
    match rustix::fs::stat(path) {
        #[allow(clippy::unnecessary_cast, reason = "the types differ between machines")]
        Ok(status) => Ok(Some((
            status.st_dev as u64,
            status.st_ino as u64,
            status.st_size as i64,
            status.st_mtime as i64,
            status.st_mtime_nsec as i64,
        ))),
        Err(error) if is_absence(error) => Ok(None),
        Err(error) => Err(cannot_read(path, error)),
    }
}

/// The text of a file, empty where there is none: a system without the file has no
/// accounts in it.
fn content(path: &Path) -> Result<String, Fault> {
    let Some(text) = path.to_str() else { return Err(cannot_read(path, Errno::INVAL)) };
    match read_regular(text, 0) {
        Ok(Some(bytes)) => Ok(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
        Ok(None) => Err(cannot_read(path, Errno::FBIG)),
        Err(error) if is_absence(error) => Ok(String::new()),
        Err(error) => Err(cannot_read(path, error)),
    }
}

fn cannot_read(path: &Path, error: Errno) -> Fault {
    let kind = if error == Errno::ACCESS { FaultKind::Denied } else { FaultKind::Failed };
    Fault::new(kind, format!("cannot read {}: {}", path.display(), super::reason(error)))
}

/// The services nsswitch.conf names for a database; `files` where it names none.
fn services(nsswitch: &str, database: &str) -> Vec<String> {
    let line = nsswitch
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == database);
    let Some((_, services)) = line else { return vec!["files".to_string()] };
    // `[NOTFOUND=return]` says how to go on; it may touch the service before it.
    let mut plain = String::new();
    let mut inside = false;
    for letter in services.chars() {
        match letter {
            '[' => inside = true,
            ']' => {
                inside = false;
                plain.push(' ');
            }
            letter if !inside => plain.push(letter),
            _ => {}
        }
    }
    plain.split_whitespace().map(str::to_string).collect()
}

/// One entry from all the services nsswitch.conf names, getent(1).
fn getent<T: Entry>(local: &Local, key: &AccountKey) -> Result<Option<Arc<T>>, Fault> {
    if let AccountKey::Name(name) = key {
        // getent reads a number as an id, and a leading dash as an option.
        if name.is_empty() || name.starts_with('-') || name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
    }
    let ran = local.run(&Run::argv(["getent", T::DATABASE, &key.to_string()]))?;
    match ran.status {
        0 => {}
        2 => return Ok(None),
        _ => return Err(getent_failed::<T>(&ran)),
    }
    let entry = String::from_utf8_lossy(&ran.stdout).lines().find_map(T::parse);
    let entry = entry.ok_or_else(|| {
        Fault::new(FaultKind::Malformed, format!("getent {} {key} printed something that is no entry", T::DATABASE))
    })?;
    Ok(Some(Arc::new(entry)))
}

fn getent_all<T: Entry>(local: &Local) -> Result<Arc<[T]>, Fault> {
    let ran = local.run(&Run::argv(["getent", T::DATABASE]))?;
    if ran.truncated {
        return Err(Fault::new(FaultKind::TooLarge, format!("getent {} printed more than is read", T::DATABASE)));
    }
    if ran.status != 0 {
        return Err(getent_failed::<T>(&ran));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).lines().filter_map(T::parse).collect())
}

fn getent_failed<T: Entry>(ran: &Ran) -> Fault {
    let database = T::DATABASE;
    if ran.status == 127 {
        let message = format!(
            "getent is not installed, and nsswitch.conf names a service for {database} that is no file; install it"
        );
        return Fault::new(FaultKind::ToolMissing, message);
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let said = said.lines().next().unwrap_or("nothing");
    Fault::new(FaultKind::Failed, format!("getent {database} ended with status {} and said {said:?}", ran.status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::{Duration, SystemTime};

    fn root(passwd: &str, nsswitch: Option<&str>) -> (tempfile::TempDir, Accounts) {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(root.path().join("etc")).expect("etc");
        fs::write(root.path().join("etc/passwd"), passwd).expect("passwd");
        if let Some(text) = nsswitch {
            fs::write(root.path().join("etc/nsswitch.conf"), text).expect("nsswitch.conf");
        }
        let accounts = Accounts::below(root.path());
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
        let accounts = Accounts::below(root.path());
        assert_eq!(name(&accounts, 0), None);
    }
}
