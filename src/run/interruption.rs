//! What ends a run early, from any thread: the user, or a node's own time limit.

use crate::transport::Stopper;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Whether a run goes on. Shared by the threads of the nodes and whoever hears signals.
#[derive(Default)]
pub struct Interruption {
    held: AtomicBool,
    stopped: AtomicBool,
    flights: Mutex<Vec<Arc<Flight>>>,
}

/// A node that is being looked at.
pub struct Flight {
    /// Set when what the node is busy with should end.
    stop: AtomicBool,
    /// Set when it is its own time limit that ended it.
    expired: AtomicBool,
    until: Option<Instant>,
    stopper: Mutex<Option<Stopper>>,
}

impl Interruption {
    pub fn new() -> Interruption {
        Interruption::default()
    }

    /// Lets the nodes in flight finish, and starts no other.
    pub fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    /// Ends the nodes in flight, too.
    pub fn stop(&self) {
        self.hold();
        self.stopped.store(true, Ordering::SeqCst);
        for flight in self.flights().iter() {
            flight.end();
        }
    }

    /// Whether no other node should be started.
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }

    /// Whether the nodes in flight should end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// A node takes off; it has to be done by `until`.
    pub fn take_off(&self, until: Option<Instant>) -> Arc<Flight> {
        let flight = Arc::new(Flight {
            stop: AtomicBool::new(false),
            expired: AtomicBool::new(false),
            until,
            stopper: Mutex::default(),
        });
        self.flights().push(flight.clone());
        // One that takes off while the others are being ended must not be missed.
        if self.is_stopped() {
            flight.end();
        }
        flight
    }

    /// A node is done.
    pub fn land(&self, flight: &Arc<Flight>) {
        self.flights().retain(|other| !Arc::ptr_eq(other, flight));
    }

    /// Ends every node whose time is up.
    pub fn expire(&self, now: Instant) {
        let due: Vec<Arc<Flight>> = {
            let flights = self.flights();
            let is_due = |flight: &&Arc<Flight>| flight.until.is_some_and(|until| until <= now) && !flight.is_over();
            flights.iter().filter(is_due).cloned().collect()
        };
        for flight in due {
            flight.expired.store(true, Ordering::SeqCst);
            flight.end();
        }
    }

    fn flights(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Flight>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// The flag that whatever works on the node looks at.
    pub fn flag(&self) -> &AtomicBool {
        &self.stop
    }

    /// Whether it ran out of its own time.
    pub fn is_expired(&self) -> bool {
        self.expired.load(Ordering::SeqCst)
    }

    /// Whether what the node is busy with should end, for whatever reason.
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// What ends the probes that are under way on the node from now on.
    pub fn set_stopper(&self, stopper: Stopper) {
        let mut slot = self.stopper.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_over() {
            stopper();
        }
        *slot = Some(stopper);
    }

    fn end(&self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(stopper) = &*self.stopper.lock().unwrap_or_else(PoisonError::into_inner) {
            stopper();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    fn counted(flight: &Flight) -> Arc<AtomicUsize> {
        let calls = Arc::new(AtomicUsize::new(0));
        let of_stopper = calls.clone();
        flight.set_stopper(Box::new(move || {
            of_stopper.fetch_add(1, Ordering::SeqCst);
        }));
        calls
    }

    #[test]
    fn holding_lets_nodes_in_flight_finish_and_stopping_ends_them() {
        let interruption = Interruption::new();
        let flight = interruption.take_off(None);
        let calls = counted(&flight);
        interruption.hold();
        assert!(interruption.is_held() && !flight.is_over() && calls.load(Ordering::SeqCst) == 0);
        interruption.stop();
        assert!(flight.is_over() && !flight.is_expired() && calls.load(Ordering::SeqCst) == 1);
        let late = interruption.take_off(None);
        let calls = counted(&late);
        assert!(late.is_over() && calls.load(Ordering::SeqCst) == 1, "one that takes off later ends at once");
    }

    #[test]
    fn only_a_node_whose_time_is_up_expires() {
        let interruption = Interruption::new();
        let now = Instant::now();
        let (short, long) =
            (interruption.take_off(Some(now)), interruption.take_off(Some(now + Duration::from_secs(9))));
        let landed = interruption.take_off(Some(now));
        interruption.land(&landed);
        interruption.expire(now);
        assert!(short.is_expired() && short.is_over());
        assert!(!long.is_over() && !landed.is_over());
    }
}
