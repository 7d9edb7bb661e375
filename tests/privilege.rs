//! Becoming another user with the real sudo, su and doas of this machine, over a shell
//! that stands for one of a node.

#[allow(dead_code, reason = "not every test asks everything")]
#[path = "transports/contract.rs"]
mod contract;
mod support;

use contract::{contract, contract_unprivileged, mode};
use probity::probe::{Observation, Probe, Question, Run, Stat};
use probity::transport::shell::Shell;
use probity::transport::shell::spawn::Spawner;
use probity::transport::{Options, Privilege, Prompt, Secret, Tool, Transport, Unreachable, UnreachableKind};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Lacking, required, skipped};

/// The users, see `privilege/lab.sh`.
const ASKED: u32 = 4001;
const FREE: u32 = 4002;
const CACHED: u32 = 4003;
const UNLISTED: u32 = 4004;
const WIRED: u32 = 4005;
const LIMITED: u32 = 4006;

/// A mount namespace with users of its own; it ends when it is dropped.
struct Lab(Child);

impl Lab {
    /// `None` where this computer cannot have one.
    fn new(what: &str) -> Option<Lab> {
        let mut lacking = Lacking::default();
        let needs = ["root", "sudo", "doas", "unshare", "nsenter", "setpriv", "useradd", "chpasswd"];
        if !needs.iter().all(|need| lacking.has(need, what)) {
            return None;
        }
        let mut lab = Lab(Command::new("unshare")
            .args(["--mount", "sh"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/privilege/lab.sh"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare starts"));
        let lines: Vec<String> =
            BufReader::new(lab.0.stdout.take().expect("piped")).lines().take(2).flatten().collect();
        if lines.is_empty() {
            // As in a container without the right to mount.
            assert!(!required("sudo"), "{what} needs the right to mount, and PROBITY_REQUIRE says sudo can be tried");
            skipped(what, "the right to mount");
            return None;
        }
        assert_eq!(lines, ["mounted", "ready"], "what went wrong stands above");
        Some(lab)
    }

    fn enter(&self) -> Vec<String> {
        vec!["nsenter".to_string(), format!("--mount=/proc/{}/ns/mnt", self.0.id()), "--".to_string()]
    }

    /// A shell of a user, whose conversations become another.
    fn shell(&self, user: u32, options: &Options) -> Shell {
        self.shell_of("sh", user, options)
    }

    /// The same where the user logs in with another shell.
    fn shell_of(&self, login: &str, user: u32, options: &Options) -> Shell {
        let mut words = self.enter();
        // Without a terminal, whatever runs the tests has.
        words.extend(["setsid", "--wait", "setpriv", "--clear-groups"].map(str::to_string));
        words.extend([format!("--reuid={user}"), format!("--regid={user}")]);
        words
            .extend(["env", "-i", "PATH=/usr/bin:/bin", "HOME=/", "LANG=de_DE.UTF-8", login, "-c"].map(str::to_string));
        Shell::new("lab", Box::new(Spawner::new(words).expect("made")), options)
    }

    fn becoming(&self, user: u32, tool: Tool, password: Option<&str>) -> Shell {
        self.shell(user, &privilege(tool, None, password))
    }

    fn sh(&self, script: &str) -> String {
        let words = self.enter();
        let output = Command::new(&words[0]).args(&words[1..]).args(["sh", "-c", script]).output().expect("starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What sudo has written down since the last look.
    fn log(&self) -> String {
        self.sh("cat /var/log/sudo.log && : >/var/log/sudo.log")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn privilege(tool: Tool, user: Option<&str>, password: Option<&str>) -> Options {
    let privilege = Privilege { tool, user: user.map(str::to_string), password: password.map(Secret::new) };
    Options { privilege: Some(privilege), ..Options::default() }
}

/// Some cheap probes and some commands, so that there is more than one conversation.
fn batch() -> Vec<Probe> {
    let mut probes: Vec<Probe> = vec![Stat { path: "/etc/shadow".into() }.into()];
    probes.extend((0..12).map(|number| Run::shell(format!("id -un; echo {number}")).into()));
    probes
}

/// Who the node was looked at as.
fn who(shell: &Shell) -> String {
    let answers = shell.batch(&batch());
    assert!(shell.lost().is_none(), "{:?}", shell.lost());
    for (number, answer) in answers.iter().skip(1).enumerate() {
        match answer.as_ref().expect("an answer") {
            Observation::Run(ran) => assert_eq!(*ran.stdout, *format!("{}\n{number}\n", shell.user()).as_bytes()),
            other => panic!("{other:?}"),
        }
    }
    assert!(answers[0].as_ref().is_ok_and(|answer| Stat::unwrap(answer).flatten().is_some()), "{:?}", answers[0]);
    shell.user()
}

/// Why it was not looked at.
fn why(shell: &Shell) -> Unreachable {
    let answers = shell.batch(&batch());
    let lost = shell.lost().unwrap_or_else(|| panic!("it was let in: {answers:?}"));
    for answer in answers.iter().chain(&shell.batch(&batch())) {
        assert_eq!(answer.as_ref().expect_err("a fault").message, lost.message);
    }
    assert!(lost.message.contains("lab") && !lost.message.contains("right"), "{lost}");
    lost
}

fn refused(shell: &Shell, expected: &str) {
    let lost = why(shell);
    assert_eq!(lost.kind, UnreachableKind::Privilege, "{lost}");
    assert!(lost.message.contains(expected), "{lost}");
}

#[test]
fn sudo_lets_in_with_its_password_and_without() {
    let Some(lab) = Lab::new("becoming another user with sudo") else { return };
    let right = Some("right");
    assert_eq!(who(&lab.becoming(ASKED, Tool::Sudo, right)), "root");
    assert_eq!(who(&lab.becoming(FREE, Tool::Sudo, None)), "root");
    // Given where none is asked for, the password must not end up as a command.
    assert_eq!(who(&lab.becoming(FREE, Tool::Sudo, Some("touch /run/password-was-run"))), "root");
    assert_eq!(lab.sh("ls /run"), "sudo\n");
    assert_eq!(who(&lab.shell(FREE, &privilege(Tool::Sudo, Some("service"), None))), "service");
    assert!(!lab.log().contains("incorrect"));

    let mut lacking = Lacking::default();
    for login in ["csh", "fish"] {
        if lacking.has(login, "sudo after a login with another shell") {
            assert_eq!(who(&lab.shell_of(login, ASKED, &privilege(Tool::Sudo, None, right))), "root");
            assert_eq!(who(&lab.shell_of(login, ASKED, &privilege(Tool::Su, None, Some("root-right")))), "root");
        }
    }

    let first = lab.becoming(CACHED, Tool::Sudo, right);
    assert_eq!(who(&first), "root");
    // Its time stamp lets the second in, whatever the password.
    assert_eq!(who(&lab.becoming(CACHED, Tool::Sudo, Some("wrong"))), "root");
    assert_eq!(who(&lab.becoming(CACHED, Tool::Sudo, None)), "root");
}

#[test]
fn a_wrong_password_is_tried_once() {
    let Some(lab) = Lab::new("a wrong password for sudo") else { return };
    refused(&lab.becoming(ASKED, Tool::Sudo, Some("wrong")), "sudo did not take the password, which was tried once");
    let log = lab.log();
    assert_eq!(log.matches("asked : 1 incorrect password attempt ").count(), 1, "{log}");
    assert_eq!(log.matches("asked :").count(), 1, "{log}");
}

#[test]
fn what_sudo_refuses_for_is_told_apart() {
    let Some(lab) = Lab::new("the refusals of sudo") else { return };
    let right = Some("right");
    refused(&lab.becoming(ASKED, Tool::Sudo, None), "asks for a password and none was given");
    refused(&lab.becoming(UNLISTED, Tool::Sudo, right), "may not use sudo; add a rule");
    refused(&lab.becoming(WIRED, Tool::Sudo, None), "requiretty");
    refused(&lab.becoming(WIRED, Tool::Sudo, right), "requiretty");
    refused(&lab.becoming(LIMITED, Tool::Sudo, right), "does not allow the command /bin/sh as root");
    let nobody = privilege(Tool::Sudo, Some("no-such-user"), None);
    refused(&lab.shell(FREE, &nobody), "sudo knows no user no-such-user");
    lab.sh("mv /etc/sudoers /etc/none; mount --bind /bin/false /usr/bin/doas; mount -t tmpfs tmpfs /mnt");
    refused(&lab.becoming(FREE, Tool::Sudo, None), "sudo");
    refused(&lab.becoming(FREE, Tool::Doas, None), "doas gave no shell");
}

#[test]
fn who_sits_at_the_terminal_is_asked_for_what_is_missing() {
    let Some(lab) = Lab::new("a prompt for the password of sudo") else { return };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let prompt: Prompt = Arc::new(move |question| {
        assert!(question.contains("sudo"), "{question}");
        count.fetch_add(1, Ordering::SeqCst);
        Some(Secret::new("right"))
    });
    let options = Options { prompt: Some(prompt), ..privilege(Tool::Sudo, None, None) };
    assert_eq!(who(&lab.shell(FREE, &options)), "root");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(who(&lab.shell(ASKED, &options)), "root");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    refused(&lab.shell(UNLISTED, &options), "may not use sudo");
}

#[test]
fn su_lets_in_and_refuses() {
    let Some(lab) = Lab::new("becoming another user with su") else { return };
    assert_eq!(who(&lab.becoming(ASKED, Tool::Su, Some("root-right"))), "root");
    assert_eq!(who(&lab.shell(0, &privilege(Tool::Su, Some("service"), None))), "service");
    refused(&lab.becoming(ASKED, Tool::Su, Some("wrong")), "su did not take the password, which was tried once");
    refused(&lab.becoming(ASKED, Tool::Su, None), "asks for a password and none was given");
    refused(&lab.shell(ASKED, &privilege(Tool::Su, Some("no-such-user"), Some("wrong"))), "su knows no user no-such");
}

#[test]
fn doas_lets_in_who_needs_no_password() {
    let Some(lab) = Lab::new("becoming another user with doas") else { return };
    assert_eq!(who(&lab.becoming(FREE, Tool::Doas, None)), "root");
    assert_eq!(who(&lab.shell(FREE, &privilege(Tool::Doas, Some("service"), Some("right")))), "service");
    refused(&lab.becoming(ASKED, Tool::Doas, Some("right")), "only on a terminal");
    refused(&lab.becoming(UNLISTED, Tool::Doas, None), "no rule");
    refused(&lab.shell(FREE, &privilege(Tool::Doas, Some("no-such-user"), None)), "doas knows no user no-such-user");
}

#[test]
fn the_contract_is_kept_through_sudo() {
    let Some(lab) = Lab::new("the contract of transports through sudo") else { return };
    contract(&lab.becoming(ASKED, Tool::Sudo, Some("right")));
    let directory = tempfile::tempdir().expect("a temporary directory");
    mode(directory.path(), 0o755);
    let locked = directory.path().join("locked");
    std::fs::create_dir(&locked).expect("a directory");
    std::fs::write(locked.join("file"), "").expect("written");
    mode(&locked, 0);
    contract_unprivileged(&lab.shell(FREE, &privilege(Tool::Sudo, Some("service"), None)), &locked);
    contract_unprivileged(&lab.shell(FREE, &Options::default()), &locked);
}
