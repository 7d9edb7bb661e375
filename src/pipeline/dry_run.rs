//! What `--dry-run` prints: the stages in the order of the graph, and what each would run.

use super::context::Context;
use super::file::{Body, Given, Kind, Outline, Pipeline, Stage, When};
use super::graph::Graph;
use super::provisioner::{Provisioner, Scene};
use super::render;
use crate::results::mask::Masker;
use std::fmt::Write;
use std::path::Path;

/// The plan of a run in words; nothing is run to find it out.
pub fn text(pipeline: &Pipeline, given: &Given, teardown: bool) -> String {
    let masker = Masker::new(given.secrets.clone());
    let context = Context { variables: given.values.clone(), ..Context::default() };
    let mut text = format!("pipeline {}\n", pipeline.name);
    for (name, value) in &given.values {
        let _ = writeln!(text, "  {name} = {value}");
    }
    for number in Graph::new(pipeline).order() {
        let outline = &pipeline.stages[*number];
        let _ = writeln!(text, "\n{} ({})", outline.name, outline.kind.name());
        text.push_str(&needs(pipeline, outline));
        if outline.when == When::Never || (outline.kind == Kind::Teardown && !teardown) {
            text.push_str("  is not run\n");
            continue;
        }
        // What earlier stages give is not known: where it is asked for, the file's own text is shown.
        match render::stage(pipeline, *number, &context) {
            Ok(stage) => {
                let lines = words(pipeline, outline, &stage);
                for line in lines {
                    let _ = writeln!(text, "  {line}");
                }
            }
            Err(_) => pipeline.templates(*number).iter().for_each(|(template, _)| {
                let _ = writeln!(text, "  waits for other stages: {}", template.trim());
            }),
        }
    }
    text.push_str("\nNothing was run.\n");
    masker.mask_text(&text).into_owned()
}

fn needs(pipeline: &Pipeline, outline: &Outline) -> String {
    if outline.needs.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = outline.needs.iter().map(|need| &*pipeline.stages[*need].name).collect();
    let when = match outline.when {
        When::OnSuccess | When::Never => "once they are done",
        When::OnFailure => "if one of them, or of those before, is not good",
        When::Always => "whatever they come to",
    };
    format!("  after {}, {when}\n", names.join(", "))
}

/// The programs of a provisioner.
fn steps(provisioner: &Provisioner, stage: &Stage) -> Vec<String> {
    let scene = Scene { env: &stage.env, scratch: Path::new("TEMPORARY"), nodes: &[] };
    provisioner.steps(&scene).iter().map(|step| format!("runs {step}")).collect()
}

/// What a stage does, line by line.
fn words(pipeline: &Pipeline, outline: &Outline, stage: &Stage) -> Vec<String> {
    let paths = |paths: &[std::path::PathBuf]| {
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    match &stage.body {
        Body::Provision(provision) => provision.provisioner.iter().flat_map(|made| steps(made, stage)).collect(),
        Body::Teardown(teardown) => match (&teardown.provisioner, outline.of) {
            (Some(provisioner), _) => steps(provisioner, stage),
            (None, Some(of)) => vec![format!("undoes {}", pipeline.stages[of].name)],
            (None, None) => Vec::new(),
        },
        Body::Wait(wait) => {
            let mut lines = vec![format!("waits up to {}", super::ground::words(wait.within))];
            if !wait.profiles.profiles.is_empty() {
                lines.push(format!("until {} pass", paths(&wait.profiles.profiles)));
            }
            lines
        }
        Body::Validate(validate) => {
            let mut lines = vec![format!("runs {}", paths(&validate.profiles.profiles))];
            if !validate.profiles.attrs.is_empty() {
                lines.push(format!("with {}", paths(&validate.profiles.attrs)));
            }
            lines
        }
        Body::Report(report) => {
            let mut lines: Vec<String> = report.reporters.iter().map(|reporter| format!("writes {reporter}")).collect();
            lines.extend(report.run.iter().flat_map(|program| steps(program, stage)));
            lines
        }
    }
}
