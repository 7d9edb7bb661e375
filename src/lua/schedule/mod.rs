//! Runs controls as coroutines: all of them until each waits for the node, then one batch
//! for all, then on. Results come out in the order of the profile's controls.

mod judging;
mod task;

use super::session::{Phase, Running, Session};
use super::{Engine, Finished};
use crate::node::{Memory, Node};
use mlua::{Thread, Value as LuaValue};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use task::Task;

/// The longest the scheduler sleeps before it looks for an interruption.
const NAP: Duration = Duration::from_millis(50);

/// One control on its way.
struct Progress {
    attempts: u32,
    /// When the first attempt began.
    began: Instant,
    started: jiff::Timestamp,
    error: Option<Box<mlua::Error>>,
    /// How many of its coroutines are alive.
    tasks: usize,
    done: Option<Box<Finished>>,
}

/// A run of selected controls on one node.
pub struct Schedule<'a> {
    engine: &'a Engine,
    session: &'a Session,
    node: Rc<Node>,
    selected: &'a [usize],
    tasks: Vec<Option<Task>>,
    /// A coroutine that came to its end and may run something else. No more than one: each
    /// keeps the stack it once needed.
    spare: Option<Thread>,
    free: Vec<usize>,
    ready: VecDeque<usize>,
    waiting: Vec<usize>,
    judging: Vec<usize>,
    again: Vec<(Instant, usize)>,
    progress: Vec<Option<Progress>>,
    emitted: usize,
}

impl<'a> Schedule<'a> {
    /// Gets ready to run the controls with these numbers.
    pub fn new(engine: &'a Engine, node: Rc<Node>, selected: &'a [usize]) -> Schedule<'a> {
        let session = engine.session();
        let count = engine.controls().len();
        session.running.borrow_mut().clear();
        session.running.borrow_mut().resize_with(count, || None);
        node.keep_secret(session.secrets.borrow().clone());
        *session.node.borrow_mut() = Some(node.clone());
        Schedule {
            engine,
            session,
            node,
            selected,
            tasks: Vec::new(),
            spare: None,
            free: Vec::new(),
            ready: VecDeque::new(),
            waiting: Vec::new(),
            judging: Vec::new(),
            again: Vec::new(),
            progress: (0..count).map(|_| None).collect(),
            emitted: 0,
        }
    }

    /// Runs to the end or until `stop` is set; `emit` gets each control's number and
    /// result in the order of the selection. False: it was stopped.
    pub fn run(mut self, stop: &AtomicBool, emit: &mut dyn FnMut(usize, Finished)) -> bool {
        for control in self.selected.iter().copied() {
            self.progress[control] = Some(Progress {
                attempts: 0,
                began: Instant::now(),
                started: jiff::Timestamp::now(),
                error: None,
                tasks: 0,
                done: None,
            });
            self.start(control);
            self.advance(emit, stop);
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        while !stop.load(Ordering::Relaxed) {
            self.advance(emit, stop);
            if !self.waiting.is_empty() || !self.judging.is_empty() {
                self.ask(stop);
            } else if let Some(next) = self.again.iter().map(|(when, _)| *when).min() {
                std::thread::sleep(next.saturating_duration_since(Instant::now()).min(NAP));
                let due = Instant::now();
                let (now, later): (Vec<_>, Vec<_>) = self.again.drain(..).partition(|(when, _)| *when <= due);
                self.again = later;
                for (_, control) in now {
                    self.start(control);
                }
            } else {
                break;
            }
        }
        let stopped = stop.load(Ordering::Relaxed);
        if stopped {
            // What is done is reported, gaps or not.
            for control in self.selected.iter().copied().skip(self.emitted) {
                if let Some(finished) = self.progress[control].as_mut().and_then(|progress| progress.done.take()) {
                    emit(control, *finished);
                }
            }
        }
        self.session.running.borrow_mut().clear();
        *self.session.node.borrow_mut() = None;
        self.session.phase.set(Phase::Load);
        !stopped
    }

    /// Resumes everything that can go on.
    fn advance(&mut self, emit: &mut dyn FnMut(usize, Finished), stop: &AtomicBool) {
        while let Some(task) = self.ready.pop_front() {
            self.resume(task);
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
        self.emit(emit);
    }

    /// Hands out the results that are complete up to the first that is not.
    fn emit(&mut self, emit: &mut dyn FnMut(usize, Finished)) {
        while let Some(control) = self.selected.get(self.emitted).copied() {
            let Some(finished) = self.progress[control].as_mut().and_then(|progress| progress.done.take()) else {
                return;
            };
            self.emitted += 1;
            emit(control, *finished);
        }
    }

    /// Starts an attempt of a control.
    fn start(&mut self, number: usize) {
        let control = &self.engine.controls()[number];
        let Some(progress) = self.progress[number].as_mut() else { return };
        progress.attempts += 1;
        progress.error = None;
        // Each attempt of an `eventually` control looks anew.
        let memory = match (control.eventually, progress.attempts) {
            (Some(_), attempts) if attempts > 1 => Rc::new(Memory::default()),
            _ => self.node.memory().clone(),
        };
        let serial = self.session.attempts.get();
        self.session.attempts.set(serial + 1);
        let running = Running::new(control.summary.id.clone(), serial, memory, &self.session.limits);
        self.session.running.borrow_mut()[number] = Some(running);
        let only_if = control.only_if.clone().map_or(LuaValue::Nil, LuaValue::Function);
        let arguments = [only_if, LuaValue::Function(control.check.clone())].into_iter().collect();
        match self.coroutine(self.engine.run_control().clone()) {
            Ok(thread) => self.add(Task::new(thread, number, 0, None, arguments)),
            Err(error) => self.fail(number, error),
        }
    }

    /// One round trip for everything that waits.
    fn ask(&mut self, stop: &AtomicBool) {
        let waiting = std::mem::take(&mut self.waiting);
        let judging = std::mem::take(&mut self.judging);
        let mut memories: Vec<Rc<Memory>> = vec![self.node.memory().clone()];
        let mut controls: Vec<usize> = judging.clone();
        controls.extend(waiting.iter().filter_map(|task| self.tasks[*task].as_ref()).map(|task| task.control));
        controls.sort_unstable();
        controls.dedup();
        for control in controls {
            let mut running = self.session.running.borrow_mut();
            let Some(running) = running[control].as_mut() else { continue };
            running.rounds += 1;
            if !memories.iter().any(|memory| Rc::ptr_eq(memory, &running.memory)) {
                memories.push(running.memory.clone());
            }
        }
        let borrowed: Vec<&Memory> = memories.iter().map(|memory| &**memory).collect();
        self.node.ask(&borrowed);
        // What came back then says that the run was stopped, and nothing of the node.
        if stop.load(Ordering::Relaxed) {
            return;
        }
        self.ready.extend(waiting);
        for control in judging {
            self.judge(control);
        }
    }
}
