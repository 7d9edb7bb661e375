//! apk: a text file of blocks with one-letter fields.

use super::database::{Database, Packages, Record, Words, lines, text};
use crate::node::{PackageManager, Seen, Sight, Unseen};
use crate::probe::{Read, Run};
use std::collections::BTreeSet;
use std::sync::Arc;

const INSTALLED: &str = "/lib/apk/db/installed";
const WORLD: &str = "/etc/apk/world";

fn questions() -> (Read, Read) {
    (Read { path: INSTALLED.into() }, Read { path: WORLD.into() })
}

/// Asks for what [`read`] will need.
pub fn ask(seen: &Seen<'_>) {
    let _ = seen.all(questions());
}

/// The database of the node.
pub fn read(seen: &Seen<'_>) -> Sight<Database> {
    let (installed, world) = seen.all(questions())?;
    let installed =
        installed.ok_or_else(|| Unseen::malformed(format!("{INSTALLED} vanished while it was looked at")))?;
    let packages = parse(&installed, &pinned(world.as_deref().unwrap_or_default())).map_err(Unseen::malformed)?;
    Ok(Database { manager: PackageManager::Apk, packages })
}

/// The names of world that are held at one version: `bash=5.2.26-r0`.
fn pinned(world: &[u8]) -> BTreeSet<String> {
    let world = String::from_utf8_lossy(world);
    world.split_whitespace().filter_map(|word| word.split_once('=')).map(|(name, _)| name.to_string()).collect()
}

fn parse(content: &[u8], pinned: &BTreeSet<String>) -> Result<Packages, String> {
    let (mut packages, mut words) = (Vec::new(), Words::default());
    let (mut name, mut version, mut architecture) = (None, None, None);
    for (index, line) in lines(content).chain([&b""[..]]).enumerate() {
        match line {
            [b'P', b':', value @ ..] => name = Some(text(value)),
            [b'V', b':', value @ ..] => version = Some(text(value)),
            [b'A', b':', value @ ..] => architecture = Some(words.of(&text(value))),
            [] => {
                if let Some(name) = name.take() {
                    let version =
                        version.take().ok_or_else(|| format!("{INSTALLED}:{}: {name} has no version", index + 1))?;
                    let record = Record {
                        version,
                        architecture: architecture.take().unwrap_or_default(),
                        state: words.of("installed"),
                        held: pinned.contains(&*name),
                    };
                    packages.push((Box::from(&*name), record));
                }
            }
            _ => {}
        }
    }
    if packages.is_empty() && !content.trim_ascii().is_empty() {
        return Err(format!("{INSTALLED} holds no package; it is no apk database"));
    }
    Ok(packages.into_iter().collect())
}

/// The newest version in the indexes as they are.
pub fn latest(seen: &Seen<'_>, name: &str) -> Sight<Arc<str>> {
    let ran = seen.get(Run::argv(["apk", "search", "--exact", name]))?;
    match ran.status {
        0 => {}
        127 => return Err(Unseen::tool_missing("the latest version needs apk, which is not on this node")),
        status => return Err(Unseen::failed(format!("apk search {name} ended with status {status}"))),
    }
    let version = |line: &[u8]| Some(text(line.strip_prefix(name.as_bytes())?.strip_prefix(b"-")?));
    let version = lines(&ran.stdout).filter_map(version).last();
    version.ok_or_else(|| Unseen::failed(format!("apk knows no version of {name}; run apk update on the node")))
}
