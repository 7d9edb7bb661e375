//! JUnit XML, shaped for what Jenkins' JUnit plugin reads.
//!
//! A suite is a profile on a node and a case is a control, so that names, counts and
//! histories stay put from run to run; the node is part of the classname because Jenkins
//! ignores `hostname`. The first case of a suite says whether the node was reached, so
//! that a dead node is a red row and no suite is ever empty (empty ones vanish). The stages
//! of a pipeline are a suite of their own, before those of the nodes.
//!
//! The cases are written by the junit-report crate. It knows neither `<properties>` nor
//! `skipped` counts, so the opening tag of a suite is written here, and it takes text as
//! it comes, so all text is cleaned first.

mod cases;
mod stages;
mod suite;

use super::findings::NOT_STARTED;
use super::{Reporter, text};
use crate::results::{ControlFinished, NodeFinished, NodeStarted, Outcome, ProfileStarted, RunEvent, Stamped};
use cases::{case, case_name, control_result, message, step_result};
use junit_report::{Duration, TestCase, TestResult};
use stages::Stages;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;
use suite::{Suite, milliseconds};

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
    stages: Stages,
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
            stages: Stages::default(),
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
            self.suite(suite, took, out)?;
        }
        Ok(())
    }

    fn suite(&mut self, suite: Suite, took: Option<f64>, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        suite.write(self.suites, took, out)?;
        self.suites += 1;
        Ok(())
    }

    /// Writes the suites of the pipelines whose stages were heard.
    fn end_stages(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let (run, probity) = (self.run.clone(), self.probity.clone());
        for (suite, took) in std::mem::take(&mut self.stages).suites(&run, &probity) {
            self.suite(suite, Some(took), out)?;
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
                self.end_stages(out)?;
                self.node = Some(started.clone());
                self.time.clone_from(&event.time);
            }
            RunEvent::ProfileStarted(started) => self.begin_suite(Some(started), &event.time),
            RunEvent::ControlFinished(control) => self.control(control),
            RunEvent::ProfileFinished(finished) => self.end_suite(Some(finished.seconds)),
            RunEvent::NodeFinished(finished) => self.end_node(Some(finished), &event.time, out)?,
            RunEvent::StageFinished(stage) => self.stages.add(stage),
            RunEvent::RunFinished(_) => self.end_node(None, &event.time, out)?,
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let time = std::mem::take(&mut self.time);
        self.end_node(None, &time, out)?;
        self.end_stages(out)?;
        self.begin(out)?;
        out.write_all(b"</testsuites>\n")
    }
}

fn dotless(name: &str) -> String {
    let name = text::line(name).replace('.', "_");
    if name.is_empty() { "_".to_string() } else { name }
}

#[cfg(test)]
mod tests;
