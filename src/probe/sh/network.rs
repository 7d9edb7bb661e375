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

#[cfg(test)]
mod tests {
    use super::super::progress::Part;
    use super::*;

    fn part(tag: &str, status: &str, out: &str, err: &str) -> Part {
        let (tag, status) = (tag.to_string(), status.to_string());
        Part { tag, status, out: out.into(), err: err.into(), cut: false }
    }

    fn look_up(nslookup: Option<Part>, resolv: &str) -> Result<Arc<[IpAddr]>, Fault> {
        let files = HashMap::from([
            (Arc::from(HOSTS), Ok(Some(Arc::from(&b"192.0.2.9 known alias # other\n"[..])))),
            (Arc::from(RESOLV_CONF), Ok(Some(Arc::from(resolv.as_bytes())))),
        ]);
        let parts = [Some(part("a", "2", "", "")), nslookup, Some(part("1", "2", "", ""))];
        let question = Lookup { host: "web.example".into(), timeout_ms: 1000 };
        lookup(&question, &Parts(parts.into_iter().flatten().collect()), &files)
    }

    #[test]
    fn no_such_name_is_told_from_no_answer() {
        let server = "nameserver 192.0.2.1\n";
        let said = |out: &str| look_up(Some(part("b", "1", out, "")), server);
        let refused = "Server:\t\t192.0.2.1\nAddress:\t192.0.2.1#53\n\n** server can't find web.example: NXDOMAIN\n";
        assert_eq!(said(refused).as_deref(), Ok(&[][..]));
        for trouble in
            [";; connection timed out; no servers could be reached", "** server can't find web.example: SERVFAIL"]
        {
            assert_eq!(said(trouble).expect_err("no answer").kind, FaultKind::Failed, "{trouble}");
        }
        let found = "Server:\t192.0.2.1\nAddress:\t192.0.2.1#53\n\nName:\tweb.example\nAddress: 192.0.2.7\nAddress: 2001:db8::7\n";
        assert_eq!(said(found).map(|addresses| addresses.len()), Ok(2));
        assert_eq!(look_up(None, server).expect_err("no tool").kind, FaultKind::ToolMissing);
        // Without a name server there is nobody who could know.
        assert_eq!(look_up(None, "# none\n").as_deref(), Ok(&[][..]));
    }

    #[test]
    fn ends_of_connections_are_told_apart_in_the_words_of_each_tool() {
        let question = Connect { host: "web.example".into(), port: 1, timeout_ms: 1000 };
        let ended = |tool: &str, status: &str, err: &str| {
            connect(&question, &Parts(vec![part("a", tool, "", ""), part("1", status, "", err)]))
        };
        let cases = [
            ("bash", "1", "web.example: line 1: connect: Connection refused", Connected::Refused),
            ("bash", "1", "bash: connect: No route to host", Connected::Unreachable),
            ("bash", "1", "bash: web.example: Name or service not known", Connected::NotResolved),
            ("bash", "T", "", Connected::TimedOut),
            ("nc", "1", "nc: timed out", Connected::TimedOut),
            ("nc", "0", "", Connected::Accepted),
            ("curl", "T", "* Connected to web.example (192.0.2.7) port 1", Connected::Accepted),
            ("curl", "28", "curl: (28) Connection timed out after 1000 ms", Connected::TimedOut),
        ];
        for (tool, status, err, expected) in cases {
            assert_eq!(ended(tool, status, err), Ok(expected), "{tool} {status} {err}");
        }
        // It may be that no server answered.
        let unsure = ended("bash", "1", "bash: web.example: Temporary failure in name resolution");
        assert_eq!(unsure.expect_err("unsure").kind, FaultKind::Failed);
        assert_eq!(ended("none", "0", "").expect_err("no tool").kind, FaultKind::ToolMissing);
    }
}
