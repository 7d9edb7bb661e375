//! Files of variables beside an inventory: `group_vars/` and `host_vars/` (Ansible's user guide,
//! "Organizing host and group variables").

use super::super::groups::Draft;
use super::{Said, yaml};
use crate::error::Error;
use crate::yaml::{Data, Document, MAX_BYTES, Map};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file of variables may end in, in the order in which they are looked for.
const ENDINGS: [&str; 4] = ["", ".yml", ".yaml", ".json"];

/// How deep folders in such a folder are searched.
const MAX_DEPTH: usize = 16;

/// Adds the files of a folder to hosts and groups of Ansible. What is wrong is among the draft's
/// errors.
pub fn add(draft: &mut Draft, folder: &Path) {
    let Draft { nodes, groups, documents, notes, errors, .. } = draft;
    let mut reader = Reader { documents, notes, errors };
    if let Some(files) = Folder::open(folder.join("group_vars")) {
        for (name, group) in groups.iter_mut() {
            reader.add(&files, name, &mut group.ansible);
        }
        if !groups.contains_key(super::ALL) && files.has(super::ALL) {
            let mut all = super::super::groups::DraftGroup::new(crate::error::Place::file(folder));
            reader.add(&files, super::ALL, &mut all.ansible);
            groups.insert(super::ALL.into(), all);
        }
    }
    if let Some(files) = Folder::open(folder.join("host_vars")) {
        for (name, node) in nodes.iter_mut() {
            if let Some(said) = &mut node.ansible {
                reader.add(&files, name, said);
            }
        }
    }
}

/// The names in a folder, looked up once and not once a host.
struct Folder {
    path: PathBuf,
    names: BTreeSet<std::ffi::OsString>,
}

impl Folder {
    fn open(path: PathBuf) -> Option<Folder> {
        let names = std::fs::read_dir(&path).ok()?.flatten().map(|entry| entry.file_name()).collect();
        Some(Folder { path, names })
    }

    /// The first of the names a file may have.
    fn first(&self, name: &str) -> Option<PathBuf> {
        let mut names = ENDINGS.iter().map(|ending| format!("{name}{ending}"));
        names.find(|name| self.names.contains(std::ffi::OsStr::new(name))).map(|name| self.path.join(name))
    }

    fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }
}

struct Reader<'a> {
    documents: &'a mut Vec<Arc<Document>>,
    notes: &'a mut Vec<String>,
    errors: &'a mut Vec<Error>,
}

impl Reader<'_> {
    fn add(&mut self, folder: &Folder, name: &str, said: &mut Said) {
        let Some(path) = folder.first(name) else { return };
        let mut files = Vec::new();
        if path.is_dir() {
            below(&path, MAX_DEPTH, &mut files);
        } else {
            files.push(path);
        }
        for file in files {
            match self.read(&file) {
                Ok(map) => Arc::make_mut(&mut said.files).extend(map),
                Err(error) => self.errors.push(error),
            }
        }
    }

    fn read(&mut self, file: &Path) -> Result<Map, Error> {
        let mut bytes = Vec::new();
        std::fs::File::open(file)
            .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| Error::usage(format!("cannot be read: {error}")).in_file(file))?;
        if bytes.starts_with(b"$ANSIBLE_VAULT;") {
            self.notes.push(format!("{} is encrypted with ansible-vault: its variables are not known", file.display()));
            return Ok(Map::new());
        }
        let document = yaml::document(file, &bytes)?;
        let map = match &document.root.value {
            Data::Null => Map::new(),
            Data::Map(map) => map.clone(),
            _ => {
                let what = format!("variables are a map of names to values, not {}", document.root.type_name());
                return Err(document.error(&document.root.place, what));
            }
        };
        self.documents.push(Arc::new(document));
        Ok(map)
    }
}

/// The files below a folder in the order of their names, hidden ones and backups aside.
fn below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names: BTreeSet<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    for name in names {
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let path = folder.join(&name);
        let ending = name.rfind('.').map_or("", |at| &name[at..]);
        if path.is_dir() {
            if ending.is_empty() && depth > 0 {
                below(&path, depth - 1, files);
            }
        } else if ENDINGS.contains(&ending) {
            files.push(path);
        }
    }
}
