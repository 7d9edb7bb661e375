//! The page for people, with a summary at the end, where a terminal stops scrolling: of one
//! node every control, of several what they have in common.

use super::findings::{Cost, Findings};
use super::nodes_page;
use super::page::{ID_COLUMNS, Page, reason_given};
use super::stages_page::Stages;
use super::summary::Summary;
use super::terminal::Look;
use super::{Options, Reporter, text};
use crate::results::{ControlFinished, NodeFinished, NodeStarted, Outcome, ProfileStarted, RunEvent, Stamped};
use std::io::{self, Write};

/// Folds a run into a page of text.
pub struct Cli {
    look: Look,
    verbose: bool,
    /// What was found, when the run has several nodes: the page is then written at the end,
    /// since only then it is known which nodes share a finding.
    several: Option<Findings>,
    summary: Summary,
    stages: Stages,
    id_columns: usize,
    /// Why every control of the node or profile comes out the same; said once.
    said: Option<std::sync::Arc<str>>,
    /// Controls that were not shown because of `said`.
    unsaid: usize,
    after_empty_line: bool,
    /// Why the last controls were not looked at, and how many they are: with sixty that
    /// do not apply inside a container, the reason stands below the last.
    shared: Option<(Outcome, String, usize)>,
}

impl Cli {
    /// A page in the look of `options`.
    pub fn new(options: &Options) -> Cli {
        Cli {
            look: options.look,
            verbose: options.verbose,
            several: None,
            summary: Summary::default(),
            stages: Stages::default(),
            id_columns: 0,
            said: None,
            unsaid: 0,
            after_empty_line: true,
            shared: None,
        }
    }

    fn node(&self, node: &NodeStarted, out: &mut String) {
        let mut facts = vec![text::line(&node.target)];
        if let Some(platform) = &node.platform {
            let system = format!("{} {} {}", platform.name, platform.release, platform.arch);
            facts.push(text::line(&system).replace("  ", " "));
        }
        if let Some(user) = &node.user {
            facts.push(format!("as {}", text::line(user)));
        }
        let separator = if self.look.unicode { " · " } else { ", " };
        let name = self.look.bold(&text::line(&node.node));
        out.push_str(&format!("{name}  {}\n", self.look.dim(&facts.join(separator))));
        if let Some(error) = &node.error {
            let outcome = Outcome::Errored;
            let symbol = self.look.symbol(outcome);
            for (at, line) in text::wrap(&text::line(error), self.look.width.saturating_sub(4)).iter().enumerate() {
                let lead = if at == 0 { format!("  {symbol} ") } else { "    ".to_string() };
                out.push_str(&format!("{}\n", self.look.outcome(outcome, &format!("{lead}{line}"))));
            }
        }
    }

    fn profile(&mut self, started: &ProfileStarted, out: &mut String) {
        let profile = &started.profile;
        self.id_columns =
            profile.controls.iter().map(|c| text::columns(&c.id)).filter(|&n| n <= ID_COLUMNS).max().unwrap_or(0);
        self.empty_line(out);
        self.page().profile(&profile.name, &profile.version, profile.title.as_deref(), out);
        if let Some(reason) = &started.not_applicable {
            let note = format!("  does not apply: {}", text::line(reason));
            out.push_str(&format!("{}\n", self.look.dim(&note)));
            self.said = Some(reason.clone());
        }
    }

    fn control(&mut self, control: &ControlFinished, out: &mut String) {
        if self.said.is_some() && control.reason == self.said && control.steps.is_empty() {
            self.unsaid += 1;
            return;
        }
        if !matches!(control.outcome, Outcome::Skipped | Outcome::NotApplicable) {
            self.end_of_reason(out);
            return self.page().control(control, out);
        }
        let reason = reason_given(control);
        match &mut self.shared {
            Some((outcome, shared, count)) if *outcome == control.outcome && *shared == reason => *count += 1,
            _ => {
                self.end_of_reason(out);
                self.shared = Some((control.outcome, reason, 1));
            }
        }
        self.page().headline(control, out);
    }

    fn page(&self) -> Page<'_> {
        Page { look: &self.look, id_columns: self.id_columns }
    }

    /// What else there is to know about how the node was looked at.
    fn facts(&self, node: &NodeFinished, out: &mut String) {
        let length = out.len();
        for note in &node.notes {
            self.page().note(2, &format!("note: {note}"), out);
        }
        if self.verbose {
            let mut cost = Cost::default();
            cost.add(node);
            self.page().note(2, &cost.words(), out);
        }
        if out.len() > length {
            out.push('\n');
        }
    }

    /// The reason that the last controls share.
    fn end_of_reason(&mut self, out: &mut String) {
        if let Some((outcome, reason, count)) = self.shared.take() {
            self.page().reason(outcome, &reason, count, out);
        }
    }

    /// An empty line, unless a failure has ended with one: two in a row would tear the page.
    fn empty_line(&self, out: &mut String) {
        let is_there = out.ends_with("\n\n") || (out.is_empty() && self.after_empty_line);
        if !is_there {
            out.push('\n');
        }
    }

    /// How many controls the one reason stood for.
    fn end_of_group(&mut self, out: &mut String) {
        self.end_of_reason(out);
        let unsaid = std::mem::take(&mut self.unsaid);
        if unsaid > 0 {
            let controls = if unsaid == 1 { "control is" } else { "controls are" };
            let note = format!("  {unsaid} {controls} counted so");
            out.push_str(&format!("{}\n", self.look.dim(&note)));
        }
    }
}

impl Reporter for Cli {
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()> {
        if let RunEvent::RunStarted(started) = &event.event
            && started.nodes > 1
        {
            self.several = Some(Findings::default());
        }
        self.stages.event(event);
        if let Some(findings) = &mut self.several {
            findings.event(event);
            return Ok(());
        }
        self.summary.event(event);
        let mut text = String::new();
        if Stages::end(event) {
            self.stages.write(&self.look, &mut text);
        }
        match &event.event {
            RunEvent::RunStarted(_) | RunEvent::StageFinished(_) | RunEvent::RunFinished(_) => {}
            RunEvent::NodeStarted(node) => {
                self.said = node.error.clone();
                self.node(node, &mut text);
            }
            RunEvent::ProfileStarted(started) => self.profile(started, &mut text),
            RunEvent::ControlFinished(control) => self.control(control, &mut text),
            RunEvent::ProfileFinished(_) => {
                self.end_of_group(&mut text);
                self.said = None;
            }
            RunEvent::NodeFinished(node) => {
                self.empty_line(&mut text);
                self.facts(node, &mut text);
            }
        }
        if !text.is_empty() {
            self.after_empty_line = text.ends_with("\n\n") || text == "\n";
        }
        out.write_all(text.as_bytes())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut text = String::new();
        if let Some(findings) = &self.several {
            self.stages.write(&self.look, &mut text);
            nodes_page::write(findings, &self.look, self.verbose, &mut text);
            self.stages.verdict(&self.look, &mut text);
            return out.write_all(text.as_bytes());
        }
        self.end_of_group(&mut text);
        self.empty_line(&mut text);
        self.stages.write(&self.look, &mut text);
        self.summary.write(&self.look, &mut text);
        self.stages.verdict(&self.look, &mut text);
        out.write_all(text.as_bytes())
    }
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
