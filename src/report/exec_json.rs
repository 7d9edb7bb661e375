//! InSpec's exec-json of one node, for Heimdall, SAF CLI and other readers of HDF.
//!
//! Those readers compute a control's status from its impact, its waiver and the statuses
//! of its results, so what InSpec has no word for is written the way they read it
//! (`inspecjs`, `compat_inspec_1_0`):
//!
//! | outcome | written as | they say |
//! | --- | --- | --- |
//! | passed | every result `passed` | Passed |
//! | failed | a result `failed`, none `error` | Failed |
//! | errored | a result `error` with a backtrace; no results for what never ran | Profile Error |
//! | skipped | every result `skipped`, also those that passed before | Not Reviewed |
//! | not_applicable | impact 0, every result `skipped` | Not Applicable |
//! | waived | `waiver_data.skipped_due_to_waiver`, no result `error` or `failed` | Not Applicable |
//!
//! Impact 0 means "not applicable" to them, so a control of impact 0 that does apply is
//! written with 0.01, which they still rate as severity "none".

use super::Reporter;
use super::page::reason_of;
use crate::results::event::{ControlSummary, Step};
use crate::results::{ControlFinished, NodeStarted, Outcome, ProfileStarted, RunEvent, RunStarted, Stamped};
use crate::value::Value as Found;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

/// Folds the events of one node into exec-json. Events of a second node replace those of
/// the first; [`super::Outputs`] sees to it that there is none.
#[derive(Default)]
pub struct ExecJson {
    run: Option<RunStarted>,
    node: Option<NodeStarted>,
    profiles: Vec<Profile>,
    seconds: f64,
    interrupted: bool,
}

struct Profile {
    started: ProfileStarted,
    controls: Vec<Value>,
    seen: HashSet<Arc<str>>,
}

impl Reporter for ExecJson {
    fn event(&mut self, event: &Stamped, _out: &mut dyn Write) -> io::Result<()> {
        match &event.event {
            RunEvent::RunStarted(started) => self.run = Some(started.clone()),
            RunEvent::NodeStarted(started) => {
                self.node = Some(started.clone());
                self.profiles.clear();
            }
            RunEvent::ProfileStarted(started) => {
                self.profiles.push(Profile { started: (**started).clone(), controls: Vec::new(), seen: HashSet::new() })
            }
            RunEvent::ControlFinished(finished) => {
                if let Some(profile) = self.profiles.last_mut() {
                    profile.seen.insert(finished.control.id.clone());
                    profile.controls.push(control(finished));
                }
            }
            RunEvent::ProfileFinished(_) | RunEvent::StageFinished(_) => {}
            RunEvent::NodeFinished(finished) => self.seconds = finished.seconds,
            RunEvent::RunFinished(finished) => self.interrupted = finished.interrupted,
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let platform = self.node.as_ref().and_then(|node| node.platform.as_ref());
        let node = self.node.as_ref();
        let document = json!({
            "platform": {
                "name": platform.map_or("unknown", |platform| &platform.name),
                "release": platform.map_or("", |platform| &platform.release),
                "target_id": node.map(|node| &node.node),
            },
            "profiles": std::mem::take(&mut self.profiles).into_iter().map(profile).collect::<Vec<_>>(),
            "statistics": { "duration": self.seconds },
            "version": self.run.as_ref().map_or("", |run| &*run.probity),
            "passthrough": { "probity": {
                "format": "probity/exec-json",
                "version": 1,
                "run": self.run.as_ref().map(|run| &run.run),
                "node": node.map(|node| &node.node),
                "target": node.map(|node| &node.target),
                "user": node.and_then(|node| node.user.as_ref()),
                "error": node.and_then(|node| node.error.as_ref()),
                "interrupted": self.interrupted,
            } },
        });
        serde_json::to_writer(&mut *out, &document)?;
        out.write_all(b"\n")
    }
}

fn profile(profile: Profile) -> Value {
    let Profile { started, mut controls, seen } = profile;
    let summary = &started.profile;
    // Without results they read as "Profile Error", which is what never having run is.
    let unheard = summary.controls.iter().filter(|control| !seen.contains(&control.id));
    controls.extend(unheard.map(|control| described(control, rated(control.impact), Vec::new())));
    let attributes: Vec<Value> = started
        .attributes
        .iter()
        .map(|attribute| {
            json!({ "name": attribute.name, "options": {
                "value": attribute.value,
                "type": attribute.kind,
                "required": attribute.required,
                "sensitive": attribute.sensitive,
                "origin": attribute.origin,
            } })
        })
        .collect();
    let mut groups: Vec<(Arc<str>, Vec<Arc<str>>)> = Vec::new();
    for control in &summary.controls {
        match groups.last_mut().filter(|(file, _)| *file == control.file) {
            Some((_, ids)) => ids.push(control.id.clone()),
            None => groups.push((control.file.clone(), vec![control.id.clone()])),
        }
    }
    let groups = groups.into_iter().map(|(id, controls)| json!({ "id": id, "controls": controls, "title": null }));
    json!({
        "name": summary.name,
        "version": summary.version,
        "sha256": summary.sha256,
        "title": summary.title,
        "maintainer": summary.maintainer,
        "summary": summary.summary,
        "license": summary.license,
        "supports": supports(&summary.supports),
        "attributes": attributes,
        "groups": groups.collect::<Vec<_>>(),
        "controls": controls,
        "status": if started.not_applicable.is_some() { "skipped" } else { "loaded" },
        "skip_message": started.not_applicable,
        "status_message": started.not_applicable,
    })
}

fn control(finished: &ControlFinished) -> Value {
    let impact = match finished.outcome {
        Outcome::NotApplicable => 0.0,
        _ => rated(finished.control.impact),
    };
    let mut results: Vec<Value> = finished.steps.iter().map(|step| step_result(step, finished)).collect();
    let expressed = results.iter().any(|result| result["status"] == status_of(finished.outcome));
    if !expressed {
        results.push(whole_result(finished));
    }
    let mut control = described(&finished.control, impact, results);
    if let Some(waiver) = &finished.waiver {
        let waived = finished.outcome == Outcome::Waived;
        let message = match (waived, waiver.expired) {
            (true, _) => "",
            (false, true) => "the waiver expired before this run",
            (false, false) => "the waiver was not needed",
        };
        control["waiver_data"] = json!({
            "justification": waiver.justification,
            "expiration_date": waiver.until,
            "run": true,
            "skipped_due_to_waiver": waived,
            "message": message,
        });
    }
    control
}

/// A control with its metadata, in the shape of InSpec.
fn described(control: &ControlSummary, impact: f64, results: Vec<Value>) -> Value {
    let descriptions = [("default", &control.desc), ("rationale", &control.rationale), ("fix", &control.fix)]
        .into_iter()
        .filter_map(|(label, data)| data.as_ref().map(|data| json!({ "label": label, "data": data })));
    let references = control.refs.iter().map(|reference| match &reference.url {
        Some(url) => json!({ "ref": reference.text, "url": url }),
        None => json!({ "ref": reference.text }),
    });
    json!({
        "id": control.id,
        "title": control.title,
        "desc": control.desc,
        "descriptions": descriptions.collect::<Vec<_>>(),
        "impact": impact,
        "refs": references.collect::<Vec<_>>(),
        "tags": tags(control, impact),
        "code": control.code,
        "source_location": { "ref": control.file, "line": control.line },
        "waiver_data": {},
        "results": results,
    })
}

/// A status in the words of the format.
fn status_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Errored => "error",
        Outcome::Skipped | Outcome::NotApplicable | Outcome::Waived => "skipped",
    }
}

fn step_result(step: &Step, control: &ControlFinished) -> Value {
    let mut result = Map::new();
    // One `passed` among them would make "Passed" of a control that was skipped; one
    // `failed` or `error` would show through a waiver.
    let outcome = match (control.outcome, step.outcome) {
        (Outcome::Skipped | Outcome::NotApplicable, _) => Outcome::Skipped,
        (Outcome::Waived, Outcome::Failed | Outcome::Errored) => Outcome::Waived,
        (_, outcome) => outcome,
    };
    result.insert("status".into(), status_of(outcome).into());
    result.insert("code_desc".into(), step.sentence.as_str().into());
    result.insert("run_time".into(), json!(0.0));
    result.insert("start_time".into(), control.started.as_str().into());
    result.insert("resource".into(), json!(step.resource));
    result.insert("source_location".into(), json!({ "ref": step.file, "line": step.line }));
    let message = said(step);
    match outcome {
        Outcome::Passed => {}
        Outcome::Failed => {
            result.insert("message".into(), message.into());
        }
        Outcome::Errored => {
            let place = format!("{}:{}", step.file, step.line);
            let traceback = step.traceback.as_deref().unwrap_or_default().lines();
            let backtrace: Vec<&str> = std::iter::once(place.as_str()).chain(traceback).collect();
            result.insert("backtrace".into(), json!(backtrace));
            result.insert("exception".into(), "CouldNotCheck".into());
            result.insert("message".into(), message.into());
        }
        Outcome::Skipped | Outcome::NotApplicable | Outcome::Waived => {
            let lead = match step.outcome {
                Outcome::Skipped => String::new(),
                other => format!("{}, and the control {}: ", other.words(), why(control)),
            };
            result.insert("skip_message".into(), format!("{lead}{message}").into());
        }
    }
    Value::Object(result)
}

/// What came of a control as a whole, where none of its steps says it.
fn whole_result(control: &ControlFinished) -> Value {
    let reason = reason_of(control).unwrap_or_else(|| control.outcome.words().to_string());
    let mut result = json!({
        "status": status_of(control.outcome),
        "code_desc": control.control.title.as_deref().unwrap_or(&control.control.id),
        "run_time": control.seconds,
        "start_time": control.started,
    });
    match control.outcome {
        Outcome::Passed | Outcome::Failed => result["message"] = reason.into(),
        Outcome::Errored => {
            result["message"] = reason.into();
            result["exception"] = "CouldNotCheck".into();
            result["backtrace"] = json!([format!("{}:{}", control.control.file, control.control.line)]);
        }
        Outcome::Skipped | Outcome::NotApplicable => result["skip_message"] = reason.into(),
        Outcome::Waived => result["skip_message"] = why(control).into(),
    }
    result
}

fn why(control: &ControlFinished) -> String {
    match (control.outcome, &control.waiver) {
        (Outcome::Waived, Some(waiver)) => match &waiver.until {
            Some(until) => format!("is waived until {until}: {}", waiver.justification),
            None => format!("is waived: {}", waiver.justification),
        },
        _ => {
            let reason = control.reason.as_deref().unwrap_or("no reason given");
            format!("is {}: {reason}", control.outcome.words())
        }
    }
}

/// What a step has to say for itself, in words for people.
pub fn said(step: &Step) -> String {
    match (&step.message, &step.expected, &step.found) {
        (Some(message), _, _) => message.clone(),
        (None, Some(expected), Some(found)) => format!("expected {expected}, found {found}"),
        (None, Some(expected), None) => format!("expected {expected}"),
        (None, None, Some(found)) => format!("found {found}"),
        (None, None, None) => step.sentence.clone(),
    }
}

/// An impact that is not mistaken for "not applicable".
fn rated(impact: f64) -> f64 {
    if impact > 0.0 { impact.min(1.0) } else { 0.01 }
}

/// The tags, with those that the readers use by name in the types they expect: a number
/// as `severity` or `nist` makes them fail on the whole file.
fn tags(control: &ControlSummary, impact: f64) -> Value {
    let mut tags = Map::new();
    for (name, value) in &control.tags {
        let value = match (name.as_str(), value) {
            ("severity" | "severityoverride", value) => plain(value).into(),
            ("nist" | "cci", Found::List(items)) => items.iter().map(plain).collect(),
            ("nist" | "cci", value) => json!([plain(value)]),
            _ => value.to_json(),
        };
        tags.insert(name.clone(), value);
    }
    if impact == 0.0 {
        // The impact says "not applicable" here; how much it would matter stays known.
        tags.entry("severity").or_insert_with(|| severity(control.impact).into());
    }
    Value::Object(tags)
}

/// The severity those readers give to an impact.
pub fn severity(impact: f64) -> &'static str {
    match impact {
        impact if impact < 0.1 => "none",
        impact if impact < 0.4 => "low",
        impact if impact < 0.7 => "medium",
        impact if impact < 0.9 => "high",
        _ => "critical",
    }
}

fn plain(value: &Found) -> String {
    value.as_text().map_or_else(|| value.to_string(), |text| text.into_owned())
}

/// The `supports` entries under InSpec's names; the values must be strings.
fn supports(supports: &Found) -> Value {
    let Found::List(entries) = supports else { return json!([]) };
    entries
        .iter()
        .filter_map(|entry| match entry {
            Found::Map(entry) => Some(entry),
            _ => None,
        })
        .map(|entry| {
            let named = entry.iter().map(|(key, value)| {
                let key = match key.as_str() {
                    "family" => "platform-family",
                    "name" => "platform-name",
                    other => other,
                };
                (key.to_string(), Value::from(plain(value)))
            });
            Value::Object(named.collect())
        })
        .collect()
}

#[cfg(test)]
#[path = "exec_json_tests.rs"]
mod tests;
