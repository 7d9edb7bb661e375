//! Paths with wildcards, expanded as glob(7) does: `*`, `?` and `[…]` within one part of
//! a path, hidden names only when the pattern names the dot, results sorted.

use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Fault, FaultKind, List};
use globset::GlobBuilder;
use std::sync::Arc;

/// The most paths one pattern may expand to.
const CAP: usize = 10_000;

/// The paths an absolute pattern stands for. A pattern without wildcards stands for
/// itself, whether or not there is such a file.
pub fn expand(seen: &Seen<'_>, pattern: &str) -> Sight<Vec<Arc<str>>> {
    let mut paths = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) {
            for path in &mut paths {
                path.push('/');
                path.push_str(part);
            }
            continue;
        }
        let glob = GlobBuilder::new(part)
            .literal_separator(true)
            .build()
            .map_err(|_| Unseen::malformed(format!("{pattern} is no pattern that glob(7) knows")))?
            .compile_matcher();
        let found = seen.gather(&paths, |path| {
            let directory = if path.is_empty() { "/" } else { path.as_str() };
            let entries = seen.get(List { path: directory.into() })?.unwrap_or_else(|| Arc::from([]));
            let fitting = entries
                .iter()
                .filter(|entry| glob.is_match(&*entry.name) && (part.starts_with('.') || !entry.name.starts_with('.')))
                .map(|entry| format!("{path}/{}", entry.name));
            Ok(fitting.collect::<Vec<_>>())
        })?;
        paths = found.concat();
        if paths.len() > CAP {
            let message = format!("{pattern} stands for more than {CAP} files");
            return Err(Fault::new(FaultKind::TooLarge, message).into());
        }
    }
    paths.sort();
    Ok(paths.into_iter().map(Into::into).collect())
}
