//! The probes of one batch and what has become of each so far.

use super::exchange::Listener;
use super::refusal::Refusal;
use super::{Exit, Flow, Stream};
use crate::probe::sh::{Decoded, Decoder};
use crate::probe::{Answer, Fault, FaultKind, Probe};
use crate::transport::{Unreachable, UnreachableKind};
use std::time::Duration;

impl Listener for Decoder {
    fn hear(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        // What comes after the end is of no use, and may have none.
        if self.is_complete() {
            return Flow::Close;
        }
        match stream {
            Stream::Stdout => self.stdout(bytes),
            Stream::Stderr => self.stderr(bytes),
        }
        Flow::Continue
    }
}

/// The end of a shell in words, for the decoder.
pub(super) fn how_it_ended(exit: Exit) -> String {
    match exit {
        Exit::Status(status) => format!("the shell ended with status {status}"),
        Exit::Signal => "a signal ended the shell".to_string(),
        Exit::TimedOut => "the time was over".to_string(),
        Exit::Closed => "the shell was hung up on".to_string(),
        Exit::Unknown => "the connection was lost".to_string(),
    }
}

/// The probes of a batch with their answers.
pub(super) struct Asked<'a> {
    probes: &'a [Probe],
    fates: Vec<Fate>,
}

/// What has become of a probe.
enum Fate {
    Open,
    /// It may be asked once more; if it is not, this is its answer.
    OnceMore(Fault),
    Answered(Answer),
}

/// How a conversation ended.
pub(super) enum End {
    /// Everything in it was answered.
    Whole,
    /// The run was interrupted.
    Interrupted,
    /// It was hung up on.
    Flooded,
    /// It took longer than this.
    TimedOut(Duration),
    /// The shell ended before its script did, or was not to be had again.
    Broken(Option<Unreachable>),
    /// There was no shell.
    Refused(Refusal),
    /// The way to the node was lost.
    Lost { why: Unreachable, has_begun: bool },
}

impl<'a> Asked<'a> {
    pub(super) fn new(probes: &'a [Probe]) -> Asked<'a> {
        Asked { probes, fates: probes.iter().map(|_| Fate::Open).collect() }
    }

    pub(super) fn probe(&self, index: usize) -> &'a Probe {
        &self.probes[index]
    }

    /// What is to be asked still.
    pub(super) fn open(&self) -> Vec<usize> {
        (0..self.fates.len()).filter(|&index| !matches!(self.fates[index], Fate::Answered(_))).collect()
    }

    /// Keeps what a conversation about the probes of `lane` brought.
    pub(super) fn keep(&mut self, lane: &[usize], decoded: Decoded, end: &End, node: &str) {
        for (place, (&index, answer)) in lane.iter().zip(decoded.answers).enumerate() {
            self.fates[index] = match decoded.unanswered.binary_search(&place) {
                Err(_) => Fate::Answered(answer),
                Ok(_) => fate(&self.probes[index], answer, end, node),
            };
        }
    }

    /// Answers what is open with the reason why nothing can be asked any more.
    pub(super) fn give_up(&mut self, why: &Unreachable) {
        for fate in self.fates.iter_mut().filter(|fate| !matches!(fate, Fate::Answered(_))) {
            *fate = Fate::Answered(Err(fault(why)));
        }
    }

    pub(super) fn into_answers(self) -> Vec<Answer> {
        let answer = |(probe, fate)| match fate {
            Fate::Answered(answer) => answer,
            Fate::OnceMore(fault) => Err(fault),
            Fate::Open => Err(Fault::new(FaultKind::Failed, format!("{probe} was not asked"))),
        };
        self.probes.iter().zip(self.fates).map(answer).collect()
    }
}

/// What becomes of a probe that a conversation left unanswered. `answer` is the fault the
/// decoder made for it.
fn fate(probe: &Probe, answer: Answer, end: &End, node: &str) -> Fate {
    let fault_of = |kind, message| Fate::Answered(Err(Fault::new(kind, message)));
    // A command may do something besides telling: one that may have begun is not run twice.
    let is_command = matches!(probe, Probe::Run(_));
    match end {
        End::Whole => Fate::Answered(answer),
        End::Interrupted => fault_of(FaultKind::Failed, format!("no answer to {}: interrupted", brief(probe))),
        End::Flooded => fault_of(
            FaultKind::TooLarge,
            format!("no answer to {}: {node} said more than is taken of one batch", brief(probe)),
        ),
        End::TimedOut(limit) => fault_of(
            FaultKind::TimedOut,
            format!("no answer to {} from {node} within the {} s of its batch", brief(probe), limit.as_secs_f64()),
        ),
        End::Lost { why, has_begun: true } if is_command => fault_of(
            FaultKind::Failed,
            format!("no answer to {}, which may have run and is not run again: {why}", brief(probe)),
        ),
        End::Lost { why, .. } => Fate::OnceMore(fault(why)),
        End::Refused(refusal) => Fate::OnceMore(fault(&refusal.unreachable)),
        End::Broken(Some(why)) => Fate::OnceMore(fault(why)),
        End::Broken(None) => match answer {
            Err(fault) if !is_command => Fate::OnceMore(fault),
            answer => Fate::Answered(answer),
        },
    }
}

fn fault(why: &Unreachable) -> Fault {
    let kind = match why.kind {
        UnreachableKind::TimedOut => FaultKind::TimedOut,
        UnreachableKind::Privilege => FaultKind::Denied,
        _ => FaultKind::Failed,
    };
    Fault::new(kind, why.message.clone())
}

/// A probe in a message: its first line, cut.
fn brief(probe: &Probe) -> String {
    const LONGEST: usize = 120;
    let words = probe.to_string();
    let line = words.lines().next().unwrap_or_default();
    let brief: String = line.chars().take(LONGEST).collect();
    if brief.len() < words.trim_end().len() { brief + "…" } else { brief }
}
