//! Network interfaces: `/sys/class/net`, ip(8), ifconfig(8).

use super::progress::{Part, Parts};
use super::text::first_line;
use crate::probe::*;

/// The interfaces as `/sys/class/net` has them, with the addresses of ip(8) or ifconfig(8).
pub(super) fn interfaces(parts: &Parts) -> Result<Arc<[Interface]>, Fault> {
    let failed = |message: String| Fault::new(FaultKind::Failed, message);
    let (Some(links), Some(last)) = (parts.get("a"), parts.last()) else {
        return Err(failed("cannot list network interfaces: the node did not say".to_string()));
    };
    let mut interfaces = BTreeMap::new();
    let text = String::from_utf8_lossy(&links.out);
    for line in text.lines() {
        let Some((index, interface)) = link(line) else {
            let message = format!("cannot list network interfaces: /sys/class/net holds {line:?}");
            return Err(Fault::new(FaultKind::Malformed, message));
        };
        interfaces.insert(index, interface);
    }
    if interfaces.is_empty() {
        return Err(failed("cannot list network interfaces: nothing in /sys/class/net".to_string()));
    }
    let addresses = parts.get("b");
    let text = addresses.map_or_else(String::new, |part| String::from_utf8_lossy(&part.out).into_owned());
    match (last.status.as_str(), addresses.and_then(Part::status)) {
        ("ip", Some(0)) => {
            for (index, address, prefix) in text.lines().filter_map(ip_line) {
                if let Some(interface) = interfaces.get_mut(&index) {
                    interface.addresses.push((address, prefix));
                }
            }
        }
        ("ifconfig", Some(0)) => {
            for (name, address, prefix) in ifconfig(&text) {
                if let Some(interface) = interfaces.values_mut().find(|interface| *interface.name == *name) {
                    interface.addresses.push((address, prefix));
                }
            }
        }
        ("none", _) => {
            let message = "cannot list the addresses of network interfaces: there is no ip and no ifconfig on the node; install iproute2";
            return Err(Fault::new(FaultKind::ToolMissing, message));
        }
        (tool, _) => {
            let said = addresses.map_or("nothing".to_string(), |part| first_line(&part.err));
            return Err(failed(format!("cannot list the addresses of network interfaces: {tool} said {said:?}")));
        }
    }
    for interface in interfaces.values_mut() {
        // IPv4 sorts before IPv6.
        interface.addresses.sort_unstable();
    }
    Ok(interfaces.into_values().collect())
}

/// `NAME IFINDEX FLAGS MTU ADDR_LEN SPEED ADDRESS`, with `-` for what cannot be read.
fn link(line: &str) -> Option<(u32, Interface)> {
    const IFF_UP: u32 = 1;
    let fields: Vec<&str> = line.rsplitn(7, ' ').collect();
    let [address, speed, length, mtu, flags, index, name] = fields[..] else { return None };
    let flags = u32::from_str_radix(flags.strip_prefix("0x")?, 16).ok()?;
    // Tunnels give an IP address here, which is no hardware address.
    let mac = if matches!(length, "0" | "4" | "16" | "-") || address == "-" { "" } else { address };
    let interface = Interface {
        name: name.into(),
        up: flags & IFF_UP != 0,
        mtu: mtu.parse().ok()?,
        speed: speed.parse().ok(),
        mac: mac.into(),
        addresses: Vec::new(),
    };
    Some((index.parse().ok()?, interface))
}

/// A line of `ip -o addr show`: `2: eth0    inet 10.0.0.2/24 …`, with `peer ADDRESS/PREFIX`
/// on a point-to-point link.
fn ip_line(line: &str) -> Option<(u32, IpAddr, u8)> {
    let (index, rest) = line.trim_start().split_once(':')?;
    let mut words = rest.split_ascii_whitespace().skip(1);
    words.by_ref().find(|word| matches!(*word, "inet" | "inet6"))?;
    let own = words.next()?;
    let (address, prefix) = own.split_once('/').unwrap_or((own, ""));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let peer = (words.next() == Some("peer")).then(|| words.next()).flatten();
    let prefix = peer.and_then(|peer| peer.split_once('/')).map_or(prefix, |(_, prefix)| prefix);
    Some((index.parse().ok()?, address, prefix.parse().unwrap_or(whole)))
}

/// The addresses in what ifconfig(8) prints, in the layouts of busybox and of net-tools.
fn ifconfig(text: &str) -> Vec<(String, IpAddr, u8)> {
    let mut found = Vec::new();
    let mut name = String::new();
    for line in text.lines() {
        if !line.starts_with([' ', '\t']) {
            let first = line.split_ascii_whitespace().next().unwrap_or_default();
            // `eth0:` in one layout; `eth0:1` is a second address of eth0.
            name = first.split(':').next().unwrap_or_default().to_string();
        }
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let after =
            |prefix: &str| words.iter().find_map(|word| word.strip_prefix(prefix).filter(|rest| !rest.is_empty()));
        let behind = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).copied();
        let mask = |mask: &str| mask.parse::<std::net::Ipv4Addr>().ok().map(|mask| u32::from(mask).count_ones() as u8);
        if let Some(address) = after("addr:").or_else(|| behind("inet")).and_then(|text| text.parse::<IpAddr>().ok()) {
            let prefix = after("Mask:").or_else(|| behind("netmask")).and_then(mask).unwrap_or(32);
            found.push((name.clone(), address, prefix));
        } else if words.first() == Some(&"inet6") {
            let text = if words.get(1) == Some(&"addr:") { words.get(2) } else { words.get(1) };
            let Some((address, prefix)) = text.map(|text| text.split_once('/').unwrap_or((text, ""))) else { continue };
            let prefix = behind("prefixlen").unwrap_or(prefix).parse().unwrap_or(128);
            if let Ok(address) = address.parse() {
                found.push((name.clone(), address, prefix));
            }
        }
    }
    found
}
