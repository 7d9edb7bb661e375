//! Conversations of the tests, and how a server is reached.

use crate::sshd::Server;
use probity::transport::shell::{Carrier as _, Conversation, Exit, Flow, Stream};
use probity::transport::ssh::{Connection, Destination, connect};
use probity::transport::{Options, Patience, Unreachable};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Says one text and keeps what it hears.
pub struct Talk {
    pub command: String,
    pub input: Vec<u8>,
    pub said: usize,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub exit: Option<Exit>,
    pub limit: Duration,
    /// Hangs up after so many bytes.
    pub enough: usize,
}

impl Talk {
    pub fn new(command: &str) -> Talk {
        Talk {
            command: command.to_string(),
            input: Vec::new(),
            said: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            exit: None,
            limit: Duration::from_secs(60),
            enough: usize::MAX,
        }
    }

    pub fn saying(command: &str, input: &[u8]) -> Talk {
        Talk { input: input.to_vec(), ..Talk::new(command) }
    }

    pub fn heard(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Conversation for Talk {
    fn command(&self) -> &str {
        &self.command
    }

    fn outgoing(&self) -> &[u8] {
        &self.input[self.said..]
    }

    fn sent(&mut self, count: usize) {
        self.said += count;
    }

    fn is_said(&self) -> bool {
        self.said == self.input.len()
    }

    fn received(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        match stream {
            Stream::Stdout => self.stdout.extend(bytes),
            Stream::Stderr => self.stderr.extend(bytes),
        }
        if self.stdout.len() + self.stderr.len() >= self.enough { Flow::Close } else { Flow::Continue }
    }

    fn ended(&mut self, exit: Exit) {
        assert_eq!(self.exit, None, "it ended before");
        self.exit = Some(exit);
    }

    fn limit(&self) -> Duration {
        self.limit
    }
}

/// Options for a server of the tests: its key, its host key, nothing of this machine.
pub fn options(server: &Server) -> Options {
    Options {
        identities: vec![server.key()],
        known_hosts: vec![server.known_hosts("ed25519")],
        ssh_config: Some("none".into()),
        patience: Patience { retries: 0, ..Patience::default() },
        ..Options::default()
    }
}

pub fn reach(server: &Server, options: &Options) -> Result<Connection, Unreachable> {
    let host = server.host();
    connect(&Destination { host: &host, user: None, port: Some(server.port()) }, options, &AtomicBool::new(false))
}

/// Reaches a server that must be reached.
pub fn reached(server: &Server) -> Connection {
    reach(server, &options(server)).unwrap_or_else(|error| panic!("{error}\n{}", server.log()))
}

/// Carries conversations that must be carried.
pub fn carry(connection: &Connection, talks: &mut [Talk]) {
    let mut all: Vec<&mut dyn Conversation> = talks.iter_mut().map(|talk| talk as &mut dyn Conversation).collect();
    connection.carry(&mut all).expect("carried");
}
