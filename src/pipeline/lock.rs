//! One run at a time in a folder: provisioners keep their state there.

use crate::error::Error;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Held while a pipeline runs. The system lets go of it when the process ends, however it does.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, by flock(2) on a file that holds the id of the process.
    ///
    /// # Errors
    /// Another process has it, or the file cannot be written.
    pub fn take(path: &Path) -> Result<Lock, Error> {
        let failed = |what: &str, error: std::io::Error| {
            Error::usage(format!("the lock cannot be {what}: {error}")).in_file(path)
        };
        let open = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path);
        let mut file = open.map_err(|error| failed("opened", error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // Whoever holds it may be about to write who it is.
                let _ = file.take(64).read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process".to_string(),
                    pid => format!("process {pid}"),
                };
                let error = Error::usage(format!("a pipeline is running in this folder: {holder} holds the lock"));
                return Err(error.in_file(path).hint("wait until it is done, or end it"));
            }
            Err(error) => return Err(failed("taken", error.into())),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .and_then(|()| file.flush());
        written.map_err(|error| failed("written", error))?;
        Ok(Lock { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file stays: one who waits for it must not lock a file that is gone.
        let _ = self.file.set_len(0);
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_holder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::take(&path).unwrap();
        let error = Lock::take(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} holds the lock", std::process::id())), "{error}");
        drop(held);
        Lock::take(&path).unwrap();
        let error = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(error.contains("cannot be opened"), "{error}");
    }
}
