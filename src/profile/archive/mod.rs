//! The archive of a profile: `NAME-VERSION.tar.gz`, the same bytes for the same content.
//!
//! A gzip-compressed tar file of regular files in the folder `NAME-VERSION/`. Its first
//! entry is the index, `probity.json`, with the format, the profile's name and version,
//! the digest of the content, the SHA-256 of every file and the ids and titles of the
//! controls; the files follow in the order of their paths. Owner, mode and time of every
//! entry are fixed, so nothing but content changes the bytes (for one build of Probity:
//! another release may compress otherwise).
//!
//! Reading trusts nothing: sizes, counts and the ratio are capped, and whatever is not
//! just so - another kind of entry, another path, another digest, bytes after the end -
//! is refused.

mod read;
mod write;

pub use write::{file_name, pack, write};

pub(super) use read::read;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// What the format of an archive is called in its index.
pub const FORMAT: &str = "probity/archive";
/// The major version of the format that is written and read.
pub const VERSION: u32 = 1;
/// The name of the index.
pub const INDEX: &str = "probity.json";

/// The index of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub format: String,
    pub version: u32,
    pub profile: Named,
    /// The digest of the content; see [`Profile::sha256`](super::Profile::sha256).
    pub sha256: String,
    pub controls: Vec<IndexedControl>,
    /// The SHA-256 of every file by its path, in the order of the archive.
    pub files: IndexMap<String, String>,
}

/// The name and the version of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub version: String,
}

/// What the index says of a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedControl {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

#[cfg(test)]
mod tests;
