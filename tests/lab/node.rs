//! Nodes for tests: an init of its own in namespaces of its own, without a container engine.
//!
//! `base.sh` makes the root file systems once and keeps them in `$PROBITY_TEST_CACHE` (the
//! target directory by default); `node.sh` boots a node over one of them and takes it away
//! when it is told to, or when the test ends in any other way.

use crate::support::{Lacking, find, required};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a boot may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a node boots.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Debian with systemd as process 1.
    Systemd,
    /// Debian's files without a service manager at work.
    Debian,
    /// One static busybox.
    Busybox,
}

/// A booted node; it ends when it is dropped.
pub struct Node {
    supervisor: Child,
    /// The process id of its init, as this machine sees it.
    init: String,
    share: TempDir,
}

impl Node {
    /// Boots a node; `None` where this computer cannot.
    ///
    /// The word for `PROBITY_REQUIRE` is `lab`.
    pub fn boot(kind: Kind, what: &str) -> Option<Node> {
        let mut lacking = Lacking::default();
        for need in ["root", "mmdebstrap", "unshare", "nsenter", "setpriv", "cgroup2"] {
            if !lacking.has(need, what) {
                assert!(!required("lab"), "{what} needs {need}, and PROBITY_REQUIRE says nodes can be booted");
                return None;
            }
        }
        let (root, init): (_, &[&str]) = match kind {
            Kind::Systemd => ("own", &["/sbin/init"]),
            Kind::Debian => ("own", &["sleep", "86400"]),
            Kind::Busybox => ("busybox", &["sleep", "86400"]),
        };
        let base = in_project("tests/lab/base.sh");
        let made = Command::new("sh").arg(base).arg(cache()).arg(root).output().expect("sh starts");
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            assert!(!required("lab"), "the root file systems of the lab cannot be made: {said}");
            crate::support::skipped(what, &format!("the root file systems of the lab, which cannot be made: {said}"));
            return None;
        }
        let base = PathBuf::from(String::from_utf8_lossy(&made.stdout).trim());
        let share = tempfile::tempdir().expect("a temporary directory");
        if kind == Kind::Busybox {
            give_libraries(share.path());
        }
        // The signal reaches the supervisor when the test is killed, too.
        let mut supervisor = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "sh"])
            .arg(in_project("tests/lab/node.sh"))
            .arg(base.join(root))
            .arg(env!("CARGO_BIN_EXE_probity"))
            .arg(share.path())
            .args(init)
            .env_clear()
            .env("PATH", PATH)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("setpriv starts");
        let mut init = String::new();
        let stdout = supervisor.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut init).expect("it can be read");
        let node = Node { supervisor, init: init.trim().to_string(), share };
        if node.init.is_empty() {
            // As in a container without the right to make namespaces and cgroups.
            assert!(!required("lab"), "the node did not start; what it said stands above");
            crate::support::skipped(what, "the right to boot a node");
            return None;
        }
        node.wait_until("test -x /run/test/probity");
        match kind {
            Kind::Systemd => node.wait_until("systemctl is-system-running --wait"),
            Kind::Debian => {}
            Kind::Busybox => drop(node.sh("cp -r /run/test/share/libraries/. /")),
        }
        Some(node)
    }

    /// Runs a shell script on the node.
    pub fn output(&self, script: &str) -> Output {
        Command::new("nsenter")
            .args(["--target", &self.init, "--all", "--", "/bin/sh", "-euc", script])
            .env_clear()
            .env("PATH", PATH)
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", "/root")
            .stdin(Stdio::null())
            .output()
            .expect("nsenter starts")
    }

    /// Runs a shell script on the node and gives what it wrote; a failure fails the test.
    pub fn sh(&self, script: &str) -> String {
        let output = self.output(script);
        let (said, wrote) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success(), "{script}\n{}\n{said}\n{wrote}", output.status);
        wrote.trim_end().to_string()
    }

    /// What a command writes, whether it succeeds or not: some tell their answer by both.
    pub fn said(&self, script: &str) -> String {
        String::from_utf8_lossy(&self.output(script).stdout).trim_end().to_string()
    }

    /// Whether a command succeeds on the node.
    pub fn succeeds(&self, script: &str) -> bool {
        self.output(script).status.success()
    }

    /// Waits until a script succeeds on the node.
    pub fn wait_until(&self, script: &str) {
        let begin = Instant::now();
        while !self.succeeds(script) {
            assert!(begin.elapsed() < PATIENCE, "this never came true on the node: {script}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Puts a file where the node sees it, and gives its path there.
    pub fn give(&self, name: &str, content: &str) -> String {
        let path = self.share.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in the share")).expect("a folder can be made");
        std::fs::write(path, content).expect("a file can be written");
        format!("/run/test/share/{name}")
    }

    /// Runs a body of a check on the node and gives its outcome with the whole report.
    pub fn outcome(&self, body: &str) -> (String, String) {
        let path = self.give("body.lua", body);
        // In a shell's word of its own, whatever quotes the body has.
        let ran =
            self.output(&format!("body=$(cat {path}); /run/test/probity exec -e \"$body\" --reporter run-json || :"));
        let stdout = String::from_utf8_lossy(&ran.stdout);
        let report: serde_json::Value = serde_json::from_str(&stdout)
            .unwrap_or_else(|_| panic!("{body}\n{stdout}{}", String::from_utf8_lossy(&ran.stderr)));
        let outcome = find(&report, "outcome").unwrap_or_else(|| panic!("no outcome in {report:#}"));
        (outcome, faults(&report))
    }

    /// Runs a body of a check, which must pass.
    pub fn passes(&self, body: &str) {
        let (outcome, report) = self.outcome(body);
        assert_eq!(outcome, "passed", "{body}\n{report}");
    }

    /// Runs a body of a check, which must not pass but end so.
    pub fn ends(&self, outcome: &str, body: &str) -> String {
        let (found, report) = self.outcome(body);
        assert_eq!(found, outcome, "{body}\n{report}");
        report
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let id = self.supervisor.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.supervisor.wait();
    }
}

/// The steps of a report that did not pass, or all of it where there are none.
fn faults(report: &serde_json::Value) -> String {
    fn steps<'a>(value: &'a serde_json::Value, found: &mut Vec<&'a serde_json::Value>) {
        match value {
            serde_json::Value::Object(map) => {
                match map.get("outcome").and_then(|outcome| outcome.as_str()) {
                    Some("failed" | "errored") if !map.contains_key("results") => found.push(value),
                    _ => {}
                }
                map.values().for_each(|value| steps(value, found));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|value| steps(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    steps(report, &mut found);
    match found[..] {
        [] => format!("{report:#}"),
        _ => found.into_iter().map(line).collect(),
    }
}

/// What a step found, in a line.
fn line(step: &serde_json::Value) -> String {
    let part = |key: &str| step[key].as_str().unwrap_or_default();
    format!("{}: {} found {} {}\n", part("outcome"), part("sentence"), part("found"), part("message"))
}

/// Copies the shared libraries the program needs, for a root without any.
fn give_libraries(share: &Path) {
    let listed = Command::new("ldd").arg(env!("CARGO_BIN_EXE_probity")).output().expect("ldd starts");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let folder = share.join("libraries");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    for path in listed.split_whitespace().filter(|word| word.starts_with('/')) {
        let copied = Command::new("cp").args(["--parents", "-L", path]).arg(&folder).status().expect("cp starts");
        assert!(copied.success(), "{path} cannot be copied");
    }
}

/// A path in the project.
pub fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where root file systems are kept between runs; `base.sh` keeps them apart for every recipe.
pub fn cache() -> PathBuf {
    match std::env::var_os("PROBITY_TEST_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).to_path_buf(),
    }
}
