//! What a run is made of, before any node is touched: the values of attributes and the
//! selection of controls.

pub mod attributes;
pub mod selection;
