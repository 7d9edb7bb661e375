//! Ctrl-C, SIGTERM and a terminal that goes away. Where several nodes are looked at, the first
//! one lets those in flight finish, the next one ends them; where there is one node, the first
//! one ends it. Both ways the reports are written. One more ends the program at once.

use crate::error::exit;
use crate::run::Interruption;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether inventories are being read.
static READING: AtomicBool = AtomicBool::new(false);
/// Set when that should stop.
static STOP: AtomicBool = AtomicBool::new(false);
/// Whether a run listens itself.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Reads inventories, whose programs run in process groups of their own, which Ctrl-C does not
/// reach: they are ended with the reading.
pub fn while_reading<T>(read: impl FnOnce(&'static AtomicBool) -> T) -> T {
    static LISTENING: std::sync::Once = std::sync::Once::new();
    LISTENING.call_once(|| {
        let waiting = std::thread::Builder::new().name("signals".to_string()).spawn(end_reading);
        // Without the thread a signal simply ends the program, as it does by default.
        drop(waiting);
    });
    READING.store(true, Ordering::SeqCst);
    let read = read(&STOP);
    READING.store(false, Ordering::SeqCst);
    read
}

fn end_reading() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            let first = !STOP.swap(true, Ordering::SeqCst);
            let is_heard = first && READING.load(Ordering::SeqCst) || RUNNING.load(Ordering::SeqCst);
            if !is_heard {
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
        }
    });
}

/// Listens from now on, for a run of so many nodes. Commands run in process groups of their
/// own, which Ctrl-C does not reach: ending them is up to the run.
pub fn listen(interruption: &Arc<Interruption>, nodes: usize) {
    let interruption = interruption.clone();
    RUNNING.store(true, Ordering::SeqCst);
    let waiting = std::thread::Builder::new().name("signals".to_string()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            // Under nohup the terminal may go, and the program stays.
            let mut hangup = if hangup_ignored() { None } else { signal(SignalKind::hangup()).ok() };
            loop {
                let terminal_gone = async {
                    match &mut hangup {
                        Some(hangup) => hangup.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = terminal_gone => {}
                }
                if interruption.is_stopped() {
                    crate::report::abandon();
                    std::process::exit(i32::from(exit::INTERRUPTED));
                }
                let mut stderr = std::io::stderr();
                if nodes > 1 && !interruption.is_held() {
                    let _ = writeln!(stderr, "\ninterrupted: the nodes in flight finish (once more to end them)");
                    interruption.hold();
                } else {
                    let _ = writeln!(stderr, "\ninterrupted: writing the reports (once more to stop at once)");
                    interruption.stop();
                }
            }
        });
    });
    // Without the thread a signal simply ends the program, as it does by default.
    drop(waiting);
}

/// Whether whoever started the program had it ignore SIGHUP: bit 0 of `SigIgn` in
/// /proc/self/status, see proc_pid_status(5).
pub fn hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
