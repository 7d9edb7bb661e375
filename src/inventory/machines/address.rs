//! Which of its addresses a machine is asked at.

use super::{Defaults, Machine};
use crate::error::Error;
use crate::inventory::rules::{Address, Facts, Preference};
use std::net::IpAddr;

/// Where a machine is asked.
///
/// # Errors
/// It has no address, or a rule asks for a sensitive value.
pub fn of(machine: &Machine, facts: &Facts<'_>, rule: Option<&Address>) -> Result<String, Error> {
    let title = &machine.title;
    let prefer = match rule {
        Some(Address::Of(template)) => {
            let texts = template.texts(facts)?;
            let Some(text) = texts.iter().find_map(|text| host(text)) else {
                return Err(match texts.first() {
                    Some(_) => Error::usage(format!("the rule address gives no address for {title}"))
                        .hint("an address is one of IPv4 or IPv6, or the name of a host"),
                    None => Error::usage(format!("the rule address gives nothing for {title}"))
                        .hint("a path in it leads nowhere, or is empty as long as the machine is not up"),
                });
            };
            return Ok(text);
        }
        Some(Address::Prefer(prefer)) => *prefer,
        None => Preference::default(),
    };
    let Defaults { private, public, .. } = machine.defaults;
    let paths = match prefer {
        Preference::Private => private.iter().chain(public),
        Preference::Public => public.iter().chain(private),
    };
    for path in paths {
        if let Some(host) = facts.texts(path)?.iter().find_map(|text| host(text)) {
            return Ok(host);
        }
    }
    let error = Error::usage(format!("{title} has no address"));
    Err(match private.is_empty() && public.is_empty() {
        true => error.hint("a rule address: names the attribute that holds it"),
        false => error.hint("is it up? a rule address: names another attribute, where: leaves machines out"),
    })
}

/// A text as host: an address that leads somewhere, without the length of its network, or a name.
fn host(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = text.split_once('/').map_or(text, |(address, length)| {
        if length.bytes().all(|byte| byte.is_ascii_digit()) { address } else { text }
    });
    if let Ok(address) = plain.parse::<IpAddr>() {
        let nowhere = address.is_loopback() || address.is_unspecified() || address.is_multicast();
        let link_local = matches!(address, IpAddr::V6(address) if address.segments()[0] & 0xffc0 == 0xfe80)
            || matches!(address, IpAddr::V4(address) if address.is_link_local());
        return (!nowhere && !link_local).then(|| plain.to_string());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let name = plain.strip_suffix('.').unwrap_or(plain);
    // Numbers and dots alone are an address that is none.
    let is_name =
        plain.len() <= 253 && name.split('.').all(label) && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_name.then(|| plain.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_somewhere() {
        for text in ["10.0.0.1", " 10.0.0.1/24 ", "fd00::1/64", "web-1.example.org", "web_1", "h.", "1and1"] {
            assert!(host(text).is_some(), "{text}");
        }
        assert_eq!(host("10.0.0.1/24").as_deref(), Some("10.0.0.1"));
        let long = "a".repeat(64);
        for text in [
            "",
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "169.254.1.1",
            "fe80::1",
            "10.0.0.300",
            "1.2",
            "a b",
            "-x",
            "a..b",
            "a/b",
            &long,
        ] {
            assert!(host(text).is_none(), "{text}");
        }
    }
}
