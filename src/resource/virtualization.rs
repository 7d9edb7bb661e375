//! `virtualization`

use super::Args;
use super::catalogue::Instance;
use crate::node::{Seen, Sight, Virtualization as Facts};
use crate::value::Value;

resource! {
    /// Tells whether the node is a container, a virtual machine or hardware.
    ///
    /// The innermost layer counts: a container in a virtual machine is a container. It is
    /// told from what the container manager left (`/.dockerenv`, `/run/.containerenv`, the
    /// environment and cgroup of process 1, the root mount), the names in the firmware and
    /// the processor's hypervisor flag. As an ordinary user some of these cannot be read.
    Virtualization = "virtualization" {
        source: "systemd-detect-virt(1), https://systemd.io/CONTAINER_INTERFACE, cgroups(7), proc_pid_mountinfo(5)",
        example: "local v = virtualization()\n\
                  describe(v.container or v.virtual or v.physical, \"node is of some kind\"):it(eq(true))",
        falsified: ("eq(true)", "eq(false)"),
        args {}
        properties {
            /// Containers: `docker`, `podman`, `lxc`, `systemd-nspawn`, `kubernetes`, `containerd`,
            /// `openvz`, `wsl` or what the manager calls itself. Machines: `kvm`, `qemu`,
            /// `vmware`, `vbox`, `hyperv`, `xen`, `firecracker`, `parallels`, `bhyve`, `bochs`,
            /// `apple`, or `unknown` for a hypervisor without a name. Nothing on hardware that
            /// runs no guests.
            system: Str = |_: &Virtualization, seen: &Seen<'_>| Facts::of(seen).map(|facts| facts.system.clone());
            /// `guest`, or `host` for hardware that can run guests; nothing for other hardware.
            role: Str = |_: &Virtualization, seen: &Seen<'_>| Facts::of(seen).map(|facts| facts.role.map(|role| role.name()));
            /// System and role as one map.
            params: Map = Virtualization::params;
        }
        predicates {
            /// Whether it is a container.
            container() absent Fails = |_: &Virtualization, seen: &Seen<'_>, _: &Args| Ok(Facts::of(seen)?.container);
            /// Whether it is a guest: a container or a virtual machine.
            virtual() absent Fails = |_: &Virtualization, seen: &Seen<'_>, _: &Args| Virtualization::guest(seen);
            /// Whether it is neither a container nor a virtual machine.
            physical() absent Fails = |_: &Virtualization, seen: &Seen<'_>, _: &Args| Ok(!Virtualization::guest(seen)?);
        }
        methods {}
    }
}

/// What the node runs in.
pub struct Virtualization;

impl Virtualization {
    fn new(_: &Args) -> Result<Virtualization, String> {
        Ok(Virtualization)
    }

    fn guest(seen: &Seen<'_>) -> Sight<bool> {
        Ok(Facts::of(seen)?.role == Some(crate::node::virtualization::Role::Guest))
    }

    fn params(&self, seen: &Seen<'_>) -> Sight<Value> {
        let facts = Facts::of(seen)?;
        let role: Value = facts.role.map(|role| role.name()).into();
        let fields = [("system".to_string(), facts.system.clone().into()), ("role".to_string(), role)];
        Ok(Value::Map(fields.into_iter().collect()))
    }
}

impl Instance for Virtualization {
    fn title(&self) -> String {
        "Virtualization".to_string()
    }

    fn exists(&self, _: &Seen<'_>) -> Sight<bool> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{FaultKind, FileKind, Read, Stat};
    use crate::resource::testing::Trial;
    use crate::resource::testing::stated;
    use crate::transport::scripted::Scripted;

    #[test]
    fn one_round_tells_and_what_may_not_be_read_tells_nothing() {
        let script = Scripted::new()
            .platform("ID=debian\n", &[])
            .with_fault(Read { path: "/proc/1/environ".into() }, FaultKind::Denied, "permission denied")
            .with(Stat { path: "/.dockerenv".into() }, stated(FileKind::File));
        let node = Trial::new(&ENTRY, &[], &[], script);
        assert!(node.is("container", &[]).unwrap() && node.is("virtual", &[]).unwrap());
        assert!(!node.is("physical", &[]).unwrap());
        assert_eq!(node.its("system").unwrap(), Value::from("docker"));
        assert_eq!(node.its("role").unwrap(), Value::from("guest"));
        assert_eq!(node.rounds(), 1);
    }
}
