//! `probity attributes`

mod explain;
mod render;

use super::{Global, Outcome};

/// Shows the attribute values a run would have
#[derive(Debug, clap::Args)]
pub struct AttributesArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Explain(Box<explain::ExplainArgs>),
    Render(Box<render::RenderArgs>),
}

pub fn run(args: &AttributesArgs, global: &Global) -> Outcome {
    match &args.action {
        Action::Explain(args) => explain::run(args),
        Action::Render(args) => render::run(args, global),
    }
}
