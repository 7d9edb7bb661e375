//! What is under way, so that an interruption ends it: commands have process groups of their
//! own, which the interrupt key of a terminal does not reach.

use super::run::pid;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::HashSet;
use std::io;
use std::process::{Child, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The commands that run now, by process group.
#[derive(Default)]
pub(super) struct Running(Mutex<State>);

#[derive(Default)]
struct State {
    groups: HashSet<Pid>,
    /// Nothing more is to be started.
    over: bool,
}

/// A command that runs; dropped, it is no longer one.
pub(super) struct Entry<'a> {
    running: &'a Running,
    group: Pid,
}

impl Running {
    /// Notes a command that has been started; `None`: it came too late and is to be ended.
    pub(super) fn enter(&self, child: &Child) -> Option<Entry<'_>> {
        let group = pid(child).ok()?;
        let mut state = self.state();
        if state.over {
            return None;
        }
        state.groups.insert(group);
        Some(Entry { running: self, group })
    }

    /// Whether a command has ended. Once this says so its number may be another's, so it is
    /// struck off before anybody can kill it.
    pub(super) fn try_wait(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let mut state = self.state();
        let ended = child.try_wait()?;
        if ended.is_some() {
            state.groups.remove(&pid(child)?);
        }
        Ok(ended)
    }

    /// Kills what runs, and lets nothing start any more.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        for &group in &state.groups {
            // It fails when the group has just ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Whether it was interrupted.
    pub(super) fn is_over(&self) -> bool {
        self.state().over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.running.state().groups.remove(&self.group);
    }
}
