//! The sh codec, with real shells: every shell there is keeps the contract of transports,
//! and every answer is that of the local machine.

#[path = "transports/contract.rs"]
mod contract;

use contract::{contract, contract_unprivileged, mode};
use probity::probe::sh::{Decoded, Decoder, Mark, Script};
use probity::probe::*;
use probity::transport::Transport;
use probity::transport::local::Local;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// A shell on this machine that is fed scripts.
struct Shell {
    command: Vec<&'static str>,
    /// The user it runs as where it is not that of the test.
    uid: Option<u32>,
    user: RefCell<String>,
}

impl Shell {
    fn new(command: &[&'static str]) -> Shell {
        Shell { command: command.to_vec(), uid: None, user: RefCell::default() }
    }

    /// Those of the shells under test that are installed.
    fn all() -> Vec<Shell> {
        let shells: [&[&'static str]; 4] =
            [&["dash", "-s"], &["bash", "-s"], &["busybox", "ash", "-s"], &["ksh", "-s"]];
        let local = Local::new();
        let there = |shell: &&[&'static str]| {
            let which = Which { name: shell[0].into() };
            matches!(local.answer_now(&which.into()), Some(Ok(Observation::Which(Some(_)))))
        };
        shells.iter().filter(|shell| there(shell)).map(|shell| Shell::new(shell)).collect()
    }

    fn run(&self, probes: &[Probe], mark: &Mark) -> Decoded {
        let script = Script::new(probes, mark);
        let mut decoder = Decoder::new(probes, mark);
        let (status, out, err) = self.feed(script.text());
        // In turns and in pieces of odd sizes, as a network brings them.
        let (mut out, mut err) = (out.chunks(1013), err.chunks(7));
        loop {
            match (out.next(), err.next()) {
                (None, None) => break,
                (left, right) => {
                    decoder.stdout(left.unwrap_or_default());
                    decoder.stderr(right.unwrap_or_default());
                }
            }
        }
        decoder.finish(&format!("the shell ended with {status}"))
    }

    fn feed(&self, script: &[u8]) -> (String, Vec<u8>, Vec<u8>) {
        let mut command = Command::new(self.command[0]);
        command.args(&self.command[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid).env_remove("HOME").env_remove("USER").env_remove("LOGNAME");
        }
        let mut child = command.spawn().expect("the shell starts");
        let (mut stdin, mut stdout, mut stderr) = (
            child.stdin.take().expect("a pipe"),
            child.stdout.take().expect("a pipe"),
            child.stderr.take().expect("a pipe"),
        );
        std::thread::scope(|scope| {
            scope.spawn(move || drop(stdin.write_all(script)));
            let errors = scope.spawn(move || {
                let mut bytes = Vec::new();
                stderr.read_to_end(&mut bytes).expect("read");
                bytes
            });
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).expect("read");
            let status = child.wait().expect("it ends");
            (status.to_string(), bytes, errors.join().expect("read"))
        })
    }
}

impl Transport for Shell {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        let decoded = self.run(probes, &Mark::random().expect("random bytes"));
        if let Some(user) = decoded.user {
            *self.user.borrow_mut() = user.to_string();
        }
        decoded.answers
    }

    fn user(&self) -> String {
        self.user.borrow().clone()
    }
}

#[test]
fn every_shell_keeps_the_contract_in_every_kind() {
    let all: BTreeSet<&str> = Probe::KINDS.iter().copied().collect();
    for shell in Shell::all() {
        println!("{:?}", shell.command);
        assert_eq!(contract(&shell), all, "{:?}", shell.command);
    }
}

#[test]
fn no_shell_takes_what_it_may_not_see_for_absent() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    mode(directory.path(), 0o755);
    let locked = directory.path().join("locked");
    fs::create_dir(&locked).expect("a directory");
    fs::write(locked.join("file"), "").expect("written");
    mode(&locked, 0);
    for shell in Shell::all() {
        println!("{:?}", shell.command);
        contract_unprivileged(&Shell { uid: Some(65534), ..shell }, &locked);
    }
    mode(&locked, 0o755);
}
