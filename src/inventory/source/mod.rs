//! What an inventory is read from: a file, a program, standard input.

mod written;

use super::groups::{Draft, assemble};
use super::kind::{self, Kind};
use super::program::{self, Limits};
use super::{Inventory, refuse_empty};
use crate::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What an inventory is read from, and as what.
///
/// On the command line it is `FILE`, `KIND:FILE`, `command:PROGRAM ARGUMENT…`, or `-` for
/// standard input; in a file it is the same text or a map, see [`Source::from_yaml`].
#[derive(Debug, Clone)]
pub struct Source {
    from: From,
    /// What the text is said to be; else it is looked at.
    kind: Option<Kind>,
    /// Whether an inventory without nodes is one.
    allow_empty: bool,
    /// How long a program may take, where the source itself says so.
    time_limit: Option<Duration>,
}

#[derive(Debug, Clone)]
enum From {
    /// A file, which is run where it is a program.
    Path(PathBuf),
    StandardInput,
    /// A program and its arguments.
    Command(Vec<String>),
    /// One that was read before.
    Known(Arc<Inventory>),
}

/// How sources are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The folder that relative paths begin in, and that programs are run in; an empty path is the
    /// present one.
    pub folder: &'a Path,
    /// Variables that programs get besides those of this process.
    pub environment: &'a [(OsString, OsString)],
    /// Once it is set, programs are ended and reading is an error with the exit code of an
    /// interrupted run.
    pub stop: &'a AtomicBool,
    /// How long a program may take.
    pub time_limit: Duration,
}

impl Reading<'static> {
    /// In the present folder, with the environment of this process, for at most a minute.
    pub fn here() -> Reading<'static> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Reading { folder: Path::new(""), environment: &[], stop: &NEVER, time_limit: Duration::from_secs(60) }
    }
}

impl Source {
    /// A file or folder, read as what it looks like.
    pub fn of_path(path: impl Into<PathBuf>) -> Source {
        Source::new(From::Path(path.into()), None)
    }

    /// An inventory that was read before.
    pub fn of_inventory(inventory: Arc<Inventory>) -> Source {
        Source::new(From::Known(inventory), None)
    }

    fn new(from: From, kind: Option<Kind>) -> Source {
        Source { from, kind, allow_empty: false, time_limit: None }
    }

    /// Reads the inventory.
    ///
    /// # Errors
    /// Everything that is wrong with it, with file, line and column where there are any; a
    /// program that fails, takes too long or is stopped; no nodes, unless the source allows it.
    pub fn read(&self, reading: &Reading<'_>) -> Result<Inventory, Vec<Error>> {
        if let From::Known(inventory) = &self.from {
            return Ok(Inventory::clone(inventory));
        }
        let file = self.file(reading);
        let inventory = assemble(self.draft(&file, reading)?, &file)?;
        match self.allow_empty {
            true => Ok(inventory),
            false => refuse_empty(inventory),
        }
    }

    /// What places call it.
    fn file(&self, reading: &Reading<'_>) -> PathBuf {
        match &self.from {
            From::Path(path) => reading.folder.join(path),
            From::StandardInput => PathBuf::from("standard input"),
            From::Command(words) => match words.first() {
                Some(program) if program.contains('/') => reading.folder.join(program),
                program => PathBuf::from(program.map_or("", String::as_str)),
            },
            From::Known(inventory) => inventory.file.clone(),
        }
    }

    fn draft(&self, file: &Path, reading: &Reading<'_>) -> Result<Draft, Vec<Error>> {
        let one = |error: Error| vec![error];
        let limits = Limits { stop: reading.stop, time: self.time_limit.unwrap_or(reading.time_limit) };
        let bytes = match &self.from {
            From::Path(path) if program::is_one(file).map_err(one)? => {
                // A bare name would be looked for in $PATH.
                let path = if path.components().count() == 1 { Path::new(".").join(path) } else { path.clone() };
                let words = [path.into_os_string(), "--list".into()];
                program::run(&words, reading.folder, reading.environment, &limits).map_err(one)?
            }
            From::Path(_) => program::content(file).map_err(one)?,
            From::StandardInput => program::standard_input(&limits).map_err(one)?,
            From::Command(words) => {
                let words: Vec<OsString> = words.iter().map(OsString::from).collect();
                program::run(&words, reading.folder, reading.environment, &limits).map_err(one)?
            }
            From::Known(_) => Vec::new(),
        };
        kind::draft(self.kind, file, &bytes)
    }
}

impl fmt::Display for Source {
    /// As it would be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, self.kind) {
            (From::Command(words), _) => write!(f, "command:{}", words.join(" ")),
            (From::Path(path), Some(kind)) => write!(f, "{kind}:{}", path.display()),
            (From::Path(path), None) => write!(f, "{}", path.display()),
            (From::StandardInput, Some(kind)) => write!(f, "{kind}:-"),
            (From::StandardInput, None) => f.write_str("-"),
            (From::Known(inventory), _) => write!(f, "{}", inventory.file.display()),
        }
    }
}
