//! What the callbacks of one Lua state share: the phase, the node, the control that is
//! being run, its budget and what it has recorded so far.

use super::place::Place;
use super::record::Item;
use crate::node::{Memory, Node};
use crate::results::Outcome;
use crate::value::Value;
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much one control may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time a control may compute, waiting for the node not counted.
    pub cpu: Duration,
    /// Different probes a control may ask.
    pub probes: usize,
    /// Round trips a control may cause.
    pub rounds: usize,
    /// Steps a control may record.
    pub steps: usize,
    /// Bytes one Lua state may hold; one profile on one node.
    pub memory: usize,
    /// Steps of string matching between two round trips, see [`super::pattern`].
    pub pattern_steps: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            cpu: Duration::from_secs(10),
            probes: 50_000,
            rounds: 500,
            steps: 100_000,
            memory: 512 << 20,
            pattern_steps: 50_000_000,
        }
    }
}

/// Whether control files are being loaded or controls run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Load,
    Run,
}

/// What a coroutine yields when it waits for the bodies of its `for_each`; nothing: it
/// needs answers of the next round. The prelude has the same numbers.
pub const CHILDREN: i64 = 1;
/// What it yields when its control has come to its end.
pub const END: i64 = 2;

/// A control while it runs.
pub struct Running {
    /// The control's id.
    pub id: Arc<str>,
    /// No other attempt of any control of this engine has this number.
    pub serial: u64,
    /// What the control looks at: the node's memory, or one of its own for an attempt of
    /// an `eventually` control.
    pub memory: Rc<Memory>,
    /// Lists of recorded items; the first is the control's own, others belong to bodies
    /// of `for_each` and to alternatives.
    pub lists: Vec<Vec<Item>>,
    /// `skip`, `pass` or `not_applicable` with the reason.
    pub ended: Option<(Outcome, Arc<str>)>,
    /// Every `describe`, to notice one without a step.
    pub describes: Vec<Describe>,
    /// A `for_each` over nothing, for the message when nothing was recorded.
    pub empty_loop: Option<usize>,
    pub recorded: usize,
    pub probes: usize,
    pub rounds: usize,
    pub cpu: Duration,
}

/// A `describe` call, kept to notice one without a step.
pub struct Describe {
    pub place: Place,
    pub used: bool,
}

impl Running {
    /// A control that has not done anything yet.
    pub fn new(id: Arc<str>, serial: u64, memory: Rc<Memory>, limits: &Limits) -> Running {
        Running {
            id,
            serial,
            memory,
            lists: vec![Vec::new()],
            ended: None,
            describes: Vec::new(),
            empty_loop: None,
            recorded: 0,
            probes: 0,
            rounds: 0,
            cpu: limits.cpu,
        }
    }
}

/// A body of a `for_each` that waits to be started.
pub struct Child {
    pub body: mlua::Function,
    pub element: mlua::Value,
    /// The list its items go to.
    pub list: usize,
}

/// State shared by the callbacks of one Lua state.
pub struct Session {
    pub limits: Limits,
    pub phase: Cell<Phase>,
    pub node: RefCell<Option<Rc<Node>>>,
    pub attributes: RefCell<IndexMap<String, Value>>,
    /// Texts that must not get into a command's arguments.
    pub secrets: RefCell<Vec<String>>,
    /// The controls of the run, by their number in the profile.
    pub running: RefCell<Vec<Option<Running>>>,
    /// The control that is being resumed.
    pub control: Cell<usize>,
    /// The list that recorded items go to.
    pub list: Cell<usize>,
    /// The bodies of the `for_each` that is being called.
    pub children: RefCell<Vec<Child>>,
    /// The outcome and reason of the `skip`, `pass` or `not_applicable` being called.
    pub ending: RefCell<Option<(Outcome, Arc<str>)>>,
    /// Counts resumptions, and attempts of controls.
    pub turn: Cell<u64>,
    pub attempts: Cell<u64>,
    /// The lists of the `one_of_checks` that are being filled, innermost last: the list
    /// around it, and one for each alternative.
    pub alternatives: RefCell<Vec<(usize, Vec<usize>)>>,
    /// When the coroutine that is being resumed is out of time.
    pub deadline: Cell<Instant>,
    /// How long it has waited for the node since it was resumed.
    pub waited: Cell<Duration>,
    /// Steps of string matching it has left.
    pub pattern_steps: Cell<u64>,
    /// How often it was found past it.
    pub overruns: Cell<u8>,
}

impl Session {
    /// A session in its load phase.
    pub fn new(limits: Limits) -> Session {
        Session {
            limits,
            phase: Cell::new(Phase::Load),
            node: RefCell::new(None),
            attributes: RefCell::default(),
            secrets: RefCell::default(),
            running: RefCell::default(),
            control: Cell::new(0),
            list: Cell::new(0),
            children: RefCell::default(),
            ending: RefCell::default(),
            turn: Cell::new(0),
            attempts: Cell::new(0),
            alternatives: RefCell::default(),
            deadline: Cell::new(Instant::now() + Duration::from_secs(3600)),
            waited: Cell::new(Duration::ZERO),
            pattern_steps: Cell::new(limits.pattern_steps),
            overruns: Cell::new(0),
        }
    }

    /// Waiting for the node, as for a slow file server, is not computing.
    pub fn waited(&self, time: Duration) {
        self.waited.set(self.waited.get() + time);
        self.deadline.set(self.deadline.get() + time);
    }

    /// Gets ready to run Lua for at most `cpu`.
    pub fn begin_turn(&self, phase: Phase, cpu: Duration) {
        self.turn.set(self.turn.get() + 1);
        self.phase.set(phase);
        self.overruns.set(0);
        self.pattern_steps.set(self.limits.pattern_steps);
        self.waited.set(Duration::ZERO);
        self.children.borrow_mut().clear();
        *self.ending.borrow_mut() = None;
        self.deadline.set(Instant::now() + cpu);
    }

    /// After the turn: whether it took longer than it might. Whatever Lua runs from here
    /// on must not trip over the deadline.
    pub fn end_turn(&self) -> bool {
        self.deadline.set(Instant::now() + Duration::from_secs(86_400));
        self.overruns.replace(0) > 0
    }

    /// Calls `act` with the control that is being resumed; an error while files load.
    pub fn with_running<T>(&self, act: impl FnOnce(&mut Running) -> T) -> Result<T, String> {
        let mut running = self.running.borrow_mut();
        match running.get_mut(self.control.get()) {
            Some(Some(control)) if self.phase.get() == Phase::Run => Ok(act(control)),
            _ => Err("no control is being run".to_string()),
        }
    }

    /// An error while control files are loaded: the node is not there yet.
    pub fn needs_run(&self, what: &str) -> Result<(), String> {
        match self.phase.get() {
            Phase::Run => Ok(()),
            Phase::Load => Err(format!(
                "{what} cannot be used while control files are loaded, before any node is there; move this into check \
                 or only_if"
            )),
        }
    }
}
