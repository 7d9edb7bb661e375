//! The variables of hosts and groups of Ansible, and in what order they hold.

use super::super::groups::{Draft, DraftGroup};
use super::super::{ALL, Attributes};
use super::variables::{self, Variables};
use crate::error::{Error, Place};
use crate::yaml::{Data, Document, Located, Map};
use indexmap::IndexMap;
use std::sync::Arc;

/// The variable that holds the attributes.
pub const ATTRIBUTES: &str = "probity_attributes";

/// The group of the hosts that are in no other.
pub const UNGROUPED: &str = "ungrouped";

/// What is said of one host or group.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// In the inventory itself.
    pub inventory: Arc<Map>,
    /// In files of `group_vars` or `host_vars`.
    pub files: Arc<Map>,
    /// `ansible_group_priority`, which is no variable.
    pub priority: Option<i64>,
}

impl Said {
    /// What the inventory itself says.
    pub fn new(inventory: Map) -> Said {
        let mut said = Said::default();
        said.add(inventory);
        said
    }

    /// Adds variables of the inventory, which win over those that are there.
    pub fn add(&mut self, more: Map) {
        let map = Arc::make_mut(&mut self.inventory);
        for (name, field) in more {
            match (name.as_str(), &field.value.value) {
                ("ansible_group_priority", Data::Int(number)) => self.priority = Some(*number),
                _ => drop(map.insert(name, field)),
            }
        }
    }

    /// All layers of a host that says this, the weakest first, by Ansible's documentation
    /// ("Understanding variable precedence"): what inventories say of groups, what files say
    /// of groups, then the host's own.
    pub fn layers<'a>(&self, groups: impl Iterator<Item = &'a Said> + Clone) -> Vec<Arc<Map>> {
        let inventories = groups.clone().map(|group| &group.inventory);
        let files = groups.map(|group| &group.files);
        let own = [&self.inventory, &self.files];
        inventories.chain(files).chain(own).filter(|map| !map.is_empty()).cloned().collect()
    }
}

/// The order of the groups of a host, by Ansible's documentation ("How variables are merged"):
/// by depth, then by priority, then by name.
pub struct Order(Vec<usize>);

impl Order {
    pub fn new(groups: &IndexMap<Arc<str>, DraftGroup>, parents: &[Vec<usize>]) -> Order {
        let depths = depths(parents);
        let key = |number: &usize| {
            let (name, group) = groups.get_index(*number)?;
            let depth = if &**name == ALL { 0 } else { depths[*number] };
            Some((depth, group.ansible.priority.unwrap_or(1), name.clone()))
        };
        let mut numbers: Vec<usize> = (0..groups.len()).collect();
        numbers.sort_by_cached_key(key);
        let mut ranks = vec![0; numbers.len()];
        for (rank, number) in numbers.into_iter().enumerate() {
            ranks[number] = rank;
        }
        Order(ranks)
    }

    pub fn sorted(&self, mut groups: Vec<usize>) -> Vec<usize> {
        groups.sort_by_key(|group| self.0[*group]);
        groups
    }
}

/// How deep each group is below `all`, by the longest way.
fn depths(parents: &[Vec<usize>]) -> Vec<usize> {
    let mut depths = vec![0; parents.len()];
    for start in 0..parents.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((group, next)) = path.last_mut() {
            let (group, parent) = (*group, parents[*group].get(*next).copied());
            *next += 1;
            match parent {
                Some(parent) if depths[parent] == 0 => path.push((parent, 0)),
                Some(_) => {}
                None => {
                    depths[group] = 1 + parents[group].iter().map(|parent| depths[*parent]).max().unwrap_or(0);
                    path.pop();
                }
            }
        }
    }
    depths
}

/// Turns variables into targets, ways to reach them, and attributes. `groups` are those of each
/// node, the weakest first.
pub fn settle(draft: &mut Draft, groups: &[Vec<usize>], notes: &mut Vec<String>, errors: &mut Vec<Error>) {
    let Draft { nodes, groups: drafts, documents, .. } = draft;
    for (name, group) in drafts.iter_mut() {
        match attributes(documents, "group", name, &group.ansible) {
            Ok(Some(found)) => group.attributes = Some(found),
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    let mut counted: IndexMap<String, Vec<Arc<str>>> = IndexMap::new();
    for ((name, node), groups) in nodes.iter_mut().zip(groups) {
        let Some(said) = &node.ansible else { continue };
        match attributes(documents, "host", name, said) {
            Ok(found) => node.attributes = found,
            Err(error) => errors.push(error),
        }
        let layers = said.layers(groups.iter().map(|group| &drafts[*group].ansible));
        let mut variables = Variables::new(name, &node.place.file);
        layers.iter().for_each(|layer| variables.add(layer));
        match variables.connection() {
            Ok((target, connection)) => {
                node.target = target;
                node.connection = connection;
            }
            Err(error) => errors.push(error),
        }
        for note in variables.notes() {
            counted.entry(note).or_default().push(name.clone());
        }
    }
    notes.extend(counted.iter().map(|(note, nodes)| format!("{note} ({})", shortened(nodes))));
}

/// `web1`, `web1 and 3 more`.
fn shortened(nodes: &[Arc<str>]) -> String {
    match nodes {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn attributes(documents: &[Arc<Document>], kind: &str, name: &str, said: &Said) -> Result<Option<Attributes>, Error> {
    let Some(field) = said.files.get(ATTRIBUTES).or_else(|| said.inventory.get(ATTRIBUTES)) else { return Ok(None) };
    let wrong =
        |what: &str| Err(Error::usage(format!("{ATTRIBUTES} of {kind} {name} {what}")).at(field.value.place.clone()));
    if variables::has_vault(&field.value) {
        return wrong("is encrypted with ansible-vault");
    }
    match &field.value.value {
        Data::Null => Ok(None),
        Data::Map(_) => Ok(Some(Attributes {
            document: document(documents, &field.value.place),
            values: field.value.clone(),
            owner: field.value.place.line.is_none().then(|| format!("{kind} {name}").into()),
        })),
        _ => wrong(&format!("is {}, not an object", field.value.type_name())),
    }
}

/// The text a value comes from. One that is no YAML has no lines that errors could show.
fn document(documents: &[Arc<Document>], place: &Place) -> Arc<Document> {
    let found = documents.iter().find(|document| document.file() == place.file);
    found.cloned().unwrap_or_else(|| Arc::new(Document::of(Located::new(Data::Null, place.clone()))))
}
