//! Nodes that are asked through a shell: one POSIX `sh` script a batch.
//!
//! What moves the bytes is a [`Carrier`] (an SSH session, `docker exec`); what is said is a
//! [`Conversation`], which does no I/O and so can be tested on bytes.

mod ask;
mod asked;
mod elevated;
mod exchange;
mod lanes;
mod privilege;
mod refusal;
pub mod spawn;

pub use ask::{Explain, Shell};

use super::{Stopper, Traffic, Unreachable};
use std::time::Duration;

/// Moves bytes between conversations and shells on one node. It knows nothing of probes.
pub trait Carrier {
    /// Starts the command line of every conversation and moves bytes until each has ended,
    /// been closed or run out of its time. Conversations are carried side by side, at most
    /// [`Carrier::width`] at a time, the first ones first.
    ///
    /// # Errors
    /// When the way to the node is lost; conversations that had ended before are whole.
    fn carry(&self, conversations: &mut [&mut dyn Conversation]) -> Result<(), Unreachable>;

    /// Makes the way to the node anew after it was lost.
    ///
    /// # Errors
    /// Why it cannot.
    fn renew(&self) -> Result<(), Unreachable>;

    /// The most conversations under way at one time; at least 1.
    fn width(&self) -> usize;

    /// Ends everything under way, from any thread: [`Carrier::carry`] returns soon after.
    fn stopper(&self) -> Stopper;

    /// What went over the wire so far.
    fn traffic(&self) -> Traffic;

    /// What a reader should know about the way and was not told before.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What is said to one shell on a node, without any I/O.
pub trait Conversation {
    /// The command line the node gets, such as `sh -s`. It is visible to every user there.
    fn command(&self) -> &str;

    /// What is to be sent now; empty: nothing at the moment.
    fn outgoing(&self) -> &[u8];

    /// `count` bytes of [`Conversation::outgoing`] were sent.
    fn sent(&mut self, count: usize);

    /// Whether nothing will be sent any more, so that standard input is to be closed.
    fn is_said(&self) -> bool;

    /// Bytes that came in.
    fn received(&mut self, stream: Stream, bytes: &[u8]) -> Flow;

    /// The command has ended and all it wrote was received.
    fn ended(&mut self, exit: Exit);

    /// How long it may take from its start.
    fn limit(&self) -> Duration;
}

/// Where bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Whether a conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// Hang up: nothing that comes now is of use.
    Close,
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The exit status of the command.
    Status(i32),
    /// A signal ended it.
    Signal,
    /// It was over its [`Conversation::limit`] and was cut off.
    TimedOut,
    /// [`Flow::Close`] was asked for, or the run was interrupted.
    Closed,
    /// The other side closed without saying how it ended.
    Unknown,
}
