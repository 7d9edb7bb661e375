//! Batches of probes over a carrier: scripts out, answers in, once more after a loss.

use super::asked::{Asked, End, how_it_ended};
use super::elevated::Elevated;
use super::exchange::Exchange;
use super::lanes::divide;
use super::privilege::{Handshake, mark};
use super::refusal::Refusal;
use super::{Carrier, Conversation, Exit};
use crate::probe::sh::{Decoder, Mark, Script};
use crate::probe::{Answer, Probe};
use crate::transport::{
    Options, Patience, Privilege, Prompt, Stopper, Tool, Traffic, Transport, Unreachable, UnreachableKind,
};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a further conversation is taken to cost before it answers, until one has shown it:
/// processes for the channel and the shell, the start of the script. Measured: 5 ms without
/// a wire, and sudo adds as much; but where the login shell reads a heavy `~/.bashrc`, 100 ms.
const PRICE: Duration = Duration::from_millis(8);

/// Tells why there is no shell from what was said in its place, where it is no shell that
/// said it, such as a container engine.
pub type Explain = Box<dyn Fn(&str, Exit) -> Option<Unreachable>>;

/// The transport to a node that is asked through a shell.
///
/// A batch goes out as one script per conversation: cheap probes in the first one, slow ones
/// there too or in further ones side by side, as is expected to take less time. Where another
/// user is to be become, the first conversation goes alone until it has worked once, so that a
/// wrong password is tried once.
///
/// When the way to the node is lost in mid-batch, whole answers are kept and what is
/// unanswered is asked once more on a new way; commands are not: one that may have begun is
/// never run twice. A way lost again stays lost.
pub struct Shell {
    node: String,
    carrier: Box<dyn Carrier>,
    privilege: RefCell<Option<Privilege>>,
    prompt: Option<Prompt>,
    patience: Patience,
    began: Instant,
    explain: Option<Explain>,
    /// Whether a shell has answered.
    is_proven: Cell<bool>,
    /// What a conversation cost at least, as far as was seen.
    price: Cell<Option<Duration>>,
    user: RefCell<Option<Arc<str>>>,
    lost: RefCell<Option<Unreachable>>,
    is_interrupted: Arc<AtomicBool>,
}

/// Why not all of a batch was answered, where that may be mended.
enum Setback {
    /// A shell ended in the middle of its script.
    Broken,
    /// There is no shell to be had.
    Refused(Refusal),
    /// The way to the node is lost.
    Lost(Unreachable),
}

impl Shell {
    /// Asks the node that messages call `node`. The time for the node starts now.
    pub fn new(node: impl Into<String>, carrier: Box<dyn Carrier>, options: &Options) -> Shell {
        Shell {
            node: node.into(),
            carrier,
            privilege: RefCell::new(options.privilege.clone()),
            prompt: options.prompt.clone(),
            patience: options.patience,
            began: Instant::now(),
            explain: None,
            is_proven: Cell::new(false),
            price: Cell::new(None),
            user: RefCell::default(),
            lost: RefCell::default(),
            is_interrupted: Arc::default(),
        }
    }

    /// With what tells why there is no shell.
    #[must_use]
    pub fn explained_by(self, explain: Explain) -> Shell {
        Shell { explain: Some(explain), ..self }
    }

    /// One attempt to answer what is open; says what kept some of it open.
    fn attempt(&self, asked: &mut Asked<'_>) -> Option<Setback> {
        let open = asked.open();
        let probes: Vec<&Probe> = open.iter().map(|&index| asked.probe(index)).collect();
        let is_plain = self.privilege.borrow().is_none();
        let price = self.price.get().unwrap_or(PRICE).as_micros() as u64;
        let mut lanes: Vec<Vec<usize>> = divide(&probes, self.carrier.width(), price);
        lanes.iter_mut().flatten().for_each(|place| *place = open[*place]);
        let others = match is_plain || self.is_proven.get() {
            true => Vec::new(),
            false => lanes.split_off(1.min(lanes.len())),
        };
        let setback = self.carry(asked, &lanes);
        match setback.is_none() && !others.is_empty() && !self.is_interrupted() {
            true => self.carry(asked, &others),
            false => setback,
        }
    }

    /// Has one conversation for each lane and keeps what is answered.
    fn carry(&self, asked: &mut Asked<'_>, lanes: &[Vec<usize>]) -> Option<Setback> {
        let limit = self.patience.batch.min(self.left());
        let made: Result<Vec<_>, _> = lanes.iter().map(|lane| self.exchange(asked, lane, limit)).collect();
        let mut exchanges = match made {
            Ok(exchanges) => exchanges,
            Err(why) => return Some(Setback::Lost(why)),
        };
        let mut conversations: Vec<&mut dyn Conversation> =
            exchanges.iter_mut().map(|exchange| exchange as &mut dyn Conversation).collect();
        let lost = self.carrier.carry(&mut conversations).err();
        let mut setback = lost.clone().map(Setback::Lost);
        for (lane, exchange) in lanes.iter().zip(exchanges) {
            let ended = self.hear_out(asked, lane, exchange, lost.as_ref());
            setback = match (setback, ended) {
                (worse @ (Some(Setback::Lost(_)) | Some(Setback::Refused(_))), _) => worse,
                (None | Some(Setback::Broken), Some(ended)) => Some(ended),
                (setback, None) => setback,
            };
        }
        setback
    }

    fn exchange(&self, asked: &Asked<'_>, lane: &[usize], limit: Duration) -> Result<Exchange<Decoder>, Unreachable> {
        let probes: Vec<Probe> = lane.iter().map(|&index| asked.probe(index).clone()).collect();
        let no_chance = |error: std::io::Error| {
            Unreachable::new(UnreachableKind::Setup, format!("this machine gives no random numbers: {error}"))
        };
        let (mark, parting) = (mark().map_err(no_chance)?, Mark::random().map_err(no_chance)?);
        let handshake = Handshake::new(self.privilege.borrow().as_ref(), &mark)?;
        let script = Script::new(&probes, &parting);
        Ok(Exchange::new(handshake, script.text(), Decoder::new(&probes, &parting), limit))
    }

    /// Keeps the answers of one conversation; says what kept some of it open.
    fn hear_out(
        &self,
        asked: &mut Asked<'_>,
        lane: &[usize],
        exchange: Exchange<Decoder>,
        lost: Option<&Unreachable>,
    ) -> Option<Setback> {
        let (has_begun, is_there, is_flooded) = (exchange.has_begun(), exchange.is_there(), exchange.is_flooded());
        let (exit, limit) = (exchange.exit(), exchange.limit());
        // The least, because those that start side by side are in each other's way.
        let seen = self.price.get().into_iter().chain(exchange.ready_after());
        self.price.set(seen.min());
        let (handshake, decoder) = exchange.into_parts();
        let decoded = decoder.finish(&exit.map_or("the connection was lost".to_string(), how_it_ended));
        let was_proven = self.is_proven.get();
        if let Some(user) = &decoded.user {
            self.is_proven.set(true);
            *self.user.borrow_mut() = Some(user.clone());
        }
        let connection_lost = || {
            let message = format!("the connection to {} was lost", self.node);
            Unreachable::new(UnreachableKind::Failed, message)
        };
        let end = match exit {
            _ if decoded.unanswered.is_empty() => End::Whole,
            _ if self.is_interrupted() => End::Interrupted,
            None => End::Lost { why: lost.cloned().unwrap_or_else(connection_lost), has_begun },
            Some(Exit::Unknown) if is_there || was_proven => End::Lost { why: connection_lost(), has_begun },
            Some(_) if is_flooded && is_there => End::Flooded,
            Some(exit) if !is_there => self.no_shell(&handshake, exit, was_proven),
            Some(Exit::TimedOut) => End::TimedOut(limit),
            Some(_) => End::Broken(None),
        };
        let setback = match &end {
            End::Whole | End::Interrupted | End::Flooded | End::TimedOut(_) => None,
            End::Broken(_) => Some(Setback::Broken),
            End::Refused(refusal) => Some(Setback::Refused(refusal.clone())),
            End::Lost { why, .. } => Some(Setback::Lost(why.clone())),
        };
        asked.keep(lane, decoded, &end, &self.node);
        setback
    }

    /// Why a shell did not say that it is ready.
    fn no_shell(&self, handshake: &Handshake, exit: Exit, was_proven: bool) -> End {
        let refusal = handshake.refusal(exit, &self.node);
        let explained = self.explain.as_ref().and_then(|explain| explain(&handshake.all_said(), exit));
        match explained {
            Some(unreachable) => End::Refused(Refusal { unreachable, wants_password: false }),
            None if was_proven => End::Broken(Some(refusal.unreachable)),
            None => End::Refused(refusal),
        }
    }

    /// Asks the person at the terminal for what the tool asks for; whether there is one now.
    fn gets_password(&self) -> bool {
        let mut privilege = self.privilege.borrow_mut();
        let (Some(privilege @ Privilege { password: None, .. }), Some(prompt)) = (&mut *privilege, &self.prompt) else {
            return false;
        };
        if privilege.tool != Tool::Doas {
            privilege.password = prompt(&format!("password for {}", privilege.tool.name()));
        }
        privilege.password.is_some()
    }

    /// What is left of the time for the node.
    fn left(&self) -> Duration {
        self.patience.node.saturating_sub(self.began.elapsed())
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::SeqCst)
    }

    /// Why nothing can be asked any more.
    fn closed(&self) -> Option<Unreachable> {
        if self.is_interrupted() {
            let message = format!("{} was not asked: interrupted", self.node);
            return Some(Unreachable::new(UnreachableKind::Interrupted, message));
        }
        if self.lost.borrow().is_none() && self.left().is_zero() {
            let message = format!(
                "the time for {} is over: {} s were not enough for all that is asked",
                self.node,
                self.patience.node.as_secs_f64()
            );
            self.lose(Unreachable::new(UnreachableKind::TimedOut, message));
        }
        self.lost.borrow().clone()
    }

    fn lose(&self, why: Unreachable) {
        *self.lost.borrow_mut() = Some(why);
    }
}

impl Transport for Shell {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        let mut asked = Asked::new(probes);
        let mut is_second = false;
        while !asked.open().is_empty() {
            if let Some(why) = self.closed() {
                asked.give_up(&why);
                break;
            }
            match self.attempt(&mut asked) {
                // What is open still was held back by an interruption.
                None => {}
                Some(Setback::Refused(refusal)) if refusal.wants_password && self.gets_password() => {}
                Some(Setback::Refused(refusal)) => self.lose(refusal.unreachable),
                Some(Setback::Lost(why)) if is_second || why.kind == UnreachableKind::Setup => self.lose(why),
                Some(Setback::Lost(_)) => {
                    is_second = true;
                    if !self.is_interrupted()
                        && let Err(why) = self.carrier.renew()
                    {
                        self.lose(why);
                    }
                }
                Some(Setback::Broken) if is_second => break,
                Some(Setback::Broken) => is_second = true,
            }
        }
        asked.into_answers()
    }

    /// Ends the conversations under way; what is asked afterwards is a fault.
    fn stopper(&self) -> Stopper {
        let (is_interrupted, stop) = (self.is_interrupted.clone(), self.carrier.stopper());
        Box::new(move || {
            is_interrupted.store(true, Ordering::SeqCst);
            stop();
        })
    }

    /// The user as the node gives it; before the first answer, who was to be become.
    fn user(&self) -> String {
        let privilege = self.privilege.borrow();
        let meant = || privilege.as_ref().map(|privilege| privilege.user.as_deref().unwrap_or("root"));
        self.user.borrow().as_deref().or_else(meant).unwrap_or("unknown").to_string()
    }

    /// A shell that cannot be had once makes the node lost: a wrong password is tried once.
    fn converse(&self, conversation: &mut dyn Conversation) -> Result<(), Unreachable> {
        if let Some(why) = self.closed() {
            return Err(why);
        }
        let no_chance = |error: std::io::Error| {
            Unreachable::new(UnreachableKind::Setup, format!("this machine gives no random numbers: {error}"))
        };
        let handshake = Handshake::new(self.privilege.borrow().as_ref(), &mark().map_err(no_chance)?)?;
        let mut elevated = Elevated::new(handshake, conversation);
        self.carrier.carry(&mut [&mut elevated])?;
        let is_there = elevated.is_there();
        let (exit, handshake) = elevated.into_parts();
        if is_there || self.is_interrupted() {
            self.is_proven.set(self.is_proven.get() || is_there);
            return Ok(());
        }
        match self.no_shell(&handshake, exit.unwrap_or(Exit::Unknown), self.is_proven.get()) {
            End::Refused(refusal) if refusal.wants_password && self.gets_password() => self.converse(conversation),
            End::Refused(refusal) => {
                self.lose(refusal.unreachable.clone());
                Err(refusal.unreachable)
            }
            End::Broken(Some(why)) => Err(why),
            _ => Err(Unreachable::new(UnreachableKind::Failed, format!("no shell answers on {}", self.node))),
        }
    }

    fn traffic(&self) -> Traffic {
        self.carrier.traffic()
    }

    fn notes(&self) -> Vec<String> {
        self.carrier.notes()
    }

    fn lost(&self) -> Option<Unreachable> {
        self.lost.borrow().clone()
    }
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
