//! Probity checks that machines are configured as they should be.
//!
//! The layers, from the bottom: `value`, `error`; `probe`, `yaml`, `target`; `results`,
//! `profile`, `transport`; `inventory`; `plan`, `report`, `node`; `resource`, `lua`, `run`;
//! `pipeline`; `cli`. A file imports only from lower layers or its own folder; `tests/layers.rs`
//! sees to it.

#[cfg(not(target_os = "linux"))]
compile_error!("Probity runs on Linux only");

pub mod cli;
pub mod error;
pub mod inventory;
pub mod lua;
pub mod node;
pub mod pipeline;
pub mod plan;
pub mod probe;
pub mod profile;
pub mod report;
pub mod resource;
pub mod results;
pub mod run;
pub mod target;
pub mod transport;
pub mod value;
pub mod yaml;
