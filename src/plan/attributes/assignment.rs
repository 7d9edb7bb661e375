//! One wish of one layer, and what becomes of it once the declaration is known.

use super::{Layer, Origin};
use crate::error::{Error, Place, did_you_mean, nearest};
use crate::profile::{Declaration, Manifest};
use crate::value::Value;
use crate::yaml::{Document, Located};
use std::fmt;
use std::sync::Arc;

/// One layer's wish for an attribute, before any declaration was looked at.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub layer: Layer,
    /// The only profile that is meant; without one, every profile that declares the name.
    pub profile: Option<String>,
    pub name: String,
    pub origin: Origin,
    pub(super) raw: Raw,
}

/// What was written, which is read once the declared type is known.
#[derive(Clone)]
pub(super) enum Raw {
    Yaml(Arc<Document>, Box<Located>),
    /// Text that stands for the value; `literal` if it was itself on the command line.
    Text {
        text: String,
        literal: bool,
    },
}

impl fmt::Debug for Raw {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Raw::Yaml(..) => "Yaml",
            Raw::Text { .. } => "Text",
        })
    }
}

impl Assignment {
    /// Why no profile of the run is meant, if none is.
    pub(super) fn without_aim(&self, manifests: &[&Manifest]) -> Option<Error> {
        let name = &self.name;
        match &self.profile {
            Some(wanted) => match manifests.iter().find(|manifest| *manifest.name == **wanted) {
                Some(manifest) if manifest.attributes.contains_key(&**name) => None,
                Some(manifest) => {
                    let names = manifest.attributes.keys().map(|name| &**name);
                    let error = self.error(format!("profile {wanted} declares no attribute {name}"));
                    Some(error.hint(did_you_mean(name, names)))
                }
                None => {
                    let names = manifests.iter().map(|manifest| &*manifest.name);
                    let error = self.error(format!("no profile of the run is called {wanted}"));
                    Some(error.hint(did_you_mean(wanted, names)))
                }
            },
            None if manifests.iter().any(|manifest| manifest.attributes.contains_key(&**name)) => None,
            None => {
                let error = self.error(format!("no profile of the run declares an attribute {name}"));
                // Somebody nests the attributes of a profile under its name.
                if manifests.iter().any(|manifest| *manifest.name == **name) {
                    return Some(error.hint(format!("{name} is a profile: write {name}::ATTRIBUTE")));
                }
                let names = manifests.iter().flat_map(|manifest| manifest.attributes.keys()).map(|name| &**name);
                Some(match nearest(name, names) {
                    Some(near) => error.hint(format!("did you mean {near}?")),
                    None => error.hint("`probity attributes explain PROFILE` lists the attributes of a profile"),
                })
            }
        }
    }

    /// The value, if the declaration takes it.
    pub(super) fn read(&self, profile: &str, declaration: &Declaration) -> Result<Value, Error> {
        let name = &declaration.name;
        let about = |message: String| format!("attribute {name} of profile {profile} {message}");
        match &self.raw {
            Raw::Yaml(_, located) if matches!(self.origin, Origin::Inventory(..)) => {
                declaration.check(&located.to_value()).map_err(|message| self.error(about(message)))
            }
            Raw::Yaml(document, located) => declaration.check(&located.to_value()).map_err(|message| {
                if declaration.sensitive {
                    // The source line would show the value.
                    Error::usage(about(message)).at(located.place.clone())
                } else {
                    document.error(&located.place, about(message))
                }
            }),
            Raw::Text { literal: true, .. } if declaration.sensitive => Err(Error::usage(format!(
                "--attr {name}: attribute {name} of profile {profile} is sensitive, and what stands on a command line can be read by every user of the machine"
            ))
            .hint(format!("write {name}=env:VARIABLE or {name}=@FILE"))),
            Raw::Text { text, .. } => declaration.parse_text(text).map_err(|message| self.error(about(message))),
        }
    }

    /// An error about this assignment. It never shows the value: what is written may be
    /// meant for a sensitive attribute whose name is misspelt.
    fn error(&self, message: String) -> Error {
        match &self.origin {
            Origin::Written(place) => Error::usage(message).at(place.clone()),
            Origin::Inventory(file, owner) => Error::usage(format!("{owner}: {message}")).at(Place::file(file)),
            Origin::ArgumentFile(file) => Error::usage(message).at(Place::file(file)),
            Origin::ArgumentVariable(variable) => {
                Error::usage(format!("--attr {}=env:{variable}: {message}", self.name))
            }
            Origin::Argument | Origin::Unset => Error::usage(format!("--attr {}: {message}", self.name)),
        }
    }
}
