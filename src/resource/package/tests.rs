//! Tests of `package` on databases as the managers write them.

use super::*;
use crate::probe::{Entry, FileKind, List, Read, Run};
use crate::resource::testing::{Trial, arguments, fault};
use crate::resource::testing::{bytes, ran};
use crate::transport::scripted::Scripted;

const STATUS: &str = "\
Package: openssh-server
Status: install ok installed
Priority: optional
Section: net
Architecture: amd64
Source: openssh
Version: 1:9.2p1-2+deb12u3
Conffiles:
 /etc/default/ssh 500e3cf069fe9a7b9936108eb9d9c035
Description: secure shell (SSH) server
 Version: not this one

Package: telnetd
Status: deinstall ok config-files
Architecture: all
Version: 0.17+2.4-2+b1

Package: docker-ce
Status: hold ok installed
Architecture: amd64
Version: 5:24.0.7-1~debian.12~bookworm

Package: libc6
Status: install ok half-configured
Architecture: i386
Version: 2.36-9

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u4
";

fn debian() -> Scripted {
    Scripted::new()
        .platform("ID=debian\nVERSION_ID=12\n", &["/var/lib/dpkg/status", "/var/lib/rpm"])
        .with(Read { path: "/var/lib/dpkg/status".into() }, bytes(STATUS))
}

fn package(name: &str, script: Scripted) -> Trial {
    Trial::new(&ENTRY, &[name.into()], &[], script)
}

fn version(text: &str, scheme: crate::value::VersionScheme) -> Value {
    Value::Version(PackageVersion { text: text.into(), scheme })
}

#[test]
fn dpkg_is_read_in_one_round() {
    use crate::value::VersionScheme::Dpkg;
    let ssh = package("openssh-server", debian());
    assert!(ssh.is("installed", &[]).unwrap() && !ssh.is("held", &[]).unwrap());
    assert_eq!(ssh.its("version").unwrap(), version("1:9.2p1-2+deb12u3", Dpkg));
    assert_eq!(ssh.rounds(), 1);
    assert!(package("docker-ce", debian()).is("held", &[]).unwrap());
    assert_eq!(package("libc6", debian()).its("version").unwrap(), version("2.36-9+deb12u4", Dpkg));
    assert_eq!(package("libc6:i386", debian()).its("state").unwrap(), Value::from("half-configured"));
}

#[test]
fn what_is_left_of_a_removed_package_is_not_installed() {
    let telnetd = package("telnetd", debian());
    assert!(!telnetd.is("installed", &[]).unwrap() && !telnetd.exists().unwrap());
    assert_eq!(telnetd.its("state").unwrap(), Value::from("config-files"));
    assert_eq!(telnetd.its("version"), Err(Unseen::Missing("Package telnetd".to_string())));
    assert_eq!(package("absent", debian()).its("state").unwrap(), Value::from("not-installed"));
}

#[test]
fn apt_gives_the_latest_version() {
    let mut run = Run::argv(["apt-cache", "policy", "openssh-server"]);
    run.environment = vec![("LC_ALL".to_string(), "C".to_string())];
    let said = "openssh-server:\n  Installed: 1:9.2p1-2+deb12u3\n  Candidate: 1:9.2p1-2+deb12u7\n  Version table:\n";
    let ssh = package("openssh-server", debian().with(run.clone(), ran(0, said, "")));
    assert!(!ssh.is("latest", &[]).unwrap());
    assert_eq!(ssh.rounds(), 2);
    assert!(
        fault(package("openssh-server", debian().with(run, ran(127, "", ""))).its("latest_version"))
            .contains("apt-cache")
    );
}

fn rpm_run() -> Run {
    let format = "%{NAME}\\t%{EPOCH}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{INSTALLTIME}\\n";
    Run { timeout_ms: 60_000, ..Run::argv(["rpm", "-qa", "--queryformat", format]) }
}

fn entry(name: &str, kind: FileKind) -> Entry {
    Entry { name: name.into(), kind }
}

fn rocky(answer: crate::probe::Ran) -> Scripted {
    Scripted::new()
        .platform("ID=rocky\nID_LIKE=\"rhel centos fedora\"\n", &["/var/lib/rpm"])
        .with(rpm_run(), answer)
        .with(List { path: "/usr/lib/sysimage/rpm".into() }, None)
        .with(List { path: "/var/lib/rpm".into() }, Some([entry("rpmdb.sqlite", FileKind::File)].into()))
        .with(List { path: "/usr/share/rpm".into() }, None)
        .with(Read { path: "/etc/dnf/plugins/versionlock.list".into() }, bytes("bash-0:5.1.8-6.el9.*\n"))
        .with(Read { path: "/etc/yum/pluginconf.d/versionlock.list".into() }, None)
        .with(Read { path: "/etc/dnf/versionlock.toml".into() }, None)
        .with(Read { path: "/etc/zypp/locks".into() }, None)
}

const RPMS: &str = "\
bash\t(none)\t5.1.8-6.el9\tx86_64\t1700000000
kernel\t(none)\t5.14.0-70.el9\tx86_64\t1600000000
kernel\t(none)\t5.14.0-427.el9\tx86_64\t1700000001
openssl-libs\t1\t3.0.7-27.el9\tx86_64\t1700000000
gpg-pubkey\t(none)\t350d275d-6279464b\t(none)\t1700000000
";

#[test]
fn rpm_is_asked_once_for_all_packages() {
    use crate::value::VersionScheme::Rpm;
    let kernel = package("kernel", rocky(ran(0, RPMS, "")));
    assert_eq!(kernel.its("version").unwrap(), version("5.14.0-427.el9", Rpm));
    assert!(matches!(kernel.its("versions").unwrap(), Value::List(versions) if versions.len() == 2));
    assert_eq!(kernel.rounds(), 2);
    assert_eq!(
        package("openssl-libs.x86_64", rocky(ran(0, RPMS, ""))).its("version").unwrap(),
        version("1:3.0.7-27.el9", Rpm)
    );
    assert!(package("bash", rocky(ran(0, RPMS, ""))).is("held", &[]).unwrap());
    assert!(!package("telnet", rocky(ran(0, RPMS, ""))).is("installed", &[]).unwrap());
}

#[test]
fn an_rpm_that_fails_or_is_missing_is_a_fault_not_an_absence() {
    assert!(fault(package("bash", rocky(ran(127, "", ""))).is("installed", &[])).contains("rpm tool"));
    let broken = ran(1, "", "error: rpmdb: damaged header #3\n");
    assert!(fault(package("bash", rocky(broken)).exists()).contains("damaged header"));
}

/// `rpm -qa` makes an empty database where there is none, so it is not asked.
#[test]
fn rpm_is_not_asked_where_there_is_no_database() {
    let empty = rocky(ran(0, "", "")).with(List { path: "/var/lib/rpm".into() }, Some([].into()));
    let bash = package("bash", empty);
    assert!(
        fault(bash.is("installed", &[])).contains("there is no rpm database in /usr/lib/sysimage/rpm, /var/lib/rpm")
    );
    assert_eq!(bash.rounds(), 1);
}

#[test]
fn apk_and_pacman_are_read_in_one_round() {
    let installed = "C:Q1abc=\nP:busybox\nV:1.36.1-r15\nA:x86_64\nS:509600\nF:bin\nR:busybox\n\nC:Q1x=\nP:musl\nV:1.2.4-r2\nA:x86_64\n\n";
    let alpine = Scripted::new()
        .platform("ID=alpine\n", &["/lib/apk/db/installed"])
        .with(Read { path: "/lib/apk/db/installed".into() }, bytes(installed))
        .with(Read { path: "/etc/apk/world".into() }, bytes("alpine-base\nmusl=1.2.4-r2\n"));
    let musl = package("musl", alpine);
    assert!(musl.is("held", &[]).unwrap());
    assert_eq!(musl.its("version").unwrap(), version("1.2.4-r2", crate::value::VersionScheme::Apk));
    assert_eq!(musl.rounds(), 1);

    let local = [
        entry("ALPM_DB_VERSION", FileKind::File),
        entry("bash-5.2.026-2", FileKind::Directory),
        entry("gcc-libs-1:13.2.1-5", FileKind::Directory),
    ];
    let arch = Scripted::new()
        .platform("ID=arch\n", &["/var/lib/pacman/local"])
        .with(List { path: "/var/lib/pacman/local".into() }, Some(local.into()))
        .with(Read { path: "/etc/pacman.conf".into() }, bytes("[options]\nIgnorePkg = linux bash\n"))
        .with(
            Read { path: "/var/lib/pacman/local/gcc-libs-1:13.2.1-5/desc".into() },
            bytes("%NAME%\ngcc-libs\n\n%ARCH%\nx86_64\n"),
        );
    let libs = package("gcc-libs", arch);
    assert_eq!(libs.its("version").unwrap(), version("1:13.2.1-5", crate::value::VersionScheme::Pacman));
    assert_eq!(libs.rounds(), 1);
    assert_eq!(libs.its("architecture").unwrap(), Value::from("x86_64"));
}

#[test]
fn a_node_without_a_database_is_a_fault() {
    let bare = package("bash", Scripted::new().platform("ID=distroless\n", &[]));
    assert!(fault(bare.is("installed", &[])).contains("no package database"));
}

#[test]
fn a_name_that_a_tool_would_take_for_something_else_is_refused() {
    for name in ["--help", "ssh*", "a b", ""] {
        let built = arguments(&ENTRY, &[name.into()], &[]).and_then(|args| (ENTRY.build)(&args).map(|_| ()));
        assert!(built.unwrap_err().contains("is no package name"), "{name}");
    }
}
