//! A Lua file as the rules see it: an expression tree whose names are bound to their
//! locals and whose expressions know whether they give a resource, a description or a
//! matcher.

use crate::resource::Entry;
use crate::value::Value;
use std::collections::BTreeSet;

/// A character of the file; line and column count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spot {
    pub line: usize,
    pub column: usize,
}

/// One file.
pub struct Tree {
    pub body: Vec<Stmt>,
    /// Every local variable and parameter.
    pub locals: Vec<Local>,
    /// Names the file itself sets as globals.
    pub sets: BTreeSet<String>,
}

/// A local variable or parameter.
pub struct Local {
    pub name: String,
    /// How often it is read.
    pub reads: usize,
    /// What it holds, up to its first assignment.
    pub gives: Gives,
    /// Declared inside a plain loop of its function.
    pub in_loop: bool,
}

/// What an expression gives, as far as it can be told without running it.
#[derive(Clone, Copy)]
pub enum Gives {
    /// Anything.
    Unknown,
    /// A resource; constant: all its arguments are literals.
    Resource {
        entry: &'static Entry,
        constant: bool,
    },
    /// What `describe` gives, of a resource where that is known.
    Description(Option<&'static Entry>),
    Matcher,
}

pub struct Expr {
    /// Its first token.
    pub at: Spot,
    /// Where its last token ends.
    pub end: Spot,
    pub node: Node,
    pub gives: Gives,
}

pub enum Node {
    /// Nil, a boolean, a number or a string.
    Literal(Value),
    /// A variable: a local by its number, or else a global.
    Name {
        name: String,
        local: Option<usize>,
    },
    /// `object.name` or `object["name"]`.
    Field {
        object: Box<Expr>,
        name: String,
        name_at: Spot,
    },
    /// `object[key]`.
    Index {
        object: Box<Expr>,
        key: Box<Expr>,
    },
    Call {
        callee: Box<Expr>,
        args: Args,
    },
    /// `object:name(args)`.
    Method {
        object: Box<Expr>,
        name: String,
        name_at: Spot,
        args: Args,
    },
    Function(Function),
    Table(Vec<Item>),
    Paren(Box<Expr>),
    /// Operands of operators that lean to the left, flat because there may be very many.
    /// `compares`: the first two are compared with each other.
    Operation {
        operands: Vec<Expr>,
        compares: bool,
    },
}

/// What a call is given.
pub struct Args {
    pub list: Vec<Expr>,
    /// Where an opening parenthesis stands; `None` for `f "text"` and `f { … }`.
    pub parenthesis: Option<Spot>,
}

/// A function, wherever it is written.
pub struct Function {
    pub body: Vec<Stmt>,
    /// Locals with smaller numbers are declared outside of it.
    pub first_local: usize,
}

/// One entry of a table.
pub struct Item {
    pub key: Key,
    pub value: Expr,
}

pub enum Key {
    /// The next number.
    Next,
    Name(String, Spot),
    Computed(Expr),
}

pub enum Stmt {
    /// A call on its own.
    Call(Expr),
    /// `local a, b = …`, and `local function`; the locals by their numbers.
    Local {
        names: Vec<usize>,
        values: Vec<Expr>,
    },
    Assign {
        targets: Vec<Target>,
        values: Vec<Expr>,
    },
    Block(Vec<Stmt>),
    If {
        conditions: Vec<Expr>,
        blocks: Vec<Vec<Stmt>>,
    },
    For {
        over: Vec<Expr>,
        body: Vec<Stmt>,
    },
    /// `while` and `repeat`.
    While {
        condition: Expr,
        body: Vec<Stmt>,
    },
    Return(Vec<Expr>),
    Break,
}

pub enum Target {
    Global(String, Spot),
    /// A local variable by its number.
    Local(usize, Spot),
    Part(Expr),
    Unknown,
}

impl Expr {
    /// The name of the global this is.
    pub fn global(&self) -> Option<&str> {
        match &self.node {
            Node::Name { name, local: None } => Some(name),
            _ => None,
        }
    }

    /// The text of a string literal.
    pub fn text(&self) -> Option<&str> {
        match &self.node {
            Node::Literal(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether this gives a matcher.
    pub fn is_matcher(&self) -> bool {
        matches!(self.gives, Gives::Matcher)
    }

    /// The resource this gives.
    pub fn resource(&self) -> Option<&'static Entry> {
        match self.gives {
            Gives::Resource { entry, .. } => Some(entry),
            _ => None,
        }
    }

    /// What lies inside parentheses.
    pub fn inner(&self) -> &Expr {
        match &self.node {
            Node::Paren(inner) => inner.inner(),
            _ => self,
        }
    }

    /// The value, where the expression is made of literals alone.
    pub fn value(&self) -> Option<Value> {
        match &self.inner().node {
            Node::Literal(value) => Some(value.clone()),
            Node::Table(items) => table(items),
            _ => None,
        }
    }
}

/// A table of literals, as the engine turns it into a value: a list or a map by name.
fn table(items: &[Item]) -> Option<Value> {
    if items.iter().all(|item| matches!(item.key, Key::Next)) {
        return items.iter().map(|item| item.value.value()).collect::<Option<Vec<_>>>().map(Value::List);
    }
    let mut pairs = Vec::new();
    for item in items {
        let Key::Name(name, _) = &item.key else { return None };
        pairs.push((name.clone(), item.value.value()?));
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Some(Value::Map(pairs.into_iter().collect()))
}
