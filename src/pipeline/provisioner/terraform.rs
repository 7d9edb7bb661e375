//! Terraform and OpenTofu, which take the same arguments.
//!
//! The order of commands and `-input=false` follow Terraform's guide to running it in automation;
//! arguments those of each command's own page:
//! <https://developer.hashicorp.com/terraform/cli/commands/init>, `…/apply`, `…/destroy`, `…/output`,
//! `…/show`, `…/workspace/select`, and for OpenTofu <https://opentofu.org/docs/cli/commands/init/>.

use super::run::{Format, Outputs, json_outputs};
use super::settings::Settings;
use super::step::{Keep, Scene, ScratchFile, Step};
use super::table::Kind;
use crate::pipeline::key::{Key, Shape, key};
use crate::pipeline::process::{Capture, EndWith, Program};
use serde_json::{Map, Value as Json};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// How long it may take to write its state once it is interrupted: it waits for what its providers
/// are in the middle of, and what it does not write down is lost to every later run.
const GRACE: Duration = Duration::from_secs(120);

const KEYS: &[Key] = &[
    key("dir", Shape::Path, "The folder of the configuration (`-chdir`)."),
    key("vars", Shape::Map, "Values of its variables; they are handed over in a file."),
    key("var_files", Shape::Paths, "Files of values (`-var-file`); `vars` win over them."),
    key("workspace", Shape::Text, "The workspace; it is made where there is none."),
    key("backend_config", Shape::TextMap, "Settings of the backend, handed over in a file (`-backend-config`)."),
    key("backend_files", Shape::Paths, "Files of such settings (`-backend-config`)."),
    key("upgrade", Shape::Bool, "Whether newer providers and modules are fetched (`init -upgrade`)."),
    key("plugin_dir", Shape::Path, "The folder of providers where there is no registry (`init -plugin-dir`)."),
    key("targets", Shape::Texts, "Resources to be limited to (`-target`)."),
    key("replace", Shape::Texts, "Resources to be made anew (`-replace`)."),
    key("parallelism", Shape::Number(1, 1000), "How many things are done at a time (`-parallelism`)."),
    key("lock_timeout", Shape::Duration, "How long it is waited for the lock of the state (`-lock-timeout`)."),
    key("program", Shape::Text, "The program, by its name or path."),
];

/// `terraform: {dir: infra}`.
pub const TERRAFORM: Kind = Kind {
    key: "terraform",
    doc: "Terraform: init, apply, outputs and state; destroy.",
    program: Some("terraform"),
    keys: KEYS,
    alone: Some("dir"),
    wrong: None,
    steps: |settings, scene| Caller::new("terraform", settings, scene).provision(),
    look: Some(|settings, scene| Caller::new("terraform", settings, scene).look()),
    teardown: Some(|settings, scene| Caller::new("terraform", settings, scene).tear_down()),
    outputs,
    known: None,
};

/// `tofu: {dir: infra}`.
pub const TOFU: Kind = Kind {
    key: "tofu",
    doc: "OpenTofu: init, apply, outputs and state; destroy.",
    program: Some("tofu"),
    keys: KEYS,
    alone: Some("dir"),
    wrong: None,
    steps: |settings, scene| Caller::new("tofu", settings, scene).provision(),
    look: Some(|settings, scene| Caller::new("tofu", settings, scene).look()),
    teardown: Some(|settings, scene| Caller::new("tofu", settings, scene).tear_down()),
    outputs,
    known: None,
};

/// Calls of one of the two programs.
struct Caller<'a> {
    program: &'a str,
    settings: &'a Settings,
    files: Vec<ScratchFile>,
    /// `-var-file`, for each of them.
    var_files: Vec<OsString>,
    backend: Vec<OsString>,
    /// OpenTofu wants the variables wherever the backend is used: they may be part of it.
    is_tofu: bool,
}

impl<'a> Caller<'a> {
    fn new(name: &'a str, settings: &'a Settings, scene: &Scene<'_>) -> Caller<'a> {
        let mut files = Vec::new();
        let mut file = |name: &str, map: &Map<String, Json>| {
            let path = scene.scratch.join(name);
            let content = Json::Object(map.clone()).to_string().into_bytes();
            files.push(ScratchFile { path: path.clone(), content });
            path
        };
        let mut var_files: Vec<OsString> =
            settings.paths("var_files").iter().map(|path| option("-var-file", path)).collect();
        if let Some(vars) = settings.map("vars").filter(|vars| !vars.is_empty()) {
            var_files.push(option("-var-file", &file("vars.tfvars.json", vars)));
        }
        let mut backend: Vec<OsString> =
            settings.paths("backend_files").iter().map(|path| option("-backend-config", path)).collect();
        let config: Map<String, Json> =
            settings.text_map("backend_config").map(|(name, text)| (name.to_string(), text.into())).collect();
        if !config.is_empty() {
            backend.push(option("-backend-config", &file("backend.tfbackend.json", &config)));
        }
        let program = settings.text("program").unwrap_or(name);
        Caller { program, settings, files, var_files, backend, is_tofu: name == "tofu" }
    }

    fn provision(&self) -> Vec<Step> {
        let mut steps = self.ready();
        let mut apply = self.changing("apply");
        apply.extend(self.settings.texts("replace").iter().map(|address| format!("-replace={address}").into()));
        steps.push(self.step("apply", apply, Keep::Nothing));
        steps.push(self.output());
        steps.push(self.show());
        steps
    }

    /// The state as it is; only what `init` has prepared before can be looked at.
    fn look(&self) -> Vec<Step> {
        vec![self.show()]
    }

    fn tear_down(&self) -> Vec<Step> {
        let mut steps = self.ready();
        steps.push(self.step("destroy", self.changing("destroy"), Keep::Nothing));
        steps
    }

    /// Initialises the folder and selects the workspace.
    fn ready(&self) -> Vec<Step> {
        let mut init: Vec<OsString> = vec!["init".into(), "-input=false".into(), "-no-color".into()];
        init.extend(self.backend.iter().cloned());
        if !self.backend.is_empty() {
            // Settings that differ from those of an earlier run are no question, but the answer.
            init.push("-reconfigure".into());
        }
        if self.settings.bool("upgrade") == Some(true) {
            init.push("-upgrade".into());
        }
        if let Some(folder) = self.settings.path("plugin_dir") {
            init.push(option("-plugin-dir", folder));
        }
        init.extend(self.vars_of_backend());
        let mut steps = vec![self.step("init", init, Keep::Nothing)];
        if let Some(name) = self.settings.text("workspace") {
            let mut select: Vec<OsString> = vec!["workspace".into(), "select".into(), "-or-create".into()];
            select.extend(self.vars_of_backend());
            select.push(name.into());
            steps.push(self.step("workspace", select, Keep::Nothing));
        }
        steps
    }

    /// `apply` or `destroy`.
    fn changing(&self, command: &str) -> Vec<OsString> {
        let mut words: Vec<OsString> =
            vec![command.into(), "-auto-approve".into(), "-input=false".into(), "-no-color".into()];
        if let Some(number) = self.settings.number("parallelism") {
            words.push(format!("-parallelism={number}").into());
        }
        if let Some(time) = self.settings.duration("lock_timeout") {
            words.push(format!("-lock-timeout={}s", time.as_secs().max(1)).into());
        }
        words.extend(self.settings.texts("targets").iter().map(|address| format!("-target={address}").into()));
        words.extend(self.var_files.iter().cloned());
        words
    }

    fn output(&self) -> Step {
        let mut words: Vec<OsString> = vec!["output".into(), "-json".into(), "-no-color".into()];
        words.extend(self.vars_of_backend());
        self.step("output", words, Keep::Outputs)
    }

    fn show(&self) -> Step {
        let mut words: Vec<OsString> = vec!["show".into(), "-json".into(), "-no-color".into()];
        words.extend(self.vars_of_backend());
        self.step("show", words, Keep::Inventory(Format::Terraform))
    }

    fn vars_of_backend(&self) -> impl Iterator<Item = OsString> + '_ {
        self.var_files.iter().filter(|_| self.is_tofu).cloned()
    }

    fn step(&self, name: &'static str, words: Vec<OsString>, keep: Keep) -> Step {
        let mut all: Vec<OsString> = vec![self.program.into()];
        if let Some(dir) = self.settings.path("dir") {
            all.push(option("-chdir", dir));
        }
        all.extend(words);
        let mut program = Program::new(all)
            .end_with(EndWith::Interrupt, GRACE)
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            // It would ask its maker whether there is a newer one.
            .env("CHECKPOINT_DISABLE", "1");
        if self.settings.has("workspace") {
            // It would win over the one that is selected, which is then refused.
            program.env.insert("TF_WORKSPACE".into(), None);
        }
        if keep != Keep::Nothing {
            program = program.capture(Capture::Hidden);
        }
        Step::kept(name, program, keep).with_files(&self.files)
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

/// `output -json`: a map of names to `{"sensitive": …, "type": …, "value": …}`.
fn outputs(bytes: &[u8]) -> Result<Outputs, String> {
    let mut outputs = Outputs::default();
    for (name, output) in json_outputs(bytes)? {
        let Json::Object(mut output) = output else { return Err(format!("the output {name} is no map")) };
        if output.get("sensitive") == Some(&Json::Bool(true)) {
            outputs.sensitive.push(name.clone());
        }
        let value = output.remove("value").ok_or_else(|| format!("the output {name} has no value"))?;
        outputs.values.insert(name, value);
    }
    Ok(outputs)
}
