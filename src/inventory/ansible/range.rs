//! Names of hosts as inventories of Ansible write them: with a port, and with ranges such as
//! `web[01:20].example.com` (Ansible's user guide, "Adding ranges of hosts").

use std::net::Ipv6Addr;

/// The most hosts one pattern may stand for.
const MOST: usize = 100_000;

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The hosts a pattern stands for, and the port behind it.
///
/// # Errors
/// A range that is none, and one of too many hosts.
pub fn hosts(pattern: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (host, port) = split_port(pattern).unwrap_or((pattern, None));
    // What is no host with a port is a name with a colon in it.
    let (host, port) = if is_address(host) { (host, port) } else { (pattern, None) };
    if port.is_none() && pattern.trim_end().ends_with(':') {
        return Err("ends in a colon without a port".to_string());
    }
    let mut found = Vec::new();
    expand(host, &mut found)?;
    Ok((found, port))
}

/// `HOST:PORT` or `[HOST]:PORT`.
fn split_port(pattern: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = pattern.rsplit_once(':')?;
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let port = port.parse().ok()?;
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return Some((inner, Some(port)));
    }
    // A colon outside of brackets is one of an address of IPv6.
    let mut depth = 0;
    for letter in host.chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            ':' if depth == 0 => return None,
            _ => {}
        }
    }
    (depth == 0).then_some((host, Some(port)))
}

/// Whether a text is a host name or an address, ranges in it aside.
fn is_address(text: &str) -> bool {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        let Some((inside, behind)) = behind.split_once(']') else { return false };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let letter = |part: &str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let parts: Vec<&str> = inside.split(':').collect();
        let bounds = matches!(parts.len(), 2 | 3) && parts[..2].iter().all(|part| digits(part) || letter(part));
        if !bounds {
            return false;
        }
        plain.push_str(before);
        plain.push('0');
        rest = behind;
    }
    plain.push_str(rest);
    let label = |label: &str| {
        let word = |letter: char| letter.is_alphanumeric() || letter == '_';
        label.starts_with(word)
            && label.chars().all(|letter| word(letter) || letter == '-')
            && !label.ends_with(['-', '_'])
    };
    plain.parse::<Ipv6Addr>().is_ok() || plain.split('.').all(label)
}

fn expand(pattern: &str, found: &mut Vec<String>) -> Result<(), String> {
    let Some((head, rest)) = pattern.split_once('[') else {
        if found.len() >= MOST {
            return Err(format!("stands for more than {MOST} hosts"));
        }
        found.push(pattern.to_string());
        return Ok(());
    };
    let Some((inside, tail)) = rest.split_once(']') else { return Err("has a [ without ]".to_string()) };
    let parts: Vec<&str> = inside.split(':').collect();
    let (begin, end, step) = match parts[..] {
        [begin, end] => (begin, end, "1"),
        [begin, end, step] => (begin, end, step),
        _ => return Err(format!("has [{inside}], which is no range; write [BEGIN:END] or [BEGIN:END:STEP]")),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return Err(format!("has the range [{inside}] without an end"));
    }
    let step: usize = match step.parse() {
        Ok(step @ 1..) => step,
        _ => return Err(format!("has the range [{inside}], whose step is no number above 0")),
    };
    let padded = begin.len() > 1 && begin.starts_with('0');
    if padded && begin.len() != end.len() {
        return Err(format!("has the range [{inside}], whose begin and end differ in length"));
    }
    let letter = |text: &str| match text.as_bytes() {
        [byte] => LETTERS.iter().position(|letter| letter == byte),
        _ => None,
    };
    let items: Vec<String> = match (letter(begin), letter(end)) {
        (Some(first), Some(last)) if first > last => {
            return Err(format!("has the range [{inside}], which ends before it begins"));
        }
        (Some(first), Some(last)) => {
            (first..=last).step_by(step).map(|number| char::from(LETTERS[number]).to_string()).collect()
        }
        _ => {
            let number =
                |text: &str| text.parse::<u64>().map_err(|_| format!("has the range [{inside}], which is none"));
            let (first, last) = (number(begin)?, number(end)?);
            if last.saturating_sub(first) / step as u64 >= MOST as u64 {
                return Err(format!("stands for more than {MOST} hosts"));
            }
            let width = if padded { begin.len() } else { 0 };
            (first..=last).step_by(step).map(|number| format!("{number:0width$}")).collect()
        }
    };
    for item in items {
        expand(&format!("{head}{item}{tail}"), found)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_hosts_with_ranges_and_ports() {
        let read = |pattern: &str| {
            let (hosts, port) = hosts(pattern).unwrap();
            format!("{} {port:?}", hosts.join(","))
        };
        assert_eq!(read("web"), "web None");
        assert_eq!(read("web[8:10].example.org"), "web8.example.org,web9.example.org,web10.example.org None");
        assert_eq!(read("web[01:03:2]"), "web01,web03 None");
        assert_eq!(read("db-[a:c]:2222"), "db-a,db-b,db-c Some(2222)");
        assert_eq!(read("r[1:2]n[a:b]"), "r1na,r1nb,r2na,r2nb None");
        assert_eq!(read("10.0.0.[:1]"), "10.0.0.0,10.0.0.1 None");
        assert_eq!(read("[::1]:22"), "::1 Some(22)");
        assert_eq!(read("fe80::1"), "fe80::1 None");
        assert_eq!(read("bad_:22"), "bad_:22 None");
        for wrong in [
            "w[1:",
            "w[a-f]",
            "w[1:]",
            "w[01:5]",
            "w[1:9:0]",
            "w[c:a]",
            "w[1:x]",
            "w[0:99999999]",
            "w:",
            "w[0:999][0:999]",
        ] {
            assert!(hosts(wrong).is_err(), "{wrong}");
        }
    }
}
