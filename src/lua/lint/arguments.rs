//! Arguments as they are written: what is literal is checked as the engine would.

use super::tree::{Expr, Key, Node};
use crate::resource::{Arg, Kind};
use crate::value::Value;
use indexmap::IndexMap;

/// Values for the arguments of a call.
pub struct Given {
    pub values: Vec<Value>,
    /// All of them stand in the source; none is a stand-in.
    pub literal: bool,
}

/// The arguments of a call, with a value of the right type in the place of each that is
/// only known when the control runs. `None` when even their number is not known, or
/// whether the last is a table of options.
pub fn given(args: &[Expr], specs: &[Arg]) -> Option<Given> {
    let mut given = Given { values: Vec::new(), literal: true };
    for (index, arg) in args.iter().enumerate() {
        let value = match (arg.value(), &arg.inner().node) {
            (Some(value), _) => value,
            (None, Node::Table(items)) => {
                given.literal = false;
                let mut map = IndexMap::new();
                for item in items {
                    match &item.key {
                        Key::Name(name, _) => {
                            let kind = specs.iter().find(|spec| spec.name == name).map_or(Kind::Any, |spec| spec.kind);
                            map.insert(name.clone(), item.value.value().unwrap_or_else(|| stand_in(kind)));
                        }
                        _ => return None,
                    }
                }
                Value::Map(map)
            }
            // The last may be any number of values, or a table of options.
            (None, _) if index + 1 == args.len() => return None,
            (None, _) => {
                given.literal = false;
                stand_in(specs.get(index).map_or(Kind::Any, |spec| spec.kind))
            }
        };
        given.values.push(value);
    }
    Some(given)
}

fn stand_in(kind: Kind) -> Value {
    match kind {
        Kind::Bool => Value::Bool(false),
        Kind::Int | Kind::Number => Value::Int(1),
        Kind::List => Value::List(Vec::new()),
        Kind::Map => Value::Map(IndexMap::new()),
        Kind::Str | Kind::Mode | Kind::Version | Kind::Any => Value::from("x"),
    }
}
