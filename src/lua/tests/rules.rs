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
