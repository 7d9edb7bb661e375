//! `host`

use super::Args;
use super::catalogue::Instance;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Connect, Connected, DEFAULT_TIMEOUT, Lookup};
use crate::value::Value;
use std::net::IpAddr;
use std::sync::Arc;

resource! {
    /// Checks whether the node can resolve another host's name and reach a port of it.
    Host = "host" {
        source: "getaddrinfo(3), connect(2)",
        example: r#"describe(host "localhost"):is("resolvable"):its("ipaddress", any(contains "127.0.0.1", contains "::1"))"#,
        falsified: (r#"any(contains "127.0.0.1", contains "::1")"#, r#"contains "192.0.2.1""#),
        args {
            /// The name or IP address.
            name: Str,
            /// The port to reach.
            port: Int optional,
            /// `tcp`, which is also the default.
            protocol: Str optional,
            /// How long each look may take, such as `"2s"`; 10 seconds by default.
            timeout: Any optional,
        }
        properties {
            /// All addresses, IPv4 and IPv6; empty when the name does not resolve.
            ipaddress: List = |this: &Host, seen: &Seen<'_>| this.addresses(seen, |_| true);
            /// The IPv4 addresses.
            ipv4_address: List = |this: &Host, seen: &Seen<'_>| this.addresses(seen, |address| address.is_ipv4());
            /// The IPv6 addresses.
            ipv6_address: List = |this: &Host, seen: &Seen<'_>| this.addresses(seen, |address| address.is_ipv6());
            /// The protocol, `tcp`.
            protocol: Str = |_: &Host, _: &Seen<'_>| Ok("tcp");
            /// How a connection to the port ended: `accepted`, `refused`, `timed out`,
            /// `unreachable` or `not resolved`.
            connection: Str = |this: &Host, seen: &Seen<'_>| Ok(match this.connected(seen)? {
                Connected::Accepted => "accepted",
                Connected::Refused => "refused",
                Connected::TimedOut => "timed out",
                Connected::Unreachable => "unreachable",
                Connected::NotResolved => "not resolved",
            });
        }
        predicates {
            /// Whether the name resolves to an address.
            resolvable() absent No = |this: &Host, seen: &Seen<'_>, _: &Args| Ok(!this.look_up(seen)?.is_empty());
            /// Whether the port accepts a TCP connection.
            reachable() absent No = |this: &Host, seen: &Seen<'_>, _: &Args| {
                Ok(this.connected(seen)? == Connected::Accepted)
            };
        }
        methods {}
    }
}

/// A host as the node sees it.
pub struct Host {
    name: Arc<str>,
    port: Option<u16>,
    timeout_ms: u64,
}

impl Host {
    fn new(args: &Args) -> Result<Host, String> {
        if let Some(protocol) = args.text("protocol").filter(|protocol| !protocol.eq_ignore_ascii_case("tcp")) {
            return Err(format!("protocol {protocol} cannot be tried; only tcp can"));
        }
        let port = match args.int("port") {
            None => None,
            Some(port) => match u16::try_from(port) {
                Ok(port) if port > 0 => Some(port),
                _ => return Err(format!("port is a number from 1 to 65535, not {port}")),
            },
        };
        let timeout_ms = args.duration_ms("timeout")?.unwrap_or(DEFAULT_TIMEOUT.as_millis() as u64);
        Ok(Host { name: args.required("name"), port, timeout_ms })
    }

    fn look_up(&self, seen: &Seen<'_>) -> Sight<Arc<[IpAddr]>> {
        seen.get(Lookup { host: self.name.clone(), timeout_ms: self.timeout_ms })
    }

    fn addresses(&self, seen: &Seen<'_>, keep: impl Fn(&IpAddr) -> bool) -> Sight<Value> {
        Ok(Value::strings(self.look_up(seen)?.iter().filter(|address| keep(address)).map(IpAddr::to_string)))
    }

    fn connected(&self, seen: &Seen<'_>) -> Sight<Connected> {
        let Some(port) = self.port else {
            let message =
                format!("{} needs a port to be reached at: host({:?}, {{ port = 22 }})", self.title(), self.name);
            return Err(Unseen::Misuse(message));
        };
        seen.get(Connect { host: self.name.clone(), port, timeout_ms: self.timeout_ms })
    }
}

impl Instance for Host {
    fn title(&self) -> String {
        match self.port {
            Some(port) => format!("Host {} port {port}", self.name),
            None => format!("Host {}", self.name),
        }
    }

    /// A host is there when its name resolves.
    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!self.look_up(seen)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, arguments};
    use super::*;
    use crate::transport::scripted::Scripted;

    fn trial(named: &[(&str, Value)], addresses: &[&str], connected: Connected) -> Trial {
        let lookup = Lookup { host: "h".into(), timeout_ms: 10_000 };
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let connect = Connect { host: "h".into(), port: 22, timeout_ms: 10_000 };
        let scripted = Scripted::new().with(lookup, addresses.into()).with(connect, connected);
        Trial::new(&ENTRY, &["h".into()], named, scripted)
    }

    #[test]
    fn addresses_and_connections_are_told() {
        let up = trial(&[("port", Value::Int(22))], &["10.0.0.1", "fd00::1"], Connected::Accepted);
        assert_eq!(up.is("reachable", &[]), Ok(true));
        assert_eq!(up.its("ipv4_address"), Ok(Value::strings(["10.0.0.1"])));
        assert_eq!(up.its("ipaddress"), Ok(Value::strings(["10.0.0.1", "fd00::1"])));
        assert_eq!(up.rounds(), 2);
        let down = trial(&[("port", Value::Int(22))], &[], Connected::NotResolved);
        assert_eq!(down.is("resolvable", &[]), Ok(false));
        assert_eq!(down.is("reachable", &[]), Ok(false));
        assert_eq!(down.its("connection"), Ok("not resolved".into()));
        assert_eq!(down.exists(), Ok(false));
    }

    #[test]
    fn a_port_that_makes_no_sense_is_a_misuse() {
        let none = trial(&[], &[], Connected::Accepted);
        assert!(matches!(none.is("reachable", &[]), Err(Unseen::Misuse(_))));
        for (name, value) in [("port", Value::Int(70_000)), ("protocol", "udp".into()), ("timeout", "soon".into())] {
            let args = arguments(&ENTRY, &["h".into()], &[(name, value)]).unwrap();
            assert!((ENTRY.build)(&args).is_err(), "{name}");
        }
    }
}
