//! What is known of the nodes that are watched.

use crate::error::exit;
use crate::pipeline::file::Pipeline;
use crate::pipeline::report;
use crate::pipeline::stage::Site;
use crate::pipeline::watcher::News;
use crate::results::{RunEvent, Stamped, Tally, merge::merge};
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The nodes, by the stage that validates them and their names.
#[derive(Default)]
pub struct Fleet {
    pub nodes: IndexMap<(usize, Arc<str>), Known>,
}

/// What is known of a node.
#[derive(Default)]
pub struct Known {
    /// Why it was not ready when it was looked at last.
    pub not_ready: Option<String>,
    /// `None` until it was ready once.
    pub last: Option<Validated>,
}

/// The last validation of a node.
pub struct Validated {
    /// What tells the node from one that took its place.
    pub identity: Option<Arc<str>>,
    /// Whether it was ready then.
    pub ready: bool,
    pub at: Instant,
    pub events: Arc<Vec<Stamped>>,
    pub tally: Tally,
}

impl Fleet {
    /// What is known of every node, as one run.
    pub fn events(&self, site: &Site) -> Vec<Stamped> {
        let mut runs = vec![report::head(&[], site, false)];
        runs.extend(self.nodes.values().filter_map(|known| known.last.as_ref()).map(|last| (*last.events).clone()));
        merge(runs, Some(site.run.clone()))
    }

    /// The verdict over what is known; a round that could not be done, or a node that was never ready,
    /// is something that could not be checked.
    pub fn exit_code(&self, status: &Status) -> u8 {
        let mut tally = Tally::default();
        self.nodes.values().filter_map(|known| known.last.as_ref()).for_each(|last| tally += last.tally);
        let unseen = self.nodes.values().any(|known| known.last.is_none()) || status.get().fault().is_some();
        match tally.exit_code() {
            exit::FAILED => exit::FAILED,
            _ if unseen => exit::ERRORED,
            code => code,
        }
    }
}

/// How the watch is going, for its endpoint.
#[derive(Default)]
pub struct Status(Mutex<Summary>);

/// What the endpoint tells.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// When the sources were read without a fault last, in seconds since 1970.
    pub source_read: Option<i64>,
    /// Why they could not be read the last time.
    pub source_error: Option<String>,
    pub source_errors: u64,
    /// Why nodes that were due could not be validated in the last round.
    pub validation_error: Option<String>,
    pub validation_errors: u64,
    pub rounds: u64,
    /// When a round was done without a fault last, in seconds since 1970.
    pub whole: Option<i64>,
    /// Validations of nodes so far.
    pub validations: u64,
    pub nodes: BTreeMap<Arc<str>, NodeSummary>,
}

impl Summary {
    /// Why the last round was not done whole.
    pub fn fault(&self) -> Option<&str> {
        self.source_error.as_deref().or(self.validation_error.as_deref())
    }
}

/// What the endpoint tells of a node.
#[derive(Debug, Clone, Default)]
pub struct NodeSummary {
    pub tally: Tally,
    pub ready: bool,
    /// In seconds since 1970.
    pub validated: Option<i64>,
}

impl Status {
    /// A copy of what is known now.
    pub fn get(&self) -> Summary {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is known.
    pub fn change(&self, change: impl FnOnce(&mut Summary)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes over what is known of the nodes.
    pub fn take(&self, fleet: &Fleet, now: i64) {
        let mut nodes: BTreeMap<Arc<str>, NodeSummary> = BTreeMap::new();
        for ((_, name), known) in &fleet.nodes {
            let node =
                nodes.entry(name.clone()).or_insert_with(|| NodeSummary { ready: true, ..NodeSummary::default() });
            node.ready &= known.not_ready.is_none();
            if let Some(last) = &known.last {
                node.tally += last.tally;
                node.validated =
                    node.validated.max(Some(now - i64::try_from(last.at.elapsed().as_secs()).unwrap_or(0)));
            }
        }
        self.change(|summary| {
            summary.nodes = nodes;
            if summary.fault().is_none() {
                summary.whole = Some(now);
            }
        });
    }

    /// Tells whoever watches the first stage that validates.
    pub fn tell(&self, site: &Site, pipeline: &Pipeline, word: &str) {
        let stage = pipeline.stages.iter().position(|stage| stage.kind == crate::pipeline::file::Kind::Validate);
        let word = site.masker().mask_text(word).into_owned();
        site.watcher.news(pipeline, stage.unwrap_or(0), &News::Progress(&word));
    }
}

/// The events of a run, node by node, each as a run of its own.
pub fn by_node(events: Vec<Stamped>) -> IndexMap<Arc<str>, (Vec<Stamped>, Tally)> {
    let mut found: IndexMap<Arc<str>, (Vec<Stamped>, Tally)> = IndexMap::new();
    let (mut head, mut tail) = (None, None);
    for event in events {
        match &event.event {
            RunEvent::RunStarted(_) => head = Some(event),
            RunEvent::RunFinished(_) => tail = Some(event),
            RunEvent::NodeFinished(finished) => {
                let entry = found.entry(finished.node.clone()).or_default();
                entry.1 = finished.tally;
                entry.0.push(event);
            }
            other => {
                if let Some(node) = other.node() {
                    found.entry(node.clone()).or_default().0.push(event);
                }
            }
        }
    }
    for (events, tally) in found.values_mut() {
        if let Some(head) = &head {
            let mut head = head.clone();
            if let RunEvent::RunStarted(started) = &mut head.event {
                (started.nodes, started.controls) = (1, tally.total());
            }
            events.insert(0, head);
        }
        if let Some(tail) = &tail {
            let mut tail = tail.clone();
            if let RunEvent::RunFinished(finished) = &mut tail.event {
                finished.tally = *tally;
            }
            events.push(tail);
        }
    }
    found
}
