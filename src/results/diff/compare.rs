//! Two runs side by side.

use super::snapshot::{Control, Node, Profile, Snapshot};
use super::{
    AttributeChange, Change, Content, ControlChange, Diff, FoundChange, NodeChange, NodeKind, ProfileChange,
    SelectionChange, StageChange,
};
use crate::results::{Outcome, Tally};
use crate::value::Value;
use indexmap::{IndexMap, IndexSet};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// A profile's name and a control's id.
type Key = (Arc<str>, Arc<str>);
type Names = Vec<Arc<str>>;
/// What something was, and what it is.
type FromTo<T> = [Option<T>; 2];
/// A control, its outcome, and the step that found something else.
type Step = (Key, Outcome, Option<Arc<str>>);

/// What was compared so far, nodes that changed alike in one place.
#[derive(Default)]
struct Comparison {
    outcomes: IndexMap<(Key, Option<Outcome>, Outcome), Names>,
    found: IndexMap<(Step, FromTo<Arc<str>>), Names>,
    selected: IndexMap<(Key, bool), (Tally, Names)>,
    profiles: IndexMap<(Arc<str>, FromTo<Content>), Names>,
    /// Values by what they are written as, since numbers are no keys.
    attributes: IndexMap<(Key, FromTo<String>), (FromTo<Value>, Names)>,
    titles: HashMap<Key, Option<Arc<str>>>,
    /// Where a control stands in its profile.
    places: IndexSet<Key>,
}

pub fn compare(old: &Snapshot, new: &Snapshot) -> Diff {
    let mut comparison = Comparison::default();
    for (_, node) in new.nodes.iter().chain(&old.nodes) {
        comparison.place(node);
    }
    let mut nodes = Vec::new();
    for (name, node) in &new.nodes {
        let before = old.nodes.get(name);
        let change = match (before.map(|before| &before.error), &node.error) {
            (None, _) => Some(NodeKind::Added),
            (Some(None), Some(_)) => Some(NodeKind::Lost),
            (Some(Some(_)), None) => Some(NodeKind::Regained),
            (Some(Some(_)), Some(_)) => Some(NodeKind::StillLost),
            (Some(None), None) => None,
        };
        nodes.extend(change.map(|change| changed(name, node, change)));
        comparison.node(name, before, node);
    }
    for (name, node) in old.nodes.iter().filter(|(name, _)| !new.nodes.contains_key(*name)) {
        nodes.push(NodeChange { error: None, ..changed(name, node, NodeKind::Removed) });
    }
    let counts = [counts(old), counts(new)];
    Diff {
        old: old.side(),
        new: new.side(),
        controls: comparison.controls(&counts),
        found: comparison.found(),
        selected: comparison.selected(),
        nodes,
        profiles: comparison
            .profiles
            .into_iter()
            .map(|((profile, [from, to]), nodes)| ProfileChange { profile, from, to, nodes })
            .collect(),
        attributes: comparison
            .attributes
            .into_iter()
            .map(|(((profile, attribute), _), ([from, to], nodes))| AttributeChange {
                profile,
                attribute,
                from,
                to,
                nodes,
            })
            .collect(),
        stages: stages(old, new),
    }
}

fn changed(name: &Arc<str>, node: &Node, change: NodeKind) -> NodeChange {
    NodeChange { node: name.clone(), change, tally: node.tally, error: node.error.clone() }
}

/// What each control came to over all nodes that were reached.
fn counts(run: &Snapshot) -> HashMap<Key, Tally> {
    let mut counts: HashMap<Key, Tally> = HashMap::new();
    for (name, profile) in run.nodes.values().flat_map(|node| &node.profiles) {
        for (id, control) in profile.controls.iter().filter(|(_, control)| !control.unreached) {
            counts.entry((name.clone(), id.clone())).or_default().add(control.outcome);
        }
    }
    counts
}

fn stages(old: &Snapshot, new: &Snapshot) -> Vec<StageChange> {
    let mut changes = Vec::new();
    for (key, stage) in &new.stages {
        let (from, to) = (old.stages.get(key).map(|stage| stage.outcome), Some(stage.outcome));
        if from != to {
            let (pipeline, stage_name) = key.clone();
            changes.push(StageChange { pipeline, stage: stage_name, from, to, reason: stage.reason.clone() });
        }
    }
    for ((pipeline, stage), gone) in old.stages.iter().filter(|(key, _)| !new.stages.contains_key(*key)) {
        let (pipeline, stage) = (pipeline.clone(), stage.clone());
        changes.push(StageChange { pipeline, stage, from: Some(gone.outcome), to: None, reason: None });
    }
    changes
}

impl Comparison {
    /// Remembers the order in which a node has its controls.
    fn place(&mut self, node: &Node) {
        for (name, profile) in &node.profiles {
            for (id, control) in &profile.controls {
                let key = (name.clone(), id.clone());
                self.titles.entry(key.clone()).or_insert_with(|| control.title.clone());
                self.places.insert(key);
            }
        }
    }

    fn node(&mut self, name: &Arc<str>, before: Option<&Node>, node: &Node) {
        for (profile_name, profile) in &node.profiles {
            let old = before.and_then(|before| before.profiles.get(profile_name));
            match old {
                Some(old) if old.content != profile.content => {
                    self.profile(profile_name, Some(&old.content), Some(&profile.content), name);
                }
                None if before.is_some() => self.profile(profile_name, None, Some(&profile.content), name),
                _ => {}
            }
            if let Some(old) = old {
                self.attributes(profile_name, old, profile, name);
            }
            for (id, control) in &profile.controls {
                let was = old.and_then(|old| old.controls.get(id));
                let key = (profile_name.clone(), id.clone());
                if old.is_some() && was.is_none() {
                    push_counted(&mut self.selected, (key.clone(), true), control.outcome, name);
                }
                self.control(key, was, control, name);
            }
            for (id, gone) in old.iter().flat_map(|old| &old.controls) {
                if !profile.controls.contains_key(id) {
                    push_counted(&mut self.selected, ((profile_name.clone(), id.clone()), false), gone.outcome, name);
                }
            }
        }
        for (profile_name, old) in before.iter().flat_map(|before| &before.profiles) {
            if !node.profiles.contains_key(profile_name) {
                self.profile(profile_name, Some(&old.content), None, name);
            }
        }
    }

    fn profile(&mut self, profile: &Arc<str>, from: Option<&Content>, to: Option<&Content>, node: &Arc<str>) {
        push(&mut self.profiles, (profile.clone(), [from.cloned(), to.cloned()]), node);
    }

    fn attributes(&mut self, profile: &Arc<str>, old: &Profile, new: &Profile, node: &Arc<str>) {
        let gone = old.attributes.keys().filter(|name| !new.attributes.contains_key(*name));
        for attribute in new.attributes.keys().chain(gone) {
            let (from, to) = (old.attributes.get(attribute), new.attributes.get(attribute));
            let written = |value: Option<&Value>| value.map(|value| value.to_json().to_string());
            let texts = [written(from), written(to)];
            if texts[0] != texts[1] {
                let key = ((profile.clone(), attribute.clone()), texts);
                let new = || ([from.cloned(), to.cloned()], Vec::new());
                self.attributes.entry(key).or_insert_with(new).1.push(node.clone());
            }
        }
    }

    fn control(&mut self, key: Key, was: Option<&Control>, control: &Control, node: &Arc<str>) {
        // What a node out of reach has to say is said once, for the node.
        if control.unreached {
            return;
        }
        let was = was.filter(|was| !was.unreached);
        let from = was.map(|was| was.outcome);
        if Change::of(from, control.outcome).is_some() {
            push(&mut self.outcomes, (key.clone(), from, control.outcome), node);
        }
        let Some(was) = was.filter(|was| was.outcome == control.outcome) else { return };
        if was.reason != control.reason {
            let step = (key.clone(), control.outcome, None);
            push(&mut self.found, (step, [was.reason.clone(), control.reason.clone()]), node);
        }
        if was.steps == control.steps {
            return;
        }
        // A step that was asked twice is compared in its order.
        let mut before: HashMap<&Arc<str>, std::collections::VecDeque<&Option<Arc<str>>>> = HashMap::new();
        for (sentence, found) in &was.steps {
            before.entry(sentence).or_default().push_back(found);
        }
        for (sentence, found) in &control.steps {
            let Some(old) = before.get_mut(sentence).and_then(|found| found.pop_front()) else { continue };
            if old != found {
                let step = (key.clone(), control.outcome, Some(sentence.clone()));
                push(&mut self.found, (step, [old.clone(), found.clone()]), node);
            }
        }
    }

    fn place_of(&self, key: &Key) -> usize {
        self.places.get_index_of(key).unwrap_or(usize::MAX)
    }

    fn title(&self, key: &Key) -> Option<Arc<str>> {
        self.titles.get(key).cloned().flatten()
    }

    fn controls(&mut self, counts: &[HashMap<Key, Tally>; 2]) -> Vec<ControlChange> {
        let mut outcomes: Vec<_> = std::mem::take(&mut self.outcomes).into_iter().collect();
        outcomes.sort_by_key(|((key, ..), _)| self.place_of(key));
        let each = outcomes.into_iter().filter_map(|((key, from, to), nodes)| {
            let change = Change::of(from, to)?;
            let count = |at: usize| counts[at].get(&key).map_or(0, |tally| tally.of(to));
            let (before, now, title) = (count(0), count(1), self.title(&key));
            let (profile, control) = key;
            Some(ControlChange { profile, control, title, change, from, to, before, now, nodes })
        });
        each.collect()
    }

    fn found(&mut self) -> Vec<FoundChange> {
        let mut found: Vec<_> = std::mem::take(&mut self.found).into_iter().collect();
        // What most nodes share comes first.
        found.sort_by_key(|(((key, ..), _), nodes)| (self.place_of(key), std::cmp::Reverse(nodes.len())));
        let each = found.into_iter().map(|((((profile, control), outcome, step), [from, to]), nodes)| FoundChange {
            profile,
            control,
            outcome,
            step,
            from,
            to,
            nodes,
        });
        each.collect()
    }

    fn selected(&mut self) -> Vec<SelectionChange> {
        let mut selected: Vec<_> = std::mem::take(&mut self.selected).into_iter().collect();
        selected.sort_by_key(|((key, added), _)| (!added, self.place_of(key)));
        let each = selected.into_iter().map(|((key, added), (tally, nodes))| {
            let title = self.title(&key);
            let (profile, control) = key;
            SelectionChange { profile, control, title, added, tally, nodes }
        });
        each.collect()
    }
}

fn push<K: Hash + Eq>(changes: &mut IndexMap<K, Names>, key: K, node: &Arc<str>) {
    let nodes = changes.entry(key).or_default();
    // A control may find two steps changed alike.
    if nodes.last() != Some(node) {
        nodes.push(node.clone());
    }
}

fn push_counted<K: Hash + Eq>(changes: &mut IndexMap<K, (Tally, Names)>, key: K, outcome: Outcome, node: &Arc<str>) {
    let (tally, nodes) = changes.entry(key).or_default();
    tally.add(outcome);
    nodes.push(node.clone());
}
