//! The contract of transports, kept by shells that are asked through a carrier.

#[allow(dead_code, reason = "not every test asks everything")]
#[path = "transports/contract.rs"]
mod contract;
mod support;

use contract::{contract, contract_unprivileged, mode};
use probity::probe::Probe;
use probity::transport::Options;
use probity::transport::shell::Shell;
use probity::transport::shell::spawn::Spawner;
use std::collections::BTreeSet;
use support::Lacking;

fn shell(words: &[&str]) -> Shell {
    let carrier = Spawner::new(words.iter().copied()).expect("made");
    Shell::new("this machine", Box::new(carrier), &Options::default())
}

#[test]
fn a_shell_keeps_the_contract_in_every_kind() {
    let all: BTreeSet<&str> = Probe::KINDS.iter().copied().collect();
    assert_eq!(contract(&shell(&["sh", "-c"])), all, "every kind is asked");
}

#[test]
fn the_shell_of_a_login_may_be_another_one() {
    // csh and fish read the first command line, too.
    let mut lacking = Lacking::default();
    for login in ["bash", "csh", "fish"] {
        if lacking.has(login, "a node with another login shell") {
            contract(&shell(&[login, "-c"]));
        }
    }
}

#[test]
fn a_shell_never_takes_what_it_may_not_see_for_absent() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    mode(directory.path(), 0o755);
    let locked = directory.path().join("locked");
    std::fs::create_dir(&locked).expect("a directory");
    std::fs::write(locked.join("file"), "").expect("written");
    mode(&locked, 0);
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c"];
    let words = if rustix::process::geteuid().is_root() { &nobody[..] } else { &nobody[4..] };
    contract_unprivileged(&shell(words), &locked);
    mode(&locked, 0o755);
}
