//! Masking: what is secret never leaves a run. Events are masked once, before any
//! reporter sees them.
//!
//! Secret is the value of every sensitive attribute, in every form text may give it (see
//! [`forms`]), and what is secret by nature, whoever's it is: password hashes as crypt(5)
//! and shadow(5) write them, and private keys in PEM.
//!
//! Left as they are: what identifies things across events and reports (names of nodes and
//! profiles, ids of controls, names of attributes, files and lines) and what Probity
//! itself makes (numbers, times, digests, the run's id). A profile or an inventory that
//! puts a secret into a name has made it public already, and two controls that are both
//! called `***` would be one.

mod by_nature;
mod forms;

use by_nature::{IN_RECORDINGS, IN_REPORTS};

use super::event::{AttributeSummary, ControlSummary, ProfileSummary, Reference, RunEvent, Step};
use crate::value::Value;
use indexmap::IndexMap;
use regex::{Regex, RegexBuilder};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// A secret of fewer characters is masked only where it is a whole value, in quotes or
/// not: `no` or `42` inside other words is not the secret, and masking it there would
/// make reports unreadable without hiding anything. The same holds for `true` and `false`,
/// the values of a sensitive boolean.
pub const SHORT: usize = 4;

/// Characters of a secret that go into one pattern. Longer ones are looked for piece by
/// piece, which also finds them where they are cut.
const PIECE: usize = 100;

/// Lines of a secret of several lines that are long enough to be secrets of their own.
const LINE: usize = 8;

/// Replaces secrets in events and log lines by [`MASK`].
pub struct Masker {
    patterns: Vec<Regex>,
    /// What no pattern could be made of; found as it is.
    plain: Vec<String>,
    short: Vec<String>,
    /// The secrets themselves, for values that are no text.
    whole: Vec<String>,
    /// The metadata of controls is the same in every event; it is masked once. The key is
    /// the address of the first, which is kept so that the address stays its own.
    known: Mutex<HashMap<usize, [Arc<ControlSummary>; 2]>>,
}

impl Masker {
    /// A masker of these secrets, and of what is secret by nature. Empty secrets are
    /// ignored; of a secret that ends in line ends, what is before them is one too.
    pub fn new(secrets: Vec<String>) -> Masker {
        let mut long = Vec::new();
        let mut short = Vec::new();
        for secret in &secrets {
            for part in std::iter::once(secret.trim_end_matches(['\r', '\n'])).chain(lines(secret)) {
                match part.chars().count() {
                    0 => {}
                    length if length < SHORT || ["true", "false"].contains(&part) => short.push(part.to_string()),
                    length if length <= PIECE => long.push(part.to_string()),
                    _ => long.extend(pieces(part)),
                }
            }
        }
        // Of two secrets that begin alike the longer one is tried first.
        long.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        long.dedup();
        let mut patterns = Vec::new();
        let mut plain = Vec::new();
        // A few to a pattern: one pass over a text instead of many, without one so large
        // that it cannot be built.
        for group in long.chunks(8) {
            let forms: Vec<String> = group
                .iter()
                .map(|secret| forms::quoted(secret))
                .chain(group.iter().flat_map(|secret| forms::base64(secret)))
                .collect();
            match RegexBuilder::new(&forms.join("|")).size_limit(256 << 20).build() {
                Ok(pattern) => patterns.push(pattern),
                Err(_) => plain.extend(group.iter().cloned()),
            }
        }
        Masker {
            patterns,
            plain,
            short,
            whole: secrets.into_iter().filter(|secret| !secret.is_empty()).collect(),
            known: Mutex::default(),
        }
    }

    /// A masker of these secrets as well; `None` where it knows them all.
    pub fn with(&self, secrets: Vec<String>) -> Option<Masker> {
        let is_new = |secret: &String| !secret.is_empty() && !self.whole.contains(secret);
        let more: Vec<String> = secrets.into_iter().filter(is_new).collect();
        (!more.is_empty()).then(|| Masker::new(self.whole.iter().cloned().chain(more).collect()))
    }

    /// The text without secrets.
    pub fn mask_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = self.without_secrets(text);
        for secret in &IN_REPORTS {
            replace(&mut masked, |text| secret.masked(text));
        }
        masked
    }

    /// The text of an observation without secrets, for recordings. Where a password was
    /// hashed, what is left says how, as crypt(5) marks it: `$6$***`, and thirteen dots for the
    /// traditional form. So what a control says about the kind of a hash stays true.
    pub fn mask_observation<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = self.without_secrets(text);
        for secret in &IN_RECORDINGS {
            replace(&mut masked, |text| secret.masked(text));
        }
        masked
    }

    /// The text without the sensitive values.
    fn without_secrets<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_whole(text) {
            return Cow::Borrowed(MASK);
        }
        let mut masked = Cow::Borrowed(text);
        for pattern in &self.patterns {
            replace(&mut masked, |text| pattern.replace_all(text, MASK));
        }
        for secret in &self.plain {
            if masked.contains(secret.as_str()) {
                masked = Cow::Owned(masked.replace(secret.as_str(), MASK));
            }
        }
        for secret in &self.short {
            for quote in ['"', '\'', '`'] {
                let quoted = format!("{quote}{secret}{quote}");
                if masked.contains(&quoted) {
                    masked = Cow::Owned(masked.replace(&quoted, &format!("{quote}{MASK}{quote}")));
                }
            }
        }
        masked
    }

    /// Masks every text of the event that is not an identity; see the module.
    pub fn mask_event(&self, event: &mut RunEvent) {
        match event {
            RunEvent::RunStarted(_) | RunEvent::ProfileFinished(_) | RunEvent::RunFinished(_) => {}
            RunEvent::StageFinished(stage) => {
                self.optional(&mut stage.reason);
                self.string(&mut stage.what);
                if let Some(output) = &mut stage.output {
                    self.string(output);
                }
            }
            RunEvent::NodeFinished(node) => node.notes.iter_mut().for_each(|note| self.shared(note)),
            RunEvent::NodeStarted(node) => {
                self.shared(&mut node.target);
                self.optional(&mut node.user);
                self.optional(&mut node.error);
                if let Some(platform) = &mut node.platform {
                    for text in [&mut platform.name, &mut platform.release, &mut platform.family, &mut platform.arch] {
                        self.shared(text);
                    }
                }
            }
            RunEvent::ProfileStarted(started) => {
                self.profile(&mut started.profile);
                started.attributes.iter_mut().for_each(|attribute| self.attribute(attribute));
                self.optional(&mut started.not_applicable);
            }
            RunEvent::ControlFinished(control) => {
                control.control = self.summary(&control.control);
                self.optional(&mut control.reason);
                control.steps.iter_mut().for_each(|step| self.step(step));
                if let Some(waiver) = &mut control.waiver {
                    self.string(&mut waiver.justification);
                }
            }
        }
    }

    fn profile(&self, profile: &mut Arc<ProfileSummary>) {
        let mut masked = (**profile).clone();
        for text in [&mut masked.title, &mut masked.summary, &mut masked.maintainer, &mut masked.license] {
            self.optional(text);
        }
        self.value(&mut masked.supports);
        for control in &mut masked.controls {
            *control = self.summary(control);
        }
        *profile = Arc::new(masked);
    }

    fn attribute(&self, attribute: &mut AttributeSummary) {
        if attribute.sensitive {
            attribute.value = Value::from(MASK);
        }
        self.value(&mut attribute.value);
        self.string(&mut attribute.origin);
    }

    fn summary(&self, summary: &Arc<ControlSummary>) -> Arc<ControlSummary> {
        // A thread that panicked while it held the lock cannot have left half an entry.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let address = Arc::as_ptr(summary) as usize;
        if let Some([_, masked]) = known.get(&address) {
            return masked.clone();
        }
        let mut masked = (**summary).clone();
        for text in [&mut masked.title, &mut masked.desc, &mut masked.rationale, &mut masked.fix] {
            self.optional(text);
        }
        self.map(&mut masked.tags);
        for Reference { text, url } in &mut masked.refs {
            self.string(text);
            if let Some(url) = url {
                self.string(url);
            }
        }
        self.shared(&mut masked.code);
        let masked = Arc::new(masked);
        known.insert(address, [summary.clone(), masked.clone()]);
        // Its own masked form is the same, for events that are masked twice.
        known.insert(Arc::as_ptr(&masked) as usize, [masked.clone(), masked.clone()]);
        masked
    }

    fn step(&self, step: &mut Step) {
        self.string(&mut step.sentence);
        for text in [&mut step.expected, &mut step.found, &mut step.message, &mut step.traceback].into_iter().flatten()
        {
            self.string(text);
        }
        step.evidence.iter_mut().for_each(|text| self.string(text));
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::Nil => {}
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Mode(_) => {
                if self.is_whole(&value.to_string()) {
                    *value = Value::from(MASK);
                }
            }
            Value::Str(text) => self.shared(text),
            Value::Bytes(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                if let Cow::Owned(masked) = self.mask_text(&text) {
                    *value = Value::from(masked);
                }
            }
            Value::Version(version) => self.shared(&mut version.text),
            Value::List(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Map(map) => self.map(map),
        }
    }

    fn map(&self, map: &mut IndexMap<String, Value>) {
        map.values_mut().for_each(|value| self.value(value));
        if map.keys().any(|key| !is_same(&self.mask_text(key), key)) {
            let masked = std::mem::take(map);
            *map = masked.into_iter().map(|(key, value)| (self.mask_text(&key).into_owned(), value)).collect();
        }
    }

    fn string(&self, text: &mut String) {
        let masked = self.mask_text(text);
        if !is_same(&masked, text) {
            *text = masked.into_owned();
        }
    }

    fn shared(&self, text: &mut Arc<str>) {
        let masked = self.mask_text(text);
        if !is_same(&masked, text) {
            *text = masked.into();
        }
    }

    fn optional(&self, text: &mut Option<Arc<str>>) {
        if let Some(text) = text {
            self.shared(text);
        }
    }

    /// Whether the text is a secret and nothing else; also right for short ones.
    fn is_whole(&self, text: &str) -> bool {
        let bare = text.trim();
        let unquoted = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(bare);
        self.whole.iter().any(|secret| [text, bare, unquoted].contains(&secret.as_str()))
            || self.short.iter().any(|secret| [bare, unquoted].contains(&secret.as_str()))
    }
}

impl std::fmt::Debug for Masker {
    /// Says how much it masks, never what.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masker").field("secrets", &self.whole.len()).finish_non_exhaustive()
    }
}

/// Whether masking left a text alone.
fn is_same(masked: &str, text: &str) -> bool {
    std::ptr::eq(masked, text) || masked == text
}

fn replace<'a>(text: &mut Cow<'a, str>, with: impl FnOnce(&str) -> Cow<'_, str>) {
    if let Cow::Owned(replaced) = with(text) {
        *text = Cow::Owned(replaced);
    }
}

/// The lines of a secret of several lines, such as a key file: they may be met alone.
fn lines(secret: &str) -> impl Iterator<Item = &str> {
    let several = secret.trim_end().contains('\n');
    secret.lines().map(str::trim).filter(move |line| several && line.chars().count() >= LINE)
}

/// A long secret in pieces of about equal length, so that none is short.
fn pieces(secret: &str) -> Vec<String> {
    let characters: Vec<char> = secret.chars().collect();
    let count = characters.len().div_ceil(PIECE);
    characters.chunks(characters.len().div_ceil(count)).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests;
