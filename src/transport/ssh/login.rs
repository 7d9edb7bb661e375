//! Logging in: keys, then passwords, in the order ssh(1) tries them.

use super::keys::{self, KeyTrouble};
use super::known_hosts::fingerprint_of;
use super::line::{Attempt, Halt, interrupted};
use super::session::{Session, Trouble, code, is_lost, number, text};
use super::settings::Settings;
use super::{Unreachable, UnreachableKind};
use crate::transport::{Options, Secret};
use ssh_key::PublicKey;
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// One way of proving who we are.
enum Proof {
    /// A key the agent has, by its place in the agent's list.
    Agent(usize),
    File {
        path: PathBuf,
        certificate: Option<(PathBuf, String)>,
    },
}

/// What one try came to.
enum Tried {
    Accepted,
    Rejected,
    /// It could not be tried at all.
    Unusable(String),
}

/// Logs in, as the user of `settings`. The password is given only to the node itself, not to
/// hosts on the way.
///
/// # Errors
/// What was tried, and what the server takes.
pub(super) fn log_in(
    session: &Session,
    settings: &Settings,
    options: &Options,
    is_node: bool,
    attempt: &Attempt,
) -> Result<(), Unreachable> {
    let login = Login { session, settings, options, attempt, tried: Vec::new() };
    login.run(is_node)
}

struct Login<'a> {
    session: &'a Session,
    settings: &'a Settings,
    options: &'a Options,
    attempt: &'a Attempt<'a>,
    /// What was tried in vain, for the message.
    tried: Vec<String>,
}

impl Login<'_> {
    fn run(mut self, is_node: bool) -> Result<(), Unreachable> {
        for path in &self.options.identities {
            if !path.exists() {
                let message = format!("no key file {}, which -i names", path.display());
                return Err(Unreachable::new(UnreachableKind::Setup, message));
            }
        }
        let agent = self.agent();
        for proof in self.proofs(agent.as_ref().map_or(&[], |(_, keys)| keys)) {
            let (what, tried) = match &proof {
                Proof::Agent(at) => {
                    let Some((agent, keys)) = &agent else { continue };
                    let key = &keys[*at];
                    let name = PublicKey::from_bytes(key.blob())
                        .map_or_else(|_| key.comment().to_string(), |key| fingerprint_of(&key));
                    let user = &self.settings.user;
                    (format!("key {name} of the agent"), self.attempt(|| agent.userauth(user, key))?)
                }
                Proof::File { path, certificate } => {
                    let what = certificate.as_ref().map_or(path, |(path, _)| path).display().to_string();
                    (what, self.file(path, certificate.as_ref().map(|(_, text)| text.as_str()))?)
                }
            };
            match tried {
                Tried::Accepted => return Ok(()),
                Tried::Rejected => self.tried.push(what),
                Tried::Unusable(why) => self.tried.push(format!("{what} {why}")),
            }
        }
        self.by_password(is_node)
    }

    /// The agent and its keys, where there is one that answers.
    fn agent(&mut self) -> Option<(ssh2::Agent, Vec<ssh2::PublicKey>)> {
        let path = self.settings.agent.as_deref()?;
        let reach = || {
            let mut agent = self.session.ssh.agent()?;
            agent.set_identity_path(path)?;
            agent.connect()?;
            agent.list_identities()?;
            let keys = agent.identities()?;
            Ok((agent, keys))
        };
        match reach() {
            Ok(agent) => Some(agent),
            Err(error) => {
                let error: ssh2::Error = error;
                self.tried.push(format!("the agent at {} does not answer ({})", path.display(), text(&error)));
                None
            }
        }
    }

    /// The order of ssh(1): keys of the agent that files name, other keys of the agent, files.
    fn proofs(&self, agent: &[ssh2::PublicKey]) -> Vec<Proof> {
        let mut files: Vec<&Path> = Vec::new();
        for path in self.options.identities.iter().chain(&self.settings.identities) {
            if !files.contains(&path.as_path()) {
                files.push(path);
            }
        }
        let (mut named, mut own) = (Vec::new(), Vec::new());
        let mut taken = vec![false; agent.len()];
        for path in files {
            let known = match agent {
                [] => None,
                _ => keys::public_half(path).and_then(|key| key.to_bytes().ok()),
            };
            let position = known.and_then(|blob| agent.iter().position(|key| key.blob() == blob));
            match position {
                Some(at) if !taken[at] => {
                    taken[at] = true;
                    named.push(Proof::Agent(at));
                }
                Some(_) => {}
                None => {
                    let path = path.to_path_buf();
                    let beside = keys::certificate_of(&path);
                    let listed = self.settings.certificates.iter();
                    let listed = listed.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?)));
                    for certificate in beside.into_iter().chain(listed) {
                        own.push(Proof::File { path: path.clone(), certificate: Some(certificate) });
                    }
                    own.push(Proof::File { path, certificate: None });
                }
            }
        }
        if !self.settings.identities_only {
            named.extend((0..agent.len()).filter(|&at| !taken[at]).map(Proof::Agent));
        }
        named.extend(own);
        named
    }

    fn file(&self, path: &Path, certificate: Option<&str>) -> Result<Tried, Unreachable> {
        let key = match keys::load(path, self.options) {
            Ok(key) => key,
            Err(KeyTrouble::Missing) => return Ok(Tried::Unusable("is not there".to_string())),
            Err(KeyTrouble::Public) => {
                return Ok(Tried::Unusable("is a public key, and the agent does not have its private one".to_string()));
            }
            Err(KeyTrouble::Unusable(why)) => return Ok(Tried::Unusable(why)),
        };
        let passphrase = key.passphrase.as_ref().map(Secret::reveal);
        let user = &self.settings.user;
        let ssh = &self.session.ssh;
        self.attempt(|| ssh.userauth_pubkey_memory(user, certificate, key.text.reveal(), passphrase)).map(|tried| {
            match tried {
                Tried::Unusable(_) if passphrase.is_some() => {
                    Tried::Unusable("has another passphrase than the one given, or is no private key".to_string())
                }
                tried => tried,
            }
        })
    }

    /// Tries one proof. That the server hangs up is the end of logging in.
    fn attempt(&self, operation: impl FnMut() -> Result<(), ssh2::Error>) -> Result<Tried, Unreachable> {
        let error = match self.session.drive(self.attempt, operation) {
            Ok(()) => return Ok(Tried::Accepted),
            Err(Trouble::Ssh(error)) => error,
            Err(Trouble::Halt(halt)) => return Err(self.halted(halt)),
        };
        match number(&error) {
            code::AUTHENTICATION_FAILED | code::PUBLICKEY_UNVERIFIED => Ok(Tried::Rejected),
            _ if is_lost(&error) || self.attempt.line.is_overdue() => Err(self.hung_up()),
            code::FILE | code::AGENT_PROTOCOL => Ok(Tried::Unusable(format!("cannot be used: {}", text(&error)))),
            _ => Ok(Tried::Unusable(format!("failed: {}", text(&error)))),
        }
    }

    fn by_password(mut self, is_node: bool) -> Result<(), Unreachable> {
        // Asked for only now: with a key that fits it would be a round trip for nothing.
        let user = &self.settings.user;
        let ssh = &self.session.ssh;
        let methods = match self.session.drive(self.attempt, || ssh.auth_methods(user).map(str::to_string)) {
            Ok(methods) => methods,
            // Nothing was asked for, and that was all right.
            Err(Trouble::Ssh(_)) if ssh.authenticated() => return Ok(()),
            Err(Trouble::Halt(halt)) => return Err(self.halted(halt)),
            Err(Trouble::Ssh(error)) if is_lost(&error) => return Err(self.hung_up()),
            Err(Trouble::Ssh(_)) => String::new(),
        };
        if ssh.authenticated() {
            return Ok(());
        }
        let takes = |method: &str| methods.split(',').any(|taken| taken == method);
        if (takes("password") || takes("keyboard-interactive"))
            && let Some(password) = self.password(is_node)
        {
            if takes("password") {
                match self.attempt(|| ssh.userauth_password(user, password.reveal()))? {
                    Tried::Accepted => return Ok(()),
                    Tried::Rejected => self.tried.push("the password".to_string()),
                    Tried::Unusable(why) => self.tried.push(format!("the password, which {why}")),
                }
            } else {
                let mut answers = Answers { password: &password, asked: Cell::new(0) };
                match self.attempt(|| ssh.userauth_keyboard_interactive(user, &mut answers))? {
                    Tried::Accepted => return Ok(()),
                    Tried::Rejected => self.tried.push("the password (keyboard-interactive)".to_string()),
                    Tried::Unusable(why) => self.tried.push(format!("keyboard-interactive, which {why}")),
                }
            }
        }
        let tried = match self.tried.as_slice() {
            [] => "nothing to try: no key and no password".to_string(),
            tried => format!("tried {}", tried.join("; ")),
        };
        let takes = if methods.is_empty() { String::new() } else { format!("; the server takes {methods}") };
        let message =
            format!("no method of logging in as {} was accepted by {}: {tried}{takes}", user, self.settings.place());
        Err(Unreachable::new(UnreachableKind::Authentication, message))
    }

    fn password(&self, is_node: bool) -> Option<Secret> {
        let user = &self.settings.user;
        if is_node {
            let asked = || self.options.prompt.as_ref()?(&format!("SSH password of {user}: "));
            return self.options.password.clone().or_else(asked);
        }
        self.options.prompt.as_ref()?(&format!("SSH password of {user} on {}: ", self.settings.host))
    }

    fn halted(&self, halt: Halt) -> Unreachable {
        match halt {
            Halt::Stopped => interrupted(&self.settings.place()),
            Halt::TimedOut => {
                let message =
                    format!("{} did not let {} in within the time", self.settings.place(), self.settings.user);
                Unreachable::new(UnreachableKind::TimedOut, message)
            }
        }
    }

    fn hung_up(&self) -> Unreachable {
        if self.attempt.line.is_stopped() {
            return interrupted(&self.settings.place());
        }
        let place = self.settings.place();
        let tried = self.tried.len() + 1;
        let message = format!(
            "{place} hung up on {} while logging in, after {tried} tries ({}): with too many keys, name the right one \
             with -i and set IdentitiesOnly, or take keys out of the agent",
            self.settings.user,
            if self.tried.is_empty() { "the first one".to_string() } else { self.tried.join("; ") }
        );
        Unreachable::new(UnreachableKind::Authentication, message)
    }
}

/// Answers the question for a password, and nothing else.
struct Answers<'a> {
    password: &'a Secret,
    asked: Cell<u32>,
}

impl ssh2::KeyboardInteractivePrompt for Answers<'_> {
    fn prompt<'a>(&mut self, _user: &str, _instructions: &str, prompts: &[ssh2::Prompt<'a>]) -> Vec<String> {
        prompts
            .iter()
            .map(|prompt| {
                // What is shown while it is typed is no password, and a second question is
                // one for another.
                if prompt.echo || self.asked.replace(self.asked.get() + 1) > 0 {
                    return String::new();
                }
                self.password.reveal().to_string()
            })
            .collect()
    }
}
