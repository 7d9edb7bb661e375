//! Runs the graph: each stage as soon as what it needs has ended, several at once.

use super::context::{Context, Gave};
use super::file::{Kind, Pipeline, When};
use super::graph::Graph;
use super::report::Earlier;
use super::stage::{self, Done, Site};
use super::watcher::News;
use crate::error::exit;
use crate::results::Outcome;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

/// How far the user has ended the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stop {
    /// Not at all.
    #[default]
    No,
    /// Stages under way end, none begins but what tears down.
    Stages,
    /// Teardowns end, too.
    All,
}

/// Waits until the user has gone so far.
pub async fn reached(stop: &mut watch::Receiver<Stop>, limit: Stop) {
    if stop.wait_for(|stop| *stop >= limit).await.is_err() {
        // Nobody can end it any more.
        std::future::pending::<()>().await;
    }
}

/// How a pipeline ended.
#[derive(Debug)]
pub struct Ended {
    /// For each stage of the file, in its order.
    pub stages: Vec<Done>,
    pub interrupted: bool,
}

/// The state of a stage.
enum State {
    Waiting,
    Running,
    Done(Box<Done>),
}

/// Runs a pipeline whose stages do what `site` says.
pub async fn run(pipeline: Arc<Pipeline>, site: Arc<Site>, mut stop: watch::Receiver<Stop>) -> Ended {
    let graph = Graph::new(&pipeline);
    let mut states: Vec<State> = pipeline.stages.iter().map(|_| State::Waiting).collect();
    let mut tasks: JoinSet<Done> = JoinSet::new();
    let mut stages: HashMap<Id, usize> = HashMap::new();
    loop {
        // A stage that is passed over may be what another one waits for.
        while let Some((number, verdict)) = next(&pipeline, &graph, &states, *stop.borrow(), &site) {
            match verdict {
                Verdict::Run => {
                    states[number] = State::Running;
                    let context = context(&pipeline, &graph, &site, &states, number);
                    let earlier = earlier(&pipeline, &states);
                    let (pipeline, site, stop) = (pipeline.clone(), site.clone(), stop.clone());
                    let task = async move { stage::run(&pipeline, number, &site, context, earlier, stop).await };
                    stages.insert(tasks.spawn(task).id(), number);
                }
                Verdict::Pass(outcome, reason) => {
                    let done = Done::not_begun(&pipeline, number, outcome, reason);
                    site.watcher.news(&pipeline, number, &News::Ended(&done));
                    states[number] = State::Done(Box::new(done));
                }
            }
        }
        if tasks.is_empty() {
            break;
        }
        // What is told to stop ends by itself; here it only matters that no other stage begins.
        tokio::select! {
            Some(joined) = tasks.join_next_with_id() => {
                let (id, done) = match joined {
                    Ok((id, done)) => (id, Some(done)),
                    // A fault of Probity's own, which has said its place on standard error.
                    Err(error) => (error.id(), None),
                };
                let Some(number) = stages.remove(&id) else { continue };
                let done = done.unwrap_or_else(|| Done::broken(&pipeline, number));
                site.watcher.news(&pipeline, number, &News::Ended(&done));
                states[number] = State::Done(Box::new(done));
            }
            Ok(()) = stop.changed() => {}
        }
    }
    let interrupted = *stop.borrow() > Stop::No;
    let stages = states.into_iter().enumerate().map(|(number, state)| match state {
        State::Done(done) => *done,
        State::Waiting | State::Running => {
            Done::not_begun(&pipeline, number, Outcome::Errored, "never came to its turn".to_string())
        }
    });
    Ended { stages: stages.collect(), interrupted }
}

/// What becomes of a stage whose needs have ended.
enum Verdict {
    Run,
    /// It is not run, for this reason.
    Pass(Outcome, String),
}

/// The next stage that can be decided on.
fn next(pipeline: &Pipeline, graph: &Graph, states: &[State], stop: Stop, site: &Site) -> Option<(usize, Verdict)> {
    let is_done = |number: &usize| matches!(states[*number], State::Done(_));
    let ready = |number: &usize| {
        matches!(states[*number], State::Waiting) && pipeline.stages[*number].needs.iter().all(is_done)
    };
    let number = graph.order().iter().copied().find(ready)?;
    Some((number, verdict(pipeline, graph, states, stop, site, number)))
}

fn verdict(pipeline: &Pipeline, graph: &Graph, states: &[State], stop: Stop, site: &Site, number: usize) -> Verdict {
    let stage = &pipeline.stages[number];
    let done = |number: usize| match &states[number] {
        State::Done(done) => Some(&**done),
        State::Waiting | State::Running => None,
    };
    let is_teardown = stage.kind == Kind::Teardown;
    if stage.when == When::Never || (is_teardown && !site.teardown) {
        let why = if stage.when == When::Never { "when: never" } else { "--no-teardown" };
        return Verdict::Pass(Outcome::NotApplicable, format!("not run: {why}"));
    }
    if let Some(of) = stage.of
        && done(of).is_some_and(|done| done.attempts == 0)
    {
        return Verdict::Pass(Outcome::NotApplicable, format!("{} was never begun", pipeline.stages[of].name));
    }
    if stop >= Stop::Stages && !(is_teardown && stop < Stop::All && stage.when != When::OnSuccess) {
        return Verdict::Pass(Outcome::Skipped, "not begun: the run was interrupted".to_string());
    }
    let all = graph.all_needs(number);
    let failed: Vec<usize> = all.iter().copied().filter(|need| done(*need).is_some_and(|done| !done.good)).collect();
    match stage.when {
        When::OnSuccess => match stage.needs.iter().find(|need| done(**need).is_some_and(Done::stops)) {
            Some(need) => {
                let (need, how) = (&pipeline.stages[*need].name, done(*need).map_or("", Done::how));
                Verdict::Pass(Outcome::Skipped, format!("not begun: it needs {need}, which {how}"))
            }
            None => Verdict::Run,
        },
        When::OnFailure if failed.is_empty() => {
            Verdict::Pass(Outcome::NotApplicable, "nothing it needs failed".to_string())
        }
        _ => Verdict::Run,
    }
}

/// What the templates of a stage can name: what the stages it needs gave.
fn context(pipeline: &Pipeline, graph: &Graph, site: &Site, states: &[State], number: usize) -> Context {
    let mut context = Context { variables: site.given.values.clone(), ..Context::default() };
    for need in graph.all_needs(number) {
        if let State::Done(done) = &states[need] {
            let (outputs, inventory) = (done.outputs.clone(), done.inventory.clone());
            context
                .stages
                .insert(pipeline.stages[need].name.clone(), Gave { outcome: done.outcome, outputs, inventory });
        }
    }
    context
}

/// What has happened so far, for a stage that reports it.
fn earlier(pipeline: &Pipeline, states: &[State]) -> Vec<Earlier> {
    let done = |(number, state): (usize, &State)| match state {
        State::Done(done) => Some((done.event(pipeline, number), done.events.clone())),
        State::Waiting | State::Running => None,
    };
    states.iter().enumerate().filter_map(done).collect()
}

impl Ended {
    /// The exit code, the first that holds of those of [`exit::ALL`].
    pub fn exit_code(&self) -> u8 {
        let codes: BTreeSet<u8> = self.stages.iter().map(|done| done.code).collect();
        if codes.contains(&exit::USAGE) {
            return exit::USAGE;
        }
        if self.interrupted {
            return exit::INTERRUPTED;
        }
        let order = [exit::INTERRUPTED, exit::FAILED, exit::ERRORED, exit::SKIPPED];
        order.into_iter().find(|code| codes.contains(code)).unwrap_or(exit::OK)
    }
}
