//! `mount`

use super::Args;
use super::catalogue::Instance;
use super::mount_table::{Mounted, mounts, trimmed};
use crate::node::{Seen, Sight, Unseen};
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks what is mounted at a path, and how.
    ///
    /// The path is that of the mount point itself, as findmnt(8) lists it. Of several
    /// mounts at one path the last counts: it hides the others.
    Mount = "mount" {
        source: "proc_pid_mountinfo(5), mount(8)",
        example: r#"describe(mount "/proc"):is("mounted"):its("type", eq "proc"):its("options", contains "rw")"#,
        falsified: (r#"eq "proc""#, r#"eq "ext4""#),
        args {
            /// The mount point.
            path: Str,
        }
        properties {
            /// What is mounted: `/dev/sda1`, `tmpfs`, `server:/export`.
            device: Str = |this: &Mount, seen: &Seen<'_>| this.last(seen).map(|mount| mount.device);
            /// The type of file system: `ext4`, `tmpfs`.
            type: Str = |this: &Mount, seen: &Seen<'_>| this.last(seen).map(|mount| mount.kind);
            /// The options of the mount and of its file system, each once. `ro` on either makes
            /// it `ro`.
            options: List = |this: &Mount, seen: &Seen<'_>| this.last(seen).map(|mount| Value::strings(mount.options()));
            /// Only the options of this mount, such as `nosuid`, `noexec`, `relatime`.
            mount_options: List = |this: &Mount, seen: &Seen<'_>| {
                this.last(seen).map(|mount| Value::strings(mount.mount_options))
            };
            /// Only the options of the file system, such as `size=1024k`, `errors=remount-ro`.
            super_options: List = |this: &Mount, seen: &Seen<'_>| {
                this.last(seen).map(|mount| Value::strings(mount.super_options))
            };
            /// The directory inside the file system that is mounted: `/` but for bind mounts.
            root: Str = |this: &Mount, seen: &Seen<'_>| this.last(seen).map(|mount| mount.root);
            /// How many mounts lie over each other at the path; 0 for none.
            count: Int = |this: &Mount, seen: &Seen<'_>| {
                Ok::<usize, Unseen>(mounts(seen)?.iter().filter(|mount| mount.point == *this.path).count())
            };
        }
        predicates {
            /// Whether something is mounted there.
            mounted() absent No = |this: &Mount, seen: &Seen<'_>, _: &Args| this.exists(seen);
        }
        methods {}
    }
}

/// A mount point.
pub struct Mount {
    path: Arc<str>,
}

impl Mount {
    fn new(args: &Args) -> Result<Mount, String> {
        let path = args.required("path");
        if !path.starts_with('/') {
            return Err(format!("{path:?} is no absolute path"));
        }
        Ok(Mount { path: trimmed(&path).into() })
    }

    fn last(&self, seen: &Seen<'_>) -> Sight<Mounted> {
        let mounts = mounts(seen)?;
        let mount = mounts.iter().rfind(|mount| mount.point == *self.path);
        mount.cloned().ok_or_else(|| Unseen::Missing(self.title()))
    }
}

impl Instance for Mount {
    fn title(&self) -> String {
        format!("Mount {}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(mounts(seen)?.iter().any(|mount| mount.point == *self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Read;
    use crate::resource::testing::bytes;
    use crate::resource::testing::{Trial, fault};
    use crate::transport::scripted::Scripted;

    const TABLE: &str = "\
22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
40 27 0:40 / /tmp rw,relatime shared:9 - ext4 /dev/vda1 rw
41 40 0:41 / /tmp rw,nosuid,nodev,noexec shared:10 - tmpfs tmpfs rw,size=1024k,inode64
42 27 0:42 /data /srv/my\\040data ro,relatime - ext4 /dev/vdb rw
";

    fn mount(path: &str) -> Trial {
        let script = Scripted::new().with(Read { path: "/proc/self/mountinfo".into() }, bytes(TABLE));
        Trial::new(&ENTRY, &[path.into()], &[], script)
    }

    #[test]
    fn the_last_mount_on_a_path_counts() {
        let tmp = mount("/tmp/");
        assert_eq!(tmp.its("type").unwrap(), Value::from("tmpfs"));
        assert_eq!(
            tmp.its("options").unwrap(),
            Value::strings(["rw", "nosuid", "nodev", "noexec", "size=1024k", "inode64"])
        );
        assert_eq!(tmp.its("super_options").unwrap(), Value::strings(["rw", "size=1024k", "inode64"]));
        assert_eq!(tmp.its("count").unwrap(), Value::Int(2));
        assert_eq!(tmp.rounds(), 1);
        assert_eq!(mount("/").its("device").unwrap(), Value::from("/dev/vda1"));
    }

    #[test]
    fn a_blank_in_a_path_and_a_read_only_bind_mount_are_seen() {
        let data = mount("/srv/my data");
        assert_eq!(data.its("options").unwrap(), Value::strings(["ro", "relatime"]));
        assert_eq!(data.its("root").unwrap(), Value::from("/data"));
    }

    #[test]
    fn nothing_mounted_and_nothing_to_look_at_differ() {
        let home = mount("/home");
        assert!(!home.is("mounted", &[]).unwrap() && !home.exists().unwrap());
        assert_eq!(home.its("options"), Err(Unseen::Missing("Mount /home".to_string())));
        assert_eq!(home.its("count").unwrap(), Value::Int(0));
        let script = Scripted::new().with(Read { path: "/proc/self/mountinfo".into() }, None);
        assert!(fault(Trial::new(&ENTRY, &["/".into()], &[], script).is("mounted", &[])).contains("/proc"));
    }
}
