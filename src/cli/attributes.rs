//! `probity attributes`

use super::profiles::ProfileArgs;
use super::{Outcome, TextOrJson, inputs, signals};
use crate::error::{Error, exit};
use crate::inventory::{Connection, Reading, Source};
use crate::plan::attributes::{NodeLayers, ProfileAttributes, Resolved};
use crate::plan::nodes::{self, Wanted};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Shows the attribute values a run would have
#[derive(Debug, clap::Args)]
pub struct AttributesArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Prints each value, where it comes from, and what it replaced
    #[command(after_help = "Examples:\n  \
        probity attributes explain my-baseline --attrs site.yml --attr max_tries=3\n  \
        probity attributes explain my-baseline --inventory nodes.yml --nodes web1")]
    Explain {
        #[command(flatten)]
        profiles: ProfileArgs,
        #[command(flatten)]
        attributes: inputs::AttributeArgs,
        /// Inventories: shows the values each node has
        #[arg(long, value_name = "SOURCE", help_heading = "Nodes")]
        inventory: Vec<Source>,
        /// Nodes or groups by name, glob or /regex/; !X: not X
        #[arg(long, alias = "node", value_name = "PATTERN", value_delimiter = ',', help_heading = "Nodes")]
        nodes: Vec<String>,
        /// text or json
        #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
        #[arg(hide_possible_values = true)]
        format: TextOrJson,
    },
}

pub fn run(args: &AttributesArgs) -> Outcome {
    let Action::Explain { profiles, attributes, inventory, nodes, format } = &args.action;
    profiles.refuse_none()?;
    if inventory.is_empty() && !nodes.is_empty() {
        return Err(Error::usage("--nodes chooses from an inventory, and none is given")
            .hint("add --inventory FILE")
            .into());
    }
    let profiles = profiles.load(&[])?;
    let text = match inventory.is_empty() {
        true => {
            let resolved = inputs::resolve(&profiles, attributes)?;
            match format {
                TextOrJson::Text => explain_all(&resolved),
                TextOrJson::Json => document("profiles", all_to_json(&resolved)),
            }
        }
        false => {
            let layers = signals::while_reading(|stop| {
                nodes::attributes(&Wanted {
                    targets: &[],
                    inventories: inventory,
                    reading: Reading { stop, ..Reading::here() },
                    nodes,
                    connection: &Connection::default(),
                    prompt: None,
                })
            })?;
            let layers: Vec<_> = layers.iter().map(|(name, layers)| NodeLayers { name, layers }).collect();
            let values = inputs::resolve_on(&profiles, attributes, &layers)?;
            let names = layers.iter().map(|node| node.name);
            on_nodes(&alike(names.zip(values)), *format)
        }
    };
    super::print(&text)?;
    Ok(exit::OK)
}

/// Values, and the nodes that have them.
type Alike<'a> = Vec<(Vec<&'a str>, Arc<[ProfileAttributes]>)>;

/// Nodes whose values are the same ones, together.
fn alike<'a>(nodes: impl Iterator<Item = (&'a str, Arc<[ProfileAttributes]>)>) -> Alike<'a> {
    let mut numbers: HashMap<*const ProfileAttributes, usize> = HashMap::new();
    let mut found: Alike<'_> = Vec::new();
    for (name, values) in nodes {
        let number = *numbers.entry(values.as_ptr()).or_insert(found.len());
        match found.get_mut(number) {
            Some((names, _)) => names.push(name),
            None => found.push((vec![name], values)),
        }
    }
    found
}

fn on_nodes(alike: &Alike<'_>, format: TextOrJson) -> String {
    match format {
        TextOrJson::Text => {
            let blocks =
                alike.iter().map(|(names, values)| format!("on {}\n{}", names.join(", "), explain_all(values)));
            blocks.collect::<Vec<_>>().join("\n")
        }
        TextOrJson::Json => {
            let entries =
                alike.iter().map(|(names, values)| serde_json::json!({ "on": names, "profiles": all_to_json(values) }));
            document("nodes", entries.collect())
        }
    }
}

fn explain_all(profiles: &[ProfileAttributes]) -> String {
    profiles.iter().map(explain).collect::<Vec<_>>().join("\n")
}

fn all_to_json(profiles: &[ProfileAttributes]) -> Vec<serde_json::Value> {
    profiles.iter().map(to_json).collect()
}

fn document(key: &str, entries: Vec<serde_json::Value>) -> String {
    format!("{:#}\n", serde_json::json!({ "format": "probity/attributes", "version": 1, key: entries }))
}

fn explain(attributes: &ProfileAttributes) -> String {
    let mut text = format!("{}\n", attributes.profile);
    if attributes.values.is_empty() {
        text.push_str("  declares no attributes\n");
    }
    for resolved in &attributes.values {
        let kind = resolved.declaration.kind.name();
        let _ = writeln!(text, "  {} = {}  ({kind}; {})", resolved.name, resolved.shown(), resolved.origin);
        // The last setting holds; those before it were replaced.
        for setting in resolved.trace.iter().rev().skip(1) {
            let _ = writeln!(text, "      instead of {} ({})", resolved.shown_setting(&setting.value), setting.origin);
        }
    }
    text
}

fn to_json(attributes: &ProfileAttributes) -> serde_json::Value {
    let shown = |resolved: &Resolved, value: &crate::value::Value| match resolved.sensitive {
        true => serde_json::Value::String("***".to_string()),
        false => value.to_json(),
    };
    let attribute = |resolved: &Resolved| {
        let replaced: Vec<_> = resolved
            .trace
            .iter()
            .rev()
            .skip(1)
            .map(|setting| serde_json::json!({ "value": shown(resolved, &setting.value), "origin": setting.origin.to_string() }))
            .collect();
        serde_json::json!({
            "name": &*resolved.name,
            "type": resolved.declaration.kind.name(),
            "sensitive": resolved.sensitive,
            "value": shown(resolved, &resolved.value),
            "origin": resolved.origin.to_string(),
            "replaced": replaced,
        })
    };
    let values: Vec<_> = attributes.values.iter().map(|resolved| attribute(resolved)).collect();
    serde_json::json!({ "profile": &*attributes.profile, "attributes": values })
}
