//! The whole run in Probity's own schema, `probity/run`.
//!
//! What a profile says of its controls is the same on every node, so it is written once,
//! under `profiles`, with every control that any node selected; what was found is written by
//! node and names controls by id:
//!
//! ```json
//! {"format": "probity/run", "version": 1, "run": "…", "probity": "…", "started": "…",
//!  "planned": {"nodes": 1, "controls": 1},
//!  "nodes": [{"node": "…", "target": "…", "platform": {}, "error": null, "started": "…",
//!    "profiles": [{"profile": "…", "version": "…", "attributes": [], "tally": {},
//!      "controls": [{"control": "id", "outcome": "failed", "steps": [], "finished": "…"}]}],
//!    "tally": {}, "seconds": 0.3, "rounds": 3, "finished": "…"}],
//!  "profiles": [{"name": "…", "version": "…", "controls": [{"id": "…"}]}],
//!  "stages": [{"pipeline": "…", "stage": "…", "outcome": "passed", "finished": "…"}],
//!  "tally": {}, "seconds": 1.2, "interrupted": false, "finished": "…"}
//! ```
//!
//! A profile of a node lists as `planned` the ids of the controls that were to run there, in
//! order, where they are not those of `controls`: what it does not have in `controls` never ran.
//! `started` and `finished` are the times of events; `finished` is null where the run broke off
//! before. The document is whole: [`crate::results::read`] gives back the events it was made of.

use super::Reporter;
use crate::results::event::{AttributeSummary, ControlSummary, ProfileSummary, Step, WaiverSummary};
use crate::results::merge::union;
use crate::results::{
    ControlFinished, NodeFinished, NodeStarted, Outcome, RunEvent, RunFinished, StageFinished, Stamped, Tally,
};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

/// The major version of the schema.
pub const VERSION: u32 = 1;

/// Folds a run into `probity/run`; every node is written when it is done.
#[derive(Default)]
pub struct RunJson {
    begun: bool,
    nodes: usize,
    node: Option<Node>,
    profiles: Vec<Arc<ProfileSummary>>,
    /// Selections of them that were taken in, by their place in memory.
    taken: HashMap<usize, Arc<ProfileSummary>>,
    finished: Option<(String, RunFinished)>,
    tally: Tally,
    stages: Vec<Stage>,
}

#[derive(Serialize)]
struct Stage {
    #[serde(flatten)]
    stage: StageFinished,
    finished: String,
}

#[derive(Serialize)]
struct Node {
    #[serde(flatten)]
    node: NodeStarted,
    started: String,
    profiles: Vec<Profile>,
    tally: Tally,
    seconds: Option<f64>,
    rounds: usize,
    asked: usize,
    sent: usize,
    bytes_sent: u64,
    bytes_received: u64,
    interrupted: bool,
    notes: Vec<Arc<str>>,
    finished: Option<String>,
}

#[derive(Serialize)]
struct Profile {
    profile: Arc<str>,
    version: Arc<str>,
    sha256: Arc<str>,
    attributes: Vec<AttributeSummary>,
    not_applicable: Option<Arc<str>>,
    started: String,
    tally: Tally,
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<Vec<Arc<str>>>,
    controls: Vec<Control>,
    finished: Option<String>,
    #[serde(skip)]
    summary: Arc<ProfileSummary>,
}

#[derive(Serialize)]
struct Control {
    control: Arc<str>,
    outcome: Outcome,
    reason: Option<Arc<str>>,
    steps: Vec<Step>,
    waiver: Option<WaiverSummary>,
    attempts: u32,
    started: String,
    seconds: f64,
    finished: String,
}

impl RunJson {
    fn head(&mut self, head: serde_json::Value, out: &mut dyn Write) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            let head = head.to_string();
            // The object stays open for the nodes.
            write!(out, "{},\"nodes\":[", head.strip_suffix('}').unwrap_or(&head))?;
        }
        Ok(())
    }

    fn control(&mut self, control: &ControlFinished, time: &str) {
        self.tally.add(control.outcome);
        let Some(node) = &mut self.node else { return };
        node.tally.add(control.outcome);
        let Some(profile) = node.profiles.last_mut() else { return };
        profile.tally.add(control.outcome);
        let id = &control.control.id;
        let next = profile.summary.controls.get(profile.controls.len());
        let is = |planned: &Arc<ControlSummary>| planned.id == *id;
        if !next.is_some_and(is) && !profile.summary.controls.iter().any(is) {
            // Not what a run does; that its text is kept does not hang on it.
            let alone = ProfileSummary { controls: vec![control.control.clone()], ..(*profile.summary).clone() };
            describe(&mut self.profiles, &Arc::new(alone));
        }
        profile.controls.push(Control {
            control: control.control.id.clone(),
            outcome: control.outcome,
            reason: control.reason.clone(),
            steps: control.steps.clone(),
            waiver: control.waiver.clone(),
            attempts: control.attempts,
            started: control.started.clone(),
            seconds: control.seconds,
            finished: time.to_string(),
        });
    }

    fn end_node(&mut self, finished: Option<(&str, &NodeFinished)>, out: &mut dyn Write) -> io::Result<()> {
        let Some(mut node) = self.node.take() else { return Ok(()) };
        for profile in &mut node.profiles {
            let planned = profile.summary.controls.iter().map(|control| &control.id);
            if planned.clone().ne(profile.controls.iter().map(|control| &control.control)) {
                profile.planned = Some(planned.cloned().collect());
            }
        }
        if let Some((time, finished)) = finished {
            node.finished = Some(time.to_string());
            node.tally = finished.tally;
            node.seconds = Some(finished.seconds);
            (node.rounds, node.asked, node.sent) = (finished.rounds, finished.asked, finished.sent);
            (node.bytes_sent, node.bytes_received) = (finished.bytes_sent, finished.bytes_received);
            node.interrupted = finished.interrupted;
            node.notes.clone_from(&finished.notes);
        }
        out.write_all(if self.nodes == 0 { b"\n" } else { b",\n" })?;
        self.nodes += 1;
        serde_json::to_writer(&mut *out, &node)?;
        Ok(())
    }
}

impl Reporter for RunJson {
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()> {
        match &event.event {
            RunEvent::RunStarted(started) => {
                let head = serde_json::json!({
                    "format": "probity/run", "version": VERSION, "run": started.run,
                    "probity": started.probity, "started": event.time,
                    "planned": { "nodes": started.nodes, "controls": started.controls },
                });
                self.head(head, out)?;
            }
            RunEvent::NodeStarted(started) => {
                // Of a run that is well-formed the one before has ended.
                self.end_node(None, out)?;
                self.node = Some(Node {
                    node: started.clone(),
                    started: event.time.clone(),
                    profiles: Vec::new(),
                    tally: Tally::default(),
                    seconds: None,
                    rounds: 0,
                    asked: 0,
                    sent: 0,
                    bytes_sent: 0,
                    bytes_received: 0,
                    interrupted: false,
                    notes: Vec::new(),
                    finished: None,
                });
            }
            RunEvent::ProfileStarted(started) => {
                let summary = &started.profile;
                // Nodes share a selection, so that one look tells that it was seen.
                if self.taken.insert(Arc::as_ptr(summary) as usize, summary.clone()).is_none() {
                    describe(&mut self.profiles, summary);
                }
                if let Some(node) = &mut self.node {
                    node.profiles.push(Profile {
                        profile: summary.name.clone(),
                        version: summary.version.clone(),
                        sha256: summary.sha256.clone(),
                        attributes: started.attributes.clone(),
                        not_applicable: started.not_applicable.clone(),
                        started: event.time.clone(),
                        tally: Tally::default(),
                        seconds: None,
                        planned: None,
                        controls: Vec::new(),
                        finished: None,
                        summary: summary.clone(),
                    });
                }
            }
            RunEvent::ControlFinished(control) => self.control(control, &event.time),
            RunEvent::ProfileFinished(finished) => {
                if let Some(profile) = self.node.as_mut().and_then(|node| node.profiles.last_mut()) {
                    profile.seconds = Some(finished.seconds);
                    profile.tally = finished.tally;
                    profile.finished = Some(event.time.clone());
                }
            }
            RunEvent::NodeFinished(finished) => self.end_node(Some((&event.time, finished)), out)?,
            RunEvent::StageFinished(stage) => {
                self.stages.push(Stage { stage: (**stage).clone(), finished: event.time.clone() });
            }
            RunEvent::RunFinished(finished) => self.finished = Some((event.time.clone(), finished.clone())),
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.head(serde_json::json!({ "format": "probity/run", "version": VERSION }), out)?;
        self.end_node(None, out)?;
        let profiles = serde_json::to_string(&self.profiles)?;
        let end = self.finished.as_ref().map(|(_, finished)| finished);
        let tally = serde_json::to_string(&end.map_or(self.tally, |finished| finished.tally))?;
        let seconds = serde_json::json!(end.map(|finished| finished.seconds));
        let interrupted = end.is_none_or(|finished| finished.interrupted);
        let finished = serde_json::json!(self.finished.as_ref().map(|(time, _)| time));
        let stages = match self.stages.is_empty() {
            true => String::new(),
            false => format!("\n\"stages\":{},", serde_json::to_string(&self.stages)?),
        };
        writeln!(
            out,
            "\n],\n\"profiles\":{profiles},{stages}\n\"tally\":{tally},\"seconds\":{seconds},\"interrupted\":{interrupted},\"finished\":{finished}}}"
        )
    }
}

/// Adds what a selection of a profile describes and the profile did not yet.
fn describe(profiles: &mut Vec<Arc<ProfileSummary>>, selection: &Arc<ProfileSummary>) {
    let same = |known: &&mut Arc<ProfileSummary>| known.name == selection.name && known.sha256 == selection.sha256;
    match profiles.iter_mut().find(same) {
        Some(known) => *known = union(known, selection),
        None => profiles.push(selection.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_profile_is_written_once_and_every_node_in_full() {
        let text = sample::written(RunJson::default(), &sample::three_nodes());
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(text.starts_with(r#"{"format":"probity/run","version":1,"#), "{text}");
        assert_eq!(report["nodes"].as_array().unwrap().len(), 3);
        assert_eq!(report["profiles"].as_array().unwrap().len(), 1);
        let node = &report["nodes"][0];
        assert_eq!(node["profiles"][0]["controls"][1]["steps"][1]["found"], "\"yes\"");
        assert_eq!(node["rounds"], 3);
        assert!(report["nodes"][2]["error"].as_str().unwrap().contains("connection refused"));
        assert_eq!(report["tally"]["errored"], 8);
        assert_eq!(report["interrupted"], false);
    }

    #[test]
    fn a_run_that_broke_off_is_complete_in_form_and_says_so() {
        let mut events = sample::every_outcome();
        events.truncate(4);
        let report: serde_json::Value = serde_json::from_str(&sample::written(RunJson::default(), &events)).unwrap();
        assert_eq!(report["interrupted"], true);
        assert_eq!(report["nodes"][0]["profiles"][0]["controls"].as_array().unwrap().len(), 1);
        let nothing: serde_json::Value = serde_json::from_str(&sample::written(RunJson::default(), &[])).unwrap();
        assert_eq!(nothing["nodes"].as_array().unwrap().len(), 0);
    }
}
