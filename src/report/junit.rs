//! JUnit XML, shaped for what Jenkins' JUnit plugin reads.
//!
//! A suite is a profile on a node and a case is a control, so that names, counts and
//! histories stay put from run to run; the node is part of the classname because Jenkins
//! ignores `hostname`. The first case of a suite says whether the node was reached, so
//! that a dead node is a red row and no suite is ever empty (empty ones vanish).
//!
//! The cases are written by the junit-report crate. It knows neither `<properties>` nor
//! `skipped` counts, so the opening tag of a suite is written here, and it takes text as
//! it comes, so all text is cleaned first.

use super::findings::NOT_STARTED;
use super::page::{is_bad, reason_of, says_the_same};
use super::{Reporter, text};
use crate::results::event::Step;
use crate::results::{ControlFinished, NodeFinished, NodeStarted, Outcome, ProfileStarted, RunEvent, Stamped};
use junit_report::{Duration, Report, TestCase, TestResult, TestSuite};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

/// Characters of one value or message; Jenkins keeps every build's.
const VALUE: usize = 4000;
/// The case that says whether there was something to check at all.
const REACHED: &str = "node reached and profile loaded";

/// Folds a run into JUnit XML; the suites of a node are written when it is done.
pub struct Junit {
    by_expectation: bool,
    begun: bool,
    suites: usize,
    run: Arc<str>,
    probity: Cow<'static, str>,
    node: Option<NodeStarted>,
    /// When the node was begun.
    time: String,
    suite: Option<Suite>,
    /// Suites of the node that are whole but for what is known when the node is done.
    done: Vec<(Suite, Option<f64>)>,
    /// Which node a safe name stands for, since `a.b` and `a_b` would be one.
    safe: HashMap<String, Arc<str>>,
}

/// The suite being collected.
struct Suite {
    name: String,
    classname: String,
    timestamp: String,
    properties: Vec<(&'static str, String)>,
    cases: Vec<TestCase>,
    /// Controls that have not been heard of yet, in order.
    planned: Vec<Arc<crate::results::event::ControlSummary>>,
    finished: HashSet<Arc<str>>,
}

impl Junit {
    /// One case a control, or one an expectation.
    pub fn new(by_expectation: bool) -> Junit {
        Junit {
            by_expectation,
            begun: false,
            suites: 0,
            run: "".into(),
            probity: "".into(),
            node: None,
            time: String::new(),
            suite: None,
            done: Vec::new(),
            safe: HashMap::new(),
        }
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            out.write_all(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>\n")?;
        }
        Ok(())
    }

    /// Begins the suite of a profile, or of a node of which no profile was heard.
    fn begin_suite(&mut self, profile: Option<&ProfileStarted>, time: &str) {
        let Some(node) = self.node.clone() else { return };
        let profile_name = profile.map_or("node", |started| &started.profile.name);
        let classname = format!("{}.{}", dotless(profile_name), self.safe_node(&node.node));
        let mut properties = vec![("run", self.run.to_string()), ("probity.version", self.probity.to_string())];
        properties.push(("node", node.node.to_string()));
        properties.push(("target", node.target.to_string()));
        if let Some(user) = &node.user {
            properties.push(("user", user.to_string()));
        }
        if let Some(platform) = &node.platform {
            properties.push(("platform", platform.name.to_string()));
            properties.push(("platform.release", platform.release.to_string()));
            properties.push(("platform.arch", platform.arch.to_string()));
        }
        if let Some(started) = profile {
            properties.push(("profile", started.profile.name.to_string()));
            properties.push(("profile.version", started.profile.version.to_string()));
            properties.push(("profile.sha256", started.profile.sha256.to_string()));
        }
        let mut reached = match &node.error {
            None => TestCase::success(REACHED, Duration::ZERO),
            Some(error) => {
                let kind = if error.starts_with(NOT_STARTED) { "not_started" } else { "unreachable" };
                TestCase::error(REACHED, Duration::ZERO, kind, &message(error))
            }
        };
        reached.classname = Some(classname.clone());
        self.suite = Some(Suite {
            name: format!("{}@{}", text::line(profile_name), text::line(&node.node)),
            classname,
            timestamp: time.to_string(),
            properties,
            cases: vec![reached],
            planned: profile.map(|started| started.profile.controls.clone()).unwrap_or_default(),
            finished: HashSet::new(),
        });
    }

    fn control(&mut self, control: &ControlFinished) {
        let by_expectation = self.by_expectation;
        let Some(suite) = &mut self.suite else { return };
        suite.finished.insert(control.control.id.clone());
        let waived = control.outcome == Outcome::Waived;
        if by_expectation && !control.steps.is_empty() && !waived {
            let mut times_seen: HashMap<&str, usize> = HashMap::new();
            let time = milliseconds(control.seconds / control.steps.len() as f64);
            for step in &control.steps {
                let seen = times_seen.entry(&step.sentence).or_default();
                *seen += 1;
                let mut name = format!("{} {}", text::line(&control.control.id), text::line(&step.sentence));
                if *seen > 1 {
                    name.push_str(&format!(" #{seen}"));
                }
                suite.add(TestCase { time, ..case(&name, step_result(step)) });
            }
            // What the control as a whole came to, when no step says it.
            if control.steps.iter().any(|step| step.outcome == control.outcome) {
                return;
            }
        }
        let mut case = case(&case_name(&control.control), control_result(control));
        case.time = milliseconds(control.seconds);
        if control.attempts > 1 {
            case.system_out = Some(format!("tried {} times", control.attempts));
        }
        suite.add(case);
    }

    /// Completes the suite that is open, if one is. What never ran could not be checked.
    /// `took` is how long the profile ran, which is less than its controls took together:
    /// they wait side by side.
    fn end_suite(&mut self, took: Option<f64>) {
        let Some(mut suite) = self.suite.take() else { return };
        for planned in std::mem::take(&mut suite.planned) {
            if !suite.finished.contains(&planned.id) {
                let result = TestResult::Error {
                    type_: "not_run".to_string(),
                    message: "not finished: the run was interrupted".to_string(),
                    cause: None,
                };
                suite.add(case(&case_name(&planned), result));
            }
        }
        self.done.push((suite, took));
    }

    /// Writes the suites of the node, if one is open.
    fn end_node(&mut self, finished: Option<&NodeFinished>, time: &str, out: &mut dyn Write) -> io::Result<()> {
        self.end_suite(None);
        if self.node.is_some() && self.done.is_empty() {
            self.begin_suite(None, time);
            self.end_suite(None);
        }
        self.node = None;
        for (mut suite, took) in std::mem::take(&mut self.done) {
            if let Some(finished) = finished {
                suite.looked_at(finished);
            }
            self.begin(out)?;
            suite.write(self.suites, took, out)?;
            self.suites += 1;
        }
        Ok(())
    }

    /// The node's name without dots, which separate packages, and unlike any other's.
    fn safe_node(&mut self, node: &Arc<str>) -> String {
        let safe = dotless(node);
        let mut unique = safe.clone();
        let mut number = 2;
        while self.safe.get(&unique).is_some_and(|other| other != node) {
            unique = format!("{safe}-{number}");
            number += 1;
        }
        self.safe.insert(unique.clone(), node.clone());
        unique
    }
}

impl Reporter for Junit {
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()> {
        match &event.event {
            RunEvent::RunStarted(started) => {
                self.run = started.run.clone();
                self.probity = started.probity.clone();
            }
            RunEvent::NodeStarted(started) => {
                self.node = Some(started.clone());
                self.time.clone_from(&event.time);
            }
            RunEvent::ProfileStarted(started) => self.begin_suite(Some(started), &event.time),
            RunEvent::ControlFinished(control) => self.control(control),
            RunEvent::ProfileFinished(finished) => self.end_suite(Some(finished.seconds)),
            RunEvent::NodeFinished(finished) => self.end_node(Some(finished), &event.time, out)?,
            RunEvent::StageFinished(_) => {}
            RunEvent::RunFinished(_) => self.end_node(None, &event.time, out)?,
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let time = std::mem::take(&mut self.time);
        self.end_node(None, &time, out)?;
        self.begin(out)?;
        out.write_all(b"</testsuites>\n")
    }
}

impl Suite {
    /// Adds what it took to look at the node, and what there is to know about that.
    fn looked_at(&mut self, node: &NodeFinished) {
        let counts = [("rounds", node.rounds), ("probes.asked", node.asked), ("probes.sent", node.sent)];
        self.properties.extend(counts.map(|(name, count)| (name, count.to_string())));
        let bytes = [("bytes.sent", node.bytes_sent), ("bytes.received", node.bytes_received)];
        self.properties.extend(bytes.map(|(name, count)| (name, count.to_string())));
        self.properties.extend(node.notes.iter().map(|note| ("note", bounded(note).into_owned())));
    }

    fn add(&mut self, mut case: TestCase) {
        case.classname = Some(self.classname.clone());
        self.cases.push(case);
    }

    fn write(self, id: usize, took: Option<f64>, out: &mut dyn Write) -> io::Result<()> {
        let count = |of: fn(&TestCase) -> bool| self.cases.iter().filter(|case| of(case)).count();
        let total = took.map_or_else(|| self.cases.iter().map(|case| case.time).sum(), milliseconds);
        let mut head = format!(
            "<testsuite name=\"{}\" id=\"{id}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" \
             timestamp=\"{}\" time=\"{}\">\n<properties>\n",
            attribute(&self.name),
            self.cases.len(),
            count(TestCase::is_failure),
            count(TestCase::is_error),
            count(TestCase::is_skipped),
            attribute(&self.timestamp),
            seconds(total),
        );
        for (name, value) in &self.properties {
            head.push_str(&format!("<property name=\"{name}\" value=\"{}\"/>\n", attribute(&text::line(value))));
        }
        head.push_str("</properties>\n");
        out.write_all(head.as_bytes())?;
        for case in self.cases {
            writeln!(out, "{}", case_xml(case)?)?;
        }
        out.write_all(b"</testsuite>\n")
    }
}

/// A case as the crate writes it, with a time of three digits: the crate adds seconds and
/// fraction as floats and would write 1.235 as 1.2349999999999999.
fn case_xml(case: TestCase) -> io::Result<String> {
    let time = case.time;
    let mut suite = TestSuite::new("");
    suite.testcases.push(case);
    let mut report = Report::new();
    report.add_testsuite(suite);
    let mut xml = Vec::new();
    report.write_xml(&mut xml).map_err(io::Error::other)?;
    let xml = String::from_utf8(xml).map_err(io::Error::other)?;
    // The suite has no name and attributes hold no quote as it is, so these are the tags
    // and the attribute themselves, whatever the texts of the case are.
    let parts = xml
        .split_once("<testcase ")
        .and_then(|(_, case)| case.rsplit_once("</testsuite>"))
        .and_then(|(case, _)| case.split_once(" time=\""))
        .and_then(|(name, rest)| rest.split_once('"').map(|(_, rest)| (name, rest)));
    let (name, rest) = parts.ok_or_else(|| io::Error::other("a test case was not written as expected"))?;
    Ok(format!("<testcase {name} time=\"{}\"{rest}", seconds(time)))
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.whole_seconds(), time.subsec_milliseconds())
}

/// A case without class and time.
fn case(name: &str, result: TestResult) -> TestCase {
    TestCase { result, ..TestCase::success(name, Duration::ZERO) }
}

fn case_name(control: &crate::results::event::ControlSummary) -> String {
    let name = format!("{} {}", control.id, control.title.as_deref().unwrap_or_default());
    text::line(&name)
}

fn control_result(control: &ControlFinished) -> TestResult {
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

fn step_result(step: &Step) -> TestResult {
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

fn bounded(value: &str) -> Cow<'_, str> {
    text::bounded(value, VALUE)
}

/// Text for an attribute, which XML keeps on one line; the crate escapes it.
fn message(value: &str) -> String {
    bounded(&text::line(value)).into_owned()
}

/// Text for a CDATA section, which must not hold its own end.
fn block(value: &str) -> String {
    text::clean(value).replace("]]>", "]]]]><![CDATA[>")
}

/// Text within the quotes of an attribute.
fn attribute(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn dotless(name: &str) -> String {
    let name = text::line(name).replace('.', "_");
    if name.is_empty() { "_".to_string() } else { name }
}

/// Whole milliseconds: the schema takes no finer time, and no time less than nothing.
fn milliseconds(seconds: f64) -> Duration {
    // A float cast saturates, and makes 0 of what is no number.
    Duration::milliseconds((seconds.max(0.0) * 1000.0).round().min(1e15) as i64)
}

#[cfg(test)]
#[path = "junit_tests.rs"]
mod tests;
