//! What a run is made of, before any node is touched: the nodes, the values of attributes,
//! the selection of controls, and what an earlier run left undone.

pub mod attributes;
pub mod bags;
pub mod nodes;
mod pattern;
pub mod per_node;
pub mod rerun;
pub mod selection;
pub mod share;
pub mod template;
