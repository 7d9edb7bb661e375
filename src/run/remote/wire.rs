//! What the controller and the pushed program say to each other: lines of JSON, a request
//! one way and frames the other. Both ends are the same build of the same program, found by
//! its digest, so that there is one version of this and no other.

use crate::results::event::{PlatformSummary, Step};
use crate::results::{ControlFinished, Outcome};
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most bytes of a request. An archive of a profile may unpack to less.
pub const REQUEST_CAP: u64 = 512 << 20;
/// The most bytes of one frame: a control with very many steps.
pub const FRAME_CAP: usize = 64 << 20;

/// All that a node is told: it leaves no trace on its disk.
#[derive(Serialize, Deserialize)]
pub struct Request {
    pub node: Arc<str>,
    pub target: String,
    pub groups: Vec<Arc<str>>,
    /// The clock of the run in seconds since 1970.
    pub now: i64,
    /// Whether what controls print is wanted.
    pub prints: bool,
    pub profiles: Vec<RequestedProfile>,
}

/// One profile with its values on the node.
#[derive(Serialize, Deserialize)]
pub struct RequestedProfile {
    pub name: Arc<str>,
    pub version: Arc<str>,
    pub controls: BTreeMap<Arc<str>, Arc<str>>,
    pub libraries: BTreeMap<Arc<str>, Arc<str>>,
    pub files: BTreeMap<Arc<str>, Binary>,
    /// The numbers of the selected controls.
    pub selected: Vec<usize>,
    pub supports: Vec<crate::profile::Supports>,
    pub values: Vec<(String, Plain)>,
    pub secrets: Vec<String>,
}

/// What the node tells, in the order of the run's events.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// The node was looked at.
    Started { user: Option<Arc<str>>, platform: Option<PlatformSummary> },
    /// It cannot be looked at.
    Unreachable { why: Arc<str> },
    /// The next profile begins.
    Profile { not_applicable: Option<Arc<str>> },
    /// A control of the current profile came to an end.
    Control(Box<ControlFrame>),
    /// The current profile is done.
    ProfileDone,
    /// What a control printed.
    Print { control: Option<String>, line: String },
    /// The node is done.
    Done { rounds: usize, asked: usize, sent: usize },
}

/// A control's result. The controller knows the rest of it.
#[derive(Serialize, Deserialize)]
pub struct ControlFrame {
    pub id: Arc<str>,
    pub outcome: Outcome,
    pub reason: Option<Arc<str>>,
    pub steps: Vec<StepFrame>,
    pub attempts: u32,
    pub started: String,
    pub seconds: f64,
}

/// A step, with the name of its resource as text.
#[derive(Serialize, Deserialize)]
pub struct StepFrame {
    pub outcome: Outcome,
    pub sentence: String,
    pub expected: Option<String>,
    pub found: Option<String>,
    pub message: Option<String>,
    pub traceback: Option<String>,
    pub resource: Option<String>,
    pub file: Arc<str>,
    pub line: usize,
    pub evidence: Vec<String>,
}

impl From<ControlFinished> for ControlFrame {
    fn from(control: ControlFinished) -> ControlFrame {
        ControlFrame {
            id: control.control.id.clone(),
            outcome: control.outcome,
            reason: control.reason,
            steps: control.steps.into_iter().map(StepFrame::from).collect(),
            attempts: control.attempts,
            started: control.started,
            seconds: control.seconds,
        }
    }
}

impl From<Step> for StepFrame {
    fn from(step: Step) -> StepFrame {
        let Step { outcome, sentence, expected, found, message, traceback, resource, file, line, evidence } = step;
        let resource = resource.map(std::borrow::Cow::into_owned);
        StepFrame { outcome, sentence, expected, found, message, traceback, resource, file, line, evidence }
    }
}

impl From<StepFrame> for Step {
    fn from(step: StepFrame) -> Step {
        let StepFrame { outcome, sentence, expected, found, message, traceback, resource, file, line, evidence } = step;
        // A name that is in no catalogue of ours is none.
        let resource = resource.and_then(|name| crate::resource::find(&name)).map(|entry| entry.name.into());
        Step { outcome, sentence, expected, found, message, traceback, resource, file, line, evidence }
    }
}

/// Bytes as base64.
#[derive(Serialize, Deserialize)]
pub struct Binary(String);

impl Binary {
    pub fn new(bytes: &[u8]) -> Binary {
        Binary(STANDARD.encode(bytes))
    }

    /// The bytes; `None` where it is no base64.
    pub fn bytes(&self) -> Option<Arc<[u8]>> {
        STANDARD.decode(&self.0).ok().map(Into::into)
    }
}

/// A value that comes out as it went in: numbers bit by bit, which JSON's own do not.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plain {
    Nil,
    Bool(bool),
    Int(i64),
    /// The bits of the number.
    Float(u64),
    Str(Arc<str>),
    Bytes(Binary),
    List(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

impl From<&Value> for Plain {
    fn from(value: &Value) -> Plain {
        match value {
            Value::Nil => Plain::Nil,
            Value::Bool(value) => Plain::Bool(*value),
            Value::Int(value) => Plain::Int(*value),
            Value::Float(value) => Plain::Float(value.to_bits()),
            Value::Str(text) => Plain::Str(text.clone()),
            Value::Bytes(bytes) => Plain::Bytes(Binary::new(bytes)),
            Value::List(items) => Plain::List(items.iter().map(Plain::from).collect()),
            Value::Map(map) => Plain::Map(map.iter().map(|(key, value)| (key.clone(), value.into())).collect()),
            // An attribute is never one of these; Lua would see the same text.
            Value::Mode(mode) => Plain::Str(crate::value::mode_text(*mode).into()),
            Value::Version(version) => Plain::Str(version.text.clone()),
        }
    }
}

impl Plain {
    /// The value.
    pub fn value(self) -> Value {
        match self {
            Plain::Nil => Value::Nil,
            Plain::Bool(value) => Value::Bool(value),
            Plain::Int(value) => Value::Int(value),
            Plain::Float(bits) => Value::Float(f64::from_bits(bits)),
            Plain::Str(text) => Value::Str(text),
            Plain::Bytes(bytes) => Value::Bytes(bytes.bytes().unwrap_or_default()),
            Plain::List(items) => Value::List(items.into_iter().map(Plain::value).collect()),
            Plain::Map(map) => {
                Value::Map(map.into_iter().map(|(key, value)| (key, value.value())).collect::<IndexMap<_, _>>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_out_as_they_went_in() {
        let map =
            Value::Map([("b".to_string(), Value::Nil), ("a".to_string(), Value::Bool(true))].into_iter().collect());
        let values = [
            Value::Float(0.1),
            Value::Float(f64::INFINITY),
            Value::Float(3.0),
            Value::Int(i64::MIN),
            Value::Bytes(Arc::from([0, 0xff])),
            Value::List(vec![map, Value::from("text")]),
        ];
        for value in values {
            let text = serde_json::to_string(&Plain::from(&value)).expect("JSON");
            let back: Plain = serde_json::from_str(&text).expect("JSON");
            assert_eq!(back.value(), value, "{text}");
        }
    }
}
