//! Outputs that are an inventory, and what `terraform output -json` prints.

use super::Output;
use crate::error::{Error, Place};
use crate::inventory::document;
use crate::inventory::groups::Draft;
use crate::yaml::{Data, Document, Field, Located, Map};
use std::sync::Arc;

/// The outputs that are looked at: the first that is there holds.
const NAMES: [&str; 2] = ["probity_inventory", "nodes"];

/// Whether JSON is a map of outputs.
pub fn is_one(root: &Map) -> bool {
    let is_output = |field: &Field| {
        field.value.as_map().is_some_and(|output| output.contains_key("sensitive") && output.contains_key("value"))
    };
    !root.is_empty() && root.values().all(is_output)
}

/// Reads them.
pub fn read(root: &Map) -> Vec<Output> {
    root.iter().filter_map(|(name, field)| Output::read(name, &field.value)).collect()
}

/// The inventory among outputs, if there is one.
///
/// # Errors
/// It is sensitive, or no inventory.
pub fn inventory(outputs: &[Output], place: &Place) -> Result<Option<Draft>, Vec<Error>> {
    let Some(output) = NAMES.iter().find_map(|name| outputs.iter().find(|output| output.name == *name)) else {
        return Ok(None);
    };
    let name = &output.name;
    let wrong = |what: &str| Error::usage(format!("the output {name} {what}")).at(place.clone());
    if output.sensitive {
        let error = wrong("is sensitive, and nodes are shown in reports");
        return Err(vec![error.hint("write value = nonsensitive(…) in it, without what is secret")]);
    }
    let document = match &output.value.value {
        // A text that yamlencode() or jsonencode() made.
        Data::Str(text) => Document::parse(&place.file, text.as_bytes()).map_err(|mut error| {
            error.message = format!("the output {name} {}", error.message);
            vec![error]
        })?,
        value => Document::of(Located::new(value.clone(), place.clone())),
    };
    let mut root = document.root;
    match &mut root.value {
        Data::Null => root.value = Data::Map(Map::new()),
        Data::List(items) => match nodes_of_list(items, place) {
            Some(nodes) => root.value = whole(nodes, place),
            None => return Err(vec![wrong("is a list of other things than addresses").hint(FORM)]),
        },
        Data::Map(map) => {
            let is_document = map.keys().any(|key| key == "nodes" || key == "groups");
            if !is_document {
                root.value = whole(std::mem::take(map), place);
            }
        }
        _ => return Err(vec![wrong(&format!("is {}, not a map of nodes", root.type_name())).hint(FORM)]),
    }
    if let Data::Map(map) = &mut root.value
        && let Some(Data::Map(nodes)) = map.get_mut("nodes").map(|field| &mut field.value.value)
    {
        nodes.values_mut().for_each(|field| complete(&mut field.value));
    }
    let mut draft = document::read(Arc::new(Document::of(root)));
    for error in &mut draft.errors {
        error.message = format!("the output {name}: {}", error.message);
    }
    Ok(Some(draft))
}

const FORM: &str =
    "it is a map of names to addresses or URIs, or { nodes = …, groups = … } as in an inventory of Probity";

fn whole(nodes: Map, place: &Place) -> Data {
    let value = Located::new(Data::Map(nodes), place.clone());
    Data::Map(Map::from_iter([("nodes".to_string(), Field { key: place.clone(), value })]))
}

/// Addresses without names, which are their own.
fn nodes_of_list(items: &[Located], place: &Place) -> Option<Map> {
    let mut nodes = Map::new();
    for item in items {
        let text = item.as_str()?;
        let name = text.split_once("://").map_or(text, |(_, rest)| rest);
        let name = name.rsplit_once('@').map_or(name, |(_, host)| host);
        nodes.insert(name.to_string(), Field { key: place.clone(), value: item.clone() });
    }
    Some(nodes)
}

/// An address is asked over SSH.
fn complete(value: &mut Located) {
    let text = match &mut value.value {
        Data::Str(text) => text,
        Data::Map(map) => match map.get_mut("target").map(|field| &mut field.value.value) {
            Some(Data::Str(text)) => text,
            _ => return,
        },
        _ => return,
    };
    if !text.contains("://") && !text.is_empty() {
        *text = match text.matches(':').count() {
            0 | 1 => format!("ssh://{text}"),
            _ => format!("ssh://[{text}]"),
        };
    }
}
