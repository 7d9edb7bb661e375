//! TCP connections from this machine.

use super::Local;
use crate::probe::{Connect, Connected, Fault, FaultKind};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

impl Local {
    /// Tries the addresses of the host one after the other until one accepts; the time is
    /// shared among them. When none does, the most telling end counts: refused, then timed
    /// out, then unreachable.
    pub(super) fn connect(&self, connect: &Connect) -> Result<Connected, Fault> {
        let started = Instant::now();
        let limit = Duration::from_millis(connect.timeout_ms);
        let addresses = self.addresses(&connect.host, limit)?;
        let mut end = Connected::NotResolved;
        for (tried, address) in addresses.iter().enumerate() {
            let left = limit.saturating_sub(started.elapsed()) / (addresses.len() - tried) as u32;
            let this = self.connect_to(*address, connect, left)?;
            if this == Connected::Accepted {
                return Ok(this);
            }
            if weight(this) > weight(end) {
                end = this;
            }
        }
        Ok(end)
    }

    fn connect_to(&self, address: IpAddr, connect: &Connect, limit: Duration) -> Result<Connected, Fault> {
        if limit.is_zero() {
            return Ok(Connected::TimedOut);
        }
        let error = match TcpStream::connect_timeout(&SocketAddr::new(address, connect.port), limit) {
            Ok(_) => return Ok(Connected::Accepted),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Ok(Connected::Refused),
            ErrorKind::TimedOut => Ok(Connected::TimedOut),
            // The last: this machine has no address of the family, IPv6 in most cases.
            ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Ok(Connected::Unreachable),
            _ if is_no_such_family(&error) => Ok(Connected::Unreachable),
            kind => {
                let target = SocketAddr::new(address, connect.port);
                let message = format!("cannot connect to {} ({target}): {error}", connect.host);
                let kind = if kind == ErrorKind::PermissionDenied { FaultKind::Denied } else { FaultKind::Failed };
                Err(Fault::new(kind, message))
            }
        }
    }
}

/// EAFNOSUPPORT: a kernel without IPv6.
fn is_no_such_family(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn weight(end: Connected) -> u8 {
    match end {
        Connected::NotResolved => 0,
        Connected::Unreachable => 1,
        Connected::TimedOut => 2,
        Connected::Refused => 3,
        Connected::Accepted => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn connect(host: &str, port: u16) -> Result<Connected, Fault> {
        Local::new().connect(&Connect { host: host.into(), port, timeout_ms: 500 })
    }

    #[test]
    fn accepted_and_refused_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let port = listener.local_addr().expect("bound").port();
        assert_eq!(connect("127.0.0.1", port), Ok(Connected::Accepted));
        assert_eq!(connect("localhost", port), Ok(Connected::Accepted));
        drop(listener);
        assert_eq!(connect("127.0.0.1", port), Ok(Connected::Refused));
    }

    #[test]
    fn a_listener_whose_queue_is_full_times_out() {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
        let server = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&server, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        listen(&server, 0).expect("listens");
        let address = SocketAddr::try_from(getsockname(&server).expect("bound")).expect("an address");
        let queued: Vec<_> = (0..3).map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(200))).collect();
        let started = Instant::now();
        let end = connect("127.0.0.1", address.port());
        if queued.iter().all(Result::is_ok) {
            return; // a kernel that queues more than it was told
        }
        assert_eq!(end, Ok(Connected::TimedOut));
        assert!(started.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn a_name_that_cannot_be_is_not_resolved() {
        for host in ["", "no such host", "-v", "a/b", "a\0b"] {
            assert_eq!(connect(host, 80), Ok(Connected::NotResolved), "{host:?}");
        }
    }

    #[test]
    fn where_no_route_leads_is_unreachable() {
        // Class E is no unicast address: Linux refuses it at once.
        let end = connect("255.255.255.255", 80);
        assert!(matches!(end, Ok(Connected::Unreachable) | Err(Fault { kind: FaultKind::Denied, .. })), "{end:?}");
    }
}
