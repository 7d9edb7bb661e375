//! From profiles and values to what can run: everything that can be wrong without a node
//! is found here, before any node is touched.

use crate::error::{Error, Place};
use crate::lua::{Engine, Limits, Print, Sources};
use crate::node::platform::Platform;
use crate::profile::Profile;
use crate::results::event::{AttributeSummary, ControlSummary, ProfileSummary, WaiverSummary};
use crate::value::Value;
use indexmap::IndexMap;
use std::rc::Rc;
use std::sync::Arc;

/// The waiver of a control on a node, by their names.
pub type WaiverOf = Rc<dyn Fn(&str, &str) -> Option<WaiverSummary>>;

/// One profile of a run, with its values.
pub struct Request<'a> {
    pub profile: &'a Profile,
    /// The attributes as reports show them.
    pub attributes: Vec<AttributeSummary>,
    /// The attributes as controls see them.
    pub values: IndexMap<String, Value>,
    /// Texts that no report may show and no command line may hold.
    pub secrets: Vec<String>,
    /// Whether a control is part of the run.
    pub selects: &'a dyn Fn(&ControlSummary) -> bool,
    /// The waiver of a control on a node, whether it still holds or not.
    pub waiver: WaiverOf,
}

/// A profile whose controls are loaded and chosen.
pub struct PreparedProfile {
    pub summary: Arc<ProfileSummary>,
    pub engine: Engine,
    /// The numbers of the selected controls, in order.
    pub selected: Vec<usize>,
    pub attributes: Vec<AttributeSummary>,
    supports: Vec<crate::profile::manifest::Supports>,
    waiver: WaiverOf,
}

/// Loads the Lua of a profile.
///
/// # Errors
///
/// Every fault of every file, with its place under the profile's own path.
pub fn load(profile: &Profile, print: Print) -> Result<Engine, Vec<Error>> {
    let collect = |files: &mut dyn Iterator<Item = (&str, &str)>| {
        files.map(|(path, text)| (Arc::from(path), Arc::from(text))).collect()
    };
    let data = profile.files().iter().filter(|(path, _)| path.starts_with("files/"));
    let sources = Sources {
        controls: collect(&mut profile.controls()),
        libraries: collect(&mut profile.libraries()),
        files: data.map(|(path, content)| (path.clone(), content.clone())).collect(),
    };
    Engine::load(&sources, Limits::default(), print)
        .map_err(|errors| errors.into_iter().map(|error| placed(error, profile)).collect())
}

/// Gives the place of an error as the user can open it.
fn placed(mut error: Error, profile: &Profile) -> Error {
    if let Some(Place { file, .. }) = &mut error.place {
        *file = profile.path_of(&file.to_string_lossy());
    }
    error
}

/// Loads one profile and chooses its controls.
///
/// # Errors
///
/// What [`load`] finds, and a profile that declares no control at all.
pub fn prepare(request: Request<'_>, print: Print) -> Result<PreparedProfile, Vec<Error>> {
    let profile = request.profile;
    let engine = load(profile, print)?;
    refuse_empty(profile, engine.controls().len()).map_err(|error| vec![error])?;
    engine.set_attributes(request.values, request.secrets);
    let chosen = engine.summaries().enumerate().filter(|(_, control)| (request.selects)(control));
    let selected: Vec<usize> = chosen.map(|(number, _)| number).collect();
    let summary =
        summarize(profile, selected.iter().map(|number| engine.controls()[*number].summary.clone()).collect());
    Ok(PreparedProfile {
        summary: Arc::new(summary),
        engine,
        selected,
        attributes: request.attributes,
        supports: profile.manifest.supports.clone(),
        waiver: request.waiver,
    })
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

impl PreparedProfile {
    /// Why the profile is not for a node of this platform; `None` when it is.
    pub fn unsupported(&self, platform: &Platform) -> Option<Arc<str>> {
        if self.supports.is_empty()
            || self.supports.iter().any(|entry| entry.fits(&platform.summary(), &platform.families))
        {
            return None;
        }
        let entries: Vec<String> = self.supports.iter().map(|entry| entry.to_value().to_string()).collect();
        let node = format!("{} {} (family {})", platform.name, platform.release, platform.family);
        let text = format!("{} supports {}, and this node is {node}", self.summary.name, entries.join(" or "));
        Some(text.into())
    }

    /// The waiver of a control on a node.
    pub fn waiver(&self, control: &str, node: &str) -> Option<WaiverSummary> {
        (self.waiver)(control, node)
    }
}
