//! Where a result says it comes from: file, line and traceback.

use super::*;
use Outcome::*;

/// Runs one control with a library `m`.
fn with_library(control: &str, library: &str) -> Finished {
    let engine = load_with(control, &[("m", library)]).unwrap_or_else(|errors| panic!("{}", errors[0]));
    run_on(&engine, Rc::new(Local::new())).0.remove(0)
}

fn places(finished: &Finished) -> Vec<String> {
    finished.steps.iter().map(|step| format!("{}:{}", step.file, step.line)).collect()
}

#[test]
fn steps_of_functions_and_libraries_have_their_own_line_tail_call_or_not() {
    let control = "local m = require 'm'\n\
        local function tail(x)\n  return describe(x)\n    :it(eq(1))\n    :it(eq(1))\nend\n\
        control 't' { check = function()\n  tail(1)\n  m.tail(1)\n  m.plain(1)\n  m.custom()\n  return describe(1):it(eq(1))\nend }";
    let library = "local M = {}\nfunction M.tail(x)\n  return describe(x):it(\n    eq(1)\n  )\nend\n\
        function M.plain(x)\n  describe(x)\n\n    :it(eq(1))\nend\n\
        function M.custom()\n  return describe({ f = function() return 1 end }, 'own')\n    :its('f', eq(1))\n    :its('f',\n eq(1))\nend\nreturn M";
    let result = with_library(control, library);
    assert_eq!(result.outcome, Passed, "{result:#?}");
    let (t, m) = ("controls/t.lua", "libraries/m.lua");
    let expected = [(t, 4), (t, 5), (m, 3), (m, 10), (m, 14), (m, 15), (t, 12)];
    assert_eq!(places(&result), expected.map(|(file, line)| format!("{file}:{line}")));
}

#[test]
fn steps_inside_loops_and_alternatives_have_their_own_line() {
    let result = check(
        "for_each({1, 2}, function(n)\n  for_each({1}, function()\n    describe(n)\n      :it(eq(n))\n  end)\nend)\n\
         one_of_checks {\n  function() describe(1):it(eq(1)) end,\n}",
    );
    assert_eq!(places(&result), ["controls/t.lua:5", "controls/t.lua:5", "controls/t.lua:8"]);
}

/// Each of these is an error of the line marked with `!`.
#[test]
fn errors_are_told_at_the_line_that_makes_them() {
    let directory = tempfile::tempdir().unwrap();
    let huge = directory.path().join("huge");
    std::fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    let huge = huge.display();
    for body in [
        "local x = nil\nx.y = 1 -- !",
        "error('mine') -- !",
        "error('mine', 0) -- !",
        "error({}) -- !",
        "local t = {}\nlocal s = 'a' .. t -- !",
        "file({}) -- !",
        "local function f()\n return file({}) -- !\nend\nf()",
        "return file({}) -- !",
        "describe(file '/')\n  :its('mdoe', eq(1)) -- !",
        "return describe(1)\n  :is('x') -- !",
        "describe(1):it(eq(1))\nreturn for_each(1, 2) -- !",
        "return one_of_checks {} -- !",
        "return skip() -- !",
        "local f = file '/etc'\nlocal x = f.mdoe -- !",
        "local f = file '/etc'\nf.mode = 1 -- !",
        "local f = file '/etc'\nreturn f:readable_by(1, 2, 3) -- !",
        "local f = file '/etc'\nlocal function g()\n return f:readable_by('x', 'y', 'z') -- !\nend\ng()",
        "return passwd():where { usr = 1 } -- !",
        "return passwd():where(function(row)\n local x = row.nothing.more -- !\nend)",
        "return eq() -- !",
        "local x = attributes.limti -- !",
        "local x = node.nmae -- !",
        "local x = fiel -- !",
        "x = 1 -- !",
        "table.concat({ {} }) -- !",
        "string.rep('x', 1 << 50) -- !",
        "('x'):find('[') -- !",
        "('x'):format({}, 1)\n('%d'):format('x') -- !",
        "for k in pairs({ [{}] = 1 }) do end -- !",
        "require 'none' -- !",
        "local x = #file('/') -- !",
        &format!("local f = file '{huge}'\nlocal x = f.content -- !"),
        &format!(
            "for_each({{1, 2}}, function(n)\n  if n == 2 then\n    local x = file('{huge}').content -- !\n  end\n  describe(n):it(eq(n))\nend)"
        ),
    ] {
        let body = body.replace('!', "!\n");
        let line = 2 + body.lines().position(|line| line.contains('!')).unwrap();
        let result = check(&body);
        let step = result.steps.iter().find(|step| step.outcome == Errored).unwrap_or_else(|| panic!("{body}"));
        assert_eq!((&*step.file, step.line), ("controls/t.lua", line), "{body}\n{step:#?}");
        let message = step.message.as_deref().unwrap();
        let shown = format!("{message} {}", step.traceback.as_deref().unwrap_or(""));
        for engine in ["probity", "[C]", "mlua", "0x", "src/", "stack traceback"] {
            assert!(!shown.replace("`probity resources`", "").contains(engine), "{body}\n{shown}");
        }
        assert!(!message.contains("t.lua:"), "the place is not told twice: {message}");
    }
}

#[test]
fn an_error_in_a_library_has_the_librarys_line_and_a_short_traceback() {
    let result = with_library(
        "local m = require 'm'\ncontrol 't' { check = function()\n  m.outer()\nend }",
        "local M = {}\nfunction M.inner()\n  local x = nil\n  return x.y\nend\nfunction M.outer()\n  M.inner()\nend\nreturn M",
    );
    let step = &result.steps[0];
    assert_eq!((&*step.file, step.line), ("libraries/m.lua", 4));
    let traceback = step.traceback.as_deref().unwrap();
    let lines: Vec<&str> = traceback.lines().map(|line| line.split(" in ").next().unwrap()).collect();
    assert_eq!(lines, ["libraries/m.lua:4", "libraries/m.lua:7", "controls/t.lua:3"], "{traceback}");
}

#[test]
fn a_caught_error_is_text_with_its_place() {
    let result = check(
        "local ok, why = pcall(file, {})\ndescribe(why, 'constructor'):it(starts_with 'controls/t.lua:2: file')\n\
         local ok, why = pcall(function()\n  return file({})\nend)\n\
         describe(why, 'inside'):it(matches '^controls/t.lua:5: file')\n\
         local ok, why = pcall(error, { code = 7 })\ndescribe(why.code, 'table'):it(eq(7))\n\
         local ok, why = xpcall(function() local x = nil + 1 end, function(e) return 'handled ' .. e end)\n\
         describe(why, 'handled'):it(starts_with 'handled controls/t.lua:10: ')",
    );
    let failed: Vec<_> = result.steps.iter().filter(|step| step.outcome != Passed).collect();
    assert!(failed.is_empty() && result.steps.len() == 4, "{result:#?}");
}

#[test]
fn an_error_while_a_file_loads_has_file_and_line() {
    for (text, line, word) in [
        ("control 'a' {\n  check = 1,\n}", 1, "check must be a function"),
        ("\nlocal x = y.z", 2, "nothing is named y"),
        ("\n\nfor_each({}, print)", 3, "for_each"),
        ("\nskip 'x'", 2, "skip"),
        ("\nlocal n = now()", 2, "now"),
        ("\nlocal n = node.name", 2, "node"),
        ("\none_of_checks { function() end }", 2, "one_of_checks"),
        ("x = = 1", 1, "unexpected symbol"),
        ("\nlocal m = require 'm'", 3, "attempt to perform arithmetic"),
        ("control('a', {})", 1, "without a comma"),
        ("control 'a' 'b'", 1, "needs a table"),
    ] {
        let errors = load_with(text, &[("m", "\n\nlocal x = 1 + nil\n")]).err().expect(text);
        let place = errors[0].place.as_ref().unwrap();
        assert_eq!(place.line, Some(line), "{text}: {}", errors[0]);
        assert!(errors[0].message.contains(word), "{text}: {}", errors[0]);
        assert!(!errors[0].message.contains("probity/"), "{}", errors[0]);
    }
}
