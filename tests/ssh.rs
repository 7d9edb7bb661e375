//! The carrier over SSH against real servers: what is said and heard, and all that can be in
//! the way.

mod sshd;
mod support;

#[path = "ssh/talk.rs"]
mod talk;

#[path = "ssh/carry.rs"]
mod carry;
