//! The socket under a session: it can be shut from any thread, and nobody waits on it for
//! longer than was meant.

use super::watch::Watched;
use super::{Unreachable, UnreachableKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// While a connection is made, `stop` is looked at this often.
const SLICE: Duration = Duration::from_millis(50);

/// What carries the bytes of one node at this moment.
#[derive(Default)]
pub(super) struct Line {
    stopped: AtomicBool,
    overdue: AtomicBool,
    socket: Mutex<Option<Arc<OwnedFd>>>,
}

impl Line {
    /// From now on `socket` is what is shut.
    pub(super) fn hold(&self, socket: Arc<OwnedFd>) {
        let mut held = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            shut(&socket);
        }
        *held = Some(socket);
        self.overdue.store(false, Ordering::Release);
    }

    /// Ends what is under way and lets nothing new begin.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.shut();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether the other side kept this one busy beyond its time.
    pub(super) fn is_overdue(&self) -> bool {
        self.overdue.load(Ordering::Acquire)
    }

    fn shut(&self) {
        if let Some(socket) = &*self.socket.lock().unwrap_or_else(PoisonError::into_inner) {
            shut(socket);
        }
    }
}

impl Watched for Line {
    fn cut(&self) {
        self.overdue.store(true, Ordering::Release);
        // The peer learns of it at once, and not when its kernel gives up on a closed window.
        if let Some(socket) = &*self.socket.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
        }
        self.shut();
    }
}

/// Ends both directions: whoever waits on the socket wakes up, and nobody blocks on it again.
pub(super) fn shut(socket: &OwnedFd) {
    // A socket that is no longer connected is as shut as can be.
    let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
}

/// One attempt to connect: when it has taken too long, and who may interrupt it.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) deadline: Instant,
    pub(super) stop: &'a AtomicBool,
    pub(super) line: &'a Line,
}

/// Why a wait came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    TimedOut,
    Stopped,
}

impl Attempt<'_> {
    /// Whether to go on.
    pub(super) fn check(&self) -> Result<(), Halt> {
        if self.stop.load(Ordering::Acquire) || self.line.is_stopped() {
            return Err(Halt::Stopped);
        }
        if Instant::now() >= self.deadline { Err(Halt::TimedOut) } else { Ok(()) }
    }

    /// Waits until something happens on a descriptor.
    pub(super) fn wait(&self, descriptor: impl AsFd, events: PollFlags) -> Result<(), Halt> {
        loop {
            self.check()?;
            let left = self.deadline.saturating_duration_since(Instant::now()).min(SLICE);
            if ready(&descriptor, events, Some(left)) {
                return Ok(());
            }
        }
    }

    /// Sleeps for a while.
    pub(super) fn sleep(&self, time: Duration) -> Result<(), Halt> {
        let end = Instant::now() + time;
        loop {
            self.check()?;
            match end.saturating_duration_since(Instant::now()) {
                Duration::ZERO => return Ok(()),
                left => std::thread::sleep(left.min(SLICE)),
            }
        }
    }
}

/// Whether something happens on a descriptor within a time; `None`: wait for ever.
pub(super) fn ready(descriptor: impl AsFd, events: PollFlags, time: Option<Duration>) -> bool {
    let time = time.and_then(|time| Timespec::try_from(time).ok());
    let mut polled = [PollFd::new(&descriptor, events)];
    match poll(&mut polled, time.as_ref()) {
        Ok(count) => count > 0,
        // The caller looks at the time and waits again.
        Err(Errno::INTR) => false,
        // What is wrong with the descriptor shows when it is used.
        Err(_) => true,
    }
}

/// The run was interrupted while a node was being reached.
pub(super) fn interrupted(host: &str) -> Unreachable {
    Unreachable::new(UnreachableKind::Interrupted, format!("connecting to {host} was interrupted"))
}
