//! Bytes of conversations.

use crate::sshd::{Server, Setup};
use crate::support::Lacking;
use crate::talk::{Talk, carry, options, reach, reached};
use probity::transport::shell::{Carrier as _, Conversation, Exit};
use std::time::{Duration, Instant};

/// Whether this machine has no server for a test.
pub fn lacks(what: &str) -> bool {
    let mut lacking = Lacking::default();
    ["root", "sshd", "ssh-keygen"].iter().any(|need| !lacking.has(need, what))
}

fn exits(talks: &[Talk]) -> Vec<Exit> {
    talks.iter().map(|talk| talk.exit.expect("ended")).collect()
}

#[test]
fn what_a_command_writes_and_how_it_ends_comes_back() {
    if lacks("conversations over SSH") {
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
        Talk::new("nonexistent-command"),
    ];
    carry(&connection, &mut talks);
    assert_eq!((talks[0].heard().as_str(), talks[0].stderr.as_slice()), ("out\n", b"err\n".as_slice()));
    assert_eq!(talks[1].stdout, b"one\ntwo\n\0three");
    assert_eq!(talks[3].heard(), "from the script\n");
    let status = Exit::Status;
    assert_eq!(exits(&talks), [status(3), status(0), Exit::Signal, status(0), status(0), status(1), status(127)]);
    let sum = |count: fn(&Talk) -> usize| talks.iter().map(count).sum::<usize>() as u64;
    let traffic = connection.traffic();
    assert_eq!(traffic.sent, sum(|talk| talk.input.len()));
    assert_eq!(traffic.received, sum(|talk| talk.stdout.len() + talk.stderr.len()));
    assert_eq!(connection.user(), "root");
    // The connection is as good as new.
    for round in 0..20 {
        let mut talks = [Talk::new(&format!("echo {round}")), Talk::new("true")];
        carry(&connection, &mut talks);
        assert_eq!((talks[0].heard(), exits(&talks)), (format!("{round}\n"), vec![status(0); 2]));
    }
    let mut none: [Talk; 0] = [];
    carry(&connection, &mut none);
}

#[test]
fn much_goes_both_ways_on_several_channels_at_once() {
    if lacks("large conversations over SSH") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let connection = reached(&server);
    let much: Vec<u8> = (0..6_000_000u32).map(|number| (number * 7 + number / 251) as u8).collect();
    let mut talks = [
        Talk::saying("cat", &much),
        Talk::new("head -c 20000000 /dev/zero; head -c 3000000 /dev/zero >&2"),
        Talk::saying("cat >&2", &much),
        Talk::saying("sleep 1; wc -c", &much),
        // It ends without reading what it is told.
        Talk::saying("exec <&-; echo deaf", &much),
    ];
    carry(&connection, &mut talks);
    assert!(talks[0].stdout == much && talks[2].stderr == much);
    assert_eq!((talks[1].stdout.len(), talks[1].stderr.len()), (20_000_000, 3_000_000));
    assert_eq!(talks[3].heard().trim(), "6000000");
    assert_eq!(talks[4].heard().trim(), "deaf");
    assert_eq!(exits(&talks), [Exit::Status(0); 5]);
}

#[test]
fn a_server_that_takes_fewer_sessions_gets_fewer_at_one_time() {
    if lacks("MaxSessions") {
        return;
    }
    for most in [1, 2] {
        let server = Server::openssh(&Setup { config: &format!("MaxSessions {most}"), ..Setup::default() });
        let connection = reached(&server);
        for _ in 0..3 {
            let mut talks: Vec<Talk> = (0..6).map(|number| Talk::new(&format!("sleep 0.05; echo {number}"))).collect();
            carry(&connection, &mut talks);
            for (number, talk) in talks.iter().enumerate() {
                assert_eq!((talk.heard(), talk.exit), (format!("{number}\n"), Some(Exit::Status(0))), "{most}");
            }
        }
        assert_eq!(connection.width(), most);
    }
    let server = Server::openssh(&Setup { config: "MaxSessions 0", ..Setup::default() });
    let connection = reached(&server);
    let mut talk = Talk::new("true");
    let error = connection.carry(&mut [&mut talk]).expect_err("no session");
    assert!(error.message.contains("MaxSessions"), "{error}");
    assert_eq!(talk.exit, None);
}

#[test]
fn one_that_takes_too_long_is_cut_off_and_the_others_are_not() {
    if lacks("limits over SSH") {
        return;
    }
    let server = Server::openssh(&Setup { config: "MaxSessions 2", ..Setup::default() });
    let connection = reached(&server);
    let limit = Duration::from_millis(1500);
    let began = Instant::now();
    let mut talks = [
        Talk { limit, ..Talk::new("echo begun; sleep 30") },
        // One byte at a time keeps nobody waiting for longer.
        Talk { limit, ..Talk::new("while :; do printf x; sleep 0.1; done") },
        Talk::new("echo fine"),
        Talk::new("echo fine"),
    ];
    carry(&connection, &mut talks);
    let took = began.elapsed();
    assert_eq!(exits(&talks), [Exit::TimedOut, Exit::TimedOut, Exit::Status(0), Exit::Status(0)]);
    assert_eq!(talks[0].heard(), "begun\n");
    assert!((3..18).contains(&talks[1].stdout.len()), "{}", talks[1].stdout.len());
    assert!(took >= limit && took < Duration::from_secs(8), "{took:?}");
    let mut talks = [Talk::new("echo still")];
    carry(&connection, &mut talks);
    assert_eq!(talks[0].heard(), "still\n");
    let began = Instant::now();
    drop(connection);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn a_flood_is_hung_up_on() {
    if lacks("floods over SSH") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let connection = reached(&server);
    let began = Instant::now();
    let mut talks = [
        Talk { enough: 1_000_000, ..Talk::new("yes") },
        Talk {
            enough: 1_000_000,
            ..Talk::new("trap '' PIPE; i=0; while [ $i -lt 2000000 ]; do echo flood 2>/dev/null; i=$((i+1)); done")
        },
        Talk::new("echo fine"),
    ];
    carry(&connection, &mut talks);
    assert_eq!(exits(&talks), [Exit::Closed, Exit::Closed, Exit::Status(0)]);
    assert!(talks[0].stdout.len() < 1_100_000, "{}", talks[0].stdout.len());
    let mut talks = [Talk::new("echo still")];
    carry(&connection, &mut talks);
    assert_eq!(talks[0].heard(), "still\n");
    drop(connection);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn stopping_ends_what_is_under_way_from_another_thread() {
    if lacks("stopping over SSH") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let connection = reached(&server);
    let stop = connection.stopper();
    let began = Instant::now();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        stop();
    });
    let mut talks: Vec<Talk> = (0..6).map(|_| Talk::new("sleep 30")).collect();
    carry(&connection, &mut talks);
    assert_eq!(exits(&talks), [Exit::Closed; 6]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    thread.join().expect("stopped");
    assert!(connection.renew().is_err());
}

#[test]
fn a_lost_connection_is_told_and_made_anew() {
    if lacks("lost connections over SSH") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let connection = reached(&server);
    // Both take part in one: what had ended before is whole.
    let mut whole = Talk::new("echo whole");
    let mut cut = Talk::new("sleep 2; kill -KILL $PPID; sleep 30");
    let error = connection.carry(&mut [&mut whole, &mut cut]).expect_err("the server process is gone");
    assert!(error.message.contains("lost"), "{error}");
    assert_eq!((whole.heard().as_str(), whole.exit, cut.exit), ("whole\n", Some(Exit::Status(0)), None));
    connection.carry(&mut [&mut cut]).expect_err("not made anew");
    connection.renew().expect("made anew");
    let mut talks = [Talk::new("echo again")];
    carry(&connection, &mut talks);
    assert_eq!(talks[0].heard(), "again\n");
}

#[test]
fn a_peer_that_is_dead_is_noticed() {
    if lacks("keep-alive over SSH") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let config = server.folder.path().join("config");
    std::fs::write(&config, "ServerAliveInterval 2\n").expect("written");
    let mut options = options(&server);
    options.ssh_config = Some(config);
    let connection = reach(&server, &options).expect("reached");
    // A command without output is no dead peer.
    let mut quiet = Talk::new("sleep 9; echo awake");
    connection.carry(&mut [&mut quiet]).expect("carried");
    assert_eq!(quiet.heard(), "awake\n");
    let mut talk = Talk::new("kill -STOP $PPID; sleep 60");
    let began = Instant::now();
    let error = connection.carry(&mut [&mut talk as &mut dyn Conversation]).expect_err("dead");
    let took = began.elapsed();
    assert!(error.message.contains("has not answered"), "{error}");
    assert!((Duration::from_secs(6)..Duration::from_secs(15)).contains(&took), "{took:?}");
}
