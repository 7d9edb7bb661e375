//! A character a control, or one a node where there are several, for people who wait and for
//! logs that must stay short.

use super::findings::{Findings, NOT_STARTED, Node};
use super::nodes_page;
use super::page::{Page, is_bad};
use super::stages_page::Stages;
use super::summary::Summary;
use super::terminal::Look;
use super::{Options, Reporter};
use crate::results::{ControlFinished, Outcome, RunEvent, Stamped};
use std::io::{self, Write};

/// Folds a run into a row of characters, then what failed and a summary.
pub struct Progress {
    look: Look,
    verbose: bool,
    /// What was found, when the run has several nodes.
    several: Option<Findings>,
    column: usize,
    summary: Summary,
    stages: Stages,
    bad: Vec<ControlFinished>,
}

impl Progress {
    /// A row as wide as the look of `options` says.
    pub fn new(options: &Options) -> Progress {
        Progress {
            look: options.look,
            verbose: options.verbose,
            several: None,
            column: 0,
            summary: Summary::default(),
            stages: Stages::default(),
            bad: Vec::new(),
        }
    }

    /// A dot for what is fine, a letter for the rest.
    fn letter(outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Passed => ".",
            Outcome::Failed => "F",
            Outcome::Errored => "E",
            Outcome::Skipped => "S",
            Outcome::NotApplicable => "-",
            Outcome::Waived => "W",
        }
    }

    /// The worst a node came to; `U` when it could not be reached, `N` when it was not begun, `I` when the run ended
    /// before it was done.
    fn letter_of_node(node: &Node) -> (Outcome, &'static str) {
        let outcome = if node.tally.failed > 0 { Outcome::Failed } else { Outcome::Errored };
        match &node.error {
            Some(error) if error.starts_with(NOT_STARTED) => (outcome, "N"),
            Some(_) => (outcome, "U"),
            None if node.is_fine() => (Outcome::Passed, "."),
            None if node.is_open() => (outcome, "I"),
            None => (outcome, Progress::letter(outcome)),
        }
    }

    fn mark(&mut self, outcome: Outcome, letter: &str, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.look.outcome(outcome, letter).as_bytes())?;
        self.column += 1;
        if self.column >= self.look.width {
            out.write_all(b"\n")?;
            self.column = 0;
        }
        Ok(())
    }
}

impl Reporter for Progress {
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()> {
        if let RunEvent::RunStarted(started) = &event.event
            && started.nodes > 1
        {
            self.several = Some(Findings::default());
        }
        self.stages.event(event);
        if Stages::end(event) {
            let mut list = String::new();
            self.stages.write(&self.look, &mut list);
            out.write_all(list.as_bytes())?;
        }
        if let Some(findings) = &mut self.several {
            findings.event(event);
            return match (&event.event, findings.nodes.last()) {
                (RunEvent::NodeFinished(_), Some(node)) => {
                    let (outcome, letter) = Progress::letter_of_node(node);
                    self.mark(outcome, letter, out)
                }
                _ => Ok(()),
            };
        }
        self.summary.event(event);
        if let RunEvent::ControlFinished(control) = &event.event {
            self.mark(control.outcome, Progress::letter(control.outcome), out)?;
            if is_bad(control.outcome) {
                self.bad.push((**control).clone());
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut page = String::new();
        if self.column > 0 {
            page.push('\n');
        }
        page.push('\n');
        self.stages.write(&self.look, &mut page);
        if let Some(findings) = &self.several {
            nodes_page::write(findings, &self.look, self.verbose, &mut page);
            self.stages.verdict(&self.look, &mut page);
            return out.write_all(page.as_bytes());
        }
        for control in &self.bad {
            Page { look: &self.look, id_columns: 0 }.control(control, &mut page);
        }
        self.summary.write(&self.look, &mut page);
        self.stages.verdict(&self.look, &mut page);
        out.write_all(page.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_character_a_control_then_the_failures() {
        let text = sample::written(Progress::new(&Options::default()), &sample::every_outcome());
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(".FES-W."));
        assert!(text.contains("sshd_config PermitRootLogin is \"no\""), "{text}");
        assert!(!text.contains("mail-relay"), "what is not bad is in the row only\n{text}");
    }

    #[test]
    fn of_several_nodes_a_character_a_node_then_what_they_share() {
        let text = sample::written(Progress::new(&Options::default()), &sample::many(20, 12));
        assert!(text.starts_with("F.FFE.F..U.UF.EFF.NN\n\nlinux-baseline 1.0.0"), "{text}");
        assert!(text.contains("20 nodes: 7 fine, 7 failed, 2 errored, 2 out of reach, 2 not started"), "{text}");
    }

    #[test]
    fn the_row_breaks_at_the_width() {
        let look = Look { width: 3, ..Look::default() };
        let options = Options { look, ..Options::default() };
        let text = sample::written(Progress::new(&options), &sample::every_outcome());
        assert!(text.starts_with(".FE\nS-W\n.\n\n"), "{text}");
    }
}
