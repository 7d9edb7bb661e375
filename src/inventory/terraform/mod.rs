//! What Terraform and OpenTofu know of machines: a state file of version 4, the output of `show
//! -json` (HashiCorp's "JSON Output Format"), and that of `output -json`.

mod ansible;
mod machines;
mod outputs;
mod show;
mod state;

use super::groups::Draft;
use super::machines::{Machine, nodes};
use super::rules::Rules;
use crate::error::Error;
use crate::yaml::{Data, Field, Located, Map};
use std::collections::BTreeSet;

/// What was read, whatever it was read from.
#[derive(Default)]
struct Known {
    /// The resources that are managed, with their attributes.
    resources: Vec<Resource>,
    outputs: Vec<Output>,
    notes: Vec<String>,
}

struct Resource {
    /// As Terraform writes it: `module.blue.aws_instance.web["a"]`.
    address: String,
    kind: String,
    /// The attributes; in the place of sensitive values stands a mark.
    attributes: Located,
}

struct Output {
    name: String,
    value: Located,
    sensitive: bool,
}

/// Whether JSON is one of these.
pub fn is_one(root: &Map) -> bool {
    state::is_one(root) || show::is_one(root) || outputs::is_one(root)
}

/// Reads one of them. What is wrong is among the draft's errors.
///
/// # Errors
/// It is none of them.
pub fn read(root: &Located, rules: &Rules) -> Result<Draft, Vec<Error>> {
    let wrong = |message: &str| Error::usage(message).at(root.place.clone());
    let Some(map) = root.as_map() else {
        return Err(vec![wrong(&format!("is {}, not what Terraform writes", root.type_name()))]);
    };
    let known = if state::is_one(map) {
        state::read(map)
    } else if show::is_one(map) {
        show::read(map)
    } else if outputs::is_one(map) {
        Ok(Known { outputs: outputs::read(map), ..Known::default() })
    } else {
        let error = Error::usage("is no state of Terraform or OpenTofu, nor what they print");
        Err(error.hint("a state file, or what show -json or output -json prints, is read"))
    };
    let known = known.map_err(|error| vec![error.at(root.place.clone())])?;
    let mut draft = match outputs::inventory(&known.outputs, &root.place)? {
        Some(draft) => draft,
        None => match ansible::draft(&known.resources, &root.place) {
            Some(draft) => draft,
            None => of_machines(known.resources, rules, root),
        },
    };
    draft.notes.extend(known.notes);
    Ok(draft)
}

fn of_machines(resources: Vec<Resource>, rules: &Rules, root: &Located) -> Draft {
    let mut machines = Vec::new();
    let mut others: BTreeSet<String> = BTreeSet::new();
    for resource in resources {
        let ruled = rules.resources.iter().any(|(kind, _)| *kind == resource.kind);
        let defaults = match machines::defaults(&resource.kind) {
            Some(defaults) => defaults,
            None if ruled => machines::UNKNOWN,
            None => {
                others.insert(resource.kind);
                continue;
            }
        };
        machines.push(Machine {
            title: resource.address.clone(),
            kind: resource.kind.clone(),
            defaults,
            own_name: plain_address(&resource.address),
            target: machines::target(&resource),
            facts: with_type(resource),
        });
    }
    let mut draft = Draft::default();
    nodes(&machines, rules, &root.place, &mut draft);
    if machines.is_empty() {
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        draft.remedy = Some(match others.is_empty() {
            true => "there is no resource in it; was it applied?".to_string(),
            false => format!(
                "none of its types is known for a machine ({}); a rule resources: names one, or an output nodes: the nodes",
                shortened(&others)
            ),
        });
    }
    draft
}

fn shortened(names: &[&str]) -> String {
    match names.len() {
        0..=8 => names.join(", "),
        more => format!("{} and {} more", names[..8].join(", "), more - 8),
    }
}

/// The attributes, with the type and the address of the resource for rules.
fn with_type(resource: Resource) -> Located {
    let Resource { address, kind, attributes: mut facts } = resource;
    let place = facts.place.clone();
    if let Data::Map(map) = &mut facts.value {
        for (key, text) in [("terraform_type", kind), ("terraform_address", address)] {
            let value = Located::new(Data::Str(text), place.clone());
            map.insert(key.to_string(), Field { key: place.clone(), value });
        }
    }
    facts
}

/// `module.blue.aws_instance.web["a"]` as a name: `blue.aws_instance.web.a`.
fn plain_address(address: &str) -> String {
    let dotted = address.replace(['[', '"'], ".").replace(']', "");
    let parts: Vec<&str> = dotted.split('.').filter(|part| !part.is_empty() && *part != "module").collect();
    parts.join(".")
}

/// A mark in the place of a sensitive value.
fn mark(value: &mut Located) {
    let inside = Located::new(Data::Null, value.place.clone());
    let field = Field { key: value.place.clone(), value: inside };
    value.value = Data::Map(Map::from_iter([(super::rules::SENSITIVE.to_string(), field)]));
}

fn text<'a>(map: &'a Map, key: &str) -> Option<&'a str> {
    map.get(key)?.value.as_str()
}

fn list<'a>(map: &'a Map, key: &str) -> &'a [Located] {
    map.get(key).and_then(|field| field.value.as_list()).unwrap_or_default()
}

/// What stands behind the address of one of several instances: `[0]`, `["a"]`.
fn index(key: &Located) -> String {
    match &key.value {
        Data::Int(number) => format!("[{number}]"),
        Data::Str(text) => format!("[\"{text}\"]"),
        _ => String::new(),
    }
}
