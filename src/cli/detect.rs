//! `probity detect`

use super::nodes::{NodeArgs, platform_of};
use super::{Errors, Global, Outcome, TextOrJson};
use crate::error::{Error, exit};
use crate::node::Platform;
use crate::plan::nodes::NodePlan;
use crate::results::mask::Masker;
use crate::run;
use std::io::Write;

/// Prints which operating system this machine, or another node, runs
///
/// These are the facts that `supports` of a profile and `os()` in a control go by.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity detect\n  \
    probity detect --format json\n  \
    probity detect -t ssh://ops@web1 -t ssh://ops@web2\n  \
    probity detect --inventory nodes.yml --nodes 'web*'")]
pub struct DetectArgs {
    #[command(flatten)]
    nodes: NodeArgs,
    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    #[arg(hide_possible_values = true)]
    format: TextOrJson,
}

/// How many nodes are asked at once.
const WIDTH: usize = 16;

/// What is known of a node, or why nothing is.
type Found = Result<Facts, String>;

/// The facts that are printed.
struct Facts {
    text: String,
    json: serde_json::Map<String, serde_json::Value>,
}

pub fn run(args: &DetectArgs, global: &Global) -> Outcome {
    let plan = args.nodes.read()?;
    if !global.quiet {
        let mut stderr = std::io::stderr().lock();
        plan.notes.iter().for_each(|note| drop(writeln!(stderr, "note: {note}")));
    }
    let masker = Masker::new(plan.secrets);
    let found = run::side_by_side(&plan.nodes, WIDTH, ask);
    let named = args.nodes.are_named();
    let text = match args.format {
        TextOrJson::Text if named => as_blocks(&plan.nodes, &found),
        TextOrJson::Text => found.iter().flatten().map(|facts| facts.text.clone()).collect(),
        TextOrJson::Json if named => as_list(&plan.nodes, &found, &masker),
        TextOrJson::Json => {
            let head = [("format".to_string(), "probity/platform".into()), ("version".to_string(), 1.into())];
            let facts = |facts: &Facts| {
                let object: serde_json::Map<_, _> = head.iter().cloned().chain(facts.json.clone()).collect();
                format!("{:#}\n", serde_json::Value::Object(object))
            };
            found.iter().flatten().map(facts).collect()
        }
    };
    super::print(&masker.mask_text(&text))?;
    let failed = plan.nodes.iter().zip(&found).filter_map(|(node, found)| {
        let why = found.as_ref().err()?;
        let mut error = Error::usage(match named {
            true => format!("{}: {}", node.name, masker.mask_text(why)),
            false => format!("this machine cannot be looked at: {}", masker.mask_text(why)),
        });
        error.code = exit::ERRORED;
        Some(error)
    });
    let failed: Vec<Error> = failed.collect();
    if failed.is_empty() { Ok(exit::OK) } else { Err(Errors(failed)) }
}

fn ask(plan: &NodePlan) -> Found {
    platform_of(plan).map(|platform| facts(&platform))
}

fn facts(platform: &Platform) -> Facts {
    let families: Vec<&str> = platform.families.iter().map(|family| &**family).collect();
    let text = format!(
        "name:     {}\ntitle:    {}\nrelease:  {}\nfamilies: {}\narch:     {}\nkernel:   {}\n",
        platform.name,
        platform.title,
        platform.release,
        families.join(", "),
        platform.kernel.machine,
        platform.kernel.release
    );
    let fields = [
        ("name", serde_json::Value::from(&*platform.name)),
        ("title", (&*platform.title).into()),
        ("release", (&*platform.release).into()),
        ("family", (&*platform.family).into()),
        ("families", families.into()),
        ("arch", (&*platform.kernel.machine).into()),
        ("kernel", (&*platform.kernel.release).into()),
    ];
    Facts { text, json: fields.map(|(key, value)| (key.to_string(), value)).into_iter().collect() }
}

/// A block of lines for each node that answered.
fn as_blocks(nodes: &[NodePlan], found: &[Found]) -> String {
    let answered = nodes.iter().zip(found).filter_map(|(node, found)| Some((node, found.as_ref().ok()?)));
    let blocks = answered.map(|(node, facts)| format!("{} ({})\n{}", node.name, node.target, indented(&facts.text)));
    blocks.collect::<Vec<_>>().join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Every node with its facts, or with the error that kept them.
fn as_list(nodes: &[NodePlan], found: &[Found], masker: &Masker) -> String {
    let entry = |(node, found): (&NodePlan, &Found)| {
        let (key, value) = match found {
            Ok(facts) => ("platform", serde_json::Value::Object(facts.json.clone())),
            Err(why) => ("error", masker.mask_text(why).into()),
        };
        serde_json::json!({ "node": &*node.name, "target": node.target.to_string(), key: value })
    };
    let entries: Vec<_> = nodes.iter().zip(found).map(entry).collect();
    format!("{:#}\n", serde_json::json!({ "format": "probity/platforms", "version": 1, "nodes": entries }))
}
