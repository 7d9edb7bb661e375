//! One thing a provisioner does.

use crate::pipeline::process::Program;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};

/// What surrounds a stage while its provisioner works.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The stage's own environment variables.
    pub env: &'a IndexMap<String, String>,
    /// A folder of the stage's own, empty, private and gone afterwards: for files that hand over
    /// what arguments must not show.
    pub scratch: &'a Path,
}

/// One thing a provisioner does: a program it runs, with the files that needs.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it does, in one or two words.
    pub name: &'static str,
    pub work: Work,
    /// Files of the scratch folder that are written before.
    pub files: Vec<ScratchFile>,
    pub keep: Keep,
}

/// What a step is.
#[derive(Debug, Clone)]
pub enum Work {
    Program(Program),
}

/// What the standard output of a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Something for people.
    #[default]
    Nothing,
    /// The outputs of the stage, in the format of the kind.
    Outputs,
    /// The nodes that are there, in the format of the kind.
    Inventory,
}

/// A file that only this user can read.
#[derive(Clone, PartialEq, Eq)]
pub struct ScratchFile {
    pub path: PathBuf,
    pub content: Vec<u8>,
}

impl std::fmt::Debug for ScratchFile {
    /// Without its content: secrets are why it is there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScratchFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Step {
    /// A program whose output is for people.
    pub fn new(name: &'static str, program: Program) -> Step {
        Step { name, work: Work::Program(program), files: Vec::new(), keep: Keep::Nothing }
    }

    /// A program whose standard output is read.
    pub fn kept(name: &'static str, program: Program, keep: Keep) -> Step {
        Step { keep, ..Step::new(name, program) }
    }

    #[must_use]
    pub fn with_files(mut self, files: &[ScratchFile]) -> Step {
        self.files = files.to_vec();
        self
    }
}

impl std::fmt::Display for Step {
    /// What is run, as one would type it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.work {
            Work::Program(program) => program.fmt(f),
        }
    }
}
