//! How the SSH server that runs was started: which file it reads, and what its command line sets.

use super::super::config_text::malformed;
use super::files::{Configuration, Directive};
use super::words;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Fault, FaultKind, Process, Processes};
use std::sync::Arc;

/// The file that is read where `-f` names none, sshd(8).
pub const DEFAULT_FILE: &str = "/etc/ssh/sshd_config";

/// The options of sshd(8) that take a value.
const WITH_VALUE: &str = "CEbcfghkopu";

/// What the command line of a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// `-f`.
    pub file: Arc<str>,
    /// `-o` and `-p` as lines of a file, in their order.
    lines: Vec<String>,
    /// `-p` or more of them: the ports of the file do not count.
    own_ports: bool,
}

/// The server that accepts connections; `None` where none runs.
///
/// # Errors
/// Servers that were started in different ways, and a file that is named from a folder nobody
/// knows.
pub fn server(seen: &Seen<'_>) -> Sight<Option<Started>> {
    let mut found: Option<(u32, Started)> = None;
    for process in seen.get(Processes)?.iter() {
        let Some(started) = arguments(process).map(read) else { continue };
        if !started.file.starts_with('/') {
            let message = format!("sshd ({}) reads {}, from a folder that is not known", process.pid, started.file);
            return Err(Unseen::Fault(Fault::new(FaultKind::Failed, message)));
        }
        match &found {
            Some((first, other)) if *other != started => {
                return Err(Unseen::Misuse(format!(
                    "several SSH servers run, started differently ({first} reads {}, {} reads {}): name the file",
                    other.file, process.pid, started.file
                )));
            }
            Some(_) => {}
            None => found = Some((process.pid, started)),
        }
    }
    Ok(found.map(|(_, started)| started))
}

/// The arguments of a process that is a server waiting for connections. Since release 8.2 it
/// calls itself `sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups`; those of its sessions
/// are `sshd: USER [priv]` and the like.
fn arguments(process: &Process) -> Option<impl Iterator<Item = &str>> {
    if &*process.name != "sshd" || matches!(process.state, 'Z' | 'X') {
        return None;
    }
    let command = match process.command.strip_prefix("sshd: ") {
        Some(title) => title.split_once(" [listener]")?.0,
        None => &*process.command,
    };
    let mut words = command.split(' ').filter(|word| !word.is_empty());
    let program = words.next()?;
    (program == "sshd" || program.ends_with("/sshd")).then_some(words)
}

/// Reads the arguments as getopt(3) does.
fn read<'a>(arguments: impl Iterator<Item = &'a str>) -> Started {
    let mut started = Started { file: DEFAULT_FILE.into(), lines: Vec::new(), own_ports: false };
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let Some(letters) = argument.strip_prefix('-') else { continue };
        let Some(at) = letters.find(|letter| WITH_VALUE.contains(letter)) else { continue };
        let (option, rest) = (&letters[at..=at], &letters[at + 1..]);
        let mut value = match rest {
            "" => arguments.next().unwrap_or_default().to_string(),
            rest => rest.to_string(),
        };
        match option {
            "f" => started.file = value.into(),
            "p" => {
                started.own_ports = true;
                started.lines.push(format!("Port {value}"));
            }
            "o" => {
                // `-o "Port 22"`: the quotes are gone, and what follows is an option again.
                while let (false, Some(more)) =
                    (value.contains('='), arguments.peek().filter(|more| !more.starts_with('-')))
                {
                    value = format!("{value} {more}");
                    arguments.next();
                }
                started.lines.push(value);
            }
            _ => {}
        }
    }
    started
}

impl Started {
    /// The configuration of the file with what the command line sets before it: as in a file,
    /// what comes first wins.
    ///
    /// # Errors
    /// An option that is no directive.
    pub fn over(&self, mut file: Configuration) -> Sight<Configuration> {
        if self.own_ports {
            file.directives.retain(|directive| directive.keyword != "port");
        }
        let mut directives = Vec::with_capacity(self.lines.len() + file.directives.len());
        let place: Arc<str> = "the command line of sshd".into();
        for (at, text) in self.lines.iter().enumerate() {
            let line = at + 1;
            let parsed = words::line(text).map_err(|message| malformed(&place, line, message))?;
            let Some((keyword, words)) = parsed else { continue };
            directives.push(Directive { keyword, words, file: place.clone(), line, within: Vec::new() });
        }
        directives.append(&mut file.directives);
        Ok(Configuration { directives, ..file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::scripted::Scripted;

    fn process(pid: u32, name: &str, command: &str) -> Process {
        Process {
            pid,
            ppid: 1,
            uid: 0,
            name: name.into(),
            command: command.into(),
            state: 'S',
            tty: 0,
            vsz: 0,
            rss: 0,
            started: 0,
            cpu_seconds: 0.0,
            label: None,
        }
    }

    fn lines(command: &str) -> Option<(String, Vec<String>, bool)> {
        let started = arguments(&process(1, "sshd", command)).map(read)?;
        Some((started.file.to_string(), started.lines, started.own_ports))
    }

    #[test]
    fn the_command_line_is_read_as_sshd_reads_it() {
        let none = || Some((DEFAULT_FILE.to_string(), Vec::new(), false));
        assert_eq!(lines("/usr/sbin/sshd"), none());
        assert_eq!(lines("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"), none());
        let given = |file: &str, lines: &[&str], own_ports| {
            Some((file.to_string(), lines.iter().map(|line| (*line).to_string()).collect(), own_ports))
        };
        assert_eq!(lines("/usr/sbin/sshd -D -f/etc/a -oCiphers=x,y"), given("/etc/a", &["Ciphers=x,y"], false));
        assert_eq!(
            lines(
                "sshd: /usr/sbin/sshd -4Df /etc/a -p 2222 -p2223 -o Banner /etc/issue -eE /var/log/a [listener] 1 of 2"
            ),
            given("/etc/a", &["Port 2222", "Port 2223", "Banner /etc/issue"], true)
        );
        assert_eq!(lines("/usr/sbin/sshd -D -f"), given("", &[], false), "cut off");
        for other in ["sshd: ops [priv]", "sshd: ops@pts/0", "/usr/bin/python3 sshd", ""] {
            assert_eq!(lines(other), None, "{other}");
        }
        assert!(arguments(&process(1, "sshd-session", "/usr/sbin/sshd -D")).is_none());
    }

    fn found(commands: &[&str]) -> Sight<Option<Arc<str>>> {
        let processes: Vec<Process> =
            commands.iter().zip(10..).map(|(command, pid)| process(pid, "sshd", command)).collect();
        let node =
            crate::node::Node::new("n", "n", std::rc::Rc::new(Scripted::new().with(Processes, processes.into())), 0);
        let memory = node.memory();
        loop {
            match server(&node.view(memory)) {
                Err(Unseen::Pending) => drop(node.ask(&[memory])),
                answer => return answer.map(|started| started.map(|started| started.file)),
            }
        }
    }

    #[test]
    fn one_server_is_found_however_often_it_runs() {
        assert_eq!(found(&["sshd: ops [priv]"]), Ok(None));
        assert_eq!(
            found(&["/usr/sbin/sshd -f /a", "sshd: root@pts/1", "sshd: /usr/sbin/sshd -f /a [listener] 0 of 1"]),
            Ok(Some("/a".into()))
        );
        let Err(Unseen::Misuse(message)) = found(&["/usr/sbin/sshd", "/usr/sbin/sshd -f /a"]) else {
            panic!("two servers")
        };
        assert!(message.contains("10 reads /etc/ssh/sshd_config, 11 reads /a"), "{message}");
        let Err(Unseen::Fault(fault)) = found(&["/usr/sbin/sshd -f own"]) else { panic!("a file of nowhere") };
        assert!(fault.message.contains("sshd (10) reads own"), "{}", fault.message);
    }
}
