//! `eventually`: a control is run again, on fresh observations, until it passes.

use super::flow::Wire;
use super::*;
use Outcome::*;

/// Runs one control while `act` happens after a while; here and behind a wire.
fn while_running(text: &str, act: impl Fn() + Send + Clone + 'static) -> [Finished; 2] {
    let engine = load(text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    [Rc::new(Local::new()) as Rc<dyn Transport>, Rc::new(Wire(Local::new()))].map(|transport| {
        let act = act.clone();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            act();
        });
        let finished = run_on(&engine, transport).0.remove(0);
        thread.join().unwrap();
        finished
    })
}

#[test]
fn contents_and_what_is_parsed_of_them_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.json");
    for (check, old, new) in [
        ("describe(file 'PATH'):its('content', contains 'new')", "{\"v\": \"old\"}", "{\"v\": \"new\"}"),
        ("describe(json 'PATH'):its('v', eq 'new')", "{\"v\": \"old\"}", "{\"v\": \"new\"}"),
        ("local v = json('PATH').v describe(v, 'v'):it(eq 'new')", "{\"v\": \"old\"}", "{\"v\": \"new\"}"),
        ("describe(command 'cat PATH'):its('stdout', contains 'new')", "old", "new"),
        ("describe(file 'PATH'):its('content', eq 'new')\nlocal _ = file('PATH/x').exists", "old", "new"),
    ] {
        let text = format!(
            "control 'a' {{ eventually = {{ within = '10s', every = '50ms' }}, check = function()\n{}\nend }}",
            check.replace("PATH", &file.display().to_string())
        );
        std::fs::write(&file, old).unwrap();
        let (path, old) = (file.clone(), old.to_string());
        let results = while_running(&text, move || std::fs::write(&path, new).unwrap());
        for (number, result) in results.iter().enumerate() {
            // The second run began with the new text.
            assert_eq!(result.outcome, Passed, "{check}: {result:#?}");
            assert!(number == 1 || result.attempts > 1, "{check}: {result:#?}");
        }
        std::fs::write(&file, old).unwrap();
    }
}

#[test]
fn the_last_attempt_counts_and_the_time_is_kept() {
    let began = std::time::Instant::now();
    let text = "control 'never' { eventually = { within = '300ms', every = '100ms' }, check = function() describe(file '/no/such'):exists() end }\n\
                control 'at once' { eventually = { within = '10s' }, check = function() describe(1):it(eq(1)) end }\n\
                control 'error' { eventually = { within = '250ms', every = '100ms' }, check = function() error('x') end }\n\
                control 'skips' { eventually = { within = '10s' }, check = function() skip('x') end }";
    let results = run(text);
    let told: Vec<_> = results.iter().map(|one| (one.outcome, one.steps.len())).collect();
    assert_eq!(told, [(Failed, 1), (Passed, 1), (Errored, 1), (Skipped, 1)]);
    assert!((2..=4).contains(&results[0].attempts), "{}", results[0].attempts);
    assert_eq!((results[1].attempts, results[3].attempts), (1, 1));
    assert!(results[2].attempts >= 2);
    assert!(began.elapsed() < Duration::from_secs(5), "controls wait side by side");
}

#[test]
fn only_if_is_asked_in_each_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    std::fs::write(&gone, "").unwrap();
    let text = format!(
        "control 'a' {{ eventually = {{ within = '10s', every = '50ms' }},\n\
         only_if = function() return file('{}').exists, 'it is gone' end, check = function() describe(1):it(eq(2)) end }}",
        gone.display()
    );
    let results = while_running(&text, move || drop(std::fs::remove_file(&gone)));
    assert_eq!((results[0].outcome, results[0].reason.as_deref()), (NotApplicable, Some("it is gone")));
    assert!(results[0].attempts > 1);
    // It was gone from the start.
    assert_eq!((results[1].outcome, results[1].attempts), (NotApplicable, 1));
}
