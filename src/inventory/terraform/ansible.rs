//! Resources of the provider `ansible/ansible`, which make up an inventory of Ansible:
//! `ansible_host` and `ansible_group` (the provider's documentation).

use super::{Resource, list, text};
use crate::error::{Error, Place};
use crate::inventory::ALL;
use crate::inventory::ansible::{Said, group_the_rest, take_name};
use crate::inventory::groups::{Draft, DraftNode};
use crate::yaml::Map;

/// The inventory such resources are, if there are hosts among them.
pub fn draft(resources: &[Resource], place: &Place) -> Option<Draft> {
    if !resources.iter().any(|resource| resource.kind == "ansible_host") {
        return None;
    }
    let mut draft = Draft::default();
    for resource in resources {
        let Some(map) = resource.attributes.as_map() else { continue };
        let is_host = match resource.kind.as_str() {
            "ansible_host" => true,
            "ansible_group" => false,
            _ => continue,
        };
        let kind = if is_host { "host" } else { "group" };
        let name = text(map, "name").unwrap_or_default();
        if let Err(message) = take_name(kind, name) {
            draft.errors.push(Error::usage(format!("{}: {message}", resource.address)).at(place.clone()));
            continue;
        }
        let variables = map.get("variables").and_then(|field| field.value.as_map()).cloned().unwrap_or_default();
        let listed = list(map, if is_host { "groups" } else { "children" });
        let listed: Vec<&str> = listed.iter().filter_map(|item| item.as_str()).collect();
        if let Some(wrong) = listed.iter().find_map(|group| take_name("group", group).err()) {
            draft.errors.push(Error::usage(format!("{}: {wrong}", resource.address)).at(place.clone()));
            continue;
        }
        match is_host {
            true => host(&mut draft, name, &listed, variables, place),
            false => {
                draft.group(name, place).ansible.add(variables);
                for child in listed {
                    draft.group(child, place);
                    if name != ALL {
                        draft.group(name, place).children.push((child.to_string(), place.clone()));
                    }
                }
            }
        }
    }
    group_the_rest(&mut draft);
    Some(draft)
}

fn host(draft: &mut Draft, name: &str, groups: &[&str], variables: Map, place: &Place) {
    let node = draft
        .nodes
        .entry(name.into())
        .or_insert_with(|| DraftNode { ansible: Some(Said::default()), ..DraftNode::new(name, place.clone()) });
    if let Some(said) = &mut node.ansible {
        said.add(variables);
    }
    for group in groups.iter().filter(|group| **group != ALL) {
        draft.group(group, place).nodes.push((name.to_string(), place.clone()));
    }
}
