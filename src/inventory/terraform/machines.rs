//! The types of resources that are machines, and what of their attributes is what, by the
//! documentation of their providers.

use super::{Resource, text};
use crate::inventory::machines::Defaults;
use crate::target::{Container, Target};

/// The groups of all of them: the type, and each tag or label.
const TAGS: &[&str] = &["{terraform_type}", "tag_{tags.*}"];
const LABELS: &[&str] = &["{terraform_type}", "tag_{labels.*}"];

/// A type that only a rule says to be a machine.
pub const UNKNOWN: Defaults = Defaults {
    names: &["tags.Name", "name", "hostname", "label"],
    private: &["private_ip", "private_ip_address", "ip_address"],
    public: &["public_ip", "public_ip_address", "ipv4_address"],
    groups: &["{terraform_type}", "tag_{tags.*}", "tag_{labels.*}"],
    user: None,
};

const NAME: &[&str] = &["name"];

/// What is what of a type; `None` for one that is no machine.
pub fn defaults(kind: &str) -> Option<Defaults> {
    TYPES.iter().find(|(name, _)| *name == kind).map(|(_, defaults)| *defaults)
}

const TYPES: &[(&str, Defaults)] = &[
    (
        "aws_instance",
        Defaults {
            names: &["tags.Name"],
            private: &["private_ip"],
            public: &["public_ip", "ipv6_addresses"],
            groups: TAGS,
            user: None,
        },
    ),
    (
        "aws_spot_instance_request",
        Defaults {
            names: &["tags.Name"],
            private: &["private_ip"],
            public: &["public_ip", "ipv6_addresses"],
            groups: TAGS,
            user: None,
        },
    ),
    (
        "aws_lightsail_instance",
        Defaults {
            names: NAME,
            private: &["private_ip_address"],
            public: &["public_ip_address", "ipv6_addresses"],
            groups: TAGS,
            user: Some("username"),
        },
    ),
    (
        "google_compute_instance",
        Defaults {
            names: NAME,
            private: &["network_interface.*.network_ip"],
            public: &["network_interface.*.access_config.*.nat_ip"],
            groups: &["{terraform_type}", "tag_{labels.*}", "tag_{tags.*}"],
            user: None,
        },
    ),
    (
        "azurerm_linux_virtual_machine",
        Defaults {
            names: NAME,
            private: &["private_ip_address", "private_ip_addresses"],
            public: &["public_ip_address", "public_ip_addresses"],
            groups: TAGS,
            user: Some("admin_username"),
        },
    ),
    (
        "openstack_compute_instance_v2",
        Defaults {
            names: NAME,
            private: &["access_ip_v4", "network.*.fixed_ip_v4", "access_ip_v6"],
            public: &["network.*.floating_ip"],
            groups: &["{terraform_type}", "tag_{tags.*}", "tag_{metadata.*}"],
            user: None,
        },
    ),
    (
        "libvirt_domain",
        Defaults {
            names: NAME,
            private: &["network_interface.*.addresses"],
            public: &[],
            groups: &["{terraform_type}"],
            user: None,
        },
    ),
    (
        "hcloud_server",
        Defaults {
            names: NAME,
            private: &["network.*.ip"],
            public: &["ipv4_address", "ipv6_address"],
            groups: LABELS,
            user: None,
        },
    ),
    (
        "digitalocean_droplet",
        Defaults {
            names: NAME,
            private: &["ipv4_address_private"],
            public: &["ipv4_address", "ipv6_address"],
            groups: TAGS,
            user: None,
        },
    ),
    (
        "linode_instance",
        Defaults {
            names: &["label"],
            private: &["private_ip_address"],
            public: &["ip_address", "ipv6"],
            groups: TAGS,
            user: None,
        },
    ),
    (
        "vultr_instance",
        Defaults {
            names: &["label", "hostname"],
            private: &["internal_ip"],
            public: &["main_ip", "v6_main_ip"],
            groups: TAGS,
            user: None,
        },
    ),
    (
        "scaleway_instance_server",
        Defaults {
            names: NAME,
            private: &["private_ip", "private_ips.*.address"],
            public: &["public_ip", "public_ips.*.address"],
            groups: TAGS,
            user: None,
        },
    ),
    (
        "vsphere_virtual_machine",
        Defaults {
            names: NAME,
            private: &["default_ip_address", "guest_ip_addresses"],
            public: &[],
            groups: &["{terraform_type}"],
            user: None,
        },
    ),
    (
        "proxmox_vm_qemu",
        Defaults {
            names: NAME,
            private: &["default_ipv4_address", "ssh_host", "default_ipv6_address"],
            public: &[],
            groups: &["{terraform_type}"],
            user: None,
        },
    ),
    (
        "proxmox_virtual_environment_vm",
        Defaults {
            names: NAME,
            private: &["ipv4_addresses.*", "ipv6_addresses.*"],
            public: &[],
            groups: TAGS,
            user: None,
        },
    ),
    (
        "oci_core_instance",
        Defaults {
            names: &["display_name"],
            private: &["private_ip"],
            public: &["public_ip"],
            groups: &["{terraform_type}", "tag_{freeform_tags.*}"],
            user: None,
        },
    ),
    (
        "docker_container",
        Defaults { names: NAME, private: &[], public: &[], groups: &["{terraform_type}"], user: None },
    ),
];

/// Where a machine is that is not asked at an address.
pub fn target(resource: &Resource) -> Option<Target> {
    match resource.kind.as_str() {
        "docker_container" => {
            let name = text(resource.attributes.as_map()?, "name")?.trim_start_matches('/').to_string();
            Some(Target::Container(Container::Docker { name }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::rules::Template;

    #[test]
    fn every_type_says_where_its_machines_are() {
        for (name, Defaults { names, private, public, groups, .. }) in TYPES {
            assert!(!names.is_empty() && !groups.is_empty(), "{name}");
            assert!(!private.is_empty() || !public.is_empty() || *name == "docker_container", "{name}");
            groups.iter().for_each(|group| drop(Template::parse(group).expect(group)));
            assert_eq!(TYPES.iter().filter(|(other, _)| other == name).count(), 1, "{name}");
        }
    }
}
