use super::*;
use crate::transport::Tool;

/// A folder with inventories, and what is asked of them.
struct Site {
    folder: tempfile::TempDir,
    files: Vec<inventory::Source>,
    targets: Vec<String>,
    nodes: Vec<String>,
    connection: Connection,
}

impl Site {
    fn new(files: &[&str]) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let write = |(number, text): (usize, &&str)| {
            let path = folder.path().join(format!("{number}.yml"));
            std::fs::write(&path, text).unwrap();
            inventory::Source::of_path(path)
        };
        let files = files.iter().enumerate().map(write).collect();
        Site { folder, files, targets: Vec::new(), nodes: Vec::new(), connection: Connection::default() }
    }

    fn targets(mut self, targets: &[&str]) -> Site {
        self.targets = targets.iter().map(|text| text.to_string()).collect();
        self
    }

    fn choose(mut self, patterns: &[&str]) -> Site {
        self.nodes = patterns.iter().map(|text| text.to_string()).collect();
        self
    }

    fn read(&self) -> Result<Nodes, String> {
        let wanted = Wanted {
            targets: &self.targets,
            inventories: &self.files,
            reading: Reading::here(),
            nodes: &self.nodes,
            connection: &self.connection,
            prompt: None,
        };
        let environment = |name: &str| match name {
            "PASSWORD" => Some("s3cret".into()),
            "EMPTY" => Some("".into()),
            _ => None,
        };
        let folder = format!("{}/", self.folder.path().display());
        read(&wanted, &environment).map_err(|errors| {
            errors.iter().map(|error| error.to_string().replace(&folder, "")).collect::<Vec<_>>().join("\n")
        })
    }

    fn names(&self) -> Vec<String> {
        let plan = self.read().unwrap_or_else(|error| panic!("{error}"));
        plan.nodes.iter().map(|node| node.name.to_string()).collect()
    }
}

const WEB: &str = "nodes:\n  web1:\n  web2: { groups: [web] }\n  db1: ssh://ops@db1:2222\n\
    groups: { web: { nodes: [web1] }, db: { nodes: [db1] }, none: }\n";

#[test]
fn without_anything_it_is_this_machine() {
    let plan = Site::new(&[]).read().unwrap();
    assert_eq!((plan.nodes.len(), &plan.nodes[0].target), (1, &Target::Local));
    assert_eq!(plan.nodes[0].name, host_name());
    assert!(plan.nodes[0].groups.is_empty());
}

#[test]
fn targets_come_first_then_each_inventory_in_its_order() {
    let site = Site::new(&[WEB, "nodes: { app: }"]).targets(&["x=ssh://h", "ssh://h:22", "local://"]);
    let host = host_name();
    assert_eq!(site.names(), ["x", "h:22", &*host, "web1", "web2", "db1", "app"]);
}

#[test]
fn names_globs_expressions_and_groups_choose() {
    let chosen = |patterns: &[&str]| Site::new(&[WEB]).choose(patterns).names();
    assert_eq!(chosen(&["web1"]), ["web1"]);
    assert_eq!(chosen(&["web"]), ["web1", "web2"]);
    assert_eq!(chosen(&["db1", "web1"]), ["web1", "db1"]);
    assert_eq!(chosen(&["*1"]), ["web1", "db1"]);
    assert_eq!(chosen(&["/2$/"]), ["web2"]);
    assert_eq!(chosen(&["all", "!web"]), ["db1"]);
    assert_eq!(chosen(&["!db*"]), ["web1", "web2"]);
    let refused = |patterns: &[&str]| Site::new(&[WEB]).choose(patterns).read().unwrap_err();
    assert!(refused(&["web3"]).contains("did you mean web1?"));
    assert!(refused(&["none"]).contains("no node and no group with nodes"));
    assert!(refused(&["!wbe1"]).contains("did you mean web1?"));
    assert!(refused(&["web", "!web"]).contains("leaves no node"));
    assert!(refused(&["/(/", ""]).contains("unclosed group"));
}

#[test]
fn two_nodes_of_one_name_are_an_error_that_names_both() {
    let error = Site::new(&[WEB, "nodes:\n\n  db1:\n"]).targets(&["web1=local://"]).read().unwrap_err();
    assert!(error.contains("two nodes are called web1: -t web1=local:// and 0.yml:2:3"), "{error}");
    assert!(error.contains("two nodes are called db1: 0.yml:4:3 and 1.yml:3:3"), "{error}");
    let error = Site::new(&[]).targets(&["ssh://a", "ssh://ops@a"]).read().unwrap_err();
    assert!(error.contains("-t ssh://a and -t ssh://ops@a") && error.contains("-t NAME=URI"), "{error}");
    assert_eq!(Site::new(&[]).targets(&["a=ssh://h", "b=ssh://h"]).names(), ["a", "b"]);
    // All that is wrong, in one go.
    let error = Site::new(&["nodes: { a: 5 }", "node: x"]).targets(&["web1", "a/b=local://"]).read().unwrap_err();
    for part in ["0.yml:1:13", "unknown key node", "--nodes web1 takes", "holds a slash"] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn the_command_line_wins_over_the_inventory() {
    let text = "nodes:\n  a: ssh://ops@h:2222\n  b: { transport: { user: x, sudo: true, identity: k } }\n\
        groups: { all: { transport: { retries: 9, su: true } } }\n";
    let mut site = Site::new(&[text]).targets(&["c=ssh://me@c"]);
    let plan = site.read().unwrap();
    let uris = |plan: &Nodes| plan.nodes.iter().map(|node| node.target.to_string()).collect::<Vec<_>>();
    assert_eq!(uris(&plan), ["ssh://me@c", "ssh://ops@h:2222", "ssh://b"]);
    let tool = |plan: &Nodes, at: usize| plan.nodes[at].options.privilege.as_ref().map(|privilege| privilege.tool);
    assert_eq!((tool(&plan, 0), tool(&plan, 1), tool(&plan, 2)), (None, Some(Tool::Su), Some(Tool::Sudo)));
    assert_eq!(plan.nodes[2].options.identities, [site.folder.path().join("k")]);

    site.connection = Connection {
        user: Some("root".to_string()),
        port: Some(22),
        privilege: Some(Some(Tool::Doas)),
        ..Connection::default()
    };
    let plan = site.read().unwrap();
    assert_eq!(uris(&plan), ["ssh://me@c", "ssh://h", "ssh://b"]);
    for (number, node) in plan.nodes.iter().enumerate() {
        assert_eq!((node.options.user.as_deref(), node.options.port), (Some("root"), Some(22)));
        assert_eq!(tool(&plan, number), Some(Tool::Doas));
    }
    assert_eq!((plan.nodes[0].options.patience.retries, plan.nodes[1].options.patience.retries), (1, 9));
}

#[test]
fn secrets_are_read_for_the_chosen_and_told_to_the_masker() {
    let text = "nodes:\n  a: { transport: { password: { env: PASSWORD } } }\n  b: { groups: [g] }\n  c: { groups: [g] }\n\
        groups:\n  g: { transport: { sudo: true, sudo_password: { env: NOT_SET } } }\n";
    let plan = Site::new(&[text]).choose(&["a"]).read().unwrap();
    assert_eq!(plan.secrets, ["s3cret"]);
    assert_eq!(plan.nodes[0].options.password.as_ref().unwrap().reveal(), "s3cret");
    assert!(!format!("{plan:?}").replace("secrets: [\"s3cret\"]", "").contains("s3cret"));
    // Once, although two nodes need it.
    let error = Site::new(&[text]).read().unwrap_err();
    assert_eq!(error, "0.yml:6:55: NOT_SET: the environment variable is not set");
    let empty = text.replace("PASSWORD", "EMPTY");
    assert!(Site::new(&[&empty]).choose(&["a"]).read().unwrap_err().contains("is empty"));
    let file = text.replace("env: PASSWORD", "file: pw");
    let site = Site::new(&[&file]).choose(&["a"]);
    assert!(site.read().unwrap_err().contains("pw cannot be read"));
    std::fs::write(site.folder.path().join("pw"), "from file\n").unwrap();
    assert_eq!(site.read().unwrap().secrets, ["from file"]);
    // A password of a tool that is not used is not needed.
    let off = text.replace("b: { groups: [g] }", "b: { groups: [g], transport: { sudo: false } }");
    assert!(Site::new(&[&off]).choose(&["b"]).read().is_ok());
}

#[test]
fn a_plan_goes_to_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Nodes>();
    shared::<Vec<Arc<[crate::plan::attributes::ProfileAttributes]>>>();
}
