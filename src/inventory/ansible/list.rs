//! Ansible's inventory JSON: what `ansible-inventory --list` and inventory scripts print
//! (Ansible's developer guide, "Developing dynamic inventory").

use super::super::groups::{Draft, DraftGroup, DraftNode, Listed};
use super::super::{ALL, refuse_name};
use super::Said;
use crate::error::{Error, Place};
use crate::yaml::{Data, Located, Map};

/// Reads such an inventory.
///
/// # Errors
/// It is no object. What else is wrong is among the draft's errors.
pub fn read(root: &Located) -> Result<Draft, Vec<Error>> {
    let mut reader = Reader { place: root.place.clone(), errors: Vec::new(), draft: Draft::default() };
    let Data::Map(entries) = &root.value else {
        return Err(vec![Error::usage("the inventory is no JSON object").at(root.place.clone())]);
    };
    for (name, field) in entries {
        match name.as_str() {
            "_meta" => reader.meta(&field.value),
            _ => reader.group(name, &field.value),
        }
    }
    reader.add_missing(entries);
    reader.draft.lacks_hosts = !entries.contains_key("_meta");
    super::group_the_rest(&mut reader.draft);
    let Reader { errors, mut draft, .. } = reader;
    draft.errors = errors;
    Ok(draft)
}

/// Adds what a program prints of one host, an object of variables.
///
/// # Errors
/// It is no object.
pub fn add_host(draft: &mut Draft, name: &str, printed: &Located) -> Result<(), Error> {
    let said = draft.nodes.get_mut(name).and_then(|node| node.ansible.as_mut());
    match (&printed.value, said) {
        (Data::Map(map), Some(said)) => said.add(map.clone()),
        (Data::Map(_) | Data::Null, _) => {}
        _ => {
            let what = format!("prints {} of {name}, not an object", printed.type_name());
            return Err(Error::usage(what).at(printed.place.clone()));
        }
    }
    Ok(())
}

/// The note where that cannot be asked.
pub const LACKING: &str = "it has no _meta.hostvars: what is said of single hosts is not known";

struct Reader {
    place: Place,
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
            let node = DraftNode { ansible: Some(Said::default()), ..DraftNode::new(name, self.place.clone()) };
            self.draft.nodes.insert(name.into(), node);
        }
        self.draft.nodes.get_mut(name)
    }

    fn meta(&mut self, meta: &Located) {
        let Some(hosts) = meta.as_map().and_then(|meta| meta.get("hostvars")) else { return };
        let Some(hosts) = hosts.value.as_map() else {
            return self.wrong("_meta.hostvars is no object".to_string());
        };
        for (name, field) in hosts {
            match field.value.as_map() {
                Some(map) => {
                    if let Some(node) = self.node(name) {
                        node.ansible = Some(Said::new(map.clone()));
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
        let mut group = DraftGroup::new(self.place.clone());
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
                        Some(map) => group.ansible = Said::new(map.clone()),
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
                self.draft.groups.insert(name.into(), DraftGroup::new(self.place.clone()));
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
}
