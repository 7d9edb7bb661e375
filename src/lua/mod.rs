//! The language of controls: sandbox, DSL, matchers, and the one binding of resources.

pub mod matcher;
