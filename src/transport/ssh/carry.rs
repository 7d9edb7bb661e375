//! Conversations over the channels of one session, side by side in one thread.

use super::line::{Line, ready};
use super::session::{Session, code, is_lost, number, text, would_block};
use super::watch::Guard;
use super::{Unreachable, UnreachableKind};
use crate::transport::shell::{Conversation, Exit, Flow, Stream};
use rustix::event::PollFlags;
use ssh2::Channel;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Conversations under way at one time, where the server takes as many.
pub(super) const WIDTH: usize = 4;
/// What is read at once.
const BLOCK: usize = 32 * 1024;
/// One conversation reads this often before the others have their turn.
const TURNS: usize = 16;
/// While an answer to a request is due, the loop looks again after this time: such an answer
/// may have come in with the bytes of another channel, after its own was looked at.
const RECHECK: Duration = Duration::from_millis(100);
/// Commands that were hung up on have this long to end before a new connection is made.
const LEAVING: Duration = Duration::from_secs(1);
/// A server that refuses the only channel this often opens none.
const REFUSALS: u32 = 5;
/// How often a silent server is asked whether it is still there.
pub(super) const ALIVE: Duration = Duration::from_secs(15);
/// So many questions in a row without any answer mean that the other side is gone.
const UNANSWERED: u32 = 3;

/// A session in use, and what is known of its server.
pub(super) struct Live {
    pub(super) session: Session,
    /// How the place is called in messages.
    pub(super) place: String,
    /// How often a silent server is asked whether it is there.
    pub(super) alive_interval: Duration,
    /// Channels that may be open at one time.
    pub(super) width: usize,
    /// A channel nobody uses yet: the next conversation need not wait for one.
    spare: Option<Channel>,
    /// The server was asked for a channel beside so many others, and has not answered.
    asked_beside: Option<usize>,
    /// So often in a row it gave none.
    refusals: u32,
    /// Channels that end and whose other side has not said so yet.
    leaving: Vec<Channel>,
    /// Channels of commands that were hung up on, where closing them ends the connection:
    /// dropbear fails an assertion of its own when it has more to send on a closed channel.
    /// They are neither read nor closed, and the next conversations get a new connection.
    abandoned: Vec<Channel>,
    /// Several channels side by side make it fail as well.
    is_fragile: bool,
    pub(super) sent: u64,
    pub(super) received: u64,
}

/// How a carry ended early.
pub(super) enum Stop {
    /// The connection is lost or of no use.
    Lost(Unreachable),
    /// All channels are taken by commands that do not end: only a new connection helps.
    Stuck,
    Interrupted,
}

/// One conversation under way.
struct Talk {
    index: usize,
    channel: Channel,
    deadline: Instant,
    stage: Stage,
    said: bool,
}

#[derive(PartialEq, Clone, Copy)]
enum Stage {
    /// The command was asked for and the server has not said yes.
    Starting,
    Running,
    /// It has said all and the server still owes the exit status.
    Ending,
}

/// What a step came to.
enum Step {
    Idle,
    Moved,
    Ended(Exit),
}

impl Live {
    pub(super) fn new(session: Session, place: String, alive_interval: Duration) -> Live {
        let whole = u32::try_from(alive_interval.as_secs()).unwrap_or(u32::MAX);
        session.ssh.set_keepalive(true, whole);
        let is_fragile = session.ssh.banner().is_some_and(|banner| banner.contains("dropbear"));
        Live {
            is_fragile,
            abandoned: Vec::new(),
            session,
            place,
            alive_interval,
            width: if is_fragile { 1 } else { WIDTH },
            spare: None,
            asked_beside: None,
            refusals: 0,
            leaving: Vec::new(),
            sent: 0,
            received: 0,
        }
    }

    /// Carries the conversations from `next` on; each that ends is ticked off in `done`.
    pub(super) fn carry(
        &mut self,
        conversations: &mut [&mut dyn Conversation],
        done: &mut [bool],
        line: &Arc<Line>,
    ) -> Result<(), Stop> {
        let mut guard = Guard::new(line);
        let mut waiting: Vec<usize> = (0..conversations.len()).rev().filter(|&index| !done[index]).collect();
        let mut talks: Vec<Talk> = Vec::new();
        if !self.abandoned.is_empty() && !waiting.is_empty() {
            return Err(Stop::Stuck);
        }
        let (mut asked_since, mut stuck_since): (Option<Instant>, Option<Instant>) = (None, None);
        let (mut heard, mut unanswered) = (Instant::now(), 0);
        let mut block = vec![0; BLOCK];
        let mut quiet = false;
        loop {
            if line.is_stopped() {
                return Err(Stop::Interrupted);
            }
            let mut moved = false;
            // Started first: the bytes of a new conversation are under way soonest.
            while let Some(&index) = waiting.last() {
                // Those who leave count with the server until it has let them go.
                let taken = talks.len() + self.leaving.len() + self.abandoned.len();
                if taken >= self.width && self.spare.is_none() && self.asked_beside.is_none() {
                    let now = Instant::now();
                    if talks.is_empty() && now >= *stuck_since.get_or_insert(now) + LEAVING {
                        return Err(Stop::Stuck);
                    }
                    break;
                }
                stuck_since = None;
                let since = *asked_since.get_or_insert_with(Instant::now);
                match self.open(taken).map_err(|error| self.lost(&error, line))? {
                    Opened::Channel(channel) => {
                        moved = true;
                        asked_since = None;
                        waiting.pop();
                        let deadline = since + conversations[index].limit();
                        talks.push(Talk { index, channel, deadline, stage: Stage::Starting, said: false });
                    }
                    Opened::Later if Instant::now() < since + conversations[index].limit() => break,
                    Opened::Later => {
                        moved = true;
                        asked_since = None;
                        waiting.pop();
                        conversations[index].ended(Exit::TimedOut);
                        done[index] = true;
                    }
                    // A server may count a channel for a moment after it was closed.
                    Opened::Refused { beside } if self.refusals < if beside == 0 { REFUSALS } else { 2 } => break,
                    Opened::Refused { beside: 0 } => {
                        let message = format!(
                            "{} opens no channel for commands: this user may not run any, or MaxSessions of its \
                             sshd_config is 0",
                            self.place
                        );
                        return Err(Stop::Lost(Unreachable::new(UnreachableKind::Failed, message)));
                    }
                    Opened::Refused { beside } => {
                        asked_since = None;
                        self.width = self.width.min(beside);
                        self.refusals = 0;
                    }
                }
            }
            let mut at = 0;
            while at < talks.len() {
                let talk = &mut talks[at];
                let conversation = &mut *conversations[talk.index];
                let before = (self.sent, self.received);
                let step = talk
                    .step(conversation, &self.session, &mut block, (&mut self.sent, &mut self.received))
                    .map_err(|error| self.lost(&error, line))?;
                moved |= before != (self.sent, self.received);
                let exit = match step {
                    Step::Ended(exit) => Some(exit),
                    Step::Moved => {
                        moved = true;
                        None
                    }
                    Step::Idle => None,
                };
                let exit = exit.or_else(|| (Instant::now() >= talk.deadline).then_some(Exit::TimedOut));
                match exit {
                    Some(exit) => {
                        moved = true;
                        let talk = talks.remove(at);
                        done[talk.index] = true;
                        match self.is_fragile && talk.stage != Stage::Ending && !talk.channel.eof() {
                            true => self.abandoned.push(talk.channel),
                            false => self.leaving.push(talk.channel),
                        }
                        // A stop shuts the socket: what looks like an end may be none.
                        let exit = if line.is_stopped() { Exit::Closed } else { exit };
                        conversations[talk.index].ended(exit);
                    }
                    None => at += 1,
                }
            }
            self.leave().map_err(|error| self.lost(&error, line))?;
            if talks.is_empty() && waiting.is_empty() {
                // Asked for now, the answer is there when the next batch is.
                let _ = self.prepare();
                return Ok(());
            }
            if moved || talks.iter().any(Talk::has_something) {
                (heard, unanswered, quiet) = (Instant::now(), 0, false);
                continue;
            }
            if !quiet {
                // Once more: what was looked at first may have its answer by now.
                quiet = true;
                continue;
            }
            quiet = false;
            let now = Instant::now();
            let begin = waiting.last().and_then(|&index| Some(asked_since? + conversations[index].limit()));
            let deadline = talks.iter().map(|talk| talk.deadline).chain(begin).min().unwrap_or(now + LEAVING);
            guard.until(deadline);
            let ask = heard + self.alive_interval * (unanswered + 1);
            if now >= ask {
                if unanswered == UNANSWERED {
                    let message = format!(
                        "connection to {} lost: it has not answered for {} s",
                        self.place,
                        (now - heard).as_secs()
                    );
                    return Err(Stop::Lost(Unreachable::new(UnreachableKind::Failed, message)));
                }
                unanswered += 1;
                if self.session.is_writable() {
                    self.session.ssh.keepalive_send().map_err(|error| self.lost(&error, line))?;
                }
                // On to the wait: an answer that is as quick as a look at the channels would go by
                // there unseen, for it is of no channel.
            }
            let ask = heard + self.alive_interval * (unanswered + 1);
            let mut time = deadline.min(ask).saturating_duration_since(now);
            let owed = |talk: &Talk| talk.stage != Stage::Running || !conversations[talk.index].outgoing().is_empty();
            let pending = talks.is_empty() || self.asked_beside.is_some() || talks.iter().any(owed);
            if pending {
                time = time.min(RECHECK);
            }
            if ready(&*self.session.socket, self.session.directions() | PollFlags::IN, Some(time)) {
                (heard, unanswered) = (Instant::now(), 0);
            }
        }
    }
}

/// What asking for a channel came to.
enum Opened {
    Channel(Channel),
    /// The server has not answered yet.
    Later,
    /// The server takes no channel beside so many others.
    Refused {
        beside: usize,
    },
}

impl Live {
    /// A channel for the next conversation, beside `taken` others. libssh2 asks for one at a
    /// time and goes on with the same question when it is called again.
    fn open(&mut self, taken: usize) -> Result<Opened, ssh2::Error> {
        if let Some(channel) = self.spare.take() {
            return Ok(Opened::Channel(channel));
        }
        let beside = *self.asked_beside.get_or_insert(taken);
        let opened = match self.session.ssh.channel_session() {
            Ok(channel) => Opened::Channel(channel),
            Err(error) if would_block(&error) => return Ok(Opened::Later),
            Err(error) if number(&error) == code::CHANNEL_FAILURE => Opened::Refused { beside },
            Err(error) => return Err(error),
        };
        self.asked_beside = None;
        self.refusals = if matches!(opened, Opened::Refused { .. }) { self.refusals + 1 } else { 0 };
        Ok(opened)
    }

    /// Asks for the channel of the next conversation before there is one.
    fn prepare(&mut self) -> Result<(), ssh2::Error> {
        if self.spare.is_none()
            && self.leaving.len() < self.width
            && self.abandoned.is_empty()
            && let Opened::Channel(channel) = self.open(self.leaving.len())?
        {
            self.spare = Some(channel);
        }
        Ok(())
    }

    /// Closes what has ended; what the other side does not close in turn is looked at again
    /// with the next pass.
    fn leave(&mut self) -> Result<(), ssh2::Error> {
        let mut at = 0;
        while at < self.leaving.len() {
            match self.leaving[at].close() {
                Err(error) if would_block(&error) => at += 1,
                Err(error) if is_lost(&error) => return Err(error),
                // Closed, or of no use in any case.
                Ok(()) | Err(_) => drop(self.leaving.swap_remove(at)),
            }
        }
        Ok(())
    }

    /// What an error of libssh2 means in the middle of a conversation.
    fn lost(&self, error: &ssh2::Error, line: &Line) -> Stop {
        if line.is_stopped() {
            return Stop::Interrupted;
        }
        let place = &self.place;
        let message = if line.is_overdue() {
            format!("connection to {place} cut: it sends without end what no command has said")
        } else if number(error) == code::CHANNEL_REQUEST_DENIED {
            format!("{place} lets this user run no commands")
        } else {
            format!("connection to {place} lost: {}", text(error))
        };
        Stop::Lost(Unreachable::new(UnreachableKind::Failed, message))
    }
}

impl Talk {
    /// Moves what can be moved at this moment.
    fn step(
        &mut self,
        conversation: &mut dyn Conversation,
        session: &Session,
        block: &mut [u8],
        (sent, received): (&mut u64, &mut u64),
    ) -> Result<Step, ssh2::Error> {
        let mut moved = false;
        if self.stage == Stage::Starting {
            match self.channel.exec(conversation.command()) {
                Ok(()) => {
                    self.stage = Stage::Running;
                    moved = true;
                }
                // The request itself is not out yet: nothing may overtake it.
                Err(error) if would_block(&error) && session.directions().contains(PollFlags::OUT) => {
                    return Ok(Step::Idle);
                }
                // It is, and what is said next may follow without waiting for the answer.
                Err(error) if would_block(&error) => {}
                // The answer to another channel came in, and libssh2 no longer waits for that of
                // this one (packet_askv() in its packet.c finds none of this channel and says so).
                // A server that let in the command beside this one lets it in as well; if it does
                // not, the time limit of the conversation tells.
                Err(error) if number(&error) == code::ANSWER_OF_ANOTHER => {
                    self.stage = Stage::Running;
                    moved = true;
                }
                Err(error) => return Err(error),
            }
        }
        moved |= self.say(conversation, session, sent)?;
        for stream in [Stream::Stdout, Stream::Stderr] {
            for _ in 0..TURNS {
                let count = match self.channel.stream(if stream == Stream::Stdout { 0 } else { 1 }).read(block) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(self.why(session, &error)),
                };
                moved = true;
                *received += count as u64;
                if conversation.received(stream, &block[..count]) == Flow::Close {
                    return Ok(Step::Ended(Exit::Closed));
                }
            }
        }
        // All it wrote was read, or this would say there is more.
        if self.stage != Stage::Starting && self.channel.eof() {
            if self.stage == Stage::Running {
                self.stage = Stage::Ending;
                moved = true;
            }
            match self.channel.wait_close() {
                Ok(()) => return Ok(Step::Ended(self.exit())),
                Err(error) if would_block(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(if moved { Step::Moved } else { Step::Idle })
    }

    /// Sends what there is to say, and the end of it.
    fn say(
        &mut self,
        conversation: &mut dyn Conversation,
        session: &Session,
        sent: &mut u64,
    ) -> Result<bool, ssh2::Error> {
        let mut moved = false;
        while !conversation.outgoing().is_empty() && !self.said {
            match self.channel.write(conversation.outgoing()) {
                Ok(0) => break,
                Ok(count) => {
                    moved = true;
                    *sent += count as u64;
                    conversation.sent(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => match self.why(session, &error) {
                    error if is_lost(&error) => return Err(error),
                    // The command no longer listens; what it wrote counts all the same.
                    _ => self.said = true,
                },
            }
        }
        if !self.said && conversation.is_said() && conversation.outgoing().is_empty() {
            match self.channel.send_eof() {
                Ok(()) => {
                    self.said = true;
                    moved = true;
                }
                Err(error) if would_block(&error) => {}
                Err(error) if is_lost(&error) => return Err(error),
                Err(_) => self.said = true,
            }
        }
        Ok(moved)
    }

    /// Whether something came in for it that was not looked at; no I/O is done for this.
    fn has_something(&self) -> bool {
        self.channel.read_window().available > 0 || self.stage == Stage::Running && self.channel.eof()
    }

    fn exit(&self) -> Exit {
        if self.channel.exit_signal().is_ok_and(|signal| signal.exit_signal.is_some()) {
            return Exit::Signal;
        }
        self.channel.exit_status().map_or(Exit::Unknown, Exit::Status)
    }

    /// The error of libssh2 behind an error of a stream.
    fn why(&self, session: &Session, error: &std::io::Error) -> ssh2::Error {
        ssh2::Error::last_session_error(&session.ssh)
            .filter(|last| !would_block(last))
            .unwrap_or_else(|| unclear(error))
    }
}

/// The streams of ssh2 give the kind of an error without its number.
fn unclear(_: &std::io::Error) -> ssh2::Error {
    ssh2::Error::from_errno(ssh2::ErrorCode::Session(code::SOCKET_DISCONNECT))
}
