//! `interfaces`

use super::catalogue::{Instance, row};
use super::{Args, Rows};
use crate::node::{Seen, Sight};
use crate::probe::Interfaces as Links;
use crate::value::Value;

resource! {
    /// Lists the network interfaces of the node.
    Interfaces = "interfaces" {
        source: "ip-address(8), netdevice(7)",
        example: r#"describe(interfaces()):its("names", contains "lo")"#,
        falsified: (r#"contains "lo""#, r#"contains "no-such0""#),
        args {}
        properties {}
        predicates {}
        methods {}
        table {
            /// The names.
            names <- name: Str;
            /// Whether each is set up by the administrator.
            up <- up: Bool;
            /// The largest packet in bytes.
            mtus <- mtu: Int;
            /// In Mbit/s; nothing where the driver does not tell.
            speeds <- speed: Int;
            /// The hardware addresses; empty for none.
            macs <- mac: Str;
            /// The addresses with their prefix lengths, a list an interface, IPv4 first.
            cidrs <- cidrs: List;
            /// The addresses alone, a list an interface.
            addresses <- addresses: List;
        }
        rows: Interfaces::rows,
    }
}

/// All interfaces.
pub struct Interfaces;

impl Interfaces {
    fn new(_: &Args) -> Result<Interfaces, String> {
        Ok(Interfaces)
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let links = seen.get(Links)?;
        Ok(Rows::new(links.iter().map(|link| {
            let cidrs = link.addresses.iter().map(|(address, prefix)| format!("{address}/{prefix}"));
            let addresses = link.addresses.iter().map(|(address, _)| address.to_string());
            row([
                ("name", link.name.clone().into()),
                ("up", link.up.into()),
                ("mtu", link.mtu.into()),
                ("speed", link.speed.into()),
                ("mac", link.mac.clone().into()),
                ("cidrs", Value::strings(cidrs)),
                ("addresses", Value::strings(addresses)),
            ])
        })))
    }
}

impl Instance for Interfaces {
    fn title(&self) -> String {
        "Interfaces".to_string()
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!seen.get(Links)?.is_empty())
    }
}
