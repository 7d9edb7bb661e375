//! What a run is made of, before any node is touched: the values of attributes, the
//! selection of controls, and what an earlier run left undone.

pub mod attributes;
pub mod rerun;
pub mod selection;
