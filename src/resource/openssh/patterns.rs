//! Patterns of ssh_config(5) PATTERNS: `*` and `?`, comma-separated lists, `!` to
//! exclude, and addresses in CIDR form.

use std::net::IpAddr;

/// Whether a pattern fits the whole text; linear in practice, quadratic at worst.
pub fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star_p, star_t)) = star {
            p = star_p + 1;
            t = star_t + 1;
            star = Some((star_p, t));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether one of the patterns fits and none with `!` does.
pub fn any_fits<'p>(patterns: impl IntoIterator<Item = &'p str>, fits: impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(excluded) if fits(excluded) => return false,
            Some(_) => {}
            None => found |= fits(pattern),
        }
    }
    found
}

/// [`any_fits`] for a comma-separated list of patterns.
pub fn list_fits(list: &str, text: &str) -> bool {
    any_fits(list.split(','), |pattern| fits(pattern, text))
}

/// Whether an address is in a comma-separated list of addresses, CIDR ranges and
/// patterns.
pub fn address_fits(list: &str, address: IpAddr) -> bool {
    let text = address.to_string();
    any_fits(list.split(','), |pattern| in_range(pattern, address).unwrap_or_else(|| fits(pattern, &text)))
}

/// Whether an address is in `network/bits`; `None` when this is no range.
fn in_range(range: &str, address: IpAddr) -> Option<bool> {
    let (network, bits) = range.split_once('/')?;
    let bits: u32 = bits.parse().ok()?;
    match (network.parse().ok()?, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let shift = 32u32.checked_sub(bits)?;
            Some((network.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let shift = 128u32.checked_sub(bits)?;
            Some((network.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0)
        }
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_exclusions() {
        assert!(fits("*.example.?om", "www.example.com"));
        assert!(!fits("*.example.com", "example.com"));
        assert!(fits("a*b*c", "axxbxxbc"));
        assert!(list_fits("*,!root", "alice"));
        assert!(!list_fits("*,!root", "root"));
        assert!(!list_fits("!root", "alice"), "an exclusion alone fits nothing");
        assert!(!fits(&"*a".repeat(2000), &"a".repeat(1999)));
    }

    #[test]
    fn addresses_by_range() {
        let address = |text: &str| text.parse().unwrap();
        assert!(address_fits("10.0.0.0/8", address("10.2.3.4")));
        assert!(!address_fits("10.0.0.0/8,!10.2.0.0/16", address("10.2.3.4")));
        assert!(address_fits("0.0.0.0/0", address("1.2.3.4")));
        assert!(address_fits("fd00::/8", address("fd12::1")));
        assert!(!address_fits("0.0.0.0/0", address("::1")));
        assert!(address_fits("192.168.1.*", address("192.168.1.9")));
        assert!(!address_fits("10.0.0.0/99", address("10.0.0.1")));
    }
}
