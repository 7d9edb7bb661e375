//! Where assignments are read from: attributes files, and arguments of the command line.

use super::assignment::{Assignment, Raw};
use super::{Layer, Origin};
use crate::error::Error;
use crate::inventory::Attributes;
use crate::value::external::{self, Environment};
use crate::yaml::{Data, Document, Field, Map};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads an attributes file: a YAML map whose keys are `NAME` or `PROFILE::NAME`. In one
/// file, what is said to one profile comes after what is said to all.
///
/// # Errors
/// A file that cannot be read or is not such a map; every key that is no name.
pub fn from_file(path: &Path) -> Result<Vec<Assignment>, Vec<Error>> {
    let document = Document::read(path).map_err(|error| vec![error])?;
    from_document(&Arc::new(document), Layer::File)
}

/// Reads a document that is such a map, as an assignment of `layer`.
///
/// # Errors
/// As [`from_file`].
pub fn from_document(document: &Arc<Document>, layer: Layer) -> Result<Vec<Assignment>, Vec<Error>> {
    let root = &document.root;
    let map = match &root.value {
        Data::Null => return Ok(Vec::new()),
        Data::Map(map) => map,
        _ => {
            let message = format!("attributes are a map of names to values, not {}", root.type_name());
            return Err(vec![Error::usage(message).at(root.place.clone()).hint("write for example max_auth_tries: 4")]);
        }
    };
    from_map(document, map, layer, &|field| Origin::Written(field.key.clone()))
}

/// Takes what an inventory says of one group or node.
///
/// # Errors
/// Every key that is no name.
pub fn from_inventory(attributes: &Attributes, layer: Layer) -> Result<Vec<Assignment>, Vec<Error>> {
    let Some(map) = attributes.values.as_map() else { return Ok(Vec::new()) };
    let origin = |field: &Field| match &attributes.owner {
        Some(owner) => Origin::Inventory(field.key.file.clone(), owner.clone()),
        None => Origin::Written(field.key.clone()),
    };
    from_map(&attributes.document, map, layer, &origin)
}

fn from_map(
    document: &Arc<Document>,
    map: &Map,
    layer: Layer,
    origin: &dyn Fn(&Field) -> Origin,
) -> Result<Vec<Assignment>, Vec<Error>> {
    let (mut assignments, mut errors) = (Vec::new(), Vec::new());
    for (key, field) in map {
        match split_name(key) {
            Ok((profile, name)) => assignments.push(Assignment {
                layer,
                profile,
                name,
                origin: origin(field),
                secret: false,
                raw: Raw::Yaml(document.clone(), Box::new(field.value.clone())),
            }),
            Err(message) => errors.push(Error::usage(message).at(field.key.clone())),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    assignments.sort_by_key(|assignment| assignment.profile.is_some());
    Ok(assignments)
}

/// Reads an argument of `--attr`: `NAME=VALUE` or `PROFILE::NAME=VALUE`, where the value
/// is what is written, or `@FILE` for the content of a file (without the line end it ends
/// in), or `env:VARIABLE` for an environment variable. `@@` stands for one `@`.
///
/// # Errors
/// No name, no value, a file or a variable that is not there or is not UTF-8.
pub fn from_argument(argument: &str, environment: Environment<'_>) -> Result<Assignment, Error> {
    let Some((key, value)) = argument.split_once('=') else {
        return Err(Error::usage("--attr takes NAME=VALUE, and there is no = in what was given")
            .hint("write for example --attr max_auth_tries=4"));
    };
    let key = key.trim();
    let (profile, name) = split_name(key).map_err(|message| Error::usage(format!("--attr: {message}")))?;
    let (origin, text, literal) = if let Some(rest) = value.strip_prefix("@@") {
        (Origin::Argument, format!("@{rest}"), true)
    } else if let Some(path) = value.strip_prefix('@') {
        let path = PathBuf::from(path);
        let text = read_value(key, &path)?;
        (Origin::ArgumentFile(path), text, false)
    } else if let Some(variable) = value.strip_prefix("env:") {
        (Origin::ArgumentVariable(variable.to_string()), read_variable(key, variable, environment)?, false)
    } else {
        (Origin::Argument, value.to_string(), true)
    };
    Ok(Assignment { layer: Layer::CommandLine, profile, name, origin, secret: false, raw: Raw::Text { text, literal } })
}

/// `NAME` or `PROFILE::NAME`.
pub(super) fn split_name(key: &str) -> Result<(Option<String>, String), String> {
    let (profile, name) = match key.split_once("::") {
        Some((profile, name)) => (Some(profile), name),
        None => (None, key),
    };
    let plain = |part: &str| !part.is_empty() && !part.contains(|letter: char| letter.is_whitespace() || letter == ':');
    if !plain(name) || !profile.is_none_or(plain) {
        return Err(format!("{key:?} is not a name of an attribute; write NAME or PROFILE::NAME"));
    }
    Ok((profile.map(str::to_string), name.to_string()))
}

fn read_value(key: &str, path: &Path) -> Result<String, Error> {
    if path.as_os_str().is_empty() {
        return Err(Error::usage(format!("--attr {key}=@: no file is named"))
            .hint(format!("write {key}=@FILE, or {key}=@@ for the value @")));
    }
    external::of_file(path).map_err(|what| Error::usage(format!("--attr {key}: {what}")).in_file(path))
}

fn read_variable(key: &str, variable: &str, environment: Environment<'_>) -> Result<String, Error> {
    external::of_variable(variable, environment).map_err(|what| {
        let error = Error::usage(format!("--attr {key}=env:{variable}: {what}"));
        if variable.is_empty() { error.hint(format!("write {key}=env:VARIABLE")) } else { error }
    })
}
