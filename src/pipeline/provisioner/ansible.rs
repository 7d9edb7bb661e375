//! Ansible playbooks.
//!
//! Options are those of <https://docs.ansible.com/ansible/latest/cli/ansible-playbook.html>, settings
//! those of <https://docs.ansible.com/ansible/latest/reference_appendices/config.html>.
//! `ANSIBLE_HOST_KEY_CHECKING` is left as it is: whom to trust is not for this program to say.

use super::nodes::ansible_inventory;
use super::run::Format;
use super::settings::Settings;
use super::step::{Keep, Scene, ScratchFile, Step};
use super::table::{Kind, no_outputs};
use crate::pipeline::key::{Key, Shape, key, required};
use crate::pipeline::process::{Capture, EndWith, Program};
use serde_json::Value as Json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long it may take to close its connections once it is interrupted.
const GRACE: Duration = Duration::from_secs(20);

const KEYS: &[Key] = &[
    required("playbook", Shape::Paths, "The playbooks, in this order."),
    key(
        "inventory",
        Shape::Texts,
        "Inventories of Ansible (`-i`); by default the nodes of the provisions this stage needs, as a file.",
    ),
    key("extra_vars", Shape::Map, "Variables that win over all others; they are handed over in a file."),
    key("vars_files", Shape::Paths, "Files of such variables (`-e @FILE`); `extra_vars` win over them."),
    key("limit", Shape::Texts, "Hosts and groups to be limited to (`--limit`)."),
    key("tags", Shape::Texts, "Tags of the plays and tasks to run (`--tags`)."),
    key("skip_tags", Shape::Texts, "Tags of those not to run (`--skip-tags`)."),
    key("user", Shape::Text, "The user to log in as (`--user`)."),
    key("private_key", Shape::Path, "The key to log in with (`--private-key`)."),
    key("become", Shape::Bool, "Whether tasks are run as another user (`--become`)."),
    key("become_user", Shape::Text, "That user, root by default (`--become-user`)."),
    key("become_method", Shape::Text, "How to become that user (`--become-method`)."),
    key("become_password_file", Shape::Path, "The file of the password for it (`--become-password-file`)."),
    key("vault_password_file", Shape::Paths, "Files of vault passwords, or programs that print one."),
    key("forks", Shape::Number(1, 10_000), "How many hosts at a time (`--forks`)."),
    key("verbosity", Shape::Number(0, 6), "How much it tells (`-v`, as often)."),
    key("requirements", Shape::Path, "Collections and roles to install before (`ansible-galaxy install -r`)."),
    key("teardown", Shape::Paths, "The playbooks that take it all away."),
];

/// `ansible: site.yml`, `ansible: {playbook: site.yml}`.
pub const KIND: Kind = Kind {
    key: "ansible",
    doc: "Ansible playbooks, on an inventory of its own or on the nodes of earlier stages.",
    program: Some("ansible-playbook"),
    keys: KEYS,
    alone: Some("playbook"),
    wrong: None,
    steps: |settings, scene| {
        let caller = Caller::new(settings, scene);
        let mut steps = caller.ready();
        steps.push(caller.play("playbook", settings.paths("playbook")));
        steps.extend(caller.list());
        steps
    },
    look: Some(|settings, scene| Caller::new(settings, scene).list().into_iter().collect()),
    teardown: Some(|settings, scene| match settings.paths("teardown") {
        [] => Vec::new(),
        playbooks => {
            let caller = Caller::new(settings, scene);
            let mut steps = caller.ready();
            steps.push(caller.play("teardown", playbooks));
            steps
        }
    }),
    outputs: no_outputs,
    known: None,
};

struct Caller<'a> {
    settings: &'a Settings,
    inventories: Vec<OsString>,
    vars: Option<PathBuf>,
    files: Vec<ScratchFile>,
}

impl<'a> Caller<'a> {
    fn new(settings: &'a Settings, scene: &Scene<'_>) -> Caller<'a> {
        let mut files = Vec::new();
        let mut file = |name: &str, content: Json| {
            let path = scene.scratch.join(name);
            files.push(ScratchFile { path: path.clone(), content: content.to_string().into_bytes() });
            path
        };
        let mut inventories: Vec<OsString> = settings.texts("inventory").iter().map(OsString::from).collect();
        if inventories.is_empty() && !scene.nodes.is_empty() {
            inventories.push(file("inventory.json", ansible_inventory(scene.nodes)).into());
        }
        let vars = settings.map("extra_vars").filter(|vars| !vars.is_empty());
        let vars = vars.map(|vars| file("extra-vars.json", Json::Object(vars.clone())));
        Caller { settings, inventories, vars, files }
    }

    fn ready(&self) -> Vec<Step> {
        let requirements = self.settings.path("requirements");
        let install = requirements.map(|file| {
            let words: [OsString; 4] = ["ansible-galaxy".into(), "install".into(), "-r".into(), file.into()];
            Step::new("requirements", self.dressed(Program::new(words)))
        });
        install.into_iter().collect()
    }

    fn play(&self, name: &'static str, playbooks: &[PathBuf]) -> Step {
        let mut words: Vec<OsString> = vec!["ansible-playbook".into()];
        self.add_inventories(&mut words);
        for file in self.settings.paths("vars_files").iter().chain(&self.vars) {
            let mut value = OsString::from("@");
            value.push(file);
            words.extend(["--extra-vars".into(), value]);
        }
        for (option, key) in [("--limit", "limit"), ("--tags", "tags"), ("--skip-tags", "skip_tags")] {
            if let values @ [_, ..] = self.settings.texts(key) {
                words.extend([option.into(), values.join(",").into()]);
            }
        }
        let texts = [("--user", "user"), ("--become-user", "become_user"), ("--become-method", "become_method")];
        for (option, key) in texts {
            words.extend(self.settings.text(key).into_iter().flat_map(|text| [option.into(), text.into()]));
        }
        for (option, key) in [("--private-key", "private_key"), ("--become-password-file", "become_password_file")] {
            words.extend(self.settings.path(key).into_iter().flat_map(|path| [option.into(), path.into()]));
        }
        if self.settings.bool("become") == Some(true) {
            words.push("--become".into());
        }
        if let Some(number) = self.settings.number("forks") {
            words.extend(["--forks".into(), number.to_string().into()]);
        }
        if let Some(count) = self.settings.number("verbosity").and_then(|count| usize::try_from(count).ok()) {
            words.extend((count > 0).then(|| format!("-{}", "v".repeat(count)).into()));
        }
        words.extend(playbooks.iter().map(OsString::from));
        Step::new(name, self.dressed(Program::new(words))).with_files(&self.files)
    }

    /// The hosts of an inventory of its own, as Ansible itself understands them.
    fn list(&self) -> Option<Step> {
        if self.settings.texts("inventory").is_empty() {
            return None;
        }
        let mut words: Vec<OsString> = vec!["ansible-inventory".into(), "--list".into()];
        self.add_inventories(&mut words);
        let program = self.dressed(Program::new(words)).capture(Capture::Hidden);
        Some(Step::kept("inventory", program, Keep::Inventory(Format::Ansible)))
    }

    fn add_inventories(&self, words: &mut Vec<OsString>) {
        for inventory in &self.inventories {
            words.extend(["--inventory".into(), inventory.clone()]);
        }
        for file in self.settings.paths("vault_password_file") {
            words.extend(["--vault-password-file".into(), Path::as_os_str(file).into()]);
        }
    }

    fn dressed(&self, program: Program) -> Program {
        program
            .end_with(EndWith::Interrupt, GRACE)
            .env("ANSIBLE_NOCOLOR", "1")
            // It would win over the other.
            .env("ANSIBLE_FORCE_COLOR", "0")
            .env("ANSIBLE_NOCOWS", "1")
            .env("ANSIBLE_RETRY_FILES_ENABLED", "0")
            .env("PYTHONUNBUFFERED", "1")
    }
}
