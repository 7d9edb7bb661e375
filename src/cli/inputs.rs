//! The values a run takes from its user: attributes.

use super::Errors;
use crate::plan::attributes::{self, Assignment, NodeLayers, ProfileAttributes, from_argument, from_file};
use crate::profile::{Manifest, Profile};
use std::path::PathBuf;
use std::sync::Arc;

/// Where attribute values come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Attributes")]
pub struct AttributeArgs {
    /// Files of attribute values; a later one wins
    #[arg(long, value_name = "FILE")]
    pub attrs: Vec<PathBuf>,
    /// One value, or where it is: NAME=@FILE, NAME=env:VAR
    ///
    /// PROFILE::NAME=VALUE gives it to one profile of the run alone.
    #[arg(long, value_name = "NAME=VALUE")]
    pub attr: Vec<String>,
}

impl AttributeArgs {
    /// What the user wishes of attributes.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with files and arguments, not only the first.
    pub fn assignments(&self) -> Result<Vec<Assignment>, Errors> {
        let mut assignments = Vec::new();
        let mut errors = Vec::new();
        for path in &self.attrs {
            match from_file(path) {
                Ok(found) => assignments.extend(found),
                Err(found) => errors.extend(found),
            }
        }
        for argument in &self.attr {
            match from_argument(argument, &|name| std::env::var_os(name)) {
                Ok(found) => assignments.push(found),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(assignments) } else { Err(Errors(errors)) }
    }
}

/// Decides every attribute of every profile.
///
/// # Errors
///
/// Everything that is wrong with files, arguments and values, not only the first.
pub fn resolve(profiles: &[Profile], args: &AttributeArgs) -> Result<Vec<ProfileAttributes>, Errors> {
    let manifests: Vec<&Manifest> = profiles.iter().map(|profile| &profile.manifest).collect();
    Ok(attributes::resolve(&manifests, &args.assignments()?)?)
}

/// Decides every attribute of every profile on each of these nodes, in their order.
///
/// # Errors
///
/// As [`resolve`], and what is wrong in inventories.
pub fn resolve_on(
    profiles: &[Profile],
    args: &AttributeArgs,
    nodes: &[NodeLayers<'_>],
) -> Result<Vec<Arc<[ProfileAttributes]>>, Errors> {
    let manifests: Vec<&Manifest> = profiles.iter().map(|profile| &profile.manifest).collect();
    Ok(attributes::for_nodes(&manifests, &args.assignments()?, nodes)?)
}
