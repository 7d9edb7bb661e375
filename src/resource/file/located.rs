//! A path and what stat(2) says of it: what `file` and `directory` have in common.

use super::access::{self, Class, Permission};
use crate::error::did_you_mean;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{
    AccountKey, FileKind, Flags, Group, GroupEntry, Inode, InodeFlags, Link, List, Read, Stat, Stated, User,
};
use crate::resource::{Args, Instance};
use crate::value::{Value, mode_text};
use std::sync::Arc;

/// A path on the node; with `DIRECTORY`, one that only a directory satisfies.
pub struct Located<const DIRECTORY: bool> {
    path: Arc<str>,
}

impl<const DIRECTORY: bool> Located<DIRECTORY> {
    pub fn new(args: &Args) -> Result<Self, String> {
        let path = args.required("path");
        if !path.starts_with('/') || path.contains('\0') {
            let word = if DIRECTORY { "directory" } else { "file" };
            return Err(format!("{word}: path is an absolute path such as \"/etc/motd\", not {path:?}"));
        }
        Ok(Located { path })
    }

    fn stated(&self, seen: &Seen<'_>) -> Sight<Option<Stated>> {
        seen.get(Stat { path: self.path.clone() })
    }

    /// The inode the path leads to in the end.
    pub fn inode(&self, seen: &Seen<'_>) -> Sight<Inode> {
        let Some(stated) = self.stated(seen)? else { return Err(self.missing()) };
        match (stated.target(), &stated.link) {
            (Some(inode), _) if DIRECTORY && inode.kind != FileKind::Directory => Err(self.missing()),
            (Some(inode), _) => Ok(inode.clone()),
            (None, Some(link)) => Err(Unseen::Missing(format!("Target {} of the link {}", link.text, self.path))),
            (None, None) => Err(self.missing()),
        }
    }

    fn link(&self, seen: &Seen<'_>) -> Sight<Option<Box<Link>>> {
        Ok(self.stated(seen)?.ok_or_else(|| self.missing())?.link)
    }

    pub fn missing(&self) -> Unseen {
        Unseen::Missing(self.title())
    }

    // ---- properties ------------------------------------------------------------------

    pub fn path(&self, _: &Seen<'_>) -> Sight<Value> {
        Ok(Value::from(self.path.clone()))
    }

    pub fn basename(&self, _: &Seen<'_>) -> Sight<Value> {
        let trimmed = self.path.trim_end_matches('/');
        Ok(Value::from(trimmed.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("/")))
    }

    pub fn kind(&self, seen: &Seen<'_>) -> Sight<Value> {
        self.inode(seen).map(|inode| inode.kind.name().into())
    }

    pub fn mode(&self, seen: &Seen<'_>) -> Sight<Value> {
        self.inode(seen).map(|inode| Value::Mode(inode.mode))
    }

    pub fn uid(&self, seen: &Seen<'_>) -> Sight<u32> {
        self.inode(seen).map(|inode| inode.uid)
    }

    pub fn gid(&self, seen: &Seen<'_>) -> Sight<u32> {
        self.inode(seen).map(|inode| inode.gid)
    }

    pub fn owner(&self, seen: &Seen<'_>) -> Sight<Value> {
        let uid = self.inode(seen)?.uid;
        let account = seen.get(User { key: AccountKey::Id(uid) })?;
        Ok(account.map_or_else(|| uid.to_string().into(), |account| account.name.clone().into()))
    }

    pub fn group(&self, seen: &Seen<'_>) -> Sight<Value> {
        let gid = self.inode(seen)?.gid;
        let group = seen.get(Group { key: AccountKey::Id(gid) })?;
        Ok(group.map_or_else(|| gid.to_string().into(), |group: Arc<GroupEntry>| group.name.clone().into()))
    }

    pub fn mtime(&self, seen: &Seen<'_>) -> Sight<i64> {
        self.inode(seen).map(|inode| inode.mtime)
    }

    pub fn selinux_label(&self, seen: &Seen<'_>) -> Sight<Value> {
        self.inode(seen).map(|inode| inode.selinux.into())
    }

    pub fn link_path(&self, seen: &Seen<'_>) -> Sight<Value> {
        Ok(self.link(seen)?.and_then(|link| link.canonical).into())
    }

    pub fn shallow_link_path(&self, seen: &Seen<'_>) -> Sight<Value> {
        Ok(self.link(seen)?.map(|link| link.text).into())
    }

    pub fn entries(&self, seen: &Seen<'_>) -> Sight<Value> {
        let entries = seen.get(List { path: self.path.clone() })?.ok_or_else(|| self.missing())?;
        Ok(Value::strings(entries.iter().map(|entry| &entry.name)))
    }

    /// The bytes of the file.
    pub fn bytes(&self, seen: &Seen<'_>) -> Sight<Arc<[u8]>> {
        seen.get(Read { path: self.path.clone() })?.ok_or_else(|| self.missing())
    }

    // ---- predicates ------------------------------------------------------------------

    /// Compares by number, so that the look-up of the name needs no second round.
    pub fn owned_by(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        let (inode, account) = match account_key("user", args)? {
            AccountKey::Id(uid) => (self.inode(seen)?, Some(uid)),
            key => {
                let account = seen.get(User { key });
                let inode = self.inode(seen)?;
                (inode, account?.map(|account| account.uid))
            }
        };
        Ok(account
            .map_or_else(|| args.text("user").as_deref() == Some(&*inode.uid.to_string()), |uid| uid == inode.uid))
    }

    /// See [`Located::owned_by`].
    pub fn grouped_into(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        let (inode, group) = match account_key("group", args)? {
            AccountKey::Id(gid) => (self.inode(seen)?, Some(gid)),
            key => {
                let group = seen.get(Group { key });
                let inode = self.inode(seen)?;
                (inode, group?.map(|group| group.gid))
            }
        };
        Ok(group.map_or_else(|| args.text("group").as_deref() == Some(&*inode.gid.to_string()), |gid| gid == inode.gid))
    }

    pub fn is_symlink(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        Ok(self.stated(seen)?.ok_or_else(|| self.missing())?.own.kind == FileKind::Symlink)
    }

    pub fn has_kind(&self, seen: &Seen<'_>, kind: FileKind) -> Sight<bool> {
        Ok(self.inode(seen)?.kind == kind)
    }

    pub fn has_bit(&self, seen: &Seen<'_>, bit: u16) -> Sight<bool> {
        Ok(self.inode(seen)?.mode & bit != 0)
    }

    pub fn setuid(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        self.has_bit(seen, 0o4000)
    }

    pub fn setgid(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        self.has_bit(seen, 0o2000)
    }

    pub fn sticky(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        self.has_bit(seen, 0o1000)
    }

    pub fn linked_to(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        let wanted = args.required("path");
        let link = self.link(seen)?;
        Ok(link.is_some_and(|link| link.text == wanted || link.canonical.as_ref() == Some(&wanted)))
    }

    pub fn more_permissive_than(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        let limit = mode_of(&args.required("mode"))?;
        Ok(self.inode(seen)?.mode & !limit != 0)
    }

    fn flags(&self, seen: &Seen<'_>) -> Sight<InodeFlags> {
        seen.get(Flags { path: self.path.clone() })?.ok_or_else(|| self.missing())
    }

    pub fn immutable(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        self.flags(seen).map(|flags| flags.immutable)
    }

    pub fn append_only(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        self.flags(seen).map(|flags| flags.append_only)
    }

    pub fn readable_by(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        self.permits(seen, Permission::Read, args)
    }

    pub fn writable_by(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        self.permits(seen, Permission::Write, args)
    }

    pub fn executable_by(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        self.permits(seen, Permission::Execute, args)
    }

    pub fn readable(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        self.has_bit(seen, 0o444)
    }

    pub fn writable(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        self.has_bit(seen, 0o222)
    }

    pub fn executable(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        self.has_bit(seen, 0o111)
    }

    pub fn allowed(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        let permission = args.required("permission");
        let permission = match &*permission {
            "read" => Permission::Read,
            "write" | "modify" => Permission::Write,
            "execute" => Permission::Execute,
            other => {
                let hint = did_you_mean(other, ["read", "write", "execute"]);
                return Err(Unseen::Misuse(format!("there is no permission {other:?}; {hint}")));
            }
        };
        self.permits(seen, permission, args)
    }

    /// Whether a class (`who`) or a user has a permission.
    fn permits(&self, seen: &Seen<'_>, permission: Permission, args: &Args) -> Sight<bool> {
        match (args.text("who"), args.text("user")) {
            (Some(who), None) => match Class::named(&who) {
                Some(class) => access::class_may(&self.inode(seen)?, &self.path, class, permission),
                None => Err(Unseen::Misuse(format!(
                    "{who:?} is no class of users; say \"owner\", \"group\" or \"other\", or {{ user = {who:?} }}"
                ))),
            },
            (None, Some(user)) => {
                // Asked first, so that the file goes into the same round as the user.
                let inode = self.inode(seen);
                let may = access::user_may(seen, &self.path, &user, permission);
                inode?;
                may
            }
            _ => Err(Unseen::Misuse(
                "say who: one of \"owner\", \"group\", \"other\", or { user = \"NAME\" }".to_string(),
            )),
        }
    }
}

impl<const DIRECTORY: bool> Instance for Located<DIRECTORY> {
    fn title(&self) -> String {
        format!("{} {}", if DIRECTORY { "Directory" } else { "File" }, self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        match self.inode(seen) {
            Ok(_) => Ok(true),
            Err(Unseen::Missing(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// A user or group given by name or by number.
fn account_key(name: &str, args: &Args) -> Sight<AccountKey> {
    match args.get(name) {
        Some(Value::Int(id)) => u32::try_from(*id)
            .map(AccountKey::Id)
            .map_err(|_| Unseen::Misuse(format!("{id} is no {name} number: they go from 0 to {}", u32::MAX))),
        Some(Value::Str(text)) => Ok(AccountKey::Name(text.clone())),
        other => {
            let other = other.cloned().unwrap_or_default();
            Err(Unseen::Misuse(format!("{name} is a name or a number, not {other}")))
        }
    }
}

/// The bits of a mode written as octal digits.
fn mode_of(text: &str) -> Sight<u16> {
    match u16::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o7777 => Ok(mode),
        _ => Err(Unseen::Misuse(format!("a mode is octal digits such as {:?}, not {text:?}", mode_text(0o640)))),
    }
}
