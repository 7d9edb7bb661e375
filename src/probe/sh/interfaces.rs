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

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn lines_of_ip_give_the_own_address_and_the_prefix() {
        let line = "2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever";
        assert_eq!(ip_line(line), Some((2, address("10.0.0.2"), 24)));
        let line = "7: tun0    inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0";
        assert_eq!(ip_line(line), Some((7, address("10.8.0.1"), 32)));
        let line = "1: lo    inet6 ::1/128 scope host ";
        assert_eq!(ip_line(line), Some((1, address("::1"), 128)));
        assert_eq!(ip_line("2: eth0: <BROADCAST> mtu 1500"), None);
    }

    #[test]
    fn both_layouts_of_ifconfig_are_read() {
        let busybox = "eth0      Link encap:Ethernet  HWaddr 02:00:00:00:00:01\n          \
                       inet addr:10.0.0.2  Bcast:10.0.0.255  Mask:255.255.255.0\n          \
                       inet6 addr: fe80::1/64 Scope:Link\n";
        let net_tools = "eth0: flags=4163<UP>  mtu 1500\n        inet 10.0.0.2  netmask 255.255.255.0  broadcast 10.0.0.255\n        \
                         inet6 fe80::1  prefixlen 64  scopeid 0x20<link>\n";
        let expected =
            vec![("eth0".to_string(), address("10.0.0.2"), 24), ("eth0".to_string(), address("fe80::1"), 64)];
        assert_eq!(ifconfig(busybox), expected);
        assert_eq!(ifconfig(net_tools), expected);
    }

    #[test]
    fn an_address_of_a_tunnel_is_no_hardware_address() {
        let (index, tunnel) = link("sit0 3 0x80 1480 4 - 0.0.0.0").expect("a link");
        assert_eq!((index, &*tunnel.mac, tunnel.up, tunnel.speed), (3, "", false, None));
        let (_, wired) = link("a b 2 0x1003 1500 6 1000 02:00:00:00:00:01").expect("a link");
        assert_eq!((&*wired.name, &*wired.mac, wired.up, wired.speed), ("a b", "02:00:00:00:00:01", true, Some(1000)));
        assert!(link("eth0 2").is_none());
    }
}
