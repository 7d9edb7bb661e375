//! The package database of a node, read once.

use super::{apk, dpkg, pacman, rpm};
use crate::node::{PackageManager, Platform, Seen, Sight, Unseen};
use crate::value::{PackageVersion, Value, VersionScheme};
use std::rc::Rc;
use std::sync::Arc;

/// What a database says of one package. A package may be there more than once: for two
/// architectures, or, as kernels of rpm are, in two versions.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub version: Arc<str>,
    /// Empty where the database has it elsewhere (pacman).
    pub architecture: Arc<str>,
    /// `installed`, or the word dpkg has for a package that is not wholly there.
    pub state: Arc<str>,
    pub held: bool,
}

impl Record {
    /// Whether the package is there and ready for use.
    pub fn installed(&self) -> bool {
        matches!(&*self.state, "installed" | "triggers-awaited" | "triggers-pending")
    }
}

/// All packages of a node.
#[derive(Debug)]
pub struct Database {
    pub manager: PackageManager,
    pub packages: Packages,
}

/// Packages by name; one that is there more than once has its records in the order of the
/// database. A run holds this for every node in flight, so it is kept small.
#[derive(Debug, Default)]
pub struct Packages(Box<[(Box<str>, Record)]>);

impl Packages {
    /// The records of this very name.
    pub fn named(&self, name: &str) -> &[(Box<str>, Record)] {
        let first = self.0.partition_point(|(own, _)| &**own < name);
        let count = self.0[first..].partition_point(|(own, _)| &**own == name);
        &self.0[first..first + count]
    }

    /// All names with a record, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Record)> {
        self.0.iter().map(|(name, record)| (&**name, record))
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Box<str>, Record)> for Packages {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Record)>>(records: I) -> Packages {
        let mut sorted: Vec<(Box<str>, Record)> = records.into_iter().collect();
        // Stable: the order of the records of one name means something.
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        Packages(sorted.into())
    }
}

/// Words that nearly every record repeats, such as `installed` and `amd64`, each kept once.
#[derive(Default)]
pub struct Words(Vec<Arc<str>>);

impl Words {
    /// The one copy of a word.
    pub fn of(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.iter().find(|known| &***known == word) {
            return known.clone();
        }
        let word: Arc<str> = word.into();
        // A database that is made up of different ones must not be searched for each.
        if self.0.len() < 64 {
            self.0.push(word.clone());
        }
        word
    }
}

impl Database {
    /// The database of the platform; where `rpm_dbpath` is given, the rpm database there.
    /// One round for dpkg and apk, as for pacman; rpm takes a second for its command.
    pub fn of(seen: &Seen<'_>, rpm_dbpath: Option<&str>) -> Sight<Rc<Database>> {
        seen.parsed(rpm_dbpath.unwrap_or_default(), || {
            if rpm_dbpath.is_some() {
                return rpm::read(seen, rpm_dbpath);
            }
            let platform = match Platform::of(seen) {
                Err(Unseen::Pending) => {
                    // Which files will matter is not known yet, but asking is cheap.
                    dpkg::ask(seen);
                    rpm::ask(seen);
                    apk::ask(seen);
                    pacman::ask(seen);
                    return Err(Unseen::Pending);
                }
                platform => platform?,
            };
            match platform.package_managers.first() {
                Some(PackageManager::Dpkg) => dpkg::read(seen),
                Some(PackageManager::Rpm) => rpm::read(seen, None),
                Some(PackageManager::Apk) => apk::read(seen),
                Some(PackageManager::Pacman) => pacman::read(seen),
                None => Err(Unseen::tool_missing(
                    "no package database is known here; dpkg, rpm, apk and pacman were looked for",
                )),
            }
        })
    }

    /// The records of a name, installed ones first, else in the order of the database. A
    /// name may carry an architecture, as `libc6:i386` for dpkg and `glibc.i686` for rpm.
    pub fn find(&self, name: &str) -> Vec<&Record> {
        let mut records: Vec<&Record> = match self.packages.named(name) {
            named if !named.is_empty() => named.iter().map(|(_, record)| record).collect(),
            _ => {
                let separator = match self.manager {
                    PackageManager::Dpkg => ':',
                    PackageManager::Rpm => '.',
                    PackageManager::Apk | PackageManager::Pacman => return Vec::new(),
                };
                let Some((name, architecture)) = name.rsplit_once(separator) else { return Vec::new() };
                let records = self.packages.named(name).iter().map(|(_, record)| record);
                records.filter(|record| &*record.architecture == architecture).collect()
            }
        };
        records.sort_by_key(|record| !record.installed());
        records
    }

    /// The version as the manager orders it.
    pub fn version(&self, text: &Arc<str>) -> Value {
        Value::Version(PackageVersion { text: text.clone(), scheme: scheme(self.manager) })
    }
}

/// Whose ordering applies to versions of a manager.
pub fn scheme(manager: PackageManager) -> VersionScheme {
    match manager {
        PackageManager::Dpkg => VersionScheme::Dpkg,
        PackageManager::Rpm => VersionScheme::Rpm,
        PackageManager::Apk => VersionScheme::Apk,
        PackageManager::Pacman => VersionScheme::Pacman,
    }
}

/// The name of a manager's package format, as InSpec has it.
pub fn format(manager: PackageManager) -> &'static str {
    match manager {
        PackageManager::Dpkg => "deb",
        PackageManager::Rpm => "rpm",
        PackageManager::Apk => "apk",
        PackageManager::Pacman => "pacman",
    }
}

/// The lines of a text file that may not be UTF-8.
pub fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    // The databases have tens of thousands of lines: memchr looks at many bytes at once.
    let mut begin = 0;
    memchr::memchr_iter(b'\n', content).chain([content.len()]).map(move |end| {
        let line = &content[std::mem::replace(&mut begin, end + 1)..end];
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

/// Text of a database field.
pub fn text(bytes: &[u8]) -> Arc<str> {
    crate::probe::bytes::text(bytes.trim_ascii()).into()
}
