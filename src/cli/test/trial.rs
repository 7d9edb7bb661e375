//! One test run: the profile on the recording, and how that compares with what is expected.

use super::case::{Case, Expected};
use crate::error::Error;
use crate::lua::{Engine, Finished};
use crate::node::{Node, Platform};
use crate::plan::attributes::{self, Layer, ProfileAttributes};
use crate::profile::Profile;
use crate::results::Outcome;
use crate::results::mask::Masker;
use crate::transport::recording::Recording;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What came of a test.
pub struct Trial {
    pub file: PathBuf,
    /// Its path in the profile.
    pub recording: Arc<str>,
    /// How many controls something was expected of.
    pub looked_at: usize,
    pub mismatches: Vec<Mismatch>,
}

/// A control that is not as expected.
pub struct Mismatch {
    pub control: Arc<str>,
    pub expected: String,
    pub got: &'static str,
    /// The results that say why.
    pub why: Vec<String>,
}

impl Trial {
    /// Whether everything is as expected.
    pub fn is_good(&self) -> bool {
        self.mismatches.is_empty()
    }
}

/// Runs one test.
///
/// # Errors
/// A recording that cannot be read, attributes that are wrong, controls that are not there.
pub fn run(profile: &Profile, case: &Case, verbose: bool) -> Result<Trial, Vec<Error>> {
    let one = |error: Error| vec![error];
    let recording = Recording::from_bytes(&profile.path_of(&case.recording), &case.content).map_err(one)?;
    let attributes = attributes_of(profile, case)?;
    let masker = Arc::new(Masker::new(attributes.secrets()));
    let recording = recording.with_masker(masker.clone());

    let engine = crate::run::load(profile, printer(verbose, masker.clone()))?;
    crate::run::refuse_empty(profile, engine.controls().len()).map_err(one)?;
    let wanted = wanted(&engine, case)?;
    let values = attributes.values.iter().map(|resolved| (resolved.name.to_string(), resolved.value.clone()));
    engine.set_attributes(values.collect(), attributes.secrets());

    let header = recording.header();
    let (name, target, now) = (header.node.clone(), format!("recording://{}", case.recording), header.now);
    let node = Rc::new(Node::new(name, target, Rc::new(recording), now));
    let platform = crate::run::look_at(&node).map_err(|fault| {
        one(Error::usage(format!("the node of the recording cannot be looked at: {fault}"))
            .in_file(&profile.path_of(&case.recording)))
    })?;
    let outcomes = outcomes(profile, &engine, &node, &platform, wanted.keys().copied().collect());

    let mut mismatches = Vec::new();
    for (number, expected) in &wanted {
        let Some(result) = outcomes.get(number) else { continue };
        if !result.is_as(expected) {
            let message = expected.message.as_ref().map(|text| format!(" with {text:?}")).unwrap_or_default();
            mismatches.push((
                *number,
                Mismatch {
                    control: engine.controls()[*number].summary.id.clone(),
                    expected: format!("{}{message}", expected.outcome.name()),
                    got: result.outcome.name(),
                    why: result.why.iter().map(|line| masker.mask_text(line).into_owned()).collect(),
                },
            ));
        }
    }
    mismatches.sort_by_key(|(number, _)| *number);
    Ok(Trial {
        file: case.file.clone(),
        recording: case.recording.clone(),
        looked_at: wanted.len(),
        mismatches: mismatches.into_iter().map(|(_, mismatch)| mismatch).collect(),
    })
}

fn attributes_of(profile: &Profile, case: &Case) -> Result<ProfileAttributes, Vec<Error>> {
    let assignments = match &case.attributes {
        Some(document) => attributes::from_document(document, Layer::File)?,
        None => Vec::new(),
    };
    let mut resolved = attributes::resolve(&[&profile.manifest], &assignments).map_err(|errors| {
        // What is missing has no place of its own: it is this test that lacks it.
        let placed = |error: Error| match error.place {
            Some(_) => error,
            None => error.in_file(&case.file),
        };
        errors.into_iter().map(placed).collect::<Vec<_>>()
    })?;
    resolved.pop().ok_or_else(|| vec![Error::usage("the profile has no attributes to decide").in_file(&case.file)])
}

/// What is expected of each control that is looked at, by its number.
fn wanted<'a>(engine: &Engine, case: &'a Case) -> Result<HashMap<usize, &'a Expected>, Vec<Error>> {
    let ids: Vec<&str> = engine.controls().iter().map(|control| &*control.summary.id).collect();
    let mut wanted: HashMap<usize, &Expected> = HashMap::new();
    let mut errors = Vec::new();
    for expected in &case.named {
        match ids.iter().position(|id| *id == expected.control) {
            Some(number) => drop(wanted.insert(number, expected)),
            None => errors.push(case.unknown(expected, &ids)),
        }
    }
    if let Some(others) = &case.others {
        for number in 0..ids.len() {
            wanted.entry(number).or_insert(others);
        }
    }
    if errors.is_empty() { Ok(wanted) } else { Err(errors) }
}

/// A control's outcome with what explains it.
struct Concluded {
    outcome: Outcome,
    /// Every text a message may be found in.
    texts: Vec<String>,
    /// What to show where it is not as expected.
    why: Vec<String>,
}

impl Concluded {
    fn of(finished: Finished) -> Concluded {
        let (mut texts, mut why) = (Vec::new(), Vec::new());
        if let Some(reason) = &finished.reason {
            texts.push(reason.to_string());
            why.push(reason.to_string());
        }
        for step in &finished.steps {
            let message = step.message.as_deref().unwrap_or_default();
            texts.extend([step.sentence.clone(), message.to_string()]);
            texts.extend(step.found.clone());
            // What ends a control is a step as well, whose message is the reason.
            if step.outcome == finished.outcome
                && (finished.reason.is_none() || finished.reason.as_deref() != step.message.as_deref())
            {
                let message = match (&step.message, &step.found) {
                    (Some(message), _) => format!(": {message}"),
                    (None, Some(found)) => format!(": found {found}"),
                    (None, None) => String::new(),
                };
                why.push(format!("{}:{}: {}{message}", step.file, step.line, step.sentence));
            }
        }
        Concluded { outcome: finished.outcome, texts, why }
    }

    fn is_as(&self, expected: &Expected) -> bool {
        self.outcome == expected.outcome
            && expected.message.as_ref().is_none_or(|text| self.texts.iter().any(|own| own.contains(text.as_str())))
    }
}

/// Runs the controls, by their numbers.
fn outcomes(
    profile: &Profile,
    engine: &Engine,
    node: &Rc<Node>,
    platform: &Platform,
    mut numbers: Vec<usize>,
) -> HashMap<usize, Concluded> {
    numbers.sort_unstable();
    if !profile.manifest.supports(&platform.summary(), &platform.families) {
        let reason = format!("the profile does not support {} {}", platform.name, platform.release);
        let result =
            || Concluded { outcome: Outcome::NotApplicable, texts: vec![reason.clone()], why: vec![reason.clone()] };
        return numbers.into_iter().map(|number| (number, result())).collect();
    }
    let mut results = HashMap::new();
    let never = AtomicBool::new(false);
    engine.run(node.clone(), &numbers, &never, &mut |number, finished| {
        results.insert(number, Concluded::of(finished));
    });
    results
}

/// Where the `print` of controls goes: to standard error under `-v`, else nowhere.
fn printer(verbose: bool, masker: Arc<Masker>) -> crate::lua::Print {
    Rc::new(move |control, line| {
        if verbose {
            let line = masker.mask_text(line);
            let _ = writeln!(std::io::stderr(), "{}: {line}", control.unwrap_or("controls"));
        }
    })
}
