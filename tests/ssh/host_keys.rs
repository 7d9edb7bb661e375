//! Whether the server is who it is known as.

use crate::carry::lacks;
use crate::sshd::{Server, Setup, keygen, run, text};
use crate::talk::{Talk, carry, options, reach};
use probity::transport::{HostKeyCheck, Options, UnreachableKind};
use std::path::Path;
use std::process::Command;

fn write(server: &Server, text: &str) {
    std::fs::write(server.folder.path().join("known_hosts"), text).expect("written");
}

/// With a known_hosts file that the test wrote.
fn with(server: &Server, check: Option<HostKeyCheck>) -> Options {
    let known = server.folder.path().join("known_hosts");
    Options { known_hosts: vec![known], host_key_check: check, ..options_without_file(server) }
}

fn options_without_file(server: &Server) -> Options {
    let before = std::fs::read(server.folder.path().join("known_hosts")).ok();
    let options = options(server);
    let path = server.folder.path().join("known_hosts");
    match before {
        Some(before) => std::fs::write(path, before).expect("written"),
        None => std::fs::remove_file(path).expect("removed"),
    }
    options
}

fn refused(server: &Server, check: Option<HostKeyCheck>) -> String {
    match reach(server, &with(server, check)) {
        Ok(_) => panic!("it was let in"),
        Err(error) => {
            assert_eq!(error.kind, UnreachableKind::HostKey, "{error}");
            error.message.to_string()
        }
    }
}

fn accepted(server: &Server, check: Option<HostKeyCheck>) {
    let connection = reach(server, &with(server, check)).unwrap_or_else(|error| panic!("{error}"));
    let mut talks = [Talk::new("true")];
    carry(&connection, &mut talks);
}

#[test]
fn only_a_known_key_will_do() {
    if lacks("known_hosts") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let (name, key) = (server.known_as(), server.host_key("ed25519"));
    let other = server.folder.path().join("other");
    keygen(&["-t", "ed25519", "-f", &text(&other)]);
    let other = std::fs::read_to_string(other.with_extension("pub")).expect("a key");

    write(&server, &format!("# nothing of it\n[127.0.0.1]:1 {other}\nelsewhere {key}\n"));
    let said = refused(&server, None);
    let fingerprint =
        run(Command::new("ssh-keygen").args(["-lf", &text(&server.folder.path().join("host_ed25519.pub"))]));
    let fingerprint = fingerprint.split(' ').nth(1).expect("a fingerprint");
    assert!(said.contains(&format!("is not known: ssh-ed25519 {fingerprint}")), "{said}");
    assert!(said.contains("ssh-keyscan -p") && said.contains("--host-key-check accept-new"), "{said}");

    write(&server, &format!("\n\nelsewhere {key}\n{name} {other}\n"));
    for check in [None, Some(HostKeyCheck::AcceptNew)] {
        let said = refused(&server, check);
        assert!(said.contains("has CHANGED") && said.contains("known_hosts:4 "), "{said}");
    }
    accepted(&server, Some(HostKeyCheck::Off));

    write(&server, &format!("{name} {key}\n@revoked * {key}\n"));
    let said = refused(&server, Some(HostKeyCheck::AcceptNew));
    assert!(said.contains("is REVOKED by") && said.contains("known_hosts:2"), "{said}");

    for line in [
        format!("{name} {key} a comment"),
        format!("  *,!elsewhere {key}"),
        format!("other,[127.0.*]:* {key}"),
        // Without a port, it is a stand-in for every port.
        format!("127.0.0.1 {key}"),
        format!("{name} {other}{name} {key}"),
    ] {
        write(&server, &line);
        accepted(&server, None);
    }
    write(&server, &format!("*,!{name},!127.0.0.1 {key}"));
    assert!(refused(&server, None).contains("is not known"));
    write(&server, &format!("{name} {key}\n"));
    run(Command::new("ssh-keygen").args(["-H", "-f", &text(&server.folder.path().join("known_hosts"))]));
    let hashed = std::fs::read_to_string(server.folder.path().join("known_hosts")).expect("read");
    assert!(hashed.starts_with("|1|") && !hashed.contains("127.0.0.1"), "{hashed}");
    accepted(&server, None);
}

#[test]
fn a_server_with_several_keys_shows_the_one_that_is_known() {
    if lacks("several host keys") {
        return;
    }
    let kinds = ["rsa", "ecdsa", "ed25519"];
    let server = Server::openssh(&Setup { host_keys: &kinds, ..Setup::default() });
    for kind in kinds {
        write(&server, &format!("{} {}\n", server.known_as(), server.host_key(kind)));
        accepted(&server, None);
    }
    // Another key of a known type is a change, and so is a server that lost its known type.
    let stranger = server.folder.path().join("stranger");
    keygen(&["-t", "ecdsa", "-b", "384", "-f", &text(&stranger)]);
    let stranger = std::fs::read_to_string(stranger.with_extension("pub")).expect("a key");
    write(&server, &format!("{} {stranger}", server.known_as()));
    assert!(refused(&server, Some(HostKeyCheck::AcceptNew)).contains("has CHANGED"));
}

#[test]
fn a_new_key_is_written_down_once_by_many_at_once() {
    if lacks("accept-new") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let folder = server.folder.path().join("new/folder");
    let file = folder.join("known_hosts");
    let options = Options {
        known_hosts: vec![file.clone()],
        host_key_check: Some(HostKeyCheck::AcceptNew),
        ..options_without_known(&server)
    };
    let reached = |options: &Options| drop(reach(&server, options).unwrap_or_else(|error| panic!("{error}")));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| reached(&options));
        }
    });
    let written = std::fs::read_to_string(&file).expect("written");
    assert_eq!(written, format!("{} {}\n", server.known_as(), server.host_key("ed25519")));
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&folder), 0o700);
    // From now on it is known.
    reached(&Options { host_key_check: None, ..options.clone() });

    // Hashed, behind a last line without its end.
    let config = server.folder.path().join("config");
    std::fs::write(&config, "HashKnownHosts yes\nStrictHostKeyChecking accept-new\n").expect("written");
    std::fs::write(&file, "# no end of line").expect("written");
    reached(&Options { ssh_config: Some(config), host_key_check: None, ..options.clone() });
    let written = std::fs::read_to_string(&file).expect("written");
    assert!(written.starts_with("# no end of line\n|1|") && written.lines().count() == 2, "{written}");
    reached(&Options { host_key_check: None, ..options.clone() });
    let found = Command::new("ssh-keygen").args(["-F", &server.known_as(), "-f", &text(&file)]).output().expect("run");
    assert!(found.status.success(), "the client does not find it: {written}");
}

fn options_without_known(server: &Server) -> Options {
    Options { known_hosts: Vec::new(), ..options(server) }
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path).expect("there")) & 0o777
}

#[test]
fn a_certificate_is_as_good_as_its_authority_its_names_and_its_days() {
    if lacks("host certificates") {
        return;
    }
    for authority in ["ed25519", "ecdsa", "rsa"] {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca");
        keygen(&["-t", authority, "-f", &text(&ca)]);
        let certificate = folder.path().join("cert.pub");
        std::fs::write(&certificate, "").expect("written");
        let config = format!("HostCertificate {}", certificate.display());
        // A new server for each: a server reads its certificate when it starts.
        let signed = |arguments: &[&str]| {
            let host = folder.path().join("host");
            let _ = std::fs::remove_file(&host);
            keygen(&["-t", "ed25519", "-f", &text(&host)]);
            let public = host.with_extension("pub");
            run(Command::new("ssh-keygen").args(["-q", "-s", &text(&ca), "-I", "id"]).args(arguments).arg(&public));
            std::fs::rename(folder.path().join("host-cert.pub"), &certificate).expect("moved");
            let config = format!("{config}\nHostKey {}", host.display());
            Server::openssh(&Setup { config: &config, ..Setup::default() })
        };
        let public = std::fs::read_to_string(ca.with_extension("pub")).expect("a key");
        let cases: [(&[&str], &str); 5] = [
            (&["-h", "-n", "elsewhere,127.0.0.1", "-V", "-1d:+1d"], ""),
            (&["-h"], ""),
            (&["-h", "-n", "elsewhere"], "it names elsewhere, not this host"),
            (&["-h", "-n", "127.0.0.1", "-V", "-2d:-1d"], "it has expired"),
            (&["-h", "-n", "127.0.0.1", "-V", "+1d:+2d"], "it is not valid yet"),
        ];
        for (arguments, why) in cases {
            let server = signed(arguments);
            write(&server, &format!("@cert-authority {},nowhere {public}", server.known_as()));
            if why.is_empty() {
                accepted(&server, None);
            } else {
                let said = refused(&server, Some(HostKeyCheck::AcceptNew));
                assert!(said.contains(why), "{authority} {arguments:?}: {said}");
            }
            // The authority of other hosts is not that of this one.
            write(&server, &format!("@cert-authority nowhere {public}"));
            assert!(refused(&server, None).contains("is not known"), "{authority} {arguments:?}");
        }
        let server = signed(&["-h", "-n", "127.0.0.1"]);
        write(&server, &format!("@cert-authority * {public}@revoked * {public}"));
        assert!(refused(&server, None).contains("REVOKED"));
        // A key that is known by itself needs no authority.
        let host = std::fs::read_to_string(folder.path().join("host.pub")).expect("a key");
        write(&server, &format!("{} {host}@cert-authority * {}", server.known_as(), server.host_key("ed25519")));
        accepted(&server, None);
    }
}
