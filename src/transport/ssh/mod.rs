//! Nodes over SSH: the carrier of bytes, on libssh2.
//!
//! One session a node, in one thread. libssh2 never waits here: a loop moves the bytes of
//! all channels and sleeps in poll(2), and one thread for the whole process (`watch`) cuts
//! peers that keep that loop busy for nothing.

mod carry;
mod dial;
mod jump;
mod keys;
mod known_hosts;
mod line;
mod login;
mod pattern;
mod proxy;
mod route;
mod session;
mod settings;
mod watch;

use super::shell::{Carrier, Conversation, Exit};
use super::{Options, Stopper, Traffic, Unreachable, UnreachableKind};
use carry::{ALIVE, Live, Stop, WIDTH};
use line::{Attempt, Line, interrupted};
use route::Route;
use settings::{Asked, Settings};
use std::cell::{Cell, RefCell};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Where a node is, as a target names it; what is `None` comes from the options, then from
/// ssh_config(5).
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    pub host: &'a str,
    pub user: Option<&'a str>,
    pub port: Option<u16>,
}

/// Connects and logs in; what may pass (nothing listens yet, no answer) is tried again as
/// often as [`super::Patience`] says, after 0.5 s, 1 s, 2 s…
///
/// # Errors
/// Why the node cannot be reached, or that `stop` was set.
pub fn connect(destination: &Destination, options: &Options, stop: &AtomicBool) -> Result<Connection, Unreachable> {
    refuse_without_threads(destination.host)?;
    let asked = Asked {
        host: destination.host.to_string(),
        user: destination.user.map(str::to_string).or_else(|| options.user.clone()),
        port: destination.port.or(options.port),
        files: settings::files(options),
    };
    let settings = Settings::resolve(&asked)?;
    let connection = Connection {
        settings,
        options: options.clone(),
        line: Arc::new(Line::default()),
        live: RefCell::new(None),
        width: Cell::new(WIDTH),
        traffic: Cell::new(Traffic::default()),
        notes: RefCell::default(),
    };
    connection.reach(stop)?;
    Ok(connection)
}

/// OpenSSL's own locks do nothing in a library that was configured without threads, which
/// happens where it is compiled for static linking: two nodes at once would then write over
/// each other's memory.
fn refuse_without_threads(host: &str) -> Result<(), Unreachable> {
    static HAS_THREADS: LazyLock<bool> = LazyLock::new(|| openssl::version::c_flags().contains("-pthread"));
    if *HAS_THREADS {
        return Ok(());
    }
    let message = format!(
        "{host} is not asked: this probity holds an OpenSSL without threads; build it with OPENSSL_NO_VENDOR=1 \
         OPENSSL_STATIC=1, as docs/nodes.md says"
    );
    Err(Unreachable::new(UnreachableKind::Setup, message))
}

/// A node over SSH. It lives and dies on one thread; dropping it hangs up at once, whatever
/// runs there.
pub struct Connection {
    settings: Arc<Settings>,
    options: Options,
    line: Arc<Line>,
    live: RefCell<Option<Live>>,
    width: Cell<usize>,
    traffic: Cell<Traffic>,
    notes: RefCell<Vec<String>>,
}

impl Connection {
    /// Who logged in.
    pub fn user(&self) -> &str {
        &self.settings.user
    }

    /// Connects with the patience of the options.
    fn reach(&self, stop: &AtomicBool) -> Result<(), Unreachable> {
        self.live.replace(None);
        let patience = self.options.patience;
        let limit = self.settings.connect_timeout.unwrap_or(patience.connect).min(patience.connect);
        let mut pause = Duration::from_millis(500);
        for retry in 0.. {
            let attempt = Attempt { deadline: Instant::now() + limit, stop, line: &self.line };
            let route = Route {
                settings: &self.settings,
                options: &self.options,
                line: &self.line,
                attempt: &attempt,
                notes: &self.notes,
            };
            match route.reach() {
                Ok(session) => {
                    let interval = self.settings.alive_interval.unwrap_or(ALIVE);
                    let mut live = Live::new(session, self.settings.place(), interval);
                    live.width = live.width.min(self.width.get());
                    self.width.set(live.width);
                    self.live.replace(Some(live));
                    return Ok(());
                }
                Err(unreachable) if retry >= patience.retries || !may_pass(unreachable.kind) => {
                    return Err(unreachable);
                }
                Err(_) => {}
            }
            let rest = Attempt { deadline: Instant::now() + pause * 2, stop, line: &self.line };
            rest.sleep(pause).map_err(|_| interrupted(&self.settings.place()))?;
            pause = pause.saturating_mul(2);
        }
        Err(interrupted(&self.settings.place()))
    }
}

/// Whether another attempt may go better.
fn may_pass(kind: UnreachableKind) -> bool {
    match kind {
        UnreachableKind::Refused | UnreachableKind::TimedOut | UnreachableKind::NoRoute | UnreachableKind::Failed => {
            true
        }
        UnreachableKind::UnknownHost
        | UnreachableKind::HostKey
        | UnreachableKind::Authentication
        | UnreachableKind::Privilege
        | UnreachableKind::Interrupted
        | UnreachableKind::Setup => false,
    }
}

impl Carrier for Connection {
    fn carry(&self, conversations: &mut [&mut dyn Conversation]) -> Result<(), Unreachable> {
        let mut done = vec![false; conversations.len()];
        loop {
            let mut live = self.live.borrow_mut();
            let Some(current) = live.as_mut() else {
                let message = format!("connection to {} lost", self.settings.place());
                return Err(Unreachable::new(UnreachableKind::Failed, message));
            };
            let before = (current.sent, current.received);
            let result = current.carry(conversations, &mut done, &self.line);
            let mut traffic = self.traffic.get();
            traffic.sent += current.sent - before.0;
            traffic.received += current.received - before.1;
            self.traffic.set(traffic);
            self.width.set(current.width);
            match result {
                Ok(()) => return Ok(()),
                Err(Stop::Lost(unreachable)) => {
                    live.take();
                    return Err(unreachable);
                }
                Err(Stop::Interrupted) => {
                    live.take();
                    drop(live);
                    for (conversation, done) in conversations.iter_mut().zip(done) {
                        if !done {
                            conversation.ended(Exit::Closed);
                        }
                    }
                    return Ok(());
                }
                Err(Stop::Stuck) => drop(live),
            }
            self.renew()?;
        }
    }

    fn renew(&self) -> Result<(), Unreachable> {
        self.reach(&AtomicBool::new(false))
    }

    fn width(&self) -> usize {
        self.width.get()
    }

    fn stopper(&self) -> Stopper {
        let line = Arc::clone(&self.line);
        Box::new(move || line.stop())
    }

    fn traffic(&self) -> Traffic {
        self.traffic.get()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.take()
    }
}
