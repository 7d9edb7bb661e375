//! What a person sees while a pipeline runs: one line a happening on standard error, with the
//! stage in front.

use crate::cli::Global;
use crate::pipeline::{News, Pipeline, Watcher};
use crate::report::text;
use crate::results::{Live, Outcome};
use anstyle::{AnsiColor, Style};
use std::io::Write;

/// Colours of stages, one after the other.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Yellow,
    AnsiColor::BrightCyan,
    AnsiColor::BrightMagenta,
];

/// Writes to standard error.
pub struct Screen {
    width: usize,
    colour: bool,
    quiet: bool,
}

impl Screen {
    pub fn new(pipeline: &Pipeline, global: &Global) -> Screen {
        let width = pipeline.stages.iter().map(|stage| stage.name.chars().count()).max().unwrap_or(0);
        Screen { width, colour: global.colours(&std::io::stderr()), quiet: global.quiet }
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

impl Watcher for Screen {
    fn news(&self, pipeline: &Pipeline, stage: usize, news: &News<'_>) {
        if self.quiet {
            return;
        }
        let name = &pipeline.stages[stage].name;
        let line = match news {
            News::Began(what) => format!("begins: {}", text::line(what)),
            News::Again { attempt, seconds, why } => {
                format!("attempt {attempt} follows in {seconds} s: {}", text::line(why))
            }
            News::Line(line) => format!("| {line}"),
            News::Progress(word) => text::line(word),
            News::Live(Live::Finished { node, tally, unreachable }) => match (unreachable, tally) {
                (true, _) => format!("{node}: out of reach"),
                (false, tally) => format!(
                    "{node}: {} {}, {} failed, {} could not be checked",
                    tally.total(),
                    if tally.total() == 1 { "control" } else { "controls" },
                    tally.failed,
                    tally.errored
                ),
            },
            News::Live(_) => return,
            News::Ended(done) => {
                let word = match (done.outcome, done.good) {
                    (Outcome::Passed, true) => self.styled(AnsiColor::Green.on_default(), "done"),
                    (Outcome::Passed, false) => {
                        self.styled(AnsiColor::Red.on_default(), "done, and not all is as it should be")
                    }
                    (Outcome::Errored, _) => self.styled(AnsiColor::Red.on_default(), "could not be done"),
                    // The reason says so.
                    _ => String::new(),
                };
                let took = if done.attempts == 0 { String::new() } else { format!(" after {:.1} s", done.seconds) };
                match &done.reason {
                    Some(reason) if word.is_empty() => text::line(reason),
                    Some(reason) => format!("{word}{took}: {}", text::line(reason)),
                    None => format!("{word}{took}"),
                }
            }
        };
        let colour = COLOURS[stage % COLOURS.len()].on_default();
        let head = self.styled(colour, &format!("{name:>width$}", width = self.width));
        // One write a line: stages speak at the same time. A terminal that is gone is no reason to end.
        let _ = std::io::stderr().write_all(format!("{head}  {line}\n").as_bytes());
    }
}
