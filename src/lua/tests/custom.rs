//! Custom resources: Lua tables of libraries, built from other resources.

use super::flow::Wire;
use super::*;
use Outcome::*;

const LIBRARY: &str = "local M = {} M.__index = M\n\
    function M.new(path) return setmetatable({ path = path, title = 'Motd ' .. path }, M) end\n\
    function M:size() return file(self.path).size end\n\
    function M:bigger_than(limit) return file(self.path).size > limit end\n\
    function M:exists() return file(self.path).exists end\n\
    function M:plain() return file(self.path).type == 'file' end\n\
    function M:config() return { server = { port = 80, hosts = { 'a', 'b' } } } end\n\
    function M:broken() return passwd(self.path .. '\\0').users end\n\
    function M:wrong()\n  local x = nil\n  return x.y\nend\n\
    function M:silent() end\n\
    return M";

fn custom(steps: &str) -> Finished {
    let text = format!(
        "local m = require 'm'\ncontrol 't' {{ check = function()\n  describe(m.new '/etc/passwd')\n{steps}\nend }}"
    );
    let engine = load_with(&text, &[("m", LIBRARY)]).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let here = run_on(&engine, Rc::new(Local::new())).0.remove(0);
    let there = run_on(&engine, Rc::new(Wire(Local::new()))).0.remove(0);
    assert_eq!(format!("{:#?}", here.steps), format!("{:#?}", there.steps), "a wire changes no result");
    there
}

#[test]
fn every_step_reads_a_custom_resource() {
    let result = custom(
        ":its('size', at_least(1))\n:is('plain')\n:is('bigger_than', 1)\n:is_not('bigger_than', 1e12)\n:exists()\n\
         :its({'config', 'server', 'port'}, eq(80))\n:its({'config', 'server', 'hosts', 2}, eq 'b')\n:its('nothing', absent)\n:its('path', eq '/etc/passwd')",
    );
    assert_eq!(result.outcome, Passed, "{result:#?}");
    let sentences: Vec<&str> = result.steps.iter().map(|step| step.sentence.as_str()).collect();
    assert_eq!(
        sentences[1..5],
        [
            "Motd /etc/passwd is plain",
            "Motd /etc/passwd is bigger than 1",
            "Motd /etc/passwd is not bigger than 1000000000000.0",
            "Motd /etc/passwd exists",
        ]
    );
    assert_eq!(result.steps.iter().map(|step| step.line).collect::<Vec<_>>(), (4..13).collect::<Vec<_>>());
    let result = custom(":is_not('plain')\n:does_not_exist()\n:is('bigger_than', 1e12)");
    let found: Vec<_> = result.steps.iter().map(|step| (step.outcome, step.found.as_deref().unwrap())).collect();
    assert_eq!(found, [(Failed, "is plain"), (Failed, "exists"), (Failed, "is not bigger than 1000000000000.0"),]);
}

#[test]
fn a_fault_inside_errs_the_step_and_not_the_control() {
    let result = custom(":its('broken', empty)\n:its('wrong', eq(1))\n:is('wrong')\n:its('size', at_least(1))");
    let outcomes: Vec<Outcome> = result.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [Errored, Errored, Errored, Passed], "{result:#?}");
    assert_eq!(result.steps[1].line, 5);
    assert!(result.steps[1].message.as_deref().unwrap().starts_with("libraries/m.lua:11: "), "{:#?}", result.steps[1]);
    assert_eq!(result.steps[1].sentence, "Motd /etc/passwd wrong equals 1");
}

#[test]
fn misuse_of_a_custom_resource_names_the_fix() {
    assert!(message(&custom(":it(eq(1))")).contains(":its("));
    assert!(message(&custom(":is('silent')")).contains("has no silent"));
    assert!(message(&custom(":is('nothing')")).contains("has no nothing"));
    assert!(message(&custom(":itz('x', eq(1))")).contains("did you mean its?"));
    assert!(message(&custom(":its('size', 3)")).contains("eq(3)"));
    assert!(message(&check("local d = describe({ f = print }, 'x') d.its('f', eq(1))")).contains("with a colon"));
}
