//! The events on their way out: numbered, timed, and masked once.

use crate::results::mask::Masker;
use crate::results::{RunEvent, Stamped};
use std::rc::Rc;

/// Hands each event, masked and stamped, to whoever folds it.
pub struct Stream<'a> {
    masker: Rc<Masker>,
    sequence: u64,
    out: &'a mut dyn FnMut(&Stamped),
}

impl<'a> Stream<'a> {
    /// A stream whose events lose every secret `masker` knows.
    pub fn new(masker: Rc<Masker>, out: &'a mut dyn FnMut(&Stamped)) -> Stream<'a> {
        Stream { masker, sequence: 0, out }
    }

    /// Sends one event.
    pub fn send(&mut self, mut event: RunEvent) {
        self.masker.mask_event(&mut event);
        let stamped = Stamped { sequence: self.sequence, time: rfc3339(jiff::Timestamp::now()), event };
        self.sequence += 1;
        (self.out)(&stamped);
    }
}

/// A time as events carry it: RFC 3339 in UTC with milliseconds.
pub fn rfc3339(time: jiff::Timestamp) -> String {
    format!("{time:.3}")
}
