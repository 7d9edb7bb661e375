//! One round of a watch: read the sources, see which nodes are new, validate what is due.

use super::Settings;
use super::state::{Fleet, Known, Status, by_node};
use crate::error::Error;
use crate::pipeline::context::{Context, Gave};
use crate::pipeline::engine::Stop;
use crate::pipeline::file::{Body, Kind, Pipeline, Stage, Validate};
use crate::pipeline::graph::Graph;
use crate::pipeline::ground::Ground;
use crate::pipeline::readiness::{self, Look};
use crate::pipeline::stage::Site;
use crate::pipeline::watcher::News;
use crate::pipeline::{provision, render, validate};
use crate::plan::nodes::{Groups, NodePlan, Nodes};
use crate::results::Outcome;
use crate::run::Interruption;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// How many nodes are looked at at once where the stage says nothing.
const WIDTH: usize = 32;

/// An error for a pipeline without a stage that validates.
///
/// # Errors
/// There is none.
pub fn refuse_nothing(pipeline: &Pipeline) -> Result<(), Error> {
    match pipeline.stages.iter().any(|stage| stage.kind == Kind::Validate) {
        true => Ok(()),
        false => Err(Error::usage("the pipeline has no stage that validates").in_file(&pipeline.file)),
    }
}

/// A stage that validates, and the nodes its sources give now.
struct Watched {
    number: usize,
    stage: Stage,
    context: Context,
    nodes: Nodes,
}

/// Runs one round; whether anything that is reported has changed.
pub async fn run(
    pipeline: &Arc<Pipeline>,
    site: &Arc<Site>,
    settings: &Settings,
    stop: &watch::Receiver<Stop>,
    fleet: &mut Fleet,
    status: &Status,
) -> bool {
    status.change(|summary| summary.rounds += 1);
    let watched = match look_around(pipeline, site, stop).await {
        Ok(watched) => watched,
        Err(errors) => {
            // What is known stays: a source that cannot be read says nothing of nodes.
            let why: Vec<String> = errors.iter().map(Error::to_string).collect();
            let why = site.masker().mask_text(&why.join("\n")).into_owned();
            status.tell(site, pipeline, &format!("the nodes cannot be told: {why}"));
            status.change(|summary| {
                summary.source_error = Some(why);
                summary.source_errors += 1;
            });
            return false;
        }
    };
    let now = jiff::Timestamp::now().as_second();
    status.change(|summary| (summary.source_read, summary.source_error) = (Some(now), None));
    let there: HashSet<(usize, Arc<str>)> =
        watched.iter().flat_map(|one| one.nodes.nodes.iter().map(|node| (one.number, node.name.clone()))).collect();
    let before = fleet.nodes.len();
    fleet.nodes.retain(|key, _| there.contains(key));
    let mut changed = fleet.nodes.len() != before;
    for one in watched {
        changed |= validate_due(pipeline, site, settings, stop, fleet, status, one).await;
    }
    status.take(fleet, jiff::Timestamp::now().as_second());
    changed
}

/// Reads every source anew. Provisioners look at what is there and change nothing.
async fn look_around(
    pipeline: &Arc<Pipeline>,
    site: &Arc<Site>,
    stop: &watch::Receiver<Stop>,
) -> Result<Vec<Watched>, Vec<Error>> {
    let graph = Graph::new(pipeline);
    let mut context = Context { variables: site.given.values.clone(), ..Context::default() };
    let mut watched = Vec::new();
    for number in graph.order() {
        let outline = &pipeline.stages[*number];
        if !matches!(outline.kind, Kind::Provision | Kind::Validate) {
            continue;
        }
        // What another stage does not lead to is nothing it can name.
        let needs = graph.all_needs(*number);
        let mut of_stage = context.clone();
        of_stage.stages.retain(|name, _| pipeline.position(name).is_some_and(|stage| needs.contains(&stage)));
        let stage = render::stage(pipeline, *number, &of_stage)?;
        let ground = Ground::new(pipeline, *number, site, &stage, &of_stage, stop.clone(), Stop::Stages);
        match &stage.body {
            Body::Provision(made) => {
                let (outputs, inventory) = provision::look(made, &ground).await?;
                context.stages.insert(outline.name.clone(), Gave { outcome: Outcome::Passed, outputs, inventory });
            }
            Body::Validate(what) => {
                let nodes = ground.nodes(&what.nodes).await?;
                watched.push(Watched { number: *number, stage, context: of_stage, nodes });
            }
            _ => {}
        }
    }
    Ok(watched)
}

/// Validates the nodes of a stage that are new, replaced or due; whether there were any.
async fn validate_due(
    pipeline: &Arc<Pipeline>,
    site: &Arc<Site>,
    settings: &Settings,
    stop: &watch::Receiver<Stop>,
    fleet: &mut Fleet,
    status: &Status,
    watched: Watched,
) -> bool {
    let Watched { number, stage, context, nodes } = watched;
    let Nodes { nodes, groups, .. } = nodes;
    let Body::Validate(what) = &stage.body else { return false };
    let ground = Ground::new(pipeline, number, site, &stage, &context, stop.clone(), Stop::Stages);
    let interruption = Arc::new(Interruption::new());
    let (looked, of_work, masker) = (nodes.clone(), interruption.clone(), site.masker());
    let width = what.nodes.parallel.unwrap_or(WIDTH);
    let work = tokio::task::spawn_blocking(move || look_at_all(&looked, width, &masker, &of_work));
    let Ok(looks) = ground.watch_over(work, || interruption.stop()).await else { return false };
    let mut due = Vec::new();
    for (node, look) in nodes.into_iter().zip(looks) {
        let known = fleet.nodes.entry((number, node.name.clone())).or_default();
        if let Some(word) = is_due(known, look, settings) {
            ground.tell(&News::Progress(&format!("{}: {word}", node.name)));
            due.push(node);
        }
    }
    if due.is_empty() || *stop.borrow() > Stop::No {
        return false;
    }
    status.change(|summary| summary.validations += due.len() as u64);
    let found = match validate_these(what, due, groups, &ground).await {
        Ok(found) => found,
        Err(why) => {
            ground.tell(&News::Progress(&site.masker().mask_text(&why)));
            status.change(|summary| summary.source_error = Some(site.masker().mask_text(&why).into_owned()));
            return false;
        }
    };
    for (name, (events, tally)) in by_node(found.events) {
        if let Some(known) = fleet.nodes.get_mut(&(number, name)) {
            (known.events, known.tally, known.validated) = (Arc::new(events), tally, Some(Instant::now()));
        }
    }
    true
}

/// Why a node is validated now; `None`: it is not.
fn is_due(known: &mut Known, look: (Look, Option<Arc<str>>), settings: &Settings) -> Option<&'static str> {
    match look {
        (Look::Ready, identity) => {
            let was = std::mem::replace(&mut known.identity, identity);
            known.not_ready = None;
            match (known.validated, was == known.identity) {
                (None, _) => Some("is new"),
                (Some(_), false) => Some("was booted again or replaced"),
                (Some(at), true) => (at.elapsed() >= settings.every).then_some("is due again"),
            }
        }
        (Look::NotYet(why) | Look::Never(why), _) => {
            let gone = known.validated.is_some() && known.not_ready.is_none();
            known.not_ready = Some(why);
            // One that answered before and does not any more: the report has to show it, once.
            gone.then_some("does not answer any more")
        }
    }
}

async fn validate_these(
    what: &Validate,
    nodes: Vec<NodePlan>,
    groups: Groups,
    ground: &Ground,
) -> Result<validate::Found, String> {
    let nodes = Nodes { nodes, groups, secrets: ground.site.secrets(), notes: Vec::new() };
    let done = validate::on(what, nodes, ground).await?;
    done.map_err(|errors| errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n"))
}

/// Looks at nodes, several at once, in their order.
fn look_at_all(
    nodes: &[NodePlan],
    width: usize,
    masker: &Arc<crate::results::mask::Masker>,
    interruption: &Interruption,
) -> Vec<(Look, Option<Arc<str>>)> {
    let next = AtomicUsize::new(0);
    let unseen = || (Look::NotYet("was not looked at".to_string()), None);
    let found: Mutex<Vec<_>> = Mutex::new(nodes.iter().map(|_| unseen()).collect());
    std::thread::scope(|scope| {
        for _ in 0..width.min(nodes.len()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(node) = nodes.get(number).filter(|_| !interruption.is_stopped()) else { return };
                    let look = readiness::identify(node, true, masker, interruption);
                    found.lock().unwrap_or_else(PoisonError::into_inner)[number] = look;
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}
