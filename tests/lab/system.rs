//! What only a running system has: sockets and who holds them, interfaces, mounts,
//! processes, the configuration of daemons as they read it, services that change.

use super::node::{Kind, Node};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The output of a command that speaks JSON.
fn json(node: &Node, script: &str) -> Value {
    let text = node.sh(script);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{script}: {error}\n{text}"))
}

/// A text as Lua writes it.
fn quoted(text: &str) -> String {
    format!("[==[{text}]==]")
}

#[test]
fn sockets_and_their_owners_are_as_ss_says() {
    let Some(node) = Node::boot(Kind::Systemd, "sockets against ss") else { return };
    node.sh(r"cd /etc/systemd/system
        printf '[Socket]\nListenDatagram=127.0.0.1:7003\nListenStream=[::1]:7004\nBindIPv6Only=both\n' >lab-both.socket
        printf '[Service]\nExecStart=/bin/sleep infinity\n' >lab-both.service
        systemctl daemon-reload
        systemctl start lab-both.socket
        systemd-run --quiet --unit=lab-listener --property=User=nobody busybox httpd -f -p 127.0.0.1:7002");
    node.wait_until("ss -Hltn | grep -q 127.0.0.1:7002");
    let (mut body, mut rows) = (String::new(), 0);
    for line in node.sh("ss -Hltunp").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (protocol, local, owner) = (words[0], words[4], words.last().expect("there are words"));
        let (address, port) = local.rsplit_once(':').expect("an address has a port");
        let address = address.trim_matches(['[', ']']).split('%').next().expect("there is a first");
        let protocol = if address.contains(':') { format!("{protocol}6") } else { protocol.to_string() };
        let name = owner.split('"').nth(1).unwrap_or_else(|| panic!("no process in {line}"));
        let pid = owner.split("pid=").nth(1).and_then(|rest| rest.split(',').next()).expect("a process has a number");
        body += &format!(
            "describe(port({address:?}, {port}, {protocol:?})):is('listening'):its('addresses', contains {address:?})\
             :its('protocols', contains {protocol:?}):its('processes', contains {name:?}):its('pids', contains({pid}))\n"
        );
        rows += 1;
    }
    assert!(rows >= 5, "{body}");
    body += &format!("describe(ports()):its('count', eq({rows}))\n");
    body += r#"
        describe(port(22)):its("processes", each(eq "sshd")):its("addresses", contains "::")
        describe(port("127.0.0.1", 22)):is("listening")
        describe(port("192.0.2.1", 7002)):is_not("listening")
        describe(port(7003, { protocol = "tcp" })):is_not("listening")
        describe(ports():where { port = 7002 }.users, "owner"):it(eq { "nobody" })
        describe(processes "busybox"):its("users", eq { "nobody" })
    "#;
    node.passes(&body);
    // To another user the owners are hidden; that is no empty list.
    let hidden = "describe(port(22)):its('processes', contains 'sshd')";
    node.give("hidden.lua", hidden);
    let ran = node.output(
        "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c \
         '/run/test/probity exec -e \"$(cat /run/test/share/hidden.lua)\"; echo \"ended with $?\"'",
    );
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains("ended with 102"), "{said}{}", String::from_utf8_lossy(&ran.stderr));

    node.sh("systemctl stop lab-listener");
    node.passes(
        "describe(port(7002)):is_not('listening'):its('pids', empty) describe(processes 'busybox'):does_not_exist()",
    );
}

#[test]
fn interfaces_are_as_ip_says() {
    let Some(node) = Node::boot(Kind::Systemd, "interfaces against ip") else { return };
    node.sh("ip link add lab0 type veth peer name lab1
        ip link set lab0 mtu 1400 address 02:00:00:00:00:07 up
        ip link set lab1 up
        ip addr add 192.0.2.7/24 dev lab0
        ip addr add 192.0.2.8/24 dev lab0
        ip addr add 198.51.100.1 peer 198.51.100.2/32 dev lab0
        ip addr add 2001:db8::7/64 dev lab0 nodad
        ip link add lab2 type veth peer name lab3");
    let listed = json(&node, "ip -json addr");
    let mut body = String::new();
    for link in listed.as_array().expect("a list") {
        let name = link["ifname"].as_str().expect("it has a name");
        let up = link["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "UP"));
        let is = if up { "is" } else { "is_not" };
        body += &format!("describe(interface {name:?}):exists():{is}('up'):its('mtu', eq({}))", link["mtu"]);
        body += &format!(":its('mac', eq {})", link["address"]);
        // The kernel refuses to tell, or tells -1, where there is none.
        match node.said(&format!("cat /sys/class/net/{name}/speed 2>/dev/null")).parse::<u32>() {
            Ok(speed) => body += &format!(":its('speed', eq({speed}))"),
            Err(_) => body += ":its('speed', absent)",
        }
        for (family, property) in [("inet", "ipv4_cidrs"), ("inet6", "ipv6_cidrs")] {
            let entries = link["addr_info"].as_array().into_iter().flatten().filter(|entry| entry["family"] == family);
            let cidrs: Vec<String> = entries
                .map(|entry| format!("'{}/{}'", entry["local"].as_str().unwrap_or_default(), entry["prefixlen"]))
                .collect();
            body += &format!(":its({property:?}, len({}))", cidrs.len());
            body.extend(cidrs.iter().map(|cidr| format!(":its({property:?}, contains {cidr})")));
        }
        body += "\n";
    }
    body += &format!("describe(interfaces()):its('count', eq({}))\n", listed.as_array().map_or(0, Vec::len));
    body += r#"
        describe(interface "lab0"):its("ipv4_address", eq "192.0.2.7"):is("has_ipv6_address")
          :its("ipv4_addresses_netmask", contains "192.0.2.7/255.255.255.0")
        describe(interface "lab9"):does_not_exist()
    "#;
    assert!(body.contains("is_not('up')") && body.contains("2001:db8::7/64"), "{body}");
    node.passes(&body);
    node.ends("failed", "describe(interface 'lab0'):its('mtu', eq(1500))");
    node.ends("failed", "describe(interface 'lab9'):is('up')");
}

#[test]
fn mounts_are_as_findmnt_says() {
    let Some(node) = Node::boot(Kind::Systemd, "mounts against findmnt") else { return };
    node.sh("mkdir -p /srv/small '/srv/with space' /srv/bound /srv/twice
        mount -t tmpfs -o size=1m,nosuid,nodev,noexec,mode=700 small /srv/small
        mount -t tmpfs -o ro,noatime,nr_inodes=64 'a share' '/srv/with space'
        mkdir /srv/small/below
        mount --bind /srv/small/below /srv/bound
        mount -o remount,bind,ro /srv/bound
        mount -t tmpfs first /srv/twice
        mount -t tmpfs -o nosuid second /srv/twice");
    let listed = json(&node, "findmnt --json --list --nofsroot --output TARGET,SOURCE,FSTYPE,OPTIONS,FSROOT");
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    let rows = listed["filesystems"].as_array().expect("a list");
    for row in rows {
        last.insert(row["target"].as_str().expect("it has a target"), row);
    }
    let mut body = format!("describe(mounts()):its('count', eq({}))\n", rows.len());
    for (target, row) in &last {
        let text = |key: &str| quoted(row[key].as_str().unwrap_or_default());
        let options: BTreeSet<&str> = row["options"].as_str().unwrap_or_default().split(',').collect();
        body += &format!("describe(mount {}):is('mounted'):its('device', eq {})", quoted(target), text("source"));
        body += &format!(":its('type', eq {}):its('root', eq {})", text("fstype"), text("fsroot"));
        body += &format!(":its('options', len({}))", options.len());
        body.extend(options.iter().map(|option| format!(":its('options', contains {})", quoted(option))));
        body += "\n";
    }
    body += r#"
        describe(mount "/srv/small"):its("options", contains "noexec"):its("super_options", contains "size=1024k")
          :its("mount_options", contains "nosuid"):its("device", eq "small")
        describe(mount "/srv/bound"):its("options", contains "ro"):its("super_options", contains "rw")
          :its("root", eq "/below")
        describe(mount "/srv/twice"):its("count", eq(2)):its("device", eq "second")
        describe(mount "/srv/small/below"):is_not("mounted")
    "#;
    node.passes(&body);
    node.sh("umount /srv/twice; umount /srv/small 2>/dev/null || umount -l /srv/small");
    node.passes(
        "describe(mount '/srv/twice'):its('device', eq 'first') describe(mount '/srv/small'):is_not('mounted')",
    );
    node.ends("failed", "describe(mount '/srv/small'):its('type', eq 'tmpfs')");
}

#[test]
fn processes_are_as_ps_says() {
    let Some(node) = Node::boot(Kind::Systemd, "processes against ps") else { return };
    // The shell's child ends unseen by the program that replaces the shell: a zombie.
    node.sh("systemd-run --quiet --unit=lab-parent sh -c '(exec true) & exec sleep 7000'
        systemd-run --quiet --unit=lab-nobody --property=User=nobody sleep 7001
        systemd-run --quiet --unit=lab-stopped sleep 7002
        systemd-run --quiet --unit=lab-named sh -c 'exec -a \"a worker: number 1\" sleep 7003' || :
        printf '#!/bin/sh\nsleep 7004\n' >'/usr/local/bin/a-program-with-a-long-name'
        chmod 755 /usr/local/bin/a-program-with-a-long-name
        systemd-run --quiet --unit=lab-long /usr/local/bin/a-program-with-a-long-name
        systemctl kill --signal=STOP lab-stopped");
    node.wait_until("ps -eo stat,args | grep -q '^Z.*defunct' && ps -eo stat,args | grep -q '^T.*7002'");
    node.wait_until("pgrep -f 'sleep 7004'");
    let listed = node.sh("ps -eo pid=,ppid=,user:32=,stat=,tty=,vsz=,comm:20=,args= --no-headers | grep -v 'ps -eo'");
    let (mut body, mut states) = ("local all = processes()\n".to_string(), BTreeSet::new());
    for line in listed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [pid, ppid, user, state, tty, vsz, comm, ..] = words[..] else { panic!("{line}") };
        let arguments = words[7..].join(" ");
        // The shell that runs this list, and systemd's own helpers, come and go.
        if words[7..].contains(&"-euc") || arguments.contains("(sd-") || comm.contains("udev") {
            continue;
        }
        states.insert(&state[..1]);
        let rows = format!("all:where {{ pid = {pid} }}");
        body += &format!("describe({rows}):its('ppids', eq {{ {ppid} }}):its('users', eq {{ {user:?} }})");
        body += &format!(":its('tty', eq {{ {tty:?} }}):its('names', eq {{ {} }})", quoted(comm));
        if state.starts_with(['Z', 'T']) {
            body += &format!(":its('states', eq {{ {:?} }})", &state[..1]);
        } else {
            body += &format!(":its('commands', eq {{ {} }})", quoted(&arguments));
        }
        if comm == "sleep" {
            body += &format!(":its('vsz', eq {{ {vsz} }})");
        }
        body += "\n";
    }
    assert!(states.contains("Z") && states.contains("T") && states.contains("S"), "{states:?}");
    body += r#"
        describe(processes():where { pid = 1 }):its("names", eq { "systemd" }):its("users", eq { "root" })
        describe(processes "sshd"):is("running"):its("users", eq { "root" })
        describe(processes "/sleep 7001$/"):its("count", eq(1)):its("users", eq { "nobody" })
        describe(processes "a-program-with-a-long-name"):is("running")
        describe(processes "a-program-with-"):is("running")
        describe(processes "no-such-program"):is_not("running"):does_not_exist()
    "#;
    node.passes(&body);
    node.ends("failed", "describe(processes 'sshd'):its('users', eq { 'nobody' })");
}

/// `sshd -T` says what sshd makes of its files.
#[test]
fn sshd_config_is_as_sshd_says() {
    let Some(node) = Node::boot(Kind::Systemd, "sshd_config against sshd -T") else { return };
    node.sh(r#"cat >/etc/ssh/sshd_config.d/10-lab.conf <<'CONFIG'
        MaxAuthTries 3
        LoginGraceTime 1m30
        clientaliveinterval=5m
        PermitRootLogin = "no"
        AllowUsers root ops  # and nobody else
        AllowUsers nobody
        AuthorizedKeysFile /etc/keys/%u .ssh/authorized_keys
        Banner "/etc/a banner"
        Match User nobody,!root Address 10.0.0.0/8,!10.9.0.0/16
          X11Forwarding no
          MaxSessions 2
        Match Group nogroup
          PermitTTY no
          MaxSessions 3
        Match LocalPort 2222
          PasswordAuthentication no
CONFIG
        printf 'MaxAuthTries 5\nUseDNS yes\n' >/etc/ssh/sshd_config.d/20-lab.conf
        printf 'Match User root\n  AllowTcpForwarding local\nMatch all\n  PrintLastLog no\n' >>/etc/ssh/sshd_config"#);
    const DIRECTIVES: &[&str] = &[
        "port",
        "addressfamily",
        "usepam",
        "logingracetime",
        "x11displayoffset",
        "maxauthtries",
        "maxsessions",
        "clientaliveinterval",
        "clientalivecountmax",
        "permitrootlogin",
        "ignorerhosts",
        "hostbasedauthentication",
        "pubkeyauthentication",
        "gssapiauthentication",
        "passwordauthentication",
        "kbdinteractiveauthentication",
        "printmotd",
        "printlastlog",
        "x11forwarding",
        "x11uselocalhost",
        "permittty",
        "permituserrc",
        "strictmodes",
        "tcpkeepalive",
        "permitemptypasswords",
        "compression",
        "gatewayports",
        "usedns",
        "allowtcpforwarding",
        "allowagentforwarding",
        "disableforwarding",
        "allowstreamlocalforwarding",
        "fingerprinthash",
        "exposeauthinfo",
        "banner",
        "forcecommand",
        "chrootdirectory",
        "authorizedkeyscommand",
        "loglevel",
        "syslogfacility",
        "authorizedkeysfile",
        "allowusers",
        "acceptenv",
        "subsystem",
        "permittunnel",
        "maxstartups",
        "permituserenvironment",
        "authenticationmethods",
    ];
    let connection = |user: &str, address: &str, port: u16| {
        let criteria = format!("user={user},host=h.example,addr={address},laddr=127.0.0.1,lport={port}");
        let options = format!(
            "user = {user:?}, host = 'h.example', address = {address:?}, localaddress = '127.0.0.1', localport = {port}"
        );
        (format!("sshd -T -C {criteria}"), format!("sshd_config {{ {options} }}"))
    };
    let cases = [
        // sshd must be told of a connection; this one is in no block.
        (connection("daemon", "192.0.2.1", 22).0, "sshd_config()".to_string()),
        connection("nobody", "10.1.2.3", 22),
        connection("nobody", "10.9.2.3", 22),
        connection("root", "10.1.2.3", 2222),
        connection("ops", "192.0.2.1", 22),
        connection("sshd", "::1", 2222),
    ];
    for (command, subject) in cases {
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in node.sh(&command).lines() {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            said.entry(name.to_string()).or_default().push(value.to_string());
        }
        let mut body = format!(
            "local config = {subject}\n\
             local function words(value)\n\
               if type(value) == 'string' or type(value) == 'number' then return (tostring(value):lower()) end\n\
               local all = {{}}\n\
               for _, item in ipairs(value) do all[#all + 1] = tostring(item):lower() end\n\
               return table.concat(all, ' ')\n\
             end\n"
        );
        for name in DIRECTIVES {
            let Some(values) = said.get(*name) else { panic!("{command} says nothing of {name}") };
            let wanted = values.join(" ").to_lowercase().replace("without-password", "prohibit-password");
            body += &format!("describe(words(config:effective {name:?}), {name:?}):it(eq {})\n", quoted(&wanted));
        }
        let (outcome, report) = node.outcome(&body);
        assert_eq!(outcome, "passed", "{command}\n{report}");
    }
}

/// What the command line of the server sets is what sshd itself makes of it.
#[test]
fn the_running_sshd_is_read_as_it_was_started() {
    let Some(node) = Node::boot(Kind::Systemd, "sshd_config of the running server") else { return };
    node.passes("describe(sshd_config { active = true }):exists():its('UsePAM', eq 'yes')");
    node.sh(
        "cp /etc/ssh/sshd_config /etc/ssh/other; printf 'Port 2022\nMaxSessions 4\nMaxAuthTries 2\n' >>/etc/ssh/other",
    );
    let options = "-f /etc/ssh/other -oMaxAuthTries=3 -o 'Banner /etc/issue' -p 2222 -p 2223";
    node.sh(&format!("/usr/sbin/sshd {options}"));
    node.ends("errored", "describe(sshd_config { active = true }):its('MaxSessions', eq(4))");
    // Its folder of privilege separation goes with the unit.
    node.sh("systemctl stop ssh.service; mkdir -p /run/sshd");
    let said = node.sh(&format!("sshd -T {options}"));
    for line in ["port 2222", "port 2223", "maxauthtries 3", "maxsessions 4", "banner /etc/issue"] {
        assert!(said.lines().any(|own| own == line), "{line}: {said}");
    }
    assert!(!said.contains("port 2022"), "{said}");
    node.passes(
        "describe(sshd_config { active = true }):its('Port', eq { 2222, 2223 }):its('MaxAuthTries', eq(3))
          :its('MaxSessions', eq(4)):its('Banner', eq '/etc/issue')",
    );
    node.ends("failed", "describe(sshd_config { active = true }):its('MaxAuthTries', eq(2))");
    node.sh("pkill -x sshd");
    node.wait_until("! pgrep -x sshd");
    node.passes("describe(sshd_config { active = true }):does_not_exist()");
}

/// The files a daemon of systemd reads, and what the manager makes of them.
#[test]
fn systemd_config_is_as_systemd_says() {
    let Some(node) = Node::boot(Kind::Systemd, "systemd_config against systemd-analyze") else { return };
    node.sh(
        r"mkdir -p /etc/systemd/system.conf.d /run/systemd/system.conf.d /usr/lib/systemd/system.conf.d
        cd /usr/lib/systemd/system.conf.d
        printf '[Manager]\nDefaultTimeoutStartSec=11s\nDefaultTimeoutStopSec=11s\nDefaultRestartSec=11s\n' >10-vendor.conf
        printf '[Manager]\nDefaultTimeoutStartSec=22s\n' >20-hidden.conf
        printf '[Manager]\nDefaultTimeoutStopSec=33s\n' >30-nothing.conf
        printf '[Manager]\nDefaultTimeoutStopSec=\\\n  44s\n' >/run/systemd/system.conf.d/15-run.conf
        : >/etc/systemd/system.conf.d/20-hidden.conf
        ln -s /dev/null /etc/systemd/system.conf.d/30-nothing.conf
        printf '# [Manager]\n[Manager]\n; DefaultRestartSec=1s\nDefaultRestartSec = 55s\n' >/etc/systemd/system.conf.d/50-site.conf
        systemctl daemon-reexec",
    );
    node.wait_until("systemctl is-system-running");
    // It lists what a link to /dev/null hides, too.
    let files = node.sh("systemd-analyze cat-config systemd/system.conf | sed -n 's/^# \\//\\//p' | \
         while read -r file; do [ \"$(readlink -f $file)\" = /dev/null ] || echo $file; done");
    let files: Vec<String> = files.lines().map(quoted).collect();
    assert!(files.len() >= 4, "{files:?}");
    let mut body = String::from("local config = systemd_config 'system.conf'\n");
    for (key, property) in [
        ("DefaultTimeoutStartSec", "DefaultTimeoutStartUSec"),
        ("DefaultTimeoutStopSec", "DefaultTimeoutStopUSec"),
        ("DefaultRestartSec", "DefaultRestartUSec"),
    ] {
        let value = node.sh(&format!("systemctl show --value --property {property}"));
        body += &format!("describe(config):its('Manager.{key}', eq {value:?})\n");
    }
    // An empty file is read and says nothing.
    for file in &files {
        body += &format!("describe(config):its('files', contains {file})\n");
    }
    body += &format!("describe(config):its('files', len({}))\n", files.len());
    node.passes(&body);
    node.ends("failed", "describe(systemd_config 'system.conf'):its('Manager.DefaultRestartSec', eq '11s')");
}

/// A check that waits for a service to stop sees it running first and stopped then.
#[test]
fn a_service_that_stops_during_the_run_is_seen_to() {
    let Some(node) = Node::boot(Kind::Systemd, "eventually on a service") else { return };
    node.sh("systemd-run --quiet --unit=lab-ending sleep infinity");
    node.give("ending/profile.yml", "name: ending\nversion: 1.0.0\n");
    node.give(
        "ending/controls/ending.lua",
        r#"control "ending" {
  title = "The service stops",
  eventually = { within = "60s", every = "200ms" },
  check = function()
    describe(command "touch /run/attempted"):its("exit_status", eq(0))
    describe(service "lab-ending"):is_not("running")
    describe(processes "sleep"):is_not("running")
  end,
}
"#,
    );
    let run = "/run/test/probity exec /run/test/share/ending --reporter run-json";
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| {
            node.wait_until("test -e /run/attempted");
            // The same attempt asks systemd at about this moment.
            std::thread::sleep(Duration::from_secs(1));
            node.sh("systemctl stop lab-ending");
        });
        node.sh(run)
    });
    let report: Value = serde_json::from_str(&ran).expect("a report");
    let control = &report["nodes"][0]["profiles"][0]["controls"][0];
    assert_eq!(control["outcome"], "passed", "{report:#}");
    assert!(control["attempts"].as_u64() > Some(1), "{control:#}");
}

/// Where systemd is installed but did not boot the system, unit files still tell what is
/// enabled, and nothing tells what runs.
#[test]
fn services_without_a_booted_systemd() {
    let Some(node) = Node::boot(Kind::Debian, "services without a booted systemd") else { return };
    node.sh(
        r"printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/lab.service
        systemctl --quiet mask cron",
    );
    let units =
        ["ssh", "sshd", "cron", "lab", "systemd-journald", "getty@tty1", "multi-user.target", "no-such-service"];
    let (mut body, mut words) = (String::new(), BTreeSet::new());
    for unit in units {
        let word = node.said(&format!("systemctl --root=/ is-enabled {unit} 2>/dev/null"));
        let enabled = node.succeeds(&format!("systemctl --root=/ is-enabled --quiet {unit} 2>/dev/null"));
        let is = |truth: bool| if truth { "is" } else { "is_not" };
        body += &format!("describe(service {unit:?}):{}('enabled')", is(enabled));
        body += &format!(":{}('installed'):{}('masked')", is(!word.is_empty()), is(word == "masked"));
        if !word.is_empty() {
            body += &format!(":its('startmode', eq {word:?})");
            node.ends("errored", &format!("describe(service {unit:?}):is('running')"));
            node.ends("errored", &format!("describe(service {unit:?}):is_not('running')"));
        }
        body += "\n";
        words.insert(word);
    }
    node.passes(&body);
    assert!(["enabled", "disabled", "masked", "static", ""].iter().all(|word| words.contains(*word)), "{words:?}");
}
