//! Where a password or passphrase is read from.

use crate::error::{Error, Place};
use crate::transport::Secret;
use crate::value::external::{self, Environment};
use std::path::PathBuf;

/// A secret that is named, and read only when a node of the run needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The secret itself: typed at a prompt, or a variable of an Ansible inventory.
    Given(Secret),
    /// An environment variable, and where it is named: a place, or a flag.
    Variable(String, Named),
    /// The content of a file, without the line end it ends in.
    File(PathBuf, Named),
}

/// Where the name of a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// In an inventory.
    At(Place),
    /// Behind a flag of the command line.
    By(&'static str),
}

impl SecretSource {
    /// The secret. An empty one is none: it is what a variable holds that somebody forgot to
    /// fill.
    ///
    /// # Errors
    /// There is no such variable or file, or it holds nothing.
    pub fn read(&self, environment: Environment<'_>) -> Result<Secret, Error> {
        let (found, named) = match self {
            SecretSource::Given(secret) => return Ok(secret.clone()),
            SecretSource::Variable(variable, named) => {
                let found = external::of_variable(variable, environment).map_err(str::to_string);
                (found.map_err(|what| format!("{variable}: {what}")), named)
            }
            SecretSource::File(path, named) => {
                (external::of_file(path).map_err(|what| format!("{} {what}", path.display())), named)
            }
        };
        let filled = found.and_then(|text| match text.is_empty() {
            true => Err(match self {
                SecretSource::File(path, _) => format!("{} is empty", path.display()),
                SecretSource::Variable(variable, _) => format!("{variable}: the environment variable is empty"),
                SecretSource::Given(_) => "the secret is empty".to_string(),
            }),
            false => Ok(text),
        });
        filled.map(Secret::new).map_err(|message| match named {
            Named::At(place) => Error::usage(message).at(place.clone()),
            Named::By(flag) => Error::usage(format!("{flag}: {message}")),
        })
    }
}
