use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Document, Error> {
    Document::parse("x.yml", text.as_bytes())
}

fn refused(text: &str) -> String {
    parse(text).map(|document| format!("{:?}", document.root.to_value())).unwrap_err().to_string()
}

#[test]
fn every_value_and_key_knows_its_place() {
    let document = parse("# x\nname: ssh\nlist:\n  - a\n  - é: [1, \"zwei\"]\n").unwrap();
    let map = document.root.as_map().unwrap();
    assert_eq!(map.keys().collect::<Vec<_>>(), ["name", "list"]);
    assert_eq!(map["name"].key, Place::at("x.yml", 2, 1));
    assert_eq!(map["name"].value.place, Place::at("x.yml", 2, 7));
    let items = map["list"].value.as_list().unwrap();
    assert_eq!(items[0].place, Place::at("x.yml", 4, 5));
    let inner = &items[1].as_map().unwrap()["é"];
    assert_eq!(inner.key, Place::at("x.yml", 5, 5));
    assert_eq!(inner.value.as_list().unwrap()[1].place, Place::at("x.yml", 5, 12));
}

#[test]
fn places_hold_after_a_byte_order_mark_and_with_windows_line_ends() {
    let document = Document::parse("x.yml", b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n  y\r\nc: 2\r\n").unwrap();
    let map = document.root.as_map().unwrap();
    assert_eq!(map["a"].key, Place::at("x.yml", 1, 1));
    assert_eq!(map["b"].value.as_str(), Some("x\ny\n"));
    assert_eq!(map["c"].value.place, Place::at("x.yml", 5, 4));
}

#[test]
fn an_id_keeps_the_text_it_was_written_with() {
    let document = parse("- 9.10\n- '9.10'\n- 0x1f\n- True\n- ~\n- 9.10: x\n  ~: y\n").unwrap();
    let items = document.root.as_list().unwrap();
    let texts: Vec<_> = items.iter().map(Located::text).collect();
    assert_eq!(texts, [Some("9.10"), Some("9.10"), Some("0x1f"), Some("True"), None, None]);
    assert_eq!(items[5].as_map().unwrap().keys().collect::<Vec<_>>(), ["9.10", "~"]);
}

#[test]
fn quotes_and_tags_decide_the_type() {
    let document = parse("['1', !!str 1, !!int \"1\", ! 1, !!float 1]").unwrap();
    let one = Value::from("1");
    assert_eq!(
        document.root.to_value(),
        Value::List(vec![one.clone(), one.clone(), Value::Int(1), one, Value::Float(1.0)])
    );
}

#[test]
fn an_empty_text_is_null() {
    for text in ["", "\n\n", "# nothing\n", "---\n", "\u{feff}"] {
        assert!(parse(text).unwrap().root.is_null(), "{text:?}");
    }
    let document = parse("a:\nb: ''\n").unwrap();
    assert!(document.root.as_map().unwrap()["a"].value.is_null());
    assert_eq!(document.root.as_map().unwrap()["b"].value.as_str(), Some(""));
}

#[test]
fn what_is_refused_names_the_place_and_shows_the_line() {
    let cases = [
        ("a: 1\nb: 2\na: 3\n", "x.yml:3:1: key a is there twice, first in line 1\n    3 | a: 3\n      | ^"),
        ("a: 1\n'a': 3\n", "x.yml:2:1: key a is there twice"),
        ("a: 1\n---\nb: 1\n", "x.yml:2:1: a second document begins here"),
        ("a: 1\n...\nb: 1\n", "x.yml:3:1"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "x.yml:3:3: merge keys (<<) are not read"),
        ("a: !vault x\n", "unknown tag !vault"),
        ("a: !!binary x\n", "unknown tag"),
        ("a: !!int x\n", "\"x\" is not an integer, as its tag says"),
        ("a: &x [*x]\n", "x.yml:1:8: the alias stands inside what it names"),
        ("a: *nowhere\n", "x.yml:1:4: is not YAML"),
        ("a: 99999999999999999999\n", "x.yml:1:4: 99999999999999999999 is beyond 64 bits"),
        ("[a]: b\n", "x.yml:1:1: a list or map cannot be a key"),
        ("a: &k [x]\nb:\n  *k : c\n", "x.yml:3:3: a list or map cannot be a key"),
        ("{: b}\n", "x.yml:1:2: a key is missing here"),
        ("a:\n\t- b\n", "x.yml:2:"),
        ("a: [1, 2\n", "is not YAML"),
        ("a: 'x\n", "is not YAML"),
        ("a: x: y\n", "x.yml:1:5: is not YAML"),
        ("a: b\u{0}c: d\n", "x.yml:1:5: control character U+0000"),
        ("a: \u{1b}[31m\n", "x.yml:1:4: control character U+001B"),
    ];
    for (text, message) in cases {
        let error = refused(text);
        assert!(error.contains(message), "{text:?}: {error}");
    }
}

#[test]
fn common_faults_come_with_a_remedy() {
    let cases = [
        ("a: x: y\n", "put text that holds ': ' in quotes"),
        ("a:\n\t- b\n", "indent with spaces"),
        ("a: @x\n", "put the text in quotes"),
        ("a: \"\\d\"\n", "single quotes"),
        ("a: *x\n", "begins with * in quotes"),
        ("a: [1, 2\n", "close the list with ]"),
        ("a: {b: 2\n", "close the map with }"),
        ("a: 'x\n", "close the quotes"),
        ("a: {{ x }}\n", "put text that begins with { or [ in quotes"),
    ];
    for (text, remedy) in cases {
        let error = refused(text);
        let last = error.lines().last().unwrap();
        assert!(last.starts_with("  hint: ") && last.contains(remedy), "{error}");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_placed() {
    let error = Document::parse("x.yml", b"a: 1\nb: \xc3\xa9\xff\n").unwrap_err();
    assert_eq!(error.to_string(), "x.yml:2:5: byte 0xff is not UTF-8\n  hint: save the file as UTF-8 text");
    let error = Document::parse("x.yml", b"\xff\xfea\0").unwrap_err();
    assert!(error.to_string().contains("is UTF-16"), "{error}");
}

#[test]
fn a_long_line_is_not_shown() {
    let error = parse(&format!("{{a: {}, a: 1}}", "x".repeat(500))).unwrap_err();
    assert_eq!(error.source_line, None);
}

#[test]
fn a_bomb_of_aliases_is_refused_at_once() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string();
    for level in 1..40 {
        let alias = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![alias; 9].join(", "));
    }
    let started = std::time::Instant::now();
    assert!(refused(&text).contains("values, aliases expanded"));
    assert!(started.elapsed().as_secs() < 5);
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 100].join(", "));
    assert!(refused(&long).contains("MiB, aliases expanded"));
}

#[test]
fn depth_and_size_are_capped() {
    assert!(parse(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))).is_ok());
    for text in ["[".repeat(MAX_DEPTH + 1), "[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
        let error = refused(&text);
        assert!(error.contains("nested deeper than") || error.contains("is not YAML"), "{error}");
    }
    let error = Document::parse("x.yml", &vec![b' '; MAX_BYTES + 1]).unwrap_err();
    assert_eq!(error.to_string(), "x.yml: is larger than 8 MiB, the most that is read");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name() {
    let document = parse("title: x\nsumary: y\n").unwrap();
    let error = document.fields(&document.root, "the manifest", &["title", "summary"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "x.yml:2:1: unknown key sumary in the manifest\n    2 | sumary: y\n      | ^\n  hint: did you mean summary?"
    );
    let document = parse("- x\n").unwrap();
    let error = document.fields(&document.root, "the manifest", &["title"]).unwrap_err();
    assert!(error.to_string().starts_with("x.yml:1:1: the manifest is a list, not a map"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Document::read(Path::new("/nonexistent/x.yml")).unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent/x.yml: cannot be read"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Document::parse("x.yml", &bytes);
    }

    #[test]
    fn no_text_of_yaml_marks_makes_it_panic(text in "[-a0 :\\n\\t\\[\\]{},&*!|>'\"%@`#?~.<\\\\é]{0,80}") {
        let _ = parse(&text);
    }

    /// What it reads, serde_norway reads alike (it may refuse more, and be refused more).
    #[test]
    fn what_both_read_is_the_same(text in "([a-c]: [a-z0-9.'\" -]{0,8}\\n){0,6}") {
        if let (Ok(ours), Ok(theirs)) = (parse(&text), serde_yaml::from_str::<serde_json::Value>(&text)) {
            prop_assert_eq!(ours.root.to_value().to_json(), theirs);
        }
    }
}
