//! The stages of a pipeline: a suite for each pipeline, a case for each stage.

use super::cases::{block, bounded, case, message};
use super::suite::{Suite, milliseconds};
use super::{dotless, text};
use crate::results::{Outcome, StageFinished};
use indexmap::IndexMap;
use junit_report::{TestCase, TestResult};
use std::collections::HashSet;
use std::sync::Arc;

/// How much of a stage's output is kept, the end of it, in UTF-16 units: Jenkins leaves out the middle
/// of what is longer than 100,000 of them, or 1,000 where the case did not fail.
const OUTPUT: usize = 99_900;
const OUTPUT_OF_OTHERS: usize = 900;

/// The stages that were heard, by pipeline.
#[derive(Default)]
pub struct Stages(IndexMap<Arc<str>, Vec<StageFinished>>);

impl Stages {
    /// Takes a stage in.
    pub fn add(&mut self, stage: &StageFinished) {
        self.0.entry(stage.pipeline.clone()).or_default().push(stage.clone());
    }

    /// A suite for each pipeline, with the seconds it took.
    pub fn suites(self, run: &str, probity: &str) -> impl Iterator<Item = (Suite, f64)> {
        self.0.into_iter().map(move |(pipeline, stages)| {
            let (timestamp, took) = span(&stages);
            let properties = vec![
                ("run", run.to_string()),
                ("probity.version", probity.to_string()),
                ("pipeline", pipeline.to_string()),
            ];
            let mut suite = Suite {
                name: format!("pipeline {}", text::line(&pipeline)),
                classname: format!("pipeline.{}", dotless(&pipeline)),
                timestamp,
                properties,
                cases: Vec::new(),
                planned: Vec::new(),
                finished: HashSet::new(),
            };
            stages.iter().for_each(|stage| suite.add(stage_case(stage)));
            (suite, took)
        })
    }
}

/// When the first stage began, and how long it was until the last ended: they may run side by side.
fn span(stages: &[StageFinished]) -> (String, f64) {
    let seconds = |stage: &StageFinished| {
        let began = stage.started.parse::<jiff::Timestamp>().ok()?.as_millisecond() as f64 / 1000.0;
        Some((began, began + stage.seconds))
    };
    let timestamp = stages.iter().map(|stage| stage.started.as_str()).min().unwrap_or_default().to_string();
    let spans: Option<Vec<(f64, f64)>> = stages.iter().map(seconds).collect();
    let took = match spans {
        Some(spans) => {
            let began = spans.iter().map(|span| span.0).fold(f64::INFINITY, f64::min);
            spans.iter().map(|span| span.1).fold(began, f64::max) - began
        }
        None => stages.iter().map(|stage| stage.seconds).sum(),
    };
    (timestamp, took)
}

fn stage_case(stage: &StageFinished) -> TestCase {
    let type_ = stage.outcome.name().to_string();
    let reason = stage.reason.as_deref().unwrap_or("no reason given");
    let result = match stage.outcome {
        Outcome::Passed => TestResult::Success,
        Outcome::Failed => TestResult::Failure { type_, message: message(reason), cause: Some(body(stage)) },
        Outcome::Errored => TestResult::Error { type_, message: message(reason), cause: Some(body(stage)) },
        Outcome::NotApplicable => {
            let message = message(&format!("not applicable: {reason}"));
            TestResult::SkippedWithCause { type_, message, cause: None }
        }
        Outcome::Skipped | Outcome::Waived => {
            TestResult::SkippedWithCause { type_, message: message(reason), cause: None }
        }
    };
    let name = text::line(&stage.stage);
    let mut case = case(if name.is_empty() { "_" } else { &name }, result);
    case.time = milliseconds(stage.seconds);
    let failed = matches!(stage.outcome, Outcome::Failed | Outcome::Errored);
    let limit = if failed { OUTPUT } else { OUTPUT_OF_OTHERS };
    case.system_out = stage.output.as_deref().map(|output| block(&end(&text::clean(output), limit)));
    case
}

/// What there is to say about a stage that is not well.
fn body(stage: &StageFinished) -> String {
    let mut body = String::new();
    let attempts = (stage.attempts > 1).then(|| format!("{} times", stage.attempts));
    let fields = [
        ("why", stage.reason.as_deref()),
        ("kind", Some(&*stage.kind)),
        ("what", Some(stage.what.as_str())),
        ("tried", attempts.as_deref()),
        ("log", stage.log.as_deref()),
    ];
    for (label, value) in fields {
        if let Some(value) = value {
            body.push_str(&format!("{label}: {}\n", bounded(value)));
        }
    }
    block(&body)
}

/// The end of a text, from the beginning of a line on where there is one.
fn end(output: &str, limit: usize) -> String {
    let mut units = 0;
    let start = output.char_indices().rev().find(|(_, c)| {
        units += c.len_utf16();
        units > limit
    });
    let Some((before, c)) = start else { return output.to_string() };
    let cut = &output[before + c.len_utf8()..];
    let cut = cut.split_once('\n').map_or(cut, |(_, rest)| rest);
    format!("(the beginning is left out)\n{cut}")
}
