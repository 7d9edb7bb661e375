//! One node: reached, looked at, and every profile run on it.

use super::interruption::Flight;
use super::plan::{OnNode, Plan, PlannedNode, PlannedProfile};
use super::stream::NodeStream;
use crate::lua::{Engine, Finished, Limits, Print};
use crate::node::platform::Platform;
use crate::node::{Node, Unseen};
use crate::probe::{Fault, FaultKind};
use crate::results::event::{ControlFinished, NodeFinished, NodeStarted, ProfileFinished, ProfileStarted};
use crate::results::mask::Masker;
use crate::results::{Outcome, RunEvent, Tally};
use crate::transport::recording::{Header, Recorder};
use crate::transport::{self, Transport, Unreachable, UnreachableKind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A node that answers, and what it is.
pub struct Reached {
    pub node: Rc<Node>,
    pub platform: Rc<Platform>,
    recorder: Option<Rc<Recorder>>,
}

/// What came of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    pub tally: Tally,
    /// Whether all its controls were reported.
    pub whole: bool,
    pub reached: bool,
}

impl Landed {
    /// Whether something is not as it should be there, or could not be looked at.
    pub fn is_bad(&self) -> bool {
        !self.reached || self.tally.failed > 0 || self.tally.errored > 0
    }
}

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

/// Connects to a node and asks what it is.
///
/// # Errors
///
/// Why it cannot be reached.
pub fn reach(plan: &Plan, number: usize, flight: &Flight) -> Result<Reached, Unreachable> {
    look(plan, number, connect(plan, number, flight)?)
}

/// Connects to a node.
///
/// # Errors
///
/// Why it cannot be reached.
pub fn connect(plan: &Plan, number: usize, flight: &Flight) -> Result<Rc<dyn Transport>, Unreachable> {
    let planned = &plan.nodes[number];
    let transport: Rc<dyn Transport> =
        transport::open(&planned.target, &planned.options, &plan.masker, flight.flag())?.into();
    flight.set_stopper(transport.stopper());
    Ok(transport)
}

/// Asks a node that is connected what it is.
///
/// # Errors
///
/// Why it does not answer.
pub fn look(plan: &Plan, number: usize, mut transport: Rc<dyn Transport>) -> Result<Reached, Unreachable> {
    let planned = &plan.nodes[number];
    // A recording is of its own day.
    let now = transport.clock().unwrap_or(plan.now);
    let recorder = planned.record.as_ref().map(|_| Rc::new(Recorder::new(transport.clone())));
    if let Some(recorder) = &recorder {
        transport = recorder.clone();
    }
    let mut node = Node::new(&*planned.name, planned.target.to_string(), transport.clone(), now);
    node.groups = planned.groups.iter().map(|group| group.to_string()).collect();
    let reached = reached(node);
    // A way in may look open until it is used.
    match transport.lost() {
        Some(why) => Err(why),
        None => Ok(Reached { recorder, ..reached? }),
    }
}

/// Looks at a node that is connected.
///
/// # Errors
///
/// Why it does not answer.
pub fn reached(node: Node) -> Result<Reached, Unreachable> {
    let platform = look_at(&node)
        .map_err(|fault| Unreachable::new(UnreachableKind::Failed, format!("cannot be looked at: {fault}")))?;
    Ok(Reached { node: Rc::new(node), platform, recorder: None })
}

impl Reached {
    /// Writes down what was observed, where that is wanted.
    fn record(&self, planned: &PlannedNode, stream: &mut NodeStream<'_>) {
        let (Some(path), Some(recorder)) = (&planned.record, &self.recorder) else { return };
        let header = Header {
            node: planned.name.to_string(),
            target: planned.target.to_string(),
            user: self.node.user(),
            now: self.node.now,
        };
        if let Err(error) = recorder.write(path, stream.masker(), &header) {
            stream.trouble(error);
        }
    }
}

/// Runs every profile on a node that was reached. `engines` has the profiles' controls
/// loaded already, or is empty; `notes` is what a reader should know of how it is looked at.
pub fn run(
    plan: &Plan,
    number: usize,
    reached: &Reached,
    engines: &[Engine],
    notes: Vec<Arc<str>>,
    stream: &mut NodeStream<'_>,
) -> Landed {
    let began = Instant::now();
    let planned = &plan.nodes[number];
    let Reached { node, platform, .. } = reached;
    decide(plan, number, reached, stream);
    // What controls print is masked with what this node has brought to light.
    let engines = if planned.later.is_some() { &[] } else { engines };
    stream.send(RunEvent::NodeStarted(NodeStarted {
        user: Some(node.user().into()),
        platform: Some(platform.summary()),
        ..started(planned)
    }));
    let mut tally = Tally::default();
    let mut whole = true;
    let mut engines = engines.iter();
    for (at, (profile, on_node)) in plan.profiles.iter().zip(&planned.profiles).enumerate() {
        let engine = engines.next();
        if whole && !on_node.selected.numbers.is_empty() {
            let run = ProfileRun { plan, planned, profile, at, on_node, reached };
            let (of_profile, ran) = run.run(engine, stream);
            tally += of_profile;
            whole = ran;
        }
    }
    let traffic = node.traffic();
    stream.send(RunEvent::NodeFinished(NodeFinished {
        node: planned.name.clone(),
        tally,
        seconds: began.elapsed().as_secs_f64(),
        rounds: node.rounds(),
        asked: node.memory().asked(),
        sent: node.sent(),
        bytes_sent: traffic.sent,
        bytes_received: traffic.received,
        interrupted: !whole,
        notes,
    }));
    reached.record(planned, stream);
    Landed { tally, whole, reached: true }
}

/// Decides the values that wait for the facts of a node.
pub fn decide(plan: &Plan, number: usize, reached: &Reached, stream: &mut NodeStream<'_>) {
    if let Some(masker) = plan.nodes[number].decide(&reached.platform, &plan.masker) {
        stream.mask_with(masker);
    }
}

/// Reports a node that was not looked at: every control is errored with the reason, so that
/// the node has its row in every report.
pub fn report_unreached(plan: &Plan, number: usize, why: &str, stream: &mut NodeStream<'_>) -> Landed {
    let planned = &plan.nodes[number];
    let why: Arc<str> = why.into();
    stream.send(RunEvent::NodeStarted(NodeStarted { error: Some(why.clone()), ..started(planned) }));
    let mut tally = Tally::default();
    for (at, (profile, on_node)) in plan.profiles.iter().zip(&planned.profiles).enumerate() {
        if on_node.selected.numbers.is_empty() {
            continue;
        }
        stream.send(profile_started(planned, at, None));
        let mut of_profile = Tally::default();
        for control in on_node.selected.numbers.iter().copied() {
            let finished = not_run(Outcome::Errored, why.clone());
            of_profile.add(finished.outcome);
            // No waiver: what nobody looked at is not a failure that somebody accepted.
            stream.send(control_finished(planned, profile, control, finished, None));
        }
        stream.send(RunEvent::ProfileFinished(ProfileFinished {
            node: planned.name.clone(),
            profile: profile.selected.summary.name.clone(),
            tally: of_profile,
            seconds: 0.0,
        }));
        tally += of_profile;
    }
    stream.send(RunEvent::NodeFinished(NodeFinished {
        node: planned.name.clone(),
        tally,
        seconds: 0.0,
        rounds: 0,
        asked: 0,
        sent: 0,
        bytes_sent: 0,
        bytes_received: 0,
        interrupted: false,
        notes: Vec::new(),
    }));
    Landed { tally, whole: true, reached: false }
}

/// What is known of a node before it is looked at.
pub fn started(planned: &PlannedNode) -> NodeStarted {
    NodeStarted {
        node: planned.name.clone(),
        target: planned.target.to_string().into(),
        groups: planned.groups.clone(),
        user: None,
        platform: None,
        error: None,
    }
}

/// A profile, by its number in the plan, begins on a node.
pub fn profile_started(planned: &PlannedNode, at: usize, not_applicable: Option<Arc<str>>) -> RunEvent {
    RunEvent::ProfileStarted(Box::new(ProfileStarted {
        node: planned.name.clone(),
        profile: planned.profiles[at].selected.summary.clone(),
        attributes: planned.values(at).attributes.clone(),
        not_applicable,
    }))
}

/// A control's result as an event, waived where a waiver holds.
pub fn control_finished(
    planned: &PlannedNode,
    profile: &PlannedProfile,
    number: usize,
    finished: Finished,
    waiver: Option<crate::results::event::WaiverSummary>,
) -> RunEvent {
    let bad = matches!(finished.outcome, Outcome::Failed | Outcome::Errored);
    let (outcome, reason) = match &waiver {
        Some(waiver) if bad && !waiver.expired => (Outcome::Waived, Some(waiver.justification.as_str().into())),
        _ => (finished.outcome, finished.reason),
    };
    RunEvent::ControlFinished(Box::new(ControlFinished {
        node: planned.name.clone(),
        profile: profile.selected.summary.name.clone(),
        control: profile.controls[number].clone(),
        outcome,
        reason,
        steps: finished.steps,
        waiver,
        attempts: finished.attempts,
        started: super::stream::rfc3339(finished.started),
        seconds: finished.seconds,
    }))
}

/// Why a node that ran out of its own time was not looked at further.
pub fn out_of_time(limit: Duration) -> Arc<str> {
    format!("the node took longer than {} s in all; --node-timeout gives it more", limit.as_secs()).into()
}

/// The result of a control that did not run.
pub fn not_run(outcome: Outcome, reason: Arc<str>) -> Finished {
    Finished {
        outcome,
        reason: Some(reason),
        steps: Vec::new(),
        attempts: 0,
        started: jiff::Timestamp::now(),
        seconds: 0.0,
    }
}

/// One profile on one node.
struct ProfileRun<'a> {
    plan: &'a Plan,
    planned: &'a PlannedNode,
    profile: &'a PlannedProfile,
    /// The number of the profile in the plan.
    at: usize,
    on_node: &'a OnNode,
    reached: &'a Reached,
}

impl ProfileRun<'_> {
    /// Gives how its controls came out, and whether all of them were reported: false when
    /// the user ended the run.
    fn run(&self, engine: Option<&Engine>, stream: &mut NodeStream<'_>) -> (Tally, bool) {
        let began = Instant::now();
        let not_applicable = self.profile.unsupported(&self.reached.platform);
        stream.send(profile_started(self.planned, self.at, not_applicable.clone()));
        let mut tally = Tally::default();
        let mut reported = vec![false; self.profile.controls.len()];
        let whole = match not_applicable {
            Some(reason) => {
                self.not_run(Outcome::NotApplicable, &reason, &mut reported, &mut tally, stream);
                true
            }
            None => {
                let ran = self.controls(engine, &mut reported, &mut tally, stream);
                if let Err(why) = &ran {
                    self.not_run(Outcome::Errored, why, &mut reported, &mut tally, stream);
                }
                ran.unwrap_or(true)
            }
        };
        stream.send(RunEvent::ProfileFinished(ProfileFinished {
            node: self.planned.name.clone(),
            profile: self.profile.selected.summary.name.clone(),
            tally,
            seconds: began.elapsed().as_secs_f64(),
        }));
        (tally, whole)
    }

    /// Runs the controls. False: the user ended it. An error is why those that are not
    /// reported could not be run.
    fn controls(
        &self,
        engine: Option<&Engine>,
        reported: &mut [bool],
        tally: &mut Tally,
        stream: &mut NodeStream<'_>,
    ) -> Result<bool, Arc<str>> {
        if let Some(why) = self.planned.undecided() {
            return Err(why);
        }
        let loaded;
        let engine = match engine {
            Some(engine) => engine,
            None => {
                loaded = self.load(stream.shared_masker())?;
                &loaded
            }
        };
        let values = self.planned.values(self.at);
        engine.set_attributes(values.values.clone(), values.secrets.clone());
        let flight = stream.flight().clone();
        let mut report = |number: usize, finished: Finished| {
            reported[number] = true;
            self.report(number, finished, tally, stream);
        };
        let whole = engine.run(self.reached.node.clone(), &self.on_node.selected.numbers, flight.flag(), &mut report);
        if !whole && flight.is_expired() {
            return Err(out_of_time(self.planned.options.patience.node));
        }
        Ok(whole)
    }

    /// Loads the controls into a Lua state of this node. They were loaded once before, so
    /// an error is one of memory.
    fn load(&self, masker: Option<Arc<Masker>>) -> Result<Engine, Arc<str>> {
        let node = self.planned.name.clone();
        let print: Print = match self.plan.print.clone() {
            Some(print) => Rc::new(move |control, line| match &masker {
                Some(masker) => print(&node, control, &masker.mask_text(line)),
                None => print(&node, control, line),
            }),
            None => Rc::new(|_, _| {}),
        };
        let mut engine = Engine::load(&self.profile.sources, Limits::default(), print).map_err(|errors| {
            let messages: Vec<String> = errors.iter().map(|error| error.message.clone()).collect();
            Arc::from(format!("the controls cannot be loaded: {}", messages.join("; ")))
        })?;
        engine.share_summaries(&self.profile.controls);
        Ok(engine)
    }

    fn not_run(
        &self,
        outcome: Outcome,
        why: &Arc<str>,
        reported: &mut [bool],
        tally: &mut Tally,
        stream: &mut NodeStream<'_>,
    ) {
        for number in self.on_node.selected.numbers.iter().copied() {
            if !std::mem::replace(&mut reported[number], true) {
                self.report(number, not_run(outcome, why.clone()), tally, stream);
            }
        }
    }

    fn report(&self, number: usize, finished: Finished, tally: &mut Tally, stream: &mut NodeStream<'_>) {
        let waiver = (self.profile.waiver)(&self.profile.controls[number].id, &self.planned.name);
        let event = control_finished(self.planned, self.profile, number, finished, waiver);
        if let RunEvent::ControlFinished(control) = &event {
            tally.add(control.outcome);
        }
        stream.send(event);
    }
}
