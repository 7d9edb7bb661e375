//! The command line itself: help, refusals and their remedies, defaults from outside,
//! streams that go away, signals, and terminals.

mod support;

use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Lacking, Ran, probity_in};

const PASS: &str = "control 'pass' { title = 'one', check = function() describe(1):it(eq(1)) end }\n";
const HANG: &str = "control 'hang' { check = function()\n\
    describe(command 'trap \"\" TERM INT; sleep 30'):its('exit_status', eq(0)) end }\n";
const SUBCOMMANDS: [&[&str]; 11] = [
    &["check"],
    &["matchers"],
    &["exec"],
    &["init"],
    &["attributes", "explain"],
    &["describe"],
    &["archive"],
    &["detect"],
    &["resources"],
    &["config", "explain"],
    &["completions"],
];

/// A folder with a profile `p` of these controls.
fn profile(controls: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    named(folder.path(), "p", controls);
    folder
}

fn named(folder: &Path, name: &str, controls: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.join("controls")).unwrap();
    std::fs::write(path.join("profile.yml"), format!("name: {name}\nversion: 1.2.3\n")).unwrap();
    std::fs::write(path.join("controls/c.lua"), controls).unwrap();
}

/// The program with an environment of its own and these variables.
fn command(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
    command.args(args).current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("LC_ALL", "C.UTF-8").envs(variables.iter().copied()).stdin(Stdio::null());
    command
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().expect("the program starts");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// What the folder holds, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn help_is_there_for_everything_and_short_where_asked() {
    let here = Path::new(".");
    let bare = probity_in(here, &[]);
    assert!(bare.code == 1 && bare.stderr.contains("probity init my-baseline"), "{}", bare.stderr);
    for subcommand in SUBCOMMANDS {
        let long = probity_in(here, &[subcommand, &["--help"]].concat());
        assert!(long.code == 0 && long.stdout.contains("Examples:"), "{subcommand:?}\n{}", long.stdout);
    }
    let short = probity_in(here, &["exec", "-h"]).stdout;
    assert!(short.lines().count() <= 48, "{short}");
    let long = probity_in(here, &["exec", "--help"]).stdout;
    let words = long.split_whitespace().collect::<Vec<_>>().join(" ");
    for reporter in probity::report::TABLE {
        assert!(words.contains(reporter.name) && words.contains(reporter.doc), "{long}");
    }
    assert_eq!(probity_in(here, &["help", "exec"]).code, 0);
}

#[test]
fn refusals_name_the_remedy() {
    let folder = profile(PASS);
    named(folder.path(), "q", PASS);
    let cases: &[(&[&str], &[&str])] = &[
        (&["exec"], &["no profile is given", "exec -e CODE"]),
        (&["exec", "--reporter", "cli", "p"], &["p is taken as a value of --reporter"]),
        (&["exec", "--controls", "pass", "p"], &["p is taken as a value of --controls"]),
        (&["exec", "p", "--input-file", "a.yml"], &["--attrs FILE"]),
        (&["exec", "p", "--reporters", "cli"], &["'--reporter'"]),
        (&["shell"], &["exec -e CODE"]),
        (&["exec", "p", "p/"], &["p is given twice"]),
        (&["exec", "p/controls/c.lua"], &["one file, not a profile", "part of: p"]),
        (&["exec", "p/controls"], &["no profile.yml", "part of: p"]),
        (&["exec", "p/profile.yml"], &["part of: p"]),
        (&["exec", "-e", "describe("], &["-e:1: unexpected symbol", "describe("]),
        (&["exec", "-e", "local x =\nx y"], &["-e:2: syntax error"]),
        (&["exec", "p", "--reporter", "junit:{nod}.xml"], &["{nod}", "{node} is all"]),
        (&["exec", "p", "--reporter", "cli", "junit"], &["both write to standard output", "junit:PATH"]),
        (&["exec", "p", "--reporter", "junit:/proc/x.xml"], &["cannot write the report to /proc/x.xml"]),
    ];
    for (args, words) in cases {
        let ran = probity_in(folder.path(), args);
        assert_eq!((ran.code, &*ran.stdout), (1, ""), "{args:?}");
        for word in *words {
            assert!(ran.stderr.contains(word), "{args:?} should say {word:?}\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains(".partial"), "{}", ran.stderr);
    }
    assert_eq!(names(folder.path()), ["p", "q"]);
}

#[test]
fn directories_archives_and_code_run_together() {
    let folder = profile(PASS);
    named(folder.path(), "q", PASS);
    assert_eq!(probity_in(folder.path(), &["archive", "q"]).code, 0);
    std::os::unix::fs::symlink("p", folder.path().join("link")).unwrap();
    let args = ["exec", "link/", "q-1.2.3.tar.gz", "-e", "describe(1):it(eq(1))", "-e", "describe(2):it(eq(3))"];
    let ran = probity_in(folder.path(), &args);
    assert_eq!(ran.code, 100, "{}", ran.stderr);
    assert!(ran.stdout.contains("4 controls") && ran.stdout.contains("3 passed, 1 failed"), "{}", ran.stdout);
}

#[test]
fn defaults_from_outside_help_exec_and_break_nothing_else() {
    let folder = profile(PASS);
    let config = folder.path().join("config.yml");
    let with = |text: &str, args: &[&str]| {
        std::fs::write(&config, text).unwrap();
        ran(command(folder.path(), &[("PROBITY_CONFIG", "config.yml")], args))
    };
    let set = with("exec:\n  reporter: [cli, 'junit:out/c.xml']\n", &["exec", "p"]);
    assert!(set.code == 0 && set.stdout.contains("1 passed") && folder.path().join("out/c.xml").exists());
    let shown = with("reporter: progress\n", &["config", "explain"]).stdout;
    assert!(shown.contains("progress  (config.yml:1:11)"), "{shown}");

    let broken = "reporterr: cli\n";
    let refused = with(broken, &["exec", "p"]);
    assert!(refused.code == 1 && refused.stderr.contains("config.yml:1:1") && refused.stderr.contains("reporter?"));
    for args in [&["version"][..], &["--help"], &["exec", "--help"], &["resources"], &["init", "new"]] {
        assert_eq!(with(broken, args).code, 0, "{args:?}");
    }
    assert_eq!(with("exec:\n  nonsense: 1\n", &["describe", "p"]).code, 0);
    let wrong = with("exec:\n  color: purple\n", &["exec", "p"]);
    assert!(wrong.code == 1 && wrong.stderr.contains("config.yml:2:10: invalid value 'purple'"), "{}", wrong.stderr);
}

#[test]
fn the_environment_sets_flags_and_the_command_line_wins() {
    let folder = profile(PASS);
    let with = |name: &str, value: &str, args: &[&str]| ran(command(folder.path(), &[(name, value)], args));
    assert_eq!(with("PROBITY_REPORTER", "cli junit:out.xml", &["exec", "p"]).code, 0);
    assert!(folder.path().join("out.xml").exists());
    let given = with("PROBITY_REPORTER", "junit:no.xml", &["exec", "p", "--reporter", "progress"]);
    assert!(given.stdout.starts_with('.') && !folder.path().join("no.xml").exists(), "{}", given.stdout);
    assert_eq!(with("PROBITY_VERBOSE", "2", &["exec", "p", "-q"]).code, 0);
    let wrong = with("PROBITY_DRY_RUN", "maybe", &["exec", "p"]);
    assert!(wrong.code == 1 && wrong.stderr.contains("PROBITY_DRY_RUN"), "{}", wrong.stderr);
    let shown = with("PROBITY_REPORTR", "x", &["config", "explain"]).stdout;
    assert!(shown.contains("PROBITY_REPORTR sets no flag"), "{shown}");
    let attributes = with("PROBITY_FORMAT", "json", &["attributes", "explain", "p"]).stdout;
    assert!(attributes.contains("probity/attributes"), "{attributes}");
}

#[test]
fn a_reader_that_leaves_is_no_error_and_a_full_disk_is() {
    let folder = profile(PASS);
    for args in [&["exec", "p"][..], &["exec", "p", "--reporter", "ndjson"], &["resources"], &["exec", "--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut left = command(folder.path(), &[], args);
        left.stdout(writer);
        let left = ran(left);
        assert_eq!((left.code, &*left.stderr), (0, ""), "{args:?}");
        let mut full = command(folder.path(), &[], args);
        full.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let full = ran(full);
        if args != ["exec", "--help"] {
            assert!(full.code == 1 && full.stderr.contains("No space left"), "{args:?} {}", full.stderr);
        }
    }
}

#[test]
fn text_is_plain_where_the_locale_or_no_terminal_asks_for_it() {
    let folder = profile(PASS);
    let plain = ran(command(folder.path(), &[("LC_ALL", "C")], &["exec", "p"]));
    assert!(plain.stdout.is_ascii(), "{}", plain.stdout);
    assert!(!plain.stdout.contains('\u{1b}') && plain.stderr.is_empty(), "{}{}", plain.stdout, plain.stderr);
    let forced = ran(command(folder.path(), &[("NO_COLOR", "1")], &["exec", "p", "--color", "always"]));
    assert!(forced.stdout.contains('\u{1b}'), "{}", forced.stdout);
}

/// Starts a run whose control hangs, and waits until its command has begun.
fn hanging(folder: &Path) -> std::process::Child {
    // Whoever runs the tests may have SIGHUP ignored, as nohup does, and a child takes that over.
    let child = Command::new("env")
        .arg("--default-signal=HUP")
        .arg(env!("CARGO_BIN_EXE_probity"))
        .args(["exec", "p", "--reporter", "junit:out.xml", "json:out.json"])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while names(folder).len() < 3 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    child
}

#[test]
fn a_terminal_that_goes_away_ends_the_run_with_its_reports() {
    let folder = profile(&format!("{PASS}{HANG}"));
    let mut child = hanging(folder.path());
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names(folder.path()), ["out.json", "out.xml", "p"]);
    let report = std::fs::read_to_string(folder.path().join("out.xml")).unwrap();
    assert!(report.contains("not finished: the run was interrupted"), "{report}");
}

#[test]
fn a_second_interruption_ends_at_once_and_leaves_nothing_behind() {
    // A pattern keeps the program itself busy, so that the first signal is not the end yet.
    let busy = "control 'busy' { check = function()\n\
        local text = ('a'):rep(200000)\n for i = 1, 50 do pcall(string.find, text, '(a*)*b') end\n\
        describe(1):it(eq(1)) end }";
    let folder = profile(busy);
    let mut child = hanging(folder.path());
    for _ in 0..2 {
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let left: Vec<String> = names(folder.path()).into_iter().filter(|name| name.contains("partial")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_needs_root_is_errored_for_others() {
    let mut lacking = Lacking::default();
    if lacking.has("root", "looking as an ordinary user") {
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::process::CommandExt;
        let folder = profile(
            "control 'read' { check = function() describe(file '/etc/shadow'):its('content', eq '') end }\n\
             control 'list' { check = function() describe(file '/root/.x'):does_not_exist() end }\n",
        );
        // The target folder may be out of an ordinary user's reach. A process of its own
        // copies: a file this one has open for writing cannot be run ("text file busy").
        let program = folder.path().join("probity");
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_probity")).arg(&program).status().unwrap();
        assert!(copied.success());
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(&program);
        command.args(["exec", "p"]).current_dir(folder.path()).env_clear().uid(65534).gid(65534).stdin(Stdio::null());
        let ran = ran(command);
        assert_eq!(ran.code, 102, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.matches("permission denied; run as root").count() >= 2, "{}", ran.stdout);
    }
}

#[test]
fn a_terminal_shows_a_bar_that_goes_away_and_colours() {
    let mut lacking = Lacking::default();
    if lacking.has("script", "a terminal of its own") {
        let folder =
            profile("control 'slow' { check = function() describe(command 'sleep 1'):its('exit_status', eq(0)) end }");
        let line = format!("{} exec p", env!("CARGO_BIN_EXE_probity"));
        let mut child = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs([("LC_ALL", "C.UTF-8"), ("TERM", "xterm"), ("SHELL", "/bin/sh")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut shown = String::new();
        child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        assert!(child.wait().unwrap().success(), "{shown}");
        let page = shown.find("local://").expect("the page is there");
        let (bar, page) = shown.split_at(page);
        assert!(bar.contains("0/1") && bar.matches("0/1").count() > 2, "the clock goes on: {bar:?}");
        assert!(bar.contains("\u{1b}[2K") || bar.contains("\u{1b}[K") || bar.contains("\u{1b}[J"), "{bar:?}");
        assert!(!page.contains("0/1") && page.contains('\u{1b}'), "{page:?}");
    }
}

#[test]
fn completions_are_what_the_shells_take() {
    let mut lacking = Lacking::default();
    for shell in ["bash", "zsh", "fish"] {
        let script = probity_in(Path::new("."), &["completions", shell]);
        assert!(script.code == 0 && script.stdout.contains("impact-at-least"), "{shell}");
        if lacking.has(shell, "reading the completions") {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("completions");
            std::fs::write(&path, &script.stdout).unwrap();
            let read = Command::new(shell).arg("-n").arg(&path).output().unwrap();
            assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr));
        }
    }
}
