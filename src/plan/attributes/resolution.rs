//! From the assignments of all layers to the values each node has.

use super::{Assignment, Layer, Origin, ProfileAttributes, Resolved, Setting};
use crate::error::Error;
use crate::profile::Manifest;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What the groups of a node and the node itself say, the weakest first.
#[derive(Debug, Clone, Copy)]
pub struct NodeLayers<'a> {
    pub name: &'a str,
    pub layers: &'a [Arc<[Assignment]>],
    /// Whether more is known of it once it is reached: what is missing may come then.
    pub waits: bool,
}

/// Gives every attribute of every profile its value where no inventory has a say. The
/// assignments are taken layer by layer, within a layer as they come.
///
/// # Errors
/// All of them, not the first: a name or a profile that does not exist (with the nearest),
/// a value of the wrong type, also where a later layer replaces it, a secret written out
/// on the command line, a required attribute without a value. No error shows a sensitive
/// value.
pub fn resolve(manifests: &[&Manifest], assignments: &[Assignment]) -> Result<Vec<ProfileAttributes>, Vec<Error>> {
    let values = for_nodes(manifests, assignments, &[NodeLayers { name: "", layers: &[], waits: false }])?;
    Ok(values.into_iter().flat_map(|values| values.to_vec()).collect())
}

/// Gives every attribute of every profile its value on each of `nodes`, in their order.
/// `common` are the assignments of the other layers. Nodes with the same layers share one
/// answer, and other nodes what is the same.
///
/// # Errors
/// As [`resolve`]; what a group says wrong is told once, whatever the number of its nodes.
pub fn for_nodes(
    manifests: &[&Manifest],
    common: &[Assignment],
    nodes: &[NodeLayers<'_>],
) -> Result<Vec<Arc<[ProfileAttributes]>>, Vec<Error>> {
    let mut common: Vec<&Assignment> = common.iter().collect();
    common.sort_by_key(|assignment| assignment.layer);
    let (below, above) = common.split_at(common.partition_point(|assignment| assignment.layer <= Layer::Node));

    let mut checker = Checker { manifests, errors: Vec::new(), attempted: HashSet::new() };
    let below = checker.check(below.iter().copied());
    let mut known: HashMap<*const Assignment, Vec<Checked>> = HashMap::new();
    for layer in nodes.iter().flat_map(|node| node.layers) {
        known.entry(layer.as_ptr()).or_insert_with(|| checker.check(layer.iter()));
    }
    let above = checker.check(above.iter().copied());

    let mut base: Vec<ProfileAttributes> = manifests.iter().map(|manifest| with_defaults(manifest)).collect();
    apply(&mut base, &below);
    let mut shared: HashMap<Vec<*const Assignment>, Answer> = HashMap::new();
    let mut missing: Vec<(Aim, Vec<&str>)> = Vec::new();
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        let key: Vec<*const Assignment> = node.layers.iter().map(|layer| layer.as_ptr()).collect();
        let (attributes, lacking) = shared.entry(key).or_insert_with_key(|key| {
            let mut attributes = base.clone();
            for layer in key {
                apply(&mut attributes, known.get(layer).map_or(&[], Vec::as_slice));
            }
            apply(&mut attributes, &above);
            let lacking = checker.lacking(&attributes);
            (attributes.into(), lacking)
        });
        for aim in lacking.iter().filter(|_| !node.waits) {
            match missing.iter_mut().find(|(known, _)| known == aim) {
                Some((_, names)) => names.push(node.name),
                None => missing.push((*aim, vec![node.name])),
            }
        }
        values.push(attributes.clone());
    }
    let mut errors = checker.errors;
    missing.sort_by_key(|(aim, _)| *aim);
    for ((profile, attribute), names) in missing {
        let everywhere = names.len() == nodes.len();
        let error = missing_value(&base[profile].profile, &base[profile].values[attribute], &names, everywhere);
        errors.push((error, None));
    }
    let errors = told(errors);
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// An attribute of a profile, by their numbers.
type Aim = (usize, usize);

/// The values nodes of the same layers share, and what required ones they lack.
type Answer = (Arc<[ProfileAttributes]>, Vec<Aim>);

/// An assignment that was found good for one profile.
struct Checked {
    aim: Aim,
    setting: Setting,
}

struct Checker<'a> {
    manifests: &'a [&'a Manifest],
    /// Each with the node a template was rendered for, where that is where it comes from.
    errors: Vec<Fault>,
    /// What was given a value, if a wrong one: it is not missing as well.
    attempted: HashSet<Aim>,
}

impl Checker<'_> {
    /// Reads each assignment by the declarations it is meant for.
    fn check<'b>(&mut self, assignments: impl Iterator<Item = &'b Assignment>) -> Vec<Checked> {
        let mut checked = Vec::new();
        for assignment in assignments {
            // Whether a name that waits will be there at all is not known.
            if let Some(error) = assignment.without_aim(self.manifests).filter(|_| !assignment.waits()) {
                self.errors.push((error, assignment.rendered_for()));
                continue;
            }
            for (profile, manifest) in self.manifests.iter().enumerate() {
                if assignment.profile.as_ref().is_some_and(|wanted| **wanted != *manifest.name) {
                    continue;
                }
                let Some((attribute, _, declaration)) = manifest.attributes.get_full(&*assignment.name) else {
                    continue;
                };
                let aim = (profile, attribute);
                match assignment.read(&manifest.name, declaration) {
                    Ok(value) => {
                        let setting = Setting {
                            layer: assignment.layer,
                            origin: assignment.origin.clone(),
                            value,
                            secret: assignment.secret,
                        };
                        checked.push(Checked { aim, setting });
                    }
                    Err(error) => {
                        self.errors.push((error, assignment.rendered_for()));
                        self.attempted.insert(aim);
                    }
                }
            }
        }
        checked
    }

    /// The required attributes without a value.
    fn lacking(&self, attributes: &[ProfileAttributes]) -> Vec<Aim> {
        let all = attributes.iter().enumerate().flat_map(|(profile, attributes)| {
            attributes.values.iter().enumerate().map(move |(attribute, resolved)| ((profile, attribute), resolved))
        });
        all.filter(|(aim, resolved)| {
            resolved.declaration.required && resolved.origin == Origin::Unset && !self.attempted.contains(aim)
        })
        .map(|(aim, _)| aim)
        .collect()
    }
}

fn apply(attributes: &mut [ProfileAttributes], checked: &[Checked]) {
    for Checked { aim: (profile, attribute), setting } in checked {
        Arc::make_mut(&mut attributes[*profile].values[*attribute]).set(setting.clone());
    }
}

fn with_defaults(manifest: &Manifest) -> ProfileAttributes {
    let values = manifest.attributes.values().map(|declaration| {
        let mut resolved = Resolved {
            name: declaration.name.clone(),
            value: crate::value::Value::Nil,
            origin: Origin::Unset,
            sensitive: declaration.sensitive,
            declaration: declaration.clone(),
            trace: Vec::new(),
        };
        if let Some(default) = &declaration.default {
            let place = declaration.default_place.as_ref().unwrap_or(&declaration.place);
            resolved.set(Setting {
                layer: Layer::Manifest,
                origin: Origin::Written(place.clone()),
                value: default.clone(),
                secret: false,
            });
        }
        Arc::new(resolved)
    });
    ProfileAttributes { profile: manifest.name.clone(), values: values.collect() }
}

impl Resolved {
    fn set(&mut self, setting: Setting) {
        self.value = setting.value.clone();
        self.sensitive = self.is_secret(&setting);
        self.origin = setting.origin.clone();
        self.trace.push(setting);
    }
}

/// How many nodes an error names.
const NAMED: usize = 3;

/// An error, and the node a template was rendered for when it arose.
pub(in crate::plan) type Fault = (Error, Option<Arc<str>>);

/// The errors as they are told: one that arose on many nodes once, with their names.
pub(in crate::plan) fn told(faults: Vec<Fault>) -> Vec<Error> {
    let mut found: Vec<(Error, Vec<Arc<str>>)> = Vec::new();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    for (error, node) in faults {
        let Some(node) = node else {
            found.push((error, Vec::new()));
            continue;
        };
        let place = error.place.as_ref().map(ToString::to_string).unwrap_or_default();
        match known.entry((place, error.message.clone())) {
            Entry::Occupied(entry) => {
                // A file may be given twice.
                let (_, nodes) = &mut found[*entry.get()];
                if nodes.last() != Some(&node) {
                    nodes.push(node);
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(found.len());
                found.push((error, vec![node]));
            }
        }
    }
    let with_nodes = |(error, nodes): (Error, Vec<Arc<str>>)| match nodes.first() {
        None => error,
        Some(first) => {
            let names: Vec<&str> = nodes.iter().map(|node| &**node).collect();
            let nodes = on_nodes(&names);
            // After a remedy they would belong to it.
            let message = match error.message.contains(": ") {
                true => format!("{} ({})", error.message, nodes.trim_start()),
                false => format!("{}{nodes}", error.message),
            };
            Error { message, ..error }
                .hint(format!("`probity attributes render --node {first} FILE` shows what a template gives there"))
        }
    };
    found.into_iter().map(with_nodes).collect()
}

/// ` on web1, web2 and 3 more`.
fn on_nodes(nodes: &[&str]) -> String {
    match nodes.len().saturating_sub(NAMED) {
        0 => format!(" on {}", nodes.join(", ")),
        more => format!(" on {} and {more} more", nodes[..NAMED].join(", ")),
    }
}

fn missing_value(profile: &str, resolved: &Resolved, nodes: &[&str], everywhere: bool) -> Error {
    let name = &resolved.name;
    let place = if everywhere { String::new() } else { on_nodes(nodes) };
    let error = Error::usage(format!("attribute {name} of profile {profile} is required and has no value{place}"))
        .at(resolved.declaration.place.clone());
    if resolved.sensitive {
        error.hint(format!("give --attr {name}=env:VARIABLE, --attr {name}=@FILE, or {name} in an --attrs file"))
    } else {
        error.hint(format!("give --attr {name}=VALUE, or {name} in an --attrs file"))
    }
}
