//! Provisioners with the real programs, each where this machine has it.

mod support;

use indexmap::IndexMap;
use probity::pipeline::process::{Bounds, GRACE, Line, Output, Stop};
use probity::pipeline::provisioner::{Failure, Provisioned, Provisioner, Scene, SceneNode};
use probity::results::mask::Masker;
use probity::yaml::Document;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};
use support::Lacking;
use tokio::sync::watch;

/// A provisioner in a folder of its own, and what it has shown so far.
struct Stage {
    provisioner: Provisioner,
    env: IndexMap<String, String>,
    shown: Arc<Mutex<Vec<String>>>,
    secrets: Vec<String>,
    nodes: Vec<SceneNode>,
}

impl Stage {
    /// Reads `KEY: VALUE`.
    fn new(folder: &Path, yaml: &str) -> Stage {
        let document = Document::parse("pipeline.yml", yaml.as_bytes()).unwrap();
        let (key, field) = document.root.as_map().unwrap().first().unwrap();
        let provisioner = Provisioner::read(key, &document, &field.value, folder).unwrap_or_else(|errors| {
            panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        });
        Stage { provisioner, env: IndexMap::new(), shown: Arc::default(), secrets: Vec::new(), nodes: Vec::new() }
    }

    fn doing<T>(
        &self,
        act: impl AsyncFnOnce(&Provisioner, &Scene<'_>, &Bounds, &mut Output) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let scratch = tempfile::tempdir().unwrap();
        let shown = self.shown.clone();
        let show = move |line: Line<'_>| shown.lock().unwrap().push(line.text.to_string());
        let mut output = Output::new(Arc::new(Masker::new(self.secrets.clone())), Box::new(show));
        let (_sender, stop) = watch::channel(Stop::GoOn);
        let bounds = Bounds { until: None, grace: GRACE, stop };
        let scene = Scene { env: &self.env, scratch: scratch.path(), nodes: &self.nodes };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(act(&self.provisioner, &scene, &bounds, &mut output))
    }

    fn provision(&self) -> Provisioned {
        self.try_provision().unwrap_or_else(|failure| panic!("{}\n{}", failure.error, self.shown()))
    }

    fn try_provision(&self) -> Result<Provisioned, Failure> {
        self.doing(async |provisioner, scene, bounds, output| provisioner.provision(scene, bounds, output).await)
    }

    fn tear_down(&self) {
        self.doing(async |provisioner, scene, bounds, output| provisioner.tear_down(scene, bounds, output).await)
            .unwrap_or_else(|failure| panic!("{}\n{}", failure.error, self.shown()));
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().join("\n")
    }
}

const CONFIGURATION: &str = r#"
variable "region" { type = string }
variable "token" {
  type      = string
  sensitive = true
}
resource "terraform_data" "web" {
  count = 2
  input = "${var.region}-${count.index}"
}
output "names" { value = terraform_data.web[*].output }
output "token" {
  value     = var.token
  sensitive = true
}
output "where" { value = terraform.workspace }
"#;

#[test]
fn terraform_and_tofu_apply_and_destroy() {
    let mut lacking = Lacking::default();
    for program in ["terraform", "tofu"] {
        if !lacking.has(program, &format!("the provisioner {program}")) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("infra")).unwrap();
        std::fs::write(folder.path().join("infra/main.tf"), CONFIGURATION).unwrap();
        std::fs::write(folder.path().join("site.tfvars"), "region = \"us\"\ntoken = \"from-a-file\"\n").unwrap();
        let yaml = format!(
            "{program}: {{dir: infra, var_files: site.tfvars, vars: {{region: eu}}, workspace: staging, \
             parallelism: 2, lock_timeout: 10s}}"
        );
        let mut stage = Stage::new(folder.path(), &yaml);
        // The home folder of whoever tests may hold settings of the program.
        stage.env.insert("TF_CLI_CONFIG_FILE".to_string(), "/dev/null".to_string());
        let provisioned = stage.provision();
        assert_eq!(provisioned.outputs.values["names"], json!(["eu-0", "eu-1"]), "{program}");
        assert_eq!(provisioned.outputs.values["token"], json!("from-a-file"));
        assert_eq!(provisioned.outputs.values["where"], json!("staging"));
        assert_eq!(provisioned.outputs.sensitive, ["token"]);
        assert_eq!(provisioned.outputs.secrets(), ["from-a-file"]);
        let found = provisioned.inventory.unwrap();
        let state: serde_json::Value = serde_json::from_slice(&found.bytes).unwrap();
        assert_eq!(state["values"]["root_module"]["resources"].as_array().unwrap().len(), 2);
        assert!(!stage.shown().contains("from-a-file") && stage.shown().contains("2 added"), "{}", stage.shown());
        // Once more it changes nothing, and one resource can be asked to be made anew.
        stage.provision();
        assert!(stage.shown().contains("0 added"), "{}", stage.shown());
        let looked = stage
            .doing(async |provisioner, scene, bounds, output| provisioner.look(scene, bounds, output).await)
            .unwrap();
        assert!(looked.inventory.is_some());
        stage.tear_down();
        assert!(stage.shown().contains("2 destroyed"), "{}", stage.shown());
    }
}

#[test]
fn terraform_asks_nothing_and_fails_instead() {
    let mut lacking = Lacking::default();
    for program in ["terraform", "tofu"] {
        if !lacking.has(program, &format!("the provisioner {program} without its variables")) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), CONFIGURATION).unwrap();
        let mut stage = Stage::new(folder.path(), &format!("{program}: ."));
        stage.env.insert("TF_CLI_CONFIG_FILE".to_string(), "/dev/null".to_string());
        let failure = stage.try_provision().unwrap_err();
        assert!(failure.error.to_string().contains(&format!("{program} ended with status 1")), "{}", failure.error);
        assert!(stage.shown().contains("No value for required variable"), "{}", stage.shown());
    }
}

#[test]
fn any_program_is_a_provisioner() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("here"), "").unwrap();
    let stage = Stage::new(folder.path(), "run: {command: 'ls; cat >&2; echo $A >&2', stdin: typed}");
    let mut stage = Stage { env: IndexMap::from([("A".to_string(), "b".to_string())]), ..stage };
    stage.provision();
    let shown = stage.shown();
    assert_eq!(shown.lines().next(), Some("+ ls; cat >&2; echo $A >&2"));
    assert!(shown.contains("here\n") || shown.ends_with("here"), "{shown}");
    assert!(shown.contains("typedb"), "{shown}");
    stage =
        Stage::new(folder.path(), "run: {command: [echo, '{\"url\": \"http://x\", \"ports\": [80]}'], outputs: json}");
    assert_eq!(json!(stage.provision().outputs.values), json!({"url": "http://x", "ports": [80]}));
    for (command, why) in [
        ("run: {command: 'echo hello', outputs: json}", "it is no JSON: expected value at line 1 column 1"),
        ("run: {command: 'true', outputs: json}", "nothing was printed on standard output"),
        ("run: {command: 'echo [1]', outputs: json}", "it is no JSON map"),
        ("run: exit 7", "ended with status 7"),
        ("run: no-such-program-here", "ended with status 127"),
        ("run: [no-such-program-here]", "there is no program of that name in PATH"),
    ] {
        let error = Stage::new(folder.path(), command).try_provision().unwrap_err().error.to_string();
        assert!(error.contains(why), "{command}: {error}");
    }
}
