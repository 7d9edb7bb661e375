//! A node of dpkg: packages against `dpkg-query`, accounts against `getent`.

use super::node::{Kind, Node};

#[test]
fn packages_are_as_dpkg_says() {
    let Some(node) = Node::boot(Kind::Debian, "packages against dpkg-query") else { return };
    // One is removed, one purged, one held, one unpacked but not configured.
    node.sh(
        "dpkg --remove cron
        dpkg --purge --force-depends busybox-static
        apt-mark hold procps
        mkdir -p /tmp/half/DEBIAN
        printf 'Package: lab-half\\nVersion: 1:2.0~rc1-1\\nArchitecture: all\\nMaintainer: lab <lab@localhost>\\nDescription: lab\\n' \
          >/tmp/half/DEBIAN/control
        dpkg-deb --build /tmp/half /tmp/half.deb
        dpkg --unpack /tmp/half.deb",
    );
    let listed =
        node.sh("dpkg-query -W -f '${Package} ${Version} ${Architecture} ${db:Status-Status} ${db:Status-Want}\\n'");
    let mut body = String::new();
    for line in listed.lines() {
        let [name, version, architecture, state, want] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let is = |truth: bool| if truth { "is" } else { "is_not" };
        body += &format!("describe(package {name:?}):{}('installed')", is(state == "installed"));
        body += &format!(":{}('held'):its('state', eq {state:?})", is(want == "hold"));
        if state == "installed" {
            body += &format!(":its('version', eq {version:?}):its('architecture', eq {architecture:?})");
        }
        body += &format!(
            "\ndescribe(packages {name:?}):its('versions', eq {{ {version:?} }}):its('statuses', eq {{ {state:?} }})\n"
        );
    }
    body += &format!("describe(packages()):its('count', eq({}))\n", listed.lines().count());
    body += r#"
        describe(package "cron"):its("state", eq "config-files")
        describe(package "lab-half"):its("state", eq "unpacked")
        describe(package "procps"):is("installed"):is("held")
        describe(package "busybox-static"):is_not("installed")
        describe(package "base-files"):its("version", version("> 1"))
    "#;
    node.passes(&body);
    node.ends("failed", "describe(package 'cron'):its('version', ne '0')");
}

#[test]
fn accounts_are_as_getent_says() {
    let Some(node) = Node::boot(Kind::Debian, "accounts against getent") else { return };
    node.sh("groupadd --gid 2000 lab
        useradd --uid 2001 --gid lab --groups sudo,adm --create-home --shell /bin/bash --comment 'A Person,,,' person
        useradd --uid 2002 --gid 65534 --expiredate 2030-01-01 leaver
        chage --mindays 2 --maxdays 60 --warndays 9 person
        usermod --lock leaver");
    let mut body = String::new();
    for line in node.sh("getent passwd").lines() {
        let [name, _, uid, gid, gecos, home, shell] = line.split(':').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let groups = node.sh(&format!("id -Gn {name}"));
        body += &format!("describe(user {name:?}):exists():its('uid', eq({uid})):its('gid', eq({gid}))");
        body += &format!(":its('home', eq {home:?}):its('shell', eq {shell:?})");
        body += &format!(":its('groups', len({}))", groups.split(' ').count());
        body.extend(groups.split(' ').map(|group| format!(":its('groups', contains {group:?})")));
        body += &format!(
            "\ndescribe(passwd():where {{ user = {name:?} }}):its('uids', eq {{ {uid} }}):its('descs', eq {{ {gecos:?} }})\n"
        );
    }
    for line in node.sh("getent group").lines() {
        let [name, _, gid, members] = line.split(':').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let members: Vec<&str> = members.split(',').filter(|member| !member.is_empty()).collect();
        body += &format!(
            "describe(group {name:?}):exists():its('gid', eq({gid})):its('members', len({}))\n",
            members.len()
        );
    }
    body += r#"
        describe(user "person"):its("mindays", eq(2)):its("maxdays", eq(60)):its("warndays", eq(9))
        describe(users():where { username = "person" }):its("count", eq(1))
        describe(user "nobody-here"):does_not_exist()
    "#;
    node.passes(&body);
    node.ends("failed", "describe(user 'person'):its('groups', contains 'root')");
}
