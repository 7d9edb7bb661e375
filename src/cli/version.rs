//! `probity version`

use super::Outcome;
use crate::error::exit;

/// Prints the version
#[derive(Debug, clap::Args)]
pub struct VersionArgs {}

pub fn run(_: &VersionArgs) -> Outcome {
    super::print(concat!("probity ", env!("CARGO_PKG_VERSION"), "\n"))?;
    Ok(exit::OK)
}
