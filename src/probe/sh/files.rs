//! What stat, cat, find and their like print.

use super::plan::Shared;
use super::progress::{Content, Part, Parts};
use super::text::{Trouble, Who, first_line, glob, is_plain, names, shown_time};
use crate::probe::*;
use memchr::memmem;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The fields of an inode, as the script asks stat(1) for them.
const FIELDS: usize = 9;

/// A tool that is not on the node, or could not be started.
fn not_started(doing: &str, thing: &str, tool: &str, part: &Part) -> Fault {
    let said = first_line(&part.err);
    match part.status() {
        Some(127) => Fault::new(
            FaultKind::ToolMissing,
            format!("cannot {doing} {thing}: there is no {tool} on the node; install it"),
        ),
        _ => Fault::new(
            FaultKind::Failed,
            format!("cannot {doing} {thing}: {tool} ended with status {} and said {said:?}", part.status),
        ),
    }
}

/// What one `stat` said of each path of a group: an entry, or the trouble.
struct Rows {
    rows: Vec<Option<Row>>,
    /// By path without a row.
    troubles: Vec<Option<Trouble>>,
}

/// The text before the path of a line of stat(1).
type Row = String;

/// Finds the row of each path. Rows come in the order of the paths and end with them, so
/// that a name may hold anything; a line that is none of these is passed over.
fn rows(paths: &[&str], part: &Part, fields: usize) -> Rows {
    let mut rows: Vec<Option<Row>> = vec![None; paths.len()];
    let mut next = 0;
    let mut rest = &part.out[..];
    while !rest.is_empty() && next < paths.len() {
        let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let Some(at) = memchr::memchr_iter(b' ', &rest[..line]).nth(fields - 1) else {
            rest = &rest[line..];
            continue;
        };
        let (head, tail) = (&rest[..at], &rest[at + 1..]);
        let fits = |path: &str| {
            let after = tail.strip_prefix(path.as_bytes());
            // A shell drops the newlines at the end of what it captures.
            let short = || tail.strip_prefix(path.trim_end_matches('\n').as_bytes()).filter(|left| left.len() <= 1);
            after.filter(|after| after.is_empty() || after.starts_with(b"\n")).or_else(short)
        };
        let found = (next..paths.len()).find_map(|index| Some((index, fits(paths[index])?)));
        match found {
            Some((index, after)) => {
                rows[index] = Some(String::from_utf8_lossy(head).into_owned());
                next = index + 1;
                rest = after.strip_prefix(b"\n").unwrap_or(after);
            }
            None => rest = &rest[line..],
        }
    }
    let troubles = troubles(paths, &rows, &part.err);
    Rows { rows, troubles }
}

/// The messages of stat(1) come in the order of the paths it could not look at.
fn troubles(paths: &[&str], rows: &[Option<Row>], errors: &[u8]) -> Vec<Option<Trouble>> {
    let text = String::from_utf8_lossy(errors);
    let mut troubles = vec![None; paths.len()];
    if let [path] = paths
        && !is_plain(path)
    {
        if rows[0].is_none() && text.contains(": ") {
            troubles[0] = Some(Trouble::in_message(&text));
        }
        return troubles;
    }
    let mut lines = text.lines().peekable();
    for index in (0..paths.len()).filter(|&index| rows[index].is_none()) {
        // Lines about something else are noise.
        let mut ahead = lines.clone();
        if let Some(line) = ahead.find(|line| names(line, paths[index])) {
            troubles[index] = Some(Trouble::in_message(line));
            lines = ahead;
        }
    }
    troubles
}

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

fn ended_by_nul(bytes: &[u8]) -> Vec<Arc<str>> {
    let mut texts: Vec<Arc<str>> =
        bytes.split(|&byte| byte == 0).map(|text| String::from_utf8_lossy(text).into()).collect();
    // What is behind the last is no text of its own.
    texts.pop();
    texts
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

/// An inode in the fields of stat(1): mode in hexadecimal, owner, group, size, time, links,
/// inode, device, label.
fn inode(row: &str) -> Option<Inode> {
    let mut fields = row.split(' ');
    let mode = u32::from_str_radix(fields.next()?, 16).ok()?;
    Some(Inode {
        kind: FileKind::from_mode(mode)?,
        mode: (mode & 0o7777) as u16,
        uid: fields.next()?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
        size: fields.next()?.parse().ok()?,
        mtime: fields.next()?.parse().ok()?,
        nlink: fields.next()?.parse().ok()?,
        ino: fields.next()?.parse().ok()?,
        dev: fields.next()?.parse().ok()?,
        selinux: label(fields.next()?),
        acl: false,
    })
}

fn label(text: &str) -> Option<Arc<str>> {
    (!matches!(text, "-" | "?" | "" | "unlabeled" | "%C" | "%Z")).then(|| text.into())
}

fn malformed(path: &str, row: &str) -> Fault {
    Fault::new(FaultKind::Malformed, format!("cannot look at {path}: stat printed {row:?}"))
}

fn lost<T>(paths: &[Shared], doing: &str) -> Vec<Result<T, Fault>> {
    let fault = |shared: &Shared| {
        Err(Fault::new(FaultKind::Failed, format!("cannot {doing} {}: the node did not say", shared.path)))
    };
    paths.iter().map(fault).collect()
}

/// What was read of a file, what cat said meanwhile, and whether the rest was dropped.
type Piece<'a> = (&'a [u8], &'a [u8], bool);

/// The contents of a group of files.
pub(super) fn contents(paths: &[Shared], parts: &Parts, separator: &[u8], who: &Who) -> Vec<Content> {
    let (Some(stated), Some(chosen), Some(last)) = (parts.get("a"), parts.get("b"), parts.last()) else {
        return lost(paths, "read");
    };
    let names: Vec<&str> = paths.iter().map(|shared| &*shared.path).collect();
    let found = rows(&names, stated, 2);
    let read: Vec<bool> = chosen.out.get(1..).unwrap_or_default().iter().map(|&flag| flag == b'1').collect();
    if read.len() != paths.len() {
        return lost(paths, "read");
    }
    let count = read.iter().filter(|&&read| read).count();
    // What was read of each file that was, with what cat said of it.
    let pieces: Option<Vec<Piece<'_>>> = if chosen.out.first() == Some(&b'P') {
        split(&last.out, separator, count)
            .map(|pieces| pieces.into_iter().map(|piece| (piece, &last.err[..], last.cut)).collect())
    } else {
        let pieces: Vec<_> = parts.0.iter().filter(|part| part.tag == "c").collect();
        (pieces.len() == count).then(|| pieces.iter().map(|part| (&part.out[..], &part.err[..], part.cut)).collect())
    };
    let mut pieces = pieces.map(Vec::into_iter);
    let mut contents = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let piece = if read[index] { pieces.as_mut().and_then(Iterator::next) } else { None };
        contents.push(content(name, &found, index, read[index], piece, last, who));
    }
    contents
}

fn content(
    name: &str,
    found: &Rows,
    index: usize,
    read: bool,
    piece: Option<Piece<'_>>,
    last: &Part,
    who: &Who,
) -> Content {
    let row = match (&found.rows[index], &found.troubles[index]) {
        (Some(row), _) => row,
        (None, Some(Trouble::Absent)) => return Ok(None),
        (None, Some(trouble)) => return Err(who.refused("read", name, trouble)),
        (None, None) => return Err(not_started("read", name, "stat", last)),
    };
    let fields = row.split_once(' ').and_then(|(size, mode)| {
        Some((size.parse::<u64>().ok()?, FileKind::from_mode(u32::from_str_radix(mode, 16).ok()?)))
    });
    let Some((size, kind)) = fields else { return Err(malformed(name, row)) };
    if kind != Some(FileKind::File) {
        let what = kind.map_or("no file", FileKind::name).replace('_', " ");
        return Err(Fault::new(FaultKind::Failed, format!("cannot read {name}: it is a {what}, not a regular file")));
    }
    let too_long = || {
        let message = format!("{name} is longer than {} MiB, the most that is read", READ_CAP >> 20);
        Err(Fault::new(FaultKind::TooLarge, message))
    };
    if size > READ_CAP as u64 {
        return too_long();
    }
    let Some((bytes, errors, cut)) = piece else {
        if !read {
            return Err(who.refused("read", name, &Trouble::Other("it changed while it was looked at".to_string())));
        }
        if last.cut {
            let message = format!("cannot read {name}: it and the files read with it are longer than is kept");
            return Err(Fault::new(FaultKind::TooLarge, message));
        }
        return Err(not_started("read", name, "cat", last));
    };
    let errors = String::from_utf8_lossy(errors);
    let complaint = errors.lines().find(|line| if is_plain(name) { names(line, name) } else { line.contains(": ") });
    match complaint.map(Trouble::in_message) {
        Some(Trouble::Absent) => Ok(None),
        Some(trouble) => Err(who.refused("read", name, &trouble)),
        None if bytes.len() > READ_CAP || cut => too_long(),
        None => Ok(Some(bytes.into())),
    }
}

/// The pieces that end with the separator, exactly `count` of them.
pub(super) fn split<'a>(bytes: &'a [u8], separator: &[u8], count: usize) -> Option<Vec<&'a [u8]>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for at in memmem::find_iter(bytes, separator) {
        if pieces.len() == count {
            return None;
        }
        pieces.push(&bytes[from..at]);
        from = at + separator.len();
    }
    (pieces.len() == count && from == bytes.len()).then_some(pieces)
}

/// The names in a directory.
pub(super) fn list(path: &str, parts: &Parts, who: &Who) -> Result<Option<Arc<[Entry]>>, Fault> {
    let Some(part) = parts.last() else { return Err(who.refused("list", path, &Trouble::Absent)) };
    match part.status.as_str() {
        "0" => {}
        "r" => return Err(who.refused("list", path, &Trouble::Denied)),
        "x" => return Err(who.refused("look into", path, &Trouble::Denied)),
        _ => {
            if !part.out.trim_ascii().is_empty() {
                return Ok(None);
            }
            return match troubles(&[path], &[None], &part.err).remove(0) {
                Some(Trouble::Absent) => Ok(None),
                Some(trouble) => Err(who.refused("list", path, &trouble)),
                None => Err(not_started("list", path, "stat", part)),
            };
        }
    }
    let too_many = || {
        let message = format!("{path} holds more than {ENTRIES_CAP} names, the most that are listed");
        Fault::new(FaultKind::TooLarge, message)
    };
    if part.cut {
        return Err(too_many());
    }
    let mut entries = Vec::new();
    for text in ended_by_nul(&part.out) {
        let mut letters = text.chars();
        let kind = letters.next().and_then(kind);
        let name = letters.as_str();
        let Some(kind) = kind.filter(|_| !name.is_empty()) else {
            return Err(Fault::new(FaultKind::Malformed, format!("cannot list {path}: the node printed {text:?}")));
        };
        if entries.len() == ENTRIES_CAP {
            return Err(too_many());
        }
        entries.push(Entry { name: name.into(), kind });
    }
    entries.sort_unstable();
    Ok(Some(entries.into()))
}

/// A kind by the letter of find(1).
fn kind(letter: char) -> Option<FileKind> {
    Some(match letter {
        'f' => FileKind::File,
        'd' => FileKind::Directory,
        'l' => FileKind::Symlink,
        'b' => FileKind::BlockDevice,
        'c' => FileKind::CharacterDevice,
        'p' => FileKind::Pipe,
        's' => FileKind::Socket,
        _ => return None,
    })
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
