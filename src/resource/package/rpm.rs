//! rpm: its database has had three formats, so the tool itself is asked, once for all.

use super::database::{Database, Packages, Record, Words, lines, text};
use crate::node::{PackageManager, Seen, Sight, Unseen};
use crate::probe::{List, Read, Run};
use std::sync::Arc;

/// One line a package; the time of installation puts the newest kernel first.
const FORMAT: &str = "%{NAME}\\t%{EPOCH}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{INSTALLTIME}\\n";

/// Reads the names a file of locks holds back.
type Reader = fn(&[u8]) -> Result<Vec<String>, String>;

/// Where packages are held back: the version lock plugins of dnf and yum, that of dnf 5,
/// the locks of zypper.
const LOCKS: [(&str, Reader); 4] = [
    ("/etc/dnf/plugins/versionlock.list", listed),
    ("/etc/yum/pluginconf.d/versionlock.list", listed),
    ("/etc/dnf/versionlock.toml", dnf5),
    ("/etc/zypp/locks", zypper),
];

/// Where the database of a node may be; rpm has had three homes.
const HOMES: [&str; 3] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"];

/// The file of a database in each of its formats: sqlite, ndb, Berkeley DB.
const FILES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];

/// Reading a large database takes a while.
const TIMEOUT_MS: u64 = 60_000;

/// Asks for what [`read`] will need when the node is one of rpm.
pub fn ask(seen: &Seen<'_>) {
    let _ = seen.gather(HOMES, |path| seen.try_get(List { path: path.into() }));
}

/// Unwinds unless there is a database. `rpm -qa` makes an empty one where it finds none, and
/// that would be a change of the node, and no package installed.
fn found(seen: &Seen<'_>, dbpath: Option<&str>) -> Sight<()> {
    let paths = dbpath.map_or_else(|| HOMES.to_vec(), |path| vec![path]);
    let lists = seen.gather(&paths, |path| seen.get(List { path: (*path).into() }))?;
    let mut entries = lists.iter().flatten().flat_map(|entries| entries.iter());
    match entries.any(|entry| FILES.contains(&&*entry.name)) {
        true => Ok(()),
        false => Err(Unseen::failed(format!("there is no rpm database in {}", paths.join(", ")))),
    }
}

/// The database of the node, or the one at `dbpath`.
pub fn read(seen: &Seen<'_>, dbpath: Option<&str>) -> Sight<Database> {
    found(seen, dbpath)?;
    let mut argv = vec!["rpm".to_string()];
    argv.extend(dbpath.into_iter().flat_map(|path| ["--dbpath".to_string(), path.to_string()]));
    argv.extend(["-qa", "--queryformat", FORMAT].map(String::from));
    let ran = seen.get(Run { timeout_ms: TIMEOUT_MS, ..Run::argv(argv) });
    let locks = seen.each(LOCKS.map(|(path, _)| Read { path: path.into() }));
    let (ran, locks) = match (ran, locks) {
        (Err(Unseen::Pending), _) | (_, Err(Unseen::Pending)) => return Err(Unseen::Pending),
        (ran, locks) => (ran?, locks?),
    };
    match ran.status {
        0 if ran.truncated => return Err(Unseen::failed("the list rpm -qa gives is longer than the output cap")),
        0 => {}
        127 => {
            return Err(Unseen::tool_missing(
                "the rpm database needs the rpm tool to be read, which is not on this node",
            ));
        }
        status => {
            let said = String::from_utf8_lossy(&ran.stderr);
            let said = said.lines().next().unwrap_or_default();
            return Err(Unseen::failed(format!("rpm -qa ended with status {status}: {said}")));
        }
    }
    let mut held = Vec::new();
    for ((path, names), content) in LOCKS.iter().zip(&locks) {
        let content = content.as_deref().unwrap_or_default();
        held.extend(names(content).map_err(|error| Unseen::malformed(format!("{path}: {error}")))?);
    }
    Ok(Database { manager: PackageManager::Rpm, packages: parse(&ran.stdout, &held).map_err(Unseen::malformed)? })
}

fn parse(output: &[u8], locks: &[String]) -> Result<Packages, String> {
    let (mut timed, mut words) = (Vec::new(), Words::default());
    for line in lines(output).filter(|line| !line.is_empty()) {
        let line = String::from_utf8_lossy(line);
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, epoch, version, architecture, time] = fields[..] else {
            return Err(format!("rpm -qa gave a line that is no package: {line:?}"));
        };
        let version =
            if matches!(epoch, "(none)" | "0") { version.into() } else { format!("{epoch}:{version}").into() };
        let record = Record {
            version,
            architecture: words.of(architecture),
            state: words.of("installed"),
            held: locks.iter().any(|lock| lock == name),
        };
        timed.push((time.parse().unwrap_or(0), (name.into(), record)));
    }
    // The newest first, which it stays among those of its name.
    timed.sort_by_key(|(time, _): &(i64, _)| std::cmp::Reverse(*time));
    Ok(timed.into_iter().map(|(_, named)| named).collect())
}

/// The names a version lock list holds back: `bash-0:5.1.8-6.el9.*` (dnf) or
/// `0:bash-5.1.8-6.el9.*` (yum). A line with `!` excludes a version and holds nothing.
fn listed(content: &[u8]) -> Result<Vec<String>, String> {
    let name = |line: &[u8]| {
        let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            return None;
        }
        let line = match line.split_once(':') {
            Some((epoch, rest)) if epoch.chars().all(|c| c.is_ascii_digit()) => rest,
            _ => &line,
        };
        let mut parts = line.rsplitn(3, '-');
        let (_release, _version) = (parts.next()?, parts.next()?);
        parts.next().map(str::to_string)
    };
    Ok(lines(content).filter_map(name).collect())
}

/// The names `versionlock.toml` of dnf 5 holds at a version.
fn dnf5(content: &[u8]) -> Result<Vec<String>, String> {
    let table = String::from_utf8_lossy(content).parse::<toml::Table>();
    let table = table.map_err(|error| format!("no TOML: {}", error.message()))?;
    let packages = table.get("packages").and_then(toml::Value::as_array).into_iter().flatten();
    Ok(packages.filter_map(|package| package.get("name")?.as_str().map(str::to_string)).collect())
}

/// The names in the locks of zypper: blocks with a line `solvable_name: NAME`.
fn zypper(content: &[u8]) -> Result<Vec<String>, String> {
    let names = lines(content).filter_map(|line| line.trim_ascii().strip_prefix(b"solvable_name:"));
    Ok(names.map(|name| text(name).to_string()).collect())
}

/// The newest version dnf would install, from its cache as it is.
pub fn latest(seen: &Seen<'_>, name: &str) -> Sight<Arc<str>> {
    let argv = ["dnf", "-q", "-C", "repoquery", "--latest-limit=1", "--qf", "%{evr}\\n", name];
    let ran = seen.get(Run { timeout_ms: TIMEOUT_MS, ..Run::argv(argv) })?;
    match ran.status {
        0 => {}
        127 => return Err(Unseen::tool_missing("the latest version needs dnf, which is not on this node")),
        status => {
            return Err(Unseen::failed(format!(
                "dnf repoquery {name} ended with status {status}; run dnf makecache on the node"
            )));
        }
    }
    let version = lines(&ran.stdout).map(text).filter(|line| !line.is_empty()).last();
    version.ok_or_else(|| Unseen::failed(format!("dnf knows no version of {name}; run dnf makecache on the node")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_lists_of_yum_and_dnf_name_packages() {
        let list = b"# added\nbash-0:5.1.8-6.el9.*\n0:kernel-core-5.14.0-70.el9.*\n!vim-2:8.2-1.*\n\n";
        assert_eq!(listed(list).unwrap(), ["bash", "kernel-core"]);
    }

    #[test]
    fn dnf5_and_zypper_name_packages_too() {
        let locks = "version = '1.0'\n[[packages]]\nname = 'bash'\n[[packages.conditions]]\nkey = 'evr'\n";
        assert_eq!(dnf5(locks.as_bytes()).unwrap(), ["bash"]);
        assert!(dnf5(b"[[packages").unwrap_err().contains("no TOML"));
        assert_eq!(zypper(b"\ntype: package\nsolvable_name: kernel-default\n\n").unwrap(), ["kernel-default"]);
    }

    #[test]
    fn a_line_that_is_no_package_is_refused() {
        assert!(parse(b"bash\t(none)\t5.1\n", &[]).unwrap_err().contains("no package"));
    }
}
