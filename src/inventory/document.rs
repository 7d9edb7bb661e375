//! Probity's own inventory, in YAML.

use super::groups::{Draft, DraftGroup, DraftNode, Listed};
use super::{ALL, Attributes, Connection, refuse_name, transport};
use crate::error::Error;
use crate::target::Target;
use crate::yaml::{Data, Document, Field, Located};
use std::sync::Arc;

const KEYS: [&str; 2] = ["nodes", "groups"];
const NODE: [&str; 4] = ["target", "groups", "attributes", "transport"];
const GROUP: [&str; 4] = ["nodes", "children", "attributes", "transport"];

/// Reads such an inventory. What is wrong is among the draft's errors.
pub fn read(document: Arc<Document>) -> Draft {
    let mut draft = Draft { documents: vec![document.clone()], ..Draft::default() };
    let root = document.root.clone();
    let mut reader = Reader { document, errors: Vec::new() };
    if !root.is_null() {
        reader.root(&root, &mut draft);
    }
    draft.errors = reader.errors;
    draft
}

struct Reader {
    document: Arc<Document>,
    errors: Vec<Error>,
}

impl Reader {
    fn root(&mut self, root: &Located, draft: &mut Draft) {
        let document = self.document.clone();
        let fields = match document.fields(root, "the inventory", &KEYS) {
            Ok(fields) => fields,
            Err(error) => return self.errors.push(error),
        };
        if let Some(nodes) = fields.get("nodes") {
            for (name, field) in self.entries("nodes", &nodes.value) {
                if self.takes_name("node", name, field) {
                    let node = self.node(name, field);
                    draft.nodes.insert(name.as_str().into(), node);
                }
            }
        }
        if let Some(groups) = fields.get("groups") {
            for (name, field) in self.entries("groups", &groups.value) {
                if !self.takes_name("group", name, field) {
                    continue;
                }
                if draft.nodes.contains_key(name.as_str()) {
                    let error = document.error(&field.key, format!("{name} is the name of a node and of a group"));
                    self.errors.push(error.hint("--nodes takes both by their names: rename one of them"));
                }
                let group = self.group(name, field);
                draft.groups.insert(name.as_str().into(), group);
            }
        }
    }

    fn wrong(&mut self, value: &Located, message: String) {
        let error = self.document.error(&value.place, message);
        self.errors.push(error);
    }

    /// The entries of a map that may be left empty.
    fn entries<'a>(&mut self, key: &str, value: &'a Located) -> Vec<(&'a String, &'a Field)> {
        match &value.value {
            Data::Null => Vec::new(),
            Data::Map(map) => map.iter().collect(),
            _ => {
                self.wrong(value, format!("{key} is a map of names, not {}", value.type_name()));
                Vec::new()
            }
        }
    }

    fn takes_name(&mut self, kind: &str, name: &str, field: &Field) -> bool {
        match refuse_name(name) {
            Ok(()) => true,
            Err(why) => {
                let error = self.document.error(&field.key, format!("the name of the {kind} {name:?} {why}"));
                self.errors.push(error.hint("a name is made of letters, digits, dots, dashes and the like"));
                false
            }
        }
    }

    fn node(&mut self, name: &str, field: &Field) -> DraftNode {
        let document = self.document.clone();
        let mut node = DraftNode::new(name, field.key.clone());
        let value = &field.value;
        let target = match &value.value {
            Data::Null => None,
            Data::Map(_) => match document.fields(value, &format!("node {name}"), &NODE) {
                Ok(fields) => {
                    if let Some(groups) = fields.get("groups") {
                        node.groups = self.names("groups", &groups.value);
                    }
                    node.attributes = fields.get("attributes").and_then(|field| self.attributes(&field.value));
                    node.connection =
                        fields.get("transport").map(|field| self.transport(&field.value)).unwrap_or_default();
                    fields.get("target").map(|field| &field.value).filter(|target| !target.is_null())
                }
                Err(error) => {
                    self.errors.push(error);
                    return node;
                }
            },
            _ => Some(value),
        };
        match target {
            Some(written) => match written.as_str().map(str::parse::<Target>) {
                Some(Ok(target)) => node.target = target,
                Some(Err(error)) => {
                    // A password may stand in the URI: no source line.
                    self.errors.push(error.at(written.place.clone()));
                }
                None => self.wrong(written, format!("the target of {name} is {}, not a URI", written.type_name())),
            },
            // The name is the host, as a name without a target is in other tools.
            None => match format!("ssh://{name}").parse() {
                Ok(target) => node.target = target,
                Err(_) => {
                    let error =
                        document.error(&field.key, format!("node {name} has no target, and its name is no host"));
                    self.errors.push(error.hint("write target: ssh://HOST"));
                }
            },
        }
        if let Target::Ssh { user, port, .. } = &node.target {
            for (key, twice) in [
                ("user", user.is_some() && node.connection.user.is_some()),
                ("port", port.is_some() && node.connection.port.is_some()),
            ] {
                if twice {
                    let error = document
                        .error(&field.key, format!("node {name} has a {key} in its target and one in transport"));
                    self.errors.push(error.hint("leave one of them out"));
                }
            }
        }
        node
    }

    fn group(&mut self, name: &str, field: &Field) -> DraftGroup {
        let document = self.document.clone();
        let mut group = DraftGroup::new(field.key.clone());
        if field.value.is_null() {
            return group;
        }
        let fields = match document.fields(&field.value, &format!("group {name}"), &GROUP) {
            Ok(fields) => fields,
            Err(error) => {
                self.errors.push(error);
                return group;
            }
        };
        if name == ALL {
            for key in ["nodes", "children"] {
                if let Some(listed) = fields.get(key) {
                    let error = document.error(&listed.key, format!("the group all lists its {key}"));
                    self.errors.push(error.hint("every node and group is in it: leave the list out"));
                }
            }
        } else {
            if let Some(nodes) = fields.get("nodes") {
                group.nodes = self.names("nodes", &nodes.value);
            }
            if let Some(children) = fields.get("children") {
                group.children = self.names("children", &children.value);
            }
        }
        group.attributes = fields.get("attributes").and_then(|field| self.attributes(&field.value));
        group.connection = fields.get("transport").map(|field| self.transport(&field.value)).unwrap_or_default();
        group
    }

    /// A list of names; a name twice in it is one.
    fn names(&mut self, key: &str, value: &Located) -> Vec<Listed> {
        let items = match &value.value {
            Data::Null => return Vec::new(),
            Data::List(items) => items,
            _ => {
                self.wrong(value, format!("{key} is a list of names, not {}", value.type_name()));
                return Vec::new();
            }
        };
        let mut names: Vec<Listed> = Vec::new();
        for item in items {
            match item.text() {
                Some(name) => names.push((name.to_string(), item.place.clone())),
                None => self.wrong(item, format!("{key} is a list of names, and this is {}", item.type_name())),
            }
        }
        names
    }

    fn attributes(&mut self, value: &Located) -> Option<Attributes> {
        match &value.value {
            Data::Null => None,
            Data::Map(map) if map.is_empty() => None,
            Data::Map(_) => Some(Attributes { document: self.document.clone(), values: value.clone(), owner: None }),
            _ => {
                self.wrong(value, format!("attributes are a map of names to values, not {}", value.type_name()));
                None
            }
        }
    }

    fn transport(&mut self, value: &Located) -> Connection {
        transport::read(&self.document, value).unwrap_or_else(|errors| {
            self.errors.extend(errors);
            Connection::default()
        })
    }
}
