//! Reads of resources in plain loops: each turn waits for the node, where `for_each` asks
//! for all at once.

use super::finding::READ_IN_LOOP;
use super::sheet::Sheet;
use super::tree::{Expr, Gives, Node, Stmt};
use super::walk::Context;

/// Whether a loop may end before its last turn. What it reads then depends on what it has
/// read before, so `for_each` could not take its place.
pub fn ends_early(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::Return(_) | Stmt::Break => true,
        Stmt::Block(stmts) => ends_early(stmts),
        Stmt::If { blocks, .. } => blocks.iter().any(|stmts| ends_early(stmts)),
        // A break in an inner loop ends that one.
        Stmt::For { body, .. } | Stmt::While { body, .. } => returns(body),
        _ => false,
    })
}

fn returns(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::Return(_) => true,
        Stmt::Block(body) | Stmt::For { body, .. } | Stmt::While { body, .. } => returns(body),
        Stmt::If { blocks, .. } => blocks.iter().any(|stmts| returns(stmts)),
        _ => false,
    })
}

pub fn look(expr: &Expr, context: Context, sheet: &mut Sheet<'_>) {
    if !context.looped {
        return;
    }
    let (object, at) = match &expr.node {
        Node::Field { object, name_at, .. } | Node::Method { object, name_at, .. } => (object, *name_at),
        _ => return,
    };
    let Gives::Resource { entry, constant: false } = object.gives else { return };
    // What was made before the loop is read once, and remembered.
    if let Node::Name { local: Some(number), .. } = object.inner().node
        && sheet.local(number).is_some_and(|local| !local.in_loop)
    {
        return;
    }
    // `where` only selects; what is read from it counts.
    if matches!(&expr.node, Node::Method { name, .. } if name == "where") {
        return;
    }
    let message = format!("{} is read in a plain loop, which waits for the node at every turn", entry.name);
    sheet.find_with(&READ_IN_LOOP, at, message, "use for_each(list, function(…) … end), which asks for all at once");
}
