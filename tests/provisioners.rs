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
use std::time::Duration;
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
    let yaml = "run: {command: [echo, '{\"a\": \"x\", \"b\": [\"swordfish-7\"]}'], outputs: json, sensitive: b}";
    let outputs = Stage::new(folder.path(), yaml).provision().outputs;
    assert_eq!(outputs.secrets(), ["swordfish-7"]);
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

fn node(name: &str, uri: &str) -> SceneNode {
    let options = probity::transport::Options::default();
    SceneNode { name: name.into(), target: uri.parse().unwrap(), options, groups: vec!["all".into(), "web".into()] }
}

#[test]
fn ansible_plays_on_its_own_inventory_and_on_the_nodes_of_earlier_stages() {
    let mut lacking = Lacking::default();
    if !lacking.has("ansible-playbook", "the provisioner ansible") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "site.yml",
        r#"
- hosts: web
  gather_facts: false
  tasks:
    - name: note the node
      ansible.builtin.lineinfile:
        path: "{{ out }}"
        line: "{{ inventory_hostname }} {{ word }}"
        create: true
        mode: "0600"
    - name: tell
      ansible.builtin.debug:
        msg: "the word is {{ word }}"
      tags: telling
"#,
    );
    write(
        "down.yml",
        "- hosts: web\n  gather_facts: false\n  tasks: [{ansible.builtin.file: {path: '{{ out }}', state: absent}}]\n",
    );
    write(
        "hosts",
        "[web]\nalpha\nbeta\n[web:vars]\nansible_connection=local\nansible_python_interpreter={{ ansible_playbook_python }}\n",
    );
    let out = folder.path().join("out");
    let vars = format!("extra_vars: {{out: {}, word: swordfish-7}}", out.display());
    let mut stage = Stage::new(
        folder.path(),
        &format!(
            "ansible: {{playbook: site.yml, inventory: hosts, teardown: down.yml, limit: [web, '!beta'], {vars}}}"
        ),
    );
    stage.secrets = vec!["swordfish-7".to_string()];
    // As in a CI job that wants colour: it would be a mess in the log.
    stage.env.insert("ANSIBLE_FORCE_COLOR".to_string(), "0".to_string());
    stage.env.insert("ANSIBLE_HOME".to_string(), folder.path().join("home").display().to_string());
    let provisioned = stage.provision();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "alpha swordfish-7\n");
    assert!(stage.shown().contains("the word is ***") && !stage.shown().contains("swordfish"), "{}", stage.shown());
    assert!(stage.shown().contains("failed=0") && !stage.shown().contains('\u{1b}'), "{}", stage.shown());
    let listed: serde_json::Value = serde_json::from_slice(&provisioned.inventory.unwrap().bytes).unwrap();
    assert_eq!(listed["web"]["hosts"], json!(["alpha", "beta"]));
    stage.tear_down();
    assert!(!out.exists());
    // The nodes of an earlier stage, in their groups, without tags that are skipped.
    let mut stage = Stage::new(folder.path(), &format!("ansible: {{playbook: site.yml, skip_tags: telling, {vars}}}"));
    stage.nodes = vec![node("gamma", "local://"), node("delta", "local://")];
    stage.env.insert("ANSIBLE_HOME".to_string(), folder.path().join("home").display().to_string());
    let provisioned = stage.provision();
    assert!(provisioned.inventory.is_none());
    let mut lines: Vec<String> = std::fs::read_to_string(&out).unwrap().lines().map(str::to_string).collect();
    lines.sort();
    assert_eq!(lines, ["delta swordfish-7", "gamma swordfish-7"]);
    assert!(!stage.shown().contains("the word is"), "{}", stage.shown());
    // A play that fails, and a playbook that is none.
    write("bad.yml", "- hosts: web\n  gather_facts: false\n  tasks: [{ansible.builtin.command: 'false'}]\n");
    let error = Stage { provisioner: Stage::new(folder.path(), "ansible: bad.yml").provisioner, ..stage }
        .try_provision()
        .unwrap_err()
        .error
        .to_string();
    assert!(error.contains("ansible-playbook ended with status 2"), "{error}");
    let error = Stage::new(folder.path(), "ansible: none.yml").try_provision().unwrap_err().error.to_string();
    assert!(error.contains("ansible-playbook ended with status 1"), "{error}");
}

#[test]
fn a_script_is_run_on_every_node() {
    let folder = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh -e\ncat\necho \"$1 $2 $WORD\"\necho low >&2\n";
    std::fs::write(folder.path().join("setup.sh"), script).unwrap();
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let env = format!("{{WORD: swordfish-7, TMPDIR: {}}}", temporary.display());
    let yaml = format!("script: {{file: setup.sh, args: ['a b', 'it''s'], env: {env}, parallel: 1}}");
    let mut stage = Stage::new(folder.path(), &yaml);
    stage.secrets = vec!["swordfish-7".to_string()];
    let error = stage.try_provision().unwrap_err().error.to_string();
    assert!(error.contains("there is no node to run the script on") && error.contains("hint: "), "{error}");
    stage.nodes = vec![node("alpha", "local://"), node("beta", "local://")];
    stage.provision();
    for line in ["alpha: a b it's ***", "beta: a b it's ***", "alpha: low", "beta: low"] {
        assert!(stage.shown().lines().any(|shown| shown == line), "{line}: {}", stage.shown());
    }
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "the script was left behind");
}

#[test]
fn a_script_that_fails_or_hangs_is_told_by_its_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let failing = |yaml: &str, nodes: Vec<SceneNode>| {
        let mut stage = Stage::new(folder.path(), yaml);
        stage.nodes = nodes;
        stage.try_provision().unwrap_err().error.to_string()
    };
    let nodes = || vec![node("alpha", "local://"), node("dead", "ssh://127.0.0.1:1")];
    let error = failing("script: {text: 'exit 3'}", nodes());
    assert!(error.contains("the script failed on 2 of 2 nodes") && error.contains("alpha (status 3)"), "{error}");
    assert!(error.contains("dead (") && error.contains("127.0.0.1"), "{error}");
    let error = failing("script: {text: 'true'}", nodes());
    assert!(error.contains("the script failed on 1 of 2 nodes"), "{error}");
    let error = failing("script: {text: '#!/no/such/interpreter'}", vec![node("alpha", "local://")]);
    assert!(error.contains("alpha (status 127)"), "{error}");
    let error = failing("script: {text: '#cloud-config'}", vec![node("alpha", "local://")]);
    assert!(error.contains("is a cloud-config, which only cloud-init reads"), "{error}");
    let error = failing("script: none.sh", vec![node("alpha", "local://")]);
    assert!(error.contains("none.sh cannot be read: No such file"), "{error}");
    // Limit and interruption.
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let yaml = format!("script: {{text: 'sleep 7201', env: {{TMPDIR: {}}}}}", temporary.display());
    let mut stage = Stage::new(folder.path(), &yaml);
    stage.nodes = vec![node("alpha", "local://")];
    let began = std::time::Instant::now();
    let failure = stage
        .doing(async |provisioner, scene, bounds, output| {
            let limit = Duration::from_millis(500);
            let bounds = Bounds { until: Some((tokio::time::Instant::now() + limit, limit)), ..bounds.clone() };
            provisioner.provision(scene, &bounds, output).await
        })
        .unwrap_err();
    assert!(failure.error.to_string().contains("took longer than 500 ms") && !failure.stopped, "{}", failure.error);
    let failure = stage
        .doing(async |provisioner, scene, bounds, output| {
            let (sender, stop) = watch::channel(Stop::GoOn);
            let bounds = Bounds { stop, ..bounds.clone() };
            let asking = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                sender.send(Stop::End).unwrap();
            };
            tokio::join!(provisioner.provision(scene, &bounds, output), asking).0
        })
        .unwrap_err();
    assert!(failure.stopped, "{}", failure.error);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let running = std::process::Command::new("pgrep").args(["-fx", "sleep 7201"]).status().unwrap();
    assert!(!running.success(), "the script still runs");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "the script was left behind");
}

#[test]
fn a_script_has_the_interpreter_it_names() {
    let mut lacking = Lacking::default();
    if !lacking.has("python3", "a script of Python on a node") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = "#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:], sys.stdin.read() == '')\n";
    std::fs::write(folder.path().join("setup.py"), text).unwrap();
    let mut stage = Stage::new(folder.path(), "script: {file: setup.py, args: [x, --, y]}");
    stage.nodes = vec![node("alpha", "local://")];
    stage.provision();
    assert!(stage.shown().contains("alpha: ['x', '--', 'y'] True"), "{}", stage.shown());
}

/// Programs this machine lacks, as scripts that write down how they were called and print it.
fn stand_ins(folder: &Path, names: &[&str]) {
    for name in names {
        let path = folder.join(name);
        let script = "#!/bin/sh\nprintf '%s' \"${0##*/}\" >> \"$CALLS\"; printf ' %s' \"$@\" >> \"$CALLS\"\n\
                      printf ' [%s]\\n' \"$KUBECONFIG\" >> \"$CALLS\"; echo \"$@\"; [ \"$2\" != \"$FAILING\" ]\n";
        std::fs::write(&path, script).unwrap();
        // A process of its own sets the bit: a file open for writing cannot be run.
        assert!(std::process::Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
    }
}

#[test]
fn a_cluster_is_made_step_by_step_and_the_first_that_fails_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    stand_ins(folder.path(), &["kops", "kubectl"]);
    let calls = folder.path().join("calls");
    let mut stage = Stage::new(folder.path(), "kops: {name: c.example.com, kubeconfig: kube.yml}");
    stage.env = IndexMap::from([
        ("PATH".to_string(), format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap())),
        ("CALLS".to_string(), calls.display().to_string()),
    ]);
    let provisioned = stage.provision();
    let kubeconfig = folder.path().join("kube.yml").display().to_string();
    let called = std::fs::read_to_string(&calls).unwrap();
    let expected = format!(
        "kops update cluster --yes --name c.example.com [{kubeconfig}]\n\
         kops export kubeconfig --admin --name c.example.com [{kubeconfig}]\n\
         kops validate cluster --wait 900s --name c.example.com [{kubeconfig}]\n"
    );
    assert!(called.starts_with(&expected), "{called}");
    assert!(called[expected.len()..].starts_with(&format!("kubectl get nodes -o json --kubeconfig {kubeconfig}")));
    assert_eq!(json!(provisioned.outputs.values), json!({"cluster": "c.example.com", "kubeconfig": kubeconfig}));
    let found = provisioned.inventory.unwrap();
    assert_eq!(found.format.name(), "kubectl");
    assert!(found.bytes.starts_with(b"get nodes -o json") && found.from.starts_with("kubectl get nodes"), "{found:?}");
    assert!(!stage.shown().lines().any(|line| line.starts_with("get nodes")), "{}", stage.shown());
    std::fs::remove_file(&calls).unwrap();
    stage.env.insert("FAILING".to_string(), "kubeconfig".to_string());
    let error = stage.try_provision().unwrap_err().error.to_string();
    assert!(error.contains("kops ended with status 1"), "{error}");
    assert_eq!(std::fs::read_to_string(&calls).unwrap().lines().count(), 2);
}

#[test]
fn podman_compose_starts_and_ends_containers() {
    let mut lacking = Lacking::default();
    let what = "the provisioner compose";
    if !["podman", "podman-compose", "/bin/busybox"].iter().all(|need| lacking.has(need, what)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::copy("/bin/busybox", folder.path().join("busybox")).unwrap();
    write(
        "Containerfile",
        "FROM scratch\nCOPY busybox /bin/sh\nCMD [\"/bin/sh\", \"-c\", \"while :; do sleep 1; done\"]\n",
    );
    write(
        "compose.yml",
        "services:\n  web:\n    build: .\n    image: localhost/probity-test\n    network_mode: none\n    ulimits:\n      \
             nofile: {soft: 1024, hard: 1024}\n      nproc: {soft: 1024, hard: 1024}\n\
             x-podman: {in_pod: false}\n",
    );
    // Control groups are not always ours to make, and the images are to be the test's own.
    let found = std::process::Command::new("sh").args(["-c", "command -v podman"]).output().unwrap();
    let real = String::from_utf8_lossy(&found.stdout).trim().to_string();
    let podman = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/containers/podman");
    write(
        "podman",
        &format!(
            "#!/bin/sh\ncase $1 in\ncreate|run) c=$1; shift; exec {podman} \"$c\" --cgroups=disabled \"$@\";;\n\
             *) exec {podman} \"$@\";;\nesac\n"
        ),
    );
    assert!(
        std::process::Command::new("chmod").arg("+x").arg(folder.path().join("podman")).status().unwrap().success()
    );
    let storage = tempfile::tempdir().unwrap();
    let yaml = "compose: {files: compose.yml, engine: podman-compose, project: probity, build: true}";
    let mut stage = Stage::new(folder.path(), yaml);
    stage.env = IndexMap::from([
        ("PATH".to_string(), format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap())),
        ("PROBITY_TEST_PODMAN".to_string(), real),
        ("PROBITY_TEST_STORAGE".to_string(), storage.path().display().to_string()),
    ]);
    let provisioned = stage.try_provision();
    stage.tear_down();
    let Ok(provisioned) = provisioned else {
        let said = stage.shown().replace('\n', " ");
        assert!(!support::required("podman-compose"), "no container can be started: {said}");
        return support::skipped(what, &format!("the right to start a container: {said}"));
    };
    let found = provisioned.inventory.unwrap();
    let containers: serde_json::Value = serde_json::from_slice(&found.bytes).unwrap();
    let container = &containers[0];
    assert_eq!(container["State"], "running", "{container}");
    assert_eq!((found.format.name(), &container["Names"][0]), ("podman", &json!("probity_web_1")));
    let left =
        Stage { provisioner: Stage::new(folder.path(), "run: {command: [podman, ps, -aq]}").provisioner, ..stage };
    left.shown.lock().unwrap().clear();
    left.provision();
    assert_eq!(left.shown(), "+ podman ps -aq");
}
