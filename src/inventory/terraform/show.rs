//! What `terraform show -json` prints of a state (HashiCorp's "JSON Output Format").

use super::{Known, Output, Resource, index, list, mark, text};
use crate::error::Error;
use crate::yaml::{Data, Located, Map};

/// Whether JSON is such output, of a state or a plan.
pub fn is_one(root: &Map) -> bool {
    text(root, "format_version").is_some()
}

/// Reads it.
///
/// # Errors
/// A plan, or a newer format.
pub fn read(root: &Map) -> Result<Known, Error> {
    if root.contains_key("planned_values") || root.contains_key("resource_changes") {
        let error = Error::usage("is a plan, whose machines are not there yet");
        return Err(error.hint("apply it, then take what show -json prints without a file of a plan"));
    }
    let version = text(root, "format_version").unwrap_or_default();
    if !matches!(version.split('.').next(), Some("0" | "1")) {
        let error = Error::usage(format!("has the format {version} of show -json; 0 and 1 are read"));
        return Err(error.hint("a newer Probity may read it; outputs are read from output -json as well"));
    }
    let mut known = Known::default();
    // Of a state without anything there are no values.
    let Some(values) = root.get("values").and_then(|field| field.value.as_map()) else { return Ok(known) };
    if let Some(outputs) = values.get("outputs").and_then(|field| field.value.as_map()) {
        known.outputs = outputs.iter().filter_map(|(name, field)| Output::read(name, &field.value)).collect();
    }
    if let Some(module) = values.get("root_module").and_then(|field| field.value.as_map()) {
        walk(module, &mut known);
    }
    Ok(known)
}

fn walk(module: &Map, known: &mut Known) {
    let prefix = text(module, "address").unwrap_or_default();
    for resource in list(module, "resources") {
        let Some(resource) = resource.as_map() else { continue };
        let (Some(kind), Some(address)) = (text(resource, "type"), text(resource, "address")) else { continue };
        if text(resource, "mode").is_some_and(|mode| mode != "managed") {
            continue;
        }
        // Terraform 0.12 left the module and the index out.
        let mut address = match prefix.is_empty() || address.starts_with(prefix) {
            true => address.to_string(),
            false => format!("{prefix}.{address}"),
        };
        if let Some(key) = resource.get("index").map(|field| index(&field.value))
            && !address.ends_with(']')
        {
            address.push_str(&key);
        }
        if text(resource, "deposed_key").is_some_and(|key| !key.is_empty()) {
            known.notes.push(format!("{address} has an object that is to be destroyed, which is left out"));
            continue;
        }
        let Some(values) = resource.get("values").filter(|field| field.value.as_map().is_some()) else {
            known.notes.push(format!("{address} has no values, and is left out"));
            continue;
        };
        let mut attributes = values.value.clone();
        if let Some(sensitive) = resource.get("sensitive_values") {
            hide(&mut attributes, &sensitive.value);
        }
        known.resources.push(Resource { address, kind: kind.to_string(), attributes });
    }
    for child in list(module, "child_modules") {
        if let Some(child) = child.as_map() {
            walk(child, known);
        }
    }
}

/// Hides what `sensitive_values` marks: it has the shape of the values, with `true` in the place
/// of what is sensitive.
fn hide(value: &mut Located, sensitive: &Located) {
    match (&mut value.value, &sensitive.value) {
        (Data::Null, _) | (_, Data::Bool(false)) => {}
        (_, Data::Bool(true)) => mark(value),
        (Data::Map(map), Data::Map(marks)) => {
            for (key, below) in marks {
                if let Some(field) = map.get_mut(key) {
                    hide(&mut field.value, &below.value);
                }
            }
        }
        (Data::List(items), Data::List(marks)) => {
            items.iter_mut().zip(marks).for_each(|(item, below)| hide(item, below));
        }
        _ => {}
    }
}
