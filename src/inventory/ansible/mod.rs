//! Ansible's inventory JSON: what `ansible-inventory --list` and inventory scripts print
//! (Ansible's developer guide, "Developing dynamic inventory").
//!
//! Connection variables become transport options, `probity_attributes` the attributes; every
//! other variable is Ansible's own business.

mod arguments;
mod json;
mod variables;

use super::groups::{Draft, DraftGroup, DraftNode, Listed, assemble};
use super::{ALL, Attributes, Connection, Inventory, refuse_name};
use crate::error::{Error, Place};
use crate::target::Target;
use crate::yaml::{Data, Document, Located, Map};
use indexmap::IndexMap;
use std::path::Path;
use std::sync::Arc;
use variables::Variables;

/// The variable that holds the attributes.
const ATTRIBUTES: &str = "probity_attributes";

/// Reads such an inventory.
///
/// # Errors
/// Everything that is wrong with it; without lines, since a program wrote it.
pub fn read(file: &Path, text: &[u8]) -> Result<Inventory, Vec<Error>> {
    let (document, root) = json::read(file, text).map_err(|error| vec![error])?;
    let Data::Map(entries) = &root.value else {
        return Err(vec![Error::usage("the inventory is no JSON object").in_file(file)]);
    };
    let mut reader = Reader { place: Place::file(file), document, errors: Vec::new(), draft: Draft::default() };
    let mut host_variables: IndexMap<&str, &Map> = IndexMap::new();
    for (name, field) in entries {
        match name.as_str() {
            "_meta" => reader.meta(&field.value, &mut host_variables),
            _ => reader.group(name, &field.value),
        }
    }
    reader.add_missing(entries);
    let Reader { document, mut errors, draft, .. } = reader;
    let mut inventory = match assemble(draft, &document) {
        Ok(inventory) => inventory,
        Err(more) => {
            errors.extend(more);
            return Err(errors);
        }
    };
    let mut notes: IndexMap<String, Vec<Arc<str>>> = IndexMap::new();
    connect(&mut inventory, entries, &host_variables, &mut errors, &mut notes);
    inventory.notes = notes.iter().map(|(note, nodes)| format!("{note} ({})", counted(nodes))).collect();
    if !entries.contains_key("_meta") {
        inventory.notes.push("it has no _meta.hostvars: what is said of single hosts is not known".to_string());
    }
    if errors.is_empty() { Ok(inventory) } else { Err(errors) }
}

/// `web1`, `web1 and 3 more`.
fn counted(nodes: &[Arc<str>]) -> String {
    match nodes {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// Turns the variables of each node, its groups' below its own, into how it is reached.
fn connect(
    inventory: &mut Inventory,
    entries: &Map,
    host_variables: &IndexMap<&str, &Map>,
    errors: &mut Vec<Error>,
    notes: &mut IndexMap<String, Vec<Arc<str>>>,
) {
    let Inventory { file, nodes, groups, .. } = inventory;
    let of_group = |name: &str| entries.get(name)?.value.as_map()?.get("vars")?.value.as_map();
    for (name, node) in nodes.iter_mut() {
        let mut variables = Variables::new(name, file);
        for group in &node.groups {
            if let Some(map) = groups.get_index(*group).and_then(|(group, _)| of_group(group)) {
                variables.add(map);
            }
        }
        if let Some(map) = host_variables.get(&**name) {
            variables.add(map);
        }
        match variables.connection() {
            Ok((target, connection)) => {
                node.target = target;
                node.connection = connection;
            }
            Err(error) => errors.push(error.in_file(file)),
        }
        for note in variables.notes() {
            notes.entry(note).or_default().push(name.clone());
        }
    }
}

struct Reader {
    place: Place,
    document: Arc<Document>,
    errors: Vec<Error>,
    draft: Draft,
}

impl Reader {
    fn wrong(&mut self, message: String) {
        self.errors.push(Error::usage(message).at(self.place.clone()));
    }

    fn takes_name(&mut self, kind: &str, name: &str) -> bool {
        match refuse_name(name) {
            Ok(()) => true,
            Err(why) => {
                self.wrong(format!("the name of the {kind} {name:?} {why}"));
                false
            }
        }
    }

    fn node(&mut self, name: &str) -> Option<&mut DraftNode> {
        if !self.draft.nodes.contains_key(name) {
            if !self.takes_name("host", name) {
                return None;
            }
            let node = DraftNode {
                place: self.place.clone(),
                target: Target::Ssh { user: None, host: name.to_string(), port: None },
                groups: Vec::new(),
                attributes: None,
                connection: Connection::default(),
            };
            self.draft.nodes.insert(name.into(), node);
        }
        self.draft.nodes.get_mut(name)
    }

    fn meta<'a>(&mut self, meta: &'a Located, variables: &mut IndexMap<&'a str, &'a Map>) {
        let Some(hosts) = meta.as_map().and_then(|meta| meta.get("hostvars")) else { return };
        let Some(hosts) = hosts.value.as_map() else {
            return self.wrong("_meta.hostvars is no object".to_string());
        };
        for (name, field) in hosts {
            match field.value.as_map() {
                Some(map) => {
                    variables.insert(name, map);
                    let attributes = self.attributes("host", name, map);
                    if let Some(node) = self.node(name) {
                        node.attributes = attributes;
                    }
                }
                None if field.value.is_null() => {
                    self.node(name);
                }
                None => self.wrong(format!("_meta.hostvars of {name} is {}, not an object", field.value.type_name())),
            }
        }
    }

    fn group(&mut self, name: &str, value: &Located) {
        if !self.takes_name("group", name) {
            return;
        }
        let mut group = empty(&self.place);
        match &value.value {
            Data::Null => {}
            // The old style: a list of hosts.
            Data::List(_) => group.nodes = self.names(&format!("group {name}"), value),
            Data::Map(map) => {
                if let Some(hosts) = map.get("hosts") {
                    group.nodes = self.names(&format!("hosts of group {name}"), &hosts.value);
                }
                if let Some(children) = map.get("children") {
                    group.children = self.names(&format!("children of group {name}"), &children.value);
                }
                if let Some(variables) = map.get("vars") {
                    match variables.value.as_map() {
                        Some(map) => group.attributes = self.attributes("group", name, map),
                        None if variables.value.is_null() => {}
                        None => self.wrong(format!("vars of group {name} is no object")),
                    }
                }
            }
            _ => self.wrong(format!("group {name} is {}, not an object", value.type_name())),
        }
        if name == ALL {
            // Everything is in it, whatever it lists.
            let listed = std::mem::take(&mut group.nodes);
            group.children.clear();
            for (node, _) in listed {
                self.node(&node);
            }
        }
        self.draft.groups.insert(name.into(), group);
    }

    /// Hosts and groups that are named and described nowhere: as Ansible, they are there.
    fn add_missing(&mut self, entries: &Map) {
        let groups = &self.draft.groups;
        let nodes: Vec<String> = groups.values().flat_map(|group| &group.nodes).map(|(name, _)| name.clone()).collect();
        let mut children: Vec<String> =
            groups.values().flat_map(|group| &group.children).map(|(name, _)| name.clone()).collect();
        if let Some(all) = entries.get(ALL).and_then(|all| all.value.as_map()?.get("children")) {
            children.extend(
                all.value.as_list().unwrap_or_default().iter().filter_map(|item| item.text().map(str::to_string)),
            );
        }
        for name in nodes {
            self.node(&name);
        }
        for name in children {
            if !self.draft.groups.contains_key(&*name) && self.takes_name("group", &name) {
                let group = empty(&self.place);
                self.draft.groups.insert(name.into(), group);
            }
        }
    }

    fn names(&mut self, what: &str, value: &Located) -> Vec<Listed> {
        let items = match &value.value {
            Data::Null => return Vec::new(),
            Data::List(items) => items,
            _ => {
                self.wrong(format!("{what} is {}, not a list of names", value.type_name()));
                return Vec::new();
            }
        };
        let mut names = Vec::new();
        for item in items {
            match item.as_str() {
                // A name that is refused is refused once.
                Some(name) if refuse_name(name).is_err() => {
                    self.takes_name("entry", name);
                }
                Some(name) => names.push((name.to_string(), item.place.clone())),
                None => self.wrong(format!("{what} is a list of names, and one is {}", item.type_name())),
            }
        }
        names
    }

    fn attributes(&mut self, kind: &str, name: &str, variables: &Map) -> Option<Attributes> {
        let field = variables.get(ATTRIBUTES)?;
        if variables::has_vault(&field.value) {
            self.wrong(format!("{ATTRIBUTES} of {kind} {name} is encrypted with ansible-vault"));
            return None;
        }
        match &field.value.value {
            Data::Null => None,
            Data::Map(_) => Some(Attributes {
                document: self.document.clone(),
                values: field.value.clone(),
                owner: Some(format!("{kind} {name}").into()),
            }),
            _ => {
                self.wrong(format!("{ATTRIBUTES} of {kind} {name} is {}, not an object", field.value.type_name()));
                None
            }
        }
    }
}

fn empty(place: &Place) -> DraftGroup {
    DraftGroup {
        place: place.clone(),
        nodes: Vec::new(),
        children: Vec::new(),
        attributes: None,
        connection: Connection::default(),
    }
}
