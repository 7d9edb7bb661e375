//! What is in files, and in directories.

use super::plan::Shared;
use super::progress::{Content, Part, Parts};
use super::rows::{Rows, ended_by_nul, kind, lost, malformed, not_started, rows, troubles};
use super::text::{Trouble, Who, is_plain, names};
use crate::probe::*;
use memchr::memmem;

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
