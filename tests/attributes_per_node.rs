//! Attributes files that are templates: what each node gets, and what becomes of secrets, over
//! every way to a node.

mod sshd;
mod support;

use sshd::{Server, Setup};
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Lacking, Ran};

const MANIFEST: &str = "name: base\nversion: 1.0.0\ntitle: T\nsummary: S\nattributes:\n  \
    port: {type: integer, default: 1}\n  motd: {type: string, default: none}\n  family: {type: string, default: none}\n  \
    token: {type: string, default: none}\n  pin: {type: string, sensitive: true}\n";

const CONTROLS: &str = "control \"values\" {\n  title = \"T\",\n  check = function()\n    \
    print(\"token is \" .. attributes.token)\n    \
    describe(attributes.motd, \"motd\"):it(eq \"?\")\n    \
    describe(attributes.family, \"family\"):it(eq \"?\")\n    \
    describe(attributes.token, \"token\"):it(eq \"?\")\n    \
    describe(attributes.port, \"port\"):it(eq(0))\n  end,\n}\n";

const INVENTORY: &str = "nodes:\n  web1: {target: 'local://', attributes: {port: 81}}\n  db1: {target: 'local://'}\n\
    groups:\n  web: {nodes: [web1]}\n  database: {nodes: [db1]}\n";

const SECRET: &str = "hunter2hunter2";

/// A profile, an inventory, a bag with an encrypted item, and these files.
fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let identity = age::x25519::Identity::generate();
    let text = {
        use age::secrecy::ExposeSecret;
        identity.to_string().expose_secret().to_string()
    };
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    write("base/profile.yml", MANIFEST.as_bytes());
    write("base/controls/values.lua", CONTROLS.as_bytes());
    write("nodes.yml", INVENTORY.as_bytes());
    write("key.txt", text.as_bytes());
    write("data_bags/db/main.yml", b"host: db.example\n");
    let item = age::encrypt(&identity.to_public(), format!("password: {SECRET}\n").as_bytes()).unwrap();
    write("data_bags/db/secret.yml.age", &item);
    for (name, text) in files {
        write(name, text.as_bytes());
    }
    folder
}

fn ran(folder: &Path, args: &str) -> Ran {
    ran_with(folder, args, &[])
}

fn ran_with(folder: &Path, args: &str, environment: &[(&str, &str)]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("LC_ALL", "C.UTF-8")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// What each step of each control found, by node.
fn found(ndjson: &str) -> Vec<(String, Vec<String>)> {
    let mut nodes: Vec<(String, Vec<String>)> = Vec::new();
    for line in ndjson.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        if event["event"] == "control_finished" {
            let steps = event["steps"].as_array().unwrap().iter().map(|step| step["found"].to_string()).collect();
            nodes.push((event["node"].as_str().unwrap().to_string(), steps));
        }
    }
    nodes
}

#[test]
fn web_and_database_get_different_values_from_the_same_profile() {
    let folder = site(&[(
        "site.yml.j2",
        "motd: {{ 'It\\'s ' ~ node.name }}\nport: {{ 5432 if 'database' in node.groups else 80 }}\n\
         token: {{ bag('db', 'main').host ~ ':' ~ env.WHERE }}\n",
    )]);
    let base = "--attrs site.yml.j2 --inventory nodes.yml";
    let ran = ran_with(folder.path(), &format!("exec base {base} --reporter ndjson"), &[("WHERE", "here")]);
    assert_eq!(ran.code, 100, "{}", ran.stderr);
    let steps = |motd: &str, port: &str| {
        [motd, "none", "db.example:here"]
            .map(|text| format!("{:?}", format!("{text:?}")))
            .into_iter()
            .chain([format!("{port:?}")])
            .collect::<Vec<_>>()
    };
    let expected = [("web1".to_string(), steps("It's web1", "81")), ("db1".to_string(), steps("It's db1", "5432"))];
    assert_eq!(found(&ran.stdout), expected);

    let explained = ran_with(folder.path(), &format!("attributes explain base {base} --nodes db1"), &[("WHERE", "x")]);
    assert_eq!(explained.code, 0, "{}", explained.stderr);
    assert!(
        explained.stdout.contains("port = 5432  (integer; site.yml.j2:2 (rendered for db1))"),
        "{}",
        explained.stdout
    );
    // Without an inventory it is this machine.
    let here = ran_with(folder.path(), "attributes explain base --attrs site.yml.j2", &[("WHERE", "x")]);
    assert!(
        here.stdout.contains("port = 80  (integer; site.yml.j2:2 (rendered for "),
        "{}{}",
        here.stdout,
        here.stderr
    );
}

#[test]
fn what_a_template_gives_is_printed_without_its_secrets() {
    let folder = site(&[
        (
            "site.yml.j2",
            "# {{ bag('db', 'secret').password }}\nmotd: {{ node.name }}\ntoken: {{ bag('db', 'secret').password | upper }}\n\
             pin:\n  {{ '42' }}\nport: 4\n",
        ),
        ("broken.yml.j2", "motd: [{{ node.name }}\ntoken: {{ bag('db', 'secret').password | upper }}\n"),
        ("plain.yml.j2", "motd: x\n"),
    ]);
    let render = |more: &str| ran(folder.path(), &format!("attributes render {more}"));
    let masked = render("--inventory nodes.yml --node web1 site.yml.j2 --bag-key key.txt --profile base");
    assert_eq!(masked.code, 0, "{}", masked.stderr);
    assert_eq!(masked.stdout, "# \"***\"\nmotd: \"web1\"\ntoken: \"***\"\npin: \"***\"\nport: 4\n");
    let open = render("--inventory nodes.yml --node web1 site.yml.j2 --bag-key key.txt");
    assert!(open.stdout.contains("pin:\n  \"42\"\n") && !open.stdout.contains("HUNTER"), "{}", open.stdout);
    let broken = render("-t web1=local:// broken.yml.j2 --bag-key key.txt");
    assert_eq!(broken.code, 1, "{}", broken.stderr);
    assert_eq!(broken.stdout, "motd: [\"web1\"\n***\n", "{}", broken.stderr);
    assert!(broken.stderr.contains("broken.yml.j2:") && broken.stderr.contains("is not YAML"), "{}", broken.stderr);
    let two = render("--inventory nodes.yml plain.yml.j2");
    assert_eq!(two.stdout, "# web1: plain.yml.j2\nmotd: x\n# db1: plain.yml.j2\nmotd: x\n");
    let keyless = render("site.yml.j2");
    assert_eq!(keyless.code, 1);
    assert!(
        keyless.stderr.contains("data_bags/db/secret.yml.age: is encrypted, and no key is given"),
        "{}",
        keyless.stderr
    );
    assert!(keyless.stderr.contains("--bag-key-env VARIABLE"), "{}", keyless.stderr);
    // The defaults of flags hold for every action of the subcommand.
    let default = ran_with(folder.path(), "attributes render site.yml.j2", &[("PROBITY_BAG_KEY", "key.txt")]);
    assert_eq!(default.code, 0, "{}", default.stderr);
    assert!(render("nodes.yml").stderr.contains("a template ends in .j2"));
}

#[test]
fn nothing_that_was_encrypted_leaves_a_run() {
    let folder = site(&[
        (
            "site.yml.j2",
            "token: {{ bag('db', 'secret').password }}\nmotd: {{ bag('db', 'secret').password | upper }}\n\
         family: {{ facts.family ~ bag('db', 'secret').password | reverse }}\n",
        ),
        (
            "early.yml.j2",
            "token: {{ bag('db', 'secret').password }}\nmotd: {{ bag('db', 'secret').password | upper }}\n",
        ),
    ]);
    let key = std::fs::read_to_string(folder.path().join("key.txt")).unwrap();
    for template in ["site.yml.j2", "early.yml.j2"] {
        let args = format!(
            "exec base --attrs {template} --inventory nodes.yml --nodes db1 --bag-key-env KEY -v --record rec \
             --reporter cli ndjson:out.ndjson junit:out.xml json:out.json"
        );
        let ran = ran_with(folder.path(), &args, &[("KEY", key.trim())]);
        assert_eq!(ran.code, 100, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("token is ***"), "{}", ran.stderr);
        let files = ["out.ndjson", "out.xml", "out.json", "rec"]
            .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap());
        for text in files.iter().chain([&ran.stdout, &ran.stderr]) {
            let lower = text.to_lowercase();
            assert!(!lower.contains(SECRET) && !lower.contains("2retnuh") && !text.contains(key.trim()), "{text}");
        }
        let started = files[0].lines().find(|line| line.contains("profile_started")).unwrap();
        let started: serde_json::Value = serde_json::from_str(started).unwrap();
        let token = started["attributes"].as_array().unwrap().iter().find(|one| one["name"] == "token").unwrap();
        assert_eq!((&token["sensitive"], &token["value"]), (&true.into(), &"***".into()));
    }
    let dry = ran(folder.path(), "exec base --attrs early.yml.j2 --inventory nodes.yml --bag-key key.txt --dry-run");
    assert!(
        dry.stdout.contains("attribute token = *** (early.yml.j2:1 (rendered for web1))"),
        "{}{}",
        dry.stdout,
        dry.stderr
    );
}

#[test]
fn facts_are_waited_for_and_an_error_then_is_no_failure() {
    let folder = site(&[
        ("facts.yml.j2", "family: {{ facts.families[-1] }}\nmotd: {{ facts.arch }}\n"),
        ("wrong.yml.j2", "port: {{ 1 if node.name == 'web1' else facts.famly }}\nmotd: {{ facts.arch }}\n"),
    ]);
    let dry = ran(folder.path(), "exec base --attrs facts.yml.j2 --inventory nodes.yml --dry-run");
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.contains("facts.yml.j2 waits for its facts"), "{}", dry.stdout);
    assert!(
        dry.stdout.contains("attribute family waits (facts.yml.j2:1, rendered once the node is reached)"),
        "{}",
        dry.stdout
    );
    let ran_ = ran(folder.path(), "exec base --attrs facts.yml.j2 --reporter ndjson");
    let steps = &found(&ran_.stdout)[0].1;
    let arch = String::from_utf8(Command::new("uname").arg("-m").output().unwrap().stdout).unwrap();
    assert_eq!(steps[..2], [format!("{:?}", format!("{:?}", arch.trim())), "\"\\\"unix\\\"\"".to_string()]);

    let wrong = ran(folder.path(), "exec base --attrs wrong.yml.j2 --inventory nodes.yml --reporter ndjson");
    let steps = found(&wrong.stdout);
    assert_eq!((steps[0].1.len(), steps[1].1.len()), (4, 0), "{}", wrong.stdout);
    let errored = wrong.stdout.lines().find(|line| line.contains("control_finished") && line.contains("db1")).unwrap();
    assert!(errored.contains("\"outcome\":\"errored\""), "{errored}");
    assert!(errored.contains("the values of attributes cannot be decided: wrong.yml.j2:1:"), "{errored}");
    assert!(errored.contains("facts.famly is undefined on db1"), "{errored}");
    let alone = ran(folder.path(), "exec base --attrs wrong.yml.j2");
    assert_eq!(alone.code, 102, "{}{}", alone.stdout, alone.stderr);

    let rendered = ran(folder.path(), "attributes render facts.yml.j2");
    assert_eq!(rendered.stdout, format!("family: \"unix\"\nmotd: {:?}\n", arch.trim()), "{}", rendered.stderr);
    let unreached =
        ran(folder.path(), "exec base --attrs facts.yml.j2 -t docker://no-such-container --reporter ndjson");
    assert_eq!(unreached.code, 102, "{}", unreached.stderr);
    assert!(unreached.stdout.contains("rendered once the node is reached"), "{}", unreached.stdout);
    assert_eq!(ran(folder.path(), "attributes render facts.yml.j2 -t docker://no-such-container").code, 102);
}

#[test]
fn a_node_over_ssh_gets_the_same_values_through_batches_and_the_agent() {
    let mut lacking = Lacking::default();
    if !["root", "sshd"].iter().all(|need| lacking.has(need, "templates of nodes over SSH")) {
        return;
    }
    let folder = site(&[(
        "site.yml.j2",
        "motd: {{ facts.name ~ '/' ~ facts.arch ~ '/' ~ facts.hostname }}\nfamily: {{ facts.family }}\ntoken: {{ bag('db', 'secret').password | upper }}\n",
    )]);
    let server = Server::openssh(&Setup::default());
    let target = format!("n=ssh://root@{}:{}", server.host(), server.port());
    let way =
        format!("-i {} --known-hosts {} -F none", server.key().display(), server.known_hosts("ed25519").display());
    let run = |more: &str| {
        let args = format!("exec base --attrs site.yml.j2 --bag-key key.txt --reporter ndjson {more}");
        let ran = ran(folder.path(), &args);
        assert_eq!(ran.code, 100, "{}{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.to_lowercase().contains(SECRET), "{}", ran.stdout);
        ran.stdout
    };
    let here = found(&run("-t n=local://"));
    assert!(here[0].1[2].contains("***"), "{here:?}");
    assert_eq!(found(&run(&format!("-t {target} {way}"))), here);
    let rendered = ran(folder.path(), &format!("attributes render site.yml.j2 --bag-key key.txt -t {target} {way}"));
    assert!(rendered.stdout.contains("token: \"***\"") && rendered.code == 0, "{}{}", rendered.stdout, rendered.stderr);
    if lacking.has("agent", "templates of nodes through the agent") {
        let program = std::env::var("PROBITY_AGENT_PROGRAM").unwrap();
        let through = run(&format!("-t {target} {way} --agent --agent-program {program} --agent-cleanup"));
        assert!(!through.contains("without the agent"), "{through}");
        assert_eq!(found(&through), here);
    }
}

#[test]
fn what_is_wrong_is_told_before_any_node_is_touched() {
    let folder = site(&[("wrong-key.txt", "")]);
    let other = {
        use age::secrecy::ExposeSecret;
        age::x25519::Identity::generate().to_string().expose_secret().to_string()
    };
    std::fs::write(folder.path().join("other.txt"), other).unwrap();
    let whole = std::fs::read(folder.path().join("data_bags/db/secret.yml.age")).unwrap();
    std::fs::write(folder.path().join("data_bags/db/cut.yml.age"), &whole[..whole.len() - 5]).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("data_bags/db/link.yml")).unwrap();
    for (text, flags, words) in [
        ("motd: {{ node.name", "", &["site.yml.j2:1:", "is no template"][..]),
        ("motd: {% if 1 %}", "", &["is no template", "{% end"]),
        ("motd: {{ node.name | uper }}", "", &["there is no filter uper", "did you mean upper?"]),
        (
            "{% for a in range(99999) %}{% for a in range(99999) %}{{ a }}{% endfor %}{% endfor %}",
            "",
            &["does more than a template may"],
        ),
        ("{{ 'x' * 999999999 }}", "", &["does more than a template may"]),
        ("{% for a in range(9999) %}{{ ' ' * 4000 }}{% endfor %}", "", &["site.yml.j2"]),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "", &["site.yml.j2:1:"]),
        ("motd: {{ bag('db', 'mian').host }}", "", &["has no item mian", "did you mean main?"]),
        ("motd: {{ bag('db', '../../nodes').x }}", "", &["is not the name of an item"]),
        ("motd: {{ bag('db', 'link').x }}", "", &["data_bags/db/link.yml: is a symbolic link"]),
        ("motd: {{ bag('db', 'secret').x }}", "--bag-key other.txt", &["is encrypted for another key"]),
        ("motd: {{ bag('db', 'cut').x }}", "--bag-key key.txt", &["cut off or changed"]),
        ("motd: x", "--bag-key wrong-key.txt", &["wrong-key.txt is empty"]),
        ("motd: x", "--bag-key nodes.yml", &["is no identity of age"]),
        ("motd: x", "--bag-key-env NOPE", &["--bag-key-env: NOPE: the environment variable is not set"]),
        ("motd: {{ bag('db', 'main').host }}", "--bags nowhere", &["nowhere: the folder of data bags cannot be read"]),
        ("motd: {{ vars.x }}", "", &["vars are those of a pipeline"]),
        ("motd: {{ env.NOPE }}", "", &["env.NOPE is undefined on web1, db1"]),
        ("prot: {{ 1 }}", "", &["declares an attribute prot", "did you mean port?"]),
        (
            "port: {{ node.name }}",
            "",
            &["is a string, not an integer", "(on web1, db1)", "attributes render --node web1"],
        ),
        ("motd: 'x {{ node.name }}'", "", &["could break out"]),
        ("{% include '/etc/passwd' %}", "", &["unknown statement include", "a template is one file"]),
    ] {
        std::fs::write(folder.path().join("site.yml.j2"), text).unwrap();
        let args = format!("exec base --attrs site.yml.j2 --inventory nodes.yml {flags}");
        let ran = ran(folder.path(), &args);
        assert_eq!((ran.code, &*ran.stdout), (1, ""), "{text}\n{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{text} should say {word:?}\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
    std::fs::write(folder.path().join("site.yml.j2"), b"motd: \xff\n").unwrap();
    assert!(
        ran(folder.path(), "exec base --attrs site.yml.j2").stderr.contains("site.yml.j2:1:7: byte 0xff is not UTF-8")
    );
}

#[test]
fn what_the_age_program_encrypts_is_read() {
    let mut lacking = Lacking::default();
    if !lacking.has("age", "items that the age program encrypts") {
        return;
    }
    let folder = site(&[("site.yml.j2", "token: {{ bag('x', 'item').a }}\nport: {{ bag('x', 'item').a | length }}\n")]);
    let script = "mkdir data_bags/x && age-keygen -o own.txt 2>/dev/null && printf '{\"a\": \"from-the-program\"}' | \
                  age -a -r \"$(age-keygen -y own.txt)\" -o data_bags/x/item.json.age";
    assert!(Command::new("sh").args(["-c", script]).current_dir(folder.path()).status().unwrap().success());
    let ran = ran(folder.path(), "attributes explain base --attrs site.yml.j2 --bag-key own.txt --format json");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let attributes = json["profiles"][0]["attributes"].as_array().unwrap();
    let of = |name: &str| attributes.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!((&of("token")["value"], &of("token")["sensitive"]), (&"***".into(), &true.into()));
    assert_eq!(of("port")["value"], "***", "its length tells of it");
    assert_eq!(of("motd")["value"], "none");
}
