//! Containers through `docker`, `podman` and `kubectl`: the real tools where they are, and
//! stand-ins in `containers/` for what needs a daemon or a cluster.

mod support;

use probity::probe::{FaultKind, Probe, Read, Run, Stat};
use probity::probe::{Observation, Question};
use probity::results::mask::Masker;
use probity::target::Target;
use probity::transport::{Options, Privilege, Secret, Tool, Transport, Unreachable, UnreachableKind, open};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use support::{Lacking, required, skipped};

/// Calls a test again as a process whose tools are those in `containers/`. True in that
/// process, which is where the test goes on.
fn is_inside(test: &str, variables: &[(&str, &Path)]) -> bool {
    if std::env::var_os("PROBITY_TEST_INSIDE").is_some() {
        return true;
    }
    let path = format!("{}:{}", stand_ins().display(), std::env::var("PATH").expect("a PATH"));
    let inside = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", test, "--nocapture"])
        .env("PATH", path)
        .env("PROBITY_TEST_INSIDE", "1")
        .envs(variables.iter().copied())
        .output()
        .expect("it starts");
    hear(&inside);
    false
}

/// A test that went on in another process must have passed there; what it skipped is skipped.
fn hear(inside: &Output) {
    let (stdout, stderr) = (String::from_utf8_lossy(&inside.stdout), String::from_utf8_lossy(&inside.stderr));
    assert!(inside.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    let skips =
        stderr.lines().filter_map(|line| line.strip_prefix("skipped: ")?.strip_suffix(')')?.split_once(" (needs "));
    skips.for_each(|(what, need)| skipped(what, need));
}

fn stand_ins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/containers")
}

fn reach(uri: &str, options: &Options) -> Box<dyn Transport> {
    let target: Target = uri.parse().expect("a target");
    let masker = Arc::new(Masker::new(Vec::new()));
    open(&target, options, &masker, &AtomicBool::new(false)).expect("made")
}

fn batch() -> [Probe; 3] {
    [Stat { path: "/".into() }.into(), Read { path: "/etc/passwd".into() }.into(), Run::shell("id -u").into()]
}

/// The user number commands run as.
fn uid(transport: &dyn Transport) -> String {
    let answers = transport.batch(&batch());
    assert!(transport.lost().is_none(), "{:?}", transport.lost());
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    match &answers[2] {
        Ok(observation @ Observation::Run(_)) => {
            String::from_utf8_lossy(&Run::unwrap(observation).expect("a run").stdout).trim().to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// Why it cannot be reached.
fn lost(uri: &str) -> Unreachable {
    let transport = reach(uri, &Options::default());
    let answers = transport.batch(&batch());
    let lost = transport.lost().unwrap_or_else(|| panic!("it was reached: {answers:?}"));
    assert!(
        answers.iter().all(|answer| answer.as_ref().is_err_and(|fault| fault.message == lost.message)),
        "{answers:?}"
    );
    assert!(lost.message.starts_with(uri) && !lost.message.contains('\n'), "{lost}");
    lost
}

fn user(name: &str) -> Options {
    Options { user: Some(name.to_string()), ..Options::default() }
}

#[test]
fn docker_is_called_as_it_wants_to_be_and_its_troubles_told_apart() {
    let storage = tempfile::tempdir().expect("a temporary directory");
    if !is_inside(
        "docker_is_called_as_it_wants_to_be_and_its_troubles_told_apart",
        &[("PROBITY_TEST_STORAGE", storage.path())],
    ) {
        return;
    }
    let own = rustix::process::geteuid();
    assert_eq!(uid(&*reach("docker://web", &Options::default())), own.as_raw().to_string());
    if own.is_root() {
        assert_eq!(uid(&*reach("docker://web", &user("65534"))), "65534");
    }
    for (uri, kind, meaning) in [
        ("docker://stopped", UnreachableKind::Refused, "does not run"),
        ("docker://distroless", UnreachableKind::Failed, "no shell in the container"),
        ("docker://none", UnreachableKind::UnknownHost, "no such container"),
        // What it began to answer is lost with it, and it is not there to be asked again.
        ("docker://dies", UnreachableKind::Refused, "does not run"),
    ] {
        let transport = reach(uri, &Options::default());
        let answers = transport.batch(&batch());
        let lost = transport.lost().unwrap_or_else(|| panic!("{uri} was reached: {answers:?}"));
        assert_eq!(lost.kind, kind, "{lost}");
        assert!(lost.message.starts_with(uri) && lost.message.contains(meaning), "{lost}");
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        let again = transport.batch(&batch());
        assert!(again.iter().all(|answer| answer.as_ref().is_err_and(|fault| fault.message == lost.message)));
    }
}

#[test]
fn kubectl_is_called_as_it_wants_to_be_and_its_troubles_told_apart() {
    if !is_inside("kubectl_is_called_as_it_wants_to_be_and_its_troubles_told_apart", &[]) {
        return;
    }
    let own = rustix::process::geteuid().as_raw().to_string();
    assert_eq!(uid(&*reach("kubectl://web", &Options::default())), own);
    assert_eq!(uid(&*reach("kubectl://prod/web/app", &Options::default())), own);
    assert!(lost("kubectl://gone").message.contains("no such pod"));
    assert!(lost("kubectl://none/web").message.contains("no such namespace"));
    assert!(lost("kubectl://prod/web/none").message.contains("no such container"));
}

#[test]
fn the_real_tools_say_when_nobody_is_there_for_them() {
    let mut lacking = Lacking::default();
    let test = "the_real_tools_say_when_nobody_is_there_for_them";
    if std::env::var_os("PROBITY_TEST_INSIDE").is_none() {
        // Without the stand-ins, and with a daemon and a cluster that are not there.
        let inside = Command::new(std::env::current_exe().expect("known"))
            .args(["--exact", test, "--nocapture"])
            .env("PROBITY_TEST_INSIDE", "1")
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .env("KUBECONFIG", "/dev/null")
            .output()
            .expect("it starts");
        hear(&inside);
        return;
    }
    if lacking.has("docker", "docker without its daemon") {
        assert!(lost("docker://web").message.contains("the Docker daemon does not answer"));
    }
    if lacking.has("kubectl", "kubectl without a cluster") {
        assert!(lost("kubectl://web").message.contains("the Kubernetes API server does not answer"));
    }
}

/// A root of busybox alone: a user who may become root with a password, a shell for both.
const ROOT: &str = r#"
mkdir -p bin etc proc dev sys tmp run root
cp "$(command -v busybox)" bin/busybox
for applet in $(bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "bin/$applet"; done
chmod 4755 bin/busybox
printf 'root:x:0:0:root:/root:/bin/sh\nops:x:1001:1001::/:/bin/sh\n' >etc/passwd
printf 'root:x:0:\nops:x:1001:\n' >etc/group
printf 'root:%s:19000:0:99999:7:::\nops:!:19000:0:99999:7:::\n' "$HASH" >etc/shadow
chmod 600 etc/shadow
"#;
/// Of the password `root-right`, crypt(5).
const HASH: &str = "$6$labsalt$RiRp/eAZYD3Ot1ASCTjUwZUeN3EHsOvz2GWt8WkTUzeJaIM58ljI4dndyX.TQPSx2FkUIbb8YP0AA.s3Flcbd1";

fn podman(words: &[&str]) -> Output {
    Command::new("podman").args(words).output().expect("podman starts")
}

/// The containers of the test, gone with it.
struct Containers;

impl Drop for Containers {
    fn drop(&mut self) {
        podman(&["rm", "--force", "--all", "--time", "0"]);
        podman(&["rmi", "--force", "--all"]);
    }
}

#[test]
fn a_container_of_podman_is_asked_and_its_troubles_told_apart() {
    let test = "a_container_of_podman_is_asked_and_its_troubles_told_apart";
    let what = "a container of podman";
    if std::env::var_os("PROBITY_TEST_INSIDE").is_none() {
        let mut lacking = Lacking::default();
        if !["root", "podman", "busybox", "unshare"].iter().all(|need| lacking.has(need, what)) {
            return;
        }
        let found = Command::new("sh").args(["-c", "command -v podman"]).output().expect("a shell");
        let real = PathBuf::from(String::from_utf8_lossy(&found.stdout).trim());
        let storage = tempfile::tempdir().expect("a temporary directory");
        is_inside(test, &[("PROBITY_TEST_PODMAN", &real), ("PROBITY_TEST_STORAGE", storage.path())]);
        return;
    }
    let storage = PathBuf::from(std::env::var_os("PROBITY_TEST_STORAGE").expect("set"));
    let root = storage.join("busybox");
    std::fs::create_dir(&root).expect("a directory");
    let made = Command::new("sh").args(["-euc", ROOT]).current_dir(&root).env("HASH", HASH).status().expect("a shell");
    assert!(made.success());
    let tar = storage.join("busybox.tar");
    let packed = Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg(".").status().expect("tar");
    assert!(packed.success());
    let _containers = Containers;
    podman(&["import", tar.to_str().expect("text"), "probity-test"]);
    // The limits of the machine may be above those this process may set.
    let limits = ["run", "-d", "--cgroups=disabled", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
    let run = |name: &str| {
        podman(&[&limits[..], &["--network=none", "--name", name, "probity-test", "sleep", "600"]].concat())
    };
    let started = run("web");
    if !started.status.success() {
        let said = String::from_utf8_lossy(&started.stderr).replace('\n', " ");
        assert!(!required("podman"), "{what} cannot be started, and PROBITY_REQUIRE says it can: {said}");
        skipped(what, &format!("the right to start one: {said}"));
        return;
    }
    let none = Options::default();
    let transport = reach("podman://web", &none);
    assert_eq!((uid(&*transport), transport.user()), ("0".to_string(), "root".to_string()));
    let commands: Vec<Probe> = (0..20).map(|number| Run::shell(format!("echo {number}; exit 3")).into()).collect();
    for (number, answer) in transport.batch(&commands).iter().enumerate() {
        let ran = Run::unwrap(answer.as_ref().expect("an answer")).expect("a run");
        assert_eq!((ran.status, &*ran.stdout), (3, format!("{number}\n").as_bytes()));
    }
    assert_eq!(uid(&*reach("podman://web", &user("ops"))), "1001");
    assert!(lost("podman://none").message.contains("there is no such container"));

    // Privilege wraps what is asked in a container, too: busybox's own su.
    let su = |password: &str| {
        let privilege = Privilege { tool: Tool::Su, user: None, password: Some(Secret::new(password)) };
        reach("podman://web", &Options { privilege: Some(privilege), ..user("ops") })
    };
    assert_eq!(uid(&*su("root-right")), "0");
    let refused = su("wrong");
    let fault = refused.batch(&batch()).remove(0).expect_err("refused");
    assert_eq!(fault.kind, FaultKind::Denied);
    assert!(fault.message.contains("su did not take the password, which was tried once"), "{fault}");

    // A shell that goes away, and then the whole container.
    assert!(run("bare").status.success());
    podman(&["exec", "bare", "busybox", "rm", "/bin/sh"]);
    assert!(lost("podman://bare").message.contains("no shell in the container"));
    podman(&["stop", "--time", "0", "web"]);
    let fault = transport.batch(&batch()).remove(0).expect_err("stopped");
    assert!(fault.message.contains("the container does not run; start it"), "{fault}");
    assert!(transport.lost().is_some());
}
