//! From what files say of nodes and groups to the groups of each node, in their order.

use super::ansible::{self, Said};
use super::{ALL, Attributes, Connection, Group, Inventory, Node};
use crate::error::{Error, Place, did_you_mean};
use crate::target::Target;
use crate::yaml::Document;
use indexmap::IndexMap;
use std::path::Path;
use std::sync::Arc;

/// A name in a list, and where it stands.
pub type Listed = (String, Place);

/// What is said of nodes and groups before any name was looked up.
#[derive(Debug, Default)]
pub struct Draft {
    pub nodes: IndexMap<Arc<str>, DraftNode>,
    pub groups: IndexMap<Arc<str>, DraftGroup>,
    /// The texts whose lines errors show.
    pub documents: Vec<Arc<Document>>,
    pub notes: Vec<String>,
    /// What was wrong while it was read, told together with names that are not there.
    pub errors: Vec<Error>,
    /// What to do where there are no nodes.
    pub remedy: Option<String>,
    /// Whether a program has not said what holds of single hosts.
    pub lacks_hosts: bool,
    /// Whether a source says that there may be none.
    pub may_be_empty: bool,
}

#[derive(Debug)]
pub struct DraftNode {
    pub place: Place,
    pub target: Target,
    /// The groups it lists itself.
    pub groups: Vec<Listed>,
    pub attributes: Option<Attributes>,
    pub connection: Connection,
    /// The variables of a host of Ansible, which make up its target.
    pub ansible: Option<Said>,
}

#[derive(Debug)]
pub struct DraftGroup {
    pub place: Place,
    pub nodes: Vec<Listed>,
    pub children: Vec<Listed>,
    pub attributes: Option<Attributes>,
    pub connection: Connection,
    pub ansible: Said,
}

impl DraftNode {
    /// A node that is asked over SSH by its name, of which nothing else is said.
    pub fn new(name: &str, place: Place) -> DraftNode {
        DraftNode {
            place,
            target: Target::Ssh { user: None, host: name.to_string(), port: None },
            groups: Vec::new(),
            attributes: None,
            connection: Connection::default(),
            ansible: None,
        }
    }
}

impl DraftGroup {
    /// A group of which nothing is said.
    pub fn new(place: Place) -> DraftGroup {
        DraftGroup {
            place,
            nodes: Vec::new(),
            children: Vec::new(),
            attributes: None,
            connection: Connection::default(),
            ansible: Said::default(),
        }
    }
}

impl Draft {
    /// A group, which is there from now on.
    pub fn group(&mut self, name: &str, place: &Place) -> &mut DraftGroup {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.into(), DraftGroup::new(place.clone()));
        }
        &mut self.groups[name]
    }

    /// An error at a place, with the line where its text is at hand.
    fn error(&self, place: &Place, message: String) -> Error {
        match self.documents.iter().find(|document| document.file() == place.file) {
            Some(document) => document.error(place, message),
            None => Error::usage(message).at(place.clone()),
        }
    }
}

/// Looks up every name and orders the groups; `file` is what the inventory is called.
///
/// # Errors
/// Those of the draft, names in lists that are not there, groups that are their own ancestors, and what is wrong
/// with variables of Ansible.
pub fn assemble(mut draft: Draft, file: &Path) -> Result<Inventory, Vec<Error>> {
    if !draft.groups.contains_key(ALL) {
        draft.groups.insert(ALL.into(), DraftGroup::new(Place::file(file)));
    }
    let at = draft.groups.get_index_of(ALL).unwrap_or(0);
    draft.groups.move_index(at, 0);

    let mut errors = std::mem::take(&mut draft.errors);
    let unknown = |(name, place): &Listed, kind: &str, remedy: String| {
        draft.error(place, format!("there is no {kind} {name} in the inventory")).hint(remedy)
    };
    let no_group = |listed: &Listed| {
        let names = draft.groups.keys().map(|name| &**name).filter(|name| *name != ALL);
        unknown(
            listed,
            "group",
            match crate::error::nearest(&listed.0, names) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("declare it under groups: `{}:`", listed.0),
            },
        )
    };

    // The groups that name a group as a child, and the groups of each node.
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); draft.groups.len()];
    let mut direct: Vec<Vec<usize>> = vec![Vec::new(); draft.nodes.len()];
    for (direct, node) in direct.iter_mut().zip(draft.nodes.values()) {
        for listed in &node.groups {
            match draft.groups.get_index_of(&*listed.0) {
                Some(group) => direct.push(group),
                None => errors.push(no_group(listed)),
            }
        }
    }
    for (number, group) in draft.groups.values().enumerate() {
        for listed in &group.nodes {
            match draft.nodes.get_index_of(&*listed.0) {
                Some(node) => direct[node].push(number),
                None => {
                    let names = draft.nodes.keys().map(|name| &**name);
                    errors.push(unknown(listed, "node", did_you_mean_some(&listed.0, names)));
                }
            }
        }
        for listed in &group.children {
            match draft.groups.get_index_of(&*listed.0) {
                Some(0) => errors.push(draft.error(&listed.1, "the group all is in no other group".to_string())),
                Some(child) if parents[child].contains(&number) => {}
                Some(child) => parents[child].push(number),
                None => errors.push(no_group(listed)),
            }
        }
    }
    if let Some(cycle) = cycle(&parents) {
        let names: Vec<&str> =
            cycle.iter().filter_map(|group| draft.groups.get_index(*group)).map(|(name, _)| &**name).collect();
        let place = draft.groups[cycle[0]].place.clone();
        errors.push(
            draft
                .error(&place, format!("groups are in each other: {}", names.join(" in ")))
                .hint("take one of them out of the other's children"),
        );
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let order = ansible::Order::new(&draft.groups, &parents);
    let groups: Vec<Vec<usize>> = draft
        .nodes
        .values()
        .zip(&direct)
        .map(|(node, direct)| match node.ansible {
            Some(_) => order.sorted(ordered(direct, &parents)),
            None => ordered(direct, &parents),
        })
        .collect();
    let mut notes = std::mem::take(&mut draft.notes);
    ansible::settle(&mut draft, &groups, &mut notes, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let Draft { nodes, groups: drafts, .. } = draft;
    let all_groups = drafts.values().map(|group| group.ansible.clone()).collect::<Vec<_>>();
    let nodes = nodes.into_iter().zip(groups).map(|((name, node), groups)| {
        let DraftNode { place, target, attributes, connection, ansible, .. } = node;
        let variables = ansible.map(|said| said.layers(groups.iter().map(|group| &all_groups[*group])));
        let variables = variables.unwrap_or_default();
        (name, Node { place, target, groups, attributes, connection, variables })
    });
    let nodes = nodes.collect();
    let groups = drafts.into_iter().zip(parents).map(|((name, group), parents)| {
        let DraftGroup { place, attributes, connection, .. } = group;
        (name, Group { place, parents, attributes, connection })
    });
    let groups = groups.collect();
    Ok(Inventory { file: file.to_path_buf(), nodes, groups, notes })
}

/// The nearest name; where none is near, the names only if they can be read at a glance.
fn did_you_mean_some<'a>(word: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match crate::error::nearest(word, names.clone()) {
        None if names.clone().count() > 10 => "the nodes stand under nodes".to_string(),
        _ => did_you_mean(word, names),
    }
}

/// `all`, then the groups a node is in, each after its parents, else in the order of `direct`.
pub fn ordered(direct: &[usize], parents: &[Vec<usize>]) -> Vec<usize> {
    let mut order = vec![0];
    let mut written = vec![false; parents.len()];
    written[0] = true;
    // A path through the parents; a group is written down when its parents are.
    let mut path: Vec<(usize, usize)> = Vec::new();
    for group in direct {
        path.push((*group, 0));
        while let Some((group, next)) = path.last_mut() {
            let parent = parents[*group].get(*next).copied();
            *next += 1;
            match parent {
                Some(parent) if !written[parent] => path.push((parent, 0)),
                Some(_) => {}
                None => {
                    if !written[*group] {
                        written[*group] = true;
                        order.push(*group);
                    }
                    path.pop();
                }
            }
        }
    }
    order
}

/// Groups of which each is in the next and the last is the first again, if there are any.
fn cycle(parents: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut done = vec![false; parents.len()];
    for start in 0..parents.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((group, next)) = path.last_mut() {
            let group = *group;
            let parent = if done[group] { None } else { parents[group].get(*next).copied() };
            *next += 1;
            match parent {
                Some(parent) => {
                    if let Some(at) = path.iter().position(|(on_path, _)| *on_path == parent) {
                        let mut found: Vec<usize> = path[at..].iter().map(|(group, _)| *group).collect();
                        found.push(parent);
                        return Some(found);
                    }
                    path.push((parent, 0));
                }
                None => {
                    done[group] = true;
                    path.pop();
                }
            }
        }
    }
    None
}
