//! What changed from one run to another, by profile, control and node.

mod compare;
mod snapshot;

pub use snapshot::Snapshot;

use super::outcome::{Outcome, Tally};
use crate::value::Value;
use serde::Serialize;
use std::sync::Arc;

/// What changed from an older run to a newer one. Lists are in the order of the newer run, what
/// only the older has at the end.
#[derive(Debug, Default, Serialize)]
pub struct Diff {
    pub old: Side,
    pub new: Side,
    /// Outcomes of controls that differ, and those that are failed or errored in both.
    pub controls: Vec<ControlChange>,
    /// Results whose outcome is the same and that found something else.
    pub found: Vec<FoundChange>,
    /// Controls that only one of the runs had of a profile on a node.
    pub selected: Vec<SelectionChange>,
    pub nodes: Vec<NodeChange>,
    pub profiles: Vec<ProfileChange>,
    pub attributes: Vec<AttributeChange>,
    pub stages: Vec<StageChange>,
}

/// One of the two runs.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Side {
    pub run: Option<Arc<str>>,
    /// When it began, RFC 3339; empty where the file does not tell.
    pub started: String,
    pub nodes: usize,
    /// Over all nodes; what was to be run and never did is not in it.
    pub tally: Tally,
    pub interrupted: bool,
}

/// How an outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Failed now, and did not before.
    NewlyFailed,
    /// Could not be checked now, for another outcome before. What was begun and not finished
    /// counts so.
    NewlyErrored,
    /// Passed now, failed or errored before.
    Fixed,
    /// Failed in both.
    StillFailed,
    /// Errored in both.
    StillErrored,
    /// Any other: passed and skipped, failed and waived.
    Other,
}

/// A control that came to another outcome, with the nodes on which it did.
#[derive(Debug, Serialize)]
pub struct ControlChange {
    pub profile: Arc<str>,
    pub control: Arc<str>,
    pub title: Option<Arc<str>>,
    pub change: Change,
    /// What it was; `None` where the older run did not have it on these nodes, or did not reach
    /// them.
    pub from: Option<Outcome>,
    pub to: Outcome,
    /// On how many nodes the control came to the outcome `to`, before and now.
    pub before: usize,
    pub now: usize,
    pub nodes: Vec<Arc<str>>,
}

/// A step of one outcome that found something else, or an outcome whose reason is another.
#[derive(Debug, Serialize)]
pub struct FoundChange {
    pub profile: Arc<str>,
    pub control: Arc<str>,
    pub outcome: Outcome,
    /// The step's sentence; `None` for the reason of the control as a whole.
    pub step: Option<Arc<str>>,
    pub from: Option<Arc<str>>,
    pub to: Option<Arc<str>>,
    pub nodes: Vec<Arc<str>>,
}

/// A control that is new to a profile, or no longer run of it.
#[derive(Debug, Serialize)]
pub struct SelectionChange {
    pub profile: Arc<str>,
    pub control: Arc<str>,
    pub title: Option<Arc<str>>,
    pub added: bool,
    /// What it came to where it is new; what it had come to where it is gone.
    pub tally: Tally,
    pub nodes: Vec<Arc<str>>,
}

/// What happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    Added,
    Removed,
    /// Out of reach, or never begun; it was reached before.
    Lost,
    /// Reached; it was not before.
    Regained,
    /// Reached in neither.
    StillLost,
}

/// A node that is new, gone, or not in reach in one of the runs.
#[derive(Debug, Serialize)]
pub struct NodeChange {
    pub node: Arc<str>,
    pub change: NodeKind,
    /// What its controls came to in the run that has it, the newer if both do.
    pub tally: Tally,
    /// Why it is out of reach now.
    pub error: Option<Arc<str>>,
}

/// A profile that is new to nodes, no longer run there, or of other content.
#[derive(Debug, Serialize)]
pub struct ProfileChange {
    pub profile: Arc<str>,
    pub from: Option<Content>,
    pub to: Option<Content>,
    pub nodes: Vec<Arc<str>>,
}

/// The content of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Content {
    pub version: Arc<str>,
    pub sha256: Arc<str>,
}

/// An attribute that has another value. A sensitive one shows none, and so never differs.
#[derive(Debug, Serialize)]
pub struct AttributeChange {
    pub profile: Arc<str>,
    pub attribute: Arc<str>,
    /// `None` where the profile did not have the attribute.
    pub from: Option<Value>,
    pub to: Option<Value>,
    pub nodes: Vec<Arc<str>>,
}

/// A stage of a pipeline that came to another outcome, or is in one of the runs alone.
#[derive(Debug, Serialize)]
pub struct StageChange {
    pub pipeline: Arc<str>,
    pub stage: Arc<str>,
    pub from: Option<Outcome>,
    pub to: Option<Outcome>,
    /// Why it is not passed now.
    pub reason: Option<Arc<str>>,
}

impl Change {
    /// How one outcome became another; `None` where both are the same and neither failed nor
    /// errored, or what is new is not.
    fn of(from: Option<Outcome>, to: Outcome) -> Option<Change> {
        let bad = |outcome| matches!(outcome, Outcome::Failed | Outcome::Errored);
        match (from, to) {
            (Some(from), to) if from == to => match to {
                Outcome::Failed => Some(Change::StillFailed),
                Outcome::Errored => Some(Change::StillErrored),
                _ => None,
            },
            (_, Outcome::Failed) => Some(Change::NewlyFailed),
            (_, Outcome::Errored) => Some(Change::NewlyErrored),
            (Some(from), Outcome::Passed) if bad(from) => Some(Change::Fixed),
            (Some(_), _) => Some(Change::Other),
            (None, _) => None,
        }
    }
}

impl Diff {
    /// Compares two runs.
    pub fn of(old: &Snapshot, new: &Snapshot) -> Diff {
        compare::compare(old, new)
    }

    /// Whether something got worse: a control failed or errored that had not come to that before,
    /// on nodes that are new too; a node is out of reach and was not; a stage errored that
    /// had not.
    pub fn is_worse(&self) -> bool {
        let newly = |change: &ControlChange| matches!(change.change, Change::NewlyFailed | Change::NewlyErrored);
        let lost = |node: &NodeChange| match node.change {
            NodeKind::Lost => true,
            NodeKind::Added => node.error.is_some(),
            NodeKind::Removed | NodeKind::Regained | NodeKind::StillLost => false,
        };
        self.controls.iter().any(newly)
            || self.nodes.iter().any(lost)
            || self.stages.iter().any(|stage| stage.to == Some(Outcome::Errored))
    }
}

#[cfg(test)]
mod tests;
