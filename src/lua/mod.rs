//! Controls in Lua: the sandbox, the control language and the scheduler that runs all
//! controls of a profile as coroutines over one shared batch of probes.

mod bind;
mod control;
mod convert;
mod describe;
mod extent;
mod fault;
mod flow;
mod globals;
mod handle;
pub mod lint;
mod load;
pub mod matcher;
mod matchers;
pub mod pattern;
mod place;
mod record;
mod sandbox;
mod schedule;
mod session;
mod step;
mod strings;
mod verdict;

#[cfg(test)]
mod tests;

pub use control::{Control, Eventually};
pub use fault::{plain_message, refuse_syntax};
pub use sandbox::Print;
pub use session::Limits;

use crate::error::{Error, Place};
use crate::node::Node;
use crate::results::Outcome;
use crate::results::event::{ControlSummary, Step};
use crate::value::Value;
use indexmap::IndexMap;
use mlua::{Function, Lua};
use sandbox::Sandbox;
use session::{Phase, Session};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The Lua of a profile: paths relative to the profile, and texts.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `controls/**/*.lua`.
    pub controls: BTreeMap<Arc<str>, Arc<str>>,
    /// `libraries/**/*.lua`.
    pub libraries: BTreeMap<Arc<str>, Arc<str>>,
    /// `files/**`: what controls read with `profile_file`.
    pub files: ProfileFiles,
}

/// Data files of a profile by their paths: `files/allowed.txt`.
pub type ProfileFiles = BTreeMap<Arc<str>, Arc<[u8]>>;

/// A profile's controls, loaded into a Lua state of their own.
pub struct Engine {
    sandbox: Sandbox,
    session: Rc<Session>,
    controls: Vec<Control>,
}

/// What came of one control on one node.
#[derive(Debug, Clone)]
pub struct Finished {
    pub outcome: Outcome,
    pub reason: Option<Arc<str>>,
    pub steps: Vec<Step>,
    /// How often it was tried; more than 1 only for `eventually`.
    pub attempts: u32,
    pub started: jiff::Timestamp,
    /// Wall time from its first attempt, waiting for the node included.
    pub seconds: f64,
}

impl Engine {
    /// Loads every control file. Nothing is asked of any node. All errors are returned,
    /// not only the first: one broken file does not hide another.
    pub fn load(sources: &Sources, limits: Limits, print: Print) -> Result<Engine, Vec<Error>> {
        let session = Rc::new(Session::new(limits));
        let libraries =
            load::Libraries { files: Rc::new(sources.libraries.clone()), environment: Rc::new(RefCell::new(None)) };
        let environment = libraries.environment.clone();
        let broken =
            |error: mlua::Error| vec![Error::usage(format!("the Lua engine did not start: {}", plain_message(&error)))];
        let sandbox = Sandbox::new(&session, libraries, sources.files.clone(), print).map_err(broken)?;
        *environment.borrow_mut() = Some(sandbox.environment.clone());
        let mut engine = Engine { sandbox, session, controls: Vec::new() };
        let mut errors = Vec::new();
        for (path, text) in &sources.controls {
            if let Err(error) = engine.load_file(path, text) {
                errors.push(fault::load_error(&error, sources, path));
            }
            for (id, file, line) in load::undeclared(engine.lua()) {
                let place = Place::line(&*file, line);
                errors.push(
                    Error::usage(format!("control \"{id}\" has no table"))
                        .at(place)
                        .hint(format!("write control \"{id}\" {{ … }}")),
                );
            }
        }
        engine.controls = load::take_controls(engine.lua());
        engine.controls.shrink_to_fit();
        if errors.is_empty() {
            engine.sandbox.spare_memory();
            Ok(engine)
        } else {
            Err(errors)
        }
    }

    /// Runs the top level of one file.
    fn load_file(&self, path: &str, text: &Arc<str>) -> mlua::Result<()> {
        load::begin_file(self.lua(), text);
        let environment = self.sandbox.environment.call(())?;
        let body = load::compile(self.lua(), path, text, Some(environment))?;
        let thread = self.lua().create_thread(body)?;
        self.session.begin_turn(Phase::Load, self.session.limits.cpu);
        let ran = thread.resume::<()>(());
        let overrun = self.session.end_turn();
        match ran {
            _ if overrun => Err(mlua::Error::runtime(format!(
                "{path}:1: the file computed for more than {} s while it was loaded and was stopped",
                self.session.limits.cpu.as_secs_f64()
            ))),
            Err(error) => Err(error),
            Ok(()) if thread.status() == mlua::thread::ThreadStatus::Finished => Ok(()),
            Ok(()) => Err(mlua::Error::runtime(format!("{path}:1: the file waits for a node while it is loaded"))),
        }
    }

    /// The controls in the order of the profile: by file, then as written.
    pub fn controls(&self) -> &[Control] {
        &self.controls
    }

    /// What the profile says of its controls.
    pub fn summaries(&self) -> impl Iterator<Item = &Arc<ControlSummary>> {
        self.controls.iter().map(|control| &control.summary)
    }

    /// Takes over what another engine of the same profile says of its controls, so that a run
    /// over many nodes holds it once, and masks it once.
    pub fn share_summaries(&mut self, known: &[Arc<ControlSummary>]) {
        for (control, known) in self.controls.iter_mut().zip(known) {
            if control.summary.id == known.id && control.summary.code == known.code {
                control.summary = known.clone();
            }
        }
    }

    /// The values of `attributes`, and the texts that must stay out of command lines.
    pub fn set_attributes(&self, attributes: IndexMap<String, Value>, secrets: Vec<String>) {
        *self.session.attributes.borrow_mut() = attributes;
        *self.session.secrets.borrow_mut() = secrets;
    }

    /// Runs the controls with these numbers on `node`, and hands out each result in that
    /// order as soon as it and all before it are there. False: `stop` ended it early.
    pub fn run(
        &self,
        node: Rc<Node>,
        selected: &[usize],
        stop: &AtomicBool,
        emit: &mut dyn FnMut(usize, Finished),
    ) -> bool {
        schedule::Schedule::new(self, node, selected).run(stop, emit)
    }

    /// Bytes the Lua state holds.
    pub fn used_memory(&self) -> usize {
        self.lua().used_memory()
    }

    fn lua(&self) -> &Lua {
        &self.sandbox.lua
    }

    fn session(&self) -> &Session {
        &self.session
    }

    fn run_control(&self) -> &Function {
        &self.sandbox.run_control
    }

    /// An error of a control as a result with its place.
    fn explain(&self, error: &mlua::Error, control: &ControlSummary) -> Box<Step> {
        Box::new(fault::step(error, control))
    }
}
