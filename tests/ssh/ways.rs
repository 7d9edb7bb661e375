//! The way to a server: names, settings, jumps, commands.

use crate::carry::lacks;
use crate::sshd::{Server, Setup, free_port};
use crate::support::Lacking;
use crate::talk::{Talk, carry, options};
use probity::transport::ssh::{Connection, Destination, connect};
use probity::transport::{Options, Patience, Unreachable, UnreachableKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn go(host: &str, port: Option<u16>, options: &Options) -> Result<Connection, Unreachable> {
    connect(&Destination { host, user: None, port }, options, &AtomicBool::new(false))
}

fn works(connection: &Connection) {
    let mut talks = [Talk::new("echo there")];
    carry(connection, &mut talks);
    assert_eq!(talks[0].heard(), "there\n");
}

fn let_in(host: &str, port: Option<u16>, options: &Options) {
    works(&go(host, port, options).unwrap_or_else(|error| panic!("{error}")));
}

fn kept_out(host: &str, port: Option<u16>, options: &Options) -> Unreachable {
    go(host, port, options).err().expect("kept out")
}

fn config(server: &Server, text: &str) -> PathBuf {
    let path = server.folder.path().join("config");
    std::fs::write(&path, text).expect("written");
    path
}

#[test]
fn a_name_of_the_settings_leads_to_its_host() {
    if lacks("settings") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let settings = format!(
        "Host web*\n HostName {}\n Port {}\n User root\n IdentityFile {}\n UserKnownHostsFile {}\n \
         HostKeyAlias the-web\n IdentitiesOnly yes\n",
        server.host(),
        server.port(),
        server.key().display(),
        server.known_hosts("ed25519").display()
    );
    let alone = |settings: &str| Options {
        ssh_config: Some(config(&server, settings)),
        identities: Vec::new(),
        known_hosts: Vec::new(),
        ..options(&server)
    };
    let error = kept_out("web1", None, &alone(&settings));
    assert_eq!(error.kind, UnreachableKind::HostKey, "{error}");
    let options = alone(&settings);
    std::fs::write(server.folder.path().join("known_hosts"), format!("the-web {}\n", server.host_key("ed25519")))
        .expect("written");
    let_in("web1", None, &options);
    // Who is asked for on the command line outweighs it.
    let options = Options { user: Some("nobody-there".to_string()), ..options };
    let error = kept_out("web1", None, &options);
    assert!(error.kind == UnreachableKind::Authentication && error.message.contains("as nobody-there"), "{error}");
}

#[test]
fn ipv6_and_names_of_the_machine_lead_there() {
    if lacks("names and IPv6") || !std::path::Path::new("/proc/net/if_inet6").exists() {
        return;
    }
    let server = Server::openssh(&Setup { ipv6: true, ..Setup::default() });
    let options = options(&server);
    let_in("::1", Some(server.port()), &options);
    let_in("[::1]", Some(server.port()), &options);
    // localhost is 127.0.0.1 first in most files, where nothing listens: the next one counts.
    let known = server.folder.path().join("known_hosts");
    std::fs::write(known, format!("[localhost]:{} {}\n", server.port(), server.host_key("ed25519"))).expect("written");
    let hosts = std::fs::read_to_string("/etc/hosts").expect("hosts");
    let names_it =
        |line: &str| line.starts_with("::1") && line.split_ascii_whitespace().any(|name| name == "localhost");
    if hosts.lines().any(names_it) {
        let_in("localhost", Some(server.port()), &options);
    }
}

#[test]
fn hosts_on_the_way_are_gone_through_in_turn() {
    if lacks("jump hosts") {
        return;
    }
    let [first, second, last] = [(); 3].map(|()| Server::openssh(&Setup::default()));
    let known = last.folder.path().join("known");
    let lines =
        [&first, &second, &last].map(|server| format!("{} {}\n", server.known_as(), server.host_key("ed25519")));
    std::fs::write(&known, lines.concat()).expect("written");
    let options = Options {
        known_hosts: vec![known.clone()],
        identities: vec![first.key(), second.key(), last.key()],
        ..options(&last)
    };
    let over = |jumps: &[String]| Options { jumps: jumps.to_vec(), ..options.clone() };
    let [one, two] = [&first, &second].map(|server| format!("root@{}:{}", server.host(), server.port()));
    let go_through = |options: &Options| {
        let before = [&first, &second].map(|server| server.log().matches("Accepted publickey").count());
        let connection = go("127.0.0.1", Some(last.port()), options).unwrap_or_else(|error| panic!("{error}"));
        works(&connection);
        let mut talks = [
            Talk::new("head -c 10000000 /dev/zero"),
            Talk::saying("wc -c", &vec![b'x'; 5_000_000]),
            Talk::new("sleep 0.3; echo late"),
        ];
        carry(&connection, &mut talks);
        assert_eq!((talks[0].stdout.len(), talks[1].heard().trim()), (10_000_000, "5000000"));
        assert_eq!(talks[2].heard(), "late\n");
        let after = [&first, &second].map(|server| server.log().matches("Accepted publickey").count());
        [after[0] - before[0], after[1] - before[1]]
    };
    assert_eq!(go_through(&over(std::slice::from_ref(&one))), [1, 0]);
    assert_eq!(go_through(&over(&[one.clone(), two.clone()])), [1, 1]);
    assert_eq!(go_through(&over(&[format!("{two},{one}")])), [1, 1]);
    let settings = format!(
        "Host 127.0.0.1\n ProxyJump gate\nHost gate\n HostName {}\n Port {}\n User root\n ProxyJump outer\n\
         Host outer\n HostName {}\n Port {}\n",
        second.host(),
        second.port(),
        first.host(),
        first.port()
    );
    // The hosts of this test share one address, so only the last is meant by its settings.
    let by_settings = Options { ssh_config: Some(config(&last, &settings)), ..options.clone() };
    assert_eq!(go_through(&by_settings), [1, 1]);
    assert_eq!(go_through(&Options { jumps: vec!["none".to_string()], ..by_settings }), [0, 0]);

    // Each hop is checked, and each trouble names where it is.
    std::fs::write(&known, lines[1..].concat()).expect("written");
    let error = kept_out("127.0.0.1", Some(last.port()), &over(&[one.clone(), two.clone()]));
    assert!(error.kind == UnreachableKind::HostKey && error.message.contains(&first.port().to_string()), "{error}");
    std::fs::write(&known, lines.concat()).expect("written");
    let nobody = free_port(false).port();
    let error = kept_out("127.0.0.1", Some(nobody), &over(std::slice::from_ref(&one)));
    assert!(error.kind == UnreachableKind::Refused && error.message.contains("cannot connect to"), "{error}");
    let error = kept_out("127.0.0.1", Some(nobody), &over(&["a b".to_string()]));
    assert!(error.kind == UnreachableKind::Setup && error.message.contains("[user@]host[:port]"), "{error}");
    let round = config(&first, "Host *\n ProxyJump other\n");
    let error = kept_out("127.0.0.1", Some(nobody), &Options { ssh_config: Some(round), ..options.clone() });
    assert!(error.kind == UnreachableKind::Setup && error.message.contains("jump over one another"), "{error}");
    let forbids = Server::openssh(&Setup { config: "AllowTcpForwarding no", ..Setup::default() });
    let line = format!("{} {}\n", forbids.known_as(), forbids.host_key("ed25519"));
    std::fs::write(&known, format!("{line}{}", lines.concat())).expect("written");
    let mut options = over(&[format!("root@127.0.0.1:{}", forbids.port())]);
    options.identities.push(forbids.key());
    let error = kept_out("127.0.0.1", Some(last.port()), &options);
    assert!(error.message.contains("AllowTcpForwarding"), "{error}");
}

#[test]
fn a_hop_that_dies_takes_the_connection_with_it_and_leaves_no_thread() {
    if lacks("dying hops") {
        return;
    }
    let [gate, node] = [(); 2].map(|()| Server::openssh(&Setup::default()));
    let known = node.folder.path().join("known");
    let lines = [&gate, &node].map(|server| format!("{} {}\n", server.known_as(), server.host_key("ed25519")));
    std::fs::write(&known, lines.concat()).expect("written");
    let options = Options {
        known_hosts: vec![known],
        identities: vec![gate.key(), node.key()],
        jumps: vec![format!("root@127.0.0.1:{}", gate.port())],
        ..options(&node)
    };
    let sessions = |server: &Server| {
        let list = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.pid())).unwrap_or_default();
        list.split_ascii_whitespace().map(str::to_string).collect::<Vec<_>>()
    };
    let gone = |server: &Server| {
        let end = Instant::now() + Duration::from_secs(10);
        while !sessions(server).is_empty() {
            assert!(Instant::now() < end, "a session is left");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let connection = go("127.0.0.1", Some(node.port()), &options).expect("reached");
    assert_eq!(sessions(&gate).len(), 1);
    drop(connection);
    gone(&gate);
    gone(&node);
    let connection = go("127.0.0.1", Some(node.port()), &options).expect("reached");
    for session in sessions(&gate) {
        crate::sshd::run(std::process::Command::new("kill").args(["-KILL", &session]));
    }
    use probity::transport::shell::Carrier as _;
    let mut talk = Talk::new("sleep 30");
    let began = Instant::now();
    let error = connection.carry(&mut [&mut talk]).expect_err("lost");
    assert!(error.message.contains("lost") && began.elapsed() < Duration::from_secs(5), "{error}");
    connection.renew().expect("made anew");
    works(&connection);
}

#[test]
fn a_command_may_lead_there() {
    if lacks("ProxyCommand") || !Lacking::default().has("bash", "ProxyCommand") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let command = "bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & exec cat >&3'";
    let path = config(&server, &format!("ProxyCommand {command}\n"));
    let options = Options { ssh_config: Some(path), ..options(&server) };
    let connection = go("127.0.0.1", Some(server.port()), &options).unwrap_or_else(|error| panic!("{error}"));
    let mut talks = [Talk::new("head -c 3000000 /dev/zero")];
    carry(&connection, &mut talks);
    assert_eq!(talks[0].stdout.len(), 3_000_000);
    for (command, said) in [("echo no way here >&2; exit 1", "no way here"), ("nonexistent-proxy", "not found")] {
        let path = server.folder.path().join(format!("config-{}", command.len()));
        std::fs::write(&path, format!("ProxyCommand sh -c '{command}'\n")).expect("written");
        let error = kept_out("127.0.0.1", Some(server.port()), &Options { ssh_config: Some(path), ..options.clone() });
        assert!(error.message.contains("the ProxyCommand says: ") && error.message.contains(said), "{error}");
    }
}

#[test]
fn what_is_in_the_way_of_a_connection_is_told_apart() {
    let options = Options {
        ssh_config: Some("none".into()),
        patience: Patience { connect: Duration::from_millis(800), retries: 0, ..Patience::default() },
        ..Options::default()
    };
    let error = kept_out("127.0.0.1", Some(free_port(false).port()), &options);
    assert!(error.kind == UnreachableKind::Refused && error.message.starts_with("connection refused"), "{error}");
    let error = kept_out("no-such-host.invalid", None, &options);
    assert!(
        error.kind == UnreachableKind::UnknownHost && error.message.contains("unknown host no-such-host"),
        "{error}"
    );
    // Multicast is no address to connect to.
    let error = kept_out("224.0.0.1", None, &options);
    assert!(error.kind == UnreachableKind::NoRoute || error.kind == UnreachableKind::Failed, "{error}");
    let error = kept_out("fe80::1%nothing0", None, &options);
    assert!(error.kind == UnreachableKind::UnknownHost && error.message.contains("no interface"), "{error}");
    let missing = Options { ssh_config: Some("/nonexistent/config".into()), ..options.clone() };
    let error = kept_out("127.0.0.1", None, &missing);
    assert!(error.kind == UnreachableKind::Setup && error.message.contains("/nonexistent/config"), "{error}");
}

#[test]
fn what_may_pass_is_tried_again_until_it_is_stopped() {
    let address = free_port(false);
    let options = Options {
        ssh_config: Some("none".into()),
        patience: Patience { connect: Duration::from_secs(1), retries: 2, ..Patience::default() },
        ..Options::default()
    };
    // 0.5 s and 1 s between three attempts.
    let began = Instant::now();
    let error = kept_out("127.0.0.1", Some(address.port()), &options);
    assert_eq!(error.kind, UnreachableKind::Refused);
    assert!((Duration::from_millis(1500)..Duration::from_secs(4)).contains(&began.elapsed()), "{:?}", began.elapsed());
    // A host that is unknown will be so in a second.
    let began = Instant::now();
    kept_out(
        "no-such-host.invalid",
        None,
        &Options { patience: Patience { retries: 9, ..options.patience }, ..options.clone() },
    );
    assert!(began.elapsed() < Duration::from_secs(3));
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, Ordering::Release);
        });
        let destination = Destination { host: "127.0.0.1", user: None, port: Some(address.port()) };
        let many = Options { patience: Patience { retries: 99, ..options.patience }, ..options.clone() };
        let error = connect(&destination, &many, &stop).err().expect("stopped");
        assert_eq!(error.kind, UnreachableKind::Interrupted, "{error}");
    });
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}
