//! InSpec's json-min: one flat entry for each result.

use super::Reporter;
use super::exec_json::said;
use super::page::reason_of;
use crate::results::{ControlFinished, NodeStarted, Outcome, RunEvent, Stamped};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

/// Folds a run into json-min; every entry is written when its control is done.
#[derive(Default)]
pub struct JsonMin {
    version: Cow<'static, str>,
    sha256: Option<Arc<str>>,
    begun: bool,
    /// The node that runs, until something was written of it.
    silent: Option<NodeStarted>,
    seconds: f64,
}

/// One result. InSpec's format has no node; readers ignore what they do not know.
#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    node: &'a str,
    profile_id: &'a str,
    profile_sha256: &'a str,
    status: &'static str,
    code_desc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backtrace: Option<Vec<&'a str>>,
}

impl JsonMin {
    fn entry(&mut self, entry: &Entry<'_>, out: &mut dyn Write) -> io::Result<()> {
        let lead: &[u8] = if std::mem::replace(&mut self.begun, true) { b",\n" } else { b"{\"controls\":[\n" };
        out.write_all(lead)?;
        serde_json::to_writer(&mut *out, entry)?;
        Ok(())
    }

    /// Writes that a node could not be reached, where none of its controls says so.
    fn unreached(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some(node) = self.silent.take() else { return Ok(()) };
        let Some(error) = &node.error else { return Ok(()) };
        let entry = Entry {
            id: "node reached",
            node: &node.node,
            profile_id: "",
            profile_sha256: "",
            status: "error",
            code_desc: "node reached and profile loaded",
            resource: None,
            message: Some(error.to_string()),
            skip_message: None,
            exception: Some("CouldNotCheck"),
            backtrace: None,
        };
        self.entry(&entry, out)
    }

    fn control(&mut self, control: &ControlFinished, out: &mut dyn Write) -> io::Result<()> {
        self.silent = None;
        let sha256 = self.sha256.clone().unwrap_or_else(|| "".into());
        let entry = |outcome: Outcome, text: Option<String>| {
            let skipped = matches!(outcome, Outcome::Skipped | Outcome::NotApplicable | Outcome::Waived);
            let (message, skip_message) = if skipped { (None, text) } else { (text, None) };
            Entry {
                id: &control.control.id,
                node: &control.node,
                profile_id: &control.profile,
                profile_sha256: &sha256,
                status: match outcome {
                    Outcome::Passed => "passed",
                    Outcome::Failed => "failed",
                    Outcome::Errored => "error",
                    Outcome::Skipped | Outcome::NotApplicable | Outcome::Waived => "skipped",
                },
                code_desc: control.control.title.as_deref().unwrap_or(&control.control.id),
                resource: None,
                message: message.filter(|_| outcome != Outcome::Passed),
                skip_message,
                exception: (outcome == Outcome::Errored).then_some("CouldNotCheck"),
                backtrace: None,
            }
        };
        for step in &control.steps {
            // A waiver covers what its control came to, step by step.
            let outcome = match (control.outcome, step.outcome) {
                (Outcome::Waived, Outcome::Failed | Outcome::Errored) => Outcome::Waived,
                (_, outcome) => outcome,
            };
            let mut entry = entry(outcome, Some(said(step)));
            entry.code_desc = &step.sentence;
            entry.resource = step.resource.as_deref();
            if outcome == Outcome::Errored {
                entry.backtrace = step.traceback.as_deref().map(|traceback| traceback.lines().collect());
            }
            self.entry(&entry, out)?;
        }
        if control.steps.is_empty() {
            self.entry(&entry(control.outcome, reason_of(control)), out)?;
        }
        Ok(())
    }
}

impl Reporter for JsonMin {
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()> {
        match &event.event {
            RunEvent::RunStarted(started) => self.version = started.probity.clone(),
            RunEvent::ProfileStarted(started) => self.sha256 = Some(started.profile.sha256.clone()),
            RunEvent::ControlFinished(control) => self.control(control, out)?,
            RunEvent::RunFinished(finished) => self.seconds = finished.seconds,
            RunEvent::NodeStarted(started) => self.silent = Some(started.clone()),
            RunEvent::NodeFinished(_) => self.unreached(out)?,
            RunEvent::StageFinished(_) | RunEvent::ProfileFinished(_) => {}
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.unreached(out)?;
        if !self.begun {
            out.write_all(b"{\"controls\":[")?;
        }
        let statistics = serde_json::json!({ "duration": self.seconds });
        let version = serde_json::json!(self.version);
        writeln!(out, "\n],\"statistics\":{statistics},\"version\":{version}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn one_entry_a_result_in_words_inspec_knows() {
        let text = sample::written(JsonMin::default(), &sample::every_outcome());
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let entries = report["controls"].as_array().unwrap();
        let of = |id: &str| -> Vec<&str> {
            entries.iter().filter(|entry| entry["id"] == id).map(|entry| entry["status"].as_str().unwrap()).collect()
        };
        assert_eq!(of("shadow-mode"), ["passed"]);
        assert_eq!(of("sshd-root-login"), ["passed", "failed", "failed"]);
        assert_eq!(of("time-sync"), ["failed", "error"]);
        assert_eq!(of("grub-password"), ["skipped"]);
        assert_eq!(of("cups-off"), ["skipped"], "waived");
        assert_eq!(report["statistics"]["duration"], 1.234);
    }

    #[test]
    fn a_node_out_of_reach_has_its_row_without_controls_too() {
        let dead = NodeStarted { error: Some("connection refused".into()), ..sample::node("web3") };
        let mut events = sample::run(vec![sample::node_events(dead, Vec::new())]);
        events.retain(|event| !matches!(event.event, RunEvent::ProfileStarted(_) | RunEvent::ProfileFinished(_)));
        let report: serde_json::Value = serde_json::from_str(&sample::written(JsonMin::default(), &events)).unwrap();
        let entry = &report["controls"][0];
        assert_eq!((&entry["node"], &entry["status"]), (&"web3".into(), &"error".into()));
        assert_eq!(entry["message"], "connection refused");
        let text = sample::written(JsonMin::default(), &sample::many(20, 12));
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let ids: Vec<_> = report["controls"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
        assert!(!ids.contains(&&"node reached".into()), "its controls say so already");
    }

    #[test]
    fn a_run_without_controls_is_json_too() {
        let text = sample::written(JsonMin::default(), &sample::run(Vec::new()));
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["controls"].as_array().unwrap().len(), 0);
    }
}
