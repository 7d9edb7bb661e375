//! The text of a script: the functions its steps need, each once, then a line a step.
//!
//! Everything stands in one pair of braces: the shell reads it whole before it begins, so a
//! script that is cut off on its way does nothing.

use super::functions::{HELLO, MARK, functions};
use super::plan::{Plan, Shared, Step};
use super::{Mark, SYSTEM_PATH, quote};
use crate::probe::*;
use std::fmt::Write;

/// The whole script.
pub(super) fn write(plan: &Plan, probes: &[Probe], mark: &Mark) -> Vec<u8> {
    let mut text = String::with_capacity(4096 + probes.len() * 64);
    // Without job control: the shell says nothing of the commands it waits for.
    text.push_str("{ set +efuvxC\n");
    text.push_str("unset -f stat cat ls find readlink lsattr getent env grep sleep kill ip uname 2>/dev/null\n");
    let _ = writeln!(text, "p_M={};p_K={}", mark.frame, mark.file);
    let functions = functions(&plan.steps);
    // The first is the mark; the others need the environment commands get.
    // A printf that is a program would have secrets in its arguments.
    text.push_str(
        "p_o=$PATH;PATH=/none;printf '' 2>/dev/null||{ echo 'printf is no builtin' >&2;exit 95;};PATH=$p_o\n",
    );
    // What a login script printed ends here.
    let _ = writeln!(text, "{MARK}\nm . 0");
    text.push_str(&HELLO.replace("@PATH@", SYSTEM_PATH));
    for function in functions.into_iter().filter(|function| *function != MARK) {
        let function = function.replace("@CAP@", &READ_CAP.to_string()).replace("@ENTRIES@", &ENTRIES_CAP.to_string());
        let _ = writeln!(text, "{function}");
    }
    for (number, step) in plan.steps.iter().enumerate() {
        line(&mut text, number, step, probes, mark);
    }
    text.push_str("exit 0\n} </dev/null\n");
    // bash reads a script from a pipe byte by byte, but can be told to read it at once.
    let bash = format!("LC_ALL=C;[ \"$BASH_VERSION\" ]&&IFS= read -r -N {} p_x&&eval \"$p_x\"\n", text.len());
    (bash + &text).into_bytes()
}

fn line(text: &mut String, number: usize, step: &Step, probes: &[Probe], mark: &Mark) {
    let shared = |text: &mut String, letter: &str, paths: &[Shared]| {
        let _ = write!(text, "{letter} {number}");
        for shared in paths {
            let _ = write!(text, " {}", word(&shared.path));
        }
        text.push('\n');
    };
    // Writing to a string cannot fail.
    let _ = match step {
        Step::Hello => Ok(()),
        Step::Stat(paths) => return shared(text, "s", paths),
        Step::Files(paths) => return shared(text, "r", paths),
        Step::Getent { database, keys, all } => {
            let keys: Vec<String> = keys.iter().map(|key| word(key)).collect();
            writeln!(text, "g {number} {} {database} {}", u8::from(*all), keys.join(" "))
        }
        Step::Uname(_) => writeln!(text, "uname -snrm;m {number} $?"),
        Step::Environment(_) => writeln!(text, "cat /proc/self/environ;m {number} $?"),
        Step::Which(which) => {
            let _ = write!(text, "w {number}");
            for &index in which {
                if let Probe::Which(Which { name }) = &probes[index] {
                    let _ = write!(text, " {}", word(name));
                }
            }
            writeln!(text)
        }
        Step::Interfaces(_) => writeln!(text, "n {number}"),
        Step::Processes(_) => writeln!(text, "p {number}"),
        Step::SocketOwners(_) => writeln!(text, "o {number}"),
        &(Step::List(index)
        | Step::Flags(index)
        | Step::Walk(index)
        | Step::Lookup(index)
        | Step::Connect(index)
        | Step::Http(index)
        | Step::Run(index)) => match &probes[index] {
            Probe::List(List { path }) => writeln!(text, "l {number} {}", word(path)),
            Probe::Flags(Flags { path }) => writeln!(text, "f {number} {}", word(path)),
            Probe::Walk(walk) => {
                write_walk(text, number, walk, mark);
                Ok(())
            }
            Probe::Lookup(Lookup { host, timeout_ms }) => {
                writeln!(text, "k {number} {} {}", seconds(*timeout_ms), word(host))
            }
            Probe::Connect(connect) => {
                let host = super::text::literal(&connect.host);
                let plain = host.map_or_else(|| connect.host.to_string(), |address| address.to_string());
                let bracketed = if plain.contains(':') { format!("[{plain}]") } else { plain.clone() };
                let (port, limit) = (connect.port, connect.timeout_ms);
                let (plain, bracketed) = (word(&plain), word(&bracketed));
                writeln!(text, "c {number} {} {plain} {port} {} {bracketed}", seconds(limit), limit.div_ceil(1000))
            }
            Probe::Http(http) => {
                let limit = seconds(http.timeout_ms.saturating_add(1000));
                let config = fed(&super::http::curl_config(http));
                let _ = writeln!(text, "if W curl;then m a curl;{config}|(E curl -q -K -)&");
                if let Some(options) = super::http::wget_options(http) {
                    let _ = writeln!(text, "elif W wget;then m a wget;(E wget {options} {})&", word(&http.url));
                }
                writeln!(text, "else m a none;:&\nfi;R {number} {limit} $!")
            }
            Probe::Run(run) => {
                write_run(text, number, run);
                Ok(())
            }
            _ => Ok(()),
        },
    };
}

/// A command in a shell of its own, which it replaces.
fn write_run(text: &mut String, number: usize, run: &Run) {
    if !run.stdin.is_empty() {
        let _ = write!(text, "{}|", fed(&run.stdin));
    }
    text.push('(');
    for (name, value) in &run.environment {
        let _ = write!(text, "export {name}={};", word(value));
    }
    text.push('E');
    match &run.line {
        CommandLine::Argv(argv) => argv.iter().for_each(|argument| {
            let _ = write!(text, " {}", word(argument));
        }),
        CommandLine::Shell { shell, line } => {
            let _ = write!(text, " {} -c {}", word(shell), word(line));
        }
    }
    let _ = writeln!(text, ")&\nR {number} {} $!", seconds(run.timeout_ms));
}

/// A walk. Where stat(1) is asked for the inodes it must follow a link to start from, and
/// only that one. The conditions are those that find(1) knows everywhere; the decoder looks
/// at all of them once more, so they need only not leave out what fits.
fn write_walk(text: &mut String, number: usize, walk: &Walk, mark: &Mark) {
    let start = walk.path.trim_end_matches('/');
    let start = if start.is_empty() { "/" } else { start };
    let mut find = "E find -H \"$p_t\"".to_string();
    if let Some(depth) = walk.max_depth {
        let _ = write!(find, " -maxdepth {depth}");
    }
    if !walk.cross_file_systems {
        find.push_str(" -xdev");
    }
    if !walk.prune.is_empty() {
        let prunes: Vec<String> = walk
            .prune
            .iter()
            .map(|path| path.trim_end_matches('/'))
            .flat_map(|path| [path.to_string(), format!("{path}/")].into_iter().take(1 + usize::from(path == start)))
            .map(|path| format!("-path {}", word(&literally(&path))))
            .collect();
        // What is pruned may itself fit.
        let _ = write!(find, r" \( \( {} \) -prune -o -name '*' \)", prunes.join(" -o "));
    }
    let either = |find: &mut String, tests: Vec<String>| {
        if !tests.is_empty() {
            let _ = write!(find, r" \( {} \)", tests.join(" -o "));
        }
    };
    either(&mut find, walk.kinds.iter().map(|kind| format!("-type {}", letter(*kind))).collect());
    let bits = |bits: u16| (0..12).map(|bit| 1_u16 << bit).filter(move |bit| bits & bit != 0);
    either(&mut find, bits(walk.any_bits).map(|bit| format!("-perm -{bit:o}")).collect());
    if walk.all_bits != 0 {
        let _ = write!(find, " -perm -{:o}", walk.all_bits);
    }
    for bit in bits(walk.no_bits) {
        let _ = write!(find, " ! -perm -{bit:o}");
    }
    if let Some(uid) = walk.uid {
        let _ = write!(find, " -user {uid}");
    }
    if let Some(gid) = walk.gid {
        let _ = write!(find, " -group {gid}");
    }
    if let Some(name) = walk.name.as_deref().filter(|name| !name.contains(['[', '\\'])) {
        let _ = write!(find, " -name {}", word(name));
    }
    let mut gnu = find.clone();
    if walk.no_user {
        gnu.push_str(" -nouser");
    }
    if walk.no_group {
        gnu.push_str(" -nogroup");
    }
    let key = &mark.file;
    let (start, limit) = (word(start), seconds(walk.timeout_ms));
    let _ = writeln!(
        text,
        "p_t={start}\nif G;then p_z=-;[ -e /sys/fs/selinux/enforce ]&&p_z=%Z;m a gnu\n({gnu} -printf \"{key}%y %m %U %G %s %T@ %n %i %D $p_z %p\\n\")&\n\
         else m a plain;p_o=-c;if [ -L \"$p_t\" ];then if [ -d \"$p_t\" ];then p_t=$p_t/;else p_o=-Lc;fi;fi;({find} -exec stat $p_o '{key}%f %u %g %s %Y %h %i %d - %n' {{}} +)&\n\
         fi;R {number} {limit} $!"
    );
}

/// What find(1) calls a kind of file.
fn letter(kind: FileKind) -> char {
    match kind {
        FileKind::File => 'f',
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::BlockDevice => 'b',
        FileKind::CharacterDevice => 'c',
        FileKind::Pipe => 'p',
        FileKind::Socket => 's',
    }
}

/// A pattern that fits `text` alone.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// One word; quotes are left out where nothing needs them.
fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@:,%^".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) { text.to_string() } else { quote(text) }
}

/// A limit in the seconds of sleep(1), which may take no fractions everywhere.
fn seconds(milliseconds: u64) -> String {
    // A day is as good as for ever.
    let milliseconds = milliseconds.clamp(1, 86_400_000);
    if milliseconds.is_multiple_of(1000) {
        (milliseconds / 1000).to_string()
    } else {
        format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
    }
}

/// The builtin printf(1) of `bytes`: nothing of them is in a process list.
fn fed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 16);
    text.push_str("printf '");
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'%' => text.push_str("%%"),
            b'\n' => text.push_str("\\n"),
            b'-' if at == 0 => text.push_str("\\055"),
            b'\\' | b'\'' | 0..=31 | 127..=255 => {
                let _ = write!(text, "\\{byte:03o}");
            }
            byte => text.push(char::from(byte)),
        }
    }
    text.push('\'');
    text
}
