//! Ways to reach a node. A transport does one thing: it answers batches of probes.

pub mod local;
pub mod scripted;

use crate::probe::{Answer, Probe};

/// Ends what is under way, from any thread; see [`Transport::stopper`].
pub type Stopper = Box<dyn Fn() + Send + Sync>;

/// A way to ask one node.
pub trait Transport {
    /// Answers every probe, in the order asked: one round trip where there is a wire.
    fn batch(&self, probes: &[Probe]) -> Vec<Answer>;

    /// The answer of a probe that costs no waiting at all, such as a system call on this
    /// machine. `None`: ask it in a batch.
    fn answer_now(&self, _probe: &Probe) -> Option<Answer> {
        None
    }

    /// What ends the slow probes that are under way when the run is interrupted: their
    /// answers become faults soon after, and [`Transport::batch`] returns.
    fn stopper(&self) -> Stopper {
        Box::new(|| {})
    }

    /// The user the node is asked as, for evidence; such as `root`.
    fn user(&self) -> String;
}
