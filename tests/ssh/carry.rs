//! Bytes of conversations.

use crate::sshd::{Server, Setup};
use crate::support::Lacking;
use crate::talk::{Talk, carry, options, reach, reached};
use probity::transport::shell::{Carrier as _, Exit};
use std::time::{Duration, Instant};

fn lacks(need: &[&str], what: &str) -> bool {
    let mut lacking = Lacking::default();
    need.iter().any(|need| !lacking.has(need, what))
}

#[test]
fn what_a_command_writes_and_how_it_ends_comes_back() {
    if lacks(&["sshd", "root"], "conversations over SSH") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let connection = reached(&server);
    let mut talks = [
        Talk::new("echo out; echo err >&2; exit 3"),
        Talk::saying("cat", b"one\ntwo\n\0three"),
        Talk::new("kill -TERM $$"),
        Talk::saying("sh -s", b"echo from the script; exit 0\n"),
        Talk::new("true"),
        Talk::new("false"),
    ];
    carry(&connection, &mut talks);
    assert_eq!((talks[0].heard().as_str(), talks[0].stderr.as_slice()), ("out\n", b"err\n".as_slice()));
    assert_eq!(talks[1].stdout, b"one\ntwo\n\0three");
    assert_eq!(talks[3].heard(), "from the script\n");
    let exits: Vec<_> = talks.iter().map(|talk| talk.exit.expect("ended")).collect();
    let status = Exit::Status;
    assert_eq!(exits, [status(3), status(0), Exit::Signal, status(0), status(0), status(1)]);
    let traffic = connection.traffic();
    let sum = |count: fn(&Talk) -> usize| talks.iter().map(count).sum::<usize>() as u64;
    assert_eq!(traffic.sent, sum(|talk| talk.input.len()));
    assert_eq!(traffic.received, sum(|talk| talk.stdout.len() + talk.stderr.len()));
}
