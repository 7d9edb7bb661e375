//! The connection variables of one host, its groups' below its own.

use super::super::{Connection, SecretSource, transport::absolute};
use super::arguments;
use crate::error::Error;
use crate::target::{Container, Target};
use crate::transport::{HostKeyCheck, Secret, Tool};
use crate::yaml::{Data, Located, Map};
use std::path::Path;

/// What is looked at, each with the names it may have: of two in one place the first holds.
const NAMES: [(&str, &[&str]); 15] = [
    ("host", &["ansible_host", "ansible_ssh_host"]),
    ("port", &["ansible_port", "ansible_ssh_port"]),
    ("user", &["ansible_user", "ansible_ssh_user"]),
    ("key", &["ansible_ssh_private_key_file", "ansible_private_key_file"]),
    ("connection", &["ansible_connection"]),
    ("become", &["ansible_become"]),
    ("become_method", &["ansible_become_method"]),
    ("become_user", &["ansible_become_user"]),
    ("password", &["ansible_password", "ansible_ssh_password", "ansible_ssh_pass"]),
    ("become_password", &["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"]),
    ("common_args", &["ansible_ssh_common_args"]),
    ("extra_args", &["ansible_ssh_extra_args"]),
    ("host_key_checking", &["ansible_host_key_checking", "ansible_ssh_host_key_checking"]),
    ("pod", &["ansible_kubectl_pod"]),
    ("namespace", &["ansible_kubectl_namespace"]),
];

/// The variables that hold for one host.
pub struct Variables<'a> {
    host: &'a str,
    file: &'a Path,
    found: [Option<(&'static str, &'a Located)>; NAMES.len()],
    container: Option<(&'static str, &'a Located)>,
    notes: Vec<String>,
}

impl<'a> Variables<'a> {
    /// No variables yet.
    pub fn new(host: &'a str, file: &'a Path) -> Variables<'a> {
        Variables { host, file, found: [None; NAMES.len()], container: None, notes: Vec::new() }
    }

    /// Adds a stronger layer.
    pub fn add(&mut self, map: &'a Map) {
        let first =
            |names: &[&'static str]| names.iter().find_map(|name| map.get(*name).map(|field| (*name, &field.value)));
        for (slot, (_, names)) in self.found.iter_mut().zip(&NAMES) {
            *slot = first(names).or(*slot);
        }
        self.container = first(&["ansible_kubectl_container"]).or(self.container);
    }

    /// What was ignored.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// How the host is reached.
    ///
    /// # Errors
    /// A variable with a wrong value, a template, a vault, or a way there is none for.
    pub fn connection(&mut self) -> Result<(Target, Connection), Error> {
        let mut connection = Connection::default();
        let target = self.target()?;
        connection.user = self.text("user")?;
        if matches!(target, Target::Ssh { .. }) {
            connection.port = self.port()?;
        }
        if let Some(key) = self.text("key")? {
            let path = absolute(self.file, &key).map_err(|message| self.error("key", &message))?;
            connection.identities = Some(vec![path]);
        }
        connection.password = self.secret("password")?;
        if self.flag("host_key_checking")? == Some(false) {
            connection.host_key_check = Some(HostKeyCheck::Off);
        }
        if self.flag("become")? == Some(true) {
            let method = self.text("become_method")?;
            let tool = match method.as_deref().unwrap_or("sudo") {
                "sudo" | "ansible.builtin.sudo" => Tool::Sudo,
                "su" | "ansible.builtin.su" => Tool::Su,
                "doas" | "community.general.doas" => Tool::Doas,
                other => return Err(self.error("become_method", &format!("is {other}; sudo, su and doas are known"))),
            };
            connection.privilege = Some(Some(tool));
            connection.privilege_user = self.text("become_user")?;
            connection.privilege_password = self.secret("become_password")?;
        }
        for key in ["common_args", "extra_args"] {
            let Some(text) = self.text(key)? else { continue };
            let read = arguments::read(&text).map_err(|what| self.error(key, what))?;
            if !read.jumps.is_empty() {
                connection.jumps = Some(read.jumps);
            }
            let name = self.get(key).map_or(key, |(name, _)| name);
            self.notes.extend(read.ignored.iter().map(|option| format!("{name}: {option} is ignored")));
        }
        Ok((target, connection))
    }

    fn target(&self) -> Result<Target, Error> {
        let host = self.text("host")?;
        let name = host.as_deref().unwrap_or(self.host);
        let way = self.text("connection")?;
        let uri = match way.as_deref().unwrap_or("ssh") {
            "ssh" | "smart" | "paramiko" | "paramiko_ssh" | "ansible.builtin.ssh" | "ansible.builtin.paramiko_ssh" => {
                match name.contains(':') {
                    true => format!("ssh://[{name}]"),
                    false => format!("ssh://{name}"),
                }
            }
            "local" | "ansible.builtin.local" => return Ok(Target::Local),
            "docker" | "community.docker.docker" | "community.docker.docker_api" => format!("docker://{name}"),
            "podman" | "containers.podman.podman" => format!("podman://{name}"),
            "kubectl" | "kubernetes.core.kubectl" | "community.kubernetes.kubectl" => {
                let pod = self.text("pod")?.unwrap_or_else(|| name.to_string());
                let namespace = self.text("namespace")?;
                let container = match self.container {
                    Some((variable, value)) => Some(self.plain(variable, value)?),
                    None => None,
                };
                return Ok(Target::Container(Container::Kubectl { namespace, pod, container }));
            }
            other => {
                let error = self.error("connection", &format!("is {other}, for which there is no transport"));
                return Err(
                    error.hint("ssh, local, docker, podman and kubectl are known; leave the host out with --nodes")
                );
            }
        };
        uri.parse().map_err(|error: Error| {
            let key = if host.is_some() { "host" } else { "connection" };
            self.error(key, &format!("gives no target: {}", error.message))
        })
    }

    fn get(&self, key: &str) -> Option<(&'static str, &'a Located)> {
        let at = NAMES.iter().position(|(name, _)| *name == key)?;
        // A null unsets what a group says.
        self.found[at].filter(|(_, value)| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        let Some((name, value)) = self.get(key) else { return Ok(None) };
        let text = self.plain(name, value)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn plain(&self, name: &str, value: &Located) -> Result<String, Error> {
        let value = refuse_unreadable(self.host, name, value)?;
        let text = match &value.value {
            Data::Str(text) => text.clone(),
            Data::Int(number) => number.to_string(),
            _ => return Err(about(self.host, name, value, &format!("is {}, not a string", value.type_name()))),
        };
        match text.contains(char::is_control) {
            true => Err(about(self.host, name, value, "holds a control character")),
            false => Ok(text),
        }
    }

    fn port(&self) -> Result<Option<u16>, Error> {
        let Some(text) = self.text("port")? else { return Ok(None) };
        match text.parse::<u16>() {
            Ok(port @ 1..) => Ok(Some(port)),
            _ => Err(self.error("port", "is not a number from 1 to 65535")),
        }
    }

    /// A boolean as Ansible reads one.
    fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        let Some((name, value)) = self.get(key) else { return Ok(None) };
        let value = refuse_unreadable(self.host, name, value)?;
        match &value.value {
            Data::Bool(on) => Ok(Some(*on)),
            Data::Int(number @ (0 | 1)) => Ok(Some(*number == 1)),
            Data::Str(text) => match text.to_ascii_lowercase().as_str() {
                "yes" | "true" | "on" | "y" | "t" | "1" => Ok(Some(true)),
                "no" | "false" | "off" | "n" | "f" | "0" | "" => Ok(Some(false)),
                _ => Err(self.error(key, "is neither true nor false")),
            },
            _ => Err(self.error(key, "is neither true nor false")),
        }
    }

    fn secret(&self, key: &str) -> Result<Option<SecretSource>, Error> {
        let Some((name, value)) = self.get(key) else { return Ok(None) };
        let value = refuse_unreadable(self.host, name, value)?;
        match &value.value {
            Data::Str(text) if text.is_empty() => Ok(None),
            Data::Str(text) => Ok(Some(SecretSource::Given(Secret::new(text.as_str())))),
            Data::Int(number) => Ok(Some(SecretSource::Given(Secret::new(number.to_string())))),
            _ => Err(about(self.host, name, value, &format!("is {}, not a string", value.type_name()))),
        }
    }

    /// An error about what holds for `key`. It never shows a value that may be a secret.
    fn error(&self, key: &str, what: &str) -> Error {
        match self.get(key) {
            Some((name, value)) => about(self.host, name, value, what),
            None => Error::usage(format!("{key} of {} {what}", self.host)).in_file(self.file),
        }
    }
}

fn about(host: &str, variable: &str, value: &Located, what: &str) -> Error {
    Error::usage(format!("{variable} of {host} {what}")).at(value.place.clone())
}

/// The value itself, unless only Ansible itself can read it.
fn refuse_unreadable<'a>(host: &str, name: &str, value: &'a Located) -> Result<&'a Located, Error> {
    // What is said to be no template.
    if let Some(field) = value.as_map().filter(|map| map.len() == 1).and_then(|map| map.get("__ansible_unsafe")) {
        return Ok(&field.value);
    }
    if has_vault(value) {
        let error = about(host, name, value, "is encrypted with ansible-vault");
        return Err(error.hint("give it with a flag instead, such as --ssh-password-env or --sudo-password-env"));
    }
    if value.as_str().is_some_and(|text| text.contains("{{") || text.contains("{%")) {
        let error = about(host, name, value, "is a template, which only Ansible can render");
        return Err(error.hint("write its value, or give it with a flag"));
    }
    Ok(value)
}

/// Whether a value, or one in it, is what ansible-vault makes of a text.
pub fn has_vault(value: &Located) -> bool {
    match &value.value {
        Data::Str(text) => text.trim_start().starts_with("$ANSIBLE_VAULT;"),
        Data::List(items) => items.iter().any(has_vault),
        Data::Map(map) => map.contains_key("__ansible_vault") || map.values().any(|field| has_vault(&field.value)),
        _ => false,
    }
}
