//! Becoming another user on the node before anything is asked: sudo(8), su(1), doas(1).
//!
//! The tool is started with the shell it is to become, and everything goes in steps, each
//! only when the one before it was seen to be done:
//!
//! 1. the node's shell says that it is there; what came before is noise of login scripts;
//! 2. the password is sent when the tool asks for it, and only then: a tool that asks
//!    nobody would leave it to the shell as a command;
//! 3. the script is sent when the elevated shell says that it is ready: a tool that asks
//!    again would take the next lines of it for passwords.
//!
//! A tool that asks a second time has not liked the first answer. It gets the end of its
//! input: one wrong guess, and no account is locked.

use super::refusal::{Asked, Refusal, no_shell, refusal};
use super::{Exit, Stream};
use crate::transport::{Privilege, Secret, Tool, Unreachable, UnreachableKind};

/// The most that may come before the shell says it is ready: login scripts, a lecture.
const NOISE_CAP: usize = 256 << 10;

/// How a shell is reached on the node, from the command line to its being ready.
pub struct Handshake {
    privilege: Option<Privilege>,
    command: String,
    /// What the node's own shell says on both streams before it starts the tool.
    started: String,
    /// What sudo is told to ask with.
    asks: String,
    /// What the shell says on both streams when it is ready.
    ready: String,
    /// What came on stdout and stderr before the shell was ready.
    before: [Before; 2],
    /// How often the tool has asked.
    questions: usize,
    password: Password,
}

/// What came on one stream.
#[derive(Default)]
struct Before {
    bytes: Vec<u8>,
    /// Where the words of the tool begin: after those of the shell that starts it.
    tool: Option<usize>,
    /// How far questions were looked for: a node that sends byte by byte is not to cost more
    /// than one that does not.
    looked: usize,
    is_over: bool,
}

/// Where the password is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Password {
    /// It was not asked for.
    Kept,
    /// It was asked for and is being sent from this byte on.
    Sending(usize),
    /// It is with the tool.
    Given,
    /// It was asked for again, or there is none: nothing more is said.
    Refused,
}

/// What is to be done after something came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// The shell is ready on this stream; this is what it wrote.
    Shell(&'a [u8]),
    /// Something that is not for the script.
    Noise,
    /// More noise than any login script makes: hang up.
    TooMuch,
}

impl Handshake {
    /// With `mark`, which nobody on the node can guess and which is of letters and digits.
    ///
    /// # Errors
    /// A password that cannot be given to a tool.
    pub fn new(privilege: Option<&Privilege>, mark: &str) -> Result<Handshake, Unreachable> {
        if let Some(Privilege { tool, password: Some(password), .. }) = privilege
            && password.reveal().contains(['\n', '\0'])
        {
            let message = format!("the password for {} has more than one line", tool.name());
            return Err(Unreachable::new(UnreachableKind::Setup, message));
        }
        let (started, asks, ready) = (format!("{mark}s"), format!("{mark}p"), format!("{mark}r"));
        Ok(Handshake {
            command: command(privilege, &started, &asks, &ready),
            privilege: privilege.cloned(),
            started,
            asks,
            ready,
            before: Default::default(),
            questions: 0,
            password: Password::Kept,
        })
    }

    /// The command line for the node's shell, whichever that is: only single quotes, which sh,
    /// csh and fish read alike.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// What stands before the script: where no tool says so, the script itself says that the
    /// shell is ready.
    pub fn preamble(&self) -> String {
        match self.privilege {
            None => format!("printf '%s\\n' {0}; printf '%s\\n' {0} >&2\n", self.ready),
            Some(_) => String::new(),
        }
    }

    /// Takes what came in, up to the word that the shell is ready.
    pub fn heard<'a>(&mut self, stream: Stream, bytes: &'a [u8]) -> Heard<'a> {
        let before = &mut self.before[stream as usize];
        if before.is_over {
            return Heard::Shell(bytes);
        }
        let known = before.bytes.len();
        before.bytes.extend_from_slice(bytes);
        // A word may have come in two pieces.
        let find = |before: &Before, word: &str| {
            let word = format!("{word}\n");
            let from = known.saturating_sub(word.len());
            memchr::memmem::find(&before.bytes[from..], word.as_bytes()).map(|at| (from + at, from + at + word.len()))
        };
        if let Some((begin, end)) = find(before, &self.ready) {
            before.is_over = true;
            before.bytes.truncate(begin);
            return Heard::Shell(&bytes[end - known..]);
        }
        if before.bytes.len() > NOISE_CAP {
            return Heard::TooMuch;
        }
        if before.tool.is_none() {
            before.tool = find(before, &self.started).map(|(_, end)| end);
            before.looked = before.tool.unwrap_or(0);
        }
        self.look_for_questions(stream);
        Heard::Noise
    }

    /// Whether the script may be sent. A tool that may not ask reads nothing: what is sent to
    /// it early waits for the shell, which spares a round trip.
    pub fn is_ready(&self) -> bool {
        match &self.privilege {
            None | Some(Privilege { tool: Tool::Doas, .. } | Privilege { tool: Tool::Sudo, password: None, .. }) => {
                true
            }
            Some(_) => self.is_there(),
        }
    }

    /// Whether the shell has said that it is ready.
    pub fn is_there(&self) -> bool {
        self.before[Stream::Stdout as usize].is_over
    }

    /// What the tool is to be told now.
    pub fn outgoing(&self) -> &[u8] {
        match (self.password, &self.privilege) {
            (Password::Sending(from), Some(Privilege { password: Some(password), .. })) => {
                // The line break is sent by itself: a copy of the password would live on.
                match password.reveal().as_bytes().get(from..) {
                    Some(rest) if !rest.is_empty() => rest,
                    _ => b"\n",
                }
            }
            _ => &[],
        }
    }

    /// `count` bytes of [`Handshake::outgoing`] were sent.
    pub fn sent(&mut self, count: usize) {
        if let (Password::Sending(from), Some(Privilege { password: Some(password), .. })) =
            (self.password, &self.privilege)
        {
            let sent = from + count;
            self.password = if sent > password.reveal().len() { Password::Given } else { Password::Sending(sent) };
        }
    }

    /// Whether the tool gets no further answer.
    pub fn is_refused(&self) -> bool {
        self.password == Password::Refused
    }

    /// Looks whether the tool asks, now that more has come in.
    fn look_for_questions(&mut self, stream: Stream) {
        let Some(privilege) = &self.privilege else { return };
        let before = &mut self.before[stream as usize];
        if before.tool.is_none() {
            return;
        }
        let question = match (privilege.tool, stream) {
            (Tool::Sudo, Stream::Stderr) => &*self.asks,
            // It has no option that says how it asks. PAM does so on stderr, busybox on stdout.
            (Tool::Su, _) => "assword:",
            // It asks on a terminal only.
            (Tool::Sudo | Tool::Doas, _) => return,
        };
        while let Some(at) = memchr::memmem::find(&before.bytes[before.looked..], question.as_bytes()) {
            let line = before.bytes[..before.looked + at].rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
            if privilege.tool == Tool::Sudo || line.trim_ascii_start().eq_ignore_ascii_case(b"p") {
                self.questions += 1;
            }
            before.looked += at + question.len();
        }
        // What may be the beginning of a question is looked at again.
        before.looked = before.looked.max(before.bytes.len().saturating_sub(question.len() - 1));
        self.password = match (self.password, self.questions) {
            (kept, 0) => kept,
            (Password::Kept, 1) if privilege.password.is_some() => Password::Sending(0),
            (password @ (Password::Sending(_) | Password::Given), 1) => password,
            _ => Password::Refused,
        };
    }

    /// What the tool said on a stream; `None`: it was not started.
    fn said(&self, stream: Stream) -> Option<&[u8]> {
        let before = &self.before[stream as usize];
        before.tool.map(|from| &before.bytes[from..])
    }

    /// All that was said before the shell was ready, without secrets.
    pub fn all_said(&self) -> String {
        self.before.iter().map(|before| self.words(&before.bytes) + "\n").collect()
    }

    /// Bytes as text without the marks, and without the password: whoever took it for a
    /// command says so.
    fn words(&self, bytes: &[u8]) -> String {
        let mut words = String::from_utf8_lossy(bytes).into_owned();
        for mark in [&self.asks, &self.started] {
            words = words.replace(mark, "");
        }
        match self.privilege.as_ref().and_then(|privilege| privilege.password.as_ref()).map(Secret::reveal) {
            Some(password) if !password.is_empty() => words.replace(password, "***"),
            _ => words,
        }
    }

    /// Why the shell did not become ready, from what was said on the node that `node` names.
    pub fn refusal(&self, exit: Exit, node: &str) -> Refusal {
        let said = [Stream::Stderr, Stream::Stdout].map(|stream| self.said(stream).map(|said| self.words(said)));
        match (&self.privilege, said) {
            (Some(privilege), [stderr, stdout]) if stderr.is_some() || stdout.is_some() => {
                let said = format!("{}\n{}", stdout.unwrap_or_default(), stderr.unwrap_or_default());
                let asked = match self.password {
                    Password::Kept | Password::Sending(_) => Asked::Never,
                    Password::Given => Asked::Once,
                    Password::Refused if privilege.password.is_some() => Asked::Again,
                    Password::Refused => Asked::InVain,
                };
                refusal(privilege, asked, &said, exit, node)
            }
            _ => no_shell(&self.all_said(), exit, node),
        }
    }
}

/// A mark that nobody can guess.
///
/// # Errors
/// When the kernel gives no random bytes.
pub fn mark() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The command line that makes the node's shell start the tool with a shell.
fn command(privilege: Option<&Privilege>, started: &str, asks: &str, ready: &str) -> String {
    let Some(privilege) = privilege else { return "exec sh -s".to_string() };
    // The tool's words are told apart in English; it is found also where the PATH of a
    // login without a terminal is short.
    let first = format!(
        "printf \"%s\\n\" {started}; printf \"%s\\n\" {started} >&2; \
         PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C LANGUAGE=C; \
         export PATH LC_ALL LANGUAGE; exec \"$@\""
    );
    let then = format!("printf \"%s\\n\" {ready}; printf \"%s\\n\" {ready} >&2; exec /bin/sh -s");
    let user = privilege.user.as_deref().unwrap_or("root");
    let shell = ["--", "/bin/sh", "-c", &then];
    let tool: Vec<&str> = match privilege.tool {
        // Without a password it is never to ask: it would wait for ever.
        Tool::Sudo if privilege.password.is_none() => [&["sudo", "-n", "-H", "-u", user][..], &shell].concat(),
        Tool::Sudo => [&["sudo", "-S", "-p", asks, "-H", "-u", user][..], &shell].concat(),
        Tool::Su => vec!["su", "-s", "/bin/sh", "-c", &then, "--", user],
        Tool::Doas => [&["doas", "-n", "-u", user][..], &shell].concat(),
    };
    let words = ["exec", "sh", "-c"].map(str::to_string).into_iter().chain([quoted(&first), "sh".to_string()]);
    words.chain(tool.into_iter().map(quoted)).collect::<Vec<_>>().join(" ")
}

/// A word in single quotes where it needs any.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
