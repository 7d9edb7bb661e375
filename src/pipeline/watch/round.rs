//! One round of a watch: read the sources, see which nodes are new, validate what is due.

use super::Settings;
use super::state::{Fleet, Status, Validated, by_node};
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
use crate::run::{self, Interruption};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
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
    status.change(|summary| {
        summary.rounds += 1;
        summary.validation_error = None;
    });
    let watched = match look_around(pipeline, site, stop).await {
        Ok(watched) => watched,
        Err(errors) => {
            // What is known stays: a source that cannot be read says nothing of nodes.
            let why: Vec<String> = errors.iter().map(Error::in_a_line).collect();
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
        let ground = Ground::new((pipeline, *number), site, &stage, &of_stage, (stop.clone(), Stop::Stages), 1);
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
    let ground = Ground::new((pipeline, number), site, &stage, &context, (stop.clone(), Stop::Stages), 1);
    let interruption = Arc::new(Interruption::new());
    let (looked, of_work, masker) = (nodes.clone(), interruption.clone(), site.masker());
    let width = what.nodes.parallel.unwrap_or(WIDTH);
    let work = tokio::task::spawn_blocking(move || {
        run::side_by_side(&looked, width, |node| {
            let is_over = of_work.is_stopped();
            (!is_over).then(|| readiness::identify(node, true, &masker, &of_work))
        })
    });
    let Ok(looks) = ground.watch_over(work, || interruption.stop()).await else { return false };
    let mut due = Vec::new();
    let mut seen = HashMap::new();
    for (node, look) in nodes.into_iter().zip(looks) {
        let Some((look, identity)) = look else { continue };
        let ready = look == Look::Ready;
        let known = fleet.nodes.entry((number, node.name.clone())).or_default();
        known.not_ready = match look {
            Look::Ready => None,
            Look::NotYet(why) | Look::Never(why) => Some(why),
        };
        if let Some(word) = is_due(known.last.as_ref(), ready, identity.as_ref(), settings) {
            ground.tell(&News::Progress(&format!("{}: {word}", node.name)));
            seen.insert(node.name.clone(), (ready, identity));
            due.push(node);
        }
    }
    if due.is_empty() || *stop.borrow() > Stop::No {
        return false;
    }
    let count = due.len() as u64;
    let found = match validate_these(what, due, groups, &ground).await {
        Ok(found) => found,
        Err(why) => {
            // Nothing is known anew: what is due stays due.
            let why = site.masker().mask_text(&why).into_owned();
            ground.tell(&News::Progress(&why));
            status.change(|summary| {
                summary.validation_error = Some(why);
                summary.validation_errors += 1;
            });
            return false;
        }
    };
    status.change(|summary| summary.validations += count);
    for (name, (events, tally)) in by_node(found.events) {
        let (ready, identity) = seen.remove(&name).unwrap_or_default();
        if let Some(known) = fleet.nodes.get_mut(&(number, name)) {
            known.last = Some(Validated { identity, ready, at: Instant::now(), events: Arc::new(events), tally });
        }
    }
    true
}

/// Why a node is validated now; `None`: it is not.
fn is_due(
    last: Option<&Validated>,
    ready: bool,
    identity: Option<&Arc<str>>,
    settings: &Settings,
) -> Option<&'static str> {
    match (last, ready) {
        (None, true) => Some("is new"),
        // It may still be on its way.
        (None, false) => None,
        // The report has to show that it is gone, once.
        (Some(last), false) => last.ready.then_some("does not answer any more"),
        (Some(last), true) if !last.ready => Some("answers again"),
        (Some(last), true) if last.identity.as_ref() != identity => Some("was booted again or replaced"),
        (Some(last), true) => (last.at.elapsed() >= settings.every).then_some("is due again"),
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
    done.map_err(|errors| errors.iter().map(Error::in_a_line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Tally;
    use std::time::Duration;

    #[test]
    fn a_node_is_validated_when_something_about_it_is_new() {
        let settings =
            Settings { interval: Duration::ZERO, every: Duration::from_secs(3600), reports: Vec::new(), once: false };
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let last = |identity: Option<&Arc<str>>, ready: bool| Validated {
            identity: identity.cloned(),
            ready,
            at: Instant::now(),
            events: Arc::default(),
            tally: Tally::default(),
        };
        let due = |last: Option<&Validated>, ready: bool, identity: Option<&Arc<str>>| {
            is_due(last, ready, identity, &settings)
        };
        assert_eq!(due(None, true, Some(&one)), Some("is new"));
        assert_eq!(due(None, false, None), None, "one that was never ready is waited for");
        assert_eq!(due(Some(&last(Some(&one), true)), true, Some(&one)), None);
        assert_eq!(due(Some(&last(Some(&one), true)), true, Some(&two)), Some("was booted again or replaced"));
        assert_eq!(due(Some(&last(Some(&one), true)), false, None), Some("does not answer any more"));
        assert_eq!(due(Some(&last(None, false)), false, None), None, "that it is gone is told once");
        assert_eq!(due(Some(&last(None, false)), true, Some(&one)), Some("answers again"));
        assert_eq!(due(Some(&last(None, true)), true, None), None, "one without an identity is no other one");
        let settings = Settings { every: Duration::ZERO, ..settings.clone() };
        assert_eq!(is_due(Some(&last(Some(&one), true)), true, Some(&one), &settings), Some("is due again"));
    }
}
