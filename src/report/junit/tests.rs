use super::*;
use crate::report::sample;
use crate::results::event::WaiverSummary;
use proptest::prelude::*;
use roxmltree::{Document, Node};

fn report(by_expectation: bool, events: &[Stamped]) -> String {
    sample::written(Junit::new(by_expectation), events)
}

fn elements<'a>(node: Node<'a, 'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

fn case<'a>(document: &'a Document, name: &str) -> Node<'a, 'a> {
    let mut found = document.descendants().filter(|node| node.attribute("name") == Some(name));
    found.next().unwrap_or_else(|| panic!("no case {name}\n{}", document.input_text()))
}

/// The rules of the Jenkins JUnit schema (jenkins-junit.xsd 10), in our words: which
/// elements may stand where, which attributes they need and may have, how time is written.
fn check_rules(document: &Document) {
    let allowed = |node: Node, attributes: &[&str], needed: &[&str]| {
        for attribute in node.attributes() {
            assert!(attributes.contains(&attribute.name()), "{} has {}", node.tag_name().name(), attribute.name());
        }
        needed.iter().for_each(|name| assert!(node.has_attribute(*name), "{:?} lacks {name}", node.tag_name()));
    };
    // Digits, at most three after the point; commas are not written here.
    let time_rule = |time: &str| {
        let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
        assert!(whole.chars().all(|c| c.is_ascii_digit()), "{time}");
        assert!(fraction.len() <= 3 && fraction.chars().all(|c| c.is_ascii_digit()), "{time}");
    };
    let root = document.root_element();
    assert!(root.has_tag_name("testsuites"));
    allowed(root, &["name", "time", "tests", "failures", "errors"], &[]);
    for node in root.descendants().filter(Node::is_element).skip(1) {
        let parent = node.parent().unwrap().tag_name().name().to_string();
        match node.tag_name().name() {
            "testsuite" => {
                assert_eq!(parent, "testsuites");
                let may = ["name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname"];
                let may: Vec<&str> =
                    may.into_iter().chain(["id", "package", "file", "log", "url", "version"]).collect();
                allowed(node, &may, &["name", "tests", "failures", "errors"]);
                time_rule(node.attribute("time").unwrap());
                let of = |name: &str| {
                    elements(node, "testcase").filter(|case| elements(*case, name).next().is_some()).count()
                };
                let count = |name: &str| node.attribute(name).unwrap().parse::<usize>().unwrap();
                assert_eq!(count("tests"), elements(node, "testcase").count());
                assert_eq!(count("failures"), of("failure"));
                assert_eq!(count("errors"), of("error"));
                assert_eq!(count("skipped"), of("skipped"));
                // Jenkins drops a suite without a case.
                assert!(count("tests") > 0);
            }
            "properties" => assert_eq!(parent, "testsuite"),
            "property" => {
                assert_eq!(parent, "properties");
                allowed(node, &["name", "value"], &["name", "value"]);
            }
            "testcase" => {
                assert_eq!(parent, "testsuite");
                allowed(node, &["name", "time", "classname", "group"], &["name"]);
                time_rule(node.attribute("time").unwrap());
                assert_eq!(node.attribute("classname").unwrap().matches('.').count(), 1);
            }
            "failure" | "error" | "skipped" => {
                assert_eq!(parent, "testcase");
                allowed(node, &["type", "message"], &["type", "message"]);
                assert!(node.children().all(|child| child.is_text()));
            }
            "system-out" | "system-err" => {
                assert!(parent == "testcase" || parent == "testsuite");
                allowed(node, &[], &[]);
            }
            other => panic!("unknown element {other}"),
        }
    }
}

#[test]
fn every_outcome_reads_as_jenkins_reads_it() {
    let xml = report(false, &sample::every_outcome());
    let document = Document::parse(&xml).unwrap();
    check_rules(&document);
    let suite = elements(document.root_element(), "testsuite").next().unwrap();
    assert_eq!(suite.attribute("name"), Some("linux-baseline@web1.example.org"));
    assert_eq!(suite.attribute("timestamp"), Some("2026-11-20T10:00:00.002Z"));
    let properties = elements(suite, "properties").next().unwrap();
    let property = |name: &str| {
        elements(properties, "property").find(|p| p.attribute("name") == Some(name)).unwrap().attribute("value")
    };
    assert_eq!(property("profile.version"), Some("1.0.0"));
    assert_eq!(property("probity.version"), Some("0.1.0"));
    for case in elements(suite, "testcase") {
        assert_eq!(case.attribute("classname"), Some("linux-baseline.web1_example_org"));
        assert!(!case.attribute("name").unwrap().contains("1.0.0"), "versions would break the history");
    }
    assert_eq!(case(&document, REACHED).children().count(), 0);
    assert_eq!(case(&document, "shadow-mode Only root reads password hashes").children().count(), 0);
    assert_eq!(case(&document, "shadow-mode Only root reads password hashes").attribute("time"), Some("0.013"));

    let failed = case(&document, "sshd-root-login sshd refuses root logins");
    let failure = elements(failed, "failure").next().unwrap();
    assert_eq!(failure.attribute("message"), Some("sshd_config PermitRootLogin is \"no\": found \"yes\" (and 1 more)"));
    for line in [
        "failed: sshd_config PermitRootLogin is \"no\"",
        "  expected: \"no\"",
        "  found: \"yes\"",
        "  at: controls/sample.lua:12",
        "failed: User bob exists",
        "fix: Set PermitRootLogin no in /etc/ssh/sshd_config and reload sshd.",
    ] {
        assert!(failure.text().unwrap().lines().any(|found| found == line), "{line}\n{:?}", failure.text());
    }
    let error = elements(case(&document, "time-sync The clock is kept by a time service"), "error").next().unwrap();
    assert!(error.attribute("message").unwrap().contains("permission denied; run as root"));
    let skipped = |name: &str| elements(case(&document, name), "skipped").next().unwrap().attribute("message");
    assert_eq!(skipped("mail-relay Mail is relayed"), Some("the mail team checks this"));
    assert_eq!(
        skipped("grub-password The boot loader asks for a password"),
        Some("not applicable: inside a container")
    );
    assert_eq!(
        skipped("cups-off No print server runs"),
        Some("waived until 2026-12-31: old printers need it until they are replaced")
    );
    let retried = case(&document, "web-answers The web server answers");
    assert_eq!(elements(retried, "system-out").next().unwrap().text(), Some("tried 3 times"));
}

#[test]
fn a_dead_node_is_a_red_row_and_its_controls_stay() {
    let xml = report(false, &sample::three_nodes());
    let document = Document::parse(&xml).unwrap();
    check_rules(&document);
    let suites: Vec<Node> = elements(document.root_element(), "testsuite").collect();
    assert_eq!(suites.len(), 3);
    assert_eq!(suites[0].attribute("tests"), suites[2].attribute("tests"), "counts stay put");
    let reached = elements(suites[2], "testcase").next().unwrap();
    assert_eq!(reached.attribute("name"), Some(REACHED));
    assert!(elements(reached, "error").next().unwrap().attribute("message").unwrap().contains("connection refused"));
}

#[test]
fn a_node_without_a_profile_is_a_row_too() {
    let dead = NodeStarted { error: Some("no route to host".into()), ..sample::node("web9") };
    let mut events = sample::node_events(dead, Vec::new());
    events.retain(|event| !matches!(event, RunEvent::ProfileStarted(_) | RunEvent::ProfileFinished(_)));
    let xml = report(false, &sample::run(vec![events]));
    let document = Document::parse(&xml).unwrap();
    check_rules(&document);
    assert_eq!(case(&document, REACHED).attribute("classname"), Some("node.web9"));
}

#[test]
fn one_case_an_expectation_when_asked() {
    let xml = report(true, &sample::every_outcome());
    let document = Document::parse(&xml).unwrap();
    check_rules(&document);
    let failed = case(&document, "sshd-root-login sshd_config PermitRootLogin is \"no\"");
    assert!(elements(failed, "failure").next().unwrap().text().unwrap().contains("found: \"yes\""));
    assert_eq!(case(&document, "sshd-root-login File /etc/ssh/sshd_config exists").children().count(), 0);
    // Without steps, or waived as a whole, the control itself is the case.
    case(&document, "grub-password The boot loader asks for a password");
    let waived = case(&document, "cups-off No print server runs");
    assert!(elements(waived, "skipped").next().is_some());
}

#[test]
fn equal_sentences_in_one_control_stay_apart() {
    let steps = vec![sample::step(Outcome::Passed, "same", None, None); 3];
    let control = sample::control("web1", sample::summary("a", "b"), Outcome::Passed, steps);
    let xml = report(true, &sample::run(vec![sample::node_events(sample::node("web1"), vec![control])]));
    let document = Document::parse(&xml).unwrap();
    case(&document, "a same");
    case(&document, "a same #2");
    case(&document, "a same #3");
}

#[test]
fn what_never_ran_is_an_error_and_the_file_is_whole() {
    let mut events = sample::every_outcome();
    events.truncate(5);
    let xml = report(false, &events);
    let document = Document::parse(&xml).unwrap();
    check_rules(&document);
    let error = elements(case(&document, "cups-off No print server runs"), "error").next().unwrap();
    assert_eq!(error.attribute("message"), Some("not finished: the run was interrupted"));
    check_rules(&Document::parse(&report(false, &[])).unwrap());
}

#[test]
fn an_expired_waiver_is_told() {
    let mut controls = sample::controls("web1");
    controls[1].waiver = Some(WaiverSummary {
        justification: "until the migration".into(),
        until: Some("2026-01-31".into()),
        expired: true,
    });
    let xml = report(false, &sample::run(vec![sample::node_events(sample::node("web1"), controls)]));
    assert!(xml.contains("waiver expired after 2026-01-31: until the migration"), "{xml}");
}

#[test]
fn names_that_differ_only_in_dots_stay_apart() {
    let nodes = ["a.b", "a_b", "a.b.c"].map(|name| sample::node_events(sample::node(name), sample::controls(name)));
    let xml = report(false, &sample::run(nodes.to_vec()));
    let document = Document::parse(&xml).unwrap();
    check_rules(&document);
    let mut classes: Vec<&str> = document.descendants().filter_map(|node| node.attribute("classname")).collect();
    classes.dedup();
    assert_eq!(classes, ["linux-baseline.a_b", "linux-baseline.a_b-2", "linux-baseline.a_b_c"]);
}

#[test]
fn times_are_milliseconds_however_odd() {
    for (seconds, written) in
        [(0.0004, "0.000"), (1.2349, "1.235"), (-1.0, "0.000"), (f64::NAN, "0.000"), (86400.1, "86400.100")]
    {
        let control = ControlFinished { seconds, ..sample::controls("n").remove(0) };
        let xml = report(false, &sample::run(vec![sample::node_events(sample::node("n"), vec![control])]));
        let document = Document::parse(&xml).unwrap();
        check_rules(&document);
        assert_eq!(
            case(&document, "shadow-mode Only root reads password hashes").attribute("time"),
            Some(written),
            "{seconds}"
        );
    }
}

#[test]
fn work_grows_with_the_nodes_and_no_faster() {
    let took = |nodes: usize| {
        let nodes = (0..nodes).map(|number| {
            let name = format!("node{number}");
            let controls = (0..60).map(|c| {
                let mut control = sample::controls(&name).remove(1);
                Arc::make_mut(&mut control.control).id = format!("c{c}").into();
                control
            });
            sample::node_events(sample::node(&name), controls.collect())
        });
        let events = sample::run(nodes.collect());
        let start = cpu_seconds();
        let junit = report(false, &events).len();
        let page = sample::written(super::super::cli::Cli::new(&Default::default()), &events).len();
        assert!(junit > 0 && page > 0);
        cpu_seconds() - start
    };
    let (few, many) = (took(20).max(1e-4), took(400));
    // Twenty times the nodes; quadratic work would take four hundred times as long.
    assert!(many / few < 80.0, "{few} s for 20 nodes, {many} s for 400");
}

/// What this thread has used of a processor, whoever else wants it (proc_pid_schedstat).
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_gives_well_formed_xml(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in "(\\PC|[\\x00-\\x1f]|\\]\\]>|\u{1b}\\[31m|&|<!\\[CDATA\\[|\u{ffff}){0,20}") {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), text.clone(), format!("]]>{text}]]")] {
            let xml = report(false, &sample::every_text(&text));
            let document = Document::parse(&xml).map_err(|error| TestCaseError::fail(format!("{error}\n{xml}")))?;
            check_rules(&document);
            let xml = report(true, &sample::every_text(&text));
            check_rules(&Document::parse(&xml).map_err(|error| TestCaseError::fail(format!("{error}\n{xml}")))?);
            for json in [
                sample::written(crate::report::exec_json::ExecJson::default(), &sample::every_text(&text)),
                sample::written(crate::report::json_min::JsonMin::default(), &sample::every_text(&text)),
                sample::written(crate::report::run_json::RunJson::default(), &sample::every_text(&text)),
            ] {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
            }
            let lines = sample::written(crate::report::ndjson::Ndjson::default(), &sample::every_text(&text));
            for line in lines.lines() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
            }
        }
    }
}

#[test]
fn nothing_is_said_twice_and_the_suite_takes_the_time_of_the_clock() {
    let mut step = sample::step(Outcome::Failed, "File /x exists", Some("exists"), Some("does not exist"));
    step.message = Some("File /x does not exist".into());
    let mut absent = sample::control("web1", sample::summary("absent", ""), Outcome::Failed, vec![step]);
    let mut fault = sample::step(Outcome::Errored, "check runs to its end", None, None);
    fault.message = Some("no permission".into());
    let mut errored = sample::control("web1", sample::summary("errored", ""), Outcome::Errored, vec![fault]);
    errored.reason = Some("no permission".into());
    (absent.seconds, errored.seconds) = (5.0, 5.0);
    let mut events = sample::run(vec![sample::node_events(sample::node("web1"), vec![absent, errored])]);
    for event in &mut events {
        if let RunEvent::ProfileFinished(finished) = &mut event.event {
            finished.seconds = 5.5;
        }
    }
    let text = report(false, &events);
    let document = Document::parse(&text).unwrap();
    let failure = elements(case(&document, "absent"), "failure").next().unwrap();
    assert_eq!(failure.attribute("message"), Some("File /x exists: it does not exist"));
    assert!(!failure.text().unwrap().contains("why"), "{text}");
    let error = elements(case(&document, "errored"), "error").next().unwrap();
    assert_eq!(error.text().unwrap_or_default().matches("no permission").count(), 1, "{text}");
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!(suite.attribute("time"), Some("5.500"));
}

#[test]
fn notes_and_costs_are_properties_and_a_node_not_begun_is_no_dead_one() {
    let junit = || Junit::new(false);
    let xml = sample::written(junit(), &sample::many(20, 12));
    let document = roxmltree::Document::parse(&xml).unwrap();
    let suite = |name: &str| {
        document.descendants().find(|node| node.attribute("name") == Some(name)).unwrap_or_else(|| panic!("{name}"))
    };
    let property = |suite: roxmltree::Node<'_, '_>, name: &str| {
        let found = suite
            .descendants()
            .find(|node| node.tag_name().name() == "property" && node.attribute("name") == Some(name));
        found.and_then(|node| node.attribute("value")).map(str::to_string)
    };
    for profile in ["linux-baseline", "selinux"] {
        let noted = suite(&format!("{profile}@web002.example.org"));
        assert!(property(noted, "note").unwrap().ends_with("its /tmp is mounted noexec"));
        assert_eq!(property(noted, "rounds").as_deref(), Some("4"));
        assert_eq!(property(noted, "probes.asked").as_deref(), Some("412"));
        assert_eq!(property(noted, "bytes.received").as_deref(), Some("212000"));
    }
    assert!(property(suite("linux-baseline@web003.example.org"), "note").is_none());
    let reached = |node: &str| {
        let case =
            suite(&format!("linux-baseline@{node}")).descendants().find(|node| node.attribute("name") == Some(REACHED));
        let error = case.unwrap().first_element_child().unwrap();
        (error.attribute("type").unwrap().to_string(), error.attribute("message").unwrap().to_string())
    };
    assert_eq!(reached("web010.example.org").0, "unreachable");
    let (kind, message) = reached("web019.example.org");
    assert_eq!((&*kind, &*message), ("not_started", "not started: 300 nodes failed, as --max-failures says"));
    let suites = document.descendants().filter(|node| node.tag_name().name() == "testsuite");
    assert_eq!(suites.count(), 40, "every node has its rows");
}

/// A run with a stage of every outcome.
fn with_stages(text: &str) -> Vec<Stamped> {
    let mut events: Vec<RunEvent> = sample::three_nodes().into_iter().map(|event| event.event).collect();
    for (at, outcome) in
        [Outcome::Passed, Outcome::Errored, Outcome::Skipped, Outcome::NotApplicable].into_iter().enumerate()
    {
        let mut stage = sample::stage(&format!("stage {at}"), outcome);
        stage.started = format!("2026-11-20T09:5{at}:00.000Z");
        stage.output = stage.output.map(|_| text.to_string());
        stage.reason = stage.reason.map(|reason| format!("{reason} {text}").into());
        events.insert(at + 1, RunEvent::StageFinished(Box::new(stage)));
    }
    sample::stamped(events)
}

#[test]
fn stages_are_a_suite_of_their_own_before_the_nodes() {
    let xml = report(false, &with_stages("]]>\u{1}\u{1b}[31mred\u{1b}[0m & <out>\n"));
    let document = Document::parse(&xml).unwrap();
    check_rules(&document);
    let suites: Vec<_> = elements(document.root_element(), "testsuite").collect();
    assert_eq!(suites[0].attribute("name"), Some("pipeline lab"));
    assert_eq!(suites[1].attribute("name"), Some("linux-baseline@web1"));
    assert_eq!(suites[0].attribute("timestamp"), Some("2026-11-20T09:50:00.000Z"));
    assert_eq!(suites[0].attribute("time"), Some("241.500"), "until the last had ended");
    let cases: Vec<_> = elements(suites[0], "testcase").collect();
    assert!(cases.iter().all(|case| case.attribute("classname") == Some("pipeline.lab")));
    assert_eq!(
        cases.iter().map(|case| case.attribute("name").unwrap()).collect::<Vec<_>>(),
        ["stage 0", "stage 1", "stage 2", "stage 3"]
    );
    assert_eq!(cases[0].children().filter(Node::is_element).count(), 0);
    let error = elements(cases[1], "error").next().unwrap();
    assert!(error.attribute("message").unwrap().starts_with("terraform apply ended with exit status 1 ]]>"));
    for part in ["what: terraform apply -input=false stage 1\n", "log: logs/stage 1.log"] {
        assert!(error.text().unwrap().contains(part), "{part}");
    }
    let out: String = elements(cases[1], "system-out")
        .next()
        .unwrap()
        .descendants()
        .filter(|node| node.is_text())
        .map(|node| node.text().unwrap())
        .collect();
    assert!(out.contains("]]>\u{fffd}red & <out>"), "{out}");
    assert_eq!(cases[1].attribute("time"), Some("61.500"));
    assert!(elements(cases[2], "skipped").next().unwrap().attribute("message").unwrap().contains("exit status 1"));
    assert!(
        elements(cases[3], "skipped").next().unwrap().attribute("message").unwrap().starts_with("not applicable: ")
    );
    assert!(!report(false, &sample::three_nodes()).contains("pipeline"), "no suite where there are no stages");
}

#[test]
fn a_pipeline_whose_stages_alone_were_done_is_a_suite_and_long_output_is_cut() {
    let events: Vec<Stamped> = with_stages(&"no quota left\n".repeat(20_000))
        .into_iter()
        .filter(|event| event.event.node().is_none())
        .collect();
    let xml = report(false, &events);
    let document = Document::parse(&xml).unwrap();
    check_rules(&document);
    assert_eq!(elements(document.root_element(), "testsuite").count(), 1);
    let out = document.descendants().find(|node| node.has_tag_name("system-out")).unwrap().text().unwrap();
    assert!(out.starts_with("(the beginning is left out)\nno quota left\n"), "{}", &out[..80]);
    assert!(out.len() < 100_000 && out.ends_with("no quota left\n"));
}
