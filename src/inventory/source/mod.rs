//! What an inventory is read from: a file or folder, a program, standard input.

mod directory;
mod written;

use super::ansible;
use super::groups::{Draft, assemble};
use super::kind::{self, Kind};
use super::program::{self, Limits};
use super::rules::Rules;
use super::{Inventory, refuse_empty};
use crate::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What an inventory is read from, and as what.
///
/// On the command line it is `FILE`, `KIND:FILE`, `KIND:` for a tool that is asked itself,
/// `command:PROGRAM ARGUMENT…`, or `-` for standard input; in a file it is the same text or a map,
/// see [`Source::from_yaml`].
#[derive(Debug, Clone)]
pub struct Source {
    from: From,
    /// What the text is said to be; else it is looked at.
    kind: Option<Kind>,
    rules: Arc<Rules>,
    /// Whether an inventory without nodes is one.
    allow_empty: bool,
    /// How long a program may take, where the source itself says so.
    time_limit: Option<Duration>,
}

#[derive(Debug, Clone)]
enum From {
    /// A file, which is run where it is a program; or a folder.
    Path(PathBuf),
    StandardInput,
    /// A program and its arguments.
    Command(Vec<String>),
    /// The program of a kind, asked in a folder.
    Tool(Vec<String>, PathBuf),
    /// One that was read before.
    Known(Arc<Inventory>),
}

/// How sources are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The folder that relative paths begin in, and that programs are run in; an empty path is the
    /// present one.
    pub folder: &'a Path,
    /// Variables that programs get besides those of this process.
    pub environment: &'a [(OsString, OsString)],
    /// Once it is set, programs are ended and reading is an error with the exit code of an
    /// interrupted run.
    pub stop: &'a AtomicBool,
    /// How long a program may take.
    pub time_limit: Duration,
}

impl Reading<'static> {
    /// In the present folder, with the environment of this process, for at most a minute.
    pub fn here() -> Reading<'static> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Reading { folder: Path::new(""), environment: &[], stop: &NEVER, time_limit: Duration::from_secs(60) }
    }
}

/// How many sources may name each other in a row.
const MAX_DEPTH: usize = 4;

impl Source {
    /// A file or folder, read as what it looks like.
    pub fn of_path(path: impl Into<PathBuf>) -> Source {
        Source::new(From::Path(path.into()), None)
    }

    /// An inventory that was read before.
    pub fn of_inventory(inventory: Arc<Inventory>) -> Source {
        Source::new(From::Known(inventory), None)
    }

    fn new(from: From, kind: Option<Kind>) -> Source {
        Source { from, kind, rules: Arc::default(), allow_empty: false, time_limit: None }
    }

    /// Reads the inventory.
    ///
    /// # Errors
    /// Everything that is wrong with it, with file, line and column where there are any; a
    /// program that fails, takes too long or is stopped; no nodes, unless the source allows it.
    pub fn read(&self, reading: &Reading<'_>) -> Result<Inventory, Vec<Error>> {
        if let From::Known(inventory) = &self.from {
            return Ok(Inventory::clone(inventory));
        }
        let file = self.file(reading);
        let draft = self.draft(&file, reading, MAX_DEPTH)?;
        match self.allow_empty || draft.may_be_empty {
            true => assemble(draft, &file),
            false => {
                let remedy = draft.remedy.clone().unwrap_or_else(|| match &self.from {
                    From::Path(_) => EXAMPLE.to_string(),
                    _ => "allow_empty: true in a file of the source lets it be".to_string(),
                });
                refuse_empty(assemble(draft, &file)?, &remedy)
            }
        }
    }

    /// What places call it.
    fn file(&self, reading: &Reading<'_>) -> PathBuf {
        match &self.from {
            From::Path(path) => reading.folder.join(path),
            From::StandardInput => PathBuf::from("standard input"),
            From::Command(words) => match words.first() {
                Some(program) if program.contains('/') => reading.folder.join(program),
                program => PathBuf::from(program.map_or("", String::as_str)),
            },
            From::Tool(words, folder) if folder.as_os_str().is_empty() => PathBuf::from(words.join(" ")),
            From::Tool(words, folder) => PathBuf::from(format!("{} in {}", words.join(" "), folder.display())),
            From::Known(inventory) => inventory.file.clone(),
        }
    }

    fn draft(&self, file: &Path, reading: &Reading<'_>, depth: usize) -> Result<Draft, Vec<Error>> {
        let one = |error: Error| vec![error];
        let limits = Limits::new(reading.stop, self.time_limit.unwrap_or(reading.time_limit));
        let mut script = None;
        let bytes = match &self.from {
            From::Path(_) if file.is_dir() => return self.of_folder(file, reading, depth),
            From::Path(path) if program::is_one(file).map_err(one)? => {
                // A bare name would be looked for in $PATH.
                let path = if path.components().count() == 1 { Path::new(".").join(path) } else { path.clone() };
                let path = path.into_os_string();
                script = Some(path.clone());
                let words = [path, "--list".into()];
                program::run(&words, reading.folder, reading.environment, &limits).map_err(one)?
            }
            From::Path(_) => {
                let bytes = program::content(file).map_err(one)?;
                if self.kind.is_none()
                    && let Some(source) = Source::in_file(file, &bytes)?
                {
                    return source.named_by(file, reading, depth);
                }
                bytes
            }
            From::StandardInput => program::standard_input(&limits).map_err(one)?,
            From::Command(words) => {
                let words: Vec<OsString> = words.iter().map(OsString::from).collect();
                program::run(&words, reading.folder, reading.environment, &limits).map_err(one)?
            }
            From::Tool(words, folder) => {
                let words: Vec<OsString> = words.iter().map(OsString::from).collect();
                let folder = reading.folder.join(folder);
                program::run(&words, &folder, reading.environment, &limits).map_err(one)?
            }
            From::Known(_) => Vec::new(),
        };
        let mut draft = kind::draft(self.kind, file, &bytes, &self.rules)?;
        match script {
            Some(script) if draft.lacks_hosts => ask_of_hosts(&mut draft, file, &script, reading, &limits)?,
            _ if draft.lacks_hosts => draft.notes.push(ansible::LACKING.to_string()),
            _ => {}
        }
        if let From::Path(_) = &self.from
            && draft.nodes.values().any(|node| node.ansible.is_some())
        {
            ansible::add_files(&mut draft, file.parent().unwrap_or(Path::new("")));
        }
        Ok(draft)
    }

    /// Reads a source that a file describes. Its paths begin in the folder of the file.
    fn named_by(&self, file: &Path, reading: &Reading<'_>, depth: usize) -> Result<Draft, Vec<Error>> {
        let Some(depth) = depth.checked_sub(1) else {
            let error = Error::usage("names a source that names a source, and so on, too often").in_file(file);
            return Err(vec![error.hint("does one of them name itself?")]);
        };
        let reading = Reading { folder: file.parent().unwrap_or(Path::new("")), ..*reading };
        let mut draft = self.draft(&self.file(&reading), &reading, depth)?;
        draft.may_be_empty |= self.allow_empty;
        Ok(draft)
    }

    /// Reads a folder: what Terraform or Vagrant know in it, or the inventories it holds.
    fn of_folder(&self, folder: &Path, reading: &Reading<'_>, depth: usize) -> Result<Draft, Vec<Error>> {
        let tool = |words: Vec<String>| {
            let source = Source { from: From::Tool(words, folder.to_path_buf()), ..self.clone() };
            let reading = Reading { folder: Path::new(""), ..*reading };
            source.draft(&source.file(&reading), &reading, depth)
        };
        match self.kind {
            Some(Kind::Terraform) => {
                let words = [terraform_program(folder, reading), "show", "-json"];
                tool(words.map(str::to_string).to_vec())
            }
            Some(Kind::Vagrant) => tool(["vagrant", "ssh-config"].map(str::to_string).to_vec()),
            Some(kind @ (Kind::Kubectl | Kind::Docker | Kind::Podman)) => {
                let error = Error::usage(format!("is a folder, and {kind} is asked in none")).in_file(folder);
                Err(vec![error.hint(format!("write {kind}: without a folder, or name a file"))])
            }
            Some(Kind::Probity | Kind::Ansible) | None => directory::draft(folder, self.kind, reading, depth),
        }
    }
}

/// Runs a program of Ansible for each host, as Ansible does where `--list` says nothing of single
/// ones.
fn ask_of_hosts(
    draft: &mut Draft,
    file: &Path,
    script: &OsStr,
    reading: &Reading<'_>,
    limits: &Limits<'_>,
) -> Result<(), Vec<Error>> {
    let one = |error: Error| vec![error];
    let names: Vec<Arc<str>> = draft.nodes.keys().cloned().collect();
    for name in names {
        let words = [script.to_os_string(), "--host".into(), OsString::from(&*name)];
        let printed = program::run(&words, reading.folder, reading.environment, limits).map_err(one)?;
        if printed.trim_ascii().is_empty() {
            continue;
        }
        let values = super::json::read(file, &printed).map_err(one)?;
        for value in &values {
            ansible::add_host(draft, &name, value).map_err(one)?;
        }
    }
    Ok(())
}

/// The remedy for a file without nodes.
const EXAMPLE: &str = "write for example nodes: { web1: ssh://10.0.0.1 }";

/// Terraform or OpenTofu: the one that has locked the providers of a folder, else the one that is
/// here.
fn terraform_program(folder: &Path, reading: &Reading<'_>) -> &'static str {
    let lock = std::fs::read_to_string(folder.join(".terraform.lock.hcl")).unwrap_or_default();
    let order = match lock.contains("registry.opentofu.org/") {
        true => ["tofu", "terraform"],
        false => ["terraform", "tofu"],
    };
    order.into_iter().find(|program| is_installed(program, reading)).unwrap_or(order[0])
}

/// Whether a program is in `$PATH`.
fn is_installed(program: &str, reading: &Reading<'_>) -> bool {
    let given = reading.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let path = given.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    std::env::split_paths::<OsStr>(&path).any(|folder| folder.join(program).is_file())
}

impl fmt::Display for Source {
    /// As it would be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, self.kind) {
            (From::Command(words), _) => write!(f, "command:{}", words.join(" ")),
            (From::Tool(_, folder), Some(kind)) => write!(f, "{kind}:{}", folder.display()),
            (From::Tool(words, _), None) => write!(f, "command:{}", words.join(" ")),
            (From::Path(path), Some(kind)) => write!(f, "{kind}:{}", path.display()),
            (From::Path(path), None) => write!(f, "{}", path.display()),
            (From::StandardInput, Some(kind)) => write!(f, "{kind}:-"),
            (From::StandardInput, None) => f.write_str("-"),
            (From::Known(inventory), _) => write!(f, "{}", inventory.file.display()),
        }
    }
}
