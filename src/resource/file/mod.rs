//! `file`

mod access;
mod located;

pub use located::Located;

use super::Args;
use crate::node::{Seen, Sight};
use crate::probe::FileKind;
use crate::value::Value;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

resource! {
    /// Checks a file of any type: whether it exists, its type, mode, owner and content.
    ///
    /// Links are followed, as stat(2) does; a link that leads nowhere does not exist, but
    /// `is("symlink")` and the properties of the link itself still answer. What a user may
    /// do is worked out from the permission bits of the file and of every directory on the
    /// way, and from the groups the account databases list; where an access control list
    /// makes the bits ambiguous, the result is errored.
    File = "file" {
        source: "stat(2), inode(7), path_resolution(7), acl(5), ioctl_iflags(2)",
        example: r#"describe(file "/etc/passwd")
  :its("mode", at_most "0644")
  :is("owned_by", "root")
  :is_not("writable_by", "other")
  :its("content", matches "^root:")"#,
        falsified: ("0644", "0000"),
        args {
            /// The absolute path.
            path: Str,
        }
        properties {
            /// The path as it was given.
            path: Str = File::path;
            /// The last part of the path.
            basename: Str = File::basename;
            /// What it is: `file`, `directory`, `block_device`, `character_device`, `pipe`
            /// or `socket`. That of the target for a link.
            type: Str = File::kind;
            /// The permission bits, as the string of four octal digits.
            mode: Mode = File::mode;
            /// The user name of the owner, or the number where no account has it.
            owner: Str = File::owner;
            /// The number of the owner.
            uid: Int = File::uid;
            /// The name of the group, or the number where no group has it.
            group: Str = File::group;
            /// The number of the group.
            gid: Int = File::gid;
            /// The size in bytes.
            size: Int = |this: &File, seen: &Seen<'_>| this.inode(seen).map(|inode| inode.size);
            /// When the content last changed, in seconds since 1970.
            mtime: Int = File::mtime;
            /// How many names the inode has.
            hard_links: Int = |this: &File, seen: &Seen<'_>| this.inode(seen).map(|inode| inode.nlink);
            /// The content, of a regular file only; at most 16 MiB.
            content: Str = |this: &File, seen: &Seen<'_>| this.bytes(seen).map(|bytes| Value::from_bytes(&bytes));
            /// The MD5 sum of the content in lower-case hexadecimal digits, for comparison
            /// with lists that have nothing better.
            md5sum: Str = File::digest::<Md5>;
            /// The SHA-256 sum of the content in lower-case hexadecimal digits.
            sha256sum: Str = File::digest::<Sha256>;
            /// The SHA-512 sum of the content in lower-case hexadecimal digits.
            sha512sum: Str = File::digest::<Sha512>;
            /// The canonical path a link leads to in the end; nothing for what is no link.
            link_path: Str = File::link_path;
            /// The text a link holds; nothing for what is no link.
            shallow_link_path: Str = File::shallow_link_path;
            /// The SELinux label, such as `system_u:object_r:shadow_t:s0`; nothing where
            /// there is none.
            selinux_label: Str = File::selinux_label;
        }
        predicates {
            /// Whether it is a regular file.
            file() absent Fails = |this: &File, seen: &Seen<'_>, _: &Args| this.has_kind(seen, FileKind::File);
            /// Whether it is a directory.
            directory() absent Fails = |this: &File, seen: &Seen<'_>, _: &Args| this.has_kind(seen, FileKind::Directory);
            /// Whether it is a symbolic link, wherever that leads.
            symlink() absent Fails = File::is_symlink;
            /// Whether it is a block device.
            block_device() absent Fails = |this: &File, seen: &Seen<'_>, _: &Args| this.has_kind(seen, FileKind::BlockDevice);
            /// Whether it is a character device.
            character_device() absent Fails = |this: &File, seen: &Seen<'_>, _: &Args| this.has_kind(seen, FileKind::CharacterDevice);
            /// Whether it is a named pipe.
            pipe() absent Fails = |this: &File, seen: &Seen<'_>, _: &Args| this.has_kind(seen, FileKind::Pipe);
            /// Whether it is a socket.
            socket() absent Fails = |this: &File, seen: &Seen<'_>, _: &Args| this.has_kind(seen, FileKind::Socket);
            /// Whether it belongs to this user.
            owned_by(
                /// The user's name or number.
                user: Any,
            ) absent Fails = File::owned_by;
            /// Whether it belongs to this group.
            grouped_into(
                /// The group's name or number.
                group: Any,
            ) absent Fails = File::grouped_into;
            /// Whether anyone's read bit is set.
            readable() absent Fails = File::readable;
            /// Whether anyone's write bit is set.
            writable() absent Fails = File::writable;
            /// Whether anyone's execute bit is set.
            executable() absent Fails = File::executable;
            /// Whether a class of users, or one user, may read it.
            readable_by(
                /// `owner`, `group` or `other`.
                who: Str optional,
                /// The name of one user instead.
                user: Str optional,
            ) absent Fails = File::readable_by;
            /// Whether a class of users, or one user, may write to it.
            writable_by(
                /// `owner`, `group` or `other`.
                who: Str optional,
                /// The name of one user instead.
                user: Str optional,
            ) absent Fails = File::writable_by;
            /// Whether a class of users, or one user, may execute it (of a directory: go
            /// through it).
            executable_by(
                /// `owner`, `group` or `other`.
                who: Str optional,
                /// The name of one user instead.
                user: Str optional,
            ) absent Fails = File::executable_by;
            /// Whether a class of users, or one user, has a permission.
            allowed(
                /// `read`, `write` or `execute`.
                permission: Str,
                /// `owner`, `group` or `other`.
                who: Str optional,
                /// The name of one user instead.
                user: Str optional,
            ) absent Fails = File::allowed;
            /// Whether it is a link that holds this text or leads to this path in the end.
            linked_to(
                /// The text of the link, or the canonical path of its target.
                path: Str,
            ) absent Fails = File::linked_to;
            /// Whether the set-user-ID bit is set.
            setuid() absent Fails = File::setuid;
            /// Whether the set-group-ID bit is set.
            setgid() absent Fails = File::setgid;
            /// Whether the sticky bit is set.
            sticky() absent Fails = File::sticky;
            /// Whether any permission bit is set that this mode does not have.
            more_permissive_than(
                /// The mode, such as `"0640"`.
                mode: Mode,
            ) absent Fails = File::more_permissive_than;
            /// Whether the immutable flag is set (`chattr +i`).
            immutable() absent Fails = File::immutable;
            /// Whether the append-only flag is set (`chattr +a`).
            append_only() absent Fails = File::append_only;
        }
        methods {}
    }
}

/// A path on the node, whatever it leads to.
pub type File = Located<false>;

impl File {
    fn digest<D: Digest>(&self, seen: &Seen<'_>) -> Sight<String> {
        let digest = D::digest(self.bytes(seen)?);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests;
