//! The way to a server: straight, through a command, or over other hosts.

use super::carry::ALIVE;
use super::dial::dial;
use super::jump;
use super::known_hosts::{self, HostKey, KnownHosts, Verdict};
use super::line::{Attempt, Line};
use super::login::log_in;
use super::proxy::{Helper, spawn};
use super::session::Session;
use super::settings::{Asked, Settings};
use super::watch::Guard;
use super::{Unreachable, UnreachableKind};
use crate::transport::{HostKeyCheck, Options};
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Longer ways are circles.
const LONGEST: usize = 8;

/// What leads to a server at this moment.
pub(super) struct Road {
    pub(super) socket: OwnedFd,
    /// The `ProxyCommand`, which ends with the session.
    pub(super) helper: Option<Helper>,
}

/// All that is needed to reach a node.
pub(super) struct Route<'a> {
    pub(super) settings: &'a Settings,
    pub(super) options: &'a Options,
    pub(super) line: &'a Arc<Line>,
    pub(super) attempt: &'a Attempt<'a>,
    /// What the person at the terminal ought to know.
    pub(super) notes: &'a RefCell<Vec<String>>,
}

impl Route<'_> {
    /// A session with the node, logged in.
    pub(super) fn reach(&self) -> Result<Session, Unreachable> {
        // Whatever a peer does, the attempt ends.
        let mut guard = Guard::new(self.line);
        guard.until(self.attempt.deadline);
        let jumps: Vec<&str> = match self.options.jumps.as_slice() {
            [] => self.settings.jumps.iter().map(String::as_str).collect(),
            [none] if none.eq_ignore_ascii_case("none") => Vec::new(),
            jumps => jumps.iter().flat_map(|jumps| jumps.split(',')).map(str::trim).collect(),
        };
        let road = self.road_to(self.settings, &jumps, 0)?;
        self.enter(road, self.settings, true)
    }

    /// A socket that ends at the server of `settings`, over the hosts before it.
    fn road_to(&self, settings: &Settings, jumps: &[&str], depth: usize) -> Result<Road, Unreachable> {
        let Some((last, before)) = jumps.split_last() else {
            return match &settings.proxy_command {
                Some(command) => spawn(command, &settings.place()),
                None => dial(&settings.host_name, settings.port, settings.family, self.attempt)
                    .map(|socket| Road { socket, helper: None }),
            };
        };
        if depth >= LONGEST {
            let message = format!(
                "the way to {} is over more than {LONGEST} hosts: do they jump over one another?",
                settings.place()
            );
            return Err(Unreachable::new(UnreachableKind::Setup, message));
        }
        let hop = Settings::resolve(&asked(last, self.options)?)?;
        // The first host on the way may have a way of its own.
        let own: Vec<&str> =
            if before.is_empty() { hop.jumps.iter().map(String::as_str).collect() } else { before.to_vec() };
        let road = self.road_to(&hop, &own, depth + 1)?;
        let session = self.enter(road, &hop, false)?;
        let interval = hop.alive_interval.unwrap_or(ALIVE);
        let socket = jump::over(session, &hop.place(), settings, interval, self.attempt)?;
        Ok(Road { socket, helper: None })
    }

    /// Shakes hands with a server, checks who it is, and logs in.
    fn enter(&self, road: Road, settings: &Settings, is_node: bool) -> Result<Session, Unreachable> {
        let socket = Arc::new(road.socket);
        self.line.hold(Arc::clone(&socket));
        let setup = |message: String| Unreachable::new(UnreachableKind::Setup, message);
        let alias = settings.key_alias.as_deref();
        let files = if self.options.known_hosts.is_empty() { &settings.known_hosts } else { &self.options.known_hosts };
        let known = KnownHosts::read(files, &settings.host_name, settings.port, alias).map_err(setup)?;
        let algorithms = known.algorithms(settings.host_key_algorithms.as_deref());
        let session = Session::shake_hands(socket, road.helper, &algorithms, &settings.place(), self.attempt)?;
        let mode = self.options.host_key_check.or(settings.host_key_check).unwrap_or_default();
        match mode {
            HostKeyCheck::Off => self.say_unchecked(),
            HostKeyCheck::Strict => check(&session, &known, settings, None)?,
            HostKeyCheck::AcceptNew => {
                let file = files
                    .first()
                    .ok_or_else(|| setup("there is no known_hosts file to write new keys into".to_string()))?;
                check(&session, &known, settings, Some(file))?;
            }
        }
        log_in(&session, settings, self.options, is_node, self.attempt)?;
        Ok(session)
    }

    /// Once a process, however many nodes there are.
    fn say_unchecked(&self) {
        static SAID: AtomicBool = AtomicBool::new(false);
        if !SAID.swap(true, Ordering::Relaxed) {
            let note = "host keys are not checked: whoever sits between can read and answer everything";
            self.notes.borrow_mut().push(note.to_string());
        }
    }
}

/// `[ssh://][user@]host[:port]` of a jump.
fn asked(jump: &str, options: &Options) -> Result<Asked, Unreachable> {
    let uri = if jump.starts_with("ssh://") { jump.to_string() } else { format!("ssh://{jump}") };
    match uri.parse() {
        Ok(crate::target::Target::Ssh { user, host, port }) => {
            Ok(Asked { host, user, port, files: super::settings::files(options) })
        }
        _ => {
            let message = format!("cannot jump over {jump:?}: write [user@]host[:port]");
            Err(Unreachable::new(UnreachableKind::Setup, message))
        }
    }
}

/// Whether the server is the one it is known as. A new key is written into `accept_into`.
fn check(
    session: &Session,
    known: &KnownHosts,
    settings: &Settings,
    accept_into: Option<&std::path::PathBuf>,
) -> Result<(), Unreachable> {
    let place = settings.place();
    let refused = |message: String| Err(Unreachable::new(UnreachableKind::HostKey, message));
    let shown = session.ssh.host_key();
    let Some((blob, key)) = shown.and_then(|(blob, _)| Some((blob, HostKey::read(blob)?))) else {
        return refused(format!("{place} shows no host key that can be read"));
    };
    let (kind, fingerprint) = (key.kind(), key.fingerprint());
    match (known.judge(&key, SystemTime::now()), accept_into) {
        (Verdict::Known, _) => Ok(()),
        (Verdict::Unknown, Some(file)) => {
            known_hosts::append(file, known.name(), kind, blob, settings.hash_known_hosts)
                .map_err(|why| Unreachable::new(UnreachableKind::Setup, why))
        }
        (Verdict::Unknown, None) => refused(format!(
            "the host key of {place} is not known: {kind} {fingerprint}; compare it with the one on the machine \
             (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub) and add it to known_hosts (ssh-keyscan -p {} {}), or trust \
             the first answer with --host-key-check accept-new",
            settings.port, settings.host_name
        )),
        (Verdict::Changed { place: line, kind: old }, _) => refused(format!(
            "the host key of {place} has CHANGED: it shows {kind} {fingerprint}, but {line} knows another ({old}); \
             somebody may be in between, or the machine was set up anew: if so, remove that line"
        )),
        (Verdict::Revoked { place: line }, _) => {
            refused(format!("the host key of {place} is REVOKED by {line}: {kind} {fingerprint} must not be trusted"))
        }
        (Verdict::NoCertificate { why }, _) => {
            refused(format!("the host certificate of {place} does not hold: {why} ({kind} {fingerprint})"))
        }
    }
}
