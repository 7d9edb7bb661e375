//! Questions that need no node: those that cannot be asked at all, or answer themselves.

use super::text::{brief, glob, is_host_name, literal, shown_url};
use crate::probe::*;

/// Longer paths are refused by every system call.
const LONGEST_PATH: usize = 4095;

/// The answer to a question that needs no node: one that cannot be asked at all, or that
/// answers itself.
pub(super) fn refusal(probe: &Probe) -> Option<Answer> {
    let failed = |message: String| Some(Err(Fault::new(FaultKind::Failed, message)));
    match probe {
        Probe::Stat(Stat { path }) | Probe::List(List { path }) | Probe::Flags(Flags { path }) => refused_path(path),
        Probe::Read(Read { path }) => refused_path(path).or_else(|| {
            // cat would wait for ever.
            let waits = &**path == "/proc/kmsg" || path.ends_with("/trace_pipe");
            waits.then_some(())?;
            failed(format!("cannot read {path}: it waits for something to happen"))
        }),
        Probe::Walk(walk) => refused_path(&walk.path).or_else(|| {
            let name = walk.name.as_deref()?;
            glob(name).err().map(Err)
        }),
        Probe::Which(Which { name }) if name.is_empty() || name.contains('\0') => Some(Ok(Which::wrap(None))),
        Probe::Run(run) => refused_command(run),
        Probe::Lookup(Lookup { host, .. }) => match literal(host) {
            Some(address) => Some(Ok(Lookup::wrap([address].into()))),
            None if !is_host_name(host) => Some(Ok(Lookup::wrap([].into()))),
            None => None,
        },
        Probe::Connect(Connect { host, .. }) => {
            (literal(host).is_none() && !is_host_name(host)).then_some(Ok(Connect::wrap(Connected::NotResolved)))
        }
        Probe::Http(http) => {
            const METHODS: &[&str] = &["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"];
            if !METHODS.contains(&http.method.to_ascii_uppercase().as_str()) {
                return failed(format!("{:?} is no method; there are {}", http.method, METHODS.join(", ")));
            }
            if http.body.contains(&0) {
                let (method, url) = (&http.method, shown_url(&http.url));
                let message = format!("no answer to {method} {url}: a shell cannot hand over a body with NUL bytes");
                return Some(Err(Fault::new(FaultKind::Unsupported, message)));
            }
            let headers = http.headers.iter().flat_map(|(name, value)| [name, value]);
            if headers.chain([&http.url]).any(|text| text.contains(['\0', '\n', '\r'])) {
                let (method, url) = (&http.method, shown_url(&http.url));
                return failed(format!("no answer to {method} {url}: a header or the URL has a line break in it"));
            }
            None
        }
        _ => None,
    }
}

fn refused_path(path: &str) -> Option<Answer> {
    let failed = |message: String| Some(Err(Fault::new(FaultKind::Failed, message)));
    if !path.starts_with('/') {
        return failed(format!("{path:?} is no absolute path; write it from / on"));
    }
    if path.contains('\0') {
        return failed(format!("{path:?} is no path: it contains a NUL byte"));
    }
    if path.len() > LONGEST_PATH {
        return failed(format!("cannot look at {path}: file name too long"));
    }
    None
}

fn refused_command(run: &Run) -> Option<Answer> {
    let failed = |message: String| Some(Err(Fault::new(FaultKind::Failed, message)));
    let words: Vec<&str> = match &run.line {
        CommandLine::Argv(argv) => argv.iter().map(String::as_str).collect(),
        CommandLine::Shell { shell, line } => vec![shell, line],
    };
    if words.is_empty() {
        return failed("a command of no words cannot be run".to_string());
    }
    let variables = run.environment.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    if words.iter().copied().chain(variables).any(|word| word.contains('\0')) {
        return failed(format!("{:?} cannot be run: it contains a NUL byte", brief(run)));
    }
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    };
    for (name, _) in &run.environment {
        if name.is_empty() || name.contains('=') {
            return failed(format!("{name:?} is no name of an environment variable"));
        }
        if !is_name(name) {
            return failed(format!(
                "{name:?} cannot be set by a shell: the name of a variable is letters, digits and underscores"
            ));
        }
    }
    None
}
