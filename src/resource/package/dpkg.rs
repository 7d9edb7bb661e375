//! dpkg: the status file is the database, deb-control(5) its form.

use super::database::{Database, Record, lines, text};
use crate::node::{PackageManager, Seen, Sight, Unseen};
use crate::probe::{Read, Run};
use std::collections::BTreeMap;
use std::sync::Arc;

const STATUS: &str = "/var/lib/dpkg/status";

/// Asks for what [`read`] will need.
pub fn ask(seen: &Seen<'_>) {
    let _ = seen.try_get(Read { path: STATUS.into() });
}

/// The database of the node.
pub fn read(seen: &Seen<'_>) -> Sight<Database> {
    let content = seen.get(Read { path: STATUS.into() })?;
    let content = content.ok_or_else(|| Unseen::malformed(format!("{STATUS} vanished while it was looked at")))?;
    let packages = parse(&content).map_err(Unseen::malformed)?;
    Ok(Database { manager: PackageManager::Dpkg, packages })
}

/// The packages of a status file. One that is cut off inside a paragraph is an error: a
/// package could be missing from the rest.
fn parse(content: &[u8]) -> Result<BTreeMap<Box<str>, Vec<Record>>, String> {
    let mut packages: BTreeMap<Box<str>, Vec<Record>> = BTreeMap::new();
    let mut paragraph = Paragraph::default();
    for (index, line) in lines(content).chain([&b""[..]]).enumerate() {
        match line.first() {
            None => {
                if let Some((name, record)) =
                    std::mem::take(&mut paragraph).finish().map_err(|what| format!("{STATUS}:{}: {what}", index + 1))?
                {
                    packages.entry(name).or_default().push(record);
                }
            }
            // Only four fields matter, and a line is told apart by its first byte: the
            // file has tens of thousands of lines.
            Some(b'P') => paragraph.set(line, b"Package:", |own| &mut own.name),
            Some(b'S') => paragraph.set(line, b"Status:", |own| &mut own.status),
            Some(b'V') => paragraph.set(line, b"Version:", |own| &mut own.version),
            Some(b'A') => paragraph.set(line, b"Architecture:", |own| &mut own.architecture),
            Some(_) => paragraph.any = true,
        }
    }
    if !content.is_empty() && !content.ends_with(b"\n") {
        return Err(format!("{STATUS} ends in the middle of a line; restore it from status-old beside it"));
    }
    Ok(packages)
}

/// The fields of one paragraph that matter.
#[derive(Default)]
struct Paragraph<'a> {
    any: bool,
    name: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
}

impl<'a> Paragraph<'a> {
    fn set(&mut self, line: &'a [u8], field: &[u8], slot: impl Fn(&mut Self) -> &mut Option<&'a [u8]>) {
        self.any = true;
        if let Some(value) = line.strip_prefix(field) {
            *slot(self) = Some(value);
        }
    }

    fn finish(self) -> Result<Option<(Box<str>, Record)>, String> {
        if !self.any {
            return Ok(None);
        }
        let name = self.name.ok_or("a paragraph without Package")?;
        let name: Box<str> = String::from_utf8_lossy(name.trim_ascii()).into();
        let status = String::from_utf8_lossy(self.status.unwrap_or_default());
        let mut words = status.split_whitespace();
        let (Some(want), Some(_), Some(state), None) = (words.next(), words.next(), words.next(), words.next()) else {
            return Err(format!("the status of {name} is not three words but {:?}", status.trim_ascii()));
        };
        if state == "installed" && self.version.is_none() {
            return Err(format!("{name} is installed in no version"));
        }
        let record = Record {
            version: text(self.version.unwrap_or_default()),
            architecture: text(self.architecture.unwrap_or_default()),
            held: want == "hold",
            state: state.into(),
        };
        Ok(Some((name, record)))
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
        assert_eq!(parse(whole.as_bytes()).unwrap().len(), 1);
        assert!(parse(&whole.as_bytes()[..40]).unwrap_err().contains("in no version"));
        assert!(parse(&whole.as_bytes()[..50]).unwrap_err().contains("middle of a line"));
        assert!(parse(b"Package: a\nStatus: install ok\n\n").unwrap_err().contains("three words"));
        assert!(parse(b"\xff\xff\x00\n").unwrap_err().contains(":2: a paragraph without Package"));
        assert!(parse(b"").unwrap().is_empty());
    }
}
