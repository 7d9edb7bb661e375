//! `probity pipeline provisioners`

use crate::cli::{Outcome, print};
use crate::error::{Error, did_you_mean, exit};
use crate::pipeline::Key;
use crate::pipeline::provisioner::{Kind, TABLE};
use std::fmt::Write;

/// Lists what a stage can provision with, or explains one
///
/// What is printed is made from the same table that runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity pipeline provisioners\n  \
    probity pipeline provisioners terraform")]
pub struct ProvisionersArgs {
    /// A provisioner to explain
    name: Option<String>,
    /// Print the pages of all as one Markdown document
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

pub fn run(args: &ProvisionersArgs) -> Outcome {
    let text = match &args.name {
        None if args.markdown => markdown(),
        None => list(),
        Some(name) => match TABLE.iter().find(|kind| kind.key == name) {
            Some(kind) => page(kind),
            None => {
                let hint = did_you_mean(name, TABLE.iter().map(|kind| kind.key));
                return Err(Error::usage(format!("there is no provisioner {name}")).hint(hint).into());
            }
        },
    };
    print(&text)?;
    Ok(exit::OK)
}

fn list() -> String {
    let width = TABLE.iter().map(|kind| kind.key.len()).max().unwrap_or(0);
    let mut text = String::new();
    for kind in TABLE {
        let _ = writeln!(text, "{:width$}  {}", kind.key, kind.doc);
    }
    text.push_str("\n`probity pipeline provisioners NAME` explains one.\n");
    text
}

/// What holds of a kind besides its keys.
fn remarks(kind: &Kind) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(program) = kind.program {
        remarks.push(format!("Runs `{program}`."));
    }
    if let Some(alone) = kind.alone {
        remarks.push(format!("`{}: VALUE` stands for `{}: {{ {alone}: VALUE }}`.", kind.key, kind.key));
    }
    remarks.push(match kind.can_tear_down() {
        true => "A teardown `of` it knows what to do.".to_string(),
        false => "It knows no way back: give a teardown a program of its own.".to_string(),
    });
    remarks
}

fn needed(key: &Key) -> &'static str {
    if key.required { ", required" } else { "" }
}

fn page(kind: &Kind) -> String {
    let mut text = format!("{}\n\n{}\n", kind.key, kind.doc);
    remarks(kind).iter().for_each(|remark| text.push_str(&format!("{remark}\n")));
    text.push_str("\nKeys\n");
    for key in kind.keys {
        let _ = writeln!(text, "  {} ({}{})\n      {}", key.name, key.shape.words(), needed(key), key.doc);
    }
    text
}

fn markdown() -> String {
    let mut text = String::from(
        "# Provisioners\n\nMade by `probity pipeline provisioners --markdown` from the table that runs. A stage of kind \
         `provision` or\n`teardown` names one of them; see [pipeline.md](pipeline.md).\n",
    );
    for kind in TABLE {
        let _ = write!(text, "\n## {}\n\n{}\n{}\n\n", kind.key, kind.doc, remarks(kind).join("\n"));
        text.push_str("| key | value | meaning |\n| --- | --- | --- |\n");
        for key in kind.keys {
            let words = key.shape.words().replace('|', "\\|");
            let doc = key.doc.replace('|', "\\|");
            let _ = writeln!(text, "| `{}` | {words}{} | {doc} |", key.name, needed(key));
        }
    }
    text
}
