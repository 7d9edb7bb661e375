//! `kernel_parameters`

use super::catalogue::{Instance, row};
use super::kernel_parameter::{swap, value};
use super::{Args, Rows};
use crate::node::{Seen, Sight};
use crate::probe::{FileKind, Read, Walk};
use crate::value::Value;

resource! {
    /// Lists every parameter of the running kernel that may be read.
    ///
    /// For parameters whose name is known `kernel_parameter` is far cheaper.
    KernelParameters = "kernel_parameters" {
        source: "sysctl(8), proc_sys(5)",
        example: r#"describe(kernel_parameters():where { parameter = "kernel.ostype" }):its("values", contains "Linux")"#,
        falsified: (r#"contains "Linux""#, r#"contains "Minix""#),
        args {}
        properties {}
        predicates {}
        methods {}
        table {
            /// The names with dots, as `sysctl -a` prints them, sorted by path.
            parameters <- parameter: Str;
            /// The values: integers where they are, else text; nothing where the kernel
            /// refuses to tell, as for a secret that was never set.
            values <- value: Any;
        }
        rows: KernelParameters::rows,
    }
}

/// All of `/proc/sys`.
pub struct KernelParameters;

impl KernelParameters {
    fn new(_: &Args) -> Result<KernelParameters, String> {
        Ok(KernelParameters)
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let files = seen.get(Walk {
            path: "/proc/sys".into(),
            kinds: vec![FileKind::File],
            // Those that trigger an action can only be written.
            any_bits: 0o444,
            timeout_ms: 30_000,
            ..Walk::default()
        })?;
        let rows = seen.gather(files.iter(), |file| {
            let content = seen.try_get(Read { path: file.path.clone() })?;
            let name = swap(file.path.strip_prefix("/proc/sys/").unwrap_or(&file.path));
            let value = content.ok().flatten().map_or(Value::Nil, |content| value(&content));
            Ok(row([("parameter", name.into()), ("value", value)]))
        })?;
        Ok(Rows::new(rows))
    }
}

impl Instance for KernelParameters {
    fn title(&self) -> String {
        "Kernel parameters".to_string()
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!self.rows(seen)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{FaultKind, Found};
    use crate::resource::testing::Trial;
    use crate::resource::testing::{bytes, stated};
    use crate::transport::scripted::Scripted;

    #[test]
    fn two_rounds_read_them_all() {
        let paths = ["/proc/sys/kernel/pid_max", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter", "/proc/sys/net/secret"];
        let inode = stated(FileKind::File).unwrap().own;
        let found: Vec<Found> = paths.iter().map(|path| Found { path: (*path).into(), inode: inode.clone() }).collect();
        let walk = Walk {
            path: "/proc/sys".into(),
            kinds: vec![FileKind::File],
            any_bits: 0o444,
            timeout_ms: 30_000,
            ..Walk::default()
        };
        let script = Scripted::new()
            .with(walk, found.into())
            .with(Read { path: paths[0].into() }, bytes("32768\n"))
            .with(Read { path: paths[1].into() }, bytes("2\n"))
            .with_fault(Read { path: paths[2].into() }, FaultKind::Failed, "input/output error");
        let all = Trial::new(&ENTRY, &[], &[], script);
        assert_eq!(
            all.its("parameters").unwrap(),
            Value::strings(["kernel.pid_max", "net.ipv4.conf.eth0/100.rp_filter", "net.secret"])
        );
        assert_eq!(all.its("values").unwrap(), Value::List(vec![Value::Int(32768), Value::Int(2), Value::Nil]));
        assert_eq!(all.rounds(), 2);
    }
}
