//! The nodes of earlier stages, for provisioners that work on them.

use crate::target::{Container, Target};
use crate::transport::{HostKeyCheck, Options, Tool};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write;
use std::sync::Arc;

/// A node of an earlier stage, and how it is reached.
#[derive(Debug, Clone)]
pub struct SceneNode {
    pub name: Arc<str>,
    pub target: Target,
    pub options: Options,
    pub groups: Vec<Arc<str>>,
}

/// An inventory of Ansible, in JSON: passwords are in it.
///
/// The variables are those of
/// <https://docs.ansible.com/ansible/latest/inventory_guide/connection_details.html>. For containers
/// and mounted systems Ansible needs the collections its own connections are in.
pub fn ansible_inventory(nodes: &[SceneNode]) -> Json {
    let mut hosts = Map::new();
    let mut children: Map<String, Json> = Map::new();
    for node in nodes {
        // A recording cannot be changed.
        let Some(variables) = variables(node) else { continue };
        hosts.insert(node.name.to_string(), Json::Object(variables));
        for group in node.groups.iter().filter(|group| &***group != "all") {
            let group = children.entry(group.to_string()).or_insert_with(|| json!({"hosts": {}}));
            group["hosts"][&*node.name] = json!({});
        }
    }
    json!({"all": {"hosts": hosts, "children": children}})
}

fn variables(node: &SceneNode) -> Option<Map<String, Json>> {
    let options = &node.options;
    let mut all = Map::new();
    let mut set = |name: &str, value: Json| drop(all.insert(name.to_string(), value));
    match &node.target {
        Target::Local => {
            set("ansible_connection", json!("local"));
            // As Ansible does for the localhost it knows by itself.
            set("ansible_python_interpreter", json!("{{ ansible_playbook_python }}"));
        }
        Target::Recording(_) => return None,
        Target::RootFs(path) => {
            set("ansible_connection", json!("community.general.chroot"));
            set("ansible_host", json!(path));
        }
        Target::Container(Container::Docker { name }) => {
            set("ansible_connection", json!("community.docker.docker"));
            set("ansible_host", json!(name));
        }
        Target::Container(Container::Podman { name }) => {
            set("ansible_connection", json!("containers.podman.podman"));
            set("ansible_host", json!(name));
        }
        Target::Container(Container::Kubectl { namespace, pod, container }) => {
            set("ansible_connection", json!("kubernetes.core.kubectl"));
            set("ansible_kubectl_pod", json!(pod));
            for (name, value) in [("ansible_kubectl_namespace", namespace), ("ansible_kubectl_container", container)] {
                if let Some(value) = value {
                    set(name, json!(value));
                }
            }
        }
        Target::Ssh { user, host, port } => {
            set("ansible_host", json!(host));
            if let Some(port) = port.or(options.port) {
                set("ansible_port", json!(port));
            }
            if let Some(user) = user.as_ref().or(options.user.as_ref()) {
                set("ansible_user", json!(user));
            }
            if let Some(key) = options.identities.first() {
                set("ansible_ssh_private_key_file", json!(key));
            }
            if let Some(password) = &options.password {
                set("ansible_password", json!(password.reveal()));
            }
            let arguments = ssh_arguments(options);
            if !arguments.is_empty() {
                set("ansible_ssh_common_args", json!(arguments));
            }
        }
    }
    if let Some(privilege) = &options.privilege {
        set("ansible_become", json!(true));
        set(
            "ansible_become_method",
            json!(match privilege.tool {
                Tool::Sudo => "sudo",
                Tool::Su => "su",
                // Not part of Ansible itself.
                Tool::Doas => "community.general.doas",
            }),
        );
        if let Some(user) = &privilege.user {
            set("ansible_become_user", json!(user));
        }
        if let Some(password) = &privilege.password {
            set("ansible_become_password", json!(password.reveal()));
        }
    }
    Some(all)
}

/// What ssh(1) is told besides; Ansible splits it as a shell would.
fn ssh_arguments(options: &Options) -> String {
    let mut arguments = String::new();
    let mut add = |option: &str, value: &str| {
        let _ = write!(
            arguments,
            "{}{option} '{}'",
            if arguments.is_empty() { "" } else { " " },
            value.replace('\'', r"'\''")
        );
    };
    if let Some(file) = &options.ssh_config {
        add("-F", &file.to_string_lossy());
    }
    if !options.jumps.is_empty() {
        add("-o", &format!("ProxyJump={}", options.jumps.join(",")));
    }
    match options.host_key_check {
        Some(HostKeyCheck::Off) => {
            add("-o", "StrictHostKeyChecking=no");
            add("-o", "UserKnownHostsFile=/dev/null");
        }
        Some(HostKeyCheck::AcceptNew) => add("-o", "StrictHostKeyChecking=accept-new"),
        Some(HostKeyCheck::Strict) | None => {}
    }
    if options.host_key_check != Some(HostKeyCheck::Off) && !options.known_hosts.is_empty() {
        let files: Vec<String> = options.known_hosts.iter().map(|file| format!("\"{}\"", file.display())).collect();
        add("-o", &format!("UserKnownHostsFile={}", files.join(" ")));
    }
    arguments
}
