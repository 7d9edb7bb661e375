//! The lines of a recording.

use crate::probe::{FaultKind, Observation, Probe};
use crate::results::mask::Masker;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The first line.
#[derive(Serialize, Deserialize)]
pub(super) struct First {
    pub format: String,
    pub version: u64,
    /// The release of Probity that wrote it.
    #[serde(default)]
    pub probity: String,
    pub node: String,
    pub target: String,
    pub user: String,
    /// The clock of the run, RFC 3339 in UTC.
    pub time: String,
}

/// Any other line: a probe with what came of it, or the end.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Observation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Trouble>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// Why a probe has no answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Trouble {
    pub kind: FaultKind,
    pub message: String,
}

/// The last line.
#[derive(Serialize, Deserialize)]
pub(super) struct End {
    /// How many lines with probes there are.
    pub observations: usize,
}

/// A probe or an observation without secrets.
///
/// # Errors
/// When what is left is none any more.
pub(super) fn masked<T: Serialize + DeserializeOwned>(item: &T, masker: &Masker) -> serde_json::Result<T> {
    let mut value = serde_json::to_value(item)?;
    mask(&mut value, masker);
    serde_json::from_value(value)
}

fn mask(value: &mut Value, masker: &Masker) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => {
            let masked = masker.mask_observation(text);
            if masked != text.as_str() {
                *text = masked.into_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, masker)),
        Value::Object(map) => {
            // Bytes that are no text; where a secret is among them, what is left becomes text.
            if let (1, Some(Value::String(base64))) = (map.len(), map.get("base64"))
                && let Ok(bytes) = BASE64_STANDARD.decode(base64)
            {
                let text = String::from_utf8_lossy(&bytes);
                let masked = masker.mask_observation(&text);
                if masked != text {
                    *value = Value::String(masked.into_owned());
                }
                return;
            }
            map.values_mut().for_each(|value| mask(value, masker));
        }
    }
}
