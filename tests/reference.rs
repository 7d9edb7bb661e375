//! The reference pages are made from the code; a stale one fails here.
//! `UPDATE_DOCS=1 cargo test --test reference` writes them anew.

mod support;

use probity::probe::sh::needs::{ALWAYS, NEEDS, Needs};
use probity::probe::sh::{Mark, Script};
use probity::probe::{self, AccountKey, FaultKind, Observation, Probe};
use probity::results::mask::Masker;
use probity::transport::Transport;
use probity::transport::local::Local;
use probity::transport::recording::{Header, Recorder, Recording};
use probity::transport::rootfs::RootFs;
use std::path::Path;
use std::rc::Rc;

#[test]
fn the_reference_of_resources_is_not_stale() {
    let made = support::probity(&["resources", "--markdown"]).stdout;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/resources.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(made == kept, "docs/resources.md is stale: UPDATE_DOCS=1 cargo test --test reference writes it anew");
}

#[test]
fn the_reference_of_provisioners_is_not_stale() {
    let made = support::probity(&["pipeline", "provisioners", "--markdown"]).stdout;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/provisioners.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(made == kept, "docs/provisioners.md is stale: UPDATE_DOCS=1 cargo test --test reference writes it anew");
    let one = support::probity(&["pipeline", "provisioners", "terraform"]);
    assert!(one.code == 0 && one.stdout.contains("Runs `terraform`."), "{}", one.stdout);
    let unknown = support::probity(&["pipeline", "provisioners", "teraform"]);
    assert!(unknown.code == 1 && unknown.stderr.contains("did you mean terraform?"), "{}", unknown.stderr);
}

#[test]
fn every_resource_has_its_page() {
    for entry in probity::resource::ALL {
        let page = support::probity(&["resources", entry.name]).stdout;
        for word in [entry.summary(), entry.source, "Example"] {
            let word = word.lines().next().unwrap().trim();
            assert!(page.contains(word), "{}: {word:?} is not on its page", entry.name);
        }
    }
    let unknown = support::probity(&["resources", "fiel"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("did you mean file?"), "{}", unknown.stderr);
}

#[test]
fn the_table_of_matchers_is_not_stale() {
    let made = support::probity(&["matchers", "--markdown"]).stdout;
    compare("docs/controls.md", "matchers", &made);
}

#[test]
fn every_matcher_has_its_page() {
    for matcher in probity::lua::matcher::CATALOGUE {
        let page = support::probity(&["matchers", matcher.name]).stdout;
        assert!(page.contains(matcher.doc) && page.contains(matcher.example), "{page}");
    }
    let unknown = support::probity(&["matchers", "at_mots"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("did you mean at_most?"), "{}", unknown.stderr);
}

#[test]
fn the_table_of_probes_is_what_the_transports_answer() {
    let samples = samples();
    let kinds: Vec<&str> = samples.iter().map(Probe::kind).collect();
    assert_eq!(kinds, Probe::KINDS, "a sample of each kind of probe, in their order");
    let local: Rc<dyn Transport> = Rc::new(Local::new());
    let root = RootFs::open(Path::new("/")).expect("the root of this machine");
    let transports: [(&str, Rc<dyn Transport>); 3] = [
        ("local://", local.clone()),
        ("rootfs://", Rc::new(root)),
        ("recording://", Rc::new(recording_of(local, &samples))),
    ];
    let names: String = transports.iter().map(|(name, _)| format!(" `{name}` |")).collect();
    let names = format!("{names} `ssh://`, containers |");
    let rules = " --- |".repeat(transports.len() + 1);
    let mut made = format!("| probe | what it asks | takes long |{names}\n| --- | --- | --- |{rules}\n");
    for (probe, meaning) in samples.into_iter().zip(Probe::MEANINGS) {
        let meaning = meaning.replace("`None`", "Nothing").split_whitespace().collect::<Vec<_>>().join(" ");
        let takes_long = if probe.is_slow() { "yes" } else { "" };
        // A fault of another kind is an answer: this kind of question can be asked.
        let answered =
            |(_, transport): &(&str, Rc<dyn Transport>)| match transport.batch(std::slice::from_ref(&probe)).pop() {
                Some(Err(fault)) if fault.kind == FaultKind::Unsupported => " no |",
                // As much as files tell of it.
                Some(Ok(Observation::Uname(kernel))) if kernel.release.is_empty() => " in part |",
                Some(_) => " yes |",
                None => panic!("{probe} got no answer"),
            };
        let answers: String = transports.iter().map(answered).collect();
        let needs = NEEDS.iter().find(|needs| needs.kind == probe.kind()).map_or(String::new(), shown);
        made.push_str(&format!("| `{}` | {meaning} | {takes_long} |{answers} {needs} |\n", probe.kind()));
    }
    compare("docs/probes.md", "probes", &made);
}

/// A cell of the table: `yes`, and with which programs.
fn shown(needs: &Needs) -> String {
    let one = |one_of: &&[&str]| match one_of.split_last() {
        Some((last, [])) => format!("`{last}`"),
        Some((last, before)) => format!("`{}` or `{last}`", before.join("`, `")),
        None => String::new(),
    };
    let mut parts: Vec<String> = needs.programs.iter().map(one).collect();
    parts.extend(needs.at_times.iter().map(|(tool, when)| format!("`{tool}` ({when})")));
    if parts.is_empty() { "yes".to_string() } else { format!("with {}", parts.join(", ")) }
}

#[test]
fn the_programs_scripts_need_are_those_they_name() {
    let kinds: Vec<&str> = NEEDS.iter().map(|needs| needs.kind).collect();
    assert_eq!(kinds, Probe::KINDS);
    let listed = |needs: &Needs| -> Vec<&str> {
        needs.programs.concat().into_iter().chain(needs.at_times.iter().map(|(tool, _)| *tool)).collect()
    };
    let known: Vec<&str> = NEEDS.iter().flat_map(listed).collect();
    for (probe, needs) in samples().into_iter().zip(NEEDS) {
        let script = Script::new(&[probe], &Mark::from_number(1));
        let script = String::from_utf8(script.text().to_vec()).unwrap();
        // That line is about functions of a login script.
        let lines = script.lines().filter(|line| !line.starts_with("unset -f"));
        let is_word = |letter: char| letter.is_alphanumeric() || "_/".contains(letter);
        let words: Vec<&str> = lines.flat_map(|line| line.split(|letter| !is_word(letter))).collect();
        for tool in listed(needs) {
            assert!(words.contains(&tool), "{} is said to need {tool}, which its script does not use", needs.kind);
        }
        for tool in known.iter().filter(|tool| words.contains(*tool) && !ALWAYS.contains(*tool)) {
            assert!(listed(needs).contains(tool), "{} needs {tool}, which the table does not say", needs.kind);
        }
    }
}

/// What is answered where `probes` were recorded of `transport`.
fn recording_of(transport: Rc<dyn Transport>, probes: &[Probe]) -> Recording {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let recorder = Recorder::new(transport);
    recorder.batch(probes);
    let header = Header { node: String::new(), target: String::new(), user: String::new(), now: 0 };
    recorder.write(&path, &Masker::new(Vec::new()), &header).expect("written");
    Recording::read(&path).expect("read")
}

#[test]
fn the_limits_are_those_of_the_code() {
    let limits = probity::lua::Limits::default();
    let rows = [
        ("time to compute, waiting for the node not counted", format!("{} s", limits.cpu.as_secs())),
        ("different observations", thousands(limits.probes as u64)),
        ("round trips to the node", thousands(limits.rounds as u64)),
        ("steps recorded", thousands(limits.steps as u64)),
        ("steps of string patterns between two round trips", thousands(limits.pattern_steps)),
        ("memory, of all controls of the profile together", format!("{} MiB", limits.memory >> 20)),
    ];
    let mut made = String::from("| a control has at most | |\n| --- | --- |\n");
    for (what, limit) in rows {
        made.push_str(&format!("| {what} | {limit} |\n"));
    }
    compare("docs/controls.md", "limits", &made);
}

#[test]
fn the_tables_of_reports_are_not_stale() {
    let mut made = String::from("| reporter | what it writes | options | written |\n| --- | --- | --- | --- |\n");
    for kind in probity::report::TABLE {
        let option = |option: &probity::report::table::KindOption| {
            format!("`{}={}`: {}", option.name, option.values.join("` or `"), option.doc)
        };
        let options: Vec<String> = kind.options.iter().map(option).collect();
        let written = if kind.streams { "as it happens" } else { "whole, at the end" };
        made.push_str(&format!("| `{}` | {} | {} | {written} |\n", kind.name, kind.doc, options.join(" ")));
    }
    compare("docs/reports.md", "reporters", &made);
    let mut made = String::from("| code | the first that holds |\n| --- | --- |\n");
    for (code, meaning) in probity::error::exit::ALL {
        made.push_str(&format!("| {code} | {meaning} |\n"));
    }
    compare("docs/reports.md", "exit codes", &made);
}

#[test]
fn the_table_of_rules_is_not_stale() {
    let found = support::probity(&["check", "--rules", "--format", "json"]).stdout;
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let mut made = String::from("| rule | | what is found |\n| --- | --- | --- |\n");
    for rule in found["rules"].as_array().unwrap() {
        let cell = |key: &str| rule[key].as_str().unwrap().replace('|', "\\|");
        made.push_str(&format!("| `{}` | {} | {} |\n", cell("name"), cell("severity"), cell("doc")));
    }
    compare("docs/profiles.md", "rules", &made);
}

/// `50,000`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn the_caps_of_answers_are_those_of_the_code() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/probes.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mib = |bytes: usize| format!("{} MiB", bytes >> 20);
    assert_eq!(probe::OUTPUT_CAP, probe::BODY_CAP, "the page names one number for both");
    for text in [
        format!("a file of {}", mib(probe::READ_CAP)),
        format!("{} each of a command's", mib(probe::OUTPUT_CAP)),
        format!("{} entries", thousands(probe::ENTRIES_CAP as u64)),
        format!("{} seconds for a command", probe::DEFAULT_TIMEOUT.as_secs()),
    ] {
        assert!(page.contains(&text), "docs/probes.md lacks {text:?}");
    }
}

/// One probe of each kind. The match is there to fail the build when a kind is added.
fn samples() -> Vec<Probe> {
    let root = || AccountKey::Id(0);
    let path = || "/etc/passwd".into();
    let samples = vec![
        probe::Stat { path: path() }.into(),
        probe::Read { path: path() }.into(),
        probe::List { path: "/".into() }.into(),
        probe::Walk { path: "/".into(), max_depth: Some(0), timeout_ms: 1000, ..probe::Walk::default() }.into(),
        probe::Flags { path: path() }.into(),
        probe::Run::shell("true").into(),
        probe::Which { name: "sh".into() }.into(),
        probe::Environment.into(),
        probe::User { key: root() }.into(),
        probe::Group { key: root() }.into(),
        probe::Users.into(),
        probe::Groups.into(),
        probe::Uname.into(),
        probe::Sockets.into(),
        probe::SocketOwners.into(),
        probe::Processes.into(),
        probe::Interfaces.into(),
        probe::Connect { host: "127.0.0.1".into(), port: 9, timeout_ms: 1000 }.into(),
        probe::Lookup { host: "localhost".into(), timeout_ms: 1000 }.into(),
        probe::Http {
            url: "http://127.0.0.1:9/".to_string(),
            method: "GET".to_string(),
            headers: Vec::new(),
            body: [].into(),
            verify: true,
            max_redirects: 0,
            timeout_ms: 1000,
        }
        .into(),
    ];
    for sample in &samples {
        use Probe::*;
        match sample {
            Stat(_) | Read(_) | List(_) | Walk(_) | Flags(_) | Run(_) | Which(_) | Environment(_) | User(_)
            | Group(_) | Users(_) | Groups(_) | Uname(_) | Sockets(_) | SocketOwners(_) | Processes(_)
            | Interfaces(_) | Connect(_) | Lookup(_) | Http(_) => {}
        }
    }
    samples
}

/// Compares a part of a page, between `<!-- NAME: …` and `<!-- end -->`, with what was made.
fn compare(page: &str, name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let begin = text.find(&format!("<!-- {name}:")).expect("the mark where it begins");
    let begin = begin + text[begin..].find("-->\n").expect("the end of the mark") + "-->\n".len();
    let end = begin + text[begin..].find("<!-- end -->").expect("the mark where it ends");
    let made = format!("\n{made}\n");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{}{made}{}", &text[..begin], &text[end..])).unwrap();
        return;
    }
    assert!(text[begin..end] == made, "{page} is stale: UPDATE_DOCS=1 cargo test --test reference writes it anew");
}
