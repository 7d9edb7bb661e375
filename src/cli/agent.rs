//! `probity agent`: what `exec --agent` starts on a node.

use super::Outcome;
use crate::error::{Error, exit};

/// Runs profiles for a controller at the other end of standard input and output
///
/// This is what `probity exec --agent` starts on a node; it is not for people.
#[derive(Debug, clap::Args)]
pub struct AgentArgs {
    /// Print the SHA-256 of this program instead
    #[arg(long)]
    digest: bool,
}

pub fn run(args: &AgentArgs) -> Outcome {
    if args.digest {
        let unread = |error| Error::usage(format!("this program cannot be read: {error}"));
        let digest = crate::run::remote::own_digest().map_err(unread)?;
        super::print(&format!("{digest}\n"))?;
        return Ok(exit::OK);
    }
    crate::run::remote::serve(std::io::stdin(), std::io::stdout())?;
    Ok(exit::OK)
}
