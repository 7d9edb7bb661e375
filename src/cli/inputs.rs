//! The values a run takes from its user: attributes.

use super::Errors;
use crate::plan::attributes::{self, Assignment, NodeLayers, ProfileAttributes, Resolved, from_argument, from_file};
use crate::profile::{Manifest, Profile};
use crate::results::event::AttributeSummary;
use crate::value::Value;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Where attribute values come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Attributes")]
pub struct AttributeArgs {
    /// Files of attribute values; a later one wins
    #[arg(long, value_name = "FILE")]
    pub attrs: Vec<PathBuf>,
    /// One value; also PROFILE::NAME=…, NAME=@FILE, NAME=env:VAR
    #[arg(long, value_name = "NAME=VALUE")]
    pub attr: Vec<String>,
}

/// Decides every attribute of every profile.
///
/// # Errors
///
/// Everything that is wrong with files, arguments and values, not only the first.
pub fn resolve(profiles: &[Profile], args: &AttributeArgs) -> Result<Vec<ProfileAttributes>, Errors> {
    let manifests: Vec<&Manifest> = profiles.iter().map(|profile| &profile.manifest).collect();
    Ok(attributes::resolve(&manifests, &assignments(args)?)?)
}

/// Decides every attribute of every profile on each of these nodes, in their order.
///
/// # Errors
///
/// As [`resolve`].
pub fn resolve_on(
    profiles: &[Profile],
    args: &AttributeArgs,
    nodes: &[NodeLayers<'_>],
) -> Result<Vec<Arc<[ProfileAttributes]>>, Errors> {
    let manifests: Vec<&Manifest> = profiles.iter().map(|profile| &profile.manifest).collect();
    Ok(attributes::for_nodes(&manifests, &assignments(args)?, nodes)?)
}

/// What files and arguments say.
fn assignments(args: &AttributeArgs) -> Result<Vec<Assignment>, Errors> {
    let mut assignments = Vec::new();
    let mut errors = Vec::new();
    for path in &args.attrs {
        match from_file(path) {
            Ok(found) => assignments.extend(found),
            Err(found) => errors.extend(found),
        }
    }
    for argument in &args.attr {
        match from_argument(argument, &|name| std::env::var_os(name)) {
            Ok(found) => assignments.push(found),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(assignments) } else { Err(Errors(errors)) }
}

/// The attributes of a profile as controls see them.
pub fn values(attributes: &ProfileAttributes) -> IndexMap<String, Value> {
    attributes.values.iter().map(|resolved| (resolved.name.to_string(), resolved.value.clone())).collect()
}

/// The attributes of a profile as reports show them; what is sensitive is left out here
/// already, whatever its value.
pub fn summaries(attributes: &ProfileAttributes) -> Vec<AttributeSummary> {
    let summary = |resolved: &Resolved| AttributeSummary {
        name: resolved.name.clone(),
        kind: resolved.declaration.kind.name(),
        required: resolved.declaration.required,
        sensitive: resolved.sensitive,
        value: if resolved.sensitive { Value::from("***") } else { resolved.value.clone() },
        origin: resolved.origin.to_string(),
    };
    attributes.values.iter().map(|resolved| summary(resolved)).collect()
}
