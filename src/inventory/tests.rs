use super::*;
use crate::transport::{HostKeyCheck, Tool};
use crate::yaml::Data;

fn read(text: &str) -> Inventory {
    Inventory::parse(None, Path::new("site/nodes.yml"), text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn refused(text: &str) -> String {
    refused_as("nodes.yml", text)
}

fn refused_as(file: &str, text: &str) -> String {
    let errors = Inventory::parse(None, Path::new(file), text.as_bytes()).expect_err(text);
    errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n")
}

fn groups<'a>(inventory: &'a Inventory, node: &str) -> Vec<&'a str> {
    let numbers = &inventory.nodes[node].groups;
    numbers.iter().map(|number| &**inventory.groups.get_index(*number).unwrap().0).collect()
}

fn targets(inventory: &Inventory) -> Vec<String> {
    inventory.nodes.iter().map(|(name, node)| format!("{name} {}", node.target)).collect()
}

fn connection(inventory: &Inventory, node: &str) -> Connection {
    inventory.connection(&inventory.nodes[node])
}

#[test]
fn nodes_keep_the_order_of_the_file_and_have_targets() {
    let inventory = read(
        "nodes:\n  web2: ssh://ops@10.99.0.12:2222\n  web1:\n  db.example.org: { groups: [] }\n  \
         here: { target: 'local://' }\n  10: ssh://ten\n",
    );
    let expected = [
        "web2 ssh://ops@10.99.0.12:2222",
        "web1 ssh://web1",
        "db.example.org ssh://db.example.org",
        "here local://",
        "10 ssh://ten",
    ];
    assert_eq!(targets(&inventory), expected);
    assert_eq!(groups(&inventory, "web1"), ["all"]);
    assert_eq!(inventory.nodes["web1"].place, Place::at("site/nodes.yml", 3, 3));
}

const NESTED: &str = "
nodes:
  a: { groups: [small, web, small] }
  b:
  c: { groups: [prod] }
groups:
  web: { nodes: [b], transport: { user: web, port: 1 } }
  small: { nodes: [c] }
  frontends: { children: [web], transport: { user: front, sudo: true, retries: 7 } }
  prod: { children: [frontends, small] }
  all: { transport: { user: everyone, connect_timeout: 3s } }
";

#[test]
fn all_comes_first_parents_before_children_then_as_listed() {
    let inventory = read(NESTED);
    assert_eq!(groups(&inventory, "a"), ["all", "prod", "small", "frontends", "web"]);
    assert_eq!(groups(&inventory, "b"), ["all", "prod", "frontends", "web"]);
    assert_eq!(groups(&inventory, "c"), ["all", "prod", "small"]);
}

#[test]
fn the_nearer_layer_holds_key_by_key() {
    let inventory = read(NESTED);
    let b = connection(&inventory, "b");
    assert_eq!((b.user.as_deref(), b.port, b.retries), (Some("web"), Some(1), Some(7)));
    assert_eq!(b.privilege, Some(Some(Tool::Sudo)));
    assert_eq!(b.connect_timeout, Some(std::time::Duration::from_secs(3)));
    let c = connection(&inventory, "c");
    assert_eq!((c.user.as_deref(), c.privilege), (Some("everyone"), None));
    let node = read("nodes: { a: { transport: { sudo: false } } }\ngroups: { all: { transport: { su: true } } }\n");
    assert_eq!(connection(&node, "a").privilege, Some(None));
    let options = connection(&node, "a").options(None, &mut |_| panic!("no secret is named")).unwrap();
    assert_eq!(options.privilege, None);
    assert_eq!(options.patience, crate::transport::Patience::default());
}

#[test]
fn what_is_written_reads_as_the_same() {
    let ini = "[web]\na ansible_become=1\nb\n[small]\na\nc\n[prod:children]\nweb\nsmall\n[prod:vars]\nansible_port=5\n";
    let rich = "nodes:\n  a: { target: 'ssh://u@h', groups: [y, x, z], attributes: { n: [1, { m: null }], s: 'no', t: '0644' } }\n  b: 'docker://b'\n\
        groups:\n  x: { transport: { identity: /k, jump: [g, h], password: { env: P }, connect_timeout: 1500ms, retries: 0 } }\n  \
        y: { children: [z], transport: { sudo: false, ssh_config: none, host_key_check: accept-new } }\n  z:\n";
    for inventory in [read(NESTED), ansible(ini), read(rich)] {
        let (yaml, notes) = inventory.to_yaml();
        assert!(notes.is_empty(), "{notes:?}");
        let again = read(&yaml);
        assert_eq!(targets(&again), targets(&inventory), "{yaml}");
        for (name, node) in &inventory.nodes {
            assert_eq!(groups(&again, name), groups(&inventory, name), "{name} in\n{yaml}");
            let plain = |inventory: &Inventory| {
                let text = format!("{:?}", connection(inventory, name));
                // Where a secret is named has another line.
                text.split("At(Place").next().unwrap_or_default().to_string()
            };
            assert_eq!(plain(&again), plain(&inventory), "{yaml}");
            let values =
                |attributes: &Option<Attributes>| attributes.as_ref().map(|one| one.values.to_value().to_string());
            assert_eq!(values(&again.nodes[name].attributes), values(&node.attributes), "{yaml}");
        }
    }
}

#[test]
fn groups_within_each_other_end() {
    let error =
        refused("nodes: { a: }\ngroups:\n  x: { children: [y] }\n  y: { children: [z] }\n  z: { children: [x] }\n");
    assert!(error.contains("nodes.yml:") && error.contains("in each other: x in z in y in x"), "{error}");
    assert!(refused("nodes: { a: }\ngroups: { x: { children: [x] } }\n").contains("x in x"));
    // Many paths to one group are no cycle, and are not walked one by one.
    let mut text = String::from("nodes: { a: { groups: [g0] } }\ngroups:\n  g0:\n");
    for layer in 1..40 {
        for twin in ["l", "r"] {
            let below = if layer == 1 { "[g0]".to_string() } else { format!("[l{0}, r{0}]", layer - 1) };
            text.push_str(&format!("  {twin}{layer}: {{ children: {below} }}\n"));
        }
    }
    assert_eq!(read(&text).nodes["a"].groups.len(), 1 + 1 + 2 * 39);
}

#[test]
fn a_deep_chain_of_groups_is_walked() {
    let mut text = String::from("nodes: { a: { groups: [g0] } }\ngroups:\n  g0:\n");
    for number in 1..3000 {
        text.push_str(&format!("  g{number}: {{ children: [g{}] }}\n", number - 1));
    }
    assert_eq!(read(&text).nodes["a"].groups.len(), 3001);
}

#[test]
fn slips_are_told_with_place_line_and_remedy() {
    for (text, parts) in [
        ("node: {}\n", &["nodes.yml:1:1: unknown key node", "did you mean nodes?"][..]),
        ("nodes:\n  a: { taget: x }\n", &["nodes.yml:2:8: unknown key taget in node a", "did you mean target?"]),
        ("nodes:\n  a:\n  a:\n", &["nodes.yml:3:3"]),
        ("nodes: { a: { groups: [web] } }\n", &["no group web", "groups: `web:`", "nodes.yml:1:24"]),
        ("nodes: { a: { groups: [wbe] } }\ngroups: { web: }\n", &["did you mean web?"]),
        ("nodes: { a: }\ngroups: { web: { nodes: [b] } }\n", &["no node b in the inventory"]),
        ("nodes: { a: }\ngroups: { web: { nodes: [a*] } }\n", &["no node a*"]),
        ("nodes: { a: }\ngroups: { web: { children: [b] } }\n", &["no group b"]),
        ("nodes: { a: }\ngroups: { web: { children: [all] } }\n", &["all is in no other group"]),
        ("nodes: { a: }\ngroups: { all: { nodes: [a] } }\n", &["all lists its nodes"]),
        ("nodes: { a: }\ngroups: { web: { vars: {} } }\n", &["unknown key vars in group web"]),
        ("nodes: { web: }\ngroups: { web: }\n", &["the name of a node and of a group"]),
        ("", &["has no nodes"]),
        ("nodes:\n", &["has no nodes"]),
        ("nodes: [a, b]\n", &["nodes is a map of names, not a list"]),
        ("nodes: { a: 10.0.0.1 }\n", &["nodes.yml:1:13", "write ssh://10.0.0.1"]),
        ("nodes: { a: 5 }\n", &["is an integer, not a URI"]),
        ("nodes: { a: ftp://x }\n", &["unknown scheme ftp"]),
        ("nodes: { 'a/b': ssh://x }\n", &["holds a slash"]),
        ("nodes: { \"a\\tb\": ssh://x }\n", &["control character"]),
        ("nodes: { 'a b': ssh://x }\n", &["holds a blank"]),
        ("nodes: { '..': ssh://x }\n", &["stands for a folder"]),
        ("nodes: { '': ssh://x }\n", &["is empty"]),
        ("nodes: { '!a': ssh://x }\n", &["begins like a pattern"]),
        ("nodes: { 'a@b:c': }\n", &["has no target, and its name is no host"]),
        (
            "nodes: { a: { target: ssh://me@x, transport: { user: you } } }\n",
            &["a user in its target and one in transport"],
        ),
        ("nodes: { a: { attributes: [x] } }\n", &["attributes are a map"]),
        ("nodes: { a: { transport: { sudoo: true } } }\n", &["unknown key sudoo in transport", "did you mean sudo?"]),
        ("nodes: { a: { groups: web } }\n", &["groups is a list of names, not a string"]),
        ("- a\n", &["the inventory is a list, not a map"]),
    ] {
        let error = refused(text);
        for part in parts {
            assert!(error.contains(part), "{text}\nshould say {part:?}:\n{error}");
        }
    }
    // All of them, not the first.
    let error = refused("nodes:\n  a: { groups: [x] }\n  b: { target: 5 }\n  'c/': \n");
    assert_eq!(error.matches("nodes.yml:").count(), 3, "{error}");
    // A password in a URI is not shown, and no source line either.
    let error = refused("nodes:\n  a: ssh://ops:hunter2@x\n");
    assert!(error.contains("ssh://ops:***@x\" holds a password") && !error.contains("hunter2"), "{error}");
}

#[test]
fn attributes_are_kept_with_their_lines() {
    let inventory = read("nodes:\n  a:\n    attributes:\n      tries: 3\n");
    let attributes = inventory.nodes["a"].attributes.as_ref().unwrap();
    let field = &attributes.values.as_map().unwrap()["tries"];
    assert_eq!((field.key.line, matches!(field.value.value, Data::Int(3))), (Some(4), true));
    assert!(read("nodes: { a: { attributes: } }").nodes["a"].attributes.is_none());
}

fn ansible(text: &str) -> Inventory {
    Inventory::parse(None, Path::new("site/hosts.json"), text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// An inventory of one host `h` with these variables.
fn host(variables: &str) -> Result<Inventory, String> {
    let text = format!(r#"{{"_meta": {{"hostvars": {{"h": {variables}}}}}, "all": {{"hosts": ["h"]}}}}"#);
    Inventory::parse(None, Path::new("site/hosts.json"), text.as_bytes())
        .map_err(|errors| errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n"))
}

#[test]
fn ansible_json_is_read() {
    let inventory = ansible(
        r#"{
          "_meta": {"hostvars": {
            "web1": {"ansible_host": "10.0.0.1", "http_port": 80, "probity_attributes": {"tries": 3}},
            "web2": {"ansible_user": "me"}
          }},
          "all": {"children": ["ungrouped", "web", "prod"]},
          "ungrouped": {"hosts": ["lone"]},
          "prod": {"children": ["web"], "vars": {"ansible_user": "ops", "ansible_port": "2222"}},
          "web": {"hosts": ["web1", "web2"], "vars": {"probity_attributes": {"tries": 5}, "ansible_become": "yes"}},
          "old": ["web1", "old1"]
        }"#,
    );
    let expected = ["web1 ssh://10.0.0.1", "web2 ssh://web2", "lone ssh://lone", "old1 ssh://old1"];
    assert_eq!(targets(&inventory), expected);
    assert_eq!(groups(&inventory, "web1"), ["all", "old", "prod", "web"]);
    assert_eq!(groups(&inventory, "lone"), ["all", "ungrouped"]);
    let (web1, web2) = (connection(&inventory, "web1"), connection(&inventory, "web2"));
    assert_eq!((web1.user.as_deref(), web1.port, web1.privilege), (Some("ops"), Some(2222), Some(Some(Tool::Sudo))));
    assert_eq!(web2.user.as_deref(), Some("me"));
    assert_eq!(connection(&inventory, "old1").user, None);
    let owner = |attributes: &Option<Attributes>| attributes.as_ref().and_then(|one| one.owner.clone()).unwrap();
    assert_eq!(&*owner(&inventory.nodes["web1"].attributes), "host web1");
    assert_eq!(&*owner(&inventory.groups["web"].attributes), "group web");
    assert!(inventory.notes.is_empty(), "{:?}", inventory.notes);
}

/// Each node with the groups it is in, `all` aside.
fn memberships(inventory: &Inventory) -> Vec<String> {
    let line = |name: &Arc<str>| format!("{name}: {}", groups(inventory, name)[1..].join(" "));
    inventory.nodes.keys().map(line).collect()
}

#[test]
fn ini_is_read() {
    let inventory = ansible(
        "; a comment\nlone ansible_host=10.0.0.9\n\n[web]  # front\nweb[01:02] ansible_user=ops  http_port=80 # here\n\
         db1:2222 ansible_become=yes\n[db]\ndb1 ansible_host='10.0.0.5' # again\n[prod:children]\nweb\ndb\n\
         [prod:vars]\nansible_user = root\nansible_ssh_private_key_file = 'keys/ops'\n\
         probity_attributes = {'tries': 3, 'names': ['a']}\n[all:vars]\nansible_port=2200\n",
    );
    let expected = ["lone ssh://10.0.0.9", "web01 ssh://web01", "web02 ssh://web02", "db1 ssh://10.0.0.5"];
    assert_eq!(targets(&inventory), expected);
    assert_eq!(memberships(&inventory), ["lone: ungrouped", "web01: prod web", "web02: prod web", "db1: prod db web"]);
    let (web, db) = (connection(&inventory, "web01"), connection(&inventory, "db1"));
    assert_eq!((web.user.as_deref(), web.port), (Some("ops"), Some(2200)));
    assert_eq!(web.identities.unwrap(), [PathBuf::from("site/keys/ops")]);
    assert_eq!((db.user.as_deref(), db.port, db.privilege), (Some("root"), Some(2222), Some(Some(Tool::Sudo))));
    let attributes = inventory.groups["prod"].attributes.as_ref().unwrap();
    assert_eq!((&attributes.owner, attributes.values.place.line), (&None, Some(15)));
    assert_eq!(attributes.values.to_value().to_string(), "{tries: 3, names: [\"a\"]}");
    assert_eq!(inventory.nodes["web02"].place, Place::line("site/hosts.json", 5));
    assert!(matches!(inventory.nodes["web01"].variable("http_port").unwrap().value.value, Data::Int(80)));
    // Names alone are hosts.
    assert_eq!(targets(&ansible("a\nb.example.org\n")), ["a ssh://a", "b.example.org ssh://b.example.org"]);
}

#[test]
fn slips_in_ini_have_their_line() {
    for (text, parts) in [
        ("[web]\na b\n", &["hosts:2: behind the host a stands a word that is no NAME=VALUE"][..]),
        ("[web:hots]\na\n", &["hosts:1: [web:hots] is no title", ":children"]),
        ("[web x]\na\n", &["hosts:1: [web x] is no title"]),
        ("[web]\na\n[prod:children]\nwbe\n", &["hosts:4:", "group wbe, which has no section", "did you mean web?"]),
        ("[web]\na\n[prod:vars]\nx=1\n", &["hosts:3:", "[prod:vars] is about a group that has no section"]),
        ("[web]\na\n[web:vars]\nhunter2\n", &["hosts:4: a line of [web:vars] is no NAME=VALUE"]),
        ("[web]\na x='1\n", &["hosts:2: a line of a host: a quote is not closed"]),
        ("[web]\na[1-5]\n", &["hosts:2: the host a[1-5] has [1-5], which is no range", "[BEGIN:END]"]),
        ("[web]\na/b\n", &["hosts:2: the name of the host \"a/b\" holds a slash"]),
        ("[we/b]\na\n", &["hosts:1: the name of the group \"we/b\" holds a slash"]),
        ("[a:children]\nb\n[b:children]\na\n[b]\nx\n", &["groups are in each other"]),
        ("[web]\na ansible_port=many\n", &["hosts:2: ansible_port of a is not a number"]),
        ("[web]\n", &["has no nodes"]),
    ] {
        let error = refused_as("hosts", text);
        for part in parts {
            assert!(error.contains(part), "{text}\nshould say {part:?}:\n{error}");
        }
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn yaml_of_ansible_is_read() {
    let inventory = ansible(
        "all:\n  vars: { ansible_user: everyone }\n  hosts:\n    lone:\n  children:\n    web:\n      hosts:\n        \
         web[1:2]:\n          ansible_port: 2222\n          ansible_become: yes\n          secret: !vault |\n            \
         $ANSIBLE_VAULT;1.1;AES256\n            66\n          raw: !unsafe '{{ x }}'\n    prod:\n      children:\n        \
         web:\n          vars: { ansible_user: ops, probity_attributes: { mode: 0644 } }\n",
    );
    assert_eq!(targets(&inventory), ["lone ssh://lone", "web1 ssh://web1", "web2 ssh://web2"]);
    assert_eq!(memberships(&inventory), ["lone: ungrouped", "web1: prod web", "web2: prod web"]);
    let web = connection(&inventory, "web1");
    assert_eq!((web.user.as_deref(), web.port, web.privilege), (Some("ops"), Some(2222), Some(Some(Tool::Sudo))));
    assert_eq!(connection(&inventory, "lone").user.as_deref(), Some("everyone"));
    let attributes = inventory.groups["web"].attributes.as_ref().unwrap();
    assert_eq!(attributes.values.to_value().to_string(), "{mode: 420}");
    assert_eq!(attributes.values.place.line, Some(18));
    for (text, part) in [
        ("all:\n  hosts: [a]\n", "hosts of the group all is a list, not a map"),
        ("all: { hosts: { a: 5 } }\n", "the host a is an integer, not a map"),
        ("web: { hosts: { a: { ansible_password: !vault x } } }\n", "ansible_password of a is encrypted"),
        ("web: { hosts: { 'a[1:]': } }\n", "without an end"),
        ("web: { hosts: { a:, a: } }\n", "there twice"),
        ("web: { hosts: { a: { x: !other y } } }\n", "unknown tag"),
        ("plugin: aws_ec2\nall: { hosts: { a: } }\n", "configuration of a plugin"),
    ] {
        assert!(refused(text).contains(part), "{text}: {}", refused(text));
    }
    for text in [
        "all: { hosts: { a: { ansible_password: hunter2, ansible_password: hunter3 } } }\n",
        "all: { hosts: { a: { ansible_password: hunter2, x: !other y } } }\n",
        "all: { hosts: { a: { ansible_password: hunter2 } }, children: hunter2/ }\n",
        "all: { hosts: { a: { ansible_password: hunter2 }, b: 5 } }\n",
        "all: { hosts: { a: { ansible_password: hunter2, ansible_port: x } } }\n",
        "web: { hosts: { a: { ansible_password: hunter2 } }, children: { web: } }\n",
        "all:\n\tansible_password: hunter2\n",
    ] {
        let error = refused(text);
        assert!(error.contains("nodes.yml:") && !error.contains("password: hunter"), "{text}: {error}");
    }
    let note = ansible("web: { hosts: { a: }, host: { b: } }\n").notes;
    assert!(note[0].contains("the key host of the group web"), "{note:?}");
}

#[test]
fn files_of_variables_beside_it_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("hosts", "[web]\na ansible_port=1\nb ansible_user=inline\n[web:vars]\nansible_user=group\n");
    write("group_vars/all", "ansible_user: all\nansible_port: 5\n");
    write("group_vars/web/10.yml", "ansible_user: file\nprobity_attributes: { tries: 2 }\n");
    write("group_vars/web/20.yml", "ansible_user: later\n");
    write("group_vars/web/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n66\n");
    write("group_vars/web/old.yml~", "ansible_user: never\n");
    write("host_vars/a.yaml", "ansible_port: 7\n");
    let read = || Source::of_path("hosts").read(&Reading { folder: folder.path(), ..Reading::here() });
    let inventory = read().unwrap();
    let (a, b) = (connection(&inventory, "a"), connection(&inventory, "b"));
    assert_eq!((a.user.as_deref(), a.port), (Some("later"), Some(7)));
    assert_eq!((b.user.as_deref(), b.port), (Some("inline"), Some(5)));
    let attributes = inventory.groups["web"].attributes.as_ref().unwrap();
    assert!(attributes.values.place.file.ends_with("group_vars/web/10.yml"), "{attributes:?}");
    assert!(inventory.notes[0].contains("vault.yml is encrypted"), "{:?}", inventory.notes);
    write("host_vars/a.yaml", "- x\n");
    assert!(read().unwrap_err()[0].to_string().contains("host_vars/a.yaml:1:1: variables are a map"));
}

#[test]
fn connection_variables_become_options() {
    let one = |variables: &str| {
        let inventory = host(variables).unwrap_or_else(|error| panic!("{variables}: {error}"));
        (inventory.nodes["h"].target.to_string(), connection(&inventory, "h"))
    };
    for (variables, target) in [
        ("{}", "ssh://h"),
        (r#"{"ansible_ssh_host": "x"}"#, "ssh://x"),
        (r#"{"ansible_host": "::1"}"#, "ssh://[::1]"),
        (r#"{"ansible_connection": "local"}"#, "local://"),
        (r#"{"ansible_connection": "community.docker.docker", "ansible_host": "c"}"#, "docker://c"),
        (r#"{"ansible_connection": "podman"}"#, "podman://h"),
        (
            r#"{"ansible_connection": "kubectl", "ansible_kubectl_namespace": "n", "ansible_kubectl_pod": "p"}"#,
            "kubectl://n/p",
        ),
    ] {
        assert_eq!(one(variables).0, target, "{variables}");
    }
    let (_, read) =
        one(r#"{"ansible_ssh_private_key_file": "keys/ops", "ansible_password": "hunter2", "ansible_become": true,
            "ansible_become_method": "su", "ansible_become_user": "app", "ansible_become_pass": "hunter3",
            "ansible_host_key_checking": false, "ansible_ssh_common_args": "-J gate -o User=x"}"#);
    assert_eq!(read.identities.unwrap(), [PathBuf::from("site/keys/ops")]);
    assert_eq!((read.privilege, read.privilege_user.as_deref()), (Some(Some(Tool::Su)), Some("app")));
    assert_eq!((read.jumps.unwrap(), read.host_key_check), (vec!["gate".to_string()], Some(HostKeyCheck::Off)));
    let given = |source: Option<SecretSource>| source.unwrap().read(&|_| None, None).unwrap().reveal().to_string();
    assert_eq!((given(read.password), given(read.privilege_password)), ("hunter2".into(), "hunter3".into()));
    assert_eq!(one(r#"{"ansible_become": false, "ansible_become_password": "{{ x }}"}"#).1.privilege, None);
    let notes = host(r#"{"ansible_ssh_common_args": "-o ProxyCommand='ssh -W %h:%p gate'"}"#).unwrap().notes;
    assert_eq!(notes, ["ansible_ssh_common_args: -o ProxyCommand is ignored (h)"]);
}

#[test]
fn what_only_ansible_can_read_is_an_error() {
    for (variables, parts) in [
        (r#"{"ansible_host": "{{ lookup('x') }}"}"#, &["ansible_host of h is a template", "site/hosts.json"][..]),
        (r#"{"ansible_password": "{{ vault_password }}"}"#, &["ansible_password of h is a template"]),
        (r#"{"ansible_password": {"__ansible_vault": "x"}}"#, &["encrypted with ansible-vault", "--ssh-password-env"]),
        (r#"{"ansible_password": "$ANSIBLE_VAULT;1.1;AES256\n66"}"#, &["encrypted with ansible-vault"]),
        (
            r#"{"probity_attributes": {"token": {"__ansible_vault": "x"}}}"#,
            &["probity_attributes of host h is encrypted"],
        ),
        (r#"{"probity_attributes": [1]}"#, &["probity_attributes of host h is a list, not an object"]),
        (r#"{"ansible_connection": "winrm"}"#, &["ansible_connection of h is winrm", "--nodes"]),
        (r#"{"ansible_port": 0}"#, &["ansible_port of h is not a number from 1 to 65535"]),
        (r#"{"ansible_port": [22]}"#, &["ansible_port of h is a list"]),
        (r#"{"ansible_host": "a b"}"#, &["ansible_host of h gives no target"]),
        (r#"{"ansible_become": "perhaps"}"#, &["ansible_become of h is neither true nor false"]),
        (r#"{"ansible_become": 1, "ansible_become_method": "pbrun"}"#, &["ansible_become_method of h is pbrun"]),
        (r#"{"ansible_ssh_common_args": "-o 'x"}"#, &["a quote is not closed"]),
        ("[]", &["_meta.hostvars of h is a list"]),
    ] {
        let error = host(variables).expect_err(variables);
        for part in parts {
            assert!(error.contains(part), "{variables}\nshould say {part:?}:\n{error}");
        }
        assert!(!error.contains("AES256"), "{error}");
    }
    for (text, part) in [
        (r#"{"all": {"hosts": ["a"]}"#, "is not JSON"),
        (r#"{"all": {"hosts": "a"}}"#, "hosts of group all is a string, not a list"),
        (r#"{"all": {"hosts": [1]}}"#, "one is an integer"),
        (r#"{"all": {"hosts": ["a/b"]}}"#, "holds a slash"),
        (r#"{"all": 5}"#, "group all is an integer"),
        (r#"{"x": {"children": ["y"]}, "y": {"children": ["x"], "hosts": ["a"]}}"#, "in each other"),
        (r#"{"a": ["h"], "a": ["i"]}"#, "there twice"),
        ("{}", "has no nodes"),
    ] {
        assert!(refused(text).contains(part), "{text}: {}", refused(text));
    }
}

#[test]
fn hostile_bytes_end_in_errors() {
    for bytes in [&b"\xff\xfe"[..], b"nodes: \0", b"{\"a\": \"\xff\"}", b"{", b"nodes: &a [*a]", b"\x1f\x8b"] {
        assert!(Inventory::parse(None, Path::new("n"), bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn an_executable_file_is_run_whatever_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts");
    let run = |text: &str| {
        std::fs::write(&path, text).unwrap();
        assert!(std::process::Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
        Source::of_path(&path).read(&Reading::here())
    };
    let json = run("#!/bin/sh\n[ \"$1\" = --list ] && echo '{\"web\": [\"a\"]}' || echo \"{\\\"ansible_host\\\": \\\"$2.example.org\\\"}\"\n").unwrap();
    assert_eq!(targets(&json), ["a ssh://a.example.org"]);
    assert!(json.notes.is_empty(), "{:?}", json.notes);
    let errors = run("#!/bin/sh\n[ \"$1\" = --list ] && echo '{\"web\": [\"a\"]}' || echo 5\n").unwrap_err();
    assert!(errors[0].to_string().contains("prints an integer of a, not an object"), "{errors:?}");
    assert!(ansible(r#"{"web": ["a"]}"#).notes[0].contains("_meta"));
    let yaml = run("#!/bin/sh\necho 'nodes: { b: }'\n").unwrap();
    assert_eq!(targets(&yaml), ["b ssh://b"]);
    let errors = run("#!/bin/sh\nexit 0\n").unwrap_err();
    assert!(errors[0].to_string().contains("has no nodes"), "{errors:?}");
    let missing = Source::of_path("no/such.yml").read(&Reading::here()).unwrap_err();
    assert!(missing[0].to_string().starts_with("no/such.yml: the inventory cannot be read"), "{missing:?}");
}

#[test]
fn a_thousand_nodes_are_read_in_no_time() {
    let mut text = String::from("nodes:\n");
    for number in 0..5000 {
        text.push_str(&format!("  n{number}: {{ groups: [g{}], attributes: {{ a: {number} }} }}\n", number % 50));
    }
    text.push_str("groups:\n");
    (0..50).for_each(|number| text.push_str(&format!("  g{number}:\n")));
    let began = std::time::Instant::now();
    assert_eq!(read(&text).nodes.len(), 5000);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_readers(text in "(\\PC|[\\n{}\\[\\]:,\"']|nodes|groups|all|hosts|vars|children|_meta|hostvars){0,60}") {
        let _ = Inventory::parse(None, Path::new("n"), text.as_bytes());
        let _ = Inventory::parse(None, Path::new("n"), format!("{{{text}").as_bytes());
        let _ = Inventory::parse(None, Path::new("n.ini"), format!("[a]\n{text}\n[a:vars]\n{text}").as_bytes());
        let _ = Inventory::parse(None, Path::new("n"), format!("all:\n  hosts:\n    {text}").as_bytes());
        let _ = Inventory::parse(None, Path::new("n"), format!("Host a\n  HostName {text}").as_bytes());
        for kind in Kind::ALL {
            let _ = Inventory::parse(Some(kind), Path::new("n"), text.as_bytes());
        }
        let _ = host(&format!("{{\"ansible_ssh_common_args\": {}}}", serde_json::Value::from(text.as_str())));
        let _ = host(&format!("{{\"ansible_host\": {}}}", serde_json::Value::from(text.as_str())));
    }
}
