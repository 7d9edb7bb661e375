//! `cron`

use super::cron_table;
use super::{Args, Instance, Rows};
use crate::node::{Seen, Sight};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Lists all jobs cron runs on the machine, or those that run as one user.
    ///
    /// They come from `/etc/crontab`, from the files in `/etc/cron.d` that the machine's
    /// cron reads, and from the users' own tables. The scripts in `/etc/cron.daily` and its
    /// like are no jobs of their own. A line cron cannot read is errored, since cron then
    /// ignores the whole table it is in.
    Cron = "cron" {
        source: "crontab(5), cron(8)",
        example: r#"describe(cron "nobody"):is_not("running", "/no/such/command")"#,
        falsified: ("is_not", "is"),
        args {
            /// The user the jobs run as; every user unless it is given.
            user: Str optional,
        }
        properties {}
        predicates {
            /// Whether there is a job whose line, or whose command alone, is this text; white
            /// space counts as one blank.
            entry(
                /// The text, such as `0 4 * * * /usr/local/bin/backup`.
                text: Str,
            ) absent No = |this: &Cron, seen: &Seen<'_>, args: &Args| this.has_entry(seen, &args.required("text"));
            /// Whether there is a job with exactly this command.
            running(
                /// The command.
                command: Str,
            ) absent No = |this: &Cron, seen: &Seen<'_>, args: &Args| {
                let command = Value::from(args.required("command"));
                Ok(this.jobs(seen)?.iter().any(|job| job["command"] == command))
            };
        }
        methods {}
        table {
            /// The minutes as they are written, such as `*/5`.
            minutes <- minute: Str;
            /// The hours as they are written.
            hours <- hour: Str;
            /// The days of the month as they are written.
            days <- day: Str;
            /// The months as they are written.
            months <- month: Str;
            /// The days of the week as they are written.
            weekdays <- weekday: Str;
            /// All five together, or the short form, as they are written.
            schedules <- schedule: Str;
            /// The users the jobs run as.
            users <- user: Str;
            /// The commands.
            commands <- command: Str;
            /// The files the jobs are in.
            files <- file: Str;
            /// The numbers of the lines.
            lines <- line: Int;
        } rows: Cron::jobs,
    }
}

/// The jobs of the machine.
pub struct Cron {
    user: Option<Arc<str>>,
}

impl Cron {
    fn new(args: &Args) -> Result<Cron, String> {
        Ok(Cron { user: args.text("user") })
    }

    fn jobs(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let all: Rc<Rows> = seen.parsed("cron", || cron_table::of_machine(seen))?;
        match &self.user {
            Some(user) => {
                let user = Value::from(user.clone());
                all.select(|job| Ok(job["user"] == user))
            }
            None => Ok((*all).clone()),
        }
    }

    fn has_entry(&self, seen: &Seen<'_>, text: &str) -> Sight<bool> {
        let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        let wanted = words(text);
        let field = |job: &super::Row, name: &str| words(&job[name].as_text().unwrap_or_default());
        Ok(self.jobs(seen)?.iter().any(|job| {
            let (schedule, user, command) = (field(job, "schedule"), field(job, "user"), field(job, "command"));
            wanted == command
                || wanted == [schedule.clone(), command.clone()].concat()
                || wanted == [schedule, user, command].concat()
        }))
    }
}

impl Instance for Cron {
    fn title(&self) -> String {
        match &self.user {
            Some(user) => format!("Cron jobs of {user}"),
            None => "Cron jobs".to_string(),
        }
    }

    /// Whether there is any job.
    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!self.jobs(seen)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Entry, FileKind, List, Read, Stat};
    use crate::resource::testing::Trial;
    use crate::transport::scripted::Scripted;

    fn listed(path: &str, names: &[(&str, FileKind)]) -> (List, Option<Arc<[Entry]>>) {
        let entries = names.iter().map(|(name, kind)| Entry { name: (*name).into(), kind: *kind }).collect();
        (List { path: path.into() }, Some(entries))
    }

    fn with_file(node: Scripted, path: &str, content: &[u8]) -> Scripted {
        node.with(Read { path: path.into() }, Some(content.into()))
    }

    fn node() -> Scripted {
        let (drop_ins, names) =
            listed("/etc/cron.d", &[("sync", FileKind::File), ("x~", FileKind::File), ("sub", FileKind::Directory)]);
        let (spool, tables) = listed(
            "/var/spool/cron",
            &[("ann", FileKind::File), ("tmp.a1", FileKind::File), ("tabs", FileKind::Directory)],
        );
        let node = Scripted::new()
            .with(drop_ins, names)
            .with(spool, tables)
            .with(List { path: "/var/spool/cron/crontabs".into() }, None)
            .with(List { path: "/var/spool/cron/tabs".into() }, None)
            .with(Stat { path: "/var/lib/dpkg/status".into() }, None);
        let node = with_file(node, "/etc/crontab", b"1 2 * * * root run-parts /etc/cron.daily\n");
        let node = with_file(node, "/etc/cron.d/sync", b"@hourly ann sync   now\n");
        with_file(node, "/var/spool/cron/ann", b"0 4 * * * backup\n")
    }

    #[test]
    fn jobs_of_all_tables_come_in_two_rounds() {
        let cron = Trial::of("cron", [], node());
        assert_eq!(cron.its("commands"), Ok(Value::strings(["run-parts /etc/cron.daily", "sync   now", "backup"])));
        assert_eq!(cron.its("hours"), Ok(Value::strings(["2", "*", "4"])));
        assert_eq!(cron.rounds(), 2);
    }

    #[test]
    fn jobs_of_one_user_come_from_every_table() {
        let cron = Trial::of("cron", ["ann".into()], node());
        assert_eq!(cron.its("commands"), Ok(Value::strings(["sync   now", "backup"])));
        assert_eq!(cron.is("entry", ["0 4 * * *\tbackup".into()]), Ok(true));
        assert_eq!(cron.is("entry", ["@hourly ann sync now".into()]), Ok(true));
        assert_eq!(cron.is("entry", ["sync now".into()]), Ok(true));
        assert_eq!(cron.is("entry", ["sync".into()]), Ok(false));
        assert_eq!(cron.is("running", ["backup".into()]), Ok(true));
        assert_eq!(Trial::of("cron", ["bob".into()], node()).exists(), Ok(false));
    }
}
