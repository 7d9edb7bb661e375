//! What a run is made of, before any node is touched: the nodes, the values of attributes
//! and the selection of controls.

pub mod attributes;
pub mod nodes;
mod pattern;
pub mod selection;
