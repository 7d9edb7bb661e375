//! What can be wrong with a run though its file is right, found out before anything starts.

use super::file::{Body, Pipeline, ProfileChoice};
use super::validate;
use crate::error::Error;
use crate::plan::attributes::Supplied;
use crate::plan::bags::{Bags, Keys};
use crate::plan::per_node;
use crate::profile::waiver::Waivers;
use crate::profile::{Manifest, Profile};
use crate::report::{Destination, Options, Outputs, Spec};
use crate::run;
use std::rc::Rc;

/// Reads the profiles, their controls included, the files of attributes and the waivers that stages
/// name: a slip of the pen must not cost an hour of provisioning. What a stage makes is named by a
/// template, and read when its turn comes.
///
/// # Errors
/// Everything that is wrong with them.
pub fn try_inputs(pipeline: &Pipeline) -> Result<(), Vec<Error>> {
    let mut errors = Vec::new();
    for number in 0..pipeline.stages.len() {
        let Ok(stage) = pipeline.unrendered(number) else { continue };
        let (choice, waivers) = match &stage.body {
            Body::Validate(validate) => (&validate.profiles, &validate.waivers[..]),
            Body::Wait(wait) => (&wait.profiles, &[][..]),
            _ => continue,
        };
        let profiles = run::load_profiles(&choice.profiles, &choice.folders, &[]).unwrap_or_else(|found| {
            errors.extend(found);
            Vec::new()
        });
        let faults = profiles.iter().filter_map(|profile| run::load(profile, Rc::new(|_, _| {})).err());
        errors.extend(faults.flatten());
        errors.extend(try_values(pipeline, choice, &profiles).err().unwrap_or_default());
        errors.extend(Waivers::read(waivers).err());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Reads the files of attributes, and judges what they and the stage give by what the profiles
/// declare. Without profiles nothing is judged.
fn try_values(pipeline: &Pipeline, choice: &ProfileChoice, profiles: &[Profile]) -> Result<(), Vec<Error>> {
    let bags = Bags::new(choice.bags.clone(), Keys::default());
    let supplied = Supplied::read(&choice.attrs, &[], bags, &|_| None)?;
    let supplied = validate::with_own(supplied, choice, pipeline)?;
    let manifests: Vec<&Manifest> = profiles.iter().map(|profile| &profile.manifest).collect();
    if manifests.is_empty() { Ok(()) } else { per_node::without_nodes(&manifests, &supplied) }
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
