//! Ways to reach a node. A transport does one thing: it answers batches of probes.

pub mod container;
pub mod local;
pub mod options;
pub mod recording;
pub mod rootfs;
pub mod scripted;
pub mod shell;
pub mod ssh;

pub use options::{HostKeyCheck, Options, Patience, Privilege, Prompt, Secret, Tool};

use crate::probe::{Answer, Probe};
use crate::results::mask::Masker;
use crate::target::Target;
use shell::Shell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Ends what is under way, from any thread; see [`Transport::stopper`].
pub type Stopper = Box<dyn Fn() + Send + Sync>;

/// A way to ask one node. It lives and dies on one thread.
pub trait Transport {
    /// Answers every probe, in the order asked: one round trip where there is a wire.
    fn batch(&self, probes: &[Probe]) -> Vec<Answer>;

    /// The answer of a probe that costs no waiting at all, such as a system call on this
    /// machine. `None`: ask it in a batch.
    fn answer_now(&self, _probe: &Probe) -> Option<Answer> {
        None
    }

    /// What ends the slow probes that are under way when the run is interrupted: their
    /// answers become faults soon after, and [`Transport::batch`] returns.
    fn stopper(&self) -> Stopper {
        Box::new(|| {})
    }

    /// The user the node is asked as, for evidence; such as `root`.
    fn user(&self) -> String;

    /// Holds a conversation of another kind with the shell on the node that answers batches,
    /// as the user who answers them.
    ///
    /// # Errors
    /// The way to the node is lost, or there is no shell behind this transport.
    fn converse(&self, _conversation: &mut dyn shell::Conversation) -> Result<(), Unreachable> {
        Err(Unreachable::new(UnreachableKind::Setup, "there is no shell on this target"))
    }

    /// The time its answers are of, in seconds since 1970, where they stay what they are;
    /// `None`: they are of now, and may be others when asked again.
    fn clock(&self) -> Option<i64> {
        None
    }

    /// What went over the wire so far.
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// What a reader should know about the way to the node and was not told before, such as
    /// that host keys are not checked.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Why the node cannot be asked any more, once that is so: every answer is a fault from
    /// then on. To be asked after each batch, for a way in may look open until it is used: sudo
    /// refuses, there is no shell, the connection does not come back.
    fn lost(&self) -> Option<Unreachable> {
        None
    }
}

/// Bytes of payload over the wire, as the transport hands them to it and gets them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    pub sent: u64,
    pub received: u64,
}

/// Why a node cannot be reached: a lowercase fragment that names the host and, where there
/// is one, the remedy. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    pub kind: UnreachableKind,
    pub message: Arc<str>,
}

/// What kept a node out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnreachableKind {
    /// The name of the host does not resolve.
    UnknownHost,
    /// Nothing listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// No route to the network or host.
    NoRoute,
    /// The host key is unknown, changed or revoked.
    HostKey,
    /// No method of logging in was accepted.
    Authentication,
    /// sudo, su or doas did not let us.
    Privilege,
    /// The run was interrupted.
    Interrupted,
    /// What is needed on this side is missing or wrong: a file, a tool, a setting.
    Setup,
    /// Anything else: a protocol error, a lost connection, no shell on the node.
    Failed,
}

impl Unreachable {
    pub fn new(kind: UnreachableKind, message: impl Into<Arc<str>>) -> Unreachable {
        Unreachable { kind, message: message.into() }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Reaches a node. Connecting gives up soon after `stop` is set. With the secrets that `masker`
/// knows, a recording finds what it has masked.
///
/// # Errors
/// Why it cannot be reached.
pub fn open(
    target: &Target,
    options: &Options,
    masker: &Arc<Masker>,
    stop: &AtomicBool,
) -> Result<Box<dyn Transport>, Unreachable> {
    Ok(match target {
        Target::Local => Box::new(local::Local::new()),
        Target::RootFs(path) => Box::new(rootfs::RootFs::open(path)?),
        Target::Recording(path) => Box::new(recording::open(path)?.with_masker(masker.clone())),
        Target::Container(container) => Box::new(container::open(container, options)?),
        Target::Ssh { user, host, port } => {
            let destination = ssh::Destination { host, user: user.as_deref(), port: *port };
            let connection = ssh::connect(&destination, options, stop)?;
            Box::new(Shell::new(target.default_name().unwrap_or_default(), Box::new(connection), options))
        }
    })
}
