//! A stage that validates: profiles on the nodes that earlier stages left.

use super::file::{Pipeline, ProfileChoice, Validate};
use super::ground::Ground;
use super::stage::Attempt;
use super::watcher::News;
use crate::error::{Error, exit};
use crate::inventory::Attributes;
use crate::plan::attributes::{self, Layer, Supplied};
use crate::plan::bags::{Bags, KeySource, Keys};
use crate::plan::nodes::Nodes;
use crate::profile::waiver::Waivers;
use crate::results::{Live, Stamped};
use crate::run::remote::{Agent, Program};
use crate::run::{self, Audience, Interruption, Request, Width};
use crate::value::Value;
use std::sync::Arc;
use std::time::Instant;

/// Runs the profiles, and keeps what the run tells.
pub async fn run(stage: &Validate, ground: &Ground) -> Attempt {
    let what = what(&stage.profiles);
    ground.tell(&News::Began(&what));
    let nodes = match ground.nodes(&stage.nodes).await {
        Ok(nodes) => nodes,
        Err(errors) => return Attempt::wrong(what, &errors),
    };
    match on(stage, nodes, ground).await {
        Err(why) => Attempt::failed(what, why, exit::ERRORED),
        Ok(Err(errors)) => Attempt::wrong(what, &errors),
        Ok(Ok(found)) => {
            let cut = found.interrupted.then(|| ground.cut_short()).flatten();
            Attempt {
                what,
                failure: cut.map(|why| (why, exit::ERRORED)),
                verdict: found.code,
                events: Some(Arc::new(found.events)),
                ..Attempt::default()
            }
        }
    }
}

/// Runs the profiles on these nodes, beside the event loop.
///
/// # Errors
/// It panicked, a fault of Probity's own; within: what [`validate`] finds.
pub async fn on(stage: &Validate, nodes: Nodes, ground: &Ground) -> Result<Result<Found, Vec<Error>>, String> {
    let interruption = Arc::new(Interruption::new());
    let (of_stage, of_ground, of_run) = (stage.clone(), ground.clone(), interruption.clone());
    let work = tokio::task::spawn_blocking(move || validate(&of_stage, nodes, &of_ground, &of_run));
    ground.watch_over(work, || interruption.stop()).await
}

/// What a run told.
pub struct Found {
    pub code: u8,
    pub interrupted: bool,
    pub events: Vec<Stamped>,
}

/// Blocks until the run is over.
///
/// # Errors
/// Everything that keeps it from beginning, and a profile that fits no node.
fn validate(
    stage: &Validate,
    nodes: Nodes,
    ground: &Ground,
    interruption: &Arc<Interruption>,
) -> Result<Found, Vec<Error>> {
    let one = |error: Error| vec![error];
    let agent = match stage.agent {
        true => {
            let program = Program::read(stage.agent_program.as_deref()).map_err(one)?;
            Some(Agent { program, cleanup: false })
        }
        false => None,
    };
    let request = Request {
        profiles: run::load_profiles(&stage.profiles.profiles, &stage.profiles.folders, &[])?,
        assignments: supplied(&stage.profiles, ground)?,
        selection: stage.selection.clone(),
        waivers: Waivers::read(&stage.waivers).map_err(one)?,
        nodes,
        rerun: None,
        record: None,
        agent,
        print: None,
    };
    let most = stage.max_failures;
    look(request, stage.nodes.parallel, |nodes| most.map(|most| most.of(nodes)), ground, interruption)
}

/// Runs what is asked for.
pub fn look(
    request: Request,
    parallel: Option<usize>,
    max_failures: impl Fn(usize) -> Option<usize>,
    ground: &Ground,
    interruption: &Arc<Interruption>,
) -> Result<Found, Vec<Error>> {
    let Some((plan, engines)) = run::plan(request)? else {
        return Ok(Found { code: exit::OK, interrupted: false, events: Vec::new() });
    };
    // They were loaded to know the controls; every thread of the run loads its own.
    drop(engines);
    let width = Width {
        parallel: parallel.unwrap_or_else(run::default_parallel),
        max_failures: max_failures(plan.nodes.len()),
    };
    let mut told = Told { ground, events: Vec::new() };
    let ended = run::run(&plan, width, interruption, &mut told);
    let unfit: Vec<Error> = ended
        .unfit
        .iter()
        .flatten()
        .map(|reason| Error::usage(format!("a profile fits no node of the run: {reason}")))
        .collect();
    let events = told.events;
    match unfit.is_empty() && ended.troubles.is_empty() {
        true => Ok(Found { code: ended.tally.exit_code(), interrupted: ended.interrupted, events }),
        false => Err(unfit.into_iter().chain(ended.troubles).collect()),
    }
}

/// Keeps the events of a run.
struct Told<'a> {
    ground: &'a Ground,
    events: Vec<Stamped>,
}

impl Audience for Told<'_> {
    fn event(&mut self, event: &Stamped) {
        self.events.push(event.clone());
    }

    fn live(&mut self, live: &Live) {
        self.ground.tell(&News::Live(live));
    }

    fn tick(&mut self, _now: Instant) {}
}

/// The values of files and of the stage itself. Templates of attributes see what those of the
/// stage see, besides their node.
///
/// # Errors
/// Everything that is wrong with them whatever the node.
pub fn supplied(profiles: &ProfileChoice, ground: &Ground) -> Result<Supplied, Vec<Error>> {
    let environment = |name: &str| ground.variable(name);
    let files = profiles.bag_keys.iter().cloned().map(KeySource::File);
    let keys: Vec<KeySource> = files.chain(profiles.bag_key_env.clone().map(KeySource::Variable)).collect();
    let keys = Keys::read(&keys, None, &environment).map_err(|error| vec![error])?;
    let bags = Bags::new(profiles.bags.clone(), keys);
    let mut supplied = Supplied::read(&profiles.attrs, &[], bags, &environment)?;
    ground.site.keep_secret(supplied.secrets().to_vec());
    let mut surroundings = ground.context.variables();
    if let Some(Value::Map(variables)) = surroundings.get_mut("env") {
        variables.extend(ground.env.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
    }
    supplied.surroundings = surroundings;
    with_own(supplied, profiles, &ground.pipeline)
}

/// With the values that the stage itself gives, which win over those of files.
///
/// # Errors
/// A key that is no name of an attribute.
pub fn with_own(supplied: Supplied, profiles: &ProfileChoice, pipeline: &Pipeline) -> Result<Supplied, Vec<Error>> {
    let Some(values) = &profiles.attributes else { return Ok(supplied) };
    let given = Attributes { document: pipeline.document().clone(), values: values.clone(), owner: None };
    Ok(supplied.and(attributes::from_inventory(&given, Layer::CommandLine)?))
}

fn what(profiles: &ProfileChoice) -> String {
    let names: Vec<String> = profiles.profiles.iter().map(|path| path.display().to_string()).collect();
    format!("validate {}", names.join(", "))
}
