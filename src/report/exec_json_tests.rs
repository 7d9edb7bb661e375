use super::*;
use crate::report::sample;

fn report(events: &[Stamped]) -> Value {
    serde_json::from_str(&sample::written(ExecJson::default(), events)).unwrap()
}

fn control_of<'a>(report: &'a Value, id: &str) -> &'a Value {
    let controls = report["profiles"][0]["controls"].as_array().unwrap();
    controls.iter().find(|control| control["id"] == id).unwrap()
}

fn statuses(control: &Value) -> Vec<&str> {
    control["results"].as_array().unwrap().iter().map(|result| result["status"].as_str().unwrap()).collect()
}

#[test]
fn outcomes_are_written_as_readers_of_hdf_compute_them() {
    let report = report(&sample::every_outcome());
    assert_eq!(statuses(control_of(&report, "shadow-mode")), ["passed"]);
    assert_eq!(statuses(control_of(&report, "sshd-root-login")), ["passed", "failed", "failed"]);
    let errored = control_of(&report, "time-sync");
    assert_eq!(statuses(errored), ["failed", "error"]);
    assert_eq!(errored["results"][1]["backtrace"][0], "controls/sample.lua:12");
    let skipped = control_of(&report, "mail-relay");
    assert_eq!(statuses(skipped), ["skipped", "skipped"]);
    let first = skipped["results"][0]["skip_message"].as_str().unwrap();
    assert!(first.starts_with("passed, and the control is skipped: the mail team"), "{first}");
    let elsewhere = control_of(&report, "grub-password");
    assert_eq!((&elsewhere["impact"], &elsewhere["tags"]["severity"]), (&json!(0.0), &json!("high")));
    assert_eq!(elsewhere["results"][0]["skip_message"], "inside a container");
    let waived = control_of(&report, "cups-off");
    assert_eq!(statuses(waived), ["skipped"]);
    assert_eq!(waived["waiver_data"]["skipped_due_to_waiver"], true);
    assert_eq!(waived["waiver_data"]["expiration_date"], "2026-12-31");
}

#[test]
fn impact_zero_is_not_taken_for_not_applicable() {
    let mut controls = sample::controls("web1");
    for control in &mut controls {
        Arc::make_mut(&mut control.control).impact = 0.0;
    }
    let report = report(&sample::run(vec![sample::node_events(sample::node("web1"), controls)]));
    assert_eq!(control_of(&report, "sshd-root-login")["impact"], 0.01);
    assert_eq!(control_of(&report, "grub-password")["impact"], 0.0);
}

#[test]
fn tags_readers_use_have_the_type_they_expect() {
    let mut controls = sample::controls("web1");
    let tags = &mut Arc::make_mut(&mut controls[0].control).tags;
    tags.insert("severity".into(), Found::Int(3));
    tags.insert("nist".into(), Found::from("AC-6"));
    tags.insert("cci".into(), Found::List(vec![Found::Int(366)]));
    let report = report(&sample::run(vec![sample::node_events(sample::node("web1"), controls)]));
    let tags = &control_of(&report, "shadow-mode")["tags"];
    assert_eq!(*tags, json!({ "severity": "3", "nist": ["AC-6"], "cci": ["366"] }));
}

#[test]
fn what_never_ran_has_no_results() {
    let mut events = sample::every_outcome();
    events.truncate(4);
    let report = report(&events);
    assert_eq!(report["profiles"][0]["controls"].as_array().unwrap().len(), 7);
    assert_eq!(control_of(&report, "cups-off")["results"], json!([]));
}

#[test]
fn supports_are_under_inspecs_names() {
    assert_eq!(report(&sample::every_outcome())["profiles"][0]["supports"], json!([{ "platform-family": "debian" }]));
}
