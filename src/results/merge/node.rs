//! One node of which several runs tell.

use super::{Part, ProfilePart, Run, Unions};
use crate::results::RunEvent;
use crate::results::event::{NodeFinished, NodeStarted, ProfileFinished};
use crate::results::outcome::Tally;
use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What came of a node.
pub struct Merged {
    pub tally: Tally,
    /// How many planned controls were replaced by later ones.
    pub replaced: usize,
}

/// A profile, and which runs it is from.
struct Kept {
    part: ProfilePart,
    runs: Vec<usize>,
}

/// Writes the events of a node, of which there is at least one part, in their order to
/// `out`. `ended` is the time of what was never heard.
pub fn merge(
    name: &Arc<str>,
    parts: Vec<Part>,
    runs: &mut [Run],
    unions: &mut Unions,
    ended: &str,
    out: &mut Vec<(String, RunEvent)>,
) -> Merged {
    let several = parts.len() > 1;
    let mut profiles: IndexMap<Arc<str>, Kept> = IndexMap::new();
    let mut merge_notes = Vec::new();
    let mut replaced = 0;
    let mut heads = Vec::new();
    for Part { run, started, profiles: of_part, finished } in parts {
        for part in of_part {
            let later = Kept { part, runs: vec![run] };
            let Some(earlier) = profiles.get_mut(&later.part.name) else {
                profiles.insert(later.part.name.clone(), later);
                continue;
            };
            earlier.runs.iter().for_each(|run| runs[*run].mended = true);
            let before = earlier.part.planned() + later.part.planned();
            merge_notes.push(earlier.take(later, runs, unions));
            replaced += before - earlier.part.planned();
        }
        heads.push(Head { run, started, finished });
    }
    let kept: HashSet<usize> = profiles.values().flat_map(|kept| kept.runs.iter().copied()).collect();
    let started = started(&heads, &kept, runs, &mut merge_notes);
    let (time, started) = started.unwrap_or_else(|| (ended.to_string(), unheard(name)));
    out.push((time, RunEvent::NodeStarted(started)));
    let mut tally = Tally::default();
    for Kept { part, runs } in profiles.into_values() {
        tally += part.write(name, runs.len() > 1, ended, out);
    }
    let alone = if several { None } else { heads.first_mut().and_then(|head| head.finished.take()) };
    let finished = alone.unwrap_or_else(|| finished_all(name, &heads, &kept, tally, ended, merge_notes));
    out.push((finished.0, RunEvent::NodeFinished(finished.1)));
    Merged { tally, replaced }
}

/// What a run tells of a node besides its profiles.
struct Head {
    run: usize,
    started: Option<(String, NodeStarted)>,
    finished: Option<(String, NodeFinished)>,
}

/// How the node was reached: by the last run that did and of which something is left, else why the
/// last did not.
fn started(
    heads: &[Head],
    kept: &HashSet<usize>,
    runs: &[Run],
    notes: &mut Vec<Arc<str>>,
) -> Option<(String, NodeStarted)> {
    let of_kept = |head: &&Head| kept.is_empty() || kept.contains(&head.run);
    let reached = |head: &&Head| head.started.as_ref().is_some_and(|(_, started)| started.error.is_none());
    let heard = |head: &&Head| head.started.is_some();
    let chosen = heads.iter().rev().filter(of_kept).find(reached);
    let chosen = chosen.or_else(|| heads.iter().rev().filter(of_kept).find(heard)).or_else(|| heads.last())?;
    let (time, started) = chosen.started.as_ref()?;
    for head in heads {
        let Some((_, other)) = &head.started else { continue };
        let run = &runs[head.run].id;
        if let (None, Some(why)) = (&started.error, &other.error)
            && (kept.contains(&head.run) || head.run > chosen.run)
        {
            notes.push(format!("run {run} did not reach it: {why}").into());
        }
        if other.target != started.target && kept.contains(&head.run) {
            notes.push(format!("run {run} looked at it as {}", other.target).into());
        }
    }
    Some((time.clone(), started.clone()))
}

/// A node of which no run tells that it was begun.
fn unheard(name: &Arc<str>) -> NodeStarted {
    NodeStarted { node: name.clone(), target: "".into(), groups: Vec::new(), user: None, platform: None, error: None }
}

/// The end of a node over all runs that tell of it.
fn finished_all(
    name: &Arc<str>,
    heads: &[Head],
    kept: &HashSet<usize>,
    tally: Tally,
    ended: &str,
    merge_notes: Vec<Arc<str>>,
) -> (String, NodeFinished) {
    let mut time = None;
    let mut all = NodeFinished {
        node: name.clone(),
        tally,
        seconds: 0.0,
        rounds: 0,
        asked: 0,
        sent: 0,
        bytes_sent: 0,
        bytes_received: 0,
        interrupted: false,
        notes: Vec::new(),
    };
    for head in heads {
        let counts = kept.is_empty() || kept.contains(&head.run);
        let Some((at, finished)) = &head.finished else {
            all.interrupted |= counts;
            continue;
        };
        time = Some(at.clone());
        all.seconds += finished.seconds;
        all.rounds += finished.rounds;
        all.asked += finished.asked;
        all.sent += finished.sent;
        all.bytes_sent += finished.bytes_sent;
        all.bytes_received += finished.bytes_received;
        if counts {
            all.interrupted |= finished.interrupted;
            all.notes.extend(finished.notes.iter().cloned());
        }
    }
    all.notes.extend(merge_notes);
    let mut seen = HashSet::new();
    all.notes.retain(|note| seen.insert(note.clone()));
    (time.unwrap_or_else(|| ended.to_string()), all)
}

impl Kept {
    /// Lets a later run's part of the profile take the place of what it tells again. Gives the
    /// note of it.
    fn take(&mut self, later: Kept, runs: &[Run], unions: &mut Unions) -> Arc<str> {
        let name = self.part.name.clone();
        let id = |kept: &Kept| {
            let ids: Vec<&str> = kept.runs.iter().map(|run| &*runs[*run].id).collect();
            if ids.len() == 1 { format!("run {}", ids[0]) } else { format!("runs {}", ids.join(" and ")) }
        };
        let (earlier_id, later_id) = (id(self), id(&later));
        let (Some((time, started)), Some((_, newer))) = (&self.part.started, &later.part.started) else {
            *self = later;
            return format!("profile {name}: what {later_id} found replaces what {earlier_id} found").into();
        };
        if started.profile.sha256 != newer.profile.sha256 {
            let versions = (started.profile.version.clone(), newer.profile.version.clone());
            *self = later;
            return format!(
                "profile {name}: what {later_id} found with {} replaces what {earlier_id} found with {}",
                versions.1, versions.0
            )
            .into();
        }
        let again: HashSet<&Arc<str>> = newer.profile.controls.iter().map(|control| &control.id).collect();
        let stays = |id: &Arc<str>| !again.contains(id);
        let left = started.profile.controls.iter().filter(|control| stays(&control.id)).count();
        if left == 0 {
            *self = later;
            return format!("profile {name}: what {later_id} found replaces what {earlier_id} found").into();
        }
        let profile = unions.of(&started.profile, &newer.profile);
        let note = format!(
            "profile {name}: {} of {} controls are as {later_id} found them, the others as {earlier_id} did",
            newer.profile.controls.len(),
            profile.controls.len()
        );
        let mut merged = newer.clone();
        let places: HashMap<&Arc<str>, usize> =
            profile.controls.iter().zip(0..).map(|(control, at)| (&control.id, at)).collect();
        let mut controls: Vec<_> = std::mem::take(&mut self.part.controls);
        controls.retain(|(_, control)| stays(&control.control.id));
        let time = time.clone();
        let mut runs = std::mem::take(&mut self.runs);
        runs.extend(later.runs);
        let finished = match (self.part.finished.take(), later.part.finished) {
            (Some((_, earlier)), Some((time, mut later))) => {
                later.seconds += earlier.seconds;
                Some((time, later))
            }
            _ => None,
        };
        // Only where every control is so does the whole profile not apply.
        if merged.not_applicable != started.not_applicable {
            merged.not_applicable = None;
        }
        controls.extend(later.part.controls);
        controls.sort_by_key(|(_, control)| places.get(&control.control.id).copied().unwrap_or(usize::MAX));
        drop(places);
        merged.profile = profile;
        self.runs = runs;
        self.part = ProfilePart { name, started: Some((time, merged)), controls, finished };
        note.into()
    }
}

impl ProfilePart {
    /// How many controls it was to report.
    fn planned(&self) -> usize {
        self.started.as_ref().map_or(0, |(_, started)| started.profile.controls.len())
    }

    /// Writes its events; gives what its controls came to. `counts` is whether they are to be
    /// counted anew.
    fn write(self, node: &Arc<str>, counts: bool, ended: &str, out: &mut Vec<(String, RunEvent)>) -> Tally {
        let ProfilePart { name, started, controls, finished } = self;
        if let Some((time, started)) = started {
            out.push((time, RunEvent::ProfileStarted(started)));
        }
        let mut tally = Tally::default();
        let mut longest = 0.0f64;
        for (time, control) in controls {
            tally.add(control.outcome);
            longest = longest.max(control.seconds);
            out.push((time, RunEvent::ControlFinished(control)));
        }
        let (time, mut finished) = finished.unwrap_or_else(|| {
            // A run that broke off does not tell how long it took; no less than this.
            let finished = ProfileFinished { node: node.clone(), profile: name, tally, seconds: longest };
            (ended.to_string(), finished)
        });
        if counts {
            finished.tally = tally;
        }
        out.push((time, RunEvent::ProfileFinished(finished)));
        tally
    }
}
