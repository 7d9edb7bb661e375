//! `interface`

use super::Args;
use super::catalogue::Instance;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Interface as Link, Interfaces};
use crate::value::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

resource! {
    /// Checks a network interface: whether it is up, its addresses, speed and MTU.
    Interface = "interface" {
        source: "ip-address(8), netdevice(7), https://docs.kernel.org/networking/statistics.html",
        example: r#"describe(interface "lo"):exists():its("name", eq "lo")"#,
        falsified: (r#"eq "lo""#, r#"eq "eth9""#),
        args {
            /// The name: `eth0`, `ens3`, `lo`.
            name: Str,
        }
        properties {
            /// The name.
            name: Str = |this: &Interface, seen: &Seen<'_>| this.link(seen).map(|link| link.name);
            /// In Mbit/s; nothing where the driver does not tell, as for virtual ones.
            speed: Int = |this: &Interface, seen: &Seen<'_>| this.link(seen).map(|link| link.speed);
            /// The largest packet in bytes.
            mtu: Int = |this: &Interface, seen: &Seen<'_>| this.link(seen).map(|link| link.mtu);
            /// The hardware address; empty where there is none.
            mac: Str = |this: &Interface, seen: &Seen<'_>| this.link(seen).map(|link| link.mac);
            /// All addresses without prefix lengths, IPv4 first.
            addresses: List = |this: &Interface, seen: &Seen<'_>| this.listed(seen, |address, _| Some(address.to_string()));
            /// The first IPv4 address; nothing where there is none.
            ipv4_address: Str = |this: &Interface, seen: &Seen<'_>| this.first(seen, IpAddr::is_ipv4);
            /// The IPv4 addresses.
            ipv4_addresses: List = |this: &Interface, seen: &Seen<'_>| {
                this.listed(seen, |address, _| address.is_ipv4().then(|| address.to_string()))
            };
            /// The IPv4 addresses with their masks: `192.0.2.7/255.255.255.0`.
            ipv4_addresses_netmask: List = |this: &Interface, seen: &Seen<'_>| {
                this.listed(seen, |address, prefix| address.is_ipv4().then(|| format!("{address}/{}", mask(prefix))))
            };
            /// The IPv4 addresses with their prefix lengths: `192.0.2.7/24`.
            ipv4_cidrs: List = |this: &Interface, seen: &Seen<'_>| {
                this.listed(seen, |address, prefix| address.is_ipv4().then(|| format!("{address}/{prefix}")))
            };
            /// The first IPv6 address; nothing where there is none.
            ipv6_address: Str = |this: &Interface, seen: &Seen<'_>| this.first(seen, IpAddr::is_ipv6);
            /// The IPv6 addresses.
            ipv6_addresses: List = |this: &Interface, seen: &Seen<'_>| {
                this.listed(seen, |address, _| address.is_ipv6().then(|| address.to_string()))
            };
            /// The IPv6 addresses with their prefix lengths: `2001:db8::7/64`.
            ipv6_cidrs: List = |this: &Interface, seen: &Seen<'_>| {
                this.listed(seen, |address, prefix| address.is_ipv6().then(|| format!("{address}/{prefix}")))
            };
        }
        predicates {
            /// Whether it is set up by the administrator (`UP` in `ip link`).
            up() absent No = |this: &Interface, seen: &Seen<'_>, _: &Args| match this.link(seen) {
                Err(Unseen::Missing(_)) => Ok(false),
                link => Ok(link?.up),
            };
            /// Whether it has an IPv4 address.
            has_ipv4_address() absent Fails = |this: &Interface, seen: &Seen<'_>, _: &Args| {
                Ok(this.link(seen)?.addresses.iter().any(|(address, _)| address.is_ipv4()))
            };
            /// Whether it has an IPv6 address.
            has_ipv6_address() absent Fails = |this: &Interface, seen: &Seen<'_>, _: &Args| {
                Ok(this.link(seen)?.addresses.iter().any(|(address, _)| address.is_ipv6()))
            };
        }
        methods {}
    }
}

/// An interface by name.
pub struct Interface {
    name: Arc<str>,
}

impl Interface {
    fn new(args: &Args) -> Result<Interface, String> {
        Ok(Interface { name: args.required("name") })
    }

    fn link(&self, seen: &Seen<'_>) -> Sight<Link> {
        let links = seen.get(Interfaces)?;
        links.iter().find(|link| link.name == self.name).cloned().ok_or_else(|| Unseen::Missing(self.title()))
    }

    fn listed(&self, seen: &Seen<'_>, show: impl Fn(&IpAddr, u8) -> Option<String>) -> Sight<Value> {
        let link = self.link(seen)?;
        Ok(Value::strings(link.addresses.iter().filter_map(|(address, prefix)| show(address, *prefix))))
    }

    fn first(&self, seen: &Seen<'_>, fits: impl Fn(&IpAddr) -> bool) -> Sight<Option<String>> {
        let link = self.link(seen)?;
        Ok(link.addresses.iter().find(|(address, _)| fits(address)).map(|(address, _)| address.to_string()))
    }
}

/// The mask of a prefix length.
fn mask(prefix: u8) -> Ipv4Addr {
    let host_bits = 32 - u32::from(prefix.min(32));
    Ipv4Addr::from_bits(u32::MAX.checked_shl(host_bits).unwrap_or(0))
}

impl Instance for Interface {
    fn title(&self) -> String {
        format!("Interface {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(Interfaces)?.iter().any(|link| link.name == self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::Trial;
    use crate::transport::scripted::Scripted;

    fn interface(name: &str) -> Trial {
        let eth0 = Link {
            name: "eth0".into(),
            up: true,
            mtu: 1500,
            speed: Some(1000),
            mac: "02:1a:b0:00:00:0b".into(),
            addresses: vec![("192.0.2.7".parse().unwrap(), 23), ("2001:db8::7".parse().unwrap(), 64)],
        };
        let down = Link { name: "eth1".into(), up: false, speed: None, addresses: vec![], ..eth0.clone() };
        Trial::new(&ENTRY, &[name.into()], &[], Scripted::new().with(Interfaces, [eth0, down].into()))
    }

    #[test]
    fn addresses_are_given_in_every_notation() {
        let eth0 = interface("eth0");
        assert_eq!(eth0.its("ipv4_address").unwrap(), Value::from("192.0.2.7"));
        assert_eq!(eth0.its("ipv4_addresses_netmask").unwrap(), Value::strings(["192.0.2.7/255.255.254.0"]));
        assert_eq!(eth0.its("ipv4_cidrs").unwrap(), Value::strings(["192.0.2.7/23"]));
        assert_eq!(eth0.its("ipv6_cidrs").unwrap(), Value::strings(["2001:db8::7/64"]));
        assert!(eth0.is("up", &[]).unwrap() && eth0.is("has_ipv6_address", &[]).unwrap());
        assert_eq!(eth0.rounds(), 1);
        assert_eq!((mask(0), mask(32)), (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST));
    }

    #[test]
    fn one_that_is_down_and_one_that_is_not_there_differ() {
        let down = interface("eth1");
        assert!(!down.is("up", &[]).unwrap() && down.exists().unwrap());
        assert_eq!(down.its("ipv4_address").unwrap(), Value::Nil);
        assert_eq!(down.its("speed").unwrap(), Value::Nil);
        let absent = interface("eth9");
        assert!(!absent.is("up", &[]).unwrap());
        assert_eq!(absent.is("has_ipv4_address", &[]), Err(Unseen::Missing("Interface eth9".to_string())));
    }
}
