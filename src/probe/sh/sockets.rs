//! Sockets, and the processes that hold them: proc(5).

use super::kernel::{no_answer, untold};
use super::plan::SOCKET_TABLES;
use super::processes::hidden;
use super::progress::{Content, Parts};
use super::text::{Trouble, Who};
use crate::probe::*;
use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// States as the kernel numbers them: a UDP socket that is bound and has no peer is closed.
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;

/// The listening and bound sockets in the tables of the node; `None`: they were not read.
pub(super) fn sockets(files: &HashMap<Arc<str>, Content>) -> Option<Result<Arc<[Socket]>, Fault>> {
    let mut sockets = Vec::new();
    let mut tables = 0;
    for (protocol, path) in SOCKET_TABLES {
        let state = if matches!(protocol, Protocol::Tcp | Protocol::Tcp6) { LISTEN } else { CLOSE };
        match files.get(*path)? {
            Ok(Some(table)) => {
                tables += 1;
                match parse_table(&String::from_utf8_lossy(table), *protocol, state) {
                    Some(parsed) => sockets.extend(parsed),
                    None => {
                        let message = format!("{path} has lines that cannot be read");
                        return Some(Err(Fault::new(FaultKind::Malformed, message)));
                    }
                }
            }
            // A kernel without this protocol has no such sockets.
            Ok(None) => {}
            Err(fault) => return Some(Err(fault.clone())),
        }
    }
    if tables == 0 {
        let message = "cannot read /proc/net/tcp: no proc file system is mounted at /proc";
        return Some(Err(Fault::new(FaultKind::Failed, message)));
    }
    sockets.sort_unstable();
    Some(Ok(sockets.into()))
}

/// The sockets of one state in a table of proc_net(5); `None`: it is no such table.
fn parse_table(table: &str, protocol: Protocol, state: u8) -> Option<Vec<Socket>> {
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

/// An address as words in hexadecimal digits, of the byte order of all nodes there are:
/// little endian.
fn hex_address(digits: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(digits.get(at..at + 8)?, 16).ok()?.to_le_bytes());
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

/// The processes that hold each socket: the links in every `/proc/PID/fd`, and the names in
/// every `/proc/PID/comm`.
pub(super) fn owners(parts: &Parts, who: &Who) -> Result<Arc<BTreeMap<u64, Vec<SocketOwner>>>, Fault> {
    hidden(parts, who)?;
    let (Some(listed), Some(comms)) = (parts.get("a"), parts.last()) else { return Err(untold("/proc")) };
    let complaints = String::from_utf8_lossy(&listed.err);
    for line in complaints.lines() {
        if Trouble::in_message(line) == Trouble::Denied {
            let thing = line.split(['\'', ' ', ':']).find(|word| word.starts_with("/proc/")).unwrap_or("/proc");
            return Err(who.refused("look at", thing, &Trouble::Denied));
        }
    }
    if listed.cut {
        return Err(Fault::new(FaultKind::TooLarge, "the processes of the node hold more files than are listed"));
    }
    let mut names: HashMap<u32, String> = HashMap::new();
    let text = String::from_utf8_lossy(&comms.out);
    for line in text.lines() {
        let named = line.strip_prefix("/proc/").and_then(|line| line.split_once("/comm:"));
        let Some((pid, name)) = named.and_then(|(pid, name)| Some((pid.parse().ok()?, name))) else { continue };
        // A name may have a newline in it: it comes in several lines.
        names.entry(pid).and_modify(|known| known.extend(["\n", name])).or_insert_with(|| name.to_string());
    }
    let mut owners: BTreeMap<u64, Vec<SocketOwner>> = BTreeMap::new();
    let mut pid = None;
    let text = String::from_utf8_lossy(&listed.out);
    for line in text.lines() {
        let Some((held, target)) = line.split_once(" -> ") else {
            // ls(1) names the directory once, find(1) in every line.
            let directory = line.strip_prefix("/proc/").and_then(|line| line.strip_suffix("/fd:"));
            pid = directory.map_or(pid, |number| number.parse::<u32>().ok());
            continue;
        };
        let named = held.strip_prefix("/proc/").and_then(|held| held.split_once("/fd/")?.0.parse().ok());
        let inode = target.strip_prefix("socket:[").and_then(|target| target.strip_suffix(']')?.parse().ok());
        let (Some(pid), Some(inode)) = (named.or(pid), inode) else { continue };
        let Some(name) = names.get(&pid) else { continue };
        let holders = owners.entry(inode).or_default();
        // A socket may be open under several numbers.
        if holders.last().is_none_or(|last| last.pid != pid) {
            holders.push(SocketOwner { pid, name: name.as_str().into() });
        }
    }
    if names.is_empty() || listed.status.starts_with("12") {
        return Err(no_answer("list /proc/PID/fd", "find or ls", Some(listed)));
    }
    for holders in owners.values_mut() {
        holders.sort_unstable();
    }
    Ok(Arc::new(owners))
}
