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
            "cgroup2" => {
                let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
                mounts.lines().any(|line| line.split(' ').nth(2) == Some("cgroup2"))
            }
            "dpkg" => Path::new("/var/lib/dpkg/status").exists(),
            "sshd" => Path::new("/usr/sbin/sshd").exists() && Path::new("/etc/ssh/sshd_config").exists(),
            "ssh" => Path::new("/etc/ssh/ssh_config").exists(),
            "http" => web_server(),
            "sudo" => Path::new("/etc/sudoers").exists(),
            "agent" => std::env::var_os("PROBITY_AGENT_PROGRAM").is_some_and(|path| Path::new(&path).exists()),
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
            skipped(what, need);
        }
        there
    }
}

/// A web server on 127.0.0.1:8080 with one page of HTML, for as long as the test runs; false
/// when something else has the port.
fn web_server() -> bool {
    use std::io::{Read, Write};
    use std::sync::OnceLock;
    static SERVES: OnceLock<bool> = OnceLock::new();
    *SERVES.get_or_init(|| {
        let Ok(listener) = std::net::TcpListener::bind("127.0.0.1:8080") else { return false };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                let mut request = [0u8; 2048];
                let _ = stream.read(&mut request);
                let page =
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
                let _ = stream.write_all(page.as_bytes());
            }
        });
        true
    })
}

/// Says that something was skipped because `need` is not here. `tests/zz_skipped.rs`, which
/// cargo runs last, lists it again at the end of the whole run.
pub fn skipped(what: &str, need: &str) {
    let line = format!("{what} (needs {need})");
    eprintln!("skipped: {line}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(skips_of_this_run());
    // A list that cannot be written is shorter; the tests themselves are not at fault.
    let _ = std::fs::create_dir_all(&folder);
    let name: String = line.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(200).collect();
    let _ = std::fs::write(folder.join(name), line);
}

/// The folder of the list: every test binary of one `cargo test` has cargo for its parent.
pub fn skips_of_this_run() -> String {
    format!("skipped-{}", std::os::unix::process::parent_id())
}

/// Whether `PROBITY_REQUIRE` names something.
pub fn required(need: &str) -> bool {
    std::env::var("PROBITY_REQUIRE").is_ok_and(|list| list.split([',', ' ']).any(|name| name == need))
}

/// The first value of a key in a report, depth first.
pub fn find(value: &serde_json::Value, key: &str) -> Option<String> {
    match value {
        serde_json::Value::Object(map) => map
            .get(key)
            .and_then(|value| value.as_str())
            .map(str::to_string)
            .or_else(|| map.values().find_map(|value| find(value, key))),
        serde_json::Value::Array(items) => items.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}
