//! What find(1) finds.

use super::progress::{Part, Parts};
use super::rows::{FIELDS, inode, kind, label, not_started};
use super::text::{Trouble, Who, first_line, glob, shown_time};
use crate::probe::*;
use memchr::memmem;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What a walk found, and whether all conditions were looked at: where find(1) does not
/// know accounts they are left to the caller.
pub(super) fn walk(walk: &Walk, parts: &Parts, separator: &[u8], who: &Who) -> Result<(Vec<Found>, bool), Fault> {
    let path = &*walk.path;
    let (Some(tool), Some(last)) = (parts.get("a"), parts.last()) else {
        return Err(who.refused("walk below", path, &Trouble::Absent));
    };
    if last.status == "T" {
        let limit = shown_time(walk.timeout_ms);
        let message =
            format!("the walk below {path} took longer than {limit}; prune it, limit its depth or give it more time");
        return Err(Fault::new(FaultKind::TimedOut, message));
    }
    let too_many = || {
        let message = format!("more than {ENTRIES_CAP} files below {path} fit, the most that are returned");
        Fault::new(FaultKind::TooLarge, message)
    };
    if last.cut {
        return Err(too_many());
    }
    complaints(walk, last, who)?;
    let gnu = tool.status == "gnu";
    let name = walk.name.as_deref().map(glob).transpose()?;
    // The key without the name of its variable and its end.
    let key = separator.get(2..separator.len() - 1).unwrap_or_default();
    let mut found = Vec::new();
    let mut starts = memmem::find_iter(&last.out, key).peekable();
    while let Some(at) = starts.next() {
        let end = starts.peek().copied().unwrap_or(last.out.len());
        let record = &last.out[at + key.len()..end];
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        let one = parse_found(record, gnu);
        let Some((path, inode)) = one else {
            let shown = first_line(record);
            let message = format!("cannot walk below {path}: find printed {shown:?}");
            return Err(Fault::new(FaultKind::Malformed, message));
        };
        let base = path.rsplit(|&byte| byte == b'/').find(|base| !base.is_empty()).unwrap_or(b"/");
        if !fits(walk, &inode) || name.as_ref().is_some_and(|name| !name.is_match(OsStr::from_bytes(base))) {
            continue;
        }
        if found.len() == ENTRIES_CAP {
            return Err(too_many());
        }
        found.push(Found { path: String::from_utf8_lossy(path).into(), inode });
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok((found, gnu))
}

/// A directory that could not be entered, or that find(1) could not do its work.
fn complaints(walk: &Walk, last: &Part, who: &Who) -> Result<(), Fault> {
    let path = &*walk.path;
    let said = String::from_utf8_lossy(&last.err);
    for line in said.lines().filter(|line| !line.is_empty()) {
        match Trouble::in_message(line) {
            // What vanishes meanwhile is as if it had never been.
            Trouble::Absent => {}
            Trouble::Denied => {
                let thing = line
                    .split_once(": ")
                    .map_or(path, |(_, rest)| rest.rsplit_once(": ").map_or(rest, |(thing, _)| thing));
                let thing = thing.trim_matches(['\'', '"', '‘', '’']);
                return Err(who.refused("list", thing, &Trouble::Denied));
            }
            Trouble::Other(_) if last.status == "127" => return Err(not_started("walk below", path, "find", last)),
            Trouble::Other(reason) => {
                if !line.contains("warning") {
                    return Err(Fault::new(
                        FaultKind::Failed,
                        format!("cannot walk below {path}: find said {reason:?}"),
                    ));
                }
            }
        }
    }
    // It ends with 1 for what vanished.
    match last.status() {
        Some(0 | 1) => Ok(()),
        _ => Err(not_started("walk below", path, "find", last)),
    }
}

fn parse_found(record: &[u8], gnu: bool) -> Option<(&[u8], Inode)> {
    let fields = if gnu { FIELDS + 1 } else { FIELDS };
    let at = memchr::memchr_iter(b' ', record).nth(fields - 1)?;
    let (head, path) = (std::str::from_utf8(&record[..at]).ok()?, &record[at + 1..]);
    // A link to start from is asked for with a slash behind it.
    let path = if path.len() > 1 { path.strip_suffix(b"/").unwrap_or(path) } else { path };
    if !gnu {
        return Some((path, inode(head)?));
    }
    let mut fields = head.split(' ');
    let kind = kind(fields.next()?.chars().next()?)?;
    let mode = u16::from_str_radix(fields.next()?, 8).ok()?;
    let (uid, gid, size) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    // A fraction is cut off downwards, as the kernel keeps it.
    let mtime = fields.next()?.split('.').next()?.parse().ok()?;
    let (nlink, ino, dev) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let selinux = label(fields.next()?);
    Some((path, Inode { kind, mode: mode & 0o7777, uid, gid, size, mtime, nlink, ino, dev, selinux, acl: false }))
}

fn fits(walk: &Walk, inode: &Inode) -> bool {
    (walk.kinds.is_empty() || walk.kinds.contains(&inode.kind))
        && (walk.any_bits == 0 || inode.mode & walk.any_bits != 0)
        && inode.mode & walk.all_bits == walk.all_bits
        && inode.mode & walk.no_bits == 0
        && walk.uid.is_none_or(|uid| uid == inode.uid)
        && walk.gid.is_none_or(|gid| gid == inode.gid)
}
