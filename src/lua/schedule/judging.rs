//! From the steps a control recorded to its result.

use super::Schedule;
use crate::lua::Finished;
use crate::lua::record::{Item, remark};
use crate::lua::session::Running;
use crate::lua::verdict::{self, Ending};
use crate::node::Unseen;
use crate::results::Outcome;
use std::time::Instant;

impl Schedule<'_> {
    /// Judges what a control recorded; while answers are outstanding it waits for them.
    pub(super) fn judge(&mut self, number: usize) {
        let Some(mut running) = self.session.running.borrow_mut()[number].take() else { return };
        let memory = running.memory.clone();
        let seen = self.node.view(&memory);
        let asked = memory.asked();
        let mut pending = false;
        for list in &mut running.lists {
            for item in list.iter_mut() {
                if let Item::Step(recorded) = item {
                    match recorded.judge(&seen, &memory) {
                        Ok(step) => *item = Item::Judged(Box::new(step)),
                        Err(Unseen::Pending) => pending = true,
                        Err(_) => unreachable!("judging turns every other reason into a step"),
                    }
                }
            }
        }
        running.probes += memory.asked() - asked;
        let broken = self.broken_limit(&running);
        if pending && broken.is_none() {
            self.session.running.borrow_mut()[number] = Some(running);
            self.judging.push(number);
            return;
        }
        self.conclude(number, running, broken);
    }

    fn conclude(&mut self, number: usize, running: Running, broken: Option<String>) {
        let control = &self.engine.controls()[number];
        let Some(progress) = self.progress[number].as_mut() else { return };
        let summary = &control.summary;
        let mut error = progress.error.take().map(|error| self.engine.explain(&error, summary));
        if let Some(message) = broken
            && error.is_none()
        {
            let sentence = "check asks for a bounded number of observations";
            error = Some(Box::new(remark(Outcome::Errored, sentence, message, &summary.file, summary.line)));
        }
        let verdict = verdict::conclude(running, Ending { error, file: summary.file.clone(), line: summary.line });
        let elapsed = progress.began.elapsed();
        if let Some(eventually) = control.eventually
            && matches!(verdict.outcome, Outcome::Failed | Outcome::Errored)
            && elapsed + eventually.every <= eventually.within
            && self.session.node.borrow().as_ref().is_some_and(|node| node.may_change())
        {
            self.again.push((Instant::now() + eventually.every, number));
            return;
        }
        progress.done = Some(Box::new(Finished {
            outcome: verdict.outcome,
            reason: verdict.reason,
            steps: verdict.steps,
            attempts: progress.attempts,
            started: progress.started,
            seconds: elapsed.as_secs_f64(),
        }));
    }
}
