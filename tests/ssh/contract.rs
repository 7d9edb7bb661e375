//! The contract of transports, kept over real SSH.

use crate::carry::lacks;
use crate::contract::{contract, contract_unprivileged, mode};
use crate::sshd::{Server, Setup, run};
use crate::support::Lacking;
use crate::talk::{options, reach};
use probity::probe::Probe;
use probity::transport::shell::Shell;
use probity::transport::{Options, Privilege, Secret, Tool, Transport as _};
use std::collections::BTreeSet;
use std::process::Command;

/// A user of the nodes below who may become root with a password.
const ASKED: &str = "asked";

/// The node behind a server.
fn node(server: &Server, options: &Options) -> Shell {
    let connection = reach(server, options).unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
    Shell::new("node", Box::new(connection), options)
}

fn every_kind() -> BTreeSet<&'static str> {
    Probe::KINDS.iter().copied().collect()
}

/// A server of a machine with [`ASKED`] among its users.
fn with_users() -> (Server, tempfile::TempDir) {
    let etc = tempfile::tempdir().expect("a folder");
    let hash = run(Command::new("openssl").args(["passwd", "-6", "right"]));
    let write = |name: &str, bits: u32, text: &str| {
        std::fs::write(etc.path().join(name), text).expect("written");
        mode(&etc.path().join(name), bits);
    };
    write(
        "passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/sh\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\nasked:x:4001:4001::/:/bin/sh\n",
    );
    let hash = hash.trim();
    write("shadow", 0o640, &format!("root:*:19000:0:99999:7:::\nasked:{hash}:19000:0:99999:7:::\n"));
    // Every conversation is asked for the password, and nothing is left behind in /run.
    write("sudoers", 0o440, "Defaults !lecture, timestamp_timeout=0\nasked ALL=(ALL:ALL) ALL\n");
    let server = Server::openssh_among(&Setup::default(), etc.path());
    // Their keys are read as the user who logs in.
    mode(server.folder.path(), 0o755);
    (server, etc)
}

#[test]
fn the_contract_is_kept_over_openssh() {
    if lacks("the contract of transports over SSH") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    assert_eq!(contract(&node(&server, &options(&server))), every_kind());
}

#[test]
fn the_contract_is_kept_over_openssh_through_sudo() {
    let what = "the contract of transports over SSH through sudo";
    if lacks(what) || !["sudo", "unshare", "openssl"].iter().all(|need| Lacking::default().has(need, what)) {
        return;
    }
    let (server, _etc) = with_users();
    let privilege = Privilege { tool: Tool::Sudo, user: None, password: Some(Secret::new("right")) };
    let options = Options { user: Some(ASKED.to_string()), privilege: Some(privilege), ..options(&server) };
    let node = node(&server, &options);
    assert_eq!(contract(&node), every_kind());
    assert_eq!(node.user(), "root");
}

#[test]
fn over_openssh_nothing_that_may_not_be_seen_is_absent() {
    let what = "what another user may not see over SSH";
    if lacks(what) || !["unshare", "openssl"].iter().all(|need| Lacking::default().has(need, what)) {
        return;
    }
    let (server, _etc) = with_users();
    let directory = tempfile::tempdir().expect("a folder");
    mode(directory.path(), 0o755);
    let locked = directory.path().join("locked");
    std::fs::create_dir(&locked).expect("a directory");
    std::fs::write(locked.join("file"), "").expect("written");
    mode(&locked, 0);
    let options = Options { user: Some(ASKED.to_string()), ..options(&server) };
    contract_unprivileged(&node(&server, &options), &locked);
    mode(&locked, 0o755);
}

#[test]
fn the_contract_is_kept_over_dropbear() {
    let what = "the contract of transports over dropbear";
    if lacks(what) || !["dropbear", "dropbearkey", "unshare"].iter().all(|need| Lacking::default().has(need, what)) {
        return;
    }
    let server = Server::dropbear(&[]);
    assert_eq!(contract(&node(&server, &options(&server))), every_kind());
}
