//! One machine as a run sees it: a transport, what has been observed through it, and the
//! questions that wait for the next round trip.

pub mod os_release;
pub mod platform;
pub mod seen;
pub mod virtualization;

pub use platform::{PackageManager, Platform, ServiceManager};
pub use seen::{Memory, Seen, Sight, Unseen};
pub use virtualization::Virtualization;

use crate::transport::{Stopper, Traffic, Transport};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A machine under test.
pub struct Node {
    /// The name in reports.
    pub name: String,
    /// The target URI, such as `local://`.
    pub target: String,
    /// The clock of the run: when it started, in seconds since 1970.
    pub now: i64,
    /// The groups the inventory puts it in, in their order.
    pub groups: Vec<String>,
    /// Texts that no command line on the node may hold.
    secrets: RefCell<Vec<String>>,
    transport: Rc<dyn Transport>,
    memory: Rc<Memory>,
    rounds: Cell<usize>,
    sent: Cell<usize>,
}

impl Node {
    /// A node that nothing is known of yet. Where its answers are of another time than `now`,
    /// as those of a recording, that is its time.
    pub fn new(name: impl Into<String>, target: impl Into<String>, transport: Rc<dyn Transport>, now: i64) -> Node {
        let now = transport.clock().unwrap_or(now);
        Node {
            name: name.into(),
            target: target.into(),
            now,
            groups: Vec::new(),
            secrets: RefCell::default(),
            transport,
            memory: Rc::new(Memory::default()),
            rounds: Cell::new(0),
            sent: Cell::new(0),
        }
    }

    /// What is known of the node, shared by all its controls.
    pub fn memory(&self) -> &Rc<Memory> {
        &self.memory
    }

    /// The texts that no command line may hold from now on: the sensitive attributes of
    /// the profile that runs.
    pub fn keep_secret(&self, secrets: Vec<String>) {
        *self.secrets.borrow_mut() = secrets;
    }

    /// A view on a memory of this node: the shared one, or that of one attempt of a
    /// control that is tried again on fresh observations.
    pub fn view<'a>(&'a self, memory: &'a Memory) -> Seen<'a> {
        Seen::new(memory, &*self.transport, self.now, &self.secrets)
    }

    /// Sends everything that waits in `memories` as one batch and stores the answers.
    /// Returns how many probes were sent; 0: nothing was waiting.
    pub fn ask(&self, memories: &[&Memory]) -> usize {
        let mut batch = Vec::new();
        let mut ends = Vec::with_capacity(memories.len());
        for memory in memories {
            memory.take_pending(&mut batch);
            ends.push(batch.len());
        }
        if batch.is_empty() {
            return 0;
        }
        self.rounds.set(self.rounds.get() + 1);
        let sent = batch.len();
        self.sent.set(self.sent.get() + sent);
        let mut answers = self.transport.batch(&batch).into_iter();
        let mut probes = batch.into_iter();
        for (memory, end) in memories.iter().zip(ends) {
            while probes.len() > sent - end
                && let Some(probe) = probes.next()
            {
                let answer = answers.next().unwrap_or_else(|| {
                    Err(crate::probe::Fault::new(
                        crate::probe::FaultKind::Failed,
                        format!("the transport gave no answer to {probe}"),
                    ))
                });
                memory.store(probe, answer);
            }
        }
        sent
    }

    /// Whether looking again may give another answer.
    pub fn may_change(&self) -> bool {
        self.transport.clock().is_none()
    }

    /// Round trips so far.
    pub fn rounds(&self) -> usize {
        self.rounds.get()
    }

    /// Probes sent in batches so far.
    pub fn sent(&self) -> usize {
        self.sent.get()
    }

    /// What went over the wire so far.
    pub fn traffic(&self) -> Traffic {
        self.transport.traffic()
    }

    /// Ends what the node is busy with, from any thread.
    pub fn stopper(&self) -> Stopper {
        self.transport.stopper()
    }

    /// The user the node is asked as.
    pub fn user(&self) -> String {
        self.transport.user()
    }
}
