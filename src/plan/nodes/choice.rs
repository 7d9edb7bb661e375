//! `--nodes`: which of the nodes take part.

use crate::error::Error;
use crate::plan::pattern::Pattern;

const OPTION: &str = "--nodes";

/// Patterns of names of nodes and groups. A node takes part if one fits, or none is given
/// but such that take away, and none that takes away fits.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    wanted: Vec<Pattern>,
    unwanted: Vec<Pattern>,
}

impl Choice {
    /// Reads the patterns; `!` stands before one that takes away.
    ///
    /// # Errors
    /// Every pattern that cannot be read.
    pub fn new(texts: &[String]) -> Result<Choice, Vec<Error>> {
        let mut choice = Choice::default();
        let mut errors = Vec::new();
        for text in texts {
            let (list, text) = match text.strip_prefix('!') {
                Some(rest) => (&mut choice.unwanted, rest),
                None => (&mut choice.wanted, text.as_str()),
            };
            match Pattern::parse(OPTION, text.trim()) {
                Ok(pattern) => list.push(pattern),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(choice) } else { Err(errors) }
    }

    /// Whether each node, given with its groups, takes part.
    ///
    /// # Errors
    /// Patterns that match nothing: a slip of the pen that would otherwise end as a green run
    /// of fewer nodes. And patterns that leave no node.
    pub fn choose(&self, nodes: &[(&str, Vec<&str>)]) -> Result<Vec<bool>, Vec<Error>> {
        let fits = |pattern: &Pattern, (name, groups): &(&str, Vec<&str>)| {
            pattern.fits(name) || groups.iter().any(|group| pattern.fits(group))
        };
        let mut errors = Vec::new();
        for pattern in self.wanted.iter().chain(&self.unwanted) {
            if !nodes.iter().any(|node| fits(pattern, node)) {
                errors.push(unmatched(pattern, nodes));
            }
        }
        let chosen: Vec<bool> = nodes
            .iter()
            .map(|node| {
                (self.wanted.is_empty() || self.wanted.iter().any(|pattern| fits(pattern, node)))
                    && !self.unwanted.iter().any(|pattern| fits(pattern, node))
            })
            .collect();
        if errors.is_empty() && !chosen.contains(&true) {
            errors.push(Error::usage("--nodes leaves no node").hint("a pattern behind ! takes away what fits it"));
        }
        if errors.is_empty() { Ok(chosen) } else { Err(errors) }
    }
}

fn unmatched(pattern: &Pattern, nodes: &[(&str, Vec<&str>)]) -> Error {
    let error = Error::usage(format!("{OPTION} {:?} matches no node and no group with nodes", pattern.text()));
    let names = nodes.iter().flat_map(|(name, groups)| std::iter::once(*name).chain(groups.iter().copied()));
    match pattern.near(names) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint("a name, a glob or /a regular expression/ of nodes or groups; --dry-run lists the nodes"),
    }
}
