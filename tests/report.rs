//! Reports as others read them: InSpec's exec-json by inspecjs, the library under Heimdall
//! and SAF CLI. `npm install` in `tests/inspecjs` fetches it.

// The made-up run of the reporters' own tests; it names what it uses as they do.
#[allow(dead_code, reason = "the unit tests use the rest")]
#[path = "../src/report/sample.rs"]
mod sample;
mod support;

use probity::report::{Options, Outputs, Reporter, Spec};
use probity::{results, value};
use results::{ControlFinished, Stamped};
use results::{Outcome, RunEvent};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Writes the exec-json of a run of one node.
fn write(events: &[Stamped], path: &Path) {
    let specs: Vec<Spec> = vec![format!("json:{}", path.display()).parse().unwrap()];
    let mut outputs = Outputs::open(&specs, &Options::default()).unwrap();
    events.iter().for_each(|event| outputs.event(event));
    outputs.finish().unwrap();
}

/// What inspecjs computes for each control; `None` where it is not installed.
fn computed(events: &[Stamped]) -> Option<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inspecjs");
    let node = |args: &[&str]| Command::new("node").args(args).current_dir(&folder).output();
    if !node(&["-e", "require('inspecjs')"]).is_ok_and(|output| output.status.success()) {
        let need = "node and inspecjs (npm install in tests/inspecjs)";
        assert!(!support::required("inspecjs"), "this test needs {need}, which PROBITY_REQUIRE says must be here");
        support::skipped("exec-json as inspecjs reads it", need);
        return None;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    write(events, file.path());
    let output = node(&["statuses.js", &file.path().display().to_string()]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn inspecjs_computes_the_status_that_is_meant() {
    let Some(statuses) = computed(&sample::every_outcome()) else { return };
    let expected = [
        ("shadow-mode", "Passed"),
        ("sshd-root-login", "Failed"),
        ("time-sync", "Profile Error"),
        ("mail-relay", "Not Reviewed"),
        ("grub-password", "Not Applicable"),
        ("cups-off", "Not Applicable"),
        ("web-answers", "Passed"),
    ];
    for (control, status) in expected {
        assert_eq!(statuses[control]["status"], status, "{control} in {statuses}");
    }
    assert_eq!(statuses["cups-off"]["waived"], true);
    assert_eq!(statuses["sshd-root-login"]["severity"], "critical");
    assert_eq!(statuses["grub-password"]["severity"], "high", "how much it would matter is kept");
}

#[test]
fn inspecjs_computes_it_for_odd_controls_too() {
    let mut controls = sample::controls("web1");
    for control in &mut controls {
        let summary = Arc::make_mut(&mut control.control);
        // Impact 0 and tags of unexpected types are where readers of HDF go wrong.
        summary.impact = 0.0;
        summary.tags.insert("severity".into(), value::Value::Int(3));
        summary.tags.insert("nist".into(), value::Value::Int(6));
        (summary.title, summary.desc) = (None, None);
    }
    // Waived although it could not be checked, and errored before the first step.
    let waived = controls.iter().find(|control| control.outcome == Outcome::Waived).unwrap().waiver.clone();
    controls[2].outcome = Outcome::Waived;
    controls[2].waiver = waived;
    let mut unheard = sample::control("web1", sample::summary("unheard", "Nothing was said"), Outcome::Errored, vec![]);
    unheard.reason = Some("the control checked nothing".into());
    let mut said = sample::control("web1", sample::summary("said", "It is well"), Outcome::Passed, vec![]);
    said.reason = Some("nothing to do here".into());
    controls.extend([unheard, said]);
    let outcomes: Vec<(String, &str)> = controls
        .iter()
        .map(|control| {
            let status = match control.outcome {
                Outcome::Passed => "Passed",
                Outcome::Failed => "Failed",
                Outcome::Errored => "Profile Error",
                Outcome::Skipped => "Not Reviewed",
                Outcome::NotApplicable | Outcome::Waived => "Not Applicable",
            };
            (control.control.id.to_string(), status)
        })
        .collect();
    let Some(statuses) = computed(&one_node(controls)) else { return };
    for (control, status) in outcomes {
        assert_eq!(statuses[control.as_str()]["status"], status, "{control} in {statuses}");
    }
}

#[test]
fn inspecjs_takes_a_node_that_was_never_reached_and_a_run_that_broke_off() {
    let mut dead = sample::node("web1");
    dead.platform = None;
    dead.error = Some("connection refused".into());
    let unreached = sample::controls("web1").into_iter().map(|control| ControlFinished {
        outcome: Outcome::Errored,
        reason: Some("connection refused".into()),
        steps: Vec::new(),
        waiver: None,
        ..control
    });
    let events = sample::run(vec![sample::node_events(dead, unreached.collect())]);
    let Some(statuses) = computed(&events) else { return };
    let all = |statuses: &Value, status: &str| {
        statuses.as_object().unwrap().values().filter(|control| control["status"] == status).count()
    };
    assert_eq!(all(&statuses, "Profile Error"), 7, "{statuses}");

    let mut events = sample::every_outcome();
    events.truncate(4);
    let statuses = computed(&events).unwrap();
    assert_eq!((all(&statuses, "Passed"), all(&statuses, "Profile Error")), (1, 6), "{statuses}");
}

#[test]
fn equal_runs_give_equal_reports_times_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    write(&sample::every_outcome(), &one);
    let mut later = sample::every_outcome();
    for event in &mut later {
        event.time = "2030-01-01T00:00:00.000Z".into();
        if let RunEvent::ControlFinished(control) = &mut event.event {
            control.seconds = 99.0;
            control.started = "2030-01-01T00:00:00.000Z".into();
        }
    }
    write(&later, &other);
    let read = |path: &Path| -> Value {
        let mut report = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        mask_times(&mut report);
        report
    };
    assert_eq!(read(&one), read(&other));
}

fn mask_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if ["start_time", "run_time", "duration"].contains(&key.as_str()) {
                    *value = json!("masked");
                }
                mask_times(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_times),
        _ => {}
    }
}

fn one_node(controls: Vec<ControlFinished>) -> Vec<Stamped> {
    sample::run(vec![sample::node_events(sample::node("web1"), controls)])
}
