//! Machines of Vagrant, as `vagrant ssh-config` prints them: in the format of ssh_config(5).

use super::groups::{Draft, DraftNode};
use super::refuse_name;
use crate::error::{Error, Place, did_you_mean};
use crate::target::Target;
use crate::transport::HostKeyCheck;
use std::path::{Path, PathBuf};

/// Keywords that say nothing a key and a host do not say here.
const IMPLIED: [&str; 9] = [
    "passwordauthentication",
    "identitiesonly",
    "loglevel",
    "forwardagent",
    "forwardx11",
    "preferredauthentications",
    "pubkeyacceptedkeytypes",
    "pubkeyacceptedalgorithms",
    "hostkeyalgorithms",
];

/// Keywords that are taken.
const TAKEN: [&str; 8] =
    ["HostName", "User", "Port", "IdentityFile", "UserKnownHostsFile", "StrictHostKeyChecking", "ProxyJump", "Host"];

/// Whether a text is such output: its first line names a host, and what follows is indented.
pub fn is_one(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let host = lines.next().is_some_and(|line| line.strip_prefix("Host ").is_some_and(|name| !name.trim().is_empty()));
    host && lines.next().is_some_and(|line| line.starts_with([' ', '\t']) && line.trim_start().starts_with("HostName"))
}

/// Reads it. What is wrong is among the draft's errors.
pub fn read(file: &Path, text: &str) -> Draft {
    let mut draft = Draft::default();
    let mut open: Option<Open> = None;
    for (number, line) in text.lines().enumerate() {
        let place = Place::line(file, number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (keyword, value) = line.split_once([' ', '\t', '=']).unwrap_or((line, ""));
        let value = value.trim().trim_matches('"');
        if keyword.eq_ignore_ascii_case("host") {
            draft.close(open.take());
            open = match refuse_name(value) {
                Ok(()) => Some(Open {
                    name: value.to_string(),
                    node: DraftNode::new(value, place),
                    host: None,
                    port: None,
                    user: None,
                }),
                Err(why) => {
                    draft.errors.push(Error::usage(format!("the name of the machine {value:?} {why}")).at(place));
                    None
                }
            };
            continue;
        }
        let Some(machine) = &mut open else {
            // Lines of a machine whose name was refused are told of no more.
            if draft.errors.is_empty() {
                let error = Error::usage("is not what vagrant ssh-config prints: there is no Host before this line");
                draft.errors.push(error.at(place));
            }
            continue;
        };
        match machine.take(keyword, value) {
            Ok(None) => {}
            Ok(Some(note)) => draft.notes.push(format!("{note} ({})", machine.name)),
            Err((message, hint)) => draft.errors.push(Error::usage(message).at(place).hint(hint)),
        }
    }
    draft.close(open);
    draft
}

/// A machine whose lines are being read.
struct Open {
    name: String,
    node: DraftNode,
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
}

impl Open {
    /// Takes one line; gives a note where it is not honoured.
    fn take(&mut self, keyword: &str, value: &str) -> Result<Option<String>, (String, String)> {
        let connection = &mut self.node.connection;
        match keyword.to_ascii_lowercase().as_str() {
            "hostname" => self.host = Some(value.to_string()),
            "user" => self.user = Some(value.to_string()),
            "port" => match value.parse() {
                Ok(port @ 1..) => self.port = Some(port),
                _ => {
                    return Err((
                        "Port is a number from 1 to 65535".to_string(),
                        "run vagrant ssh-config again".to_string(),
                    ));
                }
            },
            "identityfile" => connection.identities.get_or_insert_default().push(PathBuf::from(value)),
            "userknownhostsfile" => {
                connection.known_hosts = Some(value.split_whitespace().map(PathBuf::from).collect())
            }
            "stricthostkeychecking" => {
                connection.host_key_check = Some(match value {
                    "no" | "off" => HostKeyCheck::Off,
                    "accept-new" => HostKeyCheck::AcceptNew,
                    _ => HostKeyCheck::Strict,
                });
            }
            "proxyjump" if value != "none" => {
                connection.jumps = Some(value.split(',').map(|host| host.trim().to_string()).collect());
            }
            "proxyjump" => {}
            word if IMPLIED.contains(&word) => {}
            _ if !keyword.is_empty()
                && keyword.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && !value.is_empty() =>
            {
                return Ok(Some(format!("{keyword} is ignored")));
            }
            _ => return Err(("is not what vagrant ssh-config prints".to_string(), did_you_mean(keyword, TAKEN))),
        }
        Ok(None)
    }
}

impl Draft {
    /// Adds a machine whose lines are read.
    fn close(&mut self, open: Option<Open>) {
        let Some(Open { name, mut node, host, port, user }) = open else { return };
        let host = host.unwrap_or_else(|| name.clone());
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host };
        let user = user.map_or(String::new(), |user| format!("{user}@"));
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        match format!("ssh://{user}{bracketed}{port}").parse::<Target>() {
            Ok(target) => node.target = target,
            Err(error) => {
                let message = format!("the machine {name} gives no target: {}", error.message);
                return self.errors.push(Error::usage(message).at(node.place));
            }
        }
        let place = node.place.clone();
        if self.nodes.insert(name.as_str().into(), node).is_some() {
            self.errors.push(Error::usage(format!("the machine {name} is there twice")).at(place));
        }
    }
}
