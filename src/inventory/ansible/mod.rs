//! Ansible's inventories.
//!
//! Connection variables become transport options, `probity_attributes` the attributes; every
//! other variable is Ansible's own business.

mod arguments;
mod files;
mod ini;
mod list;
mod literal;
mod range;
mod said;
mod variables;
mod yaml;

pub use arguments::words;
pub use files::add as add_files;
pub use ini::read as read_ini;
pub use list::{LACKING, add_host, read as read_list};
pub use said::{Order, Said, settle};
pub use yaml::{document as yaml_document, is_one as is_yaml, read as read_yaml};

use super::groups::{Draft, DraftNode};
use super::{ALL, refuse_name};
use crate::error::Place;
use crate::yaml::{Data, Field, Located, Map};
use said::UNGROUPED;
use std::collections::HashSet;

/// The name of a host or group, if it can be one.
pub fn take_name<'a>(kind: &str, name: &'a str) -> Result<&'a str, String> {
    refuse_name(name).map_err(|why| format!("the name of the {kind} {name:?} {why}"))?;
    Ok(name)
}

/// Adds the hosts of a pattern to a group.
fn take_host(draft: &mut Draft, group: &str, pattern: &str, variables: Map, place: &Place) -> Result<(), String> {
    let (hosts, port) = range::hosts(pattern).map_err(|what| format!("the host {pattern} {what}"))?;
    for name in &hosts {
        take_name("host", name)?;
        if !draft.nodes.contains_key(name.as_str()) {
            let mut said = Said::default();
            if let Some(port) = port {
                let value = Located::new(Data::Int(port.into()), place.clone());
                said.add(Map::from_iter([("ansible_port".to_string(), Field { key: place.clone(), value })]));
            }
            let node = DraftNode { ansible: Some(said), ..DraftNode::new(name, place.clone()) };
            draft.nodes.insert(name.as_str().into(), node);
        }
        if let Some(said) = draft.nodes.get_mut(name.as_str()).and_then(|node| node.ansible.as_mut()) {
            said.add(variables.clone());
        }
        if group != ALL {
            draft.group(group, place).nodes.push((name.clone(), place.clone()));
        }
    }
    Ok(())
}

/// Puts the hosts that are in no group into `ungrouped`, and takes the others out of it, as
/// Ansible does.
pub fn group_the_rest(draft: &mut Draft) {
    let mut grouped: HashSet<&str> = HashSet::new();
    for (name, group) in &draft.groups {
        if &**name != UNGROUPED && &**name != ALL {
            grouped.extend(group.nodes.iter().map(|(node, _)| node.as_str()));
        }
    }
    let is_left =
        |name: &str, node: &DraftNode| node.ansible.is_some() && node.groups.is_empty() && !grouped.contains(name);
    let rest = draft.nodes.iter().filter(|(name, node)| is_left(name, node));
    let rest: Vec<_> = rest.map(|(name, node)| (name.to_string(), node.place.clone())).collect();
    if let Some((_, place)) = rest.first() {
        let place = place.clone();
        draft.group(UNGROUPED, &place);
    }
    if let Some(group) = draft.groups.get_mut(UNGROUPED) {
        group.nodes = rest;
    }
}
