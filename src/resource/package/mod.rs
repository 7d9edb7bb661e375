//! `package`

mod apk;
pub(super) mod database;
mod dpkg;
pub(super) mod pacman;
mod rpm;
#[cfg(test)]
mod tests;

use super::Args;
use super::catalogue::Instance;
use crate::node::{PackageManager, Seen, Sight, Unseen};
use crate::value::{PackageVersion, Value};
use database::{Database, Record};
use indexmap::IndexMap;
use std::sync::Arc;

resource! {
    /// Checks a package of the node's package manager: whether it is installed, and in which version.
    ///
    /// dpkg, apk and pacman are read from their databases, rpm through one `rpm -qa` for
    /// all packages. Where a node has several databases, that of its family counts. A
    /// package of which only the configuration is left, as `dpkg --remove` does, is not
    /// installed.
    Package = "package" {
        source: "dpkg(1), deb-version(7), rpm(8), apk-package(5), pacman(8)",
        example: r#"describe(package "base-files"):is("installed"):its("version", ne "0")"#,
        falsified: (r#""base-files""#, r#""no-such-package""#),
        needs: "dpkg",
        args {
            /// The name, with an architecture where that matters: `libc6:i386`, `glibc.i686`.
            name: Str,
            /// Another rpm database than that of the node, as `rpm --dbpath` takes it.
            rpm_dbpath: Str optional,
        }
        properties {
            /// The installed version, with epoch and revision, ordered as the manager does.
            version: Version = |this: &Package, seen: &Seen<'_>| {
                let (database, record) = this.installed(seen)?;
                Ok::<Value, Unseen>(database.version(&record.version))
            };
            /// Every installed version; more than one for kernels of rpm and several architectures.
            versions: List = Package::versions;
            /// The architecture of the package: `amd64`, `all`, `x86_64`, `noarch`.
            architecture: Str = Package::architecture;
            /// `installed`, `config-files`, `unpacked` and the other words of dpkg(1); of the
            /// other managers `installed` or `not-installed`.
            state: Str = Package::state;
            /// The newest version in the manager's lists, as they are on the node.
            latest_version: Version = Package::latest_version;
            /// Name, type (`deb`, `rpm`, `apk`, `pacman`), installed, version, held.
            info: Map = Package::info;
        }
        predicates {
            /// Whether it is installed and configured.
            installed() absent No = |this: &Package, seen: &Seen<'_>, _: &Args| this.exists(seen);
            /// Whether its version is held: `apt-mark hold`, the version locks of dnf and yum, the
            /// locks of zypper, a pin with `=` in `/etc/apk/world`, `IgnorePkg` of pacman.
            held() absent No = |this: &Package, seen: &Seen<'_>, _: &Args| {
                Ok(this.records(seen)?.1.iter().any(|record| record.held))
            };
            /// Whether the installed version is the newest in the manager's lists, as they
            /// are on the node.
            latest() absent No = Package::latest;
        }
        methods {}
    }
}

/// A package by name.
pub struct Package {
    name: Arc<str>,
    rpm_dbpath: Option<Arc<str>>,
}

impl Package {
    fn new(args: &Args) -> Result<Package, String> {
        let name = args.required("name");
        // The name is given to tools, which must not take it for an option or a pattern.
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-._:@~".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || !name.chars().all(plain) {
            return Err(format!("{name:?} is no package name; for several use packages \"/PATTERN/\""));
        }
        Ok(Package { name, rpm_dbpath: args.text("rpm_dbpath") })
    }

    fn records(&self, seen: &Seen<'_>) -> Sight<(std::rc::Rc<Database>, Vec<Record>)> {
        let database = Database::of(seen, self.rpm_dbpath.as_deref())?;
        let records = database.find(&self.name).into_iter().cloned().collect();
        Ok((database, records))
    }

    fn installed(&self, seen: &Seen<'_>) -> Sight<(std::rc::Rc<Database>, Record)> {
        let (database, records) = self.records(seen)?;
        let record = records.into_iter().find(Record::installed).ok_or_else(|| Unseen::Missing(self.title()))?;
        Ok((database, record))
    }

    fn versions(&self, seen: &Seen<'_>) -> Sight<Value> {
        let (database, records) = self.records(seen)?;
        let installed = records.iter().filter(|record| record.installed());
        let versions: Vec<Value> = installed.map(|record| database.version(&record.version)).collect();
        if versions.is_empty() { Err(Unseen::Missing(self.title())) } else { Ok(Value::List(versions)) }
    }

    fn architecture(&self, seen: &Seen<'_>) -> Sight<Value> {
        let (database, record) = self.installed(seen)?;
        if database.manager == PackageManager::Pacman {
            return pacman::architecture(seen, &self.name, &record.version).map(Value::from);
        }
        Ok(record.architecture.into())
    }

    fn state(&self, seen: &Seen<'_>) -> Sight<Arc<str>> {
        let (_, records) = self.records(seen)?;
        Ok(records.first().map_or("not-installed".into(), |record| record.state.clone()))
    }

    fn newest(&self, seen: &Seen<'_>, manager: PackageManager) -> Sight<Arc<str>> {
        match manager {
            PackageManager::Dpkg => dpkg::latest(seen, &self.name),
            PackageManager::Rpm => rpm::latest(seen, &self.name),
            PackageManager::Apk => apk::latest(seen, &self.name),
            PackageManager::Pacman => pacman::latest(seen, &self.name),
        }
    }

    fn latest_version(&self, seen: &Seen<'_>) -> Sight<Value> {
        let database = Database::of(seen, self.rpm_dbpath.as_deref())?;
        let text = self.newest(seen, database.manager)?;
        Ok(Value::Version(PackageVersion { text, scheme: database::scheme(database.manager) }))
    }

    fn latest(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        let (database, record) = match self.installed(seen) {
            Err(Unseen::Missing(_)) => return Ok(false),
            installed => installed?,
        };
        Ok(self.newest(seen, database.manager)? == record.version)
    }

    fn info(&self, seen: &Seen<'_>) -> Sight<Value> {
        let (database, records) = self.records(seen)?;
        let installed = records.iter().find(|record| record.installed());
        let fields = [
            ("name", Value::from(self.name.clone())),
            ("type", database::format(database.manager).into()),
            ("installed", installed.is_some().into()),
            ("version", installed.map_or(Value::Nil, |record| database.version(&record.version))),
            ("held", records.iter().any(|record| record.held).into()),
        ];
        let map: IndexMap<String, Value> = fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        Ok(Value::Map(map))
    }
}

impl Instance for Package {
    fn title(&self) -> String {
        format!("Package {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(self.records(seen)?.1.iter().any(Record::installed))
    }
}
