//! What a control or a step came to, as the result of a case.

use super::text;
use crate::report::page::{is_bad, reason_of, says_the_same};
use crate::results::event::{ControlSummary, Step};
use crate::results::{ControlFinished, Outcome};
use junit_report::{Duration, TestCase, TestResult};
use std::borrow::Cow;

/// Characters of one value or message; Jenkins keeps every build's.
const VALUE: usize = 4000;

/// A case without class and time.
pub fn case(name: &str, result: TestResult) -> TestCase {
    TestCase { result, ..TestCase::success(name, Duration::ZERO) }
}

pub fn case_name(control: &ControlSummary) -> String {
    let name = format!("{} {}", control.id, control.title.as_deref().unwrap_or_default());
    text::line(&name)
}

pub fn control_result(control: &ControlFinished) -> TestResult {
    let type_ = control.outcome.name().to_string();
    let reason = || reason_of(control).unwrap_or_else(|| "no reason given".to_string());
    match control.outcome {
        Outcome::Passed => TestResult::Success,
        Outcome::Failed => {
            TestResult::Failure { type_, message: message(&headline(control)), cause: Some(body(control)) }
        }
        Outcome::Errored => {
            TestResult::Error { type_, message: message(&headline(control)), cause: Some(body(control)) }
        }
        Outcome::Skipped => TestResult::SkippedWithCause { type_, message: message(&reason()), cause: None },
        Outcome::NotApplicable => {
            let message = message(&format!("not applicable: {}", reason()));
            TestResult::SkippedWithCause { type_, message, cause: None }
        }
        Outcome::Waived => {
            let waiver = control.waiver.as_ref();
            let until = waiver.and_then(|waiver| waiver.until.as_deref());
            let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
            let why = waiver.map(|waiver| waiver.justification.as_str()).unwrap_or("no justification");
            let message = message(&format!("waived{until}: {why}"));
            TestResult::SkippedWithCause { type_, message, cause: Some(body(control)) }
        }
    }
}

pub fn step_result(step: &Step) -> TestResult {
    let type_ = step.outcome.name().to_string();
    let message = message(&step_line(step));
    let mut text = String::new();
    step_body(step, &mut text);
    let cause = Some(block(&text));
    match step.outcome {
        Outcome::Passed => TestResult::Success,
        Outcome::Failed => TestResult::Failure { type_, message, cause },
        Outcome::Errored => TestResult::Error { type_, message, cause },
        Outcome::Skipped | Outcome::NotApplicable | Outcome::Waived => {
            TestResult::SkippedWithCause { type_, message, cause: None }
        }
    }
}

/// The first thing that is wrong, and how many more there are.
fn headline(control: &ControlFinished) -> String {
    let bad: Vec<&Step> = control.steps.iter().filter(|step| step.outcome == control.outcome).collect();
    let more = control.steps.iter().filter(|step| is_bad(step.outcome)).count().saturating_sub(1);
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    match (bad.first(), &control.reason) {
        (Some(step), _) => format!("{}{more}", step_line(step)),
        (None, Some(reason)) => reason.to_string(),
        (None, None) => control.outcome.words().to_string(),
    }
}

/// How what was found begins when it is no value.
const PHRASES: [&str; 4] = ["does not ", "is ", "exists", "has "];

fn step_line(step: &Step) -> String {
    match (step.outcome, &step.message, &step.found) {
        // Values in words are quoted or numbers; what is bare is a phrase about the subject.
        (Outcome::Failed, _, Some(found)) if PHRASES.iter().any(|lead| found.starts_with(lead)) => {
            format!("{}: it {found}", step.sentence)
        }
        (Outcome::Failed, _, Some(found)) => format!("{}: found {found}", step.sentence),
        (_, Some(message), _) => format!("{}: {message}", step.sentence),
        _ => step.sentence.clone(),
    }
}

/// Everything there is to say about a control that is not well.
fn body(control: &ControlFinished) -> String {
    let mut body = String::new();
    if let Some(reason) = &control.reason
        && !control.steps.iter().any(|step| step.message.as_deref() == Some(reason))
    {
        body.push_str(&format!("{}\n", bounded(reason)));
    }
    for step in control.steps.iter().filter(|step| step.outcome != Outcome::Passed) {
        step_body(step, &mut body);
    }
    if let Some(waiver) = control.waiver.as_ref().filter(|waiver| waiver.expired) {
        let until = waiver.until.as_deref().unwrap_or("an unknown day");
        body.push_str(&format!("waiver expired after {until}: {}\n", bounded(&waiver.justification)));
    }
    if let Some(fix) = &control.control.fix {
        body.push_str(&format!("fix: {}\n", bounded(fix)));
    }
    if control.steps.is_empty() {
        body.push_str(&format!("at: {}:{}\n", control.control.file, control.control.line));
    }
    block(&body)
}

fn step_body(step: &Step, body: &mut String) {
    body.push_str(&format!("{}: {}\n", step.outcome.words(), bounded(&step.sentence)));
    let fields = [("expected", &step.expected), ("found", &step.found), ("why", &step.message)];
    for (label, value) in fields {
        if let Some(value) = value
            && !(label == "why" && says_the_same(step, value))
        {
            body.push_str(&format!("  {label}: {}\n", bounded(value)));
        }
    }
    body.push_str(&format!("  at: {}:{}\n", step.file, step.line));
    if let Some(traceback) = &step.traceback {
        for line in bounded(traceback).lines() {
            body.push_str(&format!("    {line}\n"));
        }
    }
}

pub fn bounded(value: &str) -> Cow<'_, str> {
    text::bounded(value, VALUE)
}

/// Text for an attribute, which XML keeps on one line; the crate escapes it.
pub fn message(value: &str) -> String {
    bounded(&text::line(value)).into_owned()
}

/// Text for a CDATA section, which must not hold its own end.
pub fn block(value: &str) -> String {
    text::clean(value).replace("]]>", "]]]]><![CDATA[>")
}
