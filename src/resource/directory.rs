//! `directory`

use super::Args;
use super::file::Located;
use crate::node::{Seen, Sight};
use crate::value::Value;

resource! {
    /// Checks a directory: whether it exists, its mode and owner, and what is in it.
    ///
    /// What is there but is no directory does not exist as one. All else is as for `file`.
    Directory = "directory" {
        source: "stat(2), inode(7), path_resolution(7), acl(5), ioctl_iflags(2)",
        example: r#"describe(directory "/tmp")
  :exists()
  :is("sticky")
  :its("mode", eq "1777")"#,
        falsified: ("1777", "0700"),
        args {
            /// The absolute path.
            path: Str,
        }
        properties {
            /// The path as it was given.
            path: Str = Directory::path;
            /// The last part of the path.
            basename: Str = Directory::basename;
            /// Always `directory`.
            type: Str = Directory::kind;
            /// The permission bits, as the string of four octal digits.
            mode: Mode = Directory::mode;
            /// The user name of the owner, or the number where no account has it.
            owner: Str = Directory::owner;
            /// The number of the owner.
            uid: Int = Directory::uid;
            /// The name of the group, or the number where no group has it.
            group: Str = Directory::group;
            /// The number of the group.
            gid: Int = Directory::gid;
            /// When a name in it was last added, removed or renamed, in seconds since 1970.
            mtime: Int = Directory::mtime;
            /// The names in it, sorted.
            entries: List = Directory::entries;
            /// The canonical path a link leads to in the end; nothing for what is no link.
            link_path: Str = Directory::link_path;
            /// The text a link holds; nothing for what is no link.
            shallow_link_path: Str = Directory::shallow_link_path;
            /// The SELinux label; nothing where there is none.
            selinux_label: Str = Directory::selinux_label;
        }
        predicates {
            /// Whether nothing is in it.
            empty() absent Fails = |this: &Directory, seen: &Seen<'_>, _: &Args| this.is_empty(seen);
            /// Whether the path is a symbolic link to a directory.
            symlink() absent Fails = Directory::is_symlink;
            /// Whether it belongs to this user.
            owned_by(
                /// The user's name or number.
                user: Any,
            ) absent Fails = Directory::owned_by;
            /// Whether it belongs to this group.
            grouped_into(
                /// The group's name or number.
                group: Any,
            ) absent Fails = Directory::grouped_into;
            /// Whether anyone's read bit is set.
            readable() absent Fails = Directory::readable;
            /// Whether anyone's write bit is set.
            writable() absent Fails = Directory::writable;
            /// Whether anyone's search bit is set.
            executable() absent Fails = Directory::executable;
            /// Whether a class of users, or one user, may list the names in it.
            readable_by(
                /// `owner`, `group` or `other`.
                who: Str optional,
                /// The name of one user instead.
                user: Str optional,
            ) absent Fails = Directory::readable_by;
            /// Whether a class of users, or one user, may change the names in it.
            writable_by(
                /// `owner`, `group` or `other`.
                who: Str optional,
                /// The name of one user instead.
                user: Str optional,
            ) absent Fails = Directory::writable_by;
            /// Whether a class of users, or one user, may go through it.
            executable_by(
                /// `owner`, `group` or `other`.
                who: Str optional,
                /// The name of one user instead.
                user: Str optional,
            ) absent Fails = Directory::executable_by;
            /// Whether a class of users, or one user, has a permission.
            allowed(
                /// `read`, `write` or `execute`.
                permission: Str,
                /// `owner`, `group` or `other`.
                who: Str optional,
                /// The name of one user instead.
                user: Str optional,
            ) absent Fails = Directory::allowed;
            /// Whether it is a link that holds this text or leads to this path in the end.
            linked_to(
                /// The text of the link, or the canonical path of its target.
                path: Str,
            ) absent Fails = Directory::linked_to;
            /// Whether the set-user-ID bit is set.
            setuid() absent Fails = Directory::setuid;
            /// Whether the set-group-ID bit is set: new files get the directory's group.
            setgid() absent Fails = Directory::setgid;
            /// Whether the sticky bit is set: only owners may remove files.
            sticky() absent Fails = Directory::sticky;
            /// Whether any permission bit is set that this mode does not have.
            more_permissive_than(
                /// The mode, such as `"0750"`.
                mode: Mode,
            ) absent Fails = Directory::more_permissive_than;
            /// Whether the immutable flag is set (`chattr +i`).
            immutable() absent Fails = Directory::immutable;
            /// Whether the append-only flag is set (`chattr +a`).
            append_only() absent Fails = Directory::append_only;
        }
        methods {}
    }
}

/// A path that only a directory satisfies.
pub type Directory = Located<true>;

impl Directory {
    fn is_empty(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(self.entries(seen)? == Value::List(Vec::new()))
    }
}
