//! Renders the templates of a stage, with what is known when it begins.

use super::context::Context;
use super::file::{Pipeline, Stage, Use};
use crate::error::Error;
use crate::plan::template::{Encoding, Renderer, Template};
use std::collections::BTreeMap;

/// A stage as it is run.
///
/// # Errors
/// What is undefined, and everything that is wrong with what the templates gave.
pub fn stage(pipeline: &Pipeline, number: usize, context: &Context) -> Result<Stage, Vec<Error>> {
    let variables = context.variables();
    let renderers =
        BTreeMap::from([(Use::Text, Renderer::new(Encoding::Raw)), (Use::ShellLine, Renderer::new(Encoding::Shell))]);
    pipeline.stage(number, &mut |text, place, of| {
        let template = Template::at(place, text);
        let rendered = renderers[&of].render(&template, &variables);
        // The source line shows where in the file it stands, unless its text spans lines.
        rendered.map(|rendered| rendered.text).map_err(|error| match (&error.place, &error.source_line) {
            (Some(place), None) => Error { source_line: pipeline.error(place, "").source_line, ..error },
            _ => error,
        })
    })
}

/// Finds what is wrong with the templates of a stage before anything is run: their syntax, and
/// stages that are not sure to have ended.
pub fn check(pipeline: &Pipeline, number: usize) -> Vec<Error> {
    let renderer = Renderer::new(Encoding::Raw);
    let faults = pipeline
        .templates(number)
        .into_iter()
        .filter_map(|(text, place)| renderer.check(&Template::at(place, text)).err());
    faults.collect()
}
