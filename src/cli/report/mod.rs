//! `probity report`: what is done with runs that are over.

mod convert;
mod diff;
mod merge;

use super::{Errors, Global, Outcome, reporters};
use crate::error::Error;
use crate::report::{Destination, Look, Options, Outputs, Spec, path_for_node};
use crate::results::read::Source;
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Converts, merges and compares the results of runs
///
/// A RUN is the file that `--reporter run-json:PATH` or `ndjson:PATH` wrote, or - for standard
/// input. Nothing is run again, and no node is asked.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Convert(convert::ConvertArgs),
    Merge(merge::MergeArgs),
    Diff(diff::DiffArgs),
}

pub fn run(args: &ReportArgs, global: &Global) -> Outcome {
    match &args.action {
        Action::Convert(args) => convert::run(args, global),
        Action::Merge(args) => merge::run(args, global),
        Action::Diff(args) => diff::run(args, global),
    }
}

/// Which reports are written of a run that is over.
#[derive(Debug, clap::Args)]
struct ReporterArgs {
    /// NAME or NAME:PATH, several at once (default cli)
    #[arg(long, value_name = "REPORTER", num_args = 1.., help_heading = "Output")]
    #[arg(default_values = ["cli"], hide_default_value = true)]
    reporter: Vec<String>,

    /// Exit with the verdict of the run, as exec does
    ///
    /// Without it the exit code is 0 when all reports are written.
    #[arg(long, help_heading = "Output")]
    exit_code: bool,
}

impl ReporterArgs {
    /// The reporters that were asked for.
    fn specs(&self) -> Result<Vec<Spec>, Errors> {
        reporters::specs(&self.reporter, |text| {
            let hint = || format!("{text} is taken as a value of --reporter: name the runs before it");
            Path::new(text).exists().then(hint)
        })
    }

    /// Opens the reports of a run that has `nodes` and was read from `sources`.
    fn open(
        &self,
        specs: &[Spec],
        nodes: Vec<Arc<str>>,
        sources: &[PathBuf],
        global: &Global,
    ) -> Result<Outputs, Error> {
        for spec in specs {
            refuse_source(spec, &nodes, sources)?;
        }
        let look = Look { colour: global.colours(&std::io::stdout()), ..Look::of_stdout() };
        let verbose = global.verbose > 0;
        Outputs::open(specs, &Options { look, nodes, verbose, ..Options::default() })
    }
}

/// An error where a report would take the place of a run it is made of: one that is written as
/// it happens empties its file first.
fn refuse_source(spec: &Spec, nodes: &[Arc<str>], sources: &[PathBuf]) -> Result<(), Error> {
    let Destination::Path(path) = &spec.destination else { return Ok(()) };
    let mut names = HashSet::new();
    let paths: Vec<PathBuf> = match spec.per_node() {
        true => nodes.iter().map(|node| path_for_node(path, node, &mut names)).collect(),
        false => vec![path.clone()],
    };
    let same = |path: &PathBuf, source: &PathBuf| matches!((path.canonicalize(), source.canonicalize()), (Ok(path), Ok(source)) if path == source && path.is_file());
    match paths.iter().find(|path| sources.iter().any(|source| same(path, source))) {
        Some(path) => {
            let message = format!("the report would overwrite {}, which it is made of", path.display());
            Err(Error::usage(message).hint("write it to another path"))
        }
        None => Ok(()),
    }
}

/// Opens the file of a run, and says on standard error what is to be known of it.
fn open(path: &Path, global: &Global) -> Result<Source, Error> {
    let source = Source::open(path)?;
    if let (Some(note), false) = (source.note(), global.quiet) {
        let _ = writeln!(std::io::stderr(), "note: {note}");
    }
    Ok(source)
}

/// An error where standard input is named more than once.
fn refuse_twice(paths: &[PathBuf]) -> Result<(), Error> {
    match paths.iter().filter(|path| *path == Path::new("-")).count() {
        0 | 1 => Ok(()),
        _ => Err(Error::usage("standard input holds one run, and - is given twice").hint("name files")),
    }
}
