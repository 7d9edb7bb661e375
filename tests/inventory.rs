//! Inventories of other programs: what their own tools say of the same files, documents captured
//! from their repositories, and what `probity inventory show` prints of them.

mod support;

use probity::inventory::{ALL, Inventory, Kind, Reading, Source};
use probity::yaml::Document;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Lacking, probity_in};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventory")
}

/// Reads a source as a file or the command line writes it: YAML, with paths below this folder.
fn source(text: &str) -> Result<Inventory, String> {
    source_in(&folder(), text)
}

fn source_in(folder: &Path, text: &str) -> Result<Inventory, String> {
    let joined = |errors: Vec<probity::error::Error>| {
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
            .replace(&format!("{}/", folder.display()), "")
    };
    let document = Document::parse("site.yml", text.as_bytes()).map_err(|error| joined(vec![error]))?;
    let source = Source::from_yaml(&document, &document.root, folder).map_err(joined)?;
    source.read(&Reading { folder, ..Reading::here() }).map_err(joined)
}

fn parsed(text: &str) -> Result<Inventory, String> {
    let joined =
        |errors: Vec<probity::error::Error>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    Inventory::parse(None, Path::new("given"), text.as_bytes()).map_err(joined)
}

/// Each node as `NAME TARGET GROUP,GROUP`.
fn nodes(inventory: &Inventory) -> Vec<String> {
    let line = |(name, node): (&std::sync::Arc<str>, &probity::inventory::Node)| {
        let groups: Vec<&str> = groups(inventory, node);
        format!("{name} {} {}", node.target, groups.join(",")).trim_end().to_string()
    };
    inventory.nodes.iter().map(line).collect()
}

fn groups<'a>(inventory: &'a Inventory, node: &probity::inventory::Node) -> Vec<&'a str> {
    let names = node.groups.iter().map(|number| &**inventory.groups.get_index(*number).unwrap().0);
    names.filter(|name| *name != ALL).collect()
}

/// The groups and the variables of every host, as `ansible-inventory --list` gives them.
type Hosts = BTreeMap<String, (BTreeSet<String>, serde_json::Value)>;

fn of_ansible(path: &Path) -> Hosts {
    let output = Command::new("ansible-inventory")
        .args(["--list", "-i"])
        .arg(path)
        .env("LC_ALL", "C.UTF-8")
        .env("ANSIBLE_CONFIG", folder().join("ansible/ansible.cfg"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = |group: &str, key: &str| -> Vec<String> {
        let list = list[group][key].as_array().cloned().unwrap_or_default();
        list.iter().map(|name| name.as_str().unwrap().to_string()).collect()
    };
    let mut hosts = Hosts::new();
    let mut open: Vec<(String, Vec<String>)> = vec![(ALL.to_string(), Vec::new())];
    while let Some((group, above)) = open.pop() {
        let within: Vec<String> = above.iter().cloned().chain([group.clone()]).collect();
        for host in names(&group, "hosts") {
            let entry = hosts.entry(host.clone()).or_insert_with(|| {
                let variables = list["_meta"]["hostvars"].get(&host).cloned();
                (BTreeSet::new(), variables.unwrap_or_else(|| serde_json::json!({})))
            });
            entry.0.extend(within.iter().filter(|name| *name != ALL).cloned());
        }
        for child in names(&group, "children") {
            open.push((child, within.clone()));
        }
    }
    hosts
}

fn of_probity(path: &Path) -> Hosts {
    let inventory = Source::of_path(path).read(&Reading::here()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let host = |(name, node): (&std::sync::Arc<str>, &probity::inventory::Node)| {
        let names: BTreeSet<&String> = node.variables.iter().flat_map(|layer| layer.keys()).collect();
        let variables: serde_json::Map<String, serde_json::Value> = names
            .into_iter()
            .map(|name| (name.clone(), node.variable(name).unwrap().value.to_value().to_json()))
            .collect();
        let groups = groups(&inventory, node).into_iter().map(str::to_string).collect();
        (name.to_string(), (groups, serde_json::Value::Object(variables)))
    };
    inventory.nodes.iter().map(host).collect()
}

#[test]
fn ansible_says_the_same_of_the_same_files() {
    let mut lacking = Lacking::default();
    if !lacking.has("ansible", "the same nodes, groups and variables as ansible-inventory") {
        return;
    }
    for file in ["ansible/ini/hosts", "ansible/yaml/hosts.yml", "ansible/folder", "ansible/script"] {
        let path = folder().join(file);
        let (theirs, ours) = (of_ansible(&path), of_probity(&path));
        assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "{file}");
        assert!(theirs.len() > 2, "{theirs:?}");
        for (host, (groups, variables)) in &theirs {
            assert_eq!(groups, &ours[host].0, "the groups of {host} in {file}");
            assert_eq!(variables, &ours[host].1, "the variables of {host} in {file}");
        }
    }
}

#[test]
fn what_other_programs_print_is_told_from_its_text() {
    for (file, expected) in [
        ("docker-ps.json", &["boring_keldysh docker://boring_keldysh"][..]),
        (
            "docker-compose-ps.json",
            &[
                "example-bar-1 docker://example-bar-1 project_example,service_bar",
                "example-foo-1 docker://example-foo-1 project_example,service_foo",
            ],
        ),
        ("kubectl-node.json", &["e2e-test-wojtekt-minion-etd6 ssh://104.197.49.213"]),
        ("kubectl-node.yaml", &["kube-worker-1 ssh://192.168.0.113"]),
        ("kops-nodes.json", &["dns-2xvr ssh://10.146.0.50 node", "monitoring-38lj ssh://10.146.0.28 node"]),
        ("vagrant-ssh-config.txt", &["default ssh://testuser@testhost.vagrant.dev:1234"]),
        ("terraform-aws.tfstate", &["aws_instance.test ssh://172.31.22.12 aws_instance"]),
        (
            "terraform-show-modules.json",
            &[
                "one-aws-instance ssh://10.0.0.1 aws_instance,tag_Name_one-aws-instance",
                "two-aws-instance ssh://10.0.0.2 aws_instance,tag_Name_two-aws-instance",
                "my-module-three.aws_instance.host.0 ssh://10.0.0.3 aws_instance,tag_Name_three-aws-instance",
                "my-module-three.aws_instance.host.1 ssh://10.0.1.3 aws_instance,tag_Name_three-aws-instance",
            ],
        ),
    ] {
        let inventory = source(&format!("captured/{file}")).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(nodes(&inventory), expected, "{file}");
        let named = match file.split('-').next().unwrap() {
            "terraform" => format!("terraform: captured/{file}"),
            "kops" => format!("kubectl: captured/{file}"),
            kind => format!("{kind}: captured/{file}"),
        };
        assert_eq!(nodes(&source(&named).unwrap_or_else(|error| panic!("{named}: {error}"))), expected, "{named}");
    }
    let compose = source("captured/docker-compose-ps.json").unwrap();
    assert_eq!(compose.notes, ["container example-bar-1 is \"exited\", not running"]);
    let kops = source(
        "{ kubectl: captured/kops-nodes.json, address: public, groups: { 'ig_{labels.kops.k8s.io/instancegroup}': } }",
    );
    let groups = ["dns-2xvr ssh://34.84.243.46 ig_dns", "monitoring-38lj ssh://34.84.19.162 ig_monitoring"];
    assert_eq!(nodes(&kops.unwrap()), groups);
    let vagrant = source("captured/vagrant-ssh-config.txt").unwrap();
    let (connection, notes) = (&vagrant.nodes["default"].connection, &vagrant.notes);
    assert_eq!(connection.identities.as_deref().unwrap(), [PathBuf::from("/home/vagrant/.private/keys.key")]);
    assert!(notes.is_empty() && format!("{:?}", connection.host_key_check).contains("Off"), "{notes:?}");
}

#[test]
fn rules_say_what_of_a_machine_is_what() {
    let modules = |rules: &str| {
        let text = format!("{{ terraform: captured/terraform-show-modules.json, {rules} }}");
        source(&text).map(|inventory| nodes(&inventory))
    };
    assert_eq!(
        modules("address: public, user: admin, groups: [cloud, 'is_{tags.Name}']").unwrap()[0],
        "one-aws-instance ssh://admin@35.159.25.34 cloud,is_one-aws-instance"
    );
    // Where there is no public address the private one is taken.
    assert!(modules("address: public").unwrap()[1].starts_with("two-aws-instance ssh://10.0.0.2 "));
    assert_eq!(
        modules("resources: [{ type: aws_instance, name: 'vm-{id}', address: private_ip, where: { tags.Name: 'three*' } }], groups: { three: tags.Name, none: { id: x* }, both: { ami: [a, 'ami-*1'] } }").unwrap(),
        [
            "vm-i-33333333333333333 ssh://10.0.0.3 three,both",
            "vm-i-11133333333333333 ssh://10.0.1.3 three,both",
        ]
    );
    assert_eq!(modules("where: { public_ip: '?*' }").unwrap().len(), 1);
    for (rules, parts) in [
        (
            "name: '{tags.Name}'",
            &["two nodes are called three-aws-instance: module.my-module-three.aws_instance.host[0] and"][..],
        ),
        ("name: '{tags.Nam}'", &["the rule name gives nothing for aws_instance.one"]),
        ("name: '{tags.Name'", &["site.yml:1:", "name has a { without }"]),
        ("address: publc_ip", &["the rule address gives nothing for aws_instance.one"]),
        ("address: volume_tags.Ignored, user: '{ami} x'", &["gives no target"]),
        ("groups: [one-aws-instance]", &["one-aws-instance is the name of a node and of a group"]),
        ("groups: 5", &["site.yml:1:", "groups is a list of names, or a map"]),
        ("where: 5", &["site.yml:1:", "what has to hold is a path"]),
        ("where: { id: none }", &["the inventory has no nodes"]),
        ("resources: [{ type: aws_instance, skip: true }]", &["the inventory has no nodes"]),
        ("resources: [{ name: x }]", &["a rule of resources has no type"]),
        ("resource: []", &["unknown key resource in the inventory", "did you mean resources?"]),
        ("format: kubectl", &["format goes with file and command alone"]),
        ("transport: { usr: x }", &["did you mean user?"]),
    ] {
        let error = modules(rules).expect_err(rules);
        parts.iter().for_each(|part| assert!(error.contains(part), "{rules} should say {part:?}\n{error}"));
    }
    let transport =
        source("{ terraform: captured/terraform-aws.tfstate, transport: { sudo: true, user: ops } }").unwrap();
    assert!(format!("{:?}", transport.nodes["aws_instance.test"].connection).contains("Sudo"));
}

#[test]
fn the_sources_the_page_shows_are_sources() {
    let page = std::fs::read_to_string(folder().join("../../docs/inventory.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let shown: Vec<&str> = blocks.filter(|block| block.contains("\nterraform:")).collect();
    assert!(shown.len() > 2, "{shown:?}");
    for text in shown {
        let document = Document::parse("docs", text.as_bytes()).unwrap();
        let source = Source::from_yaml(&document, &document.root, Path::new(""))
            .unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
        assert!(source.to_string().starts_with("terraform:"), "{source}");
    }
}

#[test]
fn a_machine_without_an_address_is_told() {
    let error = source("captured/terraform-azure.tfstate").unwrap_err();
    for vm in ["myterraformvm", "myterraformvm2"] {
        assert!(error.contains(&format!("azurerm_linux_virtual_machine.{vm} has no address")), "{error}");
    }
    assert!(error.starts_with("captured/terraform-azure.tfstate: "), "{error}");
    let rules = "{ terraform: captured/terraform-azure.tfstate, resources: [{ type: azurerm_linux_virtual_machine, address: '{name}.internal' }] }";
    assert_eq!(
        nodes(&source(rules).unwrap()),
        [
            "myVM ssh://myVM.internal azurerm_linux_virtual_machine",
            "myVM2 ssh://myVM2.internal azurerm_linux_virtual_machine"
        ]
    );
    let none = source("captured/terraform-show-null.json").unwrap_err();
    assert!(none.contains("has no nodes") && none.contains("known for a machine (null_resource)"), "{none}");
    assert!(source("{ terraform: captured/terraform-show-null.json, allow_empty: true }").unwrap().nodes.is_empty());
    // Every instance has its address in Terraform, modules and counts included.
    let rules = "{ terraform: captured/terraform-show-null.json, resources: [{ type: null_resource, name: '{terraform_address}', address: 'h{id}' }] }";
    let names: Vec<String> = source(rules).unwrap().nodes.keys().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "null_resource.bar",
            "null_resource.baz[0]",
            "null_resource.baz[1]",
            "null_resource.baz[2]",
            "null_resource.foo",
            "module.foo.null_resource.aliased",
            "module.foo.null_resource.foo"
        ]
    );
}

/// A state of version 4 with these outputs and resources.
fn state(outputs: &str, resources: &str) -> String {
    format!(
        r#"{{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {{{outputs}}}, "resources": [{resources}]}}"#
    )
}

/// A resource `aws_instance.NAME` with instances.
fn instance(name: &str, instances: &str) -> String {
    format!(r#"{{"mode": "managed", "type": "aws_instance", "name": "{name}", "instances": [{instances}]}}"#)
}

#[test]
fn states_are_read_to_their_corners() {
    let up = r#"{"attributes": {"private_ip": "10.0.0.1", "tags": {"Name": "Web server/1", "Env": "prod eu"}}}"#;
    let keyed = r#"{"index_key": "eu/1", "attributes": {"private_ip": "10.0.0.2"}}, {"index_key": "eu/2", "attributes": {"private_ip": "fd00::2"}}"#;
    let data = r#"{"mode": "data", "type": "aws_instance", "name": "old", "instances": [{"attributes": {"private_ip": "10.9.9.9"}}]}"#;
    let deposed = r#"{"attributes": {"private_ip": "10.0.0.3"}}, {"deposed": "00000001", "attributes": {"private_ip": "10.0.0.4"}}"#;
    let text = state(
        "",
        &[instance("web", up), instance("many", keyed), data.to_string(), instance("new", deposed)].join(","),
    );
    let inventory = parsed(&text).unwrap();
    assert_eq!(
        nodes(&inventory),
        [
            "Web-server-1 ssh://10.0.0.1 aws_instance,tag_Name_Web_server_1,tag_Env_prod_eu",
            "aws_instance.many.eu-1 ssh://10.0.0.2 aws_instance",
            "aws_instance.many.eu-2 ssh://[fd00::2] aws_instance",
            "aws_instance.new ssh://10.0.0.3 aws_instance",
        ]
    );
    let notes = inventory.notes.join("\n");
    assert!(
        notes.contains("\"Web server/1\" is called Web-server-1") && notes.contains("aws_instance.new has an object"),
        "{notes}"
    );
    for (text, parts) in [
        (
            state("", "").replace("\"version\": 4", "\"version\": 3"),
            &["is a state of version 3; version 4 is read"][..],
        ),
        (state("", ""), &["has no nodes", "was it applied?"]),
        (
            r#"{"serial": 1, "lineage": "x", "meta": {}, "encrypted_data": "hunter2", "encryption_version": "v0"}"#
                .to_string(),
            &["encrypted", "terraform:FOLDER"],
        ),
        (r#"{"format_version": "1.2", "planned_values": {}, "resource_changes": []}"#.to_string(), &["is a plan"]),
        (r#"{"format_version": "2.0", "values": {}}"#.to_string(), &["has the format 2.0"]),
        (r#"{"format_version": "1.0"}"#.to_string(), &["has no nodes"]),
        (
            state("", &instance("a", r#"{"attributes": {"private_ip": "not an address"}}"#)),
            &["aws_instance.a has no address"],
        ),
        (
            state("", &instance("a", r#"{"attributes": {"private_ip": "127.0.0.1"}}"#)),
            &["aws_instance.a has no address"],
        ),
        (
            state("", &instance("a", r#"{"attributes": {"private_ip": "10.0.0.300"}}"#)),
            &["aws_instance.a has no address"],
        ),
        (
            state("", &instance("a", r#"{"attributes": {"private_ip": "-oProxyCommand=x"}}"#)),
            &["aws_instance.a has no address"],
        ),
        (
            state("", &instance("a", r#"{"attributes": {"private_ip": "10.0.0.1", "tags": {"Name": ".."}}}"#)),
            &["the name of aws_instance.a stands for a folder"],
        ),
        (text[..text.len() - 40].to_string(), &["is not JSON"]),
        (text.replacen("\"serial\"", "\"version\"", 1), &["there twice"]),
    ] {
        let error = parsed(&text).expect_err(&text);
        parts.iter().for_each(|part| assert!(error.contains(part), "{text} should say {part:?}\n{error}"));
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn sensitive_values_stay_where_they_are() {
    let sensitive = r#"{"attributes": {"private_ip": "10.0.0.1", "admin_password": "hunter2", "tags": {"Name": "hunter2", "Env": "prod"}, "nics": [{"ip": "hunter2"}]},
        "sensitive_attributes": [[{"type": "get_attr", "value": "admin_password"}], [{"type": "get_attr", "value": "tags"}, {"type": "get_attr", "value": "Name"}],
        [{"type": "get_attr", "value": "nics"}, {"type": "index", "value": {"value": 0, "type": "number"}}, {"type": "get_attr", "value": "ip"}]]}"#;
    let text = state("", &instance("a", sensitive));
    let error = parsed(&text).unwrap_err();
    assert!(error.contains("tags.Name of aws_instance.a is sensitive") && error.contains("nonsensitive()"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.tfstate"), &text).unwrap();
    for rule in [
        "name: '{admin_password}'",
        "name: x, address: nics.0.ip",
        "name: x, address: 'nics.*.ip'",
        "name: x, groups: ['{tags.*}']",
        "name: x, where: { admin_password: h* }",
    ] {
        let error = source_in(folder.path(), &format!("{{ terraform: s.tfstate, {rule} }}")).expect_err(rule);
        assert!(error.contains("is sensitive") && !error.contains("hunter2"), "{rule}: {error}");
    }
    let fine = source_in(folder.path(), "{ terraform: s.tfstate, name: 'x', groups: ['{tags.Env}'] }").unwrap();
    assert_eq!(nodes(&fine), ["x ssh://10.0.0.1 prod"]);
    // The same as show -json marks it.
    let show = r#"{"format_version": "1.0", "values": {"root_module": {"resources": [{"address": "aws_instance.a", "mode": "managed", "type": "aws_instance",
        "values": {"private_ip": "hunter2", "public_ip": "1.2.3.4"}, "sensitive_values": {"private_ip": true}}]}}}"#;
    let error = parsed(show).unwrap_err();
    assert!(error.contains("private_ip of aws_instance.a is sensitive") && !error.contains("hunter2"), "{error}");
    let output = state(r#""nodes": {"value": {"a": "hunter2"}, "sensitive": true, "type": "x"}"#, "");
    let error = parsed(&output).unwrap_err();
    assert!(error.contains("the output nodes is sensitive") && !error.contains("hunter2"), "{error}");
}

#[test]
fn outputs_that_are_inventories_win() {
    let machine = instance("a", r#"{"attributes": {"private_ip": "10.0.0.1"}}"#);
    let of = |value: &str| parsed(&state(&format!(r#""nodes": {{"value": {value}, "type": "x"}}"#), &machine));
    assert_eq!(
        nodes(&of(r#"{"web": "10.1.0.1", "db": "ssh://ops@10.1.0.2:2222", "six": "fd00::1", "c": {"target": "docker://c"}}"#).unwrap()),
        ["web ssh://10.1.0.1", "db ssh://ops@10.1.0.2:2222", "six ssh://[fd00::1]", "c docker://c"]
    );
    let whole = r#"{"nodes": {"web": {"target": "10.1.0.1", "groups": ["front"], "attributes": {"tries": 3}}}, "groups": {"front": {"transport": {"user": "ops"}}}}"#;
    assert_eq!(nodes(&of(whole).unwrap()), ["web ssh://10.1.0.1 front"]);
    assert_eq!(nodes(&of(&serde_json::Value::from(whole).to_string()).unwrap()), ["web ssh://10.1.0.1 front"]);
    assert_eq!(nodes(&of(r#"["10.1.0.1", "ops@h"]"#).unwrap()), ["10.1.0.1 ssh://10.1.0.1", "h ssh://ops@h"]);
    for (value, part) in [
        ("5", "the output nodes is an integer, not a map of nodes"),
        ("{}", "has no nodes"),
        (r#"{"a": 5}"#, "the output nodes: the target of a is an integer"),
        (r#"{"a/b": "x"}"#, "holds a slash"),
        (r#"{"nodes": {"a": "x"}, "grups": {}}"#, "did you mean groups?"),
        (r#"[[1]]"#, "list of other things than addresses"),
        (r#""nodes: {""#, "the output nodes is not YAML"),
    ] {
        let error = of(value).expect_err(value);
        assert!(error.contains(part), "{value}: {error}");
    }
    // What output -json prints; the name of ours goes before the other.
    let output = r#"{"nodes": {"sensitive": false, "type": "string", "value": 5}, "probity_inventory": {"sensitive": false, "type": "x", "value": {"a": "h"}}}"#;
    assert_eq!(nodes(&parsed(output).unwrap()), ["a ssh://h"]);
}

#[test]
fn hosts_of_the_provider_of_ansible_are_an_inventory() {
    let resource = |kind: &str, attributes: &str| {
        format!(
            r#"{{"mode": "managed", "type": "{kind}", "name": "x", "instances": [{{"attributes": {attributes}}}]}}"#
        )
    };
    let text = state("", &[
        resource("ansible_host", r#"{"name": "web1", "groups": ["web"], "variables": {"ansible_host": "10.0.0.1", "ansible_port": "2222"}}"#),
        resource("ansible_group", r#"{"name": "web", "children": null, "variables": {"ansible_user": "ops"}}"#),
        resource("ansible_group", r#"{"name": "prod", "children": ["web"], "variables": null}"#),
    ].join(","));
    let inventory = parsed(&text).unwrap();
    assert_eq!(nodes(&inventory), ["web1 ssh://10.0.0.1 prod,web"]);
    let connection = &inventory.nodes["web1"].connection;
    assert_eq!((connection.user.as_deref(), connection.port), (Some("ops"), Some(2222)));
}

/// A list of nodes of Kubernetes.
fn cluster(nodes: &str) -> String {
    format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{nodes}], "metadata": {{"resourceVersion": ""}}}}"#)
}

#[test]
fn nodes_of_kubernetes_have_roles_labels_and_notes() {
    let node = |name: &str, labels: &str, ready: &str, spec: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "Node", "metadata": {{"name": "{name}", "labels": {{{labels}}}}}, "spec": {{{spec}}},
            "status": {{"addresses": [{{"type": "Hostname", "address": "{name}"}}, {{"type": "InternalIP", "address": "10.0.0.1"}}, {{"type": "ExternalIP", "address": "1.2.3.4"}}],
            "conditions": [{{"type": "Ready", "status": "{ready}"}}]}}}}"#
        )
    };
    let text = cluster(&[
        node("cp", r#""node-role.kubernetes.io/control-plane": "", "kops.k8s.io/instancegroup": "control-plane-a""#, "True", ""),
        node("w1", r#""node-role.kubernetes.io/node": "", "kops.k8s.io/instancegroup": "nodes-a", "topology.kubernetes.io/zone": "eu-1a""#, "Unknown", ""),
        node("w2", "", "False", r#""unschedulable": true"#),
    ].join(","));
    let inventory = parsed(&text).unwrap();
    assert_eq!(nodes(&inventory), ["cp ssh://10.0.0.1 control-plane", "w1 ssh://10.0.0.1 node", "w2 ssh://10.0.0.1"]);
    assert_eq!(inventory.notes, ["node w1 is not known to be ready", "node w2 is not ready and cordoned"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("nodes.json"), &text).unwrap();
    let rules = "kubectl: nodes.json\naddress: public\nuser: core\ngroups:\n  'ig_{labels.kops.k8s.io/instancegroup}':\n  zone_a: { labels.topology.kubernetes.io/zone: '*a' }\n  masters: labels.node-role.kubernetes.io/control-plane\n  others: { labels.node-role.kubernetes.io/control-plane: false }\n";
    assert_eq!(
        nodes(&source_in(folder.path(), rules).unwrap()),
        [
            "cp ssh://core@1.2.3.4 ig_control-plane-a,masters",
            "w1 ssh://core@1.2.3.4 ig_nodes-a,zone_a,others",
            "w2 ssh://core@1.2.3.4 others"
        ]
    );
    for (text, part) in [
        (cluster(""), "has no nodes"),
        (cluster(r#"{"kind": "Pod", "metadata": {"name": "a"}}"#), "has a Pod among its items"),
        (cluster(r#"{"kind": "Node", "metadata": {}}"#), "has a node without a name"),
        (cluster(r#"{"kind": "Node", "metadata": {"name": "a"}}"#), "node a has no address"),
        (cluster("5"), "has an integer among its items"),
        (r#"{"apiVersion": "v1", "kind": "Status", "status": "Failure"}"#.to_string(), "is of the kind \"Status\""),
        (r#"{"apiVersion": "v1", "kind": "List"}"#.to_string(), "has no items"),
    ] {
        let error = parsed(&text).expect_err(&text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn containers_of_both_engines_are_nodes() {
    let docker = "{\"ID\":\"1\",\"Names\":\"web,app/alias\",\"Image\":\"nginx\",\"State\":\"running\",\"Labels\":\"com.docker.compose.project=shop,note=a, b,role=front\"}\n{\"ID\":\"2\",\"Names\":\"db\",\"State\":\"exited\",\"Labels\":\"\"}\n";
    let inventory = parsed(docker).unwrap();
    assert_eq!(nodes(&inventory), ["web docker://web project_shop", "db docker://db"]);
    let podman = r#"[{"Id": "1", "Names": ["web"], "Labels": {"io.podman.compose.project": "shop"}, "State": "running"}, {"Id": "2", "Names": ["x-infra"], "IsInfra": true, "State": "running", "Labels": null}]"#;
    let inventory = parsed(podman).unwrap();
    assert_eq!(nodes(&inventory), ["web podman://web project_shop"]);
    assert_eq!(inventory.notes, ["container x-infra only holds a pod together, and is left out"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ps.json"), docker).unwrap();
    let rules =
        "{ docker: ps.json, where: { state: running }, groups: { '{labels.role}': , noted: { labels.note: 'a, b' } } }";
    assert_eq!(nodes(&source_in(folder.path(), rules).unwrap()), ["web docker://web front,noted"]);
    for (text, part) in [
        ("[]", "no JSON object"),
        ("{\"ID\": \"1\", \"Names\": \"--privileged\"}", "names an option"),
        ("{\"ID\": \"1\", \"Names\": \"a\"}\n{\"ID\": \"2\", \"Names\": \"a\"}", "two nodes are called a"),
        ("{\"ID\": \"1\", \"Names\": \"a\"}\n{\"ID\": \"2\"}", "a container without a name"),
        ("{\"ID\": \"1\", \"Names\": \"a\"}\n5", "is an integer, not a list of containers"),
        ("{\"ID\": \"1\", \"Names\": \"a\"}\nerror: x", "given:2:1: is not JSON"),
    ] {
        let error = parsed(text).expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
    }
    for (kind, text) in [(Kind::Docker, ""), (Kind::Docker, "\n"), (Kind::Podman, "[]")] {
        let errors = Inventory::parse(Some(kind), Path::new("ps"), text.as_bytes()).unwrap_err();
        assert!(errors[0].to_string().contains("has no nodes"), "{errors:?}");
    }
}

#[test]
fn machines_of_vagrant_are_read_line_by_line() {
    let text = "\nHost web\n  HostName 10.0.0.1\n  User vagrant\n  Port 2222\n  IdentityFile \"/a key\"\n  IdentityFile b\n  ProxyCommand nc %h\n\nHost db\n  HostName fd00::1\n  ProxyJump ops@gate\n";
    let inventory = parsed(text).unwrap();
    assert_eq!(nodes(&inventory), ["web ssh://vagrant@10.0.0.1:2222", "db ssh://[fd00::1]"]);
    assert_eq!(inventory.notes, ["ProxyCommand is ignored (web)"]);
    let identities = inventory.nodes["web"].connection.identities.clone().unwrap();
    assert_eq!(identities, [PathBuf::from("/a key"), PathBuf::from("b")]);
    assert_eq!(inventory.nodes["db"].connection.jumps.as_deref().unwrap(), ["ops@gate"]);
    for (text, part) in [
        ("Host a\n  HostName x\n  Port many\n", "given:3: Port is a number"),
        ("Host a\n  HostName x\nHost a\n  HostName y\n", "given:3: the machine a is there twice"),
        ("Host a b\n  HostName x\n", "given:1: the name of the machine \"a b\" holds a blank"),
        ("Host a\n  HostName -oProxyCommand=x\n", "gives no target"),
        ("Host a\n  HostName x\n==> warning\n", "given:3: is not what vagrant ssh-config prints"),
    ] {
        let error = parsed(text).expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

/// A folder with files of these names and texts.
fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        if text.starts_with("#!") {
            assert!(Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
        }
    }
    folder
}

#[test]
fn a_folder_adds_up_its_files() {
    let state = state("", &instance("web", r#"{"attributes": {"private_ip": "10.0.0.1", "tags": {"Name": "web1"}}}"#));
    let folder = site(&[
        ("inv/10-terraform.yml", "terraform: ../infra/terraform.tfstate\ngroups: [web]\nuser: admin\n"),
        (
            "inv/20-own.yml",
            "nodes: { lone: }\ngroups:\n  web: { nodes: [lone], attributes: { tries: 3 } }\n  site: { children: [web] }\n",
        ),
        ("inv/30-hosts.ini", "[web]\ndb1 ansible_host=10.0.0.5\n"),
        ("inv/README.md", "nothing"),
        ("inv/.hidden", "nodes: {"),
        ("infra/terraform.tfstate", &state),
    ]);
    let inventory = source_in(folder.path(), "inv").unwrap();
    assert_eq!(
        nodes(&inventory),
        ["web1 ssh://admin@10.0.0.1 site,web", "lone ssh://lone site,web", "db1 ssh://10.0.0.5 site,web"]
    );
    assert!(inventory.groups["web"].attributes.is_some());
    for (file, text, part) in [
        (
            "inv/40.yml",
            "nodes: { lone: ssh://other }",
            "two nodes are called lone: inv/20-own.yml:1:10 and inv/40.yml:1:10",
        ),
        ("inv/40.yml", "nodes: { db1: }", "two nodes are called db1"),
        ("inv/40.yml", "groups: { web: { attributes: { tries: 4 } } }", "two files give attributes of the group web"),
        ("inv/40.yml", "nodes: { a: { groups: [wbe] } }", "did you mean web?"),
        ("inv/40.yml", "nodes: {", "inv/40.yml:"),
        ("inv/40/50.yml", "nodes: { x: 5 }", "inv/40/50.yml:1:13"),
    ] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let error = source_in(folder.path(), "inv").expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
        std::fs::remove_file(path).unwrap();
    }
    // Equal targets are one node, of which one file says more.
    std::fs::write(
        folder.path().join("inv/40.yml"),
        "nodes: { lone: { groups: [new], transport: { user: x } } }\ngroups: { new: }",
    )
    .unwrap();
    assert_eq!(nodes(&source_in(folder.path(), "inv").unwrap())[1], "lone ssh://lone new,site,web");
    let empty = site(&[("inv/README.md", "nothing")]);
    assert!(source_in(empty.path(), "inv").unwrap_err().contains("no file in it names one"));
}

#[test]
fn sources_are_named_in_many_ways() {
    let folder = site(&[
        ("nodes.yml", "nodes: { a: }"),
        ("kubectl:x", "nodes: { odd: }"),
        ("list", "#!/bin/sh\necho \"$*\" >&2; echo '{\"web\": {\"hosts\": [\"b\"]}, \"_meta\": {}}'\n"),
        ("loop.yml", "file: loop.yml\n"),
        ("empty", "#!/bin/sh\necho '{}'\n"),
        ("garbage", "#!/bin/sh\nprintf '\\001\\002 oh: [no'\n"),
        ("hangs", "#!/bin/sh\nsleep 300\n"),
        ("fails", "#!/bin/sh\necho no credentials >&2; exit 3\n"),
    ]);
    let read = |text: &str| source_in(folder.path(), text);
    for (text, expected) in [
        ("nodes.yml", "a ssh://a"),
        ("probity:nodes.yml", "a ssh://a"),
        ("kubectl:x", "odd ssh://odd"),
        ("{ file: nodes.yml }", "a ssh://a"),
        ("{ file: nodes.yml, format: probity }", "a ssh://a"),
        ("list", "b ssh://b web"),
        ("'command:./list --json'", "b ssh://b web"),
        ("{ command: [./list, --json], format: ansible }", "b ssh://b web"),
        ("{ command: \"./list 'a b'\", timeout: 30s }", "b ssh://b web"),
    ] {
        let inventory = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(nodes(&inventory), [expected], "{text}");
    }
    for (text, parts) in [
        ("none.yml", &["none.yml: the inventory cannot be read"][..]),
        ("terrafrom:x", &["there is no kind terrafrom", "did you mean terraform:?"]),
        ("'terraform:'", &["terraform: names no file"]),
        ("'command:'", &["names no program"]),
        ("''", &["without a name"]),
        ("loop.yml", &["names a source that names a source"]),
        ("{ file: nodes.yml, command: x }", &["the inventory has file and command"]),
        ("{ format: ansible }", &["does not say what it is read from"]),
        ("{ flie: x }", &["site.yml:1:3: unknown key flie", "did you mean file?"]),
        ("{ file: nodes.yml, format: ansibel }", &["did you mean ansible?"]),
        ("{ file: nodes.yml, timeout: soon }", &["timeout is no length of time"]),
        ("{ file: nodes.yml, allow_empty: 5 }", &["allow_empty is true or false"]),
        ("{ command: [] }", &["command names no program"]),
        ("{ command: [[x]] }", &["a word of command is a list"]),
        ("{ command: [no-such-program-here] }", &["no-such-program-here cannot be run", "install"]),
        ("{ ansible: nodes.yml, user: x }", &["user is a rule for machines, and ansible names its nodes itself"]),
        ("[a]", &["the inventory is a list, not a map"]),
        ("command:./empty", &["./empty: the inventory has no nodes", "allow_empty"]),
        ("command:./garbage", &["./garbage:1:1: control character"]),
        ("command:./fails", &["./fails failed (exit status: 3); it said: no credentials"]),
        ("{ command: ./hangs, timeout: 300ms }", &["./hangs took longer than 0.3 s"]),
        ("{ file: hangs, timeout: 300ms }", &["./hangs --list took longer than 0.3 s"]),
        ("{ kubectl: { contxt: x } }", &["did you mean context?"]),
        ("{ terraform: [x] }", &["terraform is a list, not a path"]),
        ("docker:.", &["is a folder, and docker is asked in none"]),
    ] {
        let error = read(text).expect_err(text);
        parts.iter().for_each(|part| assert!(error.contains(part), "{text} should say {part:?}\n{error}"));
    }
    assert!(read("{ command: ./empty, allow_empty: true }").unwrap().nodes.is_empty());
}

#[test]
fn tools_are_asked_with_their_own_words() {
    let program = |words: &str, printed: &str| {
        format!(
            "#!/bin/sh\n[ \"$*\" = '{words}' ] || {{ echo \"asked: $*\" >&2; exit 9; }}\npwd >&2\ncat <<'END'\n{printed}\nEND\n"
        )
    };
    let node = r#"{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}}"#;
    let show =
        r#"{"format_version": "1.0", "values": {"outputs": {"nodes": {"sensitive": false, "value": {"t": "h"}}}}}"#;
    let folder = site(&[
        ("bin/kubectl", &program("get nodes -o json --context=prod", node)),
        ("bin/docker", &program("ps --no-trunc --format json", r#"{"ID": "1", "Names": "c"}"#)),
        ("bin/podman", &program("ps --no-trunc --format json", r#"[{"Id": "1", "Names": ["p"]}]"#)),
        ("bin/vagrant", &program("ssh-config", "Host v\n  HostName h\n")),
        ("bin/tofu", &program("show -json", show)),
        ("infra/.terraform.lock.hcl", "provider \"registry.opentofu.org/hashicorp/aws\" {}"),
    ]);
    let path = format!("{}:/usr/bin:/bin", folder.path().join("bin").display());
    let environment = [("PATH".into(), path.into())];
    let read = |text: &str| {
        let document = Document::parse("site.yml", text.as_bytes()).unwrap();
        let source = Source::from_yaml(&document, &document.root, folder.path()).unwrap();
        let reading = Reading { folder: folder.path(), environment: &environment, ..Reading::here() };
        nodes(&source.read(&reading).unwrap_or_else(|errors| panic!("{text}: {errors:?}")))
    };
    assert_eq!(read("{ kubectl: { context: prod } }"), ["n ssh://10.0.0.1"]);
    assert_eq!(read("'docker:'"), ["c docker://c"]);
    assert_eq!(read("{ podman: }"), ["p podman://p"]);
    assert_eq!(read("vagrant:infra"), ["v ssh://h"]);
    for text in [
        "terraform:infra",
        "{ terraform: { dir: infra } }",
        "{ terraform: { dir: infra, program: tofu } }",
        "{ terraform: infra, user: x }",
    ] {
        assert_eq!(read(text), ["t ssh://h"], "{text}");
    }
}

#[test]
fn real_states_of_opentofu_or_terraform_are_read() {
    let mut lacking = Lacking::default();
    let here =
        |program: &str| Command::new(program).arg("version").output().is_ok_and(|output| output.status.success());
    let found = ["tofu", "terraform"].into_iter().find(|program| here(program));
    if found.is_none() && !lacking.has("tofu", "a real state of OpenTofu or Terraform") {
        return;
    }
    let program = found.unwrap();
    let configuration = r#"
resource "terraform_data" "web" {
  for_each = { a = "10.0.0.1", b = "10.0.0.2" }
  input    = { name = "web-${each.key}", ip = each.value, secret = sensitive("hunter2") }
}
resource "terraform_data" "db" {
  count = 2
  input = { name = "db", ip = "10.0.1.${count.index}" }
}
module "inner" { source = "./inner" }
output "endpoint" { value = "x" }
"#;
    let folder = site(&[
        ("main.tf", configuration),
        (
            "inner/main.tf",
            "resource \"terraform_data\" \"one\" {\n  input = { name = \"inner\", ip = \"fd00::1\" }\n}\n",
        ),
    ]);
    let run = |args: &[&str]| {
        let output =
            Command::new(program).args(args).current_dir(folder.path()).env("TF_IN_AUTOMATION", "1").output().unwrap();
        assert!(output.status.success(), "{args:?}\n{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    run(&["init", "-no-color", "-input=false"]);
    run(&["apply", "-no-color", "-input=false", "-auto-approve"]);
    let rules = "resources: [{ type: terraform_data, name: '{output.name}-{terraform_address}', address: output.ip, groups: ['{output.name}'] }]";
    let expected = [
        "db-terraform_data.db[0] ssh://10.0.1.0 db",
        "db-terraform_data.db[1] ssh://10.0.1.1 db",
        "web-a-terraform_data.web[\"a\"] ssh://10.0.0.1 web-a",
        "web-b-terraform_data.web[\"b\"] ssh://10.0.0.2 web-b",
        "inner-module.inner.terraform_data.one ssh://[fd00::1] inner",
    ];
    let sorted = |mut nodes: Vec<String>| {
        nodes.sort();
        nodes
    };
    let expected = sorted(expected.map(str::to_string).to_vec());
    let read = |text: &str| source_in(folder.path(), text);
    std::fs::write(folder.path().join("show.json"), run(&["show", "-json"])).unwrap();
    for from in [
        "terraform: terraform.tfstate",
        "terraform: .",
        &format!("terraform: {{ dir: ., program: {program} }}"),
        "terraform: show.json",
    ] {
        let text = format!("{{ {from}, {rules} }}");
        assert_eq!(sorted(nodes(&read(&text).unwrap_or_else(|error| panic!("{from}: {error}")))), expected, "{from}");
        // What is sensitive is known to be, and stays where it is.
        let error = read(&text.replace("output.ip", "input.secret")).unwrap_err();
        assert!(error.contains("is sensitive") && !error.contains("hunter2"), "{from}: {error}");
    }
    // An output goes before the resources.
    let inventory =
        "output \"nodes\" { value = { for key, one in terraform_data.web : one.output.name => one.output.ip } }\n";
    std::fs::write(
        folder.path().join("nodes.tf"),
        inventory
            .replace("one.output.name", "nonsensitive(one.output.name)")
            .replace("one.output.ip", "nonsensitive(one.output.ip)"),
    )
    .unwrap();
    run(&["apply", "-no-color", "-input=false", "-auto-approve"]);
    assert_eq!(nodes(&read("terraform.tfstate").unwrap()), ["web-a ssh://10.0.0.1", "web-b ssh://10.0.0.2"]);
    std::fs::write(folder.path().join("output.json"), run(&["output", "-json"])).unwrap();
    assert_eq!(nodes(&read("output.json").unwrap()), ["web-a ssh://10.0.0.1", "web-b ssh://10.0.0.2"]);
    // Nothing is left: no nodes, which is an error, and no silence.
    run(&["destroy", "-no-color", "-input=false", "-auto-approve"]);
    assert!(read("terraform:.").unwrap_err().contains("has no nodes"));
}

#[test]
fn real_containers_are_nodes() {
    let mut lacking = Lacking::default();
    if !lacking.has("podman", "containers as podman lists them")
        || !lacking.has("root", "containers as podman lists them")
    {
        return;
    }
    // No container may run here: what is printed then is read as what it is.
    let output = Command::new("podman").args(["ps", "--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = printed.as_array().unwrap().iter().filter(|one| one["IsInfra"] != true).count();
    let inventory = source("{ podman: , allow_empty: true }").unwrap();
    // Others may start and end containers meanwhile.
    assert!(inventory.nodes.len().abs_diff(count) <= 20, "{:?}", nodes(&inventory));
    assert!(nodes(&inventory).iter().all(|node| node.contains("podman://")), "{:?}", nodes(&inventory));
}

#[test]
fn show_prints_what_was_understood() {
    let folder = site(&[
        (
            "hosts",
            "[web]\nweb1 ansible_host=10.0.0.1 ansible_user=ops ansible_password=hunter2\nweb2 ansible_ssh_common_args='-C'\n[prod:children]\nweb\n[prod:vars]\nansible_port=2222\nprobity_attributes={'tries': 3}\n",
        ),
        ("none.yml", "nodes:\n"),
    ]);
    let show = |args: &[&str]| probity_in(folder.path(), &[&["inventory", "show"], args].concat());
    let text = show(&["hosts"]);
    assert_eq!(text.code, 0, "{}", text.stderr);
    let expected = "NODE  TARGET          GROUPS    FROM\nweb1  ssh://10.0.0.1  prod,web  hosts:2\nweb2  ssh://web2      prod,web  hosts:3\n2 nodes, 2 groups\n";
    assert_eq!(text.stdout, expected);
    assert_eq!(text.stderr, "note: ansible_ssh_common_args: -C is ignored (web2)\n");
    assert_eq!(show(&["hosts", "-q"]).stderr, "");
    let json: serde_json::Value = serde_json::from_str(&show(&["hosts", "--format", "json"]).stdout).unwrap();
    assert_eq!((&json["format"], &json["version"]), (&"probity/inventory".into(), &1.into()));
    assert_eq!(
        json["nodes"][0],
        serde_json::json!({"name": "web1", "target": "ssh://10.0.0.1", "groups": ["prod", "web"], "from": "hosts:2"})
    );
    assert_eq!(json["groups"][0]["parents"], serde_json::json!(["prod"]));
    assert!(json["notes"][0].as_str().unwrap().contains("-C is ignored"));

    // The YAML is an inventory that says the same.
    let yaml = show(&["hosts", "--format", "yaml"]);
    assert!(yaml.stderr.contains("note: password of node web1 is written out"), "{}", yaml.stderr);
    assert!(!yaml.stdout.contains("hunter2"), "{}", yaml.stdout);
    std::fs::write(folder.path().join("saved.yml"), &yaml.stdout).unwrap();
    let (first, saved) = (source_in(folder.path(), "hosts").unwrap(), source_in(folder.path(), "saved.yml").unwrap());
    assert_eq!(nodes(&saved), nodes(&first));
    assert_eq!(saved.connection(&saved.nodes["web1"]).port, Some(2222));
    assert_eq!(saved.groups["prod"].attributes.as_ref().unwrap().values.to_value().to_string(), "{tries: 3}");

    let none = show(&["none.yml"]);
    assert_eq!((none.code, none.stdout.as_str()), (1, ""));
    assert!(none.stderr.contains("none.yml: the inventory has no nodes"), "{}", none.stderr);
    let wrong = show(&["terrafrom:x"]);
    assert!(wrong.code != 0 && wrong.stderr.contains("did you mean terraform:?"), "{}", wrong.stderr);
    let long = support::probity(&["inventory", "show", "--help"]);
    assert!(long.stdout.lines().all(|line| line.chars().count() <= 80), "{}", long.stdout);
}

#[test]
fn an_interrupt_ends_the_programs_of_inventories() {
    let folder = site(&[("hangs", "#!/bin/sh\nsleep 300 & echo $! > child\nsleep 300\n")]);
    let child = folder.path().join("child");
    for args in [&["inventory", "show", "hangs"][..], &["detect", "--inventory", "hangs"]] {
        let mut probity = Command::new(env!("CARGO_BIN_EXE_probity"))
            .args(args)
            .current_dir(folder.path())
            .stdin(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let number = loop {
            match std::fs::read_to_string(&child) {
                Ok(text) if text.ends_with('\n') => break text.trim().to_string(),
                _ => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
        };
        let pid = rustix::process::Pid::from_raw(probity.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        assert_eq!(probity.wait().unwrap().code(), Some(130), "{args:?}");
        let mut stderr = String::new();
        std::io::Read::read_to_string(&mut probity.stderr.take().unwrap(), &mut stderr).unwrap();
        assert!(stderr.contains("./hangs --list was ended: interrupted"), "{stderr}");
        // The kernel takes a moment to end what was killed.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        loop {
            let status = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
            if status.is_empty() || status.contains(") Z ") {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "the child is left: {status}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        std::fs::remove_file(&child).unwrap();
    }
}

#[test]
fn standard_input_is_read_to_its_end() {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(["inventory", "show", "-", "--format", "yaml"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"ID\": \"1\", \"Names\": \"c\"}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "nodes:\n  c: docker://c\n");
}

#[test]
fn hostile_texts_end_in_errors() {
    let deep_json = ["{\"a\":".repeat(5000), "1".to_string(), "}".repeat(5000)].concat();
    let deep_yaml = (0..500).map(|depth| format!("{}a{depth}:\n", " ".repeat(depth))).collect::<String>();
    let modules = [
        "{\"format_version\": \"1.0\", \"values\": {\"root_module\": ".to_string(),
        "{\"child_modules\": [".repeat(200),
        "]}".repeat(200),
        "}}".to_string(),
    ]
    .concat();
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nall: { vars: { f: [*e,*e,*e,*e,*e,*e,*e,*e,*e] } }\n";
    let range = "[web]\nw[0:9][0:9][0:9][0:9][0:9][0:9]\n";
    for text in [
        deep_json.as_str(),
        &deep_yaml,
        &modules,
        bomb,
        range,
        "[web",
        "{\"ID\"",
        "\u{feff}",
        "[\u{0}]",
        "---\n...\n",
        "= =\n",
        "[a]\n=\n",
    ] {
        assert!(parsed(text).is_err(), "{}", text.chars().take(60).collect::<String>());
        for kind in Kind::ALL {
            // Read as what it is not, it is an error, and no panic.
            assert!(Inventory::parse(Some(kind), Path::new("given"), text.as_bytes()).is_err(), "{kind}: {text:.60}");
        }
    }
}
