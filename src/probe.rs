//! Probes and observations: the only words in which Probity asks a node anything.
//!
//! A probe is a question that has one answer on one node at one time; equal probes are
//! asked once. An answer is an observation, or a [`Fault`] when the node could not be
//! asked. *Absence is an observation* (`None`), never a fault: a fault always makes a
//! result errored, absence may make it failed.
//!
//! Each kind of question is a type of its own that names the type of its answer, so that
//! a resource gets what it asked for without a match: see [`Question`].

pub mod bytes;
pub mod sh;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes [`Read`] returns of one file; a longer file is a fault.
pub const READ_CAP: usize = 16 << 20;
/// The most bytes [`Run`] keeps of each of stdout and stderr; the rest is dropped and
/// [`Ran::truncated`] says so.
pub const OUTPUT_CAP: usize = 4 << 20;
/// The most entries [`List`] and [`Walk`] return; more is a fault.
pub const ENTRIES_CAP: usize = 200_000;
/// The most bytes [`Http`] keeps of a body.
pub const BODY_CAP: usize = 4 << 20;
/// How long a command, connection, look-up or request may take unless it says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a node could not be asked. The result that needed the answer is errored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// What was tried and what went wrong, as a lowercase fragment that names the thing.
    pub message: Arc<str>,
}

/// The kinds of fault, for reports that group them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The user Probity runs as may not look there.
    Denied,
    /// No answer in time.
    TimedOut,
    /// A tool the answer needs is not on the node.
    ToolMissing,
    /// An answer that cannot be read: a parse error, a value out of range.
    Malformed,
    /// More than the caps allow.
    TooLarge,
    /// This transport cannot answer this kind of probe.
    Unsupported,
    /// Anything else the operating system refused.
    Failed,
}

impl Fault {
    pub fn new(kind: FaultKind, message: impl Into<Arc<str>>) -> Fault {
        Fault { kind, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What came back for one probe.
pub type Answer = Result<Observation, Fault>;

macro_rules! held {
    ($kind:ident) => { $kind };
    ($kind:ident boxed) => { Box<$kind> };
}

/// Declares each question type, the enum of all probes and the enum of all observations,
/// so that the three lists cannot drift apart. `boxed` keeps the rare large questions from
/// making every probe as large.
macro_rules! questions {
    ($($(#[doc = $doc:literal])* $(#[serde($($serde:tt)*)])? $kind:ident $($boxed:ident)? => $answer:ty, $name:literal;)*) => {
        /// Every question a node can be asked.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Probe { $($(#[doc = $doc])* $kind(held!($kind $($boxed)?)),)* }

        /// The answer to one probe, of the kind the probe asks for.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Observation { $($(#[serde($($serde)*)])? $kind($answer),)* }

        impl Probe {
            /// The name of the kind, as the documentation and evidence give it.
            pub fn kind(&self) -> &'static str {
                match self { $(Probe::$kind(_) => $name,)* }
            }

            /// The names of all kinds.
            pub const KINDS: &'static [&'static str] = &[$($name),*];

            /// What each of [`Probe::KINDS`] asks, for the reference.
            pub const MEANINGS: &'static [&'static str] = &[$(concat!($($doc),*)),*];
        }

        impl Observation {
            /// The name of the kind, that of the probe it answers.
            pub fn kind(&self) -> &'static str {
                match self { $(Observation::$kind(_) => $name,)* }
            }
        }

        $(
            impl From<$kind> for Probe {
                fn from(question: $kind) -> Probe { Probe::$kind(question.into()) }
            }

            impl Question for $kind {
                type Answer = $answer;
                fn wrap(answer: $answer) -> Observation { Observation::$kind(answer) }
                fn unwrap(observation: &Observation) -> Option<$answer> {
                    match observation { Observation::$kind(answer) => Some(answer.clone()), _ => None }
                }
            }
        )*
    };
}

/// A question whose answer has a known type. Answers are cheap to clone.
pub trait Question: Into<Probe> + Clone {
    type Answer: Clone;
    /// The answer as an observation.
    fn wrap(answer: Self::Answer) -> Observation;
    /// The answer inside an observation of this kind; `None` for another kind.
    fn unwrap(observation: &Observation) -> Option<Self::Answer>;
}

questions! {
    /// What a path is, without following a last link, and what it leads to.
    Stat => Option<Stated>, "stat";
    /// The content of a regular file (links followed). `None`: there is no such file.
    #[serde(with = "bytes::optional")]
    Read => Option<Arc<[u8]>>, "read";
    /// The names in a directory, sorted. `None`: there is no such directory.
    List => Option<Arc<[Entry]>>, "list";
    /// The files below a directory that fit a description, sorted by path.
    Walk boxed => Arc<[Found]>, "walk";
    /// The inode flags of chattr(1).
    Flags => Option<InodeFlags>, "flags";
    /// A command's exit status and output.
    Run boxed => Ran, "run";
    /// Whether a name is a command, as `command -v` finds it: its path.
    Which => Option<Arc<str>>, "which";
    /// The environment variables commands run with.
    Environment => Arc<BTreeMap<String, String>>, "environment";
    /// One user of the account database (`getent passwd`).
    User => Option<Arc<Account>>, "user";
    /// One group of the account database (`getent group`).
    Group => Option<Arc<GroupEntry>>, "group";
    /// All users the account database lists.
    Users => Arc<[Account]>, "users";
    /// All groups the account database lists.
    Groups => Arc<[GroupEntry]>, "groups";
    /// The kernel's own identity, uname(2).
    Uname => Arc<Kernel>, "uname";
    /// Listening TCP and bound UDP sockets.
    Sockets => Arc<[Socket]>, "sockets";
    /// The processes that hold sockets, by socket inode.
    SocketOwners => Arc<BTreeMap<u64, Vec<SocketOwner>>>, "socket_owners";
    /// All processes.
    Processes => Arc<[Process]>, "processes";
    /// The network interfaces and their addresses.
    Interfaces => Arc<[Interface]>, "interfaces";
    /// Whether a TCP connection from the node is accepted.
    Connect => Connected, "connect";
    /// The addresses a name resolves to on the node, sorted. Empty: it does not resolve.
    Lookup => Arc<[IpAddr]>, "lookup";
    /// The answer to an HTTP request made from the node.
    Http boxed => Arc<Response>, "http";
}

impl Probe {
    /// Whether this kind may take long, so that it runs beside the others.
    pub fn is_slow(&self) -> bool {
        matches!(self, Probe::Run(_) | Probe::Walk(_) | Probe::Connect(_) | Probe::Lookup(_) | Probe::Http(_))
    }
}

/// A probe in words, for evidence and messages: `stat /etc/shadow`.
impl Probe {
    /// What [`fmt::Display`] writes. Every step of a run says this of what it looked at, so the
    /// common kinds are put together at once.
    pub fn words(&self) -> String {
        match self {
            Probe::Stat(Stat { path })
            | Probe::Read(Read { path })
            | Probe::List(List { path })
            | Probe::Flags(Flags { path }) => [self.kind(), " ", path].concat(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Probe::Stat(Stat { path })
            | Probe::Read(Read { path })
            | Probe::List(List { path })
            | Probe::Flags(Flags { path }) => write!(f, "{kind} {path}"),
            Probe::Walk(walk) => write!(f, "{kind} {}", walk.path),
            Probe::Run(run) => write!(f, "{kind} {}", run.line),
            Probe::Which(Which { name }) => write!(f, "{kind} {name}"),
            Probe::User(User { key }) | Probe::Group(Group { key }) => write!(f, "{kind} {key}"),
            Probe::Connect(Connect { host, port, .. }) => write!(f, "{kind} {host}:{port}"),
            Probe::Lookup(Lookup { host, .. }) => write!(f, "{kind} {host}"),
            Probe::Http(http) => write!(f, "{kind} {} {}", http.method, http.url),
            Probe::Environment(_)
            | Probe::Users(_)
            | Probe::Groups(_)
            | Probe::Uname(_)
            | Probe::Sockets(_)
            | Probe::SocketOwners(_)
            | Probe::Processes(_)
            | Probe::Interfaces(_) => f.write_str(kind),
        }
    }
}

// ---- files ---------------------------------------------------------------------------

/// See [`Probe::Stat`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stat {
    pub path: Arc<str>,
}

/// A path's own inode, and that of the target when it is a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stated {
    /// lstat(2) of the path.
    pub own: Inode,
    /// For a link: the text it holds and what it leads to in the end.
    pub link: Option<Box<Link>>,
}

impl Stated {
    /// The inode that stat(2) gives: that of the target for a link; `None` when the link
    /// leads nowhere.
    pub fn target(&self) -> Option<&Inode> {
        match &self.link {
            Some(link) => link.target.as_ref(),
            None => Some(&self.own),
        }
    }
}

/// A symbolic link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The text readlink(2) gives.
    pub text: Arc<str>,
    /// The canonical path of the target, realpath(3); `None` when it leads nowhere.
    pub canonical: Option<Arc<str>>,
    /// The inode of the target; `None` when it leads nowhere.
    pub target: Option<Inode>,
}

/// The metadata of one inode, inode(7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inode {
    pub kind: FileKind,
    /// The twelve permission bits.
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// In bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    pub nlink: u64,
    pub ino: u64,
    /// Device the inode is on, as `st_dev`.
    pub dev: u64,
    /// The SELinux label (`security.selinux`); `None` where there is none or the
    /// transport cannot tell.
    pub selinux: Option<Arc<str>>,
    /// Whether a POSIX access ACL is set beyond the mode bits, acl(5).
    pub acl: bool,
}

/// What an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    File,
    Directory,
    Symlink,
    BlockDevice,
    CharacterDevice,
    Pipe,
    Socket,
}

impl FileKind {
    /// The name the `type` property gives, as InSpec's.
    pub fn name(self) -> &'static str {
        match self {
            FileKind::File => "file",
            FileKind::Directory => "directory",
            FileKind::Symlink => "symlink",
            FileKind::BlockDevice => "block_device",
            FileKind::CharacterDevice => "character_device",
            FileKind::Pipe => "pipe",
            FileKind::Socket => "socket",
        }
    }

    /// The kind in the type bits of `st_mode`.
    pub fn from_mode(mode: u32) -> Option<FileKind> {
        Some(match mode & 0o170000 {
            0o100000 => FileKind::File,
            0o040000 => FileKind::Directory,
            0o120000 => FileKind::Symlink,
            0o060000 => FileKind::BlockDevice,
            0o020000 => FileKind::CharacterDevice,
            0o010000 => FileKind::Pipe,
            0o140000 => FileKind::Socket,
            _ => return None,
        })
    }
}

/// See [`Probe::Read`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Read {
    pub path: Arc<str>,
}

/// See [`Probe::List`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct List {
    pub path: Arc<str>,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    pub name: Arc<str>,
    pub kind: FileKind,
}

/// See [`Probe::Walk`]. A file fits when every given condition holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Walk {
    /// The directory to start from; it is itself a candidate.
    pub path: Arc<str>,
    /// Kinds that fit; empty: all.
    pub kinds: Vec<FileKind>,
    /// At least one of these mode bits is set.
    pub any_bits: u16,
    /// All of these mode bits are set.
    pub all_bits: u16,
    /// None of these mode bits is set.
    pub no_bits: u16,
    /// The owner, by number.
    pub uid: Option<u32>,
    /// The group, by number.
    pub gid: Option<u32>,
    /// Only files whose owner is in no account database.
    pub no_user: bool,
    /// Only files whose group is in no group database.
    pub no_group: bool,
    /// A glob over the last part of the path (`*`, `?`, `[…]`).
    pub name: Option<String>,
    /// How deep to go below `path`; `None`: all the way.
    pub max_depth: Option<u32>,
    /// Whether to enter other file systems mounted below.
    pub cross_file_systems: bool,
    /// Paths that are not entered.
    pub prune: Vec<Arc<str>>,
    /// How long it may take in milliseconds.
    pub timeout_ms: u64,
}

/// A file that [`Walk`] found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub path: Arc<str>,
    pub inode: Inode,
}

/// See [`Probe::Flags`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flags {
    pub path: Arc<str>,
}

/// Inode flags, ioctl_iflags(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InodeFlags {
    pub immutable: bool,
    pub append_only: bool,
}

// ---- commands ------------------------------------------------------------------------

/// See [`Probe::Run`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Run {
    pub line: CommandLine,
    /// Fed to the command; empty: end of file at once.
    #[serde(with = "bytes")]
    pub stdin: Arc<[u8]>,
    /// Set besides what commands run with anyway.
    pub environment: Vec<(String, String)>,
    pub timeout_ms: u64,
    /// Distinguishes runs that must not share an answer; 0 for all others.
    pub fresh: u64,
}

impl Run {
    /// A program with its arguments, no stdin, the default time-out.
    pub fn argv<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Run {
        Run::line(CommandLine::Argv(argv.into_iter().map(Into::into).collect()))
    }

    /// A line for `/bin/sh -c`, no stdin, the default time-out.
    pub fn shell(line: impl Into<String>) -> Run {
        Run::line(CommandLine::Shell { shell: "/bin/sh".into(), line: line.into() })
    }

    fn line(line: CommandLine) -> Run {
        Run {
            line,
            stdin: Arc::from([]),
            environment: Vec::new(),
            timeout_ms: DEFAULT_TIMEOUT.as_millis() as u64,
            fresh: 0,
        }
    }
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandLine {
    /// A program and its arguments, passed as they are.
    Argv(Vec<String>),
    /// A line given to a shell: `SHELL -c LINE`.
    Shell { shell: String, line: String },
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandLine::Argv(argv) => f.write_str(&argv.join(" ")),
            CommandLine::Shell { line, .. } => f.write_str(line),
        }
    }
}

/// How a command ended. One that could not be started at all because there is no such
/// program ends with 127, as in a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// The exit status; 128 plus the signal's number for a command a signal ended.
    pub status: i32,
    #[serde(with = "bytes")]
    pub stdout: Arc<[u8]>,
    #[serde(with = "bytes")]
    pub stderr: Arc<[u8]>,
    /// Whether output was dropped beyond [`OUTPUT_CAP`].
    pub truncated: bool,
}

/// See [`Probe::Which`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Which {
    pub name: Arc<str>,
}

/// See [`Probe::Environment`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Environment;

// ---- accounts ------------------------------------------------------------------------

/// What an account is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKey {
    Id(u32),
    Name(Arc<str>),
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountKey::Id(id) => write!(f, "{id}"),
            AccountKey::Name(name) => f.write_str(name),
        }
    }
}

/// See [`Probe::User`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct User {
    pub key: AccountKey,
}

/// See [`Probe::Group`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Group {
    pub key: AccountKey,
}

/// See [`Probe::Users`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Users;

/// See [`Probe::Groups`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Groups;

/// A line of passwd(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: Arc<str>,
    pub uid: u32,
    pub gid: u32,
    pub gecos: Arc<str>,
    pub home: Arc<str>,
    pub shell: Arc<str>,
}

/// A line of group(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEntry {
    pub name: Arc<str>,
    pub gid: u32,
    pub members: Vec<Arc<str>>,
}

// ---- kernel --------------------------------------------------------------------------

/// See [`Probe::Uname`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Uname;

/// See [`Probe::Sockets`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sockets;

/// See [`Probe::SocketOwners`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SocketOwners;

/// See [`Probe::Processes`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Processes;

/// See [`Probe::Interfaces`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interfaces;

/// The fields of `struct utsname` that matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// `Linux`.
    pub system: Arc<str>,
    /// Empty: not known.
    pub host_name: Arc<str>,
    /// The kernel's release, such as `6.1.0-18-amd64`. Empty: not known, as of a root file
    /// system that does not run.
    pub release: Arc<str>,
    /// The machine, such as `x86_64`. Empty: not known.
    pub machine: Arc<str>,
}

/// A socket that waits for peers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Socket {
    pub protocol: Protocol,
    pub address: IpAddr,
    pub port: u16,
    /// The user that owns the socket.
    pub uid: u32,
    /// The inode that `/proc/PID/fd` links name.
    pub inode: u64,
}

/// The protocol of a socket, with the family of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Tcp,
    Tcp6,
    Udp,
    Udp6,
}

impl Protocol {
    /// The name as `ss` and InSpec give it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Tcp6 => "tcp6",
            Protocol::Udp => "udp",
            Protocol::Udp6 => "udp6",
        }
    }
}

/// A process that holds a socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SocketOwner {
    pub pid: u32,
    pub name: Arc<str>,
}

/// One process, proc_pid_stat(5) and proc_pid_status(5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    pub ppid: u32,
    /// The effective user.
    pub uid: u32,
    /// The name in `comm`, at most 15 bytes.
    pub name: Arc<str>,
    /// The command line, arguments separated by blanks; the name in brackets for a kernel
    /// thread.
    pub command: Arc<str>,
    /// The state letter, such as `S`.
    pub state: char,
    /// Controlling terminal as `tty_nr`; 0 for none.
    pub tty: u32,
    /// Virtual memory in KiB.
    pub vsz: u64,
    /// Resident memory in KiB.
    pub rss: u64,
    /// When it started, seconds since 1970.
    pub started: i64,
    /// CPU time used so far in seconds.
    pub cpu_seconds: f64,
    /// The SELinux or AppArmor label (`attr/current`); `None` where there is none.
    pub label: Option<Arc<str>>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    pub name: Arc<str>,
    /// Administratively up (IFF_UP).
    pub up: bool,
    pub mtu: u32,
    /// In Mbit/s where the driver tells, from `/sys/class/net/NAME/speed`.
    pub speed: Option<u32>,
    /// The hardware address, such as `02:1a:b0:00:00:0b`; empty for none.
    pub mac: Arc<str>,
    /// Addresses with their prefix lengths, IPv4 first, each family sorted.
    pub addresses: Vec<(IpAddr, u8)>,
}

// ---- network -------------------------------------------------------------------------

/// See [`Probe::Connect`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Connect {
    pub host: Arc<str>,
    pub port: u16,
    pub timeout_ms: u64,
}

/// How a connection attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connected {
    Accepted,
    /// Reset by the peer: nothing listens.
    Refused,
    /// No answer within the time-out.
    TimedOut,
    /// No route to the network or host.
    Unreachable,
    /// The host's name does not resolve.
    NotResolved,
}

/// See [`Probe::Lookup`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lookup {
    pub host: Arc<str>,
    pub timeout_ms: u64,
}

/// See [`Probe::Http`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Http {
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    #[serde(with = "bytes")]
    pub body: Arc<[u8]>,
    /// Whether the server's certificate must be valid.
    pub verify: bool,
    /// How many redirects are followed; 0 gives the redirect itself.
    pub max_redirects: u32,
    pub timeout_ms: u64,
}

/// The answer to an HTTP request. A server that cannot be reached is a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    #[serde(with = "bytes")]
    pub body: Arc<[u8]>,
    /// Whether the body was longer than [`BODY_CAP`].
    pub truncated: bool,
}
