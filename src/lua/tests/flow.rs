//! `for_each`, `one_of_checks`, `where` with functions, `skip` and its like, `require`.

use super::*;
use crate::probe::{Answer, Probe};
use Outcome::*;

/// A machine behind a wire: nothing is answered at once.
pub struct Wire(pub Local);

impl Transport for Wire {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        probes
            .iter()
            .map(|probe| {
                self.0.answer_now(probe).unwrap_or_else(|| self.0.batch(std::slice::from_ref(probe)).remove(0))
            })
            .collect()
    }

    fn user(&self) -> String {
        self.0.user()
    }
}

/// Runs a file here and behind a wire, which must come to the same; gives the results and
/// the rounds the wire took.
fn both(text: &str, libraries: &[(&str, &str)]) -> (Vec<Finished>, usize) {
    let engine = load_with(text, libraries).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (here, _) = run_on(&engine, Rc::new(Local::new()));
    let (there, node) = run_on(&engine, Rc::new(Wire(Local::new())));
    let told = |results: &[Finished]| {
        let tell = |one: &Finished| format!("{:?} {:?} {:#?}", one.outcome, one.reason, one.steps);
        results.iter().map(tell).collect::<Vec<_>>()
    };
    assert_eq!(told(&here), told(&there), "a wire changes no result");
    (there, node.rounds())
}

fn body(body: &str) -> (Finished, usize) {
    let (mut results, rounds) = both(&format!("control 't' {{ check = function()\n{body}\nend }}"), &[]);
    (results.remove(0), rounds)
}

fn outcomes(finished: &Finished) -> Vec<Outcome> {
    finished.steps.iter().map(|step| step.outcome).collect()
}

#[test]
fn bodies_of_loops_ask_together_nested_or_not() {
    let (result, rounds) = body(
        "for_each({'/', '/etc', '/usr'}, function(a)\n  local one = file(a).exists\n\
         for_each({'passwd', 'group'}, function(b)\n    local two = file(a .. '/' .. b).exists\n    describe(one, a .. b):it(eq(true))\n  end)\nend)",
    );
    assert_eq!((result.outcome, result.steps.len(), rounds), (Passed, 6, 2));
}

#[test]
fn an_error_in_one_body_leaves_the_others_and_the_rest_alone() {
    let (result, _) = body(
        "for_each({1, 2, 3}, function(n)\n  local _ = file('/etc/' .. n).exists\n  if n == 2 then error('two') end\n\
         for_each({n}, function(m)\n    if m == 3 then error('three') end\n    describe(m):it(eq(m))\n  end)\nend)\ndescribe('end'):it(eq 'end')",
    );
    assert_eq!(outcomes(&result), [Passed, Errored, Errored, Passed]);
    assert_eq!((result.outcome, result.steps[1].line, result.steps[2].line), (Errored, 4, 6));
    assert_eq!(result.reason.as_deref(), Some("two"));
}

#[test]
fn a_list_with_holes_or_names_is_refused() {
    for (list, word) in [
        ("{1, nil, 3}", "hole (nil) at 2"),
        ("{nil, 2}", "hole (nil) at 1"),
        ("{ 1, x = 2 }", "names instead of positions"),
        ("{ x = 2 }", "names instead of positions"),
        ("passwd()", ".entries"),
        ("nil", "is nil"),
        ("'x'", "not a string"),
    ] {
        let result = check(&format!("for_each({list}, function(x) describe(x):it(eq(1)) end)"));
        assert!(message(&result).contains(word), "{list}: {:?}", message(&result));
    }
}

#[test]
fn skip_in_a_body_ends_the_control_as_if_bodies_ran_in_their_order() {
    // The first and the fourth body are still waiting when the second one skips; the third
    // one has already failed.
    let (result, _) = body(
        "for_each({1, 2, 3, 4}, function(n)\n  if n == 1 or n == 4 then local _ = command('true').exit_status _ = command('echo x').stdout end\n\
         if n == 2 then local _ = command('true').exit_status skip('enough') end\n  describe(n):it(eq(1))\nend)\ndescribe('end'):it(eq 'never')",
    );
    assert_eq!(outcomes(&result), [Passed, Skipped]);
    assert_eq!((result.outcome, result.reason.as_deref()), (Skipped, Some("enough")));
    // The earliest of several counts, and what failed before it too.
    let (result, _) = body(
        "describe(1):it(eq(2))\nfor_each({1, 2}, function(n)\n  for_each({1, 2}, function(m)\n    if n == 1 then local _ = command('true').exit_status end\n\
         if m == 2 then skip('at ' .. n .. m) end\n    describe(n .. m):it(eq '11')\n  end)\nend)",
    );
    assert_eq!(outcomes(&result), [Failed, Passed, Skipped]);
    assert_eq!(result.steps[2].message.as_deref(), Some("at 12"));
}

#[test]
fn what_cannot_suspend_leaves_nothing_behind() {
    // A comparator cannot be suspended: what failed there must not count at the next wait.
    let (result, _) = body(
        "local ok = pcall(table.sort, {2, 1}, function() skip('in sort') end)\n\
         pcall(table.sort, {2, 1}, function() for_each({1}, function() describe(0):it(eq(1)) end) end)\n\
         local status = command('true').exit_status\ndescribe(status, 'status'):it(eq(0))\ndescribe(ok, 'ok'):it(eq(false))",
    );
    assert_eq!(outcomes(&result), [Passed, Passed]);
    assert_eq!(result.reason, None);
}

#[test]
fn alternatives_and_loops_go_into_one_another() {
    let (result, rounds) = body(
        "for_each({1, 2}, function(n)\n  one_of_checks {\n    function() for_each({1, 2}, function(m) describe(command('echo ' .. m).stdout, 'm'):it(eq(n .. '\\n')) end) end,\n\
         function() describe(command('echo x').stdout, 'x'):it(eq(n == 2 and 'x\\n' or 'y')) end,\n  }\nend)",
    );
    assert_eq!((outcomes(&result), rounds), (vec![Failed, Passed], 2));
    assert!(result.steps[0].message.as_deref().unwrap().contains("none of 2 holds"));
    // An alternative that cannot be looked at may have held.
    let (result, _) = body(
        "one_of_checks { function() describe(file '/etc/passwd/x'):exists() end, function() describe(user('root')):its('uid', eq(7)) end }",
    );
    assert_ne!(result.outcome, Passed);
    // After an error inside, steps are the control's own again.
    let (result, _) = body(
        "pcall(function() one_of_checks { function() describe(1):it(eq(1)) error('x') end } end)\ndescribe(1):it(eq(2))",
    );
    assert_eq!(outcomes(&result).last(), Some(&Failed));
    assert_eq!(result.steps.len(), 2);
}

#[test]
fn where_with_a_function_may_ask_the_node_for_all_rows_at_once() {
    let (result, rounds) = body(
        "local rows = passwd():where(function(row) return file('/proc/' .. row.uid).exists or row.user == 'root' end)\n\
         describe(rows):its('users', contains 'root')\ndescribe(rows.count > 0, 'count'):it(eq(true))\n\
         describe(passwd():where(function() return false end)):does_not_exist()",
    );
    assert_eq!(result.outcome, Passed, "{result:#?}");
    assert!(rounds <= 3, "{rounds} rounds");
    let (result, _) = body(
        "local ok, why = pcall(function() return passwd():where(function(row) error('at ' .. row.user) end) end)\n\
                            describe(why, 'why'):it(matches 'at root$')",
    );
    assert_eq!(result.outcome, Passed, "{result:#?}");
}

#[test]
fn a_library_is_loaded_once_for_all_and_again_when_its_control_was_stopped() {
    // Both require it before either goes on.
    let text = "control 'a' { check = function() require('m').from = 'a' local _ = file('/').exists describe(1):it(eq(1)) end }\n\
                control 'b' { check = function() local m = require 'm' local _ = file('/').exists describe(m.from):it(eq 'a') end }";
    let engine = load_with(text, &[("m", "return {}")]).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (results, _) = run_on(&engine, Rc::new(Wire(Local::new())));
    assert_eq!((results[0].outcome, results[1].outcome), (Passed, Passed));

    let text = "control 'stopped' { check = function() require 'slow' end }\n\
                control 'again' { check = function()\n  local ok, why = pcall(require, 'slow')\n  describe(why, 'why'):it(no(contains 'requires itself'))\n\
                describe(file('/').exists, 'the phase is restored'):it(eq(true))\nend }";
    let engine = load_with(text, &[("slow", "while true do end")]).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (results, _) = run_on(&engine, Rc::new(Local::new()));
    assert_eq!(results[0].outcome, Errored);
    assert!(
        results[1].steps.iter().all(|step| step.message.as_deref().is_none_or(|why| !why.contains("itself"))),
        "{:#?}",
        results[1]
    );

    let text = "control 't' { check = function()\n  local ok, why = pcall(require, 'broken')\n  describe(why, 'why'):it(contains 'libraries/broken.lua:1')\n\
                local ok, why = pcall(require, 'broken')\n  describe(why, 'why'):it(no(contains 'itself'))\n  describe(file('/').exists, 'phase'):it(eq(true))\n\
                local ok, why = pcall(require, 'round')\n  describe(why, 'why'):it(contains 'requires itself')\n\
                local ok, why = pcall(require, 'asks')\n  describe(why, 'why'):it(contains 'while control files are loaded')\nend }";
    let libraries = [("broken", "error('x')"), ("round", "require 'round'"), ("asks", "return file('/').exists")];
    let (results, _) = both(text, &libraries);
    assert_eq!(results[0].outcome, Passed, "{:#?}", results[0]);
}

#[test]
fn a_describe_belongs_to_its_control() {
    let text = "local kept\ncontrol 'a' { check = function() kept = describe(1) kept:it(eq(1)) end }\n\
                control 'b' { check = function() describe(2):it(eq(2)) kept:it(eq(2)) end }";
    let results = run(text);
    assert_eq!((results[0].outcome, results[1].outcome), (Passed, Errored));
    assert!(message(&results[1]).contains("belongs to another control"));
}

#[test]
fn globals_of_a_file_are_its_own() {
    let mut sources = Sources::default();
    sources.controls.insert(
        "controls/a.lua".into(),
        "function own() return 1 end\ncontrol 'a' { check = function() describe(own()):it(eq(1)) end }".into(),
    );
    sources
        .controls
        .insert("controls/b.lua".into(), "control 'b' { check = function() describe(own()):it(eq(1)) end }".into());
    let engine = Engine::load(&sources, limits(), Rc::new(|_: Option<&str>, _: &str| {}))
        .unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (results, _) = run_on(&engine, Rc::new(Local::new()));
    assert_eq!((results[0].outcome, results[1].outcome), (Passed, Errored));
    assert!(message(&results[1]).contains("nothing is named own"));
    for text in ["function file() end", "describe = 1", "for_each = 1", "skip = nil string = 1"] {
        let errors = load(text).err().expect(text);
        assert!(errors[0].message.contains("is taken"), "{text}: {}", errors[0]);
    }
}
