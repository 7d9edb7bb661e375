//! Account databases in files, and what nsswitch.conf(5) names beside them.

use super::InFiles;
use crate::probe::{Account, AccountKey, Fault, FaultKind, GroupEntry};
use crate::transport::local::files::is_absence;
use crate::transport::local::{Root, reason};
use rustix::io::Errno;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// nsswitch.conf(5) services whose accounts are in files read here, or that only make up
/// `root` and `nobody` for systems without files.
const SERVICES_IN_FILES: &[&str] = &["files", "compat", "systemd", "altfiles"];

/// An entry of an account database.
pub(super) trait Entry: Sized {
    /// The database in nsswitch.conf(5), which is the name of its file too.
    const DATABASE: &'static str;
    /// The path of the file.
    const FILE: &'static str;
    /// The entry in a line; `None` for one that is none.
    fn parse(line: &str) -> Option<Self>;
    fn name(&self) -> &Arc<str>;
    fn id(&self) -> u32;
}

impl Entry for Account {
    const DATABASE: &'static str = "passwd";
    const FILE: &'static str = "/etc/passwd";

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
    const FILE: &'static str = "/etc/group";

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
    pub(super) entries: Vec<Arc<T>>,
    by_name: HashMap<Arc<str>, usize>,
    by_id: HashMap<u32, usize>,
    /// Whether nsswitch.conf names a service that has accounts elsewhere.
    pub(super) beyond_files: bool,
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
    pub(super) fn current<'a>(
        database: &'a Mutex<Database<T>>,
        root: &Root,
    ) -> Result<MutexGuard<'a, Database<T>>, Fault> {
        // A thread that panicked while it read left `read` as it was: it is read again.
        let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
        let mut switch = "/etc/nsswitch.conf";
        let mut now = Read { entries: stamp(root, T::FILE)?, nsswitch: stamp(root, switch)? };
        if now.nsswitch.is_none() {
            // Where the distribution's own files are apart from the administrator's.
            switch = "/usr/etc/nsswitch.conf";
            now.nsswitch = stamp(root, switch)?;
        }
        if database.read.as_ref() != Some(&now) {
            database.read = None;
            let services = services(&content(root, switch)?, T::DATABASE);
            let mut text = content(root, T::FILE)?;
            if services.iter().any(|service| service == "altfiles") {
                // nss-altfiles: the accounts of an image-based system.
                text.push('\n');
                text.push_str(&content(root, &format!("/usr/lib/{}", T::DATABASE))?);
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

    pub(super) fn look_up(&self, key: &AccountKey) -> InFiles<T> {
        match self.find(key) {
            None if self.beyond_files => InFiles::Elsewhere,
            found => InFiles::Known(found),
        }
    }

    pub(super) fn find(&self, key: &AccountKey) -> Option<Arc<T>> {
        let index = match key {
            AccountKey::Id(id) => self.by_id.get(id),
            AccountKey::Name(name) => self.by_name.get(name),
        };
        index.map(|&index| self.entries[index].clone())
    }
}

fn stamp(root: &Root, path: &str) -> Result<Stamp, Fault> {
    match root.stat(path) {
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
fn content(root: &Root, path: &str) -> Result<String, Fault> {
    match root.content(path, 0) {
        Ok(Some(bytes)) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Ok(None) => Err(cannot_read(path, Errno::FBIG)),
        Err(error) if is_absence(error) => Ok(String::new()),
        Err(error) => Err(cannot_read(path, error)),
    }
}

fn cannot_read(path: &str, error: Errno) -> Fault {
    let kind = if error == Errno::ACCESS { FaultKind::Denied } else { FaultKind::Failed };
    Fault::new(kind, format!("cannot read {path}: {}", reason(error)))
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
