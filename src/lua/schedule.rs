//! Runs controls as coroutines: all of them until each waits for the node, then one batch
//! for all, then on. Results come out in the order of the profile's controls.

use super::load::Control;
use super::record::{Item, remark};
use super::session::{Child, Pause, Phase, Running, Session};
use super::verdict::{self, Ending};
use super::{Engine, Finished, convert};
use crate::node::{Memory, Node, Unseen};
use crate::results::Outcome;
use mlua::thread::ThreadStatus;
use mlua::{Function, Lua, Table, Thread, Value as LuaValue};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest the scheduler sleeps before it looks for an interruption.
const NAP: Duration = Duration::from_millis(50);

/// A coroutine: the body of a control or of one element of a `for_each`.
struct Task {
    thread: Thread,
    control: usize,
    /// The list that what it records goes to.
    list: usize,
    alternatives: Vec<(usize, usize, Vec<usize>)>,
    /// The task that waits for this one, and for how many it waits itself.
    parent: Option<usize>,
    children: usize,
    /// Handed to the coroutine when it is first resumed.
    arguments: Option<mlua::MultiValue>,
}

/// One control on its way.
struct Progress {
    attempts: u32,
    /// When the first attempt began.
    began: Instant,
    started: jiff::Timestamp,
    error: Option<mlua::Error>,
    /// All its coroutines are done, its steps are being judged.
    judging: bool,
    done: Option<Finished>,
}

/// A run of selected controls on one node.
pub struct Schedule<'a> {
    engine: &'a Engine,
    session: &'a Session,
    node: Rc<Node>,
    selected: &'a [usize],
    tasks: Vec<Option<Task>>,
    free: Vec<usize>,
    ready: VecDeque<usize>,
    waiting: Vec<usize>,
    judging: Vec<usize>,
    again: Vec<(Instant, usize)>,
    progress: Vec<Option<Progress>>,
    emitted: usize,
}

/// Adds the functions of the prelude that change the flow.
pub fn install(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    let shared = session.clone();
    rust.raw_set(
        "for_each",
        lua.create_function(move |lua, (list, body): (LuaValue, LuaValue)| {
            Ok(for_each(lua, &shared, &list, &body).err())
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "finish",
        lua.create_function(move |_, (outcome, reason): (String, LuaValue)| {
            if let Err(message) = shared.needs_run(&outcome) {
                return Ok(Some(message));
            }
            let reason = match convert::from_lua(&reason) {
                Ok(crate::value::Value::Str(reason)) if !reason.trim().is_empty() => reason,
                _ => return Ok(Some(format!("{outcome} needs a reason in quotes"))),
            };
            let outcome = match &*outcome {
                "skipped" => Outcome::Skipped,
                "not_applicable" => Outcome::NotApplicable,
                _ => Outcome::Passed,
            };
            shared.pause.set(Pause::End);
            Ok(shared.with_running(|running| running.ended = Some((outcome, reason))).err())
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "alternatives",
        lua.create_function(move |lua, list: LuaValue| {
            const SHAPE: &str = "one_of_checks takes a list of functions: one_of_checks { function() … end, … }";
            let LuaValue::Table(list) = list else { return Ok(Some(SHAPE.to_string())) };
            let functions: Result<Vec<Function>, _> = list.sequence_values::<Function>().collect();
            let Ok(functions) = functions else { return Ok(Some(SHAPE.to_string())) };
            if functions.is_empty() {
                return Ok(Some(SHAPE.to_string()));
            }
            if let Err(message) = shared.needs_run("one_of_checks") {
                return Ok(Some(message));
            }
            let (file, line) = super::describe::caller(lua);
            let around = shared.list.get();
            let made = shared.with_running(|running| {
                let first = running.lists.len();
                let lists: Vec<usize> = (first..first + functions.len()).collect();
                running.lists.resize_with(first + functions.len(), Vec::new);
                if let Some(items) = running.lists.get_mut(around) {
                    items.push(Item::Alternatives { lists: lists.clone(), file, line });
                }
                lists
            });
            Ok(match made {
                Ok(lists) => {
                    shared.alternatives.borrow_mut().push((around, 0, lists));
                    None
                }
                Err(message) => Some(message),
            })
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "alternative",
        lua.create_function(move |_, number: usize| {
            let mut stack = shared.alternatives.borrow_mut();
            match number {
                0 => {
                    if let Some((around, ..)) = stack.pop() {
                        shared.list.set(around);
                    }
                }
                number => {
                    if let Some(list) = stack.last().and_then(|(_, _, lists)| lists.get(number - 1)) {
                        shared.list.set(*list);
                    }
                }
            }
            Ok(())
        })?,
    )
}

fn for_each(lua: &Lua, session: &Session, list: &LuaValue, body: &LuaValue) -> Result<(), String> {
    session.needs_run("for_each")?;
    let LuaValue::Function(body) = body else {
        return Err("for_each takes a list and a function: for_each(list, function(item) … end)".to_string());
    };
    let LuaValue::Table(list) = list else {
        return Err(match list {
            LuaValue::UserData(_) => {
                "for_each takes a list; of a table resource write .entries or a column".to_string()
            }
            LuaValue::Nil => "for_each takes a list, and this one is nil".to_string(),
            other => format!("for_each takes a list, not a {}", other.type_name()),
        });
    };
    let elements: Vec<LuaValue> =
        list.sequence_values().collect::<mlua::Result<_>>().map_err(|error| error.to_string())?;
    if elements.is_empty() && !list.is_empty() {
        return Err("for_each takes a list; this table has names instead of positions".to_string());
    }
    let (_, line) = super::describe::caller(lua);
    let around = session.list.get();
    let count = elements.len();
    let first = session.with_running(|running| {
        if count == 0 {
            running.empty_loop = Some(line);
        }
        let first = running.lists.len();
        running.lists.resize_with(first + count, Vec::new);
        if let Some(items) = running.lists.get_mut(around) {
            items.extend((first..first + count).map(Item::List));
        }
        first
    })?;
    let children = elements.into_iter().enumerate();
    let children = children.map(|(at, element)| Child { body: body.clone(), element, list: first + at });
    session.children.borrow_mut().extend(children);
    session.pause.set(Pause::Children(count));
    Ok(())
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
                judging: false,
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
                    emit(control, finished);
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
            emit(control, finished);
        }
    }

    /// Starts an attempt of a control.
    fn start(&mut self, number: usize) {
        let control = &self.engine.controls()[number];
        let Some(progress) = self.progress[number].as_mut() else { return };
        progress.attempts += 1;
        progress.error = None;
        progress.judging = false;
        // Each attempt of an `eventually` control looks anew.
        let memory = match (control.eventually, progress.attempts) {
            (Some(_), attempts) if attempts > 1 => Rc::new(Memory::default()),
            _ => self.node.memory().clone(),
        };
        self.session.running.borrow_mut()[number] =
            Some(Running::new(control.summary.id.clone(), memory, &self.session.limits));
        match self.engine.lua().create_thread(self.engine.run_control().clone()) {
            Ok(thread) => {
                let arguments = self.arguments(control);
                self.add(Task {
                    thread,
                    control: number,
                    list: 0,
                    alternatives: Vec::new(),
                    parent: None,
                    children: 0,
                    arguments,
                });
            }
            Err(error) => self.fail(number, error),
        }
    }

    fn arguments(&self, control: &Control) -> Option<mlua::MultiValue> {
        let only_if = control.only_if.clone().map_or(LuaValue::Nil, LuaValue::Function);
        Some(mlua::MultiValue::from_vec(vec![only_if, LuaValue::Function(control.check.clone())]))
    }

    fn add(&mut self, task: Task) {
        let number = match self.free.pop() {
            Some(number) => number,
            None => {
                self.tasks.push(None);
                self.tasks.len() - 1
            }
        };
        self.tasks[number] = Some(task);
        self.ready.push_back(number);
    }

    /// Resumes one coroutine and sees why it stopped.
    fn resume(&mut self, number: usize) {
        let Some(mut task) = self.tasks[number].take() else { return };
        let session = self.session;
        let Some(cpu) = session.running.borrow()[task.control].as_ref().map(|running| running.cpu) else {
            self.free.push(number);
            return;
        };
        session.control.set(task.control);
        session.list.set(task.list);
        *session.alternatives.borrow_mut() = std::mem::take(&mut task.alternatives);
        session.phase.set(Phase::Run);
        session.pause.set(Pause::Answers);
        session.overruns.set(0);
        session.pattern_steps.set(session.limits.pattern_steps);
        session.waited.set(Duration::ZERO);
        let began = Instant::now();
        session.deadline.set(began + cpu);
        let resumed = task.thread.resume::<()>(task.arguments.take().unwrap_or_default());
        let overrun = session.overruns.get() > 0;
        // Whatever Lua runs outside of a control must not trip over this one's deadline.
        session.deadline.set(began + Duration::from_secs(86_400));
        session.overruns.set(0);
        let broken = self.charge(task.control, began.elapsed().saturating_sub(session.waited.get()));
        task.list = session.list.get();
        task.alternatives = std::mem::take(&mut *session.alternatives.borrow_mut());
        let control = task.control;
        match resumed {
            _ if overrun => {
                let limit = session.limits.cpu.as_secs_f64();
                self.fail(
                    control,
                    mlua::Error::runtime(format!("the control computed for more than {limit} s and was stopped")),
                );
            }
            _ if broken.is_some() => self.fail(control, mlua::Error::runtime(broken.unwrap_or_default())),
            Err(error) => self.fail(control, error),
            Ok(()) if task.thread.status() == ThreadStatus::Finished => {
                self.free.push(number);
                match task.parent {
                    None => self.judge(control),
                    Some(parent) => {
                        if let Some(waiting) = self.tasks[parent].as_mut() {
                            waiting.children -= 1;
                            if waiting.children == 0 {
                                self.ready.push_back(parent);
                            }
                        }
                    }
                }
            }
            Ok(()) => match session.pause.get() {
                Pause::End => {
                    self.drop_tasks(control);
                    self.judge(control);
                }
                Pause::Answers => {
                    self.tasks[number] = Some(task);
                    self.waiting.push(number);
                }
                Pause::Children(0) => {
                    self.tasks[number] = Some(task);
                    self.ready.push_back(number);
                }
                Pause::Children(count) => {
                    task.children = count;
                    self.tasks[number] = Some(task);
                    self.start_children(number, control);
                }
            },
        }
    }

    /// Takes what a resumption cost from the control's budget; says which limit is broken.
    fn charge(&self, control: usize, spent: Duration) -> Option<String> {
        let limits = &self.session.limits;
        let mut running = self.session.running.borrow_mut();
        let running = running[control].as_mut()?;
        running.cpu = running.cpu.saturating_sub(spent);
        (running.probes > limits.probes)
            .then(|| format!("the control asked for more than {} different observations", limits.probes))
    }

    fn start_children(&mut self, parent: usize, control: usize) {
        for child in std::mem::take(&mut *self.session.children.borrow_mut()) {
            match self.engine.lua().create_thread(child.body) {
                Ok(thread) => self.add(Task {
                    thread,
                    control,
                    list: child.list,
                    alternatives: Vec::new(),
                    parent: Some(parent),
                    children: 0,
                    arguments: Some(mlua::MultiValue::from_vec(vec![child.element])),
                }),
                Err(error) => return self.fail(control, error),
            }
        }
    }

    /// Ends every coroutine of a control.
    fn drop_tasks(&mut self, control: usize) {
        for number in 0..self.tasks.len() {
            if self.tasks[number].as_ref().is_some_and(|task| task.control == control) {
                self.tasks[number] = None;
                self.free.push(number);
            }
        }
        let live = |number: &usize| self.tasks[*number].is_some();
        self.ready.retain(live);
        self.waiting.retain(live);
    }

    /// An error ends the control; what it recorded before is judged all the same.
    fn fail(&mut self, control: usize, error: mlua::Error) {
        self.drop_tasks(control);
        if let Some(progress) = self.progress[control].as_mut() {
            progress.error = Some(error);
        }
        self.judge(control);
    }

    /// Judges what a control recorded; while answers are outstanding it waits for them.
    fn judge(&mut self, number: usize) {
        let Some(mut running) = self.session.running.borrow_mut()[number].take() else { return };
        let memory = running.memory.clone();
        let seen = self.node.view(&memory);
        let asked = memory.asked();
        let mut pending = false;
        for list in &mut running.lists {
            for item in list.iter_mut() {
                if let Item::Step(recorded) = item {
                    match recorded.judge(&seen, &memory) {
                        Ok(step) => *item = Item::Judged(Box::new(step)),
                        Err(Unseen::Pending) => pending = true,
                        Err(_) => unreachable!("judging turns every other reason into a step"),
                    }
                }
            }
        }
        running.probes += memory.asked() - asked;
        let over_limit = running.rounds > self.session.limits.rounds || running.probes > self.session.limits.probes;
        if pending && !over_limit {
            self.session.running.borrow_mut()[number] = Some(running);
            if let Some(progress) = self.progress[number].as_mut() {
                progress.judging = true;
            }
            self.judging.push(number);
            return;
        }
        self.conclude(number, running, pending);
    }

    fn conclude(&mut self, number: usize, running: Running, over_limit: bool) {
        let control = &self.engine.controls()[number];
        let Some(progress) = self.progress[number].as_mut() else { return };
        let summary = &control.summary;
        let mut error = progress.error.take().map(|error| self.engine.explain(&error, summary));
        if over_limit && error.is_none() {
            let rounds = self.session.limits.rounds;
            error = Some(Box::new(remark(
                Outcome::Errored,
                "check asks for a bounded number of observations",
                format!("the control needed more than {rounds} round trips"),
                &summary.file,
                summary.line,
            )));
        }
        let verdict = verdict::conclude(running, Ending { error, file: summary.file.clone(), line: summary.line });
        let elapsed = progress.began.elapsed();
        if let Some(eventually) = control.eventually
            && matches!(verdict.outcome, Outcome::Failed | Outcome::Errored)
            && elapsed + eventually.every <= eventually.within
        {
            self.again.push((Instant::now() + eventually.every, number));
            return;
        }
        progress.done = Some(Finished {
            outcome: verdict.outcome,
            reason: verdict.reason,
            steps: verdict.steps,
            attempts: progress.attempts,
            started: progress.started,
            seconds: elapsed.as_secs_f64(),
        });
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
        let mut stopped = Vec::new();
        for control in controls {
            let mut running = self.session.running.borrow_mut();
            let Some(running) = running[control].as_mut() else { continue };
            running.rounds += 1;
            if !memories.iter().any(|memory| Rc::ptr_eq(memory, &running.memory)) {
                memories.push(running.memory.clone());
            }
            if running.rounds > self.session.limits.rounds {
                stopped.push(control);
            }
        }
        let borrowed: Vec<&Memory> = memories.iter().map(|memory| &**memory).collect();
        self.node.ask(&borrowed);
        // What came back then says that the run was stopped, and nothing of the node.
        if stop.load(Ordering::Relaxed) {
            return;
        }
        self.ready.extend(waiting);
        for control in stopped {
            if !judging.contains(&control) {
                let limit = self.session.limits.rounds;
                self.fail(
                    control,
                    mlua::Error::runtime(format!(
                        "the control needed more than {limit} round trips; a property read in a plain for loop costs \
                         one each time, for_each asks for all at once"
                    )),
                );
            }
        }
        for control in judging {
            self.judge(control);
        }
    }
}
