//! `probity report diff`

use super::{open, refuse_twice};
use crate::cli::{Global, Outcome, TextOrJson};
use crate::error::exit;
use crate::report::{Look, diff};
use crate::results::diff::{Diff, Snapshot};
use std::path::{Path, PathBuf};

/// Shows what changed from one run to another
///
/// Controls that came to another outcome stand there once for each way they changed, with the
/// nodes on which they did; then results that found something else, controls, nodes and
/// profiles that are new or gone, and attributes that have another value. -v lists what is failed
/// or errored in both.
///
/// Something got worse if a control failed or errored that had not come to that before, also on a
/// node that is new, if a node is out of reach that was not, or if a stage of the
/// pipeline errored that had not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes:\n    \
    0  nothing got worse\n  \
    100  something got worse\n    \
    1  usage, or a run that cannot be read\n\n\
    Examples:\n  \
    probity report diff yesterday.json today.json\n  \
    probity report diff yesterday.json today.json --format json")]
pub struct DiffArgs {
    /// The run-json or ndjson report of the run before; - for standard input
    old: PathBuf,
    /// That of the run after it
    new: PathBuf,
    /// How to print it: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    #[arg(hide_possible_values = true)]
    format: TextOrJson,
}

pub fn run(args: &DiffArgs, global: &Global) -> Outcome {
    refuse_twice(&[args.old.clone(), args.new.clone()])?;
    let snapshot = |path: &Path| {
        let mut snapshot = Snapshot::default();
        open(path, global)?.each(|event| snapshot.event(&event))?;
        Ok::<Snapshot, crate::error::Error>(snapshot)
    };
    let (old, new) = (snapshot(&args.old)?, snapshot(&args.new)?);
    let changes = Diff::of(&old, &new);
    let look = Look { colour: global.colours(&std::io::stdout()), ..Look::of_stdout() };
    crate::cli::print(&match args.format {
        TextOrJson::Text => diff::text(&changes, &look, global.verbose > 0),
        TextOrJson::Json => diff::json(&changes),
    })?;
    Ok(if changes.is_worse() { exit::FAILED } else { exit::OK })
}
