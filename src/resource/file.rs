//! `file`

use super::Args;
use super::catalogue::Instance;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{AccountKey, FileKind, Inode, Stat, Stated, User};
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks a file of any type: whether it exists, its type, mode, owner and content.
    ///
    /// Links are followed, as stat(2) does.
    File = "file" {
        source: "stat(2), inode(7)",
        example: r#"describe(file "/etc/passwd"):its("mode", at_most "0644"):is("owned_by", "root")"#,
        falsified: ("0644", "0000"),
        args {
            /// The absolute path.
            path: Str,
        }
        properties {
            /// The permission bits, as the string of four octal digits.
            mode: Mode = File::mode;
            /// The size in bytes.
            size: Int = |this: &File, seen: &Seen<'_>| this.inode(seen).map(|inode| inode.size);
            /// The user name of the owner, or the number where no account has it.
            owner: Str = File::owner;
        }
        predicates {
            /// Whether the owner has this name.
            owned_by(
                /// The user's name.
                user: Str,
            ) absent Fails = |this: &File, seen: &Seen<'_>, args: &Args| {
                Ok(this.owner(seen)?.as_text().as_deref() == args.text("user").as_deref())
            };
            /// Whether it is a directory.
            directory() absent Fails = |this: &File, seen: &Seen<'_>, _: &Args| {
                Ok(this.inode(seen)?.kind == FileKind::Directory)
            };
        }
        methods {}
    }
}

/// A path on the node.
pub struct File {
    path: Arc<str>,
}

impl File {
    fn new(args: &Args) -> Result<File, String> {
        Ok(File { path: args.required("path") })
    }

    fn stated(&self, seen: &Seen<'_>) -> Sight<Option<Stated>> {
        seen.get(Stat { path: self.path.clone() })
    }

    fn inode(&self, seen: &Seen<'_>) -> Sight<Inode> {
        let stated = self.stated(seen)?;
        stated.as_ref().and_then(Stated::target).cloned().ok_or_else(|| Unseen::Missing(self.title()))
    }

    fn mode(&self, seen: &Seen<'_>) -> Sight<Value> {
        self.inode(seen).map(|inode| Value::Mode(inode.mode))
    }

    fn owner(&self, seen: &Seen<'_>) -> Sight<Value> {
        let uid = self.inode(seen)?.uid;
        let account = seen.get(User { key: AccountKey::Id(uid) })?;
        Ok(account.map_or_else(|| Value::from(uid.to_string()), |account| Value::from(account.name.clone())))
    }
}

impl Instance for File {
    fn title(&self) -> String {
        format!("File {}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(self.stated(seen)?.is_some())
    }
}
