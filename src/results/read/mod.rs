//! Runs read back from the files that the reporters `run-json` and `ndjson` wrote, as the events
//! they were made of.
//!
//! A file is gone through twice, first for what has to be known beforehand (nodes, profiles,
//! stages), then event by event, so that a run of thousands of nodes need not be in memory.
//! Fields and events that are not known are ignored, as additions of the same major version are.

mod document;
pub mod head;
mod lines;
mod pieces;

use super::Stamped;
use crate::error::{Error, Place};
use document::Document;
use head::Format;
use lines::Lines;
use serde_json::error::Category;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// The most bytes that one node, or the profiles of a run, take in a file. A reader holds that
/// much at a time and refuses more.
const PIECE: u64 = 256 << 20;

/// A run in a file.
#[derive(Debug)]
pub struct Source {
    file: File,
    /// As the user named it.
    path: Arc<Path>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Document(Box<Document>),
    Lines(Lines),
}

impl Source {
    /// Opens the file of a run and looks it through. `-` is standard input.
    ///
    /// The events of a run that was killed have no end, and the last line may be cut in the middle.
    /// That is no error; [`Source::note`] tells of it.
    ///
    /// # Errors
    ///
    /// It cannot be read, holds something else, is of another major version, is cut off or
    /// damaged, names a node twice, or holds a node or line too large to be one.
    pub fn open(path: &Path) -> Result<Source, Error> {
        let shown: Arc<Path> = if path == Path::new("-") { Path::new("standard input").into() } else { path.into() };
        let unreadable = |error| head::unreadable(&shown, &error);
        let (mut file, rest) = seekable(path).map_err(unreadable)?;
        let format = head::format(&shown, &mut file, "a run is needed")?;
        if let Some(mut rest) = rest {
            // Only now: a device may have no end.
            file.seek(SeekFrom::End(0)).and_then(|_| io::copy(&mut rest, &mut file)).map_err(unreadable)?;
        }
        file.rewind().map_err(unreadable)?;
        let content = match format {
            Format::Run => Content::Document(Box::new(Document::survey(&shown, &mut file)?)),
            Format::Events => Content::Lines(Lines::survey(&shown, &mut file)?),
        };
        Ok(Source { file, path: shown, content })
    }

    /// The nodes of the run in their order.
    pub fn nodes(&self) -> &[Arc<str>] {
        match &self.content {
            Content::Document(document) => &document.nodes,
            Content::Lines(lines) => &lines.nodes,
        }
    }

    /// What the user should know of the file: that the run it tells of broke off.
    pub fn note(&self) -> Option<&str> {
        match &self.content {
            Content::Document(_) => None,
            Content::Lines(lines) => lines.note.as_deref(),
        }
    }

    /// Passes on every event of the run, in order.
    ///
    /// # Errors
    ///
    /// The file is damaged: an event lacks what it must have, or names a control that no profile of
    /// the file describes. Events before that were passed on.
    pub fn each(&mut self, mut take: impl FnMut(Stamped)) -> Result<(), Error> {
        self.file.rewind().map_err(|error| head::unreadable(&self.path, &error))?;
        let mut sequence = 0;
        let mut stamp = |time, event| {
            take(Stamped { sequence, time, event });
            sequence += 1;
        };
        match &self.content {
            Content::Document(document) => document.each(&self.path, &mut self.file, &mut stamp),
            Content::Lines(lines) => lines.each(&self.path, &mut self.file, &mut stamp),
        }
    }

    /// All events of the run.
    ///
    /// # Errors
    ///
    /// As [`Source::each`].
    pub fn events(&mut self) -> Result<Vec<Stamped>, Error> {
        let mut events = Vec::new();
        self.each(|event| events.push(event))?;
        Ok(events)
    }
}

/// Takes the next event with its time.
type Take<'a> = &'a mut dyn FnMut(String, super::RunEvent);

/// Opens a file that can be read twice. What comes through a pipe is kept in a temporary one, its
/// beginning at first; the rest is given beside it.
fn seekable(path: &Path) -> io::Result<(File, Option<Box<dyn Read>>)> {
    let mut from: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => {
            let file = File::open(path)?;
            let found = file.metadata()?;
            if found.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            if found.is_file() {
                return Ok((file, None));
            }
            Box::new(file)
        }
    };
    let mut kept = tempfile::tempfile()?;
    io::copy(&mut from.by_ref().take(head::NEAR), &mut kept)?;
    kept.rewind()?;
    Ok((kept, Some(from)))
}

/// A damaged file, and what to do about it.
fn damaged(path: &Path, line: usize, error: &serde_json::Error) -> Error {
    let what = match error.classify() {
        Category::Eof => "the file is cut off here",
        Category::Io => "the file cannot be read any further",
        Category::Syntax | Category::Data => "this is not what a run writes",
    };
    head::misread(path, line, error, what).hint("take the file as the run wrote it")
}

/// Something amiss in a line of the file.
fn amiss(path: &Path, line: usize, message: String) -> Error {
    Error::usage(message).at(Place::line(path, line)).hint("take the file as the run wrote it")
}

#[cfg(test)]
mod tests;
