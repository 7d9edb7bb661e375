//! Batches over real shells of this machine, and over ways that break.

use super::super::spawn::Spawner;
use super::super::{Flow, Stream};
use super::*;
use crate::probe::{FaultKind, Observation, Read, Run, Stat};
use std::time::Instant;

fn options() -> Options {
    let patience = Patience { batch: Duration::from_secs(20), ..Patience::default() };
    Options { patience, ..Options::default() }
}

/// A node that a line of sh stands for: it gets what would go to the node's shell.
fn node(line: &str) -> Shell {
    Shell::new("web1", Box::new(Spawner::new(["sh", "-c", line]).expect("made")), &options())
}

/// This machine.
fn here(options: &Options) -> Shell {
    Shell::new("web1", Box::new(Spawner::new(["sh", "-c"]).expect("made")), options)
}

fn stat() -> Probe {
    Stat { path: "/etc/passwd".into() }.into()
}

fn echo(text: &str) -> Probe {
    Run::shell(format!("echo {text}")).into()
}

fn stdout(answer: &Answer) -> String {
    match answer {
        Ok(Observation::Run(ran)) => String::from_utf8_lossy(&ran.stdout).into_owned(),
        other => panic!("{other:?}"),
    }
}

/// The one message of faults.
fn fault(answers: Vec<Answer>) -> (FaultKind, String) {
    let faults: Vec<_> = answers.into_iter().map(|answer| answer.expect_err("a fault")).collect();
    assert!(faults.iter().all(|fault| fault == &faults[0]), "{faults:?}");
    (faults[0].kind, faults[0].message.to_string())
}

/// A way to this machine on which the first `losses` attempts end early: when the node has
/// run the script, but before most of what it says has come back.
struct Fragile {
    spawner: Spawner,
    losses: Cell<u32>,
    renewed: Arc<std::sync::atomic::AtomicU32>,
    /// How much comes back of what is said on stdout.
    bytes: usize,
}

/// Hears only the first bytes.
struct Deaf<'a, 'b> {
    conversation: &'a mut (dyn Conversation + 'b),
    left: usize,
    is_cut: bool,
}

impl Conversation for Deaf<'_, '_> {
    fn command(&self) -> &str {
        self.conversation.command()
    }
    fn outgoing(&self) -> &[u8] {
        self.conversation.outgoing()
    }
    fn sent(&mut self, count: usize) {
        self.conversation.sent(count);
    }
    fn is_said(&self) -> bool {
        self.conversation.is_said()
    }
    fn received(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        let heard = match stream {
            Stream::Stdout => bytes.len().min(self.left),
            Stream::Stderr => bytes.len(),
        };
        self.is_cut |= heard < bytes.len();
        if stream == Stream::Stdout {
            self.left -= heard;
        }
        self.conversation.received(stream, &bytes[..heard])
    }
    fn ended(&mut self, exit: Exit) {
        if !self.is_cut {
            self.conversation.ended(exit);
        }
    }
    fn limit(&self) -> Duration {
        self.conversation.limit()
    }
}

impl Carrier for Fragile {
    fn carry(&self, conversations: &mut [&mut dyn Conversation]) -> Result<(), Unreachable> {
        if self.losses.get() == 0 {
            return self.spawner.carry(conversations);
        }
        self.losses.set(self.losses.get() - 1);
        let mut deaf: Vec<Deaf<'_, '_>> = conversations
            .iter_mut()
            .map(|conversation| Deaf { conversation: &mut **conversation, left: self.bytes, is_cut: false })
            .collect();
        let mut all: Vec<&mut dyn Conversation> = deaf.iter_mut().map(|one| one as &mut dyn Conversation).collect();
        self.spawner.carry(&mut all)?;
        match deaf.iter().any(|one| one.is_cut) {
            true => Err(Unreachable::new(UnreachableKind::Failed, "the connection to web1 was reset")),
            false => Ok(()),
        }
    }
    fn renew(&self) -> Result<(), Unreachable> {
        self.renewed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    fn width(&self) -> usize {
        self.spawner.width()
    }
    fn stopper(&self) -> Stopper {
        self.spawner.stopper()
    }
    fn traffic(&self) -> Traffic {
        self.spawner.traffic()
    }
}

/// The node over a fragile way, and how often that was made anew.
fn fragile(losses: u32, bytes: usize) -> (Shell, Arc<std::sync::atomic::AtomicU32>) {
    let renewed = Arc::<std::sync::atomic::AtomicU32>::default();
    let spawner = Spawner::new(["sh", "-c"]).expect("made");
    let carrier = Fragile { spawner, losses: Cell::new(losses), renewed: renewed.clone(), bytes };
    (Shell::new("web1", Box::new(carrier), &options()), renewed)
}

#[test]
fn answers_come_in_the_order_asked_from_several_conversations() {
    let shell = here(&options());
    let mut probes = Vec::new();
    for number in 0..40 {
        probes.push(echo(&number.to_string()));
        probes.push(stat());
    }
    let answers = shell.batch(&probes);
    for (index, answer) in answers.iter().enumerate() {
        match index % 2 {
            0 => assert_eq!(stdout(answer), format!("{}\n", index / 2)),
            _ => assert!(matches!(answer, Ok(Observation::Stat(Some(_)))), "{answer:?}"),
        }
    }
    let id = std::process::Command::new("id").arg("-un").output().expect("id");
    assert_eq!(shell.user(), String::from_utf8_lossy(&id.stdout).trim());
    let Traffic { sent, received } = shell.traffic();
    assert!(sent > 1000 && received > 1000);
    assert!(shell.lost().is_none() && shell.batch(&[]).is_empty());
}

#[test]
fn one_slow_command_does_not_hold_up_the_others() {
    let started = Instant::now();
    let probes: Vec<Probe> = (0..6)
        .map(|_| {
            Probe::from(crate::probe::Walk { path: "/proc/self/fd".into(), timeout_ms: 5000, ..Default::default() })
        })
        .chain((0..2).map(|_| Run::shell("sleep 1").into()))
        .collect();
    here(&options()).batch(&probes);
    assert!(started.elapsed() < Duration::from_secs(6), "took {:?}", started.elapsed());
}

#[test]
fn a_way_lost_once_is_made_anew_and_what_may_have_run_is_not_run_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("runs");
    let run = Run::shell(format!("echo x >> {}", file.display()));
    let (shell, renewed) = fragile(1, 60);
    let answers = shell.batch(&[stat(), run.into(), Read { path: "/etc/passwd".into() }.into()]);
    assert!(matches!(&answers[0], Ok(Observation::Stat(Some(_)))), "{:?}", answers[0]);
    assert!(matches!(&answers[2], Ok(Observation::Read(Some(_)))), "{:?}", answers[2]);
    let fault = answers[1].as_ref().expect_err("not run again");
    assert!(fault.message.contains("not run again") && fault.message.contains("reset"), "{fault}");
    assert_eq!(std::fs::read_to_string(&file).expect("it ran"), "x\n");
    assert_eq!(renewed.load(Ordering::SeqCst), 1);
    assert!(shell.lost().is_none());
    assert_eq!(stdout(&shell.batch(&[echo("on")])[0]), "on\n");
}

#[test]
fn a_way_lost_twice_stays_lost() {
    let (shell, renewed) = fragile(2, 60);
    let (_, message) = fault(shell.batch(&[stat(), Read { path: "/etc/passwd".into() }.into()]));
    assert_eq!(message, "the connection to web1 was reset");
    assert_eq!(renewed.load(Ordering::SeqCst), 1);
    assert_eq!(shell.lost().map(|lost| lost.message.to_string()), Some(message.clone()));
    // Nothing is tried any more, although it would do now.
    let before = shell.traffic();
    assert_eq!(fault(shell.batch(&[stat(), echo("late")])).1, message);
    assert_eq!(shell.traffic(), before);
}

#[test]
fn a_command_that_ends_its_shell_harms_nobody_else() {
    let shell = here(&options());
    let answers =
        shell.batch(&[Run::shell("kill -9 $PPID; sleep 1").into(), stat(), Read { path: "/etc/passwd".into() }.into()]);
    assert!(matches!(&answers[1], Ok(Observation::Stat(Some(_)))), "{:?}", answers[1]);
    assert!(matches!(&answers[2], Ok(Observation::Read(Some(_)))), "{:?}", answers[2]);
    assert!(shell.lost().is_none());
    assert_eq!(stdout(&shell.batch(&[echo("on")])[0]), "on\n");
}

#[test]
fn no_shell_at_the_other_end_is_one_clear_line() {
    for (line, words) in [
        ("echo 'This account is currently not available.'; exit 1", "This account is currently not available."),
        ("echo \"rbash: exec: restricted\" >&2; exit 1", "rbash: exec: restricted"),
        ("echo '% Invalid input detected'; cat >/dev/null", "Invalid input"),
    ] {
        let shell = node(line);
        let (_, message) = fault(shell.batch(&[stat(), echo("a")]));
        assert!(message.starts_with("no POSIX shell answers on web1") && message.contains(words), "{message}");
        assert_eq!(shell.lost().map(|lost| lost.kind), Some(UnreachableKind::Failed));
    }
}

#[test]
fn a_flood_is_hung_up_on_before_and_after_the_shell_is_there() {
    let started = Instant::now();
    let (_, message) = fault(node("exec yes").batch(&[stat()]));
    assert!(message.contains("endless output"), "{message}");
    // Its first line says that the shell is there.
    let shell = node("read -r first; eval \"$first\"; exec yes");
    let fault = shell.batch(&[stat()]).remove(0).expect_err("no answer");
    assert!(fault.message.len() < 500, "{fault}");
    assert!(started.elapsed() < Duration::from_secs(15), "took {:?}", started.elapsed());
}

#[test]
fn out_of_time_what_came_is_kept_and_the_rest_timed_out() {
    let patience = Patience { batch: Duration::from_millis(1500), ..Patience::default() };
    let shell = here(&Options { patience, ..Options::default() });
    let started = Instant::now();
    let answers = shell.batch(&[stat(), Run { timeout_ms: 60_000, ..Run::shell("sleep 50") }.into()]);
    assert!(started.elapsed() < Duration::from_secs(8), "took {:?}", started.elapsed());
    assert!(answers[0].is_ok(), "{:?}", answers[0]);
    let fault = answers[1].as_ref().expect_err("too slow");
    assert_eq!(fault.kind, FaultKind::TimedOut);
    assert!(fault.message.contains("sleep 50") && fault.message.contains("1.5 s"), "{fault}");
    assert!(shell.lost().is_none());
}

#[test]
fn a_node_that_says_nothing_is_given_up_after_one_batch() {
    let patience = Patience { batch: Duration::from_millis(300), ..Patience::default() };
    let carrier = Spawner::new(["sh", "-c", "exec sleep 30"]).expect("made");
    let shell = Shell::new("web1", Box::new(carrier), &Options { patience, ..Options::default() });
    let (_, message) = fault(shell.batch(&[stat()]));
    assert!(message.contains("no POSIX shell answers on web1 in time"), "{message}");
    assert!(shell.lost().is_some());
}

#[test]
fn the_time_of_a_node_as_a_whole_is_bounded() {
    let patience = Patience { node: Duration::from_millis(1000), ..Patience::default() };
    let shell = here(&Options { patience, ..Options::default() });
    let started = Instant::now();
    assert_eq!(fault(shell.batch(&[Run::shell("sleep 9").into()])).0, FaultKind::TimedOut);
    let (kind, message) = fault(shell.batch(&[stat()]));
    assert!(started.elapsed() < Duration::from_secs(6));
    assert_eq!(kind, FaultKind::TimedOut);
    assert!(message.contains("the time for web1 is over: 1 s"), "{message}");
}

#[test]
fn an_interruption_turns_answers_into_faults_at_once() {
    let shell = here(&options());
    let stop = shell.stopper();
    let started = Instant::now();
    let answers = std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(700));
            stop();
        });
        shell.batch(&[stat(), Run { timeout_ms: 60_000, ..Run::shell("sleep 30") }.into()])
    });
    assert!(started.elapsed() < Duration::from_secs(6), "took {:?}", started.elapsed());
    assert!(answers[0].is_ok());
    let fault = answers[1].as_ref().expect_err("interrupted");
    assert!(fault.message.contains("interrupted") && fault.message.contains("sleep 30"), "{fault}");
    let late = shell.batch(&[stat()]).remove(0).expect_err("interrupted");
    assert!(late.message.contains("interrupted"), "{late}");
}

#[test]
fn the_program_that_should_reach_it_is_missing() {
    let carrier = Spawner::new(["no-such-engine"]).expect("made");
    let shell = Shell::new("web1", Box::new(carrier), &options());
    let (_, message) = fault(shell.batch(&[stat(), echo("a")]));
    assert!(message.contains("no-such-engine is not on the PATH"), "{message}");
    assert_eq!(shell.lost().map(|lost| lost.kind), Some(UnreachableKind::Setup));
}

#[test]
fn where_a_shell_starts_slowly_few_are_started() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let starts = |pause: &str| {
        let file = directory.path().join(pause);
        let line = format!("echo x >> {}; sleep {pause}; eval \"$0\"", file.display());
        let shell = node(&line);
        let commands: Vec<Probe> = (0..30).map(|number| echo(&number.to_string())).collect();
        shell.batch(&[stat()]);
        assert!(shell.batch(&commands).iter().all(Result::is_ok));
        std::fs::read_to_string(&file).expect("it was started").lines().count() - 1
    };
    assert_eq!(starts("0.5"), 1);
    assert!(starts("0") > 1);
}
