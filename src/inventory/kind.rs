//! What a text is that stands for an inventory.

use super::groups::Draft;
use super::rules::Rules;
use super::{ansible, containers, document, json, kubectl, terraform, vagrant};
use crate::error::{Error, Place, did_you_mean};
use crate::yaml::{Document, Field, Located};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

/// The format of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Probity's own, in YAML or JSON.
    Probity,
    /// Ansible's: INI, YAML, or JSON as `ansible-inventory --list` prints it.
    Ansible,
    /// A state of Terraform or OpenTofu, or what `show -json` or `output -json` prints.
    Terraform,
    /// What `kubectl get nodes -o json` prints.
    Kubectl,
    /// What `vagrant ssh-config` prints.
    Vagrant,
    /// What `docker ps --format json` prints.
    Docker,
    /// What `podman ps --format json` prints.
    Podman,
}

impl Kind {
    pub const ALL: [Kind; 7] =
        [Kind::Probity, Kind::Ansible, Kind::Terraform, Kind::Kubectl, Kind::Vagrant, Kind::Docker, Kind::Podman];

    /// Whether rules say what of it is what.
    pub fn takes_rules(self) -> bool {
        match self {
            Kind::Terraform | Kind::Kubectl | Kind::Docker | Kind::Podman => true,
            Kind::Probity | Kind::Ansible | Kind::Vagrant => false,
        }
    }

    /// The word for it on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Probity => "probity",
            Kind::Ansible => "ansible",
            Kind::Terraform => "terraform",
            Kind::Kubectl => "kubectl",
            Kind::Vagrant => "vagrant",
            Kind::Docker => "docker",
            Kind::Podman => "podman",
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

/// Reads a text as what it is said to be, or as what it looks like. What is wrong with single
/// nodes is among the draft's errors.
///
/// # Errors
/// It cannot be read at all.
pub fn draft(kind: Option<Kind>, file: &Path, bytes: &[u8], rules: &Rules) -> Result<Draft, Vec<Error>> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if is_json(text) {
        let values = json::read(file, text).map_err(|error| vec![error])?;
        return of_json(kind, file, bytes, values, rules);
    }
    match kind {
        Some(Kind::Probity) => probity(file, bytes),
        // docker prints nothing at all where there is no container.
        Some(Kind::Docker | Kind::Podman) if text.trim_ascii().is_empty() => Ok(Draft::default()),
        Some(Kind::Kubectl) => {
            let document = Document::parse(file, bytes).map_err(|error| vec![error])?;
            kubectl::read(document.root, rules)
        }
        Some(Kind::Terraform | Kind::Docker | Kind::Podman) => {
            let values = json::read(file, text).map_err(|error| vec![error])?;
            of_json(kind, file, bytes, values, rules)
        }
        Some(Kind::Vagrant) => vagrant(file, text),
        None if std::str::from_utf8(text).is_ok_and(vagrant::is_one) => vagrant(file, text),
        Some(Kind::Ansible) | None => of_text(kind, file, bytes, rules),
    }
}

fn vagrant(file: &Path, text: &[u8]) -> Result<Draft, Vec<Error>> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(vagrant::read(file, text)),
        Err(_) => Err(vec![Error::usage("is not UTF-8").in_file(file)]),
    }
}

/// Whether a text is JSON: `[` also begins an INI file.
fn is_json(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    match text.first() {
        Some(b'{') => true,
        Some(b'[') => {
            matches!(text[1..].trim_ascii_start().first(), Some(b'{' | b'[' | b'"') | None)
                || text[1..].trim_ascii() == b"]"
        }
        _ => false,
    }
}

fn of_json(
    kind: Option<Kind>,
    file: &Path,
    bytes: &[u8],
    values: Vec<Located>,
    rules: &Rules,
) -> Result<Draft, Vec<Error>> {
    match kind.or_else(|| shape(&values)) {
        Some(Kind::Probity) => probity(file, bytes),
        Some(Kind::Terraform) => terraform::read(&one(file, values)?, rules),
        Some(Kind::Kubectl) => kubectl::read(one(file, values)?, rules),
        Some(engine @ (Kind::Docker | Kind::Podman)) => containers::read(engine, &values, &Place::file(file), rules),
        Some(Kind::Vagrant) => Err(vec![Error::usage("is JSON, not what vagrant ssh-config prints").in_file(file)]),
        Some(Kind::Ansible) | None => ansible::read_list(&one(file, values)?),
    }
}

/// What JSON looks like.
fn shape(values: &[Located]) -> Option<Kind> {
    if let Some(engine) = containers::printed_by(values) {
        return Some(engine);
    }
    let map = values.first()?.as_map()?;
    if terraform::is_one(map) {
        return Some(Kind::Terraform);
    }
    if kubectl::is_one(map) {
        return Some(Kind::Kubectl);
    }
    let is_ours = |field: &Field| {
        let entries = field.value.as_map()?;
        Some(!["hosts", "children", "vars"].iter().any(|key| entries.contains_key(*key)))
    };
    let only_ours = map.keys().all(|key| matches!(key.as_str(), "nodes" | "groups"));
    (only_ours && map.get("nodes").and_then(is_ours)?).then_some(Kind::Probity)
}

fn probity(file: &Path, bytes: &[u8]) -> Result<Draft, Vec<Error>> {
    let document = Document::parse(file, bytes).map_err(|error| vec![error])?;
    Ok(document::read(Arc::new(document)))
}

/// Reads YAML or INI.
fn of_text(kind: Option<Kind>, file: &Path, bytes: &[u8], rules: &Rules) -> Result<Draft, Vec<Error>> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let ini = || ansible::read_ini(file, bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    if ending == "ini" || (ending != "yml" && ending != "yaml" && looks_like_ini(bytes)) {
        return ini();
    }
    let own = Document::parse(file, bytes);
    // Ansible's YAML may hold what is refused in our own.
    let theirs = || ansible::yaml_document(file, bytes);
    match (own, kind) {
        // What kubectl prints with -o yaml.
        (Ok(document), None) if document.root.as_map().is_some_and(kubectl::is_one) => {
            kubectl::read(document.root, rules)
        }
        (Ok(document), None) if !ansible::is_yaml(&document.root) => Ok(document::read(Arc::new(document))),
        (Ok(_), _) => ansible::read_yaml(theirs().map_err(|error| vec![error])?),
        (Err(error), _) => match theirs() {
            Ok(document) if kind.is_some() || ansible::is_yaml(&document.root) => ansible::read_yaml(document),
            Err(theirs) if kind.is_some() => Err(vec![theirs]),
            // A line of an inventory of Ansible may hold a password.
            _ if String::from_utf8_lossy(bytes).contains("ansible_") => Err(vec![Error { source_line: None, ..error }]),
            _ => Err(vec![error]),
        },
    }
}

/// Whether the first line that says something is the title of a section, or a host with variables.
fn looks_like_ini(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let Some(first) = lines.next() else { return false };
    let yaml = |line: &str| {
        line == "---" || line.starts_with(['{', '-', '"', '\'']) || line.ends_with(':') || line.contains(": ")
    };
    (first.starts_with('[') && first.contains(']')) || first.contains('=') && !yaml(first) || {
        // Nothing but names.
        !yaml(first) && lines.all(|line| line.starts_with('[') || !yaml(line))
    }
}

/// The one value of a text.
fn one(file: &Path, mut values: Vec<Located>) -> Result<Located, Vec<Error>> {
    match (values.len(), values.pop()) {
        (1, Some(value)) => Ok(value),
        (count, _) => Err(vec![Error::usage(format!("holds {count} JSON texts, not one")).in_file(file)]),
    }
}
