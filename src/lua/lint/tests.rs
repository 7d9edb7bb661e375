//! Every rule with code it must find fault with and code it must not.

use super::*;
use crate::profile::Files;
use crate::profile::scaffold;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

const MANIFEST: &str = "name: sample\nversion: 1.0.0\ntitle: t\nsummary: s\nmaintainer: m\nlicense: l\n";
const ATTRIBUTES: &str = "attributes:\n  limit:\n    type: integer\n    default: 3\n";

fn profile(files: &[(&str, &str)]) -> Profile {
    let files: Files = files.iter().map(|(path, text)| (Arc::from(*path), Arc::from(text.as_bytes()))).collect();
    Profile::from_files(Path::new("sample"), files).unwrap()
}

/// What `probity check` finds, the engine's own refusals included.
fn look(profile: &Profile) -> Vec<Finding> {
    let refused = crate::run::load(profile, Rc::new(|_, _| {})).err().unwrap_or_default();
    check(profile, refused).unwrap()
}

fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
    look(&profile(files))
}

/// A control around the body of a check; the body begins in line 2, column 1.
fn control(body: &str) -> String {
    format!("control \"a\" {{ title = \"t\", impact = 0.5, desc = \"d\", check = function()\n{body}\nend }}\n")
}

fn names(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.rule.name).collect()
}

fn in_check(body: &str) -> Vec<Finding> {
    findings(&[("profile.yml", MANIFEST), ("controls/a.lua", &control(body))])
}

/// Rule, where it points (line and column), a body that breaks it, and one that does not.
const BODIES: &[(&str, (usize, usize), &str, &str)] = &[
    ("unknown-name", (2, 10), "describe(fiel \"/x\"):exists()", "describe(file \"/x\"):exists()"),
    ("unknown-name", (2, 24), "describe(1):it(eq(math.random()))", "describe(1):it(eq(math.floor(1.5)))"),
    ("unknown-name", (2, 10), "describe(io.lines()):it(eq(1))", "describe(string.rep(\"x\", 2)):it(eq \"xx\")"),
    ("uncalled-resource", (2, 10), "describe(os.name):it(eq \"x\")", "describe(os().name):it(eq \"x\")"),
    ("uncalled-resource", (2, 10), "describe(sshd_config):its(\"Port\", eq(22))", "describe(1):it(eq(1))"),
    ("unknown-name", (2, 15), "describe(node.nmae):it(eq \"x\")", "describe(node.name):it(eq \"x\")"),
    ("global-in-check", (2, 1), "x = 1 describe(1):it(eq(1))", "local x; x = 1 describe(x):it(eq(1))"),
    (
        "read-only",
        (2, 21),
        "local f = file \"/x\" f.mode = \"0640\" describe(f):exists()",
        "local f = { } f.mode = \"0640\" describe(f.mode):it(eq \"0640\")",
    ),
    ("read-only", (2, 1), "node.name = \"x\"", "local n = { name = node.name } n.name = \"x\""),
    ("describe-without-step", (2, 1), "describe(file \"/x\")", "describe(file \"/x\"):exists()"),
    (
        "describe-without-step",
        (2, 11),
        "local d = describe(file \"/x\") describe(1):it(eq(1))",
        "local d = describe(file \"/x\") d:exists()",
    ),
    ("unknown-step", (2, 21), "describe(file \"/x\"):exist()", "describe(file \"/x\"):exists()"),
    ("unknown-step", (2, 21), "describe(file \"/x\").foo()", "describe(file \"/x\"):exists():is(\"file\")"),
    (
        "dot-or-colon",
        (2, 33),
        "local d = describe(file \"/x\") d.exists()",
        "local d = describe(file \"/x\") d:exists()",
    ),
    (
        "dot-or-colon",
        (2, 21),
        "describe(file(\"/x\").owned_by(\"root\")):it(eq(true))",
        "describe(file(\"/x\"):owned_by(\"root\")):it(eq(true))",
    ),
    (
        "dot-or-colon",
        (2, 26),
        "describe(package(\"bash\"):installed()):it(eq(true))",
        "describe(package(\"bash\").installed):it(eq(true))",
    ),
    ("dot-or-colon", (2, 12), "file(\"/x\"):exists()", "describe(file(\"/x\")):exists()"),
    (
        "step-argument",
        (2, 21),
        "describe(file \"/x\"):its(\"mode\")",
        "describe(file \"/x\"):its(\"mode\", eq \"0640\")",
    ),
    ("step-argument", (2, 33), "describe(file \"/x\"):its(\"mode\", \"0640\")", "describe(1):it(eq(1))"),
    ("step-argument", (2, 34), "describe(file \"/x\"):its(\"owner\", eq)", "describe(1):it(absent)"),
    ("step-argument", (2, 24), "describe(file \"/x\"):is(eq \"file\")", "describe(file \"/x\"):is(\"file\")"),
    (
        "unknown-property",
        (2, 25),
        "describe(file \"/x\"):its(\"mdoe\", eq \"0640\")",
        "describe(file \"/x\"):its(\"mode\", eq \"0640\")",
    ),
    (
        "unknown-property",
        (3, 12),
        "local f = file \"/x\"\ndescribe(f.onwer):it(eq \"root\")",
        "local f = file \"/x\"\nf = {}\ndescribe(f.onwer):it(eq \"root\")",
    ),
    (
        "unknown-property",
        (2, 27),
        "describe(passwd():where { udi = 0 }):exists()",
        "describe(passwd():where { uid = 0 }):exists()",
    ),
    (
        "unknown-property",
        (2, 36),
        "describe(passwd():where({uid = 0}).usres):it(empty)",
        "describe(passwd():where({uid = 0}).users):it(empty)",
    ),
    (
        "unknown-property",
        (2, 24),
        "describe(sshd_config():efective(\"Port\")):it(absent)",
        "describe(sshd_config()):its(\"Prot\", absent)",
    ),
    ("predicate", (2, 24), "describe(file \"/x\"):is(\"directry\")", "describe(file \"/x\"):is(\"directory\")"),
    (
        "predicate",
        (2, 28),
        "describe(file \"/x\"):is_not(\"owned_by\")",
        "describe(file \"/x\"):is_not(\"owned_by\", \"root\")",
    ),
    (
        "arguments",
        (2, 23),
        "describe(find(\"/tmp\", { typ = \"file\" })):exists()",
        "local t = { typ = \"file\" } describe(find(\"/tmp\", t)):exists()",
    ),
    ("arguments", (2, 10), "describe(file()):exists()", "describe(file(\"/x\")):exists()"),
    ("arguments", (2, 15), "describe(file(3)):exists()", "local path = 3 describe(file(path)):exists()"),
    ("matcher", (2, 16), "describe(1):it(matches \"(\")", "describe(\"1\"):it(matches \"(.)\")"),
    ("matcher", (2, 19), "describe(1):it(no(between(5, 1)))", "describe(1):it(no(between(1, 5)))"),
    (
        "misfit",
        (2, 33),
        "describe(file \"/x\"):its(\"mode\", eq(640))",
        "describe(file \"/x\"):its(\"mode\", eq \"0640\")",
    ),
    (
        "misfit",
        (2, 33),
        "describe(file \"/x\"):its(\"mode\", at_most(0640))",
        "describe(file \"/x\"):its(\"size\", at_most(0640))",
    ),
    (
        "misfit",
        (2, 33),
        "describe(passwd()):its(\"users\", eq \"root\")",
        "describe(passwd()):its(\"users\", contains \"root\")",
    ),
    (
        "misfit",
        (2, 29),
        "describe(file(\"/x\").mode == 640):it(eq(true))",
        "describe(file(\"/x\").mode == \"0640\"):it(eq(true))",
    ),
    (
        "read-in-loop",
        (2, 50),
        "for _, u in ipairs(passwd().users) do if user(u).uid == 0 then print(u) end end describe(1):it(eq(1))",
        "for_each(passwd().users, function(u) if user(u).uid == 0 then print(u) end end) describe(1):it(eq(1))",
    ),
    (
        "read-in-loop",
        (2, 34),
        "local n = 1 while file(\"/\" .. n).exists do n = n + 1 end describe(n):it(eq(1))",
        "local n, f = 1, file(\"/x\" .. node.name) while f.exists do n = n + 1 end describe(n):it(eq(1))",
    ),
    (
        "read-in-loop",
        (2, 86),
        "for _, p in ipairs(attributes) do local f = file(p) if p then if p ~= 1 then print(f.size) end end end",
        "for _, p in ipairs { 1 } do if file(\"/\" .. p).exists then break end describe(file(p)):exists() end",
    ),
    (
        "lost-update",
        (2, 44),
        "local found for_each({ \"/a\" }, function(p) found = found or file(p).exists end) describe(found):it(eq(true))",
        "local found for_each({ \"/a\" }, function(p) found = file(p).exists or found end) describe(found):it(eq(true))",
    ),
    (
        "lost-update",
        (2, 53),
        "local all = {} for_each(passwd().users, function(u) all[#all + 1] = user(u).home end) describe(all):it(empty)",
        "local all = {} for_each(passwd().users, function(u) table.insert(all, user(u).home) end) describe(all):it(empty)",
    ),
    (
        "call-on-new-line",
        (3, 1),
        "describe(1):it(eq(1))\n(print or print)(1)",
        "describe(1):it(eq(1));\n(print or print)(1)",
    ),
];

#[test]
fn each_rule_finds_what_it_is_for_and_nothing_else() {
    let mut faults = Vec::new();
    for (rule, (line, column), bad, good) in BODIES {
        let found = in_check(bad);
        let place = Place::at("sample/controls/a.lua", *line, *column);
        let source = control(bad);
        let shown = found.first().and_then(|finding| finding.error.source_line.as_deref());
        if names(&found) != BTreeSet::from([*rule])
            || found[0].place() != Some(&place)
            || shown != source.lines().nth(line - 1)
        {
            faults.push(format!("{rule} at {place}: {bad}\n{}", listed(&found)));
        }
        let found = in_check(good);
        if !found.is_empty() {
            faults.push(format!("{rule} finds fault with {good}\n{}", listed(&found)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn listed(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("[{}] {}\n", finding.rule.name, finding.error)).collect()
}

/// Rule and place, and the files of a profile that breaks it and of one that does not.
type Case =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

const GOOD: &str = "control \"a\" { title = \"t\", impact = 0.5, desc = \"d\", check = function() end }";

const FILES: &[Case] = &[
    (
        "syntax",
        "controls/a.lua:2:13",
        &[("controls/a.lua", GOOD), ("controls/a.lua", "local x = 1\nlocal y = x x")],
        &[("controls/a.lua", GOOD)],
    ),
    (
        "syntax",
        "libraries/never_required.lua:1:7",
        &[("controls/a.lua", GOOD), ("libraries/never_required.lua", "local = 1")],
        &[("controls/a.lua", GOOD), ("libraries/never_required.lua", "local x = 1 return x")],
    ),
    // Said once, though the engine says it too, of the control that requires it.
    (
        "syntax",
        "libraries/l.lua:2:3",
        &[("controls/a.lua", "local l = require \"l\""), ("libraries/l.lua", "return { a = 1\n  b = 2 }")],
        &[("controls/a.lua", "local l = require \"l\""), ("libraries/l.lua", "return { a = 1,\n  b = 2 }")],
    ),
    (
        "needs-node",
        "controls/a.lua:1:11",
        &[("controls/a.lua", "local x = file \"/x\"")],
        &[("controls/a.lua", "local x = file")],
    ),
    (
        "needs-node",
        "libraries/l.lua:1:11",
        &[("controls/a.lua", GOOD), ("libraries/l.lua", "local x = attributes.limit")],
        &[("controls/a.lua", GOOD), ("libraries/l.lua", "local function x() return attributes.limit end")],
    ),
    (
        "missing-library",
        "controls/a.lua:1:19",
        &[("controls/a.lua", "local l = require \"lib\""), ("libraries/a/lob.lua", "return {}")],
        &[("controls/a.lua", "local l = require \"a.lob\""), ("libraries/a/lob.lua", "return {}")],
    ),
    (
        "duplicate-id",
        "controls/b.lua:1:9",
        &[("controls/a.lua", GOOD), ("controls/b.lua", GOOD)],
        &[("controls/a.lua", GOOD)],
    ),
    (
        "control-without-table",
        "controls/a.lua:1:1",
        &[("controls/a.lua", "control \"a\"")],
        &[("controls/a.lua", GOOD)],
    ),
    (
        "control-without-table",
        "controls/a.lua:1:1",
        &[("controls/a.lua", "control(\"a\", { })")],
        &[("controls/a.lua", GOOD)],
    ),
    (
        "unknown-key",
        "controls/a.lua:2:1",
        &[(
            "controls/a.lua",
            "control \"a\" { title = \"t\", impact = 0.5, desc = \"d\", check = function() end,\nrationle = \"r\" }",
        )],
        &[(
            "controls/a.lua",
            "control \"a\" { title = \"t\", impact = 0.5, desc = \"d\", check = function() end,\nrationale = \"r\" }",
        )],
    ),
    (
        "control-metadata",
        "controls/a.lua:1:1",
        &[("controls/a.lua", "control \"a\" { title = \" \", impact = 0.5, check = function() end }")],
        &[("controls/a.lua", GOOD)],
    ),
    (
        "load",
        "controls/a.lua:2:3",
        &[("controls/a.lua", "local x = {}\n  error(\"boom\")")],
        &[("controls/a.lua", "local x = {}\n  print(\"boom\")")],
    ),
    (
        "load",
        "controls/a.lua:1:1",
        &[("controls/a.lua", "control \"a\" { title = \"t\", impact = 7, desc = \"d\", check = function() end }")],
        &[("controls/a.lua", GOOD)],
    ),
];

#[test]
fn each_rule_about_whole_files_finds_what_it_is_for() {
    for (rule, place, bad, good) in FILES {
        let with_manifest = |files: &[(&'static str, &'static str)]| {
            let mut all = vec![("profile.yml", MANIFEST)];
            all.extend_from_slice(files);
            let uses = all.iter().any(|(_, text)| text.contains("attributes.limit"));
            let manifest = if uses { format!("{MANIFEST}{ATTRIBUTES}") } else { MANIFEST.to_string() };
            all[0].1 = manifest.leak();
            findings(&all)
        };
        let found = with_manifest(bad);
        assert_eq!(names(&found), BTreeSet::from([*rule]), "{bad:?}\n{found:#?}");
        assert_eq!(found[0].place().unwrap().to_string(), format!("sample/{place}"), "{}", found[0].error);
        let found = with_manifest(good);
        assert!(found.is_empty(), "{good:?}\n{found:#?}");
    }
}

#[test]
fn a_shared_variable_is_read_after_the_wait_and_not_before() {
    let in_body = |declared: &str, body: &str| {
        in_check(&format!("local {declared}\nfor_each({{ \"/a\" }}, function(p)\n{body}\nend)\ndescribe(x):it(eq(1))"))
    };
    for bad in [
        "x = x + file(p).size",
        "x = (x or 0) + (file(p)).size",
        "x = { x, file(p).size }",
        "x = x .. command(\"id \" .. p).stdout",
        "x = f(p, x)",
        "x = x or p:is_there()",
        "x = x or file(p):owned_by(\"root\")",
        "x = x and pcall(function() return file(p).size end)",
        "local y = 1 x, y = x + y, file(p).size",
        "x.total = x.total + file(p).size",
        "x.of[p] = x.of[p] or file(p).size",
        "x[#x + 1] = file(p).size",
        "if not x then x = file(p).exists end",
        "if not x and file(p).exists then x = p end",
        "if not x then local is = file(p).exists if is then x = p end end",
        "if p == \"/b\" then elseif not x and file(p).exists then x = p end",
        "while not x do x = file(p).exists end",
        "for _, q in ipairs { 1 } do x = x or file(p .. q).exists break end",
        "do local f = function() x = x or file(p).exists end f() end",
        "for_each({ 1 }, function(q) x = x or file(p .. q).exists end)",
    ] {
        let mut found = in_body("x, f = 1, print", bad);
        assert!(!found.iter().any(Finding::is_error), "{bad}\n{}", listed(&found));
        found.retain(|finding| finding.rule.name == "lost-update");
        assert_eq!(found.iter().map(|one| one.place().unwrap().line).collect::<Vec<_>>(), [Some(4)], "{bad}");
        assert!(found[0].error.message.starts_with("x is read before"), "{}", found[0].error);
    }
    for good in [
        "x = file(p).size + x",
        "local size = file(p).size x = x + size",
        "x = x + #p",
        "x = x .. p:upper() .. tostring(p) .. string.format(\"%s\", p)",
        "x = file(p).exists",
        "x = x or p",
        "x = x or file(p)",
        "x = x or function() return file(p).size end",
        "x = x or node.name",
        "local x = 1 x = x + file(p).size",
        "local t = {} t[#t + 1] = file(p).size",
        "x[p] = file(p).size",
        "x.y[p].z = file(p).size",
        "table.insert(x, file(p).size)",
        "if file(p).exists and not x then x = p end",
        "if not x then file(p):owned_by(\"root\") end x = 1",
        "if not x then if file(p).exists then f(p) else f(1) end end",
        "if not x then if p then f(p) else x = p end end",
        "if not x then local is = file(p).exists x = x or is end",
        "describe(file(p)):exists() x = x + 1",
    ] {
        let found = in_body("x, f = 1, print", good);
        assert!(!found.iter().any(Finding::is_error), "{good}\n{}", listed(&found));
        let found: Vec<&Finding> = found.iter().filter(|finding| finding.rule.name == "lost-update").collect();
        assert!(found.is_empty(), "{good}\n{}", found[0].error);
    }
    // Outside of `for_each` bodies come one after the other.
    assert!(in_check("local x = 1 x = x + file(\"/a\").size describe(x):it(eq(1))").is_empty());
    // The rows of `where` are judged side by side as well.
    let rows = "local n = 0 local rows = passwd():where(function(row) n = n + user(row.user).uid return true end)\n\
        describe(rows):its(\"users\", len(n))";
    assert_eq!(names(&in_check(rows)), BTreeSet::from(["lost-update"]));
}

#[test]
fn attributes_are_declared_and_used() {
    let manifest = format!("{MANIFEST}{ATTRIBUTES}");
    let with = |body: &str| findings(&[("profile.yml", &manifest), ("controls/a.lua", &control(body))]);
    let found = with("describe(attributes.limt):it(eq(3))");
    assert_eq!(names(&found), BTreeSet::from(["undeclared-attribute", "unused-attribute"]));
    assert_eq!(found[0].place(), Some(&Place::at("sample/controls/a.lua", 2, 21)));
    assert!(found[0].error.message.contains("did you mean limit?"), "{}", found[0].error);
    assert_eq!(found[1].place(), Some(&Place::at("sample/profile.yml", 8, 3)));
    assert!(found.iter().map(Finding::is_error).eq([true, false]));
    for used in [
        "describe(attributes.limit):it(eq(3))",
        "describe(attributes[\"limit\"]):it(eq(3))",
        "local name = \"limit\" describe(attributes[name]):it(eq(3))",
        "local all = attributes describe(all.limit):it(eq(3))",
    ] {
        assert!(with(used).is_empty(), "{used}");
    }
    // A local of that name is none of the profile's attributes.
    let shadowed = with("local attributes = { limt = 1 } describe(attributes.limt):it(eq(1))");
    assert_eq!(names(&shadowed), BTreeSet::from(["unused-attribute"]));
}

#[test]
fn a_manifest_says_what_a_reader_needs() {
    let found = findings(&[("profile.yml", "name: sample\nversion: 1.0.0\ntitle: t"), ("controls/a.lua", GOOD)]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(names(&found), BTreeSet::from(["manifest-metadata"]));
    assert!(found.iter().all(|finding| !finding.is_error() && finding.error.source_line.is_some()));
}

#[test]
fn every_rule_has_an_example() {
    let elsewhere =
        ["profile", "undeclared-attribute", "unused-attribute", "manifest-metadata", "unexamined", "too-many"];
    let shown: BTreeSet<&str> = BODIES.iter().map(|case| case.0).chain(FILES.iter().map(|case| case.0)).collect();
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(all.len(), RULES.len(), "two rules have one name");
    let missing: Vec<_> = all.iter().filter(|name| !shown.contains(*name) && !elsewhere.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(RULES.iter().all(|rule| rule.doc.ends_with('.')));
}

#[test]
fn the_column_of_a_syntax_error_is_that_of_the_refused_token() {
    for (text, line, column) in [
        ("local a = { 1, 2\nlocal b = 3", 2, 1),
        ("if x = 1 then end", 1, 6),
        ("f(1)) -- )", 1, 5),
        ("-- x\nlocal s = ')' )", 2, 15),
        ("local ü = 1", 1, 7),
        ("local s = 'ü' ]", 1, 15),
        ("local s = \"^\\d+\"", 1, 13),
        ("local s = \"abc", 1, 14),
        ("local s = \"abc\nx", 1, 11),
        ("function f()\n  x()\n", 3, 1),
        ("goto nowhere", 1, 1),
    ] {
        let place = |spot: Spot| Place::at("a.lua", spot.line, spot.column);
        let found = syntax::check(&syntax::compiler().unwrap(), text, place).unwrap();
        assert_eq!(found.place(), Some(&Place::at("a.lua", line, column)), "{text}\n{}", found.error);
    }
}

#[test]
fn an_invalid_escape_is_explained() {
    let found = in_check("describe(\"a1\"):it(matches \"^a\\d$\")");
    assert_eq!(names(&found), BTreeSet::from(["syntax"]), "{found:?}");
    assert_eq!(found[0].place(), Some(&Place::at("sample/controls/a.lua", 2, 30)));
    assert!(found[0].error.hints[0].contains("[[…]]"), "{}", found[0].error);
}

#[test]
fn what_is_nested_deep_or_very_long_is_borne() {
    let place = |spot: Spot| Place::at("a.lua", spot.line, spot.column);
    let lua = syntax::compiler().unwrap();
    for text in ["(".repeat(10_000), "{".repeat(10_000), "- ".repeat(10_000), "a = function() ".repeat(10_000)] {
        assert!(syntax::check(&lua, &format!("local x = {text}"), place).is_some());
    }
    let nested = format!("describe({}1{}):it(eq(1))", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(names(&in_check(&nested)), BTreeSet::from(["syntax"]));
    let near = format!("describe({}1{}):it(eq(1))", "(".repeat(150), ")".repeat(150));
    assert!(in_check(&near).is_empty());
    // Lua takes an operation of any length.
    let long = format!("describe(1{}):it(eq(1))", "+1".repeat(MAX_BYTES / 2 - 200));
    assert!(in_check(&long).is_empty());
}

#[test]
fn a_file_beyond_the_cap_is_only_compiled() {
    let text = format!("{}-- {}", control("describe(fiel(1)):exists()"), "x".repeat(MAX_BYTES));
    let found = findings(&[("profile.yml", MANIFEST), ("controls/a.lua", &text)]);
    assert_eq!(names(&found), BTreeSet::from(["unexamined"]));
}

#[test]
fn what_the_parser_does_not_take_is_said_and_the_engine_still_judges_it() {
    let found = in_check("local x = 1;; describe(x):it(eq(1))");
    assert_eq!(names(&found), BTreeSet::from(["unexamined"]));
    let text = "local x = 1;; control \"a\" { check = 1 }";
    let found = findings(&[("profile.yml", MANIFEST), ("controls/a.lua", text)]);
    assert_eq!(names(&found), BTreeSet::from(["unexamined", "load"]));
}

#[test]
fn a_warning_is_allowed_where_the_source_says_so_and_an_error_never() {
    let read = "for i = 1, 2 do print(file(\"/\" .. i).size) end describe(1):it(eq(1))";
    for allowed in [
        format!("{read} -- probity: allow read-in-loop"),
        format!("-- probity: allow call-on-new-line, read-in-loop\n{read}"),
    ] {
        assert!(in_check(&allowed).is_empty(), "{allowed}");
    }
    let other = format!("-- probity: allow unused-attribute\n{read}");
    assert_eq!(names(&in_check(&other)), BTreeSet::from(["read-in-loop"]));
    let two_above = format!("-- probity: allow read-in-loop\n\n{read}");
    assert_eq!(names(&in_check(&two_above)), BTreeSet::from(["read-in-loop"]));
    let error = in_check("-- probity: allow unknown-name\ndescribe(fiel \"/x\"):exists()");
    assert_eq!(names(&error), BTreeSet::from(["unknown-name"]));
}

#[test]
fn findings_beyond_the_cap_are_left_out_and_it_is_said() {
    let body: String = (0..5000).map(|number| format!("describe(unknown{number}):it(eq(1))\n")).collect();
    let found = in_check(&body);
    assert_eq!(found.len(), sheet::MAX_FINDINGS + 1);
    assert_eq!(found.last().unwrap().rule.name, "too-many");
}

#[test]
fn control_characters_of_the_source_do_not_reach_the_terminal() {
    let found = in_check("describe(file \"/x\"):its(\"\\27[31m\", eq(1)) -- \u{1b}[2J");
    assert_eq!(names(&found), BTreeSet::from(["unknown-property"]));
    assert!(!found[0].error.to_string().contains('\u{1b}'), "{:?}", found[0].error);
}

#[test]
fn what_needs_a_node_is_what_the_engine_refuses_while_it_loads() {
    let resources = crate::resource::ALL.iter().map(|entry| entry.name);
    for name in names_used::NEED_NODE.into_iter().chain(resources) {
        let code = format!("local x = {name}({{ function() end }})");
        let alone = profile(&[("profile.yml", MANIFEST), ("controls/a.lua", &code)]);
        let refused = crate::run::load(&alone, Rc::new(|_, _| {})).err().unwrap_or_default();
        let messages: Vec<&str> = refused.iter().map(|error| error.message.as_str()).collect();
        assert!(
            messages.iter().any(|message| message.contains("move this into check")),
            "{name} is not refused: {messages:?}"
        );
    }
}

#[test]
fn the_names_are_those_of_the_sandbox() {
    let names = Names::ask().unwrap();
    for entry in crate::resource::ALL {
        assert!(names.globals.contains(entry.name));
    }
    for name in crate::lua::matcher::CATALOGUE.iter().map(|doc| doc.name).chain(["control", "pairs", "attributes"]) {
        assert!(names.globals.contains(name), "{name}");
    }
    // A file of the engine agrees on each of them, and on what is not among them.
    let seen: String = names.globals.iter().map(|name| format!("local _ = {name}\n")).collect();
    assert!(findings(&[("profile.yml", MANIFEST), ("controls/a.lua", &seen)]).is_empty());
    for name in ["io", "os_execute", "load", "dofile", "coroutine", "debug", "collectgarbage"] {
        assert!(!names.globals.contains(name), "{name}");
    }
    assert!(names.lacks("string", "dump") && !names.lacks("string", "format") && !names.lacks("elsewhere", "x"));
}

#[test]
fn scopes_are_those_of_lua() {
    for good in [
        "local describe = function() end describe(1)",
        "local function file() return { mdoe = 1 } end describe(file(\"/x\").mdoe):it(eq(1))",
        "repeat local done = true until done describe(1):it(eq(1))",
        "local function fact(n) return n < 2 and 1 or n * fact(n - 1) end describe(fact(3)):it(eq(6))",
        "local t = {} function t:f(...) return self, ... end describe(t):its(\"f\", eq(1))",
        "for i = 1, 2 do local x <const> = i describe(x):it(eq(i)) end",
        "goto out ::out:: describe(1):it(eq(1))",
    ] {
        let found = in_check(good);
        assert!(found.is_empty(), "{good}\n{found:#?}");
    }
    for bad in [
        "do local inner = 1 end describe(inner):it(eq(1))",
        "local x = x describe(1):it(eq(1))",
        "for i = 1, i do end describe(1):it(eq(1))",
    ] {
        assert_eq!(names(&in_check(bad)), BTreeSet::from(["unknown-name"]), "{bad}");
    }
    // What a file sets at its top is known in all of it.
    let text = format!("limit = 3\nfunction helper() end\n{}", control("helper() describe(limit):it(eq(3))"));
    assert!(findings(&[("profile.yml", MANIFEST), ("controls/a.lua", &text)]).is_empty());
}

#[test]
fn a_new_profile_and_the_baseline_are_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    scaffold::write(&made).unwrap();
    let baseline = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/linux-baseline");
    for path in [made, baseline] {
        let found = look(&Profile::load(&path).unwrap());
        let shown: Vec<String> = found.iter().map(|finding| finding.error.to_string()).collect();
        assert!(found.is_empty(), "{}", shown.join("\n"));
    }
}

#[test]
fn the_examples_of_all_resources_are_quiet() {
    for entry in crate::resource::ALL {
        let found = in_check(entry.example);
        let found: Vec<&Finding> = found.iter().filter(|finding| finding.is_error()).collect();
        assert!(found.is_empty(), "{}\n{found:#?}", entry.name);
    }
    for doc in crate::lua::matcher::CATALOGUE {
        let found = in_check(&format!("local value = 1 describe(value):it({})", doc.example));
        assert!(found.is_empty(), "{}\n{found:#?}", doc.name);
    }
}
