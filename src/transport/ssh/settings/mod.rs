//! How a host is reached by what ssh_config(5) says of it.
//!
//! Our own reader knows the keywords below, `Host` with negated patterns, `Include`, and
//! `Match all`. A file with what it cannot judge (other `Match` lines, `CanonicalizeHostname`)
//! is left to the client: `ssh -G`, where one is installed. What neither knows is an error
//! that names the line.
//!
//! | keyword | |
//! | --- | --- |
//! | `HostName`, `User`, `Port`, `AddressFamily` | where |
//! | `ProxyJump`, `ProxyCommand` | the way there |
//! | `IdentityFile`, `CertificateFile`, `IdentitiesOnly`, `IdentityAgent` | keys |
//! | `UserKnownHostsFile`, `GlobalKnownHostsFile`, `HostKeyAlias`, `StrictHostKeyChecking`, `HashKnownHosts`, `HostKeyAlgorithms` | host keys |
//! | `ConnectTimeout`, `ServerAliveInterval` | patience |
//!
//! As for the client, the first value of a keyword counts, the user's file comes before that
//! of the system, and the target and the command line before both.

mod client;
mod reader;

#[cfg(test)]
mod tests;

use super::dial::Family;
use super::{Unreachable, UnreachableKind};
use crate::transport::{HostKeyCheck, Options};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Keywords, lower case, with their values in the order they count.
pub(super) type Pairs = Vec<(String, String)>;

/// The files a resolution reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Files {
    /// `~/.ssh/config` and the one of the system.
    Default,
    /// That one alone.
    Only(PathBuf),
    None,
}

/// What is asked: a name as it was typed, and what the command line says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) files: Files,
}

/// How one host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// As it was typed.
    pub(super) host: String,
    /// Name or address to connect to.
    pub(super) host_name: String,
    pub(super) user: String,
    pub(super) port: u16,
    pub(super) family: Family,
    pub(super) jumps: Vec<String>,
    pub(super) proxy_command: Option<String>,
    pub(super) identities: Vec<PathBuf>,
    pub(super) certificates: Vec<PathBuf>,
    pub(super) identities_only: bool,
    /// The socket of the agent; `None`: there is none.
    pub(super) agent: Option<PathBuf>,
    /// The first is the one new keys are written to.
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) key_alias: Option<String>,
    /// Only where it was set.
    pub(super) host_key_check: Option<HostKeyCheck>,
    pub(super) hash_known_hosts: bool,
    pub(super) host_key_algorithms: Option<String>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) alive_interval: Option<Duration>,
}

impl Settings {
    /// The settings of a host; the same question is answered once a process.
    ///
    /// # Errors
    /// A file that cannot be read or understood.
    pub(super) fn resolve(asked: &Asked) -> Result<Arc<Settings>, Unreachable> {
        static KNOWN: OnceLock<Mutex<HashMap<Asked, Arc<Settings>>>> = OnceLock::new();
        let known = KNOWN.get_or_init(Mutex::default);
        if let Some(settings) = known.lock().unwrap_or_else(PoisonError::into_inner).get(asked) {
            return Ok(Arc::clone(settings));
        }
        let pairs = reader::pairs(asked).or_else(|unclear| client::pairs(asked, &unclear)).map_err(setup)?;
        let settings = Arc::new(Settings::from_pairs(asked, &pairs, &Myself::find()).map_err(setup)?);
        known.lock().unwrap_or_else(PoisonError::into_inner).insert(asked.clone(), Arc::clone(&settings));
        Ok(settings)
    }

    fn from_pairs(asked: &Asked, pairs: &Pairs, myself: &Myself) -> Result<Settings, String> {
        let first = |keyword: &str| pairs.iter().find(|(name, _)| name == keyword).map(|(_, value)| value.as_str());
        let every = |keyword: &str| {
            let keyword = keyword.to_string();
            pairs.iter().filter(move |(name, _)| *name == keyword).map(|(_, value)| value.as_str())
        };
        let some = |keyword: &str| first(keyword).filter(|value| !value.eq_ignore_ascii_case("none"));
        let whole = |keyword: &str| first(keyword).map(|value| seconds(keyword, value)).transpose();
        let port = match asked.port {
            Some(port) => port,
            None => match first("port") {
                Some(text) => text.parse().map_err(|_| format!("port {text:?} of {} is no port", asked.host))?,
                None => 22,
            },
        };
        let user =
            asked.user.clone().or_else(|| first("user").map(str::to_string)).unwrap_or_else(|| myself.user.clone());
        let mut tokens =
            Tokens { asked, host_name: asked.host.clone(), user: &user, port, myself, alias: first("hostkeyalias") };
        if let Some(name) = first("hostname") {
            tokens.host_name = tokens.expand(name, "%h")?;
        }
        let host_name = tokens.host_name.clone();
        let paths = |texts: &mut dyn Iterator<Item = &str>| -> Result<Vec<PathBuf>, String> {
            let mut paths = Vec::new();
            for text in texts.filter(|text| !text.eq_ignore_ascii_case("none")) {
                let path = tokens.path(text)?;
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
            Ok(paths)
        };
        let mut identities = paths(&mut every("identityfile"))?;
        if first("identityfile").is_none() {
            identities = ["id_rsa", "id_ecdsa", "id_ed25519"].map(|name| myself.home.join(".ssh").join(name)).into();
        }
        let agent = match first("identityagent") {
            Some(text) if text.eq_ignore_ascii_case("none") => None,
            None | Some("SSH_AUTH_SOCK") => std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
            Some(text) => match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                Some(name) => std::env::var_os(name).map(PathBuf::from),
                None => Some(tokens.path(text)?),
            },
        };
        let user_files = first("userknownhostsfile").unwrap_or("~/.ssh/known_hosts ~/.ssh/known_hosts2");
        let system_files =
            first("globalknownhostsfile").unwrap_or("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2");
        let (user_files, system_files) = (reader::words(user_files), reader::words(system_files));
        let known_hosts = paths(&mut user_files.iter().chain(&system_files).map(String::as_str))?;
        // Either rules out the other; the one that comes first counts. That there is no jump
        // rules out later jumps and no command, as the client has it.
        let is_none = |value: &str| value.eq_ignore_ascii_case("none");
        let has_no_jump = some("proxyjump").is_none();
        let is_way = |name: &str| name == "proxycommand" || name == "proxyjump" && !has_no_jump;
        let way = pairs.iter().find(|(name, _)| is_way(name)).filter(|(_, value)| !is_none(value));
        let jumps = match way {
            Some((name, value)) if name == "proxyjump" => {
                let value = tokens.expand(value, "%hnpr")?;
                value.split(',').map(|jump| jump.trim().to_string()).filter(|jump| !jump.is_empty()).collect()
            }
            _ => Vec::new(),
        };
        let proxy_command = match way {
            Some((name, value)) if name == "proxycommand" => Some(tokens.expand(value, "%hnpr")?),
            _ => None,
        };
        Ok(Settings {
            host: asked.host.clone(),
            family: match first("addressfamily").map(str::to_ascii_lowercase).as_deref() {
                Some("inet") => Family::Inet,
                Some("inet6") => Family::Inet6,
                _ => Family::Any,
            },
            jumps,
            proxy_command,
            identities,
            certificates: paths(&mut every("certificatefile"))?,
            identities_only: first("identitiesonly").is_some_and(is_yes),
            agent,
            known_hosts,
            key_alias: some("hostkeyalias").map(str::to_string),
            host_key_check: first("stricthostkeychecking").and_then(check_of),
            hash_known_hosts: first("hashknownhosts").is_some_and(is_yes),
            host_key_algorithms: some("hostkeyalgorithms").map(str::to_string),
            connect_timeout: whole("connecttimeout")?.filter(|time| !time.is_zero()),
            alive_interval: whole("serveraliveinterval")?.filter(|time| !time.is_zero()),
            host_name,
            user,
            port,
        })
    }

    /// `web1 port 22`, for messages.
    pub(super) fn place(&self) -> String {
        match self.host == self.host_name {
            true => format!("{} port {}", self.host, self.port),
            false => format!("{} ({}) port {}", self.host, self.host_name, self.port),
        }
    }
}

/// Which files an option names.
pub(super) fn files(options: &Options) -> Files {
    match &options.ssh_config {
        None => Files::Default,
        Some(path) if path == Path::new("none") => Files::None,
        Some(path) => Files::Only(path.clone()),
    }
}

fn setup(message: String) -> Unreachable {
    Unreachable::new(UnreachableKind::Setup, message)
}

fn is_yes(value: &str) -> bool {
    value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("true")
}

/// `ask` has nobody to ask in the middle of many nodes, so it is strict.
fn check_of(value: &str) -> Option<HostKeyCheck> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(HostKeyCheck::Strict),
        "accept-new" => Some(HostKeyCheck::AcceptNew),
        "no" | "false" | "off" => Some(HostKeyCheck::Off),
        _ => None,
    }
}

/// A time of sshd_config(5): `90`, `10m`, `1h30m`.
fn seconds(keyword: &str, value: &str) -> Result<Duration, String> {
    let wrong = || format!("{keyword} {value:?} of ssh_config is no time");
    if value.eq_ignore_ascii_case("none") {
        return Ok(Duration::ZERO);
    }
    let (mut total, mut number, mut digits) = (0u64, 0u64, false);
    for byte in value.bytes() {
        let unit = match byte {
            b'0'..=b'9' => {
                digits = true;
                number =
                    number.checked_mul(10).and_then(|n| n.checked_add(u64::from(byte - b'0'))).ok_or_else(wrong)?;
                continue;
            }
            b's' | b'S' => 1,
            b'm' | b'M' => 60,
            b'h' | b'H' => 3600,
            b'd' | b'D' => 86_400,
            b'w' | b'W' => 604_800,
            _ => return Err(wrong()),
        };
        if !digits {
            return Err(wrong());
        }
        total = number.checked_mul(unit).and_then(|n| n.checked_add(total)).ok_or_else(wrong)?;
        (number, digits) = (0, false);
    }
    total.checked_add(number).map(Duration::from_secs).filter(|_| !value.is_empty()).ok_or_else(wrong)
}

/// Who runs this program.
#[derive(Debug, Clone)]
struct Myself {
    user: String,
    home: PathBuf,
    uid: u32,
}

impl Myself {
    /// As the client does, by the account database first: `HOME` may be another user's.
    fn find() -> Myself {
        let uid = rustix::process::getuid().as_raw();
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let mut lines = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let entry = lines.find(|fields| fields.len() > 5 && fields[2].parse() == Ok(uid));
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Myself {
            user: entry
                .as_ref()
                .map(|fields| fields[0].to_string())
                .or_else(|| variable("LOGNAME"))
                .or_else(|| variable("USER"))
                .unwrap_or_else(|| uid.to_string()),
            home: entry
                .map(|fields| fields[5].to_string())
                .or_else(|| variable("HOME"))
                .map_or_else(|| PathBuf::from("/"), PathBuf::from),
            uid,
        }
    }
}

/// TOKENS of ssh_config(5).
struct Tokens<'a> {
    asked: &'a Asked,
    host_name: String,
    user: &'a str,
    port: u16,
    myself: &'a Myself,
    alias: Option<&'a str>,
}

impl Tokens<'_> {
    /// Replaces the tokens of `known` (`%` for all); others are an error.
    fn expand(&self, text: &str, known: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                out.push(letter);
                continue;
            }
            let token = letters.next();
            let wrong = || format!("{text:?} of ssh_config for {} has a token that is not known here", self.asked.host);
            let token =
                token.filter(|token| *token == '%' || known == "*" || known.contains(*token)).ok_or_else(wrong)?;
            match token {
                '%' => out.push('%'),
                'h' => out.push_str(&self.host_name),
                'n' => out.push_str(&self.asked.host),
                'p' => out.push_str(&self.port.to_string()),
                'r' => out.push_str(self.user),
                'k' => out.push_str(self.alias.unwrap_or(&self.asked.host)),
                'u' => out.push_str(&self.myself.user),
                'd' => out.push_str(&self.myself.home.to_string_lossy()),
                'i' => out.push_str(&self.myself.uid.to_string()),
                'l' => out.push_str(&rustix::system::uname().nodename().to_string_lossy()),
                'L' => {
                    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
                    out.push_str(name.split('.').next().unwrap_or_default());
                }
                _ => return Err(wrong()),
            }
        }
        Ok(out)
    }

    /// A path: `~`, `${VARIABLE}` and tokens.
    fn path(&self, text: &str) -> Result<PathBuf, String> {
        let text = match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                format!("{}{rest}", self.myself.home.to_string_lossy())
            }
            _ => text.to_string(),
        };
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after.split_once('}').ok_or_else(|| format!("{text:?} of ssh_config has a ${{ without }}"))?;
            let value = std::env::var(name).map_err(|_| {
                format!("{text:?} of ssh_config for {} names a variable that is not set", self.asked.host)
            })?;
            out.push_str(before);
            out.push_str(&value);
            rest = after;
        }
        out.push_str(rest);
        self.expand(&out, "*").map(PathBuf::from)
    }
}
