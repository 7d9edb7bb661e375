//! Why a program did not do what it was run for.

use super::CAPTURE_CAP;
use crate::error::{Error, exit};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Why a program did not do what it was run for.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{program} was not begun: the run was interrupted")]
    NotBegun { program: String },
    #[error("{program} cannot be run: {why}")]
    NotStarted { program: String, why: String, hint: Option<String> },
    #[error("{program} ended with status {code}")]
    Exited { program: String, code: i32 },
    #[error("{program} was ended by signal {}", signal_name(*.signal))]
    Killed { program: String, signal: i32 },
    #[error("{program} took longer than {} and was {how}", duration(*.limit))]
    TimedOut { program: String, limit: Duration, how: Ending },
    #[error("{program} was interrupted and {how}")]
    Stopped { program: String, how: Ending },
    #[error("{program} was {how}: the log {} cannot be written: {why}", .log.display())]
    Log { program: String, log: PathBuf, why: String, how: Ending },
    #[error("{program} printed more than {} MiB on standard output, the most that is kept, and was {how}", CAPTURE_CAP >> 20)]
    TooMuch { program: String, how: Ending },
    #[error("{program} cannot be watched: {why}")]
    Lost { program: String, why: String },
}

impl Fault {
    /// Whether it ended because the run was interrupted, which is no fault of its own.
    pub fn is_stop(&self) -> bool {
        matches!(self, Fault::NotBegun { .. } | Fault::Stopped { .. })
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Fault::NotStarted { hint, .. } => hint.as_deref(),
            Fault::TimedOut { how, .. } if how.at_terminal => Some(
                "it waited for a terminal, which a pipeline has not: give it what it asks for by an option, a file or the environment",
            ),
            _ => None,
        }
    }

    /// As an error of a stage.
    pub fn to_error(&self) -> Error {
        let error = Error { code: exit::ERRORED, ..Error::usage(self.to_string()) };
        match self.hint() {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// How a program went that had to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ending {
    /// It did not end when asked.
    pub killed: bool,
    /// It, or what it has started, was stopped at an attempt to use the terminal.
    pub at_terminal: bool,
    /// Even the kernel could not end it: it hangs in a system call.
    pub remains: bool,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.remains, self.killed) {
            (true, _) => "killed, but hangs in the kernel and is still there",
            (_, true) => "killed, for it did not end when asked",
            (_, false) => "ended",
        })
    }
}

/// A length of time as messages give it.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds, time.subsec_millis()) {
        (0, milliseconds) => format!("{milliseconds} ms"),
        (seconds, 0) if seconds >= 3600 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        (seconds, 0) if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        (seconds, 0) => format!("{seconds} s"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A signal by its name, see signal(7).
fn signal_name(number: i32) -> String {
    const NAMES: [(i32, &str); 12] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
    ];
    NAMES.iter().find(|(known, _)| *known == number).map_or_else(|| number.to_string(), |(_, name)| name.to_string())
}
