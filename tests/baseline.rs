//! `profiles/linux-baseline` on machines: a hardened one passes, one that is broken in one
//! way fails in that one control, and passes it once mended.

mod node;
mod support;

use node::{Machines, in_project};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Lacking, probity};

/// A way to break a node, as `tests/baseline/cases.yml` describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    control: String,
    #[serde(rename = "break")]
    fault: String,
    #[serde(default)]
    mend: String,
    #[serde(default)]
    also: BTreeSet<String>,
    #[serde(default)]
    attrs: BTreeMap<String, serde_json::Value>,
    /// The only architecture on which it can be tried.
    arch: Option<String>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(in_project("tests/baseline/cases.yml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// Outcome and reason of each control of a report.
fn outcomes(report: &serde_json::Value) -> BTreeMap<String, (String, String)> {
    let controls = report["nodes"][0]["profiles"][0]["controls"].as_array().expect("the report lists controls");
    let entry = |control: &serde_json::Value| {
        let text = |key: &str| control[key].as_str().unwrap_or_default().to_string();
        let told: Vec<String> = control["steps"].as_array().into_iter().flatten().map(ToString::to_string).collect();
        (text("control"), (text("outcome"), format!("{} {}", text("reason"), told.join("\n"))))
    };
    controls.iter().map(entry).collect()
}

/// The reports a script on a node wrote, by the name `judge` was given.
fn reports(written: &str) -> BTreeMap<String, BTreeMap<String, (String, String)>> {
    let report = |line: &str| {
        let (name, json) = line.split_once(' ')?;
        Some((name.to_string(), outcomes(&serde_json::from_str(json).ok()?)))
    };
    written.lines().filter_map(report).collect()
}

fn machines(what: &str) -> Option<Machines> {
    let mut lacking = Lacking::default();
    let harden = in_project("tests/baseline/harden.sh");
    let machines = Machines::changed_by(&harden, &mut lacking, what);
    let machines = machines?;
    machines.give(&harden, "harden.sh");
    machines.give(&in_project("tests/baseline/faults.sh"), "faults.sh");
    machines.give(&in_project("profiles/linux-baseline"), "profile");
    machines.give(&in_project("attributes/linux-baseline.yml"), "attributes.yml");
    Some(machines)
}

/// Breaks a node, judges it, mends it, judges it again: what was not as it should be.
fn try_case(machines: &Machines, case: &Case) -> Result<(), String> {
    let attrs: String = case.attrs.iter().map(|(name, value)| format!(" --attr '{name}={}'", plain(value))).collect();
    let Case { control, fault, mend, also, .. } = case;
    let written = machines.run(&format!(
        ". /run/test/share/faults.sh; cp /run/test/share/harden.sh /run/harden.sh\n\
         {fault}\njudge broken{attrs}\n\
         {mend}\nsh /run/harden.sh; sh /run/test/share/boot.sh\njudge mended --controls {control}{attrs}\n"
    ))?;
    let reports = reports(&written);
    let (Some(broken), Some(mended)) = (reports.get("broken"), reports.get("mended")) else {
        return Err(format!("no two reports in {written}"));
    };
    let mut faults = Vec::new();
    for (id, (outcome, told)) in broken {
        let meant = id == control || also.contains(id);
        let right = if meant { outcome == "failed" } else { matches!(outcome.as_str(), "passed" | "not_applicable") };
        if !right {
            faults.push(format!("broken, {id} is {outcome}: {told}"));
        }
    }
    match mended.get(control) {
        Some((outcome, _)) if outcome == "passed" => {}
        Some((outcome, told)) => faults.push(format!("mended, {control} is {outcome}: {told}")),
        None => faults.push(format!("mended, {control} was not run")),
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// What `probity describe` says of the profile.
fn described() -> serde_json::Value {
    let ran = probity(&["describe", "profiles/linux-baseline", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn every_control_has_a_case_and_every_case_a_control() {
    let described = described();
    let controls = described["profile"]["controls"].as_array().unwrap();
    let ids: BTreeSet<String> = controls.iter().filter_map(|control| Some(control["id"].as_str()?.into())).collect();
    assert!(ids.len() >= 60, "{} controls", ids.len());
    let tried: BTreeSet<String> = cases().into_iter().map(|case| case.control).collect();
    assert_eq!(ids.difference(&tried).collect::<Vec<_>>(), Vec::<&String>::new(), "controls without a case");
    assert_eq!(tried.difference(&ids).collect::<Vec<_>>(), Vec::<&String>::new(), "cases without a control");
}

#[test]
fn every_control_says_what_why_and_how() {
    let described = described();
    let (mut titles, mut descriptions) = (BTreeSet::new(), BTreeSet::new());
    for control in described["profile"]["controls"].as_array().unwrap() {
        let id = &control["id"];
        for key in ["title", "desc", "rationale", "fix"] {
            assert!(control[key].as_str().is_some_and(|text| text.len() > 10), "{id} has no {key}");
        }
        assert!(control["impact"].as_f64().is_some_and(|impact| impact > 0.0 && impact <= 1.0), "{id} has no impact");
        assert!(
            control["tags"]["nist"].as_array().is_some_and(|list| !list.is_empty()),
            "{id} names no control of NIST"
        );
        assert!(control["refs"][0]["url"].as_str().is_some_and(|url| url.starts_with("https://")), "{id} has no refs");
        assert!(titles.insert(control["title"].to_string()), "{id} has the title of another");
        assert!(descriptions.insert(control["desc"].to_string()), "{id} requires what another does");
    }
}

#[test]
fn nothing_in_the_profile_is_doubtful() {
    let ran = probity(&["check", "profiles/linux-baseline"]);
    assert!(ran.code == 0 && ran.stdout.contains("0 warnings"), "{}{}", ran.stdout, ran.stderr);
}

/// The samples show every attribute with its default, a few of them not commented out.
#[test]
fn the_samples_of_attributes_are_those_of_the_manifests() {
    for name in ["linux-baseline", "ssh-baseline"] {
        let manifest = std::fs::read_to_string(in_project(&format!("profiles/{name}/profile.yml"))).unwrap();
        let manifest: serde_json::Value = serde_yaml::from_str(&manifest).unwrap();
        let declared: BTreeMap<&String, &serde_json::Value> = manifest["attributes"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, declared)| (name, &declared["default"]))
            .collect();
        let sample = std::fs::read_to_string(in_project(&format!("attributes/{name}.yml"))).unwrap();
        let is_yaml = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            line.starts_with("  - ") || declared.keys().any(|declared| *declared == name)
        };
        let uncommented: Vec<&str> =
            sample.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).filter(is_yaml).collect();
        let given: serde_json::Value = serde_yaml::from_str(&uncommented.join("\n")).unwrap();
        let given: BTreeMap<&String, &serde_json::Value> = given.as_object().unwrap().iter().collect();
        assert_eq!(given, declared, "{name}");
    }
}

#[test]
fn a_hardened_node_has_nothing_to_mend() {
    let Some(machines) = machines("the baseline on a hardened node") else { return };
    let written = machines.run(". /run/test/share/faults.sh; judge hardened").unwrap();
    let reports = reports(&written);
    let outcomes = reports.get("hardened").unwrap_or_else(|| panic!("no report in {written}"));
    let wrong: Vec<String> = outcomes
        .iter()
        .filter(|(_, (outcome, _))| !matches!(outcome.as_str(), "passed" | "not_applicable"))
        .map(|(id, (outcome, told))| format!("{id} is {outcome}: {told}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let passed = outcomes.values().filter(|(outcome, _)| outcome == "passed").count();
    assert!(passed >= 60, "only {passed} controls passed");
}

#[test]
fn a_container_is_told_what_does_not_apply_and_nothing_is_errored() {
    let Some(machines) = machines("the baseline in a container") else { return };
    let written = machines.run(". /run/test/share/faults.sh; : >/.dockerenv; judge container").unwrap();
    let reports = reports(&written);
    let outcomes = reports.get("container").unwrap_or_else(|| panic!("no report in {written}"));
    for (id, (outcome, told)) in outcomes {
        assert!(matches!(outcome.as_str(), "passed" | "not_applicable"), "{id} is {outcome}: {told}");
        let of_the_host =
            ["sysctl-", "modules-", "mount-", "kernel-", "cpu-"].iter().any(|start| id.starts_with(start));
        if of_the_host {
            assert!(outcome == "not_applicable" && !told.trim().is_empty(), "{id} is {outcome} in a container: {told}");
        }
    }
}

/// Faults that look otherwise where the files are Red Hat's.
const RED_HAT_FAULTS: &[(&str, &str)] = &[
    ("shadow-file", "chmod 0004 /etc/shadow"),
    ("pam-lockout-asked", "sed -i /faillock/d /etc/pam.d/password-auth"),
    ("pam-quality-asked", "sed -i /pwquality/d /etc/pam.d/system-auth"),
    ("pam-hash-method", "sed -i s/yescrypt/md5/ /etc/pam.d/password-auth"),
    ("shell-umask", "echo 'umask 002' >>/etc/bashrc"),
    ("bootloader-files", "chmod 0644 /boot/grub2/grub.cfg"),
    ("chrony-user", "echo 'user root' >>/etc/chrony.conf"),
    ("dnf-signatures", "sed -i s/gpgcheck=1/gpgcheck=0/ /etc/yum.repos.d/rocky.repo"),
    ("selinux-config", "sed -i s/enforcing/permissive/ /etc/selinux/config"),
    ("mandatory-access-control", "echo 0 >/sys/fs/selinux/enforce"),
    ("firewall", "rm /etc/systemd/system/multi-user.target.wants/firewalld.service"),
];

#[test]
fn a_node_laid_out_as_red_hat_does_is_judged_alike() {
    let Some(machines) = machines("the baseline on files of Red Hat") else { return };
    machines.give(&in_project("tests/baseline/red-hat.sh"), "red-hat.sh");
    // No fault undoes another, so that one report shows them all.
    let mut script = ". /run/test/share/faults.sh; sh /run/test/share/red-hat.sh\njudge whole\n".to_string();
    for (_, fault) in RED_HAT_FAULTS {
        script.push_str(fault);
        script.push('\n');
    }
    script.push_str("judge broken\n");
    let written = machines.run(&script).unwrap();
    let reports = reports(&written);
    let broken: BTreeSet<&str> = RED_HAT_FAULTS.iter().map(|(control, _)| *control).collect();
    for (id, (outcome, told)) in &reports["whole"] {
        assert!(matches!(outcome.as_str(), "passed" | "not_applicable"), "{id} is {outcome}: {told}");
        assert!(!broken.contains(id.as_str()) || outcome == "passed", "{id} is {outcome}: {told}");
    }
    for (id, (outcome, told)) in &reports["broken"] {
        let right = if broken.contains(id.as_str()) {
            outcome == "failed"
        } else {
            outcome != "failed" && outcome != "errored"
        };
        assert!(right, "{id} is {outcome}: {told}");
    }
}

#[test]
fn each_fault_fails_its_control_alone_and_the_mend_mends_it() {
    let Some(machines) = machines("the faults of the baseline") else { return };
    let only = std::env::var("PROBITY_BASELINE_CASE").ok();
    let cases: Vec<Case> =
        cases().into_iter().filter(|case| only.as_ref().is_none_or(|id| *id == case.control)).collect();
    let here = |case: &Case| case.arch.as_ref().is_none_or(|arch| arch == std::env::consts::ARCH);
    let cases: Vec<Case> = cases.into_iter().filter(here).collect();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(fault) = try_case(&machines, case) {
                        let fault = format!("{} ({}):\n{fault}", case.control, case.fault);
                        faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(fault);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert!(faults.is_empty(), "{} of {} cases\n{}", faults.len(), cases.len(), faults.join("\n\n"));
}
