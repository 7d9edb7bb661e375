//! Does what a provisioner does, step by step.

use super::Provisioner;
use super::step::{Keep, Scene, ScratchFile, Step, Work};
use crate::error::{Error, exit};
use crate::pipeline::process::{self, Bounds, Done, Output};
use serde_json::{Map, Value as Json};
use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

/// What the nodes that were found are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// What `terraform show -json` prints.
    Terraform,
    /// What `ansible-inventory --list` prints.
    Ansible,
    /// What `kubectl get nodes -o json` prints.
    Kubectl,
    /// What `vagrant ssh-config` prints.
    Vagrant,
    /// What `docker compose ps --format json` prints.
    Docker,
    /// What `podman ps --format json` prints, and so podman-compose.
    Podman,
}

impl Format {
    /// The word for it in sources of inventories.
    pub fn name(self) -> &'static str {
        match self {
            Format::Terraform => "terraform",
            Format::Ansible => "ansible",
            Format::Kubectl => "kubectl",
            Format::Vagrant => "vagrant",
            Format::Docker => "docker",
            Format::Podman => "podman",
        }
    }
}

/// What a provisioner has left.
#[derive(Debug, Default)]
pub struct Provisioned {
    pub outputs: Outputs,
    pub inventory: Option<Found>,
}

/// Values for later stages.
#[derive(Default, Clone)]
pub struct Outputs {
    pub values: Map<String, Json>,
    /// The names of those that are secrets.
    pub sensitive: Vec<String>,
}

impl fmt::Debug for Outputs {
    /// Without values: secrets are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.keys()).finish()
    }
}

impl Outputs {
    /// Every text and number within the sensitive outputs, for the masker.
    pub fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        for value in self.sensitive.iter().filter_map(|name| self.values.get(name)) {
            gather(value, &mut found);
        }
        found
    }
}

fn gather(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::Null | Json::Bool(_) => {}
        Json::Number(number) => found.push(number.to_string()),
        Json::String(text) => found.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Json::Object(map) => map.values().for_each(|value| gather(value, found)),
    }
}

/// The nodes a provisioner knows of, to be read as an inventory.
#[derive(Clone)]
pub struct Found {
    pub format: Format,
    pub bytes: Vec<u8>,
    /// What has printed it, for messages.
    pub from: String,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} from {} ({} bytes)", self.format, self.from, self.bytes.len())
    }
}

/// Why a provisioner did not do what it should.
#[derive(Debug)]
pub struct Failure {
    pub error: Error,
    /// Whether it was ended because the run was interrupted.
    pub stopped: bool,
}

impl Provisioner {
    /// Provisions: does every step, and reads what those print that are to be read.
    ///
    /// # Errors
    /// The first step that fails, or prints what cannot be read.
    pub async fn provision(
        &self,
        scene: &Scene<'_>,
        bounds: &Bounds,
        output: &mut Output,
    ) -> Result<Provisioned, Failure> {
        let mut provisioned = self.perform(&self.steps(scene), scene, bounds, output).await?;
        if let Some(known) = self.kind.known {
            for (name, value) in known(&self.settings) {
                provisioned.outputs.values.entry(name).or_insert(value);
            }
        }
        Ok(provisioned)
    }

    /// Looks at what is there without changing it.
    ///
    /// # Errors
    /// As [`Provisioner::provision`].
    pub async fn look(&self, scene: &Scene<'_>, bounds: &Bounds, output: &mut Output) -> Result<Provisioned, Failure> {
        self.perform(&self.look_steps(scene), scene, bounds, output).await
    }

    /// Takes away what was provisioned.
    ///
    /// # Errors
    /// The first step that fails, or the kind does not know how.
    pub async fn tear_down(&self, scene: &Scene<'_>, bounds: &Bounds, output: &mut Output) -> Result<(), Failure> {
        let Some(steps) = self.teardown_steps(scene) else {
            let message = format!("{} does not know how to take away what it has provisioned", self.kind.key);
            let error = Error { code: exit::ERRORED, ..Error::usage(message) };
            return Err(Failure::of(error.hint("name the program that does with run")));
        };
        self.perform(&steps, scene, bounds, output).await.map(drop)
    }

    async fn perform(
        &self,
        steps: &[Step],
        scene: &Scene<'_>,
        bounds: &Bounds,
        output: &mut Output,
    ) -> Result<Provisioned, Failure> {
        let mut provisioned = Provisioned::default();
        for step in steps {
            for file in &step.files {
                write(file).map_err(|error| {
                    let message = format!("{} cannot be written: {error}", file.path.display());
                    Failure::of(Error { code: exit::ERRORED, ..Error::usage(message) })
                })?;
            }
            let shown = output.masker().mask_text(&step.to_string()).into_owned();
            // A log that cannot be written ends the program at its first line.
            let _ = output.note(&shown);
            let done = match &step.work {
                Work::Program(program) => process::run(program, bounds, output)
                    .await
                    .map_err(|fault| Failure { error: fault.to_error(), stopped: fault.is_stop() })?,
                Work::Script(script) => {
                    script.run(scene.nodes, bounds, output).await?;
                    Done::default()
                }
            };
            match step.keep {
                Keep::Nothing => {}
                Keep::Outputs => {
                    provisioned.outputs = (self.kind.outputs)(&done.stdout).map_err(|why| {
                        let message = format!("the outputs of {shown} cannot be read: {why}");
                        Failure::of(Error { code: exit::ERRORED, ..Error::usage(message) })
                    })?;
                    provisioned.outputs.sensitive.extend_from_slice(self.settings.texts("sensitive"));
                }
                Keep::Inventory(format) => {
                    provisioned.inventory = Some(Found { format, bytes: done.stdout, from: shown });
                }
            }
        }
        Ok(provisioned)
    }
}

/// Why work on nodes failed.
pub(super) struct Failed {
    pub message: String,
    pub hint: Option<String>,
    pub code: u8,
    pub stopped: bool,
}

impl std::convert::From<Failed> for Failure {
    fn from(failed: Failed) -> Failure {
        let error = Error { code: failed.code, ..Error::usage(failed.message) };
        let error = match failed.hint {
            Some(hint) => error.hint(hint),
            None => error,
        };
        Failure { error, stopped: failed.stopped }
    }
}

impl Failure {
    fn of(error: Error) -> Failure {
        Failure { error, stopped: false }
    }
}

fn write(file: &ScratchFile) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(&file.path)?.write_all(&file.content)
}

/// A JSON map with names as templates can use them.
pub(super) fn json_outputs(bytes: &[u8]) -> Result<Map<String, Json>, String> {
    match serde_json::from_slice(bytes) {
        Ok(Json::Object(map)) => Ok(map),
        Ok(_) => Err("it is no JSON map".to_string()),
        // What was printed may hold secrets: where it went wrong has to do.
        Err(error) => Err(match bytes.trim_ascii().is_empty() {
            true => "nothing was printed on standard output".to_string(),
            false => format!("it is no JSON: {error}"),
        }),
    }
}
