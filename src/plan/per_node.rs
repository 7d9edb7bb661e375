//! The values of attributes on each node of a run, templates rendered.

use super::attributes::{Assignment, Fault, NodeLayers, OnNode, ProfileAttributes, Supplied, for_nodes, told};
use super::nodes::{Groups, NodePlan, Nodes};
use super::template::Variables;
use crate::error::Error;
use crate::profile::Manifest;
use crate::value::Value;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Judges what files and arguments give by what the profiles declare, where the nodes are not
/// known yet. What a template or an inventory will give is not known either, so nothing is missing.
///
/// # Errors
/// Every name that no profile declares and every value of the wrong type.
pub fn without_nodes(manifests: &[&Manifest], supplied: &Supplied) -> Result<(), Vec<Error>> {
    let layers = supplied.after_templates();
    let any = NodeLayers { name: "", layers: &layers, waits: true };
    for_nodes(manifests, &supplied.common(), &[any]).map(drop)
}

/// What is known of the values before any node is touched.
#[derive(Debug, Default)]
pub struct Known {
    /// For each node, in their order.
    pub nodes: Vec<Arc<[ProfileAttributes]>>,
    /// For each node, the templates that are rendered once it is reached.
    pub waiting: Vec<Vec<PathBuf>>,
    /// Texts that no report may show, beyond those of the attributes.
    pub secrets: Vec<String>,
}

/// Decides every attribute of every profile on each of these nodes. Nodes with the same values
/// share them. What waits for the facts of a node is [`Value::Nil`] there, at its line.
///
/// # Errors
/// Everything that is wrong with files, templates, arguments and inventories, not only the
/// first; what is wrong on many nodes once.
pub fn before(manifests: &[&Manifest], supplied: &Supplied, nodes: &Nodes) -> Result<Known, Vec<Error>> {
    let mut known = Known { secrets: supplied.secrets().to_vec(), ..Known::default() };
    let mut faults: Vec<Fault> = Vec::new();
    let mut found: Vec<OnNode> = Vec::with_capacity(nodes.nodes.len());
    let no_templates = supplied.templates().next().is_none();
    let around = Around::new(supplied, &nodes.groups);
    for node in &nodes.nodes {
        let variables = if no_templates { Variables::new() } else { around.variables(node, None) };
        match supplied.on_node(&node.name, &variables) {
            Ok(on_node) => found.push(on_node),
            Err(more) => faults.extend(more),
        }
    }
    if !faults.is_empty() {
        return Err(told(faults));
    }
    let layers: Vec<Vec<Arc<[Assignment]>>> =
        found.iter().zip(&nodes.nodes).map(|(on_node, node)| layers(on_node, node)).collect();
    let every: Vec<NodeLayers<'_>> = nodes
        .nodes
        .iter()
        .zip(&layers)
        .zip(&found)
        .map(|((node, layers), on_node)| NodeLayers { name: &node.name, layers, waits: !on_node.waiting.is_empty() })
        .collect();
    known.nodes = for_nodes(manifests, &supplied.common(), &every)?;
    for on_node in found {
        known.secrets.extend(on_node.secrets);
        known.waiting.push(on_node.waiting);
    }
    known.secrets.sort_unstable();
    known.secrets.dedup();
    Ok(known)
}

/// The values of a node, and the texts that no report may show beyond those of the attributes.
pub type Decided = (Arc<[ProfileAttributes]>, Vec<String>);

/// Decides every attribute of every profile on one node whose facts are known.
///
/// # Errors
/// As [`before`].
pub fn reached(
    manifests: &[&Manifest],
    supplied: &Supplied,
    node: &NodePlan,
    groups: &Groups,
    facts: &Value,
) -> Result<Decided, Vec<Error>> {
    let variables = Around::new(supplied, groups).variables(node, Some(facts));
    let on_node = supplied.on_node(&node.name, &variables).map_err(told)?;
    let layers = layers(&on_node, node);
    let every = [NodeLayers { name: &node.name, layers: &layers, waits: false }];
    let mut values = for_nodes(manifests, &supplied.common(), &every)?;
    Ok((values.pop().unwrap_or_default(), on_node.secrets))
}

/// The variables templates see on a node.
pub fn variables(supplied: &Supplied, node: &NodePlan, groups: &Groups, facts: Option<&Value>) -> Variables {
    Around::new(supplied, groups).variables(node, facts)
}

/// What files give to a node, then what its groups and it itself say.
fn layers(on_node: &OnNode, node: &NodePlan) -> Vec<Arc<[Assignment]>> {
    on_node.layers.iter().chain(&node.attributes).cloned().collect()
}

/// What is the same for the templates of all nodes.
struct Around<'a> {
    supplied: &'a Supplied,
    groups: Value,
}

impl Around<'_> {
    fn new<'a>(supplied: &'a Supplied, groups: &Groups) -> Around<'a> {
        let names = |(group, nodes): (&Arc<str>, &Vec<Arc<str>>)| (group.to_string(), Value::strings(nodes));
        Around { supplied, groups: Value::Map(groups.iter().map(names).collect()) }
    }

    fn variables(&self, node: &NodePlan, facts: Option<&Value>) -> Variables {
        let mut attributes: IndexMap<String, Value> = IndexMap::new();
        for assignment in node.attributes.iter().flat_map(|layer| layer.iter()) {
            let name = match &assignment.profile {
                Some(profile) => format!("{profile}::{}", assignment.name),
                None => assignment.name.clone(),
            };
            attributes.insert(name, assignment.written());
        }
        let fields = [
            ("name", Value::from(node.name.clone())),
            ("target", Value::from(node.target.to_string())),
            ("groups", Value::strings(&node.groups)),
            ("attributes", Value::Map(attributes)),
        ];
        let node = Value::Map(fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect());
        let mut variables = Variables::from([("node".to_string(), node), ("groups".to_string(), self.groups.clone())]);
        variables.extend(self.supplied.surroundings.iter().map(|(name, value)| (name.clone(), value.clone())));
        variables.extend(facts.map(|facts| ("facts".to_string(), facts.clone())));
        variables
    }
}
