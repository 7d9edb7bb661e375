//! The lines of stat(1), and what it says of paths it cannot look at.

use super::plan::Shared;
use super::progress::Part;
use super::text::{Trouble, first_line, is_plain, names};
use crate::probe::*;

/// The fields of an inode, as the script asks stat(1) for them.
pub(super) const FIELDS: usize = 9;

/// A tool that is not on the node, or could not be started.
pub(super) fn not_started(doing: &str, thing: &str, tool: &str, part: &Part) -> Fault {
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
pub(super) struct Rows {
    pub rows: Vec<Option<Row>>,
    /// By path without a row.
    pub troubles: Vec<Option<Trouble>>,
}

/// The text before the path of a line of stat(1).
pub(super) type Row = String;

/// Finds the row of each path. Rows come in the order of the paths and end with them, so
/// that a name may hold anything; a line that is none of these is passed over.
pub(super) fn rows(paths: &[&str], part: &Part, fields: usize) -> Rows {
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
pub(super) fn troubles(paths: &[&str], rows: &[Option<Row>], errors: &[u8]) -> Vec<Option<Trouble>> {
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

/// An inode in the fields of stat(1): mode in hexadecimal, owner, group, size, time, links,
/// inode, device, label.
pub(super) fn inode(row: &str) -> Option<Inode> {
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

pub(super) fn label(text: &str) -> Option<Arc<str>> {
    (!matches!(text, "-" | "?" | "" | "unlabeled" | "%C" | "%Z")).then(|| text.into())
}

pub(super) fn malformed(path: &str, row: &str) -> Fault {
    Fault::new(FaultKind::Malformed, format!("cannot look at {path}: stat printed {row:?}"))
}

pub(super) fn lost<T>(paths: &[Shared], doing: &str) -> Vec<Result<T, Fault>> {
    let fault = |shared: &Shared| {
        Err(Fault::new(FaultKind::Failed, format!("cannot {doing} {}: the node did not say", shared.path)))
    };
    paths.iter().map(fault).collect()
}

pub(super) fn ended_by_nul(bytes: &[u8]) -> Vec<Arc<str>> {
    let mut texts: Vec<Arc<str>> =
        bytes.split(|&byte| byte == 0).map(|text| String::from_utf8_lossy(text).into()).collect();
    // What is behind the last is no text of its own.
    texts.pop();
    texts
}

/// A kind by the letter of find(1).
pub(super) fn kind(letter: char) -> Option<FileKind> {
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
