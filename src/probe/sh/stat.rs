//! Inodes, links, access lists and flags.

use super::plan::Shared;
use super::progress::{Part, Parts};
use super::rows::{FIELDS, ended_by_nul, inode, lost, malformed, not_started, rows, troubles};
use super::text::{Trouble, Who};
use crate::probe::*;

/// The answers to a group of stats.
pub(super) fn stats(paths: &[Shared], parts: &Parts, who: &Who) -> Vec<Result<Option<Stated>, Fault>> {
    let Some(part) = parts.get("a") else { return lost(paths, "look at") };
    let names: Vec<&str> = paths.iter().map(|shared| &*shared.path).collect();
    let found = rows(&names, part, FIELDS);
    let acls = acls(parts.get("b"), found.rows.iter().flatten().count());
    let mut inodes = Vec::new();
    let mut seen = 0;
    for (index, name) in names.iter().enumerate() {
        inodes.push(match (&found.rows[index], &found.troubles[index]) {
            (Some(row), _) => {
                seen += 1;
                match inode(row) {
                    Some(inode) => Ok(Some(Inode { acl: acls.get(seen - 1).copied().unwrap_or(false), ..inode })),
                    None => Err(malformed(name, row)),
                }
            }
            (None, Some(Trouble::Absent)) => Ok(None),
            (None, Some(trouble)) => Err(who.refused("look at", name, trouble)),
            (None, None) => Err(not_started("look at", name, "stat", part)),
        });
    }
    let is_link =
        |inode: &Result<Option<Inode>, Fault>| matches!(inode, Ok(Some(inode)) if inode.kind == FileKind::Symlink);
    let linking: Vec<&str> =
        names.iter().zip(&inodes).filter(|(_, inode)| is_link(inode)).map(|(name, _)| *name).collect();
    let mut links = links(&linking, parts, who).into_iter();
    let stated = |(name, inode): (&&str, Result<Option<Inode>, Fault>)| {
        if !is_link(&inode) {
            return inode.map(|own| own.map(|own| Stated { own, link: None }));
        }
        let link = links.next().unwrap_or_else(|| Err(who.refused("read the link", name, &Trouble::Absent)))?;
        inode.map(|own| own.map(|own| Stated { own, link: Some(Box::new(link)) }))
    };
    names.iter().zip(inodes).map(stated).collect()
}

/// What the links of a group hold and lead to.
fn links(paths: &[&str], parts: &Parts, who: &Who) -> Vec<Result<Link, Fault>> {
    if paths.is_empty() {
        return Vec::new();
    }
    let (Some(targets), Some(texts), Some(canonicals)) = (parts.get("c"), parts.get("d"), parts.get("e")) else {
        return paths.iter().map(|path| Err(who.refused("read the link", path, &Trouble::Absent))).collect();
    };
    let found = rows(paths, targets, FIELDS);
    let acls = acls(parts.get("f"), found.rows.iter().flatten().count());
    let errors = texts.err.clone();
    let texts = ended_by_nul(&texts.out);
    let canonicals = ended_by_nul(&canonicals.out);
    let resolved = found.rows.iter().flatten().count();
    let mut seen = 0;
    let mut links = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let text = match texts.get(index) {
            Some(text) if texts.len() == paths.len() && !text.is_empty() => text.clone(),
            _ => {
                let trouble = troubles(&[path], &[None], &errors).remove(0);
                let trouble = trouble.unwrap_or_else(|| Trouble::Other("readlink printed nothing".to_string()));
                links.push(Err(who.refused("read the link", path, &trouble)));
                continue;
            }
        };
        links.push(match (&found.rows[index], &found.troubles[index]) {
            (Some(row), _) => {
                seen += 1;
                let canonical = canonicals.get(seen - 1).filter(|_| canonicals.len() == resolved);
                let acl = acls.get(seen - 1).copied().unwrap_or(false);
                match inode(row) {
                    Some(inode) => Ok(Link {
                        text,
                        canonical: canonical.filter(|canonical| canonical.starts_with('/')).cloned(),
                        target: Some(Inode { acl, ..inode }),
                    }),
                    None => Err(malformed(path, row)),
                }
            }
            (None, Some(Trouble::Absent)) => Ok(Link { text, canonical: None, target: None }),
            (None, Some(trouble)) => Err(who.refused("follow the link", path, trouble)),
            (None, None) => Err(not_started("follow the link", path, "stat", targets)),
        });
    }
    links
}

/// Which of `count` paths have an ACL, in the long listing of ls(1): a plus sign behind the
/// mode. Only GNU ls shows it, and the script sends the listing only where there is a plus.
fn acls(part: Option<&Part>, count: usize) -> Vec<bool> {
    let Some(part) = part else { return Vec::new() };
    let text = String::from_utf8_lossy(&part.out);
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if lines.len() != count {
        return Vec::new();
    }
    lines.iter().map(|line| line.as_bytes().get(10) == Some(&b'+')).collect()
}

/// The flags lsattr(1) shows.
pub(super) fn flags(path: &str, parts: &Parts, who: &Who) -> Result<Option<InodeFlags>, Fault> {
    let none = InodeFlags { immutable: false, append_only: false };
    let (Some(stated), Some(last)) = (parts.get("a"), parts.last()) else {
        return Err(who.refused("read the flags of", path, &Trouble::Absent));
    };
    let mode = String::from_utf8_lossy(&stated.out);
    let Some(mode) = u32::from_str_radix(mode.trim(), 16).ok() else {
        return match troubles(&[path], &[None], &stated.err).remove(0) {
            Some(Trouble::Absent) => Ok(None),
            Some(trouble) => Err(who.refused("look at", path, &trouble)),
            None => Err(not_started("look at", path, "stat", stated)),
        };
    };
    if !matches!(FileKind::from_mode(mode), Some(FileKind::File | FileKind::Directory)) {
        return Ok(Some(none));
    }
    if last.status() == Some(127) {
        let message = format!("cannot read the flags of {path}: there is no lsattr on the node; install e2fsprogs");
        return Err(Fault::new(FaultKind::ToolMissing, message));
    }
    let said = String::from_utf8_lossy(&last.err);
    // A file system that has no flags has no immutable files.
    if ["Inappropriate ioctl", "Operation not supported", "Function not implemented", "Invalid argument"]
        .iter()
        .any(|reason| said.contains(reason))
    {
        return Ok(Some(none));
    }
    if said.contains("Permission denied") || said.contains("Operation not permitted") {
        return Err(who.refused("read the flags of", path, &Trouble::Denied));
    }
    let shown = String::from_utf8_lossy(&last.out);
    let letters = shown.split_whitespace().next().filter(|letters| letters.contains('-'));
    match letters {
        Some(letters) => Ok(Some(InodeFlags { immutable: letters.contains('i'), append_only: letters.contains('a') })),
        None => Err(not_started("read the flags of", path, "lsattr", last)),
    }
}
