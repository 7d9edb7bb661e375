//! The programs of a stage: each is started in a process group of its own, read continuously,
//! bounded in time, and ended with all it has started.
//!
//! A program has no terminal: its standard input is what it is given or nothing, so that one that
//! asks for something ends instead of waiting for an answer.

mod fault;
mod group;
mod lookup;
mod output;
mod private_key;
mod program;
mod running;

#[cfg(test)]
mod tests;

pub use fault::{Ending, Fault, duration};
pub use output::{From, LONGEST_SHOWN, Line, Output, TAIL};
pub use program::{Capture, EndWith, Program, Words};

use running::Running;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::Instant;

/// The most bytes of standard output that are kept where it is captured.
pub const CAPTURE_CAP: usize = 64 << 20;
/// Time from the request to end until the process group is killed, where nobody asks for another.
pub const GRACE: Duration = Duration::from_secs(10);

/// How far a stage is let go on; sent by whoever hears signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stop {
    #[default]
    GoOn,
    /// Ask the program to end, and kill it when it takes longer than [`Bounds::grace`].
    End,
    /// Kill it at once.
    Kill,
}

/// What a program may take.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// When it is asked to end, and the limit as messages give it.
    pub until: Option<(Instant, Duration)>,
    /// From the request to end until the group is killed.
    pub grace: Duration,
    pub stop: watch::Receiver<Stop>,
}

/// A program that ended by itself with status 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// What it wrote to standard output, where that is captured.
    pub stdout: Vec<u8>,
}

/// Runs a program to its end.
///
/// What it writes goes to `output` line by line as it comes. It ends when the program does, and
/// not when the last process does that holds its output: what such a process writes more than two
/// seconds later is not seen. Where the program fails or has to be ended, what is left of its
/// process group is ended with it; of one that succeeds it goes on, for it may be what was to be
/// started.
///
/// # Errors
/// It could not be started, failed, or had to be ended; or a secret is among its arguments.
pub async fn run(program: &Program, bounds: &Bounds, output: &mut Output) -> Result<Done, Fault> {
    if *bounds.stop.borrow() > Stop::GoOn {
        return Err(Fault::NotBegun { program: program.name() });
    }
    program.refuse_secrets(output.masker())?;
    let mut child = start(program)?;
    Running::new(program, bounds, &child)?.follow(&mut child, output).await
}

/// Starts it, or says why it cannot be.
fn start(program: &Program) -> Result<Child, Fault> {
    let not_started =
        |trouble: lookup::Trouble| Fault::NotStarted { program: program.name(), why: trouble.why, hint: trouble.hint };
    let found = lookup::find(program).map_err(not_started)?;
    let mut command = tokio::process::Command::new(&found.path);
    command.arg0(&found.name).args(&found.arguments).current_dir(&program.dir).process_group(0).kill_on_drop(true);
    for (name, value) in &program.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(if program.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| not_started(lookup::explain(&found, &error)))
}
