//! `probity attributes explain`

use crate::cli::profiles::ProfileArgs;
use crate::cli::{Outcome, TextOrJson, inputs, print, signals};
use crate::error::{Error, exit};
use crate::inventory::{Connection, Reading, Source};
use crate::plan::attributes::{ProfileAttributes, Resolved, Setting};
use crate::plan::nodes::{self, Wanted};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Prints each value, where it comes from, and what it replaced
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity attributes explain my-baseline --attrs site.yml --attr max_tries=3\n  \
    probity attributes explain my-baseline --inventory nodes.yml --nodes web1")]
pub struct ExplainArgs {
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
}

pub fn run(args: &ExplainArgs) -> Outcome {
    args.profiles.refuse_none()?;
    if args.inventory.is_empty() && !args.nodes.is_empty() {
        return Err(Error::usage("--nodes chooses from an inventory, and none is given")
            .hint("add --inventory FILE")
            .into());
    }
    let profiles = args.profiles.load(&[])?;
    let read = |reading: Reading<'_>| {
        nodes::attributes(&Wanted {
            targets: &[],
            inventories: &args.inventory,
            reading,
            nodes: &args.nodes,
            connection: &Connection::default(),
            prompt: None,
        })
    };
    let nodes = match args.inventory.is_empty() {
        true => read(Reading::here()),
        false => signals::while_reading(|stop| read(Reading { stop, ..Reading::here() })),
    }?;
    let known = inputs::resolve_on(&profiles, &args.attributes, &nodes)?;
    let text = match args.inventory.is_empty() {
        // This machine alone.
        true => {
            let values = known.nodes.first().map_or(&[][..], |values| values);
            match args.format {
                TextOrJson::Text => explain_all(values),
                TextOrJson::Json => document("profiles", all_to_json(values)),
            }
        }
        false => {
            let names = nodes.nodes.iter().map(|node| &*node.name);
            on_nodes(&alike(names.zip(known.nodes)), args.format)
        }
    };
    print(&text)?;
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
            let _ = writeln!(text, "      instead of {} ({})", resolved.shown_setting(setting), setting.origin);
        }
    }
    text
}

fn to_json(attributes: &ProfileAttributes) -> serde_json::Value {
    let shown = |secret: bool, value: &crate::value::Value| match secret {
        true => serde_json::Value::String("***".to_string()),
        false => value.to_json(),
    };
    let attribute = |resolved: &Resolved| {
        let replaced: Vec<_> = resolved
            .trace
            .iter()
            .rev()
            .skip(1)
            .map(|setting: &Setting| {
                let value = shown(resolved.is_secret(setting), &setting.value);
                serde_json::json!({ "value": value, "origin": setting.origin.to_string() })
            })
            .collect();
        serde_json::json!({
            "name": &*resolved.name,
            "type": resolved.declaration.kind.name(),
            "sensitive": resolved.sensitive,
            "value": shown(resolved.sensitive, &resolved.value),
            "origin": resolved.origin.to_string(),
            "replaced": replaced,
        })
    };
    let values: Vec<_> = attributes.values.iter().map(|resolved| attribute(resolved)).collect();
    serde_json::json!({ "profile": &*attributes.profile, "attributes": values })
}
