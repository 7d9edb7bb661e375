//! The carrier over SSH against real servers: what is said and heard, and all that can be in
//! the way.

mod sshd;
mod support;

#[allow(dead_code, reason = "not every test asks everything")]
#[path = "transports/contract.rs"]
mod contract;

#[path = "ssh/contract.rs"]
mod kept;

#[path = "ssh/talk.rs"]
mod talk;

#[path = "ssh/carry.rs"]
mod carry;

#[path = "ssh/host_keys.rs"]
mod host_keys;

#[path = "ssh/login.rs"]
mod login;

#[path = "ssh/ways.rs"]
mod ways;

#[path = "ssh/speed.rs"]
mod speed;
