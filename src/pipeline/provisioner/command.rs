//! Any program: what it does is its own affair.

use super::run::{Outputs, json_outputs};
use super::settings::Settings;
use super::step::{Keep, Scene, Step};
use super::table::Kind;
use crate::pipeline::key::{Key, Shape, key, required};
use crate::pipeline::process::{Capture, Program, Words};

const KEYS: &[Key] = &[
    required("command", Shape::Program, "The program: a list of its words, or one line for `sh -c`."),
    key("stdin", Shape::Text, "What it reads on standard input."),
    key(
        "outputs",
        Shape::Word(&["json"]),
        "Its standard output is a JSON map, the outputs of the stage; it is not shown.",
    ),
    key("sensitive", Shape::Texts, "Names of outputs that are secrets."),
];

/// `run: make up`, `run: [make, up]` or `run: {command: …}`.
pub const KIND: Kind = Kind {
    key: "run",
    doc: "Any program, with or without a shell.",
    program: None,
    keys: KEYS,
    alone: Some("command"),
    wrong: Some(|settings| match (settings.has("sensitive"), settings.has("outputs")) {
        (true, false) => Some(("sensitive names outputs, and there are none", "add outputs: json")),
        _ => None,
    }),
    steps,
    look: None,
    teardown: None,
    outputs,
    known: None,
};

fn steps(settings: &Settings, _: &Scene<'_>) -> Vec<Step> {
    let mut program = match settings.program("command") {
        Some(Words::Argv(words)) => Program::new(words),
        Some(Words::Line(line)) => Program::line(line),
        None => return Vec::new(),
    };
    if let Some(stdin) = settings.text("stdin") {
        program = program.stdin(stdin);
    }
    vec![match settings.has("outputs") {
        true => Step::kept("run", program.capture(Capture::Hidden), Keep::Outputs),
        false => Step::new("run", program),
    }]
}

fn outputs(bytes: &[u8]) -> Result<Outputs, String> {
    Ok(Outputs { values: json_outputs(bytes)?, sensitive: Vec::new() })
}
