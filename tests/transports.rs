//! The contract of transports, kept by this machine.

#[allow(dead_code, reason = "not every test asks everything")]
#[path = "transports/contract.rs"]
mod contract;

use contract::{contract, contract_unprivileged, mode};
use probity::probe::*;
use probity::transport::local::Local;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn the_local_machine_never_takes_what_it_may_not_see_for_absent() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    mode(directory.path(), 0o755);
    let locked = directory.path().join("locked");
    fs::create_dir(&locked).expect("a directory");
    fs::write(locked.join("file"), "").expect("written");
    mode(&locked, 0);
    // The kernel keeps credentials by thread: this one becomes nobody where it was root.
    let outcome = std::thread::scope(|scope| {
        let unprivileged = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("the user nobody");
            }
            contract_unprivileged(&Local::new(), &locked);
        });
        unprivileged.join()
    });
    mode(&locked, 0o755);
    outcome.expect("the contract is kept");
}

#[test]
fn the_local_machine_keeps_the_contract_in_every_kind() {
    let asked = contract(&Local::new());
    let all: BTreeSet<&str> = Probe::KINDS.iter().copied().collect();
    assert_eq!(asked, all, "every kind is asked");
}
