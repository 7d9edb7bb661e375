//! `probity pipeline watch`: validates each node as it appears or is replaced, and all of them now
//! and then.
//!
//! Nothing is provisioned. In each round the sources of nodes are read again; a node that is new,
//! or whose identity is another (it was booted again, or replaced), is validated as soon as it is ready.

pub mod endpoint;
mod metrics;
mod round;
mod state;

pub use state::{Status, Summary};

use super::engine::{self, Stop};
use super::file::Pipeline;
use super::report;
use super::stage::Site;
use crate::error::Error;
use crate::report::{Options, Spec};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How a fleet is watched.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Between two readings of the sources.
    pub interval: Duration,
    /// Between two validations of a node that stays what it is.
    pub every: Duration,
    /// What is written after each round in which something was validated or went away.
    pub reports: Vec<Spec>,
    /// End after one round, with its verdict.
    pub once: bool,
}

/// Watches until the user ends it, and gives the verdict over what is known then.
///
/// # Errors
/// The pipeline validates nothing, or the reports of the first round cannot be written.
pub async fn run(
    pipeline: Arc<Pipeline>,
    site: Arc<Site>,
    settings: &Settings,
    mut stop: watch::Receiver<Stop>,
    mut hangups: mpsc::Receiver<()>,
    status: Arc<Status>,
) -> Result<u8, Error> {
    round::refuse_nothing(&pipeline)?;
    let mut fleet = state::Fleet::default();
    let mut first = true;
    loop {
        let began = Instant::now();
        let changed = round::run(&pipeline, &site, settings, &stop, &mut fleet, &status).await;
        if changed || first {
            let events = fleet.events(&site);
            match report::write(&settings.reports, &events, Options::default()) {
                Err(error) if first => return Err(error),
                Err(error) => status.tell(&site, &pipeline, &error.in_a_line()),
                Ok(()) => {}
            }
        }
        first = false;
        if settings.once || *stop.borrow() > Stop::No {
            return Ok(fleet.exit_code(&status));
        }
        let next = began + settings.interval;
        tokio::select! {
            () = tokio::time::sleep_until(next.into()) => {}
            Some(()) = hangups.recv() => {}
            () = engine::reached(&mut stop, Stop::Stages) => return Ok(fleet.exit_code(&status)),
        }
    }
}
