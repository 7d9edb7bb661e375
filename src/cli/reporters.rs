//! `--reporter`, as every subcommand that writes reports takes it.

use super::Errors;
use crate::error::Error;
use crate::report::text::wrap;
use crate::report::{Spec, TABLE};

/// The reporters there are, for the help of a subcommand, from the table that runs.
pub fn help() -> String {
    /// Where the text begins, so that all of it fits a terminal of 80 columns.
    const INDENT: &str = "            ";
    let below = |text: &str| wrap(text, 79 - INDENT.len()).join(&format!("\n{INDENT}"));
    let mut text = String::from("Reporters, as NAME or NAME:PATH ({node} in a path stands for the node's name):");
    for kind in TABLE {
        text.push_str(&format!("\n  {:8}  {}", kind.name, below(kind.doc)));
        for option in kind.options {
            let line = format!("{},{}={}: {}", kind.name, option.name, option.values.join(" or "), option.doc);
            text.push_str(&format!("\n{INDENT}{}", below(&line)));
        }
    }
    text
}

/// Reads the values of `--reporter`. `eaten` tells what is wrong with a word that is no reporter and
/// was not meant to be one.
///
/// # Errors
///
/// Every value that names no reporter, or one with options or a path it cannot have.
pub fn specs(reporters: &[String], eaten: impl Fn(&str) -> Option<String>) -> Result<Vec<Spec>, Errors> {
    let mut specs = Vec::new();
    let mut errors = Vec::new();
    for text in reporters {
        match text.parse::<Spec>() {
            Ok(spec) => specs.push(spec),
            Err(error) => errors.push(match eaten(text) {
                Some(hint) => Error { hints: vec![hint], ..error },
                None => error,
            }),
        }
    }
    if errors.is_empty() { Ok(specs) } else { Err(Errors(errors)) }
}
