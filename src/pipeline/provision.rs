//! A stage that provisions, and one that tears down: programs, and what they leave.

use super::file::{Body, Pipeline, Provision, Teardown};
use super::ground::Ground;
use super::process::{Bounds, GRACE, Line, Output};
use super::provisioner::{Found, Outputs, Provisioned, Provisioner, Scene};
use super::render;
use super::stage::Attempt;
use super::watcher::News;
use crate::error::{Error, exit};
use crate::inventory::{self, Inventory, Source};
use crate::value::Value;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Provisions, and reads what was left.
pub async fn run(stage: &Provision, ground: &Ground) -> Attempt {
    let Some(provisioner) = &stage.provisioner else {
        return Attempt::failed("provision", "no provisioner is named", exit::USAGE);
    };
    let what = what(provisioner, ground);
    let mut attempt = work(provisioner, Work::Provision, &what, ground, &stage.inputs, &[]).await;
    if attempt.failure.is_some() {
        return attempt;
    }
    if let Some(source) = &stage.inventory {
        match read(source, ground).await {
            Ok(inventory) => attempt.inventory = Some(Arc::new(inventory)),
            Err(errors) => return Attempt { failure: Attempt::wrong("", &errors).failure, ..attempt },
        }
    }
    if let Some(inventory) = &attempt.inventory {
        keep(inventory, ground);
        let nodes = inventory.nodes.len();
        ground.tell(&News::Progress(&format!("{nodes} {}", if nodes == 1 { "node" } else { "nodes" })));
    }
    attempt
}

/// Undoes a provision.
pub async fn tear_down(stage: &Teardown, ground: &Ground) -> Attempt {
    if let Some(provisioner) = &stage.provisioner {
        return work(provisioner, Work::Provision, &what(provisioner, ground), ground, &[], &[]).await;
    }
    let pipeline: &Pipeline = &ground.pipeline;
    let Some(of) = pipeline.stages[ground.number].of else {
        return Attempt::failed("tear down", "neither of nor a program is named", exit::USAGE);
    };
    let what = format!("undo {}", pipeline.stages[of].name);
    // With what the provision itself had: its folder, its environment, its values.
    let undone = match render::stage(pipeline, of, &ground.context) {
        Ok(undone) => undone,
        Err(errors) => return Attempt::wrong(what, &errors),
    };
    let Body::Provision(provision) = &undone.body else {
        return Attempt::failed(what, "what is to be undone is no provision", exit::USAGE);
    };
    let Some(provisioner) = &provision.provisioner else {
        return Attempt::failed(what, "what is to be undone has no provisioner", exit::USAGE);
    };
    let ground = Ground { env: undone.env.clone(), dir: undone.dir.clone(), ..ground.clone() };
    work(provisioner, Work::TearDown, &what, &ground, &provision.inputs, &[]).await
}

/// Runs a program that is given the path of a report.
pub async fn hand_over(program: &Provisioner, report: &Path, ground: &Ground) -> Attempt {
    let report = std::path::absolute(report).unwrap_or_else(|_| report.to_path_buf());
    let given = [("PROBITY_RUN".to_string(), report.display().to_string())];
    work(program, Work::Provision, &what(program, ground), ground, &[], &given).await
}

/// Looks at what a provision has left, and changes nothing: its outputs, and its nodes.
///
/// # Errors
/// The provisioner fails, or its inventory cannot be read.
pub async fn look(stage: &Provision, ground: &Ground) -> Result<Left, Vec<Error>> {
    let Some(provisioner) = &stage.provisioner else { return Ok(Left::default()) };
    let looked = work(provisioner, Work::Look, provisioner.kind().key, ground, &stage.inputs, &[]).await;
    if let Some((why, code)) = looked.failure {
        return Err(vec![Error { code, ..Error::usage(why) }]);
    }
    let inventory = match &stage.inventory {
        Some(source) => Some(Arc::new(read(source, ground).await?)),
        None => looked.inventory,
    };
    Ok((looked.outputs, inventory))
}

/// The outputs of a provision, and its nodes.
pub type Left = (IndexMap<String, Value>, Option<Arc<Inventory>>);

/// What a provisioner is asked for.
#[derive(Clone, Copy)]
enum Work {
    Provision,
    Look,
    TearDown,
}

async fn work(
    provisioner: &Provisioner,
    work: Work,
    what: &str,
    ground: &Ground,
    inputs: &[String],
    given: &[(String, String)],
) -> Attempt {
    if !matches!(work, Work::Look) {
        ground.tell(&News::Began(what));
    }
    let log = ground.site.folder.join("logs").join(format!("{}.log", ground.name()));
    let output = Output::new(ground.site.masker(), shown(ground)).with_log(&log, ground.attempt);
    let mut output = match output {
        Ok(output) => output,
        Err(error) => return Attempt::wrong(what, &[error]),
    };
    let scratch = match tempfile::Builder::new().prefix("probity-stage-").tempdir() {
        Ok(scratch) => scratch,
        Err(error) => return Attempt::failed(what, format!("no temporary folder can be made: {error}"), exit::ERRORED),
    };
    let nodes = match ground.scene_nodes(inputs).await {
        Ok(nodes) => nodes,
        Err(errors) => return Attempt::wrong(what, &errors),
    };
    let mut env = ground.env.clone();
    env.extend(given.iter().cloned());
    let scene = Scene { env: &env, scratch: scratch.path(), nodes: &nodes };
    let (stop, forward) = ground.ending();
    let bounds = Bounds { until: Some((ground.until.into(), ground.timeout)), grace: GRACE, stop };
    let done = match work {
        Work::Provision => provisioner.provision(&scene, &bounds, &mut output).await,
        Work::Look => provisioner.look(&scene, &bounds, &mut output).await,
        Work::TearDown => provisioner.tear_down(&scene, &bounds, &mut output).await.map(|()| Provisioned::default()),
    };
    forward.abort();
    let attempt = Attempt {
        what: what.to_string(),
        log: output.log_path().map(Path::to_path_buf),
        output: Some(output.tail().to_string()).filter(|tail| !tail.trim().is_empty()),
        ..Attempt::default()
    };
    let left = match done {
        Ok(left) => left,
        Err(failure) => {
            let why = if failure.stopped { "interrupted".to_string() } else { failure.error.in_a_line() };
            return Attempt { failure: Some((why, failure.error.code)), ..attempt };
        }
    };
    ground.site.keep_secret(left.outputs.secrets());
    match left.inventory.map(known).transpose() {
        Ok(inventory) => {
            Attempt { outputs: outputs(&left.outputs), inventory: inventory.flatten().map(Arc::new), ..attempt }
        }
        Err(errors) => Attempt { failure: Attempt::wrong("", &errors).failure, ..attempt },
    }
}

/// Shows lines of output to whoever watches.
fn shown(ground: &Ground) -> Box<dyn FnMut(Line<'_>) + Send> {
    let ground = ground.clone();
    Box::new(move |line| ground.tell(&News::Line(line.text)))
}

/// The nodes a provisioner knows of; `None` where there are none: it may have made something else.
fn known(found: Found) -> Result<Option<Inventory>, Vec<Error>> {
    let kind = found.format.name().parse::<inventory::Kind>().map_err(|error| vec![error])?;
    let inventory = Inventory::parse_any(Some(kind), Path::new(&found.from), &found.bytes)?;
    Ok((!inventory.nodes.is_empty()).then_some(inventory))
}

/// Reads an inventory that may be a program, beside the event loop.
async fn read(source: &Source, ground: &Ground) -> Result<Inventory, Vec<Error>> {
    let stop = Arc::new(AtomicBool::new(false));
    let (source, of_work, of_ground) = (source.clone(), stop.clone(), ground.clone());
    let work = tokio::task::spawn_blocking(move || {
        let environment = of_ground.environment();
        source.read(&of_ground.reading(&environment, &of_work))
    });
    let read = ground.watch_over(work, || stop.store(true, Ordering::SeqCst)).await;
    read.unwrap_or_else(|why| Err(vec![Error { code: exit::ERRORED, ..Error::usage(why) }]))
        // What a provision has left is not known to be wrong before it is there.
        .map_err(|errors| errors.into_iter().map(|error| Error { code: exit::ERRORED, ..error }).collect())
}

fn outputs(outputs: &Outputs) -> IndexMap<String, Value> {
    outputs.values.iter().map(|(name, value)| (name.clone(), Value::from(value))).collect()
}

/// Writes down the nodes as Probity's own inventory, for people and for `probity exec`.
fn keep(inventory: &Inventory, ground: &Ground) {
    let path = ground.site.folder.join(format!("{}.inventory.yml", ground.name()));
    let text = ground.site.masker().mask_text(&inventory.to_yaml().0).into_owned();
    if let Err(error) = std::fs::write(&path, text) {
        ground.tell(&News::Progress(&format!("{} cannot be written: {error}", path.display())));
    }
}

/// What is run, in words: the first program of a provisioner.
fn what(provisioner: &Provisioner, ground: &Ground) -> String {
    let scene = Scene { env: &ground.env, scratch: &PathBuf::new(), nodes: &[] };
    let steps = provisioner.steps(&scene);
    let text = steps.first().map_or_else(|| provisioner.kind().key.to_string(), ToString::to_string);
    ground.site.masker().mask_text(&text).into_owned()
}
