use super::*;
use crate::pipeline::process::{Capture, EndWith};
use crate::target::Target;
use crate::transport::{HostKeyCheck, Options, Privilege, Secret, Tool};
use indexmap::IndexMap;
use serde_json::json;
use std::ffi::OsStr;

fn parse(yaml: &str, templates: bool) -> Result<Provisioner, String> {
    let document = Document::parse("pipeline.yml", yaml.as_bytes()).unwrap();
    let (key, field) = document.root.as_map().unwrap().first().unwrap();
    let read = Provisioner::parse(key, &document, &field.value, Path::new("/stage"), templates);
    read.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn read(yaml: &str) -> Provisioner {
    parse(yaml, false).unwrap_or_else(|why| panic!("{why}"))
}

fn wrong(yaml: &str) -> String {
    parse(yaml, false).unwrap_err()
}

/// The steps as one would type them.
fn typed(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

/// What a section does to provision, and to tear down.
fn does(yaml: &str) -> (Vec<String>, Vec<String>) {
    let env = IndexMap::new();
    let scene = Scene { env: &env, scratch: Path::new("/scratch"), nodes: &[] };
    let provisioner = read(yaml);
    (typed(&provisioner.steps(&scene)), typed(&provisioner.teardown_steps(&scene).unwrap_or_default()))
}

fn program(step: &Step) -> &crate::pipeline::process::Program {
    match &step.work {
        Work::Program(program) => program,
        Work::Script(script) => panic!("{script}"),
    }
}

#[test]
fn the_table_is_one_of_names_and_sentences() {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    for (index, kind) in TABLE.iter().enumerate() {
        assert!(is_name(kind.key) && TABLE[..index].iter().all(|other| other.key != kind.key), "{}", kind.key);
        assert!(kind.doc.ends_with('.'), "{}", kind.doc);
        for (index, key) in kind.keys.iter().enumerate() {
            assert!(is_name(key.name), "{}", key.name);
            assert!(kind.keys[..index].iter().all(|other| other.name != key.name), "{}", key.name);
            assert!(key.doc.ends_with('.') && !key.shape.words().is_empty(), "{}", key.doc);
        }
        let alone = kind.alone.map(|name| kind.keys.iter().find(|key| key.name == name));
        assert!(alone.is_none_or(|key| key.is_some()), "{}", kind.key);
        // What stands alone has to be all that is required.
        assert!(kind.alone.is_none() || kind.keys.iter().all(|key| !key.required || kind.alone == Some(key.name)));
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_remedy() {
    let unknown = wrong("terraform: {dri: x}");
    assert!(unknown.starts_with("pipeline.yml:1:13: unknown key dri in terraform"), "{unknown}");
    assert!(unknown.contains("hint: did you mean dir?"), "{unknown}");
    let missing = wrong("kops:\n  state: s3://x");
    assert!(missing.contains("kops has no name") && missing.contains("hint: add name:"), "{missing}");
    for (yaml, message, hint) in [
        ("terraform: {parallelism: many}", "parallelism is \"many\"", "a number from 1 to 1000"),
        ("terraform: {parallelism: 0}", "parallelism is \"0\"", "a number from 1 to 1000"),
        ("terraform: {upgrade: 3}", "upgrade is \"3\"", "true or false"),
        ("terraform: {vars: [a]}", "vars is a list", "a map"),
        ("terraform: {backend_config: {a: [b]}}", "backend_config is a map", "a map of names to texts"),
        ("terraform: {lock_timeout: soon}", "lock_timeout is \"soon\"", "such as 30s"),
        ("compose: {engine: dokcer}", "engine is dokcer", "did you mean docker?"),
        ("run: []", "command is a list", "a list of words, or one line"),
        ("run: ''", "command is \"\"", "a list of words, or one line"),
        ("run: {outputs: json}", "run has no command", "add command"),
        ("kubectl: {files: a, kustomize: b}", "files and kustomize exclude each other", "leave one"),
        ("script: {env: {A: b}}", "script has neither file nor text", "add file: PATH"),
        ("kops: test", "kops is a string, not a map", ""),
        ("terrafrom: .", "there is no provisioner terrafrom", "did you mean terraform?"),
    ] {
        let told = wrong(yaml);
        assert!(told.contains(message) && told.contains(hint), "{yaml}: {told}");
    }
    // Everything at once.
    assert_eq!(wrong("terraform: {parallelism: x, upgrade: y, z: 1}").matches("pipeline.yml:1:").count(), 3);
}

#[test]
fn a_value_that_is_no_short_word_is_not_shown() {
    let told = parse("terraform:\n  parallelism: |\n    a long secret that is no number at all", false).unwrap_err();
    assert!(told.contains("parallelism is a string"), "{told}");
}

#[test]
fn templates_are_checked_as_far_as_they_are_known() {
    parse("terraform: {parallelism: '{{ vars.n }}', dir: '{{ vars.dir }}', vars: {a: '{{ b }}'}}", true).unwrap();
    parse("compose: {engine: '{{ vars.engine }}', wait: '{% if a %}true{% endif %}'}", true).unwrap();
    parse("script: {file: '{{ a }}'}", true).unwrap();
    assert!(parse("terraform: {parallelism: '{{ vars.n }}'}", false).is_err());
    assert!(parse("terraform: {parallelsm: '{{ vars.n }}'}", true).is_err());
    // What a template gave is a text, whatever it stands for.
    let (steps, _) = does("terraform: {parallelism: '4', upgrade: 'true'}");
    assert!(steps[0].ends_with("-upgrade") && steps[1].contains("-parallelism=4"), "{steps:?}");
}

#[test]
fn any_command() {
    assert_eq!(does("run: make up | tee log").0, ["make up | tee log"]);
    assert_eq!(does("run: [make, up, 8]").0, ["make up 8"]);
    assert_eq!(does("run: {command: [make, up], stdin: x}").0, ["make up"]);
    let env = IndexMap::new();
    let scene = Scene { env: &env, scratch: Path::new("/scratch"), nodes: &[] };
    assert!(read("run: x").teardown_steps(&scene).is_none());
    let steps = read("run: {command: x, outputs: json}").steps(&scene);
    assert_eq!((steps[0].keep, program(&steps[0]).capture), (Keep::Outputs, Capture::Hidden));
}

#[test]
fn terraform_and_tofu() {
    let (up, down) = does("terraform: infra");
    assert_eq!(
        up,
        [
            "terraform -chdir=/stage/infra init -input=false -no-color",
            "terraform -chdir=/stage/infra apply -auto-approve -input=false -no-color",
            "terraform -chdir=/stage/infra output -json -no-color",
            "terraform -chdir=/stage/infra show -json -no-color",
        ]
    );
    assert_eq!(
        down,
        [
            "terraform -chdir=/stage/infra init -input=false -no-color",
            "terraform -chdir=/stage/infra destroy -auto-approve -input=false -no-color",
        ]
    );
    let yaml = "{vars: {a: 1}, var_files: [x.tfvars], workspace: w, backend_config: {k: v}, backend_files: b, \
                plugin_dir: p, targets: [t.a, t.b], replace: t.c, lock_timeout: 90s, program: /opt/tf}";
    let (up, _) = does(&format!("terraform: {yaml}"));
    assert_eq!(
        up[..3],
        [
            "/opt/tf init -input=false -no-color -backend-config=/stage/b \
             -backend-config=/scratch/backend.tfbackend.json -reconfigure -plugin-dir=/stage/p",
            "/opt/tf workspace select -or-create w",
            "/opt/tf apply -auto-approve -input=false -no-color -lock-timeout=90s -target=t.a -target=t.b \
             -var-file=/stage/x.tfvars -var-file=/scratch/vars.tfvars.json -replace=t.c",
        ]
    );
    // OpenTofu wants variables wherever the backend is used.
    let vars = "-var-file=/stage/x.tfvars -var-file=/scratch/vars.tfvars.json";
    let (up, _) = does(&format!("tofu: {yaml}"));
    assert!([0, 1, 2, 3, 4].iter().all(|number| up[*number].contains(vars)), "{up:?}");
    let env = IndexMap::from([("TF_INPUT".to_string(), "1".to_string())]);
    let scene = Scene { env: &env, scratch: Path::new("/scratch"), nodes: &[] };
    let steps = read(&format!("terraform: {yaml}")).steps(&scene);
    assert_eq!(steps[0].files[0].content, br#"{"a":1}"#);
    assert_eq!(steps[0].files[1].content, br#"{"k":"v"}"#);
    let program = program(&steps[0]);
    assert_eq!(program.end_with, EndWith::Interrupt);
    assert_eq!(program.env[OsStr::new("TF_IN_AUTOMATION")], Some("1".into()));
    // The stage has the last word.
    assert_eq!(program.env[OsStr::new("TF_INPUT")], Some("1".into()));
    assert_eq!(program.env[OsStr::new("TF_WORKSPACE")], None);
}

#[test]
fn ansible() {
    assert_eq!(does("ansible: site.yml"), (vec!["ansible-playbook /stage/site.yml".to_string()], Vec::new()));
    let yaml = "ansible: {playbook: [a.yml, b.yml], inventory: [hosts, 'web1,'], extra_vars: {v: 1}, vars_files: v.yml, \
                limit: [web, '!web2'], tags: [t1, t2], skip_tags: slow, user: ops, private_key: key, become: true, \
                become_user: admin, become_method: doas, become_password_file: bp, vault_password_file: [vp], forks: 20, \
                verbosity: 2, requirements: r.yml, teardown: down.yml}";
    let (up, down) = does(yaml);
    let options = "--inventory hosts --inventory web1, --vault-password-file /stage/vp";
    let rest = "--extra-vars @/stage/v.yml --extra-vars @/scratch/extra-vars.json --limit 'web,!web2' --tags t1,t2 \
                --skip-tags slow --user ops --become-user admin --become-method doas --private-key /stage/key \
                --become-password-file /stage/bp --become --forks 20 -vv";
    assert_eq!(
        up,
        [
            "ansible-galaxy install -r /stage/r.yml".to_string(),
            format!("ansible-playbook {options} {rest} /stage/a.yml /stage/b.yml"),
            format!("ansible-inventory --list {options}"),
        ]
    );
    assert_eq!(down[1], format!("ansible-playbook {options} {rest} /stage/down.yml"));
    let env = IndexMap::new();
    let scene = Scene { env: &env, scratch: Path::new("/scratch"), nodes: &[] };
    assert!(read("ansible: site.yml").teardown_steps(&scene).is_none());
    let env = &program(&read(yaml).steps(&scene)[1]).env.clone();
    assert!(!env.contains_key(OsStr::new("ANSIBLE_HOST_KEY_CHECKING")));
    assert_eq!(env[OsStr::new("ANSIBLE_NOCOLOR")], Some("1".into()));
}

#[test]
fn ansible_is_given_the_nodes_of_earlier_stages() {
    let node = |name: &str, uri: &str, options: Options, groups: &[&str]| SceneNode {
        name: name.into(),
        target: uri.parse::<Target>().unwrap(),
        options,
        groups: groups.iter().map(|group| (*group).into()).collect(),
    };
    let options = Options {
        user: Some("ops".to_string()),
        port: Some(2222),
        identities: vec!["/keys/one".into(), "/keys/two".into()],
        jumps: vec!["bastion".to_string(), "inner".to_string()],
        known_hosts: vec!["/known hosts".into()],
        host_key_check: Some(HostKeyCheck::AcceptNew),
        password: Some(Secret::new("swordfish")),
        privilege: Some(Privilege {
            tool: Tool::Sudo,
            user: Some("admin".to_string()),
            password: Some(Secret::new("tuna")),
        }),
        ..Options::default()
    };
    let nodes = [
        node("web1", "ssh://10.0.0.1", options, &["all", "web"]),
        node("web2", "ssh://root@[::1]:22", Options::default(), &["all", "web", "db"]),
        node("here", "local://", Options::default(), &["all"]),
        node("box", "podman://box", Options::default(), &[]),
        node("pod", "kubectl://ns/pod", Options::default(), &[]),
        node("image", "rootfs:///mnt", Options::default(), &[]),
        node("past", "recording:///f", Options::default(), &[]),
    ];
    let env = IndexMap::new();
    let scene = Scene { env: &env, scratch: Path::new("/scratch"), nodes: &nodes };
    let steps = read("ansible: site.yml").steps(&scene);
    assert_eq!(typed(&steps), ["ansible-playbook --inventory /scratch/inventory.json /stage/site.yml"]);
    let inventory: serde_json::Value = serde_json::from_slice(&steps[0].files[0].content).unwrap();
    let hosts = &inventory["all"]["hosts"];
    assert_eq!(
        hosts["web1"],
        json!({
            "ansible_host": "10.0.0.1", "ansible_port": 2222, "ansible_user": "ops",
            "ansible_ssh_private_key_file": "/keys/one", "ansible_password": "swordfish",
            "ansible_ssh_common_args": "-o 'ProxyJump=bastion,inner' -o 'StrictHostKeyChecking=accept-new' \
                -o 'UserKnownHostsFile=\"/known hosts\"'",
            "ansible_become": true, "ansible_become_method": "sudo", "ansible_become_user": "admin",
            "ansible_become_password": "tuna",
        })
    );
    assert_eq!(hosts["web2"], json!({"ansible_host": "::1", "ansible_port": 22, "ansible_user": "root"}));
    assert_eq!(hosts["here"]["ansible_connection"], json!("local"));
    assert_eq!(hosts["box"], json!({"ansible_connection": "containers.podman.podman", "ansible_host": "box"}));
    assert_eq!(hosts["pod"]["ansible_kubectl_namespace"], json!("ns"));
    assert_eq!(hosts["image"]["ansible_host"], json!("/mnt"));
    assert!(hosts.get("past").is_none());
    assert_eq!(
        inventory["all"]["children"],
        json!({"web": {"hosts": {"web1": {}, "web2": {}}}, "db": {"hosts": {"web2": {}}}})
    );
    assert!(!format!("{steps:?} {nodes:?}").contains("swordfish"));
    // One that names its own has nothing to do with them.
    let steps = read("ansible: {playbook: site.yml, inventory: hosts}").steps(&scene);
    assert!(typed(&steps)[0].starts_with("ansible-playbook --inventory hosts /stage/site.yml"));
}

#[test]
fn kops() {
    let (up, down) = does(
        "kops: {name: c.example.com, state: s3://b, files: [c.yml], rolling_update: true, wait: 20m, kubeconfig: kc}",
    );
    let cluster = "--name c.example.com --state s3://b";
    assert_eq!(
        up,
        [
            format!("kops replace --force -f /stage/c.yml {cluster}"),
            format!("kops update cluster --yes {cluster}"),
            format!("kops rolling-update cluster --yes {cluster}"),
            format!("kops export kubeconfig --admin {cluster}"),
            format!("kops validate cluster --wait 1200s {cluster}"),
            "kubectl get nodes -o json --kubeconfig /stage/kc".to_string(),
        ]
    );
    assert_eq!(down, [format!("kops delete cluster --yes {cluster}")]);
    let (up, _) = does("kops: {name: c}");
    assert_eq!(up.last().unwrap(), "kubectl get nodes -o json");
}

#[test]
fn kubicorn() {
    let yaml =
        "kubicorn: {name: c, state_store: fs, state_store_path: state, aws_profile: p, wait: 90s, kubeconfig: kc}";
    let options = "--state-store fs --aws-profile p --state-store-path /stage/state";
    let (up, down) = does(yaml);
    assert_eq!(
        up,
        [
            format!("kubicorn apply c {options}"),
            "kubectl wait --for=condition=Ready nodes --all --timeout=90s".to_string(),
            "kubectl get nodes -o json --kubeconfig /stage/kc".to_string(),
        ]
    );
    assert_eq!(down, [format!("kubicorn delete c {options}")]);
}

#[test]
fn helm() {
    let yaml = "helm: {release: web, chart: ./chart, version: ^2, repo: 'https://charts.example.com', \
                values: {replicas: 2}, values_files: [v.yml], namespace: n, create_namespace: true, atomic: true, \
                dependency_update: true, wait: 90s, context: c, kubeconfig: kc}";
    let cluster = "--timeout 90s --namespace n --kube-context c --kubeconfig /stage/kc";
    let (up, down) = does(yaml);
    assert_eq!(
        up,
        [format!(
            "helm upgrade web ./chart --install --wait --version '^2' --repo https://charts.example.com \
             --create-namespace --atomic --dependency-update --values /stage/v.yml --values /scratch/values.json {cluster}"
        )]
    );
    assert_eq!(down, [format!("helm uninstall web --ignore-not-found --wait {cluster}")]);
}

#[test]
fn kubectl() {
    let yaml = "kubectl: {files: [a.yml, 'https://x/b.yml'], recursive: true, server_side: true, namespace: n, \
                rollouts: deployment/web, conditions: {pod/web: condition=Ready}, wait: 90s, nodes: true, context: c}";
    let (up, down) = does(yaml);
    assert_eq!(
        up,
        [
            "kubectl apply --server-side -f a.yml -f https://x/b.yml -R --namespace n --context c",
            "kubectl rollout status deployment/web --timeout=90s --namespace n --context c",
            "kubectl wait --for=condition=Ready pod/web --timeout=90s --namespace n --context c",
            "kubectl get nodes -o json --context c",
        ]
    );
    assert_eq!(
        down,
        [
            "kubectl delete --ignore-not-found --wait --timeout=90s -f a.yml -f https://x/b.yml -R --namespace n --context c"
        ]
    );
    assert_eq!(does("kubectl: {kustomize: over/}").0, ["kubectl apply -k over/"]);
}

#[test]
fn vagrant() {
    let (up, down) = does("vagrant: {machines: [web, db], provider: libvirt, provision: false, parallel: true}");
    assert_eq!(
        up,
        [
            "vagrant up --provider libvirt --no-provision --parallel --no-color --no-tty web db",
            "vagrant ssh-config --no-color --no-tty web db",
        ]
    );
    assert_eq!(down, ["vagrant destroy --force --no-color --no-tty web db"]);
    let env = IndexMap::new();
    let scene = Scene { env: &env, scratch: Path::new("/scratch"), nodes: &[] };
    assert_eq!(program(&read("vagrant: lab").steps(&scene)[0]).dir, Path::new("/stage/lab"));
}

#[test]
fn compose() {
    assert_eq!(
        does("compose: c.yml"),
        (
            vec![
                "docker compose -f /stage/c.yml up -d --wait".to_string(),
                "docker compose -f /stage/c.yml ps --format json".to_string()
            ],
            vec!["docker compose -f /stage/c.yml down -v".to_string()]
        )
    );
    let yaml = "compose: {engine: podman-compose, project: p, profiles: [a, b], env_files: e, services: [web, db], \
                build: true, pull: never, wait_timeout: 90s, keep_volumes: true}";
    let begin = "podman-compose -p p --profile a --profile b --env-file /stage/e";
    let (up, down) = does(yaml);
    assert_eq!(up[0], format!("{begin} up -d --wait --wait-timeout 90 --build --pull never web db"));
    assert_eq!(down, [format!("{begin} down")]);
    assert_eq!(does("compose: {engine: podman, wait: false}").0[0], "podman compose up -d");
}

#[test]
fn a_script_is_named_in_words() {
    assert_eq!(does("script: {file: setup.sh, args: [a, b]}").0, ["/stage/setup.sh a b on every node"]);
    assert_eq!(does("script: {text: \"#!/bin/sh\\necho\"}").0, ["#!/bin/sh on every node"]);
}

#[test]
fn outputs_of_terraform_are_read_with_what_is_secret() {
    let read = |text: &str| (terraform::TERRAFORM.outputs)(text.as_bytes());
    let outputs = read(
        r#"{"a": {"sensitive": false, "type": "string", "value": "x"},
            "b": {"sensitive": true, "type": ["map", "string"], "value": {"k": "secret", "n": [42, true, null]}}}"#,
    )
    .unwrap();
    assert_eq!(
        serde_json::Value::from(outputs.values.clone()),
        json!({"a": "x", "b": {"k": "secret", "n": [42, true, null]}})
    );
    assert_eq!(outputs.sensitive, ["b"]);
    assert_eq!(outputs.secrets(), ["secret", "42"]);
    assert!(!format!("{outputs:?}").contains("secret"));
    for (text, why) in [
        ("", "nothing was printed"),
        ("{\"a\": ", "it is no JSON: EOF"),
        ("[]", "no JSON map"),
        ("{\"a\": 1}", "the output a is no map"),
        ("{\"a\": {\"type\": \"string\"}}", "the output a has no value"),
    ] {
        let told = read(text).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
}
