//! Containers, as `docker ps` and `podman ps` print them with `--format json`: docker an object a
//! line whose labels are one text, podman a list of objects (docker-ps(1), podman-ps(1)), and
//! `docker compose ps` either.

use super::groups::Draft;
use super::kind::Kind;
use super::machines::{Defaults, Machine, nodes};
use super::rules::Rules;
use crate::error::{Error, Place};
use crate::target::Target;
use crate::yaml::{Data, Field, Located, Map};

const DEFAULTS: Defaults = Defaults {
    names: &["name"],
    private: &[],
    public: &[],
    groups: &[
        "project_{labels.com.docker.compose.project}",
        "service_{labels.com.docker.compose.service}",
        "project_{labels.io.podman.compose.project}",
    ],
    user: None,
};

/// Which of the two has printed JSON, if one has.
pub fn printed_by(values: &[Located]) -> Option<Kind> {
    let first = match &values.first()?.value {
        Data::List(items) => items.first()?,
        _ => values.first()?,
    };
    let map = first.as_map()?;
    let names = map.get("Names").or_else(|| map.get("Name"))?;
    match (&names.value.value, map.contains_key("Id"), map.contains_key("ID")) {
        (_, true, _) => Some(Kind::Podman),
        (Data::Str(_), false, true) => Some(Kind::Docker),
        _ => None,
    }
}

/// Reads them. What is wrong with single ones is among the draft's errors.
///
/// # Errors
/// It is something else.
pub fn read(engine: Kind, values: &[Located], place: &Place, rules: &Rules) -> Result<Draft, Vec<Error>> {
    let wrong = |what: String| {
        let error = Error::usage(what).at(place.clone());
        vec![error.hint(format!("{engine} ps --format json prints what is read"))]
    };
    let mut draft = Draft::default();
    let mut machines = Vec::new();
    for value in values {
        let items: Vec<&Located> = match &value.value {
            Data::List(items) => items.iter().collect(),
            _ => vec![value],
        };
        for item in items {
            let Some(map) = item.as_map() else {
                return Err(wrong(format!("is {}, not a list of containers", item.type_name())));
            };
            let Some(name) = name(map) else { return Err(wrong("has a container without a name".to_string())) };
            if map.get("IsInfra").is_some_and(|field| matches!(field.value.value, Data::Bool(true))) {
                draft.notes.push(format!("container {name} only holds a pod together, and is left out"));
                continue;
            }
            let state = map.get("State").and_then(|field| field.value.as_str()).unwrap_or("running");
            if !state.eq_ignore_ascii_case("running") {
                draft.notes.push(format!("container {name} is {state:?}, not running"));
            }
            let uri = format!("{engine}://{name}");
            let target = uri.parse::<Target>().map_err(|error| wrong(error.message))?;
            machines.push(Machine {
                title: format!("container {name}"),
                kind: "container".to_string(),
                facts: facts(item, map, &name),
                defaults: DEFAULTS,
                own_name: name,
                target: Some(target),
            });
        }
    }
    nodes(&machines, rules, place, &mut draft);
    Ok(draft)
}

/// The name of a container: of several the first that is not one under another container.
fn name(map: &Map) -> Option<String> {
    let field = map.get("Names").or_else(|| map.get("Name"))?;
    let names: Vec<&str> = match &field.value.value {
        Data::Str(names) => names.split(',').collect(),
        Data::List(items) => items.iter().filter_map(Located::as_str).collect(),
        _ => return None,
    };
    let names = names.into_iter().map(|name| name.trim().trim_start_matches('/')).filter(|name| !name.is_empty());
    names.clone().find(|name| !name.contains('/')).map(str::to_string)
}

/// What was printed, with name and labels as rules name them.
fn facts(item: &Located, map: &Map, name: &str) -> Located {
    let place = &item.place;
    let field = |value: Data| Field { key: place.clone(), value: Located::new(value, place.clone()) };
    let mut facts = map.clone();
    facts.insert("name".to_string(), field(Data::Str(name.to_string())));
    for (key, from) in [("image", "Image"), ("state", "State"), ("id", "ID"), ("id", "Id")] {
        if let Some(found) = map.get(from) {
            facts.insert(key.to_string(), found.clone());
        }
    }
    let mut labels = match map.get("Labels").map(|field| &field.value.value) {
        Some(Data::Map(labels)) => labels.clone(),
        Some(Data::Str(text)) => {
            label_map(text).into_iter().map(|(key, value)| (key, field(Data::Str(value)))).collect()
        }
        _ => Map::new(),
    };
    // docker compose ps names both beside the labels.
    for (key, label) in [("Project", "com.docker.compose.project"), ("Service", "com.docker.compose.service")] {
        if let Some(found) = map.get(key) {
            labels.entry(label.to_string()).or_insert_with(|| found.clone());
        }
    }
    facts.insert("labels".to_string(), field(Data::Map(labels)));
    Located::new(Data::Map(facts), place.clone())
}

/// `a=b,c=d`; what has no `=` belongs to the value before it, which holds a comma.
fn label_map(text: &str) -> Vec<(String, String)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), labels.last_mut()) {
            (Some((key, value)), _) => labels.push((key.to_string(), value.to_string())),
            (None, Some((_, value))) => {
                value.push(',');
                value.push_str(part);
            }
            (None, None) => {}
        }
    }
    labels
}
