//! Network interfaces and their addresses: rtnetlink(7).

use super::Local;
use super::files::read_regular;
use super::netlink::{Netlink, attributes, u32_at};
use crate::probe::{Fault, Interface};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFF_UP: u32 = 1;
/// The length of struct ifinfomsg, and of struct ifaddrmsg.
const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;

impl Local {
    /// The interfaces of this network namespace in the kernel's order.
    pub(super) fn interfaces(&self) -> Result<Arc<[Interface]>, Fault> {
        self.ask_interfaces().map_err(|error| self.refused("ask the kernel for", "network interfaces", error))
    }

    fn ask_interfaces(&self) -> Result<Arc<[Interface]>, Errno> {
        let mut netlink = Netlink::open(None)?;
        let mut interfaces: BTreeMap<u32, Interface> = netlink
            .dump(RTM_GETLINK, &[0; LINK_HEADER])?
            .iter()
            .filter(|(kind, _)| *kind == RTM_NEWLINK)
            .map(|(_, body)| link(body).ok_or(Errno::BADMSG))
            .collect::<Result<_, _>>()?;
        for (_, body) in
            netlink.dump(RTM_GETADDR, &[0; ADDRESS_HEADER])?.iter().filter(|(kind, _)| *kind == RTM_NEWADDR)
        {
            let (index, address, prefix) = address(body).ok_or(Errno::BADMSG)?;
            if let Some(interface) = interfaces.get_mut(&index) {
                interface.addresses.push((address, prefix));
            }
        }
        for interface in interfaces.values_mut() {
            // IPv4 sorts before IPv6.
            interface.addresses.sort_unstable();
            interface.speed = speed(&interface.name);
        }
        Ok(interfaces.into_values().collect())
    }
}

/// An interface without addresses, and its index.
fn link(body: &[u8]) -> Option<(u32, Interface)> {
    let index = u32_at(body, 4)?;
    let up = u32_at(body, 8)? & IFF_UP != 0;
    let mut interface = Interface { name: "".into(), up, mtu: 0, speed: None, mac: "".into(), addresses: Vec::new() };
    for (kind, value) in attributes(body.get(LINK_HEADER..)?) {
        match kind {
            IFLA_IFNAME => interface.name = String::from_utf8_lossy(value).trim_end_matches('\0').into(),
            IFLA_MTU => interface.mtu = u32_at(value, 0)?,
            // Tunnels give an IP address here, which is no hardware address.
            IFLA_ADDRESS if value.len() != 4 && value.len() != 16 => interface.mac = mac(value),
            _ => {}
        }
    }
    (!interface.name.is_empty()).then_some((index, interface))
}

fn mac(bytes: &[u8]) -> Arc<str> {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":").into()
}

/// The index of an interface, one of its addresses and the length of the prefix.
fn address(body: &[u8]) -> Option<(u32, IpAddr, u8)> {
    let prefix = *body.get(1)?;
    let index = u32_at(body, 4)?;
    let mut found = None;
    for (kind, value) in attributes(body.get(ADDRESS_HEADER..)?) {
        let address = || match value.len() {
            4 => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
            16 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
            _ => None,
        };
        match kind {
            // On a point-to-point link IFA_ADDRESS is the peer's.
            IFA_LOCAL => found = address(),
            IFA_ADDRESS if found.is_none() => found = address(),
            _ => {}
        }
    }
    Some((index, found?, prefix))
}

/// In Mbit/s; `None` where the driver does not tell (the read fails, or gives -1).
fn speed(name: &str) -> Option<u32> {
    let text = read_regular(&format!("/sys/class/net/{name}/speed"), 0).ok()??;
    std::str::from_utf8(&text).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_as_the_system_says() {
        let interfaces = Local::new().interfaces().expect("asked");
        let loopback = interfaces.iter().find(|interface| &*interface.name == "lo").expect("there is one");
        let mtu = std::fs::read_to_string("/sys/class/net/lo/mtu").expect("readable");
        assert_eq!(loopback.mtu.to_string(), mtu.trim());
        if loopback.up {
            assert!(loopback.addresses.contains(&(IpAddr::from([127, 0, 0, 1]), 8)));
        }
        let names: Vec<_> = interfaces.iter().map(|interface| interface.name.to_string()).collect();
        for name in std::fs::read_dir("/sys/class/net").expect("readable") {
            let entry = name.expect("a name");
            // `bonding_masters` is a file there.
            if entry.path().is_dir() {
                let name = entry.file_name().to_string_lossy().into_owned();
                assert!(names.contains(&name), "{name}");
            }
        }
    }

    #[test]
    fn the_own_address_of_a_point_to_point_link_counts() {
        let mut body = vec![2, 32, 0, 0];
        body.extend(3_u32.to_ne_bytes());
        for (kind, last) in [(IFA_ADDRESS, 2), (IFA_LOCAL, 1)] {
            body.extend(8_u16.to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend([10, 0, 0, last]);
        }
        assert_eq!(address(&body), Some((3, IpAddr::from([10, 0, 0, 1]), 32)));
        assert_eq!(address(&body[..8]), None);
        assert_eq!(link(&body[..4]), None);
    }
}
