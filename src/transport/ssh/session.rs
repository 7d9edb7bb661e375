//! One SSH session on a socket: what libssh2 asks to wait for is waited for here, with a
//! deadline and an ear for interruptions.

use super::line::{Attempt, Halt, interrupted, ready, shut};
use super::proxy::Helper;
use super::{Unreachable, UnreachableKind};
use rustix::event::PollFlags;
use ssh2::{BlockDirections, ErrorCode, MethodType};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// Error codes of libssh2 (libssh2.h) that mean something of their own here.
pub(super) mod code {
    pub(crate) const KEX_FAILURE: i32 = -5;
    pub(crate) const SOCKET_SEND: i32 = -7;
    pub(crate) const KEY_EXCHANGE_FAILURE: i32 = -8;
    pub(crate) const SOCKET_DISCONNECT: i32 = -13;
    pub(crate) const FILE: i32 = -16;
    pub(crate) const AUTHENTICATION_FAILED: i32 = -18;
    pub(crate) const PUBLICKEY_UNVERIFIED: i32 = -19;
    /// No error of its own: an answer came in that is not the one asked for.
    pub(crate) const ANSWER_OF_ANOTHER: i32 = -1;
    pub(crate) const CHANNEL_FAILURE: i32 = -21;
    pub(crate) const CHANNEL_REQUEST_DENIED: i32 = -22;
    pub(crate) const EAGAIN: i32 = -37;
    pub(crate) const SOCKET_RECV: i32 = -43;
    pub(crate) const AGENT_PROTOCOL: i32 = -42;
}

/// The number libssh2 gives an error.
pub(super) fn number(error: &ssh2::Error) -> i32 {
    match error.code() {
        ErrorCode::Session(code) | ErrorCode::SFTP(code) => code,
    }
}

pub(super) fn would_block(error: &ssh2::Error) -> bool {
    number(error) == code::EAGAIN
}

/// Whether the other side is gone.
pub(super) fn is_lost(error: &ssh2::Error) -> bool {
    [code::SOCKET_DISCONNECT, code::SOCKET_SEND, code::SOCKET_RECV].contains(&number(error))
}

/// Why an operation came to nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    Ssh(ssh2::Error),
    Halt(Halt),
}

/// A session and its socket. Dropping it ends the connection at once, whatever runs there.
pub(super) struct Session {
    pub(super) ssh: ssh2::Session,
    pub(super) socket: Arc<OwnedFd>,
    helper: Option<Helper>,
}

/// The cheapest first that both sides take: all of them are sound. libssh2 leaves out what
/// it was not built with.
const KEY_EXCHANGES: &str = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,\
    ecdh-sha2-nistp384,ecdh-sha2-nistp521,mlkem768x25519-sha256,diffie-hellman-group-exchange-sha256,\
    diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256";
const CIPHERS: &str = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,\
    aes128-ctr,aes192-ctr,aes256-ctr";
const MACS: &str = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";

impl Session {
    /// Exchanges banners and keys. `host_keys` are the algorithms of host keys, the best
    /// first.
    pub(super) fn shake_hands(
        socket: Arc<OwnedFd>,
        helper: Option<Helper>,
        host_keys: &str,
        place: &str,
        attempt: &Attempt,
    ) -> Result<Session, Unreachable> {
        let failed = |error: ssh2::Error| {
            Unreachable::new(UnreachableKind::Failed, format!("cannot start SSH: {}", error.message()))
        };
        let ssh = ssh2::Session::new().map_err(failed)?;
        let mut session = Session { ssh, socket: Arc::clone(&socket), helper };
        session.ssh.set_tcp_stream(socket);
        session.ssh.set_blocking(false);
        for (kind, names) in [
            (MethodType::Kex, KEY_EXCHANGES),
            (MethodType::HostKey, host_keys),
            (MethodType::CryptCs, CIPHERS),
            (MethodType::CryptSc, CIPHERS),
            (MethodType::MacCs, MACS),
            (MethodType::MacSc, MACS),
        ] {
            session.ssh.method_pref(kind, names).map_err(failed)?;
        }
        let mut ssh = session.ssh.clone();
        match session.drive(attempt, || ssh.handshake()) {
            Ok(()) => Ok(session),
            Err(trouble) => {
                let mut unreachable = session.no_handshake(trouble, place, attempt);
                if let Some(said) = session.helper.as_mut().and_then(Helper::complaint) {
                    unreachable.message = format!("{}; the ProxyCommand says: {said}", unreachable.message).into();
                }
                Err(unreachable)
            }
        }
    }

    /// Why the handshake failed, as far as it can be told.
    fn no_handshake(&self, trouble: Trouble, place: &str, attempt: &Attempt) -> Unreachable {
        let spoke = self.ssh.banner_bytes().is_some_and(|banner| banner.starts_with(b"SSH-"));
        let error = match trouble {
            Trouble::Halt(Halt::Stopped) => return interrupted(place),
            Trouble::Halt(Halt::TimedOut) if spoke => {
                let message = format!("{place} stopped answering during the key exchange");
                return Unreachable::new(UnreachableKind::TimedOut, message);
            }
            Trouble::Halt(Halt::TimedOut) => {
                let message = format!("{place} accepts connections but says nothing: is it an SSH server?");
                return Unreachable::new(UnreachableKind::TimedOut, message);
            }
            Trouble::Ssh(error) => error,
        };
        if attempt.line.is_overdue() {
            let message = format!("{place} sends without end and no SSH: is it an SSH server?");
            return Unreachable::new(UnreachableKind::Failed, message);
        }
        let message = match number(&error) {
            code::KEX_FAILURE | code::KEY_EXCHANGE_FAILURE if spoke && !self.is_gone() => {
                format!("no key exchange with {place}: {}; it has no algorithm that is still safe", text(&error))
            }
            _ if spoke => format!(
                "connection dropped by {place} during the key exchange: {}; it may have too many connections \
                 that are not logged in yet (MaxStartups of sshd_config)",
                text(&error)
            ),
            _ => format!(
                "{place} closed the connection before it named itself an SSH server: it is none, refuses this \
                 machine, or has too many connections that are not logged in yet (MaxStartups of sshd_config)"
            ),
        };
        Unreachable::new(UnreachableKind::Failed, message)
    }

    /// Whether the other side has closed the connection.
    fn is_gone(&self) -> bool {
        let mut byte = [0];
        let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
        match rustix::net::recv(&*self.socket, &mut byte, flags) {
            Ok((_, read)) => read == 0,
            Err(error) => error != rustix::io::Errno::AGAIN,
        }
    }

    /// Repeats an operation until it no longer asks to wait.
    pub(super) fn drive<T>(
        &self,
        attempt: &Attempt,
        mut operation: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Trouble> {
        loop {
            match operation() {
                Ok(value) => return Ok(value),
                Err(error) if would_block(&error) => {
                    attempt.wait(&*self.socket, self.directions()).map_err(Trouble::Halt)?;
                }
                Err(error) => return Err(Trouble::Ssh(error)),
            }
        }
    }

    /// What libssh2 waits for.
    pub(super) fn directions(&self) -> PollFlags {
        match self.ssh.block_directions() {
            BlockDirections::Outbound => PollFlags::OUT,
            BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
            BlockDirections::Inbound | BlockDirections::None => PollFlags::IN,
        }
    }

    /// Whether a small message goes out at once, so that no half of it is left behind.
    pub(super) fn is_writable(&self) -> bool {
        !self.directions().contains(PollFlags::OUT) && ready(&*self.socket, PollFlags::OUT, Some(Duration::ZERO))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_writable() {
            // Said or not, the connection ends.
            let _ = self.ssh.disconnect(None, "done", None);
        }
        // With a socket that is shut, nothing waits for the other side; blocking, libssh2
        // frees all it holds.
        shut(&self.socket);
        self.ssh.set_timeout(100);
        self.ssh.set_blocking(true);
    }
}

/// What libssh2 says, in the case of a message.
pub(super) fn text(error: &ssh2::Error) -> String {
    let message = error.message();
    let mut letters = message.chars();
    match letters.next() {
        Some(first) if !message.starts_with("SSH") => first.to_lowercase().chain(letters).collect(),
        _ => message.to_string(),
    }
}
