//! Tests of platform facts on nodes written down by hand.

use super::*;
use crate::node::Node;
use crate::probe::{FaultKind, Inode, Link};
use crate::transport::scripted::Scripted;

fn inode(kind: FileKind) -> Inode {
    Inode { kind, mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0, nlink: 1, ino: 1, dev: 1, selinux: None, acl: false }
}

fn plain(kind: FileKind) -> Option<Stated> {
    Some(Stated { own: inode(kind), link: None })
}

/// A node with these files and these other paths, and nothing else the platform asks for.
fn node(files: &[(&str, &str)], paths: &[(&str, Option<Stated>)]) -> (Node, Rc<Scripted>) {
    let mut script = Scripted::new().with(
        Uname,
        Arc::new(Kernel {
            system: "Linux".into(),
            host_name: "n".into(),
            release: "6.1.0".into(),
            machine: "x86_64".into(),
        }),
    );
    let reads = ["/etc/os-release", "/usr/lib/os-release"];
    for path in reads.into_iter().chain(RELEASE_FILES.map(|(path, _)| path)) {
        let content = files.iter().find(|(own, _)| *own == path).map(|(_, text)| Arc::from(text.as_bytes()));
        script = script.with(Read { path: path.into() }, content);
    }
    for path in DATABASES.map(|(path, _)| path).into_iter().chain(SERVICE_SIGNS) {
        let stated = paths.iter().find(|(own, _)| *own == path).and_then(|(_, stated)| stated.clone());
        script = script.with(Stat { path: path.into() }, stated);
    }
    let script = Rc::new(script);
    (Node::new("n", "scripted://", script.clone(), 0), script)
}

/// The platform of a node, after the rounds it takes.
fn platform(node: &Node) -> Sight<Rc<Platform>> {
    let memory = node.memory().clone();
    loop {
        let sight = Platform::of(&node.view(&memory));
        if sight != Err(crate::node::Unseen::Pending) || node.ask(&[&memory]) == 0 {
            return sight;
        }
    }
}

const ROCKY: &str = "NAME=\"Rocky Linux\"\nVERSION=\"9.4 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n\
                     VERSION_ID=\"9.4\"\nPRETTY_NAME=\"Rocky Linux 9.4 (Blue Onyx)\"\n";

#[test]
fn a_red_hat_like_system_is_known_in_one_round() {
    let (node, script) = node(
        &[("/etc/os-release", ROCKY), ("/etc/redhat-release", "Rocky Linux release 9.4 (Blue Onyx)\n")],
        &[
            ("/var/lib/dpkg/status", plain(FileKind::File)),
            ("/var/lib/rpm", plain(FileKind::Directory)),
            ("/run/systemd/system", plain(FileKind::Directory)),
        ],
    );
    let platform = platform(&node).unwrap();
    assert_eq!((&*platform.name, &*platform.release, &*platform.family), ("rocky", "9.4", "redhat"));
    assert_eq!(&*platform.title, "Rocky Linux 9.4 (Blue Onyx)");
    assert!(platform.in_family("linux") && platform.in_family("unix") && !platform.in_family("debian"));
    assert_eq!(platform.package_managers, [PackageManager::Rpm, PackageManager::Dpkg]);
    assert_eq!(platform.service_manager, Some(ServiceManager::Systemd { running: true }));
    assert_eq!(&*platform.summary().arch, "x86_64");
    assert_eq!(script.rounds(), 1);
}

#[test]
fn a_derivative_is_placed_by_what_it_is_like() {
    let (node, _) = node(&[("/usr/lib/os-release", "ID=neon\nID_LIKE=\"ubuntu debian\"\n")], &[]);
    let platform = platform(&node).unwrap();
    assert_eq!((&*platform.family, &*platform.title, &*platform.release), ("debian", "neon", ""));
    assert_eq!(platform.service_manager, None);
}

#[test]
fn an_old_system_is_known_by_its_release_file() {
    let (node, _) = node(&[("/etc/redhat-release", "CentOS release 6.10 (Final)\n")], &[]);
    let platform = platform(&node).unwrap();
    assert_eq!((&*platform.name, &*platform.release, &*platform.family), ("centos", "6.10", "redhat"));
    assert_eq!(&*platform.title, "CentOS release 6.10 (Final)");
}

#[test]
fn a_system_that_says_nothing_is_linux() {
    let (node, _) = node(&[("/etc/os-release", "")], &[("/sbin/openrc-run", plain(FileKind::File))]);
    let platform = platform(&node).unwrap();
    assert_eq!((&*platform.name, &*platform.family), ("linux", "linux"));
    assert_eq!(platform.service_manager, Some(ServiceManager::OpenRc { running: false }));
}

#[test]
fn an_init_that_is_systemd_counts_though_it_does_not_run() {
    let link = Link {
        text: "../lib/systemd/systemd".into(),
        canonical: Some("/usr/lib/systemd/systemd".into()),
        target: Some(inode(FileKind::File)),
    };
    let init = Some(Stated { own: inode(FileKind::Symlink), link: Some(link.into()) });
    let (node, _) = node(&[], &[("/sbin/init", init), ("/etc/inittab", plain(FileKind::File))]);
    assert_eq!(platform(&node).unwrap().service_manager, Some(ServiceManager::Systemd { running: false }));
}

#[test]
fn an_os_release_that_may_not_be_read_is_a_fault() {
    let script = Scripted::new().with_fault(
        Read { path: "/etc/os-release".into() },
        FaultKind::Denied,
        "read /etc/os-release: permission denied",
    );
    let node = Node::new("n", "scripted://", Rc::new(script), 0);
    assert!(matches!(platform(&node), Err(crate::node::Unseen::Fault(_))));
}
