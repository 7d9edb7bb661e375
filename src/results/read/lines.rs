//! `probity/events`: an event a line.

use super::head::unreadable;
use super::{Take, amiss, damaged};
use crate::error::{Error, Place};
use crate::results::event::{
    AttributeSummary, ControlFinished, ControlSummary, NodeFinished, NodeStarted, ProfileFinished, ProfileStarted,
    ProfileSummary, RunFinished, RunStarted, StageFinished, Step, WaiverSummary,
};
use crate::results::{Outcome, RunEvent};
use crate::value::Value;
use indexmap::IndexSet;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// The longest line that is read; the profile of thousands of controls with their source takes a
/// few megabytes.
const LINE: u64 = 64 << 20;

/// A file of events that was looked through.
#[derive(Debug)]
pub struct Lines {
    pub nodes: Vec<Arc<str>>,
    pub note: Option<String>,
}

/// What kind of event a line holds.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(default)]
    time: String,
}

#[derive(Deserialize)]
struct Begun {
    run: Arc<str>,
    probity: Cow<'static, str>,
    nodes: usize,
    controls: usize,
}

#[derive(Deserialize)]
struct Started<'a> {
    #[serde(borrow)]
    node: Cow<'a, str>,
    profile: Profile,
    attributes: Vec<AttributeSummary>,
    not_applicable: Option<Arc<str>>,
}

#[derive(Deserialize)]
struct Profile {
    name: Arc<str>,
    version: Arc<str>,
    sha256: Arc<str>,
    title: Option<Arc<str>>,
    summary: Option<Arc<str>>,
    maintainer: Option<Arc<str>>,
    license: Option<Arc<str>>,
    #[serde(default)]
    supports: Value,
    controls: Vec<Planned>,
}

/// A control in full, or its id.
#[derive(Deserialize)]
#[serde(untagged)]
enum Planned {
    New(Box<ControlSummary>),
    Known { id: Arc<str> },
}

#[derive(Deserialize)]
struct Finished<'a> {
    #[serde(borrow)]
    node: Cow<'a, str>,
    #[serde(borrow)]
    profile: Cow<'a, str>,
    #[serde(borrow)]
    control: Named<'a>,
    outcome: Outcome,
    reason: Option<Arc<str>>,
    steps: Vec<Step>,
    waiver: Option<WaiverSummary>,
    attempts: u32,
    started: String,
    seconds: f64,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

impl Lines {
    /// Looks a file through.
    pub fn survey(path: &Path, file: &mut File) -> Result<Lines, Error> {
        let mut nodes = IndexSet::new();
        let (mut runs, mut ended) = (0, false);
        let cut = each_line(path, file, |number, line| {
            let kind: Kind<'_> = serde_json::from_slice(line)?;
            match &*kind.event {
                "run_started" => runs += 1,
                "node_started" => {
                    let started: NodeStarted = serde_json::from_slice(line)?;
                    if !nodes.insert(started.node.clone()) {
                        return Ok(Err(amiss(path, number, format!("node {} is begun a second time", started.node))));
                    }
                }
                "run_finished" => ended = true,
                _ => {}
            }
            if runs > 1 {
                let error = Error::usage("a second run begins here").at(Place::line(path, number));
                return Ok(Err(
                    error.hint("keep each run in a file of its own; probity report merge makes one of them")
                ));
            }
            Ok(Ok(()))
        })?;
        let note = match (cut, ended) {
            (Some(number), _) => Some(format!("the run in {} broke off within line {number}", path.display())),
            (None, false) => Some(format!("the run in {} broke off before its end", path.display())),
            (None, true) => None,
        };
        Ok(Lines { nodes: nodes.into_iter().collect(), note })
    }

    /// Passes on every event.
    pub fn each(&self, path: &Path, file: &mut File, take: Take<'_>) -> Result<(), Error> {
        let mut stream =
            Stream { take, known: HashMap::new(), node: "".into(), profile: None, controls: HashMap::new() };
        each_line(path, file, |number, line| Ok(stream.line(line)?.map_err(|message| amiss(path, number, message))))?;
        Ok(())
    }
}

/// Goes through the lines of a file. Gives the number of a last line that was never written to
/// its end.
fn each_line(
    path: &Path,
    file: &mut File,
    mut each: impl FnMut(usize, &[u8]) -> serde_json::Result<Result<(), Error>>,
) -> Result<Option<usize>, Error> {
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = input.by_ref().take(LINE + 1).read_until(b'\n', &mut line);
        read.map_err(|error| unreadable(path, &error))?;
        if line.is_empty() {
            break;
        }
        if line.len() as u64 > LINE {
            let error = Error::usage(format!("the line is longer than {} MiB", LINE >> 20));
            return Err(error.at(Place::line(path, number)).hint("see that it is the file a run wrote"));
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match each(number, text) {
            Ok(done) => done?,
            // The rest of the line was never written.
            Err(error) if number > 1 && error.is_eof() && !line.ends_with(b"\n") => return Ok(Some(number)),
            Err(error) => return Err(damaged(path, number - 1, &error)),
        }
    }
    Ok(None)
}

/// Where a reader is in the events of a run.
struct Stream<'a> {
    take: Take<'a>,
    /// The controls that were described, by the digest of their profile.
    known: HashMap<Arc<str>, HashMap<Arc<str>, Arc<ControlSummary>>>,
    /// The node and the profile that are running.
    node: Arc<str>,
    profile: Option<Arc<ProfileSummary>>,
    /// Selections of a profile that were made, by its digest, so that nodes share them.
    controls: HashMap<Arc<str>, Vec<Arc<ProfileSummary>>>,
}

impl Stream<'_> {
    /// Takes the next line in; the inner error is what does not fit those before it.
    fn line(&mut self, line: &[u8]) -> serde_json::Result<Result<(), String>> {
        let kind: Kind<'_> = serde_json::from_slice(line)?;
        let event = match &*kind.event {
            "run_started" => {
                let Begun { run, probity, nodes, controls } = serde_json::from_slice(line)?;
                let (format, version) = ("probity/events", 1);
                RunEvent::RunStarted(RunStarted { format, version, run, probity, nodes, controls })
            }
            "node_started" => {
                let started: NodeStarted = serde_json::from_slice(line)?;
                (self.node, self.profile) = (started.node.clone(), None);
                RunEvent::NodeStarted(started)
            }
            "profile_started" => {
                let started: Started<'_> = serde_json::from_slice(line)?;
                match self.begun(&started.node).and_then(|()| self.started(started)) {
                    Ok(started) => RunEvent::ProfileStarted(Box::new(started)),
                    Err(message) => return Ok(Err(message)),
                }
            }
            "control_finished" => match self.finished(serde_json::from_slice(line)?) {
                Ok(finished) => RunEvent::ControlFinished(Box::new(finished)),
                Err(message) => return Ok(Err(message)),
            },
            "profile_finished" => {
                let mut finished: ProfileFinished = serde_json::from_slice(line)?;
                if let Err(message) = self.begun(&finished.node) {
                    return Ok(Err(message));
                }
                finished.node = self.node.clone();
                RunEvent::ProfileFinished(finished)
            }
            "node_finished" => {
                let mut finished: NodeFinished = serde_json::from_slice(line)?;
                if let Err(message) = self.begun(&finished.node) {
                    return Ok(Err(message));
                }
                finished.node = self.node.clone();
                RunEvent::NodeFinished(finished)
            }
            "stage_finished" => {
                let stage: StageFinished = serde_json::from_slice(line)?;
                RunEvent::StageFinished(Box::new(stage))
            }
            "run_finished" => {
                let finished: RunFinished = serde_json::from_slice(line)?;
                RunEvent::RunFinished(finished)
            }
            // What a newer minor version tells besides.
            _ => return Ok(Ok(())),
        };
        (self.take)(kind.time, event);
        Ok(Ok(()))
    }

    /// An error where another node is running.
    fn begun(&self, node: &str) -> Result<(), String> {
        match *self.node == *node {
            true => Ok(()),
            false => Err(format!("an event of node {node}, which was not begun before it")),
        }
    }

    fn started(&mut self, started: Started<'_>) -> Result<ProfileStarted, String> {
        let Started { profile, attributes, not_applicable, .. } = started;
        let known = self.known.entry(profile.sha256.clone()).or_default();
        let mut controls = Vec::with_capacity(profile.controls.len());
        for planned in profile.controls {
            let control = match planned {
                Planned::New(control) => known.entry(control.id.clone()).or_insert_with(|| Arc::new(*control)).clone(),
                Planned::Known { id } => known
                    .get(&id)
                    .ok_or_else(|| format!("control {id} of profile {} is not described before", profile.name))?
                    .clone(),
            };
            controls.push(control);
        }
        let made = self.controls.entry(profile.sha256.clone()).or_default();
        let Profile { name, version, sha256, title, summary, maintainer, license, supports, .. } = profile;
        let summary = ProfileSummary { name, version, sha256, title, summary, maintainer, license, supports, controls };
        let same = |made: &&Arc<ProfileSummary>| {
            made.controls.len() == summary.controls.len()
                && made.controls.iter().zip(&summary.controls).all(|(a, b)| Arc::ptr_eq(a, b))
                && (&made.name, &made.version, &made.title) == (&summary.name, &summary.version, &summary.title)
        };
        // Most nodes run what the one before them ran.
        let profile = match made.iter().rev().take(8).find(same) {
            Some(made) => made.clone(),
            None => {
                made.push(Arc::new(summary));
                made[made.len() - 1].clone()
            }
        };
        self.profile = Some(profile.clone());
        Ok(ProfileStarted { node: self.node.clone(), profile, attributes, not_applicable })
    }

    fn finished(&self, finished: Finished<'_>) -> Result<ControlFinished, String> {
        let Finished { node, profile, control, outcome, reason, mut steps, waiver, attempts, started, seconds } =
            finished;
        self.begun(&node)?;
        let running = self.profile.as_ref().filter(|running| *running.name == *profile);
        let running =
            running.ok_or_else(|| format!("a control of profile {profile}, which was not begun before it"))?;
        let control = self
            .known
            .get(&running.sha256)
            .and_then(|known| known.get(&*control.id))
            .ok_or_else(|| format!("control {} of profile {profile} is not described before", control.id))?;
        share(&mut steps, control);
        Ok(ControlFinished {
            node: self.node.clone(),
            profile: running.name.clone(),
            control: control.clone(),
            outcome,
            reason,
            steps,
            waiver,
            attempts,
            started,
            seconds,
        })
    }
}

/// Lets steps share the name of the file they are in, which is nearly always that of their control.
pub fn share(steps: &mut [Step], control: &ControlSummary) {
    for step in steps {
        if step.file == control.file {
            step.file = control.file.clone();
        }
    }
}
