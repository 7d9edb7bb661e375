//! Init scripts and the links of the runlevels, as sysvinit and LSB have them.

use crate::node::{Seen, Sight, Unseen};
use crate::probe::{FileKind, List, Read, Run};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Where distributions keep the scripts and, beside them, the runlevels.
const DIRECTORIES: [(&str, &str); 2] = [("/etc/init.d", "/etc"), ("/etc/rc.d/init.d", "/etc/rc.d")];
const LEVELS: [&str; 8] = ["S", "0", "1", "2", "3", "4", "5", "6"];

/// The init scripts of a node and the runlevels that start each.
pub struct Scripts {
    paths: BTreeMap<String, String>,
    starts: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Scripts {
    /// Reads the directories, once per node, in one round.
    pub fn of(seen: &Seen<'_>) -> Sight<Rc<Scripts>> {
        seen.parsed("", || {
            let list = |path: String| seen.get(List { path: path.into() });
            let scripts = seen.gather(DIRECTORIES, |(scripts, _)| list(scripts.to_string()));
            let rows = DIRECTORIES.iter().flat_map(|(_, base)| LEVELS.map(|level| (*base, level)));
            let levels = seen.gather(rows, |(base, level)| Ok((level, list(format!("{base}/rc{level}.d"))?)));
            let (scripts, levels) = match (scripts, levels) {
                (Err(Unseen::Pending), _) | (_, Err(Unseen::Pending)) => return Err(Unseen::Pending),
                (scripts, levels) => (scripts?, levels?),
            };
            let mut paths = BTreeMap::new();
            for ((directory, _), entries) in DIRECTORIES.iter().zip(scripts) {
                for entry in entries.iter().flat_map(|entries| entries.iter()) {
                    if matches!(entry.kind, FileKind::File | FileKind::Symlink) {
                        paths.entry(entry.name.to_string()).or_insert(format!("{directory}/{}", entry.name));
                    }
                }
            }
            let mut starts: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
            for (level, entries) in levels {
                for entry in entries.iter().flat_map(|entries| entries.iter()) {
                    if let Some(name) = started(&entry.name) {
                        starts.entry(name.to_string()).or_default().insert(level);
                    }
                }
            }
            Ok(Scripts { paths, starts })
        })
    }

    /// Whether there is a script of this name.
    pub fn has(&self, name: &str) -> bool {
        self.paths.contains_key(name)
    }

    /// Whether a runlevel that a system runs in starts it.
    pub fn enabled(&self, name: &str) -> bool {
        self.has(name) && self.starts.get(name).is_some_and(|levels| levels.iter().any(|level| "S2345".contains(level)))
    }

    /// The runlevels that start it.
    pub fn runlevels(&self, name: &str) -> Vec<&'static str> {
        self.starts.get(name).into_iter().flatten().copied().collect()
    }

    /// Whether it runs, as its `status` action says.
    pub fn running(&self, seen: &Seen<'_>, name: &str) -> Sight<bool> {
        let Some(path) = self.paths.get(name) else { return Ok(false) };
        let (content, ran) = seen.all((Read { path: path.as_str().into() }, Run::argv([path.as_str(), "status"])))?;
        let has_status = content.is_some_and(|content| String::from_utf8_lossy(&content).contains("status"));
        match ran.status {
            _ if !has_status => Err(Unseen::failed(format!("{path} has no status action that could be asked"))),
            0 => Ok(true),
            // Dead with a pid file, dead with a lock file, not running: the LSB's numbers.
            1..=3 => Ok(false),
            status => Err(Unseen::failed(format!("{path} status ended with status {status}, which tells nothing"))),
        }
    }

    /// The short description of the script's LSB header; empty where there is none.
    pub fn description(&self, seen: &Seen<'_>, name: &str) -> Sight<String> {
        let Some(path) = self.paths.get(name) else { return Ok(String::new()) };
        let content = seen.get(Read { path: path.as_str().into() })?.unwrap_or_default();
        let content = String::from_utf8_lossy(&content);
        let line = content.lines().find_map(|line| line.strip_prefix("# Short-Description:"));
        Ok(line.unwrap_or_default().trim().to_string())
    }
}

/// The script that a link `S20NAME` starts.
fn started(link: &str) -> Option<&str> {
    let rest = link.strip_prefix('S')?;
    let name = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    (name.len() + 2 == rest.len() && !name.is_empty()).then_some(name)
}
