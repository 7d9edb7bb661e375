//! What a run does, fixed before any node is touched. It is shared by all threads.

use super::remote::Agent;
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
use std::sync::Arc;

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
