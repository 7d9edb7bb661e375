//! What has been observed of a node, and what still has to be asked.
//!
//! A resource is a function of a [`Seen`]. It asks for what it needs; where the answer is
//! not there yet the function unwinds with [`Unseen::Pending`], and is called again from
//! its start once the batch is back. So a resource must ask for everything it already
//! knows it needs at once: `let (a, b) = seen.all((Stat {..}, Read {..}))?`.

use crate::probe::{Answer, CommandLine, Fault, FaultKind, Probe, Question, Run};
use crate::transport::Transport;
use indexmap::{IndexMap, IndexSet};
use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Why a resource has no value to give.
#[derive(Debug, Clone, PartialEq)]
pub enum Unseen {
    /// Answers are outstanding; call again after the next round.
    Pending,
    /// The node could not be asked: the result is errored.
    Fault(Fault),
    /// The thing the resource stands for does not exist, in words that name it
    /// (`File /etc/motd`): the step fails with "does not exist", negated or not.
    Missing(String),
    /// The control asks for something that makes no sense (an argument of the wrong
    /// type, a user that is no word): the result is errored at that line.
    Misuse(String),
}

impl Unseen {
    /// A parse error or another answer that makes no sense.
    pub fn malformed(message: impl Into<String>) -> Unseen {
        Unseen::Fault(Fault::new(FaultKind::Malformed, message.into()))
    }

    /// A tool that is not on the node.
    pub fn tool_missing(message: impl Into<String>) -> Unseen {
        Unseen::Fault(Fault::new(FaultKind::ToolMissing, message.into()))
    }

    /// Something that cannot be looked at.
    pub fn failed(message: impl Into<String>) -> Unseen {
        Unseen::Fault(Fault::new(FaultKind::Failed, message.into()))
    }
}

impl From<Fault> for Unseen {
    fn from(fault: Fault) -> Unseen {
        Unseen::Fault(fault)
    }
}

/// What a resource gives: a value, or why there is none.
pub type Sight<T> = Result<T, Unseen>;

/// A value made from observations, with the probes it was made from.
type Parsed = (Sight<Rc<dyn Any>>, Rc<[usize]>);

/// The observations of one node, the questions waiting for the next round, and what
/// resources made of the observations.
#[derive(Default)]
pub struct Memory {
    /// `None`: the answer was given up once something was made of it; see [`Seen::take`].
    answers: RefCell<IndexMap<Probe, Option<Answer>>>,
    pending: RefCell<IndexSet<Probe>>,
    parsed: RefCell<HashMap<(TypeId, String), Parsed>>,
    touched: RefCell<Vec<usize>>,
    asked: Cell<usize>,
    waited: Cell<Duration>,
}

impl Memory {
    /// Appends the probes that wait, which no longer wait after this.
    pub fn take_pending(&self, batch: &mut Vec<Probe>) {
        batch.extend(self.pending.take());
    }

    /// Whether any probe waits for the next round.
    pub fn has_pending(&self) -> bool {
        !self.pending.borrow().is_empty()
    }

    /// Keeps an answer.
    pub fn store(&self, probe: Probe, answer: Answer) {
        self.answers.borrow_mut().insert(probe, Some(answer));
    }

    /// How many different probes were asked so far, answered or waiting. The difference
    /// over one resumption of a control is what that control asked for anew.
    pub fn asked(&self) -> usize {
        self.asked.get()
    }

    /// How long the transport took for the answers it gave at once: waiting for the node,
    /// which no control is charged for.
    pub fn waited(&self) -> Duration {
        self.waited.get()
    }

    /// Starts a new account of the observations used; see [`Memory::used`].
    pub fn forget_used(&self) {
        self.touched.borrow_mut().clear();
    }

    /// The probes whose answers were used since [`Memory::forget_used`], in words and each
    /// once; the last `most` of them in the order they were first asked.
    pub fn used(&self, most: usize) -> Vec<String> {
        let answers = self.answers.borrow();
        let mut touched = self.touched.borrow_mut();
        if touched.len() > 1 {
            touched.sort_unstable();
            touched.dedup();
        }
        let last = &touched[touched.len().saturating_sub(most)..];
        last.iter().filter_map(|index| answers.get_index(*index)).map(|(probe, _)| probe.words()).collect()
    }
}

/// What a resource may look at.
pub struct Seen<'a> {
    memory: &'a Memory,
    transport: &'a dyn Transport,
    now: i64,
    secrets: &'a RefCell<Vec<String>>,
}

impl<'a> Seen<'a> {
    /// A view on `memory` that asks `transport` for what costs no waiting. No command line
    /// may hold one of `secrets`.
    pub(super) fn new(
        memory: &'a Memory,
        transport: &'a dyn Transport,
        now: i64,
        secrets: &'a RefCell<Vec<String>>,
    ) -> Seen<'a> {
        Seen { memory, transport, now, secrets }
    }

    /// The clock of the run in seconds since 1970: it stands still while the run lasts.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The answer to one question. A fault unwinds.
    pub fn get<Q: Question>(&self, question: Q) -> Sight<Q::Answer> {
        self.try_get(question)?.map_err(Unseen::Fault)
    }

    /// The answer to one question, with a fault as a value: for a resource that has
    /// another way to look.
    pub fn try_get<Q: Question>(&self, question: Q) -> Sight<Result<Q::Answer, Fault>> {
        let probe: Probe = question.into();
        if let Probe::Run(run) = &probe {
            self.refuse_secrets(run)?;
        }
        if let Some((index, _, Some(answer))) = self.memory.answers.borrow().get_full(&probe) {
            self.memory.touched.borrow_mut().push(index);
            return unwrap::<Q>(&probe, answer);
        }
        let began = Instant::now();
        if let Some(answer) = self.transport.answer_now(&probe) {
            self.memory.waited.set(self.memory.waited.get() + began.elapsed());
            let result = unwrap::<Q>(&probe, &answer);
            let (index, _) = self.memory.answers.borrow_mut().insert_full(probe, Some(answer));
            self.memory.touched.borrow_mut().push(index);
            self.memory.asked.set(self.memory.asked.get() + 1);
            return result;
        }
        if self.memory.pending.borrow_mut().insert(probe) {
            self.memory.asked.set(self.memory.asked.get() + 1);
        }
        Err(Unseen::Pending)
    }

    /// The answer to one question, which the node's memory then gives up: for what is large and
    /// of no use to anybody once it is parsed. To be called when nothing else is outstanding;
    /// who asks the same later makes the node answer again.
    pub fn take<Q: Question>(&self, question: Q) -> Sight<Q::Answer> {
        let answer = self.get(question.clone())?;
        if let Some(kept) = self.memory.answers.borrow_mut().get_mut(&question.into()) {
            *kept = None;
        }
        Ok(answer)
    }

    /// Every user of a node can read the arguments of its processes, so a command line that
    /// holds a sensitive value is refused, whichever resource made it.
    fn refuse_secrets(&self, run: &Run) -> Sight<()> {
        let secrets = self.secrets.borrow();
        let words: &[String] = match &run.line {
            CommandLine::Argv(words) => words,
            CommandLine::Shell { shell, line } => &[shell.clone(), line.clone()],
        };
        let holds = |secret: &String| !secret.is_empty() && words.iter().any(|word| word.contains(secret.as_str()));
        if secrets.iter().any(holds) {
            return Err(Unseen::Misuse(
                "the command line holds a sensitive attribute, which every user of the node could read in its process \
                 list; hand it over with stdin or env"
                    .to_string(),
            ));
        }
        Ok(())
    }

    /// The answers to several questions, asked together.
    pub fn all<T: Questions>(&self, questions: T) -> Sight<T::Answers> {
        questions.ask(self)
    }

    /// The answers to many questions of one kind, asked together, in their order.
    pub fn each<Q: Question>(&self, questions: impl IntoIterator<Item = Q>) -> Sight<Vec<Q::Answer>> {
        let answers: Vec<Sight<Q::Answer>> = questions.into_iter().map(|question| self.get(question)).collect();
        together(answers)
    }

    /// Calls `look` for every item before giving up on any, so that what they need is
    /// asked together.
    pub fn gather<T, U>(&self, items: impl IntoIterator<Item = T>, look: impl FnMut(T) -> Sight<U>) -> Sight<Vec<U>> {
        let looks: Vec<Sight<U>> = items.into_iter().map(look).collect();
        together(looks)
    }

    /// What `make` makes of observations, made once per node for this type and `key`
    /// (the resource's arguments).
    pub fn parsed<T: 'static>(&self, key: &str, make: impl FnOnce() -> Sight<T>) -> Sight<Rc<T>> {
        let slot = (TypeId::of::<T>(), key.to_string());
        if let Some((made, probes)) = self.memory.parsed.borrow().get(&slot) {
            self.memory.touched.borrow_mut().extend(probes.iter());
            return made.clone().map(|value| match value.downcast::<T>() {
                Ok(value) => value,
                Err(_) => unreachable!("a slot holds the type it is keyed by"),
            });
        }
        let before = std::mem::take(&mut *self.memory.touched.borrow_mut());
        let made = make().map(Rc::new);
        let probes: Rc<[usize]> = self.memory.touched.borrow().as_slice().into();
        self.memory.touched.borrow_mut().splice(0..0, before);
        if !matches!(made, Err(Unseen::Pending)) {
            let kept = made.clone().map(|value| value as Rc<dyn Any>);
            self.memory.parsed.borrow_mut().insert(slot, (kept, probes));
        }
        made
    }
}

/// All values, or the most telling reason why not: outstanding answers come first, so
/// that nothing is concluded from half of them.
fn together<T>(looks: Vec<Sight<T>>) -> Sight<Vec<T>> {
    if looks.iter().any(|look| matches!(look, Err(Unseen::Pending))) {
        return Err(Unseen::Pending);
    }
    looks.into_iter().collect()
}

/// The typed answer inside an observation.
fn unwrap<Q: Question>(probe: &Probe, answer: &Answer) -> Sight<Result<Q::Answer, Fault>> {
    match answer {
        Err(fault) => Ok(Err(fault.clone())),
        Ok(observation) => match Q::unwrap(observation) {
            Some(answer) => Ok(Ok(answer)),
            None => Err(Unseen::malformed(format!("the transport answered {probe} with something else"))),
        },
    }
}

/// A tuple of questions that are asked together.
pub trait Questions {
    /// The tuple of their answers.
    type Answers;
    /// Asks all of them before unwinding for any.
    fn ask(self, seen: &Seen<'_>) -> Sight<Self::Answers>;
}

macro_rules! questions_tuple {
    ($($name:ident $value:ident),+) => {
        impl<$($name: Question),+> Questions for ($($name,)+) {
            type Answers = ($($name::Answer,)+);
            fn ask(self, seen: &Seen<'_>) -> Sight<Self::Answers> {
                let ($($value,)+) = self;
                $(let $value = seen.get($value);)+
                if $(matches!($value, Err(Unseen::Pending)))||+ {
                    return Err(Unseen::Pending);
                }
                Ok(($($value?,)+))
            }
        }
    };
}

questions_tuple!(A a, B b);
questions_tuple!(A a, B b, C c);
questions_tuple!(A a, B b, C c, D d);
questions_tuple!(A a, B b, C c, D d, E e);
questions_tuple!(A a, B b, C c, D d, E e, F f);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Node;
    use crate::probe::Read;
    use crate::transport::scripted::Scripted;

    #[test]
    fn a_probe_has_the_same_words_however_they_are_put_together() {
        let path: std::sync::Arc<str> = "/etc/é".into();
        let probes: [Probe; 5] = [
            crate::probe::Stat { path: path.clone() }.into(),
            Read { path: path.clone() }.into(),
            crate::probe::List { path: path.clone() }.into(),
            crate::probe::Flags { path }.into(),
            Run::shell("echo").into(),
        ];
        for probe in probes {
            assert_eq!(probe.words(), probe.to_string());
        }
    }

    #[test]
    fn what_is_taken_is_given_up_and_asked_again_by_who_wants_it() {
        let large = Read { path: "/large".into() };
        let script = Rc::new(Scripted::new().with(large.clone(), Some((*b"content").into())));
        let node = Node::new("n", "scripted://", script.clone(), 0);
        let memory = node.memory().clone();
        let parse =
            || node.view(&memory).parsed("", || Ok(node.view(&memory).take(large.clone())?.map_or(0, |c| c.len())));
        assert_eq!(parse(), Err(Unseen::Pending));
        assert_eq!(node.ask(&[&memory]), 1);
        assert_eq!(parse(), Ok(Rc::new(7)));
        assert!(memory.answers.borrow().values().all(Option::is_none), "its content is still held");
        memory.forget_used();
        assert_eq!(parse(), Ok(Rc::new(7)), "what was made of it is kept");
        assert_eq!(memory.used(9), [Probe::from(large.clone()).to_string()], "it is still evidence");
        assert_eq!(script.rounds(), 1);
        assert_eq!(node.view(&memory).get(large.clone()), Err(Unseen::Pending));
        assert_eq!(node.ask(&[&memory]), 1);
        assert_eq!(node.view(&memory).get(large), Ok(Some((*b"content").into())));
    }
}
