//! A stage that waits until nodes are ready.

use super::file::Wait;
use super::ground::{Ground, words};
use super::readiness::{self, Look};
use super::stage::Attempt;
use super::validate;
use super::watcher::News;
use crate::error::{Error, exit};
use crate::plan::nodes::{Groups, NodePlan, Nodes};
use crate::plan::selection::Selection;
use crate::profile::Profile;
use crate::profile::waiver::Waivers;
use crate::results::{Outcome, RunEvent, Stamped};
use crate::run::{self, Interruption, Request};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many nodes are looked at at once where the file says nothing.
const WIDTH: usize = 32;
/// How many nodes a reason names.
const NAMED: usize = 5;
/// Time between two words on how far it is, where nothing changes.
const SILENCE: Duration = Duration::from_secs(30);
/// How often a sleeping stage looks whether it was ended.
const NAP: Duration = Duration::from_millis(50);

/// Waits, and tells which nodes are ready.
pub async fn run(stage: &Wait, ground: &Ground) -> Attempt {
    let nodes = match ground.nodes(&stage.nodes).await {
        Ok(nodes) => nodes,
        Err(errors) => return Attempt::wrong("wait", &errors),
    };
    let what = format!("wait for {}", count(nodes.nodes.len(), "node"));
    ground.tell(&News::Began(&what));
    let interruption = Arc::new(Interruption::new());
    let (of_stage, of_ground, of_run) = (stage.clone(), ground.clone(), interruption.clone());
    let work = tokio::task::spawn_blocking(move || {
        Waiting::new(&of_stage, nodes, &of_ground, &of_run).map(|mut waiting| waiting.wait())
    });
    match ground.watch_over(work, || interruption.stop()).await {
        Err(why) => Attempt::failed(what, why, exit::ERRORED),
        Ok(Err(errors)) => Attempt::wrong(what, &errors),
        Ok(Ok(Ok(()))) => Attempt { what, ..Attempt::default() },
        Ok(Ok(Err(why))) => Attempt::failed(what, ground.cut_short().unwrap_or(why), exit::ERRORED),
    }
}

/// A stage while it waits.
struct Waiting<'a> {
    stage: &'a Wait,
    ground: &'a Ground,
    interruption: &'a Arc<Interruption>,
    nodes: Vec<NodePlan>,
    groups: Groups,
    looks: Vec<Look>,
    /// Whether its readiness profiles passed.
    passed: Vec<bool>,
    profiles: Vec<Profile>,
    enough: usize,
    until: Instant,
}

impl<'a> Waiting<'a> {
    fn new(
        stage: &'a Wait,
        nodes: Nodes,
        ground: &'a Ground,
        interruption: &'a Arc<Interruption>,
    ) -> Result<Waiting<'a>, Vec<Error>> {
        let Nodes { nodes, groups, .. } = nodes;
        let looks = vec![Look::NotYet("was not looked at in time".to_string()); nodes.len()];
        let passed = vec![false; nodes.len()];
        let profiles = run::load_profiles(&stage.profiles.profiles, &stage.profiles.folders, &[])?;
        let enough = stage.quorum.map_or(nodes.len(), |quorum| quorum.of(nodes.len()));
        if enough > nodes.len() {
            let error = Error::usage(format!(
                "a quorum of {enough} is asked for, and there are {}",
                count(nodes.len(), "node")
            ));
            return Err(vec![error.hint("write a share such as quorum: 80%")]);
        }
        let until = Instant::now() + stage.within;
        Ok(Waiting { stage, ground, interruption, nodes, groups, looks, passed, profiles, enough, until })
    }

    /// Looks at all nodes again and again.
    fn wait(&mut self) -> Result<(), String> {
        let mut told = (usize::MAX, Instant::now());
        loop {
            let round = Instant::now();
            self.look_at_all();
            self.try_profiles().map_err(|errors| errors.iter().map(Error::in_a_line).collect::<Vec<_>>().join("\n"))?;
            let ready = self.looks.iter().filter(|look| **look == Look::Ready).count();
            let never = self.looks.iter().filter(|look| matches!(look, Look::Never(_))).count();
            let done = ready >= self.enough;
            if told.0 != ready || told.1.elapsed() > SILENCE {
                self.ground.tell(&News::Progress(&self.progress(ready)));
                told = (ready, Instant::now());
            }
            if done {
                return Ok(());
            }
            if self.nodes.len() - never < self.enough {
                return Err(format!("{}; more time does not help", self.progress(ready)));
            }
            let next = round + self.stage.every;
            while Instant::now() < next.min(self.until) && !self.interruption.is_stopped() {
                std::thread::sleep(NAP);
            }
            if self.interruption.is_stopped() || Instant::now() >= self.until {
                return Err(format!("after {} {}", words(self.stage.within), self.progress(ready)));
            }
        }
    }

    /// Looks at every node that is not ready, several at once.
    fn look_at_all(&mut self) {
        let open: Vec<usize> =
            (0..self.nodes.len()).filter(|number| matches!(self.looks[*number], Look::NotYet(_))).collect();
        let masker = self.ground.site.masker();
        let looks = run::side_by_side(&open, self.stage.nodes.parallel.unwrap_or(WIDTH), |number| {
            let is_over = self.interruption.is_stopped();
            (!is_over).then(|| readiness::look(&self.nodes[*number], self.stage.cloud_init, &masker, self.interruption))
        });
        for (number, look) in open.into_iter().zip(looks) {
            self.looks[number] = look.unwrap_or_else(|| self.looks[number].clone());
        }
    }

    /// Runs the readiness profiles on the nodes that are ready otherwise; those they do not
    /// pass on are not ready.
    fn try_profiles(&mut self) -> Result<(), Vec<Error>> {
        let is_open = |number: &usize| self.looks[*number] == Look::Ready && !self.passed[*number];
        let open: Vec<usize> = (0..self.nodes.len()).filter(is_open).collect();
        if self.profiles.is_empty() || open.is_empty() || self.interruption.is_stopped() {
            return Ok(());
        }
        let nodes = open.iter().map(|number| self.nodes[*number].clone()).collect();
        let request = Request {
            profiles: self.profiles.clone(),
            assignments: validate::supplied(&self.stage.profiles, self.ground)?,
            selection: Selection::default(),
            waivers: Waivers::default(),
            nodes: Nodes { nodes, groups: self.groups.clone(), secrets: self.ground.site.secrets(), notes: Vec::new() },
            rerun: None,
            record: None,
            agent: None,
            print: None,
        };
        let found = validate::look(request, self.stage.nodes.parallel, |_| None, self.ground, self.interruption)?;
        let mut good = BTreeSet::new();
        for event in &found.events {
            if let RunEvent::NodeFinished(finished) = &event.event
                && (finished.tally.failed, finished.tally.errored) == (0, 0)
                && !finished.interrupted
            {
                good.insert(finished.node.clone());
            }
        }
        for number in open {
            self.passed[number] = good.contains(&self.nodes[number].name);
            if !self.passed[number] {
                let why = first_failure(&found.events, &self.nodes[number].name);
                self.looks[number] =
                    Look::NotYet(why.unwrap_or_else(|| "its readiness profile does not pass".to_string()));
            }
        }
        Ok(())
    }

    /// How many are ready, and why some of the others are not.
    fn progress(&self, ready: usize) -> String {
        let mut text = format!("{ready} of {} ready", count(self.nodes.len(), "node"));
        let open = self.nodes.iter().zip(&self.looks).filter_map(|(node, look)| match look {
            Look::Ready => None,
            Look::NotYet(why) | Look::Never(why) => Some(format!("{}: {why}", node.name)),
        });
        let open: Vec<String> = open.collect();
        if !open.is_empty() {
            text.push_str("; ");
            text.push_str(&open[..open.len().min(NAMED)].join("; "));
            if open.len() > NAMED {
                text.push_str(&format!("; and {} more", open.len() - NAMED));
            }
        }
        text
    }
}

/// What the readiness profile found first on a node.
fn first_failure(events: &[Stamped], node: &str) -> Option<String> {
    events.iter().find_map(|event| match &event.event {
        RunEvent::ControlFinished(control) if &*control.node == node && is_bad(control.outcome) => {
            let step = control.steps.iter().find(|step| is_bad(step.outcome));
            let said = step.map(|step| step.message.as_deref().unwrap_or(&step.sentence));
            let said = said.or(control.reason.as_deref()).unwrap_or("does not pass");
            Some(format!("{}: {said}", control.control.id))
        }
        _ => None,
    })
}

fn is_bad(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::Errored)
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
