//! The events of the run as they happen, one JSON object a line.
//!
//! What a profile says of its controls is the same on every node and is four fifths of all
//! text, so it is written once: `profile_started` holds the controls in full the first time
//! the profile is heard of and `{"id": …}` of each after that; `control_finished` holds the
//! id, the title and the impact of its control.

use super::Reporter;
use crate::results::event::{AttributeSummary, ControlSummary, ProfileSummary, Step, WaiverSummary};
use crate::results::{ControlFinished, Outcome, ProfileStarted, RunEvent, Stamped};
use crate::value::Value;
use serde::Serialize;
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

/// Writes every event as a line of JSON; the first names the format and its version.
#[derive(Debug, Default)]
pub struct Ndjson {
    /// The controls that were written in full, by the digest of their profile.
    written: HashSet<(Arc<str>, Arc<str>)>,
}

/// An event in other words than its own.
#[derive(Serialize)]
struct Line<'a, T> {
    sequence: u64,
    time: &'a str,
    event: &'static str,
    #[serde(flatten)]
    fields: T,
}

#[derive(Serialize)]
struct Started<'a> {
    node: &'a str,
    profile: Profile<'a>,
    attributes: &'a [AttributeSummary],
    not_applicable: &'a Option<Arc<str>>,
}

#[derive(Serialize)]
struct Profile<'a> {
    name: &'a str,
    version: &'a str,
    sha256: &'a str,
    title: &'a Option<Arc<str>>,
    summary: &'a Option<Arc<str>>,
    maintainer: &'a Option<Arc<str>>,
    license: &'a Option<Arc<str>>,
    supports: &'a Value,
    controls: Vec<Planned<'a>>,
}

/// A control in full, or its id.
#[derive(Serialize)]
#[serde(untagged)]
enum Planned<'a> {
    New(&'a ControlSummary),
    Known { id: &'a str },
}

#[derive(Serialize)]
struct Finished<'a> {
    node: &'a str,
    profile: &'a str,
    control: Control<'a>,
    outcome: Outcome,
    reason: &'a Option<Arc<str>>,
    steps: &'a [Step],
    waiver: &'a Option<WaiverSummary>,
    attempts: u32,
    started: &'a str,
    seconds: f64,
}

#[derive(Serialize)]
struct Control<'a> {
    id: &'a str,
    title: &'a Option<Arc<str>>,
    impact: f64,
}

impl Ndjson {
    fn started<'a>(&mut self, started: &'a ProfileStarted) -> Started<'a> {
        // Field by field, so that a new one cannot be left out unseen.
        let ProfileStarted { node, profile, attributes, not_applicable } = started;
        let ProfileSummary { name, version, sha256, title, summary, maintainer, license, supports, controls } =
            &**profile;
        let controls = controls.iter().map(|control| {
            // A later node may run other controls of the profile than the first.
            match self.written.insert((sha256.clone(), control.id.clone())) {
                true => Planned::New(control),
                false => Planned::Known { id: &control.id },
            }
        });
        let controls = controls.collect();
        let profile = Profile { name, version, sha256, title, summary, maintainer, license, supports, controls };
        Started { node, profile, attributes, not_applicable }
    }
}

fn finished(finished: &ControlFinished) -> Finished<'_> {
    let ControlFinished { node, profile, control, outcome, reason, steps, waiver, attempts, started, seconds } =
        finished;
    let control = Control { id: &control.id, title: &control.title, impact: control.impact };
    let (outcome, attempts, seconds) = (*outcome, *attempts, *seconds);
    Finished { node, profile, control, outcome, reason, steps, waiver, attempts, started, seconds }
}

impl Reporter for Ndjson {
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()> {
        let (sequence, time) = (event.sequence, &*event.time);
        match &event.event {
            RunEvent::ProfileStarted(started) => {
                let fields = self.started(started);
                serde_json::to_writer(&mut *out, &Line { sequence, time, event: "profile_started", fields })?;
            }
            RunEvent::ControlFinished(control) => {
                let fields = finished(control);
                serde_json::to_writer(&mut *out, &Line { sequence, time, event: "control_finished", fields })?;
            }
            RunEvent::RunStarted(_)
            | RunEvent::NodeStarted(_)
            | RunEvent::ProfileFinished(_)
            | RunEvent::NodeFinished(_)
            | RunEvent::StageFinished(_)
            | RunEvent::RunFinished(_) => serde_json::to_writer(&mut *out, event)?,
        }
        out.write_all(b"\n")
    }

    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use serde_json::Value as Json;

    #[test]
    fn every_field_of_every_event_is_there_and_a_control_in_full_once() {
        let events = sample::many(20, 12);
        let text = sample::written(Ndjson::default(), &events);
        assert_eq!(text.lines().count(), events.len());
        let mut described = HashSet::new();
        for (line, event) in text.lines().zip(&events) {
            let (line, whole): (Json, Json) =
                (serde_json::from_str(line).unwrap(), serde_json::to_value(event).unwrap());
            let keys = |json: &Json| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&line), keys(&whole), "in the same order");
            match &event.event {
                RunEvent::ControlFinished(_) => {
                    assert_eq!(keys(&line["control"]), ["id", "title", "impact"]);
                    assert_eq!(line["steps"], whole["steps"]);
                }
                RunEvent::ProfileStarted(_) => {
                    assert_eq!(keys(&line["profile"]), keys(&whole["profile"]));
                    let controls = line["profile"]["controls"].as_array().unwrap();
                    for (control, whole) in controls.iter().zip(whole["profile"]["controls"].as_array().unwrap()) {
                        let first = described.insert((line["profile"]["sha256"].clone(), control["id"].clone()));
                        assert_eq!(control["id"], whole["id"]);
                        assert_eq!(first, control == whole, "{control}");
                    }
                }
                _ => assert_eq!(line, whole),
            }
        }
    }
}
