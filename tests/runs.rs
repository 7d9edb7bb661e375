//! Runs that are over: converted, merged and compared by the program itself.

use probity::report::TABLE;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn probity(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn well(output: &Output, code: i32) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}{stderr}");
    format!("{stdout}{stderr}")
}

const PROFILE: &str = r#"
control "there" {
  title = "A file that is there",
  impact = 0.7,
  check = function() describe(file(attributes.path)):exists():its("size", at_least(0)) end,
}
control "gone" {
  title = "A file that is not",
  check = function() describe(file "/nowhere/at/all"):exists() end,
}
control "odd" {
  title = "Markup <b>&\"'\27[31m",
  check = function() describe("]]>\1\27[2J\n</failure>", "what a machine says"):it(eq "x") end,
}
control "apart" { check = function() skip("not now") end }
control "elsewhere" { check = function() not_applicable("of another world") end }
control "broken" { check = function() error("broken") end }
control "accepted" { check = function() describe(1):it(eq(2)) end }
"#;

/// A folder with a profile of every outcome, images of three machines, one of which is not there, and
/// an inventory of them.
fn site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "site/profile.yml",
        "name: site\nversion: 1.0.0\ntitle: A site\nattributes:\n  path:\n    type: string\n    default: /etc/hosts\n",
    );
    write("site/controls/all.lua", PROFILE);
    write("waivers.yml", "- id: accepted\n  justification: until it is replaced\n  until: 2999-01-01\n");
    for name in ["one", "two"] {
        write(&format!("{name}/etc/os-release"), "ID=debian\nVERSION_ID=12\n");
        write(&format!("{name}/etc/hosts"), "127.0.0.1 localhost\n");
    }
    let at = folder.path().display();
    write(
        "nodes.yml",
        &format!(
            "nodes:\n  web-1:\n    target: rootfs://{at}/one\n  web-2:\n    target: rootfs://{at}/two\n  \
             web-3:\n    target: rootfs://{at}/three\n"
        ),
    );
    folder
}

const EXEC: &[&str] = &["exec", "site", "--waivers", "waivers.yml", "--inventory", "nodes.yml"];

/// Every way to write a report, each to a file of its own in `folder`.
fn every_reporter(folder: &str) -> Vec<String> {
    let mut specs = Vec::new();
    for kind in TABLE {
        let ways = kind
            .options
            .iter()
            .flat_map(|option| option.values.iter().map(|value| format!(",{}={value}", option.name)));
        for (number, way) in std::iter::once(String::new()).chain(ways).enumerate() {
            let node = if kind.one_node { "{node}" } else { "run" };
            specs.push(format!("{}{way}:{folder}/{}-{number}-{node}", kind.name, kind.name));
        }
    }
    specs
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_report_converted_is_the_one_the_run_wrote() {
    let folder = site();
    let at = folder.path();
    let written = every_reporter("written");
    let mut arguments = EXEC.to_vec();
    arguments.push("--reporter");
    arguments.extend(written.iter().map(String::as_str));
    well(&probity(at, &arguments), 100);
    for run in ["run-json-0-run", "ndjson-0-run"] {
        let specs = every_reporter(&format!("from-{run}"));
        let mut arguments = vec!["report", "convert"];
        let path = format!("written/{run}");
        arguments.extend([path.as_str(), "--reporter"]);
        arguments.extend(specs.iter().map(String::as_str));
        assert_eq!(well(&probity(at, &arguments), 0), "");
        let (direct, converted) = (files(&at.join("written")), files(&at.join(format!("from-{run}"))));
        assert!(direct.len() > TABLE.len());
        assert_eq!(
            direct.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            converted.iter().map(|(name, _)| name).collect::<Vec<_>>()
        );
        for ((name, direct), (_, converted)) in direct.iter().zip(&converted) {
            assert!(direct == converted, "{name} made of {run} differs");
        }
    }
    // To standard output, with the verdict, through a pipe.
    let page = probity(at, &["report", "convert", "written/run-json-0-run", "--exit-code"]);
    assert!(well(&page, 100).contains("web-3"));
    let piped = Command::new("sh")
        .arg("-c")
        .arg(format!("cat written/ndjson-0-run | {} report convert -", env!("CARGO_BIN_EXE_probity")))
        .current_dir(at)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert_eq!(piped.stdout, page.stdout);
}

#[test]
fn a_report_never_takes_the_place_of_the_run_it_is_made_of() {
    let folder = site();
    let at = folder.path();
    let mut arguments = EXEC.to_vec();
    arguments.extend(["--reporter", "ndjson:run.ndjson"]);
    well(&probity(at, &arguments), 100);
    let before = std::fs::read(at.join("run.ndjson")).unwrap();
    let refused = probity(at, &["report", "convert", "run.ndjson", "--reporter", "ndjson:./run.ndjson"]);
    assert!(well(&refused, 1).contains("would overwrite ./run.ndjson"));
    assert_eq!(std::fs::read(at.join("run.ndjson")).unwrap(), before);
    let swallowed = probity(at, &["report", "merge", "run.ndjson", "--reporter", "cli", "run.ndjson"]);
    assert!(well(&swallowed, 1).contains("run.ndjson is taken as a value of --reporter"));
    std::fs::write(at.join("cut.ndjson"), &before[..before.len() - 30]).unwrap();
    let cut = probity(at, &["report", "convert", "cut.ndjson", "--exit-code"]);
    assert!(well(&cut, 130).contains("note: the run in cut.ndjson broke off within line"));
    std::fs::write(at.join("cut.json"), r#"{"format":"probity/run","version":1,"nodes":[{"#).unwrap();
    let cut = probity(at, &["report", "convert", "cut.json", "--reporter", "junit:out.xml"]);
    assert!(well(&cut, 1).contains("error: cut.json:1:46: the file is cut off here"));
    assert!(!at.join("out.xml").exists(), "nothing is left of it");
}

#[test]
fn a_run_and_the_one_that_completes_it_are_merged_and_compared() {
    let folder = site();
    let at = folder.path();
    let mut first = EXEC.to_vec();
    first.extend(["--reporter", "run-json:first.json"]);
    well(&probity(at, &first), 100);
    // What had failed is mended on the first node, and the third is there now.
    std::fs::create_dir_all(at.join("one/nowhere/at/all")).unwrap();
    assert!(Command::new("cp").args(["-r", "two", "three"]).current_dir(at).status().unwrap().success());
    let mut rerun = EXEC.to_vec();
    rerun.extend(["--rerun-failed", "first.json", "--reporter", "run-json:rerun.json"]);
    well(&probity(at, &rerun), 100);
    let merged = ["report", "merge", "first.json", "rerun.json", "--reporter", "run-json:all.json", "junit:all.xml"];
    assert_eq!(well(&probity(at, &merged), 0), "");
    let all: Value = serde_json::from_slice(&std::fs::read(at.join("all.json")).unwrap()).unwrap();
    let nodes = all["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3);
    assert_eq!(all["planned"], serde_json::json!({ "nodes": 3, "controls": 21 }));
    let outcome = |node: usize, control: &str| {
        let controls = nodes[node]["profiles"][0]["controls"].as_array().unwrap();
        assert_eq!(controls.len(), 7, "{node}");
        controls.iter().find(|found| found["control"] == control).unwrap()["outcome"].as_str().unwrap().to_string()
    };
    assert_eq!([outcome(0, "gone"), outcome(1, "gone")], ["passed", "failed"]);
    assert_eq!([outcome(0, "there"), outcome(2, "there")], ["passed", "passed"]);
    assert!(nodes[2]["error"].is_null());
    assert!(nodes[0]["notes"][0].as_str().unwrap().contains("controls are as run"), "{}", nodes[0]["notes"]);
    // What is merged comes back as it is, too.
    let again = ["report", "convert", "all.json", "--reporter", "junit:again.xml"];
    well(&probity(at, &again), 0);
    assert_eq!(std::fs::read(at.join("all.xml")).unwrap(), std::fs::read(at.join("again.xml")).unwrap());

    let page = well(&probity(at, &["report", "diff", "first.json", "all.json"]), 100);
    assert!(page.contains("Fixed\n  ✔ gone  passed on 1 node (failed before): web-1"), "{page}");
    assert!(page.contains("in reach again"), "{page}");
    assert!(page.contains("Newly failed"), "of the third nobody knew: {page}");
    let back = well(&probity(at, &["report", "diff", "all.json", "first.json", "--format", "json"]), 100);
    let back: Value = serde_json::from_str(&back).unwrap();
    assert_eq!((&back["format"], &back["version"], &back["worse"]), (&"probity/diff".into(), &1.into(), &true.into()));
    assert_eq!(back["nodes"][0]["change"], "lost");
    assert!(well(&probity(at, &["report", "diff", "first.json", "first.json"]), 0).contains("Nothing changed."));
    assert!(well(&probity(at, &["report", "diff", "-", "-"]), 1).contains("- is given twice"));
    let newer = r#"{"format":"probity/run","version":7}"#;
    std::fs::write(at.join("newer.json"), newer).unwrap();
    assert!(well(&probity(at, &["report", "diff", "first.json", "newer.json"]), 1).contains("probity/run version 7"));
}

#[test]
fn defaults_for_exec_do_not_break_a_subcommand_without_the_flag() {
    let folder = site();
    let at = folder.path();
    let mut first = EXEC.to_vec();
    first.extend(["--reporter", "run-json:first.json"]);
    well(&probity(at, &first), 100);
    for (arguments, code) in
        [(&["report", "diff", "first.json", "first.json"][..], 0), (&["report", "convert", "first.json"], 0)]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_probity"))
            .args(arguments)
            .current_dir(at)
            .env("PROBITY_REPORTER", "junit:from-environment.xml")
            .output()
            .unwrap();
        well(&output, code);
    }
    assert!(at.join("from-environment.xml").exists(), "convert takes it");
}
