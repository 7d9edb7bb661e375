//! The end of a page about one node: what failed once more, and how many of each.

use super::page::is_bad;
use super::terminal::Look;
use super::text;
use crate::results::{Outcome, RunEvent, RunFinished, Stamped, Tally};
use indexmap::IndexMap;
use std::sync::Arc;

/// Characters of a name in a table; a host name has at most 63 between its dots.
const NAME: usize = 80;

/// What has to be remembered of a run to sum it up: a row a profile and an entry a control
/// that is bad; not the controls themselves.
#[derive(Default)]
pub struct Summary {
    node: Arc<str>,
    /// Why the node could not be reached.
    error: Option<Arc<str>>,
    profiles: IndexMap<(Arc<str>, Arc<str>), Tally>,
    bad: Vec<Bad>,
    /// The version the current profile has.
    current: Option<(Arc<str>, Arc<str>)>,
    planned: usize,
    tally: Tally,
    finished: Option<RunFinished>,
}

/// A control that failed or errored.
struct Bad {
    profile: Arc<str>,
    id: Arc<str>,
    title: Option<Arc<str>>,
    outcome: Outcome,
}

impl Summary {
    /// Takes the next event in.
    pub fn event(&mut self, event: &Stamped) {
        match &event.event {
            RunEvent::RunStarted(started) => self.planned = started.controls,
            RunEvent::NodeStarted(started) => {
                (self.node, self.error) = (started.node.clone(), started.error.clone());
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
                self.tally.add(control.outcome);
                // What a node that is out of reach has to say is said once, for the node.
                if is_bad(control.outcome) && (self.error.is_none() || control.reason != self.error) {
                    self.bad.push(Bad {
                        profile: control.profile.clone(),
                        id: control.control.id.clone(),
                        title: control.control.title.clone(),
                        outcome: control.outcome,
                    });
                }
            }
            RunEvent::ProfileFinished(_) | RunEvent::NodeFinished(_) | RunEvent::StageFinished(_) => {}
            RunEvent::RunFinished(finished) => self.finished = Some(finished.clone()),
        }
    }

    /// Writes what is bad, the table and the verdict.
    pub fn write(&self, look: &Look, out: &mut String) {
        self.write_bad(look, out);
        let rows = self.profiles.iter().map(|((name, version), tally)| (format!("{name} {version}"), *tally));
        table(look, "Profile", rows.collect(), self.tally, true, out);
        self.write_verdict(look, out);
    }

    fn write_bad(&self, look: &Look, out: &mut String) {
        for (heading, outcome) in [("Failed", Outcome::Failed), ("Could not be checked", Outcome::Errored)] {
            let rows: Vec<&Bad> = self.bad.iter().filter(|bad| bad.outcome == outcome).collect();
            let unreached = outcome == Outcome::Errored && self.error.is_some();
            if rows.is_empty() && !unreached {
                continue;
            }
            out.push_str(&format!("{}\n", look.outcome(outcome, heading)));
            let symbol = look.outcome(outcome, look.symbol(outcome));
            if unreached {
                let (name, controls) = (text::line(&self.node), self.tally.total());
                let line =
                    format!("{name}  the node is out of reach, none of its {controls} controls could be checked");
                out.push_str(&format!("  {symbol} {}\n", hanging(&line, 4, look)));
            }
            let columns = rows.iter().map(|bad| text::columns(&bad.id)).filter(|&n| n <= 28).max().unwrap_or(0);
            for bad in rows {
                let id = text::line(&bad.id);
                let padding = " ".repeat(columns.saturating_sub(text::columns(&id)));
                let mut line = format!("{id}{padding}  {}", bad.title.as_deref().map(text::line).unwrap_or_default());
                if self.profiles.len() > 1 {
                    line.push_str(&format!(" [{}]", text::line(&bad.profile)));
                }
                out.push_str(&format!("  {symbol} {}\n", hanging(line.trim_end(), 4 + columns.max(2) + 2, look)));
            }
            out.push('\n');
        }
    }

    fn write_verdict(&self, look: &Look, out: &mut String) {
        let count = self.tally.total();
        let controls = if count == 1 { "control" } else { "controls" };
        let seconds = self.finished.as_ref().map(|finished| format!(" in {}", duration(finished.seconds)));
        counts(look, &format!("{count} {controls}"), &seconds.unwrap_or_default(), &of_controls(&self.tally), out);
        if self.finished.as_ref().is_none_or(|finished| finished.interrupted) {
            interrupted(look, self.planned.saturating_sub(count), self.planned, out);
        }
    }
}

/// Counts with the colour and the words of each.
pub type Counts = [(usize, Outcome, &'static str)];

/// How many controls came to each outcome.
pub fn of_controls(tally: &Tally) -> [(usize, Outcome, &'static str); 6] {
    Outcome::ALL.map(|outcome| (tally.of(outcome), outcome, outcome.words()))
}

/// Writes `200 nodes: 120 fine, 80 failed`, on two lines where one is too short.
pub fn counts(look: &Look, what: &str, after: &str, counts: &Counts, out: &mut String) {
    let counts = counts.iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<String> =
        counts.map(|(count, outcome, words)| look.outcome(*outcome, &format!("{count} {words}"))).collect();
    let mut line = format!("{}{}", look.bold(what), look.dim(after));
    if !parts.is_empty() {
        line.push_str(&format!(": {}", parts.join(", ")));
    }
    // Broken where the counts begin, never within one: colours do not count as columns.
    if text::columns(&text::clean(&line)) > look.width {
        line = line.replacen(": ", ":\n  ", 1);
    }
    out.push_str(&format!("{line}\n"));
}

/// Says that the run was cut short.
pub fn interrupted(look: &Look, missing: usize, planned: usize, out: &mut String) {
    let line = format!("The run was interrupted; {missing} of {planned} controls did not finish.");
    out.push_str(&format!("{}\n", look.outcome(Outcome::Errored, &line)));
}

/// The heading of a column of counts; narrow, so that the table fits a terminal.
fn column(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotApplicable => "n/a",
        other => other.words(),
    }
}

/// A table of counts in the columns of `total`, with a row for it where the rows are
/// several and make it up.
pub fn table(look: &Look, heading: &str, rows: Vec<(String, Tally)>, total: Tally, whole: bool, out: &mut String) {
    if rows.is_empty() {
        return;
    }
    let shown: Vec<Outcome> = Outcome::ALL.into_iter().filter(|outcome| total.of(*outcome) > 0).collect();
    let several = rows.len() > 1;
    let mut rows: Vec<(String, Tally)> =
        rows.into_iter().map(|(name, tally)| (cut(&text::line(&name), look), tally)).collect();
    if several && whole {
        rows.push(("total".to_string(), total));
    }
    let names = rows.iter().map(|(name, _)| text::columns(name)).max().unwrap_or(0).max(heading.len());
    let mut header = format!("{heading:names$}  {:>7}", "total");
    for outcome in &shown {
        header.push_str(&format!("  {:>width$}", column(*outcome), width = column(*outcome).len().max(6)));
    }
    out.push_str(&format!("{}\n", look.dim(&header)));
    for (name, tally) in rows {
        let padding = " ".repeat(names - text::columns(&name));
        out.push_str(&format!("{name}{padding}  {:>7}", tally.total()));
        for outcome in &shown {
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

/// A name that leaves room for the counts beside it.
fn cut(name: &str, look: &Look) -> String {
    let (limit, dots) = (NAME, if look.unicode { "…" } else { "..." });
    match name.char_indices().nth(limit) {
        None => name.to_string(),
        Some((end, _)) => format!("{}{dots}", &name[..end]),
    }
}

/// Wraps a line whose first line stands behind a symbol; further lines are indented.
fn hanging(line: &str, indent: usize, look: &Look) -> String {
    let lines = text::wrap(line, look.width.saturating_sub(indent));
    lines.join(&format!("\n{}", " ".repeat(indent)))
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
