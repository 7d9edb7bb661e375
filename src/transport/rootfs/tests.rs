use super::*;
use crate::probe::{AccountKey, Group, Run, Users};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use tempfile::TempDir;

/// A small system, and beside it what no link may lead to.
struct System {
    outside: TempDir,
    node: RootFs,
}

impl System {
    fn new() -> System {
        let outside = tempfile::tempdir().expect("a temporary directory");
        fs::write(outside.path().join("secret"), "outside\n").expect("written");
        let root = outside.path().join("root");
        for directory in ["etc/cron.d", "usr/bin", "usr/sbin", "proc", "sys", "dev", "run", "var", "opt/deep"] {
            fs::create_dir_all(root.join(directory)).expect("a directory");
        }
        let write = |path: &str, text: &str| fs::write(root.join(path), text).expect("written");
        write("etc/passwd", "root:x:0:0::/root:/bin/sh\ninside:x:4242:4242::/:/bin/false\n");
        write("etc/group", "root:x:0:\nwheel:x:4243:inside\n");
        write("etc/hostname", "# the name\n\nimage-1\n");
        write("etc/secret", "inside\n");
        write("secret", "inside\n");
        write("usr/bin/tool", "");
        write("usr/bin/data", "");
        mode(&root.join("usr/bin/tool"), 0o755);
        mode(&root.join("usr/bin/data"), 0o644);
        symlink("usr/bin", root.join("bin")).expect("a link");
        symlink("/run", root.join("var/run")).expect("a link");
        symlink("/proc/self/mounts", root.join("etc/mtab")).expect("a link");
        let node = RootFs::open(&root).expect("opened");
        System { outside, node }
    }

    fn root(&self) -> std::path::PathBuf {
        self.outside.path().join("root")
    }

    fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, Fault> {
        let probe: Probe = question.into();
        let mut answers = self.node.batch(std::slice::from_ref(&probe));
        let answer = answers.remove(0);
        if let Some(now) = self.node.answer_now(&probe) {
            assert_eq!(now, answer, "{probe} is answered alike at once");
        }
        answer.map(|observation| Q::unwrap(&observation).expect("the kind that was asked for"))
    }

    fn read(&self, path: &str) -> Option<String> {
        let content = self.ask(Read { path: path.into() }).unwrap_or_else(|fault| panic!("{path}: {fault}"));
        content.map(|content| String::from_utf8_lossy(&content).into_owned())
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

#[test]
fn no_link_leads_out_of_the_root() {
    let system = System::new();
    let root = system.root();
    let outside = system.outside.path().join("secret");
    let up = "../".repeat(30);
    for (name, text) in [
        ("absolute", "/secret".to_string()),
        ("relative", "../secret".to_string()),
        ("far", format!("{up}secret")),
        ("far-and-back", format!("{up}etc/secret")),
        ("chain", "far".to_string()),
        ("through", "upper/secret".to_string()),
    ] {
        symlink(text, root.join("etc").join(name)).expect("a link");
    }
    symlink("../..", root.join("etc/upper")).expect("a link to a directory");
    for name in ["absolute", "relative", "far", "far-and-back", "chain", "through"] {
        assert_eq!(system.read(&format!("/etc/{name}")).as_deref(), Some("inside\n"), "{name}");
    }
    assert_eq!(system.read("/../../secret").as_deref(), Some("inside\n"));
    assert_eq!(system.read("/opt/deep/../../../../secret").as_deref(), Some("inside\n"));
    // The path of the file outside is one like any other inside: there is nothing at it.
    symlink(&outside, root.join("etc/host")).expect("a link");
    assert_eq!(system.read("/etc/host"), None);
    let stated = system.ask(Stat { path: "/etc/host".into() }).expect("asked").expect("the link is there");
    assert_eq!(stated.target(), None);
    let link = stated.link.expect("a link");
    assert_eq!((link.canonical, &*link.text), (None, outside.to_str().expect("text")));
}

#[test]
fn directories_and_walks_stay_inside_as_well() {
    let system = System::new();
    symlink("/", system.root().join("opt/everything")).expect("a link");
    symlink("../../../..", system.root().join("opt/up")).expect("a link");
    for path in ["/opt/everything", "/opt/up", "/.."] {
        let names = system.ask(List { path: path.into() }).expect("listed").expect("a directory");
        assert!(names.iter().any(|entry| &*entry.name == "secret"), "{path}");
        assert!(!names.iter().any(|entry| &*entry.name == "root"), "{path} is not the directory outside");
    }
    let walk = Walk { path: "/opt/up".into(), name: Some("secret".into()), timeout_ms: 5000, ..Walk::default() };
    let found = system.ask(walk).expect("walked");
    let paths: Vec<&str> = found.iter().map(|found| &*found.path).collect();
    assert_eq!(paths, ["/opt/up/etc/secret", "/opt/up/secret"]);
}

#[test]
fn paths_are_those_seen_from_inside() {
    let system = System::new();
    let stated = system.ask(Stat { path: "/bin".into() }).expect("asked").expect("there");
    assert_eq!(stated.link.expect("a link").canonical.as_deref(), Some("/usr/bin"));
    assert_eq!(system.ask(Which { name: "tool".into() }), Ok(Some("/usr/bin/tool".into())));
    assert_eq!(system.ask(Which { name: "/bin/tool".into() }), Ok(Some("/bin/tool".into())));
    for name in ["data", "sh", "", "../bin/tool"] {
        assert_eq!(system.ask(Which { name: name.into() }), Ok(None), "{name:?}");
    }
}

#[test]
fn accounts_are_those_of_the_files() {
    let system = System::new();
    let user = system.ask(crate::probe::User { key: AccountKey::Id(4242) }).expect("asked").expect("there");
    assert_eq!(&*user.name, "inside");
    assert_eq!(system.ask(Users).expect("asked").len(), 2);
    assert!(system.ask(Group { key: AccountKey::Name("wheel".into()) }).expect("asked").is_some());
    assert_eq!(system.ask(Group { key: AccountKey::Name("nobody".into()) }), Ok(None));
    // A service that is no file cannot be asked, so who is not in a file may be there or not.
    fs::write(system.root().join("etc/nsswitch.conf"), "passwd: files sss\n").expect("written");
    assert!(system.ask(crate::probe::User { key: AccountKey::Id(4242) }).is_ok_and(|user| user.is_some()));
    let fault = system.ask(crate::probe::User { key: AccountKey::Id(1) }).expect_err("cannot be known");
    assert_eq!(fault.kind, FaultKind::Unsupported);
    assert!(fault.message.contains("nsswitch.conf"), "{fault}");
}

#[test]
fn what_stands_in_the_place_of_an_account_file_is_not_opened() {
    let system = System::new();
    fs::remove_file(system.root().join("etc/passwd")).expect("removed");
    let pipe = system.root().join("etc/passwd");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    let fault = system.ask(Users).expect_err("no file");
    assert!(fault.message.contains("/etc/passwd"), "{fault}");
    assert!(system.ask(Read { path: "/etc/passwd".into() }).is_err_and(|fault| fault.message.contains("pipe")));
}

#[test]
fn what_rests_on_a_running_kernel_is_errored_and_the_platform_is_known() {
    use crate::node::{Node, Platform, Unseen, Virtualization};
    let system = System::new();
    fs::write(system.root().join("etc/os-release"), "ID=debian\nVERSION_ID=12\n").expect("written");
    let node =
        Node::new("image", "rootfs:///image", std::rc::Rc::new(RootFs::open(&system.root()).expect("opened")), 0);
    let seen = node.view(node.memory());
    let platform = Platform::of(&seen).expect("known");
    assert_eq!((&*platform.family, platform.service_manager), ("debian", None));
    let unsupported = |unseen: Unseen| matches!(unseen, Unseen::Fault(fault) if fault.kind == FaultKind::Unsupported);
    assert!(platform.arch().is_err_and(unsupported));
    assert!(Platform::kernel_release(&platform.kernel).is_err_and(unsupported));
    assert!(Virtualization::of(&seen).is_err_and(unsupported), "nothing tells who would run it");
    fs::write(system.root().join(".dockerenv"), "").expect("written");
    let node =
        Node::new("image", "rootfs:///image", std::rc::Rc::new(RootFs::open(&system.root()).expect("opened")), 0);
    assert!(Virtualization::of(&node.view(node.memory())).is_ok_and(|found| found.container));
}

#[test]
fn a_link_of_account_files_does_not_lead_out_either() {
    let system = System::new();
    fs::remove_file(system.root().join("etc/passwd")).expect("removed");
    fs::write(system.outside.path().join("passwd"), "outsider:x:1:1:::\n").expect("written");
    symlink("../../passwd", system.root().join("etc/passwd")).expect("a link");
    assert_eq!(system.ask(Users).expect("asked").len(), 0);
}

#[test]
fn what_only_a_running_system_has_is_not_absent() {
    let system = System::new();
    let fault = |probe: Probe| match system.node.batch(std::slice::from_ref(&probe)).remove(0) {
        Err(fault) if fault.kind == FaultKind::Unsupported => fault.message.to_string(),
        other => panic!("{probe}: {other:?}"),
    };
    for path in ["/proc/sys/net/ipv4/ip_forward", "/sys/fs/selinux/enforce", "/dev/kvm", "/etc/mtab"] {
        let path: Arc<str> = path.into();
        assert!(fault(Read { path: path.clone() }.into()).contains("filled only when it does"));
        assert!(fault(Stat { path: path.clone() }.into()).contains(&*path));
        fault(Flags { path: path.clone() }.into());
    }
    assert!(fault(Read { path: "/etc/mtab".into() }.into()).contains("which leads to /proc/self/mounts"));
    fault(List { path: "/proc".into() }.into());
    fault(Walk { path: "/sys".into(), timeout_ms: 1000, ..Walk::default() }.into());
    // Whether or not the image holds it: no service manager runs from here.
    fs::create_dir_all(system.root().join("run/systemd/system")).expect("a directory");
    assert!(fault(Stat { path: "/var/run/systemd/system".into() }.into()).contains("no service manager"));
    for probe in [Run::shell("true").into(), crate::probe::Processes.into(), crate::probe::Sockets.into()] {
        assert!(fault(probe).contains("does not run"));
    }
    // The directories themselves are part of the image, and so is what only looks like them.
    assert!(system.ask(Stat { path: "/proc".into() }).is_ok_and(|stated| stated.is_some()));
    for path in ["/process", "/run/a.pid", "/var/run/a.pid", "/dev/null"] {
        assert_eq!(system.ask(Stat { path: path.into() }), Ok(None), "{path}");
    }
    fs::write(system.root().join("dev/left-behind"), "").expect("written");
    let walk = Walk { path: "/".into(), name: Some("left-behind".into()), timeout_ms: 5000, ..Walk::default() };
    assert_eq!(system.ask(walk).expect("walked").len(), 0);
}

#[test]
fn circles_of_links_are_absence_as_everywhere() {
    let system = System::new();
    symlink("circle", system.root().join("etc/circle")).expect("a link");
    assert_eq!(system.read("/etc/circle"), None);
    assert_eq!(system.read("/etc/circle/below"), None);
}

#[test]
fn magic_links_are_refused() {
    // The machine's own root has a /proc with such links.
    let node = RootFs::open(Path::new("/")).expect("opened");
    for path in ["/proc/self/root/etc/passwd", "/proc/self/exe", "/proc/self/cwd"] {
        let answer = node.batch(&[Stat { path: path.into() }.into(), Read { path: path.into() }.into()]);
        let fault = answer[1].as_ref().expect_err(path);
        assert!(fault.kind == FaultKind::Unsupported && fault.message.contains("magic link"), "{fault}");
    }
    assert!(node.batch(&[Read { path: "/proc/version".into() }.into()])[0].is_ok(), "/proc is mounted here");
}

#[test]
fn the_kernel_is_known_as_far_as_files_tell() {
    let system = System::new();
    let kernel = system.ask(Uname).expect("asked");
    assert_eq!((&*kernel.host_name, &*kernel.release, &*kernel.machine), ("image-1", "", ""));
    fs::copy("/bin/true", system.root().join("usr/bin/env")).expect("copied");
    assert_eq!(&*system.ask(Uname).expect("asked").machine, std::env::consts::ARCH);
}

#[test]
fn what_is_no_directory_is_refused_with_its_remedy() {
    let refused = |path: &str| RootFs::open(Path::new(path)).map(drop).expect_err(path).to_string();
    assert!(refused("/nowhere/at/all").contains("no directory"));
    assert!(refused("/etc/passwd").contains("mount the image"));
}
