//! Machines for tests: a small Debian in namespaces of its own, thrown away after use.
//!
//! `base.sh` makes the root file system once and keeps it in `$PROBITY_TEST_CACHE` (the
//! target directory by default), `enter.sh` makes a machine over it, `boot.sh` gives it
//! the kernel parameters and mounts its configuration asks for.

use crate::support::{Lacking, required, skipped};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const NAMESPACES: [&str; 8] = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child"];

/// A kind of machine, of which any number can be run.
pub struct Machines {
    root: PathBuf,
    /// The files every machine sees in `/run/test/share`.
    share: TempDir,
}

impl Machines {
    /// Machines that `script` was run on; `None` where this computer cannot make any.
    ///
    /// The word for `PROBITY_REQUIRE` is `node`.
    pub fn changed_by(script: &Path, lacking: &mut Lacking, what: &str) -> Option<Machines> {
        for need in ["root", "mmdebstrap", "unshare"] {
            if !lacking.has(need, what) {
                assert!(!required("node"), "{what} needs {need}, and PROBITY_REQUIRE says nodes can be made");
                return None;
            }
        }
        let folder = cache();
        let made = Command::new("sh").arg(in_project("tests/node/base.sh")).arg(&folder).arg(script).output();
        let made = made.expect("sh starts");
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return cannot(what, &format!("the root file system of test nodes, which cannot be made: {said}"));
        }
        let share = tempfile::tempdir().expect("a temporary directory");
        let machines = Machines { root: folder.join("changed"), share };
        machines.give(&in_project("tests/node/boot.sh"), "boot.sh");
        machines.give(&in_project("tests/node/kernel-parameters"), "kernel-parameters");
        // A container may have root and yet neither namespaces nor mounts.
        match machines.run("true") {
            Ok(_) => Some(machines),
            Err(said) => cannot(what, &format!("a test node, which cannot be started here: {said}")),
        }
    }

    /// The root file system the machines lie over.
    #[allow(dead_code, reason = "for tests of root file systems")]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Gives every machine a file or folder.
    pub fn give(&self, from: &Path, name: &str) {
        let to = self.share.path().join(name);
        let copied = Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp starts");
        assert!(copied.success(), "{} cannot be copied", from.display());
    }

    /// Makes a machine, boots it, runs a bash script on it and gives what that wrote.
    ///
    /// # Errors
    /// A script that fails, with all it said.
    pub fn run(&self, script: &str) -> Result<String, String> {
        let output = Command::new("unshare")
            .args(NAMESPACES)
            .arg("sh")
            .arg(in_project("tests/node/enter.sh"))
            .arg(&self.root)
            .arg(env!("CARGO_BIN_EXE_probity"))
            .arg(self.share.path())
            .args(["bash", "-euc", &format!("sh /run/test/share/boot.sh\n{script}")])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("unshare does not start: {error}"))?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(stdout);
        }
        Err(format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stderr), tail(&stdout)))
    }
}

/// Says that something is skipped, unless it has to be there.
fn cannot(what: &str, why: &str) -> Option<Machines> {
    assert!(!required("node"), "{what} needs {why}, and PROBITY_REQUIRE says it is here");
    let one_line: Vec<&str> = why.split_whitespace().collect();
    skipped(what, &one_line.join(" "));
    None
}

fn tail(text: &str) -> &str {
    let from = text.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
    &text[from..]
}

/// A path in the project.
pub fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where root file systems are kept between runs, apart for every recipe.
fn cache() -> PathBuf {
    let parent = match std::env::var_os("PROBITY_TEST_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).to_path_buf(),
    };
    let recipe = std::fs::read(in_project("tests/node/base.sh")).expect("the recipe is there");
    // FNV-1a: a name for the recipe, no more.
    let digest = recipe
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    parent.join(format!("node-{digest:016x}"))
}
