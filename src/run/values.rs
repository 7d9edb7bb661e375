//! What every profile of a run gets on every node: its attributes.

use super::plan::{Decision, Later, Values};
use crate::error::Error;
use crate::plan::attributes::{Origin, ProfileAttributes, Resolved, Supplied};
use crate::plan::nodes::Nodes;
use crate::plan::per_node;
use crate::profile::{Manifest, Profile};
use crate::results::event::AttributeSummary;
use crate::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// What the profiles get on the nodes, in their order.
pub struct OnNodes {
    /// For each node and profile.
    pub values: Vec<Vec<Arc<Values>>>,
    /// For each node, what is decided once it is reached.
    pub later: Vec<Option<Later>>,
    /// Texts that no report may show, beyond those of the values.
    pub secrets: Vec<String>,
}

/// Decides every attribute of every profile on each of these nodes, in their order. Nodes with
/// the same values share them.
///
/// # Errors
///
/// Everything that is wrong with the values of files, arguments and inventories, not only the
/// first.
pub fn on_nodes(profiles: &[Profile], supplied: Supplied, nodes: &Nodes) -> Result<OnNodes, Vec<Error>> {
    let manifests: Vec<&Manifest> = profiles.iter().map(|profile| &profile.manifest).collect();
    let before = per_node::before(&manifests, &supplied, nodes)?;
    let mut known: HashMap<*const ProfileAttributes, Vec<Arc<Values>>> = HashMap::new();
    let shared = |all: &Arc<[ProfileAttributes]>| {
        known.entry(all.as_ptr()).or_insert_with(|| all.iter().map(|one| Arc::new(of_node(one))).collect()).clone()
    };
    let values = before.nodes.iter().map(shared).collect();
    if !supplied.needs_facts() {
        let later = nodes.nodes.iter().map(|_| None).collect();
        return Ok(OnNodes { values, later, secrets: before.secrets });
    }
    let manifests: Arc<[Manifest]> = profiles.iter().map(|profile| profile.manifest.clone()).collect();
    let (supplied, groups) = (Arc::new(supplied), Arc::new(nodes.groups.clone()));
    let later = nodes.nodes.iter().zip(before.waiting).map(|(node, files)| {
        let (manifests, supplied, groups, node) = (manifests.clone(), supplied.clone(), groups.clone(), node.clone());
        let decide = move |facts: &Value| {
            let manifests: Vec<&Manifest> = manifests.iter().collect();
            let (attributes, secrets) = per_node::reached(&manifests, &supplied, &node, &groups, facts)?;
            Ok(Decision { values: attributes.iter().map(|one| Arc::new(of_node(one))).collect(), secrets })
        };
        Some(Later::new(files, Box::new(decide)))
    });
    Ok(OnNodes { values, later: later.collect(), secrets: before.secrets })
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
    let waits = |resolved: &&Arc<Resolved>| matches!(resolved.origin, Origin::Waiting(_));
    Values {
        values: attributes.values.iter().map(value).collect(),
        attributes: attributes.values.iter().map(summary).collect(),
        secrets: attributes.secrets(),
        waiting: attributes.values.iter().filter(waits).map(|resolved| resolved.name.clone()).collect(),
    }
}
