use super::*;
use crate::report::{Options, Outputs, Spec, sample};
use crate::results::Stamped;
use std::io::Write;

/// The file that a reporter writes of these events.
fn written(reporter: &str, events: &[Stamped]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let spec: Spec = format!("{reporter}:{}", file.path().display()).parse().unwrap();
    let mut outputs = Outputs::open(&[spec], &Options::default()).unwrap();
    events.iter().for_each(|event| outputs.event(event));
    outputs.finish().unwrap();
    file
}

fn holding(text: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file
}

fn refused(text: impl AsRef<[u8]>) -> String {
    Rerun::read(holding(text).path()).expect_err("must be refused").to_string()
}

#[test]
fn what_failed_or_could_not_be_checked_is_wanted_from_both_formats() {
    for reporter in ["ndjson", "run-json"] {
        let rerun = Rerun::read(written(reporter, &sample::three_nodes()).path()).unwrap();
        assert_eq!(rerun.nodes().collect::<Vec<_>>(), ["web1", "web3"], "{reporter}");
        let wanted = |id: &str| rerun.wants("web1", "linux-baseline", id);
        assert!(wanted("sshd-root-login") && wanted("time-sync"));
        for id in ["shadow-mode", "mail-relay", "grub-password", "cups-off", "web-answers", "never-heard-of"] {
            assert!(!wanted(id), "{reporter} {id}");
        }
        assert!(!rerun.wants("web1", "other", "time-sync") && !rerun.wants("web9", "linux-baseline", "time-sync"));
        assert!(!rerun.wants("web2", "linux-baseline", "shadow-mode"));
        assert!(rerun.wants("web3", "any", "control"), "a node that was out of reach is wanted whole");
        assert!(rerun.note().is_none() && !rerun.is_empty());
    }
}

#[test]
fn a_run_in_which_nothing_failed_leaves_nothing() {
    let passed = sample::controls("web1").into_iter().take(1).collect();
    let events = sample::run(vec![sample::node_events(sample::node("web1"), passed)]);
    for reporter in ["ndjson", "run-json"] {
        assert!(Rerun::read(written(reporter, &events).path()).unwrap().is_empty(), "{reporter}");
    }
}

#[test]
fn what_a_broken_off_run_had_begun_is_wanted() {
    let events = sample::every_outcome();
    // The first control alone had passed.
    for reporter in ["ndjson", "run-json"] {
        let rerun = Rerun::read(written(reporter, &events[..4]).path()).unwrap();
        let wanted = |id: &str| rerun.wants("web1.example.org", "linux-baseline", id);
        assert!(!wanted("shadow-mode") && wanted("sshd-root-login") && wanted("web-answers"), "{reporter}");
    }
    let killed = Rerun::read(written("ndjson", &events[..4]).path()).unwrap();
    assert!(killed.note().unwrap().ends_with("broke off before its end"), "{:?}", killed.note());
}

#[test]
fn a_file_cut_anywhere_is_told_of_and_read_as_far_as_it_goes() {
    let whole = std::fs::read(written("ndjson", &sample::every_outcome()).path()).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for end in (first..whole.len() - 1).step_by(97) {
        let rerun = Rerun::read(holding(&whole[..end]).path()).unwrap();
        assert!(rerun.note().is_some_and(|note| note.contains("broke off")), "{end}");
        assert!(!rerun.wants("web1.example.org", "linux-baseline", "grub-passwor"));
    }
    let whole = std::fs::read(written("run-json", &sample::every_outcome()).path()).unwrap();
    for end in (200..whole.len() - 2).step_by(97) {
        assert!(refused(&whole[..end]).contains("the file is cut off"), "{end}");
    }
}

#[test]
fn damage_before_the_end_is_an_error_with_its_line() {
    let text = std::fs::read_to_string(written("ndjson", &sample::every_outcome()).path()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[3] = &lines[3][..40];
    let error = refused(lines.join("\n") + "\n");
    assert!(error.contains(":4: the line is no event of a run"), "{error}");
    let run = std::fs::read_to_string(written("run-json", &sample::every_outcome()).path()).unwrap();
    assert!(refused(run.replace("\"outcome\":\"failed\"", "\"outcome\":7")).contains("no report of a run"));
    assert!(refused(format!("{run}{{}}")).contains("no report of a run"));
}

#[test]
fn other_files_and_newer_versions_are_refused_by_name() {
    assert!(refused("").contains("is empty"));
    assert!(refused("<testsuites>").contains("does not begin with a format"));
    assert!(refused("\0\u{1}\u{2}").contains("does not begin with a format"));
    assert!(refused("{\"format\":\"probity/archive\",\"version\":1}\n").contains("\"probity/archive\""));
    for format in ["events", "run"] {
        let error = refused(format!("{{\"format\":\"probity/{format}\",\"version\":2,\"new\":[]}}\n"));
        assert!(error.contains(&format!("probity/{format} version 2 is not known")), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(Rerun::read(folder.path()).unwrap_err().to_string().contains("cannot read the run"));
    assert!(Rerun::read(&folder.path().join("none")).unwrap_err().to_string().contains("ndjson:PATH"));
}

#[test]
fn unknown_fields_and_events_are_passed_over() {
    let text = "{\"sequence\":0,\"time\":\"\",\"event\":\"run_started\",\"format\":\"probity/events\",\"version\":1,\"x\":{}}\n\
                {\"event\":\"something_new\",\"node\":\"a\",\"deep\":[{}]}\n\n\
                {\"event\":\"control_finished\",\"node\":\"a\",\"profile\":\"p\",\"control\":{\"id\":\"c\",\"y\":1},\"outcome\":\"failed\"}\n\
                {\"event\":\"run_finished\"}\n";
    let rerun = Rerun::read(holding(text).path()).unwrap();
    assert!(rerun.wants("a", "p", "c") && rerun.note().is_none());
}

#[test]
fn a_line_without_end_is_not_taken_into_memory() {
    let mut file = holding("{\"event\":\"run_started\",\"format\":\"probity/events\",\"version\":1}\n");
    // A hole in the file: it reads as zeros and takes no room.
    file.as_file_mut().set_len(1 << 40).unwrap();
    let error = Rerun::read(file.path()).unwrap_err().to_string();
    assert!(error.contains(":2: the line is longer than 64 MiB"), "{error}");
}

#[test]
fn what_other_nodes_were_to_run_is_not_wanted_of_a_node_that_was_not() {
    let of = |node: &str, take: &[usize]| {
        let controls = sample::controls(node);
        sample::node_events(sample::node(node), take.iter().map(|at| controls[*at].clone()).collect())
    };
    // Broken off before the last control of web2, `web-answers`.
    let mut events = sample::run(vec![of("web1", &[0, 1]), of("web2", &[0, 3, 6])]);
    events.truncate(events.len() - 4);
    let rerun = Rerun::read(written("run-json", &events).path()).unwrap();
    assert_eq!(rerun.nodes().collect::<Vec<_>>(), ["web1", "web2"]);
    let wanted = |node| {
        ["shadow-mode", "sshd-root-login", "mail-relay", "web-answers"]
            .map(|id| rerun.wants(node, "linux-baseline", id))
    };
    assert_eq!(wanted("web1"), [false, true, false, false]);
    assert_eq!(wanted("web2"), [false, false, false, true]);
}
