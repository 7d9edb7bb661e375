//! Asks the person at the terminal for a secret, without showing what is typed.

use crate::transport::{Prompt, Secret};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What an answer may have at most, in bytes.
const CAP: usize = 4096;

/// Asks at the terminal of this process, each question once a run; `None` where there is no
/// terminal.
pub fn at_terminal() -> Option<Prompt> {
    let terminal = open()?;
    tcgetattr(&terminal).ok()?;
    let known: Mutex<HashMap<String, Option<Secret>>> = Mutex::default();
    Some(Arc::new(move |text: &str| {
        // Held while somebody types: two questions at once cannot be told apart.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(text.to_string()).or_insert_with(|| ask(text)).clone()
    }))
}

fn open() -> Option<File> {
    File::options().read(true).write(true).open("/dev/tty").ok()
}

/// Puts the terminal back as it was.
struct Restored<'a>(&'a File, Termios);

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.0, OptionalActions::Flush, &self.1);
    }
}

fn ask(text: &str) -> Option<Secret> {
    let mut terminal = open()?;
    let before = tcgetattr(&terminal).ok()?;
    let mut silent = before.clone();
    // Signals too: one that ends the program in mid-word would leave a terminal that shows
    // nothing. Ctrl-C is passed on below.
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
    let answer = {
        let handle = terminal.try_clone().ok()?;
        let _restored = Restored(&handle, before);
        let _ = write!(terminal, "{}: ", text.trim_end_matches([':', ' ']));
        let answer = typed(&mut terminal);
        let _ = writeln!(terminal);
        answer
    };
    match answer {
        Typed::Line(bytes) => String::from_utf8(bytes).ok().map(Secret::new),
        Typed::Nothing => None,
        Typed::Interrupted => {
            let _ = kill_process(getpid(), Signal::INT);
            None
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Line(Vec<u8>),
    Nothing,
    Interrupted,
}

/// Reads a line as a terminal in its usual mode would give it: erased letters are gone.
fn typed(keys: &mut impl Read) -> Typed {
    let mut line = Vec::new();
    let mut key = [0u8];
    loop {
        match keys.read(&mut key) {
            Ok(1) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            _ => return Typed::Nothing,
        }
        match key[0] {
            b'\r' | b'\n' => return Typed::Line(line),
            0x03 | 0x1c => return Typed::Interrupted,
            0x04 if line.is_empty() => return Typed::Nothing,
            0x04 => return Typed::Line(line),
            0x15 => line.clear(),
            0x08 | 0x7f => {
                // A letter may be several bytes.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            byte if line.len() < CAP => line.push(byte),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_can_be_mended_and_broken_off() {
        let line = |keys: &str| typed(&mut keys.as_bytes());
        let of = |text: &str| Typed::Line(text.as_bytes().to_vec());
        assert_eq!(line("s3cret\rrest"), of("s3cret"));
        assert_eq!(line("oops\u{15}s3c\u{e9}\u{7f}ret\n"), of("s3cret"));
        assert_eq!(line("\u{7f}a\u{4}"), of("a"));
        assert_eq!(line("\u{4}"), Typed::Nothing);
        assert_eq!(line("abc"), Typed::Nothing);
        assert_eq!(line("abc\u{3}\n"), Typed::Interrupted);
        assert_eq!(line(&format!("{}\n", "x".repeat(9000))), of(&"x".repeat(CAP)));
    }
}
