//! `probity matchers`

use super::Outcome;
use crate::error::{Error, did_you_mean, exit};
use crate::lua::matcher::{CATALOGUE, MatcherDoc};
use std::fmt::Write;

/// Lists the matchers controls can use, or explains one
///
/// What is printed is made from the same table that runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  probity matchers\n  probity matchers at_most")]
pub struct MatchersArgs {
    /// A matcher to explain
    name: Option<String>,
    /// Print all matchers as one Markdown table
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

pub fn run(args: &MatchersArgs) -> Outcome {
    let text = match &args.name {
        None if args.markdown => markdown(),
        None => list(),
        Some(name) => match CATALOGUE.iter().find(|matcher| matcher.name == name) {
            Some(matcher) => format!("{}\n\n{}\n\nExample\n  {}\n", call(matcher), matcher.doc, matcher.example),
            None => {
                let hint = did_you_mean(name, CATALOGUE.iter().map(|matcher| matcher.name));
                return Err(Error::usage(format!("there is no matcher {name}")).hint(hint).into());
            }
        },
    };
    super::print(&text)?;
    Ok(exit::OK)
}

fn list() -> String {
    let width = CATALOGUE.iter().map(|matcher| call(matcher).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for matcher in CATALOGUE {
        let _ = writeln!(text, "{:width$}  {}", call(matcher), first_sentence(matcher.doc));
    }
    text.push_str("\n`probity matchers NAME` explains one.\n");
    text
}

/// The table of `docs/controls.md`.
fn markdown() -> String {
    let mut text = String::from("| matcher | what it matches | example |\n| --- | --- | --- |\n");
    for matcher in CATALOGUE {
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(text, "| `{}` | {} | `{}` |", cell(&call(matcher)), cell(matcher.doc), cell(matcher.example));
    }
    text
}

fn call(matcher: &MatcherDoc) -> String {
    if matcher.bare { matcher.name.to_string() } else { format!("{}({})", matcher.name, matcher.arguments) }
}

/// The text up to a full stop that a capital letter follows.
fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| at + 1);
    let mut ends = ends.filter(|at| text[at + 1..].starts_with(char::is_uppercase));
    ends.next().map_or(text, |end| &text[..end])
}
