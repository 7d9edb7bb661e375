//! Walks below a directory, find(1) by system calls.

use super::Local;
use super::files::{DIRECTORY, Follow, absolute, inode, is_absence, kind_of};
use super::run::seconds;
use crate::probe::{AccountKey, ENTRIES_CAP, Fault, FaultKind, FileKind, Found, Inode, Walk};
use globset::{GlobBuilder, GlobMatcher};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, Stat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most directories that are open at one time. One stays open only while it has
/// further directories to enter, so no real tree comes near.
const OPEN_DIRECTORIES: usize = 200;
/// How many names are looked at between two looks at the clock.
const NAMES_BY_CLOCK: u32 = 64;
/// The room for names: what one getdents64(2) fills.
const ROOM: usize = 32 << 10;

impl Local {
    /// The files that fit, sorted by path.
    ///
    /// The path to start from may be a link to a directory (`/bin` on a merged system);
    /// below it no link is followed. Where there is nothing to start from, nothing is found.
    /// A directory that cannot be entered makes the walk a fault: what it hides might fit.
    /// What vanishes meanwhile is as if it had never been.
    pub(super) fn walk(&self, walk: &Walk) -> Result<Arc<[Found]>, Fault> {
        absolute(&walk.path)?;
        let mut walker = Walker::new(self, walk)?;
        walker.start()?;
        let mut found = walker.found;
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(found.into())
    }
}

/// A directory that has directories left to enter.
struct Branch {
    directory: OwnedFd,
    /// The length of its path, to which the walker's path is cut back.
    path_length: usize,
    depth: u32,
    /// Directories still to enter.
    left: Vec<CString>,
}

struct Walker<'a> {
    local: &'a Local,
    walk: &'a Walk,
    name: Option<GlobMatcher>,
    started: Instant,
    limit: Duration,
    /// The file system of the start.
    device: u64,
    /// The path looked at; bytes, because names need not be UTF-8.
    path: Vec<u8>,
    names: u32,
    found: Vec<Found>,
    /// Whether an id has an account.
    users: HashMap<u32, bool>,
    groups: HashMap<u32, bool>,
}

impl<'a> Walker<'a> {
    fn new(local: &'a Local, walk: &'a Walk) -> Result<Walker<'a>, Fault> {
        let trimmed = walk.path.trim_end_matches('/');
        Ok(Walker {
            local,
            walk,
            name: walk.name.as_deref().map(glob).transpose()?,
            started: Instant::now(),
            limit: Duration::from_millis(walk.timeout_ms),
            device: 0,
            path: trimmed.as_bytes().to_vec(),
            names: 0,
            found: Vec::new(),
            users: HashMap::new(),
            groups: HashMap::new(),
        })
    }

    fn start(&mut self) -> Result<(), Fault> {
        let path = &*self.walk.path;
        let status = match self.local.root.stat(path) {
            Ok(status) => status,
            // A link that leads nowhere is there all the same.
            Err(error) if is_absence(error) => match self.local.root.lstat(path) {
                Ok(status) => status,
                Err(error) if is_absence(error) => return Ok(()),
                Err(error) => return Err(self.local.refused("look at", path, error)),
            },
            Err(error) => return Err(self.local.refused("look at", path, error)),
        };
        self.device = status.st_dev;
        let kind = FileKind::from_mode(status.st_mode).unwrap_or(FileKind::File);
        let trimmed = self.path.clone();
        if trimmed.is_empty() {
            self.path.push(b'/');
        }
        let name = trimmed.rsplit(|&byte| byte == b'/').next().filter(|name| !name.is_empty()).unwrap_or(b"/");
        if self.may_fit(kind, name) && self.fits(&status)? {
            self.keep_start(&status)?;
        }
        // The root's own path is empty where names are appended to it.
        self.path = trimmed;
        if kind != FileKind::Directory || self.walk.max_depth == Some(0) || self.pruned() {
            return Ok(());
        }
        match self.local.root.open(path, DIRECTORY) {
            Ok(directory) => self.descend(directory),
            Err(error) if is_absence(error) => Ok(()),
            Err(error) => Err(self.local.refused("list", path, error)),
        }
    }

    fn descend(&mut self, start: OwnedFd) -> Result<(), Fault> {
        let mut branches = Vec::new();
        let mut room = vec![MaybeUninit::uninit(); ROOM];
        self.enter(start, 0, &mut branches, &mut room)?;
        while let Some(branch) = branches.last_mut() {
            let Some(name) = branch.left.pop() else {
                branches.pop();
                continue;
            };
            let depth = branch.depth + 1;
            self.path.truncate(branch.path_length);
            self.path.push(b'/');
            self.path.extend_from_slice(name.as_bytes());
            let child = rustix::fs::openat(&branch.directory, &name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty());
            if branch.left.is_empty() {
                branches.pop();
            }
            match child {
                Ok(child) => self.enter(child, depth, &mut branches, &mut room)?,
                Err(error) if is_absence(error) => {}
                Err(error) => return Err(self.local.refused("list", &self.shown(), error)),
            }
        }
        Ok(())
    }

    /// Looks at every name in a directory and notes the directories to enter.
    fn enter(
        &mut self,
        directory: OwnedFd,
        depth: u32,
        branches: &mut Vec<Branch>,
        room: &mut [MaybeUninit<u8>],
    ) -> Result<(), Fault> {
        self.look_at_clock()?;
        let path_length = self.path.len();
        let deeper = self.walk.max_depth.is_none_or(|most| depth + 1 < most);
        let mut left = Vec::new();
        let mut names = RawDir::new(&directory, room);
        while let Some(entry) = names.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // The directory was removed, or its process ended.
                Err(error) if is_absence(error) || error == Errno::SRCH => break,
                Err(error) => return Err(self.local.refused("list", &self.shown(), error)),
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            self.names += 1;
            if self.names.is_multiple_of(NAMES_BY_CLOCK) {
                self.look_at_clock()?;
            }
            let kind = kind_of(entry.file_type());
            let is_directory = kind.is_none_or(|kind| kind == FileKind::Directory);
            if !is_directory && !kind.is_none_or(|kind| self.may_fit(kind, name.to_bytes())) {
                continue;
            }
            self.path.truncate(path_length);
            self.path.push(b'/');
            self.path.extend_from_slice(name.to_bytes());
            let look = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
            let status = match rustix::fs::statat(&directory, name, look) {
                Ok(status) => status,
                Err(error) if is_absence(error) || error == Errno::SRCH => continue,
                Err(error) => return Err(self.local.refused("look at", &self.shown(), error)),
            };
            let kind = FileKind::from_mode(status.st_mode).unwrap_or(FileKind::File);
            if self.may_fit(kind, name.to_bytes()) && self.fits(&status)? {
                let named = self.local.root.by_name(&directory, name.to_bytes(), &self.path);
                let inode = inode(&status, &*named, Follow::No);
                self.keep(inode)?;
            }
            let same = self.walk.cross_file_systems || status.st_dev == self.device;
            if kind == FileKind::Directory && deeper && same && !self.pruned() {
                left.push(name.to_owned());
            }
        }
        self.path.truncate(path_length);
        if left.is_empty() {
            return Ok(());
        }
        if branches.len() == OPEN_DIRECTORIES {
            return Err(Fault::new(
                FaultKind::TooLarge,
                format!("the walk below {} comes to {}, too deep to go on; prune it", self.walk.path, self.shown()),
            ));
        }
        branches.push(Branch { directory, path_length, depth, left });
        Ok(())
    }

    fn look_at_clock(&self) -> Result<(), Fault> {
        if self.local.running.is_over() {
            return Err(Fault::new(FaultKind::Failed, format!("the walk below {} was interrupted", self.walk.path)));
        }
        if self.started.elapsed() < self.limit {
            return Ok(());
        }
        let message = format!(
            "the walk below {} took longer than {}; prune it, limit its depth or give it more time",
            self.walk.path,
            seconds(self.limit)
        );
        Err(Fault::new(FaultKind::TimedOut, message))
    }

    /// What can be told without the inode.
    fn may_fit(&self, kind: FileKind, name: &[u8]) -> bool {
        (self.walk.kinds.is_empty() || self.walk.kinds.contains(&kind))
            && self.name.as_ref().is_none_or(|glob| glob.is_match(OsStr::from_bytes(name)))
    }

    /// The rest of the conditions.
    fn fits(&mut self, status: &Stat) -> Result<bool, Fault> {
        let walk = self.walk;
        let mode = (status.st_mode & 0o7777) as u16;
        if (walk.any_bits != 0 && mode & walk.any_bits == 0)
            || mode & walk.all_bits != walk.all_bits
            || mode & walk.no_bits != 0
            || walk.uid.is_some_and(|uid| uid != status.st_uid)
            || walk.gid.is_some_and(|gid| gid != status.st_gid)
        {
            return Ok(false);
        }
        Ok((!walk.no_user || !self.has_user(status.st_uid)?) && (!walk.no_group || !self.has_group(status.st_gid)?))
    }

    fn has_user(&mut self, uid: u32) -> Result<bool, Fault> {
        if let Some(&has) = self.users.get(&uid) {
            return Ok(has);
        }
        let has = self.local.accounts.user(&AccountKey::Id(uid), self.local)?.is_some();
        self.users.insert(uid, has);
        Ok(has)
    }

    fn has_group(&mut self, gid: u32) -> Result<bool, Fault> {
        if let Some(&has) = self.groups.get(&gid) {
            return Ok(has);
        }
        let has = self.local.accounts.group(&AccountKey::Id(gid), self.local)?.is_some();
        self.groups.insert(gid, has);
        Ok(has)
    }

    /// Keeps the path the walk begins at, which may be a link.
    fn keep_start(&mut self, status: &Stat) -> Result<(), Fault> {
        let path = &*self.walk.path;
        let opened = self.local.root.open(path, OFlags::PATH | OFlags::CLOEXEC);
        let found = opened.and_then(|opened| self.local.root.inode_of(&opened, path));
        self.keep(found.unwrap_or_else(|_| inode(status, c"", Follow::No)))
    }

    fn keep(&mut self, inode: Inode) -> Result<(), Fault> {
        if self.found.len() == ENTRIES_CAP {
            return Err(Fault::new(
                FaultKind::TooLarge,
                format!("more than {ENTRIES_CAP} files below {} fit, the most that are returned", self.walk.path),
            ));
        }
        self.found.push(Found { path: self.shown().into(), inode });
        Ok(())
    }

    fn pruned(&self) -> bool {
        self.walk.prune.iter().any(|prune| prune.trim_end_matches('/').as_bytes() == self.path)
    }

    /// The path as text.
    fn shown(&self) -> String {
        if self.path.is_empty() { "/".to_string() } else { String::from_utf8_lossy(&self.path).into_owned() }
    }
}

/// The pattern of fnmatch(3) that find(1) takes: braces mean themselves.
fn glob(pattern: &str) -> Result<GlobMatcher, Fault> {
    let mut plain = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if !in_class => {
                plain.push(letter);
                plain.extend(letters.next());
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '{' | '}' if !in_class => plain.push('\\'),
            _ => {}
        }
        plain.push(letter);
    }
    match GlobBuilder::new(&plain).backslash_escape(true).build() {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => {
            Err(Fault::new(FaultKind::Malformed, format!("{pattern:?} is no name pattern: {}", error.kind())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::unprivileged::as_nobody;
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;
    use tempfile::TempDir;

    fn tree() -> TempDir {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("chmod");
        fs::create_dir_all(root.join("a/b/c")).expect("directories");
        fs::create_dir(root.join("z")).expect("a directory");
        for (name, mode) in
            [("a/one.conf", 0o644), ("a/b/two.conf", 0o4755), ("a/b/c/x{1}", 0o666), ("z/.hidden", 0o2711)]
        {
            fs::write(root.join(name), "").expect("written");
            fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("chmod");
        }
        symlink("..", root.join("a/b/up")).expect("a link");
        symlink("nowhere", root.join("z/dangling")).expect("a link");
        directory
    }

    fn walk(directory: &TempDir) -> Walk {
        let path = directory.path().to_str().expect("text").into();
        Walk { path, timeout_ms: 10_000, ..Walk::default() }
    }

    fn names(walk: &Walk) -> Vec<String> {
        let found = Local::new().walk(walk).expect("walked");
        let below = |found: &Found| found.path.strip_prefix(&*walk.path).unwrap_or(&found.path).to_string();
        found.iter().map(below).collect()
    }

    #[test]
    fn everything_below_is_found_once_sorted_and_no_link_is_followed() {
        let directory = tree();
        let expected = [
            "",
            "/a",
            "/a/b",
            "/a/b/c",
            "/a/b/c/x{1}",
            "/a/b/two.conf",
            "/a/b/up",
            "/a/one.conf",
            "/z",
            "/z/.hidden",
            "/z/dangling",
        ];
        assert_eq!(names(&walk(&directory)), expected);
    }

    #[test]
    fn every_condition_must_hold() {
        let directory = tree();
        let files = || Walk { kinds: vec![FileKind::File], ..walk(&directory) };
        assert_eq!(names(&Walk { any_bits: 0o6000, ..files() }), ["/a/b/two.conf", "/z/.hidden"]);
        assert_eq!(names(&Walk { all_bits: 0o6, ..files() }), ["/a/b/c/x{1}"]);
        assert_eq!(names(&Walk { no_bits: 0o6004, ..files() }), Vec::<String>::new());
        assert_eq!(names(&Walk { no_bits: 0o6000, any_bits: 0o4, ..files() }), ["/a/b/c/x{1}", "/a/one.conf"]);
        assert_eq!(names(&Walk { name: Some("*.conf".into()), ..files() }), ["/a/b/two.conf", "/a/one.conf"]);
        assert_eq!(names(&Walk { name: Some("[xy]{1}".into()), ..files() }), ["/a/b/c/x{1}"]);
        assert_eq!(
            names(&Walk { name: Some("*".into()), max_depth: Some(2), ..files() }),
            ["/a/one.conf", "/z/.hidden"]
        );
        assert_eq!(names(&Walk { max_depth: Some(0), ..walk(&directory) }), [""]);
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!(names(&Walk { uid: Some(uid), ..files() }).len(), 4);
        assert_eq!(names(&Walk { uid: Some(uid + 1), ..files() }).len(), 0);
        assert_eq!(names(&Walk { kinds: vec![FileKind::Symlink], ..walk(&directory) }), ["/a/b/up", "/z/dangling"]);
        let prune = vec![format!("{}/a/b/", directory.path().display()).into()];
        assert_eq!(
            names(&Walk { prune, ..walk(&directory) }),
            ["", "/a", "/a/b", "/a/one.conf", "/z", "/z/.hidden", "/z/dangling"]
        );
    }

    #[test]
    fn the_answer_is_that_of_find() {
        for arguments in [&["/etc", "-xdev"][..], &["/usr/bin", "-xdev"], &["/usr/lib", "-xdev"]] {
            let Ok(output) = Command::new("find").args(arguments).env("LC_ALL", "C").output() else { return };
            let mut expected: Vec<String> =
                String::from_utf8_lossy(&output.stdout).lines().map(str::to_string).collect();
            expected.sort_unstable();
            let walk = Walk { path: arguments[0].into(), timeout_ms: 60_000, ..Walk::default() };
            if let Ok(found) = Local::new().walk(&walk) {
                assert!(
                    found.iter().map(|found| &*found.path).eq(expected.iter().map(String::as_str)),
                    "{arguments:?}"
                );
            }
        }
    }

    #[test]
    fn the_start_may_be_a_link_a_file_or_nothing() {
        let directory = tree();
        let link = directory.path().join("link");
        symlink("a/b", &link).expect("a link");
        let walk =
            |path: &std::path::Path| names(&Walk { path: path.to_str().expect("text").into(), ..walk(&directory) });
        assert_eq!(walk(&link), ["", "/c", "/c/x{1}", "/two.conf", "/up"]);
        assert_eq!(walk(&directory.path().join("a/one.conf")), [""]);
        assert_eq!(walk(&directory.path().join("z/dangling")), [""]);
        assert_eq!(walk(&directory.path().join("no/such")), Vec::<String>::new());
    }

    #[test]
    fn a_directory_that_cannot_be_entered_is_a_fault_unless_pruned() {
        let directory = tree();
        let locked = directory.path().join("a/b");
        for mode in [0o000, 0o444] {
            fs::set_permissions(&locked, fs::Permissions::from_mode(mode)).expect("chmod");
            let fault = as_nobody(|| Local::new().walk(&walk(&directory))).expect_err("may not enter");
            assert_eq!(fault.kind, FaultKind::Denied, "{mode:o}");
            assert!(fault.message.contains(locked.to_str().expect("text")), "{fault}");
            let prune = vec![locked.to_str().expect("text").into()];
            let pruned = as_nobody(|| Local::new().walk(&Walk { prune, ..walk(&directory) }));
            assert_eq!(pruned.map(|found| found.len()), Ok(7), "{mode:o}");
        }
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).expect("chmod");
    }

    #[test]
    fn the_time_limit_is_a_fault_that_names_the_start() {
        let fault = Local::new().walk(&Walk { path: "/usr".into(), timeout_ms: 1, ..Walk::default() });
        let fault = fault.expect_err("a millisecond is too little");
        assert_eq!(fault.kind, FaultKind::TimedOut);
        assert!(fault.message.contains("/usr") && fault.message.contains("1 ms"), "{fault}");
    }

    #[test]
    fn files_without_an_account_are_found() {
        let directory = tree();
        let file = directory.path().join("a/one.conf");
        let owner = Some(rustix::fs::Uid::from_raw(3_999_999_999));
        let group = Some(rustix::fs::Gid::from_raw(3_999_999_998));
        if rustix::fs::chown(&file, owner, None).is_err() {
            return; // not root
        }
        rustix::fs::chown(directory.path().join("z"), None, group).expect("chown");
        assert_eq!(names(&Walk { no_user: true, ..walk(&directory) }), ["/a/one.conf"]);
        assert_eq!(names(&Walk { no_group: true, ..walk(&directory) }), ["/z"]);
        assert_eq!(names(&Walk { no_user: true, no_group: true, ..walk(&directory) }), Vec::<String>::new());
    }

    #[test]
    fn a_deep_chain_holds_few_directories_open() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut path = directory.path().to_path_buf();
        for _ in 0..400 {
            path.push("d");
        }
        fs::create_dir_all(&path).expect("directories");
        assert_eq!(names(&walk(&directory)).len(), 401);
    }

    #[test]
    fn a_tree_that_changes_meanwhile_is_no_error() {
        let directory = tree();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    for number in 0..20 {
                        let path = directory.path().join(format!("v{number}/w"));
                        fs::create_dir_all(&path).expect("made");
                        fs::write(path.join("f"), "").expect("written");
                    }
                    for number in 0..20 {
                        fs::remove_dir_all(directory.path().join(format!("v{number}"))).expect("removed");
                    }
                }
            });
            let results: Vec<_> =
                (0..200).map(|_| Local::new().walk(&walk(&directory)).map(|found| found.len())).collect();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            for result in results {
                assert!(result.is_ok_and(|count| count >= 11));
            }
        });
    }

    #[test]
    fn other_file_systems_are_entered_only_when_asked() {
        let directory = tree();
        let below = directory.path().join("z");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "probity-test"]).arg(&below).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            return; // not root, or a container
        }
        fs::write(below.join("inside"), "").expect("written");
        let (stays, enters) = (names(&walk(&directory)), names(&Walk { cross_file_systems: true, ..walk(&directory) }));
        let unmounted = Command::new("umount").arg(&below).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
        // The mount point is itself found, as find -xdev does.
        assert!(stays.contains(&"/z".to_string()) && !stays.contains(&"/z/inside".to_string()));
        assert!(enters.contains(&"/z/inside".to_string()));
    }

    #[test]
    fn a_broken_name_pattern_is_a_fault() {
        let directory = tree();
        for pattern in ["[", "[z-a]"] {
            let fault = Local::new().walk(&Walk { name: Some(pattern.into()), ..walk(&directory) });
            assert_eq!(fault.expect_err("no pattern").kind, FaultKind::Malformed, "{pattern}");
        }
    }

    #[test]
    fn names_that_are_no_text_are_walked_through() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let odd = directory.path().join(OsStr::from_bytes(b"\xff\xfe"));
        fs::create_dir(&odd).expect("a directory");
        fs::write(odd.join("inside"), "").expect("written");
        assert_eq!(names(&walk(&directory)), ["", "/\u{fffd}\u{fffd}", "/\u{fffd}\u{fffd}/inside"]);
    }
}
