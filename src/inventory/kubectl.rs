//! Nodes of a Kubernetes cluster, as `kubectl get nodes -o json` prints them (the kinds `Node`
//! and `List` of the Kubernetes API).

use super::groups::Draft;
use super::machines::{Defaults, Machine, nodes};
use super::rules::Rules;
use crate::error::{Error, Place};
use crate::yaml::{Data, Field, Located, Map};

/// The label that gives a node a role stands before the name of the role.
const ROLE: &str = "node-role.kubernetes.io/";

const DEFAULTS: Defaults = Defaults {
    names: &["metadata.name"],
    private: &["addresses.InternalIP"],
    public: &["addresses.ExternalIP"],
    groups: &["{roles.*}"],
    user: None,
};

/// Whether JSON is an object of the Kubernetes API, or a list of such.
pub fn is_one(root: &Map) -> bool {
    let text = |key: &str| root.get(key).and_then(|field| field.value.as_str());
    text("apiVersion").is_some() && text("kind").is_some()
}

/// Reads them. What is wrong with single nodes is among the draft's errors.
///
/// # Errors
/// It is something else.
pub fn read(root: Located, rules: &Rules) -> Result<Draft, Vec<Error>> {
    let place = root.place.clone();
    let wrong = |what: String| {
        let error = Error::usage(what).at(place.clone());
        vec![error.hint("kubectl get nodes -o json prints what is read")]
    };
    let what = root.type_name();
    let Data::Map(mut map) = root.value else { return Err(wrong(format!("is {what}, not a list of nodes"))) };
    let kind = map.get("kind").and_then(|field| field.value.as_str()).unwrap_or_default();
    let items: Vec<Located> = match kind {
        "Node" => vec![Located::new(Data::Map(map), place.clone())],
        "List" | "NodeList" => match map.shift_remove("items").map(|field| field.value.value) {
            Some(Data::List(items)) => items,
            _ => return Err(wrong("has no items".to_string())),
        },
        other => return Err(wrong(format!("is of the kind {other:?}, not a list of nodes"))),
    };
    let mut machines = Vec::new();
    let mut draft = Draft::default();
    for item in items {
        let what = item.type_name();
        let Data::Map(map) = item.value else { return Err(wrong(format!("has {what} among its items"))) };
        // The items of a NodeList do not say what they are.
        let kind = map.get("kind").and_then(|field| field.value.as_str()).unwrap_or("Node");
        if kind != "Node" {
            return Err(wrong(format!("has a {kind} among its items, not only nodes")));
        }
        let metadata = map.get("metadata").and_then(|field| field.value.as_map());
        let name = metadata.and_then(|metadata| metadata.get("name")?.value.as_str());
        let name = name.ok_or_else(|| wrong("has a node without a name".to_string()))?.to_string();
        draft.notes.extend(readiness(&map).map(|what| format!("node {name} is {what}")));
        machines.push(Machine {
            title: format!("node {name}"),
            kind: "Node".to_string(),
            facts: facts(map, &place),
            defaults: DEFAULTS,
            own_name: name,
            target: None,
        });
    }
    nodes(&machines, rules, &place, &mut draft);
    Ok(draft)
}

/// What is not well with a node, by its condition `Ready` and its `unschedulable`.
fn readiness(node: &Map) -> Option<String> {
    let status = node.get("status").and_then(|field| field.value.as_map());
    let conditions = status.and_then(|status| status.get("conditions")?.value.as_list()).unwrap_or_default();
    let text = |map: &'_ Map, key: &str| map.get(key).and_then(|field| field.value.as_str().map(str::to_string));
    let ready = conditions.iter().filter_map(Located::as_map).find(|map| text(map, "type").as_deref() == Some("Ready"));
    let spec = node.get("spec").and_then(|field| field.value.as_map());
    let cordoned = spec
        .and_then(|spec| spec.get("unschedulable"))
        .is_some_and(|field| matches!(field.value.value, Data::Bool(true)));
    let state = match ready.and_then(|map| text(map, "status")).as_deref() {
        Some("True") => None,
        Some("False") => Some("not ready"),
        // As kubectl shows it.
        _ => Some("not known to be ready"),
    };
    match (state, cordoned) {
        (None, false) => None,
        (Some(state), false) => Some(state.to_string()),
        (None, true) => Some("cordoned".to_string()),
        (Some(state), true) => Some(format!("{state} and cordoned")),
    }
}

/// The object, with its labels, annotations, addresses by type and roles at the top.
fn facts(map: Map, place: &Place) -> Located {
    let field = |value: Located| Field { key: place.clone(), value };
    let inner = |outer: &str, key: &str| map.get(outer)?.value.as_map()?.get(key).map(|field| field.value.clone());
    let labels = inner("metadata", "labels").unwrap_or_else(|| Located::new(Data::Map(Map::new()), place.clone()));
    let roles = labels.as_map().into_iter().flat_map(Map::keys).filter_map(|key| key.strip_prefix(ROLE));
    let roles = roles.map(|role| Located::new(Data::Str(role.to_string()), place.clone())).collect();
    let mut addresses = Map::new();
    let listed = inner("status", "addresses");
    for entry in listed.as_ref().and_then(Located::as_list).unwrap_or_default() {
        let Some(entry) = entry.as_map() else { continue };
        let (Some(kind), Some(address)) =
            (entry.get("type").and_then(|field| field.value.as_str()), entry.get("address"))
        else {
            continue;
        };
        // Of two families there are two addresses of one type.
        let list = addresses
            .entry(kind.to_string())
            .or_insert_with(|| field(Located::new(Data::List(Vec::new()), place.clone())));
        if let Data::List(items) = &mut list.value.value {
            items.push(address.value.clone());
        }
    }
    let name = field(inner("metadata", "name").unwrap_or_else(|| Located::new(Data::Null, place.clone())));
    let annotations = inner("metadata", "annotations");
    let mut facts = map;
    facts.insert("name".to_string(), name);
    facts.insert("labels".to_string(), field(labels));
    if let Some(annotations) = annotations {
        facts.insert("annotations".to_string(), field(annotations));
    }
    facts.insert("addresses".to_string(), field(Located::new(Data::Map(addresses), place.clone())));
    facts.insert("roles".to_string(), field(Located::new(Data::List(roles), place.clone())));
    Located::new(Data::Map(facts), place.clone())
}
