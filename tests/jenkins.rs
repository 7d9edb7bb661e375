//! JUnit reports as their readers read them: Jenkins' plugin, by its rules (`jenkins/plugin.rs`), and
//! junitparser and junit2html from PyPI.

#[path = "jenkins/plugin.rs"]
mod plugin;
// The made-up run of the reporters' own tests; it names what it uses as they do.
#[allow(dead_code, reason = "the unit tests use the rest")]
#[path = "../src/report/sample.rs"]
mod sample;
mod support;

use plugin::{CaseResult, Status, TestResult, time_to_float};
use probity::report::{Options, Outputs, Reporter, Spec};
use probity::{results, value};
use results::{Outcome, RunEvent, Stamped};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::probity_in;

const CONTROLS: &str = r#"
control "there" { title = "A file that is there", check = function() describe(file "/etc/hosts"):exists() end }
control "gone" { title = "A file that is not", check = function() describe(file "/nowhere"):exists() end }
control "odd" {
  title = "Markup <b>&\"'\27[31m ]]>",
  check = function() describe("]]>\1\27[2J\n</failure><testcase name='x'/>", "what it says"):it(eq "x") end,
}
control "apart" { title = "v1.2.3 of it", check = function() skip("not <now>") end }
control "elsewhere" { check = function() not_applicable("of another world") end }
control "broken" { check = function() error("broken") end }
control "accepted" { check = function() describe(1):it(eq(2)) end }
"#;

/// A folder with a profile of every outcome and images of two machines.
fn site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("site/profile.yml", "name: site\nversion: 1.0.0\ntitle: A site\n");
    write("site/controls/all.lua", CONTROLS);
    write("waivers.yml", "- id: accepted\n  justification: until it is replaced\n  until: 2999-01-01\n");
    for name in ["one", "two"] {
        write(&format!("{name}/etc/os-release"), "ID=debian\nVERSION_ID=12\n");
        write(&format!("{name}/etc/hosts"), "127.0.0.1 localhost\n");
    }
    folder
}

/// Runs the site's profile; gives the JUnit report and the whole run.
fn run(folder: &Path, reporter: &str, targets: &[&str]) -> (String, Value) {
    let junit = format!("{reporter}:out.xml");
    let mut arguments = vec!["exec", "site", "--waivers", "waivers.yml"];
    let targets: Vec<String> =
        targets.iter().map(|target| target.replace("HERE", &folder.display().to_string())).collect();
    targets.iter().for_each(|target| arguments.extend(["-t", target]));
    arguments.extend(["--reporter", &junit, "run-json:out.json", "ndjson:out.ndjson"]);
    let ran = probity_in(folder, &arguments);
    assert_eq!(ran.code, 100, "{}{}", ran.stdout, ran.stderr);
    read(folder, "out")
}

fn read(folder: &Path, name: &str) -> (String, Value) {
    let text = |ending: &str| std::fs::read_to_string(folder.join(format!("{name}.{ending}"))).unwrap();
    (text("xml"), serde_json::from_str(&text("json")).unwrap())
}

const NODES: &[&str] = &["web.1=rootfs://HERE/one", "web_1=rootfs://HERE/two", "dead=rootfs://HERE/three"];

/// The run that was made last, with stages of a pipeline before its nodes.
fn with_stages(folder: &Path, output: &str) -> (String, Value) {
    let events = std::fs::read_to_string(folder.join("out.ndjson")).unwrap();
    let (first, rest) = events.split_once('\n').unwrap();
    let stage = |name: &str, outcome: &str, reason: Option<&str>| {
        serde_json::json!({
            "sequence": 0, "time": "2026-11-20T10:00:00.000Z", "event": "stage_finished", "pipeline": "lab.v2",
            "stage": name, "kind": "provision", "outcome": outcome, "reason": reason, "what": "make <lab>",
            "attempts": 1, "started": "2026-11-20T09:59:00.000Z", "seconds": 60.0, "log": "out/make.log",
            "output": reason.map(|_| output),
        })
        .to_string()
    };
    let stages = [
        stage("up", "passed", None),
        stage("wait", "errored", Some("2 of 3 nodes do not answer ]]> <x>")),
        stage("report", "skipped", Some("stage wait errored")),
        stage("down", "not_applicable", Some("nothing was asked to be torn down")),
    ];
    std::fs::write(folder.join("stages.ndjson"), format!("{first}\n{}\n{rest}", stages.join("\n"))).unwrap();
    let reports = ["report", "convert", "stages.ndjson", "--reporter", "junit:stages.xml", "run-json:stages.json"];
    let ran = probity_in(folder, &reports);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    read(folder, "stages")
}

/// What Jenkins has to read of each outcome.
fn status(outcome: &str) -> Status {
    match outcome {
        "passed" => Status::Passed,
        "failed" | "errored" => Status::Failed,
        _ => Status::Skipped,
    }
}

/// Reads a report by the plugin's rules and holds it against the run it tells of.
fn check(xml: &str, whole: &Value) -> TestResult {
    assert!(xml.chars().all(is_char_of_xml), "a character that XML 1.0 does not have");
    let mut read = TestResult::default();
    read.parse("out.xml", xml);
    // `SuiteResult.parseSuite`, `TestResult.add`: none vanished for being empty, none was taken into another.
    assert_eq!(read.suites.len(), xml.matches("<testsuite ").count());
    let names: HashSet<&str> = read.suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names.len(), read.suites.len(), "{names:?}");
    let ids: HashSet<_> = read.suites.iter().map(|suite| suite.id.clone().unwrap()).collect();
    assert_eq!(ids.len(), read.suites.len(), "{ids:?}");
    let mut full_names = HashSet::new();
    let mut nodes: HashMap<&str, &str> = HashMap::new();
    for suite in &read.suites {
        for case in &suite.cases {
            case_is_well(case);
            // `SuiteResult.casesByName`, `CaseResult.getPreviousResult`, `History`: found again by its names.
            assert!(full_names.insert((&suite.name, case.full_name())), "{} twice", case.full_name());
            let found = read.case(&suite.name, &case.full_name()).unwrap();
            assert!(std::ptr::eq(found, case), "{}", case.full_name());
            // A class is one node: nothing of two nodes is put together on the page of a class.
            let of = nodes.entry(&case.class_name).or_insert(&suite.name);
            assert_eq!(*of, suite.name);
        }
        // An instant, read as `Instant.parse` reads it: in UTC with its zone, never a local time.
        let stamp = suite.timestamp.as_deref().unwrap();
        assert!(stamp.ends_with('Z') && stamp.parse::<jiff::Timestamp>().is_ok(), "{stamp}");
    }
    for node in whole["nodes"].as_array().unwrap() {
        let name = node["node"].as_str().unwrap();
        for profile in node["profiles"].as_array().unwrap() {
            let suite = format!("{}@{name}", profile["profile"].as_str().unwrap());
            let suite = read.suites.iter().find(|found| found.name == suite).unwrap_or_else(|| panic!("{suite}"));
            let reached = &suite.cases[0];
            assert_eq!(reached.name(), "node reached and profile loaded");
            let dead = node["error"].as_str();
            assert_eq!(reached.status(), if dead.is_some() { Status::Failed } else { Status::Passed });
            assert_eq!(reached.error_details.as_deref(), dead);
            let controls = profile["controls"].as_array().unwrap();
            assert_eq!(suite.cases.len(), controls.len() + 1);
            for (case, control) in suite.cases[1..].iter().zip(controls) {
                assert!(
                    case.name().starts_with(&format!("{} ", control["control"].as_str().unwrap()))
                        || case.name() == control["control"]
                );
                assert_eq!(case.status(), status(control["outcome"].as_str().unwrap()), "{}", case.name());
                let seconds = control["seconds"].as_f64().unwrap();
                assert!((f64::from(case.duration) - seconds).abs() < 0.001, "{} {seconds}", case.duration);
                if let Some(reason) = control["reason"].as_str().filter(|_| case.skipped) {
                    assert!(case.skipped_message.as_deref().unwrap().contains(reason), "{case:?}");
                }
            }
            let seconds = profile["seconds"].as_f64().unwrap();
            assert!((f64::from(suite.duration) - seconds).abs() < 0.001, "{} {seconds}", suite.duration);
        }
    }
    read
}

/// What has to hold of every case, whatever it tells.
fn case_is_well(case: &CaseResult) {
    // `CaseResult.getPackageName`: a class without a dot would be under "(root)", an empty one is no link.
    assert_ne!(case.package_name(), "(root)", "{case:?}");
    assert!(!case.simple_name().is_empty() && !case.package_name().contains('.'), "{case:?}");
    assert_ne!(case.name(), "(?)", "{case:?}");
    assert!(!case.class_name.contains('\n') && !case.name().contains('\n'), "{case:?}");
    match case.status() {
        Status::Passed => assert!(case.error_details.is_none()),
        Status::Skipped => {
            let why = case.skipped_message.as_deref().unwrap_or_default();
            assert!(!why.trim().is_empty(), "a skipped case says why: {case:?}");
            assert!(case.error_details.is_none(), "{case:?}");
        }
        Status::Failed => {
            assert!(!case.error_details.as_deref().unwrap_or_default().trim().is_empty(), "{case:?}");
        }
    }
    // `CaseResult.possiblyTrimStdio` has left out nothing.
    assert!(!case.stdout.as_deref().unwrap_or_default().contains("...[truncated"), "{}", case.name());
}

/// `Char` of XML 1.0, 2.2.
fn is_char_of_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[test]
fn real_runs_are_read_as_they_were() {
    let folder = site();
    for targets in [&[][..], &["web1=rootfs://HERE/one"], NODES] {
        let (xml, whole) = run(folder.path(), "junit", targets);
        let read = check(&xml, &whole);
        assert_eq!(read.suites.len(), targets.len().max(1));
    }
    // Nodes whose names differ in a dot alone are two classes.
    let (xml, whole) = run(folder.path(), "junit", NODES);
    let read = check(&xml, &whole);
    let classes: HashSet<&str> = read.cases().map(|case| case.simple_name()).collect();
    assert_eq!(classes.len(), 3, "{classes:?}");
    assert!(read.cases().all(|case| case.package_name() == "site"));
    let odd = read.cases().find(|case| case.name().starts_with("odd ")).unwrap();
    assert!(odd.error_stack_trace.as_deref().unwrap().contains("</failure><testcase name='x'/>"), "{odd:?}");
    let error = read.cases().find(|case| case.name() == "broken").unwrap();
    assert!(error.error_details.as_deref().unwrap().contains("broken"), "{error:?}");

    let (xml, _) = run(folder.path(), "junit,cases=expectation", NODES);
    let mut by_step = TestResult::default();
    by_step.parse("out.xml", &xml);
    by_step.cases().for_each(case_is_well);
    assert!(by_step.cases().any(|case| case.name().contains("/etc/hosts")));
}

#[test]
fn stages_of_a_pipeline_are_read_as_a_suite_of_their_own() {
    let folder = site();
    run(folder.path(), "junit", NODES);
    let output = format!("{}no quota \u{1b}[31mleft\u{1b}[0m ]]>\u{1}\n", "apply … 🚀\n".repeat(20_000));
    let (xml, whole) = with_stages(folder.path(), &output);
    let read = check(&xml, &whole);
    let suite = &read.suites[0];
    assert_eq!((suite.name.as_str(), suite.duration), ("pipeline lab.v2", 60.0));
    let told: Vec<_> = suite.cases.iter().map(|case| (case.name(), case.status())).collect();
    let expected =
        [("up", Status::Passed), ("wait", Status::Failed), ("report", Status::Skipped), ("down", Status::Skipped)];
    assert_eq!(told, expected);
    assert!(suite.cases.iter().all(|case| (case.package_name(), case.simple_name()) == ("pipeline", "lab_v2")));
    let wait = &suite.cases[1];
    assert_eq!(wait.error_details.as_deref(), Some("2 of 3 nodes do not answer ]]> <x>"));
    assert!(wait.error_stack_trace.as_deref().unwrap().contains("what: make <lab>\nlog: out/make.log"));
    assert!(wait.stdout.as_deref().unwrap().ends_with("no quota left ]]>\u{fffd}\n"), "its end is there");
    assert_eq!(suite.cases[2].skipped_message.as_deref(), Some("stage wait errored"));
}

/// What `sample` has, as a report and as the whole run.
fn written(events: &[Stamped]) -> (String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let spec = |reporter: &str, name: &str| format!("{reporter}:{}", at(name).display()).parse::<Spec>().unwrap();
    let mut outputs =
        Outputs::open(&[spec("junit", "out.xml"), spec("run-json", "out.json")], &Options::default()).unwrap();
    events.iter().for_each(|event| outputs.event(event));
    outputs.finish().unwrap();
    read(folder.path(), "out")
}

#[test]
fn made_up_runs_of_every_kind_are_read_as_they_were() {
    for events in [sample::every_outcome(), sample::three_nodes(), sample::many(60, 12)] {
        let (xml, whole) = written(&events);
        check(&xml, &whole);
    }
    let mut stages = sample::three_nodes();
    stages.insert(
        1,
        Stamped {
            event: RunEvent::StageFinished(Box::new(sample::stage("up", Outcome::Errored))),
            ..stages[0].clone()
        },
    );
    let (xml, whole) = written(&stages);
    assert_eq!(check(&xml, &whole).suites[0].name, "pipeline lab");
    // What no XML can hold, and what would end an element, anywhere a text can be.
    for hostile in ["\u{0}\u{1}\u{b}\u{fffe}\u{ffff}", "]]></failure>", "\"'&<>", "a.b/c\\d:e?f#g", "\r\n\t"] {
        let (xml, _) = written(&sample::every_text(hostile));
        assert!(xml.chars().all(is_char_of_xml), "{hostile:?}");
        let mut read = TestResult::default();
        read.parse("out.xml", &xml);
        assert_eq!((read.suites.len(), read.cases().count()), (2, 8), "{hostile:?}");
        assert!(read.cases().all(|case| case.package_name() != "(root)" && !case.simple_name().is_empty()));
    }
}

#[test]
fn a_case_is_found_again_in_the_build_after() {
    let folder = site();
    let keys = |xml: &str| {
        let mut read = TestResult::default();
        read.parse("out.xml", xml);
        read.suites
            .iter()
            .flat_map(|suite| suite.cases.iter().map(|case| (suite.name.clone(), case.full_name())).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let (first, _) = run(folder.path(), "junit", NODES);
    // Another version of the profile, another node in reach, other results.
    std::fs::write(folder.path().join("site/profile.yml"), "name: site\nversion: 2.0.0\n").unwrap();
    let copied = Command::new("cp").args(["-r", "two", "three"]).current_dir(folder.path()).status().unwrap();
    assert!(copied.success());
    std::fs::create_dir(folder.path().join("one/nowhere")).unwrap();
    let (second, _) = run(folder.path(), "junit", NODES);
    assert_ne!(first, second);
    assert_eq!(keys(&first), keys(&second), "names hold no version, no time and no result");
}

#[test]
fn the_rules_themselves_bite() {
    let mut read = TestResult::default();
    read.parse("empty.xml", "");
    read.parse("cut.xml", "<testsuites><testsuite name=\"a\">");
    read.parse("none.xml", "<testsuites><testsuite name=\"vanishes\" tests=\"3\"/></testsuites>");
    assert_eq!(read.suites.iter().map(|suite| suite.name.as_str()).collect::<Vec<_>>(), ["empty.xml", "cut.xml"]);
    assert!(read.cases().all(|case| case.status() == Status::Failed));

    let mut read = TestResult::default();
    let suite =
        |id: &str| format!("<testsuite name=\"a/b\" {id} time=\"1,000.5\"><testcase name=\"x.y\"/></testsuite>");
    read.parse("one.xml", &suite("id=\"1\""));
    read.parse("two.xml", &suite("id=\"2\""));
    assert_eq!(read.suites.len(), 2);
    read.parse("three.xml", &suite(""));
    assert_eq!((read.suites.len(), read.suites[0].cases.len()), (2, 2), "no id is any id");
    assert_eq!((read.suites[0].name.as_str(), read.suites[0].duration), ("a_b", 2001.0));
    assert_eq!(read.suites[0].cases[0].class_name, "a/b");
    assert_eq!([time_to_float("1e3"), time_to_float("soon"), time_to_float("-1")], [1000.0, 0.0, -1.0]);

    let case = |inner: &str| {
        let mut read = TestResult::default();
        read.parse(
            "a.xml",
            &format!("<testsuite><testcase name=\"n\" classname=\"c\" time=\"-5\">{inner}</testcase></testsuite>"),
        );
        read.suites[0].cases[0].clone()
    };
    let both = case("<failure message=\"f\">1</failure><error message=\"e\">2</error>");
    assert_eq!((both.error_details.as_deref(), both.error_stack_trace.as_deref()), (Some("e"), Some("2")));
    assert_eq!(case("<skipped>why</skipped><failure/>").status(), Status::Skipped);
    assert_eq!(case("<skipped>why</skipped>").skipped_message.as_deref(), Some("why"));
    assert_eq!((case("").duration, case("").package_name()), (0.0, "(root)"));
    let long = "x".repeat(1200);
    let out = case(&format!("<system-out>{long}</system-out>")).stdout.unwrap();
    assert!(out.contains("...[truncated 200 chars]..."), "{out}");
    assert_eq!(case(&format!("<failure/><system-out>{long}</system-out>")).stdout.unwrap(), long);
    // A run of nothing is no suite: Jenkins' step fails for it unless it allows empty results.
    let mut read = TestResult::default();
    read.parse("out.xml", &written(&sample::run(Vec::new())).0);
    assert!(read.suites.is_empty());
}

/// The Python that has both readers, and `None` where there is none.
fn python() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    let both = "import junitparser, junit2htmlreport";
    let has =
        |python: &PathBuf| Command::new(python).args(["-c", both]).output().is_ok_and(|output| output.status.success());
    let found = [installed, PathBuf::from("python3")].into_iter().find(has);
    if found.is_none() {
        let need = "junitparser and junit2html (pip install in a venv at target/venv)";
        assert!(!support::required("junitparser"), "this test needs {need}, which PROBITY_REQUIRE says must be here");
        support::skipped("JUnit as junitparser and junit2html read it", need);
    }
    found
}

#[test]
fn junitparser_and_junit2html_read_what_jenkins_reads() {
    let Some(python) = python() else { return };
    let folder = site();
    run(folder.path(), "junit", NODES);
    with_stages(folder.path(), "no quota left ]]>\u{1}");
    let (made_up, _) = written(&sample::many(20, 12));
    std::fs::write(folder.path().join("made-up.xml"), made_up).unwrap();
    for name in ["out.xml", "stages.xml", "made-up.xml"] {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jenkins/readers.py");
        let output =
            Command::new(&python).arg(script).args([name, "page.html"]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let suites: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let xml = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let mut jenkins = TestResult::default();
        jenkins.parse(name, &xml);
        assert_eq!(suites.len(), jenkins.suites.len());
        for (suite, known) in suites.iter().zip(&jenkins.suites) {
            assert_eq!(suite["name"], known.name);
            assert!(suite["properties"]["run"].is_string(), "{suite}");
            let cases = suite["cases"].as_array().unwrap();
            let mut counts = [cases.len(), 0, 0, 0];
            for (case, known) in cases.iter().zip(&known.cases) {
                assert_eq!(
                    (&case["name"], &case["classname"]),
                    (&known.test_name.as_str().into(), &known.class_name.as_str().into())
                );
                assert!((case["time"].as_f64().unwrap() - f64::from(known.duration)).abs() < 0.001);
                let result = case["results"][0][0].as_str().unwrap_or("passed");
                let kind = ["passed", "failure", "error", "skipped"].iter().position(|kind| *kind == result).unwrap();
                if kind > 0 {
                    counts[kind] += 1;
                }
                let status = [Status::Passed, Status::Failed, Status::Failed, Status::Skipped][kind];
                assert_eq!(status, known.status(), "{case}");
                let message = known.error_details.as_deref().or(known.skipped_message.as_deref());
                assert_eq!(case["results"][0][1].as_str(), message);
            }
            assert_eq!(suite["counts"], serde_json::json!(counts), "the counts written are those of the cases");
        }
        let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
        for case in jenkins.cases() {
            let name = case.name().split(['<', '&', '"', '\'']).next().unwrap();
            assert!(page.contains(name), "{name} is not on the page of junit2html");
        }
    }
}
