use super::*;
use std::process::Command;

fn asked(host: &str, config: &Path) -> Asked {
    Asked { host: host.to_string(), user: None, port: None, files: Files::Only(config.to_path_buf()) }
}

fn ours(text: &str, host: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    std::fs::write(&path, text).expect("written");
    let asked = asked(host, &path);
    Settings::from_pairs(&asked, &reader::pairs(&asked)?, &Myself::find())
}

fn has_client() -> bool {
    Command::new("ssh").arg("-V").output().is_ok_and(|output| output.status.success())
}

/// What the client makes of the same file.
fn theirs(text: &str, host: &str) -> Settings {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    std::fs::write(&path, text).expect("written");
    let asked = asked(host, &path);
    let pairs = client::pairs(&asked, "unclear").expect("the client reads it");
    Settings::from_pairs(&asked, &pairs, &Myself::find()).expect("understood")
}

#[test]
fn our_reader_and_the_client_agree() {
    if !has_client() {
        eprintln!("skipped: no ssh client to compare with");
        return;
    }
    let texts = [
        "",
        "# nothing\n\n  # at all\n",
        "Host web*\n HostName 10.0.0.1\n User ops\n Port 2222\nHost *\n User root\n Port 22\n",
        "User first\nHost *\n User second\n",
        "Host * !web1\n User others\nHost web1\n User one\n",
        "Host !web2 web?\n  User a\n",
        "host=web1\n hostname = %h.example.com\n",
        "HOST web1\n\tPORT=2200\n\tuser \"a user\"\n",
        "IdentityFile ~/.ssh/one\nIdentityFile %d/.ssh/two\nIdentityFile /keys/%r-%h-%p-%n-%u\nIdentitiesOnly yes\n",
        "Host web1\n IdentityFile /a\nHost *\n IdentityFile /b\n",
        "ProxyJump a,b@c:22\nProxyCommand nc %h %p\n",
        "ProxyCommand nc -X \"a b\" %h %p # not a comment\nProxyJump a\n",
        "ProxyJump none\nProxyCommand nc %h %p\n",
        "ProxyCommand none\nProxyJump a\n",
        "ProxyJump none\nProxyJump a\n",
        "UserKnownHostsFile /a /b\nGlobalKnownHostsFile \"/c\"\n",
        "UserKnownHostsFile none\n",
        "HostKeyAlias other\nHashKnownHosts yes\nStrictHostKeyChecking accept-new\n",
        "StrictHostKeyChecking no\nConnectTimeout 7\nServerAliveInterval 1m\nAddressFamily inet6\n",
        "StrictHostKeyChecking yes\nIdentityAgent none\n",
        "IdentityAgent /run/agent-%u\nCertificateFile /c-cert.pub\n",
        "Match all\n User everybody\n",
        "Host nothing\n User nobody\nMatch all\n Port 77\n",
        "HostKeyAlgorithms rsa-sha2-512,ssh-ed25519\n",
    ];
    for text in texts {
        for host in ["web1", "web2", "10.0.0.9"] {
            let (mut own, mut client) = (ours(text, host).expect(text), theirs(text, host));
            // The client prints its defaults for what was not set; these are not ours to match.
            if own.host_key_algorithms.is_none() {
                client.host_key_algorithms = None;
            }
            if !text.contains("IdentityFile") {
                own.identities.clear();
                client.identities.clear();
            }
            assert_eq!(own, client, "{text:?} {host}");
        }
    }
}

#[test]
fn what_our_reader_cannot_judge_names_its_line() {
    for (text, place) in [
        ("User a\n\nMatch host web1\n User b\n", ":3: cannot judge Match host web1"),
        ("Match exec true\n", ":1: cannot judge Match exec true"),
        ("CanonicalizeHostname yes\n", ":1: cannot judge CanonicalizeHostname"),
        ("Include ~/.ssh/[ab]\n", ":1: cannot judge Include"),
        ("User\n", ":1: no value for user"),
    ] {
        let error = ours(text, "web1").expect_err(text);
        assert!(error.contains(place), "{text:?}: {error}");
    }
    // A Match of another host's lines is not passed over: it may be meant for all.
    assert!(ours("Host other\nMatch user x\n", "web1").is_err());
    for text in [
        "Port 99999\n",
        "Port x\n",
        "ConnectTimeout soon\n",
        "ProxyCommand x %q\n",
        "IdentityFile ${NO_SUCH_VARIABLE}\n",
    ] {
        ours(text, "web1").expect_err(text);
    }
}

#[test]
fn the_client_is_asked_for_what_our_reader_cannot_judge() {
    if !has_client() {
        eprintln!("skipped: no ssh client to ask");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    std::fs::write(&path, "Match host web1 exec \"true\"\n User matched\n Port 2244\n").expect("written");
    let settings = Settings::resolve(&asked("web1", &path)).expect("resolved");
    assert_eq!((settings.user.as_str(), settings.port), ("matched", 2244));
    let asked = Asked { user: Some("given".to_string()), port: Some(1), ..asked("web1", &path) };
    let settings = Settings::resolve(&asked).expect("resolved");
    assert_eq!((settings.user.as_str(), settings.port), ("given", 1));
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "Match nonsense\n").expect("written");
    let error = Settings::resolve(&self::asked("web1", &broken)).expect_err("broken").message.to_string();
    assert!(error.contains("broken:1: cannot judge") && error.contains("ssh -G web1 failed"), "{error}");
}

#[test]
fn files_include_others_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let parts = folder.path().join("parts");
    std::fs::create_dir(&parts).expect("a folder");
    std::fs::write(parts.join("2.conf"), "User second\nPort 2\n").expect("written");
    std::fs::write(parts.join("1.conf"), "Host web1\n User first\nHost other\n").expect("written");
    std::fs::write(parts.join(".hidden.conf"), "Port 9\n").expect("written");
    let path = folder.path().join("config");
    let text = |pattern: &str| format!("Include {}/{pattern}\nPort 7\nUser last\n", parts.display());
    let of = |text: String, host: &str| {
        std::fs::write(&path, text).expect("written");
        let asked = asked(host, &path);
        let settings = reader::pairs(&asked).and_then(|pairs| Settings::from_pairs(&asked, &pairs, &Myself::find()));
        let settings = settings.expect("read");
        (settings.user, settings.port)
    };
    assert_eq!(of(text("*.conf"), "web1"), ("first".to_string(), 2));
    assert_eq!(of(text("*.conf"), "web2"), ("second".to_string(), 2));
    assert_eq!(of(text("1.conf"), "web2"), ("last".to_string(), 7));
    assert_eq!(of(text("missing*"), "web1"), ("last".to_string(), 7));
    std::fs::write(&path, format!("Include {}\n", path.display())).expect("written");
    assert!(reader::pairs(&asked("web1", &path)).expect_err("a circle").contains("too deep"));
}

#[test]
fn times_are_read_as_sshd_reads_them() {
    for (text, expected) in
        [("0", 0), ("90", 90), ("10m", 600), ("1h30m", 5400), ("1d", 86400), ("2w1s", 1_209_601), ("none", 0)]
    {
        assert_eq!(seconds("x", text), Ok(Duration::from_secs(expected)), "{text}");
    }
    for text in ["", "m", "1y", "-1", "99999999999999999999", "9999999999999999w"] {
        seconds("x", text).expect_err(text);
    }
}
