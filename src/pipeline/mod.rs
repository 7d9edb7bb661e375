//! Pipelines: provision, wait, validate, report, tear down. docs/pipeline.md describes the file.
//!
//! [`file`] reads it, [`graph`] orders its stages, [`engine`] runs them; what a stage of each kind
//! does has a file of its own. tokio owns the programs and the time limits; validating and waiting
//! block, each on a thread of its own.

mod context;
pub mod dry_run;
mod engine;
pub mod file;
mod graph;
mod ground;
mod key;
mod lock;
mod preflight;
pub mod process;
mod provision;
pub mod provisioner;
mod readiness;
mod render;
mod report;
pub mod schema;
mod stage;
mod validate;
mod wait;
pub mod watch;
mod watcher;

pub use engine::{Ended, Stop, run};
pub use file::{Given, Pipeline};
pub use graph::Graph;
pub use key::{Key, Shape};
pub use lock::Lock;
pub use preflight::{try_inputs, try_reports};
pub use report::write as write_reports;
pub use stage::{Done, Site};
pub use watcher::{News, Watcher};

use crate::results::Stamped;

/// What everything came to, as the events of one run.
pub fn events(pipeline: &Pipeline, ended: Ended, site: &Site) -> Vec<Stamped> {
    report::events(report::all(pipeline, ended.stages), site, ended.interrupted)
}
