//! Ansible's inventory in YAML (its plugin `ansible.builtin.yaml`), and the YAML of its files of
//! variables.

use super::super::groups::Draft;
use super::{take_host, take_name};
use crate::error::Error;
use crate::error::Place;
use crate::yaml::{Data, Dialect, Document, Field, Located, Map};
use std::path::Path;
use std::sync::Arc;

/// The keys of a group.
const KEYS: [&str; 3] = ["hosts", "vars", "children"];

/// YAML as Ansible reads it: that of version 1.1, with values that are encrypted or no templates.
pub struct AnsibleYaml;

impl Dialect for AnsibleYaml {
    fn plain(&self, text: &str) -> Option<Data> {
        Some(plain(text))
    }

    fn tagged(&self, tag: &str, text: &str, place: &Place) -> Option<Data> {
        let key = match tag {
            "!vault" | "!vault-encrypted" => "__ansible_vault",
            "!unsafe" => "__ansible_unsafe",
            _ => return None,
        };
        // As ansible-inventory prints them.
        let value = Located::new(Data::Str(text.to_string()), place.clone());
        Some(Data::Map(Map::from_iter([(key.to_string(), Field { key: place.clone(), value })])))
    }

    fn merges(&self) -> bool {
        true
    }
}

/// Parses such a text. It may hold passwords: no error shows a line of it.
///
/// # Errors
/// As [`Document::parse`].
pub fn document(file: &Path, bytes: &[u8]) -> Result<Document, Error> {
    match Document::parse_as(file, bytes, &AnsibleYaml) {
        Ok(document) => Ok(Document::of(document.root)),
        Err(error) => Err(Error { source_line: None, ..error }),
    }
}

/// Whether a document looks like an inventory of Ansible: a map of groups.
pub fn is_one(root: &Located) -> bool {
    let Some(map) = root.as_map() else { return false };
    map.contains_key("all")
        || map.values().any(|field| {
            field.value.as_map().is_some_and(|group| group.contains_key("hosts") || group.contains_key("vars"))
        })
}

/// Reads such an inventory. What is wrong is among the draft's errors.
///
/// # Errors
/// It is no map of groups.
pub fn read(document: Document) -> Result<Draft, Vec<Error>> {
    let document = Arc::new(document);
    let root = &document.root;
    let wrong = |message: &str| Err(vec![document.error(&root.place, message)]);
    let groups = match &root.value {
        Data::Null => return Ok(Draft::default()),
        Data::Map(groups) => groups,
        _ => return wrong(&format!("the inventory is {}, not a map of groups", root.type_name())),
    };
    if let Some(plugin) = groups.get("plugin") {
        let error = document.error(&plugin.key, "is the configuration of a plugin of Ansible, not an inventory");
        let file = document.file().display();
        return Err(vec![error.hint(format!("command: [ansible-inventory, -i, {file}, --list] reads what it gives"))]);
    }
    let mut draft = Draft { documents: vec![document.clone()], ..Draft::default() };
    for (name, field) in groups {
        group(&document, &mut draft, name, field);
    }
    super::group_the_rest(&mut draft);
    Ok(draft)
}

fn group(document: &Document, draft: &mut Draft, name: &str, field: &Field) {
    let wrong = |place: &Place, message: String| document.error(place, message);
    if let Err(message) = take_name("group", name) {
        return draft.errors.push(wrong(&field.key, message));
    }
    draft.group(name, &field.key);
    let map = match &field.value.value {
        Data::Null => return,
        Data::Map(map) => map,
        _ => {
            let message = format!("the group {name} is {}, not a map", field.value.type_name());
            return draft.errors.push(wrong(&field.value.place, message));
        }
    };
    for (key, section) in map {
        if !KEYS.contains(&key.as_str()) {
            draft.notes.push(format!("{}: the key {key} of the group {name} is none of Ansible's", section.key));
            continue;
        }
        let alone;
        let entries = match &section.value.value {
            Data::Null => continue,
            Data::Map(entries) => entries,
            // A name alone.
            Data::Str(text) => {
                let null = Located::new(Data::Null, section.value.place.clone());
                alone = Map::from_iter([(text.clone(), Field { key: section.value.place.clone(), value: null })]);
                &alone
            }
            _ => {
                let message = format!("{key} of the group {name} is {}, not a map", section.value.type_name());
                draft.errors.push(wrong(&section.value.place, message));
                continue;
            }
        };
        match key.as_str() {
            "vars" => draft.group(name, &field.key).ansible.add(entries.clone()),
            "hosts" => {
                for (pattern, host) in entries {
                    let variables = match &host.value.value {
                        Data::Map(variables) => variables.clone(),
                        Data::Null => Map::new(),
                        _ => {
                            let message = format!("the host {pattern} is {}, not a map", host.value.type_name());
                            draft.errors.push(wrong(&host.value.place, message));
                            continue;
                        }
                    };
                    if let Err(message) = take_host(draft, name, pattern, variables, &host.key) {
                        draft.errors.push(wrong(&host.key, message));
                    }
                }
            }
            _ => {
                for (child, below) in entries {
                    group(document, draft, child, below);
                    if name != super::ALL && take_name("group", child).is_ok() {
                        draft.group(name, &field.key).children.push((child.clone(), below.key.clone()));
                    }
                }
            }
        }
    }
}

/// A plain scalar by YAML 1.1 as PyYAML reads it: `yes` and `off` are booleans, `0755` is octal,
/// `1:30` counts by sixties.
fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Data::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Data::Bool(false),
        _ => {}
    }
    integer(text).map(Data::Int).or_else(|| float(text).map(Data::Float)).unwrap_or(Data::Str(text.to_string()))
}

fn signed(text: &str) -> (i64, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn integer(text: &str) -> Option<i64> {
    let (sign, rest) = signed(text);
    let first = *rest.as_bytes().first()?;
    let of_base = |digits: &str, base: u32| {
        let plain: String = digits.chars().filter(|letter| *letter != '_').collect();
        let known = !digits.is_empty() && plain.chars().all(|letter| letter.is_digit(base));
        known.then(|| i64::from_str_radix(&plain, base).ok()).flatten()
    };
    let number = match rest {
        "0" => 0,
        _ if rest.starts_with("0b") => of_base(&rest[2..], 2)?,
        _ if rest.starts_with("0x") => of_base(&rest[2..], 16)?,
        _ if first == b'0' => of_base(&rest[1..], 8)?,
        _ if !first.is_ascii_digit() => return None,
        _ => {
            let mut parts = rest.split(':');
            let mut number = of_base(parts.next()?, 10)?;
            for part in parts {
                number = number.checked_mul(60)?.checked_add(sixty(part)?)?;
            }
            number
        }
    };
    Some(sign * number)
}

/// A digit of a number by sixties.
fn sixty(part: &str) -> Option<i64> {
    let known = matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    known.then(|| part.parse().ok()).flatten().filter(|number| *number < 60)
}

fn float(text: &str) -> Option<f64> {
    let (sign, rest) = signed(text);
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(f64::INFINITY * sign as f64),
        ".nan" | ".NaN" | ".NAN" if text == rest => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    // Without digits before the point there is no sign, and one behind it.
    let begins = match whole.as_bytes().first() {
        None => fraction.starts_with(|letter: char| letter.is_ascii_digit()) && text == rest,
        Some(first) => first.is_ascii_digit(),
    };
    let power = |text: &str| {
        let behind = text.strip_prefix(['-', '+']).unwrap_or("");
        !behind.is_empty() && behind.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !begins || !digits(fraction) || !exponent.is_none_or(power) {
        return None;
    }
    if whole.contains(':') {
        let mut parts = whole.split(':');
        let mut number: f64 = parts.next()?.replace('_', "").parse().ok()?;
        for part in parts {
            number = number * 60.0 + sixty(part)? as f64;
        }
        let fraction: f64 = format!("0.{}0", fraction.replace('_', "")).parse().ok()?;
        return exponent.is_none().then_some(sign as f64 * (number + fraction));
    }
    let plain = format!("0{}.{}0e{}", whole, fraction, exponent.unwrap_or("0")).replace('_', "");
    digits(whole).then(|| plain.parse::<f64>().ok())?.map(|number| sign as f64 * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_those_of_yaml_1_1() {
        for (text, expected) in [
            ("yes", "true"),
            ("Off", "false"),
            ("y", "\"y\""),
            ("~", "nothing"),
            ("0755", "493"),
            ("08", "\"08\""),
            ("0", "0"),
            ("-12", "-12"),
            ("1_000", "1000"),
            ("0x1F", "31"),
            ("0b101", "5"),
            ("0o17", "\"0o17\""),
            ("1:30", "90"),
            ("22:22", "1342"),
            ("1:99", "\"1:99\""),
            ("1.5", "1.5"),
            ("5.", "5.0"),
            (".5", "0.5"),
            ("-.5", "\"-.5\""),
            ("1e3", "\"1e3\""),
            ("1.0e+3", "1000.0"),
            ("1.0e3", "\"1.0e3\""),
            ("1:30.5", "90.5"),
            ("10.0.0.1", "\"10.0.0.1\""),
            ("2024-01-01", "\"2024-01-01\""),
            ("-", "\"-\""),
            ("+", "\"+\""),
            (".", "\".\""),
            ("_1", "\"_1\""),
        ] {
            assert_eq!(Located::new(plain(text), Place::file("x")).to_value().to_string(), expected, "{text}");
        }
    }
}
