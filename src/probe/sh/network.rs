//! What the network tools of a node print.

use super::plan::{HOSTS, RESOLV_CONF};
use super::progress::{Content, Part, Parts};
use super::text::{first_line, lower, shown_time, shown_url};
use crate::probe::*;
use std::collections::HashMap;
use std::fmt::Write;

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
        _ if says(&[
            "Name or service not known",
            "Could not resolve host",
            "bad address",
            "No address associated",
            "failure in name resolution",
            "Name does not resolve",
            "Unknown host",
        ]) =>
        {
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

/// The configuration of curl(1) for a request, given on its standard input so that neither
/// URL nor headers nor body are in a process list.
pub(super) fn curl_config(http: &Http) -> String {
    let mut config = String::from("silent\nshow-error\ninclude\ngloboff\nhttp1.1\nproto = \"=http,https\"\n");
    // Writing to a string cannot fail.
    let mut set = |name: &str, value: &str| {
        let _ = writeln!(config, "{name} = \"{}\"", escaped(value));
    };
    set("url", &http.url);
    set("user-agent", concat!("probity/", env!("CARGO_PKG_VERSION")));
    set("max-time", &format!("{}.{:03}", http.timeout_ms / 1000, http.timeout_ms % 1000));
    let has = |wanted: &str| http.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    for (name, value) in &http.headers {
        set("header", &if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") });
    }
    let method = http.method.to_ascii_uppercase();
    let bodied = !http.body.is_empty() || matches!(method.as_str(), "POST" | "PUT" | "PATCH");
    if bodied {
        set("data-raw", &String::from_utf8_lossy(&http.body));
        // Neither what forms are sent with nor a question whether to go on.
        if !has("content-type") {
            set("header", "Content-Type:");
        }
        if !has("expect") {
            set("header", "Expect:");
        }
    }
    match method.as_str() {
        "HEAD" => config.push_str("head\n"),
        "GET" if !bodied => {}
        "POST" => {}
        method => set("request", method),
    }
    if http.max_redirects > 0 {
        let _ = writeln!(config, "location\nmax-redirs = {}", http.max_redirects);
    }
    if !http.verify {
        config.push_str("insecure\n");
    }
    config
}

/// The options of GNU wget for a request. `None`: it cannot do it without that headers, a
/// body or what a URL may hide are in a process list, which may be secrets.
pub(super) fn wget_options(http: &Http) -> Option<String> {
    let (_, rest) = http.url.split_once("://")?;
    let is_plain = http.headers.is_empty() && http.body.is_empty() && http.method.eq_ignore_ascii_case("GET");
    if !is_plain || rest.contains(['@', '?']) || http.url.starts_with('-') {
        return None;
    }
    let (limit, redirects) = (http.timeout_ms.div_ceil(1000), http.max_redirects);
    let version = env!("CARGO_PKG_VERSION");
    let check = if http.verify { "" } else { " --no-check-certificate" };
    Some(format!(
        "-q -O - --save-headers --content-on-error -t 1 -T {limit} --max-redirect={redirects} -U probity/{version}{check}"
    ))
}

/// In the double quotes of a configuration of curl(1).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '"' => escaped.extend(['\\', letter]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{b}' => escaped.push_str("\\v"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The answer curl(1) prints: the headers of every answer on the way, then the body. Of
/// wget(1) it is the last answer alone.
pub(super) fn http(http: &Http, parts: &Parts) -> Result<Arc<Response>, Fault> {
    let (method, url) = (&http.method, shown_url(&http.url));
    let failed = |why: &str| Err(Fault::new(FaultKind::Failed, format!("no answer to {method} {url}: {why}")));
    let Some(part) = parts.last() else { return failed("the node did not say") };
    let late = || {
        let limit = shown_time(http.timeout_ms);
        Err(Fault::new(FaultKind::TimedOut, format!("no answer to {method} {url} within {limit}")))
    };
    // More than is kept of a body is no failure of the request.
    let (status, cut) = (part.status.as_str(), part.cut);
    let tool = parts.get("a").map_or("curl", |part| part.status.as_str());
    match status {
        "T" => return late(),
        _ if tool == "none" => {
            let message = format!(
                "no answer to {method} {url}: there is no curl on the node, nor a wget that can ask it; install curl"
            );
            return Err(Fault::new(FaultKind::ToolMissing, message));
        }
        // It ends with 8 for a status that tells of an error.
        "0" | "8" if tool == "wget" && part.out.starts_with(b"HTTP/") => {}
        "4" if tool == "wget" => return failed("wget cannot reach the server"),
        "5" if tool == "wget" => return failed("wget does not trust the certificate"),
        "8" if tool == "wget" => {
            return failed("more redirects than are followed, which wget cannot show; install curl");
        }
        _ if tool == "wget" => {
            let message = format!(
                "no answer to {method} {url}: there is no curl on the node, and its wget cannot ask it; install curl"
            );
            return Err(Fault::new(FaultKind::ToolMissing, message));
        }
        "0" => {}
        "28" => return late(),
        "6" => return failed("the host does not resolve"),
        "47" => return failed(&format!("more than {} redirects", http.max_redirects)),
        _ => {
            let said = first_line(&part.err);
            let said = said.strip_prefix("curl: ").unwrap_or(&said);
            return failed(&lower(said));
        }
    }
    let Some((status, headers, body)) = response(&part.out) else {
        let shown = first_line(&part.out);
        return Err(Fault::new(FaultKind::Malformed, format!("no answer to {method} {url}: {tool} printed {shown:?}")));
    };
    let truncated = cut || body.len() > BODY_CAP;
    let body = &body[..body.len().min(BODY_CAP)];
    Ok(Arc::new(Response { status, headers, body: body.into(), truncated }))
}

/// Names in lower case, and values.
type Headers = Vec<(String, String)>;

/// Status, headers and body of the last answer.
fn response(mut bytes: &[u8]) -> Option<(u16, Headers, &[u8])> {
    loop {
        let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
        let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        words.next()?.starts_with("HTTP/").then_some(())?;
        let status: u16 = words.next()?.parse().ok()?;
        let headers: Headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_string()))
            .collect();
        let goes_on = status < 200 || (300..400).contains(&status) || headers.is_empty();
        if goes_on && rest.starts_with(b"HTTP/") {
            bytes = rest;
            continue;
        }
        return Some((status, headers, rest));
    }
}
