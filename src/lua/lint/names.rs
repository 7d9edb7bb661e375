//! The names a control may use, asked of the sandbox itself.

use crate::error::Error;
use crate::lua::load::Libraries;
use crate::lua::plain_message;
use crate::lua::sandbox::Sandbox;
use crate::lua::session::{Limits, Session};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The libraries of Lua whose functions are looked up one by one.
pub const LUA_LIBRARIES: [&str; 4] = ["string", "table", "math", "utf8"];

/// The globals of the sandbox.
pub struct Names {
    sandbox: Sandbox,
    pub globals: BTreeSet<String>,
}

impl Names {
    /// Starts a sandbox to ask it.
    ///
    /// # Errors
    /// Lua does not start: there is no memory for it.
    pub fn ask() -> Result<Names, Error> {
        let session = Rc::new(Session::new(Limits::default()));
        let libraries = Libraries { files: Rc::default(), environment: Rc::new(RefCell::new(None)) };
        let sandbox = Sandbox::new(&session, libraries, Default::default(), Rc::new(|_, _| {}))
            .map_err(|error| Error::usage(format!("the Lua engine did not start: {}", plain_message(&error))))?;
        let globals = sandbox.names();
        Ok(Names { sandbox, globals })
    }

    /// Whether `library.name` is a function that is not there; false for what is no
    /// library of Lua.
    pub fn lacks(&self, library: &str, name: &str) -> bool {
        LUA_LIBRARIES.contains(&library) && !self.sandbox.has_member(library, name)
    }
}
