//! Recordings from one end to the other: a run that is kept, a run on what was kept, and the
//! tests of a profile that rest on it.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use support::{Ran, probity, probity_in};

/// What came of each control: its outcome, and of each step the sentence, message and what
/// was found.
fn results(path: &Path) -> BTreeMap<String, serde_json::Value> {
    let text = fs::read_to_string(path).expect("the report is there");
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an event"));
    let mut results = BTreeMap::new();
    for event in events {
        let text = event.to_string();
        let control = [&event, &event["event"], &event["control_finished"]].into_iter().find(|e| e["steps"].is_array());
        let Some(control) = control else { continue };
        let step = |step: &serde_json::Value| {
            ["outcome", "sentence", "message", "found"].map(|key| step[key].to_string()).join("|")
        };
        let steps: Vec<String> = control["steps"].as_array().expect(&text).iter().map(step).collect();
        let id = control["control"]["id"].as_str().or(control["control"].as_str()).expect(&text).to_string();
        results.insert(id, serde_json::json!([control["outcome"], control["reason"], steps]));
    }
    results
}

#[test]
fn a_run_on_a_recording_comes_out_as_the_run_that_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let baseline = ["exec", "profiles/linux-baseline", "--attrs", "attributes/linux-baseline.yml", "--reporter"];
    let run = |name: &str, more: &[&str]| {
        let reporter = format!("ndjson:{}", path(name));
        let args: Vec<&str> = baseline.iter().copied().chain([&*reporter]).chain(more.iter().copied()).collect();
        let ran = probity(&args);
        assert!([0, 100, 101, 102].contains(&ran.code), "{}{}", ran.stdout, ran.stderr);
        (ran.code, results(Path::new(&path(name))))
    };
    let (code, first) = run("first", &["--record", &path("kept/{node}.recording"), "-t", "one=local://"]);
    let recording = format!("recording://{}", path("kept/one.recording"));
    let (code_again, again) = run("again", &["-t", &recording]);
    assert!(first.len() > 100, "{}", first.len());
    for (id, result) in &first {
        assert_eq!(Some(result), again.get(id), "{id}");
    }
    assert_eq!(code, code_again);
    // The hashes of this machine, if any, are not in it.
    let text = fs::read_to_string(path("kept/one.recording")).unwrap();
    let hash = regex::Regex::new(r"\$(y|6|5|1)\$[^*]").unwrap();
    assert!(!hash.is_match(&text), "a hash was recorded");
    // What was not asked before was not observed.
    let ran = probity(&["exec", "-e", "describe(file '/no/such/file'):exists()", "-t", &recording]);
    assert_eq!(ran.code, 102, "{}", ran.stdout);
    assert!(ran.stdout.contains("was not observed when one was recorded"), "{}", ran.stdout);
}

/// A profile with one control, a recording of a made-up node, and these tests.
fn profile(tests: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join("p").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("profile.yml", "name: p\nversion: 1.0.0\nattributes:\n  word: {type: string, required: true}\n");
    write(
        "controls/a.lua",
        "control 'motd' { check = function()\n\
           describe(file '/etc/motd'):its('content', contains(attributes.word)) end }\n\
         control 'later' { eventually = { within = '60s', every = '30s' }, check = function()\n\
           describe(file '/etc/later'):exists() end }\n\
         control 'clock' { check = function() describe(now()):it(eq(1700000000)) end }\n",
    );
    let source = folder.path().join("node.recording");
    fs::write(&source, recording()).unwrap();
    write("tests/node.recording", &recording());
    for (name, text) in tests {
        write(&format!("tests/{name}"), text);
    }
    folder
}

fn recording() -> String {
    let mut lines = vec![
        r#"{"format":"probity/recording","version":1,"node":"n","target":"local://","user":"root","time":"2023-11-14T22:13:20Z"}"#
            .to_string(),
    ];
    let absent = ["/etc/redhat-release", "/etc/debian_version", "/etc/alpine-release", "/etc/SuSE-release"];
    let reads = absent.into_iter().chain(["/etc/arch-release", "/usr/lib/os-release", "/etc/os-release"]);
    lines.extend(reads.map(|path| format!(r#"{{"probe":{{"read":{{"path":"{path}"}}}},"answer":{{"read":null}}}}"#)));
    let kernel = r#"{"system":"Linux","host_name":"n","release":"6.1.0","machine":"x86_64"}"#;
    lines.push(format!(r#"{{"probe":{{"uname":null}},"answer":{{"uname":{kernel}}}}}"#));
    lines.push(r#"{"probe":{"read":{"path":"/etc/motd"}},"answer":{"read":"well come\n"}}"#.to_string());
    lines.push(r#"{"probe":{"stat":{"path":"/etc/later"}},"answer":{"stat":null}}"#.to_string());
    lines.push(format!(r#"{{"end":{{"observations":{}}}}}"#, lines.len() - 1));
    lines.join("\n") + "\n"
}

fn test(tests: &[(&str, &str)], more: &[&str]) -> Ran {
    let folder = profile(tests);
    probity_in(folder.path(), &[&["test", "p"], more].concat())
}

#[test]
fn a_test_says_what_is_not_as_expected() {
    let began = std::time::Instant::now();
    let good = "recording: tests/node.recording\nattributes: {word: come}\n\
                expect: {motd: passed, later: {outcome: failed, message: does not exist}, \"*\": passed}\n";
    let bad = "recording: tests/node.recording\nattributes: {word: gone}\n\
               expect: {motd: passed, later: {outcome: failed, message: on fire}}\n";
    let ran = test(&[("good.yml", good), ("bad.yml", bad)], &[]);
    assert_eq!(ran.code, 100, "{}{}", ran.stdout, ran.stderr);
    let expected =
        "p/tests/bad.yml: 0 of 2 controls as expected\n  motd: expected passed, got failed\n    controls/a.lua:2: ";
    assert!(ran.stdout.starts_with(expected), "{}", ran.stdout);
    assert!(ran.stdout.contains("later: expected failed with \"on fire\", got failed"), "{}", ran.stdout);
    assert!(ran.stdout.contains("p/tests/good.yml: 3 of 3 controls as expected\n1 of 2 tests failed\n"));
    assert!(began.elapsed().as_secs() < 25, "answers that stay the same are not waited for");
    let ran = test(&[("good.yml", good)], &["--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &document["tests"][0]["passed"]), (0, &serde_json::json!(true)));
}

#[test]
fn what_is_wrong_with_a_test_is_said_with_its_place() {
    let refused = |text: &str| {
        let ran = test(&[("t.yml", text)], &[]);
        assert_eq!(ran.code, 1, "{text}\n{}", ran.stdout);
        ran.stderr
    };
    let case = |rest: &str| format!("recording: tests/node.recording\nattributes: {{word: x}}\n{rest}");
    for (text, said) in [
        (case("expect: {modt: passed}\n"), "p/tests/t.yml:3:10: the profile has no control modt"),
        (case("expect: {modt: passed}\n"), "did you mean motd?"),
        (case("expect: {motd: pased}\n"), "did you mean passed?"),
        (case("expect: {motd: waived}\n"), "\"waived\" is no outcome of motd"),
        (case("expect: {motd: {outcome: failed, mesage: x}}\n"), "did you mean message?"),
        (case("expect: {motd: {message: x}}\n"), "motd has no outcome"),
        (case("expect: {motd: [passed]}\n"), "a list is no outcome of motd"),
        (case("expect: {}\n"), "not a map of controls to outcomes"),
        (case(""), "the test has no expect"),
        (case("expekt: {motd: passed}\n"), "did you mean expect?"),
        ("expect: {motd: passed}\n".to_string(), "the test has no recording"),
        ("recording: node.recording\nexpect: {motd: passed}\n".to_string(), "write tests/node.recording"),
        ("recording: tests/nod.recording\nexpect: {motd: passed}\n".to_string(), "did you mean tests/node.recording?"),
        ("recording: [a]\nexpect: {motd: passed}\n".to_string(), "recording is a list"),
        ("recording: profile.yml\nattributes: {word: x}\nexpect: {motd: passed}\n".to_string(), "is no recording"),
        ("recording: tests/node.recording\nexpect: {motd: passed}\n".to_string(), "word"),
        ("recording: tests/node.recording\nattributes: {wort: x}\nexpect: {motd: passed}\n".to_string(), "t.yml:2:14"),
    ] {
        let found = refused(&text);
        assert!(found.contains(said), "{text}\n{found}");
    }
    let ran = test(&[], &[]);
    assert!(ran.code == 1 && ran.stderr.contains("the profile has no test"), "{}", ran.stderr);
}

#[test]
fn an_archive_holds_its_tests() {
    let good = "recording: tests/node.recording\nattributes: {word: come}\nexpect: {motd: passed}\n";
    let folder = profile(&[("good.yml", good)]);
    assert_eq!(probity_in(folder.path(), &["archive", "p"]).code, 0);
    let ran = probity_in(folder.path(), &["test", "p-1.0.0.tar.gz"]);
    assert_eq!((ran.code, ran.stdout.ends_with("1 test passed\n")), (0, true), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_recording_that_cannot_be_written_or_read_is_named() {
    let ran = probity(&["exec", "-e", "describe(1):it(eq(1))", "--record", "/proc/x.recording"]);
    let said = ran.stderr.contains("recording") && ran.stderr.contains("/proc/x.recording");
    assert!(ran.code == 1 && said, "{}", ran.stderr);
    let ran = probity(&["exec", "-e", "describe(1):it(eq(1))", "-t", "recording:///nowhere.recording"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(ran.code == 102 && said.contains("no such recording"), "{said}");
}
