//! How far a script has come: sections in, answers out.

use super::Decoded;
use super::accounts::Accounts;
use super::frames::Section;
use super::plan::{ACCOUNT_FILES, Plan, Step};
use super::text::Who;
use super::{command, content, http, interfaces, kernel, network, processes, sockets, stat, walk};
use crate::probe::*;
use std::collections::HashMap;

/// The most sections one step has, links aside.
const MOST_PARTS: usize = 2 * 256 + 16;

/// One section of both streams.
pub(super) struct Part {
    pub tag: String,
    pub status: String,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    pub cut: bool,
}

impl Part {
    /// The exit status.
    pub fn status(&self) -> Option<i32> {
        self.status.parse().ok()
    }
}

/// The sections of one step, the last one last.
pub(super) struct Parts(pub Vec<Part>);

impl Parts {
    /// The section of a letter.
    pub fn get(&self, tag: &str) -> Option<&Part> {
        self.0.iter().find(|part| part.tag == tag)
    }

    /// The section that ends the step.
    pub fn last(&self) -> Option<&Part> {
        self.0.last()
    }
}

/// What a file was found to be.
pub(super) type Content = Result<Option<Arc<[u8]>>, Fault>;

/// The state of the decoding.
pub(super) struct Progress {
    plan: Plan,
    answers: Vec<Option<Answer>>,
    at: usize,
    parts: Vec<Part>,
    stopped: Option<String>,
    /// The command that left processes behind, which may write into what comes after it.
    leaver: Option<String>,
    user: Option<Arc<str>>,
    who: Who,
    /// The separator of files in one output of cat.
    separator: Vec<u8>,
    files: HashMap<Arc<str>, Content>,
    getent: HashMap<&'static str, Parts>,
    lookups: HashMap<usize, Parts>,
    walks: HashMap<usize, Vec<Found>>,
}

impl Progress {
    pub fn new(mut plan: Plan, probes: usize, key: &str) -> Progress {
        let mut answers: Vec<Option<Answer>> = vec![None; probes];
        for (index, answer) in plan.known.drain(..) {
            answers[index] = Some(answer);
        }
        Progress {
            plan,
            answers,
            at: 0,
            parts: Vec::new(),
            stopped: None,
            leaver: None,
            user: None,
            who: Who::default(),
            separator: format!("S={key}\0").into_bytes(),
            files: HashMap::new(),
            getent: HashMap::new(),
            lookups: HashMap::new(),
            walks: HashMap::new(),
        }
    }

    /// Whether nothing more is to come, or nothing more is believed.
    pub fn is_over(&self) -> bool {
        self.at >= self.plan.steps.len() || self.stopped.is_some()
    }

    /// Believes nothing more.
    pub fn stop(&mut self, why: &str) {
        if !self.is_over() {
            self.stopped = Some(why.to_string());
        }
    }

    /// Believes nothing more because the step under way prints without end.
    pub fn flood(&mut self, probes: &[Probe]) {
        if let Some(Step::Run(index) | Step::Http(index)) = self.plan.steps.get(self.at) {
            let message = format!("no answer to {}: it prints far more than is kept", probes[*index]);
            self.answers[*index] = Some(Err(Fault::new(FaultKind::TooLarge, message)));
        }
        self.stop("the node printed far more than is kept");
    }

    /// Takes one section of each stream.
    pub fn section(&mut self, probes: &[Probe], out: Section, err: Section) {
        if self.is_over() {
            return;
        }
        if out.tag != err.tag || out.status != err.status {
            return self.stop("the two streams of the node are at odds");
        }
        let ends = out.tag.bytes().all(|byte| byte.is_ascii_digit());
        if ends && out.tag != self.at.to_string() {
            return self.stop("the node answered out of order");
        }
        if out.tag == "." {
            // What comes before is none of ours.
            self.parts.clear();
            return;
        }
        if self.parts.len() >= MOST_PARTS {
            return self.stop("the node answered in more parts than were asked for");
        }
        let leaves = out.status.ends_with('+');
        self.parts.push(Part {
            tag: out.tag,
            status: out.status.trim_end_matches('+').to_string(),
            out: out.bytes,
            err: err.bytes,
            cut: out.cut || err.cut,
        });
        if ends {
            let parts = Parts(std::mem::take(&mut self.parts));
            let step = self.plan.steps[self.at].clone();
            self.at += 1;
            let leaver = self.leaver.clone();
            self.step(probes, step.clone(), parts);
            if let Step::Run(index)
            | Step::Http(index)
            | Step::Connect(index)
            | Step::Walk(index)
            | Step::Lookup(index) = step
            {
                self.doubt(probes, index, leaver, leaves);
            }
        }
    }

    fn answer<Q: Question>(&mut self, index: usize, _question: &Q, answer: Result<Q::Answer, Fault>) {
        self.answers[index] = Some(answer.map(Q::wrap));
    }

    /// The same answer for several probes of a kind.
    fn share<Q: Question>(&mut self, indices: &[usize], question: Q, answer: Result<Q::Answer, Fault>) {
        for &index in indices {
            self.answer(index, &question, answer.clone());
        }
    }

    fn step(&mut self, probes: &[Probe], step: Step, parts: Parts) {
        let who = self.who.clone();
        match step {
            Step::Hello => self.hello(&parts),
            Step::Stat(paths) => {
                for (shared, answer) in paths.iter().zip(stat::stats(&paths, &parts, &who)) {
                    for &index in &shared.probes {
                        self.answers[index] = Some(answer.clone().map(Stat::wrap));
                    }
                }
            }
            Step::Files(paths) => {
                for (shared, content) in paths.iter().zip(content::contents(&paths, &parts, &self.separator, &who)) {
                    for &index in &shared.probes {
                        self.answers[index] = Some(content.clone().map(Read::wrap));
                    }
                    self.files.insert(shared.path.clone(), content);
                }
            }
            Step::Getent { database, .. } => drop(self.getent.insert(database, parts)),
            Step::Uname(indices) => self.share(&indices, Uname, kernel::uname(&parts)),
            Step::Which(indices) => {
                for (&index, answer) in indices.iter().zip(kernel::which(&parts, indices.len())) {
                    self.answers[index] = Some(answer.map(Which::wrap));
                }
            }
            Step::Environment(indices) => self.share(&indices, Environment, kernel::environment(&parts)),
            Step::Interfaces(indices) => self.share(&indices, Interfaces, interfaces::interfaces(&parts)),
            Step::Processes(indices) => {
                let answer = processes::processes(&parts, &self.separator, &who);
                self.share(&indices, Processes, answer);
            }
            Step::SocketOwners(indices) => self.share(&indices, SocketOwners, sockets::owners(&parts, &who)),
            Step::List(index)
            | Step::Flags(index)
            | Step::Walk(index)
            | Step::Connect(index)
            | Step::Http(index)
            | Step::Run(index)
            | Step::Lookup(index) => self.single(index, &probes[index], parts, &who),
        }
    }

    fn single(&mut self, index: usize, probe: &Probe, parts: Parts, who: &Who) {
        match probe {
            Probe::List(question) => self.answer(index, question, content::list(&question.path, &parts, who)),
            Probe::Flags(question) => self.answer(index, question, stat::flags(&question.path, &parts, who)),
            Probe::Connect(question) => self.answer(index, question, network::connect(question, &parts)),
            Probe::Http(question) => self.answer(index, &**question, http::http(question, &parts)),
            Probe::Run(question) => self.answer(index, &**question, command::ran(question, parts)),
            // These need the files of accounts and hosts.
            Probe::Lookup(_) => drop(self.lookups.insert(index, parts)),
            Probe::Walk(question) => match walk::walk(question, &parts, &self.separator, who) {
                Ok((found, whole)) if whole || !(question.no_user || question.no_group) => {
                    self.answer(index, &**question, Ok(found.into()));
                }
                Ok((found, _)) => drop(self.walks.insert(index, found)),
                Err(fault) => self.answer(index, &**question, Err(fault)),
            },
            _ => {}
        }
    }

    /// What a command printed after one that left processes behind may be theirs.
    fn doubt(&mut self, probes: &[Probe], index: usize, leaver: Option<String>, leaves: bool) {
        if let Some(leaver) = leaver {
            self.lookups.remove(&index);
            self.walks.remove(&index);
            let message = format!(
                "no answer to {}: {leaver}, which ran before, left processes behind that may write into its output",
                probes[index]
            );
            self.answers[index] = Some(Err(Fault::new(FaultKind::Failed, message)));
        } else if leaves {
            self.leaver = Some(probes[index].to_string());
        }
    }

    fn hello(&mut self, parts: &Parts) {
        let said = parts.last().map_or(Default::default(), |part| String::from_utf8_lossy(&part.out));
        let (number, name) = said.trim().split_once(' ').unwrap_or((said.trim(), ""));
        let Ok(uid) = number.parse::<u32>() else {
            return self.stop("the shell cannot tell which user it runs as");
        };
        let name = if name.is_empty() { number } else { name };
        self.who = Who { name: name.to_string(), root: uid == 0 };
        self.user = Some(name.into());
    }

    /// All answers; those that are missing become faults that say why.
    pub fn finish(mut self, probes: &[Probe], started: bool, how_it_ended: &str, said: Option<&str>) -> Decoded {
        self.derive(probes);
        let complete = self.at >= self.plan.steps.len() && self.stopped.is_none();
        let said = said.map_or_else(String::new, |said| format!(" and said {said:?}"));
        let why = |probe: &Probe| {
            if let Some(why) = &self.stopped {
                return format!("no answer to {probe}: {why}");
            }
            if started {
                format!("no answer to {probe}: the node broke off: {how_it_ended}{said}")
            } else {
                format!("no answer to {probe}: no POSIX shell answered: {how_it_ended}{said}")
            }
        };
        let missing = |probe: &Probe| Err(Fault::new(FaultKind::Failed, why(probe)));
        let unanswered = (0..probes.len()).filter(|&index| self.answers[index].is_none()).collect();
        let answers = self.answers.iter_mut().zip(probes);
        let answers = answers.map(|(answer, probe)| answer.take().unwrap_or_else(|| missing(probe))).collect();
        Decoded { answers, unanswered, user: self.user, complete }
    }

    /// What is made of files and other steps together.
    fn derive(&mut self, probes: &[Probe]) {
        let accounts = ACCOUNT_FILES.iter().all(|path| self.files.contains_key(*path));
        let accounts = accounts.then(|| Accounts::new(&self.files, &self.getent));
        for (index, probe) in probes.iter().enumerate() {
            if self.answers[index].is_some() {
                continue;
            }
            let answer = match (probe, &accounts) {
                (Probe::User(User { key }), Some(accounts)) => accounts.user(key).map(|user| user.map(User::wrap)),
                (Probe::Group(Group { key }), Some(accounts)) => {
                    accounts.group(key).map(|group| group.map(Group::wrap))
                }
                (Probe::Users(_), Some(accounts)) => accounts.users().map(|users| users.map(Users::wrap)),
                (Probe::Groups(_), Some(accounts)) => accounts.groups().map(|groups| groups.map(Groups::wrap)),
                (Probe::Sockets(_), _) => sockets::sockets(&self.files).map(|sockets| sockets.map(Sockets::wrap)),
                (Probe::Lookup(question), _) => self
                    .lookups
                    .get(&index)
                    .map(|parts| network::lookup(question, parts, &self.files).map(Lookup::wrap)),
                (Probe::Walk(question), Some(accounts)) => self
                    .walks
                    .remove(&index)
                    .and_then(|found| accounts.without(question, found))
                    .map(|found| found.map(Walk::wrap)),
                _ => None,
            };
            self.answers[index] = answer;
        }
    }
}
