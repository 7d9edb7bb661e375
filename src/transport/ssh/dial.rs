//! Getting a socket to where the server listens.

use super::line::{Attempt, Halt, interrupted};
use super::{Unreachable, UnreachableKind};
use crate::transport::Transport as _;
use crate::transport::local::Local;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Which addresses are used; `AddressFamily` of ssh_config(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub(super) enum Family {
    #[default]
    Any,
    Inet,
    Inet6,
}

impl Family {
    fn has(self, address: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::Inet => address.is_ipv4(),
            Family::Inet6 => address.is_ipv6(),
        }
    }
}

/// Connects to the first address of `host` that accepts; the time is shared among them. When
/// none does, the most telling end counts: refused, then timed out, then no route.
pub(super) fn dial(host: &str, port: u16, family: Family, attempt: &Attempt) -> Result<OwnedFd, Unreachable> {
    let addresses: Vec<SocketAddr> =
        addresses(host, port, attempt)?.into_iter().filter(|address| family.has(address.ip())).collect();
    if addresses.is_empty() {
        let message = format!("unknown host {host}: the name has no address; check the name, or give the address");
        return Err(Unreachable::new(UnreachableKind::UnknownHost, message));
    }
    let mut end: Option<Failure> = None;
    for (tried, &address) in addresses.iter().enumerate() {
        let left = attempt.deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match connect(address, &Attempt { deadline: Instant::now() + share, ..*attempt }) {
            Ok(socket) => {
                // Small packets of several channels must not wait for one another.
                let _ = sockopt::set_tcp_nodelay(&socket, true);
                return Ok(socket);
            }
            Err(Failure::Stopped) => return Err(interrupted(host)),
            Err(failure) if end.as_ref().is_none_or(|end| failure.weight() > end.weight()) => end = Some(failure),
            Err(_) => {}
        }
    }
    let end = end.unwrap_or(Failure::TimedOut);
    Err(end.told(host, &addresses, attempt))
}

/// Why one address is out of reach.
enum Failure {
    Refused,
    TimedOut,
    NoRoute,
    Stopped,
    Other(Errno),
}

impl Failure {
    fn weight(&self) -> u8 {
        match self {
            Failure::Stopped => 4,
            Failure::Refused => 3,
            Failure::TimedOut => 2,
            Failure::Other(_) => 1,
            Failure::NoRoute => 0,
        }
    }

    fn told(self, host: &str, addresses: &[SocketAddr], _attempt: &Attempt) -> Unreachable {
        let place = place(host, addresses);
        let (kind, message) = match self {
            Failure::Refused => (
                UnreachableKind::Refused,
                format!("connection refused by {place}: nothing listens there; check the port and that sshd runs"),
            ),
            Failure::TimedOut => (
                UnreachableKind::TimedOut,
                format!("no answer from {place} in time: the machine is down, or a firewall drops what is sent to it"),
            ),
            Failure::NoRoute => (UnreachableKind::NoRoute, format!("no route to {place}")),
            Failure::Stopped => return interrupted(host),
            Failure::Other(error) => (UnreachableKind::Failed, format!("cannot connect to {place}: {error}")),
        };
        Unreachable::new(kind, message)
    }
}

/// `web1 port 22 (10.0.0.1)`, the address only where the name is not one itself.
fn place(host: &str, addresses: &[SocketAddr]) -> String {
    let port = addresses.first().map_or(0, SocketAddr::port);
    let list: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    match list.as_slice() {
        [one] if one == host => format!("{host} port {port}"),
        _ => format!("{host} port {port} ({})", list.join(", ")),
    }
}

fn connect(address: SocketAddr, attempt: &Attempt) -> Result<OwnedFd, Failure> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None).map_err(failure)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) => return Ok(socket),
        Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(error) => return Err(failure(error)),
    }
    match attempt.wait(&socket, PollFlags::OUT) {
        Ok(()) => {}
        Err(Halt::TimedOut) => return Err(Failure::TimedOut),
        Err(Halt::Stopped) => return Err(Failure::Stopped),
    }
    match sockopt::socket_error(&socket).and_then(|result| result) {
        Ok(()) => Ok(socket),
        Err(error) => Err(failure(error)),
    }
}

fn failure(error: Errno) -> Failure {
    match error {
        Errno::CONNREFUSED | Errno::CONNRESET => Failure::Refused,
        Errno::TIMEDOUT => Failure::TimedOut,
        // The last two: this machine has no address of the family, IPv6 in most cases.
        Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT => {
            Failure::NoRoute
        }
        other => Failure::Other(other),
    }
}

/// The addresses of a host, the one to try first first.
fn addresses(host: &str, port: u16, attempt: &Attempt) -> Result<Vec<SocketAddr>, Unreachable> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    // A link-local address is one only with its interface.
    if let Some((address, interface)) = bare.split_once('%')
        && let Ok(address) = address.parse()
    {
        let scope = interface.parse().ok().or_else(|| interface_index(interface)).ok_or_else(|| {
            let message = format!("unknown host {host}: this machine has no interface {interface}");
            Unreachable::new(UnreachableKind::UnknownHost, message)
        })?;
        return Ok(vec![SocketAddrV6::new(address, port, 0, scope).into()]);
    }
    let found = look_up(bare, attempt)?;
    Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}

fn interface_index(name: &str) -> Option<u32> {
    // Of course a name with a slash is none.
    if name.contains('/') {
        return None;
    }
    std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok()?.trim().parse().ok()
}

/// Asks on a thread of its own: a resolver may take longer than anybody here waits.
fn look_up(host: &str, attempt: &Attempt) -> Result<Vec<IpAddr>, Unreachable> {
    let failed = |why: &str| Unreachable::new(UnreachableKind::UnknownHost, format!("unknown host {host}: {why}"));
    let local = Local::new();
    let stopper = local.stopper();
    let (answer, answered) = mpsc::sync_channel(1);
    let (name, limit) = (host.to_string(), attempt.deadline.saturating_duration_since(Instant::now()));
    std::thread::Builder::new()
        .name("ssh-names".to_string())
        .spawn(move || {
            let _ = answer.send(local.addresses(&name, limit));
        })
        .map_err(|error| Unreachable::new(UnreachableKind::Setup, format!("cannot look up {host}: {error}")))?;
    loop {
        match answered.recv_timeout(Duration::from_millis(50)) {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(fault)) => return Err(failed(&fault.message)),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(failed("the resolver gave up")),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        match attempt.check() {
            Ok(()) => {}
            Err(halt) => {
                stopper();
                return Err(match halt {
                    Halt::Stopped => interrupted(host),
                    Halt::TimedOut => failed("no name server answers in time"),
                });
            }
        }
    }
}
