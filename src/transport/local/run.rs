//! Commands: started in a process group of their own, bounded in time and output.

use super::Local;
use super::environment::which_in;
use super::running::Running;
use crate::probe::{CommandLine, Fault, FaultKind, OUTPUT_CAP, Ran, Run};
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, OFlags, fcntl_getfl, fcntl_setfl, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The directory commands run in, on every transport: none of them has one that means
/// anything to the author of a control.
const WORKING_DIRECTORY: &str = "/";
/// The most that is waited for the end of a command that was killed; one that hangs in the
/// kernel cannot be waited for.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// How often a command is looked after where the kernel has no pidfd_open(2) (before 5.3).
const WITHOUT_PIDFD: Duration = Duration::from_millis(5);
/// How much is read at once.
const CHUNK: usize = 16 << 10;

impl Local {
    /// Runs a command to its end. Statuses are a shell's: 126 for a program that may not be
    /// executed, 127 for one that is not there, 128 + n for an end by signal n.
    ///
    /// It ends when the command does, not when the last process that holds its output does:
    /// what such a process writes later is not seen. At the time-out the whole process group
    /// is killed and the answer is a fault.
    pub(super) fn run(&self, run: &Run) -> Result<Ran, Fault> {
        let started = Instant::now();
        let Some(prepared) = self.prepare(run)? else { return Ok(not_there(run)) };
        let mut child = match spawn(prepared, run, self) {
            Ok(child) => child,
            Err(Start::Ends(ran)) => return Ok(ran),
            Err(Start::Fault(fault)) => return Err(fault),
        };
        let limit = Duration::from_millis(run.timeout_ms);
        let Some(_entry) = self.running.enter(&child) else {
            end_group(&mut child, &self.running);
            return Err(Fault::new(
                FaultKind::Failed,
                format!("the command {:?} was not run: interrupted", brief(run)),
            ));
        };
        match Collector::new(&mut child)
            .and_then(|mut collector| collector.collect(&mut child, &self.running, started, limit))
        {
            Ok(Some(_)) if self.running.is_over() => {
                Err(Fault::new(FaultKind::Failed, format!("the command {:?} was interrupted", brief(run))))
            }
            Ok(Some(ran)) => Ok(ran),
            Ok(None) => {
                end_group(&mut child, &self.running);
                let message =
                    format!("the command {:?} took longer than {} and was killed", brief(run), seconds(limit));
                Err(Fault::new(FaultKind::TimedOut, message))
            }
            Err(error) => {
                end_group(&mut child, &self.running);
                Err(Fault::new(FaultKind::Failed, format!("cannot read the output of {:?}: {error}", brief(run))))
            }
        }
    }

    /// The program found and its arguments; `None`: there is no such program.
    ///
    /// The path is looked up here, in the `PATH` the command gets, because the standard
    /// library starts a program fast (without copying this process) only by its path.
    fn prepare<'a>(&self, run: &'a Run) -> Result<Option<Prepared<'a>>, Fault> {
        let (name, arguments): (&str, Vec<&str>) = match &run.line {
            CommandLine::Argv(argv) => match argv.split_first() {
                Some((name, arguments)) => (name, arguments.iter().map(String::as_str).collect()),
                None => return Err(Fault::new(FaultKind::Failed, "a command of no words cannot be run")),
            },
            CommandLine::Shell { shell, line } => (shell, vec!["-c", line]),
        };
        let words = arguments.iter().copied().chain([name]);
        let variables = run.environment.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        if words.chain(variables).any(|word| word.contains('\0')) {
            return Err(Fault::new(
                FaultKind::Failed,
                format!("{:?} cannot be run: it contains a NUL byte", brief(run)),
            ));
        }
        if let Some((name, _)) = run.environment.iter().find(|(name, _)| name.is_empty() || name.contains('=')) {
            return Err(Fault::new(FaultKind::Failed, format!("{name:?} is no name of an environment variable")));
        }
        if name.contains('/') {
            // Whether it can be started is for the kernel to say.
            return Ok(Some(Prepared { path: name.to_string(), name, arguments }));
        }
        let own_path = run.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, path)| path.as_str());
        let path = match own_path {
            Some(path) => which_in(path, name),
            None => self.environment().which(name),
        };
        Ok(path.map(|path| Prepared { path, name, arguments }))
    }
}

/// A command whose program has been found.
struct Prepared<'a> {
    path: String,
    name: &'a str,
    arguments: Vec<&'a str>,
}

/// Why there is no child to wait for.
enum Start {
    Ends(Ran),
    Fault(Fault),
}

fn spawn(prepared: Prepared<'_>, run: &Run, local: &Local) -> Result<Child, Start> {
    let mut command = Command::new(&prepared.path);
    command.arg0(prepared.name).args(&prepared.arguments);
    match start(&mut command, run, local) {
        // A script without a #! line: shells run it themselves.
        Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            let mut command = Command::new("/bin/sh");
            command.arg(&prepared.path).args(&prepared.arguments);
            start(&mut command, run, local)
        }
        started => started,
    }
    .map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Start::Ends(not_there(run)),
        ErrorKind::PermissionDenied | ErrorKind::IsADirectory => {
            Start::Ends(ended_at_once(126, format!("{}: permission denied\n", prepared.name)))
        }
        _ if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            Start::Ends(ended_at_once(126, format!("{}: exec format error\n", prepared.name)))
        }
        _ => Start::Fault(Fault::new(FaultKind::Failed, format!("cannot run {:?}: {error}", brief(run)))),
    })
}

fn start(command: &mut Command, run: &Run, local: &Local) -> io::Result<Child> {
    command
        .env_clear()
        .envs(local.environment().variables().iter())
        .envs(run.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(WORKING_DIRECTORY)
        .process_group(0)
        .stdin(if run.stdin.is_empty() { Stdio::null() } else { Stdio::from(in_memory(&run.stdin)?) })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// A file in memory that holds `content`, read from its start. Unlike a pipe it needs no
/// writer at its other end, so a command that never reads cannot block anybody.
fn in_memory(content: &[u8]) -> io::Result<OwnedFd> {
    let file = memfd_create("stdin", MemfdFlags::CLOEXEC)?;
    let mut written = 0;
    while written < content.len() {
        // pwrite leaves the position, which the command inherits, at the start.
        written += rustix::io::pwrite(&file, &content[written..], written as u64)?;
    }
    Ok(file)
}

fn not_there(run: &Run) -> Ran {
    let name = match &run.line {
        CommandLine::Argv(argv) => argv.first().map_or("", String::as_str),
        CommandLine::Shell { shell, .. } => shell,
    };
    ended_at_once(127, format!("{name}: not found\n"))
}

fn ended_at_once(status: i32, stderr: String) -> Ran {
    Ran { status, stdout: [].into(), stderr: stderr.into_bytes().into(), truncated: false }
}

/// One of the two outputs of a command.
#[derive(Default)]
struct Output {
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
    dropped: bool,
}

impl Output {
    fn new(pipe: Option<OwnedFd>) -> io::Result<Output> {
        if let Some(pipe) = &pipe {
            let flags = fcntl_getfl(pipe)?;
            fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?;
        }
        Ok(Output { pipe, kept: Vec::new(), dropped: false })
    }

    /// Takes what is there, up to `limit` bytes so that an endless writer cannot keep us
    /// past the time-out. Beyond the cap it is read and dropped, so that the command is not
    /// held up.
    fn take(&mut self, mut limit: usize) -> io::Result<()> {
        let Some(pipe) = &self.pipe else { return Ok(()) };
        while limit > 0 {
            self.kept.reserve(CHUNK);
            match rustix::io::read(pipe, spare_capacity(&mut self.kept)) {
                Ok(0) => {
                    self.pipe = None;
                    return Ok(());
                }
                Ok(read) => {
                    limit = limit.saturating_sub(read);
                    if self.kept.len() > OUTPUT_CAP {
                        self.kept.truncate(OUTPUT_CAP);
                        self.dropped = true;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// What a running command is watched through.
struct Collector {
    stdout: Output,
    stderr: Output,
    /// Readable once the command has ended; `None` on kernels without it.
    end: Option<OwnedFd>,
}

impl Collector {
    fn new(child: &mut Child) -> io::Result<Collector> {
        Ok(Collector {
            stdout: Output::new(child.stdout.take().map(OwnedFd::from))?,
            stderr: Output::new(child.stderr.take().map(OwnedFd::from))?,
            end: pidfd_open(pid(child)?, PidfdFlags::empty()).ok(),
        })
    }

    /// The result of the command, or `None` at the time limit.
    fn collect(
        &mut self,
        child: &mut Child,
        running: &Running,
        started: Instant,
        limit: Duration,
    ) -> io::Result<Option<Ran>> {
        loop {
            let Some(left) = limit.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) else {
                return Ok(None);
            };
            self.wait(left)?;
            // The order matters: what was written before the end is in the pipes once the
            // end has been seen.
            let ended = running.try_wait(child)?;
            // A pipe holds 64 KiB, 1 MiB at most for an unprivileged writer.
            let at_once = if ended.is_some() { 1 << 20 } else { 4 * CHUNK };
            self.stdout.take(at_once)?;
            self.stderr.take(at_once)?;
            if let Some(status) = ended {
                return Ok(Some(self.result(status)));
            }
        }
    }

    /// Waits until there is output or the command has ended, at most `left`.
    fn wait(&self, left: Duration) -> io::Result<()> {
        let mut watched = Vec::with_capacity(3);
        for pipe in [&self.stdout.pipe, &self.stderr.pipe].into_iter().flatten() {
            watched.push(PollFd::new(pipe, PollFlags::IN));
        }
        let patience = match &self.end {
            Some(end) => {
                watched.push(PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN));
                left
            }
            None => left.min(WITHOUT_PIDFD),
        };
        // A day is as good as for ever, and fits.
        let patience = patience.min(Duration::from_secs(86400));
        let patience = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: patience.subsec_nanos().into() };
        match poll(&mut watched, Some(&patience)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn result(&mut self, status: ExitStatus) -> Ran {
        let status = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255);
        let truncated = self.stdout.dropped || self.stderr.dropped;
        let bytes = |output: &mut Output| std::mem::take(&mut output.kept).into();
        Ran { status, stdout: bytes(&mut self.stdout), stderr: bytes(&mut self.stderr), truncated }
    }
}

pub(super) fn pid(child: &Child) -> io::Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// Kills the process group of a command that has not been waited for (its number is still
/// its own) and waits for the command, but not for ever.
fn end_group(child: &mut Child, running: &Running) {
    if let Ok(pid) = pid(child) {
        // It fails when the group has ended meanwhile: nothing is left to kill.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let killed = Instant::now();
    while let Ok(None) = running.try_wait(child) {
        if killed.elapsed() > KILL_GRACE {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The command in a message: its first line, cut.
fn brief(run: &Run) -> String {
    const LONGEST: usize = 120;
    let line = run.line.to_string();
    let mut brief: String = line.lines().next().unwrap_or_default().chars().take(LONGEST).collect();
    if brief.len() < line.trim_end().len() {
        brief.push('…');
    }
    brief
}

/// A duration as a person writes it: `10 s`, `250 ms`.
pub(super) fn seconds(limit: Duration) -> String {
    if limit.subsec_millis() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}

#[cfg(test)]
mod tests {
    use super::super::unprivileged::as_nobody;
    use super::*;
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
        let environment =
            vec![("GREETING".to_string(), "hello".to_string()), ("LC_ALL".to_string(), "POSIX".to_string())];
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
        let line =
            format!("sleep 300 & echo $! > {0}; sh -c 'sleep 300 & echo $! >> {0}; wait' & wait", file.display());
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
}
