//! A plan in, events out: one unit is a node with all its profiles.

mod prepare;
mod stream;

pub use prepare::{PreparedProfile, Request, load, prepare, refuse_empty, summarize};
pub use stream::Stream;

use crate::lua::Finished;
use crate::node::platform::Platform;
use crate::node::{Node, Unseen};
use crate::probe::{Fault, FaultKind};
use crate::results::event::{ControlFinished, NodeFinished, NodeStarted, ProfileFinished, ProfileStarted};
use crate::results::{Outcome, RunEvent, Tally};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Asks a node what it is: the first round of every node.
///
/// # Errors
///
/// The fault that kept the node from answering.
pub fn look_at(node: &Node) -> Result<Rc<Platform>, Fault> {
    loop {
        match Platform::of(&node.view(node.memory())) {
            Ok(platform) => return Ok(platform),
            Err(Unseen::Pending) => {
                node.ask(&[node.memory()]);
            }
            Err(Unseen::Fault(fault)) => return Err(fault),
            Err(Unseen::Missing(message) | Unseen::Misuse(message)) => {
                return Err(Fault::new(FaultKind::Failed, message));
            }
        }
    }
}

/// Runs every profile on one node and tells `stream` what happens. Gives how its controls
/// came out, and whether all of them ran: false when `stop` ended it early.
pub fn run_node(
    profiles: &[PreparedProfile],
    node: &Rc<Node>,
    platform: &Platform,
    stop: &AtomicBool,
    stream: &mut Stream<'_>,
) -> (Tally, bool) {
    let began = Instant::now();
    let name: Arc<str> = node.name.as_str().into();
    stream.send(RunEvent::NodeStarted(NodeStarted {
        node: name.clone(),
        target: node.target.as_str().into(),
        groups: node.groups.iter().map(|group| group.as_str().into()).collect(),
        user: Some(node.user().into()),
        platform: Some(platform.summary()),
        error: None,
    }));
    let mut tally = Tally::default();
    let mut whole = true;
    for profile in profiles {
        if !whole {
            break;
        }
        let (profile_tally, ran) = run_profile(profile, node, &name, platform, stop, stream);
        tally += profile_tally;
        whole = ran;
    }
    stream.send(RunEvent::NodeFinished(NodeFinished {
        node: name,
        tally,
        seconds: began.elapsed().as_secs_f64(),
        rounds: node.rounds(),
        asked: node.memory().asked(),
        sent: node.sent(),
        bytes_sent: node.traffic().sent,
        bytes_received: node.traffic().received,
        notes: Vec::new(),
    }));
    (tally, whole)
}

fn run_profile(
    profile: &PreparedProfile,
    node: &Rc<Node>,
    name: &Arc<str>,
    platform: &Platform,
    stop: &AtomicBool,
    stream: &mut Stream<'_>,
) -> (Tally, bool) {
    let began = Instant::now();
    let not_applicable = profile.unsupported(platform);
    stream.send(RunEvent::ProfileStarted(Box::new(ProfileStarted {
        node: name.clone(),
        profile: profile.summary.clone(),
        attributes: profile.attributes.clone(),
        not_applicable: not_applicable.clone(),
    })));
    let mut tally = Tally::default();
    let mut report = |number: usize, finished: Finished| {
        let event = profile.finished(name, number, finished);
        tally.add(event.outcome);
        stream.send(RunEvent::ControlFinished(Box::new(event)));
    };
    let whole = match not_applicable {
        Some(reason) => {
            for number in profile.selected.iter().copied() {
                report(number, not_run(reason.clone()));
            }
            true
        }
        None => profile.engine.run(node.clone(), &profile.selected, stop, &mut report),
    };
    stream.send(RunEvent::ProfileFinished(ProfileFinished {
        node: name.clone(),
        profile: profile.summary.name.clone(),
        tally,
        seconds: began.elapsed().as_secs_f64(),
    }));
    (tally, whole)
}

/// The result of a control of a profile that does not support the node.
fn not_run(reason: Arc<str>) -> Finished {
    Finished {
        outcome: Outcome::NotApplicable,
        reason: Some(reason),
        steps: Vec::new(),
        attempts: 0,
        started: jiff::Timestamp::now(),
        seconds: 0.0,
    }
}

impl PreparedProfile {
    /// A control's result as an event, waived where a waiver holds.
    fn finished(&self, node: &Arc<str>, number: usize, finished: Finished) -> ControlFinished {
        let control = self.engine.controls()[number].summary.clone();
        let waiver = self.waiver(&control.id, node);
        let bad = matches!(finished.outcome, Outcome::Failed | Outcome::Errored);
        let (outcome, reason) = match &waiver {
            Some(waiver) if bad && !waiver.expired => (Outcome::Waived, Some(waiver.justification.as_str().into())),
            _ => (finished.outcome, finished.reason),
        };
        ControlFinished {
            node: node.clone(),
            profile: self.summary.name.clone(),
            control,
            outcome,
            reason,
            steps: finished.steps,
            waiver,
            attempts: finished.attempts,
            started: stream::rfc3339(finished.started),
            seconds: finished.seconds,
        }
    }
}
