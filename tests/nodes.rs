//! Nodes named on the command line and in inventories, up to the first look at them.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use support::{Lacking, Ran, probity_in};

const INVENTORY: &str = "nodes:
  a: { target: 'local://', groups: [web] }
  b: { target: 'local://', attributes: { tries: 9 } }
groups:
  web: { attributes: { tries: 7 } }
";

fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn ran(folder: &tempfile::TempDir, args: &[&str]) -> Ran {
    probity_in(folder.path(), args)
}

#[test]
fn detect_looks_at_every_node_and_tells_which_it_cannot() {
    let folder = site(&[("nodes.yml", INVENTORY)]);
    let both = ran(&folder, &["detect", "--inventory", "nodes.yml", "-t", "c=local://"]);
    assert_eq!(both.code, 0, "{}", both.stderr);
    let order: Vec<&str> = both.stdout.lines().filter(|line| line.ends_with("(local://)")).collect();
    assert_eq!(order, ["c (local://)", "a (local://)", "b (local://)"]);
    assert_eq!(both.stdout.matches("  kernel:   ").count(), 3, "{}", both.stdout);

    let dead = ran(&folder, &["detect", "-t", "a=local://", "-t", "docker://no-such-container", "--format", "json"]);
    assert_eq!(dead.code, 102, "{}", dead.stderr);
    assert!(dead.stderr.contains("no-such-container"), "{}", dead.stderr);
    let json: serde_json::Value = serde_json::from_str(&dead.stdout).unwrap();
    assert_eq!(json["format"], "probity/platforms");
    assert!(json["nodes"][0]["platform"]["kernel"].is_string(), "{json:#}");
    assert!(json["nodes"][1]["error"].is_string() && json["nodes"][1]["node"] == "no-such-container", "{json:#}");
    // This machine alone is what it was.
    let here: serde_json::Value = serde_json::from_str(&ran(&folder, &["detect", "--format", "json"]).stdout).unwrap();
    assert_eq!((&here["format"], here["name"].is_string()), (&"probity/platform".into(), true));
}

#[test]
fn slips_are_usage_errors_before_any_node_is_touched() {
    let folder = site(&[("nodes.yml", INVENTORY), ("bad.yml", "nodes:\n  a: { grups: [] }\n"), ("key", "")]);
    for (args, words) in [
        (&["-t", "web1"][..], &["write ssh://web1"][..]),
        (&["-t", "a=local://", "--inventory", "nodes.yml"], &["two nodes are called a", "nodes.yml:2:3"]),
        (&["--inventory", "bad.yml"], &["bad.yml:2:8", "did you mean groups?", "2 |   a: { grups"]),
        (&["--inventory", "none.yml"], &["none.yml: the inventory cannot be read"]),
        (&["--inventory", "nodes.yml", "--nodes", "wbe"], &["did you mean web?"]),
        (&["--sudo", "--su"], &["cannot be used with"]),
        (&["--sudo-password-file", "key", "--sudo"], &["--sudo-password-file: key is empty"]),
        (&["--sudo", "--sudo-password-prompt"], &["--sudo-password-prompt: nothing was typed", "--sudo-password-env"]),
        (&["-i", "none"], &["--identity none: cannot be read"]),
        (&["--host-key-check", "no"], &["accept-new"]),
        (&["--connect-timeout", "5 parsecs"], &["such as 500ms, 10s"]),
        (&["-t", "ssh://ops:hunter2@h"], &["holds a password", "--ssh-password-env"]),
    ] {
        let args = [&["detect"], args].concat();
        // Without a terminal, wherever the tests are run.
        let mut command = Command::new("setsid");
        command.arg("-w").arg(env!("CARGO_BIN_EXE_probity")).args(&args).current_dir(folder.path()).env_clear();
        let output =
            command.env("LC_ALL", "C.UTF-8").env("HOME", "/nonexistent").stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{args:?}\n{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "{args:?} should say {word:?}\n{stderr}");
        }
    }
}

#[test]
fn explain_shows_the_values_of_nodes_with_their_places() {
    let manifest = "name: p\nversion: 1.0.0\nattributes:\n  tries: {type: integer, default: 4}\n  token: {type: string, sensitive: true}\n";
    let folder = site(&[("nodes.yml", INVENTORY), ("p/profile.yml", manifest), ("p/controls/c.lua", "")]);
    let explain =
        |more: &[&str]| ran(&folder, &[&["attributes", "explain", "p", "--inventory", "nodes.yml"], more].concat());
    let all = explain(&[]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    for words in ["on a\np\n  tries = 7  (integer; nodes.yml:5)\n", "on b\np\n  tries = 9  (integer; nodes.yml:3)\n"] {
        assert!(all.stdout.contains(words), "{}", all.stdout);
    }
    let one = explain(&["--node", "b", "--attr", "tries=1"]);
    assert!(one.stdout.starts_with("on b\n") && one.stdout.contains("tries = 1  (integer; --attr)"), "{}", one.stdout);
    assert!(one.stdout.contains("instead of 9 (nodes.yml:3)") && !one.stdout.contains("on a"), "{}", one.stdout);
    let json: serde_json::Value = serde_json::from_str(&explain(&["--format", "json"]).stdout).unwrap();
    assert_eq!(json["nodes"][0]["on"][0], "a");
    assert_eq!(json["nodes"][1]["profiles"][0]["attributes"][0]["value"], 9);
    let refused = ran(&folder, &["attributes", "explain", "p", "--nodes", "a"]);
    assert!(refused.code == 1 && refused.stderr.contains("--inventory FILE"), "{}", refused.stderr);

    std::fs::write(folder.path().join("nodes.yml"), INVENTORY.replace("tries: 7", "tires: 7, token: [hunter2]"))
        .unwrap();
    let wrong = explain(&[]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (1, ""));
    assert!(
        wrong.stderr.contains("nodes.yml:5:24: no profile of the run declares an attribute tires"),
        "{}",
        wrong.stderr
    );
    assert!(wrong.stderr.contains("did you mean tries?") && !wrong.stderr.contains("hunter2"), "{}", wrong.stderr);
}

#[test]
fn values_of_ansible_say_whose_they_are() {
    let manifest = "name: p\nversion: 1.0.0\nattributes:\n  tries: {type: integer}\n";
    let hosts = r#"{"_meta": {"hostvars": {"h": {"probity_attributes": {"tries": 3}}}}, "g": {"hosts": ["h"], "vars": {"probity_attributes": {"tries": 2}}}}"#;
    let folder = site(&[("hosts.json", hosts), ("p/profile.yml", manifest), ("p/controls/c.lua", "")]);
    let explain = ran(&folder, &["attributes", "explain", "p", "--inventory", "hosts.json"]);
    assert!(
        explain.stdout.contains("tries = 3  (integer; hosts.json, host h)"),
        "{}{}",
        explain.stdout,
        explain.stderr
    );
    assert!(explain.stdout.contains("instead of 2 (hosts.json, group g)"), "{}", explain.stdout);
    std::fs::write(folder.path().join("hosts.json"), hosts.replace("\"tries\": 2", "\"tries\": \"x\"")).unwrap();
    let wrong = ran(&folder, &["attributes", "explain", "p", "--inventory", "hosts.json"]);
    assert!(wrong.stderr.contains("hosts.json: group g: attribute tries of profile p is a string"), "{}", wrong.stderr);
}

#[test]
fn defaults_give_way_to_what_excludes_them() {
    let folder = site(&[
        ("nodes.yml", INVENTORY),
        ("config.yml", "detect:\n  inventory: nodes.yml\n  sudo: true\n  retries: 2\n"),
    ]);
    let detect = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
        command.arg("detect").args(more).current_dir(folder.path()).env_clear().env("PROBITY_CONFIG", "config.yml");
        let output = command.stdin(Stdio::null()).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (_, stdout, stderr) = detect(&[]);
    assert!(stdout.contains("a (local://)") || stderr.contains("a: "), "{stdout}{stderr}");
    let (_, stdout, stderr) = detect(&["-t", "x=local://", "--su"]);
    assert!(
        !stderr.contains("cannot be used with") && !format!("{stdout}{stderr}").contains("a (local://)"),
        "{stdout}{stderr}"
    );
    assert!(stdout.contains("x (local://)") || stderr.contains("x: "), "{stdout}{stderr}");
}

#[test]
fn help_fits_a_terminal_of_80_columns() {
    for args in [&["exec", "-h"][..], &["detect", "-h"], &["detect", "--help"], &["attributes", "explain", "-h"]] {
        let help = probity_in(Path::new("."), args).stdout;
        let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{args:?}\n{}", wide.join("\n"));
    }
}

#[test]
fn a_secret_is_asked_for_at_the_terminal_and_not_shown() {
    let mut lacking = Lacking::default();
    if lacking.has("script", "a terminal of its own") {
        let line = format!("{} detect -t a=local:// --sudo --sudo-password-prompt", env!("CARGO_BIN_EXE_probity"));
        let mut child = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        use std::io::{Read, Write};
        let mut stdout = child.stdout.take().unwrap();
        let mut shown = Vec::new();
        let mut byte = [0u8];
        while !shown.ends_with(b"nodes: ") {
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
            shown.push(byte[0]);
        }
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"wrong\x15hunter2\r").unwrap();
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        let text = String::from_utf8_lossy(&shown).into_owned() + &rest;
        assert!(text.contains("password for sudo, su or doas on the nodes: "), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("wrong"), "{text}");
        child.wait().unwrap();
    }
}
