//! Commands: started in a process group of their own, bounded in time and output. Those of a
//! batch run side by side and are watched by one thread.

mod start;
mod watch;

#[cfg(test)]
mod tests;

use super::running::Running;
use super::{Local, SIDE_BY_SIDE, STUCK};
use crate::probe::{Fault, FaultKind, Ran, Run};
use rustix::process::{Pid, Signal, kill_process_group};
use start::Start;
use std::io::{self, ErrorKind};
use std::process::Child;
use std::time::{Duration, Instant};
use watch::Watched;

/// The directory commands run in, on every transport: none of them has one that means
/// anything to the author of a control.
const WORKING_DIRECTORY: &str = "/";
/// The most that is waited for the end of a command that was killed; one that hangs in the
/// kernel cannot be waited for.
const KILL_GRACE: Duration = Duration::from_secs(2);

impl Local {
    /// Runs a command to its end. Statuses are a shell's: 126 for a program that may not be
    /// executed, 127 for one that is not there, 128 + n for an end by signal n.
    ///
    /// It ends when the command does, not when the last process that holds its output does:
    /// what such a process writes later is not seen. At the time-out the whole process group
    /// is killed and the answer is a fault.
    pub(super) fn run(&self, run: &Run) -> Result<Ran, Fault> {
        let only = self.run_all(&[run]).pop();
        only.unwrap_or_else(|| Err(Fault::new(FaultKind::Failed, "the command gave no answer")))
    }

    /// Runs commands to their ends, in their order: one a core and, while these do not get on,
    /// more, at most [`SIDE_BY_SIDE`]. Most commands take a millisecond, and more of them than
    /// cores only get into each other's way.
    pub(super) fn run_all(&self, runs: &[&Run]) -> Vec<Result<Ran, Fault>> {
        let mut answers: Vec<Option<Result<Ran, Fault>>> = runs.iter().map(|_| None).collect();
        let mut under_way: Vec<(usize, Watched<'_>)> = Vec::new();
        let mut width = std::thread::available_parallelism().map_or(1, usize::from).min(SIDE_BY_SIDE);
        let mut next = 0;
        let mut got_on = Instant::now();
        loop {
            while under_way.len() < width
                && let Some(run) = runs.get(next)
            {
                match self.begin(run) {
                    Ok(watched) => under_way.push((next, watched)),
                    Err(answer) => answers[next] = Some(answer),
                }
                next += 1;
            }
            if under_way.is_empty() {
                break;
            }
            let widens = next < runs.len() && width < SIDE_BY_SIDE;
            let patience = widens.then(|| STUCK.saturating_sub(got_on.elapsed()));
            let ready = watch::wait(under_way.iter().map(|(_, watched)| watched), patience);
            let before = under_way.len();
            let mut at = 0..;
            under_way.retain_mut(|(index, watched)| {
                let answer = match (&ready, at.next()) {
                    (Ok(ready), Some(at)) => watched.look(ready.get(at).copied().unwrap_or_default()),
                    (Err(error), _) => Some(watched.give_up(error)),
                    (Ok(_), None) => None,
                };
                let goes_on = answer.is_none();
                if let Some(answer) = answer {
                    answers[*index] = Some(answer);
                }
                goes_on
            });
            if under_way.len() < before {
                got_on = Instant::now();
            } else if widens && got_on.elapsed() >= STUCK {
                width += 1;
                got_on = Instant::now();
            }
        }
        let lost = || Err(Fault::new(FaultKind::Failed, "the command gave no answer"));
        answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect()
    }

    /// Starts a command that is then watched; where there is none to watch, the answer.
    fn begin<'a>(&'a self, run: &'a Run) -> Result<Watched<'a>, Result<Ran, Fault>> {
        let started = Instant::now();
        let mut child = match self.start(run) {
            Ok(child) => child,
            Err(Start::Ends(ran)) => return Err(Ok(ran)),
            Err(Start::Fault(fault)) => return Err(Err(fault)),
        };
        let Some(entry) = self.running.enter(&child) else {
            end_group(&mut child, &self.running);
            let message = format!("the command {:?} was not run: interrupted", brief(run));
            return Err(Err(Fault::new(FaultKind::Failed, message)));
        };
        Ok(Watched::new(run, child, &self.running, entry, started))
    }
}

/// Kills the process group of a command that has not been waited for: its number is still
/// its own.
fn kill_group(child: &Child) {
    if let Ok(pid) = pid(child) {
        // It fails when the group has ended meanwhile: nothing is left to kill.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// Kills the process group of a command and waits for the command, but not for ever.
fn end_group(child: &mut Child, running: &Running) {
    kill_group(child);
    let killed = Instant::now();
    while let Ok(None) = running.try_wait(child) {
        if killed.elapsed() > KILL_GRACE {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(super) fn pid(child: &Child) -> io::Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| ErrorKind::InvalidData.into())
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
