use super::*;
use crate::error::Error;
use crate::profile::Manifest;
use crate::yaml::Document;

const SSH: &str = "name: ssh
version: 1.0.0
attributes:
  max_auth_tries: {type: integer, default: 4, min: 1}
  users: {type: list}
  token: {type: string, sensitive: true}
  banner:
    type: string
    default: hello
";

const BASE: &str = "name: base
version: 1.0.0
attributes:
  banner: {type: string, required: true}
  ratio: {type: number, default: 0.5}
  strict: {type: boolean, default: false}
";

fn manifest(text: &str) -> Manifest {
    let file = format!("{}/profile.yml", text[6..].split('\n').next().unwrap());
    Manifest::read(&Document::parse(file, text.as_bytes()).unwrap()).unwrap()
}

fn file(name: &str, text: &str) -> Vec<Assignment> {
    let document = Document::parse(name, text.as_bytes()).unwrap();
    from_document(&Arc::new(document), Layer::File).unwrap()
}

fn environment(name: &str) -> Option<std::ffi::OsString> {
    (name == "TOKEN").then(|| "s3cret".into())
}

fn argument(text: &str) -> Assignment {
    from_argument(text, &environment).unwrap()
}

fn resolved(assignments: &[Assignment]) -> Vec<ProfileAttributes> {
    let (ssh, base) = (manifest(SSH), manifest(BASE));
    resolve(&[&ssh, &base], assignments).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn refused(assignments: &[Assignment]) -> Vec<String> {
    let (ssh, base) = (manifest(SSH), manifest(BASE));
    resolve(&[&ssh, &base], assignments).unwrap_err().iter().map(Error::to_string).collect()
}

#[test]
fn later_layers_win_and_every_value_knows_its_origin() {
    let mut assignments = vec![argument("max_auth_tries=2")];
    assignments.extend(file("site.yml", "banner: all\nmax_auth_tries: 6\n"));
    assignments.extend(file("more.yml", "\n\nmax_auth_tries: 5\n"));
    let profiles = resolved(&assignments);
    let tries = profiles[0].get("max_auth_tries").unwrap();
    // The command line holds although it was given first: layers count, not the order.
    assert_eq!((&tries.value, tries.origin.to_string()), (&Value::Int(2), "--attr".to_string()));
    let trace: Vec<String> = tries.trace.iter().map(|set| format!("{} {}", set.value, set.origin)).collect();
    assert_eq!(trace, ["4 ssh/profile.yml:4", "6 site.yml:2", "5 more.yml:3", "2 --attr"]);
    // A bare name goes to every profile that declares it.
    for profile in &profiles {
        assert_eq!(profile.get("banner").unwrap().value, "all".into(), "{}", profile.profile);
    }
    assert_eq!(profiles[1].get("ratio").unwrap().origin.to_string(), "base/profile.yml:5");
    let users = profiles[0].get("users").unwrap();
    assert_eq!((&users.value, users.origin.to_string()), (&Value::Nil, "not set".to_string()));
}

#[test]
fn a_qualified_name_goes_to_one_profile_and_comes_after_bare_ones_of_its_file() {
    let profiles = resolved(&file("site.yml", "ssh::banner: one\nbanner: all\n"));
    assert_eq!(profiles[0].get("banner").unwrap().value, "one".into());
    assert_eq!(profiles[1].get("banner").unwrap().value, "all".into());
    let assignments = [argument("banner=all"), argument("base::banner=one")];
    assert_eq!(resolved(&assignments)[1].get("banner").unwrap().value, "one".into());
}

#[test]
fn a_list_replaces_a_list_whole() {
    let mut assignments = file("a.yml", "users: [a, b]\nbanner: x\n");
    assignments.extend(file("b.yml", "users: [c]\n"));
    assert_eq!(resolved(&assignments)[0].get("users").unwrap().value, Value::strings(["c"]));
    assignments.push(argument("users=[d, 1]"));
    assert_eq!(resolved(&assignments)[0].get("users").unwrap().value, Value::List(vec!["d".into(), 1.into()]));
}

#[test]
fn every_error_is_reported_with_its_place() {
    let mut assignments = file(
        "site.yml",
        "max_auth_trys: 4\nmax_auth_tries: many\nnope::banner: x\nssh::ratio: 1\nssh: {banner: x}\nusers:\n",
    );
    assignments.extend(file("late.yml", "max_auth_tries: 3\n"));
    assignments.push(argument("strict=yes"));
    let errors = refused(&assignments);
    let expected = [
        ("site.yml:1:1: no profile of the run declares an attribute max_auth_trys", "did you mean max_auth_tries?"),
        // Wrong is wrong, even where a later layer replaces it.
        ("site.yml:2:17: attribute max_auth_tries of profile ssh is a string, not an integer", "max_auth_tries: many"),
        ("site.yml:5:1: no profile of the run declares an attribute ssh", "write ssh::ATTRIBUTE"),
        ("attribute users of profile ssh is nothing, not a list", "users:"),
        ("site.yml:3:1: no profile of the run is called nope", "there are: base, ssh"),
        ("site.yml:4:1: profile ssh declares no attribute ratio", "there are: "),
        ("--attr strict: attribute strict of profile base is a string, not a boolean", "true or false"),
        ("base/profile.yml:4:3: attribute banner of profile base is required", "give --attr banner=VALUE"),
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, (message, remedy)) in errors.iter().zip(expected) {
        assert!(error.contains(message) && error.contains(remedy), "{error}\nis not {message} … {remedy}");
    }
}

#[test]
fn limits_of_the_declaration_hold_in_every_layer() {
    let mut assignments = file("site.yml", "banner: x\nmax_auth_tries: 0\n");
    assignments.push(argument("max_auth_tries=-1"));
    let errors = refused(&assignments);
    assert!(errors[0].contains("site.yml:2:17") && errors[0].contains("less than 1"), "{errors:?}");
    assert!(errors[1].contains("--attr max_auth_tries") && errors[1].contains("less than 1"), "{errors:?}");
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_never_shown() {
    let banner = argument("banner=x");
    let errors = refused(&[banner.clone(), argument("token=hunter2")]);
    assert!(errors[0].contains("sensitive") && errors[0].contains("token=env:VARIABLE"), "{errors:?}");
    assert!(!errors[0].contains("hunter2"));
    // A misspelt name must not give the secret away either.
    let errors = refused(&[banner.clone(), argument("tokn=hunter2")]);
    assert!(errors[0].contains("did you mean token?") && !errors[0].contains("hunter2"), "{errors:?}");
    let mut assignments = file("site.yml", "banner: x\ntoken: [hunter2]\n");
    let errors = refused(&assignments);
    assert!(errors[0].starts_with("site.yml:2:8") && !errors[0].contains("hunter2"), "{errors:?}");

    assignments = vec![banner, argument("token=env:TOKEN")];
    let profiles = resolved(&assignments);
    let token = profiles[0].get("token").unwrap();
    assert_eq!((&token.value, token.shown().as_str()), (&"s3cret".into(), "(sensitive)"));
    assert_eq!(token.origin.to_string(), "--attr, from env:TOKEN");
    assert_eq!(profiles[0].secrets(), ["s3cret"]);
    assert!(!format!("{profiles:?} {assignments:?}").contains("s3cret"));
}

#[test]
fn values_come_from_files_without_their_last_line_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("value");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        from_argument(&format!("token=@{}", path.display()), &environment)
    };
    let value =
        |assignment: Assignment| resolved(&[assignment, argument("banner=x")])[0].get("token").unwrap().value.clone();
    assert_eq!(value(read(b"s3cret\n").unwrap()), "s3cret".into());
    assert_eq!(value(read(b"two\nlines\n\n").unwrap()), "two\nlines\n".into());
    assert_eq!(value(read(b"dos\r\n").unwrap()), "dos".into());
    assert!(read(b"\xff").unwrap_err().to_string().contains("is not UTF-8"));
    assert!(read(&vec![b'x'; (1 << 20) + 1]).unwrap_err().to_string().contains("larger than 1 MiB"));
    std::fs::remove_file(&path).unwrap();
    let missing = from_argument(&format!("token=@{}", path.display()), &environment).unwrap_err().to_string();
    assert!(missing.contains("--attr token: cannot be read"), "{missing}");
}

#[test]
fn arguments_that_are_none_are_refused() {
    for (text, message) in [
        ("max_auth_tries", "no = in what was given"),
        ("=4", "is not a name"),
        ("a::=4", "is not a name"),
        ("::a=4", "is not a name"),
        ("a::b::c=4", "is not a name"),
        ("a=env:", "no environment variable has such a name"),
        ("a=env:NONE", "is not set"),
        ("a=@", "no file is named"),
    ] {
        let error = from_argument(text, &environment).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    assert_eq!(resolved(&[argument("banner=@@x")])[0].get("banner").unwrap().value, "@x".into());
    assert_eq!(resolved(&[argument("banner=a=b")])[0].get("banner").unwrap().value, "a=b".into());
    assert_eq!(resolved(&[argument("banner=")])[0].get("banner").unwrap().value, "".into());
}

#[test]
fn an_attributes_file_is_a_map_or_empty() {
    let read = |text: &str| {
        let document = Document::parse("site.yml", text.as_bytes()).unwrap();
        from_document(&Arc::new(document), Layer::File)
            .map_err(|errors| errors.iter().map(Error::to_string).collect::<Vec<_>>())
    };
    assert!(read("").unwrap().is_empty());
    assert!(read("# nothing yet\n").unwrap().is_empty());
    assert!(read("- a\n").unwrap_err()[0].contains("site.yml:1:1: attributes are a map"));
    let errors = read("a b: 1\nc: 2\n'x::y::z': 3\n").unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[1].starts_with("site.yml:3:1: \"x::y::z\" is not a name"), "{errors:?}");
    let missing = from_file(std::path::Path::new("no/such/file.yml")).unwrap_err();
    assert!(missing[0].to_string().starts_with("no/such/file.yml: cannot be read"), "{missing:?}");
}

/// The layers of an inventory's nodes, by name.
fn layers(text: &str) -> Vec<crate::plan::nodes::NodePlan> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nodes.yml");
    std::fs::write(&path, text).unwrap();
    let wanted = crate::plan::nodes::Wanted {
        targets: &[],
        inventories: &[crate::inventory::Source::of_path(path)],
        reading: crate::inventory::Reading::here(),
        nodes: &[],
        connection: &Default::default(),
        prompt: None,
    };
    crate::plan::nodes::attributes(&wanted).unwrap_or_else(|errors| panic!("{errors:?}")).nodes
}

type Values = Result<Vec<Arc<[ProfileAttributes]>>, Vec<String>>;

fn on_nodes(common: &[Assignment], inventory: &str) -> Values {
    let (ssh, base) = (manifest(SSH), manifest(BASE));
    let nodes = layers(inventory);
    let nodes: Vec<_> =
        nodes.iter().map(|node| NodeLayers { name: &node.name, layers: &node.attributes, waits: false }).collect();
    for_nodes(&[&ssh, &base], common, &nodes).map_err(|errors| {
        let line = |error: &Error| {
            error.to_string().rsplit_once("nodes.yml").map_or(error.to_string(), |(_, rest)| rest.to_string())
        };
        errors.iter().map(line).collect()
    })
}

const NODES: &str = "nodes:
  a: { groups: [web] }
  b: { groups: [web], attributes: { max_auth_tries: 9 } }
  c: { groups: [db] }
  d: { groups: [web] }
groups:
  all: { attributes: { max_auth_tries: 6, banner: from all } }
  web: { attributes: { max_auth_tries: 7, 'base::banner': web } }
  db: { attributes: { users: [postgres] } }
";

#[test]
fn groups_and_nodes_come_between_files_and_the_command_line() {
    let common = [file("site.yml", "max_auth_tries: 5\nratio: 0.7\n"), vec![argument("strict=true")]].concat();
    let values = on_nodes(&common, NODES).unwrap();
    let tries = |node: usize| values[node][0].get("max_auth_tries").unwrap();
    assert_eq!([0, 1, 2, 3].map(|node| tries(node).value.to_string()), ["7", "9", "6", "7"]);
    let trace: Vec<String> = tries(1).trace.iter().map(|set| set.value.to_string()).collect();
    assert_eq!(trace, ["4", "5", "6", "7", "9"]);
    assert!(tries(1).origin.to_string().ends_with("nodes.yml:3"), "{}", tries(1).origin);
    assert_eq!(tries(1).trace.iter().map(|set| set.layer).collect::<Vec<_>>()[3..], [Layer::Group, Layer::Node]);
    let banner = |node: usize, profile: usize| values[node][profile].get("banner").unwrap().value.to_string();
    assert_eq!(
        (banner(0, 0), banner(0, 1), banner(2, 1)),
        ("\"from all\"".into(), "\"web\"".into(), "\"from all\"".into())
    );
    for node in &values {
        assert_eq!(node[1].get("strict").unwrap().value, Value::Bool(true));
    }
    // The command line holds over all of them.
    let values = on_nodes(&[argument("max_auth_tries=2")], NODES).unwrap();
    assert!(values.iter().all(|node| node[0].get("max_auth_tries").unwrap().value == Value::Int(2)));
}

#[test]
fn nodes_share_what_is_the_same() {
    let values = on_nodes(&[], NODES).unwrap();
    assert!(Arc::ptr_eq(&values[0], &values[3]) && !Arc::ptr_eq(&values[0], &values[1]));
    // `ratio` of another node: set by nobody, and there once.
    assert!(Arc::ptr_eq(&values[0][1].values[1], &values[2][1].values[1]));
}

#[test]
fn what_a_group_says_wrong_is_told_once() {
    let inventory = NODES.replace("max_auth_tries: 7", "max_auth_tries: many, ratoi: 1");
    let errors = on_nodes(&[], &inventory).unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(errors[0].starts_with(":8:40: attribute max_auth_tries of profile ssh is a string"), "{errors:?}");
    assert!(
        errors[1].starts_with(":8:46: no profile of the run declares") && errors[1].contains("did you mean ratio?")
    );
    // A required value that only some nodes have.
    let inventory = NODES.replace(", banner: from all", "");
    let errors = on_nodes(&[], &inventory).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains("attribute banner of profile base is required and has no value on c\n"), "{errors:?}");
    let errors = on_nodes(&[], "nodes: { a: , b: }").unwrap_err();
    assert!(errors[0].contains("is required and has no value\n"), "{errors:?}");
}

#[test]
fn a_thousand_nodes_with_values_of_their_own_take_little() {
    let mut text = String::from("nodes:\n");
    for number in 0..1000 {
        text.push_str(&format!("  n{number}: {{ attributes: {{ max_auth_tries: {}, banner: x }} }}\n", number + 1));
    }
    let began = std::time::Instant::now();
    let values = on_nodes(&[], &text).unwrap();
    assert_eq!(values[999][0].get("max_auth_tries").unwrap().value, Value::Int(1000));
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

mod templates {
    use super::*;
    use crate::plan::attributes::Supplied;
    use crate::plan::bags::{Bags, KeySource, Keys};
    use crate::plan::nodes::{self, Nodes};
    use crate::plan::per_node;
    use age::secrecy::ExposeSecret;
    use std::path::PathBuf;

    const MANIFEST: &str = "name: base\nversion: 1.0.0\nattributes:\n  \
        port: {type: integer, default: 1}\n  hosts: {type: list}\n  motd: {type: string}\n  token: {type: string}\n  \
        size: {type: integer}\n  flag: {type: boolean}\n  family: {type: string, required: true, default: ~}\n";

    struct Site {
        folder: tempfile::TempDir,
        files: Vec<PathBuf>,
        manifest: Manifest,
    }

    impl Site {
        fn new(files: &[(&str, &str)]) -> Site {
            let folder = tempfile::tempdir().unwrap();
            let manifest = MANIFEST.replace(", required: true, default: ~", "");
            let document = Document::parse("profile.yml", manifest.as_bytes()).unwrap();
            let mut site = Site { folder, files: Vec::new(), manifest: Manifest::read(&document).unwrap() };
            for (name, text) in files {
                let path = site.folder.path().join(name);
                std::fs::write(&path, text).unwrap();
                site.files.push(path);
            }
            site
        }

        fn nodes(&self) -> Nodes {
            let inventory = self.folder.path().join("nodes.yml");
            let text = "nodes:\n  web1: {target: 'ssh://web1', attributes: {port: 81}}\n  web2: 'ssh://web2'\n  db1: 'ssh://db1'\n\
                        groups:\n  web: {nodes: [web1, web2]}\n  database: {nodes: [db1]}\n";
            std::fs::write(&inventory, text).unwrap();
            let inventories = [crate::inventory::Source::of_path(inventory)];
            nodes::attributes(&nodes::Wanted {
                targets: &[],
                inventories: &inventories,
                reading: crate::inventory::Reading::here(),
                nodes: &[],
                connection: &Default::default(),
                prompt: None,
            })
            .unwrap()
        }

        /// With an encrypted item `db/main` beside the files.
        fn supplied(&self) -> Result<Supplied, Vec<Error>> {
            let identity = age::x25519::Identity::generate();
            std::fs::create_dir_all(self.folder.path().join("data_bags/db")).unwrap();
            let content = b"password: hunter2hunter2\nsize: 7\nflag: true\nusers: {alice: 1}\n";
            let content = age::encrypt(&identity.to_public(), content).unwrap();
            std::fs::write(self.folder.path().join("data_bags/db/main.yml.age"), content).unwrap();
            let text = identity.to_string().expose_secret().to_string();
            let keys = Keys::read(&[KeySource::Variable("KEY".into())], None, &|_| Some(text.clone().into())).unwrap();
            Supplied::read(&self.files, &[], Bags::new(None, keys), &|_| None)
        }

        fn known(&self) -> Result<per_node::Known, String> {
            let told = |errors: Vec<Error>| {
                let folder = format!("{}/", self.folder.path().display());
                errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n").replace(&folder, "")
            };
            let supplied = self.supplied().map_err(told)?;
            per_node::before(&[&self.manifest], &supplied, &self.nodes()).map_err(told)
        }

        fn value(&self, node: usize, name: &str) -> (crate::value::Value, String, bool) {
            let known = self.known().unwrap();
            let resolved = known.nodes[node][0].get(name).unwrap();
            let origin = resolved.origin.to_string().replace(&format!("{}/", self.folder.path().display()), "");
            (resolved.value.clone(), origin, resolved.sensitive)
        }
    }

    fn fault(text: &str) -> String {
        Site::new(&[("site.yml.j2", text)]).known().map(|_| ()).unwrap_err()
    }

    #[test]
    fn each_node_has_its_own_and_a_template_keeps_its_place_among_the_files() {
        let site = Site::new(&[
            ("first.yml", "port: 10\nmotd: first\n"),
            (
                "site.yml.j2",
                "# {{ node.name }}\nmotd: {{ 'it\\'s ' ~ node.name ~ ': \"' }}\nhosts: {{ groups.web }}\n\
                 {% if 'database' in node.groups %}\nport: 5432\n{% else %}\nport: {{ 80 + 1 }}\n{% endif %}\n",
            ),
            ("last.yml", "size: 3\n"),
        ]);
        assert_eq!(
            site.value(0, "motd"),
            ("it's web1: \"".into(), "site.yml.j2:2 (rendered for web1)".to_string(), false)
        );
        assert_eq!(site.value(2, "hosts").0, crate::value::Value::strings(["web1", "web2"]));
        assert_eq!(site.value(2, "port").1, "site.yml.j2:5 (rendered for db1)");
        assert_eq!(site.value(1, "port").0, 81i64.into());
        // The inventory is stronger than any file.
        assert!(site.value(0, "port").1.starts_with("nodes.yml:"), "{}", site.value(0, "port").1);
        assert_eq!(site.value(1, "size").1, "last.yml:1");
        let later = Site::new(&[("a.yml.j2", "port: {{ 1 + 1 }}"), ("b.yml", "port: 9\n")]);
        assert_eq!(later.value(1, "port").1, "b.yml:1");
    }

    #[test]
    fn what_is_wrong_is_told_once_with_its_place_and_its_nodes() {
        let hint = "`probity attributes render --node web1 FILE` shows what a template gives there";
        assert_eq!(
            fault("port: 1\nmotd: {{ node.nam }}\n"),
            format!(
                "site.yml.j2:2:10: node.nam is undefined on web1, web2, db1\n    2 | motd: {{{{ node.nam }}}}\n      \
                 |          ^\n  hint: did you mean name?\n  hint: {hint}"
            )
        );
        let fault_of_type = fault("port:\n  {{ node.name }}\n");
        assert!(
            fault_of_type.starts_with("site.yml.j2:2:6: attribute port of profile base is a string, not an integer"),
            "{fault_of_type}"
        );
        assert!(fault_of_type.contains("2 |   {{ node.name }}"), "{fault_of_type}");
        let unknown = fault("prot: 1\n");
        assert!(
            unknown.starts_with("site.yml.j2:1: no profile") || unknown.starts_with("site.yml.j2:1:1: no profile"),
            "{unknown}"
        );
        let no_yaml = fault("port: 1\n{% for x in [1] %}\nhosts: [{{ x }}\n{% endfor %}\n");
        assert!(no_yaml.starts_with("site.yml.j2:") && no_yaml.contains("is not YAML"), "{no_yaml}");
        assert!(fault("- {{ node.name }}\n").contains("are a map of names to values"));
        assert!(fault("{% if 'web' in node.groups %}port: x{% endif %}\n").contains(" (on web1, web2)\n"));
        assert!(fault("motd: {% raw %}").contains("is no template"), "{}", fault("motd: {% raw %}"));
        let twice = fault("port: 1\nport: 2\n");
        assert!(twice.contains("key port is there twice"), "{twice}");
    }

    #[test]
    fn a_value_never_breaks_out_of_its_place() {
        for text in [
            "motd: 'x {{ node.name }}'\n",
            "motd: \"{{ node.name }}\"\n",
            "motd: x {{ node.name }}\n",
            "motd: |\n  x {{ node.name }}\n",
            "motd: {{ node.name }} x\n",
            "hosts: [a {{ node.name }}, b]\n",
            "{{ node.name }}x: 1\n",
            "{% macro m(x) %}'{{ x }}'{% endmacro %}motd: {{ m(node.name) }}\n",
            "motd: 'x {{ groups.web }}'\n",
        ] {
            let fault = fault(text);
            let inside = fault.contains("stands inside of quotes or other text");
            assert!(inside || fault.contains("is not YAML"), "{text}: {fault}");
            assert!(fault.contains("whole value in quotes of its own"), "{text}: {fault}");
        }
        let place = fault("port: 1\nmotd: x {{ node.name }}\n");
        assert!(place.starts_with("site.yml.j2:2:12: a value stands inside"), "{place}");
        let fine = "# {{ node.name }}\nmotd: x-{{ 1 + 1 }}\nhosts: [{{ node.name }}, {b: {{ groups.web }}}]\n";
        assert_eq!(Site::new(&[("site.yml.j2", fine)]).value(0, "motd").0, "x-2".into());
    }

    #[test]
    fn whatever_depends_on_an_encrypted_item_is_secret() {
        let site = Site::new(&[(
            "site.yml.j2",
            "{% set db = bag('db', 'main') %}\ntoken: {{ db.password | upper }}\nsize: {{ db.size * 3 }}\nflag: {{ db.flag }}\n\
             motd: {{ 'open' if node.name == 'web1' else 'x' }}\nhosts: {{ db.users | list }}\nport: {{ 7 if db.size == 7 else 8 }}\n",
        )]);
        for name in ["token", "size", "flag", "hosts", "port"] {
            let (_, _, sensitive) = site.value(1, name);
            assert!(sensitive || name == "port", "{name}");
        }
        assert!(!site.value(1, "motd").2);
        let known = site.known().unwrap();
        let (keys, texts): (Vec<String>, Vec<String>) =
            known.secrets.iter().cloned().partition(|text| text.starts_with("AGE-SECRET-KEY-"));
        assert_eq!((keys.len(), texts), (1, ["1", "7", "hunter2hunter2"].map(str::to_string).to_vec()));
        let token = known.nodes[1][0].get("token").unwrap();
        assert_eq!((token.shown(), token.secrets()), ("(sensitive)".to_string(), vec!["HUNTER2HUNTER2".to_string()]));
        assert!(!format!("{token:?}").contains("HUNTER2"));
        for text in [
            "size: {{ bag('db', 'main').password }}\n",
            "size: {{ bag('db', 'main').password | raw }}\n",
            "motd: [{{ bag('db', 'main').password }}\n",
            "motd: !x {{ bag('db', 'main').password | raw }}\n",
            "{{ bag('db', 'main').password }}: 1\n",
            "{{ bag('db', 'main').password | upper }}: 1\n",
            "x{{ bag('db', 'main').password | upper | raw }}: 1\n",
            "{{ bag('db', 'main').password | raw }}: 1\n{{ bag('db', 'main').password | raw }}: 2\n",
        ] {
            assert!(!fault(text).to_lowercase().contains("hunter2"), "{}", fault(text));
        }
    }

    #[test]
    fn what_uses_facts_waits_for_the_node() {
        let site = Site::new(&[
            (
                "site.yml.j2",
                "family: {{ facts.family }}\nbase::size: 4\n{% if facts.arch == 'x' %}nothing: 1{% endif %}\n",
            ),
            ("after.yml", "motd: after\n"),
        ]);
        let (value, origin, _) = site.value(0, "family");
        assert_eq!((value, &*origin), (crate::value::Value::Nil, "site.yml.j2:1, rendered once the node is reached"));
        assert_eq!(site.value(0, "size").0, crate::value::Value::Nil);
        let (supplied, nodes) = (site.supplied().unwrap(), site.nodes());
        let facts = |text: &str| Document::parse("f", text.as_bytes()).unwrap().root.to_value();
        let reached =
            |text: &str| per_node::reached(&[&site.manifest], &supplied, &nodes.nodes[1], &nodes.groups, &facts(text));
        let (values, _) = reached("{family: debian, arch: y}").unwrap();
        assert_eq!(values[0].get("family").unwrap().value, "debian".into());
        assert_eq!(values[0].get("size").unwrap().value, 4i64.into());
        assert_eq!(values[0].get("motd").unwrap().value, "after".into());
        let errors = reached("{arch: x}").unwrap_err();
        assert!(errors[0].to_string().contains("facts.family is undefined on web2"), "{}", errors[0]);
        let errors = reached("{family: debian, arch: x}").unwrap_err();
        assert!(errors[0].to_string().contains("declares an attribute nothing"), "{}", errors[0]);
    }
}
