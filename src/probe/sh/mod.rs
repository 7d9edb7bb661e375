//! The sh codec: a batch of probes as one POSIX `sh` script, and the answers out of what
//! the script prints.
//!
//! It does no I/O. A [`Script`] is sent to a shell that reads it from its standard input
//! (`sh -s`); what the shell writes is given to a [`Decoder`] made for the same probes.
//!
//! **Framing.** After each step the script prints a line that begins with an unguessable
//! [`Mark`], on standard output and on standard error alike, so that both streams fall into
//! the same sections whatever they hold. Sections come in the order of the script; one that
//! is out of order, unknown or missing ends the decoding, and the probes left get a fault.
//! What is printed before the first mark, such as the greeting of a login script, is
//! ignored.
//!
//! **Forks are what costs**, so whatever a builtin can do is done by builtins, and one
//! `stat` and one `cat` serve many paths. `cat` is given `/proc/self/environ` between the
//! files, and an environment of one unguessable variable: its value parts the files.
//!
//! **Secrets.** Standard input and environment of a command stand in the script, which is
//! read from a pipe, and reach the command through builtins: they are in no process list.

//!
//! **What is weaker than on the local machine**, and how it shows:
//! - Access lists are seen where `ls -l` marks them with a plus sign, as GNU ls does, which
//!   marks default lists of directories too; elsewhere [`Inode::acl`](super::Inode) is false,
//!   as it is in the answers to walks. SELinux labels are asked for only while SELinux is on.
//! - Inode flags need lsattr(1), HTTP needs curl(1) (or GNU wget for a plain GET), a
//!   connection needs bash, curl or nc, and "no such host" needs nslookup(1) wherever a name
//!   server is configured: without them the answer is a fault that names them.
//! - Files that can be read but wait for something (`/proc/kmsg`) are refused by name.
//! - Commands ignore SIGINT and SIGQUIT, as POSIX has it for what runs beside a shell.
//! - A command that runs over its time is killed with its whole session where there is
//!   setsid(1), else alone. What it started in a session of its own goes on. A command that
//!   ends in time may leave processes behind: then the slow probes after it in the same
//!   script are faults, because those processes may write into their output.
//! - When the way to the node is lost a running command goes on until its time is up.
//! - A shell whose printf is no builtin (mksh) would show what is secret in the arguments of
//!   printf(1): the script refuses to run there.

mod accounts;
mod command;
mod content;
mod frames;
mod functions;
mod http;
mod interfaces;
mod kernel;
pub mod needs;
mod network;
mod plan;
mod processes;
mod progress;
mod refusal;
mod rows;
mod script;
mod sockets;
mod stat;
mod text;
mod walk;

use crate::probe::{Answer, Probe};
use frames::Framer;
use plan::Plan;
use progress::Progress;
use std::sync::Arc;

/// The directories commands are looked for in first, on every transport. What the session
/// has in its own PATH comes after them, so that a command of the system is never hidden.
pub const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The most bytes of sections that are kept while they wait for their other half.
const WAITING_CAP: usize = 256 << 20;

/// What parts the answers in the output of a script: nobody can print it by accident, and
/// nobody on the node can guess it.
#[derive(Clone)]
pub struct Mark {
    /// Ends sections.
    frame: String,
    /// Parts the files of one `cat`. It is another one because it is for an instant in the
    /// arguments of env(1).
    file: String,
}

impl Mark {
    /// A mark of random digits.
    ///
    /// # Errors
    /// When the kernel gives no random bytes.
    pub fn random() -> std::io::Result<Mark> {
        let mut bytes = [0_u8; 32];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
        }
        let (frame, file) = bytes.split_at(16);
        Ok(Mark { frame: hex(frame), file: hex(file) })
    }

    /// A mark made of a number, for tests.
    pub fn from_number(number: u64) -> Mark {
        Mark { frame: format!("{:032x}", u128::from(number)), file: format!("f{:031x}", u128::from(number)) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A batch of probes as a script.
pub struct Script {
    text: Vec<u8>,
}

impl Script {
    /// The script that asks `probes`.
    pub fn new(probes: &[Probe], mark: &Mark) -> Script {
        Script { text: script::write(&Plan::new(probes), probes, mark) }
    }

    /// What is to be sent to the shell. It may hold secrets.
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

/// Takes the answers out of what a script prints, as it comes.
pub struct Decoder {
    probes: Vec<Probe>,
    stdout: Framer,
    stderr: Framer,
    progress: Progress,
}

/// What a script has told.
#[derive(Debug)]
pub struct Decoded {
    /// An answer for each probe, in the order asked.
    pub answers: Vec<Answer>,
    /// Which of them no answer came for, in rising order: their answers are faults that say so.
    pub unanswered: Vec<usize>,
    /// The name of the effective user on the node, or its number where it has no name;
    /// `None`: no POSIX shell answered.
    pub user: Option<Arc<str>>,
    /// Whether the script ran to its end.
    pub complete: bool,
}

impl Decoder {
    /// A decoder for the output of the script of the same probes and mark.
    pub fn new(probes: &[Probe], mark: &Mark) -> Decoder {
        let plan = Plan::new(probes);
        let caps = plan.caps(probes);
        Decoder {
            stdout: Framer::new(&mark.frame, caps.iter().map(|caps| caps.0).collect()),
            stderr: Framer::new(&mark.frame, caps.iter().map(|caps| caps.1).collect()),
            progress: Progress::new(plan, probes.len(), &mark.file),
            probes: probes.to_vec(),
        }
    }

    /// Takes bytes the shell wrote to its standard output.
    pub fn stdout(&mut self, bytes: &[u8]) {
        self.stdout.take(bytes);
        self.advance();
    }

    /// Takes bytes the shell wrote to its standard error.
    pub fn stderr(&mut self, bytes: &[u8]) {
        self.stderr.take(bytes);
        self.advance();
    }

    fn advance(&mut self) {
        while let Some((out, err)) = Framer::pair(&mut self.stdout, &mut self.stderr) {
            self.progress.section(&self.probes, out, err);
        }
        if self.stdout.is_flooded() || self.stderr.is_flooded() {
            self.progress.flood(&self.probes);
        }
        if self.stdout.is_closed() || self.stderr.is_closed() {
            self.progress.stop("the node printed marks that make no sense");
        }
        if self.stdout.waiting() + self.stderr.waiting() > WAITING_CAP || self.progress.is_over() {
            self.progress.stop("the node printed more than is kept");
            self.stdout.close();
            self.stderr.close();
        }
    }

    /// Whether the script has answered to its end, or what it prints has stopped making
    /// sense: nothing that comes now is of use.
    pub fn is_complete(&self) -> bool {
        self.progress.is_over()
    }

    /// The answers. `how_it_ended` is what is known of the end of the shell, such as
    /// `the shell ended with status 2`, for the faults of probes without an answer.
    pub fn finish(self, how_it_ended: &str) -> Decoded {
        let said = self.stderr.left().or_else(|| self.stdout.left());
        let started = self.stdout.has_begun();
        self.progress.finish(&self.probes, started, how_it_ended, said.as_deref())
    }
}

/// `text` as one word of a shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
