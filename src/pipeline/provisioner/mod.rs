//! Provisioners: what makes the nodes of a pipeline, changes them and takes them away.
//!
//! Any program is one ([`command`]). For well-known programs there are kinds that know their
//! arguments, run them without questions and read what they print. All kinds are rows of
//! [`TABLE`], and what a kind does is a list of [`Step`]s: programs with their arguments, so that a
//! dry run can show them and a test can compare them.

mod ansible;
mod command;
mod compose;
mod kops;
mod kubectl;
mod nodes;
mod run;
mod script;
mod settings;
mod step;
mod table;
mod terraform;
mod vagrant;

#[cfg(test)]
mod tests;

pub use run::{Failure, Format, Found, Outputs, Provisioned};
pub use script::Script;
pub use step::{Keep, Scene, SceneNode, ScratchFile, Step, Work};
pub use table::{Kind, TABLE};

use crate::error::{Error, did_you_mean};
use crate::yaml::{Document, Located};
use settings::{Reader, Settings};
use std::path::{Path, PathBuf};

/// The provisioner of one stage.
#[derive(Clone)]
pub struct Provisioner {
    kind: &'static Kind,
    settings: Settings,
    /// The folder its programs start in.
    dir: PathBuf,
}

impl std::fmt::Debug for Provisioner {
    /// Without its settings: secrets may be among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provisioner").field("kind", &self.kind.key).field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Provisioner {
    /// Reads the value of a stage's key that names a kind, with templates rendered. Paths start
    /// from `dir`, the stage's folder.
    ///
    /// # Errors
    /// Everything that is wrong with it, or there is no such kind.
    pub fn read(key: &str, document: &Document, value: &Located, dir: &Path) -> Result<Provisioner, Vec<Error>> {
        Provisioner::parse(key, document, value, dir, false)
    }

    /// Checks the value of such a key before its templates are rendered: keys and types are known
    /// already, but for what a text with `{{ }}` in it will be.
    ///
    /// # Errors
    /// As [`Provisioner::read`].
    pub fn check(key: &str, document: &Document, value: &Located) -> Result<(), Vec<Error>> {
        Provisioner::parse(key, document, value, Path::new("."), true).map(drop)
    }

    fn parse(
        key: &str,
        document: &Document,
        value: &Located,
        dir: &Path,
        templates: bool,
    ) -> Result<Provisioner, Vec<Error>> {
        let Some(kind) = TABLE.iter().find(|kind| kind.key == key) else {
            let error = document.error(&value.place, format!("there is no provisioner {key}"));
            return Err(vec![error.hint(did_you_mean(key, TABLE.iter().map(|kind| kind.key)))]);
        };
        let mut reader = Reader { document, dir, templates, errors: Vec::new() };
        let settings = match kind.alone {
            Some(name) if value.as_map().is_none() => match kind.keys.iter().find(|key| key.name == name) {
                Some(key) => reader.alone(value, key),
                None => Settings::default(),
            },
            _ => reader.section(value, kind.keys, key),
        };
        if let Some((message, hint)) =
            kind.wrong.filter(|_| reader.errors.is_empty()).and_then(|wrong| wrong(&settings))
        {
            reader.errors.push(document.error(&value.place, message).hint(hint));
        }
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
        match reader.errors.is_empty() {
            true => Ok(Provisioner { kind, settings, dir }),
            false => Err(reader.errors),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// What it does to provision.
    pub fn steps(&self, scene: &Scene<'_>) -> Vec<Step> {
        self.dressed((self.kind.steps)(&self.settings, scene), scene)
    }

    /// What it does to look at what is there without changing it; empty where the kind cannot
    /// tell.
    pub fn look_steps(&self, scene: &Scene<'_>) -> Vec<Step> {
        let steps = self.kind.look.map(|look| look(&self.settings, scene)).unwrap_or_default();
        self.dressed(steps, scene)
    }

    /// What it does to take away what it has provisioned; `None` where the kind does not know.
    pub fn teardown_steps(&self, scene: &Scene<'_>) -> Option<Vec<Step>> {
        let steps = self.kind.teardown.map(|teardown| teardown(&self.settings, scene)).unwrap_or_default();
        (!steps.is_empty()).then(|| self.dressed(steps, scene))
    }

    /// Gives steps the folder and environment of the stage: what a person wrote there wins over
    /// what the kind sets.
    fn dressed(&self, steps: Vec<Step>, scene: &Scene<'_>) -> Vec<Step> {
        let dress = |mut step: Step| {
            if let Work::Program(program) = &mut step.work {
                program.dir = self.dir.join(&program.dir);
                for (name, value) in scene.env {
                    program.env.insert(name.into(), Some(value.into()));
                }
            }
            step
        };
        steps.into_iter().map(dress).collect()
    }
}
