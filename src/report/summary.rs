//! The end of a page for people: what failed once more, and how many of each.

use super::page::is_bad;
use super::terminal::Look;
use super::text;
use crate::results::{Outcome, RunEvent, RunFinished, Stamped, Tally};
use indexmap::IndexMap;
use std::sync::Arc;

/// Nodes that are named for a control that is bad on several.
const NAMED: usize = 5;
/// Rows of the table of nodes.
const NODE_ROWS: usize = 50;

/// What has to be remembered of a run to sum it up: a row a profile, a row a node and an
/// entry a control that is bad somewhere; not the controls themselves.
#[derive(Default)]
pub struct Summary {
    nodes: Vec<NodeRow>,
    profiles: IndexMap<(Arc<str>, Arc<str>), Tally>,
    bad: IndexMap<(Arc<str>, Arc<str>), Bad>,
    /// The version the current profile has.
    current: Option<(Arc<str>, Arc<str>)>,
    planned: usize,
    finished: Option<RunFinished>,
}

struct NodeRow {
    name: Arc<str>,
    error: Option<Arc<str>>,
    tally: Tally,
}

/// A control that failed or errored on some nodes.
struct Bad {
    title: Option<Arc<str>>,
    failed: Vec<Arc<str>>,
    errored: Vec<Arc<str>>,
}

impl Summary {
    /// Takes the next event in.
    pub fn event(&mut self, event: &Stamped) {
        match &event.event {
            RunEvent::RunStarted(started) => self.planned = started.controls,
            RunEvent::NodeStarted(started) => {
                let row = NodeRow { name: started.node.clone(), error: started.error.clone(), tally: Tally::default() };
                self.nodes.push(row);
            }
            RunEvent::ProfileStarted(started) => {
                let key = (started.profile.name.clone(), started.profile.version.clone());
                self.profiles.entry(key.clone()).or_default();
                self.current = Some(key);
            }
            RunEvent::ControlFinished(control) => {
                if let Some(tally) = self.current.as_ref().and_then(|key| self.profiles.get_mut(key)) {
                    tally.add(control.outcome);
                }
                let Some(node) = self.nodes.last_mut() else { return };
                node.tally.add(control.outcome);
                // What a node that is out of reach has to say is said once, for the node.
                if !is_bad(control.outcome) || (node.error.is_some() && control.reason == node.error) {
                    return;
                }
                let bad = self.bad.entry((control.profile.clone(), control.control.id.clone()));
                let bad = bad.or_insert_with(|| Bad {
                    title: control.control.title.clone(),
                    failed: Vec::new(),
                    errored: Vec::new(),
                });
                match control.outcome {
                    Outcome::Failed => bad.failed.push(control.node.clone()),
                    _ => bad.errored.push(control.node.clone()),
                }
            }
            RunEvent::ProfileFinished(_) | RunEvent::NodeFinished(_) => {}
            RunEvent::RunFinished(finished) => self.finished = Some(finished.clone()),
        }
    }

    /// Counts of everything that was heard of.
    pub fn tally(&self) -> Tally {
        let mut total = Tally::default();
        self.nodes.iter().for_each(|node| total += node.tally);
        total
    }

    /// Writes what is bad, the tables and the verdict.
    pub fn write(&self, look: &Look, out: &mut String) {
        self.write_bad(look, out);
        self.write_tables(look, out);
        self.write_verdict(look, out);
    }

    fn write_bad(&self, look: &Look, out: &mut String) {
        let unreached: Vec<&NodeRow> = self.nodes.iter().filter(|node| node.error.is_some()).collect();
        for (heading, outcome) in [("Failed", Outcome::Failed), ("Could not be checked", Outcome::Errored)] {
            let nodes_of = |bad: &'_ Bad| match outcome {
                Outcome::Failed => bad.failed.len(),
                _ => bad.errored.len(),
            };
            let rows: Vec<_> = self.bad.iter().filter(|(_, bad)| nodes_of(bad) > 0).collect();
            let unreached = if outcome == Outcome::Errored { &unreached[..] } else { &[] };
            if rows.is_empty() && unreached.is_empty() {
                continue;
            }
            out.push_str(&format!("{}\n", look.outcome(outcome, heading)));
            let symbol = look.outcome(outcome, look.symbol(outcome));
            for node in unreached {
                let controls = node.tally.total();
                let name = text::line(&node.name);
                let line =
                    format!("{name}  the node is out of reach, none of its {controls} controls could be checked");
                out.push_str(&format!("  {symbol} {}\n", hanging(&line, 4, look)));
            }
            let columns = rows.iter().map(|((_, id), _)| text::columns(id)).filter(|&n| n <= 28).max().unwrap_or(0);
            for ((profile, id), bad) in rows {
                let id = text::line(id);
                let padding = " ".repeat(columns.saturating_sub(text::columns(&id)));
                let mut line = format!("{id}{padding}  {}", bad.title.as_deref().map(text::line).unwrap_or_default());
                if self.profiles.len() > 1 {
                    line.push_str(&format!(" [{}]", text::line(profile)));
                }
                out.push_str(&format!("  {symbol} {}\n", hanging(line.trim_end(), 4 + columns.max(2) + 2, look)));
                if self.nodes.len() > 1 {
                    let nodes = if outcome == Outcome::Failed { &bad.failed } else { &bad.errored };
                    let line = format!("on {}", names(nodes));
                    let indent = 4 + columns + 2;
                    out.push_str(&format!("{}{}\n", " ".repeat(indent), look.dim(&hanging(&line, indent, look))));
                }
            }
            out.push('\n');
        }
    }

    fn write_tables(&self, look: &Look, out: &mut String) {
        let total = self.tally();
        let shown: Vec<Outcome> = Outcome::ALL.into_iter().filter(|o| total.of(*o) > 0).collect();
        let profiles =
            self.profiles.iter().map(|((name, version), tally)| (format!("{name} {version}"), *tally)).collect();
        table(look, "Profile", profiles, total, &shown, out);
        if self.nodes.len() > 1 {
            let bad = |node: &&NodeRow| node.tally.failed > 0 || node.tally.errored > 0 || node.error.is_some();
            let all = self.nodes.len() <= NODE_ROWS;
            let rows: Vec<_> = self.nodes.iter().filter(|node| all || bad(node)).collect();
            let left = self.nodes.len() - rows.len().min(NODE_ROWS);
            let rows = rows.into_iter().take(NODE_ROWS).map(|node| (node.name.to_string(), node.tally)).collect();
            table(look, "Node", rows, total, &shown, out);
            if left > 0 {
                let fine = self.nodes.iter().filter(|node| !bad(node)).count();
                let note = format!("{left} more nodes; on {fine} of all {} nothing is wrong", self.nodes.len());
                out.push_str(&format!("{}\n\n", look.dim(&note)));
            }
        }
    }

    fn write_verdict(&self, look: &Look, out: &mut String) {
        let total = self.tally();
        let count = total.total();
        let parts: Vec<String> = Outcome::ALL
            .into_iter()
            .filter(|outcome| total.of(*outcome) > 0)
            .map(|outcome| look.outcome(outcome, &format!("{} {}", total.of(outcome), outcome.words())))
            .collect();
        let controls = if count == 1 { "control" } else { "controls" };
        let mut line = look.bold(&format!("{count} {controls}"));
        if self.nodes.len() > 1 {
            line.push_str(&look.bold(&format!(" on {} nodes", self.nodes.len())));
        }
        if let Some(finished) = &self.finished {
            line.push_str(&look.dim(&format!(" in {}", duration(finished.seconds))));
        }
        if !parts.is_empty() {
            line.push_str(&format!(": {}", parts.join(", ")));
        }
        // Broken where the counts are, never within one: colours do not count as columns.
        if text::columns(&text::clean(&line)) > look.width {
            line = line.replacen(": ", ":\n  ", 1);
        }
        out.push_str(&line);
        out.push('\n');
        let interrupted = self.finished.as_ref().is_none_or(|finished| finished.interrupted);
        if interrupted {
            let missing = self.planned.saturating_sub(count);
            let line = format!("The run was interrupted; {missing} of {} controls did not finish.", self.planned);
            out.push_str(&format!("{}\n", look.outcome(Outcome::Errored, &line)));
        }
    }
}

/// The heading of a column of counts; narrow, so that the table fits a terminal.
fn column(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotApplicable => "n/a",
        other => other.words(),
    }
}

/// A table of counts, with a row for the total where there are several.
fn table(look: &Look, heading: &str, rows: Vec<(String, Tally)>, total: Tally, shown: &[Outcome], out: &mut String) {
    if rows.is_empty() {
        return;
    }
    let several = rows.len() > 1;
    let mut rows: Vec<(String, Tally)> = rows.into_iter().map(|(name, tally)| (text::line(&name), tally)).collect();
    if several {
        rows.push(("total".to_string(), total));
    }
    let names = rows.iter().map(|(name, _)| text::columns(name)).max().unwrap_or(0).max(heading.len());
    let mut header = format!("{heading:names$}  {:>7}", "total");
    for outcome in shown {
        header.push_str(&format!("  {:>width$}", column(*outcome), width = column(*outcome).len().max(6)));
    }
    out.push_str(&format!("{}\n", look.dim(&header)));
    for (name, tally) in rows {
        let padding = " ".repeat(names - text::columns(&name));
        out.push_str(&format!("{name}{padding}  {:>7}", tally.total()));
        for outcome in shown {
            let width = column(*outcome).len().max(6);
            let count = tally.of(*outcome);
            let cell = format!("{count:>width$}");
            let cell = if count == 0 { look.dim(&cell) } else { look.outcome(*outcome, &cell) };
            out.push_str(&format!("  {cell}"));
        }
        out.push('\n');
    }
    out.push('\n');
}

/// Wraps a line whose first line stands behind a symbol; further lines are indented.
fn hanging(line: &str, indent: usize, look: &Look) -> String {
    let lines = text::wrap(line, look.width.saturating_sub(indent));
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

fn names(nodes: &[Arc<str>]) -> String {
    let named: Vec<String> = nodes.iter().take(NAMED).map(|node| text::line(node)).collect();
    match nodes.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} nodes: {} and {more} more", nodes.len(), named.join(", ")),
    }
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}
