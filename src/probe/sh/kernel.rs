//! Accounts, programs, processes and sockets, as files and commands show them.

use super::files::split;
use super::plan::SOCKET_TABLES;
use super::progress::{Content, Part, Parts};
use super::text::{Trouble, Who, first_line};
use crate::probe::*;
use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A command whose output makes no sense, or that is not there.
fn no_answer(what: &str, tool: &str, part: Option<&Part>) -> Fault {
    let said = part.map_or("nothing".to_string(), |part| first_line(&part.err));
    match part.and_then(Part::status) {
        Some(127) => {
            Fault::new(FaultKind::ToolMissing, format!("cannot {what}: there is no {tool} on the node; install it"))
        }
        _ => Fault::new(FaultKind::Failed, format!("cannot {what}: {tool} gave no answer and said {said:?}")),
    }
}

/// `uname -snrm`.
pub(super) fn uname(parts: &Parts) -> Result<Arc<Kernel>, Fault> {
    let part = parts.last();
    let text = part.map_or_else(String::new, |part| String::from_utf8_lossy(&part.out).into_owned());
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [system, host_name, release, machine] => Ok(Arc::new(Kernel {
            system: system.into(),
            host_name: host_name.into(),
            release: release.into(),
            machine: machine.into(),
        })),
        _ => Err(no_answer("ask the kernel for its name", "uname", part)),
    }
}

/// Paths, or nothing, each ended by a NUL byte.
pub(super) fn which(parts: &Parts, count: usize) -> Vec<Result<Option<Arc<str>>, Fault>> {
    let part = parts.last();
    let bytes = part.map_or(&[][..], |part| &part.out);
    let paths: Vec<&[u8]> = bytes.split(|&byte| byte == 0).collect();
    if paths.len() != count + 1 {
        return vec![Err(no_answer("look for a program", "the shell", part)); count];
    }
    let path = |path: &&[u8]| (!path.is_empty()).then(|| String::from_utf8_lossy(path).into());
    paths[..count].iter().map(|bytes| Ok(path(bytes))).collect()
}

/// The environment of a command: `NAME=VALUE`, each ended by a NUL byte. Variables that are
/// not UTF-8 are left out, and `_`, which some shells set to the command itself.
pub(super) fn environment(parts: &Parts) -> Result<Arc<BTreeMap<String, String>>, Fault> {
    let part = parts.last();
    let bytes = part.map_or(&[][..], |part| &part.out);
    let variables: BTreeMap<String, String> = bytes
        .split(|&byte| byte == 0)
        .filter_map(|variable| std::str::from_utf8(variable).ok()?.split_once('='))
        .filter(|(name, _)| *name != "_" && !name.starts_with("PROBITY_"))
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    if !variables.contains_key("PATH") {
        return Err(no_answer("read /proc/self/environ", "cat", part));
    }
    Ok(Arc::new(variables))
}

// ---- accounts --------------------------------------------------------------------------

/// An entry of an account database.
trait Entry: Sized + Clone {
    const DATABASE: &'static str;
    fn parse(line: &str) -> Option<Self>;
    fn has(&self, key: &AccountKey) -> bool;
}

impl Entry for Account {
    const DATABASE: &'static str = "passwd";

    fn parse(line: &str) -> Option<Account> {
        let mut fields = line.split(':');
        let name = account_name(fields.next()?)?;
        let _password = fields.next()?;
        let uid = fields.next()?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let gecos = fields.next()?.into();
        let home = fields.next()?.into();
        let shell = fields.next()?.into();
        fields.next().is_none().then_some(Account { name, uid, gid, gecos, home, shell })
    }

    fn has(&self, key: &AccountKey) -> bool {
        match key {
            AccountKey::Id(id) => self.uid == *id,
            AccountKey::Name(name) => self.name == *name,
        }
    }
}

impl Entry for GroupEntry {
    const DATABASE: &'static str = "group";

    fn parse(line: &str) -> Option<GroupEntry> {
        let mut fields = line.split(':');
        let name = account_name(fields.next()?)?;
        let _password = fields.next()?;
        let gid = fields.next()?.parse().ok()?;
        let members = fields.next()?;
        let members = members.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Arc::from).collect();
        fields.next().is_none().then_some(GroupEntry { name, gid, members })
    }

    fn has(&self, key: &AccountKey) -> bool {
        match key {
            AccountKey::Id(id) => self.gid == *id,
            AccountKey::Name(name) => self.name == *name,
        }
    }
}

/// A name, unless the line is a comment or one of the `+` and `-` lines of compat mode.
fn account_name(field: &str) -> Option<Arc<str>> {
    (!field.is_empty() && !field.starts_with(['#', '+', '-'])).then(|| field.into())
}

/// nsswitch.conf(5) services whose accounts are in files, or that only make up `root` and
/// `nobody` for systems without files.
const SERVICES_IN_FILES: &[&str] = &["files", "compat", "systemd", "altfiles"];

/// The account databases of a node.
pub(super) struct Accounts<'a> {
    files: &'a HashMap<Arc<str>, Content>,
    getent: &'a HashMap<&'static str, Parts>,
    users: Result<Database<Account>, Fault>,
    groups: Result<Database<GroupEntry>, Fault>,
}

/// The entries of the files, and whether there are others.
struct Database<T> {
    entries: Vec<T>,
    beyond_files: bool,
}

impl<'a> Accounts<'a> {
    pub fn new(files: &'a HashMap<Arc<str>, Content>, getent: &'a HashMap<&'static str, Parts>) -> Accounts<'a> {
        let mut accounts = Accounts { files, getent, users: Err(untold("passwd")), groups: Err(untold("group")) };
        accounts.users = accounts.database();
        accounts.groups = accounts.database();
        accounts
    }

    fn text(&self, path: &str) -> Result<Option<String>, Fault> {
        match self.files.get(path) {
            Some(Ok(content)) => Ok(content.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(untold(path)),
        }
    }

    fn database<T: Entry>(&self) -> Result<Database<T>, Fault> {
        let mut switch = self.text("/etc/nsswitch.conf")?;
        if switch.is_none() {
            // Where the distribution's own files are apart from the administrator's.
            switch = self.text("/usr/etc/nsswitch.conf")?;
        }
        let services = services(&switch.unwrap_or_default(), T::DATABASE);
        let mut text = self.text(&format!("/etc/{}", T::DATABASE))?.unwrap_or_default();
        if services.iter().any(|service| service == "altfiles") {
            text.push('\n');
            text.push_str(&self.text(&format!("/usr/lib/{}", T::DATABASE))?.unwrap_or_default());
        }
        Ok(Database {
            entries: text.lines().filter_map(T::parse).collect(),
            beyond_files: services.iter().any(|service| !SERVICES_IN_FILES.contains(&service.as_str())),
        })
    }

    pub fn user(&self, key: &AccountKey) -> Option<Result<Option<Arc<Account>>, Fault>> {
        self.one(&self.users, key)
    }

    pub fn group(&self, key: &AccountKey) -> Option<Result<Option<Arc<GroupEntry>>, Fault>> {
        self.one(&self.groups, key)
    }

    pub fn users(&self) -> Option<Result<Arc<[Account]>, Fault>> {
        self.all(&self.users)
    }

    pub fn groups(&self) -> Option<Result<Arc<[GroupEntry]>, Fault>> {
        self.all(&self.groups)
    }

    /// One entry; `None`: the node did not get so far.
    fn one<T: Entry>(
        &self,
        database: &Result<Database<T>, Fault>,
        key: &AccountKey,
    ) -> Option<Result<Option<Arc<T>>, Fault>> {
        let database = match database {
            Ok(database) => database,
            Err(fault) => return Some(Err(fault.clone())),
        };
        let found = database.entries.iter().find(|entry| entry.has(key));
        if found.is_some() || !database.beyond_files {
            return Some(Ok(found.cloned().map(Arc::new)));
        }
        if let AccountKey::Name(name) = key
            && (name.is_empty() || name.starts_with('-') || name.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Some(Ok(None));
        }
        let part = self.getent.get(T::DATABASE)?.last()?;
        let entries: Vec<T> = String::from_utf8_lossy(&part.out).lines().filter_map(T::parse).collect();
        match (part.status(), entries.into_iter().find(|entry| entry.has(key))) {
            (Some(0 | 2), found) => Some(Ok(found.map(Arc::new))),
            _ => Some(Err(getent_failed::<T>(part))),
        }
    }

    fn all<T: Entry>(&self, database: &Result<Database<T>, Fault>) -> Option<Result<Arc<[T]>, Fault>> {
        let database = match database {
            Ok(database) => database,
            Err(fault) => return Some(Err(fault.clone())),
        };
        if !database.beyond_files {
            return Some(Ok(database.entries.clone().into()));
        }
        let parts = self.getent.get(T::DATABASE)?;
        let part = parts.get("a").or(parts.last())?;
        Some(match part.status() {
            Some(0) if !part.cut => Ok(String::from_utf8_lossy(&part.out).lines().filter_map(T::parse).collect()),
            Some(0) => {
                Err(Fault::new(FaultKind::TooLarge, format!("getent {} printed more than is read", T::DATABASE)))
            }
            _ => Err(getent_failed::<T>(part)),
        })
    }

    /// Of what a walk found, the files whose owner or group is in no database, as it asks.
    pub fn without(&self, walk: &Walk, found: Vec<Found>) -> Option<Result<Arc<[Found]>, Fault>> {
        let (users, groups) = match (&self.users, &self.groups) {
            (Ok(users), Ok(groups)) => (users, groups),
            (Err(fault), _) | (_, Err(fault)) => return Some(Err(fault.clone())),
        };
        if (walk.no_user && users.beyond_files) || (walk.no_group && groups.beyond_files) {
            let message = format!(
                "cannot walk below {}: find on the node knows no -nouser, and nsswitch.conf names services that are no files; install GNU find",
                walk.path
            );
            return Some(Err(Fault::new(FaultKind::ToolMissing, message)));
        }
        let fits = |found: &Found| {
            (!walk.no_user || !users.entries.iter().any(|user| user.uid == found.inode.uid))
                && (!walk.no_group || !groups.entries.iter().any(|group| group.gid == found.inode.gid))
        };
        Some(Ok(found.into_iter().filter(fits).collect()))
    }
}

fn untold(what: &str) -> Fault {
    Fault::new(FaultKind::Failed, format!("cannot read {what}: the node did not say"))
}

fn getent_failed<T: Entry>(part: &Part) -> Fault {
    let database = T::DATABASE;
    match part.status.as_str() {
        "127" => Fault::new(
            FaultKind::ToolMissing,
            format!(
                "getent is not installed, and nsswitch.conf names a service for {database} that is no file; install it"
            ),
        ),
        status => {
            let said = first_line(&part.err);
            Fault::new(FaultKind::Failed, format!("getent {database} ended with status {status} and said {said:?}"))
        }
    }
}

/// The services nsswitch.conf names for a database; `files` where it names none.
fn services(nsswitch: &str, database: &str) -> Vec<String> {
    let line = nsswitch
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == database);
    let Some((_, services)) = line else { return vec!["files".to_string()] };
    // `[NOTFOUND=return]` says how to go on; it may touch the service before it.
    let mut plain = String::new();
    let mut inside = false;
    for letter in services.chars() {
        match letter {
            '[' => inside = true,
            ']' => {
                inside = false;
                plain.push(' ');
            }
            letter if !inside => plain.push(letter),
            _ => {}
        }
    }
    plain.split_whitespace().map(str::to_string).collect()
}

// ---- sockets ---------------------------------------------------------------------------

/// States as the kernel numbers them: a UDP socket that is bound and has no peer is closed.
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;

/// The listening and bound sockets in the tables of the node; `None`: they were not read.
pub(super) fn sockets(files: &HashMap<Arc<str>, Content>) -> Option<Result<Arc<[Socket]>, Fault>> {
    let mut sockets = Vec::new();
    let mut tables = 0;
    for (protocol, path) in SOCKET_TABLES {
        let state = if matches!(protocol, Protocol::Tcp | Protocol::Tcp6) { LISTEN } else { CLOSE };
        match files.get(*path)? {
            Ok(Some(table)) => {
                tables += 1;
                match parse_table(&String::from_utf8_lossy(table), *protocol, state) {
                    Some(parsed) => sockets.extend(parsed),
                    None => {
                        let message = format!("{path} has lines that cannot be read");
                        return Some(Err(Fault::new(FaultKind::Malformed, message)));
                    }
                }
            }
            // A kernel without this protocol has no such sockets.
            Ok(None) => {}
            Err(fault) => return Some(Err(fault.clone())),
        }
    }
    if tables == 0 {
        let message = "cannot read /proc/net/tcp: no proc file system is mounted at /proc";
        return Some(Err(Fault::new(FaultKind::Failed, message)));
    }
    sockets.sort_unstable();
    Some(Ok(sockets.into()))
}

/// The sockets of one state in a table of proc_net(5); `None`: it is no such table.
fn parse_table(table: &str, protocol: Protocol, state: u8) -> Option<Vec<Socket>> {
    let mut sockets = Vec::new();
    for line in table.lines().skip(1) {
        let mut fields = line.split_ascii_whitespace();
        let (address, port) = fields.nth(1)?.split_once(':')?;
        let its_state = u8::from_str_radix(fields.nth(1)?, 16).ok()?;
        // The queues, the timer and the retransmissions come between.
        let uid = fields.nth(3)?.parse().ok()?;
        let inode = fields.nth(1)?.parse().ok()?;
        if its_state == state {
            let port = u16::from_str_radix(port, 16).ok()?;
            sockets.push(Socket { protocol, address: hex_address(address)?, port, uid, inode });
        }
    }
    Some(sockets)
}

/// An address as words in hexadecimal digits, of the byte order of all nodes there are:
/// little endian.
fn hex_address(digits: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(digits.get(at..at + 8)?, 16).ok()?.to_le_bytes());
    match digits.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

// ---- processes -------------------------------------------------------------------------

/// The fault where the processes of others are hidden, or there is no proc at all.
fn hidden(parts: &Parts, who: &Who) -> Result<(), Fault> {
    match parts.last().map(|part| part.status.as_str()) {
        Some("hidden") => Err(who.refused("look at", "/proc/1", &Trouble::Denied)),
        Some("noproc") => {
            Err(Fault::new(FaultKind::Failed, "cannot list processes: no proc file system is mounted at /proc"))
        }
        Some("noenv") => Err(Fault::new(
            FaultKind::ToolMissing,
            "cannot list processes: there is no env or no cat in the PATH of the node; install coreutils or busybox",
        )),
        _ => Ok(()),
    }
}

/// What turns the kernel's units into ours.
struct System {
    /// Seconds since 1970 when the machine started.
    started: i64,
    ticks_per_second: u64,
    page_kib: u64,
}

/// The value of a kind in an auxiliary vector, getauxval(3), of a little endian 64-bit
/// machine.
fn auxiliary(vector: &[u8], kind: u64) -> Option<u64> {
    let (pairs, _) = vector.as_chunks::<16>();
    pairs.iter().find_map(|pair| {
        let (key, value) = pair.split_at(8);
        (u64::from_le_bytes(key.try_into().ok()?) == kind).then_some(())?;
        Some(u64::from_le_bytes(value.try_into().ok()?))
    })
}

/// All processes, by number. One that ended meanwhile is left out.
pub(super) fn processes(parts: &Parts, separator: &[u8], who: &Who) -> Result<Arc<[Process]>, Fault> {
    const AT_PAGESZ: u64 = 6;
    const AT_CLKTCK: u64 = 17;
    hidden(parts, who)?;
    let malformed = |what: &str| Fault::new(FaultKind::Malformed, format!("{what} does not read as proc(5) says"));
    let (Some(listed), Some(grep)) = (parts.get("a"), parts.last()) else { return Err(untold("/proc")) };
    let labels = listed.status.starts_with('l');
    let pieces = memchr::memmem::find_iter(&listed.out, separator).count();
    let pieces = split(&listed.out, separator, pieces);
    let Some([vector, pieces @ ..]) = pieces.as_deref() else {
        return Err(no_answer("list processes", "cat", Some(listed)));
    };
    let text = String::from_utf8_lossy(&grep.out);
    let mut users = HashMap::new();
    let mut started = None;
    for line in text.lines() {
        if let Some(time) = line.strip_prefix("/proc/stat:btime ") {
            started = time.trim().parse().ok();
        } else if let Some((pid, uids)) = line.strip_prefix("/proc/").and_then(|line| line.split_once("/status:Uid:")) {
            let uid = uids.split_ascii_whitespace().nth(1).and_then(|uid| uid.parse::<u32>().ok());
            if let (Ok(pid), Some(uid)) = (pid.parse::<u32>(), uid) {
                users.insert(pid, uid);
            }
        }
    }
    let Some(started) = started else { return Err(no_answer("read /proc/stat", "grep", Some(grep))) };
    let system = System {
        started,
        ticks_per_second: auxiliary(vector, AT_CLKTCK).filter(|&ticks| ticks > 0).unwrap_or(100),
        page_kib: auxiliary(vector, AT_PAGESZ).filter(|&size| size > 0).unwrap_or(4096) / 1024,
    };
    let each = if labels { 2 } else { 1 };
    let mut processes = Vec::new();
    for pieces in pieces.chunks(each) {
        // It ended before its stat was read.
        let Some((stat, command)) = parse_stat(pieces[0]) else {
            if pieces[0].is_empty() || memchr::memchr(b'(', pieces[0]).is_none() {
                continue;
            }
            return Err(malformed("the stat of a process"));
        };
        let Some(mut process) = process(stat, &system) else { return Err(malformed("the stat of a process")) };
        // It ended before its status was read.
        let Some(&uid) = users.get(&process.pid) else { continue };
        process.uid = uid;
        let command = String::from_utf8_lossy(command);
        let command = command.trim_end_matches('\0');
        process.command =
            if command.is_empty() { format!("[{}]", process.name).into() } else { command.replace('\0', " ").into() };
        if let Some(label) = pieces.get(1) {
            let label = String::from_utf8_lossy(label);
            process.label = Some(label.trim_end_matches(['\0', '\n'])).filter(|label| !label.is_empty()).map(Arc::from);
        }
        processes.push(process);
    }
    processes.sort_unstable_by_key(|process| process.pid);
    Ok(processes.into())
}

/// A process as its stat has it: number, name, the fields behind the name.
type ProcessStat = (u32, String, Vec<String>);

/// The line of proc_pid_stat(5) that `bytes` begin with, and what follows it. The name may
/// hold anything, but in its 15 letters not the 40 numbers that come behind it.
fn parse_stat(bytes: &[u8]) -> Option<(ProcessStat, &[u8])> {
    const FEWEST: usize = 22;
    let open = memchr::memchr(b'(', bytes)?;
    let pid = std::str::from_utf8(&bytes[..open]).ok()?.trim().parse().ok()?;
    for close in memchr::memmem::find_iter(bytes, b") ") {
        let end = memchr::memchr(b'\n', &bytes[close..]).map_or(bytes.len(), |end| close + end);
        let Ok(fields) = std::str::from_utf8(&bytes[close + 2..end]) else { continue };
        let fields: Vec<String> = fields.split_ascii_whitespace().map(str::to_string).collect();
        let numbers = fields.iter().skip(1).filter(|field| field.parse::<i128>().is_ok()).count();
        if numbers + 1 == fields.len() && numbers >= FEWEST && close > open {
            let name = String::from_utf8_lossy(&bytes[open + 1..close]).into_owned();
            return Some(((pid, name, fields), bytes.get(end + 1..).unwrap_or_default()));
        }
    }
    None
}

fn process((pid, name, fields): ProcessStat, system: &System) -> Option<Process> {
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
        started: system.started.checked_add(i64::try_from(number(22)? / system.ticks_per_second).ok()?)?,
        cpu_seconds: seconds(number(14)?) + seconds(number(15)?),
        label: None,
    })
}

/// The processes that hold each socket: the links in every `/proc/PID/fd`, and the names in
/// every `/proc/PID/comm`.
pub(super) fn owners(parts: &Parts, who: &Who) -> Result<Arc<BTreeMap<u64, Vec<SocketOwner>>>, Fault> {
    hidden(parts, who)?;
    let (Some(listed), Some(comms)) = (parts.get("a"), parts.last()) else { return Err(untold("/proc")) };
    let complaints = String::from_utf8_lossy(&listed.err);
    for line in complaints.lines() {
        if Trouble::in_message(line) == Trouble::Denied {
            let thing = line.split(['\'', ' ', ':']).find(|word| word.starts_with("/proc/")).unwrap_or("/proc");
            return Err(who.refused("look at", thing, &Trouble::Denied));
        }
    }
    if listed.cut {
        return Err(Fault::new(FaultKind::TooLarge, "the processes of the node hold more files than are listed"));
    }
    let mut names: HashMap<u32, String> = HashMap::new();
    let text = String::from_utf8_lossy(&comms.out);
    for line in text.lines() {
        let named = line.strip_prefix("/proc/").and_then(|line| line.split_once("/comm:"));
        let Some((pid, name)) = named.and_then(|(pid, name)| Some((pid.parse().ok()?, name))) else { continue };
        // A name may have a newline in it: it comes in several lines.
        names.entry(pid).and_modify(|known| known.extend(["\n", name])).or_insert_with(|| name.to_string());
    }
    let mut owners: BTreeMap<u64, Vec<SocketOwner>> = BTreeMap::new();
    let mut pid = None;
    let text = String::from_utf8_lossy(&listed.out);
    for line in text.lines() {
        let Some((held, target)) = line.split_once(" -> ") else {
            // ls(1) names the directory once, find(1) in every line.
            let directory = line.strip_prefix("/proc/").and_then(|line| line.strip_suffix("/fd:"));
            pid = directory.map_or(pid, |number| number.parse::<u32>().ok());
            continue;
        };
        let named = held.strip_prefix("/proc/").and_then(|held| held.split_once("/fd/")?.0.parse().ok());
        let inode = target.strip_prefix("socket:[").and_then(|target| target.strip_suffix(']')?.parse().ok());
        let (Some(pid), Some(inode)) = (named.or(pid), inode) else { continue };
        let Some(name) = names.get(&pid) else { continue };
        let holders = owners.entry(inode).or_default();
        // A socket may be open under several numbers.
        if holders.last().is_none_or(|last| last.pid != pid) {
            holders.push(SocketOwner { pid, name: name.as_str().into() });
        }
    }
    if names.is_empty() || listed.status.starts_with("12") {
        return Err(no_answer("list /proc/PID/fd", "find or ls", Some(listed)));
    }
    for holders in owners.values_mut() {
        holders.sort_unstable();
    }
    Ok(Arc::new(owners))
}
