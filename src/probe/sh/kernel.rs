//! The kernel's name, programs, the environment.

use super::progress::{Part, Parts};
use super::text::first_line;
use crate::probe::*;

/// A command whose output makes no sense, or that is not there.
pub(super) fn no_answer(what: &str, tool: &str, part: Option<&Part>) -> Fault {
    let said = part.map_or("nothing".to_string(), |part| first_line(&part.err));
    match part.and_then(Part::status) {
        Some(127) => {
            Fault::new(FaultKind::ToolMissing, format!("cannot {what}: there is no {tool} on the node; install it"))
        }
        _ => Fault::new(FaultKind::Failed, format!("cannot {what}: {tool} gave no answer and said {said:?}")),
    }
}

pub(super) fn untold(what: &str) -> Fault {
    Fault::new(FaultKind::Failed, format!("cannot read {what}: the node did not say"))
}

/// `uname -snrm`.
pub(super) fn uname(parts: &Parts) -> Result<Arc<Kernel>, Fault> {
    let part = parts.last();
    let text = part.map_or_else(String::new, |part| String::from_utf8_lossy(&part.out).into_owned());
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [system, host_name, release, machine] => Ok(Arc::new(Kernel {
            system: system.into(),
            host_name: host_name.into(),
            release: release.into(),
            machine: machine.into(),
        })),
        _ => Err(no_answer("ask the kernel for its name", "uname", part)),
    }
}

/// Paths, or nothing, each ended by a NUL byte.
pub(super) fn which(parts: &Parts, count: usize) -> Vec<Result<Option<Arc<str>>, Fault>> {
    let part = parts.last();
    let bytes = part.map_or(&[][..], |part| &part.out);
    let paths: Vec<&[u8]> = bytes.split(|&byte| byte == 0).collect();
    if paths.len() != count + 1 {
        return vec![Err(no_answer("look for a program", "the shell", part)); count];
    }
    let path = |path: &&[u8]| (!path.is_empty()).then(|| String::from_utf8_lossy(path).into());
    paths[..count].iter().map(|bytes| Ok(path(bytes))).collect()
}

/// The environment of a command: `NAME=VALUE`, each ended by a NUL byte. Variables that are
/// not UTF-8 are left out, and `_`, which some shells set to the command itself.
pub(super) fn environment(parts: &Parts) -> Result<Arc<BTreeMap<String, String>>, Fault> {
    let part = parts.last();
    let bytes = part.map_or(&[][..], |part| &part.out);
    let variables: BTreeMap<String, String> = bytes
        .split(|&byte| byte == 0)
        .filter_map(|variable| std::str::from_utf8(variable).ok()?.split_once('='))
        .filter(|(name, _)| *name != "_" && !name.starts_with("PROBITY_"))
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    if !variables.contains_key("PATH") {
        return Err(no_answer("read /proc/self/environ", "cat", part));
    }
    Ok(Arc::new(variables))
}
