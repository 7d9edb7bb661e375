//! The proof that a verdict is the same whatever way a node is looked at: linux-baseline run on
//! the node itself, over SSH in batches and by the pushed agent, on every node of the lab, clean
//! and with twenty faults.

use super::fleet::Fleet;
use super::node::in_project;
use serde_json::Value;
use std::collections::BTreeMap;

/// Nodes and who logs in there; on `bbox`, which has no sudo, root itself.
const NODES: [(&str, &str, &[&str]); 5] = [
    ("deb11", "ops", &["--sudo"]),
    ("deb12", "ops", &["--sudo"]),
    ("deb13", "ops", &["--sudo"]),
    ("rpm", "ops", &["--sudo"]),
    ("bbox", "root", &[]),
];

/// The controls of the one profile on the one node of a report, by id.
fn controls(report: &Value) -> BTreeMap<&str, &Value> {
    let controls = report["nodes"][0]["profiles"][0]["controls"].as_array();
    let controls = controls.unwrap_or_else(|| panic!("no controls in {report:#}"));
    controls.iter().map(|control| (control["control"].as_str().expect("a control has an id"), control)).collect()
}

/// Where two reports of one profile on one node differ: outcome, reason and, of each step, its
/// sentence, outcome, expected and found value and message. What must differ (times, what a
/// probe cost, as whom it was asked) is no part of it.
fn differences(one: &Value, other: &Value) -> Vec<String> {
    let (one, other) = (controls(one), controls(other));
    let mut found = Vec::new();
    for id in one.keys().chain(other.keys().filter(|id| !one.contains_key(*id))) {
        let (Some(one), Some(other)) = (one.get(id), other.get(id)) else {
            found.push(format!("{id} is in one report only"));
            continue;
        };
        for part in ["outcome", "reason"] {
            if one[part] != other[part] {
                found.push(format!("{id} {part}: {} / {}", one[part], other[part]));
            }
        }
        let steps = |control: &Value| control["steps"].as_array().cloned().unwrap_or_default();
        let (one, other) = (steps(one), steps(other));
        if one.len() != other.len() {
            found.push(format!("{id} has {} steps / {}", one.len(), other.len()));
        }
        for (one, other) in one.iter().zip(&other) {
            for part in ["sentence", "outcome", "expected", "found", "message", "file", "line"] {
                if one[part] != other[part] {
                    found.push(format!("{id} {}: {part} {} / {}", one["sentence"], one[part], other[part]));
                }
            }
        }
    }
    found
}

/// The report of a run on the node itself.
fn there(fleet: &Fleet, node: &str) -> Value {
    let output = fleet.exec_there(node, "profile --attrs attributes.yml --reporter run-json");
    let stdout = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&stdout)
        .unwrap_or_else(|_| panic!("{node}: {stdout}{}", String::from_utf8_lossy(&output.stderr)))
}

/// The report of a run over SSH.
fn from_here(fleet: &Fleet, node: &str, user: &str, more: &[&str]) -> Value {
    let args = ["profiles/linux-baseline", "--attrs", "attributes/linux-baseline.yml", "--reporter", "run-json"];
    let ran = fleet.exec(node, user, &[&args, more].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{node}: {}{}", ran.stdout, ran.stderr))
}

/// Gives a node the profile, and takes the marks of a container off it.
fn prepare(fleet: &Fleet, node: &str) {
    fleet.give(node, &in_project("profiles/linux-baseline"), "profile");
    fleet.give(node, &in_project("attributes/linux-baseline.yml"), "attributes.yml");
    fleet.sh(node, include_str!("machine.sh"));
}

/// The faults that were seeded, each with the control that has to find it.
fn seed(fleet: &Fleet, node: &str) -> Vec<String> {
    let faults = fleet.sh(node, include_str!("faults.sh"));
    faults.lines().map(|line| line.split(' ').nth(1).expect("a number and a control").to_string()).collect()
}

#[test]
fn a_verdict_is_the_same_on_the_node_over_ssh_and_by_the_agent() {
    let mut faults = Vec::new();
    let program = super::agent::program("the agent's verdicts compared with others");
    for (node, user, privilege) in NODES {
        let Some(fleet) = Fleet::alone(&[node], "one verdict on every transport") else { return };
        prepare(&fleet, node);
        for state in ["clean", "with faults"] {
            if state != "clean" {
                assert_eq!(seed(&fleet, node).len(), 20);
            }
            let there = there(&fleet, node);
            for found in differences(&there, &from_here(&fleet, node, user, privilege)) {
                faults.push(format!("{node}, {state}, in batches: {found}"));
            }
            let Some(program) = &program else { continue };
            let agent = [privilege, &["--agent", "--agent-program", program]].concat();
            let report = from_here(&fleet, node, user, &agent);
            assert_eq!(report["nodes"][0]["notes"].to_string(), "[]", "{node}: the agent was used");
            for found in differences(&there, &report) {
                faults.push(format!("{node}, {state}, by the agent: {found}"));
            }
        }
    }
    assert!(faults.is_empty(), "there / from here\n{}", faults.join("\n"));
}

/// That the proof above has something to prove: each fault changes a verdict, and the
/// comparison sees it.
#[test]
fn every_seeded_fault_is_found_where_it_is() {
    for (node, least) in [("deb12", 20), ("rpm", 20), ("bbox", 15)] {
        let Some(fleet) = Fleet::alone(&[node], "twenty faults") else { return };
        prepare(&fleet, node);
        let clean = there(&fleet, node);
        assert_eq!(
            differences(&clean, &there(&fleet, node)),
            Vec::<String>::new(),
            "two runs over one state are equal"
        );
        let seeded = seed(&fleet, node);
        let broken = there(&fleet, node);
        let differing = differences(&clean, &broken);
        let (before, after) = (controls(&clean), controls(&broken));
        let found: Vec<&String> = seeded
            .iter()
            .filter(|id| {
                let outcome = |controls: &BTreeMap<&str, &Value>| controls[id.as_str()]["outcome"].clone();
                (outcome(&before), outcome(&after)) == ("passed".into(), "failed".into())
            })
            .collect();
        assert!(found.len() >= least, "{node}: of {seeded:?} only {found:?}");
        for id in found {
            assert!(differing.iter().any(|line| line.starts_with(&format!("{id} outcome"))), "{node}: {id}");
        }
    }
}
