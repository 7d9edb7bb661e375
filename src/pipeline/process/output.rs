//! What the programs of a stage print: shown, logged and its end kept, without secrets.

use super::private_key::{Key, without_key};
use crate::error::{Error, exit};
use crate::report::text;
use crate::results::mask::Masker;
use rustix::fs::OFlags;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of the end is kept for reports, in bytes.
pub const TAIL: usize = 64 << 10;
/// The most characters of a line that are shown.
pub const LONGEST_SHOWN: usize = 2000;
/// A line longer than this is taken in parts, in bytes.
const LONGEST: usize = 64 << 10;
/// What is kept back of such a part: a secret in it may be cut.
const KEPT_BACK: usize = 8 << 10;

/// Who has written a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Stdout,
    Stderr,
    /// Probity itself, about the program.
    Probity,
}

/// A line for a person to see: no control sequences, no secrets, not too long, no line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    pub from: From,
    pub text: &'a str,
}

/// Where lines are shown.
pub type Show = Box<dyn FnMut(Line<'_>) + Send>;

/// The output of one attempt of a stage, over all its programs.
pub struct Output {
    masker: Arc<Masker>,
    show: Show,
    log: Option<Log>,
    tail: String,
    stdout: Stream,
    stderr: Stream,
}

struct Log {
    path: PathBuf,
    file: File,
    /// Once it could not be written it is not tried again: what follows would have a hole before it.
    broken: bool,
}

/// One stream between two reads.
#[derive(Default)]
struct Stream {
    /// A line that has not ended yet.
    begun: Vec<u8>,
    key: Key,
}

impl Output {
    /// Shows lines and keeps the end, without a log.
    pub fn new(masker: Arc<Masker>, show: Show) -> Output {
        Output { masker, show, log: None, tail: String::new(), stdout: Stream::default(), stderr: Stream::default() }
    }

    /// Keeps everything in a file, too: made anew by the first attempt of a stage, added to by later
    /// ones, readable by its owner alone, for it holds what
    /// programs print. Control sequences stay in it as they came.
    ///
    /// # Errors
    /// The file cannot be made, or is no file: a pipe could hold up everything.
    pub fn with_log(mut self, path: &Path, attempt: u32) -> Result<Output, Error> {
        let refused = |why: String| {
            // It is no part of what a person wrote.
            let error = Error { code: exit::ERRORED, ..Error::usage(format!("the log cannot be written: {why}")) };
            error.in_file(path)
        };
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(attempt <= 1)
            .append(attempt > 1)
            .mode(0o600)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(path);
        let file = opened.map_err(|error| refused(error.to_string()))?;
        let kind = file.metadata().map_err(|error| refused(error.to_string()))?.file_type();
        if !kind.is_file() && !kind.is_char_device() {
            return Err(refused("it is no regular file".to_string()));
        }
        self.log = Some(Log { path: path.to_path_buf(), file, broken: false });
        Ok(self)
    }

    /// The file everything is kept in.
    pub fn log_path(&self) -> Option<&Path> {
        self.log.as_ref().map(|log| log.path.as_path())
    }

    pub fn masker(&self) -> &Arc<Masker> {
        &self.masker
    }

    /// The last lines as they were shown, [`TAIL`] bytes at most.
    pub fn tail(&self) -> &str {
        end_of(&self.tail)
    }

    /// A line of Probity's own, such as the command that is run next.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        let mut logged = Vec::new();
        for line in text.lines() {
            self.line(From::Probity, format!("+ {line}\n").as_bytes(), &mut logged);
        }
        self.write(&logged)
    }

    /// Whole lines that a node has printed, each with its name before it.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn tell(&mut self, from: From, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut logged = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = [format!("{name}: ").as_bytes(), line.strip_suffix(b"\n").unwrap_or(line), b"\n"].concat();
            self.line(from, &line, &mut logged);
        }
        self.write(&logged)
    }

    /// Takes bytes of a stream as they come, whole lines or not.
    ///
    /// # Errors
    /// The log cannot be written; the lines are shown nevertheless.
    pub(super) fn feed(&mut self, from: From, bytes: &[u8]) -> io::Result<()> {
        let mut begun = std::mem::take(&mut self.stream(from).begun);
        let mut logged = Vec::with_capacity(bytes.len());
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.line(from, &begun, &mut logged);
                begun.clear();
            }
            while begun.len() > LONGEST {
                let end = self.safe_cut(&begun);
                let rest = begun.split_off(end);
                self.line(from, &begun, &mut logged);
                begun = rest;
            }
        }
        self.stream(from).begun = begun;
        self.write(&logged)
    }

    /// Takes what was begun as the last line.
    ///
    /// # Errors
    /// The log cannot be written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let mut logged = Vec::new();
        for from in [From::Stdout, From::Stderr] {
            let begun = std::mem::take(&mut self.stream(from).begun);
            if !begun.is_empty() {
                self.line(from, &begun, &mut logged);
                logged.push(b'\n');
            }
            self.stream(from).key = Key::default();
        }
        self.write(&logged)
    }

    fn stream(&mut self, from: From) -> &mut Stream {
        match from {
            From::Stderr => &mut self.stderr,
            From::Stdout | From::Probity => &mut self.stdout,
        }
    }

    /// Where a line that has not ended can be cut without cutting a secret.
    fn safe_cut(&self, begun: &[u8]) -> usize {
        let mut cut = begun.len() - KEPT_BACK;
        let whole = masked(&self.masker, begun).into_owned();
        while cut > KEPT_BACK {
            let at = (cut.saturating_sub(3)..=cut).rev().find(|at| begun[*at] & 0xc0 != 0x80).unwrap_or(cut);
            let parts = [masked(&self.masker, &begun[..at]), masked(&self.masker, &begun[at..])].concat();
            if parts == whole {
                return at;
            }
            cut -= KEPT_BACK / 8;
        }
        begun.len()
    }

    /// One line, with its end where it has one.
    fn line(&mut self, from: From, bytes: &[u8], logged: &mut Vec<u8>) {
        let masker = self.masker.clone();
        let bytes = match from {
            From::Probity => Cow::Borrowed(bytes),
            _ => match without_key(&mut self.stream(from).key, bytes) {
                Some(bytes) => bytes,
                None => return,
            },
        };
        let masked = masked(&masker, &bytes);
        let shown = String::from_utf8_lossy(masked.strip_suffix(b"\n").unwrap_or(&masked));
        // What was overwritten on the terminal is not shown: progress.
        let last = shown.trim_end_matches('\r').rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
        let clean = text::clean(last);
        // A secret with a colour inside shows only now.
        let again = masker.mask_text(&clean);
        match again == clean {
            true => logged.extend_from_slice(&masked),
            false => {
                logged.extend_from_slice(again.as_bytes());
                logged.push(b'\n');
            }
        }
        let shown = text::bounded(&again, LONGEST_SHOWN);
        (self.show)(Line { from, text: &shown });
        self.tail.push_str(&shown);
        self.tail.push('\n');
        if self.tail.len() > 2 * TAIL {
            self.tail = end_of(&self.tail).to_string();
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(log) = self.log.as_mut().filter(|log| !log.broken) else { return Ok(()) };
        let written = log.file.write_all(bytes);
        log.broken = written.is_err();
        written
    }
}

/// The last whole lines of a text, [`TAIL`] bytes at most.
fn end_of(text: &str) -> &str {
    if text.len() <= TAIL {
        return text;
    }
    let from = text.len() - TAIL;
    match text.as_bytes()[from..].iter().position(|byte| *byte == b'\n') {
        Some(end) => &text[from + end + 1..],
        None => "",
    }
}

/// The bytes without secrets; what is no UTF-8 stays as it is.
fn masked<'a>(masker: &Masker, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (text, end) = match text.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (text, ""),
        };
        return match masker.mask_text(text) {
            masked if masked == text => Cow::Borrowed(bytes),
            masked => Cow::Owned([masked.as_bytes(), end.as_bytes()].concat()),
        };
    }
    let mut all = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        all.extend_from_slice(masker.mask_text(chunk.valid()).as_bytes());
        all.extend_from_slice(chunk.invalid());
    }
    Cow::Owned(all)
}
