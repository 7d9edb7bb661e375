//! An inventory as Probity's own YAML, to be saved and edited.

use super::groups::ordered;
use super::{ALL, Attributes, Connection, Inventory, SecretSource};
use crate::transport::{HostKeyCheck, Tool};
use crate::yaml::{Data, Located};
use serde_yaml::{Mapping, Value};
use std::path::PathBuf;
use std::time::Duration;

/// The YAML of an inventory, which reads as the same nodes, and notes on what is not in it:
/// passwords that were written out.
pub fn yaml(inventory: &Inventory) -> (String, Vec<String>) {
    let mut notes = Vec::new();
    let parents: Vec<Vec<usize>> = inventory.groups.values().map(|group| group.parents.clone()).collect();
    let names: Vec<&str> = inventory.groups.keys().map(|name| &**name).collect();
    let mut nodes = Mapping::new();
    for (name, node) in &inventory.nodes {
        let mut fields = Mapping::new();
        put(&mut fields, "target", node.target.to_string());
        let direct = listed(&node.groups, &parents);
        if !direct.is_empty() {
            put(&mut fields, "groups", direct.into_iter().map(|group| names[group]).collect::<Vec<_>>());
        }
        let mut connection = node.connection.clone();
        if let crate::target::Target::Ssh { user, port, .. } = &node.target {
            // They are in the target.
            connection.user = connection.user.filter(|_| user.is_none());
            connection.port = connection.port.filter(|_| port.is_none());
        }
        describe(&mut fields, &node.attributes, &connection, &format!("node {name}"), &mut notes);
        let alone = fields.len() == 1;
        let value = if alone { fields.remove("target").unwrap_or(Value::Null) } else { Value::Mapping(fields) };
        nodes.insert(Value::from(&**name), value);
    }
    let mut groups = Mapping::new();
    for (number, (name, group)) in inventory.groups.iter().enumerate() {
        let mut fields = Mapping::new();
        let children = parents.iter().enumerate().filter(|(_, parents)| parents.contains(&number));
        let children: Vec<&str> = children.map(|(child, _)| names[child]).collect();
        if !children.is_empty() {
            put(&mut fields, "children", children);
        }
        describe(&mut fields, &group.attributes, &group.connection, &format!("group {name}"), &mut notes);
        if &**name == ALL && fields.is_empty() {
            continue;
        }
        let value = if fields.is_empty() { Value::Null } else { Value::Mapping(fields) };
        groups.insert(Value::from(&**name), value);
    }
    let mut root = Mapping::new();
    root.insert("nodes".into(), Value::Mapping(nodes));
    if !groups.is_empty() {
        root.insert("groups".into(), Value::Mapping(groups));
    }
    // What was made above is plain data: there is nothing in it that could not be written.
    let text = serde_yaml::to_string(&Value::Mapping(root)).unwrap_or_default();
    (text, notes)
}

fn put(fields: &mut Mapping, key: &str, value: impl Into<Value>) {
    fields.insert(key.into(), value.into());
}

/// The fewest groups a node has to list to be in these, in this order.
fn listed(groups: &[usize], parents: &[Vec<usize>]) -> Vec<usize> {
    let mut kept: Vec<usize> = groups.iter().copied().filter(|group| *group != 0).collect();
    // Most groups have no children: only those that others bring along are tried without.
    let brought: Vec<usize> =
        kept.iter().copied().filter(|group| kept.iter().any(|other| parents[*other].contains(group))).collect();
    for group in brought {
        let without: Vec<usize> = kept.iter().copied().filter(|other| *other != group).collect();
        if ordered(&without, parents) == groups {
            kept = without;
        }
    }
    kept
}

fn describe(
    fields: &mut Mapping,
    attributes: &Option<Attributes>,
    connection: &Connection,
    owner: &str,
    notes: &mut Vec<String>,
) {
    if let Some(attributes) = attributes {
        put(fields, "attributes", value(&attributes.values));
    }
    let transport = transport(connection, owner, notes);
    if !transport.is_empty() {
        put(fields, "transport", transport);
    }
}

fn value(located: &Located) -> Value {
    match &located.value {
        Data::Null => Value::Null,
        Data::Bool(value) => Value::from(*value),
        Data::Int(value) => Value::from(*value),
        Data::Float(value) => Value::from(*value),
        Data::Str(text) => Value::from(text.as_str()),
        Data::List(items) => Value::Sequence(items.iter().map(value).collect()),
        Data::Map(map) => {
            Value::Mapping(map.iter().map(|(key, field)| (Value::from(key.as_str()), value(&field.value))).collect())
        }
    }
}

fn transport(connection: &Connection, owner: &str, notes: &mut Vec<String>) -> Mapping {
    // Named one by one, so that a new field is not forgotten here.
    let Connection {
        user,
        port,
        identities,
        jumps,
        ssh_config,
        known_hosts,
        host_key_check,
        password,
        passphrase,
        privilege,
        privilege_user,
        privilege_password,
        connect_timeout,
        batch_timeout,
        node_timeout,
        retries,
    } = connection;
    let mut fields = Mapping::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            put(&mut fields, key, value);
        }
    };
    set("user", user.as_deref().map(Value::from));
    set("port", port.map(Value::from));
    set("identity", identities.as_deref().map(paths));
    set(
        "jump",
        jumps.as_ref().map(|jumps| Value::Sequence(jumps.iter().map(|jump| Value::from(jump.as_str())).collect())),
    );
    set(
        "ssh_config",
        ssh_config.as_ref().map(|file| match file.to_str() {
            Some("none") => Value::from("none"),
            _ => path(file),
        }),
    );
    set("known_hosts", known_hosts.as_deref().map(paths));
    set(
        "host_key_check",
        host_key_check.map(|check| {
            Value::from(match check {
                HostKeyCheck::Strict => "strict",
                HostKeyCheck::AcceptNew => "accept-new",
                HostKeyCheck::Off => "off",
            })
        }),
    );
    match privilege {
        Some(Some(Tool::Sudo)) => set("sudo", Some(true.into())),
        Some(Some(Tool::Su)) => set("su", Some(true.into())),
        Some(Some(Tool::Doas)) => set("doas", Some(true.into())),
        Some(None) => set("sudo", Some(false.into())),
        None => {}
    }
    set("sudo_user", privilege_user.as_deref().map(Value::from));
    for (key, source) in [("password", password), ("passphrase", passphrase), ("sudo_password", privilege_password)] {
        let Some(source) = source else { continue };
        let (kind, named) = match source {
            SecretSource::Variable(variable, _) => ("env", Value::from(variable.as_str())),
            SecretSource::File(file, _) => ("file", path(file)),
            SecretSource::Given(_) | SecretSource::Prompt(..) => {
                notes.push(format!("{key} of {owner} is written out where it comes from, and left out here"));
                continue;
            }
        };
        let mut map = Mapping::new();
        put(&mut map, kind, named);
        set(key, Some(Value::Mapping(map)));
    }
    set("connect_timeout", connect_timeout.map(time));
    set("batch_timeout", batch_timeout.map(time));
    set("node_timeout", node_timeout.map(time));
    set("retries", retries.map(Value::from));
    fields
}

fn time(time: Duration) -> Value {
    Value::from(match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    })
}

/// A path in full: what is saved elsewhere has another folder.
fn path(path: &PathBuf) -> Value {
    Value::from(std::path::absolute(path).unwrap_or_else(|_| path.clone()).to_string_lossy().into_owned())
}

fn paths(list: &[PathBuf]) -> Value {
    Value::Sequence(list.iter().map(path).collect())
}
