//! Tries a resource on scripted observations, for unit tests.

use super::catalogue::Key;
use super::table::Rows;
use super::{Args, Entry, Instance, Shape};
use crate::node::{Node, Seen, Sight, Unseen};
use crate::probe::{Entry as Name, FileKind, List, Read};
use crate::transport::scripted::Scripted;
use crate::value::Value;
use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

/// One resource on one scripted node.
pub struct Trial {
    entry: &'static Entry,
    instance: Box<dyn Instance>,
    node: Node,
}

/// The arguments given by position, and those by name after them.
pub fn arguments(entry: &'static Entry, given: &[Value], named: &[(&str, Value)]) -> Result<Args, String> {
    let mut given = given.to_vec();
    if !named.is_empty() {
        given.push(Value::Map(named.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()));
    }
    Args::bind(entry.name, entry.args, given)
}

impl Trial {
    pub fn new(entry: &'static Entry, given: &[Value], named: &[(&str, Value)], scripted: Scripted) -> Trial {
        let instance = (entry.build)(&arguments(entry, given, named).unwrap()).unwrap();
        Trial { entry, instance, node: Node::new("n", "scripted://", Rc::new(scripted), 0) }
    }

    /// Asks until the answer is there.
    fn settle<T>(&self, look: impl Fn(&dyn Any, &Seen<'_>) -> Sight<T>) -> Sight<T> {
        loop {
            let seen = self.node.view(self.node.memory());
            match look(&*self.instance, &seen) {
                Err(Unseen::Pending) => assert!(self.node.ask(&[self.node.memory()]) > 0, "pending, but nothing asked"),
                settled => return settled,
            }
        }
    }

    /// A property by its name, or the value at a key.
    pub fn its(&self, name: &str) -> Sight<Value> {
        if let Some(property) = self.entry.properties.iter().find(|property| property.name == name) {
            return self.settle(property.get);
        }
        match &self.entry.shape {
            Shape::Open(open) => self.settle(|this, seen| open(this, seen, &[Key::Name(name.to_string())])),
            Shape::Table { .. } => {
                let column = |columns: &[super::Column]| {
                    columns.iter().find(|column| column.name == name).map(|column| column.field)
                };
                match &self.entry.shape {
                    Shape::Table { columns, .. } => {
                        let field = column(columns).unwrap_or_else(|| panic!("no column {name}"));
                        Ok(self.rows()?.column(field))
                    }
                    _ => unreachable!(),
                }
            }
            Shape::Fixed => panic!("no property {name}"),
        }
    }

    pub fn rows(&self) -> Sight<Rows> {
        match &self.entry.shape {
            Shape::Table { rows, .. } => self.settle(rows),
            _ => panic!("no table"),
        }
    }

    pub fn is(&self, name: &str, given: &[Value]) -> Sight<bool> {
        let predicate = self.entry.predicates.iter().find(|predicate| predicate.name == name).unwrap();
        let args = Args::bind(name, predicate.args, given.to_vec()).unwrap();
        self.settle(|this, seen| (predicate.get)(this, seen, &args))
    }

    pub fn call(&self, name: &str, given: &[Value]) -> Sight<Value> {
        let method = self.entry.methods.iter().find(|method| method.name == name).unwrap();
        let args = Args::bind(name, method.args, given.to_vec()).unwrap();
        self.settle(|this, seen| (method.get)(this, seen, &args))
    }

    pub fn exists(&self) -> Sight<bool> {
        loop {
            let seen = self.node.view(self.node.memory());
            match self.instance.exists(&seen) {
                Err(Unseen::Pending) => assert!(self.node.ask(&[self.node.memory()]) > 0),
                settled => return settled,
            }
        }
    }

    pub fn rounds(&self) -> usize {
        self.node.rounds()
    }
}

/// A node with these files, their directories listing exactly them, and nothing else: a
/// path in `absent` is known not to be there.
pub fn files(present: &[(&str, &str)], absent: &[&str]) -> Scripted {
    let mut scripted = Scripted::new();
    let mut directories: std::collections::BTreeMap<String, Vec<Name>> = Default::default();
    for (path, content) in present {
        scripted = scripted.with(Read { path: (*path).into() }, Some(content.as_bytes().into()));
        let (directory, name) = path.rsplit_once('/').unwrap();
        directories.entry(directory.to_string()).or_default().push(Name { name: name.into(), kind: FileKind::File });
    }
    for path in absent {
        scripted = scripted.with(Read { path: (*path).into() }, None).with(List { path: (*path).into() }, None);
    }
    for (directory, mut names) in directories {
        names.sort();
        scripted = scripted.with(List { path: directory.into() }, Some(Arc::from(names)));
    }
    scripted
}

/// The message of a fault.
pub fn fault<T: std::fmt::Debug>(sight: Sight<T>) -> String {
    match sight {
        Err(Unseen::Fault(fault)) => fault.message.to_string(),
        other => panic!("no fault but {other:?}"),
    }
}
