use super::*;
use crate::probe::*;
use crate::transport::local::Local;
use crate::transport::scripted::Scripted;
use std::os::unix::fs::PermissionsExt;
use std::rc::Rc;

fn header() -> Header {
    Header { node: "web1".into(), target: "local://".into(), user: "root".into(), now: 1_700_000_000 }
}

/// What a recorder over `inner` writes once it was asked.
fn recorded(inner: impl Transport + 'static, probes: &[Probe], secrets: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("new/folder/web1.recording");
    let recorder = Recorder::new(Rc::new(inner));
    for probe in probes {
        if recorder.answer_now(probe).is_none() {
            recorder.batch(std::slice::from_ref(probe));
        }
    }
    let masker = Masker::new(secrets.iter().map(|secret| (*secret).to_string()).collect());
    recorder.write(&path, &masker, &header()).expect("written");
    let mode = std::fs::metadata(&path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "what was observed is for its owner alone");
    let names = std::fs::read_dir(path.parent().expect("a folder")).expect("listed").count();
    assert_eq!(names, 1, "nothing is left beside it");
    std::fs::read_to_string(&path).expect("text")
}

fn read(text: &str) -> Result<Recording, Error> {
    Recording::from_bytes(Path::new("web1.recording"), text.as_bytes())
}

fn said(text: &str) -> String {
    read(text).map(drop).expect_err(text).to_string()
}

#[test]
fn every_kind_of_answer_is_the_same_when_it_is_read_again() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file: Arc<str> = folder.path().join("file").to_str().expect("text").into();
    std::fs::write(&*file, [0, 0xff, b'\n']).expect("written");
    std::os::unix::fs::symlink(&*file, folder.path().join("link")).expect("a link");
    let link: Arc<str> = folder.path().join("link").to_str().expect("text").into();
    let path: Arc<str> = folder.path().to_str().expect("text").into();
    let absent: Arc<str> = format!("{path}/absent").into();
    let body: Arc<[u8]> = Arc::from(&b"a\0\xfe"[..]);
    let http = Http {
        url: "http://127.0.0.1:9/".into(),
        method: "POST".into(),
        headers: vec![("a".into(), "b".into())],
        body: body.clone(),
        verify: true,
        max_redirects: 3,
        timeout_ms: 500,
    };
    let probes: Vec<Probe> = vec![
        Stat { path: link.clone() }.into(),
        Stat { path: absent.clone() }.into(),
        Read { path: file.clone() }.into(),
        Read { path: "/etc/passwd".into() }.into(),
        Read { path: absent.clone() }.into(),
        Read { path: path.clone() }.into(),
        List { path: path.clone() }.into(),
        List { path: absent.clone() }.into(),
        Walk { path, kinds: vec![FileKind::File], timeout_ms: 1000, ..Walk::default() }.into(),
        Flags { path: file }.into(),
        Run { stdin: body, environment: vec![("A".into(), "b".into())], ..Run::shell("cat; exit 3") }.into(),
        Run::argv(["no-such-program"]).into(),
        Which { name: "sh".into() }.into(),
        Which { name: "no-such-program".into() }.into(),
        Environment.into(),
        User { key: AccountKey::Id(0) }.into(),
        User { key: AccountKey::Name("no-such-user".into()) }.into(),
        Group { key: AccountKey::Name("root".into()) }.into(),
        Users.into(),
        Groups.into(),
        Uname.into(),
        Sockets.into(),
        SocketOwners.into(),
        Processes.into(),
        Interfaces.into(),
        Connect { host: "127.0.0.1".into(), port: 9, timeout_ms: 500 }.into(),
        Lookup { host: "::1".into(), timeout_ms: 500 }.into(),
        http.into(),
    ];
    let asked: std::collections::BTreeSet<&str> = probes.iter().map(Probe::kind).collect();
    assert_eq!(asked.len(), Probe::KINDS.len(), "every kind is asked");
    let recorder = Recorder::new(Rc::new(Local::new()));
    let answers = recorder.batch(&probes);
    let target = folder.path().join("recording");
    recorder.write(&target, &Masker::new(Vec::new()), &header()).expect("written");
    let recording = Recording::read(&target).expect("read");
    assert_eq!(recording.header(), &header());
    for ((probe, answer), again) in probes.iter().zip(answers).zip(recording.batch(&probes)) {
        match (probe, &answer) {
            // A lock in /etc/passwd would be masked; there is none on a machine of today.
            (Probe::Processes(_), Ok(Observation::Processes(processes))) => {
                let Ok(Observation::Processes(again)) = again else { panic!("{again:?}") };
                assert_eq!(processes.len(), again.len());
                let close = |a: &Process, b: &Process| (a.cpu_seconds - b.cpu_seconds).abs() < 1e-6 && a.pid == b.pid;
                assert!(processes.iter().zip(&*again).all(|(a, b)| close(a, b)));
            }
            // Whoever runs the tests may have tokens in the environment.
            (Probe::Environment(_), Ok(Observation::Environment(variables))) => {
                let Ok(Observation::Environment(again)) = again else { panic!("{again:?}") };
                assert!(variables.keys().eq(again.keys()) && variables["PATH"] == again["PATH"]);
            }
            _ => assert_eq!(answer, again, "{probe}"),
        }
        assert_eq!(recording.answer_now(probe), Some(recording.answer(probe)));
    }
    assert_eq!((recording.user(), recording.clock()), ("root".to_string(), Some(1_700_000_000)));
}

#[test]
fn every_name_in_a_recording_is_that_of_the_documentation() {
    for kind in Probe::KINDS {
        // An unknown kind is named with the list of those there are.
        let line = format!("{{\"probe\":{{\"{kind}\":7}}}}");
        let error = serde_json::from_str::<document::Line>(&line).map(drop).expect_err(kind).to_string();
        assert!(!error.contains("unknown variant"), "{kind}: {error}");
    }
}

#[test]
fn what_was_not_asked_was_not_observed() {
    let text = recorded(Scripted::new(), &[], &[]);
    let fault = read(&text).expect("read").answer(&Stat { path: "/etc/motd".into() }.into()).expect_err("unknown");
    assert_eq!(fault.kind, FaultKind::Unsupported);
    let message = "stat /etc/motd was not observed when web1 was recorded at 2023-11-14T22:13:20Z; record it anew";
    assert_eq!(&*fault.message, message);
}

#[test]
fn secrets_are_masked_and_the_kind_of_a_hash_is_kept() {
    let shadow = "root:$6$salt$0123456789abcdefABCDEF:19000:0:99999:7:::\nold:abJnggxhB/yWI:19000:0:99999:7:::\n";
    let content = |text: &str| Some(Arc::from(text.as_bytes()));
    let asked = Run { stdin: Arc::from(&b"hunter2-long"[..]), ..Run::argv(["check", "it"]) };
    let ran = Ran { status: 0, stdout: b"hunter2-long\xff".as_slice().into(), stderr: [].into(), truncated: false };
    let inner = Scripted::new()
        .with(Read { path: "/etc/shadow".into() }, content(shadow))
        .with(Read { path: "/etc/token".into() }, content("token=hunter2-long\n"))
        .with(asked.clone(), ran)
        .with_fault(List { path: "/x".into() }, FaultKind::Failed, "cannot list /x: hunter2-long");
    let probes: Vec<Probe> = vec![
        Read { path: "/etc/shadow".into() }.into(),
        Read { path: "/etc/token".into() }.into(),
        asked.clone().into(),
        List { path: "/x".into() }.into(),
    ];
    let text = recorded(inner, &probes, &["hunter2-long"]);
    for secret in ["hunter2", "0123456789abcdef", "abJnggxhB", "aHVudGVyMi"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let recording = read(&text).expect("read");
    let shadow = recording.answer(&probes[0]).expect("observed");
    let kept = "root:$6$***:19000:0:99999:7:::\nold:.............:19000:0:99999:7:::\n";
    assert_eq!(shadow, Observation::Read(Some(kept.as_bytes().into())));
    // The probe itself held the secret: it is found by whoever has one to mask.
    assert!(recording.answer(&probes[2]).is_err());
    let recording = recording.with_masker(Arc::new(Masker::new(vec!["another-secret".into()])));
    let again = Run { stdin: Arc::from(&b"another-secret"[..]), ..asked };
    assert!(matches!(recording.answer(&again.into()), Ok(Observation::Run(ran)) if ran.status == 0));
}

#[test]
fn variables_that_are_secret_by_their_names_are_masked() {
    let variables = [("HOME", "/root"), ("AWS_SECRET_ACCESS_KEY", "wJalrXUt"), ("db_password", "open sesame")];
    let map = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let environ: Arc<[u8]> = Arc::from(&b"HOME=/\0API_TOKEN=wJalrXUt\0container=lxc\0"[..]);
    let read = Read { path: "/proc/1/environ".into() };
    let inner = Scripted::new().with(Environment, Arc::new(map)).with(read.clone(), Some(environ));
    let text = recorded(inner, &[Environment.into(), read.clone().into()], &[]);
    assert!(!text.contains("wJalrXUt") && !text.contains("sesame"), "{text}");
    let content = read_back(&text, &read.into());
    let kept: Arc<[u8]> = Arc::from(&b"HOME=/\0API_TOKEN=***\0container=lxc\0"[..]);
    assert_eq!(content, Observation::Read(Some(kept)));
    let Observation::Environment(variables) = read_back(&text, &Environment.into()) else { panic!("{text}") };
    assert_eq!((&*variables["HOME"], &*variables["db_password"]), ("/root", "***"));
}

fn read_back(text: &str, probe: &Probe) -> Observation {
    read(text).expect("read").answer(probe).expect("observed")
}

#[test]
fn probes_that_only_secrets_told_apart_are_a_fault() {
    let run = |secret: &str| Run { stdin: Arc::from(secret.as_bytes()), ..Run::argv(["login"]) };
    let ran = |status| Ran { status, stdout: [].into(), stderr: [].into(), truncated: false };
    let inner = Scripted::new().with(run("secret-one"), ran(0)).with(run("secret-two"), ran(1));
    let probes = [run("secret-one").into(), run("secret-two").into()];
    let text = recorded(inner, &probes, &["secret-one", "secret-two"]);
    let masked = Run { stdin: Arc::from(&b"***"[..]), ..Run::argv(["login"]) };
    let fault = read(&text).expect("read").answer(&masked.into()).expect_err("not told apart");
    assert!(fault.message.contains("different secrets"), "{fault}");
}

#[test]
fn of_fresh_commands_the_last_answer_is_kept() {
    let run = |fresh| Run { fresh, ..Run::argv(["date"]) };
    let ran = |text: &str| Ran { status: 0, stdout: text.as_bytes().into(), stderr: [].into(), truncated: false };
    let inner = Scripted::new().with(run(7), ran("a")).with(run(8), ran("b")).with(run(0), ran("c"));
    let text = recorded(inner, &[run(7).into(), run(8).into(), run(0).into()], &[]);
    let recording = read(&text).expect("read");
    assert_eq!(recording.answer(&run(3).into()), Ok(Observation::Run(ran("b"))));
    assert_eq!(recording.answer(&run(0).into()), Ok(Observation::Run(ran("c"))));
}

#[test]
fn bad_recordings_are_refused_with_their_line() {
    let whole = recorded(
        Scripted::new().with(Read { path: "/a".into() }, None).with(Stat { path: "/b".into() }, None),
        &[Read { path: "/a".into() }.into(), Stat { path: "/b".into() }.into()],
        &[],
    );
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 4);
    let of = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let with = |line: &str| of(&[lines[0], line, lines[3]]);

    assert!(said("").contains("is empty"));
    assert!(said("format: probity\n").contains("web1.recording:1: is no recording"));
    assert!(said("{\"format\":\"probity/events\",\"version\":1}\n").contains("is a probity/events"));
    assert!(said(&whole.replacen("\"version\":1", "\"version\":2", 1)).contains("version 2"));
    assert!(said(&whole.replacen("\"version\":1", "\"version\":\"x\"", 1)).contains("does not say its version"));
    assert!(said(&whole.replacen("2023-11-14T", "yesterday", 1)).contains("RFC 3339"));
    assert!(said(&whole.replacen("\"user\":", "\"used\":", 1)).contains("missing field `user`"));
    for (end, text) in [(whole.len() - 1, "cut off in this line"), (whole.len() - 9, "cut off in this line")] {
        assert!(said(&whole[..end]).contains(text));
    }
    assert!(said(&of(&lines[..3])).contains("its end is missing"));
    assert!(said(&of(&[lines[0], lines[1], lines[3]])).contains("1 of 2 are there"));
    assert!(said(&of(&[lines[0], lines[1], lines[1], lines[3]])).contains("recording:3: read /a is answered a second"));
    assert!(said(&format!("{whole}{}\n", lines[1])).contains("goes on behind its end"));
    assert!(said(&with("{}")).contains(":2: the line has no probe"));
    assert!(said(&with("{\"probe\":{\"read\":{\"path\":\"/a\"}}}")).contains("neither"));
    assert!(
        said(&with("{\"probe\":{\"read\":{\"path\":\"/a\"}},\"answer\":{\"stat\":null}}")).contains("answers a stat")
    );
    assert!(said(&with("{\"probe\":{\"divine\":{\"path\":\"/a\"}}}")).contains("unknown variant `divine`"));
    assert!(said(&with("{\"probe\":{\"read\":{\"path\":7}}}")).contains("invalid type"));
    let base64 = "{\"probe\":{\"read\":{\"path\":\"/a\"}},\"answer\":{\"read\":{\"base64\":\"?\"}}}";
    assert!(said(&with(base64)).contains("the line is broken"));
    let deep = format!("{{\"probe\":{}", "[".repeat(100_000));
    assert!(said(&with(&deep)).contains("the line is broken"));
    let unknown = whole.replacen("\"probe\":", "\"colour\":\"blue\",\"probe\":", 1);
    assert!(read(&unknown).is_ok(), "fields of a later release of this version are passed over");
}

#[test]
fn what_is_no_file_is_refused() {
    let said = |path: &str| Recording::read(Path::new(path)).map(drop).expect_err(path).to_string();
    assert!(said("/nowhere/x.recording").contains("there is no such recording"));
    assert!(said("/dev/zero").contains("no regular file"));
    assert!(said("/etc").contains("no regular file"));
}
