//! Outcomes and how they add up.

use crate::error::exit;
use serde::{Deserialize, Serialize};

/// What came of a control or of one of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is as it should be.
    Passed,
    /// It is not as it should be.
    Failed,
    /// It could not be checked. Never a pass, a skip or a fail.
    Errored,
    /// The control itself decided not to check, and says why.
    Skipped,
    /// The requirement does not apply to this node; counts as passed.
    NotApplicable,
    /// It failed or errored, and a waiver accepts that; counts as passed.
    Waived,
}

impl Outcome {
    /// Every outcome, in the order summaries list them.
    pub const ALL: [Outcome; 6] =
        [Outcome::Passed, Outcome::Failed, Outcome::Errored, Outcome::Skipped, Outcome::NotApplicable, Outcome::Waived];

    /// The word machines read: `not_applicable`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Errored => "errored",
            Outcome::Skipped => "skipped",
            Outcome::NotApplicable => "not_applicable",
            Outcome::Waived => "waived",
        }
    }

    /// The words people read: `not applicable`.
    pub fn words(self) -> &'static str {
        match self {
            Outcome::NotApplicable => "not applicable",
            other => other.name(),
        }
    }

    /// A control takes its worst step: errored, failed, skipped, passed.
    pub fn worst(outcomes: impl IntoIterator<Item = Outcome>) -> Option<Outcome> {
        let badness = |outcome: &Outcome| match outcome {
            Outcome::Errored => 5,
            Outcome::Failed => 4,
            Outcome::Skipped => 3,
            Outcome::Waived => 2,
            Outcome::NotApplicable => 1,
            Outcome::Passed => 0,
        };
        outcomes.into_iter().max_by_key(badness)
    }
}

/// How many controls came to which outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub errored: usize,
    pub skipped: usize,
    pub not_applicable: usize,
    pub waived: usize,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        *self.slot(outcome) += 1;
    }

    /// How many came to `outcome`.
    pub fn of(&self, outcome: Outcome) -> usize {
        let mut copy = *self;
        *copy.slot(outcome)
    }

    /// How many there are in all.
    pub fn total(&self) -> usize {
        Outcome::ALL.iter().map(|outcome| self.of(*outcome)).sum()
    }

    /// The exit code of a run that came to this, when it was neither refused nor
    /// interrupted; see [`exit`].
    pub fn exit_code(&self) -> u8 {
        if self.failed > 0 {
            exit::FAILED
        } else if self.errored > 0 {
            exit::ERRORED
        } else if self.skipped > 0 {
            exit::SKIPPED
        } else {
            exit::OK
        }
    }

    fn slot(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Errored => &mut self.errored,
            Outcome::Skipped => &mut self.skipped,
            Outcome::NotApplicable => &mut self.not_applicable,
            Outcome::Waived => &mut self.waived,
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        for outcome in Outcome::ALL {
            *self.slot(outcome) += other.of(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_takes_its_worst_step() {
        use Outcome::*;
        assert_eq!(Outcome::worst([Passed, Failed, Errored, Skipped]), Some(Errored));
        assert_eq!(Outcome::worst([Passed, Skipped, Failed]), Some(Failed));
        assert_eq!(Outcome::worst([Passed, Skipped]), Some(Skipped));
        assert_eq!(Outcome::worst([]), None);
    }

    #[test]
    fn exit_codes_follow_the_worst() {
        let tally =
            |failed, errored, skipped| Tally { passed: 1, failed, errored, skipped, waived: 1, not_applicable: 1 };
        assert_eq!(tally(1, 1, 1).exit_code(), 100);
        assert_eq!(tally(0, 1, 1).exit_code(), 102);
        assert_eq!(tally(0, 0, 1).exit_code(), 101);
        assert_eq!(tally(0, 0, 0).exit_code(), 0);
    }
}
