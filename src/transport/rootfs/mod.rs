//! A root file system that does not run: a mounted image, a chroot, what a container leaves.
//!
//! Its files are looked at by system calls below that root, and no link leads out of it
//! (openat2(2) with `RESOLVE_IN_ROOT`). Paths are those seen from inside. What only a system
//! that runs can tell is a fault, never an absence: commands, processes, the kernel's
//! release, and what is below `/proc`, `/sys` and `/dev`. A system that does not run has
//! nothing in `/run` but what its image holds there.

mod machine;
#[cfg(test)]
mod tests;

use super::local::Local;
use super::local::environment::SYSTEM_PATH;
use super::local::root::Root;
use super::{Stopper, Transport, Unreachable, UnreachableKind};
use crate::probe::{
    Answer, Fault, FaultKind, FileKind, Flags, Kernel, List, Probe, Question, Read, Stat, Uname, Walk, Which,
};
use rustix::io::Errno;
use std::path::Path;
use std::sync::Arc;

/// Directories that the kernel fills when a system starts.
const FILLED_AT_START: [&str; 3] = ["/proc", "/sys", "/dev"];
/// What says that a service manager runs, and is not believed here: an image may have been
/// taken of a system while it ran, or have the `/run` of another one mounted.
const SIGNS_OF_LIFE: [&str; 2] = ["/run/systemd/system", "/run/openrc/softlevel"];
/// Links to it say "nothing" and are meant so, whether the image has the device or not.
const NULL: &str = "/dev/null";

/// The transport of `rootfs:///PATH`.
pub struct RootFs {
    local: Local,
    /// The path as it was given, for messages.
    path: String,
}

impl RootFs {
    /// The directory at `path` as the root of a system.
    ///
    /// # Errors
    /// There is no such directory, the user may not open it, or the kernel has no
    /// openat2(2), as before Linux 5.6.
    pub fn open(path: &Path) -> Result<RootFs, Unreachable> {
        let refused = |error: Errno| {
            let shown = path.display();
            let message = match error {
                Errno::NOENT => format!("there is no directory {shown}"),
                Errno::NOTDIR => {
                    format!("{shown} is no directory; mount the image and name the directory it is mounted at")
                }
                Errno::ACCESS | Errno::PERM => format!("cannot open {shown}: permission denied; run as root"),
                Errno::NOSYS => {
                    format!("cannot look below {shown} safely: this kernel has no openat2(2); use Linux 5.6 or newer")
                }
                error => format!("cannot open {shown}: {}", super::local::reason(error)),
            };
            Unreachable::new(UnreachableKind::Setup, message)
        };
        let root = Root::below(path).map_err(refused)?;
        Ok(RootFs { local: Local::below(Arc::new(root)), path: path.display().to_string() })
    }

    /// The answer this transport has itself: `None` for what the files of the root answer.
    fn own(&self, probe: &Probe) -> Option<Answer> {
        match probe {
            Probe::Walk(walk) => self.refused(probe.kind(), &walk.path, true).map(Err),
            Probe::Stat(Stat { path })
            | Probe::Read(Read { path })
            | Probe::List(List { path })
            | Probe::Flags(Flags { path }) => {
                let at_itself = matches!(probe, Probe::List(_));
                self.refused(probe.kind(), path, at_itself).map(Err)
            }
            Probe::User(_) | Probe::Group(_) | Probe::Users(_) | Probe::Groups(_) => None,
            Probe::Which(which) => Some(self.which(&which.name).map(Which::wrap)),
            Probe::Uname(_) => Some(self.kernel().map(Uname::wrap)),
            Probe::Run(_) => Some(Err(self.stopped(&format!("cannot {probe}"), "no command is started in it"))),
            Probe::Environment(_) => {
                Some(Err(self.stopped("cannot tell the environment of commands", "none is started in it")))
            }
            Probe::Sockets(_) | Probe::SocketOwners(_) => {
                Some(Err(self.stopped("cannot list sockets", "it has no network")))
            }
            Probe::Processes(_) => Some(Err(self.stopped("cannot list processes", "it has none"))),
            Probe::Interfaces(_) => Some(Err(self.stopped("cannot list network interfaces", "it has no network"))),
            Probe::Connect(_) | Probe::Lookup(_) | Probe::Http(_) => {
                Some(Err(self.stopped(&format!("cannot ask for {probe}"), "it has no network")))
            }
        }
    }

    fn stopped(&self, what: &str, why: &str) -> Fault {
        let message = format!("{what}: {} is a root file system that does not run, and {why}", self.path);
        Fault::new(FaultKind::Unsupported, message)
    }

    /// The fault for a path whose content only a system that runs has, or that would be
    /// reached by a magic link.
    fn refused(&self, kind: &str, path: &str, at_itself: bool) -> Option<Fault> {
        let below = self.local.root().directory()?;
        if !path.starts_with('/') {
            return None;
        }
        // A circle of links is an absence on every transport.
        let way = below.way(path)?;
        if SIGNS_OF_LIFE.contains(&&*way) {
            return Some(self.stopped(&format!("cannot {kind} {path}"), "no service manager started it"));
        }
        if let Some(directory) = self.filled_at_start(&way, at_itself) {
            let by_link = if same(path, &way) { String::new() } else { format!(", which leads to {way}") };
            let message = format!(
                "cannot {kind} {path}{by_link}: {} is a root file system that does not run, and {directory} is filled \
                 only when it does",
                self.path
            );
            return Some(Fault::new(FaultKind::Unsupported, message));
        }
        // /proc is mounted here: its links lead to what is open, not to a path.
        let opened = below.look(path);
        if matches!(opened, Err(Errno::LOOP)) {
            let message =
                format!("cannot {kind} {path}: it leads through a magic link of /proc, which is not followed");
            return Some(Fault::new(FaultKind::Unsupported, message));
        }
        None
    }

    /// The directory of [`FILLED_AT_START`] that `way` is in; for `at_itself`, also that it
    /// is. One with a file system of its own is as it is.
    fn filled_at_start(&self, way: &str, at_itself: bool) -> Option<&'static str> {
        let below = self.local.root().directory()?;
        let inside = |directory: &&'static str| match way.strip_prefix(*directory) {
            Some("") => at_itself,
            Some(rest) => rest.starts_with('/'),
            None => false,
        };
        let directory = FILLED_AT_START.into_iter().find(|directory| inside(directory))?;
        (way != NULL && !below.is_mounted(directory)).then_some(directory)
    }

    /// A walk that begins above directories that a system that runs has file systems of
    /// their own for: it does not enter these.
    fn pruned(&self, walk: &Walk) -> Option<Walk> {
        let below = self.local.root().directory()?;
        if below.way(&walk.path).as_deref() != Some("/") {
            return None;
        }
        let start = walk.path.trim_end_matches('/');
        let mut walk = walk.clone();
        let empty = FILLED_AT_START.into_iter().filter(|directory| self.filled_at_start(directory, true).is_some());
        walk.prune.extend(empty.map(|directory| Arc::from(format!("{start}{directory}"))));
        Some(walk)
    }

    /// The path of a program on the `PATH` of a login: a regular file with an execute bit.
    fn which(&self, name: &str) -> Result<Option<Arc<str>>, Fault> {
        let is_program = |path: &str| -> Result<bool, Fault> {
            if let Some(fault) = self.refused("look at", path, false) {
                return Err(fault);
            }
            let stated = self.local.stat(path)?;
            let inode = stated.as_ref().and_then(|stated| stated.target());
            Ok(inode.is_some_and(|inode| inode.kind == FileKind::File && inode.mode & 0o111 != 0))
        };
        if name.is_empty() || name.contains('\0') {
            return Ok(None);
        }
        if name.contains('/') {
            return Ok(if name.starts_with('/') && is_program(name)? { Some(name.into()) } else { None });
        }
        for directory in SYSTEM_PATH.split(':') {
            let path = format!("{directory}/{name}");
            if is_program(&path)? {
                return Ok(Some(path.into()));
            }
        }
        Ok(None)
    }

    /// What files say of the kernel: the name of the host and the machine it is built for.
    /// The release is left empty: it is not known which kernel will run it.
    fn kernel(&self) -> Result<Arc<Kernel>, Fault> {
        let hostname = self.local.read("/etc/hostname")?.unwrap_or_default();
        let hostname = String::from_utf8_lossy(&hostname);
        // hostname(5): empty lines and comments are passed over.
        let mut lines = hostname.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Arc::new(Kernel {
            system: "Linux".into(),
            host_name: lines.next().unwrap_or_default().into(),
            release: "".into(),
            machine: machine::of(&self.local).unwrap_or_default().into(),
        }))
    }
}

impl Transport for RootFs {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        let mut answers: Vec<Option<Answer>> = probes.iter().map(|probe| self.own(probe)).collect();
        let rest: Vec<Probe> = answers
            .iter()
            .zip(probes)
            .filter(|(answer, _)| answer.is_none())
            .map(|(_, probe)| match probe {
                Probe::Walk(walk) => self.pruned(walk).map_or_else(|| probe.clone(), Probe::from),
                probe => probe.clone(),
            })
            .collect();
        let mut looked = self.local.batch(&rest).into_iter();
        let lost = || Err(Fault::new(FaultKind::Failed, "no answer came from the root file system"));
        answers.iter_mut().map(|answer| answer.take().or_else(|| looked.next()).unwrap_or_else(lost)).collect()
    }

    fn answer_now(&self, probe: &Probe) -> Option<Answer> {
        match probe {
            Probe::Walk(_) => None,
            probe => self.own(probe).or_else(|| self.local.answer_now(probe)),
        }
    }

    fn stopper(&self) -> Stopper {
        self.local.stopper()
    }

    /// The user of this machine, as whom the files are looked at.
    fn user(&self) -> String {
        self.local.user()
    }
}

/// Whether a path is its own way, slashes aside.
fn same(path: &str, way: &str) -> bool {
    path.split('/').filter(|name| !name.is_empty()).eq(way.split('/').filter(|name| !name.is_empty()))
}
