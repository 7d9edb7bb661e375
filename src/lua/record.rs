//! Recorded expectations, and how they are judged once the answers are there.

use super::handle::{Handle, dig};
use super::matcher::{Matcher, Verdict, show};
use crate::node::{Memory, Seen, Sight, Unseen};
use crate::resource::Args;
use crate::resource::catalogue::Key;
use crate::results::Outcome;
use crate::results::event::Step;
use crate::value::Value;
use std::borrow::Cow;
use std::rc::Rc;
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
    Value(Rc<Valued>),
}

/// A plain value with what sentences call it.
pub struct Valued {
    pub value: Value,
    pub title: String,
}

impl Subject {
    /// What sentences call it.
    pub fn title(&self) -> String {
        match self {
            Subject::Resource(handle) => handle.title(),
            Subject::Value(valued) => valued.title.clone(),
        }
    }
}

/// What is expected. The larger kinds are boxed: a large profile waits with many of these.
pub enum Check {
    Exists {
        negated: bool,
    },
    Is(Box<Predicate>),
    Its {
        path: Box<[Key]>,
        /// As it was written, where [`words_of`] would say it otherwise.
        words: Option<Box<str>>,
        matcher: Arc<Matcher>,
    },
    It {
        matcher: Arc<Matcher>,
    },
    /// What a custom resource said already, in words for yes and no.
    Told {
        holds: bool,
        words: Box<(String, String)>,
        negated: bool,
    },
}

/// A predicate with its arguments, and both in words.
pub struct Predicate {
    pub name: String,
    pub args: Args,
    pub words: String,
    pub negated: bool,
}

/// A path as sentences have it: `a.b.1`.
pub fn words_of(path: &[Key]) -> Cow<'_, str> {
    if let [Key::Name(name)] = path {
        return name.into();
    }
    let word = |key: &Key| match key {
        Key::Name(name) => name.clone(),
        Key::Index(index) => index.to_string(),
    };
    path.iter().map(word).collect::<Vec<_>>().join(".").into()
}

impl Recorded {
    /// The sentence that a report shows for this step.
    pub fn sentence(&self) -> String {
        self.sentence_of(&self.expected())
    }

    /// The sentence, once it is known what is expected.
    fn sentence_of(&self, expected: &str) -> String {
        let mut sentence = self.subject.title();
        // A property and what is expected: grown once.
        sentence.reserve(expected.len() + 32);
        if let Check::Its { path, words, .. } = &self.check {
            sentence.push(' ');
            sentence.push_str(&property_words(path, words));
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
            Subject::Value(_) => None,
        };
        let expected = self.expected();
        Ok(Step {
            outcome: judged.outcome,
            sentence: self.sentence_of(&expected),
            expected: Some(expected),
            found: judged.found,
            message: judged.message,
            traceback: None,
            resource: resource.map(Into::into),
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
            Check::Is(asked) => format!("is {}{}", if asked.negated { "not " } else { "" }, asked.words),
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
            (Check::Is(asked), Subject::Resource(handle)) => {
                let Some(said) = handle.predicate(seen, &asked.name, &asked.args) else {
                    return Err(Unseen::Misuse(handle.unknown(&asked.name)));
                };
                let said = said?;
                let found = format!("is {}{}", if said { "" } else { "not " }, asked.words);
                Ok(Judged::yes_or_no(said != asked.negated, found))
            }
            (Check::Its { path, words, matcher }, Subject::Resource(handle)) => {
                let Some(found) = handle.property(seen, path) else {
                    return Err(Unseen::Misuse(handle.unknown(&property_words(path, words))));
                };
                match_value(matcher, &found?)
            }
            (Check::Its { path, matcher, .. }, Subject::Value(valued)) => {
                match_value(matcher, &dig(valued.value.clone(), path))
            }
            (Check::It { matcher }, Subject::Value(valued)) => match_value(matcher, &valued.value),
            (Check::It { .. }, Subject::Resource(handle)) => Err(Unseen::Misuse(format!(
                ":it(…) judges a plain value; use :its(\"property\", …) with {}",
                handle.entry.name
            ))),
            (Check::Exists { .. } | Check::Is(_), Subject::Value(_)) => Err(Unseen::Misuse(
                "a plain value has no predicates; use :it(matcher) or describe a resource".to_string(),
            )),
        }
    }
}

/// What sentences call a property.
fn property_words<'a>(path: &'a [Key], written: &'a Option<Box<str>>) -> Cow<'a, str> {
    match written {
        Some(words) => (&**words).into(),
        None => words_of(path),
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
