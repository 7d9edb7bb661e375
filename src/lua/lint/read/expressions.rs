//! Expressions, and what they give.

use super::{Reader, end, start, word};
use crate::lua::describe::STEPS;
use crate::lua::lint::tree::{Args, Expr, Gives, Item, Key, Node, Spot};
use crate::lua::matcher::CATALOGUE;
use crate::resource::{self, Shape};
use crate::value::Value;
use full_moon::ast::{self, BinOp, Call, Expression, FunctionArgs, Index, Prefix, Suffix, Var};
use full_moon::tokenizer::{Symbol, TokenReference, TokenType};

impl Reader<'_> {
    pub(super) fn expr(&mut self, expression: &Expression) -> Expr {
        match expression {
            Expression::BinaryOperator { .. } => self.operation(expression),
            Expression::UnaryOperator { unop, expression } => {
                let at = start(unop.token());
                let operand = self.expr(expression);
                let end = operand.end;
                let node = match (unop, &operand.node) {
                    (ast::UnOp::Minus(_), Node::Literal(Value::Int(number))) => {
                        Node::Literal(Value::Int(number.wrapping_neg()))
                    }
                    (ast::UnOp::Minus(_), Node::Literal(Value::Float(number))) => Node::Literal(Value::Float(-number)),
                    _ => Node::Operation { operands: vec![operand], compares: false },
                };
                Expr { at, end, node, gives: Gives::Unknown }
            }
            Expression::Parentheses { contained, expression } => self.paren(contained, expression),
            Expression::Function(function) => self.function(start(function.function_token()), function.body(), false),
            Expression::FunctionCall(call) => self.chain(call.prefix(), call.suffixes()),
            Expression::TableConstructor(table) => self.table(table),
            Expression::Number(token) | Expression::String(token) | Expression::Symbol(token) => self.literal(token),
            Expression::Var(Var::Name(token)) => self.name(token),
            Expression::Var(Var::Expression(chain)) => self.chain(chain.prefix(), chain.suffixes()),
            _ => unknown(),
        }
    }

    fn operation(&mut self, expression: &Expression) -> Expr {
        let mut first = expression;
        let mut right = Vec::new();
        // The left spine of `a + b + c + …` may be as long as the file: no recursion.
        while let Expression::BinaryOperator { lhs, binop, rhs } = first {
            right.push((binop, &**rhs));
            first = lhs;
        }
        let compares = right.last().is_some_and(|(operator, _)| compares(operator));
        let mut operands = vec![self.expr(first)];
        operands.extend(right.into_iter().rev().map(|(_, operand)| self.expr(operand)));
        let (at, end) = (operands[0].at, operands[operands.len() - 1].end);
        Expr { at, end, node: Node::Operation { operands, compares }, gives: Gives::Unknown }
    }

    fn paren(&mut self, contained: &ast::span::ContainedSpan, expression: &Expression) -> Expr {
        let (open, close) = contained.tokens();
        let inner = self.expr(expression);
        let gives = inner.gives;
        Expr { at: start(open), end: end(close), node: Node::Paren(Box::new(inner)), gives }
    }

    fn literal(&mut self, token: &TokenReference) -> Expr {
        let value = match token.token().token_type() {
            TokenType::Symbol { symbol: Symbol::Nil } => Some(Value::Nil),
            TokenType::Symbol { symbol: Symbol::True } => Some(Value::Bool(true)),
            TokenType::Symbol { symbol: Symbol::False } => Some(Value::Bool(false)),
            // Lua itself knows best what its escapes and numbers mean.
            TokenType::Number { .. } | TokenType::StringLiteral { .. } => {
                let value = self.lua.load(format!("return {}", word(token))).eval::<mlua::Value>().ok();
                value.and_then(|value| crate::lua::convert::from_lua(&value).ok())
            }
            _ => None,
        };
        let node = value.map_or_else(|| unknown().node, Node::Literal);
        Expr { at: start(token), end: end(token), node, gives: Gives::Unknown }
    }

    pub(super) fn name(&mut self, token: &TokenReference) -> Expr {
        let name = word(token);
        let local = self.find(&name);
        let gives = match local {
            Some(number) => {
                self.locals[number].reads += 1;
                self.locals[number].gives
            }
            None if CATALOGUE.iter().any(|doc| doc.bare && doc.name == name) => Gives::Matcher,
            None => Gives::Unknown,
        };
        Expr { at: start(token), end: end(token), node: Node::Name { name, local }, gives }
    }

    fn table(&mut self, table: &ast::TableConstructor) -> Expr {
        let (open, close) = table.braces().tokens();
        let mut items = Vec::new();
        for field in table.fields() {
            items.push(match field {
                ast::Field::NameKey { key, value, .. } => {
                    Item { key: Key::Name(word(key), start(key)), value: self.expr(value) }
                }
                ast::Field::ExpressionKey { key, value, .. } => {
                    let key = self.expr(key);
                    let key = match key.text() {
                        Some(text) => Key::Name(text.to_string(), key.at),
                        None => Key::Computed(key),
                    };
                    Item { key, value: self.expr(value) }
                }
                ast::Field::NoKey(value) => Item { key: Key::Next, value: self.expr(value) },
                _ => continue,
            });
        }
        Expr { at: start(open), end: end(close), node: Node::Table(items), gives: Gives::Unknown }
    }

    pub(super) fn chain<'s>(&mut self, prefix: &Prefix, suffixes: impl Iterator<Item = &'s Suffix>) -> Expr {
        let mut chain = match prefix {
            Prefix::Name(token) => self.name(token),
            Prefix::Expression(expression) => self.expr(expression),
            _ => return unknown(),
        };
        for suffix in suffixes {
            chain = self.suffix(chain, suffix);
        }
        chain
    }

    fn suffix(&mut self, object: Expr, suffix: &Suffix) -> Expr {
        let at = object.at;
        match suffix {
            Suffix::Index(Index::Dot { name, .. }) => {
                let node = Node::Field { object: Box::new(object), name: word(name), name_at: start(name) };
                Expr { at, end: end(name), node, gives: Gives::Unknown }
            }
            Suffix::Index(Index::Brackets { brackets, expression }) => {
                let key = self.expr(expression);
                let node = match key.text() {
                    Some(text) => Node::Field { object: Box::new(object), name: text.to_string(), name_at: key.at },
                    None => Node::Index { object: Box::new(object), key: Box::new(key) },
                };
                Expr { at, end: end(brackets.tokens().1), node, gives: Gives::Unknown }
            }
            Suffix::Call(Call::AnonymousCall(args)) => {
                let (args, end) = self.args(args);
                let gives = called(&object, &args);
                Expr { at, end, node: Node::Call { callee: Box::new(object), args }, gives }
            }
            Suffix::Call(Call::MethodCall(call)) => {
                let (args, end) = self.args(call.args());
                let (name, name_at) = (word(call.name()), start(call.name()));
                let gives = answered(&object, &name, &args);
                Expr { at, end, node: Node::Method { object: Box::new(object), name, name_at, args }, gives }
            }
            _ => object,
        }
    }

    fn args(&mut self, args: &FunctionArgs) -> (Args, Spot) {
        match args {
            FunctionArgs::Parentheses { parentheses, arguments } => {
                let (open, close) = parentheses.tokens();
                (Args { list: self.list(arguments), parenthesis: Some(start(open)) }, end(close))
            }
            FunctionArgs::String(token) => {
                let text = self.literal(token);
                let end = text.end;
                (Args { list: vec![text], parenthesis: None }, end)
            }
            FunctionArgs::TableConstructor(table) => {
                let table = self.table(table);
                let end = table.end;
                (Args { list: vec![table], parenthesis: None }, end)
            }
            _ => (Args { list: Vec::new(), parenthesis: None }, Spot::default()),
        }
    }
}

fn compares(operator: &BinOp) -> bool {
    matches!(
        operator,
        BinOp::TwoEqual(_)
            | BinOp::TildeEqual(_)
            | BinOp::LessThan(_)
            | BinOp::LessThanEqual(_)
            | BinOp::GreaterThan(_)
            | BinOp::GreaterThanEqual(_)
    )
}

/// An expression no rule has anything to say about, such as `...`.
fn unknown() -> Expr {
    let nowhere = Spot::default();
    let node = Node::Operation { operands: Vec::new(), compares: false };
    Expr { at: nowhere, end: nowhere, node, gives: Gives::Unknown }
}

fn all_literal(args: &Args) -> bool {
    args.list.iter().all(|arg| arg.value().is_some())
}

/// What a call of a global gives.
fn called(callee: &Expr, args: &Args) -> Gives {
    let Some(name) = callee.global() else { return Gives::Unknown };
    if name == "describe" {
        return Gives::Description(args.list.first().and_then(Expr::resource));
    }
    if CATALOGUE.iter().any(|doc| doc.name == name) {
        return Gives::Matcher;
    }
    resource::find(name).map_or(Gives::Unknown, |entry| Gives::Resource { entry, constant: all_literal(args) })
}

/// What a method of a description or resource gives.
fn answered(object: &Expr, name: &str, args: &Args) -> Gives {
    match object.gives {
        Gives::Description(entry) if STEPS.contains(&name) => Gives::Description(entry),
        Gives::Resource { entry, constant } if name == "where" && matches!(entry.shape, Shape::Table { .. }) => {
            Gives::Resource { entry, constant: constant && all_literal(args) }
        }
        _ => Gives::Unknown,
    }
}
