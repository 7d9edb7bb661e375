//! Calls that Lua reads otherwise than they look.

use super::finding::CALL_ON_NEW_LINE;
use super::sheet::Sheet;
use super::tree::{Expr, Node};
use super::walk::Context;

/// `(` at the start of a line continues the line before it (reference manual 3.3.1).
pub fn look(expr: &Expr, _: Context, sheet: &mut Sheet<'_>) {
    let Node::Call { callee, args } = &expr.node else { return };
    if let Some(open) = args.parenthesis
        && open.line > callee.end.line
    {
        sheet.find_with(
            &CALL_ON_NEW_LINE,
            open,
            "Lua takes this parenthesis for a call of what ends on the line before",
            "end that line with a semicolon, or put the parenthesis on it",
        );
    }
}
