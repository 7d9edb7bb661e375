//! The section `transport` of Probity's inventory: connection options of a node or group.

use super::{Connection, Named, SecretSource};
use crate::error::{Error, did_you_mean};
use crate::transport::{HostKeyCheck, Tool};
use crate::value::duration::milliseconds;
use crate::yaml::{Data, Document, Field, Located};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The keys, named as the flags of `probity exec` are.
pub const KEYS: [&str; 18] = [
    "user",
    "port",
    "identity",
    "jump",
    "ssh_config",
    "known_hosts",
    "host_key_check",
    "password",
    "passphrase",
    "sudo",
    "su",
    "doas",
    "sudo_user",
    "sudo_password",
    "connect_timeout",
    "batch_timeout",
    "node_timeout",
    "retries",
];

/// Reads the section.
///
/// # Errors
/// Every key that is unknown or has a wrong value.
pub fn read(document: &Document, section: &Located) -> Result<Connection, Vec<Error>> {
    let mut connection = Connection::default();
    if section.is_null() {
        return Ok(connection);
    }
    let fields = document.fields(section, "transport", &KEYS).map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    let mut tools: Vec<(&str, bool, &Field)> = Vec::new();
    for (key, field) in fields {
        let value = &field.value;
        let wrong = |what: &str| document.error(&value.place, format!("{key} is {}, not {what}", value.type_name()));
        let text = || match value.as_str() {
            Some(text) if !text.trim().is_empty() && !text.contains(char::is_control) => Ok(text.to_string()),
            Some(_) => Err(document.error(&value.place, format!("{key} is empty or holds a control character"))),
            None => Err(wrong("a string")),
        };
        let done = match key.as_str() {
            "user" => text().map(|text| connection.user = Some(text)),
            "sudo_user" => text().map(|text| connection.privilege_user = Some(text)),
            "port" => match value.value {
                Data::Int(port @ 1..=65535) => {
                    connection.port = u16::try_from(port).ok();
                    Ok(())
                }
                _ => Err(document.error(&value.place, "port is a number from 1 to 65535")),
            },
            "identity" => paths(document, key, value).map(|paths| connection.identities = Some(paths)),
            "known_hosts" => paths(document, key, value).map(|paths| connection.known_hosts = Some(paths)),
            "jump" => texts(document, key, value).map(|hosts| {
                let hosts = hosts.iter().flat_map(|hosts| hosts.split(','));
                connection.jumps = Some(hosts.map(|host| host.trim().to_string()).collect());
            }),
            "ssh_config" if value.as_str() == Some("none") => {
                connection.ssh_config = Some(PathBuf::from("none"));
                Ok(())
            }
            "ssh_config" => text().and_then(|text| {
                connection.ssh_config = Some(path(document, value, &text)?);
                Ok(())
            }),
            "host_key_check" => text().and_then(|text| {
                connection.host_key_check = Some(host_key_check(&text).ok_or_else(|| {
                    let error = document.error(&value.place, format!("there is no host_key_check {text}"));
                    error.hint(did_you_mean(&text, HOST_KEY_CHECKS))
                })?);
                Ok(())
            }),
            "password" => secret(document, key, field).map(|source| connection.password = Some(source)),
            "passphrase" => secret(document, key, field).map(|source| connection.passphrase = Some(source)),
            "sudo_password" => secret(document, key, field).map(|source| connection.privilege_password = Some(source)),
            "sudo" | "su" | "doas" => match value.value {
                Data::Bool(on) => {
                    tools.push((key, on, field));
                    Ok(())
                }
                _ => Err(wrong("true or false")),
            },
            "connect_timeout" => duration(document, key, value).map(|time| connection.connect_timeout = Some(time)),
            "batch_timeout" => duration(document, key, value).map(|time| connection.batch_timeout = Some(time)),
            "node_timeout" => duration(document, key, value).map(|time| connection.node_timeout = Some(time)),
            "retries" => match value.value {
                Data::Int(times @ 0..=100) => {
                    connection.retries = u32::try_from(times).ok();
                    Ok(())
                }
                _ => Err(document.error(&value.place, "retries is a number from 0 to 100")),
            },
            // Whatever is not in KEYS was refused above.
            _ => Ok(()),
        };
        errors.extend(done.err());
    }
    let on: Vec<_> = tools.iter().filter(|(_, on, _)| *on).collect();
    match on[..] {
        [] if tools.is_empty() => {}
        [] => connection.privilege = Some(None),
        [(tool, ..)] => connection.privilege = Some(Some(tool_of(tool))),
        [(first, ..), (second, _, field), ..] => {
            errors.push(document.error(&field.key, format!("{first} and {second} exclude each other")));
        }
    }
    if errors.is_empty() { Ok(connection) } else { Err(errors) }
}

/// The words of `host_key_check`.
pub const HOST_KEY_CHECKS: [&str; 3] = ["strict", "accept-new", "off"];

fn host_key_check(word: &str) -> Option<HostKeyCheck> {
    match word {
        "strict" => Some(HostKeyCheck::Strict),
        "accept-new" => Some(HostKeyCheck::AcceptNew),
        "off" => Some(HostKeyCheck::Off),
        _ => None,
    }
}

fn tool_of(key: &str) -> Tool {
    match key {
        "su" => Tool::Su,
        "doas" => Tool::Doas,
        _ => Tool::Sudo,
    }
}

/// One text or a list of them.
fn texts(document: &Document, key: &str, value: &Located) -> Result<Vec<String>, Error> {
    let items = match &value.value {
        Data::List(items) => items.iter().collect(),
        _ => vec![value],
    };
    let text = |item: &Located| match item.as_str() {
        Some(text) if !text.trim().is_empty() && !text.contains(char::is_control) => Ok(text.to_string()),
        _ => Err(document.error(&item.place, format!("{key} is a string or a list of strings"))),
    };
    items.into_iter().map(text).collect()
}

fn paths(document: &Document, key: &str, value: &Located) -> Result<Vec<PathBuf>, Error> {
    texts(document, key, value)?.iter().map(|text| path(document, value, text)).collect()
}

/// A path as a person writes it: `~/` is the home folder, and what is not absolute is
/// relative to the inventory's own folder.
fn path(document: &Document, value: &Located, text: &str) -> Result<PathBuf, Error> {
    absolute(document.file(), text).map_err(|message| document.error(&value.place, message))
}

/// As [`path`], for a text of the file `inventory`.
pub fn absolute(inventory: &Path, text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match std::env::var_os("HOME") {
            Some(home) if !home.is_empty() => Ok(PathBuf::from(home).join(rest.trim_start_matches('/'))),
            _ => Err(format!("{text} cannot be found: HOME is not set")),
        },
        Some(_) => Err(format!("{text} is another user's home: write the path in full")),
        None => Ok(inventory.parent().unwrap_or(Path::new("")).join(text)),
    }
}

/// `{ env: VARIABLE }` or `{ file: PATH }`. No error shows the source line: a password that
/// was written out stands there.
fn secret(document: &Document, key: &str, field: &Field) -> Result<SecretSource, Error> {
    let value = &field.value;
    let form = format!("write {key}: {{ env: VARIABLE }} or {key}: {{ file: PATH }}");
    let Some(map) = value.as_map() else {
        let error = Error::usage(format!("{key} is written out, and whoever reads the inventory reads it"));
        return Err(error.at(value.place.clone()).hint(form));
    };
    let mut entries = map.iter();
    let (Some((kind, named)), None) = (entries.next(), entries.next()) else {
        return Err(Error::usage(format!("{key} is read from one place")).at(value.place.clone()).hint(form));
    };
    let place = Named::At(named.value.place.clone());
    match (kind.as_str(), named.value.as_str()) {
        ("env", Some(variable)) if !variable.is_empty() => Ok(SecretSource::Variable(variable.to_string(), place)),
        ("file", Some(text)) if !text.is_empty() => Ok(SecretSource::File(path(document, &named.value, text)?, place)),
        _ => Err(Error::usage(format!("{key} names neither a variable nor a file")).at(named.key.clone()).hint(form)),
    }
}

fn duration(document: &Document, key: &str, value: &Located) -> Result<Duration, Error> {
    match milliseconds(&value.to_value()) {
        Some(time @ 1..) => Ok(Duration::from_millis(time)),
        _ => Err(document
            .error(&value.place, format!("{key} is no length of time"))
            .hint("write a number with a unit, such as 500ms, 10s, 2m or 1h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Connection, String> {
        let document = Document::parse("site/n.yml", text.as_bytes()).unwrap();
        read(&document, &document.root)
            .map_err(|errors| errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn every_key_says_something() {
        let nothing = format!("{:?}", Connection::default());
        for key in KEYS {
            let values = ["x", "22", "true", "strict", "{ env: X }", "10s"];
            let read = values.iter().find_map(|value| read_text(&format!("{key}: {value}")).ok());
            assert_ne!(format!("{:?}", read.expect(key)), nothing, "{key}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_inventory() {
        let read = read_text("identity: [keys/ops, /abs/key]\nssh_config: none\nknown_hosts: hosts\n").unwrap();
        assert_eq!(read.identities.unwrap(), [PathBuf::from("site/keys/ops"), PathBuf::from("/abs/key")]);
        assert_eq!(read.ssh_config.unwrap(), PathBuf::from("none"));
        assert_eq!(read.known_hosts.unwrap(), [PathBuf::from("site/hosts")]);
        assert_eq!(read_text("jump: 'a, ops@b:22'").unwrap().jumps.unwrap(), ["a", "ops@b:22"]);
        assert!(read_text("identity: ~root/key").unwrap_err().contains("another user's home"));
    }

    #[test]
    fn a_password_that_is_written_out_is_refused_and_not_shown() {
        for key in ["password", "passphrase", "sudo_password"] {
            let error = read_text(&format!("{key}: hunter2")).unwrap_err();
            assert!(error.contains("n.yml:1:") && error.contains("{ env: VARIABLE }"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
            for wrong in ["{ env: A, file: b }", "{}", "{ evn: A }", "[a]", "{ env: 4 }", "{ env: '' }"] {
                assert!(read_text(&format!("{key}: {wrong}")).is_err(), "{wrong}");
            }
        }
        let file = read_text("sudo_password: { file: secrets/sudo }").unwrap().privilege_password.unwrap();
        assert!(matches!(file, SecretSource::File(path, _) if path == Path::new("site/secrets/sudo")));
    }

    #[test]
    fn one_tool_makes_another_user() {
        assert_eq!(read_text("sudo: true\nsu: false").unwrap().privilege, Some(Some(Tool::Sudo)));
        assert_eq!(read_text("doas: true").unwrap().privilege, Some(Some(Tool::Doas)));
        assert_eq!(read_text("sudo: false").unwrap().privilege, Some(None));
        assert_eq!(read_text("user: ops").unwrap().privilege, None);
        assert!(read_text("sudo: true\nsu: true").unwrap_err().contains("exclude each other"));
        assert!(read_text("sudo: 'yes'").unwrap_err().contains("true or false"));
    }

    #[test]
    fn wrong_values_are_all_told() {
        let error =
            read_text("port: 0\nhost_key_check: of\nretries: -1\nconnect_timeout: soon\nbatch_timeout: 0\nuser: 5\n")
                .unwrap_err();
        for part in ["1 to 65535", "did you mean off?", "0 to 100", "500ms, 10s", "user is an integer"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert_eq!(error.matches("no length of time").count(), 2, "{error}");
        assert!(read_text("usr: x").unwrap_err().contains("did you mean user?"));
        assert!(read_text("user: \"a\\nb\"").unwrap_err().contains("control character"));
    }
}
