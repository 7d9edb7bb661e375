//! `probity exec`

use super::profiles::{FIRST, ProfileArgs, is_profile};
use super::{Errors, Global, Outcome, signals};
use crate::error::{Error, exit};
use crate::lua::Print;
use crate::plan::nodes::NodePlan;
use crate::plan::rerun::Rerun;
use crate::plan::selection::{Selectable, Selection};
use crate::profile::waiver::Waivers;
use crate::report::text::wrap;
use crate::report::{self, Look, Options, Outputs, Spec, TABLE};
use crate::results::event::ControlSummary;
use crate::results::mask::Masker;
use crate::results::{Live, Stamped};
use crate::run::remote::{Agent, Program};
use crate::run::{self, Interruption, NodePrint, OnNode, Plan, PlannedNode, PlannedProfile, WaiverOf, Width};
use crate::target::Target;
use std::collections::HashSet;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Runs profiles on this machine, or on others, and reports the result
///
/// A PROFILE is a directory, an archive made by `probity archive`, or NAME@REQUIREMENT looked
/// up in --profile-path. All of them run in one go and come to one verdict, which is the
/// exit code.
///
/// Without --target and --inventory they run on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "--help adds the reporters, examples and exit codes.", after_long_help = after_help())]
pub struct ExecArgs {
    #[command(flatten)]
    profiles: ProfileArgs,

    #[command(flatten)]
    nodes: super::nodes::NodeArgs,

    /// How many nodes at a time (default: up to 64)
    ///
    /// Without it as many as half of the free memory (8 MiB a node) and the limit of open
    /// files (12 a node) allow, and at most 64.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Nodes")]
    parallel: Option<u16>,

    /// Start no more nodes once N, or P%, are not fine
    ///
    /// Nodes that failed, errored or were out of reach count; those in flight finish.
    #[arg(long, value_name = "N", help_heading = "Nodes")]
    max_failures: Option<MaxFailures>,

    /// Push this program to the nodes and run it there
    ///
    /// The program has to be linked statically. Where a node cannot run it, it is asked as it
    /// would be without --agent, and a note says why.
    #[arg(long, help_heading = "Connection")]
    agent: bool,

    /// Program to push instead of this one
    #[arg(long, value_name = "FILE", hide_short_help = true, help_heading = "Connection")]
    agent_program: Option<PathBuf>,

    /// Remove the program from the nodes when the run is done
    #[arg(long, hide_short_help = true, help_heading = "Connection")]
    agent_cleanup: bool,

    #[command(flatten)]
    attributes: super::inputs::AttributeArgs,

    #[command(flatten)]
    selection: SelectionArgs,

    /// Lua to run as a check; needs no profile
    #[arg(short = 'e', value_name = "CODE", help_heading = "Run")]
    code: Vec<String>,

    /// Files of accepted failures, each with its reason
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    waivers: Vec<PathBuf>,

    /// NAME or NAME:PATH, several at once (default cli)
    #[arg(long, value_name = "REPORTER", num_args = 1.., help_heading = "Output")]
    #[arg(default_values = ["cli"], hide_default_value = true)]
    reporter: Vec<String>,

    /// Only what went wrong in an earlier run
    ///
    /// FILE is the ndjson or run-json report of that run. What failed or errored there is run
    /// again; on a node that was out of reach, everything.
    #[arg(long, value_name = "FILE", help_heading = "Which controls")]
    rerun_failed: Option<PathBuf>,

    /// Keep what is observed, for recording://
    ///
    /// With several nodes the path holds {node}, and each has a file of its own.
    #[arg(long, value_name = "FILE", conflicts_with = "agent", help_heading = "Run")]
    record: Option<PathBuf>,

    /// Print nodes, controls and attributes; run nothing
    #[arg(long, help_heading = "Run")]
    dry_run: bool,

    /// Exit with 0 or 1 alone; skipped is 0
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    no_distinct_exit: bool,
}

/// When no node is started any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MaxFailures {
    Nodes(usize),
    /// Of all nodes of the run.
    Percent(usize),
}

impl std::str::FromStr for MaxFailures {
    type Err = String;

    fn from_str(text: &str) -> Result<MaxFailures, String> {
        let wrong = || "write a number of nodes from 1, or a share of them from 1% to 100%".to_string();
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0usize).ok_or_else(wrong);
        match text.strip_suffix('%') {
            Some(percent) => Ok(MaxFailures::Percent(number(percent)?)).and_then(|share| match share {
                MaxFailures::Percent(101..) => Err(wrong()),
                share => Ok(share),
            }),
            None => Ok(MaxFailures::Nodes(number(text)?)),
        }
    }
}

impl MaxFailures {
    /// How many of `nodes` these are; at least 1.
    fn of(self, nodes: usize) -> usize {
        match self {
            MaxFailures::Nodes(count) => count,
            MaxFailures::Percent(percent) => (nodes * percent).div_ceil(100).max(1),
        }
    }
}

/// Which controls run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which controls")]
pub struct SelectionArgs {
    /// By id, glob or /regular expression/
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    controls: Vec<String>,
    /// With one of these tags: KEY or KEY=VALUE
    #[arg(long, value_name = "TAG", num_args = 1.., value_delimiter = ',')]
    tags: Vec<String>,
    /// Of at least this impact, 0.0 to 1.0
    #[arg(long, value_name = "N")]
    impact_at_least: Option<f64>,
}

impl ExecArgs {
    /// An error where neither a profile nor code is given.
    fn refuse_nothing(&self) -> Result<(), Error> {
        if !self.profiles.paths.is_empty() || !self.code.is_empty() {
            return Ok(());
        }
        let error = Error::usage("no profile is given");
        let lists = [("--controls", &self.selection.controls), ("--tags", &self.selection.tags)];
        let eaten = lists.iter().find_map(|(flag, words)| Some((flag, words.iter().find(|word| is_profile(word))?)));
        Err(match eaten {
            Some((flag, word)) => error.hint(format!("{word} is taken as a value of {flag}: {FIRST}")),
            None => error.hint("probity exec PROFILE runs one, probity exec -e CODE a line of Lua"),
        })
    }
}

impl SelectionArgs {
    /// The selection, once it is sure that it selects something of `controls`.
    pub fn read(&self, controls: &[Arc<ControlSummary>]) -> Result<Selection, Errors> {
        let selection = Selection::new(&self.controls, &self.tags, self.impact_at_least)?;
        let selectable: Vec<Selectable<'_>> = controls
            .iter()
            .map(|control| Selectable { id: &control.id, tags: &control.tags, impact: control.impact })
            .collect();
        selection.verify(&selectable)?;
        Ok(selection)
    }
}

fn after_help() -> String {
    format!(
        "{}\n\nExamples:\n  \
         probity exec profiles/linux-baseline --attrs attributes/linux-baseline.yml\n  \
         probity exec linux-baseline-1.0.0.tar.gz --reporter cli junit:out/junit.xml\n  \
         probity exec my-baseline --controls 'sshd-*' --attr max_auth_tries=3\n  \
         probity exec linux-baseline@1 --profile-path /srv/profiles\n  \
         probity exec -e 'describe(file \"/etc/shadow\"):exists()'\n  \
         probity exec my-baseline -t ssh://ops@web1 --sudo\n  \
         probity exec my-baseline --inventory nodes.yml --nodes 'web,!web2'\n\n{}",
        reporters(),
        exit_codes()
    )
}

/// The reporters, from the table that runs.
fn reporters() -> String {
    /// Where the text begins, so that all of it fits a terminal of 80 columns.
    const INDENT: &str = "            ";
    let below = |text: &str| wrap(text, 79 - INDENT.len()).join(&format!("\n{INDENT}"));
    let mut text = String::from("Reporters, as NAME or NAME:PATH ({node} in a path stands for the node's name):");
    for kind in TABLE {
        text.push_str(&format!("\n  {:8}  {}", kind.name, below(kind.doc)));
        for option in kind.options {
            let line = format!("{},{}={}: {}", kind.name, option.name, option.values.join(" or "), option.doc);
            text.push_str(&format!("\n{INDENT}{}", below(&line)));
        }
    }
    text
}

/// The exit codes, from the one place that defines them.
fn exit_codes() -> String {
    let mut text = String::from("Exit codes, the first that holds:\n");
    for (code, meaning) in exit::ALL {
        text.push_str(&format!("  {code:>3}  {meaning}\n"));
    }
    text.push_str("With --no-distinct-exit 101 becomes 0, and every other code but 0 becomes 1.");
    text
}

pub fn run(args: &ExecArgs, global: &Global) -> Outcome {
    let specs = specs(&args.reporter)?;
    args.refuse_nothing()?;
    let profiles = args.profiles.load(&args.code)?;
    let selection = Selection::new(&args.selection.controls, &args.selection.tags, args.selection.impact_at_least)?;
    let nodes = args.nodes.read()?;
    let values = super::inputs::on_nodes(&profiles, &args.attributes, &nodes.nodes)?;
    let waivers = Arc::new(Waivers::read(&args.waivers)?);
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();

    let mut secrets: Vec<String> = nodes.secrets.clone();
    let mut seen = HashSet::new();
    for values in values.iter().flatten().filter(|values| seen.insert(Arc::as_ptr(values))) {
        secrets.extend(values.secrets.iter().cloned());
    }
    let masker = Arc::new(Masker::new(secrets));
    let print = printer(global, &masker);
    let (mut planned, mut engines, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let first = nodes.nodes.first().map_or_else(|| Arc::from("localhost"), |node| node.name.clone());
    for profile in &profiles {
        let waivers = waivers.clone();
        let waiver: WaiverOf = Arc::new(move |control, node| waivers.for_control(control, node, today));
        let selects = |control: &ControlSummary| selection.fits(&control.id, &control.tags, control.impact);
        match run::prepare(profile, &selects, waiver, on_node(print.as_ref(), &first)) {
            Ok((profile, engine)) => {
                planned.push(profile);
                engines.push(engine);
            }
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        return Err(Errors(errors));
    }
    let all: Vec<Arc<ControlSummary>> = planned.iter().flat_map(|profile| profile.controls.iter().cloned()).collect();
    args.selection.read(&all)?;
    waivers.refuse_unknown(all.iter().map(|control| &*control.id))?;
    if !global.quiet {
        for note in &nodes.notes {
            let _ = writeln!(std::io::stderr(), "note: {note}");
        }
    }
    let mut nodes: Vec<PlannedNode> =
        nodes.nodes.into_iter().zip(values).map(|(node, values)| planned_node(node, &planned, values)).collect();
    if let Some(path) = &args.rerun_failed {
        let rerun = Rerun::read(path)?;
        if let Some(note) = rerun.note().filter(|_| !global.quiet) {
            let _ = writeln!(std::io::stderr(), "note: {note}");
        }
        nodes = again(nodes, &rerun);
        if nodes.is_empty() && rerun.is_empty() {
            super::print("nothing to run again: nothing failed or errored in that run\n")?;
            return Ok(exit::OK);
        }
        if nodes.is_empty() {
            let error = Error::usage("nothing of what failed in that run is part of this one").in_file(path);
            return Err(error.hint("give the same profiles and nodes as then").into());
        }
    }
    if let Some(path) = &args.record {
        record(path, &mut nodes)?;
    }
    let agent = match args.agent && !args.dry_run {
        true => Some(Agent { program: Program::read(args.agent_program.as_deref())?, cleanup: args.agent_cleanup }),
        false => None,
    };
    let plan =
        Arc::new(Plan { profiles: planned, nodes, masker, agent, print, now: jiff::Timestamp::now().as_second() });
    if args.dry_run {
        super::print(&dry_run(&plan))?;
        return Ok(exit::OK);
    }

    let interruption = Arc::new(Interruption::new());
    let alone = matches!(&plan.nodes[..], [node] if node.target == Target::Local);
    // The machine itself is at hand: whether a profile fits it shows before any report is opened.
    let reached = match alone {
        true => Some(reach_this_machine(&plan, &interruption)?),
        false => None,
    };
    let look = Look { colour: global.colours(&std::io::stdout()), ..Look::of_stdout() };
    let progress_bar = !global.quiet && std::io::stderr().is_terminal();
    let options = Options {
        look,
        nodes: plan.nodes.iter().map(|node| node.name.clone()).collect(),
        progress_bar,
        progress_lines: !global.quiet && !progress_bar,
        verbose: global.verbose > 0,
    };
    let mut outputs = Outputs::open(&specs, &options)?;
    signals::listen(&interruption, plan.nodes.len());
    let ended = match &reached {
        Some(reached) => run::run_reached(&plan, reached, engines, &interruption, &mut Reports(&mut outputs)),
        None => {
            drop(engines);
            let width = Width {
                parallel: args.parallel.map_or_else(run::default_parallel, usize::from),
                max_failures: args.max_failures.map(|most| most.of(plan.nodes.len())),
            };
            run::run(&plan, width, &interruption, &mut Reports(&mut outputs))
        }
    };
    outputs.finish()?;
    if !ended.troubles.is_empty() {
        return Err(Errors(ended.troubles));
    }
    refuse_unfit(ended.unfit.iter().flatten())?;
    let code = match ended.interrupted {
        false => ended.tally.exit_code(),
        true => exit::INTERRUPTED,
    };
    Ok(if args.no_distinct_exit { folded(code) } else { code })
}

fn planned_node(node: NodePlan, profiles: &[PlannedProfile], values: Vec<Arc<run::Values>>) -> PlannedNode {
    let on_node =
        |(profile, values): (&PlannedProfile, Arc<run::Values>)| OnNode { values, selected: profile.selected.clone() };
    PlannedNode {
        name: node.name,
        target: node.target,
        groups: node.groups,
        options: node.options,
        record: None,
        profiles: profiles.iter().zip(values).map(on_node).collect(),
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

/// The only node of a run, where that is this machine.
fn reach_this_machine(plan: &Plan, interruption: &Interruption) -> Result<run::Reached, Errors> {
    let flight = interruption.take_off(None);
    let reached = run::reach(plan, 0, &flight);
    interruption.land(&flight);
    let reached = reached.map_err(|why| {
        let mut error = Error::usage(format!("this machine {why}"));
        error.code = exit::ERRORED;
        error
    })?;
    let unfit: Vec<Arc<str>> =
        plan.profiles.iter().filter_map(|profile| profile.unsupported(&reached.platform)).collect();
    refuse_unfit(unfit.iter())?;
    Ok(reached)
}

/// An error for every profile that fits no node: a run that checked nothing must not look green.
fn refuse_unfit<'a>(reasons: impl Iterator<Item = &'a Arc<str>>) -> Result<(), Errors> {
    let errors: Vec<Error> =
        reasons.map(|reason| Error::usage(format!("a profile fits no node of the run: {reason}"))).collect();
    if errors.is_empty() { Ok(()) } else { Err(Errors(errors)) }
}

/// The reports of a run, as who hears of it.
struct Reports<'a>(&'a mut Outputs);

impl run::Audience for Reports<'_> {
    fn event(&mut self, event: &Stamped) {
        self.0.event(event);
    }

    fn live(&mut self, live: &Live) {
        self.0.live(live);
    }

    fn tick(&mut self, now: Instant) {
        self.0.tick(now);
    }
}

fn folded(code: u8) -> u8 {
    match code {
        exit::SKIPPED | exit::OK => exit::OK,
        _ => exit::USAGE,
    }
}

fn specs(reporters: &[String]) -> Result<Vec<Spec>, Errors> {
    let mut specs = Vec::new();
    let mut errors = Vec::new();
    for text in reporters {
        match text.parse::<Spec>() {
            Ok(spec) => specs.push(spec),
            Err(error) if is_profile(text) => {
                let hints = vec![format!("{text} is taken as a value of --reporter: {FIRST}")];
                errors.push(Error { hints, ..error });
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(specs) } else { Err(Errors(errors)) }
}

/// Where the `print` of controls goes: to standard error under `-v`, else nowhere.
fn printer(global: &Global, masker: &Arc<Masker>) -> Option<NodePrint> {
    if global.verbose == 0 {
        return None;
    }
    let masker = masker.clone();
    Some(Arc::new(move |node, control, line| {
        let line = masker.mask_text(line);
        let _ = match control {
            Some(control) => writeln!(std::io::stderr(), "{node}: {}: {line}", masker.mask_text(control)),
            None => writeln!(std::io::stderr(), "{line}"),
        };
    }))
}

/// The `print` of one node.
fn on_node(print: Option<&NodePrint>, node: &Arc<str>) -> Print {
    let Some(print) = print.cloned() else { return Rc::new(|_, _| {}) };
    let node = node.clone();
    Rc::new(move |control, line| print(&node, control, line))
}

/// What `--dry-run` prints.
fn dry_run(plan: &Plan) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for node in &plan.nodes {
        let _ = writeln!(text, "node {} ({})", node.name, node.target);
        if !node.groups.is_empty() {
            let _ = writeln!(text, "  groups {}", node.groups.join(", "));
        }
    }
    for (at, profile) in plan.profiles.iter().enumerate() {
        let _ = writeln!(text, "\nprofile {} {}", profile.selected.summary.name, profile.selected.summary.version);
        attributes(plan, at, &mut text);
        for control in &profile.selected.summary.controls {
            let title = control.title.as_deref().unwrap_or("");
            let _ = writeln!(text, "  control {}  {title}", control.id);
        }
    }
    text.push_str("\nNothing was run.\n");
    text
}

/// The attributes of a profile, once for all nodes that have the same.
fn attributes(plan: &Plan, profile: usize, text: &mut String) {
    use std::fmt::Write;
    let mut shared: Vec<(&Arc<run::Values>, Vec<&str>)> = Vec::new();
    for node in &plan.nodes {
        let values = &node.profiles[profile].values;
        match shared.iter_mut().find(|(known, _)| Arc::ptr_eq(known, values)) {
            Some((_, names)) => names.push(&node.name),
            None => shared.push((values, vec![&node.name])),
        }
    }
    let several = shared.len() > 1;
    for (values, names) in shared {
        let indent = if several { "    " } else { "  " };
        if several && !values.attributes.is_empty() {
            let _ = writeln!(text, "  on {}", names.join(", "));
        }
        for attribute in &values.attributes {
            let shown = if attribute.sensitive { "***".to_string() } else { attribute.value.to_string() };
            let _ = writeln!(text, "{indent}attribute {} = {shown} ({})", attribute.name, attribute.origin);
        }
    }
}
