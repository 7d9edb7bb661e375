//! A made-up run for the tests of the reporters: every outcome there is, once each
//! profile and node kind that reads differently.

use crate::results::event::*;
use crate::results::{Outcome, Tally};
use crate::value::Value;
use indexmap::IndexMap;
use std::sync::Arc;

/// Puts events in their place in a stream.
pub fn stamped(events: Vec<RunEvent>) -> Vec<Stamped> {
    events
        .into_iter()
        .zip(0..)
        .map(|(event, sequence)| Stamped {
            sequence,
            time: format!("2026-11-20T10:00:{:02}.{:03}Z", sequence / 1000 % 60, sequence % 1000),
            event,
        })
        .collect()
}

/// What a profile says of a control.
pub fn summary(id: &str, title: &str) -> ControlSummary {
    ControlSummary {
        id: id.into(),
        title: Some(title.into()),
        impact: 0.7,
        desc: Some(format!("Why {id} matters.").into()),
        rationale: None,
        fix: None,
        tags: IndexMap::new(),
        refs: Vec::new(),
        file: "controls/sample.lua".into(),
        line: 3,
        code: format!("control \"{id}\" {{ … }}").into(),
    }
}

/// A step that came to `outcome`.
pub fn step(outcome: Outcome, sentence: &str, expected: Option<&str>, found: Option<&str>) -> Step {
    Step {
        outcome,
        sentence: sentence.into(),
        expected: expected.map(Into::into),
        found: found.map(Into::into),
        message: None,
        traceback: None,
        resource: Some("file".into()),
        file: "controls/sample.lua".into(),
        line: 12,
        evidence: vec!["stat /etc/shadow".into()],
    }
}

/// A control without reason, waiver or retries.
pub fn control(node: &str, summary: ControlSummary, outcome: Outcome, steps: Vec<Step>) -> ControlFinished {
    ControlFinished {
        node: node.into(),
        profile: "linux-baseline".into(),
        control: Arc::new(summary),
        outcome,
        reason: None,
        steps,
        waiver: None,
        attempts: 1,
        started: "2026-11-20T10:00:00.005Z".into(),
        seconds: 0.0125,
    }
}

/// The controls of the sample: one an outcome, and one that passed at the third attempt.
pub fn controls(node: &str) -> Vec<ControlFinished> {
    let mut failed = summary("sshd-root-login", "sshd refuses root logins");
    failed.impact = 0.9;
    failed.fix = Some("Set PermitRootLogin no in /etc/ssh/sshd_config and reload sshd.".into());
    failed.tags.insert("nist".into(), Value::strings(["AC-6", "IA-2"]));
    failed.tags.insert("cis".into(), Value::from("5.1.20"));
    failed
        .refs
        .push(Reference { text: "sshd_config(5)".into(), url: Some("https://man.openbsd.org/sshd_config".into()) });
    let failed = control(
        node,
        failed,
        Outcome::Failed,
        vec![
            step(Outcome::Passed, "File /etc/ssh/sshd_config exists", None, None),
            step(Outcome::Failed, "sshd_config PermitRootLogin is \"no\"", Some("\"no\""), Some("\"yes\"")),
            Step {
                message: Some("no user bob: /etc/passwd has no such line".into()),
                ..step(Outcome::Failed, "User bob exists", None, None)
            },
        ],
    );
    let errored = control(
        node,
        summary("time-sync", "The clock is kept by a time service"),
        Outcome::Errored,
        vec![
            step(Outcome::Failed, "Service ntpd is running", Some("running"), Some("stopped")),
            Step {
                message: Some("cannot read /etc/chrony/chrony.keys: permission denied; run as root".into()),
                traceback: Some("controls/sample.lua:12: in check\ncontrols/sample.lua:3: in control".into()),
                ..step(Outcome::Errored, "File /etc/chrony/chrony.keys content matches /md5/", None, None)
            },
        ],
    );
    let skipped = ControlFinished {
        reason: Some("the mail team checks this".into()),
        ..control(
            node,
            summary("mail-relay", "Mail is relayed"),
            Outcome::Skipped,
            vec![
                step(Outcome::Passed, "Package postfix is installed", None, None),
                Step {
                    message: Some("the mail team checks this".into()),
                    ..step(Outcome::Skipped, "skipped", None, None)
                },
            ],
        )
    };
    let not_applicable = ControlFinished {
        reason: Some("inside a container".into()),
        ..control(node, summary("grub-password", "The boot loader asks for a password"), Outcome::NotApplicable, vec![])
    };
    let waived = ControlFinished {
        waiver: Some(WaiverSummary {
            justification: "old printers need it until they are replaced".into(),
            until: Some("2026-12-31".into()),
            expired: false,
        }),
        ..control(
            node,
            summary("cups-off", "No print server runs"),
            Outcome::Waived,
            vec![step(Outcome::Failed, "Service cups is not running", Some("not running"), Some("running"))],
        )
    };
    let retried = ControlFinished {
        attempts: 3,
        ..control(
            node,
            summary("web-answers", "The web server answers"),
            Outcome::Passed,
            vec![step(Outcome::Passed, "http://localhost status is 200", None, None)],
        )
    };
    let passed = control(
        node,
        summary("shadow-mode", "Only root reads password hashes"),
        Outcome::Passed,
        vec![step(
            Outcome::Passed,
            "File /etc/shadow mode is at most \"0640\"",
            Some("at most \"0640\""),
            Some("\"0640\""),
        )],
    );
    vec![passed, failed, errored, skipped, not_applicable, waived, retried]
}

/// What the reports say of the sample's profile.
pub fn profile(controls: &[ControlFinished]) -> ProfileSummary {
    ProfileSummary {
        name: "linux-baseline".into(),
        version: "1.0.0".into(),
        sha256: "0f".repeat(32).into(),
        title: Some("Hardening of Linux servers".into()),
        summary: Some("What every server should hold to.".into()),
        maintainer: Some("Platform team".into()),
        license: Some("Apache-2.0".into()),
        supports: Value::List(vec![Value::Map(IndexMap::from([("family".to_string(), Value::from("debian"))]))]),
        controls: controls.iter().map(|control| control.control.clone()).collect(),
    }
}

/// A node that answers.
pub fn node(name: &str) -> NodeStarted {
    NodeStarted {
        node: name.into(),
        target: format!("ssh://admin@{name}").into(),
        groups: Vec::new(),
        user: Some("root".into()),
        platform: Some(PlatformSummary {
            name: "debian".into(),
            release: "12".into(),
            family: "debian".into(),
            arch: "x86_64".into(),
        }),
        error: None,
    }
}

/// The events of one node that runs `controls`.
pub fn node_events(started: NodeStarted, controls: Vec<ControlFinished>) -> Vec<RunEvent> {
    let name = started.node.clone();
    let mut tally = Tally::default();
    controls.iter().for_each(|control| tally.add(control.outcome));
    let profile = Arc::new(profile(&controls));
    let attributes = vec![AttributeSummary {
        name: "max_auth_tries".into(),
        kind: "integer".into(),
        required: false,
        sensitive: false,
        value: Value::Int(4),
        origin: "profile.yml:12".into(),
    }];
    let mut events = vec![
        RunEvent::NodeStarted(started),
        RunEvent::ProfileStarted(Box::new(ProfileStarted {
            node: name.clone(),
            profile: profile.clone(),
            attributes,
            not_applicable: None,
        })),
    ];
    events.extend(controls.into_iter().map(|control| RunEvent::ControlFinished(Box::new(control))));
    events.push(RunEvent::ProfileFinished(ProfileFinished {
        node: name.clone(),
        profile: profile.name.clone(),
        tally,
        seconds: 0.25,
    }));
    events.push(RunEvent::NodeFinished(NodeFinished {
        node: name,
        tally,
        seconds: 0.3,
        rounds: 3,
        asked: 20,
        sent: 18,
        bytes_sent: 3000,
        bytes_received: 40_000,
        interrupted: false,
        notes: Vec::new(),
    }));
    events
}

/// A run over nodes whose events are given.
pub fn run(nodes: Vec<Vec<RunEvent>>) -> Vec<Stamped> {
    let mut tally = Tally::default();
    for event in nodes.iter().flatten() {
        if let RunEvent::NodeFinished(finished) = event {
            tally += finished.tally;
        }
    }
    let mut events = vec![RunEvent::RunStarted(RunStarted {
        format: "probity/events",
        version: 1,
        run: "4f9d2c".into(),
        probity: "0.1.0".into(),
        nodes: nodes.len(),
        controls: tally.total(),
    })];
    events.extend(nodes.into_iter().flatten());
    events.push(RunEvent::RunFinished(RunFinished { tally, seconds: 1.234, interrupted: false }));
    stamped(events)
}

/// One node, every outcome.
pub fn every_outcome() -> Vec<Stamped> {
    run(vec![node_events(node("web1.example.org"), controls("web1.example.org"))])
}

/// Three nodes: every outcome, all passed, and one that could not be reached.
pub fn three_nodes() -> Vec<Stamped> {
    let passing = controls("web2").into_iter().take(1).collect();
    let dead = NodeStarted {
        user: None,
        platform: None,
        error: Some("cannot connect to web3:22: connection refused; is sshd running there?".into()),
        ..node("web3")
    };
    let unreached = controls("web3").into_iter().map(|control| ControlFinished {
        outcome: Outcome::Errored,
        reason: dead.error.clone(),
        steps: Vec::new(),
        waiver: None,
        attempts: 1,
        ..control
    });
    let unreached = unreached.collect();
    run(vec![
        node_events(node("web1"), controls("web1")),
        node_events(node("web2"), passing),
        node_events(dead, unreached),
    ])
}

/// The controls of a site's baseline as node number `number` of many came out of them: most
/// pass, some nodes share a fault, some have one of their own.
fn site_controls(summaries: &[Arc<ControlSummary>], node: &str, number: usize) -> Vec<ControlFinished> {
    let each = summaries.iter().zip(0..).map(|(summary, at)| {
        let passed = vec![step(Outcome::Passed, "File /etc/shadow mode is at most \"0640\"", None, Some("\"0640\""))];
        let new = |outcome, steps| ControlFinished {
            control: summary.clone(),
            ..control(node, ControlSummary::clone(summary), outcome, steps)
        };
        match at {
            1 if number % 7 == 2 || (40..90).contains(&number) => {
                let found = if number % 35 == 2 { "\"prohibit-password\"" } else { "\"yes\"" };
                let sentence = "sshd_config PermitRootLogin is \"no\"";
                new(
                    Outcome::Failed,
                    vec![passed[0].clone(), step(Outcome::Failed, sentence, Some("\"no\""), Some(found))],
                )
            }
            2 if number % 10 == 4 => {
                let message = "cannot read /etc/chrony/chrony.keys: permission denied; run as root";
                let sentence = "File /etc/chrony/chrony.keys content matches /md5/";
                let step = Step { message: Some(message.into()), ..step(Outcome::Errored, sentence, None, None) };
                new(Outcome::Errored, vec![step])
            }
            3 => ControlFinished {
                reason: Some("the mail team checks this".into()),
                ..new(Outcome::Skipped, Vec::new())
            },
            4 if number.is_multiple_of(2) => {
                ControlFinished { reason: Some("inside a container".into()), ..new(Outcome::NotApplicable, Vec::new()) }
            }
            5 if number.is_multiple_of(10) => ControlFinished {
                waiver: Some(WaiverSummary {
                    justification: "old printers need it until they are replaced".into(),
                    until: Some("2026-12-31".into()),
                    expired: false,
                }),
                ..new(
                    Outcome::Waived,
                    vec![step(Outcome::Failed, "Service cups is not running", Some("not running"), Some("running"))],
                )
            },
            // Everywhere something else.
            6 if number.is_multiple_of(3) => {
                let found = format!("{} days", 40 + number);
                let sentence = "The last security update is less than 30 days old";
                new(Outcome::Failed, vec![step(Outcome::Failed, sentence, Some("less than 30 days"), Some(&found))])
            }
            _ => new(Outcome::Passed, passed),
        }
    });
    each.collect()
}

/// Passes on the events of a run over many nodes, one node at a time, so that they need not
/// be in memory all at once: nodes in numbered rows, some of them out of reach, some of
/// another system, some with notes, the last two never begun.
pub fn each_of_many(nodes: usize, controls: usize, mut each: impl FnMut(&Stamped)) {
    let known = ["shadow-mode", "sshd-root-login", "time-sync", "mail-relay", "grub-password", "cups-off", "updates"];
    let titles = [
        "Only root reads password hashes",
        "sshd refuses root logins",
        "The clock is kept by a time service",
        "Mail is relayed",
        "The boot loader asks for a password",
        "No print server runs",
        "Security updates are installed",
    ];
    let summaries: Vec<Arc<ControlSummary>> = (0..controls)
        .map(|at| match known.get(at) {
            Some(id) => {
                let fix = (at == 1).then(|| "Set PermitRootLogin no in /etc/ssh/sshd_config and reload sshd.".into());
                Arc::new(ControlSummary { fix, ..summary(id, titles[at]) })
            }
            None => Arc::new(summary(&format!("control-{at:03}"), "Something else is as it should be")),
        })
        .collect();
    let other = Arc::new(summary("selinux-enforcing", "SELinux enforces its policy"));
    let (mut total, mut sequence) = (Tally::default(), 0);
    let mut send = |event: RunEvent| {
        let time = "2026-11-20T10:00:00.000Z".to_string();
        each(&Stamped { sequence, time, event });
        sequence += 1;
    };
    send(RunEvent::RunStarted(RunStarted {
        format: "probity/events",
        version: 1,
        run: "4f9d2c".into(),
        probity: "0.1.0".into(),
        nodes,
        controls: nodes * (controls + 1),
    }));
    for number in 0..nodes {
        let row = if number % 4 == 3 { "db" } else { "web" };
        let name = format!("{row}{:03}.example.org", number + 1);
        let error = match number {
            _ if number + 2 >= nodes && nodes > 3 => {
                Some("not started: 300 nodes failed, as --max-failures says".to_string())
            }
            _ if number % 50 == 9 => {
                Some(format!("cannot connect to {name}:22: connection refused; is sshd running there?"))
            }
            _ if number % 80 == 11 => Some(format!(
                "{name}: the host key has changed; see that it is the same machine, then run ssh-keygen -R {name}"
            )),
            _ => None,
        };
        let error: Option<Arc<str>> = error.map(Into::into);
        let started = match &error {
            None => node(&name),
            Some(_) => NodeStarted { user: None, platform: None, error: error.clone(), ..node(&name) },
        };
        let mut of_profiles = vec![
            site_controls(&summaries, &name, number),
            vec![ControlFinished {
                control: other.clone(),
                profile: "selinux".into(),
                ..control(&name, ControlSummary::clone(&other), Outcome::NotApplicable, Vec::new())
            }],
        ];
        let not_applicable: Option<Arc<str>> =
            error.is_none().then(|| "it supports family redhat, and this is debian 12".into());
        of_profiles[1][0].reason.clone_from(&not_applicable);
        if error.is_some() {
            for control in of_profiles.iter_mut().flatten() {
                let ControlFinished { control: summary, profile, .. } = control.clone();
                let outcome = Outcome::Errored;
                *control = ControlFinished { control: summary, profile, reason: error.clone(), ..control.clone() };
                (control.outcome, control.steps, control.waiver) = (outcome, Vec::new(), None);
            }
        }
        let mut tally = Tally::default();
        send(RunEvent::NodeStarted(started));
        for (at, controls) in of_profiles.into_iter().enumerate() {
            let mut summary = profile(&controls);
            if at == 1 {
                (summary.name, summary.title) = ("selinux".into(), Some("SELinux as it should be".into()));
            }
            let mut of_profile = Tally::default();
            controls.iter().for_each(|control| of_profile.add(control.outcome));
            tally += of_profile;
            let name: Arc<str> = name.as_str().into();
            send(RunEvent::ProfileStarted(Box::new(ProfileStarted {
                node: name.clone(),
                profile: Arc::new(summary.clone()),
                attributes: Vec::new(),
                not_applicable: not_applicable.clone().filter(|_| at == 1),
            })));
            controls.into_iter().for_each(|control| send(RunEvent::ControlFinished(Box::new(control))));
            let (profile, tally) = (summary.name, of_profile);
            send(RunEvent::ProfileFinished(ProfileFinished { node: name, profile, tally, seconds: 0.25 }));
        }
        total += tally;
        let reached = usize::from(error.is_none());
        let note = format!("the agent was not used on {name}: its /tmp is mounted noexec");
        send(RunEvent::NodeFinished(NodeFinished {
            interrupted: false,
            node: name.into(),
            tally,
            seconds: 0.3,
            rounds: reached * (3 + number % 4),
            asked: reached * 412,
            sent: reached * 398,
            bytes_sent: reached as u64 * 31_000,
            bytes_received: reached as u64 * 212_000,
            notes: if number % 25 == 1 && reached == 1 { vec![note.into()] } else { Vec::new() },
        }));
    }
    send(RunEvent::RunFinished(RunFinished { tally: total, seconds: 83.4, interrupted: false }));
}

/// The events of [`each_of_many`] all at once.
pub fn many(nodes: usize, controls: usize) -> Vec<Stamped> {
    let mut events = Vec::new();
    each_of_many(nodes, controls, |event| events.push(event.clone()));
    events
}

/// What a reporter makes of events.
pub fn written(mut reporter: impl super::Reporter, events: &[Stamped]) -> String {
    let mut out = Vec::new();
    for event in events {
        reporter.event(event, &mut out).unwrap();
    }
    reporter.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A stage of a pipeline that came to `outcome`.
pub fn stage(name: &str, outcome: Outcome) -> StageFinished {
    let passed = outcome == Outcome::Passed;
    StageFinished {
        pipeline: "lab".into(),
        stage: name.into(),
        kind: "provision".into(),
        outcome,
        reason: (!passed).then(|| "terraform apply ended with exit status 1".into()),
        what: format!("terraform apply -input=false {name}"),
        attempts: 2,
        started: "2026-11-20T09:58:00.000Z".into(),
        seconds: 61.5,
        log: Some(format!("logs/{name}.log")),
        output: (!passed).then(|| "Error: no quota left\n".into()),
    }
}

/// A run that holds `text` wherever a text can be.
pub fn every_text(text: &str) -> Vec<Stamped> {
    let text = || text.to_string();
    let shared = || Arc::<str>::from(text());
    let step = |outcome| Step {
        outcome,
        sentence: text(),
        expected: Some(text()),
        found: Some(text()),
        message: Some(text()),
        traceback: Some(text()),
        resource: None,
        file: shared(),
        line: 1,
        evidence: vec![text()],
    };
    let summary = |outcome: Outcome| ControlSummary {
        id: format!("{}{}", text(), outcome.name()).into(),
        title: Some(shared()),
        impact: 0.5,
        desc: Some(shared()),
        rationale: Some(shared()),
        fix: Some(shared()),
        tags: IndexMap::from([(text(), Value::List(vec![Value::from(text())]))]),
        refs: vec![Reference { text: text(), url: Some(text()) }],
        file: shared(),
        line: 1,
        code: shared(),
    };
    let controls = Outcome::ALL.map(|outcome| ControlFinished {
        reason: Some(shared()),
        waiver: Some(WaiverSummary { justification: text(), until: Some(text()), expired: outcome == Outcome::Failed }),
        ..control(&text(), summary(outcome), outcome, vec![step(outcome), step(Outcome::Passed)])
    });
    let started = NodeStarted {
        node: shared(),
        target: shared(),
        groups: vec![shared()],
        user: Some(shared()),
        platform: Some(PlatformSummary { name: shared(), release: shared(), family: shared(), arch: shared() }),
        error: Some(shared()),
    };
    let mut events = node_events(started, controls.to_vec());
    if let RunEvent::ProfileStarted(started) = &mut events[1] {
        let profile = Arc::make_mut(&mut started.profile);
        (profile.name, profile.version, profile.title) = (shared(), shared(), Some(shared()));
        (profile.summary, profile.maintainer, profile.license) = (Some(shared()), Some(shared()), Some(shared()));
        profile.supports = Value::List(vec![Value::from(text())]);
        let attribute = &mut started.attributes[0];
        (attribute.name, attribute.kind) = (shared(), text().into());
        (attribute.value, attribute.origin) = (Value::from(text()), text());
        started.not_applicable = Some(shared());
    }
    for event in &mut events {
        match event {
            RunEvent::ControlFinished(control) => control.profile = shared(),
            RunEvent::ProfileFinished(finished) => finished.profile = shared(),
            _ => {}
        }
    }
    if let Some(RunEvent::NodeFinished(finished)) = events.last_mut() {
        finished.notes = vec![shared()];
    }
    let mut events = run(vec![events]);
    if let RunEvent::RunStarted(started) = &mut events[0].event {
        (started.run, started.probity) = (shared(), text().into());
    }
    let stage = StageFinished {
        reason: Some(shared()),
        log: Some(text()),
        output: Some(text()),
        ..stage(&text(), Outcome::Errored)
    };
    events.insert(1, Stamped { event: RunEvent::StageFinished(Box::new(stage)), ..events[0].clone() });
    for (event, sequence) in events.iter_mut().zip(0..) {
        event.sequence = sequence;
    }
    events
}
