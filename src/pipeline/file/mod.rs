//! The pipeline file: stages, what they need, and what each of them does.
//!
//! The file is read twice. [`Pipeline::read`] checks all that can be checked before anything
//! starts: keys, types, the graph. What stands in `{{ }}` is rendered when a stage begins, for it
//! may hold what an earlier stage gave; the stage is then read again, by [`Pipeline::stage`].

mod bodies;
pub mod keys;
mod section;
mod variables;

#[cfg(test)]
mod tests;

pub use bodies::{Body, NodeChoice, ProfileChoice, Provision, Report, Teardown, Validate, Wait};
pub use section::is_template;
pub use variables::{Given, Variable};

use super::graph::{self, Graph};
use super::render;
use crate::error::{Error, Place};
use crate::pipeline::key::Key;
use crate::yaml::{Data, Document, Located};
use indexmap::IndexMap;
use section::{Section, path_of};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A pipeline as its file describes it.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub file: PathBuf,
    /// The folder of the file, from which its paths start.
    pub folder: PathBuf,
    pub name: Arc<str>,
    pub variables: Vec<Variable>,
    /// Reports of the whole run, where the command line gives none.
    pub reporters: Vec<String>,
    /// In the order of the file.
    pub stages: Vec<Outline>,
    document: Arc<Document>,
}

/// What is known of a stage before it begins.
#[derive(Debug, Clone)]
pub struct Outline {
    pub name: Arc<str>,
    pub place: Place,
    pub kind: Kind,
    /// The numbers of the stages it needs, in the order they are listed.
    pub needs: Vec<usize>,
    pub when: When,
    /// The provision a teardown undoes.
    pub of: Option<usize>,
    /// Its section of the file, templates not rendered.
    section: Located,
}

/// What a stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Provision,
    Wait,
    Validate,
    Report,
    Teardown,
}

/// When a stage is run, by how the stages before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    OnSuccess,
    OnFailure,
    Always,
    Never,
}

/// A stage with everything it needs to know, ready to be run.
#[derive(Debug, Clone)]
pub struct Stage {
    pub timeout: Duration,
    /// Attempts after the first.
    pub retries: u32,
    pub retry_delay: Duration,
    pub env: IndexMap<String, String>,
    pub dir: PathBuf,
    pub body: Body,
}

/// Renders a template that stands at a place and is used as this.
pub type Render<'a> = &'a mut dyn FnMut(&str, &Place, Use) -> Result<String, Error>;

/// What a text is used as: that decides how a value is written into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    Text,
    /// A line for the shell, where a value must stay one word.
    ShellLine,
}

/// Time for one attempt where the file says nothing.
const TIMEOUT: Duration = Duration::from_secs(3600);
/// Time before the second attempt where the file says nothing.
const RETRY_DELAY: Duration = Duration::from_secs(5);

impl Kind {
    const ALL: [Kind; 5] = [Kind::Provision, Kind::Wait, Kind::Validate, Kind::Report, Kind::Teardown];

    pub fn name(self) -> &'static str {
        keys::KINDS[self as usize]
    }
}

impl When {
    const ALL: [When; 4] = [When::OnSuccess, When::OnFailure, When::Always, When::Never];

    pub fn name(self) -> &'static str {
        keys::WHEN[self as usize]
    }
}

impl Pipeline {
    /// Reads a pipeline file and checks everything that can be known before it is run.
    ///
    /// # Errors
    /// Everything that is wrong with it, with file, line and column.
    pub fn read(path: &Path) -> Result<Pipeline, Vec<Error>> {
        let document = Document::read(path).map_err(|error| vec![error])?;
        Pipeline::of(Arc::new(document))
    }

    /// As [`Pipeline::read`], of a document at hand.
    ///
    /// # Errors
    /// As [`Pipeline::read`].
    pub fn of(document: Arc<Document>) -> Result<Pipeline, Vec<Error>> {
        let file = document.file().to_path_buf();
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let what = "the pipeline".to_string();
        let head = Section::open(&document, &document.root, what, &[keys::PIPELINE], &[], false)?;
        let name: Arc<str> = head.text("name").unwrap_or_else(|| name_of(&folder)).into();
        if let (Some(field), Err(why)) = (head.field("name"), crate::inventory::refuse_name(&name)) {
            head.wrong(field, format!("the name of the pipeline {why}"), "");
        }
        let reporters = head.texts("reporter");
        for (text, field) in reporters.iter().zip(std::iter::repeat(head.field("reporter"))) {
            if let (Err(error), Some(field)) = (text.parse::<crate::report::Spec>(), field) {
                head.fail(Error { place: Some(field.value.place.clone()), ..error });
            }
        }
        let variables = variables::declared(&document, &head);
        let mut outlines = Vec::new();
        match head.field("stages").map(|field| (&field.value.value, field)) {
            Some((Data::Map(map), _)) if !map.is_empty() => {
                for (name, field) in map {
                    match outline(&document, name, field) {
                        Ok(outline) => outlines.push((outline, &field.value)),
                        Err(errors) => head.fail_all(errors),
                    }
                }
            }
            Some((_, field)) => head.wrong(field, "stages is a map of at least one stage".to_string(), ""),
            None => {}
        }
        let mut errors = head.into_errors();
        let (mut stages, wanted): (Vec<Outline>, Vec<_>) =
            outlines.into_iter().map(|(outline, section)| (outline, section.clone())).unzip();
        // Names that stages need can only be judged once all stages are known.
        if errors.is_empty() {
            errors.extend(graph::resolve(&document, &mut stages, &wanted));
        }
        let pipeline = Pipeline { file, folder, name, variables, reporters, stages, document: document.clone() };
        if errors.is_empty() {
            errors.extend(pipeline.check());
        }
        if errors.is_empty() { Ok(pipeline) } else { Err(errors) }
    }

    /// What can be wrong with the stages themselves, before their templates are rendered.
    fn check(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        for (number, outline) in self.stages.iter().enumerate() {
            errors.extend(self.typed(number, &outline.section, true).err().unwrap_or_default());
            errors.extend(render::check(self, number));
        }
        errors.extend(Graph::new(self).faults(self));
        errors
    }

    /// A stage with its templates rendered by `render`.
    ///
    /// # Errors
    /// Templates that cannot be rendered, and everything that is wrong with what they gave.
    pub fn stage(&self, number: usize, render: Render<'_>) -> Result<Stage, Vec<Error>> {
        let mut errors = Vec::new();
        let rendered = rendered(&self.stages[number].section, Use::Text, render, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        self.typed(number, &rendered, false)
    }

    /// A stage as far as it is known without its templates: what holds one is left out.
    ///
    /// # Errors
    /// What is wrong with the rest.
    pub fn unrendered(&self, number: usize) -> Result<Stage, Vec<Error>> {
        self.typed(number, &self.stages[number].section, true)
    }

    /// Every text of a stage that is a template, with its place.
    pub fn templates(&self, number: usize) -> Vec<(&str, &Place)> {
        let mut found = Vec::new();
        templates(&self.stages[number].section, &mut found);
        found
    }

    /// The number of the stage of this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.stages.iter().position(|stage| &*stage.name == name)
    }

    /// An error at a place of the file, with the source line.
    pub fn error(&self, place: &Place, message: impl Into<String>) -> Error {
        self.document.error(place, message)
    }

    /// The document it was read from.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// Reads a stage's section; with `raw` what holds a template is left out.
    fn typed(&self, number: usize, section: &Located, raw: bool) -> Result<Stage, Vec<Error>> {
        let outline = &self.stages[number];
        let kind = outline.kind;
        let what = format!("stage {}", outline.name);
        let sections = keys::of_kind(kind.name());
        let provisioners = bodies::provisioner_keys(kind);
        let section = Section::open(&self.document, section, what, sections, &provisioners, raw)?;
        let dir = section.text("dir").map_or_else(|| self.folder.clone(), |text| path_of(&self.folder, &text));
        let stage = Stage {
            timeout: section.duration("timeout").unwrap_or(TIMEOUT),
            retries: section.number("retries", 0..=100).map_or(0, |retries| u32::try_from(retries).unwrap_or(0)),
            retry_delay: section.duration("retry_delay").unwrap_or(RETRY_DELAY),
            env: section.text_map("env"),
            body: bodies::read(kind, &section, &dir),
            dir,
        };
        for name in stage.env.keys().filter(|name| name.is_empty() || name.contains(['=', '\0'])) {
            if let Some(field) = section.field("env") {
                section.wrong(field, format!("{name:?} is no name of an environment variable"), "");
            }
        }
        let errors = section.into_errors();
        if errors.is_empty() { Ok(stage) } else { Err(errors) }
    }
}

/// The name of a pipeline that has none: that of its folder.
fn name_of(folder: &Path) -> String {
    // An empty path is the current folder, which has a name all the same.
    let folder = std::path::absolute(Path::new(".").join(folder)).unwrap_or_else(|_| folder.to_path_buf());
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match crate::inventory::refuse_name(&name) {
        Ok(()) => name,
        Err(_) => "pipeline".to_string(),
    }
}

/// A stage without what other stages have to say.
fn outline(document: &Document, name: &str, field: &crate::yaml::Field) -> Result<Outline, Vec<Error>> {
    if let Err(why) = crate::inventory::refuse_name(name) {
        let error = document.error(&field.key, format!("the name of the stage {name:?} {why}"));
        return Err(vec![error.hint("a name is made of letters, digits, dots, dashes and the like")]);
    }
    let what = format!("stage {name}");
    // Which keys a stage may have is judged once its kind is known.
    let all: Vec<&str> = field.value.as_map().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
    let kind_only: Vec<Key> = keys::STAGE.iter().filter(|key| key.required).copied().collect();
    let section = Section::open(document, &field.value, what, &[&kind_only], &all, true)?;
    let kind = section.word("kind", keys::KINDS).map(|number| Kind::ALL[number]);
    let late = matches!(kind, Some(Kind::Report | Kind::Teardown));
    let default = if late { When::Always } else { When::OnSuccess };
    let when = section.word("when", keys::WHEN).map_or(default, |number| When::ALL[number]);
    for key in ["kind", "when", "needs", "of"] {
        if section.has(key) && section.field(key).is_none() {
            section.fail(
                Error::usage(format!("{key} cannot be a template: the graph is fixed before anything starts"))
                    .at(section.place(key).unwrap_or(&field.key).clone()),
            );
        }
    }
    let errors = section.into_errors();
    match kind {
        Some(kind) if errors.is_empty() => Ok(Outline {
            name: name.into(),
            place: field.key.clone(),
            kind,
            needs: Vec::new(),
            when,
            of: None,
            section: field.value.clone(),
        }),
        _ => Err(errors),
    }
}

/// The same value with every text rendered.
fn rendered(value: &Located, of: Use, render: Render<'_>, errors: &mut Vec<Error>) -> Located {
    let mut copy = value.clone();
    match &mut copy.value {
        Data::Str(text) if is_template(text) => match render(text, &value.place, of) {
            Ok(done) => *text = done,
            Err(error) => errors.push(error),
        },
        Data::List(items) => items.iter_mut().for_each(|item| *item = rendered(item, Use::Text, render, errors)),
        Data::Map(map) => {
            for (key, field) in map {
                let of = if keys::SHELL_LINES.contains(&key.as_str()) { Use::ShellLine } else { Use::Text };
                field.value = rendered(&field.value, of, render, errors);
            }
        }
        _ => {}
    }
    copy
}

fn templates<'a>(value: &'a Located, found: &mut Vec<(&'a str, &'a Place)>) {
    match &value.value {
        Data::Str(text) if is_template(text) => found.push((text, &value.place)),
        Data::List(items) => items.iter().for_each(|item| templates(item, found)),
        Data::Map(map) => map.values().for_each(|field| templates(&field.value, found)),
        _ => {}
    }
}
