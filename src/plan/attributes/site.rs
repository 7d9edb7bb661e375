//! An attributes file that is a template: what it gives for one node.

use super::assignment::{Assignment, Raw};
use super::breakout::{ALONE, refuse_broken_out};
use super::resolution::{Fault, told};
use super::sources::split_name;
use super::{Layer, Origin, collect_texts};
use crate::error::{Error, Place};
use crate::plan::template::{Rendered, Renderer, Template, Variables, without};
use crate::results::mask::{MASK, Masker};
use crate::value::Value;
use crate::yaml::{Data, Document};
use std::path::Path;
use std::sync::Arc;

/// What the name of a file that is a template ends in.
const ENDING: &str = "j2";
/// The variable whose use makes a template wait for the node.
pub const FACTS: &str = "facts";
/// The most attributes of one file that was rendered.
const MOST: usize = 10_000;
/// A template of attributes.
#[derive(Debug, Clone)]
pub struct SiteTemplate {
    pub template: Template,
    /// Whether it uses the facts of a node, and so is rendered once the node is reached.
    pub needs_facts: bool,
}

impl SiteTemplate {
    /// Whether a file is taken as a template, by its name.
    pub fn is_one(file: &Path) -> bool {
        file.extension().is_some_and(|ending| ending == ENDING)
    }

    /// Reads a file, and finds what is wrong with it whatever the node.
    ///
    /// # Errors
    /// As [`Template::read`] and [`Renderer::check`].
    pub fn read(file: &Path, renderer: &Renderer) -> Result<SiteTemplate, Error> {
        let template = Template::read(file)?;
        renderer.check(&template)?;
        let needs_facts = template.variables().contains(FACTS);
        Ok(SiteTemplate { template, needs_facts })
    }

    /// What it assigns on a node, and the texts that have to be kept secret for it.
    pub(super) fn assignments(
        &self,
        renderer: &Renderer,
        variables: &Variables,
        node: &Arc<str>,
    ) -> Result<(Vec<Assignment>, Vec<String>), Vec<Fault>> {
        let about = |error: Error| (error, Some(node.clone()));
        let rendered = renderer.render(&self.template, variables).map_err(|error| vec![about(error)])?;
        let guarded = |error: Error| about(without(error, &rendered.secrets));
        refuse_broken_out(&rendered).map_err(|errors| errors.into_iter().map(guarded).collect::<Vec<_>>())?;
        let document = self.document(&rendered).map_err(|error| vec![guarded(error)])?;
        let map = match document.root.value {
            Data::Null => return Ok((Vec::new(), rendered.secrets)),
            Data::Map(map) => map,
            _ => {
                let message = format!("attributes are a map of names to values, not {}", document.root.type_name());
                let error = at(&rendered, &document.root.place, message);
                return Err(vec![guarded(error.hint("write for example max_auth_tries: 4"))]);
            }
        };
        if map.len() > MOST {
            let message = format!("gives {} attributes, and no more than {MOST} are read", map.len());
            return Err(vec![about(Error::usage(message).in_file(self.template.file()))]);
        }
        let disguised = self.disguised(renderer, variables, &rendered);
        let spans = Arc::new(rendered.spans.clone());
        let (mut assignments, mut faults) = (Vec::new(), Vec::new());
        for (key, field) in map {
            let value = field.value.to_value();
            let (line, column) = (field.key.line.unwrap_or(1), field.key.column.unwrap_or(1));
            // An error about a name shows it.
            if disguised.is_made_of_secrets(&key) && !spans.is_written(line, column, key.len()) {
                faults.push(guarded(at(&rendered, &field.key, "the name of an attribute is made of a secret")));
                continue;
            }
            match split_name(&key) {
                Ok((profile, name)) => assignments.push(Assignment {
                    layer: Layer::File,
                    profile,
                    name,
                    origin: Origin::Rendered(place(&rendered, &field.key), node.clone()),
                    secret: disguised.is_secret(&key, &value),
                    raw: Raw::Rendered(spans.clone(), field.value.place.clone(), value),
                }),
                Err(message) => faults.push(guarded(at(&rendered, &field.key, message))),
            }
        }
        assignments.sort_by_key(|assignment| assignment.profile.is_some());
        if faults.is_empty() { Ok((assignments, rendered.secrets)) } else { Err(faults) }
    }

    /// What it gives on a node as a person may see it, also where that is not what attributes
    /// are. `sensitive` says whether an attribute of a profile, or of any, is declared so.
    pub fn shown(
        &self,
        renderer: &Renderer,
        variables: &Variables,
        node: &Arc<str>,
        sensitive: &dyn Fn(Option<&str>, &str) -> bool,
    ) -> Shown {
        let rendered = match renderer.render(&self.template, variables) {
            Ok(rendered) => rendered,
            Err(error) => return Shown { text: None, errors: told(vec![(error, Some(node.clone()))]) },
        };
        let (secret, errors) = match self.assignments(renderer, variables, node) {
            Ok((assignments, _)) => (assignments, Vec::new()),
            Err(faults) => (Vec::new(), told(faults)),
        };
        let is_secret = |key: &str| {
            let Ok((profile, name)) = split_name(key) else { return false };
            let known = |one: &Assignment| one.secret && one.name == name && one.profile == profile;
            sensitive(profile.as_deref(), &name) || secret.iter().any(known)
        };
        let other = match rendered.is_secret && !errors.is_empty() {
            // What is made of secrets is told by the lines alone.
            true => match renderer.render_disguised(&self.template, variables) {
                Ok(other) if other.text.lines().count() == rendered.text.lines().count() => Some(other.text),
                _ => return Shown { text: Some(format!("{MASK}\n")), errors },
            },
            false => None,
        };
        let mut others = other.as_deref().map(str::lines);
        let (mut text, mut hidden) = (String::new(), false);
        for line in rendered.text.lines() {
            let differs = others.as_mut().is_some_and(|lines| lines.next() != Some(line));
            let begins = !line.starts_with([' ', '-', '#', ']', '}']) && !line.is_empty();
            let key = line.split_once(": ").map_or(line.trim_end_matches(':'), |(key, _)| key).trim().trim_matches('"');
            if begins {
                hidden = is_secret(key);
            }
            match (begins, hidden) {
                (true, true) => text.push_str(&format!("{key}: \"{MASK}\"\n")),
                (false, true) => {}
                _ if differs => text.push_str(&format!("{MASK}\n")),
                _ => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        // All in one line, as `{token: …}`, is hidden as a whole.
        let flow = rendered.text.trim_start().starts_with('{');
        let any = || secret.iter().any(|one| one.secret || sensitive(one.profile.as_deref(), &one.name));
        if flow && any() {
            text = format!("{MASK}\n");
        }
        let mut secrets = rendered.secrets;
        for one in secret.iter().filter(|one| one.secret || sensitive(one.profile.as_deref(), &one.name)) {
            collect_texts(&one.written(), &mut secrets);
        }
        let masked = Masker::new(secrets).mask_text(&text).into_owned();
        Shown { text: Some(masked), errors }
    }

    /// What it will assign on a node, as far as its names are written out; each at its line.
    pub(super) fn awaited(&self) -> Vec<Assignment> {
        let mut found = Vec::new();
        for (number, line) in self.template.source().lines().enumerate() {
            let Some((key, _)) = line.split_once(':').filter(|_| !line.starts_with([' ', '#', '{', '-'])) else {
                continue;
            };
            // `PROFILE::NAME:` has more colons.
            let key = match line.split_once("::") {
                Some((profile, rest)) if profile == key => {
                    rest.split_once(':').map_or(key.to_string(), |(name, _)| format!("{profile}::{name}"))
                }
                _ => key.to_string(),
            };
            if let Ok((profile, name)) = split_name(key.trim()) {
                found.push(Assignment {
                    layer: Layer::File,
                    profile,
                    name,
                    origin: Origin::Waiting(Place::line(self.template.file(), number + 1)),
                    secret: false,
                    raw: Raw::Waiting,
                });
            }
        }
        found
    }

    fn document(&self, rendered: &Rendered) -> Result<Document, Error> {
        Document::parse(self.template.file(), rendered.text.as_bytes()).map_err(|error| match &error.place {
            Some(found) => {
                let placed = at(rendered, found, error.message);
                let writes = placed.source_line.as_ref().is_some_and(|line| line.contains("{{"));
                let error = Error { hints: error.hints, ..placed };
                if writes { error.hint(ALONE) } else { error }
            }
            None => error,
        })
    }

    /// What it gives where every encrypted value is another one.
    fn disguised(&self, renderer: &Renderer, variables: &Variables, rendered: &Rendered) -> Disguised {
        if !rendered.is_secret {
            return Disguised::NoSecret;
        }
        let text = renderer.render_disguised(&self.template, variables).map(|other| other.text);
        let document = text.and_then(|text| Document::parse(self.template.file(), text.as_bytes()));
        match document.map(|document| document.root.to_value()) {
            Ok(Value::Map(map)) => Disguised::Known(map),
            _ => Disguised::Unknown,
        }
    }
}

/// What a template gives, for a person to see.
pub struct Shown {
    /// Without what is secret; `None` where it cannot be rendered.
    pub text: Option<String>,
    /// Why it cannot be rendered, or is not what attributes are.
    pub errors: Vec<Error>,
}

/// What a template gives without the secrets it was made with.
enum Disguised {
    /// It was made with none.
    NoSecret,
    Known(indexmap::IndexMap<String, Value>),
    /// It cannot be rendered so: any value may be made of a secret.
    Unknown,
}

impl Disguised {
    /// Whether a name may be made of a secret.
    fn is_made_of_secrets(&self, key: &str) -> bool {
        match self {
            Disguised::NoSecret => false,
            Disguised::Known(map) => !map.contains_key(key),
            Disguised::Unknown => true,
        }
    }

    /// A value that depends on a secret is one.
    fn is_secret(&self, key: &str, value: &Value) -> bool {
        match self {
            Disguised::NoSecret => false,
            Disguised::Known(map) => map.get(key) != Some(value),
            Disguised::Unknown => true,
        }
    }
}

/// The place in the template of a place in what was rendered.
fn place(rendered: &Rendered, place: &Place) -> Place {
    rendered.spans.place(place.line.unwrap_or(1), place.column.unwrap_or(1))
}

fn at(rendered: &Rendered, place: &Place, message: impl Into<String>) -> Error {
    rendered.spans.error(place.line.unwrap_or(1), place.column.unwrap_or(1), message)
}
