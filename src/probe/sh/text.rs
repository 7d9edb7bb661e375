//! Reading of small texts: what commands say of errors, names, numbers, patterns.

use crate::probe::*;
use globset::{GlobBuilder, GlobMatcher};
use std::time::Duration;

/// What a command said of a path it could not look at.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// There is nothing at the path: ENOENT, ENOTDIR, ELOOP.
    Absent,
    /// EACCES, EPERM.
    Denied,
    /// Anything else, as it was said.
    Other(String),
}

impl Trouble {
    /// The error at the end of a message such as `stat: cannot stat '/x': Permission
    /// denied`, in the words of glibc, musl and busybox.
    pub fn in_message(message: &str) -> Trouble {
        let reason = message.trim_end().rsplit(": ").next().unwrap_or_default();
        match reason {
            "No such file or directory"
            | "Not a directory"
            | "Too many levels of symbolic links"
            | "Symbolic link loop"
            | "No such process" => Trouble::Absent,
            "Permission denied" | "Operation not permitted" => Trouble::Denied,
            reason => Trouble::Other(reason.to_string()),
        }
    }
}

/// Who asks, for messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Who {
    pub name: String,
    pub root: bool,
}

impl Who {
    /// The fault for a thing that could not be looked at.
    pub fn refused(&self, doing: &str, thing: &str, trouble: &Trouble) -> Fault {
        match trouble {
            Trouble::Denied => {
                let user = &self.name;
                let remedy = if self.root {
                    "a security module, a container or the file system keeps even root out"
                } else {
                    "look as root with --sudo, --su or --doas"
                };
                let message = format!("cannot {doing} {thing} as user {user}: permission denied; {remedy}");
                Fault::new(FaultKind::Denied, message)
            }
            Trouble::Absent => {
                Fault::new(FaultKind::Failed, format!("cannot {doing} {thing}: it vanished while it was looked at"))
            }
            Trouble::Other(reason) => {
                Fault::new(FaultKind::Failed, format!("cannot {doing} {thing}: {}", lower(reason)))
            }
        }
    }
}

/// A reason as a fragment: "I/O error" and its like stay as they are.
pub(super) fn lower(reason: &str) -> String {
    let mut letters = reason.chars();
    match letters.next() {
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => reason.to_string(),
    }
}

/// The first line of what a command said, cut.
pub(super) fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing");
    line.chars().take(200).collect()
}

/// Whether commands show a path as it is in their messages.
pub(super) fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@:,=%^".contains(&byte))
}

/// Whether a message is about `path`, which is plain.
pub(super) fn names(message: &str, path: &str) -> bool {
    let is_part =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"/._-+@,=%^".contains(byte));
    message.match_indices(path).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| message.as_bytes().get(at));
        !is_part(before) && !is_part(message.as_bytes().get(at + path.len()))
    })
}

/// An address written out, with brackets or without.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    inside.unwrap_or(host).parse().ok()
}

/// Whether `host` can be the name of a host at all.
pub(super) fn is_host_name(host: &str) -> bool {
    /// RFC 1035 2.3.4 in text.
    const LONGEST: usize = 253;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || !byte.is_ascii();
    !host.is_empty() && host.len() <= LONGEST && !host.starts_with(['-', '.']) && host.bytes().all(letters)
}

/// The pattern of fnmatch(3) that find(1) takes: braces mean themselves.
pub(super) fn glob(pattern: &str) -> Result<GlobMatcher, Fault> {
    let mut plain = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if !in_class => {
                plain.push(letter);
                plain.extend(letters.next());
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '{' | '}' if !in_class => plain.push('\\'),
            _ => {}
        }
        plain.push(letter);
    }
    match GlobBuilder::new(&plain).backslash_escape(true).build() {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => {
            Err(Fault::new(FaultKind::Malformed, format!("{pattern:?} is no name pattern: {}", error.kind())))
        }
    }
}

/// The command in a message: its first line, cut.
pub(super) fn brief(run: &Run) -> String {
    const LONGEST: usize = 120;
    let line = run.line.to_string();
    let mut brief: String = line.lines().next().unwrap_or_default().chars().take(LONGEST).collect();
    if brief.len() < line.trim_end().len() {
        brief.push('…');
    }
    brief
}

/// A duration in milliseconds as a person writes it: `10 s`, `250 ms`.
pub(super) fn shown_time(milliseconds: u64) -> String {
    let limit = Duration::from_millis(milliseconds);
    if limit.subsec_millis() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}

/// A URL in a message: without the password it may hold.
pub(super) fn shown_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_string() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => url.to_string(),
    }
}
