//! `probity/run`: the whole run as one document, read node by node.

use super::lines::share;
use super::pieces::{Items, Limit};
use super::{PIECE, Take, damaged};
use crate::error::Error;
use crate::results::event::{
    AttributeSummary, ControlFinished, ControlSummary, NodeFinished, NodeStarted, PlatformSummary, ProfileFinished,
    ProfileStarted, ProfileSummary, RunFinished, RunStarted, StageFinished, Step, WaiverSummary,
};
use crate::results::{Outcome, RunEvent, Tally};
use indexmap::IndexSet;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// A document that was looked through: all of it but the nodes.
#[derive(Debug, Default)]
pub struct Document {
    pub nodes: Vec<Arc<str>>,
    run: Option<Arc<str>>,
    probity: Cow<'static, str>,
    started: String,
    planned: Option<PlannedRun>,
    profiles: Vec<Arc<ProfileSummary>>,
    stages: Vec<Stage>,
    tally: Tally,
    seconds: Option<f64>,
    interrupted: bool,
    finished: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct PlannedRun {
    nodes: usize,
    controls: usize,
}

#[derive(Debug, Deserialize)]
struct Stage {
    #[serde(flatten)]
    stage: StageFinished,
    #[serde(default)]
    finished: Option<String>,
}

/// A node, of which the name is wanted.
#[derive(Deserialize)]
struct Named {
    node: Arc<str>,
}

#[derive(Deserialize)]
struct Node {
    node: Arc<str>,
    target: Arc<str>,
    #[serde(default)]
    groups: Vec<Arc<str>>,
    user: Option<Arc<str>>,
    platform: Option<PlatformSummary>,
    error: Option<Arc<str>>,
    #[serde(default)]
    started: Option<String>,
    profiles: Vec<Profile>,
    tally: Tally,
    seconds: Option<f64>,
    rounds: usize,
    asked: usize,
    sent: usize,
    bytes_sent: u64,
    bytes_received: u64,
    interrupted: bool,
    #[serde(default)]
    notes: Vec<Arc<str>>,
    #[serde(default)]
    finished: Option<String>,
}

#[derive(Deserialize)]
struct Profile {
    profile: Arc<str>,
    sha256: Arc<str>,
    attributes: Vec<AttributeSummary>,
    not_applicable: Option<Arc<str>>,
    #[serde(default)]
    started: Option<String>,
    /// What was to be run, where it is not what was.
    #[serde(default)]
    planned: Option<Vec<Arc<str>>>,
    controls: Vec<Control>,
    tally: Tally,
    seconds: Option<f64>,
    #[serde(default)]
    finished: Option<String>,
}

#[derive(Deserialize)]
struct Control {
    control: Arc<str>,
    outcome: Outcome,
    reason: Option<Arc<str>>,
    steps: Vec<Step>,
    waiver: Option<WaiverSummary>,
    attempts: u32,
    started: String,
    seconds: f64,
    #[serde(default)]
    finished: Option<String>,
}

impl Document {
    /// Looks a file through.
    pub fn survey(path: &Path, file: &mut File) -> Result<Document, Error> {
        let mut document = Document::default();
        let limit = Limit::new(PIECE);
        let mut reader = serde_json::Deserializer::from_reader(BufReader::new(limit.on(file)));
        let seed = SurveySeed { document: &mut document, limit: &limit };
        let read = seed.deserialize(&mut reader).and_then(|()| reader.end());
        read.map_err(|error| damaged(path, 0, &error))?;
        Ok(document)
    }

    /// Passes on every event.
    pub fn each(&self, path: &Path, file: &mut File, take: Take<'_>) -> Result<(), Error> {
        if let Some(run) = &self.run {
            let (nodes, controls) = match self.planned {
                Some(planned) => (planned.nodes, planned.controls),
                None => (self.nodes.len(), self.tally.total()),
            };
            let (format, version) = ("probity/events", 1);
            let (run, probity) = (run.clone(), self.probity.clone());
            let started = RunStarted { format, version, run, probity, nodes, controls };
            take(self.started.clone(), RunEvent::RunStarted(started));
        }
        for Stage { stage, finished } in &self.stages {
            let time = finished.as_ref().unwrap_or(&self.started).clone();
            take(time, RunEvent::StageFinished(Box::new(stage.clone())));
        }
        let limit = Limit::new(PIECE);
        let mut reader = serde_json::Deserializer::from_reader(BufReader::new(limit.on(file)));
        let mut nodes = Nodes { document: self, described: self.described(), selections: HashMap::new(), take };
        let seed = EachSeed { nodes: &mut nodes, limit: &limit };
        let read = seed.deserialize(&mut reader).and_then(|()| reader.end());
        read.map_err(|error| damaged(path, 0, &error))?;
        let Nodes { take, .. } = nodes;
        if let Some(seconds) = self.seconds {
            let finished = RunFinished { tally: self.tally, seconds, interrupted: self.interrupted };
            take(self.finished.as_ref().unwrap_or(&self.started).clone(), RunEvent::RunFinished(finished));
        }
        Ok(())
    }

    /// The profiles by name and digest, with their controls by id.
    fn described(&self) -> HashMap<Key, Described> {
        let each = self.profiles.iter().map(|profile| {
            let controls = profile.controls.iter().map(|control| (control.id.clone(), control.clone())).collect();
            ((profile.name.clone(), profile.sha256.clone()), Described { profile: profile.clone(), controls })
        });
        each.collect()
    }
}

/// A profile's name and digest.
type Key = (Arc<str>, Arc<str>);

/// A profile with its controls by id.
struct Described {
    profile: Arc<ProfileSummary>,
    controls: HashMap<Arc<str>, Arc<ControlSummary>>,
}

/// The nodes on their way out.
struct Nodes<'a> {
    document: &'a Document,
    described: HashMap<Key, Described>,
    /// Selections of profiles that were made, so that nodes share them.
    selections: HashMap<Key, Vec<Arc<ProfileSummary>>>,
    take: Take<'a>,
}

impl Nodes<'_> {
    /// Passes on the events of a node; the error is what does not fit the rest of the file.
    fn node(&mut self, node: Node) -> Result<(), String> {
        let Node { node: name, target, groups, user, platform, error, started, profiles, finished, .. } = node;
        let begun = &self.document.started;
        let started = started.unwrap_or_else(|| begun.clone());
        let finished = finished.unwrap_or_else(|| started.clone());
        let event = NodeStarted { node: name.clone(), target, groups, user, platform, error };
        (self.take)(started.clone(), RunEvent::NodeStarted(event));
        for profile in profiles {
            self.profile(&name, profile, &started)?;
        }
        let Some(seconds) = node.seconds else { return Ok(()) };
        let event = NodeFinished {
            node: name,
            tally: node.tally,
            seconds,
            rounds: node.rounds,
            asked: node.asked,
            sent: node.sent,
            bytes_sent: node.bytes_sent,
            bytes_received: node.bytes_received,
            interrupted: node.interrupted,
            notes: node.notes,
        };
        (self.take)(finished, RunEvent::NodeFinished(event));
        Ok(())
    }

    fn profile(&mut self, node: &Arc<str>, profile: Profile, begun: &str) -> Result<(), String> {
        let Profile { profile: name, sha256, attributes, not_applicable, started, planned, controls, .. } = profile;
        let key = (name.clone(), sha256);
        let described = self
            .described
            .get(&key)
            .ok_or_else(|| format!("profile {name} of node {node} is not under profiles with the digest {}", key.1))?;
        // Documents of before `planned` do not tell what of a profile was left out on a node.
        let all_planned = self.document.planned.is_none() && self.document.interrupted;
        let summary = match planned {
            None if all_planned => described.profile.clone(),
            Some(ids) => select(described, self.selections.entry(key.clone()).or_default(), ids.iter())?,
            None => {
                let ids = controls.iter().map(|control| &control.control);
                select(described, self.selections.entry(key.clone()).or_default(), ids)?
            }
        };
        let started = started.unwrap_or_else(|| begun.to_string());
        let finished = profile.finished.unwrap_or_else(|| started.clone());
        let name = summary.name.clone();
        let event = ProfileStarted { node: node.clone(), profile: summary, attributes, not_applicable };
        (self.take)(started.clone(), RunEvent::ProfileStarted(Box::new(event)));
        for control in controls {
            let Control { control: id, outcome, reason, mut steps, waiver, attempts, seconds, .. } = control;
            let control_summary = of_profile(described, &id)?.clone();
            share(&mut steps, &control_summary);
            let event = ControlFinished {
                node: node.clone(),
                profile: name.clone(),
                control: control_summary,
                outcome,
                reason,
                steps,
                waiver,
                attempts,
                started: control.started,
                seconds,
            };
            let time = control.finished.unwrap_or_else(|| started.clone());
            (self.take)(time, RunEvent::ControlFinished(Box::new(event)));
        }
        let Some(seconds) = profile.seconds else { return Ok(()) };
        let event = ProfileFinished { node: node.clone(), profile: name, tally: profile.tally, seconds };
        (self.take)(finished, RunEvent::ProfileFinished(event));
        Ok(())
    }
}

/// A control as its profile describes it.
fn of_profile<'a>(described: &'a Described, id: &str) -> Result<&'a Arc<ControlSummary>, String> {
    let name = &described.profile.name;
    described.controls.get(id).ok_or_else(|| format!("control {id} is not described by profile {name} under profiles"))
}

/// The profile with some of its controls alone.
fn select<'a>(
    described: &Described,
    made: &mut Vec<Arc<ProfileSummary>>,
    ids: impl Iterator<Item = &'a Arc<str>> + Clone,
) -> Result<Arc<ProfileSummary>, String> {
    let same = |made: &&Arc<ProfileSummary>| made.controls.iter().map(|control| &control.id).eq(ids.clone());
    // Most nodes run what the one before them ran.
    if let Some(known) = made.iter().rev().take(8).chain([&described.profile]).find(same) {
        return Ok(known.clone());
    }
    let controls = ids.map(|id| of_profile(described, id).cloned()).collect::<Result<_, _>>()?;
    let selected = Arc::new(ProfileSummary { controls, ..(*described.profile).clone() });
    made.push(selected.clone());
    Ok(selected)
}

/// Reads everything but what is in the nodes.
struct SurveySeed<'a> {
    document: &'a mut Document,
    limit: &'a Limit,
}

impl<'de> DeserializeSeed<'de> for SurveySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SurveySeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the report of a run")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let document = self.document;
        let mut nodes: Option<IndexSet<Arc<str>>> = None;
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "run" => document.run = Some(map.next_value()?),
                "probity" => document.probity = map.next_value()?,
                "started" => document.started = map.next_value()?,
                "planned" => document.planned = map.next_value()?,
                "nodes" if nodes.is_some() => return Err(de::Error::custom("the nodes are there twice")),
                "nodes" => {
                    let nodes = nodes.insert(IndexSet::new());
                    let each = |named: Named| match nodes.insert(named.node.clone()) {
                        true => Ok(()),
                        false => Err(format!("node {} is there twice", named.node)),
                    };
                    map.next_value_seed(Items::new(self.limit, each))?;
                }
                "profiles" => document.profiles = map.next_value()?,
                "stages" => document.stages = map.next_value()?,
                "tally" => document.tally = map.next_value()?,
                "seconds" => document.seconds = map.next_value()?,
                "interrupted" => document.interrupted = map.next_value()?,
                "finished" => document.finished = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        document.nodes = nodes.ok_or_else(|| de::Error::missing_field("nodes"))?.into_iter().collect();
        Ok(())
    }
}

/// Reads the nodes.
struct EachSeed<'a, 'b> {
    nodes: &'a mut Nodes<'b>,
    limit: &'a Limit,
}

impl<'de> DeserializeSeed<'de> for EachSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EachSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the report of a run")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "nodes" {
                let each = |node| self.nodes.node(node);
                map.next_value_seed(Items::new(self.limit, each))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// What comes of reading without end within one node.
#[cfg(test)]
pub fn read_beyond(endless: impl std::io::Read, piece: u64) -> String {
    use std::io::Read;
    let start = std::io::Cursor::new(r#"{"format":"probity/run","version":1,"nodes":[{"node":"#.as_bytes());
    let limit = Limit::new(piece);
    let mut reader = serde_json::Deserializer::from_reader(BufReader::new(limit.on(start.chain(endless))));
    let mut document = Document::default();
    let seed = SurveySeed { document: &mut document, limit: &limit };
    seed.deserialize(&mut reader).expect_err("there is no end").to_string()
}
