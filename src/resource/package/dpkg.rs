//! dpkg: the status file is the database, deb-control(5) its form.

use super::database::{Database, Packages, Record, Words, lines, text};
use crate::node::{PackageManager, Seen, Sight, Unseen};
use crate::probe::{Read, Run, bytes};
use memchr::memmem;
use std::sync::Arc;

const STATUS: &str = "/var/lib/dpkg/status";

/// Asks for what [`read`] will need.
pub fn ask(seen: &Seen<'_>) {
    let _ = seen.try_get(Read { path: STATUS.into() });
}

/// The database of the node.
pub fn read(seen: &Seen<'_>) -> Sight<Database> {
    let content = seen.take(Read { path: STATUS.into() })?;
    let content = content.ok_or_else(|| Unseen::malformed(format!("{STATUS} vanished while it was looked at")))?;
    let packages = parse(&content).map_err(Unseen::malformed)?;
    Ok(Database { manager: PackageManager::Dpkg, packages })
}

/// The packages of a status file. One that is cut off inside a paragraph is an error: a
/// package could be missing from the rest.
fn parse(content: &[u8]) -> Result<Packages, String> {
    let (mut records, mut words) = (Vec::new(), Words::default());
    let mut begin = 0;
    for end in memmem::find_iter(content, b"\n\n").chain([content.len()]) {
        let paragraph = content[begin..end].trim_ascii_start();
        begin = end;
        if paragraph.is_empty() {
            continue;
        }
        let read = Paragraph::read(paragraph).record(&mut words);
        let line = || memchr::memchr_iter(b'\n', &content[..end - paragraph.len()]).count() + 1;
        records.push(read.map_err(|what| format!("{STATUS}:{}: {what}", line()))?);
    }
    if !content.is_empty() && !content.ends_with(b"\n") {
        return Err(format!("{STATUS} ends in the middle of a line; restore it from status-old beside it"));
    }
    Ok(records.into_iter().collect())
}

/// The fields of one paragraph that matter.
#[derive(Default)]
struct Paragraph<'a> {
    name: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
}

impl<'a> Paragraph<'a> {
    /// Looks no further than the last of the fields: what is after them, descriptions and lists
    /// of files, is most of a status file.
    fn read(text: &'a [u8]) -> Paragraph<'a> {
        let mut found = Paragraph::default();
        for line in lines(text) {
            // A line is told apart by its first byte: the file has tens of thousands.
            match line.first() {
                Some(b'P') => set(&mut found.name, line, b"Package:"),
                Some(b'S') => set(&mut found.status, line, b"Status:"),
                Some(b'V') => set(&mut found.version, line, b"Version:"),
                Some(b'A') => set(&mut found.architecture, line, b"Architecture:"),
                _ => continue,
            }
            if found.name.is_some() && found.status.is_some() && found.version.is_some() && found.architecture.is_some()
            {
                break;
            }
        }
        found
    }

    fn record(self, words: &mut Words) -> Result<(Box<str>, Record), String> {
        let name = self.name.ok_or("a paragraph without Package")?;
        let name: Box<str> = bytes::text(name.trim_ascii()).into();
        let status = bytes::text(self.status.unwrap_or_default());
        let mut parts = status.split_ascii_whitespace();
        let (Some(want), Some(_), Some(state), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(format!("the status of {name} is not three words but {:?}", status.trim_ascii()));
        };
        if state == "installed" && self.version.is_none() {
            return Err(format!("{name} is installed in no version"));
        }
        let architecture = bytes::text(self.architecture.unwrap_or_default().trim_ascii());
        let record = Record {
            version: text(self.version.unwrap_or_default()),
            architecture: words.of(&architecture),
            held: want == "hold",
            state: words.of(state),
        };
        Ok((name, record))
    }
}

/// Takes the value of a line where its field is this one.
fn set<'a>(slot: &mut Option<&'a [u8]>, line: &'a [u8], field: &[u8]) {
    if let Some(value) = line.strip_prefix(field) {
        *slot = Some(value);
    }
}

/// The newest version apt would install, from its lists as they are.
pub fn latest(seen: &Seen<'_>, name: &str) -> Sight<Arc<str>> {
    let mut run = Run::argv(["apt-cache", "policy", name]);
    run.environment = vec![("LC_ALL".to_string(), "C".to_string())];
    let ran = seen.get(run)?;
    match ran.status {
        0 => {}
        127 => return Err(Unseen::tool_missing("the latest version needs apt-cache, which is not on this node")),
        status => return Err(Unseen::failed(format!("apt-cache policy {name} ended with status {status}"))),
    }
    let candidate = lines(&ran.stdout).find_map(|line| line.trim_ascii_start().strip_prefix(b"Candidate:")).map(text);
    match candidate {
        Some(version) if &*version != "(none)" => Ok(version),
        _ => Err(Unseen::failed(format!("apt knows no version of {name}; run apt-get update on the node"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_cut_off_or_no_status_file_is_refused() {
        let whole =
            "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDescription: x\n Package: b\n\n";
        assert_eq!(parse(whole.as_bytes()).unwrap().iter().count(), 1);
        assert!(parse(&whole.as_bytes()[..40]).unwrap_err().contains("in no version"));
        assert!(parse(&whole.as_bytes()[..50]).unwrap_err().contains("middle of a line"));
        assert!(parse(b"Package: a\nStatus: install ok\n\n").unwrap_err().contains("three words"));
        assert!(parse(b"\xff\xff\x00\n").unwrap_err().contains(":1: a paragraph without Package"));
        assert!(parse(b"").unwrap().is_empty());
        let second = "Package: a\nStatus: install ok installed\nVersion: 1\n\n\nPackage: b\nStatus: hold\n\n";
        assert!(parse(second.as_bytes()).unwrap_err().contains(":6: the status of b"));
    }
}
