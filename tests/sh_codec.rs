//! The sh codec, with real shells: every shell there is keeps the contract of transports,
//! and every answer is that of the local machine.

#[allow(dead_code, reason = "not every test asks everything")]
#[path = "transports/contract.rs"]
mod contract;

use contract::{contract, contract_of_a_small_node, contract_unprivileged, mode};
use probity::probe::sh::{Decoded, Decoder, Mark, Script};
use probity::probe::*;
use probity::transport::Transport;
use probity::transport::local::Local;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A shell on this machine that is fed scripts.
struct Shell {
    command: Vec<String>,
    /// The user it runs as where it is not that of the test.
    uid: Option<u32>,
    user: RefCell<String>,
}

impl Shell {
    fn new(command: &[&str]) -> Shell {
        Shell { command: command.iter().map(ToString::to_string).collect(), uid: None, user: RefCell::default() }
    }

    /// Those of the shells under test that are installed.
    fn all() -> Vec<Shell> {
        let shells: [&[&'static str]; 4] =
            [&["dash", "-s"], &["bash", "-s"], &["busybox", "ash", "-s"], &["ksh", "-s"]];
        let local = Local::new();
        let there = |shell: &&[&'static str]| {
            let which = Which { name: shell[0].into() };
            matches!(local.answer_now(&which.into()), Some(Ok(Observation::Which(Some(_)))))
        };
        shells.iter().filter(|shell| there(shell)).map(|shell| Shell::new(shell)).collect()
    }

    fn run(&self, probes: &[Probe], mark: &Mark) -> Decoded {
        let script = Script::new(probes, mark);
        let mut decoder = Decoder::new(probes, mark);
        let (status, out, err) = self.feed(script.text());
        // In turns and in pieces of odd sizes, as a network brings them.
        let (mut out, mut err) = (out.chunks(1013), err.chunks(7));
        loop {
            match (out.next(), err.next()) {
                (None, None) => break,
                (left, right) => {
                    decoder.stdout(left.unwrap_or_default());
                    decoder.stderr(right.unwrap_or_default());
                }
            }
        }
        decoder.finish(&format!("the shell ended with {status}"))
    }

    fn feed(&self, script: &[u8]) -> (String, Vec<u8>, Vec<u8>) {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid).env_remove("HOME").env_remove("USER").env_remove("LOGNAME");
        }
        let mut child = command.spawn().expect("the shell starts");
        let (mut stdin, mut stdout, mut stderr) = (
            child.stdin.take().expect("a pipe"),
            child.stdout.take().expect("a pipe"),
            child.stderr.take().expect("a pipe"),
        );
        std::thread::scope(|scope| {
            scope.spawn(move || drop(stdin.write_all(script)));
            let errors = scope.spawn(move || {
                let mut bytes = Vec::new();
                stderr.read_to_end(&mut bytes).expect("read");
                bytes
            });
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).expect("read");
            let status = child.wait().expect("it ends");
            (status.to_string(), bytes, errors.join().expect("read"))
        })
    }
}

impl Transport for Shell {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        let decoded = self.run(probes, &Mark::random().expect("random bytes"));
        if let Some(user) = decoded.user {
            *self.user.borrow_mut() = user.to_string();
        }
        decoded.answers
    }

    fn user(&self) -> String {
        self.user.borrow().clone()
    }
}

#[test]
fn every_shell_keeps_the_contract_in_every_kind() {
    let all: BTreeSet<&str> = Probe::KINDS.iter().copied().collect();
    for shell in Shell::all() {
        println!("{:?}", shell.command);
        assert_eq!(contract(&shell), all, "{:?}", shell.command);
    }
}

#[test]
fn no_shell_takes_what_it_may_not_see_for_absent() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    mode(directory.path(), 0o755);
    let locked = directory.path().join("locked");
    fs::create_dir(&locked).expect("a directory");
    fs::write(locked.join("file"), "").expect("written");
    mode(&locked, 0);
    for shell in Shell::all() {
        println!("{:?}", shell.command);
        contract_unprivileged(&Shell { uid: Some(65534), ..shell }, &locked);
    }
    mode(&locked, 0o755);
}

/// A shell that has busybox and nothing else: its applets cover the directories of commands
/// in a mount namespace of its own. `None`: not root, or no busybox.
fn busybox_alone(directory: &std::path::Path) -> Option<Shell> {
    let applets = Command::new("busybox").arg("--list").output().ok()?;
    let program = Command::new("sh").args(["-c", "command -v busybox"]).output().ok()?;
    fs::copy(String::from_utf8_lossy(&program.stdout).trim(), directory.join("busybox")).ok()?;
    for applet in String::from_utf8_lossy(&applets.stdout).lines().filter(|applet| *applet != "busybox") {
        std::os::unix::fs::symlink("busybox", directory.join(applet)).ok()?;
    }
    mode(directory, 0o755);
    let line = "for d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin;do mount --bind \"$0\" $d||exit 9;done;exec \"$0/busybox\" ash -s";
    let directory = directory.to_str()?;
    let probe = Command::new("unshare").args(["-m", "sh", "-c", &line.replace("ash -s", "true"), directory]).status();
    probe.is_ok_and(|status| status.success()).then(|| Shell::new(&["unshare", "-m", "sh", "-c", line, directory]))
}

#[test]
fn a_node_of_busybox_alone_keeps_the_contract_but_has_no_http() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some(shell) = busybox_alone(directory.path()) else { return };
    contract_of_a_small_node(&shell);
    let http = Http {
        url: "http://user:secret@127.0.0.1:1/".to_string(),
        method: "GET".to_string(),
        headers: Vec::new(),
        body: Arc::from([]),
        verify: true,
        max_redirects: 0,
        timeout_ms: 3000,
    };
    let fault = shell.batch(&[http.into()]).remove(0).expect_err("no tool");
    assert_eq!(fault.kind, FaultKind::ToolMissing);
    assert!(fault.message.contains("curl") && !fault.message.contains("secret"), "{fault}");
    let lacks = |probe: &Probe| matches!(probe, Probe::Flags(flags) if !matches!(&*flags.path, "/none" | "/dev/null" | "/etc/passwd/x"));
    let probes: Vec<Probe> = stable().into_iter().filter(|probe| !lacks(probe) && !covered(probe)).collect();
    same_as_local(&shell, &probes);
}

/// What is another thing where busybox covers the programs.
fn covered(probe: &Probe) -> bool {
    matches!(probe, Probe::Which(_)) || matches!(probe, Probe::Stat(stat) if stat.path.contains("/bin"))
}

/// A shell in a mount namespace of its own, where one file covers another. `None`: not root.
fn with_covered(file: &str, over: &str) -> Option<Shell> {
    let line = "mount --bind \"$0\" \"$1\"||exit 9;exec dash -s";
    let probe = Command::new("unshare").args(["-m", "sh", "-c", &line.replace("dash -s", "true"), file, over]).status();
    probe.is_ok_and(|status| status.success()).then(|| Shell::new(&["unshare", "-m", "sh", "-c", line, file, over]))
}

#[test]
fn a_node_without_curl_asks_with_wget() {
    let Some(shell) = with_covered("/dev/null", "/usr/bin/curl") else { return };
    if !matches!(Local::new().answer_now(&Which { name: "wget".into() }.into()), Some(Ok(Observation::Which(Some(_)))))
    {
        return;
    }
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let url = format!("http://{}/page", server.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.expect("a request");
            let _ = stream.read(&mut [0; 4096]);
            let answer =
                b"HTTP/1.1 418 I'm a teapot\r\nX-Kind: pot\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntea\n";
            let _ = stream.write_all(answer);
        }
    });
    let http = Http {
        url,
        method: "GET".to_string(),
        headers: Vec::new(),
        body: Arc::from([]),
        verify: true,
        max_redirects: 3,
        timeout_ms: 3000,
    };
    let plain = Probe::from(http.clone());
    same_as_local(&shell, std::slice::from_ref(&plain));
    // Headers would be in the process list.
    let headers = vec![("Authorization".to_string(), "secret".to_string())];
    let fault = shell.batch(&[Http { headers, ..http }.into()]).remove(0).expect_err("no curl");
    assert_eq!(fault.kind, FaultKind::ToolMissing);
}

#[test]
fn accounts_of_services_that_are_no_files_come_from_getent() {
    let switch = tempfile::NamedTempFile::new().expect("a file");
    fs::write(switch.path(), "passwd: files [NOTFOUND=continue] probity-none\ngroup:probity-none files # sss\n")
        .expect("written");
    mode(switch.path(), 0o644);
    let Some(shell) = with_covered(switch.path().to_str().expect("text"), "/etc/nsswitch.conf") else { return };
    let probes: Vec<Probe> = stable()
        .into_iter()
        .filter(|probe| matches!(probe, Probe::User(_) | Probe::Group(_) | Probe::Users(_) | Probe::Groups(_)))
        .collect();
    assert!(probes.len() > 20);
    same_as_local(&shell, &probes);
}

#[test]
fn access_lists_are_seen_where_ls_shows_them() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for name in ["plain", "listed", "plus+"] {
        fs::write(directory.path().join(name), "").expect("written");
    }
    std::os::unix::fs::symlink("listed", directory.path().join("link")).expect("a link");
    let set = Command::new("setfacl").args(["-m", "u:65534:r"]).arg(directory.path().join("listed")).status();
    if !set.is_ok_and(|status| status.success()) {
        return; // no tool, or a file system without them
    }
    let stat = |name: &str| Stat { path: directory.path().join(name).to_str().expect("text").into() }.into();
    let probes: Vec<Probe> = ["plain", "absent", "listed", "plus+", "link"].map(stat).into();
    // The ash of busybox may take its own ls, which does not show them.
    for shell in Shell::all().iter().filter(|shell| shell.command[0] != "busybox") {
        same_as_local(shell, &probes);
    }
}

/// Requests as the local machine makes them: what arrives at the server is the same where it
/// matters, and so is what is made of the answer.
#[test]
fn requests_with_bodies_and_redirects_are_those_of_the_local_machine() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = server.local_addr().expect("bound");
    let (sender, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.expect("a request");
            let mut request = Vec::new();
            let mut room = [0; 4096];
            let wanted = |request: &[u8]| {
                let text = String::from_utf8_lossy(request).to_lowercase();
                let head = text.find("\r\n\r\n")? + 4;
                let length =
                    text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
                Some(head + length.unwrap_or(0))
            };
            while wanted(&request).is_none_or(|wanted| request.len() < wanted) {
                match stream.read(&mut room) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => request.extend_from_slice(&room[..read]),
                }
            }
            let answer: &[u8] = match request.starts_with(b"GET /from") {
                true => b"HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n",
                false => b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\0\xff\r\n\n",
            };
            // Before the answer: who has it looks here at once.
            let _ = sender.send(request.clone());
            let _ = stream.write_all(if request.starts_with(b"HEAD") { &answer[..answer.len() - 5] } else { answer });
        }
    });
    let http = |method: &str, path: &str, body: &[u8], max_redirects| Http {
        url: format!("http://{address}{path}"),
        method: method.to_string(),
        headers: vec![("X-Quoted".to_string(), "\"a\\b' $c".to_string())],
        body: body.into(),
        verify: true,
        max_redirects,
        timeout_ms: 3000,
    };
    let asked = [
        http("GET", "/from", b"", 0),
        http("GET", "/from", b"", 1),
        http("POST", "/post", b"@a=\xff\n\"b\"\\\r\n", 0),
        http("PUT", "/put", b"%s -", 0),
        http("DELETE", "/delete", b"", 0),
        http("HEAD", "/head", b"", 0),
    ];
    let told = |request: Vec<u8>| {
        let at = request.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&request[..at]).into_owned();
        let quoted =
            head.lines().find(|line| line.to_lowercase().starts_with("x-quoted")).map(|line| line[9..].to_string());
        let typed = head.to_lowercase().contains("content-type");
        (head.lines().next().map(str::to_string), quoted, typed, request[at + 4..].to_vec())
    };
    for http in asked {
        let probes = [Probe::from(http.clone())];
        let expected = Local::new().batch(&probes);
        let arrived: Vec<_> = requests.try_iter().map(told).collect();
        assert!(!arrived.is_empty() && expected[0].is_ok(), "{expected:?}");
        for shell in Shell::all() {
            assert_eq!(shell.batch(&probes), expected, "{:?} {}", shell.command, http.url);
            assert_eq!(requests.try_iter().map(told).collect::<Vec<_>>(), arrived, "{:?} {}", shell.command, http.url);
        }
    }
}

/// What changes all the time is compared where the local machine says the same before and
/// after.
#[test]
fn every_shell_sees_the_processes_and_sockets_of_the_local_machine() {
    let listener = std::net::TcpListener::bind("[::1]:0");
    type Line = (u32, u32, u32, Arc<str>, Arc<str>, u32, i64, Option<Arc<str>>);
    let processes = |transport: &dyn Transport| -> BTreeSet<Line> {
        let answer = transport.batch(&[Processes.into()]).remove(0);
        let Ok(Observation::Processes(processes)) = answer else { panic!("{answer:?}") };
        let line = |process: &Process| {
            let Process { pid, ppid, uid, name, command, tty, started, label, .. } = process.clone();
            (pid, ppid, uid, name, command, tty, started, label)
        };
        processes.iter().map(line).collect()
    };
    let sockets = |transport: &dyn Transport| -> BTreeSet<Socket> {
        let answer = transport.batch(&[Sockets.into()]).remove(0);
        let Ok(Observation::Sockets(sockets)) = answer else { panic!("{answer:?}") };
        sockets.iter().cloned().collect()
    };
    for shell in Shell::all() {
        let (before, seen, after) = (processes(&Local::new()), processes(&shell), processes(&Local::new()));
        let lasting: BTreeSet<_> = before.intersection(&after).cloned().collect();
        assert!(lasting.len() > 3 && lasting.is_subset(&seen), "{:?}", lasting.difference(&seen));
        let (before, seen, after) = (sockets(&Local::new()), sockets(&shell), sockets(&Local::new()));
        let lasting: BTreeSet<_> = before.intersection(&after).cloned().collect();
        assert!(lasting.is_subset(&seen), "{:?}", lasting.difference(&seen));
        let either: BTreeSet<_> = before.union(&after).cloned().collect();
        assert!(seen.len() <= either.len() + 5 && (listener.is_err() || !seen.is_empty()));
        let owners = [Probe::from(SocketOwners)];
        let kind = |answer: Answer| answer.map(drop).map_err(|fault| fault.kind);
        assert_eq!(kind(shell.batch(&owners).remove(0)), kind(Local::new().batch(&owners).remove(0)));
    }
}

/// A command's whole session goes when its time is up, and no watch is left of one that ends
/// in time.
#[test]
fn nothing_is_left_running() {
    let running = |word: &str| {
        let Some(Ok(Observation::Processes(processes))) = Local::new().answer_now(&Processes.into()) else { return 0 };
        processes.iter().filter(|process| process.command.contains(word)).count()
    };
    for (number, shell) in Shell::all().iter().enumerate() {
        // Odd numbers tell these from those of other tests.
        let (long, limit) = (format!("sleep 471.{number}"), 5_311_000 + number as u64);
        let probes = [
            Run { timeout_ms: 300, ..Run::shell(format!("({long}; true) & {long}; true")) }.into(),
            Probe::from(Run { timeout_ms: limit, ..Run::shell("echo in time") }),
        ];
        let answers = shell.batch(&probes);
        assert_eq!(answers[0].clone().expect_err("too slow").kind, FaultKind::TimedOut, "{:?}", shell.command);
        assert!(matches!(&answers[1], Ok(Observation::Run(ran)) if &*ran.stdout == b"in time\n"), "{answers:?}");
        let tries = (0..50).map(|_| std::thread::sleep(std::time::Duration::from_millis(20)));
        let mut gone = tries.map(|()| running(&long) + running(&format!("sleep {}", limit / 1000)));
        assert!(gone.any(|left| left == 0), "{:?} leaves something running", shell.command);
    }
}

/// Questions whose answers stay the same while a test runs.
fn stable() -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::new();
    for path in [
        "/",
        "/etc",
        "/etc/passwd",
        "/etc/shadow",
        "/bin",
        "/etc/localtime",
        "/etc/resolv.conf",
        "/dev/null",
        "/proc/1/exe",
        "/proc/sys/kernel/hostname",
        "/sys",
        "/etc/passwd/x",
        "/none",
        "/var/run",
        "/etc/os-release",
        "/usr/bin/../bin",
        "//etc//passwd",
        "/etc/",
        "/bin/",
    ] {
        probes.push(Stat { path: path.into() }.into());
    }
    for path in [
        "/etc/passwd",
        "/etc/group",
        "/etc/shadow",
        "/etc/hostname",
        "/etc/none",
        "/proc/sys/kernel/osrelease",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/cmdline",
        "/etc",
        "/dev/null",
        "/etc/localtime",
        "/proc/kmsg",
        "/proc/sys/net/ipv4/route/flush",
        "/etc/alternatives/none/x",
        "/var/lib/dpkg/status",
    ] {
        probes.push(Read { path: path.into() }.into());
    }
    for path in ["/etc", "/dev", "/none", "/etc/passwd", "/var/lib", "/"] {
        probes.push(List { path: path.into() }.into());
    }
    for path in ["/etc/passwd", "/none", "/dev/null", "/etc", "/etc/passwd/x", "/proc/version"] {
        probes.push(Flags { path: path.into() }.into());
    }
    let walk = |path: &str| Walk { path: path.into(), timeout_ms: 60_000, ..Walk::default() };
    probes.push(walk("/etc").into());
    probes.push(Walk { any_bits: 0o6000, ..walk("/var") }.into());
    probes.push(Walk { no_user: true, ..walk("/etc") }.into());
    probes.push(Walk { kinds: vec![FileKind::File, FileKind::Symlink], max_depth: Some(1), ..walk("/etc/") }.into());
    probes.push(Walk { name: Some("[a-d]*.conf".into()), ..walk("/etc") }.into());
    probes.push(Walk { prune: vec!["/etc/alternatives".into(), "/etc/ssl/".into()], ..walk("/etc") }.into());
    probes.push(Walk { uid: Some(0), gid: Some(42), ..walk("/etc") }.into());
    probes.push(walk("/var/run").into());
    for name in ["sh", "cd", "nothing-there", "", "/bin/sh", "/etc/passwd", "ls"] {
        probes.push(Which { name: name.into() }.into());
    }
    for name in ["root", "daemon", "nobody", "0", "", "-x", "no one"] {
        probes.push(User { key: AccountKey::Name(name.into()) }.into());
        probes.push(Group { key: AccountKey::Name(name.into()) }.into());
    }
    for id in [0, 1, 65534, 4_000_000_000] {
        probes.push(User { key: AccountKey::Id(id) }.into());
        probes.push(Group { key: AccountKey::Id(id) }.into());
    }
    probes.extend([Users.into(), Groups.into(), Uname.into(), Interfaces.into()]);
    for host in ["localhost", "127.0.0.1", "::1", "[::1]", "-x", "a b"] {
        probes.push(Lookup { host: host.into(), timeout_ms: 5000 }.into());
    }
    for host in ["127.0.0.1", "::1", "-x", "a b", "localhost"] {
        probes.push(Connect { host: host.into(), port: 1, timeout_ms: 2000 }.into());
    }
    let runs = [
        Run::argv(["no-such-program", "x"]),
        Run::argv(["/no/such/program"]),
        Run::argv(["/etc/passwd"]),
        Run::argv(["/etc"]),
        Run::argv(Vec::<String>::new()),
        Run::argv(["printf", "\\n%s", "-n"]),
        Run::shell("exit 124"),
        Run::shell("kill -9 $$"),
        Run::shell("kill -USR1 $$"),
        Run::shell("echo out; echo err >&2; exit 255"),
        Run::shell("printf '\\n0000 0 0\\n'"),
        Run { stdin: (0..=255).collect::<Vec<u8>>().into(), ..Run::shell("cat") },
        Run { stdin: b"-%s\\n'\n\n".as_slice().into(), ..Run::argv(["cat"]) },
        Run { stdin: vec![b'x'; 300_000].into(), ..Run::argv(["wc", "-c"]) },
        Run { stdin: vec![b'x'; 300_000].into(), ..Run::argv(["true"]) },
        Run {
            environment: vec![("A".into(), "it's\n$B".into()), ("PATH".into(), "/none".into())],
            ..Run::argv(["sh"])
        },
        Run { environment: vec![("a_b".into(), "".into())], ..Run::argv(["/bin/sh", "-c", "exit 3"]) },
    ];
    probes.extend(runs.into_iter().map(Probe::from));
    probes
}

fn same_as_local(shell: &Shell, probes: &[Probe]) {
    let local = Local::new();
    let answers = shell.batch(probes);
    let mut differing = Vec::new();
    for (probe, answer) in probes.iter().zip(&answers) {
        let expected = local.batch(std::slice::from_ref(probe)).remove(0);
        // Other tests may change the machine meanwhile.
        let later = if expected == *answer { None } else { shell.batch(std::slice::from_ref(probe)).pop() };
        let answer = later.as_ref().unwrap_or(answer);
        let same = match (&expected, &answer) {
            // The wording may differ where another tool says it.
            (Err(expected), Err(fault)) => expected.kind == fault.kind,
            (expected, answer) => *expected == **answer,
        };
        if !same {
            let cut = |answer: &Answer| format!("{answer:?}").chars().take(600).collect::<String>();
            differing.push(format!("{probe}\n  local: {}\n  shell: {}", cut(&expected), cut(answer)));
        }
    }
    assert!(differing.is_empty(), "{:?}\n{}", shell.command, differing.join("\n"));
}

#[test]
fn every_shell_answers_as_the_local_machine() {
    for shell in Shell::all() {
        same_as_local(&shell, &stable());
        if let Some(uid) = rustix::process::geteuid().is_root().then_some(65534) {
            let unprivileged =
                Shell { uid: Some(uid), ..Shell::new(&shell.command.iter().map(String::as_str).collect::<Vec<_>>()) };
            let probes = [
                Stat { path: "/root/x".into() }.into(),
                Read { path: "/etc/shadow".into() }.into(),
                SocketOwners.into(),
            ];
            for (probe, answer) in probes.iter().zip(unprivileged.batch(&probes)) {
                let fault = answer.expect_err("may not look");
                let path = probe.to_string().split(' ').nth(1).unwrap_or("/proc").to_string();
                assert!(fault.kind == FaultKind::Denied && fault.message.contains(&path), "{fault}");
            }
        }
    }
}

/// Two hundred mixed checks, as a profile of a real node asks them.
fn two_hundred() -> Vec<Probe> {
    let etc = fs::read_dir("/etc").expect("there").filter_map(|entry| Some(entry.ok()?.path().to_str()?.to_string()));
    let mut probes: Vec<Probe> = etc.take(60).map(|path| Stat { path: path.into() }.into()).collect();
    probes.extend((0..20).map(|number| Probe::from(Stat { path: format!("/etc/absent-{number}").into() })));
    for path in [
        "passwd",
        "group",
        "shadow",
        "hosts",
        "fstab",
        "login.defs",
        "nsswitch.conf",
        "profile",
        "bash.bashrc",
        "resolv.conf",
    ] {
        probes.push(Read { path: format!("/etc/{path}").into() }.into());
    }
    probes.extend((0..10).map(|number| Probe::from(Read { path: format!("/etc/absent-{number}").into() })));
    probes.push(Read { path: "/var/lib/dpkg/status".into() }.into());
    for name in [
        "tcp_syncookies",
        "ip_forward",
        "ip_default_ttl",
        "tcp_timestamps",
        "tcp_sack",
        "tcp_fin_timeout",
        "ip_nonlocal_bind",
        "tcp_rfc1337",
        "tcp_ecn",
        "tcp_retries1",
        "tcp_retries2",
        "tcp_abc",
        "tcp_dsack",
        "tcp_fack",
        "tcp_fwmark_accept",
    ] {
        probes.push(Read { path: format!("/proc/sys/net/ipv4/{name}").into() }.into());
    }
    for id in 0..30 {
        probes.push(User { key: AccountKey::Id(id) }.into());
        probes.push(Group { key: AccountKey::Id(id) }.into());
    }
    probes.extend([Users.into(), Groups.into(), Uname.into(), Sockets.into(), SocketOwners.into(), Processes.into()]);
    probes.extend([Interfaces.into(), Environment.into(), Read { path: "/proc/mounts".into() }.into()]);
    probes.extend(["ls", "cat", "systemctl", "none"].map(|name| Probe::from(Which { name: name.into() })));
    probes.push(List { path: "/etc/cron.d".into() }.into());
    probes.extend((0..10).map(|number| Probe::from(Run::argv(["echo".to_string(), number.to_string()]))));
    probes
}

/// `cargo test --test sh_codec -- --ignored --nocapture measure`
#[test]
#[ignore = "a measurement"]
fn measure_two_hundred_checks() {
    let probes = two_hundred();
    let mark = Mark::random().expect("random bytes");
    for shell in Shell::all() {
        let script = Script::new(&probes, &mark);
        let mut times: Vec<_> = (0..15)
            .map(|_| {
                let started = std::time::Instant::now();
                let (_, out, err) = shell.feed(script.text());
                (started.elapsed(), out.len(), err.len())
            })
            .collect();
        times.sort_unstable();
        let decoded = shell.run(&probes, &mark);
        let faults: Vec<_> = decoded.answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        let (time, out, err) = times[7];
        println!(
            "{:?}: {} probes, script {} bytes, median {time:?} (least {:?}), {out} bytes out, {err} bytes err, faults {faults:?}",
            shell.command,
            probes.len(),
            script.text().len(),
            times[0].0
        );
    }
}
