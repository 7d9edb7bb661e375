//! Programs that print inventories.

use crate::error::{Error, exit};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The most bytes an inventory may have.
const CAP: u64 = 64 << 20;

/// How much of what a program complained about is shown, in bytes.
const SHOWN: usize = 2000;

/// How often it is looked whether reading should stop.
const TICK: Duration = Duration::from_millis(50);

/// What ends programs early.
pub struct Limits<'a> {
    stop: &'a AtomicBool,
    time: Duration,
    deadline: Instant,
}

impl<'a> Limits<'a> {
    /// From now on they may take this long, all of them together.
    pub fn new(stop: &'a AtomicBool, time: Duration) -> Limits<'a> {
        Limits { stop, time, deadline: Instant::now() + time }
    }
}

/// Whether a file is run instead of read: a regular file with an executable bit.
///
/// # Errors
/// There is no such file.
pub fn is_one(path: &Path) -> Result<bool, Error> {
    let found = std::fs::metadata(path)
        .map_err(|error| Error::usage(format!("the inventory cannot be read: {error}")).in_file(path))?;
    Ok(found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The bytes of a file, which may also be a pipe.
///
/// # Errors
/// It cannot be read, or is too large.
pub fn content(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(CAP + 1).read_to_end(&mut bytes))
        .map_err(|error| Error::usage(format!("the inventory cannot be read: {error}")).in_file(path))?;
    if bytes.len() as u64 > CAP {
        return Err(too_large(path));
    }
    Ok(bytes)
}

fn too_large(path: &Path) -> Error {
    Error::usage(format!("the inventory is larger than {} MiB, the most that is read", CAP >> 20)).in_file(path)
}

/// What standard input holds. Whoever writes it may take their time.
///
/// # Errors
/// It holds too much, or reading is stopped.
pub fn standard_input(limits: &Limits<'_>) -> Result<Vec<u8>, Error> {
    let file = Path::new("standard input");
    let pipe = gather(Some(std::io::stdin()));
    loop {
        match pipe.recv_timeout(TICK) {
            Ok(bytes) if bytes.len() as u64 > CAP => return Err(too_large(file)),
            Ok(bytes) => return Ok(bytes),
            Err(RecvTimeoutError::Timeout) if !limits.stop.load(Ordering::SeqCst) => {}
            Err(_) => return Err(interrupted(Error::usage("was not read to its end: interrupted").in_file(file))),
        }
    }
}

fn interrupted(mut error: Error) -> Error {
    error.code = exit::INTERRUPTED;
    error
}

/// Why a program is waited for no longer.
enum Ended {
    Late,
    Stopped,
}

/// What a program prints that is run in `folder`, where a path to it begins, too.
///
/// # Errors
/// It cannot be run, fails (with what it complained about), takes too long, prints too much or is
/// stopped.
pub fn run(
    words: &[OsString],
    folder: &Path,
    environment: &[(OsString, OsString)],
    limits: &Limits<'_>,
) -> Result<Vec<u8>, Error> {
    let shown = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let about = |what: String| Error::usage(format!("{shown} {what}"));
    let program = words.first().map(|word| found(word, folder)).unwrap_or_default();
    let mut command = Command::new(&program);
    command.args(words.iter().skip(1)).envs(environment.iter().map(|(name, value)| (name, value)));
    if !folder.as_os_str().is_empty() {
        command.current_dir(folder);
    }
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn();
    let mut child = spawned.map_err(|error| {
        let wrong = about(format!("cannot be run: {error}"));
        let program = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
        match words.get(1).is_some_and(|word| word == "--list") {
            true => wrong.hint(format!(
                "an inventory with the executable bit is run; if it is none that can be: chmod -x {program}"
            )),
            false => wrong.hint(format!("install {program} here, or write its output to a file and name that")),
        }
    })?;
    let stdout = gather(child.stdout.take());
    let stderr = gather(child.stderr.take());
    let deadline = limits.deadline;
    // Both pipes end when the program does, and whatever it has left behind.
    let taken = |pipe: &Receiver<Vec<u8>>| loop {
        match pipe.recv_timeout(TICK.min(deadline.saturating_duration_since(Instant::now()))) {
            Ok(bytes) => return Ok(bytes),
            Err(_) if limits.stop.load(Ordering::SeqCst) => return Err(Ended::Stopped),
            Err(_) if Instant::now() >= deadline => return Err(Ended::Late),
            Err(_) => {}
        }
    };
    let waited = |child: &mut std::process::Child| loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Ok(status)),
            Ok(None) if limits.stop.load(Ordering::SeqCst) => return Err(Ended::Stopped),
            Ok(None) if Instant::now() >= deadline => return Err(Ended::Late),
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => return Ok(Err(error)),
        }
    };
    let ended = taken(&stdout).and_then(|printed| {
        if printed.len() as u64 > CAP {
            return Ok((printed, None));
        }
        let complaints = taken(&stderr)?;
        Ok((printed, Some((complaints, waited(&mut child)?))))
    });
    match ended {
        Ok((printed, Some((complaints, status)))) => {
            let status = status.map_err(|error| about(format!("cannot be waited for: {error}")))?;
            match status.success() {
                true => Ok(printed),
                false => Err(about(format!("failed ({status}); {}", said(&complaints)))),
            }
        }
        Ok((_, None)) => {
            kill(&mut child);
            Err(about(format!("printed more than {} MiB, the most that is read", CAP >> 20)))
        }
        Err(Ended::Late) => {
            kill(&mut child);
            Err(about(format!("took longer than {} s and was ended", limits.time.as_secs_f32()))
                .hint("let it write its inventory to a file, and name that"))
        }
        Err(Ended::Stopped) => {
            kill(&mut child);
            Err(interrupted(about("was ended: interrupted".to_string())))
        }
    }
}

/// The program as it is looked for: a bare name in $PATH, a path from `folder`. Where a relative
/// path begins otherwise differs between systems.
fn found(program: &OsString, folder: &Path) -> PathBuf {
    match program.to_string_lossy().contains('/') {
        true => std::path::absolute(folder.join(program)).unwrap_or_else(|_| folder.join(program)),
        false => PathBuf::from(program),
    }
}

/// Its own process group: what it has started ends with it.
fn kill(child: &mut std::process::Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}

/// What a program wrote to standard error, as far as it is shown.
fn said(complaints: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaints);
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    // What is wrong stands at the end of what a program says.
    let mut from = text.trim_end().len().saturating_sub(SHOWN);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    match text[from..].trim() {
        "" => "it said nothing on standard error".to_string(),
        said => format!("it said: {said}"),
    }
}

/// Reads a pipe to its end, or to one byte beyond the cap, on a thread of its own.
fn gather(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before a fault is still what was said.
            let _ = pipe.take(CAP + 1).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(folder: &tempfile::TempDir, text: &str) -> PathBuf {
        let path = folder.path().join("inventory.sh");
        std::fs::write(&path, text).unwrap();
        // A process of its own sets the bit: a file open for writing cannot be run, and
        // another test may fork just now.
        assert!(Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
        path
    }

    fn list(path: &Path, limits: &Limits<'_>) -> Result<Vec<u8>, Error> {
        let set = [("GIVEN".into(), "x".into())];
        run(&[path.into(), "--list".into()], path.parent().unwrap(), &set, limits)
    }

    #[test]
    fn a_program_is_run_and_its_failures_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let never = AtomicBool::new(false);
        let limits = Limits::new(&never, Duration::from_secs(60));
        let path = script(&folder, "#!/bin/sh\necho \"$1\" $GIVEN; pwd -P\n");
        assert!(is_one(&path).unwrap());
        let printed = String::from_utf8(list(&path, &limits).unwrap()).unwrap();
        let here = std::fs::canonicalize(folder.path()).unwrap();
        assert_eq!(printed, format!("--list x\n{}\n", here.display()));
        let path = script(&folder, "#!/bin/sh\necho no credentials >&2; exit 3\n");
        let error = list(&path, &limits).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("it said: no credentials"), "{error}");
        let path = script(&folder, "nodes:\n");
        std::fs::write(&path, [0u8, 1, 2]).unwrap();
        let error = list(&path, &limits).unwrap_err().to_string();
        assert!(error.contains("cannot be run") && error.contains("chmod -x"), "{error}");
        let none = run(&["no-such-program".into()], Path::new(""), &[], &limits).unwrap_err().to_string();
        assert!(none.contains("no-such-program cannot be run") && none.contains("install"), "{none}");
    }

    /// Whether a process of this number is there and is no zombie.
    fn lives(number: &str) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    }

    #[test]
    fn one_that_hangs_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let text = "#!/bin/sh\nsleep 300 & echo $! > child\nsleep 300\n";
        let path = script(&folder, text);
        let stop = AtomicBool::new(false);
        let began = Instant::now();
        let error = list(&path, &Limits::new(&stop, Duration::from_millis(400))).unwrap_err();
        assert!(error.message.contains("took longer") && error.code == exit::USAGE, "{error}");
        assert!(began.elapsed() < Duration::from_secs(20));
        let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        assert!(!lives(child.trim()));

        std::fs::remove_file(folder.path().join("child")).unwrap();
        let error = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !folder.path().join("child").exists() {
                    std::thread::sleep(Duration::from_millis(10));
                }
                stop.store(true, Ordering::SeqCst);
            });
            list(&path, &Limits::new(&stop, Duration::from_secs(600))).unwrap_err()
        });
        assert!(error.message.contains("interrupted") && error.code == exit::INTERRUPTED, "{error}");
    }

    #[test]
    fn one_that_prints_without_end_is_ended() {
        let stop = AtomicBool::new(false);
        let limits = Limits::new(&stop, Duration::from_secs(60));
        let error = run(&["yes".into()], Path::new(""), &[], &limits).unwrap_err().to_string();
        assert!(error.contains("printed more than 64 MiB"), "{error}");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_one(&folder.path().join("none")).unwrap_err().to_string().contains("cannot be read"));
    }
}
