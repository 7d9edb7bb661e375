//! The contract of transports over SSH, apart from `ssh.rs`: it keeps the machine busy, and sessions
//! there that are starved give up.

mod sshd;
mod support;

#[allow(dead_code, reason = "not every test asks everything")]
#[path = "transports/contract.rs"]
mod contract;

#[allow(dead_code, reason = "not every test asks everything")]
#[path = "ssh/talk.rs"]
mod talk;

#[path = "ssh/contract.rs"]
mod kept;

mod carry {
    use crate::support::Lacking;

    /// Whether this machine has no server for a test.
    pub fn lacks(what: &str) -> bool {
        let mut lacking = Lacking::default();
        ["root", "sshd", "ssh-keygen"].iter().any(|need| !lacking.has(need, what))
    }
}
