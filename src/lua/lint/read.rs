//! From the syntax tree of `full_moon` to the [`Tree`] of the rules, with scopes resolved
//! as Lua 5.4 defines them (reference manual 3.5).

use super::tree::{Args, Expr, Gives, Item, Key, Local, Node, Spot, Stmt, Target, Tree};
use crate::lua::describe::STEPS;
use crate::lua::matcher::CATALOGUE;
use crate::resource::{self, Shape};
use crate::value::Value;
use full_moon::ast::punctuated::Punctuated;
use full_moon::ast::{
    self, BinOp, Block, Call, Expression, FunctionArgs, Index, LastStmt, Parameter, Prefix, Suffix, Var,
};
use full_moon::tokenizer::{Symbol, TokenReference, TokenType};
use mlua::Lua;
use std::collections::{BTreeSet, HashMap};

/// Reads a file that Lua has compiled; `None` when `full_moon` does not take it.
pub fn tree(text: &str, lua: &Lua) -> Option<Tree> {
    let ast = full_moon::parse_fallible(text, full_moon::LuaVersion::lua54()).into_result().ok()?;
    let mut reader = Reader {
        lua,
        locals: Vec::new(),
        sets: BTreeSet::new(),
        scopes: vec![Vec::new()],
        visible: HashMap::new(),
        loops: 0,
    };
    let body = reader.block(ast.nodes());
    Some(Tree { body, locals: reader.locals, sets: reader.sets })
}

struct Reader<'a> {
    lua: &'a Lua,
    locals: Vec<Local>,
    sets: BTreeSet<String>,
    /// The locals of each open block.
    scopes: Vec<Vec<usize>>,
    /// The locals of a name that are in scope, the innermost last.
    visible: HashMap<String, Vec<usize>>,
    /// How many plain loops of the function are open.
    loops: usize,
}

fn start(token: &TokenReference) -> Spot {
    let position = token.token().start_position();
    Spot { line: position.line(), column: position.character() }
}

fn end(token: &TokenReference) -> Spot {
    let position = token.token().end_position();
    Spot { line: position.line(), column: position.character() }
}

fn word(token: &TokenReference) -> String {
    token.token().to_string()
}

impl Reader<'_> {
    fn declare(&mut self, token: &TokenReference, gives: Gives) -> usize {
        self.declare_as(word(token), gives)
    }

    fn declare_as(&mut self, name: String, gives: Gives) -> usize {
        self.visible.entry(name.clone()).or_default().push(self.locals.len());
        self.locals.push(Local { name, reads: 0, gives, in_loop: self.loops > 0 });
        let number = self.locals.len() - 1;
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(number);
        }
        number
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.visible.get(name).and_then(|locals| locals.last().copied())
    }

    fn scoped<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(Vec::new());
        let read = read(self);
        for number in self.scopes.pop().into_iter().flatten() {
            if let Some(locals) = self.visible.get_mut(&self.locals[number].name) {
                locals.pop();
            }
        }
        read
    }

    fn looped<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        self.loops += 1;
        let read = self.scoped(read);
        self.loops -= 1;
        read
    }

    fn scoped_block(&mut self, block: &Block) -> Vec<Stmt> {
        self.scoped(|reader| reader.block(block))
    }

    fn block(&mut self, block: &Block) -> Vec<Stmt> {
        let mut stmts: Vec<Stmt> = block.stmts().filter_map(|stmt| self.stmt(stmt)).collect();
        match block.last_stmt() {
            Some(LastStmt::Return(returned)) => stmts.push(Stmt::Return(self.list(returned.returns()))),
            Some(LastStmt::Break(_)) => stmts.push(Stmt::Break),
            _ => {}
        }
        stmts
    }

    fn list(&mut self, list: &Punctuated<Expression>) -> Vec<Expr> {
        list.iter().map(|expression| self.expr(expression)).collect()
    }

    fn stmt(&mut self, stmt: &ast::Stmt) -> Option<Stmt> {
        Some(match stmt {
            ast::Stmt::Assignment(assignment) => {
                let values = self.list(assignment.expressions());
                let targets = assignment.variables().iter().map(|var| self.target(var)).collect();
                Stmt::Assign { targets, values }
            }
            ast::Stmt::Do(block) => Stmt::Block(self.scoped_block(block.block())),
            ast::Stmt::FunctionCall(call) => Stmt::Call(self.chain(call.prefix(), call.suffixes())),
            ast::Stmt::FunctionDeclaration(declaration) => self.function_declaration(declaration),
            ast::Stmt::GenericFor(each) => {
                let over = self.list(each.expressions());
                let body = self.looped(|reader| {
                    each.names().iter().for_each(|name| {
                        reader.declare(name, Gives::Unknown);
                    });
                    reader.block(each.block())
                });
                Stmt::For { over, body }
            }
            ast::Stmt::NumericFor(count) => {
                let mut over = vec![self.expr(count.start()), self.expr(count.end())];
                over.extend(count.step().map(|step| self.expr(step)));
                let body = self.looped(|reader| {
                    reader.declare(count.index_variable(), Gives::Unknown);
                    reader.block(count.block())
                });
                Stmt::For { over, body }
            }
            ast::Stmt::If(branch) => self.branch(branch),
            ast::Stmt::LocalAssignment(assignment) => {
                let values = self.list(assignment.expressions());
                let gives = |index: usize| values.get(index).map_or(Gives::Unknown, |value| value.gives);
                let names = assignment.names().iter().enumerate();
                let names = names.map(|(index, name)| self.declare(name, gives(index))).collect();
                Stmt::Local { names, values }
            }
            ast::Stmt::LocalFunction(function) => {
                let name = self.declare(function.name(), Gives::Unknown);
                let at = start(function.function_token());
                Stmt::Local { names: vec![name], values: vec![self.function(at, function.body(), false)] }
            }
            ast::Stmt::While(repeated) => {
                self.loops += 1;
                let condition = self.expr(repeated.condition());
                let body = self.scoped_block(repeated.block());
                self.loops -= 1;
                Stmt::While { condition, body }
            }
            // The condition of `repeat` sees the locals of its block.
            ast::Stmt::Repeat(repeated) => self.looped(|reader| {
                let body = reader.block(repeated.block());
                Stmt::While { condition: reader.expr(repeated.until()), body }
            }),
            ast::Stmt::Goto(_) => Stmt::Break,
            _ => return None,
        })
    }

    fn branch(&mut self, branch: &ast::If) -> Stmt {
        let mut conditions = vec![self.expr(branch.condition())];
        let mut blocks = vec![self.scoped_block(branch.block())];
        for other in branch.else_if().into_iter().flatten() {
            conditions.push(self.expr(other.condition()));
            blocks.push(self.scoped_block(other.block()));
        }
        blocks.extend(branch.else_block().map(|block| self.scoped_block(block)));
        Stmt::If { conditions, blocks }
    }

    fn target(&mut self, var: &Var) -> Target {
        match var {
            Var::Name(token) => self.assigned(token),
            Var::Expression(chain) => Target::Part(self.chain(chain.prefix(), chain.suffixes())),
            _ => Target::Local,
        }
    }

    fn assigned(&mut self, token: &TokenReference) -> Target {
        match self.find(&word(token)) {
            Some(number) => {
                self.locals[number].gives = Gives::Unknown;
                Target::Local
            }
            None => {
                self.sets.insert(word(token));
                Target::Global(word(token), start(token))
            }
        }
    }

    /// `function a.b.c:d() … end`
    fn function_declaration(&mut self, declaration: &ast::FunctionDeclaration) -> Stmt {
        let name = declaration.name();
        let mut parts = name.names().iter();
        let first = parts.next();
        let target = match first {
            Some(first) if name.names().len() == 1 && name.method_name().is_none() => self.assigned(first),
            Some(first) => Target::Part(self.name(first)),
            None => Target::Local,
        };
        let at = start(declaration.function_token());
        let function = self.function(at, declaration.body(), name.method_name().is_some());
        Stmt::Assign { targets: vec![target], values: vec![function] }
    }

    fn function(&mut self, at: Spot, body: &ast::FunctionBody, method: bool) -> Expr {
        let loops = std::mem::take(&mut self.loops);
        let stmts = self.scoped(|reader| {
            if method {
                reader.declare_as("self".to_string(), Gives::Unknown);
            }
            for parameter in body.parameters() {
                if let Parameter::Name(token) = parameter {
                    reader.declare(token, Gives::Unknown);
                }
            }
            reader.block(body.block())
        });
        self.loops = loops;
        Expr { at, end: end(body.end_token()), node: Node::Function(stmts), gives: Gives::Unknown }
    }

    fn expr(&mut self, expression: &Expression) -> Expr {
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

    fn name(&mut self, token: &TokenReference) -> Expr {
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

    fn chain<'s>(&mut self, prefix: &Prefix, suffixes: impl Iterator<Item = &'s Suffix>) -> Expr {
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
