//! What every profile of a run gets on every node: its attributes.

use super::plan::Values;
use crate::error::Error;
use crate::plan::attributes::{Assignment, NodeLayers, ProfileAttributes, Resolved, for_nodes};
use crate::plan::nodes::NodePlan;
use crate::profile::{Manifest, Profile};
use crate::results::event::AttributeSummary;
use crate::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Decides every attribute of every profile on each of these nodes, in their order. Nodes with
/// the same values share them.
///
/// # Errors
///
/// Everything that is wrong with the values of files, arguments and inventories, not only the
/// first.
pub fn on_nodes(
    profiles: &[Profile],
    assignments: &[Assignment],
    nodes: &[NodePlan],
) -> Result<Vec<Vec<Arc<Values>>>, Vec<Error>> {
    let manifests: Vec<&Manifest> = profiles.iter().map(|profile| &profile.manifest).collect();
    let layers: Vec<NodeLayers<'_>> =
        nodes.iter().map(|node| NodeLayers { name: &node.name, layers: &node.attributes }).collect();
    let resolved = for_nodes(&manifests, assignments, &layers)?;
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
        kind: resolved.declaration.kind.name().into(),
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
