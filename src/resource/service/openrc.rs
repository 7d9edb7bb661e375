//! OpenRC: scripts of `/etc/init.d`, links in `/etc/runlevels`.

use crate::node::{Seen, Sight, Unseen};
use crate::probe::{FileKind, List, Run};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

const RUNLEVELS: &str = "/etc/runlevels";

/// The runlevels every OpenRC has: asked for without waiting for the list of them.
const USUAL: [&str; 5] = ["boot", "default", "nonetwork", "shutdown", "sysinit"];

/// Which runlevels start which service.
pub struct Runlevels(BTreeMap<Arc<str>, Vec<Arc<str>>>);

impl Runlevels {
    /// Reads the links, once per node, in one round; two where runlevels were added.
    pub fn of(seen: &Seen<'_>) -> Sight<Rc<Runlevels>> {
        seen.parsed("", || {
            let links = |level: &str| seen.get(List { path: format!("{RUNLEVELS}/{level}").into() });
            let all = seen.get(List { path: RUNLEVELS.into() });
            let usual = seen.gather(USUAL, links);
            let (all, _) = match (all, usual) {
                (Err(Unseen::Pending), _) | (_, Err(Unseen::Pending)) => return Err(Unseen::Pending),
                (all, usual) => (all?, usual?),
            };
            let levels = all.iter().flat_map(|entries| entries.iter());
            let levels = levels.filter(|entry| entry.kind == FileKind::Directory);
            let linked = seen.gather(levels, |level| Ok((level.name.clone(), links(&level.name)?)))?;
            let mut services: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
            for (level, entries) in linked {
                for entry in entries.iter().flat_map(|entries| entries.iter()) {
                    services.entry(entry.name.clone()).or_default().push(level.clone());
                }
            }
            Ok(Runlevels(services))
        })
    }

    /// The runlevels that start a service, sorted.
    pub fn with(&self, name: &str) -> &[Arc<str>] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Whether a service that exists has been started and not stopped.
pub fn running(seen: &Seen<'_>, name: &str) -> Sight<bool> {
    let ran = seen.get(Run::argv(["rc-service", name, "status"]))?;
    match ran.status {
        0 => Ok(true),
        // Stopped, stopping, starting, inactive, crashed: openrc-run(8).
        3 | 4 | 8 | 16 | 32 => Ok(false),
        127 => Err(Unseen::tool_missing("OpenRC is asked through rc-service, which is not on this node")),
        status => {
            let said = String::from_utf8_lossy(&ran.stderr);
            let said = said.lines().next().unwrap_or_default().trim();
            Err(Unseen::failed(format!("rc-service {name} status ended with status {status}: {said}")))
        }
    }
}
