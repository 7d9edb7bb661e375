//! What controls see of the node, what they may hand to it, and what they print.

use super::*;
use crate::probe::{Answer, Probe};
use Outcome::*;
use std::cell::RefCell;

/// This machine behind a slow wire: every system call takes its time.
struct Slow(Local, Duration);

impl Transport for Slow {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        self.0.batch(probes)
    }

    fn answer_now(&self, probe: &Probe) -> Option<Answer> {
        let answer = self.0.answer_now(probe)?;
        std::thread::sleep(self.1);
        Some(answer)
    }

    fn user(&self) -> String {
        self.0.user()
    }
}

#[test]
fn waiting_for_the_node_is_not_computing() {
    let text = "control 'a' { check = function()\n for _, p in ipairs { '/', '/etc', '/usr', '/bin', '/dev' } do\n\
                local t = file(p).exists for i = 1, 3000 do t = i end end\n describe(1):it(eq(1)) end }";
    let engine = load(text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    // Five looks of 0.1 s are more than the 0.3 s a control may compute.
    let (results, _) = run_on(&engine, Rc::new(Slow(Local::new(), Duration::from_millis(100))));
    assert_eq!(results[0].outcome, Passed, "{:#?}", results[0]);
}

#[test]
fn a_secret_gets_into_no_command_line_in_any_form() {
    let secret = "h\"u\\n'té";
    for (call, fine) in [
        ("command('echo ' .. attributes.s)", false),
        ("command({ 'echo', attributes.s })", false),
        ("command({ 'echo', 'x' .. attributes.s .. 'y' })", false),
        ("bash(attributes.s)", false),
        ("ksh(attributes.s)", false),
        ("bash('echo $1', { args = { 'a', attributes.s } })", false),
        ("command('true', { shell = attributes.s })", false),
        ("command('cat', { stdin = attributes.s })", true),
        ("command('printenv S', { env = { S = attributes.s } })", true),
    ] {
        let text = format!("control 't' {{ check = function() describe({call}):its('stdout', no(eq('x'))) end }}");
        let engine = load(&text).unwrap_or_else(|errors| panic!("{}", errors[0]));
        let attributes = [("s".to_string(), Value::from(secret))].into_iter().collect();
        engine.set_attributes(attributes, vec![secret.to_string()]);
        let (results, _) = run_on(&engine, Rc::new(Local::new()));
        if fine {
            assert_eq!(results[0].outcome, Passed, "{call}: {:#?}", results[0]);
        } else {
            assert!(message(&results[0]).contains("stdin or env"), "{call}: {:#?}", results[0]);
        }
    }
}

#[test]
fn print_names_the_control_that_prints() {
    let lines: Rc<RefCell<Vec<_>>> = Rc::default();
    let kept = lines.clone();
    let mut sources = Sources::default();
    let text = "print('loading')\nfor _, id in ipairs { 'a', 'b' } do control(id) { check = function()\n\
                print(id, command('true').exit_status, nil)\n pass('x') end } end";
    sources.controls.insert("controls/t.lua".into(), text.into());
    let print = Rc::new(move |control: Option<&str>, line: &str| {
        kept.borrow_mut().push((control.map(str::to_string), line.to_string()));
    });
    let engine = Engine::load(&sources, limits(), print).unwrap_or_else(|errors| panic!("{}", errors[0]));
    run_on(&engine, Rc::new(Local::new()));
    let line = |control: &str| (Some(control.to_string()), format!("{control}\t0\tnil"));
    assert_eq!(*lines.borrow(), [(None, "loading".to_string()), line("a"), line("b")]);
}

#[test]
fn a_control_knows_its_node() {
    let text = "control 't' { check = function()\n describe(node.name .. ' ' .. node.target, 'node'):it(eq 'n1 test://')\n\
                describe(node.groups, 'groups'):it(eq { 'all', 'web' })\n describe(now(), 'now'):it(eq(1700000000))\n end }";
    let engine = load(text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let mut node = Node::new("n1", "test://", Rc::new(Local::new()), 1_700_000_000);
    node.groups = vec!["all".to_string(), "web".to_string()];
    let mut results = Vec::new();
    engine.run(Rc::new(node), &[0], &AtomicBool::new(false), &mut |_, finished| results.push(finished));
    assert_eq!(results[0].outcome, Passed, "{:#?}", results[0]);
    assert!(message(&check("describe(node.nmae):it(eq(1))")).contains("did you mean name?"));
}
