//! The stages of a pipeline on the pages for people: a list before the nodes, and a line of the
//! verdict.

use super::summary::{counts, duration, of_controls};
use super::terminal::Look;
use super::text;
use crate::results::{Outcome, RunEvent, StageFinished, Stamped, Tally};
use std::sync::Arc;

/// Characters of a reason that are shown.
const REASON: usize = 600;
/// Longest name that others are aligned to.
const NAME_COLUMNS: usize = 28;
/// Lines of its output that are shown of a stage that errored; the log has the rest.
const OUTPUT: usize = 10;

/// The stages that were heard.
#[derive(Default)]
pub struct Stages {
    heard: Vec<StageFinished>,
    /// How many of them have been written.
    written: usize,
}

impl Stages {
    /// Takes the next event in.
    pub fn event(&mut self, event: &Stamped) {
        if let RunEvent::StageFinished(stage) = &event.event {
            self.heard.push((**stage).clone());
        }
    }

    /// Whether `event` ends the list of stages: what follows is about a node.
    pub fn end(event: &Stamped) -> bool {
        matches!(event.event, RunEvent::NodeStarted(_))
    }

    /// Writes the stages that were not written yet.
    pub fn write(&mut self, look: &Look, out: &mut String) {
        let new = &self.heard[self.written..];
        let names = new.iter().map(|stage| text::columns(&text::line(&stage.stage)));
        let columns = names.filter(|&columns| columns <= NAME_COLUMNS).max().unwrap_or(0);
        let mut pipeline: Option<&Arc<str>> = None;
        for stage in new {
            if pipeline != Some(&stage.pipeline) {
                out.push_str(if pipeline.is_some() { "\n" } else { "" });
                out.push_str(&format!("{}\n\n", look.bold(&format!("pipeline {}", text::line(&stage.pipeline)))));
                pipeline = Some(&stage.pipeline);
            }
            self::stage(stage, columns, look, out);
        }
        if !new.is_empty() {
            out.push('\n');
        }
        self.written = self.heard.len();
    }

    /// Writes how many stages came to each outcome, and which could not be done.
    pub fn verdict(&self, look: &Look, out: &mut String) {
        if self.heard.is_empty() {
            return;
        }
        let mut tally = Tally::default();
        self.heard.iter().for_each(|stage| tally.add(stage.outcome));
        let stages = if self.heard.len() == 1 { "1 stage" } else { &format!("{} stages", self.heard.len()) };
        counts(look, stages, "", &of_controls(&tally), out);
        for stage in self.heard.iter().filter(|stage| stage.outcome == Outcome::Errored) {
            let reason = stage.reason.as_deref().unwrap_or("no reason given");
            let line = format!("Stage {} could not be done: {}", text::line(&stage.stage), text::line(reason));
            for line in text::wrap(&text::bounded(&line, REASON), look.width) {
                out.push_str(&format!("{}\n", look.outcome(Outcome::Errored, &line)));
            }
        }
    }
}

fn stage(stage: &StageFinished, columns: usize, look: &Look, out: &mut String) {
    let symbol = look.outcome(stage.outcome, look.symbol(stage.outcome));
    let name = text::line(&stage.stage);
    let name = text::bounded(&name, REASON).into_owned();
    let padding = " ".repeat(columns.saturating_sub(text::columns(&name)));
    let mut words = match stage.attempts {
        // The reason says that it was not begun.
        0 if stage.reason.is_some() => text::line(&stage.kind),
        0 => format!("{}, not begun", text::line(&stage.kind)),
        1 => format!("{}, {}", text::line(&stage.kind), duration(stage.seconds)),
        attempts => format!("{}, {} for {attempts} attempts", text::line(&stage.kind), duration(stage.seconds)),
    };
    if let Some(reason) = stage.reason.as_deref().filter(|_| stage.outcome != Outcome::Passed) {
        words.push_str(&format!(": {}", text::bounded(&text::line(reason), REASON)));
    }
    let indent = if 4 + columns + 2 + 8 > look.width { 6 } else { 4 + columns + 2 };
    let words = text::wrap(&words, look.width.saturating_sub(indent));
    let words = words.join(&format!("\n{}", " ".repeat(indent)));
    out.push_str(&format!("  {symbol} {name}{padding}  {words}\n"));
    if stage.outcome != Outcome::Errored {
        return;
    }
    let output = stage.output.as_deref().map(text::clean).unwrap_or_default();
    let lines: Vec<&str> = output.trim_end().lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(OUTPUT)) {
        let line = text::bounded(line, REASON).replace('\t', "    ");
        for line in text::wrap(&line, look.width.saturating_sub(6)) {
            out.push_str(format!("      {}", look.dim(&line)).trim_end());
            out.push('\n');
        }
    }
    if let Some(log) = &stage.log {
        let log = format!("log  {}", text::bounded(&text::line(log), REASON));
        out.push_str(&format!("      {}\n", look.dim(&log)));
    }
}

#[cfg(test)]
mod tests {
    use crate::report::{Options, Reporter, TABLE, sample};
    use crate::results::{Outcome, RunEvent, Stamped};

    fn with_stages(run: Vec<Stamped>, text: &str) -> Vec<Stamped> {
        let mut events: Vec<RunEvent> = run.into_iter().map(|event| event.event).collect();
        let names = ["provision", "wait", "validate", "teardown"];
        let outcomes = [Outcome::Passed, Outcome::Errored, Outcome::Skipped, Outcome::NotApplicable];
        for (at, (name, outcome)) in names.iter().zip(outcomes).enumerate() {
            let mut stage = sample::stage(&format!("{name}{text}"), outcome);
            stage.attempts = at as u32;
            stage.output = stage.output.map(|output| format!("{output}{text}"));
            stage.reason = stage.reason.map(|reason| format!("{reason}{text}").into());
            events.insert(at + 1, RunEvent::StageFinished(Box::new(stage)));
        }
        sample::stamped(events)
    }

    struct Boxed(Box<dyn Reporter>);

    impl Reporter for Boxed {
        fn event(&mut self, event: &Stamped, out: &mut dyn std::io::Write) -> std::io::Result<()> {
            self.0.event(event, out)
        }

        fn finish(&mut self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
            self.0.finish(out)
        }
    }

    fn page(reporter: &str, events: &[Stamped]) -> String {
        let kind = TABLE.iter().find(|kind| kind.name == reporter).unwrap();
        sample::written(Boxed(kind.make(&reporter.parse().unwrap(), &Options::default())), events)
    }

    const LIST: &str = "\
pipeline lab

  ✔ provision  provision, not begun
  ! wait       provision, 1 min 2 s: terraform apply ended with exit status 1
      Error: no quota left
      log  logs/wait.log
  ○ validate   provision, 1 min 2 s for 2 attempts: terraform apply ended with exit status 1
  · teardown   provision, 1 min 2 s for 3 attempts: terraform apply ended with exit status 1

";

    #[test]
    fn stages_are_listed_before_the_nodes_and_told_in_the_verdict() {
        for reporter in ["cli", "progress"] {
            for run in [sample::every_outcome(), sample::three_nodes()] {
                let page = page(reporter, &with_stages(run, ""));
                assert!(page.starts_with(LIST), "{page}");
                assert_eq!(page.matches("pipeline lab").count(), 1, "{page}");
                let end = "4 stages: 1 passed, 1 errored, 1 skipped, 1 not applicable\n\
                           Stage wait could not be done: terraform apply ended with exit status 1\n";
                assert!(page.ends_with(end), "{page}");
            }
        }
    }

    #[test]
    fn a_pipeline_that_came_to_no_node_is_a_page_too() {
        let events: Vec<Stamped> =
            with_stages(sample::run(Vec::new()), "").into_iter().filter(|event| event.event.node().is_none()).collect();
        for reporter in ["cli", "progress"] {
            let page = page(reporter, &events);
            assert!(page.contains(LIST) && page.contains("Stage wait could not be done"), "{reporter}: {page}");
        }
    }

    #[test]
    fn what_a_stage_prints_does_not_leave_the_page() {
        let hostile = "\u{1b}[2J\r\u{202e}\n4 stages: 4 passed\u{7}";
        for reporter in ["cli", "progress"] {
            let page = page(reporter, &with_stages(sample::three_nodes(), hostile));
            assert!(!page.contains(['\u{1b}', '\r', '\u{202e}', '\u{7}']), "{page:?}");
            assert!(page.lines().filter(|line| line.starts_with("4 stages")).count() == 1, "{page}");
        }
    }
}
