//! From profiles to what can run: everything that can be wrong without a node is found
//! here, before any node is touched.

use super::plan::{PlannedProfile, Selected, WaiverOf};
use crate::error::{Error, Place};
use crate::lua::{Engine, Limits, Print, Sources};
use crate::profile::Profile;
use crate::results::event::{ControlSummary, ProfileSummary};
use std::sync::Arc;

/// The Lua of a profile, and the data its controls read.
pub fn sources(profile: &Profile) -> Sources {
    let collect = |files: &mut dyn Iterator<Item = (&str, &str)>| {
        files.map(|(path, text)| (Arc::from(path), Arc::from(text))).collect()
    };
    let data = profile.files().iter().filter(|(path, _)| path.starts_with("files/"));
    Sources {
        controls: collect(&mut profile.controls()),
        libraries: collect(&mut profile.libraries()),
        files: data.map(|(path, content)| (path.clone(), content.clone())).collect(),
    }
}

/// Loads the Lua of a profile.
///
/// # Errors
///
/// Every fault of every file, with its place under the profile's own path.
pub fn load(profile: &Profile, print: Print) -> Result<Engine, Vec<Error>> {
    load_sources(profile, &sources(profile), print)
}

fn load_sources(profile: &Profile, sources: &Sources, print: Print) -> Result<Engine, Vec<Error>> {
    Engine::load(sources, Limits::default(), print)
        .map_err(|errors| errors.into_iter().map(|error| placed(error, profile)).collect())
}

/// Gives the place of an error as the user can open it.
fn placed(mut error: Error, profile: &Profile) -> Error {
    if let Some(Place { file, .. }) = &mut error.place {
        *file = profile.path_of(&file.to_string_lossy());
    }
    error
}

/// Loads one profile and chooses its controls. The engine that was loaded on the way can
/// run the profile on the first node.
///
/// # Errors
///
/// What [`load`] finds, and a profile that declares no control at all.
pub fn prepare(
    profile: &Profile,
    selects: &dyn Fn(&ControlSummary) -> bool,
    waiver: WaiverOf,
    print: Print,
) -> Result<(PlannedProfile, Engine), Vec<Error>> {
    let sources = sources(profile);
    let engine = load_sources(profile, &sources, print)?;
    refuse_empty(profile, engine.controls().len()).map_err(|error| vec![error])?;
    let controls: Vec<Arc<ControlSummary>> = engine.summaries().cloned().collect();
    let chosen = controls.iter().enumerate().filter(|(_, control)| selects(control));
    let numbers: Vec<usize> = chosen.map(|(number, _)| number).collect();
    let summary = summarize(profile, numbers.iter().map(|number| controls[*number].clone()).collect());
    let planned = PlannedProfile {
        controls,
        selected: Arc::new(Selected { numbers, summary: Arc::new(summary) }),
        sources,
        supports: profile.manifest.supports.clone(),
        waiver,
    };
    Ok((planned, engine))
}

/// An error where a profile declares no control: nothing checked must not look green.
///
/// # Errors
///
/// When `controls` is 0.
pub fn refuse_empty(profile: &Profile, controls: usize) -> Result<(), Error> {
    if controls > 0 {
        return Ok(());
    }
    Err(Error::usage(format!("profile {} declares no control", profile.manifest.name))
        .at(Place::file(profile.path_of("controls")))
        .hint("write control \"id\" { … } in a file of controls/"))
}

/// What reports say of a profile, with these controls.
pub fn summarize(profile: &Profile, controls: Vec<Arc<ControlSummary>>) -> ProfileSummary {
    let manifest = &profile.manifest;
    ProfileSummary {
        name: manifest.name.clone(),
        version: manifest.version.to_string().into(),
        sha256: profile.sha256().clone(),
        title: manifest.title.clone(),
        summary: manifest.summary.clone(),
        maintainer: manifest.maintainer.clone(),
        license: manifest.license.clone(),
        supports: manifest.supports_value(),
        controls,
    }
}
