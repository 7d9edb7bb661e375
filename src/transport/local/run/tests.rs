//! Tests of commands with the programs every system has.

use super::super::unprivileged::as_nobody;
use super::*;
use crate::probe::{OUTPUT_CAP, Ran};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn shell(line: &str) -> Ran {
    Local::new().run(&Run::shell(line)).expect("it runs")
}

fn limited(line: &str, timeout_ms: u64) -> Result<Ran, Fault> {
    Local::new().run(&Run { timeout_ms, ..Run::shell(line) })
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// Whether a process is there and no zombie.
fn lives(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

#[test]
fn statuses_are_those_of_a_shell() {
    assert_eq!(shell("exit 7").status, 7);
    assert_eq!(shell("kill -9 $$").status, 137);
    let absent = Local::new().run(&Run::argv(["no-such-program"])).expect("answered");
    assert_eq!((absent.status, text(&absent.stderr)), (127, "no-such-program: not found\n"));
    assert_eq!(Local::new().run(&Run::argv(["/no/such/program"])).expect("answered").status, 127);
    assert_eq!(Local::new().run(&Run::argv(["/etc/passwd"])).expect("answered").status, 126);
    assert_eq!(Local::new().run(&Run::argv(["/etc"])).expect("answered").status, 126);
}

#[test]
fn arguments_are_passed_as_they_are() {
    let argv = ["printf", "%s|", "a b", "$HOME", "*", "", "ü'\"\\"];
    let ran = Local::new().run(&Run::argv(argv)).expect("it runs");
    assert_eq!(text(&ran.stdout), "a b|$HOME|*||ü'\"\\|");
    assert!(Local::new().run(&Run::argv(["echo", "a\0b"])).is_err());
    assert!(Local::new().run(&Run::argv(Vec::<String>::new())).is_err());
}

#[test]
fn stdin_is_what_was_given_or_at_its_end() {
    let big: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let run = Run { stdin: big.as_slice().into(), ..Run::argv(["cat"]) };
    assert_eq!(&*Local::new().run(&run).expect("it runs").stdout, &big[..]);
    // One that never reads it is not held up.
    let run = Run { stdin: big.into(), ..Run::argv(["true"]) };
    assert_eq!(Local::new().run(&run).expect("it runs").status, 0);
    assert_eq!(shell("cat; echo $?").stdout.as_ref(), b"0\n");
}

#[test]
fn the_environment_is_the_documented_one_and_what_was_given() {
    let environment = vec![("GREETING".to_string(), "hello".to_string()), ("LC_ALL".to_string(), "POSIX".to_string())];
    let run = Run { environment, ..Run::shell("echo $GREETING $LC_ALL; pwd; echo $PATH") };
    let ran = Local::new().run(&run).expect("it runs");
    let start = format!("hello POSIX\n/\n{}", super::super::environment::SYSTEM_PATH);
    assert!(text(&ran.stdout).starts_with(&start), "{:?}", text(&ran.stdout));
    // A PATH given with the command is where the command is looked for.
    let environment = vec![("PATH".to_string(), "/nowhere".to_string())];
    let run = Run { environment, ..Run::argv(["true"]) };
    assert_eq!(Local::new().run(&run).expect("answered").status, 127);
    let run = Run { environment: vec![("A=B".to_string(), String::new())], ..Run::argv(["true"]) };
    assert!(Local::new().run(&run).is_err());
}

#[test]
fn the_time_out_kills_the_whole_group_and_names_the_command() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("pids");
    let line = format!("sleep 300 & echo $! > {0}; sh -c 'sleep 300 & echo $! >> {0}; wait' & wait", file.display());
    let started = Instant::now();
    let fault = limited(&line, 1500).expect_err("too slow");
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    assert_eq!(fault.kind, FaultKind::TimedOut);
    assert!(fault.message.contains("sleep 300") && fault.message.contains("1500 ms"), "{fault}");
    let pids = fs::read_to_string(&file).expect("written");
    assert_eq!(pids.lines().count(), 2);
    std::thread::sleep(Duration::from_millis(100));
    for pid in pids.lines() {
        assert!(!lives(pid), "{pid} lives on");
    }
}

#[test]
fn a_process_that_holds_the_output_open_does_not_hold_us_up() {
    let started = Instant::now();
    let ran = limited("sleep 5 & echo $!; echo done", 4000).expect("in time");
    assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
    let output = text(&ran.stdout).to_string();
    assert!(output.ends_with("done\n"));
    // A daemon that a command starts is left alone.
    let pid = output.lines().next().expect("a pid");
    assert!(lives(pid));
    let pid = Pid::from_raw(pid.parse().expect("a number")).expect("a pid");
    rustix::process::kill_process(pid, Signal::KILL).expect("ended");
}

#[test]
fn a_command_that_closes_its_output_is_still_waited_for() {
    let ran = limited("exec >&- 2>&-; sleep 0.3; exit 3", 5000).expect("in time");
    assert_eq!(ran.status, 3);
}

#[test]
fn output_is_kept_up_to_the_cap_and_the_command_not_held_up() {
    let ran = shell("head -c 6000000 /dev/zero; echo end >&2");
    assert_eq!((ran.status, ran.stdout.len(), ran.truncated), (0, OUTPUT_CAP, true));
    assert_eq!(text(&ran.stderr), "end\n");
    let exact = shell(&format!("head -c {OUTPUT_CAP} /dev/zero"));
    assert_eq!((exact.stdout.len(), exact.truncated), (OUTPUT_CAP, false));
}

#[test]
fn endless_output_ends_at_the_time_out() {
    let started = Instant::now();
    assert_eq!(limited("yes", 300).expect_err("endless").kind, FaultKind::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn output_that_is_no_text_arrives_as_it_is() {
    assert_eq!(shell(r"printf '\000\377\n'").stdout.as_ref(), b"\0\xff\n");
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_the_shell() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let script = directory.path().join("script");
    // Written by another process: were it open for writing in a child that another test
    // is just starting, the kernel would not execute it.
    let made = shell(&format!("echo 'echo ran $1' > {0} && chmod 755 {0}", script.display()));
    assert_eq!(made.status, 0);
    let ran = Local::new().run(&Run::argv([script.to_str().expect("text"), "well"])).expect("it runs");
    assert_eq!(text(&ran.stdout), "ran well\n");
}

#[test]
fn a_program_that_may_not_be_executed_is_126() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let script = directory.path().join("script");
    fs::write(&script, "#!/bin/sh\n").expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).expect("chmod");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
    let status = as_nobody(|| Local::new().run(&Run::argv([script.to_str().expect("text")])).map(|ran| ran.status));
    assert_eq!(status, Ok(126));
}

#[test]
fn no_zombie_is_left() {
    let pid = shell("echo $$");
    assert!(!fs::exists(format!("/proc/{}", text(&pid.stdout).trim())).expect("asked"));
}

#[test]
fn what_is_under_way_ends_when_interrupted_and_nothing_starts_after() {
    let local = Local::new();
    let stop = crate::transport::Transport::stopper(&local);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| local.run(&Run::shell("sleep 30 & sleep 30; wait")));
        let walking = scope.spawn(|| {
            // Walks until it is interrupted.
            while local
                .walk(&crate::probe::Walk { path: "/usr".into(), timeout_ms: 60_000, ..Default::default() })
                .is_ok()
            {}
        });
        std::thread::sleep(Duration::from_millis(200));
        stop();
        let fault = running.join().expect("no panic").expect_err("interrupted");
        assert!(fault.message.contains("interrupted") && fault.message.contains("sleep 30"), "{fault}");
        walking.join().expect("no panic");
    });
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    assert!(local.run(&Run::argv(["true"])).expect_err("interrupted").message.contains("interrupted"));
}
