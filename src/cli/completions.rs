//! `probity completions`

use super::Outcome;
use crate::error::exit;
use clap_complete::Shell;

/// Prints the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity completions bash > /etc/bash_completion.d/probity\n  \
    probity completions zsh > ~/.zfunc/_probity")]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "probity", &mut script);
    super::print(&String::from_utf8_lossy(&script))?;
    Ok(exit::OK)
}
