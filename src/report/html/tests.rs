use super::*;
use crate::report::sample;
use crate::results::Outcome;
use crate::results::event::*;
use serde_json::Value;
use std::sync::Arc;

fn page(events: &[Stamped]) -> String {
    sample::written(Html::default(), events)
}

/// The JSON that stands in a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"run\">").expect("the page holds the run");
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// What is above the map: the verdict and the stages.
fn verdict(page: &str) -> &str {
    let (_, rest) = page.split_once("<header").unwrap();
    rest.split_once("<div id=\"plain\">").unwrap().0
}

fn text(data: &Value, number: &Value) -> String {
    data["texts"][number.as_u64().unwrap() as usize].as_str().unwrap().to_string()
}

/// What every node came to for a control, by the first number of its findings.
fn kinds(data: &Value, control: &Value) -> Vec<u64> {
    let cells: Vec<u64> = control["cells"].as_array().unwrap().iter().map(|cell| cell.as_u64().unwrap()).collect();
    cells
        .chunks(2)
        .flat_map(|pair| {
            let kind = data["findings"][pair[0] as usize][0].as_u64().unwrap();
            std::iter::repeat_n(kind, pair[1] as usize)
        })
        .collect()
}

#[test]
fn one_file_holds_all_and_asks_for_nothing() {
    let page = page(&sample::three_nodes());
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(!page.contains("{{"), "every place is filled");
    // The only addresses are those of references, which are links in JSON.
    for marker in ["src=", "@import", "url(", "<link rel=\"stylesheet\"", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(marker), "{marker}");
    }
    for hash in [STYLE, SCRIPT].map(|text| STANDARD.encode(Sha256::digest(text.as_bytes()))) {
        assert!(page.contains(&format!("'sha256-{hash}'")));
    }
    // A browser reads a line end of two characters as one, and the hash would not fit.
    assert!(![PAGE, STYLE, SCRIPT].iter().any(|part| part.contains('\r')));
    // Nothing in our own parts ends the element they stand in, or is markup made from text.
    for sink in ["</", "<!--", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!SCRIPT.contains(sink) && !STYLE.contains(sink), "{sink}");
    }
}

#[test]
fn the_verdict_says_what_is_wrong_on_how_many_nodes() {
    let page = page(&sample::three_nodes());
    let verdict = verdict(&page);
    for said in [
        "> Failed</h1>",
        "1 control failed on 1 of 3 nodes.",
        "1 control could not be checked on 1 of 3 nodes.",
        "1 of 3 nodes was out of reach: none of its controls could be checked.",
        "1 control was skipped somewhere.",
        "1 control was waived somewhere",
        "Nothing is wrong on 1 of 3 nodes.",
        "15 results on all 3 nodes: 3 passed, 1 failed, 8 could not be checked, 1 skipped, 1 not applicable, 1 waived.",
        "2026-11-20 10:00:00 UTC",
        "took 1.2 s",
        "linux-baseline 1.0.0",
    ] {
        assert!(verdict.contains(said), "{said} in {verdict}");
    }
}

#[test]
fn what_all_nodes_share_is_there_once() {
    let page = page(&sample::three_nodes());
    let data = data(&page);
    assert_eq!(data["profiles"].as_array().unwrap().len(), 1);
    let controls = data["profiles"][0]["controls"].as_array().unwrap();
    assert_eq!(controls.len(), 7);
    assert_eq!(text(&data, &controls[1]["id"]), "sshd-root-login");
    // Failed, not to run there, out of reach.
    assert_eq!(kinds(&data, &controls[1]), [1, 9, 6]);
    assert_eq!(kinds(&data, &controls[0]), [0, 0, 6]);
    let finding = data["findings"][controls[1]["cells"][0].as_u64().unwrap() as usize].clone();
    let steps = data["lists"][finding[2].as_u64().unwrap() as usize].as_array().unwrap();
    let failed = &data["steps"][steps[1].as_u64().unwrap() as usize];
    assert_eq!(text(&data, &failed[1]), "sshd_config PermitRootLogin is \"no\"");
    assert_eq!((text(&data, &failed[2]), text(&data, &failed[3])), ("\"no\"".into(), "\"yes\"".into()));
    let evidence = &data["lists"][failed[9].as_u64().unwrap() as usize];
    assert_eq!(text(&data, &evidence[0]), "stat /etc/shadow");
    assert_eq!((text(&data, &failed[7]), &failed[8]), ("controls/sample.lua".into(), &Value::from(12)));
    let waivers = data["waivers"].as_array().unwrap();
    assert_eq!((text(&data, &waivers[1][1]), &waivers[1][2]), ("2026-12-31".into(), &Value::from(0)));
    let attribute = &data["attributes"][0];
    assert_eq!(
        (text(&data, &attribute[0]), text(&data, &attribute[4])),
        ("max_auth_tries".into(), "profile.yml:12".into())
    );
    assert!(text(&data, &data["nodes"][2]["error"]).contains("connection refused"));
    assert_eq!(data["nodes"][0]["done"]["rounds"], 3);
}

#[test]
fn a_thousand_nodes_are_a_few_megabytes() {
    let mut reporter = Html::default();
    let mut out = Vec::new();
    sample::each_of_many(1000, 160, |event| reporter.event(event, &mut out).unwrap());
    reporter.finish(&mut out).unwrap();
    assert!(out.len() < 2_000_000, "{} bytes", out.len());
    let page = String::from_utf8(out).unwrap();
    let data = data(&page);
    assert_eq!(data["nodes"].as_array().unwrap().len(), 1000);
    for control in data["profiles"][0]["controls"].as_array().unwrap() {
        assert_eq!(kinds(&data, control).len(), 1000);
    }
    let verdict = verdict(&page);
    assert!(verdict.contains("2 of 1,000 nodes were never started."), "{verdict}");
    assert!(verdict.contains("of 1,000 nodes were out of reach"), "{verdict}");
}

/// A run in which every node finds something of its own in every control.
fn all_different(nodes: usize, controls: usize, length: usize) -> (String, usize) {
    let summaries: Vec<_> = (0..controls).map(|at| Arc::new(sample::summary(&format!("c{at}"), "Something"))).collect();
    let profile = Arc::new(ProfileSummary { controls: summaries.clone(), ..sample::profile(&[]) });
    let mut reporter = Html::default();
    let mut out = Vec::new();
    let mut send = |event: RunEvent| {
        reporter.event(&Stamped { sequence: 0, time: "2026-11-20T10:00:00.000Z".into(), event }, &mut out).unwrap();
    };
    for number in 0..nodes {
        let name: Arc<str> = format!("n{number}").into();
        send(RunEvent::NodeStarted(sample::node(&name)));
        send(RunEvent::ProfileStarted(Box::new(ProfileStarted {
            node: name.clone(),
            profile: profile.clone(),
            attributes: Vec::new(),
            not_applicable: None,
        })));
        for (at, summary) in summaries.iter().enumerate() {
            let found = format!("{number}/{at} {}", "x".repeat(length));
            let failed = sample::step(Outcome::Failed, "It is as it should be", Some("fine"), Some(&found));
            let reason: Arc<str> = format!("because {found}").into();
            send(RunEvent::ControlFinished(Box::new(ControlFinished {
                control: summary.clone(),
                reason: Some(reason),
                ..sample::control(&name, ControlSummary::clone(summary), Outcome::Failed, vec![failed])
            })));
        }
    }
    reporter.finish(&mut out).unwrap();
    let length = out.len();
    (String::from_utf8(out).unwrap(), length)
}

#[test]
fn a_page_about_nodes_that_share_nothing_is_bounded() {
    let (page, length) = all_different(60, 160, 3000);
    assert!(length < 24 << 20, "{length} bytes");
    let data = data(&page);
    let last = data["profiles"][0]["controls"][159].clone();
    assert_eq!(kinds(&data, &last), vec![1; 60], "the outcome of each is kept, whatever the room");
    let findings = data["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding[6] == 1), "what was left out is counted");
}

#[test]
fn a_run_that_broke_off_is_complete_in_form_and_says_so() {
    let mut events = sample::three_nodes();
    // In the midst of the first node.
    events.truncate(5);
    let page = page(&events);
    assert!(page.trim_end().ends_with("</html>"));
    let said = verdict(&page);
    assert!(said.contains("> Interrupted</h1>") || said.contains("> Failed, and interrupted</h1>"), "{said}");
    assert!(said.contains("The run was interrupted: 13 of 15 results are missing."), "{said}");
    assert!(said.contains("2 of 3 nodes were not reported at all."), "{said}");
    let data = data(&page);
    assert_eq!(data["interrupted"], true);
    assert_eq!(data["nodes"][0]["done"], Value::Null);
    let of = |at: usize| kinds(&data, &data["profiles"][0]["controls"][at]);
    assert_eq!((of(0), of(1), of(6)), (vec![0], vec![1], vec![8]), "what did not come never ran");
}

#[test]
fn a_run_without_any_event_is_a_page_too() {
    let page = page(&[]);
    assert!(verdict(&page).contains("> Interrupted</h1>"), "{}", verdict(&page));
    assert_eq!(data(&page)["nodes"].as_array().unwrap().len(), 0);
    let nothing = self::page(&sample::run(Vec::new()));
    assert!(verdict(&nothing).contains("> Nothing was checked</h1>"), "{}", verdict(&nothing));
}

#[test]
fn a_dead_node_is_bad_news_and_its_reason_is_there_once() {
    let error = "cannot connect to web9:22: connection refused";
    let dead = NodeStarted { error: Some(error.into()), platform: None, user: None, ..sample::node("web9") };
    let unreached = sample::controls("web9").into_iter().map(|control| ControlFinished {
        outcome: Outcome::Errored,
        reason: Some(error.into()),
        steps: Vec::new(),
        waiver: None,
        ..control
    });
    let page = page(&sample::run(vec![sample::node_events(dead, unreached.collect())]));
    let said = verdict(&page);
    assert!(said.contains("> Could not be checked in full</h1>"), "{said}");
    assert!(said.contains("The node was out of reach: none of its controls could be checked."), "{said}");
    let (_, json) = page.split_once("id=\"run\">").unwrap();
    assert_eq!(json.matches("connection refused").count(), 1);
    let (plain, _) = page.split_once("<div id=\"app\"").unwrap();
    assert!(plain.contains("cannot connect to web9:22"), "without scripts it is said, too");
}

#[test]
fn stages_stand_at_the_top_and_count() {
    let mut events = sample::run(vec![sample::node_events(sample::node("web1"), Vec::new())]);
    let add = |events: &mut Vec<Stamped>, stage: StageFinished| {
        events.insert(1, Stamped { event: RunEvent::StageFinished(Box::new(stage)), ..events[0].clone() });
    };
    let good = StageFinished {
        outcome: Outcome::Passed,
        reason: None,
        output: None,
        stage: "network".into(),
        pipeline: "lab".into(),
        ..sample::stage("fleet", Outcome::Errored)
    };
    add(&mut events, good.clone());
    let page = self::page(&events);
    assert!(verdict(&page).contains("Stages of the pipeline") && !verdict(&page).contains("could not be done"));
    add(&mut events, StageFinished { stage: "machines".into(), ..sample::stage("fleet", Outcome::Errored) });
    let page = self::page(&events);
    let said = verdict(&page);
    assert!(said.contains("> Could not be checked in full</h1>"), "{said}");
    let errored =
        "Stage machines (provision) of pipeline lab could not be done: terraform apply ended with exit status 1.";
    assert!(said.contains(errored), "{said}");
    for part in ["machines", "network", "terraform apply -input=false fleet", "Error: no quota left", "logs/fleet.log"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_run_in_which_all_is_well_says_so() {
    let passing: Vec<_> = sample::controls("web1").into_iter().take(1).collect();
    let said = page(&sample::run(vec![sample::node_events(sample::node("web1"), passing)]));
    assert!(verdict(&said).contains("> Passed</h1>"), "{}", verdict(&said));
    assert!(verdict(&said).contains("1 result on the node: 1 passed."), "{}", verdict(&said));
    assert!(!said.contains("<h2>What failed"), "nothing is listed as bad");
}

#[test]
fn an_expired_waiver_is_told_of() {
    let mut controls = sample::controls("web1");
    controls[1].waiver =
        Some(WaiverSummary { justification: "until May".into(), until: Some("2026-05-31".into()), expired: true });
    let page = page(&sample::run(vec![sample::node_events(sample::node("web1"), controls)]));
    assert!(verdict(&page).contains("1 waiver has expired and no longer holds."), "{}", verdict(&page));
    assert!(page.contains("A waiver expired after 2026-05-31: until May"));
}

#[test]
fn only_addresses_of_the_web_may_become_links() {
    let mut controls = sample::controls("web1");
    let urls = [
        "javascript:alert(1)",
        "data:text/html,x",
        "HTTPS://example.org/",
        "http://example.org/",
        "httpsx://a",
        "//a",
        "ä",
    ];
    let refs = urls.iter().map(|url| Reference { text: "see".into(), url: Some(url.to_string()) }).collect();
    Arc::make_mut(&mut controls[0].control).refs = refs;
    let page = page(&sample::run(vec![sample::node_events(sample::node("web1"), controls)]));
    let data = data(&page);
    let refs = data["profiles"][0]["controls"][0]["refs"].as_array().unwrap().clone();
    let linked: Vec<String> = refs.iter().map(|reference| text(&data, &reference[1])).collect();
    assert_eq!(linked, ["", "", "HTTPS://example.org/", "http://example.org/", "", "", ""]);
    assert_eq!(text(&data, &refs[0][0]), "see (javascript:alert(1))", "it is shown all the same");
}

#[test]
fn no_text_of_a_node_becomes_markup() {
    let hostile = "</script><script>alert(1)</script><!--\"'><img src=x onerror=alert(2)>\u{2028}{{run}}";
    let page = page(&sample::every_text(hostile));
    assert_eq!(page.matches("<script").count(), 2, "the run and our own");
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<!--") && !page.contains('\u{2028}'));
    assert_eq!(data(&page)["profiles"][0]["controls"].as_array().unwrap().len(), 6);
}

#[test]
fn a_node_that_was_cut_off_is_not_called_fine() {
    let passing: Vec<_> = sample::controls("web1").into_iter().take(1).collect();
    let mut events = sample::run(vec![sample::node_events(sample::node("web1"), passing)]);
    for event in &mut events {
        if let RunEvent::NodeFinished(finished) = &mut event.event {
            finished.interrupted = true;
        }
    }
    let page = page(&events);
    assert!(verdict(&page).contains("> Could not be checked in full</h1>"), "{}", verdict(&page));
    assert!(verdict(&page).contains("The node was not looked at to the end."), "{}", verdict(&page));
    assert_eq!(data(&page)["nodes"][0]["done"]["interrupted"], true);
}
