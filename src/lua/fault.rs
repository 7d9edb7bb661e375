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

/// Whether the Lua state ran out of memory, in Lua or in a function of Rust.
pub fn is_memory(error: &mlua::Error) -> bool {
    match error {
        mlua::Error::MemoryError(_) => true,
        mlua::Error::CallbackError { cause, .. } | mlua::Error::WithContext { cause, .. } => is_memory(cause),
        _ => false,
    }
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
    let (message, frames) = match text.split_once("\nstack traceback:") {
        Some((message, traceback)) => (message.to_string(), frames_of(traceback)),
        None => (text, Vec::new()),
    };
    (without_engine(message), frames)
}

/// Lua puts the engine's own line before errors of functions the engine wraps, and the
/// address of an error that is no text.
pub fn without_engine(message: String) -> String {
    if let Some(rest) = message.strip_prefix("probity/")
        && let Some((line, text)) = rest.split_once(": ")
        && line.split_once(':').is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return text.to_string();
    }
    match message.split_once(": 0x") {
        Some((kind, address)) if !kind.contains(' ') && address.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            format!("the error is no text but a {kind}")
        }
        _ => message,
    }
}

/// The lines of a traceback that are about the profile's files.
fn frames_of(traceback: &str) -> Vec<String> {
    let own = |line: &&str| line.contains(".lua:");
    traceback.lines().filter(own).map(tidy).take(FRAMES).collect()
}

/// `FILE:LINE: in upvalue 'name'` as `FILE:LINE in name`: how Lua came by a function is of
/// no use to whoever looks for a mistake.
fn tidy(frame: &str) -> String {
    let Some((place, function)) = frame.trim().split_once(": in ") else { return frame.trim().to_string() };
    let name = match function.split_once('\'') {
        Some((_, name)) => name.trim_end_matches('\''),
        None if function.starts_with("function <") => "a function",
        None => function,
    };
    format!("{place} in {name}")
}

/// `controls/x.lua:12: message` as its parts. Lua cuts long file names at their start.
fn place_in<'a>(message: &'a str, known: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, usize, &'a str)> {
    let at = message.find(".lua:")? + ".lua".len();
    let file = &message[..at];
    let rest = &message[at + 1..];
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let line = rest[..digits].parse().ok()?;
    let text = rest[digits..].strip_prefix(':')?.trim_start();
    let is_it = |name: &&str| match file.strip_prefix("...") {
        Some(tail) => name.ends_with(tail),
        None => *name == file,
    };
    let file = known.into_iter().find(is_it)?;
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
    let frame_place = |frame: &str| {
        let (file, rest) = frame.split_once(".lua:")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        Some((format!("{file}.lua"), rest[..digits].parse::<usize>().ok()?))
    };
    let places: Vec<(String, usize)> = frames.iter().filter_map(|frame| frame_place(frame)).collect();
    let message = match error {
        _ if is_memory(error) => "the control used more memory than a profile may".to_string(),
        _ => message,
    };
    let known = std::iter::once(&*control.file).chain(places.iter().map(|(file, _)| file.as_str()));
    let (file, line, text) = match (place_in(&message, known), places.first()) {
        (Some((file, line, text)), _) => (Arc::from(file), line, text.to_string()),
        // An error without a place, such as one of a function in C: where it came from.
        (None, Some((file, line))) => (Arc::from(file.as_str()), *line, message.clone()),
        (None, None) => (control.file.clone(), control.line, message.clone()),
    };
    let mut step = remark(Outcome::Errored, "check runs to its end", text, &file, line);
    // Frames that are all at the place of the error say nothing more than it does.
    let here = format!("{file}:{line} ");
    let told = !frames.iter().all(|frame| frame.starts_with(&here));
    step.traceback = told.then(|| frames.join("\n"));
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::tests::{check, message};

    #[test]
    fn a_traceback_names_functions_and_says_nothing_twice() {
        let frames = frames_of("\tcontrols/a.lua:3: in upvalue 'f'\n\t[C]: in function 'error'");
        assert_eq!(frames, ["controls/a.lua:3 in f"]);
        assert_eq!(tidy("controls/a.lua:3: in function <controls/a.lua:2>"), "controls/a.lua:3 in a function");
        let flat = check("error('flat')");
        assert_eq!((flat.steps[0].message.as_deref(), &flat.steps[0].traceback), (Some("flat"), &None));
        let deep = check("local function f() error('deep') end\nlocal function g() f() return 1 end\ng()");
        let traceback = deep.steps[0].traceback.clone().unwrap_or_default();
        assert!(traceback.contains(" in f\n") && traceback.contains(" in check"), "{traceback}");
        assert!(!traceback.contains("upvalue"), "{traceback}");
    }

    #[test]
    fn a_resource_is_named_once_in_its_refusal() {
        let relative = message(&check("describe(file 'etc/motd'):exists()"));
        assert!(relative.starts_with("file: path is"), "{relative}");
    }
}
