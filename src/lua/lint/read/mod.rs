//! From the syntax tree of `full_moon` to the [`Tree`] of the rules, with scopes resolved
//! as Lua 5.4 defines them (reference manual 3.5).

mod expressions;

use super::tree::{Expr, Function, Gives, Local, Node, Spot, Stmt, Target, Tree};
use full_moon::ast::punctuated::Punctuated;
use full_moon::ast::{self, Block, Expression, LastStmt, Parameter, Var};
use full_moon::tokenizer::TokenReference;
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
            _ => Target::Unknown,
        }
    }

    fn assigned(&mut self, token: &TokenReference) -> Target {
        match self.find(&word(token)) {
            Some(number) => {
                self.locals[number].gives = Gives::Unknown;
                Target::Local(number, start(token))
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
            None => Target::Unknown,
        };
        let at = start(declaration.function_token());
        let function = self.function(at, declaration.body(), name.method_name().is_some());
        Stmt::Assign { targets: vec![target], values: vec![function] }
    }

    fn function(&mut self, at: Spot, body: &ast::FunctionBody, method: bool) -> Expr {
        let loops = std::mem::take(&mut self.loops);
        let first_local = self.locals.len();
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
        let node = Node::Function(Function { body: stmts, first_local });
        Expr { at, end: end(body.end_token()), node, gives: Gives::Unknown }
    }
}
