//! What a class of users or one user may do with a path, by the permission bits:
//! path_resolution(7), inode(7), acl(5).
//!
//! Where an ACL is set, the group bits are its mask. The owner's and the others' bits stay
//! exact, and a permission the mask and the others both lack is denied to everyone else;
//! in all other cases the bits cannot tell, and the answer is a fault.

use crate::node::{Seen, Sight, Unseen};
use crate::probe::{AccountKey, FileKind, Groups, Inode, Stat, Stated, User};
use crate::resource::accounts;
use std::sync::Arc;

/// One permission, as its bit in each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    Read = 4,
    Write = 2,
    Execute = 1,
}

/// Whom the three digits of a mode are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Owner,
    Group,
    Other,
}

/// As many links as Linux follows in one path.
const LINKS_CAP: usize = 40;

impl Class {
    pub fn named(name: &str) -> Option<Class> {
        match name {
            "owner" => Some(Class::Owner),
            "group" => Some(Class::Group),
            "other" | "others" => Some(Class::Other),
            _ => None,
        }
    }

    fn grants(self, inode: &Inode, permission: Permission) -> bool {
        let shift = match self {
            Class::Owner => 6,
            Class::Group => 3,
            Class::Other => 0,
        };
        inode.mode >> shift & permission as u16 != 0
    }
}

/// Whether a class of users has a permission on an inode.
pub fn class_may(inode: &Inode, path: &str, class: Class, permission: Permission) -> Sight<bool> {
    let granted = class.grants(inode, permission);
    if class == Class::Group && inode.acl && granted {
        return Err(undecided(path, "the group"));
    }
    Ok(granted)
}

/// Whether the user called `name` can use a permission on `path`: the bits of the file
/// and search permission on every directory on the way, links followed. The superuser
/// may do anything but execute what nobody may execute.
pub fn user_may(seen: &Seen<'_>, path: &str, name: &str, permission: Permission) -> Sight<bool> {
    let way = seen.each(prefixes(path).map(|path| Stat { path }));
    let who = seen.all((User { key: AccountKey::Name(name.into()) }, Groups));
    if matches!(way, Err(Unseen::Pending)) {
        return Err(Unseen::Pending);
    }
    let (account, groups) = who?;
    way?;
    let account = account.ok_or_else(|| Unseen::Missing(format!("User {name}")))?;
    let user = Subject {
        name,
        uid: account.uid,
        gids: accounts::memberships(&account, &groups).map(|group| group.gid).chain([account.gid]).collect(),
    };

    let mut parts: Vec<Arc<str>> = components(path);
    let mut at = String::new();
    let mut links = 0;
    while let Some(part) = parts.pop() {
        let directory = own(seen, &at)?;
        if !user.may(&directory, &at, Permission::Execute)? {
            return Ok(false);
        }
        if &*part == ".." {
            at.truncate(at.rfind('/').unwrap_or(0));
            continue;
        }
        let next = format!("{at}/{part}");
        match stated(seen, &next)?.link {
            Some(link) => {
                links += 1;
                if links > LINKS_CAP {
                    return Err(Unseen::failed(format!("{path}: too many levels of symbolic links")));
                }
                if link.text.starts_with('/') {
                    at.clear();
                }
                parts.extend(components(&link.text));
            }
            None => at = next,
        }
    }
    user.may(&own(seen, &at)?, &at, permission)
}

/// A user with the groups it is in.
struct Subject<'a> {
    name: &'a str,
    uid: u32,
    gids: Vec<u32>,
}

impl Subject<'_> {
    fn may(&self, inode: &Inode, path: &str, permission: Permission) -> Sight<bool> {
        if self.uid == 0 {
            let anybody = inode.mode & 0o111 != 0 || inode.kind == FileKind::Directory;
            return Ok(permission != Permission::Execute || anybody);
        }
        if self.uid == inode.uid {
            return Ok(Class::Owner.grants(inode, permission));
        }
        if inode.acl {
            let possible = Class::Group.grants(inode, permission) || Class::Other.grants(inode, permission);
            return if possible { Err(undecided(path, &format!("user {}", self.name))) } else { Ok(false) };
        }
        let class = if self.gids.contains(&inode.gid) { Class::Group } else { Class::Other };
        Ok(class.grants(inode, permission))
    }
}

fn undecided(path: &str, who: &str) -> Unseen {
    let path = if path.is_empty() { "/" } else { path };
    Unseen::failed(format!("{path} has an access control list, so that its mode does not tell what {who} may do"))
}

fn stated(seen: &Seen<'_>, path: &str) -> Sight<Stated> {
    let path: Arc<str> = if path.is_empty() { "/".into() } else { path.into() };
    seen.get(Stat { path: path.clone() })?.ok_or_else(|| Unseen::Missing(format!("File {path}")))
}

fn own(seen: &Seen<'_>, path: &str) -> Sight<Inode> {
    stated(seen, path).map(|stated| stated.own)
}

/// The names in a path, last first.
fn components(path: &str) -> Vec<Arc<str>> {
    path.split('/').rev().filter(|part| !part.is_empty() && *part != ".").map(Into::into).collect()
}

/// `/`, and the path cut after each of its names.
fn prefixes(path: &str) -> impl Iterator<Item = Arc<str>> {
    let mut parts = components(path);
    parts.reverse();
    let mut prefix = String::new();
    let deeper = parts.into_iter().map(move |part| {
        prefix.push('/');
        prefix.push_str(&part);
        Arc::from(prefix.as_str())
    });
    std::iter::once(Arc::from("/")).chain(deeper)
}
