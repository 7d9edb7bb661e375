//! Looks a profile through without running it: what is wrong, what is surely not meant,
//! and what could be better, each with its place in the source.
//!
//! Every file is compiled by Lua, read into a [`tree`], and shown to one rule after the
//! other ([`walk`]). The rules know resources and matchers from their catalogues and the
//! names of the sandbox from the sandbox. They say nothing where they cannot be sure.
//!
//! A warning is switched off by `-- probity: allow RULE` at the end of its line or on the
//! line above.

mod arguments;
mod attributes;
mod calls;
mod controls;
mod finding;
mod loops;
mod matchers;
mod names;
mod names_used;
mod read;
mod resources;
mod sheet;
mod steps;
mod syntax;
mod tree;
mod updates;
mod walk;

#[cfg(test)]
mod tests;

pub use finding::{Finding, RULES, Rule, Severity};

use crate::error::{Error, Place};
use crate::profile::Profile;
use finding::{LOAD, MANIFEST_METADATA, PROFILE, TOO_MANY, UNEXAMINED};
use names::Names;
use sheet::{Gathered, MAX_FINDINGS, Sheet};
use std::path::Path;
use tree::Spot;
use walk::{Context, Phase};

/// The largest file that is looked through, in bytes; of a larger one only the syntax is
/// checked.
pub const MAX_BYTES: usize = 1 << 20;
/// The stack of the thread that looks: what Lua takes may nest a long way, an operation
/// with half a million operands among them.
const STACK: usize = 1 << 30;

/// The finding for a profile that cannot be read at all.
pub fn unreadable(error: Error) -> Finding {
    Finding { rule: &PROFILE, error }
}

/// Looks a profile through. `refused` is what the engine said when it loaded it.
///
/// # Errors
/// There is no memory for Lua or for the thread.
pub fn check(profile: &Profile, refused: Vec<Error>) -> Result<Vec<Finding>, Error> {
    let mut findings = std::thread::scope(|scope| {
        let look = || look_through(profile);
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, look);
        let thread = thread.map_err(|error| Error::usage(format!("no thread to check with: {error}")))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    for error in refused {
        if !findings.iter().any(|finding| finding.is_error() && is_same(&finding.error, &error)) {
            findings.push(Finding { rule: &LOAD, error });
        }
    }
    for finding in &mut findings {
        complete(&mut finding.error, profile);
    }
    findings.retain(|finding| finding.is_error() || !is_allowed(finding, profile));
    findings.sort_by(|a, b| a.place().cmp(&b.place()));
    if findings.len() > MAX_FINDINGS {
        findings.truncate(MAX_FINDINGS);
        let message = format!("there are more than {MAX_FINDINGS} findings; the rest is left out");
        findings.push(Finding { rule: &TOO_MANY, error: Error::usage(message).in_file(&profile.origin) });
    }
    Ok(findings)
}

fn look_through(profile: &Profile) -> Result<Vec<Finding>, Error> {
    let names = Names::ask()?;
    let lua = syntax::compiler()
        .map_err(|error| Error::usage(format!("Lua did not start: {}", super::plain_message(&error))))?;
    let mut findings = Vec::new();
    let mut gathered = Gathered::default();
    manifest(profile, &mut findings);
    for (path, text) in profile.controls().chain(profile.libraries()) {
        let place = |spot: Spot| Place::at(profile.path_of(path), spot.line, spot.column);
        if let Some(finding) = syntax::check(&lua, text, place) {
            // What it would have used is not known.
            gathered.any_attribute = true;
            findings.push(finding);
            continue;
        }
        let tree = if text.len() > MAX_BYTES { None } else { read::tree(text, &lua) };
        let Some(tree) = tree else {
            gathered.any_attribute = true;
            findings.push(unexamined(profile, path, text.len()));
            continue;
        };
        let mut sheet = Sheet {
            profile,
            names: &names,
            path,
            tree: &tree,
            gathered: &mut gathered,
            findings: &mut findings,
            named_attributes: 0,
            read_attributes: 0,
        };
        walk::block(&tree.body, Context { phase: Phase::Load, looped: false }, &mut sheet);
        attributes::after_file(&mut sheet);
    }
    attributes::unused(profile, &gathered, &mut findings);
    Ok(findings)
}

/// The finding for a file of which only the syntax is known to be right.
fn unexamined(profile: &Profile, path: &str, size: usize) -> Finding {
    let place = Place::line(profile.path_of(path), 1);
    if size > MAX_BYTES {
        let message = format!("only the syntax of this file was checked: it is larger than {} KiB", MAX_BYTES >> 10);
        return Finding::new(&UNEXAMINED, place, message).hint("split it into several files");
    }
    // full_moon takes Lua 5.4 but for its empty statements.
    Finding::new(&UNEXAMINED, place, "only the syntax of this file was checked: check cannot take it apart")
        .hint("is there a semicolon that ends no statement, as in ;; or do ; end?")
}

/// What a manifest should say of its profile.
fn manifest(profile: &Profile, findings: &mut Vec<Finding>) {
    let manifest = &profile.manifest;
    let said = [
        ("title", &manifest.title),
        ("summary", &manifest.summary),
        ("maintainer", &manifest.maintainer),
        ("license", &manifest.license),
    ];
    for (key, value) in said {
        if value.as_ref().is_none_or(|text| text.trim().is_empty()) {
            let error = profile.document.error(&profile.document.root.place, format!("the manifest has no {key}"));
            findings.push(Finding { rule: &MANIFEST_METADATA, error }.hint(format!("add {key}: …")));
        }
    }
}

/// Whether the engine's error is one that a rule has found as well, and placed better.
fn is_same(found: &Error, refused: &Error) -> bool {
    let (Some(here), Some(there)) = (&found.place, &refused.place) else { return false };
    if here.file == there.file {
        return here.line == there.line || refused.message.contains(&found.message);
    }
    // `require` passes on what is wrong with a library.
    let passed_on = format!(":{}: {}", here.line.unwrap_or(0), found.message);
    refused.message.ends_with(&passed_on)
}

/// The text of the file a place is in.
fn text_of<'a>(place: &Place, profile: &'a Profile) -> Option<&'a str> {
    let relative: &Path = place.file.strip_prefix(&profile.origin).ok()?;
    std::str::from_utf8(profile.file(relative.to_str()?)?).ok()
}

/// The longest source line that is shown, in characters.
const LONGEST_SHOWN: usize = 200;

/// Adds the source line and, to a place that has a line alone, the column of its first
/// character.
fn complete(error: &mut Error, profile: &Profile) {
    error.message = printable(&error.message);
    let Some(place) = &mut error.place else { return };
    let Some(line) = place.line else { return };
    let Some(text) = text_of(place, profile).and_then(|text| text.lines().nth(line.max(1) - 1)) else { return };
    if place.column.is_none() {
        place.column = Some(text.chars().take_while(|letter| letter.is_whitespace()).count() + 1);
    }
    // The mark below stands under its character only where every character is one wide.
    let shown = text.chars().count() <= LONGEST_SHOWN;
    error.source_line = shown.then(|| printable(text));
}

/// Text without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { ' ' } else { letter }).collect()
}

/// Whether the source says that a warning is meant to be.
fn is_allowed(finding: &Finding, profile: &Profile) -> bool {
    let Some(place) = finding.place() else { return false };
    let (Some(line), Some(text)) = (place.line, text_of(place, profile)) else { return false };
    let allows = |line: &str| {
        let Some((_, rules)) = line.rsplit_once("probity: allow ") else { return false };
        rules.split(',').any(|name| name.trim() == finding.rule.name)
    };
    let comment = |line: &str| line.trim_start().starts_with(['-', '#']);
    let mut lines = text.lines();
    let before = (line >= 2).then(|| lines.nth(line - 2)).flatten();
    let own = lines.next().filter(|_| line >= 2).or_else(|| text.lines().next().filter(|_| line == 1));
    own.is_some_and(allows) || before.is_some_and(|before| comment(before) && allows(before))
}
