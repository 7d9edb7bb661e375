use super::*;
use crate::report::sample;
use crate::results::diff::Snapshot;
use crate::results::event::ControlFinished;
use crate::results::{RunEvent, Stamped};

fn of(old: &[Stamped], new: &[Stamped]) -> Diff {
    let snapshot = |events: &[Stamped]| {
        let mut snapshot = Snapshot::default();
        events.iter().for_each(|event| snapshot.event(event));
        snapshot
    };
    Diff::of(&snapshot(old), &snapshot(new))
}

/// A fleet, and what became of it: one fault more on some nodes, one less, a node gone, one new.
fn fleet(nodes: usize) -> Diff {
    let old = sample::many(nodes, 12);
    let mut new = sample::many(nodes + 1, 12);
    new.retain(|event| event.event.node().is_none_or(|node| &**node != "web002.example.org"));
    for event in &mut new {
        let RunEvent::ControlFinished(control) = &mut event.event else { continue };
        let number: usize = control.node.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
        match (&*control.control.id, number % 9) {
            ("shadow-mode", 5) if control.outcome == Outcome::Passed => *control = failed(control),
            ("sshd-root-login", _) if control.outcome == Outcome::Failed && number < 12 => {
                (control.outcome, control.steps) = (Outcome::Passed, Vec::new());
            }
            _ => {}
        }
    }
    of(&old, &new)
}

fn failed(control: &ControlFinished) -> Box<ControlFinished> {
    let sentence = "File /etc/shadow mode is at most \"0640\"";
    let step = sample::step(Outcome::Failed, sentence, Some("at most \"0640\""), Some("\"0644\""));
    Box::new(ControlFinished { outcome: Outcome::Failed, steps: vec![step], ..control.clone() })
}

#[test]
fn a_thousand_nodes_stay_a_page() {
    let look = Look::default();
    let (twenty, thousand) = (text(&fleet(20), &look, false), text(&fleet(1000), &look, false));
    assert!(twenty.lines().count() < 60, "{twenty}");
    assert!(thousand.lines().count() < 160, "{}", thousand.lines().count());
    assert!(thousand.lines().all(|line| text::columns(line) <= look.width), "{thousand}");
    assert!(twenty.contains("Newly failed\n  ✖ shadow-mode"), "{twenty}");
    let line = twenty.lines().find(|line| line.contains("✖ shadow-mode")).unwrap();
    assert!(line.contains("failed on 2 nodes: web005.example.org, web014.example.org"), "{line}");
    assert!(twenty.contains("- web002.example.org"), "{twenty}");
    assert!(twenty.contains("✔ sshd-root-login  passed on 1 node (failed before): web003.example.org"), "{twenty}");
    assert!(twenty.contains("Fixed\n  ✔ sshd-root-login"), "{twenty}");
}

#[test]
fn one_node_is_not_named_over_and_over() {
    let controls = |outcome| {
        let mut controls = sample::controls("web1");
        controls[0].outcome = outcome;
        sample::run(vec![sample::node_events(sample::node("web1"), controls)])
    };
    let page = text(&of(&controls(Outcome::Passed), &controls(Outcome::Failed)), &Look::default(), true);
    assert!(page.contains("✖ shadow-mode  failed, passed before"), "{page}");
    assert!(!page.contains("on 1 node") && !page.contains("web1"), "{page}");
    assert!(page.contains("Failed or errored in both"), "{page}");
    assert!(page.trim_end().lines().last().unwrap().starts_with("worse: 1 newly failed, "), "{page}");
    let same = text(&of(&controls(Outcome::Passed), &controls(Outcome::Passed)), &Look::default(), false);
    assert!(same.contains("Nothing changed.\nnot worse: "), "{same}");
}

#[test]
fn hostile_texts_do_not_leave_their_line() {
    let hostile = "\u{1b}[2J\r\nNewly failed\u{202e}";
    let other = sample::every_text(&format!("{hostile}2"));
    let mut changed = sample::every_text(hostile);
    for event in &mut changed {
        match &mut event.event {
            RunEvent::ControlFinished(control) => control.outcome = Outcome::Failed,
            RunEvent::ProfileStarted(started) => started.attributes[0].value = 7i64.into(),
            _ => {}
        }
    }
    for diff in [of(&sample::every_text(hostile), &changed), of(&other, &changed)] {
        let page = text(&diff, &Look::default(), true);
        assert!(!page.contains(['\u{1b}', '\r', '\u{202e}']), "{page:?}");
        assert!(page.lines().filter(|line| line.starts_with("Newly failed")).count() <= 1, "{page}");
    }
}

#[test]
fn the_document_names_its_format_and_holds_every_list() {
    let document: serde_json::Value = serde_json::from_str(&json(&fleet(20))).unwrap();
    assert!(json(&fleet(20)).starts_with("{\n  \"format\": \"probity/diff\",\n  \"version\": 1,\n  \"worse\": true"));
    for list in ["controls", "found", "selected", "nodes", "profiles", "attributes", "stages"] {
        assert!(document[list].is_array(), "{list}");
    }
    let change = document["controls"].as_array().unwrap().iter().find(|change| change["control"] == "shadow-mode");
    let change = change.unwrap();
    assert_eq!(
        (&change["change"], &change["from"], &change["to"]),
        (&"newly_failed".into(), &"passed".into(), &"failed".into())
    );
    assert_eq!(change["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(document["nodes"][0]["change"], "still_lost");
}
