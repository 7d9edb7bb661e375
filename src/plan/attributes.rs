//! The values of the attributes of a run, and where each of them comes from.
//!
//! Values come in layers. Within a layer the order of assignment counts, a later one
//! replaces an earlier one whole, and nothing is ever merged. All layers are assignments
//! of one kind, so that a layer is added by adding assignments of it.

mod assignment;
mod breakout;
mod resolution;
mod site;
mod sources;
mod supplied;

#[cfg(test)]
mod tests;

pub use assignment::Assignment;
pub(in crate::plan) use resolution::{Fault, told};
pub use resolution::{NodeLayers, for_nodes, resolve};
pub use site::SiteTemplate;
pub use sources::{from_argument, from_document, from_file, from_inventory};

pub use supplied::{OnNode, Supplied};

use crate::error::Place;
use crate::profile::Declaration;
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
    /// A line of a template, as it was rendered for a node.
    Rendered(Place, Arc<str>),
    /// A line of a template that is not rendered before its node is reached.
    Waiting(Place),
    /// An inventory without lines, and whose variable it is there: `node web1`.
    Inventory(PathBuf, Arc<str>),
    /// `--attr NAME=VALUE`.
    Argument,
    /// `--attr NAME=@FILE`.
    ArgumentFile(PathBuf),
    /// `--attr NAME=env:VARIABLE`.
    ArgumentVariable(String),
}

impl fmt::Display for Origin {
    /// `profile.yml:12`, `hosts.json, node web1`, `--attr`, `--attr, from env:TOKEN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Unset => f.write_str("not set"),
            Origin::Written(Place { file, line: Some(line), .. }) => write!(f, "{}:{line}", file.display()),
            Origin::Written(place) => write!(f, "{place}"),
            Origin::Rendered(place, node) => {
                write!(f, "{} (rendered for {node})", Origin::Written(place.clone()))
            }
            Origin::Waiting(place) => {
                write!(f, "{}, rendered once the node is reached", Origin::Written(place.clone()))
            }
            Origin::Inventory(file, owner) => write!(f, "{}, {owner}", file.display()),
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
    /// Whether it was made of an encrypted item of a data bag.
    pub secret: bool,
}

/// An attribute of a profile with the value it has in a run.
#[derive(Clone)]
pub struct Resolved {
    pub name: Arc<str>,
    /// [`Value::Nil`] where nothing has set it.
    pub value: Value,
    pub origin: Origin,
    /// Declared so, or made of an encrypted item of a data bag.
    pub sensitive: bool,
    pub declaration: Declaration,
    /// Everything that has set it, the weakest first; the last one holds.
    pub trace: Vec<Setting>,
}

/// The attributes of one profile, in the order of its manifest. What is the same on many
/// nodes is shared by them.
#[derive(Debug, Clone)]
pub struct ProfileAttributes {
    pub profile: Arc<str>,
    pub values: Vec<Arc<Resolved>>,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.name, self.shown(), self.origin)
    }
}

impl Resolved {
    /// The value as it may be shown: a sensitive one is not.
    pub fn shown(&self) -> String {
        shown(&self.value, self.sensitive)
    }

    /// A value of its trace as it may be shown.
    pub fn shown_setting(&self, setting: &Setting) -> String {
        shown(&setting.value, self.is_secret(setting))
    }

    /// Whether a value of its trace is a secret.
    pub fn is_secret(&self, setting: &Setting) -> bool {
        self.declaration.sensitive || setting.secret
    }

    /// The texts that must not leave the run: of a sensitive attribute its value, of a
    /// list or map all the values in it, whichever layer set it.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for setting in self.trace.iter().filter(|setting| self.is_secret(setting)) {
            collect_texts(&setting.value, &mut secrets);
        }
        secrets.sort_unstable();
        secrets.dedup();
        secrets
    }
}

impl ProfileAttributes {
    /// The attribute of this name.
    pub fn get(&self, name: &str) -> Option<&Resolved> {
        self.values.iter().find(|resolved| &*resolved.name == name).map(|resolved| &**resolved)
    }

    /// The texts that must not leave the run.
    pub fn secrets(&self) -> Vec<String> {
        self.values.iter().flat_map(|resolved| resolved.secrets()).collect()
    }
}

fn shown(value: &Value, sensitive: bool) -> String {
    match value {
        Value::Nil => "nothing".to_string(),
        _ if sensitive => "(sensitive)".to_string(),
        other => other.to_string(),
    }
}

pub(in crate::plan) fn collect_texts(value: &Value, texts: &mut Vec<String>) {
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
