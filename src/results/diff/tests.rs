use super::*;
use crate::report::sample;
use crate::results::event::{ControlFinished, NodeStarted, Step};
use crate::results::{RunEvent, Stamped};
use Outcome::*;

/// What a control came to on a node, with what its one step found.
type Came<'a> = (&'a str, Outcome, &'a str);

fn node(name: &str, controls: &[Came<'_>]) -> Vec<RunEvent> {
    let controls = controls.iter().map(|(id, outcome, found)| {
        let step = sample::step(*outcome, "File /a mode is \"0640\"", Some("\"0640\""), Some(found));
        sample::control(name, sample::summary(id, "One thing"), *outcome, vec![step])
    });
    sample::node_events(sample::node(name), controls.collect())
}

fn dead(name: &str, controls: &[&str]) -> Vec<RunEvent> {
    let why: Arc<str> = "connection refused".into();
    let started = NodeStarted { error: Some(why.clone()), ..sample::node(name) };
    let controls = controls.iter().map(|id| ControlFinished {
        reason: Some(why.clone()),
        ..sample::control(name, sample::summary(id, "One thing"), Errored, Vec::new())
    });
    sample::node_events(started, controls.collect())
}

fn diff(old: Vec<Vec<RunEvent>>, new: Vec<Vec<RunEvent>>) -> Diff {
    of_events(&sample::run(old), &sample::run(new))
}

fn of_events(old: &[Stamped], new: &[Stamped]) -> Diff {
    let snapshot = |events: &[Stamped]| {
        let mut snapshot = Snapshot::default();
        events.iter().for_each(|event| snapshot.event(event));
        snapshot
    };
    Diff::of(&snapshot(old), &snapshot(new))
}

fn short(diff: &Diff) -> Vec<String> {
    let each = diff.controls.iter().map(|change| {
        let from = change.from.map_or("none", Outcome::name);
        format!("{:?} {} {from} {} {}", change.change, change.control, change.to.name(), change.nodes.join(","))
    });
    each.collect()
}

#[test]
fn a_run_does_not_differ_from_itself() {
    for events in [sample::every_outcome(), sample::three_nodes(), sample::many(20, 12)] {
        let diff = of_events(&events, &events);
        assert!(!diff.is_worse());
        assert!(diff.controls.iter().all(|change| matches!(change.change, Change::StillFailed | Change::StillErrored)));
        assert!(diff.found.is_empty() && diff.selected.is_empty() && diff.profiles.is_empty());
        assert!(diff.attributes.is_empty() && diff.stages.is_empty());
        assert!(diff.nodes.iter().all(|node| node.change == NodeKind::StillLost));
    }
}

#[test]
fn outcomes_that_changed_are_told_once_with_the_nodes_that_share_it() {
    let old = vec![
        node("web1", &[("a", Passed, "x"), ("b", Failed, "x"), ("c", Failed, "x"), ("d", Passed, "x")]),
        node("web2", &[("a", Skipped, "x"), ("b", Failed, "x"), ("c", Errored, "x"), ("d", Passed, "x")]),
        node("web3", &[("a", Passed, "x"), ("b", Failed, "x"), ("c", Failed, "x"), ("d", Waived, "x")]),
    ];
    let new = vec![
        node("web1", &[("a", Failed, "x"), ("b", Passed, "x"), ("c", Failed, "x"), ("d", Errored, "x")]),
        node("web2", &[("a", Failed, "x"), ("b", Passed, "x"), ("c", Errored, "x"), ("d", Skipped, "x")]),
        node("web3", &[("a", Failed, "x"), ("b", Waived, "x"), ("c", Errored, "x"), ("d", Passed, "x")]),
    ];
    let diff = diff(old, new);
    let expected = [
        "NewlyFailed a passed failed web1,web3",
        "NewlyFailed a skipped failed web2",
        "Fixed b failed passed web1,web2",
        "Other b failed waived web3",
        "StillFailed c failed failed web1",
        "StillErrored c errored errored web2",
        "NewlyErrored c failed errored web3",
        "NewlyErrored d passed errored web1",
        "Other d passed skipped web2",
        "Other d waived passed web3",
    ];
    assert_eq!(short(&diff), expected);
    assert!(diff.is_worse());
    assert_eq!((diff.controls[0].before, diff.controls[0].now), (0, 3));
    assert_eq!((diff.controls[6].before, diff.controls[6].now), (1, 2));
}

#[test]
fn what_is_better_or_no_worse_is_not_worse() {
    let better = diff(
        vec![node("web1", &[("a", Failed, "x"), ("b", Passed, "x")]), dead("web2", &["a"]), node("web3", &[])],
        vec![node("web1", &[("a", Passed, "x"), ("b", Skipped, "x")]), node("web2", &[("a", Passed, "x")])],
    );
    assert!(!better.is_worse(), "{:?}", better);
    let kinds: Vec<NodeKind> = better.nodes.iter().map(|node| node.change).collect();
    assert_eq!(kinds, [NodeKind::Regained, NodeKind::Removed]);
    assert_eq!(short(&better), ["Fixed a failed passed web1", "Other b passed skipped web1"]);
}

#[test]
fn a_node_out_of_reach_is_told_once_and_a_new_one_is_looked_at() {
    let was = || node("web1", &[("a", Passed, "x"), ("b", Failed, "x")]);
    let lost = diff(vec![was()], vec![dead("web1", &["a", "b"])]);
    assert!(short(&lost).is_empty(), "{:?}", short(&lost));
    assert_eq!(lost.nodes[0].change, NodeKind::Lost);
    assert_eq!(lost.nodes[0].error.as_deref(), Some("connection refused"));
    assert!(lost.is_worse());

    let found = diff(vec![dead("web1", &["a", "b"])], vec![was()]);
    assert_eq!(short(&found), ["NewlyFailed b none failed web1"], "nobody knew");
    let added = diff(vec![was()], vec![was(), node("web2", &[("a", Passed, "x"), ("b", Errored, "x")])]);
    assert_eq!(short(&added), ["StillFailed b failed failed web1", "NewlyErrored b none errored web2"]);
    assert!(added.selected.is_empty(), "the node is new, not its controls");
    assert_eq!((added.nodes[0].change, added.nodes[0].tally.passed), (NodeKind::Added, 1));
    assert!(diff(vec![], vec![dead("web1", &[])]).is_worse());
    assert!(!diff(vec![dead("web1", &["a"])], vec![dead("web1", &["a"])]).is_worse());
}

#[test]
fn controls_that_are_new_or_gone_are_told_with_what_they_came_to() {
    let old = vec![node("web1", &[("a", Passed, "x"), ("z", Passed, "x")]), node("web2", &[("a", Passed, "x")])];
    let new = vec![
        node("web1", &[("b", Passed, "x"), ("a", Passed, "x")]),
        node("web2", &[("b", Failed, "x"), ("a", Passed, "x")]),
    ];
    let diff = diff(old, new);
    let told: Vec<_> = diff.selected.iter().map(|s| (&*s.control, s.added, s.nodes.len(), s.tally.passed)).collect();
    assert_eq!(told, [("b", true, 2, 1), ("z", false, 1, 1)]);
    assert_eq!(short(&diff), ["NewlyFailed b none failed web2"]);
}

#[test]
fn what_was_found_is_compared_step_by_step() {
    let with = |found: &[(&str, &str)]| {
        let steps = found.iter().map(|(sentence, found)| Step { ..sample::step(Failed, sentence, None, Some(found)) });
        let control = sample::control("web1", sample::summary("a", "A"), Failed, steps.collect());
        vec![sample::node_events(sample::node("web1"), vec![control])]
    };
    let old = with(&[("one", "1"), ("same", "x"), ("same", "y"), ("gone", "9")]);
    let new = with(&[("new", "9"), ("one", "2"), ("same", "x"), ("same", "z")]);
    let diff = diff(old, new);
    let told: Vec<_> = diff
        .found
        .iter()
        .map(|found| [&found.step, &found.from, &found.to].map(|text| text.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(told, [["one", "1", "2"], ["same", "y", "z"]]);
    assert!(!diff.is_worse());
}

#[test]
fn a_reason_that_changed_is_a_finding_too() {
    let with = |reason: &str| {
        let control = ControlFinished {
            reason: Some(reason.into()),
            ..sample::control("web1", sample::summary("a", "A"), Skipped, Vec::new())
        };
        vec![sample::node_events(sample::node("web1"), vec![control])]
    };
    let diff = diff(with("no mail"), with("no root"));
    assert_eq!((&diff.found[0].step, diff.found[0].to.as_deref()), (&None, Some("no root")));
}

#[test]
fn profiles_attributes_and_stages_that_changed_are_told() {
    let mut new = vec![node("web1", &[("a", Passed, "x")]), node("web2", &[("a", Passed, "x")])];
    let old = new.clone();
    for event in new.iter_mut().flatten() {
        if let RunEvent::ProfileStarted(started) = event {
            let profile = Arc::make_mut(&mut started.profile);
            (profile.version, profile.sha256) = ("2.0.0".into(), "ff".into());
            started.attributes[0].value = Value::Int(3);
            let mut other = started.attributes[0].clone();
            other.name = "new_one".into();
            started.attributes.push(other);
        }
    }
    let (mut old, mut new) = (sample::run(old), sample::run(new));
    let stage = |name, outcome| Stamped {
        sequence: 0,
        time: String::new(),
        event: RunEvent::StageFinished(Box::new(sample::stage(name, outcome))),
    };
    old.insert(1, stage("provision", Passed));
    old.insert(1, stage("gone", Passed));
    new.insert(1, stage("provision", Errored));
    let diff = of_events(&old, &new);
    let profile = &diff.profiles[0];
    assert_eq!((profile.from.as_ref().unwrap().version.as_ref(), profile.nodes.len()), ("1.0.0", 2));
    let attributes: Vec<_> = diff.attributes.iter().map(|a| (&*a.attribute, &a.from, &a.to, a.nodes.len())).collect();
    assert_eq!(
        attributes,
        [
            ("max_auth_tries", &Some(Value::Int(4)), &Some(Value::Int(3)), 2),
            ("new_one", &None, &Some(Value::Int(3)), 2)
        ]
    );
    let stages: Vec<_> = diff.stages.iter().map(|stage| (&*stage.stage, stage.from, stage.to)).collect();
    assert_eq!(stages, [("provision", Some(Passed), Some(Errored)), ("gone", Some(Passed), None)]);
    assert!(diff.is_worse(), "the stage");
}

#[test]
fn what_was_begun_and_not_finished_is_errored() {
    let whole = sample::run(vec![node("web1", &[("a", Passed, "x"), ("b", Passed, "x")])]);
    let diff = of_events(&whole, &whole[..4]);
    assert_eq!(short(&diff), ["NewlyErrored b passed errored web1"]);
    assert!(diff.new.interrupted && !diff.old.interrupted);
}
