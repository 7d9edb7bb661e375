//! The steps of a script: which probes are answered together, and in what order.
//!
//! The script and the decoder make the same plan from the same probes.

use super::refusal::refusal;
use super::text::is_plain;
use crate::probe::*;
use std::collections::HashMap;

/// The most bytes of paths given to one command: the kernel takes 128 KiB at least.
const MOST_BYTES: usize = 48 << 10;
/// The most paths given to one command.
const MOST_PATHS: usize = 256;
/// What a section may hold that has no cap of its own.
const PLENTY: usize = 64 << 20;
/// What is kept of the errors of a command that looks at many things.
const ERRORS: usize = 1 << 20;

/// The files the account databases are in.
pub(super) const ACCOUNT_FILES: &[&str] =
    &["/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/usr/etc/nsswitch.conf", "/usr/lib/passwd", "/usr/lib/group"];
/// The tables of sockets.
pub(super) const SOCKET_TABLES: &[(Protocol, &str)] = &[
    (Protocol::Tcp, "/proc/net/tcp"),
    (Protocol::Tcp6, "/proc/net/tcp6"),
    (Protocol::Udp, "/proc/net/udp"),
    (Protocol::Udp6, "/proc/net/udp6"),
];
/// Where name servers and names are configured.
pub(super) const HOSTS: &str = "/etc/hosts";
pub(super) const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What a script does at one time; numbers are indices of probes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Who asks, and that it is a POSIX shell.
    Hello,
    /// Paths looked at together, each with the probes that ask for it.
    Stat(Vec<Shared>),
    /// Files read together.
    Files(Vec<Shared>),
    /// Accounts of services that are no files, `passwd` or `group`.
    Getent {
        database: &'static str,
        keys: Vec<String>,
        all: bool,
    },
    Uname(Vec<usize>),
    Which(Vec<usize>),
    Environment(Vec<usize>),
    Interfaces(Vec<usize>),
    Processes(Vec<usize>),
    SocketOwners(Vec<usize>),
    List(usize),
    Flags(usize),
    Walk(usize),
    Lookup(usize),
    Connect(usize),
    Http(usize),
    Run(usize),
}

impl Step {
    /// Whether nobody asks for it.
    fn is_empty(&self) -> bool {
        match self {
            Step::Uname(probes)
            | Step::Which(probes)
            | Step::Environment(probes)
            | Step::Interfaces(probes)
            | Step::Processes(probes)
            | Step::SocketOwners(probes) => probes.is_empty(),
            _ => false,
        }
    }
}

/// A path and the probes that ask for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shared {
    pub path: Arc<str>,
    pub probes: Vec<usize>,
}

/// The steps, and the answers that need no node.
#[derive(Debug)]
pub(super) struct Plan {
    pub steps: Vec<Step>,
    pub known: Vec<(usize, Answer)>,
}

impl Plan {
    pub fn new(probes: &[Probe]) -> Plan {
        let mut plan = Plan { steps: vec![Step::Hello], known: Vec::new() };
        let mut gathered = Gathered::default();
        for (index, probe) in probes.iter().enumerate() {
            match refusal(probe) {
                Some(answer) => plan.known.push((index, answer)),
                None => gathered.add(index, probe),
            }
        }
        gathered.steps(&mut plan.steps);
        plan
    }

    /// How many bytes of each stream are kept of a section of each step.
    pub fn caps(&self, probes: &[Probe]) -> Vec<(usize, usize)> {
        let cap = |step: &Step| match step {
            Step::Hello => (4096, 4096),
            Step::Files(files) => ((files.len() * READ_CAP).min(192 << 20) + (4 << 20), ERRORS),
            Step::Run(_) => (OUTPUT_CAP + 1, OUTPUT_CAP + 1),
            Step::Http(index) => match &probes[*index] {
                Probe::Http(_) => (BODY_CAP + (2 << 20), ERRORS),
                _ => (PLENTY, ERRORS),
            },
            _ => (PLENTY, ERRORS),
        };
        self.steps.iter().map(cap).collect()
    }
}

/// Probes by what answers them.
#[derive(Default)]
struct Gathered {
    stats: Paths,
    files: Paths,
    users: Accounts,
    groups: Accounts,
    uname: Vec<usize>,
    which: Vec<usize>,
    environment: Vec<usize>,
    interfaces: Vec<usize>,
    processes: Vec<usize>,
    owners: Vec<usize>,
    single: Vec<Step>,
    slow: Vec<Step>,
}

#[derive(Default)]
struct Accounts {
    keys: Vec<String>,
    all: bool,
    asked: bool,
}

impl Accounts {
    fn add(&mut self, key: &AccountKey) {
        self.asked = true;
        // getent reads a number as an id, and a leading dash as an option.
        if let AccountKey::Name(name) = key
            && (name.is_empty()
                || name.starts_with('-')
                || name.bytes().all(|byte| byte.is_ascii_digit())
                || name.contains(['\0', '\n', ':']))
        {
            return;
        }
        let key = key.to_string();
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    fn step(self, database: &'static str) -> Option<Step> {
        (self.all || !self.keys.is_empty()).then_some(Step::Getent { database, keys: self.keys, all: self.all })
    }
}

impl Gathered {
    fn add(&mut self, index: usize, probe: &Probe) {
        match probe {
            Probe::Stat(Stat { path }) => self.stats.add(path, Some(index)),
            Probe::Read(Read { path }) => self.files.add(path, Some(index)),
            Probe::User(User { key }) => self.users.add(key),
            Probe::Group(Group { key }) => self.groups.add(key),
            Probe::Users(_) => (self.users.asked, self.users.all) = (true, true),
            Probe::Groups(_) => (self.groups.asked, self.groups.all) = (true, true),
            Probe::Uname(_) => self.uname.push(index),
            Probe::Which(_) => self.which.push(index),
            Probe::Environment(_) => self.environment.push(index),
            Probe::Interfaces(_) => self.interfaces.push(index),
            Probe::Processes(_) => self.processes.push(index),
            Probe::SocketOwners(_) => self.owners.push(index),
            Probe::Sockets(_) => {
                for (_, path) in SOCKET_TABLES {
                    self.files.add(&Arc::from(*path), None);
                }
            }
            Probe::List(_) => self.single.push(Step::List(index)),
            Probe::Flags(_) => self.single.push(Step::Flags(index)),
            Probe::Walk(walk) => {
                if walk.no_user || walk.no_group {
                    self.users.asked = true;
                }
                self.slow.push(Step::Walk(index));
            }
            Probe::Run(_) => self.slow.push(Step::Run(index)),
            Probe::Lookup(_) => {
                self.files.add(&Arc::from(HOSTS), None);
                self.files.add(&Arc::from(RESOLV_CONF), None);
                self.slow.push(Step::Lookup(index));
            }
            Probe::Connect(_) => self.slow.push(Step::Connect(index)),
            Probe::Http(_) => self.slow.push(Step::Http(index)),
        }
    }

    /// Files come first: what is made of them is there when it is needed.
    fn steps(mut self, steps: &mut Vec<Step>) {
        if self.users.asked || self.groups.asked {
            for path in ACCOUNT_FILES {
                self.files.add(&Arc::from(*path), None);
            }
        }
        steps.extend(self.files.groups().map(Step::Files));
        steps.extend(self.stats.groups().map(Step::Stat));
        steps.extend(self.users.step("passwd"));
        steps.extend(self.groups.step("group"));
        let shared = [
            Step::Uname(self.uname),
            Step::Which(self.which),
            Step::Environment(self.environment),
            Step::Interfaces(self.interfaces),
            Step::Processes(self.processes),
            Step::SocketOwners(self.owners),
        ];
        steps.extend(shared.into_iter().filter(|step| !step.is_empty()));
        steps.extend(self.single);
        steps.extend(self.slow);
    }
}

/// Paths, each once.
#[derive(Default)]
struct Paths {
    shared: Vec<Shared>,
    by_path: HashMap<Arc<str>, usize>,
}

impl Paths {
    fn add(&mut self, path: &Arc<str>, probe: Option<usize>) {
        let at = *self.by_path.entry(path.clone()).or_insert_with(|| {
            self.shared.push(Shared { path: path.clone(), probes: Vec::new() });
            self.shared.len() - 1
        });
        self.shared[at].probes.extend(probe);
    }

    /// In groups for one command each. Messages about a path with odd letters cannot be
    /// told from others, so such a path goes alone.
    fn groups(self) -> impl Iterator<Item = Vec<Shared>> {
        let (plain, odd): (Vec<Shared>, Vec<Shared>) =
            self.shared.into_iter().partition(|shared| is_plain(&shared.path));
        let mut groups: Vec<Vec<Shared>> = Vec::new();
        let mut bytes = 0;
        for shared in plain {
            bytes += shared.path.len() + 1;
            match groups.last_mut() {
                Some(group) if group.len() < MOST_PATHS && bytes < MOST_BYTES => group.push(shared),
                _ => {
                    bytes = shared.path.len() + 1;
                    groups.push(vec![shared]);
                }
            }
        }
        groups.into_iter().chain(odd.into_iter().map(|shared| vec![shared]))
    }
}
