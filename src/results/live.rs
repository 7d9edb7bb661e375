//! What happens at this moment, for whoever watches: reports get the events of a run node by
//! node in the order of the plan, and a node that is slow holds those behind it back.

use super::outcome::{Outcome, Tally};
use std::sync::Arc;

/// One thing that just happened on some node. No report is made of it.
#[derive(Debug, Clone)]
pub enum Live {
    /// The node is being reached.
    Started { node: Arc<str> },
    /// A control came to an end.
    Control { node: Arc<str>, control: Arc<str>, outcome: Outcome },
    /// The node is done, or `unreachable`.
    Finished { node: Arc<str>, tally: Tally, unreachable: bool },
}
