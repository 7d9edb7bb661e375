//! Finds a program before it is started, so that what is wrong can be told by its name: exec(3)
//! knows only "no such file" for five different things.

use super::{Program, Words};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Where the shell looks when there is no PATH, see execvp(3).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A program as the kernel is given it.
pub struct Found {
    pub path: PathBuf,
    /// The name it is told it was called by.
    pub name: OsString,
    pub arguments: Vec<OsString>,
}

/// Why it cannot be started.
pub struct Trouble {
    /// A fragment that reads after "cannot be run:".
    pub why: String,
    pub hint: Option<String>,
}

impl Trouble {
    fn new(why: impl Into<String>) -> Trouble {
        Trouble { why: why.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Trouble {
        Trouble { hint: Some(hint.into()), ..self }
    }
}

/// Finds a program as execvp(3) would in the program's own folder and environment.
///
/// # Errors
/// Its folder is not there, or it is not.
pub fn find(program: &Program) -> Result<Found, Trouble> {
    let dir = &program.dir;
    let shown = dir.display();
    match std::fs::metadata(dir) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(Trouble::new(format!("its working directory {shown} is no folder"))),
        Err(error) => return Err(Trouble::new(format!("its working directory {shown} cannot be entered: {error}"))),
    }
    let (name, arguments) = match &program.words {
        Words::Line(line) => (OsString::from("sh"), vec![OsString::from("-c"), line.into()]),
        Words::Argv(words) => match words.split_first() {
            Some((name, arguments)) if !name.is_empty() => (name.clone(), arguments.to_vec()),
            _ => return Err(Trouble::new("it has no name").hint("the first word names the program")),
        },
    };
    let path = if name.as_encoded_bytes().contains(&b'/') {
        // Absolute, so that it does not depend on which comes first: the new folder or the search.
        let path = std::path::absolute(dir.join(&name)).unwrap_or_else(|_| dir.join(&name));
        if std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Err(Trouble::new(format!("there is no file {}", path.display())));
        }
        path
    } else {
        in_path(program, &name)?
    };
    Ok(Found { path, name, arguments })
}

/// The first file of this name in PATH that may be executed.
fn in_path(program: &Program, name: &OsStr) -> Result<PathBuf, Trouble> {
    let path = match program.env.get(OsStr::new("PATH")) {
        Some(own) => own.clone(),
        None => std::env::var_os("PATH"),
    };
    let path = path.unwrap_or_else(|| DEFAULT_PATH.into());
    let mut forbidden = None;
    for folder in std::env::split_paths(&path) {
        let file = program.dir.join(folder).join(name);
        let file = std::path::absolute(&file).unwrap_or(file);
        if file.is_file() {
            if accessat(CWD, &file, Access::EXEC_OK, AtFlags::EACCESS).is_ok() {
                return Ok(file);
            }
            forbidden.get_or_insert(file);
        }
    }
    Err(match forbidden {
        Some(file) => not_executable(&file),
        None => Trouble::new("there is no program of that name in PATH")
            .hint(format!("install it, name it by its path, or set PATH in env; PATH is {}", path.display())),
    })
}

fn not_executable(file: &Path) -> Trouble {
    Trouble::new(format!("{} is not executable", file.display())).hint(format!("chmod +x {}", file.display()))
}

/// Why the kernel refused to start what was found.
pub fn explain(found: &Found, error: &io::Error) -> Trouble {
    let path = &found.path;
    let shown = path.display();
    let is = |errno: rustix::io::Errno| error.raw_os_error() == Some(errno.raw_os_error());
    let interpreter = interpreter(path);
    if path.is_dir() {
        return Trouble::new(format!("{shown} is a folder"));
    }
    if error.kind() == ErrorKind::NotFound && path.exists() {
        return match interpreter {
            Some(interpreter) if interpreter.ends_with('\r') => {
                Trouble::new(format!("the lines of {shown} end as on Windows, and no interpreter has such a name"))
                    .hint(format!("sed -i 's/\\r$//' {shown}"))
            }
            Some(interpreter) => Trouble::new(format!(
                "the first line of {shown} asks for the interpreter {interpreter}, which is not there"
            )),
            None => {
                Trouble::new(format!("{shown} asks for a loader that is not there: it was built for another system"))
            }
        };
    }
    if is(rustix::io::Errno::ACCESS) {
        return match accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS) {
            Err(_) => not_executable(path),
            Ok(()) => match interpreter {
                Some(interpreter) => {
                    Trouble::new(format!("the interpreter {interpreter} of {shown} may not be executed"))
                }
                None => Trouble::new(format!("{shown} may not be executed where it lies"))
                    .hint("is its file system mounted noexec?"),
            },
        };
    }
    if is(rustix::io::Errno::NOEXEC) {
        return Trouble::new(format!("{shown} is neither a program for this machine nor a script that begins with #!"))
            .hint("begin a script with its interpreter, such as #!/bin/sh");
    }
    if is(rustix::io::Errno::TOOBIG) {
        return Trouble::new("its arguments and environment are longer than the kernel takes")
            .hint("hand them over in a file or on stdin");
    }
    Trouble::new(error.to_string())
}

/// What the first line of a script names after `#!`, see execve(2).
fn interpreter(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(256).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line).trim_matches([' ', '\t']).to_string();
    Some(line.split([' ', '\t']).next().unwrap_or_default().to_string())
}
