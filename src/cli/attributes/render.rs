//! `probity attributes render`

use crate::cli::inputs::BagArgs;
use crate::cli::nodes::{NodeArgs, platform_of};
use crate::cli::{Errors, Global, Outcome, print};
use crate::error::{Error, exit};
use crate::inventory::{Connection, Reading};
use crate::plan::attributes::{SiteTemplate, Supplied};
use crate::plan::nodes::{self, NodePlan, Nodes, Wanted};
use crate::plan::per_node;
use crate::profile::Profile;
use crate::results::mask::Masker;
use crate::value::Value;
use std::io::Write;
use std::path::PathBuf;

/// Prints what a template of attributes gives for a node
///
/// What is secret is masked: values made of encrypted items of data bags, and the sensitive
/// attributes of the profiles that --profile names. A node is asked only for a template that
/// uses its facts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity attributes render site.yml.j2\n  \
    probity attributes render --inventory nodes.yml --node web1 site.yml.j2 --profile my-baseline")]
pub struct RenderArgs {
    /// Templates: files whose names end in .j2
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    bags: BagArgs,
    /// Profiles whose sensitive attributes are masked
    #[arg(long, value_name = "PROFILE", help_heading = "Attributes")]
    profile: Vec<PathBuf>,
    #[command(flatten)]
    nodes: NodeArgs,
}

pub fn run(args: &RenderArgs, global: &Global) -> Outcome {
    let plain = args.files.iter().filter(|file| !SiteTemplate::is_one(file));
    let errors: Vec<Error> = plain
        .map(|file| Error::usage("is no template by its name").in_file(file).hint("a template ends in .j2"))
        .collect();
    if !errors.is_empty() {
        return Err(Errors(errors));
    }
    let supplied = Supplied::read(&args.files, &[], args.bags.open()?, &|name| std::env::var_os(name))?;
    let profiles = crate::run::load_profiles(&args.profile, &[], &[])?;
    let nodes = nodes_of(args, supplied.needs_facts())?;
    if !global.quiet {
        let mut stderr = std::io::stderr().lock();
        nodes.notes.iter().for_each(|note| drop(writeln!(stderr, "note: {note}")));
    }
    let masker = Masker::new(nodes.secrets.iter().chain(supplied.secrets()).cloned().collect());
    let headed = nodes.nodes.len() * args.files.len() > 1;
    let mut errors = Vec::new();
    for node in &nodes.nodes {
        let facts = match supplied.needs_facts() {
            true => match facts_of(node, &masker) {
                Ok(facts) => Some(facts),
                Err(error) => {
                    errors.push(error);
                    None
                }
            },
            false => None,
        };
        let variables = per_node::variables(&supplied, node, &nodes.groups, facts.as_ref());
        for site in supplied.templates().filter(|site| facts.is_some() || !site.needs_facts) {
            let sensitive = |profile: Option<&str>, name: &str| is_sensitive(&profiles, profile, name);
            let shown = site.shown(supplied.renderer(), &variables, &node.name, &sensitive);
            if let Some(text) = &shown.text {
                let head = format!("# {}: {}\n", node.name, site.template.file().display());
                print(&format!("{}{}", if headed { &*head } else { "" }, masker.mask_text(text)))?;
            }
            errors.extend(shown.errors);
        }
    }
    if errors.is_empty() { Ok(exit::OK) } else { Err(Errors(errors)) }
}

/// The nodes; what is needed to reach them is read only where one has to be.
fn nodes_of(args: &RenderArgs, reached: bool) -> Result<Nodes, Errors> {
    if reached {
        return args.nodes.read();
    }
    let which = &args.nodes.which;
    let wanted = Wanted {
        targets: &which.target,
        inventories: &which.inventory,
        reading: Reading::here(),
        nodes: &which.nodes,
        connection: &Connection::default(),
        prompt: None,
    };
    Ok(nodes::attributes(&wanted)?)
}

fn facts_of(node: &NodePlan, masker: &Masker) -> Result<Value, Error> {
    platform_of(node).map(|platform| platform.facts()).map_err(|why| {
        let mut error = Error::usage(format!("{}: {}", node.name, masker.mask_text(&why)));
        error.code = exit::ERRORED;
        error
    })
}

fn is_sensitive(profiles: &[Profile], profile: Option<&str>, name: &str) -> bool {
    let meant = profiles.iter().filter(|one| profile.is_none_or(|profile| *profile == *one.manifest.name));
    meant.filter_map(|one| one.manifest.attributes.get(name)).any(|declaration| declaration.sensitive)
}
