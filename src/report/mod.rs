//! Reports: folds over the events of a run. A reporter opens no file and prints nothing;
//! [`Outputs`] decides where its text goes and when.

mod cli;
pub mod diff;
mod exec_json;
mod findings;
mod html;
mod json_min;
mod junit;
mod names;
mod ndjson;
mod nodes_page;
pub mod output;
mod page;
mod progress;
mod progress_bar;
mod progress_lines;
#[cfg(test)]
mod reports_bench;
mod run_json;
#[cfg(test)]
pub(crate) mod sample;
pub mod spec;
mod stages_page;
mod standing;
mod summary;
pub mod table;
mod terminal;
pub mod text;

pub use output::{Outputs, abandon, path_for_node};
pub use spec::{Destination, Spec};
pub use table::{Kind, TABLE};
pub use terminal::Look;

use crate::results::Stamped;
use std::io::{self, Write};
use std::sync::Arc;

/// A fold over the events of a run into a document.
pub trait Reporter: Send {
    /// Takes the next event in, and writes what can be written now. What is written goes
    /// to the reader at once when the reporter streams, else once the report is whole.
    ///
    /// # Errors
    ///
    /// Only those of `out`.
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()>;

    /// Writes the rest. It may come without a `run_finished` before it, when the run
    /// broke off; the document is complete in form even then.
    ///
    /// # Errors
    ///
    /// Only those of `out`.
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// What reporters need to know besides the events.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How text for people looks.
    pub look: Look,
    /// The names of the run's nodes, as its events give them.
    pub nodes: Vec<Arc<str>>,
    /// Whether a progress bar is drawn on standard error while the run goes on. The
    /// caller knows whether that is a terminal and whether the user wants quiet.
    pub progress_bar: bool,
    /// Whether a long run over several nodes says every minute on standard error how far
    /// it is: for where no bar is drawn and the user does not want quiet.
    pub progress_lines: bool,
    /// Whether reports for people say what it took to look at the nodes: rounds, probes and
    /// bytes.
    pub verbose: bool,
}
