//! `probity check` as a user runs it.

mod support;

use std::path::Path;
use support::{probity, probity_in};

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const MANIFEST: &str = "name: sample\nversion: 1.0.0\ntitle: t\nsummary: s\nmaintainer: m\nlicense: l\n";

fn sample(check: &str, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "p/profile.yml", MANIFEST);
    let control = format!(
        "control \"a\" {{\n  title = \"t\",\n  {more}\n  desc = \"d\",\n  check = function()\n    {check}\n  end,\n}}\n"
    );
    write(folder.path(), "p/controls/a.lua", &control);
    folder
}

#[test]
fn an_error_is_shown_with_place_source_line_and_mark() {
    let folder = sample("describe(file \"/etc/passwd\"):its(\"mdoe\", at_most \"0644\")", "impact = 0.5,");
    let ran = probity_in(folder.path(), &["check", "p"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        ran.stdout,
        "error[unknown-property]: p/controls/a.lua:6:38: file has no property mdoe; did you mean mode?\n    \
         6 |     describe(file \"/etc/passwd\"):its(\"mdoe\", at_most \"0644\")\n      \
         |                                      ^\n\n\
         sample 1.0.0: 1 error, 0 warnings\n"
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn warnings_fail_only_when_strict() {
    let folder = sample("describe(1):it(eq(1))", "");
    let ran = probity_in(folder.path(), &["check", "p"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stdout.starts_with("warning[control-metadata]: p/controls/a.lua:1:1: control a has no impact\n"));
    assert_eq!(probity_in(folder.path(), &["check", "p", "--strict"]).code, 1);
    let quiet = probity_in(folder.path(), &["check", "p", "--quiet"]);
    assert!(!quiet.stdout.contains("0 errors"), "{}", quiet.stdout);
}

#[test]
fn what_is_found_is_given_as_json() {
    let folder = sample("describe(fiel \"/x\"):exists()", "");
    write(folder.path(), "broken/profile.yml", "name: broken\nversion: one\n");
    let ran = probity_in(folder.path(), &["check", "p", "broken", "absent", "--format", "json"]);
    assert_eq!(ran.code, 1);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((document["format"].as_str(), document["version"].as_u64()), (Some("probity/check"), Some(1)));
    let paths: Vec<&str> =
        document["profiles"].as_array().unwrap().iter().map(|profile| profile["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["p", "broken", "absent"]);
    assert_eq!(document["profiles"][0]["name"], "sample");
    assert!(document["profiles"][1]["name"].is_null());
    let errors = document["errors"].as_array().unwrap();
    let rules: Vec<&str> = errors.iter().map(|error| error["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["unknown-name", "profile", "profile"]);
    let error = &errors[0];
    assert_eq!((error["line"].as_u64(), error["column"].as_u64()), (Some(6), Some(14)));
    assert_eq!(error["file"], "p/controls/a.lua");
    assert_eq!(error["source"], "    describe(fiel \"/x\"):exists()");
    assert_eq!(error["hints"][0], "did you mean file?");
    assert_eq!(errors[1]["line"], 2);
    assert_eq!(document["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn an_archive_is_checked_as_its_directory_is() {
    let folder = sample("describe(1):it(eq(1))", "");
    let packed = probity_in(folder.path(), &["archive", "p"]);
    assert_eq!(packed.code, 0, "{}", packed.stderr);
    let ran = probity_in(folder.path(), &["check", "sample-1.0.0.tar.gz", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let warning = &document["warnings"][0];
    assert_eq!(warning["rule"], "control-metadata");
    assert_eq!(warning["file"], "sample-1.0.0.tar.gz/controls/a.lua");
    assert_eq!(warning["source"], "control \"a\" {");
}

#[test]
fn what_the_program_brings_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(probity_in(folder.path(), &["init", "fresh"]).code, 0);
    let ran = probity_in(folder.path(), &["check", "fresh", "--strict"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "fresh 0.1.0: 0 errors, 0 warnings\n"), "{}", ran.stderr);
    let ran = probity(&["check", "profiles/linux-baseline", "profiles/ssh-baseline", "--strict"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn the_rules_are_listed() {
    let ran = probity(&["check", "--rules"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.lines().any(|line| line.starts_with("read-in-loop") && line.contains("warning")));
    let json = probity(&["check", "--rules", "--format", "json"]);
    let rules: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md")).unwrap();
    let row = |rule: &serde_json::Value| {
        let part = |key: &str| rule[key].as_str().unwrap().to_string();
        format!("| `{}` | {} | {} |\n", part("name"), part("severity"), part("doc"))
    };
    let table: String = rules["rules"].as_array().unwrap().iter().map(row).collect();
    assert!(page.contains(&table), "docs/profiles.md lists other rules than:\n{table}");
    let none = probity(&["check"]);
    assert_eq!(none.code, 1, "{}", none.stdout);
}
