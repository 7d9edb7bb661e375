//! A small Debian that does not run, looked at as `rootfs://` beside what its own tools say
//! of it and what the machine sees in the same files.

#[allow(dead_code, reason = "a root file system keeps a part of it")]
#[path = "transports/contract.rs"]
mod contract;
#[allow(dead_code, reason = "the machines are not started here")]
mod node;
mod support;

use contract::{contract_of_files, contract_unprivileged, mode};
use node::Machines;
use probity::probe::{Flags, List, Probe, Read, Stat, Users, Walk};
use probity::transport::Transport;
use probity::transport::local::Local;
use probity::transport::rootfs::RootFs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::{Lacking, probity};

/// The machine's own root taken for one of an image: its /proc and /dev are mounted there.
#[test]
fn the_contract_is_kept_as_far_as_files_go() {
    let asked = contract_of_files(&RootFs::open(Path::new("/")).unwrap());
    for kind in ["stat", "read", "list", "walk", "flags", "user", "group", "users", "groups"] {
        assert!(asked.contains(kind), "{kind}");
    }
}

#[test]
fn what_may_not_be_seen_is_not_taken_for_absent() {
    let directory = tempfile::tempdir().unwrap();
    mode(directory.path(), 0o755);
    let locked = directory.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::write(locked.join("file"), "").unwrap();
    mode(&locked, 0);
    let outcome = std::thread::scope(|scope| {
        let unprivileged = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            contract_unprivileged(&RootFs::open(Path::new("/")).unwrap(), &locked);
        });
        unprivileged.join()
    });
    mode(&locked, 0o755);
    outcome.expect("the contract is kept");
}

/// The root file system of test nodes, as long as it can be made here.
fn debian(what: &str) -> Option<PathBuf> {
    let mut lacking = Lacking::default();
    let script = node::in_project("tests/baseline/harden.sh");
    Machines::changed_by(&script, &mut lacking, what).map(|machines| machines.root().to_path_buf())
}

#[test]
fn the_baseline_runs_to_its_end_on_a_root_file_system() {
    let Some(root) = debian("running the baseline on a root file system") else { return };
    let target = format!("image=rootfs://{}", root.display());
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let reporter = format!("run-json:{}", report.display());
    let ran = probity(&["exec", "profiles/linux-baseline", "-t", &target, "--reporter", &reporter]);
    assert!([100, 102].contains(&ran.code), "{}{}", ran.stdout, ran.stderr);
    let text = std::fs::read_to_string(&report).unwrap();
    let with = |outcome: &str| {
        text.split_whitespace().collect::<String>().matches(&format!("\"outcome\":\"{outcome}\"")).count()
    };
    assert!(with("passed") > 40 && with("errored") > 10, "{} passed, {} errored", with("passed"), with("errored"));
    // What cannot be told is said so, and is no failure.
    assert!(text.contains("does not run"), "{text}");
    assert!(!text.contains("No such file or directory"), "no command was tried");
}

/// The states `systemctl is-enabled` gives for units of a root file system.
fn systemctl(root: &Path, units: &[String]) -> Vec<(String, String)> {
    let state = |unit: &String| {
        let output = Command::new("systemctl")
            .arg(format!("--root={}", root.display()))
            .args(["is-enabled", "--", unit])
            .env("LC_ALL", "C")
            .output()
            .expect("systemctl starts");
        (unit.clone(), String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    units.iter().map(state).collect()
}

#[test]
fn units_have_the_states_systemctl_gives_them() {
    let Some(root) = debian("comparing unit files with systemctl") else { return };
    if Command::new("systemctl").arg("--version").output().is_err() {
        return support::skipped("comparing unit files with systemctl", "systemctl, which is not installed");
    }
    let mut units = Vec::new();
    for folder in ["etc/systemd/system", "usr/lib/systemd/system"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            let kinds = [".service", ".socket", ".timer", ".target", ".mount", ".path"];
            if kinds.iter().any(|kind| name.ends_with(kind)) && !name.contains("@.") {
                units.push(name);
            }
        }
    }
    units.extend(["getty@tty1.service", "getty@tty9.service", "no-such.service"].map(str::to_string));
    units.sort();
    units.dedup();
    assert!(units.len() > 100, "{}", units.len());
    let mut code = String::new();
    for (unit, state) in systemctl(&root, &units) {
        if state.is_empty() || state == "not-found" {
            code.push_str(&format!("describe(service '{unit}'):is_not('installed')\n"));
        } else {
            code.push_str(&format!("describe(service '{unit}'):its('startmode', eq '{state}')\n"));
        }
    }
    code.push_str("describe(service 'cron'):is('enabled')\n");
    let ran = probity(&["exec", "-e", &code, "-t", &format!("rootfs://{}", root.display())]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let running = probity(&[
        "exec",
        "-e",
        "describe(service 'cron'):is('running')",
        "-t",
        &format!("rootfs://{}", root.display()),
    ]);
    assert_eq!(running.code, 102, "{}", running.stdout);
}

#[test]
fn files_are_what_the_machine_sees_in_the_same_place() {
    let Some(root) = debian("comparing files of a root file system") else { return };
    let (inside, local) = (RootFs::open(&root).unwrap(), Local::new());
    let ask = |transport: &dyn Transport, probe: Probe| transport.batch(&[probe]).remove(0);
    let outside = |path: &str| -> Arc<str> { format!("{}{path}", root.display()).into() };
    for path in ["/etc/passwd", "/etc", "/usr/bin/sudo", "/etc/no-such-file", "/etc/passwd/below", "/var/log/wtmp"] {
        let (here, there): (Arc<str>, Arc<str>) = (path.into(), outside(path));
        let stats = [Stat { path: here.clone() }, Stat { path: there.clone() }];
        let [own, other] = stats;
        assert_eq!(ask(&inside, own.into()), ask(&local, other.into()), "{path}");
        assert_eq!(
            ask(&inside, List { path: here.clone() }.into()),
            ask(&local, List { path: there.clone() }.into()),
            "{path}"
        );
        assert_eq!(
            ask(&inside, Flags { path: here.clone() }.into()),
            ask(&local, Flags { path: there.clone() }.into())
        );
        let (own, other) = (ask(&inside, Read { path: here }.into()), ask(&local, Read { path: there }.into()));
        assert_eq!(own.is_ok(), other.is_ok(), "{path}");
        if own.is_ok() {
            assert_eq!(own, other, "{path}");
        }
    }
    let walk = |path: Arc<str>| Walk { path, any_bits: 0o6000, timeout_ms: 60_000, ..Walk::default() };
    let found = |transport: &dyn Transport, probe: Walk| match ask(transport, probe.into()) {
        Ok(probity::probe::Observation::Walk(found)) => found,
        other => panic!("{other:?}"),
    };
    let own = found(&inside, walk("/usr".into()));
    let other = found(&local, walk(outside("/usr")));
    assert!(own.len() > 3);
    for (own, other) in own.iter().zip(&*other) {
        assert_eq!((outside(&own.path), &own.inode), (other.path.clone(), &other.inode));
    }
    assert_eq!(own.len(), other.len());
    assert!(ask(&inside, Users.into()).is_ok());
}
