//! A root with nothing but one static busybox: no service manager, no packages, no locale.

use super::node::{Kind, Node};
use probity::resource::ALL;

#[test]
fn the_program_works_on_busybox_alone() {
    let Some(node) = Node::boot(Kind::Busybox, "busybox alone") else { return };

    node.sh("mkdir /srv; echo 'key = value' >/srv/a.conf; chmod 640 /srv/a.conf; chown 1001:1001 /srv/a.conf; ln -s a.conf /srv/b");
    node.passes(
        r#"
        describe(os().name, "name"):it(eq "smallbox")
        describe(os().family, "family"):it(eq "linux")
        describe(file "/srv/a.conf"):exists():its("mode", eq "0640"):is("owned_by", "ops"):its("group", eq "ops")
          :its("content", contains "key")
        describe(file "/srv/b"):is("symlink")
        describe(file "/srv/none"):does_not_exist()
        describe(file "/etc/shadow"):is_not("readable_by", "other")
        describe(passwd():where { uid = 0 }):its("users", eq { "root" })
        describe(shadow():where { user = "root" }):its("count", eq(1))
        describe(users()):its("usernames", contains "ops")
        describe(user "ops"):exists():its("uid", eq(1001)):its("shell", eq "/bin/sh")
        describe(user "nobody-here"):does_not_exist()
        describe(group "ops"):exists():its("gid", eq(1001))
        describe(command "echo $((6 * 7))"):its("stdout", eq "42\n"):its("exit_status", eq(0))
        describe(command "no-such-command"):its("exit_status", eq(127))
        describe(processes "sleep"):is("running")
        describe(mount "/proc"):is("mounted"):its("type", eq "proc")
        describe(interface "lo"):is("up")
        describe(port(1)):is_not("listening")
        describe(ini "/srv/a.conf"):its("key", eq "value")
        describe(kernel_parameter "kernel.ostype"):its("value", eq "Linux")
        "#,
    );
    node.ends("failed", r#"describe(file "/srv/a.conf"):its("mode", eq "0600")"#);
    node.ends("failed", r#"describe(user "ops"):its("uid", eq(0))"#);

    // What is not there cannot be looked at: never a pass, never a fail.
    for (body, reason) in [
        (r#"describe(service "ssh"):is_not("running")"#, "no service manager"),
        (r#"describe(systemd_service "ssh"):is_not("running")"#, "systemd is not on this node"),
        (r#"describe(package "bash"):is_not("installed")"#, "no package database is known"),
        (r#"describe(packages()):its("count", eq(0))"#, "no package database is known"),
        (r#"describe(package("bash", { rpm_dbpath = "/srv" })):is_not("installed")"#, "no rpm database in /srv"),
    ] {
        let report = node.ends("errored", body);
        assert!(report.contains(reason), "{body}: {report}");
    }
    node.passes(r#"describe(sysv_service "ssh"):is_not("installed")"#);
}

/// The example of every resource, where half of what they look at is missing: never a pass
/// of what does not hold, and no end but a verdict.
#[test]
fn every_example_has_a_verdict_on_busybox() {
    let Some(node) = Node::boot(Kind::Busybox, "examples on busybox") else { return };
    let (mut faults, mut passed) = (Vec::new(), 0);
    for entry in ALL {
        let (found, report) = node.outcome(entry.example);
        let (part, other) = entry.falsified;
        let (falsified, falsified_report) = node.outcome(&entry.example.replacen(part, other, 1));
        match (&*found, &*falsified) {
            ("passed", "failed") => passed += 1,
            // What is missing may fail either way, or be what the falsified one says.
            ("failed", "failed" | "passed") | ("errored", "errored") => {}
            _ => faults.push(format!("{}: {found}, falsified {falsified}\n{report}{falsified_report}", entry.name)),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(passed >= 30, "only {passed} pass");
}
