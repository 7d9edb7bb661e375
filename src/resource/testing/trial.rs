//! One resource against a scripted node, as a control would use it: what the unit tests of
//! the resources are written in.

use crate::node::{Node, Seen, Sight, Unseen};
use crate::resource::{Args, Entry, Instance, Rows, Shape, find};
use crate::transport::scripted::Scripted;
use crate::value::Value;
use std::any::Any;
use std::rc::Rc;

/// The clock of every trial: 2024-03-01 12:00:00 UTC, day 19783.
pub const NOW: i64 = 1_709_294_400;

/// A resource built with arguments, and the node it looks at.
pub struct Trial {
    entry: &'static Entry,
    instance: Rc<dyn Instance>,
    node: Node,
}

impl Trial {
    /// Builds a resource from arguments by position and by name; the test fails where they
    /// are refused.
    pub fn new(entry: &'static Entry, given: &[Value], named: &[(&str, Value)], node: Scripted) -> Trial {
        Trial::with(entry, arguments(entry, given, named).unwrap(), node).unwrap()
    }

    /// Builds the resource `name`; the test fails where its arguments are refused.
    pub fn of(name: &str, args: impl AsRef<[Value]>, node: Scripted) -> Trial {
        Trial::try_of(name, args, node).unwrap()
    }

    /// Builds the resource `name`, or gives the message of the misuse.
    pub fn try_of(name: &str, args: impl AsRef<[Value]>, node: Scripted) -> Result<Trial, String> {
        let entry = find(name).unwrap_or_else(|| panic!("there is no resource {name}"));
        Trial::with(entry, Args::bind(name, entry.args, args.as_ref().to_vec())?, node)
    }

    fn with(entry: &'static Entry, args: Args, node: Scripted) -> Result<Trial, String> {
        let instance = (entry.build)(&args)?;
        Ok(Trial { entry, instance, node: Node::new("node", "scripted://", Rc::new(node), NOW) })
    }

    /// What a property or a column is in the end, after as many rounds as it takes.
    pub fn its(&self, name: &str) -> Sight<Value> {
        if let Some(property) = self.entry.properties.iter().find(|property| property.name == name) {
            return self.settle(|this, seen| (property.get)(this, seen));
        }
        match &self.entry.shape {
            Shape::Table { columns, .. } => {
                let column = columns.iter().find(|column| column.name == name);
                let column = column.unwrap_or_else(|| panic!("{} has no property {name}", self.entry.name));
                self.rows().map(|rows| rows.column(column.field))
            }
            Shape::Open(get) => {
                self.settle(|this, seen| get(this, seen, &[crate::resource::catalogue::Key::Name(name.into())]))
            }
            Shape::Fixed => panic!("{} has no property {name}", self.entry.name),
        }
    }

    /// The rows of a table.
    pub fn rows(&self) -> Sight<Rows> {
        let Shape::Table { rows, .. } = &self.entry.shape else { panic!("{} is no table", self.entry.name) };
        self.settle(rows)
    }

    /// The answer of a predicate.
    pub fn is(&self, name: &str, args: impl AsRef<[Value]>) -> Sight<bool> {
        let predicate = self.entry.predicates.iter().find(|predicate| predicate.name == name);
        let predicate = predicate.unwrap_or_else(|| panic!("{} has no predicate {name}", self.entry.name));
        let args = Args::bind(name, predicate.args, args.as_ref().to_vec()).map_err(Unseen::Misuse)?;
        self.settle(|this, seen| (predicate.get)(this, seen, &args))
    }

    /// The value of a method.
    pub fn call(&self, name: &str, args: impl AsRef<[Value]>) -> Sight<Value> {
        let method = self.entry.methods.iter().find(|method| method.name == name);
        let method = method.unwrap_or_else(|| panic!("{} has no method {name}", self.entry.name));
        let args = Args::bind(name, method.args, args.as_ref().to_vec()).map_err(Unseen::Misuse)?;
        self.settle(|this, seen| (method.get)(this, seen, &args))
    }

    /// Whether the thing exists.
    pub fn exists(&self) -> Sight<bool> {
        self.settle(|_, seen| self.instance.exists(seen))
    }

    /// The name in sentences.
    pub fn title(&self) -> String {
        self.instance.title()
    }

    /// Round trips so far: the depth of what was looked at.
    pub fn rounds(&self) -> usize {
        self.node.rounds()
    }

    /// Looks again and again, one round between, until nothing is outstanding.
    fn settle<T>(&self, look: impl Fn(&dyn Any, &Seen<'_>) -> Sight<T>) -> Sight<T> {
        let memory = self.node.memory().clone();
        for _ in 0..20 {
            let sight = look(&*self.instance, &self.node.view(&memory));
            // What was asked along with an answer goes out too, as in a run.
            let asked = self.node.ask(&[&memory]);
            match sight {
                Err(Unseen::Pending) => assert!(asked > 0, "{} waits for nothing", self.title()),
                settled => return settled,
            }
        }
        panic!("{} never settles", self.title());
    }
}

/// The arguments given by position, and those by name after them.
pub fn arguments(entry: &'static Entry, given: &[Value], named: &[(&str, Value)]) -> Result<Args, String> {
    let mut given = given.to_vec();
    if !named.is_empty() {
        given.push(Value::Map(named.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()));
    }
    Args::bind(entry.name, entry.args, given)
}

/// Arguments by name, as the table at the end of a call gives them.
pub fn named<const N: usize>(args: [(&str, Value); N]) -> Value {
    Value::Map(args.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

/// The message of a fault; the test fails on anything else.
pub fn fault<T: std::fmt::Debug>(sight: Sight<T>) -> String {
    match sight {
        Err(Unseen::Fault(fault)) => fault.message.to_string(),
        other => panic!("not a fault: {other:?}"),
    }
}

/// What is missing; the test fails on anything else.
pub fn missing<T: std::fmt::Debug>(sight: Sight<T>) -> String {
    match sight {
        Err(Unseen::Missing(what)) => what,
        other => panic!("not missing: {other:?}"),
    }
}
