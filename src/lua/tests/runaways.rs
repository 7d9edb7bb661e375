//! Nothing a control does may hang, kill or unbalance a run.

use super::*;
use Outcome::*;

/// Runs a runaway between two honest controls: it must be errored, they must pass, and all
/// of it must end soon.
fn stopped(body: &str) -> Finished {
    let text = format!(
        "control 'before' {{ check = function() describe(command('true')):its('exit_status', eq(0)) end }}\n\
         control 'runaway' {{ check = function()\n{body}\nend }}\n\
         control 'after' {{ check = function() describe(('x'):rep(3)):it(eq 'xxx') end }}"
    );
    let began = std::time::Instant::now();
    let results = run(&text);
    assert!(began.elapsed() < Duration::from_secs(20), "{body}: took {:?}", began.elapsed());
    let outcomes: Vec<Outcome> = results.iter().map(|result| result.outcome).collect();
    assert_eq!(outcomes, [Passed, Errored, Passed], "{body}: {:#?}", results);
    results.into_iter().nth(1).unwrap()
}

#[test]
fn loops_are_stopped_pcall_or_not() {
    for body in [
        "while true do end",
        "repeat until false",
        "local function f() return f() end f()",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() error('x') end, function() while true do end end) end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "table.sort({3, 2, 1}, function() while true do end end)",
        "setmetatable({}, { __index = function() while true do end end }).x()",
        "tostring(setmetatable({}, { __tostring = function() while true do end end }))",
        "for _ in (function() return 1 end) do end",
        "for_each({1, 2}, function() while true do end end)",
        "one_of_checks { function() while true do end end }",
        "('x'):gsub('x', function() while true do end end)",
        "local t = setmetatable({}, { __close = function() while true do end end }) do local x <close> = t end",
    ] {
        let result = stopped(body);
        let why = result.steps.last().and_then(|step| step.message.as_deref()).unwrap_or("");
        assert!(why.contains("computed for more than"), "{body}: {why}");
    }
}

#[test]
fn functions_that_loop_in_c_are_bounded() {
    for body in [
        "local s = ('a'):rep(40) string.find(s, ('a?'):rep(40) .. ('a'):rep(40))",
        "('a'):rep(40):match(('a*'):rep(30) .. 'b')",
        "(('a'):rep(60)):gsub(('a-'):rep(30) .. 'b', '')",
        "for _ in (('a'):rep(60)):gmatch(('a-'):rep(30) .. 'b') do end",
        "string.rep('', 1e18)",
        "('x'):rep(1 << 40)",
        "table.insert(setmetatable({}, { __len = function() return 1 << 53 end }), 1, 'x')",
        "table.move({}, 1, 1 << 60, 2)",
        "table.concat(setmetatable({}, { __index = function() return '' end }), '', 1, 1 << 60)",
        "table.unpack({}, 1, 1 << 40)",
        "local s = ('x'):rep(1 << 24) local a, b = s .. 'a', s .. 'b' local t = {} for i = 1, 4000 do t[i] = i % 2 == 0 and a or b end while true do table.sort(t) end",
        "local t = {} for i = 1, 300000 do t['k' .. i] = i end while true do next(t, 'k5') end",
    ] {
        let result = stopped(body);
        assert!(!message(&result).is_empty(), "{body}");
    }
}

#[test]
fn memory_recursion_and_depth_are_bounded() {
    stopped("local t = {} while true do t[#t + 1] = ('x'):rep(1000000) .. #t end");
    // On a busy machine the time may run out before the stack does.
    let why = message(&stopped("local function f() return 1 + f() end f()"));
    assert!(why.contains("stack overflow") || why.contains("computed for more than"), "{why}");
    stopped("local t = {} t.t = t describe(t, 'loop'):it(eq(1))");
}

#[test]
fn a_hog_takes_no_other_control_with_it() {
    let mut text = String::new();
    for number in 0..20 {
        text.push_str(&format!(
            "control 'honest {number}' {{ check = function() local s = command('echo {number}').stdout\n\
             for_each({{1, 2}}, function(n) describe(s .. n):it(eq('{number}\\n' .. n)) end) end }}\n"
        ));
        let hog = match number % 4 {
            0 => "local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end",
            1 => "local s = 'x' while true do s = s .. s end",
            2 => "for_each({1, 2}, function() local t = {} for i = 1, 1e9 do t[i] = {} end end)",
            _ => {
                "local t = {} while true do pcall(function() while true do t[#t + 1] = ('x'):rep(100000) .. #t end end) end"
            }
        };
        text.push_str(&format!("control 'hog {number}' {{ check = function() {hog} end }}\n"));
    }
    let mut sources = Sources::default();
    sources.controls.insert("controls/t.lua".into(), text.into());
    let small = Limits { memory: 48 << 20, ..limits() };
    let engine = Engine::load(&sources, small, Rc::new(|_: Option<&str>, _: &str| {}))
        .unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (results, _) = run_on(&engine, Rc::new(Local::new()));
    for (control, result) in engine.controls().iter().zip(&results) {
        let expected = if control.summary.id.starts_with("hog") { Errored } else { Passed };
        assert_eq!(result.outcome, expected, "{}: {result:#?}", control.summary.id);
    }
    let told = results.iter().flat_map(|result| &result.steps).filter_map(|step| step.message.as_deref());
    assert!(told.clone().any(|why| why.contains("more memory than a profile may")), "{:?}", told.collect::<Vec<_>>());
}

#[test]
fn the_fence_has_no_gaps() {
    for name in [
        "io",
        "debug",
        "coroutine",
        "load",
        "loadstring",
        "dofile",
        "loadfile",
        "collectgarbage",
        "_G",
        "_ENV.x",
        "string.dump",
        "math.random",
        "rawequal.x",
        "os.execute",
        "package.loaded",
    ] {
        let body = format!("local x = {name}\ndescribe(x == nil, 'gone'):it(eq(true))");
        let result = check(&body);
        let gone = result.outcome == Errored || result.outcome == Passed;
        assert!(gone, "{name} is reachable: {result:#?}");
    }
    stopped("setmetatable({}, { __gc = function() end })");
    stopped("string.rep = nil");
    stopped("getmetatable('').__index.rep = nil");
    stopped("x = 1");
    stopped("attributes.limit = 5");
    stopped("rawset(string, 'rep', nil)");
}

#[test]
fn questions_in_a_loop_are_bounded() {
    let mut sources = Sources::default();
    let text = "control 't' { check = function()\n for i = 1, 100 do local _ = command('echo ' .. i).stdout end end }\n\
                control 'u' { check = function() describe(command 'true'):its('exit_status', eq(0)) end }";
    sources.controls.insert("controls/t.lua".into(), text.into());
    let few = Limits { rounds: 20, ..limits() };
    let engine = Engine::load(&sources, few, Rc::new(|_: Option<&str>, _: &str| {}))
        .unwrap_or_else(|errors| panic!("{}", errors[0]));
    let (results, _) = run_on(&engine, Rc::new(Local::new()));
    assert_eq!((results[0].outcome, results[1].outcome), (Errored, Passed));
    assert!(message(&results[0]).contains("for_each asks for all at once"));
    let few = Limits { probes: 50, ..limits() };
    let text = "control 't' { check = function() for i = 1, 100 do local _ = file('/tmp/' .. i).exists end end }";
    sources.controls.insert("controls/t.lua".into(), text.into());
    let engine = Engine::load(&sources, few, Rc::new(|_: Option<&str>, _: &str| {}))
        .unwrap_or_else(|errors| panic!("{}", errors[0]));
    assert!(message(&run_on(&engine, Rc::new(Local::new())).0[0]).contains("more than 50 different observations"));
}

#[test]
fn a_runaway_at_load_is_an_error_of_the_file() {
    let errors = load("while true do end").err().unwrap();
    assert!(errors[0].message.contains("while it was loaded"), "{}", errors[0]);
}

#[test]
fn order_and_words_are_the_same_in_every_state() {
    let body = "local words = {}\nfor key in pairs({ b = 1, a = 2, c = 3, [2] = 0, [1] = 0 }) do words[#words + 1] = tostring(key) end\n\
                describe(table.concat(words, ',') .. next({ z = 1, y = 2 }), 'order'):it(eq '1,2,a,b,cy')\n\
                describe(tostring({}) .. tostring(print), 'addresses'):it(eq 'tablefunction')\n\
                describe(('%s %s'):format({}, print), 'format'):it(eq 'table function')\n\
                local ok, why = pcall(string.format, '%5p', 'x') describe(why, 'pointer'):it(contains 'no %p')\n\
                describe(select(2, pcall(error, nil)), 'nil'):it(absent)\n\
                local k, v = next({ b = 1, a = 2 }, 'a') describe(k, 'next'):it(eq 'b')\n\
                local mixed = {} for k in pairs({ [true] = 1, x = 1, [1.5] = 1, [2] = 1, [-1] = 1 }) do mixed[#mixed + 1] = tostring(k) end\n\
                describe(table.concat(mixed, ' '), 'kinds'):it(eq '-1 1.5 2 x true')";
    for _ in 0..3 {
        assert_eq!(check(body).outcome, Passed, "{:#?}", check(body));
    }
}
