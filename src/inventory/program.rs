//! Inventories that are programs, as Ansible knows them: run with `--list`, they print one.

use crate::error::Error;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most bytes an inventory may have.
const CAP: u64 = 64 << 20;

/// How much of what a program complained about is shown, in bytes.
const SHOWN: usize = 2000;

/// Whether a file is run instead of read: a regular file with an executable bit.
///
/// # Errors
/// There is no such file, or it is a folder.
pub fn is_one(path: &Path) -> Result<bool, Error> {
    let found = std::fs::metadata(path)
        .map_err(|error| Error::usage(format!("the inventory cannot be read: {error}")).in_file(path))?;
    if found.is_dir() {
        return Err(Error::usage("is a folder, not an inventory")
            .in_file(path)
            .hint("name each file with --inventory"));
    }
    Ok(found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The bytes of a file, which may also be a pipe.
///
/// # Errors
/// It cannot be read, or is too large.
pub fn content(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(CAP + 1).read_to_end(&mut bytes))
        .map_err(|error| Error::usage(format!("the inventory cannot be read: {error}")).in_file(path))?;
    if bytes.len() as u64 > CAP {
        return Err(too_large(path));
    }
    Ok(bytes)
}

fn too_large(path: &Path) -> Error {
    Error::usage(format!("the inventory is larger than {} MiB, the most that is read", CAP >> 20)).in_file(path)
}

/// What the program prints when it is run with `--list`.
///
/// # Errors
/// It cannot be run, fails (with what it complained about), takes longer than a minute or
/// prints too much.
pub fn list(path: &Path) -> Result<Vec<u8>, Error> {
    list_within(path, PATIENCE)
}

fn list_within(path: &Path, patience: Duration) -> Result<Vec<u8>, Error> {
    let about = |what: String| Error::usage(format!("{} --list {what}", path.display()));
    // A bare name would be looked for in $PATH.
    let program = match path.components().count() {
        1 => PathBuf::from(".").join(path),
        _ => path.to_path_buf(),
    };
    let mut child = Command::new(program)
        .arg("--list")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| {
            about(format!("cannot be run: {error}")).hint(format!(
                "an inventory with the executable bit is run; if it is none that can be: chmod -x {}",
                path.display()
            ))
        })?;
    let stdout = gather(child.stdout.take());
    let stderr = gather(child.stderr.take());
    let deadline = Instant::now() + patience;
    let late = |child: &mut std::process::Child| {
        // Its own process group: what it has started ends with it.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = child.wait();
        about(format!("took longer than {} s and was ended", patience.as_secs_f32()))
            .hint("let it write its inventory to a file, and name that")
    };
    // Both pipes end when the program does, and whatever it has left behind.
    let mut taken = |pipe: &Receiver<Vec<u8>>| {
        pipe.recv_timeout(deadline.saturating_duration_since(Instant::now())).map_err(|_| late(&mut child))
    };
    let printed = taken(&stdout)?;
    if printed.len() as u64 > CAP {
        let _ = late(&mut child);
        return Err(about(format!("printed more than {} MiB, the most that is read", CAP >> 20)));
    }
    let complaints = taken(&stderr)?;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => return Err(late(&mut child)),
            Err(error) => return Err(about(format!("cannot be waited for: {error}"))),
        }
    };
    if status.success() {
        return Ok(printed);
    }
    let text = String::from_utf8_lossy(&complaints);
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    // What is wrong stands at the end of what a program says.
    let mut from = text.trim_end().len().saturating_sub(SHOWN);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let shown = match text[from..].trim() {
        "" => "it said nothing on standard error".to_string(),
        said => format!("it said: {said}"),
    };
    Err(about(format!("failed ({status}); {shown}")))
}

/// Reads a pipe to its end, or to one byte beyond the cap, on a thread of its own.
fn gather(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before a fault is still what was said.
            let _ = pipe.take(CAP + 1).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(folder: &tempfile::TempDir, text: &str) -> PathBuf {
        let path = folder.path().join("inventory.sh");
        std::fs::write(&path, text).unwrap();
        // A process of its own sets the bit: a file open for writing cannot be run, and
        // another test may fork just now.
        assert!(Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn a_program_is_run_and_its_failures_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = script(&folder, "#!/bin/sh\necho \"$1\"\n");
        assert!(is_one(&path).unwrap());
        assert_eq!(list(&path).unwrap(), b"--list\n");
        let path = script(&folder, "#!/bin/sh\necho no credentials >&2; exit 3\n");
        let error = list(&path).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("it said: no credentials"), "{error}");
        let path = script(&folder, "#!/bin/sh\nsleep 30 & sleep 30\n");
        let began = Instant::now();
        let error = list_within(&path, Duration::from_millis(300)).unwrap_err().to_string();
        assert!(error.contains("took longer") && began.elapsed() < Duration::from_secs(10), "{error}");
        let path = script(&folder, "nodes:\n");
        std::fs::write(&path, [0u8, 1, 2]).unwrap();
        let error = list(&path).unwrap_err().to_string();
        assert!(error.contains("cannot be run") && error.contains("chmod -x"), "{error}");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_one(folder.path()).unwrap_err().to_string().contains("is a folder"));
        assert!(is_one(&folder.path().join("none")).unwrap_err().to_string().contains("cannot be read"));
    }
}
