//! Certificates of hosts: PROTOCOL.certkeys of OpenSSH.

use super::super::pattern::fits;
use ssh_key::Certificate;
use ssh_key::certificate::CertType;
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether a certificate, whose authority is trusted, speaks for a host of one of these names
/// at this time; if not, why.
pub(super) fn check<'a>(
    certificate: &Certificate,
    names: impl Iterator<Item = &'a str>,
    now: SystemTime,
) -> Result<(), String> {
    certificate.verify_signature().map_err(|_| "its signature does not fit its authority".to_string())?;
    if certificate.cert_type() != CertType::Host {
        return Err("it is one for users, not for hosts".to_string());
    }
    if let Some(option) = certificate.critical_options().iter().next() {
        return Err(format!("it has the critical option {:?}, which no host certificate has", option.0));
    }
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    if now < certificate.valid_after() {
        return Err("it is not valid yet".to_string());
    }
    if now >= certificate.valid_before() {
        return Err("it has expired".to_string());
    }
    // One without principals speaks for every host, as it does for the client.
    let principals = certificate.valid_principals();
    let names: Vec<String> = names.map(without_port).collect();
    if !principals.is_empty() && !names.iter().any(|name| principals.iter().any(|principal| fits(principal, name))) {
        return Err(format!("it names {}, not this host", list(principals)));
    }
    Ok(())
}

/// Principals are names of hosts; they have no port.
fn without_port(name: &str) -> String {
    let inside = name.strip_prefix('[').and_then(|name| name.split_once("]:"));
    inside.map_or(name, |(host, _)| host).to_string()
}

fn list(principals: &[String]) -> String {
    match principals {
        few if few.len() <= 5 => few.join(", "),
        many => format!("{} and {} more", many[..5].join(", "), many.len() - 5),
    }
}
