//! Reading an archive that anybody may have made.

use super::{FORMAT, INDEX, Index, VERSION};
use crate::error::Error;
use crate::profile::layout::{self, MAX_FILES, MAX_TOTAL, Part};
use crate::profile::{Files, manifest, sha256};
use flate2::bufread::GzDecoder;
use serde::Deserialize;
use std::collections::HashSet;
use std::io::{self, Read};
use std::path::Path;

/// The largest archive that is read, in bytes.
const MAX_ARCHIVE: u64 = 64 << 20;
/// The most bytes an archive may unpack to: the files, and the blocks of tar around them.
const MAX_UNPACKED: u64 = MAX_TOTAL + (MAX_FILES as u64 + 1) * 4 * BLOCK as u64;
/// The most times an archive may grow when it is unpacked. Text grows tenfold; the most
/// that deflate can do is about a thousandfold.
const MAX_RATIO: u64 = 200;
/// An archive that unpacks to less than this may grow as it likes.
const RATIO_FROM: u64 = 4 << 20;
/// The size of a block of tar.
const BLOCK: usize = 512;

/// The files of the profile in the archive at `path`, and its index.
pub(in crate::profile) fn read(path: &Path) -> Result<(Files, Index), Error> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_ARCHIVE + 1).read_to_end(&mut bytes))
        .map_err(|error| Error::usage(format!("cannot be read: {error}")).in_file(path))?;
    unpack(path, &bytes)
}

/// The same from memory; `path` is the name messages give.
pub(super) fn unpack(path: &Path, bytes: &[u8]) -> Result<(Files, Index), Error> {
    let archive = Archive { path };
    let tar = archive.gunzip(bytes)?;
    let mut entries = archive.entries(&tar)?.into_iter();
    let (folder, index) = archive.index(entries.next())?;
    let mut files = Files::new();
    for (name, content) in entries {
        let Some(path) = name.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/')) else {
            return Err(archive.entry(&name, format!("lies outside the archive's folder {folder}")));
        };
        if path == INDEX {
            return Err(archive.entry(&name, "is there twice"));
        }
        match layout::part(path, false) {
            Part::Belongs => {}
            Part::Ignored => return Err(archive.entry(&name, "is no part of a profile")),
            Part::Wrong(fault, _) => return Err(archive.entry(&name, fault)),
        }
        let Some(expected) = index.files.get(path) else {
            return Err(archive.entry(&name, "is not in the archive's index"));
        };
        if sha256(content) != *expected {
            return Err(archive.entry(&name, "was changed after the index was written: its SHA-256 differs"));
        }
        if files.insert(path.into(), content.into()).is_some() {
            return Err(archive.entry(&name, "is there twice"));
        }
    }
    if let Some(missing) = index.files.keys().find(|path| !files.contains_key(path.as_str())) {
        return Err(archive.entry(missing, "is in the archive's index, but not in the archive"));
    }
    Ok((files, index))
}

/// The part of an index that says whether the rest can be read.
#[derive(Deserialize)]
struct Format {
    format: String,
    version: u64,
}

/// The archive messages are about.
struct Archive<'a> {
    path: &'a Path,
}

impl Archive<'_> {
    /// The tar file inside, never larger than the caps allow.
    fn gunzip(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        if bytes.is_empty() {
            return Err(self.error("is empty"));
        }
        if bytes.len() as u64 > MAX_ARCHIVE {
            return Err(self.error(format!("is larger than {} MiB", MAX_ARCHIVE >> 20)));
        }
        if !bytes.starts_with(b"\x1f\x8b") {
            return Err(self
                .error("is not gzip, so it is no archive of a profile")
                .hint("name the directory of a profile, or an archive made by probity archive"));
        }
        let cap = MAX_UNPACKED.min(RATIO_FROM.max(bytes.len() as u64 * MAX_RATIO));
        let mut decoder = GzDecoder::new(bytes);
        let mut tar = Vec::new();
        (&mut decoder).take(cap + 1).read_to_end(&mut tar).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.cut_short(),
            _ => self.damaged(&error.to_string()),
        })?;
        if tar.len() as u64 > cap {
            return Err(self.error(format!(
                "unpacks to more than {} MiB, which is no profile ({} MiB at most, and {MAX_RATIO} times its size)",
                cap >> 20,
                MAX_UNPACKED >> 20
            )));
        }
        let rest = decoder.into_inner().len();
        if rest > 0 {
            return Err(self.error(format!("has {rest} bytes after its end")).hint("fetch it again"));
        }
        Ok(tar)
    }

    /// The names and contents of the entries of a tar file, regular files only.
    fn entries<'t>(&self, tar: &'t [u8]) -> Result<Vec<(String, &'t [u8])>, Error> {
        let damaged = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.cut_short(),
            _ => self.damaged(&error.to_string()),
        };
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        let mut archive = tar::Archive::new(tar);
        // Where the last entry ends.
        let mut end = 0;
        for entry in archive.entries().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            let raw = entry.path_bytes().into_owned();
            let shown = String::from_utf8_lossy(&raw).into_owned();
            self.check_kind(&shown, entry.header().entry_type())?;
            let Ok(name) = String::from_utf8(raw) else {
                return Err(self.entry(&shown, "has a name that is not UTF-8"));
            };
            self.check_path(&name)?;
            if entries.len() > MAX_FILES {
                return Err(self.error(format!("holds more than {MAX_FILES} files")));
            }
            let start = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
            let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
            if size as u64 > layout::MAX_FILE {
                return Err(self.entry(&name, format!("is larger than {} MiB", layout::MAX_FILE >> 20)));
            }
            let stop = start.saturating_add(size);
            let Some(content) = tar.get(start..stop) else { return Err(self.cut_short()) };
            if !seen.insert(name.clone()) {
                return Err(self.entry(&name, "is there twice"));
            }
            entries.push((name, content));
            end = stop.next_multiple_of(BLOCK);
        }
        // Two blocks of zeros end a tar file (POSIX pax, ustar); nothing may hide after them.
        let rest = tar.get(end..).unwrap_or_default();
        if rest.len() < 2 * BLOCK {
            return Err(self.cut_short());
        }
        if rest.iter().any(|byte| *byte != 0) {
            return Err(self.damaged("there are bytes after the end of its files"));
        }
        Ok(entries)
    }

    fn check_kind(&self, name: &str, kind: tar::EntryType) -> Result<(), Error> {
        let what = match kind {
            tar::EntryType::Regular => return Ok(()),
            tar::EntryType::Symlink => "is a symbolic link",
            tar::EntryType::Link => "is a hard link",
            tar::EntryType::Directory => "is a directory",
            tar::EntryType::Block | tar::EntryType::Char => "is a device",
            tar::EntryType::Fifo => "is a named pipe",
            _ => "is no regular file",
        };
        Err(self.entry(name, format!("{what}; only regular files are taken")))
    }

    fn check_path(&self, name: &str) -> Result<(), Error> {
        if name.starts_with('/') {
            return Err(self.entry(name, "has an absolute path"));
        }
        for part in name.split('/') {
            match part {
                ".." => return Err(self.entry(name, "leads out of the archive with ..")),
                "" | "." => return Err(self.entry(name, "has a path that is not plain")),
                _ => {}
            }
        }
        Ok(())
    }

    /// The folder of the archive and its index, which is the first entry.
    fn index(&self, first: Option<(String, &[u8])>) -> Result<(String, Index), Error> {
        let no_index = |hint: &str| {
            self.error(format!("is no archive of a profile: it does not begin with {INDEX}")).hint(hint.to_string())
        };
        const MAKE: &str = "make one with probity archive DIRECTORY";
        let Some((name, bytes)) = first else { return Err(no_index(MAKE)) };
        let folder = match name.rsplit_once('/') {
            Some((folder, INDEX)) => folder,
            _ if name.ends_with("inspec.yml") => {
                return Err(no_index("it looks like an InSpec profile, which Probity does not run"));
            }
            _ => return Err(no_index(MAKE)),
        };
        let unread = |error: serde_json::Error| self.entry(&name, format!("is no index of an archive: {error}"));
        let format: Format = serde_json::from_slice(bytes).map_err(unread)?;
        if format.format != FORMAT {
            return Err(self.entry(&name, format!("has format {:?}, not {FORMAT:?}", format.format)));
        }
        if format.version != u64::from(VERSION) {
            return Err(self
                .entry(
                    &name,
                    format!("has format {FORMAT} version {}; this Probity reads version {VERSION}", format.version),
                )
                .hint("run it with a newer Probity, or make the archive with this one"));
        }
        let index: Index = serde_json::from_slice(bytes).map_err(unread)?;
        let named = format!("{}-{}", index.profile.name, index.profile.version);
        if folder != named {
            return Err(self.entry(&name, format!("is the index of {named}, but lies in folder {folder}")));
        }
        if !index.files.contains_key(manifest::FILE) {
            return Err(self.entry(&name, format!("lists no {}", manifest::FILE)));
        }
        Ok((folder.to_string(), index))
    }

    fn cut_short(&self) -> Error {
        self.error("is cut short").hint("fetch it again")
    }

    fn damaged(&self, how: &str) -> Error {
        self.error(format!("is damaged: {how}")).hint("fetch it again")
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::usage(message).in_file(self.path)
    }

    fn entry(&self, name: &str, message: impl std::fmt::Display) -> Error {
        // The name may be anything, a terminal's commands included.
        let name: String = name.escape_debug().take(layout::MAX_PATH * 2).collect();
        self.error(format!("entry {name} {message}"))
    }
}
