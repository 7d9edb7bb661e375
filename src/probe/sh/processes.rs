//! Processes: proc(5).

use super::content::split;
use super::kernel::{no_answer, untold};
use super::progress::Parts;
use super::text::{Trouble, Who};
use crate::probe::*;
use std::collections::HashMap;

/// The fault where the processes of others are hidden, or there is no proc at all.
pub(super) fn hidden(parts: &Parts, who: &Who) -> Result<(), Fault> {
    match parts.last().map(|part| part.status.as_str()) {
        Some("hidden") => Err(who.refused("look at", "/proc/1", &Trouble::Denied)),
        Some("noproc") => {
            Err(Fault::new(FaultKind::Failed, "cannot list processes: no proc file system is mounted at /proc"))
        }
        Some("noenv") => Err(Fault::new(
            FaultKind::ToolMissing,
            "cannot list processes: there is no env or no cat in the PATH of the node; install coreutils or busybox",
        )),
        _ => Ok(()),
    }
}

/// What turns the kernel's units into ours.
struct System {
    /// Seconds since 1970 when the machine started.
    started: i64,
    ticks_per_second: u64,
    page_kib: u64,
}

/// The value of a kind in an auxiliary vector, getauxval(3), of a little endian 64-bit
/// machine.
fn auxiliary(vector: &[u8], kind: u64) -> Option<u64> {
    let (pairs, _) = vector.as_chunks::<16>();
    pairs.iter().find_map(|pair| {
        let (key, value) = pair.split_at(8);
        (u64::from_le_bytes(key.try_into().ok()?) == kind).then_some(())?;
        Some(u64::from_le_bytes(value.try_into().ok()?))
    })
}

/// All processes, by number. One that ended meanwhile is left out.
pub(super) fn processes(parts: &Parts, separator: &[u8], who: &Who) -> Result<Arc<[Process]>, Fault> {
    const AT_PAGESZ: u64 = 6;
    const AT_CLKTCK: u64 = 17;
    hidden(parts, who)?;
    let malformed = |what: &str| Fault::new(FaultKind::Malformed, format!("{what} does not read as proc(5) says"));
    let (Some(listed), Some(grep)) = (parts.get("a"), parts.last()) else { return Err(untold("/proc")) };
    let labels = listed.status.starts_with('l');
    let pieces = memchr::memmem::find_iter(&listed.out, separator).count();
    let pieces = split(&listed.out, separator, pieces);
    let Some([vector, pieces @ ..]) = pieces.as_deref() else {
        return Err(no_answer("list processes", "cat", Some(listed)));
    };
    let text = String::from_utf8_lossy(&grep.out);
    let mut users = HashMap::new();
    let mut started = None;
    for line in text.lines() {
        if let Some(time) = line.strip_prefix("/proc/stat:btime ") {
            started = time.trim().parse().ok();
        } else if let Some((pid, uids)) = line.strip_prefix("/proc/").and_then(|line| line.split_once("/status:Uid:")) {
            let uid = uids.split_ascii_whitespace().nth(1).and_then(|uid| uid.parse::<u32>().ok());
            if let (Ok(pid), Some(uid)) = (pid.parse::<u32>(), uid) {
                users.insert(pid, uid);
            }
        }
    }
    let Some(started) = started else { return Err(no_answer("read /proc/stat", "grep", Some(grep))) };
    let system = System {
        started,
        ticks_per_second: auxiliary(vector, AT_CLKTCK).filter(|&ticks| ticks > 0).unwrap_or(100),
        page_kib: auxiliary(vector, AT_PAGESZ).filter(|&size| size > 0).unwrap_or(4096) / 1024,
    };
    let each = if labels { 2 } else { 1 };
    let mut processes = Vec::new();
    for pieces in pieces.chunks(each) {
        // It ended before its stat was read.
        let Some((stat, command)) = parse_stat(pieces[0]) else {
            if pieces[0].is_empty() || memchr::memchr(b'(', pieces[0]).is_none() {
                continue;
            }
            return Err(malformed("the stat of a process"));
        };
        let Some(mut process) = process(stat, &system) else { return Err(malformed("the stat of a process")) };
        // It ended before its status was read.
        let Some(&uid) = users.get(&process.pid) else { continue };
        process.uid = uid;
        let command = String::from_utf8_lossy(command);
        let command = command.trim_end_matches('\0');
        process.command =
            if command.is_empty() { format!("[{}]", process.name).into() } else { command.replace('\0', " ").into() };
        if let Some(label) = pieces.get(1) {
            let label = String::from_utf8_lossy(label);
            process.label = Some(label.trim_end_matches(['\0', '\n'])).filter(|label| !label.is_empty()).map(Arc::from);
        }
        processes.push(process);
    }
    processes.sort_unstable_by_key(|process| process.pid);
    Ok(processes.into())
}

/// A process as its stat has it: number, name, the fields behind the name.
type ProcessStat = (u32, String, Vec<String>);

/// The line of proc_pid_stat(5) that `bytes` begin with, and what follows it. The name may
/// hold anything, but in its 15 letters not the 40 numbers that come behind it.
fn parse_stat(bytes: &[u8]) -> Option<(ProcessStat, &[u8])> {
    const FEWEST: usize = 22;
    let open = memchr::memchr(b'(', bytes)?;
    let pid = std::str::from_utf8(&bytes[..open]).ok()?.trim().parse().ok()?;
    for close in memchr::memmem::find_iter(bytes, b") ") {
        let end = memchr::memchr(b'\n', &bytes[close..]).map_or(bytes.len(), |end| close + end);
        let Ok(fields) = std::str::from_utf8(&bytes[close + 2..end]) else { continue };
        let fields: Vec<String> = fields.split_ascii_whitespace().map(str::to_string).collect();
        let numbers = fields.iter().skip(1).filter(|field| field.parse::<i128>().is_ok()).count();
        if numbers + 1 == fields.len() && numbers >= FEWEST && close > open {
            let name = String::from_utf8_lossy(&bytes[open + 1..close]).into_owned();
            return Some(((pid, name, fields), bytes.get(end + 1..).unwrap_or_default()));
        }
    }
    None
}

fn process((pid, name, fields): ProcessStat, system: &System) -> Option<Process> {
    // Fields are numbered from 1 in the manual; the state is the third.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let seconds = |ticks: u64| ticks as f64 / system.ticks_per_second as f64;
    Some(Process {
        pid,
        ppid: fields.get(4 - 3)?.parse().ok()?,
        uid: 0,
        name: name.into(),
        command: "".into(),
        state: fields.first()?.chars().next()?,
        // A signed number in the manual; devices are not negative.
        tty: fields.get(7 - 3)?.parse::<i64>().ok()?.try_into().unwrap_or(0),
        vsz: number(23)? / 1024,
        rss: number(24)?.saturating_mul(system.page_kib),
        started: system.started.checked_add(i64::try_from(number(22)? / system.ticks_per_second).ok()?)?,
        cpu_seconds: seconds(number(14)?) + seconds(number(15)?),
        label: None,
    })
}
