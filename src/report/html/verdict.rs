//! The verdict of a run in words, as exit codes weigh it.

use super::Stages;
use crate::report::findings::{Findings, Profile};
use crate::report::page::is_bad;
use crate::results::Outcome;

/// What a run came to.
pub struct Verdict {
    /// What weighs most in it; none where nothing was checked at all.
    pub outcome: Option<Outcome>,
    /// A few words.
    pub headline: String,
    /// Sentences, each with the outcome it tells of, what is bad first.
    pub said: Vec<(Outcome, String)>,
    /// What all results came to; none where there are none.
    pub sum: Option<String>,
}

/// `1 node`, `1,000 nodes`.
pub fn count(number: usize, one: &str, more: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { more })
}

/// A number with a comma before every three digits.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn nodes(number: usize) -> String {
    count(number, "node", "nodes")
}

fn controls(number: usize) -> String {
    count(number, "control", "controls")
}

/// How many controls came to something on some node.
fn controls_that(profiles: &[&Profile], of: fn(Outcome) -> bool) -> usize {
    let found = profiles.iter().flat_map(|profile| profile.found());
    found.filter(|control| !control.findings(of).is_empty()).count()
}

impl Verdict {
    /// Weighs what was found, of `planned` nodes, where `expired` waivers no longer hold.
    pub fn of(found: &Findings, stages: &Stages, expired: usize, planned: usize) -> Verdict {
        let total = found.tally();
        let profiles: Vec<&Profile> = found.profiles.values().collect();
        let all = found.nodes.len();
        let out_of_reach: usize = found.unreachable.values().map(Vec::len).sum();
        let not_started: usize = found.not_started.values().map(Vec::len).sum();
        let reached = || found.nodes.iter().filter(|node| node.error.is_none());
        let of_all = |number: usize| match all {
            1 => "the node".to_string(),
            _ if number == all => format!("all {}", nodes(all)),
            _ => format!("{} of {}", grouped(number), nodes(all)),
        };
        let mut said = Vec::new();
        let mut say = |outcome: Outcome, text: String| said.push((outcome, text));

        if total.failed > 0 {
            let on = reached().filter(|node| node.tally.failed > 0).count();
            let failed = controls_that(&profiles, |outcome| outcome == Outcome::Failed);
            say(Outcome::Failed, format!("{} failed on {}.", controls(failed), of_all(on)));
        }
        let on = reached().filter(|node| node.tally.errored > 0).count();
        if on > 0 {
            let errored = controls_that(&profiles, |outcome| outcome == Outcome::Errored);
            say(Outcome::Errored, format!("{} could not be checked on {}.", controls(errored), of_all(on)));
        }
        if out_of_reach > 0 {
            let what = match out_of_reach {
                1 => "none of its controls could be checked",
                _ => "none of their controls could be checked",
            };
            let which = match all {
                1 => "The node was".to_string(),
                _ => format!("{} {}", of_all(out_of_reach), if out_of_reach == 1 { "was" } else { "were" }),
            };
            say(Outcome::Errored, format!("{which} out of reach: {what}."));
        }
        if not_started > 0 {
            let was = if not_started == 1 { "was" } else { "were" };
            say(Outcome::Errored, format!("{} {was} never started.", of_all(not_started)));
        }
        let open = found.nodes.iter().filter(|node| node.is_open()).count();
        if open > 0 {
            let which = match all {
                1 => "The node was".to_string(),
                _ => format!("{} {}", of_all(open), if open == 1 { "was" } else { "were" }),
            };
            say(Outcome::Errored, format!("{which} not looked at to the end."));
        }
        for stage in stages.errored() {
            let why = stage.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let what =
                format!("Stage {} ({}) of pipeline {} could not be done{why}", stage.stage, stage.kind, stage.pipeline);
            say(Outcome::Errored, format!("{}.", what.trim_end_matches('.')));
        }
        let interrupted = found.finished.as_ref().is_none_or(|finished| finished.interrupted);
        if interrupted {
            // Those of nodes that were not started are in the counts, as errored.
            let unstarted = found.not_started.values().flatten().map(|at| found.nodes[*at as usize].tally.total());
            let missing = found.planned.saturating_sub(total.total()) + unstarted.sum::<usize>();
            let text = match missing {
                0 => "The run was interrupted, after every control had finished.".to_string(),
                _ => {
                    let planned = count(found.planned, "result", "results");
                    format!("The run was interrupted: {} of {planned} are missing.", grouped(missing))
                }
            };
            say(Outcome::Errored, text);
            let unheard = planned.saturating_sub(all);
            if unheard > 0 {
                let text = format!("{} of {} were not reported at all.", grouped(unheard), nodes(planned));
                say(Outcome::Errored, text);
            }
        }
        if expired > 0 {
            let text =
                count(expired, "waiver has expired and no longer holds", "waivers have expired and no longer hold");
            say(Outcome::Errored, format!("{text}."));
        }
        let somewhere = if all > 1 { " somewhere" } else { "" };
        if total.skipped > 0 {
            let skipped = controls_that(&profiles, |outcome| outcome == Outcome::Skipped);
            say(Outcome::Skipped, format!("{} skipped{somewhere}.", was(skipped)));
        }
        if total.waived > 0 {
            let waived = controls_that(&profiles, |outcome| outcome == Outcome::Waived);
            say(Outcome::Waived, format!("{} waived{somewhere}: known, and accepted for now.", was(waived)));
        }
        let bad = said.iter().any(|(outcome, _)| is_bad(*outcome));
        let mut sum = None;
        if total.total() > 0 {
            let fine = found.nodes.iter().filter(|node| node.is_fine()).count();
            if bad && all > 1 {
                said.push((Outcome::Passed, format!("Nothing is wrong on {}.", of_all(fine))));
            }
            let parts = Outcome::ALL.into_iter().filter(|outcome| total.of(*outcome) > 0);
            let parts: Vec<String> =
                parts.map(|outcome| format!("{} {}", grouped(total.of(outcome)), came_to(outcome))).collect();
            let text =
                format!("{} on {}: {}.", count(total.total(), "result", "results"), of_all(all), parts.join(", "));
            sum = Some(text);
        }
        let unchecked = total.errored > 0 || out_of_reach + not_started + open > 0 || stages.errored().next().is_some();
        let (outcome, headline) = match (total.failed > 0, interrupted) {
            (true, false) => (Some(Outcome::Failed), "Failed"),
            (true, true) => (Some(Outcome::Failed), "Failed, and interrupted"),
            (false, true) => (Some(Outcome::Errored), "Interrupted"),
            _ if unchecked => (Some(Outcome::Errored), "Could not be checked in full"),
            _ if total.total() == 0 => (None, "Nothing was checked"),
            _ if total.skipped > 0 => (Some(Outcome::Skipped), "Passed, but for what was skipped"),
            _ => (Some(Outcome::Passed), "Passed"),
        };
        Verdict { outcome, headline: headline.to_string(), said, sum }
    }
}

/// An outcome as it is said of results.
fn came_to(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Errored => "could not be checked",
        Outcome::NotApplicable => "not applicable",
        other => other.words(),
    }
}

fn was(number: usize) -> String {
    format!("{} {}", controls(number), if number == 1 { "was" } else { "were" })
}
