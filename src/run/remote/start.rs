//! Getting the program to run on a node: what is said to its shell until it does.
//!
//! `start.sh` looks for a folder on the node that is safe (the path of it belongs to root or
//! to the user, who alone may write there) and in it for the program, under its SHA-256.
//! Where it is, the shell becomes it. Where it is not, a second conversation sends it
//! (`install.sh`), and the first is held again. The folder is looked at anew before every
//! start, by the same shell that then becomes the program.

use super::program::Program;
use crate::transport::shell::{Conversation, Exit, Flow, Stream};
use std::sync::Arc;
use std::time::Duration;

/// The most that is listened to before the mark comes: noise of login scripts.
const NOISE_CAP: usize = 1 << 20;
/// Free KiB that are wanted besides the program and its compressed form.
const SPARE: usize = 1024;

/// What `start.sh` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The shell has become the program.
    Running,
    /// The program may be put there.
    Place { folder: String, gzip: bool },
    /// The agent cannot be used on this node.
    Unusable(Arc<str>),
    /// The folders are gone.
    Clean,
}

/// The answer to a script: the first line that begins with the mark.
pub struct Marked {
    mark: String,
    seen: Vec<u8>,
}

impl Marked {
    pub fn new(mark: String) -> Marked {
        Marked { mark, seen: Vec::new() }
    }

    /// Takes bytes in. Gives what stands behind the mark and the bytes after that line, once
    /// it is there; an error is a node that says far too much before.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Option<(String, Vec<u8>)>, Arc<str>> {
        self.seen.extend_from_slice(bytes);
        let start = format!("\n{} ", self.mark);
        let Some(at) = memchr::memmem::find(&self.seen, start.as_bytes()) else {
            if self.seen.len() > NOISE_CAP {
                return Err("the node says too much before its shell answers".into());
            }
            return Ok(None);
        };
        let from = at + start.len();
        let Some(length) = memchr::memchr(b'\n', &self.seen[from..]) else { return Ok(None) };
        let said = String::from_utf8_lossy(&self.seen[from..from + length]).into_owned();
        Ok(Some((said, self.seen.split_off(from + length + 1))))
    }
}

/// The script that looks for the program; with `cleanup`, the one that takes its folders away.
pub fn start_script(program: &Program, mark: &str, cleanup: bool) -> Vec<u8> {
    let space = (program.size() + program.size() / 2) / 1024 + SPARE;
    let head = format!(
        "m={mark} digest={} size={} machine={} space={space} cleanup={}\n",
        program.digest(),
        program.size(),
        program.machine(),
        if cleanup { "1" } else { "" },
    );
    whole(&head, include_str!("start.sh"))
}

/// The script that takes the program in.
pub fn install_script(program: &Program, mark: &str, folder: &str, gzip: bool) -> Vec<u8> {
    let unpack = if gzip { "gzip" } else { "plain" };
    // The folder holds no character that means something to a shell; start.sh sees to it.
    let head = format!("m={mark} digest={} d='{folder}' unpack={unpack}\n", program.digest());
    whole(&head, include_str!("install.sh"))
}

/// A shell may read ahead of what it executes, and what comes after the script on the same
/// stream is not for it: so it gets the script as one command, which it must read whole first.
fn whole(head: &str, script: &str) -> Vec<u8> {
    format!("{{\n{head}{script}exit 0\n}}\n").into_bytes()
}

/// Reads what `start.sh` says.
pub fn found(said: &str) -> Found {
    let (word, rest) = said.split_once(' ').unwrap_or((said, ""));
    match (word, rest.split_once(' ')) {
        ("have", _) => Found::Running,
        ("need", Some((how @ ("gzip" | "plain"), folder))) if is_plain(folder) => {
            Found::Place { folder: folder.to_string(), gzip: how == "gzip" }
        }
        ("clean", _) => Found::Clean,
        ("no", _) => Found::Unusable(rest.into()),
        _ => Found::Unusable("the node's shell answers with something else than was asked".into()),
    }
}

/// Whether a path is what start.sh lets pass: the node may say anything.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
}

/// Sends the program.
pub struct Installation<'a> {
    script: Vec<u8>,
    program: &'a [u8],
    sent: usize,
    may_send: bool,
    marked: Marked,
    mark: String,
    /// How it went, once it is known: why not.
    pub result: Option<Result<(), Arc<str>>>,
    limit: Duration,
}

impl<'a> Installation<'a> {
    pub fn new(program: &'a Program, mark: String, folder: &str, gzip: bool, limit: Duration) -> Installation<'a> {
        Installation {
            script: install_script(program, &mark, folder, gzip),
            program: if gzip { program.compressed() } else { program.bytes() },
            sent: 0,
            may_send: false,
            marked: Marked::new(mark.clone()),
            mark,
            result: None,
            limit,
        }
    }
}

impl Conversation for Installation<'_> {
    fn command(&self) -> &str {
        "sh -s"
    }

    fn outgoing(&self) -> &[u8] {
        match self.sent.checked_sub(self.script.len()) {
            None => &self.script[self.sent..],
            Some(sent) if self.may_send => &self.program[sent..],
            Some(_) => &[],
        }
    }

    fn sent(&mut self, count: usize) {
        self.sent += count;
    }

    fn is_said(&self) -> bool {
        self.sent == self.script.len() + self.program.len()
    }

    fn received(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        if stream == Stream::Stderr {
            return Flow::Continue;
        }
        let mut more = bytes.to_vec();
        loop {
            let (said, after) = match self.marked.take(&more) {
                Ok(Some(answer)) => answer,
                Ok(None) => return Flow::Continue,
                Err(why) => {
                    self.result = Some(Err(why));
                    return Flow::Close;
                }
            };
            match said.split_once(' ').unwrap_or((&said, "")) {
                ("send", _) => self.may_send = true,
                ("done", _) => {
                    self.result = Some(Ok(()));
                    return Flow::Close;
                }
                (_, why) => {
                    self.result = Some(Err(why.into()));
                    return Flow::Close;
                }
            }
            self.marked = Marked::new(self.mark.clone());
            more = after;
        }
    }

    fn ended(&mut self, exit: Exit) {
        if self.result.is_none() {
            self.result = Some(Err(match exit {
                Exit::TimedOut => "sending the program took too long".into(),
                _ => "the node's shell ended while the program was sent".into(),
            }));
        }
    }

    fn limit(&self) -> Duration {
        self.limit
    }
}
