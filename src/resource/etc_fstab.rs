//! `etc_fstab`

use super::catalogue::{Instance, row};
use super::mount_table::{trimmed, unescape};
use super::{Args, Rows};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::Read;
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks which file systems are to be mounted at boot, and how.
    ///
    /// For what is mounted now see `mount`.
    EtcFstab = "etc_fstab" {
        source: "fstab(5)",
        example: r#"describe(etc_fstab():where { file_system_type = "nfs" }):its("count", less_than(1000))"#,
        falsified: ("less_than(1000)", "less_than(0)"),
        args {
            /// Another file than `/etc/fstab`.
            path: Str optional,
        }
        properties {
            /// The entries whose type is `nfs` or `nfs4`, as a list of maps.
            nfs_file_systems: List = EtcFstab::nfs;
            /// The options of the entry for `/home`; empty where there is none.
            home_mount_options: List = EtcFstab::home;
        }
        predicates {
            /// Whether it has any entry.
            configured() absent No = |this: &EtcFstab, seen: &Seen<'_>, _: &Args| match this.rows(seen) {
                Err(Unseen::Missing(_)) => Ok(false),
                rows => Ok(!rows?.is_empty()),
            };
        }
        methods {}
        table {
            /// The first field: a device, `UUID=…`, `LABEL=…`, a share.
            device_name <- device_name: Str;
            /// Where it is mounted, without a slash at the end; `none` for swap.
            mount_point <- mount_point: Str;
            /// The type: `ext4`, `nfs`, `swap`.
            file_system_type <- file_system_type: Str;
            /// The options, a list an entry; `defaults` where the field is missing.
            mount_options <- mount_options: List;
            /// The fifth field, for dump(8); 0 where it is missing.
            dump_options <- dump_options: Int;
            /// The sixth field, the order of fsck(8); 0 where it is missing.
            file_system_options <- file_system_options: Int;
        }
        rows: EtcFstab::rows,
    }
}

/// A file in the form of fstab(5).
pub struct EtcFstab {
    path: Arc<str>,
}

impl EtcFstab {
    fn new(args: &Args) -> Result<EtcFstab, String> {
        Ok(EtcFstab { path: args.text("path").unwrap_or_else(|| "/etc/fstab".into()) })
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let rows = seen.parsed(&self.path, || {
            let content = seen.get(Read { path: self.path.clone() })?;
            let content = content.ok_or_else(|| Unseen::Missing(self.title()))?;
            parse(&self.path, &content).map_err(Unseen::malformed)
        })?;
        Ok((*rows).clone())
    }

    fn nfs(&self, seen: &Seen<'_>) -> Sight<Value> {
        let kind = |row: &super::Row| row.get("file_system_type").and_then(Value::as_text).map(String::from);
        let nfs =
            self.rows(seen)?.select(|row| Ok::<bool, Unseen>(matches!(kind(row).as_deref(), Some("nfs" | "nfs4"))))?;
        Ok(nfs.entries())
    }

    fn home(&self, seen: &Seen<'_>) -> Sight<Value> {
        let rows = self.rows(seen)?;
        let home = rows.iter().find(|row| row.get("mount_point") == Some(&Value::from("/home")));
        Ok(home.and_then(|row| row.get("mount_options")).cloned().unwrap_or(Value::List(Vec::new())))
    }
}

fn parse(path: &str, content: &[u8]) -> Result<Rows, String> {
    let text = String::from_utf8_lossy(content);
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let broken = |what: &str| format!("{path}:{}: {what}: {line:?}", index + 1);
        let mut fields = line.split_whitespace();
        let (Some(device), Some(point), Some(kind)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(broken("an entry needs at least device, mount point and type"));
        };
        let options = fields.next().unwrap_or("defaults");
        let mut number = || match fields.next() {
            // A comment may follow the fields, though fstab(5) does not know it.
            None => Ok(0),
            Some(word) if word.starts_with('#') => Ok(0),
            Some(word) => word.parse::<i64>().map_err(|_| broken("the fifth and sixth field are numbers")),
        };
        let (dump, pass) = (number()?, number()?);
        rows.push(row([
            ("device_name", unescape(device).into()),
            ("mount_point", trimmed(&unescape(point)).into()),
            ("file_system_type", unescape(kind).into()),
            ("mount_options", Value::strings(options.split(',').map(unescape))),
            ("dump_options", dump.into()),
            ("file_system_options", pass.into()),
        ]));
    }
    Ok(Rows::new(rows))
}

impl Instance for EtcFstab {
    fn title(&self) -> String {
        format!("File system table {}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(Read { path: self.path.clone() })?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::bytes;
    use crate::resource::testing::{Trial, fault};
    use crate::transport::scripted::Scripted;

    const FSTAB: &str = "\
# /etc/fstab: static file system information.
UUID=0a3407de-014b-458b-b5c1-848e92a327a3 /     ext4 errors=remount-ro 0 1

/dev/vdb1\t/home/\text4\tnodev,nosuid\t0\t2 # homes
server:/my\\040export /srv/export nfs4 ro
/swapfile none swap sw 0 0
";

    fn fstab(content: &str) -> Trial {
        Trial::new(&ENTRY, &[], &[], Scripted::new().with(Read { path: "/etc/fstab".into() }, bytes(content)))
    }

    #[test]
    fn fields_are_those_of_the_manual_with_their_defaults() {
        let table = fstab(FSTAB);
        assert_eq!(table.its("mount_point").unwrap(), Value::strings(["/", "/home", "/srv/export", "none"]));
        assert_eq!(table.its("home_mount_options").unwrap(), Value::strings(["nodev", "nosuid"]));
        assert_eq!(table.its("file_system_options").unwrap(), Value::from(vec![1i64, 2, 0, 0]));
        let Value::List(nfs) = table.its("nfs_file_systems").unwrap() else { panic!("no list") };
        assert!(matches!(&nfs[..], [Value::Map(map)] if map["device_name"] == Value::from("server:/my export")));
        assert!(table.is("configured", &[]).unwrap());
        assert_eq!(table.rounds(), 1);
    }

    #[test]
    fn an_empty_a_missing_and_a_broken_file_differ() {
        assert!(!fstab("# UNCONFIGURED FSTAB FOR BASE SYSTEM\n").is("configured", &[]).unwrap());
        let missing = Scripted::new().with(Read { path: "/etc/fstab".into() }, None);
        let missing = Trial::new(&ENTRY, &[], &[], missing);
        assert!(!missing.is("configured", &[]).unwrap() && !missing.exists().unwrap());
        assert_eq!(missing.its("mount_point"), Err(Unseen::Missing("File system table /etc/fstab".to_string())));
        assert!(fault(fstab("proc /proc\n").its("mount_point")).starts_with("/etc/fstab:1: an entry needs"));
        assert!(fault(fstab("a /b c d x\n").its("mount_point")).contains("are numbers"));
    }
}
