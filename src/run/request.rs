//! From what is asked for to the plan of a run.

use super::plan::{Later, NodePrint, OnNode, Plan, PlannedNode, PlannedProfile, Values, WaiverOf};
use super::remote::Agent;
use super::values::OnNodes;
use super::{prepare, values};
use crate::error::Error;
use crate::lua::{Engine, Print};
use crate::plan::attributes::Supplied;
use crate::plan::nodes::{NodePlan, Nodes};
use crate::plan::rerun::Rerun;
use crate::plan::selection::{Selectable, Selection};
use crate::profile::Profile;
use crate::profile::waiver::Waivers;
use crate::report;
use crate::results::event::ControlSummary;
use crate::results::mask::Masker;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// What is asked for, read and checked as far as each part can be on its own.
pub struct Request {
    pub profiles: Vec<Profile>,
    pub nodes: Nodes,
    /// The values of files and of the command line, the weakest first.
    pub assignments: Supplied,
    pub selection: Selection,
    pub waivers: Waivers,
    /// Only what went wrong in an earlier run, and the file that tells of it.
    pub rerun: Option<(PathBuf, Rerun)>,
    /// Where what is observed is kept; with `{node}` in it a file a node.
    pub record: Option<PathBuf>,
    /// The program that is pushed to the nodes.
    pub agent: Option<Agent>,
    /// Where what controls print goes, given what has to be masked.
    pub print: Option<fn(Arc<Masker>) -> NodePrint>,
}

/// A plan, and the controls of each profile of it loaded.
pub type Planned = (Arc<Plan>, Vec<Engine>);

/// The plan of what is asked for; `None` where an earlier run left nothing to run again.
///
/// # Errors
///
/// Everything that can be wrong before any node is touched.
pub fn plan(request: Request) -> Result<Option<Planned>, Vec<Error>> {
    let Request { profiles, nodes, assignments, selection, waivers, rerun, record: recording, agent, print } = request;
    let OnNodes { values, later, secrets: more } = values::on_nodes(&profiles, assignments, &nodes)?;
    let waivers = Arc::new(waivers);
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();

    let mut secrets: Vec<String> = nodes.secrets;
    secrets.extend(more);
    let mut seen = HashSet::new();
    for values in values.iter().flatten().filter(|values| seen.insert(Arc::as_ptr(values))) {
        secrets.extend(values.secrets.iter().cloned());
    }
    let masker = Arc::new(Masker::new(secrets));
    let print = print.map(|print| print(masker.clone()));
    let (mut planned, mut engines, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let first = nodes.nodes.first().map_or_else(|| Arc::from("localhost"), |node| node.name.clone());
    for profile in &profiles {
        let waivers = waivers.clone();
        let waiver: WaiverOf = Arc::new(move |control, node| waivers.for_control(control, node, today));
        let selects = |control: &ControlSummary| selection.fits(&control.id, &control.tags, control.impact);
        match prepare::prepare(profile, &selects, waiver, on_node(print.as_ref(), &first)) {
            Ok((profile, engine)) => {
                planned.push(profile);
                engines.push(engine);
            }
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let one = |error: Error| vec![error];
    let all: Vec<Arc<ControlSummary>> = planned.iter().flat_map(|profile| profile.controls.iter().cloned()).collect();
    let selectable =
        all.iter().map(|control| Selectable { id: &control.id, tags: &control.tags, impact: control.impact });
    selection.verify(&selectable.collect::<Vec<_>>())?;
    waivers.refuse_unknown(all.iter().map(|control| &*control.id)).map_err(one)?;
    let known = nodes.nodes.into_iter().zip(values).zip(later);
    let mut nodes: Vec<PlannedNode> =
        known.map(|((node, values), later)| planned_node(node, &planned, values, later)).collect();
    if let Some((path, rerun)) = &rerun {
        nodes = again(nodes, rerun);
        if nodes.is_empty() && rerun.is_empty() {
            return Ok(None);
        }
        if nodes.is_empty() {
            let error = Error::usage("nothing of what failed in that run is part of this one").in_file(path);
            return Err(one(error.hint("give the same profiles and nodes as then")));
        }
    }
    if let Some(path) = &recording {
        record(path, &mut nodes).map_err(one)?;
    }
    let plan =
        Arc::new(Plan { profiles: planned, nodes, masker, agent, print, now: jiff::Timestamp::now().as_second() });
    Ok(Some((plan, engines)))
}

fn planned_node(
    node: NodePlan,
    profiles: &[PlannedProfile],
    values: Vec<Arc<Values>>,
    later: Option<Later>,
) -> PlannedNode {
    let on_node =
        |(profile, values): (&PlannedProfile, Arc<Values>)| OnNode { values, selected: profile.selected.clone() };
    PlannedNode {
        name: node.name,
        target: node.target,
        groups: node.groups,
        options: node.options,
        record: None,
        profiles: profiles.iter().zip(values).map(on_node).collect(),
        later,
    }
}

/// Where what is observed of each node goes. Found out now, and not after an hour, that nothing
/// can be written there.
fn record(path: &Path, nodes: &mut [PlannedNode]) -> Result<(), Error> {
    let per_node = path.to_string_lossy().contains("{node}");
    if nodes.len() > 1 && !per_node {
        let error = Error::usage(format!("a recording holds one node, and this run has {} of them", nodes.len()));
        return Err(error.hint("write --record FOLDER/{node}.recording for a file a node"));
    }
    let mut names = HashSet::new();
    for node in nodes.iter_mut() {
        let path = match per_node {
            true => report::path_for_node(path, &node.name, &mut names),
            false => path.to_path_buf(),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unwritable =
            |error: std::io::Error| Error::usage(format!("the recording cannot be written: {error}")).in_file(&path);
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        tempfile::tempfile_in(folder).map_err(unwritable)?;
        node.record = Some(path);
    }
    Ok(())
}

/// What of the nodes is to be run again.
fn again(nodes: Vec<PlannedNode>, rerun: &Rerun) -> Vec<PlannedNode> {
    let chosen = |mut node: PlannedNode| {
        for on_node in &mut node.profiles {
            let profile = on_node.selected.summary.name.clone();
            let wants = |control: &ControlSummary| rerun.wants(&node.name, &profile, &control.id);
            on_node.selected = Arc::new(on_node.selected.only(&wants));
        }
        node.profiles.iter().any(|on_node| !on_node.selected.numbers.is_empty()).then_some(node)
    };
    nodes.into_iter().filter_map(chosen).collect()
}

/// The `print` of one node.
fn on_node(print: Option<&NodePrint>, node: &Arc<str>) -> Print {
    let Some(print) = print.cloned() else { return Rc::new(|_, _| {}) };
    let node = node.clone();
    Rc::new(move |control, line| print(&node, control, line))
}
