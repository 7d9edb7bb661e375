//! Matchers: what a control expects of a value, itself a value.
//!
//! A matcher is built from its arguments, says what it expects, and judges what was
//! found. It knows values and nothing else, so every rule is tested without Lua.
//!
//! A judgement has four outcomes inside: it holds, it does not hold, it *cannot hold*
//! (nothing was found, or a value of a type the matcher has no rule for), or the matcher
//! was misused. `no(m)` turns round the first two only, so that a missing value never
//! passes because somebody expected that it has *not* something.

mod build;
mod catalogue;
mod compare;
mod judge;
mod modes;
mod phrase;
mod requirement;
mod show;

#[cfg(test)]
mod tests;

pub use catalogue::{CATALOGUE, MatcherDoc};
pub use show::{bounded, show};

use crate::value::Value;
use requirement::Requirement;
use std::sync::Arc;

/// How deep matchers may be nested; more is refused when a matcher is built.
pub const DEPTH_CAP: u16 = 32;
/// How many matchers one matcher may consist of, each use counted.
pub const SIZE_CAP: u16 = 1000;
/// The most bytes the program of one regular expression may take.
pub const REGEX_CAP: usize = 1 << 20;

/// An argument of a matcher.
#[derive(Debug, Clone)]
pub enum Operand {
    Value(Value),
    Matcher(Arc<Matcher>),
}

/// What a matcher says of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// The value is not as expected; the detail says more than expected and found do.
    Fail {
        detail: Option<String>,
    },
    /// The matcher cannot be asked of such a value: the result is errored.
    Misuse(String),
}

/// An expectation of a value.
#[derive(Debug, Clone)]
pub struct Matcher {
    kind: Kind,
    depth: u16,
    size: u16,
}

#[derive(Debug, Clone)]
enum Kind {
    Equals(Value),
    Differs(Value),
    Loosely(Value),
    Ordered(Relation, Value),
    /// Boxed: with two values every matcher would be twice as large.
    Between(Box<(Value, Value)>),
    Matches(Pattern),
    Contains(Vec<Operand>),
    StartsWith(Value),
    EndsWith(Value),
    OneOf(Vec<Value>),
    Empty,
    Absent,
    HasKey(String),
    Length(Arc<Matcher>),
    Each(Arc<Matcher>),
    AnyElement(Arc<Matcher>),
    Version(Requirement),
    No(Arc<Matcher>),
    All(Vec<Arc<Matcher>>),
    Any(Vec<Arc<Matcher>>),
}

/// The four orderings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    AtMost,
    AtLeast,
    LessThan,
    GreaterThan,
}

/// A regular expression and how it was written.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    /// Shared: every clone of an expression itself would find its states anew.
    regex: Arc<regex::bytes::Regex>,
}

impl Matcher {
    /// Makes the matcher `name` from its arguments.
    ///
    /// # Errors
    /// What is wrong with the arguments, as a lowercase fragment: `at_most takes one
    /// number, mode or version, not a list`.
    pub fn build(name: &str, args: Vec<Operand>) -> Result<Matcher, String> {
        build::build(name, args)
    }

    /// What is expected, to be read after the name of a property: `is at most "0640"`.
    pub fn expectation(&self) -> String {
        phrase::phrase(&self.kind, true)
    }

    /// Judges a value.
    pub fn judge(&self, found: &Value) -> Verdict {
        match judge::judge(&self.kind, found) {
            judge::Judgement::Holds(_) => Verdict::Pass,
            judge::Judgement::Not(detail) => Verdict::Fail { detail },
            judge::Judgement::Cannot(detail) => Verdict::Fail { detail: Some(detail) },
            judge::Judgement::Misuse(message) => Verdict::Misuse(message),
        }
    }

    /// Whether a row with this value belongs to a selection such as `where { uid = … }`.
    ///
    /// Other than in a verdict, what is absent simply does not match, so that `no(m)`
    /// selects it: a row must not vanish from "all but these".
    ///
    /// # Errors
    /// The matcher cannot be asked of such a value: a misuse, or a value of another type.
    /// A selection that is silently empty would make what follows pass.
    pub fn selects(&self, found: &Value) -> Result<bool, String> {
        judge::selects(&self.kind, found)
    }
}
