//! The HTML report in a real Chromium, opened from a disk: `npm install` in `tests/html`
//! fetches what drives it.

// The made-up run of the reporters' own tests; it names what it uses as they do.
#[allow(dead_code, reason = "the unit tests use the rest")]
#[path = "../src/report/sample.rs"]
mod sample;
mod support;

use probity::report::{Options, Outputs, Reporter, Spec};
use probity::{results, value};
use results::{NodeStarted, RunEvent, Stamped};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Takes the events of a run to a page as `--reporter html:PATH` does.
fn write(path: &Path, run: impl FnOnce(&mut dyn FnMut(&Stamped))) {
    let specs: Vec<Spec> = vec![format!("html:{}", path.display()).parse().unwrap()];
    let mut outputs = Outputs::open(&specs, &Options::default()).unwrap();
    run(&mut |event| outputs.event(event));
    outputs.finish().unwrap();
}

/// What was seen of a page; `None` where there is no Chromium or nothing to drive it.
fn browse(scenario: &str, run: impl FnOnce(&mut dyn FnMut(&Stamped))) -> Option<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/html");
    let node = |args: &[&str]| Command::new("node").args(args).current_dir(&folder).output();
    let chromium = Path::new("/usr/bin/chromium").exists() || std::env::var_os("CHROMIUM").is_some();
    if !chromium || !node(&["-e", "require('puppeteer-core')"]).is_ok_and(|output| output.status.success()) {
        let need = "chromium, node and puppeteer-core (npm install in tests/html)";
        assert!(!support::required("chromium"), "this test needs {need}, which PROBITY_REQUIRE says must be here");
        support::skipped("the HTML report in a browser", need);
        return None;
    }
    let kept = tempfile::tempdir().unwrap();
    let path = kept.path().join("report.html");
    write(&path, run);
    let size = std::fs::metadata(&path).unwrap().len();
    let output = node(&["check.js", scenario, &path.display().to_string()]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!(
        "{scenario}: {size} bytes, open in {} ms, printed in {} ms",
        seen["milliseconds"], seen["print"]["milliseconds"]
    );
    for kind in ["console", "dialogs", "requests"] {
        assert!(seen[kind].as_array().unwrap().is_empty(), "{kind}: {}", seen[kind]);
    }
    Some(seen)
}

fn each(events: Vec<Stamped>) -> impl FnOnce(&mut dyn FnMut(&Stamped)) {
    move |send| events.iter().for_each(send)
}

fn words<'a>(seen: &'a Value, key: &str) -> &'a str {
    seen[key].as_str().unwrap_or_else(|| panic!("no text {key} in {seen}"))
}

fn holds(seen: &Value, key: &str, parts: &[&str]) {
    let text = words(seen, key);
    for part in parts {
        assert!(text.contains(part), "{part:?} in {key}: {text}");
    }
}

/// What holds of a page about any number of nodes.
fn tour(seen: &Value, nodes: usize) {
    assert_eq!(seen["nodes"], nodes);
    assert_eq!(seen["plainIsGone"], true);
    holds(
        seen,
        "opened",
        &["expected", "found", "evidence", "stat /etc/shadow", "controls/sample.lua:12", "Lua of the control"],
    );
    assert!(words(seen, "hashOpen").contains("open="), "{seen}");
    let only = &seen["failedOnly"];
    assert!(only["hash"].as_str().unwrap().starts_with("#outcome=failed"), "{only}");
    assert!(only["rows"] == only["bad"] && only["rows"].as_u64() < seen["rows"].as_u64(), "{only}");
    assert_eq!(seen["bothOnly"], "#outcome=failed.errored");
    assert_eq!(seen["allAgain"], seen["rows"]);
    holds(seen, "nothingLeft", &["No result is left"]);
    assert_eq!(seen["found"], serde_json::json!(["sshd-root-login"]));
    assert_eq!(seen["restored"], serde_json::json!({ "same": true, "search": "permitrootlogin" }));
    assert_eq!(words(seen, "slash"), "search");
    holds(seen, "facts", &["Target", "ssh://admin@"]);
    assert_eq!(seen["jump"], serde_json::json!({ "stays": true, "focus": "nodes-title" }));
    holds(seen, "mapText", &["sshd-root-login", "failed on"]);
    let keyboard = &seen["keyboard"];
    assert_ne!(keyboard["first"], keyboard["second"], "the arrow keys move");
    assert_eq!(keyboard["first"], keyboard["back"]);
    assert!(keyboard["hash"].as_str().unwrap().contains("control="), "{keyboard}");
    assert_eq!(
        seen["chosen"],
        serde_json::json!({ "rows": 1, "open": 1 }),
        "Enter chooses a cell and opens its control"
    );
    assert!(!words(seen, "cleared").contains("control="), "{}", seen["cleared"]);
    assert!(words(seen, "outline").starts_with("solid toggle"), "the focus is seen: {}", seen["outline"]);
    assert_eq!(seen["byKey"], serde_json::json!(["true", "false", "true"]), "it was opened above");
    assert_eq!(seen["unnamed"], serde_json::json!([]), "everything that can be used has a name");
    assert_eq!((&seen["light"], &seen["lightAgain"]), (&"rgb(244, 245, 247)".into(), &"rgb(244, 245, 247)".into()));
    assert_eq!(seen["dark"], "rgb(15, 18, 22)");
    assert_eq!(seen["print"]["isPdf"], "%PDF-");
    assert_eq!(seen["afterPrint"], 0, "what print opened is closed again");
    let paper = &seen["onPaper"];
    assert_eq!(paper["ground"], "rgb(255, 255, 255)", "paper is white whatever the screen is");
    assert!(paper["bad"].as_u64().unwrap() > 0 && paper["bad"] == paper["open"], "{paper}");
    assert!(paper["map"].as_u64().unwrap() > 5 && paper["canvas"] == 0, "the map is drawn anew for paper: {paper}");
    assert_eq!(paper["bar"], false);
    assert_eq!(paper["nodes"], nodes);
}

#[test]
fn a_page_about_one_node() {
    let Some(seen) = browse("tour", each(sample::every_outcome())) else { return };
    tour(&seen, 1);
    holds(
        &seen,
        "verdict",
        &["Failed", "1 control failed on the node.", "1 control could not be checked on the node."],
    );
    assert_eq!(seen["rows"], 7);
    assert_eq!(seen["order"], serde_json::json!(["sshd-root-login", "time-sync"]), "by impact");
    holds(&seen, "opened", &["Set PermitRootLogin no", "AC-6", "sshd_config(5)", "\"yes\"", "no user bob"]);
    assert_eq!(seen["onPaper"]["names"], false, "there is one node, which is named once");
}

#[test]
fn a_page_about_twenty_nodes() {
    let Some(seen) = browse("tour", |send| sample::each_of_many(20, 160, send)) else { return };
    tour(&seen, 20);
    map(&seen);
}

#[test]
fn a_page_about_a_thousand_nodes() {
    let Some(seen) = browse("tour", |send| sample::each_of_many(1000, 160, send)) else { return };
    tour(&seen, 1000);
    map(&seen);
    let opened = seen["milliseconds"].as_u64().unwrap();
    // Half a second on an idle machine of two cores; tests share theirs.
    assert!(opened < 10_000, "it took {opened} ms to open");
}

/// What holds where the map is one of nodes and controls.
fn map(seen: &Value) {
    assert!(words(seen, "clicked").contains("node=") && words(seen, "clicked").contains("control="), "{seen}");
    assert!(words(seen, "label").contains("control=") && !words(seen, "label").contains("node="), "{seen}");
    let wider = if seen["nodes"] == 20 { Value::from("all are wide") } else { Value::from(true) };
    assert_eq!(seen["wider"], wider);
    assert_eq!(seen["onPaper"]["names"], true);
}

#[test]
fn a_hostile_node_gets_nothing_to_run_and_nothing_out() {
    let attacks = [
        "</script><script>window.hit=1;fetch('http://127.0.0.1:9/a')</script>",
        "\"'><img src=x onerror=window.hit=1><svg onload=window.hit=1><iframe src=\"http://127.0.0.1:9/b\"></iframe>",
        "javascript:window.hit=1//",
        "<!--<script>\u{2028}window.hit=1",
        "</style></title></textarea><base href=//127.0.0.1:9/><link rel=stylesheet href=//127.0.0.1:9/c>{{run}}",
        "__proto__",
    ];
    for attack in attacks {
        let Some(seen) = browse("hostile", each(sample::every_text(attack))) else { return };
        assert_eq!(seen["ran"], false, "{attack}");
        assert_eq!(seen["foreign"], serde_json::json!([]), "{attack}");
        assert_eq!((&seen["scripts"], &seen["styles"]), (&2.into(), &1.into()), "{attack}");
        assert_eq!(seen["handlers"], serde_json::json!([]), "{attack}");
        assert_eq!(
            seen["links"],
            serde_json::json!([
                "data:,",
                "#list-title",
                "#map-title",
                "#list-title",
                "#nodes-title",
                "#waivers-title",
                "#attributes-title",
                "#profiles-title"
            ]),
            "{attack}"
        );
        assert_eq!(seen["policy"], true);
        // Every kind of text is shown, as text.
        let shown = attack.replace('\u{2028}', "\u{fffd}");
        let times = words(&seen, "body").matches(shown.split(['<', '\u{fffd}']).next_back().unwrap()).count();
        assert!(times > 40, "{attack} is shown {times} times");
    }
}

#[test]
fn without_scripts_and_styles_the_essentials_are_there() {
    let mut events = sample::three_nodes();
    let stage = RunEvent::StageFinished(Box::new(sample::stage("fleet", probity::results::Outcome::Errored)));
    events.insert(1, Stamped { event: stage, ..events[0].clone() });
    let Some(seen) = browse("bare", each(events)) else { return };
    for key in ["withoutScripts", "inJenkins"] {
        let parts = [
            "Failed",
            "1 control failed on 1 of 3 nodes.",
            "Stage fleet (provision) of pipeline lab could not be done",
            "sshd-root-login",
            "Set PermitRootLogin no",
            "\"yes\"",
            "connection refused",
            "old printers need it",
            "This is the short form of the page",
        ];
        holds(&seen, key, &parts);
        assert!(!words(&seen, key).contains("Map"), "what needs scripts is out of sight");
    }
    assert_eq!(seen["inJenkinsApp"], false);
}

#[test]
fn every_node_is_listed_even_one_without_any_result() {
    let dead =
        NodeStarted { error: Some("no route to host".into()), platform: None, user: None, ..sample::node("db1") };
    let mut events = sample::run(vec![
        sample::node_events(sample::node("web1"), sample::controls("web1")),
        sample::node_events(dead, Vec::new()),
        sample::node_events(sample::node("web2"), Vec::new()),
    ]);
    // Before its profiles were known.
    events.retain(|event| !matches!(&event.event, RunEvent::ProfileStarted(started) if &*started.node == "db1"));
    let Some(seen) = browse("listed", each(events)) else { return };
    let nodes: Vec<&str> = seen["nodes"].as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    assert!(
        nodes
            .iter()
            .any(|row| row.starts_with("db1") && row.contains("out of reach") && row.contains("no route to host")),
        "{nodes:?}"
    );
    let Some(nothing) = browse("listed", each(Vec::new())) else { return };
    holds(&nothing, "body", &["No control was heard of.", "No node was heard of.", "No profile was heard of."]);
}

#[test]
fn runs_that_ended_in_all_ways_open() {
    for (events, said) in [
        (Vec::new(), "Interrupted"),
        (sample::run(Vec::new()), "Nothing was checked"),
        (sample::every_outcome().into_iter().take(4).collect(), "Interrupted"),
    ] {
        let Some(seen) = browse("bare", each(events)) else { return };
        holds(&seen, "withoutScripts", &[said]);
    }
}
