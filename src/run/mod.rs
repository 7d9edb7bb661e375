//! A plan in, events out: one unit is a node with all its profiles.

mod fleet;
mod heap;
mod interruption;
mod node;
mod parallel;
mod plan;
mod prepare;
mod profiles;
pub mod remote;
mod request;
mod stream;
mod values;

pub use fleet::{Audience, Ended, Width, run, run_id, run_reached};
pub use interruption::Interruption;
pub use node::{Reached, look_at, reach};
pub use parallel::{default_parallel, side_by_side};
pub use plan::{Decision, Later, NodePrint, OnNode, Plan, PlannedNode, PlannedProfile, Selected, Values, WaiverOf};
pub use prepare::{load, prepare, refuse_empty, summarize};
pub use profiles::load_profiles;
pub use request::{Planned, Request, plan};
pub use stream::rfc3339;
