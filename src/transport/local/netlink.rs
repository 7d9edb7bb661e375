//! Questions to the kernel over netlink(7) sockets.

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with, sockopt,
};
use std::time::Duration;

/// The largest message the kernel sends in a dump, netlink(7).
const LARGEST: usize = 64 << 10;
/// How often a dump is begun anew when what it tells of changed meanwhile.
const ATTEMPTS: usize = 4;
/// How long the kernel may take; it answers at once, a sandbox that only pretends may not.
const PATIENCE: Duration = Duration::from_secs(2);

const HEADER: usize = 16;
const NLM_F_REQUEST: u16 = 0x01;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// A socket to one subsystem of the kernel.
pub(super) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
    room: Vec<u8>,
}

impl Netlink {
    /// A socket that takes messages from the kernel only; no protocol is NETLINK_ROUTE,
    /// whose number is 0.
    pub(super) fn open(protocol: Option<Protocol>) -> Result<Netlink, Errno> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        connect(&socket, &SocketAddrNetlink::new(0, 0))?;
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE))?;
        Ok(Netlink { socket, sequence: 0, room: vec![0; LARGEST] })
    }

    /// All messages of a dump: their types and bodies.
    pub(super) fn dump(&mut self, kind: u16, body: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, Errno> {
        for _ in 0..ATTEMPTS {
            match self.attempt(kind, body) {
                Err(Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::INTR)
    }

    fn attempt(&mut self, kind: u16, body: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, Errno> {
        self.sequence += 1;
        let mut request = Vec::with_capacity(HEADER + body.len());
        request.extend(((HEADER + body.len()) as u32).to_ne_bytes());
        request.extend(kind.to_ne_bytes());
        request.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
        request.extend(self.sequence.to_ne_bytes());
        request.extend(0_u32.to_ne_bytes());
        request.extend(body);
        send(&self.socket, &request, SendFlags::empty())?;

        let mut messages = Vec::new();
        let mut changed = false;
        loop {
            let (_, length) = recv(&self.socket, &mut self.room[..], RecvFlags::TRUNC)?;
            let datagram = self.room.get(..length).ok_or(Errno::MSGSIZE)?;
            for message in split(datagram) {
                let message = message?;
                if message.sequence != self.sequence {
                    continue;
                }
                changed |= message.flags & NLM_F_DUMP_INTR != 0;
                match message.kind {
                    NLMSG_DONE | NLMSG_ERROR => {
                        // The body begins with 0 or a negative errno.
                        return match u32_at(message.body, 0).unwrap_or(0) as i32 {
                            0 if changed => Err(Errno::INTR),
                            0 => Ok(messages),
                            error => Err(Errno::from_raw_os_error(error.wrapping_neg())),
                        };
                    }
                    kind => messages.push((kind, message.body.to_vec())),
                }
            }
        }
    }
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The messages in a datagram.
fn split(mut datagram: &[u8]) -> impl Iterator<Item = Result<Message<'_>, Errno>> {
    std::iter::from_fn(move || {
        if datagram.is_empty() {
            return None;
        }
        let message = (|| {
            let length = u32_at(datagram, 0)? as usize;
            let body = datagram.get(HEADER..length)?;
            Some((length, u16_at(datagram, 4)?, u16_at(datagram, 6)?, u32_at(datagram, 8)?, body))
        })();
        let Some((length, kind, flags, sequence, body)) = message else {
            datagram = &[];
            return Some(Err(Errno::BADMSG));
        };
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok(Message { kind, flags, sequence, body }))
    })
}

/// The attributes that follow the fixed part of a message: rtattr, rtnetlink(7).
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of the type.
    const TYPE: u16 = 0x3fff;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & TYPE;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32, kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 2]);
        bytes.extend(7_u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn messages_are_split_at_four_byte_boundaries() {
        let bytes = [message(19, 20, b"abc\0"), message(16, 3, b"")].concat();
        let kinds: Vec<_> =
            split(&bytes).map(|message| message.map(|m| (m.kind, m.sequence, m.body.to_vec()))).collect();
        assert_eq!(kinds, [Ok((20, 7, b"abc".to_vec())), Ok((3, 7, Vec::new()))]);
    }

    #[test]
    fn a_length_that_cannot_be_ends_the_datagram() {
        for length in [0, 4, 15, 17, u32::MAX] {
            let bytes = message(length, 20, b"");
            let split: Vec<_> = split(&bytes).map(|message| message.map(|m| m.kind)).collect();
            assert_eq!(split, [Err(Errno::BADMSG)], "{length}");
        }
        assert_eq!(split(b"short").map(|message| message.map(|m| m.kind)).collect::<Vec<_>>(), [Err(Errno::BADMSG)]);
    }

    #[test]
    fn attributes_end_where_one_is_cut_off() {
        let mut bytes = vec![5, 0, 3, 0, b'x', 0, 0, 0];
        bytes.extend([8, 0, 4, 0x80, 1, 2, 3, 4]);
        bytes.extend([200, 0, 9, 0, 1]);
        let seen: Vec<_> = attributes(&bytes).collect();
        assert_eq!(seen, [(3, &b"x"[..]), (4, &[1, 2, 3, 4][..])]);
        assert_eq!(attributes(&[0, 0, 0, 0, 0, 0, 0, 0]).count(), 0);
    }

    #[test]
    fn an_unknown_question_is_an_error_and_the_socket_goes_on() {
        let Ok(mut netlink) = Netlink::open(None) else {
            return; // a sandbox without netlink
        };
        assert!(netlink.dump(9999, &[0; 16]).is_err());
        assert!(netlink.dump(18, &[0; 16]).is_ok_and(|links| !links.is_empty()));
    }
}
