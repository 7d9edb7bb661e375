//! Where a password or passphrase is read from.

use crate::error::{Error, Place};
use crate::transport::{Prompt, Secret};
use crate::value::external::{self, Environment};
use std::path::PathBuf;

/// A secret that is named, and read only when a node of the run needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The secret itself: a variable of an Ansible inventory.
    Given(Secret),
    /// An environment variable, and where it is named: a place, or a flag.
    Variable(String, Named),
    /// The content of a file, without the line end it ends in.
    File(PathBuf, Named),
    /// What a person types, asked with this prompt; the flag that says so.
    Prompt(&'static str, &'static str),
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
    /// There is no such variable or file, it holds nothing, or there is nobody to ask.
    pub fn read(&self, environment: Environment<'_>, prompt: Option<&Prompt>) -> Result<Secret, Error> {
        let (found, named) = match self {
            SecretSource::Given(secret) => return Ok(secret.clone()),
            SecretSource::Prompt(text, flag) => {
                let typed = prompt.and_then(|prompt| prompt(text)).filter(|secret| !secret.reveal().is_empty());
                return typed.ok_or_else(|| {
                    Error::usage(format!("{flag}: nothing was typed, or there is no terminal to ask at"))
                        .hint(format!("use {} where nobody is there to type", flag.replace("-prompt", "-env VARIABLE")))
                });
            }
            SecretSource::Variable(variable, named) => {
                let found = external::of_variable(variable, environment).map_err(str::to_string);
                (found.map_err(|what| format!("{variable}: {what}")), named)
            }
            SecretSource::File(path, named) => {
                (external::of_file(path).map_err(|what| format!("{} {what}", path.display())), named)
            }
        };
        let filled = found.and_then(|text| match (text.is_empty(), self) {
            (false, _) => Ok(text),
            (true, SecretSource::File(path, _)) => Err(format!("{} is empty", path.display())),
            (true, SecretSource::Variable(variable, _)) => {
                Err(format!("{variable}: the environment variable is empty"))
            }
            // Both have been answered above.
            (true, SecretSource::Given(_) | SecretSource::Prompt(..)) => Err("the secret is empty".to_string()),
        });
        filled.map(Secret::new).map_err(|message| match named {
            Named::At(place) => Error::usage(message).at(place.clone()),
            Named::By(flag) => Error::usage(format!("{flag}: {message}")),
        })
    }
}
