//! Many nodes at once, each on a thread of its own, and their events in the order of the plan.

use super::heap;
use super::interruption::Interruption;
use super::node::{self, Landed, Reached};
use super::plan::Plan;
use super::remote;
use super::stream::{NodeStream, Told};
use crate::error::Error;
use crate::lua::Engine;
use crate::results::event::{RunFinished, RunStarted};
use crate::results::{Live, RunEvent, Stamped, Tally};
use crate::target::Target;
use crate::transport::Unreachable;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How often time limits are looked at, and whoever watches is told the time.
const TICK: Duration = Duration::from_millis(100);
/// Messages of nodes that wait to be passed on; a node that is ahead of that waits.
const BACKLOG: usize = 1024;
/// Stack of a node's thread: Lua and the parsers of resources go deep on hostile input.
/// Memory that is not touched costs nothing.
const STACK: usize = 8 << 20;
/// How long nodes that were told to stop may take before the run ends without them.
const FAREWELL: Duration = Duration::from_secs(10);

/// Whoever hears of a run.
pub trait Audience {
    /// The next event, node by node in the order of the plan.
    fn event(&mut self, event: &Stamped);
    /// What happens at this moment, in whatever order.
    fn live(&mut self, live: &Live);
    /// Time goes by.
    fn tick(&mut self, now: Instant);
}

/// How many nodes at once, and when to give up on the rest.
#[derive(Debug, Clone, Copy)]
pub struct Width {
    /// Nodes in flight at one time; at least 1.
    pub parallel: usize,
    /// No node is started any more once so many have failed, errored or are out of reach.
    pub max_failures: Option<usize>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub tally: Tally,
    /// The user ended it early.
    pub interrupted: bool,
    /// For each profile of the plan, why it did not fit the last node it was tried on; `None`
    /// where it fits one or was tried on none.
    pub unfit: Vec<Option<Arc<str>>>,
    /// What went wrong on this side, such as a recording that could not be written.
    pub troubles: Vec<Error>,
}

/// Runs a plan of one node that was reached already, on this thread.
pub fn run_reached(
    plan: &Plan,
    reached: &Reached,
    engines: &[Engine],
    interruption: &Interruption,
    audience: &mut dyn Audience,
) -> Ended {
    let mut run = Run::begin(plan, audience);
    let flight = interruption.take_off(None);
    flight.set_stopper(reached.node.stopper());
    run.audience.live(&Live::Started { node: plan.nodes[0].name.clone() });
    let landed = {
        let mut out = |told| run.told(0, told);
        node::run(plan, 0, reached, engines, Vec::new(), &mut NodeStream::new(&plan.masker, flight.clone(), &mut out))
    };
    interruption.land(&flight);
    run.landed(0, landed);
    run.end(interruption)
}

/// Runs a plan. Every node has its place in the events, also one that cannot be reached or
/// is not started any more.
pub fn run(plan: &Arc<Plan>, width: Width, interruption: &Arc<Interruption>, audience: &mut dyn Audience) -> Ended {
    heap::give_back_large_blocks();
    let mut run = Run::begin(plan, audience);
    let (sender, receiver) = sync_channel(BACKLOG);
    let crew = Arc::new(Crew {
        plan: plan.clone(),
        interruption: interruption.clone(),
        next: AtomicUsize::new(0),
        failed: AtomicUsize::new(0),
        width,
    });
    for number in 0..width.parallel.clamp(1, plan.nodes.len().max(1)) {
        let (sender, crew) = (sender.clone(), crew.clone());
        let thread = std::thread::Builder::new().name(format!("nodes-{number}")).stack_size(STACK);
        // Where the system gives no more threads, those there are do the work.
        if thread.spawn(move || crew.work(&sender)).is_err() {
            break;
        }
    }
    drop(sender);
    run.listen(&receiver, interruption);
    run.end(interruption)
}

/// What a thread sends: which node, and what of it.
enum Message {
    Told(usize, Told),
    Landed(usize, Landed),
}

/// What the threads of the nodes share.
struct Crew {
    plan: Arc<Plan>,
    interruption: Arc<Interruption>,
    /// The next node nobody has taken.
    next: AtomicUsize,
    /// Nodes that failed so far.
    failed: AtomicUsize,
    width: Width,
}

impl Crew {
    /// Takes one node after another until there is none left.
    fn work(&self, sender: &SyncSender<Message>) {
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if number >= self.plan.nodes.len() {
                return;
            }
            // Nobody listens any more: the run has ended without this thread.
            if sender.send(Message::Landed(number, self.node(number, sender))).is_err() {
                return;
            }
        }
    }

    /// One node, whatever becomes of it.
    fn node(&self, number: usize, sender: &SyncSender<Message>) -> Landed {
        let planned = &self.plan.nodes[number];
        let mut begun = false;
        let flight = self.interruption.take_off(Instant::now().checked_add(planned.options.patience.node));
        let mut out = |told: Told| {
            begun |= matches!(told, Told::Event(..));
            let _ = sender.send(Message::Told(number, told));
        };
        let mut stream = NodeStream::new(&self.plan.masker, flight.clone(), &mut out);
        let not_started = self.not_started();
        let counts = not_started.is_none();
        let looked = match not_started {
            Some(why) => Ok(node::report_unreached(&self.plan, number, &why, &mut stream)),
            None => {
                stream.tell(Live::Started { node: planned.name.clone() });
                catch_unwind(AssertUnwindSafe(|| {
                    self.look(number, &mut stream)
                        .unwrap_or_else(|why| node::report_unreached(&self.plan, number, &why.message, &mut stream))
                }))
            }
        };
        let landed = looked.unwrap_or_else(|_| {
            // A fault of Probity's own, which has said its place on standard error.
            let why = "Probity itself failed on this node; please report what it said";
            match begun {
                false => {
                    let mut out = |told: Told| drop(sender.send(Message::Told(number, told)));
                    let mut stream = NodeStream::new(&self.plan.masker, flight.clone(), &mut out);
                    node::report_unreached(&self.plan, number, why, &mut stream)
                }
                true => Landed { tally: Tally { errored: 1, ..Tally::default() }, whole: false, reached: true },
            }
        });
        self.interruption.land(&flight);
        if counts && landed.is_bad() {
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
        landed
    }

    /// Looks at one node: through the agent where it is wanted and can be had, else in batches.
    fn look(&self, number: usize, stream: &mut NodeStream<'_>) -> Result<Landed, Unreachable> {
        let transport = node::connect(&self.plan, number, stream.flight())?;
        let mut notes: Vec<Arc<str>> = transport.notes().into_iter().map(Into::into).collect();
        let planned = &self.plan.nodes[number];
        let has_shell = matches!(planned.target, Target::Ssh { .. } | Target::Container(_));
        if let Some(agent) = self.plan.agent.as_ref().filter(|_| has_shell) {
            // The agent is told all values, and so some have to be decided before.
            if planned.later.is_some() {
                let reached = node::look(&self.plan, number, transport.clone())?;
                node::decide(&self.plan, number, &reached, stream);
                if planned.undecided().is_some() {
                    return Ok(node::run(&self.plan, number, &reached, &[], notes, stream));
                }
            }
            match remote::run(&self.plan, number, &*transport, agent, &notes, stream) {
                Ok(landed) => return Ok(landed),
                Err(why) => notes.push(format!("asked in batches, without the agent: {why}").into()),
            }
        }
        let reached = node::look(&self.plan, number, transport)?;
        Ok(node::run(&self.plan, number, &reached, &[], notes, stream))
    }

    /// Why no node is started any more.
    fn not_started(&self) -> Option<String> {
        if self.interruption.is_held() {
            return Some("not started: the run was interrupted before".to_string());
        }
        let most = self.width.max_failures?;
        let failed = self.failed.load(Ordering::SeqCst);
        let nodes = if failed == 1 { "1 node was".to_string() } else { format!("{failed} nodes were") };
        (failed >= most).then(|| format!("not started: {nodes} not fine, and --max-failures ends the run there"))
    }
}

/// A run on its way to whoever hears of it.
struct Run<'a> {
    plan: &'a Plan,
    audience: &'a mut dyn Audience,
    sequence: u64,
    /// The node whose events are passed on as they come; those of later ones are kept.
    turn: usize,
    kept: Vec<VecDeque<(String, RunEvent)>>,
    landed: Vec<Option<Landed>>,
    reached: Vec<bool>,
    unfit: Vec<Option<Arc<str>>>,
    fits: Vec<bool>,
    began: Instant,
    troubles: Vec<Error>,
}

impl<'a> Run<'a> {
    fn begin(plan: &'a Plan, audience: &'a mut dyn Audience) -> Run<'a> {
        let nodes = plan.nodes.len();
        let mut run = Run {
            plan,
            audience,
            sequence: 0,
            turn: 0,
            kept: (0..nodes).map(|_| VecDeque::new()).collect(),
            landed: vec![None; nodes],
            reached: vec![false; nodes],
            unfit: vec![None; plan.profiles.len()],
            fits: vec![false; plan.profiles.len()],
            began: Instant::now(),
            troubles: Vec::new(),
        };
        let started = RunEvent::RunStarted(RunStarted {
            format: "probity/events",
            version: 1,
            run: run_id().into(),
            probity: env!("CARGO_PKG_VERSION").into(),
            nodes,
            controls: plan.controls(),
        });
        run.pass(super::stream::rfc3339(jiff::Timestamp::now()), started);
        run
    }

    /// Listens until every node has landed, or was told to stop and does not.
    fn listen(&mut self, receiver: &Receiver<Message>, interruption: &Interruption) {
        let mut next_tick = Instant::now() + TICK;
        let mut farewell = None;
        while self.turn < self.plan.nodes.len() {
            let message = receiver.recv_timeout(next_tick.saturating_duration_since(Instant::now()));
            match message {
                Ok(Message::Told(number, told)) => self.told(number, told),
                Ok(Message::Landed(number, landed)) => self.landed(number, landed),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if now >= next_tick {
                next_tick = now + TICK;
                interruption.expire(now);
                self.audience.tick(now);
                if interruption.is_stopped() && now > *farewell.get_or_insert(now + FAREWELL) {
                    break;
                }
            }
        }
        self.pass_the_rest();
    }

    fn told(&mut self, number: usize, told: Told) {
        match told {
            Told::Live(live) => self.audience.live(&live),
            Told::Trouble(error) => self.troubles.push(error),
            Told::Event(time, event) => {
                match &event {
                    RunEvent::NodeStarted(started) => self.reached[number] = started.error.is_none(),
                    RunEvent::ProfileStarted(started) if self.reached[number] => {
                        self.note_fit(&started.profile.name, started.not_applicable.as_ref());
                    }
                    _ => {}
                }
                match number == self.turn {
                    true => self.pass(time, event),
                    false => self.kept[number].push_back((time, event)),
                }
            }
        }
    }

    /// Remembers whether a profile fits any node it was tried on.
    fn note_fit(&mut self, profile: &str, not_applicable: Option<&Arc<str>>) {
        let Some(at) = self.plan.profiles.iter().position(|planned| &*planned.selected.summary.name == profile) else {
            return;
        };
        match not_applicable {
            Some(why) => self.unfit[at] = Some(why.clone()),
            None => self.fits[at] = true,
        }
    }

    fn landed(&mut self, number: usize, landed: Landed) {
        self.landed[number] = Some(landed);
        self.audience.live(&Live::Finished {
            node: self.plan.nodes[number].name.clone(),
            tally: landed.tally,
            unreachable: !landed.reached,
        });
        while self.landed.get(self.turn).is_some_and(Option::is_some) {
            self.turn += 1;
            if let Some(kept) = self.kept.get_mut(self.turn) {
                for (time, event) in std::mem::take(kept) {
                    self.pass(time, event);
                }
            }
        }
    }

    /// What is kept of nodes behind one that never landed.
    fn pass_the_rest(&mut self) {
        for number in self.turn..self.kept.len() {
            for (time, event) in std::mem::take(&mut self.kept[number]) {
                self.pass(time, event);
            }
        }
    }

    fn pass(&mut self, time: String, event: RunEvent) {
        let stamped = Stamped { sequence: self.sequence, time, event };
        self.sequence += 1;
        self.audience.event(&stamped);
    }

    fn end(mut self, interruption: &Interruption) -> Ended {
        let mut tally = Tally::default();
        self.landed.iter().flatten().for_each(|landed| tally += landed.tally);
        let whole = self.landed.iter().all(|landed| landed.is_some_and(|landed| landed.whole));
        let interrupted = interruption.is_held() || !whole;
        self.pass(
            super::stream::rfc3339(jiff::Timestamp::now()),
            RunEvent::RunFinished(RunFinished { tally, seconds: self.began.elapsed().as_secs_f64(), interrupted }),
        );
        let unfit = self.unfit.iter_mut().zip(&self.fits).map(|(why, fits)| why.take().filter(|_| !fits)).collect();
        Ended { tally, interrupted, unfit, troubles: self.troubles }
    }
}

/// Twelve hexadecimal digits that no other run has.
pub fn run_id() -> String {
    let mut bytes = [0u8; 6];
    // The kernel's generator cannot fail once it is seeded; a run id of zeros harms nothing.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
