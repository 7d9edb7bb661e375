//! `probity pipeline`

mod provisioners;
mod run;
mod watch;
mod watching;

use super::{Global, Outcome};
use crate::error::exit;
use crate::pipeline::{Graph, Pipeline, schema, try_inputs};
use std::path::PathBuf;

/// Provisions nodes, waits for them, validates them and reports, as one run
///
/// A pipeline file names stages and what each of them needs; stages that need nothing of each
/// other run at the same time. docs/pipeline.md describes the file.
#[derive(Debug, clap::Args)]
pub struct PipelineArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Run(run::RunArgs),
    Watch(watch::WatchArgs),
    /// Looks a pipeline file, and the profiles and files it names, through for errors; runs nothing
    #[command(after_help = "Examples:\n  probity pipeline check pipeline.yml")]
    Check {
        /// The pipeline file
        #[arg(value_name = "FILE", default_value = "pipeline.yml")]
        file: PathBuf,
    },
    /// Prints which stage needs which
    #[command(after_help = "Examples:\n  \
        probity pipeline graph pipeline.yml\n  \
        probity pipeline graph pipeline.yml --format mermaid")]
    Graph {
        /// The pipeline file
        #[arg(value_name = "FILE", default_value = "pipeline.yml")]
        file: PathBuf,
        /// text or mermaid
        #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
        format: GraphFormat,
    },
    Provisioners(provisioners::ProvisionersArgs),
    /// Prints the JSON schema of pipeline files, for editors
    #[command(after_help = "Examples:\n  \
        probity pipeline schema > pipeline.schema.json\n\n\
        An editor with the YAML language server takes it from the first line of the file:\n  \
        # yaml-language-server: $schema=pipeline.schema.json")]
    Schema,
}

/// How a graph is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum GraphFormat {
    Text,
    Mermaid,
}

pub fn run(args: &PipelineArgs, global: &Global) -> Outcome {
    match &args.action {
        Action::Run(args) => return run::run(args, global),
        Action::Watch(args) => return watch::run(args, global),
        Action::Provisioners(args) => return provisioners::run(args),
        Action::Check { file } => {
            let pipeline = Pipeline::read(file)?;
            try_inputs(&pipeline)?;
            if !global.quiet {
                let stages = match pipeline.stages.len() {
                    1 => "1 stage".to_string(),
                    count => format!("{count} stages"),
                };
                super::print(&format!("{}: {stages}, no errors\n", file.display()))?;
            }
        }
        Action::Graph { file, format } => {
            let pipeline = Pipeline::read(file)?;
            let graph = Graph::new(&pipeline);
            super::print(&match format {
                GraphFormat::Text => graph.text(&pipeline),
                GraphFormat::Mermaid => graph.mermaid(&pipeline),
            })?;
        }
        Action::Schema => super::print(&format!("{:#}\n", schema::document()))?,
    }
    Ok(exit::OK)
}
