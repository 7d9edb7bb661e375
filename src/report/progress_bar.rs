//! The progress bar on standard error. It folds the same events as the reports do and
//! leaves nothing behind.

use super::{Reporter, text};
use crate::results::{Outcome, RunEvent, Stamped, Tally};
use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};
use std::time::Duration;

/// How many controls are done, what came of them, and the node and control last heard of.
pub struct ProgressBar {
    bar: Bar,
    tally: Tally,
}

impl ProgressBar {
    /// A bar on standard error; indicatif draws nothing where that is no terminal.
    pub fn on_stderr() -> ProgressBar {
        let bar = ProgressBar::drawn_to(ProgressDrawTarget::stderr_with_hz(10));
        // So that the clock goes on while one control keeps the others waiting.
        bar.bar.enable_steady_tick(Duration::from_millis(250));
        bar
    }

    fn drawn_to(target: ProgressDrawTarget) -> ProgressBar {
        let bar = Bar::with_draw_target(Some(0), target);
        // The template is a constant; were it wrong, the default style would do.
        if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {pos}/{len}  {elapsed}  {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        ProgressBar { bar, tally: Tally::default() }
    }

    fn message(&self, doing: &str) -> String {
        let mut parts = Vec::new();
        for outcome in [Outcome::Failed, Outcome::Errored] {
            let count = self.tally.of(outcome);
            if count > 0 {
                parts.push(format!("{count} {}", outcome.words()));
            }
        }
        parts.push(text::bounded(&text::line(doing), 60).into_owned());
        parts.join("  ")
    }
}

impl Reporter for ProgressBar {
    fn event(&mut self, event: &Stamped, _out: &mut dyn Write) -> io::Result<()> {
        match &event.event {
            RunEvent::RunStarted(started) => self.bar.set_length(started.controls as u64),
            RunEvent::NodeStarted(started) => self.bar.set_message(self.message(&started.node)),
            RunEvent::ControlFinished(control) => {
                self.tally.add(control.outcome);
                self.bar.inc(1);
                self.bar.set_message(self.message(&format!("{} {}", control.node, control.control.id)));
            }
            RunEvent::RunFinished(_) => self.bar.finish_and_clear(),
            RunEvent::ProfileStarted(_) | RunEvent::ProfileFinished(_) | RunEvent::NodeFinished(_) => {}
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        self.bar.finish_and_clear();
        Ok(())
    }
}

impl Drop for ProgressBar {
    /// A run that ends in an error must not leave half a bar on the line of its message.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn it_counts_every_control_and_names_what_is_wrong() {
        let mut bar = ProgressBar::drawn_to(ProgressDrawTarget::hidden());
        let events = sample::every_outcome();
        for event in &events[..events.len() - 1] {
            bar.event(event, &mut io::sink()).unwrap();
        }
        assert_eq!(bar.bar.position(), bar.bar.length().unwrap());
        assert!(bar.message("web1").starts_with("1 failed  1 errored  web1"), "{}", bar.message("web1"));
    }
}
