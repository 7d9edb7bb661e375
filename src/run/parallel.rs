//! Several things at one time: how many where nobody says, and a loop for what is no run.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most, whatever the machine has: beyond it the processors are what is waited for.
const MOST: usize = 64;
/// Open files a node in flight may take: its connection, jump hosts, pipes of an engine.
const FILES: usize = 12;
/// Open files for everything else.
const FILES_BESIDES: usize = 64;
/// Bytes a node in flight may take: its Lua states, observations and results.
const MEMORY: usize = 8 << 20;

/// The default of `--parallel`: what the limit of open files (which is raised as far as the
/// system lets us, getrlimit(2)) and half of the memory that is available allow, at most 64.
pub fn default_parallel() -> usize {
    width(open_files(), available_memory())
}

/// What `work` makes of each item, `width` at a time, each on a thread; in the order of the items.
pub fn side_by_side<T: Sync, U: Send>(items: &[T], width: usize, work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, U)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..width.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(number) else { return };
                    let made = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, made));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, made)| made).collect()
}

fn width(files: usize, memory: usize) -> usize {
    let by_files = files.saturating_sub(FILES_BESIDES) / FILES;
    let by_memory = memory / 2 / MEMORY;
    by_files.min(by_memory).clamp(1, MOST)
}

fn open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map_or(usize::MAX, |current| usize::try_from(current).unwrap_or(usize::MAX))
}

/// `MemAvailable` of proc_meminfo(5) in bytes; plenty where there is no such line.
fn available_memory() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kib.map_or(usize::MAX, |kib| kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scarcer_of_files_and_memory_decides_and_one_node_always_goes() {
        assert_eq!(width(1 << 20, 8 << 30), 64);
        assert_eq!(width(256, 8 << 30), 16);
        assert_eq!(width(1 << 20, 256 << 20), 16);
        assert_eq!(width(10, 0), 1);
        assert!(default_parallel() >= 1);
    }
}
