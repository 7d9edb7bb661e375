use super::*;
use crate::report::sample;
use crate::results::Stamped;
use crate::results::event::NodeStarted;
use std::path::PathBuf;

fn page(look: Look, events: &[Stamped]) -> String {
    sample::written(Cli::new(&Options { look, ..Options::default() }), events)
}

/// Compares with the page on file; `PROBITY_UPDATE_GOLDEN=1` writes it anew, to be looked
/// at before it is committed.
fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name);
    if std::env::var_os("PROBITY_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(text == expected, "{name} differs; PROBITY_UPDATE_GOLDEN=1 writes it anew\n{text}");
}

#[test]
fn a_page_of_every_outcome() {
    let look = Look { width: 80, ..Look::default() };
    golden("cli.txt", &page(look, &sample::every_outcome()));
}

#[test]
fn a_page_in_colour() {
    let look = Look { width: 80, colour: true, ..Look::default() };
    golden("cli-colour.txt", &page(look, &sample::every_outcome()));
}

#[test]
fn a_page_of_three_nodes_in_ascii() {
    let look = Look { width: 80, unicode: false, ..Look::default() };
    let text = page(look, &sample::three_nodes());
    assert!(text.is_ascii(), "{text}");
    golden("cli-nodes.txt", &text);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = page(Look { width: 60, ..Look::default() }, &sample::three_nodes());
    let painted = page(Look { width: 60, colour: true, ..Look::default() }, &sample::three_nodes());
    assert_eq!(text::clean(&painted), plain);
    assert_ne!(painted, plain);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [40, 72, 120] {
        let text = page(Look { width, ..Look::default() }, &sample::three_nodes());
        // The tables need their columns; a node's facts and a place stay in one piece.
        let body = text.split("Profile ").next().unwrap();
        for line in body.lines().filter(|line| !line.contains("ssh://") && !line.contains(".lua:")) {
            assert!(text::columns(line) <= width, "{width}: {line}");
        }
    }
}

#[test]
fn a_value_from_a_node_cannot_write_to_the_terminal() {
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\nall passed\u{202e}";
    let steps = vec![sample::step(Outcome::Failed, hostile, Some(hostile), Some(&format!("x{hostile}")))];
    let mut control = sample::control("web1", sample::summary("a", hostile), Outcome::Failed, steps);
    control.reason = Some(hostile.into());
    let node = NodeStarted { error: Some(hostile.into()), ..sample::node("web1") };
    let text = page(Look::default(), &sample::run(vec![sample::node_events(node, vec![control])]));
    assert!(!text.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{text}");
}

#[test]
fn long_values_and_many_steps_are_bounded() {
    let long = "x".repeat(100_000);
    let step = sample::step(Outcome::Failed, "it is short", Some("short"), Some(&long));
    let control = sample::control("web1", sample::summary("a", "b"), Outcome::Failed, vec![step; 500]);
    let text = page(Look::default(), &sample::run(vec![sample::node_events(sample::node("web1"), vec![control])]));
    assert!(text.len() < 25_000, "{}", text.len());
    assert!(text.contains("(99400 more characters)") && text.contains("and 480 more"), "{text}");
}

#[test]
fn one_reason_for_a_whole_profile_is_said_once() {
    let controls: Vec<_> = (0..60)
        .map(|number| ControlFinished {
            reason: Some("it is for Red Hat systems".into()),
            ..sample::control("web1", sample::summary(&format!("c{number}"), "t"), Outcome::NotApplicable, vec![])
        })
        .collect();
    let mut events = sample::node_events(sample::node("web1"), controls);
    if let RunEvent::ProfileStarted(started) = &mut events[1] {
        started.not_applicable = Some("it is for Red Hat systems".into());
    }
    let text = page(Look::default(), &sample::run(vec![events]));
    assert_eq!(text.matches("Red Hat").count(), 1, "{text}");
    assert!(text.contains("60 controls are counted so"), "{text}");
    assert!(text.contains("60 not applicable"), "{text}");
}

#[test]
fn controls_in_a_row_share_their_reason() {
    let elsewhere = |id: &str, reason: &str| ControlFinished {
        reason: Some(reason.into()),
        ..sample::control("web1", sample::summary(id, "t"), Outcome::NotApplicable, vec![])
    };
    let controls = vec![
        elsewhere("a", "a container"),
        elsewhere("b", "a container"),
        elsewhere("c", "no GRUB"),
        elsewhere("d", "no X"),
    ];
    let text = page(Look::default(), &sample::run(vec![sample::node_events(sample::node("web1"), controls)]));
    let body = "  · a  t\n  · b  t\n    these 2 are not applicable: a container\n  \
                · c  t\n    not applicable: no GRUB\n  · d  t\n    not applicable: no X\n\n";
    assert!(text.contains(body), "{text}");
}

#[test]
fn an_interrupted_run_says_what_never_ran() {
    let mut events = sample::every_outcome();
    events.truncate(5);
    let text = page(Look::default(), &events);
    assert!(text.contains("interrupted; 5 of 7 controls did not finish"), "{text}");
}

/// A page about many nodes; its form does not depend on how many controls pass.
fn of_many(nodes: usize, look: Look, verbose: bool) -> String {
    let options = Options { look, verbose, ..Options::default() };
    sample::written(Cli::new(&options), &sample::many(nodes, 12))
}

#[test]
fn a_page_of_twenty_nodes_says_what_they_share() {
    let look = Look { width: 80, unicode: false, ..Look::default() };
    let text = of_many(20, look, true);
    assert!(text.is_ascii(), "{text}");
    golden("cli-20-nodes.txt", &text);
}

#[test]
fn a_page_of_two_hundred_nodes() {
    golden("cli-200-nodes.txt", &of_many(200, Look { width: 80, ..Look::default() }, false));
}

#[test]
fn a_page_of_a_thousand_nodes_stays_readable() {
    let text = of_many(1000, Look { width: 120, ..Look::default() }, false);
    golden("cli-1000-nodes.txt", &text);
    assert!(text.lines().count() < 150, "{}", text.lines().count());
    let painted = of_many(1000, Look { width: 120, colour: true, ..Look::default() }, false);
    assert_eq!(text::clean(&painted), text);
}

#[test]
fn notes_and_costs_of_one_node() {
    let mut events = sample::every_outcome();
    for event in &mut events {
        if let crate::results::RunEvent::NodeFinished(node) = &mut event.event {
            node.notes.push("the agent was not used: /tmp is mounted noexec".into());
        }
    }
    let quiet = page(Look::default(), &events);
    assert!(quiet.contains("\n\n  note: the agent was not used: /tmp is mounted noexec\n\nFailed"), "{quiet}");
    let verbose = Options { verbose: true, ..Options::default() };
    let text = sample::written(Cli::new(&verbose), &events);
    assert!(text.contains("noexec\n  3 rounds, 20 probes asked, 18 sent, 3 KB out, 40 KB in\n\nFailed"), "{text}");
}

#[test]
fn no_text_anywhere_writes_to_the_terminal_or_breaks_the_page() {
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\nall passed\u{202e}";
    // Far more than a column can be wide.
    for text in [hostile.to_string(), "x".repeat(70_000)] {
        let mut events = sample::every_text(&text);
        for nodes in [1, 2] {
            if let crate::results::RunEvent::RunStarted(started) = &mut events[0].event {
                started.nodes = nodes;
            }
            let page = page(Look::default(), &events);
            assert!(!page.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{page:?}");
        }
    }
}

#[test]
fn no_line_about_many_nodes_is_wider_than_the_terminal() {
    for width in [40, 80, 120] {
        let text = of_many(200, Look { width, ..Look::default() }, true);
        let body = text.split("Profile ").next().unwrap();
        for line in body.lines().filter(|line| !line.contains(".lua:")) {
            assert!(text::columns(line) <= width, "{width}: {line}");
        }
    }
}
