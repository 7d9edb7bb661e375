//! The processes a program has started: its process group, and what has left it for a session or
//! group of its own.

use super::EndWith;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use std::collections::HashSet;

/// A process group by its leader. What is left of it is killed when this is dropped, unless it was
/// let go.
pub struct Group {
    leader: Pid,
    /// Those of its descendants that have left it, found when it is asked to end: once their
    /// parents are gone, nothing leads to them any more.
    strays: Vec<Process>,
    held: bool,
}

/// A process as proc_pid_stat(5) shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: Pid,
    state: u8,
    parent: i32,
    group: i32,
    /// In ticks since the machine started: with the pid it tells a process from another that was
    /// given its number later.
    started: u64,
}

impl Group {
    /// The group that the process of this number leads.
    pub fn led_by(pid: u32) -> Option<Group> {
        let leader = Pid::from_raw(i32::try_from(pid).ok()?)?;
        Some(Group { leader, strays: Vec::new(), held: true })
    }

    /// Asks all to end. A stopped process hears nothing before it goes on.
    pub fn ask(&mut self, end_with: EndWith) {
        self.signal(match end_with {
            EndWith::Terminate => Signal::TERM,
            EndWith::Interrupt => Signal::INT,
        });
        self.signal(Signal::CONT);
    }

    /// Ends all, whether they want to or not.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
    }

    /// Whether any of them is there still.
    pub fn is_alive(&self) -> bool {
        if self.strays.iter().any(Process::is_there) {
            return true;
        }
        // Another user's, such as what sudo has started, is there and may not be asked.
        if matches!(test_kill_process_group(self.leader), Err(Errno::SRCH)) {
            return false;
        }
        // The dead count, too, and in a container there may be nobody who ever waits for them.
        let leader = self.leader.as_raw_nonzero().get();
        let mut members = processes().into_iter().filter(|process| process.group == leader).peekable();
        members.peek().is_none() || members.any(|member| member.state != b'Z')
    }

    /// Whether one of them is stopped, as the kernel does with who reads a terminal in the background.
    pub fn is_stopped(&self) -> bool {
        let all = processes();
        let strays = descendants(&all, self.leader);
        let leader = self.leader.as_raw_nonzero().get();
        all.iter().any(|process| process.state == b'T' && (process.group == leader || strays.contains(&process.pid)))
    }

    /// Lets go on what is still there.
    pub fn let_go(&mut self) {
        self.held = false;
    }

    fn signal(&mut self, signal: Signal) {
        let all = processes();
        let leader = self.leader.as_raw_nonzero().get();
        let descendants = descendants(&all, self.leader);
        for process in all {
            if process.group != leader && descendants.contains(&process.pid) && !self.strays.contains(&process) {
                self.strays.retain(|stray| stray.pid != process.pid);
                self.strays.push(process);
            }
        }
        // What has gone by itself, or belongs to another user, is not ours to end.
        let _ = kill_process_group(self.leader, signal);
        for stray in self.strays.iter().filter(|stray| stray.is_there()) {
            let _ = kill_process(stray.pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.held {
            self.kill();
        }
    }
}

impl Process {
    fn read(pid: Pid) -> Option<Process> {
        let stat = std::fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        Process::parse(pid, &String::from_utf8_lossy(&stat))
    }

    /// The name in brackets may hold anything, brackets and line ends too: fields begin after the
    /// last one.
    fn parse(pid: Pid, stat: &str) -> Option<Process> {
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        // The 22nd field, of which the first two are before the bracket.
        let started = fields.nth(16)?.parse().ok()?;
        Some(Process { pid, state, parent, group, started })
    }

    /// Whether it is this very process, and not dead but for who waits for it.
    fn is_there(&self) -> bool {
        Process::read(self.pid).is_some_and(|now| now.started == self.started && now.state != b'Z')
    }
}

/// Every process there is; none where there is no /proc.
fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    pids.filter_map(Process::read).collect()
}

/// The children of a process, theirs, and so on.
fn descendants(all: &[Process], ancestor: Pid) -> HashSet<Pid> {
    let mut found = HashSet::from([ancestor]);
    loop {
        let before = found.len();
        let born =
            all.iter().filter(|process| Pid::from_raw(process.parent).is_some_and(|parent| found.contains(&parent)));
        let born: Vec<Pid> = born.map(|process| process.pid).collect();
        found.extend(born);
        if found.len() == before {
            found.remove(&ancestor);
            return found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let pid = Pid::from_raw(7).unwrap();
        let rest = "S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2";
        for name in ["sh", "a) R 9 9", "two words", "line\nend"] {
            let process = Process::parse(pid, &format!("7 ({name}) {rest}\n")).unwrap();
            assert_eq!((process.state, process.parent, process.group, process.started), (b'S', 1, 42, 98765));
        }
        assert_eq!(Process::parse(pid, "7 (sh"), None);
        assert_eq!(Process::parse(pid, "7 (sh) S 1 42"), None);
    }

    #[test]
    fn this_process_is_among_the_descendants_of_its_parent() {
        let all = processes();
        let own = Pid::from_raw(i32::try_from(std::process::id()).unwrap()).unwrap();
        let own = Process::read(own).unwrap();
        assert!(own.is_there());
        assert!(descendants(&all, Pid::from_raw(own.parent).unwrap()).contains(&own.pid));
        assert!(!Process { started: own.started + 1, ..own }.is_there());
    }
}
