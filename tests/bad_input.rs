//! Bad input of every kind: a clear error with file, line and remedy, exit code 1, and
//! nothing half-written.

mod support;

use support::probity_in;

/// One bad profile: its files, and words the error must hold.
struct Case {
    what: &'static str,
    files: &'static [(&'static str, &'static str)],
    args: &'static [&'static str],
    words: &'static [&'static str],
}

const GOOD: (&str, &str) = ("profile.yml", "name: p\nversion: 1.0.0\n");
const CONTROL: (&str, &str) = ("controls/c.lua", "control 'c' { check = function() describe(1):it(eq(1)) end }\n");
const DECLARES: (&str, &str) = (
    "profile.yml",
    "name: p\nversion: 1.0.0\nattributes:\n  max_tries:\n    type: integer\n    default: 4\n    max: 10\n",
);

const CASES: &[Case] = &[
    Case { what: "no manifest", files: &[CONTROL], args: &[], words: &["profile.yml", "probity init"] },
    Case {
        what: "broken manifest",
        files: &[("profile.yml", "name: p\nversion: [1\n"), CONTROL],
        args: &[],
        words: &["profile.yml:"],
    },
    Case {
        what: "no SemVer",
        files: &[("profile.yml", "name: p\nversion: one\n"), CONTROL],
        args: &[],
        words: &["profile.yml:2:", "version", "1.0.0"],
    },
    Case {
        what: "unknown key",
        files: &[("profile.yml", "name: p\nversion: 1.0.0\ntitel: x\n"), CONTROL],
        args: &[],
        words: &["profile.yml:3:1", "titel", "title"],
    },
    Case {
        what: "duplicate key",
        files: &[("profile.yml", "name: p\nname: q\nversion: 1.0.0\n"), CONTROL],
        args: &[],
        words: &["profile.yml:2", "name"],
    },
    Case {
        what: "newer Probity",
        files: &[("profile.yml", "name: p\nversion: 1.0.0\nrequires: '>= 99'\n"), CONTROL],
        args: &[],
        words: &["profile.yml:3", "99"],
    },
    Case {
        what: "Lua syntax",
        files: &[GOOD, ("controls/c.lua", "control 'c' {\n  check = function() end\n")],
        args: &[],
        words: &["controls/c.lua:", "expected"],
    },
    Case {
        what: "duplicate id",
        files: &[GOOD, CONTROL, ("controls/d.lua", "\ncontrol 'c' { check = function() end }\n")],
        args: &[],
        words: &["controls/d.lua:2", "declared twice", "controls/c.lua:1"],
    },
    Case {
        what: "empty profile",
        files: &[GOOD, ("controls/c.lua", "-- nothing\n")],
        args: &[],
        words: &["no control"],
    },
    Case { what: "no control files", files: &[GOOD], args: &[], words: &["p"] },
    Case {
        what: "undeclared attribute",
        files: &[DECLARES, CONTROL],
        args: &["--attr", "max_trys=3"],
        words: &["max_trys", "max_tries"],
    },
    Case {
        what: "wrong type",
        files: &[DECLARES, CONTROL],
        args: &["--attr", "max_tries=many"],
        words: &["max_tries", "integer"],
    },
    Case {
        what: "out of range",
        files: &[DECLARES, CONTROL],
        args: &["--attr", "max_tries=11"],
        words: &["max_tries", "10"],
    },
    Case {
        what: "attributes file with a wrong type",
        files: &[DECLARES, CONTROL, ("a.yml", "\nmax_tries: x\n")],
        args: &["--attrs", "p/a.yml"],
        words: &["a.yml:2", "max_tries"],
    },
    Case {
        what: "attributes file with an unknown name",
        files: &[DECLARES, CONTROL, ("a.yml", "max_trie: 3\n")],
        args: &["--attrs", "p/a.yml"],
        words: &["a.yml:1", "max_tries"],
    },
    Case {
        what: "broken attributes file",
        files: &[DECLARES, CONTROL, ("a.yml", "a: [\n")],
        args: &["--attrs", "p/a.yml"],
        words: &["a.yml:"],
    },
    Case {
        what: "no such attributes file",
        files: &[DECLARES, CONTROL],
        args: &["--attrs", "p/none.yml"],
        words: &["none.yml"],
    },
    Case {
        what: "required value missing",
        files: &[
            ("profile.yml", "name: p\nversion: 1.0.0\nattributes:\n  token:\n    type: string\n    required: true\n"),
            CONTROL,
        ],
        args: &[],
        words: &["profile.yml:4", "token", "--attr"],
    },
    Case {
        what: "resource at the top",
        files: &[GOOD, ("controls/c.lua", "local f = file '/etc/passwd'\n")],
        args: &[],
        words: &["controls/c.lua:1", "move this into check"],
    },
    Case {
        what: "unknown reporter",
        files: &[GOOD, CONTROL],
        args: &["--reporter", "junitt"],
        words: &["junitt", "junit"],
    },
    Case { what: "no such profile", files: &[], args: &["nowhere"], words: &["nowhere"] },
];

#[test]
fn every_bad_input_is_an_error_that_names_place_and_remedy() {
    let mut faults = Vec::new();
    for case in CASES {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in case.files {
            let path = folder.path().join("p").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let profile: &[&str] = if case.files.is_empty() { &[] } else { &["p"] };
        let args = [&["exec"], profile, case.args, &["--reporter", "json:out/r.json"][..]].concat();
        let args = if case.what == "unknown reporter" { [&["exec", "p"], case.args].concat() } else { args };
        let ran = probity_in(folder.path(), &args);
        let lacks: Vec<&str> = case.words.iter().filter(|word| !ran.stderr.contains(**word)).copied().collect();
        if ran.code != 1 || !lacks.is_empty() || !ran.stdout.is_empty() || ran.stderr.contains("panicked") {
            faults.push(format!("{}: exit {}, lacks {lacks:?}\n{}{}", case.what, ran.code, ran.stdout, ran.stderr));
        }
        if folder.path().join("out").exists() {
            faults.push(format!("{}: a report was begun", case.what));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn unknown_names_in_a_control_are_errored_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    for (code, word) in [
        ("describe(fiel '/etc/passwd'):exists()", "file"),
        ("describe(file '/etc/passwd'):its('moed', eq 'x')", "mode"),
        ("describe(file '/etc/passwd'):its('mode', eqq 'x')", "eq"),
        ("describe(file '/etc/passwd'):is('direktory')", "directory"),
        ("describe(file('/etc/passwd', { folow = true })):exists()", "argument"),
        ("describe(file '/etc/passwd'):its('mode', at_most(640))", "0640"),
        ("describe(passwd():where { usr = 'x' }):exists()", "user"),
        ("describe({1, 2}):it(eq(1))", "each"),
    ] {
        let ran = probity_in(folder.path(), &["exec", "-e", code]);
        assert_eq!(ran.code, 102, "{code}\n{}", ran.stdout);
        assert!(ran.stdout.contains(word), "{code}\n{}", ran.stdout);
    }
}
