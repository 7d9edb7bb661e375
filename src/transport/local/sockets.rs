//! Listening sockets: sock_diag(7), and the tables in /proc/net where the kernel has no
//! diagnosis module.

use super::Local;
use super::files::{is_absence, read_regular};
use super::netlink::{Netlink, u32_at};
use crate::probe::{Fault, FaultKind, Protocol, Socket};
use rustix::io::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
/// States as the kernel numbers them: a UDP socket that is bound and has no peer is closed.
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;

/// The protocols with what each is asked by.
const PROTOCOLS: &[(Protocol, u8, u8, u8, &str)] = &[
    (Protocol::Tcp, AF_INET, IPPROTO_TCP, LISTEN, "/proc/net/tcp"),
    (Protocol::Tcp6, AF_INET6, IPPROTO_TCP, LISTEN, "/proc/net/tcp6"),
    (Protocol::Udp, AF_INET, IPPROTO_UDP, CLOSE, "/proc/net/udp"),
    (Protocol::Udp6, AF_INET6, IPPROTO_UDP, CLOSE, "/proc/net/udp6"),
];

impl Local {
    /// TCP sockets that listen and UDP sockets that are bound and have no peer, sorted.
    pub(super) fn sockets(&self) -> Result<Arc<[Socket]>, Fault> {
        let mut netlink = Netlink::open(Some(rustix::net::netlink::SOCK_DIAG)).ok();
        let mut sockets = Vec::new();
        for &(protocol, family, number, state, table) in PROTOCOLS {
            let asked = netlink.as_mut().map(|netlink| diagnose(netlink, protocol, family, number, state));
            match asked {
                Some(Ok(answer)) => sockets.extend(answer),
                Some(Err(_)) | None => sockets.extend(self.table(protocol, state, table)?),
            }
        }
        sockets.sort_unstable();
        Ok(sockets.into())
    }

    fn table(&self, protocol: Protocol, state: u8, path: &str) -> Result<Vec<Socket>, Fault> {
        match read_regular(path, 0) {
            Ok(Some(table)) => parse(&String::from_utf8_lossy(&table), protocol, state)
                .ok_or_else(|| Fault::new(FaultKind::Malformed, format!("{path} has lines that cannot be read"))),
            Ok(None) => Err(Fault::new(FaultKind::TooLarge, format!("{path} is longer than what is read"))),
            // A kernel without this protocol has no such sockets.
            Err(error) if is_absence(error) && rustix::fs::lstat("/proc/net/").is_ok() => Ok(Vec::new()),
            Err(error) => Err(self.refused("read", path, error)),
        }
    }
}

fn diagnose(
    netlink: &mut Netlink,
    protocol: Protocol,
    family: u8,
    number: u8,
    state: u8,
) -> Result<Vec<Socket>, Errno> {
    // struct inet_diag_req_v2: family, protocol, extensions, padding, states, socket id.
    let mut request = [0_u8; 56];
    request[0] = family;
    request[1] = number;
    request[4..8].copy_from_slice(&(1_u32 << state).to_ne_bytes());
    let messages = netlink.dump(SOCK_DIAG_BY_FAMILY, &request)?;
    messages.iter().map(|(_, body)| socket(body, protocol).ok_or(Errno::BADMSG)).collect()
}

/// A socket in a struct inet_diag_msg.
fn socket(body: &[u8], protocol: Protocol) -> Option<Socket> {
    let port = u16::from_be_bytes(body.get(4..6)?.try_into().ok()?);
    let address = match body.first()? {
        &AF_INET => IpAddr::from(<[u8; 4]>::try_from(body.get(8..12)?).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(body.get(8..24)?).ok()?),
    };
    Some(Socket { protocol, address, port, uid: u32_at(body, 64)?, inode: u32_at(body, 68)?.into() })
}

/// The sockets of one state in a table of proc_net(5); `None`: it is no such table.
fn parse(table: &str, protocol: Protocol, state: u8) -> Option<Vec<Socket>> {
    let mut sockets = Vec::new();
    for line in table.lines().skip(1) {
        let mut fields = line.split_ascii_whitespace();
        let (address, port) = fields.nth(1)?.split_once(':')?;
        let its_state = u8::from_str_radix(fields.nth(1)?, 16).ok()?;
        // The queues, the timer and the retransmissions come between.
        let uid = fields.nth(3)?.parse().ok()?;
        let inode = fields.nth(1)?.parse().ok()?;
        if its_state == state {
            let port = u16::from_str_radix(port, 16).ok()?;
            sockets.push(Socket { protocol, address: hex_address(address)?, port, uid, inode });
        }
    }
    Some(sockets)
}

/// An address as words of the machine's own byte order in hexadecimal digits.
fn hex_address(digits: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(digits.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match digits.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    #[test]
    fn what_listens_is_seen_and_what_is_connected_is_not() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let connected = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        connected.connect(udp.local_addr().expect("bound")).expect("connected");
        let stream = TcpStream::connect(tcp.local_addr().expect("bound")).expect("connected");
        let tcp6 = TcpListener::bind("[::1]:0").ok();
        let sockets = Local::new().sockets().expect("asked");
        let has = |protocol, port| sockets.iter().find(|socket| socket.protocol == protocol && socket.port == port);
        let port = |address: std::io::Result<std::net::SocketAddr>| address.expect("bound").port();
        let listener = has(Protocol::Tcp, port(tcp.local_addr())).expect("listens");
        assert_eq!(listener.address, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(listener.uid, rustix::process::geteuid().as_raw());
        assert!(listener.inode > 0);
        assert!(has(Protocol::Udp, port(udp.local_addr())).is_some());
        assert!(has(Protocol::Udp, port(connected.local_addr())).is_none());
        assert!(has(Protocol::Tcp, port(stream.local_addr())).is_none());
        if let Some(tcp6) = tcp6 {
            let listener = has(Protocol::Tcp6, port(tcp6.local_addr())).expect("listens");
            assert_eq!(listener.address, IpAddr::from(Ipv6Addr::LOCALHOST));
        }
    }

    #[test]
    fn the_tables_say_what_sock_diag_says() {
        let _tcp = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let Ok(mut netlink) = Netlink::open(Some(rustix::net::netlink::SOCK_DIAG)) else { return };
        let local = Local::new();
        for &(protocol, family, number, state, table) in PROTOCOLS {
            // Other tests open and close sockets meanwhile: once is enough.
            let same = (0..50).any(|_| {
                let Ok(mut asked) = diagnose(&mut netlink, protocol, family, number, state) else { return true };
                let mut read = local.table(protocol, state, table).expect("read");
                asked.sort_unstable();
                read.sort_unstable();
                asked == read
            });
            assert!(same, "{protocol:?}");
        }
    }

    #[test]
    fn tables_are_read_with_their_byte_order() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
        let rest = "00000000:00000000 00:00000000 00000000   101        0 21043 1 0000 100 0 0 10 0";
        let local = u32::from_ne_bytes([127, 0, 0, 53]);
        let line =
            format!("   0: {local:08X}:0035 00000000:0000 0A {rest}\n   1: {local:08X}:0036 00000000:0000 01 {rest}\n");
        let sockets = parse(&format!("{head}{line}"), Protocol::Tcp, LISTEN).expect("a table");
        let expected = Socket {
            protocol: Protocol::Tcp,
            address: IpAddr::from([127, 0, 0, 53]),
            port: 53,
            uid: 101,
            inode: 21043,
        };
        assert_eq!(sockets, [expected]);
        for broken in ["x", "0: zz:0035 0:0 0A", "0: 7F000001:99999 0:0 0A a:b c d 0 0 1"] {
            assert_eq!(parse(&format!("{head}{broken}\n"), Protocol::Tcp, LISTEN), None, "{broken}");
        }
        assert_eq!(hex_address("00000000000000000000000000000000"), Some(Ipv6Addr::UNSPECIFIED.into()));
        assert_eq!(hex_address("ü0000000"), None);
    }
}
