//! The pushed agent on real nodes. The program for it is the one `PROBITY_AGENT_PROGRAM` names: this
//! same source, linked statically.

use super::fleet::Fleet;
use super::node::in_project;
use crate::support::{Lacking, Ran};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The program to push, where there is one.
pub fn program(what: &str) -> Option<String> {
    let mut lacking = Lacking::default();
    lacking.has("agent", what).then(|| std::env::var("PROBITY_AGENT_PROGRAM").expect("it was looked at"))
}

/// Where root's agent is kept.
const PLACE: &str = "/root/.cache/probity";

/// Runs a check on a node through the agent, as root by sudo.
fn checked(fleet: &Fleet, node: &str, program: &str, check: &str, more: &[&str]) -> (Ran, serde_json::Value) {
    let args = ["-e", check, "--sudo", "--agent", "--agent-program", program, "--reporter", "run-json"];
    let ran = fleet.exec(node, "ops", &[&args, more].concat());
    let report: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr));
    (ran, report["nodes"][0].clone())
}

const PASSWD: &str = "describe(file \"/etc/passwd\"):exists()";

/// What the report says of how the node was looked at.
fn notes(node: &serde_json::Value) -> String {
    node["notes"].to_string()
}

#[test]
fn the_agent_is_sent_once_found_again_and_taken_away() {
    let what = "the agent on a node";
    let Some(program) = program(what) else { return };
    let Some(fleet) = Fleet::alone(&["deb12"], what) else { return };
    let sent = |node: &serde_json::Value| node["bytes_sent"].as_u64().expect("a number");
    let check = "describe(command(\"id -un\")):its(\"stdout\", eq \"root\\n\")";

    let (first, node) = checked(&fleet, "deb12", &program, check, &[]);
    assert_eq!((first.code, notes(&node)), (0, "[]".to_string()), "{}", first.stdout);
    assert!(sent(&node) > 1 << 20, "the program was sent: {}", sent(&node));
    let (second, node) = checked(&fleet, "deb12", &program, check, &[]);
    assert_eq!((second.code, notes(&node)), (0, "[]".to_string()), "{}", second.stdout);
    assert!(sent(&node) < 1 << 16, "the program was found again: {}", sent(&node));
    assert_eq!(node["user"], "root");

    let listed = fleet.sh("deb12", &format!("stat -c '%U %a' {PLACE} {PLACE}/*; ls {PLACE} | wc -l"));
    assert_eq!(listed, "root 700\nroot 700\n1", "nothing but the program, and nobody else's");
    let (last, _) = checked(&fleet, "deb12", &program, PASSWD, &["--agent-cleanup"]);
    assert_eq!(last.code, 0);
    assert!(!fleet.output("deb12", &format!("test -e {PLACE}")).status.success(), "the folder is gone");
}

#[test]
fn where_the_agent_cannot_be_used_batches_are_and_a_note_says_why() {
    let what = "nodes the agent cannot be used on";
    let Some(program) = program(what) else { return };
    let Some(fleet) = Fleet::alone(&["deb12"], what) else { return };
    let said = |script: &str, undo: &str| {
        fleet.sh("deb12", script);
        let (ran, node) = checked(&fleet, "deb12", &program, PASSWD, &[]);
        fleet.sh("deb12", undo);
        assert_eq!(ran.code, 0, "it is asked all the same: {}{}", ran.stdout, ran.stderr);
        assert!(node["rounds"].as_u64().is_some_and(|rounds| rounds > 0), "in batches: {node:#}");
        notes(&node)
    };
    let noexec = "mkdir -p /root/.cache; mount -t tmpfs -o noexec tmpfs /root/.cache; mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp";
    let note = said(noexec, "umount /root/.cache /tmp");
    assert!(note.contains("without the agent") && note.contains("noexec"), "{note}");
    let full = "mkdir -p /root/.cache; mount -t tmpfs -o size=1m,mode=700 tmpfs /root/.cache; mount -t tmpfs -o size=1m,mode=1777 tmpfs /tmp";
    let note = said(full, "umount /root/.cache /tmp");
    assert!(note.contains("KiB left"), "{note}");
    // The name of another machine is all that start.sh can go by.
    let note = said(
        "printf '#!/bin/sh\\n[ \"$*\" != -m ] || exec echo riscv64\\nexec /usr/bin/uname \"$@\"\\n' >/usr/local/bin/uname; \
         chmod 755 /usr/local/bin/uname",
        "rm /usr/local/bin/uname",
    );
    assert!(note.contains("riscv64"), "{note}");
}

#[test]
fn root_runs_no_program_that_another_user_could_have_put_there() {
    let what = "folders the agent is not started from";
    let Some(program) = program(what) else { return };
    let Some(fleet) = Fleet::alone(&["deb12"], what) else { return };
    let (_, node) = checked(&fleet, "deb12", &program, PASSWD, &[]);
    assert_eq!(notes(&node), "[]");
    let digest = fleet.sh("deb12", &format!("ls {PLACE}"));
    // Whatever is there is replaced by a program that leaves a trace.
    let trap = format!(
        "printf '#!/bin/sh\\ntouch /run/trapped\\n' >{PLACE}/{digest}; chmod 700 {PLACE}/{digest}; \
         mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp"
    );
    fleet.sh("deb12", &trap);
    for (open, close) in [
        ("chown ops /root/.cache/probity", "chown root /root/.cache/probity"),
        ("chmod 777 /root/.cache/probity", "chmod 700 /root/.cache/probity"),
        ("chmod 777 /root/.cache", "chmod 755 /root/.cache"),
        ("chown ops /root/.cache", "chown root /root/.cache"),
    ] {
        fleet.sh("deb12", open);
        let (ran, node) = checked(&fleet, "deb12", &program, PASSWD, &[]);
        fleet.sh("deb12", close);
        assert_eq!(ran.code, 0, "{open}: {}", ran.stdout);
        assert!(notes(&node).contains("without the agent"), "{open}: {}", notes(&node));
        assert!(!fleet.output("deb12", "test -e /run/trapped").status.success(), "{open}: it was started");
    }
    // A link in its place leads to where it leads, and that is looked at.
    fleet.sh("deb12", "mv /root/.cache/probity /home/ops/probity; ln -s /home/ops/probity /root/.cache/probity");
    let (_, node) = checked(&fleet, "deb12", &program, PASSWD, &[]);
    assert!(notes(&node).contains("without the agent"), "{}", notes(&node));
    assert!(!fleet.output("deb12", "test -e /run/trapped").status.success(), "through a link");
}

#[test]
fn the_agent_dies_with_the_connection_and_leaves_no_secret() {
    let what = "the end of the agent";
    let Some(program) = program(what) else { return };
    let Some(fleet) = Fleet::alone(&["deb12"], what) else { return };
    let profile = tempfile::tempdir().expect("a temporary folder");
    let control = "control \"c\" { check = function() \
                   describe(command(\"cat >/dev/null; sleep 300\", { stdin = attributes.token, timeout = \"400s\" })):its(\"exit_status\", eq(0)) end }\n";
    std::fs::create_dir(profile.path().join("controls")).expect("a folder");
    std::fs::write(profile.path().join("controls/c.lua"), control).expect("written");
    let manifest =
        "name: held\nversion: 1.0.0\nattributes:\n  token: { type: string, sensitive: true, required: true }\n";
    std::fs::write(profile.path().join("profile.yml"), manifest).expect("written");
    let secret = "hard-to-guess-7f3a9c";
    let key = fleet.key("id");
    let known_hosts = fleet.file("known_hosts");
    let target = format!("deb12={}", fleet.uri("deb12", "ops"));
    let mut controller = Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(["exec", profile.path().to_str().expect("text"), "--attr", "token=env:TOKEN", "-t", &target])
        .args(["-i", &key, "--known-hosts", &known_hosts, "-F", "none", "--sudo", "--agent"])
        .args(["--agent-program", &program, "--reporter", "json-min"])
        .env("TOKEN", secret)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let runs = |pattern: &str| fleet.output("deb12", &format!("pgrep -f '{pattern}' >/dev/null")).status.success();
    let wait = |pattern: &str, wanted: bool| {
        let began = Instant::now();
        while runs(pattern) != wanted {
            assert!(began.elapsed() < Duration::from_secs(60), "{pattern}: still {}", !wanted);
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    wait("[s]leep 300", true);
    let places = "/tmp /root /home /var /run /etc /dev/shm";
    let found = fleet.said("deb12", &format!("grep -rlsF --exclude-dir=share {secret} {places} || :"));
    assert_eq!(found, "", "the secret is on no disk");
    // In brackets, so that the search does not find itself.
    let pattern = format!("[{}]{}", &secret[..1], &secret[1..]);
    let arguments = fleet.said("deb12", &format!("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '{pattern}' || :"));
    assert_eq!(arguments, "0", "nor in any process's arguments");

    controller.kill().expect("it runs");
    controller.wait().expect("it has ended");
    wait("[s]leep 300", false);
    wait("probity/[0-9a-f]* agent", false);
}

#[test]
fn what_controls_print_and_what_breaks_comes_back() {
    let what = "what the agent relays";
    let Some(program) = program(what) else { return };
    let Some(fleet) = Fleet::up(&["deb12"], what) else { return };
    let check = "print(\"here\", node.name) describe(file \"/nowhere\"):exists() local nothing = nil; nothing()";
    let args = ["-e", check, "--sudo", "--agent", "--agent-program", &program, "-v"];
    let ran = fleet.exec("deb12", "ops", &args);
    assert_eq!(ran.code, 102, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("deb12: e: here\tdeb12"), "{}", ran.stderr);
    assert!(ran.stdout.contains("does not exist") && ran.stdout.contains("attempt to call"), "{}", ran.stdout);
    // A profile with libraries and data files goes over as it is.
    let args = ["examples/acme-server", "--attrs", "examples/acme-production.yml", "--reporter", "run-json", "--sudo"];
    let agent = ["--agent", "--agent-program", &program];
    assert!(in_project("examples/acme-server").exists());
    let outcomes = |ran: Ran| {
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
        let controls = report["nodes"][0]["profiles"][0]["controls"].as_array().cloned().unwrap_or_default();
        let outcome = |control: &serde_json::Value| format!("{} {}", control["control"], control["outcome"]);
        controls.iter().map(outcome).collect::<Vec<_>>()
    };
    let batches = outcomes(fleet.exec("deb12", "ops", &args));
    assert_eq!(outcomes(fleet.exec("deb12", "ops", &[&args[..], &agent[..]].concat())), batches);
    assert!(!batches.is_empty());
}
