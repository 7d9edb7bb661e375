//! How a run stands at this moment, for the displays that are watched while it goes on.

use crate::results::{Live, Outcome, Tally};
use std::collections::HashMap;
use std::sync::Arc;

/// Counts of nodes and controls, folded from what happens on any node right now. The
/// events of a run cannot give them: they come in the order of the plan, and a slow node
/// holds those behind it back.
#[derive(Debug, Default)]
pub struct Standing {
    /// How many nodes and, over all of them, controls there are.
    pub nodes: usize,
    pub controls: usize,
    /// Nodes that are done, those that were never reached or started among them.
    pub done: usize,
    /// Nodes that could not be reached.
    pub unreachable: usize,
    /// Nodes that were given up before they were begun.
    pub not_started: usize,
    /// What the controls came to that are done.
    pub tally: Tally,
    /// The node last heard of, and its control where it was about one.
    pub last: String,
    running: HashMap<Arc<str>, Tally>,
    /// Of the nodes that are done and were reached.
    failed: usize,
    errored: usize,
}

impl Standing {
    /// Takes in what just happened.
    pub fn fold(&mut self, live: &Live) {
        match live {
            Live::Started { node } => {
                self.running.entry(node.clone()).or_default();
                self.last = node.to_string();
            }
            Live::Control { node, control, outcome } => {
                self.tally.add(*outcome);
                if let Some(tally) = self.running.get_mut(node) {
                    tally.add(*outcome);
                }
                self.last = format!("{node} {control}");
            }
            Live::Finished { node, tally, unreachable } => {
                self.done += 1;
                let begun = self.running.remove(node);
                // Controls of a node that was never reached are not heard of one by one.
                let heard = begun.unwrap_or_default();
                for outcome in Outcome::ALL {
                    for _ in heard.of(outcome)..tally.of(outcome) {
                        self.tally.add(outcome);
                    }
                }
                match (begun, unreachable) {
                    (None, true) => self.not_started += 1,
                    (Some(_), true) => self.unreachable += 1,
                    _ if tally.failed > 0 => self.failed += 1,
                    _ if tally.errored > 0 => self.errored += 1,
                    _ => {}
                }
                self.last = node.to_string();
            }
        }
    }

    /// Nodes that are being looked at.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Nodes on which something failed, those that are still running among them.
    pub fn failed(&self) -> usize {
        self.failed + self.running.values().filter(|tally| tally.failed > 0).count()
    }

    /// Nodes on which nothing failed but something could not be checked.
    pub fn errored(&self) -> usize {
        self.errored + self.running.values().filter(|tally| tally.failed == 0 && tally.errored > 0).count()
    }

    /// `64 running`, `3 failed`…: what there is of each, the running nodes always.
    pub fn counts(&self) -> Vec<String> {
        let counts = [
            (self.running(), "running"),
            (self.failed(), "failed"),
            (self.errored(), "errored"),
            (self.unreachable, "unreachable"),
            (self.not_started, "not started"),
        ];
        let shown = counts.into_iter().filter(|(count, word)| *count > 0 || *word == "running");
        shown.map(|(count, word)| format!("{count} {word}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(node: &str, tally: Tally, unreachable: bool) -> Live {
        Live::Finished { node: node.into(), tally, unreachable }
    }

    #[test]
    fn nodes_are_counted_by_what_is_known_of_them_now() {
        let mut standing = Standing { nodes: 6, controls: 12, ..Standing::default() };
        for node in ["a", "b", "c", "d"] {
            standing.fold(&Live::Started { node: node.into() });
        }
        assert_eq!((standing.running(), standing.done, &*standing.last), (4, 0, "d"));
        standing.fold(&Live::Control { node: "b".into(), control: "sshd".into(), outcome: Outcome::Failed });
        assert_eq!((standing.failed(), &*standing.last), (1, "b sshd"), "a node that runs has failed already");
        let failed = Tally { failed: 1, passed: 1, ..Tally::default() };
        standing.fold(&finished("b", failed, false));
        let errored = Tally { errored: 2, ..Tally::default() };
        standing.fold(&finished("c", errored, false));
        standing.fold(&finished("d", errored, true));
        standing.fold(&finished("e", errored, true));
        assert_eq!(standing.counts(), ["1 running", "1 failed", "1 errored", "1 unreachable", "1 not started"]);
        assert_eq!(standing.done, 4);
        assert_eq!(standing.tally, Tally { failed: 1, passed: 1, errored: 6, ..Tally::default() });
    }
}
