//! What connecting and one command cost beside ssh(1): `cargo test --test ssh speed --
//! --ignored --nocapture`.

use crate::carry::lacks;
use crate::sshd::{Server, Setup, text};
use crate::talk::{Talk, carry, reached};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TIMES: u32 = 100;

#[test]
#[ignore = "measures; run alone"]
fn connecting_costs_no_more_than_the_client() {
    if lacks("speed") {
        return;
    }
    let server = Server::openssh(&Setup { config: "LogLevel ERROR", ..Setup::default() });
    let known = server.known_hosts("ed25519");
    let ours = measure(|| {
        let connection = reached(&server);
        let mut talks = [Talk::new("true")];
        carry(&connection, &mut talks);
    });
    let theirs = measure(|| {
        let status = Command::new("ssh")
            .args(["-F", "none", "-o", "KexAlgorithms=curve25519-sha256", "-o", "BatchMode=yes"])
            .args(["-o", &format!("UserKnownHostsFile={}", known.display()), "-i", &text(&server.key())])
            .args(["-p", &server.port().to_string(), "root@127.0.0.1", "true"])
            .stdin(Stdio::null())
            .status();
        assert!(status.expect("ssh runs").success());
    });
    for (name, (wall, cpu)) in [("carrier", ours), ("ssh", theirs)] {
        eprintln!("{name}: {:.1} ms wall, {:.1} ms CPU", wall.as_secs_f64() * 1e3, cpu.as_secs_f64() * 1e3);
    }
    assert!(ours.1 < theirs.1 * 2, "{ours:?} {theirs:?}");
}

/// Wall time and CPU of this process and its children, each once.
fn measure(action: impl Fn()) -> (Duration, Duration) {
    action();
    let (began, before) = (Instant::now(), cpu());
    (0..TIMES).for_each(|_| action());
    (began.elapsed() / TIMES, (cpu() - before) / TIMES)
}

/// The clock ticks of proc_pid_stat(5): utime, stime, cutime, cstime. The server is a child
/// that has not ended, so it does not count.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("stat");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_ascii_whitespace().collect();
    let ticks: u64 = fields[11..15].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}
