//! What the user of a run gives of attributes, and what of it holds on each node.

use super::assignment::Assignment;
use super::resolution::Fault;
use super::site::SiteTemplate;
use super::{Layer, from_argument, from_file};
use crate::error::Error;
use crate::plan::bags::{Bags, Keys};
use crate::plan::template::{Encoding, Renderer, Variables};
use crate::value::Value;
use crate::value::external::Environment;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The values of files and of the command line, the weakest first.
pub struct Supplied {
    files: Vec<Given>,
    arguments: Vec<Assignment>,
    /// Made when the first template is read.
    renderer: OnceLock<Renderer>,
    bags: Arc<Bags>,
    /// What every template sees besides its node: the environment, and of a pipeline its
    /// variables and stages.
    pub surroundings: Variables,
}

/// What one file gives.
enum Given {
    /// The same on every node.
    Plain(Arc<[Assignment]>),
    Template(SiteTemplate),
}

/// What the files give on one node.
#[derive(Debug, Default)]
pub struct OnNode {
    /// Beyond [`Supplied::common`], the weakest first.
    pub layers: Vec<Arc<[Assignment]>>,
    /// The files that are rendered once the node is reached.
    pub waiting: Vec<PathBuf>,
    /// Texts of encrypted items that were read, which no report may show.
    pub secrets: Vec<String>,
}

impl Supplied {
    /// Reads files and arguments. `environment` is that of `--attr NAME=env:VARIABLE`; what
    /// templates see as `env` is `surroundings`.
    ///
    /// # Errors
    /// Everything that is wrong with them whatever the node, not only the first.
    pub fn read(
        files: &[PathBuf],
        arguments: &[String],
        bags: Bags,
        environment: Environment<'_>,
    ) -> Result<Supplied, Vec<Error>> {
        let mut supplied = Supplied::empty(bags);
        let mut errors = Vec::new();
        for path in files {
            let read = match SiteTemplate::is_one(path) {
                true => SiteTemplate::read(path, supplied.renderer()).map(Given::Template).map_err(|error| vec![error]),
                false => from_file(path).map(|found| Given::Plain(found.into())),
            };
            match read {
                Ok(given) => supplied.files.push(given),
                Err(found) => errors.extend(found),
            }
        }
        for argument in arguments {
            match from_argument(argument, environment) {
                Ok(found) => supplied.arguments.push(found),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(supplied) } else { Err(errors) }
    }

    /// With values that are stronger than those of files.
    #[must_use]
    pub fn and(mut self, stronger: Vec<Assignment>) -> Supplied {
        self.arguments.extend(stronger);
        self
    }

    fn empty(bags: Bags) -> Supplied {
        let bags = Arc::new(bags);
        Supplied {
            files: Vec::new(),
            arguments: Vec::new(),
            renderer: OnceLock::new(),
            bags,
            surroundings: Variables::from([("env".to_string(), Value::Map(environment_of_process()))]),
        }
    }

    /// The texts that no report may show, whatever the node: the keys of data bags.
    pub fn secrets(&self) -> &[String] {
        self.bags.secrets()
    }

    /// What renders its templates.
    pub fn renderer(&self) -> &Renderer {
        self.renderer.get_or_init(|| Renderer::new(Encoding::Yaml).with_bags(self.bags.clone()))
    }

    /// The templates among the files, in order.
    pub fn templates(&self) -> impl Iterator<Item = &SiteTemplate> {
        self.files.iter().filter_map(|given| match given {
            Given::Template(template) => Some(template),
            Given::Plain(_) => None,
        })
    }

    /// Whether a template is rendered only once its node is reached.
    pub fn needs_facts(&self) -> bool {
        self.templates().any(|template| template.needs_facts)
    }

    /// What holds on every node: of the files those before the first template.
    pub fn common(&self) -> Vec<Assignment> {
        let plain = self.files.iter().map_while(|given| match given {
            Given::Plain(assignments) => Some(assignments),
            Given::Template(_) => None,
        });
        plain.flat_map(|assignments| assignments.iter().cloned()).chain(self.arguments.iter().cloned()).collect()
    }

    /// What holds on every node of the other files: those that are no templates themselves.
    pub(in crate::plan) fn after_templates(&self) -> Vec<Arc<[Assignment]>> {
        let rest = self.files.iter().skip_while(|given| matches!(given, Given::Plain(_)));
        let plain = rest.filter_map(|given| match given {
            Given::Plain(assignments) => Some(assignments.clone()),
            Given::Template(_) => None,
        });
        plain.collect()
    }

    /// What the other files give on a node. `variables` are those of the node, its facts among
    /// them if they are known.
    pub(in crate::plan) fn on_node(&self, node: &Arc<str>, variables: &Variables) -> Result<OnNode, Vec<Fault>> {
        let mut found = OnNode::default();
        let mut faults = Vec::new();
        for given in self.files.iter().skip_while(|given| matches!(given, Given::Plain(_))) {
            match given {
                Given::Plain(assignments) => found.layers.push(assignments.clone()),
                Given::Template(site) if site.needs_facts && !variables.contains_key(super::site::FACTS) => {
                    found.layers.push(site.awaited().into());
                    found.waiting.push(site.template.file().to_path_buf());
                }
                Given::Template(site) => match site.assignments(self.renderer(), variables, node) {
                    Ok((assignments, secrets)) => {
                        found.layers.push(assignments.into());
                        found.secrets.extend(secrets);
                    }
                    Err(more) => faults.extend(more),
                },
            }
        }
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }
}

impl From<Vec<Assignment>> for Supplied {
    /// Assignments that hold on every node.
    fn from(assignments: Vec<Assignment>) -> Supplied {
        let mut supplied = Supplied::empty(Bags::new(None, Keys::default()));
        let (files, arguments) = assignments.into_iter().partition(|assignment| assignment.layer <= Layer::File);
        supplied.files.push(Given::Plain(Vec::into(files)));
        supplied.arguments = arguments;
        supplied
    }
}

/// The environment variables that are text.
fn environment_of_process() -> indexmap::IndexMap<String, Value> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, Value::from(value.into_string().ok()?)))
    };
    std::env::vars_os().filter_map(text).collect()
}
