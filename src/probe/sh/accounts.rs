//! Users and groups: passwd(5), group(5), nsswitch.conf(5), getent(1).

use super::kernel::untold;
use super::progress::{Content, Part, Parts};
use super::text::first_line;
use crate::probe::*;
use std::collections::HashMap;

/// An entry of an account database.
trait Entry: Sized + Clone {
    const DATABASE: &'static str;
    fn parse(line: &str) -> Option<Self>;
    fn has(&self, key: &AccountKey) -> bool;
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

    fn has(&self, key: &AccountKey) -> bool {
        match key {
            AccountKey::Id(id) => self.uid == *id,
            AccountKey::Name(name) => self.name == *name,
        }
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

    fn has(&self, key: &AccountKey) -> bool {
        match key {
            AccountKey::Id(id) => self.gid == *id,
            AccountKey::Name(name) => self.name == *name,
        }
    }
}

/// A name, unless the line is a comment or one of the `+` and `-` lines of compat mode.
fn account_name(field: &str) -> Option<Arc<str>> {
    (!field.is_empty() && !field.starts_with(['#', '+', '-'])).then(|| field.into())
}

/// nsswitch.conf(5) services whose accounts are in files, or that only make up `root` and
/// `nobody` for systems without files.
const SERVICES_IN_FILES: &[&str] = &["files", "compat", "systemd", "altfiles"];

/// The account databases of a node.
pub(super) struct Accounts<'a> {
    files: &'a HashMap<Arc<str>, Content>,
    getent: &'a HashMap<&'static str, Parts>,
    users: Result<Database<Account>, Fault>,
    groups: Result<Database<GroupEntry>, Fault>,
}

/// The entries of the files, and whether there are others.
struct Database<T> {
    entries: Vec<T>,
    beyond_files: bool,
}

impl<'a> Accounts<'a> {
    pub fn new(files: &'a HashMap<Arc<str>, Content>, getent: &'a HashMap<&'static str, Parts>) -> Accounts<'a> {
        let mut accounts = Accounts { files, getent, users: Err(untold("passwd")), groups: Err(untold("group")) };
        accounts.users = accounts.database();
        accounts.groups = accounts.database();
        accounts
    }

    fn text(&self, path: &str) -> Result<Option<String>, Fault> {
        match self.files.get(path) {
            Some(Ok(content)) => Ok(content.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(untold(path)),
        }
    }

    fn database<T: Entry>(&self) -> Result<Database<T>, Fault> {
        let mut switch = self.text("/etc/nsswitch.conf")?;
        if switch.is_none() {
            // Where the distribution's own files are apart from the administrator's.
            switch = self.text("/usr/etc/nsswitch.conf")?;
        }
        let services = services(&switch.unwrap_or_default(), T::DATABASE);
        let mut text = self.text(&format!("/etc/{}", T::DATABASE))?.unwrap_or_default();
        if services.iter().any(|service| service == "altfiles") {
            text.push('\n');
            text.push_str(&self.text(&format!("/usr/lib/{}", T::DATABASE))?.unwrap_or_default());
        }
        Ok(Database {
            entries: text.lines().filter_map(T::parse).collect(),
            beyond_files: services.iter().any(|service| !SERVICES_IN_FILES.contains(&service.as_str())),
        })
    }

    pub fn user(&self, key: &AccountKey) -> Option<Result<Option<Arc<Account>>, Fault>> {
        self.one(&self.users, key)
    }

    pub fn group(&self, key: &AccountKey) -> Option<Result<Option<Arc<GroupEntry>>, Fault>> {
        self.one(&self.groups, key)
    }

    pub fn users(&self) -> Option<Result<Arc<[Account]>, Fault>> {
        self.all(&self.users)
    }

    pub fn groups(&self) -> Option<Result<Arc<[GroupEntry]>, Fault>> {
        self.all(&self.groups)
    }

    /// One entry; `None`: the node did not get so far.
    fn one<T: Entry>(
        &self,
        database: &Result<Database<T>, Fault>,
        key: &AccountKey,
    ) -> Option<Result<Option<Arc<T>>, Fault>> {
        let database = match database {
            Ok(database) => database,
            Err(fault) => return Some(Err(fault.clone())),
        };
        let found = database.entries.iter().find(|entry| entry.has(key));
        if found.is_some() || !database.beyond_files {
            return Some(Ok(found.cloned().map(Arc::new)));
        }
        if let AccountKey::Name(name) = key
            && (name.is_empty() || name.starts_with('-') || name.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Some(Ok(None));
        }
        let part = self.getent.get(T::DATABASE)?.last()?;
        let entries: Vec<T> = String::from_utf8_lossy(&part.out).lines().filter_map(T::parse).collect();
        match (part.status(), entries.into_iter().find(|entry| entry.has(key))) {
            (Some(0 | 2), found) => Some(Ok(found.map(Arc::new))),
            _ => Some(Err(getent_failed::<T>(part))),
        }
    }

    fn all<T: Entry>(&self, database: &Result<Database<T>, Fault>) -> Option<Result<Arc<[T]>, Fault>> {
        let database = match database {
            Ok(database) => database,
            Err(fault) => return Some(Err(fault.clone())),
        };
        if !database.beyond_files {
            return Some(Ok(database.entries.clone().into()));
        }
        let parts = self.getent.get(T::DATABASE)?;
        let part = parts.get("a").or(parts.last())?;
        Some(match part.status() {
            Some(0) if !part.cut => Ok(String::from_utf8_lossy(&part.out).lines().filter_map(T::parse).collect()),
            Some(0) => {
                Err(Fault::new(FaultKind::TooLarge, format!("getent {} printed more than is read", T::DATABASE)))
            }
            _ => Err(getent_failed::<T>(part)),
        })
    }

    /// Of what a walk found, the files whose owner or group is in no database, as it asks.
    pub fn without(&self, walk: &Walk, found: Vec<Found>) -> Option<Result<Arc<[Found]>, Fault>> {
        let (users, groups) = match (&self.users, &self.groups) {
            (Ok(users), Ok(groups)) => (users, groups),
            (Err(fault), _) | (_, Err(fault)) => return Some(Err(fault.clone())),
        };
        if (walk.no_user && users.beyond_files) || (walk.no_group && groups.beyond_files) {
            let message = format!(
                "cannot walk below {}: find on the node knows no -nouser, and nsswitch.conf names services that are no files; install GNU find",
                walk.path
            );
            return Some(Err(Fault::new(FaultKind::ToolMissing, message)));
        }
        let fits = |found: &Found| {
            (!walk.no_user || !users.entries.iter().any(|user| user.uid == found.inode.uid))
                && (!walk.no_group || !groups.entries.iter().any(|group| group.gid == found.inode.gid))
        };
        Some(Ok(found.into_iter().filter(fits).collect()))
    }
}

fn getent_failed<T: Entry>(part: &Part) -> Fault {
    let database = T::DATABASE;
    match part.status.as_str() {
        "127" => Fault::new(
            FaultKind::ToolMissing,
            format!(
                "getent is not installed, and nsswitch.conf names a service for {database} that is no file; install it"
            ),
        ),
        status => {
            let said = first_line(&part.err);
            Fault::new(FaultKind::Failed, format!("getent {database} ended with status {status} and said {said:?}"))
        }
    }
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
