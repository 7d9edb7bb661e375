//! Recorded expectations, and how they are judged once the answers are there.

use super::handle::{Handle, dig};
use super::matcher::{Matcher, Verdict, show};
use crate::node::{Memory, Seen, Sight, Unseen};
use crate::resource::Args;
use crate::resource::catalogue::Key;
use crate::results::Outcome;
use crate::results::event::Step;
use crate::value::Value;
use std::sync::Arc;

/// The most probes one result names as its evidence. Where there are more, those of the
/// resource itself are named: what is known of every node was asked before them.
const EVIDENCE: usize = 20;

/// One thing in the list of what a control recorded.
pub enum Item {
    Step(Recorded),
    /// What the body of a `for_each` recorded: the number of its list.
    List(usize),
    /// `one_of_checks`: it holds when all of one of these lists holds.
    Alternatives {
        lists: Vec<usize>,
        file: Arc<str>,
        line: usize,
    },
    /// Judged already.
    Judged(Box<Step>),
}

/// An expectation that has not been judged yet.
pub struct Recorded {
    pub subject: Subject,
    pub check: Check,
    pub file: Arc<str>,
    pub line: usize,
}

/// What an expectation is about.
#[derive(Clone)]
pub enum Subject {
    Resource(Handle),
    /// A plain value with what sentences call it.
    Value(Value, Arc<str>),
}

impl Subject {
    /// What sentences call it.
    pub fn title(&self) -> String {
        match self {
            Subject::Resource(handle) => handle.title(),
            Subject::Value(_, title) => title.to_string(),
        }
    }
}

/// What is expected.
pub enum Check {
    Exists {
        negated: bool,
    },
    Is {
        predicate: String,
        args: Args,
        words: String,
        negated: bool,
    },
    Its {
        path: Vec<Key>,
        words: String,
        matcher: Arc<Matcher>,
    },
    It {
        matcher: Arc<Matcher>,
    },
    /// What a custom resource said already, in words for yes and no.
    Told {
        holds: bool,
        words: (String, String),
        negated: bool,
    },
}

impl Recorded {
    /// The sentence that a report shows for this step.
    pub fn sentence(&self) -> String {
        self.sentence_of(&self.expected())
    }

    /// The sentence, once it is known what is expected.
    fn sentence_of(&self, expected: &str) -> String {
        let mut sentence = self.subject.title();
        if let Check::Its { words, .. } = &self.check {
            sentence.push(' ');
            sentence.push_str(words);
        }
        sentence.push(' ');
        sentence.push_str(expected);
        sentence
    }

    /// Judges the step; unwinds while answers are outstanding.
    pub fn judge(&self, seen: &Seen<'_>, memory: &Memory) -> Sight<Step> {
        memory.forget_used();
        let judged = match self.look(seen) {
            Ok(judged) => judged,
            Err(Unseen::Pending) => return Err(Unseen::Pending),
            Err(Unseen::Missing(title)) => Judged {
                outcome: Outcome::Failed,
                found: Some("does not exist".to_string()),
                message: Some(format!("{title} does not exist")),
            },
            Err(Unseen::Fault(fault)) => {
                Judged { outcome: Outcome::Errored, found: None, message: Some(fault.message.to_string()) }
            }
            Err(Unseen::Misuse(message)) => Judged { outcome: Outcome::Errored, found: None, message: Some(message) },
        };
        let resource = match &self.subject {
            Subject::Resource(handle) => Some(handle.entry.name),
            Subject::Value(..) => None,
        };
        let expected = self.expected();
        Ok(Step {
            outcome: judged.outcome,
            sentence: self.sentence_of(&expected),
            expected: Some(expected),
            found: judged.found,
            message: judged.message,
            traceback: None,
            resource,
            file: self.file.clone(),
            line: self.line,
            evidence: memory.used(EVIDENCE),
        })
    }

    /// The step when what it is about could not be looked at.
    pub fn errored(&self, message: String) -> Step {
        let expected = self.expected();
        let mut step = remark(Outcome::Errored, &self.sentence_of(&expected), message, &self.file, self.line);
        step.expected = Some(expected);
        step
    }

    fn expected(&self) -> String {
        match &self.check {
            Check::Exists { negated: false } => "exists".to_string(),
            Check::Exists { negated: true } => "does not exist".to_string(),
            Check::Is { words, negated, .. } => format!("is {}{words}", if *negated { "not " } else { "" }),
            Check::Its { matcher, .. } | Check::It { matcher } => matcher.expectation(),
            Check::Told { words, negated, .. } => if *negated { &words.1 } else { &words.0 }.clone(),
        }
    }

    fn look(&self, seen: &Seen<'_>) -> Sight<Judged> {
        match (&self.check, &self.subject) {
            (Check::Told { holds, words, negated }, _) => {
                let found = if *holds { &words.0 } else { &words.1 };
                Ok(Judged::yes_or_no(holds != negated, found.clone()))
            }
            (Check::Exists { negated }, Subject::Resource(handle)) => {
                let exists = handle.exists(seen)?;
                let found = if exists { "exists" } else { "does not exist" };
                Ok(Judged::yes_or_no(exists != *negated, found.to_string()))
            }
            (Check::Is { predicate, args, words, negated }, Subject::Resource(handle)) => {
                let Some(said) = handle.predicate(seen, predicate, args) else {
                    return Err(Unseen::Misuse(handle.unknown(predicate)));
                };
                let said = said?;
                let found = format!("is {}{words}", if said { "" } else { "not " });
                Ok(Judged::yes_or_no(said != *negated, found))
            }
            (Check::Its { path, words, matcher }, Subject::Resource(handle)) => {
                let Some(found) = handle.property(seen, path) else {
                    return Err(Unseen::Misuse(handle.unknown(words)));
                };
                match_value(matcher, &found?)
            }
            (Check::Its { path, matcher, .. }, Subject::Value(value, _)) => {
                match_value(matcher, &dig(value.clone(), path))
            }
            (Check::It { matcher }, Subject::Value(value, _)) => match_value(matcher, value),
            (Check::It { .. }, Subject::Resource(handle)) => Err(Unseen::Misuse(format!(
                ":it(…) judges a plain value; use :its(\"property\", …) with {}",
                handle.entry.name
            ))),
            (Check::Exists { .. } | Check::Is { .. }, Subject::Value(..)) => Err(Unseen::Misuse(
                "a plain value has no predicates; use :it(matcher) or describe a resource".to_string(),
            )),
        }
    }
}

fn match_value(matcher: &Matcher, found: &Value) -> Sight<Judged> {
    let (outcome, message) = match matcher.judge(found) {
        Verdict::Pass => (Outcome::Passed, None),
        Verdict::Fail { detail } => (Outcome::Failed, detail),
        Verdict::Misuse(message) => return Err(Unseen::Misuse(message)),
    };
    Ok(Judged { outcome, found: Some(show(found)), message })
}

struct Judged {
    outcome: Outcome,
    found: Option<String>,
    message: Option<String>,
}

impl Judged {
    fn yes_or_no(holds: bool, found: String) -> Judged {
        let outcome = if holds { Outcome::Passed } else { Outcome::Failed };
        Judged { outcome, found: Some(found), message: None }
    }
}

/// A step for what ended a control early: an error, a skip, a pass without a check.
pub fn remark(outcome: Outcome, sentence: &str, message: impl Into<String>, file: &Arc<str>, line: usize) -> Step {
    Step {
        outcome,
        sentence: sentence.to_string(),
        expected: None,
        found: None,
        message: Some(message.into()),
        traceback: None,
        resource: None,
        file: file.clone(),
        line,
        evidence: Vec::new(),
    }
}
