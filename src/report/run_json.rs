//! The whole run in Probity's own schema, `probity/run`.
//!
//! What a profile says of its controls is the same on every node, so it is written once,
//! under `profiles`; what was found is written by node and names controls by id:
//!
//! ```json
//! {"format": "probity/run", "version": 1, "run": "…", "probity": "…", "started": "…",
//!  "nodes": [{"node": "…", "target": "…", "platform": {}, "error": null,
//!    "profiles": [{"profile": "…", "version": "…", "attributes": [], "tally": {},
//!      "controls": [{"control": "id", "outcome": "failed", "steps": []}]}],
//!    "tally": {}, "seconds": 0.3, "rounds": 3}],
//!  "profiles": [{"name": "…", "version": "…", "controls": [{"id": "…"}]}],
//!  "stages": [{"pipeline": "…", "stage": "…", "outcome": "passed"}],
//!  "tally": {}, "seconds": 1.2, "interrupted": false}
//! ```
//!
//! A control that is listed by its profile and not by a node never ran there.

use super::Reporter;
use crate::results::event::{AttributeSummary, ProfileSummary, Step, WaiverSummary};
use crate::results::{
    ControlFinished, NodeFinished, NodeStarted, Outcome, RunEvent, RunFinished, StageFinished, Stamped, Tally,
};
use serde::Serialize;
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
    finished: Option<RunFinished>,
    tally: Tally,
    stages: Vec<StageFinished>,
}

#[derive(Serialize)]
struct Node {
    #[serde(flatten)]
    started: NodeStarted,
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
}

#[derive(Serialize)]
struct Profile {
    profile: Arc<str>,
    version: Arc<str>,
    sha256: Arc<str>,
    attributes: Vec<AttributeSummary>,
    not_applicable: Option<Arc<str>>,
    tally: Tally,
    seconds: Option<f64>,
    controls: Vec<Control>,
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
}

impl RunJson {
    fn head(&mut self, head: serde_json::Value, out: &mut dyn Write) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            let head = head.to_string();
            // The object stays open for the nodes.
            write!(out, "{},\"nodes\":[", head.trim_end_matches('}'))?;
        }
        Ok(())
    }

    fn control(&mut self, control: &ControlFinished) {
        self.tally.add(control.outcome);
        let Some(node) = &mut self.node else { return };
        node.tally.add(control.outcome);
        let Some(profile) = node.profiles.last_mut() else { return };
        profile.tally.add(control.outcome);
        profile.controls.push(Control {
            control: control.control.id.clone(),
            outcome: control.outcome,
            reason: control.reason.clone(),
            steps: control.steps.clone(),
            waiver: control.waiver.clone(),
            attempts: control.attempts,
            started: control.started.clone(),
            seconds: control.seconds,
        });
    }

    fn end_node(&mut self, finished: Option<&NodeFinished>, out: &mut dyn Write) -> io::Result<()> {
        let Some(mut node) = self.node.take() else { return Ok(()) };
        if let Some(finished) = finished {
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
                });
                self.head(head, out)?;
            }
            RunEvent::NodeStarted(started) => {
                self.node = Some(Node {
                    started: started.clone(),
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
                });
            }
            RunEvent::ProfileStarted(started) => {
                let summary = &started.profile;
                if !self.profiles.iter().any(|known| known.name == summary.name && known.sha256 == summary.sha256) {
                    self.profiles.push(summary.clone());
                }
                if let Some(node) = &mut self.node {
                    node.profiles.push(Profile {
                        profile: summary.name.clone(),
                        version: summary.version.clone(),
                        sha256: summary.sha256.clone(),
                        attributes: started.attributes.clone(),
                        not_applicable: started.not_applicable.clone(),
                        tally: Tally::default(),
                        seconds: None,
                        controls: Vec::new(),
                    });
                }
            }
            RunEvent::ControlFinished(control) => self.control(control),
            RunEvent::ProfileFinished(finished) => {
                if let Some(profile) = self.node.as_mut().and_then(|node| node.profiles.last_mut()) {
                    profile.seconds = Some(finished.seconds);
                }
            }
            RunEvent::NodeFinished(finished) => self.end_node(Some(finished), out)?,
            RunEvent::StageFinished(stage) => self.stages.push((**stage).clone()),
            RunEvent::RunFinished(finished) => self.finished = Some(finished.clone()),
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.head(serde_json::json!({ "format": "probity/run", "version": VERSION }), out)?;
        self.end_node(None, out)?;
        let profiles = serde_json::to_string(&self.profiles)?;
        let tally = serde_json::to_string(&self.tally)?;
        let seconds = serde_json::json!(self.finished.as_ref().map(|finished| finished.seconds));
        let interrupted = self.finished.as_ref().is_none_or(|finished| finished.interrupted);
        let stages = match self.stages.is_empty() {
            true => String::new(),
            false => format!("\n\"stages\":{},", serde_json::to_string(&self.stages)?),
        };
        writeln!(
            out,
            "\n],\n\"profiles\":{profiles},{stages}\n\"tally\":{tally},\"seconds\":{seconds},\"interrupted\":{interrupted}}}"
        )
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
