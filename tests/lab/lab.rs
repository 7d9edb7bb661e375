//! The lab itself: that its nodes are what tests take them for, as `ssh` sees them.

use super::fleet::{Fleet, PASSWORD};
use std::process::{Command, Output, Stdio};

/// What `ssh` says of a node.
fn ssh(fleet: &Fleet, args: &[&str]) -> (i32, String, String) {
    let config = fleet.file("ssh_config");
    let output =
        Command::new("ssh").args(["-F", &config]).args(args).stdin(Stdio::null()).output().expect("ssh starts");
    told(&output)
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_string();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_node_is_what_its_name_says() {
    let Some(fleet) = Fleet::up(&["deb11", "deb12", "deb13", "rpm", "bbox"], "the lab's nodes") else { return };
    for (node, system, init) in [
        ("deb11", "ID=debian 11", "systemd"),
        ("deb12", "ID=debian 12", "systemd"),
        ("deb13", "ID=debian 13", "systemd"),
        ("rpm", "ID=lablinux 9", "systemd"),
        ("bbox", "ID=smallbox ", "init"),
    ] {
        let script = ". /etc/os-release; read -r init </proc/1/comm; echo \"ID=$ID ${VERSION_ID:-}|$init|$(hostname)\"";
        let (code, said, faults) = ssh(&fleet, &[node, script]);
        assert_eq!((code, &*said), (0, &*format!("{system}|{init}|{node}")), "{faults}");
    }
    assert_eq!(fleet.sh("rpm", "rpm -qf --queryformat '%{NAME}' /usr/sbin/sshd"), "openssh-server");
    assert_eq!(fleet.sh("rpm", "rpm -V --nomtime openssh-server sudo; command -v dpkg apt-get || :"), "");
    assert_eq!(fleet.sh("bbox", "command -v bash sudo systemctl perl || :; readlink /bin/stat"), "busybox");
    let run = "cp /bin/true /tmp/run.$$; /tmp/run.$$; code=$?; rm /tmp/run.$$; exit $code";
    assert_eq!(ssh(&fleet, &["deb11", run]).0, 126);
    assert_eq!(ssh(&fleet, &["deb12", run]).0, 0);
    // Nodes are nobody's but this machine's: there is no way out.
    assert_eq!(fleet.sh("deb12", "ip route show default"), "");
}

#[test]
fn every_user_may_do_what_the_lab_says() {
    let Some(fleet) = Fleet::up(&["deb11", "deb12", "deb13", "rpm"], "the lab's users") else { return };
    for node in ["deb11", "deb12", "deb13", "rpm"] {
        let refused = |user: &str, tool: &str| {
            let (code, said, faults) =
                ssh(&fleet, &[&format!("{user}@{}", fleet.address(node)), tool, "-n", "id", "-u"]);
            assert_eq!((code, &*said), (1, ""), "{node} {user}: {faults}");
            faults
        };
        let root = |user: &str, script: &str| {
            let (code, said, faults) = ssh(&fleet, &[&format!("{user}@{}", fleet.address(node)), script]);
            assert_eq!((code, said.lines().last()), (0, Some("0")), "{node} {user}: {faults}");
        };
        root("ops", "sudo -n id -u");
        root("doer", "doas -n id -u");
        root("noisy", "echo; sudo -n id -u");
        root("audit", &format!("echo {PASSWORD} | sudo -S -p '' id -u"));
        assert!(refused("audit", "sudo").contains("a password is required"));
        assert!(refused("plain", "sudo").contains("a password is required"));
        assert!(refused("audit", "doas").contains("Authentication required") || node == "deb11");
        assert!(refused("ttyonly", "sudo").contains("you must have a tty"));
        let (code, said, _) = ssh(&fleet, &[&format!("barred@{}", fleet.address(node)), "true"]);
        assert_eq!((code, &*said), (1, "This account is currently not available."));
        let (code, said, faults) = ssh(&fleet, &[&format!("noisy@{}", fleet.address(node)), "true"]);
        assert!(code == 0 && said.contains("welcome to") && faults.contains("there is 1 message"), "{said} {faults}");
    }
}

#[test]
fn keys_and_host_keys_are_known_refused_and_certified() {
    let Some(fleet) = Fleet::up(&["deb12", "deb13", "bbox"], "the lab's keys") else { return };
    for key in ["id", "id_ecdsa", "id_rsa"] {
        for node in ["deb12", "deb13", "bbox"] {
            let (code, _, faults) = ssh(
                &fleet,
                &[
                    "-o",
                    &format!("IdentityFile={}", fleet.key(key)),
                    "-F",
                    "none",
                    "-o",
                    &format!("UserKnownHostsFile={}", fleet.file("known_hosts")),
                    "-o",
                    "BatchMode=yes",
                    "-o",
                    "IdentitiesOnly=yes",
                    &format!("ops@{}", fleet.address(node)),
                    "true",
                ],
            );
            assert_eq!(code, 0, "{node} {key}: {faults}");
        }
    }
    let certified = format!("UserKnownHostsFile={}", fleet.file("known_hosts_ca"));
    assert_eq!(ssh(&fleet, &["-o", &certified, "deb13", "true"]).0, 0);
    let (code, _, faults) = ssh(&fleet, &["-o", &certified, "deb12", "true"]);
    assert!(code == 255 && faults.contains("Host key verification failed"), "{faults}");
    let v6 = format!("HostName={}", fleet.ipv6("deb12"));
    assert_eq!(ssh(&fleet, &["-o", &v6, "deb12", "hostname"]).1, "deb12");
}

#[test]
fn some_nodes_cannot_be_reached_or_only_slowly() {
    let Some(fleet) = Fleet::up(&["deb12", "slow", "wall"], "the lab's bad luck") else { return };
    let quick = ["-o", "ConnectTimeout=1"];
    let (_, _, faults) = ssh(&fleet, &[&quick[..], &["wall", "true"]].concat());
    assert!(faults.contains("timed out"), "{faults}");
    let (_, _, faults) = ssh(&fleet, &["-p", "23", "deb12", "true"]);
    assert!(faults.contains("Connection refused"), "{faults}");
    let (_, _, faults) = ssh(&fleet, &[&format!("ops@{}", fleet.nobody()), "true"]);
    assert!(faults.contains("No route to host"), "{faults}");
    // Another node is a way round the wall.
    assert_eq!(ssh(&fleet, &["-J", "deb12", "wall", "hostname"]).1, "wall");
    // Ten round trips at least: connecting, versions, keys, logging in, the command.
    let begin = std::time::Instant::now();
    assert_eq!(ssh(&fleet, &["slow", "true"]).0, 0);
    assert!(begin.elapsed().as_millis() > 10 * 50, "{:?}", begin.elapsed());
}

#[test]
fn a_node_held_alone_is_as_new_afterwards() {
    let change = "echo changed >/etc/motd; rm -rf /srv";
    {
        let Some(fleet) = Fleet::alone(&["deb11"], "a node to change") else { return };
        fleet.sh("deb11", change);
        fleet.firewall("deb11", "reject");
        let (_, _, faults) = ssh(&fleet, &["deb11", "true"]);
        assert!(faults.contains("Connection refused"), "{faults}");
        fleet.firewall("deb11", "off");
        assert_eq!(ssh(&fleet, &["deb11", "cat /etc/motd"]).1, "changed");
    }
    let fleet = Fleet::up(&["deb11"], "a node that was changed").expect("it was there before");
    assert_ne!(ssh(&fleet, &["deb11", "cat /etc/motd"]).1, "changed");
    assert!(fleet.output("deb11", "test -d /srv").status.success());
}
