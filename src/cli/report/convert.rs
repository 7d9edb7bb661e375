//! `probity report convert`

use super::{ReporterArgs, open};
use crate::cli::{Global, Outcome, reporters};
use crate::error::exit;
use crate::results::Verdict;
use std::path::PathBuf;

/// Writes the results of a run in other formats
///
/// Every report is the one the run itself would have written. The run is read node by node, so
/// that one of thousands of nodes needs little memory.
#[derive(Debug, clap::Args)]
#[command(after_help = "--help adds the reporters and examples.", after_long_help = after_help())]
pub struct ConvertArgs {
    /// The run-json or ndjson report of a run; - for standard input
    #[arg(value_name = "RUN")]
    path: PathBuf,
    #[command(flatten)]
    reports: ReporterArgs,
}

fn after_help() -> String {
    format!(
        "{}\n\nExamples:\n  \
         probity report convert out/run.json\n  \
         probity report convert out/run.json --reporter junit:out/junit.xml json:out/{{node}}.json\n  \
         ssh bastion cat events.ndjson | probity report convert - --reporter cli --exit-code",
        reporters::help()
    )
}

pub fn run(args: &ConvertArgs, global: &Global) -> Outcome {
    let specs = args.reports.specs()?;
    let mut source = open(&args.path, global)?;
    let sources = std::slice::from_ref(&args.path);
    let mut outputs = args.reports.open(&specs, source.nodes().to_vec(), sources, global)?;
    let mut verdict = Verdict::default();
    source.each(|event| {
        verdict.event(&event);
        outputs.event(&event);
    })?;
    outputs.finish()?;
    Ok(if args.reports.exit_code { verdict.exit_code() } else { exit::OK })
}
