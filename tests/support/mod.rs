//! What the tests of the whole program share: running it, and saying what this machine
//! lacks for a test.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a run of the program ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `probity` with an environment of its own in the project's folder.
pub fn probity(args: &[&str]) -> Ran {
    probity_in(Path::new(env!("CARGO_MANIFEST_DIR")), args)
}

/// Runs `probity` in a folder.
pub fn probity_in(folder: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// What tests wanted and this machine does not have. `PROBITY_REQUIRE` names what must be
/// there: a skip for one of these is a failure.
#[derive(Default)]
pub struct Lacking {
    skipped: BTreeSet<String>,
}

impl Lacking {
    /// Whether this machine has `need`; if not, `what` is skipped, and said so at the end.
    pub fn has(&mut self, need: &str, what: &str) -> bool {
        let there = match need {
            "root" => rustix::process::geteuid().is_root(),
            "systemd" => Path::new("/run/systemd/system").is_dir(),
            "rpm" => {
                let all = Command::new("rpm").arg("-qa").output();
                all.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
            }
            "dpkg" => Path::new("/var/lib/dpkg/status").exists(),
            "sshd" => Path::new("/usr/sbin/sshd").exists() && Path::new("/etc/ssh/sshd_config").exists(),
            "sudo" => Path::new("/etc/sudoers").exists(),
            "crontab" => Path::new("/etc/crontab").exists(),
            "cron" => Path::new("/etc/crontab").exists(),
            path if path.starts_with('/') => Path::new(path).exists(),
            command => {
                let found = Command::new("sh").args(["-c", "command -v -- \"$0\"", command]).output();
                found.is_ok_and(|output| output.status.success())
            }
        };
        if !there {
            assert!(!required(need), "{what} needs {need}, which PROBITY_REQUIRE says must be here");
            self.skipped.insert(format!("{what} (needs {need})"));
        }
        there
    }

    /// Says what was skipped.
    pub fn report(&self) {
        if !self.skipped.is_empty() {
            let list: Vec<&str> = self.skipped.iter().map(String::as_str).collect();
            eprintln!("skipped: {}", list.join(", "));
        }
    }
}

/// Whether `PROBITY_REQUIRE` names something.
pub fn required(need: &str) -> bool {
    std::env::var("PROBITY_REQUIRE").is_ok_and(|list| list.split([',', ' ']).any(|name| name == need))
}
