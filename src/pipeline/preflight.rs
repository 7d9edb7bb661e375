//! What can be wrong with a run though its file is right, found out before anything starts.

use super::file::{Body, Pipeline};
use crate::error::Error;
use crate::report::{Destination, Options, Outputs, Spec};
use crate::run;
use std::rc::Rc;

/// Loads the profiles that are there already, their controls included. One that is not may be
/// made by a stage.
///
/// # Errors
/// Everything that is wrong with them.
pub fn try_profiles(pipeline: &Pipeline) -> Result<(), Vec<Error>> {
    let mut errors = Vec::new();
    for number in 0..pipeline.stages.len() {
        let Ok(stage) = pipeline.unrendered(number) else { continue };
        let choice = match &stage.body {
            Body::Validate(validate) => &validate.profiles,
            Body::Wait(wait) => &wait.profiles,
            _ => continue,
        };
        let there: Vec<_> = choice.profiles.iter().filter(|path| path.exists()).cloned().collect();
        match run::load_profiles(&there, &choice.folders, &[]) {
            Ok(profiles) => {
                let faults = profiles.iter().filter_map(|profile| run::load(profile, Rc::new(|_, _| {})).err());
                errors.extend(faults.flatten());
            }
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Finds out that a report cannot be written where it is wanted.
///
/// # Errors
/// Which one, and why.
pub fn try_reports(specs: &[Spec]) -> Result<(), Error> {
    // A stream would empty its file; standard output is there.
    let is_file = |spec: &&Spec| !spec.kind.streams && spec.destination != Destination::Stdout;
    let files: Vec<Spec> = specs.iter().filter(is_file).cloned().collect();
    Outputs::open(&files, &Options::default()).map(drop)
}
