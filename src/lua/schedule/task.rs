//! The coroutines of the controls: the body of a control, and the bodies of its
//! `for_each`.

use super::Schedule;
use crate::lua::record::Item;
use crate::lua::session::{CHILDREN, END, Phase, Running};
use mlua::thread::ThreadStatus;
use mlua::{Function, MultiValue, Thread, Value as LuaValue};
use std::ops::Range;
use std::time::{Duration, Instant};

/// One coroutine.
pub struct Task {
    thread: Thread,
    pub control: usize,
    /// The list that belongs to it, and the list that what it records goes to: that of an
    /// alternative inside `one_of_checks`.
    own: usize,
    list: usize,
    alternatives: Vec<(usize, Vec<usize>)>,
    /// The task that waits for this one.
    parent: Option<usize>,
    /// How many bodies it waits for, and the lists of all bodies of that `for_each`.
    children: usize,
    bodies: Range<usize>,
    /// A body has ended the control: it goes on no more.
    ended: bool,
    /// Its number is in one of the schedule's queues.
    queued: bool,
    /// Handed to the coroutine when it is first resumed.
    arguments: MultiValue,
}

impl Task {
    /// A coroutine that has not begun.
    pub fn new(thread: Thread, control: usize, list: usize, parent: Option<usize>, arguments: MultiValue) -> Task {
        Task {
            thread,
            control,
            own: list,
            list,
            alternatives: Vec::new(),
            parent,
            children: 0,
            bodies: 0..0,
            ended: false,
            queued: false,
            arguments,
        }
    }
}

impl Schedule<'_> {
    /// A coroutine for a function. Making one costs more than most controls compute, so one
    /// that has come to its end is taken where there is any.
    pub(super) fn coroutine(&mut self, body: Function) -> mlua::Result<Thread> {
        match self.spare.take() {
            Some(thread) => thread.reset(body).map(|()| thread),
            None => self.engine.lua().create_thread(body),
        }
    }

    /// Gets a coroutine ready to run.
    pub(super) fn add(&mut self, mut task: Task) {
        task.queued = true;
        if let Some(progress) = self.progress[task.control].as_mut() {
            progress.tasks += 1;
        }
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
    pub(super) fn resume(&mut self, number: usize) {
        let Some(mut task) = self.tasks[number].take() else {
            // Dropped while it was queued.
            self.free.push(number);
            return;
        };
        let (session, control) = (self.session, task.control);
        let Some(cpu) = session.running.borrow()[control].as_ref().map(|running| running.cpu) else {
            self.free.push(number);
            return;
        };
        task.queued = false;
        session.control.set(control);
        session.list.set(task.list);
        *session.alternatives.borrow_mut() = std::mem::take(&mut task.alternatives);
        session.begin_turn(Phase::Run, cpu);
        let began = Instant::now();
        let resumed = task.thread.resume::<LuaValue>(std::mem::take(&mut task.arguments));
        let overrun = session.end_turn();
        let broken = self.charge(control, began.elapsed().saturating_sub(session.waited.get()));
        task.list = session.list.get();
        task.alternatives = std::mem::take(&mut *session.alternatives.borrow_mut());
        let error = match resumed {
            _ if overrun => {
                let limit = session.limits.cpu.as_secs_f64();
                let message = format!("the control computed for more than {limit} s and was stopped");
                Err(mlua::Error::runtime(message))
            }
            _ => match broken {
                Some(message) => Err(mlua::Error::runtime(message)),
                None => Ok(resumed),
            },
        };
        match error {
            // A limit is broken, which ends the whole control.
            Err(error) => self.end_and_collect(number, task, error),
            Ok(Err(error)) if crate::lua::fault::is_memory(&error) => self.end_and_collect(number, task, error),
            Ok(Err(error)) if task.parent.is_none() => self.end(number, task, error),
            // An error in one body of a `for_each` says nothing about the other elements.
            Ok(Err(error)) => {
                let step = self.engine.explain(&error, &self.engine.controls()[control].summary);
                if let Some(running) = session.running.borrow_mut()[control].as_mut()
                    && let Some(items) = running.lists.get_mut(task.own)
                {
                    items.push(Item::Judged(step));
                }
                self.finish(number, task);
            }
            Ok(Ok(_)) if task.thread.status() == ThreadStatus::Finished => self.finish(number, task),
            Ok(Ok(LuaValue::Integer(END))) => self.end_early(number, task),
            Ok(Ok(LuaValue::Integer(CHILDREN))) => self.start_children(number, task),
            Ok(Ok(_)) => {
                task.queued = true;
                self.tasks[number] = Some(task);
                self.waiting.push(number);
            }
        }
    }

    /// Takes what a resumption cost from the control's budget; says which limit is broken.
    fn charge(&self, control: usize, spent: Duration) -> Option<String> {
        let mut running = self.session.running.borrow_mut();
        let running = running[control].as_mut()?;
        running.cpu = running.cpu.saturating_sub(spent);
        self.broken_limit(running)
    }

    /// Which limit of observations a control has broken.
    pub(super) fn broken_limit(&self, running: &Running) -> Option<String> {
        let limits = &self.session.limits;
        if running.probes > limits.probes {
            return Some(format!("the control asked for more than {} different observations", limits.probes));
        }
        (running.rounds > limits.rounds).then(|| {
            format!(
                "the control needed more than {} round trips; a property read in a plain for loop costs one each \
                 time, for_each asks for all at once",
                limits.rounds
            )
        })
    }

    /// A coroutine is through, which may be what another one waits for.
    fn finish(&mut self, number: usize, task: Task) {
        let (mut number, mut task) = (number, task);
        loop {
            let Task { thread, control, parent, .. } = task;
            self.release(number, control, false);
            if self.spare.is_none() && thread.status() == ThreadStatus::Finished {
                self.spare = Some(thread);
            }
            let Some(parent) = parent else { return self.judge(control) };
            let Some(waiting) = self.tasks[parent].as_mut() else { return };
            waiting.children = waiting.children.saturating_sub(1);
            if waiting.children > 0 {
                return;
            }
            if !waiting.ended {
                waiting.queued = true;
                self.ready.push_back(parent);
                return;
            }
            match self.tasks[parent].take() {
                Some(ended) => (number, task) = (parent, ended),
                None => return,
            }
        }
    }

    /// Gives up the number of a task that is gone; one in a queue keeps it until the queue
    /// comes to it.
    fn release(&mut self, number: usize, control: usize, queued: bool) {
        if let Some(progress) = self.progress[control].as_mut() {
            progress.tasks = progress.tasks.saturating_sub(1);
        }
        if !queued {
            self.free.push(number);
        }
    }

    fn start_children(&mut self, parent: usize, mut task: Task) {
        let children = std::mem::take(&mut *self.session.children.borrow_mut());
        let control = task.control;
        task.children = children.len();
        task.bodies = match (children.first(), children.last()) {
            (Some(first), Some(last)) => first.list..last.list + 1,
            _ => 0..0,
        };
        self.tasks[parent] = Some(task);
        for child in children {
            match self.coroutine(child.body) {
                Ok(thread) => {
                    let arguments = MultiValue::from_iter([child.element]);
                    self.add(Task::new(thread, control, child.list, Some(parent), arguments));
                }
                Err(error) => return self.fail(control, error),
            }
        }
    }

    /// `skip` and its like end the control as if the bodies of `for_each` ran one after the
    /// other: those before it in the list still come to their end, and what those after
    /// it recorded does not count. So no result depends on which answer came first.
    fn end_early(&mut self, number: usize, task: Task) {
        let control = task.control;
        if let Some(running) = self.session.running.borrow_mut()[control].as_mut() {
            running.ended = self.session.ending.take();
        }
        let (mut parent, mut own) = (task.parent, task.own);
        while let Some(above) = parent {
            let Some(waiting) = self.tasks[above].as_mut() else { break };
            waiting.ended = true;
            let later = own + 1..waiting.bodies.end;
            (parent, own) = (waiting.parent, waiting.own);
            if let Some(running) = self.session.running.borrow_mut()[control].as_mut() {
                later.clone().filter_map(|list| running.lists.get_mut(list).map(Vec::clear)).count();
            }
            let siblings: Vec<usize> = (0..self.tasks.len())
                .filter(|at| {
                    self.tasks[*at].as_ref().is_some_and(|task| task.parent == Some(above) && later.contains(&task.own))
                })
                .collect();
            for sibling in &siblings {
                self.drop_with_bodies(*sibling);
            }
            if let Some(waiting) = self.tasks[above].as_mut() {
                waiting.children = waiting.children.saturating_sub(siblings.len());
            }
        }
        self.finish(number, task);
    }

    /// Drops a coroutine and the bodies it waits for.
    fn drop_with_bodies(&mut self, number: usize) {
        let Some(task) = self.tasks[number].take() else { return };
        self.release(number, task.control, task.queued);
        if task.children > 0 {
            for at in 0..self.tasks.len() {
                if self.tasks[at].as_ref().is_some_and(|task| task.parent == Some(number)) {
                    self.drop_with_bodies(at);
                }
            }
        }
    }

    /// An error ends the control from the coroutine that was just resumed.
    fn end(&mut self, number: usize, task: Task, error: mlua::Error) {
        let control = task.control;
        self.release(number, control, false);
        drop(task);
        self.fail(control, error);
    }

    /// A broken limit ends the control, and what it held is freed before another one needs
    /// the memory they share.
    fn end_and_collect(&mut self, number: usize, task: Task, error: mlua::Error) {
        self.end(number, task, error);
        self.spare = None;
        // Twice: what finalizers of the first collection let go of is freed by the second.
        // A collection that fails leaves things as they were.
        let _ = self.engine.lua().gc_collect().and_then(|()| self.engine.lua().gc_collect());
    }

    /// An error ends the control; what it recorded before is judged all the same.
    pub(super) fn fail(&mut self, control: usize, error: mlua::Error) {
        let alive = self.progress[control].as_ref().map_or(0, |progress| progress.tasks);
        let mut left = alive;
        for number in 0..self.tasks.len() {
            if left == 0 {
                break;
            }
            if let Some(task) = self.tasks[number].take_if(|task| task.control == control) {
                self.release(number, control, task.queued);
                left -= 1;
            }
        }
        if let Some(progress) = self.progress[control].as_mut() {
            progress.error = Some(Box::new(error));
        }
        self.judge(control);
    }
}
