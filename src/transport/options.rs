//! How a node is reached besides its target: keys, passwords, privilege and patience.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A text that no message, log or report may show; `Debug` does not either.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(text: impl Into<Arc<str>>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, to be handed to whoever asks for it and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Asks the person at the terminal for a secret, with a prompt that names what for. `None`:
/// there is nobody to ask. Each prompt is put once a run, however many nodes need it.
pub type Prompt = Arc<dyn Fn(&str) -> Option<Secret> + Send + Sync>;

/// How one node is reached. A field that is `None` or empty is left to ssh_config(5) or to
/// the default its comment gives.
#[derive(Clone, Default)]
pub struct Options {
    /// The user to log in as, where the target names none.
    pub user: Option<String>,
    /// The port, where the target names none.
    pub port: Option<u16>,
    /// Private keys, tried in this order before those of ssh_config(5).
    pub identities: Vec<PathBuf>,
    /// Hosts to go through, the first one first, each `[user@]host[:port]` (`ssh -J`).
    pub jumps: Vec<String>,
    /// A configuration file instead of `~/.ssh/config`; `none` for none at all, as `ssh -F`.
    pub ssh_config: Option<PathBuf>,
    /// Files of host keys instead of those of ssh_config(5).
    pub known_hosts: Vec<PathBuf>,
    /// What is done about a host key that is not known; strict where ssh_config(5) says
    /// nothing either.
    pub host_key_check: Option<HostKeyCheck>,
    /// The password for logging in.
    pub password: Option<Secret>,
    /// The passphrase of encrypted keys.
    pub passphrase: Option<Secret>,
    /// As whom the node is looked at, where that is not who logs in.
    pub privilege: Option<Privilege>,
    pub patience: Patience,
    /// Whom to ask for what is missing.
    pub prompt: Option<Prompt>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("user", &self.user)
            .field("port", &self.port)
            .field("identities", &self.identities)
            .field("jumps", &self.jumps)
            .field("host_key_check", &self.host_key_check)
            .field("privilege", &self.privilege)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// What is done about a host key; `StrictHostKeyChecking` of ssh_config(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKeyCheck {
    /// Only a known key will do.
    #[default]
    Strict,
    /// The key of an unknown host is written down; a changed one is refused.
    AcceptNew,
    /// Any key will do: whoever sits between can read and answer everything.
    Off,
}

/// Becoming another user on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privilege {
    pub tool: Tool,
    /// Who to become; `root` by default.
    pub user: Option<String>,
    /// Given to the tool when it asks, and only then.
    pub password: Option<Secret>,
}

/// What makes one user another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// sudo(8)
    Sudo,
    /// su(1)
    Su,
    /// doas(1)
    Doas,
}

impl Tool {
    /// The command.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Sudo => "sudo",
            Tool::Su => "su",
            Tool::Doas => "doas",
        }
    }
}

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For one attempt to connect, log in included.
    pub connect: Duration,
    /// How often connecting is tried again after the first attempt, each time after twice
    /// the wait.
    pub retries: u32,
    /// For one batch.
    pub batch: Duration,
    /// For a node as a whole.
    pub node: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(10),
            retries: 1,
            batch: Duration::from_secs(300),
            node: Duration::from_secs(3600),
        }
    }
}
