//! Commands that run: their output, their end and their time limit.

use super::super::running::{Entry, Running};
use super::{KILL_GRACE, brief, kill_group, pid, seconds};
use crate::probe::{Fault, FaultKind, OUTPUT_CAP, Ran, Run};
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How often a command is looked after where the kernel has no pidfd_open(2) (before 5.3).
const WITHOUT_PIDFD: Duration = Duration::from_millis(5);
/// How much is read at once.
const CHUNK: usize = 16 << 10;
/// The most that is read once a command has ended. A pipe holds 64 KiB, 1 MiB at most for an
/// unprivileged writer; whoever else holds its end may go on writing.
const LEFT_BEHIND: usize = 1 << 20;

/// A command that runs.
pub(super) struct Watched<'a> {
    run: &'a Run,
    child: Child,
    running: &'a Running,
    /// Dropped, it is no longer one of those an interruption ends.
    _entry: Entry<'a>,
    stdout: Output,
    stderr: Output,
    /// Readable once the command has ended; `None` on kernels without it.
    end: Option<OwnedFd>,
    started: Instant,
    /// When it was killed for its time-out.
    killed: Option<Instant>,
}

/// What can be had of a command without waiting.
#[derive(Clone, Copy, Default)]
pub(super) struct Ready {
    stdout: bool,
    stderr: bool,
    end: bool,
}

impl<'a> Watched<'a> {
    pub fn new(
        run: &'a Run,
        mut child: Child,
        running: &'a Running,
        entry: Entry<'a>,
        started: Instant,
    ) -> Watched<'a> {
        let end = pid(&child).ok().and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let (stdout, stderr) = (child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from));
        let (stdout, stderr) = (Output::new(stdout), Output::new(stderr));
        Watched { run, child, running, _entry: entry, stdout, stderr, end, started, killed: None }
    }

    /// How long it may be left alone.
    fn patience(&self) -> Duration {
        let left = match self.killed {
            Some(killed) => KILL_GRACE.saturating_sub(killed.elapsed()),
            None => self.limit().saturating_sub(self.started.elapsed()),
        };
        if self.end.is_some() { left } else { left.min(WITHOUT_PIDFD) }
    }

    fn limit(&self) -> Duration {
        Duration::from_millis(self.run.timeout_ms)
    }

    /// Takes what there is of it; the answer once it has come to an end.
    pub fn look(&mut self, ready: Ready) -> Option<Result<Ran, Fault>> {
        match self.take(ready) {
            Ok(answer) => answer,
            Err(error) => Some(self.give_up(&error)),
        }
    }

    fn take(&mut self, ready: Ready) -> io::Result<Option<Result<Ran, Fault>>> {
        // The order matters: what was written before the end is in the pipes once the end has
        // been seen.
        let ended = match ready.end || self.end.is_none() {
            true => self.running.try_wait(&mut self.child)?,
            false => None,
        };
        if let Some(killed) = self.killed {
            let over = ended.is_some() || killed.elapsed() >= KILL_GRACE;
            return Ok(over.then(|| Err(self.timed_out())));
        }
        if let Some(status) = ended {
            self.drain()?;
            if self.running.is_over() {
                let message = format!("the command {:?} was interrupted", brief(self.run));
                return Ok(Some(Err(Fault::new(FaultKind::Failed, message))));
            }
            return Ok(Some(Ok(self.result(status))));
        }
        for (output, is_ready) in [(&mut self.stdout, ready.stdout), (&mut self.stderr, ready.stderr)] {
            if is_ready {
                output.take()?;
            }
        }
        if self.started.elapsed() >= self.limit() {
            kill_group(&self.child);
            self.killed = Some(Instant::now());
            // Nobody wants what it still writes.
            (self.stdout.pipe, self.stderr.pipe) = (None, None);
        }
        Ok(None)
    }

    fn timed_out(&self) -> Fault {
        let limit = seconds(self.limit());
        let message = format!("the command {:?} took longer than {limit} and was killed", brief(self.run));
        Fault::new(FaultKind::TimedOut, message)
    }

    /// The end of a command that cannot be watched.
    pub fn give_up(&mut self, error: &io::Error) -> Result<Ran, Fault> {
        super::end_group(&mut self.child, self.running);
        Err(Fault::new(FaultKind::Failed, format!("cannot read the output of {:?}: {error}", brief(self.run))))
    }

    /// What is left in the pipes.
    fn drain(&mut self) -> io::Result<()> {
        let mut left = LEFT_BEHIND;
        while left > 0 {
            let ready = wait([&*self].into_iter(), Some(Duration::ZERO))?;
            let ready = ready.first().copied().unwrap_or_default();
            if !ready.stdout && !ready.stderr {
                break;
            }
            for (output, is_ready) in [(&mut self.stdout, ready.stdout), (&mut self.stderr, ready.stderr)] {
                if is_ready {
                    left = left.saturating_sub(output.take()?);
                }
            }
        }
        Ok(())
    }

    fn result(&mut self, status: ExitStatus) -> Ran {
        let status = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255);
        let truncated = self.stdout.dropped || self.stderr.dropped;
        let bytes = |output: &mut Output| std::mem::take(&mut output.kept).into();
        Ran { status, stdout: bytes(&mut self.stdout), stderr: bytes(&mut self.stderr), truncated }
    }
}

/// Waits until there is something of one of the commands, one of them has taken its time, or
/// `patience` is over; what there is then of each of them, in their order.
pub(super) fn wait<'a>(
    commands: impl Iterator<Item = &'a Watched<'a>>,
    patience: Option<Duration>,
) -> io::Result<Vec<Ready>> {
    let mut polled = Vec::new();
    let mut places: Vec<[Option<usize>; 3]> = Vec::new();
    // A day is as good as for ever, and fits.
    let mut patience = patience.unwrap_or(Duration::from_secs(86400));
    for command in commands {
        patience = patience.min(command.patience());
        places.push([&command.stdout.pipe, &command.stderr.pipe, &command.end].map(|descriptor| {
            let descriptor = descriptor.as_ref()?;
            polled.push(PollFd::from_borrowed_fd(descriptor.as_fd(), PollFlags::IN));
            Some(polled.len() - 1)
        }));
    }
    let patience = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: patience.subsec_nanos().into() };
    match poll(&mut polled, Some(&patience)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let is_ready = |place: Option<usize>| place.is_some_and(|place| !polled[place].revents().is_empty());
    Ok(places
        .into_iter()
        .map(|[stdout, stderr, end]| Ready { stdout: is_ready(stdout), stderr: is_ready(stderr), end: is_ready(end) })
        .collect())
}

/// One of the two outputs of a command.
struct Output {
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
    dropped: bool,
}

impl Output {
    fn new(pipe: Option<OwnedFd>) -> Output {
        Output { pipe, kept: Vec::new(), dropped: false }
    }

    /// Takes some of what is there, once something is, and says how much. Beyond the cap it is
    /// read and dropped, so that the command is not held up.
    fn take(&mut self) -> io::Result<usize> {
        let Some(pipe) = &self.pipe else { return Ok(0) };
        self.kept.reserve(CHUNK);
        match rustix::io::read(pipe, spare_capacity(&mut self.kept)) {
            Ok(0) => {
                self.pipe = None;
                Ok(0)
            }
            Ok(read) => {
                if self.kept.len() > OUTPUT_CAP {
                    self.kept.truncate(OUTPUT_CAP);
                    self.dropped = true;
                }
                Ok(read)
            }
            Err(Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}
