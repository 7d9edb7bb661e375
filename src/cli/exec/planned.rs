//! From what was typed to the plan of a run.

use super::ExecArgs;
use crate::cli::{Errors, Global};
use crate::plan::rerun::Rerun;
use crate::plan::selection::Selection;
use crate::profile::waiver::Waivers;
use crate::results::mask::Masker;
use crate::run::remote::{Agent, Program};
use crate::run::{self, NodePrint, Planned, Request};
use std::io::Write;
use std::sync::Arc;

/// The plan of what was typed; `None` where an earlier run left nothing to run again.
///
/// # Errors
///
/// Everything that can be wrong before any node is touched.
pub fn plan(args: &ExecArgs, global: &Global) -> Result<Option<Planned>, Errors> {
    let profiles = args.profiles.load(&args.code)?;
    let selection = Selection::new(&args.selection.controls, &args.selection.tags, args.selection.impact_at_least)?;
    let nodes = args.nodes.read()?;
    let assignments = args.attributes.supplied()?;
    let waivers = Waivers::read(&args.waivers)?;
    let rerun = match &args.rerun_failed {
        Some(path) => Some((path.clone(), Rerun::read(path)?)),
        None => None,
    };
    let agent = match args.agent && !args.dry_run {
        true => Some(Agent { program: Program::read(args.agent_program.as_deref())?, cleanup: args.agent_cleanup }),
        false => None,
    };
    let mut notes = nodes.notes.clone();
    notes.extend(rerun.as_ref().and_then(|(_, rerun)| rerun.note()).map(str::to_string));
    let request = Request {
        profiles,
        nodes,
        assignments,
        selection,
        waivers,
        rerun,
        record: args.record.clone(),
        agent,
        print: (global.verbose > 0).then_some(printer as fn(Arc<Masker>) -> NodePrint),
    };
    let planned = run::plan(request)?;
    if !global.quiet {
        for note in notes {
            let _ = writeln!(std::io::stderr(), "note: {note}");
        }
    }
    Ok(planned)
}

/// Prints what controls print to standard error, under `-v`.
fn printer(masker: Arc<Masker>) -> NodePrint {
    Arc::new(move |node, control, line| {
        let line = masker.mask_text(line);
        let _ = match control {
            Some(control) => writeln!(std::io::stderr(), "{node}: {}: {line}", masker.mask_text(control)),
            None => writeln!(std::io::stderr(), "{line}"),
        };
    })
}
