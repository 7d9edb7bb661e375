//! The programs of a stage: each is started in a process group of its own, read continuously,
//! bounded in time, and ended with all it has started.
//!
//! A program has no terminal: its standard input is what it is given or nothing, so that one that
//! asks for something ends instead of waiting for an answer.

mod group;
mod lookup;
mod output;
mod running;

#[cfg(test)]
mod tests;

pub use output::{From, LONGEST_SHOWN, Line, Output, TAIL};

use crate::error::Error;
use crate::results::mask::Masker;
use running::Running;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::Instant;

/// The most bytes of standard output that are kept where it is captured.
pub const CAPTURE_CAP: usize = 64 << 20;
/// Time from the request to end until the process group is killed, where nobody asks for another.
pub const GRACE: Duration = Duration::from_secs(10);

/// A program with everything it is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub words: Words,
    /// Added to the environment of this process; `None` takes a variable away.
    pub env: BTreeMap<OsString, Option<OsString>>,
    /// The working directory.
    pub dir: PathBuf,
    /// What it reads on standard input; `None`: nothing.
    pub stdin: Option<Vec<u8>>,
    pub capture: Capture,
    pub end_with: EndWith,
    /// How long it may take to clean up when it is asked to end, where that is longer than
    /// [`Bounds::grace`].
    pub grace: Duration,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// A program and its arguments, with no shell between; never empty.
    Argv(Vec<OsString>),
    /// A line for `sh -c`.
    Line(String),
}

/// What becomes of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Capture {
    /// It is shown and logged.
    #[default]
    No,
    /// It is shown and logged, and kept whole.
    Shown,
    /// It is kept whole and neither shown nor logged: it may hold secrets nobody knows yet, as the
    /// outputs of Terraform do.
    Hidden,
}

/// The signal that asks a program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndWith {
    #[default]
    Terminate,
    /// What Ctrl-C sends: some programs clean up on it, and only on it.
    Interrupt,
}

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
        let error = Error { code: crate::error::exit::ERRORED, ..Error::usage(self.to_string()) };
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

impl Program {
    /// A program with arguments, run without a shell in the current directory.
    pub fn new<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Program {
        Program::of(Words::Argv(words.into_iter().map(Into::into).collect()))
    }

    /// A line for the shell.
    pub fn line(line: impl Into<String>) -> Program {
        Program::of(Words::Line(line.into()))
    }

    fn of(words: Words) -> Program {
        Program {
            words,
            env: BTreeMap::new(),
            dir: PathBuf::from("."),
            stdin: None,
            capture: Capture::No,
            end_with: EndWith::Terminate,
            grace: Duration::ZERO,
        }
    }

    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Program {
        self.dir = dir.into();
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Program {
        self.env.insert(name.into(), Some(value.into()));
        self
    }

    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Program {
        self.stdin = Some(bytes.into());
        self
    }

    #[must_use]
    pub fn capture(mut self, capture: Capture) -> Program {
        self.capture = capture;
        self
    }

    /// How it is asked to end, and how long it may take then.
    #[must_use]
    pub fn end_with(mut self, end_with: EndWith, grace: Duration) -> Program {
        self.end_with = end_with;
        self.grace = grace;
        self
    }

    /// What messages call it: the program's name, or `sh` with the beginning of its line.
    pub fn name(&self) -> String {
        match &self.words {
            Words::Argv(words) => {
                let word = words.first().cloned().unwrap_or_default();
                Path::new(&word).file_name().unwrap_or(&word).to_string_lossy().into_owned()
            }
            Words::Line(line) => {
                let line = crate::report::text::line(line);
                match line.char_indices().nth(40) {
                    Some((end, _)) => format!("sh -c '{}…'", &line[..end]),
                    None => format!("sh -c '{line}'"),
                }
            }
        }
    }

    /// Its arguments, the program itself among them, where a person on the same machine sees them.
    fn arguments(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        let (words, line): (&[OsString], Option<&str>) = match &self.words {
            Words::Argv(words) => (words, None),
            Words::Line(line) => (&[], Some(line)),
        };
        words.iter().map(|word| word.to_string_lossy()).chain(line.map(Into::into))
    }

    /// Refuses secrets among the arguments: every user of the machine can read them while the
    /// program runs.
    ///
    /// # Errors
    /// An argument holds a sensitive value in any form the masker knows.
    pub fn refuse_secrets(&self, masker: &Masker) -> Result<(), Fault> {
        let number = self.arguments().position(|argument| masker.mask_text(&argument) != argument);
        let Some(number) = number else { return Ok(()) };
        let which = match (&self.words, number) {
            (Words::Line(_), _) => "the line for the shell".to_string(),
            (_, 0) => "its name".to_string(),
            (_, number) => format!("argument {number}"),
        };
        Err(Fault::NotStarted {
            program: masker.mask_text(&self.name()).into_owned(),
            why: format!("{which} holds a secret, and every user of this machine could read it"),
            hint: Some("hand it over in env or on stdin".to_string()),
        })
    }
}

impl fmt::Display for Program {
    /// As one would type it into a shell; its environment aside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.words {
            Words::Line(line) => f.write_str(line),
            Words::Argv(words) => {
                let words: Vec<String> = words.iter().map(|word| quoted(&word.to_string_lossy())).collect();
                f.write_str(&words.join(" "))
            }
        }
    }
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
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
