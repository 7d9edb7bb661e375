//! The exit code that the events of a run come to.

use super::{Outcome, RunEvent, Stamped, Tally};
use crate::error::exit;

/// A fold over a run into its verdict.
#[derive(Debug, Default)]
pub struct Verdict {
    /// A stage of the pipeline could not be done, or a node without controls not be reached.
    errored: bool,
    /// The end of the run, where it came.
    ended: Option<(Tally, bool)>,
}

impl Verdict {
    /// Takes the next event in.
    pub fn event(&mut self, event: &Stamped) {
        match &event.event {
            RunEvent::NodeStarted(started) => self.errored |= started.error.is_some(),
            RunEvent::StageFinished(stage) => self.errored |= stage.outcome == Outcome::Errored,
            RunEvent::RunFinished(finished) => self.ended = Some((finished.tally, finished.interrupted)),
            RunEvent::RunStarted(_)
            | RunEvent::ProfileStarted(_)
            | RunEvent::ControlFinished(_)
            | RunEvent::ProfileFinished(_)
            | RunEvent::NodeFinished(_) => {}
        }
    }

    /// The exit code, the first that holds of [`exit`]. A run that broke off was interrupted.
    pub fn exit_code(&self) -> u8 {
        let Some((tally, false)) = self.ended else { return exit::INTERRUPTED };
        match tally.exit_code() {
            exit::OK | exit::SKIPPED if self.errored => exit::ERRORED,
            code => code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn code(events: &[Stamped]) -> u8 {
        let mut verdict = Verdict::default();
        events.iter().for_each(|event| verdict.event(event));
        verdict.exit_code()
    }

    #[test]
    fn the_verdict_is_that_of_the_run_and_of_its_stages() {
        let passed = || {
            let controls = sample::controls("web1").into_iter().take(1).collect();
            sample::run(vec![sample::node_events(sample::node("web1"), controls)])
        };
        assert_eq!(code(&sample::three_nodes()), 100);
        assert_eq!(code(&passed()), 0);
        assert_eq!(code(&passed()[..3]), 130, "it broke off");
        let mut events = passed();
        let stage = sample::stage("provision", Outcome::Errored);
        events.insert(1, Stamped { event: RunEvent::StageFinished(Box::new(stage)), ..events[0].clone() });
        assert_eq!(code(&events), 102);
        let mut interrupted = passed();
        if let Some(RunEvent::RunFinished(finished)) = interrupted.last_mut().map(|event| &mut event.event) {
            finished.interrupted = true;
        }
        assert_eq!(code(&interrupted), 130);
    }
}
