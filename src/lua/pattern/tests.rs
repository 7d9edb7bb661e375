use super::*;
use mlua::{Lua, MultiValue, Value as LuaValue};
use proptest::prelude::*;

fn text(subject: &[u8], capture: &Capture) -> String {
    match capture {
        Capture::Text(range) => String::from_utf8_lossy(&subject[range.clone()]).into_owned(),
        Capture::Position(place) => place.to_string(),
    }
}

fn matched(subject: &str, pattern: &str) -> Option<Vec<String>> {
    let found = find(subject.as_bytes(), pattern.as_bytes(), 1, false, &mut 1_000_000).unwrap()?;
    Some(found.captures_or_whole().iter().map(|capture| text(subject.as_bytes(), capture)).collect())
}

fn substituted(subject: &[u8], pattern: &[u8], template: &[u8], limit: u64) -> Result<(Vec<u8>, u64), PatternError> {
    let (mut output, mut count, mut budget) = (Vec::new(), 0, 1_000_000);
    let mut gsub = Gsub::new(limit);
    while let Some(found) = gsub.next(subject, pattern, &mut output, &mut budget)? {
        count += 1;
        replace(template, subject, &found, &mut output, &mut budget)?;
    }
    Ok((output, count))
}

#[test]
fn the_usual_patterns() {
    let strings = |items: &[&str]| Some(items.iter().map(|item| item.to_string()).collect::<Vec<_>>());
    assert_eq!(matched("key = value", r"^(%w+)%s*=%s*(%w+)$"), strings(&["key", "value"]));
    assert_eq!(matched("f(a(b)c)d", "%b()"), strings(&["(a(b)c)"]));
    assert_eq!(matched("THE (quick) fox", "%f[%a]%a+%f[%A]"), strings(&["THE"]));
    assert_eq!(matched("say \"hi\"", "([\"'])(.-)%1"), strings(&["\"", "hi"]));
    assert_eq!(matched("abc", "()b()"), strings(&["2", "3"]));
    assert_eq!(matched("a.b", "a%.b"), strings(&["a.b"]));
    assert_eq!(matched("x]", "[]]"), strings(&["]"]));
    assert_eq!(matched("abc", "^b"), None);
}

#[test]
fn init_counts_from_one_or_from_the_end() {
    let at = |init| find(b"abcabc", b"b", init, false, &mut 1000).unwrap().map(|found| found.range.start);
    assert_eq!(at(1), Some(1));
    assert_eq!(at(3), Some(4));
    assert_eq!(at(-2), Some(4));
    assert_eq!(at(-100), Some(1));
    assert_eq!(at(i64::MIN), Some(1));
    assert_eq!(at(i64::MAX), None);
    assert_eq!(at(7), None);
}

#[test]
fn a_runaway_ends_with_its_budget() {
    // The pattern that kept C busy for 53 seconds.
    let (subject, pattern) = ("a".repeat(40), "a-".repeat(40) + "b");
    let mut budget = 1_000_000;
    assert_eq!(find(subject.as_bytes(), pattern.as_bytes(), 1, false, &mut budget), Err(PatternError::OutOfBudget));
    assert_eq!(budget, 0);
    // Sets, back references, balances and replacements are paid for too.
    let long = "a".repeat(1 << 16);
    for pattern in [format!("[{}]+b", "x".repeat(1 << 16)), "(a+)%1%1b".to_string(), "%bax".to_string()] {
        let ended = find(long.as_bytes(), pattern.as_bytes(), 1, false, &mut 1_000_000);
        assert_eq!(ended, Err(PatternError::OutOfBudget), "{}", &pattern[..5]);
    }
    assert_eq!(substituted(long.as_bytes(), b"a", long.as_bytes(), u64::MAX), Err(PatternError::OutOfBudget));
}

#[test]
fn a_deep_pattern_is_too_complex_and_does_not_end_the_stack() {
    let (subject, pattern) = ("a".repeat(1000), "a?".repeat(1000));
    assert_eq!(
        find(subject.as_bytes(), pattern.as_bytes(), 1, false, &mut { u64::MAX }),
        Err(PatternError::TooComplex)
    );
    let captures = "()".repeat(33);
    assert_eq!(find(b"", captures.as_bytes(), 1, false, &mut 1000), Err(PatternError::TooManyCaptures));
}

/// What Lua's own library answers: the results as text, or the message without its place.
fn lua_says(lua: &Lua, code: &str, args: (&[u8], &[u8], &[u8])) -> Result<Vec<Vec<u8>>, String> {
    let (subject, pattern, extra) = args;
    let string = |bytes| lua.create_string(bytes).unwrap();
    let results: Result<MultiValue, _> = lua.load(code).call((string(subject), string(pattern), string(extra)));
    match results {
        Ok(values) => Ok(values
            .into_iter()
            .map(|value| match value {
                LuaValue::String(text) => text.as_bytes().to_vec(),
                LuaValue::Integer(number) => number.to_string().into_bytes(),
                other => format!("{other:?}").into_bytes(),
            })
            .collect()),
        Err(error) => Err(error.to_string()),
    }
}

fn agree(ours: Result<Vec<Vec<u8>>, PatternError>, lua: Result<Vec<Vec<u8>>, String>) -> Result<(), TestCaseError> {
    match (ours, lua) {
        (Ok(ours), Ok(lua)) => prop_assert_eq!(ours, lua),
        (Err(ours), Err(lua)) => prop_assert!(lua.contains(&ours.to_string()), "{} is not {}", ours, lua),
        (ours, lua) => prop_assert!(false, "{:?} is not {:?}", ours, lua),
    }
    Ok(())
}

fn bytes(subject: &[u8], captures: &[Capture]) -> Vec<Vec<u8>> {
    captures
        .iter()
        .map(|capture| match capture {
            Capture::Text(range) => subject[range.clone()].to_vec(),
            Capture::Position(place) => place.to_string().into_bytes(),
        })
        .collect()
}

const ITEMS: &str = "([ab.()^$*+?%1-]|%[abdfsw1()%.]|%f|\\[[ab%^]{0,2}-?[b%]?\\]?|\\(|\\)|%b()|%f\\[[%^]?[aw]\\]){0,7}";

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lua_agrees(subject in "[ab1() \u{e9}]{0,8}", pattern in ITEMS, template in "(a|%[0-3%x]|%|b){0,3}") {
        thread_local!(static LUA: Lua = Lua::new());
        let (subject, pattern, template) = (subject.as_bytes(), pattern.as_bytes(), template.as_bytes());
        LUA.with(|lua| {
            let found = find(subject, pattern, 1, false, &mut 1_000_000);
            let places = found.clone().map(|found| match found {
                Some(found) => {
                    let mut results = vec![
                        (found.range.start + 1).to_string().into_bytes(),
                        found.range.end.to_string().into_bytes(),
                    ];
                    results.extend(bytes(subject, &found.captures));
                    results
                }
                None => vec![b"Nil".to_vec()],
            });
            agree(places, lua_says(lua, "local s, p = ... return string.find(s, p)", (subject, pattern, b"")))?;

            let mut all = Gmatch::new(1, subject.len());
            let mut budget = 1_000_000;
            let mut results = Ok(Vec::new());
            while let Ok(list) = &mut results {
                match all.next(subject, pattern, &mut budget) {
                    Ok(Some(found)) => list.extend(bytes(subject, &found.captures_or_whole())),
                    Ok(None) => break,
                    Err(error) => results = Err(error),
                }
            }
            let code = "local s, p = ... local all = {}
                for a, b, c, d, e, f, g in string.gmatch(s, p) do
                    for _, each in ipairs { a, b, c, d, e, f, g } do all[#all + 1] = each end
                end
                return table.unpack(all)";
            agree(results, lua_says(lua, code, (subject, pattern, b"")))?;

            let ours = substituted(subject, pattern, template, u64::MAX)
                .map(|(output, count)| vec![output, count.to_string().into_bytes()]);
            // Lua does not look at a capture the replacement does not use.
            if ours != Err(PatternError::UnfinishedCapture) {
                agree(ours, lua_says(lua, "local s, p, r = ... return string.gsub(s, p, r)", (subject, pattern, template)))?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
