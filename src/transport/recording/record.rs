//! Keeping what is observed, and writing it down.

use super::document::{End, First, Line, Trouble, masked};
use super::{FORMAT, VERSION, asked};
use crate::error::Error;
use crate::probe::{Answer, Fault, FaultKind, Observation, Probe};
use crate::results::mask::{MASK, Masker};
use crate::transport::shell::Conversation;
use crate::transport::{Stopper, Traffic, Transport, Unreachable};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;

/// Of which node a recording is, and when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name of the node.
    pub node: String,
    /// Its target URI.
    pub target: String,
    /// The user it was asked as.
    pub user: String,
    /// The clock of the run in seconds since 1970.
    pub now: i64,
}

impl Header {
    /// The clock of the run, RFC 3339 in UTC; empty beyond what a calendar holds.
    pub(super) fn time(&self) -> String {
        jiff::Timestamp::from_second(self.now).map(|time| time.to_string()).unwrap_or_default()
    }
}

/// A transport that keeps what another one answers. Of a probe that is asked more than once,
/// as by a control with `eventually` or a `fresh` command, the last answer is kept.
pub struct Recorder {
    inner: Rc<dyn Transport>,
    observed: RefCell<IndexMap<Probe, Answer>>,
}

impl Recorder {
    /// A recorder of what `inner` answers.
    pub fn new(inner: Rc<dyn Transport>) -> Recorder {
        Recorder { inner, observed: RefCell::default() }
    }

    /// Writes what was observed so far to `path`, whole or not at all, for its owner alone.
    ///
    /// Every text is masked by `masker`, probes as well as answers: sensitive values become
    /// `***`, private keys too, and of a password hash what is left says how it was made.
    /// Two probes that cannot be told apart any more when they are masked become one fault.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path, masker: &Masker, header: &Header) -> Result<(), Error> {
        let unwritable = |error: io::Error| {
            let text = error.to_string();
            let cause = text.split(" at path ").next().unwrap_or_default();
            Error::usage(format!("cannot write the recording to {}: {cause}", path.display()))
                .hint("name a file in a folder you may write to")
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        let temp = tempfile::Builder::new()
            .prefix(".probity-")
            .suffix(".partial")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder)
            .map_err(unwritable)?;
        let mut file = BufWriter::new(temp);
        self.lines(&mut file, masker, header).map_err(unwritable)?;
        let temp = file.into_inner().map_err(|error| unwritable(error.into_error()))?;
        temp.persist(path).map_err(|error| unwritable(error.error))?;
        Ok(())
    }

    fn lines(&self, out: &mut impl Write, masker: &Masker, header: &Header) -> io::Result<()> {
        let first = First {
            format: FORMAT.to_string(),
            version: VERSION,
            probity: env!("CARGO_PKG_VERSION").to_string(),
            node: header.node.clone(),
            target: masker.mask_observation(&header.target).into_owned(),
            user: header.user.clone(),
            time: header.time(),
        };
        line(out, &first)?;
        let observed = self.without_secrets(masker)?;
        let observations = observed.len();
        for (probe, answer) in observed {
            let (answer, fault) = match answer {
                Ok(answer) => (Some(answer), None),
                Err(fault) => (None, Some(Trouble { kind: fault.kind, message: fault.message.to_string() })),
            };
            line(out, &Line { probe: Some(probe), answer, fault, end: None })?;
        }
        line(out, &Line { end: Some(End { observations }), ..Line::default() })
    }

    fn without_secrets(&self, masker: &Masker) -> io::Result<IndexMap<Probe, Answer>> {
        let mut clean: IndexMap<Probe, Answer> = IndexMap::new();
        for (probe, answer) in &*self.observed.borrow() {
            let probe = masked(probe, masker)?;
            let answer = match answer {
                Ok(answer) => masked(answer, masker).map(|answer| without_variables(&probe, answer)).map_err(|_| {
                    Fault::new(FaultKind::Malformed, format!("the answer to {probe} makes no sense when it is masked"))
                }),
                Err(fault) => Err(Fault::new(fault.kind, &*masker.mask_observation(&fault.message))),
            };
            match clean.get_mut(&probe) {
                Some(other) if *other != answer => {
                    let message = format!("{probe} was asked twice with different secrets, which are masked");
                    *other = Err(Fault::new(FaultKind::Unsupported, message));
                }
                Some(_) => {}
                None => drop(clean.insert(probe, answer)),
            }
        }
        Ok(clean)
    }

    fn keep(&self, probe: &Probe, answer: &Answer) {
        self.observed.borrow_mut().insert(asked(probe).into_owned(), answer.clone());
    }
}

/// The answer without what environment variables hold whose names say that it is secret: a
/// control that asks for one gets all of them recorded.
fn without_variables(probe: &Probe, answer: Observation) -> Observation {
    match (probe, answer) {
        (_, Observation::Environment(variables)) => {
            let shown = |(name, value): (&String, &String)| {
                (name.clone(), if is_secret(name) && !value.is_empty() { MASK.to_string() } else { value.clone() })
            };
            let shown: BTreeMap<String, String> = variables.iter().map(shown).collect();
            Observation::Environment(shown.into())
        }
        // proc_pid_environ(5)
        (Probe::Read(question), Observation::Read(Some(content)))
            if question.path.starts_with("/proc/") && question.path.ends_with("/environ") =>
        {
            let entry = |entry: &[u8]| match String::from_utf8_lossy(entry).split_once('=') {
                Some((name, _)) if is_secret(name) => format!("{name}={MASK}").into_bytes(),
                _ => entry.to_vec(),
            };
            let entries: Vec<Vec<u8>> = content.split(|byte| *byte == 0).map(entry).collect();
            Observation::Read(Some(entries.join(&0).into()))
        }
        (_, answer) => answer,
    }
}

/// How a part of the name of a variable ends whose value is secret: `PGPASSWORD`, `API_TOKEN`.
const SECRET: [&str; 9] = ["PASS", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "KEY", "CREDENTIALS", "AUTH"];

/// Whether the name of a variable says that its value is secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is = |part: &str| SECRET.iter().any(|word| part.ends_with(word));
    name.split('_').any(is)
}

/// One line of NDJSON.
fn line(out: &mut impl Write, item: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, item)?;
    out.write_all(b"\n")
}

impl Transport for Recorder {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        let answers = self.inner.batch(probes);
        for (probe, answer) in probes.iter().zip(&answers) {
            self.keep(probe, answer);
        }
        answers
    }

    fn answer_now(&self, probe: &Probe) -> Option<Answer> {
        let answer = self.inner.answer_now(probe)?;
        self.keep(probe, &answer);
        Some(answer)
    }

    fn stopper(&self) -> Stopper {
        self.inner.stopper()
    }

    fn user(&self) -> String {
        self.inner.user()
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }

    fn clock(&self) -> Option<i64> {
        self.inner.clock()
    }

    fn converse(&self, conversation: &mut dyn Conversation) -> Result<(), Unreachable> {
        self.inner.converse(conversation)
    }

    fn notes(&self) -> Vec<String> {
        self.inner.notes()
    }

    fn lost(&self) -> Option<Unreachable> {
        self.inner.lost()
    }
}
