//! `probity attributes`

use super::profiles::ProfileArgs;
use super::{Outcome, TextOrJson, inputs};
use crate::error::exit;
use crate::plan::attributes::{ProfileAttributes, Resolved};
use std::fmt::Write;

/// Shows the attribute values a run would have
#[derive(Debug, clap::Args)]
pub struct AttributesArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Prints each value, where it comes from, and what it replaced
    #[command(after_help = "Examples:\n  \
        probity attributes explain profiles/linux-baseline --attrs attributes/linux-baseline.yml\n  \
        probity attributes explain profiles/linux-baseline --attr password_max_days=90")]
    Explain {
        #[command(flatten)]
        profiles: ProfileArgs,
        #[command(flatten)]
        attributes: inputs::AttributeArgs,
        /// How to print it
        #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
        format: TextOrJson,
    },
}

pub fn run(args: &AttributesArgs) -> Outcome {
    let Action::Explain { profiles, attributes, format } = &args.action;
    profiles.refuse_none()?;
    let profiles = profiles.load(&[])?;
    let resolved = inputs::resolve(&profiles, attributes)?;
    let text = match format {
        TextOrJson::Text => resolved.iter().map(explain).collect::<Vec<_>>().join("\n"),
        TextOrJson::Json => {
            let profiles: Vec<_> = resolved.iter().map(to_json).collect();
            let object = serde_json::json!({ "format": "probity/attributes", "version": 1, "profiles": profiles });
            format!("{object:#}\n")
        }
    };
    super::print(&text)?;
    Ok(exit::OK)
}

fn explain(attributes: &ProfileAttributes) -> String {
    let mut text = format!("{}\n", attributes.profile);
    if attributes.values.is_empty() {
        text.push_str("  declares no attributes\n");
    }
    for resolved in &attributes.values {
        let kind = resolved.declaration.kind.name();
        let _ = writeln!(text, "  {} = {}  ({kind}; {})", resolved.name, resolved.shown(), resolved.origin);
        // The last setting holds; those before it were replaced.
        for setting in resolved.trace.iter().rev().skip(1) {
            let _ = writeln!(text, "      instead of {} ({})", resolved.shown_setting(&setting.value), setting.origin);
        }
    }
    text
}

fn to_json(attributes: &ProfileAttributes) -> serde_json::Value {
    let shown = |resolved: &Resolved, value: &crate::value::Value| match resolved.sensitive {
        true => serde_json::Value::String("***".to_string()),
        false => value.to_json(),
    };
    let attribute = |resolved: &Resolved| {
        let replaced: Vec<_> = resolved
            .trace
            .iter()
            .rev()
            .skip(1)
            .map(|setting| serde_json::json!({ "value": shown(resolved, &setting.value), "origin": setting.origin.to_string() }))
            .collect();
        serde_json::json!({
            "name": &*resolved.name,
            "type": resolved.declaration.kind.name(),
            "sensitive": resolved.sensitive,
            "value": shown(resolved, &resolved.value),
            "origin": resolved.origin.to_string(),
            "replaced": replaced,
        })
    };
    let values: Vec<_> = attributes.values.iter().map(|resolved| attribute(resolved)).collect();
    serde_json::json!({ "profile": &*attributes.profile, "attributes": values })
}
