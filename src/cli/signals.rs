//! Ctrl-C, SIGTERM and a terminal that goes away: the first one ends what is in flight and
//! lets the run write its reports, the second one ends the program at once.

use crate::error::exit;
use crate::transport::Stopper;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set once the user wants the run to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Listens from now on. The flag turns true when the run should end, and `stopper` then
/// ends what the node is busy with: commands run in process groups of their own, which
/// Ctrl-C does not reach.
pub fn listen(stopper: Stopper) -> &'static AtomicBool {
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
                if STOP.swap(true, Ordering::Relaxed) {
                    crate::report::abandon();
                    std::process::exit(i32::from(exit::INTERRUPTED));
                }
                let _ = writeln!(std::io::stderr(), "\ninterrupted: writing the reports (once more to stop at once)");
                stopper();
            }
        });
    });
    // Without the thread a signal simply ends the program, as it does by default.
    drop(waiting);
    &STOP
}

/// Whether whoever started the program had it ignore SIGHUP: bit 0 of `SigIgn` in
/// /proc/self/status, see proc_pid_status(5).
fn hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
