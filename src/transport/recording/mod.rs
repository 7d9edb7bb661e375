//! Recordings: what was observed of a node, kept in a file, and a profile run on it elsewhere.
//!
//! A recording is NDJSON. Its first line says what it is, of which node and when; then comes
//! a line for each probe with its answer, in the order first asked; the last one says how
//! many there are, so that a file that was cut off is told from a whole one. Bytes that are
//! no text are in base64.
//!
//! Secrets are masked before they are written; see [`Recorder::write`].

mod document;
mod read;
mod record;
#[cfg(test)]
mod tests;

pub use record::{Header, Recorder};

use super::{Transport, Unreachable, UnreachableKind};
use crate::error::Error;
use crate::probe::{Answer, Fault, FaultKind, Probe};
use crate::results::mask::Masker;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// What the first line calls itself.
pub const FORMAT: &str = "probity/recording";
/// The version written, and the newest that is read.
pub const VERSION: u64 = 1;
/// The most bytes of a recording that are read.
pub const MAX_BYTES: u64 = 512 << 20;

/// The transport of `recording:///FILE`: answers what was observed, and nothing else.
pub struct Recording {
    header: Header,
    answers: HashMap<Probe, Answer>,
    masker: Option<Arc<Masker>>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// The file cannot be read, is no recording, one of a newer version, cut off or larger
    /// than [`MAX_BYTES`]; a line that is broken, asks what another one asked, or answers a
    /// probe with an observation of another kind. Each with its line.
    pub fn read(path: &Path) -> Result<Recording, Error> {
        read::file(path)
    }

    /// Reads a recording from memory; `path` is what places name.
    ///
    /// # Errors
    /// As [`Recording::read`].
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Recording, Error> {
        read::bytes(path, bytes)
    }

    /// Of which node it is, and when it was made.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Finds probes also where a recording has them masked: a command that was given a
    /// secret on its standard input is found when the run at hand gives it one that
    /// `masker` knows, the same or another.
    #[must_use]
    pub fn with_masker(mut self, masker: Arc<Masker>) -> Recording {
        self.masker = Some(masker);
        self
    }

    fn answer(&self, probe: &Probe) -> Answer {
        let key = asked(probe);
        if let Some(answer) = self.answers.get(&*key) {
            return answer.clone();
        }
        if let Some(masker) = &self.masker
            && let Ok(masked) = document::masked(&*key, masker)
            && let Some(answer) = self.answers.get(&masked)
        {
            return answer.clone();
        }
        let (node, time) = (&self.header.node, self.header.time());
        let message = format!("{probe} was not observed when {node} was recorded at {time}; record it anew");
        Err(Fault::new(FaultKind::Unsupported, message))
    }
}

impl Transport for Recording {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        probes.iter().map(|probe| self.answer(probe)).collect()
    }

    fn answer_now(&self, probe: &Probe) -> Option<Answer> {
        Some(self.answer(probe))
    }

    /// The user the node was asked as.
    fn user(&self) -> String {
        self.header.user.clone()
    }

    fn clock(&self) -> Option<i64> {
        Some(self.header.now)
    }
}

/// Reads a recording as a node that is reached.
///
/// # Errors
/// As [`Recording::read`], on one line.
pub(super) fn open(path: &Path) -> Result<Recording, Unreachable> {
    Recording::read(path).map_err(|error| {
        let place = error.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let hints: String = error.hints.iter().map(|hint| format!("; {hint}")).collect();
        Unreachable::new(UnreachableKind::Setup, format!("{place}{}{hints}", error.message))
    })
}

/// A probe as it is looked up. Runs that must not share an answer cannot be told apart from
/// one run of a profile to the next, so that they share one in a recording: the last.
fn asked(probe: &Probe) -> Cow<'_, Probe> {
    match probe {
        Probe::Run(run) if run.fresh > 1 => {
            let mut run = run.clone();
            run.fresh = 1;
            Cow::Owned(Probe::Run(run))
        }
        probe => Cow::Borrowed(probe),
    }
}
