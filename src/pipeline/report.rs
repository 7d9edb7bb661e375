//! A stage that reports what was found so far, and the report of the whole run.

use super::file::{Pipeline, Report};
use super::ground::Ground;
use super::provision;
use super::stage::{Attempt, Done, Site};
use super::watcher::News;
use crate::error::{Error, exit};
use crate::report::{Options, Outputs, Spec};
use crate::results::event::{RunFinished, RunStarted, StageFinished};
use crate::results::{RunEvent, Stamped, Tally, merge::merge};
use crate::run::rfc3339;
use std::sync::Arc;

/// A stage that has ended, and what it told if it validated.
pub type Earlier = (StageFinished, Option<Arc<Vec<Stamped>>>);

/// Writes the reports, and runs the program that is given one.
pub async fn run(stage: &Report, ground: &Ground, earlier: &[Earlier]) -> Attempt {
    let what = what(stage);
    ground.tell(&News::Began(&what));
    let events = events(earlier.to_vec(), &ground.site, false);
    let specs: Result<Vec<Spec>, Error> =
        stage.reporters.iter().map(|text| text.parse::<Spec>().map(|spec| spec.from_folder(&ground.dir))).collect();
    let specs = match specs {
        Ok(specs) => specs,
        Err(error) => return Attempt::wrong(what, &[error]),
    };
    if let Err(error) = write(&specs, &events, Options::default()) {
        return Attempt::wrong(what, &[Error { code: exit::ERRORED, ..error }]);
    }
    let Some(program) = &stage.run else { return Attempt { what, ..Attempt::default() } };
    let file = ground.site.folder.join(format!("{}.run.json", ground.name()));
    let Ok(spec) = format!("run-json:{}", file.display()).parse::<Spec>() else {
        return Attempt::failed(what, "the path of the report for the program cannot be written", exit::ERRORED);
    };
    if let Err(error) = write(&[spec], &events, Options::default()) {
        return Attempt::wrong(what, &[Error { code: exit::ERRORED, ..error }]);
    }
    provision::hand_over(program, &file, ground).await
}

/// The events of everything that has ended, as one run. They are copied only where somebody
/// else needs them still: those of a thousand nodes are hundreds of megabytes.
pub fn events(earlier: Vec<Earlier>, site: &Site, interrupted: bool) -> Vec<Stamped> {
    let (stages, told): (Vec<StageFinished>, Vec<_>) = earlier.into_iter().unzip();
    let mut runs = vec![head(&stages, site, interrupted)];
    runs.extend(told.into_iter().flatten().map(Arc::unwrap_or_clone));
    merge(runs, Some(site.run.clone()))
}

/// The pipeline itself as a run: it has stages and no nodes.
pub fn head(stages: &[StageFinished], site: &Site, interrupted: bool) -> Vec<Stamped> {
    let now = jiff::Timestamp::now();
    let stamped = |time: jiff::Timestamp, event: RunEvent| Stamped { sequence: 0, time: rfc3339(time), event };
    let mut own = vec![stamped(
        site.began,
        RunEvent::RunStarted(RunStarted {
            format: "probity/events",
            version: 1,
            run: site.run.clone(),
            probity: env!("CARGO_PKG_VERSION").into(),
            nodes: 0,
            controls: 0,
        }),
    )];
    own.extend(stages.iter().map(|stage| stamped(now, RunEvent::StageFinished(Box::new(stage.clone())))));
    let seconds = now.duration_since(site.began).as_secs_f64();
    own.push(stamped(now, RunEvent::RunFinished(RunFinished { tally: Tally::default(), seconds, interrupted })));
    own
}

/// What came of every stage, for the report of the whole run.
pub fn all(pipeline: &Pipeline, stages: Vec<Done>) -> Vec<Earlier> {
    let earlier = |(number, done): (usize, Done)| (done.event(pipeline, number), done.events);
    stages.into_iter().enumerate().map(earlier).collect()
}

/// Writes reports of a run that is over.
///
/// # Errors
/// What cannot be written.
pub fn write(specs: &[Spec], events: &[Stamped], options: Options) -> Result<(), Error> {
    let nodes = events.iter().filter_map(|event| match &event.event {
        RunEvent::NodeStarted(started) => Some(started.node.clone()),
        _ => None,
    });
    let options = Options { nodes: nodes.collect(), ..options };
    let mut outputs = Outputs::open(specs, &options)?;
    events.iter().for_each(|event| outputs.event(event));
    outputs.finish()
}

fn what(stage: &Report) -> String {
    let mut parts = stage.reporters.clone();
    parts.extend(stage.run.is_some().then(|| "a program".to_string()));
    format!("report {}", parts.join(", "))
}
