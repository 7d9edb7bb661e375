//! Names of hosts: hosts(5), `getent ahosts`, and the name servers themselves.
//!
//! The C library's getaddrinfo(3) is asked through getent(1), in a process of its own: it
//! loads shared objects, which a static program must not. It gives one status for "there is
//! no such name" and "no server answered", so a name it does not find is asked of the name
//! servers once more; they are asked as well where there is no getent.

use super::Local;
use super::dns::Servers;
use super::files::read_regular;
use crate::probe::{Fault, FaultKind, Lookup, Run};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest name, RFC 1035 2.3.4 in text.
const LONGEST: usize = 253;

impl Local {
    /// The addresses of a host, sorted.
    pub(super) fn lookup(&self, lookup: &Lookup) -> Result<Arc<[IpAddr]>, Fault> {
        let mut addresses = self.addresses(&lookup.host, Duration::from_millis(lookup.timeout_ms))?;
        addresses.sort_unstable();
        Ok(addresses.into())
    }

    /// The addresses of a host, each once, the one to try first first. Empty: the name does
    /// not resolve.
    pub(in crate::transport) fn addresses(&self, host: &str, limit: Duration) -> Result<Vec<IpAddr>, Fault> {
        let started = Instant::now();
        if let Some(address) = literal(host) {
            return Ok(vec![address]);
        }
        if !is_name(host) {
            return Ok(Vec::new());
        }
        let hosts = read_regular("/etc/hosts", 0).ok().flatten().unwrap_or_default();
        let listed = in_hosts(&String::from_utf8_lossy(&hosts), host);
        if !listed.is_empty() {
            return Ok(listed);
        }
        let timeout_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let ran = self.run(&Run { timeout_ms, ..Run::argv(["getent", "ahosts", host]) })?;
        match ran.status {
            0 => return Ok(in_getent(&String::from_utf8_lossy(&ran.stdout))),
            2 | 127 => {}
            status => {
                let message = format!("cannot look up {host}: getent ahosts ended with status {status}");
                return Err(Fault::new(FaultKind::Failed, message));
            }
        }
        let configuration = read_regular("/etc/resolv.conf", 0).ok().flatten().unwrap_or_default();
        let servers = Servers::configured(&String::from_utf8_lossy(&configuration));
        servers.look_up(host, limit.saturating_sub(started.elapsed()))
    }
}

/// An address written out, with brackets or without.
fn literal(host: &str) -> Option<IpAddr> {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    inside.unwrap_or(host).parse().ok()
}

/// Whether `host` can be the name of a host at all.
fn is_name(host: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || !byte.is_ascii();
    !host.is_empty() && host.len() <= LONGEST && !host.starts_with(['-', '.']) && host.bytes().all(letters)
}

/// The addresses hosts(5) gives a name.
fn in_hosts(hosts: &str, host: &str) -> Vec<IpAddr> {
    let host = host.trim_end_matches('.');
    let mut addresses = Vec::new();
    for line in hosts.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut fields = line.split_ascii_whitespace();
        let Some(address) = fields.next().and_then(|address| address.parse().ok()) else { continue };
        if fields.any(|name| name.eq_ignore_ascii_case(host)) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// The addresses in the output of `getent ahosts`: a line for each kind of socket.
fn in_getent(output: &str) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for field in output.lines().filter_map(|line| line.split_ascii_whitespace().next()) {
        // A link-local address has its interface behind a percent sign.
        let address = field.split('%').next().unwrap_or_default().parse();
        if let Ok(address) = address
            && !addresses.contains(&address)
        {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_file_is_read_without_case_and_comments() {
        let hosts = "127.0.0.1 localhost # db\n::1\tlocalhost ip6-localhost\n10.0.0.5  DB.example.com db\nbroken db\n10.0.0.5 db\n";
        let all = |host: &str| in_hosts(hosts, host).iter().map(IpAddr::to_string).collect::<Vec<_>>();
        assert_eq!(all("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(all("db"), ["10.0.0.5"]);
        assert_eq!(all("db.EXAMPLE.com."), ["10.0.0.5"]);
        assert!(all("example.com").is_empty());
    }

    #[test]
    fn an_address_is_its_own_and_needs_no_server() {
        let local = Local::new();
        for (host, address) in [("192.0.2.7", "192.0.2.7"), ("[2001:db8::1]", "2001:db8::1"), ("::1", "::1")] {
            let found = local.lookup(&Lookup { host: host.into(), timeout_ms: 0 });
            assert_eq!(found.map(|found| found[0].to_string()).as_deref(), Ok(address));
        }
    }

    #[test]
    fn the_local_host_resolves() {
        let found = Local::new().lookup(&Lookup { host: "localhost".into(), timeout_ms: 5000 }).expect("asked");
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[test]
    fn each_address_getent_prints_counts_once() {
        let output = "93.184.216.34   STREAM example.com\n93.184.216.34   DGRAM\n93.184.216.34   RAW\n\
                      fe80::1%eth0 STREAM\ngarbage\n";
        let found: Vec<_> = in_getent(output).iter().map(IpAddr::to_string).collect();
        assert_eq!(found, ["93.184.216.34", "fe80::1"]);
    }
}
