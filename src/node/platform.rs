//! What operating system a node runs: facts that every profile may ask for first.

use super::os_release;
use super::{Seen, Sight};
use crate::probe::{Fault, FaultKind, FileKind, Kernel, Read, Stat, Stated, Uname};
use crate::results::event::PlatformSummary;
use crate::value::Value;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The operating system of a node, from os-release(5), uname(2) and, on systems older
/// than os-release, the release files of the distributions.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// `ID` of os-release(5), such as `debian`; `linux` where nothing names it.
    pub name: Arc<str>,
    /// `PRETTY_NAME`, such as `Debian GNU/Linux 12 (bookworm)`.
    pub title: Arc<str>,
    /// `VERSION_ID`, such as `12`; empty where there is none.
    pub release: Arc<str>,
    /// `VERSION_CODENAME`, such as `bookworm`; empty where there is none.
    pub codename: Arc<str>,
    /// The nearest family: `debian`, `redhat`, `fedora`, `suse`, `arch`, `alpine`, `gentoo`
    /// or `linux`.
    pub family: Arc<str>,
    /// Every family it belongs to, nearest first; ends with `linux`, `unix`.
    pub families: Vec<Arc<str>>,
    /// The kernel, with the machine's architecture.
    pub kernel: Arc<Kernel>,
    /// The package managers whose database is there, that of the family first.
    pub package_managers: Vec<PackageManager>,
    /// What starts services; `None` where there is nothing.
    pub service_manager: Option<ServiceManager>,
}

/// A package manager Probity can read the database of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PackageManager {
    Dpkg,
    Rpm,
    Apk,
    Pacman,
}

/// What starts and stops services, and whether it is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceManager {
    /// `running` is sd_booted(3): false for instance in a container that only has the files.
    Systemd { running: bool },
    /// `running` says whether OpenRC booted the system.
    OpenRc { running: bool },
    /// sysvinit with `/etc/inittab`.
    SysV,
}

/// Release files of systems without os-release, and the name each stands for.
pub(crate) const RELEASE_FILES: [(&str, &str); 5] = [
    ("/etc/redhat-release", "rhel"),
    ("/etc/debian_version", "debian"),
    ("/etc/alpine-release", "alpine"),
    ("/etc/SuSE-release", "suse"),
    ("/etc/arch-release", "arch"),
];

/// Where the databases of the package managers are. rpm has had three homes.
pub(crate) const DATABASES: [(&str, PackageManager); 6] = [
    ("/var/lib/dpkg/status", PackageManager::Dpkg),
    ("/usr/lib/sysimage/rpm", PackageManager::Rpm),
    ("/var/lib/rpm", PackageManager::Rpm),
    ("/usr/share/rpm", PackageManager::Rpm),
    ("/lib/apk/db/installed", PackageManager::Apk),
    ("/var/lib/pacman/local", PackageManager::Pacman),
];

/// Signs of the service managers, in the order of [`service_manager`]'s arguments.
pub(crate) const SERVICE_SIGNS: [&str; 8] = [
    "/run/systemd/system",
    "/run/openrc/softlevel",
    "/sbin/init",
    "/sbin/openrc-run",
    "/usr/bin/openrc-run",
    "/etc/inittab",
    "/usr/lib/systemd/systemd",
    "/lib/systemd/systemd",
];

impl Platform {
    /// The platform of the node, looked at once: one round.
    pub fn of(seen: &Seen<'_>) -> Sight<Rc<Platform>> {
        seen.parsed("", || look(seen))
    }

    /// What reports say of it.
    pub fn summary(&self) -> PlatformSummary {
        PlatformSummary {
            name: self.name.clone(),
            release: self.release.clone(),
            family: self.family.clone(),
            arch: self.kernel.machine.clone(),
        }
    }

    /// The facts as templates see them; one that is not known is not there.
    pub fn facts(&self) -> Value {
        let texts = [
            ("name", &self.name),
            ("title", &self.title),
            ("release", &self.release),
            ("codename", &self.codename),
            ("family", &self.family),
            ("arch", &self.kernel.machine),
            ("kernel", &self.kernel.release),
            ("hostname", &self.kernel.host_name),
        ];
        let known = texts.into_iter().filter(|(_, text)| !text.is_empty());
        let mut facts: IndexMap<String, Value> =
            known.map(|(name, text)| (name.to_string(), Value::from(text.clone()))).collect();
        facts.insert("families".to_string(), Value::strings(&self.families));
        Value::Map(facts)
    }

    /// The release of the kernel that runs.
    ///
    /// # Errors
    /// No kernel runs: the node is a root file system, and another one may start from it.
    pub fn kernel_release(kernel: &Kernel) -> Sight<&Arc<str>> {
        known(&kernel.release, "the release of the kernel is not known: this system does not run")
    }

    /// The architecture, as `uname -m` gives it.
    ///
    /// # Errors
    /// Nothing on the node says so.
    pub fn arch(&self) -> Sight<&Arc<str>> {
        known(&self.kernel.machine, "the architecture is not known: there is no program whose header would tell")
    }

    /// Whether it belongs to a family, by one of [`Platform::families`].
    pub fn in_family(&self, family: &str) -> bool {
        self.families.iter().any(|own| &**own == family)
    }
}

/// A fact of the kernel, unless it is not known.
fn known<'a>(fact: &'a Arc<str>, otherwise: &str) -> Sight<&'a Arc<str>> {
    match &**fact {
        "" => Err(Fault::new(FaultKind::Unsupported, otherwise).into()),
        _ => Ok(fact),
    }
}

fn look(seen: &Seen<'_>) -> Sight<Platform> {
    let read = |path: &str| seen.try_get(Read { path: path.into() });
    let stat = |path: &str| seen.try_get(Stat { path: path.into() });
    let releases = seen.gather(["/etc/os-release", "/usr/lib/os-release"], read);
    let old = seen.gather(RELEASE_FILES, |(path, _)| read(path));
    let databases = seen.gather(DATABASES, |(path, _)| stat(path));
    let signs = seen.gather(SERVICE_SIGNS, stat);
    let kernel = seen.get(Uname);
    let (releases, old, databases, signs, kernel) = (releases?, old?, databases?, signs?, kernel?);

    // The file of the distribution comes first, as os-release(5) says; one that may not
    // be read makes the platform unknown, not another.
    let mut fields = BTreeMap::new();
    for release in releases {
        if let Some(content) = release? {
            fields = os_release::parse(&content);
            break;
        }
    }
    if !fields.contains_key("ID") {
        let found = RELEASE_FILES.iter().zip(old).find_map(|((_, name), content)| Some((*name, content.ok()??)));
        if let Some((name, content)) = found {
            from_release_file(name, &content, &mut fields);
        }
    }
    let databases: Vec<Option<Stated>> = databases.into_iter().map(|stat| stat.ok().flatten()).collect();
    let signs: Vec<Option<Stated>> = signs.into_iter().map(|stat| stat.ok().flatten()).collect();

    let field = |name: &str| -> Arc<str> { fields.get(name).map_or("", String::as_str).into() };
    let name: Arc<str> = match &*field("ID") {
        "" => "linux".into(),
        id => id.into(),
    };
    let families = families(&name, &field("ID_LIKE"));
    let title = match &*field("PRETTY_NAME") {
        "" => format!("{name} {}", field("VERSION_ID")).trim_end().into(),
        title => title.into(),
    };
    Ok(Platform {
        title,
        release: field("VERSION_ID"),
        codename: field("VERSION_CODENAME"),
        family: families[0].clone(),
        package_managers: package_managers(&databases, &families[0]),
        service_manager: service_manager(&signs),
        families,
        kernel,
        name,
    })
}

/// Fills in what a release file older than os-release says: `CentOS release 6.10 (Final)`.
fn from_release_file(name: &str, content: &[u8], fields: &mut BTreeMap<String, String>) {
    let text = String::from_utf8_lossy(content);
    let line = text.lines().next().unwrap_or_default().trim();
    let first = line.split_whitespace().next().unwrap_or_default().to_lowercase();
    let name = match (name, first.as_str()) {
        ("rhel", "centos" | "fedora" | "rocky" | "almalinux" | "scientific") => first,
        ("rhel", "oracle") => "ol".to_string(),
        _ => name.to_string(),
    };
    let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let release = line.split_whitespace().find(number).unwrap_or_default();
    fields.insert("ID".to_string(), name);
    fields.entry("VERSION_ID".to_string()).or_insert_with(|| release.to_string());
    if line.contains(' ') {
        fields.entry("PRETTY_NAME".to_string()).or_insert_with(|| line.to_string());
    }
}

/// The families of a distribution, by its own name first and else by what it says it is
/// like, nearest first as os-release(5) orders `ID_LIKE`.
fn families(id: &str, like: &str) -> Vec<Arc<str>> {
    let family = |id: &str| {
        Some(match id {
            "debian" | "ubuntu" | "raspbian" | "linuxmint" | "kali" | "pop" | "devuan" => "debian",
            "rhel" | "redhat" | "centos" | "rocky" | "almalinux" | "ol" | "amzn" | "scientific" | "cloudlinux"
            | "eurolinux" | "virtuozzo" => "redhat",
            "fedora" => "fedora",
            "suse" | "opensuse" | "sles" | "sled" | "sle-micro" | "sles_sap" => "suse",
            id if id.starts_with("opensuse") => "suse",
            "arch" | "archarm" | "manjaro" | "endeavouros" => "arch",
            "alpine" | "postmarketos" => "alpine",
            "gentoo" => "gentoo",
            _ => return None,
        })
    };
    let mut families: Vec<Arc<str>> = Vec::new();
    let nearest = family(id).or_else(|| like.split_whitespace().find_map(family));
    families.extend(nearest.map(Arc::from));
    families.extend(["linux".into(), "unix".into()]);
    families
}

/// The managers whose database is there, that of the family before the others: rpm on
/// Debian is a tool, dpkg is its database.
fn package_managers(databases: &[Option<Stated>], family: &str) -> Vec<PackageManager> {
    let home = match family {
        "debian" => Some(PackageManager::Dpkg),
        "redhat" | "fedora" | "suse" => Some(PackageManager::Rpm),
        "alpine" => Some(PackageManager::Apk),
        "arch" => Some(PackageManager::Pacman),
        _ => None,
    };
    let mut managers: Vec<PackageManager> = Vec::new();
    for ((_, manager), stated) in DATABASES.iter().zip(databases) {
        if stated.is_some() && !managers.contains(manager) {
            managers.push(*manager);
        }
    }
    managers.sort_by_key(|manager| Some(*manager) != home);
    managers
}

/// The service manager: one at work before one that is only installed; among those the
/// one `/sbin/init` is.
fn service_manager(signs: &[Option<Stated>]) -> Option<ServiceManager> {
    let is = |index: usize, kind: FileKind| {
        signs[index].as_ref().and_then(Stated::target).is_some_and(|inode| inode.kind == kind)
    };
    let init = signs[2].as_ref().and_then(|stated| stated.link.as_ref()).and_then(|link| link.canonical.clone());
    let init_is = |name: &str| init.as_deref().is_some_and(|path| path.ends_with(name));
    if is(0, FileKind::Directory) {
        Some(ServiceManager::Systemd { running: true })
    } else if is(1, FileKind::File) {
        Some(ServiceManager::OpenRc { running: true })
    } else if init_is("/systemd") {
        Some(ServiceManager::Systemd { running: false })
    } else if is(3, FileKind::File) || is(4, FileKind::File) {
        Some(ServiceManager::OpenRc { running: false })
    } else if is(5, FileKind::File) {
        Some(ServiceManager::SysV)
    } else if is(6, FileKind::File) || is(7, FileKind::File) {
        Some(ServiceManager::Systemd { running: false })
    } else {
        None
    }
}

#[cfg(test)]
#[path = "platform_tests.rs"]
mod tests;
