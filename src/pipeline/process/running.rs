//! A program while it runs.

use super::group::Group;
use super::{Bounds, CAPTURE_CAP, Capture, Done, Ending, Fault, From, Output, Program, Stop};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::time::{Instant, sleep, sleep_until};

/// How long output is read after the program itself has ended: what it left behind may hold its
/// pipes open for ever.
const DRAIN: Duration = Duration::from_secs(2);
/// How long output is read once the group was killed: nothing more can come but what is in the pipes.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a killed program may take to go: one that hangs in the kernel cannot be waited for.
const KILLED: Duration = Duration::from_secs(5);
/// How often it is looked whether the rest of a group has ended.
const REST: Duration = Duration::from_millis(20);
/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// Why a program is being ended.
enum Why {
    TimedOut(Duration),
    Stopped,
    Log(io::Error),
    TooMuch,
}

/// A program that was started.
pub struct Running<'a> {
    program: &'a Program,
    bounds: &'a Bounds,
    group: Group,
    captured: Vec<u8>,
    why: Option<Why>,
    how: Ending,
    /// When the group is killed.
    kill_at: Option<Instant>,
    /// When nothing more is waited for.
    give_up_at: Option<Instant>,
    status: Option<ExitStatus>,
}

impl<'a> Running<'a> {
    /// # Errors
    /// It has ended and was waited for, which nobody does.
    pub fn new(program: &'a Program, bounds: &'a Bounds, child: &Child) -> Result<Running<'a>, Fault> {
        let group = child.id().and_then(Group::led_by);
        let lost = || Fault::Lost { program: program.name(), why: "it has no process id".to_string() };
        Ok(Running {
            program,
            bounds,
            group: group.ok_or_else(lost)?,
            captured: Vec::new(),
            why: None,
            how: Ending::default(),
            kill_at: None,
            give_up_at: None,
            status: None,
        })
    }

    /// Follows it to its end.
    ///
    /// # Errors
    /// As [`super::run`].
    pub async fn follow(mut self, child: &mut Child, output: &mut Output) -> Result<Done, Fault> {
        let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
        let (mut from_stdout, mut from_stderr) = (vec![0; CHUNK], vec![0; CHUNK]);
        let feeding = feed(child.stdin.take(), self.program.stdin.as_deref().unwrap_or_default());
        tokio::pin!(feeding);
        let (mut fed, mut deaf) = (false, false);
        let mut stop = self.bounds.stop.clone();
        let until = self.bounds.until;
        loop {
            let closed = stdout.is_none() && stderr.is_none();
            if self.status.is_some() && closed && !self.rest_is_ending() {
                break;
            }
            // In no fixed order: a flood on one stream must starve neither the other nor the clock.
            tokio::select! {
                changed = stop.changed(), if !deaf => match changed {
                    Ok(()) => self.heed(*stop.borrow_and_update()),
                    // Nobody is left who could ask.
                    Err(_) => deaf = true,
                },
                () = at(until.map(|(until, _)| until)), if self.why.is_none() && self.status.is_none() => {
                    self.end(Why::TimedOut(until.map(|(_, limit)| limit).unwrap_or_default()));
                }
                () = at(self.kill_at), if !self.how.killed => self.kill(),
                () = at(self.give_up_at) => break,
                status = child.wait(), if self.status.is_none() => match status {
                    Ok(status) => self.ended(status),
                    Err(error) => {
                        return Err(Fault::Lost { program: self.program.name(), why: error.to_string() });
                    }
                },
                () = sleep(REST), if self.status.is_some() && closed => {}
                read = chunk(stdout.as_mut(), &mut from_stdout) => {
                    if read == 0 {
                        stdout = None;
                    }
                    self.take(&from_stdout[..read], output);
                }
                read = chunk(stderr.as_mut(), &mut from_stderr) => {
                    if read == 0 {
                        stderr = None;
                    }
                    let logged = output.feed(From::Stderr, &from_stderr[..read]);
                    self.note_log(logged);
                }
                () = &mut feeding, if !fed => fed = true,
            }
        }
        let logged = output.flush();
        self.note_log(logged);
        if (stdout.is_some() || stderr.is_some()) && self.why.is_none() {
            let logged = output.note("it has left a process behind that holds its output, which is no longer read");
            self.note_log(logged);
        }
        self.group.let_go();
        self.verdict(output)
    }

    /// What it came to.
    fn verdict(self, output: &Output) -> Result<Done, Fault> {
        let program = self.program.name();
        let how = Ending { remains: self.status.is_none(), ..self.how };
        match (self.why, self.status) {
            (Some(Why::TimedOut(limit)), _) => Err(Fault::TimedOut { program, limit, how }),
            (Some(Why::Stopped), _) => Err(Fault::Stopped { program, how }),
            (Some(Why::TooMuch), _) => Err(Fault::TooMuch { program, how }),
            (Some(Why::Log(error)), _) => {
                let log = output.log_path().map(Path::to_path_buf).unwrap_or_default();
                Err(Fault::Log { program, log, why: error.to_string(), how })
            }
            (None, Some(status)) if status.success() => Ok(Done { stdout: self.captured }),
            (None, Some(status)) => Err(match status.signal() {
                Some(signal) => Fault::Killed { program, signal },
                None => Fault::Exited { program, code: status.code().unwrap_or(-1) },
            }),
            (None, None) => Err(Fault::Lost { program, why: "its end was not seen".to_string() }),
        }
    }

    /// Standard output: to the screen and the log, to be kept, or both.
    fn take(&mut self, bytes: &[u8], output: &mut Output) {
        if self.program.capture != Capture::Hidden {
            let logged = output.feed(From::Stdout, bytes);
            self.note_log(logged);
        }
        if self.program.capture != Capture::No && self.why.is_none() {
            if self.captured.len() + bytes.len() > CAPTURE_CAP {
                self.captured = Vec::new();
                self.end(Why::TooMuch);
            } else {
                self.captured.extend_from_slice(bytes);
            }
        }
    }

    fn note_log(&mut self, logged: io::Result<()>) {
        if let Err(error) = logged {
            self.end(Why::Log(error));
        }
    }

    fn heed(&mut self, stop: Stop) {
        if stop > Stop::GoOn {
            self.end(Why::Stopped);
        }
        if stop == Stop::Kill {
            self.kill();
        }
    }

    /// Asks it to end. The first reason counts; one that has ended is not asked.
    fn end(&mut self, why: Why) {
        if self.why.is_none() {
            self.why = Some(why);
            self.ask(self.bounds.grace.max(self.program.grace));
        }
    }

    /// Asks the group to end, and has it killed when that takes longer than `grace`.
    fn ask(&mut self, grace: Duration) {
        self.how.at_terminal = self.group.is_stopped();
        self.group.ask(self.program.end_with);
        self.kill_at = Some(Instant::now() + grace);
        self.give_up_at = None;
    }

    fn kill(&mut self) {
        self.group.kill();
        self.how.killed = true;
        self.give_up_at = Some(Instant::now() + if self.status.is_some() { LAST_WORDS } else { KILLED });
    }

    /// The program itself has ended; what it started may go on.
    fn ended(&mut self, status: ExitStatus) {
        self.status = Some(status);
        if self.how.killed {
            self.give_up_at = Some(Instant::now() + LAST_WORDS);
        } else if self.why.is_some() {
            // The rest has the time that is left.
        } else if status.success() {
            self.give_up_at = Some(Instant::now() + DRAIN);
        } else if self.group.is_alive() {
            self.ask(self.bounds.grace.min(DRAIN));
        } else {
            self.give_up_at = Some(Instant::now() + DRAIN);
        }
    }

    /// Whether the rest of the group was asked to end and has not yet.
    fn rest_is_ending(&self) -> bool {
        self.kill_at.is_some() && !self.how.killed && self.group.is_alive()
    }
}

/// Waits for a time; for ever where there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Reads what there is; 0 at the end, and for ever nothing where the pipe is closed.
async fn chunk(pipe: Option<&mut (impl AsyncRead + Unpin)>, buffer: &mut [u8]) -> usize {
    match pipe {
        // A pipe that cannot be read any more is at its end.
        Some(pipe) => pipe.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// Hands a program its input. One that does not want it all closes the pipe: no fault.
async fn feed(stdin: Option<ChildStdin>, bytes: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(bytes).await;
        let _ = stdin.shutdown().await;
    }
}
