//! The events of one node on their way out: masked once, and timed.

use super::interruption::Flight;
use crate::error::Error;
use crate::results::mask::Masker;
use crate::results::{Live, RunEvent};
use std::sync::Arc;

/// What a node tells while it is looked at.
pub enum Told {
    /// For the reports, in the order of the plan; with the time it happened.
    Event(String, RunEvent),
    /// For whoever watches, at once.
    Live(Live),
    /// What went wrong on this side, whatever the node's verdict.
    Trouble(Error),
}

/// Masks what happens on one node and hands it on.
pub struct NodeStream<'a> {
    masker: &'a Masker,
    /// Knows more secrets, which came to light on this node.
    own: Option<Arc<Masker>>,
    flight: Arc<Flight>,
    out: &'a mut dyn FnMut(Told),
}

impl<'a> NodeStream<'a> {
    /// A stream whose events lose every secret `masker` knows.
    pub fn new(masker: &'a Masker, flight: Arc<Flight>, out: &'a mut dyn FnMut(Told)) -> NodeStream<'a> {
        NodeStream { masker, own: None, flight, out }
    }

    /// Masks with this from now on.
    pub fn mask_with(&mut self, masker: Arc<Masker>) {
        self.own = Some(masker);
    }

    /// What masks its events where secrets came to light on this node.
    pub fn shared_masker(&self) -> Option<Arc<Masker>> {
        self.own.clone()
    }

    /// What masks its events.
    pub fn masker(&self) -> &Masker {
        self.own.as_deref().unwrap_or(self.masker)
    }

    /// Sends one event.
    pub fn send(&mut self, mut event: RunEvent) {
        self.masker().mask_event(&mut event);
        if let RunEvent::ControlFinished(control) = &event {
            (self.out)(Told::Live(Live::Control {
                node: control.node.clone(),
                control: control.control.id.clone(),
                outcome: control.outcome,
            }));
        }
        (self.out)(Told::Event(rfc3339(jiff::Timestamp::now()), event));
    }

    /// Tells whoever watches.
    pub fn tell(&mut self, live: Live) {
        (self.out)(Told::Live(live));
    }

    /// Tells what went wrong on this side.
    pub fn trouble(&mut self, error: Error) {
        (self.out)(Told::Trouble(error));
    }

    /// The node as what may be ended.
    pub fn flight(&self) -> &Arc<Flight> {
        &self.flight
    }
}

/// A time as events carry it: RFC 3339 in UTC with milliseconds.
pub fn rfc3339(time: jiff::Timestamp) -> String {
    format!("{time:.3}")
}
