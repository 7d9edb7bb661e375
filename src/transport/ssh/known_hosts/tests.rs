use super::*;
use std::path::Path;

const ED: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIGdjv5Ju2cZCRFO0BDO3+zAnMOVzEI+4RFrKhNhRBbVM";

fn entries(text: &str) -> Vec<Arc<Entry>> {
    entry::read(text, &Arc::from(Path::new("/k")))
}

#[test]
fn lines_that_are_none_are_passed_over() {
    let text = format!(
        "# comment\n\n   \nweb1\nweb1 ssh-ed25519\n@later web1 ssh-ed25519 {ED}\nweb1 1024 35 12345\n|1|bad|worse ssh-ed25519 {ED}\n\
         |1|{ED} ssh-ed25519 {ED}\nweb1 ssh-ed25519 {ED} and a comment\n"
    );
    let read = entries(&text);
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!((read[0].place().as_str(), read[0].names("WEB1"), read[0].names("web2")), ("/k:10", true, false));
}

#[test]
fn a_hashed_name_is_the_one_ssh_keygen_writes() {
    // ssh-keygen -H of "web1".
    let salt = [7u8; 20];
    let hash = entry::hashed(&salt, "web1").expect("hashed");
    assert_eq!(hash.len(), 20);
    assert_ne!(hash, entry::hashed(&salt, "web2").expect("hashed"));
    use base64::Engine as _;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let line = format!("|1|{}|{} ssh-ed25519 {ED}", base64(&salt), base64(&hash));
    assert!(entries(&line)[0].names("web1") && !entries(&line)[0].names("web2"));
}

fn known(text: &str, host: &str, port: u16) -> KnownHosts {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    KnownHosts::read(&[file.path().to_path_buf(), "/nonexistent/known_hosts".into()], host, port, None).expect("read")
}

#[test]
fn known_types_come_first_and_certificates_only_with_an_authority() {
    let first = |text: &str| known(text, "web1", 22).algorithms(None).split(',').next().unwrap_or_default().to_string();
    assert_eq!(first(""), "ssh-ed25519");
    assert_eq!(first("web1 ecdsa-sha2-nistp384 AAAA"), "ecdsa-sha2-nistp384");
    assert_eq!(first("web1 ssh-rsa AAAA"), "rsa-sha2-512");
    assert_eq!(first("web2 ssh-rsa AAAA"), "ssh-ed25519");
    assert_eq!(first("@revoked web1 ssh-rsa AAAA"), "ssh-ed25519");
    assert_eq!(first("@cert-authority web* ssh-rsa AAAA"), "ssh-ed25519-cert-v01@openssh.com");
    let none = known("", "web1", 22);
    assert_eq!(none.algorithms(Some("rsa-sha2-256,ssh-dss")), "rsa-sha2-256");
    assert_eq!(none.algorithms(Some("+ssh-rsa")), none.algorithms(None));
    assert!(!none.algorithms(None).split(',').any(|name| name == "ssh-rsa"));
}

#[test]
fn a_port_belongs_to_the_name() {
    let text = format!("web1 ssh-ed25519 {ED}\n");
    use base64::Engine as _;
    let blob = base64::engine::general_purpose::STANDARD.decode(ED).expect("a key");
    let key = HostKey::read(&blob).expect("a key");
    assert_eq!(key.kind(), "ssh-ed25519");
    let judge = |text: &str, port| known(text, "Web1", port).judge(&key, SystemTime::now());
    assert_eq!(judge(&text, 22), Verdict::Known);
    // A key without a port stands in for others where it fits, and says nothing where not.
    assert_eq!(judge(&text, 2222), Verdict::Known);
    assert_eq!(judge("web1 ssh-ed25519 AAAA", 2222), Verdict::Unknown);
    let Verdict::Changed { place, kind } = judge("web1 ssh-ed25519 AAAA", 22) else { panic!("not changed") };
    assert!(place.ends_with(":1") && kind == "ssh-ed25519", "{place} {kind}");
    assert_eq!(judge(&text.replace("web1", "[web1]:2222"), 2222), Verdict::Known);
    assert_eq!(judge(&text.replace("web1", "[web1]:2222"), 22), Verdict::Unknown);
    assert_eq!(known("", "[::1]", 2222).name(), "[::1]:2222");
    assert_eq!(known("", "::1", 22).name(), "::1");
}

#[test]
fn what_is_no_key_is_none() {
    for blob in [&b""[..], b"\0\0", b"\0\0\0\x05abc", b"\xff\xff\xff\xff", b"\0\0\0\x01\xff"] {
        assert!(HostKey::read(blob).is_none(), "{blob:?}");
    }
    let blob = b"\0\0\0\x20ssh-ed25519-cert-v01@openssh.com\0\0";
    let key = HostKey::read(blob).expect("a type");
    assert!(matches!(known("", "web1", 22).judge(&key, SystemTime::now()), Verdict::NoCertificate { .. }));
    assert!(key.fingerprint().starts_with("SHA256:"));
}

#[test]
fn many_threads_write_whole_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("known_hosts");
    std::thread::scope(|scope| {
        for number in 0..64 {
            let file = &file;
            scope.spawn(move || {
                append(file, &format!("web{number}"), "ssh-ed25519", b"key", number % 2 == 0).expect("written");
                append(file, "shared", "ssh-ed25519", b"key", false).expect("written");
            });
        }
    });
    let text = std::fs::read_to_string(&file).expect("read");
    let read = entries(&text);
    assert_eq!((read.len(), text.lines().count()), (65, 65));
    assert!((0..64).all(|number| read.iter().any(|entry| entry.names(&format!("web{number}")))));
    let failed =
        append(Path::new("/dev/null/known_hosts"), "web1", "ssh-ed25519", b"key", false).expect_err("no folder");
    assert!(failed.contains("/dev/null/known_hosts"), "{failed}");
}
