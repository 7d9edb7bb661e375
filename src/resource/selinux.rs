//! `selinux`

use super::Args;
use super::assignments::Grammar;
use super::catalogue::Instance;
use super::config_text::decode;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::Read;
use crate::value::Value;

resource! {
    /// Checks whether SELinux is there, on, and enforcing, now and after the next boot.
    Selinux = "selinux" {
        source: "selinux(8), /etc/selinux/config, /sys/fs/selinux/enforce",
        example: r#"describe(selinux()):its("mode", one_of { "enforcing", "permissive", "disabled" })"#,
        falsified: (r#"one_of { "enforcing", "permissive", "disabled" }"#, r#"eq "absent""#),
        args {}
        properties {
            /// The state the kernel is in: `enforcing`, `permissive` or `disabled`.
            mode: Str = |this: &Selinux, seen: &Seen<'_>| this.mode(seen);
            /// The state the next boot begins with (`SELINUX`); absent without a
            /// configuration.
            configured_mode: Str = |this: &Selinux, seen: &Seen<'_>| this.configured(seen, "SELINUX");
            /// The policy the next boot loads (`SELINUXTYPE`), such as `targeted`; absent
            /// without a configuration.
            policy: Str = |this: &Selinux, seen: &Seen<'_>| this.configured(seen, "SELINUXTYPE");
        }
        predicates {
            /// Whether there is a configuration, `/etc/selinux/config`.
            installed() absent No = |this: &Selinux, seen: &Seen<'_>, _: &Args| this.exists(seen);
            /// Whether the kernel has a policy loaded, enforcing or permissive.
            enabled() absent No = |this: &Selinux, seen: &Seen<'_>, _: &Args| Ok(this.mode(seen)? != "disabled");
            /// Whether the kernel has no policy loaded.
            disabled() absent No = |this: &Selinux, seen: &Seen<'_>, _: &Args| Ok(this.mode(seen)? == "disabled");
            /// Whether the kernel refuses what the policy forbids.
            enforcing() absent No = |this: &Selinux, seen: &Seen<'_>, _: &Args| Ok(this.mode(seen)? == "enforcing");
            /// Whether the kernel only reports what the policy forbids.
            permissive() absent No = |this: &Selinux, seen: &Seen<'_>, _: &Args| Ok(this.mode(seen)? == "permissive");
        }
        methods {}
    }
}

/// SELinux on the node.
pub struct Selinux;

fn enforce() -> Read {
    Read { path: "/sys/fs/selinux/enforce".into() }
}

fn config() -> Read {
    Read { path: "/etc/selinux/config".into() }
}

impl Selinux {
    fn new(_: &Args) -> Result<Selinux, String> {
        Ok(Selinux)
    }

    fn mode(&self, seen: &Seen<'_>) -> Sight<&'static str> {
        match seen.get(enforce())?.as_deref().map(<[u8]>::trim_ascii) {
            None => Ok("disabled"),
            Some(b"1") => Ok("enforcing"),
            Some(b"0") => Ok("permissive"),
            Some(other) => {
                let found = String::from_utf8_lossy(other).into_owned();
                Err(Unseen::malformed(format!("/sys/fs/selinux/enforce holds {found:?}, not 0 or 1")))
            }
        }
    }

    fn configured(&self, seen: &Seen<'_>, key: &str) -> Sight<Value> {
        let Some(bytes) = seen.get(config())? else { return Ok(Value::Nil) };
        match Grammar::ini().read(&decode(&bytes)) {
            Value::Map(mut keys) => Ok(keys
                .swap_remove(key)
                .map_or(Value::Nil, |value| value.as_text().map_or(Value::Nil, |text| text.to_lowercase().into()))),
            _ => Ok(Value::Nil),
        }
    }
}

impl Instance for Selinux {
    fn title(&self) -> String {
        "SELinux".to_string()
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(config())?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    const CONFIG: (&str, &str) = ("/etc/selinux/config", "# c\nSELINUX=Enforcing\nSELINUXTYPE=targeted\n");

    #[test]
    fn now_and_after_the_next_boot_are_told_apart() {
        let trial = Trial::new(&ENTRY, &[], &[], files(&[CONFIG, ("/sys/fs/selinux/enforce", "0")], &[]));
        assert_eq!(trial.is("permissive", &[]), Ok(true));
        assert_eq!(trial.is("enforcing", &[]), Ok(false));
        assert_eq!(trial.is("enabled", &[]), Ok(true));
        assert_eq!(trial.its("configured_mode"), Ok("enforcing".into()));
        assert_eq!(trial.its("policy"), Ok("targeted".into()));
        assert_eq!(trial.rounds(), 2);
    }

    #[test]
    fn a_kernel_without_it_is_disabled_and_a_strange_answer_a_fault() {
        let none = files(&[], &["/sys/fs/selinux/enforce", "/etc/selinux/config"]);
        let none = Trial::new(&ENTRY, &[], &[], none);
        assert_eq!(none.is("disabled", &[]), Ok(true));
        assert_eq!(none.is("installed", &[]), Ok(false));
        assert_eq!(none.its("policy"), Ok(Value::Nil));
        let strange = Trial::new(&ENTRY, &[], &[], files(&[("/sys/fs/selinux/enforce", "x")], &[]));
        assert!(fault(strange.its("mode")).contains("not 0 or 1"));
    }
}
