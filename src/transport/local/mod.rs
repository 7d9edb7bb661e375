//! This machine, asked by system calls.
//!
//! Where the kernel or a file has the answer no command is spawned, and nothing here goes
//! through the C library's name services: a statically linked `probity` would load shared
//! objects of the machine for them. Account databases other than files are asked through
//! `getent`, and only where nsswitch.conf(5) names one.

mod accounts;
mod connect;
mod dns;
pub(super) mod environment;
mod files;
mod http;
mod interfaces;
mod names;
mod netlink;
mod processes;
pub(super) mod root;
mod run;
mod running;
mod sockets;
mod walk;

use super::{Stopper, Transport};
use crate::probe::{AccountKey, Answer, Fault, FaultKind, Http, Probe, Question, Run, Walk};
use accounts::{Accounts, InFiles};
use environment::CommandEnvironment;
use root::Root;
use running::Running;
use rustix::io::Errno;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The most slow probes of a batch that are under way at one time.
const SIDE_BY_SIDE: usize = 8;
/// How long all threads may be busy with what they began before another one helps.
const STUCK: std::time::Duration = std::time::Duration::from_millis(5);

/// The transport of `local://`.
///
/// Paths must be absolute: no transport has a current directory that means anything to
/// the author of a control. File names that are not UTF-8 are given with U+FFFD for what
/// is not.
#[derive(Default)]
pub struct Local {
    /// Where paths begin.
    root: Arc<Root>,
    accounts: Accounts,
    running: Arc<Running>,
    environment: OnceLock<CommandEnvironment>,
    /// The certificates the system trusts.
    roots: OnceLock<Vec<ureq::tls::Certificate<'static>>>,
}

impl Local {
    pub fn new() -> Local {
        Local::default()
    }

    /// What is below a root: files and the accounts in them. Everything else, such as
    /// commands, is still this machine's.
    pub(super) fn below(root: Arc<Root>) -> Local {
        Local { accounts: Accounts::of(root.clone()), root, ..Local::default() }
    }

    /// Where paths begin.
    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// What commands run with, found out once.
    fn environment(&self) -> &CommandEnvironment {
        self.environment.get_or_init(|| {
            let key = AccountKey::Id(rustix::process::geteuid().as_raw());
            let account = match self.accounts.user_in_files(&key) {
                Ok(InFiles::Known(account)) => account,
                Ok(InFiles::Elsewhere) | Err(_) => None,
            };
            CommandEnvironment::of_this_process(account.as_deref())
        })
    }

    /// Answers one probe, however long it takes.
    fn answer(&self, probe: &Probe) -> Answer {
        match probe {
            Probe::Stat(question) => seen(question, self.stat(&question.path)),
            Probe::Read(question) => seen(question, self.read(&question.path)),
            Probe::List(question) => seen(question, self.list(&question.path)),
            Probe::Flags(question) => seen(question, self.flags(&question.path)),
            Probe::Run(question) => seen::<Run>(question, self.run(question)),
            Probe::Which(question) => seen(question, Ok(self.environment().which(&question.name).map(Into::into))),
            Probe::Environment(question) => seen(question, Ok(self.environment().variables())),
            Probe::User(question) => seen(question, self.accounts.user(&question.key, self)),
            Probe::Group(question) => seen(question, self.accounts.group(&question.key, self)),
            Probe::Users(question) => seen(question, self.accounts.all_users(self)),
            Probe::Groups(question) => seen(question, self.accounts.all_groups(self)),
            Probe::Uname(question) => seen(question, Ok(uname())),
            Probe::Walk(question) => seen::<Walk>(question, self.walk(question)),
            Probe::Sockets(question) => seen(question, self.sockets()),
            Probe::SocketOwners(question) => seen(question, self.socket_owners()),
            Probe::Processes(question) => seen(question, self.processes()),
            Probe::Interfaces(question) => seen(question, self.interfaces()),
            Probe::Connect(question) => seen(question, self.connect(question)),
            Probe::Lookup(question) => seen(question, self.lookup(question)),
            Probe::Http(question) => seen::<Http>(question, self.http(question)),
        }
    }

    /// The fault for a system call that was refused: `cannot look at /root/x as user
    /// nobody: permission denied; run as root`.
    fn refused(&self, doing: &str, thing: &str, error: Errno) -> Fault {
        if matches!(error, Errno::ACCESS | Errno::PERM) {
            let user = self.user();
            let remedy = if rustix::process::geteuid().is_root() {
                "a security module, a container or the file system keeps even root out"
            } else {
                "run as root"
            };
            let message = format!("cannot {doing} {thing} as user {user}: permission denied; {remedy}");
            return Fault::new(FaultKind::Denied, message);
        }
        Fault::new(FaultKind::Failed, format!("cannot {doing} {thing}: {}", reason(error)))
    }
}

impl Transport for Local {
    /// Cheap probes are answered in the order asked while the slow ones are under way: commands
    /// watched by one thread, the others on a thread a core and, where these are stuck, on more.
    /// Of either at most [`SIDE_BY_SIDE`] go on at one time.
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        let waits = |probe: &Probe| probe.is_slow() || self.accounts.must_spawn(probe);
        let (mut commands, mut others) = (Vec::new(), Vec::new());
        for (index, probe) in probes.iter().enumerate() {
            match probe {
                Probe::Run(run) => commands.push((index, &**run)),
                probe if waits(probe) => others.push(index),
                _ => {}
            }
        }
        if commands.len() + others.len() < 2 {
            return probes.iter().map(|probe| self.answer(probe)).collect();
        }
        let mut answers: Vec<Option<Answer>> = probes.iter().map(|_| None).collect();
        let run_all = || {
            let runs: Vec<&Run> = commands.iter().map(|(_, run)| *run).collect();
            let ran = self.run_all(&runs).into_iter();
            ran.zip(&commands).map(|(ran, (index, run))| (*index, seen::<Run>(run, ran))).collect::<Vec<_>>()
        };
        if commands.len() == probes.len() {
            // Nothing else to do meanwhile.
            run_all().into_iter().for_each(|(index, answer)| answers[index] = Some(answer));
        } else {
            let next = AtomicUsize::new(0);
            let waiting = std::thread::current();
            let work = || {
                let mut done = Vec::new();
                while let Some(&index) = others.get(next.fetch_add(1, Ordering::Relaxed)) {
                    done.push((index, self.answer(&probes[index])));
                }
                waiting.unpark();
                done
            };
            let most = others.len().min(SIDE_BY_SIDE);
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            std::thread::scope(|scope| {
                let mut workers: Vec<_> = (0..most.min(cores)).map(|_| scope.spawn(work)).collect();
                let runner = (!commands.is_empty()).then(|| scope.spawn(run_all));
                for (answer, probe) in answers.iter_mut().zip(probes) {
                    if !matches!(probe, Probe::Run(_)) && !waits(probe) {
                        *answer = Some(self.answer(probe));
                    }
                }
                // Most look-ups take a millisecond, and a thread costs as much: more threads
                // come only when those there are do not get on.
                while workers.len() < most {
                    let begun = next.load(Ordering::Relaxed);
                    if begun >= others.len() {
                        break;
                    }
                    std::thread::park_timeout(STUCK);
                    if next.load(Ordering::Relaxed) == begun {
                        workers.push(scope.spawn(work));
                    }
                }
                let done = workers.into_iter().map(|worker| worker.join().unwrap_or_default());
                let ran = runner.map(|runner| runner.join().unwrap_or_default());
                for (index, answer) in done.chain(ran).flatten() {
                    answers[index] = Some(answer);
                }
            });
        }
        let lost = || Err(Fault::new(FaultKind::Failed, "the thread that looked ended without an answer"));
        answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect()
    }

    fn answer_now(&self, probe: &Probe) -> Option<Answer> {
        match probe {
            Probe::User(question) => match self.accounts.user_in_files(&question.key) {
                Ok(InFiles::Known(user)) => Some(seen(question, Ok(user))),
                Ok(InFiles::Elsewhere) => None,
                Err(fault) => Some(Err(fault)),
            },
            Probe::Group(question) => match self.accounts.group_in_files(&question.key) {
                Ok(InFiles::Known(group)) => Some(seen(question, Ok(group))),
                Ok(InFiles::Elsewhere) => None,
                Err(fault) => Some(Err(fault)),
            },
            _ if probe.is_slow() || self.accounts.must_spawn(probe) => None,
            _ => Some(self.answer(probe)),
        }
    }

    /// Kills the commands that run and ends walks; what is asked afterwards and needs one
    /// of these is a fault.
    fn stopper(&self) -> Stopper {
        let running = self.running.clone();
        Box::new(move || running.end())
    }

    /// The name of the effective user, or its number where no account file has it.
    fn user(&self) -> String {
        let uid = rustix::process::geteuid().as_raw();
        let name = match self.root.directory() {
            // The accounts of another system say nothing about who looks at it.
            Some(_) => Accounts::default().name_in_files(uid),
            None => self.accounts.name_in_files(uid),
        };
        name.map_or_else(|| uid.to_string(), |name| name.to_string())
    }
}

/// The answer to a question as an observation; the question only names the kind.
fn seen<Q: Question>(_question: &Q, answer: Result<Q::Answer, Fault>) -> Answer {
    answer.map(Q::wrap)
}

/// What the operating system says, as a fragment: `no such file or directory`.
pub(super) fn reason(error: Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        // "I/O error" and its like stay as they are.
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_string(),
    }
}

/// uname(2).
fn uname() -> Arc<crate::probe::Kernel> {
    let names = rustix::system::uname();
    let text = |name: &std::ffi::CStr| name.to_string_lossy().into();
    Arc::new(crate::probe::Kernel {
        system: text(names.sysname()),
        host_name: text(names.nodename()),
        release: text(names.release()),
        machine: text(names.machine()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Observation, Stat, Which};
    use std::time::{Duration, Instant};

    #[test]
    fn slow_probes_run_side_by_side_and_answers_keep_their_order() {
        let mut probes: Vec<Probe> = Vec::new();
        for number in 0..6 {
            probes.push(Run::shell(format!("sleep 0.6; echo {number}")).into());
            probes.push(Which { name: "sh".into() }.into());
        }
        let started = Instant::now();
        let answers = Local::new().batch(&probes);
        assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
        for (index, answer) in answers.iter().enumerate() {
            match answer.as_ref().expect("an answer") {
                Observation::Run(ran) => assert_eq!(&*ran.stdout, format!("{}\n", index / 2).as_bytes()),
                Observation::Which(path) => assert!(index % 2 == 1 && path.is_some()),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn slow_kinds_are_not_answered_at_once_and_others_are() {
        let local = Local::new();
        assert_eq!(local.answer_now(&Run::shell("true").into()), None);
        assert!(local.answer_now(&Stat { path: "/".into() }.into()).is_some());
    }

    #[test]
    fn what_the_system_says_reads_as_a_fragment() {
        assert_eq!(reason(Errno::NOENT), "no such file or directory");
    }
}

/// What tests of this folder share.
#[cfg(test)]
mod unprivileged {
    use rustix::process::{Gid, Uid};

    /// The number of the user `nobody` on the systems there are.
    const NOBODY: u32 = 65534;

    /// Calls `look` as the user nobody where this is root: on a thread of its own, because
    /// the kernel keeps credentials by thread. Elsewhere it is called as who we are.
    pub fn as_nobody<T: Send>(look: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if rustix::process::geteuid().is_root() {
                    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
                    rustix::thread::set_thread_groups(&[]).expect("no groups");
                    rustix::thread::set_thread_res_gid(gid, gid, gid).expect("the group of nobody");
                    rustix::thread::set_thread_res_uid(uid, uid, uid).expect("the user nobody");
                }
                look()
            });
            thread.join().expect("no panic")
        })
    }
}
