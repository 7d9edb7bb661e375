//! Keys, certificates, agents and passwords.

use crate::carry::lacks;
use crate::sshd::{Server, Setup, keygen, run, text};
use crate::support::Lacking;
use crate::talk::{Talk, carry, options, reach};
use probity::transport::shell::{Carrier as _, Conversation, Exit};
use probity::transport::{Options, Secret, UnreachableKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn let_in(server: &Server, options: &Options) {
    let connection = reach(server, options).unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
    let mut talks = [Talk::new("echo in")];
    carry(&connection, &mut talks);
    assert_eq!(talks[0].heard(), "in\n");
}

fn kept_out(server: &Server, options: &Options) -> String {
    match reach(server, options) {
        Ok(_) => panic!("it was let in"),
        Err(error) => {
            assert_eq!(error.kind, UnreachableKind::Authentication, "{error}");
            error.message.to_string()
        }
    }
}

fn key(server: &Server, name: &str, arguments: &[&str]) -> PathBuf {
    let path = server.folder.path().join(name);
    keygen(&[arguments, &["-f", &text(&path)]].concat());
    path
}

fn public(key: &Path) -> String {
    std::fs::read_to_string(key.with_extension("pub")).expect("a public key")
}

fn with(server: &Server, identities: &[&Path]) -> Options {
    Options { identities: identities.iter().map(|path| path.to_path_buf()).collect(), ..options(server) }
}

#[test]
fn keys_of_every_kind_and_form_log_in() {
    if lacks("kinds of keys") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let forms: [(&str, &[&str]); 8] = [
        ("ed25519", &["-t", "ed25519"]),
        ("ecdsa256", &["-t", "ecdsa", "-b", "256"]),
        ("ecdsa384", &["-t", "ecdsa", "-b", "384"]),
        ("ecdsa521", &["-t", "ecdsa", "-b", "521"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
        ("ecdsa-pem", &["-t", "ecdsa", "-m", "PEM"]),
    ];
    for (name, arguments) in forms {
        let clear = key(&server, name, arguments);
        let locked = key(&server, &format!("{name}-locked"), &[arguments, &["-N", "open sesame"]].concat());
        server.authorize(&format!("{}{}", public(&clear), public(&locked)));
        let_in(&server, &with(&server, &[&clear]));
        let sesame = Some(Secret::new("open sesame"));
        let_in(&server, &Options { passphrase: sesame, ..with(&server, &[&locked]) });
        let said = kept_out(&server, &with(&server, &[&locked]));
        assert!(said.contains("is encrypted and no passphrase was given"), "{name}: {said}");
        let wrong = Some(Secret::new("open barley"));
        let said = kept_out(&server, &Options { passphrase: wrong, ..with(&server, &[&locked]) });
        assert!(said.contains("has another passphrase"), "{name}: {said}");
        assert!(!said.contains("barley"), "{said}");
    }
}

#[test]
fn a_passphrase_is_asked_for_once_for_many_nodes() {
    if lacks("prompts for passphrases") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let locked = key(&server, "asked-for", &["-t", "ed25519", "-N", "open sesame"]);
    server.authorize(&public(&locked));
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let prompt = move |what: &str| {
        assert!(what.contains("asked-for"), "{what}");
        count.fetch_add(1, Ordering::Relaxed);
        Some(Secret::new("open sesame"))
    };
    let options = Options { prompt: Some(Arc::new(prompt)), ..with(&server, &[&locked]) };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| let_in(&server, &options));
        }
    });
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn what_cannot_be_used_is_said_with_what_was_tried() {
    if lacks("refused keys") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let stranger = key(&server, "stranger", &["-t", "ed25519"]);
    let said = kept_out(&server, &with(&server, &[&stranger]));
    assert!(said.contains("tried ") && said.contains("stranger"), "{said}");
    assert!(said.contains("the server takes publickey"), "{said}");
    // Others after it are tried.
    let_in(&server, &with(&server, &[&stranger, &server.key()]));

    let missing = server.folder.path().join("missing");
    let error = reach(&server, &with(&server, &[&missing])).err().expect("missing");
    assert_eq!(error.kind, UnreachableKind::Setup);
    assert!(error.message.contains("missing, which -i names"), "{error}");

    let open = server.folder.path().join("open");
    std::fs::copy(server.key(), &open).expect("copied");
    run(Command::new("chmod").arg("644").arg(&open));
    let said = kept_out(&server, &with(&server, &[&open]));
    assert!(said.contains("can be read by others (mode 0644)"), "{said}");

    for (name, content) in [
        ("empty", ""),
        ("text", "hello\n"),
        ("cut", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbm\n"),
        ("broken", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
        ("nul", "\0\0\0"),
    ] {
        let path = server.folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        run(Command::new("chmod").arg("600").arg(&path));
        let said = kept_out(&server, &with(&server, &[&path]));
        assert!(said.contains(&format!("/{name} ")), "{said}");
    }
    let many: Vec<PathBuf> = (0..8).map(|number| key(&server, &format!("many{number}"), &["-t", "ed25519"])).collect();
    let many: Vec<&Path> = many.iter().map(PathBuf::as_path).collect();
    let said = kept_out(&server, &with(&server, &many));
    assert!(said.contains("hung up") && said.contains("IdentitiesOnly"), "{said}");
}

#[test]
fn a_certificate_beside_the_key_logs_in() {
    if lacks("user certificates") {
        return;
    }
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca");
        keygen(&["-t", "ed25519", "-f", &text(&ca)]);
        let config = format!("TrustedUserCAKeys {}.pub", ca.display());
        let server = Server::openssh(&Setup { config: &config, ..Setup::default() });
        let path = key(&server, "certified", &["-t", kind]);
        let sign = ["-q", "-s", &text(&ca), "-I", "id", "-n", "root", &text(&path.with_extension("pub"))];
        run(Command::new("ssh-keygen").args(sign));
        let_in(&server, &with(&server, &[&path]));
        // And one that another setting names.
        let elsewhere = server.folder.path().join("elsewhere");
        std::fs::rename(server.folder.path().join("certified-cert.pub"), &elsewhere).expect("moved");
        kept_out(&server, &with(&server, &[&path]));
        let config = server.folder.path().join("config");
        std::fs::write(&config, format!("CertificateFile {}\n", elsewhere.display())).expect("written");
        let_in(&server, &Options { ssh_config: Some(config), ..with(&server, &[&path]) });
    }
}

struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(folder: &Path) -> Agent {
        let socket = folder.join("agent");
        let child = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn();
        let agent = Agent { child: child.expect("an agent"), socket };
        while !agent.socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        agent
    }

    fn add(&self, key: &Path) {
        run(Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn keys_of_an_agent_log_in() {
    if lacks("agents") {
        return;
    }
    let server = Server::openssh(&Setup::default());
    let agent = Agent::start(server.folder.path());
    let settings = |more: &str| {
        // A file is read once a process.
        let config = server.folder.path().join(format!("config{}", more.len()));
        std::fs::write(&config, format!("IdentityAgent {}\n{more}", agent.socket.display())).expect("written");
        Options { ssh_config: Some(config), ..with(&server, &[]) }
    };
    let (ed25519, rsa) = (key(&server, "a", &["-t", "ed25519"]), key(&server, "b", &["-t", "rsa"]));
    server.authorize(&public(&ed25519));
    let said = kept_out(&server, &settings(""));
    assert!(said.contains("id_ed25519"), "{said}");
    agent.add(&rsa);
    let said = kept_out(&server, &settings(""));
    assert!(said.contains("of the agent"), "{said}");
    agent.add(&ed25519);
    let_in(&server, &settings(""));
    server.authorize(&public(&rsa));
    let_in(&server, &settings(""));
    // Only what a file names, were it the public half.
    let kept = server.folder.path().join("kept.pub");
    std::fs::rename(rsa.with_extension("pub"), &kept).expect("moved");
    std::fs::remove_file(&rsa).expect("removed");
    kept_out(&server, &settings("IdentitiesOnly yes\n"));
    let named = Options { identities: vec![kept], ..settings("IdentitiesOnly yes\n") };
    let_in(&server, &named);
    drop(agent);
    let agent = server.folder.path().join("agent");
    assert!(std::os::unix::net::UnixStream::connect(agent).is_err());
    let config = server.folder.path().join("config0");
    let_in(&server, &Options { ssh_config: Some(config), ..options_of(&server, &ed25519) });
}

fn options_of(server: &Server, key: &Path) -> Options {
    server.authorize(&public(key));
    with(server, &[key])
}

#[test]
fn a_password_is_given_where_it_is_asked_for() {
    if lacks("passwords") || !Lacking::default().has("openssl", "passwords") {
        return;
    }
    let methods = [
        "PasswordAuthentication yes\nKbdInteractiveAuthentication no",
        "PasswordAuthentication yes\nAuthenticationMethods publickey,password",
    ];
    for config in methods {
        let server = Server::openssh(&Setup { config, password: Some("quite secret"), ..Setup::default() });
        let identities: &[&Path] = if config.contains("publickey") { &[&server.key()] } else { &[] };
        let password = Some(Secret::new("quite secret"));
        let_in(&server, &Options { password: password.clone(), ..with(&server, identities) });
        let prompt = |what: &str| {
            assert_eq!(what, "SSH password of root: ");
            Some(Secret::new("quite secret"))
        };
        let_in(&server, &Options { prompt: Some(Arc::new(prompt)), ..with(&server, identities) });
        let wrong = Some(Secret::new("not so secret"));
        let said = kept_out(&server, &Options { password: wrong, ..with(&server, identities) });
        assert!(said.contains("the password") && !said.contains("secret"), "{said}");
        assert_eq!(server.log().matches("Failed password").count(), 1, "{}", server.log());
        let said = kept_out(&server, &with(&server, identities));
        assert!(said.contains("password"), "{said}");
    }
}

#[test]
fn dropbear_lets_in_as_well() {
    if lacks("dropbear") || !Lacking::default().has("dropbear", "dropbear") {
        return;
    }
    let server = Server::dropbear(&[]);
    let key = server.key();
    let options = Options { identities: vec![key], ..options(&server) };
    let connection = reach(&server, &options).unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
    let mut talks = [
        Talk::saying("cat", &[b'x'; 300_000]),
        Talk::new("echo out; echo err >&2; exit 3"),
        Talk::new("kill -TERM $$"),
        Talk::new("head -c 5000000 /dev/zero"),
        Talk { enough: 100_000, ..Talk::new("yes") },
        Talk::new("echo last"),
    ];
    let mut all: Vec<&mut dyn Conversation> = talks.iter_mut().map(|talk| talk as &mut dyn Conversation).collect();
    connection.carry(&mut all).unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
    let exits: Vec<_> = talks.iter().map(|talk| talk.exit.expect("ended")).collect();
    let fine = Exit::Status(0);
    assert_eq!(exits, [fine, Exit::Status(3), Exit::Signal, fine, Exit::Closed, fine]);
    assert_eq!((talks[0].stdout.len(), talks[3].stdout.len()), (300_000, 5_000_000));
    let said = kept_out(&server, &Options { identities: Vec::new(), ..options });
    assert!(said.contains("publickey"), "{said}");
}
