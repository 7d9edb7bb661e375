//! Which nodes a run has: targets, inventories, and the choice among them.

mod choice;
#[cfg(test)]
mod tests;

use super::attributes::{Assignment, Layer, from_inventory};
use crate::error::{Error, Place};
use crate::inventory::{self, Attributes, Connection, Inventory, Reading, SecretSource, refuse_name};
use crate::target::Target;
use crate::transport::{Options, Prompt, Secret};
use crate::value::external::Environment;
use choice::Choice;
use indexmap::IndexMap;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What was asked for: `-t`, `--inventory`, `--nodes`, and how nodes are reached.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// `URI` or `NAME=URI`, in order.
    pub targets: &'a [String],
    /// What inventories are read from, in order.
    pub inventories: &'a [inventory::Source],
    /// How they are read.
    pub reading: Reading<'a>,
    /// Patterns of names of nodes and groups; `!` before one takes away.
    pub nodes: &'a [String],
    /// What the command line says about reaching nodes: it wins over every inventory.
    pub connection: &'a Connection,
    /// Whom to ask for a passphrase or password that turns out to be missing.
    pub prompt: Option<&'a Prompt>,
}

/// The nodes of a run, in the order given: targets first, then each inventory's.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    pub nodes: Vec<NodePlan>,
    /// Every group of the inventories with all its nodes, also those that are not chosen.
    pub groups: Groups,
    /// Every password and passphrase that was read: no report may show one.
    pub secrets: Vec<String>,
    /// What was read and is not honoured, for a person to see.
    pub notes: Vec<String>,
}

/// The names of nodes by group, both in the order of the inventories.
pub type Groups = IndexMap<Arc<str>, Vec<Arc<str>>>;

/// One node of a run.
#[derive(Debug, Clone)]
pub struct NodePlan {
    pub name: Arc<str>,
    pub target: Target,
    /// The groups it is in, `all` first, parents before children, then in the order listed.
    pub groups: Vec<Arc<str>>,
    /// How it is reached.
    pub options: Options,
    /// What its groups and it itself say of attributes, the weakest first. Nodes of one
    /// group share what the group says.
    pub attributes: Vec<Arc<[Assignment]>>,
}

/// Where a node comes from, for the error about two of one name.
enum Source {
    Argument(String),
    Written(Place),
}

impl Source {
    fn describe(&self) -> String {
        match self {
            Source::Argument(text) => format!("-t {text}"),
            Source::Written(place) => place.to_string(),
        }
    }
}

/// Reads what was asked for. Without targets and inventories it is this machine.
///
/// # Errors
/// Everything that is wrong: targets and inventories that cannot be read, two nodes of one
/// name, patterns that match nothing, secrets of chosen nodes that cannot be read.
pub fn read(wanted: &Wanted<'_>, environment: Environment<'_>) -> Result<Nodes, Vec<Error>> {
    let inventories = inventories(wanted);
    let (chosen, groups) = chosen(wanted, &inventories)?;
    let mut plan = Nodes { groups, ..Nodes::default() };
    for inventory in inventories.iter().flatten() {
        plan.notes.extend(inventory.notes.iter().map(|note| format!("{}: {note}", inventory.file.display())));
    }
    let mut errors = Vec::new();
    let mut told = HashSet::new();
    let mut vault = Vault { environment, prompt: wanted.prompt, known: HashMap::new() };
    let mut layers = Layers::default();
    for candidate in chosen {
        let mut connection = candidate.connection();
        connection.overlay(wanted.connection);
        match connection.options(wanted.prompt.cloned(), &mut |source| vault.read(source)) {
            Ok(options) => {
                let attributes = layers.of(&candidate, &mut errors);
                let target = candidate.target(wanted.connection);
                let Candidate { name, groups, .. } = candidate;
                plan.nodes.push(NodePlan { name, target, groups, options, attributes });
            }
            // One missing variable of a group is one error, not one a node.
            Err(error) if !told.insert(error.to_string()) => {}
            Err(error) => errors.push(error),
        }
    }
    plan.secrets = vault.known.into_values().map(|secret| secret.reveal().to_string()).collect();
    plan.secrets.sort_unstable();
    plan.secrets.dedup();
    if errors.is_empty() { Ok(plan) } else { Err(errors) }
}

/// The nodes for one who only wants to know their attributes: no secret is read, and how they
/// are reached is left open.
///
/// # Errors
/// As [`read`], secrets aside.
pub fn attributes(wanted: &Wanted<'_>) -> Result<Nodes, Vec<Error>> {
    let inventories = inventories(wanted);
    let mut errors = Vec::new();
    let mut layers = Layers::default();
    let (chosen, groups) = chosen(wanted, &inventories)?;
    let mut found = Nodes { groups, ..Nodes::default() };
    for candidate in chosen {
        let attributes = layers.of(&candidate, &mut errors);
        let target = candidate.target(wanted.connection);
        let Candidate { name, groups, .. } = candidate;
        found.nodes.push(NodePlan { name, target, groups, options: Options::default(), attributes });
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// Inventories as they were read, each with its own errors.
type Inventories = Vec<Result<Inventory, Vec<Error>>>;

fn inventories(wanted: &Wanted<'_>) -> Inventories {
    wanted.inventories.iter().map(|source| source.read(&wanted.reading)).collect()
}

/// The nodes that take part, and the groups of all there are.
fn chosen<'a>(wanted: &Wanted<'_>, inventories: &'a Inventories) -> Result<(Vec<Candidate<'a>>, Groups), Vec<Error>> {
    let mut errors = Vec::new();
    let choice = Choice::new(wanted.nodes).map_err(|found| errors.extend(found)).unwrap_or_default();
    let mut found: Vec<Candidate<'_>> = Vec::new();
    for text in wanted.targets {
        match argument(text, wanted.inventories.is_empty()) {
            Ok(candidate) => found.push(candidate),
            Err(error) => errors.push(error),
        }
    }
    if wanted.targets.is_empty() && wanted.inventories.is_empty() {
        found.push(Candidate::new(host_name(), Target::Local, Source::Argument("local://".to_string())));
    }
    for inventory in inventories {
        match inventory {
            Ok(inventory) => found.extend(of_inventory(inventory)),
            Err(more) => errors.extend(more.iter().cloned()),
        }
    }
    errors.extend(twice(&found));
    // What could not be read may hold the names that are missing.
    if !errors.is_empty() {
        return Err(errors);
    }
    let names: Vec<(&str, Vec<&str>)> = found
        .iter()
        .map(|candidate| (&*candidate.name, candidate.groups.iter().map(|group| &**group).collect()))
        .collect();
    let chosen = choice.choose(&names)?;
    let mut groups = Groups::new();
    for candidate in &found {
        for group in &candidate.groups {
            groups.entry(group.clone()).or_default().push(candidate.name.clone());
        }
    }
    let chosen = found.into_iter().zip(chosen).filter_map(|(candidate, chosen)| chosen.then_some(candidate));
    Ok((chosen.collect(), groups))
}

/// A node that may become one of the run.
struct Candidate<'a> {
    name: Arc<str>,
    target: Target,
    groups: Vec<Arc<str>>,
    source: Source,
    inventory: Option<(&'a Inventory, &'a crate::inventory::Node)>,
}

impl<'a> Candidate<'a> {
    fn new(name: Arc<str>, target: Target, source: Source) -> Candidate<'a> {
        Candidate { name, target, groups: Vec::new(), source, inventory: None }
    }

    /// The target. What is given on the command line wins over the inventory, its URIs
    /// included.
    fn target(&self, stronger: &Connection) -> Target {
        match (self.inventory, &self.target) {
            (Some(_), Target::Ssh { user, host, port }) => Target::Ssh {
                user: user.clone().filter(|_| stronger.user.is_none()),
                host: host.clone(),
                port: port.filter(|_| stronger.port.is_none()),
            },
            (_, target) => target.clone(),
        }
    }

    fn connection(&self) -> Connection {
        self.inventory.map(|(inventory, node)| inventory.connection(node)).unwrap_or_default()
    }
}

fn argument<'a>(text: &str, without_inventory: bool) -> Result<Candidate<'a>, Error> {
    let (name, target) = Target::named(text).map_err(|error| {
        // Somebody wants one node of the inventory.
        match without_inventory || text.contains("://") {
            true => error,
            false => error.hint(format!("--nodes {text} takes the node of this name from the inventory")),
        }
    })?;
    let name: Arc<str> = match name.or_else(|| target.default_name()) {
        Some(name) => name.into(),
        None => host_name(),
    };
    refuse_name(&name).map_err(|why| {
        Error::usage(format!("-t {text}: the name of the node {name:?} {why}")).hint("write NAME=URI with a plain name")
    })?;
    Ok(Candidate::new(name, target, Source::Argument(text.to_string())))
}

fn of_inventory(inventory: &Inventory) -> impl Iterator<Item = Candidate<'_>> {
    inventory.nodes.iter().map(move |(name, node)| Candidate {
        name: name.clone(),
        target: node.target.clone(),
        groups: node
            .groups
            .iter()
            .filter_map(|group| inventory.groups.get_index(*group))
            .map(|(name, _)| name.clone())
            .collect(),
        source: Source::Written(node.place.clone()),
        inventory: Some((inventory, node)),
    })
}

/// The name of this machine: uname(2).
pub fn host_name() -> Arc<str> {
    match rustix::system::uname().nodename().to_str() {
        Ok(name) if !name.is_empty() => name.into(),
        _ => "localhost".into(),
    }
}

fn twice(found: &[Candidate<'_>]) -> Vec<Error> {
    let mut first: HashMap<&str, &Source> = HashMap::new();
    let mut errors = Vec::new();
    for candidate in found {
        match first.entry(&candidate.name) {
            Entry::Vacant(entry) => {
                entry.insert(&candidate.source);
            }
            Entry::Occupied(entry) => {
                let message = format!(
                    "two nodes are called {}: {} and {}",
                    candidate.name,
                    entry.get().describe(),
                    candidate.source.describe()
                );
                errors.push(Error::usage(message).hint("give one of them another name: -t NAME=URI"));
            }
        }
    }
    errors
}

/// Reads each secret once a run.
struct Vault<'a> {
    environment: Environment<'a>,
    prompt: Option<&'a Prompt>,
    known: HashMap<String, Secret>,
}

impl Vault<'_> {
    fn read(&mut self, source: &SecretSource) -> Result<Secret, Error> {
        let key = match source {
            SecretSource::Given(secret) => format!("={}", secret.reveal()),
            SecretSource::Variable(variable, _) => format!("${variable}"),
            SecretSource::File(path, _) => format!("@{}", path.display()),
            SecretSource::Prompt(text, _) => format!("?{text}"),
        };
        if let Some(secret) = self.known.get(&key) {
            return Ok(secret.clone());
        }
        let secret = source.read(self.environment, self.prompt)?;
        self.known.insert(key, secret.clone());
        Ok(secret)
    }
}

/// The assignments of groups, made once for all their nodes.
#[derive(Default)]
struct Layers {
    groups: HashMap<(PathBuf, usize), Option<Arc<[Assignment]>>>,
}

impl Layers {
    fn of(&mut self, candidate: &Candidate<'_>, errors: &mut Vec<Error>) -> Vec<Arc<[Assignment]>> {
        let Some((inventory, node)) = candidate.inventory else { return Vec::new() };
        let mut read = |attributes: &Option<Attributes>, layer: Layer| -> Option<Arc<[Assignment]>> {
            match from_inventory(attributes.as_ref()?, layer) {
                Ok(assignments) if assignments.is_empty() => None,
                Ok(assignments) => Some(assignments.into()),
                Err(found) => {
                    errors.extend(found);
                    None
                }
            }
        };
        let mut layers = Vec::new();
        for number in &node.groups {
            let group = self.groups.entry((inventory.file.clone(), *number));
            let said = group.or_insert_with(|| {
                let (_, group) = inventory.groups.get_index(*number)?;
                read(&group.attributes, Layer::Group)
            });
            layers.extend(said.clone());
        }
        layers.extend(read(&node.attributes, Layer::Node));
        layers
    }
}
