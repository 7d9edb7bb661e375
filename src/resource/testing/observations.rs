//! Observations that unit tests of resources write down; [`Trial`](super::Trial) tries a
//! resource on them.

use crate::probe::{Entry as Name, FileKind, List, Read};
use crate::transport::scripted::Scripted;
use std::sync::Arc;

/// The bytes of a scripted file.
pub fn bytes(content: impl AsRef<[u8]>) -> Option<std::sync::Arc<[u8]>> {
    Some(content.as_ref().into())
}

/// What a command gave that ended with `status` and this output.
pub fn ran(status: i32, stdout: impl AsRef<[u8]>, stderr: impl AsRef<[u8]>) -> crate::probe::Ran {
    crate::probe::Ran { status, stdout: stdout.as_ref().into(), stderr: stderr.as_ref().into(), truncated: false }
}

/// A path that is of this kind, mode 0755, owned by root.
pub fn stated(kind: crate::probe::FileKind) -> Option<crate::probe::Stated> {
    let own = crate::probe::Inode {
        kind,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: 0,
        nlink: 1,
        ino: 1,
        dev: 1,
        selinux: None,
        acl: false,
    };
    Some(crate::probe::Stated { own, link: None })
}

/// A node with these files, their directories listing exactly them, and nothing else: a
/// path in `absent` is known not to be there.
pub fn files(present: &[(&str, &str)], absent: &[&str]) -> Scripted {
    let mut scripted = Scripted::new();
    let mut directories: std::collections::BTreeMap<String, Vec<Name>> = Default::default();
    for (path, content) in present {
        scripted = scripted.with(Read { path: (*path).into() }, Some(content.as_bytes().into()));
        let (directory, name) = path.rsplit_once('/').unwrap();
        directories.entry(directory.to_string()).or_default().push(Name { name: name.into(), kind: FileKind::File });
    }
    for path in absent {
        scripted = scripted.with(Read { path: (*path).into() }, None).with(List { path: (*path).into() }, None);
    }
    for (directory, mut names) in directories {
        names.sort();
        scripted = scripted.with(List { path: directory.into() }, Some(Arc::from(names)));
    }
    scripted
}

impl Scripted {
    /// A node with a platform: this os-release, and of the well-known paths the platform
    /// asks for only those of `paths`.
    #[must_use]
    pub fn platform(mut self, os_release: &str, paths: &[&str]) -> Scripted {
        use crate::node::platform::{DATABASES, RELEASE_FILES, SERVICE_SIGNS};
        use crate::probe::{Kernel, Stat, Uname};
        let kernel = Kernel {
            system: "Linux".into(),
            host_name: "n".into(),
            release: "6.1.0-18-amd64".into(),
            machine: "x86_64".into(),
        };
        self = self.with(Uname, kernel.into());
        self = self.with(Read { path: "/etc/os-release".into() }, bytes(os_release));
        self = self.with(Read { path: "/usr/lib/os-release".into() }, None);
        for (path, _) in RELEASE_FILES {
            self = self.with(Read { path: path.into() }, None);
        }
        for path in DATABASES.map(|(path, _)| path).into_iter().chain(SERVICE_SIGNS) {
            let directory = path.ends_with("/rpm") || matches!(path, "/run/systemd/system" | "/var/lib/pacman/local");
            let kind = if directory { FileKind::Directory } else { FileKind::File };
            let answer = if paths.contains(&path) { stated(kind) } else { None };
            self = self.with(Stat { path: path.into() }, answer);
        }
        self
    }
}
