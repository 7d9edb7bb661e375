//! The variables of a pipeline: declared in the file, given from outside.

use super::keys::VARIABLE;
use super::section::{Section, path_of, plain};
use crate::error::{Error, Place, did_you_mean};
use crate::value::external::{self, Environment};
use crate::yaml::{Data, Document};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A variable the file declares.
#[derive(Debug, Clone)]
pub struct Variable {
    pub name: String,
    pub place: Place,
    /// The value where nobody gives another; `None`: one has to be given.
    pub default: Option<String>,
    /// The environment variable that gives it.
    pub variable: String,
    /// The file whose content it is.
    pub file: Option<PathBuf>,
    /// Whether it is a secret.
    pub sensitive: bool,
    pub description: Option<String>,
}

/// The values of a run's variables.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub values: BTreeMap<String, String>,
    /// Values no output, log or report may show.
    pub secrets: Vec<String>,
}

/// Reads the declarations; what is wrong is noted with the section.
pub fn declared(document: &Document, head: &Section<'_>) -> Vec<Variable> {
    let Some(field) = head.field("vars") else { return Vec::new() };
    let Data::Map(map) = &field.value.value else {
        head.wrong(field, format!("vars is {}, not a map", field.value.type_name()), "");
        return Vec::new();
    };
    let folder = document.file().parent().unwrap_or(Path::new(""));
    let mut variables = Vec::new();
    for (name, field) in map {
        if !is_name(name) {
            let error = document.error(&field.key, format!("{name:?} is no name of a variable"));
            head.fail(error.hint("a name is made of letters, digits and _, and begins with no digit"));
            continue;
        }
        let mut variable = Variable {
            name: name.clone(),
            place: field.key.clone(),
            default: None,
            variable: format!("PROBITY_VAR_{}", name.to_uppercase()),
            file: None,
            sensitive: false,
            description: None,
        };
        match &field.value.value {
            Data::Null => {}
            Data::List(_) => head.wrong(field, format!("the variable {name} is a list, not a text"), ""),
            Data::Map(_) => {
                let what = format!("the variable {name}");
                let Some(section) = head.keep(Section::open(document, &field.value, what, &[VARIABLE], &[], false))
                else {
                    continue;
                };
                variable.default = section.text("default");
                variable.variable = section.text("env").unwrap_or(variable.variable);
                variable.file = section.text("file").map(|text| path_of(folder, &text));
                variable.sensitive = section.bool("sensitive").unwrap_or(false);
                variable.description = section.text("description");
                if variable.sensitive && variable.default.is_some() {
                    // Its line is not shown: the secret stands there.
                    let error =
                        Error::usage(format!("the secret {name} is written out, and whoever reads the file reads it"));
                    section.fail(error.at(field.key.clone()).hint("give it by env: VARIABLE or file: PATH"));
                }
                head.fail_all(section.into_errors());
            }
            _ => variable.default = plain(&field.value),
        }
        variables.push(variable);
    }
    variables
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Given {
    /// Gives every variable its value: `--var` wins over the environment, that over a file, and
    /// that over the default.
    ///
    /// # Errors
    /// An argument that is no `NAME=VALUE` or names no variable, a secret on the command line,
    /// values that cannot be read, and variables without a value.
    pub fn read(
        variables: &[Variable],
        arguments: &[String],
        environment: Environment<'_>,
    ) -> Result<Given, Vec<Error>> {
        let mut given = Given::default();
        let mut errors = Vec::new();
        for argument in arguments {
            if let Err(error) = given.argument(variables, argument, environment) {
                errors.push(error);
            }
        }
        for variable in variables {
            if given.values.contains_key(&variable.name) {
                continue;
            }
            let value = match (environment(&variable.variable), &variable.file) {
                (Some(_), _) => external::of_variable(&variable.variable, environment)
                    .map(Some)
                    .map_err(|why| Error::usage(format!("{}: {why}", variable.variable)).at(variable.place.clone())),
                (None, Some(file)) => external::of_file(file).map(Some).map_err(|why| Error::usage(why).in_file(file)),
                (None, None) => Ok(variable.default.clone()),
            };
            match value {
                Ok(Some(value)) => given.set(variable, value),
                Ok(None) => {
                    let (name, environment) = (&variable.name, &variable.variable);
                    let error = Error::usage(format!("the variable {name} has no value")).at(variable.place.clone());
                    errors.push(error.hint(match variable.sensitive {
                        true => format!("set {environment} in the environment"),
                        false => format!("add --var {name}=VALUE, or set {environment} in the environment"),
                    }));
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(given) } else { Err(errors) }
    }

    fn argument(&mut self, variables: &[Variable], argument: &str, environment: Environment<'_>) -> Result<(), Error> {
        let Some((name, text)) = argument.split_once('=') else {
            return Err(Error::usage(format!("--var {argument} gives no value")).hint("write --var NAME=VALUE"));
        };
        let Some(variable) = variables.iter().find(|variable| variable.name == name) else {
            let error = Error::usage(format!("--var {name}: the pipeline declares no variable {name}"));
            return Err(error.hint(did_you_mean(name, variables.iter().map(|variable| variable.name.as_str()))));
        };
        let wrong = |why: String| Error::usage(format!("--var {name}: {why}"));
        let value = match (text.strip_prefix('@'), text.strip_prefix("env:")) {
            (Some(text), _) if text.starts_with('@') => text.to_string(),
            (Some(path), _) => external::of_file(Path::new(path)).map_err(|why| wrong(why).in_file(Path::new(path)))?,
            (_, Some(variable)) => {
                external::of_variable(variable, environment).map_err(|why| wrong(why.to_string()))?
            }
            _ if variable.sensitive => {
                let error = wrong("it is a secret, and the command line is for everybody to see".to_string());
                return Err(error.hint(format!("write --var {name}=@FILE, or set {}", variable.variable)));
            }
            _ => text.to_string(),
        };
        self.set(variable, value);
        Ok(())
    }

    fn set(&mut self, variable: &Variable, value: String) {
        if variable.sensitive && !value.is_empty() {
            self.secrets.push(value.clone());
        }
        self.values.insert(variable.name.clone(), value);
    }
}
