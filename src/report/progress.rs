//! A character a control, for people who wait and for logs that must stay short.

use super::page::{Page, is_bad};
use super::summary::Summary;
use super::terminal::Look;
use super::{Options, Reporter, text};
use crate::results::{ControlFinished, Outcome, RunEvent, Stamped};
use std::io::{self, Write};

/// Folds a run into a row of characters, then what failed and a summary.
pub struct Progress {
    look: Look,
    several: bool,
    column: usize,
    summary: Summary,
    bad: Vec<ControlFinished>,
}

impl Progress {
    /// A row as wide as the look of `options` says.
    pub fn new(options: &Options) -> Progress {
        Progress {
            look: options.look,
            several: options.nodes.len() > 1,
            column: 0,
            summary: Summary::default(),
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
}

impl Reporter for Progress {
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()> {
        self.summary.event(event);
        if let RunEvent::ControlFinished(control) = &event.event {
            out.write_all(self.look.outcome(control.outcome, Progress::letter(control.outcome)).as_bytes())?;
            self.column += 1;
            if self.column >= self.look.width {
                out.write_all(b"\n")?;
                self.column = 0;
            }
            // What is written whole at the end is kept whole; of a thousand nodes with
            // the same fault the summary says enough.
            if is_bad(control.outcome) && self.bad.len() < 200 {
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
        for control in &self.bad {
            if self.several {
                page.push_str(&format!("{}\n", self.look.bold(&text::line(&control.node))));
            }
            Page { look: &self.look, id_columns: 0 }.control(control, &mut page);
        }
        self.summary.write(&self.look, &mut page);
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
    fn the_row_breaks_at_the_width() {
        let look = Look { width: 3, ..Look::default() };
        let options = Options { look, ..Options::default() };
        let text = sample::written(Progress::new(&options), &sample::every_outcome());
        assert!(text.starts_with(".FE\nS-W\n.\n\n"), "{text}");
    }
}
