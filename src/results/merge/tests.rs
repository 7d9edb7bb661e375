use super::*;
use crate::report::sample;
use crate::results::event::ControlSummary;
use serde_json::json;

/// The events of a run over nodes, with an id and a time of its own.
fn run(id: &str, time: &str, nodes: Vec<Vec<RunEvent>>) -> Vec<Stamped> {
    let mut events = sample::run(nodes);
    for event in &mut events {
        event.time = time.to_string();
        if let RunEvent::RunStarted(started) = &mut event.event {
            started.run = id.into();
        }
    }
    events
}

/// A control of a node that came to `outcome`.
fn control(node: &str, id: &str, outcome: Outcome) -> ControlFinished {
    sample::control(node, sample::summary(id, "One thing"), outcome, Vec::new())
}

/// A node that ran controls of one profile.
fn node(name: &str, controls: &[(&str, Outcome)]) -> Vec<RunEvent> {
    sample::node_events(sample::node(name), controls.iter().map(|(id, outcome)| control(name, id, *outcome)).collect())
}

/// The same with another profile.
fn of_profile(name: &str, sha256: &str, mut events: Vec<RunEvent>) -> Vec<RunEvent> {
    for event in &mut events {
        match event {
            RunEvent::ProfileStarted(started) => {
                let profile = Arc::make_mut(&mut started.profile);
                (profile.name, profile.sha256, profile.version) = (name.into(), sha256.into(), sha256.into());
            }
            RunEvent::ControlFinished(control) => control.profile = name.into(),
            RunEvent::ProfileFinished(finished) => finished.profile = name.into(),
            _ => {}
        }
    }
    events
}

/// The stream in short: what happened where, in order.
fn short(events: &[Stamped]) -> Vec<String> {
    let each = events.iter().map(|event| match &event.event {
        RunEvent::RunStarted(started) => format!("run {} {} {}", started.run, started.nodes, started.controls),
        RunEvent::StageFinished(stage) => format!("stage {} {}", stage.stage, stage.outcome.name()),
        RunEvent::NodeStarted(started) => format!("node {}", started.node),
        RunEvent::ProfileStarted(started) => {
            let ids: Vec<&str> = started.profile.controls.iter().map(|control| &*control.id).collect();
            format!("profile {} {}", started.profile.name, ids.join(","))
        }
        RunEvent::ControlFinished(control) => format!("{} {}", control.control.id, control.outcome.name()),
        RunEvent::ProfileFinished(finished) => format!("end {} {}", finished.profile, finished.tally.total()),
        RunEvent::NodeFinished(finished) => format!("end {} {}", finished.node, finished.tally.total()),
        RunEvent::RunFinished(finished) => format!("end {} {}", finished.tally.total(), finished.interrupted),
    });
    each.collect()
}

fn notes(events: &[Stamped]) -> Vec<&str> {
    let notes = events.iter().filter_map(|event| match &event.event {
        RunEvent::NodeFinished(finished) => Some(finished.notes.iter().map(|note| &**note)),
        _ => None,
    });
    notes.flatten().collect()
}

use Outcome::{Errored, Failed, NotApplicable, Passed};

const MORNING: &str = "2026-11-20T10:00:00.000Z";
const EVENING: &str = "2026-11-20T20:00:00.000Z";

#[test]
fn one_run_alone_comes_out_as_it_was() {
    for events in [sample::every_outcome(), sample::three_nodes(), sample::many(20, 12), sample::every_text("]]>\u{1}")]
    {
        assert_eq!(json!(merge(vec![events.clone()], None)), json!(events));
    }
}

#[test]
fn nodes_and_profiles_of_all_runs_come_once_and_in_order() {
    let first = run("one", MORNING, vec![node("web1", &[("a", Passed)]), node("web2", &[("a", Failed)])]);
    let other = of_profile("ssh", "9.9.9", node("web2", &[("s", Passed), ("t", NotApplicable)]));
    let second = run("two", EVENING, vec![other, node("db1", &[("a", Errored)])]);
    let merged = merge(vec![first, second], Some("all".into()));
    let expected = [
        "run all 3 5",
        "node web1",
        "profile linux-baseline a",
        "a passed",
        "end linux-baseline 1",
        "end web1 1",
        "node web2",
        "profile linux-baseline a",
        "a failed",
        "end linux-baseline 1",
        "profile ssh s,t",
        "s passed",
        "t not_applicable",
        "end ssh 2",
        "end web2 3",
        "node db1",
        "profile linux-baseline a",
        "a errored",
        "end linux-baseline 1",
        "end db1 1",
        "end 5 false",
    ];
    assert_eq!(short(&merged), expected);
    assert!(merged.iter().zip(0..).all(|(event, at)| event.sequence == at));
    assert_eq!(merged[0].time, MORNING);
    assert!(notes(&merged).is_empty(), "nothing was replaced");
    let RunEvent::NodeFinished(web2) = &merged[14].event else { panic!("{:?}", merged[14]) };
    assert_eq!((web2.rounds, web2.asked, web2.sent), (6, 40, 36), "what both took");
    assert_eq!((web2.bytes_sent, web2.bytes_received, web2.seconds), (6000, 80_000, 0.6));
    let RunEvent::RunFinished(end) = &merged[20].event else { panic!() };
    assert_eq!(end.seconds, 1.234 * 2.0, "the hours between are not counted");
    assert_eq!((end.tally.passed, end.tally.failed, end.tally.errored), (2, 1, 1));
}

#[test]
fn of_one_profile_the_later_run_tells_what_it_ran_again() {
    let all = [("a", Passed), ("b", Failed), ("c", Failed), ("d", Passed)];
    let first = run("one", MORNING, vec![node("web1", &all), node("web2", &all)]);
    let second = run("two", EVENING, vec![node("web1", &[("b", Passed), ("c", Failed)])]);
    let merged = merge(vec![first.clone(), second], None);
    assert_eq!(short(&merged)[0], "run one 2 8");
    assert_eq!(
        short(&merged)[1..9],
        [
            "node web1",
            "profile linux-baseline a,b,c,d",
            "a passed",
            "b passed",
            "c failed",
            "d passed",
            "end linux-baseline 4",
            "end web1 4"
        ]
    );
    let expected = ["profile linux-baseline: 2 of 4 controls are as run two found them, the others as run one did"];
    assert_eq!(notes(&merged), expected);
    let RunEvent::RunFinished(end) = &merged.last().unwrap().event else { panic!() };
    assert_eq!((end.tally.passed, end.tally.failed), (5, 3));

    let whole = merge(vec![first, run("two", EVENING, vec![node("web1", &all)])], None);
    assert_eq!(short(&whole).last().unwrap(), "end 8 false");
    assert_eq!(notes(&whole), ["profile linux-baseline: what run two found replaces what run one found"]);
}

#[test]
fn controls_of_both_selections_keep_the_order_of_the_profile() {
    let first = run("one", MORNING, vec![node("web1", &[("b", Passed), ("d", Passed)])]);
    let second = run("two", MORNING, vec![node("web1", &[("a", Passed), ("b", Failed), ("c", Passed), ("e", Passed)])]);
    let merged = merge(vec![first, second], None);
    assert_eq!(short(&merged)[2], "profile linux-baseline a,b,c,e,d");
    assert_eq!(short(&merged)[3..8], ["a passed", "b failed", "c passed", "e passed", "d passed"]);
    let RunEvent::RunFinished(end) = &merged.last().unwrap().event else { panic!() };
    assert_eq!(end.seconds, 1.234, "they ran side by side");
}

#[test]
fn another_digest_takes_the_place_of_the_whole_profile_and_is_kept_apart_elsewhere() {
    let old = |name| of_profile("base", "1.0.0", node(name, &[("a", Failed), ("b", Passed)]));
    let new = |name| of_profile("base", "1.1.0", node(name, &[("a", Passed)]));
    let merged =
        merge(vec![run("one", MORNING, vec![old("web1"), old("web2")]), run("two", EVENING, vec![new("web1")])], None);
    assert_eq!(short(&merged)[1..5], ["node web1", "profile base a", "a passed", "end base 1"]);
    assert_eq!(notes(&merged), ["profile base: what run two found with 1.1.0 replaces what run one found with 1.0.0"]);
    let versions: Vec<&str> = merged
        .iter()
        .filter_map(|event| match &event.event {
            RunEvent::ProfileStarted(started) => Some(&*started.profile.version),
            _ => None,
        })
        .collect();
    assert_eq!(versions, ["1.1.0", "1.0.0"]);
}

/// A node out of reach, with its controls errored.
fn dead(name: &str, controls: &[&str]) -> Vec<RunEvent> {
    let why: Arc<str> = "connection refused".into();
    let started = NodeStarted { error: Some(why.clone()), platform: None, user: None, ..sample::node(name) };
    let controls =
        controls.iter().map(|id| ControlFinished { reason: Some(why.clone()), ..control(name, id, Errored) });
    sample::node_events(started, controls.collect())
}

fn error_of(events: &[Stamped]) -> Option<&str> {
    events.iter().find_map(|event| match &event.event {
        RunEvent::NodeStarted(started) => started.error.as_deref(),
        _ => None,
    })
}

#[test]
fn a_node_is_out_of_reach_if_nothing_is_left_of_a_run_that_reached_it() {
    let alive = || run("one", MORNING, vec![node("web1", &[("a", Passed), ("b", Failed)])]);
    let gone = |controls: &[&str]| run("two", EVENING, vec![dead("web1", controls)]);
    let merged = merge(vec![alive(), gone(&["a", "b"])], None);
    assert_eq!(error_of(&merged), Some("connection refused"));
    assert_eq!(short(&merged)[3..5], ["a errored", "b errored"]);

    let merged = merge(vec![alive(), gone(&["b"])], None);
    assert_eq!(error_of(&merged), None, "a was looked at");
    assert_eq!(short(&merged)[3..5], ["a passed", "b errored"]);
    assert!(notes(&merged).contains(&"run two did not reach it: connection refused"), "{:?}", notes(&merged));

    let merged = merge(vec![gone(&["a", "b"]), alive()], None);
    assert_eq!(error_of(&merged), None);
    assert_eq!(notes(&merged), ["profile linux-baseline: what run one found replaces what run two found"]);

    let mut silent = gone(&[]);
    silent.retain(|event| !matches!(event.event, RunEvent::ProfileStarted(_) | RunEvent::ProfileFinished(_)));
    let merged = merge(vec![alive(), silent], None);
    assert_eq!(error_of(&merged), None);
    assert_eq!(notes(&merged), ["run two did not reach it: connection refused"]);
}

fn stage(name: &str, outcome: Outcome) -> Stamped {
    let stage = sample::stage(name, outcome);
    Stamped { sequence: 0, time: MORNING.into(), event: RunEvent::StageFinished(Box::new(stage)) }
}

#[test]
fn stages_come_before_the_nodes_and_a_later_one_takes_its_place() {
    let mut first = run("one", MORNING, vec![node("web1", &[("a", Passed)])]);
    first.insert(1, stage("provision", Errored));
    let stages = vec![stage("wait", Passed), stage("provision", Passed)];
    let second = run("two", MORNING, vec![node("web2", &[("a", Passed)])]);
    let merged = merge(vec![first, stages, second], None);
    assert_eq!(short(&merged)[..4], ["run one 2 2", "stage provision passed", "stage wait passed", "node web1"]);
    assert_eq!(short(&merged).last().unwrap(), "end 2 false", "stages alone did not break off");
}

#[test]
fn a_run_that_broke_off_counts_as_interrupted_until_a_later_one_completes_it() {
    let whole = run("one", MORNING, vec![node("web1", &[("a", Passed), ("b", Passed), ("c", Passed)])]);
    let mut cut = whole.clone();
    cut.truncate(4);
    let merged = merge(vec![cut.clone()], None);
    assert_eq!(
        short(&merged),
        [
            "run one 1 3",
            "node web1",
            "profile linux-baseline a,b,c",
            "a passed",
            "end linux-baseline 1",
            "end web1 1",
            "end 1 true"
        ],
        "well-formed all the same"
    );
    let RunEvent::NodeFinished(end) = &merged[5].event else { panic!() };
    assert!(end.interrupted);

    let rest = |controls| run("two", EVENING, vec![node("web1", controls)]);
    let merged = merge(vec![cut.clone(), rest(&[("b", Passed), ("c", Failed)])], None);
    assert_eq!(short(&merged)[3..6], ["a passed", "b passed", "c failed"]);
    assert_eq!(short(&merged).last().unwrap(), "end 3 false");
    let merged = merge(vec![cut.clone(), rest(&[("b", Passed)])], None);
    assert_eq!(short(&merged).last().unwrap(), "end 2 true", "c was never run");

    let mut began = rest(&[("a", Failed)]);
    began.truncate(3);
    let merged = merge(vec![whole, began], None);
    assert_eq!(short(&merged)[3..5], ["b passed", "c passed"], "a was begun again and not finished");
    assert_eq!(short(&merged).last().unwrap(), "end 2 true");
}

#[test]
fn what_a_run_counted_and_no_event_tells_stays_counted() {
    let mut events = run("one", MORNING, vec![node("web1", &[("a", Passed)])]);
    if let Some(RunEvent::RunFinished(end)) = events.last_mut().map(|event| &mut event.event) {
        end.tally.errored = 1;
    }
    let merged = merge(vec![events, run("two", EVENING, vec![node("web2", &[("a", Passed)])])], None);
    let RunEvent::RunFinished(end) = &merged.last().unwrap().event else { panic!() };
    assert_eq!((end.tally.passed, end.tally.errored), (2, 1));
}

#[test]
fn nothing_merges_to_a_run_of_nothing_and_events_are_moved() {
    assert_eq!(short(&merge(Vec::new(), None)), ["run  0 0", "end 0 false"]);
    let events = sample::many(40, 20);
    let address = |events: &[Stamped]| -> Vec<*const ControlSummary> {
        let summaries = events.iter().filter_map(|event| match &event.event {
            RunEvent::ControlFinished(control) => Some(Arc::as_ptr(&control.control)),
            _ => None,
        });
        summaries.collect()
    };
    let before = address(&events);
    assert_eq!(address(&merge(vec![events], None)), before);
}
