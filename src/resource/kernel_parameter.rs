//! `kernel_parameter`

use super::Args;
use super::catalogue::Instance;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::Read;
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks a parameter of the running kernel, as sysctl(8) shows it.
    ///
    /// A parameter that this kernel does not have does not exist.
    KernelParameter = "kernel_parameter" {
        source: "sysctl(8), proc_sys(5), https://docs.kernel.org/admin-guide/sysctl/",
        example: r#"describe(kernel_parameter "kernel.ostype"):its("value", eq "Linux")"#,
        falsified: (r#"eq "Linux""#, r#"eq "Minix""#),
        args {
            /// The name with dots or slashes: `net.ipv4.ip_forward`, `net/ipv4/conf/eth0.100/rp_filter`.
            /// As in sysctl(8), the separator that comes first decides.
            name: Str,
        }
        properties {
            /// The value: an integer where it is one, else text in which blanks and tabs are
            /// one blank.
            value: Any = KernelParameter::value;
        }
        predicates {}
        methods {}
    }
}

/// A parameter below `/proc/sys`.
pub struct KernelParameter {
    name: Arc<str>,
    path: Arc<str>,
}

impl KernelParameter {
    fn new(args: &Args) -> Result<KernelParameter, String> {
        let name = args.required("name");
        let below = path(&name);
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        if below.split('/').any(odd) || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(format!("{name:?} is no kernel parameter; names look like net.ipv4.ip_forward"));
        }
        Ok(KernelParameter { path: format!("/proc/sys/{below}").into(), name })
    }

    fn value(&self, seen: &Seen<'_>) -> Sight<Value> {
        let content = seen.get(Read { path: self.path.clone() })?;
        Ok(value(&content.ok_or_else(|| Unseen::Missing(self.title()))?))
    }
}

impl Instance for KernelParameter {
    fn title(&self) -> String {
        format!("Kernel parameter {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(Read { path: self.path.clone() })?.is_some())
    }
}

/// The path below `/proc/sys`: where dots separate, a slash stands for a dot in a name.
fn path(name: &str) -> String {
    match name.find(['.', '/']).map(|index| name.as_bytes()[index]) {
        Some(b'.') => swap(name),
        _ => name.to_string(),
    }
}

/// Dots for slashes and slashes for dots.
pub(super) fn swap(name: &str) -> String {
    let other = |c| match c {
        '.' => '/',
        '/' => '.',
        c => c,
    };
    name.chars().map(other).collect()
}

/// What a file of `/proc/sys` holds.
pub(super) fn value(content: &[u8]) -> Value {
    let text = String::from_utf8_lossy(content);
    let text = text.trim_matches(['\n', ' ', '\t', '\0']);
    match text.parse::<i64>() {
        // A value that would not be written back as it stands is text: `+1`, `007`.
        Ok(number) if number.to_string() == text => Value::Int(number),
        _ => {
            let line =
                |line: &str| line.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            Value::from(text.lines().map(line).collect::<Vec<_>>().join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::FaultKind;
    use crate::resource::testing::bytes;
    use crate::resource::testing::{Trial, arguments, fault};
    use crate::transport::scripted::Scripted;

    fn parameter(name: &str, path: &str, content: &str) -> Trial {
        Trial::new(&ENTRY, &[name.into()], &[], Scripted::new().with(Read { path: path.into() }, bytes(content)))
    }

    #[test]
    fn integers_are_integers_and_the_rest_is_text() {
        let forward = parameter("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward", "0\n");
        assert_eq!(forward.its("value").unwrap(), Value::Int(0));
        assert!(forward.exists().unwrap());
        assert_eq!(forward.rounds(), 1);
        assert_eq!(value(b"4096\t131072\t6291456\n"), Value::from("4096 131072 6291456"));
        assert_eq!(value(b"-1\n"), Value::Int(-1));
        assert_eq!(value(b"18446744073692774399\n"), Value::from("18446744073692774399"));
        assert_eq!(value(b"|/usr/share/apport/apport -p%p\n"), Value::from("|/usr/share/apport/apport -p%p"));
        assert_eq!(value(b"\n"), Value::from(""));
    }

    #[test]
    fn the_separator_that_comes_first_decides() {
        let path = "/proc/sys/net/ipv4/conf/eth0.100/rp_filter";
        for name in ["net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"] {
            assert_eq!(parameter(name, path, "1\n").its("value").unwrap(), Value::Int(1), "{name}");
        }
    }

    #[test]
    fn absence_and_refusal_differ() {
        let read = Read { path: "/proc/sys/kernel/nope".into() };
        let absent = Trial::new(&ENTRY, &["kernel.nope".into()], &[], Scripted::new().with(read.clone(), None));
        assert_eq!(absent.its("value"), Err(Unseen::Missing("Kernel parameter kernel.nope".to_string())));
        assert!(!absent.exists().unwrap());
        let script = Scripted::new().with_fault(read, FaultKind::Denied, "permission denied");
        assert_eq!(fault(Trial::new(&ENTRY, &["kernel.nope".into()], &[], script).exists()), "permission denied");
    }

    #[test]
    fn a_name_that_leaves_proc_sys_is_refused() {
        for name in ["../../etc/shadow", "kernel/../../x", "", "kernel..x", "kernel.x ", "/kernel"] {
            let built = arguments(&ENTRY, &[name.into()], &[]).and_then(|args| (ENTRY.build)(&args).map(|_| ()));
            assert!(built.unwrap_err().contains("no kernel parameter"), "{name}");
        }
    }
}
