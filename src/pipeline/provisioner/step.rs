//! One thing a provisioner does.

pub use super::nodes::SceneNode;
use super::run::Format;
use super::script::Script;
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
    /// The nodes of the provisions it needs, for those that work on nodes.
    pub nodes: &'a [SceneNode],
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
    /// A script on every node of the scene.
    Script(Script),
}

/// What the standard output of a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Something for people.
    #[default]
    Nothing,
    /// The outputs of the stage, in the format of the kind.
    Outputs,
    /// The nodes that are there.
    Inventory(Format),
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
        Step::of(name, Work::Program(program))
    }

    /// Work of which nothing is kept.
    pub fn of(name: &'static str, work: Work) -> Step {
        Step { name, work, files: Vec::new(), keep: Keep::Nothing }
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
            Work::Script(script) => script.fmt(f),
        }
    }
}
