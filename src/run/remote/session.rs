//! The conversation with the program on a node: request in, frames out.

use super::start::{Found, Marked, found};
use super::wire::{FRAME_CAP, Frame};
use crate::transport::shell::{Conversation, Exit, Flow, Stream};
use std::sync::Arc;
use std::time::Duration;

/// The most bytes all frames of a node may come to. A node that says more is not honest.
const TOTAL_CAP: usize = 1 << 30;
/// The most that is kept of what the program says on standard error.
const COMPLAINT_CAP: usize = 2048;

/// Starts the program and listens to it.
pub struct Session<'a> {
    script: Vec<u8>,
    request: &'a [u8],
    sent: usize,
    marked: Marked,
    /// What the start script found.
    pub found: Option<Found>,
    line: Vec<u8>,
    total: usize,
    complaint: Vec<u8>,
    /// Whether the last frame came.
    pub is_done: bool,
    /// Why the session broke off.
    pub broken: Option<Arc<str>>,
    hear: &'a mut dyn FnMut(Frame),
    limit: Duration,
}

impl<'a> Session<'a> {
    /// A session that says `script`, and `request` once the program is there; `hear` gets
    /// every frame.
    pub fn new(
        script: Vec<u8>,
        mark: String,
        request: &'a [u8],
        hear: &'a mut dyn FnMut(Frame),
        limit: Duration,
    ) -> Session<'a> {
        Session {
            script,
            request,
            sent: 0,
            marked: Marked::new(mark),
            found: None,
            line: Vec::new(),
            total: 0,
            complaint: Vec::new(),
            is_done: false,
            broken: None,
            hear,
            limit,
        }
    }

    fn break_off(&mut self, why: impl Into<Arc<str>>) -> Flow {
        self.broken = Some(why.into());
        Flow::Close
    }

    /// Takes in what the program says.
    fn frames(&mut self, bytes: &[u8]) -> Flow {
        self.total += bytes.len();
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            self.line.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            let line = std::mem::take(&mut self.line);
            match serde_json::from_slice::<Frame>(&line) {
                Ok(frame) => {
                    let is_last = matches!(frame, Frame::Done { .. } | Frame::Unreachable { .. });
                    (self.hear)(frame);
                    if is_last {
                        self.is_done = true;
                        return Flow::Close;
                    }
                }
                Err(_) => return self.break_off("the agent says something that is no result"),
            }
        }
        self.line.extend_from_slice(rest);
        if self.line.len() > FRAME_CAP || self.total > TOTAL_CAP {
            return self.break_off("the agent says more than any profile can come to");
        }
        Flow::Continue
    }
}

impl Conversation for Session<'_> {
    fn command(&self) -> &str {
        "sh -s"
    }

    fn outgoing(&self) -> &[u8] {
        match self.sent.checked_sub(self.script.len()) {
            None => &self.script[self.sent..],
            Some(sent) if self.found == Some(Found::Running) => &self.request[sent..],
            Some(_) => &[],
        }
    }

    fn sent(&mut self, count: usize) {
        self.sent += count;
    }

    /// Never: the end of its input is how the program knows that the connection is gone.
    fn is_said(&self) -> bool {
        false
    }

    fn received(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        if stream == Stream::Stderr {
            let room = COMPLAINT_CAP.saturating_sub(self.complaint.len());
            self.complaint.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return Flow::Continue;
        }
        if self.found.is_some() {
            return self.frames(bytes);
        }
        match self.marked.take(bytes) {
            Ok(None) => Flow::Continue,
            Ok(Some((said, after))) => {
                let found = found(&said);
                let runs = found == Found::Running;
                self.found = Some(found);
                if runs { self.frames(&after) } else { Flow::Close }
            }
            Err(why) => self.break_off(why),
        }
    }

    fn ended(&mut self, exit: Exit) {
        let over = self.is_done || self.broken.is_some() || self.found.as_ref().is_some_and(|it| *it != Found::Running);
        if over {
            return;
        }
        let complaint = String::from_utf8_lossy(&self.complaint);
        let complaint = complaint.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        let said = if complaint.is_empty() { String::new() } else { format!(": {complaint}") };
        let what = match (&self.found, exit) {
            (_, Exit::TimedOut) => "the node took longer than its time limit".to_string(),
            (None, _) => format!("the node's shell ended without an answer{said}"),
            (Some(_), Exit::Signal) => format!("the agent was ended by a signal{said}"),
            (Some(_), Exit::Status(status)) => format!("the agent ended with status {status}{said}"),
            (Some(_), _) => format!("the connection to the agent was lost{said}"),
        };
        self.broken = Some(what.into());
    }

    fn limit(&self) -> Duration {
        self.limit
    }
}
