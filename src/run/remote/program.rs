//! The program that is pushed: an executable that needs nothing of the node but its kernel.

use crate::error::Error;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The most bytes a program is taken to have.
const SIZE_CAP: u64 = 256 << 20;

/// A statically linked `probity`, ready to be sent. It is shared by all nodes of a run.
pub struct Program {
    bytes: Vec<u8>,
    digest: OnceLock<Arc<str>>,
    compressed: OnceLock<Vec<u8>>,
    machine: &'static str,
}

impl Program {
    /// Reads a program: `path`, or the one that runs.
    ///
    /// # Errors
    /// It cannot be read, is no executable of a machine Probity knows, or is linked
    /// dynamically; with how to make one that is not.
    pub fn read(path: Option<&Path>) -> Result<Program, Error> {
        let own = Path::new("/proc/self/exe");
        let path = path.unwrap_or(own);
        let unread = |what: String| Error::usage(format!("the agent {what}")).in_file(path);
        let size = std::fs::metadata(path).map_err(|error| unread(format!("cannot be read: {error}")))?.len();
        if size > SIZE_CAP {
            return Err(unread(format!("is larger than {} MiB", SIZE_CAP >> 20)));
        }
        let bytes = std::fs::read(path).map_err(|error| unread(format!("cannot be read: {error}")))?;
        let machine = match elf(&bytes) {
            Some((machine, true)) => machine,
            Some((_, false)) => {
                let what = if path == own { "this probity is" } else { "it is" };
                let error = Error::usage(format!(
                    "--agent pushes a program that needs no library of the node, and {what} linked dynamically"
                ));
                return Err(error.in_file(path).hint(BUILD).hint("name one that was built so with --agent-program"));
            }
            None => return Err(unread("is no Linux executable for x86_64 or aarch64".to_string())),
        };
        Ok(Program { bytes, digest: OnceLock::new(), compressed: OnceLock::new(), machine })
    }

    /// The SHA-256 of the program in hexadecimal digits.
    pub fn digest(&self) -> &Arc<str> {
        self.digest.get_or_init(|| digest(&self.bytes))
    }

    /// The machine it runs on, as uname(2) gives it.
    pub fn machine(&self) -> &'static str {
        self.machine
    }

    /// In bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// As it is.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// With gzip, made once a run.
    pub fn compressed(&self) -> &[u8] {
        self.compressed.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            // Writing to memory does not fail.
            let _ = encoder.write_all(&self.bytes);
            encoder.finish().unwrap_or_default()
        })
    }
}

/// How the program is built for this. An OpenSSL that is compiled on the way with the flags of
/// static linking leaves out threads; the one of the system has them.
const BUILD: &str = "build it with OPENSSL_NO_VENDOR=1 OPENSSL_STATIC=1 RUSTFLAGS='-C target-feature=+crt-static' \
                     cargo build --release --target x86_64-unknown-linux-gnu (or aarch64-unknown-linux-gnu), where \
                     OpenSSL's static library and headers are (libssl-dev)";

/// The digest of the program that runs, for the node's side of an installation.
///
/// # Errors
/// It cannot be read.
pub fn own_digest() -> std::io::Result<Arc<str>> {
    Ok(digest(&std::fs::read("/proc/self/exe")?))
}

fn digest(bytes: &[u8]) -> Arc<str> {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}

/// The machine of an executable, and whether it is linked statically: one without a program
/// interpreter, elf(5). `None`: it is none we know.
fn elf(bytes: &[u8]) -> Option<(&'static str, bool)> {
    let at = |from: usize, count: usize| bytes.get(from..from.checked_add(count)?);
    let number = |from: usize, count: usize| -> Option<u64> {
        Some(at(from, count)?.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    // 64 bits, little-endian.
    if at(0, 6)? != [0x7f, b'E', b'L', b'F', 2, 1] {
        return None;
    }
    let machine = match number(18, 2)? {
        0x3e => "x86_64",
        0xb7 => "aarch64",
        _ => return None,
    };
    let (table, entry, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    const INTERPRETER: u64 = 3;
    let mut is_static = true;
    for index in 0..count {
        let header = usize::try_from(table.checked_add(entry.checked_mul(index)?)?).ok()?;
        is_static &= number(header, 4)? != INTERPRETER;
    }
    Some((machine, is_static))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_and_the_linking_of_an_executable_are_read() {
        let own = std::fs::read("/proc/self/exe").expect("this test");
        assert_eq!(elf(&own), Some((std::env::consts::ARCH, cfg!(target_feature = "crt-static"))));
        for cut in [0, 5, 19, 40, 63, 70] {
            assert_eq!(elf(&own[..cut]), None, "{cut}");
        }
        assert_eq!(elf(b"#!/bin/sh\necho a script is no program that could be pushed to a node, is it\n"), None);
    }

    #[test]
    fn a_program_that_needs_libraries_is_refused_with_the_way_to_build_one() {
        if cfg!(target_feature = "crt-static") {
            return;
        }
        let error = Program::read(None).err().expect("tests are linked dynamically").to_string();
        assert!(error.contains("linked dynamically") && error.contains("crt-static"), "{error}");
        assert!(Program::read(Some(Path::new("/nowhere"))).is_err());
    }
}
