//! What a run over several nodes found, each finding once with the nodes that share it.
//!
//! What is kept grows with the findings that differ and with the nodes, not with nodes
//! times controls: of a control that passed only a count, of any other a digest and one
//! sample of those that are alike.

use super::page::{is_bad, reason_of};
use crate::results::event::{ControlSummary, Step};
use crate::results::{ControlFinished, NodeFinished, NodeStarted, Outcome, RunEvent, RunFinished, Stamped, Tally};
use indexmap::IndexMap;
use indexmap::map::Entry;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Samples that are kept of one control: more than are shown, so that the most frequent
/// findings are among them wherever in the run they turn up.
const SAMPLES: usize = 32;
/// Steps of a sample that are kept; the rest is counted.
pub const STEPS: usize = 5;
/// What begins the error of a node that was given up before it was begun.
pub const NOT_STARTED: &str = "not started: ";

/// The nodes of a run by their place in it, which is the order of the plan.
pub type Nodes = Vec<u32>;

/// A fold over a run into what its nodes have in common.
#[derive(Default)]
pub struct Findings {
    pub nodes: Vec<Node>,
    /// By name, version and digest: nodes may have run one version of several contents.
    pub profiles: IndexMap<[Arc<str>; 3], Profile>,
    /// Why nodes were out of reach, or never begun.
    pub unreachable: IndexMap<String, Nodes>,
    pub not_started: IndexMap<String, Nodes>,
    pub notes: IndexMap<String, Nodes>,
    pub cost: Cost,
    /// How many controls the run was to report.
    pub planned: usize,
    pub finished: Option<RunFinished>,
    /// The place of the profile that is running.
    current: usize,
}

/// A node as the summary needs it.
pub struct Node {
    pub name: Arc<str>,
    pub tally: Tally,
    pub error: Option<Arc<str>>,
    /// Whether the run ended before all its controls were reported.
    is_unfinished: bool,
    /// What a reason may call the node by.
    called: Vec<String>,
}

/// A profile over all nodes.
#[derive(Default)]
pub struct Profile {
    pub title: Option<Arc<str>>,
    pub tally: Tally,
    /// Why it does not apply to nodes.
    pub not_applicable: IndexMap<String, Nodes>,
    /// Every control, in the order of the profile, with what was found where it did not pass.
    places: IndexMap<Arc<str>, Option<Control>>,
    not_applicable_here: Option<Arc<str>>,
}

/// A control that did not pass somewhere.
pub struct Control {
    pub summary: Arc<ControlSummary>,
    findings: IndexMap<[u8; 16], Finding>,
    samples: usize,
}

/// What some nodes have in common about a control.
pub struct Finding {
    pub outcome: Outcome,
    pub nodes: Nodes,
    /// One of them, without the steps that passed; `None` where there are too many kinds.
    pub sample: Option<Box<Sample>>,
}

/// A control's result as it is shown.
pub struct Sample {
    pub control: ControlFinished,
    /// Steps that did not pass and are not in it.
    pub more: usize,
}

/// What it took to look at the nodes.
#[derive(Default, Clone, Copy)]
pub struct Cost {
    /// The fewest and the most round trips a node took.
    pub rounds: Option<(usize, usize)>,
    pub asked: usize,
    pub sent: usize,
    pub bytes_sent: u64,
    pub bytes_received: u64,
}

impl Cost {
    /// Adds what a node took.
    pub fn add(&mut self, node: &NodeFinished) {
        // A node that was never asked would hide what one that was takes.
        if node.rounds > 0 {
            let (least, most) = self.rounds.unwrap_or((node.rounds, node.rounds));
            self.rounds = Some((least.min(node.rounds), most.max(node.rounds)));
        }
        self.asked += node.asked;
        self.sent += node.sent;
        self.bytes_sent += node.bytes_sent;
        self.bytes_received += node.bytes_received;
    }

    /// `3 rounds, 412 probes asked, 398 sent, 31 KB out, 212 KB in`.
    pub fn words(&self) -> String {
        let rounds = match self.rounds {
            None => "no round".to_string(),
            Some((1, 1)) => "1 round".to_string(),
            Some((least, most)) if least == most => format!("{most} rounds"),
            Some((least, most)) => format!("{least} to {most} rounds"),
        };
        let mut words = format!("{rounds}, {} probes asked, {} sent", self.asked, self.sent);
        if self.bytes_sent + self.bytes_received > 0 {
            let (out, back) = (bytes(self.bytes_sent), bytes(self.bytes_received));
            words.push_str(&format!(", {out} out, {back} in"));
        }
        words
    }
}

/// Bytes as people say them, in powers of 1000.
fn bytes(count: u64) -> String {
    match count {
        0..1000 => format!("{count} B"),
        1000..1_000_000 => format!("{} KB", (count + 500) / 1000),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

impl Findings {
    /// Takes the next event in.
    pub fn event(&mut self, event: &Stamped) {
        match &event.event {
            RunEvent::RunStarted(started) => self.planned = started.controls,
            RunEvent::NodeStarted(started) => self.node(started),
            RunEvent::ProfileStarted(started) => {
                let summary = &started.profile;
                let key = [summary.name.clone(), summary.version.clone(), summary.sha256.clone()];
                let entry = self.profiles.entry(key);
                self.current = entry.index();
                let profile = entry.or_insert_with(|| Profile { title: summary.title.clone(), ..Profile::default() });
                for control in &summary.controls {
                    profile.places.entry(control.id.clone()).or_default();
                }
                profile.not_applicable_here.clone_from(&started.not_applicable);
                if let (Some(reason), Some(node)) = (&started.not_applicable, self.nodes.last())
                    && node.error.is_none()
                {
                    let at = self.nodes.len() as u32 - 1;
                    profile.not_applicable.entry(reason.to_string()).or_default().push(at);
                }
            }
            RunEvent::ControlFinished(control) => self.control(control),
            RunEvent::ProfileFinished(_) | RunEvent::StageFinished(_) => {}
            RunEvent::NodeFinished(finished) => {
                self.cost.add(finished);
                let Some(node) = self.nodes.last_mut() else { return };
                node.is_unfinished = finished.interrupted;
                let at = self.nodes.len() as u32 - 1;
                for note in &finished.notes {
                    let note = self.nodes[at as usize].unnamed(note);
                    let nodes = self.notes.entry(note).or_default();
                    nodes.push(at);
                    nodes.dedup();
                }
            }
            RunEvent::RunFinished(finished) => self.finished = Some(finished.clone()),
        }
    }

    /// The version of a profile, with the digest where another content has the same.
    pub fn version_of(&self, [name, version, sha256]: &[Arc<str>; 3]) -> String {
        let same = |key: &&[Arc<str>; 3]| key[0] == *name && key[1] == *version;
        match self.profiles.keys().filter(same).count() {
            0 | 1 => version.to_string(),
            _ => format!("{version} ({})", sha256.chars().take(12).collect::<String>()),
        }
    }

    /// Counts of everything that was heard of.
    pub fn tally(&self) -> Tally {
        let mut total = Tally::default();
        self.nodes.iter().for_each(|node| total += node.tally);
        total
    }

    fn node(&mut self, started: &NodeStarted) {
        let mut called = vec![started.node.to_string()];
        called.extend(host(&started.target).map(str::to_string));
        // The longer name first: it may hold the shorter.
        called.sort_by_key(|name| std::cmp::Reverse(name.len()));
        called.dedup();
        let error = started.error.clone();
        let node = Node { name: started.node.clone(), tally: Tally::default(), error, is_unfinished: false, called };
        if let Some(error) = &started.error {
            let (reasons, error) = match error.strip_prefix(NOT_STARTED) {
                Some(reason) => (&mut self.not_started, reason),
                None => (&mut self.unreachable, &**error),
            };
            reasons.entry(node.unnamed(error)).or_default().push(self.nodes.len() as u32);
        }
        self.nodes.push(node);
    }

    fn control(&mut self, control: &ControlFinished) {
        let at = self.nodes.len().saturating_sub(1) as u32;
        let Some(node) = self.nodes.last_mut() else { return };
        node.tally.add(control.outcome);
        let Some((_, profile)) = self.profiles.get_index_mut(self.current) else { return };
        profile.tally.add(control.outcome);
        // What the node or the profile has to say is said once, for all of its controls.
        let said = [&node.error, &profile.not_applicable_here];
        let one_of_all = control.steps.is_empty() && said.iter().any(|said| said.is_some() && **said == control.reason);
        if control.outcome == Outcome::Passed || one_of_all {
            return;
        }
        let place = profile.places.entry(control.control.id.clone()).or_default();
        let kept = place.get_or_insert_with(|| Control {
            summary: control.control.clone(),
            findings: IndexMap::new(),
            samples: 0,
        });
        kept.add(control, at);
    }
}

impl Node {
    /// Whether nothing failed on it and all could be checked.
    pub fn is_fine(&self) -> bool {
        self.error.is_none() && !self.is_unfinished && self.tally.failed == 0 && self.tally.errored == 0
    }

    /// Whether nothing is known to be wrong there, and not all was looked at.
    pub fn is_open(&self) -> bool {
        self.error.is_none() && self.is_unfinished && self.tally.failed == 0 && self.tally.errored == 0
    }

    /// A reason without the name of the node in it, so that nodes share it.
    fn unnamed(&self, reason: &str) -> String {
        let mut text = reason.to_string();
        for name in self.called.iter().filter(|name| !name.is_empty()) {
            text = without(&text, name);
        }
        text
    }
}

/// What stands for the node in a reason that nodes share.
pub const NODE: &str = "NODE";

/// The text with every whole word that is `name` replaced by [`NODE`].
fn without(text: &str, name: &str) -> String {
    let of_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        // What was replaced before ends a word as well, since NODE is one.
        let begins = before.chars().next_back().or(result.chars().next_back()).is_none_or(|c| !of_word(c));
        let ends = after.chars().next().is_none_or(|c| !of_word(c));
        result.push_str(before);
        result.push_str(if begins && ends { NODE } else { name });
        rest = after;
    }
    result.push_str(rest);
    result
}

/// The host of a target such as `ssh://ops@web1:22`.
fn host(target: &str) -> Option<&str> {
    let (_, rest) = target.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

impl Profile {
    /// The controls that did not pass somewhere, in the order of the profile.
    pub fn found(&self) -> impl Iterator<Item = &Control> {
        self.places.values().flatten()
    }
}

impl Control {
    /// The findings of these outcomes, those of most nodes first.
    pub fn findings(&self, of: fn(Outcome) -> bool) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.values().filter(|finding| of(finding.outcome)).collect();
        // Stable: those of equally many nodes stay in the order they turned up in.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.nodes.len()));
        findings
    }

    fn add(&mut self, control: &ControlFinished, node: u32) {
        let kept = SAMPLES.saturating_sub(self.samples) > 0;
        let (index, wanting) = match self.findings.entry(digest(control)) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().nodes.push(node);
                (entry.index(), entry.get().sample.is_none())
            }
            Entry::Vacant(entry) => {
                let index = entry.index();
                entry.insert(Finding { outcome: control.outcome, nodes: vec![node], sample: None });
                (index, kept)
            }
        };
        if !wanting {
            return;
        }
        if self.samples == SAMPLES {
            // The rarest of those with a sample, the latest of them, if it is rarer.
            let count = self.findings[index].nodes.len();
            let sampled = self.findings.values_mut().filter(|finding| finding.sample.is_some()).rev();
            let Some(rarest) = sampled.min_by_key(|finding| finding.nodes.len()) else { return };
            if rarest.nodes.len() >= count {
                return;
            }
            rarest.sample = None;
            self.samples -= 1;
        }
        self.samples += 1;
        self.findings[index].sample = Some(Box::new(Sample::of(control)));
    }
}

impl Sample {
    fn of(control: &ControlFinished) -> Sample {
        let mut steps = control.steps.iter().filter(|step| step.outcome != Outcome::Passed);
        let kept: Vec<Step> =
            steps.by_ref().take(STEPS).map(|step| Step { evidence: Vec::new(), ..step.clone() }).collect();
        let more = steps.count();
        // Field by field, so that no step is copied that is not kept.
        let control = ControlFinished {
            node: control.node.clone(),
            profile: control.profile.clone(),
            control: control.control.clone(),
            outcome: control.outcome,
            reason: control.reason.clone(),
            steps: kept,
            waiver: control.waiver.clone(),
            attempts: control.attempts,
            started: control.started.clone(),
            seconds: control.seconds,
        };
        Sample { control, more }
    }
}

/// What makes two results alike: everything that is shown of them. Not how long they took,
/// how often they were tried, or how many of their steps passed.
fn digest(control: &ControlFinished) -> [u8; 16] {
    let mut hash = Sha256::new();
    let mut part = |text: Option<&str>| match text {
        None => hash.update([0]),
        // With its length, so that no two texts run into one another.
        Some(text) => {
            hash.update([1]);
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
    };
    part(Some(control.outcome.name()));
    if !is_bad(control.outcome) && control.outcome != Outcome::Waived {
        // Of what was not looked at only the reason is shown.
        part(reason_of(control).as_deref());
        return key_of(hash);
    }
    part(control.reason.as_deref());
    if let Some(waiver) = &control.waiver {
        part(Some(&waiver.justification));
        part(waiver.until.as_deref());
        part(Some(if waiver.expired { "expired" } else { "holds" }));
    }
    for step in control.steps.iter().filter(|step| step.outcome != Outcome::Passed) {
        part(Some(step.outcome.name()));
        part(Some(&step.sentence));
        part(step.expected.as_deref());
        part(step.found.as_deref());
        part(step.message.as_deref());
    }
    key_of(hash)
}

fn key_of(hash: Sha256) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
