//! `mounts`

use super::catalogue::{Instance, row};
use super::mount_table::mounts;
use super::{Args, Rows};
use crate::node::{Seen, Sight};
use crate::value::Value;

resource! {
    /// Lists everything that is mounted on the node.
    Mounts = "mounts" {
        source: "proc_pid_mountinfo(5)",
        example: r#"describe(mounts():where { type = "proc" }):its("mount_points", contains "/proc")"#,
        falsified: (r#"contains "/proc""#, r#"contains "/no/such/place""#),
        args {}
        properties {}
        predicates {}
        methods {}
        table {
            /// Where it is mounted. A mount that hides an earlier one comes after it.
            mount_points <- mount_point: Str;
            /// What is mounted: a device, a share, a word.
            devices <- device: Str;
            /// The types of file system.
            types <- type: Str;
            /// The options of the mount and of its file system, each once.
            options <- options: List;
        }
        rows: Mounts::rows,
    }
}

/// The mount table.
pub struct Mounts;

impl Mounts {
    fn new(_: &Args) -> Result<Mounts, String> {
        Ok(Mounts)
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let mounts = mounts(seen)?;
        Ok(Rows::new(mounts.iter().map(|mount| {
            row([
                ("mount_point", mount.point.as_str().into()),
                ("device", mount.device.as_str().into()),
                ("type", mount.kind.as_str().into()),
                ("options", Value::strings(mount.options())),
            ])
        })))
    }
}

impl Instance for Mounts {
    fn title(&self) -> String {
        "Mounts".to_string()
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!mounts(seen)?.is_empty())
    }
}
