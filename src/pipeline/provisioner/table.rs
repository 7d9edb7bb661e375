//! The kinds of provisioners there are.

use super::run::Outputs;
use super::settings::Settings;
use super::step::{Scene, Step};
use super::{ansible, command, compose, kops, kubectl, script, terraform, vagrant};
use crate::pipeline::key::Key;

/// A kind of provisioner.
pub struct Kind {
    /// The key of a stage that names it.
    pub key: &'static str,
    /// One sentence in Markdown.
    pub doc: &'static str,
    /// The program it needs, by default.
    pub program: Option<&'static str>,
    pub keys: &'static [Key],
    /// The key whose value may stand alone, without a map.
    pub alone: Option<&'static str>,
    /// What it does to provision.
    pub(super) steps: fn(&Settings, &Scene<'_>) -> Vec<Step>,
    /// What it does to see what is there.
    pub(super) look: Option<fn(&Settings, &Scene<'_>) -> Vec<Step>>,
    /// What it does to take it all away.
    pub(super) teardown: Option<fn(&Settings, &Scene<'_>) -> Vec<Step>>,
    /// Reads what a step has printed as outputs.
    pub(super) outputs: fn(&[u8]) -> Result<Outputs, String>,
    /// Outputs that are known without a step.
    pub(super) known: Option<Known>,
    /// What is wrong with settings that are right each by itself, and the remedy.
    pub(super) wrong: Option<Wrong>,
}

/// Gives outputs that follow from the settings alone.
type Known = fn(&Settings) -> serde_json::Map<String, serde_json::Value>;

/// Gives a message and its remedy, where settings contradict each other.
type Wrong = fn(&Settings) -> Option<(&'static str, &'static str)>;

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kind").field(&self.key).finish()
    }
}

impl Kind {
    /// Whether it knows how to take away what it has provisioned.
    pub fn can_tear_down(&self) -> bool {
        self.teardown.is_some()
    }
}

/// Every kind, in the order the reference lists them.
pub static TABLE: &[Kind] = &[
    command::KIND,
    terraform::TERRAFORM,
    terraform::TOFU,
    ansible::KIND,
    script::KIND,
    kops::KOPS,
    kops::KUBICORN,
    kubectl::HELM,
    kubectl::KUBECTL,
    vagrant::KIND,
    compose::KIND,
];

/// Of a kind whose steps print nothing that is an output.
pub(super) fn no_outputs(_: &[u8]) -> Result<Outputs, String> {
    Ok(Outputs::default())
}
