//! Whoever watches a pipeline while it runs.

use super::file::Pipeline;
use super::stage::Done;
use crate::results::Live;

/// What happens to a stage.
pub enum News<'a> {
    /// It begins; what it does in words.
    Began(&'a str),
    /// Another attempt follows, after this many seconds, for this reason.
    Again {
        attempt: u32,
        seconds: u64,
        why: &'a str,
    },
    /// A line of output of its program, masked and cleaned.
    Line(&'a str),
    /// A word on how far it is.
    Progress(&'a str),
    /// Something happens on a node.
    Live(&'a Live),
    Ended(&'a Done),
}

/// Hears of everything at once, from any thread; it must not wait for anything.
pub trait Watcher: Send + Sync {
    fn news(&self, pipeline: &Pipeline, stage: usize, news: &News<'_>);
}
