use super::*;
use crate::value::{PackageVersion, VersionScheme};
use indexmap::IndexMap;

/// Arguments as they are written in the tests: values and matchers side by side.
impl<T: Into<Value>> From<T> for Operand {
    fn from(value: T) -> Operand {
        Operand::Value(value.into())
    }
}

fn op(matcher: Matcher) -> Operand {
    Operand::Matcher(Arc::new(matcher))
}

macro_rules! m {
    ($name:ident $(, $arg:expr)*) => {
        Matcher::build(stringify!($name), vec![$(Operand::from($arg)),*]).unwrap()
    };
}

macro_rules! nest {
    ($name:ident $(, $arg:expr)*) => { Matcher::build(stringify!($name), vec![$(op($arg)),*]).unwrap() };
}

macro_rules! refused {
    ($name:ident $(, $arg:expr)*) => {
        Matcher::build(stringify!($name), vec![$(Operand::from($arg)),*]).unwrap_err()
    };
}

fn passes(matcher: &Matcher, found: impl Into<Value>) {
    let found = found.into();
    assert_eq!(matcher.judge(&found), Verdict::Pass, "{found} {}", matcher.expectation());
}

fn fails(matcher: &Matcher, found: impl Into<Value>) -> String {
    let found = found.into();
    match matcher.judge(&found) {
        Verdict::Fail { detail } => detail.unwrap_or_default(),
        other => panic!("{found} {}: {other:?}", matcher.expectation()),
    }
}

fn misuse(matcher: &Matcher, found: impl Into<Value>) -> String {
    let found = found.into();
    match matcher.judge(&found) {
        Verdict::Misuse(message) => message,
        other => panic!("{found} {}: {other:?}", matcher.expectation()),
    }
}

fn mode(mode: u16) -> Value {
    Value::Mode(mode)
}

fn dpkg(text: &str) -> Value {
    Value::Version(PackageVersion::new(text, VersionScheme::Dpkg))
}

fn ints(items: &[i64]) -> Value {
    Value::from(items.to_vec())
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| (key.to_string(), value.clone())).collect())
}

#[test]
fn eq_is_strict_but_for_integers_and_floats() {
    passes(&m!(eq, 1), 1.0);
    passes(&m!(eq, 1.0), 1);
    passes(&m!(eq, "no"), "no");
    fails(&m!(eq, "no"), "No");
    fails(&m!(eq, true), Value::Nil);
    fails(&m!(eq, 9_007_199_254_740_993_i64), 9_007_199_254_740_992.0);
    passes(&m!(eq, ints(&[1, 2])), ints(&[1, 2]));
    fails(&m!(eq, ints(&[1, 2])), ints(&[2, 1]));
    passes(&m!(eq, map(&[("a", 1.into()), ("b", 2.into())])), map(&[("b", 2.0.into()), ("a", 1.into())]));
    passes(&m!(eq, Value::List(vec![])), Value::Map(IndexMap::new()));
}

#[test]
fn what_differs_in_type_only_fails_eq_and_ne_alike() {
    assert_eq!(fails(&m!(eq, "4"), 4), "found an integer (4), expected a string (\"4\"); cmp compares across types");
    fails(&m!(ne, "4"), 4);
    fails(&nest!(no, m!(eq, 4)), "4");
    fails(&m!(ne, true), "true");
    fails(&m!(one_of, "4", "5"), 4);
    fails(&nest!(no, m!(one_of, "4", "5")), 4);
    fails(&nest!(no, m!(contains, "22")), ints(&[22]));
    passes(&m!(ne, "4"), 5);
    passes(&m!(ne, "yes"), Value::Nil);
}

#[test]
fn a_mode_is_a_string_and_a_number_against_it_shows_the_string() {
    passes(&m!(eq, "0640"), mode(0o640));
    passes(&m!(eq, "640"), mode(0o640));
    fails(&m!(eq, "0640"), mode(0o644));
    for matcher in [m!(eq, 640), m!(ne, 640), m!(cmp, 640), m!(at_most, 640), m!(at_least, 640), m!(one_of, 640)] {
        let message = misuse(&matcher, mode(0o640));
        assert!(message.contains("write \"0640\"") && message.contains("decimal"), "{message}");
    }
    assert!(misuse(&m!(eq, 448), mode(0o700)).contains("write \"0700\""));
    assert!(misuse(&m!(eq, "rw-r-----"), mode(0o640)).contains("octal digits"));
}

#[test]
fn at_most_on_modes_means_no_bit_beyond() {
    let at_most = m!(at_most, "0640");
    passes(&at_most, mode(0o640));
    passes(&at_most, mode(0o440));
    assert_eq!(fails(&at_most, mode(0o604)), "0604 has the bits 0004 beyond");
    fails(&at_most, mode(0o4640));
    // 0637 is a smaller number, and gives everybody everything.
    fails(&at_most, mode(0o637));
    let at_least = m!(at_least, "1000");
    passes(&at_least, mode(0o1777));
    assert_eq!(fails(&at_least, mode(0o777)), "0777 lacks the bits 1000");
    passes(&m!(between, "0400", "0644"), mode(0o440));
    fails(&m!(between, "0400", "0644"), mode(0o040));
    assert!(misuse(&m!(less_than, "0640"), mode(0o600)).contains("at_most"));
}

#[test]
fn two_strings_that_look_like_modes_follow_the_same_rule() {
    fails(&m!(at_most, "0640"), "0637");
    passes(&m!(at_most, "0640"), "00440");
    assert!(misuse(&m!(at_most, 640), "0637").contains("write \"0640\""));
    // No leading zero in either: numbers.
    passes(&m!(at_most, "640"), "637");
    // The bound is a mode without doubt, and 620 as a number is not above 640.
    fails(&m!(at_most, "0640"), "620");
    assert_eq!(fails(&m!(at_most, "0640"), 420), "cannot order an integer (420) against the file mode \"0640\"");
    fails(&m!(at_most, "0640"), "rw-r--r--");
}

#[test]
fn orderings_read_numeric_strings_and_name_both_types_else() {
    passes(&m!(at_most, 5), "4");
    passes(&m!(at_most, "5"), 5);
    passes(&m!(less_than, 5), " 4.5 ");
    fails(&m!(less_than, 5), 5);
    passes(&m!(greater_than, -1), 0);
    passes(&m!(at_least, 9_223_372_036_854_775_807_i64), 9_223_372_036_854_775_807_i64);
    fails(&m!(at_least, 9_223_372_036_854_775_807_i64), 9_223_372_036_854_775_806_i64);
    passes(&m!(between, 1, 5), 5);
    fails(&m!(between, 1, 5), 6);
    assert_eq!(fails(&m!(at_most, 5), "many"), "cannot order a string (\"many\") against an integer (5)");
    assert_eq!(fails(&m!(at_most, 5), true), "cannot order a boolean (true) against an integer (5)");
    assert!(fails(&m!(at_least, "1.9"), "1.10.1").contains("version(…)"));
    for odd in ["", "inf", "nan", "0x10", "1e", "-"] {
        fails(&m!(at_most, 5), odd);
        fails(&m!(at_least, -5), odd);
    }
    fails(&m!(at_most, 5), f64::NAN);
}

#[test]
fn nothing_fails_content_matchers_negated_or_not() {
    for matcher in [
        m!(at_most, 5),
        m!(between, 1, 5),
        m!(matches, "x"),
        m!(contains, "x"),
        m!(starts_with, "x"),
        m!(empty),
        m!(has_key, "x"),
        m!(len, 0),
        m!(each, "x"),
        m!(any_element, "x"),
        m!(version, ">= 1"),
        nest!(all, m!(at_most, 5), m!(at_least, 1)),
        nest!(any, m!(at_most, 5), m!(at_least, 1)),
    ] {
        assert!(fails(&matcher, Value::Nil).starts_with("found nothing"));
        assert!(fails(&nest!(no, matcher), Value::Nil).starts_with("found nothing"));
    }
    passes(&m!(absent), Value::Nil);
    fails(&m!(absent), "");
    fails(&nest!(no, m!(absent)), Value::Nil);
    passes(&nest!(any, m!(absent), nest!(no, m!(contains, "x"))), Value::Nil);
}

#[test]
fn a_scalar_matcher_on_a_list_is_a_misuse_that_names_the_remedy() {
    for matcher in [
        m!(eq, "x"),
        m!(ne, "x"),
        m!(cmp, "x"),
        m!(at_most, 5),
        m!(between, 1, 2),
        m!(matches, "x"),
        m!(starts_with, "x"),
        m!(ends_with, "x"),
        m!(one_of, "x", "y"),
        m!(version, "1"),
        nest!(no, m!(eq, "x")),
        nest!(all, m!(eq, "x")),
    ] {
        for list in [Value::strings(["x"]), Value::List(vec![])] {
            let message = misuse(&matcher, list);
            for name in ["each(", "any_element(", "contains("] {
                assert!(message.contains(name), "{message}");
            }
        }
    }
}

#[test]
fn cmp_is_lenient() {
    passes(&m!(cmp, "4"), 4);
    passes(&m!(cmp, 4), "4");
    passes(&m!(cmp, 4), "4.0");
    passes(&m!(cmp, "YES"), "yes");
    passes(&m!(cmp, true), "True");
    passes(&m!(cmp, "false"), false);
    passes(&m!(cmp, "640"), mode(0o640));
    passes(&m!(cmp, "0640"), "00640");
    passes(&m!(cmp, "1.2"), "1.2.0");
    passes(&m!(cmp, "1.0"), dpkg("1.0-0"));
    fails(&m!(cmp, "1.1"), "1.10");
    fails(&m!(cmp, true), 1);
    fails(&m!(cmp, ""), Value::Nil);
    fails(&m!(cmp, 5), "4");
}

#[test]
fn regular_expressions_have_line_ends_and_limits() {
    let text = "# comment\nPermitRootLogin no\nPort 22\n";
    passes(&m!(matches, r"^PermitRootLogin\s+no$"), text);
    fails(&m!(matches, r"\APermitRootLogin"), text);
    assert_eq!(fails(&nest!(no, m!(matches, "^Port")), text), "line 3 is \"Port 22\"");
    passes(&m!(matches, "^b$"), Value::from_bytes(b"\xff\nb\n\xfe"));
    passes(&m!(matches, "^06"), mode(0o640));
    assert_eq!(fails(&m!(matches, "4"), 4), "found an integer (4), which is not text");
    let error = refused!(matches, "a(");
    assert!(error.starts_with("matches: /a(/ is not a regular expression: unclosed group"), "{error}");
    assert!(refused!(matches, r"\w{1000}{1000}").contains("too large"));
    assert!(refused!(matches, "").contains("holds for every text"));
}

#[test]
fn contains_looks_into_text_and_lists() {
    passes(&m!(contains, "bc"), "abcd");
    fails(&m!(contains, "x"), "abcd");
    passes(&m!(contains, "a", "d"), "abcd");
    assert_eq!(fails(&m!(contains, "a", "x"), "abcd"), "it does not contain \"x\"");
    passes(&m!(contains, 2), ints(&[1, 2]));
    passes(&nest!(contains, m!(at_least, 2)), ints(&[1, 2]));
    fails(&nest!(contains, m!(at_least, 3)), ints(&[1, 2]));
    fails(&m!(contains, "a"), Value::List(vec![]));
    assert!(misuse(&m!(contains, "a"), map(&[("a", 1.into())])).contains("has_key"));
    assert!(misuse(&m!(contains, 4), "a4").contains("not for an integer"));
    assert!(misuse(&nest!(contains, m!(eq, "a")), "a").contains("elements of a list"));
    passes(&m!(starts_with, "ab"), "abc");
    passes(&m!(ends_with, "bc"), "abc");
    fails(&m!(ends_with, "ab"), "abc");
}

#[test]
fn lists_are_judged_by_element_with_the_offenders_named() {
    let each = nest!(each, m!(at_most, 5));
    passes(&each, ints(&[1, 2]));
    passes(&each, Value::List(vec![]));
    assert_eq!(fails(&each, ints(&[1, 7, 8])), "not so for 2 of 3 elements: 7, 8");
    let long = fails(&each, ints(&(0..1000).collect::<Vec<_>>()));
    assert_eq!(long, "not so for 994 of 1000 elements: 6, 7, 8, 9, 10, …");
    assert!(misuse(&each, 4).contains("found an integer (4)"));
    assert!(misuse(&each, Value::List(vec![ints(&[1])])).starts_with("element 1: at_most looks at one value"));
    passes(&m!(each, "x"), Value::strings(["x", "x"]));
    passes(&m!(any_element, "y"), Value::strings(["x", "y"]));
    fails(&m!(any_element, "y"), Value::List(vec![]));
    assert_eq!(fails(&nest!(no, m!(any_element, "y")), Value::strings(["x", "y"])), "element 2 is \"y\"");
}

#[test]
fn keys_lengths_and_emptiness() {
    let found = map(&[("root", 0.into())]);
    passes(&m!(has_key, "root"), found.clone());
    assert_eq!(fails(&m!(has_key, "rot"), found.clone()), "the nearest key is \"root\"");
    assert!(misuse(&m!(has_key, "root"), Value::strings(["root"])).contains("each(has_key"));
    passes(&m!(len, 1), found);
    passes(&m!(len, 2), "é€");
    passes(&nest!(len, m!(at_least, 1)), "abc");
    assert_eq!(fails(&m!(len, 2), "abc"), "its length is 3");
    passes(&m!(empty), "");
    passes(&m!(empty), Value::List(vec![]));
    fails(&m!(empty), " ");
    fails(&nest!(no, m!(empty)), 0);
}

#[test]
fn versions_follow_the_package_manager() {
    let req = m!(version, ">= 1.2, < 2");
    passes(&req, dpkg("1.10-1"));
    assert_eq!(fails(&req, dpkg("1.2~rc1-1")), "it is not >= 1.2");
    assert_eq!(fails(&req, dpkg("2.0-1")), "it is not < 2");
    passes(&req, "1.9.3");
    fails(&req, "2.0.0");
    // The epoch is Debian's affair until the requirement names one.
    fails(&m!(version, ">= 9.0"), dpkg("2:8.0-1"));
    passes(&m!(version, ">= 2:8.0"), dpkg("2:8.0-1"));
    fails(&m!(at_least, "9.0"), dpkg("2:8.0-1"));
    passes(&m!(at_least, "1.9"), dpkg("1.10"));
    passes(&m!(at_least, 9), dpkg("9.2p1"));
    assert!(misuse(&m!(at_least, 1.10), dpkg("1.10")).contains("write \"1.1\""));
    passes(&m!(version, "~> 1.2.3"), "1.2.9");
    fails(&m!(version, "~> 1.2.3"), "1.3.0");
    passes(&m!(version, "!= 1.5"), "1.6");
    fails(&m!(version, "1.5"), "1.6");
    for broken in ["", ">=", ">= 1.2,", "~> 1", ">= one", "=> 1", ">= 1 2"] {
        let error = refused!(version, broken);
        assert!(error.starts_with("version "), "{error}");
    }
    fails(&nest!(no, m!(version, ">= 1")), "unknown");
}

#[test]
fn all_any_and_no_combine() {
    let five = nest!(all, m!(at_least, 1), m!(at_most, 5));
    passes(&five, 3);
    assert_eq!(fails(&five, 6), "expected that it is at most 5");
    let unset = nest!(any, m!(absent), m!(eq, "no"));
    passes(&unset, Value::Nil);
    passes(&unset, "no");
    fails(&unset, "yes");
    assert_eq!(fails(&nest!(no, unset), "no"), "it equals \"no\"");
    passes(&nest!(any, m!(eq, "x"), m!(each, "x")), Value::strings(["x"]));
    misuse(&nest!(any, m!(eq, "x"), m!(each, "y")), Value::strings(["x"]));
    passes(&nest!(no, nest!(no, m!(eq, 1))), 1);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    assert_eq!(refused!(at_most, Value::List(vec![])), "at_most takes one number, mode or version, not a list");
    assert_eq!(refused!(at_most, "many"), "at_most takes one number, mode or version, not a string (\"many\")");
    assert_eq!(refused!(at_most), "at_most takes one number, mode or version; none was given");
    assert_eq!(refused!(at_most, 1, 2), "at_most takes one number, mode or version, not 2");
    assert!(refused!(eq, Value::Nil).contains("absent"));
    assert!(refused!(between, 5, 1).contains("lower bound first"));
    assert!(refused!(between, 5).contains("1 given"));
    assert!(refused!(one_of).contains("at least one"));
    assert!(refused!(one_of, Value::List(vec![])).contains("at least one"));
    assert!(refused!(empty, 1).contains("write empty"));
    assert!(refused!(len, -1).contains("from 0"));
    assert!(refused!(no).contains("none was given"));
    assert!(refused!(equal, 1).contains("there is no matcher equal"));
    assert!(refused!(at_mots, 1).contains("did you mean at_most?"));
    let nested = Matcher::build("eq", vec![op(m!(empty))]).unwrap_err();
    assert!(nested.contains("not a matcher (is empty)"), "{nested}");
}

#[test]
fn hostile_nesting_is_refused() {
    let mut deep = m!(eq, 1);
    let mut refused = None;
    for _ in 0..DEPTH_CAP {
        match Matcher::build("no", vec![op(deep.clone())]) {
            Ok(next) => deep = next,
            Err(error) => refused = Some(error),
        }
    }
    assert!(refused.unwrap().contains("nested"));
    // Shared, so that it is small in memory and two to the thirtieth to judge.
    let mut wide = Arc::new(m!(eq, 1));
    let error = loop {
        match Matcher::build("all", vec![Operand::Matcher(wide.clone()), Operand::Matcher(wide.clone())]) {
            Ok(next) => wide = Arc::new(next),
            Err(error) => break error,
        }
    };
    assert!(error.contains("more than 1000"), "{error}");
}

#[test]
fn expectations_read_after_the_name_of_a_property() {
    let cases: Vec<(Matcher, &str)> = vec![
        (m!(eq, "no"), "equals \"no\""),
        (m!(ne, "no"), "does not equal \"no\""),
        (nest!(no, m!(ne, "no")), "equals \"no\""),
        (m!(at_most, "0640"), "is at most \"0640\""),
        (nest!(no, m!(at_most, 4)), "is not at most 4"),
        (m!(matches, "x"), "matches /x/"),
        (nest!(each, m!(matches, "x")), "each element matches /x/"),
        (nest!(no, m!(each, "x")), "not every element equals \"x\""),
        (nest!(no, m!(any_element, "x")), "no element equals \"x\""),
        (m!(one_of, "a", "b"), "is one of \"a\", \"b\""),
        (m!(len, 3), "has the length 3"),
        (nest!(len, m!(at_least, 1)), "has a length that is at least 1"),
        (nest!(any, m!(absent), m!(eq, "no")), "is absent or equals \"no\""),
        (nest!(no, nest!(any, m!(absent), m!(eq, 1))), "is present and does not equal 1"),
        (nest!(contains, m!(matches, "x")), "contains an element that matches /x/"),
        (m!(version, ">= 1.2"), "is a version >= 1.2"),
    ];
    for (matcher, words) in cases {
        assert_eq!(matcher.expectation(), words);
    }
}

#[test]
fn long_values_are_cut_and_counted() {
    assert_eq!(show(&Value::from("abc")), "\"abc\"");
    let shown = show(&Value::from("é".repeat(1000)));
    assert!(shown.ends_with("… (502 more characters)"), "{shown}");
    assert_eq!(shown.chars().filter(|letter| *letter == 'é').count(), 499);
    let expectation = m!(eq, "y".repeat(100_000)).expectation();
    assert!(expectation.len() < 600, "{}", expectation.len());
    let lines = |last: &str| format!("{}{last}\n", "same line\n".repeat(50));
    assert_eq!(fails(&m!(eq, lines("x")), lines("y")), "line 51 is \"y\", expected \"x\"");
}

#[test]
fn the_catalogue_is_what_can_be_built() {
    for doc in CATALOGUE {
        let error = Matcher::build(doc.name, vec![]).err().unwrap_or_default();
        assert!(!error.starts_with("there is no matcher"), "{error}");
        assert_eq!(doc.bare, error.is_empty(), "{}", doc.name);
        assert!(doc.example.contains(doc.name) && doc.doc.ends_with('.'), "{}", doc.name);
        assert_eq!(CATALOGUE.iter().filter(|other| other.name == doc.name).count(), 1);
    }
}

#[test]
fn a_selection_takes_absence_for_no_match_and_other_types_for_a_mistake() {
    assert_eq!(m!(eq, "0640").selects(&mode(0o640)), Ok(true));
    assert_eq!(m!(eq, 0).selects(&Value::Float(0.0)), Ok(true));
    assert_eq!(m!(starts_with, "!").selects(&Value::Nil), Ok(false));
    assert_eq!(nest!(no, m!(starts_with, "!")).selects(&Value::Nil), Ok(true));
    assert_eq!(nest!(all, m!(at_least, 1), nest!(no, m!(eq, 5))).selects(&4.into()), Ok(true));
    assert_eq!(nest!(any, m!(absent), m!(at_least, 1)).selects(&Value::Nil), Ok(true));
    assert!(m!(eq, "0").selects(&0.into()).unwrap_err().contains("cmp compares across types"));
    assert!(m!(matches, "4").selects(&4.into()).unwrap_err().contains("not text"));
    assert!(m!(eq, "root").selects(&Value::strings(["root"])).unwrap_err().contains("contains("));
    assert!(m!(eq, 640).selects(&mode(0o640)).unwrap_err().contains("\"0640\""));
}

/// Every example of the catalogue is Lua that builds that matcher.
#[test]
fn the_examples_of_the_catalogue_run() {
    let lua = mlua::Lua::new();
    super::super::matchers::install(&lua, &lua.globals()).unwrap();
    for doc in CATALOGUE {
        let made: mlua::Value = lua.load(format!("return {}", doc.example)).eval().unwrap();
        let matcher = super::super::matchers::from_lua(&made).unwrap();
        assert!(!matcher.expectation().is_empty(), "{}", doc.name);
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::Bool),
            (-2_i64..700).prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            "(0640|640|1[.]2|no|NO|true|x|)".prop_map(Value::from),
            any::<u16>().prop_map(|bits| Value::Mode(bits & 0o7777)),
            Just(Value::from_bytes(b"\xff")),
            "[0-9.~:-]{0,5}".prop_map(|text: String| dpkg(&text)),
        ];
        leaf.prop_recursive(2, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
                prop::collection::vec(inner, 0..3).prop_map(|items| {
                    Value::Map(items.into_iter().enumerate().map(|(index, item)| (format!("k{index}"), item)).collect())
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is asked of whatever: no panic, a matcher and its opposite never both
        /// pass, one of them passing means the other fails, and the words stay short.
        #[test]
        fn a_matcher_and_its_opposite(name in 0..CATALOGUE.len(), args in prop::collection::vec(values(), 0..3), found in values()) {
            let args = args.into_iter().map(Operand::Value).collect();
            if let Ok(matcher) = Matcher::build(CATALOGUE[name].name, args) {
                let opposite = nest!(no, matcher.clone());
                match (matcher.judge(&found), opposite.judge(&found)) {
                    (Verdict::Pass, Verdict::Fail { .. })
                    | (Verdict::Fail { .. }, Verdict::Pass | Verdict::Fail { .. })
                    | (Verdict::Misuse(_), Verdict::Misuse(_)) => {}
                    other => prop_assert!(false, "{} {found}: {other:?}", matcher.expectation()),
                }
                prop_assert!(matcher.expectation().chars().count() < 600);
                prop_assert!(matcher.expectation() != opposite.expectation());
                let _ = matcher.selects(&found);
            }
        }

        #[test]
        fn every_value_equals_itself(found in values()) {
            prop_assume!(!found.to_string().contains("NaN") && found != Value::Nil);
            if let Ok(matcher) = Matcher::build("eq", vec![Operand::Value(found.clone())]) {
                prop_assert_eq!(matcher.judge(&found), Verdict::Pass);
            }
        }
    }
}
