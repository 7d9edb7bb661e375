//! Tables of jobs in the form of crontab(5): what `crontab` and `cron` read.

use super::catalogue::row;
use super::{Row, Rows};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{FileKind, List, Read};
use crate::value::Value;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The directories that hold the tables of users: Debian and busybox, SUSE, Red Hat.
pub const SPOOLS: [&str; 3] = ["/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron"];

/// The table of the system, and the directory of further ones.
pub const SYSTEM: &str = "/etc/crontab";
pub const DROP_INS: &str = "/etc/cron.d";

/// Whose table a file is, which decides whether its lines name a user.
#[derive(Debug, Clone, PartialEq)]
pub enum Owner {
    /// A user's own table: every job runs as this user.
    User(Arc<str>),
    /// A table of the system: each line names the user.
    System,
}

impl Owner {
    /// The owner a path implies.
    pub fn of(path: &str) -> Owner {
        match path.rsplit_once('/') {
            Some((directory, name)) if SPOOLS.contains(&directory) => Owner::User(name.into()),
            _ => Owner::System,
        }
    }
}

/// The names of the three spools' tables of one user.
pub fn of_user(user: &str) -> [Read; 3] {
    SPOOLS.map(|spool| Read { path: format!("{spool}/{user}").into() })
}

/// The rows of one table. A line cron cannot read is a fault that names it, since cron then
/// ignores the whole file.
pub fn parse(path: &str, owner: &Owner, content: &[u8]) -> Sight<Vec<Row>> {
    let mut rows = Vec::new();
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_start_matches([' ', '\t']).trim_end_matches('\r');
        if line.is_empty() || line.starts_with('#') || is_assignment(line) {
            continue;
        }
        let job = job(line, owner).map_err(|problem| {
            Unseen::malformed(format!("{path}:{}: {problem}, so that cron ignores the whole file", index + 1))
        })?;
        let [minute, hour, day, month, weekday] = job.times.map(Value::from);
        rows.push(row([
            ("minute", minute),
            ("hour", hour),
            ("day", day),
            ("month", month),
            ("weekday", weekday),
            ("schedule", job.schedule.into()),
            ("user", job.user.into()),
            ("command", job.command.into()),
            ("file", path.into()),
            ("line", (index + 1).into()),
        ]));
    }
    Ok(rows)
}

/// The jobs of the machine: those of the system's tables and of all users' own.
pub fn of_machine(seen: &Seen<'_>) -> Sight<Rows> {
    // Debian's cron reads fewer names than cronie; its package database tells it apart.
    let spools = seen.each(SPOOLS.map(|spool| List { path: spool.into() }));
    let (drop_ins, system, dpkg) = seen.all((
        List { path: DROP_INS.into() },
        Read { path: SYSTEM.into() },
        crate::probe::Stat { path: "/var/lib/dpkg/status".into() },
    ))?;
    let spools = spools?;
    let mut paths: Vec<(String, Owner)> = Vec::new();
    for entry in drop_ins.iter().flat_map(|entries| entries.iter()) {
        if is_table(entry.kind) && is_drop_in(&entry.name, dpkg.is_some()) {
            paths.push((format!("{DROP_INS}/{}", entry.name), Owner::System));
        }
    }
    for (spool, entries) in SPOOLS.iter().zip(&spools) {
        for entry in entries.iter().flat_map(|entries| entries.iter()) {
            if is_table(entry.kind) && !entry.name.starts_with('.') && !entry.name.starts_with("tmp.") {
                paths.push((format!("{spool}/{}", entry.name), Owner::User(entry.name.clone())));
            }
        }
    }
    let contents = seen.each(paths.iter().map(|(path, _)| Read { path: path.as_str().into() }))?;
    let mut rows = match &system {
        Some(content) => parse(SYSTEM, &Owner::System, content)?,
        None => Vec::new(),
    };
    for ((path, owner), content) in paths.iter().zip(contents) {
        // One removed between the listing and the reading is gone.
        rows.extend(parse(path, owner, &content.unwrap_or_default())?);
    }
    Ok(Rows::new(rows))
}

fn is_table(kind: FileKind) -> bool {
    matches!(kind, FileKind::File | FileKind::Symlink)
}

/// Whether cron reads a file of this name in `/etc/cron.d`.
fn is_drop_in(name: &str, debian: bool) -> bool {
    let is_left_over = |name: &str| {
        name.ends_with('~') || [".rpmsave", ".rpmorig", ".rpmnew", ".cfsaved"].iter().any(|end| name.ends_with(end))
    };
    let run_parts = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if debian { run_parts(name) } else { !name.starts_with(['.', '#']) && !is_left_over(name) }
}

/// Whether a line sets a variable: a name, which may be quoted, and `=`.
fn is_assignment(line: &str) -> bool {
    let Some((name, _)) = line.split_once('=') else { return false };
    let name = name.trim_end().trim_matches(['"', '\'']);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A job as its line says.
struct Job {
    /// Minute, hour, day of the month, month, day of the week; none for `@reboot`.
    times: [Option<String>; 5],
    /// The times as they are written.
    schedule: String,
    user: String,
    command: String,
}

/// The short forms and what they stand for.
const SHORT: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The five fields in order: what they are called, their numbers, their names and the
/// number of the first name.
const FIELDS: [(&str, RangeInclusive<u32>, &[&str], u32); 5] = [
    ("minute", 0..=59, &[], 0),
    ("hour", 0..=23, &[], 0),
    ("day of the month", 1..=31, &[], 0),
    ("month", 1..=12, MONTHS, 1),
    ("day of the week", 0..=7, WEEKDAYS, 0),
];

/// Reads a line; the error is what is wrong with it.
fn job(line: &str, owner: &Owner) -> Result<Job, String> {
    // A minus sign in front (SUSE, cronie) only keeps the job out of the log.
    let mut rest = line.strip_prefix('-').unwrap_or(line);
    let (schedule, times) = if rest.starts_with('@') {
        let word = next_word(&mut rest).unwrap_or("");
        let times = match SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(word)) {
            Some((_, long)) => {
                let mut fields = long.split(' ').map(str::to_string);
                std::array::from_fn(|_| fields.next())
            }
            None if word.eq_ignore_ascii_case("@reboot") => std::array::from_fn(|_| None),
            None => return Err(format!("{word:?} is no time cron knows")),
        };
        (word.to_string(), times)
    } else {
        let mut times: [Option<String>; 5] = std::array::from_fn(|_| None);
        for (slot, (name, numbers, names, first)) in times.iter_mut().zip(FIELDS) {
            let word = next_word(&mut rest).ok_or_else(|| format!("the {name} is missing"))?;
            if !is_field(word, &numbers, names, first) {
                return Err(format!("{word:?} is no {name}"));
            }
            *slot = Some(word.to_string());
        }
        (times.iter().flatten().cloned().collect::<Vec<_>>().join(" "), times)
    };
    let user = match owner {
        Owner::User(user) => user.to_string(),
        Owner::System => next_word(&mut rest).ok_or("the user is missing")?.to_string(),
    };
    let command = rest.trim();
    if command.is_empty() {
        return Err("the command is missing".to_string());
    }
    Ok(Job { times, schedule, user, command: command.to_string() })
}

/// Takes the next word off a line.
fn next_word<'a>(line: &mut &'a str) -> Option<&'a str> {
    let start = line.trim_start_matches([' ', '\t']);
    let end = start.find([' ', '\t']).unwrap_or(start.len());
    let (word, rest) = start.split_at(end);
    *line = rest;
    (!word.is_empty()).then_some(word)
}

/// Whether a word is a list of numbers, names, ranges and steps for one field.
fn is_field(word: &str, numbers: &RangeInclusive<u32>, names: &[&str], first: u32) -> bool {
    let value = |text: &str| -> Option<u32> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|index| index as u32 + first);
        let number = || text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        named.or_else(number).filter(|value| numbers.contains(value))
    };
    word.split(',').all(|part| {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok()),
            None => (part, Some(1)),
        };
        let is_range = match range.split_once(['-', '~']) {
            // cronie lets the ends of a random range out.
            Some((from, to)) if range.contains('~') => {
                (from.is_empty() || value(from).is_some()) && (to.is_empty() || value(to).is_some())
            }
            // Sunday may close the week: fri-sun.
            Some((from, to)) => value(from).zip(value(to)).is_some_and(|(from, to)| from <= to || to == 0),
            None => range == "*" || value(range).is_some(),
        };
        is_range && step.is_some_and(|step| step > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(owner: &Owner, content: &[u8], field: &str) -> Value {
        Rows::new(parse("/t", owner, content).unwrap()).column(field)
    }

    fn problem(content: &[u8]) -> String {
        match parse("/etc/cron.d/x", &Owner::System, content) {
            Err(Unseen::Fault(fault)) => fault.message.to_string(),
            other => panic!("not a fault: {other:?}"),
        }
    }

    #[test]
    fn lines_are_jobs_settings_or_comments() {
        let table = b"# c\nSHELL=/bin/sh\n\"MAILTO\" = root\n\n*/5 0-6,12 * jan-mar,12 mon-fri root  run a=b 50% # x\n-1 2 3 4 7 web x\n@daily web y\n@reboot root z\n";
        assert_eq!(column(&Owner::System, table, "user"), Value::strings(["root", "web", "web", "root"]));
        assert_eq!(column(&Owner::System, table, "command"), Value::strings(["run a=b 50% # x", "x", "y", "z"]));
        let minutes = Value::List(vec!["*/5".into(), "1".into(), "0".into(), Value::Nil]);
        assert_eq!(column(&Owner::System, table, "minute"), minutes);
        assert_eq!(column(&Owner::System, table, "line"), vec![5i64, 6, 7, 8].into());
        let schedules = ["*/5 0-6,12 * jan-mar,12 mon-fri", "1 2 3 4 7", "@daily", "@reboot"];
        assert_eq!(column(&Owner::System, table, "schedule"), Value::strings(schedules));
    }

    #[test]
    fn a_users_own_table_names_no_user() {
        let ann = Owner::User("ann".into());
        assert_eq!(column(&ann, b"0 4 * * * root backup", "user"), Value::strings(["ann"]));
        assert_eq!(column(&ann, b"0 4 * * * root backup", "command"), Value::strings(["root backup"]));
        assert_eq!(Owner::of("/var/spool/cron/tabs/ann"), ann);
        assert_eq!(Owner::of("/etc/crontab"), Owner::System);
    }

    #[test]
    fn a_broken_line_is_a_fault_with_its_number() {
        let say = |line: &str| problem(format!("# c\n{line}\n").as_bytes());
        assert!(say("61 * * * * root x").starts_with("/etc/cron.d/x:2: \"61\" is no minute"));
        assert!(say("* * * 0 * root x").contains("no month"));
        assert!(say("* * * * 8 root x").contains("no day of the week"));
        assert!(say("*/0 * * * * root x").contains("no minute"));
        assert!(say("5-1 * * * * root x").contains("no minute"));
        assert!(say("* * * *").contains("the day of the week is missing"));
        assert!(say("* * * * *").contains("the user is missing"));
        assert!(say("* * * * * root").contains("the command is missing"));
        assert!(say("@noon root x").contains("no time cron knows"));
        assert!(say("+5 * * * * root x").contains("no minute"));
        assert!(problem(b"\xff\xfe").contains(":1:"));
    }

    #[test]
    fn left_over_files_are_not_read() {
        assert!(is_drop_in("e2scrub_all", true) && is_drop_in("0hourly", false) && is_drop_in("a.b", false));
        assert!(!is_drop_in("a.b", true) && !is_drop_in(".placeholder", true) && !is_drop_in("a.rpmsave", false));
        assert!(!is_drop_in("a~", false));
    }
}
