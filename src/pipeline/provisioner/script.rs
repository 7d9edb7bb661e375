//! Scripts on nodes, such as cloud-init runs as user data, over Probity's own transports.

use super::run::Failed;
use super::settings::Settings;
use super::step::{SceneNode, Step, Work};
use super::table::{Kind, no_outputs};
use crate::error::exit;
use crate::pipeline::key::{Key, Shape, key};
use crate::pipeline::process::{Bounds, From, Output, Stop};
use crate::probe::{Probe, Question, Run};
use crate::results::mask::Masker;
use crate::transport::{self, Stopper, Transport};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How many nodes at a time where the stage says nothing.
const PARALLEL: usize = 10;
/// How long a script may take where the stage has no limit.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How much longer a node would wait for it than the stage.
const SLACK: Duration = Duration::from_secs(30);
/// The largest script, in bytes.
const CAP: u64 = 4 << 20;

const KEYS: &[Key] = &[
    key("file", Shape::Path, "The script, on this machine."),
    key("text", Shape::Text, "The script itself."),
    key("args", Shape::Texts, "Its arguments."),
    key("env", Shape::TextMap, "Its environment variables."),
    key("parallel", Shape::Number(1, 1000), "How many nodes at a time, 10 by default."),
];

/// `script: setup.sh`, `script: {text: …}`.
pub const KIND: Kind = Kind {
    key: "script",
    doc: "A script on every node of the provisions the stage needs, as whom they are reached by.",
    program: None,
    keys: KEYS,
    alone: Some("file"),
    wrong: Some(|settings| match (settings.has("file"), settings.has("text")) {
        (true, true) => Some(("file and text exclude each other", "leave one of them out")),
        (false, false) => Some(("script has neither file nor text", "add file: PATH")),
        _ => None,
    }),
    steps: |settings, _| vec![Step::of("script", Work::Script(Script::new(settings)))],
    look: None,
    teardown: None,
    outputs: no_outputs,
    known: None,
};

/// A script, to be run on nodes.
#[derive(Debug, Clone)]
pub struct Script {
    from: Source,
    args: Vec<String>,
    env: Vec<(String, String)>,
    parallel: usize,
}

#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Text(String),
}

/// What a node answered.
enum Told {
    Lines(From, Vec<u8>),
    Done(Result<(), String>),
}

impl std::fmt::Display for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.from {
            Source::File(path) => write!(f, "{}", path.display())?,
            Source::Text(text) => f.write_str(text.lines().next().unwrap_or_default())?,
        }
        self.args.iter().try_for_each(|argument| write!(f, " {argument}"))?;
        f.write_str(" on every node")
    }
}

impl Script {
    fn new(settings: &Settings) -> Script {
        let from = match settings.path("file") {
            Some(path) => Source::File(path.to_path_buf()),
            None => Source::Text(settings.text("text").unwrap_or_default().to_string()),
        };
        let parallel = settings.number("parallel").and_then(|number| usize::try_from(number).ok());
        Script {
            from,
            args: settings.texts("args").to_vec(),
            env: settings.text_map("env").map(|(name, text)| (name.to_string(), text.to_string())).collect(),
            parallel: parallel.unwrap_or(PARALLEL),
        }
    }

    /// Runs it on all nodes, several at a time. What a node prints is told when it is done, each
    /// line with its name.
    pub(super) async fn run(&self, nodes: &[SceneNode], bounds: &Bounds, output: &mut Output) -> Result<(), Failed> {
        let wrong = |message: String| Failed { message, hint: None, code: exit::ERRORED, stopped: false };
        if nodes.is_empty() {
            let hint = Some("let the stage need a provision that leaves nodes".to_string());
            return Err(Failed { hint, ..wrong("there is no node to run the script on".to_string()) });
        }
        let masker = output.masker().clone();
        if self.args.iter().any(|argument| masker.mask_text(argument) != *argument) {
            let hint = Some("hand it over in env".to_string());
            let message = "an argument of the script holds a secret, and every user of the node could read it";
            return Err(Failed { hint, ..wrong(message.to_string()) });
        }
        let probe = self.probe(bounds).map_err(wrong)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stoppers: Arc<Mutex<Vec<Stopper>>> = Arc::default();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let mut waiting = nodes.iter().enumerate();
        let start = |(number, node): (usize, &SceneNode)| {
            let (node, probe, masker) = (node.clone(), probe.clone(), masker.clone());
            let (stop, stoppers, sender) = (stop.clone(), stoppers.clone(), sender.clone());
            tokio::task::spawn_blocking(move || on(number, &node, probe, &masker, &stop, &stoppers, &sender));
        };
        waiting.by_ref().take(self.parallel).for_each(start);
        let mut listening = bounds.stop.clone();
        let (mut deaf, mut limit) = (false, None);
        let mut left = nodes.len().min(self.parallel);
        let mut failures: Vec<String> = Vec::new();
        let mut give_up: Option<Instant> = None;
        while left > 0 {
            let ended = tokio::select! {
                told = receiver.recv() => match told {
                    Some((number, Told::Lines(from, bytes))) => {
                        let name = &nodes[number].name;
                        output.tell(from, name, &bytes).map_err(|error| wrong(format!("the log cannot be written: {error}")))?;
                        continue;
                    }
                    Some((number, Told::Done(result))) => {
                        left -= 1;
                        failures.extend(result.err().map(|why| format!("{} ({why})", nodes[number].name)));
                        if !stop.load(Ordering::SeqCst) && let Some(next) = waiting.next() {
                            left += 1;
                            start(next);
                        }
                        continue;
                    }
                    None => break,
                },
                changed = listening.changed(), if !deaf => {
                    deaf = changed.is_err();
                    !deaf && *listening.borrow() > Stop::GoOn
                }
                () = at(bounds.until.map(|(until, _)| until)), if limit.is_none() => {
                    limit = bounds.until.map(|(_, limit)| limit);
                    true
                }
                () = at(give_up) => break,
            };
            if ended {
                stop.store(true, Ordering::SeqCst);
                stoppers.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|stopper| stopper());
                give_up.get_or_insert(Instant::now() + bounds.grace);
            }
        }
        if let Some(limit) = limit {
            return Err(wrong(format!("the script took longer than {}", crate::pipeline::process::duration(limit))));
        }
        if stop.load(Ordering::SeqCst) {
            return Err(Failed { stopped: true, ..wrong("the script was interrupted".to_string()) });
        }
        match failures.len() {
            0 => Ok(()),
            count => {
                let names = crate::report::text::bounded(&failures.join(", "), 600).into_owned();
                Err(wrong(format!("the script failed on {count} of {} nodes: {names}", nodes.len())))
            }
        }
    }

    /// What is asked of every node.
    fn probe(&self, bounds: &Bounds) -> Result<Probe, String> {
        let text = match &self.from {
            Source::Text(text) => text.clone().into_bytes(),
            Source::File(path) => {
                let size = std::fs::metadata(path).map(|found| found.len());
                let text =
                    std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
                if size.is_ok_and(|size| size > CAP) {
                    return Err(format!("{} is larger than {} MiB, the most that is taken", path.display(), CAP >> 20));
                }
                text
            }
        };
        if text.starts_with(b"#cloud-config") {
            return Err("the script is a cloud-config, which only cloud-init reads, when a machine is made".to_string());
        }
        let mut words = vec!["sh".to_string(), "-c".to_string(), LINE.to_string(), "probity-script".to_string()];
        words.extend(interpreter(&text));
        words.extend(["--".to_string()].into_iter().chain(self.args.iter().cloned()));
        let limit = bounds.until.map_or(LONGEST, |(until, _)| until.saturating_duration_since(Instant::now()));
        // Later than the limit of the stage, which ends it and says so.
        let limit = limit + SLACK;
        let mut run = Run::argv(words);
        run.stdin = text.into();
        run.environment.clone_from(&self.env);
        run.timeout_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1);
        Ok(run.into())
    }
}

/// Takes the script from standard input into a file of its own, gives that to its interpreter, and
/// leaves nothing behind: where there is `/proc`, the file is gone from its folder before the script
/// begins, so that not even a script that is killed leaves it. It is not executed itself: `/tmp` may
/// be mounted so that it cannot be. The words before `--` are the interpreter, those after it the
/// arguments.
const LINE: &str = r#"umask 077
f=$(mktemp "${TMPDIR:-/tmp}/probity-script.XXXXXX") || exit 126
trap 'rm -f "$f"' 0
trap 'exit 129' 1 2 15
cat > "$f" || exit 126
s=$f
exec 3<"$f"
if [ -r /proc/self/fd/3 ]; then rm -f "$f"; s=/proc/self/fd/3; fi
i=$1; shift
a=
if [ "$1" != -- ]; then a=$1; shift; fi
shift
if [ -n "$a" ]; then "$i" "$a" "$s" "$@" </dev/null; else "$i" "$s" "$@" </dev/null; fi"#;

/// The interpreter a script names in its first line, and the one argument execve(2) gives it.
fn interpreter(text: &[u8]) -> Vec<String> {
    let line = text.strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next());
    let line = String::from_utf8_lossy(line.unwrap_or_default()).trim().to_string();
    match line.split_once([' ', '\t']) {
        Some((program, argument)) => vec![program.to_string(), argument.trim().to_string()],
        None if line.is_empty() => vec!["sh".to_string()],
        None => vec![line],
    }
}

/// Runs the script on one node, on a thread of its own.
fn on(
    number: usize,
    node: &SceneNode,
    probe: Probe,
    masker: &Arc<Masker>,
    stop: &AtomicBool,
    stoppers: &Mutex<Vec<Stopper>>,
    sender: &mpsc::UnboundedSender<(usize, Told)>,
) {
    // Nobody listens any more once the stage was given up.
    let tell = |told| drop(sender.send((number, told)));
    let result = (|| {
        let transport = transport::open(&node.target, &node.options, masker, stop).map_err(|why| why.to_string())?;
        stoppers.lock().unwrap_or_else(PoisonError::into_inner).push(transport.stopper());
        if stop.load(Ordering::SeqCst) {
            return Err("interrupted".to_string());
        }
        let answer = transport.batch(&[probe]).into_iter().next();
        if let Some(lost) = Transport::lost(&*transport) {
            return Err(lost.to_string());
        }
        let observation = answer.ok_or("no answer")?.map_err(|fault| fault.to_string())?;
        let ran = Run::unwrap(&observation).ok_or("an answer of another kind")?;
        tell(Told::Lines(From::Stdout, ran.stdout.to_vec()));
        tell(Told::Lines(From::Stderr, ran.stderr.to_vec()));
        if ran.truncated {
            tell(Told::Lines(From::Probity, b"more output was dropped".to_vec()));
        }
        match ran.status {
            0 => Ok(()),
            status => Err(format!("status {status}")),
        }
    })();
    tell(Told::Done(result));
}

/// Waits for a time; for ever where there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
