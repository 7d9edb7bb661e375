//! Single files: stat, read, list, flags.

use super::Local;
use crate::probe::{ENTRIES_CAP, Entry, Fault, FaultKind, FileKind, Inode, InodeFlags, Link, READ_CAP, Stated};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, IFlags, Mode, OFlags, RawDir, StatxAttributes};
use rustix::io::Errno;
use rustix::path::Arg;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Room for the names of extended attributes on the stack: a listing is seldom longer.
const XATTR_NAMES: usize = 512;

impl Local {
    /// lstat(2) of a path and, for a link, what it leads to. Nothing at the path, or a
    /// parent that is no directory or a loop of links, is absence; a parent that cannot be
    /// searched is a fault.
    pub(in crate::transport) fn stat(&self, path: &str) -> Result<Option<Stated>, Fault> {
        absolute(path)?;
        let own = match self.root.inode(path) {
            Ok(own) => own,
            Err(error) if is_absence(error) => return Ok(None),
            Err(error) => return Err(self.refused("look at", path, error)),
        };
        if own.kind != FileKind::Symlink {
            return Ok(Some(Stated { own, link: None }));
        }
        Ok(Some(Stated { own, link: Some(self.link(path)?.into()) }))
    }

    fn link(&self, path: &str) -> Result<Link, Fault> {
        let text = match self.root.readlink(path) {
            Ok(text) => text,
            Err(error) => return Err(self.refused("read the link", path, error)),
        };
        // One descriptor gives the inode and, through /proc, its canonical path.
        let target = match self.root.open(path, OFlags::PATH | OFlags::CLOEXEC) {
            Ok(target) => target,
            Err(error) if is_absence(error) => return Ok(Link { text, canonical: None, target: None }),
            Err(error) => return Err(self.refused("follow the link", path, error)),
        };
        let inode = self.root.inode_of(&target, path);
        let inode = inode.map_err(|error| self.refused("look at the target of", path, error))?;
        Ok(Link { text, canonical: self.root.canonical(&target, path), target: Some(inode) })
    }

    /// The content of a regular file. Anything else is refused before it is opened: opening
    /// a device can have effects, and opening a pipe can wait for ever.
    pub(in crate::transport) fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, Fault> {
        absolute(path)?;
        let status = match self.root.stat(path) {
            Ok(status) => status,
            Err(error) if is_absence(error) => return Ok(None),
            Err(error) => return Err(self.refused("read", path, error)),
        };
        match FileKind::from_mode(status.st_mode) {
            Some(FileKind::File) => {}
            kind => {
                let what = kind.map_or("no file", FileKind::name).replace('_', " ");
                return Err(Fault::new(
                    FaultKind::Failed,
                    format!("cannot read {path}: it is a {what}, not a regular file"),
                ));
            }
        }
        let size = usize::try_from(status.st_size).unwrap_or(usize::MAX);
        if size > READ_CAP {
            return Err(too_long(path));
        }
        match self.root.content(path, size) {
            Ok(Some(content)) => Ok(Some(content)),
            Ok(None) => Err(too_long(path)),
            // ESRCH is what files of an ended process give.
            Err(error) if is_absence(error) || error == Errno::SRCH => Ok(None),
            Err(Errno::AGAIN) => {
                Err(Fault::new(FaultKind::Failed, format!("cannot read {path}: it waits for something to happen")))
            }
            Err(error) => Err(self.refused("read", path, error)),
        }
    }

    /// The first bytes of a regular file, as many as the header of a program has; `None`
    /// where they cannot be had.
    pub(in crate::transport) fn beginning(&self, path: &str) -> Option<Vec<u8>> {
        let kind = FileKind::from_mode(self.root.stat(path).ok()?.st_mode);
        if kind != Some(FileKind::File) {
            return None;
        }
        let file = self.root.open(path, REGULAR).ok()?;
        let mut header = [0; 64];
        let length = rustix::io::read(&file, &mut header).ok()?;
        Some(header[..length].to_vec())
    }

    /// The names in a directory. A file of another kind is no directory: absence.
    pub(super) fn list(&self, path: &str) -> Result<Option<Arc<[Entry]>>, Fault> {
        absolute(path)?;
        let directory = match self.root.open(path, DIRECTORY) {
            Ok(directory) => directory,
            Err(error) if is_absence(error) => return Ok(None),
            Err(error) => return Err(self.refused("list", path, error)),
        };
        let mut entries = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 8192];
        let mut names = RawDir::new(&directory, &mut buffer);
        while let Some(entry) = names.next() {
            let entry = entry.map_err(|error| self.refused("list", path, error))?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match kind_of(entry.file_type()) {
                Some(kind) => kind,
                // Some file systems leave the type out.
                None => match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(status) => FileKind::from_mode(status.st_mode).unwrap_or(FileKind::File),
                    Err(error) if is_absence(error) => continue,
                    Err(error) => return Err(self.refused("look into", path, error)),
                },
            };
            if entries.len() == ENTRIES_CAP {
                return Err(Fault::new(
                    FaultKind::TooLarge,
                    format!("{path} holds more than {ENTRIES_CAP} names, the most that are listed"),
                ));
            }
            entries.push(Entry { name: name.to_string_lossy().into(), kind });
        }
        entries.sort_unstable();
        Ok(Some(entries.into()))
    }

    /// Inode flags, links followed. A file system that has none has no immutable files.
    pub(super) fn flags(&self, path: &str) -> Result<Option<InodeFlags>, Fault> {
        absolute(path)?;
        let wanted = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
        match self.root.attributes(path) {
            Ok(status) if status.stx_attributes_mask.contains(wanted) => {
                return Ok(Some(InodeFlags {
                    immutable: status.stx_attributes.contains(StatxAttributes::IMMUTABLE),
                    append_only: status.stx_attributes.contains(StatxAttributes::APPEND),
                }));
            }
            Ok(status) => {
                let kind = FileKind::from_mode(status.stx_mode.into());
                if !matches!(kind, Some(FileKind::File | FileKind::Directory)) {
                    return Ok(Some(InodeFlags { immutable: false, append_only: false }));
                }
            }
            Err(error) if is_absence(error) => return Ok(None),
            Err(Errno::NOSYS) => {}
            Err(error) => return Err(self.refused("look at", path, error)),
        }
        let flags = self.root.open(path, REGULAR).and_then(rustix::fs::ioctl_getflags);
        match flags {
            Ok(flags) => Ok(Some(InodeFlags {
                immutable: flags.contains(IFlags::IMMUTABLE),
                append_only: flags.contains(IFlags::APPEND),
            })),
            Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => {
                Ok(Some(InodeFlags { immutable: false, append_only: false }))
            }
            Err(error) if is_absence(error) => Ok(None),
            Err(error) => Err(self.refused("read the flags of", path, error)),
        }
    }
}

/// How a directory is opened.
pub(super) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// How a file is opened: never waiting, never becoming the controlling terminal.
pub(super) const REGULAR: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Refuses a path that does not begin at the root, or that no system call can take.
pub(super) fn absolute(path: &str) -> Result<(), Fault> {
    if !path.starts_with('/') {
        return Err(Fault::new(FaultKind::Failed, format!("{path:?} is no absolute path; write it from / on")));
    }
    if path.contains('\0') {
        return Err(Fault::new(FaultKind::Failed, format!("{path:?} is no path: it contains a NUL byte")));
    }
    Ok(())
}

/// Whether an error says that there is nothing at a path.
pub(super) fn is_absence(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

/// The content of a file of about `size` bytes; `None`: it is longer than [`READ_CAP`].
/// Sizes are hints only: files in /proc say 0, and a log grows while it is read.
pub(super) fn read_regular(path: &str, size: usize) -> Result<Option<Vec<u8>>, Errno> {
    read_all(&rustix::fs::open(path, REGULAR, Mode::empty())?, size)
}

/// What is left of an open file of about `size` bytes, as [`read_regular`] gives it.
pub(super) fn read_all(file: &OwnedFd, size: usize) -> Result<Option<Vec<u8>>, Errno> {
    read_on(file, Vec::with_capacity(if size == 0 { 4096 } else { size + 1 }))
}

/// The same for an observation. A large file that has the size it says is read where it stays:
/// one that is copied is there twice.
pub(super) fn read_shared(file: &OwnedFd, size: usize) -> Result<Option<Arc<[u8]>>, Errno> {
    if size < LARGE {
        return Ok(read_all(file, size)?.map(Arc::from));
    }
    let mut content: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
    // Nobody else has it yet.
    let Some(room) = Arc::get_mut(&mut content) else { return Ok(None) };
    let mut read = 0;
    while read < size {
        match rustix::io::read(file, &mut room[read..]) {
            // Shorter than it said.
            Ok(0) => return Ok(Some(content[..read].into())),
            Ok(more) => read += more,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    let mut more = [0];
    loop {
        match rustix::io::read(file, &mut more) {
            Ok(0) => return Ok(Some(content)),
            // Longer than it said.
            Ok(_) => return Ok(read_on(file, [&content[..], &more].concat())?.map(Arc::from)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// From how many bytes on a file is not copied.
const LARGE: usize = 64 << 10;

/// Reads to the end of a file, after what was read of it already.
fn read_on(file: &OwnedFd, mut content: Vec<u8>) -> Result<Option<Vec<u8>>, Errno> {
    loop {
        if content.len() == content.capacity() {
            content.reserve(content.len());
        }
        match rustix::io::read(file, spare_capacity(&mut content)) {
            Ok(0) => return Ok(Some(content)),
            Ok(_) if content.len() > READ_CAP => return Ok(None),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

fn too_long(path: &str) -> Fault {
    Fault::new(FaultKind::TooLarge, format!("{path} is longer than {} MiB, the most that is read", READ_CAP >> 20))
}

/// Whether extended attributes are those of a link or of what it leads to.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Follow {
    Yes,
    No,
}

/// The metadata of `path` from the `status` already read.
pub(super) fn inode(status: &rustix::fs::Stat, path: impl Arg + Copy, follow: Follow) -> Inode {
    let (selinux, acl) = labels(path, follow);
    Inode {
        // A type that inode(7) does not know has never been seen.
        kind: FileKind::from_mode(status.st_mode).unwrap_or(FileKind::File),
        mode: (status.st_mode & 0o7777) as u16,
        uid: status.st_uid,
        gid: status.st_gid,
        size: u64::try_from(status.st_size).unwrap_or(0),
        #[allow(clippy::useless_conversion, reason = "the type differs between machines")]
        mtime: status.st_mtime.into(),
        #[allow(clippy::useless_conversion, reason = "the type differs between machines")]
        nlink: status.st_nlink.into(),
        ino: status.st_ino,
        dev: status.st_dev,
        selinux,
        acl,
    }
}

/// The SELinux label and whether there is an access ACL. One call lists the names; only a
/// name that is there is read. A POSIX ACL that says no more than the mode bits is not
/// stored by the kernel, so its presence is the answer.
fn labels(path: impl Arg + Copy, follow: Follow) -> (Option<Arc<str>>, bool) {
    let mut room = [MaybeUninit::<u8>::uninit(); XATTR_NAMES];
    let listed = match follow {
        Follow::Yes => rustix::fs::listxattr(path, &mut room).map(|(names, _)| &*names),
        Follow::No => rustix::fs::llistxattr(path, &mut room).map(|(names, _)| &*names),
    };
    let mut longer = Vec::new();
    let names = match listed {
        Ok(names) => names,
        Err(Errno::RANGE) => {
            longer.reserve(64 << 10);
            let listed = match follow {
                Follow::Yes => rustix::fs::listxattr(path, spare_capacity(&mut longer)),
                Follow::No => rustix::fs::llistxattr(path, spare_capacity(&mut longer)),
            };
            match listed {
                Ok(_) => &longer[..],
                Err(_) => return (None, false),
            }
        }
        Err(_) => return (None, false),
    };
    if names.is_empty() {
        return (None, false);
    }
    let has = |wanted: &str| names.split(|&byte| byte == 0).any(|name| name == wanted.as_bytes());
    let selinux = has("security.selinux").then(|| label(path, follow)).flatten();
    (selinux, has("system.posix_acl_access"))
}

fn label(path: impl Arg + Copy, follow: Follow) -> Option<Arc<str>> {
    let mut room = [MaybeUninit::<u8>::uninit(); 1024];
    let read = match follow {
        Follow::Yes => rustix::fs::getxattr(path, "security.selinux", &mut room),
        Follow::No => rustix::fs::lgetxattr(path, "security.selinux", &mut room),
    };
    let (label, _) = read.ok()?;
    let text = String::from_utf8_lossy(label);
    Some(text.trim_end_matches('\0').into())
}

/// The kind in a directory entry; `None` where the file system leaves it out.
pub(super) fn kind_of(kind: FileType) -> Option<FileKind> {
    Some(match kind {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        FileType::Fifo => FileKind::Pipe,
        FileType::Socket => FileKind::Socket,
        FileType::CharacterDevice => FileKind::CharacterDevice,
        FileType::BlockDevice => FileKind::BlockDevice,
        FileType::Unknown => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::unprivileged::as_nobody;
    use super::*;
    use rustix::fs::CWD;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use tempfile::TempDir;

    fn directory() -> TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    fn path(directory: &TempDir, name: &str) -> String {
        directory.path().join(name).to_str().expect("text").to_string()
    }

    fn mode(path: &str, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
    }

    fn pipe(path: &str) {
        rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a pipe");
    }

    #[test]
    fn stat_tells_the_link_from_its_target() {
        let directory = directory();
        let (file, link, second) = (path(&directory, "file"), path(&directory, "link"), path(&directory, "second"));
        fs::write(&file, "12345").expect("written");
        mode(&file, 0o4640);
        symlink("file", &link).expect("a link");
        symlink(&link, &second).expect("a link to the link");
        let stated = Local::new().stat(&second).expect("asked").expect("there");
        assert_eq!(stated.own.kind, FileKind::Symlink);
        let target = stated.target().expect("leads somewhere");
        assert_eq!((target.kind, target.mode, target.size), (FileKind::File, 0o4640, 5));
        let seen = stated.link.as_ref().expect("a link");
        assert_eq!(*seen.text, *link);
        let canonical = fs::canonicalize(&file).expect("there");
        assert_eq!(seen.canonical.as_deref(), canonical.to_str());
    }

    #[test]
    fn links_that_lead_nowhere_are_links_without_target() {
        let directory = directory();
        let (dangling, circle) = (path(&directory, "dangling"), path(&directory, "circle"));
        symlink("nothing/here", &dangling).expect("a link");
        symlink("circle", &circle).expect("a link");
        for link in [&dangling, &circle] {
            let stated = Local::new().stat(link).expect("asked").expect("there");
            assert!(stated.link.as_ref().is_some_and(|link| link.canonical.is_none()));
            assert_eq!(stated.target(), None);
            assert_eq!(Local::new().read(link), Ok(None));
        }
        // Nothing can be below a circle or a file.
        assert_eq!(Local::new().stat(&format!("{circle}/x")), Ok(None));
        assert_eq!(Local::new().stat("/etc/passwd/x"), Ok(None));
        assert_eq!(Local::new().list("/etc/passwd"), Ok(None));
    }

    #[test]
    fn a_parent_that_cannot_be_searched_is_a_fault_and_never_absence() {
        let directory = directory();
        let (locked, open) = (path(&directory, "locked"), path(&directory, "open"));
        fs::create_dir(&locked).expect("a directory");
        fs::write(format!("{locked}/file"), "").expect("written");
        symlink("locked/file", &open).expect("a link");
        mode(&locked, 0);
        mode(directory.path().to_str().expect("text"), 0o755);
        let (file, absent) = (format!("{locked}/file"), format!("{locked}/absent"));
        let faults = as_nobody(|| {
            let local = Local::new();
            [
                local.stat(&file).map(|_| ()),
                local.stat(&absent).map(|_| ()),
                local.stat(&open).map(|_| ()),
                local.read(&file).map(|_| ()),
                local.list(&locked).map(|_| ()),
                local.flags(&file).map(|_| ()),
            ]
        });
        let user = as_nobody(|| crate::transport::Transport::user(&Local::new()));
        mode(&locked, 0o755);
        for fault in faults {
            let fault = fault.expect_err("may not look");
            assert_eq!(fault.kind, FaultKind::Denied);
            assert!(fault.message.contains(&format!("as user {user}: permission denied; run as root")), "{fault}");
            assert!(fault.message.contains(directory.path().to_str().expect("text")), "{fault}");
        }
    }

    #[test]
    fn only_regular_files_are_read_and_none_makes_us_wait() {
        let directory = directory();
        let pipe_path = path(&directory, "pipe");
        pipe(&pipe_path);
        for (path, what) in [
            (pipe_path.as_str(), "pipe"),
            ("/dev/zero", "character device"),
            ("/etc", "directory"),
            ("/dev/null", "character device"),
        ] {
            let fault = Local::new().read(path).expect_err("no regular file");
            assert!(fault.message.contains(&format!("{path}: it is a {what}")), "{fault}");
        }
    }

    #[test]
    fn files_without_a_size_and_binary_files_are_read_whole() {
        let status = Local::new().read("/proc/self/status").expect("asked").expect("there");
        assert!(status.starts_with(b"Name:"));
        let kallsyms = fs::metadata("/proc/kallsyms").is_ok();
        let long = if kallsyms { "/proc/kallsyms" } else { "/proc/self/smaps" };
        assert!(Local::new().read(long).expect("asked").expect("there").len() > 4096);
        let directory = directory();
        let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        fs::write(path(&directory, "binary"), &binary).expect("written");
        assert_eq!(Local::new().read(&path(&directory, "binary")).expect("asked").as_deref(), Some(&binary[..]));
        assert_eq!(Local::new().read("/proc/4194305/status"), Ok(None));
    }

    #[test]
    fn a_large_file_is_read_whole_whatever_size_it_said() {
        let directory = directory();
        let large = path(&directory, "large");
        let content: Vec<u8> = (0..3 * LARGE).map(|at| (at % 251) as u8).collect();
        fs::write(&large, &content).expect("written");
        for said in [0, LARGE, content.len() - 1, content.len(), content.len() + 1, 4 * LARGE] {
            let file = rustix::fs::open(&large, REGULAR, Mode::empty()).expect("opened");
            let read = read_shared(&file, said).expect("read").expect("not too long");
            assert!(*read == *content, "it said {said} bytes");
        }
        assert!(*Local::new().read(&large).expect("asked").expect("there") == *content);
    }

    #[test]
    fn a_file_longer_than_the_cap_is_a_fault() {
        let directory = directory();
        let long = path(&directory, "long");
        fs::File::create(&long).expect("made").set_len(READ_CAP as u64 + 1).expect("stretched");
        assert_eq!(Local::new().read(&long).expect_err("too long").kind, FaultKind::TooLarge);
        fs::File::options().write(true).open(&long).expect("open").set_len(READ_CAP as u64).expect("cut");
        assert_eq!(Local::new().read(&long).expect("asked").expect("there").len(), READ_CAP);
    }

    #[test]
    fn a_directory_is_listed_sorted_with_kinds() {
        let directory = directory();
        for number in 0..3000 {
            fs::write(path(&directory, &format!("n{number:04}")), "").expect("written");
        }
        fs::create_dir(path(&directory, "a")).expect("a directory");
        symlink("a", path(&directory, "b")).expect("a link");
        pipe(&path(&directory, "c"));
        let odd = std::ffi::OsStr::new("odd");
        let odd = [std::os::unix::ffi::OsStrExt::as_bytes(odd), b"\xff"].concat();
        fs::write(directory.path().join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&odd)), "")
            .expect("written");
        let text = directory.path().to_str().expect("text");
        let entries = Local::new().list(text).expect("asked").expect("there");
        assert_eq!(entries.len(), 3004);
        let first: Vec<_> = entries.iter().take(4).map(|entry| (&*entry.name, entry.kind)).collect();
        let expected =
            [("a", FileKind::Directory), ("b", FileKind::Symlink), ("c", FileKind::Pipe), ("n0000", FileKind::File)];
        assert_eq!(first, expected);
        assert_eq!(&*entries[3003].name, "odd\u{fffd}");
    }

    #[test]
    fn paths_that_no_system_call_takes_are_faults() {
        for path in ["etc/passwd", "", "./x", "/etc/\0passwd"] {
            assert!(Local::new().stat(path).is_err(), "{path:?}");
            assert!(Local::new().read(path).is_err(), "{path:?}");
        }
        let long = format!("/{}", "x".repeat(5000));
        assert!(Local::new().stat(&long).is_err());
    }

    #[test]
    fn flags_of_an_ordinary_file_and_of_a_device_are_unset() {
        let unset = Ok(Some(InodeFlags { immutable: false, append_only: false }));
        assert_eq!(Local::new().flags("/etc/passwd"), unset);
        assert_eq!(Local::new().flags("/dev/null"), unset);
        assert_eq!(Local::new().flags("/proc/version"), unset);
        assert_eq!(Local::new().flags("/no/such/file"), Ok(None));
    }

    #[test]
    fn the_append_flag_is_seen_where_the_file_system_has_it() {
        let directory = directory();
        let log = path(&directory, "log");
        fs::write(&log, "").expect("written");
        let file = fs::File::open(&log).expect("open");
        if rustix::fs::ioctl_setflags(&file, IFlags::APPEND).is_err() {
            return; // not root, or a file system without flags
        }
        let flags = Local::new().flags(&log);
        rustix::fs::ioctl_setflags(&file, IFlags::empty()).expect("cleared");
        assert_eq!(flags, Ok(Some(InodeFlags { immutable: false, append_only: true })));
    }

    #[test]
    fn an_access_acl_is_seen_on_the_file_and_through_a_link() {
        let directory = directory();
        let (file, link) = (path(&directory, "file"), path(&directory, "link"));
        fs::write(&file, "").expect("written");
        symlink("file", &link).expect("a link");
        // acl(5) as the kernel takes it: version 2, then (tag, permissions, id) entries.
        let mut acl = vec![2, 0, 0, 0];
        for (tag, permissions, id) in
            [(1_u16, 6_u16, u32::MAX), (2, 4, 65534), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
        {
            acl.extend(tag.to_le_bytes());
            acl.extend(permissions.to_le_bytes());
            acl.extend(id.to_le_bytes());
        }
        let plain = Local::new().stat(&file).expect("asked").expect("there");
        assert!(!plain.own.acl);
        let set =
            rustix::fs::setxattr(Path::new(&file), "system.posix_acl_access", &acl, rustix::fs::XattrFlags::empty());
        if set.is_err() {
            return; // a file system without ACLs
        }
        assert!(Local::new().stat(&file).expect("asked").expect("there").own.acl);
        let linked = Local::new().stat(&link).expect("asked").expect("there");
        assert!(!linked.own.acl && linked.target().expect("a target").acl);
    }

    #[test]
    fn the_selinux_label_is_that_of_the_file_and_without_its_end_byte() {
        let directory = directory();
        let (file, link) = (path(&directory, "file"), path(&directory, "link"));
        fs::write(&file, "").expect("written");
        symlink("file", &link).expect("a link");
        let label = "system_u:object_r:etc_t:s0";
        // More names than fit the room on the stack.
        for number in 0..40 {
            let name = format!("user.a_rather_long_name_of_an_attribute_{number}");
            rustix::fs::setxattr(&file, name, b"", rustix::fs::XattrFlags::empty()).ok();
        }
        let value = format!("{label}\0");
        let set = rustix::fs::setxattr(&file, "security.selinux", value.as_bytes(), rustix::fs::XattrFlags::empty());
        if set.is_err() {
            return; // not root, or a security module that has its own mind
        }
        assert_eq!(Local::new().stat(&file).expect("asked").expect("there").own.selinux.as_deref(), Some(label));
        let linked = Local::new().stat(&link).expect("asked").expect("there");
        assert_eq!(linked.own.selinux, None);
        assert_eq!(linked.target().expect("a target").selinux.as_deref(), Some(label));
    }
}
