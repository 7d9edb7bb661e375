//! The nodes of the lab that are reached over SSH, for tests.
//!
//! `lab.sh` boots them once for all tests of one `cargo test` and takes them away with it.
//! Tests that only look share a node; one that changes it has it [alone](Fleet::alone).

#![allow(dead_code, reason = "each test binary uses a part")]

use super::node::{cache, in_project};
use crate::support::{Lacking, Ran, required, skipped};
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The password of every user of a node.
pub const PASSWORD: &str = "lab-secret";
/// The passphrase of the key `id_locked`.
pub const PASSPHRASE: &str = "lab-phrase";
/// What `lab.sh` needs besides the project.
const NEEDS: [&str; 10] =
    ["root", "cgroup2", "mmdebstrap", "unshare", "nsenter", "setpriv", "ip", "nft", "ssh-keygen", "openssl"];

/// Some nodes of the lab, held for one test.
pub struct Fleet {
    folder: PathBuf,
    nodes: BTreeMap<String, Row>,
    /// The nodes that are reset when the test ends.
    changed: Vec<String>,
    /// A lock for each node.
    held: Vec<File>,
}

struct Row {
    address: String,
    ipv6: String,
}

impl Fleet {
    /// Boots nodes for a test that only looks; `None` where this computer cannot.
    ///
    /// The word for `PROBITY_REQUIRE` is `lab`.
    pub fn up(names: &[&str], what: &str) -> Option<Fleet> {
        Fleet::hold(names, what, FlockOperation::LockShared)
    }

    /// Boots nodes that no other test looks at meanwhile, and that are as new afterwards.
    pub fn alone(names: &[&str], what: &str) -> Option<Fleet> {
        let mut fleet = Fleet::hold(names, what, FlockOperation::LockExclusive)?;
        fleet.changed = names.iter().map(ToString::to_string).collect();
        Some(fleet)
    }

    fn hold(names: &[&str], what: &str, lock: FlockOperation) -> Option<Fleet> {
        let mut lacking = Lacking::default();
        for need in NEEDS {
            if !lacking.has(need, what) {
                assert!(!required("lab"), "{what} needs {need}, and PROBITY_REQUIRE says there is a lab");
                return None;
            }
        }
        let folder = state();
        let locks = folder.join("locks");
        std::fs::create_dir_all(&locks).expect("a folder can be made");
        // In one order, so that no two tests wait for each other.
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        let held = sorted.iter().map(|name| {
            let file = File::create(locks.join(name)).expect("a file can be made");
            flock(&file, lock).expect("a file can be locked");
            file
        });
        let held = held.collect();
        // The parent is cargo, which outlives every test binary.
        let holder = std::os::unix::process::parent_id().to_string();
        let output = script(&[&["up", "--while", &holder], names].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return cannot(what, &format!("the lab, which does not come up: {said}"));
        }
        let table = std::fs::read_to_string(folder.join("nodes")).expect("lab.sh writes it");
        let mut nodes = BTreeMap::new();
        for line in table.lines() {
            if let [name, address, ipv6, _flags] = line.split(' ').collect::<Vec<_>>()[..] {
                nodes.insert(name.to_string(), Row { address: address.to_string(), ipv6: ipv6.to_string() });
            }
        }
        if let Some(absent) = names.iter().find(|name| !nodes.contains_key(**name)) {
            return cannot(what, &format!("the node {absent} of the lab: {said}"));
        }
        Some(Fleet { folder, nodes, changed: Vec::new(), held })
    }

    fn row(&self, node: &str) -> &Row {
        self.nodes.get(node).unwrap_or_else(|| panic!("the lab has no node {node}"))
    }

    /// A node's IPv4 address.
    pub fn address(&self, node: &str) -> &str {
        &self.row(node).address
    }

    /// A node's IPv6 address; the slow node has none.
    pub fn ipv6(&self, node: &str) -> &str {
        &self.row(node).ipv6
    }

    /// An address in the lab's network that nobody has.
    pub fn nobody(&self) -> String {
        let any = self.nodes.values().next().expect("a fleet has nodes");
        let (network, _) = any.address.rsplit_once('.').expect("an address has dots");
        format!("{network}.250")
    }

    /// A file of the lab's state folder: `known_hosts`, `known_hosts_ca`, `ssh_config`, `nodes.yml`.
    pub fn file(&self, name: &str) -> String {
        text(&self.folder.join(name))
    }

    /// A private key: `id`, `id_ecdsa`, `id_rsa`, `id_locked` are every user's, `stranger` nobody's.
    pub fn key(&self, name: &str) -> String {
        text(&self.folder.join("keys").join(name))
    }

    /// The public host key of a node, as `known_hosts` has it: type and key.
    pub fn host_key(&self, node: &str) -> String {
        let known = std::fs::read_to_string(self.folder.join("known_hosts")).expect("lab.sh writes it");
        let line = known.lines().find_map(|line| line.strip_prefix(self.address(node))?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{node} has no host key")).to_string()
    }

    /// The URI of a node for a user.
    pub fn uri(&self, node: &str, user: &str) -> String {
        format!("ssh://{user}@{}", self.address(node))
    }

    /// Runs `probity exec` against a node, with the key and host keys of the lab.
    pub fn exec(&self, node: &str, user: &str, args: &[&str]) -> Ran {
        let target = format!("{node}={}", self.uri(node, user));
        let (key, known_hosts) = (self.key("id"), self.file("known_hosts"));
        let way = ["-t", &target, "-i", &key, "--known-hosts", &known_hosts, "--ssh-config", "none"];
        crate::support::probity(&[&["exec"], args, &way].concat())
    }

    /// Runs a shell script on a node as root, without SSH.
    pub fn output(&self, node: &str, script_text: &str) -> Output {
        script(&["sh", node, "/bin/sh", "-euc", script_text])
    }

    /// Runs a shell script on a node and gives what it wrote; a failure fails the test.
    pub fn sh(&self, node: &str, script_text: &str) -> String {
        let output = self.output(node, script_text);
        let (said, wrote) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success(), "{node}: {script_text}\n{}\n{said}\n{wrote}", output.status);
        wrote.trim_end().to_string()
    }

    /// What a script writes, whether it succeeds or not.
    pub fn said(&self, node: &str, script_text: &str) -> String {
        String::from_utf8_lossy(&self.output(node, script_text).stdout).trim_end().to_string()
    }

    /// Runs this program on a node as root, with its own libraries, whatever the node has. Paths
    /// in `args` are the node's; see [`Fleet::give`].
    pub fn exec_there(&self, node: &str, args: &str) -> Output {
        let there = self.folder.join("share").join(node).join("program");
        if !there.exists() {
            let new = self.folder.join("share").join(node).join("program.new");
            std::fs::create_dir_all(&new).expect("a folder can be made");
            let program = Path::new(env!("CARGO_BIN_EXE_probity"));
            let listed = Command::new("ldd").arg(program).output().expect("ldd starts");
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            for file in listed.split_whitespace().filter(|word| word.starts_with('/')).map(Path::new).chain([program]) {
                let name = file.file_name().expect("it is a file");
                std::fs::copy(file, new.join(name)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                if name.to_string_lossy().starts_with("ld-linux") {
                    std::fs::copy(file, new.join("loader")).expect("it was copied before");
                }
            }
            std::fs::rename(&new, &there).expect("it lies beside it");
        }
        let run = "cd /run/test/share; exec program/loader --library-path program program/probity exec";
        self.output(node, &format!("{run} {args}"))
    }

    /// Copies a file or folder to where the node sees it, and gives its path there.
    pub fn give(&self, node: &str, from: &Path, name: &str) -> String {
        let to = self.folder.join("share").join(node).join(name);
        std::fs::create_dir_all(to.parent().expect("it lies in the share")).expect("a folder can be made");
        let copied = Command::new("cp").args(["-r", "-T"]).arg(from).arg(&to).status().expect("cp starts");
        assert!(copied.success(), "{} cannot be copied", from.display());
        format!("/run/test/share/{name}")
    }

    /// Puts a firewall before a node's SSH (`drop`, `reject`) or takes it away (`off`). Only for
    /// a node held alone.
    pub fn firewall(&self, node: &str, what: &str) {
        let output = script(&["fw", node, what]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for node in &self.changed {
            let _ = script(&["reset", node]);
        }
    }
}

/// Runs `lab.sh`.
fn script(args: &[&str]) -> Output {
    Command::new("sh")
        .arg(in_project("tests/lab/lab.sh"))
        .args(args)
        .env("PROBITY_TEST_CACHE", cache())
        .env("PROBITY_LAB", state())
        .stdin(Stdio::null())
        .output()
        .expect("sh starts")
}

/// The state folder of the lab that tests use: of this build alone, whatever cache it shares.
fn state() -> PathBuf {
    std::env::var_os("PROBITY_LAB").map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab"), PathBuf::from)
}

fn text(path: &Path) -> String {
    path.to_str().expect("the path is text").to_string()
}

/// Says that something is skipped, unless it has to be there.
fn cannot(what: &str, why: &str) -> Option<Fleet> {
    assert!(!required("lab"), "{what} needs {why}, and PROBITY_REQUIRE says it is here");
    let one_line: Vec<&str> = why.split_whitespace().collect();
    skipped(what, &one_line.join(" "));
    None
}
