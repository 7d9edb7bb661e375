use super::*;
use crate::results::mask::Masker;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What was shown.
type Seen = Arc<Mutex<Vec<String>>>;

fn output(secrets: &[&str]) -> (Output, Seen) {
    let seen = Seen::default();
    let shown = seen.clone();
    let masker = Masker::new(secrets.iter().map(|secret| secret.to_string()).collect());
    let show = move |line: Line<'_>| shown.lock().unwrap().push(line.text.to_string());
    (Output::new(Arc::new(masker), Box::new(show)), seen)
}

struct Ran {
    result: Result<Done, Fault>,
    seen: Vec<String>,
    tail: String,
    took: Duration,
}

impl Ran {
    fn message(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }
}

fn run_with(program: &Program, limit: Option<Duration>, grace: Duration, output: (Output, Seen)) -> Ran {
    let (mut output, seen) = output;
    let began = std::time::Instant::now();
    let (_sender, stop) = watch::channel(Stop::GoOn);
    let result = runtime().block_on(async {
        let until = limit.map(|limit| (Instant::now() + limit, limit));
        run(program, &Bounds { until, grace, stop }, &mut output).await
    });
    let seen = seen.lock().unwrap().clone();
    Ran { result, seen, tail: output.tail().to_string(), took: began.elapsed() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn sh(line: &str) -> Ran {
    run_with(&Program::line(line), None, GRACE, output(&[]))
}

fn sh_within(line: &str, limit_ms: u64, grace_ms: u64) -> Ran {
    let limit = Some(Duration::from_millis(limit_ms));
    run_with(&Program::line(line), limit, Duration::from_millis(grace_ms), output(&[]))
}

/// Whether a process with this argument is running; each test has a number of its own to sleep for.
fn sleeps(seconds: &str) -> bool {
    let wanted = format!("sleep\0{seconds}\0");
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .any(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == wanted.as_bytes()))
}

/// Children of this process that are dead and were not waited for.
fn zombies() -> Vec<String> {
    let own = format!(" {} ", std::process::id());
    let stats = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter(|stat| stat.rsplit_once(") Z").is_some_and(|(_, rest)| rest.starts_with(&own))).collect()
}

#[test]
fn both_streams_are_shown_line_by_line_and_the_last_one_needs_no_end() {
    let ran = sh("echo one; echo two >&2; sleep 0.1; printf three");
    ran.result.as_ref().unwrap();
    assert_eq!(ran.seen.len(), 3);
    assert!(ran.seen[..2].contains(&"one".to_string()) && ran.seen[..2].contains(&"two".to_string()));
    assert_eq!(ran.seen[2], "three");
    assert!(ran.tail.ends_with("three\n"));
}

#[test]
fn a_program_has_its_folder_environment_and_input_and_no_shell() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["sh", "-c", "pwd; echo $COLOUR; echo \"${HOME-unset}\"; cat; echo \"$0\"", "a b;'c'"];
    let mut program = Program::new(words).dir(folder.path()).env("COLOUR", "blue").stdin("typed\n");
    program.env.insert("HOME".into(), None);
    let ran = run_with(&program.capture(Capture::Shown), None, GRACE, output(&[]));
    let text = String::from_utf8(ran.result.unwrap().stdout).unwrap();
    let folder = folder.path().canonicalize().unwrap();
    assert_eq!(text, format!("{}\nblue\nunset\ntyped\na b;'c'\n", folder.display()));
    assert_eq!(ran.seen.join("\n") + "\n", text);
}

#[test]
fn without_input_a_program_that_reads_is_at_the_end_at_once() {
    assert!(sh("read answer || echo nobody there").seen.contains(&"nobody there".to_string()));
}

#[test]
fn input_that_nobody_reads_is_no_fault() {
    let program = Program::line("exec true").stdin(vec![b'x'; 1 << 20]);
    run_with(&program, None, GRACE, output(&[])).result.unwrap();
}

#[test]
fn how_it_ended_is_told() {
    assert_eq!(sh("exit 3").message(), "sh -c 'exit 3' ended with status 3");
    assert_eq!(sh("kill -9 $$").message(), "sh -c 'kill -9 $$' was ended by signal SIGKILL");
    let long = sh(&format!("true {}; exit 1", "x".repeat(100))).message();
    assert!(long.contains("…' ended with status 1") && long.len() < 80, "{long}");
}

#[test]
fn what_cannot_be_started_is_told_by_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let file = |name: &str, text: &str, mode: u32| {
        std::fs::write(at(name), text).unwrap();
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    file("plain", "#!/bin/sh\n", 0o644);
    file("windows", "#!/bin/sh\r\nexit 0\r\n", 0o755);
    file("strange", "#!/no/such/interpreter -x\n", 0o755);
    file("text", "echo no first line\n", 0o755);
    let message = |program: Program| {
        let result = run_with(&program.dir(folder.path()), None, GRACE, output(&[])).result;
        result.unwrap_err().to_error().to_string()
    };
    let missing = message(Program::new(["no-such-program"]).env("PATH", "/one:/two"));
    assert!(
        missing.starts_with("no-such-program cannot be run: there is no program of that name in PATH"),
        "{missing}"
    );
    assert!(missing.contains("/one:/two") && missing.contains("hint: install it"), "{missing}");
    assert!(message(Program::new(["./none"])).contains("there is no file"));
    let plain = message(Program::new(["./plain"]));
    assert!(plain.contains("plain is not executable") && plain.contains("hint: chmod +x"), "{plain}");
    assert!(message(Program::new(["./windows"])).contains("end as on Windows"));
    assert!(message(Program::new(["./strange"])).contains("interpreter /no/such/interpreter, which is not there"));
    assert!(message(Program::new(["./text"])).contains("begins with #!"));
    assert!(message(Program::new([folder.path()])).contains("is a folder"));
    assert!(message(Program::new([""])).contains("it has no name"));
    assert!(message(Program::new(["sh", "a\0b"])).contains("nul byte"));
    let longest = message(Program::new(["true", &"x".repeat(4 << 20)]));
    assert!(longest.contains("longer than the kernel takes"), "{longest}");
    let lost = run_with(&Program::new(["true"]).dir(at("gone")), None, GRACE, output(&[])).message();
    assert!(lost.contains("gone cannot be entered: No such file"), "{lost}");
    let lost = run_with(&Program::new(["true"]).dir(at("plain")), None, GRACE, output(&[])).message();
    assert!(lost.contains("plain is no folder"), "{lost}");
    // A name that is in PATH twice is taken where it may be executed.
    file("true", "", 0o644);
    let path = format!("{}:/bin:/usr/bin", folder.path().display());
    run_with(&Program::new(["true"]).env("PATH", path), None, GRACE, output(&[])).result.unwrap();
}

#[test]
fn one_that_hangs_is_ended_at_its_limit_with_all_it_has_started() {
    let ran = sh_within("sleep 7101 & setsid sleep 7102 & sleep 7103", 300, 5000);
    assert_eq!(
        ran.message(),
        "sh -c 'sleep 7101 & setsid sleep 7102 & sleep 7…' took longer than 300 ms and was ended"
    );
    assert!(ran.took < Duration::from_secs(3), "{:?}", ran.took);
    for seconds in ["7101", "7102", "7103"] {
        assert!(!sleeps(seconds), "{seconds}");
    }
    assert_eq!(zombies(), Vec::<String>::new());
}

#[test]
fn one_that_ignores_the_request_is_killed_after_its_grace() {
    let ran = sh_within("trap '' TERM; echo deaf; while :; do sleep 0.05; done", 300, 300);
    assert!(ran.message().ends_with("took longer than 300 ms and was killed, for it did not end when asked"));
    assert!(ran.took < Duration::from_secs(3), "{:?}", ran.took);
    assert_eq!(ran.seen, ["deaf"]);
}

#[test]
fn one_that_ignores_it_only_below_is_killed_too() {
    // The program goes at once; what it has started stays and holds the pipes.
    let ran = sh_within("sh -c \"trap '' TERM; sleep 7111\" & wait", 300, 300);
    assert!(ran.message().contains("was killed"), "{}", ran.message());
    assert!(ran.took < Duration::from_secs(3), "{:?}", ran.took);
    assert!(!sleeps("7111"));
}

#[test]
fn what_it_says_while_it_cleans_up_is_heard() {
    let ran = sh_within("trap 'echo cleaned; exit 0' TERM; while :; do sleep 0.05; done", 1500, 5000);
    assert!(ran.message().contains("took longer") && ran.seen[0] == "cleaned", "{:?}", ran.seen);
}

#[test]
fn a_program_is_asked_with_the_signal_it_cleans_up_on() {
    let line = "trap 'echo int; exit 0' INT; trap 'echo term; exit 0' TERM; while :; do sleep 0.05; done";
    // A shell cannot trap what whoever started the tests had them ignore.
    let words = ["env", "--default-signal=INT", "sh", "-c", line];
    let program = Program::new(words).end_with(EndWith::Interrupt, GRACE);
    let limit = Some(Duration::from_millis(1500));
    assert_eq!(run_with(&program, limit, GRACE, output(&[])).seen, ["int"]);
}

#[test]
fn an_interruption_ends_it_and_a_second_one_kills_it() {
    let (mut out, _) = output(&[]);
    let (sender, stop) = watch::channel(Stop::GoOn);
    let began = std::time::Instant::now();
    let fault = runtime().block_on(async {
        let program = Program::line("trap '' TERM; while :; do sleep 0.05; done");
        let bounds = Bounds { until: None, grace: Duration::from_secs(60), stop };
        let asking = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            sender.send(Stop::End).unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            sender.send(Stop::Kill).unwrap();
        };
        tokio::join!(run(&program, &bounds, &mut out), asking).0.unwrap_err()
    });
    assert!(fault.is_stop() && fault.to_string().contains("was interrupted and killed"), "{fault}");
    assert!(began.elapsed() < Duration::from_secs(5));
    let bounds = Bounds { until: None, grace: GRACE, stop: sender.subscribe() };
    let fault = runtime().block_on(run(&Program::new(["true"]), &bounds, &mut out)).unwrap_err();
    assert!(fault.is_stop() && fault.to_string().contains("was not begun"), "{fault}");
}

#[test]
fn whoever_gives_up_waiting_leaves_nothing_behind() {
    let (mut out, _) = output(&[]);
    let (_sender, stop) = watch::channel(Stop::GoOn);
    runtime().block_on(async {
        let program = Program::line("sleep 7121 & sleep 7122");
        let bounds = Bounds { until: None, grace: GRACE, stop };
        let waited = tokio::time::timeout(Duration::from_millis(300), run(&program, &bounds, &mut out)).await;
        assert!(waited.is_err());
        tokio::time::sleep(Duration::from_millis(300)).await;
    });
    assert!(!sleeps("7121") && !sleeps("7122"));
}

#[test]
fn what_a_good_program_leaves_running_holds_nothing_up() {
    let ran = sh("sleep 7131 & echo started");
    ran.result.as_ref().unwrap();
    assert!(ran.took < Duration::from_secs(5), "{:?}", ran.took);
    assert!(ran.seen[0] == "started" && ran.seen[1].contains("left a process behind"), "{:?}", ran.seen);
    assert!(sleeps("7131"));
    std::process::Command::new("pkill").args(["-fx", "sleep 7131"]).status().unwrap();
}

#[test]
fn what_a_failed_program_leaves_running_is_ended() {
    let ran = sh("sleep 7141 & exit 4");
    assert!(ran.message().ends_with("ended with status 4"));
    assert!(ran.took < Duration::from_secs(1), "{:?}", ran.took);
    assert!(!sleeps("7141"));
}

#[test]
fn closing_its_output_early_does_not_end_it() {
    let ran = sh("exec >&- 2>&-; sleep 0.3; exit 5");
    assert!(ran.message().ends_with("ended with status 5"));
    assert!(ran.took >= Duration::from_millis(300));
}

#[test]
fn a_flood_is_read_to_its_end_and_only_its_end_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let (out, seen) = output(&["swordfish"]);
    let out = out.with_log(&log, 1).unwrap();
    // 100 MB in lines, 20 MB without one, and both streams at once.
    let line = "yes \"$(head -c 999 /dev/zero | tr '\\0' y)\" | head -c 100000000; \
        head -c 20000000 /dev/zero | tr '\\0' x; (yes error | head -n 300000 >&2) & wait; echo; echo end";
    let ran = run_with(&Program::line(line), None, GRACE, (out, seen));
    ran.result.as_ref().unwrap();
    assert!(ran.tail.len() <= TAIL && ran.tail.ends_with("end\n"), "{}", ran.tail.len());
    let size = std::fs::metadata(&log).unwrap().len();
    assert!((121_800_000..121_800_100).contains(&size), "{size}");
    assert!(ran.seen.iter().all(|line| line.chars().count() <= LONGEST_SHOWN + 40));
}

#[test]
fn garbage_is_logged_as_it_is_and_shown_harmlessly() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let (out, seen) = output(&["swordfish"]);
    let line = r"printf 'a\0b\377\033[31mred\033[0m\033]0;title\007\n 10%%\r 50%%\r100%%\r\nkey \376%s\377!' $SECRET";
    let program = Program::line(line).env("SECRET", "swordfish");
    let ran = run_with(&program, None, GRACE, (out.with_log(&log, 1).unwrap(), seen));
    ran.result.unwrap();
    assert_eq!(ran.seen, ["a\u{fffd}b\u{fffd}red", "100%", "key \u{fffd}***\u{fffd}!"]);
    let logged = std::fs::read(&log).unwrap();
    assert_eq!(logged, b"a\0b\xff\x1b[31mred\x1b[0m\x1b]0;title\x07\n 10%\r 50%\r100%\r\nkey \xfe***\xff!\n");
    assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn secrets_are_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let (out, seen) = output(&["swordfish-7"]);
    let key = "echo '  + -----BEGIN RSA PRIVATE KEY-----'; for i in 1 2 3; do \
        echo '    MIIEowIBAAKCAQEAx4UbaDzY5xjW6hc9jwN0mX33XpTDVW1WqHp5AKaRbtAC3D'; done; \
        echo '    lQ=='; echo '    -----END RSA PRIVATE KEY-----'; echo done";
    // In one line, split over two writes, with a colour inside, across the cut of a long line.
    let line = format!(
        "echo password=$SECRET; printf 'sword'; sleep 0.2; echo fish-7; printf 'sword\\033[1mfish-7\\n'; \
         head -c 57340 /dev/zero | tr '\\0' ' '; printf %s \"$SECRET\"; head -c 70000 /dev/zero | tr '\\0' ' '; echo; {key}"
    );
    let program = Program::line(line).env("SECRET", "swordfish-7");
    let ran = run_with(&program, None, GRACE, (out.with_log(&log, 1).unwrap(), seen));
    ran.result.unwrap();
    let logged = std::fs::read_to_string(&log).unwrap();
    for text in [logged.as_str(), &ran.tail, &ran.seen.join("\n")] {
        assert!(!text.contains("fish") && !text.contains("MIIE") && !text.contains("lQ=="), "{text}");
        assert!(
            text.contains("password=***") && text.contains("BEGIN RSA PRIVATE KEY") && text.contains("done"),
            "{text}"
        );
    }
    assert_eq!(logged.matches("***").count(), 5, "{logged}");
}

#[test]
fn a_word_after_the_mark_of_a_key_is_no_key() {
    let ran = sh("echo 'no -----BEGIN PRIVATE KEY----- found'; echo aborted; echo twice");
    assert_eq!(ran.seen, ["no -----BEGIN PRIVATE KEY----- found", "aborted", "twice"]);
}

#[test]
fn a_secret_among_the_arguments_is_refused() {
    for program in [Program::new(["echo", "--password=swordfish-7"]), Program::line("echo swordfish-7")] {
        let ran = run_with(&program, None, GRACE, output(&["swordfish-7"]));
        let error = ran.result.unwrap_err().to_error().to_string();
        assert!(error.contains("holds a secret") && error.contains("hint: hand it over in env or on stdin"), "{error}");
        assert!(!error.contains("swordfish") && ran.seen.is_empty(), "{error}");
    }
}

#[test]
fn standard_output_is_kept_whole_up_to_a_limit() {
    let program = Program::line("echo kept; echo shown >&2").capture(Capture::Hidden);
    let ran = run_with(&program, None, GRACE, output(&[]));
    assert_eq!((ran.result.unwrap().stdout, ran.seen), (b"kept\n".to_vec(), vec!["shown".to_string()]));
    let program = Program::line("yes | head -c 90000000").capture(Capture::Hidden);
    let message = run_with(&program, None, GRACE, output(&[])).message();
    assert!(message.contains("more than 64 MiB on standard output") && message.ends_with("and was ended"), "{message}");
}

#[test]
fn a_log_that_cannot_be_written_ends_the_program() {
    let (out, seen) = output(&[]);
    let out = out.with_log(Path::new("/dev/full"), 1).unwrap();
    let ran = run_with(&Program::line("echo hello; sleep 7151"), None, GRACE, (out, seen));
    assert_eq!(
        ran.message(),
        "sh -c 'echo hello; sleep 7151' was ended: the log /dev/full cannot be written: No space left on device (os error 28)"
    );
    assert!(ran.took < Duration::from_secs(3) && ran.seen == ["hello"], "{:?}", ran.took);
    assert!(!sleeps("7151"));
}

#[test]
fn a_log_that_could_hold_everything_up_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refusal = |path: &Path| output(&[]).0.with_log(path, 1).err().unwrap().to_string();
    assert!(refusal(&pipe).contains("the log cannot be written"), "{}", refusal(&pipe));
    assert!(refusal(folder.path()).contains("the log cannot be written"));
    assert!(refusal(&folder.path().join("no/folder")).contains("No such file"));
}

#[test]
fn commands_are_shown_as_one_would_type_them() {
    let program = Program::new(["terraform", "apply", "-var-file=a b.json", "it's", ""]);
    assert_eq!(program.to_string(), r"terraform apply '-var-file=a b.json' 'it'\''s' ''");
    assert_eq!(Program::line("make up | tee log").to_string(), "make up | tee log");
}

#[test]
fn times_are_given_in_their_largest_unit() {
    let times = [(300, "300 ms"), (1500, "1.5 s"), (90_000, "90 s"), (120_000, "2 min"), (7_200_000, "2 h")];
    for (milliseconds, text) in times {
        assert_eq!(duration(Duration::from_millis(milliseconds)), text);
    }
}
