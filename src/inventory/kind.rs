//! What a text is that stands for an inventory.

use super::groups::Draft;
use super::{ansible, document, json};
use crate::error::{Error, did_you_mean};
use crate::yaml::{Data, Document, Located};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

/// The format of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Probity's own, in YAML or JSON.
    Probity,
    /// Ansible's: JSON as `ansible-inventory --list` prints it.
    Ansible,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Probity, Kind::Ansible];

    /// The word for it on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Probity => "probity",
            Kind::Ansible => "ansible",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    /// Reads the word for a format.
    ///
    /// # Errors
    /// There is no such format; the nearest is named.
    fn from_str(word: &str) -> Result<Kind, Error> {
        Kind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
            let names = Kind::ALL.map(Kind::name);
            Error::usage(format!("there is no format {word} of inventories")).hint(did_you_mean(word, names))
        })
    }
}

/// Reads a text as what it is said to be, or as what it looks like.
///
/// # Errors
/// Everything that is wrong with it.
pub fn draft(kind: Option<Kind>, file: &Path, bytes: &[u8]) -> Result<Draft, Vec<Error>> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let kind = kind.unwrap_or(match text.trim_ascii_start().starts_with(b"{") {
        true => Kind::Ansible,
        false => Kind::Probity,
    });
    match kind {
        Kind::Ansible => {
            let values = json::read(file, text).map_err(|error| vec![error])?;
            ansible::read_list(one(file, &values)?)
        }
        Kind::Probity => {
            let document = Document::parse(file, bytes).map_err(|error| vec![for_others(error, bytes)])?;
            let looks_foreign = is_ansible(&document.root);
            let mut draft = document::read(Arc::new(document));
            if looks_foreign {
                draft.errors = draft.errors.into_iter().map(|error| error.hint(CONVERT)).collect();
            }
            Ok(draft)
        }
    }
}

/// The one value of a text.
fn one<'a>(file: &Path, values: &'a [Located]) -> Result<&'a Located, Vec<Error>> {
    match values {
        [value] => Ok(value),
        _ => Err(vec![Error::usage(format!("holds {} JSON texts, not one", values.len())).in_file(file)]),
    }
}

fn is_ansible(root: &Located) -> bool {
    match &root.value {
        Data::Map(map) => map
            .values()
            .any(|field| field.value.as_map().is_some_and(|map| map.contains_key("hosts") || map.contains_key("vars"))),
        Data::Null => false,
        _ => true,
    }
}

/// The remedy for the inventories of Ansible that are no JSON.
fn for_others(error: Error, bytes: &[u8]) -> Error {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let ini = lines.next().is_some_and(|line| line.starts_with('[') && line.ends_with(']'));
    match ini || text.lines().any(|line| line.trim_end() == "all:") {
        true => error.hint(CONVERT),
        false => error,
    }
}

const CONVERT: &str = "an inventory of Ansible is read as JSON: ansible-inventory -i FILE --list > inventory.json";
