//! The page for people about several nodes: what they have in common is said once.

use super::findings::{Control, Finding, Findings, NODE, Node, Nodes, Profile};
use super::page::{ID_COLUMNS, Page, is_bad, reason_given};
use super::summary::{counts, duration, interrupted, of_controls, table};
use super::terminal::Look;
use super::{names, text};
use crate::results::Outcome;
use crate::results::event::Step;
use indexmap::IndexMap;
use std::sync::Arc;

/// Findings of one control, and reasons of one kind, that are shown.
const SHOWN: usize = 5;
/// Names and rows of names that stand for the nodes of a finding.
const NAMED: usize = 5;
/// The same for nodes that were not looked at at all, which are named nowhere else.
const NAMED_UNREACHED: usize = 20;
/// Nodes that all have a row in the table; of more only those that are not fine have.
const ALL_ROWS: usize = 20;
/// Rows of the table of nodes.
const NODE_ROWS: usize = 50;

/// Characters of a reason that are shown.
const REASON: usize = 600;

/// Writes the page of a run.
pub fn write(found: &Findings, look: &Look, verbose: bool, out: &mut String) {
    let page = NodesPage { found, look, verbose };
    for (key, profile) in &found.profiles {
        page.profile(&key[0], &found.version_of(key), profile, out);
    }
    page.reasons("Out of reach", Outcome::Errored, &found.unreachable, NAMED_UNREACHED, out);
    page.reasons("Not started", Outcome::Errored, &found.not_started, NAMED_UNREACHED, out);
    page.reasons("Notes", Outcome::NotApplicable, &found.notes, NAMED, out);
    page.tables(out);
    page.verdict(out);
}

struct NodesPage<'a> {
    found: &'a Findings,
    look: &'a Look,
    verbose: bool,
}

impl NodesPage<'_> {
    fn profile(&self, name: &str, version: &str, profile: &Profile, out: &mut String) {
        let widths = profile.found().map(|control| text::columns(&control.summary.id));
        let id_columns = widths.filter(|&columns| columns <= ID_COLUMNS).max().unwrap_or(0);
        let page = Page { look: self.look, id_columns };
        page.profile(name, version, profile.title.as_deref(), out);
        let length = out.len();
        for (reason, nodes) in profile.not_applicable.iter().take(SHOWN) {
            page.note(2, &format!("does not apply to {}: {reason}", self.on(nodes)), out);
            self.where_rare(&page, 4, nodes, out);
        }
        self.rest(2, profile.not_applicable.values().skip(SHOWN), "reasons", out);
        if out.len() > length {
            out.push('\n');
        }
        for control in profile.found() {
            self.bad(&page, control, out);
        }
        let length = out.len();
        for control in profile.found() {
            self.not_looked_at(&page, control, |outcome| outcome == Outcome::Waived, out);
        }
        for control in profile.found() {
            self.not_looked_at(&page, control, |outcome| outcome == Outcome::Skipped, out);
        }
        let not_applicable = |outcome| outcome == Outcome::NotApplicable;
        if self.verbose {
            for control in profile.found() {
                self.not_looked_at(&page, control, not_applicable, out);
            }
        } else {
            let count = profile.found().filter(|control| !control.findings(not_applicable).is_empty()).count();
            if count > 0 {
                let controls = if count == 1 { "control does" } else { "controls do" };
                page.note(2, &format!("{count} {controls} not apply everywhere; -v shows why"), out);
            }
        }
        if profile.tally.passed == profile.tally.total() && profile.tally.total() > 0 {
            let all = format!("  {} all of it passed", self.look.symbol(Outcome::Passed));
            out.push_str(&format!("{}\n", self.look.outcome(Outcome::Passed, &all)));
        }
        if out.len() > length {
            out.push('\n');
        }
    }

    /// A control that failed or could not be checked somewhere, with every finding once.
    fn bad(&self, page: &Page<'_>, control: &Control, out: &mut String) {
        let findings = control.findings(is_bad);
        let outcomes = findings.iter().map(|finding| finding.outcome);
        // A fault that was seen weighs more than one that may be.
        let Some(outcome) = outcomes.min_by_key(|outcome| *outcome != Outcome::Failed) else { return };
        page.heading(&control.summary, outcome, "", out);
        if findings.len() > 1 {
            let on: usize = findings.iter().map(|finding| finding.nodes.len()).sum();
            page.note(4, &format!("{} findings on {on} of {} nodes", findings.len(), self.found.nodes.len()), out);
        }
        let shown = findings.iter().filter(|finding| finding.sample.is_some()).take(SHOWN);
        let mut left: Vec<&Finding> = findings.iter().filter(|finding| finding.sample.is_none()).copied().collect();
        left.extend(findings.iter().filter(|finding| finding.sample.is_some()).skip(SHOWN));
        let mut before: &[Step] = &[];
        for finding in shown {
            let (words, on) = (finding.outcome.words(), self.on(&finding.nodes));
            let line = format!("{words} on {on}: {}", self.names(&finding.nodes, NAMED));
            for line in text::wrap(&line, self.look.width.saturating_sub(4)) {
                out.push_str(&format!("    {}\n", self.look.outcome(finding.outcome, &line)));
            }
            if let Some(sample) = &finding.sample {
                page.why(&sample.control, out);
                match (before, &sample.control.steps[..]) {
                    // The same step that found something else.
                    ([before], [step]) if asks_the_same(before, step) => page.step_found(step, out),
                    (_, steps) => steps.iter().for_each(|step| page.step(step, out)),
                }
                before = &sample.control.steps;
                if sample.more > 0 {
                    page.note(4, &format!("and {} more steps", sample.more), out);
                }
                page.expired(&sample.control, out);
            }
        }
        self.rest(4, left.iter().map(|finding| &finding.nodes), "findings", out);
        page.fix(&control.summary, out);
        out.push('\n');
    }

    /// A control that was waived or not looked at somewhere, and why.
    fn not_looked_at(&self, page: &Page<'_>, control: &Control, of: fn(Outcome) -> bool, out: &mut String) {
        let findings = control.findings(of);
        let Some(first) = findings.first() else { return };
        page.heading(&control.summary, first.outcome, "", out);
        for finding in findings.iter().take(SHOWN) {
            let Some(sample) = &finding.sample else { continue };
            let control = &sample.control;
            let (words, why) = match (&control.waiver, finding.outcome) {
                (Some(waiver), Outcome::Waived) => {
                    let until = waiver.until.as_deref().map(|until| format!(" until {until}")).unwrap_or_default();
                    (format!("waived{until}"), waiver.justification.clone())
                }
                (_, outcome) => (outcome.words().to_string(), reason_given(control)),
            };
            page.note(4, &format!("{words} on {}: {why}", self.on(&finding.nodes)), out);
            self.where_rare(page, 6, &finding.nodes, out);
            if finding.outcome == Outcome::Waived {
                for step in control.steps.iter().filter(|step| is_bad(step.outcome)).take(3) {
                    page.note(6, &format!("{}: {}", step.outcome.words(), step.sentence), out);
                }
            }
        }
        self.rest(4, findings.iter().skip(SHOWN).map(|finding| &finding.nodes), "reasons", out);
    }

    /// Reasons that hold for nodes as a whole, those of most nodes first.
    fn reasons(
        &self,
        heading: &str,
        outcome: Outcome,
        reasons: &IndexMap<String, Nodes>,
        named: usize,
        out: &mut String,
    ) {
        if reasons.is_empty() {
            return;
        }
        let mut sorted: Vec<(&String, &Nodes)> = reasons.iter().collect();
        sorted.sort_by_key(|(_, nodes)| std::cmp::Reverse(nodes.len()));
        out.push_str(&format!("{}\n", self.look.outcome(outcome, heading)));
        // Each of these nodes should be found by name, so that there are more of them.
        let shown = 2 * SHOWN;
        for (reason, nodes) in sorted.iter().take(shown) {
            let symbol = self.look.outcome(outcome, self.look.symbol(outcome));
            // Of one node it is said as it was.
            let reason = match nodes[..] {
                [node] => reason.replace(NODE, &self.found.nodes[node as usize].name),
                _ => reason.to_string(),
            };
            let nodes = match nodes.len() {
                1 => self.names(nodes, 1),
                _ => format!("{}: {}", self.on(nodes), self.names(nodes, named)),
            };
            let lines = text::wrap(&nodes, self.look.width.saturating_sub(4)).join("\n    ");
            out.push_str(&format!("  {symbol} {lines}\n"));
            for line in text::wrap(&text::bounded(&text::line(&reason), REASON), self.look.width.saturating_sub(4)) {
                out.push_str(&format!("    {line}\n"));
            }
        }
        self.rest(2, sorted.iter().skip(shown).map(|(_, nodes)| *nodes), "reasons", out);
        out.push('\n');
    }

    fn rest<'n>(&self, indent: usize, nodes: impl Iterator<Item = &'n Nodes>, what: &str, out: &mut String) {
        let (mut kinds, mut on) = (0, Nodes::new());
        for nodes in nodes {
            kinds += 1;
            on.extend(nodes);
        }
        if kinds > 0 {
            on.sort_unstable();
            on.dedup();
            let what = if kinds == 1 { what.trim_end_matches('s') } else { what };
            let nodes = if on.len() == 1 { "node" } else { "nodes" };
            let note = format!("and {kinds} more {what} on {} {nodes}; run-json has them", on.len());
            Page { look: self.look, id_columns: 0 }.note(indent, &note, out);
        }
    }

    /// Names the nodes something that is not wrong holds for, unless it does for most.
    fn where_rare(&self, page: &Page<'_>, indent: usize, nodes: &Nodes, out: &mut String) {
        if nodes.len() * 2 <= self.found.nodes.len() || self.found.nodes.len() <= SHOWN {
            page.note(indent, &self.names(nodes, NAMED), out);
        }
    }

    /// `3 of 200 nodes`.
    fn on(&self, nodes: &Nodes) -> String {
        match self.found.nodes.len() {
            all if all == nodes.len() => format!("all {all} nodes"),
            all => format!("{} of {all} nodes", nodes.len()),
        }
    }

    fn names(&self, nodes: &Nodes, items: usize) -> String {
        let names: Vec<&str> = nodes.iter().map(|at| &*self.found.nodes[*at as usize].name).collect();
        names::list(&names, items, self.look)
    }

    fn tables(&self, out: &mut String) {
        let (found, total) = (self.found, self.found.tally());
        let name = |key: &[Arc<str>; 3]| format!("{} {}", key[0], found.version_of(key));
        let rows = found.profiles.iter().map(|(key, profile)| (name(key), profile.tally));
        table(self.look, "Profile", rows.collect(), total, true, out);
        let all = found.nodes.len() <= ALL_ROWS;
        let bad = |node: &&Node| node.error.is_none() && !node.is_fine();
        let mut rows: Vec<&Node> = found.nodes.iter().filter(|node| all || bad(node)).collect();
        if !all {
            // Stable: equally bad ones stay in the order of the plan.
            rows.sort_by_key(|node| std::cmp::Reverse((node.tally.failed, node.tally.errored)));
        }
        let left = rows.len().saturating_sub(NODE_ROWS);
        let rows = rows.into_iter().take(NODE_ROWS).map(|node| (node.name.to_string(), node.tally)).collect();
        table(self.look, "Node", rows, total, all, out);
        if left > 0 {
            // Above the empty line that ends the table.
            out.pop();
            let nodes = if left == 1 { "node is" } else { "nodes are" };
            let note = format!("{left} more {nodes} not fine; run-json has them");
            out.push_str(&format!("{}\n\n", self.look.dim(&note)));
        }
    }

    fn verdict(&self, out: &mut String) {
        let found = self.found;
        if self.verbose {
            out.push_str(&format!("{}\n", self.look.dim(&found.cost.words())));
        }
        let count = |of: fn(&&Node) -> bool| found.nodes.iter().filter(of).count();
        let unreachable: usize = found.unreachable.values().map(Vec::len).sum();
        let not_started: usize = found.not_started.values().map(Vec::len).sum();
        let nodes = [
            (count(|node| node.is_fine()), Outcome::Passed, "fine"),
            (count(|node| node.error.is_none() && node.tally.failed > 0), Outcome::Failed, "failed"),
            (
                count(|node| node.error.is_none() && node.tally.failed == 0 && node.tally.errored > 0),
                Outcome::Errored,
                "errored",
            ),
            (count(|node| node.is_open()), Outcome::Errored, "not finished"),
            (unreachable, Outcome::Errored, "out of reach"),
            (not_started, Outcome::Errored, "not started"),
        ];
        counts(self.look, &format!("{} nodes", found.nodes.len()), "", &nodes, out);
        let total = found.tally();
        let seconds = found.finished.as_ref().map(|finished| format!(" in {}", duration(finished.seconds)));
        let seconds = seconds.unwrap_or_default();
        counts(self.look, &format!("{} controls", total.total()), &seconds, &of_controls(&total), out);
        if found.finished.as_ref().is_none_or(|finished| finished.interrupted) {
            // Those of nodes that were not started are in the counts, as errored.
            let unstarted = found.not_started.values().flatten().map(|at| found.nodes[*at as usize].tally.total());
            let missing = found.planned.saturating_sub(total.total()) + unstarted.sum::<usize>();
            interrupted(self.look, missing, found.planned, out);
        }
    }
}

/// Whether two steps differ at most in what they found.
fn asks_the_same(a: &Step, b: &Step) -> bool {
    (a.outcome, &a.sentence, &a.expected, &a.file, a.line) == (b.outcome, &b.sentence, &b.expected, &b.file, b.line)
}
