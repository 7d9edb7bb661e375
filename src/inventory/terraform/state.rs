//! A state file of version 4: `terraform.tfstate`, or what `state pull` prints.

use super::{Known, Output, Resource, index, list, mark, text};
use crate::error::Error;
use crate::yaml::{Data, Located, Map};

/// Whether JSON is a state, of whatever version, or one that is encrypted.
pub fn is_one(root: &Map) -> bool {
    let versioned = root.get("version").is_some_and(|field| matches!(field.value.value, Data::Int(_)));
    root.contains_key("encrypted_data")
        || versioned
            && ["terraform_version", "lineage", "serial", "resources"].iter().any(|key| root.contains_key(*key))
}

/// Reads it.
///
/// # Errors
/// Another version, or encrypted.
pub fn read(root: &Map) -> Result<Known, Error> {
    if root.contains_key("encrypted_data") {
        let error = Error::usage("is a state that OpenTofu has encrypted");
        return Err(error.hint("name the folder of its configuration instead: terraform:FOLDER runs show -json there"));
    }
    match root.get("version").map(|field| &field.value.value) {
        Some(Data::Int(4)) => {}
        Some(Data::Int(version)) => {
            let error = Error::usage(format!("is a state of version {version}; version 4 is read"));
            return Err(error.hint("Terraform since 0.12 and OpenTofu write version 4: apply once more, or refresh"));
        }
        _ => return Err(Error::usage("is a state without a version")),
    }
    let mut known = Known::default();
    if let Some(outputs) = root.get("outputs").and_then(|field| field.value.as_map()) {
        known.outputs = outputs.iter().filter_map(|(name, field)| Output::read(name, &field.value)).collect();
    }
    for resource in list(root, "resources") {
        let Some(resource) = resource.as_map() else { continue };
        let (Some(kind), Some(name)) = (text(resource, "type"), text(resource, "name")) else { continue };
        if text(resource, "mode").is_some_and(|mode| mode != "managed") {
            continue;
        }
        let base = match text(resource, "module") {
            Some(module) if !module.is_empty() => format!("{module}.{kind}.{name}"),
            _ => format!("{kind}.{name}"),
        };
        for instance in list(resource, "instances") {
            let Some(instance) = instance.as_map() else { continue };
            let key = instance.get("index_key").map(|field| index(&field.value)).unwrap_or_default();
            let address = format!("{base}{key}");
            if text(instance, "deposed").is_some_and(|key| !key.is_empty()) {
                known.notes.push(format!("{address} has an object that is to be destroyed, which is left out"));
                continue;
            }
            let Some(attributes) = instance.get("attributes").filter(|field| field.value.as_map().is_some()) else {
                known.notes.push(format!("{address} has no attributes, and is left out"));
                continue;
            };
            let mut attributes = attributes.value.clone();
            unwrap(&mut attributes);
            for path in list(instance, "sensitive_attributes") {
                hide(&mut attributes, path.as_list().unwrap_or_default());
            }
            known.resources.push(Resource { address, kind: kind.to_string(), attributes });
        }
    }
    Ok(known)
}

impl Output {
    /// An output as states and `show -json` have it.
    pub fn read(name: &str, value: &Located) -> Option<Output> {
        let map = value.as_map()?;
        let sensitive = map.get("sensitive").is_some_and(|field| matches!(field.value.value, Data::Bool(true)));
        let value = map.get("value")?.value.clone();
        Some(Output { name: name.to_string(), value, sensitive })
    }
}

/// Takes the attributes of no fixed type out of their wrapping: a state has them as an object of
/// `value` and `type`, everything else that is printed as they are.
fn unwrap(attributes: &mut Located) {
    let Data::Map(attributes) = &mut attributes.value else { return };
    for field in attributes.values_mut() {
        let Some(map) = field.value.as_map().filter(|map| map.len() == 2) else { continue };
        let is_type = |kind: &Located| match &kind.value {
            Data::Str(name) => matches!(name.as_str(), "string" | "number" | "bool" | "dynamic"),
            Data::List(items) => {
                matches!(items.first().and_then(Located::as_str), Some("object" | "map" | "list" | "set" | "tuple"))
            }
            _ => false,
        };
        if let (Some(value), Some(kind)) = (map.get("value"), map.get("type"))
            && is_type(&kind.value)
        {
            field.value = value.value.clone();
        }
    }
}

/// Hides what a path of `sensitive_attributes` leads to: a list of steps such as
/// `{"type": "get_attr", "value": "password"}` and `{"type": "index", "value": {"value": 0}}`.
fn hide(value: &mut Located, path: &[Located]) {
    let Some((step, rest)) = path.split_first() else { return mark(value) };
    let key = step.as_map().and_then(|step| step.get("value")).map(|field| &field.value);
    // Of an index the value stands beside its type.
    let key = key.and_then(|key| key.as_map().map_or(Some(key), |inner| inner.get("value").map(|field| &field.value)));
    match (key.map(|key| &key.value), &mut value.value) {
        (Some(Data::Str(name)), Data::Map(map)) => {
            if let Some(field) = map.get_mut(name) {
                hide(&mut field.value, rest);
            }
        }
        (Some(Data::Int(number)), Data::List(items)) => {
            if let Some(item) = usize::try_from(*number).ok().and_then(|number| items.get_mut(number)) {
                hide(item, rest);
            }
        }
        // A step that is not understood hides everything below.
        (_, Data::Null) => {}
        _ => mark(value),
    }
}
