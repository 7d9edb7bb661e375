//! A booted Debian: services against systemctl, and what else only a running system has.

use super::node::{Kind, Node};
use probity::resource::ALL;
use std::collections::BTreeSet;

/// A name for every state of a unit that systemd has a word for.
const UNITS: &[&str] = &[
    "lab-on",
    "lab-off",
    "lab-fails",
    "lab-static",
    "lab-exited",
    "lab-activating",
    "lab-indirect",
    "lab-socket.socket",
    "lab@one",
    "lab@two",
    "lab-alias",
    "lab-other-name",
    "lab-timer.timer",
    "lab-timer",
    "lab-bad",
    "lab\\x2ddash",
    "lab-linked",
    "lab-masked",
    "no-such-masked",
    "lab-masked-runtime",
    "lab-runtime",
    "lab-old",
    "lab-older",
    "lab-transient",
    "no-such-service",
    "multi-user.target",
    "ctrl-alt-del.target",
    "runlevel3.target",
    "autovt@tty1",
    "system.slice",
    "init.scope",
    "dev-null.device",
    "proc-sys-fs-binfmt_misc.automount",
    "ssh",
    "sshd",
    "cron.service",
    "systemd-journald",
];

/// A step of a check that says `predicate`, or that it is not so.
fn is(truth: bool, predicate: &str) -> String {
    format!(":is{}({predicate:?})", if truth { "" } else { "_not" })
}

/// A text as Lua writes it.
fn quoted(text: &str) -> String {
    format!("[==[{text}]==]")
}

#[test]
fn examples_that_need_a_booted_system() {
    let Some(node) = Node::boot(Kind::Systemd, "examples on systemd") else { return };
    let mut lacking: Vec<&str> = vec!["systemd", "sshd", "sudo", "dpkg"];
    for entry in ALL.iter().filter(|entry| ["systemd", "sshd", "sudo", "dpkg"].contains(&entry.needs)) {
        lacking.retain(|need| *need != entry.needs);
        node.passes(entry.example);
        let (part, other) = entry.falsified;
        node.ends("failed", &entry.example.replacen(part, other, 1));
    }
    // These need nothing, and must not mind the node.
    for name in ["sysv_service", "virtualization", "port", "ports", "processes", "interface", "interfaces", "mount"] {
        let entry = ALL.iter().find(|entry| entry.name == name).expect("it is in the catalogue");
        node.passes(entry.example);
    }
    assert!(lacking.is_empty(), "no resource needs {lacking:?} any more");
}

#[test]
fn services_are_as_systemctl_says() {
    let Some(node) = Node::boot(Kind::Systemd, "services against systemctl") else { return };
    node.sh(include_str!("units.sh"));
    let (mut body, mut words) = (String::new(), BTreeSet::new());
    for unit in UNITS {
        let shown = |key: &str| node.sh(&format!("systemctl show --value --property {key} -- '{unit}'"));
        let exists = shown("LoadState") != "not-found";
        let word = node.said(&format!("systemctl is-enabled -- '{unit}' 2>/dev/null"));
        let subject = format!("service {}", quoted(unit));
        body += &format!("describe({subject}){}", is(exists, "installed"));
        body += &is(node.succeeds(&format!("systemctl is-active --quiet -- '{unit}'")), "running");
        body += &is(node.succeeds(&format!("systemctl is-enabled --quiet -- '{unit}' 2>/dev/null")), "enabled");
        body += &is(word.starts_with("masked"), "masked");
        body += "\n";
        if exists {
            // `show` tells the state of the unit an alias stands for.
            let mode = match &*shown("UnitFileState") {
                "" => "absent".to_string(),
                state => format!("eq {}", quoted(state)),
            };
            body += &format!("describe({subject}):its('startmode', {mode})");
            for (property, key) in [("name", "Id"), ("description", "Description"), ("params.SubState", "SubState")] {
                body += &format!(":its({property:?}, eq {})", quoted(&shown(key)));
            }
            body += "\n";
        }
        words.insert(word);
    }
    node.passes(&body);
    let seen: Vec<&str> = words.iter().map(String::as_str).collect();
    for word in [
        "",
        "alias",
        "disabled",
        "enabled",
        "enabled-runtime",
        "indirect",
        "linked",
        "masked",
        "masked-runtime",
        "static",
        "transient",
    ] {
        assert!(words.contains(word), "no unit is {word:?}, only {seen:?}");
    }

    node.passes(
        r#"describe(service "lab-on"):its("startname", eq "nobody"):its("runlevels", eq { "multi-user.target" })
             :its("params.Restart", eq "on-failure"):its("params.Environment", eq '"GREETING=good day" B=2')
             :is("has_start_mode", "enabled")
           describe(service "lab-off"):its("startname", eq "root"):its("runlevels", empty)
           describe(service "lab-fails"):its("params.ActiveState", eq "failed"):its("params.Result", eq "exit-code")
           describe(service "lab-timer.timer"):its("params.NextElapseUSecRealtime", ne "")
             :its("params.Triggers", contains "lab-timer.service"):its("runlevels", eq { "timers.target" })
           describe(service "lab-old"):its("startmode", eq "generated")
           describe(sysv_service "lab-old"):is("installed"):is("enabled"):is("running")
             :its("description", eq "An old service"):its("runlevels", eq { "2", "3", "4", "5" })
           describe(sysv_service "lab-older"):is("installed"):is_not("enabled"):is_not("running")"#,
    );
    node.ends("errored", "describe(service \"lab@\"):is(\"running\")");
    node.ends("failed", "describe(service \"no-such-service\"):its(\"startmode\", eq \"enabled\")");
}
