//! Frames of a node as events of the run. The node may be hostile: a frame that does not fit
//! the plan ends the relay, and what is missing then is errored.

use super::wire::{ControlFrame, Frame};
use crate::lua::Finished;
use crate::results::event::{NodeFinished, NodeStarted, ProfileFinished};
use crate::results::{Outcome, RunEvent, Tally};
use crate::run::node::{self, Landed};
use crate::run::plan::Plan;
use crate::run::stream::NodeStream;
use crate::transport::Traffic;
use std::sync::Arc;
use std::time::Instant;

/// Where the relay is in the order of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing came yet.
    Node,
    /// Between profiles; the next is this one.
    Profile(usize),
    /// In this profile.
    Control(usize),
    /// Everything was said.
    End,
}

/// Turns frames into events.
pub struct Relay<'a, 'b> {
    plan: &'a Plan,
    number: usize,
    stream: &'a mut NodeStream<'b>,
    at: At,
    began: Instant,
    profile_began: Instant,
    /// The controls of the current profile that were reported, by number.
    reported: Vec<bool>,
    of_profile: Tally,
    tally: Tally,
    counts: (usize, usize, usize),
    /// Why the node could not be looked at.
    unreachable: Option<Arc<str>>,
    /// What does not fit.
    misfit: Option<Arc<str>>,
}

impl<'a, 'b> Relay<'a, 'b> {
    pub fn new(plan: &'a Plan, number: usize, stream: &'a mut NodeStream<'b>) -> Relay<'a, 'b> {
        Relay {
            plan,
            number,
            stream,
            at: At::Node,
            began: Instant::now(),
            profile_began: Instant::now(),
            reported: Vec::new(),
            of_profile: Tally::default(),
            tally: Tally::default(),
            counts: (0, 0, 0),
            unreachable: None,
            misfit: None,
        }
    }

    /// Takes the next frame.
    pub fn frame(&mut self, frame: Frame) {
        if self.misfit.is_some() {
            return;
        }
        let planned = &self.plan.nodes[self.number];
        match (self.at, frame) {
            (_, Frame::Print { control, line }) => {
                if let Some(print) = &self.plan.print {
                    print(&planned.name, control.as_deref(), &self.stream.masker().mask_text(&line));
                }
            }
            (At::Node, Frame::Unreachable { why }) => self.unreachable = Some(why),
            (At::Node, Frame::Started { user, platform }) => {
                let started = NodeStarted { user, platform, ..node::started(planned) };
                self.stream.send(RunEvent::NodeStarted(started));
                self.at = At::Profile(self.next_profile(0));
            }
            (At::Profile(at), Frame::Profile { not_applicable }) if at < self.plan.profiles.len() => {
                self.begin_profile(at, not_applicable);
            }
            (At::Control(at), Frame::Control(control)) => self.control(at, *control),
            (At::Control(at), Frame::ProfileDone) => self.end_profile(at),
            (At::Profile(at), Frame::Done { rounds, asked, sent }) if at == self.plan.profiles.len() => {
                self.counts = (rounds, asked, sent);
                self.at = At::End;
            }
            _ => self.misfit = Some("the agent says something that does not fit what it was asked".into()),
        }
    }

    /// The first profile from `at` on of which anything runs here.
    fn next_profile(&self, at: usize) -> usize {
        let here = &self.plan.nodes[self.number].profiles;
        (at..here.len()).find(|at| !here[*at].selected.numbers.is_empty()).unwrap_or(here.len())
    }

    fn begin_profile(&mut self, at: usize, not_applicable: Option<Arc<str>>) {
        let planned = &self.plan.nodes[self.number];
        let profile = &self.plan.profiles[at];
        self.stream.send(node::profile_started(planned, at, not_applicable));
        self.profile_began = Instant::now();
        self.reported = vec![false; profile.controls.len()];
        self.of_profile = Tally::default();
        self.at = At::Control(at);
    }

    fn control(&mut self, at: usize, frame: ControlFrame) {
        let profile = &self.plan.profiles[at];
        let selected = &self.plan.nodes[self.number].profiles[at].selected.numbers;
        let number = selected.iter().copied().find(|number| profile.controls[*number].id == frame.id);
        let Some(number) = number.filter(|number| !self.reported[*number]) else {
            self.misfit = Some("the agent reports a control that it was not asked for".into());
            return;
        };
        let finished = Finished {
            outcome: frame.outcome,
            reason: frame.reason,
            steps: frame.steps.into_iter().map(Into::into).collect(),
            attempts: frame.attempts,
            started: frame.started.parse().unwrap_or_else(|_| jiff::Timestamp::now()),
            seconds: frame.seconds,
        };
        self.report(at, number, finished);
    }

    fn report(&mut self, at: usize, number: usize, finished: Finished) {
        let planned = &self.plan.nodes[self.number];
        let profile = &self.plan.profiles[at];
        self.reported[number] = true;
        let waiver = (profile.waiver)(&profile.controls[number].id, &planned.name);
        let event = node::control_finished(planned, profile, number, finished, waiver);
        if let RunEvent::ControlFinished(control) = &event {
            self.of_profile.add(control.outcome);
        }
        self.stream.send(event);
    }

    fn end_profile(&mut self, at: usize) {
        let planned = &self.plan.nodes[self.number];
        self.stream.send(RunEvent::ProfileFinished(ProfileFinished {
            node: planned.name.clone(),
            profile: self.plan.profiles[at].selected.summary.name.clone(),
            tally: self.of_profile,
            seconds: self.profile_began.elapsed().as_secs_f64(),
        }));
        self.tally += self.of_profile;
        self.at = At::Profile(self.next_profile(at + 1));
    }

    /// Whether nothing of the node was reported yet.
    pub fn is_untouched(&self) -> bool {
        self.at == At::Node
    }

    /// Ends the node's events. What was not reported is errored with `broken`, or left out
    /// where the user ended the run.
    pub fn land(
        mut self,
        broken: Option<Arc<str>>,
        is_interrupted: bool,
        traffic: Traffic,
        notes: &[Arc<str>],
    ) -> Landed {
        if self.is_untouched() {
            let why = self.unreachable.take().or(self.misfit.take()).or(broken);
            let why = why.unwrap_or_else(|| "the agent said nothing".into());
            return node::report_unreached(self.plan, self.number, &why, self.stream);
        }
        let missing = match (&self.misfit, broken) {
            (Some(misfit), _) => misfit.clone(),
            (None, Some(broken)) => broken,
            (None, None) => "the agent broke off".into(),
        };
        let whole = !is_interrupted;
        loop {
            match self.at {
                At::Profile(at) if whole && at < self.plan.profiles.len() => self.begin_profile(at, None),
                At::Control(at) => {
                    self.end_of_controls(at, whole, &missing);
                    self.end_profile(at);
                }
                At::Node | At::Profile(_) | At::End => break,
            }
        }
        let (rounds, asked, sent) = self.counts;
        self.stream.send(RunEvent::NodeFinished(NodeFinished {
            node: self.plan.nodes[self.number].name.clone(),
            tally: self.tally,
            seconds: self.began.elapsed().as_secs_f64(),
            rounds,
            asked,
            sent,
            bytes_sent: traffic.sent,
            bytes_received: traffic.received,
            interrupted: !whole,
            notes: notes.to_vec(),
        }));
        Landed { tally: self.tally, whole, reached: true }
    }

    /// What is missing of a profile that did not come to its end; also one that said it did
    /// and left controls out.
    fn end_of_controls(&mut self, at: usize, whole: bool, missing: &Arc<str>) {
        if !whole {
            return;
        }
        for number in self.plan.nodes[self.number].profiles[at].selected.numbers.clone() {
            if !self.reported[number] {
                self.report(at, number, node::not_run(Outcome::Errored, missing.clone()));
            }
        }
    }
}
