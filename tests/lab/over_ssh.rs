//! Bad luck on the way to a node, against real nodes: one clear line for the one that has it,
//! and the other of the same run unharmed.

use super::fleet::{Fleet, PASSPHRASE, PASSWORD};
use crate::support::probity;
use serde_json::Value;
use std::io::Write;
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// A check that needs no privilege.
const OPEN: &str = r#"describe(file "/etc/passwd"):exists()"#;
/// A check that only root can make.
const CLOSED: &str = r#"describe(file "/etc/shadow"):its("content", contains "root:")"#;

/// The report of a run of one check over some nodes.
struct Seen {
    code: i32,
    report: Value,
    stderr: String,
}

impl Seen {
    fn node(&self, name: &str) -> &Value {
        let nodes = self.report["nodes"].as_array().expect("a report has nodes");
        let found = nodes.iter().find(|node| node["node"] == name);
        found.unwrap_or_else(|| panic!("{name} has no row in {:#}", self.report))
    }

    /// The one outcome of a node's one control.
    fn outcome(&self, name: &str) -> &str {
        self.node(name)["profiles"][0]["controls"][0]["outcome"].as_str().unwrap_or("none")
    }

    /// Why a node could not be reached: one line, and no secret.
    fn error(&self, name: &str) -> &str {
        let error =
            self.node(name)["error"].as_str().unwrap_or_else(|| panic!("{name} was reached: {:#}", self.node(name)));
        assert!(!error.contains('\n') && !error.ends_with('.'), "{error}");
        for secret in [PASSWORD, PASSPHRASE] {
            assert!(!self.report.to_string().contains(secret) && !self.stderr.contains(secret), "a secret is told");
        }
        error
    }
}

fn exec(args: &[&str], check: &str) -> Seen {
    let ran = probity(&[&["exec", "-e", check, "--reporter", "run-json"], args].concat());
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{args:?}\n{}{}", ran.stdout, ran.stderr));
    Seen { code: ran.code, report, stderr: ran.stderr }
}

/// How every node of the lab is reached, but for what a test gets wrong.
fn way(fleet: &Fleet) -> Vec<String> {
    let way = ["-i", &fleet.key("id"), "--known-hosts", &fleet.file("known_hosts"), "--ssh-config", "none"];
    way.map(str::to_string).to_vec()
}

/// Runs a check on a node that has bad luck and on one that has none, told apart by their names.
fn beside(fleet: &Fleet, bad: &str, good: &str, more: &[&str], check: &str) -> Seen {
    let (bad, good) = (format!("bad={bad}"), format!("good={}", fleet.uri(good, "ops")));
    let way = way(fleet);
    let way: Vec<&str> = way.iter().map(String::as_str).collect();
    let seen = exec(&[&["-t", &bad, "-t", &good], more, &way[..]].concat(), check);
    assert_eq!(seen.outcome("good"), "passed", "{:#}\n{}", seen.report, seen.stderr);
    seen
}

fn file_with(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("the path is text")
}

/// Asserts that a node could not be reached, and that what is told names every part.
fn out_of_reach(seen: &Seen, parts: &[&str]) {
    let error = seen.error("bad");
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
    assert_eq!(seen.code, 102, "{error}");
    assert!(["errored", "none"].contains(&seen.outcome("bad")), "{:#}", seen.report);
}

#[test]
fn what_keeps_a_node_out_of_reach_is_told_apart() {
    let Some(fleet) = Fleet::up(&["deb12", "bbox", "wall"], "nodes out of reach") else { return };
    let quick = ["--connect-timeout", "2s", "--retries", "0"];
    for (uri, parts) in [
        ("ssh://ops@no-such-host.invalid".to_string(), &["unknown host", "no-such-host.invalid"][..]),
        (format!("{}:23", fleet.uri("deb12", "ops")), &["refused", "port 23"][..]),
        (fleet.uri("wall", "ops"), &["no answer", "in time"][..]),
    ] {
        let begin = Instant::now();
        out_of_reach(&beside(&fleet, &uri, "bbox", &quick, OPEN), parts);
        assert!(begin.elapsed() < Duration::from_secs(20), "{uri}: {:?}", begin.elapsed());
    }
    // The kernel itself needs three seconds to find that out.
    let nobody = format!("ssh://ops@{}", fleet.nobody());
    out_of_reach(
        &beside(&fleet, &nobody, "bbox", &["--connect-timeout", "10s", "--retries", "0"], OPEN),
        &["no route"],
    );
}

#[test]
fn host_keys_that_cannot_be_trusted_are_told_apart() {
    let Some(fleet) = Fleet::up(&["deb12", "deb13", "bbox"], "host keys that cannot be trusted") else { return };
    let (address, key) = (fleet.address("deb12").to_string(), fleet.host_key("deb12"));
    let known = |text: String| file_with(&text);
    let changed = known(format!("{address} {}\n", fleet.host_key("deb13")));
    let unknown = known(format!("{} {}\n", fleet.address("bbox"), fleet.host_key("bbox")));
    let revoked = known(format!("{address} {key}\n@revoked * {key}\n"));
    for (file, parts) in
        [(&changed, &["host key", "changed"][..]), (&unknown, &["host key", "not known"]), (&revoked, &["REVOKED"])]
    {
        let target = format!("bad={}", fleet.uri("deb12", "ops"));
        let args = ["-t", &target, "-i", &fleet.key("id"), "--known-hosts", path(file), "--ssh-config", "none"];
        let seen = exec(&args, OPEN);
        let error = seen.error("bad").to_lowercase();
        for part in parts {
            assert!(error.contains(&part.to_lowercase()), "{part:?} is not in: {error}");
        }
        assert_eq!(seen.code, 102);
        // Whoever does not check is let through, but for a key that was revoked.
        let seen = exec(&[&args[..], &["--host-key-check", "off"]].concat(), OPEN);
        if !std::ptr::eq(file, &raw const revoked) {
            assert_eq!(seen.outcome("bad"), "passed", "{:#}", seen.report);
        }
    }
    // An unknown one is written down once, and a changed one is refused even so.
    let args = |file: &NamedTempFile| {
        let target = format!("bad={}", fleet.uri("deb12", "ops"));
        [
            "-t",
            &target,
            "-i",
            &fleet.key("id"),
            "--known-hosts",
            path(file),
            "--ssh-config",
            "none",
            "--host-key-check",
            "accept-new",
        ]
        .map(str::to_string)
    };
    let accept = |file: &NamedTempFile| exec(&args(file).each_ref().map(String::as_str), OPEN);
    assert_eq!(accept(&unknown).outcome("bad"), "passed");
    let written = std::fs::read_to_string(unknown.path()).expect("it is there");
    assert!(written.contains(&key), "{written}");
    assert_eq!(accept(&unknown).outcome("bad"), "passed");
    assert_eq!(std::fs::read_to_string(unknown.path()).expect("it is there"), written);
    assert!(accept(&changed).error("bad").to_lowercase().contains("changed"));
    // A certificate of a known authority is as good as a known key, and only for its own node.
    let authority = fleet.file("known_hosts_ca");
    for (node, outcome) in [("deb13", "passed"), ("deb12", "errored")] {
        let target = format!("bad={}", fleet.uri(node, "ops"));
        let seen =
            exec(&["-t", &target, "-i", &fleet.key("id"), "--known-hosts", &authority, "--ssh-config", "none"], OPEN);
        assert_eq!(seen.code == 0, outcome == "passed", "{node}: {:#}", seen.report);
    }
}

#[test]
fn keys_and_passwords_let_in_or_say_what_was_tried() {
    let Some(fleet) = Fleet::up(&["deb11", "deb12", "deb13", "bbox"], "keys and passwords") else { return };
    let known = fleet.file("known_hosts");
    let with = |node: &str, more: &[&str]| {
        let target = format!("bad={}", fleet.uri(node, "plain"));
        exec(&[&["-t", &target, "--known-hosts", &known, "--ssh-config", "none"], more].concat(), OPEN)
    };
    let (password, wrong) = (file_with(PASSWORD), file_with("not-it"));
    let (phrase, stranger) = (file_with(PASSPHRASE), fleet.key("stranger"));
    for node in ["deb11", "deb12", "deb13", "bbox"] {
        for key in ["id", "id_ecdsa", "id_rsa"] {
            let seen = with(node, &["-i", &fleet.key(key)]);
            assert_eq!(seen.outcome("bad"), "passed", "{node} {key}: {:#}", seen.report);
        }
        // The right one is found behind a wrong one, and a password behind both.
        assert_eq!(with(node, &["-i", &stranger, "-i", &fleet.key("id")]).outcome("bad"), "passed", "{node}");
        let late = with(node, &["-i", &stranger, "--ssh-password-file", path(&password)]);
        assert_eq!(late.outcome("bad"), "passed", "{node}: {:#}", late.report);
        let seen = with(node, &["-i", &stranger]);
        out_of_reach(&seen, &["plain", "stranger", "publickey"]);
        out_of_reach(&with(node, &["-i", &stranger, "--ssh-password-file", path(&wrong)]), &["password"]);
    }
    let locked = fleet.key("id_locked");
    assert_eq!(with("deb12", &["-i", &locked, "--passphrase-file", path(&phrase)]).outcome("bad"), "passed");
    out_of_reach(&with("deb12", &["-i", &locked]), &["id_locked", "passphrase"]);
    out_of_reach(&with("deb12", &["-i", &locked, "--passphrase-file", path(&wrong)]), &["id_locked", "passphrase"]);
}

#[test]
fn a_shell_that_is_none_is_told_and_one_that_talks_is_not_minded() {
    let Some(fleet) = Fleet::up(&["deb12", "bbox"], "odd shells") else { return };
    out_of_reach(&beside(&fleet, &fleet.uri("deb12", "barred"), "bbox", &[], OPEN), &["shell", "not available"]);
    let seen = beside(&fleet, &fleet.uri("deb12", "noisy"), "bbox", &[], OPEN);
    assert_eq!(seen.outcome("bad"), "passed", "{:#}", seen.report);
    let target = format!("noisy={}", fleet.uri("deb12", "noisy"));
    let way = way(&fleet);
    let way: Vec<&str> = way.iter().map(String::as_str).collect();
    let seen = exec(&[&["-t", &target, "--sudo"], &way[..]].concat(), CLOSED);
    assert_eq!(seen.outcome("noisy"), "passed", "{:#}", seen.report);
}

/// What a user's tries left in the log of sudo, one line each.
fn tries(fleet: &Fleet, node: &str, user: &str) -> Vec<String> {
    fleet.sh(node, "journalctl --sync || :");
    let log = fleet.sh(node, "journalctl -q --no-pager -o cat _COMM=sudo");
    let of = format!("user={user}");
    let by = format!("{user} : ");
    log.lines()
        .filter(|line| {
            (line.contains("authentication failure") && line.ends_with(&of)) || line.trim_start().starts_with(&by)
        })
        .map(str::to_string)
        .collect()
}

#[test]
fn what_sudo_refuses_is_told_apart_after_one_try() {
    for node in ["deb11", "deb12", "deb13"] {
        let Some(fleet) = Fleet::alone(&[node], "sudo that refuses") else { return };
        let (password, wrong) = (file_with(PASSWORD), file_with("not-it"));
        let target = |user: &str| format!("bad={}", fleet.uri(node, user));
        let with = |user: &str, more: &[&str]| {
            let (target, way) = (target(user), way(&fleet));
            let way: Vec<&str> = way.iter().map(String::as_str).collect();
            exec(&[&["-t", &target, "--sudo", "--retries", "3"], more, &way[..]].concat(), CLOSED)
        };
        let right = ["--sudo-password-file", path(&password)];
        let passes = |seen: &Seen| assert_eq!(seen.outcome("bad"), "passed", "{node}: {:#}", seen.report);

        out_of_reach(&with("audit", &[]), &["become root", "sudo asks for a password"]);
        out_of_reach(&with("audit", &["--sudo-password-file", path(&wrong)]), &["sudo", "password", "once"]);
        let log = tries(&fleet, node, "audit");
        let failures = log.iter().filter(|line| line.contains("authentication failure")).count();
        assert_eq!(failures, 1, "{node}: one wrong password is one try: {log:#?}");
        assert!(log.iter().any(|line| line.contains("1 incorrect password attempt")), "{node}: {log:#?}");

        passes(&with("audit", &right));
        // NOPASSWD with a password given: it goes nowhere, and nobody asked for it.
        passes(&with("ops", &right));
        passes(&with("ops", &["--sudo-password-file", path(&wrong)]));
        assert_eq!(
            fleet.sh(node, "journalctl -q --no-pager -o cat _COMM=sudo | grep -c 'failure.*user=ops' || :"),
            "0"
        );
        // A timestamp that is still good: sudo does not ask.
        fleet.sh(
            node,
            "echo 'Defaults:audit timestamp_type=global' >/etc/sudoers.d/zz-lab; chmod 440 /etc/sudoers.d/zz-lab",
        );
        fleet.sh(node, &format!("su -s /bin/sh -c 'echo {PASSWORD} | sudo -S -p \"\" -v' audit"));
        passes(&with("audit", &["--sudo-password-file", path(&wrong)]));
        fleet.sh(node, "rm -rf /run/sudo/ts /var/lib/sudo/ts /etc/sudoers.d/zz-lab");

        out_of_reach(&with("plain", &right), &["may not use sudo", "sudoers"]);
        out_of_reach(&with("ttyonly", &[]), &["sudo wants a terminal", "requiretty"]);
        let other = with("ops", &["--sudo-user", "no-such-user"]);
        out_of_reach(&other, &["no-such-user"]);
    }
}

#[test]
fn doas_and_su_are_as_good_as_sudo() {
    let Some(fleet) = Fleet::up(&["deb12", "deb13"], "doas and su") else { return };
    let password = file_with(PASSWORD);
    fleet.sh("deb12", "grep -q '^root:\\*' /etc/shadow");
    for node in ["deb12", "deb13"] {
        let with = |user: &str, more: &[&str]| {
            let (target, way) = (format!("bad={}", fleet.uri(node, user)), way(&fleet));
            let way: Vec<&str> = way.iter().map(String::as_str).collect();
            exec(&[&["-t", &target], more, &way[..]].concat(), CLOSED)
        };
        let seen = with("doer", &["--doas"]);
        assert_eq!(seen.outcome("bad"), "passed", "{node}: {:#}", seen.report);
        out_of_reach(&with("plain", &["--doas"]), &["doas"]);
        // To become oneself or another user needs that one's password; root has none here.
        let to_audit = ["--su", "--sudo-user", "audit", "--sudo-password-file", path(&password)];
        let (target, way) = (format!("bad={}", fleet.uri(node, "plain")), way(&fleet));
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        let who = r#"describe(command("id -un").stdout, "user"):it(eq "audit\n")"#;
        let seen = exec(&[&["-t", &target], &to_audit[..], &way[..]].concat(), who);
        assert_eq!(seen.outcome("bad"), "passed", "{node}: {:#}", seen.report);
        out_of_reach(&with("plain", &["--su", "--sudo-password-file", path(&password)]), &["su", "password"]);
    }
}

#[test]
fn bbox_says_that_it_has_no_sudo() {
    let Some(fleet) = Fleet::up(&["bbox"], "a node without sudo") else { return };
    let (target, way) = (format!("bad={}", fleet.uri("bbox", "ops")), way(&fleet));
    let way: Vec<&str> = way.iter().map(String::as_str).collect();
    let seen = exec(&[&["-t", &target, "--sudo"], &way[..]].concat(), OPEN);
    out_of_reach(&seen, &["sudo is not there"]);
}

#[test]
fn jumps_lead_behind_a_firewall() {
    let Some(fleet) = Fleet::up(&["deb12", "bbox", "wall"], "jump hosts") else { return };
    let (target, way) = (format!("bad={}", fleet.uri("wall", "ops")), way(&fleet));
    let way: Vec<&str> = way.iter().map(String::as_str).collect();
    let (first, second) = (format!("ops@{}", fleet.address("deb12")), format!("ops@{}", fleet.address("bbox")));
    let row = format!("{first},{second}");
    for jump in [&first, &second, &row] {
        let host = r#"describe(command("hostname").stdout, "host"):it(eq "wall\n")"#;
        let seen = exec(&[&["-t", &target, "-J", jump], &way[..]].concat(), host);
        assert_eq!(seen.outcome("bad"), "passed", "{jump}: {:#}", seen.report);
    }
    let closed = format!("{first}:23");
    let seen = exec(&[&["-t", &target, "-J", &closed, "--retries", "0"], &way[..]].concat(), OPEN);
    out_of_reach(&seen, &["refused", "port 23"]);
}

/// Kills connections of a user on a node as soon as they are there; gives how many it were.
fn cut(fleet: &Fleet, node: &str, user: &str, cuts: usize) -> usize {
    // The process of sshd that runs as the user; without it the connection is gone.
    let script = format!(
        "cut=0; i=0; while [ $cut -lt {cuts} ] && [ $i -lt 500 ]; do
           i=$((i + 1)); if pkill -KILL -u {user} sshd; then cut=$((cut + 1)); fi; sleep 0.01
         done; echo $cut"
    );
    fleet.sh(node, &script).parse().expect("a number")
}

#[test]
fn a_connection_that_drops_is_made_anew_once() {
    let Some(fleet) = Fleet::alone(&["deb12"], "connections that drop") else { return };
    let target = format!("bad={}", fleet.uri("deb12", "plain"));
    let way = way(&fleet);
    let way: Vec<&str> = way.iter().map(String::as_str).collect();
    std::thread::scope(|scope| {
        let cutter = scope.spawn(|| cut(&fleet, "deb12", "plain", 1));
        let seen = exec(&[&["-t", &target], &way[..]].concat(), OPEN);
        assert_eq!(cutter.join().expect("it ends"), 1, "the connection was not cut in time");
        assert_eq!(seen.outcome("bad"), "passed", "{:#}", seen.report);
    });
    // Whoever drops every time is told so, in the end.
    std::thread::scope(|scope| {
        let cutter = scope.spawn(|| cut(&fleet, "deb12", "plain", 4));
        let begin = Instant::now();
        let seen = exec(
            &[&["-t", &target], &way[..]].concat(),
            r#"describe(command "sleep 5; echo done"):its("stdout", eq "done\n")"#,
        );
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
        assert_eq!((seen.outcome("bad"), seen.code), ("errored", 102), "{:#}", seen.report);
        assert!(cutter.join().expect("it ends") >= 1);
    });
    // A command may have been run, and is not run again.
    fleet.sh("deb12", "rm -f /tmp/ran");
    std::thread::scope(|scope| {
        let cutter = scope.spawn(|| {
            while fleet.said("deb12", "cat /tmp/ran 2>/dev/null").is_empty() {
                std::thread::sleep(Duration::from_millis(20));
            }
            cut(&fleet, "deb12", "plain", 1)
        });
        let script = r#"describe(command "echo ran >>/tmp/ran; sleep 5"):its("exit_status", eq(0))"#;
        let seen = exec(&[&["-t", &target], &way[..]].concat(), script);
        assert_eq!(cutter.join().expect("it ends"), 1);
        assert_eq!((seen.outcome("bad"), seen.code), ("errored", 102), "{:#}", seen.report);
        assert_eq!(fleet.sh("deb12", "cat /tmp/ran"), "ran");
    });
}

#[test]
fn every_node_of_the_inventory_has_its_row() {
    let all = ["bbox", "deb11", "deb12", "deb13", "rpm", "slow", "wall"];
    let Some(fleet) = Fleet::up(&all, "the lab as an inventory") else { return };
    let inventory = fleet.file("nodes.yml");
    let seen = exec(&["--inventory", &inventory, "--connect-timeout", "5s", "--retries", "0"], CLOSED);
    let names: Vec<&str> =
        seen.report["nodes"].as_array().expect("rows").iter().filter_map(|node| node["node"].as_str()).collect();
    assert_eq!(names, ["deb12", "deb11", "deb13", "rpm", "bbox", "slow", "wall"], "in the order of the file");
    for name in names {
        let expected = if name == "wall" { "errored" } else { "passed" };
        assert!(seen.outcome(name) == expected || name == "wall", "{name}: {:#}", seen.node(name));
    }
    assert!(seen.error("wall").contains("no answer"), "{}", seen.error("wall"));
    assert_eq!(seen.code, 102);
}
