//! `probity inventory`

use super::{Global, Outcome, signals};
use crate::error::exit;
use crate::inventory::{ALL, Inventory, Reading, Source};
use std::fmt::Write as _;
use std::io::Write as _;

/// Shows what an inventory is understood as
#[derive(Debug, clap::Args)]
pub struct InventoryArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Prints the nodes of an inventory, their targets and groups
    ///
    /// Nothing is asked of the nodes themselves. What is printed with --format
    /// yaml is an inventory of Probity, to be saved and edited.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Examples:\n  \
        probity inventory show hosts.ini\n  \
        probity inventory show terraform:infra --format yaml\n  \
        probity inventory show kubectl:\n  \
        probity inventory show 'command:./list-nodes --json'\n  \
        docker ps --format json | probity inventory show -")]
    Show {
        /// A file, a folder, KIND:FILE, KIND:, command:PROGRAM or -
        ///
        /// KIND is probity, ansible, terraform, kubectl, vagrant, docker or
        /// podman; without one the text is looked at.
        #[arg(verbatim_doc_comment)]
        source: Source,
        /// text, json or yaml
        #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
        #[arg(hide_possible_values = true)]
        format: Format,
    },
}

/// How an inventory is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Yaml,
}

pub fn run(args: &InventoryArgs, global: &Global) -> Outcome {
    let Action::Show { source, format } = &args.action;
    let inventory = signals::while_reading(|stop| source.read(&Reading { stop, ..Reading::here() }))?;
    let (text, notes) = match format {
        Format::Text => (text(&inventory), inventory.notes.clone()),
        Format::Json => (json(&inventory, source), Vec::new()),
        Format::Yaml => {
            let (text, left_out) = inventory.to_yaml();
            (text, inventory.notes.iter().cloned().chain(left_out).collect())
        }
    };
    super::print(&text)?;
    if !global.quiet {
        let mut stderr = std::io::stderr().lock();
        notes.iter().for_each(|note| drop(writeln!(stderr, "note: {note}")));
    }
    Ok(exit::OK)
}

/// The names of the groups of a node, `all` aside.
fn groups<'a>(inventory: &'a Inventory, numbers: &[usize]) -> Vec<&'a str> {
    let names = numbers.iter().filter_map(|number| inventory.groups.get_index(*number)).map(|(name, _)| &**name);
    names.filter(|name| *name != ALL).collect()
}

fn text(inventory: &Inventory) -> String {
    let mut rows = vec![["NODE", "TARGET", "GROUPS", "FROM"].map(str::to_string)];
    for (name, node) in &inventory.nodes {
        let groups = groups(inventory, &node.groups);
        let groups = if groups.is_empty() { "-".to_string() } else { groups.join(",") };
        rows.push([name.to_string(), node.target.to_string(), groups, node.place.to_string()]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [name, target, groups, from] in &rows {
        let [first, second, third] = widths;
        let _ = writeln!(text, "{name:first$}  {target:second$}  {groups:third$}  {from}");
    }
    let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let groups = inventory.groups.len().saturating_sub(1);
    let _ = writeln!(text, "{}, {}", counted(inventory.nodes.len(), "node"), counted(groups, "group"));
    text
}

fn json(inventory: &Inventory, source: &Source) -> String {
    let nodes = inventory.nodes.iter().map(|(name, node)| {
        serde_json::json!({
            "name": &**name,
            "target": node.target.to_string(),
            "groups": groups(inventory, &node.groups),
            "from": node.place.to_string(),
        })
    });
    let nodes: Vec<_> = nodes.collect();
    let described = inventory.groups.iter().filter(|(name, _)| &***name != ALL).map(|(name, group)| {
        serde_json::json!({ "name": &**name, "parents": groups(inventory, &group.parents), "from": group.place.to_string() })
    });
    let described: Vec<_> = described.collect();
    let document = serde_json::json!({
        "format": "probity/inventory",
        "version": 1,
        "source": source.to_string(),
        "nodes": nodes,
        "groups": described,
        "notes": inventory.notes,
    });
    format!("{document:#}\n")
}
