//! `service`, and `systemd_service` and `sysv_service` that ask one manager.

mod openrc;
mod systemd;
mod sysv;
#[cfg(test)]
mod tests;
mod unit_files;

use super::Args;
use super::catalogue::{Entry, Instance};
use crate::node::{Platform, Seen, ServiceManager, Sight, Unseen};
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks a service: whether it is installed, starts at boot and runs.
    ///
    /// The node's service manager is asked: systemd, OpenRC, or the init scripts of sysvinit.
    /// A service that does not exist is neither enabled nor running. Where systemd is only
    /// installed, as in many containers, enabled is answered from the unit files, and
    /// whether a service runs cannot be told: the result is errored.
    Service = "service" {
        source: "systemctl(1), org.freedesktop.systemd1(5), openrc(8), rc-service(8), init.d(7), LSB init scripts",
        example: r#"describe(service "systemd-journald"):is("installed"):is("running")"#,
        falsified: (r#""systemd-journald""#, r#""no-such-service""#),
        needs: "systemd",
        args {
            /// The name. With systemd a name without a suffix is a `.service`; `cups.socket`
            /// and `getty@tty1` are fine.
            name: Str,
        }
        properties {
            /// The name as the manager has it; for an alias of systemd that of its unit.
            name: Str = Service::id;
            /// What manages it: `systemd`, `openrc` or `sysv`.
            type: Str = Service::manager_name;
            /// The description: systemd's `Description`, the `Short-Description` of an init script.
            description: Str = Service::description;
            /// The state of the unit file: `enabled`, `disabled`, `static`, `masked`, `indirect`,
            /// `generated`…, for an alias that of its unit; nothing for a unit without a file, such
            /// as a slice; without systemd `enabled` or `disabled`.
            startmode: Str = Service::startmode;
            /// The user systemd starts it as; `root` where the unit names none.
            startname: Str = Service::startname;
            /// The runlevels that start it: names of OpenRC, numbers and `S` of sysvinit, of
            /// systemd the units that want or require it.
            runlevels: List = Service::runlevels;
            /// Every property of the unit as `systemctl show` gives it, all as strings:
            /// `params.Restart`. Empty without systemd.
            params: Map = Service::params;
        }
        predicates {
            /// Whether the manager knows it.
            installed() absent No = |this: &Service, seen: &Seen<'_>, _: &Args| this.exists(seen);
            /// Whether it starts at boot or when something needs it, as `systemctl is-enabled`
            /// judges: static, indirect and alias units count, masked ones do not.
            enabled() absent No = |this: &Service, seen: &Seen<'_>, _: &Args| this.enabled(seen);
            /// Whether it is started now: with systemd, active.
            running() absent No = |this: &Service, seen: &Seen<'_>, _: &Args| this.running(seen);
            /// Whether systemd is told never to start it.
            masked() absent No = |this: &Service, seen: &Seen<'_>, _: &Args| {
                match this.startmode(seen) {
                    Err(Unseen::Missing(_)) => Ok(false),
                    mode => Ok(matches!(mode?.as_deref(), Some("masked" | "masked-runtime"))),
                }
            };
            /// Whether its start mode is this one.
            has_start_mode(
                /// As the property `startmode` gives it.
                mode: Str,
            ) absent Fails = |this: &Service, seen: &Seen<'_>, args: &Args| {
                Ok(this.startmode(seen)?.as_deref() == Some(&*args.required("mode")))
            };
        }
        methods {}
    }
}

/// `systemd_service`: systemd and nothing else.
pub static SYSTEMD: Entry = Entry {
    name: "systemd_service",
    doc: "Checks a unit of systemd, as `service` does.\n\nWhere the node has no systemd the result is errored.\n",
    source: "systemctl(1), org.freedesktop.systemd1(5)",
    example: r#"describe(systemd_service "systemd-journald"):is("running"):its("params.LoadState", eq "loaded")"#,
    falsified: (r#"eq "loaded""#, r#"eq "masked""#),
    build: |args| Ok(std::rc::Rc::new(Service::new(args)?.through(Only::Systemd))),
    ..ENTRY
};

/// `sysv_service`: init scripts and nothing else.
pub static SYSV: Entry = Entry {
    name: "sysv_service",
    doc: "Checks an init script, as `service` does.\n\nOnly `/etc/init.d` and the links of the runlevels are \
          looked at, whatever else the node has.\n",
    source: "init.d(7), LSB init scripts",
    example: r#"describe(sysv_service "no-such-script"):is_not("installed"):is_not("running")"#,
    falsified: (r#":is_not("installed")"#, r#":is("installed")"#),
    needs: "",
    build: |args| Ok(std::rc::Rc::new(Service::new(args)?.through(Only::SysV))),
    ..ENTRY
};

/// A service by name.
pub struct Service {
    name: Arc<str>,
    only: Option<Only>,
}

/// The manager a control insists on.
#[derive(Clone, Copy, PartialEq)]
enum Only {
    Systemd,
    SysV,
}

impl Service {
    fn new(args: &Args) -> Result<Service, String> {
        let name = args.required("name");
        // The name goes to tools, which must not take it for an option, a path or a pattern.
        let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@+".contains(c);
        if name.is_empty() || name.len() > 255 || name.starts_with(['-', '.']) || !name.chars().all(plain) {
            return Err(format!("{name:?} is no service name"));
        }
        Ok(Service { name, only: None })
    }

    fn through(self, only: Only) -> Service {
        Service { only: Some(only), ..self }
    }

    /// Who is asked about this service.
    fn manager(&self, seen: &Seen<'_>) -> Sight<ServiceManager> {
        if self.only == Some(Only::SysV) {
            return Ok(ServiceManager::SysV);
        }
        let platform = match Platform::of(seen) {
            Err(Unseen::Pending) => {
                // Which of them matters is not known yet, but asking is cheap.
                let _ = sysv::Scripts::of(seen);
                if self.only.is_none() {
                    let _ = openrc::Runlevels::of(seen);
                }
                return Err(Unseen::Pending);
            }
            platform => platform?,
        };
        match (platform.service_manager, self.only) {
            (Some(manager @ ServiceManager::Systemd { .. }), _) => Ok(manager),
            (_, Some(Only::Systemd)) => Err(Unseen::tool_missing("systemd is not on this node")),
            (Some(manager), _) => Ok(manager),
            // Init scripts work without an init, as in a container.
            (None, _) if sysv::Scripts::of(seen)?.has(&self.name) => Ok(ServiceManager::SysV),
            (None, _) => Err(Unseen::tool_missing(
                "no service manager is known here; systemd, OpenRC and sysvinit were looked for",
            )),
        }
    }

    /// The init script's name.
    fn script(&self) -> &str {
        self.name.strip_suffix(".service").unwrap_or(&self.name)
    }

    fn scripts_have(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(sysv::Scripts::of(seen)?.has(self.script()))
    }

    /// Unwinds with "missing" unless it exists.
    fn present(&self, seen: &Seen<'_>) -> Sight<ServiceManager> {
        let manager = self.manager(seen)?;
        if self.exists(seen)? { Ok(manager) } else { Err(Unseen::Missing(self.title())) }
    }

    fn enabled(&self, seen: &Seen<'_>) -> Sight<bool> {
        match self.manager(seen)? {
            ServiceManager::Systemd { running: true } => {
                let unit = systemd::show(seen, &self.name)?;
                let state = if unit.is_alias(&self.name) { "alias" } else { unit.get("UnitFileState") };
                systemd::enabled(seen, &self.name, state)
            }
            ServiceManager::Systemd { running: false } => {
                let scripts = sysv::Scripts::of(seen);
                match systemd::offline_state(seen, &self.name)? {
                    Some(state) => systemd::enabled(seen, &self.name, &state),
                    None => Ok(scripts?.enabled(self.script())),
                }
            }
            ServiceManager::OpenRc { .. } => {
                let (scripts, levels) = (sysv::Scripts::of(seen), openrc::Runlevels::of(seen));
                Ok(!levels?.with(&self.name).is_empty() && scripts?.has(&self.name))
            }
            ServiceManager::SysV => Ok(sysv::Scripts::of(seen)?.enabled(self.script())),
        }
    }

    fn running(&self, seen: &Seen<'_>) -> Sight<bool> {
        match self.manager(seen)? {
            ServiceManager::Systemd { running: true } => Ok(systemd::show(seen, &self.name)?.running()),
            ServiceManager::Systemd { running: false } if !self.exists(seen)? => Ok(false),
            ServiceManager::Systemd { running: false } => Err(Unseen::failed(systemd::NOT_RUNNING)),
            ServiceManager::OpenRc { .. } if !self.scripts_have(seen)? => Ok(false),
            ServiceManager::OpenRc { running: true } => openrc::running(seen, &self.name),
            ServiceManager::OpenRc { running: false } => Err(Unseen::failed(
                "no service manager is running here: OpenRC is installed but did not boot this system",
            )),
            ServiceManager::SysV => sysv::Scripts::of(seen)?.running(seen, self.script()),
        }
    }

    fn id(&self, seen: &Seen<'_>) -> Sight<Value> {
        match self.present(seen)? {
            ServiceManager::Systemd { running: true } => Ok(systemd::show(seen, &self.name)?.get("Id").into()),
            ServiceManager::Systemd { running: false } => Ok(systemd::unit(&self.name).into()),
            _ => Ok(self.script().into()),
        }
    }

    fn manager_name(&self, seen: &Seen<'_>) -> Sight<&'static str> {
        Ok(match self.present(seen)? {
            ServiceManager::Systemd { .. } => "systemd",
            ServiceManager::OpenRc { .. } => "openrc",
            ServiceManager::SysV => "sysv",
        })
    }

    fn description(&self, seen: &Seen<'_>) -> Sight<Value> {
        match self.present(seen)? {
            ServiceManager::Systemd { running: true } => Ok(systemd::show(seen, &self.name)?.get("Description").into()),
            ServiceManager::Systemd { running: false } => Err(Unseen::failed(systemd::NOT_RUNNING)),
            _ => Ok(sysv::Scripts::of(seen)?.description(seen, self.script())?.into()),
        }
    }

    fn startmode(&self, seen: &Seen<'_>) -> Sight<Option<String>> {
        let state = match self.present(seen)? {
            ServiceManager::Systemd { running: true } => {
                let unit = systemd::show(seen, &self.name)?;
                return Ok(match (unit.get("UnitFileState"), unit.get("LoadState")) {
                    // An older systemd gives a mask on a unit that is not there no state.
                    ("", "masked") => Some("masked".to_string()),
                    ("", _) => None,
                    (state, _) => Some(state.to_string()),
                });
            }
            ServiceManager::Systemd { running: false } => systemd::offline_state(seen, &self.name)?,
            _ => None,
        };
        Ok(Some(match state {
            Some(state) => state,
            None => if self.enabled(seen)? { "enabled" } else { "disabled" }.to_string(),
        }))
    }

    fn startname(&self, seen: &Seen<'_>) -> Sight<Value> {
        match self.present(seen)? {
            ServiceManager::Systemd { running: true } => Ok(match systemd::show(seen, &self.name)?.get("User") {
                "" => "root".into(),
                user => user.into(),
            }),
            ServiceManager::Systemd { running: false } => Err(Unseen::failed(systemd::NOT_RUNNING)),
            _ => Ok("root".into()),
        }
    }

    fn runlevels(&self, seen: &Seen<'_>) -> Sight<Value> {
        Ok(match self.present(seen)? {
            ServiceManager::Systemd { running: true } => {
                let unit = systemd::show(seen, &self.name)?;
                let mut units: Vec<&str> =
                    ["WantedBy", "RequiredBy"].iter().flat_map(|key| unit.get(key).split_whitespace()).collect();
                units.sort_unstable();
                units.dedup();
                Value::strings(units)
            }
            ServiceManager::Systemd { running: false } => return Err(Unseen::failed(systemd::NOT_RUNNING)),
            ServiceManager::OpenRc { .. } => Value::strings(openrc::Runlevels::of(seen)?.with(&self.name)),
            ServiceManager::SysV => Value::strings(sysv::Scripts::of(seen)?.runlevels(self.script())),
        })
    }

    fn params(&self, seen: &Seen<'_>) -> Sight<Value> {
        let map = match self.present(seen)? {
            ServiceManager::Systemd { running: true } => {
                let unit = systemd::show(seen, &self.name)?;
                unit.0.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
            }
            ServiceManager::Systemd { running: false } => return Err(Unseen::failed(systemd::NOT_RUNNING)),
            _ => indexmap::IndexMap::new(),
        };
        Ok(Value::Map(map))
    }
}

impl Instance for Service {
    fn title(&self) -> String {
        format!("Service {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        match self.manager(seen)? {
            ServiceManager::Systemd { running: true } => Ok(systemd::show(seen, &self.name)?.installed()),
            ServiceManager::Systemd { running: false } => {
                let scripts = self.scripts_have(seen);
                match systemd::offline_state(seen, &self.name)? {
                    Some(_) => Ok(true),
                    None => scripts,
                }
            }
            ServiceManager::OpenRc { .. } | ServiceManager::SysV => self.scripts_have(seen),
        }
    }
}
