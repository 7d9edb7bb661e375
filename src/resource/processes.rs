//! `processes`

use super::catalogue::{Instance, row};
use super::pattern::Pattern;
use super::{Args, Rows};
use crate::node::{Seen, Sight};
use crate::probe::{Process, Processes as AllProcesses, Read, Users};
use std::collections::HashMap;
use std::sync::Arc;

resource! {
    /// Lists the processes that run on the node, all or those that fit.
    ///
    /// A name fits the name the kernel has for a process (cut at 15 bytes; a longer one fits
    /// where the command line has the rest), or the program its command line starts with,
    /// with or without its directory. An expression is looked
    /// for in the whole command line.
    Processes = "processes" {
        source: "ps(1), proc_pid_stat(5), proc_pid_status(5), proc_pid_cmdline(5)",
        example: r#"describe(processes():where { pid = 1 }):its("count", eq(1))"#,
        falsified: ("eq(1)", "eq(0)"),
        args {
            /// A name, or a regular expression between slashes: `"sshd"`, `"/java .*tomcat/"`;
            /// all processes where it is left out.
            pattern: Str optional,
        }
        properties {}
        predicates {
            /// Whether any runs; zombies do not.
            running() absent No = |this: &Processes, seen: &Seen<'_>, _: &Args| {
                Ok(this.fitting(seen)?.iter().any(|process| !matches!(process.state, 'Z' | 'X')))
            };
        }
        methods {}
        table {
            /// The process numbers.
            pids <- pid: Int;
            /// The numbers of their parents.
            ppids <- ppid: Int;
            /// The names the kernel has, at most 15 bytes.
            names <- name: Str;
            /// The command lines, arguments separated by blanks.
            commands <- command: Str;
            /// The effective users, by name, by number where no account has it.
            users <- user: Str;
            /// The state letters of ps(1): `R`, `S`, `D`, `Z`, `T`, `I`.
            states <- state: Str;
            /// The controlling terminals: `pts/0`, `tty1`; `?` for none.
            tty <- tty: Str;
            /// CPU time over time since the start, in percent.
            cpus <- cpu: Number;
            /// Resident memory over that of the node, in percent.
            mem <- mem_percent: Number;
            /// Virtual memory in KiB.
            vsz <- vsz: Int;
            /// Resident memory in KiB.
            rss <- rss: Int;
            /// When they started, in seconds since 1970.
            start <- start: Int;
            /// CPU time used, in seconds.
            time <- time: Number;
            /// The SELinux or AppArmor labels; nothing where there are none.
            labels <- label: Str;
        }
        rows: Processes::rows,
    }
}

/// The processes that fit a pattern.
pub struct Processes {
    pattern: Option<Pattern>,
    given: Option<Arc<str>>,
}

impl Processes {
    fn new(args: &Args) -> Result<Processes, String> {
        let given = args.text("pattern");
        Ok(Processes { pattern: given.as_deref().map(Pattern::new).transpose()?, given })
    }

    fn fits(&self, process: &Process) -> bool {
        match &self.pattern {
            None => true,
            Some(Pattern::Expression(expression)) => expression.is_match(&process.command),
            Some(Pattern::Name(name)) => {
                // A daemon may set its own title, as in `sshd: user [priv]`.
                let program = process.command.split(' ').next().unwrap_or_default().trim_end_matches(':');
                let base = program.rsplit('/').next().unwrap_or_default();
                **name == *process.name
                    || name == program
                    || name == base
                    || is_cut(&process.name, name, &process.command)
            }
        }
    }

    fn fitting(&self, seen: &Seen<'_>) -> Sight<Vec<Process>> {
        Ok(seen.get(AllProcesses)?.iter().filter(|process| self.fits(process)).cloned().collect())
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let (processes, users, memory) =
            (self.fitting(seen), seen.get(Users), seen.get(Read { path: "/proc/meminfo".into() }));
        let (processes, users, memory) = match (processes, users, memory) {
            (Ok(processes), Ok(users), Ok(memory)) => (processes, users, memory),
            (Err(crate::node::Unseen::Pending), ..) | (_, Err(crate::node::Unseen::Pending), _) => {
                return Err(crate::node::Unseen::Pending);
            }
            (processes, users, memory) => (processes?, users?, memory?),
        };
        let mut names: HashMap<u32, &Arc<str>> = HashMap::new();
        for user in users.iter() {
            names.entry(user.uid).or_insert(&user.name);
        }
        let total = memory.as_deref().and_then(total_memory).unwrap_or(0);
        let percent = |part: f64, whole: f64| if whole > 0.0 { (part / whole * 1000.0).round() / 10.0 } else { 0.0 };
        Ok(Rows::new(processes.iter().map(|process| {
            let age = (seen.now() - process.started).max(1) as f64;
            let user = names.get(&process.uid).map_or_else(|| process.uid.to_string(), |name| name.to_string());
            row([
                ("pid", process.pid.into()),
                ("ppid", process.ppid.into()),
                ("name", process.name.clone().into()),
                ("command", process.command.clone().into()),
                ("user", user.into()),
                ("state", process.state.to_string().into()),
                ("tty", terminal(process.tty).into()),
                ("cpu", percent(process.cpu_seconds, age).into()),
                ("mem_percent", percent(process.rss as f64, total as f64).into()),
                ("vsz", process.vsz.into()),
                ("rss", process.rss.into()),
                ("start", process.started.into()),
                ("time", process.cpu_seconds.into()),
                ("label", process.label.clone().into()),
            ])
        })))
    }
}

/// Whether the kernel's name is `name` cut at its 15 bytes, and the command line has it
/// whole: a script's, behind its interpreter.
fn is_cut(kernel: &str, name: &str, command: &str) -> bool {
    kernel.len() == 15
        && name.len() > 15
        && name.starts_with(kernel)
        && command.split(' ').any(|word| word.rsplit('/').next() == Some(name))
}

/// `MemTotal` of proc_meminfo(5), in KiB.
fn total_memory(meminfo: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(meminfo);
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The terminal of a `tty_nr`: the minor number is in bits 0-7 and 20-31, the major in
/// bits 8-15, proc_pid_stat(5).
fn terminal(number: u32) -> String {
    let (major, minor) = ((number >> 8) & 0xff, (number & 0xff) | ((number >> 12) & 0xfff00));
    match major {
        0 => "?".to_string(),
        4 if minor < 64 => format!("tty{minor}"),
        4 => format!("ttyS{}", minor - 64),
        136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
        _ => format!("{major}:{minor}"),
    }
}

impl Instance for Processes {
    fn title(&self) -> String {
        self.given.as_ref().map_or("Processes".to_string(), |given| format!("Processes {given}"))
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!self.fitting(seen)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Account;
    use crate::resource::testing::bytes;
    use crate::resource::testing::{NOW, Trial, arguments};
    use crate::transport::scripted::Scripted;
    use crate::value::Value;

    fn process(pid: u32, name: &str, command: &str, uid: u32, state: char) -> Process {
        Process {
            pid,
            ppid: 1,
            uid,
            name: name.into(),
            command: command.into(),
            state,
            tty: if pid == 30 { 0x8801 } else { 0 },
            vsz: 10_000,
            rss: 2_000,
            started: NOW - 1_000,
            cpu_seconds: 10.0,
            label: None,
        }
    }

    fn node() -> Scripted {
        let processes = [
            process(1, "systemd", "/lib/systemd/systemd --system", 0, 'S'),
            process(2, "kthreadd", "[kthreadd]", 0, 'S'),
            process(20, "sshd", "sshd: /usr/sbin/sshd -D [listener]", 0, 'S'),
            process(30, "python3", "/usr/bin/python3 /opt/sshd-watch.py", 1000, 'R'),
            process(40, "cron", "[cron]", 0, 'Z'),
            process(50, "unattended-upgr", "/usr/bin/python3 /usr/bin/unattended-upgrade -d", 0, 'S'),
        ];
        let root =
            Account { name: "root".into(), uid: 0, gid: 0, gecos: "".into(), home: "/".into(), shell: "".into() };
        Scripted::new()
            .with(AllProcesses, processes.into())
            .with(Users, [root].into())
            .with(Read { path: "/proc/meminfo".into() }, bytes("MemTotal:  20000 kB\nMemFree: 1 kB\n"))
    }

    fn found(pattern: &str) -> Vec<i64> {
        let trial = Trial::new(&ENTRY, &[pattern.into()], &[], node());
        let Value::List(pids) = trial.its("pids").unwrap() else { panic!("no list") };
        pids.iter().map(|pid| if let Value::Int(pid) = pid { *pid } else { panic!("no number") }).collect()
    }

    #[test]
    fn a_name_is_exact_and_an_expression_searches() {
        assert_eq!(found("sshd"), [20]);
        assert_eq!(found("/usr/bin/python3"), [30, 50]);
        assert_eq!(found("python3"), [30, 50]);
        assert_eq!(found("unattended-upgrade"), [50]);
        assert_eq!(found("unattended-upgrade-shutdown"), [] as [i64; 0]);
        assert_eq!(found("/sshd/"), [20, 30]);
        assert_eq!(found("ssh"), [] as [i64; 0]);
        let error =
            arguments(&ENTRY, &["/(/".into()], &[]).and_then(|args| (ENTRY.build)(&args).map(|_| ())).unwrap_err();
        assert!(error.contains("no regular expression"), "{error}");
    }

    #[test]
    fn columns_come_in_one_round() {
        let all = Trial::new(&ENTRY, &[], &[], node());
        assert_eq!(all.its("users").unwrap(), Value::strings(["root", "root", "root", "1000", "root", "root"]));
        assert_eq!(all.its("tty").unwrap(), Value::strings(["?", "?", "?", "pts/1", "?", "?"]));
        assert!(matches!(all.its("cpus").unwrap(), Value::List(list) if list[0] == Value::Float(1.0)));
        assert!(matches!(all.its("mem").unwrap(), Value::List(list) if list[0] == Value::Float(10.0)));
        assert_eq!(all.rounds(), 1);
    }

    #[test]
    fn a_zombie_exists_but_does_not_run() {
        let cron = Trial::new(&ENTRY, &["cron".into()], &[], node());
        assert!(cron.exists().unwrap() && !cron.is("running", &[]).unwrap());
        assert!(!Trial::new(&ENTRY, &["nginx".into()], &[], node()).is("running", &[]).unwrap());
    }
}
