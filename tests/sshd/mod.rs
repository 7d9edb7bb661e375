//! Real SSH servers on loopback, each with a folder, host keys and settings of its own.
//!
//! OpenSSH's needs root and a user to log in as: it is the user the tests run as. Dropbear's
//! needs root as well.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a server is started with.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// Lines for sshd_config(5), before ours: the first value counts.
    pub config: &'a str,
    /// Types of host keys, as `ssh-keygen -t` names them.
    pub host_keys: &'a [&'a str],
    /// Listens on `::1` instead of `127.0.0.1`.
    pub ipv6: bool,
    /// The password of root on this server, which sees account files of its own.
    pub password: Option<&'a str>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Setup { config: "", host_keys: &["ed25519"], ipv6: false, password: None }
    }
}

/// A server that runs until this is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
}

impl Server {
    /// Starts OpenSSH's server and waits until it listens.
    pub fn openssh(setup: &Setup) -> Server {
        let folder = folder_with_keys();
        let accounts = setup.password.map(|password| accounts(folder.path(), Some(password), "/root"));
        Server::openssh_in(folder, setup, accounts.as_deref())
    }

    /// The same on a machine of other accounts: the files of `etc` stand for those of /etc.
    pub fn openssh_among(setup: &Setup, etc: &Path) -> Server {
        Server::openssh_in(folder_with_keys(), setup, Some(etc))
    }

    fn openssh_in(folder: tempfile::TempDir, setup: &Setup, etc: Option<&Path>) -> Server {
        let mut config = format!("{}\n", setup.config);
        for kind in setup.host_keys {
            let path = folder.path().join(format!("host_{kind}"));
            keygen(&["-t", kind, "-f", &path.to_string_lossy()]);
            config.push_str(&format!("HostKey {}\n", path.display()));
        }
        // Forks into a session of its own that PAM and limits of the machine do not touch.
        config.push_str(&format!(
            "AuthorizedKeysFile {0}/authorized_keys\nUsePAM no\nStrictModes no\nPidFile none\nLogLevel VERBOSE\n\
             PermitRootLogin yes\nMaxStartups 200\nUseDNS no\n",
            folder.path().display()
        ));
        let file = folder.path().join("sshd_config");
        std::fs::write(&file, config).expect("the settings are written");
        std::fs::create_dir_all("/run/sshd").expect("the folder of privilege separation");
        start(folder, setup.ipv6, |address| {
            let mut command = among(etc, "/usr/sbin/sshd");
            command.args(["-D", "-e", "-f"]).arg(&file);
            command.arg("-o").arg(format!("ListenAddress={address}"));
            command
        })
    }

    /// Starts dropbear's server and waits until it listens.
    pub fn dropbear(arguments: &[&str]) -> Server {
        let folder = folder_with_keys();
        let key = folder.path().join("host_dropbear");
        let said = run(Command::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&key));
        let public = said.lines().find(|line| line.starts_with("ssh-")).expect("a public key");
        std::fs::write(folder.path().join("host_ed25519.pub"), public).expect("a host key");
        // It knows one place for authorized keys: the home folder of the user.
        std::fs::create_dir(folder.path().join(".ssh")).expect("a folder");
        let from = folder.path().join("authorized_keys");
        std::fs::copy(from, folder.path().join(".ssh/authorized_keys")).expect("a key is authorized");
        let accounts = accounts(folder.path(), None, &folder.path().to_string_lossy());
        start(folder, false, |address| {
            let mut command = among(Some(&accounts), "dropbear");
            command.args(["-F", "-E", "-r"]).arg(&key).arg("-p").arg(address.to_string()).args(arguments);
            command
        })
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn host(&self) -> String {
        self.address.ip().to_string()
    }

    /// The private key that may log in, ed25519 without passphrase.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("id")
    }

    /// Lets another key log in, or changes who may: `authorized_keys` as a whole.
    pub fn authorize(&self, lines: &str) {
        std::fs::write(self.folder.path().join("authorized_keys"), lines).expect("authorized keys are written");
    }

    /// The public half of a host key: `TYPE BASE64`.
    pub fn host_key(&self, kind: &str) -> String {
        let text = std::fs::read_to_string(self.folder.path().join(format!("host_{kind}.pub"))).expect("a host key");
        text.split_ascii_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// How the server is called in known_hosts: `[127.0.0.1]:2222`.
    pub fn known_as(&self) -> String {
        format!("[{}]:{}", self.host(), self.port())
    }

    /// A known_hosts file that knows the first key of this server.
    pub fn known_hosts(&self, kind: &str) -> PathBuf {
        let path = self.folder.path().join("known_hosts");
        std::fs::write(&path, format!("{} {}\n", self.known_as(), self.host_key(kind))).expect("a file is written");
        path
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The main process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its own group: the sessions it forked are in others and end with their connections.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a key pair; no questions asked.
pub fn keygen(arguments: &[&str]) {
    let has_passphrase = arguments.contains(&"-N");
    let passphrase: &[&str] = if has_passphrase { &[] } else { &["-N", ""] };
    run(Command::new("ssh-keygen").args(["-q", "-C", "test"]).args(passphrase).args(arguments));
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A port nobody listens on at this moment.
pub fn free_port(ipv6: bool) -> SocketAddr {
    let any: SocketAddr = if ipv6 { (Ipv6Addr::LOCALHOST, 0).into() } else { (Ipv4Addr::LOCALHOST, 0).into() };
    TcpListener::bind(any).and_then(|listener| listener.local_addr()).expect("a free port")
}

fn folder_with_keys() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("id");
    keygen(&["-t", "ed25519", "-f", &key.to_string_lossy()]);
    std::fs::copy(key.with_extension("pub"), folder.path().join("authorized_keys")).expect("a key is authorized");
    folder
}

/// A folder with account files: root with a password and a home folder, and what sshd needs.
fn accounts(folder: &Path, password: Option<&str>, home: &str) -> PathBuf {
    let accounts = folder.join("accounts");
    std::fs::create_dir(&accounts).expect("a folder");
    let passwd = format!(
        "root:x:0:0:root:{home}:/bin/bash\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    );
    let hash = password.map(|password| run(Command::new("openssl").args(["passwd", "-6", password])));
    let hash = hash.as_deref().map_or("*", str::trim);
    let shadow = format!("root:{hash}:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n");
    std::fs::write(accounts.join("passwd"), passwd).expect("written");
    std::fs::write(accounts.join("shadow"), shadow).expect("written");
    accounts
}

/// A program that sees other files in /etc than this machine has, in a mount namespace.
fn among(etc: Option<&Path>, program: &str) -> Command {
    let Some(etc) = etc else { return Command::new(program) };
    let script = "for file in \"$0\"/*; do mount --bind \"$file\" \"/etc/${file##*/}\" || exit; done; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "sh", "-c", script]).arg(etc).arg(program);
    command
}

fn start(folder: tempfile::TempDir, ipv6: bool, command: impl Fn(SocketAddr) -> Command) -> Server {
    // Another program may take the free port first.
    for _ in 0..5 {
        let address = free_port(ipv6);
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut child =
            command(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("the server starts");
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end && child.try_wait().expect("a child").is_none() {
            if TcpStream::connect(address).is_ok() {
                return Server { child, address, folder };
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    panic!("the server does not listen: {log}");
}

/// A path as text.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
