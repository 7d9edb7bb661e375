//! Tests of `service` on what the managers say.

use super::*;
use crate::probe::{Entry as Name, FileKind, List, Read, Run};
use crate::resource::testing::{Trial, arguments, fault};
use crate::resource::testing::{bytes, ran};
use crate::transport::scripted::Scripted;

/// A node with these init scripts and these start links, `(directory, names)`.
fn node(paths: &[&str], directories: &[(&str, &[&str])]) -> Scripted {
    let mut script = Scripted::new().platform("ID=test\n", paths);
    let mut known: Vec<String> = vec!["/etc/init.d".into(), "/etc/rc.d/init.d".into(), "/etc/runlevels".into()];
    known.extend(
        ["S", "0", "1", "2", "3", "4", "5", "6"]
            .iter()
            .flat_map(|level| [format!("/etc/rc{level}.d"), format!("/etc/rc.d/rc{level}.d")]),
    );
    known
        .extend(["boot", "default", "nonetwork", "shutdown", "sysinit"].map(|level| format!("/etc/runlevels/{level}")));
    known.extend(directories.iter().map(|(path, _)| path.to_string()));
    for path in known {
        let names = directories.iter().find(|(own, _)| *own == path).map(|(_, names)| *names);
        let kind = match path.as_str() {
            "/etc/init.d" => FileKind::File,
            "/etc/runlevels" => FileKind::Directory,
            _ => FileKind::Symlink,
        };
        let entries = names.map(|names| names.iter().map(|name| Name { name: (*name).into(), kind }).collect());
        script = script.with(List { path: path.into() }, entries);
    }
    script
}

fn systemctl(args: &[&str]) -> Run {
    let mut run = Run::argv(std::iter::once("systemctl").chain(args.iter().copied()));
    run.environment = vec![("LC_ALL".to_string(), "C".to_string())];
    run
}

fn booted(unit: &str, shown: &str) -> Scripted {
    node(&["/run/systemd/system"], &[("/etc/init.d", &["old"]), ("/etc/rc3.d", &["S01old"])])
        .with(systemctl(&["show", "--no-pager", "--", unit]), ran(0, shown, ""))
}

fn service(name: &str, script: Scripted) -> Trial {
    Trial::new(&ENTRY, &[name.into()], &[], script)
}

const SSH: &str = "\
Type=notify
Restart=on-failure
User=
ExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D $SSHD_OPTS ; ignore_errors=no }
Id=ssh.service
Names=ssh.service sshd.service
WantedBy=multi-user.target
RequiredBy=
Description=OpenBSD Secure Shell server
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
";

#[test]
fn a_unit_of_systemd_costs_one_command() {
    let ssh = service("sshd", booted("sshd.service", SSH));
    assert!(ssh.is("running", &[]).unwrap() && ssh.is("enabled", &[]).unwrap() && ssh.exists().unwrap());
    assert!(!ssh.is("masked", &[]).unwrap());
    assert!(ssh.is("has_start_mode", &["enabled".into()]).unwrap());
    assert_eq!(ssh.its("name").unwrap(), Value::from("ssh.service"));
    assert_eq!(ssh.its("type").unwrap(), Value::from("systemd"));
    assert_eq!(ssh.its("startname").unwrap(), Value::from("root"));
    assert_eq!(ssh.its("runlevels").unwrap(), Value::strings(["multi-user.target"]));
    let Value::Map(params) = ssh.its("params").unwrap() else { panic!("no map") };
    assert_eq!(params["Restart"], Value::from("on-failure"));
    assert!(params["ExecStart"].as_text().unwrap().contains("argv[]=/usr/sbin/sshd -D"));
    assert_eq!(ssh.rounds(), 2);
}

#[test]
fn a_unit_that_does_not_exist_is_not_running_and_has_no_properties() {
    let shown = "Id=nope.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n";
    let nope = service("nope", booted("nope.service", shown));
    for predicate in ["installed", "running", "enabled", "masked"] {
        assert!(!nope.is(predicate, &[]).unwrap(), "{predicate}");
    }
    assert_eq!(nope.its("startmode"), Err(Unseen::Missing("Service nope".to_string())));
}

#[test]
fn the_states_of_unit_files_are_judged_as_is_enabled_does() {
    for (state, enabled) in
        [("static", true), ("indirect", true), ("alias", true), ("masked", false), ("linked", false)]
    {
        let shown = format!("LoadState=loaded\nActiveState=inactive\nUnitFileState={state}\n");
        let unit = service("x.socket", booted("x.socket", &shown));
        assert_eq!(unit.is("enabled", &[]).unwrap(), enabled, "{state}");
        assert_eq!(unit.is("masked", &[]).unwrap(), state == "masked");
    }
    let generated = "LoadState=loaded\nActiveState=active\nUnitFileState=generated\n";
    assert!(service("old", booted("old.service", generated)).is("enabled", &[]).unwrap());
    let unlinked = node(&["/run/systemd/system"], &[("/etc/init.d", &["old"])])
        .with(systemctl(&["show", "--no-pager", "--", "old.service"]), ran(0, generated, ""));
    assert!(!service("old", unlinked).is("enabled", &[]).unwrap());
}

#[test]
fn another_name_of_a_unit_is_enabled_whatever_its_unit_is() {
    let reboot = |state: &str| {
        let shown = format!(
            "Id=reboot.target\nNames=ctrl-alt-del.target reboot.target\nLoadState=loaded\nUnitFileState={state}\n"
        );
        service("ctrl-alt-del.target", booted("ctrl-alt-del.target", &shown))
    };
    assert!(reboot("disabled").is("enabled", &[]).unwrap());
    assert_eq!(reboot("disabled").its("startmode").unwrap(), Value::from("disabled"));
    assert!(!reboot("masked").is("enabled", &[]).unwrap());
}

#[test]
fn a_unit_without_a_file_has_no_start_mode() {
    let shown = "Id=system.slice\nNames=system.slice\nLoadState=loaded\nActiveState=active\nUnitFileState=\n";
    let slice = service("system.slice", booted("system.slice", shown));
    assert_eq!(slice.its("startmode").unwrap(), Value::Nil);
    assert!(slice.is("running", &[]).unwrap() && !slice.is("enabled", &[]).unwrap());
    assert!(!slice.is("has_start_mode", &["loaded".into()]).unwrap());
    let masked = "Id=x.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=\n";
    assert!(service("x", booted("x.service", masked)).is("masked", &[]).unwrap());
}

#[test]
fn a_manager_that_does_not_answer_is_a_fault() {
    let refused = node(&["/run/systemd/system"], &[]).with(
        systemctl(&["show", "--no-pager", "--", "ssh.service"]),
        ran(1, "", "Failed to connect to bus: No such file or directory\n"),
    );
    assert!(fault(service("ssh", refused).is("running", &[])).contains("Failed to connect to bus"));
}

#[test]
fn systemd_that_did_not_boot_the_system_tells_enabled_but_not_running() {
    let installed = |answer| {
        node(&["/usr/lib/systemd/systemd"], &[("/etc/init.d", &["old"]), ("/etc/rc2.d", &["S01old"])])
            .with(systemctl(&["--root=/", "is-enabled", "--", "ssh.service"]), answer)
    };
    let ssh = service("ssh", installed(ran(0, "enabled\n", "")));
    assert!(ssh.is("enabled", &[]).unwrap() && ssh.is("installed", &[]).unwrap());
    assert!(fault(ssh.is("running", &[])).contains("no service manager is running"));
    assert_eq!(ssh.rounds(), 2);
    assert!(service("ssh", installed(ran(1, "masked\n", ""))).is("masked", &[]).unwrap());

    let said = "Failed to get unit file state for ssh.service: No such file or directory\n";
    let absent = service("ssh", installed(ran(1, "", said)));
    assert!(!absent.is("enabled", &[]).unwrap() && !absent.is("running", &[]).unwrap());
    let broken = service("ssh", installed(ran(1, "", "Failed to open root: Permission denied\n")));
    assert!(fault(broken.is("enabled", &[])).contains("Permission denied"));
}

#[test]
fn openrc_is_read_from_its_runlevels() {
    let alpine = |status| {
        node(
            &["/run/openrc/softlevel", "/sbin/openrc-run"],
            &[
                ("/etc/init.d", &["sshd", "crond"]),
                ("/etc/runlevels", &["custom", "default"]),
                ("/etc/runlevels/default", &["sshd"]),
                ("/etc/runlevels/custom", &["sshd"]),
            ],
        )
        .with(Run::argv(["rc-service", "sshd", "status"]), ran(status, "", " * sshd: broken\n"))
    };
    let sshd = service("sshd", alpine(0));
    assert!(sshd.is("running", &[]).unwrap() && sshd.is("enabled", &[]).unwrap());
    assert_eq!(sshd.its("runlevels").unwrap(), Value::strings(["custom", "default"]));
    assert!(sshd.rounds() <= 3);
    assert!(!service("sshd", alpine(32)).is("running", &[]).unwrap());
    assert!(fault(service("sshd", alpine(1)).is("running", &[])).contains("sshd: broken"));
    assert!(!service("crond", alpine(0)).is("enabled", &[]).unwrap());
    assert!(!service("nope", alpine(0)).is("running", &[]).unwrap());
}

#[test]
fn init_scripts_are_asked_for_their_status() {
    let script = "#!/bin/sh\n### BEGIN INIT INFO\n# Short-Description: Regular background program processing daemon\n\
                  ### END INIT INFO\ncase $1 in status) ;; esac\n";
    let sysv = |content: &str, status| {
        node(&["/etc/inittab"], &[("/etc/init.d", &["cron"]), ("/etc/rc2.d", &["S01cron", "K01x", "S1bad"])])
            .with(Read { path: "/etc/init.d/cron".into() }, bytes(content))
            .with(Run::argv(["/etc/init.d/cron", "status"]), ran(status, "", ""))
    };
    let cron = service("cron", sysv(script, 0));
    assert!(cron.is("running", &[]).unwrap() && cron.is("enabled", &[]).unwrap());
    assert_eq!(cron.its("runlevels").unwrap(), Value::strings(["2"]));
    assert_eq!(cron.its("description").unwrap(), Value::from("Regular background program processing daemon"));
    assert_eq!(cron.rounds(), 2);
    assert!(!service("cron", sysv(script, 3)).is("running", &[]).unwrap());
    assert!(fault(service("cron", sysv(script, 4)).is("running", &[])).contains("status 4"));
    assert!(fault(service("cron", sysv("#!/bin/sh\nexec cron\n", 0)).is("running", &[])).contains("no status action"));
    assert!(!Trial::new(&SYSV, &["nope".into()], &[], sysv(script, 0)).is("running", &[]).unwrap());
}

#[test]
fn without_a_manager_only_a_script_can_answer() {
    let bare = || node(&[], &[("/etc/init.d", &["cron"])]);
    assert!(!service("cron", bare()).is("enabled", &[]).unwrap());
    assert!(fault(service("ssh", bare()).is("running", &[])).contains("no service manager is known"));
    let systemd = Trial::new(&SYSTEMD, &["cron".into()], &[], bare());
    assert!(fault(systemd.is("enabled", &[])).contains("systemd is not on this node"));
}

#[test]
fn a_name_that_systemctl_would_expand_is_refused() {
    for name in ["ssh*", "--all", "../x", "a b", ""] {
        let built = arguments(&ENTRY, &[name.into()], &[]).and_then(|args| (ENTRY.build)(&args).map(|_| ()));
        assert!(built.unwrap_err().contains("no service name"), "{name}");
    }
}
