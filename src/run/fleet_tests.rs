use super::*;
use crate::lua::Print;
use crate::profile::Profile;
use crate::results::Outcome;
use crate::results::event::WaiverSummary;
use crate::results::mask::Masker;
use crate::run::plan::{OnNode, PlannedNode, WaiverOf};
use crate::run::prepare;
use crate::target::Target;
use crate::transport::Options;
use std::path::Path;
use std::rc::Rc;

type Then = Box<dyn Fn(&Live)>;

/// Keeps what it hears.
#[derive(Default)]
struct Heard {
    events: Vec<Stamped>,
    live: Vec<String>,
    /// Called with every live message.
    then: Option<Then>,
}

impl Audience for Heard {
    fn event(&mut self, event: &Stamped) {
        self.events.push(event.clone());
    }

    fn live(&mut self, live: &Live) {
        self.live.push(match live {
            Live::Started { node } => format!("started {node}"),
            Live::Control { node, outcome, .. } => format!("{} {node}", outcome.name()),
            Live::Finished { node, unreachable, .. } => {
                format!("finished {node}{}", if *unreachable { "!" } else { "" })
            }
        });
        if let Some(then) = &self.then {
            then(live);
        }
    }

    fn tick(&mut self, _now: Instant) {}
}

impl Heard {
    /// The nodes in the order of their events, and that nothing of two is mixed.
    fn nodes(&self) -> Vec<String> {
        let mut nodes: Vec<String> = Vec::new();
        for event in &self.events {
            if let Some(node) = event.event.node()
                && nodes.last().is_none_or(|last| **last != **node)
            {
                nodes.push(node.to_string());
            }
        }
        nodes
    }

    fn outcomes(&self, node: &str) -> Vec<(Outcome, String)> {
        let of_node = self.events.iter().filter(|event| event.event.node().is_some_and(|name| &**name == node));
        let control = |event: &Stamped| match &event.event {
            RunEvent::ControlFinished(control) => {
                Some((control.outcome, control.reason.as_deref().unwrap_or_default().to_string()))
            }
            _ => None,
        };
        of_node.filter_map(control).collect()
    }

    fn error(&self, node: &str) -> Option<String> {
        self.events.iter().find_map(|event| match &event.event {
            RunEvent::NodeStarted(started) if &*started.node == node => started.error.as_deref().map(str::to_string),
            _ => None,
        })
    }
}

/// A plan of one control on these nodes.
fn plan(check: &str, manifest: &str, waived: bool, nodes: Vec<(&str, Target)>) -> Arc<Plan> {
    let manifest = format!("name: probe\nversion: 1.0.0\n{manifest}");
    let control = format!("control \"c\" {{ check = function() {check} end }}\n");
    let files = [
        (Arc::from("profile.yml"), Arc::from(manifest.as_bytes())),
        (Arc::from("controls/c.lua"), Arc::from(control.as_bytes())),
    ];
    let profile = Profile::from_files(Path::new("probe"), files.into_iter().collect()).expect("a profile");
    let waiver: WaiverOf = Arc::new(move |_, _| {
        waived.then(|| WaiverSummary { justification: "known".to_string(), until: None, expired: false })
    });
    let print: Print = Rc::new(|_, _| {});
    let (profile, _) = prepare::prepare(&profile, &|_| true, waiver, print).expect("it loads");
    let node = |(name, target): (&str, Target)| PlannedNode {
        name: name.into(),
        target,
        groups: Vec::new(),
        options: Options::default(),
        record: None,
        profiles: vec![OnNode { values: Arc::default(), selected: profile.selected.clone() }],
        later: None,
    };
    let nodes = nodes.into_iter().map(node).collect();
    Arc::new(Plan {
        profiles: vec![profile],
        nodes,
        masker: Arc::new(Masker::new(Vec::new())),
        agent: None,
        print: None,
        now: 0,
    })
}

const WIDE: Width = Width { parallel: 8, max_failures: None };

fn nowhere() -> Target {
    Target::Recording("/nowhere/at/all".into())
}

#[test]
fn events_come_in_the_order_of_the_plan_whoever_is_first() {
    // The first node takes longest.
    let check = "local s = { a = 0.6, b = 0.3, c = 0 } describe(command(\"sleep \" .. s[node.name])):its(\"exit_status\", eq(0))";
    let plan = plan(check, "", false, vec![("a", Target::Local), ("b", Target::Local), ("c", Target::Local)]);
    let mut heard = Heard::default();
    let ended = run(&plan, WIDE, &Arc::new(Interruption::new()), &mut heard);
    assert_eq!(heard.nodes(), ["a", "b", "c"]);
    assert_eq!((ended.tally.passed, ended.interrupted), (3, false));
    let landed: Vec<&str> = heard.live.iter().map(String::as_str).filter(|line| line.starts_with("finished")).collect();
    assert_eq!(landed, ["finished c", "finished b", "finished a"], "whoever watches hears at once");
    let sequences: Vec<u64> = heard.events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (0..heard.events.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_node_out_of_reach_has_its_row_and_no_waiver_hides_it() {
    let plan = plan("describe(1):it(eq(2))", "", true, vec![("a", nowhere()), ("b", Target::Local)]);
    let mut heard = Heard::default();
    let ended = run(&plan, WIDE, &Arc::new(Interruption::new()), &mut heard);
    let error = heard.error("a").expect("it is out of reach");
    assert_eq!(heard.outcomes("a"), [(Outcome::Errored, error)]);
    assert_eq!(heard.outcomes("b")[0].0, Outcome::Waived);
    assert_eq!((ended.tally.errored, ended.tally.waived, ended.interrupted), (1, 1, false));
    assert!(heard.live.contains(&"finished a!".to_string()), "{:?}", heard.live);
}

#[test]
fn so_many_failures_start_no_other_node() {
    let nodes = vec![("a", Target::Local), ("b", nowhere()), ("c", Target::Local), ("d", Target::Local)];
    let plan = plan("describe(node.name):it(ne \"a\")", "", false, nodes);
    let mut heard = Heard::default();
    let width = Width { parallel: 1, max_failures: Some(2) };
    let ended = run(&plan, width, &Arc::new(Interruption::new()), &mut heard);
    assert_eq!(heard.nodes(), ["a", "b", "c", "d"], "every node has its row");
    assert_eq!(heard.outcomes("a")[0].0, Outcome::Failed);
    for node in ["c", "d"] {
        let error = heard.error(node).expect("not started");
        assert!(error.contains("not started: 2 nodes were not fine"), "{error}");
    }
    assert_eq!((ended.tally.failed, ended.tally.errored), (1, 3));
}

#[test]
fn a_held_run_finishes_what_is_in_flight_and_a_stopped_one_does_not() {
    let check = "describe(command(\"sleep \" .. (node.name == \"a\" and 0.4 or 60))):its(\"exit_status\", eq(0))";
    let nodes = || vec![("a", Target::Local), ("b", Target::Local), ("c", Target::Local)];
    let interruption = Arc::new(Interruption::new());
    let inner = interruption.clone();
    let first = Heard { then: Some(Box::new(move |_| inner.hold())), ..Heard::default() };
    let mut heard = first;
    let ended =
        run(&plan(check, "", false, nodes()), Width { parallel: 1, max_failures: None }, &interruption, &mut heard);
    assert!(ended.interrupted);
    assert_eq!(heard.outcomes("a")[0].0, Outcome::Passed);
    assert!(heard.error("b").is_some_and(|error| error.contains("interrupted")));

    let interruption = Arc::new(Interruption::new());
    let inner = interruption.clone();
    let stop = move |live: &Live| {
        if matches!(live, Live::Finished { .. }) {
            inner.stop();
        }
    };
    let mut heard = Heard { then: Some(Box::new(stop)), ..Heard::default() };
    let began = Instant::now();
    let ended = run(&plan(check, "", false, nodes()), WIDE, &interruption, &mut heard);
    assert!(ended.interrupted && began.elapsed() < Duration::from_secs(20));
    assert_eq!(heard.outcomes("a")[0].0, Outcome::Passed);
    assert_eq!(heard.outcomes("b"), [], "what did not finish is not reported");
}

#[test]
fn a_node_that_is_out_of_time_is_errored_and_harms_no_other() {
    let check = "describe(command(\"sleep \" .. (node.name == \"slow\" and 60 or 0))):its(\"exit_status\", eq(0))";
    let mut plan = plan(check, "", false, vec![("slow", Target::Local), ("quick", Target::Local)]);
    let nodes = &mut Arc::get_mut(&mut plan).expect("nobody else has it").nodes;
    nodes[0].options.patience.node = Duration::from_millis(500);
    let mut heard = Heard::default();
    let ended = run(&plan, WIDE, &Arc::new(Interruption::new()), &mut heard);
    let outcomes = heard.outcomes("slow");
    assert!(matches!(&outcomes[..], [(Outcome::Errored, why)] if why.contains("took longer than")), "{outcomes:?}");
    assert_eq!(heard.outcomes("quick")[0].0, Outcome::Passed);
    assert!(!ended.interrupted);
}

#[test]
fn a_profile_that_fits_no_node_is_told_and_nodes_out_of_reach_do_not_count() {
    let manifest = "supports:\n  - name: plan9\n";
    let mut heard = Heard::default();
    let of_two = plan("describe(1):it(eq(1))", manifest, false, vec![("a", Target::Local), ("b", nowhere())]);
    let ended = run(&of_two, WIDE, &Arc::new(Interruption::new()), &mut heard);
    assert!(matches!(&ended.unfit[..], [Some(why)] if why.contains("plan9")), "{:?}", ended.unfit);
    assert_eq!(heard.outcomes("a")[0].0, Outcome::NotApplicable);
    let of_none = plan("describe(1):it(eq(1))", manifest, false, vec![("b", nowhere())]);
    let ended = run(&of_none, WIDE, &Arc::new(Interruption::new()), &mut Heard::default());
    assert_eq!(ended.unfit, [None], "nobody could tell");
}
