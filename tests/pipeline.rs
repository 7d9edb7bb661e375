//! `probity pipeline` as a user runs it: the graph, what stages hand on, and bad luck of every kind.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Ran, probity_in};

/// A folder with this pipeline and a profile `p` whose control `c` has this check.
fn site(pipeline: &str, check: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("pipeline.yml", pipeline);
    write("p/profile.yml", "name: p\nversion: 1.0.0\nattributes: { word: { type: string, default: none } }\n");
    write("p/controls/c.lua", &format!("control 'c' {{ title = 'one', check = function() {check} end }}\n"));
    write("nodes.yml", "nodes: { here: local:// }\n");
    folder
}

const PASS: &str = "describe(1):it(eq(1))";
const FAIL: &str = "describe(1):it(eq(2))";

fn run(folder: &Path, more: &[&str]) -> Ran {
    probity_in(folder, &[&["pipeline", "run"], more].concat())
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

/// Ten seconds are plenty for anything here that should not hang.
fn within(seconds: u64, mut what: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn a_whole_pipeline_comes_to_one_verdict_and_hands_values_on() {
    let pipeline = "\
name: shop
vars: { word: hello }
stages:
  make:
    kind: provision
    run: { command: [printf, '{\"word\": \"%s\"}', \"{{ vars.word }}\"], outputs: json }
    inventory: nodes.yml
  ready: { kind: wait, needs: make, within: 20s }
  look:
    kind: validate
    needs: ready
    profiles: p
    attributes: { word: \"{{ stages.make.outputs.word }}\" }
  down: { kind: teardown, run: [touch, gone] }
";
    let site = site(pipeline, "describe(attributes.word):it(eq 'it is')");
    let ran = run(site.path(), &["--var", "word=it is", "--reporter", "junit:out/junit.xml", "run-json:out/run.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(site.path().join("gone").exists() && ran.stdout.is_empty(), "{}", ran.stdout);
    let junit = text(site.path(), "out/junit.xml");
    assert!(junit.contains("name=\"p@here\""), "{junit}");
    let ran = run(site.path(), &[]);
    assert_eq!(ran.code, 100, "{}", ran.stdout);
    assert!(ran.stderr.contains("look") && ran.stdout.contains("it is"), "{}\n{}", ran.stderr, ran.stdout);
}

#[test]
fn stages_that_need_nothing_of_each_other_run_at_the_same_time() {
    // Each waits for the other: one after the other they would never end.
    let pipeline = "\
stages:
  a: { kind: provision, timeout: 20s, run: 'touch a; until [ -e b ]; do sleep 0.05; done' }
  b: { kind: provision, timeout: 20s, run: 'touch b; until [ -e a ]; do sleep 0.05; done' }
";
    let site = site(pipeline, PASS);
    let ran = run(site.path(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_failing_provision_stops_what_needs_it_and_is_told_with_its_output() {
    let pipeline = "\
stages:
  make: { kind: provision, run: 'echo no quota left >&2; exit 3', inventory: nodes.yml }
  look: { kind: validate, needs: make, profiles: p }
  alarm: { kind: report, when: on_failure, run: 'cp $PROBITY_RUN alarm.json' }
  calm: { kind: provision, needs: look, when: on_failure, run: 'touch on_failure_far' }
  down: { kind: teardown, of: make }
  sweep: { kind: teardown, run: touch swept }
";
    let site = site(pipeline, PASS);
    let ran = run(site.path(), &["--reporter", "cli", "junit:junit.xml"]);
    // `run` knows no way back, which is told like any other stage that could not be done.
    assert_eq!(ran.code, 102, "{}", ran.stderr);
    assert!(ran.stderr.contains("ended with status 3") && ran.stderr.contains("it needs make"), "{}", ran.stderr);
    assert!(ran.stderr.contains("does not know how to take away"), "{}", ran.stderr);
    assert!(ran.stdout.contains("validate: not begun: it needs make"), "{}", ran.stdout);
    for file in ["alarm.json", "on_failure_far", "swept"] {
        assert!(site.path().join(file).exists(), "{file}: {}", ran.stderr);
    }
    let junit = text(site.path(), "junit.xml");
    assert!(junit.contains("no quota left") && junit.contains("ended with status 3"), "{junit}");
    let folder = std::fs::read_dir(site.path().join(".probity")).unwrap();
    let logs: Vec<_> =
        folder.flatten().map(|entry| entry.path().join("logs/make.log")).filter(|path| path.exists()).collect();
    assert!(std::fs::read_to_string(&logs[0]).unwrap().contains("no quota left"));
}

#[test]
fn a_validation_that_failed_stops_what_needs_it_and_the_teardown_runs() {
    let pipeline = "\
stages:
  look: { kind: validate, targets: 'here=local://', profiles: p }
  go: { kind: provision, needs: look, run: touch went }
  down: { kind: teardown, run: touch down }
  kept: { kind: teardown, run: touch kept, when: on_success }
";
    let site = site(pipeline, FAIL);
    let ran = run(site.path(), &[]);
    assert_eq!(ran.code, 100, "{}", ran.stderr);
    assert!(!site.path().join("went").exists() && site.path().join("down").exists());
    assert!(!site.path().join("kept").exists());
    std::fs::remove_file(site.path().join("down")).unwrap();
    let ran = run(site.path(), &["--no-teardown", "--no-distinct-exit"]);
    assert_eq!(ran.code, 1);
    assert!(!site.path().join("down").exists());
}

#[test]
fn a_stage_is_tried_again_and_the_delay_is_told() {
    let pipeline = "\
stages:
  flaky: { kind: provision, retries: 3, retry_delay: 100ms, run: 'echo attempt at; echo x >> tries; [ $(wc -l < tries) -ge 3 ]' }
";
    let site = site(pipeline, PASS);
    let ran = run(site.path(), &["--reporter", "run-json:run.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(text(site.path(), "tries").lines().count(), 3);
    let logs = std::fs::read_dir(site.path().join(".probity")).unwrap().flatten();
    let log = logs.map(|entry| entry.path().join("logs/flaky.log")).find(|path| path.exists()).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.lines().filter(|line| *line == "attempt at").count(), 3, "the log has every attempt: {log}");
    let report: serde_json::Value = serde_json::from_str(&text(site.path(), "run.json")).unwrap();
    assert_eq!(report["stages"][0]["attempts"], 3, "{report}");
}

#[test]
fn provisioners_that_are_missing_hang_or_leave_garbage_are_errors_of_their_stage() {
    for (stage, message) in [
        ("run: [/no/such/program]", "cannot be run"),
        ("run: [no-such-program-anywhere]", "no program of that name in PATH (hint: install it"),
        ("run: sleep 60, timeout: 300ms", "took longer than 300 ms"),
        ("run: 'printf \"%s\" \"[[{\" > made', inventory: made", "made"),
        ("run: 'echo nodes: > made', inventory: made", "no nodes"),
        ("run: 'true', inventory: { command: [printf, '\\0\\0garbage'] }", "printf"),
        ("run: 'true', inventory: { command: ['false'] }", "false"),
        ("run: 'true', inventory: not-written.yml", "not-written.yml"),
        ("run: { command: [echo, no json], outputs: json }", "cannot be read"),
    ] {
        let site = site(
            &format!(
                "stages:\n  make: {{ kind: provision, {stage} }}\n  after: {{ kind: provision, needs: make, run: touch after }}\n"
            ),
            PASS,
        );
        let began = Instant::now();
        let ran = run(site.path(), &[]);
        assert_eq!(ran.code, 102, "{stage}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{stage}: {}", ran.stderr);
        assert!(!site.path().join("after").exists() && began.elapsed() < Duration::from_secs(30), "{stage}");
    }
    let site = site(
        "stages:\n  make: { kind: provision, run: 'echo nodes: > made', inventory: { file: made, allow_empty: true } }\n",
        PASS,
    );
    assert_eq!(run(site.path(), &[]).code, 0);
}

#[test]
fn a_node_that_never_gets_ready_ends_the_wait_at_its_deadline_and_a_quorum_may_do_without() {
    let pipeline = |more: &str| {
        format!(
            "stages:\n  ready: {{ kind: wait, targets: ['here=local://', 'dead=ssh://127.0.0.1:1'], within: 2s, every: 200ms{more} }}\n  \
             look: {{ kind: validate, needs: ready, targets: ['here=local://'], profiles: p }}\n"
        )
    };
    let site_ = site(&pipeline(""), PASS);
    let ran = run(site_.path(), &[]);
    assert_eq!(ran.code, 102, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("1 of 2 nodes ready; dead: ") && ran.stderr.contains("it needs ready"),
        "{}",
        ran.stderr
    );
    for quorum in [", quorum: 1", ", quorum: 50%"] {
        let site_ = site(&pipeline(quorum), PASS);
        let ran = run(site_.path(), &[]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let site_ = site(&pipeline(", quorum: 3"), PASS);
    let ran = run(site_.path(), &[]);
    assert!(ran.code == 1 && ran.stderr.contains("a quorum of 3"), "{}", ran.stderr);
}

#[test]
fn a_readiness_profile_is_waited_for() {
    let pipeline = "\
stages:
  make: { kind: provision, run: '(sleep 1; touch ready) >/dev/null 2>&1 & echo started' }
  slow: { kind: provision, run: 'sleep 1.5; touch ready' }
  ready: { kind: wait, targets: 'here=local://', profiles: p, within: 20s, every: 200ms }
  look: { kind: validate, needs: ready, targets: 'here=local://', profiles: p }
";
    let site = site(pipeline, "");
    let ready = site.path().join("ready");
    let check = format!("control 'c' {{ check = function() describe(file '{}'):exists() end }}\n", ready.display());
    std::fs::write(site.path().join("p/controls/c.lua"), check).unwrap();
    let ran = run(site.path(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("0 of 1 node ready"), "{}", ran.stderr);
}

#[test]
fn a_node_that_vanishes_after_the_wait_is_a_red_row() {
    let pipeline = "\
stages:
  ready: { kind: wait, targets: 'here=local://' }
  look: { kind: validate, needs: ready, targets: 'gone=ssh://127.0.0.1:1', profiles: p }
";
    let site = site(pipeline, PASS);
    let ran = run(site.path(), &["--reporter", "junit:junit.xml"]);
    assert_eq!(ran.code, 102, "{}", ran.stderr);
    let junit = text(site.path(), "junit.xml");
    assert!(junit.contains("p@gone") && junit.contains("unreachable"), "{junit}");
}

#[test]
fn what_is_undefined_is_an_error_with_its_place_and_secrets_stay_hidden() {
    let pipeline = "\
vars: { token: { sensitive: true, env: SHOP_TOKEN } }
stages:
  make: { kind: provision, run: 'echo the token is $TOKEN', env: { TOKEN: \"{{ vars.token }}\" } }
  next:
    kind: provision
    needs: make
    run: [echo, \"{{ stages.make.outputs.ip }}\"]
";
    let site = site(pipeline, PASS);
    let output = Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(["pipeline", "run", "--reporter", "cli", "run-json:run.json", "junit:junit.xml"])
        .env("SHOP_TOKEN", "hunter2hunter2")
        .current_dir(site.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("pipeline.yml:7:") && stderr.contains("undefined"), "{stderr}");
    assert!(stderr.contains("the token is ***"), "{stderr}");
    let found = Command::new("grep").args(["-r", "hunter2hunter2", "."]).current_dir(site.path()).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
    assert!(!stderr.contains("hunter2") && !String::from_utf8_lossy(&output.stdout).contains("hunter2"));
}

/// A secret of one stage may come back as a value, or as what a node answers.
#[test]
fn a_secret_of_one_stage_is_one_for_the_validation_after_it() {
    let pipeline = "\
stages:
  make: { kind: provision, run: { command: [cat, token.json], outputs: json, sensitive: token } }
  look:
    kind: validate
    needs: make
    targets: 'here=local://'
    profiles: p
    attributes: { word: \"{{ stages.make.outputs.token }}\" }
";
    let site = site(pipeline, "describe(attributes.word):it(eq 'else')");
    std::fs::write(site.path().join("token.json"), "{\"token\": \"hunter2hunter2\"}").unwrap();
    let ran = run(site.path(), &["--reporter", "cli", "run-json:run.json", "junit:junit.xml", "html:r.html"]);
    assert_eq!(ran.code, 100, "{}", ran.stderr);
    for shown in [
        &ran.stdout,
        &ran.stderr,
        &text(site.path(), "run.json"),
        &text(site.path(), "junit.xml"),
        &text(site.path(), "r.html"),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert!(text(site.path(), "run.json").contains("***"));
}

/// What was never begun is not undone.
#[test]
fn a_provision_that_could_not_even_be_read_is_not_torn_down() {
    let pipeline = "\
stages:
  first: { kind: provision, run: 'true' }
  make: { kind: provision, needs: first, terraform: '{{ stages.first.outputs.dir }}' }
  down: { kind: teardown, of: make }
";
    let site = site(pipeline, PASS);
    let ran = run(site.path(), &["--reporter", "run-json:run.json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&text(site.path(), "run.json")).unwrap();
    assert_eq!(
        (&report["stages"][1]["attempts"], &report["stages"][2]["outcome"]),
        (&0.into(), &"not_applicable".into())
    );
    assert!(ran.stderr.contains("make was never begun"), "{}", ran.stderr);
}

#[test]
fn two_runs_in_one_folder_do_not_meet() {
    let pipeline = "stages:\n  long: { kind: provision, run: 'touch began; until [ -e go ]; do sleep 0.05; done' }\n";
    let site = site(pipeline, PASS);
    let mut first = begin(site.path());
    assert!(within(10, || site.path().join("began").exists()));
    let second = run(site.path(), &[]);
    assert_eq!(second.code, 1);
    assert!(second.stderr.contains(&format!("process {} holds the lock", first.id())), "{}", second.stderr);
    std::fs::write(site.path().join("go"), "").unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert_eq!(run(site.path(), &[]).code, 0, "the lock goes with its holder");
}

fn begin(folder: &Path) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(["pipeline", "run", "--reporter", "run-json:run.json"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn interrupt(child: &std::process::Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

#[test]
fn an_interrupt_in_any_stage_ends_it_and_tears_down() {
    for (name, stage) in [
        ("provision", "kind: provision, run: 'touch began; sleep 60'"),
        ("wait", "kind: wait, targets: 'dead=ssh://127.0.0.1:1', within: 60s, every: 100ms"),
        ("validate", "kind: validate, targets: 'here=local://', profiles: p"),
        ("report", "kind: report, run: 'touch began; sleep 60'"),
    ] {
        let pipeline = format!(
            "stages:\n  made: {{ kind: provision, run: touch made }}\n  long: {{ needs: made, {stage} }}\n  \
             after: {{ kind: provision, needs: long, run: touch after }}\n  down: {{ kind: teardown, run: touch down }}\n"
        );
        let site = site(&pipeline, "describe(command 'touch began; sleep 60'):its('exit_status', eq(0))");
        let check = format!(
            "control 'c' {{ check = function() describe(command 'touch {}; sleep 60'):its('exit_status', eq(0)) end }}\n",
            site.path().join("began").display()
        );
        std::fs::write(site.path().join("p/controls/c.lua"), check).unwrap();
        let mut child = begin(site.path());
        let sign = if name == "wait" { "made" } else { "began" };
        assert!(within(20, || site.path().join(sign).exists()), "{name} did not begin");
        std::thread::sleep(Duration::from_millis(300));
        interrupt(&child);
        let ended = within(20, || child.try_wait().unwrap().is_some());
        assert!(ended, "{name} did not end");
        assert_eq!(child.wait().unwrap().code(), Some(130), "{name}");
        assert!(site.path().join("down").exists(), "{name}: no teardown");
        assert!(!site.path().join("after").exists(), "{name}");
        let report: serde_json::Value = serde_json::from_str(&text(site.path(), "run.json")).unwrap();
        assert_eq!(report["interrupted"], true, "{name}");
        assert_eq!(report["stages"].as_array().unwrap().len(), 4, "{name}: {report}");
    }
}

#[test]
fn a_terminal_that_goes_away_tears_down() {
    let pipeline = "\
stages:
  long: { kind: provision, run: 'touch began; sleep 60' }
  down: { kind: teardown, run: touch down }
";
    let site = site(pipeline, PASS);
    // Whoever runs the tests may have SIGHUP ignored, as nohup does, and a child takes that over.
    let mut child = Command::new("env")
        .arg("--default-signal=HUP")
        .arg(env!("CARGO_BIN_EXE_probity"))
        .args(["pipeline", "run", "--reporter", "run-json:run.json"])
        .current_dir(site.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(within(20, || site.path().join("began").exists()));
    std::thread::sleep(Duration::from_millis(200));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::HUP).unwrap();
    assert!(within(20, || child.try_wait().unwrap().is_some()));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(site.path().join("down").exists());
}

#[test]
fn a_second_interrupt_ends_the_teardown_and_a_third_the_program() {
    let pipeline = "\
stages:
  long: { kind: provision, run: 'touch began; sleep 60' }
  down: { kind: teardown, run: 'touch down; sleep 60' }
";
    let site = site(pipeline, PASS);
    let mut child = begin(site.path());
    for sign in ["began", "down"] {
        assert!(within(20, || site.path().join(sign).exists()), "{sign}");
        std::thread::sleep(Duration::from_millis(200));
        interrupt(&child);
    }
    assert!(within(20, || child.try_wait().unwrap().is_some()));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let report: serde_json::Value = serde_json::from_str(&text(site.path(), "run.json")).unwrap();
    assert_eq!(report["stages"][1]["outcome"], "errored", "{report}");
}

#[test]
fn a_failing_teardown_is_told_and_the_verdict_of_the_nodes_stays() {
    let pipeline = "\
stages:
  look: { kind: validate, targets: 'here=local://', profiles: p }
  down: { kind: teardown, run: exit 7 }
";
    let site_ = site(pipeline, PASS);
    let ran = run(site_.path(), &[]);
    assert_eq!(ran.code, 102, "{}", ran.stderr);
    assert!(ran.stderr.contains("ended with status 7"), "{}", ran.stderr);
    let site_ = site(pipeline, FAIL);
    assert_eq!(run(site_.path(), &[]).code, 100);
}

#[test]
fn a_full_disk_is_told_for_logs_and_reports() {
    let site = site("stages:\n  make: { kind: provision, run: echo hello }\n", PASS);
    let ran = run(site.path(), &["--reporter", "junit:/dev/full"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("cannot write the report to /dev/full"), "{}", ran.stderr);
    // A log that cannot be written ends its stage.
    let logs = std::fs::read_dir(site.path().join(".probity")).unwrap().flatten();
    let logs = logs.map(|entry| entry.path().join("logs")).find(|path| path.exists()).unwrap();
    std::fs::remove_file(logs.join("make.log")).unwrap();
    std::fs::create_dir(logs.join("make.log")).unwrap();
    let ran = run(site.path(), &[]);
    assert_eq!(ran.code, 102, "{}", ran.stderr);
    assert!(ran.stderr.contains("make.log"), "{}", ran.stderr);
}

#[test]
fn what_can_be_known_before_is_told_before_anything_is_run() {
    let site = site(
        "stages:\n  make: { kind: provision, run: touch made }\n  look: { kind: validate, needs: make, targets: 'local://', profiles: p }\n",
        "this is no Lua",
    );
    let ran = run(site.path(), &[]);
    assert!(ran.code == 1 && ran.stderr.contains("c.lua"), "{}", ran.stderr);
    std::fs::write(site.path().join("p/controls/c.lua"), "control 'c' { check = function() end }").unwrap();
    std::fs::write(site.path().join("wrong.yml"), "word: [a, b]\n").unwrap();
    for (key, message) in [
        ("attrs: none.yml", "none.yml"),
        ("attrs: wrong.yml", "wrong.yml:1:7"),
        ("attributes: { worth: a }", "did you mean word?"),
        ("attributes: { word: [a], p::word: '{{ stages.make.outputs.word }}' }", "other.yml:3:"),
        ("attributes: [word]", "attributes is a list, not a map"),
        ("waivers: none.yml", "none.yml"),
        ("profiles: q", "q: "),
    ] {
        let look = format!("look: {{ kind: validate, needs: make, targets: 'local://', profiles: p, {key} }}");
        let look = if key.starts_with("profiles") { look.replace("profiles: p, ", "") } else { look };
        let pipeline = format!("stages:\n  make: {{ kind: provision, run: touch made }}\n  {look}\n");
        std::fs::write(site.path().join("other.yml"), pipeline).unwrap();
        let ran = run(site.path(), &["other.yml"]);
        assert!(ran.code == 1 && ran.stderr.contains(message), "{key}: {}", ran.stderr);
        assert!(!site.path().join("made").exists(), "{key}: nothing was begun");
        let ran = probity_in(site.path(), &["pipeline", "check", "other.yml"]);
        assert!(ran.code == 1 && ran.stderr.contains(message), "{key}: {}", ran.stderr);
    }
    let ran = run(site.path(), &["--reporter", "junit:/proc/no/such"]);
    assert!(ran.code == 1 && ran.stderr.contains("cannot write the report"), "{}", ran.stderr);
    let ran = run(site.path(), &["--dry-run"]);
    assert!(
        ran.code == 0 && ran.stdout.contains("touch made") && ran.stdout.contains("Nothing was run"),
        "{}",
        ran.stdout
    );
    assert!(!site.path().join("made").exists());
    for command in [&["check"][..], &["graph"], &["graph", "--format", "mermaid"]] {
        let ran = probity_in(site.path(), &[&["pipeline"], command].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let ran = probity_in(site.path(), &["pipeline", "check", "none.yml"]);
    assert!(ran.code == 1 && ran.stderr.contains("none.yml"), "{}", ran.stderr);
}

#[test]
fn the_schema_is_one_and_knows_every_key() {
    let ran = support::probity(&["pipeline", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    for kind in ["provision", "wait", "validate", "report", "teardown"] {
        assert!(schema["definitions"][kind]["properties"]["needs"]["description"].is_string(), "{kind}");
    }
    assert!(schema["definitions"]["provision"]["properties"]["run"].is_object());
    if !support::Lacking::default().has("check-jsonschema", "the schema of pipelines, by a validator") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema.json"), &ran.stdout).unwrap();
    let valid = |file: &Path| {
        let output = Command::new("check-jsonschema")
            .args(["--schemafile", "schema.json"])
            .arg(file)
            .current_dir(folder.path())
            .output()
            .unwrap();
        output.status.success()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(valid(&root.join("examples/lab/pipeline.yml")));
    for (text, right) in [
        ("stages: { a: { kind: provision, terraform: infra, retries: '{{ vars.n }}' } }", true),
        ("stages: { a: { kind: wait, quorum: 80%, within: 5m } }", true),
        ("stages: { a: { kind: wait, quorum: most } }", false),
        ("stages: { a: { kind: wait, run: x } }", false),
        ("stages: { a: { kind: provision, terraform: { dri: infra } } }", false),
        ("stages: { a: { kind: build } }", false),
        ("stages: {}", false),
        ("vars: { x: { sensitive: 1 } }\nstages: { a: { kind: wait } }", false),
    ] {
        let file = folder.path().join("p.yml");
        std::fs::write(&file, text).unwrap();
        assert_eq!(valid(&file), right, "{text}");
    }
}

/// A watch of `pipeline.yml`, ended with the test.
struct Watch(std::process::Child, u16);

impl Watch {
    fn begin(folder: &Path, more: &[&str]) -> Watch {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_probity"))
            .args([
                "pipeline",
                "watch",
                "--listen",
                &port.to_string(),
                "--reporter",
                "junit:junit.xml",
                "run-json:{node}.json",
            ])
            .args(more)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(folder.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        Watch(child, port)
    }

    /// Status and body of a page.
    fn get(&self, path: &str) -> Option<(u16, String)> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.1)).ok()?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let code = text.split(' ').nth(1)?.parse().ok()?;
        Some((code, text.split_once("\r\n\r\n")?.1.to_string()))
    }

    fn metric(&self, line: &str) -> bool {
        self.get("/metrics").is_some_and(|(code, body)| code == 200 && body.lines().any(|found| found == line))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_watch_validates_nodes_as_they_appear_and_survives_its_source() {
    let pipeline = "stages:\n  look: { kind: validate, inventory: nodes.yml, profiles: p }\n";
    let site = site(pipeline, PASS);
    let nodes = site.path().join("nodes.yml");
    let mut watch = Watch::begin(site.path(), &["--interval", "300ms"]);
    let stderr = || text(site.path(), "stderr");
    assert!(within(30, || watch.metric("probity_node_controls{node=\"here\",outcome=\"passed\"} 1")), "{}", stderr());
    // A node more, by another name for this machine.
    std::fs::write(&nodes, "nodes: { here: local://, there: local:// }\n").unwrap();
    assert!(within(30, || text(site.path(), "junit.xml").contains("p@there")), "{}", stderr());
    assert!(watch.metric("probity_validations_total 2"), "one that stays the same is not validated again");
    assert!(text(site.path(), "there.json").contains("\"probity/run\""));
    // The source fails: what is known stays, and health goes after a while.
    std::fs::write(&nodes, "nodes: [").unwrap();
    assert!(within(30, || watch.metric("probity_source_up 0")), "{}", stderr());
    assert!(within(30, || watch.get("/healthz").is_some_and(|(code, _)| code == 503)), "{}", stderr());
    assert!(watch.metric("probity_node_controls{node=\"there\",outcome=\"passed\"} 1"));
    // It comes back without one of them, and with one that is out of reach.
    std::fs::write(&nodes, "nodes: { there: local://, dead: ssh://127.0.0.1:1 }\n").unwrap();
    assert!(within(30, || watch.metric("probity_node_ready{node=\"dead\"} 0")), "{}", stderr());
    assert!(watch.get("/healthz").is_some_and(|(code, body)| code == 200 && body.contains("\"ok\"")));
    assert!(within(30, || !text(site.path(), "junit.xml").contains("p@here")), "what is gone is in no report");
    assert_eq!(watch.get("/else").map(|(code, _)| code), Some(404));
    interrupt(&watch.0);
    assert!(within(20, || watch.0.try_wait().unwrap().is_some()), "{}", stderr());
    assert_eq!(watch.0.wait().unwrap().code(), Some(102), "a node was never seen");
}

#[test]
fn a_hangup_reads_the_source_at_once_and_one_round_is_enough_where_asked() {
    let pipeline = "stages:\n  look: { kind: validate, inventory: nodes.yml, profiles: p }\n";
    let site = site(pipeline, FAIL);
    let watch = Watch::begin(site.path(), &["--interval", "1h"]);
    assert!(within(30, || watch.metric("probity_validations_total 1")));
    std::fs::write(site.path().join("nodes.yml"), "nodes: { here: local://, there: local:// }\n").unwrap();
    let pid = rustix::process::Pid::from_child(&watch.0);
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    assert!(within(30, || watch.metric("probity_validations_total 2")), "{}", text(site.path(), "stderr"));
    let ran = probity_in(site.path(), &["pipeline", "watch"]);
    assert!(ran.code == 1 && ran.stderr.contains("holds the lock"), "{}", ran.stderr);
    drop(watch);
    let ran = probity_in(site.path(), &["pipeline", "watch", "--once"]);
    assert_eq!(ran.code, 100, "{}", ran.stderr);
    let ran = probity_in(site.path(), &["pipeline", "watch", "--once", "--listen", "localhost"]);
    assert!(ran.code == 1 && ran.stderr.contains("write PORT for loopback"), "{}", ran.stderr);
}

#[test]
fn the_worked_example_runs_on_real_nodes() {
    let what = "the example pipeline of the lab";
    let mut lacking = support::Lacking::default();
    let needs = [
        "root",
        "cgroup2",
        "mmdebstrap",
        "unshare",
        "nsenter",
        "ip",
        "nft",
        "ssh-keygen",
        "openssl",
        "ansible-playbook",
    ];
    if !needs.iter().all(|need| lacking.has(need, what)) {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(root.join("examples")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    for part in ["profiles", "attributes", "tests"] {
        std::os::unix::fs::symlink(root.join(part), folder.path().join(part)).unwrap();
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let site = folder.path().join("examples/lab");
    let output = Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(["pipeline", "run", "--var", "db_tries=1"])
        .current_dir(&site)
        .env("PROBITY_TEST_CACHE", target.join("tmp"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_str(&text(&site, "out/run.json")).expect(&stderr);
    for stage in report["stages"].as_array().unwrap() {
        assert_eq!(stage["outcome"], "passed", "{stage}\n{stdout}\n{stderr}");
    }
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    let tries = |node: usize| {
        let attributes = report["nodes"][node]["profiles"][0]["attributes"].as_array().unwrap().clone();
        attributes.iter().find(|attribute| attribute["name"] == "sshd_max_auth_tries").unwrap()["value"].clone()
    };
    assert_eq!((tries(0), tries(1)), (3.into(), 1.into()), "each node has values of its own");
    assert!(text(&site, "out/junit.xml").contains("pipeline lab") && text(&site, "out/report.html").contains("deb12"));
}
