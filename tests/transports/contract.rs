//! The contract of transports: what every probe kind observes on a prepared node, whatever
//! way it is reached.
//!
//! [`contract`] is a function over a transport. A transport passes it as a whole; one that
//! cannot answer a kind says `Unsupported`, which the caller of the contract lists.

use probity::probe::*;
use probity::transport::Transport;
use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

/// What the node under test holds; it is made on the machine the test runs on, which every
/// transport under test reaches.
struct Prepared {
    directory: tempfile::TempDir,
    listener: TcpListener,
}

impl Prepared {
    fn new() -> Prepared {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path();
        mode(root, 0o755);
        fs::write(root.join("file"), "line one\nline two\n").expect("written");
        mode(&root.join("file"), 0o4640);
        fs::write(root.join("a name with 'quotes' and $blanks\n"), [0, 1, 0xff, b'\n']).expect("written");
        fs::write(root.join("empty"), "").expect("written");
        fs::create_dir_all(root.join("directory/below")).expect("directories");
        fs::write(root.join("directory/below/deep.conf"), "").expect("written");
        mode(&root.join("directory"), 0o1777);
        symlink("file", root.join("link")).expect("a link");
        symlink("link", root.join("second link")).expect("a link");
        symlink("nowhere", root.join("dangling")).expect("a link");
        symlink("circle", root.join("circle")).expect("a link");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .expect("a pipe");
        Prepared { directory, listener: TcpListener::bind("127.0.0.1:0").expect("a listener") }
    }

    fn path(&self, name: &str) -> Arc<str> {
        self.directory.path().join(name).to_str().expect("text").into()
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().expect("bound").port()
    }
}

/// Sets the permission bits of a file.
pub fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

/// Asks one batch and unwraps the answers by kind.
struct Node<'a> {
    transport: &'a dyn Transport,
    asked: std::cell::RefCell<BTreeSet<&'static str>>,
    /// Whether the node may lack tools: a fault that says so is an answer then.
    is_small: bool,
}

impl Node<'_> {
    fn try_ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, Fault> {
        let probe: Probe = question.into();
        self.asked.borrow_mut().insert(probe.kind());
        let mut answers = self.transport.batch(std::slice::from_ref(&probe));
        assert_eq!(answers.len(), 1, "one answer to one probe");
        let answer = answers.remove(0);
        if let Some(at_once) = self.transport.answer_now(&probe)
            && !matches!(probe, Probe::Processes(_) | Probe::Sockets(_) | Probe::SocketOwners(_))
        {
            assert_eq!(at_once, answer, "{probe} is answered alike at once and in a batch");
        }
        answer.map(|observation| Q::unwrap(&observation).unwrap_or_else(|| panic!("{probe} got {observation:?}")))
    }

    fn ask<Q: Question>(&self, question: Q) -> Q::Answer {
        let probe: Probe = question.clone().into();
        self.try_ask(question).unwrap_or_else(|fault| panic!("{probe}: {fault}"))
    }
}

/// What every transport to this machine observes. Returns the kinds that were asked.
pub fn contract(transport: &dyn Transport) -> BTreeSet<&'static str> {
    let node = Node { transport, asked: std::cell::RefCell::default(), is_small: false };
    all_but_http(&node);
    http(&node);
    node.asked.into_inner()
}

/// The contract for a node that has no tool for HTTP, and perhaps none for inode flags.
pub fn contract_of_a_small_node(transport: &dyn Transport) {
    all_but_http(&Node { transport, asked: std::cell::RefCell::default(), is_small: true });
}

fn all_but_http(node: &Node<'_>) {
    let transport = node.transport;
    let prepared = Prepared::new();
    stat(node, &prepared);
    content(node, &prepared);
    walk(node, &prepared);
    commands(node);
    accounts(node);
    kernel(node, &prepared);
    network(node, &prepared);
    many_at_once(transport, &prepared);
    assert!(!transport.user().is_empty());
}

fn stat(node: &Node<'_>, prepared: &Prepared) {
    let stat = |name: &str| node.ask(Stat { path: prepared.path(name) });
    let file = stat("file").expect("there");
    let expected = fs::metadata(&*prepared.path("file")).expect("there");
    use std::os::unix::fs::MetadataExt;
    assert_eq!((file.own.kind, file.own.mode, file.own.size), (FileKind::File, 0o4640, 18));
    assert_eq!((file.own.uid, file.own.gid, file.own.ino), (expected.uid(), expected.gid(), expected.ino()));
    assert_eq!((file.own.mtime, file.own.nlink, file.own.dev), (expected.mtime(), 1, expected.dev()));
    assert!(file.link.is_none() && !file.own.acl);

    let directory = stat("directory").expect("there");
    assert_eq!((directory.own.kind, directory.own.mode), (FileKind::Directory, 0o1777));
    assert_eq!(stat("pipe").expect("there").own.kind, FileKind::Pipe);
    assert_eq!(stat("a name with 'quotes' and $blanks\n").expect("there").own.size, 4);
    let null = node.ask(Stat { path: "/dev/null".into() }).expect("there");
    assert_eq!(null.own.kind, FileKind::CharacterDevice);

    let second = stat("second link").expect("there");
    assert_eq!(second.own.kind, FileKind::Symlink);
    assert_eq!(second.target(), Some(&file.own));
    let link = second.link.expect("a link");
    assert_eq!(&*link.text, "link");
    let canonical = fs::canonicalize(&*prepared.path("file")).expect("there");
    assert_eq!(link.canonical.as_deref(), canonical.to_str());
    for name in ["dangling", "circle"] {
        let stated = stat(name).expect("the link is there");
        assert_eq!(stated.target(), None, "{name}");
        assert!(stated.link.is_some_and(|link| link.canonical.is_none()), "{name}");
    }

    for name in ["absent", "file/below", "circle/below", "dangling/below"] {
        assert_eq!(stat(name), None, "{name}");
    }
    assert!(node.try_ask(Stat { path: "relative".into() }).is_err());
    let flags = node.try_ask(Flags { path: prepared.path("file") });
    match flags {
        Err(fault) if node.is_small => assert_eq!(fault.kind, FaultKind::ToolMissing, "{fault}"),
        flags => assert_eq!(flags, Ok(Some(InodeFlags { immutable: false, append_only: false }))),
    }
    assert_eq!(node.ask(Flags { path: prepared.path("absent") }), None);
}

fn content(node: &Node<'_>, prepared: &Prepared) {
    let read = |name: &str| node.ask(Read { path: prepared.path(name) });
    assert_eq!(read("file").as_deref(), Some(&b"line one\nline two\n"[..]));
    assert_eq!(read("second link").as_deref(), Some(&b"line one\nline two\n"[..]));
    assert_eq!(read("a name with 'quotes' and $blanks\n").as_deref(), Some(&[0, 1, 0xff, b'\n'][..]));
    assert_eq!(read("empty").as_deref(), Some(&b""[..]));
    for name in ["absent", "dangling", "circle", "file/below"] {
        assert_eq!(read(name), None, "{name}");
    }
    // The size of a file in /proc says nothing about its content.
    assert!(node.ask(Read { path: "/proc/mounts".into() }).is_some_and(|text| !text.is_empty()));
    for name in ["pipe", "directory"] {
        let fault = node.try_ask(Read { path: prepared.path(name) }).expect_err("no regular file");
        assert!(fault.message.contains(name), "{fault}");
    }

    let list = |name: &str| node.ask(List { path: prepared.path(name) });
    let entries = list("").expect("a directory");
    let seen: Vec<_> = entries.iter().map(|entry| (&*entry.name, entry.kind)).collect();
    let expected = [
        ("a name with 'quotes' and $blanks\n", FileKind::File),
        ("circle", FileKind::Symlink),
        ("dangling", FileKind::Symlink),
        ("directory", FileKind::Directory),
        ("empty", FileKind::File),
        ("file", FileKind::File),
        ("link", FileKind::Symlink),
        ("pipe", FileKind::Pipe),
        ("second link", FileKind::Symlink),
    ];
    assert_eq!(seen, expected);
    assert_eq!(list("directory/below").expect("a directory").len(), 1);
    for name in ["absent", "file", "dangling"] {
        assert_eq!(list(name), None, "{name}");
    }
}

fn walk(node: &Node<'_>, prepared: &Prepared) {
    let all = || Walk { path: prepared.path("").trim_end_matches('/').into(), timeout_ms: 10_000, ..Walk::default() };
    let names = |walk: Walk| -> Vec<String> {
        let start = walk.path.clone();
        let found = node.ask(walk);
        assert!(found.windows(2).all(|pair| pair[0].path < pair[1].path), "sorted by path");
        found.iter().map(|found| found.path.strip_prefix(&*start).unwrap_or(&found.path).to_string()).collect()
    };
    assert_eq!(names(all()).len(), 12);
    assert_eq!(names(Walk { any_bits: 0o6000, kinds: vec![FileKind::File], ..all() }), ["/file"]);
    assert_eq!(names(Walk { all_bits: 0o1002, kinds: vec![FileKind::Directory], ..all() }), ["/directory"]);
    assert_eq!(names(Walk { name: Some("*.conf".into()), ..all() }), ["/directory/below/deep.conf"]);
    assert_eq!(names(Walk { max_depth: Some(0), ..all() }), [""]);
    let pruned = Walk { prune: vec![prepared.path("directory")], kinds: vec![FileKind::Directory], ..all() };
    assert_eq!(names(pruned), ["", "/directory"]);
    assert_eq!(names(Walk { path: prepared.path("absent"), ..all() }), Vec::<String>::new());
    assert_eq!(names(Walk { no_user: true, no_group: true, ..all() }), Vec::<String>::new());
}

fn commands(node: &Node<'_>) {
    let ran = node.ask(Run::shell("printf 'out\\000\\377'; echo err >&2; exit 3"));
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr, ran.truncated), (3, &b"out\0\xff"[..], &b"err\n"[..], false));
    assert_eq!(&*node.ask(Run::argv(["printf", "%s,", "a b", "$HOME", "", "'\""])).stdout, b"a b,$HOME,,'\",");
    assert_eq!(node.ask(Run::argv(["no-such-program"])).status, 127);
    assert_eq!(node.ask(Run::shell("kill -TERM $$")).status, 143);
    assert_eq!(&*node.ask(Run::shell("pwd; echo $LC_ALL")).stdout, b"/\nC\n");
    // Nothing on stdin is its end, not a terminal and not the script.
    assert_eq!(&*node.ask(Run::shell("cat; echo end")).stdout, b"end\n");
    let fed = Run {
        stdin: Arc::from(&b"a\0b\n"[..]),
        environment: vec![("WORD".to_string(), "it's $5".to_string())],
        ..Run::shell("cat; printf %s \"$WORD\"")
    };
    assert_eq!(&*node.ask(fed).stdout, b"a\0b\nit's $5");
    let cut = node.ask(Run::shell(format!("head -c {} /dev/zero", OUTPUT_CAP + 1)));
    assert_eq!((cut.stdout.len(), cut.truncated), (OUTPUT_CAP, true));
    let started = std::time::Instant::now();
    let fault = node.try_ask(Run { timeout_ms: 500, ..Run::shell("sleep 30") }).expect_err("too slow");
    assert_eq!(fault.kind, FaultKind::TimedOut);
    assert!(fault.message.contains("sleep 30") && started.elapsed().as_secs() < 10, "{fault}");

    assert!(node.ask(Which { name: "sh".into() }).is_some_and(|path| path.ends_with("/sh")));
    assert_eq!(node.ask(Which { name: "no-such-program".into() }), None);
    let environment = node.ask(Environment);
    assert_eq!(environment.get("LC_ALL").map(String::as_str), Some("C"));
    assert!(environment.get("PATH").is_some_and(|path| path.starts_with("/usr/local/sbin:/usr/local/bin:/usr/sbin:")));
}

fn accounts(node: &Node<'_>) {
    let root = node.ask(User { key: AccountKey::Id(0) }).expect("there");
    assert_eq!((&*root.name, root.uid, root.gid), ("root", 0, 0));
    assert_eq!(node.ask(User { key: AccountKey::Name("root".into()) }), Some(root.clone()));
    assert_eq!(node.ask(User { key: AccountKey::Name("no-such-user".into()) }), None);
    assert_eq!(node.ask(User { key: AccountKey::Id(3_999_999_999) }), None);
    // A number is no name.
    assert_eq!(node.ask(User { key: AccountKey::Name("0".into()) }), None);
    let group = node.ask(Group { key: AccountKey::Id(0) }).expect("there");
    assert_eq!(node.ask(Group { key: AccountKey::Name(group.name.clone()) }), Some(group.clone()));
    assert_eq!(node.ask(Group { key: AccountKey::Id(3_999_999_999) }), None);
    assert!(node.ask(Users).contains(&root));
    assert!(node.ask(Groups).contains(&group));
}

fn kernel(node: &Node<'_>, prepared: &Prepared) {
    let kernel = node.ask(Uname);
    let file = |path: &str| fs::read_to_string(path).expect("readable").trim().to_string();
    assert_eq!((&*kernel.system, &*kernel.release), ("Linux", &*file("/proc/sys/kernel/osrelease")));
    assert_eq!(&*kernel.host_name, file("/proc/sys/kernel/hostname"));
    assert_eq!(&*kernel.machine, std::env::consts::ARCH);

    let sockets = node.ask(Sockets);
    let own = sockets.iter().find(|socket| socket.port == prepared.port()).expect("it listens");
    assert_eq!((own.protocol, own.address), (Protocol::Tcp, IpAddr::from([127, 0, 0, 1])));
    match node.try_ask(SocketOwners) {
        Ok(owners) => assert!(owners[&own.inode].iter().any(|owner| owner.pid == std::process::id())),
        Err(fault) => assert_eq!(fault.kind, FaultKind::Denied),
    }
    let processes = node.ask(Processes);
    let process = processes.iter().find(|process| process.pid == std::process::id()).expect("it runs");
    let program = std::env::current_exe().expect("known");
    assert!(process.command.starts_with(program.to_str().expect("text")) && process.rss > 0, "{process:?}");
    let interfaces = node.ask(Interfaces);
    assert!(interfaces.iter().any(|interface| &*interface.name == "lo" && interface.mtu > 0));
}

fn network(node: &Node<'_>, prepared: &Prepared) {
    let connect = |host: &str, port| node.ask(Connect { host: host.into(), port, timeout_ms: 3000 });
    assert_eq!(connect("127.0.0.1", prepared.port()), Connected::Accepted);
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("bound").port();
    assert_eq!(connect("127.0.0.1", closed), Connected::Refused);
    assert_eq!(connect("no name at all", closed), Connected::NotResolved);
    let loopback = IpAddr::from([127, 0, 0, 1]);
    assert!(node.ask(Lookup { host: "localhost".into(), timeout_ms: 3000 }).contains(&loopback));
    assert_eq!(*node.ask(Lookup { host: "127.0.0.1".into(), timeout_ms: 3000 }), [loopback]);
}

fn http(node: &Node<'_>) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let url = format!("http://{}/page", server.local_addr().expect("bound"));
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = server.accept().expect("a request");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("read");
        let answer = b"HTTP/1.1 418 I'm a teapot\r\nX-Kind: pot\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntea\n";
        stream.write_all(answer).expect("written");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let http = Http {
        url,
        method: "GET".to_string(),
        headers: vec![("X-Asked".to_string(), "yes".to_string())],
        body: Arc::from([]),
        verify: true,
        max_redirects: 0,
        timeout_ms: 3000,
    };
    let response = node.ask(http.clone());
    assert_eq!((response.status, &*response.body, response.truncated), (418, &b"tea\n"[..], false));
    assert!(response.headers.contains(&("x-kind".to_string(), "pot".to_string())));
    let request = answering.join().expect("answered").to_lowercase();
    assert!(request.starts_with("get /page http/1.1\r\n") && request.contains("x-asked: yes"), "{request}");
    assert!(node.try_ask(http).is_err(), "nobody listens any more");
}

/// Answers come in the order asked, however long each takes.
fn many_at_once(transport: &dyn Transport, prepared: &Prepared) {
    let mut probes: Vec<Probe> = Vec::new();
    for number in 0..100 {
        probes.push(Stat { path: prepared.path("file") }.into());
        probes.push(Read { path: prepared.path(if number % 2 == 0 { "file" } else { "absent" }) }.into());
        if number % 10 == 0 {
            probes.push(Run::shell(format!("sleep 0.0{}; echo {number}", 9 - number / 10)).into());
        }
    }
    let answers = transport.batch(&probes);
    assert_eq!(answers.len(), probes.len());
    let mut numbers = 0..100;
    for (probe, answer) in probes.iter().zip(answers) {
        let observation = answer.unwrap_or_else(|fault| panic!("{probe}: {fault}"));
        match (probe, observation) {
            (Probe::Stat(_), Observation::Stat(stated)) => assert!(stated.is_some()),
            (Probe::Read(_), Observation::Read(content)) => {
                assert_eq!(content.is_some(), numbers.next().is_some_and(|number| number % 2 == 0));
            }
            (Probe::Run(run), Observation::Run(ran)) => {
                let number = String::from_utf8_lossy(&ran.stdout).trim().to_string();
                assert!(run.line.to_string().ends_with(&format!(" {number}")));
            }
            (probe, other) => panic!("{probe} got {other:?}"),
        }
    }
    assert!(transport.batch(&[]).is_empty());
}

/// What a transport says that asks as a user who may not search a directory: never that
/// what is in it is absent.
pub fn contract_unprivileged(transport: &dyn Transport, locked: &Path) {
    let node = Node { transport, asked: std::cell::RefCell::default(), is_small: false };
    let below = |name: &str| -> Arc<str> { locked.join(name).to_str().expect("text").into() };
    let mut faults = Vec::new();
    for name in ["file", "absent"] {
        faults.push(node.try_ask(Stat { path: below(name) }).map(drop));
        faults.push(node.try_ask(Read { path: below(name) }).map(drop));
        faults.push(node.try_ask(List { path: below(name) }).map(drop));
        faults.push(node.try_ask(Flags { path: below(name) }).map(drop));
    }
    let locked: Arc<str> = locked.to_str().expect("text").into();
    faults.push(node.try_ask(List { path: locked.clone() }).map(drop));
    faults.push(node.try_ask(Walk { path: locked.clone(), timeout_ms: 5000, ..Walk::default() }).map(drop));
    for fault in faults {
        let fault = fault.expect_err("may not look");
        assert_eq!(fault.kind, FaultKind::Denied, "{fault}");
        let user = transport.user();
        assert!(fault.message.contains(&*locked) && fault.message.contains(&format!("as user {user}")), "{fault}");
    }
    // The directory itself can be seen from outside.
    assert!(node.ask(Stat { path: locked }).is_some_and(|stated| stated.own.mode == 0));
}
