//! Peers that are no SSH servers, or bad ones.

use probity::transport::ssh::{Destination, connect};
use probity::transport::{HostKeyCheck, Options, Patience, Unreachable, UnreachableKind};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What one does with who connects.
type Manners = fn(TcpStream);

/// What connecting to such a peer comes to, and how long that takes.
fn meet(manners: Manners) -> (Unreachable, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let thread = std::thread::spawn(move || {
        if let Ok((stream, _)) = listener.accept() {
            manners(stream);
        }
    });
    let options = Options {
        ssh_config: Some("none".into()),
        host_key_check: Some(HostKeyCheck::Off),
        patience: Patience { connect: Duration::from_millis(600), retries: 0, ..Patience::default() },
        ..Options::default()
    };
    let began = Instant::now();
    let destination = Destination { host: "127.0.0.1", user: Some("x"), port: Some(port) };
    let error = connect(&destination, &options, &AtomicBool::new(false)).err().expect("no server");
    let took = began.elapsed();
    thread.join().expect("the peer ends");
    (error, took)
}

fn flood(mut stream: TcpStream, bytes: &[u8]) {
    let block = bytes.repeat(65536 / bytes.len());
    let _ = stream.set_write_timeout(Some(Duration::from_secs(5)));
    while stream.write_all(&block).is_ok() {}
}

fn drain(mut stream: TcpStream) {
    let mut block = [0; 4096];
    while stream.read(&mut block).is_ok_and(|count| count > 0) {}
}

const BANNER: &[u8] = b"SSH-2.0-Hostile_1.0\r\n";

#[test]
fn a_peer_that_is_no_server_is_told_as_such() {
    let (error, _) = meet(drop);
    assert!(error.message.contains("closed the connection before it named itself"), "{error}");
    let (error, _) = meet(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    assert!(error.message.contains("closed the connection before it named itself"), "{error}");
    let (error, took) = meet(drain);
    assert!(error.kind == UnreachableKind::TimedOut && error.message.contains("says nothing"), "{error}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    let (error, took) = meet(|mut stream| {
        let _ = stream.write_all(BANNER);
        drain(stream);
    });
    assert!(error.kind == UnreachableKind::TimedOut && error.message.contains("stopped answering"), "{error}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    let (error, _) = meet(|mut stream| {
        let _ = stream.write_all(BANNER);
    });
    assert!(error.message.contains("during the key exchange") && error.message.contains("MaxStartups"), "{error}");
}

#[test]
fn a_peer_that_sends_without_end_is_cut() {
    for manners in [
        (|stream| flood(stream, b"\n")) as Manners,
        |stream| flood(stream, b"x"),
        |stream| flood(stream, b"\0"),
        |stream| flood(stream, b"no ssh here\r\n"),
        |mut stream| {
            let _ = stream.write_all(BANNER);
            flood(stream, b"\0");
        },
        |mut stream| {
            let _ = stream.write_all(BANNER);
            flood(stream, b"\xff\xff\xff\xff garbage");
        },
        // SSH_MSG_IGNORE in clear, for ever: 12 bytes, 4 of them padding.
        |mut stream| {
            let _ = stream.write_all(BANNER);
            flood(stream, &[0, 0, 0, 12, 6, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        },
    ] {
        let (error, took) = meet(manners);
        assert!(matches!(error.kind, UnreachableKind::Failed | UnreachableKind::TimedOut), "{error}");
        assert!(took < Duration::from_secs(6), "{took:?}: {error}");
    }
}

#[test]
fn garbage_in_place_of_a_key_exchange_does_no_harm() {
    let mut seed = 7u32;
    let mut random = |count: usize| -> Vec<u8> {
        let next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        std::iter::repeat_with(next).take(count).collect()
    };
    for round in 0..60 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // A packet whose length may be right, with a KEXINIT that is not.
        let mut bytes = BANNER.to_vec();
        let body = random(8 + round * 11);
        let length = if round % 3 == 0 { body.len() as u32 + 2 } else { u32::from_be_bytes([0, 0, 0, random(1)[0]]) };
        bytes.extend(length.to_be_bytes());
        bytes.extend([4, 20]);
        bytes.extend(&body);
        let thread = std::thread::spawn(move || {
            if let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.write_all(&bytes);
                let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
                drain(stream);
            }
        });
        let options = Options {
            ssh_config: Some("none".into()),
            patience: Patience { connect: Duration::from_secs(2), retries: 0, ..Patience::default() },
            ..Options::default()
        };
        let destination = Destination { host: "127.0.0.1", user: Some("x"), port: Some(port) };
        connect(&destination, &options, &AtomicBool::new(false)).err().expect("no server");
        thread.join().expect("the peer ends");
    }
}

#[test]
fn stopping_is_seen_while_a_peer_is_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let stop = AtomicBool::new(false);
    let options = Options {
        ssh_config: Some("none".into()),
        patience: Patience { connect: Duration::from_secs(30), retries: 5, ..Patience::default() },
        ..Options::default()
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            stop.store(true, Ordering::Release);
        });
        let destination = Destination { host: "127.0.0.1", user: None, port: Some(port) };
        let error = connect(&destination, &options, &stop).err().expect("stopped");
        assert_eq!(error.kind, UnreachableKind::Interrupted, "{error}");
    });
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
