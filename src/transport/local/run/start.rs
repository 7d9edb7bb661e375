//! Commands: finding the program and starting it.

use super::super::Local;
use super::super::environment::which_in;
use super::{WORKING_DIRECTORY, brief};
use crate::probe::{CommandLine, Fault, FaultKind, Ran, Run};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Why there is no child to wait for.
pub(super) enum Start {
    Ends(Ran),
    Fault(Fault),
}

impl Local {
    /// Starts a command in a process group of its own.
    pub(super) fn start(&self, run: &Run) -> Result<Child, Start> {
        match self.prepare(run).map_err(Start::Fault)? {
            Some(prepared) => spawn(prepared, run, self),
            None => Err(Start::Ends(not_there(run))),
        }
    }

    /// The program found and its arguments; `None`: there is no such program.
    ///
    /// The path is looked up here, in the `PATH` the command gets, because the standard
    /// library starts a program fast (without copying this process) only by its path.
    fn prepare<'a>(&self, run: &'a Run) -> Result<Option<Prepared<'a>>, Fault> {
        let (name, arguments): (&str, Vec<&str>) = match &run.line {
            CommandLine::Argv(argv) => match argv.split_first() {
                Some((name, arguments)) => (name, arguments.iter().map(String::as_str).collect()),
                None => return Err(Fault::new(FaultKind::Failed, "a command of no words cannot be run")),
            },
            CommandLine::Shell { shell, line } => (shell, vec!["-c", line]),
        };
        let words = arguments.iter().copied().chain([name]);
        let variables = run.environment.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        if words.chain(variables).any(|word| word.contains('\0')) {
            return Err(Fault::new(
                FaultKind::Failed,
                format!("{:?} cannot be run: it contains a NUL byte", brief(run)),
            ));
        }
        if let Some((name, _)) = run.environment.iter().find(|(name, _)| name.is_empty() || name.contains('=')) {
            return Err(Fault::new(FaultKind::Failed, format!("{name:?} is no name of an environment variable")));
        }
        if name.contains('/') {
            // Whether it can be started is for the kernel to say.
            return Ok(Some(Prepared { path: name.to_string(), name, arguments }));
        }
        let own_path = run.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, path)| path.as_str());
        let path = match own_path {
            Some(path) => which_in(path, name),
            None => self.environment().which(name),
        };
        Ok(path.map(|path| Prepared { path, name, arguments }))
    }
}

/// A command whose program has been found.
struct Prepared<'a> {
    path: String,
    name: &'a str,
    arguments: Vec<&'a str>,
}

fn spawn(prepared: Prepared<'_>, run: &Run, local: &Local) -> Result<Child, Start> {
    let mut command = Command::new(&prepared.path);
    command.arg0(prepared.name).args(&prepared.arguments);
    match start(&mut command, run, local) {
        // A script without a #! line: shells run it themselves.
        Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            let mut command = Command::new("/bin/sh");
            command.arg(&prepared.path).args(&prepared.arguments);
            start(&mut command, run, local)
        }
        started => started,
    }
    .map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Start::Ends(not_there(run)),
        ErrorKind::PermissionDenied | ErrorKind::IsADirectory => {
            Start::Ends(ended_at_once(126, format!("{}: permission denied\n", prepared.name)))
        }
        _ if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            Start::Ends(ended_at_once(126, format!("{}: exec format error\n", prepared.name)))
        }
        _ => Start::Fault(Fault::new(FaultKind::Failed, format!("cannot run {:?}: {error}", brief(run)))),
    })
}

fn start(command: &mut Command, run: &Run, local: &Local) -> io::Result<Child> {
    command
        .env_clear()
        .envs(local.environment().variables().iter())
        .envs(run.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(WORKING_DIRECTORY)
        .process_group(0)
        .stdin(if run.stdin.is_empty() { Stdio::null() } else { Stdio::from(in_memory(&run.stdin)?) })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// A file in memory that holds `content`, read from its start. Unlike a pipe it needs no
/// writer at its other end, so a command that never reads cannot block anybody.
fn in_memory(content: &[u8]) -> io::Result<OwnedFd> {
    let file = memfd_create("stdin", MemfdFlags::CLOEXEC)?;
    let mut written = 0;
    while written < content.len() {
        // pwrite leaves the position, which the command inherits, at the start.
        written += rustix::io::pwrite(&file, &content[written..], written as u64)?;
    }
    Ok(file)
}

fn not_there(run: &Run) -> Ran {
    let name = match &run.line {
        CommandLine::Argv(argv) => argv.first().map_or("", String::as_str),
        CommandLine::Shell { shell, .. } => shell,
    };
    ended_at_once(127, format!("{name}: not found\n"))
}

fn ended_at_once(status: i32, stderr: String) -> Ran {
    Ran { status, stdout: [].into(), stderr: stderr.into_bytes().into(), truncated: false }
}
