//! The decoder on what a real shell prints, whole and broken.

use super::*;
use crate::probe::*;
use proptest::prelude::*;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

fn mark() -> Mark {
    Mark::from_number(0x5ca1ab1e)
}

/// What the shell of this machine prints for a script.
fn printed(probes: &[Probe]) -> (Vec<u8>, Vec<u8>) {
    let mut child = Command::new("sh")
        .arg("-s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let script = Script::new(probes, &mark());
    child.stdin.take().expect("a pipe").write_all(script.text()).expect("written");
    let output = child.wait_with_output().expect("ended");
    (output.stdout, output.stderr)
}

fn decode(probes: &[Probe], out: &[u8], err: &[u8]) -> Decoded {
    let mut decoder = Decoder::new(probes, &mark());
    decoder.stdout(out);
    decoder.stderr(err);
    decoder.finish("the test ended")
}

/// A batch of every kind that needs no network, and what was printed for it.
fn recorded() -> &'static (Vec<Probe>, Vec<u8>, Vec<u8>) {
    static RECORDED: OnceLock<(Vec<Probe>, Vec<u8>, Vec<u8>)> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let mut probes: Vec<Probe> = Vec::new();
        for path in ["/etc/passwd", "/etc/absent", "/", "/proc/self", "/a b/it's"] {
            probes.push(Stat { path: path.into() }.into());
            probes.push(Read { path: path.into() }.into());
            probes.push(List { path: path.into() }.into());
            probes.push(Flags { path: path.into() }.into());
        }
        probes.push(Read { path: "/proc/sys/kernel/ostype".into() }.into());
        probes.push(Walk { path: "/etc/default".into(), timeout_ms: 5000, no_user: true, ..Walk::default() }.into());
        probes.push(Walk { path: "/etc/default".into(), timeout_ms: 5000, ..Walk::default() }.into());
        probes.extend([Run::shell("echo one").into(), Run::shell("echo two >&2; exit 2").into()]);
        probes.extend([Which { name: "sh".into() }.into(), Which { name: "none".into() }.into(), Environment.into()]);
        for key in [AccountKey::Id(0), AccountKey::Name("root".into()), AccountKey::Name("nobody-here".into())] {
            probes.push(User { key: key.clone() }.into());
            probes.push(Group { key }.into());
        }
        probes.extend([Users.into(), Groups.into(), Uname.into(), Sockets.into(), SocketOwners.into()]);
        probes.extend([Processes.into(), Interfaces.into()]);
        probes.push(Lookup { host: "localhost".into(), timeout_ms: 2000 }.into());
        probes.push(Connect { host: "127.0.0.1".into(), port: 1, timeout_ms: 2000 }.into());
        let (out, err) = printed(&probes);
        (probes, out, err)
    })
}

fn is_of_kind(probe: &Probe, observation: &Observation) -> bool {
    let shown = format!("{observation:?}");
    let kind = shown.split('(').next().unwrap_or_default();
    format!("{probe:?}").split('(').next() == Some(kind)
}

#[test]
fn a_whole_answer_is_whole_however_it_is_cut_up() {
    let (probes, out, err) = recorded();
    let whole = decode(probes, out, err);
    assert!(whole.complete && whole.user.is_some());
    for size in [1, 2, 33, 34, 35, 4096] {
        let mut decoder = Decoder::new(probes, &mark());
        // All of one stream before the other, and the other way round.
        for piece in err.chunks(size) {
            decoder.stderr(piece);
        }
        assert!(!decoder.is_complete());
        for piece in out.chunks(size) {
            decoder.stdout(piece);
        }
        assert!(decoder.is_complete());
        assert_eq!(decoder.finish("").answers, whole.answers, "{size}");
    }
}

#[test]
fn noise_before_the_first_mark_is_ignored() {
    let (probes, out, err) = recorded();
    let noise = [b"Welcome!\nLast login: today\n\0\xff\n".repeat(1000), b"no newline".to_vec()].concat();
    let noisy = decode(probes, &[&noise, &out[..]].concat(), &[&noise, &err[..]].concat());
    assert_eq!(noisy.answers, decode(probes, out, err).answers);
}

#[test]
fn what_is_missing_is_a_fault_that_says_how_it_ended() {
    let (probes, out, err) = recorded();
    let nothing = decode(probes, b"Login denied\n", b"sh: not found\n");
    assert!(nothing.user.is_none() && !nothing.complete);
    let fault = nothing.answers[0].clone().expect_err("no answer");
    assert!(fault.message.contains("no POSIX shell answered") && fault.message.contains("sh: not found"), "{fault}");
    let half = decode(probes, &out[..out.len() / 2], &err[..err.len() / 2]);
    assert!(half.user.is_some() && !half.complete);
    let faults: Vec<_> = half.answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(faults.iter().any(|fault| fault.message.contains("broke off") && fault.message.contains("the test ended")));
}

#[test]
fn a_script_that_is_cut_off_on_its_way_runs_nothing() {
    let probes = [Probe::from(Run::shell("echo ran"))];
    let script = Script::new(&probes, &mark());
    for length in [script.text().len() / 2, script.text().len() - 20] {
        let mut child = Command::new("sh")
            .arg("-s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        child.stdin.take().expect("a pipe").write_all(&script.text()[..length]).expect("written");
        assert_eq!(child.wait_with_output().expect("ended").stdout, b"", "{length}");
    }
}

#[test]
fn secrets_of_a_command_are_in_no_process_list() {
    let run = Run {
        stdin: b"stdin-secret".as_slice().into(),
        environment: vec![("TOKEN".to_string(), "environment-secret".to_string())],
        ..Run::shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    };
    let probes = [Probe::from(run)];
    let (out, err) = printed(&probes);
    let Ok(Observation::Run(ran)) = &decode(&probes, &out, &err).answers[0] else { panic!("it ran") };
    let listed = String::from_utf8_lossy(&ran.stdout);
    assert!(listed.contains("cat /proc/") && !listed.contains("-secret"), "{listed}");
    let mark = mark();
    assert!(!listed.contains(&mark.frame) && !listed.contains(&mark.file));
}

#[test]
fn what_follows_a_command_that_left_processes_behind_is_in_doubt() {
    let probes = [Run::shell("sleep 1 & echo x").into(), Probe::from(Run::shell("echo y"))];
    let (out, err) = printed(&probes);
    let decoded = decode(&probes, &out, &err);
    assert!(matches!(&decoded.answers[0], Ok(Observation::Run(ran)) if &*ran.stdout == b"x\n"));
    let fault = decoded.answers[1].clone().expect_err("in doubt");
    assert!(fault.message.contains("sleep 1") && fault.message.contains("left processes behind"), "{fault}");
}

#[test]
fn a_flood_ends_the_decoding_and_is_not_kept() {
    let probes = [Probe::from(Run::shell("yes")), Run::shell("echo").into()];
    let mark = mark();
    let mut decoder = Decoder::new(&probes, &mark);
    let hello = format!("\n{0} . 0\n0 root\n{0} 0 0\n", mark.frame);
    decoder.stdout(hello.as_bytes());
    decoder.stderr(format!("\n{0} . 0\n\n{0} 0 0\n", mark.frame).as_bytes());
    let piece = b"y\n".repeat(1 << 19);
    for _ in 0..100 {
        decoder.stdout(&piece);
        if decoder.is_complete() {
            break;
        }
    }
    assert!(decoder.is_complete());
    let answers = decoder.finish("").answers;
    assert_eq!(answers[0].clone().expect_err("endless").kind, FaultKind::TooLarge);
    assert!(answers[1].is_err());
}

/// The sections of one stream, with the lines that end them.
fn sections(stream: &[u8]) -> Vec<Vec<u8>> {
    let needle = format!("\n{} ", mark().frame);
    let mut sections = Vec::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(stream, needle.as_bytes()) {
        let rest = &stream[at + needle.len()..];
        let end = at + needle.len() + memchr::memchr(b'\n', rest).expect("a line") + 1;
        sections.push(stream[from..end].to_vec());
        from = end;
    }
    sections
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever bytes are changed, left out or doubled: an answer of the right kind or a
    /// fault for every probe, and no panic.
    #[test]
    fn broken_bytes_give_answers_of_the_right_kind_or_faults(
        edits in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 0_usize..300, any::<u8>(), 0_u8..4), 1..12),
        piece in 1_usize..5000,
    ) {
        let (probes, out, err) = recorded();
        let (mut out, mut err) = (out.clone(), err.clone());
        for (is_out, at, length, byte, what) in edits {
            let stream = if is_out { &mut out } else { &mut err };
            if stream.is_empty() {
                continue;
            }
            let at = at.index(stream.len());
            let end = (at + length).min(stream.len());
            match what {
                0 => stream[at] = byte,
                1 => drop(stream.drain(at..end)),
                2 => {
                    let doubled = stream[at..end].to_vec();
                    drop(stream.splice(at..at, doubled));
                }
                _ => stream[at..end].fill(byte),
            }
        }
        let mut decoder = Decoder::new(probes, &mark());
        let (mut left, mut right) = (out.chunks(piece), err.chunks(piece));
        loop {
            let (left, right) = (left.next(), right.next());
            if left.is_none() && right.is_none() {
                break;
            }
            decoder.stdout(left.unwrap_or_default());
            decoder.stderr(right.unwrap_or_default());
        }
        let decoded = decoder.finish("the test ended");
        prop_assert_eq!(decoded.answers.len(), probes.len());
        for (probe, answer) in probes.iter().zip(&decoded.answers) {
            if let Ok(observation) = answer {
                prop_assert!(is_of_kind(probe, observation), "{} got {:?}", probe, observation);
            }
        }
    }

    /// Sections left out, doubled or exchanged never give a probe the answer of another.
    #[test]
    fn sections_out_of_order_never_answer_another_probe(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..3, 0_u8..3), 1..4),
    ) {
        let (probes, out, err) = recorded();
        let truth = decode(probes, out, err).answers;
        let (mut outs, mut errs) = (sections(out), sections(err));
        for (from, to, what, streams) in edits {
            for (stream, chosen) in [(&mut outs, streams != 1), (&mut errs, streams != 2)] {
                if !chosen || stream.is_empty() {
                    continue;
                }
                let (from, to) = (from.index(stream.len()), to.index(stream.len()));
                match what {
                    0 => drop(stream.remove(from)),
                    1 => stream.insert(to, stream[from].clone()),
                    _ => stream.swap(from, to),
                }
            }
        }
        let decoded = decode(probes, &outs.concat(), &errs.concat());
        for (index, (answer, truth)) in decoded.answers.iter().zip(&truth).enumerate() {
            prop_assert!(answer.is_err() || answer == truth, "{} got {:?}", probes[index], answer);
        }
    }
}
