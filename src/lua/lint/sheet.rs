//! What the rules write on: the findings of one file, and what is counted over all files.

use super::finding::{Finding, Rule};
use super::names::Names;
use super::tree::{Local, Spot, Tree};
use crate::error::Place;
use crate::profile::Profile;
use std::collections::{BTreeMap, BTreeSet};

/// The most findings of one profile.
pub const MAX_FINDINGS: usize = 1000;

/// What is gathered from all files of a profile.
#[derive(Default)]
pub struct Gathered {
    /// The ids of controls and where they were first declared.
    pub controls: BTreeMap<String, Place>,
    /// The attributes that are read by name.
    pub attributes: BTreeSet<String>,
    /// Attributes are also read by computed names.
    pub any_attribute: bool,
}

/// One file under the eyes of the rules.
pub struct Sheet<'a> {
    pub profile: &'a Profile,
    pub names: &'a Names,
    /// The path relative to the profile.
    pub path: &'a str,
    pub tree: &'a Tree,
    pub gathered: &'a mut Gathered,
    pub findings: &'a mut Vec<Finding>,
    /// How often `attributes` is read by name in this file.
    pub named_attributes: usize,
    /// How often `attributes` is read at all.
    pub read_attributes: usize,
}

impl Sheet<'_> {
    /// A place in this file.
    pub fn place(&self, spot: Spot) -> Place {
        Place::at(self.profile.path_of(self.path), spot.line, spot.column)
    }

    /// Whether there is no use in looking on.
    pub fn is_full(&self) -> bool {
        self.findings.len() > MAX_FINDINGS
    }

    /// Writes down a finding.
    pub fn find(&mut self, rule: &'static Rule, spot: Spot, message: impl Into<String>) {
        let finding = Finding::new(rule, self.place(spot), message);
        self.add(finding);
    }

    /// Writes down a finding with its remedy.
    pub fn find_with(&mut self, rule: &'static Rule, spot: Spot, message: impl Into<String>, hint: impl Into<String>) {
        let finding = Finding::new(rule, self.place(spot), message).hint(hint);
        self.add(finding);
    }

    fn add(&mut self, finding: Finding) {
        if !self.is_full() {
            self.findings.push(finding);
        }
    }

    pub fn local(&self, number: usize) -> Option<&Local> {
        self.tree.locals.get(number)
    }
}
