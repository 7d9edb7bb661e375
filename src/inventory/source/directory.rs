//! A folder of inventories. Its files are read in the order of their names, as Ansible reads a
//! folder, and add up to one inventory.

use super::{Reading, Source};
use crate::error::{Error, Place};
use crate::inventory::ansible;
use crate::inventory::groups::{Draft, DraftGroup, DraftNode};
use crate::inventory::kind::Kind;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The endings of files that are no inventories, as Ansible has them.
const IGNORED: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];

/// Folders that hold variables, and what belongs to Ansible otherwise.
const OTHERS: [&str; 3] = ["group_vars", "host_vars", "vars_plugins"];

/// Reads the files of a folder, those of folders in it as well.
///
/// # Errors
/// What cannot be read at all. What is wrong otherwise is among the draft's errors.
pub fn draft(folder: &Path, kind: Option<Kind>, reading: &Reading<'_>, depth: usize) -> Result<Draft, Vec<Error>> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| vec![Error::usage(format!("the folder cannot be read: {error}")).in_file(folder)])?;
    let names: BTreeSet<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let mut whole = Draft { remedy: Some("no file in it names one".to_string()), ..Draft::default() };
    let reading = Reading { folder: Path::new(""), ..*reading };
    for name in names {
        let text = name.to_string_lossy();
        if text.starts_with('.') || OTHERS.contains(&&*text) || IGNORED.iter().any(|ending| text.ends_with(ending)) {
            continue;
        }
        let path = folder.join(&name);
        let Some(depth) = depth.checked_sub(1) else {
            return Err(vec![Error::usage("is a folder too deep in folders of inventories").in_file(&path)]);
        };
        let source = Source { kind, ..Source::of_path(&path) };
        match source.draft(&path, &reading, depth) {
            Ok(part) => whole.merge(part),
            Err(errors) => whole.errors.extend(errors),
        }
    }
    if whole.nodes.values().any(|node| node.ansible.is_some()) {
        ansible::group_the_rest(&mut whole);
        ansible::add_files(&mut whole, folder);
    }
    Ok(whole)
}

impl Draft {
    /// Adds what another file says. A host of Ansible may stand in several files, as there; another
    /// node may if its target is the same and one file alone says more of it than its groups.
    fn merge(&mut self, other: Draft) {
        let Draft { nodes, groups, documents, notes, errors, remedy: _, lacks_hosts: _, may_be_empty } = other;
        self.documents.extend(documents);
        self.notes.extend(notes);
        self.errors.extend(errors);
        self.may_be_empty |= may_be_empty;
        for (name, node) in nodes {
            match self.nodes.get_mut(&name) {
                Some(first) => match first.merge(node) {
                    Ok(()) => {}
                    Err(place) => {
                        let message = format!("two nodes are called {name}: {} and {place}", first.place);
                        self.errors.push(
                            Error::usage(message)
                                .at(place)
                                .hint("rename one, or let one file say everything of it but its groups"),
                        );
                    }
                },
                None => drop(self.nodes.insert(name, node)),
            }
        }
        for (name, group) in groups {
            match self.groups.get_mut(&name) {
                Some(first) => {
                    if let Err((key, place)) = first.merge(group) {
                        let message = format!("two files give {key} of the group {name}: {} and {place}", first.place);
                        self.errors.push(Error::usage(message).at(place).hint("keep them in one file"));
                    }
                }
                None => drop(self.groups.insert(name, group)),
            }
        }
    }
}

impl DraftNode {
    fn merge(&mut self, other: DraftNode) -> Result<(), Place> {
        match (&mut self.ansible, other.ansible) {
            (Some(said), Some(more)) => {
                said.add(Arc::unwrap_or_clone(more.inventory));
                Arc::make_mut(&mut said.files).extend(Arc::unwrap_or_clone(more.files));
            }
            (None, None) if self.target == other.target => {
                let bare =
                    |node: (&Option<_>, &crate::inventory::Connection)| node.0.is_none() && node.1.says_nothing();
                let (first, second) =
                    (bare((&self.attributes, &self.connection)), bare((&other.attributes, &other.connection)));
                if !first && !second {
                    return Err(other.place);
                }
                if first {
                    (self.attributes, self.connection) = (other.attributes, other.connection);
                }
            }
            _ => return Err(other.place),
        }
        self.groups.extend(other.groups);
        Ok(())
    }
}

impl DraftGroup {
    fn merge(&mut self, other: DraftGroup) -> Result<(), (&'static str, Place)> {
        self.nodes.extend(other.nodes);
        self.children.extend(other.children);
        self.ansible.priority = other.ansible.priority.or(self.ansible.priority);
        self.ansible.add(Arc::unwrap_or_clone(other.ansible.inventory));
        Arc::make_mut(&mut self.ansible.files).extend(Arc::unwrap_or_clone(other.ansible.files));
        match (&self.attributes, other.attributes) {
            (Some(_), Some(_)) => return Err(("attributes", other.place)),
            (None, more) => self.attributes = more,
            (Some(_), None) => {}
        }
        match (self.connection.says_nothing(), other.connection.says_nothing()) {
            (false, false) => return Err(("transport", other.place)),
            (true, _) => self.connection = other.connection,
            (false, true) => {}
        }
        Ok(())
    }
}
