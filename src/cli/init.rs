//! `probity init`

use super::{Global, Outcome};
use crate::error::exit;
use crate::profile::scaffold;
use std::fmt::Write;
use std::path::PathBuf;

/// Writes a small profile that runs green and shows the idea
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  probity init my-baseline\n  probity exec my-baseline")]
pub struct InitArgs {
    /// The folder to make; its last part is the profile's name
    name: PathBuf,
}

pub fn run(args: &InitArgs, global: &Global) -> Outcome {
    let written = scaffold::write(&args.name)?;
    if global.quiet {
        return Ok(exit::OK);
    }
    let mut text = String::new();
    for path in written {
        let _ = writeln!(text, "wrote {}", path.display());
    }
    let _ = writeln!(text, "\nRun it: probity exec {}", args.name.display());
    super::print(&text)?;
    Ok(exit::OK)
}
