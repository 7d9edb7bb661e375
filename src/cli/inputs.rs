//! The values a run takes from its user: attributes.

use super::Errors;
use crate::profile::Profile;
use crate::results::event::AttributeSummary;
use crate::value::Value;
use indexmap::IndexMap;
use std::path::PathBuf;

/// Where attribute values come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Attributes")]
pub struct AttributeArgs {
    /// Files of attribute values; a later one wins
    #[arg(long, value_name = "FILE")]
    pub attrs: Vec<PathBuf>,
    /// One value: NAME=VALUE, PROFILE::NAME=VALUE, NAME=@FILE or NAME=env:VARIABLE
    #[arg(long, value_name = "NAME=VALUE")]
    pub attr: Vec<String>,
}

/// The attributes of one profile, decided.
#[derive(Debug, Default)]
pub struct Input {
    pub attributes: Vec<AttributeSummary>,
    pub values: IndexMap<String, Value>,
    pub secrets: Vec<String>,
}

/// Decides every attribute of every profile.
pub fn resolve(profiles: &[Profile], _args: &AttributeArgs) -> Result<Vec<Input>, Errors> {
    let mut inputs = Vec::new();
    for profile in profiles {
        let mut input = Input::default();
        for (name, declaration) in &profile.manifest.attributes {
            let value = declaration.default.clone().unwrap_or_default();
            input.values.insert(name.to_string(), value.clone());
            input.attributes.push(AttributeSummary {
                name: name.clone(),
                kind: declaration.kind.name(),
                required: declaration.required,
                sensitive: declaration.sensitive,
                value,
                origin: "profile.yml".to_string(),
            });
        }
        inputs.push(input);
    }
    Ok(inputs)
}
