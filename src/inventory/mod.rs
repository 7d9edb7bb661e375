//! Readers of inventories: which nodes there are, in which groups, how each is reached and
//! what values it gets. docs/inventory.md describes the formats.
//!
//! A [`Source`] says what is read. A file is read as what it is: one with the executable bit is run
//! with `--list` and its output is read; the text tells its [`Kind`]. Each kind has a reader that
//! makes a draft; names are looked up and groups put in order once everything is read, so that
//! files may add up. Nothing here looks at a node or reads a secret.

mod ansible;
mod connection;
mod containers;
mod document;
mod groups;
mod json;
mod kind;
mod kubectl;
mod machines;
mod program;
mod rules;
mod secret;
mod source;
mod terraform;
mod transport;
mod vagrant;
mod write;

#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use kind::Kind;
pub use secret::{Named, SecretSource};
pub use source::{Reading, Source};
pub use transport::read as read_transport;

use crate::error::{Error, Place};
use crate::target::Target;
use crate::yaml::{Document, Field, Located, Map};
use indexmap::IndexMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The group every node is in.
pub const ALL: &str = "all";

/// The nodes and groups of one file.
#[derive(Debug, Clone)]
pub struct Inventory {
    pub file: PathBuf,
    /// In the order of the file.
    pub nodes: IndexMap<Arc<str>, Node>,
    /// In the order of the file, `all` first.
    pub groups: IndexMap<Arc<str>, Group>,
    /// What was read and is not honoured, for a person to see.
    pub notes: Vec<String>,
}

/// One machine as an inventory describes it.
#[derive(Debug, Clone)]
pub struct Node {
    pub place: Place,
    pub target: Target,
    /// The numbers of its groups in [`Inventory::groups`], the weakest first: `all`, parents
    /// before children, then in the order listed.
    pub groups: Vec<usize>,
    pub attributes: Option<Attributes>,
    pub connection: Connection,
    /// The variables of a host of Ansible, the weakest layer first. Passwords may be among them.
    pub variables: Vec<Arc<Map>>,
}

/// A group of nodes.
#[derive(Debug, Clone)]
pub struct Group {
    pub place: Place,
    /// The numbers of the groups it is a child of, `all` aside.
    pub parents: Vec<usize>,
    pub attributes: Option<Attributes>,
    pub connection: Connection,
}

/// The attributes of one group or node: a map of `NAME` or `PROFILE::NAME` to values.
#[derive(Debug, Clone)]
pub struct Attributes {
    pub document: Arc<Document>,
    pub values: Located,
    /// Whose they are, where the reader knows no lines: `node web1`.
    pub owner: Option<Arc<str>>,
}

impl Inventory {
    /// Reads the text of an inventory, as what it is said to be or what it looks like; `file` is
    /// the name that places give.
    ///
    /// # Errors
    /// Everything that is wrong with it, with line and column where there are any; no nodes.
    pub fn parse(kind: Option<Kind>, file: &Path, bytes: &[u8]) -> Result<Inventory, Vec<Error>> {
        let mut draft = kind::draft(kind, file, bytes, &rules::Rules::default())?;
        if draft.lacks_hosts {
            draft.notes.push(ansible::LACKING.to_string());
        }
        let remedy = draft.remedy.clone().unwrap_or_default();
        refuse_empty(groups::assemble(draft, file)?, &remedy)
    }

    /// As [`Inventory::parse`], and no nodes are no error.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse_any(kind: Option<Kind>, file: &Path, bytes: &[u8]) -> Result<Inventory, Vec<Error>> {
        groups::assemble(kind::draft(kind, file, bytes, &rules::Rules::default())?, file)
    }

    /// The inventory as Probity's own YAML, which reads as the same nodes, and what is left out of
    /// it: passwords that were written out where it comes from.
    pub fn to_yaml(&self) -> (String, Vec<String>) {
        write::yaml(self)
    }

    /// How a node of this inventory is reached, by all its layers.
    pub fn connection(&self, node: &Node) -> Connection {
        let mut connection = Connection::default();
        for group in &node.groups {
            connection.overlay(&self.groups[*group].connection);
        }
        connection.overlay(&node.connection);
        connection
    }
}

impl Node {
    /// A variable of a host of Ansible, of the strongest layer that has it.
    pub fn variable(&self, name: &str) -> Option<&Field> {
        self.variables.iter().rev().find_map(|layer| layer.get(name))
    }
}

/// An error for an inventory without nodes: a run of nothing would look green.
fn refuse_empty(inventory: Inventory, remedy: &str) -> Result<Inventory, Vec<Error>> {
    if !inventory.nodes.is_empty() {
        return Ok(inventory);
    }
    let error = Error::usage("the inventory has no nodes").in_file(&inventory.file);
    Err(vec![if remedy.is_empty() { error } else { error.hint(remedy) }])
}

/// Why a text cannot be the name of a node or group. A name stands in paths of reports and
/// in patterns of `--nodes`.
pub fn refuse_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("is empty")
    } else if name.contains(char::is_control) {
        Err("holds a control character")
    } else if name.contains('/') {
        Err("holds a slash, and reports are named after nodes")
    } else if name.contains(char::is_whitespace) || name.contains(',') {
        Err("holds a blank or a comma")
    } else if matches!(name, "." | "..") {
        Err("stands for a folder")
    } else if name.starts_with(['!', '-']) {
        Err("begins like a pattern or an option")
    } else if name.len() > 255 {
        Err("is longer than 255 bytes")
    } else {
        Ok(())
    }
}
