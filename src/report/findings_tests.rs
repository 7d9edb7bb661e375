use super::*;
use crate::report::sample;

/// A run in which every node fails the same control with what `found` gives for it.
fn run(nodes: usize, found: impl Fn(usize) -> String) -> Findings {
    let nodes = (0..nodes).map(|number| {
        let step = sample::step(Outcome::Failed, "it is so", Some("so"), Some(&found(number)));
        let passed = vec![sample::step(Outcome::Passed, "it is", None, None); number % 3];
        let name = format!("web{number}");
        let control = sample::control(&name, sample::summary("a", "b"), Outcome::Failed, [passed, vec![step]].concat());
        sample::node_events(sample::node(&name), vec![control])
    });
    let mut findings = Findings::default();
    sample::run(nodes.collect()).iter().for_each(|event| findings.event(event));
    findings
}

fn of_first(findings: &Findings) -> Vec<&Finding> {
    findings.profiles[0].found().next().unwrap().findings(is_bad)
}

#[test]
fn a_node_that_was_cut_off_is_not_fine() {
    let mut events = sample::node_events(sample::node("web1"), Vec::new());
    for event in &mut events {
        if let RunEvent::NodeFinished(finished) = event {
            finished.interrupted = true;
        }
    }
    let mut findings = Findings::default();
    sample::run(vec![events, sample::node_events(sample::node("web2"), Vec::new())])
        .iter()
        .for_each(|event| findings.event(event));
    let [cut, whole] = &findings.nodes[..] else { panic!("two nodes") };
    assert!(cut.is_open() && !cut.is_fine());
    assert!(whole.is_fine() && !whole.is_open());
}

#[test]
fn what_reads_alike_is_one_finding() {
    let findings = run(10, |number| if number % 4 == 3 { "yes".into() } else { "maybe".into() });
    let kinds = of_first(&findings);
    assert_eq!(kinds.iter().map(|kind| kind.nodes.len()).collect::<Vec<_>>(), [8, 2]);
    assert_eq!(kinds[1].nodes, [3, 7]);
    assert_eq!(kinds[0].sample.as_ref().unwrap().control.steps.len(), 1, "steps that passed are not kept");
}

#[test]
fn the_most_frequent_have_a_sample_wherever_they_turn_up() {
    // Five hundred nodes that each found something else, then twenty that agree.
    let findings = run(600, |number| if number < 500 { number.to_string() } else { (number % 5).to_string() + "x" });
    let kinds = of_first(&findings);
    assert_eq!(kinds.len(), 505);
    assert!(kinds[..5].iter().all(|kind| kind.nodes.len() == 20 && kind.sample.is_some()));
    assert_eq!(kinds.iter().filter(|kind| kind.sample.is_some()).count(), SAMPLES, "what is kept is bounded");
}

#[test]
fn texts_do_not_run_into_one_another() {
    let with = |expected: &str, found: &str| {
        let step = sample::step(Outcome::Failed, "s", Some(expected), Some(found));
        digest(&sample::control("n", sample::summary("a", "b"), Outcome::Failed, vec![step]))
    };
    assert_ne!(with("ab", "c"), with("a", "bc"));
    assert_eq!(with("ab", "c"), with("ab", "c"));
}

#[test]
fn a_reason_is_shared_by_nodes_that_are_named_in_it() {
    let unnamed = |name: &str, target: &str, reason: &str| {
        let started = NodeStarted { error: Some(reason.into()), target: target.into(), ..sample::node(name) };
        let mut findings = Findings::default();
        findings.node(&started);
        findings.unreachable.keys().next().unwrap().clone()
    };
    assert_eq!(
        unnamed("web1", "ssh://ops@10.0.0.7:2222", "cannot connect to 10.0.0.7:2222"),
        "cannot connect to NODE:2222"
    );
    assert_eq!(unnamed("web1", "ssh://[fe80::1]:22", "no route to fe80::1 for web1"), "no route to NODE for NODE");
    assert_eq!(
        unnamed("web1", "ssh://web1.example.org", "web1.example.org: web12 and my-web1 are others"),
        "NODE: web12 and my-web1 are others"
    );
    assert_eq!(unnamed("e", "ssh://e", "ee e"), "ee NODE");
    assert_eq!(unnamed("", "local://", "as it is"), "as it is");
}

#[test]
fn what_it_took_is_added_up() {
    let mut cost = Cost::default();
    assert_eq!(cost.words(), "no round, 0 probes asked, 0 sent");
    let node = |rounds, bytes_sent| NodeFinished {
        interrupted: false,
        node: "a".into(),
        tally: Tally::default(),
        seconds: 0.0,
        rounds,
        asked: 412,
        sent: 398,
        bytes_sent,
        bytes_received: 212_345,
        notes: Vec::new(),
    };
    cost.add(&node(3, 31_400));
    assert_eq!(cost.words(), "3 rounds, 412 probes asked, 398 sent, 31 KB out, 212 KB in");
    cost.add(&node(8, 7_000_000));
    assert_eq!(cost.words(), "3 to 8 rounds, 824 probes asked, 796 sent, 7.0 MB out, 425 KB in");
}

#[test]
fn one_version_of_two_contents_is_two_profiles() {
    let mut events = sample::three_nodes();
    for event in &mut events {
        if let RunEvent::ProfileStarted(started) = &mut event.event
            && &*started.node == "web2"
        {
            std::sync::Arc::make_mut(&mut started.profile).sha256 = "abcdef0123456789".into();
        }
    }
    let mut findings = Findings::default();
    events.iter().for_each(|event| findings.event(event));
    let versions: Vec<String> = findings.profiles.keys().map(|key| findings.version_of(key)).collect();
    assert_eq!(versions, ["1.0.0 (0f0f0f0f0f0f)", "1.0.0 (abcdef012345)"]);
}
