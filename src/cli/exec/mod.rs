//! `probity exec`

mod dry_run;
mod planned;
mod selection;

pub use selection::SelectionArgs;

use super::profiles::{FIRST, ProfileArgs, is_profile};
use super::{Errors, Global, Outcome, reporters, signals};
use crate::error::{Error, exit};
use crate::plan::share::Share;
use crate::report::{Look, Options, Outputs};
use crate::results::{Live, Stamped};
use crate::run::{self, Interruption, Plan, Width};
use crate::target::Target;
use std::io::IsTerminal;
use std::path::PathBuf;
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
    max_failures: Option<Share>,

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
        reporters::help(),
        exit_codes()
    )
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
    let specs = reporters::specs(&args.reporter, |text| {
        is_profile(text).then(|| format!("{text} is taken as a value of --reporter: {FIRST}"))
    })?;
    args.refuse_nothing()?;
    let Some((plan, engines)) = planned::plan(args, global)? else {
        super::print("nothing to run again: nothing failed or errored in that run\n")?;
        return Ok(exit::OK);
    };
    if args.dry_run {
        super::print(&dry_run::text(&plan))?;
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
        Some(reached) => {
            let ended = run::run_reached(&plan, reached, &engines, &interruption, &mut Reports(&mut outputs));
            // The program ends now: to free each value of a Lua state would only take time.
            std::mem::forget(engines);
            ended
        }
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
