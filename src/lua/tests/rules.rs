//! Design section 3, rule by rule.

use super::*;
use Outcome::*;

#[test]
fn steps_are_results_with_sentence_found_and_line() {
    let result = check(
        "describe(file \"/etc/passwd\")\n  :exists()\n  :its(\"mode\",\n    at_most \"0000\")\n  :is(\"owned_by\", \"root\")",
    );
    assert_eq!(result.outcome, Failed);
    let lines: Vec<usize> = result.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [3, 4, 6], "each step of a chain has its own line");
    let outcomes: Vec<Outcome> = result.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [Passed, Failed, Passed], "a failed step does not stop the control");
    assert_eq!(result.steps[1].sentence, "File /etc/passwd mode is at most \"0000\"");
    assert_eq!(result.steps[1].found.as_deref(), Some("\"0644\""));
    assert_eq!(&*result.steps[1].file, "controls/t.lua");
    assert_eq!(result.steps[1].evidence, ["stat /etc/passwd"]);
}

#[test]
fn plain_code_reads_properties() {
    let result = check(
        "local f = file '/etc/passwd'\nif f.exists and f.mode == '0644' then describe(1):it(eq(1)) end\n\
         describe(file('/no/such').mode, 'm'):it(absent)",
    );
    assert_eq!(result.outcome, Passed, "{result:#?}");
    assert_eq!(result.steps.len(), 2);
}

#[test]
fn an_error_in_one_control_leaves_the_others_alone() {
    let results = run("control 'a' { check = function()\n local x = nil\n x.y = 1\nend }\n\
                       control 'b' { check = function() describe(1):it(eq(1)) end }");
    assert_eq!((results[0].outcome, results[1].outcome), (Errored, Passed));
    assert_eq!(results[0].steps[0].line, 3);
    assert!(message(&results[0]).contains("attempt to index a nil value"), "{:?}", results[0]);
}

#[test]
fn only_if_skip_pass_and_not_applicable() {
    let outcome = |text: &str| {
        let finished = run(text).remove(0);
        (finished.outcome, finished.reason.as_deref().unwrap_or("").to_string())
    };
    let only_if = "control 'a' { only_if = function() return false, 'no cron here' end, check = function() describe(1):it(eq(2)) end }";
    assert_eq!(outcome(only_if), (NotApplicable, "no cron here".to_string()));
    for (word, expected) in [("skip", Skipped), ("pass", Passed), ("not_applicable", NotApplicable)] {
        let text = format!("control 'a' {{ check = function() pcall({word}, 'why not') describe(1):it(eq(2)) end }}");
        assert_eq!(outcome(&text), (expected, "why not".to_string()), "{word} ends the control, pcall or not");
    }
    assert_eq!(outcome("control 'a' { check = function() describe(1):it(eq(2)) skip('x') end }").0, Failed);
}

#[test]
fn a_control_that_checks_nothing_is_errored() {
    assert_eq!(check("local x = 1").outcome, Errored);
    assert_eq!(check("for_each({}, function() end)").outcome, Errored);
    assert!(message(&check("for_each({}, function() end)")).contains("for_each at line 2"));
    let result = check("describe(file '/etc/passwd')\ndescribe(1):it(eq(1))");
    assert_eq!(result.outcome, Errored);
    assert!(message(&result).contains("describe without a step"));
}

#[test]
fn for_each_keeps_the_order_of_its_list() {
    let result = check(
        "for_each({'c', 'a', 'b'}, function(name)\n  if name == 'c' then local _ = command('sleep 0.05').stdout end\n\
         for_each({1, 2}, function(n) describe(name .. n):it(eq('c1')) end)\nend)\ndescribe('end'):it(eq('end'))",
    );
    let titles: Vec<&str> = result.steps.iter().map(|step| step.sentence.split(' ').next().unwrap()).collect();
    assert_eq!(titles, ["\"c1\"", "\"c2\"", "\"a1\"", "\"a2\"", "\"b1\"", "\"b2\"", "\"end\""]);
}

#[test]
fn one_of_checks_passes_when_one_alternative_passes_whole() {
    let one = |a: &str, b: &str| {
        let body = format!("one_of_checks {{ function() {a} end, function() {b} end }}");
        check(&body).outcome
    };
    let (yes, no) = ("describe(1):it(eq(1))", "describe(1):it(eq(2))");
    assert_eq!(one(no, yes), Passed);
    assert_eq!(one(&format!("{yes} {no}"), no), Failed);
    assert_eq!(one(no, "describe(file '/etc/passwd/x/'):its('mode', eq('0644'))"), Failed);
}

#[test]
fn load_time_is_before_any_node() {
    for (code, word) in
        [("file '/x'", "file"), ("local x = attributes.limit", "attributes"), ("describe(1)", "describe")]
    {
        let errors = load(code).err().expect(code);
        assert!(
            errors[0].message.contains(word) && errors[0].message.contains("move this into check"),
            "{}",
            errors[0]
        );
        assert_eq!(errors[0].place.as_ref().and_then(|place| place.line), Some(1));
    }
}

#[test]
fn slips_name_the_fix() {
    let slip = |body: &str| message(&check(body));
    assert!(slip("local d = describe(1) d.it(eq(1))").contains("with a colon"));
    assert!(slip("describe(1):it(1)").contains("eq(1)"));
    assert!(slip("describe(file '/etc/passwd'):its('mdoe', eq('x'))").contains("did you mean mode?"));
    assert!(slip("describe(file '/etc/passwd'):is('directry')").contains("did you mean directory?"));
    assert!(slip("describe(fiel '/etc/passwd'):exists()").contains("did you mean file?"));
    assert!(slip("describe(attributes.limt):it(eq(1))").contains("did you mean limit?"));
    assert!(slip("describe(1):is('x')").contains(":it(matcher)"));
    let errors = load("control 'x'\n").err().unwrap();
    assert!(errors[0].message.contains("has no table"));
    let errors = load("control 'x' { chekc = function() end }").err().unwrap();
    assert!(errors[0].message.contains("did you mean check?"), "{}", errors[0]);
    let errors = load("control 'x' { check = function() end }\ncontrol 'x' { check = function() end }").err().unwrap();
    assert!(errors[0].message.contains("declared twice"), "{}", errors[0]);
}

#[test]
fn absence_fails_negated_or_not_and_a_sensitive_command_line_is_refused() {
    let result = check("describe(file '/no/such'):is_not('directory'):does_not_exist()");
    let outcomes: Vec<Outcome> = result.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [Failed, Passed]);
    assert_eq!(result.steps[0].message.as_deref(), Some("File /no/such does not exist"));
    let secret = message(&check("describe(command 'echo s3cr3t!'):its('stdout', empty)"));
    assert!(secret.contains("stdin"), "{secret}");
}

#[test]
fn custom_resources_are_tables_of_libraries() {
    let engine = load_with(
        "local motd = require 'motd'\ncontrol 'a' { check = function()\n describe(motd.new('/etc/passwd'), 'motd')\n  :its('lines', at_least(1))\n  :is('plain')\n  :exists()\nend }",
        &[("motd", "local M = {} M.__index = M\nfunction M.new(path) return setmetatable({ path = path }, M) end\nfunction M:lines() return file(self.path).size end\nfunction M:plain() return file(self.path).directory == false end\nfunction M:exists() return file(self.path).exists end\nreturn M")],
    )
    .unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (results, _) = run_on(&engine, Rc::new(Local::new()));
    assert_eq!(results[0].outcome, Passed, "{:#?}", results[0]);
    assert_eq!(results[0].steps.len(), 3);
}

#[test]
fn eventually_tries_again_on_fresh_observations() {
    let dir = tempfile::tempdir().unwrap();
    let flag = dir.path().join("flag");
    let path = flag.clone();
    let writer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(150));
        std::fs::write(path, "x").unwrap();
    });
    let text = format!(
        "control 'a' {{ eventually = {{ within = '10s', every = '50ms' }}, check = function() describe(file '{}'):exists() end }}",
        flag.display()
    );
    let result = run(&text).remove(0);
    writer.join().unwrap();
    assert_eq!(result.outcome, Passed);
    assert!(result.attempts > 1);
}

/// Runs the body of a check on a node that answers as written down.
fn scripted(script: crate::transport::scripted::Scripted, body: &str) -> Finished {
    let engine = load(&format!("control 't' {{ check = function()\n{body}\nend }}")).unwrap();
    run_on(&engine, Rc::new(script)).0.remove(0)
}

#[test]
fn what_cannot_be_looked_at_is_errored_and_never_absent() {
    use crate::probe::{FaultKind, Stat};
    use crate::transport::scripted::Scripted;
    let denied = || {
        let stat = Stat { path: "/locked/x".into() };
        Scripted::new().with_fault(stat, FaultKind::Denied, "may not search /locked")
    };
    let steps = "describe(file '/locked/x')\n:exists()\n:does_not_exist()\n:is('directory')\n:is_not('directory')\n:its('mode', absent)";
    let result = scripted(denied(), steps);
    assert!(result.steps.iter().all(|step| step.outcome == Errored) && result.steps.len() == 5, "{result:#?}");
    assert_eq!(result.reason.as_deref(), Some("may not search /locked"));
    // In plain code it ends the control, unless the control catches it.
    let result = scripted(denied(), "local x = file('/locked/x').exists\ndescribe(1):it(eq(1))");
    assert_eq!((result.outcome, result.steps.len(), result.steps[0].line), (Errored, 1, 2));
    let result = scripted(
        denied(),
        "local ok, why = pcall(function() return file('/locked/x').exists end)\ndescribe(why, 'why'):it(contains 'may not search')",
    );
    assert_eq!(result.outcome, Passed, "{result:#?}");
    // Another alternative may hold; where none does, this one might have.
    let one = |other: &str| {
        let body = format!(
            "one_of_checks {{ function() describe(file '/locked/x'):exists() end, function() describe(1):it(eq({other})) end }}"
        );
        scripted(denied(), &body).outcome
    };
    assert_eq!((one("1"), one("2")), (Passed, Errored));
    // only_if that cannot be answered does not make a control inapplicable.
    let engine = load(
        "control 't' { only_if = function() return file('/locked/x').exists end, check = function() pass('x') end }",
    )
    .unwrap();
    assert_eq!(run_on(&engine, Rc::new(denied())).0[0].outcome, Errored);
}

#[test]
fn a_control_takes_its_worst() {
    let (pass, fail) = ("describe(1):it(eq(1))\n", "describe(1):it(eq(2))\n");
    for (body, expected) in [
        (format!("{pass}skip('x')"), Skipped),
        (format!("{fail}{pass}skip('x')"), Failed),
        (format!("{fail}{pass}error('x')"), Errored),
        (format!("{pass}pass('x')"), Passed),
        (format!("{fail}pass('x')"), Failed),
        (format!("{fail}not_applicable('x')"), Failed),
        (format!("{pass}{fail}{pass}"), Failed),
    ] {
        assert_eq!(check(&body).outcome, expected, "{body}");
    }
    assert!(message(&check("skip()")).contains("skip needs a reason"));
    let bare = run("control 'a' { only_if = function() return false end, check = function() end }").remove(0);
    assert_eq!((bare.outcome, bare.reason.as_deref()), (NotApplicable, Some("only_if is not met")));
}

#[test]
fn open_keys_give_nil_and_fixed_ones_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    std::fs::write(&path, r#"{ "a": { "b": [1, 2] }, "a.c": 3 }"#).unwrap();
    let result = check(&format!(
        "local j = json '{0}'\ndescribe(j)\n:its('nothing', absent)\n:its('a.b', eq {{ 1, 2 }})\n:its('a.c', eq(3))\n:its({{'a', 'b', 2}}, eq(2))\n\
         :its('a.b.1', eq(1))\ndescribe(j.nothing, 'nothing'):it(absent)\ndescribe({{ x = {{ y = 1 }} }}, 'map'):its('x.y', eq(1)):its('z', absent)",
        path.display()
    ));
    assert_eq!(result.outcome, Passed, "{result:#?}");
    let result = check("describe(file '/etc/passwd'):its('mode', eq(644))");
    assert!(message(&result).contains("\"0644\""), "{}", message(&result));
    let result = check("describe(passwd()):its('users', eq 'root')");
    assert!(message(&result).contains("contains"), "{}", message(&result));
}

#[test]
fn slips_of_steps_name_the_fix() {
    let slip = |body: &str| message(&check(body));
    assert!(slip("local d = describe(file '/') d.exists()").contains("with a colon"));
    assert!(slip("describe(file '/'):exist()").contains("did you mean exists?"));
    assert!(slip("describe(file '/'):is('exists')").contains(":exists()"));
    assert!(slip("describe(file '/'):is('mode')").contains(":its(\"mode\""));
    assert!(slip("describe(file '/'):its('directory', eq(true))").contains(":is(\"directory\")"));
    assert!(slip("describe(file '/'):it(eq(1))").contains(":its("));
    assert!(slip("describe(file '/'):its('mode', eq)").contains("eq(\"no\")"));
    assert!(slip("describe(file '/'):its('mode')").contains("needs a matcher"));
    assert!(slip("describe(describe(1))").contains("description already"));
    assert!(slip("describe(eq(1)):it(eq(1))").contains("not a matcher"));
    assert!(slip("describe(1, {}):it(eq(1))").contains("label"));
    assert!(slip("describe(print):it(eq(1))").contains("call the function first"));
    assert!(slip("local p = passwd() p.where { uid = 0 }").contains("with a colon"));
    assert!(slip("local f = file '/' f.readable_by('x')").contains("with a colon"));
    assert!(slip("control 'x' { check = function() end }").contains("not inside check"));
}

/// Everything but times, of one state of its own.
fn told(text: &str) -> String {
    let engine = load(text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let results = run_on(&engine, Rc::new(Local::new())).0;
    let tell = |one: &Finished| format!("{:?} {:?} {:#?}\n", one.outcome, one.reason, one.steps);
    results.iter().map(tell).collect()
}

#[test]
fn two_runs_over_equal_observations_are_equal() {
    let text = "control 'a' { tags = { z = 1, y = 2, x = 3 }, check = function()\n\
                describe({ zeta = 1, alpha = { b = 1, a = 2 }, mid = 3 }, 'map'):it(eq { mid = 3 })\n\
                describe(passwd():where { uid = 0, shell = contains 'sh', gid = 0 }):its('users', contains 'root')\n\
                pcall(function() return passwd():where { usr = 1, shel = 2, gecoss = 3 } end)\n\
                local ok, why = pcall(function() return passwd():where { usr = 1, shel = 2, gecoss = 3, hom = 1 } end)\n\
                describe(why, 'why'):it(eq 'x')\n\
                local ok, why = pcall(function() return sx end)\ndescribe(why, 'why'):it(eq 'x')\n\
                describe(tostring(file '/') .. tostring(eq(1)) .. tostring({}), 'tostring'):it(eq 'x')\n\
                error({})\nend }\ncontrol 'b' { check = function() local t = {} return t .. 'x' end }";
    let first = told(text);
    for _ in 0..5 {
        assert_eq!(told(text), first);
    }
    assert!(!first.contains("0x"), "{first}");
}

#[test]
fn a_run_that_is_stopped_reports_what_is_done() {
    use std::sync::atomic::Ordering;
    let engine = load(
        "for _, id in ipairs { 'a', 'b', 'c' } do control(id) { check = function() local _ = file('/').exists describe(1):it(eq(1)) end } end",
    )
    .unwrap();
    let node = Rc::new(Node::new("n1", "test://", Rc::new(Local::new()), 0));
    let stop = AtomicBool::new(false);
    let mut seen = Vec::new();
    let whole = engine.run(node.clone(), &[0, 1, 2], &stop, &mut |number, _| {
        seen.push(number);
        stop.store(number == 1, Ordering::Relaxed);
    });
    assert!(!whole && seen == [0, 1], "{seen:?}");
    // The state is as good as new.
    let mut again = Vec::new();
    let whole =
        engine.run(node, &[0, 1, 2], &AtomicBool::new(false), &mut |number, one| again.push((number, one.outcome)));
    assert!(whole && again == [(0, Passed), (1, Passed), (2, Passed)], "{again:?}");
}
