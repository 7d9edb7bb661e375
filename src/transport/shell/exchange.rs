//! One conversation with a shell: the handshake, then the script, then what it answers.

use super::privilege::{Handshake, Heard};
use super::{Conversation, Exit, Flow, Stream};
use std::time::{Duration, Instant};

/// The most that is taken from one conversation; a node that says more is hung up on.
const MOST: usize = 96 << 20;

/// Takes what the script answers.
pub trait Listener {
    /// Takes bytes of one stream, in the order they came.
    fn hear(&mut self, stream: Stream, bytes: &[u8]) -> Flow;
}

/// A script on its way to a shell and its answers on their way back.
pub struct Exchange<L> {
    handshake: Handshake,
    /// The script with what stands before it.
    text: Vec<u8>,
    /// How much of `text` was sent.
    said: usize,
    listener: L,
    heard: usize,
    limit: Duration,
    made: Instant,
    ready_after: Option<Duration>,
    exit: Option<Exit>,
    is_flooded: bool,
}

impl<L: Listener> Exchange<L> {
    pub fn new(handshake: Handshake, script: &[u8], listener: L, limit: Duration) -> Exchange<L> {
        let text = [handshake.preamble().as_bytes(), script].concat();
        Exchange {
            handshake,
            text,
            said: 0,
            listener,
            heard: 0,
            limit,
            made: Instant::now(),
            ready_after: None,
            exit: None,
            is_flooded: false,
        }
    }

    /// Whether the shell has said that it is ready.
    pub fn is_there(&self) -> bool {
        self.handshake.is_there()
    }

    /// How long the shell took to say that it is ready.
    pub fn ready_after(&self) -> Option<Duration> {
        self.ready_after
    }

    /// Whether anything of the script has left, so that a command of it may run.
    pub fn has_begun(&self) -> bool {
        self.said > 0
    }

    /// Whether it was hung up on for saying too much.
    pub fn is_flooded(&self) -> bool {
        self.is_flooded
    }

    /// How it ended; `None`: it has not, or never began.
    pub fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// What became of the handshake, and who listened.
    pub fn into_parts(self) -> (Handshake, L) {
        (self.handshake, self.listener)
    }
}

impl<L: Listener> Conversation for Exchange<L> {
    fn command(&self) -> &str {
        self.handshake.command()
    }

    fn outgoing(&self) -> &[u8] {
        let password = self.handshake.outgoing();
        if !password.is_empty() || self.handshake.is_refused() || !self.handshake.is_ready() {
            return password;
        }
        &self.text[self.said..]
    }

    fn sent(&mut self, count: usize) {
        if self.handshake.outgoing().is_empty() {
            self.said = (self.said + count).min(self.text.len());
        } else {
            self.handshake.sent(count);
        }
    }

    /// A tool that asks again reads the end of its input, and gives up by itself.
    fn is_said(&self) -> bool {
        self.handshake.is_refused() || self.said == self.text.len()
    }

    fn received(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        self.heard += bytes.len();
        if self.heard > MOST {
            self.is_flooded = true;
            return Flow::Close;
        }
        let heard = self.handshake.heard(stream, bytes);
        if self.ready_after.is_none() && self.handshake.is_there() {
            self.ready_after = Some(self.made.elapsed());
        }
        match heard {
            Heard::Shell([]) | Heard::Noise => Flow::Continue,
            Heard::Shell(bytes) => self.listener.hear(stream, bytes),
            Heard::TooMuch => {
                self.is_flooded = true;
                Flow::Close
            }
        }
    }

    fn ended(&mut self, exit: Exit) {
        self.exit = Some(exit);
    }

    fn limit(&self) -> Duration {
        self.limit
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
