//! What the unit tests of resources are written in: a resource tried on scripted
//! observations.

mod observations;
mod trial;

pub use observations::{bytes, files, ran, stated};
pub use trial::{NOW, Trial, arguments, fault, missing, named};
