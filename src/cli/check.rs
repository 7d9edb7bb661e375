//! `probity check`

use super::{Global, Outcome, TextOrJson};
use crate::error::{Error, exit};
use crate::lua::lint::{self, Finding, RULES, Severity};
use crate::profile::Profile;
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Looks profiles through for errors and likely mistakes; touches no node
#[derive(Debug, clap::Args)]
#[command(after_help = "A warning is switched off by -- probity: allow RULE at the end of its line or above it.\n\n\
    Exit codes: 0 without errors, 1 with errors (with --strict also with warnings).\n\n\
    Examples:\n  \
    probity check profiles/linux-baseline\n  \
    probity check linux-baseline-1.0.0.tar.gz --strict --format json\n  \
    probity check --rules")]
pub struct CheckArgs {
    /// Directories or archives of profiles
    #[arg(value_name = "PROFILE", required_unless_present = "rules")]
    profiles: Vec<PathBuf>,
    /// Fail where there are warnings, too
    #[arg(long)]
    strict: bool,
    /// List what is looked for, and check nothing
    #[arg(long, conflicts_with_all = ["profiles", "strict"])]
    rules: bool,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: TextOrJson,
}

/// One profile and what was found in it.
struct Checked<'a> {
    path: &'a Path,
    /// Name and version, where the manifest could be read.
    named: Option<(String, String)>,
    findings: Vec<Finding>,
}

pub fn run(args: &CheckArgs, global: &Global) -> Outcome {
    if args.rules {
        super::print(&rules(args.format))?;
        return Ok(exit::OK);
    }
    let mut checked = Vec::new();
    for path in &args.profiles {
        checked.push(check(path)?);
    }
    let colours = global.colours(&std::io::stdout());
    let text = match args.format {
        TextOrJson::Text => text(&checked, colours, global.quiet),
        TextOrJson::Json => format!("{:#}\n", document(&checked)),
    };
    super::print(&text)?;
    let (errors, warnings) = count(&checked);
    Ok(if errors > 0 || args.strict && warnings > 0 { exit::USAGE } else { exit::OK })
}

fn check(path: &Path) -> Result<Checked<'_>, Error> {
    let profile = match Profile::load(path) {
        Ok(profile) => profile,
        Err(error) => return Ok(Checked { path, named: None, findings: vec![lint::unreadable(error)] }),
    };
    let refused = match crate::run::load(&profile, Rc::new(|_, _| {})) {
        Ok(engine) => crate::run::refuse_empty(&profile, engine.controls().len()).err().into_iter().collect(),
        Err(errors) => errors,
    };
    let findings = lint::check(&profile, refused)?;
    let manifest = &profile.manifest;
    Ok(Checked { path, named: Some((manifest.name.to_string(), manifest.version.to_string())), findings })
}

/// How many errors and warnings there are.
fn count(checked: &[Checked<'_>]) -> (usize, usize) {
    let all = || checked.iter().flat_map(|profile| &profile.findings);
    let errors = all().filter(|finding| finding.is_error()).count();
    (errors, all().count() - errors)
}

fn text(checked: &[Checked<'_>], colours: bool, quiet: bool) -> String {
    let style = |colour: AnsiColor| if colours { colour.on_default().bold() } else { Style::new() };
    let mut text = String::new();
    for finding in checked.iter().flat_map(|profile| &profile.findings) {
        let style = style(if finding.is_error() { AnsiColor::Red } else { AnsiColor::Yellow });
        let word = word(finding.rule.severity);
        let _ = writeln!(text, "{style}{word}{style:#}[{}]: {}\n", finding.rule.name, finding.error);
    }
    if quiet {
        return text;
    }
    let amount = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let (errors, warnings) = count(checked);
    let named = |profile: &Checked<'_>| match &profile.named {
        Some((name, version)) => format!("{name} {version}"),
        None => profile.path.display().to_string(),
    };
    let names: Vec<String> = checked.iter().map(named).collect();
    let _ = writeln!(text, "{}: {}, {}", names.join(", "), amount(errors, "error"), amount(warnings, "warning"));
    text
}

fn document(checked: &[Checked<'_>]) -> Value {
    let list = |errors: bool| -> Vec<Value> {
        let all = checked.iter().flat_map(|profile| profile.findings.iter().map(move |finding| (profile, finding)));
        all.filter(|(_, finding)| finding.is_error() == errors)
            .map(|(profile, finding)| object(profile, finding))
            .collect()
    };
    let profile = |profile: &Checked<'_>| {
        let (name, version) = profile.named.as_ref().map(|(name, version)| (name, version)).unzip();
        json!({ "path": profile.path.display().to_string(), "name": name, "version": version })
    };
    let profiles: Vec<Value> = checked.iter().map(profile).collect();
    let (errors, warnings) = (list(true), list(false));
    json!({ "format": "probity/check", "version": 1, "profiles": profiles, "errors": errors, "warnings": warnings })
}

fn object(profile: &Checked<'_>, finding: &Finding) -> Value {
    let place = finding.place();
    json!({
        "rule": finding.rule.name,
        "message": finding.error.message,
        "profile": profile.path.display().to_string(),
        "file": place.map(|place| place.file.display().to_string()),
        "line": place.and_then(|place| place.line),
        "column": place.and_then(|place| place.column),
        "source": finding.error.source_line,
        "hints": finding.error.hints,
    })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn rules(format: TextOrJson) -> String {
    let width = RULES.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    match format {
        TextOrJson::Text => RULES
            .iter()
            .map(|rule| format!("{:width$}  {:7}  {}\n", rule.name, word(rule.severity), rule.doc))
            .collect(),
        TextOrJson::Json => {
            let rules: Vec<Value> = RULES
                .iter()
                .map(|rule| json!({ "name": rule.name, "severity": word(rule.severity), "doc": rule.doc }))
                .collect();
            format!("{:#}\n", json!({ "format": "probity/check-rules", "version": 1, "rules": rules }))
        }
    }
}
