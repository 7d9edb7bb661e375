//! Ways to reach a node. A transport does one thing: it answers batches of probes.

pub mod local;
pub mod scripted;

use crate::probe::{Answer, Probe};

/// A way to ask one node.
pub trait Transport {
    /// Answers every probe, in the order asked: one round trip where there is a wire.
    fn batch(&self, probes: &[Probe]) -> Vec<Answer>;

    /// The answer of a probe that costs no waiting at all, such as a system call on this
    /// machine. `None`: ask it in a batch.
    fn answer_now(&self, _probe: &Probe) -> Option<Answer> {
        None
    }

    /// The user the node is asked as, for evidence; such as `root`.
    fn user(&self) -> String;
}
