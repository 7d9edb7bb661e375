//! The events of a run. Every reporter is a fold over this stream and nothing else.
//!
//! The order is fixed: `run_started`; per node, in the order of the plan: `node_started`,
//! then per profile `profile_started`, `control_finished` in the order of the profile's
//! controls, `profile_finished`; then `node_finished`; at last `run_finished`. In the run of a
//! pipeline a `stage_finished` for each of its stages comes before the first node.

use super::outcome::{Outcome, Tally};
use crate::value::Value;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// An event with its place in the stream, as `ndjson` writes it.
#[derive(Debug, Clone, Serialize)]
pub struct Stamped {
    /// Counts from 0 without gaps.
    pub sequence: u64,
    /// When it happened, RFC 3339 in UTC with milliseconds.
    pub time: String,
    #[serde(flatten)]
    pub event: RunEvent,
}

/// One thing that happened in a run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    RunStarted(RunStarted),
    NodeStarted(NodeStarted),
    ProfileStarted(Box<ProfileStarted>),
    ControlFinished(Box<ControlFinished>),
    ProfileFinished(ProfileFinished),
    NodeFinished(NodeFinished),
    StageFinished(Box<StageFinished>),
    RunFinished(RunFinished),
}

impl RunEvent {
    /// The node it is about; `None` for the run as a whole.
    pub fn node(&self) -> Option<&Arc<str>> {
        match self {
            RunEvent::RunStarted(_) | RunEvent::StageFinished(_) | RunEvent::RunFinished(_) => None,
            RunEvent::NodeStarted(event) => Some(&event.node),
            RunEvent::ProfileStarted(event) => Some(&event.node),
            RunEvent::ControlFinished(event) => Some(&event.node),
            RunEvent::ProfileFinished(event) => Some(&event.node),
            RunEvent::NodeFinished(event) => Some(&event.node),
        }
    }
}

/// The run begins; nothing was asked yet.
#[derive(Debug, Clone, Serialize)]
pub struct RunStarted {
    /// `probity/events`, and the major version of this shape.
    pub format: &'static str,
    pub version: u32,
    /// A random id of the run.
    pub run: Arc<str>,
    /// The version of Probity.
    pub probity: Cow<'static, str>,
    /// How many nodes and, over all nodes, how many controls the run will report.
    pub nodes: usize,
    pub controls: usize,
}

/// A node was reached, or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeStarted {
    pub node: Arc<str>,
    /// The target URI without credentials.
    pub target: Arc<str>,
    /// The groups the inventory puts it in.
    pub groups: Vec<Arc<str>>,
    /// The user the node is asked as.
    pub user: Option<Arc<str>>,
    pub platform: Option<PlatformSummary>,
    /// Why the node could not be reached; its controls are then errored with it.
    pub error: Option<Arc<str>>,
}

/// What reports say of a node's operating system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlatformSummary {
    /// `debian`, as ID in os-release(5).
    pub name: Arc<str>,
    /// `12`, as VERSION_ID in os-release(5); empty where there is none.
    pub release: Arc<str>,
    /// The family, such as `debian` or `redhat`.
    pub family: Arc<str>,
    /// The machine, such as `x86_64`.
    pub arch: Arc<str>,
}

/// A profile begins on a node.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileStarted {
    pub node: Arc<str>,
    pub profile: Arc<ProfileSummary>,
    /// The attribute values the profile runs with on this node, sensitive ones masked.
    pub attributes: Vec<AttributeSummary>,
    /// Why the profile does not apply to the node; its controls are then not applicable.
    pub not_applicable: Option<Arc<str>>,
}

/// What reports say of a profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileSummary {
    pub name: Arc<str>,
    pub version: Arc<str>,
    /// Digest of the profile's content: the same for a directory and its archive.
    pub sha256: Arc<str>,
    pub title: Option<Arc<str>>,
    pub summary: Option<Arc<str>>,
    pub maintainer: Option<Arc<str>>,
    pub license: Option<Arc<str>>,
    /// The `supports` entries as the manifest has them.
    pub supports: Value,
    /// Every control the run selected, in order, so that a report can name those that
    /// never ran.
    pub controls: Vec<Arc<ControlSummary>>,
}

/// What a profile says of a control; the same on every node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ControlSummary {
    pub id: Arc<str>,
    pub title: Option<Arc<str>>,
    /// 0.0 to 1.0.
    pub impact: f64,
    pub desc: Option<Arc<str>>,
    pub rationale: Option<Arc<str>>,
    pub fix: Option<Arc<str>>,
    pub tags: IndexMap<String, Value>,
    pub refs: Vec<Reference>,
    /// Relative to the profile: `controls/ssh.lua`.
    pub file: Arc<str>,
    pub line: usize,
    /// The Lua source of the control.
    pub code: Arc<str>,
}

/// Where a requirement comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reference {
    pub text: String,
    pub url: Option<String>,
}

/// An attribute as reports show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttributeSummary {
    pub name: Arc<str>,
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    pub required: bool,
    pub sensitive: bool,
    pub value: Value,
    /// Where the value comes from: `profile.yml:12`, `attrs.yml:3`, `--attr`.
    pub origin: String,
}

/// A control came to an end on a node.
#[derive(Debug, Clone, Serialize)]
pub struct ControlFinished {
    pub node: Arc<str>,
    pub profile: Arc<str>,
    pub control: Arc<ControlSummary>,
    pub outcome: Outcome,
    /// Why it is skipped, not applicable or errored as a whole.
    pub reason: Option<Arc<str>>,
    pub steps: Vec<Step>,
    /// The waiver that was looked at, whether or not it still holds.
    pub waiver: Option<WaiverSummary>,
    /// How often an `eventually` control was tried; 1 for all others.
    pub attempts: u32,
    /// RFC 3339 in UTC with milliseconds.
    pub started: String,
    /// Wall time in seconds, waiting for the node included.
    pub seconds: f64,
}

/// One result: a step of a `describe`, or what ended a control early.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    pub outcome: Outcome,
    /// `File /etc/shadow mode is at most "0640"`.
    pub sentence: String,
    /// What the matcher expects: `at most "0640"`; for errors `None`.
    pub expected: Option<String>,
    /// What was found, in words.
    pub found: Option<String>,
    /// Why it failed, errored or was skipped; `None` for a pass.
    pub message: Option<String>,
    /// A short Lua traceback of an error.
    pub traceback: Option<String>,
    /// The resource's name in the catalogue, such as `file`; `None` for a plain value.
    pub resource: Option<Cow<'static, str>>,
    /// Relative to the profile: `controls/ssh.lua`.
    pub file: Arc<str>,
    pub line: usize,
    /// What was looked at: probes in words, such as `stat /etc/shadow`.
    pub evidence: Vec<String>,
}

/// A waiver as reports show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WaiverSummary {
    pub justification: String,
    /// The last day it holds, `2026-12-31`.
    pub until: Option<String>,
    /// Whether it held on the day of the run.
    pub expired: bool,
}

/// A profile is done on a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileFinished {
    pub node: Arc<str>,
    pub profile: Arc<str>,
    pub tally: Tally,
    pub seconds: f64,
}

/// A node is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeFinished {
    pub node: Arc<str>,
    pub tally: Tally,
    pub seconds: f64,
    /// Round trips, different probes asked, probes sent in batches.
    pub rounds: usize,
    pub asked: usize,
    pub sent: usize,
    /// Bytes over the wire, in both directions; 0 where there is none.
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// Whether the run was ended before all its controls were reported.
    pub interrupted: bool,
    /// What a reader should know about how the node was looked at, such as why the agent
    /// was not used there.
    pub notes: Vec<Arc<str>>,
}

/// A stage of a pipeline came to an end, or was not begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageFinished {
    /// The pipeline's name.
    pub pipeline: Arc<str>,
    pub stage: Arc<str>,
    /// `provision`, `wait`, `validate`, `report` or `teardown`.
    pub kind: Arc<str>,
    /// Passed, errored, skipped, or not applicable where its `when` did not hold. What a validation
    /// found is told by its nodes; of the stage it is known here whether it could be done.
    pub outcome: Outcome,
    /// Why it is not passed.
    pub reason: Option<Arc<str>>,
    /// What was done in words, such as the command.
    pub what: String,
    /// How often it was tried; 0 where it was not begun.
    pub attempts: u32,
    /// RFC 3339 in UTC with milliseconds.
    pub started: String,
    /// Wall time in seconds over all attempts.
    pub seconds: f64,
    /// The file its output was kept in.
    pub log: Option<String>,
    /// The end of its output where it did not pass; control characters are left as they are.
    pub output: Option<String>,
}

/// The run is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunFinished {
    pub tally: Tally,
    pub seconds: f64,
    /// Whether it was interrupted, so that some controls never ran.
    pub interrupted: bool,
}
