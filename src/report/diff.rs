//! What changed from one run to another, as a page for people and as `probity/diff`.

use super::names;
use super::summary::{counts, of_controls};
use super::terminal::Look;
use super::text;
use crate::results::diff::{Change, ControlChange, Diff, FoundChange, NodeChange, NodeKind, Side};
use crate::results::{Outcome, Tally};
use std::collections::HashMap;
use std::sync::Arc;

/// The major version of the schema.
pub const VERSION: u32 = 1;
/// Lines of one section that are shown; JSON has the rest.
const SHOWN: usize = 50;
/// Names and rows of names that stand for nodes.
const NAMED: usize = 3;
/// Characters of a value or reason that are shown.
const VALUE: usize = 120;
/// Longest id that others are aligned to.
const ID_COLUMNS: usize = 40;

/// The differences in the schema `probity/diff`.
pub fn json(diff: &Diff) -> String {
    let mut object = serde_json::json!({ "format": "probity/diff", "version": VERSION, "worse": diff.is_worse() });
    let whole = serde_json::json!(diff);
    if let (Some(object), serde_json::Value::Object(whole)) = (object.as_object_mut(), whole) {
        object.extend(whole);
    }
    format!("{object:#}\n")
}

/// The differences as a page: a line for each control and each way it changed, with the nodes.
/// `verbose` lists what is failed or errored in both as well.
pub fn text(diff: &Diff, look: &Look, verbose: bool) -> String {
    let profiles: HashMap<&Arc<str>, ()> = diff.controls.iter().map(|change| (&change.profile, ())).collect();
    let page = Page { diff, look, several_profiles: profiles.len() > 1, out: String::new() };
    page.write(verbose)
}

struct Page<'a> {
    diff: &'a Diff,
    look: &'a Look,
    several_profiles: bool,
    out: String,
}

/// A line of a section: what stands before it, the thing, and what is said of it.
struct Line {
    outcome: Outcome,
    symbol: &'static str,
    thing: String,
    words: String,
}

impl Page<'_> {
    fn write(mut self, verbose: bool) -> String {
        self.side("old", &self.diff.old);
        self.side("new", &self.diff.new);
        self.out.push('\n');
        let empty = self.out.len();
        self.stages();
        self.controls("Newly failed", Outcome::Failed, &[Change::NewlyFailed]);
        self.controls("Newly errored", Outcome::Errored, &[Change::NewlyErrored]);
        self.controls("Fixed", Outcome::Passed, &[Change::Fixed]);
        self.controls("Came to another outcome", Outcome::Skipped, &[Change::Other]);
        if verbose {
            self.controls("Failed or errored in both", Outcome::Failed, &[Change::StillFailed, Change::StillErrored]);
        }
        self.found();
        self.selected();
        self.nodes();
        self.profiles();
        self.attributes();
        if self.out.len() == empty {
            self.out.push_str("Nothing changed.\n");
        }
        self.verdict();
        self.out
    }

    /// Whether both runs are of one and the same node, which then need not be named.
    fn one_node(&self) -> bool {
        let gone = |node: &NodeChange| matches!(node.change, NodeKind::Added | NodeKind::Removed);
        self.diff.old.nodes <= 1 && self.diff.new.nodes <= 1 && !self.diff.nodes.iter().any(gone)
    }

    fn side(&mut self, name: &str, side: &Side) {
        let run = side.run.as_deref().map_or_else(|| "a run without a name".to_string(), |run| format!("run {run}"));
        let nodes = if side.nodes == 1 { "1 node" } else { &format!("{} nodes", side.nodes) };
        let cut = if side.interrupted { ", interrupted" } else { "" };
        let after = format!("  {}  {nodes}{cut}, {} controls", text::line(&side.started), side.tally.total());
        counts(self.look, &format!("{name}  {}", text::line(&run)), &after, &of_controls(&side.tally), &mut self.out);
    }

    fn section(&mut self, heading: &str, outcome: Outcome, lines: Vec<Line>) {
        if lines.is_empty() {
            return;
        }
        self.out.push_str(&format!("{}\n", self.look.outcome(outcome, heading)));
        let widths = lines.iter().take(SHOWN).map(|line| text::columns(&line.thing));
        let width = widths.filter(|width| *width <= ID_COLUMNS).max().unwrap_or(0);
        for line in lines.iter().take(SHOWN) {
            let padding = " ".repeat(width.saturating_sub(text::columns(&line.thing)));
            let indent = if 4 + width + 2 + 8 > self.look.width { 6 } else { 4 + width + 2 };
            let room = self.look.width.saturating_sub(indent);
            let symbol = self.look.outcome(line.outcome, line.symbol);
            let words = text::wrap(&line.words, room).join(&format!("\n{}", " ".repeat(indent)));
            let written = format!("  {symbol} {}{padding}  {words}", line.thing);
            self.out.push_str(&format!("{}\n", written.trim_end()));
        }
        if lines.len() > SHOWN {
            let more = format!("    and {} more; --format json has all", lines.len() - SHOWN);
            self.out.push_str(&format!("{}\n", self.look.dim(&more)));
        }
        self.out.push('\n');
    }

    fn line(&self, outcome: Outcome, thing: &str, words: String) -> Line {
        Line { outcome, symbol: self.look.symbol(outcome), thing: text::line(thing), words }
    }

    fn thing(&self, profile: &str, control: &str) -> String {
        if self.several_profiles { format!("{profile} {control}") } else { control.to_string() }
    }

    /// `on 3 nodes: web1, web2, db1`; nothing where there is but one.
    fn on(&self, nodes: &[Arc<str>], more: bool) -> String {
        if self.one_node() {
            return String::new();
        }
        let names: Vec<&str> = nodes.iter().map(|name| &**name).collect();
        let count = match (nodes.len(), more) {
            (1, false) => "on 1 node".to_string(),
            (1, true) => "on 1 node more".to_string(),
            (count, false) => format!("on {count} nodes"),
            (count, true) => format!("on {count} nodes more"),
        };
        format!("{count}: {}", names::list(&names, NAMED, self.look))
    }

    /// The changes of one kind, a line a control: what it was before is told as far as it differs.
    fn controls(&mut self, heading: &str, outcome: Outcome, kinds: &[Change]) {
        let changes = self.diff.controls.iter().filter(|change| kinds.contains(&change.change));
        // A control that came to one outcome from several is one line.
        let mut groups: Vec<(&ControlChange, Vec<&ControlChange>)> = Vec::new();
        for change in changes {
            match groups.last_mut() {
                Some((first, group))
                    if first.control == change.control && first.profile == change.profile && first.to == change.to =>
                {
                    group.push(change);
                }
                _ => groups.push((change, vec![change])),
            }
        }
        let lines = groups.into_iter().map(|(first, group)| {
            let words = self.changed(first, &group);
            self.line(first.to, &self.thing(&first.profile, &first.control), words)
        });
        let lines = lines.collect();
        self.section(heading, outcome, lines);
    }

    fn changed(&self, first: &ControlChange, group: &[&ControlChange]) -> String {
        let was = |from: Option<Outcome>| from.map_or("not checked", Outcome::words);
        let still = matches!(first.change, Change::StillFailed | Change::StillErrored);
        if self.one_node() {
            return match still {
                true => first.to.words().to_string(),
                false => format!("{}, {} before", first.to.words(), was(first.from)),
            };
        }
        let mut nodes: Vec<Arc<str>> = Vec::new();
        let mut before: Vec<String> = Vec::new();
        for change in group {
            nodes.extend(change.nodes.iter().cloned());
            before.push(match group.len() {
                1 => was(change.from).to_string(),
                _ => format!("{} {}", change.nodes.len(), was(change.from)),
            });
        }
        let newly = matches!(first.change, Change::NewlyFailed | Change::NewlyErrored);
        let on = self.on(&nodes, newly && first.before > 0);
        // From passed to failed is what the heading says.
        let is_usual = newly && group.iter().all(|change| change.from == Some(Outcome::Passed));
        let mut about = Vec::new();
        if newly && first.before > 0 {
            about.push(format!("{} of {} now", first.now, self.diff.new.nodes));
        }
        if !is_usual && !still {
            about.push(format!("{} before", before.join(", ")));
        }
        let (count, names) = on.split_once(": ").unwrap_or((&on, ""));
        match about.is_empty() {
            true => format!("{} {on}", first.to.words()),
            false => format!("{} {count} ({}): {names}", first.to.words(), about.join(", ")),
        }
    }

    /// A line a control: what most nodes find now, and how many others find something else.
    fn found(&mut self) {
        let mut lines = Vec::new();
        let mut rest = &self.diff.found[..];
        while let Some(first) = rest.first() {
            let same = |change: &&FoundChange| change.control == first.control && change.profile == first.profile;
            let count = rest.iter().take_while(same).count();
            let value = |value: &Option<Arc<str>>| match value {
                Some(value) => text::bounded(&text::line(value), VALUE).into_owned(),
                None => "nothing".to_string(),
            };
            let on = self.on(&first.nodes, false);
            let on = if on.is_empty() { on } else { format!(" {on}") };
            let step = first.step.as_ref().map(|step| format!("{}: ", text::bounded(&text::line(step), VALUE)));
            let arrow = self.arrow();
            let mut words =
                format!("{}{} {arrow} {}{on}", step.unwrap_or_default(), value(&first.from), value(&first.to));
            if count > 1 {
                words.push_str(&format!("; {} more", count - 1));
            }
            lines.push(self.line(first.outcome, &self.thing(&first.profile, &first.control), words));
            rest = &rest[count..];
        }
        self.section("Found something else, for the same outcome", Outcome::Skipped, lines);
    }

    fn arrow(&self) -> &'static str {
        if self.look.unicode { "→" } else { "->" }
    }

    fn selected(&mut self) {
        let lines = self.diff.selected.iter().map(|change| {
            let on = self.on(&change.nodes, false);
            let on = if on.is_empty() { on } else { format!("{on} ") };
            let words = match change.added {
                true => format!("new {on}({})", tally_words(&change.tally)),
                false => format!("no longer run {on}({} before)", tally_words(&change.tally)),
            };
            let symbol = if change.added { "+" } else { "-" };
            Line { symbol, ..self.line(Outcome::NotApplicable, &self.thing(&change.profile, &change.control), words) }
        });
        let lines = lines.collect();
        self.section("Controls", Outcome::Skipped, lines);
    }

    fn nodes(&mut self) {
        let mut lines = Vec::new();
        for node in &self.diff.nodes {
            let error = node.error.as_deref().map(|error| text::bounded(&text::line(error), VALUE).into_owned());
            let (symbol, outcome, words) = match (node.change, error) {
                (NodeKind::Added, None) => ("+", Outcome::NotApplicable, format!("new: {}", tally_words(&node.tally))),
                (NodeKind::Added, Some(error)) => ("+", Outcome::Errored, format!("new and out of reach: {error}")),
                (NodeKind::Removed, _) => ("-", Outcome::NotApplicable, "no longer in the run".to_string()),
                (NodeKind::Lost, error) => {
                    ("!", Outcome::Errored, format!("out of reach now: {}", error.unwrap_or_default()))
                }
                (NodeKind::Regained, _) => (
                    self.look.symbol(Outcome::Passed),
                    Outcome::Passed,
                    format!("in reach again: {}", tally_words(&node.tally)),
                ),
                (NodeKind::StillLost, _) => continue,
            };
            lines.push(Line { outcome, symbol, thing: text::line(&node.node), words });
        }
        self.section("Nodes", Outcome::Skipped, lines);
    }

    fn profiles(&mut self) {
        let lines = self.diff.profiles.iter().map(|change| {
            let on = self.on(&change.nodes, false);
            let words = match (&change.from, &change.to) {
                (Some(from), Some(to)) if from.version == to.version => {
                    format!("{} with another content {on}", text::line(&to.version))
                }
                (Some(from), Some(to)) => {
                    format!("{} {} {} {on}", text::line(&from.version), self.arrow(), text::line(&to.version))
                }
                (None, Some(to)) => format!("{} is new {on}", text::line(&to.version)),
                (Some(from), None) => format!("{} is no longer run {on}", text::line(&from.version)),
                (None, None) => on,
            };
            self.line(Outcome::NotApplicable, &change.profile, words.trim().to_string())
        });
        let lines = lines.collect();
        self.section("Profiles", Outcome::Skipped, lines);
    }

    fn attributes(&mut self) {
        let lines = self.diff.attributes.iter().map(|change| {
            let value = |value: &Option<crate::value::Value>| match value {
                Some(value) => text::bounded(&text::line(&value.to_string()), VALUE).into_owned(),
                None => "not there".to_string(),
            };
            let (from, to) = (value(&change.from), value(&change.to));
            let words = format!("{from} {} {to} {}", self.arrow(), self.on(&change.nodes, false));
            let name = format!("{}::{}", change.profile, change.attribute);
            self.line(Outcome::NotApplicable, &name, words.trim().to_string())
        });
        let lines = lines.collect();
        self.section("Attributes", Outcome::Skipped, lines);
    }

    fn stages(&mut self) {
        let lines = self.diff.stages.iter().map(|change| {
            let was = change.from.map_or("not there", Outcome::words);
            let mut words = format!("{}, {was} before", change.to.map_or("not there", Outcome::words));
            if let Some(reason) = &change.reason {
                words.push_str(&format!(": {}", text::bounded(&text::line(reason), VALUE)));
            }
            let outcome = change.to.unwrap_or(Outcome::NotApplicable);
            self.line(outcome, &format!("{} {}", change.pipeline, change.stage), words)
        });
        let lines = lines.collect();
        self.section("Stages", Outcome::Skipped, lines);
    }

    fn verdict(&mut self) {
        let count = |kind: Change| {
            self.diff.controls.iter().filter(|change| change.change == kind).map(|change| change.nodes.len()).sum()
        };
        let lost = self.diff.nodes.iter().filter(|node| node.change == NodeKind::Lost).count();
        let still_lost = self.diff.nodes.iter().filter(|node| node.change == NodeKind::StillLost).count();
        let parts: [(usize, Outcome, &'static str); 7] = [
            (count(Change::NewlyFailed), Outcome::Failed, "newly failed"),
            (count(Change::NewlyErrored), Outcome::Errored, "newly errored"),
            (lost, Outcome::Errored, "nodes out of reach now"),
            (count(Change::Fixed), Outcome::Passed, "fixed"),
            (count(Change::StillFailed), Outcome::Failed, "still failed"),
            (count(Change::StillErrored), Outcome::Errored, "still errored"),
            (still_lost, Outcome::Errored, "nodes still out of reach"),
        ];
        let what = if self.diff.is_worse() { "worse" } else { "not worse" };
        counts(self.look, what, "", &parts, &mut self.out);
    }
}

/// `190 passed, 10 failed`.
fn tally_words(tally: &Tally) -> String {
    let counts = of_controls(tally).into_iter().filter(|(count, ..)| *count > 0);
    let words: Vec<String> = counts.map(|(count, _, words)| format!("{count} {words}")).collect();
    if words.is_empty() { "no controls".to_string() } else { words.join(", ") }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
