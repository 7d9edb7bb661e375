//! `probity report merge`

use super::{ReporterArgs, open, refuse_twice};
use crate::cli::{Global, Outcome, reporters};
use crate::error::exit;
use crate::results::{self, RunEvent, Verdict};
use std::path::PathBuf;

/// Makes one run of several
///
/// Nodes are known by their names, and each comes once with the profiles of all runs. Where two
/// runs have the same control of the same profile on the same node, the run that is named later
/// counts, and a note on the node says so: the run of --rerun-failed after the run it completes.
/// Of a profile with another content the later run counts as a whole.
#[derive(Debug, clap::Args)]
#[command(after_help = "--help adds the reporters and examples.", after_long_help = after_help())]
pub struct MergeArgs {
    /// The run-json or ndjson reports of runs, the later counts; - for standard input
    #[arg(value_name = "RUN", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    reports: ReporterArgs,
}

fn after_help() -> String {
    format!(
        "{}\n\nExamples:\n  \
         probity report merge out/web.json out/db.json --reporter junit:out/junit.xml run-json:out/all.json\n  \
         probity report merge first.json rerun.json --exit-code",
        reporters::help()
    )
}

pub fn run(args: &MergeArgs, global: &Global) -> Outcome {
    let specs = args.reports.specs()?;
    refuse_twice(&args.paths)?;
    let mut runs = Vec::new();
    for path in &args.paths {
        runs.push(open(path, global)?.events()?);
    }
    let events = results::merge(runs, None);
    let nodes = events.iter().filter_map(|event| match &event.event {
        RunEvent::NodeStarted(started) => Some(started.node.clone()),
        _ => None,
    });
    let mut outputs = args.reports.open(&specs, nodes.collect(), &args.paths, global)?;
    let mut verdict = Verdict::default();
    for event in &events {
        verdict.event(event);
        outputs.event(event);
    }
    outputs.finish()?;
    Ok(if args.reports.exit_code { verdict.exit_code() } else { exit::OK })
}
