//! `probity describe`

use super::exec::SelectionArgs;
use super::{Outcome, TextOrJson};
use crate::error::exit;
use crate::profile::Profile;
use crate::results::event::{ControlSummary, ProfileSummary};
use std::fmt::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// Lists the controls of a profile; touches no node
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity describe profiles/linux-baseline\n  \
    probity describe linux-baseline-1.0.0.tar.gz --tags cis --format json")]
pub struct DescribeArgs {
    /// The directory or archive of a profile
    profile: PathBuf,
    #[command(flatten)]
    selection: SelectionArgs,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: TextOrJson,
}

pub fn run(args: &DescribeArgs) -> Outcome {
    let profile = Profile::load(&args.profile)?;
    let engine = crate::run::load(&profile, Rc::new(|_, _| {}))?;
    let all: Vec<Arc<ControlSummary>> = engine.summaries().cloned().collect();
    crate::run::refuse_empty(&profile, all.len())?;
    let selection = args.selection.read(&all)?;
    let chosen = all.into_iter().filter(|control| selection.fits(&control.id, &control.tags, control.impact));
    let summary = crate::run::summarize(&profile, chosen.collect());
    let text = match args.format {
        TextOrJson::Text => table(&profile, &summary),
        TextOrJson::Json => {
            let mut object = serde_json::json!({ "format": "probity/profile", "version": 1 });
            object["profile"] = serde_json::json!(summary);
            object["attributes"] = attributes(&profile);
            format!("{object:#}\n")
        }
    };
    super::print(&text)?;
    Ok(exit::OK)
}

fn attributes(profile: &Profile) -> serde_json::Value {
    let declared = profile.manifest.attributes.values().map(|declaration| {
        serde_json::json!({
            "name": &*declaration.name,
            "type": declaration.kind.name(),
            "required": declaration.required,
            "sensitive": declaration.sensitive,
            "default": declaration.default,
            "description": declaration.description.as_deref(),
        })
    });
    declared.collect()
}

fn table(profile: &Profile, summary: &ProfileSummary) -> String {
    let mut text = format!("{} {}", summary.name, summary.version);
    if let Some(title) = &summary.title {
        let _ = write!(text, "  {title}");
    }
    text.push('\n');
    if let Some(line) = &summary.summary {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "sha256 {}\n", summary.sha256);
    let width = summary.controls.iter().map(|control| control.id.chars().count()).max().unwrap_or(0).max(7);
    let _ = writeln!(text, "{:width$}  Impact  Title", "Control");
    for control in &summary.controls {
        let title = control.title.as_deref().unwrap_or("");
        let line = format!("{:width$}  {:>6.1}  {title}", control.id, control.impact);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "\n{} controls", summary.controls.len());
    let declared = &profile.manifest.attributes;
    if !declared.is_empty() {
        let width = declared.keys().map(|name| name.chars().count()).max().unwrap_or(0).max(9);
        let _ = writeln!(text, "\n{:width$}  Type     Default", "Attribute");
        for declaration in declared.values() {
            let default = match (&declaration.default, declaration.required) {
                (_, _) if declaration.sensitive && declaration.default.is_some() => "***".to_string(),
                (Some(value), _) => value.to_string(),
                (None, true) => "required".to_string(),
                (None, false) => "none".to_string(),
            };
            let _ = writeln!(text, "{:width$}  {:7}  {default}", declaration.name, declaration.kind.name());
        }
    }
    text
}
