//! Rules that say how machines another program knows become nodes: what of a machine is its name,
//! its address, its groups.

mod path;
mod template;
mod written;

pub use path::{Facts, SENSITIVE};
pub use template::Template;
pub use written::{KEYS, read};

use super::Connection;
use crate::error::Error;

/// What is said of machines. What is left out is as the kind of machine has it.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// For all machines.
    pub all: Rule,
    /// For those of one type; the first that fits holds.
    pub resources: Vec<(String, Rule)>,
    /// How all of them are reached.
    pub connection: Connection,
}

/// What is said of some machines.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    pub name: Option<Template>,
    pub address: Option<Address>,
    pub user: Option<Template>,
    /// Instead of the groups the kind of machine has.
    pub groups: Option<Vec<GroupRule>>,
    /// Which machines it is about; of all rules, which ones are taken.
    pub condition: Option<Condition>,
    /// These are no nodes.
    pub skip: bool,
}

/// Which of its addresses a machine is asked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preference {
    #[default]
    Private,
    Public,
}

#[derive(Debug, Clone)]
pub enum Address {
    /// Private or public ones first, then the others.
    Prefer(Preference),
    /// What a template gives.
    Of(Template),
}

/// A group, and which machines are in it.
#[derive(Debug, Clone)]
pub struct GroupRule {
    pub name: Template,
    pub condition: Option<Condition>,
}

/// What has to hold of a machine: of each path one of the values.
#[derive(Debug, Clone)]
pub struct Condition(pub Vec<(String, Wanted)>);

#[derive(Debug, Clone)]
pub enum Wanted {
    /// There is a value, or there is none.
    There(bool),
    /// One of these texts, in which `*` and `?` stand for any.
    OneOf(Vec<globset::GlobMatcher>),
}

impl Condition {
    /// Whether it holds.
    ///
    /// # Errors
    /// It asks for a sensitive value.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, Error> {
        for (path, wanted) in &self.0 {
            let values = facts.texts(path)?;
            let holds = match wanted {
                Wanted::There(there) => facts.has(path)? == *there,
                Wanted::OneOf(texts) => values.iter().any(|value| texts.iter().any(|text| text.is_match(value))),
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
