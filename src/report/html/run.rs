//! The run as the page's script reads it.
//!
//! What a profile says of a control is there once. What was found is there once for all
//! nodes it was found on: texts, steps and findings are named by number, and of each
//! control it is kept, in the order of the nodes, how many in a row came to which finding. So
//! what is kept grows with what differs, and with nodes times controls only by a pair of
//! numbers where a finding changes.

use super::shape::{Control, Done, Node, Profile, in_words, values};
use super::texts::{Numbered, Texts};
use crate::report::findings::NOT_STARTED;
use crate::report::text;
use crate::results::event::{AttributeSummary, ProfileSummary, Step};
use crate::results::{ControlFinished, NodeFinished, NodeStarted, Outcome, RunEvent, RunFinished, Stamped};
use crate::value::Value;
use indexmap::IndexMap;
use serde::Serialize;
use std::sync::Arc;

/// Bytes up to which steps of passed controls are kept, and up to which any are. A browser
/// opens 10 MB within seconds; what is beyond is counted, and `run-json` holds it.
const ROOM: usize = 6 << 20;
const ROOM_FOR_BAD: usize = 16 << 20;
/// Steps of one finding that are kept, of those that passed and of the others.
const STEPS: usize = 100;
/// Characters of reasons and values that are kept when there is no room left.
const SHORT: usize = 100;
/// What a number takes in the page, roughly.
const NUMBER: usize = 6;

/// What came of a control on a node that is no outcome of its own. The numbers go on where
/// those of [`Outcome::ALL`] end.
const UNREACHED: u32 = 6;
const PROFILE_NOT_APPLICABLE: u32 = 7;
const NEVER_RAN: u32 = 8;
const NOT_PLANNED: u32 = 9;

/// `[state, reason, steps, waiver, attempts, passed steps left out, other steps left out]`.
type Finding = [u32; 7];
/// `[outcome, sentence, expected, found, message, traceback, resource, file, line, evidence]`.
type StepRow = [u32; 10];
/// `[name, type, 1 for required + 2 for sensitive, value, origin]`.
type AttributeRow = [u32; 5];

/// A fold over a run into what the page's script reads.
#[derive(Serialize)]
pub struct Run {
    probity: String,
    run: String,
    started: String,
    seconds: Option<f64>,
    interrupted: bool,
    texts: Texts,
    /// Numbers of texts, steps or attributes that belong together.
    lists: Numbered<Vec<u32>>,
    steps: Numbered<StepRow>,
    findings: Numbered<Finding>,
    /// `[justification, until, 1 for expired]`.
    waivers: Numbered<[u32; 3]>,
    attributes: Numbered<AttributeRow>,
    nodes: Vec<Node>,
    #[serde(serialize_with = "values")]
    profiles: IndexMap<(Arc<str>, Arc<str>), Profile>,
    /// The profiles of the node that runs, by place, with the controls it is to run.
    #[serde(skip)]
    planned: Vec<(usize, Arc<ProfileSummary>)>,
    /// Bytes that steps and findings take, texts aside.
    #[serde(skip)]
    numbers: usize,
}

impl Default for Run {
    fn default() -> Run {
        let mut run = Run {
            probity: String::new(),
            run: String::new(),
            started: String::new(),
            seconds: None,
            interrupted: true,
            texts: Texts::default(),
            lists: Numbered::default(),
            steps: Numbered::default(),
            findings: Numbered::default(),
            waivers: Numbered::default(),
            attributes: Numbered::default(),
            nodes: Vec::new(),
            profiles: IndexMap::new(),
            planned: Vec::new(),
            numbers: 0,
        };
        // Number 0 is no list and no waiver.
        run.lists.number(Vec::new());
        run.waivers.number([0; 3]);
        run
    }
}

impl Run {
    /// Takes the next event in.
    pub fn event(&mut self, event: &Stamped) {
        match &event.event {
            RunEvent::RunStarted(started) => {
                self.probity = started.probity.to_string();
                self.run = started.run.to_string();
                self.started.clone_from(&event.time);
            }
            RunEvent::NodeStarted(started) => self.node(started),
            RunEvent::ProfileStarted(started) => {
                let place = self.profile(&started.profile);
                let attributes = self.attributes(&started.attributes);
                let why = self.texts.maybe(started.not_applicable.as_deref());
                if let Some(node) = self.nodes.last_mut() {
                    node.profiles.push([place as u32, attributes, why]);
                    self.planned.push((place, started.profile.clone()));
                }
            }
            RunEvent::ControlFinished(control) => self.control(control),
            RunEvent::NodeFinished(finished) => self.node_done(finished),
            RunEvent::RunFinished(finished) => self.done(finished),
            RunEvent::ProfileFinished(_) | RunEvent::StageFinished(_) => {}
        }
    }

    /// Says of what a node was to run and did not that it never ran.
    pub fn close(&mut self) {
        let Some(at) = (self.nodes.len() as u32).checked_sub(1) else { return };
        for (place, summary) in std::mem::take(&mut self.planned) {
            for control in &summary.controls {
                self.cell(place, &control.id, at, [NEVER_RAN, 0, 0, 0, 0, 0, 0]);
            }
        }
    }

    /// When it began, RFC 3339; empty where nothing was heard of it.
    pub fn started(&self) -> &str {
        &self.started
    }

    /// The version of Probity and the id of the run.
    pub fn made_by(&self) -> (&str, &str) {
        (&self.probity, &self.run)
    }

    /// How many different waivers no longer hold.
    pub fn expired(&self) -> usize {
        self.waivers.iter().filter(|waiver| waiver[2] == 1).count()
    }

    fn node(&mut self, started: &NodeStarted) {
        self.close();
        let error = started.error.as_deref();
        let texts = &mut self.texts;
        self.nodes.push(Node {
            name: text::line(&started.node),
            target: text::line(&started.target),
            groups: started.groups.iter().map(|group| texts.number(group)).collect(),
            user: texts.maybe(started.user.as_deref()),
            platform: started.platform.as_ref().map(|platform| {
                [&platform.name, &platform.release, &platform.family, &platform.arch].map(|text| texts.number(text))
            }),
            error: texts.maybe(error.map(|error| error.strip_prefix(NOT_STARTED).unwrap_or(error))),
            unstarted: error.is_some_and(|error| error.starts_with(NOT_STARTED)),
            profiles: Vec::new(),
            done: None,
        });
    }

    fn node_done(&mut self, finished: &NodeFinished) {
        self.close();
        let notes = finished.notes.iter().map(|note| self.texts.number(note)).collect();
        if let Some(node) = self.nodes.last_mut() {
            node.done = Some(Done {
                seconds: finished.seconds,
                rounds: finished.rounds,
                asked: finished.asked,
                sent: finished.sent,
                bytes_sent: finished.bytes_sent,
                bytes_received: finished.bytes_received,
                interrupted: finished.interrupted,
                notes,
            });
        }
    }

    fn done(&mut self, finished: &RunFinished) {
        self.seconds = Some(finished.seconds);
        self.interrupted = finished.interrupted;
    }

    /// The place of a profile, and each of its controls told once.
    fn profile(&mut self, summary: &Arc<ProfileSummary>) -> usize {
        let entry = self.profiles.entry((summary.name.clone(), summary.sha256.clone()));
        let (place, texts) = (entry.index(), &mut self.texts);
        let profile = entry.or_insert_with(|| Profile {
            name: texts.number(&summary.name),
            version: texts.number(&summary.version),
            sha256: texts.number(&summary.sha256),
            title: texts.maybe(summary.title.as_deref()),
            summary: texts.maybe(summary.summary.as_deref()),
            maintainer: texts.maybe(summary.maintainer.as_deref()),
            license: texts.maybe(summary.license.as_deref()),
            supports: match &summary.supports {
                Value::Nil => 0,
                supports => texts.number(&in_words(supports)),
            },
            controls: IndexMap::new(),
        });
        for control in &summary.controls {
            if !profile.controls.contains_key(&control.id) {
                profile.controls.insert(control.id.clone(), Control::new(control, texts));
            }
        }
        place
    }

    /// The attributes of a profile on a node as a list.
    fn attributes(&mut self, attributes: &[AttributeSummary]) -> u32 {
        let is_full = self.is_full();
        let (rows, texts) = (&mut self.attributes, &mut self.texts);
        let list = attributes.iter().map(|attribute| {
            let flags = u32::from(attribute.required) + 2 * u32::from(attribute.sensitive);
            let value = in_words(&attribute.value);
            let value = text::bounded(&value, if is_full { SHORT } else { usize::MAX });
            let [name, kind, value, origin] =
                [&attribute.name, &*attribute.kind, &*value, &attribute.origin].map(|text| texts.number(text));
            rows.number([name, kind, flags, value, origin]).0
        });
        let list = list.collect();
        self.lists.number(list).0
    }

    fn control(&mut self, control: &ControlFinished) {
        let Some(at) = (self.nodes.len() as u32).checked_sub(1) else { return };
        let Some((place, _)) = self.planned.last() else { return };
        let place = *place;
        if let Some((_, profile)) = self.profiles.get_index_mut(place)
            && !profile.controls.contains_key(&control.control.id)
        {
            let told = Control::new(&control.control, &mut self.texts);
            profile.controls.insert(control.control.id.clone(), told);
        }
        let finding = self.finding(control);
        self.cell(place, &control.control.id, at, finding);
    }

    fn finding(&mut self, control: &ControlFinished) -> Finding {
        let node = self.nodes.last();
        // What the node or the profile has to say is said once, for all of its controls.
        if let (Some(reason), []) = (&control.reason, &control.steps[..]) {
            let reason = self.texts.number(reason.strip_prefix(NOT_STARTED).unwrap_or(reason));
            if node.is_some_and(|node| node.error == reason) {
                return [UNREACHED, 0, 0, 0, 0, 0, 0];
            }
            if node.and_then(|node| node.profiles.last()).is_some_and(|profile| profile[2] == reason) {
                return [PROFILE_NOT_APPLICABLE, 0, 0, 0, 0, 0, 0];
            }
        }
        let is_full = self.is_full();
        let texts = &mut self.texts;
        let reason = control.reason.as_deref();
        let reason =
            reason.map_or(0, |reason| texts.number(&text::bounded(reason, if is_full { SHORT } else { usize::MAX })));
        let waiver = control.waiver.as_ref().map_or(0, |waiver| {
            let until = texts.maybe(waiver.until.as_deref());
            self.waivers.number([texts.number(&waiver.justification), until, u32::from(waiver.expired)]).0
        });
        let (steps, left_passed, left_bad) = self.steps(control);
        let state = Outcome::ALL.iter().position(|outcome| *outcome == control.outcome).unwrap_or_default() as u32;
        [state, reason, steps, waiver, control.attempts, left_passed, left_bad]
    }

    /// Whether the page is as large as it may become by what nodes say.
    fn is_full(&self) -> bool {
        self.texts.bytes + self.numbers > ROOM_FOR_BAD
    }

    /// The steps as a list, and how many that passed and others there was no room for.
    fn steps(&mut self, control: &ControlFinished) -> (u32, u32, u32) {
        let (mut list, mut left) = (Vec::new(), [0, 0]);
        let mut kept = [0, 0];
        for step in &control.steps {
            let is_bad = usize::from(step.outcome != Outcome::Passed);
            let room = if is_bad == 1 { ROOM_FOR_BAD } else { ROOM };
            if kept[is_bad] == STEPS || self.texts.bytes + self.numbers > room {
                left[is_bad] += 1;
                continue;
            }
            kept[is_bad] += 1;
            list.push(self.step(step));
        }
        let length = list.len();
        let (number, is_new) = self.lists.number(list);
        if is_new {
            self.numbers += NUMBER * (length + 1);
        }
        (number, left[0], left[1])
    }

    fn step(&mut self, step: &Step) -> u32 {
        let texts = &mut self.texts;
        let evidence: Vec<u32> = step.evidence.iter().map(|looked_at| texts.number(looked_at)).collect();
        let row = [
            Outcome::ALL.iter().position(|outcome| *outcome == step.outcome).unwrap_or_default() as u32,
            texts.number(&step.sentence),
            texts.maybe(step.expected.as_deref()),
            texts.maybe(step.found.as_deref()),
            texts.maybe(step.message.as_deref()),
            texts.maybe(step.traceback.as_deref()),
            texts.maybe(step.resource.as_deref()),
            texts.number(&step.file),
            u32::try_from(step.line).unwrap_or(u32::MAX),
            self.lists.number(evidence).0,
        ];
        let (number, is_new) = self.steps.number(row);
        if is_new {
            self.numbers += NUMBER * row.len();
        }
        number
    }

    /// Notes what a control came to on a node, unless that is noted already.
    fn cell(&mut self, place: usize, id: &Arc<str>, at: u32, finding: Finding) {
        let not_planned = self.findings.number([NOT_PLANNED, 0, 0, 0, 0, 0, 0]).0;
        let (number, is_new) = self.findings.number(finding);
        if is_new {
            self.numbers += NUMBER * finding.len();
        }
        let Some((_, profile)) = self.profiles.get_index_mut(place) else { return };
        let Some(control) = profile.controls.get_mut(id) else { return };
        if control.told > at {
            return;
        }
        if control.told < at {
            control.tell(not_planned, at - control.told);
        }
        control.tell(number, 1);
    }
}
