//! The rules of the control language, each with a test that fails without it.

mod custom;
mod eventually;
mod flow;
mod node;
mod places;
mod rules;
mod runaways;

use super::{Engine, Finished, Limits, Sources};
use crate::error::Error;
use crate::node::Node;
use crate::results::Outcome;
use crate::transport::Transport;
use crate::transport::local::Local;
use crate::value::Value;
use indexmap::IndexMap;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Small limits, so that a runaway ends a test soon.
pub fn limits() -> Limits {
    Limits { cpu: Duration::from_millis(300), ..Limits::default() }
}

/// Loads one control file.
pub fn load(text: &str) -> Result<Engine, Vec<Error>> {
    load_with(text, &[])
}

/// Loads one control file and libraries by name.
pub fn load_with(text: &str, libraries: &[(&str, &str)]) -> Result<Engine, Vec<Error>> {
    let mut sources = Sources::default();
    sources.controls.insert("controls/t.lua".into(), text.into());
    for (name, text) in libraries {
        sources.libraries.insert(format!("libraries/{name}.lua").into(), (*text).into());
    }
    Engine::load(&sources, limits(), Rc::new(|_: Option<&str>, _: &str| {}))
}

/// Runs every control of an engine on a node behind `transport`.
pub fn run_on(engine: &Engine, transport: Rc<dyn Transport>) -> (Vec<Finished>, Rc<Node>) {
    let node = Rc::new(Node::new("n1", "test://", transport, 1_700_000_000));
    let selected: Vec<usize> = (0..engine.controls().len()).collect();
    let mut results = Vec::new();
    engine.run(node.clone(), &selected, &AtomicBool::new(false), &mut |_, finished| results.push(finished));
    assert_eq!(results.len(), selected.len(), "every control has a result");
    (results, node)
}

/// Runs every control of a file on this machine.
pub fn run(text: &str) -> Vec<Finished> {
    let engine = load(text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let attributes: IndexMap<String, Value> = [("limit".to_string(), Value::Int(4))].into_iter().collect();
    engine.set_attributes(attributes, vec!["s3cr3t!".to_string()]);
    run_on(&engine, Rc::new(Local::new())).0
}

/// Runs the body of a check.
pub fn check(body: &str) -> Finished {
    run(&format!("control \"t\" {{ check = function()\n{body}\nend }}")).remove(0)
}

/// The message of the one step that is not passed.
pub fn message(finished: &Finished) -> String {
    let bad: Vec<_> = finished.steps.iter().filter(|step| step.outcome != Outcome::Passed).collect();
    assert_eq!(bad.len(), 1, "{:#?}", finished.steps);
    bad[0].message.clone().unwrap_or_default()
}
