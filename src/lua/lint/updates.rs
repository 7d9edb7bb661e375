//! Variables that the bodies of a `for_each` share. The bodies run side by side: one that
//! reads such a variable, waits for the node and then sets it, undoes what the others have
//! set meanwhile - on a node that is not there at once, and on no other.
//!
//! Code is followed in the order Lua evaluates it in (a variable from outside is read where
//! it stands, left to right); both branches of an `if` are taken.

use super::finding::LOST_UPDATE;
use super::names::LUA_LIBRARIES;
use super::sheet::Sheet;
use super::tree::{Expr, Function, Gives, Key, Node, Spot, Stmt, Target};
use super::walk::Context;
use crate::lua::matcher::CATALOGUE;
use crate::resource;
use std::collections::BTreeMap;

/// Functions of the sandbox that run a function they are given.
const CALLERS: [&str; 4] = ["pcall", "xpcall", "for_each", "one_of_checks"];
/// Methods of texts.
const TEXT_METHODS: [&str; 14] = [
    "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "rep", "reverse", "sub",
    "upper",
];

/// The variables from outside that were read, and after how many waits the last time.
type Reads = BTreeMap<usize, usize>;

/// The body of a `for_each`, or of a `where` with a function, which is no other.
struct Body<'a, 's> {
    sheet: &'a mut Sheet<'s>,
    /// Locals with smaller numbers are shared by all bodies.
    first_local: usize,
    /// How often it may have waited for the node so far.
    waits: usize,
}

pub fn look(expr: &Expr, _: Context, sheet: &mut Sheet<'_>) {
    let Some((_, function)) = body_of(expr) else { return };
    let mut body = Body { sheet, first_local: function.first_local, waits: 0 };
    body.block(&function.body, &Reads::new());
}

/// The function that a call runs once for each element, and its place among the arguments.
fn body_of(expr: &Expr) -> Option<(usize, &Function)> {
    let (args, at) = match &expr.node {
        Node::Call { callee, args } if callee.global() == Some("for_each") => (args, 1),
        Node::Method { object, name, args, .. } if name == "where" && object.resource().is_some() => (args, 0),
        _ => return None,
    };
    match &args.list.get(at)?.inner().node {
        Node::Function(function) => Some((at, function)),
        _ => None,
    }
}

impl Body<'_, '_> {
    /// Follows statements that run because of what was read of `held`.
    fn block(&mut self, stmts: &[Stmt], held: &Reads) {
        for stmt in stmts {
            match stmt {
                Stmt::Assign { targets, values } => self.assignment(targets, values, held),
                Stmt::Call(call) => self.evaluate(call, &mut Reads::new()),
                Stmt::Local { values, .. } | Stmt::Return(values) => self.all(values, &mut Reads::new()),
                Stmt::Block(stmts) => self.block(stmts, held),
                Stmt::If { conditions, blocks } => self.branches(conditions, blocks, held),
                Stmt::For { over, body } => {
                    self.all(over, &mut Reads::new());
                    self.block(body, held);
                }
                Stmt::While { condition, body } => {
                    let mut held = held.clone();
                    self.evaluate(condition, &mut held);
                    self.block(body, &held);
                }
                Stmt::Break => {}
            }
        }
    }

    fn branches(&mut self, conditions: &[Expr], blocks: &[Vec<Stmt>], held: &Reads) {
        let mut held = held.clone();
        let mut most = self.waits;
        for (at, stmts) in blocks.iter().enumerate() {
            if let Some(condition) = conditions.get(at) {
                self.evaluate(condition, &mut held);
            }
            let before = self.waits;
            self.block(stmts, &held);
            most = most.max(self.waits);
            self.waits = before;
        }
        self.waits = most;
    }

    fn assignment(&mut self, targets: &[Target], values: &[Expr], held: &Reads) {
        let mut own = Reads::new();
        for target in targets {
            // The table itself stays the same one; its key is worked out before the value.
            if let Target::Part(part) = target {
                match &part.node {
                    Node::Field { object, .. } => self.evaluate(object, &mut Reads::new()),
                    Node::Index { object, key } => {
                        self.evaluate(object, &mut Reads::new());
                        self.evaluate(key, &mut own);
                    }
                    _ => {}
                }
            }
        }
        self.all(values, &mut own);
        for target in targets {
            match target {
                Target::Local(number, at) => {
                    self.judge(*number, *at, own.get(number).or_else(|| held.get(number)), false);
                }
                Target::Part(part) => {
                    if let Some(number) = table_of(part) {
                        self.judge(number, part.at, own.get(&number), true);
                    }
                }
                Target::Global(..) | Target::Unknown => {}
            }
        }
    }

    /// A variable, or a part of the table in it, is set that was read last after so many waits.
    fn judge(&mut self, number: usize, at: Spot, read: Option<&usize>, part: bool) {
        if number >= self.first_local || read.is_none_or(|read| *read == self.waits) {
            return;
        }
        let Some(name) = self.sheet.local(number).map(|local| local.name.clone()) else { return };
        let set = match part {
            true => format!("table.insert({name}, answer)"),
            false => format!("{name} = {name} or answer"),
        };
        self.sheet.find_with(
            &LOST_UPDATE,
            at,
            format!("{name} is read before the node answers and set after it: what other bodies set meanwhile is lost"),
            format!(
                "keep the answer in a local and read {name} after that, as in local answer = …; {set}; or choose with \
                 where and judge with any_element"
            ),
        );
    }

    fn all(&mut self, list: &[Expr], reads: &mut Reads) {
        list.iter().for_each(|expr| self.evaluate(expr, reads));
    }

    fn evaluate(&mut self, expr: &Expr, reads: &mut Reads) {
        match &expr.node {
            Node::Literal(_) | Node::Name { local: None, .. } => {}
            Node::Name { local: Some(number), .. } => {
                if *number < self.first_local {
                    reads.insert(*number, self.waits);
                }
            }
            Node::Field { object, .. } => self.evaluate(object, reads),
            Node::Index { object, key } => {
                self.evaluate(object, reads);
                self.evaluate(key, reads);
            }
            Node::Call { callee: called, args } | Node::Method { object: called, args, .. } => {
                self.evaluate(called, reads);
                // A body of its own has a look of its own.
                let body = body_of(expr).map(|(at, _)| at);
                for (at, arg) in args.list.iter().enumerate() {
                    if Some(at) != body {
                        self.evaluate(arg, reads);
                    }
                }
            }
            // When it runs is not known, only that nothing was read for it.
            Node::Function(function) => {
                let before = self.waits;
                self.block(&function.body, &Reads::new());
                self.waits = before;
            }
            Node::Table(items) => {
                for item in items {
                    if let Key::Computed(key) = &item.key {
                        self.evaluate(key, reads);
                    }
                    self.evaluate(&item.value, reads);
                }
            }
            Node::Paren(inner) => self.evaluate(inner, reads),
            Node::Operation { operands, .. } => self.all(operands, reads),
        }
        if self.may_wait(expr) {
            self.waits += 1;
        }
    }

    /// Whether the expression may wait for the node once its parts are there: it reads a
    /// resource, or calls what may do so.
    fn may_wait(&self, expr: &Expr) -> bool {
        let has_function = |list: &[Expr]| list.iter().any(|arg| matches!(arg.inner().node, Node::Function(_)));
        match &expr.node {
            Node::Field { object, .. } | Node::Index { object, .. } => object.resource().is_some(),
            Node::Method { object, name, args, .. } => match object.gives {
                Gives::Resource { .. } => name != "where" || body_of(expr).is_some(),
                Gives::Description(_) | Gives::Matcher => false,
                Gives::Unknown => !TEXT_METHODS.contains(&name.as_str()) || has_function(&args.list),
            },
            Node::Call { callee, args } => match &callee.inner().node {
                Node::Name { name, local: None } => {
                    let made = resource::find(name).is_some() || CATALOGUE.iter().any(|doc| doc.name == name);
                    let known = made || self.sheet.names.globals.contains(name);
                    !known || CALLERS.contains(&name.as_str())
                }
                Node::Field { object, .. } if object.global().is_some_and(|name| LUA_LIBRARIES.contains(&name)) => {
                    has_function(&args.list)
                }
                _ => true,
            },
            _ => false,
        }
    }
}

/// The local variable whose table, or a table in it, has this part.
fn table_of(part: &Expr) -> Option<usize> {
    match &part.inner().node {
        Node::Name { local, .. } => *local,
        Node::Field { object, .. } | Node::Index { object, .. } => table_of(object),
        _ => None,
    }
}
