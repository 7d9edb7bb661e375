//! The nodes of the pages: `web1`, `web2` and `db1`, all of them one sshd on loopback, with a
//! user `ops` who may use sudo without a password.

use crate::sshd::{Server, Setup, run};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The accounts of the nodes, less root. Nobody of this number is on the machine that runs the
/// tests.
const PASSWD: &str = "\
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
ops:x:61234:61234::/:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
";
const GROUP: &str = "root:x:0:\nshadow:x:42:\nops:x:61234:\nnogroup:x:65534:\n";
const SUDOERS: &str = "root ALL=(ALL:ALL) ALL\nops ALL=(ALL:ALL) NOPASSWD: ALL\n";

/// The server, for as long as this lives.
pub struct Nodes {
    server: Server,
    _etc: tempfile::TempDir,
    _home: tempfile::TempDir,
}

impl Nodes {
    pub fn start() -> Nodes {
        // What is pushed to root goes away with the nodes.
        let (etc, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let passwd = format!("root:x:0:0:root:{}:/bin/sh\n{PASSWD}", home.path().display());
        let shadow: String =
            passwd.lines().map(|line| format!("{}:*:19000:0:99999:7:::\n", line.split(':').next().unwrap())).collect();
        for (name, text, mode) in [
            ("passwd", &*passwd, 0o644),
            ("group", GROUP, 0o644),
            ("shadow", &shadow, 0o640),
            ("sudoers", SUDOERS, 0o440),
        ] {
            let path = etc.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        }
        let server = Server::openssh_among(&Setup::default(), etc.path());
        // sshd reads whose keys may log in as the user who does.
        std::fs::set_permissions(server.folder.path(), PermissionsExt::from_mode(0o711)).unwrap();
        Nodes { server, _etc: etc, _home: home }
    }

    /// Gives `home` a key and what ssh_config(5) and known_hosts are to say of the nodes.
    pub fn introduce(&self, home: &Path) {
        let ssh = home.join(".ssh");
        std::fs::create_dir_all(&ssh).unwrap();
        for ending in ["", ".pub"] {
            let from = self.server.folder.path().join(format!("id{ending}"));
            run(Command::new("cp").arg("-p").arg(from).arg(ssh.join(format!("id_ed25519{ending}"))));
        }
        let known = format!("{} {}\n", self.server.known_as(), self.server.host_key("ed25519"));
        std::fs::write(ssh.join("known_hosts"), known).unwrap();
        let config = format!(
            "Host web1 web2 db1 gate\n  HostName {host}\n  Port {port}\n  User ops\n  \
             IdentityFile {ssh}/id_ed25519\n  UserKnownHostsFile {ssh}/known_hosts\n",
            host = self.server.host(),
            port = self.server.port(),
            ssh = ssh.display(),
        );
        std::fs::write(ssh.join("config"), config).unwrap();
    }
}
