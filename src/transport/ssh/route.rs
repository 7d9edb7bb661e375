//! The way to a server: straight, through a command, or over other hosts.

use super::dial::dial;
use super::known_hosts::{self, HostKey, KnownHosts, Verdict};
use super::line::{Attempt, Line};
use super::login::log_in;
use super::session::Session;
use super::settings::Settings;
use super::watch::Guard;
use super::{Unreachable, UnreachableKind};
use crate::transport::{HostKeyCheck, Options};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::SystemTime;

/// A session with a server, logged in.
pub(super) fn reach(
    settings: &Settings,
    options: &Options,
    line: &Arc<Line>,
    attempt: &Attempt,
) -> Result<Session, Unreachable> {
    let mut guard = Guard::new(line);
    guard.until(attempt.deadline);
    let socket = dial(&settings.host_name, settings.port, settings.family, attempt)?;
    enter(socket, settings, options, true, line, attempt)
}

/// Shakes hands with a server, checks who it is, and logs in.
fn enter(
    socket: OwnedFd,
    settings: &Settings,
    options: &Options,
    is_node: bool,
    line: &Arc<Line>,
    attempt: &Attempt,
) -> Result<Session, Unreachable> {
    let socket = Arc::new(socket);
    line.hold(Arc::clone(&socket));
    let setup = |message: String| Unreachable::new(UnreachableKind::Setup, message);
    let files = if options.known_hosts.is_empty() { &settings.known_hosts } else { &options.known_hosts };
    let alias = settings.key_alias.as_deref();
    let known = KnownHosts::read(files, &settings.host_name, settings.port, alias).map_err(setup)?;
    let algorithms = known.algorithms(settings.host_key_algorithms.as_deref());
    let session = Session::shake_hands(socket, &algorithms, &settings.place(), attempt)?;
    check(&session, &known, settings, options)?;
    log_in(&session, settings, options, is_node, attempt)?;
    Ok(session)
}

/// Whether the server is the one it is known as.
fn check(session: &Session, known: &KnownHosts, settings: &Settings, options: &Options) -> Result<(), Unreachable> {
    let place = settings.place();
    let refused = |message: String| Err(Unreachable::new(UnreachableKind::HostKey, message));
    let Some(key) = session.ssh.host_key().and_then(|(blob, _)| HostKey::read(blob)) else {
        return refused(format!("{place} shows no host key that can be read"));
    };
    let mode = options.host_key_check;
    if mode == HostKeyCheck::Off {
        return Ok(());
    }
    let (kind, fingerprint) = (key.kind(), key.fingerprint());
    match known.judge(&key, SystemTime::now()) {
        Verdict::Known => Ok(()),
        Verdict::Unknown if mode == HostKeyCheck::AcceptNew => {
            let files = if options.known_hosts.is_empty() { &settings.known_hosts } else { &options.known_hosts };
            let Some(file) = files.first() else {
                return refused(format!("the host key of {place} is new and there is no file to write it into"));
            };
            let hash = settings.hash_known_hosts;
            match session.ssh.host_key() {
                Some((blob, _)) => known_hosts::append(file, known.name(), kind, blob, hash)
                    .map_err(|why| Unreachable::new(UnreachableKind::HostKey, why)),
                None => Ok(()),
            }
        }
        Verdict::Unknown => refused(format!(
            "the host key of {place} is not known: {kind} {fingerprint}; compare it with the one on the machine \
             (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub) and add it to known_hosts (ssh-keyscan -p {} {}), or trust \
             the first answer with --host-key-check accept-new",
            settings.port, settings.host_name
        )),
        Verdict::Changed { place: line, kind: old } => refused(format!(
            "the host key of {place} has CHANGED: it shows {kind} {fingerprint}, but {line} knows another ({old}); \
             somebody may be in between, or the machine was set up anew: if so, remove that line"
        )),
        Verdict::Revoked { place: line } => {
            refused(format!("the host key of {place} is REVOKED by {line}: {kind} {fingerprint} must not be trusted"))
        }
        Verdict::NoCertificate { why } => {
            refused(format!("the host certificate of {place} does not hold: {why} ({kind} {fingerprint})"))
        }
    }
}
