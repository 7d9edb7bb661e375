//! The values a run takes from its user: attributes.

use super::Errors;
use crate::plan::attributes::{self, Assignment, NodeLayers, ProfileAttributes, Resolved, from_argument, from_file};
use crate::plan::nodes::NodePlan;
use crate::profile::{Manifest, Profile};
use crate::results::event::AttributeSummary;
use crate::run::Values;
use crate::value::Value;
use std::collections::HashMap;
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

/// What every profile gets on every node. Nodes with the same values share them.
///
/// # Errors
///
/// As [`resolve_on`].
pub fn on_nodes(
    profiles: &[Profile],
    args: &AttributeArgs,
    nodes: &[NodePlan],
) -> Result<Vec<Vec<Arc<Values>>>, Errors> {
    let layers: Vec<NodeLayers<'_>> =
        nodes.iter().map(|node| NodeLayers { name: &node.name, layers: &node.attributes }).collect();
    let resolved = resolve_on(profiles, args, &layers)?;
    let mut known: HashMap<*const ProfileAttributes, Vec<Arc<Values>>> = HashMap::new();
    let shared = |all: &Arc<[ProfileAttributes]>| {
        known.entry(all.as_ptr()).or_insert_with(|| all.iter().map(|one| Arc::new(of_node(one))).collect()).clone()
    };
    Ok(resolved.iter().map(shared).collect())
}

/// The attributes of a profile on a node. What is sensitive is left out of what reports show
/// here already, whatever its value.
fn of_node(attributes: &ProfileAttributes) -> Values {
    let summary = |resolved: &Arc<Resolved>| AttributeSummary {
        name: resolved.name.clone(),
        kind: resolved.declaration.kind.name(),
        required: resolved.declaration.required,
        sensitive: resolved.sensitive,
        value: if resolved.sensitive { Value::from("***") } else { resolved.value.clone() },
        origin: resolved.origin.to_string(),
    };
    let value = |resolved: &Arc<Resolved>| (resolved.name.to_string(), resolved.value.clone());
    Values {
        values: attributes.values.iter().map(value).collect(),
        attributes: attributes.values.iter().map(summary).collect(),
        secrets: attributes.secrets(),
    }
}
