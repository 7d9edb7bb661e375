//! A configuration file of OpenSSH with everything it includes, as one list of
//! directives, each with the `Host` and `Match` blocks around it.

use super::super::config_text::{decode, malformed, parent};
use super::super::glob;
use super::words;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Fault, FaultKind, List, Read};
use std::sync::Arc;

/// How deep files may include files, as in OpenSSH.
const DEPTH: usize = 16;
/// How many files may be included in all; a few that include each other by pattern
/// would be read without end.
const FILES: usize = 1000;
/// How many directives there may be in all.
const DIRECTIVES: usize = 200_000;

/// One line that sets something.
#[derive(Debug, Clone)]
pub struct Directive {
    /// In lower case.
    pub keyword: String,
    pub words: Vec<String>,
    pub file: Arc<str>,
    pub line: usize,
    /// The blocks that must all hold for it to apply, as indices into
    /// [`Configuration::blocks`].
    pub within: Vec<usize>,
}

impl Directive {
    /// `FILE:LINE`
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// All files, in the order in which they are read.
#[derive(Debug, Default)]
pub struct Configuration {
    pub directives: Vec<Directive>,
    /// The lines that open blocks.
    pub blocks: Vec<Directive>,
}

/// Reads `path` and what it includes; `None` when there is no such file. `openers` are
/// the keywords that open blocks.
///
/// A block ends at the next opener and at the end of its file; what is included within
/// a block applies only when the block does.
pub fn load(seen: &Seen<'_>, path: &Arc<str>, openers: &'static [&'static str]) -> Sight<Option<Configuration>> {
    // Distributions include PATH.d/*.conf: to ask for its names at once saves a round.
    let names = seen.try_get(List { path: format!("{path}.d").into() }).err();
    let main = seen.get(Read { path: path.clone() });
    let (None, main) = (names, main?) else { return Err(Unseen::Pending) };
    let Some(main) = main else { return Ok(None) };
    let mut loader = Loader {
        seen,
        openers,
        base: if path.starts_with("/etc/ssh/") { "/etc/ssh".to_string() } else { parent(path).to_string() },
        configuration: Configuration::default(),
        pending: false,
        files: 0,
    };
    loader.file(path, &decode(&main), &[], 0)?;
    if loader.pending { Err(Unseen::Pending) } else { Ok(Some(loader.configuration)) }
}

struct Loader<'s, 'm> {
    seen: &'s Seen<'m>,
    openers: &'static [&'static str],
    base: String,
    configuration: Configuration,
    /// Whether an included file is still to come; the rest is read on, so that all of
    /// them are asked for together.
    pending: bool,
    files: usize,
}

impl Loader<'_, '_> {
    fn file(&mut self, file: &Arc<str>, text: &str, within: &[usize], depth: usize) -> Sight<()> {
        let mut around = within.to_vec();
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            let parsed = words::line(text).map_err(|message| malformed(file, line, message))?;
            let Some((keyword, words)) = parsed else { continue };
            if self.configuration.directives.len() >= DIRECTIVES {
                let message = format!("{file}:{line}: more than {DIRECTIVES} directives");
                return Err(Fault::new(FaultKind::TooLarge, message).into());
            }
            let mut directive = Directive { keyword, words, file: file.clone(), line, within: around.clone() };
            if self.openers.contains(&directive.keyword.as_str()) {
                around.truncate(within.len());
                directive.within.truncate(within.len());
                around.push(self.configuration.blocks.len());
                self.configuration.blocks.push(directive);
            } else if directive.keyword == "include" {
                self.include(&directive, &around, depth)?;
                self.configuration.directives.push(directive);
            } else {
                self.configuration.directives.push(directive);
            }
        }
        Ok(())
    }

    fn include(&mut self, directive: &Directive, around: &[usize], depth: usize) -> Sight<()> {
        if depth >= DEPTH {
            return Err(Unseen::malformed(format!(
                "{}: included more than {DEPTH} deep; does the file include itself?",
                directive.place()
            )));
        }
        for pattern in &directive.words {
            if pattern.starts_with('~') {
                let message = format!("{}: cannot tell whose home directory {pattern} means", directive.place());
                return Err(Fault::new(FaultKind::Unsupported, message).into());
            }
            let pattern = if pattern.starts_with('/') { pattern.clone() } else { format!("{}/{pattern}", self.base) };
            let paths = match glob::expand(self.seen, &pattern) {
                Err(Unseen::Pending) => {
                    self.pending = true;
                    continue;
                }
                paths => paths?,
            };
            self.files += paths.len();
            if self.files > FILES {
                let message = format!("{}: more than {FILES} files are included", directive.place());
                return Err(Fault::new(FaultKind::TooLarge, message).into());
            }
            let mut texts = Vec::with_capacity(paths.len());
            for path in paths {
                match self.seen.get(Read { path: path.clone() }) {
                    Err(Unseen::Pending) => self.pending = true,
                    // A file that is not there is no error to OpenSSH.
                    answer => texts.extend(answer?.map(|bytes| (path, bytes))),
                }
            }
            for (path, bytes) in texts {
                self.file(&path, &decode(&bytes), around, depth + 1)?;
            }
        }
        Ok(())
    }
}
