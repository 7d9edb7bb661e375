//! Connections and names of hosts.

use super::plan::{HOSTS, RESOLV_CONF};
use super::progress::{Content, Parts};
use super::text::{first_line, shown_time};
use crate::probe::*;
use std::collections::HashMap;

/// How a connection ended, in the words of bash, curl or netcat.
pub(super) fn connect(connect: &Connect, parts: &Parts) -> Result<Connected, Fault> {
    let target = format!("{}:{}", connect.host, connect.port);
    let (Some(tool), Some(last)) = (parts.get("a"), parts.last()) else {
        return Err(Fault::new(FaultKind::Failed, format!("cannot connect to {target}: the node did not say")));
    };
    let said = String::from_utf8_lossy(&last.err);
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match tool.status.as_str() {
        "none" => {
            let message =
                format!("cannot connect to {target}: there is no bash, curl or nc on the node; install one of them");
            return Err(Fault::new(FaultKind::ToolMissing, message));
        }
        // It stays connected until the other side hangs up.
        "curl" if says(&["Connected to "]) => return Ok(Connected::Accepted),
        _ => {}
    }
    match last.status.as_str() {
        "0" => Ok(Connected::Accepted),
        "T" => Ok(Connected::TimedOut),
        _ if says(&["Connection refused", "Connection reset"]) => Ok(Connected::Refused),
        _ if says(&[
            "No route to host",
            "etwork is unreachable",
            "ost is unreachable",
            "etwork is down",
            "annot assign requested address",
            "ddress family not supported",
        ]) =>
        {
            Ok(Connected::Unreachable)
        }
        // Other words may as well mean that no name server answered.
        _ if says(&["Name or service not known", "Name does not resolve", "No address associated"]) => {
            Ok(Connected::NotResolved)
        }
        _ if says(&["timed out", "timeout"]) => Ok(Connected::TimedOut),
        _ => {
            let denied = says(&["ermission denied", "not permitted"]);
            let kind = if denied { FaultKind::Denied } else { FaultKind::Failed };
            let said = first_line(&last.err);
            Err(Fault::new(kind, format!("cannot connect to {target} with {}: it said {said:?}", tool.status)))
        }
    }
}

/// The addresses of a name: hosts(5), then getent(1), and nslookup(1) to tell that there is
/// no such name from that no server answered.
pub(super) fn lookup(
    lookup: &Lookup,
    parts: &Parts,
    files: &HashMap<Arc<str>, Content>,
) -> Result<Arc<[IpAddr]>, Fault> {
    let host = &*lookup.host;
    let text = |path: &str| match files.get(path) {
        Some(Ok(Some(bytes))) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    let sorted = |mut addresses: Vec<IpAddr>| {
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses.into())
    };
    let listed = in_hosts(&text(HOSTS), host);
    if !listed.is_empty() {
        return sorted(listed);
    }
    let late = || {
        let limit = shown_time(lookup.timeout_ms);
        Fault::new(FaultKind::TimedOut, format!("no answer to the look-up of {host} within {limit}"))
    };
    match parts.get("a").map(|part| (part.status.as_str(), part)) {
        Some(("0", part)) => {
            let text = String::from_utf8_lossy(&part.out);
            let fields = text.lines().filter_map(|line| line.split_ascii_whitespace().next());
            return sorted(fields.filter_map(|field| field.split('%').next()?.parse().ok()).collect());
        }
        Some(("2" | "127", _)) => {}
        Some(("T", _)) => return Err(late()),
        Some((status, _)) => {
            let message = format!("cannot look up {host}: getent ahosts ended with status {status}");
            return Err(Fault::new(FaultKind::Failed, message));
        }
        None => return Err(Fault::new(FaultKind::Failed, format!("cannot look up {host}: the node did not say"))),
    }
    let is_server = |line: &str| line.split_ascii_whitespace().next() == Some("nameserver");
    if !text(RESOLV_CONF).lines().any(is_server) {
        return sorted(Vec::new());
    }
    let Some(part) = parts.get("b").filter(|part| part.status != "127") else {
        let message = format!(
            "cannot look up {host}: nothing on the node can tell whether a name server answered; install nslookup"
        );
        return Err(Fault::new(FaultKind::ToolMissing, message));
    };
    if part.status == "T" {
        return Err(late());
    }
    let all = [&part.out[..], b"\n", &part.err].concat();
    let said = String::from_utf8_lossy(&all);
    // What stands before the first name is the server itself.
    let answer = said.split_once("\nName:").map_or("", |(_, answer)| answer);
    let addresses: Vec<IpAddr> = answer
        .lines()
        .filter(|line| line.starts_with("Address"))
        .filter_map(|line| line.split_once(": ")?.1.split_ascii_whitespace().next()?.parse().ok())
        .collect();
    if !addresses.is_empty() || ["NXDOMAIN", "No answer", "can't find"].iter().any(|word| said.contains(word)) {
        let unsure = ["SERVFAIL", "REFUSED", "timed out", "no servers"].iter().any(|word| said.contains(word));
        if !addresses.is_empty() || !unsure {
            return sorted(addresses);
        }
    }
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("nothing");
    Err(Fault::new(FaultKind::Failed, format!("cannot look up {host}: nslookup said {line:?}")))
}

/// The addresses hosts(5) gives a name.
fn in_hosts(hosts: &str, host: &str) -> Vec<IpAddr> {
    let host = host.trim_end_matches('.');
    let mut addresses = Vec::new();
    for line in hosts.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut fields = line.split_ascii_whitespace();
        let Some(address) = fields.next().and_then(|address| address.parse().ok()) else { continue };
        if fields.any(|name| name.eq_ignore_ascii_case(host)) {
            addresses.push(address);
        }
    }
    addresses
}
