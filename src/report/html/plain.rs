//! The part of the page that needs neither script nor style sheet: what is bad, in tables.
//!
//! Where scripts run it is replaced by the whole. Jenkins by default lets neither the
//! script nor the styles of a report through, so this has to be of use bare.

use super::markup::{Markup, badge};
use super::verdict::{count, grouped};
use crate::report::exec_json::severity;
use crate::report::findings::{Control, Finding, Findings, NODE, Nodes};
use crate::report::page::{is_bad, says_the_same};
use crate::report::terminal::Look;
use crate::report::{names, text};
use crate::results::{Outcome, Tally};
use indexmap::IndexMap;

/// Rows of a table; the whole page has no such limit.
const ROWS: usize = 200;
/// Findings of a control, and steps of each.
const SHOWN: usize = 5;
/// Names and rows of names that stand for nodes.
const NAMED: usize = 8;
/// Characters of one text.
const TEXT: usize = 600;

const TABLE: &str = "<table border=\"1\" cellpadding=\"4\">";

/// Writes what is bad, in the order of impact and of how many nodes it is on.
pub fn write(found: &Findings, out: &mut Markup) {
    let plain = Plain { found };
    plain.bad(out);
    plain.reasons("Out of reach", &found.unreachable, out);
    plain.reasons("Never started", &found.not_started, out);
    plain.waived(out);
    plain.counts(out);
    plain.reasons("Notes", &found.notes, out);
}

struct Plain<'a> {
    found: &'a Findings,
}

/// A control with its profile and how many nodes it is bad on.
struct Bad<'a> {
    profile: &'a str,
    control: &'a Control,
    findings: Vec<&'a Finding>,
    nodes: usize,
}

impl Plain<'_> {
    fn bad(&self, out: &mut Markup) {
        let mut rows: Vec<Bad<'_>> = Vec::new();
        for ([name, ..], profile) in &self.found.profiles {
            for control in profile.found() {
                let findings = control.findings(is_bad);
                let nodes = findings.iter().map(|finding| finding.nodes.len()).sum();
                if nodes > 0 {
                    rows.push(Bad { profile: name, control, findings, nodes });
                }
            }
        }
        if rows.is_empty() {
            return;
        }
        rows.sort_by(|a, b| {
            let impact = b.control.summary.impact.total_cmp(&a.control.summary.impact);
            impact.then(b.nodes.cmp(&a.nodes))
        });
        out.raw("<h2>What failed or could not be checked</h2>\n").raw(TABLE);
        out.raw("<thead><tr><th scope=\"col\">Impact<th scope=\"col\">Control<th scope=\"col\">What was found<th scope=\"col\">What to do</tr></thead><tbody>\n");
        for row in rows.iter().take(ROWS) {
            let summary = &row.control.summary;
            out.raw("<tr valign=\"top\"><td>").text(&format!("{:.1} {}", summary.impact, severity(summary.impact)));
            out.raw("<th scope=\"row\" align=\"left\"><code>").text(&shown(&summary.id)).raw("</code><br>");
            out.text(&shown(summary.title.as_deref().unwrap_or_default())).raw("<br><small>").text(&shown(row.profile));
            out.raw(", ").text(&shown(&format!("{}:{}", summary.file, summary.line))).raw("</small><td>");
            for finding in row.findings.iter().take(SHOWN) {
                self.finding(finding, out);
            }
            let left = row.findings.len().saturating_sub(SHOWN);
            if left > 0 {
                out.raw("<p>").text(&format!("and {}", count(left, "more finding", "more findings"))).raw("</p>");
            }
            out.raw("<td>").text(&shown(summary.fix.as_deref().unwrap_or_default())).raw("</tr>\n");
        }
        out.raw("</tbody></table>\n");
        self.left(rows.len(), out);
    }

    fn finding(&self, finding: &Finding, out: &mut Markup) {
        out.raw("<p>");
        badge(finding.outcome, out);
        out.raw(" on ")
            .text(&self.on(&finding.nodes))
            .raw(": <small>")
            .text(&self.names(&finding.nodes))
            .raw("</small>");
        let Some(sample) = &finding.sample else {
            out.raw("</p>\n");
            return;
        };
        if let Some(reason) = &sample.control.reason {
            out.raw("<br>").text(&shown(reason));
        }
        if let Some(waiver) = sample.control.waiver.as_ref().filter(|waiver| waiver.expired) {
            out.raw("<br>A waiver expired after ").text(&shown(waiver.until.as_deref().unwrap_or("an unknown day")));
            out.raw(": ").text(&shown(&waiver.justification));
        }
        out.raw("</p><ul>\n");
        for step in sample.control.steps.iter().take(SHOWN) {
            out.raw("<li>").text(&shown(&step.sentence));
            if let Some(expected) = &step.expected {
                out.raw("<br>expected <code>").text(&shown(expected)).raw("</code>");
            }
            if let Some(found) = &step.found {
                out.raw("<br>found <code>").text(&shown(found)).raw("</code>");
            }
            if let Some(message) = step.message.as_ref().filter(|message| !says_the_same(step, message)) {
                out.raw("<br>").text(&shown(message));
            }
        }
        out.raw("</ul>\n");
    }

    fn reasons(&self, heading: &str, reasons: &IndexMap<String, Nodes>, out: &mut Markup) {
        if reasons.is_empty() {
            return;
        }
        let mut sorted: Vec<(&String, &Nodes)> = reasons.iter().collect();
        sorted.sort_by_key(|(_, nodes)| std::cmp::Reverse(nodes.len()));
        out.raw("<h2>").text(heading).raw("</h2>\n").raw(TABLE);
        out.raw("<thead><tr><th scope=\"col\">Nodes<th scope=\"col\">Why</tr></thead><tbody>\n");
        for (reason, nodes) in sorted.iter().take(ROWS) {
            // Of one node it is said as it was.
            let reason = match nodes[..] {
                [node] => reason.replace(NODE, &self.found.nodes[node as usize].name),
                _ => reason.to_string(),
            };
            out.raw("<tr valign=\"top\"><td>")
                .text(&self.names(nodes))
                .raw("<td>")
                .text(&shown(&reason))
                .raw("</tr>\n");
        }
        out.raw("</tbody></table>\n");
        self.left(sorted.len(), out);
    }

    fn waived(&self, out: &mut Markup) {
        let is_waived = |outcome| outcome == Outcome::Waived;
        let controls = self.found.profiles.values().flat_map(|profile| profile.found());
        let rows: Vec<(&Control, &Finding)> = controls
            .flat_map(|control| control.findings(is_waived).into_iter().map(move |finding| (control, finding)))
            .collect();
        if rows.is_empty() {
            return;
        }
        out.raw("<h2>Waived</h2>\n").raw(TABLE);
        out.raw("<thead><tr><th scope=\"col\">Control<th scope=\"col\">Justification<th scope=\"col\">Until<th scope=\"col\">Nodes</tr></thead><tbody>\n");
        for (control, finding) in rows.iter().take(ROWS) {
            let waiver = finding.sample.as_ref().and_then(|sample| sample.control.waiver.as_ref());
            let until = waiver.and_then(|waiver| waiver.until.as_deref()).unwrap_or("no end");
            out.raw("<tr valign=\"top\"><th scope=\"row\" align=\"left\"><code>").text(&shown(&control.summary.id));
            out.raw("</code><td>").text(&shown(waiver.map(|waiver| waiver.justification.as_str()).unwrap_or_default()));
            out.raw("<td>").text(&shown(until)).raw("<td>").text(&self.names(&finding.nodes)).raw("</tr>\n");
        }
        out.raw("</tbody></table>\n");
        self.left(rows.len(), out);
    }

    fn counts(&self, out: &mut Markup) {
        let (found, total) = (self.found, self.found.tally());
        if total.total() == 0 {
            return;
        }
        out.raw("<h2>Profiles</h2>\n");
        let profiles: Vec<(String, Tally)> = found
            .profiles
            .iter()
            .map(|([name, version, _], profile)| (format!("{name} {version}"), profile.tally))
            .collect();
        self.table("Profile", &profiles, total, out);
        out.raw("<h2>Nodes</h2>\n");
        let mut nodes: Vec<_> = found.nodes.iter().collect();
        // Stable: equally bad ones stay in the order of the plan.
        nodes.sort_by_key(|node| std::cmp::Reverse((node.tally.failed, node.tally.errored)));
        let nodes: Vec<(String, Tally)> = nodes.into_iter().map(|node| (node.name.to_string(), node.tally)).collect();
        self.table("Node", &nodes, total, out);
    }

    fn table(&self, heading: &str, rows: &[(String, Tally)], total: Tally, out: &mut Markup) {
        let outcomes = || Outcome::ALL.into_iter().filter(|outcome| total.of(*outcome) > 0);
        out.raw(TABLE).raw("<thead><tr><th scope=\"col\">").text(heading);
        for outcome in outcomes() {
            out.raw("<th scope=\"col\" class=\"number\">").text(outcome.words());
        }
        out.raw("</tr></thead><tbody>\n");
        for (name, tally) in rows.iter().take(ROWS) {
            out.raw("<tr><th scope=\"row\" align=\"left\">").text(&shown(name));
            for outcome in outcomes() {
                out.raw("<td align=\"right\">").text(&grouped(tally.of(outcome)));
            }
            out.raw("</tr>\n");
        }
        out.raw("</tbody></table>\n");
        self.left(rows.len(), out);
    }

    fn left(&self, rows: usize, out: &mut Markup) {
        let left = rows.saturating_sub(ROWS);
        if left > 0 {
            out.raw("<p>")
                .text(&format!("{} more; the page shows them where scripts run.", grouped(left)))
                .raw("</p>\n");
        }
    }

    /// `3 of 200 nodes`.
    fn on(&self, nodes: &Nodes) -> String {
        match self.found.nodes.len() {
            1 => "the node".to_string(),
            all if all == nodes.len() => format!("all {} nodes", grouped(all)),
            all => format!("{} of {} nodes", grouped(nodes.len()), grouped(all)),
        }
    }

    fn names(&self, nodes: &Nodes) -> String {
        let names: Vec<&str> = nodes.iter().map(|at| &*self.found.nodes[*at as usize].name).collect();
        names::list(&names, NAMED, &Look::default())
    }
}

/// A text on one line, no longer than a table bears.
fn shown(raw: &str) -> String {
    text::bounded(&text::line(raw), TEXT).into_owned()
}
