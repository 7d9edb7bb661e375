//! What a run finds out: outcomes, results and the one stream of events that every
//! report is a fold over.

pub mod diff;
pub mod event;
pub mod live;
pub mod mask;
pub mod merge;
pub mod outcome;
pub mod read;
pub mod verdict;

pub use event::{
    ControlFinished, NodeFinished, NodeStarted, ProfileFinished, ProfileStarted, RunEvent, RunFinished, RunStarted,
    StageFinished, Stamped,
};
pub use live::Live;
pub use merge::merge;
pub use outcome::{Outcome, Tally};
pub use verdict::Verdict;
