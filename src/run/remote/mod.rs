//! The pushed agent: this same program, run on the node, its results relayed.
//!
//! It is no transport: the profile is run where the node is, by [`serve`], and what comes back
//! are results. The program is sent once and found again by its SHA-256 ([`start`]); request
//! and frames ([`wire`]) go over the same connection and the same elevated shell as batches
//! would. Nothing of the request is written to the node's disk. Where the agent cannot be used,
//! the node is asked in batches, and a note says why.

mod program;
mod relay;
mod serve;
mod session;
mod start;
mod wire;

pub use program::{Program, own_digest};
pub use serve::serve;

use super::node::Landed;
use super::plan::{OnNode, Plan, PlannedProfile, Values};
use super::stream::NodeStream;
use crate::transport::{Transport, Unreachable};
use relay::Relay;
use session::Session;
use start::{Found, Installation};
use std::sync::Arc;
use std::time::Duration;
use wire::{Binary, Plain, Request, RequestedProfile};

/// What `--agent` asks for.
pub struct Agent {
    pub program: Program,
    /// Take the program off the node when the run is done.
    pub cleanup: bool,
}

/// How often the program is looked for: before and after it was sent.
const ATTEMPTS: usize = 2;

/// Runs every profile on a node through the agent. `notes` is what a reader should know of the
/// way to the node.
///
/// # Errors
/// Why the agent cannot be used there, before anything was reported: ask in batches then.
pub fn run(
    plan: &Plan,
    number: usize,
    transport: &dyn Transport,
    agent: &Agent,
    notes: &[Arc<str>],
    stream: &mut NodeStream<'_>,
) -> Result<Landed, Arc<str>> {
    let flight = stream.flight().clone();
    let limit = plan.nodes[number].options.patience.node;
    let request = request(plan, number).map_err(|error| format!("the request cannot be written: {error}"))?;
    let mut relay = Relay::new(plan, number, stream);
    for attempt in 1..=ATTEMPTS {
        let mark = mark();
        let script = start::start_script(&agent.program, &mark, false);
        let mut hear = |frame| relay.frame(frame);
        let mut session = Session::new(script, mark, &request, &mut hear, limit);
        let held = transport.converse(&mut session);
        let (found, broken) = (session.found.take(), session.broken.take());
        let broken = match (held, broken) {
            (Err(lost), None) => Some(lost.message),
            (_, broken) => broken,
        };
        match found {
            Some(Found::Running) => {
                let broken = match flight.is_expired() {
                    true => Some(super::node::out_of_time(limit)),
                    false => broken,
                };
                if let (true, Some(why), false) = (relay.is_untouched(), &broken, flight.is_over()) {
                    return Err(why.clone());
                }
                let is_interrupted = flight.is_over() && !flight.is_expired() && broken.is_some();
                let landed = relay.land(broken, is_interrupted, transport.traffic(), notes);
                if agent.cleanup {
                    clean(transport, agent, limit);
                }
                return Ok(landed);
            }
            Some(Found::Place { folder, gzip }) if attempt < ATTEMPTS => {
                install(transport, agent, &folder, gzip, limit)?;
            }
            Some(Found::Place { folder, .. }) => {
                return Err(format!("the program was put into {folder}, and is not there").into());
            }
            Some(Found::Unusable(why)) => return Err(why),
            Some(Found::Clean) | None => {
                return Err(broken.unwrap_or_else(|| "the node's shell does not answer".into()));
            }
        }
    }
    Err("the agent was sent to the node and is not found there".into())
}

fn install(
    transport: &dyn Transport,
    agent: &Agent,
    folder: &str,
    gzip: bool,
    limit: Duration,
) -> Result<(), Arc<str>> {
    let mut installation = Installation::new(&agent.program, mark(), folder, gzip, limit);
    let held = transport.converse(&mut installation);
    match (held, installation.result) {
        (_, Some(result)) => result,
        (Err(lost), None) => Err(lost.message),
        (Ok(()), None) => Err("the node's shell ended while the program was sent".into()),
    }
}

/// Takes the program off the node. What cannot be taken away stays, and harms nothing.
fn clean(transport: &dyn Transport, agent: &Agent, limit: Duration) {
    let mark = mark();
    let script = start::start_script(&agent.program, &mark, true);
    let mut hear = |_| {};
    let mut session = Session::new(script, mark, &[], &mut hear, limit);
    let _: Result<(), Unreachable> = transport.converse(&mut session);
}

/// All that the node is told.
fn request(plan: &Plan, number: usize) -> serde_json::Result<Vec<u8>> {
    let planned = &plan.nodes[number];
    let request = Request {
        node: planned.name.clone(),
        target: planned.target.to_string(),
        groups: planned.groups.clone(),
        now: plan.now,
        prints: plan.print.is_some(),
        profiles: plan
            .profiles
            .iter()
            .zip(&planned.profiles)
            .enumerate()
            .map(|(at, (profile, on_node))| requested(profile, on_node, &planned.values(at)))
            .collect(),
    };
    let mut bytes = serde_json::to_vec(&request)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn requested(profile: &PlannedProfile, on_node: &OnNode, values: &Values) -> RequestedProfile {
    RequestedProfile {
        name: profile.selected.summary.name.clone(),
        version: profile.selected.summary.version.clone(),
        controls: profile.sources.controls.clone(),
        libraries: profile.sources.libraries.clone(),
        files: profile.sources.files.iter().map(|(path, content)| (path.clone(), Binary::new(content))).collect(),
        selected: on_node.selected.numbers.clone(),
        supports: profile.supports.clone(),
        values: values.values.iter().map(|(name, value)| (name.clone(), Plain::from(value))).collect(),
        secrets: values.secrets.clone(),
    }
}

/// Thirty-two hexadecimal digits that nobody on the node can guess.
fn mark() -> String {
    let mut bytes = [0u8; 16];
    // The kernel's generator cannot fail once it is seeded.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
