//! `probity resources`

use super::{Global, Outcome};
use crate::error::{Error, did_you_mean, exit};
use crate::resource::{self, Absence, Arg, Entry, Rows, Shape};
use std::fmt::Write;

/// Lists the resources controls can use, or explains one
///
/// What is printed is made from the same table that runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  probity resources\n  probity resources file")]
pub struct ResourcesArgs {
    /// A resource to explain
    name: Option<String>,
    /// Print the pages of all resources as one Markdown document
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

pub fn run(args: &ResourcesArgs, _: &Global) -> Outcome {
    let text = match &args.name {
        None if args.markdown => markdown(),
        None => list(),
        Some(name) => match resource::find(name) {
            Some(entry) => page(entry),
            None => {
                let names = resource::ALL.iter().map(|entry| entry.name);
                let hint = did_you_mean(name, names);
                return Err(Error::usage(format!("there is no resource {name}")).hint(hint).into());
            }
        },
    };
    super::print(&text)?;
    Ok(exit::OK)
}

fn list() -> String {
    let width = resource::ALL.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in resource::ALL {
        let summary = entry.summary().replace('\n', " ");
        let _ = writeln!(text, "{:width$}  {}", entry.name, summary.trim());
    }
    text.push_str("\n`probity resources NAME` explains one.\n");
    text
}

/// The page of one resource, as text a terminal and Markdown both show well.
pub fn page(entry: &Entry) -> String {
    let mut text = format!("{}({})\n\n", entry.name, signature(entry.args));
    push_block(&mut text, entry.doc, "");
    let _ = writeln!(text, "\nFollows {}.", entry.source);
    if !entry.args.is_empty() {
        text.push_str("\nArguments\n");
        for arg in entry.args {
            let optional = if arg.required { "" } else { ", optional" };
            let _ = writeln!(text, "  {} ({}{optional})", arg.name, arg.kind.name());
            push_block(&mut text, arg.doc, "      ");
        }
    }
    if !entry.properties.is_empty() {
        text.push_str("\nProperties\n");
        for property in entry.properties {
            let _ = writeln!(text, "  {} ({})", property.name, property.kind.name());
            push_block(&mut text, property.doc, "      ");
        }
    }
    match &entry.shape {
        Shape::Fixed => {}
        Shape::Open(_) => text.push_str("  any other key; one that is not there is nil\n"),
        Shape::Table { columns, .. } => {
            text.push_str("\nColumns (a list each; `where { FIELD = … }` chooses rows)\n");
            for column in *columns {
                let _ = writeln!(text, "  {} (field {}: {})", column.name, column.field, column.kind.name());
                push_block(&mut text, column.doc, "      ");
            }
            let _ = writeln!(text, "  {}: the rows themselves, and how many", Rows::PROPERTIES.join(", "));
        }
    }
    if !entry.predicates.is_empty() {
        text.push_str("\nPredicates\n");
        for predicate in entry.predicates {
            let _ = writeln!(text, "  {}", call(predicate.name, predicate.args));
            push_block(&mut text, predicate.doc, "      ");
            push_arguments(&mut text, predicate.args);
            if predicate.absence == Absence::No {
                text.push_str("      What does not exist is not.\n");
            }
        }
    }
    if !entry.methods.is_empty() {
        text.push_str("\nFunctions\n");
        for method in entry.methods {
            let _ = writeln!(text, "  {} ({})", call(method.name, method.args), method.kind.name());
            push_block(&mut text, method.doc, "      ");
            push_arguments(&mut text, method.args);
        }
    }
    text.push_str("\nExample\n");
    push_block(&mut text, entry.example, "  ");
    text
}

/// The reference of all resources, the file `docs/resources.md`.
fn markdown() -> String {
    let mut text = String::from(
        "# Resources\n\nMade by `probity resources --markdown` from the table that runs; a test sees that it is not \
         stale.\nEvery example here is run by a test as well.\n",
    );
    for entry in resource::ALL {
        let _ = write!(text, "\n## {}\n\n", entry.name);
        push_block(&mut text, entry.doc, "");
        let _ = writeln!(text, "\n`{}({})` follows {}.", entry.name, signature(entry.args), entry.source);
        let mut rows = Vec::new();
        rows.extend(entry.args.iter().map(|arg| (arg.name.to_string(), "argument", arg.kind.name(), arg.doc)));
        rows.extend(entry.properties.iter().map(|one| (one.name.to_string(), "property", one.kind.name(), one.doc)));
        if let Shape::Table { columns, .. } = &entry.shape {
            let name = |column: &resource::Column| format!("{} (field {})", column.name, column.field);
            rows.extend(columns.iter().map(|one| (name(one), "column", one.kind.name(), one.doc)));
        }
        rows.extend(entry.predicates.iter().map(|one| (call(one.name, one.args), "predicate", "boolean", one.doc)));
        rows.extend(entry.methods.iter().map(|one| (call(one.name, one.args), "function", one.kind.name(), one.doc)));
        text.push_str("\n| name | what | type | meaning |\n| --- | --- | --- | --- |\n");
        for (name, what, kind, doc) in rows {
            let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
            let _ = writeln!(text, "| `{name}` | {what} | {kind} | {doc} |");
        }
        if matches!(entry.shape, Shape::Open(_)) {
            text.push_str("| any other key | property | any | what is there; nil where nothing is |\n");
        }
        let _ = write!(text, "\n```lua\n{}\n```\n", entry.example.trim());
    }
    text
}

fn call(name: &str, args: &[Arg]) -> String {
    if args.is_empty() { name.to_string() } else { format!("{name}({})", signature(args)) }
}

fn signature(args: &[Arg]) -> String {
    let words: Vec<String> =
        args.iter().map(|arg| if arg.required { arg.name.to_string() } else { format!("[{}]", arg.name) }).collect();
    words.join(", ")
}

fn push_arguments(text: &mut String, args: &[Arg]) {
    for arg in args {
        let _ = writeln!(text, "      {} ({}): {}", arg.name, arg.kind.name(), arg.doc);
    }
}

/// A block of documentation, each line indented; the blank that `///` leaves is cut.
fn push_block(text: &mut String, doc: &str, indent: &str) {
    for line in doc.trim_end().lines() {
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        if line.is_empty() {
            text.push('\n');
        } else {
            let _ = writeln!(text, "{indent}{line}");
        }
    }
}
