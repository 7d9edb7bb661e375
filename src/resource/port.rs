//! `port`

use super::Args;
use super::catalogue::Instance;
use crate::node::{Seen, Sight};
use crate::probe::{Socket, SocketOwner, SocketOwners, Sockets};
use crate::value::Value;
use std::net::IpAddr;

resource! {
    /// Checks whether something listens on a port of the node: a TCP socket that accepts
    /// connections, or a bound UDP socket.
    ///
    /// With an address, sockets on the wildcard address of its family count too: whatever
    /// reaches the address reaches them. `::` takes IPv4 as well, as it does unless a
    /// program asks otherwise; where a socket on `0.0.0.0` shares the port, it does not.
    Port = "port" {
        source: "ss(8), sock_diag(7), proc_net_tcp(5)",
        example: r#"describe(port(1)):is_not("listening"):its("addresses", empty)"#,
        falsified: (r#":is_not("listening")"#, r#":is("listening")"#),
        args {
            /// The port, or the address when a port follows: `port(22)`, `port("127.0.0.1", 25)`.
            address_or_port: Any,
            /// The port, where the first argument is an address.
            port: Int optional,
            /// Only sockets of this protocol: `tcp`, `tcp6`, `udp` or `udp6`.
            protocol: Str optional,
        }
        properties {
            /// The port itself, as a list; empty where nothing listens.
            ports: List = |this: &Port, seen: &Seen<'_>| this.distinct(seen, |socket| socket.port.into());
            /// The addresses it is bound to, such as `0.0.0.0`, `::1`.
            addresses: List = |this: &Port, seen: &Seen<'_>| this.distinct(seen, |socket| socket.address.to_string().into());
            /// The protocols: `tcp`, `tcp6`, `udp`, `udp6`.
            protocols: List = |this: &Port, seen: &Seen<'_>| this.distinct(seen, |socket| socket.protocol.name().into());
            /// The names of the processes that hold the sockets. Those of other users are only
            /// told to root.
            processes: List = |this: &Port, seen: &Seen<'_>| this.owners(seen, |owner| owner.name.clone().into());
            /// The numbers of the processes that hold the sockets.
            pids: List = |this: &Port, seen: &Seen<'_>| this.owners(seen, |owner| owner.pid.into());
        }
        predicates {
            /// Whether something listens.
            listening() absent No = |this: &Port, seen: &Seen<'_>, _: &Args| this.exists(seen);
        }
        methods {}
    }
}

/// A port, on one address or on any.
pub struct Port {
    address: Option<IpAddr>,
    port: u16,
    protocol: Option<String>,
}

impl Port {
    fn new(args: &Args) -> Result<Port, String> {
        let (address, port) = match (args.get("address_or_port"), args.get("port")) {
            (Some(address), Some(port)) => (Some(address), port),
            (Some(port), None) => (None, port),
            (None, _) => return Err("port needs a number".to_string()),
        };
        let address = address.map(|address| {
            let parsed = address.as_text().and_then(|text| text.parse::<IpAddr>().ok());
            parsed.map(plain).ok_or_else(|| format!("{address} is no IP address; the port comes second"))
        });
        let number = match port {
            Value::Int(port) => u16::try_from(*port).ok(),
            other => other.as_text().and_then(|text| text.parse().ok()),
        };
        let port = number.filter(|port| *port > 0).ok_or_else(|| format!("{port} is no port: ports are 1 to 65535"))?;
        let protocol = args.text("protocol").map(|protocol| protocol.to_lowercase());
        if let Some(other) = protocol.as_deref().filter(|name| !["tcp", "tcp6", "udp", "udp6"].contains(name)) {
            return Err(format!("{other:?} is none of the protocols tcp, tcp6, udp and udp6"));
        }
        Ok(Port { address: address.transpose()?, port, protocol })
    }

    /// The sockets that fit, sorted.
    fn sockets(&self, seen: &Seen<'_>) -> Sight<Vec<Socket>> {
        let all = seen.get(Sockets)?;
        let here: Vec<&Socket> = all
            .iter()
            .filter(|socket| socket.port == self.port)
            .filter(|socket| self.protocol.as_deref().is_none_or(|name| name == socket.protocol.name()))
            .collect();
        let v4_wildcard = here.iter().any(|socket| socket.address.is_ipv4() && socket.address.is_unspecified());
        let takes = |socket: &Socket| match self.address {
            None => true,
            Some(address) => {
                let bound = plain(socket.address);
                bound == address
                    || bound.is_unspecified()
                        && (bound.is_ipv4() == address.is_ipv4() || bound.is_ipv6() && !v4_wildcard)
            }
        };
        let mut fitting: Vec<Socket> = here.into_iter().filter(|socket| takes(socket)).cloned().collect();
        fitting.sort();
        Ok(fitting)
    }

    fn distinct(&self, seen: &Seen<'_>, field: impl Fn(&Socket) -> Value) -> Sight<Value> {
        let mut values: Vec<Value> = Vec::new();
        for value in self.sockets(seen)?.iter().map(field) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Ok(Value::List(values))
    }

    fn owners(&self, seen: &Seen<'_>, field: impl Fn(&SocketOwner) -> Value) -> Sight<Value> {
        let owners = seen.get(SocketOwners);
        let sockets = self.sockets(seen)?;
        if sockets.is_empty() {
            return Ok(Value::List(Vec::new()));
        }
        let owners = owners?;
        let mut values: Vec<Value> = Vec::new();
        for owner in sockets.iter().filter_map(|socket| owners.get(&socket.inode)).flatten() {
            let value = field(owner);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Ok(Value::List(values))
    }
}

/// An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) as what it is.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        v4 => v4,
    }
}

impl Instance for Port {
    fn title(&self) -> String {
        match self.address {
            Some(IpAddr::V6(address)) => format!("Port [{address}]:{}", self.port),
            Some(address) => format!("Port {address}:{}", self.port),
            None => format!("Port {}", self.port),
        }
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!self.sockets(seen)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{FaultKind, Protocol};
    use crate::resource::testing::{Trial, arguments, fault};
    use crate::transport::scripted::Scripted;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn socket(protocol: Protocol, address: &str, port: u16, inode: u64) -> Socket {
        Socket { protocol, address: address.parse().unwrap(), port, uid: 0, inode }
    }

    fn node() -> Scripted {
        let sockets = [
            socket(Protocol::Tcp, "0.0.0.0", 22, 1),
            socket(Protocol::Tcp6, "::", 22, 2),
            socket(Protocol::Tcp, "127.0.0.1", 25, 3),
            socket(Protocol::Tcp6, "::", 80, 4),
            socket(Protocol::Udp, "0.0.0.0", 53, 5),
        ];
        let owner = |pid, name: &str| vec![SocketOwner { pid, name: name.into() }];
        let owners = BTreeMap::from([(1, owner(700, "sshd")), (2, owner(700, "sshd")), (3, owner(9, "master"))]);
        Scripted::new().with(Sockets, sockets.into()).with(SocketOwners, Arc::new(owners))
    }

    fn port(given: &[Value]) -> Trial {
        Trial::new(&ENTRY, given, &[], node())
    }

    #[test]
    fn a_port_has_addresses_protocols_and_processes() {
        let ssh = port(&[22.into()]);
        assert!(ssh.is("listening", &[]).unwrap());
        assert_eq!(ssh.its("addresses").unwrap(), Value::strings(["0.0.0.0", "::"]));
        assert_eq!(ssh.its("protocols").unwrap(), Value::strings(["tcp", "tcp6"]));
        assert_eq!(ssh.rounds(), 1);
        let ssh = port(&["22".into()]);
        assert_eq!(ssh.its("processes").unwrap(), Value::strings(["sshd"]));
        assert_eq!(ssh.its("pids").unwrap(), Value::from(vec![700u32]));
        assert_eq!(ssh.rounds(), 1);
        assert!(!port(&[443.into()]).is("listening", &[]).unwrap());
        assert_eq!(port(&[443.into()]).its("pids").unwrap(), Value::List(vec![]));
    }

    #[test]
    fn an_address_is_reached_through_a_wildcard() {
        assert!(port(&["192.0.2.1".into(), 22.into()]).is("listening", &[]).unwrap());
        assert!(!port(&["192.0.2.1".into(), 25.into()]).is("listening", &[]).unwrap());
        assert!(port(&["::ffff:127.0.0.1".into(), 25.into()]).is("listening", &[]).unwrap());
        assert!(port(&["192.0.2.1".into(), 80.into()]).is("listening", &[]).unwrap());
        assert!(!port(&["::1".into(), 53.into()]).is("listening", &[]).unwrap());
        // A socket of its own on 0.0.0.0 takes what is IPv4.
        assert_eq!(port(&["192.0.2.1".into(), 22.into()]).its("protocols").unwrap(), Value::strings(["tcp"]));
    }

    #[test]
    fn a_protocol_narrows_it_down() {
        let tcp = Trial::new(&ENTRY, &[53.into()], &[("protocol", "tcp".into())], node());
        assert!(!tcp.is("listening", &[]).unwrap());
        let udp = Trial::new(&ENTRY, &[53.into()], &[("protocol", "UDP".into())], node());
        assert!(udp.is("listening", &[]).unwrap());
    }

    #[test]
    fn who_listens_may_be_unknown_while_that_it_listens_is_known() {
        let sockets = [socket(Protocol::Tcp, "0.0.0.0", 22, 1)];
        let script =
            Scripted::new().with(Sockets, sockets.into()).with_fault(SocketOwners, FaultKind::Denied, "not root");
        let ssh = Trial::new(&ENTRY, &[22.into()], &[], script);
        assert!(ssh.is("listening", &[]).unwrap());
        assert_eq!(fault(ssh.its("processes")), "not root");
    }

    #[test]
    fn what_is_no_port_is_refused() {
        let refused: [(&[Value], &str); 4] = [
            (&[Value::Int(0)], "1 to 65535"),
            (&[Value::Int(65_536)], "1 to 65535"),
            (&[Value::from("ssh")], "1 to 65535"),
            (&[Value::from("localhost"), Value::Int(1)], "no IP address"),
        ];
        for (given, message) in refused {
            let built = arguments(&ENTRY, given, &[]).and_then(|args| (ENTRY.build)(&args).map(|_| ()));
            assert!(built.unwrap_err().contains(message), "{given:?}");
        }
    }
}
