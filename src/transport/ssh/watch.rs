//! One thread for the whole process that cuts connections which hold their own thread
//! beyond its time.
//!
//! libssh2 reads as long as there is something to read: a peer that sends faster than it is
//! read, and nothing that counts as an answer, keeps it inside one call for ever, where no
//! clock of the caller is looked at. Cutting the socket ends that call.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Whoever looks at its clock in time is never cut.
const GRACE: Duration = Duration::from_secs(2);

/// What can be cut off from another thread.
pub(super) trait Watched: Send + Sync {
    fn cut(&self);
}

#[derive(Default)]
struct Watch {
    list: Mutex<List>,
    changed: Condvar,
}

#[derive(Default)]
struct List {
    due: BTreeMap<(Instant, u64), Weak<dyn Watched>>,
    next: u64,
    runs: bool,
}

static WATCH: OnceLock<Watch> = OnceLock::new();

/// Something under watch until this is dropped.
pub(super) struct Guard {
    watched: Weak<dyn Watched>,
    at: Option<(Instant, u64)>,
    deadline: Option<Instant>,
}

impl Guard {
    /// Watches over something that has no deadline yet.
    pub(super) fn new(watched: &Arc<impl Watched + 'static>) -> Guard {
        let watched: Weak<dyn Watched> = Arc::downgrade(&(Arc::clone(watched) as Arc<dyn Watched>));
        Guard { watched, at: None, deadline: None }
    }

    /// It is to be cut soon after `deadline`; a deadline set before no longer counts.
    pub(super) fn until(&mut self, deadline: Instant) {
        if self.deadline == Some(deadline) {
            return;
        }
        let watch = WATCH.get_or_init(Watch::default);
        let mut list = watch.list.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = self.at.take() {
            list.due.remove(&at);
        }
        let at = (deadline + GRACE, list.next);
        list.next += 1;
        let first = list.due.keys().next().is_none_or(|first| at < *first);
        list.due.insert(at, Weak::clone(&self.watched));
        (self.at, self.deadline) = (Some(at), Some(deadline));
        if !list.runs {
            // Without a thread nobody is cut, and all else works as before.
            list.runs = std::thread::Builder::new().name("ssh-watch".to_string()).spawn(run).is_ok();
        } else if first {
            watch.changed.notify_one();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let (Some(at), Some(watch)) = (self.at, WATCH.get()) {
            watch.list.lock().unwrap_or_else(PoisonError::into_inner).due.remove(&at);
        }
    }
}

fn run() {
    let watch = WATCH.get_or_init(Watch::default);
    let mut list = watch.list.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let now = Instant::now();
        list = match list.due.first_key_value().map(|(&(time, _), _)| time) {
            None => watch.changed.wait(list).unwrap_or_else(PoisonError::into_inner),
            Some(time) if time > now => {
                watch.changed.wait_timeout(list, time - now).unwrap_or_else(PoisonError::into_inner).0
            }
            Some(_) => {
                let due = list.due.pop_first().and_then(|(_, watched)| watched.upgrade());
                // What is cut takes locks of its own, and may be dropped here.
                drop(list);
                if let Some(watched) = due {
                    watched.cut();
                }
                watch.list.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Thing(AtomicBool);

    impl Watched for Thing {
        fn cut(&self) {
            self.0.store(true, Ordering::Release);
        }
    }

    fn within(limit: Duration, what: impl Fn() -> bool) -> bool {
        let end = Instant::now() + limit;
        while !what() {
            if Instant::now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    #[test]
    fn what_is_over_its_time_is_cut_and_nothing_else() {
        let now = Instant::now();
        let [late, moved, let_go] = [(); 3].map(|()| Arc::new(Thing::default()));
        let (mut a, mut b, mut c) = (Guard::new(&late), Guard::new(&moved), Guard::new(&let_go));
        // Deadlines that lie back by more than the grace are due at once.
        let past = now.checked_sub(GRACE).expect("the machine runs longer than that");
        b.until(past + Duration::from_millis(200));
        b.until(now + Duration::from_secs(60));
        c.until(past + Duration::from_millis(200));
        drop(c);
        a.until(past);
        assert!(within(Duration::from_secs(10), || late.0.load(Ordering::Acquire)));
        assert!(!within(Duration::from_millis(400), || moved.0.load(Ordering::Acquire)));
        assert!(!let_go.0.load(Ordering::Acquire));
    }
}
