//! Where paths begin: at the machine's own root, or at a directory that is taken for one.

use super::files::{Follow, REGULAR, inode, read_shared};
use crate::probe::{FileKind, Inode};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Stat, Statx, StatxFlags};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most links on one way, as path_resolution(7) has it.
const MOST_LINKS: usize = 40;
/// How often a path is tried again that is renamed while the kernel goes along it.
const TRIES: usize = 100;

/// How a path is opened to look at it and no more.
const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Where paths begin.
#[derive(Default)]
pub(in crate::transport) enum Root {
    /// At the root of this machine: paths go to the kernel as they are.
    #[default]
    Machine,
    /// At a directory, which no link leads out of.
    Below(Below),
}

/// A directory that stands for the root.
pub(in crate::transport) struct Below {
    directory: OwnedFd,
    /// Its own canonical path on this machine.
    path: PathBuf,
}

impl Root {
    /// The directory at `path` as a root.
    ///
    /// # Errors
    /// There is no such directory, or it cannot be opened. `ENOSYS`: the kernel has no
    /// openat2(2), without which a link could lead out.
    pub(in crate::transport) fn below(path: &Path) -> Result<Root, Errno> {
        let directory = rustix::fs::open(path, LOOK | OFlags::DIRECTORY, Mode::empty())?;
        let below = Below { path: own_path(directory.as_fd())?, directory };
        below.open("/", LOOK)?;
        Ok(Root::Below(below))
    }

    /// The directory that stands for the root; `None` for the machine's own.
    pub(in crate::transport) fn directory(&self) -> Option<&Below> {
        match self {
            Root::Machine => None,
            Root::Below(below) => Some(below),
        }
    }

    /// Opens a path, links followed unless `flags` say otherwise.
    pub(super) fn open(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        match self {
            Root::Machine => rustix::fs::open(path, flags, Mode::empty()),
            Root::Below(below) => below.open(path, flags),
        }
    }

    /// stat(2).
    pub(super) fn stat(&self, path: &str) -> Result<Stat, Errno> {
        match self {
            Root::Machine => rustix::fs::stat(path),
            Root::Below(below) => rustix::fs::fstat(below.open(path, LOOK)?),
        }
    }

    /// lstat(2).
    pub(super) fn lstat(&self, path: &str) -> Result<Stat, Errno> {
        match self {
            Root::Machine => rustix::fs::lstat(path),
            Root::Below(below) => rustix::fs::fstat(below.open(path, LOOK | OFlags::NOFOLLOW)?),
        }
    }

    /// The inode of a path itself, a last link not followed.
    pub(super) fn inode(&self, path: &str) -> Result<Inode, Errno> {
        match self {
            Root::Machine => Ok(inode(&rustix::fs::lstat(path)?, path, Follow::No)),
            Root::Below(below) => {
                let found = below.open(path, LOOK | OFlags::NOFOLLOW)?;
                Ok(inode(&rustix::fs::fstat(&found)?, &*handle(found.as_fd()), Follow::Yes))
            }
        }
    }

    /// The inode of what was opened at `path`.
    pub(super) fn inode_of(&self, opened: &OwnedFd, path: &str) -> Result<Inode, Errno> {
        let status = rustix::fs::fstat(opened)?;
        Ok(match self {
            Root::Machine => inode(&status, path, Follow::Yes),
            Root::Below(_) => inode(&status, &*handle(opened.as_fd()), Follow::Yes),
        })
    }

    /// readlink(2).
    pub(super) fn readlink(&self, path: &str) -> Result<Arc<str>, Errno> {
        let text = match self {
            Root::Machine => rustix::fs::readlink(path, Vec::new())?,
            Root::Below(below) => {
                let link = below.open(path, LOOK | OFlags::NOFOLLOW)?;
                rustix::fs::readlinkat(&link, c"", Vec::new())?
            }
        };
        Ok(text.to_string_lossy().into())
    }

    /// The canonical path of what was opened at `path`, as it is seen from the root;
    /// `None` where there is no such path any more.
    pub(super) fn canonical(&self, opened: &OwnedFd, path: &str) -> Option<Arc<str>> {
        let own = own_path(opened.as_fd()).ok();
        let canonical = match self {
            Root::Machine => own.or_else(|| std::fs::canonicalize(path).ok())?,
            Root::Below(below) => Path::new("/").join(own?.strip_prefix(&below.path).ok()?),
        };
        let canonical = canonical.to_string_lossy();
        canonical.starts_with('/').then(|| canonical.into())
    }

    /// statx(2) of the attributes, links followed.
    pub(super) fn attributes(&self, path: &str) -> Result<Statx, Errno> {
        match self {
            Root::Machine => rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::TYPE),
            Root::Below(below) => {
                rustix::fs::statx(below.open(path, LOOK)?, c"", AtFlags::EMPTY_PATH, StatxFlags::TYPE)
            }
        }
    }

    /// The content of a file of about `size` bytes; see [`read_shared`].
    ///
    /// # Errors
    /// Also `EINVAL` below a directory, where whoever made it may have put a device in the
    /// place of a file: opening one can have effects.
    pub(super) fn content(&self, path: &str, size: usize) -> Result<Option<Arc<[u8]>>, Errno> {
        match self {
            Root::Machine => read_shared(&self.open(path, REGULAR)?, size),
            Root::Below(below) => {
                // What was looked at is what is opened, whatever the path leads to by then.
                let found = below.open(path, LOOK)?;
                if FileKind::from_mode(rustix::fs::fstat(&found)?.st_mode) != Some(FileKind::File) {
                    return Err(Errno::INVAL);
                }
                read_shared(&rustix::fs::open(handle(found.as_fd()), REGULAR, Mode::empty())?, size)
            }
        }
    }

    /// A path by which extended attributes of `name` in an open directory can be read:
    /// `path` itself where the machine's root is the root.
    pub(super) fn by_name<'a>(&self, directory: &OwnedFd, name: &[u8], path: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
        match self {
            Root::Machine => path.into(),
            Root::Below(_) => [handle(directory.as_fd()).as_bytes(), b"/", name].concat().into(),
        }
    }
}

impl Below {
    fn open(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..TRIES {
            match rustix::fs::openat2(&self.directory, path, flags, Mode::empty(), resolve) {
                // Something on the way was renamed: the kernel cannot be sure where it is.
                Err(Errno::AGAIN) => {}
                opened => return opened,
            }
        }
        Err(Errno::AGAIN)
    }

    /// Opens a path to look at it and no more.
    pub(in crate::transport) fn look(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.open(path, LOOK)
    }

    /// Whether a directory of the root has a file system of its own.
    pub(in crate::transport) fn is_mounted(&self, directory: &str) -> bool {
        let device = |path: &str| Some(rustix::fs::fstat(self.open(path, LOOK).ok()?).ok()?.st_dev);
        matches!((device("/"), device(directory)), (Some(root), Some(own)) if root != own)
    }

    /// Where a path leads by its links, as far as the way is there, beginning at the root;
    /// `None`: round in a circle. It decides what a path is about, not what is opened: a
    /// way that changes meanwhile leads wherever the kernel says.
    pub(in crate::transport) fn way(&self, path: &str) -> Option<String> {
        let mut left: VecDeque<String> = path.split('/').map(str::to_string).collect();
        let mut way: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    way.pop();
                    continue;
                }
                _ => way.push(name),
            }
            let found = self.open(&joined(&way), LOOK | OFlags::NOFOLLOW);
            let Some(text) = found.ok().and_then(|found| rustix::fs::readlinkat(&found, c"", Vec::new()).ok()) else {
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            let text = text.to_string_lossy();
            way.pop();
            if text.starts_with('/') {
                way.clear();
            }
            for name in text.split('/').rev() {
                left.push_front(name.to_string());
            }
        }
        Some(joined(&way))
    }
}

fn joined(way: &[String]) -> String {
    format!("/{}", way.join("/"))
}

/// The path through which the kernel gives what is open.
fn handle(opened: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", opened.as_raw_fd())
}

/// The path of what is open, on this machine.
fn own_path(opened: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
    use std::os::unix::ffi::OsStringExt;
    let path = rustix::fs::readlink(handle(opened), Vec::new())?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(path.into_bytes())))
}
