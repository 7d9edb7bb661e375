//! Walks a tree and shows every part of it to every rule.

use super::sheet::Sheet;
use super::tree::{Args, Expr, Key, Node, Stmt, Target};
use super::{attributes, calls, controls, loops, matchers, names_used, resources, steps, updates};

/// When a piece of code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// While the file is loaded, before there is a node.
    Load,
    /// While a control runs.
    Run,
    /// Whenever its function is called.
    Called,
}

/// Where the walk is.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    pub phase: Phase,
    /// Inside a plain loop that runs through all its turns.
    pub looped: bool,
}

/// Rules that look at expressions.
const EXPRESSIONS: &[fn(&Expr, Context, &mut Sheet<'_>)] = &[
    names_used::look,
    attributes::look,
    controls::look,
    steps::look,
    resources::look,
    matchers::look,
    loops::look,
    calls::look,
    updates::look,
];

/// Rules that look at statements.
const STATEMENTS: &[fn(&Stmt, Context, &mut Sheet<'_>)] =
    &[names_used::statement, controls::statement, steps::statement];

/// Walks statements.
pub fn block(stmts: &[Stmt], context: Context, sheet: &mut Sheet<'_>) {
    for stmt in stmts {
        statement(stmt, context, sheet);
    }
}

fn statement(stmt: &Stmt, context: Context, sheet: &mut Sheet<'_>) {
    for rule in STATEMENTS {
        rule(stmt, context, sheet);
    }
    match stmt {
        Stmt::Call(call) => expression(call, context, sheet),
        Stmt::Local { values, .. } | Stmt::Return(values) => all(values, context, sheet),
        Stmt::Assign { targets, values } => {
            for target in targets {
                if let Target::Part(part) = target {
                    expression(part, context, sheet);
                }
            }
            all(values, context, sheet);
        }
        Stmt::Block(stmts) => block(stmts, context, sheet),
        Stmt::If { conditions, blocks } => {
            all(conditions, context, sheet);
            blocks.iter().for_each(|stmts| block(stmts, context, sheet));
        }
        Stmt::For { over, body } => {
            all(over, context, sheet);
            block(body, Context { looped: context.looped || !loops::ends_early(body), ..context }, sheet);
        }
        Stmt::While { condition, body } => {
            let context = Context { looped: context.looped || !loops::ends_early(body), ..context };
            expression(condition, context, sheet);
            block(body, context, sheet);
        }
        Stmt::Break => {}
    }
}

fn all(list: &[Expr], context: Context, sheet: &mut Sheet<'_>) {
    list.iter().for_each(|one| expression(one, context, sheet));
}

fn expression(expr: &Expr, context: Context, sheet: &mut Sheet<'_>) {
    for rule in EXPRESSIONS {
        rule(expr, context, sheet);
    }
    match &expr.node {
        Node::Literal(_) | Node::Name { .. } => {}
        Node::Field { object, .. } => expression(object, context, sheet),
        Node::Index { object, key } => {
            expression(object, context, sheet);
            expression(key, context, sheet);
        }
        Node::Call { callee, args } => {
            expression(callee, context, sheet);
            match controls::definition(expr) {
                Some(definition) => definition_table(definition.table, context, sheet),
                None => arguments(args, context, sheet),
            }
        }
        Node::Method { object, args, .. } => {
            expression(object, context, sheet);
            arguments(args, context, sheet);
        }
        Node::Function(function) => {
            let phase = if context.phase == Phase::Run { Phase::Run } else { Phase::Called };
            block(&function.body, Context { phase, looped: false }, sheet);
        }
        Node::Table(items) => {
            for item in items {
                if let Key::Computed(key) = &item.key {
                    expression(key, context, sheet);
                }
                expression(&item.value, context, sheet);
            }
        }
        Node::Paren(inner) => expression(inner, context, sheet),
        Node::Operation { operands, .. } => all(operands, context, sheet),
    }
}

fn arguments(args: &Args, context: Context, sheet: &mut Sheet<'_>) {
    all(&args.list, context, sheet);
}

/// The functions in the table of a control run with a node; the rest of it does not.
fn definition_table(table: &Expr, context: Context, sheet: &mut Sheet<'_>) {
    let Node::Table(items) = &table.node else { return expression(table, context, sheet) };
    for item in items {
        if let Key::Computed(key) = &item.key {
            expression(key, context, sheet);
        }
        match &item.value.node {
            Node::Function(function) => block(&function.body, Context { phase: Phase::Run, looped: false }, sheet),
            _ => expression(&item.value, context, sheet),
        }
    }
}
