//! systemd, through systemctl(1).

use super::{sysv, unit_files};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{FaultKind, Ran, Run};
use indexmap::IndexMap;
use std::rc::Rc;

/// The kinds of unit of systemd.unit(5); a name without one is a service.
const SUFFIXES: [&str; 11] = [
    ".service",
    ".socket",
    ".device",
    ".mount",
    ".automount",
    ".swap",
    ".target",
    ".path",
    ".timer",
    ".slice",
    ".scope",
];

/// The states for which `systemctl is-enabled` ends with 0, besides `generated`.
const ENABLED: [&str; 5] = ["enabled", "enabled-runtime", "static", "alias", "indirect"];

/// What is said of a question that needs a running service manager.
pub const NOT_RUNNING: &str = "no service manager is running here: systemd is installed but did not boot this system";

/// The full name of a unit.
pub fn unit(name: &str) -> String {
    match SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        true => name.to_string(),
        false => format!("{name}.service"),
    }
}

/// All properties of a unit as the running manager has them, one command a unit.
pub fn show(seen: &Seen<'_>, name: &str) -> Sight<Rc<Unit>> {
    let unit = unit(name);
    seen.parsed(&unit, || {
        let ran = systemctl(seen, &["show", "--no-pager", "--", &unit])?;
        if ran.status != 0 {
            return Err(failure(&format!("systemctl show {unit}"), &ran));
        }
        let unit = Unit::parse(&ran.stdout);
        match unit.get("LoadState") {
            "" => Err(Unseen::malformed("systemctl show gave no LoadState")),
            _ => Ok(unit),
        }
    })
}

/// The state of a unit's file, asked without a running manager; `None`: there is no such
/// unit.
pub fn offline_state(seen: &Seen<'_>, name: &str) -> Sight<Option<String>> {
    let unit = unit(name);
    let ran = match seen.try_get(command(&["--root=/", "is-enabled", "--", &unit]))? {
        Ok(ran) => with_tool(ran)?,
        // A root file system runs no commands, but has the files.
        Err(fault) if fault.kind == FaultKind::Unsupported => return unit_files::state(seen, &unit),
        Err(fault) => return Err(fault.into()),
    };
    let said = String::from_utf8_lossy(&ran.stdout);
    let state = said.lines().next().unwrap_or_default().trim();
    let error = String::from_utf8_lossy(&ran.stderr);
    match state {
        "not-found" => Ok(None),
        "" if error.contains("No such file") || error.contains("does not exist") => Ok(None),
        "" => Err(failure(&format!("systemctl --root=/ is-enabled {unit}"), &ran)),
        state => Ok(Some(state.to_string())),
    }
}

/// Whether a unit in this state is started at boot or when something needs it, as
/// `systemctl is-enabled` judges. A unit generated from an init script is enabled when
/// the script is.
pub fn enabled(seen: &Seen<'_>, name: &str, state: &str) -> Sight<bool> {
    if state == "generated" {
        let scripts = sysv::Scripts::of(seen)?;
        let script = name.strip_suffix(".service").unwrap_or(name);
        return Ok(!scripts.has(script) || scripts.enabled(script));
    }
    Ok(ENABLED.contains(&state))
}

fn systemctl(seen: &Seen<'_>, args: &[&str]) -> Sight<Ran> {
    with_tool(seen.get(command(args))?)
}

fn command(args: &[&str]) -> Run {
    let mut run = Run::argv(std::iter::once("systemctl").chain(args.iter().copied()));
    run.environment = vec![("LC_ALL".to_string(), "C".to_string())];
    run
}

/// What systemctl said, where it is there to be asked.
fn with_tool(ran: Ran) -> Sight<Ran> {
    match ran.status {
        127 => Err(Unseen::tool_missing("systemd is asked through systemctl, which is not on this node")),
        _ => Ok(ran),
    }
}

fn failure(what: &str, ran: &Ran) -> Unseen {
    let said = String::from_utf8_lossy(&ran.stderr);
    let said = said.lines().next().unwrap_or_default();
    Unseen::failed(format!("{what} ended with status {}: {said}", ran.status))
}

/// The properties of a unit, org.freedesktop.systemd1(5).
#[derive(Debug)]
pub struct Unit(pub IndexMap<String, String>);

impl Unit {
    /// `KEY=VALUE` lines; a line without a key belongs to a value that holds line ends.
    fn parse(output: &[u8]) -> Unit {
        let mut properties: IndexMap<String, String> = IndexMap::new();
        for line in String::from_utf8_lossy(output).lines() {
            match line.split_once('=') {
                Some((key, value)) if key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !key.is_empty() => {
                    properties.insert(key.to_string(), value.to_string());
                }
                _ => {
                    if let Some((_, value)) = properties.last_mut() {
                        value.push('\n');
                        value.push_str(line);
                    }
                }
            }
        }
        Unit(properties)
    }

    /// A property; empty where there is none.
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// Whether systemd knows the unit. A masked one counts: its mask is there.
    pub fn installed(&self) -> bool {
        self.get("LoadState") != "not-found"
    }

    /// Whether `name` is another name of the unit. A masked one is not: its mask decides.
    pub fn is_alias(&self, name: &str) -> bool {
        let unit = unit(name);
        self.get("Id") != unit
            && self.get("Names").split_whitespace().any(|other| other == unit)
            && !self.get("UnitFileState").starts_with("masked")
    }

    /// Whether it is active, as `systemctl is-active` judges.
    pub fn running(&self) -> bool {
        matches!(self.get("ActiveState"), "active" | "reloading" | "refreshing")
    }
}
