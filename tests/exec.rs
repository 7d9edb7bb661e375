//! `probity exec` as a user runs it: verdicts and exit codes, selection, waivers, secrets,
//! several reports, and the same answer every time.

mod support;

use std::path::Path;
use support::{Ran, probity_in};

/// A folder with a profile `p` of these controls and attributes.
fn profile(controls: &str, attributes: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    std::fs::create_dir_all(path.join("controls")).unwrap();
    std::fs::write(path.join("profile.yml"), format!("name: p\nversion: 1.2.3\n{attributes}")).unwrap();
    std::fs::write(path.join("controls/c.lua"), controls).unwrap();
    folder
}

fn exec(folder: &Path, more: &[&str]) -> Ran {
    probity_in(folder, &[&["exec", "p"], more].concat())
}

const PASS: &str = "control 'pass' { title = 'one', impact = 0.9, tags = { cis = '1.1' }, check = function() describe(1):it(eq(1)) end }\n";
const FAIL: &str = "control 'fail' { title = 'two', impact = 0.3, check = function() describe(1):it(eq(2)) end }\n";
const SKIP: &str = "control 'skip' { check = function() skip 'not today' end }\n";
const ERROR: &str = "control 'error' { check = function() describe(1):it(at_most(nil)) end }\n";

#[test]
fn exit_codes_follow_the_worst_outcome() {
    for (controls, code, folded) in [
        (PASS.to_string(), 0, 0),
        (format!("{PASS}{SKIP}"), 101, 0),
        (format!("{PASS}{SKIP}{ERROR}"), 102, 1),
        (format!("{PASS}{SKIP}{ERROR}{FAIL}"), 100, 1),
    ] {
        let folder = profile(&controls, "");
        assert_eq!(exec(folder.path(), &[]).code, code, "{controls}");
        assert_eq!(exec(folder.path(), &["--no-distinct-exit"]).code, folded, "{controls}");
    }
}

#[test]
fn what_is_selected_runs_and_a_selection_of_nothing_is_an_error() {
    let folder = profile(&format!("{PASS}{FAIL}"), "");
    for args in [["--controls", "pass"], ["--controls", "/^pa/"], ["--controls", "p*s"], ["--tags", "cis=1.1"]] {
        assert_eq!(exec(folder.path(), &args).code, 0, "{args:?}");
    }
    assert_eq!(exec(folder.path(), &["--impact-at-least", "0.7"]).code, 0);
    for args in [["--controls", "fial"], ["--tags", "nist"], ["--impact-at-least", "0.95"]] {
        let ran = exec(folder.path(), &args);
        assert_eq!((ran.code, &*ran.stdout), (1, ""), "{args:?}");
    }
    let near = exec(folder.path(), &["--controls", "fial"]).stderr;
    assert!(near.contains("did you mean fail?"), "{near}");
}

#[test]
fn a_waiver_turns_a_failure_into_waived_until_it_expires() {
    let folder = profile(FAIL, "");
    let waive = |text: &str| {
        std::fs::write(folder.path().join("w.yml"), text).unwrap();
        exec(folder.path(), &["--waivers", "w.yml"])
    };
    let ran = waive("fail:\n  justification: known, PROJ-1\n  until: 2999-01-01\n");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("known, PROJ-1"), "{}", ran.stdout);
    assert_eq!(waive("fail:\n  justification: known\n  until: 2020-01-01\n").code, 100);
    let unknown = waive("fali:\n  justification: known\n");
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("w.yml:1") && unknown.stderr.contains("fail"), "{}", unknown.stderr);
}

#[test]
fn a_secret_reaches_no_report_no_error_and_no_command_line() {
    let controls = "control 'leak' { check = function()\n describe(attributes.token):it(eq 'other')\n\
        describe(command('cat', { stdin = attributes.token })):its('stdout', eq 'x')\n\
        describe(command('printenv T', { env = { T = attributes.token } })):its('stdout', eq 'x')\nend }\n\
        control 'argument' { check = function() describe(command('echo ' .. attributes.token)):its('stdout', empty) end }\n\
        control 'raised' { check = function() error('token is ' .. attributes.token) end }\n";
    let attributes = "attributes:\n  token:\n    type: string\n    required: true\n    sensitive: true\n";
    let folder = profile(controls, attributes);
    let secret = "hunter2/%\"x'y";
    std::fs::write(folder.path().join("a.yml"), "token: 'hunter2/%\"x''y'\n").unwrap();
    let reports =
        ["cli", "junit:j.xml", "json:j.json", "json-min:m.json", "run-json:r.json", "ndjson:n.json", "progress:p.txt"];
    let ran = exec(folder.path(), &[&["-v", "--attrs", "a.yml", "--reporter"], &reports[..]].concat());
    assert_eq!(ran.code, 100, "{}", ran.stderr);
    let mut all = vec![ran.stdout.clone(), ran.stderr];
    for report in &reports[1..] {
        all.push(std::fs::read_to_string(folder.path().join(report.split_once(':').unwrap().1)).unwrap());
    }
    for text in &all {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(all[0].contains("stdin"), "the refused argument names the remedy\n{}", all[0]);
    for args in [vec!["--attr", "token=hunter2"], vec!["--attr", "token=hunter2", "--dry-run"]] {
        let ran = exec(folder.path(), &args);
        assert_eq!(ran.code, 1);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"));
    }
    let shown = probity_in(folder.path(), &["attributes", "explain", "p", "--attrs", "a.yml"]);
    assert!(shown.code == 0 && !shown.stdout.contains("hunter2") && !shown.stdout.contains(secret), "{}", shown.stdout);
}

#[test]
fn several_reports_are_written_whole_or_not_at_all() {
    let folder = profile(&format!("{PASS}{FAIL}"), "");
    let ran = exec(folder.path(), &["--reporter", "cli", "junit:out/deep/j.xml", "json:out/j.json"]);
    assert_eq!(ran.code, 100);
    assert!(folder.path().join("out/deep/j.xml").exists() && folder.path().join("out/j.json").exists());
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let refused = exec(folder.path(), &["--reporter", "junit:file/j.xml"]);
    assert_eq!((refused.code, &*refused.stdout), (1, ""));
    assert!(refused.stderr.contains("file/j.xml"), "{}", refused.stderr);
    let unknown = exec(folder.path(), &["--reporter", "juint:x.xml"]);
    assert!(unknown.code == 1 && unknown.stderr.contains("junit"), "{}", unknown.stderr);
    assert!(!folder.path().join("x.xml").exists());
}

#[test]
fn twenty_processes_give_the_same_json_once_times_are_masked() {
    let controls = "control 'order' { tags = { b = '1', a = '2', c = '3' }, check = function()\n\
        for_each(passwd().users, function(user) describe(user, user):it(no(empty)) end)\n\
        local words = {} for key in pairs({ x = 1, y = 2, z = 3 }) do words[#words + 1] = key end\n\
        describe(table.concat(words)):it(eq 'xyz')\n\
        describe(tostring({}) .. tostring(print), 'addresses'):it(eq 'x')\n\
        describe(command 'sleep 0.01; echo a'):its('stdout', eq 'a\\n')\nend }\n\
        control 'broken' { check = function() local t = {} t.x.y = 1 end }\n";
    let folder = profile(controls, "");
    let masks = [
        r#""(seconds|run_time|duration|time|start_time|started|started_at|finished|run|generated|timestamp)": ?("[^"]*"|[0-9.e-]+)"#,
    ];
    let masked = |text: String| {
        masks.iter().fold(text, |text, mask| regex::Regex::new(mask).unwrap().replace_all(&text, "").into_owned())
    };
    for reporter in ["json", "run-json", "ndjson"] {
        let first = masked(exec(folder.path(), &["--reporter", reporter]).stdout);
        assert!(first.len() > 500, "{first}");
        for _ in 0..if reporter == "run-json" { 20 } else { 4 } {
            assert_eq!(masked(exec(folder.path(), &["--reporter", reporter]).stdout), first, "{reporter}");
        }
    }
}

#[test]
fn an_interrupted_run_reports_what_is_done() {
    let controls = format!(
        "{PASS}control 'slow' {{ check = function() for i = 1, 40 do local _ = command('sleep 0.2; echo ' .. i).stdout end describe(1):it(eq(1)) end }}"
    );
    let folder = profile(&controls, "");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(["exec", "p", "--reporter", "json:out.json"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(800));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let report = std::fs::read_to_string(folder.path().join("out.json")).unwrap();
    assert!(report.contains("\"pass\""), "{report}");
}

#[test]
fn a_dry_run_and_a_description_touch_nothing() {
    let controls =
        "control 'touch' { check = function() describe(command 'touch here'):its('exit_status', eq(0)) end }";
    let folder = profile(controls, "attributes:\n  n:\n    type: integer\n    default: 3\n");
    let ran = exec(folder.path(), &["--dry-run", "--attr", "n=5"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for word in ["touch", "n = 5", "--attr"] {
        assert!(ran.stdout.contains(word), "{}", ran.stdout);
    }
    assert_eq!(probity_in(folder.path(), &["describe", "p"]).code, 0);
    assert!(!folder.path().join("here").exists());
}

#[test]
fn an_archive_runs_like_its_directory_and_is_the_same_to_the_byte() {
    let folder = profile(&format!("{PASS}{FAIL}"), "");
    let pack = |to: &str| probity_in(folder.path(), &["archive", "p", "--output", to]);
    assert_eq!(pack("a.tar.gz").code, 0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(pack("b.tar.gz").code, 0);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("a.tar.gz"), read("b.tar.gz"));
    let again = pack("a.tar.gz");
    assert!(again.code == 1 && again.stderr.contains("--overwrite"), "{}", again.stderr);
    let statuses = |path: &str| {
        let report = probity_in(folder.path(), &["exec", path, "--reporter", "json-min"]).stdout;
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        format!("{}", report["controls"])
    };
    assert_eq!(statuses("p"), statuses("a.tar.gz"));
}

#[test]
fn a_profile_for_other_systems_is_an_error_and_names_both() {
    let folder = profile(PASS, "supports:\n  - name: plan9\n");
    let ran = exec(folder.path(), &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("plan9") && ran.stderr.contains("this node is"), "{}", ran.stderr);
}

#[test]
fn a_profile_is_found_by_name_and_requirement() {
    let folder = profile(PASS, "");
    std::fs::create_dir(folder.path().join("store")).unwrap();
    assert_eq!(probity_in(folder.path(), &["archive", "p", "--output", "store"]).code, 0);
    let ran = probity_in(folder.path(), &["exec", "p@^1.2", "--profile-path", "store"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("p 1.2.3"), "{}", ran.stdout);
    let none = probity_in(folder.path(), &["exec", "p@2", "--profile-path", "store"]);
    assert!(none.code == 1 && none.stderr.contains("there are: 1.2.3"), "{}", none.stderr);
    assert_eq!(probity_in(folder.path(), &["attributes", "explain", "p@1", "--profile-path", "store"]).code, 0);
    assert_eq!(probity_in(folder.path(), &["attributes", "explain"]).code, 1);
}

#[test]
fn a_control_reads_the_data_files_of_its_profile() {
    let controls = "local allowed = profile_file 'allowed.txt'\n\
        control 'a' { check = function() describe(allowed, 'list'):it(matches '^root$') end }\n\
        control 'b' { check = function() describe(profile_file 'alowed.txt', 'x'):it(empty) end }\n";
    let folder = profile(controls, "");
    std::fs::create_dir(folder.path().join("p/files")).unwrap();
    std::fs::write(folder.path().join("p/files/allowed.txt"), "root\nops\n").unwrap();
    assert_eq!(probity_in(folder.path(), &["archive", "p", "--output", "a.tar.gz"]).code, 0);
    for path in ["p", "a.tar.gz"] {
        let ran = probity_in(folder.path(), &["exec", path]);
        assert_eq!(ran.code, 102, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("did you mean allowed.txt?") && ran.stdout.contains("1 passed"), "{}", ran.stdout);
    }
}
