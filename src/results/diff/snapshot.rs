//! What is kept of a run to compare it with another: outcomes and what was found, each text once.

use super::{Content, Side};
use crate::results::event::{ControlFinished, ProfileStarted, StageFinished};
use crate::results::{Outcome, RunEvent, Stamped, Tally};
use crate::value::Value;
use indexmap::IndexMap;
use std::collections::HashSet;
use std::sync::Arc;

/// A fold over a run.
#[derive(Default)]
pub struct Snapshot {
    pub(super) side: Side,
    pub(super) nodes: IndexMap<Arc<str>, Node>,
    pub(super) stages: IndexMap<(Arc<str>, Arc<str>), StageFinished>,
    /// Whether the run came to its end.
    ended: bool,
    /// Texts that were met: a thousand nodes mostly find the same.
    texts: HashSet<Arc<str>>,
}

#[derive(Default)]
pub(super) struct Node {
    pub error: Option<Arc<str>>,
    pub tally: Tally,
    pub profiles: IndexMap<Arc<str>, Profile>,
}

pub(super) struct Profile {
    pub content: Content,
    pub attributes: IndexMap<Arc<str>, Value>,
    pub controls: IndexMap<Arc<str>, Control>,
}

pub(super) struct Control {
    pub title: Option<Arc<str>>,
    /// Errored for what never ran.
    pub outcome: Outcome,
    /// Whether it says no more than that its node was out of reach.
    pub unreached: bool,
    pub reason: Option<Arc<str>>,
    /// What each step says, and what it found or why it could not look.
    pub steps: Vec<(Arc<str>, Option<Arc<str>>)>,
}

impl Snapshot {
    /// Takes the next event in.
    pub fn event(&mut self, event: &Stamped) {
        match &event.event {
            RunEvent::RunStarted(started) => {
                self.side.run = Some(started.run.clone());
                self.side.started.clone_from(&event.time);
            }
            RunEvent::StageFinished(stage) => {
                // The output is not compared.
                let stage = StageFinished { output: None, ..(**stage).clone() };
                self.stages.insert((stage.pipeline.clone(), stage.stage.clone()), stage);
            }
            RunEvent::NodeStarted(started) => {
                let node = Node { error: started.error.clone(), ..Node::default() };
                self.nodes.insert(started.node.clone(), node);
                self.side.nodes = self.nodes.len();
            }
            RunEvent::ProfileStarted(started) => self.profile(started),
            RunEvent::ControlFinished(control) => self.control(control),
            RunEvent::ProfileFinished(_) | RunEvent::NodeFinished(_) => {}
            RunEvent::RunFinished(finished) => {
                self.ended = true;
                self.side.interrupted = finished.interrupted;
            }
        }
    }

    /// What the run is as a whole.
    pub(super) fn side(&self) -> Side {
        Side { interrupted: self.side.interrupted || !self.ended, ..self.side.clone() }
    }

    fn profile(&mut self, started: &ProfileStarted) {
        let Some(node) = self.nodes.get_mut(&started.node) else { return };
        let summary = &started.profile;
        let attributes = started.attributes.iter();
        let controls = summary.controls.iter().map(|planned| {
            let (title, reason) = (planned.title.clone(), Some("it was not finished".into()));
            let control = Control { title, outcome: Outcome::Errored, unreached: false, reason, steps: Vec::new() };
            (planned.id.clone(), control)
        });
        let profile = Profile {
            content: Content { version: summary.version.clone(), sha256: summary.sha256.clone() },
            attributes: attributes.map(|attribute| (attribute.name.clone(), attribute.value.clone())).collect(),
            controls: controls.collect(),
        };
        node.profiles.insert(summary.name.clone(), profile);
    }

    fn control(&mut self, finished: &ControlFinished) {
        self.side.tally.add(finished.outcome);
        let steps = finished.steps.iter().map(|step| {
            let found = step.found.as_deref().or(step.message.as_deref());
            (shared(&mut self.texts, &step.sentence), found.map(|found| shared(&mut self.texts, found)))
        });
        let steps: Vec<_> = steps.collect();
        let reason = finished.reason.as_deref().map(|reason| shared(&mut self.texts, reason));
        let Some(node) = self.nodes.get_mut(&finished.node) else { return };
        node.tally.add(finished.outcome);
        let unreached = node.error.is_some() && finished.reason == node.error && finished.steps.is_empty();
        let Some(profile) = node.profiles.get_mut(&finished.profile) else { return };
        let (title, outcome) = (finished.control.title.clone(), finished.outcome);
        profile.controls.insert(finished.control.id.clone(), Control { title, outcome, unreached, reason, steps });
    }
}

/// The text as it was met before.
fn shared(texts: &mut HashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return known.clone();
    }
    let new: Arc<str> = text.into();
    texts.insert(new.clone());
    new
}
