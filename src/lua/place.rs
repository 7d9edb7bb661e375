//! Where in the profile's own code something is called.

use mlua::{Lua, debug::Debug};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// The most frames of the engine between a callback and the profile's code.
const FRAMES: usize = 8;

/// A line of a file of the profile.
#[derive(Debug, Clone)]
pub struct Place {
    pub file: Arc<str>,
    /// Counts from 1; 0: not known.
    pub line: usize,
}

/// As Lua begins its messages: `controls/x.lua:12: `; nothing where the place is not known.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => Ok(()),
            line => write!(f, "{}:{line}: ", self.file),
        }
    }
}

impl Place {
    /// A place that is not known.
    pub fn unknown() -> Place {
        Place { file: "".into(), line: 0 }
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn read(text: &str) -> Place {
        let read = || {
            let (file, line) = text.strip_suffix(": ")?.rsplit_once(':')?;
            Some(Place { file: shared(file), line: line.parse().ok()? })
        };
        read().unwrap_or_else(Place::unknown)
    }
}

thread_local! {
    /// The name of the last place: most steps of a run are in the same file.
    static LAST: RefCell<Arc<str>> = RefCell::new("".into());
}

/// One name for all steps of a file.
fn shared(file: &str) -> Arc<str> {
    LAST.with_borrow_mut(|last| {
        if **last != *file {
            *last = file.into();
        }
        last.clone()
    })
}

fn of_frame(frame: &Debug<'_>) -> Option<Place> {
    let source = frame.source().source?;
    let file = source.strip_prefix('@')?;
    Some(Place { file: shared(file), line: frame.current_line()? })
}

/// The line of the profile that is calling, the engine's own frames skipped.
pub fn caller(lua: &Lua) -> Place {
    for level in 1..FRAMES {
        match lua.inspect_stack(level, of_frame) {
            Some(Some(place)) => return place,
            Some(None) => {}
            None => break,
        }
    }
    Place::unknown()
}

/// The same for what the engine's Lua calls: in `return for_each(…)` the frame of the
/// caller is gone, and the place where the name was looked up stands for it.
pub fn caller_or(lua: &Lua, looked_up: Place) -> Place {
    match lua.inspect_stack(1, |frame| frame.is_tail_call()) {
        Some(true) => looked_up,
        _ => caller(lua),
    }
}

/// An error with the place of the profile that is calling.
pub fn raise(lua: &Lua, message: impl fmt::Display) -> mlua::Error {
    raise_at(&caller(lua), message)
}

/// An error with a place.
pub fn raise_at(place: &Place, message: impl fmt::Display) -> mlua::Error {
    mlua::Error::runtime(format!("{place}{message}"))
}
