//! How a control reads on a page for people: its line, and below it what went wrong.

use super::terminal::Look;
use super::text;
use crate::results::event::{ControlSummary, Step};
use crate::results::{ControlFinished, Outcome};

/// Characters of one value or message that are shown; the machine-readable reports hold
/// the rest.
const SHOWN: usize = 600;
/// Failed steps of one control that are shown.
const STEPS: usize = 20;
/// Lines of a traceback that are shown.
const TRACEBACK: usize = 6;
/// Longest id that others are aligned to.
pub const ID_COLUMNS: usize = 28;
/// Columns of the labels `expected`, `found`, `why`, `at`.
const LABEL: usize = 10;

/// Writes controls in one look.
pub struct Page<'a> {
    pub look: &'a Look,
    /// Columns the ids are padded to.
    pub id_columns: usize,
}

impl Page<'_> {
    /// The line a profile begins with, and an empty one.
    pub fn profile(&self, name: &str, version: &str, title: Option<&str>, out: &mut String) {
        let name = text::line(&format!("{name} {version}"));
        let name = text::bounded(&name, SHOWN);
        let indent = self.hanging(text::columns(&name) + 2);
        let title = title.map(text::line).unwrap_or_default();
        let title = text::wrap(&text::bounded(&title, SHOWN), self.room(indent));
        let title = title.join(&format!("\n{}", " ".repeat(indent)));
        out.push_str(format!("{}  {title}", self.look.bold(&name)).trim_end());
        out.push_str("\n\n");
    }

    /// The control's line and, unless it passed, what there is to say about it.
    pub fn control(&self, control: &ControlFinished, out: &mut String) {
        self.headline(control, out);
        match control.outcome {
            Outcome::Passed => {}
            Outcome::Failed | Outcome::Errored => self.details(control, out),
            Outcome::Waived => {
                let waiver = control.waiver.as_ref();
                let until = waiver.and_then(|waiver| waiver.until.as_deref());
                let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
                let why = waiver.map(|waiver| waiver.justification.as_str()).unwrap_or("no justification");
                self.note(4, &format!("waived{until}: {why}"), out);
                for step in control.steps.iter().filter(|step| is_bad(step.outcome)).take(3) {
                    self.note(4, &format!("{}: {}", step.outcome.words(), step.sentence), out);
                }
            }
            Outcome::Skipped | Outcome::NotApplicable => self.reason(control.outcome, &reason_given(control), 1, out),
        }
    }

    /// Why `count` controls in a row were not looked at.
    pub fn reason(&self, outcome: Outcome, reason: &str, count: usize, out: &mut String) {
        let these = if count > 1 { format!("these {count} are ") } else { String::new() };
        self.note(4, &format!("{these}{}: {reason}", outcome.words()), out);
    }

    /// The control's line.
    pub fn headline(&self, control: &ControlFinished, out: &mut String) {
        let attempts = match control.attempts {
            0 | 1 => String::new(),
            attempts => format!(" (after {attempts} attempts)"),
        };
        self.heading(&control.control, control.outcome, &attempts, out);
    }

    /// The line of a control that came to `outcome`, with something after its title.
    pub fn heading(&self, summary: &ControlSummary, outcome: Outcome, after: &str, out: &mut String) {
        let symbol = self.look.outcome(outcome, self.look.symbol(outcome));
        let id = text::line(&summary.id);
        let id = text::bounded(&id, SHOWN).into_owned();
        let title = format!("{}{after}", summary.title.as_deref().map(text::line).unwrap_or_default());
        let padding = self.id_columns.saturating_sub(text::columns(&id));
        let indent = self.hanging(4 + text::columns(&id) + padding + 2);
        let title = text::bounded(&title, SHOWN);
        let id = if is_bad(outcome) { self.look.outcome(outcome, &id) } else { id };
        let mut lines = text::wrap(title.trim(), self.room(indent)).into_iter();
        let first = lines.next().unwrap_or_default();
        let gap = if first.is_empty() { String::new() } else { " ".repeat(padding + 2) };
        out.push_str(&format!("  {symbol} {id}{gap}{}\n", self.title(outcome, &first)));
        for line in lines {
            out.push_str(&format!("{}{}\n", " ".repeat(indent), self.title(outcome, &line)));
        }
    }

    fn title(&self, outcome: Outcome, title: &str) -> String {
        match outcome {
            Outcome::Failed | Outcome::Errored => self.look.bold(title),
            Outcome::NotApplicable => self.look.dim(title),
            Outcome::Passed | Outcome::Skipped | Outcome::Waived => title.to_string(),
        }
    }

    fn details(&self, control: &ControlFinished, out: &mut String) {
        self.why(control, out);
        let bad: Vec<&Step> = control.steps.iter().filter(|step| step.outcome != Outcome::Passed).collect();
        for step in bad.iter().take(STEPS) {
            self.step(step, out);
        }
        if bad.len() > STEPS {
            self.note(4, &format!("and {} more", bad.len() - STEPS), out);
        }
        let passed = control.steps.len() - bad.len();
        if passed > 0 && !bad.is_empty() {
            let others = if passed == 1 { "other step" } else { "other steps" };
            self.note(4, &format!("{passed} {others} passed"), out);
        }
        self.expired(control, out);
        self.fix(&control.control, out);
        out.push('\n');
    }

    /// Why the control as a whole came out as it did, where no step says it.
    pub fn why(&self, control: &ControlFinished, out: &mut String) {
        if let Some(reason) = &control.reason
            && !control.steps.iter().any(|step| step.message.as_deref() == Some(reason))
        {
            self.labelled(4, "why", reason, out);
        }
    }

    /// That a waiver no longer holds.
    pub fn expired(&self, control: &ControlFinished, out: &mut String) {
        if let Some(waiver) = &control.waiver
            && waiver.expired
        {
            let until = waiver.until.as_deref().unwrap_or("an unknown day");
            self.labelled(4, "waiver", &format!("expired after {until}: {}", waiver.justification), out);
        }
    }

    /// What is to be done about it.
    pub fn fix(&self, summary: &ControlSummary, out: &mut String) {
        if let Some(fix) = &summary.fix {
            self.labelled(4, "fix", &text::line(fix), out);
        }
    }

    /// A step that did not pass.
    pub fn step(&self, step: &Step, out: &mut String) {
        let symbol = self.look.outcome(step.outcome, self.look.symbol(step.outcome));
        let sentence = text::line(&step.sentence);
        let sentence = text::bounded(&sentence, SHOWN);
        for (at, line) in text::wrap(&sentence, self.room(6)).into_iter().enumerate() {
            let lead = if at == 0 { format!("    {symbol} ") } else { " ".repeat(6) };
            out.push_str(&format!("{lead}{line}\n"));
        }
        if let Some(expected) = &step.expected {
            self.labelled(6, "expected", expected, out);
        }
        self.step_found(step, out);
        self.labelled(6, "at", &format!("{}:{}", step.file, step.line), out);
        if let Some(traceback) = &step.traceback {
            let place = format!("{}:{}", step.file, step.line);
            let traceback = text::clean(traceback);
            for line in traceback.trim_end().lines().filter(|line| line.trim() != place).take(TRACEBACK) {
                let line = text::line(line);
                let line = text::bounded(&line, SHOWN);
                out.push_str(&format!("{}{}\n", " ".repeat(6 + LABEL), self.look.dim(&line)));
            }
        }
    }

    /// What a step found, and why it did not pass.
    pub fn step_found(&self, step: &Step, out: &mut String) {
        if let Some(found) = &step.found {
            self.labelled(6, "found", found, out);
        }
        if let Some(message) = &step.message
            && !says_the_same(step, message)
        {
            self.labelled(6, "why", message, out);
        }
    }

    /// `label     text`, further lines below the text, which is aligned over all indents.
    pub fn labelled(&self, indent: usize, label: &str, value: &str, out: &mut String) {
        let label_columns = 6 + LABEL - indent.min(6);
        let value = text::clean(value);
        let value = text::bounded(value.trim_end(), SHOWN);
        // A place in a file stays in one piece, to be copied or clicked.
        let lines = match label {
            "at" => vec![value.replace('\n', " ")],
            _ => text::wrap(&value.replace('\t', "    "), self.room(indent + label_columns)),
        };
        for (at, line) in lines.into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let padding = " ".repeat(label_columns - label.len());
            let line = format!("{}{}{padding}{line}", " ".repeat(indent), self.look.dim(label));
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }

    /// A line that matters less, wrapped.
    pub fn note(&self, indent: usize, note: &str, out: &mut String) {
        let note = text::line(note);
        for line in text::wrap(&text::bounded(&note, SHOWN), self.room(indent)) {
            out.push_str(&format!("{}{}\n", " ".repeat(indent), self.look.dim(&line)));
        }
    }

    /// The indent of what goes on below a name: a long one must not leave it without room.
    fn hanging(&self, indent: usize) -> usize {
        if indent + 8 > self.look.width { 6 } else { indent }
    }

    fn room(&self, indent: usize) -> usize {
        self.look.width.saturating_sub(indent)
    }
}

/// Whether an outcome is one to look at.
pub fn is_bad(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::Errored)
}

/// The reason of a control that was not looked at.
pub fn reason_given(control: &ControlFinished) -> String {
    reason_of(control).unwrap_or_else(|| "no reason given".to_string())
}

/// Why a control came out as it did: its own reason, else that of its steps.
pub fn reason_of(control: &ControlFinished) -> Option<String> {
    if let Some(reason) = &control.reason {
        return Some(reason.to_string());
    }
    let of_step = |step: &Step| step.message.clone().unwrap_or_else(|| step.sentence.clone());
    control.steps.iter().find(|step| step.outcome == control.outcome).map(of_step)
}

/// Whether a message only repeats what the lines `expected` and `found` show.
pub fn says_the_same(step: &Step, message: &str) -> bool {
    match (&step.expected, &step.found) {
        (Some(expected), Some(found)) => {
            let only_found = message.strip_prefix("found ").is_some_and(|rest| rest == found);
            // "File /x does not exist", where the sentence begins with "File /x ".
            let subject = message.strip_suffix(found.as_str());
            let only_subject = subject.is_some_and(|subject| step.sentence.starts_with(subject));
            only_found || only_subject || (message.contains(expected.as_str()) && message.contains(found.as_str()))
        }
        (None, Some(found)) => message.contains(found.as_str()) && message.len() <= found.len() + 8,
        (_, None) => message == step.sentence,
    }
}
