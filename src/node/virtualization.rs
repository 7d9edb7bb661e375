//! Whether a node is a container, a virtual machine or hardware.

use super::{Seen, Sight};
use crate::probe::{Fault, FaultKind, Read, Stat, Uname};
use std::rc::Rc;
use std::sync::Arc;

/// What a node runs in, as far as the node itself can tell: the innermost layer counts, so
/// a container in a virtual machine is a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Virtualization {
    /// `docker`, `podman`, `kvm`…; `None` for hardware.
    pub system: Option<Arc<str>>,
    pub role: Option<Role>,
    /// Whether it is a container, not a machine of its own.
    pub container: bool,
}

/// Which side of a virtualization a node is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Guest,
    /// It can run guests: it has `/dev/kvm`, or is the control domain of Xen.
    Host,
}

impl Role {
    /// The word, as InSpec's.
    pub fn name(self) -> &'static str {
        match self {
            Role::Guest => "guest",
            Role::Host => "host",
        }
    }
}

/// Files whose content tells. One that may not be read tells nothing.
const FILES: [&str; 14] = [
    "/run/systemd/container",
    "/proc/1/environ",
    "/run/.containerenv",
    "/proc/1/cgroup",
    "/proc/self/mountinfo",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/board_vendor",
    "/sys/class/dmi/id/bios_vendor",
    "/sys/hypervisor/type",
    "/proc/xen/capabilities",
    "/sys/firmware/acpi/tables/FACP",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource",
    "/proc/cpuinfo",
];

/// Paths that tell by being there.
const PATHS: [&str; 6] =
    ["/.dockerenv", "/run/secrets/kubernetes.io", "/var/run/secrets/kubernetes.io", "/proc/vz", "/proc/bc", "/dev/kvm"];

/// What the node shows of itself.
#[derive(Default)]
struct Signs {
    files: [String; FILES.len()],
    paths: [bool; PATHS.len()],
    kernel: String,
}

impl Virtualization {
    /// Looks at the node, once: one round.
    pub fn of(seen: &Seen<'_>) -> Sight<Rc<Virtualization>> {
        seen.parsed("", || {
            let files = seen.gather(FILES, |path| seen.try_get(Read { path: path.into() }));
            let paths = seen.gather(PATHS, |path| seen.try_get(Stat { path: path.into() }));
            let kernel = seen.get(Uname);
            let (files, paths, kernel) = (files?, paths?, kernel?);
            let mut signs = Signs { kernel: kernel.release.to_string(), ..Signs::default() };
            for (slot, content) in signs.files.iter_mut().zip(files) {
                let content = content.ok().flatten().unwrap_or_default();
                *slot = String::from_utf8_lossy(&content).into_owned();
            }
            for (slot, stated) in signs.paths.iter_mut().zip(paths) {
                *slot = stated.ok().flatten().is_some();
            }
            // Without a kernel there is nothing that would run it; only a container leaves traces.
            if kernel.release.is_empty() && signs.container().is_none() {
                let message = "whether this is a container or a virtual machine cannot be told: it does not run";
                return Err(Fault::new(FaultKind::Unsupported, message).into());
            }
            Ok(signs.judge())
        })
    }
}

impl Signs {
    fn file(&self, path: &str) -> &str {
        FILES.iter().position(|own| *own == path).map_or("", |index| self.files[index].trim())
    }

    fn has(&self, path: &str) -> bool {
        PATHS.iter().position(|own| *own == path).is_some_and(|index| self.paths[index])
    }

    fn judge(&self) -> Virtualization {
        if let Some(system) = self.container() {
            return Virtualization { system: Some(system), role: Some(Role::Guest), container: true };
        }
        if self.file("/proc/xen/capabilities").contains("control_d") {
            return Virtualization { system: Some("xen".into()), role: Some(Role::Host), container: false };
        }
        if let Some(system) = self.machine() {
            return Virtualization { system: Some(system.into()), role: Some(Role::Guest), container: false };
        }
        if self.has("/dev/kvm") {
            return Virtualization { system: Some("kvm".into()), role: Some(Role::Host), container: false };
        }
        Virtualization::default()
    }

    /// The container's manager, from what it says itself before what its traces say.
    fn container(&self) -> Option<Arc<str>> {
        if self.has("/run/secrets/kubernetes.io") || self.has("/var/run/secrets/kubernetes.io") {
            return Some("kubernetes".into());
        }
        let environ = self.file("/proc/1/environ").split('\0').find_map(|entry| entry.strip_prefix("container="));
        let said = [Some(self.file("/run/systemd/container")), environ].into_iter().flatten();
        // `oci` names the image format, not who runs it.
        if let Some(said) = said.map(str::trim).find(|said| !said.is_empty() && *said != "oci") {
            return Some(match said {
                "lxc-libvirt" => "lxc".into(),
                said => said.chars().filter(|c| !c.is_control()).take(40).collect::<String>().into(),
            });
        }
        let cgroup = self.file("/proc/1/cgroup");
        let root = self.file("/proc/self/mountinfo").lines().find(|line| line.split(' ').nth(4) == Some("/"));
        let root = root.unwrap_or_default();
        let traces = [
            ("podman", !self.file("/run/.containerenv").is_empty() || cgroup.contains("libpod-")),
            ("kubernetes", cgroup.contains("kubepods")),
            ("docker", self.has("/.dockerenv") || cgroup.contains("/docker")),
            ("lxc", cgroup.contains("/lxc/") || cgroup.contains("/lxc.payload") || cgroup.contains(":/lxc")),
            ("systemd-nspawn", cgroup.contains("/machine.slice/systemd-nspawn@")),
            ("openvz", self.has("/proc/vz") && !self.has("/proc/bc")),
            ("wsl", self.kernel.to_lowercase().contains("microsoft") || self.kernel.contains("WSL")),
            ("docker", root.contains("=/var/lib/docker/")),
            ("podman", root.contains("/containers/storage/overlay")),
            ("containerd", root.contains("io.containerd.")),
        ];
        traces.into_iter().find(|(_, trace)| *trace).map(|(name, _)| name.into())
    }

    /// The hypervisor, from the firmware's names before the processor's flag.
    fn machine(&self) -> Option<&'static str> {
        let firmware = [
            self.file("/sys/class/dmi/id/product_name"),
            self.file("/sys/class/dmi/id/sys_vendor"),
            self.file("/sys/class/dmi/id/board_vendor"),
            self.file("/sys/class/dmi/id/bios_vendor"),
        ];
        let named = [
            ("KVM", "kvm"),
            ("OpenStack", "kvm"),
            ("KubeVirt", "kvm"),
            ("Amazon EC2", "kvm"),
            ("Google Compute Engine", "kvm"),
            ("DigitalOcean", "kvm"),
            ("QEMU", "qemu"),
            ("VMware", "vmware"),
            ("VMW", "vmware"),
            ("innotek GmbH", "vbox"),
            ("VirtualBox", "vbox"),
            ("Xen", "xen"),
            ("Bochs", "bochs"),
            ("Parallels", "parallels"),
            ("BHYVE", "bhyve"),
            ("Virtual Machine", "hyperv"),
            ("Apple Virtualization", "apple"),
        ];
        let flagged = self
            .file("/proc/cpuinfo")
            .lines()
            .any(|line| line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor"));
        let clock = self.file("/sys/devices/system/clocksource/clocksource0/available_clocksource");
        let firmware = named.iter().find(|(sign, _)| firmware.iter().any(|text| text.starts_with(sign)));
        let found = if self.file("/sys/firmware/acpi/tables/FACP").contains("FIRECK") {
            Some("firecracker")
        } else if let Some((sign, system)) = firmware {
            // A metal instance of a cloud carries the vendor's name as well.
            let metal = *sign == "Amazon EC2" && self.file("/sys/class/dmi/id/product_name").ends_with(".metal");
            (!metal).then_some(if *system == "qemu" && clock.contains("kvm-clock") { "kvm" } else { system })
        } else if self.file("/sys/hypervisor/type") == "xen" {
            Some("xen")
        } else {
            None
        };
        let by_clock = || {
            if clock.contains("kvm-clock") {
                Some("kvm")
            } else if clock.contains("hyperv_clocksource") {
                Some("hyperv")
            } else {
                flagged.then_some("unknown")
            }
        };
        found.or_else(by_clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths and what they hold.
    type Files<'a> = &'a [(&'a str, &'a str)];

    fn signs(files: Files<'_>, paths: &[&str]) -> Virtualization {
        let mut signs = Signs { kernel: "6.1.0-18-amd64".to_string(), ..Signs::default() };
        for (path, content) in files {
            signs.files[FILES.iter().position(|own| own == path).unwrap()] = content.to_string();
        }
        for path in paths {
            signs.paths[PATHS.iter().position(|own| own == path).unwrap()] = true;
        }
        signs.judge()
    }

    #[test]
    fn containers_are_told_by_their_traces() {
        let cases: [(Files<'_>, &[&str], &str); 12] = [
            (&[], &["/.dockerenv"], "docker"),
            (&[("/run/.containerenv", "engine=\"podman-4.9\"\n")], &[], "podman"),
            (&[("/proc/1/environ", "PATH=/bin\0container=podman\0")], &[], "podman"),
            (&[("/proc/1/environ", "container=oci\0")], &["/.dockerenv"], "docker"),
            (&[("/run/systemd/container", "systemd-nspawn\n")], &[], "systemd-nspawn"),
            (&[("/proc/1/environ", "container=lxc\0")], &[], "lxc"),
            (&[("/proc/1/cgroup", "0::/kubepods/besteffort/pod1/abc\n")], &[], "kubernetes"),
            (&[], &["/.dockerenv", "/run/secrets/kubernetes.io"], "kubernetes"),
            (&[("/proc/1/cgroup", "4:memory:/docker/0123abcd\n")], &[], "docker"),
            (&[], &["/proc/vz"], "openvz"),
            (
                &[(
                    "/proc/self/mountinfo",
                    "1 0 0:1 / / rw - overlay overlay rw,upperdir=/var/lib/docker/overlay2/x\n",
                )],
                &[],
                "docker",
            ),
            (
                &[("/proc/self/mountinfo", "1 0 0:1 / / rw - overlay o rw,lowerdir=/x/io.containerd.snapshotter.v1\n")],
                &["/dev/kvm"],
                "containerd",
            ),
        ];
        for (files, paths, system) in cases {
            let found = signs(files, paths);
            assert_eq!((found.system.as_deref(), found.container), (Some(system), true), "{files:?} {paths:?}");
            assert_eq!(found.role, Some(Role::Guest));
        }
    }

    #[test]
    fn hypervisors_are_told_by_firmware_clock_and_flag() {
        let vendor = "/sys/class/dmi/id/sys_vendor";
        let product = "/sys/class/dmi/id/product_name";
        let clock = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
        let cases: [(Files<'_>, Option<&str>, Option<Role>); 10] = [
            (&[(vendor, "QEMU\n"), (clock, "kvm-clock tsc\n")], Some("kvm"), Some(Role::Guest)),
            (&[(vendor, "QEMU\n")], Some("qemu"), Some(Role::Guest)),
            (&[(vendor, "VMware, Inc.\n")], Some("vmware"), Some(Role::Guest)),
            (&[(vendor, "innotek GmbH\n")], Some("vbox"), Some(Role::Guest)),
            (&[(vendor, "Microsoft Corporation\n"), (product, "Virtual Machine\n")], Some("hyperv"), Some(Role::Guest)),
            (&[(vendor, "Microsoft Corporation\n"), (product, "Surface Laptop\n")], None, None),
            (&[(vendor, "Amazon EC2\n"), (product, "m5.metal\n")], None, None),
            (&[("/proc/xen/capabilities", "control_d\n")], Some("xen"), Some(Role::Host)),
            (
                &[("/sys/firmware/acpi/tables/FACP", "FACP\u{1}FIRECKFCVMFADT\n")],
                Some("firecracker"),
                Some(Role::Guest),
            ),
            (
                &[("/proc/cpuinfo", "model name\t: x\nflags\t\t: fpu vme hypervisor\n")],
                Some("unknown"),
                Some(Role::Guest),
            ),
        ];
        for (files, system, role) in cases {
            let found = signs(files, &[]);
            assert_eq!((found.system.as_deref(), found.role, found.container), (system, role, false), "{files:?}");
        }
    }

    #[test]
    fn hardware_is_no_guest() {
        assert_eq!(signs(&[("/proc/1/cgroup", "0::/init.scope\n")], &[]), Virtualization::default());
        assert_eq!(signs(&[], &["/dev/kvm"]).role, Some(Role::Host));
    }
}
