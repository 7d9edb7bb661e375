//! Several runs as one: the events of each in one stream of the same order, so that every
//! report can be made of them.

mod node;

use super::event::{ControlFinished, NodeFinished, NodeStarted, ProfileFinished, ProfileStarted};
use super::event::{ProfileSummary, RunFinished, RunStarted};
use super::outcome::{Outcome, Tally};
use super::{RunEvent, Stamped};
use indexmap::IndexMap;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Merges the events of several runs into those of one.
///
/// Nodes are known by their name and come in the order in which they are first heard of, each
/// once with the profiles of all runs; stages come before them. What two runs tell of the same
/// thing is taken from the later, in the order of `runs`:
///
/// - A control of one profile (the same name and digest) that both ran on a node. Controls that
///   only the earlier ran stay, so that a run of what had failed completes the run before it.
///   One that the later was to run and did not finish counts as not finished.
/// - A profile of one name and another digest: the later takes the place of the whole of it.
/// - A stage of one pipeline.
///
/// A note on the node tells what was replaced. A node is out of reach if all that is left
/// of it is from runs that did not reach it.
///
/// Times stay those of the events. What it took to look at a node (seconds, rounds, bytes)
/// is summed; the seconds of the whole are those in which at least one of the runs was going
/// on. `run` is the id of the whole; without it, it is that of the first. A run without its
/// end counts as interrupted, and one that later runs completed no longer does; events without
/// any `run_started`, such as those of stages alone, are taken as they are. One run alone comes
/// out as it was.
pub fn merge(runs: Vec<Vec<Stamped>>, run: Option<Arc<str>>) -> Vec<Stamped> {
    let mut merge = Merge { run, ..Merge::default() };
    for events in runs {
        merge.add(events);
    }
    merge.finish()
}

/// What was taken in so far.
#[derive(Default)]
struct Merge {
    run: Option<Arc<str>>,
    probity: Cow<'static, str>,
    /// When the first run began, and when the last event was.
    began: Option<String>,
    ended: String,
    runs: Vec<Run>,
    stages: IndexMap<(Arc<str>, Arc<str>), Stamped>,
    nodes: IndexMap<Arc<str>, Vec<Part>>,
    /// What runs counted and no event tells.
    untold: Tally,
}

/// A run as a whole.
struct Run {
    id: Arc<str>,
    /// When it began, in seconds, and how many it took.
    span: Option<(f64, f64)>,
    /// Nodes and controls it was to report.
    nodes: usize,
    controls: usize,
    interrupted: bool,
    /// Whether a later run told more of something this one had told of.
    mended: bool,
}

/// A node as one run tells of it.
struct Part {
    /// Which of the runs.
    run: usize,
    started: Option<(String, NodeStarted)>,
    profiles: Vec<ProfilePart>,
    finished: Option<(String, NodeFinished)>,
}

/// A profile on a node as one run tells of it.
struct ProfilePart {
    name: Arc<str>,
    started: Option<(String, Box<ProfileStarted>)>,
    controls: Vec<(String, Box<ControlFinished>)>,
    finished: Option<(String, ProfileFinished)>,
}

impl Merge {
    fn add(&mut self, events: Vec<Stamped>) {
        let mut run = Run { id: "".into(), span: None, nodes: 0, controls: 0, interrupted: false, mended: false };
        let (mut begun, mut finished) = (None, None);
        let mut told = Tally::default();
        for Stamped { time, event, sequence } in events {
            self.ended.clone_from(&time);
            match event {
                RunEvent::RunStarted(started) => {
                    (run.nodes, run.controls, run.id) = (started.nodes, started.controls, started.run);
                    self.probity = started.probity;
                    begun = Some(time);
                }
                RunEvent::StageFinished(stage) => {
                    let key = (stage.pipeline.clone(), stage.stage.clone());
                    self.stages.insert(key, Stamped { sequence, time, event: RunEvent::StageFinished(stage) });
                }
                RunEvent::NodeStarted(started) => {
                    let part = self.part(&started.node);
                    part.started = Some((time, started));
                }
                RunEvent::ProfileStarted(started) => {
                    let part = self.part(&started.node).profile(&started.profile.name);
                    part.started = Some((time, started));
                }
                RunEvent::ControlFinished(control) => {
                    told.add(control.outcome);
                    self.part(&control.node).profile(&control.profile).controls.push((time, control));
                }
                RunEvent::ProfileFinished(finished) => {
                    let part = self.part(&finished.node).profile(&finished.profile);
                    part.finished = Some((time, finished));
                }
                RunEvent::NodeFinished(finished) => {
                    let part = self.part(&finished.node);
                    part.finished = Some((time, finished));
                }
                RunEvent::RunFinished(end) => finished = Some(end),
            }
        }
        if let Some(begun) = begun {
            run.interrupted = finished.as_ref().is_none_or(|end| end.interrupted);
            let second = begun.parse::<jiff::Timestamp>().map_or(f64::NAN, |time| time.as_millisecond() as f64 / 1e3);
            run.span = Some((second, finished.as_ref().map_or(0.0, |end| end.seconds)));
            if self.began.as_ref().is_none_or(|earliest| begun < *earliest) {
                self.began = Some(begun);
            }
            self.run.get_or_insert_with(|| run.id.clone());
        }
        if let Some(end) = finished {
            self.untold += beyond(&end.tally, &told);
        }
        self.runs.push(run);
    }

    /// A node as the run that is being taken in tells of it.
    fn part(&mut self, node: &Arc<str>) -> &mut Part {
        let run = self.runs.len();
        let new = || Part { run, started: None, profiles: Vec::new(), finished: None };
        let parts = match self.nodes.get_index_of(node) {
            Some(at) => &mut self.nodes[at],
            None => self.nodes.entry(node.clone()).or_default(),
        };
        if parts.last().is_none_or(|part| part.run != run) {
            parts.push(new());
        }
        let last = parts.len() - 1;
        &mut parts[last]
    }

    fn finish(mut self) -> Vec<Stamped> {
        let mut nodes = self.runs.iter().map(|run| run.nodes).sum::<usize>();
        let mut controls = self.runs.iter().map(|run| run.controls).sum::<usize>();
        let mut tally = self.untold;
        let mut unions = Unions::default();
        let mut of_nodes = Vec::new();
        for (name, parts) in std::mem::take(&mut self.nodes) {
            nodes = nodes.saturating_sub(parts.len() - 1);
            let merged = node::merge(&name, parts, &mut self.runs, &mut unions, &self.ended, &mut of_nodes);
            controls = controls.saturating_sub(merged.replaced);
            tally += merged.tally;
        }
        let complete = controls <= tally.total();
        let interrupted = self.runs.iter().any(|run| run.interrupted && !(run.mended && complete));
        let started = RunEvent::RunStarted(RunStarted {
            format: "probity/events",
            version: 1,
            run: self.run.unwrap_or_else(|| "".into()),
            probity: self.probity,
            nodes,
            controls,
        });
        let finished = RunEvent::RunFinished(RunFinished { tally, seconds: seconds(&self.runs), interrupted });
        let stages = self.stages.into_values().map(|stage| (stage.time, stage.event));
        let events = std::iter::once((self.began.unwrap_or_else(|| self.ended.clone()), started))
            .chain(stages)
            .chain(of_nodes)
            .chain(std::iter::once((self.ended, finished)));
        let mut events: Vec<Stamped> =
            events.zip(0..).map(|((time, event), sequence)| Stamped { sequence, time, event }).collect();
        if !interrupted {
            for event in &mut events {
                if let RunEvent::NodeFinished(finished) = &mut event.event {
                    finished.interrupted = false;
                }
            }
        }
        events
    }
}

impl Part {
    fn profile(&mut self, name: &Arc<str>) -> &mut ProfilePart {
        let at = match self.profiles.iter().rposition(|part| part.name == *name) {
            Some(at) => at,
            None => {
                let (started, controls, finished) = (None, Vec::new(), None);
                self.profiles.push(ProfilePart { name: name.clone(), started, controls, finished });
                self.profiles.len() - 1
            }
        };
        &mut self.profiles[at]
    }
}

/// Profiles with the controls of two selections, made once for all nodes that have both.
#[derive(Default)]
struct Unions(HashMap<[usize; 2], [Arc<ProfileSummary>; 3]>);

impl Unions {
    fn of(&mut self, earlier: &Arc<ProfileSummary>, later: &Arc<ProfileSummary>) -> Arc<ProfileSummary> {
        // The profiles are kept beside what was made of them, so that no other takes their place
        // in memory.
        let key = [earlier, later].map(|profile| Arc::as_ptr(profile) as usize);
        let made = self.0.entry(key).or_insert_with(|| [earlier.clone(), later.clone(), union(earlier, later)]);
        made[2].clone()
    }
}

/// A profile with the controls of two selections of it. Those of the earlier keep their place; of
/// the others each follows the one it followed.
pub fn union(earlier: &Arc<ProfileSummary>, later: &Arc<ProfileSummary>) -> Arc<ProfileSummary> {
    let ids = |profile: &ProfileSummary| profile.controls.iter().map(|c| c.id.clone()).collect::<HashSet<_>>();
    let (in_earlier, in_later) = (ids(earlier), ids(later));
    if in_later.is_subset(&in_earlier) {
        return earlier.clone();
    }
    if in_earlier.is_subset(&in_later) {
        return later.clone();
    }
    let mut union = (**earlier).clone();
    let mut at = 0;
    for control in &later.controls {
        match in_earlier.contains(&control.id) {
            true => at = union.controls.iter().position(|known| known.id == control.id).map_or(at, |known| known + 1),
            false => {
                union.controls.insert(at, control.clone());
                at += 1;
            }
        }
    }
    Arc::new(union)
}

/// What `all` counts beyond `some`.
fn beyond(all: &Tally, some: &Tally) -> Tally {
    let mut rest = Tally::default();
    for outcome in Outcome::ALL {
        (some.of(outcome)..all.of(outcome)).for_each(|_| rest.add(outcome));
    }
    rest
}

/// The seconds in which at least one run was going on. Runs whose time is not known count in
/// full.
fn seconds(runs: &[Run]) -> f64 {
    let mut spans: Vec<(f64, f64)> = runs.iter().filter_map(|run| run.span).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut reached) = (0.0, f64::NEG_INFINITY);
    for (began, seconds) in spans {
        let end = began + seconds;
        sum += if began >= reached || end.is_nan() { seconds } else { (end - reached).max(0.0) };
        reached = reached.max(end);
    }
    sum
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
