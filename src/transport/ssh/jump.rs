//! Going on from one host to the next: a channel of the first, pumped into a socket.

use super::line::{Attempt, Halt, interrupted};
use super::session::{Session, Trouble, code, number, text, would_block};
use super::settings::Settings;
use super::{Unreachable, UnreachableKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::Channel;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const BLOCK: usize = 32 * 1024;

/// A socket that ends at `next`, over a session of `place`. The session lives on a thread of
/// its own, and ends when either side of the socket does.
pub(super) fn over(
    session: Session,
    place: &str,
    next: &Settings,
    alive_interval: Duration,
    attempt: &Attempt,
) -> Result<OwnedFd, Unreachable> {
    let (host, port) = (next.host_name.as_str(), next.port);
    let opened = session.drive(attempt, || session.ssh.channel_direct_tcpip(host, port, None));
    let channel = opened.map_err(|trouble| refused(trouble, place, next))?;
    let failed = |error: std::io::Error| {
        Unreachable::new(UnreachableKind::Setup, format!("cannot go on from {place} to {}: {error}", next.place()))
    };
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    theirs.set_nonblocking(true).map_err(failed)?;
    let whole = u32::try_from(alive_interval.as_secs()).unwrap_or(u32::MAX);
    session.ssh.set_keepalive(true, whole);
    let pump = Pump { channel, session, stream: theirs, up: Vec::new(), down: Vec::new(), alive_interval };
    std::thread::Builder::new().name("ssh-jump".to_string()).spawn(move || pump.run()).map_err(failed)?;
    Ok(ours.into())
}

fn refused(trouble: Trouble, place: &str, next: &Settings) -> Unreachable {
    let next = next.place();
    match trouble {
        Trouble::Halt(Halt::Stopped) => interrupted(&next),
        Trouble::Halt(Halt::TimedOut) => {
            Unreachable::new(UnreachableKind::TimedOut, format!("no answer from {next} in time, by way of {place}"))
        }
        // The server says why in words of its own, which libssh2 keeps to itself.
        Trouble::Ssh(error) if number(&error) == code::CHANNEL_FAILURE && error.message().contains("prohibited") => {
            let message =
                format!("{place} lets nobody go on to {next}: AllowTcpForwarding of its sshd_config forbids it");
            Unreachable::new(UnreachableKind::Setup, message)
        }
        Trouble::Ssh(error) if number(&error) == code::CHANNEL_FAILURE => {
            let message =
                format!("{place} cannot connect to {next}: nothing listens there, or it has no route or no address");
            Unreachable::new(UnreachableKind::Refused, message)
        }
        Trouble::Ssh(error) => {
            let message = format!("connection to {place} lost on the way to {next}: {}", text(&error));
            Unreachable::new(UnreachableKind::Failed, message)
        }
    }
}

/// The bytes of one way on.
struct Pump {
    // Before the session, as it is dropped before it.
    channel: Channel,
    session: Session,
    stream: UnixStream,
    /// On their way to the next host.
    up: Vec<u8>,
    /// On their way back.
    down: Vec<u8>,
    alive_interval: Duration,
}

impl Pump {
    fn run(mut self) {
        let mut block = vec![0; BLOCK];
        // Either end closes the other: nothing of SSH survives half a connection.
        while self.pass(&mut block) == Some(()) {
            if !self.wait() {
                break;
            }
        }
    }

    /// Moves what can be moved; `None` at the end.
    fn pass(&mut self, block: &mut [u8]) -> Option<()> {
        loop {
            let mut moved = false;
            if self.down.is_empty() {
                match self.channel.read(block) {
                    Ok(0) if self.channel.eof() => return None,
                    Ok(0) => {}
                    Ok(count) => self.down.extend(&block[..count]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return None,
                }
            }
            moved |= push(&mut self.down, |bytes| self.stream.write(bytes))?;
            if self.up.is_empty() {
                match self.stream.read(block) {
                    Ok(0) => return None,
                    Ok(count) => self.up.extend(&block[..count]),
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                    Err(_) => return None,
                }
            }
            moved |= push(&mut self.up, |bytes| self.channel.write(bytes))?;
            let came_in = self.down.is_empty() && (self.channel.read_window().available > 0 || self.channel.eof());
            if !moved && !came_in {
                return Some(());
            }
        }
    }

    /// Sleeps until there is something to do; false when the host does not answer.
    fn wait(&mut self) -> bool {
        let mut host = self.session.directions();
        // What is not read now must not wake: libssh2 reads it when it writes.
        if !self.down.is_empty() && self.up.is_empty() {
            host.remove(PollFlags::IN);
        }
        let mut near = PollFlags::empty();
        if !self.down.is_empty() {
            near |= PollFlags::OUT;
        }
        if self.up.is_empty() {
            near |= PollFlags::IN;
        }
        let time = Timespec::try_from(self.alive_interval).ok();
        let mut polled = [PollFd::new(&*self.session.socket, host), PollFd::new(&self.stream, near)];
        match poll(&mut polled, time.as_ref()) {
            // Whoever uses the way asks whether it is alive; this keeps it open meanwhile.
            Ok(0) if self.session.is_writable() => {
                let sent = self.session.ssh.keepalive_send();
                sent.is_ok() || sent.is_err_and(|error| would_block(&error))
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => true,
            Err(_) => false,
        }
    }
}

/// Writes as much of a buffer as goes; `None` when the other side is gone.
fn push(buffer: &mut Vec<u8>, mut write: impl FnMut(&[u8]) -> std::io::Result<usize>) -> Option<bool> {
    let mut moved = false;
    while !buffer.is_empty() {
        match write(buffer) {
            Ok(0) => break,
            Ok(count) => {
                buffer.drain(..count);
                moved = true;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(moved)
}
