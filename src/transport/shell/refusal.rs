//! Why there is no shell on a node, told from what the node said.

use super::Exit;
use crate::transport::{Privilege, Tool, Unreachable, UnreachableKind};

/// The most of a node's own words that a message quotes, in characters.
const QUOTED: usize = 200;

/// Why there is no shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub unreachable: Unreachable,
    /// Whether a password would help, and none was given.
    pub wants_password: bool,
}

/// Whether the tool asked for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Never,
    /// It got the password.
    Once,
    /// It got the password and asked again.
    Again,
    /// There was none to give.
    InVain,
}

/// What a tool refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    WrongPassword,
    PasswordNeeded,
    NotListed,
    NotAllowed,
    TerminalNeeded,
    UnknownUser,
    NoLogin,
    NotSetuid,
    NotConfigured,
}

/// The words by which each tool gives its reasons, in lower case and in the order they are
/// looked for: sudo(8) 1.8 to 1.9 and sudo-rs, su(1) of util-linux, shadow and busybox, doas(1)
/// of OpenBSD and its ports.
const WORDS: &[(Tool, &str, Reason)] = &[
    (Tool::Sudo, "you must have a tty", Reason::TerminalNeeded),
    (Tool::Sudo, "not in the sudoers file", Reason::NotListed),
    (Tool::Sudo, "may not run sudo", Reason::NotListed),
    (Tool::Sudo, "i'm afraid i can't do that", Reason::NotListed),
    (Tool::Sudo, "is not allowed to execute", Reason::NotAllowed),
    (Tool::Sudo, "is not allowed to run sudo", Reason::NotListed),
    (Tool::Sudo, "unknown user", Reason::UnknownUser),
    (Tool::Sudo, "user not found", Reason::UnknownUser),
    (Tool::Sudo, "incorrect password attempt", Reason::WrongPassword),
    (Tool::Sudo, "incorrect authentication attempt", Reason::WrongPassword),
    (Tool::Sudo, "a password is required", Reason::PasswordNeeded),
    (Tool::Sudo, "interactive authentication is required", Reason::PasswordNeeded),
    (Tool::Sudo, "required to read the password", Reason::PasswordNeeded),
    (Tool::Sudo, "no password was provided", Reason::PasswordNeeded),
    (Tool::Sudo, "no askpass program", Reason::PasswordNeeded),
    (Tool::Sudo, "setuid", Reason::NotSetuid),
    (Tool::Sudo, "no new privileges", Reason::NotSetuid),
    (Tool::Su, "does not exist", Reason::UnknownUser),
    (Tool::Su, "unknown user", Reason::UnknownUser),
    (Tool::Su, "no passwd entry", Reason::UnknownUser),
    (Tool::Su, "must be run from a terminal", Reason::TerminalNeeded),
    (Tool::Su, "not available", Reason::NoLogin),
    (Tool::Su, "must be suid", Reason::NotSetuid),
    (Tool::Su, "authentication failure", Reason::WrongPassword),
    (Tool::Su, "incorrect password", Reason::WrongPassword),
    (Tool::Su, "permission denied", Reason::NotAllowed),
    (Tool::Doas, "unknown user", Reason::UnknownUser),
    (Tool::Doas, "no such user", Reason::UnknownUser),
    (Tool::Doas, "not enabled", Reason::NotConfigured),
    (Tool::Doas, "doas.conf", Reason::NotConfigured),
    (Tool::Doas, "tty required", Reason::PasswordNeeded),
    (Tool::Doas, "tty is required", Reason::PasswordNeeded),
    (Tool::Doas, "authentication required", Reason::PasswordNeeded),
    (Tool::Doas, "authorization required", Reason::PasswordNeeded),
    (Tool::Doas, "authentication failed", Reason::PasswordNeeded),
    (Tool::Doas, "operation not permitted", Reason::NotListed),
    (Tool::Doas, "not installed setuid", Reason::NotSetuid),
];

/// Why a tool gave no shell.
pub(super) fn refusal(privilege: &Privilege, asked: Asked, said: &str, exit: Exit, node: &str) -> Refusal {
    let tool = privilege.tool;
    let name = tool.name();
    let user = privilege.user.as_deref().unwrap_or("root");
    let lower = said.to_lowercase();
    let told = WORDS.iter().find(|(of, words, _)| *of == tool && lower.contains(words)).map(|(.., reason)| *reason);
    // Without a password none can have been wrong; asked again, it was.
    let reason = match (told, asked) {
        (Some(Reason::WrongPassword), Asked::Never | Asked::InVain) => Some(Reason::PasswordNeeded),
        (None | Some(Reason::PasswordNeeded), Asked::Again) => Some(Reason::WrongPassword),
        (None, Asked::InVain) => Some(Reason::PasswordNeeded),
        (told, _) => told,
    };
    let why = match reason {
        Some(Reason::WrongPassword) => {
            format!("{name} did not take the password, which was tried once; check the one that was given")
        }
        Some(Reason::PasswordNeeded) if tool == Tool::Doas => {
            "doas asks for a password, and only on a terminal; let it \
            ask none (permit nopass in doas.conf), or use sudo or su"
                .to_string()
        }
        Some(Reason::PasswordNeeded) => format!(
            "{name} asks for a password and none was given; give it with --sudo-password-env or --sudo-password-file, or at a terminal"
        ),
        Some(Reason::NotListed) => match tool {
            Tool::Doas => "doas.conf has no rule that permits it; add one".to_string(),
            _ => format!("the user that logs in may not use {name}; add a rule for it to sudoers"),
        },
        Some(Reason::NotAllowed) => match tool {
            Tool::Su => "su is not permitted to the user that logs in; see /etc/pam.d/su".to_string(),
            _ => format!("{name} does not allow the command /bin/sh as {user}; allow it in sudoers"),
        },
        Some(Reason::TerminalNeeded) => match tool {
            Tool::Su => "su wants a terminal; use sudo".to_string(),
            _ => "sudo wants a terminal; take requiretty out of sudoers for the user that logs in".to_string(),
        },
        Some(Reason::UnknownUser) => format!("{name} knows no user {user}"),
        Some(Reason::NoLogin) => format!("the user {user} has no shell to log in with; use sudo"),
        Some(Reason::NotSetuid) => {
            format!("{name} has no right to become another user (setuid, no_new_privs){}", in_quotes(said))
        }
        Some(Reason::NotConfigured) => format!("doas is not configured{}", in_quotes(said)),
        None => match exit {
            Exit::TimedOut => format!("{name} gave no shell in time{}", in_quotes(said)),
            Exit::Status(127) => {
                format!("{name} is not there; install it, or choose another of sudo, su and doas{}", in_quotes(said))
            }
            Exit::Closed => format!("{name} said more than any lecture{}", in_quotes(said)),
            _ => format!("{name} gave no shell{}", in_quotes(said)),
        },
    };
    let message = format!("cannot become {user} on {node}: {why}");
    let wants_password = reason == Some(Reason::PasswordNeeded) && privilege.password.is_none();
    Refusal { unreachable: Unreachable::new(UnreachableKind::Privilege, message), wants_password }
}

/// Why whoever answers on a node is no POSIX shell.
pub(super) fn no_shell(said: &str, exit: Exit, node: &str) -> Refusal {
    let (how, kind) = match exit {
        Exit::TimedOut => (" in time", UnreachableKind::TimedOut),
        Exit::Closed => (" but endless output", UnreachableKind::Failed),
        _ => ("", UnreachableKind::Failed),
    };
    let message = format!("no POSIX shell answers on {node}{how}; Probity needs one{}", in_quotes(said));
    Refusal { unreachable: Unreachable::new(kind, message), wants_password: false }
}

/// The last line of what was said, which is where programs say why, for the end of a message.
pub(super) fn in_quotes(said: &str) -> String {
    let said = anstream::adapter::strip_str(said).to_string();
    let is_said = |line: &&str| line.contains(char::is_alphanumeric);
    let Some(line) = said.lines().map(str::trim).rfind(is_said) else { return String::new() };
    let mut quoted: String = line.chars().filter(|c| !c.is_control()).take(QUOTED).collect();
    if line.chars().count() > QUOTED {
        quoted.push('…');
    }
    format!(": it says {quoted:?}")
}
