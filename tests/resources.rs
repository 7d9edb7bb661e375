//! The example of every resource, run for real: it is not errored, it passes, and it fails
//! once its expected value is changed.

mod support;

use probity::resource::ALL;
use support::{Lacking, find, probity};

/// Runs a body of a check and gives its outcome with the whole report.
fn outcome(body: &str) -> (String, String) {
    let ran = probity(&["exec", "-e", body, "--reporter", "run-json"]);
    let report: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{body}\n{}{}", ran.stdout, ran.stderr));
    let text = format!("{report:#}");
    let outcome = find(&report, "outcome").unwrap_or_else(|| panic!("no outcome in {text}"));
    (outcome, text)
}

#[test]
fn every_example_passes_and_fails_once_falsified() {
    let mut lacking = Lacking::default();
    let mut faults = Vec::new();
    for entry in ALL {
        if !entry.needs.is_empty() && !lacking.has(entry.needs, entry.name) {
            continue;
        }
        let (passed, report) = outcome(entry.example);
        if passed != "passed" {
            faults.push(format!("{}: the example is {passed}\n{}\n{report}", entry.name, entry.example));
            continue;
        }
        let (part, other) = entry.falsified;
        let changed = entry.example.replacen(part, other, 1);
        assert_ne!(changed, entry.example, "{}: {part:?} is not in the example", entry.name);
        let (failed, report) = outcome(&changed);
        if failed != "failed" {
            faults.push(format!("{}: the falsified example is {failed}\n{changed}\n{report}", entry.name));
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
}
