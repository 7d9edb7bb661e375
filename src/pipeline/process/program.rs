//! A program, before it is started.

use super::Fault;
use crate::results::mask::Masker;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
