//! One wish of one layer, and what becomes of it once the declaration is known.

use super::{Layer, Origin};
use crate::error::{Error, Place, did_you_mean, nearest};
use crate::plan::template::Spans;
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
    /// Whether it was made of an encrypted item of a data bag.
    pub secret: bool,
    pub(super) raw: Raw,
}

/// What was written, which is read once the declared type is known.
#[derive(Clone)]
pub(super) enum Raw {
    Yaml(Arc<Document>, Box<Located>),
    /// What a template gave, and where in what it gave.
    Rendered(Arc<Spans>, Place, Value),
    /// What a template will give that is not rendered yet.
    Waiting,
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
            Raw::Rendered(..) => "Rendered",
            Raw::Waiting => "Waiting",
            Raw::Text { .. } => "Text",
        })
    }
}

impl Assignment {
    /// The value as it was written, where the type matters to nobody.
    pub fn written(&self) -> Value {
        match &self.raw {
            Raw::Yaml(_, located) => located.to_value(),
            Raw::Rendered(_, _, value) => value.clone(),
            Raw::Text { text, .. } => Value::from(text.as_str()),
            Raw::Waiting => Value::Nil,
        }
    }

    /// Whether its value is not known before the node is reached.
    pub fn waits(&self) -> bool {
        matches!(self.raw, Raw::Waiting)
    }

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
        // What no message may show is not only what was declared so.
        let guarded;
        let declaration = match self.secret && !declaration.sensitive {
            true => {
                guarded = Declaration { sensitive: true, ..declaration.clone() };
                &guarded
            }
            false => declaration,
        };
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
            Raw::Rendered(spans, place, value) => declaration.check(value).map_err(|message| {
                let error = spans.error(place.line.unwrap_or(1), place.column.unwrap_or(1), about(message));
                // The template's line would show a value that is written there.
                if declaration.sensitive { Error { source_line: None, ..error } } else { error }
            }),
            Raw::Waiting => Ok(Value::Nil),
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
            Origin::Written(place) | Origin::Waiting(place) | Origin::Rendered(place, _) => {
                Error::usage(message).at(place.clone())
            }
            Origin::Inventory(file, owner) => Error::usage(format!("{owner}: {message}")).at(Place::file(file)),
            Origin::ArgumentFile(file) => Error::usage(message).at(Place::file(file)),
            Origin::ArgumentVariable(variable) => {
                Error::usage(format!("--attr {}=env:{variable}: {message}", self.name))
            }
            Origin::Argument | Origin::Unset => Error::usage(format!("--attr {}: {message}", self.name)),
        }
    }

    /// The node a template was rendered for to give it.
    pub(super) fn rendered_for(&self) -> Option<Arc<str>> {
        match &self.origin {
            Origin::Rendered(_, node) => Some(node.clone()),
            _ => None,
        }
    }
}
