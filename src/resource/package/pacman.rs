//! pacman: a directory per package, named `NAME-VERSION-RELEASE`.

use super::database::{Database, Record, Words, lines, text};
use crate::node::{PackageManager, Seen, Sight, Unseen};
use crate::probe::{FileKind, List, Read, Run};
use std::sync::Arc;

const LOCAL: &str = "/var/lib/pacman/local";

fn questions() -> (List, Read) {
    (List { path: LOCAL.into() }, Read { path: "/etc/pacman.conf".into() })
}

/// Asks for what [`read`] will need.
pub fn ask(seen: &Seen<'_>) {
    let _ = seen.all(questions());
}

/// The database of the node. The names of the directories say enough.
pub fn read(seen: &Seen<'_>) -> Sight<Database> {
    let (entries, conf) = seen.all(questions())?;
    let entries = entries.ok_or_else(|| Unseen::malformed(format!("{LOCAL} vanished while it was looked at")))?;
    let held = ignored(conf.as_deref().unwrap_or_default());
    let (mut packages, mut words) = (Vec::new(), Words::default());
    for entry in entries.iter().filter(|entry| entry.kind == FileKind::Directory) {
        let (name, version) = split(&entry.name)
            .ok_or_else(|| Unseen::malformed(format!("{LOCAL}/{} is not named NAME-VERSION-RELEASE", entry.name)))?;
        let held = held.iter().any(|own| own == name);
        let (architecture, state) = (words.of(""), words.of("installed"));
        packages.push((name.into(), Record { version: version.into(), architecture, state, held }));
    }
    Ok(Database { manager: PackageManager::Pacman, packages: packages.into_iter().collect() })
}

/// Name and version of a directory's name: the last two hyphens part it.
fn split(entry: &str) -> Option<(&str, &str)> {
    let (rest, _) = entry.rsplit_once('-')?;
    let (name, _) = rest.rsplit_once('-')?;
    (!name.is_empty()).then(|| (name, &entry[name.len() + 1..]))
}

/// The packages `IgnorePkg` in pacman.conf(5) holds back.
fn ignored(conf: &[u8]) -> Vec<String> {
    let conf = String::from_utf8_lossy(conf);
    conf.lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| key.trim() == "IgnorePkg")
        .flat_map(|(_, names)| names.split_whitespace())
        .map(str::to_string)
        .collect()
}

/// The architecture of an installed package, from its `desc`.
pub fn architecture(seen: &Seen<'_>, name: &str, version: &str) -> Sight<Arc<str>> {
    let content = seen.get(Read { path: format!("{LOCAL}/{name}-{version}/desc").into() })?;
    let content = content.unwrap_or_default();
    let mut lines = lines(&content).skip_while(|line| line.trim_ascii() != b"%ARCH%");
    Ok(lines.nth(1).map(text).unwrap_or_default())
}

/// The newest version in the sync databases as they are.
pub fn latest(seen: &Seen<'_>, name: &str) -> Sight<Arc<str>> {
    let mut run = Run::argv(["pacman", "-Si", name]);
    run.environment = vec![("LC_ALL".to_string(), "C".to_string())];
    let ran = seen.get(run)?;
    if ran.status == 127 {
        return Err(Unseen::tool_missing("the latest version needs pacman, which is not on this node"));
    }
    let version = |line: &[u8]| Some(text(line.strip_prefix(b"Version")?.trim_ascii_start().strip_prefix(b":")?));
    let version = lines(&ran.stdout).find_map(version);
    version.ok_or_else(|| Unseen::failed(format!("pacman knows no version of {name}; run pacman -Sy on the node")))
}
