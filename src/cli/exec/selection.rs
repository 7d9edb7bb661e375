//! Which controls run.

use crate::cli::Errors;
use crate::plan::selection::{Selectable, Selection};
use crate::results::event::ControlSummary;
use std::sync::Arc;

/// Which controls run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which controls")]
pub struct SelectionArgs {
    /// By id, glob or /regular expression/
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    pub controls: Vec<String>,
    /// With one of these tags: KEY or KEY=VALUE
    #[arg(long, value_name = "TAG", num_args = 1.., value_delimiter = ',')]
    pub tags: Vec<String>,
    /// Of at least this impact, 0.0 to 1.0
    #[arg(long, value_name = "N")]
    pub impact_at_least: Option<f64>,
}

impl SelectionArgs {
    /// The selection, once it is sure that it selects something of `controls`.
    pub fn read(&self, controls: &[Arc<ControlSummary>]) -> Result<Selection, Errors> {
        let selection = Selection::new(&self.controls, &self.tags, self.impact_at_least)?;
        let selectable: Vec<Selectable<'_>> = controls
            .iter()
            .map(|control| Selectable { id: &control.id, tags: &control.tags, impact: control.impact })
            .collect();
        selection.verify(&selectable)?;
        Ok(selection)
    }
}
