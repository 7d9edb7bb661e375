//! From what a control recorded to its outcome.

use super::record::{Item, remark};
use super::session::Running;
use crate::results::Outcome;
use crate::results::event::Step;
use std::sync::Arc;

/// How a control came to its end.
pub struct Ending {
    /// The error that ended it.
    pub error: Option<Box<Step>>,
    /// Where the control is declared.
    pub file: Arc<str>,
    pub line: usize,
}

/// What came of a control.
pub struct Verdict {
    pub outcome: Outcome,
    pub reason: Option<Arc<str>>,
    pub steps: Vec<Step>,
}

/// Puts the steps in their order and takes the worst.
pub fn conclude(running: Running, ending: Ending) -> Verdict {
    let Running { mut lists, ended, describes, empty_loop, .. } = running;
    // Most controls have as many steps as items, and are kept until the run is over.
    let mut steps = Vec::with_capacity(lists.iter().map(Vec::len).sum::<usize>().max(1));
    flatten(&mut lists, 0, &mut steps);
    for describe in describes.iter().filter(|describe| !describe.used && ending.error.is_none()) {
        steps.push(remark(
            Outcome::Errored,
            "describe has a step",
            "describe without a step checks nothing; add :its(…), :it(…), :is(…) or :exists()",
            &describe.place.file,
            describe.place.line,
        ));
    }
    let mut reason: Option<Arc<str>> = None;
    if let Some(error) = ending.error {
        reason = error.message.as_deref().map(Into::into);
        steps.push(*error);
    } else if let Some((outcome, why)) = ended {
        let sentence = match outcome {
            Outcome::Passed => "control passes without a check",
            Outcome::Skipped => "control is skipped",
            _ => "control does not apply",
        };
        if outcome != Outcome::Passed || steps.is_empty() {
            steps.push(remark(outcome, sentence, &*why, &ending.file, ending.line));
        }
        reason = Some(why);
    } else if steps.is_empty() {
        let message = match empty_loop {
            Some(line) => format!(
                "the control checked nothing: the list of for_each at line {line} was empty; describe the list \
                 itself, or end with pass(\"reason\") where an empty list is right"
            ),
            None => "the control checked nothing: its check recorded no step".to_string(),
        };
        reason = Some(message.as_str().into());
        steps.push(remark(Outcome::Errored, "control checks something", message, &ending.file, ending.line));
    }
    let outcome = Outcome::worst(steps.iter().map(|step| step.outcome)).unwrap_or(Outcome::Errored);
    let reason = match outcome {
        Outcome::Failed => None,
        Outcome::Errored => steps
            .iter()
            .find(|step| step.outcome == Outcome::Errored)
            .and_then(|step| step.message.as_deref())
            .map(Into::into),
        _ => reason,
    };
    Verdict { outcome, reason, steps }
}

/// Appends the steps of a list and of the lists inside it, in the order they were written.
fn flatten(lists: &mut Vec<Vec<Item>>, number: usize, steps: &mut Vec<Step>) {
    let Some(items) = lists.get_mut(number).map(std::mem::take) else { return };
    for item in items {
        match item {
            Item::Judged(step) => steps.push(*step),
            Item::List(inner) => flatten(lists, inner, steps),
            Item::Alternatives { lists: alternatives, file, line } => {
                let alternatives = alternatives.into_iter().map(|inner| {
                    let mut steps = Vec::new();
                    flatten(lists, inner, &mut steps);
                    steps
                });
                let alternatives = alternatives.collect();
                steps.push(one_of(alternatives, file, line));
            }
            // Left over when a limit ended the control: the error beside it says so.
            Item::Step(recorded) => steps.push(remark(
                Outcome::Errored,
                &recorded.sentence(),
                "not judged: the control was stopped first",
                &recorded.file,
                recorded.line,
            )),
        }
    }
}

/// `one_of_checks` passes when everything in one of its functions passes.
fn one_of(alternatives: Vec<Vec<Step>>, file: Arc<str>, line: usize) -> Step {
    let worst = |steps: &[Step]| Outcome::worst(steps.iter().map(|step| step.outcome));
    let outcomes: Vec<Option<Outcome>> = alternatives.iter().map(|steps| worst(steps)).collect();
    let (outcome, message) = if outcomes.contains(&Some(Outcome::Passed)) {
        (Outcome::Passed, None)
    } else {
        // One that could not be looked at might have held.
        let unknown = outcomes.iter().any(|outcome| !matches!(outcome, Some(Outcome::Failed)));
        let describe = |steps: &Vec<Step>| match steps.iter().find(|step| step.outcome != Outcome::Passed) {
            Some(step) => match step.message.as_ref().or(step.found.as_ref()) {
                Some(why) => format!("{}: {why}", step.sentence),
                None => step.sentence.clone(),
            },
            None => "nothing was checked".to_string(),
        };
        let reasons: Vec<String> = alternatives.iter().map(describe).collect();
        let outcome = if unknown { Outcome::Errored } else { Outcome::Failed };
        (outcome, Some(format!("none of {} holds: {}", reasons.len(), reasons.join("; or "))))
    };
    let count = alternatives.len();
    let mut step = remark(outcome, &format!("one of {count} checks holds"), "", &file, line);
    step.message = message;
    step.expected = Some(format!("one of {count} checks holds"));
    step.found = Some(format!("{} hold", outcomes.iter().filter(|outcome| **outcome == Some(Outcome::Passed)).count()));
    step.evidence = alternatives.into_iter().flatten().flat_map(|step| step.evidence).take(20).collect();
    step
}
