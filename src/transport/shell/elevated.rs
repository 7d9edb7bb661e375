//! Any conversation with the shell that answers batches: the handshake, then what is said.

use super::privilege::{Handshake, Heard};
use super::{Conversation, Exit, Flow, Stream};
use std::time::Duration;

/// A conversation that begins once the shell is ready.
pub struct Elevated<'a> {
    handshake: Handshake,
    /// What stands before all that is said.
    preamble: Vec<u8>,
    said: usize,
    inner: &'a mut dyn Conversation,
    exit: Option<Exit>,
}

impl<'a> Elevated<'a> {
    pub fn new(handshake: Handshake, inner: &'a mut dyn Conversation) -> Elevated<'a> {
        Elevated { preamble: handshake.preamble().into_bytes(), handshake, said: 0, inner, exit: None }
    }

    /// Whether the shell has said that it is ready.
    pub fn is_there(&self) -> bool {
        self.handshake.is_there()
    }

    /// How it ended, and the handshake with what was said in it.
    pub fn into_parts(self) -> (Option<Exit>, Handshake) {
        (self.exit, self.handshake)
    }
}

impl Conversation for Elevated<'_> {
    fn command(&self) -> &str {
        self.handshake.command()
    }

    fn outgoing(&self) -> &[u8] {
        let password = self.handshake.outgoing();
        if !password.is_empty() || self.handshake.is_refused() || !self.handshake.is_ready() {
            return password;
        }
        match &self.preamble[self.said..] {
            [] => self.inner.outgoing(),
            rest => rest,
        }
    }

    fn sent(&mut self, count: usize) {
        if !self.handshake.outgoing().is_empty() {
            self.handshake.sent(count);
        } else if self.said < self.preamble.len() {
            self.said += count;
        } else {
            self.inner.sent(count);
        }
    }

    fn is_said(&self) -> bool {
        self.handshake.is_refused() || (self.said == self.preamble.len() && self.inner.is_said())
    }

    fn received(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        match self.handshake.heard(stream, bytes) {
            Heard::Shell([]) | Heard::Noise => Flow::Continue,
            Heard::Shell(bytes) => self.inner.received(stream, bytes),
            Heard::TooMuch => Flow::Close,
        }
    }

    fn ended(&mut self, exit: Exit) {
        self.exit = Some(exit);
        self.inner.ended(exit);
    }

    fn limit(&self) -> Duration {
        self.inner.limit()
    }
}
