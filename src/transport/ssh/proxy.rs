//! A command that leads to a server: `ProxyCommand` of ssh_config(5).

use super::route::Road;
use super::{Unreachable, UnreachableKind};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

/// A command that runs as long as its session.
pub(super) struct Helper {
    child: Child,
    /// A file without a name: a pipe nobody reads would stop the command when it is full.
    stderr: File,
}

/// Starts a command whose standard input and output are the connection.
pub(super) fn spawn(command: &str, place: &str) -> Result<Road, Unreachable> {
    let start = || -> std::io::Result<Road> {
        let (ours, theirs) = UnixStream::pair()?;
        let stderr = tempfile::tempfile()?;
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("exec {command}"))
            .stdin(OwnedFd::from(theirs.try_clone()?))
            .stdout(OwnedFd::from(theirs))
            .stderr(Stdio::from(stderr.try_clone()?))
            .spawn()?;
        Ok(Road { socket: ours.into(), helper: Some(Helper { child, stderr }) })
    };
    start().map_err(|error| {
        let message = format!("cannot start the ProxyCommand for {place}: {error}");
        Unreachable::new(UnreachableKind::Setup, message)
    })
}

impl Helper {
    /// The last line it has complained in.
    pub(super) fn complaint(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        self.stderr.seek(SeekFrom::Start(0)).ok()?;
        (&mut self.stderr).take(64 * 1024).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        Some(line.chars().filter(|c| !c.is_control()).take(200).collect())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It has no input any more, and nobody waits for the rest.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
