//! The carrier that starts a program of this machine for every conversation, such as
//! `docker exec -i NAME sh -c …`: pipes and poll(2), no thread.

use super::{Carrier, Conversation, Exit, Flow, Stream};
use crate::transport::{Stopper, Traffic, Unreachable, UnreachableKind};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most programs under way at one time.
const WIDTH: usize = 8;
/// How much is read at once.
const CHUNK: usize = 64 << 10;
/// How much is taken from one stream before the others have their turn, and the most a pipe
/// holds when its writer has ended (pipe(7): 1 MiB for an unprivileged one).
const TURN: usize = 1 << 20;
/// The most that is waited for the end of a program that was killed: one of another user,
/// as sudo is, cannot be killed and ends when it reads the end of its input.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// How often a program is looked after where the kernel has no pidfd_open(2) (before 5.3).
const WITHOUT_PIDFD: Duration = Duration::from_millis(5);

/// Carries each conversation through a program of its own, in a process group of its own.
pub struct Spawner {
    program: String,
    arguments: Vec<String>,
    /// Readable from the moment of the interruption on.
    interrupted: Arc<OwnedFd>,
    traffic: Cell<Traffic>,
    buffer: RefCell<Vec<u8>>,
}

impl Spawner {
    /// Starts `argv` with the command line of the conversation as one more argument: `sh -c`
    /// asks this machine.
    ///
    /// # Errors
    /// When `argv` is empty, or this process has no file descriptor left.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Result<Spawner, Unreachable> {
        let mut words = argv.into_iter().map(Into::into);
        let setup = |message: String| Unreachable::new(UnreachableKind::Setup, message);
        let program = words.next().ok_or_else(|| setup("no program to reach the node with was given".to_string()))?;
        let interrupted = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| setup(format!("cannot prepare to start {program}: {}", io::Error::from(error))))?;
        Ok(Spawner {
            program,
            arguments: words.collect(),
            interrupted: Arc::new(interrupted),
            traffic: Cell::default(),
            buffer: RefCell::new(vec![0; CHUNK]),
        })
    }

    fn start<'a>(&self, conversation: &'a mut (dyn Conversation + 'a)) -> Result<Running<'a>, Unreachable> {
        let spawned = Command::new(&self.program)
            .args(&self.arguments)
            .arg(conversation.command())
            // What the program says is told apart by its English words.
            .env("LC_ALL", "C")
            .env("LANGUAGE", "C")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = spawned.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Unreachable::new(
                UnreachableKind::Setup,
                format!("{} is not on the PATH of this machine; install it to reach the node", self.program),
            ),
            _ => Unreachable::new(UnreachableKind::Setup, format!("{} cannot be started: {error}", self.program)),
        })?;
        Running::new(child, conversation).map_err(|error| {
            Unreachable::new(UnreachableKind::Setup, format!("cannot watch {}: {error}", self.program))
        })
    }

    fn is_interrupted(&self) -> bool {
        let mut watched = [PollFd::new(&*self.interrupted, PollFlags::IN)];
        matches!(poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..))
    }

    /// Waits until something can be done for one of `running`, or the first limit is over.
    fn wait(&self, running: &[Running<'_>]) -> io::Result<()> {
        let mut watched = vec![PollFd::new(&*self.interrupted, PollFlags::IN)];
        let now = Instant::now();
        // A day is as good as for ever, and fits.
        let mut patience = Duration::from_secs(86400);
        for one in running {
            one.watch(&mut watched);
            patience = patience.min(one.deadline.saturating_duration_since(now));
            if one.end.is_none() {
                patience = patience.min(WITHOUT_PIDFD);
            }
        }
        wait_for(&mut watched, patience)
    }

    fn count(&self, moved: Traffic) {
        let Traffic { sent, received } = self.traffic.get();
        self.traffic.set(Traffic { sent: sent + moved.sent, received: received + moved.received });
    }
}

impl Carrier for Spawner {
    fn carry(&self, conversations: &mut [&mut dyn Conversation]) -> Result<(), Unreachable> {
        let mut waiting = conversations.iter_mut();
        let mut running: Vec<Running<'_>> = Vec::new();
        let mut buffer = self.buffer.borrow_mut();
        loop {
            if self.is_interrupted() {
                running.into_iter().for_each(|one| one.cut(Exit::Closed));
                waiting.for_each(|conversation| conversation.ended(Exit::Closed));
                return Ok(());
            }
            while running.len() < WIDTH
                && let Some(conversation) = waiting.next()
            {
                running.push(self.start(&mut **conversation)?);
            }
            if running.is_empty() {
                return Ok(());
            }
            self.wait(&running).map_err(|error| {
                Unreachable::new(UnreachableKind::Failed, format!("cannot wait for {}: {error}", self.program))
            })?;
            let mut still = Vec::with_capacity(running.len());
            for mut one in running {
                let turn = one.turn(&mut buffer);
                self.count(std::mem::take(&mut one.moved));
                match turn {
                    Turn::GoesOn => still.push(one),
                    Turn::Ended(exit) => one.conversation.ended(exit),
                    Turn::Cut(exit) => one.cut(exit),
                }
            }
            running = still;
        }
    }

    /// There is nothing to renew: each conversation starts a program of its own.
    fn renew(&self) -> Result<(), Unreachable> {
        Ok(())
    }

    fn width(&self) -> usize {
        WIDTH
    }

    fn stopper(&self) -> Stopper {
        let interrupted = self.interrupted.clone();
        Box::new(move || {
            // It fails only when it was written before as often as a u64 counts.
            let _ = rustix::io::write(&interrupted, &1u64.to_ne_bytes());
        })
    }

    fn traffic(&self) -> Traffic {
        self.traffic.get()
    }
}

/// What has become of a conversation after its turn.
enum Turn {
    GoesOn,
    /// The program has ended.
    Ended(Exit),
    /// The program is to be ended.
    Cut(Exit),
}

/// A program under way. Dropped, it is killed unless it was seen to end.
struct Running<'a> {
    conversation: &'a mut (dyn Conversation + 'a),
    child: Child,
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    /// Readable once the program has ended; `None` on kernels without it.
    end: Option<OwnedFd>,
    deadline: Instant,
    moved: Traffic,
    has_ended: bool,
}

impl<'a> Running<'a> {
    fn new(mut child: Child, conversation: &'a mut (dyn Conversation + 'a)) -> io::Result<Running<'a>> {
        let now = Instant::now();
        let running = Running {
            stdin: child.stdin.take().map(OwnedFd::from),
            stdout: child.stdout.take().map(OwnedFd::from),
            stderr: child.stderr.take().map(OwnedFd::from),
            end: pidfd_open(pid(&child)?, PidfdFlags::empty()).ok(),
            deadline: now.checked_add(conversation.limit()).unwrap_or(now + Duration::from_secs(86400)),
            moved: Traffic::default(),
            has_ended: false,
            child,
            conversation,
        };
        for pipe in [&running.stdin, &running.stdout, &running.stderr].into_iter().flatten() {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(running)
    }

    fn watch<'w>(&'w self, watched: &mut Vec<PollFd<'w>>) {
        if let Some(stdin) = &self.stdin
            && !self.conversation.outgoing().is_empty()
        {
            watched.push(PollFd::new(stdin, PollFlags::OUT));
        }
        for readable in [&self.stdout, &self.stderr, &self.end].into_iter().flatten() {
            watched.push(PollFd::new(readable, PollFlags::IN));
        }
    }

    /// Moves what can be moved now.
    fn turn(&mut self, buffer: &mut [u8]) -> Turn {
        self.write();
        // The order matters: what was written before the end is in the pipes once the end has
        // been seen.
        let exit = match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.code().map_or(Exit::Signal, Exit::Status)),
            // Somebody else has waited for it.
            Err(_) => Some(Exit::Unknown),
        };
        self.has_ended = exit.is_some();
        for stream in [Stream::Stdout, Stream::Stderr] {
            if self.read(stream, buffer) == Flow::Close {
                return Turn::Cut(Exit::Closed);
            }
        }
        match exit {
            Some(exit) => Turn::Ended(exit),
            None if Instant::now() >= self.deadline => Turn::Cut(Exit::TimedOut),
            None => {
                // What came in may have been waited for before the next word.
                self.write();
                Turn::GoesOn
            }
        }
    }

    /// Sends what there is to send, until the pipe is full.
    fn write(&mut self) {
        while let Some(stdin) = &self.stdin {
            let outgoing = self.conversation.outgoing();
            if outgoing.is_empty() {
                if self.conversation.is_said() {
                    self.stdin = None;
                }
                return;
            }
            match rustix::io::write(stdin, outgoing) {
                Ok(count) => {
                    self.conversation.sent(count);
                    self.moved.sent += count as u64;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // Nobody reads any more; why, the end will tell.
                Err(_) => self.stdin = None,
            }
        }
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> Flow {
        let pipe = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let mut left = TURN;
        while left > 0
            && let Some(open) = pipe
        {
            match rustix::io::read(open, &mut *buffer) {
                Ok(0) => *pipe = None,
                Ok(count) => {
                    left = left.saturating_sub(count);
                    self.moved.received += count as u64;
                    if self.conversation.received(stream, &buffer[..count]) == Flow::Close {
                        return Flow::Close;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => *pipe = None,
            }
        }
        Flow::Continue
    }

    /// Ends the program and tells the conversation why.
    fn cut(self, exit: Exit) {
        self.conversation.ended(exit);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.stdin = None;
        self.stdout = None;
        self.stderr = None;
        if self.has_ended {
            return;
        }
        if let Ok(pid) = pid(&self.child) {
            // It fails when the group has just ended, or is another user's.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let killed = Instant::now();
        while let (Ok(None), Some(left)) = (self.child.try_wait(), KILL_GRACE.checked_sub(killed.elapsed())) {
            let waited = match &self.end {
                Some(end) => wait_for(&mut [PollFd::new(end, PollFlags::IN)], left),
                None => wait_for(&mut [], left.min(WITHOUT_PIDFD)),
            };
            if waited.is_err() {
                return;
            }
        }
    }
}

fn wait_for(watched: &mut [PollFd<'_>], patience: Duration) -> io::Result<()> {
    let patience = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: patience.subsec_nanos().into() };
    match poll(watched, Some(&patience)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn pid(child: &Child) -> io::Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says one text to a command and keeps what comes.
    struct Talk {
        command: String,
        text: Vec<u8>,
        at: usize,
        came: [Vec<u8>; 2],
        most: usize,
        limit: Duration,
        exit: Option<Exit>,
    }

    impl Talk {
        fn new(command: &str, text: &str) -> Talk {
            Talk {
                command: command.to_string(),
                text: text.as_bytes().to_vec(),
                at: 0,
                came: [Vec::new(), Vec::new()],
                most: usize::MAX,
                limit: Duration::from_secs(20),
                exit: None,
            }
        }

        fn came(&self) -> (String, String, Option<Exit>) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(&self.came[0]), text(&self.came[1]), self.exit)
        }
    }

    impl Conversation for Talk {
        fn command(&self) -> &str {
            &self.command
        }

        fn outgoing(&self) -> &[u8] {
            &self.text[self.at..]
        }

        fn sent(&mut self, count: usize) {
            self.at += count;
        }

        fn is_said(&self) -> bool {
            self.at == self.text.len()
        }

        fn received(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
            let came = &mut self.came[stream as usize];
            came.extend_from_slice(bytes);
            if came.len() > self.most { Flow::Close } else { Flow::Continue }
        }

        fn ended(&mut self, exit: Exit) {
            assert_eq!(self.exit.replace(exit), None, "it ends once");
        }

        fn limit(&self) -> Duration {
            self.limit
        }
    }

    fn shell() -> Spawner {
        Spawner::new(["sh", "-c"]).expect("a shell")
    }

    fn carried(mut talk: Talk) -> Talk {
        shell().carry(&mut [&mut talk]).expect("carried");
        talk
    }

    fn lives(pid: &str) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        status.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
    }

    #[test]
    fn what_is_said_is_heard_and_the_end_told() {
        let talk = carried(Talk::new("cat; echo err >&2; exit 7", "hello"));
        assert_eq!(talk.came(), ("hello".to_string(), "err\n".to_string(), Some(Exit::Status(7))));
        assert_eq!(carried(Talk::new("kill -9 $$", "")).exit, Some(Exit::Signal));
    }

    #[test]
    fn more_than_a_pipe_holds_goes_both_ways_and_is_counted() {
        let carrier = shell();
        let mut talk = Talk::new("cat", &"0123456789".repeat(500_000));
        carrier.carry(&mut [&mut talk]).expect("carried");
        assert_eq!(talk.came[0], talk.text);
        assert_eq!(carrier.traffic(), Traffic { sent: 5_000_000, received: 5_000_000 });
    }

    #[test]
    fn a_command_that_never_reads_does_not_hold_it_up() {
        let talk = carried(Talk::new("exec <&-; sleep 0.2; exit 3", &"x".repeat(1 << 20)));
        assert_eq!(talk.exit, Some(Exit::Status(3)));
    }

    #[test]
    fn conversations_go_side_by_side_and_more_than_the_width_in_turn() {
        let started = Instant::now();
        let mut talks: Vec<Talk> = (0..WIDTH + 4).map(|n| Talk::new(&format!("sleep 0.4; echo {n}"), "")).collect();
        let mut all: Vec<&mut dyn Conversation> = talks.iter_mut().map(|talk| talk as &mut dyn Conversation).collect();
        shell().carry(&mut all).expect("carried");
        assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
        for (number, talk) in talks.iter().enumerate() {
            assert_eq!(talk.came(), (format!("{number}\n"), String::new(), Some(Exit::Status(0))));
        }
    }

    #[test]
    fn at_its_limit_the_whole_group_is_killed() {
        let mut talk = Talk::new("echo $$; sleep 300 & echo $!; wait", "");
        talk.limit = Duration::from_millis(500);
        let started = Instant::now();
        let talk = carried(talk);
        assert!(started.elapsed() < Duration::from_secs(4), "took {:?}", started.elapsed());
        assert_eq!(talk.exit, Some(Exit::TimedOut));
        let (pids, ..) = talk.came();
        assert_eq!(pids.lines().count(), 2);
        std::thread::sleep(Duration::from_millis(100));
        assert!(!pids.lines().any(lives), "{pids}");
    }

    #[test]
    fn hanging_up_ends_endless_output() {
        let mut talk = Talk::new("exec yes", "");
        talk.most = 100_000;
        let started = Instant::now();
        let talk = carried(talk);
        assert_eq!(talk.exit, Some(Exit::Closed));
        assert!(started.elapsed() < Duration::from_secs(4) && talk.came[0].len() < 400_000);
    }

    #[test]
    fn a_process_that_holds_the_output_open_does_not_hold_it_up() {
        let started = Instant::now();
        let talk = carried(Talk::new("sleep 20 & echo $!", ""));
        assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
        let (pid, _, exit) = talk.came();
        assert_eq!(exit, Some(Exit::Status(0)));
        assert!(lives(&pid), "what a command leaves behind is left alone");
        let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("a pid");
        rustix::process::kill_process(pid, Signal::KILL).expect("ended");
    }

    #[test]
    fn an_interruption_ends_what_is_under_way_and_lets_nothing_start() {
        let carrier = shell();
        let stop = carrier.stopper();
        let mut talk = Talk::new("sleep 30 & sleep 30; wait", "");
        let started = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(200));
                stop();
            });
            carrier.carry(&mut [&mut talk]).expect("carried");
        });
        assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
        assert_eq!(talk.exit, Some(Exit::Closed));
        let mut late = Talk::new("echo late", "");
        carrier.carry(&mut [&mut late]).expect("carried");
        assert_eq!(late.came(), (String::new(), String::new(), Some(Exit::Closed)));
    }

    #[test]
    fn a_program_that_is_not_here_is_named() {
        let mut talk = Talk::new("true", "");
        let carrier = Spawner::new(["no-such-engine", "exec"]).expect("made");
        let error = carrier.carry(&mut [&mut talk]).expect_err("missing");
        assert_eq!(error.kind, UnreachableKind::Setup);
        assert!(error.message.contains("no-such-engine is not on the PATH"), "{error}");
        assert!(Spawner::new(Vec::<String>::new()).is_err());
    }

    #[test]
    fn waiting_costs_no_time_of_the_processor() {
        // In clock ticks of 10 ms: user and system time, proc(5).
        let spent = || -> u64 {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("readable");
            let fields = stat.rsplit(')').next().expect("after the name").split_whitespace();
            fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
        };
        let before = spent();
        carried(Talk::new("exec >&-; sleep 1", ""));
        assert!(spent() - before < 10);
    }
}
