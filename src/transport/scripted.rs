//! A transport with answers written down beforehand, for unit tests of resources.

use super::Transport;
use crate::probe::{Answer, Fault, FaultKind, Probe, Question};
use std::cell::Cell;
use std::collections::HashMap;

/// Answers from a table; a probe that is not in it is a fault that names it.
#[derive(Debug, Default)]
pub struct Scripted {
    answers: HashMap<Probe, Answer>,
    rounds: Cell<usize>,
}

impl Scripted {
    /// A node that knows nothing.
    pub fn new() -> Scripted {
        Scripted::default()
    }

    /// Answers `question` with `answer`.
    #[must_use]
    pub fn with<Q: Question>(mut self, question: Q, answer: Q::Answer) -> Scripted {
        self.answers.insert(question.into(), Ok(Q::wrap(answer)));
        self
    }

    /// Answers `question` with a fault.
    #[must_use]
    pub fn with_fault(mut self, question: impl Question, kind: FaultKind, message: &str) -> Scripted {
        self.answers.insert(question.into(), Err(Fault::new(kind, message)));
        self
    }

    /// How many batches were asked.
    pub fn rounds(&self) -> usize {
        self.rounds.get()
    }
}

impl Transport for Scripted {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        self.rounds.set(self.rounds.get() + 1);
        probes
            .iter()
            .map(|probe| {
                self.answers.get(probe).cloned().unwrap_or_else(|| {
                    Err(Fault::new(FaultKind::Unsupported, format!("no scripted answer for {probe:?}")))
                })
            })
            .collect()
    }

    fn user(&self) -> String {
        "scripted".to_string()
    }
}
