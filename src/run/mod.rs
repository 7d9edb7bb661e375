//! A plan in, events out: one unit is a node with all its profiles.

mod fleet;
mod interruption;
mod node;
mod parallel;
mod plan;
mod prepare;
pub mod remote;
mod stream;

pub use fleet::{Audience, Ended, Width, run, run_reached};
pub use interruption::Interruption;
pub use node::{Reached, look_at, reach};
pub use parallel::default_parallel;
pub use plan::{NodePrint, OnNode, Plan, PlannedNode, PlannedProfile, Selected, Values, WaiverOf};
pub use prepare::{load, prepare, refuse_empty, summarize};
