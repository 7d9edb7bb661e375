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
fn layers(text: &str) -> Vec<crate::plan::nodes::NodeAttributes> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nodes.yml");
    std::fs::write(&path, text).unwrap();
    let wanted = crate::plan::nodes::Wanted {
        targets: &[],
        inventories: &[path],
        nodes: &[],
        connection: &Default::default(),
        prompt: None,
    };
    crate::plan::nodes::attributes(&wanted).unwrap_or_else(|errors| panic!("{errors:?}"))
}

type Values = Result<Vec<Arc<[ProfileAttributes]>>, Vec<String>>;

fn on_nodes(common: &[Assignment], inventory: &str) -> Values {
    let (ssh, base) = (manifest(SSH), manifest(BASE));
    let nodes = layers(inventory);
    let nodes: Vec<_> = nodes.iter().map(|(name, layers)| NodeLayers { name, layers, waits: false }).collect();
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
