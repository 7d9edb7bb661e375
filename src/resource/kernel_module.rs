//! `kernel_module`

use super::Args;
use super::catalogue::Instance;
use super::modprobe::{Config, Modules, plain};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::Read;
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks a module of the running kernel: whether it is loaded, and whether it may be.
    ///
    /// `disabled` and `blacklisted` say what modprobe(8) is told, whether or not the kernel
    /// has such a module. A blacklisted module is not loaded for a device by itself but still
    /// by name; a disabled one is not loaded by modprobe at all.
    KernelModule = "kernel_module" {
        source: "modprobe.d(5), proc_modules(5), https://docs.kernel.org/kbuild/kbuild.html (modules.builtin)",
        example: r#"describe(kernel_module "no_such_module"):is_not("loaded"):is_not("blacklisted")"#,
        falsified: (r#":is_not("blacklisted")"#, r#":is("blacklisted")"#),
        args {
            /// The name; hyphens and underscores are the same.
            name: Str,
        }
        properties {
            /// The version the module gives itself; nothing where it gives none.
            version: Str = KernelModule::version;
            /// The command modprobe runs in place of loading it; nothing where there is none.
            install_command: Str = |this: &KernelModule, seen: &Seen<'_>| {
                Ok::<Option<String>, Unseen>(Config::of(seen)?.install.get(&this.plain).cloned())
            };
        }
        predicates {
            /// Whether it is loaded. One that is built into the kernel is not.
            loaded() absent No = |this: &KernelModule, seen: &Seen<'_>, _: &Args| {
                Ok(Modules::of(seen)?.loaded.contains(&this.plain))
            };
            /// Whether it is built into the kernel, so that it is always there.
            builtin() absent No = |this: &KernelModule, seen: &Seen<'_>, _: &Args| {
                Ok(Modules::of(seen)?.builtin.contains(&this.plain))
            };
            /// Whether `install NAME /bin/false` or `/bin/true` keeps modprobe from loading it.
            disabled() absent No = |this: &KernelModule, seen: &Seen<'_>, _: &Args| {
                Ok(Config::of(seen)?.disabled(&this.plain))
            };
            /// Whether a `blacklist` line or the kernel's command line keeps it from being
            /// loaded for a device.
            blacklisted() absent No = |this: &KernelModule, seen: &Seen<'_>, _: &Args| {
                Ok(Config::of(seen)?.blacklisted.contains(&this.plain))
            };
        }
        methods {}
    }
}

/// A module by name.
pub struct KernelModule {
    name: Arc<str>,
    plain: String,
}

impl KernelModule {
    fn new(args: &Args) -> Result<KernelModule, String> {
        let name = args.required("name");
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Err(format!("{name:?} is no name of a kernel module"));
        }
        Ok(KernelModule { plain: plain(&name), name })
    }

    fn version(&self, seen: &Seen<'_>) -> Sight<Value> {
        let present = self.exists(seen);
        let version = seen.get(Read { path: format!("/sys/module/{}/version", self.plain).into() });
        if !present? {
            return Err(Unseen::Missing(self.title()));
        }
        Ok(version?.map_or(Value::Nil, |version| String::from_utf8_lossy(version.trim_ascii()).into_owned().into()))
    }
}

impl Instance for KernelModule {
    fn title(&self) -> String {
        format!("Kernel module {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        let available = Modules::available(seen, &self.plain);
        let modules = Modules::of(seen)?;
        Ok(modules.loaded.contains(&self.plain) || modules.builtin.contains(&self.plain) || available?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Entry as Name, FaultKind, FileKind, List};
    use crate::resource::testing::bytes;
    use crate::resource::testing::{Trial, arguments, fault};
    use crate::transport::scripted::Scripted;

    fn node() -> Scripted {
        let lib = "/lib/modules/6.1.0-18-amd64";
        let name = |name: &str| Name { name: name.into(), kind: FileKind::File };
        let mut script = Scripted::new()
            .platform("ID=debian\n", &[])
            .with(Read { path: "/proc/modules".into() }, bytes("nf_tables 1 0 - Live 0x0\nvfat 2 0 - Live 0x0 (E)\n"))
            .with(Read { path: format!("{lib}/modules.builtin").into() }, bytes("kernel/fs/ext4/ext4.ko\n"))
            .with(Read { path: format!("{lib}/modules.dep").into() }, bytes("kernel/fs/cramfs/cramfs.ko.xz: x.ko\n"))
            .with(Read { path: "/proc/cmdline".into() }, bytes("quiet modprobe.blacklist=floppy\n"))
            .with(Read { path: "/sys/module/nf_tables/version".into() }, bytes("1.2\n"))
            .with(
                Read { path: "/etc/modprobe.d/cis.conf".into() },
                bytes("install cramfs /bin/false\nblacklist usb-storage\n"),
            );
        for directory in ["/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d"] {
            script = script.with(List { path: directory.into() }, None);
        }
        // The file of the same name in /lib is hidden by the one in /etc.
        script
            .with(List { path: "/etc/modprobe.d".into() }, Some([name("README"), name("cis.conf")].into()))
            .with(List { path: "/lib/modprobe.d".into() }, Some([name("cis.conf")].into()))
    }

    fn module(name: &str) -> Trial {
        Trial::new(&ENTRY, &[name.into()], &[], node())
    }

    #[test]
    fn loaded_built_in_and_available_modules_exist() {
        let tables = module("nf-tables");
        assert!(tables.is("loaded", &[]).unwrap() && !tables.is("builtin", &[]).unwrap());
        assert_eq!(tables.its("version").unwrap(), Value::from("1.2"));
        assert!(module("ext4").is("builtin", &[]).unwrap() && !module("ext4").is("loaded", &[]).unwrap());
        assert!(module("cramfs").exists().unwrap());
        let absent = module("absent");
        assert!(!absent.exists().unwrap() && !absent.is("loaded", &[]).unwrap());
        assert_eq!(absent.rounds(), 2);
    }

    #[test]
    fn what_modprobe_is_told_costs_two_rounds() {
        let cramfs = module("cramfs");
        assert!(cramfs.is("disabled", &[]).unwrap() && !cramfs.is("blacklisted", &[]).unwrap());
        assert_eq!(cramfs.its("install_command").unwrap(), Value::from("/bin/false"));
        assert_eq!(cramfs.rounds(), 2);
        assert!(module("usb_storage").is("blacklisted", &[]).unwrap());
        assert!(module("floppy").is("blacklisted", &[]).unwrap());
    }

    #[test]
    fn a_configuration_that_may_not_be_read_is_a_fault() {
        let script = node().with_fault(Read { path: "/etc/modprobe.d/cis.conf".into() }, FaultKind::Denied, "denied");
        let hidden = Trial::new(&ENTRY, &["cramfs".into()], &[], script);
        assert_eq!(fault(hidden.is("disabled", &[])), "denied");
        let built = arguments(&ENTRY, &["../x".into()], &[]).and_then(|args| (ENTRY.build)(&args).map(|_| ()));
        assert!(built.unwrap_err().contains("no name of a kernel module"));
    }
}
