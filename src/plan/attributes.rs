//! The values of the attributes of a run, and where each of them comes from.
//!
//! Values come in layers. Within a layer the order of assignment counts, a later one
//! replaces an earlier one whole, and nothing is ever merged. All layers are assignments
//! of one kind, so that a layer is added by adding assignments of it.

mod assignment;
mod sources;

#[cfg(test)]
mod tests;

pub use assignment::Assignment;
pub use sources::{Environment, from_argument, from_document, from_file};

use crate::error::{Error, Place};
use crate::profile::{Declaration, Manifest};
use crate::value::Value;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The layers from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The default in the manifest.
    Manifest,
    /// `--attrs FILE`, in the order given.
    File,
    /// The groups of a node, the more general first.
    Group,
    /// The node itself.
    Node,
    /// `--attr NAME=VALUE`.
    CommandLine,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// No layer has set it: it is nothing.
    Unset,
    /// A line of a manifest, an attributes file or an inventory.
    Written(Place),
    /// `--attr NAME=VALUE`.
    Argument,
    /// `--attr NAME=@FILE`.
    ArgumentFile(PathBuf),
    /// `--attr NAME=env:VARIABLE`.
    ArgumentVariable(String),
}

impl fmt::Display for Origin {
    /// `profile.yml:12`, `--attr`, `--attr, from env:TOKEN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Unset => f.write_str("not set"),
            Origin::Written(Place { file, line: Some(line), .. }) => write!(f, "{}:{line}", file.display()),
            Origin::Written(place) => write!(f, "{place}"),
            Origin::Argument => f.write_str("--attr"),
            Origin::ArgumentFile(file) => write!(f, "--attr, from @{}", file.display()),
            Origin::ArgumentVariable(name) => write!(f, "--attr, from env:{name}"),
        }
    }
}

/// A value that a layer has set.
#[derive(Clone)]
pub struct Setting {
    pub layer: Layer,
    pub origin: Origin,
    pub value: Value,
}

/// An attribute of a profile with the value it has in a run.
#[derive(Clone)]
pub struct Resolved {
    pub name: Arc<str>,
    /// [`Value::Nil`] where nothing has set it.
    pub value: Value,
    pub origin: Origin,
    pub sensitive: bool,
    pub declaration: Declaration,
    /// Everything that has set it, the weakest first; the last one holds.
    pub trace: Vec<Setting>,
}

/// The attributes of one profile, in the order of its manifest.
#[derive(Debug, Clone)]
pub struct ProfileAttributes {
    pub profile: Arc<str>,
    pub values: Vec<Resolved>,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.name, self.shown(), self.origin)
    }
}

impl Resolved {
    /// The value as it may be shown: a sensitive one is not.
    pub fn shown(&self) -> String {
        self.shown_setting(&self.value)
    }

    /// A value of its trace as it may be shown.
    pub fn shown_setting(&self, value: &Value) -> String {
        match value {
            Value::Nil => "nothing".to_string(),
            _ if self.sensitive => "(sensitive)".to_string(),
            other => other.to_string(),
        }
    }

    /// The texts that must not leave the run: of a sensitive attribute its value, of a
    /// list or map all the values in it, whichever layer set it.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        if self.sensitive {
            self.trace.iter().for_each(|setting| collect_texts(&setting.value, &mut secrets));
        }
        secrets.sort_unstable();
        secrets.dedup();
        secrets
    }
}

impl ProfileAttributes {
    /// The attribute of this name.
    pub fn get(&self, name: &str) -> Option<&Resolved> {
        self.values.iter().find(|resolved| &*resolved.name == name)
    }

    /// The texts that must not leave the run.
    pub fn secrets(&self) -> Vec<String> {
        self.values.iter().flat_map(Resolved::secrets).collect()
    }
}

fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Nil | Value::Bool(_) => {}
        Value::List(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Map(map) => map.values().for_each(|item| collect_texts(item, texts)),
        other => {
            let text = other.as_text().map_or_else(|| other.to_string(), std::borrow::Cow::into_owned);
            if !text.is_empty() {
                texts.push(text);
            }
        }
    }
}

/// Gives every attribute of every profile its value. The assignments are taken layer by
/// layer, within a layer as they come.
///
/// # Errors
/// All of them, not the first: a name or a profile that does not exist (with the nearest),
/// a value of the wrong type, also where a later layer replaces it, a secret written out
/// on the command line, a required attribute without a value. No error shows a sensitive
/// value.
pub fn resolve(manifests: &[&Manifest], assignments: &[Assignment]) -> Result<Vec<ProfileAttributes>, Vec<Error>> {
    let mut errors = Vec::new();
    let mut profiles: Vec<ProfileAttributes> = manifests.iter().map(|manifest| with_defaults(manifest)).collect();
    let mut assignments: Vec<&Assignment> = assignments.iter().collect();
    assignments.sort_by_key(|assignment| assignment.layer);
    for assignment in assignments {
        if let Some(error) = assignment.without_aim(manifests) {
            errors.push(error);
            continue;
        }
        for profile in &mut profiles {
            if assignment.profile.as_ref().is_some_and(|wanted| **wanted != *profile.profile) {
                continue;
            }
            let Some(resolved) = profile.values.iter_mut().find(|resolved| *resolved.name == *assignment.name) else {
                continue;
            };
            match assignment.read(&profile.profile, &resolved.declaration) {
                Ok(value) => {
                    resolved.set(Setting { layer: assignment.layer, origin: assignment.origin.clone(), value })
                }
                Err(error) => {
                    errors.push(error);
                    // A value was given, if a wrong one: it is not missing as well.
                    resolved.origin = assignment.origin.clone();
                }
            }
        }
    }
    for profile in &profiles {
        let missing = |resolved: &&Resolved| resolved.declaration.required && resolved.origin == Origin::Unset;
        for resolved in profile.values.iter().filter(missing) {
            errors.push(missing_value(&profile.profile, resolved));
        }
    }
    if errors.is_empty() { Ok(profiles) } else { Err(errors) }
}

fn with_defaults(manifest: &Manifest) -> ProfileAttributes {
    let values = manifest.attributes.values().map(|declaration| {
        let mut resolved = Resolved {
            name: declaration.name.clone(),
            value: Value::Nil,
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
            });
        }
        resolved
    });
    ProfileAttributes { profile: manifest.name.clone(), values: values.collect() }
}

impl Resolved {
    fn set(&mut self, setting: Setting) {
        self.value = setting.value.clone();
        self.origin = setting.origin.clone();
        self.trace.push(setting);
    }
}

fn missing_value(profile: &str, resolved: &Resolved) -> Error {
    let name = &resolved.name;
    let error = Error::usage(format!("attribute {name} of profile {profile} is required and has no value"))
        .at(resolved.declaration.place.clone());
    if resolved.sensitive {
        error.hint(format!("give --attr {name}=env:VARIABLE, --attr {name}=@FILE, or {name} in an --attrs file"))
    } else {
        error.hint(format!("give --attr {name}=VALUE, or {name} in an --attrs file"))
    }
}
