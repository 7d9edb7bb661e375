//! Processes and the sockets they hold: proc(5).

use super::Local;
use super::files::{DIRECTORY, is_absence};
use crate::probe::bytes;
use crate::probe::{Fault, FaultKind, Process, SocketOwner};
use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// The most that is read of one file of a process: a command line is no longer than this
/// on Linux unless its stack limit was raised.
const LONGEST: usize = 2 << 20;

impl Local {
    /// All processes, by number. One that ends meanwhile is left out.
    pub(super) fn processes(&self) -> Result<Arc<[Process]>, Fault> {
        let proc = self.open_proc()?;
        let mut file = Vec::new();
        let system = self.file_of(&proc, "stat", &mut file)?.and_then(|stat| System::new(&stat));
        let mut system = system.ok_or_else(|| malformed("/proc/stat"))?;
        // The kernel says EINVAL, or nothing, where no security module labels processes; it
        // would say so of every process.
        system.labels = read_small(proc.as_fd(), "self/attr/current", &mut file).is_ok() && !file.is_empty();
        let mut processes = Vec::new();
        for pid in self.pids(&proc)? {
            if let Some(process) = self.process(&proc, pid, &system, &mut file)? {
                processes.push(process);
            }
        }
        Ok(processes.into())
    }

    fn process(&self, proc: &OwnedFd, pid: u32, system: &System, file: &mut Vec<u8>) -> Result<Option<Process>, Fault> {
        let Some(stat) = self.file_of(proc, &format!("{pid}/stat"), file)? else { return Ok(None) };
        let mut process = parse_stat(pid, &stat, system).ok_or_else(|| malformed(&format!("/proc/{pid}/stat")))?;
        let Some(status) = self.file_of(proc, &format!("{pid}/status"), file)? else { return Ok(None) };
        process.uid = effective_user(&status).ok_or_else(|| malformed(&format!("/proc/{pid}/status")))?;
        let Some(command) = self.file_of(proc, &format!("{pid}/cmdline"), file)? else { return Ok(None) };
        process.command = command_line(&command).unwrap_or_else(|| format!("[{}]", process.name).into());
        if system.labels && read_small(proc.as_fd(), &format!("{pid}/attr/current"), file).is_ok() {
            let label = String::from_utf8_lossy(file);
            process.label = Some(label.trim_end_matches(['\0', '\n'])).filter(|label| !label.is_empty()).map(Arc::from);
        }
        Ok(Some(process))
    }

    /// The processes that hold each socket, by socket. Unless every process can be looked
    /// at the answer is a fault: the owner may be one that cannot.
    pub(super) fn socket_owners(&self) -> Result<Arc<BTreeMap<u64, Vec<SocketOwner>>>, Fault> {
        let proc = self.open_proc()?;
        let mut owners: BTreeMap<u64, Vec<SocketOwner>> = BTreeMap::new();
        let mut file = Vec::new();
        for pid in self.pids(&proc)? {
            let held = self.sockets_of(&proc, pid)?;
            if held.is_empty() {
                continue;
            }
            let Some(name) = self.file_of(&proc, &format!("{pid}/comm"), &mut file)? else { continue };
            let name: Arc<str> = name.trim_end_matches('\n').into();
            for inode in held {
                let holders = owners.entry(inode).or_default();
                // A socket may be open under several numbers.
                if holders.last().is_none_or(|last| last.pid != pid) {
                    holders.push(SocketOwner { pid, name: name.clone() });
                }
            }
        }
        Ok(Arc::new(owners))
    }

    fn sockets_of(&self, proc: &OwnedFd, pid: u32) -> Result<Vec<u64>, Fault> {
        let path = format!("{pid}/fd");
        let refused = |error| self.refused("look at", &format!("/proc/{path}"), error);
        let directory = match rustix::fs::openat(proc, &path, DIRECTORY, Mode::empty()) {
            Ok(directory) => directory,
            Err(error) if has_ended(error) => return Ok(Vec::new()),
            Err(error) => return Err(refused(error)),
        };
        let mut sockets = Vec::new();
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut target = [MaybeUninit::uninit(); 64];
        let mut names = RawDir::new(&directory, &mut room);
        while let Some(entry) = names.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if has_ended(error) => break,
                Err(error) => return Err(refused(error)),
            };
            if entry.file_name().to_bytes().first() == Some(&b'.') {
                continue;
            }
            match rustix::fs::readlinkat_raw(&directory, entry.file_name(), &mut target) {
                Ok((text, _)) => sockets.extend(socket_inode(text)),
                Err(error) if has_ended(error) => {}
                Err(error) => return Err(refused(error)),
            }
        }
        Ok(sockets)
    }

    fn open_proc(&self) -> Result<OwnedFd, Fault> {
        let proc = rustix::fs::open("/proc", DIRECTORY, Mode::empty())
            .map_err(|error| self.refused("list", "/proc", error))?;
        // Mounted with hidepid=2 it leaves out the processes of others without a word; the
        // first one always is another's.
        if rustix::fs::statat(&proc, "1", rustix::fs::AtFlags::empty()).is_err() {
            return Err(if rustix::fs::statat(&proc, "self", rustix::fs::AtFlags::empty()).is_err() {
                Fault::new(FaultKind::Failed, "cannot list processes: no proc file system is mounted at /proc")
            } else {
                self.refused("look at", "/proc/1", Errno::ACCESS)
            });
        }
        Ok(proc)
    }

    fn pids(&self, proc: &OwnedFd) -> Result<Vec<u32>, Fault> {
        let mut pids = Vec::new();
        let mut room = [MaybeUninit::uninit(); 8192];
        let mut names = RawDir::new(proc, &mut room);
        while let Some(entry) = names.next() {
            let entry = entry.map_err(|error| self.refused("list", "/proc", error))?;
            pids.extend(entry.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok()));
        }
        pids.sort_unstable();
        Ok(pids)
    }

    /// The text of a file below /proc; `None`: its process has ended.
    fn file_of<'a>(
        &self,
        proc: &OwnedFd,
        path: &str,
        file: &'a mut Vec<u8>,
    ) -> Result<Option<std::borrow::Cow<'a, str>>, Fault> {
        match read_small(proc.as_fd(), path, file) {
            Ok(()) => Ok(Some(bytes::text(file))),
            Err(error) if has_ended(error) => Ok(None),
            Err(error) => Err(self.refused("read", &format!("/proc/{path}"), error)),
        }
    }
}

fn has_ended(error: Errno) -> bool {
    is_absence(error) || error == Errno::SRCH
}

fn malformed(path: &str) -> Fault {
    Fault::new(FaultKind::Malformed, format!("{path} does not read as proc(5) says"))
}

/// Reads a file of a process below `directory` into `file`, whose room is used again. The
/// kernel gives such a file, a single record, as far as there is room: where room is left, that
/// was all.
fn read_small(directory: BorrowedFd<'_>, path: &str, file: &mut Vec<u8>) -> Result<(), Errno> {
    file.clear();
    let opened = rustix::fs::openat(directory, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    while file.len() < LONGEST {
        file.reserve(2048);
        match rustix::io::read(&opened, spare_capacity(file)) {
            Ok(_) if file.len() < file.capacity() => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The inode in the target of a descriptor that is a socket: `socket:[12345]`.
fn socket_inode(target: &[u8]) -> Option<u64> {
    let number = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// What turns the kernel's units into ours.
struct System {
    /// Seconds since 1970 when the machine started.
    started: i64,
    ticks_per_second: u64,
    page_kib: u64,
    /// Whether a security module labels processes.
    labels: bool,
}

impl System {
    /// From the text of /proc/stat.
    fn new(stat: &str) -> Option<System> {
        let started = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        Some(System {
            started,
            ticks_per_second: rustix::param::clock_ticks_per_second().max(1),
            page_kib: rustix::param::page_size() as u64 / 1024,
            labels: false,
        })
    }
}

/// What proc_pid_stat(5) tells of a process.
fn parse_stat(pid: u32, stat: &str, system: &System) -> Option<Process> {
    // The name may hold anything, parentheses and blanks too.
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    // Fields are numbered from 1 in the manual; the state is the third.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let seconds = |ticks: u64| ticks as f64 / system.ticks_per_second as f64;
    Some(Process {
        pid,
        ppid: fields.get(4 - 3)?.parse().ok()?,
        uid: 0,
        name: name.into(),
        command: "".into(),
        state: fields.first()?.chars().next()?,
        // A signed number in the manual; devices are not negative.
        tty: fields.get(7 - 3)?.parse::<i64>().ok()?.try_into().unwrap_or(0),
        vsz: number(23)? / 1024,
        rss: number(24)?.saturating_mul(system.page_kib),
        started: system.started + i64::try_from(number(22)? / system.ticks_per_second).ok()?,
        cpu_seconds: seconds(number(14)?) + seconds(number(15)?),
        label: None,
    })
}

/// The second number of the `Uid:` line of proc_pid_status(5).
fn effective_user(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The arguments separated by blanks; `None` for a kernel thread or a zombie.
fn command_line(arguments: &str) -> Option<Arc<str>> {
    let line = arguments.trim_end_matches('\0');
    (!line.is_empty()).then(|| line.replace('\0', " ").into())
}

#[cfg(test)]
mod tests {
    use super::super::unprivileged::as_nobody;
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn this_process_is_seen_as_it_is() {
        let processes = Local::new().processes().expect("asked");
        let own = processes.iter().find(|process| process.pid == std::process::id()).expect("it runs");
        assert_eq!(own.uid, rustix::process::geteuid().as_raw());
        assert_eq!(own.ppid, std::os::unix::process::parent_id());
        let executable = std::env::current_exe().expect("known");
        assert!(own.command.starts_with(executable.to_str().expect("text")), "{}", own.command);
        let name = executable.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(name.starts_with(&*own.name));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let age = now as i64 - own.started;
        assert!((-5..7200).contains(&age), "started {age} seconds ago");
        assert!(own.rss > 100 && own.rss < own.vsz, "{own:?}");
        assert!(processes.windows(2).all(|pair| pair[0].pid < pair[1].pid));
    }

    #[test]
    fn a_name_may_hold_parentheses_and_blanks() {
        let system = System { started: 1000, ticks_per_second: 100, page_kib: 4, labels: false };
        let stat = "42 (a) R (b c) S 7 42 42 34816 42 0 1 2 3 4 150 50 7 8 20 0 1 0 1234 8192 3 18446744073709551615";
        let process = parse_stat(42, stat, &system).expect("parsed");
        assert_eq!((&*process.name, process.state, process.ppid, process.tty), ("a) R (b c", 'S', 7, 34816));
        assert_eq!((process.vsz, process.rss, process.started, process.cpu_seconds), (8, 12, 1012, 2.0));
        for broken in ["", "42", "42 (x", "42 (x)", "42 (x) S 1", "42 (x) S y 42 42 0"] {
            assert!(parse_stat(42, broken, &system).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn kernel_threads_have_no_command_line() {
        assert_eq!(command_line(""), None);
        assert_eq!(command_line("\0\0"), None);
        assert_eq!(command_line("sleep\0\x35\0").as_deref(), Some("sleep 5"));
    }

    #[test]
    fn the_owner_of_a_socket_is_found_once() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let _second = listener.try_clone().expect("another number");
        let port = listener.local_addr().expect("bound").port();
        let local = Local::new();
        let sockets = local.sockets().expect("asked");
        let inode = sockets.iter().find(|socket| socket.port == port).expect("listens").inode;
        let owners = match local.socket_owners() {
            Ok(owners) => owners,
            Err(fault) => return assert_eq!(fault.kind, FaultKind::Denied),
        };
        let own = owners.get(&inode).expect("an owner");
        assert_eq!(own.iter().filter(|owner| owner.pid == std::process::id()).count(), 1);
    }

    #[test]
    fn without_the_right_to_look_at_all_processes_owners_are_a_fault() {
        if std::fs::metadata("/proc/1/fd").is_err() {
            return;
        }
        let fault = as_nobody(|| Local::new().socket_owners()).expect_err("other users have processes");
        assert_eq!(fault.kind, FaultKind::Denied);
        assert!(fault.message.contains("/proc/") && fault.message.contains("run as root"), "{fault}");
    }

    #[test]
    fn only_sockets_have_socket_inodes() {
        assert_eq!(socket_inode(b"socket:[123]"), Some(123));
        for other in [&b"pipe:[1]"[..], b"socket:[", b"socket:[]", b"socket:[x]", b"/dev/null", b"\xff"] {
            assert_eq!(socket_inode(other), None);
        }
    }
}
