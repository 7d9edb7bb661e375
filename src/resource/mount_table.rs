//! The mounts of a node, from the kernel's table.

use crate::node::{Seen, Sight, Unseen};
use crate::probe::Read;
use std::rc::Rc;

const TABLE: &str = "/proc/self/mountinfo";

/// One line of `/proc/self/mountinfo`, proc_pid_mountinfo(5).
#[derive(Debug, Clone, PartialEq)]
pub struct Mounted {
    /// Where it is mounted.
    pub point: String,
    /// The root of the mount inside its file system: not `/` for a bind mount of a directory.
    pub root: String,
    pub kind: String,
    /// What is mounted, as given to mount(8): a device, a share, a word.
    pub device: String,
    /// The options of this mount.
    pub mount_options: Vec<String>,
    /// The options of the file system.
    pub super_options: Vec<String>,
}

impl Mounted {
    /// Both kinds of options as mount(8) lists them, each once. Read-only wins: either
    /// kind makes writing impossible.
    pub fn options(&self) -> Vec<String> {
        let mut options: Vec<String> = Vec::new();
        for option in self.mount_options.iter().chain(&self.super_options) {
            if !options.contains(option) {
                options.push(option.clone());
            }
        }
        if options.iter().any(|option| option == "ro") {
            options.retain(|option| option != "rw");
        }
        options
    }
}

/// All mounts in the order they were mounted over each other, read once per node.
pub fn mounts(seen: &Seen<'_>) -> Sight<Rc<Vec<Mounted>>> {
    seen.parsed("", || {
        let content = seen.get(Read { path: TABLE.into() })?;
        let content = content.ok_or_else(|| Unseen::failed(format!("{TABLE} is not there; is /proc mounted?")))?;
        parse(&content).map_err(Unseen::malformed)
    })
}

fn parse(content: &[u8]) -> Result<Vec<Mounted>, String> {
    let text = String::from_utf8_lossy(content);
    let line = |(index, line): (usize, &str)| {
        let broken = || format!("{TABLE}:{}: not a mount: {line:?}", index + 1);
        let mut fields = line.split(' ');
        let (root, point, own) = (fields.nth(3), fields.next(), fields.next());
        let mut rest = fields.skip_while(|field| *field != "-").skip(1);
        let (kind, device, whole) = (rest.next(), rest.next(), rest.next());
        let (Some(root), Some(point), Some(own), Some(kind), Some(device)) = (root, point, own, kind, device) else {
            return Err(broken());
        };
        let options = |text: &str| text.split(',').filter(|option| !option.is_empty()).map(unescape).collect();
        Ok(Mounted {
            point: unescape(point),
            root: unescape(root),
            kind: unescape(kind),
            device: unescape(device),
            mount_options: options(own),
            super_options: options(whole.unwrap_or_default()),
        })
    };
    text.lines().enumerate().map(line).collect()
}

/// Undoes the octal escapes of blanks, tabs, line ends and backslashes in mount tables:
/// `\040` is a blank. Anything else stays as it is.
pub fn unescape(field: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(field.len());
    let bytes = field.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let octal = |byte: u8| (b'0'..=b'7').contains(&byte).then(|| u32::from(byte - b'0'));
        let code = match &bytes[at..] {
            [b'\\', a, b, c, ..] => octal(*a).zip(octal(*b)).zip(octal(*c)).map(|((a, b), c)| a * 64 + b * 8 + c),
            _ => None,
        };
        match code.and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A path without slashes at its end.
pub fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.starts_with('/') => "/",
        trimmed => trimmed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_the_rest_is_kept() {
        assert_eq!(unescape("/mnt/a\\040b\\134c"), "/mnt/a b\\c");
        assert_eq!(unescape("\\04"), "\\04");
        assert_eq!(unescape("\\777\\"), "\\777\\");
        assert_eq!(unescape("/m\\303\\244"), "/mä");
    }

    #[test]
    fn optional_fields_are_passed_over_and_a_cut_line_is_refused() {
        let lines = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n\
                     37 35 0:5 / /dev ro,nosuid - devtmpfs udev rw,mode=755\n";
        let mounts = parse(lines.as_bytes()).unwrap();
        assert_eq!(mounts[0].options(), ["rw", "noatime", "errors=continue"]);
        assert_eq!((&*mounts[0].root, &*mounts[0].device, &*mounts[0].kind), ("/mnt1", "/dev/root", "ext3"));
        assert_eq!(mounts[1].options(), ["ro", "nosuid", "mode=755"]);
        let error = parse(&lines.as_bytes()[..40]).unwrap_err();
        assert!(error.starts_with("/proc/self/mountinfo:1: not a mount"), "{error}");
    }
}
