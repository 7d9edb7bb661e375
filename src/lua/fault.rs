//! Lua's errors in the words of a report: message, place, and a short traceback.

use super::Sources;
use super::record::remark;
use crate::error::{Error, Place};
use crate::results::Outcome;
use crate::results::event::{ControlSummary, Step};
use std::sync::Arc;

/// The most frames a traceback shows.
const FRAMES: usize = 8;

/// The message of an error without tracebacks and without what mlua puts around it.
pub fn plain_message(error: &mlua::Error) -> String {
    split(error).0
}

/// The message, and the frames of the profile's own code, innermost first.
fn split(error: &mlua::Error) -> (String, Vec<String>) {
    let text = match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        mlua::Error::RuntimeError(message) | mlua::Error::MemoryError(message) => message.clone(),
        mlua::Error::CallbackError { traceback, cause } => {
            let (message, mut frames) = split(cause);
            frames.extend(frames_of(traceback));
            frames.dedup();
            return (message, frames);
        }
        mlua::Error::WithContext { cause, .. } => return split(cause),
        other => other.to_string(),
    };
    match text.split_once("\nstack traceback:") {
        Some((message, traceback)) => (message.to_string(), frames_of(traceback)),
        None => (text, Vec::new()),
    }
}

/// The lines of a traceback that are about the profile's files.
fn frames_of(traceback: &str) -> Vec<String> {
    let own = |line: &&str| line.contains(".lua:");
    let tidy = |line: &str| line.trim().replace(": in ", " in ").replace("function <", "function at <");
    traceback.lines().filter(own).map(tidy).take(FRAMES).collect()
}

/// `controls/x.lua:12: message` as its parts. Lua cuts long file names at their start.
fn place_in<'a>(message: &'a str, known: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, usize, &'a str)> {
    let at = message.find(".lua:")? + ".lua".len();
    let file = &message[..at];
    let rest = &message[at + 1..];
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let line = rest[..digits].parse().ok()?;
    let text = rest[digits..].strip_prefix(':')?.trim_start();
    let tail = file.strip_prefix("...").unwrap_or(file);
    let file = known.into_iter().find(|name| name.ends_with(tail))?;
    Some((file, line, text))
}

/// Refuses code that is no Lua, by the name the user knows it by.
///
/// # Errors
///
/// The first thing in `code` that Lua does not understand, with its line.
pub fn refuse_syntax(name: &str, code: &str) -> Result<(), Error> {
    // Only compiled, never run: a state without any library will do.
    let lua = mlua::Lua::new_with(mlua::StdLib::NONE, mlua::LuaOptions::default());
    let found = lua.and_then(|lua| lua.load(code).set_name(format!("={name}")).into_function().map(drop));
    let Err(error) = found else { return Ok(()) };
    let (message, _) = split(&error);
    let (line, text) = message
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(':')?.split_once(": "))
        .and_then(|(line, text)| Some((line.parse::<usize>().ok()?, text)))
        .unwrap_or((1, &message));
    let error = Error::usage(text).at(Place::line(name, line));
    Err(match code.lines().nth(line.max(1) - 1) {
        Some(source) => error.with_source_line(source),
        None => error,
    })
}

/// An error while a file was loaded, with its source line.
pub fn load_error(error: &mlua::Error, sources: &Sources, path: &str) -> Error {
    let (message, _) = split(error);
    let files = sources.controls.iter().chain(&sources.libraries);
    let found = place_in(&message, files.clone().map(|(name, _)| &**name));
    let Some((file, line, text)) = found else {
        return Error::usage(message).at(Place::file(path));
    };
    let source =
        files.clone().find(|(name, _)| &***name == file).and_then(|(_, text)| text.lines().nth(line.max(1) - 1));
    let error = Error::usage(text).at(Place::line(file, line));
    match source {
        Some(source) => error.with_source_line(source),
        None => error,
    }
}

/// An error while a control ran, as a result.
pub fn step(error: &mlua::Error, control: &ControlSummary) -> Step {
    let (message, frames) = split(error);
    let names = frames.clone();
    let known = std::iter::once(&*control.file).chain(names.iter().filter_map(|frame| frame.split(':').next()));
    let message = match error {
        mlua::Error::MemoryError(_) => "the control used more memory than a profile may".to_string(),
        _ => message,
    };
    let (file, line, text) = match place_in(&message, known) {
        Some((file, line, text)) => (Arc::from(file), line, text.to_string()),
        None => (control.file.clone(), control.line, message.clone()),
    };
    let mut step = remark(Outcome::Errored, "check runs to its end", text, &file, line);
    step.traceback = (!frames.is_empty()).then(|| frames.join("\n"));
    step
}
