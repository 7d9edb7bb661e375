//! Pipelines: stages that provision nodes, wait for them, validate them and tear them down.

pub mod process;
pub mod provisioner;
