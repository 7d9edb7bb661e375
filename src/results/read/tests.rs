use super::*;
use crate::report::{Options, Outputs, Spec, TABLE, sample};
use crate::results::event::{ControlFinished, NodeStarted, Step};
use crate::results::{Outcome, RunEvent};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

/// Every way to write a run: each reporter with each value of each option.
fn every_spec() -> Vec<String> {
    let mut specs = Vec::new();
    for kind in TABLE {
        specs.push(kind.name.to_string());
        for option in kind.options {
            specs.extend(option.values.iter().map(|value| format!("{},{}={value}", kind.name, option.name)));
        }
    }
    specs
}

/// All reports of a run, by reporter and file.
fn every_report(events: &[Stamped]) -> BTreeMap<String, String> {
    let nodes = events.iter().filter_map(|event| match &event.event {
        RunEvent::NodeStarted(started) => Some(started.node.clone()),
        _ => None,
    });
    let options = Options { nodes: nodes.collect(), verbose: true, ..Options::default() };
    let mut reports = BTreeMap::new();
    for name in every_spec() {
        let folder = tempfile::tempdir().unwrap();
        let one_node = TABLE.iter().any(|kind| kind.name == name && kind.one_node);
        let file = if one_node { "{node}" } else { "report" };
        let spec: Spec = format!("{name}:{}/{file}", folder.path().display()).parse().unwrap();
        let mut outputs = Outputs::open(&[spec], &options).unwrap();
        events.iter().for_each(|event| outputs.event(event));
        outputs.finish().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            let text = std::fs::read_to_string(file.path()).unwrap();
            reports.insert(format!("{name} {}", file.file_name().to_string_lossy()), text);
        }
    }
    reports
}

fn holding(text: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file
}

/// What `reporter` makes of events.
fn text_of(reporter: &str, events: &[Stamped]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    let spec: Spec = format!("{reporter}:{}", file.path().display()).parse().unwrap();
    let mut outputs = Outputs::open(&[spec], &Options::default()).unwrap();
    events.iter().for_each(|event| outputs.event(event));
    outputs.finish().unwrap();
    std::fs::read_to_string(file.path()).unwrap()
}

/// The events of a run from the file that `reporter` writes of it.
fn back(reporter: &str, events: &[Stamped]) -> Vec<Stamped> {
    Source::open(holding(text_of(reporter, events)).path()).unwrap().events().unwrap()
}

fn refused(text: impl AsRef<[u8]>) -> String {
    let file = holding(text);
    let path = file.path().display().to_string();
    let refused = Source::open(file.path()).and_then(|mut source| source.events());
    refused.expect_err("must be refused").to_string().replace(&path, "FILE")
}

/// An event in the words of JSON, for comparing.
fn same(left: &[Stamped], right: &[Stamped]) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        assert_eq!(json!(left), json!(right));
    }
}

/// Nodes that ran other controls of one profile, as a run of what had failed does.
fn selections() -> Vec<Stamped> {
    let of = |node: &str, take: &[usize]| {
        let controls = sample::controls(node);
        sample::node_events(sample::node(node), take.iter().map(|at| controls[*at].clone()).collect())
    };
    sample::run(vec![of("web1", &[1, 3]), of("web2", &[0, 1, 2, 6]), of("web3", &[]), of("web4", &[4, 3])])
}

fn stages() -> Vec<Stamped> {
    let mut events: Vec<RunEvent> = sample::three_nodes().into_iter().map(|event| event.event).collect();
    for (at, outcome) in [(1, Outcome::Passed), (2, Outcome::Errored), (3, Outcome::Skipped)] {
        events.insert(at, RunEvent::StageFinished(Box::new(sample::stage(&format!("stage-{at}"), outcome))));
    }
    sample::stamped(events)
}

/// What texts can hold: markup, what XML cannot hold, quotes, line ends.
const HOSTILE: &str = "</script>]]>&amp;\u{1}\u{1b}[2J\"\\\r\n\u{2028}\u{fffe}{node}'";

#[test]
fn every_report_made_of_a_document_is_the_one_made_of_the_run() {
    let runs = [
        sample::every_outcome(),
        sample::three_nodes(),
        sample::many(25, 12),
        sample::every_text(HOSTILE),
        selections(),
        stages(),
        Vec::new(),
    ];
    for (number, events) in runs.iter().enumerate() {
        for reporter in ["run-json", "ndjson"] {
            if events.is_empty() && reporter == "ndjson" {
                continue;
            }
            let read = back(reporter, events);
            same(events, &read);
            let (direct, converted) = (every_report(events), every_report(&read));
            for kind in TABLE.iter().filter(|kind| !kind.one_node || !events.is_empty()) {
                assert!(direct.keys().any(|key| key.starts_with(kind.name)), "{}: {:?}", kind.name, direct.keys());
            }
            assert_eq!(direct.keys().collect::<Vec<_>>(), converted.keys().collect::<Vec<_>>());
            for (report, text) in direct {
                assert!(text == converted[&report], "run {number}: {report} of {reporter} differs");
            }
        }
    }
}

#[test]
fn a_run_that_broke_off_anywhere_comes_back_as_far_as_it_went() {
    let events = stages();
    for length in 0..events.len() {
        same(&events[..length], &back("run-json", &events[..length]));
        if length > 0 {
            same(&events[..length], &back("ndjson", &events[..length]));
        }
    }
    let mut interrupted = events.clone();
    interrupted.drain(9..12);
    for event in &mut interrupted {
        match &mut event.event {
            RunEvent::NodeFinished(finished) if &*finished.node == "web1" => finished.interrupted = true,
            RunEvent::RunFinished(finished) => finished.interrupted = true,
            _ => {}
        }
    }
    let interrupted = sample::stamped(interrupted.into_iter().map(|event| event.event).collect());
    let read = back("run-json", &interrupted);
    same(&interrupted, &read);
    assert!(text_of("junit", &read).contains("not_run"), "what was planned and never ran is known");
}

#[test]
fn numbers_come_back_to_the_last_digit() {
    let mut events = sample::every_outcome();
    let odd = [0.1 + 0.2, 1.0 / 3.0, 5e-324, 123_456_789.123_456_79, 2.2250738585072014e-308];
    for (event, number) in events
        .iter_mut()
        .filter_map(|event| match &mut event.event {
            RunEvent::ControlFinished(control) => Some(control),
            _ => None,
        })
        .zip(odd.iter().cycle())
    {
        event.seconds = *number;
    }
    same(&events, &back("run-json", &events));
    same(&events, &back("ndjson", &events));
}

#[test]
fn nodes_share_what_their_profile_says() {
    for reporter in ["run-json", "ndjson"] {
        let read = back(reporter, &sample::many(30, 12));
        let mut profiles: Vec<usize> = read
            .iter()
            .filter_map(|event| match &event.event {
                RunEvent::ProfileStarted(started) => Some(Arc::as_ptr(&started.profile) as usize),
                _ => None,
            })
            .collect();
        profiles.sort_unstable();
        profiles.dedup();
        assert_eq!(profiles.len(), 2, "{reporter}: two profiles on thirty nodes");
    }
}

#[test]
fn a_run_is_read_through_a_pipe_and_however_it_is_laid_out() {
    let events = sample::three_nodes();
    let document: Json = serde_json::from_str(&text_of("run-json", &events)).unwrap();
    let pretty = serde_json::to_string_pretty(&document).unwrap();
    same(&events, &Source::open(holding(pretty).path()).unwrap().events().unwrap());

    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let events = sample::many(30, 12);
    let (text, to) = (text_of("ndjson", &events), pipe.clone());
    assert!(text.len() as u64 > head::NEAR, "more than what the format is looked for in");
    let writer = std::thread::spawn(move || std::fs::write(to, text).unwrap());
    same(&events, &Source::open(&pipe).unwrap().events().unwrap());
    writer.join().unwrap();
}

#[test]
fn what_is_not_known_is_ignored_and_what_may_be_missing_too() {
    let events = sample::three_nodes();
    let lines = text_of("ndjson", &events).replace("\"seconds\"", "\"new\":{\"a\":[1]},\"seconds\"");
    let lines = lines.replacen('\n', "\n{\"sequence\":1,\"time\":\"\",\"event\":\"moon_rose\",\"node\":\"web1\"}\n", 1);
    same(&events, &Source::open(holding(lines).path()).unwrap().events().unwrap());

    let mut document: Json = serde_json::from_str(&text_of("run-json", &events)).unwrap();
    document["new"] = json!([{"deep": {}}]);
    document["nodes"][0]["new"] = json!(1);
    same(&events, &Source::open(holding(document.to_string()).path()).unwrap().events().unwrap());

    // As documents were before they were whole.
    for node in document["nodes"].as_array_mut().unwrap() {
        for key in ["started", "finished"] {
            node.as_object_mut().unwrap().remove(key);
        }
        for profile in node["profiles"].as_array_mut().unwrap() {
            profile.as_object_mut().unwrap().remove("started");
        }
    }
    document.as_object_mut().unwrap().remove("planned");
    let read = Source::open(holding(document.to_string()).path()).unwrap().events().unwrap();
    assert_eq!(read.len(), events.len());
    assert_eq!(read[1].time, events[0].time);
}

#[test]
fn something_else_is_refused_by_name() {
    let newer = refused(r#"{"format":"probity/run","version":2,"nodes":{}}"#);
    assert!(newer.contains("FILE: probity/run version 2 is not known, only version 1 is"), "{newer}");
    assert!(newer.contains("the version of probity that wrote it"), "{newer}");
    assert!(refused(r#"{"format":"probity/events","version":9}"#).contains("probity/events version 9 is not known"));
    assert!(refused(r#"{"format":"probity/profile","version":1}"#).contains(r#"is of the format "probity/profile""#));
    assert!(refused(r#"{"format":"probity/run"}"#).contains("without a version"));
    assert!(refused("").contains("FILE: the file is empty"));
    for other in ["<testsuites/>", "[]", "{\"profiles\":[]}", "\u{0}\u{1}", "null"] {
        assert!(refused(other).contains("does not begin with a format"), "{other}");
    }
    let none = Source::open(Path::new("/nowhere/run.json")).unwrap_err().to_string();
    assert!(
        none.contains("/nowhere/run.json: cannot read the run") && none.contains("--reporter ndjson:PATH"),
        "{none}"
    );
    assert!(Source::open(Path::new("/tmp")).unwrap_err().to_string().contains("directory"));
    let endless = Source::open(Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(endless.contains("does not begin with a format"), "{endless}");
}

#[test]
fn a_file_that_is_cut_off_or_damaged_is_refused_with_the_place() {
    let document = text_of("run-json", &sample::three_nodes());
    for length in [200, document.len() / 2, document.len() - 3] {
        let message = refused(&document.as_bytes()[..length]);
        assert!(message.contains("the file is cut off here"), "{length}: {message}");
    }
    let half = refused(&document.as_bytes()[..document.len() / 2]);
    let line = document[..document.len() / 2].lines().count();
    assert!(half.starts_with(&format!("FILE:{line}:")), "{half}");

    let damaged = |from: &str, to: &str| refused(document.replacen(from, to, 1));
    assert!(damaged("\"outcome\":\"failed\"", "\"outcome\":\"broken\"").contains("FILE:2:"));
    assert!(
        damaged("\"control\":\"time-sync\"", "\"control\":\"x\"").contains("control x is not described by profile")
    );
    let message = damaged("\"sha256\":\"0f", "\"sha256\":\"ff");
    assert!(message.contains("profile linux-baseline of node web1 is not under profiles"), "{message}");
    assert!(damaged("\"node\":\"web2\"", "\"node\":\"web1\"").contains("node web1 is there twice"));
    assert!(damaged("\"nodes\":[\n", "\"nodes\":[],\"nodes\":[\n").contains("the nodes are there twice"));
    assert!(damaged("\"seconds\":0.3", "\"seconds\":[[[").contains("FILE:2:"));
    assert!(refused(r#"{"format":"probity/run","version":1}"#).contains("missing field `nodes`"));
    let deep = format!("{{\"format\":\"probity/run\",\"version\":1,\"nodes\":[{{\"node\":{}", "[".repeat(100_000));
    assert!(refused(deep).contains("this is not what a run writes"));
    let deep = document.replacen("\"value\":4", &format!("\"value\":{}4{}", "[".repeat(500), "]".repeat(500)), 1);
    assert!(refused(deep).contains("recursion limit"));
}

#[test]
fn lines_that_do_not_fit_are_refused_with_their_number() {
    let text = text_of("ndjson", &sample::three_nodes());
    let lines: Vec<&str> = text.lines().collect();
    let without = |number: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| at + 1 != number).map(|(_, line)| format!("{line}\n"));
        refused(kept.collect::<String>())
    };
    assert!(without(2).starts_with("FILE:2: an event of node web1, which was not begun before it"), "{}", without(2));
    assert!(
        without(3).starts_with("FILE:3: a control of profile linux-baseline, which was not begun"),
        "{}",
        without(3)
    );
    let unheard = refused(text.replacen("\"control\":{\"id\":\"shadow-mode\"", "\"control\":{\"id\":\"x\"", 1));
    assert!(unheard.contains("FILE:4: control x of profile linux-baseline is not described before"), "{unheard}");
    let broken = refused(text.replacen("\"outcome\":\"passed\"", "\"outcome\":passed", 1));
    assert!(broken.starts_with("FILE:4:") && broken.contains("this is not what a run writes"), "{broken}");
    let twice = refused(format!("{text}{text}"));
    assert!(twice.contains("a second run begins here") && twice.contains("probity report merge"), "{twice}");
    let node_twice = refused(text.replace("\"node\":\"web2\"", "\"node\":\"web1\""));
    assert!(node_twice.contains("node web1 is begun a second time"), "{node_twice}");
}

#[test]
fn the_events_of_a_run_that_was_killed_are_taken_with_a_note() {
    let text = text_of("ndjson", &sample::three_nodes());
    let mut source = Source::open(holding(&text[..text.len() - 40]).path()).unwrap();
    let events = source.events().unwrap();
    assert!(source.note().unwrap().contains("broke off within line 29"), "{:?}", source.note());
    assert!(!matches!(events.last().unwrap().event, RunEvent::RunFinished(_)));
    let whole = text.trim_end().rsplit_once('\n').unwrap().0;
    let source = Source::open(holding(format!("{whole}\n")).path()).unwrap();
    assert!(source.note().unwrap().ends_with("broke off before its end"));
    assert_eq!(Source::open(holding(&text).path()).unwrap().note(), None);
    // The first line is where a file says what it is.
    let first = &text[..text.find("\"nodes\"").unwrap()];
    assert!(refused(first).contains("FILE:1:") && refused(first).contains("the file is cut off here"));
}

#[test]
fn a_node_or_line_too_large_to_be_one_is_refused() {
    let mut head = br#"{"format":"probity/events","version":1}"#.to_vec();
    head.resize(head.len() + (65 << 20), b' ');
    assert!(refused(&head).contains("FILE:1: the line is longer than 64 MiB"));
}

#[test]
fn a_document_is_not_read_beyond_the_limit_of_a_node() {
    let message = document::read_beyond(std::io::repeat(b'1'), 2 << 20);
    assert!(message.contains("takes more than 2 MiB"), "{message}");
}

#[test]
fn the_parts_of_an_event_are_where_they_were() {
    let step = Step { traceback: Some("a\nb".into()), ..sample::step(Outcome::Errored, "s", None, None) };
    let control = ControlFinished {
        attempts: 7,
        reason: Some("why".into()),
        ..sample::control("web1", sample::summary("a", "A"), Outcome::Errored, vec![step])
    };
    let started = NodeStarted { groups: vec!["web".into(), "all".into()], ..sample::node("web1") };
    let events = sample::run(vec![sample::node_events(started, vec![control])]);
    let read = back("run-json", &events);
    let RunEvent::ControlFinished(control) = &read[3].event else { panic!("{:?}", read[3]) };
    assert_eq!((control.attempts, control.reason.as_deref()), (7, Some("why")));
    assert_eq!(control.steps[0].traceback.as_deref(), Some("a\nb"));
    assert!(Arc::ptr_eq(&control.steps[0].file, &control.control.file), "one text for both");
    let RunEvent::NodeStarted(node) = &read[1].event else { panic!("{:?}", read[1]) };
    assert_eq!(node.groups.len(), 2);
}
