//! What a run does, fixed before any node is touched. It is shared by all threads.

use super::remote::Agent;
use crate::error::Error;
use crate::lua::Sources;
use crate::node::platform::Platform;
use crate::profile::manifest::Supports;
use crate::results::event::{AttributeSummary, ControlSummary, ProfileSummary, WaiverSummary};
use crate::results::mask::Masker;
use crate::target::Target;
use crate::transport::Options;
use crate::value::Value;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The waiver of a control on a node, by their names, whether it still holds or not.
pub type WaiverOf = Arc<dyn Fn(&str, &str) -> Option<WaiverSummary> + Send + Sync>;

/// Where the `print` of controls goes: the node, the control if one runs, and the line.
pub type NodePrint = Arc<dyn Fn(&str, Option<&str>, &str) + Send + Sync>;

/// Profiles and nodes of a run.
pub struct Plan {
    pub profiles: Vec<PlannedProfile>,
    /// In the order of every report.
    pub nodes: Vec<PlannedNode>,
    pub masker: Arc<Masker>,
    /// The program that is pushed to nodes, where they are not asked in batches.
    pub agent: Option<Agent>,
    /// Where what controls print goes; `None`: nowhere.
    pub print: Option<NodePrint>,
    /// The clock of the run in seconds since 1970.
    pub now: i64,
}

/// A profile whose controls are chosen; the same on every node.
pub struct PlannedProfile {
    /// Every control, by its number in the profile.
    pub controls: Vec<Arc<ControlSummary>>,
    pub selected: Arc<Selected>,
    pub sources: Sources,
    pub supports: Vec<Supports>,
    pub waiver: WaiverOf,
}

/// Which controls of a profile run.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The numbers of the selected controls, in order.
    pub numbers: Vec<usize>,
    /// The profile as reports show it, with the selected controls only.
    pub summary: Arc<ProfileSummary>,
}

impl Selected {
    /// Those of them that `wants` fits.
    pub fn only(&self, wants: &dyn Fn(&ControlSummary) -> bool) -> Selected {
        let both = self.numbers.iter().zip(&self.summary.controls);
        let (numbers, controls) =
            both.filter(|(_, control)| wants(control)).map(|(number, control)| (*number, control.clone())).unzip();
        Selected { numbers, summary: Arc::new(ProfileSummary { controls, ..(*self.summary).clone() }) }
    }
}

/// A node of the run and what the profiles get there.
pub struct PlannedNode {
    pub name: Arc<str>,
    pub target: Target,
    pub groups: Vec<Arc<str>>,
    pub options: Options,
    /// Where what is observed of the node is written to.
    pub record: Option<PathBuf>,
    /// For each profile of the plan, in its order.
    pub profiles: Vec<OnNode>,
    /// What is decided once the node is reached.
    pub later: Option<Later>,
}

/// A profile on one node.
#[derive(Debug, Clone)]
pub struct OnNode {
    pub values: Arc<Values>,
    pub selected: Arc<Selected>,
}

/// The attribute values of one profile, on the nodes that share them.
#[derive(Debug, Default)]
pub struct Values {
    /// As controls see them.
    pub values: IndexMap<String, Value>,
    /// As reports show them.
    pub attributes: Vec<AttributeSummary>,
    /// Texts that no report may show and no command line may hold.
    pub secrets: Vec<String>,
    /// The attributes that are decided once the node is reached.
    pub waiting: Vec<Arc<str>>,
}

/// The values of a node whose facts are known.
#[derive(Debug, Clone)]
pub struct Decision {
    /// For each profile of the plan, in its order.
    pub values: Vec<Arc<Values>>,
    /// Texts that no report may show, beyond those of the values.
    pub secrets: Vec<String>,
}

/// Decides the values of a node by its facts.
pub type Decide = Box<dyn Fn(&Value) -> Result<Decision, Vec<Error>> + Send + Sync>;

/// Values that wait for the facts of a node.
pub struct Later {
    /// The templates that use them.
    pub files: Vec<PathBuf>,
    decide: Decide,
    /// What came of it the last time the node was reached.
    decided: Mutex<Option<Decided>>,
}

/// The values for each profile, or why there are none.
type Decided = Result<Vec<Arc<Values>>, Arc<str>>;

impl Later {
    /// Values that `decide` gives; the templates of `files` use the facts.
    pub fn new(files: Vec<PathBuf>, decide: Decide) -> Later {
        Later { files, decide, decided: Mutex::new(None) }
    }
}

impl PlannedNode {
    /// Decides what waits for the facts of the node, which is reached. Gives what masks its
    /// events from now on, where there are more secrets than `masker` knows.
    pub fn decide(&self, platform: &Platform, masker: &Masker) -> Option<Arc<Masker>> {
        let later = self.later.as_ref()?;
        let decision = (later.decide)(&platform.facts());
        let (decided, secrets) = match decision {
            Ok(Decision { values, mut secrets }) => {
                secrets.extend(values.iter().flat_map(|values| values.secrets.iter().cloned()));
                (Ok(values), secrets)
            }
            Err(errors) => (Err(undecided(&errors)), Vec::new()),
        };
        *later.decided.lock().unwrap_or_else(PoisonError::into_inner) = Some(decided);
        masker.with(secrets).map(Arc::new)
    }

    /// The values of a profile: those that were decided when the node was reached, else those
    /// that are known before.
    pub fn values(&self, profile: usize) -> Arc<Values> {
        let decided = self.later.as_ref().and_then(|later| {
            let decided = later.decided.lock().unwrap_or_else(PoisonError::into_inner);
            decided.as_ref()?.as_ref().ok()?.get(profile).cloned()
        });
        decided.unwrap_or_else(|| self.profiles[profile].values.clone())
    }

    /// Why the values could not be decided when the node was reached.
    pub fn undecided(&self) -> Option<Arc<str>> {
        let decided = self.later.as_ref()?.decided.lock().unwrap_or_else(PoisonError::into_inner);
        decided.as_ref()?.as_ref().err().cloned()
    }
}

/// The errors in one line, as the reason of controls that cannot run.
fn undecided(errors: &[Error]) -> Arc<str> {
    let one = |error: &Error| match &error.place {
        Some(place) => format!("{place}: {}", error.message),
        None => error.message.clone(),
    };
    let all: Vec<String> = errors.iter().map(one).collect();
    format!("the values of attributes cannot be decided: {}", all.join("; ")).into()
}

impl Plan {
    /// How many controls the run will report, over all nodes.
    pub fn controls(&self) -> usize {
        self.nodes.iter().flat_map(|node| &node.profiles).map(|profile| profile.selected.numbers.len()).sum()
    }
}

impl PlannedProfile {
    /// Why the profile is not for a node of this platform; `None` when it is.
    pub fn unsupported(&self, platform: &Platform) -> Option<Arc<str>> {
        if self.supports.is_empty()
            || self.supports.iter().any(|entry| entry.fits(&platform.summary(), &platform.families))
        {
            return None;
        }
        let entries: Vec<String> = self.supports.iter().map(|entry| entry.to_value().to_string()).collect();
        let node = format!("{} {} (family {})", platform.name, platform.release, platform.family);
        let text = format!("{} supports {}, and this node is {node}", self.selected.summary.name, entries.join(" or "));
        Some(text.into())
    }
}
