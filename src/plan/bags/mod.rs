//! Data bags: folders of items in YAML or JSON that templates read, some of them encrypted
//! with age.
//!
//! `bag("database", "main")` is the file `database/main.yml` (or `.yaml`, `.json`, each also
//! with `.age` behind it) in the folder of bags. Nothing outside of that folder is read: names
//! are plain, and no symbolic link is followed below it.

mod key;
#[cfg(test)]
mod tests;

pub use key::{KeySource, Keys};

use super::attributes::collect_texts;
use crate::error::{Error, Place, nearest};
use crate::value::Value;
use crate::yaml::{self, Document};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder of bags beside the file that asks for one, where no other is named.
pub const FOLDER: &str = "data_bags";
/// What the files of items end in; each also with [`ENCRYPTED`] behind it.
const ENDINGS: [&str; 3] = ["yml", "yaml", "json"];
/// What the file of an encrypted item ends in.
const ENCRYPTED: &str = ".age";

/// The bags of a run. An item is read once.
pub struct Bags {
    folder: Option<PathBuf>,
    keys: Keys,
    known: Mutex<HashMap<(PathBuf, String, String), Arc<Item>>>,
}

/// An item of a bag.
pub struct Item {
    pub value: Value,
    /// Whether it was encrypted, so that everything in it is a secret.
    pub is_secret: bool,
}

impl Item {
    /// The texts that no report may show.
    pub fn secrets(&self) -> Vec<String> {
        let mut texts = Vec::new();
        if self.is_secret {
            collect_texts(&self.value, &mut texts);
        }
        texts
    }
}

impl Bags {
    /// Bags in `folder`, or in [`FOLDER`] beside each file that asks, and the keys that open
    /// what is encrypted in them.
    pub fn new(folder: Option<PathBuf>, keys: Keys) -> Bags {
        Bags { folder, keys, known: Mutex::default() }
    }

    /// The keys themselves, which no report may show either.
    pub fn secrets(&self) -> &[String] {
        self.keys.secrets()
    }

    /// An item, for a file in the folder `beside`.
    ///
    /// # Errors
    /// A name that is not plain, a bag or an item that is not there or is a symbolic link, a
    /// file that cannot be read, decrypted or understood. An error without a place is about
    /// the names asked for. Nothing of an encrypted item is shown.
    pub fn item(&self, beside: &Path, bag: &str, item: &str) -> Result<Arc<Item>, Error> {
        let folder = self.folder.clone().unwrap_or_else(|| beside.join(FOLDER));
        let key = (folder, bag.to_string(), item.to_string());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(item) = known.get(&key) {
            return Ok(item.clone());
        }
        let found = Arc::new(self.read(&key.0, bag, item)?);
        known.insert(key, found.clone());
        Ok(found)
    }

    fn read(&self, folder: &Path, bag: &str, item: &str) -> Result<Item, Error> {
        refuse_name("bag", bag)?;
        refuse_name("item of a bag", item)?;
        let opened = open_folder(folder, bag, self.folder.is_none())?;
        let mut found = Vec::new();
        for ending in ENDINGS {
            for more in ["", ENCRYPTED] {
                let name = format!("{item}.{ending}{more}");
                let path = folder.join(bag).join(&name);
                if let Some(file) = open_item(&opened, &name, &path)? {
                    found.push((path, file));
                }
            }
        }
        if found.len() > 1 {
            let names: Vec<String> = found.iter().map(|(path, _)| path.display().to_string()).collect();
            return Err(Error::usage(format!("item {item} of bag {bag} is there twice: {}", names.join(", ")))
                .hint("keep one of them"));
        }
        let Some((path, file)) = found.pop() else {
            let error = Error::usage(format!("bag {bag} in {} has no item {item}", folder.display()));
            let names = names(&folder.join(bag), stem);
            return Err(match nearest(item, names.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint(format!("write it to {}", folder.join(bag).join(format!("{item}.yml")).display())),
            });
        };
        self.understand(&path, file)
    }

    fn understand(&self, path: &Path, file: File) -> Result<Item, Error> {
        let mut bytes = Vec::new();
        let cap = yaml::MAX_BYTES as u64;
        file.take(cap + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::usage(format!("cannot be read: {error}")).in_file(path))?;
        if bytes.len() as u64 > cap {
            return Err(
                Error::usage(format!("is larger than {} MiB, the most an item may be", cap >> 20)).in_file(path)
            );
        }
        let is_secret = path.to_string_lossy().ends_with(ENCRYPTED);
        if !is_secret {
            return Ok(Item { value: Document::parse(path, &bytes)?.root.to_value(), is_secret });
        }
        let content = self.keys.decrypt(&bytes).map_err(|error| error.in_file(path))?;
        // What the reader says may hold what it read.
        let document = Document::parse(path, &content).map_err(|error| {
            let place = error.place.unwrap_or_else(|| Place::file(path));
            Error::usage("what is encrypted in it is not YAML that can be read; the place is that in the text")
                .at(place)
        })?;
        Ok(Item { value: document.root.to_value(), is_secret })
    }
}

impl std::fmt::Debug for Bags {
    /// Says where they are, never what is in them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bags").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A name is one plain part of a path.
fn refuse_name(what: &str, name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.chars().all(plain) {
        return Ok(());
    }
    Err(Error::usage(format!("{name:?} is not the name of a{} {what}", if what.starts_with('i') { "n" } else { "" }))
        .hint("a name has letters, digits, _, - and dots, and begins with no dot"))
}

/// Opens the folder of a bag.
fn open_folder(folder: &Path, bag: &str, by_default: bool) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let unreadable = |path: &Path, error: Errno| {
        Error::usage(format!("the folder of data bags cannot be read: {}", std::io::Error::from(error))).in_file(path)
    };
    let root = match rustix::fs::open(folder, flags, Mode::empty()) {
        Ok(root) => root,
        Err(Errno::NOENT) if by_default => {
            return Err(Error::usage(format!("there is no folder of data bags: {} is not there", folder.display()))
                .hint("name it with --bags FOLDER"));
        }
        Err(error) => return Err(unreadable(folder, error)),
    };
    let path = folder.join(bag);
    match statat(&root, bag, AtFlags::SYMLINK_NOFOLLOW).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::Directory) => {
            openat(&root, bag, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(|error| unreadable(&path, error))
        }
        Ok(FileType::Symlink) => Err(linked(&path)),
        Ok(_) => Err(Error::usage("is no folder, as a bag is").in_file(&path)),
        Err(Errno::NOENT) => {
            let error = Error::usage(format!("there is no bag {bag} in {}", folder.display()));
            let names = names(folder, |name| Some(name.to_string()));
            Err(match nearest(bag, names.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint("a bag is a folder of YAML or JSON files"),
            })
        }
        Err(error) => Err(unreadable(&path, error)),
    }
}

/// Opens the file of an item; `None` where there is none.
fn open_item(bag: &OwnedFd, name: &str, path: &Path) -> Result<Option<File>, Error> {
    let unreadable =
        |error: Errno| Error::usage(format!("the item cannot be read: {}", std::io::Error::from(error))).in_file(path);
    match statat(bag, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::RegularFile) => {
            // Whatever took its place meanwhile is neither followed nor waited for.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            openat(bag, name, flags, Mode::empty()).map(|file| Some(File::from(file))).map_err(unreadable)
        }
        Ok(FileType::Symlink) => Err(linked(path)),
        Ok(_) => Err(Error::usage("is no plain file, as an item is").in_file(path)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

fn linked(path: &Path) -> Error {
    Error::usage("is a symbolic link, and none is followed in data bags")
        .in_file(path)
        .hint("put what it points to in its place, or name another folder with --bags")
}

/// The names in a folder, for did-you-mean.
fn names(folder: &Path, name: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| name(entry.file_name().to_str()?)).collect()
}

/// The name of the item in a file: `main` of `main.yml.age`.
fn stem(file: &str) -> Option<String> {
    let file = file.strip_suffix(ENCRYPTED).unwrap_or(file);
    let (stem, ending) = file.rsplit_once('.')?;
    ENDINGS.contains(&ending).then(|| stem.to_string())
}
