//! What the account resources share: the lines of the colon-separated databases, group
//! memberships, and dates counted in days.

use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Account, GroupEntry, Read};
use std::sync::Arc;

/// One line of passwd(5), shadow(5) or group(5) that its readers look at.
pub struct Line {
    /// Counts from 1.
    pub number: usize,
    pub text: String,
}

impl Line {
    /// The fields between colons.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.text.split(':')
    }
}

/// The lines of an account database. As the C library does it, white space before a line
/// is skipped, and so are empty lines and those that begin with `#`; bytes that are not
/// UTF-8 become U+FFFD.
pub fn lines(content: &[u8]) -> Vec<Line> {
    content
        .split(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| (index + 1, String::from_utf8_lossy(line.trim_ascii_start())))
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .map(|(number, text)| Line { number, text: text.trim_end_matches('\r').to_string() })
        .collect()
}

/// The content of a database that has to be there.
pub fn database(seen: &Seen<'_>, path: &Arc<str>) -> Sight<Arc<[u8]>> {
    seen.get(Read { path: path.clone() })?.ok_or_else(|| Unseen::Missing(format!("File {path}")))
}

/// Whether a database is there.
pub fn has_database(seen: &Seen<'_>, path: &Arc<str>) -> Sight<bool> {
    Ok(seen.get(Read { path: path.clone() })?.is_some())
}

/// The groups a user is in, the primary one first.
pub fn memberships<'a>(account: &'a Account, groups: &'a [GroupEntry]) -> impl Iterator<Item = &'a GroupEntry> {
    let primary = groups.iter().find(|group| group.gid == account.gid);
    let others = groups.iter().filter(|group| group.gid != account.gid && group.members.contains(&account.name));
    primary.into_iter().chain(others)
}

/// The day a time is in, counted from 1970-01-01 as shadow(5) counts.
pub fn day_of(seconds: i64) -> i64 {
    seconds.div_euclid(86_400)
}

/// A day counted from 1970-01-01 as `2024-03-01`; `None` beyond what a calendar holds.
pub fn date_of(day: i64) -> Option<String> {
    let span = jiff::Span::new().try_days(day).ok()?;
    jiff::civil::date(1970, 1, 1).checked_add(span).ok().map(|date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_of_the_calendar() {
        assert_eq!(date_of(0).as_deref(), Some("1970-01-01"));
        assert_eq!(date_of(19_783).as_deref(), Some("2024-03-01"));
        assert_eq!(date_of(i64::MAX), None);
        assert_eq!(day_of(-1), -1);
    }

    #[test]
    fn comments_and_blank_lines_keep_the_numbers_right() {
        let lines = lines(b"# head\n\n  a:b\xff\r\nlast");
        let seen: Vec<_> = lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(seen, [(3, "a:b\u{fffd}"), (4, "last")]);
    }
}
